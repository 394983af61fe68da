/*
 * Line editing at a terminal, by libedit: require "sockq.editor", in the program only.
 *
 * The terminal is in editing mode within editor:read() and nowhere else. Lua is called for
 * completions, in protected mode: no error of its leaves through libedit's frames.
 */
#define _GNU_SOURCE
#include "editor.h"

#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#define EDITOR_TYPE "sockq.editor"

static char *prompt_of(EditLine *el)
{
    struct sockq_editor *e;

    el_wget(el, EL_CLIENTDATA, &e);
    return (char *)(uintptr_t)e->prompt;
}

struct completion {
    struct sockq_editor *e;
    unsigned char answer;
};

/* The protected half of complete. */
static int complete_protected(lua_State *L)
{
    struct completion *completion = lua_touserdata(L, 1);
    struct sockq_editor *e = completion->e;
    const LineInfo *line = el_line(e->el);

    lua_pushlightuserdata(L, e);
    lua_rawget(L, LUA_REGISTRYINDEX);
    lua_pushlstring(L, line->buffer, (size_t)(line->lastchar - line->buffer));
    lua_pushinteger(L, line->cursor - line->buffer);
    lua_call(L, 2, 3);
    const char *insert = lua_tostring(L, -2), *list = lua_tostring(L, -1);
    el_deletestr(e->el, (int)lua_tointeger(L, -3));
    if (insert && el_insertstr(e->el, insert) == 0)
        completion->answer = CC_REFRESH;
    if (list) {
        int behind = sockq_editor_leave_line(e, "");
        fputs(list, stdout);
        fputs("\r\n", stdout);
        el_cursor(e->el, -behind);
        el_wset(e->el, EL_REFRESH);
        completion->answer = CC_NORM;
    }
    return 0;
}

/* libedit's function "complete". */
static unsigned char complete(EditLine *el, int key)
{
    struct completion completion = {.answer = CC_ERROR};

    (void)key;
    el_wget(el, EL_CLIENTDATA, &completion.e);
    lua_State *L = completion.e->L;
    if (lua_cpcall(L, complete_protected, &completion) != 0)
        lua_pop(L, 1);
    return completion.answer;
}

static struct sockq_editor *check_editor(lua_State *L)
{
    struct sockq_editor *e = luaL_checkudata(L, 1, EDITOR_TYPE);

    if (!e->el)
        luaL_argerror(L, 1, "the editor was closed");
    return e;
}

/* A terminal that nobody gave a locale shows UTF-8 nowadays; "C" alone would refuse its letters. */
static void choose_locale(void)
{
    const char *given = getenv("LC_ALL");

    if (!given || !*given)
        given = getenv("LC_CTYPE");
    if (!given || !*given)
        given = getenv("LANG");
    if (!given || !*given)
        (void)setlocale(LC_CTYPE, "C.UTF-8");
    else
        (void)setlocale(LC_CTYPE, "");
}

/* What is opened before the sandbox closes: the editor takes it over. */
static struct {
    EditLine *el;
    History *history;
    struct sockq_history_file file;
    char path[PATH_MAX]; /* of the history, "" without a home */
    int error;           /* why it is not kept */
} opened = {.file = {.fd = -1}};

static bool can_edit(void)
{
    const char *terminal = getenv("TERM");

    return terminal && *terminal && strcmp(terminal, "dumb") != 0 && isatty(STDIN_FILENO) &&
           isatty(STDOUT_FILENO);
}

static void bind_keys(EditLine *el)
{
    static const char *const keys[][2] = {{"^I", "complete"},
                                          {"^R", "em-inc-search-prev"},
                                          {"\\e[1;5C", "em-next-word"},
                                          {"\\e[1;5D", "ed-prev-word"},
                                          {"\\e[3~", "ed-delete-next-char"}};

    el_set(el, EL_EDITOR, "emacs");
    el_set(el, EL_ADDFN, "complete", "Complete the word", complete);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        el_set(el, EL_BIND, keys[i][0], keys[i][1], NULL);
}

static void remember(const char *line, void *context)
{
    History *kept = context;
    HistEvent event;

    /* libedit would go back no further than to what the locale cannot show. */
    if (mbstowcs(NULL, line, 0) != (size_t)-1)
        history(kept, &event, H_ENTER, line);
}

void sockq_editor_open_history(bool secure, bool privileged)
{
    if (!can_edit() || secure || !sockq_history_path(opened.path, sizeof(opened.path)))
        opened.path[0] = '\0';
    else if (sockq_history_open(&opened.file, opened.path, privileged) < 0)
        opened.error = errno;
}

void sockq_editor_prepare(void)
{
    HistEvent event;

    if (!can_edit())
        return;
    choose_locale();
    opened.history = history_init();
    opened.el = opened.history ? el_init("sockq", stdin, stdout, stderr) : NULL;
    if (!opened.el)
        return;
    history(opened.history, &event, H_SETSIZE, SOCKQ_HISTORY_LINES);
    history(opened.history, &event, H_SETUNIQUE, 1);
    el_set(opened.el, EL_SIGNAL, 0);
    el_set(opened.el, EL_PROMPT, prompt_of);
    el_set(opened.el, EL_HIST, history, opened.history);
    el_wset(opened.el, EL_GETCFN, sockq_editor_read_key);
    bind_keys(opened.el);
    el_source(opened.el, NULL);
    if (opened.file.fd >= 0 && sockq_history_load(&opened.file, remember, opened.history) < 0) {
        opened.error = errno;
        sockq_history_close(&opened.file);
    }
}

/*
 * Lua: editor.open() → editor, or nil where input or output is no terminal that can be edited on;
 * once. The user's ~/.editrc was obeyed, and what was typed before is known.
 */
static int l_open(lua_State *L)
{
    if (!can_edit())
        return 0;
    if (!opened.el && sockq_lua_program->sandboxed)
        return luaL_error(L,
                          "line editing needs files: in the sandbox there is none but in sockq -i");
    if (!opened.el) {
        sockq_editor_open_history(getauxval(AT_SECURE) != 0, sockq_lua_program->privileged);
        sockq_editor_prepare();
    }
    if (!opened.el)
        return luaL_error(L, "not enough memory for line editing");
    struct sockq_editor *e = lua_newuserdata(L, sizeof(*e));
    memset(e, 0, sizeof(*e));
    luaL_getmetatable(L, EDITOR_TYPE);
    lua_setmetatable(L, -2);
    e->el = opened.el;
    e->history = opened.history;
    e->file = opened.file;
    e->prompt = "";
    opened.el = NULL;
    el_set(e->el, EL_CLIENTDATA, e);
    return 1;
}

/* Lua: editor.kept() → true if what is typed is kept in a file; or nil, why not, the file's path */
static int l_kept(lua_State *L)
{
    if (opened.path[0] && !opened.error) {
        lua_pushboolean(L, 1);
        return 1;
    }
    lua_pushnil(L);
    lua_pushstring(L, opened.path[0] ? strerror(opened.error) : "there is no home folder");
    lua_pushstring(L, opened.path[0] ? opened.path : "history");
    return 3;
}

static int editor_close(lua_State *L)
{
    struct sockq_editor *e = luaL_checkudata(L, 1, EDITOR_TYPE);

    sockq_history_close(&e->file);
    if (e->el)
        el_end(e->el);
    if (e->history)
        history_end(e->history);
    e->el = NULL;
    e->history = NULL;
    return 0;
}

static void set_complete(lua_State *L, struct sockq_editor *e, int index)
{
    lua_pushlightuserdata(L, e);
    if (index)
        lua_pushvalue(L, index);
    else
        lua_pushnil(L);
    lua_rawset(L, LUA_REGISTRYINDEX);
}

/* @return the line, owned by libedit and with its line feed if it has one, or NULL */
static const char *get_line(struct sockq_editor *e, lua_State *L, const char *prompt)
{
    int length = 0;

    e->L = L;
    e->prompt = prompt;
    memset(&e->decoding, 0, sizeof(e->decoding));
    sockq_editor_take_signals(e);
    /* Ctrl-C just before: what it was meant for is over. */
    e->interrupted = sockq_lua_take_interrupt();
    const char *line = e->interrupted ? NULL : el_gets(e->el, &length);
    sockq_editor_give_signals_back(e);
    e->L = NULL;
    e->prompt = "";
    return length > 0 ? line : NULL;
}

/*
 * Lua: editor:read(prompt, complete) → line, or nil, "end" | "interrupted"
 *
 * The Tab key calls complete(line, cursor), cursor being the bytes before it; it returns how many
 * characters before the cursor to delete, the text to insert there, and the text to show below the
 * line; nil for nothing.
 */
static int editor_read(lua_State *L)
{
    struct sockq_editor *e = check_editor(L);
    const char *prompt = luaL_checkstring(L, 2);

    luaL_checktype(L, 3, LUA_TFUNCTION);
    if (e->L)
        return luaL_error(L, "the editor is reading a line already");
    set_complete(L, e, 3);
    const char *line = get_line(e, L, prompt);
    set_complete(L, e, 0);
    if (!line) {
        if (!e->interrupted)
            fputs("\n", stdout);
        lua_pushnil(L);
        lua_pushstring(L, e->interrupted ? "interrupted" : "end");
        return 2;
    }
    size_t size = strlen(line);
    lua_pushlstring(L, line, size > 0 && line[size - 1] == '\n' ? size - 1 : size);
    return 1;
}

static int push_errno(lua_State *L)
{
    lua_pushnil(L);
    lua_pushstring(L, strerror(errno));
    return 2;
}

/* Lua: editor:add(line) → true, or nil, message if it could not be written to the file */
static int editor_add(lua_State *L)
{
    struct sockq_editor *e = check_editor(L);
    size_t length;
    const char *line = luaL_checklstring(L, 2, &length);

    remember(line, e->history);
    if (sockq_history_append(&e->file, line, length) < 0)
        return push_errno(L);
    lua_pushboolean(L, 1);
    return 1;
}

int luaopen_sockq_editor(lua_State *L)
{
    static const luaL_Reg functions[] = {{"open", l_open}, {"kept", l_kept}, {NULL, NULL}};
    static const luaL_Reg methods[] = {
        {"read", editor_read}, {"add", editor_add}, {"close", editor_close}, {NULL, NULL}};

    luaL_newmetatable(L, EDITOR_TYPE);
    lua_newtable(L);
    luaL_register(L, NULL, methods);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, editor_close);
    lua_setfield(L, -2, "__gc");
    lua_pushliteral(L, EDITOR_TYPE);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
    lua_newtable(L);
    luaL_register(L, NULL, functions);
    return 1;
}

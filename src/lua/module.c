#include "lua.h"

#include <stdio.h>
#include <string.h>

#include "../facts.h"
#include "../problem.h"

const struct sockq_program *sockq_lua_program;

const struct sockq_embedded *sockq_embedded_find(const char *name)
{
    for (const struct sockq_embedded *file = sockq_embedded_files; file->name; file++)
        if (strcmp(file->name, name) == 0)
            return file;
    return NULL;
}

/* Lua: core.embedded(name) → text or nil */
static int l_embedded(lua_State *L)
{
    const struct sockq_embedded *file = sockq_embedded_find(luaL_checkstring(L, 1));

    if (!file)
        return 0;
    lua_pushlstring(L, file->bytes, (size_t)(file->end - file->bytes));
    return 1;
}

/* Push the function of an embedded file: from bytecode, or from text in a LuaJIT that has another.
 */
static int load_embedded(lua_State *L, const struct sockq_embedded *file)
{
    char chunk[162];

    snprintf(chunk, sizeof(chunk), "@%s", file->name);
    if (file->code &&
        luaL_loadbufferx(L, file->code, (size_t)(file->code_end - file->code), chunk, "b") == 0)
        return 0;
    if (file->code)
        lua_pop(L, 1);
    return luaL_loadbufferx(L, file->bytes, (size_t)(file->end - file->bytes), chunk, "t");
}

/* Lua: core.compiled(name, text) → the function of an embedded file whose text this is, or nil */
static int l_compiled(lua_State *L)
{
    const struct sockq_embedded *file = sockq_embedded_find(luaL_checkstring(L, 1));
    size_t length;
    const char *text = luaL_checklstring(L, 2, &length);

    if (!file || length != (size_t)(file->end - file->bytes) ||
        memcmp(text, file->bytes, length) != 0)
        return 0;
    return load_embedded(L, file) == 0 ? 1 : lua_error(L);
}

/* Lua: core.embedded_names() → { name, … } */
static int l_embedded_names(lua_State *L)
{
    int count = 0;

    lua_newtable(L);
    for (const struct sockq_embedded *file = sockq_embedded_files; file->name; file++) {
        lua_pushstring(L, file->name);
        lua_rawseti(L, -2, ++count);
    }
    return 1;
}

/* Lua: core.problem_text(reason) → phrase */
static int l_problem_text(lua_State *L)
{
    lua_pushstring(L, sockq_problem_text((uint32_t)luaL_checkinteger(L, 1)));
    return 1;
}

/* Lua: core.fact_path(number) → path below /proc; nil past the last */
static int l_fact_path(lua_State *L)
{
    lua_pushstring(L, sockq_fact_path((uint32_t)luaL_checkinteger(L, 1)));
    return 1;
}

/* Lua: loader for "sockq.x.y": lua/sockq/x/y.lua, or its init.lua */
int sockq_lua_searcher(lua_State *L)
{
    char name[128], path[160];
    size_t length;
    const char *module = luaL_checklstring(L, 1, &length);

    if (length >= sizeof(name)) {
        lua_pushliteral(L, "\n\tno such embedded module");
        return 1;
    }
    for (size_t i = 0; i <= length; i++)
        name[i] = (char)(module[i] == '.' ? '/' : module[i]);
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), i == 0 ? "lua/%s.lua" : "lua/%s/init.lua", name);
        const struct sockq_embedded *file = sockq_embedded_find(path);
        if (!file)
            continue;
        return load_embedded(L, file) == 0 ? 1 : lua_error(L);
    }
    lua_pushfstring(L, "\n\tno embedded file 'lua/%s.lua'", name);
    return 1;
}

/* { NAME = true, or the list of its arguments }; of --watch --watch=3 the last counts */
static void push_given(lua_State *L, const struct sockq_options *options)
{
    lua_newtable(L);
    for (int i = 0; i < options->given_count; i++) {
        const struct sockq_given *given = &options->given[i];
        if (!given->argument) {
            lua_pushboolean(L, 1);
            lua_setfield(L, -2, given->option->name);
            continue;
        }
        lua_getfield(L, -1, given->option->name);
        if (!lua_istable(L, -1)) {
            lua_pop(L, 1);
            lua_newtable(L);
            lua_pushvalue(L, -1);
            lua_setfield(L, -3, given->option->name);
        }
        lua_pushstring(L, given->argument);
        lua_rawseti(L, -2, (int)lua_objlen(L, -2) + 1);
        lua_pop(L, 1);
    }
}

static void push_option_table(lua_State *L)
{
    int count = 0;

    lua_newtable(L);
    for (const struct sockq_option *o = sockq_option_table; o->name; o++) {
        char letter[2] = {(char)o->letter, '\0'};
        lua_newtable(L);
        if (o->letter) {
            lua_pushstring(L, letter);
            lua_setfield(L, -2, "letter");
        }
        lua_pushstring(L, o->name);
        lua_setfield(L, -2, "name");
        lua_pushstring(L, o->argument);
        lua_setfield(L, -2, "argument");
        lua_pushstring(L, o->group);
        lua_setfield(L, -2, "group");
        lua_pushstring(L, o->help);
        lua_setfield(L, -2, "help");
        lua_rawseti(L, -2, ++count);
    }
}

/* { mode, given = { NAME = true or { argument, … } }, words, bad, bad_what } */
static void push_parsed(lua_State *L, const struct sockq_options *options)
{
    static const char *const modes[] = {[SOCKQ_MODE_QUERY] = "query",
                                        [SOCKQ_MODE_NAME] = "name",
                                        [SOCKQ_MODE_SCRIPT] = "script",
                                        [SOCKQ_MODE_STDIN] = "stdin",
                                        [SOCKQ_MODE_CHUNK] = "chunk"};

    lua_newtable(L);
    lua_pushstring(L, modes[options->mode]);
    lua_setfield(L, -2, "mode");
    push_given(L, options);
    lua_setfield(L, -2, "given");
    lua_newtable(L);
    for (int i = 0; i < options->word_count; i++) {
        lua_pushstring(L, options->words[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, "words");
    lua_pushstring(L, options->bad);
    lua_setfield(L, -2, "bad");
    lua_pushstring(L, options->bad_what);
    lua_setfield(L, -2, "bad_what");
}

/*
 * Lua: core.command_line() → { mode, given = { NAME = true or { argument, … } }, words, bad,
 * bad_what, euid, proc }, or nil in a stock luajit
 */
static int l_command_line(lua_State *L)
{
    if (!sockq_lua_program)
        return 0;
    push_parsed(L, sockq_lua_program->options);
    lua_pushinteger(L, (lua_Integer)sockq_lua_program->euid);
    lua_setfield(L, -2, "euid");
    lua_pushstring(L, sockq_lua_program->proc_path);
    lua_setfield(L, -2, "proc");
    return 1;
}

/* Lua: core.sandboxed() → true if Lua is to have no files, sockets and processes */
static int l_sandboxed(lua_State *L)
{
    lua_pushboolean(L, sockq_lua_program && sockq_lua_program->sandboxed);
    return 1;
}

/* Lua: core.refuses_lua() → why no Lua but what is built in may run, nil if any may: without the
 * filter of system calls it is not to be let near what sockq was started with */
static int l_refuses_lua(lua_State *L)
{
    const struct sockq_program *program = sockq_lua_program;

    if (!program || !program->privileged || !program->locks->seccomp_error)
        return 0;
    lua_pushfstring(L,
                    "the sandbox has no seccomp here (%s); start sockq without privileges, or with "
                    "--trust if you trust the script",
                    strerror(program->locks->seccomp_error));
    return 1;
}

/* A name that is known beforehand, and what it names. */
struct known_name {
    const char *name;
    enum sockq_name kind;
};

static enum sockq_name kind_of_known(const char *word, const struct sockq_options *options,
                                     void *context)
{
    const struct known_name *known = context;

    (void)options;
    return known->name && strcmp(word, known->name) == 0 ? known->kind : SOCKQ_NAME_NONE;
}

/* Lua, protected: what l_parse_words returns, of the options at a pointer */
static int push_parsed_protected(lua_State *L)
{
    push_parsed(L, lua_touserdata(L, 1));
    return 1;
}

/*
 * Lua: core.parse_words({ word, … }[, name, is_view]) → what command_line() gives of these words:
 * { mode, given, words, bad, bad_what }. name: a word that is the name of a view, whose own all
 * that follows is, or of a report or command
 */
static int l_parse_words(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    struct known_name known = {.name = luaL_optstring(L, 2, NULL),
                               .kind = lua_toboolean(L, 3) ? SOCKQ_NAME_VIEW : SOCKQ_NAME_OTHER};
    int argc = (int)lua_objlen(L, 1) + 1;
    char **argv = lua_newuserdata(L, sizeof(*argv) * ((size_t)argc + 1));
    struct sockq_options *options = lua_newuserdata(L, sizeof(*options));
    static char program[] = "sockq";

    argv[0] = program;
    for (int i = 1; i < argc; i++) {
        lua_rawgeti(L, 1, i);
        argv[i] = (char *)(uintptr_t)luaL_checkstring(L, -1);
        lua_pop(L, 1); /* the table keeps it alive */
    }
    argv[argc] = NULL;
    /* Before there is what an error would leave behind. */
    lua_pushcfunction(L, push_parsed_protected);
    lua_pushvalue(L, -2);
    if (sockq_options_parse(options, argc, argv, kind_of_known, &known) < 0)
        return luaL_error(L, "not enough memory");
    int failed = lua_pcall(L, 1, 1, 0);
    sockq_options_free(options);
    return failed ? lua_error(L) : 1;
}

/* Lua: core.options() → the option table, for help */
static int l_options(lua_State *L)
{
    push_option_table(L);
    return 1;
}

static void push_text(lua_State *L, const struct sockq_text *text)
{
    lua_newtable(L);
    lua_pushstring(L, text->kind);
    lua_setfield(L, -2, "kind");
    lua_pushstring(L, text->name);
    lua_setfield(L, -2, "name");
    lua_pushstring(L, text->path);
    lua_setfield(L, -2, "path");
    if (text->bytes)
        lua_pushlstring(L, text->bytes, text->size);
    else
        lua_pushnil(L);
    lua_setfield(L, -2, "source");
    lua_pushstring(L, text->error);
    lua_setfield(L, -2, "error");
}

/*
 * Lua: core.texts() → { { kind, name, path, source or error }, … }: the script and the plug-ins,
 * first found first. The program read them before privileges were dropped; in a stock luajit they
 * are read here.
 */
static int l_texts(lua_State *L)
{
    struct sockq_texts here = {0}, *texts = &here;

    if (sockq_lua_program)
        texts = sockq_lua_program->texts;
    else if (sockq_texts_read_plugins(texts) < 0)
        return luaL_error(L, "not enough memory");
    lua_newtable(L);
    for (size_t i = 0; i < texts->count; i++) {
        push_text(L, &texts->list[i]);
        lua_rawseti(L, -2, (int)i + 1);
    }
    sockq_texts_free(&here);
    return 1;
}

/* Lua: core.data() → { { word = "NAME=FILE", error = text or nil }, … }: the files of --data */
static int l_data(lua_State *L)
{
    const struct sockq_data_list *data = sockq_lua_program ? sockq_lua_program->data : NULL;

    lua_newtable(L);
    for (size_t i = 0; data && i < data->count; i++) {
        lua_createtable(L, 0, 2);
        lua_pushstring(L, data->list[i].word);
        lua_setfield(L, -2, "word");
        lua_pushstring(L, data->list[i].error);
        lua_setfield(L, -2, "error");
        lua_rawseti(L, -2, (int)i + 1);
    }
    return 1;
}

/* Lua: core.data_text(number) → the bytes of one of them, nil if it could not be read */
static int l_data_text(lua_State *L)
{
    const struct sockq_data_list *data = sockq_lua_program ? sockq_lua_program->data : NULL;
    lua_Integer number = luaL_checkinteger(L, 1);

    if (!data || number < 1 || (size_t)number > data->count)
        return luaL_argerror(L, 1, "no such file");
    const struct sockq_data *one = &data->list[number - 1];
    if (one->bytes)
        lua_pushlstring(L, one->bytes, one->size);
    else
        lua_pushnil(L);
    return 1;
}

int luaopen_sockq_core(lua_State *L)
{
    static const luaL_Reg functions[] = {{"embedded", l_embedded},
                                         {"embedded_names", l_embedded_names},
                                         {"compiled", l_compiled},
                                         {"problem_text", l_problem_text},
                                         {"fact_path", l_fact_path},
                                         {"sandboxed", l_sandboxed},
                                         {"refuses_lua", l_refuses_lua},
                                         {"command_line", l_command_line},
                                         {"parse_words", l_parse_words},
                                         {"options", l_options},
                                         {"texts", l_texts},
                                         {"data", l_data},
                                         {"data_text", l_data_text},
                                         {NULL, NULL}};

    lua_newtable(L);
    luaL_register(L, NULL, functions);
    sockq_lua_open_client(L);
    sockq_lua_open_recording(L);
    sockq_lua_open_names(L);
    sockq_lua_open_ss(L);
    sockq_lua_open_netns(L);
    sockq_lua_open_getopt(L);
    sockq_lua_open_system(L);
    sockq_lua_open_interrupt(L);
    sockq_lua_open_limits(L);
    sockq_lua_open_terminal(L);
    sockq_lua_open_progress(L);
    lua_pushliteral(L, SOCKQ_VERSION);
    lua_setfield(L, -2, "version");
    return 1;
}

/*
 * Line editing on a terminal: what is typed, completed, drawn and kept; signals while a key is
 * waited for; and what happens where a call fails or the terminal is none to edit on.
 *
 * Linked with the options in test_editor.link, so that the calls come here first.
 */
#define _GNU_SOURCE
#include "terminal.h"

#include <locale.h>

#include "../../src/lua/editor.h"

/* What a case does not name is zero. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* One case: what runs, on which terminal, with which call failing. */
struct editor_case {
    const char *name;
    const char *chunk;
    struct terminal_step steps[STEPS_MOST];
    const char *shown[3];       /* at the end */
    const char *environment[3]; /* NAME=VALUE, or NAME to unset */
    const char *fails;
    int error;
    bool sandboxed;
    bool prepared; /* as for -i */
    bool ignores;  /* Ctrl-C */
    bool secure;   /* the environment is not to be trusted */
    bool no_input, no_output;
};

static const struct editor_case *current;
static bool has_waited; /* for a key */

static bool fails(const char *call)
{
    if (!current || !current->fails || strcmp(current->fails, call) != 0)
        return false;
    errno = current->error;
    return true;
}

/* Once, and not again. */
static bool fails_once(const char *call)
{
    static bool did;

    return !did && (did = fails(call));
}

History *__real_history_init(void);
History *__wrap_history_init(void);
History *__wrap_history_init(void)
{
    return fails("history_init") ? NULL : __real_history_init();
}

EditLine *__real_el_init(const char *name, FILE *in, FILE *out, FILE *err);
EditLine *__wrap_el_init(const char *name, FILE *in, FILE *out, FILE *err);
EditLine *__wrap_el_init(const char *name, FILE *in, FILE *out, FILE *err)
{
    return fails("el_init") ? NULL : __real_el_init(name, in, out, err);
}

int __real_ppoll(struct pollfd *list, nfds_t count, const struct timespec *time,
                 const sigset_t *mask);
int __wrap_ppoll(struct pollfd *list, nfds_t count, const struct timespec *time,
                 const sigset_t *mask);
int __wrap_ppoll(struct pollfd *list, nfds_t count, const struct timespec *time,
                 const sigset_t *mask)
{
    has_waited = true;
    return fails_once("ppoll") ? -1 : __real_ppoll(list, count, time, mask);
}

int __real_tcgetattr(int fd, struct termios *modes);
int __wrap_tcgetattr(int fd, struct termios *modes);
int __wrap_tcgetattr(int fd, struct termios *modes)
{
    /* libedit's own come before. */
    return has_waited && fails_once("tcgetattr") ? -1 : __real_tcgetattr(fd, modes);
}

int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...)
{
    va_list list;

    va_start(list, request);
    void *argument = va_arg(list, void *);
    va_end(list);
    if (request == TIOCGWINSZ && fails("TIOCGWINSZ"))
        return -1;
    int result = __real_ioctl(fd, request, argument);
    if (request == TIOCGWINSZ && fails("columns"))
        ((struct winsize *)argument)->ws_col = 0;
    return result;
}

int __real_sockq_history_load(struct sockq_history_file *file,
                              void (*use)(const char *line, void *context), void *context);
int __wrap_sockq_history_load(struct sockq_history_file *file,
                              void (*use)(const char *line, void *context), void *context);
int __wrap_sockq_history_load(struct sockq_history_file *file,
                              void (*use)(const char *line, void *context), void *context)
{
    return fails("load") ? -1 : __real_sockq_history_load(file, use, context);
}

int __real_sockq_history_append(struct sockq_history_file *file, const char *line, size_t length);
int __wrap_sockq_history_append(struct sockq_history_file *file, const char *line, size_t length);
int __wrap_sockq_history_append(struct sockq_history_file *file, const char *line, size_t length)
{
    return fails("append") ? -1 : __real_sockq_history_append(file, line, length);
}

bool __real_sockq_lua_take_interrupt(void);
bool __wrap_sockq_lua_take_interrupt(void);
bool __wrap_sockq_lua_take_interrupt(void)
{
    return fails_once("interrupt") || __real_sockq_lua_take_interrupt();
}

ssize_t __real_read(int fd, void *into, size_t size);
ssize_t __wrap_read(int fd, void *into, size_t size);
ssize_t __wrap_read(int fd, void *into, size_t size)
{
    if (fd == STDIN_FILENO && fails_once("read"))
        return current->error ? -1 : 0;
    return __real_read(fd, into, size);
}

ssize_t __wrap___read_chk(int fd, void *into, size_t size, size_t room);
ssize_t __wrap___read_chk(int fd, void *into, size_t size, size_t room)
{
    assert_true(size <= room);
    return __wrap_read(fd, into, size);
}

/* In the child: as the program would. @return 0 if the chunk raised no error */
static int run_chunk(const void *context)
{
    static struct sockq_program program;
    static const char before[] =
        "local editor = ...\n"
        "function say(...)\n"
        "  local t = { ... }\n"
        "  for i = 1, select('#', ...) do t[i] = tostring(t[i]) end\n"
        "  io.write('<', table.concat(t, '|'), '>\\n')\n"
        "  io.flush()\n"
        "end\n"
        "function read(complete) say(e:read('> ', complete or function() end)) end\n";
    char chunk[2048];

    current = context;
    for (int i = 0; i < 3 && current->environment[i]; i++)
        if (strchr(current->environment[i], '='))
            putenv((char *)(uintptr_t)current->environment[i]);
        else
            unsetenv(current->environment[i]);
    if (current->ignores)
        signal(SIGINT, SIG_IGN);
    if ((current->no_input || current->no_output) &&
        dup2(open("/dev/null", O_RDWR), current->no_input ? STDIN_FILENO : STDOUT_FILENO) < 0)
        return 1;
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    luaopen_sockq_editor(L);
    lua_setglobal(L, "editor");
    program.sandboxed = current->sandboxed;
    sockq_lua_program = &program;
    if (current->prepared) {
        sockq_editor_open_history(current->secure, false);
        sockq_editor_prepare();
    }
    snprintf(chunk, sizeof(chunk), "%s%s", before, current->chunk);
    int failed = luaL_loadstring(L, chunk);
    if (!failed) {
        lua_getglobal(L, "editor");
        failed = lua_pcall(L, 1, 0, 0);
    }
    if (failed)
        printf("<error: %s>\n", lua_tostring(L, -1));
    lua_close(L);
    fflush(stdout);
    return 0;
}

#define OPEN "e = assert(editor.open()) "
#define READ OPEN "read() "
#define SHOW_OPEN "io.stderr:write('<', tostring((editor.open())), '>')"
#define COMPLETE(answer) OPEN "read(function(line, cursor) " answer " end) "

static const struct editor_case cases[] = {
    {"a line", READ, {{"> ", "abc\r"}}, {"<abc>"}},
    {"an empty line", READ, {{"> ", "\r"}}, {"<>"}},
    {"the end", READ, {{"> ", "\4"}}, {"<nil|end>"}},
    {"letters of several bytes",
     READ,
     {{"> ", "\303\244\342\202\254\r"}},
     {"<\303\244\342\202\254>"}},
    {"bytes that are no letters", READ, {{"> ", "a\303\303\244\377b\303(\r"}}, {"<a\303\244b(>"}},
    {"a NUL", READ, {{"> ", "a", .nul = true}, {NULL, "b\r"}}, {"<ab>"}},
    {"two lines, and what was typed before",
     READ "e:add('before') read()",
     {{"> ", "x\r"}, {"> ", "\033[A\r"}},
     {"<x>", "<before>"}},
    {"Ctrl-C",
     READ "read()",
     {{"> ", "abc"}, {"abc", "\3"}, {"> ", "d\r"}},
     {"^C", "<nil|interrupted>", "<d>"}},
    {"Ctrl-C within the line",
     READ,
     {{"> ", "abc\002\002"}, {"abc", NULL}, {NULL, "\3"}},
     {"^C", "<nil|interrupted>"}},
    {"Ctrl-C that is ignored", READ, {{"> ", "ab"}, {"ab", "\3\r"}}, {"<ab>"}, .ignores = true},
    {"Ctrl-C just before",
     READ "read()",
     {{"> ", "b\r"}},
     {"<nil|interrupted>", "<b>"},
     .fails = "interrupt"},
    {"a control character, and another width",
     READ,
     {{"> ", "a\026\001bcdefghijklmnopqrstuvwxyz"}, {"z", NULL, SIGWINCH, 10}, {"\033[J", "\r"}},
     {"<a\001bcdefghijklmnopqrstuvwxyz>"}},
    {"a width that is not told",
     READ,
     {{"> ", "abc"}, {"abc", NULL, SIGWINCH}, {"abc", "\r"}},
     {"<abc>"},
     .fails = "columns"},
    {"a width that cannot be asked for",
     READ,
     {{"> ", "abc"}, {"abc", NULL, SIGWINCH}, {"abc", "\r"}},
     {"<abc>"},
     .fails = "TIOCGWINSZ",
     .error = ENOTTY},
    {"continued", READ, {{"> ", "abc"}, {"abc", NULL, SIGCONT}, {"abc", "\r"}}, {"<abc>"}},
    {"continued after somebody else had the terminal",
     READ,
     {{"> ", "abc"}, {"abc", NULL, SIGCONT, .cooked = true}, {"abc", "d\r"}},
     {"<abcd>"}},
    {"continued, and its modes cannot be asked for",
     READ,
     {{"> ", "abc"}, {"abc", NULL, SIGCONT}, {"abc", "d\r"}},
     {"<abcd>"},
     .fails = "tcgetattr",
     .error = EIO},
    {"a terminal that can hardly do anything",
     READ,
     {{"> ", "abc"}, {"abc", NULL, SIGWINCH}, {NULL, "\r"}},
     {"<abc>"},
     {"TERM=no-such-terminal"}},
    {"completed", COMPLETE("return 1, 'xyz'"), {{"> ", "ab\t"}, {"xyz", "\r"}}, {"<axyz>"}},
    {"completed by nothing", COMPLETE("return 0, ''"), {{"> ", "ab\tc\r"}}, {"<abc>"}},
    {"not completed", COMPLETE("return"), {{"> ", "ab\tc\r"}}, {"<abc>"}},
    {"an error of the completion", COMPLETE("error('x')"), {{"> ", "ab\tc\r"}}, {"<abc>"}},
    {"a list below the line",
     COMPLETE("return 0, nil, line .. cursor .. ' one two'"),
     {{"> ", "abc\002\t"}, {"abc2 one two", NULL}, {"> a", "\r"}},
     {"<abc>"}},
    {"a line within a line",
     COMPLETE("say(pcall(e.read, e, '? ', print))"),
     {{"> ", "a\t"}, {"reading a line already>", "\r"}},
     {"<false|", "<a>"}},
    {"a wait that fails",
     READ "read()",
     {{"> ", NULL}, {"> ", "b\r"}},
     {"<nil|end>", "<b>"},
     .fails = "ppoll",
     .error = ENOMEM},
    {"a wait that is interrupted",
     READ,
     {{"> ", "b\r"}},
     {"<b>"},
     .fails = "ppoll",
     .error = EINTR},
    {"a key that is interrupted", READ, {{"> ", "b\r"}}, {"<b>"}, .fails = "read", .error = EINTR},
    {"a key that is not there yet",
     READ,
     {{"> ", "b\r"}},
     {"<b>"},
     .fails = "read",
     .error = EAGAIN},
    {"a key that cannot be read",
     READ,
     {{"> ", "b"}},
     {"<nil|end>"},
     .fails = "read",
     .error = EIO},
    {"a terminal that is gone", READ, {{"> ", "b"}}, {"<nil|end>"}, .fails = "read"},
    {"closed", OPEN "e:close() e:close() read()", {{NULL}}, {"(the editor was closed)>"}},
    {"opened once", OPEN "say(pcall(editor.open))", {{NULL}}, {"<true|"}},
    {"no memory for the history",
     "say(pcall(editor.open))",
     {{NULL}},
     {"<false|not enough memory for line editing>"},
     .fails = "history_init",
     .error = ENOMEM},
    {"no memory for the editor",
     "say(pcall(editor.open))",
     {{NULL}},
     {"<false|not enough memory for line editing>"},
     .fails = "el_init",
     .error = ENOMEM},
    {"in the sandbox",
     "say(pcall(editor.open))",
     {{NULL}},
     {"in the sandbox there is none but in"},
     .sandboxed = true},
    {"in the sandbox, prepared",
     READ,
     {{"> ", "b\r"}},
     {"<b>"},
     .sandboxed = true,
     .prepared = true},
    {"no terminal to edit on", "say(editor.open())", {{NULL}}, {"<>"}, {"TERM=dumb"}},
    {"no terminal to type on", SHOW_OPEN, {{NULL}}, {"<nil>"}, .no_input = true},
    {"no terminal to show it on", SHOW_OPEN, {{NULL}}, {"<nil>"}, .no_output = true},
    {"no terminal for what is prepared",
     "say(editor.kept())",
     {{NULL}},
     {"<nil|there is no home folder|history>"},
     {"TERM=dumb"},
     .prepared = true},
    {"what the locale cannot show is kept, but not offered",
     READ "e:add('\\255') read()",
     {{"> ", "x\r"}, {"> ", "\033[A\r"}},
     {"<x>", "<>"}},
    {"a terminal without a name", "say(editor.open())", {{NULL}}, {"<>"}, {"TERM="}},
    {"a terminal that nobody named", "say(editor.open())", {{NULL}}, {"<>"}, {"TERM"}},
    {"not kept for want of a home",
     "say(editor.kept())",
     {{NULL}},
     {"<nil|there is no home folder|history>"},
     {"HOME", "XDG_STATE_HOME"},
     .prepared = true},
    {"not kept where the environment is not to be trusted",
     "say(editor.kept())",
     {{NULL}},
     {"<nil|there is no home folder|history>"},
     .prepared = true,
     .secure = true},
    {"not kept in a file",
     "say(editor.kept())",
     {{NULL}},
     {"<nil|Not a directory|/dev/null/sockq/history>"},
     {"XDG_STATE_HOME=/dev/null"},
     .prepared = true},
    {"kept",
     READ "say(e:add('x')) say(editor.kept())",
     {{"> ", "b\r"}},
     {"<b>", "<true>\r\n<true>"},
     .prepared = true},
    {"a history that cannot be read",
     "say(editor.kept())",
     {{NULL}},
     {"<nil|Input/output error|"},
     .prepared = true,
     .fails = "load",
     .error = EIO},
    {"a history that cannot be written",
     OPEN "say(e:add('x'))",
     {{NULL}},
     {"<nil|No space left on device>"},
     .prepared = true,
     .fails = "append",
     .error = ENOSPC},
    {"a locale for everything", READ, {{"> ", "\303\244\r"}}, {"<\303\244>"}, {"LC_ALL=C.UTF-8"}},
    {"a locale for characters",
     READ,
     {{"> ", "\303\244\r"}},
     {"<\303\244>"},
     {"LC_ALL=", "LC_CTYPE=C.UTF-8"}},
    {"a language",
     READ,
     {{"> ", "\303\244\r"}},
     {"<\303\244>"},
     {"LC_ALL=", "LC_CTYPE=", "LANG=C.UTF-8"}},
    {"no locale", READ, {{"> ", "\303\244\r"}}, {"<\303\244>"}, {"LC_ALL=", "LC_CTYPE=", "LANG="}},
    {"letters that the locale does not have",
     READ,
     {{"> ", "a\303\244b\r"}},
     {"<ab>"},
     {"LC_ALL=C"}},
};

static void one_case(void **state)
{
    struct fixture *f = *state;
    const struct editor_case *one = f->given;

    setenv("TERM", "xterm", 1);
    setenv("HOME", f->path, 1);
    setenv("XDG_STATE_HOME", path_of(f, "state"), 1);
    unsetenv("LC_ALL");
    unsetenv("LC_CTYPE");
    unsetenv("LANG");
    int status = terminal_run(run_chunk, one, one->steps);
    assert_int_equal(status, 0);
    for (int i = 0; i < 3 && one->shown[i]; i++)
        if (!strstr(terminal_screen, one->shown[i]))
            fail_msg("%s was not shown; shown was: %s", one->shown[i], terminal_screen);
}

int main(void)
{
    return run_cases("editor", cases, sizeof(cases[0]), COUNT(cases), one_case);
}

/*
 * The terminal of a live view: keys as terminals send them, whole and in pieces; its size; taking
 * it, painting, giving it back; and what happens where a call fails.
 *
 * Linked with the options in test_terminal.link, so that the calls come here first.
 */
#define _GNU_SOURCE
#include "terminal.h"

#include "../../src/lua/lua.h"
#include "../../src/terminal.h"

/* What a case does not name is zero. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

struct terminal_case {
    const char *name;
    const char *chunk;
    struct terminal_step steps[STEPS_MOST];
    const char *shown[3]; /* in this order */
    const char *fails;
    int error;
    int passes;
    bool no_terminal; /* neither input nor output is one */
    bool no_input;
    bool no_keys;    /* as where /dev/tty cannot be opened */
    bool slow;       /* a read gives one byte */
    bool write_only; /* the output */
    int times;       /* that it fails; 0: once */
};

static const struct terminal_case *current;
static int passes;

static bool fails(const char *call)
{
    static int times;
    const int most = current && current->times ? current->times : 1;

    if (!current || times >= most || !current->fails || strcmp(current->fails, call) != 0 ||
        passes-- > 0)
        return false;
    errno = current->error;
    times++;
    return true;
}

ssize_t __real_read(int fd, void *into, size_t size);
ssize_t __wrap_read(int fd, void *into, size_t size);
ssize_t __wrap_read(int fd, void *into, size_t size)
{
    if (fails("read"))
        return current->error ? -1 : 0;
    return __real_read(fd, into, current && current->slow ? 1 : size);
}

ssize_t __wrap___read_chk(int fd, void *into, size_t size, size_t room);
ssize_t __wrap___read_chk(int fd, void *into, size_t size, size_t room)
{
    assert_true(size <= room);
    return __wrap_read(fd, into, size);
}

ssize_t __real_write(int fd, const void *bytes, size_t size);
ssize_t __wrap_write(int fd, const void *bytes, size_t size);
ssize_t __wrap_write(int fd, const void *bytes, size_t size)
{
    if (fails("write"))
        return -1;
    /* In pieces, as a slow terminal takes it. */
    return __real_write(fd, bytes, current && size > 5 ? 5 : size);
}

int __real_tcgetattr(int fd, struct termios *modes);
int __wrap_tcgetattr(int fd, struct termios *modes);
int __wrap_tcgetattr(int fd, struct termios *modes)
{
    return fails("tcgetattr") ? -1 : __real_tcgetattr(fd, modes);
}

int __real_tcsetattr(int fd, int when, const struct termios *modes);
int __wrap_tcsetattr(int fd, int when, const struct termios *modes);
int __wrap_tcsetattr(int fd, int when, const struct termios *modes)
{
    return fails("tcsetattr") ? -1 : __real_tcsetattr(fd, when, modes);
}

int __real_isatty(int fd);
int __wrap_isatty(int fd);
int __wrap_isatty(int fd)
{
    return fails("isatty") ? 0 : __real_isatty(fd);
}

pid_t __real_tcgetpgrp(int fd);
pid_t __wrap_tcgetpgrp(int fd);
pid_t __wrap_tcgetpgrp(int fd)
{
    if (fails("tcgetpgrp"))
        return current->error ? -1 : 1;
    return __real_tcgetpgrp(fd);
}

static int fcntl_of(int fd, int command, void *argument)
{
    extern int __real_fcntl(int, int, ...);

    return fails("fcntl") ? -1 : __real_fcntl(fd, command, argument);
}

#define FCNTL(name)                                                                                \
    int __wrap_##name(int fd, int command, ...);                                                   \
    int __wrap_##name(int fd, int command, ...)                                                    \
    {                                                                                              \
        va_list list;                                                                              \
        va_start(list, command);                                                                   \
        void *argument = va_arg(list, void *);                                                     \
        va_end(list);                                                                              \
        return fcntl_of(fd, command, argument);                                                    \
    }

FCNTL(fcntl)
FCNTL(fcntl64)

/* The process of one case. say(…) prints, keys(n) what n waits give. */
static int run_chunk(const void *context)
{
    static struct sockq_program program;
    static struct sockq_terminal terminal;
    static struct sockq_locks locks;
    static const char before[] =
        "function say(...)\n"
        "  local t = { ... }\n"
        "  for i = 1, select('#', ...) do t[i] = tostring(t[i]) end\n"
        "  io.stderr:write('<', table.concat(t, '|'), '>')\n"
        "end\n"
        "function keys(n) for _ = 1, n do say(core.poll_key(20)) end end\n";
    char chunk[2048];

    current = context;
    passes = current->passes;
    if ((current->no_terminal || current->no_input) && dup2(open("/dev/null", O_RDONLY), 0) < 0)
        return 1;
    if (current->no_terminal && dup2(open("/dev/null", O_WRONLY), 1) < 0)
        return 1;
    if (current->write_only && dup2(open(ttyname(1), O_WRONLY), 1) < 0)
        return 1;
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    sockq_terminal_find(&terminal);
    program.terminal = &terminal;
    program.keys = current->no_keys ? -1 : sockq_terminal_keys();
    program.locks = &locks;
    sockq_lua_program = &program;
    sockq_lua_interruptible(L, 0);
    luaopen_sockq_core(L);
    lua_setglobal(L, "core");
    snprintf(chunk, sizeof(chunk), "%s%s", before, current->chunk);
    if (luaL_dostring(L, chunk) != 0)
        dprintf(2, "<error: %s>", lua_tostring(L, -1));
    sockq_terminal_give_back(&terminal, false);
    lua_close(L);
    return 0;
}

#define TAKE "say(core.take_terminal()) "

static const struct terminal_case cases[] = {
    {"plain keys", TAKE "keys(3)", {{"<true>", "q \r"}}, {"<q>", "< >", "<\r\n>"}},
    {"keys with names",
     TAKE "keys(14)",
     {{"<true>", "\033[A\033[B\033[C\033[D\033[H\033[F\033OA\033OH\033[1~\033[4~\033[5~\033[6~"
                 "\033[7~\033[8~"}},
     {"<up><down><right><left><home><end><up><home><home><end><pageup><pagedown><home><end>"}},
    {"keys without names",
     TAKE "keys(3)",
     {{"<true>", "\033[Z\033[15;2~\033x"}},
     {"<unknown><unknown><unknown>"}},
    {"escape alone", TAKE "keys(2)", {{"<true>", "\033"}, {"<escape>", "x"}}, {"<escape>", "<x>"}},
    {"a key in pieces, within its time",
     TAKE "keys(1)",
     {{"<true>", "\033"}, {NULL, "["}, {NULL, "A"}},
     {"<up>"}},
    {"pieces that nothing follows",
     TAKE "keys(3)",
     {{"<true>", "\033["}, {"<unknown>", "\033O"}, {"<unknown>", "\033[1;"}},
     {"<unknown>", "<unknown>", "<unknown>"}},
    {"a sequence that no terminal sends",
     TAKE "keys(2)",
     {{"<true>", "\033[00000000000000000000000000000000000000000000000000000000000000x"}},
     {"<unknown><x>"}},
    {"bytes that end no sequence", TAKE "keys(1)", {{"<true>", "\033[\302\240A"}}, {"<unknown>"}},
    {"no key", TAKE "say(core.poll_key(0)) say(core.poll_key(0.02))", {{NULL}}, {"<><>"}},
    {"another size",
     TAKE "keys(1) say(core.terminal_size(1)) say(core.terminal_width(1))",
     {{"<true>", NULL, SIGWINCH, 132}},
     {"<resize>", "<132|24><132>"}},
    {"no size",
     "say(core.terminal_size(1)) " TAKE "keys(1) say(core.terminal_size(1)) "
     "say(core.terminal_width(1))",
     {{"<true>", NULL, SIGWINCH, -1}},
     {"<80|24>", "<resize>", "<><>"}},
    /* Where it comes before the wait it stops the script. */
    {"Ctrl-C",
     "if not pcall(function() " TAKE "keys(1) end) then "
     "say(core.take_interrupt() and 'interrupt') end",
     {{"<true>", "\3"}},
     {"<interrupt>"}},
    {"continued", TAKE "keys(1)", {{"<true>", NULL, SIGCONT}}, {"<resize>"}},
    {"continued after the terminal was given back",
     TAKE "keys(2)",
     {{"<true>", NULL, SIGCONT, .cooked = true}, {"<resize>", "x"}},
     {"<true>", "\033[?1049h", "<x>"}},
    {"continued when it was not taken any more",
     TAKE "core.give_back_terminal() core.give_back_terminal() say('given') keys(1)",
     {{"<given>", NULL, SIGCONT}},
     {"\033[?1049l", "<resize>"}},
    {"keys from the terminal that is painted",
     TAKE "keys(1)",
     {{"<true>", "x"}},
     {"<true>", "<x>"},
     .no_input = true},
    {"no keys", TAKE "say(core.poll_key(0.05))", {{NULL}}, {"<true><>"}, .no_keys = true},
    {"a key that is interrupted",
     TAKE "keys(1)",
     {{"<true>", "x"}},
     {"<x>"},
     .fails = "read",
     .error = EINTR},
    {"a key that is not there yet",
     TAKE "keys(1)",
     {{"<true>", "x"}},
     {"<x>"},
     .fails = "read",
     .error = EAGAIN},
    {"a terminal that is gone", TAKE "keys(1)", {{"<true>", "x"}}, {"<hangup>"}, .fails = "read"},
    {"keys that cannot be read",
     TAKE "keys(1)",
     {{"<true>", "x"}},
     {"<hangup>"},
     .fails = "read",
     .error = EIO},
    {"a key that comes byte by byte, one of them not at once",
     TAKE "keys(1)",
     {{"<true>", "\033[A"}},
     {"<up>"},
     .fails = "read",
     .passes = 1,
     .error = EIO,
     .slow = true},
    {"keys from the terminal of the session",
     TAKE "keys(1)",
     {{"<true>", "x"}},
     {"<x>"},
     .no_input = true,
     .write_only = true},
    {"modes that are not told, of either",
     TAKE,
     {{NULL}},
     {"<nil|Inappropriate ioctl for device>"},
     .fails = "tcgetattr",
     .times = 2,
     .error = EIO},
    {"a picture", "say(core.paint('a picture'))", {{NULL}}, {"a picture<true>"}},
    {"a picture that is interrupted",
     "say(core.paint('a picture'))",
     {{NULL}},
     {"a picture<true>"},
     .fails = "write",
     .passes = 1,
     .error = EINTR},
    {"a picture that has to wait",
     "say(core.paint('a picture'))",
     {{NULL}},
     {"a picture<true>"},
     .fails = "write",
     .passes = 1,
     .error = EAGAIN},
    {"a picture that cannot be painted",
     "say(core.paint('a picture'))",
     {{NULL}},
     {"<nil|Input/output error>"},
     .fails = "write",
     .error = EIO},
    {"no terminal",
     TAKE "say(core.terminal_size(1))",
     {{NULL}},
     {"<nil|Inappropriate ioctl for device><>"},
     .no_terminal = true},
    {"a terminal whose modes are not told",
     TAKE,
     {{NULL}},
     {"<true>"},
     .fails = "tcgetattr",
     .error = EIO},
    {"a terminal whose modes cannot be set",
     TAKE,
     {{NULL}},
     {"<nil|Input/output error>"},
     .fails = "tcsetattr",
     .error = EIO},
    {"a terminal that cannot be written to",
     TAKE,
     {{NULL}},
     {"<nil|Input/output error>"},
     .fails = "write",
     .error = EIO},
    {"an input that is none, an output of which nothing is told",
     TAKE,
     {{NULL}},
     {"<true>"},
     .no_input = true,
     .fails = "fcntl",
     .error = EBADF},
    {"an output that is a terminal only later",
     TAKE,
     {{NULL}},
     {"<true>"},
     .no_input = true,
     .fails = "isatty",
     .passes = 1},
    {"a terminal of another job",
     TAKE "core.give_back_terminal() say('given')",
     {{NULL}},
     {"<true>", "<given>"},
     .fails = "tcgetpgrp"},
    {"whose terminal it is cannot be told",
     TAKE "core.give_back_terminal() say('given')",
     {{NULL}},
     {"<true>", "\033[?1049l<given>"},
     .fails = "tcgetpgrp",
     .error = ENOTTY},
};

static void one_case(void **state)
{
    struct fixture *f = *state;
    const struct terminal_case *one = f->given;

    current = NULL;
    assert_int_equal(terminal_run(run_chunk, one, one->steps), 0);
    const char *from = terminal_screen;
    for (int i = 0; i < 3 && one->shown[i]; i++) {
        const char *at = strstr(from, one->shown[i]);
        if (!at)
            fail_msg("%s was not shown; shown was: %s", one->shown[i], terminal_screen);
        from = at + strlen(one->shown[i]);
    }
    if (one->fails && strcmp(one->fails, "tcgetpgrp") == 0 && !one->error)
        assert_null(strstr(terminal_screen, "\033[?1049l"));
}

int main(void)
{
    return run_cases("terminal", cases, sizeof(cases[0]), COUNT(cases), one_case);
}

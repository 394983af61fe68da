/*
 * The terminal of a live view, for Lua: its size, taking and giving it back, keys. What is painted
 * is Lua's business.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "../terminal.h"
#include "lua.h"

/* After ESC alone, the rest of a key's sequence comes within this time or not at all. */
enum { ESCAPE_MS = 50, KEY_BYTES = 64 };

static volatile sig_atomic_t resized;
static volatile sig_atomic_t taken;
static int keys = -1;
static unsigned char pending[KEY_BYTES];
static size_t pending_length;

static void on_resize(int signal_number)
{
    (void)signal_number;
    resized = 1;
}

/* After Ctrl-Z and fg the collector has given the terminal back. */
static void on_continue(int signal_number)
{
    int saved = errno;

    (void)signal_number;
    if (taken && !sockq_terminal_is_changed(sockq_lua_program->terminal))
        (void)sockq_terminal_take(sockq_lua_program->terminal);
    resized = 1;
    errno = saved;
}

/* Lua: core.terminal_size(fd) → columns, rows, or nil where fd is no terminal that has a size */
static int l_terminal_size(lua_State *L)
{
    struct winsize size;

    if (ioctl((int)luaL_checkinteger(L, 1), TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
        return 0;
    lua_pushinteger(L, size.ws_col);
    lua_pushinteger(L, size.ws_row);
    return 2;
}

/* Lua: core.take_terminal() → true, or nil and why: keys come at once, the alternate screen is on
 * until core.give_back_terminal() or the end of the program, whatever that is */
static int l_take_terminal(lua_State *L)
{
    struct sigaction action = {.sa_handler = on_resize};

    if (!sockq_lua_program || !isatty(STDOUT_FILENO))
        errno = ENOTTY;
    else if (sockq_terminal_take(sockq_lua_program->terminal) == 0) {
        taken = 1;
        keys = sockq_lua_program->keys;
        sigemptyset(&action.sa_mask);
        sigaction(SIGWINCH, &action, NULL);
        action.sa_handler = on_continue;
        action.sa_flags = SA_RESTART;
        sigaction(SIGCONT, &action, NULL);
        lua_pushboolean(L, true);
        return 1;
    }
    lua_pushnil(L);
    lua_pushstring(L, strerror(errno));
    return 2;
}

/* Lua: core.give_back_terminal() */
static int l_give_back_terminal(lua_State *L)
{
    (void)L;
    if (!taken)
        return 0;
    taken = 0;
    sockq_terminal_give_back(sockq_lua_program->terminal, true);
    keys = -1;
    pending_length = 0;
    return 0;
}

/* Lua: core.paint(text) → true, or nil and why: all of it in one write to standard output */
static int l_paint(lua_State *L)
{
    size_t length;
    const char *text = luaL_checklstring(L, 1, &length);

    if (sockq_terminal_write(text, length) == 0) {
        lua_pushboolean(L, true);
        return 1;
    }
    lua_pushnil(L);
    lua_pushstring(L, strerror(errno));
    return 2;
}

static void drop(size_t length)
{
    pending_length -= length;
    memmove(pending, pending + length, pending_length);
}

/* "\033[A", "\033[5~", "\033OH": the name of a key that is known, "unknown" for others. */
static const char *sequence_name(const unsigned char *bytes, size_t length)
{
    static const struct {
        const char *sequence, *name;
    } known[] = {{"A", "up"},   {"B", "down"}, {"C", "right"},   {"D", "left"},
                 {"H", "home"}, {"F", "end"},  {"1~", "home"},   {"7~", "home"},
                 {"4~", "end"}, {"8~", "end"}, {"5~", "pageup"}, {"6~", "pagedown"}};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strlen(known[i].sequence) == length && memcmp(known[i].sequence, bytes, length) == 0)
            return known[i].name;
    return "unknown";
}

/* The length of the escape sequence that begins `pending`, 0 while it is not whole. */
static size_t sequence_length(void)
{
    if (pending_length < 2)
        return 0;
    if (pending[1] == 'O')
        return pending_length < 3 ? 0 : 3;
    if (pending[1] != '[')
        return 2;
    for (size_t i = 2; i < pending_length; i++)
        if (pending[i] >= 0x40 && pending[i] <= 0x7e)
            return i + 1;
    /* No terminal sends one as long as this. */
    return pending_length == KEY_BYTES ? pending_length : 0;
}

/*
 * Push the next key of `pending` and take it from there.
 *
 * @last    nothing more will come for now: what is not whole is a key by itself
 * @return  true if there was one
 */
static bool push_key(lua_State *L, bool last)
{
    if (pending_length == 0)
        return false;
    if (pending[0] != '\033') {
        lua_pushlstring(L, (const char *)pending, 1);
        drop(1);
        return true;
    }
    size_t length = sequence_length();
    if (length == 0) {
        if (!last)
            return false;
        lua_pushstring(L, pending_length == 1 ? "escape" : "unknown");
        drop(pending_length);
        return true;
    }
    lua_pushstring(L, sequence_name(pending + 2, length - 2));
    drop(length);
    return true;
}

/* @return  0: nothing to read yet, 1: more is pending, -1: there will be no more keys */
static int read_keys(void)
{
    struct pollfd ready = {.fd = keys, .events = POLLIN};

    if (poll(&ready, 1, 0) <= 0)
        return 0;
    ssize_t n = read(keys, pending + pending_length, KEY_BYTES - pending_length);
    if (n > 0) {
        pending_length += (size_t)n;
        return 1;
    }
    return n < 0 && (errno == EINTR || errno == EAGAIN) ? 0 : -1;
}

static int64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* Wait for keys, a signal or the deadline. */
static void wait_until(int64_t deadline, const sigset_t *open)
{
    int64_t left = deadline - now_ns();
    struct pollfd ready = {.fd = keys, .events = POLLIN};
    struct timespec ts;

    if (left < 0)
        left = 0;
    ts = (struct timespec){.tv_sec = left / 1000000000, .tv_nsec = left % 1000000000};
    (void)ppoll(&ready, keys >= 0 ? 1 : 0, &ts, open);
}

/* The next key or event; the signals that bring one are blocked but for the time of waiting, so
 * that none is missed. @return true if something was pushed, false at the deadline */
static bool next_event(lua_State *L, int64_t deadline, const sigset_t *open)
{
    for (;;) {
        int64_t until = deadline;
        if (sockq_lua_take_interrupt()) {
            lua_pushliteral(L, "interrupt");
            return true;
        }
        if (resized) {
            resized = 0;
            lua_pushliteral(L, "resize");
            return true;
        }
        if (push_key(L, false))
            return true;
        if (keys >= 0 && read_keys() < 0) {
            lua_pushliteral(L, "hangup");
            return true;
        }
        if (push_key(L, false))
            return true;
        if (pending_length > 0)
            until = now_ns() + (int64_t)ESCAPE_MS * 1000000;
        if (now_ns() >= until)
            return false;
        wait_until(until, open);
        if (pending_length > 0 && read_keys() == 0)
            return push_key(L, true);
    }
}

/* Lua: core.poll_key(seconds) → a key ("q", "up", "pagedown", "escape", …), "resize" when the
 * picture must be painted anew, "interrupt" (Ctrl-C), "hangup"; nil when the time is over */
static int l_poll_key(lua_State *L)
{
    lua_Number seconds = luaL_checknumber(L, 1);
    sigset_t closed, before;

    if (!(seconds >= 0 && seconds <= 1e9))
        return luaL_argerror(L, 1, "seconds from 0 to 1e9 are expected");
    int64_t deadline = now_ns() + (int64_t)(seconds * 1e9);
    sigemptyset(&closed);
    sigaddset(&closed, SIGWINCH);
    sigaddset(&closed, SIGCONT);
    sigprocmask(SIG_BLOCK, &closed, &before);
    bool found = next_event(L, deadline, &before);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return found ? 1 : 0;
}

/* Lua: core.take_interrupt() → true if Ctrl-C had stopped the script; the script goes on */
static int l_take_interrupt(lua_State *L)
{
    lua_pushboolean(L, sockq_lua_take_interrupt());
    return 1;
}

void sockq_lua_open_terminal(lua_State *L)
{
    static const luaL_Reg functions[] = {{"terminal_size", l_terminal_size},
                                         {"take_terminal", l_take_terminal},
                                         {"give_back_terminal", l_give_back_terminal},
                                         {"paint", l_paint},
                                         {"poll_key", l_poll_key},
                                         {"take_interrupt", l_take_interrupt},
                                         {NULL, NULL}};

    luaL_register(L, NULL, functions);
}

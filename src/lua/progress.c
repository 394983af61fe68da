/*
 * One line on standard error that stays until it is erased: what long work shows of itself. When
 * to show it and what it says is Lua's business (lua/sockq/progress.lua); that it does not outlive
 * the process is the business of this file.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "lua.h"

enum { LINE_BYTES = 512 };

static volatile sig_atomic_t shown;

/* A line that cannot be written is no reason to stop work. */
static void put(const char *bytes, size_t size)
{
    ssize_t written = write(STDERR_FILENO, bytes, size);

    (void)written;
}

void sockq_lua_erase_line(void)
{
    static const char ERASE[] = "\r\033[K";
    int saved = errno;

    if (shown)
        put(ERASE, sizeof(ERASE) - 1);
    shown = 0;
    errno = saved;
}

static void on_end(int number)
{
    sockq_lua_erase_line();
    signal(number, SIG_DFL);
    raise(number);
}

/* Signals that would end the process with the line on the screen. */
static void catch_ends(void)
{
    static const int ends[] = {SIGPIPE, SIGTERM};
    struct sigaction action = {.sa_handler = on_end}, before;

    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
        if (sigaction(ends[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
            sigaction(ends[i], &action, NULL);
}

/* A job in the background must not write among what is typed, and may be stopped if it does. */
static bool in_foreground(void)
{
    pid_t group = tcgetpgrp(STDERR_FILENO);

    return group < 0 || group == getpgrp();
}

/* Lua: core.show_line(text): in the place of the one that is shown; not by a job in the background
 */
static int l_show_line(lua_State *L)
{
    static const char end[] = "\033[K";
    char line[LINE_BYTES];
    size_t length, size = 0;
    const char *text = luaL_checklstring(L, 1, &length);

    if (!in_foreground())
        return 0;
    if (length > sizeof(line) - 1 - sizeof(end))
        length = sizeof(line) - 1 - sizeof(end);
    line[size++] = '\r';
    memcpy(line + size, text, length);
    size += length;
    memcpy(line + size, end, sizeof(end));
    catch_ends();
    shown = 1;
    put(line, size + sizeof(end) - 1);
    return 0;
}

/* Lua: core.erase_line(): the shown line, if there is one */
static int l_erase_line(lua_State *L)
{
    (void)L;
    sockq_lua_erase_line();
    return 0;
}

void sockq_lua_open_progress(lua_State *L)
{
    lua_pushcfunction(L, l_show_line);
    lua_setfield(L, -2, "show_line");
    lua_pushcfunction(L, l_erase_line);
    lua_setfield(L, -2, "erase_line");
}

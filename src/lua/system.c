/*
 * The few questions to the system that Lua's own library has no function for, and memory for
 * output.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "../buffer.h"
#include "../figures.h"
#include "../proc.h"
#include "lua.h"

/* Lua: core.terminal_width(fd) → columns, or nil where fd is no terminal */
static int l_terminal_width(lua_State *L)
{
    struct winsize size;

    if (ioctl((int)luaL_checkinteger(L, 1), TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
        return 0;
    lua_pushinteger(L, size.ws_col);
    return 1;
}

/* Lua: core.is_terminal(fd) */
static int l_is_terminal(lua_State *L)
{
    lua_pushboolean(L, isatty((int)luaL_checkinteger(L, 1)));
    return 1;
}

/* Lua: core.sleep(seconds); an interrupt ends it early */
static int l_sleep(lua_State *L)
{
    lua_Number seconds = luaL_checknumber(L, 1);
    struct timespec ts = {.tv_sec = (time_t)seconds,
                          .tv_nsec = (long)((seconds - (lua_Number)(time_t)seconds) * 1e9)};

    nanosleep(&ts, NULL);
    return 0;
}

static lua_Number seconds_of(clockid_t clock)
{
    struct timespec ts;

    clock_gettime(clock, &ts);
    return (lua_Number)ts.tv_sec + (lua_Number)ts.tv_nsec / 1e9;
}

/* Lua: core.now() → seconds since 1970, seconds of a clock that is never set */
static int l_now(lua_State *L)
{
    lua_pushnumber(L, seconds_of(CLOCK_REALTIME));
    lua_pushnumber(L, seconds_of(CLOCK_MONOTONIC));
    return 2;
}

/* Lua: core.strerror(errno) → text */
static int l_strerror(lua_State *L)
{
    lua_pushstring(L, strerror((int)luaL_checkinteger(L, 1)));
    return 1;
}

/* Lua: core.is_failure(errno) → true if it is for want of memory or descriptors, or a broken disk
 */
static int l_is_failure(lua_State *L)
{
    lua_pushboolean(L, sockq_proc_is_failure((int)luaL_checkinteger(L, 1)));
    return 1;
}

/* Lua: core.new_buffer(size) → userdata whose payload is a struct sockq_buffer with its bytes
 * behind it */
static int l_new_buffer(lua_State *L)
{
    lua_Integer size = luaL_checkinteger(L, 1);

    if (size < 0 || size > 1 << 30)
        return luaL_argerror(L, 1, "a size in bytes");
    struct sockq_buffer *buffer = lua_newuserdata(L, sizeof(*buffer) + (size_t)size);
    *buffer = (struct sockq_buffer){
        .calls = &sockq_buffer_calls, .bytes = (char *)(buffer + 1), .size = (uint32_t)size};
    return 1;
}

/* Lua: core.figures() → userdata whose payload is a struct sockq_figures */
static int l_figures(lua_State *L)
{
    struct sockq_figures *figures = lua_newuserdata(L, sizeof(*figures));

    *figures = sockq_figures;
    return 1;
}

/* Lua: core.interrupted() → true after Ctrl-C, and after the time of --timeout */
static int l_interrupted(lua_State *L)
{
    lua_pushboolean(L, sockq_lua_interrupted() || sockq_lua_timed_out());
    return 1;
}

/* Lua: core.timed_out() → what a stop by --timeout said, or nil */
static int l_timed_out(lua_State *L)
{
    lua_pushstring(L, sockq_lua_timed_out());
    return 1;
}

/* Lua: core.memory() → where memory was last refused ("" if that is not known), the limit or nil */
static int l_memory(lua_State *L)
{
    lua_pushstring(L, sockq_lua_memory_place());
    if (!sockq_lua_program || !sockq_lua_program->locks->memory)
        return 1;
    lua_pushnumber(L, (lua_Number)sockq_lua_program->locks->memory);
    return 2;
}

void sockq_lua_open_system(lua_State *L)
{
    static const luaL_Reg functions[] = {{"terminal_width", l_terminal_width},
                                         {"sleep", l_sleep},
                                         {"is_terminal", l_is_terminal},
                                         {"now", l_now},
                                         {"strerror", l_strerror},
                                         {"is_failure", l_is_failure},
                                         {"new_buffer", l_new_buffer},
                                         {"figures", l_figures},
                                         {"interrupted", l_interrupted},
                                         {"timed_out", l_timed_out},
                                         {"memory", l_memory},
                                         {NULL, NULL}};

    luaL_register(L, NULL, functions);
    lua_pushinteger(L, ENOENT);
    lua_setfield(L, -2, "ENOENT");
    lua_pushinteger(L, EINVAL);
    lua_setfield(L, -2, "EINVAL");
    lua_pushinteger(L, EACCES);
    lua_setfield(L, -2, "EACCES");
    lua_pushinteger(L, ESRCH);
    lua_setfield(L, -2, "ESRCH");
    lua_pushinteger(L, EACCES);
    lua_setfield(L, -2, "EACCES");
    lua_pushinteger(L, EINTR);
    lua_setfield(L, -2, "EINTR");
    lua_pushinteger(L, EPIPE);
    lua_setfield(L, -2, "EPIPE");
    lua_pushinteger(L, EDQUOT);
    lua_setfield(L, -2, "EDQUOT");
}

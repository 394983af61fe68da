/*
 * Recordings as userdata: their snapshots, a client over one, and appending. In the program the
 * files were opened before Lua started; in a stock luajit they are opened here.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "handle.h"
#include "lua.h"

#define RECORDING_TYPE "sockq.recording"

static struct sockq_recording *check_recording(lua_State *L)
{
    return luaL_checkudata(L, 1, RECORDING_TYPE);
}

/* nil, message, and for a file that is none or damaged the byte and whether it is one at all */
static int push_failure(lua_State *L, const struct sockq_recording *recording)
{
    const int error = errno;

    lua_pushnil(L);
    if (error == EBADMSG && recording && recording->flaw) {
        lua_pushstring(L, sockq_flaw_text(recording->flaw));
        lua_pushnumber(L, (lua_Number)recording->flaw_at);
        lua_pushboolean(L, recording->flaw > SOCKQ_FLAW_LAYOUT);
        return 4;
    }
    lua_pushstring(L, error == EINVAL        ? "not a regular file"
                      : error == ELOOP       ? "a symbolic link"
                      : error == EWOULDBLOCK ? "another process is recording into it"
                                             : strerror(error));
    return 2;
}

/* @return a descriptor, or -1 with errno */
static int open_file(lua_State *L, const char *path, bool append, const char **time)
{
    if (!sockq_lua_program)
        return append ? sockq_recording_create(path) : sockq_recording_open(path);
    struct sockq_named *named = sockq_named_find(sockq_lua_program->named, path, append);
    if (!named)
        return luaL_error(L, "%s: no recording of the command line", path);
    int fd = named->fd;
    *time = named->time;
    errno = named->error;
    named->fd = -1;
    named->error = EBUSY;
    return fd;
}

/*
 * Lua: core.recording(path[, append]) → recording, time; or nil, message, byte, damaged
 * In the program path is a word of the command line, which is had once, and time what stood behind
 * its "@".
 */
static int l_recording(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1), *time = NULL;
    bool append = lua_toboolean(L, 2);
    struct sockq_recording *recording = lua_newuserdata(L, sizeof(*recording));

    *recording = (struct sockq_recording){.fd = -1};
    luaL_getmetatable(L, RECORDING_TYPE);
    lua_setmetatable(L, -2);
    int fd = open_file(L, path, append, &time);
    if (fd < 0)
        return push_failure(L, NULL);
    if (sockq_recording_list(recording, fd) < 0)
        return push_failure(L, recording);
    lua_pushstring(L, time);
    return 2;
}

static int recording_gc(lua_State *L)
{
    sockq_recording_close(check_recording(L));
    return 0;
}

/* Lua: recording:snapshots() → { { time = seconds since 1970, rows, size }, … } */
static int recording_snapshots(lua_State *L)
{
    const struct sockq_recording *recording = check_recording(L);

    lua_createtable(L, (int)recording->count, 0);
    for (size_t i = 0; i < recording->count; i++) {
        const struct sockq_snapshot *snapshot = &recording->list[i];
        lua_createtable(L, 0, 3);
        lua_pushnumber(L, (lua_Number)snapshot->realtime_ns / 1e9);
        lua_setfield(L, -2, "time");
        lua_pushnumber(L, (lua_Number)snapshot->rows);
        lua_setfield(L, -2, "rows");
        lua_pushnumber(L, (lua_Number)snapshot->size);
        lua_setfield(L, -2, "size");
        lua_rawseti(L, -2, (int)i + 1);
    }
    return 1;
}

/* Lua: recording:cut() → the byte at which half a snapshot begins, or nil */
static int recording_cut(lua_State *L)
{
    const struct sockq_recording *recording = check_recording(L);

    if (recording->size == recording->end)
        return 0;
    lua_pushnumber(L, (lua_Number)recording->end);
    return 1;
}

/* Lua: recording:client(index from 1) → client, or nil, message, byte, damaged */
static int recording_client(lua_State *L)
{
    struct sockq_recording *recording = check_recording(L);
    lua_Integer index = luaL_checkinteger(L, 2);

    if (index < 1 || (size_t)index > recording->count)
        return luaL_argerror(L, 2, "there is no such snapshot");
    struct sockq_client *client = sockq_lua_new_client(L);
    if (sockq_client_replay(client, recording, (size_t)index - 1) < 0)
        return push_failure(L, recording);
    return 1;
}

/* The indexes of a list, ascending, in memory on the Lua stack. */
static uint64_t *check_rows(lua_State *L, int index, uint64_t *count)
{
    luaL_checktype(L, index, LUA_TTABLE);
    *count = lua_objlen(L, index);
    uint64_t *rows = lua_newuserdata(L, *count * sizeof(*rows) + 1);
    for (uint64_t i = 0; i < *count; i++) {
        lua_rawgeti(L, index, (int)i + 1);
        lua_Number row = lua_isnumber(L, -1) ? lua_tonumber(L, -1) : -1;
        if (!(row >= 0 && row < 1e15))
            luaL_argerror(L, index, "indexes of rows are expected");
        rows[i] = (uint64_t)row;
        lua_pop(L, 1);
    }
    return rows;
}

/*
 * Lua: recording:append(set[, indexes[, filter]]) → bytes of the new snapshot, or nil, message,
 * byte, damaged indexes: of the rows to write, from 0, ascending; nil: all. filter: what they met,
 * in words
 */
static int recording_append(lua_State *L)
{
    struct sockq_recording *recording = check_recording(L);
    const struct sockq_set_handle *handle = sockq_lua_check_set(L, 2);
    struct sockq_source source = {.set = handle->set, .base = handle->map};
    struct sockq_selection selection = {.question = handle->set->question};

    if (sockq_set_status(handle->set) == SOCKQ_SET_READING)
        return luaL_argerror(L, 2, "the row set is still being read");
    selection.filter = luaL_optlstring(L, 4, NULL, &selection.filter_len);
    if (!lua_isnoneornil(L, 3))
        selection.rows = check_rows(L, 3, &selection.count);
    if (sockq_recording_append(recording, &source, &selection) < 0)
        return push_failure(L, recording);
    lua_pushnumber(L, (lua_Number)recording->list[recording->count - 1].size);
    return 1;
}

void sockq_lua_open_recording(lua_State *L)
{
    static const luaL_Reg methods[] = {{"snapshots", recording_snapshots},
                                       {"cut", recording_cut},
                                       {"client", recording_client},
                                       {"append", recording_append},
                                       {NULL, NULL}};

    sockq_lua_new_type(L, RECORDING_TYPE, methods, recording_gc);
    lua_pushcfunction(L, l_recording);
    lua_setfield(L, -2, "recording");
}

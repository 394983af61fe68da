/*
 * Userdata of the binding: clients of a collector, row sets, rows. Fields are read by Lua through
 * the FFI (handle.h); C makes the userdata, waits for rows and gives row sets back.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "handle.h"
#include "lua.h"

#define CLIENT_TYPE "sockq.client"
#define SET_TYPE "sockq.set"
#define ROW_TYPE "sockq.row"

/* Serials of row sets: what is remembered of one must not be taken for another at its address. */
static atomic_uint serials;

static struct sockq_client *check_client(lua_State *L, int index)
{
    return luaL_checkudata(L, index, CLIENT_TYPE);
}

static struct sockq_set_handle *check_set(lua_State *L, int index)
{
    return luaL_checkudata(L, index, SET_TYPE);
}

struct sockq_set_handle *sockq_lua_check_set(lua_State *L, int index)
{
    struct sockq_set_handle *handle = check_set(L, index);

    if (!handle->client)
        luaL_argerror(L, index, "the row set was released");
    return handle;
}

/* nil, message, errno: the world failed, not the caller */
static int push_failure(lua_State *L, int error)
{
    const char *text = error == EPIPE    ? "the collector has ended"
                       : error == ENODEV ? "/proc is not the kernel's"
                       : error == ESTALE ? "a later sockq.events() took the place of this one"
                       : error == EDQUOT ? "too many row sets are kept; keep fewer rows"
                                         : strerror(error);

    lua_pushnil(L);
    lua_pushstring(L, text);
    lua_pushinteger(L, error);
    return 3;
}

struct sockq_client *sockq_lua_new_client(lua_State *L)
{
    struct sockq_client *client = lua_newuserdata(L, sizeof(*client));

    memset(client, 0, sizeof(*client));
    client->socket = client->proc.fd = -1;
    luaL_getmetatable(L, CLIENT_TYPE);
    lua_setmetatable(L, -2);
    return client;
}

/*
 * Lua: core.connect([proc]) → client, or nil, message, errno
 * In the program: the collector process, whatever proc says. Else: a collector in this process
 * over /proc or a captured tree.
 */
static int l_connect(lua_State *L)
{
    const char *proc = luaL_optstring(L, 1, NULL);
    struct sockq_client *client = sockq_lua_new_client(L);

    if (sockq_lua_program)
        sockq_client_connect(client, sockq_lua_program->socket, sockq_lua_program->map);
    else if (sockq_client_open(client, proc) < 0)
        return push_failure(L, errno);
    return 1;
}

static int client_gc(lua_State *L)
{
    sockq_client_close(check_client(L, 1));
    return 0;
}

/*
 * Lua: client:collect(tables, states, flags[, source[, narrow[, subscription]]]) → set, or nil,
 * message, errno
 * Bit sets as numbers; source: enum sockq_source_choice; narrow: the bytes of a struct
 * sockq_narrow.
 */
static int client_collect(lua_State *L)
{
    struct sockq_client *client = check_client(L, 1);
    struct sockq_question question = {.tables = (uint64_t)luaL_checknumber(L, 2),
                                      .states = (uint64_t)luaL_checknumber(L, 3),
                                      .flags = (uint32_t)luaL_checknumber(L, 4),
                                      .source = (uint32_t)luaL_optnumber(L, 5, SOCKQ_SOURCE_AUTO),
                                      .subscription = (uint32_t)luaL_optnumber(L, 7, 0)};
    size_t size;
    const char *narrow = luaL_optlstring(L, 6, NULL, &size);
    if (narrow && size != sizeof(question.narrow))
        return luaL_argerror(L, 6, "not a struct sockq_narrow");
    if (narrow)
        memcpy(&question.narrow, narrow, size);
    struct sockq_set_handle *handle = lua_newuserdata(L, sizeof(*handle));

    memset(handle, 0, sizeof(*handle));
    luaL_getmetatable(L, SET_TYPE);
    lua_setmetatable(L, -2);
    if (sockq_client_collect(client, &question, &handle->block) < 0)
        return push_failure(L, errno);
    handle->set = sockq_client_set(client, handle->block);
    handle->map = client->map;
    handle->client = client;
    handle->serial = atomic_fetch_add(&serials, 1) + 1;
    /* The set's environment keeps client and set alive; rows share it. */
    lua_createtable(L, 2, 0);
    lua_pushvalue(L, 1);
    lua_rawseti(L, -2, 1);
    lua_pushvalue(L, -2);
    lua_rawseti(L, -2, 2);
    lua_setfenv(L, -2);
    return 1;
}

/*
 * Lua: set:wait(seen[, milliseconds]) → rows, final; or nil, message, errno. Given a time it
 * returns after it at the latest, with rows = seen if there are no more yet.
 */
static int set_wait(lua_State *L)
{
    struct sockq_set_handle *handle = sockq_lua_check_set(L, 1);
    lua_Number seen = luaL_checknumber(L, 2);
    int timeout_ms = luaL_optint(L, 3, -1);

    if (sockq_client_wait(handle->client, handle->block, (uint64_t)seen, timeout_ms) < 0)
        return push_failure(L, errno);
    bool final = sockq_set_status(handle->set) != SOCKQ_SET_READING;
    lua_pushnumber(L, (lua_Number)sockq_set_rows(handle->set));
    lua_pushboolean(L, final);
    return 2;
}

/* Lua: set:passed(rows): the first of them will not be looked at again */
static int set_passed(lua_State *L)
{
    struct sockq_set_handle *handle = sockq_lua_check_set(L, 1);

    sockq_client_passed(handle->client, handle->block, (uint64_t)luaL_checknumber(L, 2));
    return 0;
}

/* Lua: set:cancel() */
static int set_cancel(lua_State *L)
{
    struct sockq_set_handle *handle = sockq_lua_check_set(L, 1);

    sockq_client_cancel(handle->client, handle->block);
    return 0;
}

/* Lua: set:release(), and the set's end: its rows must not be read any more */
static int set_release(lua_State *L)
{
    struct sockq_set_handle *handle = check_set(L, 1);

    if (handle->client)
        sockq_client_release(handle->client, handle->block);
    handle->client = NULL;
    handle->set = NULL;
    return 0;
}

/* Lua: core.new_row(set) → row userdata whose handle points at no row yet */
static int l_new_row(lua_State *L)
{
    struct sockq_set_handle *set = check_set(L, 1);
    struct sockq_row_handle *row = lua_newuserdata(L, sizeof(*row));

    row->row = NULL;
    row->set = set;
    luaL_getmetatable(L, ROW_TYPE);
    lua_setmetatable(L, -2);
    lua_getfenv(L, 1);
    lua_setfenv(L, -2);
    return 1;
}

void sockq_lua_new_type(lua_State *L, const char *name, const luaL_Reg *methods, lua_CFunction gc)
{
    luaL_newmetatable(L, name);
    lua_newtable(L);
    luaL_register(L, NULL, methods);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, gc);
    lua_setfield(L, -2, "__gc");
    lua_pushstring(L, name);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
}

void sockq_lua_open_client(lua_State *L)
{
    static const luaL_Reg client_methods[] = {{"collect", client_collect}, {NULL, NULL}};
    static const luaL_Reg set_methods[] = {{"wait", set_wait},
                                           {"passed", set_passed},
                                           {"cancel", set_cancel},
                                           {"release", set_release},
                                           {NULL, NULL}};

    sockq_lua_new_type(L, CLIENT_TYPE, client_methods, client_gc);
    sockq_lua_new_type(L, SET_TYPE, set_methods, set_release);
    lua_pushcfunction(L, l_connect);
    lua_setfield(L, -2, "connect");
    lua_pushcfunction(L, l_new_row);
    lua_setfield(L, -2, "new_row");
    /* core.row_metatable: lua/sockq/row.lua fills it in and protects it. */
    luaL_newmetatable(L, ROW_TYPE);
    lua_setfield(L, -2, "row_metatable");
}

/*
 * What the command line of the ss view names, as it was found before Lua ran.
 */
#include <errno.h>
#include <string.h>

#include "../ss.h"
#include "lua.h"

static const struct sockq_ss *found(void)
{
    return sockq_lua_program ? sockq_lua_program->ss : NULL;
}

/* Lua: core.ss_filter() → the text of the file of -F; or nil and why it could not be read */
static int l_filter(lua_State *L)
{
    const struct sockq_ss *ss = found();

    if (ss && ss->text) {
        lua_pushlstring(L, ss->text, ss->size);
        return 1;
    }
    lua_pushnil(L);
    lua_pushstring(L, ss && ss->filter ? strerror(ss->error) : "no file was named");
    return 2;
}

/* Lua: core.ss_cgroup(path) → the id of a cgroup that the filter names, 8 bytes in the machine's
 * order; or nil and why there is none */
static int l_cgroup(lua_State *L)
{
    const struct sockq_ss *ss = found();
    const char *path = luaL_checkstring(L, 1);
    int error = ENOENT;

    for (size_t i = 0; ss && i < ss->cgroup_count; i++) {
        const struct sockq_ss_cgroup *one = &ss->cgroups[i];
        if (strcmp(one->path, path) != 0)
            continue;
        if (one->error == 0) {
            lua_pushlstring(L, (const char *)&one->id, sizeof(one->id));
            return 1;
        }
        error = one->error;
    }
    lua_pushnil(L);
    lua_pushstring(L, strerror(error));
    return 2;
}

/* Lua: core.ss_device(name) → the index of a network device of this machine, or nil */
static int l_device(lua_State *L)
{
    const struct sockq_ss *ss = found();
    const char *name = luaL_checkstring(L, 1);

    for (size_t i = 0; ss && i < ss->device_count; i++)
        if (strcmp(ss->devices[i].name, name) == 0) {
            lua_pushinteger(L, (lua_Integer)ss->devices[i].index);
            return 1;
        }
    return 0;
}

/* Lua: core.ss_host(name) → the addresses of a host that a filter names, of the command line or of
 * -F, one behind the other: "4" or "6" as a byte of that value, then 16 bytes; nil if it has none
 */
static int l_host(lua_State *L)
{
    const struct sockq_ss *ss = found();
    const char *name = luaL_checkstring(L, 1);
    struct names_question question = names_question_new(NAMES_ADDRESSES, 0);
    struct names_answer answer;

    for (size_t i = 0; ss && i < ss->host_count; i++) {
        if (strcmp(ss->hosts[i], name) != 0)
            continue;
        question.number = (uint32_t)i;
        if (!sockq_lua_ask_names(L, &question, &answer) || answer.status != NAMES_FOUND)
            return 0;
        lua_pushlstring(L, answer.text, answer.length);
        return 1;
    }
    return 0;
}

/* Lua: core.ss_own_sockets() → how many sockets sockq has made in the namespace that is listed */
static int l_own_sockets(lua_State *L)
{
    lua_pushinteger(L, found() ? (lua_Integer)found()->own_sockets : 0);
    return 1;
}

/* Lua: core.ss_options() → shorts, longs: as core.getopt() takes them */
static int l_options(lua_State *L)
{
    lua_pushstring(L, sockq_ss_shorts);
    lua_newtable(L);
    for (int i = 0; sockq_ss_longs[i].name; i++) {
        const struct option *one = &sockq_ss_longs[i];
        const char letter = (char)one->val;
        lua_createtable(L, 2, 1);
        lua_pushstring(L, one->name);
        lua_rawseti(L, -2, 1);
        lua_pushboolean(L, one->has_arg);
        lua_rawseti(L, -2, 2);
        if (one->val < 256) {
            lua_pushlstring(L, &letter, 1);
            lua_setfield(L, -2, "letter");
        }
        lua_rawseti(L, -2, i + 1);
    }
    return 2;
}

void sockq_lua_open_ss(lua_State *L)
{
    static const luaL_Reg functions[] = {{"ss_filter", l_filter},
                                         {"ss_cgroup", l_cgroup},
                                         {"ss_device", l_device},
                                         {"ss_host", l_host},
                                         {"ss_options", l_options},
                                         {"ss_own_sockets", l_own_sockets},
                                         {NULL, NULL}};

    luaL_register(L, NULL, functions);
}

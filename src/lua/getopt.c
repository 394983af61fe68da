/*
 * getopt_long for views that stand in for another program: their prefixes, bundles and error texts
 * are the C library's, so the C library parses them.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "lua.h"

enum { LONG_FIRST = 256, GROUPS = 16 };

/*
 * Lua: core.getopt(name, args, shorts, longs, quiet) → { { option, argument }, … }, { word, … }
 *
 * name: argv[0] in the C library's messages, which go to stderr unless quiet; args: { word, … };
 * shorts: as for getopt(3); longs: { { name, has_argument, group }, … }: entries of one group (a
 * number from 1) count as the same option where a prefix is ambiguous. In the result, option is a
 * letter, or the long name in full, or "?" for one in error, which is the last then. The words are
 * those that are no options, in their order.
 */
static int l_getopt(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    const char *shorts = luaL_checkstring(L, 3);
    luaL_checktype(L, 4, LUA_TTABLE);
    bool quiet = lua_toboolean(L, 5);
    int argc = (int)lua_objlen(L, 2) + 1, long_count = (int)lua_objlen(L, 4), count = 0, index = 0,
        letter;
    /* Scratch memory is userdata, so that an error below frees it. */
    char **argv = lua_newuserdata(L, sizeof(*argv) * ((size_t)argc + 1));
    struct option *longs = lua_newuserdata(L, sizeof(*longs) * ((size_t)long_count + 1));

    memset(longs, 0, sizeof(*longs) * ((size_t)long_count + 1));
    argv[0] = (char *)(uintptr_t)name;
    for (int i = 1; i < argc; i++) {
        lua_rawgeti(L, 2, i);
        argv[i] = (char *)(uintptr_t)luaL_checkstring(L, -1);
        lua_pop(L, 1); /* the args table keeps it alive */
    }
    argv[argc] = NULL;
    for (int i = 0; i < long_count; i++) {
        lua_rawgeti(L, 4, i + 1);
        lua_rawgeti(L, -1, 1);
        lua_rawgeti(L, -2, 2);
        lua_rawgeti(L, -3, 3);
        longs[i].name = luaL_checkstring(L, -3);
        longs[i].has_arg = lua_toboolean(L, -2);
        longs[i].val = LONG_FIRST + (int)luaL_optinteger(L, -1, GROUPS + i);
        lua_pop(L, 4);
    }
    lua_newtable(L);
    optind = 0; /* glibc: start afresh */
    opterr = !quiet;
    while ((letter = getopt_long(argc, argv, shorts, longs, &index)) != -1) {
        char text[2] = {(char)letter, '\0'};
        lua_createtable(L, 2, 0);
        if (letter >= LONG_FIRST)
            lua_pushstring(L, longs[index].name);
        else
            lua_pushstring(L, text);
        lua_rawseti(L, -2, 1);
        lua_pushstring(L, optarg);
        lua_rawseti(L, -2, 2);
        lua_rawseti(L, -2, ++count);
        if (letter == '?')
            break;
    }
    lua_newtable(L);
    for (int i = optind; i < argc; i++) {
        lua_pushstring(L, argv[i]);
        lua_rawseti(L, -2, i - optind + 1);
    }
    return 2;
}

void sockq_lua_open_getopt(lua_State *L)
{
    lua_pushcfunction(L, l_getopt);
    lua_setfield(L, -2, "getopt");
}

/*
 * The module file for a stock luajit. It only pulls the binding in: luaopen_sockq_core is there.
 */
#include "lua.h"

extern int (*const sockq_lua_module)(lua_State *L);
int (*const sockq_lua_module)(lua_State *L) = luaopen_sockq_core;

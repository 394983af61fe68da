/*
 * require "sockq.locks", in the program only: what is in force, as the kernel tells it.
 */
#include <string.h>

#include "lua.h"

/* Push what a file says, nil where it cannot be read. */
static void set_text(lua_State *L, const char *key, int fd)
{
    char text[8192];
    ssize_t n = sockq_proof_read(fd, text, sizeof(text));

    if (n >= 0) {
        lua_pushlstring(L, text, (size_t)n);
        lua_setfield(L, -2, key);
    }
}

static void set_error(lua_State *L, const char *key, int error)
{
    if (error) {
        lua_pushstring(L, strerror(error));
        lua_setfield(L, -2, key);
    }
}

/*
 * Lua: locks.read() → { status, limits, collector: text of /proc, nil where it cannot be read;
 * dumpable; wanted, privileged; landlock_abi, landlock_error, landlock_proved; newest_abi;
 * seccomp_error }, or nil if the command line asks for none of it
 */
static int l_read(lua_State *L)
{
    const struct sockq_program *program = sockq_lua_program;
    const struct sockq_locks *locks = program->locks;

    if (!program->calls.reports)
        return 0;
    lua_newtable(L);
    set_text(L, "status", program->proofs.status);
    set_text(L, "limits", program->proofs.limits);
    set_text(L, "collector", program->proofs.collector);
    lua_pushboolean(L, sockq_proof_dumpable() != 0);
    lua_setfield(L, -2, "dumpable");
    lua_pushboolean(L, locks->wanted);
    lua_setfield(L, -2, "wanted");
    lua_pushboolean(L, program->privileged);
    lua_setfield(L, -2, "privileged");
    lua_pushinteger(L, locks->landlock_abi);
    lua_setfield(L, -2, "landlock_abi");
    lua_pushinteger(L, SOCKQ_LANDLOCK_NEWEST);
    lua_setfield(L, -2, "newest_abi");
    lua_pushboolean(L, locks->landlock_proved);
    lua_setfield(L, -2, "landlock_proved");
    set_error(L, "landlock_error", locks->landlock_error);
    set_error(L, "seccomp_error", locks->seccomp_error);
    return 1;
}

int luaopen_sockq_locks(lua_State *L)
{
    static const luaL_Reg functions[] = {{"read", l_read}, {NULL, NULL}};

    lua_newtable(L);
    luaL_register(L, NULL, functions);
    return 1;
}

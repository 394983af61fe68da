/*
 * compile_lua DIR FILE...: LuaJIT's bytecode of each FILE, with its lines and names, as DIR/FILE.
 *
 * A step of the build. DIR/FILE's folder exists. FILE, as it is given, is what errors call it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

static int put(lua_State *L, const void *bytes, size_t size, void *context)
{
    (void)L;
    return fwrite(bytes, 1, size, context) == size ? 0 : 1;
}

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "compile_lua: %s: %s\n", what, why);
    return 1;
}

static int compile(lua_State *L, const char *folder, const char *name)
{
    char path[4096];

    if (luaL_loadfile(L, name) != 0)
        return fail(name, lua_tostring(L, -1));
    if ((size_t)snprintf(path, sizeof(path), "%s/%s", folder, name) >= sizeof(path))
        return fail(name, strerror(ENAMETOOLONG));
    FILE *out = fopen(path, "wb");
    if (!out)
        return fail(path, strerror(errno));
    int wrong = lua_dump(L, put, out);
    if (fclose(out) != 0 || wrong)
        return fail(path, strerror(errno));
    lua_pop(L, 1);
    return 0;
}

int main(int argc, char **argv)
{
    lua_State *L = luaL_newstate();
    int status = L && argc > 2 ? 0 : fail("usage", "compile_lua DIR FILE...");

    /* Numbers of 64 bits are the FFI's. */
    if (!status)
        luaL_openlibs(L);
    for (int i = 2; i < argc && !status; i++)
        status = compile(L, argv[1], argv[i]);
    if (L)
        lua_close(L);
    return status;
}

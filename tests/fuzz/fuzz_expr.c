/*
 * Expressions, by expr.lua beside this file: parsed, compiled, evaluated over rows of the captures.
 * Input: a byte that says as what (condition, value, word, list) and of which rows; the text.
 *
 * What is wrong with a text is told in our own words; nothing raises. The fuzzer sees which lines
 * of lua/sockq/expr run, by a hook.
 */
#include "../../src/lua/lua.h"
#include "fuzz.h"

enum { COUNTERS = 1 << 13 };

int luaopen_lpeg(lua_State *L);

/* libFuzzer looks at what stands in this section as at its own counters. */
__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t counters[COUNTERS];

static lua_State *lua;

/* LuaJIT's memory, in which a leak detector would have to look for pointers, is its own. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

static void count_line(lua_State *L, lua_Debug *where)
{
    uint32_t hash = (uint32_t)where->currentline * 2654435761u;

    if (!lua_getinfo(L, "S", where))
        return;
    for (const char *c = where->source; *c; c++)
        hash = (hash ^ (uint8_t)*c) * 16777619u;
    counters[(hash >> 12) % COUNTERS]++;
}

static void preload(lua_State *L, const char *name, lua_CFunction function)
{
    lua_getglobal(L, "package");
    lua_getfield(L, -1, "preload");
    lua_pushcfunction(L, function);
    lua_setfield(L, -2, name);
    lua_pop(L, 2);
}

/* The files that are embedded come first, as in the program. */
static void open_modules(lua_State *L)
{
    luaL_openlibs(L);
    preload(L, "sockq.core", luaopen_sockq_core);
    preload(L, "lpeg", luaopen_lpeg);
    lua_getglobal(L, "table");
    lua_getfield(L, -1, "insert");
    lua_getglobal(L, "package");
    lua_getfield(L, -1, "loaders");
    lua_remove(L, -2);
    lua_pushinteger(L, 2);
    lua_pushcfunction(L, sockq_lua_searcher);
    lua_call(L, 3, 0);
    lua_pop(L, 1);
}

static void start(void)
{
    lua = luaL_newstate();
    FUZZ_CHECK(lua);
    open_modules(lua);
    /* Compiled code calls no hook for a line. */
    FUZZ_CHECK(luaJIT_setmode(lua, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF));
    int failed = luaL_loadfile(lua, FUZZ_SOURCE "/tests/fuzz/expr.lua");
    if (!failed) {
        lua_pushliteral(lua, FUZZ_SOURCE);
        failed = lua_pcall(lua, 1, 1, 0);
    }
    if (failed) {
        fprintf(stderr, "%s\n", lua_tostring(lua, -1));
        abort();
    }
    FUZZ_CHECK(lua_isfunction(lua, -1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    uint8_t how = fuzz_byte(&in);

    if (!lua)
        start();
    fuzz_reads_reset();
    lua_sethook(lua, count_line, LUA_MASKLINE, 0);
    lua_pushvalue(lua, 1);
    lua_pushinteger(lua, how);
    lua_pushlstring(lua, (const char *)in.at, in.left);
    if (lua_pcall(lua, 2, 0, 0)) {
        fprintf(stderr, "%s\n", lua_isstring(lua, -1) ? lua_tostring(lua, -1) : "an error");
        abort();
    }
    lua_sethook(lua, NULL, 0, 0);
    /* What one input leaves is no leak of the next. */
    lua_gc(lua, LUA_GCSTEP, 64);
    return 0;
}

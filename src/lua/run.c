/*
 * The interpreter's own part: LuaJIT and what is linked in, the last lock, then lua/sockq/cli.lua.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../diag.h"
#include "lua.h"

int luaopen_cjson(lua_State *L);
int luaopen_lpeg(lua_State *L);

#ifdef SOCKQ_TEST_INJECT
void sockq_test_inject(void); /* tests/wall/inject.h */
#endif

enum { EXIT_USAGE = 2, EXIT_DATA = 3 };

static int traceback(lua_State *L)
{
    /* Where a limit of memory is met says the message. */
    if (!lua_isstring(L, 1) || strstr(lua_tostring(L, 1), "not enough memory"))
        return 1;
    luaL_traceback(L, L, lua_tostring(L, 1), 1);
    return 1;
}

/* package.preload gets what is linked in, package.loaders what is embedded, before any file. */
static void open_modules(lua_State *L)
{
    static const luaL_Reg linked[] = {{"sockq.core", luaopen_sockq_core},
                                      {"sockq.editor", luaopen_sockq_editor},
                                      {"sockq.locks", luaopen_sockq_locks},
                                      {"lpeg", luaopen_lpeg},
                                      {"cjson", luaopen_cjson},
                                      {NULL, NULL}};

    lua_getglobal(L, "package");
    lua_getfield(L, -1, "preload");
    for (const luaL_Reg *module = linked; module->name; module++) {
        lua_pushcfunction(L, module->func);
        lua_setfield(L, -2, module->name);
    }
    lua_pop(L, 1);
    lua_getfield(L, -1, "loaders");
    for (int i = (int)lua_objlen(L, -1); i >= 2; i--) {
        lua_rawgeti(L, -1, i);
        lua_rawseti(L, -2, i + 1);
    }
    lua_pushcfunction(L, sockq_lua_searcher);
    lua_rawseti(L, -2, 2);
    lua_pop(L, 2);
}

/* Without memory that may be executed LuaJIT's compiler ends the process. */
static bool can_compile(void)
{
    const size_t size = (size_t)sysconf(_SC_PAGESIZE);
    void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (page == MAP_FAILED)
        return true; /* short of memory: what comes next says so */
    bool result = mprotect(page, size, PROT_READ | PROT_EXEC) == 0;
    munmap(page, size);
    return result;
}

#ifdef __SANITIZE_ADDRESS__
/* At exit() leaks are looked for by a process that traces this one: not in the sandbox. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
    return sockq_lua_program && sockq_lua_program->locks->wanted;
}
#endif

/* The last lock: from here on only a few system calls are left. */
static void lock(void)
{
    struct sockq_locks *locks = sockq_lua_program->locks;

    if (!locks->wanted && sockq_lua_program->privileged && sockq_seccomp_no_typing() < 0)
        sockq_complain("--trust", "the script can type into this terminal: this kernel has no "
                                  "seccomp filters, or forbids them");
    if (!locks->wanted || sockq_seccomp_lock(&sockq_lua_program->calls) == 0)
        return;
    locks->seccomp_error = errno;
    if (!sockq_lua_program->privileged)
        sockq_complain("sandbox",
                       "this kernel has no seccomp filters, or forbids them; what scripts "
                       "may do is decided in Lua alone");
}

/* Lua: the whole of the interpreter's work; returns the exit status. */
static int run_protected(lua_State *L)
{
    luaL_openlibs(L);
    open_modules(L);
    const bool compiles = can_compile();
    /* Until cli.lua switches it on. */
    luaJIT_setmode(L, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF);
    if (!compiles)
        sockq_complain("start",
                       "this system allows no memory that is written and then executed; Lua "
                       "is not compiled, and slower");
    lock();
#ifdef SOCKQ_TEST_INJECT
    sockq_test_inject();
#endif
    lua_getglobal(L, "require");
    lua_pushliteral(L, "sockq.cli");
    lua_call(L, 1, 1);
    lua_getfield(L, -1, "main");
    lua_pushboolean(L, compiles);
    lua_call(L, 1, 1);
    return 1;
}

/* What Lua could not tell any more. */
static void tell_end(const char *text)
{
    const char *late = sockq_lua_timed_out();
    char what[128];

    if (late) {
        sockq_complain(NULL, *late ? late : "the time of --timeout is over");
    } else if (strcmp(text, "not enough memory") == 0) {
        const char *where = sockq_lua_memory_place();
        snprintf(what, sizeof(what), "%s; give more by --max-memory", text);
        sockq_complain(*where ? where : NULL, what);
    } else if (strstr(text, "not enough memory, ")) {
        sockq_complain(NULL, text);
    } else {
        sockq_complain("error", text);
    }
}

/*
 * What LuaJIT cannot raise as an error: by itself it would end with status 1: no rows. The one that
 * is known (lj_mcode.c) says that mprotect(2) failed, mostly at a limit of memory.
 */
static int on_panic(lua_State *L)
{
    const char *text = lua_isstring(L, -1) ? lua_tostring(L, -1) : "an error outside of all calls";
    char what[256];

    snprintf(what, sizeof(what), "%s%s", text,
             strstr(text, "code generation")
                 ? "; raise the limit of memory that ulimit -a lists, or allow mprotect"
                 : "");
    sockq_complain("LuaJIT", what);
    _exit(EXIT_DATA);
}

int sockq_lua_run(const struct sockq_limits *limits)
{
    lua_State *L = luaL_newstate();
    int status = EXIT_USAGE;

    if (!L) {
        sockq_complain(
            "start",
            "no memory or no random numbers for LuaJIT; raise the limit that ulimit -a lists, or "
            "allow getrandom");
        return EXIT_DATA;
    }
    lua_atpanic(L, on_panic);
    sockq_lua_watch(L, limits->memory);
    sockq_lua_interruptible(L, limits->timeout);
    lua_pushcfunction(L, traceback);
    lua_pushcfunction(L, run_protected);
    if (lua_pcall(L, 0, 1, 1) == 0)
        status = (int)lua_tointeger(L, -1);
    else if (!sockq_lua_interrupted() || sockq_lua_timed_out())
        tell_end(lua_isstring(L, -1) ? lua_tostring(L, -1) : "an error that is no text");
    return status;
}

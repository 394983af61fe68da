/*
 * Ends that Lua cannot tell of itself: no more memory, the end of a stack. LuaJIT raises "not
 * enough memory" without a place, and collects no garbage before it does. So the allocator calls
 * for a hook when three quarters of the limit are used, and again at seven eighths: garbage is
 * collected there, and what is still too much is an error with its place. One request that is too
 * large is told with the place that the allocator finds, or an earlier hook found. An endless
 * recursion through C, as of a function that string.gsub calls, meets the end of the stack as
 * SIGSEGV: the handler has a stack of its own, says where it was, and ends the process.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lua.h"

enum { EXIT_USAGE = 2, SIGNAL_STACK = 64 << 10 };

/* The bytes of a full stack of Lua's: LJ_STACK_MAX values, one, and LJ_STACK_EXTRA (lj_state.h). */
enum { FULL_STACK = (65500 + 1 + 7) * 8 };

/* The kernel keeps a gap of 256 pages below a stack (mm/mmap.c, stack_guard_gap). */
static const uintptr_t GAP = (uintptr_t)2 << 20;

static lua_State *watched;
static uintptr_t stack_top, stack_size;
static struct sigaction before;
static char memory_place[256];

/* A name of the user's: a file that is not built in, or one of the words for what has none. */
static const char *name_of_users(const char *source)
{
    static const char *const words[] = {"=-e", "=stdin", "=session"};

    if (source[0] == '@')
        return sockq_embedded_find(source + 1) ? NULL : source + 1;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(source, words[i]) == 0)
            return source + 1;
    return NULL;
}

static bool place_in(lua_State *L, char *text, size_t size)
{
    lua_Debug ar;

    for (int level = 0; level < 1000 && lua_getstack(L, level, &ar); level++) {
        if (!lua_getinfo(L, "Sl", &ar) || ar.currentline <= 0)
            continue;
        const char *name = name_of_users(ar.source);
        if (!name)
            continue;
        snprintf(text, size, "%s:%d", name, ar.currentline);
        return true;
    }
    return false;
}

void sockq_lua_place(lua_State *L, char *text, size_t size)
{
    text[0] = '\0';
    if (!place_in(L, text, size) && watched && watched != L)
        (void)place_in(watched, text, size);
}

void sockq_lua_write_last(char *text)
{
    size_t length = strlen(text);

    for (char *p = text; *p; p++)
        if (*p < ' ' || *p > '~')
            *p = '?';
    text[length] = '\n';
    sockq_lua_erase_line();
    (void)!write(STDERR_FILENO, "sockq: ", 7);
    (void)!write(STDERR_FILENO, text, length + 1);
    _exit(EXIT_USAGE);
}

static struct {
    lua_Alloc allocate;
    void *data;
    uint64_t limit; /* 0: none */
    uint64_t used;
    uint64_t mark; /* past it garbage is collected */
} memory;

static uint64_t eighths(uint64_t n)
{
    return memory.limit / 8 * n;
}

/* LuaJIT's allocator is not among the functions whose types are known. */
#if defined(__clang__)
__attribute__((no_sanitize("cfi-icall")))
#endif
static void *
allocate_or_note(void *context, void *block, size_t old_size, size_t size)
{
    void *result = memory.allocate(memory.data, block, old_size, size);
    char place[sizeof(memory_place)];

    (void)context;
    if (!result && size > 0) {
        /* Compiled code does not tell its line; that of the last hook is near. */
        sockq_lua_place(watched, place, sizeof(place));
        if (*place)
            memcpy(memory_place, place, sizeof(place));
        return NULL;
    }
    /* Where the error itself finds no room, LuaJIT asks no handler. */
    if (old_size == FULL_STACK && size > old_size)
        sockq_lua_place(watched, memory_place, sizeof(memory_place));
    memory.used += size - old_size;
    if (memory.used > memory.mark && size > old_size) {
        memory.mark = UINT64_MAX;
        sockq_lua_reach();
    }
    return result;
}

void sockq_lua_use_less(lua_State *L)
{
    bool is_first = memory.used < eighths(7);

    sockq_lua_place(L, memory_place, sizeof(memory_place));
    if (memory.used < eighths(6)) {
        memory.mark = memory.used < eighths(4) ? eighths(4) : eighths(6);
        return;
    }
    lua_gc(L, LUA_GCCOLLECT, 0);
    memory.mark = memory.used <= eighths(5) ? eighths(6) : eighths(7);
    if (is_first || memory.used <= eighths(6))
        return;
    luaL_error(L, "%s%snot enough memory, the limit is %d MiB; give more by --max-memory",
               memory_place, *memory_place ? ": " : "", (int)(memory.limit >> 20));
}

const char *sockq_lua_memory_place(void)
{
    return memory_place;
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    static volatile sig_atomic_t is_told;
    uintptr_t address = (uintptr_t)info->si_addr;
    char text[512], place[256] = "";

    (void)context;
    if (!is_told && info->si_code > 0 && address < stack_top &&
        address + stack_size < stack_top + GAP && address + stack_size + GAP > stack_top) {
        is_told = 1;
        sockq_lua_place(watched, place, sizeof(place));
    } else if (!is_told) {
        /* Another fault: as if this handler were not there. */
        sigaction(number, &before, NULL);
        raise(number);
        return;
    }
    snprintf(text, sizeof(text),
             "%s%sthe C stack is used up; look for calls without end through string.gsub, "
             "coroutines or the like",
             place, *place ? ": " : "");
    sockq_lua_write_last(text);
}

/*
 * Lua: core.message_handler(handler) → a function for xpcall that remembers where a stack overflow
 * was, and is then the handler. At that point there is room for C, and hardly for a Lua function.
 */
static int handle_message(lua_State *L)
{
    if (lua_type(L, 1) == LUA_TSTRING && strstr(lua_tostring(L, 1), "stack overflow"))
        sockq_lua_place(L, memory_place, sizeof(memory_place));
    lua_settop(L, 1);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, 1, 1);
    return 1;
}

static int l_message_handler(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 1);
    lua_pushcclosure(L, handle_message, 1);
    return 1;
}

void sockq_lua_open_limits(lua_State *L)
{
    lua_pushcfunction(L, l_message_handler);
    lua_setfield(L, -2, "message_handler");
}

void sockq_lua_watch(lua_State *L, uint64_t limit)
{
    int here;
    /* A fault within the handler comes to it again, which then gives up on the place. */
    struct sigaction action = {.sa_sigaction = on_fault,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    stack_t stack = {.ss_size = SIGNAL_STACK};
    struct rlimit size;

    watched = L;
    stack_top = (uintptr_t)&here;
    /* Behind the locks it cannot be asked for. */
    stack_size = getrlimit(RLIMIT_STACK, &size) == 0 ? (uintptr_t)size.rlim_cur : 0;
    memory.allocate = lua_getallocf(L, &memory.data);
    memory.limit = limit;
    memory.mark = limit ? eighths(2) : UINT64_MAX;
    memory.used = (uint64_t)lua_gc(L, LUA_GCCOUNT, 0) << 10;
    lua_setallocf(L, allocate_or_note, NULL);
    stack.ss_sp =
        mmap(NULL, SIGNAL_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack.ss_sp == MAP_FAILED || sigaltstack(&stack, NULL) < 0)
        return;
    sigemptyset(&action.sa_mask);
    sigaction(SIGSEGV, &action, &before);
}

/*
 * Ctrl-C. A hook that a signal handler sets does not reach a compiled loop: traces do not look at
 * the hook mask unless the profiler was started in mode "l", which makes every loop check it, and
 * its signal then brings the loop back to the interpreter. The profiler's interval is so long that
 * it never ticks of itself.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "lua.h"

/*
 * After an error was raised the script may end by itself; one that caught it gets the next. In a
 * session that one is raised wherever the script goes, until the call that the session made is
 * left.
 */
enum { TRY_EVERY_US = 20000, TRIES = 50, GRACE_TRIES = 10 };

static lua_State *volatile running;
static volatile sig_atomic_t interrupted;
static volatile sig_atomic_t tries;
static volatile sig_atomic_t in_session;
static bool was_raised;
/* Whether the collector passed the interrupt on; its twin, which came the other way, was met. */
static volatile sig_atomic_t first_passed_on;
static volatile sig_atomic_t has_twin;

static void retry_after(long us)
{
    struct itimerval timer = {.it_value = {.tv_usec = us}};

    setitimer(ITIMER_REAL, &timer, NULL);
}

static void stop(lua_State *L, lua_Debug *ar)
{
    if (!in_session || !was_raised) {
        lua_sethook(L, NULL, 0, 0);
        tries += GRACE_TRIES;
        retry_after(GRACE_TRIES * TRY_EVERY_US);
    }
    was_raised = true;
    if (lua_getinfo(L, "Sl", ar) && ar->currentline > 0)
        luaL_error(L, "%s:%d: interrupted", ar->short_src, ar->currentline);
    luaL_error(L, "interrupted");
}

static void reach(void)
{
    lua_sethook(running, stop, LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT, 1);
    raise(SIGPROF);
    retry_after(TRY_EVERY_US);
}

static bool is_passed_on(const siginfo_t *info)
{
    return info->si_code <= 0 && info->si_pid == getppid();
}

/* What came to the whole process group the collector passes on once more. */
static bool is_twin(const siginfo_t *info)
{
    if (has_twin || is_passed_on(info) == first_passed_on)
        return false;
    has_twin = 1;
    return true;
}

static void on_interrupt(int signal_number, siginfo_t *info, void *context)
{
    (void)signal_number;
    (void)context;
    if (interrupted) {
        (void)is_twin(info);
        return;
    }
    interrupted = 1;
    first_passed_on = is_passed_on(info);
    has_twin = 0;
    was_raised = false;
    tries = 0;
    reach();
}

static void end_at_once(int signal_number, siginfo_t *info, void *context)
{
    (void)context;
    if (info && is_twin(info))
        return;
    sockq_lua_erase_line();
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void handle_interrupts(void (*handler)(int, siginfo_t *, void *), int flags)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};

    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
}

static void on_alarm(int signal_number)
{
    (void)signal_number;
    if (!interrupted)
        return;
    /* A second Ctrl-C does not wait for any of this. */
    handle_interrupts(end_at_once, SA_RESTART);
    if (in_session || ++tries < TRIES)
        reach();
    else
        end_at_once(SIGINT, NULL, NULL);
}

static void on_tick(void *data, lua_State *L, int samples, int vmstate)
{
    (void)data;
    (void)L;
    (void)samples;
    (void)vmstate;
}

bool sockq_lua_interrupted(void)
{
    return interrupted;
}

static void catch_interrupts(void)
{
    /* No SA_RESTART: waiting for rows must end as well. */
    handle_interrupts(on_interrupt, 0);
}

bool sockq_lua_take_interrupt(void)
{
    struct itimerval never = {0};

    if (!interrupted)
        return false;
    setitimer(ITIMER_REAL, &never, NULL);
    interrupted = 0;
    lua_sethook(running, NULL, 0, 0);
    catch_interrupts();
    return true;
}

/*
 * Lua: core.session_call(handler, func, …) → ok, interrupted, results … or the error. As xpcall,
 * and Ctrl-C is meant for this call: it does not outlive it, and what cannot be stopped is ended by
 * the second one alone, not by time.
 */
static int l_session_call(lua_State *L)
{
    luaL_checkany(L, 2);
    in_session = 1;
    bool ok = lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET, 1) == 0;
    bool was_interrupted = sockq_lua_take_interrupt();
    lua_pushboolean(L, ok);
    lua_replace(L, 1);
    lua_pushboolean(L, was_interrupted);
    lua_insert(L, 2);
    return lua_gettop(L);
}

void sockq_lua_open_interrupt(lua_State *L)
{
    lua_pushcfunction(L, l_session_call);
    lua_setfield(L, -2, "session_call");
}

void sockq_lua_interruptible(lua_State *L)
{
    struct sigaction action = {.sa_handler = on_alarm}, before;

    /* A job that a shell started in the background ignores SIGINT: so be it. */
    if (sigaction(SIGINT, NULL, &before) == 0 && before.sa_handler == SIG_IGN)
        return;
    running = L;
    luaJIT_profile_start(L, "li1000000", on_tick, NULL);
    sigemptyset(&action.sa_mask);
    sigaction(SIGALRM, &action, NULL);
    catch_interrupts();
}

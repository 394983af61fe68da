/*
 * Ctrl-C and --timeout. A hook that a signal handler sets does not reach a compiled loop: traces do
 * not look at the hook mask unless the profiler was started in mode "l", which makes every loop
 * check it, and its signal then brings the loop back to the interpreter. The profiler's interval is
 * so long that it never ticks of itself.
 *
 * When the time is over an error is raised where Lua is. A script that goes on behind it is stopped
 * for good a little later: then every instruction raises, until nothing is left that could catch
 * it. No hook reaches a call that stays in C, as of pattern matching, nor a message handler: there
 * the process ends, and where even that fails its parent ends it (supervise.c).
 */
#define _GNU_SOURCE
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "lua.h"

/*
 * After an error was raised the script may end by itself; one that caught it gets the next. In a
 * session that one is raised wherever the script goes, until the call that the session made is
 * left.
 */
enum { TRY_EVERY_US = 20000, TRIES = 50, GRACE_TRIES = 10 };

/* A hook that is not called for so long will not be: Lua is within C, or in a message handler. */
static const double UNREACHED_S = 0.5;

enum { EXIT_USAGE = 2 };

static lua_State *volatile running;
static volatile sig_atomic_t interrupted;
static volatile sig_atomic_t tries;
static volatile sig_atomic_t in_session;
static bool was_raised;
/* Of --timeout: seconds that it gives, 0 for none; the monotonic time of its end. */
static double seconds;
static double deadline;
static volatile sig_atomic_t timed_out;
/* When the hook was set that was not called yet; 0: it was called. */
static double unreached_since;
/* What a stop by --timeout says: "FILE:LINE: stopped …". */
static char stop_text[512];
/* Whether the collector passed the interrupt on; its twin, which came the other way, was met. */
static volatile sig_atomic_t first_passed_on;
static volatile sig_atomic_t has_twin;

static void retry_after(long us)
{
    struct itimerval timer = {.it_value = {.tv_usec = us}};

    setitimer(ITIMER_REAL, &timer, NULL);
}

static double now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void wait_for_deadline(void)
{
    double left = fmax(deadline - now(), 1e-6), whole = floor(left);
    struct itimerval timer = {
        .it_value = {.tv_sec = (time_t)whole, .tv_usec = (suseconds_t)((left - whole) * 1e6)}};

    if (deadline > 0) {
        if (timer.it_value.tv_sec == 0 && timer.it_value.tv_usec == 0)
            timer.it_value.tv_usec = 1;
        setitimer(ITIMER_REAL, &timer, NULL);
    }
}

static void tell_stop(lua_State *L, const char *where)
{
    char place[256];

    sockq_lua_place(L, place, sizeof(place));
    snprintf(stop_text, sizeof(stop_text), "%s%sstopped after %g s%s; give more by --timeout",
             place, *place ? ": " : "", seconds, where);
}

static void stop_late(lua_State *L)
{
    unreached_since = 0;
    if (!was_raised) {
        lua_sethook(L, NULL, 0, 0);
        tell_stop(L, "");
        retry_after(GRACE_TRIES * TRY_EVERY_US);
    }
    was_raised = true;
    lua_pushstring(L, stop_text);
    lua_error(L);
}

static void stop(lua_State *L, lua_Debug *ar)
{
    if (timed_out)
        stop_late(L);
    if (!interrupted) {
        lua_sethook(L, NULL, 0, 0);
        sockq_lua_use_less(L);
        return;
    }
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

void sockq_lua_reach(void)
{
    lua_sethook(running, stop, LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT, 1);
    raise(SIGPROF);
}

static void reach(void)
{
    sockq_lua_reach();
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

/* Lua has not come to an instruction since: it is within a call that does not return. */
static void end_late(void)
{
    static volatile sig_atomic_t is_told;

    if (is_told)
        _exit(EXIT_USAGE);
    is_told = 1;
    tell_stop(running, ", within a call that cannot be interrupted");
    sockq_lua_write_last(stop_text);
}

static void on_deadline(void)
{
    if (!timed_out) {
        timed_out = 1;
        was_raised = false;
    }
    if (unreached_since == 0)
        unreached_since = now();
    else if (now() - unreached_since > UNREACHED_S)
        end_late();
    reach();
}

static void on_alarm(int signal_number)
{
    (void)signal_number;
    if (timed_out || (deadline > 0 && now() >= deadline)) {
        on_deadline();
        return;
    }
    if (!interrupted) {
        wait_for_deadline();
        return;
    }
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

const char *sockq_lua_timed_out(void)
{
    return timed_out ? stop_text : NULL;
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
    wait_for_deadline();
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

void sockq_lua_interruptible(lua_State *L, double timeout)
{
    struct sigaction action = {.sa_handler = on_alarm}, before;

    running = L;
    luaJIT_profile_start(L, "li1000000", on_tick, NULL);
    sigemptyset(&action.sa_mask);
    sigaction(SIGALRM, &action, NULL);
    /* A job that a shell started in the background ignores SIGINT: so be it. */
    if (sigaction(SIGINT, NULL, &before) != 0 || before.sa_handler != SIG_IGN)
        catch_interrupts();
    seconds = timeout;
    if (timeout > 0) {
        deadline = now() + timeout;
        wait_for_deadline();
    }
}

#define _GNU_SOURCE
#include "supervise.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "diag.h"

enum { EXIT_USAGE = 2, EXIT_DATA = 3 };

static volatile sig_atomic_t is_too_late;

/* For the signal handlers. */
static struct sockq_supervised *supervised;

static void give_back(void)
{
    if (sockq_terminal_is_changed(&supervised->terminal))
        sockq_terminal_give_back(&supervised->terminal, supervised->has_screen);
}

static void handle(int number, void (*handler)(int, siginfo_t *, void *))
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART};
    struct sigaction before;

    sigfillset(&action.sa_mask);
    if (sigaction(number, NULL, &before) == 0 &&
        ((before.sa_flags & SA_SIGINFO) || before.sa_handler != SIG_IGN))
        sigaction(number, &action, NULL);
}

/*
 * Ctrl-C reaches the interpreter by itself, as a member of the terminal's foreground group; what
 * another process sends to the collector alone is passed on.
 */
static void on_interrupt(int number, siginfo_t *info, void *context)
{
    (void)context;
    if (supervised->child > 0 && info->si_code <= 0 && info->si_pid != supervised->child)
        kill(supervised->child, number);
}

/* Die of a signal inside its handler. */
static void die_of(int number)
{
    sigset_t one;

    signal(number, SIG_DFL);
    sigemptyset(&one);
    sigaddset(&one, number);
    raise(number);
    sigprocmask(SIG_UNBLOCK, &one, NULL);
}

static void on_end(int number, siginfo_t *info, void *context)
{
    (void)info;
    (void)context;
    sockq_supervise_kill();
    die_of(number);
}

/*
 * The shell takes the terminal back as soon as this process stops, so that the child has to be
 * still by then. It takes the terminal again by itself when it goes on.
 */
static void on_stop(int number, siginfo_t *info, void *context)
{
    pid_t child = supervised->child;
    int saved = errno;
    siginfo_t stopped;

    (void)info;
    (void)context;
    if (child > 0 && kill(child, SIGSTOP) == 0)
        while (waitid(P_PID, (id_t)child, &stopped, WSTOPPED | WEXITED | WNOWAIT) < 0 &&
               errno == EINTR)
            continue;
    give_back();
    die_of(number);
    /* Continued. */
    handle(number, on_stop);
    if (child > 0)
        kill(child, SIGCONT);
    errno = saved;
}

/* The child has not stopped by itself. */
static void on_alarm(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)info;
    (void)context;
    if (supervised->child > 0) {
        is_too_late = 1;
        kill(supervised->child, SIGKILL);
    }
}

static void watch_time(double seconds)
{
    struct sigaction action = {.sa_sigaction = on_alarm, .sa_flags = SA_SIGINFO | SA_RESTART};
    time_t whole = (time_t)seconds;
    struct itimerval timer = {
        .it_value = {.tv_sec = whole + 1,
                     .tv_usec = (suseconds_t)((seconds - (double)whole) * 1e6)}};

    sigfillset(&action.sa_mask);
    /* Also where it was ignored: nobody else ends what does not end by itself. */
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
}

/* What the collector's own faults raise. */
static const struct {
    int number;
    const char *message;
} crashes[] = {
    {SIGSYS, "sockq: collector: it tried a system call that it never needs, and was stopped\n"},
/* The sanitizers have more to say of the others. */
#ifndef __SANITIZE_ADDRESS__
    {SIGSEGV, "sockq: collector: it was ended by signal 11 (Segmentation fault)\n"},
    {SIGBUS, "sockq: collector: it was ended by signal 7 (Bus error)\n"},
    {SIGILL, "sockq: collector: it was ended by signal 4 (Illegal instruction)\n"},
    {SIGFPE, "sockq: collector: it was ended by signal 8 (Floating point exception)\n"},
    {SIGABRT, "sockq: collector: it was ended by signal 6 (Aborted)\n"},
#endif
};

/* Also in a thread, and with a full stack: no more than system calls. */
static void on_crash(int number, siginfo_t *info, void *context)
{
    (void)info;
    (void)context;
    for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++)
        if (crashes[i].number == number) {
            ssize_t n = write(STDERR_FILENO, crashes[i].message, strlen(crashes[i].message));
            (void)n;
        }
    sockq_supervise_kill();
    _exit(EXIT_DATA);
}

static void handle_crashes(void)
{
    static max_align_t room[2048];
    const stack_t stack = {.ss_sp = room, .ss_size = sizeof(room)};
    struct sigaction action = {.sa_sigaction = on_crash,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK | (int)SA_RESETHAND};

    (void)sigaltstack(&stack, NULL);
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++)
        sigaction(crashes[i].number, &action, NULL);
}

void sockq_supervise(struct sockq_supervised *what)
{
    supervised = what;
    handle_crashes();
    if (what->timeout > 0)
        watch_time(what->timeout);
    handle(SIGINT, on_interrupt);
    handle(SIGQUIT, on_interrupt);
    handle(SIGTERM, on_end);
    handle(SIGHUP, on_end);
    handle(SIGTSTP, on_stop);
}

static void end_process(pid_t *pid)
{
    if (*pid > 0 && kill(*pid, SIGKILL) == 0)
        while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
            continue;
    *pid = 0;
}

void sockq_supervise_kill(void)
{
    end_process(&supervised->child);
    end_process(&supervised->names);
    give_back();
}

int sockq_supervise_end(void)
{
    int status;

    while (waitpid(supervised->child, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    supervised->child = 0;
    end_process(&supervised->names);
    /* A script that ends well may have changed the terminal on purpose. */
    if (WIFSIGNALED(status) || supervised->has_screen)
        give_back();
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    int number = WTERMSIG(status);
    if (number == SIGKILL && is_too_late) {
        char what[160];
        snprintf(what, sizeof(what),
                 "still running a second after --timeout %g, and killed; look for a pattern or a "
                 "message handler without end",
                 supervised->timeout);
        sockq_complain(supervised->what, what);
        return EXIT_USAGE;
    }
    /* Whoever sends the others knows; this one may come from the kernel, short of memory. */
    if (number == SIGKILL)
        fprintf(stderr, "sockq: the interpreter was killed (signal 9), by somebody or for want of "
                        "memory\n");
    if (number == SIGINT || number == SIGPIPE || number == SIGTERM || number == SIGHUP ||
        number == SIGQUIT || number == SIGKILL) {
        signal(number, SIG_DFL);
        raise(number);
    }
    if (number == SIGSYS) {
        fprintf(stderr,
                "sockq: sandbox: the script tried a forbidden system call; if you trust it, "
                "give --trust\n");
        return EXIT_USAGE;
    }
    fprintf(stderr, "sockq: the interpreter was ended by signal %d (%s)\n", number,
            strsignal(number));
    return EXIT_DATA;
}

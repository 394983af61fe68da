/*
 * The parent's part, a signal and a call at a time: with a child, with one that is gone, without
 * one; waits that a signal meets; what each fault of its own says.
 *
 * Linked with the options in test_supervise_calls.link, so that the calls come here first.
 */
#define _GNU_SOURCE
#include "terminal.h"

#include "../../src/supervise.h"

/* What a case does not name is zero. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

static struct {
    const char *call; /* that fails once, NULL: none */
    int error;
} plan;

static bool fails(const char *call)
{
    if (!plan.call || strcmp(plan.call, call) != 0)
        return false;
    errno = plan.error;
    plan.call = NULL;
    return true;
}

pid_t __real_waitpid(pid_t pid, int *status, int flags);
pid_t __wrap_waitpid(pid_t pid, int *status, int flags);
pid_t __wrap_waitpid(pid_t pid, int *status, int flags)
{
    return fails("waitpid") ? -1 : __real_waitpid(pid, status, flags);
}

int __real_waitid(idtype_t type, id_t id, siginfo_t *info, int flags);
int __wrap_waitid(idtype_t type, id_t id, siginfo_t *info, int flags);
int __wrap_waitid(idtype_t type, id_t id, siginfo_t *info, int flags)
{
    return fails("waitid") ? -1 : __real_waitid(type, id, info, flags);
}

int __real_sigaction(int number, const struct sigaction *action, struct sigaction *before);
int __wrap_sigaction(int number, const struct sigaction *action, struct sigaction *before);
int __wrap_sigaction(int number, const struct sigaction *action, struct sigaction *before)
{
    return !action && fails("sigaction") ? -1 : __real_sigaction(number, action, before);
}

static struct sockq_supervised supervised;

/* A child that waits until it is killed, and ends by 0 at SIGINT. */
static void on_int(int number)
{
    (void)number;
    _exit(0);
}

static pid_t start_waiting(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        signal(SIGINT, on_int);
        for (;;)
            pause();
    }
    return pid;
}

/* A pid that is nobody's any more. */
static pid_t gone(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    __real_waitpid(pid, NULL, 0);
    return pid;
}

static bool is_alive(pid_t pid)
{
    return kill(pid, 0) == 0;
}

static void begin(pid_t child)
{
    supervised = (struct sockq_supervised){.terminal.fd = -1, .child = child};
    sockq_supervise(&supervised);
}

/* Each runs in a process of its own and returns 0 if all is as it should be. */
static int interrupt_without_a_child(void)
{
    begin(0);
    return raise(SIGINT) || raise(SIGQUIT);
}

static int interrupt_that_is_passed_on(void)
{
    int status;
    pid_t child = start_waiting();

    usleep(20000);
    begin(child);
    raise(SIGINT);
    return __real_waitpid(child, &status, 0) != child || status != 0;
}

static int interrupt_of_the_child(void)
{
    pid_t parent = getpid();

    begin(0);
    supervised.child = fork();
    if (supervised.child == 0) {
        signal(SIGINT, on_int);
        kill(parent, SIGINT);
        /* It comes back to nobody. */
        usleep(50000);
        _exit(7);
    }
    return sockq_supervise_end() != 7;
}

static int stop_without_a_child(void)
{
    begin(0);
    raise(SIGTSTP);
    return 0;
}

static int stop_with_a_child_that_is_gone(void)
{
    begin(gone());
    raise(SIGTSTP);
    return 0;
}

static int stop_with_a_child(void)
{
    int status;
    pid_t child = start_waiting();

    begin(child);
    plan.call = "waitid";
    plan.error = EINTR;
    raise(SIGTSTP);
    /* Both go on. */
    if (!is_alive(child) || __real_waitpid(child, &status, WNOHANG) != 0)
        return 1;
    sockq_supervise_kill();
    return is_alive(child);
}

static int stop_with_a_child_of_which_nothing_is_told(void)
{
    pid_t child = start_waiting();

    begin(child);
    plan.call = "waitid";
    plan.error = ECHILD;
    raise(SIGTSTP);
    sockq_supervise_kill();
    return is_alive(child);
}

static int kill_of_which_nothing_is_told(void)
{
    begin(start_waiting());
    plan.call = "waitpid";
    plan.error = ECHILD;
    sockq_supervise_kill();
    return supervised.child != 0;
}

static int time_that_is_over_without_a_child(void)
{
    begin(0);
    supervised.timeout = 100;
    sockq_supervise(&supervised);
    raise(SIGALRM);
    return 0;
}

static int kill_that_is_interrupted(void)
{
    pid_t child = start_waiting();

    begin(child);
    plan.call = "waitpid";
    plan.error = EINTR;
    sockq_supervise_kill();
    return is_alive(child) || supervised.child != 0;
}

static int kill_of_nobody(void)
{
    begin(gone());
    sockq_supervise_kill();
    return supervised.child != 0;
}

static int end_that_is_interrupted(void)
{
    pid_t child = fork();

    if (child == 0)
        _exit(9);
    begin(child);
    plan.call = "waitpid";
    plan.error = EINTR;
    return sockq_supervise_end() != 9;
}

static int end_of_nobody(void)
{
    begin(gone());
    return sockq_supervise_end() != -1 || errno != ECHILD;
}

static int signals_that_cannot_be_asked_for(void)
{
    plan.call = "sigaction";
    plan.error = EINVAL;
    begin(0);
    raise(SIGINT);
    return 1;
}

static int supervising_twice(void)
{
    begin(0);
    begin(0);
    return raise(SIGINT);
}

#define FAULT(number)                                                                              \
    static int fault_##number(void)                                                                \
    {                                                                                              \
        begin(0);                                                                                  \
        raise(number);                                                                             \
        return 1;                                                                                  \
    }

FAULT(SIGSYS)
#ifndef __SANITIZE_ADDRESS__
FAULT(SIGSEGV)
FAULT(SIGBUS)
FAULT(SIGILL)
FAULT(SIGFPE)
FAULT(SIGABRT)
#endif

static const struct supervise_case {
    const char *name;
    int (*run)(void);
    int status; /* as waitpid gives it */
    bool stops;
    const char *said;
} cases[] = {
    {"interrupt without a child", interrupt_without_a_child},
    {"interrupt that is passed on", interrupt_that_is_passed_on},
    {"interrupt of the child", interrupt_of_the_child},
    {"stop without a child", stop_without_a_child, .stops = true},
    {"stop with a child that is gone", stop_with_a_child_that_is_gone, .stops = true},
    {"stop with a child", stop_with_a_child, .stops = true},
    {"time that is over without a child", time_that_is_over_without_a_child},
    {"stop with a child of which nothing is told", stop_with_a_child_of_which_nothing_is_told,
     .stops = true},
    {"kill of which nothing is told", kill_of_which_nothing_is_told},
    {"kill that is interrupted", kill_that_is_interrupted},
    {"kill of nobody", kill_of_nobody},
    {"end that is interrupted", end_that_is_interrupted},
    {"end of nobody", end_of_nobody},
    {"signals that cannot be asked for", signals_that_cannot_be_asked_for, .status = SIGINT},
    {"supervising twice", supervising_twice},
    {"a call that is forbidden", fault_SIGSYS, .status = 3 << 8,
     .said = "sockq: collector: it tried a system call that it never needs, and was stopped\n"},
#ifndef __SANITIZE_ADDRESS__
    {"SIGSEGV", fault_SIGSEGV, .status = 3 << 8,
     .said = "sockq: collector: it was ended by signal 11 (Segmentation fault)\n"},
    {"SIGBUS", fault_SIGBUS, .status = 3 << 8,
     .said = "sockq: collector: it was ended by signal 7 (Bus error)\n"},
    {"SIGILL", fault_SIGILL, .status = 3 << 8,
     .said = "sockq: collector: it was ended by signal 4 (Illegal instruction)\n"},
    {"SIGFPE", fault_SIGFPE, .status = 3 << 8,
     .said = "sockq: collector: it was ended by signal 8 (Floating point exception)\n"},
    {"SIGABRT", fault_SIGABRT, .status = 3 << 8,
     .said = "sockq: collector: it was ended by signal 6 (Aborted)\n"},
#endif
};

static void one_case(void **state)
{
    struct fixture *f = *state;
    const struct supervise_case *one = f->given;
    int ends[2], status;
    char said[256];

    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        alarm(20);
        /* In an orphaned process group the kernel lets SIGTSTP stop nobody. */
        if (one->stops && setpgid(0, 0) < 0)
            _exit(98);
        if (dup2(ends[1], STDERR_FILENO) < 0)
            _exit(99);
        close(ends[1]);
        _exit(one->run());
    }
    close(ends[1]);
    if (one->stops) {
        assert_int_equal(__real_waitpid(pid, &status, WUNTRACED), pid);
        assert_true(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTSTP);
        assert_int_equal(kill(pid, SIGCONT), 0);
    }
    assert_int_equal(__real_waitpid(pid, &status, 0), pid);
    const ssize_t n = read(ends[0], said, sizeof(said) - 1);
    close(ends[0]);
    assert_true(n >= 0);
    said[n] = '\0';
    assert_string_equal(said, one->said ? one->said : "");
    assert_int_equal(status, one->status);
}

/* On a terminal: what a key sends comes to the child by itself. */
static int wait_for_the_key(const void *context)
{
    struct termios modes;

    (void)context;
    if (tcgetattr(STDIN_FILENO, &modes) < 0)
        return 1;
    modes.c_lflag &= ~(tcflag_t)ICANON;
    supervised = (struct sockq_supervised){.terminal.fd = -1};
    pid_t child = start_waiting();
    setpgid(child, child);
    begin(child);
    if (tcsetattr(STDIN_FILENO, TCSANOW, &modes) < 0)
        return 2;
    sigset_t one, before;
    sigemptyset(&one);
    sigaddset(&one, SIGINT);
    sigprocmask(SIG_BLOCK, &one, &before);
    dprintf(STDOUT_FILENO, "ready");
    sigsuspend(&before);
    usleep(50000);
    const bool alive = __real_waitpid(child, NULL, WNOHANG) == 0;
    sockq_supervise_kill();
    return alive ? 0 : 3;
}

static void a_key_is_not_passed_on(void **state)
{
    static const struct terminal_step steps[STEPS_MOST] = {{"ready", "\3"}};

    (void)state;
    assert_int_equal(terminal_run(wait_for_the_key, NULL, steps), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {FIXTURE_TEST(a_key_is_not_passed_on)};

    return run_cases("supervise, a call at a time", cases, sizeof(cases[0]), COUNT(cases),
                     one_case) +
           cmocka_run_group_tests_name("supervise on a terminal", tests, NULL, NULL);
}

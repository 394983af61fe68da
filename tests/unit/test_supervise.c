/*
 * The parent's part: what the child's end makes of the parent's, signals that reach only the
 * parent, and the terminal that is given back. Each test forks a parent, which forks a
 * child.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/supervise.h"
#include "helper.h"

enum { MOST_SECONDS = 20 };

/* What the child does; it is told nothing, and tells by `said`. */
typedef void (*child_function)(int said);

/* One run, as the test sees it. */
struct run {
    pid_t leader; /* of the session: the shell's part; it ends as the parent does */
    pid_t parent;
    int said;     /* what the child writes */
    int terminal; /* the other end of the parent's terminal */
};

static struct sockq_supervised supervised;

/* Between the processes. */
static volatile struct {
    pid_t parent;
    bool read; /* the test has read the terminal */
} * shared;

/* A terminal of its own for this process, as standard input and output. */
static void take_terminal(int terminal)
{
    setsid();
    int fd = open(ptsname(terminal), O_RDWR);
    if (fd < 0 || dup2(fd, STDIN_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0)
        _exit(99);
    close(fd);
}

static void be_parent(child_function child, int said)
{
    alarm(MOST_SECONDS);
    shared->parent = getpid();
    while (tcgetpgrp(STDIN_FILENO) != getpgrp())
        usleep(1000);
    sockq_terminal_find(&supervised.terminal);
    supervised.has_screen = true;
    supervised.child = fork();
    if (supervised.child == 0) {
        child(said);
        _exit(0);
    }
    supervised.names = fork();
    if (supervised.names == 0) {
        pause();
        _exit(0);
    }
    sockq_supervise(&supervised);
    if (write(said, "p", 1) != 1)
        _exit(98);
    int status = sockq_supervise_end();
    /* Nothing is left of either. */
    _exit(waitpid(-1, NULL, 0) < 0 && errno == ECHILD ? status : 97);
}

/* As a shell does: the job in the foreground. */
static void be_leader(child_function child, int terminal, int said)
{
    int status;

    alarm(MOST_SECONDS);
    take_terminal(terminal);
    signal(SIGTTOU, SIG_IGN);
    pid_t parent = fork();
    if (parent == 0) {
        setpgid(0, 0);
        signal(SIGTTOU, SIG_DFL);
        be_parent(child, said);
    }
    setpgid(parent, parent);
    tcsetpgrp(STDIN_FILENO, parent);
    while (waitpid(parent, &status, 0) < 0 && errno == EINTR)
        continue;
    if (write(said, "e", 1) != 1)
        _exit(93);
    /* With its end what stands in the terminal would be gone. */
    while (!shared->read)
        usleep(1000);
    if (WIFSIGNALED(status)) {
        signal(WTERMSIG(status), SIG_DFL);
        raise(WTERMSIG(status));
    }
    _exit(WEXITSTATUS(status));
}

static void start(struct run *run, child_function child)
{
    int ends[2];

    run->terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(run->terminal >= 0);
    assert_int_equal(grantpt(run->terminal) || unlockpt(run->terminal), 0);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    void *at =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(at != MAP_FAILED);
    shared = at;
    fflush(NULL);
    run->leader = fork();
    assert_true(run->leader >= 0);
    if (run->leader == 0)
        be_leader(child, run->terminal, ends[1]);
    close(ends[1]);
    run->said = ends[0];
}

/* Wait for words of parent and child, in whichever order. */
static void hear(struct run *run, const char *words)
{
    char text[8];

    for (size_t i = 0; i < strlen(words); i++) {
        assert_int_equal(read(run->said, text + i, 1), 1);
        assert_non_null(strchr(words, text[i]));
    }
    run->parent = shared->parent;
}

/* What is waiting on the terminal, and how the parent ended. */
static int end(struct run *run, char *shown, size_t size)
{
    int status;
    char word = 0;

    while (word != 'e')
        assert_int_equal(read(run->said, &word, 1), 1);
    /* The kernel hands over what was written a little later, in parts. */
    struct pollfd one = {.fd = run->terminal, .events = POLLIN};
    size_t have = 0;
    ssize_t n = 1;
    while (n > 0 && have < size - 1 && poll(&one, 1, 300) > 0 && one.revents & POLLIN) {
        n = read(run->terminal, shown + have, size - 1 - have);
        have += n > 0 ? (size_t)n : 0;
    }
    shown[have] = '\0';
    shared->read = true;
    assert_int_equal(waitpid(run->leader, &status, 0), run->leader);
    munmap((void *)(uintptr_t)shared, sizeof(*shared));
    close(run->terminal);
    close(run->said);
    return status;
}

static void say(int said)
{
    if (write(said, "c", 1) != 1)
        _exit(96);
}

static void exit_seven(int said)
{
    (void)said;
    _exit(7);
}

static void wait_for_signal(int said)
{
    signal(SIGINT, SIG_DFL);
    say(said);
    for (;;)
        pause();
}

/* Takes the terminal, as --watch does, and says what signal 0 means: that it did. */
static void take_and_wait(int said)
{
    if (sockq_terminal_take(&supervised.terminal) < 0)
        _exit(95);
    wait_for_signal(said);
}

static void take_and_die(int said)
{
    (void)said;
    if (sockq_terminal_take(&supervised.terminal) < 0)
        _exit(95);
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
}

static void die_of_pipe(int said)
{
    (void)said;
    signal(SIGPIPE, SIG_DFL);
    raise(SIGPIPE);
}

static void exit_status_is_the_childs(void **state)
{
    struct run run;
    char shown[256];

    (void)state;
    start(&run, exit_seven);
    int status = end(&run, shown, sizeof(shown));
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
    /* No screen was taken, so none is given back. */
    assert_string_equal(shown, "");
}

static void crashed_child_is_status_3_and_the_terminal_is_given_back(void **state)
{
    struct run run;
    char shown[512];

    (void)state;
    start(&run, take_and_die);
    int status = end(&run, shown, sizeof(shown));
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 3);
    const char *taken = strstr(shown, "\033[?1049h"), *left = strstr(shown, "\033[?1049l");
    assert_non_null(taken);
    assert_non_null(left);
    assert_true(taken < left);
}

static void signal_of_the_child_is_the_parents(void **state)
{
    struct run run;
    char shown[256];

    (void)state;
    start(&run, die_of_pipe);
    int status = end(&run, shown, sizeof(shown));
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGPIPE);
}

/* SIGTERM ends both, SIGINT and SIGQUIT are passed on. */
static void signals_that_only_the_parent_gets(void **state)
{
    static const int numbers[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT};
    char shown[512];

    (void)state;
    for (size_t i = 0; i < COUNT(numbers); i++) {
        struct run run;
        start(&run, take_and_wait);
        hear(&run, "pc");
        assert_int_equal(kill(run.parent, numbers[i]), 0);
        int status = end(&run, shown, sizeof(shown));
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), numbers[i]);
        assert_non_null(strstr(shown, "\033[?1049l"));
    }
}

/* As under nohup(1). */
static void ignored_signals_stay_ignored(void **state)
{
    struct run run;
    char shown[512];

    (void)state;
    signal(SIGHUP, SIG_IGN);
    start(&run, take_and_wait);
    signal(SIGHUP, SIG_DFL);
    hear(&run, "pc");
    assert_int_equal(kill(run.parent, SIGHUP), 0);
    assert_int_equal(kill(run.parent, SIGTERM), 0);
    int status = end(&run, shown, sizeof(shown));
    assert_int_equal(WTERMSIG(status), SIGTERM);
}

/* Standard output that is full for a while, and one that is closed. */
static void what_is_written_is_written_whole(void **state)
{
    static char text[200000];
    int ends[2], kept = dup(STDOUT_FILENO), status;

    (void)state;
    fflush(NULL);
    memset(text, 'x', sizeof(text));
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        size_t have = 0;
        close(ends[1]);
        usleep(20000);
        for (ssize_t n; (n = read(ends[0], text, sizeof(text))) > 0;)
            have += (size_t)n;
        _exit(have == sizeof(text) ? 0 : 1);
    }
    close(ends[0]);
    assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    assert_true(dup2(ends[1], STDOUT_FILENO) >= 0);
    close(ends[1]);
    int written = sockq_terminal_write(text, sizeof(text));
    close(STDOUT_FILENO);
    int closed = sockq_terminal_write("x", 1), error = errno;
    dup2(kept, STDOUT_FILENO);
    close(kept);
    assert_int_equal(written, 0);
    assert_int_equal(closed, -1);
    assert_int_equal(error, EBADF);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void without_a_terminal_none_is_taken(void **state)
{
    struct sockq_terminal none = {.fd = -1};

    (void)state;
    assert_int_equal(sockq_terminal_take(&none), -1);
    assert_int_equal(errno, ENOTTY);
    assert_false(sockq_terminal_is_changed(&none));
    sockq_terminal_give_back(&none, true);
    none.fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    assert_int_equal(sockq_terminal_take(&none), -1);
    assert_false(sockq_terminal_is_changed(&none));
    close(none.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exit_status_is_the_childs),
        cmocka_unit_test(crashed_child_is_status_3_and_the_terminal_is_given_back),
        cmocka_unit_test(signal_of_the_child_is_the_parents),
        cmocka_unit_test(signals_that_only_the_parent_gets),
        cmocka_unit_test(ignored_signals_stay_ignored),
        cmocka_unit_test(what_is_written_is_written_whole),
        cmocka_unit_test(without_a_terminal_none_is_taken),
    };

    return cmocka_run_group_tests_name("supervise", tests, NULL, NULL);
}

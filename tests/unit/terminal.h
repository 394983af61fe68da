/*
 * A terminal for one test: what runs on it is a child process, what is typed comes step by step,
 * what is shown is kept. For one test_*.c.
 */
#ifndef SOCKQ_TESTS_TERMINAL_H
#define SOCKQ_TESTS_TERMINAL_H
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "helper.h"

enum { STEPS_MOST = 6, WAIT_MS = 20000 };

/** What is typed or sent once something is shown. */
struct terminal_step {
    const char *shown; /* wait for this; NULL: do not wait */
    const char *typed; /* NULL: nothing */
    int signal;        /* for the process; 0: none */
    int columns;       /* the terminal's new width; 0: it stays; -1: it has none */
    bool nul;          /* a NUL is typed after that */
    bool cooked;       /* somebody else had the terminal: lines are edited by the kernel again */
};

static char terminal_screen[1 << 16];
static size_t terminal_length;

/* Take what is shown. @return false at its end, or after too long a time */
static bool terminal_take(int master)
{
    struct pollfd ready = {.fd = master, .events = POLLIN};

    if (poll(&ready, 1, WAIT_MS) <= 0)
        return false;
    ssize_t n = read(master, terminal_screen + terminal_length,
                     sizeof(terminal_screen) - 1 - terminal_length);
    if (n <= 0)
        return false;
    terminal_length += (size_t)n;
    terminal_screen[terminal_length] = '\0';
    return true;
}

/* Keys are typed at who reads them one by one: a prompt may be shown before. */
static void terminal_await_keys(int master)
{
    struct termios modes;

    for (int i = 0; i < WAIT_MS; i++) {
        assert_int_equal(tcgetattr(master, &modes), 0);
        if (!(modes.c_lflag & ICANON))
            return;
        usleep(1000);
    }
    fail_msg("nobody reads keys; shown was: %s", terminal_screen);
}

static void terminal_step(int master, pid_t pid, const struct terminal_step *step, size_t *from)
{
    const char *found = NULL;

    while (step->shown && !(found = strstr(terminal_screen + *from, step->shown)))
        if (!terminal_take(master))
            fail_msg("\"%s\" was not shown; shown was: %s", step->shown, terminal_screen);
    if (found)
        *from = (size_t)(found - terminal_screen) + strlen(step->shown);
    if (step->columns) {
        const struct winsize size = {
            .ws_row = 24, .ws_col = step->columns > 0 ? (unsigned short)step->columns : 0};
        assert_int_equal(ioctl(master, TIOCSWINSZ, &size), 0);
    }
    if (step->cooked) {
        struct termios modes;
        assert_int_equal(tcgetattr(master, &modes), 0);
        modes.c_lflag |= ICANON | ECHO;
        assert_int_equal(tcsetattr(master, TCSANOW, &modes), 0);
    }
    if (step->typed) {
        terminal_await_keys(master);
        const ssize_t length = (ssize_t)strlen(step->typed);
        assert_int_equal(write(master, step->typed, (size_t)length), length);
    }
    if (step->nul)
        assert_int_equal(write(master, "", 1), 1);
    if (step->signal)
        assert_int_equal(kill(pid, step->signal), 0);
}

static void terminal_be_child(int master, int ready, int (*run)(const void *), const void *context)
{
    alarm(60);
    setsid();
    int fd = open(ptsname(master), O_RDWR);
    if (fd < 0 || dup2(fd, 0) < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
        _exit(99);
    close(fd);
    close(master);
    close(ready);
    _exit(run(context));
}

/* Run something on a terminal of 80 columns. @return its status, as waitpid gives it */
static int terminal_run(int (*run)(const void *), const void *context,
                        const struct terminal_step *steps)
{
    const struct winsize size = {.ws_row = 24, .ws_col = 80};
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), status, ready[2];
    size_t from = 0;
    char end;

    assert_true(master >= 0);
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    assert_int_equal(grantpt(master) || unlockpt(master), 0);
    assert_int_equal(ioctl(master, TIOCSWINSZ, &size), 0);
    terminal_length = 0;
    terminal_screen[0] = '\0';
    /* Held open until the child has it: it would be taken for its end. */
    int held = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(held >= 0);
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(held);
        terminal_be_child(master, ready[1], run, context);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &end, 1), 0);
    close(ready[0]);
    close(held);
    for (int i = 0; i < STEPS_MOST && (steps[i].shown || steps[i].typed || steps[i].signal); i++)
        terminal_step(master, pid, &steps[i], &from);
    while (waitpid(pid, &status, WNOHANG) == 0)
        if (!terminal_take(master))
            usleep(1000);
    while (terminal_take(master))
        continue;
    close(master);
    return status;
}

#endif

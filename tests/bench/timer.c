/*
 * timer: run a command once and say what it took.
 *
 *   timer COMMAND [ARGUMENT...]
 *
 * The command's output goes to /dev/null. Prints one line: wall clock, user and system time in
 * nanoseconds, the largest resident size in KiB, and the exit status; times include the children
 * that the command waited for.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static long long ns_of(const struct timeval *t)
{
    return (long long)t->tv_sec * 1000000000 + (long long)t->tv_usec * 1000;
}

static _Noreturn void run(char **command, int out)
{
    if (dup2(out, STDOUT_FILENO) >= 0 && dup2(out, STDERR_FILENO) >= 0)
        execvp(command[0], command);
    _exit(127);
}

int main(int argc, char **argv)
{
    struct rusage usage;
    int status, out = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (argc < 2 || out < 0) {
        fputs("usage: timer COMMAND [ARGUMENT...]\n", stderr);
        return 2;
    }
    int64_t start = now_ns();
    pid_t child = fork();
    if (child == 0)
        run(argv + 1, out);
    while (child < 0 || wait4(child, &status, 0, &usage) < 0) {
        if (child >= 0 && errno == EINTR)
            continue;
        fprintf(stderr, "timer: %s: %s\n", argv[1], strerror(errno));
        return 1;
    }
    long long wall = now_ns() - start;
    printf("%lld\t%lld\t%lld\t%ld\t%d\n", wall, ns_of(&usage.ru_utime), ns_of(&usage.ru_stime),
           usage.ru_maxrss, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    return 0;
}

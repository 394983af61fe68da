/*
 * timer: run a command once and say what it took.
 *
 *   timer [--memory] COMMAND [ARGUMENT...]
 *
 * The command's output goes to /dev/null. Prints one line: wall clock, user and system time in
 * nanoseconds, the largest resident size in KiB, and the exit status; times include the children
 * that the command waited for.
 *
 * --memory: the size is that of the command and all below it together, each shared page counted
 * once: the sum of Pss in /proc/PID/smaps_rollup, looked at every two milliseconds, and the largest
 * of these counts. Looking slows the command down, so the times are not to be used.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
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

/* The text of a small file below /proc/PID, "" if the process has ended. */
static const char *text_of(long pid, const char *name, char *text, size_t room)
{
    char path[64];
    ssize_t n = 0;

    snprintf(path, sizeof(path), "/proc/%ld/%s", pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        n = read(fd, text, room - 1);
        close(fd);
    }
    text[n > 0 ? n : 0] = '\0';
    return text;
}

/* Pss in KiB of a process and its descendants, which a single thread started. */
static long pss_of(long pid)
{
    char text[4096], name[48];
    const char *line = strstr(text_of(pid, "smaps_rollup", text, sizeof(text)), "\nPss:");
    long sum = line ? strtol(line + 5, NULL, 10) : 0;

    snprintf(name, sizeof(name), "task/%ld/children", pid);
    char *next, *at = text;
    text_of(pid, name, text, sizeof(text));
    for (long child; (child = strtol(at, &next, 10)) > 0; at = next)
        sum += pss_of(child);
    return sum;
}

/* @peak  the largest memory seen so far, KiB; NULL: only wait */
static pid_t wait_for(pid_t child, int *status, struct rusage *usage, long *peak)
{
    const struct timespec pause = {.tv_nsec = 2000000};

    for (;;) {
        pid_t got = wait4(child, status, peak ? WNOHANG : 0, usage);
        if (got > 0 || (got < 0 && errno != EINTR))
            return got;
        if (!peak)
            continue;
        long now = pss_of(child);
        if (now > *peak)
            *peak = now;
        nanosleep(&pause, NULL);
    }
}

int main(int argc, char **argv)
{
    bool memory = argc > 1 && strcmp(argv[1], "--memory") == 0;
    char **command = argv + 1 + memory;
    struct rusage usage;
    int status, out = open("/dev/null", O_RDWR | O_CLOEXEC);
    long peak = 0;

    if (argc < 2 + memory || out < 0) {
        fputs("usage: timer [--memory] COMMAND [ARGUMENT...]\n", stderr);
        return 2;
    }
    int64_t start = now_ns();
    pid_t child = fork();
    if (child == 0)
        run(command, out);
    if (child < 0 || wait_for(child, &status, &usage, memory ? &peak : NULL) < 0) {
        fprintf(stderr, "timer: %s: %s\n", command[0], strerror(errno));
        return 1;
    }
    long long wall = now_ns() - start;
    printf("%lld\t%lld\t%lld\t%ld\t%d\n", wall, ns_of(&usage.ru_utime), ns_of(&usage.ru_stime),
           memory ? peak : usage.ru_maxrss,
           WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    return 0;
}

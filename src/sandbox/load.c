/*
 * Handing a list of system calls to the kernel. libseccomp 2.5 makes the filter for it in a loop
 * that never ends where memory ends in its midst: a limit of processor time ends it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include "load.h"

/* It takes half a millisecond. */
enum { SECONDS = 1, EXIT_DATA = 3 };

static void on_limit(int number)
{
    static const char text[] =
        "sockq: seccomp: the filter cannot be made, for want of memory; free "
        "some, or raise the limit: ulimit -a lists them\n";

    (void)number;
    (void)!write(STDERR_FILENO, text, sizeof(text) - 1);
    _exit(EXIT_DATA);
}

int sockq_seccomp_load(void *list)
{
    const struct itimerval limit = {.it_value = {.tv_sec = SECONDS}};

    if (signal(SIGVTALRM, on_limit) == SIG_ERR || setitimer(ITIMER_VIRTUAL, &limit, NULL) < 0)
        return -errno;
    int result = seccomp_load(list);
    /* The timer cannot be stopped behind every filter, but nobody needs to hear it. */
    signal(SIGVTALRM, SIG_IGN);
    return result;
}

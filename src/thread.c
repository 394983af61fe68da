#define _GNU_SOURCE
#include "thread.h"

#include <sched.h>
#include <signal.h>

unsigned sockq_processors(unsigned most)
{
    cpu_set_t set;

    /* It fails where the machine has more processors than a cpu_set_t holds. */
    if (sched_getaffinity(0, sizeof(set), &set) < 0)
        return most;
    unsigned count = (unsigned)CPU_COUNT(&set);
    return count > most ? most : count;
}

int sockq_thread_start(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                       void *context)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGSYS, SIGABRT};
    sigset_t all, before;

    sigfillset(&all);
    /* What a fault raises is for its handler, also in a thread: blocked, it has none. */
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        sigdelset(&all, faults[i]);
    int error = pthread_sigmask(SIG_SETMASK, &all, &before);
    if (error)
        return error;
    error = pthread_create(thread, attributes, run, context);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

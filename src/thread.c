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
    sigset_t all, before;

    sigfillset(&all);
    int error = pthread_sigmask(SIG_SETMASK, &all, &before);
    if (error)
        return error;
    error = pthread_create(thread, attributes, run, context);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

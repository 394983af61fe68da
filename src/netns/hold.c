/*
 * Threads that stay in namespaces in which there is no process. A thread has its own namespace and
 * its own capabilities, and /proc/TID/net shows what it is in.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../thread.h"
#include "netns.h"

enum { STACK = 256 << 10 };

struct entering {
    struct netns_chosen *chosen;
    int (*drop)(void);
    int error;
    sem_t done;
};

static void *stay(void *argument)
{
    struct entering *entering = argument;

    if (setns(entering->chosen->fd, CLONE_NEWNET) < 0 || entering->drop() < 0)
        entering->error = errno;
    else
        entering->chosen->thread = (uint32_t)syscall(SYS_gettid);
    bool failed = entering->error != 0;
    /* From here on `entering` is the other's. */
    sem_post(&entering->done);
    if (failed)
        return NULL;
    for (;;)
        pause();
}

static int enter(struct netns_chosen *chosen, int (*drop)(void), const pthread_attr_t *attributes)
{
    struct entering entering = {.chosen = chosen, .drop = drop};
    pthread_t thread;

    if (sem_init(&entering.done, 0, 0) < 0)
        return -1;
    int error = sockq_thread_start(&thread, attributes, stay, &entering);
    while (!error && sem_wait(&entering.done) < 0)
        continue;
    sem_destroy(&entering.done);
    close(chosen->fd);
    chosen->fd = -1;
    errno = error ? error : entering.error;
    return errno ? -1 : 0;
}

bool netns_enters(const struct netns_choice *choice)
{
    for (size_t i = 0; i < choice->count; i++)
        if (choice->list[i].fd >= 0)
            return true;
    return false;
}

int netns_hold(struct netns_choice *choice, int (*drop)(void))
{
    pthread_attr_t attributes;
    int result = 0;

    if (!netns_enters(choice))
        return 0;
    if ((errno = pthread_attr_init(&attributes)) != 0)
        return -1;
    (void)pthread_attr_setstacksize(&attributes, STACK);
    (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    for (size_t i = 0; i < choice->count && result == 0; i++)
        if (choice->list[i].fd >= 0)
            result = enter(&choice->list[i], drop, &attributes);
    int saved = errno;
    pthread_attr_destroy(&attributes);
    errno = saved;
    return result;
}

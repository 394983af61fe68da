/*
 * The system calls of the two processes that run no Lua. Lists are made by libseccomp, and hold for
 * every thread until the end of the process. Needs no_new_privs.
 */
#ifndef SOCKQ_SANDBOX_COLLECTOR_H
#define SOCKQ_SANDBOX_COLLECTOR_H
#include <stdbool.h>
#include <sys/types.h>

/** What the collector's list depends on. */
struct sockq_collecting {
    bool live;         /* a captured tree is opened by openat2, which keeps links inside it */
    pid_t children[2]; /* the processes that it may signal; 0: none */
};

/**
 * The collector, once its threads are in their namespaces: reading, opening to read, threads, the
 * kernel's socket diagnosis (netlink), signals to its children. Whatever starts a program, makes a
 * process or changes another one is answered by SIGSYS; all else is refused with ENOSYS, which lets
 * a newer C library take the older call.
 *
 * @return 0, or -1 with errno: the kernel has no seccomp filters, or forbids them
 */
int sockq_seccomp_collector(const struct sockq_collecting *collecting);

/**
 * The process that looks names up: its modules open files and sockets, but it starts no program
 * and reaches into no other process; what tries to is refused with EPERM.
 *
 * @return 0, or -1 with errno likewise
 */
int sockq_seccomp_names(void);

#endif

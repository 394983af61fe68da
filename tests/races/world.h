/*
 * world: sockets that live on, that move from process to process, and that come and go by the
 * thousand, in network, process and mount namespaces of their own.
 *
 *   world.c   the namespaces, the list, the command that runs inside, the end
 *   stable.c  processes that keep their sockets: plain ones, and odd ones
 *   movers.c  processes that pass theirs on: by fork, by SCM_RIGHTS, by dup
 *   churn.c   sockets and processes of a moment
 *
 * A process names itself: the first word of its command line and its comm are its role.
 */
#ifndef WORLD_H
#define WORLD_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/** What all processes of the world share. */
struct counts {
    atomic_ulong sockets;   /* that came and went */
    atomic_ulong processes; /* likewise */
    atomic_ulong moves;     /* of a socket from one descriptor to another */
    atomic_ulong ready;     /* processes whose sockets are in the list */
};

extern struct counts *counts;
extern bool is_root; /* a world of root's, not of another user's */

/** Print what failed with errno and end this process with status 1. */
_Noreturn void die(const char *what);

/** Fork a process with this role. @return as fork() does, never -1 */
pid_t start(const char *role);

/** Take another role. */
void name_self(const char *role);

/** Sleep so many microseconds. */
void pause_us(unsigned us);

/** A number below @below, another in each process. */
unsigned some(unsigned below);

/**
 * Put a socket into the list, with the role of every process that may have it.
 *
 * @kind  tcp, udp, unix or raw
 * @pid   of its one owner for as long as it lives; 0: several, or one after the other
 */
void list(const char *kind, int fd, const char *role, pid_t pid);

/** A new socket, bound to an own port of the loopback address (unix: a pair, other in *other). */
int make_udp(int family);
int make_listener(void);
void make_tcp_pair(int listener, int pair[2]);

/** Start the processes of each file; the lists of the first two are complete when they return. */
void start_stable(void);
void start_movers(void);
void start_churn(void);

/** What stable.c runs after an exec of itself. */
_Noreturn void run_again(int argc, char **argv);
#endif

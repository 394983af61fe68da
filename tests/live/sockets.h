/*
 * sockets: live sockets of every state, in a network namespace of their own.
 *
 *   sockets.c  options, signals, children, the command that runs inside, the end
 *   ns.c       the namespace: loopback, addresses, limits of the kernel
 *   list.c     the list of what was made, and the wait until it is so
 *   tcp.c      TCP in every state, with every timer
 *   other.c    UDP, UDP-Lite, raw, ping, unix, netlink, packet
 *   load.c     many connected TCP pairs, for benchmarks
 *
 * All descriptors are close-on-exec: a command that runs inside owns none of these sockets.
 */
#ifndef SOCKETS_H
#define SOCKETS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/types.h>

/* A long IPv6 address that ns_enter() gives to the loopback interface: too long for a column. */
#define LONG_V6 "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff"

/* Queue lengths that are not an exact number. */
enum { Q_ANY = -1, Q_SOME = -2 };

/* One line of the list: what a reader of the socket tables must find. */
struct entry {
    char tag[48];        /* protocol and what it is for: "tcp6-closing" */
    const char *proto;   /* the table it is in, by its name under /proc/net */
    char local[128];     /* ADDR:PORT, a unix name (abstract: "@" first), or "-" */
    char remote[128];    /* ADDR:PORT or "-" */
    const char *state;   /* netstat's word; "-" not connected; "*" any; "absent" from tables */
    const char *timer;   /* off, on, keepalive, timewait, probe; "*" any; "-" none */
    long recv_q, send_q; /* bytes, Q_ANY or Q_SOME (more than 0) */
    unsigned long inode; /* 0: the kernel tells none */
    long uid;            /* -1: not checked */
    pid_t pid;           /* an owner; 0: none */
    int fd;              /* its descriptor; -1: none */
    unsigned retrans;    /* at least so many retransmissions before the list is complete */
    unsigned probes;     /* at least so many unanswered probes */
};

/* The local and the remote name of a connection, for rows that no descriptor leads to. */
struct ends {
    struct sockaddr_storage local, remote;
};

/* Print what failed with errno, end the children, remove the files, exit with status 1. */
_Noreturn void die(const char *what);

/* Fork a child that is killed with this process; returns as fork() does, never -1. */
pid_t spawn(void);

/* Remember a file to remove at the end, beneath the directory returned by scratch(). */
void forget_later(const char *path);

/* The program's own directory for files; made at the first call. */
const char *scratch(void);

/* A close-on-exec socket; -1 with errno when the kernel has no such thing. */
int try_socket(int family, int type, int protocol);

/* As try_socket(), but dies. */
int new_socket(int family, int type, int protocol);

/* setsockopt() of an int; dies. */
void set_int(int fd, int level, int option, int value);

/* A numeric address and a port as a socket address; returns its length. */
socklen_t make_addr(struct sockaddr_storage *out, int family, const char *host, unsigned port);

/* ns.c: enter a new network namespace, loopback up; exits 77 when that is not permitted. */
void ns_enter(void);

/* ns.c: write a file of /proc/sys; false when it cannot be (which is no error). */
bool write_sysctl(const char *path, const char *value);

/* ns.c: raise RLIMIT_NOFILE to @want where possible; returns the limit that holds then. */
unsigned long raise_files(unsigned long want);

/**
 * Add a descriptor to the list: names, protocol, inode are asked of the kernel.
 *
 * @label   what it is for; the tag is protocol, "-", label
 * @return  the new entry, to change what else is expected; valid for the whole run
 */
struct entry *add(int fd, const char *label, const char *state, const char *timer, long recv_q,
                  long send_q);

/* Add a TCP row that belongs to no descriptor; it has no inode and no owner. */
struct entry *add_row(const struct ends *ends, const char *label, const char *state,
                      const char *timer, long recv_q, long send_q);

/* The remote name of an entry is the name that @server is bound to. */
void set_remote(struct entry *entry, int server);

/* Names of a connected socket, as it sees them, or as its peer does (@swap). */
struct ends ends_of(int fd, bool swap);

/* Wait until every TCP descriptor of the list is in its state; dies after some seconds. */
void settle(void);

/* Print the list, a heading that begins with "#" first. */
void print_list(FILE *out);

/* tcp.c: make and list all TCP sockets, IPv6 included if @v6. */
void make_tcp(bool v6);

/* tcp.c: the rows that live for a minute only, to be made last. */
void make_tcp_brief(bool v6);

/* other.c: make and list everything that is not TCP. */
void make_other(bool v6);

/**
 * load.c: make @count sockets of connected TCP pairs in child processes.
 *
 * @out     gets a line a child: "load", pid, listening port, pairs, TIME_WAIT rows
 */
void make_load(unsigned long count, FILE *out);

#endif

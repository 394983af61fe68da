/*
 * Names of unix sockets as the kernel keeps them, by sock_diag(7): with their lengths, where the
 * text of /proc/net/unix shows a line feed in a name as the end of a row.
 */
#ifndef SOCKQ_SOURCE_UNIX_DIAG_H
#define SOCKQ_SOURCE_UNIX_DIAG_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nlattr;

/** The longest name in the form of /proc/net/unix, '@' included (struct sockaddr_un, sun_path). */
enum { UNIX_NAME = 108 };

/** A name as /proc/net/unix prints it: '@' for each zero byte. */
struct unix_true_name {
    uint32_t inode;
    uint8_t length; /* 0: the socket has none */
    char bytes[UNIX_NAME];
};

/** What is asked for, and what the kernel says of it. */
struct unix_asked {
    uint32_t inode;
    uint8_t type;   /* SOCK_STREAM and its like; 0: no such socket was found */
    uint8_t length; /* of its name; 0: it has none */
    uint32_t name;  /* where it stands in unix_diag.names */
};

struct unix_diag {
    struct unix_asked *asked; /* by inode, each once; borrowed */
    size_t asked_count;
    char *names; /* of sockets that were asked for; owned */
    size_t names_used;
    size_t names_room;
    struct unix_true_name *broken; /* names with a line feed, sorted; owned */
    size_t broken_count;
    size_t broken_room;
};

/**
 * A name as /proc/net/unix prints it (net/unix/af_unix.c, unix_seq_show).
 *
 * @attribute  UNIX_DIAG_NAME
 * @return     its length, 0: there is none
 */
uint8_t unix_diag_name(const struct nlattr *attribute, char name[UNIX_NAME]);

/**
 * Ask for all unix sockets of the calling thread's network namespace. What is found of those that
 * are asked for is added to what was before: a dump can miss a socket while others close.
 *
 * Sockets without an inode, connections that wait to be accepted, are not told (net/unix/diag.c,
 * sk_diag_dump).
 *
 * @return  0, or -1 with errno: ENOENT, EPROTONOSUPPORT, EPERM and their like: this kernel or its
 *          keeper has no such thing; ENOMEM
 */
int unix_diag_read(struct unix_diag *diag);

/**
 * Make room in a list, by doubling.
 *
 * @list    the address of its pointer, NULL before the first call; owned
 * @room    entries that there is room for
 * @needed  at least
 * @size    bytes of an entry
 * @return  0, or -1 with errno (ENOMEM): all is as before
 */
int unix_reserve(void *list, size_t *room, size_t needed, size_t size);

/** What is known of an inode that was asked for and found, or NULL. */
const struct unix_asked *unix_diag_find(const struct unix_diag *diag, uint64_t inode);

/** Free what reading made. Safe on a zeroed struct. */
void unix_diag_free(struct unix_diag *diag);

#endif

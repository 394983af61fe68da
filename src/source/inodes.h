/*
 * The inodes of all rows so far, of every table: a kernel gives none to two sockets, so a row whose
 * inode stood before is a repetition, a row that the name of a unix socket forges, or damage. (Only
 * the subflows of an MPTCP connection have that of one socket: net/mptcp/protocol.c,
 * mptcp_sock_graft.)
 */
#ifndef SOCKQ_SOURCE_INODES_H
#define SOCKQ_SOURCE_INODES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../hash.h"

/** A set of inodes: bits of 512 neighbours together, since kernels count them up. */
struct inodes {
    struct hash_seed seed;
    struct inodes_leaf *leaves;
    size_t room; /* a power of two, or 0 */
    size_t count;
};

/**
 * Put an inode into the set, which is zero but for the seed at first.
 *
 * @before  set to whether it was in it already
 * @return  0, or -1 with errno (ENOMEM)
 */
int inodes_add(struct inodes *inodes, uint64_t inode, bool *before);

/** True if an inode is in the set. */
bool inodes_have(const struct inodes *inodes, uint64_t inode);

/** Free what the set took; it can be used again. */
void inodes_free(struct inodes *inodes);

#endif

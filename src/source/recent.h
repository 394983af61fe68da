/*
 * The rows that one table gave last, to tell one that comes twice.
 *
 * A read of /proc is no snapshot: between two reads of a page the kernel lets go of its table, and
 * finds its place again by a bucket and a count (tcp_seek_last_pos in net/ipv4/tcp_ipv4.c), or by a
 * count alone (udp_get_idx in net/ipv4/udp.c). A socket that came in before that place pushes the
 * rows behind it on: they are printed again, few rows after the first time.
 */
#ifndef SOCKQ_SOURCE_RECENT_H
#define SOCKQ_SOURCE_RECENT_H
#include <stdbool.h>
#include <stdint.h>

#include "../hash.h"
#include "../rowset.h"

enum { RECENT_ROWS = 1024, RECENT_HEADS = 8192 };

/** Where the last RECENT_ROWS rows are in a row set, by a hash; zero but for the seed: none yet. */
struct recent {
    struct hash_seed seed;
    uint32_t heads[RECENT_HEADS]; /* index + 1 of the last row with this hash */
    struct {
        uint32_t before; /* the one before it, likewise */
        uint32_t tag;    /* more of the hash */
    } rows[RECENT_ROWS];
};

/**
 * Note the row that the writer pushes next; true if it is one of the last RECENT_ROWS again: of the
 * same table and namespace, with the same addresses, ports, name and inode; in live tables of UDP,
 * raw and ping sockets, which can be connected meanwhile, with the same inode. Rows without inode
 * are mini-sockets and requests: of them the state must be the same as well, and the timer have run
 * on by a second at most. Never true for other rows without inode, and for SCTP, whose associations
 * share one.
 *
 * The first row takes over what the second one says, which is newer, unless a reader may have seen
 * it.
 */
bool recent_again(struct recent *recent, struct sockq_writer *w, const struct sockq_row *row);

#endif

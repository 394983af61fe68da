/*
 * The rows that one table gave, by which a second look at it tells those that the first one lost.
 *
 * A read of /proc is no snapshot (recent.h): a socket that goes, of those before the place where
 * the last read ended, draws the rows behind it on, and as many are never printed as went.
 */
#ifndef SOCKQ_SOURCE_AGAIN_H
#define SOCKQ_SOURCE_AGAIN_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../hash.h"
#include "../rowset.h"

/* A table of more rows is looked at once: it would take as long again. */
enum { AGAIN_ROWS = 1 << 17 };

struct again_row {
    uint64_t ends; /* a hash of addresses, ports and name */
    uint64_t inode;
    bool sure; /* its inode is its own */
};

/** All zero but the seed: none yet. */
struct again {
    struct hash_seed seed;
    struct again_row *rows; /* of all looks */
    uint32_t count;
    uint32_t room;
    uint32_t before; /* of them, those of the looks before the present one */
    uint64_t *known; /* a hash set, from the second look on; 0: free */
    uint32_t known_count;
    uint32_t known_room; /* a power of two */
    bool too_many;       /* rows: there is no further look */
};

/**
 * Note a row of the first look; w->error if there is no memory.
 *
 * @sure  it cannot be text of a unix name, so its inode alone tells it again
 */
void again_note(struct again *again, struct sockq_writer *w, const struct sockq_row *row,
                bool sure);

/** Prepare for the next look. @return false if there can be none: w->error says whether it failed
 */
bool again_begin(struct again *again, struct sockq_writer *w);

/**
 * Whether a row of a later look is none that the earlier ones lost: it is known, or it is of a
 * connection or socket that is, or it has no inode to know it by. What is not known is from now on.
 *
 * A socket that was connected or bound between two looks has its inode still. Within one look TCP
 * rows may share theirs.
 *
 * @sure  as for again_note
 */
bool again_is_known(struct again *again, struct sockq_writer *w, const struct sockq_row *row,
                    bool sure);

/**
 * How many sockets of a table's protocols a namespace has, by its net/protocols.
 *
 * @fd      of that file; closed; -1: there is none
 * @return  -1 if it is not known
 *
 * Source: net/core/sock.c proto_seq_printf(), sock_prot_inuse_get()
 */
int64_t again_count(int fd, enum sockq_table table);

/** Forget all rows and free what they took. */
void again_end(struct again *again);

#endif

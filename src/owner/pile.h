/*
 * Memory that only grows and is freed as a whole, private to src/owner: each thread of the pass
 * over /proc/PID/fd collects into a pile of its own.
 */
#ifndef SOCKQ_OWNER_PILE_H
#define SOCKQ_OWNER_PILE_H
#include <stddef.h>

struct pile_block;

/** Empty when zeroed; owns its memory. */
struct pile {
    struct pile_block *last;
    size_t used; /* bytes of the last block */
};

/** Room for `size` bytes, aligned for any object. @return NULL with errno ENOMEM */
void *pile_take(struct pile *pile, size_t size);

/** Free all that was taken. Safe on a zeroed struct. */
void pile_free(struct pile *pile);

#endif

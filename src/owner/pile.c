#include "pile.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

struct pile_block {
    struct pile_block *before;
    size_t size;
    max_align_t bytes[];
};

/* What is not touched of a block takes no memory. */
enum { BLOCK_SIZE = 256 << 10, ALIGNMENT = sizeof(max_align_t) };

void *pile_take(struct pile *pile, size_t size)
{
    if (size > SIZE_MAX / 2) {
        errno = ENOMEM;
        return NULL;
    }
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (!pile->last || size > pile->last->size - pile->used) {
        size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
        struct pile_block *block = malloc(sizeof(*block) + room);
        if (!block)
            return NULL;
        block->before = pile->last;
        block->size = room;
        pile->last = block;
        pile->used = 0;
    }
    void *at = (unsigned char *)pile->last->bytes + pile->used;
    pile->used += size;
    return at;
}

void pile_free(struct pile *pile)
{
    while (pile->last) {
        struct pile_block *before = pile->last->before;
        free(pile->last);
        pile->last = before;
    }
    pile->used = 0;
}

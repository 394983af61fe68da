#include "inodes.h"

#include <stdlib.h>

enum { LEAF_SHIFT = 9, FEWEST = 64 };

struct inodes_leaf {
    uint64_t key; /* of its inodes, without their lowest bits; + 1, 0: free */
    uint64_t bits[8];
};

_Static_assert(sizeof(((struct inodes_leaf *)0)->bits) * 8 == 1 << LEAF_SHIFT, "a bit an inode");

/* Where a leaf is, or the free place where it belongs. */
static struct inodes_leaf *find(const struct inodes *inodes, uint64_t key)
{
    size_t at = (size_t)hash_number(&inodes->seed, key) & (inodes->room - 1);

    while (inodes->leaves[at].key && inodes->leaves[at].key != key)
        at = (at + 1) & (inodes->room - 1);
    return &inodes->leaves[at];
}

static int grow(struct inodes *inodes)
{
    struct inodes more = {.seed = inodes->seed,
                          .room = inodes->room ? inodes->room * 2 : FEWEST,
                          .count = inodes->count};

    more.leaves = calloc(more.room, sizeof(*more.leaves));
    if (!more.leaves)
        return -1;
    for (size_t i = 0; i < inodes->room; i++)
        if (inodes->leaves[i].key)
            *find(&more, inodes->leaves[i].key) = inodes->leaves[i];
    free(inodes->leaves);
    *inodes = more;
    return 0;
}

int inodes_add(struct inodes *inodes, uint64_t inode, bool *before)
{
    const uint64_t key = (inode >> LEAF_SHIFT) + 1, bit = (uint64_t)1 << (inode & 63);

    /* At most three quarters are used. */
    if (inodes->count >= inodes->room / 4 * 3 && grow(inodes) < 0)
        return -1;
    struct inodes_leaf *leaf = find(inodes, key);
    inodes->count += leaf->key == 0;
    leaf->key = key;
    uint64_t *bits = &leaf->bits[inode >> 6 & 7];
    *before = (*bits & bit) != 0;
    *bits |= bit;
    return 0;
}

bool inodes_have(const struct inodes *inodes, uint64_t inode)
{
    const uint64_t key = (inode >> LEAF_SHIFT) + 1, bit = (uint64_t)1 << (inode & 63);

    return inodes->room > 0 && find(inodes, key)->bits[inode >> 6 & 7] & bit;
}

void inodes_free(struct inodes *inodes)
{
    free(inodes->leaves);
    *inodes = (struct inodes){.seed = inodes->seed};
}

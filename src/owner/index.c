#include "index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../hash.h"

/*
 * One descriptor, 20 bytes: an 8-byte member would pad it. next: the following one on the same
 * inode, as position + 1; that of the last leads back to the first, so the last alone stands in
 * the hash table. Once the owners of an inode are written to the arena, the last has their offset
 * in place of process and fd, and WRITTEN in place of next.
 */
struct entry {
    uint32_t inode[2];
    uint32_t process;
    uint32_t fd;
    uint32_t next;
};

_Static_assert(sizeof(struct entry) == 20, "half a million of them count");

/* In fd: the link read "[0000]:N"; descriptors have 31 bits. */
static const uint32_t OLD_LINK = (uint32_t)1 << 31;

enum { WRITTEN = 0, FEWEST_SLOTS = 16 };

struct owner_index {
    struct hash_seed seed;
    struct entry *entries;
    uint32_t *slots;     /* position + 1 of an inode's last entry, 0: free */
    size_t slot_count;   /* a power of two */
    uint64_t *processes; /* arena offsets */
    uint32_t count;
    uint32_t process_count;
    struct owner_more *more; /* NULL: nowhere */
};

struct owner_index *owner_index_new(size_t processes, size_t descriptors)
{
    size_t slots = FEWEST_SLOTS;

    if (processes >= UINT32_MAX || descriptors >= UINT32_MAX) {
        errno = ENOMEM;
        return NULL;
    }
    /* At most three quarters are used. */
    while (slots / 4 * 3 < descriptors)
        slots *= 2;
    struct owner_index *index = calloc(1, sizeof(*index));
    if (!index)
        return NULL;
    index->seed = hash_seed_new();
    index->slot_count = slots;
    index->slots = calloc(slots, sizeof(*index->slots));
    index->entries = malloc((descriptors + 1) * sizeof(*index->entries));
    index->processes = malloc((processes + 1) * sizeof(*index->processes));
    if (!index->slots || !index->entries || !index->processes) {
        owner_index_free(index);
        errno = ENOMEM;
        return NULL;
    }
    return index;
}

void owner_index_free(struct owner_index *index)
{
    if (!index)
        return;
    if (index->more)
        index->more->free(index->more);
    free(index->slots);
    free(index->entries);
    free(index->processes);
    free(index);
}

void owner_index_set_more(struct owner_index *index, struct owner_more *more)
{
    index->more = more;
}

void owner_index_begin(struct owner_index *index, uint64_t process)
{
    index->processes[index->process_count++] = process;
}

static uint64_t inode_of(const struct entry *entry)
{
    uint64_t inode;

    memcpy(&inode, entry->inode, sizeof(inode));
    return inode;
}

/* Where an inode stands, or the free slot where it belongs. */
static uint32_t *find_slot(const struct owner_index *index, uint64_t inode)
{
    size_t at = (size_t)hash_number(&index->seed, inode) & (index->slot_count - 1);

    while (index->slots[at] && inode_of(&index->entries[index->slots[at] - 1]) != inode)
        at = (at + 1) & (index->slot_count - 1);
    return &index->slots[at];
}

void owner_index_add(struct owner_index *index, uint64_t inode, uint32_t fd, bool old_link)
{
    uint32_t *slot = find_slot(index, inode);
    struct entry *entry = &index->entries[index->count++];

    memcpy(entry->inode, &inode, sizeof(inode));
    entry->process = index->process_count - 1;
    entry->fd = fd | (old_link ? OLD_LINK : 0);
    entry->next = index->count;
    if (*slot) {
        struct entry *last = &index->entries[*slot - 1];
        entry->next = last->next;
        last->next = index->count;
    }
    *slot = index->count;
}

/* The owners from the one behind `last` up to it. @return the first one's offset, 0: w->error */
static uint64_t write_owners(struct owner_index *index, struct sockq_writer *w,
                             const struct entry *last)
{
    const struct entry *entry = last;
    struct sockq_owner *before = NULL;
    uint64_t first = 0, offset;

    do {
        entry = &index->entries[entry->next - 1];
        struct sockq_owner *owner = sockq_writer_alloc(w, sizeof(*owner), &offset);
        if (!owner)
            return 0;
        *owner =
            (struct sockq_owner){.process = index->processes[entry->process],
                                 .fd = entry->fd & ~OLD_LINK,
                                 .flags = entry->fd >> 31 ? (uint32_t)SOCKQ_OWNER_OLD_LINK : 0};
        if (before)
            before->next = offset;
        else
            first = offset;
        before = owner;
    } while (entry != last);
    return first;
}

uint64_t owner_index_find(struct owner_index *index, struct sockq_writer *w, uint64_t inode)
{
    uint32_t at = *find_slot(index, inode);

    if (!at)
        return index->more && inode ? index->more->find(index->more, w, inode) : 0;
    struct entry *last = &index->entries[at - 1];
    if (last->next == WRITTEN)
        return last->process | (uint64_t)last->fd << 32;
    uint64_t first = write_owners(index, w, last);
    if (first) {
        last->process = (uint32_t)first;
        last->fd = (uint32_t)(first >> 32);
        last->next = WRITTEN;
    }
    return first;
}

void owner_index_list(struct owner_index *index, struct sockq_writer *w)
{
    uint64_t offset;

    /* In the order of the tree, not of the slots, which differs from run to run. */
    for (uint32_t i = 0; i < index->count && !w->error; i++) {
        uint64_t inode = inode_of(&index->entries[i]);
        if (*find_slot(index, inode) != i + 1)
            continue;
        uint64_t owner = owner_index_find(index, w, inode);
        struct sockq_holder *holder = sockq_writer_alloc(w, sizeof(*holder), &offset);
        if (!holder)
            return;
        *holder =
            (struct sockq_holder){.next = w->set->owners.holders, .inode = inode, .owner = owner};
        w->set->owners.holders = offset;
    }
}

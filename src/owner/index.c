#include "index.h"

#include <errno.h>
#include <stdlib.h>

/* One descriptor; next: the following one on the same inode, as position + 1, 0 at the end. */
struct link {
    uint64_t process;
    uint32_t fd;
    uint32_t next;
    bool old;
};

/* An inode in the hash; positions in links are counted from 1, 0 in a slot means it is free. */
struct slot {
    uint64_t inode;
    uint64_t written; /* arena offset of its first sockq_owner once written */
    uint32_t first;
    uint32_t last;
};

struct owner_index {
    struct slot *slots;
    struct link *links;
    size_t slot_count; /* a power of two */
    size_t used;
    uint32_t link_count;
    uint32_t link_room;
};

enum { FIRST_SLOTS = 1024 };

struct owner_index *owner_index_new(void)
{
    struct owner_index *index = calloc(1, sizeof(*index));

    if (!index)
        return NULL;
    index->slot_count = FIRST_SLOTS;
    index->slots = calloc(index->slot_count, sizeof(*index->slots));
    if (!index->slots) {
        free(index);
        return NULL;
    }
    return index;
}

void owner_index_free(struct owner_index *index)
{
    if (!index)
        return;
    free(index->slots);
    free(index->links);
    free(index);
}

static struct slot *find_slot(struct slot *slots, size_t count, uint64_t inode)
{
    /* Fibonacci hashing: the product's top bits spread consecutive numbers and multiples alike. */
    size_t at = (size_t)(inode * 0x9e3779b97f4a7c15u >> (__builtin_clzll(count) + 1));

    while (slots[at].first && slots[at].inode != inode)
        at = (at + 1) & (count - 1);
    return &slots[at];
}

static int grow_slots(struct owner_index *index)
{
    size_t count = index->slot_count * 2;
    struct slot *slots = calloc(count, sizeof(*slots));

    if (!slots)
        return -1;
    for (size_t i = 0; i < index->slot_count; i++)
        if (index->slots[i].first)
            *find_slot(slots, count, index->slots[i].inode) = index->slots[i];
    free(index->slots);
    index->slots = slots;
    index->slot_count = count;
    return 0;
}

static int grow_links(struct owner_index *index)
{
    if (index->link_room >= UINT32_MAX / 2) {
        errno = ENOMEM;
        return -1;
    }
    uint32_t room = index->link_room ? index->link_room * 2 : FIRST_SLOTS;
    struct link *links = realloc(index->links, room * sizeof(*links));
    if (!links)
        return -1;
    index->links = links;
    index->link_room = room;
    return 0;
}

int owner_index_add(struct owner_index *index, uint64_t inode, uint64_t process, uint32_t fd,
                    bool old_link)
{
    if (index->link_count == index->link_room && grow_links(index) < 0)
        return -1;
    if (index->used * 2 >= index->slot_count && grow_slots(index) < 0)
        return -1;
    struct slot *slot = find_slot(index->slots, index->slot_count, inode);
    index->links[index->link_count++] =
        (struct link){.process = process, .fd = fd, .old = old_link};
    if (slot->first) {
        index->links[slot->last - 1].next = index->link_count;
    } else {
        slot->inode = inode;
        slot->first = index->link_count;
        index->used++;
    }
    slot->last = index->link_count;
    return 0;
}

uint64_t owner_index_find(struct owner_index *index, struct sockq_writer *w, uint64_t inode)
{
    struct slot *slot = find_slot(index->slots, index->slot_count, inode);
    struct sockq_owner *before = NULL;
    uint64_t offset;

    if (!slot->first)
        return 0;
    if (slot->written)
        return slot->written;
    for (uint32_t at = slot->first; at; at = index->links[at - 1].next) {
        const struct link *link = &index->links[at - 1];
        struct sockq_owner *owner = sockq_writer_alloc(w, sizeof(*owner), &offset);
        if (!owner)
            return 0;
        *owner = (struct sockq_owner){.process = link->process,
                                      .fd = link->fd,
                                      .flags = link->old ? SOCKQ_OWNER_OLD_LINK : 0};
        if (before)
            before->next = offset;
        else
            slot->written = offset;
        before = owner;
    }
    return slot->written;
}

void owner_index_list(struct owner_index *index, struct sockq_writer *w)
{
    uint64_t offset;

    for (size_t i = 0; i < index->slot_count && !w->error; i++) {
        if (!index->slots[i].first)
            continue;
        uint64_t owner = owner_index_find(index, w, index->slots[i].inode);
        struct sockq_holder *holder = sockq_writer_alloc(w, sizeof(*holder), &offset);
        if (!holder)
            return;
        *holder = (struct sockq_holder){
            .next = w->set->owners.holders, .inode = index->slots[i].inode, .owner = owner};
        w->set->owners.holders = offset;
    }
}

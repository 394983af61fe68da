#define _GNU_SOURCE
#include "peers.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"

enum { ADDRESS = 16, EVERY_NETNS = UINT16_MAX, FEWEST_SLOTS = 16 };

/* One end and the other, as its row sees them. */
struct tuple {
    uint8_t local[ADDRESS];
    uint8_t remote[ADDRESS];
    uint16_t local_port;
    uint16_t remote_port;
    uint16_t netns;
    uint16_t protocol;
};

_Static_assert(sizeof(struct tuple) == 40, "compared as bytes");

/* The rows of one tuple, as index + 1, 0: none. */
struct slot {
    uint32_t hash;
    uint32_t row;  /* the first, which stands for the tuple */
    uint32_t held; /* the first that has an inode */
    uint16_t more_rows;
    uint16_t more_held;
};

struct index {
    struct sockq_writer *w;
    struct slot *slots;
    size_t mask;
    struct hash_seed seed;
    uint64_t probes;
    bool several; /* namespaces */
};

static bool protocol_of(const struct sockq_row *row, uint16_t *protocol)
{
    switch (row->table) {
    case SOCKQ_TCP:
    case SOCKQ_TCP6:
        *protocol = SOCKQ_TCP;
        return row->state != SOCKQ_LISTEN;
    case SOCKQ_UDP:
    case SOCKQ_UDP6:
        *protocol = SOCKQ_UDP;
        return true;
    case SOCKQ_UDPLITE:
    case SOCKQ_UDPLITE6:
        *protocol = SOCKQ_UDPLITE;
        return true;
    default:
        return false;
    }
}

static void take_address(uint8_t to[ADDRESS], const uint8_t from[ADDRESS], uint8_t family)
{
    static const uint8_t MAPPED[12] = {[10] = 0xff, [11] = 0xff};

    if (family == SOCKQ_AF_INET) {
        memcpy(to, MAPPED, sizeof(MAPPED));
        memcpy(to + sizeof(MAPPED), from, 4);
    } else {
        memcpy(to, from, ADDRESS);
    }
}

/* @return false: the row has no other end */
static bool tuple_of(const struct sockq_row *row, struct tuple *tuple)
{
    if (!(row->known & SOCKQ_HAS_ADDRS) || !protocol_of(row, &tuple->protocol) ||
        row->local_port == 0 || row->remote_port == 0)
        return false;
    take_address(tuple->local, row->local_addr, row->family);
    take_address(tuple->remote, row->remote_addr, row->family);
    tuple->local_port = row->local_port;
    tuple->remote_port = row->remote_port;
    tuple->netns = row->netns;
    return true;
}

static struct tuple mirrored(const struct tuple *tuple)
{
    struct tuple other = *tuple;

    memcpy(other.local, tuple->remote, ADDRESS);
    memcpy(other.remote, tuple->local, ADDRESS);
    other.local_port = tuple->remote_port;
    other.remote_port = tuple->local_port;
    return other;
}

/* 127.0.0.0/8 as IPv6 writes it, ::1 */
static bool is_loopback(const uint8_t address[ADDRESS])
{
    static const uint8_t V4[13] = {[10] = 0xff, [11] = 0xff, [12] = 127};
    static const uint8_t V6[ADDRESS] = {[15] = 1};

    return memcmp(address, V4, sizeof(V4)) == 0 || memcmp(address, V6, ADDRESS) == 0;
}

/* A pair may go from one namespace to another. */
static bool may_cross(const struct index *index, const struct tuple *tuple)
{
    return index->several && !is_loopback(tuple->local) && !is_loopback(tuple->remote);
}

/* Seeded: others choose the addresses and ports. */
static uint32_t hash_of(const struct index *index, const struct tuple *tuple)
{
    uint64_t words[sizeof(*tuple) / 8 + 1] = {0}, hash = 0;

    memcpy(words, tuple, sizeof(*tuple));
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i += 2)
        hash = hash_add(&index->seed, hash, words[i], words[i + 1]);
    return (uint32_t)(hash >> 32);
}

static bool stands_for(const struct index *index, const struct slot *slot,
                       const struct tuple *tuple)
{
    struct tuple other;

    if (!tuple_of(sockq_writer_row_at(index->w, slot->row - 1), &other))
        return false;
    if (tuple->netns == EVERY_NETNS)
        other.netns = EVERY_NETNS;
    return memcmp(&other, tuple, sizeof(other)) == 0;
}

/* Tuples of one namespace and of all of them are told apart by their hash as well. */
static struct slot *slot_of(struct index *index, const struct tuple *tuple)
{
    const uint32_t hash = (hash_of(index, tuple) & ~1u) | (tuple->netns == EVERY_NETNS);
    size_t at = hash >> 1 & index->mask;

    /* Rows that changed since they were counted could fill all slots. */
    for (size_t left = index->mask;; at = (at + 1) & index->mask, left--) {
        struct slot *slot = &index->slots[at];
        index->probes++;
        if (left > 0 && slot->row && (slot->hash != hash || !stands_for(index, slot, tuple)))
            continue;
        slot->hash = hash;
        return slot;
    }
}

static void add_to(struct slot *slot, uint32_t row, bool is_held)
{
    if (!slot->row)
        slot->row = row;
    else
        slot->more_rows = 1;
    if (!is_held)
        return;
    if (!slot->held)
        slot->held = row;
    else
        slot->more_held = 1;
}

/* The one row of a tuple that is meant: index + 1, 0: none, or it cannot be told. */
static uint32_t one_of(const struct slot *slot)
{
    if (slot->held)
        return slot->more_held ? 0 : slot->held;
    return slot->more_rows ? 0 : slot->row;
}

/* The row at the other end, from one side: index + 1, 0: none. */
static uint32_t other_end(struct index *index, const struct tuple *tuple)
{
    struct tuple other = mirrored(tuple);
    const struct slot *slot = slot_of(index, &other);

    if (!slot->row && may_cross(index, tuple)) {
        other.netns = EVERY_NETNS;
        slot = slot_of(index, &other);
    }
    return one_of(slot);
}

static int make_slots(struct index *index)
{
    const struct sockq_writer *w = index->w;
    size_t entries = 0, slots = FEWEST_SLOTS;
    struct tuple tuple;

    for (uint64_t i = 0; i < w->rows; i++) {
        const struct sockq_row *row = sockq_writer_row_at(w, i);
        index->several |= row->netns != 0;
        entries += tuple_of(row, &tuple);
    }
    entries *= index->several ? 2 : 1;
    while (slots < 2 * entries)
        slots *= 2;
    index->slots = calloc(slots, sizeof(*index->slots));
    index->mask = slots - 1;
    return index->slots ? 0 : -1;
}

static void fill_slots(struct index *index)
{
    struct tuple tuple;

    for (uint64_t i = 0; i < index->w->rows; i++) {
        const struct sockq_row *row = sockq_writer_row_at(index->w, i);
        if (!tuple_of(row, &tuple))
            continue;
        bool is_held = row->known & SOCKQ_HAS_INODE && row->inode;
        add_to(slot_of(index, &tuple), (uint32_t)i + 1, is_held);
        if (!may_cross(index, &tuple))
            continue;
        tuple.netns = EVERY_NETNS;
        add_to(slot_of(index, &tuple), (uint32_t)i + 1, is_held);
    }
}

static void pair_rows(struct index *index)
{
    struct tuple tuple, back;

    for (uint64_t i = 0; i < index->w->rows; i++) {
        struct sockq_row *row = sockq_writer_row_at(index->w, i);
        if (row->peer || !tuple_of(row, &tuple))
            continue;
        uint32_t found = other_end(index, &tuple);
        if (!found)
            continue;
        struct sockq_row *other = sockq_writer_row_at(index->w, found - 1);
        if (tuple_of(other, &back) && other_end(index, &back) == i + 1) {
            row->peer = found;
            other->peer = (uint32_t)i + 1;
        }
    }
}

int sockq_peers_find(struct sockq_writer *w, uint64_t *probes)
{
    struct index index = {.w = w, .seed = hash_seed_new()};

    if (w->rows >= UINT32_MAX) {
        errno = ENOMEM;
        return -1;
    }
    if (make_slots(&index) < 0)
        return -1;
    fill_slots(&index);
    pair_rows(&index);
    free(index.slots);
    if (probes)
        *probes = index.probes;
    return 0;
}

#include "recent.h"

#include <string.h>

/*
 * A socket that may have another peer by the time it is printed again, and whose inode no other row
 * has: in a live table, no TCP, where the subflows of MPTCP share one.
 */
static bool is_by_inode(const struct sockq_writer *w, const struct sockq_row *row)
{
    switch (row->table) {
    case SOCKQ_UDP:
    case SOCKQ_UDP6:
    case SOCKQ_UDPLITE:
    case SOCKQ_UDPLITE6:
    case SOCKQ_RAW:
    case SOCKQ_RAW6:
    case SOCKQ_ICMP:
    case SOCKQ_ICMP6:
        return w->set->live && row->inode != 0;
    default:
        return false;
    }
}

static uint64_t hash_of(const struct recent *recent, const struct sockq_writer *w,
                        const struct sockq_row *row)
{
    if (is_by_inode(w, row))
        return hash_add(&recent->seed, 1, row->inode, row->table);
    const uint64_t ports = (uint64_t)row->local_port << 32 | row->remote_port;
    uint64_t local[2], remote[2];

    memcpy(local, row->local_addr, sizeof(local));
    memcpy(remote, row->remote_addr, sizeof(remote));
    uint64_t hash = hash_add(&recent->seed, 0, row->inode, ports);
    hash = hash_add(&recent->seed, hash, local[0], local[1]);
    return hash_add(&recent->seed, hash, remote[0], remote[1]);
}

static bool counts(const struct sockq_row *row)
{
    if (row->table == SOCKQ_SCTP_EPS || row->table == SOCKQ_SCTP_ASSOCS)
        return false;
    return row->inode != 0 || (row->flags & (SOCKQ_ROW_MINI | SOCKQ_ROW_REQUEST));
}

/* A unix name can be chosen so that it forges a row with another socket's inode. */
static bool same_name(struct sockq_writer *w, const struct sockq_row *a, const struct sockq_row *b)
{
    if (a->table != SOCKQ_UNIX)
        return true;
    const uint32_t size = a->un.path_len;
    const void *name = sockq_writer_text(w, a->un.path, size);
    const void *other = sockq_writer_text(w, b->un.path, size);

    return size == b->un.path_len && !name == !other && (!name || memcmp(name, other, size) == 0);
}

static bool is_same(struct sockq_writer *w, const struct sockq_row *a, const struct sockq_row *b)
{
    if (a->inode != b->inode || a->table != b->table || a->netns != b->netns)
        return false;
    if (is_by_inode(w, b))
        return true;
    return a->local_port == b->local_port && a->remote_port == b->remote_port &&
           memcmp(a->local_addr, b->local_addr, sizeof(a->local_addr)) == 0 &&
           memcmp(a->remote_addr, b->remote_addr, sizeof(a->remote_addr)) == 0 &&
           (a->inode != 0 ||
            (a->state == b->state && b->when <= a->when && a->when - b->when <= w->set->user_hz)) &&
           same_name(w, a, b);
}

/* Of a row that no reader can have seen, what was printed last holds. */
static void renew(struct sockq_writer *w, uint64_t index, const struct sockq_row *row)
{
    struct sockq_row *before = (struct sockq_row *)sockq_writer_recent(w, index);
    const struct sockq_row old = *before;

    if (index < w->set->rows)
        return;
    *before = *row;
    before->flags |= old.flags;
    before->owner = old.owner;
    if (row->table == SOCKQ_UNIX)
        before->un.path = old.un.path;
}

bool recent_again(struct recent *recent, struct sockq_writer *w, const struct sockq_row *row)
{
    if (!counts(row))
        return false;
    const uint64_t hash = hash_of(recent, w, row);
    const uint32_t position = (uint32_t)w->rows + 1, tag = (uint32_t)(hash >> 32);
    uint32_t *head = &recent->heads[hash % RECENT_HEADS];

    for (uint32_t at = *head; at && at + RECENT_ROWS > position;
         at = recent->rows[at % RECENT_ROWS].before)
        if (recent->rows[at % RECENT_ROWS].tag == tag &&
            is_same(w, sockq_writer_recent(w, at - 1), row)) {
            renew(w, at - 1, row);
            return true;
        }
    recent->rows[position % RECENT_ROWS].before = *head;
    recent->rows[position % RECENT_ROWS].tag = tag;
    *head = position;
    return false;
}

#define _GNU_SOURCE
#include "again.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../scan.h"

enum { FIRST_ROWS = 256, FEWEST_KNOWN = 1024, PROTOCOLS_MOST = 16 << 10 };

/* Of what names the socket besides its inode. */
static uint64_t hash_of(const struct again *again, struct sockq_writer *w,
                        const struct sockq_row *row)
{
    const struct hash_seed *seed = &again->seed;
    const uint32_t size = row->table == SOCKQ_UNIX ? row->un.path_len : 0;
    const char *name = size ? sockq_writer_text(w, row->un.path, size) : NULL;
    uint64_t words[4];

    memcpy(words, row->local_addr, sizeof(row->local_addr));
    memcpy(words + 2, row->remote_addr, sizeof(row->remote_addr));
    uint64_t hash =
        hash_add(seed, 0, row->table, row->local_port | (uint64_t)row->remote_port << 16);
    hash = hash_add(seed, hash, words[0], words[1]);
    hash = hash_add(seed, hash, words[2], words[3]);
    /* A unix name can be chosen so that it forges a row with another socket's inode. */
    for (uint32_t i = 0; name && i < size; i++)
        hash = hash_add(seed, hash, (unsigned char)name[i], i);
    return hash;
}

/* A request or mini-socket has its addresses alone. */
static bool is_named(const struct sockq_row *row)
{
    return row->inode != 0 || (row->flags & (SOCKQ_ROW_MINI | SOCKQ_ROW_REQUEST));
}

static uint64_t with_inode(const struct again *again, uint64_t ends, uint64_t inode)
{
    return hash_add(&again->seed, ends, inode, 1) | 1;
}

/* No bit that with_inode() or add() set in theirs. */
static uint64_t inode_alone(const struct again *again, uint64_t inode)
{
    return (hash_number(&again->seed, inode) | 4) & ~(uint64_t)3;
}

static void note(struct again *again, struct sockq_writer *w, const struct again_row *row)
{
    if (again->count == again->room) {
        uint32_t room = again->room ? again->room * 2 : FIRST_ROWS;
        struct again_row *more;
        again->too_many = room > AGAIN_ROWS;
        if (again->too_many)
            return;
        if (!(more = realloc(again->rows, room * sizeof(*more)))) {
            w->error = errno;
            return;
        }
        again->rows = more;
        again->room = room;
    }
    again->rows[again->count++] = *row;
}

void again_note(struct again *again, struct sockq_writer *w, const struct sockq_row *row, bool sure)
{
    if (!again->too_many && is_named(row))
        note(
            again, w,
            &(struct again_row){.ends = hash_of(again, w, row), .inode = row->inode, .sure = sure});
}

static uint64_t *find(const struct again *again, uint64_t word)
{
    uint32_t at = (uint32_t)(word >> 32) & (again->known_room - 1);

    while (again->known[at] && again->known[at] != word)
        at = (at + 1) & (again->known_room - 1);
    return &again->known[at];
}

static bool has(const struct again *again, uint64_t word)
{
    return *find(again, word) != 0;
}

static void put(struct again *again, uint64_t word)
{
    uint64_t *at = find(again, word);

    again->known_count += *at == 0;
    *at = word;
}

/* The addresses of any row are an even word, those with an inode (0 as well) an odd one. */
static void add(struct again *again, uint64_t ends, uint64_t inode)
{
    put(again, (ends | 3) - 1);
    put(again, with_inode(again, ends, inode));
}

bool again_begin(struct again *again, struct sockq_writer *w)
{
    /* Room for as many rows again; three words each, and at most half of the slots are used. */
    uint32_t wanted = again->count * 6 + again->known_count, room = FEWEST_KNOWN;

    while (room / 2 < wanted)
        room *= 2;
    if (again->too_many)
        return false;
    uint64_t *known = calloc(room, sizeof(*known)), *before = again->known;
    if (!known) {
        w->error = errno;
        return false;
    }
    const uint32_t old_room = again->known_room;
    again->known = known;
    again->known_room = room;
    again->known_count = 0;
    for (uint32_t i = 0; i < old_room; i++)
        if (before[i])
            put(again, before[i]);
    free(before);
    for (; again->before < again->count; again->before++) {
        const struct again_row *row = &again->rows[again->before];
        add(again, row->ends, row->inode);
        if (row->sure && row->inode)
            put(again, inode_alone(again, row->inode));
    }
    return true;
}

bool again_is_known(struct again *again, struct sockq_writer *w, const struct sockq_row *row,
                    bool sure)
{
    /* What does not fit is left out: the next look would find it. */
    if (!is_named(row) || again->known_count + 3 > again->known_room / 4 * 3)
        return true;
    const uint64_t ends = hash_of(again, w, row);
    if (row->inode == 0 ? has(again, (ends | 3) - 1)
                        : has(again, with_inode(again, ends, row->inode)) ||
                              has(again, inode_alone(again, row->inode)) ||
                              (row->table != SOCKQ_UNIX && has(again, with_inode(again, ends, 0))))
        return true;
    add(again, ends, row->inode);
    /* It may come again in this look, connected by then; subflows of MPTCP share their inode. */
    if (sure && row->inode && row->table != SOCKQ_TCP && row->table != SOCKQ_TCP6)
        put(again, inode_alone(again, row->inode));
    if (!again->too_many)
        note(again, w, &(struct again_row){.ends = ends, .inode = row->inode, .sure = sure});
    return false;
}

/* The number of a line "NAME SIZE SOCKETS ...", 0 if there is none. */
static int64_t sockets_of(const char *text, size_t length, const char *name)
{
    const char *end = text + length, *p;
    uint64_t number = 0;
    char start[16];

    snprintf(start, sizeof(start), "\n%s ", name);
    if (!(p = memmem(text, length, start, strlen(start))))
        return 0;
    p = scan_blanks(p + strlen(start), end);
    while (p < end && !scan_is_blank(*p))
        p++;
    p = scan_blanks(p, end);
    return scan_u64(p, end, &number) && number < INT32_MAX ? (int64_t)number : 0;
}

int64_t again_count(int fd, enum sockq_table table)
{
    static const char *const names[SOCKQ_TABLES][2] = {[SOCKQ_TCP] = {"TCP"},
                                                       [SOCKQ_TCP6] = {"TCPv6"},
                                                       [SOCKQ_UDP] = {"UDP"},
                                                       [SOCKQ_UDP6] = {"UDPv6"},
                                                       [SOCKQ_UDPLITE] = {"UDP-Lite"},
                                                       [SOCKQ_UDPLITE6] = {"UDPLITEv6"},
                                                       [SOCKQ_RAW] = {"RAW"},
                                                       [SOCKQ_RAW6] = {"RAWv6"},
                                                       [SOCKQ_ICMP] = {"PING"},
                                                       [SOCKQ_ICMP6] = {"PINGv6"},
                                                       [SOCKQ_UNIX] = {"UNIX", "UNIX-STREAM"},
                                                       [SOCKQ_NETLINK] = {"NETLINK"},
                                                       [SOCKQ_PACKET] = {"PACKET"}};
    char text[PROTOCOLS_MOST];
    size_t have = 0;
    ssize_t n = fd < 0 ? -1 : 1;
    int64_t sum = 0;

    while (n > 0 && have < sizeof(text)) {
        n = read(fd, text + have, sizeof(text) - have);
        if (n < 0 && errno == EINTR)
            n = 1;
        else if (n > 0)
            have += (size_t)n;
    }
    if (fd >= 0)
        close(fd);
    if (n < 0)
        return -1;
    for (int i = 0; i < 2 && names[table][i]; i++)
        sum += sockets_of(text, have, names[table][i]);
    return sum;
}

void again_end(struct again *again)
{
    free(again->rows);
    free(again->known);
    *again = (struct again){0};
}

/*
 * What more sock_diag told of rows, in recordings and copies: whole again when it is read back, and
 * each place that leads astray is refused.
 */
#define _GNU_SOURCE
#include <stdlib.h>

#include "../../src/copy.h"
#include "recorded.h"

enum { ROWS = 9 };

static const struct sockq_question asked = {
    .tables = 1 << SOCKQ_TCP | 1 << SOCKQ_UNIX | 1 << SOCKQ_NETLINK | 1 << SOCKQ_PACKET |
              1 << SOCKQ_VSOCK | 1 << SOCKQ_SCTP_ASSOCS | 1 << SOCKQ_TIPC | 1 << SOCKQ_XDP,
    .flags = SOCKQ_DIAG_FLAGS,
    .source = SOCKQ_SOURCE_DIAG};

static uint64_t keep(struct fixture *f, const void *bytes, size_t size)
{
    const uint64_t offset = sockq_writer_bytes(&f->w, bytes, size);

    assert_true(offset != 0);
    return offset;
}

static void push(struct fixture *f, enum sockq_table table, uint8_t family, uint64_t more)
{
    struct sockq_row *row = sockq_writer_row(&f->w);
    struct sockq_table_info *info = &f->w.set->tables[table];

    assert_non_null(row);
    *row = (struct sockq_row){.table = (uint8_t)table,
                              .family = family,
                              .inode = 1000 + f->w.rows,
                              .known = SOCKQ_HAS_INODE,
                              .flags = SOCKQ_ROW_DIAG};
    if (table == SOCKQ_TCP || table == SOCKQ_SCTP_ASSOCS)
        row->diag.more = more;
    else if (table != SOCKQ_VSOCK)
        row->more = more;
    if (info->status == SOCKQ_TABLE_UNREAD)
        info->first_row = f->w.rows;
    info->status = SOCKQ_TABLE_COMPLETE;
    info->source = SOCKQ_SOURCE_DIAG;
    info->rows++;
    sockq_writer_push(&f->w);
}

/* A row of each table with all that can hang off it, and a tcp row with nothing. */
static void make_set(struct fixture *f)
{
    const uint32_t waiting[] = {11, 12, 13};
    struct sockq_diag inet = {.cookie = 5, .has = SOCKQ_DIAG_HAS_CC, .cc = "cubic", .mark = 9};
    struct sockq_unix_diag un = {.peer = 77, .waiting_count = COUNT(waiting)};
    const struct sockq_netlink_diag nl = {.remote_groups = 3};
    struct sockq_packet_diag packet = {.fanout = 8};
    struct sockq_diag sctp = {.cookie = 6};
    const struct sockq_tipc_diag tipc = {.drops = 4};
    const struct sockq_xdp_diag xdp = {.umem = {.size = 5}};
    struct sockq_cgroup first = {.id = 1}, second = {.id = 2};

    assert_int_equal(sockq_writer_open(&f->w, &f->file, &asked), 0);
    f->w.set->user_hz = 100;
    inet.info = keep(f, BYTES("the info"));
    inet.info_len = 8;
    inet.ulp = keep(f, BYTES("ulp"));
    inet.ulp_len = 3;
    inet.md5sig = keep(f, BYTES("key"));
    inet.md5sig_len = 3;
    push(f, SOCKQ_TCP, SOCKQ_AF_INET, keep(f, &inet, sizeof(inet)));
    push(f, SOCKQ_TCP, SOCKQ_AF_INET, 0);
    sctp.locals = keep(f, BYTES("locals"));
    sctp.locals_len = 6;
    sctp.peers = keep(f, BYTES("peers"));
    sctp.peers_len = 5;
    push(f, SOCKQ_SCTP_ASSOCS, SOCKQ_AF_INET6, keep(f, &sctp, sizeof(sctp)));
    un.waiting = keep(f, waiting, sizeof(waiting));
    push(f, SOCKQ_UNIX, SOCKQ_AF_UNIX, keep(f, &un, sizeof(un)));
    push(f, SOCKQ_NETLINK, SOCKQ_AF_NETLINK, keep(f, &nl, sizeof(nl)));
    packet.filter = keep(f, BYTES("filter.."));
    packet.filter_len = 8;
    push(f, SOCKQ_PACKET, SOCKQ_AF_PACKET, keep(f, &packet, sizeof(packet)));
    push(f, SOCKQ_VSOCK, SOCKQ_AF_VSOCK, 0);
    push(f, SOCKQ_TIPC, SOCKQ_AF_TIPC, keep(f, &tipc, sizeof(tipc)));
    push(f, SOCKQ_XDP, SOCKQ_AF_XDP, keep(f, &xdp, sizeof(xdp)));
    first.path = keep(f, BYTES("/"));
    first.path_len = 1;
    second.path = keep(f, BYTES("/a/b"));
    second.path_len = 4;
    second.next = keep(f, &first, sizeof(first));
    f->w.cgroups = keep(f, &second, sizeof(second));
    sockq_writer_finish(&f->w, SOCKQ_SET_COMPLETE);
    assert_int_equal(f->w.error, 0);
}

static const void *bytes_at(const struct sockq_set *set, const void *map, uint64_t offset,
                            size_t size)
{
    const void *bytes = sockq_set_at(map, set, offset, size);

    assert_non_null(bytes);
    return bytes;
}

static void assert_made(const struct sockq_set *set, const void *map)
{
    assert_int_equal(sockq_set_rows(set), ROWS);
    const struct sockq_diag *inet =
        bytes_at(set, map, sockq_set_row(map, set, 0)->diag.more, sizeof(*inet));
    assert_true(inet->cookie == 5 && inet->mark == 9);
    assert_string_equal(inet->cc, "cubic");
    assert_memory_equal(bytes_at(set, map, inet->info, inet->info_len), "the info", 8);
    assert_memory_equal(bytes_at(set, map, inet->ulp, inet->ulp_len), "ulp", 3);
    assert_memory_equal(bytes_at(set, map, inet->md5sig, inet->md5sig_len), "key", 3);
    assert_int_equal(sockq_set_row(map, set, 1)->diag.more, 0);
    const struct sockq_diag *sctp =
        bytes_at(set, map, sockq_set_row(map, set, 2)->diag.more, sizeof(*sctp));
    assert_memory_equal(bytes_at(set, map, sctp->locals, sctp->locals_len), "locals", 6);
    assert_memory_equal(bytes_at(set, map, sctp->peers, sctp->peers_len), "peers", 5);
    const struct sockq_unix_diag *un =
        bytes_at(set, map, sockq_set_row(map, set, 3)->more, sizeof(*un));
    const uint32_t *waiting = bytes_at(set, map, un->waiting, 3 * sizeof(*waiting));
    assert_true(un->peer == 77 && un->waiting_count == 3 && waiting[2] == 13);
    const struct sockq_netlink_diag *nl =
        bytes_at(set, map, sockq_set_row(map, set, 4)->more, sizeof(*nl));
    assert_int_equal(nl->remote_groups, 3);
    const struct sockq_packet_diag *packet =
        bytes_at(set, map, sockq_set_row(map, set, 5)->more, sizeof(*packet));
    assert_int_equal(packet->fanout, 8);
    assert_memory_equal(bytes_at(set, map, packet->filter, packet->filter_len), "filter..", 8);
    const struct sockq_tipc_diag *tipc =
        bytes_at(set, map, sockq_set_row(map, set, 7)->more, sizeof(*tipc));
    assert_int_equal(tipc->drops, 4);
    const struct sockq_xdp_diag *xdp =
        bytes_at(set, map, sockq_set_row(map, set, 8)->more, sizeof(*xdp));
    assert_int_equal(xdp->umem.size, 5);
    const struct sockq_cgroup *cgroup = bytes_at(set, map, set->cgroups, sizeof(*cgroup));
    assert_int_equal(cgroup->id, 2);
    assert_memory_equal(bytes_at(set, map, cgroup->path, cgroup->path_len), "/a/b", 4);
    cgroup = bytes_at(set, map, cgroup->next, sizeof(*cgroup));
    assert_true(cgroup->id == 1 && cgroup->next == 0);
}

static void test_recorded(void **state)
{
    struct fixture *f = *state;
    struct sockq_recording recording;
    const struct sockq_selection all = {.question = asked};
    uint32_t block;

    make_set(f);
    assert_made(f->w.set, f->file.map);
    const struct sockq_source source = {.set = f->w.set, .base = f->file.map};
    int fd = sockq_recording_create(path_of(f, "r"));
    assert_true(fd >= 0);
    assert_int_equal(sockq_recording_list(&recording, fd), 0);
    assert_int_equal(sockq_recording_append(&recording, &source, &all), 0);
    assert_int_equal(sockq_recording_load(&recording, 0, &f->file, &block), 0);
    const void *read = f->file.map + ((size_t)block << SOCKQ_BLOCK_SHIFT);
    assert_made(read, f->file.map);
    sockq_recording_close(&recording);
}

/* The set as a stranger's: its arena and rows can be changed. */
struct strange {
    struct sockq_set *set;
    struct sockq_row rows[ROWS];
    unsigned char *arena;
};

static struct strange strange_of(const struct fixture *f)
{
    struct strange s = {.set = malloc(sizeof(*s.set)), .arena = calloc(1, f->w.set->arena)};

    assert_true(s.set && s.arena);
    memcpy(s.set, f->w.set, sizeof(*s.set));
    for (int i = 0; i < ROWS; i++)
        s.rows[i] = *row_at(f, (uint64_t)i);
    memcpy(s.arena + 8, bytes_at(f->w.set, f->file.map, 8, f->w.set->arena - 8),
           f->w.set->arena - 8);
    return s;
}

static enum sockq_flaw flaw_of(struct fixture *f, const struct strange *s)
{
    const struct sockq_source source = {.set = s->set, .rows = s->rows, .arena = s->arena};
    const struct sockq_selection all = {.question = asked};
    struct sockq_writer w;
    enum sockq_flaw flaw = SOCKQ_FLAW_NONE;

    if (sockq_copy(&w, &f->file, &source, &all, &flaw) == 0)
        sockq_file_release(&f->file, w.block);
    else
        assert_int_equal(errno, EBADMSG);
    return flaw;
}

static void test_damaged(void **state)
{
    struct fixture *f = *state;

    make_set(f);
    struct strange s = strange_of(f);
    assert_int_equal(flaw_of(f, &s), SOCKQ_FLAW_NONE);
    struct sockq_diag *inet = (void *)(s.arena + s.rows[0].diag.more);
    struct sockq_unix_diag *un = (void *)(s.arena + s.rows[3].more);
    struct sockq_packet_diag *packet = (void *)(s.arena + s.rows[5].more);
    struct sockq_cgroup *second = (void *)(s.arena + s.set->cgroups);
    struct sockq_cgroup *first = (void *)(s.arena + second->next);
    struct sockq_diag *sctp = (void *)(s.arena + s.rows[2].diag.more);
    uint64_t *const offsets[] = {
        &s.rows[2].diag.more, &sctp->locals,   &sctp->peers,    &s.rows[7].more, &s.rows[8].more,
        &s.rows[0].diag.more, &s.rows[3].more, &s.rows[4].more, &s.rows[5].more, &inet->info,
        &inet->ulp,           &inet->md5sig,   &un->waiting,    &packet->filter, &s.set->cgroups,
        &second->next,        &second->path};
    for (size_t i = 0; i < COUNT(offsets); i++) {
        const uint64_t right = *offsets[i];
        const uint64_t wrong[] = {s.set->arena, s.set->arena - 1, UINT64_MAX, (uint64_t)1 << 63};
        for (size_t k = 0; k < COUNT(wrong); k++) {
            *offsets[i] = wrong[k];
            assert_int_equal(flaw_of(f, &s), SOCKQ_FLAW_OFFSET);
        }
        *offsets[i] = right;
    }
    /* Two ways to one thing, and a circle. */
    const uint64_t packet_more = s.rows[5].more, first_at = second->next;
    s.rows[5].more = s.rows[3].more;
    assert_int_equal(flaw_of(f, &s), SOCKQ_FLAW_CHAIN);
    s.rows[5].more = packet_more;
    first->next = s.set->cgroups;
    assert_int_equal(flaw_of(f, &s), SOCKQ_FLAW_CHAIN);
    first->next = first_at;
    assert_int_equal(flaw_of(f, &s), SOCKQ_FLAW_CHAIN);
    first->next = 0;
    uint32_t *const lengths[] = {&inet->info_len,     &inet->ulp_len,    &inet->md5sig_len,
                                 &packet->filter_len, &second->path_len, &un->waiting_count};
    for (size_t i = 0; i < COUNT(lengths); i++) {
        const uint32_t right = *lengths[i];
        *lengths[i] = UINT32_MAX;
        assert_int_not_equal(flaw_of(f, &s), SOCKQ_FLAW_NONE);
        *lengths[i] = (uint32_t)s.set->arena;
        assert_int_not_equal(flaw_of(f, &s), SOCKQ_FLAW_NONE);
        *lengths[i] = right;
    }
    memset(inet->cc, 'c', sizeof(inet->cc));
    assert_int_equal(flaw_of(f, &s), SOCKQ_FLAW_ROW);
    inet->cc[15] = '\0';
    assert_int_equal(flaw_of(f, &s), SOCKQ_FLAW_NONE);
    free(s.set);
    free(s.arena);
}

/* Without the flag that asks for it the row of text has a time there, which leads nowhere. */
static void test_text(void **state)
{
    struct fixture *f = *state;

    make_set(f);
    struct strange s = strange_of(f);
    for (int i = 0; i < ROWS; i++) {
        s.rows[i].flags = 0;
        if (s.rows[i].table == SOCKQ_SCTP_ASSOCS)
            s.rows[i].sctp = (struct sockq_sctp){.assoc_id = 1};
        if (s.rows[i].table != SOCKQ_TCP)
            s.rows[i].when = UINT64_MAX;
    }
    assert_int_equal(flaw_of(f, &s), SOCKQ_FLAW_NONE);
    free(s.set);
    free(s.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {FIXTURE_TEST(test_recorded), FIXTURE_TEST(test_damaged),
                                       FIXTURE_TEST(test_text)};

    return cmocka_run_group_tests_name("diag_recorded", tests, NULL, NULL);
}

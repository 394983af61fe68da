/*
 * Rows of unix, netlink, packet and vsock by sock_diag, of sockets that the test makes itself:
 * beside what the calls that made them say, and beside the rows of the text.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <net/if.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "helper.h"

enum { EVERYTHING = SOCKQ_WITH_MEMORY | SOCKQ_WITH_DETAILS | SOCKQ_WITH_FILTERS };

static int live_setup(void **state)
{
    int result = fixture_setup(state);
    struct fixture *f = *state;

    sockq_proc_close(&f->proc);
    return result ? result : sockq_proc_open(&f->proc, NULL);
}

#define LIVE_TEST(function) cmocka_unit_test_setup_teardown(function, live_setup, fixture_teardown)

static const struct sockq_table_info *look(struct fixture *f, enum sockq_table table,
                                           enum sockq_source_choice source, uint32_t flags)
{
    static struct recent recent;
    struct inodes inodes = {.seed = hash_seed_new()};
    const struct sockq_question question = {
        .tables = (uint64_t)1 << table, .flags = flags, .source = source};

    if (f->w.set)
        sockq_file_release(&f->file, f->w.block);
    assert_int_equal(sockq_writer_open(&f->w, &f->file, &question), 0);
    f->w.set->live = 1;
    memset(&recent, 0, sizeof(recent));
    recent.seed = hash_seed_new();
    struct table_job job = {.proc = &f->proc,
                            .w = &f->w,
                            .recent = &recent,
                            .inodes = &inodes,
                            .question = &question,
                            .check = never_stop};
    table_read(&job, table);
    table_job_end(&job);
    inodes_free(&inodes);
    sockq_writer_finish(&f->w, SOCKQ_SET_COMPLETE);
    assert_int_equal(f->w.error, 0);
    return &f->w.set->tables[table];
}

static const struct sockq_row *row_of(const struct fixture *f, uint64_t inode)
{
    for (uint64_t i = 0; i < sockq_set_rows(f->w.set); i++)
        if (row_at(f, i)->inode == inode)
            return row_at(f, i);
    return NULL;
}

static const void *more_of(const struct fixture *f, const struct sockq_row *row, size_t size)
{
    const void *more = sockq_set_at(f->file.map, f->w.set, row->more, size);

    assert_true(row->flags & SOCKQ_ROW_DIAG);
    assert_non_null(more);
    return more;
}

static uint64_t inode_of(int fd)
{
    struct stat st;

    assert_int_equal(fstat(fd, &st), 0);
    return st.st_ino;
}

static uint32_t option_of(int fd, int name)
{
    uint32_t value = 0;
    socklen_t size = sizeof(value);

    assert_int_equal(getsockopt(fd, SOL_SOCKET, name, &value, &size), 0);
    return value;
}

static uint64_t cookie_of(int fd)
{
    uint64_t cookie = 0;
    socklen_t size = sizeof(cookie);

    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size), 0);
    return cookie;
}

/* Of a row of sock_diag, the words that the text has as well. */
static const char *common(const struct fixture *f, const struct sockq_row *row, bool queues)
{
    static char kept[40000];
    struct sockq_row copy = *row;

    copy.line = 0;
    copy.known &= ~(uint32_t)(SOCKQ_HAS_REFS | SOCKQ_HAS_UID);
    if (!queues)
        copy.known &= ~(uint32_t)SOCKQ_HAS_QUEUES;
    copy.flags &= (uint16_t) ~(SOCKQ_ROW_JOINED | SOCKQ_ROW_FORGES);
    const char *text = describe(f, &copy);
    memcpy(kept, text, strlen(text) + 1);
    return kept;
}

/* That both sources say the same of one socket. */
static void assert_same(struct fixture *f, enum sockq_table table, int fd, bool queues)
{
    char *by_diag;

    (void)look(f, table, SOCKQ_SOURCE_DIAG, 0);
    const struct sockq_row *row = row_of(f, inode_of(fd));
    assert_non_null(row);
    by_diag = strdup(common(f, row, queues));
    assert_non_null(by_diag);
    (void)look(f, table, SOCKQ_SOURCE_PROC, 0);
    row = row_of(f, inode_of(fd));
    assert_non_null(row);
    assert_string_equal(by_diag, common(f, row, queues));
    free(by_diag);
}

static int unix_named(int type, const char *name, size_t length)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0 && length <= sizeof(address.sun_path));
    memcpy(address.sun_path, name, length);
    assert_int_equal(bind(fd, (struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)),
                     0);
    return fd;
}

static int unix_connected(int type, int to)
{
    struct sockaddr_un address;
    socklen_t size = sizeof(address);
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(getsockname(to, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, size), 0);
    return fd;
}

static void assert_memory(const struct sockq_memory *memory, int fd)
{
    assert_true(memory->count >= 8);
    assert_int_equal(memory->rcvbuf, option_of(fd, SO_RCVBUF));
    assert_int_equal(memory->sndbuf, option_of(fd, SO_SNDBUF));
}

static void test_unix_pair(void **state)
{
    struct fixture *f = *state;
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(write(pair[0], "12345", 5), 5);
    assert_int_equal(shutdown(pair[0], SHUT_WR), 0);
    const struct sockq_table_info *info = look(f, SOCKQ_UNIX, SOCKQ_SOURCE_DIAG, EVERYTHING);
    assert_int_equal(info->status, SOCKQ_TABLE_COMPLETE);
    assert_int_equal(info->source, SOCKQ_SOURCE_DIAG);
    const struct sockq_row *row = row_of(f, inode_of(pair[1]));
    assert_non_null(row);
    assert_words(f, row, "state=3 recv=5 flags=0 type=1 !name !refs !repeated");
    assert_int_equal(row->uid, getuid());
    const struct sockq_unix_diag *more = more_of(f, row, sizeof(*more));
    assert_int_equal(more->has, SOCKQ_DIAG_HAS_COOKIE | SOCKQ_DIAG_HAS_PEER |
                                    SOCKQ_DIAG_HAS_UNIX_SHUTDOWN | SOCKQ_DIAG_HAS_UID);
    assert_int_equal(more->cookie, cookie_of(pair[1]));
    assert_int_equal(more->peer, inode_of(pair[0]));
    assert_int_equal(more->shutdown, 1);
    assert_int_equal(more->uid, getuid());
    assert_memory(&more->memory, pair[1]);
    row = row_of(f, inode_of(pair[0]));
    assert_non_null(row);
    more = more_of(f, row, sizeof(*more));
    assert_int_equal(more->peer, inode_of(pair[1]));
    assert_int_equal(more->shutdown, 2);
    assert_true(row->send_q > 0 && row->recv_q == 0);
    assert_same(f, SOCKQ_UNIX, pair[0], false);
    close(pair[0]);
    close(pair[1]);
}

static void test_unix_listener(void **state)
{
    struct fixture *f = *state;
    const char *path = path_of(f, "listener");
    struct stat st;
    int fd = unix_named(SOCK_STREAM, path, strlen(path));

    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(listen(fd, 7), 0);
    int waits[2] = {unix_connected(SOCK_STREAM, fd), unix_connected(SOCK_STREAM, fd)};
    (void)look(f, SOCKQ_UNIX, SOCKQ_SOURCE_DIAG, EVERYTHING);
    const struct sockq_row *row = row_of(f, inode_of(fd));
    assert_non_null(row);
    assert_words(f, row, "state=1 recv=2 send=7 flags=10000 type=1");
    const struct sockq_unix_diag *more = more_of(f, row, sizeof(*more));
    assert_true(more->has & SOCKQ_DIAG_HAS_FILE && more->has & SOCKQ_DIAG_HAS_WAITING);
    assert_int_equal(more->vfs_inode, (uint32_t)st.st_ino);
    /* As the kernel keeps a device: 20 bits of the minor number. */
    assert_int_equal(more->vfs_dev, major(st.st_dev) << 20 | minor(st.st_dev));
    assert_int_equal(more->waiting_count, 2);
    const uint32_t *waiting =
        sockq_set_at(f->file.map, f->w.set, more->waiting, 2 * sizeof(*waiting));
    assert_non_null(waiting);
    for (int i = 0; i < 2; i++)
        assert_true(waiting[0] == inode_of(waits[i]) || waiting[1] == inode_of(waits[i]));
    /* Who waits has an end that has no inode yet. */
    row = row_of(f, inode_of(waits[0]));
    assert_non_null(row);
    more = more_of(f, row, sizeof(*more));
    assert_true(more->has & SOCKQ_DIAG_HAS_PEER && more->peer == 0);
    assert_same(f, SOCKQ_UNIX, fd, false);
    assert_same(f, SOCKQ_UNIX, waits[0], false);
    for (int i = 0; i < 2; i++)
        close(waits[i]);
    close(fd);
    unlink(path);
}

/* Names that forge rows in the text are names here. */
static void test_unix_names(void **state)
{
    static const char forged[] = "\0x\n0: 00000002 00000000 00010000 0001 01 99999 /forged";
    struct fixture *f = *state;
    char longest[107], name[400];
    int fds[5] = {unix_named(SOCK_DGRAM, BYTES("\0sockq\0unit\n\n")),
                  unix_named(SOCK_SEQPACKET, BYTES(forged)), unix_named(SOCK_DGRAM, "", 0)};

    memset(longest, 'n', sizeof(longest));
    longest[0] = '\0';
    fds[3] = unix_named(SOCK_DGRAM, longest, sizeof(longest));
    fds[4] = unix_connected(SOCK_DGRAM, fds[0]);
    (void)look(f, SOCKQ_UNIX, SOCKQ_SOURCE_DIAG, 0);
    assert_null(row_of(f, 99999));
    assert_int_equal(f->w.set->forged + f->w.set->suspect, 0);
    assert_words(f, row_of(f, inode_of(fds[0])), "type=2 name=<@sockq@unit\\x0a\\x0a> !joined");
    const struct sockq_row *row = row_of(f, inode_of(fds[1]));
    assert_non_null(row);
    snprintf(name, sizeof(name), "%s", text_at(f, row->un.path, row->un.path_len));
    assert_true(strncmp(name, "@x\\x0a0:\\x2000000002", 18) == 0);
    assert_int_equal(row->un.path_len, sizeof(forged) - 1);
    const struct sockq_unix_diag *more = more_of(f, row, sizeof(*more));
    assert_int_equal(more->memory.count, 0);
    assert_false(more->has & SOCKQ_DIAG_HAS_FILE);
    row = row_of(f, inode_of(fds[2]));
    assert_non_null(row);
    assert_int_equal(row->un.path_len, 6);
    row = row_of(f, inode_of(fds[4]));
    assert_non_null(row);
    more = more_of(f, row, sizeof(*more));
    assert_int_equal(more->peer, inode_of(fds[0]));
    for (int i = 0; i < 5; i++)
        assert_same(f, SOCKQ_UNIX, fds[i], false);
    for (int i = 0; i < 5; i++)
        close(fds[i]);
}

/* Each socket once, and none lost, however many datagrams the answer takes. */
static void test_unix_many(void **state)
{
    enum { MANY = 400 };
    struct fixture *f = *state;
    int fds[MANY][2], once[MANY][2] = {{0}};

    for (int i = 0; i < MANY; i++)
        assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds[i]), 0);
    (void)look(f, SOCKQ_UNIX, SOCKQ_SOURCE_DIAG, EVERYTHING);
    for (uint64_t k = 0; k < sockq_set_rows(f->w.set); k++)
        for (int i = 0; i < 2 * MANY; i++)
            once[i / 2][i % 2] += row_at(f, k)->inode == inode_of(fds[i / 2][i % 2]);
    for (int i = 0; i < 2 * MANY; i++) {
        assert_int_equal(once[i / 2][i % 2], 1);
        close(fds[i / 2][i % 2]);
    }
}

static void test_netlink(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = 0x5};
    struct sockaddr_nl group = {.nl_family = AF_NETLINK, .nl_groups = 0x2};
    socklen_t size = sizeof(address);
    uint64_t askers = 0;
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    bool connected = connect(fd, (struct sockaddr *)&group, sizeof(group)) == 0;
    assert_int_equal(look(f, SOCKQ_NETLINK, SOCKQ_SOURCE_DIAG, EVERYTHING)->status,
                     SOCKQ_TABLE_COMPLETE);
    const struct sockq_row *row = row_of(f, inode_of(fd));
    assert_non_null(row);
    assert_int_equal(row->nl.port_id, address.nl_pid);
    assert_int_equal(row->nl.groups, 0x5);
    assert_int_equal(row->nl.protocol, NETLINK_ROUTE);
    assert_int_equal(row->known, SOCKQ_HAS_INODE | SOCKQ_HAS_QUEUES | SOCKQ_HAS_DROPS);
    const struct sockq_netlink_diag *more = more_of(f, row, sizeof(*more));
    assert_int_equal(more->cookie, cookie_of(fd));
    assert_memory(&more->memory, fd);
    if (connected)
        assert_int_equal(more->remote_groups, 2);
    for (uint64_t i = 0; i < sockq_set_rows(f->w.set); i++)
        askers += row_at(f, i)->nl.protocol == NETLINK_SOCK_DIAG;
    const uint64_t rows = sockq_set_rows(f->w.set);
    (void)look(f, SOCKQ_NETLINK, SOCKQ_SOURCE_PROC, 0);
    assert_int_equal(sockq_set_rows(f->w.set), rows);
    for (uint64_t i = 0; i < rows; i++)
        askers -= row_at(f, i)->nl.protocol == NETLINK_SOCK_DIAG;
    assert_int_equal(askers, 0);
    assert_same(f, SOCKQ_NETLINK, fd, true);
    close(fd);
}

static void test_packet(void **state)
{
    struct sock_filter code[] = {BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
                                 BPF_STMT(BPF_RET | BPF_K, 0)};
    const struct sock_fprog program = {.len = COUNT(code), .filter = code};
    const struct tpacket_req3 ring = {.tp_block_size = 8192,
                                      .tp_block_nr = 2,
                                      .tp_frame_size = 2048,
                                      .tp_frame_nr = 8,
                                      .tp_retire_blk_tov = 60};
    const int version = TPACKET_V3, fanout = 77 | PACKET_FANOUT_CPU << 16;
    struct fixture *f = *state;
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

    if (fd < 0 && errno == EPERM)
        skip();
    assert_true(fd >= 0);
    const struct sockaddr_ll lo = {.sll_family = AF_PACKET,
                                   .sll_protocol = htons(ETH_P_ARP),
                                   .sll_ifindex = (int)if_nametoindex("lo")};
    assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)), 0);
    assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &ring, sizeof(ring)), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)), 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&lo, sizeof(lo)), 0);
    bool spreads = setsockopt(fd, SOL_PACKET, PACKET_FANOUT, &fanout, sizeof(fanout)) == 0;
    assert_int_equal(look(f, SOCKQ_PACKET, SOCKQ_SOURCE_DIAG, EVERYTHING)->status,
                     SOCKQ_TABLE_COMPLETE);
    const struct sockq_row *row = row_of(f, inode_of(fd));
    assert_non_null(row);
    assert_int_equal(row->packet.ifindex, lo.sll_ifindex);
    assert_int_equal(row->packet.protocol, ETH_P_ARP);
    assert_int_equal(row->packet.type, SOCK_RAW);
    assert_int_equal(row->uid, geteuid());
    const struct sockq_packet_diag *more = more_of(f, row, sizeof(*more));
    assert_int_equal(more->cookie, cookie_of(fd));
    assert_int_equal(more->version, TPACKET_V3);
    assert_true(more->has & SOCKQ_DIAG_HAS_RX_RING && !(more->has & SOCKQ_DIAG_HAS_TX_RING));
    assert_int_equal(more->rx_ring.block_size, ring.tp_block_size);
    assert_int_equal(more->rx_ring.block_nr, ring.tp_block_nr);
    assert_int_equal(more->rx_ring.frame_size, ring.tp_frame_size);
    assert_int_equal(more->rx_ring.frame_nr, ring.tp_frame_nr);
    assert_int_equal(more->rx_ring.retire_tmo, ring.tp_retire_blk_tov);
    assert_memory(&more->memory, fd);
    if (spreads) {
        assert_true(more->has & SOCKQ_DIAG_HAS_FANOUT);
        assert_int_equal(more->fanout, fanout);
    }
    assert_true(more->has & SOCKQ_DIAG_HAS_FILTER);
    assert_int_equal(more->filter_len, sizeof(code));
    assert_memory_equal(sockq_set_at(f->file.map, f->w.set, more->filter, more->filter_len), code,
                        sizeof(code));
    (void)look(f, SOCKQ_PACKET, SOCKQ_SOURCE_DIAG, SOCKQ_WITH_MEMORY);
    more = more_of(f, row_of(f, inode_of(fd)), sizeof(*more));
    assert_int_equal(more->filter_len + more->rx_ring.block_nr, 0);
    assert_int_equal(more->has, SOCKQ_DIAG_HAS_COOKIE | SOCKQ_DIAG_HAS_INFO | SOCKQ_DIAG_HAS_UID);
    assert_same(f, SOCKQ_PACKET, fd, true);
    close(fd);
}

static void test_vsock(void **state)
{
    struct fixture *f = *state;
    const struct sockaddr_vm address = {
        .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY, .svm_port = 70001};
    int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        const struct sockq_table_info *info = look(f, SOCKQ_VSOCK, SOCKQ_SOURCE_DIAG, 0);
        assert_int_equal(info->status, SOCKQ_TABLE_MISSING);
        assert_int_equal(info->refusal, ENOENT);
        assert_int_equal(f->w.set->problem_count, 0);
        return;
    }
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 1), 0);
    const struct sockq_table_info *info = look(f, SOCKQ_VSOCK, SOCKQ_SOURCE_AUTO, EVERYTHING);
    if (info->status == SOCKQ_TABLE_COMPLETE) {
        const struct sockq_row *row = row_of(f, inode_of(fd));
        assert_non_null(row);
        assert_int_equal(row->state, SOCKQ_LISTEN);
        assert_int_equal(row->vsock.local_cid, VMADDR_CID_ANY);
        assert_int_equal(row->vsock.local_port, 70001);
        assert_int_equal(row->vsock.type, SOCK_STREAM);
    } else {
        assert_int_equal(info->status, SOCKQ_TABLE_MISSING);
    }
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIVE_TEST(test_unix_pair), LIVE_TEST(test_unix_listener), LIVE_TEST(test_unix_names),
        LIVE_TEST(test_unix_many), LIVE_TEST(test_netlink),       LIVE_TEST(test_packet),
        LIVE_TEST(test_vsock),
    };

    return cmocka_run_group_tests_name("diag_rows", tests, NULL, NULL);
}

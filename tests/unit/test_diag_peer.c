/*
 * A kernel of the test's own: what is received is what a case lists, look by look. Interrupted
 * dumps, lost datagrams, errors, messages that are cut short, and attributes as older and newer
 * kernels send them.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <linux/unix_diag.h>
#include <sys/socket.h>

#include "helper.h"
#include "source/sock_diag.h"

ssize_t __wrap_recvmsg(int fd, struct msghdr *message, int flags);
ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *socket, const void *bytes, size_t size);

enum { DATAGRAMS = 8, LOOKS = 10, ROOM = 4096, STRANGER = 7, OLD_TCP_INFO = 104 };

/* One datagram, or an errno in its place. */
struct datagram {
    char bytes[ROOM];
    size_t size;
    int error;
    uint32_t from;
};

static struct {
    struct datagram list[LOOKS][DATAGRAMS];
    unsigned counts[LOOKS];
    unsigned look; /* asked so often */
    unsigned next;
    bool repeats; /* the last look is answered for ever */
    int ask_error;
} kernel;

ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *socket, const void *bytes, size_t size)
{
    const struct nlmsghdr *header = bytes;

    (void)socket;
    assert_int_equal(header->nlmsg_len, size);
    assert_int_equal(header->nlmsg_type, SOCK_DIAG_BY_FAMILY);
    if (kernel.ask_error) {
        errno = kernel.ask_error;
        return -1;
    }
    kernel.look++;
    kernel.next = 0;
    return (ssize_t)size;
}

ssize_t __wrap_recvmsg(int fd, struct msghdr *message, int flags)
{
    unsigned look = kernel.look - 1;
    struct sockaddr_nl *from = message->msg_name;

    (void)fd;
    (void)flags;
    while (kernel.repeats && look > 0 && kernel.counts[look] == 0)
        look--;
    /* Nobody may read beyond the end. */
    assert_true(look < LOOKS && kernel.next < kernel.counts[look]);
    const struct datagram *datagram = &kernel.list[look][kernel.next++];
    if (datagram->error) {
        errno = datagram->error;
        return -1;
    }
    const size_t room = message->msg_iov[0].iov_len;
    const size_t size = datagram->size < room ? datagram->size : room;
    memcpy(message->msg_iov[0].iov_base, datagram->bytes, size);
    from->nl_pid = datagram->from;
    message->msg_flags = 0;
    return (ssize_t)size;
}

static struct datagram *datagram(unsigned look)
{
    assert_true(look < LOOKS && kernel.counts[look] < DATAGRAMS);
    return &kernel.list[look][kernel.counts[look]++];
}

static struct nlmsghdr *put(struct datagram *d, uint16_t type, uint16_t flags)
{
    assert_true(d->size + 1024 < ROOM);
    struct nlmsghdr *header = mnl_nlmsg_put_header(d->bytes + d->size);

    header->nlmsg_type = type;
    header->nlmsg_flags = (uint16_t)(NLM_F_MULTI | flags);
    header->nlmsg_seq = 1;
    return header;
}

static void end(struct datagram *d, const struct nlmsghdr *header)
{
    d->size += (header->nlmsg_len + 3) / 4 * 4;
}

/* A listener whose inode and local port are `number`; `more` adds attributes. */
static void put_tcp(struct datagram *d, uint32_t number, uint16_t flags,
                    void (*more)(struct nlmsghdr *))
{
    struct nlmsghdr *header = put(d, SOCK_DIAG_BY_FAMILY, flags);
    struct inet_diag_msg *message = mnl_nlmsg_put_extra_header(header, sizeof(*message));

    message->idiag_family = AF_INET;
    message->idiag_state = SOCKQ_LISTEN;
    message->idiag_inode = number;
    message->id.idiag_sport = htons((uint16_t)number);
    message->id.idiag_cookie[0] = number;
    if (more)
        more(header);
    end(d, header);
}

static void put_end(struct datagram *d, uint16_t type, int error, uint16_t flags)
{
    struct nlmsghdr *header = put(d, type, flags);

    *(int *)mnl_nlmsg_put_extra_header(header, sizeof(int)) = -error;
    end(d, header);
}

static int peer_setup(void **state)
{
    memset(&kernel, 0, sizeof(kernel));
    return fixture_setup(state);
}

#define PEER_TEST(function) cmocka_unit_test_setup_teardown(function, peer_setup, fixture_teardown)

static const struct sockq_table_info *look_from(struct fixture *f, enum sockq_table table,
                                                enum sockq_source_choice source, uint32_t flags)
{
    static struct recent recent;
    struct inodes inodes = {.seed = hash_seed_new()};
    const struct sockq_question question = {
        .tables = (uint64_t)1 << table, .flags = flags, .source = source};

    f->proc.live = true;
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

static const struct sockq_table_info *look(struct fixture *f)
{
    return look_from(f, SOCKQ_TCP, SOCKQ_SOURCE_DIAG, SOCKQ_DIAG_FLAGS);
}

/* That the rows are those with the inodes 1 to `count`, each once. */
static void assert_rows(const struct fixture *f, uint32_t count)
{
    uint64_t seen = 0;

    assert_int_equal(sockq_set_rows(f->w.set), count);
    for (uint32_t i = 0; i < count; i++)
        seen |= (uint64_t)1 << row_at(f, i)->inode;
    assert_int_equal(seen, ((uint64_t)2 << count) - 2);
}

static void put_whole(unsigned at, uint32_t count, uint16_t flags)
{
    struct datagram *d = datagram(at);

    for (uint32_t i = 1; i <= count; i++)
        put_tcp(d, i, flags, NULL);
    put_end(datagram(at), NLMSG_DONE, 0, flags);
}

static void test_whole(void **state)
{
    struct fixture *f = *state;

    put_whole(0, 3, 0);
    kernel.repeats = true;
    const struct sockq_table_info *info = look(f);
    assert_int_equal(info->status, SOCKQ_TABLE_COMPLETE);
    assert_int_equal(info->source, SOCKQ_SOURCE_DIAG);
    assert_int_equal(info->refusal, 0);
    assert_int_equal(f->w.set->problem_count, 0);
    assert_rows(f, 3);
}

/* The first dump lacks what the second has, and neither row comes twice. */
static void test_interrupted_once(void **state)
{
    struct fixture *f = *state;
    struct datagram *d = datagram(0);

    put_tcp(d, 1, 0, NULL);
    put_tcp(d, 3, NLM_F_DUMP_INTR, NULL);
    put_end(d, NLMSG_DONE, 0, NLM_F_DUMP_INTR);
    put_whole(1, 4, 0);
    kernel.repeats = true;
    assert_int_equal(look(f)->status, SOCKQ_TABLE_COMPLETE);
    assert_true(kernel.look >= 2);
    assert_int_equal(f->w.set->problem_count, 0);
    assert_rows(f, 4);
}

/* Of several datagrams some of the sockets may be lost between two, though as many are counted;
   what comes in one is whole. */
static void test_several_datagrams(void **state)
{
    struct fixture *f = *state;

    put_text(f, "net/protocols", "protocol  size sockets  memory\nTCP       1  4 -1\n");
    put_tcp(datagram(0), 1, 0, NULL);
    put_tcp(datagram(0), 3, 0, NULL);
    put_end(datagram(0), NLMSG_DONE, 0, 0);
    put_whole(1, 4, 0);
    kernel.repeats = true;
    assert_int_equal(look(f)->status, SOCKQ_TABLE_COMPLETE);
    assert_true(kernel.look >= 2);
    assert_rows(f, 4);
}

static void test_one_datagram(void **state)
{
    struct fixture *f = *state;

    put_text(f, "net/protocols", "protocol  size sockets  memory\nTCP       1  4 -1\n");
    put_whole(0, 3, 0);
    put_whole(1, 4, 0);
    kernel.repeats = true;
    assert_int_equal(look(f)->status, SOCKQ_TABLE_COMPLETE);
    assert_int_equal(kernel.look, 1);
    assert_rows(f, 3);
}

static void test_interrupted_always(void **state)
{
    struct fixture *f = *state;

    put_whole(0, 2, NLM_F_DUMP_INTR);
    kernel.repeats = true;
    assert_int_equal(look(f)->status, SOCKQ_TABLE_COMPLETE);
    assert_true(kernel.look > 2 && kernel.look <= 8);
    assert_int_equal(f->w.set->problem_count, 1);
    assert_problem(f, 0, 0, SOCKQ_BAD_INTERRUPTED, true);
    assert_rows(f, 2);
}

/* Datagrams that were dropped, or did not fit. */
static void test_dropped(void **state)
{
    static const int errors[] = {ENOBUFS, ENOSPC};

    for (size_t i = 0; i < COUNT(errors); i++) {
        struct fixture *f = *state;
        memset(&kernel, 0, sizeof(kernel));
        put_tcp(datagram(0), 1, 0, NULL);
        datagram(0)->error = errors[i];
        put_tcp(datagram(0), 4, 0, NULL);
        put_end(datagram(0), NLMSG_DONE, 0, 0);
        put_whole(1, 4, 0);
        kernel.repeats = true;
        assert_int_equal(look(f)->status, SOCKQ_TABLE_COMPLETE);
        assert_true(kernel.look >= 2);
        assert_int_equal(f->w.set->problem_count, 0);
        assert_rows(f, 4);
    }
}

static void test_signals(void **state)
{
    struct fixture *f = *state;

    datagram(0)->error = EINTR;
    put_whole(0, 1, 0);
    kernel.repeats = true;
    assert_int_equal(look(f)->status, SOCKQ_TABLE_COMPLETE);
    assert_rows(f, 1);
}

/* A process that may send netlink messages to others is not the kernel. */
static void test_stranger(void **state)
{
    struct fixture *f = *state;
    struct datagram *d = datagram(0);

    put_tcp(d, 9, 0, NULL);
    put_end(d, NLMSG_DONE, 0, 0);
    d->from = STRANGER;
    put_whole(0, 2, 0);
    kernel.repeats = true;
    assert_int_equal(look(f)->status, SOCKQ_TABLE_COMPLETE);
    assert_rows(f, 2);
}

/* An error in place of an answer: the table is missing, and why stands beside it. */
static void test_refused(void **state)
{
    static const int errors[] = {ENOENT, EPERM, EINVAL, EPROTONOSUPPORT, EOPNOTSUPP};
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(errors); i++) {
        memset(&kernel, 0, sizeof(kernel));
        put_end(datagram(0), i % 2 ? NLMSG_DONE : NLMSG_ERROR, errors[i], 0);
        const struct sockq_table_info *info = look(f);
        assert_int_equal(info->status, SOCKQ_TABLE_MISSING);
        assert_int_equal(info->refusal, errors[i]);
        assert_int_equal(f->w.set->problem_count, 0);
        assert_int_equal(kernel.look, 1);
        assert_rows(f, 0);
    }
}

/* Where the text may be read instead it is, and nothing is said. */
static void test_refused_auto(void **state)
{
    struct fixture *f = *state;

    put_table(f, SOCKQ_TCP, good_of(SOCKQ_TCP), strlen(good_of(SOCKQ_TCP)));
    kernel.ask_error = ECONNREFUSED;
    const struct sockq_table_info *info =
        look_from(f, SOCKQ_TCP, SOCKQ_SOURCE_AUTO, SOCKQ_DIAG_FLAGS);
    assert_int_equal(info->status, SOCKQ_TABLE_COMPLETE);
    assert_int_equal(info->source, SOCKQ_SOURCE_PROC);
    assert_int_equal(info->refusal, ECONNREFUSED);
    assert_int_equal(sockq_set_rows(f->w.set), 1);
    assert_false(row_at(f, 0)->flags & SOCKQ_ROW_DIAG);
}

/* Behind rows it is a failure, and they stay. */
static void test_failed(void **state)
{
    static const struct {
        uint16_t type;
        int error;
    } ends[] = {{NLMSG_ERROR, EPERM}, {NLMSG_DONE, ENOMEM}, {0, ECONNRESET}};
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(ends); i++) {
        memset(&kernel, 0, sizeof(kernel));
        put_tcp(datagram(0), 1, 0, NULL);
        put_tcp(datagram(0), 2, 0, NULL);
        if (ends[i].type)
            put_end(datagram(0), ends[i].type, ends[i].error, 0);
        else
            datagram(0)->error = ends[i].error;
        const struct sockq_table_info *info = look(f);
        assert_int_equal(info->status, SOCKQ_TABLE_FAILED);
        assert_int_equal(info->error, ends[i].error);
        assert_problem(f, 0, 0, SOCKQ_BAD_ERRNO, true);
        assert_int_equal(problem_at(f, 0)->error, ends[i].error);
        assert_rows(f, 2);
    }
}

/* What is cut short anywhere is a gap, never a row of its own. */
static void test_cut(void **state)
{
    struct fixture *f = *state;
    struct datagram *d;

    for (size_t cut = 1; cut < sizeof(struct inet_diag_msg) + NLMSG_HDRLEN; cut += 5) {
        memset(&kernel, 0, sizeof(kernel));
        d = datagram(0);
        put_tcp(d, 1, 0, NULL);
        const size_t whole = d->size;
        put_tcp(d, 2, 0, NULL);
        d->size = whole + cut;
        put_end(datagram(0), NLMSG_DONE, 0, 0);
        put_whole(1, 2, 0);
        kernel.repeats = true;
        assert_int_equal(look(f)->status, SOCKQ_TABLE_COMPLETE);
        assert_int_equal(f->w.set->problem_count, 0);
        assert_rows(f, 2);
    }
    /* The length says so. */
    memset(&kernel, 0, sizeof(kernel));
    d = datagram(0);
    put_tcp(d, 1, 0, NULL);
    ((struct nlmsghdr *)(void *)d->bytes)->nlmsg_len = NLMSG_HDRLEN + 20;
    d->size = NLMSG_HDRLEN + 20;
    put_end(datagram(0), NLMSG_DONE, 0, 0);
    kernel.repeats = true;
    assert_int_equal(look(f)->status, SOCKQ_TABLE_COMPLETE);
    assert_problem(f, 0, 0, SOCKQ_BAD_INTERRUPTED, true);
    assert_rows(f, 0);
}

/* Other families, sequences and types are no rows and no trouble. */
static void test_passed_over(void **state)
{
    struct fixture *f = *state;
    struct datagram *d = datagram(0);

    put_tcp(d, 7, 0, NULL);
    ((struct nlmsghdr *)(void *)d->bytes)->nlmsg_seq = 5;
    size_t at = d->size;
    put_tcp(d, 8, 0, NULL);
    ((struct nlmsghdr *)(void *)(d->bytes + at))->nlmsg_type = 77;
    at = d->size;
    put_tcp(d, 9, 0, NULL);
    d->bytes[at + NLMSG_HDRLEN] = AF_INET6;
    put_end(d, NLMSG_NOOP, 0, 0);
    put_tcp(d, 1, 0, NULL);
    put_end(d, NLMSG_DONE, 0, 0);
    kernel.repeats = true;
    assert_int_equal(look(f)->status, SOCKQ_TABLE_COMPLETE);
    assert_int_equal(f->w.set->problem_count, 0);
    assert_rows(f, 1);
}

static void put_old(struct nlmsghdr *header)
{
    uint8_t info[OLD_TCP_INFO] = {0};
    const uint32_t memory[] = {1, 2, 3, 4};

    info[offsetof(struct tcp_info, tcpi_retransmits)] = 5;
    info[offsetof(struct tcp_info, tcpi_probes)] = 6;
    mnl_attr_put(header, INET_DIAG_INFO, sizeof(info), info);
    mnl_attr_put(header, INET_DIAG_SKMEMINFO, sizeof(memory), memory);
    mnl_attr_put(header, INET_DIAG_CONG, 5, "renox");
}

/* Too short to be what they are, and such as nobody knows. */
static void put_odd(struct nlmsghdr *header)
{
    const uint16_t two = 0xffff;
    static const char much[200];

    mnl_attr_put(header, INET_DIAG_MARK, sizeof(two), &two);
    mnl_attr_put(header, INET_DIAG_CGROUP_ID, sizeof(two), &two);
    mnl_attr_put(header, INET_DIAG_SHUTDOWN, 0, NULL);
    mnl_attr_put(header, INET_DIAG_INFO, 0, NULL);
    mnl_attr_put(header, INET_DIAG_SKMEMINFO, 3, much);
    mnl_attr_put(header, INET_DIAG_BBRINFO, sizeof(two), &two);
    mnl_attr_put(header, INET_DIAG_CONG, 40, "a name that is longer than any of them..");
    mnl_attr_put(header, 99, sizeof(two), &two);
    mnl_attr_put(header, 0x3fff, sizeof(much), much);
}

static const struct sockq_diag *more_at(const struct fixture *f, uint64_t index)
{
    const struct sockq_diag *more =
        sockq_set_at(f->file.map, f->w.set, row_at(f, index)->diag.more, sizeof(*more));

    assert_non_null(more);
    return more;
}

static void test_attributes(void **state)
{
    struct fixture *f = *state;
    struct datagram *d = datagram(0);

    put_tcp(d, 1, 0, put_old);
    put_tcp(d, 2, 0, put_odd);
    put_tcp(d, 3, 0, NULL);
    put_end(d, NLMSG_DONE, 0, 0);
    kernel.repeats = true;
    assert_int_equal(look(f)->status, SOCKQ_TABLE_COMPLETE);
    assert_int_equal(f->w.set->problem_count, 0);
    assert_rows(f, 3);
    assert_words(f, row_at(f, 0), "retrans=5 probes=6");
    const struct sockq_diag *more = more_at(f, 0);
    assert_int_equal(more->info_len, OLD_TCP_INFO);
    assert_int_equal(more->memory.count, 4);
    assert_int_equal(more->memory.sndbuf, 4);
    assert_int_equal(more->memory.drops, 0);
    assert_string_equal(more->cc, "renox");
    assert_int_equal(more->has, SOCKQ_DIAG_HAS_COOKIE | SOCKQ_DIAG_HAS_CC);
    more = more_at(f, 1);
    assert_int_equal(more->has, SOCKQ_DIAG_HAS_COOKIE | SOCKQ_DIAG_HAS_CC);
    assert_string_equal(more->cc, "a name that is ");
    assert_int_equal(more->info + more->info_len + more->mark + more->memory.count, 0);
    assert_int_equal(row_at(f, 1)->diag.has, 0);
    more = more_at(f, 2);
    assert_int_equal(more->has, SOCKQ_DIAG_HAS_COOKIE);
}

static void put_unix(struct datagram *d, uint32_t number, uint32_t cookie, const char *name)
{
    struct nlmsghdr *header = put(d, SOCK_DIAG_BY_FAMILY, 0);
    struct unix_diag_msg *message = mnl_nlmsg_put_extra_header(header, sizeof(*message));

    message->udiag_family = AF_UNIX;
    message->udiag_type = SOCK_DGRAM;
    message->udiag_state = 7;
    message->udiag_ino = number;
    message->udiag_cookie[0] = cookie;
    if (name)
        mnl_attr_put(header, UNIX_DIAG_NAME, strlen(name), name);
    end(d, header);
}

/* A socket that is bound between two answers comes again, with a name; one inode may have two. */
static void test_bound_meanwhile(void **state)
{
    struct fixture *f = *state;
    struct datagram *d = datagram(0);

    put_unix(d, 1, 11, NULL);
    put_unix(d, 2, 12, NULL);
    put_unix(d, 1, 11, "/bound");
    put_unix(d, 2, 13, "/other");
    put_end(d, NLMSG_DONE, 0, 0);
    kernel.repeats = true;
    const struct sockq_table_info *info =
        look_from(f, SOCKQ_UNIX, SOCKQ_SOURCE_DIAG, SOCKQ_DIAG_FLAGS);
    assert_int_equal(info->status, SOCKQ_TABLE_COMPLETE);
    assert_int_equal(sockq_set_rows(f->w.set), 3);
    assert_int_equal(info->duplicates, 1);
    assert_int_equal(row_at(f, 0)->inode, 1);
    assert_int_equal(row_at(f, 1)->inode, 2);
    assert_int_equal(row_at(f, 2)->inode, 2);
    assert_int_equal(row_at(f, 2)->un.path_len, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PEER_TEST(test_bound_meanwhile),
        PEER_TEST(test_whole),
        PEER_TEST(test_interrupted_once),
        PEER_TEST(test_several_datagrams),
        PEER_TEST(test_one_datagram),
        PEER_TEST(test_interrupted_always),
        PEER_TEST(test_dropped),
        PEER_TEST(test_signals),
        PEER_TEST(test_stranger),
        PEER_TEST(test_refused),
        PEER_TEST(test_refused_auto),
        PEER_TEST(test_failed),
        PEER_TEST(test_cut),
        PEER_TEST(test_passed_over),
        PEER_TEST(test_attributes),
    };

    return cmocka_run_group_tests_name("diag_peer", tests, NULL, NULL);
}

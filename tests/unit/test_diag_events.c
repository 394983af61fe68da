/*
 * Sockets as they are closed, told by a kernel of the test's own: what is received, lost and
 * refused is what a case lists.
 *
 * Linked with the options in test_diag_events.link, so that the calls come here first.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "collect.h"
#include "helper.h"
#include "netns/netns.h"
#include "source/diag_events.h"
#include "source/sock_diag.h"

enum { DATAGRAMS = 8, ROOM = 1024 };

/* What one call of recvmsg gives: bytes, or an errno. */
struct datagram {
    char bytes[ROOM];
    size_t size;
    int error;
    uint32_t from;
    bool no_address;
};

static struct {
    int socket_error;
    int bind_error;
    int force_error;
    bool plain_size;
    uint32_t groups;
    struct datagram list[DATAGRAMS];
    unsigned count, next;
    int poll_error;
    unsigned polls;
    uint32_t drops;
    int drops_error;
    socklen_t drops_size;
    bool no_clock;
} kernel;

int __real_socket(int family, int type, int protocol);
int __wrap_socket(int family, int type, int protocol);
int __wrap_socket(int family, int type, int protocol)
{
    (void)family;
    (void)protocol;
    errno = kernel.socket_error;
    return kernel.socket_error ? -1 : __real_socket(AF_UNIX, SOCK_DGRAM | (type & SOCK_CLOEXEC), 0);
}

int __wrap_bind(int fd, const struct sockaddr *address, socklen_t size);
int __wrap_bind(int fd, const struct sockaddr *address, socklen_t size)
{
    const struct sockaddr_nl *netlink = (const void *)address;

    (void)fd;
    assert_int_equal(size, sizeof(*netlink));
    kernel.groups = netlink->nl_groups;
    errno = kernel.bind_error;
    return kernel.bind_error ? -1 : 0;
}

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t size);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
    (void)fd;
    (void)level;
    (void)value;
    (void)size;
    kernel.plain_size |= name == SO_RCVBUF;
    errno = kernel.force_error;
    return name == SO_RCVBUFFORCE && kernel.force_error ? -1 : 0;
}

int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *size);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *size)
{
    (void)fd;
    (void)level;
    assert_int_equal(name, SO_MEMINFO);
    if (kernel.drops_error) {
        errno = kernel.drops_error;
        return -1;
    }
    ((uint32_t *)value)[SK_MEMINFO_DROPS] = kernel.drops;
    *size = kernel.drops_size ? kernel.drops_size : *size;
    return 0;
}

ssize_t __wrap_recvmsg(int fd, struct msghdr *message, int flags);
ssize_t __wrap_recvmsg(int fd, struct msghdr *message, int flags)
{
    struct sockaddr_nl *from = message->msg_name;

    (void)fd;
    assert_int_equal(flags, MSG_DONTWAIT);
    if (kernel.next == kernel.count) {
        errno = EAGAIN;
        return -1;
    }
    const struct datagram *datagram = &kernel.list[kernel.next++];
    if (datagram->error) {
        errno = datagram->error;
        return -1;
    }
    memcpy(message->msg_iov[0].iov_base, datagram->bytes, datagram->size);
    from->nl_pid = datagram->from;
    message->msg_namelen = datagram->no_address ? 0 : sizeof(*from);
    return (ssize_t)datagram->size;
}

int __wrap_poll(struct pollfd *list, nfds_t count, int timeout);
int __wrap_poll(struct pollfd *list, nfds_t count, int timeout)
{
    assert_int_equal(count, 2);
    assert_int_equal(list[0].events & list[1].events, POLLIN);
    assert_int_equal(timeout, -1);
    kernel.polls++;
    errno = kernel.poll_error;
    return kernel.poll_error ? -1 : 1;
}

int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
    return kernel.no_clock ? -1 : __real_clock_gettime(clock, now);
}

static struct datagram *datagram(void)
{
    assert_true(kernel.count < DATAGRAMS);
    kernel.list[kernel.count] = (struct datagram){.size = 0};
    return &kernel.list[kernel.count++];
}

/* That a socket with this inode is gone. */
static void put_closed(struct datagram *d, uint16_t type, uint8_t family, int protocol,
                       uint32_t port)
{
    struct nlmsghdr *header = mnl_nlmsg_put_header(d->bytes + d->size);
    struct inet_diag_msg *message = mnl_nlmsg_put_extra_header(header, sizeof(*message));

    header->nlmsg_type = type;
    message->idiag_family = family;
    message->idiag_state = SOCKQ_CLOSE;
    message->id.idiag_sport = htons((uint16_t)port);
    if (protocol >= 0)
        mnl_attr_put_u8(header, INET_DIAG_PROTOCOL, (uint8_t)protocol);
    d->size += (header->nlmsg_len + 3) / 4 * 4;
}

static void put_tcp(uint32_t port)
{
    put_closed(datagram(), SOCK_DIAG_BY_FAMILY, AF_INET, IPPROTO_TCP, port);
}

static int setup(void **state)
{
    memset(&kernel, 0, sizeof(kernel));
    int result = fixture_setup(state);
    ((struct fixture *)*state)->proc.live = true;
    return result;
}

#define EVENTS_TEST(function) cmocka_unit_test_setup_teardown(function, setup, fixture_teardown)

static const struct sockq_question both = {
    .tables = (uint64_t)1 << SOCKQ_TCP | (uint64_t)1 << SOCKQ_UDP6, .flags = SOCKQ_FOLLOW};

static void subscriptions(void **state)
{
    struct fixture *f = *state;
    struct diag_events events = {.last = UINT32_MAX};
    struct sockq_question question = both;
    struct netns_choice choice = {.asked = true};

    f->proc.live = false;
    assert_int_equal(diag_events_begin(&events, &f->proc, &question), -1);
    assert_int_equal(errno, EOPNOTSUPP);
    f->proc.live = true;
    f->proc.netns = &choice;
    assert_int_equal(diag_events_begin(&events, &f->proc, &question), -1);
    assert_int_equal(errno, EOPNOTSUPP);
    choice.asked = false;
    kernel.socket_error = EPROTONOSUPPORT;
    assert_int_equal(diag_events_begin(&events, &f->proc, &question), -1);
    assert_int_equal(errno, EPROTONOSUPPORT);
    kernel.socket_error = 0;
    kernel.bind_error = EPERM;
    assert_int_equal(diag_events_begin(&events, &f->proc, &question), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(events.id + question.subscription, 0);
    kernel.bind_error = 0;
    assert_int_equal(diag_events_begin(&events, &f->proc, &question), 0);
    assert_int_equal(kernel.groups,
                     1u << (SKNLGRP_INET_TCP_DESTROY - 1) | 1u << (SKNLGRP_INET6_UDP_DESTROY - 1));
    assert_false(kernel.plain_size);
    /* Behind the last of the numbers comes the first; none is 0. */
    assert_int_equal(events.id, 1);
    assert_int_equal(question.subscription, 1);
    const int fd = events.fd;
    assert_int_equal(diag_events_begin(&events, &f->proc, &question), 0);
    assert_int_equal(events.fd, fd);
    question.subscription = 2;
    assert_int_equal(diag_events_begin(&events, &f->proc, &question), -1);
    assert_int_equal(errno, ESTALE);
    /* A new one takes its place; as much room as a process without rights may have. */
    question.subscription = 0;
    kernel.force_error = EPERM;
    assert_int_equal(diag_events_begin(&events, &f->proc, &question), 0);
    assert_int_equal(question.subscription, 2);
    assert_true(kernel.plain_size);
    diag_events_end(&events);
    diag_events_end(&events);
    assert_int_equal(events.id, 0);
    f->proc.netns = NULL;
}

/* Until nothing more is there. */
static bool until_read(void *context)
{
    (void)context;
    return kernel.next == kernel.count && kernel.polls > 0;
}

static void follow(struct fixture *f, struct diag_events *events, sockq_check check)
{
    struct sockq_question question = both;

    if (f->w.set)
        sockq_file_release(&f->file, f->w.block);
    events->id = events->id ? events->id : 1;
    assert_int_equal(sockq_writer_open(&f->w, &f->file, &question), 0);
    diag_events_read(events, &f->w, &f->proc, &question, 0, check, f);
}

static void only_what_was_asked_for(void **state)
{
    struct fixture *f = *state;
    struct diag_events events = {.fd = -1};
    struct datagram *d = datagram();

    put_closed(d, SOCK_DIAG_BY_FAMILY, AF_INET, IPPROTO_TCP, 1);
    put_closed(d, SOCK_DESTROY, AF_INET, IPPROTO_TCP, 2);
    put_closed(d, SOCK_DIAG_BY_FAMILY, AF_INET, IPPROTO_UDP, 3);
    put_closed(d, SOCK_DIAG_BY_FAMILY, AF_INET, IPPROTO_SCTP, 4);
    put_closed(d, SOCK_DIAG_BY_FAMILY, AF_INET, -1, 5);
    put_closed(d, SOCK_DIAG_BY_FAMILY, AF_INET6, IPPROTO_UDP, 6);
    put_closed(d, SOCK_DIAG_BY_FAMILY, AF_UNIX, IPPROTO_TCP, 7);
    /* Cut short. */
    struct nlmsghdr *header = mnl_nlmsg_put_header(d->bytes + d->size);
    header->nlmsg_type = SOCK_DIAG_BY_FAMILY;
    mnl_nlmsg_put_extra_header(header, 8);
    d->size += header->nlmsg_len;
    /* Only the kernel's word counts. */
    put_tcp(8);
    kernel.list[1].from = 99;
    put_tcp(9);
    kernel.list[2].no_address = true;
    datagram()->error = EINTR;
    put_tcp(10);
    follow(f, &events, until_read);
    assert_int_equal(f->w.set->status, SOCKQ_SET_CANCELLED);
    assert_int_equal(sockq_set_rows(f->w.set), 3);
    static const uint16_t ports[] = {1, 6, 10};
    static const uint8_t tables[] = {SOCKQ_TCP, SOCKQ_UDP6, SOCKQ_TCP};
    for (uint64_t i = 0; i < 3; i++) {
        assert_int_equal(row_at(f, i)->local_port, ports[i]);
        assert_int_equal(row_at(f, i)->table, tables[i]);
        assert_true(row_at(f, i)->flags & SOCKQ_ROW_CLOSED);
        assert_true(row_at(f, i)->when > 1000000000);
    }
    assert_int_equal(f->w.set->tables[SOCKQ_TCP].status, SOCKQ_TABLE_COMPLETE);
    assert_int_equal(f->w.set->tables[SOCKQ_UDP].status, SOCKQ_TABLE_UNREAD);
}

/* Without a clock they were closed all the same. */
static void no_clock(void **state)
{
    struct fixture *f = *state;
    struct diag_events events = {.fd = -1};

    kernel.no_clock = true;
    put_tcp(1);
    follow(f, &events, until_read);
    assert_int_equal(sockq_set_rows(f->w.set), 1);
    assert_true(row_at(f, 0)->flags & SOCKQ_ROW_CLOSED);
    kernel.no_clock = false;
}

/* What was lost is told once, by its number where the kernel has it. */
static void what_is_lost_is_told(void **state)
{
    static const struct {
        uint32_t drops;
        int drops_error;
        socklen_t drops_size;
        bool overrun;
        bool told;
        uint32_t lost;
    } cases[] = {
        {0, 0, 0, false, false, 0}, {7, 0, 0, true, true, 7},
        {7, 0, 0, false, true, 7},  {0, EOPNOTSUPP, 0, true, true, 0},
        {0, 0, 8, true, true, 0},   {0, EOPNOTSUPP, 0, false, false, 0},
        {0, 0, 0, true, false, 0},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct diag_events events = {.fd = -1};
        memset(&kernel, 0, sizeof(kernel));
        put_tcp(1);
        if (cases[i].overrun)
            datagram()->error = ENOBUFS;
        put_tcp(2);
        kernel.drops = cases[i].drops;
        kernel.drops_error = cases[i].drops_error;
        kernel.drops_size = cases[i].drops_size;
        follow(f, &events, until_read);
        assert_int_equal(sockq_set_rows(f->w.set), 2);
        assert_int_equal(f->w.set->problem_count, cases[i].told);
        if (cases[i].told) {
            assert_problem(f, 0, cases[i].lost, SOCKQ_BAD_OVERRUN, true);
            assert_int_equal(f->w.set->status, SOCKQ_SET_INCOMPLETE);
        }
        /* The next set tells of no more. */
        kernel.next = kernel.count = kernel.polls = 0;
        put_tcp(3);
        follow(f, &events, until_read);
        assert_int_equal(sockq_set_rows(f->w.set), 1);
        assert_int_equal(f->w.set->problem_count, 0);
    }
}

static bool never_read(void *context)
{
    (void)context;
    return false;
}

static void failures(void **state)
{
    struct fixture *f = *state;
    struct diag_events events = {.fd = -1};

    put_tcp(1);
    datagram()->error = EIO;
    follow(f, &events, never_read);
    assert_int_equal(f->w.set->status, SOCKQ_SET_FAILED);
    assert_int_equal(f->w.set->error, EIO);
    assert_int_equal(sockq_set_rows(f->w.set), 1);
    memset(&kernel, 0, sizeof(kernel));
    kernel.poll_error = ENOMEM;
    follow(f, &events, never_read);
    assert_int_equal(f->w.set->status, SOCKQ_SET_FAILED);
    assert_int_equal(f->w.set->error, ENOMEM);
    /* A signal is none. */
    memset(&kernel, 0, sizeof(kernel));
    kernel.poll_error = EINTR;
    put_tcp(1);
    follow(f, &events, until_read);
    assert_int_equal(f->w.set->status, SOCKQ_SET_CANCELLED);
    assert_int_equal(sockq_set_rows(f->w.set), 1);
}

/* A flood ends a set when it is large enough; it is whole. */
static bool flood(void *context)
{
    (void)context;
    kernel.next = 0;
    return false;
}

static void a_set_that_is_large_enough(void **state)
{
    struct fixture *f = *state;
    struct diag_events events = {.fd = -1};

    for (int i = 0; i < DATAGRAMS; i++)
        put_tcp((uint32_t)i);
    follow(f, &events, flood);
    assert_int_equal(f->w.set->status, SOCKQ_SET_COMPLETE);
    assert_in_range(sockq_set_rows(f->w.set), 16 << 10, (16 << 10) + DATAGRAMS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EVENTS_TEST(subscriptions), EVENTS_TEST(only_what_was_asked_for),
        EVENTS_TEST(no_clock),      EVENTS_TEST(what_is_lost_is_told),
        EVENTS_TEST(failures),      EVENTS_TEST(a_set_that_is_large_enough),
    };

    return cmocka_run_group_tests_name("diag_events", tests, NULL, NULL);
}

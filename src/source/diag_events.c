#define _GNU_SOURCE
#include "diag_events.h"

#include <errno.h>
#include <linux/in.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "sock_diag.h"

/* A message has some 400 bytes, and takes more than twice that of the receive buffer. */
enum { EVENT = 8 << 10, RECEIVE_BUFFER = 16 << 20 };

/* Between two checks; rows and arena of a set that is large enough. */
enum { AT_ONCE = 64, ROWS_MOST = 16 << 10, ARENA_MOST = 16 << 20 };

enum { PROTOCOL_ATTRIBUTES = INET_DIAG_PROTOCOL + 1 };

static const struct {
    enum sockq_table table;
    int group;
    uint8_t protocol;
    uint8_t family;
} told[] = {
    {SOCKQ_TCP, SKNLGRP_INET_TCP_DESTROY, IPPROTO_TCP, SOCKQ_AF_INET},
    {SOCKQ_TCP6, SKNLGRP_INET6_TCP_DESTROY, IPPROTO_TCP, SOCKQ_AF_INET6},
    {SOCKQ_UDP, SKNLGRP_INET_UDP_DESTROY, IPPROTO_UDP, SOCKQ_AF_INET},
    {SOCKQ_UDP6, SKNLGRP_INET6_UDP_DESTROY, IPPROTO_UDP, SOCKQ_AF_INET6},
};
enum { TOLD = sizeof(told) / sizeof(told[0]) };

static int open_groups(uint64_t tables)
{
    struct sockaddr_nl address = {.nl_family = AF_NETLINK};
    const int size = RECEIVE_BUFFER;
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);

    if (fd < 0)
        return -1;
    /* As much as it may be; the kernel cuts what this process may not have. */
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    for (int i = 0; i < TOLD; i++)
        if (tables >> told[i].table & 1)
            address.nl_groups |= 1u << (told[i].group - 1);
    if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

int diag_events_begin(struct diag_events *events, const struct sockq_proc *proc,
                      struct sockq_question *question)
{
    if (!proc->live || (proc->netns && proc->netns->asked)) {
        errno = EOPNOTSUPP;
        return -1;
    }
    if (question->subscription) {
        if (question->subscription == events->id)
            return 0;
        errno = ESTALE;
        return -1;
    }
    int fd = open_groups(question->tables);
    if (fd < 0)
        return -1;
    diag_events_end(events);
    if (++events->last == 0)
        events->last = 1;
    events->fd = fd;
    events->drops = 0;
    question->subscription = events->id = events->last;
    return 0;
}

void diag_events_end(struct diag_events *events)
{
    if (events->id)
        close(events->fd);
    events->id = 0;
}

/* Which table a message tells of; SOCKQ_TABLES: none of these. */
static enum sockq_table table_of(const struct nlmsghdr *header)
{
    const struct inet_diag_msg *message = mnl_nlmsg_get_payload(header);
    const struct nlattr *attributes[PROTOCOL_ATTRIBUTES];

    if (mnl_nlmsg_get_payload_len(header) < sizeof(*message))
        return SOCKQ_TABLES;
    diag_attributes(header, sizeof(*message), attributes, PROTOCOL_ATTRIBUTES);
    const uint8_t *protocol = diag_payload(attributes[INET_DIAG_PROTOCOL], 1);
    for (int i = 0; protocol && i < TOLD; i++)
        if (told[i].protocol == *protocol && told[i].family == message->idiag_family)
            return told[i].table;
    return SOCKQ_TABLES;
}

static void take_datagram(struct table_reader *reader, const void *bytes, size_t size)
{
    const struct nlmsghdr *message = bytes;
    struct timespec now;
    int left = (int)size;

    if (clock_gettime(CLOCK_REALTIME, &now) < 0)
        now = (struct timespec){.tv_nsec = 1};
    reader->closed_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    for (; diag_is_whole(message, left); message = mnl_nlmsg_next(message, &left)) {
        if (message->nlmsg_type != SOCK_DIAG_BY_FAMILY)
            continue;
        reader->table = table_of(message);
        if (reader->table < SOCKQ_TABLES && reader->job->question->tables >> reader->table & 1)
            (void)diag_inet.take(reader, message);
    }
}

/* @return 1: a datagram was taken, 0: none is there, -1: errno (ENOBUFS: some were dropped) */
static int take_one(struct table_reader *reader, int fd)
{
    _Alignas(struct nlmsghdr) char bytes[EVENT];
    struct sockaddr_nl from = {.nl_pid = 0};
    struct iovec room = {.iov_base = bytes, .iov_len = sizeof(bytes)};
    struct msghdr message = {
        .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &room, .msg_iovlen = 1};
    ssize_t n;

    do
        n = recvmsg(fd, &message, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
    /* Only the kernel's word counts. */
    if (message.msg_namelen == sizeof(from) && from.nl_pid == 0)
        take_datagram(reader, bytes, (size_t)n);
    return 1;
}

/* How many the kernel dropped so far; false: it does not say. */
static bool read_drops(int fd, uint32_t *drops)
{
    uint32_t words[SK_MEMINFO_VARS] = {0};
    socklen_t size = sizeof(words);

    if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, words, &size) < 0 ||
        size < (SK_MEMINFO_DROPS + 1) * sizeof(words[0]))
        return false;
    *drops = words[SK_MEMINFO_DROPS];
    return true;
}

/* Tell of what was lost since the last time. */
static bool tell_lost(struct diag_events *events, struct table_reader *reader, bool overrun)
{
    const uint64_t tables = reader->job->question->tables;
    uint32_t drops = events->drops, lost = 0;
    int i = 0;

    /* Where the kernel does not count them all that is known is that some were lost. */
    const bool is_counted = read_drops(events->fd, &drops);
    lost = drops - events->drops;
    events->drops = drops;
    if (is_counted ? !lost : !overrun)
        return false;
    while (i < TOLD - 1 && !(tables >> told[i].table & 1))
        i++;
    sockq_writer_problem(reader->w, told[i].table, lost, SOCKQ_BAD_OVERRUN, 0, true);
    return true;
}

static void set_tables(struct sockq_writer *w, uint64_t tables, enum sockq_table_status status)
{
    for (int i = 0; i < TOLD; i++)
        if (tables >> told[i].table & 1) {
            w->set->tables[told[i].table].status = (uint32_t)status;
            w->set->tables[told[i].table].source = SOCKQ_SOURCE_DIAG;
        }
}

void diag_events_read(struct diag_events *events, struct sockq_writer *w,
                      const struct sockq_proc *proc, const struct sockq_question *question,
                      int requests, sockq_check check, void *context)
{
    struct table_job job = {
        .proc = proc, .w = w, .question = question, .check = check, .context = context};
    struct table_reader reader = {
        .w = w, .job = &job, .proc = proc, .source = SOCKQ_SOURCE_DIAG, .states = question->states};
    struct pollfd ready[] = {{.fd = events->fd, .events = POLLIN},
                             {.fd = requests, .events = POLLIN}};
    bool stopped = false, overrun = false, is_idle = false;

    set_tables(w, question->tables, SOCKQ_TABLE_READING);
    while (!w->error && w->rows < ROWS_MOST && w->arena < ARENA_MOST && !(overrun && is_idle)) {
        stopped = check(context);
        if (stopped)
            break;
        if (is_idle && poll(ready, 2, -1) < 0 && errno != EINTR)
            w->error = errno;
        is_idle = false;
        for (int i = 0; i < AT_ONCE && !w->error && !is_idle; i++) {
            int taken = take_one(&reader, events->fd);
            is_idle = taken == 0;
            if (taken < 0 && errno == ENOBUFS)
                overrun = true;
            else if (taken < 0)
                w->error = errno;
        }
        sockq_writer_commit(w);
    }
    const bool lost = tell_lost(events, &reader, overrun);
    set_tables(w, question->tables, SOCKQ_TABLE_COMPLETE);
    sockq_writer_finish(w, lost      ? SOCKQ_SET_INCOMPLETE
                           : stopped ? SOCKQ_SET_CANCELLED
                                     : SOCKQ_SET_COMPLETE);
}

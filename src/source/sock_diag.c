#define _GNU_SOURCE
#include "sock_diag.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The kernel fills datagrams of at most 32 KiB (net/netlink/af_netlink.c, netlink_dump). */
/* COUNT_EVERY: datagrams; the first of them one by one. */
enum { ANSWER = 64 << 10, SEQUENCE = 1, LOSSES_MOST = 64, COUNT_EVERY = 4 };

/* An answer of fewer datagrams, but more than one with sockets, is looked at again whatever was
   counted, as a text of as many rows is (table.c). */
enum { ALWAYS_AGAIN = 16 };

static const struct diag_family *const families[SOCKQ_TABLES] = {
    [SOCKQ_TCP] = &diag_inet,    [SOCKQ_TCP6] = &diag_inet,       [SOCKQ_UDP] = &diag_inet,
    [SOCKQ_UDP6] = &diag_inet,   [SOCKQ_UDPLITE] = &diag_inet,    [SOCKQ_UDPLITE6] = &diag_inet,
    [SOCKQ_RAW] = &diag_inet,    [SOCKQ_RAW6] = &diag_inet,       [SOCKQ_MPTCP] = &diag_inet,
    [SOCKQ_MPTCP6] = &diag_inet, [SOCKQ_DCCP] = &diag_inet,       [SOCKQ_DCCP6] = &diag_inet,
    [SOCKQ_UNIX] = &diag_unix,   [SOCKQ_NETLINK] = &diag_netlink, [SOCKQ_PACKET] = &diag_packet,
    [SOCKQ_VSOCK] = &diag_vsock, [SOCKQ_SCTP_EPS] = &diag_sctp,   [SOCKQ_SCTP_ASSOCS] = &diag_sctp,
    [SOCKQ_TIPC] = &diag_tipc,   [SOCKQ_XDP] = &diag_xdp,
};

bool diag_knows(enum sockq_table table)
{
    return families[table] != NULL;
}

/* The attributes in so many bytes from the first one on. */
static void take_attributes(const struct nlattr *attribute, int left,
                            const struct nlattr *attributes[], unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        attributes[i] = NULL;
    for (; left > 0 && mnl_attr_ok(attribute, left); attribute = mnl_attr_next(attribute)) {
        const unsigned type = mnl_attr_get_type(attribute);
        if (type < count)
            attributes[type] = attribute;
        left -= (int)MNL_ALIGN(attribute->nla_len);
    }
}

void diag_attributes(const struct nlmsghdr *message, size_t header,
                     const struct nlattr *attributes[], unsigned count)
{
    const size_t length = mnl_nlmsg_get_payload_len(message);

    take_attributes(mnl_nlmsg_get_payload_offset(message, header),
                    length < header ? 0 : (int)(length - header), attributes, count);
}

void diag_nested(const struct nlattr *attribute, const struct nlattr *attributes[], unsigned count)
{
    take_attributes(attribute ? mnl_attr_get_payload(attribute) : NULL,
                    attribute ? mnl_attr_get_payload_len(attribute) : 0, attributes, count);
}

const void *diag_payload(const struct nlattr *attribute, size_t size)
{
    return attribute && mnl_attr_get_payload_len(attribute) >= size
               ? mnl_attr_get_payload(attribute)
               : NULL;
}

void diag_number(const struct nlattr *attribute, void *into, size_t size, uint32_t *into_has,
                 uint32_t has)
{
    const void *payload = diag_payload(attribute, size);

    if (!payload)
        return;
    memcpy(into, payload, size);
    *into_has |= has;
}

uint64_t diag_bytes(struct sockq_writer *w, const struct nlattr *attribute, uint32_t *length)
{
    uint64_t offset;

    *length = attribute ? mnl_attr_get_payload_len(attribute) : 0;
    void *kept = *length ? sockq_writer_row_alloc(w, *length, &offset) : NULL;
    if (!kept)
        return 0;
    memcpy(kept, mnl_attr_get_payload(attribute), *length);
    return offset;
}

void diag_memory(const struct nlattr *attribute, struct sockq_memory *memory)
{
    const size_t words = offsetof(struct sockq_memory, count) / sizeof(uint32_t);
    size_t have = attribute ? mnl_attr_get_payload_len(attribute) / sizeof(uint32_t) : 0;

    *memory = (struct sockq_memory){.count = (uint32_t)(have < words ? have : words)};
    if (memory->count)
        memcpy(memory, mnl_attr_get_payload(attribute), memory->count * sizeof(uint32_t));
}

/* The errno in the payload of an error or of the end of a dump; 0: none. */
static int errno_of(const struct nlmsghdr *message)
{
    int32_t error = 0;

    if (mnl_nlmsg_get_payload_len(message) >= sizeof(error))
        memcpy(&error, mnl_nlmsg_get_payload(message), sizeof(error));
    return error < 0 && error >= -4095 ? -error : 0;
}

/* What hangs off a row that is not kept is not kept either. */
static bool take_socket(struct table_reader *reader, const struct diag_family *family,
                        const struct nlmsghdr *message)
{
    struct sockq_writer *w = reader->w;
    const uint64_t arena = w->arena;
    const uint64_t *duplicates = &w->set->tables[reader->table].duplicates, before = *duplicates;
    const bool whole = family->take(reader, message);

    /* But where it took the place of the row that it repeats (recent.c). */
    if (w->lent && *duplicates == before)
        sockq_writer_rewind(w, arena);
    return whole;
}

int diag_take(struct table_reader *reader, const void *bytes, size_t size, bool *gaps, int *error)
{
    const struct diag_family *family = families[reader->table];
    const struct nlmsghdr *message = bytes;
    int left = (int)size;

    *error = 0;
    for (; diag_is_whole(message, left); message = mnl_nlmsg_next(message, &left)) {
        /* An answer to what was asked before, and given up. */
        if (message->nlmsg_seq != SEQUENCE)
            continue;
        *gaps |= (message->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
        switch (message->nlmsg_type) {
        case NLMSG_DONE:
        case NLMSG_ERROR:
            *error = errno_of(message);
            return *error ? MNL_CB_ERROR : MNL_CB_STOP;
        case NLMSG_OVERRUN:
            *gaps = true;
            break;
        case SOCK_DIAG_BY_FAMILY:
            *gaps |= !take_socket(reader, family, message);
            break;
        default:
            break;
        }
        if (reader->w->error)
            return MNL_CB_ERROR;
    }
    /* Cut short: what is left is no message. */
    *gaps |= left > 0;
    return MNL_CB_OK;
}

ssize_t diag_receive(const struct mnl_socket *socket, void *bytes, size_t size)
{
    struct sockaddr_nl from = {.nl_pid = 0};
    struct iovec room = {.iov_base = bytes, .iov_len = size};
    struct msghdr message = {.msg_name = &from, .msg_iov = &room, .msg_iovlen = 1};
    ssize_t n;

    do {
        message.msg_namelen = sizeof(from);
        n = recvmsg(mnl_socket_get_fd(socket), &message, 0);
    } while (n < 0 ? errno == EINTR : from.nl_pid != 0);
    if (n < 0 || !(message.msg_flags & MSG_TRUNC))
        return n;
    errno = ENOSPC;
    return -1;
}

/* What was asked before on this socket, and given up, ends with its last message. */
static int drain(const struct mnl_socket *socket, char *bytes)
{
    for (;;) {
        ssize_t n = diag_receive(socket, bytes, ANSWER);
        const struct nlmsghdr *message = (const struct nlmsghdr *)(const void *)bytes;
        int left = (int)n;
        if (n < 0 && errno != ENOBUFS && errno != ENOSPC)
            return -1;
        for (; n > 0 && diag_is_whole(message, left); message = mnl_nlmsg_next(message, &left))
            if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR)
                return 0;
    }
}

/* @diag  of another namespace: the socket is one more descriptor of that one; NULL: of the own */
static struct mnl_socket *open_socket(struct netns_diag *diag, char *bytes)
{
    if (diag) {
        const int fd = fcntl(diag->fd, F_DUPFD_CLOEXEC, 3);
        struct mnl_socket *again = fd < 0 ? NULL : mnl_socket_fdopen(fd);
        if (fd >= 0 && !again)
            close(fd);
        if (again && diag->is_dumping && drain(again, bytes) < 0) {
            mnl_socket_close(again);
            return NULL;
        }
        if (again)
            diag->is_dumping = false;
        return again;
    }
    struct mnl_socket *socket = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);

    if (socket && mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) {
        int saved = errno;
        mnl_socket_close(socket);
        errno = saved;
        return NULL;
    }
    return socket;
}

static int ask(const struct table_reader *reader, struct mnl_socket *socket)
{
    _Alignas(struct nlmsghdr) char bytes[DIAG_REQUEST];
    struct nlmsghdr *header = mnl_nlmsg_put_header(bytes);

    header->nlmsg_type = SOCK_DIAG_BY_FAMILY;
    header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    header->nlmsg_seq = SEQUENCE;
    families[reader->table]->ask(reader, header);
    return mnl_socket_sendto(socket, header, header->nlmsg_len) < 0 ? -1 : 0;
}

static int64_t count(const struct table_reader *reader)
{
    return table_count(reader->job, reader->table, reader->w->netns);
}

/*
 * One answer. @return its datagrams; 0: the first was an error, *error says which
 * @ended   set once its last message was received
 * @before  how many sockets there were; -1, also from here on, if their number changed
 */
static unsigned take_answer(struct table_reader *reader, struct sockq_table_info *info,
                            struct mnl_socket *socket, char *bytes, bool *gaps, int64_t *before,
                            int *error, bool *ended)
{
    unsigned datagrams = 0, losses = 0;
    int more = MNL_CB_OK;

    while (more == MNL_CB_OK) {
        ssize_t n = diag_receive(socket, bytes, ANSWER);
        if (n < 0) {
            /* Datagrams were dropped (ENOBUFS), or one did not fit (ENOSPC). */
            *error = errno;
            if ((errno != ENOBUFS && errno != ENOSPC) || losses++ == LOSSES_MOST)
                return datagrams;
            *gaps = true;
            continue;
        }
        more = diag_take(reader, bytes, (size_t)n, gaps, error);
        *ended = more == MNL_CB_STOP || (more == MNL_CB_ERROR && *error);
        if (more == MNL_CB_ERROR)
            return datagrams;
        if (datagrams++ == 0)
            info->status = SOCKQ_TABLE_READING;
        /* As many may have come as went by the end. */
        if (*before >= 0 && more == MNL_CB_OK &&
            (datagrams < COUNT_EVERY || datagrams % COUNT_EVERY == 0) && count(reader) != *before)
            *before = -1;
        if (more == MNL_CB_OK && table_show(reader))
            return datagrams;
    }
    info->status = SOCKQ_TABLE_COMPLETE;
    *error = 0;
    return datagrams;
}

enum look_end diag_read(struct table_reader *reader, struct sockq_table_info *info)
{
    struct netns_diag *diag = table_is_own(reader->proc, reader->namespaces, reader->w->netns)
                                  ? NULL
                                  : table_diag(reader->namespaces, reader->w->netns);
    char *bytes = malloc(ANSWER);
    struct mnl_socket *socket = bytes ? open_socket(diag, bytes) : NULL;
    int64_t before = reader->again && !reader->is_later ? count(reader) : -1;
    int error = 0;
    bool gaps = false;
    unsigned datagrams = 0;

    if (!socket)
        error = errno;
    for (reader->asked = 0; socket && !error && reader->asked < families[reader->table]->requests;
         reader->asked++) {
        if (ask(reader, socket) < 0) {
            error = errno;
            continue;
        }
        bool ended = false;
        datagrams += take_answer(reader, info, socket, bytes, &gaps, &before, &error, &ended);
        if (diag)
            diag->is_dumping = !ended;
        if (!ended)
            break;
    }
    free(bytes);
    if (socket)
        mnl_socket_close(socket);
    sockq_writer_commit(reader->w);
    if (sockq_proc_is_failure(error) || (error && datagrams > 0)) {
        info->status = SOCKQ_TABLE_FAILED;
        info->error = error;
        if (!reader->is_later)
            table_fail(reader, error);
        return LOOK_WHOLE;
    }
    info->refusal = error;
    if (gaps)
        return LOOK_GAPS;
    /* What comes in one datagram is a look at one moment, but for chains of more than 16 sockets.
     * Behind it is another, which says that it was the last (net/netlink/af_netlink.c). */
    const bool is_short = datagrams > 2 && datagrams < ALWAYS_AGAIN;
    return is_short || info->duplicates > 0 || before < 0 || before != count(reader) ? LOOK_UNSURE
                                                                                     : LOOK_WHOLE;
}

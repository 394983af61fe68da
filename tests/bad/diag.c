/*
 * A library to preload: sock_diag has sockets to tell of that few kernels know: those in the file
 * MADE_DIAG. Whatever asks for their family and protocol gets them, if it asks for their states.
 *
 * The file: records of struct record, each with `size` bytes of a message's payload behind it, to a
 * multiple of 4. One without payload says that the family and protocol are known.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { DATAGRAM = 16 << 10 };

struct record {
    uint8_t family;
    uint8_t protocol;
    uint16_t size;
    uint32_t states; /* one of them must be asked for; 0: whatever is asked for */
};

/* How the requests of the families begin whose states may be asked for. */
struct request {
    uint8_t family;
    uint8_t protocol;
    uint8_t extensions; /* of inet */
    uint8_t spare;
    uint32_t states;
};

static unsigned char *made;
static size_t made_size;

static struct {
    int fd;
    uint32_t sequence;
    struct request request;
    size_t at; /* what the next datagram begins with */
} asked = {.fd = -1};

__attribute__((constructor)) static void load(void)
{
    const char *path = getenv("MADE_DIAG");
    FILE *file = path ? fopen(path, "rb") : NULL;
    enum { MOST = 4 << 20 };

    made = file ? malloc(MOST) : NULL;
    if (made)
        made_size = fread(made, 1, MOST, file);
    if (file)
        fclose(file);
}

/* @return where the next one is; 0: there is none at `at` */
static size_t record_at(size_t at, struct record *record)
{
    if (at > made_size || made_size - at < sizeof(*record))
        return 0;
    memcpy(record, made + at, sizeof(*record));
    const size_t behind = at + sizeof(*record) + ((record->size + 3u) & ~3u);
    return behind > made_size ? 0 : behind;
}

static int is_known(const struct request *request)
{
    struct record record;

    for (size_t at = 0, next; (next = record_at(at, &record)); at = next)
        if (record.family == request->family && record.protocol == request->protocol)
            return 1;
    return 0;
}

/* @return whether this is a question for what was made */
static int note_question(int fd, const void *bytes, size_t size)
{
    struct {
        struct nlmsghdr header;
        struct request request;
    } question;

    if (size < sizeof(question))
        return 0;
    memcpy(&question, bytes, sizeof(question));
    if (question.header.nlmsg_type != SOCK_DIAG_BY_FAMILY || !is_known(&question.request))
        return 0;
    asked.fd = fd;
    asked.sequence = question.header.nlmsg_seq;
    asked.request = question.request;
    asked.at = 0;
    return 1;
}

static size_t put(char *bytes, size_t at, uint16_t type, uint32_t to, const void *payload,
                  size_t size)
{
    const struct nlmsghdr header = {.nlmsg_len = (uint32_t)NLMSG_LENGTH(size),
                                    .nlmsg_type = type,
                                    .nlmsg_flags = NLM_F_MULTI,
                                    .nlmsg_seq = asked.sequence,
                                    .nlmsg_pid = to};

    memcpy(bytes + at, &header, sizeof(header));
    memcpy(bytes + at + NLMSG_HDRLEN, payload, size);
    return at + NLMSG_SPACE(size);
}

/* What the kernel sends to who asks for it alone (net/ipv4/inet_diag.c, inet_diag_msg_attrs_fill).
 */
static int is_asked_for(unsigned type)
{
    if (type == INET_DIAG_CLASS_ID)
        type = INET_DIAG_TCLASS;
    return type >= INET_DIAG_SHUTDOWN || asked.request.extensions >> (type - 1) & 1;
}

/* Take the attributes out of a message at `at` that were not asked for. @return where it ends */
static size_t strip(char *bytes, size_t at, size_t size)
{
    size_t from = at + NLMSG_HDRLEN + sizeof(struct inet_diag_msg), to = from;
    const size_t end = at + NLMSG_HDRLEN + size;
    struct nlmsghdr header;

    while (from + NLA_HDRLEN <= end) {
        struct nlattr attribute;
        memcpy(&attribute, bytes + from, sizeof(attribute));
        const size_t length = NLA_ALIGN(attribute.nla_len);
        if (is_asked_for(attribute.nla_type)) {
            memmove(bytes + to, bytes + from, length);
            to += length;
        }
        from += length;
    }
    memcpy(&header, bytes + at, sizeof(header));
    header.nlmsg_len = (uint32_t)(to - at);
    memcpy(bytes + at, &header, sizeof(header));
    return to;
}

/* One datagram from asked.at on. @return its length; *next: where the following one begins, 0: it
   was the last */
static size_t fill(char bytes[DATAGRAM], uint32_t to, size_t *next)
{
    const int done = 0;
    struct record record;
    size_t length = 0, at = asked.at, behind;

    while ((behind = record_at(at, &record))) {
        if (length + NLMSG_SPACE(record.size) > DATAGRAM - NLMSG_SPACE(sizeof(done))) {
            *next = at;
            return length;
        }
        if (record.size && record.family == asked.request.family &&
            record.protocol == asked.request.protocol &&
            (!record.states || record.states & asked.request.states)) {
            const size_t before = length;
            length = put(bytes, length, SOCK_DIAG_BY_FAMILY, to, made + at + sizeof(record),
                         record.size);
            if (record.family == AF_INET || record.family == AF_INET6)
                length = strip(bytes, before, record.size);
        }
        at = behind;
    }
    *next = 0;
    return put(bytes, length, NLMSG_DONE, to, &done, sizeof(done));
}

static ssize_t answer(struct msghdr *message, int flags)
{
    _Alignas(struct nlmsghdr) char bytes[DATAGRAM] = {0};
    struct sockaddr_nl here = {0}, kernel = {.nl_family = AF_NETLINK};
    socklen_t size = sizeof(here);
    size_t next;

    if (getsockname(asked.fd, (struct sockaddr *)&here, &size) < 0)
        return -1;
    const size_t length = fill(bytes, here.nl_pid, &next), room = message->msg_iov[0].iov_len;
    message->msg_flags = length > room ? MSG_TRUNC : 0;
    if (room)
        memcpy(message->msg_iov[0].iov_base, bytes, length < room ? length : room);
    if (message->msg_name && message->msg_namelen >= sizeof(kernel))
        memcpy(message->msg_name, &kernel, sizeof(kernel));
    message->msg_namelen = sizeof(kernel);
    if (!(flags & MSG_PEEK) && next)
        asked.at = next;
    else if (!(flags & MSG_PEEK))
        asked.fd = -1;
    return (ssize_t)length;
}

ssize_t sendto(int fd, const void *bytes, size_t size, int flags, const struct sockaddr *to,
               socklen_t to_size)
{
    static ssize_t (*next)(int, const void *, size_t, int, const struct sockaddr *, socklen_t);

    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "sendto");
    return note_question(fd, bytes, size) ? (ssize_t)size
                                          : next(fd, bytes, size, flags, to, to_size);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    static ssize_t (*next)(int, const struct msghdr *, int);
    char bytes[256];
    size_t size = 0;

    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "sendmsg");
    for (size_t i = 0; i < message->msg_iovlen && size < sizeof(bytes); i++) {
        const struct iovec *piece = &message->msg_iov[i];
        const size_t room = sizeof(bytes) - size;
        const size_t length = piece->iov_len < room ? piece->iov_len : room;
        memcpy(bytes + size, piece->iov_base, length);
        size += length;
    }
    if (!note_question(fd, bytes, size))
        return next(fd, message, flags);
    size = 0;
    for (size_t i = 0; i < message->msg_iovlen; i++)
        size += message->msg_iov[i].iov_len;
    return (ssize_t)size;
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    static ssize_t (*next)(int, struct msghdr *, int);

    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "recvmsg");
    return fd == asked.fd ? answer(message, flags) : next(fd, message, flags);
}

ssize_t send(int fd, const void *bytes, size_t size, int flags)
{
    return sendto(fd, bytes, size, flags, NULL, 0);
}

/*
 * A library to preload: sock_diag has vsock sockets to tell of, which few kernels have. Whatever
 * asks for them gets these, those in the states that it asks for.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/vm_sockets_diag.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#define ANY UINT32_MAX

static const struct vsock_diag_msg sockets[] = {
    {AF_VSOCK, SOCK_STREAM, 10, 0, ANY, 1024, ANY, ANY, 7001, {1, 0}},
    {AF_VSOCK, SOCK_STREAM, 1, 0, 3, 1024, 2, 70000, 7002, {2, 0}},
    {AF_VSOCK, SOCK_STREAM, 1, 3, 2, 70000, 3, 1024, 3000000000, {3, 0}},
    {AF_VSOCK, SOCK_DGRAM, 7, 0, 2, 22, ANY, ANY, 0, {4, 0}},
    {AF_VSOCK, SOCK_SEQPACKET, 1, 0, 4294967294, 4000000000, 1, 1, 7005, {5, 0}},
    {AF_VSOCK, SOCK_STREAM, 2, 0, 3, ANY, 0, 0, 7006, {6, 0}},
    {AF_VSOCK, SOCK_STREAM, 4, 0, 3, 5, 2, 6, 7007, {7, 0}},
};
enum { SOCKETS = sizeof(sockets) / sizeof(sockets[0]) };

static struct {
    int fd;
    uint32_t sequence;
    uint32_t states;
} asked = {.fd = -1};

/* @return whether this is a question for vsock */
static int note_question(int fd, const void *bytes, size_t size)
{
    struct {
        struct nlmsghdr header;
        struct vsock_diag_req request;
    } question;

    if (size < sizeof(question))
        return 0;
    memcpy(&question, bytes, sizeof(question));
    if (question.header.nlmsg_type != SOCK_DIAG_BY_FAMILY ||
        question.request.sdiag_family != AF_VSOCK)
        return 0;
    asked.fd = fd;
    asked.sequence = question.header.nlmsg_seq;
    asked.states = question.request.vdiag_states;
    return 1;
}

static char *put(char *at, uint16_t type, uint32_t to, const void *payload, size_t size)
{
    const struct nlmsghdr header = {.nlmsg_len = (uint32_t)NLMSG_LENGTH(size),
                                    .nlmsg_type = type,
                                    .nlmsg_flags = NLM_F_MULTI,
                                    .nlmsg_seq = asked.sequence,
                                    .nlmsg_pid = to};

    memcpy(at, &header, sizeof(header));
    memcpy(at + NLMSG_HDRLEN, payload, size);
    return at + NLMSG_SPACE(size);
}

static ssize_t answer(struct msghdr *message, int flags)
{
    char bytes[4096] = {0}, *end = bytes;
    struct sockaddr_nl here = {0}, kernel = {.nl_family = AF_NETLINK};
    socklen_t size = sizeof(here);
    const int done = 0;

    if (getsockname(asked.fd, (struct sockaddr *)&here, &size) < 0)
        return -1;
    for (int i = 0; i < SOCKETS; i++)
        if (asked.states >> sockets[i].vdiag_state & 1)
            end = put(end, SOCK_DIAG_BY_FAMILY, here.nl_pid, &sockets[i], sizeof(sockets[i]));
    end = put(end, NLMSG_DONE, here.nl_pid, &done, sizeof(done));
    size_t length = (size_t)(end - bytes), room = message->msg_iov[0].iov_len;
    message->msg_flags = length > room ? MSG_TRUNC : 0;
    if (room)
        memcpy(message->msg_iov[0].iov_base, bytes, length < room ? length : room);
    if (message->msg_name && message->msg_namelen >= sizeof(kernel))
        memcpy(message->msg_name, &kernel, sizeof(kernel));
    message->msg_namelen = sizeof(kernel);
    if (!(flags & MSG_PEEK))
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
    for (size_t i = 0; i < message->msg_iovlen; i++) {
        const struct iovec *piece = &message->msg_iov[i];
        if (piece->iov_len > sizeof(bytes) - size)
            return next(fd, message, flags);
        memcpy(bytes + size, piece->iov_base, piece->iov_len);
        size += piece->iov_len;
    }
    return note_question(fd, bytes, size) ? (ssize_t)size : next(fd, message, flags);
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

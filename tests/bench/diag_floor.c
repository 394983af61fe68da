/*
 * diag_floor: the least that a listing of tcp sockets by sock_diag can cost.
 *
 *   diag_floor [--info]
 *
 * Asks for the sockets of tcp and of tcp6, receives what the kernel sends, and looks at nothing but
 * the end. --info: with tcp_info and all else that inet_diag tells.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER = 64 << 10, ALL_EXTENSIONS = 0xff };

static int ask(int fd, uint8_t family, uint8_t extensions)
{
    struct {
        struct nlmsghdr header;
        struct inet_diag_req_v2 request;
    } message = {{.nlmsg_len = sizeof(message),
                  .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                  .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
                 {.sdiag_family = family,
                  .sdiag_protocol = IPPROTO_TCP,
                  .idiag_ext = extensions,
                  .idiag_states = UINT32_MAX}};

    return send(fd, &message, sizeof(message), 0) < 0 ? -1 : 0;
}

/* The last datagram of an answer has nothing but its end. */
static int receive(int fd)
{
    static _Alignas(struct nlmsghdr) char buffer[BUFFER];
    ssize_t n;

    while ((n = recv(fd, buffer, sizeof(buffer), 0)) >= (ssize_t)sizeof(struct nlmsghdr)) {
        const struct nlmsghdr *header = (const void *)buffer;
        if (header->nlmsg_type == NLMSG_DONE)
            return 0;
        if (header->nlmsg_type == NLMSG_ERROR) {
            errno = EPROTO;
            return -1;
        }
    }
    return -1;
}

int main(int argc, char **argv)
{
    const bool tells_all = argc > 1 && strcmp(argv[1], "--info") == 0;
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

    if (argc > 2 || (argc == 2 && !tells_all)) {
        fputs("usage: diag_floor [--info]\n", stderr);
        return 2;
    }
    for (int i = 0; i < 2; i++)
        if (fd < 0 || ask(fd, i ? AF_INET6 : AF_INET, tells_all ? ALL_EXTENSIONS : 0) < 0 ||
            receive(fd) < 0) {
            perror("diag_floor");
            return 1;
        }
    close(fd);
    return 0;
}

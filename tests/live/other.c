/* Everything that is not TCP: UDP, UDP-Lite, raw, ping, unix, netlink, packet. */
#include "sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

static const char *host_of(int family)
{
    return family == AF_INET6 ? "::1" : "127.0.0.1";
}

static void bind_to(int fd, int family, const char *host)
{
    struct sockaddr_storage addr;
    socklen_t length = make_addr(&addr, family, host, 0);
    if (bind(fd, (struct sockaddr *)&addr, length) != 0)
        die(host);
}

static void connect_to(int fd, int server)
{
    struct sockaddr_storage addr;
    socklen_t length = sizeof addr;
    if (getsockname(server, (struct sockaddr *)&addr, &length) != 0 ||
        connect(fd, (struct sockaddr *)&addr, length) != 0)
        die("connect");
}

static void make_datagram(int family, int protocol)
{
    int fd = try_socket(family, SOCK_DGRAM, protocol);
    if (fd < 0) {
        fprintf(stderr, "sockets: no datagram protocol %d here: %s\n", protocol, strerror(errno));
        return;
    }
    bind_to(fd, family, host_of(family));
    add(fd, "unconnected", "-", "off", 0, 0);

    int any = new_socket(family, SOCK_DGRAM, protocol);
    bind_to(any, family, family == AF_INET6 ? "::" : "0.0.0.0");
    add(any, "any", "-", "off", 0, 0);

    int server = new_socket(family, SOCK_DGRAM, protocol);
    int client = new_socket(family, SOCK_DGRAM, protocol);
    bind_to(server, family, host_of(family));
    connect_to(client, server);
    for (int i = 0; i < 3; i++)
        if (send(client, "datagram", 8, 0) != 8)
            die("send");
    add(server, "queued", "-", "off", Q_SOME, 0);
    add(client, "connected", "ESTABLISHED", "off", 0, 0);

    if (family != AF_INET6)
        return;
    client = new_socket(family, SOCK_DGRAM, protocol);
    bind_to(client, family, LONG_V6);
    connect_to(client, fd);
    add(client, "connected-long", "ESTABLISHED", "off", 0, 0);
}

static void make_raw(int family)
{
    int fd = new_socket(family, SOCK_RAW, 253); /* 253 and 254: for experiments (RFC 3692) */
    add(fd, "unconnected", "-", "off", 0, 0);
    fd = new_socket(family, SOCK_RAW, 254);
    struct sockaddr_storage addr;
    socklen_t length = make_addr(&addr, family, host_of(family), 0);
    if (connect(fd, (struct sockaddr *)&addr, length) != 0)
        die("connect");
    struct entry *entry = add(fd, "connected", "ESTABLISHED", "off", 0, 0);
    snprintf(entry->remote, sizeof entry->remote, "%s:0", host_of(family));
}

static void make_ping(int family)
{
    int fd = try_socket(family, SOCK_DGRAM, family == AF_INET6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
    if (fd < 0) {
        fprintf(stderr, "sockets: no ping sockets here: %s\n", strerror(errno));
        return;
    }
    bind_to(fd, family, host_of(family));
    add(fd, "unconnected", "-", "off", 0, 0);
}

static int unix_bound(int type, const char *name, size_t length)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = new_socket(AF_UNIX, type, 0);
    memcpy(addr.sun_path, name, length);
    if (bind(fd, (struct sockaddr *)&addr,
             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) != 0)
        die(length > 0 ? name : "autobind");
    return fd;
}

static int unix_file(int type, const char *file)
{
    char path[100];
    snprintf(path, sizeof path, "%s/%s", scratch(), file);
    forget_later(path);
    return unix_bound(type, path, strlen(path));
}

/* A server, a client of it that is accepted, and one that is not yet. */
static void make_unix_server(int server, int type, const char *label)
{
    char text[40];
    if (listen(server, 5) != 0)
        die("listen");
    int client = new_socket(AF_UNIX, type, 0), waiting = new_socket(AF_UNIX, type, 0);
    connect_to(client, server);
    int peer = accept4(server, NULL, NULL, SOCK_CLOEXEC);
    if (peer < 0)
        die("accept4");
    connect_to(waiting, server);
    if (send(client, "unread", 6, 0) != 6)
        die("send");

    snprintf(text, sizeof text, "%s-listen", label);
    add(server, text, "LISTEN", "-", Q_ANY, Q_ANY);
    snprintf(text, sizeof text, "%s-accepted", label);
    add(peer, text, "CONNECTED", "-", Q_ANY, Q_ANY);
    snprintf(text, sizeof text, "%s-client", label);
    add(client, text, "CONNECTED", "-", Q_ANY, Q_ANY);
    snprintf(text, sizeof text, "%s-waiting", label);
    add(waiting, text, "CONNECTED", "-", Q_ANY, Q_ANY);
    snprintf(text, sizeof text, "%s-pending", label);
    struct entry *pending = add(server, text, "CONNECTING", "-", Q_ANY, Q_ANY);
    pending->inode = 0;
    pending->pid = 0;
    pending->fd = -1;
}

static void make_unix(void)
{
    static const char abstract[] = "\0live sockets";
    static const char odd[] = "\0a\0b";
    int ends[2];

    make_unix_server(unix_file(SOCK_STREAM, "stream"), SOCK_STREAM, "stream");
    make_unix_server(unix_bound(SOCK_SEQPACKET, abstract, sizeof abstract - 1), SOCK_SEQPACKET,
                     "seqpacket");

    int server = unix_file(SOCK_DGRAM, "datagram"), client = new_socket(AF_UNIX, SOCK_DGRAM, 0);
    connect_to(client, server);
    if (send(client, "unread", 6, 0) != 6)
        die("send");
    add(server, "dgram-bound", "*", "-", Q_ANY, Q_ANY);
    add(client, "dgram-client", "*", "-", Q_ANY, Q_ANY);
    add(unix_bound(SOCK_DGRAM, "", 0), "dgram-autobind", "-", "-", Q_ANY, Q_ANY);
    add(unix_bound(SOCK_STREAM, odd, sizeof odd - 1), "stream-nul", "-", "-", Q_ANY, Q_ANY);
    add(unix_file(SOCK_STREAM, "two  blanks, at the end "), "stream-blanks", "-", "-", Q_ANY,
        Q_ANY);
    add(new_socket(AF_UNIX, SOCK_STREAM, 0), "stream-unbound", "-", "-", Q_ANY, Q_ANY);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        die("socketpair");
    add(ends[0], "stream-pair-1", "CONNECTED", "-", Q_ANY, Q_ANY);
    add(ends[1], "stream-pair-2", "CONNECTED", "-", Q_ANY, Q_ANY);
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) != 0)
        die("socketpair");
    add(ends[0], "dgram-pair-1", "*", "-", Q_ANY, Q_ANY);
    add(ends[1], "dgram-pair-2", "*", "-", Q_ANY, Q_ANY);
}

static void make_netlink(int protocol, unsigned groups, const char *label)
{
    struct sockaddr_nl addr = {.nl_family = AF_NETLINK, .nl_groups = groups};
    int fd = try_socket(AF_NETLINK, SOCK_RAW, protocol);
    if (fd < 0)
        return;
    if (bind(fd, (struct sockaddr *)&addr, sizeof addr) != 0)
        die("netlink");
    add(fd, label, "*", "-", Q_ANY, Q_ANY);
}

static void make_packet(int type, uint16_t protocol, const char *label)
{
    struct sockaddr_ll addr = {.sll_family = AF_PACKET, .sll_protocol = htons(protocol)};
    int fd = try_socket(AF_PACKET, type, 0);
    if (fd < 0) {
        fprintf(stderr, "sockets: no packet sockets here: %s\n", strerror(errno));
        return;
    }
    addr.sll_ifindex = (int)if_nametoindex("lo");
    if (protocol != 0 && bind(fd, (struct sockaddr *)&addr, sizeof addr) != 0)
        die("packet");
    add(fd, label, "*", "-", Q_ANY, Q_ANY);
}

void make_other(bool v6)
{
    static const int families[] = {AF_INET, AF_INET6};
    for (int i = 0; i < (v6 ? 2 : 1); i++) {
        make_datagram(families[i], 0);
        make_datagram(families[i], IPPROTO_UDPLITE);
        make_raw(families[i]);
        make_ping(families[i]);
    }
    make_unix();
    make_netlink(NETLINK_ROUTE, RTMGRP_LINK, "route");
    make_netlink(NETLINK_ROUTE, 0, "route-second");
    make_netlink(NETLINK_GENERIC, 0, "generic");
    make_packet(SOCK_RAW, 0x88b5, "raw"); /* an ethertype for local experiments */
    make_packet(SOCK_DGRAM, 0x88b6, "dgram");
    make_packet(SOCK_RAW, 0, "unbound");
}

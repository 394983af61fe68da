/* The list of the sockets that were made, and the wait until each is in its state. */
#include "sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

enum { MAX_ENTRIES = 512, SETTLE_SECONDS = 10 };

static struct entry entries[MAX_ENTRIES];
static size_t entry_count;

static const char *const state_names[] = {
    [TCP_ESTABLISHED] = "ESTABLISHED",
    [TCP_SYN_SENT] = "SYN_SENT",
    [TCP_SYN_RECV] = "SYN_RECV",
    [TCP_FIN_WAIT1] = "FIN_WAIT1",
    [TCP_FIN_WAIT2] = "FIN_WAIT2",
    [TCP_TIME_WAIT] = "TIME_WAIT",
    [TCP_CLOSE] = "CLOSE",
    [TCP_CLOSE_WAIT] = "CLOSE_WAIT",
    [TCP_LAST_ACK] = "LAST_ACK",
    [TCP_LISTEN] = "LISTEN",
    [TCP_CLOSING] = "CLOSING",
};

int try_socket(int family, int type, int protocol)
{
    return socket(family, type | SOCK_CLOEXEC, protocol);
}

int new_socket(int family, int type, int protocol)
{
    int fd = try_socket(family, type, protocol);
    if (fd < 0)
        die("socket");
    return fd;
}

void set_int(int fd, int level, int option, int value)
{
    if (setsockopt(fd, level, option, &value, sizeof value) != 0)
        die("setsockopt");
}

socklen_t make_addr(struct sockaddr_storage *out, int family, const char *host, unsigned port)
{
    memset(out, 0, sizeof *out);
    out->ss_family = (sa_family_t)family;
    if (family == AF_INET) {
        struct sockaddr_in *in = (struct sockaddr_in *)out;
        in->sin_port = htons((uint16_t)port);
        inet_pton(AF_INET, host, &in->sin_addr);
        return sizeof *in;
    }
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
    in6->sin6_port = htons((uint16_t)port);
    inet_pton(AF_INET6, host, &in6->sin6_addr);
    return sizeof *in6;
}

/* ADDR:PORT, the IPv6 address without brackets. */
static void inet_text(const struct sockaddr_storage *addr, char *out, size_t size)
{
    char host[INET6_ADDRSTRLEN] = "?";
    unsigned port = 0;
    if (addr->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)addr;
        inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
        port = ntohs(in->sin_port);
    } else {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)addr;
        inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
        port = ntohs(in6->sin6_port);
    }
    snprintf(out, size, "%s:%u", host, port);
}

/* A unix name as /proc/net/unix has it: each NUL byte of an abstract name is an "@". */
static void unix_text(const struct sockaddr_un *addr, socklen_t length, char *out, size_t size)
{
    size_t count = length - offsetof(struct sockaddr_un, sun_path);
    snprintf(out, size, "-");
    if (length <= offsetof(struct sockaddr_un, sun_path))
        return;
    if (addr->sun_path[0] != '\0') {
        snprintf(out, size, "%.*s", (int)strnlen(addr->sun_path, count), addr->sun_path);
        return;
    }
    for (size_t i = 0; i < count; i++)
        out[i] = addr->sun_path[i] != '\0' ? addr->sun_path[i] : '@';
    out[count] = '\0';
}

static int get_int(int fd, int option)
{
    int value = 0;
    socklen_t length = sizeof value;
    getsockopt(fd, SOL_SOCKET, option, &value, &length);
    return value;
}

static const char *proto_name(int fd)
{
    int family = get_int(fd, SO_DOMAIN), type = get_int(fd, SO_TYPE);
    bool v6 = family == AF_INET6;
    if (family == AF_UNIX)
        return "unix";
    if (family == AF_NETLINK)
        return "netlink";
    if (family == AF_PACKET)
        return "packet";
    if (type == SOCK_RAW)
        return v6 ? "raw6" : "raw";
    switch (get_int(fd, SO_PROTOCOL)) {
    case IPPROTO_TCP:
    case IPPROTO_MPTCP:
        return v6 ? "tcp6" : "tcp";
    case IPPROTO_UDPLITE:
        return v6 ? "udplite6" : "udplite";
    case IPPROTO_ICMP:
        return "icmp";
    case IPPROTO_ICMPV6:
        return "icmp6";
    default:
        return v6 ? "udp6" : "udp";
    }
}

static struct entry *new_entry(const char *proto, const char *label)
{
    if (entry_count == MAX_ENTRIES) {
        errno = ENOSPC;
        die("list");
    }
    struct entry *entry = &entries[entry_count++];
    entry->proto = proto;
    snprintf(entry->tag, sizeof entry->tag, "%s-%s", proto, label);
    strcpy(entry->local, "-");
    strcpy(entry->remote, "-");
    entry->fd = -1;
    entry->uid = -1;
    return entry;
}

struct entry *add(int fd, const char *label, const char *state, const char *timer, long recv_q,
                  long send_q)
{
    struct entry *entry = new_entry(proto_name(fd), label);
    struct sockaddr_storage name;
    socklen_t length = sizeof name;
    struct stat status;

    entry->state = state;
    entry->timer = timer;
    entry->recv_q = recv_q;
    entry->send_q = send_q;
    if (fstat(fd, &status) != 0)
        die("fstat");
    entry->inode = status.st_ino;
    entry->uid = status.st_uid;
    entry->pid = getpid();
    entry->fd = fd;

    memset(&name, 0, sizeof name);
    if (getsockname(fd, (struct sockaddr *)&name, &length) != 0)
        die("getsockname");
    if (name.ss_family == AF_UNIX) {
        unix_text((const struct sockaddr_un *)&name, length, entry->local, sizeof entry->local);
    } else if (name.ss_family == AF_INET || name.ss_family == AF_INET6) {
        inet_text(&name, entry->local, sizeof entry->local);
        length = sizeof name;
        if (getpeername(fd, (struct sockaddr *)&name, &length) == 0)
            inet_text(&name, entry->remote, sizeof entry->remote);
    }
    return entry;
}

void set_remote(struct entry *entry, int server)
{
    struct sockaddr_storage name;
    socklen_t length = sizeof name;
    memset(&name, 0, sizeof name);
    if (getsockname(server, (struct sockaddr *)&name, &length) != 0)
        die("getsockname");
    inet_text(&name, entry->remote, sizeof entry->remote);
}

struct ends ends_of(int fd, bool swap)
{
    struct ends ends;
    socklen_t length = sizeof ends.local;
    memset(&ends, 0, sizeof ends);
    if (getsockname(fd, (struct sockaddr *)(swap ? &ends.remote : &ends.local), &length) != 0)
        die("getsockname");
    length = sizeof ends.local;
    if (getpeername(fd, (struct sockaddr *)(swap ? &ends.local : &ends.remote), &length) != 0)
        die("getpeername");
    return ends;
}

struct entry *add_row(const struct ends *ends, const char *label, const char *state,
                      const char *timer, long recv_q, long send_q)
{
    struct entry *entry = new_entry(ends->local.ss_family == AF_INET6 ? "tcp6" : "tcp", label);
    entry->state = state;
    entry->timer = timer;
    entry->recv_q = recv_q;
    entry->send_q = send_q;
    inet_text(&ends->local, entry->local, sizeof entry->local);
    inet_text(&ends->remote, entry->remote, sizeof entry->remote);
    return entry;
}

/* Empty when the entry is as it should be, else what is wrong with it. */
static bool is_settled(const struct entry *entry, char *why, size_t size)
{
    struct tcp_info info;
    socklen_t length = sizeof info;
    if (strncmp(entry->proto, "tcp", 3) != 0 || entry->fd < 0 || entry->pid != getpid() ||
        strcmp(entry->state, "absent") == 0)
        return true;
    if (getsockopt(entry->fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0)
        return true; /* MPTCP: the descriptor is not the TCP socket */
    const char *now = info.tcpi_state < sizeof state_names / sizeof *state_names
                          ? state_names[info.tcpi_state]
                          : NULL;
    snprintf(why, size, "%s, %u retransmissions, %u probes", now ? now : "unknown state",
             info.tcpi_retransmits, info.tcpi_probes);
    return now && strcmp(now, entry->state) == 0 && info.tcpi_retransmits >= entry->retrans &&
           info.tcpi_probes >= entry->probes;
}

void settle(void)
{
    const struct timespec pause = {.tv_nsec = 20000000};
    char why[100] = "";
    size_t good = 0;
    for (int i = 0; i < SETTLE_SECONDS * 50 && good < entry_count; i++) {
        if (i > 0)
            nanosleep(&pause, NULL);
        for (good = 0; good < entry_count; good++)
            if (!is_settled(&entries[good], why, sizeof why))
                break;
    }
    if (good == entry_count)
        return;
    fprintf(stderr, "sockets: %s should be %s, but is %s\n", entries[good].tag, entries[good].state,
            why);
    errno = ETIMEDOUT;
    die("settle");
}

static void print_queue(FILE *out, long value)
{
    if (value == Q_ANY)
        fputs("\t*", out);
    else if (value == Q_SOME)
        fputs("\t+", out);
    else
        fprintf(out, "\t%ld", value);
}

void print_list(FILE *out)
{
    fputs("#tag\tproto\tlocal\tremote\tstate\ttimer\trecv_q\tsend_"
          "q\tretrans\tprobes\tinode\tuid\tpid\t"
          "fd\n",
          out);
    for (size_t i = 0; i < entry_count; i++) {
        const struct entry *e = &entries[i];
        fprintf(out, "%s\t%s\t%s\t%s\t%s\t%s", e->tag, e->proto, e->local, e->remote, e->state,
                e->timer);
        print_queue(out, e->recv_q);
        print_queue(out, e->send_q);
        fprintf(out, "\t%u\t%u\t%lu", e->retrans, e->probes, e->inode);
        print_queue(out, e->uid); /* -1 is "*" here too */
        fprintf(out, "\t%d\t%d\n", (int)e->pid, e->fd);
    }
}

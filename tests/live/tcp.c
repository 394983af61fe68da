/*
 * TCP in every state, with every timer, over loopback.
 *
 * The means: a classic BPF filter that returns 0, attached to a TCP socket, makes the kernel drop
 * every segment that arrives for it, silently. Whatever the peer sends then stays unacknowledged.
 */
#include "sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#ifndef MSG_FASTOPEN
#define MSG_FASTOPEN 0x20000000
#endif

/* Where a set of sockets lives. */
struct place {
    int family;
    const char *host;
};

/* A connection: a is the end that connected, b the accepted one. */
struct pair {
    int a, b;
};

static void drop_all(int fd)
{
    struct sock_filter none = BPF_STMT(BPF_RET | BPF_K, 0);
    struct sock_fprog program = {.len = 1, .filter = &none};
    if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0)
        die("SO_ATTACH_FILTER");
}

static int bound(const struct place *at, const char *host, int reuse)
{
    struct sockaddr_storage addr;
    socklen_t length = make_addr(&addr, at->family, host, 0);
    int fd = new_socket(at->family, SOCK_STREAM, 0);
    if (reuse)
        set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (bind(fd, (struct sockaddr *)&addr, length) != 0)
        die(host);
    return fd;
}

static int listening(const struct place *at, int backlog)
{
    int fd = bound(at, at->host, 0);
    if (listen(fd, backlog) != 0)
        die("listen");
    return fd;
}

/* Begin to connect to where @server listens, and do not wait. */
static void start_connect(int fd, int server)
{
    struct sockaddr_storage addr;
    socklen_t length = sizeof addr;
    if (getsockname(server, (struct sockaddr *)&addr, &length) != 0)
        die("getsockname");
    if (connect(fd, (struct sockaddr *)&addr, length) != 0 && errno != EINPROGRESS)
        die("connect");
}

static int connecting(const struct place *at, int server)
{
    int fd = new_socket(at->family, SOCK_STREAM | SOCK_NONBLOCK, 0);
    start_connect(fd, server);
    return fd;
}

static int accepted(int server)
{
    int fd = accept4(server, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        die("accept4");
    return fd;
}

/* A connection; the accepted end takes about @rcvbuf bytes (0: as the system has it). */
static struct pair connected(const struct place *at, int rcvbuf)
{
    struct pair p;
    int server = bound(at, at->host, 0);
    if (rcvbuf > 0)
        set_int(server, SOL_SOCKET, SO_RCVBUF, rcvbuf);
    if (listen(server, 1) != 0)
        die("listen");
    p.a = connecting(at, server);
    p.b = accepted(server);
    close(server);
    return p;
}

/* Wait until the kernel says that a socket is in @state and, a listener, has @queued clients. */
static void await(int fd, int state, unsigned queued)
{
    struct tcp_info info;
    for (int i = 0; i < 5000; i++) {
        socklen_t length = sizeof info;
        if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0)
            die("TCP_INFO");
        if (info.tcpi_state == state && (state != TCP_LISTEN || info.tcpi_unacked >= queued))
            return;
        usleep(1000);
    }
    errno = ETIMEDOUT;
    die("TCP_INFO");
}

static void put(int fd, size_t count)
{
    char bytes[4096] = "";
    if (send(fd, bytes, count, MSG_NOSIGNAL) != (ssize_t)count)
        die("send");
}

/* A connection whose accepted end has no room left, while the other has more to send. */
static struct pair stuffed(const struct place *at)
{
    char bytes[4096] = "";
    struct pair p = connected(at, 4096);
    set_int(p.a, SOL_SOCKET, SO_SNDBUF, 16384);
    while (send(p.a, bytes, sizeof bytes, MSG_NOSIGNAL) > 0)
        continue;
    if (errno != EAGAIN)
        die("send");
    return p;
}

static void end(int fd)
{
    if (shutdown(fd, SHUT_WR) != 0)
        die("shutdown");
}

static void keep_alive(int fd, int idle, int interval)
{
    set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, idle);
    set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, interval);
    set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, 127);
}

static void make_listeners(const struct place *at)
{
    add(listening(at, 5), "listen", "LISTEN", "off", 0, 0);

    int any = new_socket(at->family, SOCK_STREAM, 0);
    if (at->family == AF_INET6)
        set_int(any, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (listen(any, 5) != 0) /* the kernel binds it to a port */
        die("listen");
    add(any, "listen-any", "LISTEN", "off", 0, 0);

    /* Two sockets with the same name. */
    int first = bound(at, at->host, 1), second = new_socket(at->family, SOCK_STREAM, 0);
    struct sockaddr_storage addr;
    socklen_t length = sizeof addr;
    set_int(second, SOL_SOCKET, SO_REUSEPORT, 1);
    if (getsockname(first, (struct sockaddr *)&addr, &length) != 0 ||
        bind(second, (struct sockaddr *)&addr, length) != 0 || listen(first, 5) != 0 ||
        listen(second, 5) != 0)
        die("SO_REUSEPORT");
    add(first, "listen-reuse-1", "LISTEN", "off", 0, 0);
    add(second, "listen-reuse-2", "LISTEN", "off", 0, 0);

    add(bound(at, at->host, 0), "bound", "absent", "-", 0, 0);
    add(new_socket(at->family, SOCK_STREAM, 0), "unbound", "absent", "-", 0, 0);

    int chowned = listening(at, 5);
    if (fchown(chowned, 65534, 65534) != 0 && errno != EINVAL && errno != EPERM)
        die("fchown"); /* in a user namespace there may be no such user */
    add(chowned, "listen-chowned", "LISTEN", "off", 0, 0);
}

/* getpeername() of a socket that still connects fails: the peer's name is the server's. */
static void add_connecting(int fd, int server, const char *label, long send_q)
{
    struct entry *entry = add(fd, label, "SYN_SENT", "on", 0, send_q);
    entry->retrans = 1;
    set_remote(entry, server);
}

/* Backlog 1 holds two connections; what comes after them is not answered. */
static void make_full_queue(const struct place *at)
{
    int server = listening(at, 1);
    int first = connecting(at, server), second = connecting(at, server);
    await(first, TCP_ESTABLISHED, 0);
    await(second, TCP_ESTABLISHED, 0);
    await(server, TCP_LISTEN, 2);
    put(first, 321);
    end(second);
    struct ends ends = ends_of(first, true);
    add(first, "queued-1", "ESTABLISHED", "off", 0, 0);
    add_row(&ends, "queued-1-server", "ESTABLISHED", "off", 321, 0);
    ends = ends_of(second, true);
    add(second, "queued-2", "FIN_WAIT2", "off", 0, 0);
    add_row(&ends, "queued-2-server", "CLOSE_WAIT", "off", 1, 0);
    add(server, "listen-full", "LISTEN", "off", 2, 0);
    add_connecting(connecting(at, server), server, "syn-sent-full", 1);
}

/* The row of a connection that its listener has heard of and nothing more. */
static struct ends request_ends(int client, int server)
{
    struct ends ends;
    socklen_t length = sizeof ends.local;
    memset(&ends, 0, sizeof ends);
    if (getsockname(server, (struct sockaddr *)&ends.local, &length) != 0)
        die("getsockname");
    length = sizeof ends.remote;
    if (getsockname(client, (struct sockaddr *)&ends.remote, &length) != 0)
        die("getsockname");
    return ends;
}

static void make_handshakes(const struct place *at)
{
    int deaf = listening(at, 5);
    drop_all(deaf);
    add(deaf, "listen-deaf", "LISTEN", "off", 0, 0);
    add_connecting(connecting(at, deaf), deaf, "syn-sent", 1);

    int server = listening(at, 5), client = new_socket(at->family, SOCK_STREAM | SOCK_NONBLOCK, 0);
    drop_all(client);
    start_connect(client, server);
    struct ends ends = request_ends(client, server);
    add(server, "listen-request", "LISTEN", "off", 0, 0);
    add_connecting(client, server, "syn-sent-request", 1);
    add_row(&ends, "request", "SYN_RECV", "on", 0, 0);

    /* Fast Open with data: the accepted socket is still in SYN_RECV. */
    server = bound(at, at->host, 0);
    client = new_socket(at->family, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int length = 5;
    struct sockaddr_storage addr;
    socklen_t size = sizeof addr;
    drop_all(client);
    if (setsockopt(server, IPPROTO_TCP, TCP_FASTOPEN, &length, sizeof length) != 0 ||
        listen(server, 5) != 0 || getsockname(server, (struct sockaddr *)&addr, &size) != 0)
        die("TCP_FASTOPEN");
    if (sendto(client, "hello", 5, MSG_FASTOPEN, (struct sockaddr *)&addr, size) < 0 &&
        errno != EINPROGRESS)
        die("MSG_FASTOPEN");
    int child = accept4(server, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    add(server, "listen-fastopen", "LISTEN", "off", Q_ANY, 0);
    add_connecting(client, server, "syn-sent-fastopen", Q_SOME);
    if (child >= 0)
        add(child, "syn-recv-fastopen", "SYN_RECV", "on", 5, Q_ANY);
    else
        fprintf(stderr, "sockets: no Fast Open here: no full socket in SYN_RECV\n");
}

static void make_established(const struct place *at)
{
    struct pair p = connected(at, 0);
    add(p.a, "idle-a", "ESTABLISHED", "off", 0, 0);
    add(p.b, "idle-b", "ESTABLISHED", "off", 0, 0);
    add(fcntl(p.a, F_DUPFD_CLOEXEC, 0), "idle-a", "ESTABLISHED", "off", 0, 0);

    p = connected(at, 0);
    put(p.a, 1234);
    add(p.a, "unread-a", "ESTABLISHED", "off", 0, 0);
    add(p.b, "unread-b", "ESTABLISHED", "off", 1234, 0);

    p = stuffed(at);
    add(p.a, "unsent-a", "ESTABLISHED", "probe", 0, Q_SOME);
    add(p.b, "unsent-b", "ESTABLISHED", "off", Q_SOME, 0);

    p = connected(at, 0);
    drop_all(p.b);
    put(p.a, 100);
    add(p.a, "unacked-a", "ESTABLISHED", "on", 0, 100)->retrans = 1;
    add(p.b, "unacked-b", "ESTABLISHED", "off", 0, 0);

    p = connected(at, 0);
    keep_alive(p.a, 7200, 75);
    keep_alive(p.b, 300, 75);
    add(p.a, "keepalive-a", "ESTABLISHED", "keepalive", 0, 0);
    add(p.b, "keepalive-b", "ESTABLISHED", "keepalive", 0, 0);

    p = connected(at, 0);
    keep_alive(p.a, 1, 2);
    drop_all(p.b);
    add(p.a, "keepalive-lost", "ESTABLISHED", "keepalive", 0, 0)->probes = 1;
    add(p.b, "keepalive-lost-b", "ESTABLISHED", "off", 0, 0);

    /* Both armed: the retransmission wins. */
    p = connected(at, 0);
    keep_alive(p.a, 600, 75);
    drop_all(p.b);
    put(p.a, 1);
    add(p.a, "unacked-keepalive", "ESTABLISHED", "on", 0, 1)->retrans = 1;
    add(p.b, "unacked-keepalive-b", "ESTABLISHED", "off", 0, 0);
}

/* Zero window, and then the peer is not even heard: probes that nobody answers. */
static struct pair probe_lost(const struct place *at)
{
    struct pair p = stuffed(at);
    usleep(300000); /* the peer has said that its window is closed */
    drop_all(p.b);
    return p;
}

static void make_closing(const struct place *at)
{
    struct pair p = connected(at, 0);
    end(p.a);
    add(p.a, "half-a", "FIN_WAIT2", "off", 0, 0);
    add(p.b, "half-b", "CLOSE_WAIT", "off", 1, 0);

    /* An orphan in FIN_WAIT2 that waits more than a minute stays a full socket. */
    p = connected(at, 0);
    struct ends ends = ends_of(p.a, false);
    set_int(p.a, IPPROTO_TCP, TCP_LINGER2, 120);
    close(p.a);
    add_row(&ends, "orphan-fin-wait2", "FIN_WAIT2", "keepalive", 0, 0);
    add(p.b, "orphan-fin-wait2-b", "CLOSE_WAIT", "off", 1, 0);

    p = stuffed(at);
    end(p.a);
    add(p.a, "fin-wait1-window", "FIN_WAIT1", "probe", 0, Q_SOME);
    add(p.b, "fin-wait1-window-b", "ESTABLISHED", "off", Q_SOME, 0);

    p = stuffed(at);
    ends = ends_of(p.a, false);
    close(p.a);
    add_row(&ends, "orphan-fin-wait1", "FIN_WAIT1", "probe", 0, Q_SOME);
    add(p.b, "orphan-fin-wait1-b", "ESTABLISHED", "off", Q_SOME, 0);

    p = connected(at, 0);
    drop_all(p.b);
    end(p.a);
    add(p.a, "fin-wait1", "FIN_WAIT1", "on", 0, 1)->retrans = 1;
    add(p.b, "fin-wait1-b", "ESTABLISHED", "off", 0, 0);

    /* b hears nothing, so its own FIN does not acknowledge that of a. */
    p = connected(at, 0);
    drop_all(p.b);
    end(p.a);
    end(p.b);
    add(p.a, "closing-a", "CLOSING", "on", 1, 1)->retrans = 1;
    add(p.b, "closing-b", "FIN_WAIT1", "on", 0, 1)->retrans = 1;

    p = connected(at, 0);
    end(p.a);
    await(p.a, TCP_FIN_WAIT2, 0);
    drop_all(p.a);
    end(p.b);
    add(p.a, "last-ack-a", "FIN_WAIT2", "off", 0, 0);
    add(p.b, "last-ack-b", "LAST_ACK", "on", 1, 1)->retrans = 1;

    p = connected(at, 0);
    end(p.a);
    await(p.a, TCP_FIN_WAIT2, 0);
    drop_all(p.a);
    ends = ends_of(p.b, false);
    close(p.b);
    add(p.a, "orphan-last-ack-a", "FIN_WAIT2", "off", 0, 0);
    add_row(&ends, "orphan-last-ack", "LAST_ACK", "on", Q_ANY, 1);

    p = probe_lost(at);
    add(p.a, "probe-lost-a", "ESTABLISHED", "probe", 0, Q_SOME)->probes = 2;
    add(p.b, "probe-lost-b", "ESTABLISHED", "off", Q_SOME, 0);
}

/* A listener for both families, with a client of each. */
static void make_dual_stack(void)
{
    const struct place v4 = {AF_INET, "127.0.0.1"}, v6 = {AF_INET6, "::1"};
    struct sockaddr_storage name;
    socklen_t length = sizeof name;
    const struct place any = {AF_INET6, "::"};
    int server = bound(&any, any.host, 0);
    if (listen(server, 5) != 0 || getsockname(server, (struct sockaddr *)&name, &length) != 0)
        die("listen");
    unsigned port = ntohs(((struct sockaddr_in6 *)&name)->sin6_port);

    int client = new_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    length = make_addr(&name, AF_INET, v4.host, port);
    if (connect(client, (struct sockaddr *)&name, length) != 0 && errno != EINPROGRESS)
        die("connect");
    int mapped = accepted(server);
    put(client, 10);
    add(client, "dual-client", "ESTABLISHED", "off", 0, 0);
    add(mapped, "dual-mapped", "ESTABLISHED", "off", 10, 0);

    client = new_socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
    length = make_addr(&name, AF_INET6, v6.host, port);
    if (connect(client, (struct sockaddr *)&name, length) != 0 && errno != EINPROGRESS)
        die("connect");
    add(client, "dual-client", "ESTABLISHED", "off", 0, 0);
    add(accepted(server), "dual-server", "ESTABLISHED", "off", 0, 0);
    add(server, "listen-dual", "LISTEN", "off", 0, 0);
}

/* The subflows of MPTCP are rows of the TCP table, with the inode of the MPTCP descriptor. */
static void make_mptcp(void)
{
    struct sockaddr_storage addr;
    socklen_t length = make_addr(&addr, AF_INET, "127.0.0.1", 0);
    int server = try_socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP);
    int client = try_socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP);
    if (server < 0 || client < 0 || bind(server, (struct sockaddr *)&addr, length) != 0 ||
        listen(server, 5) != 0) {
        fprintf(stderr, "sockets: no MPTCP here\n");
        return;
    }
    start_connect(client, server);
    add(server, "listen-mptcp", "LISTEN", "off", 0, 0);
    add(client, "mptcp-a", "ESTABLISHED", "*", Q_ANY, Q_ANY);
    add(accepted(server), "mptcp-b", "ESTABLISHED", "*", Q_ANY, Q_ANY);
}

/* A listener that a child of this process has open as well. */
static void make_shared(void)
{
    const struct place at = {AF_INET, "127.0.0.1"};
    int server = listening(&at, 5);
    pid_t child = spawn();
    if (child == 0)
        for (;;)
            pause();
    add(server, "listen-shared", "LISTEN", "off", 0, 0);
    add(server, "listen-shared", "LISTEN", "off", 0, 0)->pid = child;
}

static const struct place places[] = {
    {AF_INET, "127.0.0.1"}, {AF_INET, "127.200.100.250"}, {AF_INET6, "::1"}, {AF_INET6, LONG_V6}};
enum { PLACES = sizeof places / sizeof *places };

void make_tcp(bool v6)
{
    make_shared(); /* first: the child inherits what is open */
    for (size_t i = 0; i < PLACES; i++) {
        if (places[i].family == AF_INET6 && !v6)
            continue;
        make_listeners(&places[i]);
        make_full_queue(&places[i]);
        make_handshakes(&places[i]);
        make_established(&places[i]);
        make_closing(&places[i]);
    }
    if (v6)
        make_dual_stack();
    make_mptcp();
}

void make_tcp_brief(bool v6)
{
    for (size_t i = 0; i < PLACES; i++) {
        if (places[i].family == AF_INET6 && !v6)
            continue;
        struct pair p = connected(&places[i], 0);
        struct ends ends = ends_of(p.a, false);
        end(p.a);
        await(p.a, TCP_FIN_WAIT2, 0);
        close(p.a);
        add_row(&ends, "orphan-half", "FIN_WAIT2", "timewait", 0, 0);
        add(p.b, "orphan-half-b", "CLOSE_WAIT", "off", 1, 0);

        p = connected(&places[i], 0);
        ends = ends_of(p.a, false);
        end(p.a);
        await(p.a, TCP_FIN_WAIT2, 0);
        close(p.a);
        close(p.b);
        add_row(&ends, "time-wait", "TIME_WAIT", "timewait", 0, 0);
    }
}

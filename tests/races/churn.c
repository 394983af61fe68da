#include "world.h"

#include <errno.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RING = 400, CONNECTED = 300, BURST = 40, CONNECTIONS = 30, PROCESSES = 20, REST_US = 8000 };

/* The pid that two roles take in turn, and the port of each. */
enum { SAME_PID = 30000, FIRST_PORT = 61001 };

static int make_unix(void)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un any = {.sun_family = AF_UNIX};

    /* The kernel chooses an abstract name. */
    if (fd < 0 || (some(2) && bind(fd, (void *)&any, offsetof(struct sockaddr_un, sun_path)) != 0))
        die("unix");
    return fd;
}

static int make_udp4(void)
{
    return make_udp(AF_INET);
}

static int make_udp6(void)
{
    return make_udp(AF_INET6);
}

/* As many as there is room for, and then another in the place of any. */
static _Noreturn void turn_over(int (*make)(void))
{
    static int ring[RING];

    for (;;) {
        for (int i = 0; i < BURST; i++) {
            int *at = &ring[some(RING)];
            if (*at > 0)
                close(*at);
            *at = make();
        }
        atomic_fetch_add(&counts->sockets, BURST);
        pause_us(REST_US);
    }
}

/* A datagram socket has another peer, or none, at any time. */
static _Noreturn void change_peers(void)
{
    static const struct sockaddr none = {.sa_family = AF_UNSPEC};
    static int fds[CONNECTED];
    struct sockaddr_in peer = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    for (int i = 0; i < CONNECTED; i++)
        fds[i] = make_udp(AF_INET);
    for (;;) {
        for (int i = 0; i < BURST; i++) {
            int fd = fds[some(CONNECTED)];
            peer.sin_port = htons((uint16_t)(1 + some(60000)));
            if (connect(fd, some(3) ? (void *)&peer : (void *)&none, sizeof(peer)) != 0)
                die("connect");
        }
        pause_us(4 * REST_US);
    }
}

/* They are there for a while before they are bound. */
static _Noreturn void bind_late(void)
{
    static int ring[RING];
    const struct sockaddr_un any = {.sun_family = AF_UNIX};

    for (int at = 0;; at = (at + 1) % RING) {
        int *late = &ring[(at + RING / 2) % RING];
        if (ring[at] > 0)
            close(ring[at]);
        ring[at] = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (ring[at] < 0 ||
            (*late > 0 && bind(*late, (void *)&any, offsetof(struct sockaddr_un, sun_path)) != 0))
            die("bind");
        if (at % BURST == 0) {
            atomic_fetch_add(&counts->sockets, BURST);
            pause_us(4 * REST_US);
        }
    }
}

static _Noreturn void connect_often(void)
{
    int listener = make_listener(), pairs[CONNECTIONS][2];
    const struct linger at_once = {.l_onoff = 1};

    for (;;) {
        for (int i = 0; i < CONNECTIONS; i++)
            make_tcp_pair(listener, pairs[i]);
        for (int i = 0; i < CONNECTIONS; i++) {
            /* Only some leave a TIME_WAIT: ports run out. */
            if (some(50))
                setsockopt(pairs[i][0], SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
            close(pairs[i][0]);
            close(pairs[i][1]);
        }
        atomic_fetch_add(&counts->sockets, 2 * CONNECTIONS);
        pause_us(REST_US);
    }
}

static _Noreturn void live_briefly(void)
{
    for (int i = 0; i < 3; i++)
        make_udp(AF_INET);
    pause_us(some(8000));
    _exit(0);
}

static _Noreturn void fork_often(void)
{
    int alive = 0;

    for (;;) {
        if (start("brief") == 0)
            live_briefly();
        for (alive++; alive > PROCESSES; alive--)
            wait(NULL);
        atomic_fetch_add(&counts->processes, 1);
        pause_us(1000);
    }
}

/* A process with a pid of the caller's choice, which has that right. */
static pid_t fork_as(pid_t pid)
{
    struct clone_args args = {
        .exit_signal = SIGCHLD, .set_tid = (uint64_t)(uintptr_t)&pid, .set_tid_size = 1};

    return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

static _Noreturn void be_same_pid(void)
{
    static const char *const roles[] = {"same-a", "same-b"};

    for (unsigned turn = 0;; turn ^= 1) {
        pid_t pid = fork_as(SAME_PID);
        if (pid == 0) {
            struct sockaddr_in at = {.sin_family = AF_INET,
                                     .sin_port = htons((uint16_t)(FIRST_PORT + turn)),
                                     .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
            /* The name first: who is read while he has the socket has no other. */
            name_self(roles[turn]);
            int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
            if (fd < 0 || bind(fd, (void *)&at, sizeof(at)) != 0)
                die("same pid");
            pause_us(some(1000));
            _exit(0);
        }
        if (pid < 0 && errno == EEXIST) {
            pause_us(100);
            continue;
        }
        if (pid < 0) {
            fprintf(stderr, "world: NOT CHECKED: one pid for two: %s\n", strerror(errno));
            _exit(0);
        }
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            continue;
        atomic_fetch_add(&counts->processes, 1);
    }
}

void start_churn(void)
{
    if (start("churn-udp") == 0)
        turn_over(make_udp4);
    if (start("churn-udp6") == 0)
        turn_over(make_udp6);
    if (start("churn-unix") == 0)
        turn_over(make_unix);
    if (start("churn-peer") == 0)
        change_peers();
    if (start("churn-bind") == 0)
        bind_late();
    if (start("churn-tcp") == 0)
        connect_often();
    if (start("churn-fork") == 0)
        fork_often();
    if (is_root && start("churn-pid") == 0)
        be_same_pid();
}

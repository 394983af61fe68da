#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    COUPLES = 2,
    PASSED = 4,
    CHAINS = 3,
    CHAINED = 3,
    DUPLICATORS = 2,
    MOVED = 4,
    FILLERS = 200
};

static void send_fd(int through, int fd)
{
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    char byte = 'f';
    struct iovec data = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes)};

    control.head = (struct cmsghdr){
        .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
    memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
    if (sendmsg(through, &message, 0) != 1)
        die("sendmsg");
}

static int receive_fd(int through)
{
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    char byte;
    struct iovec data = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes)};
    int fd;

    if (recvmsg(through, &message, MSG_CMSG_CLOEXEC) != 1 ||
        message.msg_controllen < sizeof(control.head))
        die("recvmsg");
    memcpy(&fd, CMSG_DATA(&control.head), sizeof(fd));
    return fd;
}

/* The receiver says that it has the socket before the sender closes it: it is always someone's. */
static void hand_over(int through, int fd)
{
    char byte;

    send_fd(through, fd);
    if (read(through, &byte, 1) != 1)
        die("handover");
    close(fd);
    atomic_fetch_add(&counts->moves, 1);
}

static int take_over(int through)
{
    int fd = receive_fd(through);

    if (write(through, "y", 1) != 1)
        die("handover");
    return fd;
}

static _Noreturn void pass_on(int through, int fds[PASSED], bool has)
{
    for (unsigned i = 0;; i = (i + 1) % PASSED) {
        if (has)
            pause_us(200 + some(2000));
        if (has)
            hand_over(through, fds[i]);
        else
            fds[i] = take_over(through);
        if (i == PASSED - 1)
            has = !has;
    }
}

static void start_couple(void)
{
    int through[2], fds[PASSED];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, through) != 0)
        die("socketpair");
    if (start("passes") == 0) {
        close(through[1]);
        for (int i = 0; i < PASSED; i++) {
            fds[i] = i % 2 ? make_listener() : make_udp(AF_INET);
            list(i % 2 ? "tcp" : "udp", fds[i], "passes", 0);
        }
        atomic_fetch_sub(&counts->ready, 1);
        pass_on(through[0], fds, true);
    }
    if (start("passes") == 0) {
        close(through[0]);
        pass_on(through[1], fds, false);
    }
    close(through[0]);
    close(through[1]);
}

/* The child goes on, the parent ends: nobody has the sockets for long. */
static _Noreturn void chain(void)
{
    for (int i = 0; i < CHAINED; i++) {
        int fd = i % 2 ? make_listener() : make_udp(AF_INET);
        list(i % 2 ? "tcp" : "udp", fd, "chain", 0);
    }
    atomic_fetch_sub(&counts->ready, 1);
    for (;;) {
        pause_us(2000 + some(18000));
        if (start("chain") != 0)
            _exit(0);
        atomic_fetch_add(&counts->moves, CHAINED);
        atomic_fetch_add(&counts->processes, 1);
    }
}

/* From one number to another, far apart, in a process with many descriptors. */
static _Noreturn void duplicate(void)
{
    int fds[MOVED];

    for (int i = 0; i < FILLERS; i++)
        if (open("/dev/null", O_RDONLY | O_CLOEXEC) < 0)
            die("/dev/null");
    for (int i = 0; i < MOVED; i++) {
        fds[i] = make_udp(AF_INET);
        list("udp", fds[i], "duplicates", getpid());
    }
    atomic_fetch_sub(&counts->ready, 1);
    for (unsigned i = 0;; i = (i + 1) % MOVED) {
        int fd = fcntl(fds[i], F_DUPFD_CLOEXEC, 3 + (int)some(1000));
        if (fd < 0)
            die("dup");
        close(fds[i]);
        fds[i] = fd;
        atomic_fetch_add(&counts->moves, 1);
        pause_us(100 + some(500));
    }
}

void start_movers(void)
{
    for (int i = 0; i < COUPLES; i++) {
        atomic_fetch_add(&counts->ready, 1);
        start_couple();
    }
    for (int i = 0; i < CHAINS; i++) {
        atomic_fetch_add(&counts->ready, 1);
        if (start("chain") == 0)
            chain();
    }
    for (int i = 0; i < DUPLICATORS; i++) {
        atomic_fetch_add(&counts->ready, 1);
        if (start("duplicates") == 0)
            duplicate();
    }
}

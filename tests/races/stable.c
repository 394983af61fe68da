#include "world.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { HOLDERS = 8, PAIRS = 60, UDP = 40, UDP6 = 20, UNIX = 30, RAW = 4, FEW = 5, ZOMBIES = 50 };

/* The role's sockets are in the list. */
static void tell_ready(void)
{
    atomic_fetch_sub(&counts->ready, 1);
}

static void few_sockets(const char *role, bool one_owner)
{
    for (int i = 0; i < FEW; i++)
        list("udp", make_udp(AF_INET), role, one_owner ? getpid() : 0);
}

static _Noreturn void stay(void)
{
    for (;;)
        pause();
}

static void hold(const char *role)
{
    int listener = make_listener(), pair[2];
    const pid_t pid = getpid();

    list("tcp", listener, role, pid);
    for (int i = 0; i < PAIRS; i++) {
        make_tcp_pair(listener, pair);
        list("tcp", pair[0], role, pid);
        list("tcp", pair[1], role, pid);
    }
    for (int i = 0; i < UDP; i++)
        list("udp", make_udp(AF_INET), role, pid);
    for (int i = 0; i < UDP6; i++)
        list("udp6", make_udp(AF_INET6), role, pid);
    for (int i = 0; i < UNIX; i++) {
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
            die("socketpair");
        list("unix", pair[0], role, pid);
        list("unix", pair[1], role, pid);
    }
    for (int i = 0; is_root && i < RAW; i++) {
        int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, 200 + i);
        if (fd < 0)
            die("raw");
        list("raw", fd, role, pid);
    }
}

static void *stay_here(void *unused)
{
    (void)unused;
    stay();
}

/* The first thread ends, the process goes on. */
static void leaderless(void)
{
    pthread_t thread;

    few_sockets("leaderless", true);
    if (pthread_create(&thread, NULL, stay_here, NULL) != 0)
        die("pthread_create");
    tell_ready();
    syscall(SYS_exit, 0);
}

static int share_files(void *unused)
{
    (void)unused;
    stay();
}

/* Two processes with one table of descriptors. */
static void sharing(void)
{
    static char stack[64 << 10];

    if (clone(share_files, stack + sizeof(stack), CLONE_FILES | SIGCHLD, NULL) < 0)
        die("clone");
    few_sockets("sharing", false);
    tell_ready();
    stay();
}

/* It becomes another program again and again, and its sockets stay. */
static void exec_again(void)
{
    char *words[] = {"execs", "again", NULL};

    for (int i = 0; i < FEW; i++) {
        int fd = make_udp(AF_INET);
        list("udp", fd, "execs", getpid());
        if (dup(fd) < 0) /* not close-on-exec */
            die("dup");
    }
    tell_ready();
    execv("/proc/self/exe", words);
    die("exec");
}

_Noreturn void run_again(int argc, char **argv)
{
    (void)argc;
    pause_us(3000);
    execv("/proc/self/exe", argv);
    die("exec");
}

static void rename_often(void)
{
    char name[16];

    few_sockets("renames", true);
    tell_ready();
    for (unsigned i = 0;; i++) {
        snprintf(name, sizeof(name), "name %u)", i);
        prctl(PR_SET_NAME, name);
        pause_us(500);
    }
}

static void leave_zombies(void)
{
    few_sockets("zombies", true);
    for (int i = 0; i < ZOMBIES; i++)
        if (start("zombie") == 0)
            _exit(0);
    tell_ready();
    stay();
}

void start_stable(void)
{
    static const struct {
        const char *role;
        void (*run)(void);
    } odd[] = {{"leaderless", leaderless},
               {"sharing", sharing},
               {"execs", exec_again},
               {"renames", rename_often},
               {"zombies", leave_zombies}};
    char role[16];

    for (int i = 0; i < HOLDERS; i++) {
        snprintf(role, sizeof(role), "hold-%d", i);
        atomic_fetch_add(&counts->ready, 1);
        if (start(role) == 0) {
            hold(role);
            tell_ready();
            stay();
        }
    }
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        atomic_fetch_add(&counts->ready, 1);
        if (start(odd[i].role) == 0)
            odd[i].run();
    }
}

#include "world.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { FILES = 8192, NOBODY = 65534, SETTLE_MS = 10000 };

struct counts *counts;
bool is_root = true;

static char *title;
static size_t title_room;
static FILE *listing;

_Noreturn void die(const char *what)
{
    fprintf(stderr, "world: %s: %s\n", what, strerror(errno));
    _exit(1);
}

void name_self(const char *role)
{
    /* What /proc/PID/cmdline shows is this memory. */
    memset(title, 0, title_room);
    memcpy(title, role, strnlen(role, title_room - 1));
    prctl(PR_SET_NAME, role);
}

pid_t start(const char *role)
{
    fflush(NULL);
    pid_t pid = fork();

    if (pid < 0)
        die("fork");
    if (pid == 0)
        name_self(role);
    return pid;
}

void pause_us(unsigned us)
{
    struct timespec time = {.tv_nsec = us % 1000000 * 1000L, .tv_sec = us / 1000000};

    nanosleep(&time, NULL);
}

unsigned some(unsigned below)
{
    static unsigned state;

    if (!state)
        state = (unsigned)getpid() * 2654435761u + 1;
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % below;
}

static void address_text(const struct sockaddr_storage *address, char *text, size_t size)
{
    const struct sockaddr_in *v4 = (const void *)address;
    const struct sockaddr_in6 *v6 = (const void *)address;
    char host[INET6_ADDRSTRLEN] = "0.0.0.0";

    if (address->ss_family == AF_INET6)
        inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
    else if (address->ss_family == AF_INET)
        inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
    unsigned port =
        address->ss_family == AF_INET6 || address->ss_family == AF_INET ? ntohs(v4->sin_port) : 0;
    if (port)
        snprintf(text, size, "%s:%u", host, port);
    else
        snprintf(text, size, "%s:*", host);
}

void list(const char *kind, int fd, const char *role, pid_t pid)
{
    struct sockaddr_storage local = {0}, remote = {0};
    socklen_t length = sizeof(local);
    char here[64], there[64];
    struct stat st;

    if (fstat(fd, &st) != 0 || getsockname(fd, (struct sockaddr *)&local, &length) != 0)
        die("getsockname");
    length = sizeof(remote);
    if (getpeername(fd, (struct sockaddr *)&remote, &length) != 0)
        remote.ss_family = local.ss_family;
    address_text(&local, here, sizeof(here));
    address_text(&remote, there, sizeof(there));
    /* One write, so that processes do not mix their lines. */
    fprintf(listing, "%s\t%lu\t%s\t%s\t%s\t%d\n", kind, (unsigned long)st.st_ino, here, there, role,
            (int)pid);
    fflush(listing);
}

int make_udp(int family)
{
    int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};

    if (fd < 0 || bind(fd, family == AF_INET ? (void *)&v4 : (void *)&v6,
                       family == AF_INET ? sizeof(v4) : sizeof(v6)) != 0)
        die("udp");
    return fd;
}

int make_listener(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    if (fd < 0 || bind(fd, (void *)&v4, sizeof(v4)) != 0 || listen(fd, 64) != 0)
        die("listen");
    return fd;
}

void make_tcp_pair(int listener, int pair[2])
{
    struct sockaddr_in to;
    socklen_t length = sizeof(to);

    pair[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (pair[0] < 0 || getsockname(listener, (void *)&to, &length) != 0 ||
        connect(pair[0], (void *)&to, length) != 0)
        die("connect");
    pair[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (pair[1] < 0)
        die("accept");
}

static _Noreturn void not_permitted(const char *what)
{
    fprintf(stderr, "world: SKIPPED: no namespaces here: %s: %s\n", what, strerror(errno));
    exit(77);
}

static void loopback_up(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};

    if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) != 0)
        not_permitted("lo");
    close(fd);
}

static void raise_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        die("RLIMIT_NOFILE");
    limit.rlim_cur = limit.rlim_max < FILES ? limit.rlim_max : FILES;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        die("RLIMIT_NOFILE");
}

/* The first process of the namespace: with it all others end. */
static int first_process(const char *path, const char *user, char **command)
{
    char told[64];
    int status = 0;

    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, 0) ||
        mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0)
        not_permitted("/proc");
    loopback_up();
    raise_files();
    listing = fopen(path, "ae");
    if (!listing)
        die(path);
    is_root = strcmp(user, "root") == 0;
    if (!is_root && (setresgid(NOBODY, NOBODY, NOBODY) != 0 ||
                     setresuid(NOBODY, NOBODY, NOBODY) != 0 || prctl(PR_SET_DUMPABLE, 1) != 0))
        die("setresuid");
    start_stable();
    start_movers();
    for (int i = 0; atomic_load(&counts->ready) > 0; i++) {
        if (i == SETTLE_MS)
            die("not all processes came up");
        pause_us(1000);
    }
    start_churn();
    pause_us(100000);
    pid_t child = start("judge"), ended;
    if (child == 0) {
        execvp(command[0], command);
        die(command[0]);
    }
    /* What other processes leave behind is reaped here too. */
    while ((ended = waitpid(-1, &status, 0)) != child)
        if (ended < 0 && errno != EINTR)
            die("waitpid");
    snprintf(told, sizeof(told), "%lu\t%lu\t%lu\n", atomic_load(&counts->sockets),
             atomic_load(&counts->processes), atomic_load(&counts->moves));
    printf("counts\t%s", told);
    fflush(stdout);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* world LIST root|nobody COMMAND...; the exit status is the command's. */
int main(int argc, char **argv)
{
    int status;

    if (argc > 1 && strcmp(argv[1], "again") == 0)
        run_again(argc, argv);
    if (argc < 4)
        return 2;
    char **command = calloc((size_t)argc, sizeof(*command));
    for (int i = 3; command && i < argc; i++)
        command[i - 3] = strdup(argv[i]);
    char *path = strdup(argv[1]), *user = strdup(argv[2]);
    if (!command || !path || !user)
        die("memory");
    title = argv[0];
    title_room = (size_t)(argv[argc - 1] + strlen(argv[argc - 1]) - argv[0]);
    counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (counts == MAP_FAILED)
        die("mmap");
    if (unshare(CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWNS) != 0)
        not_permitted("unshare");
    pid_t child = fork();
    if (child < 0)
        die("fork");
    if (child == 0)
        _exit(first_process(path, user, command));
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            die("waitpid");
    /* Without what sanitizers do at an exit: they cannot where other processes are killed. */
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

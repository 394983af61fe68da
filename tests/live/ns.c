/* The network namespace: loopback up, a long IPv6 address, kernel limits that suit the test. */
#include "sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* linux/ipv6.h declares this too, but does not go well with netinet/in.h everywhere. */
struct in6_request {
    struct in6_addr addr;
    uint32_t prefix_length;
    int interface;
};

static bool write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    size_t length = strlen(text);
    bool good = write(fd, text, length) == (ssize_t)length;
    close(fd);
    return good;
}

bool write_sysctl(const char *path, const char *value)
{
    char full[200];
    snprintf(full, sizeof full, "/proc/sys/net/%s", path);
    return write_text(full, value);
}

static _Noreturn void not_permitted(const char *what)
{
    fprintf(stderr, "sockets: SKIPPED: no network namespace here: %s: %s\n", what, strerror(errno));
    exit(77);
}

/* Root of a user namespace of our own may do in the network namespace what root may. */
static void enter_user_namespace(void)
{
    unsigned long uid = geteuid(), gid = getegid();
    char map[64];
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
        not_permitted("unshare");
    write_text("/proc/self/setgroups", "deny");
    snprintf(map, sizeof map, "0 %lu 1\n", uid);
    if (!write_text("/proc/self/uid_map", map))
        not_permitted("/proc/self/uid_map");
    snprintf(map, sizeof map, "0 %lu 1\n", gid);
    if (!write_text("/proc/self/gid_map", map))
        not_permitted("/proc/self/gid_map");
}

static void loopback_up(void)
{
    int fd = new_socket(AF_INET, SOCK_DGRAM, 0);
    struct ifreq request = {.ifr_name = "lo"};
    if (ioctl(fd, SIOCGIFFLAGS, &request) != 0)
        not_permitted("SIOCGIFFLAGS lo");
    request.ifr_flags = (short)(request.ifr_flags | IFF_UP);
    if (ioctl(fd, SIOCSIFFLAGS, &request) != 0)
        not_permitted("SIOCSIFFLAGS lo");
    close(fd);
}

/* Without IPv6 the socket is missing, and the caller finds that out by itself. */
static void add_long_address(void)
{
    int fd = try_socket(AF_INET6, SOCK_DGRAM, 0);
    if (fd < 0)
        return;
    struct in6_request request = {.prefix_length = 128, .interface = (int)if_nametoindex("lo")};
    inet_pton(AF_INET6, LONG_V6, &request.addr);
    if (ioctl(fd, SIOCSIFADDR, &request) != 0 && errno != EEXIST)
        fprintf(stderr, "sockets: no second IPv6 address on lo: %s\n", strerror(errno));
    close(fd);
}

void ns_enter(void)
{
    if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0)
        enter_user_namespace();
    loopback_up();
    write_sysctl("ipv6/conf/all/disable_ipv6", "0");
    write_sysctl("ipv6/conf/lo/disable_ipv6", "0");
    add_long_address();

    char groups[64];
    snprintf(groups, sizeof groups, "%u %u", getegid(), getegid());
    write_sysctl("ipv4/ping_group_range", groups);
    /* Handshakes that hang must hang for as long as a test may take. */
    write_sysctl("ipv4/tcp_syn_retries", "12");
    write_sysctl("ipv4/tcp_synack_retries", "12");
    /* Fast Open without cookies, both sides: 1 client, 2 server, 4 and 0x200 no cookie. */
    write_sysctl("ipv4/tcp_fastopen", "519");
}

unsigned long raise_files(unsigned long want)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 1024;
    if (limit.rlim_cur >= want)
        return limit.rlim_cur;
    struct rlimit more = {.rlim_cur = want, .rlim_max = want};
    if (limit.rlim_max >= want)
        more.rlim_max = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &more) == 0)
        return want;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 1024;
    return limit.rlim_cur;
}

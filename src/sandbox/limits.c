#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "sandbox.h"

/* Sanitizers map terabytes of private memory before main. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

enum { DESCRIPTORS = 8 };

static int lower(int resource, uint64_t value)
{
    struct rlimit limit;

    if (getrlimit((__rlimit_resource_t)resource, &limit) < 0)
        return -1;
    if (limit.rlim_max > value)
        limit.rlim_max = value;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit((__rlimit_resource_t)resource, &limit);
}

/* Before Linux 4.7 RLIMIT_DATA is that of brk alone (mm/mmap.c, may_expand_vm). */
static bool is_data_counted(void)
{
    struct utsname name;
    unsigned major = 0, minor = 0;
    const char *p;

    if (uname(&name) < 0)
        return true;
    for (p = name.release; *p >= '0' && *p <= '9'; p++)
        major = major * 10 + (unsigned)(*p - '0');
    if (*p == '.')
        for (p++; *p >= '0' && *p <= '9'; p++)
            minor = minor * 10 + (unsigned)(*p - '0');
    return major > 4 || (major == 4 && minor >= 7);
}

/* Of the whole address space, which has what is mapped already.
 * guess: of that, where there is no /proc; 0: fail there */
static int limit_space(uint64_t memory, uint64_t guess)
{
    char text[128];
    size_t have = 0;
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : 1;

    while (n > 0 && have < sizeof(text) - 1) {
        n = read(fd, text + have, sizeof(text) - 1 - have);
        if (n < 0 && errno == EINTR)
            n = 1;
        else if (n > 0)
            have += (size_t)n;
    }
    if (fd >= 0)
        close(fd);
    if (n < 0)
        return guess > 0 ? lower(RLIMIT_AS, guess + memory) : -1;
    text[have] = '\0';
    const uint64_t pages = strtoull(text, NULL, 10);
    if (pages == 0) {
        errno = EBADMSG;
        return -1;
    }
    return lower(RLIMIT_AS, pages * (uint64_t)sysconf(_SC_PAGESIZE) + memory);
}

/* For compiled code and what else is not counted as data. */
static const uint64_t MARGIN = (uint64_t)64 << 20;

int sockq_limits_memory(uint64_t memory)
{
    if (SANITIZED || memory == 0)
        return 0;
    return is_data_counted() ? lower(RLIMIT_DATA, memory) : limit_space(memory, 0);
}

int sockq_limits_space(uint64_t memory, uint64_t reserved, uint64_t guess)
{
    if (SANITIZED || memory == 0)
        return 0;
    return limit_space(memory + reserved + MARGIN, guess);
}

int sockq_limits_lock(uint64_t memory)
{
    static const struct {
        int resource;
        uint64_t most;
    } limits[] = {{RLIMIT_CORE, 0},
                  {RLIMIT_NPROC, 0},
                  {RLIMIT_MEMLOCK, 0},
                  {RLIMIT_MSGQUEUE, 0},
                  {RLIMIT_NOFILE, DESCRIPTORS}};

    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
        if (lower(limits[i].resource, limits[i].most) < 0)
            return -1;
    return sockq_limits_memory(memory);
}

#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/utsname.h>

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

/* Of the whole address space, which has what is mapped already. */
static int limit_space(uint64_t memory)
{
    unsigned long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");

    if (!file)
        return -1;
    if (fscanf(file, "%llu", &pages) != 1)
        pages = 0;
    fclose(file);
    if (pages == 0) {
        errno = EBADMSG;
        return -1;
    }
    return lower(RLIMIT_AS, (uint64_t)pages * 4096 + memory);
}

int sockq_limits_memory(uint64_t memory)
{
    if (SANITIZED || memory == 0)
        return 0;
    return is_data_counted() ? lower(RLIMIT_DATA, memory) : limit_space(memory);
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

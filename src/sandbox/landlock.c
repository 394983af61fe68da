/*
 * linux/landlock.h of the build may be older than the kernel: the numbers are those of
 * Documentation/userspace-api/landlock.rst.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox.h"

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_restrict_self 446
#endif

struct ruleset {
    uint64_t fs;
    uint64_t net;
    uint64_t scoped;
};

enum { FLAG_VERSION = 1, FS_FIRST = 13, NET_RIGHTS = 2, SCOPES = 2 };

static uint64_t bits(unsigned count)
{
    return ((uint64_t)1 << count) - 1;
}

/* The rights of an ABI, and the size of the structure that it takes. */
static size_t rights_of(int abi, struct ruleset *rights)
{
    *rights = (struct ruleset){.fs = bits(FS_FIRST)};
    if (abi >= 2)
        rights->fs |= (uint64_t)1 << 13; /* REFER */
    if (abi >= 3)
        rights->fs |= (uint64_t)1 << 14; /* TRUNCATE */
    if (abi >= 5)
        rights->fs |= (uint64_t)1 << 15; /* IOCTL_DEV */
    if (abi >= 4)
        rights->net = bits(NET_RIGHTS);
    if (abi >= 6)
        rights->scoped = bits(SCOPES);
    return abi >= 6   ? sizeof(*rights)
           : abi >= 4 ? offsetof(struct ruleset, scoped)
                      : offsetof(struct ruleset, net);
}

static bool is_root_refused(void)
{
    int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0)
        close(fd);
    return fd < 0 && errno == EACCES;
}

void sockq_landlock_look(struct sockq_locks *locks)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, FLAG_VERSION);

    locks->landlock_abi = abi > 0 ? (int)abi : 0;
    locks->landlock_error = abi > 0 ? 0 : errno;
}

void sockq_landlock_lock(struct sockq_locks *locks)
{
    struct ruleset rights;

    sockq_landlock_look(locks);
    if (locks->landlock_error)
        return;
    size_t size = rights_of(locks->landlock_abi, &rights);
    int fd = (int)syscall(SYS_landlock_create_ruleset, &rights, size, 0);
    if (fd < 0 || syscall(SYS_landlock_restrict_self, fd, 0) < 0)
        locks->landlock_error = errno;
    if (fd >= 0)
        close(fd);
    locks->landlock_proved = locks->landlock_error == 0 && is_root_refused();
}

#define _GNU_SOURCE
#include <errno.h>
#include <unistd.h>

#include "fuzz.h"

struct fuzz_reads fuzz_reads = {.fd = -1};

ssize_t __real_read(int fd, void *buffer, size_t size);
ssize_t __wrap_read(int fd, void *buffer, size_t size);
ssize_t __wrap___read_chk(int fd, void *buffer, size_t size, size_t room);

void fuzz_reads_reset(void)
{
    fuzz_reads = (struct fuzz_reads){.fd = -1};
}

ssize_t __wrap_read(int fd, void *buffer, size_t size)
{
    struct fuzz_reads *r = &fuzz_reads;

    if (r->interrupted && ++r->calls % 2) {
        errno = EINTR;
        return -1;
    }
    if (r->most && size > r->most)
        size = r->most;
    if (fd != r->fd)
        return __real_read(fd, buffer, size);
    if (r->fail_at && r->at >= r->fail_at) {
        errno = EIO;
        return -1;
    }
    if (size > r->size - r->at)
        size = r->size - r->at;
    memcpy(buffer, r->text + r->at, size);
    r->at += size;
    return (ssize_t)size;
}

ssize_t __wrap___read_chk(int fd, void *buffer, size_t size, size_t room)
{
    FUZZ_CHECK(size <= room);
    return __wrap_read(fd, buffer, size);
}

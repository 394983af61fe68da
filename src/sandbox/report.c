#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "sandbox.h"

void sockq_proofs_open(struct sockq_proofs *proofs, int parent)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/status", parent);
    proofs->status = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    proofs->limits = open("/proc/self/limits", O_RDONLY | O_CLOEXEC);
    proofs->collector = open(path, O_RDONLY | O_CLOEXEC);
}

ssize_t sockq_proof_read(int fd, char *text, size_t size)
{
    size_t have = 0;

    if (fd < 0 || lseek(fd, 0, SEEK_SET) < 0)
        return -1;
    while (have < size) {
        ssize_t n = read(fd, text + have, size - have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            return (ssize_t)have;
        have += (size_t)n;
    }
    errno = EFBIG;
    return -1;
}

int sockq_proof_dumpable(void)
{
    return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
}

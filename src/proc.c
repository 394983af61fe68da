#define _GNU_SOURCE
#include "proc.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Of an open that somebody else's renaming disturbs: hardly more than a few are needed. */
enum { MOST_TRIES = 1000 };

int sockq_proc_open(struct sockq_proc *proc, const char *path)
{
    struct statfs fs;

    *proc = (struct sockq_proc){.live = path == NULL};
    proc->fd = open(path ? path : "/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (proc->fd < 0)
        return -1;
    if (!proc->live)
        return 0;
    if (fstatfs(proc->fd, &fs) < 0 || (unsigned long)fs.f_type != PROC_SUPER_MAGIC) {
        sockq_proc_close(proc);
        errno = ENODEV;
        return -1;
    }
    struct stat st;
    proc->alone = fstatat(proc->fd, "net", &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT;
    return 0;
}

void sockq_proc_close(struct sockq_proc *proc)
{
    if (proc->fd >= 0)
        close(proc->fd);
    proc->fd = -1;
}

/* openat2 is missing before Linux 5.6 and where a filter forbids it: then no link is followed. */
static int open_without_links(int root, const char *path, int flags)
{
    char name[256];
    int folder = fcntl(root, F_DUPFD_CLOEXEC, 0);

    while (folder >= 0) {
        size_t length = strcspn(path, "/");
        bool last = path[length] == '\0';
        if (length == 0 || length >= sizeof(name)) {
            close(folder);
            errno = length ? ENAMETOOLONG : EINVAL;
            return -1;
        }
        memcpy(name, path, length);
        name[length] = '\0';
        if (strcmp(name, "..") == 0) {
            close(folder);
            errno = EXDEV;
            return -1;
        }
        int next =
            openat(folder, name, O_NOFOLLOW | (last ? flags : O_PATH | O_DIRECTORY | O_CLOEXEC));
        int saved = errno;
        close(folder);
        errno = saved;
        if (last)
            return next;
        folder = next;
        path += length + 1;
    }
    return -1;
}

int sockq_proc_openat(const struct sockq_proc *proc, const char *path, int flags)
{
    flags |= O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    if (proc->live) {
        char own[64];
        int opened;
        /* /proc/net is a link to self/net. */
        if (proc->alone && strncmp(path, "net/", 4) == 0) {
            snprintf(own, sizeof(own), "self/%s", path);
            path = own;
        }
        do
            opened = openat(proc->fd, path, flags);
        while (opened < 0 && errno == EINTR);
        return opened;
    }
    struct open_how how = {.flags = (unsigned)flags,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    long fd;
    int tries = 0;
    /* With ".." on the way, while anybody renames or mounts something (fs/namei.c, handle_dots). */
    do
        fd = syscall(SYS_openat2, proc->fd, path, &how, sizeof(how));
    while (fd < 0 && (errno == EINTR || errno == EAGAIN) && ++tries < MOST_TRIES);
    if (fd < 0 && (errno == ENOSYS || errno == EPERM))
        return open_without_links(proc->fd, path, flags);
    return (int)fd;
}

bool sockq_proc_is_failure(int error)
{
    switch (error) {
    case EIO:
    case EINTR:
    case EAGAIN:
    case EBADF:
    case EFAULT:
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case ESTALE:
    case ETIMEDOUT:
        return true;
    default:
        return false;
    }
}

int sockq_proc_open_file(const struct sockq_proc *proc, const char *path)
{
    struct stat st;
    int fd = sockq_proc_openat(proc, path, 0);

    if (fd < 0)
        return -1;
    int error = fstat(fd, &st) < 0 ? errno : S_ISREG(st.st_mode) ? 0 : EINVAL;
    if (error == 0)
        return fd;
    close(fd);
    errno = error;
    return -1;
}

ssize_t sockq_proc_read(const struct sockq_proc *proc, const char *path, char *buffer, size_t size)
{
    size_t have = 0;
    int saved = 0;
    int fd = sockq_proc_open_file(proc, path);

    if (fd < 0)
        return -1;
    while (have < size) {
        ssize_t n = read(fd, buffer + have, size - have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            saved = errno;
        if (n <= 0)
            break;
        have += (size_t)n;
    }
    close(fd);
    if (saved) {
        errno = saved;
        return -1;
    }
    return (ssize_t)have;
}

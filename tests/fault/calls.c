/*
 * The calls that can fail, each before libc's own of the same name.
 */
#define _GNU_SOURCE
#include "calls.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Folder entries come whole: a buffer for at least the longest. */
enum { LONGEST_ENTRY = 280 };

/* libc's function of a name, and its type, which is that of the declaration. */
#define NEXT(name)                                                                                 \
    static __typeof__(&name) next;                                                                 \
    if (!next)                                                                                     \
    *(void **)(&next) = dlsym(RTLD_NEXT, #name)

/* A call with the declaration's result and parameters that fails with -1. */
#define CALL(kind, result, name, parameters, arguments, path)                                      \
    result name parameters                                                                         \
    {                                                                                              \
        NEXT(name);                                                                                \
        return fault_due(kind, #name, path) ? (result)-1 : next arguments;                         \
    }

#ifndef FAULT_NO_MALLOC
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *at, size_t size);

void *malloc(size_t size)
{
    return fault_due(FAULT_MALLOC, "malloc", NULL) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fault_due(FAULT_MALLOC, "calloc", NULL) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *at, size_t size)
{
    return fault_due(FAULT_MALLOC, "realloc", NULL) ? NULL : __libc_realloc(at, size);
}
#endif

void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    NEXT(mmap);
    return fault_due(FAULT_MMAP, "mmap", NULL) ? MAP_FAILED
                                               : next(at, size, protection, flags, fd, offset);
}

void *mmap64(void *at, size_t size, int protection, int flags, int fd, off64_t offset)
{
    NEXT(mmap64);
    return fault_due(FAULT_MMAP, "mmap64", NULL) ? MAP_FAILED
                                                 : next(at, size, protection, flags, fd, offset);
}

void *mremap(void *at, size_t old_size, size_t size, int flags, ...)
{
    va_list list;
    NEXT(mremap);

    va_start(list, flags);
    void *to = flags & MREMAP_FIXED ? va_arg(list, void *) : NULL;
    va_end(list);
    return fault_due(FAULT_MMAP, "mremap", NULL) ? MAP_FAILED : next(at, old_size, size, flags, to);
}

CALL(FAULT_MMAP, int, mprotect, (void *at, size_t size, int protection), (at, size, protection),
     NULL)
CALL(FAULT_MADVISE, int, madvise, (void *at, size_t size, int advice), (at, size, advice), NULL)

/* open and its like: the mode is there if the flags say so. */
static unsigned mode_of(int flags, va_list list)
{
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(list, unsigned) : 0;
}

#define OPEN(name)                                                                                 \
    int name(const char *path, int flags, ...)                                                     \
    {                                                                                              \
        va_list list;                                                                              \
        NEXT(name);                                                                                \
        va_start(list, flags);                                                                     \
        unsigned mode = mode_of(flags, list);                                                      \
        va_end(list);                                                                              \
        return fault_due(FAULT_OPEN, #name, path) ? -1 : next(path, flags, mode);                  \
    }

#define OPENAT(name)                                                                               \
    int name(int folder, const char *path, int flags, ...)                                         \
    {                                                                                              \
        va_list list;                                                                              \
        NEXT(name);                                                                                \
        va_start(list, flags);                                                                     \
        unsigned mode = mode_of(flags, list);                                                      \
        va_end(list);                                                                              \
        return fault_due(FAULT_OPEN, #name, path) ? -1 : next(folder, path, flags, mode);          \
    }

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

FILE *fopen(const char *restrict path, const char *restrict mode)
{
    NEXT(fopen);
    return fault_due(FAULT_OPEN, "fopen", path) ? NULL : next(path, mode);
}

FILE *fopen64(const char *restrict path, const char *restrict mode)
{
    NEXT(fopen64);
    return fault_due(FAULT_OPEN, "fopen64", path) ? NULL : next(path, mode);
}

DIR *opendir(const char *path)
{
    NEXT(opendir);
    return fault_due(FAULT_OPEN, "opendir", path) ? NULL : next(path);
}

DIR *fdopendir(int fd)
{
    NEXT(fdopendir);
    return fault_due(FAULT_OPEN, "fdopendir", NULL) ? NULL : next(fd);
}

CALL(FAULT_READ, ssize_t, read, (int fd, void *into, size_t size),
     (fd, into, fault_read_size(size)), NULL)
CALL(FAULT_READ, ssize_t, pread, (int fd, void *into, size_t size, off_t at),
     (fd, into, fault_read_size(size), at), NULL)
CALL(FAULT_READ, ssize_t, pread64, (int fd, void *into, size_t size, off64_t at),
     (fd, into, fault_read_size(size), at), NULL)

ssize_t getdents64(int fd, void *into, size_t size)
{
    size_t most = fault_read_size(size);
    NEXT(getdents64);

    most = most < LONGEST_ENTRY && size > LONGEST_ENTRY ? LONGEST_ENTRY : most;
    return fault_due(FAULT_GETDENTS, "getdents64", NULL) ? -1 : next(fd, into, most);
}

struct dirent *readdir(DIR *folder)
{
    NEXT(readdir);
    return fault_due(FAULT_GETDENTS, "readdir", NULL) ? NULL : next(folder);
}

CALL(FAULT_READLINK, ssize_t, readlink, (const char *path, char *into, size_t size),
     (path, into, size), path)
CALL(FAULT_READLINK, ssize_t, readlinkat, (int folder, const char *path, char *into, size_t size),
     (folder, path, into, size), path)

CALL(FAULT_STAT, int, stat, (const char *path, struct stat *st), (path, st), path)
CALL(FAULT_STAT, int, lstat, (const char *path, struct stat *st), (path, st), path)
CALL(FAULT_STAT, int, fstat, (int fd, struct stat *st), (fd, st), NULL)
CALL(FAULT_STAT, int, fstatat, (int folder, const char *path, struct stat *st, int flags),
     (folder, path, st, flags), path)
CALL(FAULT_STAT, int, statfs, (const char *path, struct statfs *fs), (path, fs), path)
CALL(FAULT_STAT, int, fstatfs, (int fd, struct statfs *fs), (fd, fs), NULL)
CALL(FAULT_STAT, int, access, (const char *path, int mode), (path, mode), path)
CALL(FAULT_STAT, int, faccessat, (int folder, const char *path, int mode, int flags),
     (folder, path, mode, flags), path)

pid_t fork(void)
{
    NEXT(fork);
    if (fault_due(FAULT_FORK, "fork", NULL))
        return -1;
    int number = fault_role_next();
    pid_t pid = next();
    if (pid == 0)
        fault_role_begin(number);
    return pid;
}

CALL(FAULT_MEMFD, int, memfd_create, (const char *name, unsigned flags), (name, flags), name)
CALL(FAULT_MEMFD, int, ftruncate, (int fd, off_t size), (fd, size), NULL)
CALL(FAULT_MEMFD, int, ftruncate64, (int fd, off64_t size), (fd, size), NULL)

CALL(FAULT_WRITE, ssize_t, write, (int fd, const void *bytes, size_t size),
     (fd, bytes, fault_write_size(size)), NULL)
CALL(FAULT_WRITE, ssize_t, writev, (int fd, const struct iovec *list, int count), (fd, list, count),
     NULL)

static int fcntl_with(__typeof__(&fcntl) next, int fd, int command, va_list list)
{
    void *argument = va_arg(list, void *);

    return fault_due(FAULT_FCNTL, "fcntl", NULL) ? -1 : next(fd, command, argument);
}

int fcntl(int fd, int command, ...)
{
    va_list list;
    NEXT(fcntl);

    va_start(list, command);
    int result = fcntl_with(next, fd, command, list);
    va_end(list);
    return result;
}

int fcntl64(int fd, int command, ...)
{
    va_list list;
    NEXT(fcntl64);

    va_start(list, command);
    int result = fcntl_with(next, fd, command, list);
    va_end(list);
    return result;
}

CALL(FAULT_SOCKET, int, socketpair, (int domain, int type, int protocol, int fds[2]),
     (domain, type, protocol, fds), NULL)
CALL(FAULT_SOCKET, int, socket, (int domain, int type, int protocol), (domain, type, protocol),
     NULL)
CALL(FAULT_SEND, ssize_t, send, (int fd, const void *bytes, size_t size, int flags),
     (fd, bytes, size, flags), NULL)
CALL(FAULT_SEND, ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags),
     (fd, message, flags), NULL)
CALL(FAULT_RECV, ssize_t, recv, (int fd, void *into, size_t size, int flags),
     (fd, into, size, flags), NULL)
CALL(FAULT_RECV, ssize_t, recvmsg, (int fd, struct msghdr *message, int flags),
     (fd, message, flags), NULL)
CALL(FAULT_POLL, int, poll, (struct pollfd * list, nfds_t count, int timeout),
     (list, count, timeout), NULL)
CALL(FAULT_POLL, int, ppoll,
     (struct pollfd * list, nfds_t count, const struct timespec *timeout, const sigset_t *mask),
     (list, count, timeout, mask), NULL)

int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attributes,
                   void *(*run)(void *), void *restrict context)
{
    NEXT(pthread_create);
    return fault_due(FAULT_THREAD, "pthread_create", NULL) ? errno
                                                           : next(thread, attributes, run, context);
}

CALL(FAULT_SETNS, int, setns, (int fd, int type), (fd, type), NULL)
CALL(FAULT_PRIVILEGE, int, setgroups, (size_t count, const gid_t *list), (count, list), NULL)
CALL(FAULT_PRIVILEGE, int, setresuid, (uid_t a, uid_t b, uid_t c), (a, b, c), NULL)
CALL(FAULT_PRIVILEGE, int, setresgid, (gid_t a, gid_t b, gid_t c), (a, b, c), NULL)

int prctl(int option, ...)
{
    unsigned long words[4];
    va_list list;
    NEXT(prctl);

    va_start(list, option);
    for (int i = 0; i < 4; i++)
        words[i] = va_arg(list, unsigned long);
    va_end(list);
    return fault_due(FAULT_PRIVILEGE, "prctl", NULL)
               ? -1
               : next(option, words[0], words[1], words[2], words[3]);
}

CALL(FAULT_PRIVILEGE, int, getresuid, (uid_t * a, uid_t *b, uid_t *c), (a, b, c), NULL)
CALL(FAULT_PRIVILEGE, int, getresgid, (gid_t * a, gid_t *b, gid_t *c), (a, b, c), NULL)
CALL(FAULT_PRIVILEGE, int, getgroups, (int count, gid_t *list), (count, list), NULL)
CALL(FAULT_LIMIT, int, getrlimit, (__rlimit_resource_t what, struct rlimit *limit), (what, limit),
     NULL)
CALL(FAULT_LIMIT, int, setrlimit, (__rlimit_resource_t what, const struct rlimit *limit),
     (what, limit), NULL)
CALL(FAULT_LIMIT, int, uname, (struct utsname * name), (name), NULL)
CALL(FAULT_LIMIT, int, sched_getaffinity, (pid_t pid, size_t size, cpu_set_t *set),
     (pid, size, set), NULL)
CALL(FAULT_SIGNAL, int, sigaction,
     (int number, const struct sigaction *action, struct sigaction *before),
     (number, action, before), NULL)
CALL(FAULT_READ, off_t, lseek, (int fd, off_t to, int whence), (fd, to, whence), NULL)
CALL(FAULT_OTHER, int, name_to_handle_at,
     (int folder, const char *path, struct file_handle *handle, int *mount, int flags),
     (folder, path, handle, mount, flags), path)
CALL(FAULT_CLOSE, int, close_range, (unsigned first, unsigned last, int flags),
     (first, last, flags), NULL)
CALL(FAULT_WAIT, pid_t, waitpid, (pid_t pid, int *status, int flags), (pid, status, flags), NULL)
CALL(FAULT_WAIT, int, waitid, (idtype_t type, id_t id, siginfo_t *info, int flags),
     (type, id, info, flags), NULL)
CALL(FAULT_SLEEP, int, nanosleep, (const struct timespec *time, struct timespec *left),
     (time, left), NULL)

static enum fault_kind kind_of(long number)
{
    switch (number) {
    case SYS_openat2:
        return FAULT_OPEN;
    case SYS_getdents64:
        return FAULT_GETDENTS;
    case SYS_memfd_create:
        return FAULT_MEMFD;
    case SYS_capset:
    case SYS_capget:
        return FAULT_PRIVILEGE;
    case SYS_close_range:
        return FAULT_CLOSE;
    default:
        return FAULT_OTHER;
    }
}

long syscall(long number, ...)
{
    long words[6];
    char name[24];
    va_list list;
    NEXT(syscall);

    va_start(list, number);
    for (int i = 0; i < 6; i++)
        words[i] = va_arg(list, long);
    va_end(list);
    snprintf(name, sizeof(name), "syscall %ld", number);
    return fault_due(kind_of(number), name, number == SYS_openat2 ? (const char *)words[1] : NULL)
               ? -1
               : next(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}

/*
 * Every call of the C library that can fail, failed in turn: what a test does is done again and
 * again, and each time the next call fails, whichever it is. For one test_*.c, whose .link wraps
 * the calls.
 */
#ifndef SOCKQ_TESTS_CALLS_H
#define SOCKQ_TESTS_CALLS_H
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "helper.h"

/* Which call fails. */
static struct {
    bool counts;        /* else all pass */
    const char *name;   /* only calls of this name count; NULL: all */
    long at;            /* this call, counted from 1 */
    long seen;          /* calls so far */
    const char *failed; /* which it was, NULL: none yet */
    int error;          /* and its errno */
    bool interrupted;   /* every other read, write and wait meets a signal first */
    bool odd;
} calls;

static bool call_fails(const char *name, int error)
{
    if (!calls.counts || (calls.name && strcmp(calls.name, name) != 0) || ++calls.seen != calls.at)
        return false;
    calls.failed = name;
    errno = calls.error = error;
    return true;
}

static bool call_interrupted(void)
{
    calls.odd = !calls.odd;
    if (!calls.counts || !calls.interrupted || !calls.odd)
        return false;
    errno = EINTR;
    return true;
}

/* One call: its type and name, parameters, arguments, what it returns when it fails, and why. */
#define FAILING(type, name, parameters, arguments, failure, error)                                 \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        return call_fails(#name, error) ? (type)(failure) : __real_##name arguments;               \
    }

/* The same for one that a signal can interrupt. */
#define WAITING(type, name, parameters, arguments, error)                                          \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        if (call_interrupted() || call_fails(#name, error))                                        \
            return -1;                                                                             \
        return __real_##name arguments;                                                            \
    }

FAILING(void *, malloc, (size_t size), (size), NULL, ENOMEM)
FAILING(void *, calloc, (size_t count, size_t size), (count, size), NULL, ENOMEM)
FAILING(void *, realloc, (void *at, size_t size), (at, size), NULL, ENOMEM)
FAILING(char *, strdup, (const char *text), (text), NULL, ENOMEM)
FAILING(char *, strndup, (const char *text, size_t most), (text, most), NULL, ENOMEM)
FAILING(void *, mmap, (void *at, size_t size, int protection, int flags, int fd, off_t offset),
        (at, size, protection, flags, fd, offset), MAP_FAILED, ENOMEM)
FAILING(int, fstat, (int fd, struct stat *st), (fd, st), -1, EIO)
FAILING(int, fstatat, (int fd, const char *path, struct stat *st, int flags), (fd, path, st, flags),
        -1, EIO)
FAILING(int, ftruncate, (int fd, off_t size), (fd, size), -1, EIO)
FAILING(int, flock, (int fd, int what), (fd, what), -1, ENOLCK)
FAILING(DIR *, opendir, (const char *path), (path), NULL, EMFILE)
FAILING(DIR *, fdopendir, (int fd), (fd), NULL, ENOMEM)
WAITING(ssize_t, read, (int fd, void *at, size_t size), (fd, at, size), EIO)
WAITING(ssize_t, write, (int fd, const void *at, size_t size), (fd, at, size), ENOSPC)
WAITING(ssize_t, pread, (int fd, void *at, size_t size, off_t from), (fd, at, size, from), EIO)

FAILING(int, mkdir, (const char *path, mode_t mode), (path, mode), -1, EROFS)
FAILING(int, fchmod, (int fd, mode_t mode), (fd, mode), -1, EROFS)
FAILING(ssize_t, writev, (int fd, const struct iovec *parts, int count), (fd, parts, count), -1,
        ENOSPC)

int __real_openat(int at, const char *path, int flags, ...);
int __wrap_openat(int at, const char *path, int flags, ...);
int __wrap_openat(int at, const char *path, int flags, ...)
{
    va_list list;

    va_start(list, flags);
    unsigned mode = flags & O_CREAT ? va_arg(list, unsigned) : 0;
    va_end(list);
    return call_fails("openat", EMFILE) ? -1 : __real_openat(at, path, flags, mode);
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    va_list list;

    va_start(list, flags);
    unsigned mode = flags & O_CREAT ? va_arg(list, unsigned) : 0;
    va_end(list);
    return call_fails("open", EMFILE) ? -1 : __real_open(path, flags, mode);
}

/*
 * Do something once for each call that it makes, that call failing.
 *
 * @run     0, or -1 with the errno of what failed; it frees all that it made. Its checks hold
 *          whatever fails.
 * @passes  true if some calls may fail and the answer is whole all the same
 */
static void fail_each_call(int (*run)(void *context), void *context, bool passes)
{
    unsigned failures = 0, times = 0;

    do {
        assert_true(++times < 5000);
        memset(&calls, 0, sizeof(calls));
        calls.at = (long)times;
        calls.counts = true;
        int result = run(context), error = errno;
        calls.counts = false;
        if (!calls.failed)
            assert_int_equal(result, 0);
        else if (result < 0 && error != calls.error)
            fail_msg("%s failed with %s, told was %s", calls.failed, strerror(calls.error),
                     strerror(error));
        else if (result == 0 && !passes)
            fail_msg("%s failed and nothing was told", calls.failed);
        failures += result < 0;
    } while (calls.failed);
    assert_true(failures > 0);
    calls.counts = calls.interrupted = true;
    calls.at = 0;
    assert_int_equal(run(context), 0);
    calls.counts = false;
}

#endif

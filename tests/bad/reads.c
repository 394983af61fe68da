/*
 * A library to preload: reads of regular files are short, interrupted, and fail. What the kernel
 * does rarely, a slow or broken file system often.
 *
 *   SOCKQ_READ_MOST=7     no read gives more bytes
 *   SOCKQ_READ_EINTR=2    every second read is interrupted before it gives anything
 *   SOCKQ_READ_EIO=5000   the file SOCKQ_READ_FILE cannot be read from this byte on
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static size_t most;
static unsigned every;
static off_t broken_at;
static struct stat broken;
static _Thread_local unsigned calls;

static long number(const char *name)
{
    const char *text = getenv(name);

    return text ? strtol(text, NULL, 10) : 0;
}

__attribute__((constructor)) static void start(void)
{
    const char *path = getenv("SOCKQ_READ_FILE");

    most = (size_t)number("SOCKQ_READ_MOST");
    every = (unsigned)number("SOCKQ_READ_EINTR");
    if (path && stat(path, &broken) == 0)
        broken_at = number("SOCKQ_READ_EIO");
}

static ssize_t read_less(int fd, void *into, size_t size)
{
    static ssize_t (*next)(int, void *, size_t);
    struct stat st;

    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "read");
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return next(fd, into, size);
    if (every && ++calls % every == 0) {
        errno = EINTR;
        return -1;
    }
    if (most && size > most)
        size = most;
    if (broken_at && st.st_ino == broken.st_ino && st.st_dev == broken.st_dev) {
        off_t left = broken_at - lseek(fd, 0, SEEK_CUR);
        if (left <= 0) {
            errno = EIO;
            return -1;
        }
        if (size > (size_t)left)
            size = (size_t)left;
    }
    return next(fd, into, size);
}

ssize_t read(int fd, void *into, size_t size)
{
    return read_less(fd, into, size);
}

/* What read is in a program that is fortified. */
ssize_t __read_chk(int fd, void *into, size_t size, size_t room);
ssize_t __read_chk(int fd, void *into, size_t size, size_t room)
{
    if (size > room)
        abort();
    return read_less(fd, into, size);
}

#define _GNU_SOURCE
#include "history.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { LONGEST_LINE = 64 << 10, LARGEST_FILE = 16 << 20 };

static int make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int made = mkdir(path, 0700);
        *slash = '/';
        if (made < 0 && errno != EEXIST)
            return -1;
    }
    return 0;
}

/* Somebody else's folder or file is neither read nor written. */
static int check_owner(int fd, mode_t type)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -1;
    if ((st.st_mode & S_IFMT) != type || st.st_uid != geteuid()) {
        errno = EPERM;
        return -1;
    }
    return 0;
}

bool sockq_history_path(char *path, size_t size)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    int n = -1;

    if (state && state[0] == '/')
        n = snprintf(path, size, "%s/sockq/history", state);
    else if (home && home[0] == '/' && access(home, F_OK) == 0)
        n = snprintf(path, size, "%s/.local/state/sockq/history", home);
    return n > 0 && (size_t)n < size;
}

int sockq_history_open(struct sockq_history_file *file, const char *path, bool privileged)
{
    const int links = privileged ? O_NOFOLLOW : 0;
    char folder[PATH_MAX];
    size_t length = strlen(path);

    file->fd = -1;
    if (path[0] != '/' || length >= sizeof(folder)) {
        errno = path[0] != '/' ? EINVAL : ENAMETOOLONG;
        return -1;
    }
    memcpy(folder, path, length + 1);
    if (make_folders(folder) < 0)
        return -1;
    char *slash = strrchr(folder, '/');
    *slash = '\0';
    int within = open(slash == folder ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | links);
    if (within < 0)
        return -1;
    int fd = -1;
    if (check_owner(within, S_IFDIR) == 0)
        fd = openat(within, slash + 1, O_RDWR | O_APPEND | O_CREAT | O_NONBLOCK | O_CLOEXEC | links,
                    0600);
    int saved = errno;
    close(within);
    if (fd >= 0 && (check_owner(fd, S_IFREG) < 0 || fchmod(fd, 0600) < 0)) {
        saved = errno;
        close(fd);
        fd = -1;
    }
    errno = saved;
    file->fd = fd;
    return fd < 0 ? -1 : 0;
}

/* @return the file's end, LARGEST_FILE at most, with a NUL behind it; NULL with errno; owned */
static char *read_end(int fd, size_t *size, bool *whole)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return NULL;
    *whole = st.st_size <= LARGEST_FILE;
    off_t from = *whole ? 0 : st.st_size - LARGEST_FILE;
    size_t most = (size_t)(st.st_size - from);
    char *text = malloc(most + 1);
    if (!text)
        return NULL;
    *size = 0;
    while (*size < most) {
        ssize_t n = pread(fd, text + *size, most - *size, from + (off_t)*size);
        if (n < 0 && errno != EINTR) {
            free(text);
            return NULL;
        }
        if (n == 0)
            break;
        if (n > 0)
            *size += (size_t)n;
    }
    /* A NUL would hide what follows: no line of ours has one. */
    for (size_t i = 0; i < *size; i++)
        if (text[i] == '\0')
            text[i] = '\n';
    text[*size] = '\0';
    return text;
}

static size_t count_lines(const char *text, size_t size)
{
    size_t count = 0;

    for (size_t i = 0; i < size; i++)
        count += text[i] == '\n';
    return count;
}

/* The text without its first lines, so many that `most` are left. */
static char *last_lines(char *text, size_t count, size_t most)
{
    for (; count > most; count--)
        text = strchr(text, '\n') + 1;
    return text;
}

int sockq_history_load(struct sockq_history_file *file,
                       void (*use)(const char *line, void *context), void *context)
{
    size_t size;
    bool whole;
    int result = 0, error = 0;

    /* While another session cuts the file, this one does not. */
    bool locked = flock(file->fd, LOCK_EX | LOCK_NB) == 0;
    char *text = read_end(file->fd, &size, &whole);
    if (!text)
        return -1;
    size_t count = count_lines(text, size);
    char *kept = last_lines(text, count, SOCKQ_HISTORY_LINES);
    if (locked && (!whole || count > 2 * SOCKQ_HISTORY_LINES)) {
        size_t left = size - (size_t)(kept - text);
        ssize_t n = ftruncate(file->fd, 0);
        if (n == 0)
            do
                n = write(file->fd, kept, left);
            while (n < 0 && errno == EINTR);
        if (n != (ssize_t)left) {
            error = n < 0 ? errno : ENOSPC;
            result = -1;
        }
    }
    if (locked)
        flock(file->fd, LOCK_UN);
    for (char *line = kept, *end; (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        if (end > line && end - line < LONGEST_LINE)
            use(line, context);
    }
    free(text);
    if (result < 0)
        errno = error;
    return result;
}

int sockq_history_append(struct sockq_history_file *file, const char *line, size_t length)
{
    struct iovec parts[] = {{.iov_base = (char *)line, .iov_len = length},
                            {.iov_base = "\n", .iov_len = 1}};

    if (file->fd < 0 || length >= LONGEST_LINE || memchr(line, '\n', length) ||
        memchr(line, '\0', length))
        return 0;
    ssize_t n = writev(file->fd, parts, 2);
    if (n == (ssize_t)length + 1)
        return 0;
    int saved = n < 0 ? errno : ENOSPC;
    sockq_history_close(file);
    errno = saved;
    return -1;
}

void sockq_history_close(struct sockq_history_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
}

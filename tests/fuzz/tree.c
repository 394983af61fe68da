/*
 * The folder in which a fuzzer makes trees.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"

enum { PARTS = 8, PART = 40 };

static char folder[64];
static int tree = -1;

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    return remove(path);
}

static void remove_folder(void)
{
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void put_file(int at, const char *path, const void *text, size_t size)
{
    int fd = openat(at, path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK, 0644);

    if (fd >= 0) {
        FUZZ_CHECK(write(fd, text, size) == (ssize_t)size || errno == ENXIO);
        close(fd);
    }
}

const char *fuzz_folder(void)
{
    struct stat st;
    const char *temporary = getenv("TMPDIR");

    if (*folder)
        return folder;
    if (!temporary || strlen(temporary) > 40)
        temporary = "/tmp";
    snprintf(folder, sizeof(folder), "%s/sockq-fuzz-XXXXXX",
             stat("/dev/shm", &st) == 0 && access("/dev/shm", W_OK) == 0 ? "/dev/shm" : temporary);
    FUZZ_CHECK(mkdtemp(folder));
    int at = open(folder, O_PATH | O_DIRECTORY);
    put_file(at, "outside", FUZZ_SECRET, strlen(FUZZ_SECRET));
    FUZZ_CHECK(mkdirat(at, "tree", 0755) == 0);
    tree = openat(at, "tree", O_PATH | O_DIRECTORY);
    FUZZ_CHECK(tree >= 0);
    close(at);
    atexit(remove_folder);
    return folder;
}

/* The parts of a path that may be made, folders before them made; false if none is left. */
static bool make_path(const char *from, char *path)
{
    char *to = path;
    int parts = 0;

    while (*from && parts < PARTS) {
        size_t length = strcspn(from, "/");
        bool skip = length == 0 || (from[0] == '.' && (length == 1 || from[1] == '.'));
        if (!skip && parts++ > 0) {
            *to = '\0';
            (void)mkdirat(tree, path, 0755);
            *to++ = '/';
        }
        for (size_t i = 0; i < length && i < PART && !skip; i++)
            *to++ = from[i];
        from += length + (from[length] == '/');
    }
    *to = '\0';
    return parts > 0;
}

void fuzz_tree_put(char kind, const char *path, const void *text, size_t size)
{
    char made[PARTS * (PART + 1) + 1], target[256];

    (void)fuzz_folder();
    if (!make_path(path, made))
        return;
    size = kind == '>' && size >= sizeof(target) ? sizeof(target) - 1 : size;
    switch (kind) {
    case '/':
        (void)mkdirat(tree, made, 0755);
        break;
    case '|':
        (void)mknodat(tree, made, S_IFIFO | 0644, 0);
        break;
    case '>':
        memcpy(target, text, size);
        target[size] = '\0';
        /* A name that is there already stays what it is. */
        if (symlinkat(target, tree, made) < 0)
            return;
        break;
    default:
        put_file(tree, made, text, size);
    }
}

static int clear_entry(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)kind;
    return where->level ? remove(path) : 0;
}

void fuzz_tree_clear(void)
{
    char path[sizeof(folder) + 8];

    snprintf(path, sizeof(path), "%s/tree", fuzz_folder());
    FUZZ_CHECK(nftw(path, clear_entry, 16, FTW_DEPTH | FTW_PHYS) == 0);
}

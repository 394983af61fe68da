#define _GNU_SOURCE
#include "cgroups.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "inodes.h"
#include "unix_diag.h"

/* Whoever may make cgroups must not hold up a collection for ever. */
enum { FOLDERS_MOST = 100000, WALKS_MOST = 2, MOUNTS_MOST = 1 << 20 };

/* A folder, and the one that it is in, by their numbers: parents come first. */
struct folder {
    uint64_t id;
    size_t name; /* where it stands in names, with a zero byte behind it */
    uint32_t parent;
};

/* A folder's number, by id. */
struct place {
    uint64_t id;
    uint32_t folder;
};

struct cgroups {
    const struct sockq_proc *proc; /* borrowed */
    struct inodes met;
    struct folder *folders;
    size_t count;
    size_t room;
    char *names;
    size_t names_used;
    size_t names_room;
    struct place *places;
    unsigned walks;
    uint64_t counted; /* of their memory, against the limit of the file */
    uint64_t last;    /* the id that was met last: most sockets are in few cgroups */
};

struct cgroups *cgroups_new(const struct sockq_proc *proc)
{
    struct cgroups *cgroups = calloc(1, sizeof(*cgroups));

    if (cgroups) {
        cgroups->proc = proc;
        cgroups->met.seed = hash_seed_new();
    }
    return cgroups;
}

static void forget(struct cgroups *cgroups)
{
    free(cgroups->folders);
    free(cgroups->names);
    free(cgroups->places);
    cgroups->folders = NULL;
    cgroups->names = NULL;
    cgroups->places = NULL;
    cgroups->count = cgroups->room = cgroups->names_used = cgroups->names_room = 0;
}

void cgroups_free(struct cgroups *cgroups, struct sockq_writer *w)
{
    if (!cgroups)
        return;
    (void)sockq_file_count(w->file, &cgroups->counted, 0);
    forget(cgroups);
    inodes_free(&cgroups->met);
    free(cgroups);
}

/* Blanks and their like stand there as three octal digits (fs/seq_file.c, mangle_path). */
static void unescape(char *path)
{
    char *to = path;

    for (const char *p = path; *p; to++) {
        if (p[0] == '\\' && p[1] >= '0' && p[1] <= '3' && p[2] >= '0' && p[2] <= '7' &&
            p[3] >= '0' && p[3] <= '7') {
            *to = (char)((p[1] - '0') << 6 | (p[2] - '0') << 3 | (p[3] - '0'));
            p += 4;
        } else {
            *to = *p++;
        }
    }
    *to = '\0';
}

static bool is_cgroup2(int fd)
{
    struct statfs fs;

    return fstatfs(fd, &fs) == 0 && (unsigned long)fs.f_type == CGROUP2_SUPER_MAGIC;
}

static int open_folder(int root, const char *path)
{
    int fd =
        openat(root, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    if (fd >= 0 && !is_cgroup2(fd)) {
        close(fd);
        errno = ENOENT;
        return -1;
    }
    return fd;
}

/* Each line: what is mounted, where, the kind, and more. @return -1 with errno (ENOENT: nowhere) */
static int open_mount(char *text)
{
    char *line, *word, *rest;

    errno = ENOENT;
    while ((line = strsep(&text, "\n")) != NULL) {
        rest = line;
        (void)strsep(&rest, " ");
        word = strsep(&rest, " ");
        if (!word || !rest || strncmp(rest, "cgroup2 ", 8) != 0)
            continue;
        unescape(word);
        int fd = open_folder(AT_FDCWD, word);
        if (fd >= 0 || sockq_proc_is_failure(errno))
            return fd;
    }
    return -1;
}

static int open_root(const struct cgroups *cgroups)
{
    char *text = malloc(MOUNTS_MOST + 1);
    ssize_t n = text ? sockq_proc_read(cgroups->proc, "self/mounts", text, MOUNTS_MOST) : -1;
    int fd = -1;

    if (n >= 0) {
        text[n] = '\0';
        fd = open_mount(text);
    }
    int saved = errno;
    free(text);
    errno = saved;
    return fd;
}

static int add(struct cgroups *cgroups, uint64_t id, const char *name, uint32_t parent)
{
    const size_t length = strlen(name) + 1;

    if (unix_reserve(&cgroups->folders, &cgroups->room, cgroups->count + 1, sizeof(struct folder)) <
            0 ||
        unix_reserve(&cgroups->names, &cgroups->names_room, cgroups->names_used + length, 1) < 0)
        return -1;
    memcpy(cgroups->names + cgroups->names_used, name, length);
    cgroups->folders[cgroups->count++] =
        (struct folder){.id = id, .name = cgroups->names_used, .parent = parent};
    cgroups->names_used += length;
    return 0;
}

/* The path below the mount, with a slash at its start. @return its length; 0: it is too long */
static size_t path_of(const struct cgroups *cgroups, uint32_t folder, char path[PATH_MAX])
{
    size_t start = PATH_MAX - 1;

    path[start] = '\0';
    for (; folder; folder = cgroups->folders[folder].parent) {
        const char *name = cgroups->names + cgroups->folders[folder].name;
        const size_t length = strlen(name);
        if (length + 1 > start)
            return 0;
        start -= length;
        memcpy(path + start, name, length);
        path[--start] = '/';
    }
    if (start == PATH_MAX - 1)
        path[--start] = '/';
    memmove(path, path + start, PATH_MAX - start);
    return PATH_MAX - 1 - start;
}

/* @return -1 with errno if this process could not; a folder that is gone is no failure */
static int list(struct cgroups *cgroups, int root, uint32_t number)
{
    char path[PATH_MAX];
    const struct dirent *entry = NULL;
    int fd = path_of(cgroups, number, path) ? open_folder(root, number ? path + 1 : ".") : -1;
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);

    if (!folder) {
        int saved = errno;
        if (fd >= 0)
            close(fd);
        errno = saved;
        return fd >= 0 || sockq_proc_is_failure(saved) ? -1 : 0;
    }
    int result = 0;
    while (result == 0 && cgroups->count < FOLDERS_MOST && (errno = 0, entry = readdir(folder)))
        if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 &&
            strcmp(entry->d_name, "..") != 0)
            result = add(cgroups, entry->d_ino, entry->d_name, number);
    if (result == 0 && cgroups->count < FOLDERS_MOST && sockq_proc_is_failure(errno))
        result = -1;
    int saved = errno;
    closedir(folder);
    errno = saved;
    return result;
}

static int by_id(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    return (x->id > y->id) - (x->id < y->id);
}

static int sort(struct cgroups *cgroups)
{
    if (cgroups->count == 0)
        return 0;
    cgroups->places = calloc(cgroups->count, sizeof(struct place));
    if (!cgroups->places)
        return -1;
    for (size_t i = 0; i < cgroups->count; i++)
        cgroups->places[i] = (struct place){.id = cgroups->folders[i].id, .folder = (uint32_t)i};
    qsort(cgroups->places, cgroups->count, sizeof(struct place), by_id);
    return 0;
}

static int walk(struct cgroups *cgroups)
{
    struct stat st;
    int root = open_root(cgroups);

    cgroups->walks++;
    forget(cgroups);
    if (root < 0)
        return sockq_proc_is_failure(errno) ? -1 : 0;
    int result = fstat(root, &st) < 0 ? -1 : add(cgroups, st.st_ino, "", 0);
    for (uint32_t i = 0; i < cgroups->count && result == 0; i++)
        result = list(cgroups, root, i);
    int saved = errno;
    close(root);
    errno = saved;
    return result == 0 ? sort(cgroups) : -1;
}

static const struct place *find(const struct cgroups *cgroups, uint64_t id)
{
    const struct place key = {.id = id};

    return cgroups->places ? bsearch(&key, cgroups->places, cgroups->count, sizeof(key), by_id)
                           : NULL;
}

static void write_path(struct cgroups *cgroups, struct sockq_writer *w, const struct place *place)
{
    char path[PATH_MAX];
    const size_t length = path_of(cgroups, place->folder, path);
    uint64_t offset;

    if (!length)
        return;
    const uint64_t text = sockq_writer_bytes(w, path, length);
    struct sockq_cgroup *kept = sockq_writer_alloc(w, sizeof(*kept), &offset);
    if (!text || !kept)
        return;
    /* In front of those that a reader may look at. */
    *kept = (struct sockq_cgroup){
        .next = w->cgroups, .id = place->id, .path = text, .path_len = (uint32_t)length};
    w->cgroups = offset;
}

void cgroups_meet(struct cgroups *cgroups, struct sockq_writer *w, uint64_t id)
{
    const struct place *place;
    bool before;

    if (id == 0 || id == cgroups->last || w->error)
        return;
    cgroups->last = id;
    if (inodes_add(&cgroups->met, id, &before) < 0) {
        w->error = errno;
        return;
    }
    if (before)
        return;
    while (!(place = find(cgroups, id)) && cgroups->walks < WALKS_MOST) {
        if (walk(cgroups) < 0 ||
            sockq_file_count(w->file, &cgroups->counted,
                             cgroups->names_room + cgroups->room * sizeof(struct folder) +
                                 cgroups->count * sizeof(struct place)) < 0) {
            w->error = errno;
            return;
        }
    }
    if (place)
        write_path(cgroups, w, place);
}

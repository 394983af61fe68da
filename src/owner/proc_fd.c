#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../scan.h"
#include "index.h"

enum {
    PROGRAM_MOST = 4096,
    CGROUP_MOST = 8192,
    CHECK_EVERY = 64,
    ODD_PID = 1,
    ODD_FD = 2,
    ODD_LINK = 4
};

struct walk {
    const struct sockq_proc *proc;
    struct sockq_writer *w;
    struct owner_index *index;
    bool cgroups;
};

int owner_link_inode(const char *text, size_t length, uint64_t *inode, bool *old)
{
    const char *end = text + length, *p;

    if (length > 9 && memcmp(text, "socket:[", 8) == 0 && end[-1] == ']') {
        *old = false;
        p = text + 8;
        end--;
    } else if (length > 7 && memcmp(text, "[0000]:", 7) == 0) {
        *old = true;
        p = text + 7;
    } else {
        return -1;
    }
    for (const char *c = p; c < end; c++)
        if (*c < '0' || *c > '9')
            return -1;
    return scan_u64(p, end, inode) == end ? 0 : -2;
}

/* A pid or descriptor as the kernel spells it: no sign, no leading zero, at most 31 bits. */
static bool parse_id(const char *name, uint32_t *id)
{
    const char *end = name + strlen(name);

    return (name[0] != '0' || name[1] == '\0') && scan_u32(name, end, id) == end &&
           *id <= INT32_MAX;
}

static size_t read_text(const struct walk *walk, uint32_t pid, const char *file, char *buffer,
                        size_t size, bool *readable)
{
    char path[64];
    snprintf(path, sizeof(path), "%" PRIu32 "/%s", pid, file);
    ssize_t n = sockq_proc_read(walk->proc, path, buffer, size);

    *readable = n >= 0;
    return n < 0 ? 0 : (size_t)n;
}

/*
 * The program's name: argv[0], without its folders if it is an absolute path (net-tools 2.10
 * netstat.c, prg_cache_load, does the same); comm where cmdline is empty.
 */
static void name_process(const struct walk *walk, uint32_t pid, struct sockq_process *process)
{
    char text[PROGRAM_MOST];
    bool readable;
    size_t length = read_text(walk, pid, "cmdline", text, sizeof(text), &readable);
    size_t name = strnlen(text, length), start = 0;

    if (!readable)
        process->flags |= SOCKQ_PROCESS_NO_CMDLINE;
    if (name > 0) {
        const char *slash = text[0] == '/' ? memrchr(text, '/', name) : NULL;
        start = slash ? (size_t)(slash + 1 - text) : 0;
        while (length > name && text[length - 1] == '\0')
            length--;
        process->cmdline_len = (uint32_t)length;
        process->cmdline = sockq_writer_bytes(walk->w, text, length);
    } else {
        process->flags |= SOCKQ_PROCESS_COMM;
        name = read_text(walk, pid, "comm", text, 65, &readable);
        if (name > 0 && text[name - 1] == '\n')
            name--;
        if (name == 65)
            name = 64;
        if (!readable)
            return;
    }
    process->program_len = (uint32_t)(name - start);
    process->program = sockq_writer_bytes(walk->w, text + start, name - start);
}

static void name_cgroup(const struct walk *walk, uint32_t pid, struct sockq_process *process)
{
    char text[CGROUP_MOST];
    bool readable;
    size_t length = read_text(walk, pid, "cgroup", text, sizeof(text), &readable);

    if (length == 0)
        return;
    process->cgroup_len = (uint32_t)length;
    process->cgroup = sockq_writer_bytes(walk->w, text, length);
}

/* The process record, made when the first socket of a process is met. */
static uint64_t make_process(const struct walk *walk, uint32_t pid)
{
    struct sockq_process process = {.pid = pid};
    uint64_t offset = 0;

    name_process(walk, pid, &process);
    if (walk->cgroups)
        name_cgroup(walk, pid, &process);
    struct sockq_process *kept = sockq_writer_alloc(walk->w, sizeof(process), &offset);
    if (kept)
        *kept = process;
    return offset;
}

/* What only a damaged capture holds, noted once a tree. */
static void note_odd(const struct walk *walk, uint32_t what)
{
    if (!walk->proc->live)
        walk->w->set->owners.odd |= what;
}

/* A process that ended in between can answer EACCES as well: it is then no refusal. */
static bool is_refusal(const struct walk *walk, uint32_t pid)
{
    char path[16];

    if (errno != EACCES && errno != EPERM)
        return false;
    snprintf(path, sizeof(path), "%" PRIu32, pid);
    return faccessat(walk->proc->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int walk_fds(const struct walk *walk, uint32_t pid, DIR *folder)
{
    struct sockq_owner_info *info = &walk->w->set->owners;
    uint64_t process = 0;
    struct dirent *entry;
    bool shut = false;
    char text[64];

    while ((entry = readdir(folder)) != NULL) {
        uint32_t fd;
        uint64_t inode;
        bool old;
        if (!parse_id(entry->d_name, &fd))
            continue;
        if (entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN) {
            note_odd(walk, ODD_FD);
            continue;
        }
        ssize_t n = readlinkat(dirfd(folder), entry->d_name, text, sizeof(text));
        if (n < 0 && !shut && is_refusal(walk, pid)) {
            shut = true;
            info->shut++;
        }
        if (n < 0 || n == sizeof(text))
            continue;
        int result = owner_link_inode(text, (size_t)n, &inode, &old);
        if (result == -2)
            note_odd(walk, ODD_LINK);
        if (result != 0 || (inode == 0 && !old))
            continue;
        if (walk->proc->live &&
            (inode == walk->proc->own_inodes[0] || inode == walk->proc->own_inodes[1]))
            continue;
        info->sockets++;
        if (!process && (process = make_process(walk, pid)) == 0)
            return -1;
        if (owner_index_add(walk->index, inode, process, fd, old) < 0) {
            walk->w->error = errno;
            return -1;
        }
    }
    return 0;
}

static int walk_process(const struct walk *walk, uint32_t pid)
{
    struct sockq_owner_info *info = &walk->w->set->owners;
    char path[32];
    snprintf(path, sizeof(path), "%" PRIu32 "/fd", pid);
    int fd = sockq_proc_openat(walk->proc, path, O_DIRECTORY);

    info->processes++;
    if (fd < 0) {
        if (is_refusal(walk, pid))
            info->refused++;
        return 0;
    }
    DIR *folder = fdopendir(fd);
    if (!folder) {
        walk->w->error = errno;
        close(fd);
        return -1;
    }
    int result = walk_fds(walk, pid, folder);
    closedir(folder);
    return result;
}

struct owner_index *owner_index_read(const struct sockq_proc *proc, struct sockq_writer *w,
                                     bool cgroups, bool (*check)(void *), void *context)
{
    struct walk walk = {.proc = proc, .w = w, .cgroups = cgroups};
    struct dirent *entry;
    unsigned seen = 0;
    DIR *folder = NULL;

    walk.index = owner_index_new();
    if (!walk.index) {
        w->error = errno;
        return NULL;
    }
    int fd = sockq_proc_openat(proc, ".", O_DIRECTORY);
    if (fd >= 0 && !(folder = fdopendir(fd)))
        close(fd);
    if (!folder) {
        w->set->owners.error = errno;
        w->set->owners.done = 1;
        return walk.index;
    }
    while ((entry = readdir(folder)) != NULL) {
        uint32_t pid;
        if (!parse_id(entry->d_name, &pid) || pid == 0)
            continue;
        if (proc->live && (pid_t)pid == proc->own_child)
            continue;
        if (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN) {
            note_odd(&walk, ODD_PID);
            continue;
        }
        if (walk_process(&walk, pid) < 0)
            break;
        if (++seen % CHECK_EVERY == 0 && check(context))
            break;
    }
    closedir(folder);
    w->set->owners.zero = owner_index_find(walk.index, w, 0);
    w->set->owners.done = 1;
    if (w->error) {
        owner_index_free(walk.index);
        return NULL;
    }
    return walk.index;
}

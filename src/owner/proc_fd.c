#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../scan.h"
#include "pass.h"

enum {
    /* Bytes of folder entries a portion, and the fewest that one entry takes. */
    PORTION = 16 << 10,
    LEAST_ENTRY = 24,
    FIRST_TARGETS = 256,
    /* Of the folder of processes, between two checks. */
    CHECK_PORTIONS = 16,
    ODD_PID = 1,
    ODD_FD = 2,
    ODD_LINK = 4,
    ODD_FILE = 8,
    ODD_CGROUP = 32
};

/* What a portion of a folder holds. */
struct portion {
    uint32_t count;
    uint32_t links; /* of any file */
    uint64_t inodes[PORTION / LEAST_ENTRY];
    uint32_t fds[PORTION / LEAST_ENTRY];
};

/* For getdents64. */
union entries {
    char bytes[PORTION];
    struct dirent64 first;
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

/* What only a damaged capture holds, noted once a tree. */
static void note_odd(const struct sockq_proc *proc, struct sockq_owner_info *info, uint32_t what)
{
    if (!proc->live)
        info->odd |= what;
}

static int add_target(struct owner_pass *pass, uint32_t pid, uint32_t leader, uint32_t *room)
{
    if (pass->count == *room) {
        uint32_t more = *room ? *room * 2 : FIRST_TARGETS;
        struct owner_target *targets = realloc(pass->targets, more * sizeof(*targets));
        if (!targets)
            return -1;
        pass->targets = targets;
        *room = more;
    }
    pass->targets[pass->count++] = (struct owner_target){.pid = pid, .leader = leader};
    return 0;
}

/* The other threads of a process, in the order of their folder; ss reads those at PID/fd as well.
 */
static int list_threads(struct owner_pass *pass, struct sockq_owner_info *info, uint32_t pid,
                        uint32_t *room)
{
    union entries entries;
    const struct dirent64 *entry;
    char path[32];
    uint32_t id;
    ssize_t size;
    int result = 0;

    snprintf(path, sizeof(path), "%" PRIu32 "/task", pid);
    int folder = sockq_proc_openat(pass->proc, path, O_DIRECTORY);
    if (folder < 0) {
        if (sockq_proc_is_failure(errno))
            owner_note_failure(info, errno);
        return 0;
    }
    while (result == 0 && (size = getdents64(folder, &entries, sizeof(entries))) > 0)
        for (ssize_t at = 0; at < size && result == 0; at += entry->d_reclen) {
            entry = (const void *)(entries.bytes + at);
            if (parse_id(entry->d_name, &id) && id != pid)
                result = add_target(pass, id, pid, room);
        }
    if (size < 0 && sockq_proc_is_failure(errno))
        owner_note_failure(info, errno);
    close(folder);
    return result;
}

static int list_portion(struct owner_pass *pass, struct sockq_owner_info *info,
                        const union entries *entries, ssize_t size, uint32_t *room)
{
    const struct sockq_proc *proc = pass->proc;
    const struct dirent64 *entry;
    uint32_t pid;

    for (ssize_t at = 0; at < size; at += entry->d_reclen) {
        entry = (const void *)(entries->bytes + at);
        if (!parse_id(entry->d_name, &pid) || pid == 0)
            continue;
        if (sockq_proc_is_own_child(proc, pid))
            continue;
        if (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN)
            note_odd(proc, info, ODD_PID);
        else if (add_target(pass, pid, 0, room) < 0 ||
                 (pass->flags & SOCKQ_WITH_THREADS && list_threads(pass, info, pid, room) < 0))
            return -1;
    }
    return 0;
}

int owner_pass_list(struct owner_pass *pass, struct sockq_owner_info *info)
{
    union entries entries;
    uint32_t room = 0, portions = 0;
    ssize_t size;
    int folder = sockq_proc_openat(pass->proc, ".", O_DIRECTORY);

    if (folder < 0) {
        info->error = errno;
        return 0;
    }
    while ((size = getdents64(folder, &entries, sizeof(entries))) > 0) {
        if (list_portion(pass, info, &entries, size, &room) < 0) {
            close(folder);
            errno = ENOMEM;
            return -1;
        }
        if (++portions % CHECK_PORTIONS == 0 && pass->check(pass->context)) {
            atomic_store(&pass->stop, true);
            break;
        }
    }
    if (size < 0)
        info->error = errno;
    close(folder);
    return 0;
}

/*
 * Of this user's own processes those that end, or have ended and are not waited for, are shut as
 * well: they hold nothing, or their other threads do. /proc/PID/stat, behind comm: the state, and
 * as the seventh the flags, in which include/linux/sched.h has PF_EXITING.
 */
static bool has_ended(const struct sockq_proc *proc, uint32_t pid)
{
    enum { STAT_MOST = 512, FLAGS_BEHIND = 7, PF_EXITING = 4 };
    char path[32], text[STAT_MOST];
    uint32_t flags;

    snprintf(path, sizeof(path), "%" PRIu32 "/stat", pid);
    ssize_t n = sockq_proc_read(proc, path, text, sizeof(text));
    const char *end = text + n, *p = n > 0 ? memrchr(text, ')', (size_t)n) : NULL;

    if (n < 0)
        return true;
    if (p && end - p > 2 && (p[2] == 'Z' || p[2] == 'X'))
        return true;
    for (int field = 0; p && field < FLAGS_BEHIND; field++) {
        p = memchr(p, ' ', (size_t)(end - p));
        p = p ? p + 1 : NULL;
    }
    return p && scan_u32(p, end, &flags) && flags & PF_EXITING;
}

/* A process that ended in between can answer EACCES as well: it is then no refusal. */
static bool is_refusal(const struct sockq_proc *proc, int error, uint32_t pid)
{
    char path[16];
    struct stat st;

    if (error != EACCES && error != EPERM)
        return false;
    snprintf(path, sizeof(path), "%" PRIu32, pid);
    if (fstatat(proc->fd, path, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return false;
    return !proc->live || st.st_uid != geteuid() || !has_ended(proc, pid);
}

void owner_target_path(const struct owner_target *target, char *path, size_t room)
{
    if (target->thread)
        snprintf(path, room, "%" PRIu32 "/task/%" PRIu32 "/fd", target->pid, target->thread);
    else
        snprintf(path, room, "%" PRIu32 "/fd", target->pid);
}

static void note_failure(struct owner_worker *self, int error)
{
    if (sockq_proc_is_failure(error))
        owner_note_failure(&self->info, error);
}

static void fail(struct owner_pass *pass, int error)
{
    atomic_store(&pass->error, error);
    atomic_store(&pass->stop, true);
}

/*
 * Take the next process and open its folder. The lock is held for both, so that a thread that finds
 * the list empty and then takes the lock knows what there is to help with.
 *
 * @return  false if none was left
 */
static bool take_process(struct owner_worker *self)
{
    struct owner_pass *pass = self->pass;
    char path[48];

    pthread_mutex_lock(&self->lock);
    uint32_t at = atomic_load(&pass->next);
    if (at < pass->count)
        at = atomic_fetch_add(&pass->next, 1);
    if (at < pass->count) {
        self->target = &pass->targets[at];
        self->order = 0;
        self->named = self->shut = false;
        owner_target_path(self->target, path, sizeof(path));
        self->folder = sockq_proc_openat(pass->proc, path, O_DIRECTORY);
        self->ended = self->folder < 0;
        self->info.processes++;
        int error = self->ended ? errno : 0;
        note_failure(self, error);
        self->target->refused = is_refusal(pass->proc, error, self->target->pid);
        self->info.refused += self->target->refused;
    }
    pthread_mutex_unlock(&self->lock);
    return at < pass->count;
}

/* Something of a process may not be read, as `error` may say; asked and counted once a process. */
static void note_if_shut(struct owner_worker *self, struct owner_worker *folder, int error)
{
    if (error == 0)
        return;
    pthread_mutex_lock(&folder->lock);
    if (!folder->shut && is_refusal(self->pass->proc, error, folder->target->pid)) {
        self->info.shut++;
        folder->shut = true;
        /* A later look would find no more. */
        folder->target->refused = true;
    }
    pthread_mutex_unlock(&folder->lock);
}

/* Read one link; `folder` is the worker whose folder it is in. */
static void read_link(struct owner_worker *self, struct owner_worker *folder,
                      const struct dirent64 *entry, struct portion *portion)
{
    const struct sockq_proc *proc = self->pass->proc;
    uint64_t inode;
    uint32_t fd;
    char text[64];
    bool old;

    if (!parse_id(entry->d_name, &fd))
        return;
    if (entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN) {
        note_odd(proc, &self->info, ODD_FD);
        return;
    }
    ssize_t n = readlinkat(folder->folder, entry->d_name, text, sizeof(text));
    int error = n < 0 ? errno : 0;
    self->links++;
    note_failure(self, error);
    note_if_shut(self, folder, error);
    portion->links += n >= 0;
    if (n < 0 || n == sizeof(text))
        return;
    int result = owner_link_inode(text, (size_t)n, &inode, &old);
    if (result == -2)
        note_odd(proc, &self->info, ODD_LINK);
    if (result != 0 || (inode == 0 && !old))
        return;
    if (sockq_proc_is_own_inode(proc, inode))
        return;
    portion->inodes[portion->count] = inode;
    portion->fds[portion->count++] = fd | (old ? OWNER_OLD_LINK : 0);
}

static struct owner_piece *keep_portion(struct owner_worker *self, const struct portion *portion,
                                        uint32_t order)
{
    const size_t inodes = portion->count * sizeof(portion->inodes[0]);
    const size_t fds = portion->count * sizeof(portion->fds[0]);
    struct owner_piece *piece = pile_take(&self->pile, sizeof(*piece) + inodes + fds);

    if (!piece)
        return NULL;
    *piece = (struct owner_piece){.order = order, .count = portion->count};
    memcpy(piece->inodes, portion->inodes, inodes);
    memcpy(piece->inodes + portion->count, portion->fds, fds);
    self->info.sockets += portion->count;
    return piece;
}

/* The first thread that finds a socket of a process reads what the process is. */
static int name_process(struct owner_worker *self, struct owner_worker *folder)
{
    struct owner_target *target = folder->target;

    pthread_mutex_lock(&folder->lock);
    bool named = folder->named;
    folder->named = true;
    pthread_mutex_unlock(&folder->lock);
    if (named)
        return 0;
    target->process = owner_process_read(self->pass->proc, target->pid, folder->folder,
                                         self->pass->flags, &self->pile);
    if (!target->process)
        return -1;
    if (target->leader) {
        target->process->record.pid = target->leader;
        target->process->record.thread = target->pid;
    }
    if (target->process->odd)
        note_odd(self->pass->proc, &self->info, ODD_FILE);
    if (target->process->no_cgroup)
        note_odd(self->pass->proc, &self->info, ODD_CGROUP);
    if (target->process->error)
        owner_note_failure(&self->info, target->process->error);
    note_if_shut(self, folder, target->process->refused ? EACCES : 0);
    target->gone = self->pass->proc->live && target->process->nameless && !target->process->error;
    return 0;
}

static void close_unused(struct owner_worker *folder)
{
    if (folder->ended && folder->users == 0 && folder->folder >= 0) {
        close(folder->folder);
        folder->folder = -1;
    }
}

/* @return the size of the portion read, 0 at the folder's end */
static ssize_t take_portion(struct owner_worker *self, struct owner_worker *folder,
                            union entries *entries, uint32_t *order)
{
    ssize_t size = 0;

    pthread_mutex_lock(&folder->lock);
    if (!folder->ended)
        size = getdents64(folder->folder, entries, sizeof(*entries));
    if (size < 0)
        note_failure(self, errno);
    *order = folder->order++;
    if (size > 0)
        folder->users++;
    else
        folder->ended = true;
    close_unused(folder);
    pthread_mutex_unlock(&folder->lock);
    return size > 0 ? size : 0;
}

/* Portions are done out of turn, though hardly ever by more than there are threads. */
static void give_back(struct owner_worker *folder, struct owner_piece *piece, uint32_t links)
{
    pthread_mutex_lock(&folder->lock);
    folder->target->links += links;
    if (piece) {
        struct owner_piece **at = &folder->target->last;
        while (*at && (*at)->order > piece->order)
            at = &(*at)->before;
        piece->before = *at;
        *at = piece;
    }
    folder->users--;
    close_unused(folder);
    pthread_mutex_unlock(&folder->lock);
}

/* Read a portion of a worker's folder. @return false if there was none */
static bool read_portion(struct owner_worker *self, struct owner_worker *folder)
{
    struct owner_piece *piece = NULL;
    const struct dirent64 *entry;
    struct portion portion;
    union entries entries;
    uint32_t order;
    ssize_t size = take_portion(self, folder, &entries, &order);

    if (size == 0)
        return false;
    portion.count = portion.links = 0;
    for (ssize_t at = 0; at < size; at += entry->d_reclen) {
        entry = (const void *)(entries.bytes + at);
        read_link(self, folder, entry, &portion);
    }
    if (portion.count > 0 &&
        (name_process(self, folder) < 0 || !(piece = keep_portion(self, &portion, order))))
        fail(self->pass, errno);
    give_back(folder, piece, portion.links);
    return true;
}

static void read_folder(struct owner_worker *self, struct owner_worker *folder)
{
    struct owner_pass *pass = self->pass;
    bool more = true;

    while (more && !atomic_load(&pass->stop)) {
        more = read_portion(self, folder);
        if (self == pass->workers)
            pass->lead(pass);
    }
}

void owner_pass_work(struct owner_worker *self)
{
    struct owner_pass *pass = self->pass;
    unsigned place = (unsigned)(self - pass->workers);

    while (!atomic_load(&pass->stop) && take_process(self))
        read_folder(self, self);
    for (unsigned i = 1; i < pass->most; i++)
        read_folder(self, &pass->workers[(place + i) % pass->most]);
}

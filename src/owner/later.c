#define _GNU_SOURCE
#include "later.h"

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

/* However many sockets without owner there are, and for each of them. */
enum { LOOKS_MOST = 24, LOOKS_EACH = 8 };

/* Where each look reads all processes again. */
enum { LOOKS_AT_ALL = 2 };

/* fs/proc/base.c, proc_task_getattr: a folder of threads has two links and one more a thread. */
enum { LINKS_OF_ONE_THREAD = 3 };

struct later {
    struct owner_more more;
    const struct sockq_proc *proc;
    uint32_t flags;
    unsigned most; /* threads */
    bool (*check)(void *);
    void *context;
    struct owner_target *seen; /* each process as it was last read, in the order of /proc: by pid */
    uint32_t count;
    struct owner_index *found[LOOKS_MOST];
    unsigned looks;
    unsigned looks_most;
    bool settled; /* at the last look nothing had changed */
};

/* Some thread besides the first, 0 if there is none. */
static uint32_t other_thread(const struct later *later, uint32_t pid)
{
    char path[32];
    const struct dirent *entry;
    uint32_t thread = 0, id;

    snprintf(path, sizeof(path), "%" PRIu32 "/task", pid);
    int fd = sockq_proc_openat(later->proc, path, O_DIRECTORY);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (!folder) {
        if (fd >= 0)
            close(fd);
        return 0;
    }
    while ((entry = readdir(folder)) != NULL) {
        const char *end = entry->d_name + strlen(entry->d_name);
        if (scan_u32(entry->d_name, end, &id) == end && id != pid)
            thread = id;
    }
    closedir(folder);
    return thread;
}

/* Whether a process that was read is to be read again. */
static bool has_changed(const struct later *later, struct owner_target *target)
{
    char path[48];
    struct stat st;

    if (target->refused)
        return false;
    snprintf(path, sizeof(path), "%" PRIu32 "/task", target->pid);
    if (target->links == 0 && !target->thread && fstatat(later->proc->fd, path, &st, 0) == 0 &&
        st.st_nlink > LINKS_OF_ONE_THREAD)
        target->thread = other_thread(later, target->pid);
    owner_target_path(target, path, sizeof(path));
    /* Its size is the number of descriptors since Linux 6.2, before that 0. */
    return fstatat(later->proc->fd, path, &st, 0) == 0 &&
           (st.st_size < 0 || (uint64_t)st.st_size != target->links);
}

/* What there is now, with what is known of it; in `chosen` whether it is to be read. */
static uint32_t choose(struct later *later, struct owner_pass *now, bool *chosen)
{
    uint32_t number = 0;

    for (uint32_t i = 0, at = 0; i < now->count; i++) {
        while (at < later->count && later->seen[at].pid < now->targets[i].pid)
            at++;
        chosen[i] = true;
        if (at < later->count && later->seen[at].pid == now->targets[i].pid) {
            now->targets[i] = later->seen[at];
            chosen[i] = has_changed(later, &now->targets[i]);
        }
        number += chosen[i];
    }
    return number;
}

/* The newest first: they may live the shortest. */
static void read_chosen(struct later *later, struct owner_pass *now, const bool *chosen,
                        struct owner_pass *pass, struct sockq_writer *w)
{
    struct sockq_owner_info info = {0};
    uint32_t at = 0;

    for (uint32_t i = now->count; i-- > 0;)
        if (chosen[i])
            pass->targets[at++] =
                (struct owner_target){.pid = now->targets[i].pid, .thread = now->targets[i].thread};
    if (owner_pass_run(pass, &info) == 0)
        later->found[later->looks] = owner_pass_index(pass, w, info.sockets);
    if (info.error)
        owner_note_failure(&w->set->owners, info.error);
    if (!later->found[later->looks])
        w->error = errno;
    at = 0;
    for (uint32_t i = now->count; i-- > 0;)
        if (chosen[i])
            now->targets[i] = pass->targets[at++];
    owner_pass_free(pass);
}

static void look(struct later *later, struct sockq_writer *w)
{
    struct sockq_owner_info info = {0};
    struct owner_pass *pass = calloc(2, sizeof(*pass)), *now = pass + 1;
    bool *chosen = NULL;

    if (!pass) {
        w->error = errno;
        return;
    }
    for (int i = 0; i < 2; i++) {
        pass[i].proc = later->proc;
        pass[i].flags = later->flags;
        pass[i].most = later->most;
        pass[i].check = later->check;
        pass[i].context = later->context;
    }
    int listed = owner_pass_list(now, &info);
    if (info.error)
        owner_note_failure(&w->set->owners, info.error);
    if (listed < 0 || !(chosen = calloc(now->count + 1, sizeof(*chosen)))) {
        w->error = errno;
    } else {
        pass->count = choose(later, now, chosen);
        pass->targets = calloc(pass->count + 1, sizeof(*pass->targets));
        if (pass->targets)
            read_chosen(later, now, chosen, pass, w);
        else
            w->error = errno;
        later->settled = pass->count == 0;
        later->looks++;
        free(later->seen);
        later->seen = now->targets;
        later->count = now->count;
        now->targets = NULL;
    }
    free(chosen);
    free(pass->targets);
    free(now->targets);
    free(pass);
}

static uint64_t find(struct owner_more *more, struct sockq_writer *w, uint64_t inode)
{
    struct later *later = (struct later *)more;
    unsigned before = later->looks;
    uint64_t owner = 0;

    for (unsigned i = 0; !owner && !w->error; i++) {
        if (i == later->looks) {
            if (later->settled || i == later->looks_most || i == before + LOOKS_EACH)
                return 0;
            look(later, w);
        }
        if (!w->error)
            owner = owner_index_find(later->found[i], w, inode);
    }
    return owner;
}

static void release(struct owner_more *more)
{
    struct later *later = (struct later *)more;

    for (unsigned i = 0; i < later->looks; i++)
        owner_index_free(later->found[i]);
    free(later->seen);
    free(later);
}

/* Before Linux 6.2 a folder of descriptors does not tell their number (fs/proc/fd.c). */
static bool tells_number(const struct sockq_proc *proc)
{
    struct stat st;

    return fstatat(proc->fd, "self/fd", &st, 0) < 0 || st.st_size != 0;
}

/* Threads are not looked at again: what they hold beyond their process's is rare. */
static void leave_out_threads(struct owner_pass *pass)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < pass->count; i++)
        if (!pass->targets[i].leader)
            pass->targets[kept++] = pass->targets[i];
    pass->count = kept;
}

int owner_later_add(struct owner_index *index, struct owner_pass *pass)
{
    struct later *later = calloc(1, sizeof(*later));

    if (!later)
        return -1;
    leave_out_threads(pass);
    *later = (struct later){.more = {.find = find, .free = release},
                            .proc = pass->proc,
                            .flags = pass->flags & ~(uint32_t)SOCKQ_WITH_THREADS,
                            .most = pass->most,
                            .check = pass->check,
                            .context = pass->context,
                            .looks_most = tells_number(pass->proc) ? LOOKS_MOST : LOOKS_AT_ALL,
                            .seen = pass->targets,
                            .count = pass->count};
    pass->targets = NULL;
    pass->count = 0;
    owner_index_set_more(index, &later->more);
    return 0;
}

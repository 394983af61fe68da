/* The processes of a /proc by their namespaces. */
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
#include "netns.h"

int netns_inode(const struct sockq_proc *proc, uint32_t pid, uint64_t *inode)
{
    const char *last = proc->live ? "/net" : "";
    char path[32], text[64];
    int folder = proc->fd;

    if (pid)
        snprintf(path, sizeof(path), "%" PRIu32 "/ns%s", pid, last);
    else
        snprintf(path, sizeof(path), "self/ns%s", last);
    /* In a captured tree no link on the way may lead out of it. */
    if (!proc->live && (folder = sockq_proc_openat(proc, path, O_DIRECTORY)) < 0)
        return -1;
    ssize_t n = readlinkat(folder, proc->live ? path : "net", text, sizeof(text));
    int saved = errno;
    if (!proc->live)
        close(folder);
    errno = n < 0 ? saved : EINVAL;
    /* "net:[4026531840]" (fs/nsfs.c, ns_get_name) */
    if (n < 7 || memcmp(text, "net:[", 5) != 0 || text[n - 1] != ']' ||
        scan_u64(text + 5, text + n, inode) != text + n - 1)
        return -1;
    return *inode && *inode < NETNS_MARK ? 0 : -1;
}

int netns_mark(const struct sockq_proc *proc, uint32_t pid, uint64_t *mark)
{
    char path[32];
    struct stat st;

    snprintf(path, sizeof(path), "%" PRIu32 "/net/dev", pid);
    if (fstatat(proc->fd, path, &st, 0) < 0)
        return -1;
    *mark = NETNS_MARK | (uint64_t)st.st_ino;
    return 0;
}

int netns_id(const struct sockq_proc *proc, uint32_t pid, uint64_t *id)
{
    if (netns_inode(proc, pid, id) == 0)
        return 0;
    return proc->live && (errno == EACCES || errno == EPERM) ? netns_mark(proc, pid, id) : -1;
}

/* Folders of processes are named by pids as the kernel spells them. */
static bool parse_pid(const char *name, uint32_t *pid)
{
    const char *end = name + strlen(name);

    return name[0] != '0' && scan_u32(name, end, pid) == end && *pid <= INT32_MAX;
}

static int add_member(struct netns_list *list, uint64_t id, uint32_t pid)
{
    if (list->member_count == list->member_room) {
        size_t room = list->member_room ? list->member_room * 2 : 256;
        struct netns_member *more = realloc(list->members, room * sizeof(*more));
        if (!more)
            return -1;
        list->members = more;
        list->member_room = room;
    }
    list->members[list->member_count++] = (struct netns_member){.id = id, .seen = id, .pid = pid};
    return 0;
}

static int compare_members(const void *a, const void *b)
{
    const struct netns_member *x = a, *y = b;

    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    return (x->pid > y->pid) - (x->pid < y->pid);
}

static void sort_members(struct netns_list *list)
{
    if (list->member_count)
        qsort(list->members, list->member_count, sizeof(*list->members), compare_members);
}

size_t netns_member_find(const struct netns_list *list, uint64_t id, uint32_t above)
{
    size_t low = 0, high = list->member_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct netns_member *member = &list->members[middle];
        if (member->id < id || (member->id == id && member->pid <= above))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool netns_member_is(const struct netns_list *list, size_t i, uint64_t id)
{
    return i < list->member_count && list->members[i].id == id;
}

bool netns_list_has(const struct netns_list *list, uint64_t inode)
{
    return netns_member_is(list, netns_member_find(list, inode, 0), inode);
}

/* The first of those from `from` on, in the order of what was seen of them, with no less than
 * `seen`. */
static size_t first_seen(const struct netns_list *list, size_t from, uint64_t seen)
{
    size_t low = from, high = list->member_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list->members[middle].seen < seen)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/*
 * Those that are known by a mark only, behind all others, are of the namespace of one whose link
 * may be read if that has the same mark.
 */
static void join_marked(struct netns_list *list)
{
    const size_t marked = netns_member_find(list, NETNS_MARK, 0);
    uint64_t mark;

    if (marked == list->member_count)
        return;
    for (size_t i = 0; i < marked; i++) {
        if (i > 0 && list->members[i].id == list->members[i - 1].id)
            continue;
        if (netns_mark(list->proc, list->members[i].pid, &mark) < 0)
            continue;
        for (size_t k = first_seen(list, marked, mark);
             k < list->member_count && list->members[k].seen == mark; k++)
            list->members[k].id = list->members[i].id;
    }
    sort_members(list);
}

/* Between two checks. */
enum { CHECK_ENTRIES = 1024 };

int netns_members_read(struct netns_list *list)
{
    const struct sockq_proc *proc = list->proc;
    DIR *folder = NULL;
    struct dirent *entry;
    int fd = sockq_proc_openat(proc, ".", O_DIRECTORY), result = 0;
    unsigned seen = 0;

    if (fd >= 0 && !(folder = fdopendir(fd)))
        close(fd);
    if (!folder)
        return -1;
    while (result == 0 && (errno = 0, entry = readdir(folder)) != NULL) {
        uint64_t id;
        uint32_t pid;
        if (++seen % CHECK_ENTRIES == 0 && list->check && list->check(list->context))
            break;
        if (!parse_pid(entry->d_name, &pid) || sockq_proc_is_own_child(proc, pid))
            continue;
        if (netns_id(proc, pid, &id) == 0)
            result = add_member(list, id, pid);
        else if (errno == EACCES || errno == EPERM)
            list->refused++;
        else if (sockq_proc_is_failure(errno))
            result = -1;
    }
    int saved = errno;
    if (result == 0 && saved)
        result = -1;
    closedir(folder);
    sort_members(list);
    join_marked(list);
    errno = saved;
    return result;
}

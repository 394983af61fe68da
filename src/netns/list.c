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
#include "netns.h"

enum { PROGRAM_MOST = 4096 };

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
    return 0;
}

/* Folders of processes are named by pids as the kernel spells them. */
static bool parse_pid(const char *name, uint32_t *pid)
{
    const char *end = name + strlen(name);

    return name[0] != '0' && scan_u32(name, end, pid) == end && *pid <= INT32_MAX;
}

static int add_member(struct netns_list *list, uint64_t inode, uint32_t pid)
{
    if (list->member_count == list->member_room) {
        size_t room = list->member_room ? list->member_room * 2 : 256;
        struct netns_member *more = realloc(list->members, room * sizeof(*more));
        if (!more)
            return -1;
        list->members = more;
        list->member_room = room;
    }
    list->members[list->member_count++] = (struct netns_member){.inode = inode, .pid = pid};
    return 0;
}

static int compare_members(const void *a, const void *b)
{
    const struct netns_member *x = a, *y = b;

    if (x->inode != y->inode)
        return x->inode < y->inode ? -1 : 1;
    return (x->pid > y->pid) - (x->pid < y->pid);
}

static int compare_places(const void *a, const void *b)
{
    const struct netns_place *x = a, *y = b;

    return (x->first > y->first) - (x->first < y->first);
}

static int read_members(struct netns_list *list)
{
    const struct sockq_proc *proc = list->proc;
    DIR *folder = NULL;
    struct dirent *entry;
    int fd = sockq_proc_openat(proc, ".", O_DIRECTORY), result = 0;

    if (fd >= 0 && !(folder = fdopendir(fd)))
        close(fd);
    if (!folder)
        return -1;
    while (result == 0 && (entry = readdir(folder)) != NULL) {
        uint64_t inode;
        uint32_t pid;
        if (!parse_pid(entry->d_name, &pid) || (proc->live && (pid_t)pid == proc->own_child))
            continue;
        if (netns_inode(proc, pid, &inode) == 0)
            result = add_member(list, inode, pid);
        else if (errno == EACCES || errno == EPERM)
            list->refused++;
    }
    closedir(folder);
    if (list->member_count)
        qsort(list->members, list->member_count, sizeof(*list->members), compare_members);
    return result;
}

/* The first member of a namespace, or where it would stand. */
static size_t find_member(const struct netns_list *list, uint64_t inode, uint32_t above)
{
    size_t low = 0, high = list->member_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct netns_member *member = &list->members[middle];
        if (member->inode < inode || (member->inode == inode && member->pid <= above))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_member(const struct netns_list *list, size_t i, uint64_t inode)
{
    return i < list->member_count && list->members[i].inode == inode;
}

static int add_place(struct netns_list *list, struct netns_place place)
{
    if (list->count == NETNS_MOST) {
        list->left++;
        return 0;
    }
    if (list->count == list->room) {
        uint32_t room = list->room ? list->room * 2 : 16;
        struct netns_place *more = realloc(list->list, room * sizeof(*more));
        if (!more)
            return -1;
        list->list = more;
        list->room = room;
    }
    list->list[list->count++] = place;
    return 0;
}

static bool has_net(const struct netns_list *list, uint32_t pid)
{
    char path[32];
    snprintf(path, sizeof(path), "%" PRIu32 "/net", pid);
    int fd = sockq_proc_openat(list->proc, path, O_DIRECTORY);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* How a namespace is read whose members begin at i. */
static struct netns_place place_of(const struct netns_list *list, size_t i)
{
    uint64_t inode = list->members[i].inode;
    struct netns_place place = {.inode = inode, .first = list->members[i].pid};

    if (inode == list->own)
        return place;
    place.pid = place.first;
    if (list->proc->live)
        return place;
    for (; is_member(list, i, inode); i++) {
        place.pid = list->members[i].pid;
        if (has_net(list, place.pid))
            return place;
    }
    place.error = ENOENT;
    return place;
}

/*
 * A captured tree that does not say whose net/ is: it is that of the one namespace of which no
 * process has a net/ of its own.
 */
static void find_tree_own(struct netns_list *list)
{
    struct netns_place *lone = NULL;

    for (uint32_t i = 0; i < list->count; i++) {
        if (list->list[i].error != ENOENT)
            continue;
        if (lone)
            return;
        lone = &list->list[i];
    }
    if (!lone)
        return;
    list->own = lone->inode;
    lone->pid = 0;
    lone->error = 0;
}

static int list_all(struct netns_list *list)
{
    for (size_t i = 0; i < list->member_count;) {
        uint64_t inode = list->members[i].inode;
        if (add_place(list, place_of(list, i)) < 0)
            return -1;
        i = find_member(list, inode, UINT32_MAX);
    }
    if (list->count)
        qsort(list->list, list->count, sizeof(*list->list), compare_places);
    if (!list->proc->live && !list->own)
        find_tree_own(list);
    /* No process tells: what net/ holds is of some namespace. */
    return list->count ? 0 : add_place(list, (struct netns_place){.inode = list->own});
}

static int list_chosen(struct netns_list *list, const struct netns_chosen *chosen)
{
    struct netns_place place = {.inode = chosen->inode, .pid = chosen->pid, .first = chosen->pid};

    if (chosen->inode) {
        size_t i = find_member(list, chosen->inode, 0);
        if (is_member(list, i, chosen->inode))
            place = place_of(list, i);
        else if (chosen->inode != list->own)
            place.error = ESRCH;
    }
    return add_place(list, place);
}

int netns_list_read(struct netns_list *list, const struct sockq_proc *proc,
                    const struct netns_choice *choice)
{
    int result;

    *list = (struct netns_list){.proc = proc};
    if (netns_inode(proc, 0, &list->own) < 0)
        list->own = 0;
    result = read_members(list);
    if (result == 0)
        result = netns_names_read(&list->names, proc);
    if (result == 0 && (!choice || !choice->asked))
        result = list_chosen(list, &(struct netns_chosen){.inode = list->own});
    else if (result == 0 && choice->all)
        result = list_all(list);
    else
        for (size_t i = 0; result == 0 && i < choice->count; i++)
            result = list_chosen(list, &choice->list[i]);
    if (result < 0) {
        int saved = errno;
        netns_list_free(list);
        errno = saved;
    }
    return result;
}

void netns_list_free(struct netns_list *list)
{
    free(list->list);
    free(list->members);
    netns_names_free(&list->names);
    *list = (struct netns_list){0};
}

static void name_entry(const struct netns_list *list, const struct netns_place *place,
                       struct sockq_writer *w, struct sockq_netns *entry)
{
    const char *name = place->inode ? netns_names_find(&list->names, place->inode) : NULL;
    char program[PROGRAM_MOST];
    size_t length;

    if (name) {
        entry->name = sockq_writer_bytes(w, name, strlen(name));
        entry->name_len = (uint32_t)strlen(name);
    }
    length = place->first ? netns_program(list->proc, place->first, program, sizeof(program)) : 0;
    if (length) {
        entry->program = sockq_writer_bytes(w, program, length);
        entry->program_len = (uint32_t)length;
    }
}

void netns_list_write(const struct netns_list *list, struct sockq_writer *w)
{
    struct sockq_netns *before = NULL;
    uint64_t offset;

    w->set->netns_refused = list->refused;
    w->set->netns_left = list->left;
    for (uint32_t i = 0; i < list->count; i++) {
        const struct netns_place *place = &list->list[i];
        struct sockq_netns *entry = sockq_writer_alloc(w, sizeof(*entry), &offset);
        if (!entry)
            return;
        entry->inode = place->inode;
        entry->pid = place->pid;
        entry->first = place->first;
        entry->error = place->error;
        name_entry(list, place, w, entry);
        if (before)
            before->next = offset;
        else
            w->set->namespaces = offset;
        before = entry;
    }
}

/* A pid may have gone to a process elsewhere. */
static bool is_still_there(const struct netns_list *list, const struct netns_place *place)
{
    uint64_t inode;

    if (!list->proc->live || place->pid == 0)
        return true;
    if (netns_inode(list->proc, place->pid, &inode) == 0)
        return inode == place->inode;
    return place->inode == 0 && (errno == EACCES || errno == EPERM);
}

int netns_open(struct netns_list *list, uint32_t index, const char *path)
{
    struct netns_place *place = &list->list[index];
    char below[64];

    while (!place->error) {
        if (place->pid == 0)
            return sockq_proc_openat(list->proc, path, 0);
        if (is_still_there(list, place)) {
            snprintf(below, sizeof(below), "%" PRIu32 "/%s", place->pid, path);
            int fd = sockq_proc_openat(list->proc, below, 0);
            if (fd >= 0 || (errno != ENOENT && errno != ESRCH))
                return fd;
            /* Whether the table is missing or the process. */
            if (has_net(list, place->pid) && is_still_there(list, place)) {
                errno = ENOENT;
                return -1;
            }
        }
        size_t next = find_member(list, place->inode, place->pid);
        if (place->inode && is_member(list, next, place->inode))
            place->pid = list->members[next].pid;
        else
            place->error = ESRCH;
    }
    errno = place->error == ENOENT ? ESRCH : place->error;
    return -1;
}

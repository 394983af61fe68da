#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../owner/owner.h"
#include "netns.h"

static int compare_places(const void *a, const void *b)
{
    const struct netns_place *x = a, *y = b;

    return (x->first > y->first) - (x->first < y->first);
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
    const struct netns_member *member = &list->members[i];
    struct netns_place place = {.id = member->id, .first = member->pid};

    if (place.id == list->own)
        return place;
    place.pid = place.first;
    place.seen = member->seen;
    if (list->proc->live)
        return place;
    for (; netns_member_is(list, i, place.id); i++) {
        place.pid = list->members[i].pid;
        if (has_net(list, place.pid))
            return place;
    }
    place.error = ENOENT;
    return place;
}

/*
 * A captured tree that does not say whose net/ is: it is that of the one namespace of which no
 * process has a net/ of its own. That of the first process, if it has one, is the tree's as well.
 */
static void find_tree_own(struct netns_list *list)
{
    uint64_t lone = 0;
    uint32_t first = UINT32_MAX;

    for (size_t i = 0; i < list->member_count; i++)
        if (list->members[i].pid < first)
            first = list->members[i].pid;
    if (faccessat(list->proc->fd, "net/tcp", F_OK, 0) < 0 || has_net(list, first))
        return;
    for (size_t i = 0; i < list->member_count;) {
        struct netns_place place = place_of(list, i);
        if (place.error && lone)
            return;
        if (place.error)
            lone = place.id;
        i = netns_member_find(list, place.id, UINT32_MAX);
    }
    list->own = lone;
}

/* The namespaces of a choice's files that hold no process. */
static int list_held(struct netns_list *list, const struct netns_choice *choice)
{
    int result = 0;

    for (size_t i = 0; result == 0 && i < choice->count; i++) {
        const struct netns_chosen *chosen = &choice->list[i];
        if (chosen->thread && !netns_list_has(list, chosen->id))
            result = add_place(list, (struct netns_place){.id = chosen->id,
                                                          .seen = chosen->id,
                                                          .pid = chosen->thread,
                                                          .path = chosen->path});
    }
    return result;
}

/* Names of namespaces in which there is neither a process nor a thread. */
static int list_dark(struct netns_list *list)
{
    uint32_t known = list->count;
    uint64_t before = 0;
    int result = 0;

    for (size_t i = 0; result == 0 && i < list->names.count; i++) {
        uint64_t id = list->names.list[i].inode;
        bool there = id == before || netns_list_has(list, id);
        for (uint32_t k = 0; !there && k < known; k++)
            there = list->list[k].id == id;
        before = id;
        if (!there)
            result = add_place(list, (struct netns_place){.id = id, .error = EPERM});
    }
    return result;
}

static int list_all(struct netns_list *list, const struct netns_choice *choice)
{
    for (size_t i = 0; i < list->member_count;) {
        uint64_t id = list->members[i].id;
        if (add_place(list, place_of(list, i)) < 0)
            return -1;
        i = netns_member_find(list, id, UINT32_MAX);
    }
    if (list->count)
        qsort(list->list, list->count, sizeof(*list->list), compare_places);
    if (list_held(list, choice) < 0 || list_dark(list) < 0)
        return -1;
    /* No process tells: what net/ holds is of some namespace. */
    return list->count ? 0 : add_place(list, (struct netns_place){.id = list->own});
}

/* What was chosen by a mark may be known by more now. */
static uint64_t id_of(const struct netns_list *list, uint64_t chosen)
{
    for (size_t i = 0; chosen & NETNS_MARK && i < list->member_count; i++)
        if (list->members[i].seen == chosen)
            return list->members[i].id;
    return chosen;
}

static int list_chosen(struct netns_list *list, const struct netns_chosen *chosen)
{
    uint64_t id = id_of(list, chosen->id);
    struct netns_place place = {.id = id, .seen = id, .pid = chosen->thread};
    size_t i = netns_member_find(list, id, 0);

    /* What was chosen twice, once by a mark. */
    for (size_t k = 0; id && k < list->count; k++)
        if (list->list[k].id == id)
            return 0;
    if (id && netns_member_is(list, i, id)) {
        place = place_of(list, i);
    } else if (id != list->own && !chosen->thread) {
        place.first = chosen->pid;
        place.error = chosen->path ? EACCES : ESRCH;
    }
    place.path = chosen->path;
    return add_place(list, place);
}

/* Of which sock_diag can be asked. */
static void find_diag(struct netns_list *list, const struct netns_choice *choice)
{
    for (uint32_t i = 0; i < list->count; i++)
        for (size_t k = 0; k < choice->count; k++)
            if (choice->list[k].id == list->list[i].id && choice->list[k].diag.fd >= 0)
                list->list[i].diag = &choice->list[k].diag;
}

int netns_list_read(struct netns_list *list, const struct sockq_proc *proc,
                    const struct netns_choice *choice)
{
    return netns_list_read_checked(list, proc, choice, NULL, NULL);
}

int netns_list_read_checked(struct netns_list *list, const struct sockq_proc *proc,
                            const struct netns_choice *choice, bool (*check)(void *), void *context)
{
    int result;

    *list = (struct netns_list){
        .check = check, .context = context, .proc = proc, .all = choice && choice->all};
    if (netns_inode(proc, 0, &list->own) < 0)
        list->own = 0;
    result = netns_members_read(list);
    if (result == 0)
        result = netns_names_read(&list->names, proc);
    if (result == 0 && !proc->live && !list->own)
        find_tree_own(list);
    if (result == 0 && (!choice || !choice->asked))
        result = list_chosen(list, &(struct netns_chosen){.id = list->own});
    else if (result == 0 && choice->all)
        result = list_all(list, choice);
    else
        for (size_t i = 0; result == 0 && i < choice->count; i++)
            result = list_chosen(list, &choice->list[i]);
    if (result == 0 && choice && proc->live)
        find_diag(list, choice);
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
    const char *name = netns_names_find(&list->names, place->id);

    if (place->first)
        entry->program = owner_program(list->proc, place->first, w, &entry->program_len);
    if (!name && !entry->program)
        name = place->path;
    if (name) {
        entry->name = sockq_writer_bytes(w, name, strlen(name));
        entry->name_len = (uint32_t)strlen(name);
    }
}

void netns_list_write(struct netns_list *list, struct sockq_writer *w)
{
    struct sockq_netns *before = NULL;

    w->set->netns_refused = list->all ? list->refused : 0;
    w->set->netns_left = list->left;
    for (uint32_t i = 0; i < list->count; i++) {
        struct netns_place *place = &list->list[i];
        struct sockq_netns *entry = sockq_writer_alloc(w, sizeof(*entry), &place->entry);
        if (!entry)
            return;
        entry->inode = place->id & NETNS_MARK ? 0 : place->id;
        entry->pid = place->pid;
        entry->first = place->first;
        name_entry(list, place, w, entry);
        if (before)
            before->next = place->entry;
        else
            w->set->namespaces = place->entry;
        before = entry;
    }
}

/* Of all namespaces one that is gone by now is none that there is. */
static bool is_told(const struct netns_list *list, const struct netns_place *place)
{
    return place->error && !(list->all && place->error == ESRCH);
}

void netns_list_write_errors(const struct netns_list *list, struct sockq_writer *w)
{
    for (uint32_t i = 0; i < list->count; i++) {
        const struct netns_place *place = &list->list[i];
        if (place->entry && is_told(list, place))
            ((struct sockq_netns *)sockq_writer_at(w, place->entry))->error = place->error;
    }
}

bool netns_list_whole(const struct netns_list *list)
{
    if (list->left)
        return false;
    for (uint32_t i = 0; i < list->count; i++)
        if (is_told(list, &list->list[i]) && list->list[i].error != EPERM)
            return false;
    return true;
}

/*
 * Why a place's process leads to its namespace no more; 0: it does. Its pid may have gone to a
 * process elsewhere, and what may be looked at may change.
 */
static int why_gone(const struct netns_list *list, const struct netns_place *place)
{
    uint64_t id;

    if (!list->proc->live)
        return 0;
    if ((place->seen & NETNS_MARK ? netns_mark : netns_inode)(list->proc, place->pid, &id) < 0)
        return errno == EACCES || errno == EPERM ? EACCES : ESRCH;
    return id == place->seen ? 0 : ESRCH;
}

int netns_open(struct netns_list *list, uint32_t index, const char *path)
{
    struct netns_place *place = &list->list[index];
    char below[64];

    while (!place->error) {
        if (place->pid == 0)
            return sockq_proc_openat(list->proc, path, 0);
        int gone = why_gone(list, place);
        if (!gone) {
            snprintf(below, sizeof(below), "%" PRIu32 "/%s", place->pid, path);
            int fd = sockq_proc_openat(list->proc, below, 0);
            /* Whether the table is missing or the process. */
            int error = fd < 0 ? errno : 0;
            if ((error != ENOENT && error != ESRCH) || !(gone = why_gone(list, place))) {
                errno = error;
                return fd;
            }
        }
        size_t next = netns_member_find(list, place->id, place->pid);
        if (netns_member_is(list, next, place->id)) {
            place->pid = list->members[next].pid;
            place->seen = list->members[next].seen;
        } else {
            place->error = gone;
        }
    }
    errno = ESRCH;
    return -1;
}

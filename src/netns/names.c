#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "netns.h"

static int add_name(struct netns_names *names, uint64_t inode, const char *name)
{
    struct netns_name *more = realloc(names->list, (names->count + 1) * sizeof(*more));

    if (!more)
        return -1;
    names->list = more;
    more[names->count] = (struct netns_name){.inode = inode, .name = strdup(name)};
    return more[names->count].name ? (int)(names->count++, 0) : -1;
}

/* Of several names of one namespace the first in order stands. */
static int compare_names(const void *a, const void *b)
{
    const struct netns_name *x = a, *y = b;

    if (x->inode != y->inode)
        return x->inode < y->inode ? -1 : 1;
    return strcmp(x->name, y->name);
}

int netns_names_read(struct netns_names *names, const struct sockq_proc *proc)
{
    struct dirent *entry;
    struct stat own, st;
    int result = 0;

    *names = (struct netns_names){0};
    if (!proc->live)
        return 0;
    if (fstatat(proc->fd, "self/ns/net", &own, 0) < 0)
        return sockq_proc_is_failure(errno) ? -1 : 0;
    DIR *folder = opendir(NETNS_FOLDER);
    if (!folder)
        return sockq_proc_is_failure(errno) ? -1 : 0;
    while (result == 0 && (errno = 0, entry = readdir(folder)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        /* A file on which nothing is mounted any more is of another file system. */
        if (fstatat(dirfd(folder), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            st.st_dev == own.st_dev)
            result = add_name(names, (uint64_t)st.st_ino, entry->d_name);
    }
    int saved = errno;
    if (result == 0 && saved)
        result = -1;
    closedir(folder);
    if (result < 0)
        netns_names_free(names);
    if (names->count)
        qsort(names->list, names->count, sizeof(*names->list), compare_names);
    errno = saved;
    return result;
}

void netns_names_free(struct netns_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->list[i].name);
    free(names->list);
    *names = (struct netns_names){0};
}

const char *netns_names_find(const struct netns_names *names, uint64_t inode)
{
    size_t low = 0, high = names->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (names->list[middle].inode < inode)
            low = middle + 1;
        else
            high = middle;
    }
    return low < names->count && names->list[low].inode == inode ? names->list[low].name : NULL;
}

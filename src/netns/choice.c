#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../scan.h"
#include "netns.h"

static int add(struct netns_choice *choice, struct netns_chosen chosen)
{
    for (size_t i = 0; i < choice->count; i++)
        if (chosen.inode ? choice->list[i].inode == chosen.inode
                         : !choice->list[i].inode && choice->list[i].pid == chosen.pid)
            return 0;
    struct netns_chosen *more = realloc(choice->list, (choice->count + 1) * sizeof(*more));
    if (!more)
        return -1;
    choice->list = more;
    choice->list[choice->count++] = chosen;
    return 0;
}

static bool exists(const struct sockq_proc *proc, const char *path)
{
    int fd = sockq_proc_openat(proc, path, 0);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static int choose_process(struct netns_choice *choice, const struct sockq_proc *proc, uint32_t pid,
                          int *error)
{
    struct netns_chosen chosen = {.pid = pid};
    char path[32];

    snprintf(path, sizeof(path), "%" PRIu32, pid);
    if (!exists(proc, path))
        return NETNS_NO_PROCESS;
    if (netns_inode(proc, pid, &chosen.inode) < 0) {
        *error = errno;
        chosen.inode = 0;
        /* Its tables may be read all the same, by all. */
        snprintf(path, sizeof(path), "%" PRIu32 "/net/dev", pid);
        if (!exists(proc, path))
            return NETNS_UNREAD;
    }
    return add(choice, chosen);
}

static int choose_word(struct netns_choice *choice, const struct sockq_proc *proc, const char *word,
                       int *error)
{
    const char *end = word + strlen(word);
    uint32_t pid;

    if (word == end)
        return NETNS_EMPTY;
    if (strcmp(word, "all") == 0) {
        choice->all = true;
        return NETNS_FINE;
    }
    if (scan_u32(word, end, &pid) == end && pid > 0 && pid <= INT32_MAX)
        return choose_process(choice, proc, pid, error);
    return NETNS_NO_PROCESS;
}

int netns_choose(struct netns_choice *choice, const struct sockq_proc *proc, const char *argument,
                 char **word, int *error)
{
    int result = NETNS_FINE;

    choice->asked = true;
    *word = NULL;
    *error = 0;
    while (result == NETNS_FINE) {
        size_t length = strcspn(argument, ",");
        free(*word);
        *word = strndup(argument, length);
        if (!*word)
            return -1;
        result = choose_word(choice, proc, *word, error);
        if (!argument[length])
            break;
        argument += length + 1;
    }
    return result;
}

void netns_choice_free(struct netns_choice *choice)
{
    free(choice->list);
    *choice = (struct netns_choice){0};
}

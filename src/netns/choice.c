#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/netlink.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "../scan.h"
#include "netns.h"

static void forget(struct netns_chosen *chosen)
{
    if (chosen->fd >= 0)
        close(chosen->fd);
    if (chosen->diag.fd >= 0)
        close(chosen->diag.fd);
    free(chosen->path);
}

/* Takes what is chosen, also when it fails or is there already. */
static int add(struct netns_choice *choice, struct netns_chosen chosen)
{
    for (size_t i = 0; i < choice->count; i++) {
        if (choice->list[i].id == chosen.id) {
            forget(&chosen);
            return 0;
        }
    }
    struct netns_chosen *more = realloc(choice->list, (choice->count + 1) * sizeof(*more));
    if (!more) {
        forget(&chosen);
        return -1;
    }
    choice->list = more;
    choice->list[choice->count++] = chosen;
    return 0;
}

/* A socket of sock_diag in the namespace that this thread is in; -1: none. */
static void open_diag(void *into)
{
    struct sockaddr_nl here = {.nl_family = AF_NETLINK};
    struct netns_diag *diag = into;
    struct stat st = {0};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

    if (fd >= 0 &&
        (bind(fd, (const struct sockaddr *)&here, sizeof(here)) < 0 || fstat(fd, &st) < 0)) {
        close(fd);
        fd = -1;
    }
    *diag = (struct netns_diag){.fd = fd, .inode = (uint64_t)st.st_ino};
}

static void do_nothing(void *context)
{
    (void)context;
}

int netns_visit(int fd, void (*inside)(void *), void *context)
{
    int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    int result = own >= 0 && setns(fd, CLONE_NEWNET) == 0;

    if (result)
        inside(context);
    if (result && setns(own, CLONE_NEWNET) < 0)
        result = -1;
    int saved = errno;
    if (own >= 0)
        close(own);
    errno = saved;
    return result;
}

/*
 * Whether it may be entered is found out by going in and back.
 *
 * @diag   set to the socket of sock_diag that was made there, if one was
 * @return 1 or 0; -1 with errno if there is no way back: what would be read then is of another
 */
static int may_enter(const struct netns_choice *choice, int fd, struct netns_diag *diag)
{
    diag->fd = -1;
    return netns_visit(fd, choice->secure ? do_nothing : open_diag, diag);
}

/* Sockets that may be made in namespaces of processes: descriptors are needed for more. */
enum { KEPT_MOST = 256 };

/* @return 0; -1 with errno if there is no way back */
static int keep_diag(const struct netns_choice *choice, const struct sockq_proc *proc, uint32_t pid,
                     uint64_t id, struct netns_diag *diag)
{
    char path[32];
    struct stat st;

    diag->fd = -1;
    if (!choice->keeps || choice->secure || !proc->live || choice->count >= KEPT_MOST)
        return 0;
    snprintf(path, sizeof(path), "%" PRIu32 "/ns/net", pid);
    int fd = openat(proc->fd, path, O_RDONLY | O_CLOEXEC);
    /* The pid may have gone to a process elsewhere. */
    const bool is_there = fd >= 0 && fstat(fd, &st) == 0 && (uint64_t)st.st_ino == id;
    int result = is_there ? may_enter(choice, fd, diag) : 0;
    int saved = errno;
    if (fd >= 0)
        close(fd);
    errno = saved;
    return result < 0 ? -1 : 0;
}

static enum netns_refusal choose_process(struct netns_choice *choice, const struct sockq_proc *proc,
                                         uint32_t pid)
{
    struct netns_chosen chosen = {.pid = pid, .fd = -1, .diag = {.fd = -1}};
    char path[16];

    if (netns_id(proc, pid, &chosen.id) < 0) {
        choice->error = errno;
        snprintf(path, sizeof(path), "%" PRIu32, pid);
        int fd = sockq_proc_openat(proc, path, O_DIRECTORY);
        if (fd < 0)
            return NETNS_NO_PROCESS;
        close(fd);
        return NETNS_UNREAD;
    }
    if (keep_diag(choice, proc, pid, chosen.id, &chosen.diag) < 0 || add(choice, chosen) < 0)
        choice->error = errno;
    return NETNS_FINE;
}

/* A file is looked at before it is opened: opening a device or a FIFO may do something. */
static int open_namespace(const char *path, bool *other)
{
    char again[32];
    struct statfs fs;
    int fd = open(path, O_PATH | O_CLOEXEC), opened = -1;

    *other = false;
    if (fd < 0)
        return -1;
    if (fstatfs(fd, &fs) == 0 && (unsigned long)fs.f_type == NSFS_MAGIC) {
        snprintf(again, sizeof(again), "/proc/self/fd/%d", fd);
        opened = open(again, O_RDONLY | O_CLOEXEC);
        /* Before Linux 4.11 only entering tells the kind. */
        int kind = opened < 0 ? 0 : ioctl(opened, NS_GET_NSTYPE);
        *other = opened >= 0 && kind != CLONE_NEWNET && !(kind < 0 && errno == ENOTTY);
    } else {
        *other = true;
    }
    int saved = errno;
    close(fd);
    if (*other && opened >= 0) {
        close(opened);
        opened = -1;
    }
    errno = saved;
    return opened;
}

static enum netns_refusal choose_file(struct netns_choice *choice, const char *path)
{
    struct stat st;
    bool other;
    struct netns_chosen chosen = {.fd = open_namespace(path, &other), .diag = {.fd = -1}};

    choice->error = errno;
    if (chosen.fd < 0)
        return other ? NETNS_OTHER_FILE : NETNS_NO_FILE;
    if (fstat(chosen.fd, &st) < 0) {
        choice->error = errno;
        close(chosen.fd);
        return NETNS_NO_FILE;
    }
    chosen.id = (uint64_t)st.st_ino;
    int enters = may_enter(choice, chosen.fd, &chosen.diag);
    choice->error = enters < 0 ? errno : 0;
    if (enters <= 0) {
        close(chosen.fd);
        chosen.fd = -1;
    }
    chosen.path = strdup(path);
    if (!chosen.path) {
        choice->error = errno;
        forget(&chosen);
    } else if (add(choice, chosen) < 0) {
        choice->error = errno;
    }
    return NETNS_FINE;
}

static enum netns_refusal choose_name(struct netns_choice *choice, const char *name)
{
    char path[sizeof(NETNS_FOLDER) + NAME_MAX + 2];
    int length = snprintf(path, sizeof(path), NETNS_FOLDER "/%s", name);

    if (length < 0 || (size_t)length >= sizeof(path) || strcmp(name, ".") == 0 ||
        strcmp(name, "..") == 0)
        return NETNS_NO_NAME;
    enum netns_refusal refusal = choose_file(choice, path);
    return refusal == NETNS_NO_FILE && choice->error == ENOENT ? NETNS_NO_NAME : refusal;
}

static enum netns_refusal choose_word(struct netns_choice *choice, const struct sockq_proc *proc,
                                      const char *word)
{
    const char *end = word + strlen(word);
    enum netns_refusal refusal = NETNS_NO_NAME;
    uint32_t pid;

    if (word == end)
        return NETNS_EMPTY;
    if (strcmp(word, "all") == 0) {
        choice->all = true;
        return NETNS_FINE;
    }
    bool is_number = word[0] != '0' && scan_u32(word, end, &pid) == end && pid <= INT32_MAX;
    if (is_number)
        refusal = choose_process(choice, proc, pid);
    if (is_number && (refusal != NETNS_NO_PROCESS || !proc->live))
        return refusal;
    if (!proc->live)
        return NETNS_NOT_LIVE;
    if (is_number)
        return choose_name(choice, word) == NETNS_FINE ? NETNS_FINE : NETNS_NO_PROCESS;
    refusal = strchr(word, '/') ? choose_file(choice, word) : choose_name(choice, word);
    if (choice->unlike && strchr(word, '/') && refusal == NETNS_NO_FILE)
        refusal = NETNS_OTHER_FILE;
    return refusal;
}

/* A name or path may itself have commas. */
static bool is_whole(const struct sockq_proc *proc, const char *argument, bool unlike)
{
    struct stat st;
    char path[sizeof(NETNS_FOLDER) + NAME_MAX + 2];

    if (!proc->live || !strchr(argument, ','))
        return false;
    int length = snprintf(path, sizeof(path), NETNS_FOLDER "/%s", argument);
    return (!unlike && stat(argument, &st) == 0) ||
           (!strchr(argument, '/') && length > 0 && (size_t)length < sizeof(path) &&
            stat(path, &st) == 0);
}

int netns_choose(struct netns_choice *choice, const struct sockq_proc *proc, const char *argument)
{
    bool whole = is_whole(proc, argument, choice->unlike);

    choice->asked = true;
    while (choice->refusal == NETNS_FINE) {
        size_t length = whole ? strlen(argument) : strcspn(argument, ",");
        choice->error = 0;
        free(choice->word);
        choice->word = strndup(argument, length);
        if (!choice->word)
            return -1;
        choice->refusal = choose_word(choice, proc, choice->word);
        if (choice->refusal == NETNS_FINE && choice->error) {
            errno = choice->error;
            return -1;
        }
        if (!argument[length])
            break;
        argument += length + 1;
    }
    return 0;
}

static int keep_place(struct netns_choice *choice, const struct sockq_proc *proc,
                      const struct netns_place *place)
{
    struct netns_chosen chosen = {.id = place->id, .fd = -1, .diag = {.fd = -1}};

    if (place->id & NETNS_MARK || keep_diag(choice, proc, place->pid, place->id, &chosen.diag) < 0)
        return place->id & NETNS_MARK ? 0 : -1;
    return chosen.diag.fd < 0 ? 0 : add(choice, chosen);
}

int netns_choose_rest(struct netns_choice *choice, const struct sockq_proc *proc)
{
    struct netns_list list = {0};
    struct netns_names names;
    char path[sizeof(NETNS_FOLDER) + NAME_MAX + 2];

    if (!choice->all || choice->refusal != NETNS_FINE)
        return 0;
    if (netns_names_read(&names, proc) < 0)
        return -1;
    int result = names.count || choice->keeps ? netns_list_read(&list, proc, choice) : 0;
    for (uint32_t i = 0; result == 0 && i < list.count; i++)
        if (list.list[i].pid && list.list[i].id != list.own)
            result = keep_place(choice, proc, &list.list[i]);
    for (size_t i = 0; result == 0 && i < names.count; i++) {
        if (netns_list_has(&list, names.list[i].inode))
            continue;
        snprintf(path, sizeof(path), NETNS_FOLDER "/%s", names.list[i].name);
        /* What may not be opened or entered is told with the rows. */
        if (choose_file(choice, path) == NETNS_FINE && choice->error) {
            errno = choice->error;
            result = -1;
        }
        choice->error = 0;
    }
    int saved = errno;
    netns_list_free(&list);
    netns_names_free(&names);
    errno = saved;
    return result;
}

bool netns_is_own_socket(const struct netns_choice *choice, uint64_t inode)
{
    for (size_t i = 0; i < choice->count; i++)
        if (choice->list[i].diag.fd >= 0 && choice->list[i].diag.inode == inode)
            return true;
    return false;
}

void netns_choice_free(struct netns_choice *choice)
{
    for (size_t i = 0; i < choice->count; i++)
        forget(&choice->list[i]);
    free(choice->list);
    free(choice->word);
    *choice = (struct netns_choice){0};
}

/*
 * Network namespaces: which of them are read, and through which process.
 *
 * What --netns asks for is settled once from the command line (choice.c): a request of the
 * interpreter can name none. From it each collection makes a list (list.c): a namespace is read
 * through /proc/PID/net of a process in it, which anyone may (fs/proc/proc_net.c,
 * get_proc_task_net), while /proc/PID/ns/net, which tells namespaces apart, is only for those who
 * may trace the process (fs/proc/namespaces.c, proc_ns_readlink).
 */
#ifndef SOCKQ_NETNS_H
#define SOCKQ_NETNS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../proc.h"
#include "../rowset.h"

/** Where ip-netns(8) keeps its names: files on which namespaces are mounted. */
#define NETNS_FOLDER "/run/netns"

enum { NETNS_MOST = UINT16_MAX };

/** A namespace that the command line names. */
struct netns_chosen {
    uint64_t inode; /* of its ns link, 0 where it may not be read */
    uint32_t pid;   /* the process that was named, 0: none was */
};

/** What --netns says. */
struct netns_choice {
    bool asked; /* it was given */
    bool all;
    struct netns_chosen *list; /* owned */
    size_t count;
};

/** What is wrong with a word of --netns. */
enum netns_refusal {
    NETNS_FINE,
    NETNS_EMPTY,      /* a namespace is missing */
    NETNS_NO_PROCESS, /* no process has this pid */
    NETNS_UNREAD,     /* errno says why not */
};

/**
 * Add what one argument of --netns names: all, or a PID, several with commas between them.
 *
 * @word   set to the word that is refused; owned by the caller
 * @error  errno where there is one
 * @return NETNS_FINE, or what is wrong; -1 with errno when memory is short
 */
int netns_choose(struct netns_choice *choice, const struct sockq_proc *proc, const char *argument,
                 char **word, int *error);

/** Free what choosing made. Safe on a zeroed struct. */
void netns_choice_free(struct netns_choice *choice);

/** A name in NETNS_FOLDER. */
struct netns_name {
    uint64_t inode;
    char *name; /* owned */
};

/** Names by inode; of several of one namespace the first in order comes first. */
struct netns_names {
    struct netns_name *list;
    size_t count;
};

/**
 * Read the names of namespaces; a captured tree has none.
 *
 * @return  0, also where there are none; -1 with errno when memory is short
 */
int netns_names_read(struct netns_names *names, const struct sockq_proc *proc);

/** Free names. Safe on a zeroed struct. */
void netns_names_free(struct netns_names *names);

/** The name of a namespace, borrowed; NULL if it has none. */
const char *netns_names_find(const struct netns_names *names, uint64_t inode);

/**
 * The name of a process, as owners are named.
 *
 * @return  its bytes in `name`, at most size; 0 if it is not known
 */
size_t netns_program(const struct sockq_proc *proc, uint32_t pid, char *name, size_t size);

/** A process and its namespace. */
struct netns_member {
    uint64_t inode;
    uint32_t pid;
};

/** A namespace of a list. */
struct netns_place {
    uint64_t inode; /* 0: not known */
    uint32_t pid;   /* read through /proc/PID/net; 0: through /proc/net */
    uint32_t first; /* the lowest pid in it, 0: none is known */
    int error;      /* why nothing (more) is read: ESRCH: gone, ENOENT: net/ was not captured */
};

/** The namespaces of one collection. */
struct netns_list {
    const struct sockq_proc *proc; /* borrowed */
    struct netns_place *list;      /* owned */
    uint32_t count;
    uint32_t room;
    struct netns_member *members; /* by inode, then by pid; owned */
    size_t member_count;
    size_t member_room;
    struct netns_names names;
    uint64_t own;     /* the reader's namespace, or that of a tree's net/; 0: not known */
    uint32_t refused; /* processes whose namespace may not be read */
    uint32_t left;    /* namespaces beyond NETNS_MOST */
};

/**
 * List the namespaces that a choice asks for.
 *
 * @choice  NULL or not asked: only the reader's own
 * @return  0; -1 with errno (ENOMEM, or why the folder of processes could not be listed)
 */
int netns_list_read(struct netns_list *list, const struct sockq_proc *proc,
                    const struct netns_choice *choice);

/** Free a list. Safe on a zeroed struct. */
void netns_list_free(struct netns_list *list);

/** Write a list to a row set: its chain of sockq_netns, in the order of the list. */
void netns_list_write(const struct netns_list *list, struct sockq_writer *w);

/**
 * Open a file of a namespace, through another of its processes when the one so far has ended.
 *
 * @path   below /proc, such as "net/tcp"
 * @return a descriptor of the caller's; -1 with errno: ENOENT: the namespace lacks it, ESRCH: no
 *         process of it is left
 */
int netns_open(struct netns_list *list, uint32_t index, const char *path);

/** The inode of a process's namespace, or -1 with errno. @pid 0: of the reader itself. */
int netns_inode(const struct sockq_proc *proc, uint32_t pid, uint64_t *inode);

#endif

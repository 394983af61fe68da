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

/*
 * What tells namespaces apart: the inode of the ns link; where that may not be read, NETNS_MARK and
 * the inode of net/dev, of which each namespace has its own (fs/proc/generic.c, proc_register) and
 * which anyone may stat. 0: not known, as in a tree that does not say.
 */
#define NETNS_MARK ((uint64_t)1 << 63)

/** A socket of sock_diag, which speaks for the namespace that it was made in. */
struct netns_diag {
    int fd;          /* -1: none */
    uint64_t inode;  /* of the socket */
    bool is_dumping; /* not all of the last answer was received */
};

/** A namespace that the command line names. */
struct netns_chosen {
    uint64_t id;
    uint32_t pid;    /* the process that was named, 0: none was */
    uint32_t thread; /* a thread of the collector that stays in it, 0: none */
    int fd;          /* the file that was named, while it may still be entered; else -1 */
    char *path;      /* that file; owned, NULL: none was named */
    struct netns_diag diag;
};

/** What is wrong with a word of --netns. */
enum netns_refusal {
    NETNS_FINE,
    NETNS_EMPTY,      /* a namespace is missing */
    NETNS_NO_PROCESS, /* no process has this pid */
    NETNS_NO_NAME,    /* none has this name */
    NETNS_NO_FILE,    /* error says why it cannot be opened */
    NETNS_OTHER_FILE, /* no network namespace is mounted on it */
    NETNS_NOT_LIVE,   /* a captured tree has no names and files */
    NETNS_UNREAD      /* error says why the process may not be looked at */
};

/** What --netns says. */
struct netns_choice {
    bool asked; /* it was given */
    bool all;
    bool unlike; /* the invoker may not know which files exist: all that is wrong looks alike */
    bool secure; /* of a namespace that the invoker may not enter himself no socket is made */
    /*
     * Of processes too, which hold their namespaces themselves, sockets of sock_diag are made: as
     * long as sockq runs they keep a namespace whose last process ends.
     */
    bool keeps;
    enum netns_refusal refusal;
    char *word;                /* that is refused; owned */
    int error;                 /* errno, where there is one */
    struct netns_chosen *list; /* owned */
    size_t count;
};

/**
 * Add what one argument of --netns names: all, a PID, a name in NETNS_FOLDER or the path of a file
 * on which a namespace is mounted; several with commas between them. What is wrong with it is noted
 * in the choice, the first time.
 *
 * @return 0; -1 with errno when memory is short
 */
int netns_choose(struct netns_choice *choice, const struct sockq_proc *proc, const char *argument);

/**
 * After the last argument: of all namespaces, open those that have a name and no process, and with
 * `keeps` make sockets of sock_diag in those that have one.
 *
 * @return 0; -1 with errno when memory is short
 */
int netns_choose_rest(struct netns_choice *choice, const struct sockq_proc *proc);

/**
 * Go into a namespace, by its file, and back again.
 *
 * @inside  called there
 * @return  1; 0: it may not be entered; -1 with errno if there is no way back
 */
int netns_visit(int fd, void (*inside)(void *), void *context);

/** True if a namespace is to be entered by netns_hold. */
bool netns_enters(const struct netns_choice *choice);

/**
 * Start a thread in each namespace whose file is open: it enters and stays, so that the tables can
 * be read through its /proc/TID/net. Needs CAP_SYS_ADMIN, which the threads drop.
 *
 * @drop   gives up all capabilities of the calling thread; 0, or -1 with errno
 * @return 0; -1 with errno
 */
int netns_hold(struct netns_choice *choice, int (*drop)(void));

/** True for the inode of a socket of sock_diag that was made in one of them. */
bool netns_is_own_socket(const struct netns_choice *choice, uint64_t inode);

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

/** A process and its namespace. */
struct netns_member {
    uint64_t id;
    uint64_t seen; /* by what it was known: id or, where only others may be read, a mark */
    uint32_t pid;
};

/** A namespace of a list. */
struct netns_place {
    uint64_t id;
    uint64_t seen;           /* by what the process `pid` is known */
    uint32_t pid;            /* read through /proc/PID/net; 0: through /proc/net */
    uint32_t first;          /* the lowest pid in it, 0: none is known */
    int error;               /* why nothing (more) is read, as in sockq_netns */
    const char *path;        /* the file that was named, borrowed; NULL: none */
    uint64_t entry;          /* arena offset of its sockq_netns */
    struct netns_diag *diag; /* by which sock_diag can be asked, borrowed; NULL: it cannot */
};

/** The namespaces of one collection. */
struct netns_list {
    bool (*check)(void *); /* NULL: nothing stops it */
    void *context;
    const struct sockq_proc *proc; /* borrowed */
    struct netns_place *list;      /* owned */
    uint32_t count;
    uint32_t room;
    struct netns_member *members; /* by id, then by pid; owned */
    size_t member_count;
    size_t member_room;
    struct netns_names names;
    uint64_t own;     /* the reader's namespace, or that of a tree's net/; 0: not known */
    uint32_t refused; /* processes whose namespace may not be read */
    uint32_t left;    /* namespaces beyond NETNS_MOST */
    bool all;         /* not only some that were named */
};

/**
 * List the namespaces that a choice asks for.
 *
 * @choice  NULL or not asked: only the reader's own
 * @return  0; -1 with errno (ENOMEM, or why the folder of processes could not be listed)
 */
int netns_list_read(struct netns_list *list, const struct sockq_proc *proc,
                    const struct netns_choice *choice);

/**
 * The same, of a tree that may have any number of processes.
 *
 * @check  called now and then; true: no further process is looked at
 */
int netns_list_read_checked(struct netns_list *list, const struct sockq_proc *proc,
                            const struct netns_choice *choice, bool (*check)(void *),
                            void *context);

/** Read the members of a list. @return 0, or -1 with errno */
int netns_members_read(struct netns_list *list);

/** The first member of a namespace with a pid above another, or where it would stand. */
size_t netns_member_find(const struct netns_list *list, uint64_t id, uint32_t above);

/** True if there is a member i, and it is of this namespace. */
bool netns_member_is(const struct netns_list *list, size_t i, uint64_t id);

/** True if a process of the list is in the namespace with this inode. */
bool netns_list_has(const struct netns_list *list, uint64_t inode);

/** Free a list. Safe on a zeroed struct. */
void netns_list_free(struct netns_list *list);

/** Write a list to a row set: its chain of sockq_netns, in the order of the list. */
void netns_list_write(struct netns_list *list, struct sockq_writer *w);

/** At the end: note in the chain of what nothing more was read. */
void netns_list_write_errors(const struct netns_list *list, struct sockq_writer *w);

/** True unless something is missing that was asked for. */
bool netns_list_whole(const struct netns_list *list);

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

/** The mark of a process's namespace, which anyone may look at, or -1 with errno. */
int netns_mark(const struct sockq_proc *proc, uint32_t pid, uint64_t *mark);

/** What tells a process's namespace from others, or -1 with errno. */
int netns_id(const struct sockq_proc *proc, uint32_t pid, uint64_t *id);

#endif

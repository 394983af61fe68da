/*
 * The pass over /proc/PID/fd as its threads share it, private to src/owner.
 *
 * Threads take processes from one list. One that finds none left helps the others with the folders
 * that they are still reading: a folder is read in portions, and each portion's links by the thread
 * that read it. What a thread finds stays in memory of its own until all of them have ended.
 */
#ifndef SOCKQ_OWNER_PASS_H
#define SOCKQ_OWNER_PASS_H
#include <pthread.h>
#include <stdatomic.h>

#include "process.h"

enum { OWNER_THREADS_MOST = 8 };

/** The sockets in one portion of a folder, in its order. */
struct owner_piece {
    struct owner_piece *before; /* the portion of that folder before this one */
    uint32_t order;
    uint32_t count;
    uint64_t inodes[]; /* then as many descriptors, uint32_t, OWNER_OLD_LINK set in them */
};

#define OWNER_OLD_LINK ((uint32_t)1 << 31)

/** A process of the list. */
struct owner_target {
    struct owner_piece *last;      /* in the pile of the thread that read it */
    struct owner_process *process; /* NULL while no socket was found */
    uint32_t pid;
    uint32_t leader; /* 0, or the process whose thread this is */
    uint32_t thread; /* 0, or one whose folder is read, because its first thread has ended */
    uint32_t links;  /* of its folder that could be read */
    bool refused;    /* its folder was, or something in it */
    bool gone;       /* it ended before it could be named: its sockets are not its own any more */
};

struct owner_pass;

/** A thread. */
struct owner_worker {
    struct owner_pass *pass;
    pthread_t thread;
    /* The folder that it took, and the lock for this. */
    pthread_mutex_t lock;
    struct owner_target *target;
    int folder;     /* -1: none, or closed */
    unsigned users; /* threads that read links of it */
    uint32_t order; /* portions given out */
    bool ended;     /* all were */
    bool named;     /* a thread reads what the process is */
    bool shut;      /* a link of it was refused */
    /* Touched by this thread alone until it ends. */
    struct pile pile;
    struct sockq_owner_info info; /* counts only */
    uint64_t links;
};

/** What all threads share. */
struct owner_pass {
    const struct sockq_proc *proc;
    uint32_t flags; /* of the request */
    struct owner_target *targets;
    uint32_t count;
    atomic_uint next; /* of the list, to be taken */
    atomic_bool stop;
    atomic_int error; /* errno of what ended it */
    /* Called by worker 0 behind each portion. */
    void (*lead)(struct owner_pass *pass);
    bool (*check)(void *);
    void *context;
    uint64_t checked;
    struct sockq_owner_info *shown; /* what the reader sees meanwhile: processes only */
    unsigned started;               /* workers that run, worker 0 included */
    unsigned most;                  /* workers that may */
    struct owner_worker workers[OWNER_THREADS_MOST];
};

/** The processes of the tree, in the order of its folder. @return 0, or -1 with errno */
int owner_pass_list(struct owner_pass *pass, struct sockq_owner_info *info);

/** Read the folders of the list by as many threads as may; counts are added. @return 0, or -1 with
 * errno */
int owner_pass_run(struct owner_pass *pass, struct sockq_owner_info *info);

/**
 * The index of what was read.
 *
 * @sockets  found, as counted
 * @return   NULL with errno or w->error
 */
struct owner_index *owner_pass_index(const struct owner_pass *pass, struct sockq_writer *w,
                                     size_t sockets);

/** Free what the threads found, not the list. */
void owner_pass_free(struct owner_pass *pass);

/** The path of a process's folder below /proc, @room at least 48. */
void owner_target_path(const struct owner_target *target, char *path, size_t room);

/** Read folders until no work is left for this worker, or the pass stops. */
void owner_pass_work(struct owner_worker *self);

#endif

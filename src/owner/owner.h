/*
 * Socket owners: which process holds which socket, by the inode of the socket.
 *
 * One pass over /proc/PID/fd builds an index in memory; each row then costs one probe. The cost
 * is linear in descriptors and rows, and the pass takes all CPUs where there is enough to read.
 * Threads that unshared their descriptors are looked at where threads are asked for.
 */
#ifndef SOCKQ_OWNER_H
#define SOCKQ_OWNER_H
#include <stdbool.h>

#include "../proc.h"
#include "../rowset.h"

struct owner_index;

/**
 * Walk the processes of a /proc and index their sockets, in the order of the folder.
 *
 * @w        the row set that will refer to the owners: their counts go to its header, process
 *           records to its arena
 * @flags    of the request: what to read of each owner
 * @threads  how many may read, at most 8; 0: one for each CPU that this process may use. Others
 *           than the caller's are started only once there is work for some milliseconds, with all
 *           signals blocked, and have ended at the return
 * @check    called now and then, by the caller's thread; true ends the walk early (cancelled)
 * @return   an index to free with owner_index_free, or NULL with w->error set
 */
struct owner_index *owner_index_read(const struct sockq_proc *proc, struct sockq_writer *w,
                                     uint32_t flags, unsigned threads, bool (*check)(void *),
                                     void *context);

/**
 * The owners of one inode, written to the arena on first use.
 *
 * @return  arena offset of the first sockq_owner, 0 if none is known; inode 0: only a link
 * "[0000]:0"
 */
uint64_t owner_index_find(struct owner_index *index, struct sockq_writer *w, uint64_t inode);

/** Write the owners of every inode to the arena, linked from the set's owners.holders. */
void owner_index_list(struct owner_index *index, struct sockq_writer *w);

/**
 * Write the name of a process to the arena, as owners are named.
 *
 * @length  of the name, 0 if it is not known
 * @return  arena offset, 0 if it is not known
 */
uint64_t owner_program(const struct sockq_proc *proc, uint32_t pid, struct sockq_writer *w,
                       uint32_t *length);

/**
 * Write a process to the arena, of which no more is read than the name in its file stat.
 *
 * @return  arena offset of the sockq_process, 0 if there is no such file or with w->error
 */
uint64_t owner_process_named(const struct sockq_proc *proc, uint32_t pid, struct sockq_writer *w);

/** Free an index; NULL is ignored. */
void owner_index_free(struct owner_index *index);

/**
 * The inode in the text of an fd link: "socket:[N]", or "[0000]:N" of old kernels (*old set).
 * N is decimal, without sign or prefix, below 2^64.
 *
 * @return  0, -1 if the text names no socket, -2 if it does but N does not fit
 */
int owner_link_inode(const char *text, size_t length, uint64_t *inode, bool *old);

#endif

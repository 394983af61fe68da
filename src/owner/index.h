/*
 * The index from socket inode to descriptors, private to src/owner.
 */
#ifndef SOCKQ_OWNER_INDEX_H
#define SOCKQ_OWNER_INDEX_H
#include "owner.h"

/** An empty index, or NULL with errno. */
struct owner_index *owner_index_new(void);

/**
 * Add one descriptor; those of one inode keep the order in which they came.
 *
 * @process  arena offset of its sockq_process
 * @return   0, or -1 with errno ENOMEM
 */
int owner_index_add(struct owner_index *index, uint64_t inode, uint64_t process, uint32_t fd,
                    bool old_link);

#endif

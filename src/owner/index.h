/*
 * The index from socket inode to descriptors, private to src/owner.
 */
#ifndef SOCKQ_OWNER_INDEX_H
#define SOCKQ_OWNER_INDEX_H
#include "owner.h"

/**
 * An empty index with room for so many processes and descriptors: 20 bytes a descriptor, and 5 to
 * 11 for the hash table.
 *
 * @return  NULL with errno (ENOMEM)
 */
struct owner_index *owner_index_new(size_t processes, size_t descriptors);

/** Where else to search for the owners of an inode that an index does not know. */
struct owner_more {
    /* As owner_index_find returns it. */
    uint64_t (*find)(struct owner_more *more, struct sockq_writer *w, uint64_t inode);
    void (*free)(struct owner_more *more);
};

/** Search there as well; the index owns it from now on. */
void owner_index_set_more(struct owner_index *index, struct owner_more *more);

/**
 * Begin a process: the descriptors that are added next are its own.
 *
 * @process  arena offset of its sockq_process
 */
void owner_index_begin(struct owner_index *index, uint64_t process);

/**
 * Add one descriptor, at most as many as there is room for; those of one inode keep the order in
 * which they came.
 */
void owner_index_add(struct owner_index *index, uint64_t inode, uint32_t fd, bool old_link);

#endif

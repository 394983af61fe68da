/*
 * The memory file: a sparse run of 1 MiB blocks, and which row set has which of them. That is kept
 * beside the file, where nobody else can write.
 *
 * The reader's mapping is read-only and comes from a read-only open, so it cannot be made writable;
 * the file's size is sealed, so no access below it can fault for want of length. Without memory
 * files it is a System V segment, attached once for reading.
 */
#ifndef SOCKQ_MEMORY_H
#define SOCKQ_MEMORY_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SOCKQ_BLOCK_SHIFT 20
#define SOCKQ_BLOCK_SIZE ((size_t)1 << SOCKQ_BLOCK_SHIFT)
#define SOCKQ_PAGE ((size_t)4096)

/** A growing list of block numbers; owns its memory. */
struct sockq_list {
    uint32_t *blocks;
    uint32_t count;
    uint32_t room;
};

/** A memory file as its writer sees it. */
struct sockq_file {
    unsigned char *base;      /* writable mapping */
    const unsigned char *map; /* what the reader gets: read-only, or base in one process */
    size_t size;              /* bytes, a multiple of SOCKQ_BLOCK_SIZE */
    uint32_t next;            /* the lowest block that was never used */
    struct sockq_list unused; /* released blocks */
    struct sockq_list sets;   /* header blocks of the row sets that are alive */
    struct sockq_list pages;  /* memory of each of them, once it is finished, in SOCKQ_PAGE */
    struct sockq_list owners; /* of each block below next: the header block of its set, 0: unused */
    uint64_t used;            /* memory of all of them, likewise */
    uint64_t used_most;       /* 0: no limit but the file's size */
    uint32_t sets_most;       /* 0: no limit */
    bool shared;              /* two processes map it, or it is private memory */
};

/**
 * Make a memory file of at most `size` bytes (halved until the kernel grants it).
 *
 * @shared  true: sealed memfd, with a read-only mapping for a forked reader; the writable mapping
 *          is not inherited by fork. false: private memory for one process.
 * @return  0, or -1 with errno; close with sockq_file_close
 */
int sockq_file_open(struct sockq_file *file, size_t size, bool shared);

/** Unmap and free; the row sets in it are gone. Safe on a zeroed struct. */
void sockq_file_close(struct sockq_file *file);

/**
 * Take a block.
 *
 * @set    the header block of the set that it is for; 0: it becomes one
 * @return 0, or -1 with errno (ENOSPC: the file is full, EDQUOT: and as large as its limit)
 */
int sockq_file_take(struct sockq_file *file, uint32_t set, uint32_t *block);

/** True if a block is one of a set's. */
bool sockq_file_has(const struct sockq_file *file, uint32_t set, uint32_t block);

/** Give a block and its memory back; one that nobody has is ignored. */
void sockq_file_give(struct sockq_file *file, uint32_t block);

/** Give back all that a set has. */
void sockq_file_give_all(struct sockq_file *file, uint32_t set);

/** The writable memory of a block. */
unsigned char *sockq_file_at(const struct sockq_file *file, uint32_t block);

/** Append to a list. @return 0, or -1 with errno */
int sockq_list_add(struct sockq_list *list, uint32_t block);

#endif

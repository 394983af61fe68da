/*
 * The row sets in a memory file: one writer (the collector) appends, one reader (the interpreter)
 * follows. A row set owns a header block, blocks of rows and blocks of the string arena (struct
 * sockq_set in row.h says how they join).
 *
 * What the writer reads back from the file it does not trust: block numbers are those of the set's
 * own blocks, whatever stands there, and counts are those of struct sockq_writer.
 */
#ifndef SOCKQ_ROWSET_H
#define SOCKQ_ROWSET_H
#include <stdbool.h>
#include <stddef.h>

#include "memory.h"
#include "row.h"

#define SOCKQ_BLOCK_ROWS (SOCKQ_BLOCK_SIZE / sizeof(struct sockq_row))
#define SOCKQ_SET_MAGIC "sockqset"
#define SOCKQ_SET_VERSION 3
#define SOCKQ_SET_BYTE_ORDER 0x01020304u
#define SOCKQ_PROBLEMS_KEPT 10

/** The writer of one row set. */
struct sockq_writer {
    struct sockq_file *file;      /* borrowed */
    struct sockq_set *set;        /* in the file */
    uint32_t block;               /* number of the header block: the set's name in the protocol */
    uint64_t rows;                /* pushed, committed or not */
    struct sockq_row *next;       /* where the next row goes, NULL before a block is taken */
    struct sockq_row *last_block; /* the first row of the block before the one in use */
    size_t ready;                 /* bytes of the row block in use that are backed by memory */
    uint64_t passed;              /* row blocks, from the first, that were given back */
    struct sockq_list spare;      /* blocks of those to use again, owned */
    bool used_before;             /* the row block in use is one of them: rows in it are not zero */
    bool held;                    /* rows are not shown to the reader before the end */
    bool lent;                    /* next was given out and not pushed: it may be half filled */
    uint64_t pages;               /* memory of the set, in SOCKQ_PAGE */
    uint64_t arena;               /* bytes of the arena in use */
    uint64_t arena_ready;         /* arena bytes that are backed by memory */
    bool arena_lasts;             /* the arena block in use has more than what rows alone tell of */
    struct sockq_list closed; /* full arena blocks that have not, two numbers each: which, and how
                                 many rows had begun */
    uint32_t closed_passed;   /* numbers of it, from the first, whose blocks were given back */
    struct sockq_list arena_spare; /* blocks of those to use again, owned */
    uint64_t cgroups;              /* arena offset of the last one, shown with the rows */
    uint64_t last_problem;         /* arena offset, to link the next one */
    uint16_t netns; /* the namespace that is being read, as rows and problems name it */
    int error;      /* errno of the first failure, 0 while all is well */
};

/**
 * Begin a row set.
 *
 * @return 0, or -1 with errno (ENOSPC: the file is full, EDQUOT: a limit of the file is reached)
 */
int sockq_writer_open(struct sockq_writer *w, struct sockq_file *file,
                      const struct sockq_question *question);

/**
 * Room for the next row, zeroed. It counts only after sockq_writer_push, so a scanner may fill it
 * and give up.
 *
 * @return  borrowed until the push; NULL with w->error set when memory is short
 */
struct sockq_row *sockq_writer_row(struct sockq_writer *w);

/** Count the row that sockq_writer_row gave out. */
static inline void sockq_writer_push(struct sockq_writer *w)
{
    w->rows++;
    w->next++;
    w->lent = false;
}

/**
 * A row that was pushed among the last SOCKQ_BLOCK_ROWS, passed or not.
 *
 * @index  from 0
 */
static inline const struct sockq_row *sockq_writer_recent(const struct sockq_writer *w,
                                                          uint64_t index)
{
    /* A row that is lent stands in the block in use already, also as its first. */
    const size_t used = w->lent ? w->rows % SOCKQ_BLOCK_ROWS : (w->rows - 1) % SOCKQ_BLOCK_ROWS + 1;
    const size_t back = (size_t)(w->rows - index);

    return back <= used ? w->next - back : w->last_block + index % SOCKQ_BLOCK_ROWS;
}

/**
 * Zeroed room in the arena, 8-byte aligned, contiguous.
 *
 * @size    at most SOCKQ_BLOCK_SIZE - 8
 * @offset  its arena offset, never 0
 * @return  borrowed, writable until the next commit; NULL with w->error set when memory is short
 */
void *sockq_writer_alloc(struct sockq_writer *w, size_t size, uint64_t *offset);

/**
 * The same, for what the row that is pushed next tells of, and nothing else: once the reader has
 * passed the row the room is used again.
 */
void *sockq_writer_row_alloc(struct sockq_writer *w, size_t size, uint64_t *offset);

/**
 * Give back what was allocated for a row that is given up.
 *
 * @arena  w->arena before that; where a block was begun since, nothing is given back
 */
void sockq_writer_rewind(struct sockq_writer *w, uint64_t arena);

/** Copy bytes into the arena. @return their offset, 0 when memory is short (w->error). */
uint64_t sockq_writer_bytes(struct sockq_writer *w, const void *bytes, size_t size);

/** The arena memory at an offset that sockq_writer_alloc gave; for any other, memory of the set. */
void *sockq_writer_at(struct sockq_writer *w, uint64_t offset);

/** Bytes of the arena of which a row tells offset and size. @return borrowed; NULL: it cannot be */
const void *sockq_writer_text(struct sockq_writer *w, uint64_t offset, size_t size);

/** A row that was pushed. @index from 0, below w->rows, and not passed */
struct sockq_row *sockq_writer_row_at(const struct sockq_writer *w, uint64_t index);

/**
 * The reader will not look at the first `rows` rows again: the blocks that they fill, and those of
 * the arena that only they tell of, are used for rows to come, which costs no new memory and finds
 * it in the cache.
 *
 * @rows  no more than are committed; fewer than before are ignored
 */
void sockq_writer_passed(struct sockq_writer *w, uint64_t rows);

/** Make all that was pushed visible to the reader. */
void sockq_writer_commit(struct sockq_writer *w);

/**
 * Report one line (0: the file) of a table. The first ten of a table are kept and the one that
 * ended it, all are counted.
 *
 * @lost  true if no row was delivered for it
 */
void sockq_writer_problem(struct sockq_writer *w, enum sockq_table table, uint32_t line,
                          enum sockq_reason reason, int error, bool lost);

/** Commit and set the final status; w->error turns any status into SOCKQ_SET_FAILED. */
void sockq_writer_finish(struct sockq_writer *w, enum sockq_set_status status);

/**
 * Count memory outside the file, which holds what is to become rows, against its limit.
 *
 * @counted  bytes that were counted before; set to `bytes`, or as it was on failure
 * @return   0, or -1 with errno (EDQUOT: the limit is reached)
 */
int sockq_file_count(struct sockq_file *file, uint64_t *counted, uint64_t bytes);

/** Give a row set's blocks back. @block a header block that this file gave out; else ignored. */
void sockq_file_release(struct sockq_file *file, uint32_t block);

/** The committed row count, acquired: rows below it may be read. */
uint64_t sockq_set_rows(const struct sockq_set *set);

/** The status, acquired: once final, the row count is final too. */
enum sockq_set_status sockq_set_status(const struct sockq_set *set);

/** True if a row has one of these states (a bit each, 0: all); tables without inet states pass. */
static inline bool sockq_row_has_state(const struct sockq_row *row, uint64_t states)
{
    return !states || !(row->known & SOCKQ_HAS_STATE) || row->table == SOCKQ_UNIX ||
           (row->state <= 63 && (states >> row->state & 1));
}

/** True if a row's address family is one of its table's; the table's number is below SOCKQ_TABLES.
 */
bool sockq_row_fits(const struct sockq_row *row);

/** Row `index` of a set in a file mapped at `base`; the caller has checked index < rows. */
const struct sockq_row *sockq_set_row(const void *base, const struct sockq_set *set,
                                      uint64_t index);

/** Arena bytes [offset, offset + size) of a set, or NULL if they are not all committed. */
const void *sockq_set_at(const void *base, const struct sockq_set *set, uint64_t offset,
                         size_t size);

#endif

/*
 * Copying a row set into another: of the rows that a question asks for, and of nothing else, their
 * owners, names and addresses. So a snapshot of ten sockets is small, and a recording answers
 * questions as a collector would.
 *
 * The source may be a stranger's file. It is believed in nothing: what the copy holds was checked,
 * and only what was copied is ever shown to Lua, which reads rows without checks.
 */
#ifndef SOCKQ_COPY_H
#define SOCKQ_COPY_H
#include "rowset.h"

/** What is wrong with a recording; the words stand in recording.c. */
enum sockq_flaw {
    SOCKQ_FLAW_NONE,
    SOCKQ_FLAW_FOREIGN,    /* not a recording */
    SOCKQ_FLAW_VERSION,    /* of another version of the format */
    SOCKQ_FLAW_BYTE_ORDER, /* of a machine of the other byte order */
    SOCKQ_FLAW_LAYOUT,     /* its rows or header have another size */
    SOCKQ_FLAW_FRAME,      /* no snapshot begins where one should */
    SOCKQ_FLAW_SUM,        /* the bytes are not those that were written */
    SOCKQ_FLAW_HEADER,     /* a value of the header that no collector gives */
    SOCKQ_FLAW_ROW,        /* a row of no table that was read, or with impossible values */
    SOCKQ_FLAW_OFFSET,     /* an offset that leads out of the arena */
    SOCKQ_FLAW_CHAIN,      /* a chain that runs in a circle, or several that meet */
    SOCKQ_FLAWS
};

/** Where rows are copied from. */
struct sockq_source {
    const struct sockq_set *set; /* the header; its lists of blocks are used if base is set */
    const void *base;            /* the memory file that the set is in, or NULL: */
    const struct sockq_row *rows;
    const unsigned char *arena;
};

/** Which rows. */
struct sockq_selection {
    struct sockq_question question; /* as a collector would answer it */
    const uint64_t *rows;           /* only these, by index, ascending; NULL: all */
    uint64_t count;                 /* how many those are */
    const char *filter;             /* what to note as the set's filter; NULL: the source's */
    size_t filter_len;
};

/**
 * Copy the rows of a finished row set into a new, finished one. Tables that the source lacks are
 * missing in it; owners, cgroups and facts come along if the question asks for them.
 *
 * @w     the new set, in `file`; nothing is left there after a failure
 * @flaw  what is wrong with the source, set with EBADMSG
 * @return 0, or -1 with errno (EBADMSG; ENOMEM, ENOSPC; EINVAL: the rows do not ascend or do not
 *         exist)
 */
int sockq_copy(struct sockq_writer *w, struct sockq_file *file, const struct sockq_source *source,
               const struct sockq_selection *selection, enum sockq_flaw *flaw);

#endif

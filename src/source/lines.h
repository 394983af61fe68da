/*
 * The text of one table of one namespace, line by line.
 */
#ifndef SOCKQ_SOURCE_LINES_H
#define SOCKQ_SOURCE_LINES_H
#include "feed.h"
#include "source.h"

/* A read gives no more, and less if the next row does not fit (fs/seq_file.c). */
enum { READ_MOST = 4096, LINE_IN_MEMORY = 256 };

/** What a reader of a text learns of it besides its rows. */
struct lines_seen {
    size_t bytes;   /* of text */
    int64_t before; /* sockets there were behind its first page, or before it was opened ahead; -1:
                       not known, or other numbers since */
    size_t next_count; /* bytes at which they are counted next; 0: they were not yet */
    bool is_long;      /* what is read behind it was opened */
};

/**
 * Read a text to its end: each row is pushed through the reader, each damage told.
 *
 * @feed  closed
 * @info  its status says how it ended; READING: the check stopped it, or w->error
 */
void lines_read(struct table_reader *reader, struct feed *feed, struct sockq_table_info *info,
                struct lines_seen *seen);

#endif

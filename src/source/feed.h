/*
 * The text of a file in pieces, front to back. A long file is read ahead by a thread: the kernel
 * formats the rows to come while those that it gave are scanned.
 */
#ifndef SOCKQ_SOURCE_FEED_H
#define SOCKQ_SOURCE_FEED_H
#include <stddef.h>
#include <sys/types.h>

/** Room before each piece that the caller may write to: for the line that a piece cut in two. */
#define FEED_ROOM ((size_t)128 << 10)

struct feed;

/**
 * A feed of an open file.
 *
 * @fd  owned by the feed from here on, also on failure
 * @return  to be closed with feed_close, or NULL with errno
 */
struct feed *feed_open(int fd);

/**
 * Read ahead from now on, not only when the file proves long. Where no thread can be had nothing
 * changes: feed_next then reads.
 */
void feed_ahead(struct feed *feed);

/** True once a thread reads ahead. */
int feed_is_ahead(const struct feed *feed);

/**
 * The next piece.
 *
 * @text    FEED_ROOM bytes before it may be written to; valid until the next call
 * @return  its bytes, 0 at the end, -1 with errno
 */
ssize_t feed_next(struct feed *feed, char **text);

/** Stop reading and free; NULL is ignored. */
void feed_close(struct feed *feed);

#endif

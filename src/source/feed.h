/*
 * The text of a file in pieces, front to back, read by the caller or ahead of it by a thread.
 *
 * A thread pays for a file that is read while another one is: the handing over of pieces costs more
 * than scanning them at the same time would save.
 */
#ifndef SOCKQ_SOURCE_FEED_H
#define SOCKQ_SOURCE_FEED_H
#include <stdbool.h>
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
 * Read ahead by a thread from now on. Where none can be had nothing changes: feed_next then reads.
 */
void feed_ahead(struct feed *feed);

/** True once more was read than any short file has. */
bool feed_is_long(const struct feed *feed);

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

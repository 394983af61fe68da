/*
 * Recordings: files of row sets, one snapshot behind the other.
 *
 * A snapshot is a struct sockq_frame, the row set's header without its lists of blocks, its rows
 * and its arena, each in one piece. The numbers are those of the machine that wrote it. A write
 * that was cut off leaves a part of a snapshot at the end, which is not read and which the next
 * write takes away; anything else that is wrong is damage, and nothing is then read.
 */
#ifndef SOCKQ_RECORDING_H
#define SOCKQ_RECORDING_H
#include "copy.h"

#define SOCKQ_FRAME_MAGIC "sockqrec"
#define SOCKQ_FRAME_VERSION 2

/** Bytes of a row set's header in a recording: all before its lists of blocks. */
#define SOCKQ_FRAME_HEADER offsetof(struct sockq_set, row_blocks)

/** What a snapshot begins with, 56 bytes. */
struct sockq_frame {
    char magic[8];
    uint32_t version;
    uint32_t byte_order; /* SOCKQ_SET_BYTE_ORDER */
    uint32_t row_size;
    uint32_t header_size; /* SOCKQ_FRAME_HEADER */
    uint64_t size;        /* bytes of the snapshot, this frame included */
    uint64_t head_sum;    /* of frame, with 0 here, and header */
    uint64_t body_sum;    /* of rows and arena */
    uint64_t reserved;
};

/** Where a snapshot is, and what it is of. */
struct sockq_snapshot {
    uint64_t at;   /* byte of the file */
    uint64_t size; /* bytes */
    uint64_t rows;
    int64_t realtime_ns;
};

/** An open recording. */
struct sockq_recording {
    int fd; /* owned */
    struct sockq_snapshot *list;
    size_t count;
    size_t room;
    uint64_t end;         /* where the last whole snapshot ends */
    uint64_t size;        /* of the file; beyond end if half a snapshot follows */
    enum sockq_flaw flaw; /* what is wrong, with errno EBADMSG */
    uint64_t flaw_at;     /* and in which byte the snapshot begins where that was seen */
};

/** What a flaw means, in one lower-case phrase; static text, never NULL. */
const char *sockq_flaw_text(enum sockq_flaw flaw);

/**
 * Open a file to read a recording.
 *
 * @return a descriptor of the caller's, or -1 with errno (EINVAL: not a regular file)
 */
int sockq_recording_open(const char *path);

/**
 * Open or make (0600) a file to append to it. One process at a time has it.
 *
 * @return a descriptor of the caller's, or -1 with errno (EINVAL: not a regular file; ELOOP: a
 *         symbolic link; EWOULDBLOCK: another process has it)
 */
int sockq_recording_create(const char *path);

/**
 * List the snapshots of a file; an empty file has none. Their rows are not looked at yet.
 *
 * @fd     closed by sockq_recording_close, also after a failure
 * @return 0, or -1 with errno (EBADMSG: flaw says what)
 */
int sockq_recording_list(struct sockq_recording *recording, int fd);

/** Close it. Safe on a struct whose fd is -1 and whose list is NULL. */
void sockq_recording_close(struct sockq_recording *recording);

/**
 * Read one snapshot into a row set, with every value checked.
 *
 * @index  from 0
 * @file   private memory
 * @block  the new row set
 * @return 0, or -1 with errno (EBADMSG: flaw says what)
 */
int sockq_recording_load(struct sockq_recording *recording, size_t index, struct sockq_file *file,
                         uint32_t *block);

/**
 * Append rows of a finished row set as a snapshot. Half a snapshot at the end is cut off first, and
 * so is what was written of this one if it cannot be written whole.
 *
 * @fd of the recording: from sockq_recording_create
 * @return 0, or -1 with errno
 */
int sockq_recording_append(struct sockq_recording *recording, const struct sockq_source *source,
                           const struct sockq_selection *selection);

#endif

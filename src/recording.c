#define _GNU_SOURCE
#include "recording.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(sizeof(struct sockq_frame) == 56, "row.h and this file are the format");
_Static_assert(SOCKQ_FRAME_HEADER % 8 == 0, "rows are summed in words of eight bytes");

/* Private memory to put a snapshot together in: taken as it is needed. */
static const size_t MOST_MEMORY = (size_t)64 << 30;

enum { HEAD = sizeof(struct sockq_frame) + SOCKQ_FRAME_HEADER };

struct head {
    struct sockq_frame frame;
    unsigned char header[SOCKQ_FRAME_HEADER];
};

_Static_assert(sizeof(struct head) == HEAD, "a snapshot begins without gaps");

const char *sockq_flaw_text(enum sockq_flaw flaw)
{
    static const char *const texts[SOCKQ_FLAWS] = {
        [SOCKQ_FLAW_NONE] = "nothing is wrong",
        [SOCKQ_FLAW_FOREIGN] = "not a recording of sockq",
        [SOCKQ_FLAW_VERSION] = "a recording in a format of another version",
        [SOCKQ_FLAW_BYTE_ORDER] = "a recording of a machine of the other byte order",
        [SOCKQ_FLAW_LAYOUT] = "a recording whose rows have another size",
        [SOCKQ_FLAW_FRAME] = "damaged: no snapshot begins here",
        [SOCKQ_FLAW_SUM] = "damaged: the bytes are not those that were written",
        [SOCKQ_FLAW_HEADER] = "damaged: the header holds a value that no machine has",
        [SOCKQ_FLAW_ROW] = "damaged: a row holds a value that no socket has",
        [SOCKQ_FLAW_OFFSET] = "damaged: an offset leads out of the snapshot",
        [SOCKQ_FLAW_CHAIN] = "damaged: a list runs in a circle or into another",
    };

    return (unsigned)flaw < SOCKQ_FLAWS ? texts[flaw] : "unknown flaw";
}

/*
 * Every step maps different sums, and different words, to different sums: one word that was changed
 * is always found. The last word is filled up with zeros; the length stands in the frame.
 */
static uint64_t add_to_sum(uint64_t sum, const void *bytes, size_t size)
{
    const unsigned char *p = bytes;

    while (size > 0) {
        size_t length = size < 8 ? size : 8;
        uint64_t word = 0;
        memcpy(&word, p, length);
        sum = (sum ^ word) * 0x9e3779b97f4a7c15u;
        sum ^= sum >> 32;
        p += length;
        size -= length;
    }
    return sum;
}

static uint64_t sum_of_head(const struct head *head)
{
    struct sockq_frame frame = head->frame;

    frame.head_sum = 0;
    return add_to_sum(add_to_sum(1, &frame, sizeof(frame)), head->header, sizeof(head->header));
}

static int only_regular(int fd)
{
    struct stat st;

    if (fd < 0)
        return -1;
    int known = fstat(fd, &st);
    if (known == 0 && S_ISREG(st.st_mode))
        return fd;
    int saved = known < 0 ? errno : S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
    close(fd);
    errno = saved;
    return -1;
}

int sockq_recording_open(const char *path)
{
    return only_regular(open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
}

int sockq_recording_create(const char *path)
{
    int fd = only_regular(open(
        path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600));

    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

/* @return bytes read, fewer only at the end of the file; -1 with errno */
static ssize_t read_at(int fd, void *into, size_t size, uint64_t at)
{
    size_t have = 0;

    while (have < size) {
        ssize_t n = pread(fd, (char *)into + have, size - have, (off_t)(at + have));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        have += (size_t)n;
    }
    return (ssize_t)have;
}

static int flawed(struct sockq_recording *recording, enum sockq_flaw flaw, uint64_t at)
{
    recording->flaw = flaw;
    recording->flaw_at = at;
    errno = EBADMSG;
    return -1;
}

/* Room for one more in the list. */
static int make_room(struct sockq_recording *recording)
{
    if (recording->count < recording->room)
        return 0;
    size_t room = recording->room ? recording->room * 2 : 16;
    struct sockq_snapshot *more = realloc(recording->list, room * sizeof(*more));
    if (!more)
        return -1;
    recording->list = more;
    recording->room = room;
    return 0;
}

static void remember(struct sockq_recording *recording, struct sockq_snapshot snapshot)
{
    recording->list[recording->count++] = snapshot;
    recording->end = snapshot.at + snapshot.size;
}

/* The row set's header, without its lists of blocks. */
static void header_of(const struct head *head, struct sockq_set *set)
{
    memcpy(set, head->header, sizeof(head->header));
}

static enum sockq_flaw flaw_of_frame(const struct head *head, size_t have, uint64_t at)
{
    const struct sockq_frame *frame = &head->frame;
    size_t magic = have < sizeof(frame->magic) ? have : sizeof(frame->magic);

    /* A shorter file of somebody else may well begin like a magic number. */
    if (at == 0 && magic < sizeof(frame->magic))
        return SOCKQ_FLAW_FOREIGN;
    if (memcmp(frame->magic, SOCKQ_FRAME_MAGIC, magic) != 0)
        return at == 0 ? SOCKQ_FLAW_FOREIGN : SOCKQ_FLAW_FRAME;
    if (have < HEAD)
        return SOCKQ_FLAW_NONE;
    if (frame->byte_order == __builtin_bswap32(SOCKQ_SET_BYTE_ORDER))
        return SOCKQ_FLAW_BYTE_ORDER;
    if (frame->version != SOCKQ_FRAME_VERSION)
        return SOCKQ_FLAW_VERSION;
    if (frame->row_size != sizeof(struct sockq_row) || frame->header_size != SOCKQ_FRAME_HEADER)
        return SOCKQ_FLAW_LAYOUT;
    if (frame->head_sum != sum_of_head(head) || frame->byte_order != SOCKQ_SET_BYTE_ORDER)
        return SOCKQ_FLAW_SUM;
    return SOCKQ_FLAW_NONE;
}

/* Rows and arena fill exactly the snapshot's size. */
static bool size_fits(const struct sockq_frame *frame, uint64_t rows, uint64_t arena)
{
    const uint64_t most = UINT64_MAX / 4;

    return rows <= most / sizeof(struct sockq_row) && arena <= most &&
           frame->size == HEAD + rows * sizeof(struct sockq_row) + arena;
}

/* @return 1: a whole snapshot, 0: the file ends before its end, -1: errno */
static int list_next(struct sockq_recording *recording, struct sockq_set *set)
{
    const uint64_t at = recording->end;
    struct head head;
    ssize_t n = read_at(recording->fd, &head, sizeof(head), at);

    if (n < 0)
        return -1;
    enum sockq_flaw flaw = flaw_of_frame(&head, (size_t)n, at);
    if (flaw)
        return flawed(recording, flaw, at);
    if (n < HEAD)
        return 0;
    header_of(&head, set);
    if (!size_fits(&head.frame, set->rows, set->arena))
        return flawed(recording, SOCKQ_FLAW_HEADER, at);
    if (head.frame.size > recording->size - at)
        return 0;
    if (make_room(recording) < 0)
        return -1;
    remember(recording, (struct sockq_snapshot){.at = at,
                                                .size = head.frame.size,
                                                .rows = set->rows,
                                                .realtime_ns = set->realtime_ns});
    return 1;
}

int sockq_recording_list(struct sockq_recording *recording, int fd)
{
    /* Not fstat: behind the interpreter's filter there is none. */
    const off_t size = lseek(fd, 0, SEEK_END);
    int result = 1;

    *recording = (struct sockq_recording){.fd = fd};
    if (size < 0)
        return -1;
    recording->size = (uint64_t)size;
    struct sockq_set *set = calloc(1, sizeof(*set));
    if (!set)
        return -1;
    while (result > 0 && recording->end < recording->size)
        result = list_next(recording, set);
    free(set);
    return result < 0 ? -1 : 0;
}

void sockq_recording_close(struct sockq_recording *recording)
{
    if (recording->fd >= 0)
        close(recording->fd);
    free(recording->list);
    *recording = (struct sockq_recording){.fd = -1};
}

/* Check a snapshot in memory and copy it to where questions are answered from. */
static int check_image(struct sockq_recording *recording, const struct sockq_snapshot *snapshot,
                       const unsigned char *image, struct sockq_set *set, struct sockq_file *file,
                       uint32_t *block)
{
    const struct head *head = (const void *)image;
    struct sockq_selection all = {.rows = NULL};
    struct sockq_writer w;
    enum sockq_flaw flaw = flaw_of_frame(head, HEAD, snapshot->at);

    if (flaw)
        return flawed(recording, flaw, snapshot->at);
    header_of(head, set);
    if (head->frame.size != snapshot->size || !size_fits(&head->frame, set->rows, set->arena) ||
        head->frame.body_sum != add_to_sum(1, image + HEAD, snapshot->size - HEAD))
        return flawed(recording, SOCKQ_FLAW_SUM, snapshot->at);
    const unsigned char *rows = image + HEAD;
    struct sockq_source source = {.set = set,
                                  .rows = (const void *)rows,
                                  .arena = rows + set->rows * sizeof(struct sockq_row)};
    all.question = set->question;
    if (sockq_copy(&w, file, &source, &all, &flaw) < 0)
        return flaw ? flawed(recording, flaw, snapshot->at) : -1;
    if (memcmp(w.set->tables, set->tables, sizeof(set->tables)) != 0) {
        sockq_file_release(file, w.block);
        return flawed(recording, SOCKQ_FLAW_HEADER, snapshot->at);
    }
    *block = w.block;
    return 0;
}

int sockq_recording_load(struct sockq_recording *recording, size_t index, struct sockq_file *file,
                         uint32_t *block)
{
    const struct sockq_snapshot *snapshot = &recording->list[index];
    unsigned char *image = malloc(snapshot->size);
    struct sockq_set *set = calloc(1, sizeof(*set));
    int result = -1;

    if (image && set) {
        ssize_t n = read_at(recording->fd, image, snapshot->size, snapshot->at);
        if (n >= 0 && (uint64_t)n < snapshot->size)
            result = flawed(recording, SOCKQ_FLAW_SUM, snapshot->at);
        else if (n >= 0)
            result = check_image(recording, snapshot, image, set, file, block);
    }
    int saved = errno;
    free(image);
    free(set);
    errno = saved;
    return result;
}

/* Call `visit` for the rows and the arena of a set, block by block, until it fails. */
static int each_piece(const struct sockq_writer *w,
                      int (*visit)(const void *bytes, size_t size, void *context), void *context)
{
    const unsigned char *base = w->file->base;
    uint64_t left = w->rows * sizeof(struct sockq_row);
    const uint32_t *block = w->set->row_blocks;

    for (int part = 0; part < 2; part++) {
        while (left > 0) {
            size_t size = left < SOCKQ_BLOCK_SIZE ? (size_t)left : SOCKQ_BLOCK_SIZE;
            if (visit(base + ((size_t)*block << SOCKQ_BLOCK_SHIFT), size, context) < 0)
                return -1;
            left -= size;
            block++;
        }
        left = w->arena;
        block = w->set->arena_blocks;
    }
    return 0;
}

static int sum_piece(const void *bytes, size_t size, void *context)
{
    uint64_t *sum = context;

    *sum = add_to_sum(*sum, bytes, size);
    return 0;
}

static int write_piece(const void *bytes, size_t size, void *context)
{
    const int *fd = context;

    while (size > 0) {
        ssize_t n = write(*fd, bytes, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            errno = n == 0 ? ENOSPC : errno;
            return -1;
        }
        bytes = (const char *)bytes + n;
        size -= (size_t)n;
    }
    return 0;
}

/* Ctrl-C waits for the end of a write: it must not leave half a snapshot. */
static int write_snapshot(struct sockq_recording *recording, const struct sockq_writer *w,
                          const struct head *head)
{
    sigset_t held, before;

    sigemptyset(&held);
    sigaddset(&held, SIGINT);
    sigaddset(&held, SIGALRM);
    sigprocmask(SIG_BLOCK, &held, &before);
    int result = write_piece(head, HEAD, &recording->fd);
    if (result == 0)
        result = each_piece(w, write_piece, &recording->fd);
    int saved = errno;
    if (result < 0 && ftruncate(recording->fd, (off_t)recording->end) == 0)
        recording->size = recording->end;
    sigprocmask(SIG_SETMASK, &before, NULL);
    errno = saved;
    return result;
}

static int append_set(struct sockq_recording *recording, const struct sockq_writer *w)
{
    struct head head = {.frame = {.version = SOCKQ_FRAME_VERSION,
                                  .byte_order = SOCKQ_SET_BYTE_ORDER,
                                  .row_size = sizeof(struct sockq_row),
                                  .header_size = SOCKQ_FRAME_HEADER,
                                  .body_sum = 1}};

    memcpy(head.frame.magic, SOCKQ_FRAME_MAGIC, sizeof(head.frame.magic));
    memcpy(head.header, w->set, sizeof(head.header));
    head.frame.size = HEAD + w->rows * sizeof(struct sockq_row) + w->arena;
    (void)each_piece(w, sum_piece, &head.frame.body_sum);
    head.frame.head_sum = sum_of_head(&head);
    /* What is written is in the list: that must not fail behind it. */
    if (make_room(recording) < 0)
        return -1;
    if (recording->size > recording->end && ftruncate(recording->fd, (off_t)recording->end) < 0)
        return -1;
    if (write_snapshot(recording, w, &head) < 0)
        return -1;
    recording->size = recording->end + head.frame.size;
    remember(recording, (struct sockq_snapshot){.at = recording->end,
                                                .size = head.frame.size,
                                                .rows = w->rows,
                                                .realtime_ns = w->set->realtime_ns});
    return 0;
}

int sockq_recording_append(struct sockq_recording *recording, const struct sockq_source *source,
                           const struct sockq_selection *selection)
{
    struct sockq_file file;
    struct sockq_writer w;
    enum sockq_flaw flaw;

    if (sockq_file_open(&file, MOST_MEMORY, false) < 0)
        return -1;
    int result = sockq_copy(&w, &file, source, selection, &flaw);
    if (result == 0)
        result = append_set(recording, &w);
    int saved = errno;
    sockq_file_close(&file);
    errno = saved;
    return result;
}

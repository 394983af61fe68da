/*
 * A captured tree with something of everything, recorded; and recordings as bytes that a test can
 * change, with sums that are right again afterwards.
 */
#ifndef SOCKQ_TESTS_RECORDED_H
#define SOCKQ_TESTS_RECORDED_H
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../src/collect.h"
#include "../../src/recording.h"
#include "helper.h"

static const struct sockq_question everything = {
    .tables = ((uint64_t)1 << SOCKQ_TABLES) - 1,
    .flags = SOCKQ_KEEP_DUPLICATES | SOCKQ_OWNER_FLAGS | SOCKQ_WITH_FACTS | SOCKQ_WITH_NETNS};

/** A file's bytes; owned by the test. */
struct image {
    unsigned char *bytes;
    size_t size;
};

static inline void make_tree(struct fixture *f)
{
    char text[2000];

    for (int i = 0; i < SOCKQ_TEXT_TABLES; i++) {
        const char *good = good_of((enum sockq_table)i);
        int n = snprintf(text, sizeof(text), "%snonsense\n%s", good, good);
        put_table(f, (enum sockq_table)i, text, (size_t)n);
    }
    put_table(f, SOCKQ_UNIX,
              BYTES("d2a1b5c8: 00000002 00000000 00010000 0001 01 15600 @a\nb\n"
                    "d2a1b5c8: 00000002 00000000 00010000 0001 01 15601 /run/x\n"));
    put_link(f, "5/fd/3", "socket:[1600]");
    put_link(f, "5/fd/4", "socket:[15600]");
    put_link(f, "5/fd/5", "socket:[999]");
    put_link(f, "6/fd/3", "socket:[1600]");
    put_link(f, "6/fd/4", "[0000]:0");
    put_text(f, "5/cmdline", "/usr/sbin/sshd");
    put_text(f, "6/comm", "odd\n");
    put_link(f, "self/ns/net", "net:[4026531840]");
    put_link(f, "5/ns/net", "net:[4026531840]");
    put_text(f, "5/cgroup", "0::/system.slice\n");
    put_text(f, "5/comm", "sshd\n");
    put_link(f, "5/exe", "/usr/sbin/sshd");
    put_text(f, "5/stat", "5 (sshd) S 1 5 5 0 -1 0 1 0 0 0 1 2 0 0 20 0 1 0 1234 1 1\n");
    put_text(f, "stat", "cpu 1\nbtime 1795671544\n");
    put_text(f, "sys/kernel/hostname", "box\n");
    put_text(f, "net/sockstat", "sockets: used 9\n");
    put_text(f, "loadavg", "1.00\n");
}

static inline void collect_all(struct fixture *f)
{
    if (f->w.set)
        sockq_file_release(&f->file, f->w.block);
    assert_int_equal(sockq_collect_begin(&f->w, &f->file, &f->proc, &everything), 0);
    sockq_collect_run(&f->w, &f->proc, &everything, never_stop, NULL);
}

/** Append the fixture's row set to a file of the tree. */
static inline void append(struct fixture *f, const char *name)
{
    struct sockq_recording recording;
    struct sockq_source source = {.set = f->w.set, .base = f->file.map};
    struct sockq_selection all = {
        .question = everything, .filter = f->w.set->filter ? NULL : "a\nb", .filter_len = 3};
    int fd = sockq_recording_create(path_of(f, name));

    assert_true(fd >= 0);
    assert_int_equal(sockq_recording_list(&recording, fd), 0);
    size_t before = recording.count;
    assert_int_equal(sockq_recording_append(&recording, &source, &all), 0);
    assert_int_equal(recording.count, before + 1);
    sockq_recording_close(&recording);
}

static inline struct image image_of(struct fixture *f, const char *name)
{
    struct image image = {0};
    struct stat st;
    int fd = open(path_of(f, name), O_RDONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    image.size = (size_t)st.st_size;
    image.bytes = malloc(image.size + 1);
    assert_non_null(image.bytes);
    assert_int_equal(read(fd, image.bytes, image.size), image.size);
    close(fd);
    return image;
}

/** Open a recording of these bytes, as a file of the tree named "bytes". */
static inline int list_bytes(struct fixture *f, const void *bytes, size_t size,
                             struct sockq_recording *recording)
{
    put_bytes(f, "bytes", bytes, size);
    int fd = sockq_recording_open(path_of(f, "bytes"));
    assert_true(fd >= 0);
    return sockq_recording_list(recording, fd);
}

/* As recording.c sums, written a second time. */
static inline uint64_t sum_of(uint64_t sum, const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i += 8) {
        uint64_t word = 0;
        memcpy(&word, bytes + i, size - i < 8 ? size - i : 8);
        sum = (sum ^ word) * 0x9e3779b97f4a7c15u;
        sum ^= sum >> 32;
    }
    return sum;
}

/** Make the sums of a lone snapshot right. */
static inline void sum_again(struct image *image)
{
    struct sockq_frame *frame = (void *)image->bytes;
    const size_t head = sizeof(*frame) + SOCKQ_FRAME_HEADER;

    frame->body_sum = sum_of(1, image->bytes + head, image->size - head);
    frame->head_sum = 0;
    frame->head_sum = sum_of(1, image->bytes, head);
}

/** The header and parts of a lone snapshot. */
static inline struct sockq_set *header_in(struct image *image)
{
    return (void *)(image->bytes + sizeof(struct sockq_frame));
}

static inline struct sockq_row *row_in(struct image *image, uint64_t index)
{
    unsigned char *rows = image->bytes + sizeof(struct sockq_frame) + SOCKQ_FRAME_HEADER;

    return (struct sockq_row *)(void *)rows + index;
}

static inline void *arena_in(struct image *image, uint64_t offset)
{
    return (unsigned char *)row_in(image, header_in(image)->rows) + offset;
}

/** The first row of a table. */
static inline struct sockq_row *row_of(struct image *image, enum sockq_table table)
{
    return row_in(image, header_in(image)->tables[table].first_row);
}

/** A lone snapshot of the tree. */
static inline struct image lone_snapshot(struct fixture *f)
{
    make_tree(f);
    collect_all(f);
    append(f, "lone");
    return image_of(f, "lone");
}

#endif

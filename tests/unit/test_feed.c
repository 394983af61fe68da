/*
 * The text of files in pieces: whole, in order, whatever the length and whoever reads.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helper.h"
#include "source/feed.h"

static int open_bytes(struct fixture *f, const char *bytes, size_t size)
{
    put_bytes(f, "text", bytes, size);
    int fd = open(path_of(f, "text"), O_RDONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

/* @most  pieces to take before it is closed */
static size_t take_pieces(struct feed *feed, const char *bytes, size_t most)
{
    size_t have = 0;
    char *text;
    ssize_t n = 1;

    for (size_t i = 0; i < most && (n = feed_next(feed, &text)) > 0; i++) {
        assert_memory_equal(text, bytes + have, (size_t)n);
        /* The room before a piece is the caller's, and the piece as well. */
        memset(text - FEED_ROOM, 0xee, FEED_ROOM + (size_t)n);
        have += (size_t)n;
    }
    assert_true(n >= 0);
    return have;
}

static void whole_and_in_order(void **state)
{
    static const size_t sizes[] = {0,      1,      4096,   131071, 131072,  131073,
                                   262144, 262145, 400000, 786432, 1048577, 3000001};
    struct fixture *f = *state;
    char *bytes = malloc(3000001), *text;

    assert_non_null(bytes);
    for (size_t i = 0; i < 3000001; i++)
        bytes[i] = (char)(i * 2654435761u >> 13);
    for (size_t i = 0; i < COUNT(sizes) * 2; i++) {
        struct feed *feed = feed_open(open_bytes(f, bytes, sizes[i / 2]));
        assert_non_null(feed);
        if (i % 2)
            feed_ahead(feed);
        assert_int_equal(take_pieces(feed, bytes, SIZE_MAX), sizes[i / 2]);
        /* The end stays the end. */
        assert_int_equal(feed_next(feed, &text), 0);
        assert_int_equal(feed_next(feed, &text), 0);
        feed_close(feed);
    }
    /* Closed before the end, also while the thread waits for room. */
    for (size_t most = 0; most < 8; most++) {
        struct feed *feed = feed_open(open_bytes(f, bytes, 3000001));
        assert_non_null(feed);
        if (most % 2)
            feed_ahead(feed);
        (void)take_pieces(feed, bytes, most);
        feed_close(feed);
    }
    feed_close(NULL);
    free(bytes);
}

static void an_error(void **state)
{
    char *text;

    (void)state;
    for (int ahead = 0; ahead < 2; ahead++) {
        struct feed *feed = feed_open(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        assert_non_null(feed);
        if (ahead)
            feed_ahead(feed);
        for (int i = 0; i < 2; i++) {
            errno = 0;
            assert_int_equal(feed_next(feed, &text), -1);
            assert_int_equal(errno, EISDIR);
        }
        feed_close(feed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(whole_and_in_order),
        cmocka_unit_test(an_error),
    };

    return cmocka_run_group_tests_name("feed", tests, NULL, NULL);
}

/*
 * Rows that come twice: found near and far, in every table that can have them, and never where two
 * sockets are only alike.
 */
#include <stdlib.h>
#include <string.h>

#include "collect.h"
#include "helper.h"
#include "source/recent.h"

enum { HERE = 8000 };

struct text {
    char *bytes;
    size_t size, room;
};

static void add(struct text *text, const char *line)
{
    size_t length = strlen(line);

    if (text->room - text->size < length) {
        text->room = text->room * 2 + length + 4096;
        text->bytes = realloc(text->bytes, text->room);
        assert_non_null(text->bytes);
    }
    memcpy(text->bytes + text->size, line, length);
    text->size += length;
}

/* Rows of sockets of their own, with inodes from `first`. */
static void add_others(struct text *text, unsigned first, unsigned count)
{
    char line[200];

    for (unsigned i = first; i < first + count; i++) {
        snprintf(line, sizeof(line),
                 "%4u: 0100007F:1F90 %08X:%04X 01 00000000:00000000 00:00000000 00000000  1000 "
                 "       0 %u 1 0000000000000000 20 4 30 10 -1\n",
                 i, i * 2654435761u, i % 65536, i);
        add(text, line);
    }
}

static uint64_t rows_of(struct fixture *f, enum sockq_table table, struct text *text,
                        uint32_t flags)
{
    const struct sockq_question question = {.tables = (uint64_t)1 << table, .flags = flags};

    put_table(f, table, text->bytes, text->size);
    if (f->w.set)
        sockq_file_release(&f->file, f->w.block);
    assert_int_equal(sockq_collect_begin(&f->w, &f->file, &f->proc, &question), 0);
    sockq_collect_run(&f->w, &f->proc, &question, never_stop, NULL);
    assert_int_equal(sockq_set_status(f->w.set), SOCKQ_SET_COMPLETE);
    return sockq_set_rows(f->w.set);
}

/* The same row again behind so many others, across the borders of pieces and blocks as well. */
static void at_any_distance(void **state)
{
    static const struct {
        unsigned before, between;
        bool found;
    } cases[] = {{0, 0, true},       {5, 1, true},     {100, 26, true},   {8191, 0, true},
                 {8192, 0, true},    {8190, 3, true},  {8000, 900, true}, {16383, 1, true},
                 {40000, 500, true}, {10, 1022, true}, {10, 1023, false}, {9000, 5000, false}};
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct text text = {0};
        add_others(&text, 1000000, cases[i].before);
        add_others(&text, HERE, 1);
        add_others(&text, 2000000, cases[i].between);
        add_others(&text, HERE, 1);
        add_others(&text, 3000000, 3);
        uint64_t all = cases[i].before + cases[i].between + 5;
        assert_int_equal(rows_of(f, SOCKQ_TCP, &text, 0), all - cases[i].found);
        assert_int_equal(f->w.set->tables[SOCKQ_TCP].duplicates, cases[i].found);
        assert_int_equal(f->w.set->tables[SOCKQ_TCP].rows, all - cases[i].found);
        assert_int_equal(rows_of(f, SOCKQ_TCP, &text, SOCKQ_KEEP_DUPLICATES), all);
        assert_int_equal(f->w.set->tables[SOCKQ_TCP].duplicates, 0);
        free(text.bytes);
    }
}

/* A page of rows again and again. */
static void many_at_once(void **state)
{
    struct fixture *f = *state;
    struct text text = {0};

    for (unsigned i = 0; i < 3000; i++)
        add_others(&text, i / 2 * 27 + 1, 27);
    assert_int_equal(rows_of(f, SOCKQ_TCP, &text, 0), 1500 * 27);
    assert_int_equal(f->w.set->tables[SOCKQ_TCP].duplicates, 1500 * 27);
    free(text.bytes);
}

#define TCP(local, remote, state, timer, inode)                                                    \
    " 1: " local " " remote " " state " 0:0 " timer " 0 0 0 " inode " 1 0 1 1 1 1 1\n"
#define MINI(local, remote, state, timer)                                                          \
    " 1: " local " " remote " " state " 0:0 " timer " 0 0 0 0 3 0\n"
#define UDP(local, inode) " 1: " local " 00000000:0000 07 0:0 00:0 0 0 0 " inode " 2 0 0\n"

static void alike(void **state)
{
    static const struct {
        enum sockq_table table;
        const char *text;
        uint64_t rows;
    } cases[] = {
        {SOCKQ_TCP,
         TCP("01000000:0001", "02000000:0002", "01", "00:0", "5")
             TCP("01000000:0001", "02000000:0002", "08", "00:0", "5"),
         1},
        {SOCKQ_TCP,
         TCP("01000000:0001", "02000000:0002", "01", "00:0", "5")
             TCP("01000000:0001", "02000000:0003", "01", "00:0", "5"),
         2},
        {SOCKQ_TCP,
         TCP("01000000:0001", "02000000:0002", "01", "00:0", "5")
             TCP("01000000:0003", "02000000:0002", "01", "00:0", "5"),
         2},
        {SOCKQ_TCP,
         TCP("01000000:0001", "02000000:0002", "01", "00:0", "5")
             TCP("01000000:0001", "03000000:0002", "01", "00:0", "5"),
         2},
        {SOCKQ_TCP,
         TCP("01000000:0001", "02000000:0002", "01", "00:0", "5")
             TCP("05000000:0001", "02000000:0002", "01", "00:0", "5"),
         2},
        {SOCKQ_TCP,
         TCP("01000000:0001", "00000000:0000", "0A", "00:0", "5")
             TCP("01000000:0001", "00000000:0000", "0A", "00:0", "6"),
         2},
        /* Sockets that no process has any more can be alike. */
        {SOCKQ_TCP,
         TCP("01000000:0001", "02000000:0002", "04", "01:14", "0")
             TCP("01000000:0001", "02000000:0002", "04", "01:14", "0"),
         2},
        /* TIME_WAIT: the timer has run on by 0, 100 and 101 ticks, or back. */
        {SOCKQ_TCP,
         MINI("01000000:0001", "02000000:0002", "06", "03:1770")
             MINI("01000000:0001", "02000000:0002", "06", "03:1770"),
         1},
        {SOCKQ_TCP,
         MINI("01000000:0001", "02000000:0002", "06", "03:1770")
             MINI("01000000:0001", "02000000:0002", "06", "03:170C"),
         1},
        {SOCKQ_TCP,
         MINI("01000000:0001", "02000000:0002", "06", "03:1770")
             MINI("01000000:0001", "02000000:0002", "06", "03:170B"),
         2},
        {SOCKQ_TCP,
         MINI("01000000:0001", "02000000:0002", "06", "03:1770")
             MINI("01000000:0001", "02000000:0002", "06", "03:1771"),
         2},
        {SOCKQ_TCP,
         MINI("01000000:0001", "02000000:0002", "06", "03:1770")
             MINI("01000000:0001", "02000000:0002", "03", "01:1770"),
         2},
        {SOCKQ_UDP, UDP("01000000:0001", "5") UDP("01000000:0001", "5"), 1},
        {SOCKQ_UDP, UDP("01000000:0001", "0") UDP("01000000:0001", "0"), 2},
        {SOCKQ_UDP, UDP("01000000:0001", "5") UDP("01000000:0001", "6"), 2},
        {SOCKQ_UNIX,
         "d2a1b5c8: 00000002 00000000 00010000 0001 01 15600 /a\n"
         "d2a1b5c8: 00000002 00000000 00010000 0001 01 15600 /a\n",
         1},
        {SOCKQ_UNIX,
         "d2a1b5c8: 00000002 00000000 00010000 0001 01 15600 /a\n"
         "d2a1b5c8: 00000002 00000000 00010000 0001 01 15600 /b\n",
         2},
        {SOCKQ_UNIX,
         "d2a1b5c8: 00000002 00000000 00010000 0001 01 15600 /a\n"
         "d2a1b5c8: 00000002 00000000 00010000 0001 01 15600 /ab\n",
         2},
        {SOCKQ_UNIX,
         "d2a1b5c8: 00000002 00000000 00010000 0001 01 15600 /a\n"
         "d2a1b5c8: 00000002 00000000 00010000 0001 01 15600\n",
         2},
        {SOCKQ_UNIX,
         "d2a1b5c8: 00000002 00000000 00000000 0001 01 15600\n"
         "d2a1b5c8: 00000003 00000000 00000000 0001 03 15600\n",
         1},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct text text = {0};
        add(&text, cases[i].text);
        uint64_t rows = rows_of(f, cases[i].table, &text, 0);
        if (rows != cases[i].rows)
            fail_msg("case %zu: %u rows", i, (unsigned)rows);
        free(text.bytes);
    }
}

/* A block of rows that does not lie behind the one before it, and a row that is not pushed. */
static void blocks_apart(void **state)
{
    static const struct sockq_question question = {.tables = 1};
    struct fixture *f = *state;
    struct recent *recent = calloc(1, sizeof(*recent));
    struct sockq_row *row;
    uint64_t offset;

    assert_non_null(recent);
    assert_int_equal(sockq_writer_open(&f->w, &f->file, &question), 0);
    for (uint64_t i = 1; i <= SOCKQ_BLOCK_ROWS; i++) {
        assert_non_null(row = sockq_writer_row(&f->w));
        row->inode = i;
        assert_false(recent_again(recent, &f->w, row));
        sockq_writer_push(&f->w);
    }
    assert_non_null(sockq_writer_alloc(&f->w, 8, &offset));
    for (uint64_t i = 0; i < 5; i++) {
        assert_non_null(row = sockq_writer_row(&f->w));
        row->inode = SOCKQ_BLOCK_ROWS - i;
        assert_true(recent_again(recent, &f->w, row));
    }
    for (uint64_t i = 1; i <= 500; i++) {
        assert_non_null(row = sockq_writer_row(&f->w));
        row->inode = SOCKQ_BLOCK_ROWS + i;
        assert_false(recent_again(recent, &f->w, row));
        sockq_writer_push(&f->w);
        assert_non_null(row = sockq_writer_row(&f->w));
        row->inode = SOCKQ_BLOCK_ROWS + 1 - i % 300;
        assert_true(recent_again(recent, &f->w, row));
    }
    free(recent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(at_any_distance),
        FIXTURE_TEST(many_at_once),
        FIXTURE_TEST(alike),
        FIXTURE_TEST(blocks_apart),
    };

    return cmocka_run_group_tests_name("rows that come twice", tests, NULL, NULL);
}

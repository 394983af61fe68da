/*
 * The unix table, whose names are chosen by whoever binds them: strict rows, names with any byte,
 * names over several lines, forged rows, and bad inputs 88 to 100 by number.
 */
#include <stdlib.h>

#include "helper.h"

#define POINTER "00000000d2a1b5c8: "
#define COLUMNS POINTER "00000002 00000000 00010000 0001 01 "
#define ROW COLUMNS "15600"
#define PLAIN "2: state=1 refs=2 protocol=0 flags=10000 type=1"

static const struct text_case cases[] = {
    {"no_name",
     SOCKQ_UNIX,
     BYTES(ROW "\n"),
     {"2: state=1 inode=15600 refs=2 protocol=0 flags=10000 type=1"},
     {0},
     {0}},
    {"path",
     SOCKQ_UNIX,
     BYTES(ROW " /run/a b\n"),
     {"2: state=1 inode=15600 refs=2 protocol=0 flags=10000 type=1 name=</run/a\\x20b>"},
     {0},
     {0}},
    {"inode_0", SOCKQ_UNIX, BYTES(COLUMNS "    0 /run/x\n"), {PLAIN " name=</run/x>"}, {0}, {0}},
    {"inode_wide",
     SOCKQ_UNIX,
     BYTES(COLUMNS "18446744073709551615\n"),
     {"2: state=1 inode=18446744073709551615 refs=2 protocol=0 flags=10000 type=1"},
     {0},
     {0}},
    {"inode_too_wide",
     SOCKQ_UNIX,
     BYTES(COLUMNS "18446744073709551616\n"),
     {NULL},
     {SOCKQ_BAD_CONTINUATION},
     {2}},
    {"inode_narrow", SOCKQ_UNIX, BYTES(COLUMNS "   7\n"), {NULL}, {SOCKQ_BAD_CONTINUATION}, {2}},
    {"pointer_of_32_bits",
     SOCKQ_UNIX,
     BYTES("f6c3cac0: 00000002 00000000 00010000 0001 01  5423 @/tmp/.X11-unix/X0\n"),
     {"2: state=1 inode=5423 refs=2 protocol=0 flags=10000 type=1 name=<@/tmp/.X11-unix/X0>"},
     {0},
     {0}},
    {"pointer_0",
     SOCKQ_UNIX,
     BYTES("               0: 00000003 00000000 00000000 0005 03    95\n"),
     {"2: state=3 inode=95 refs=3 protocol=0 flags=0 type=5"},
     {0},
     {0}},
    {"pointer_early",
     SOCKQ_UNIX,
     BYTES("(____ptrval____): 00000003 00000000 00000000 0002 03    95\n"),
     {"2: state=3 inode=95 refs=3 protocol=0 flags=0 type=2"},
     {0},
     {0}},
    {"lower_case_is_no_row",
     SOCKQ_UNIX,
     BYTES(POINTER "0000000a 00000000 00010000 0001 01 15600\n"),
     {NULL},
     {SOCKQ_BAD_CONTINUATION},
     {2}},
    {"two_blanks_are_no_row",
     SOCKQ_UNIX,
     BYTES(POINTER " 00000002 00000000 00010000 0001 01 15600\n"),
     {NULL},
     {SOCKQ_BAD_CONTINUATION},
     {2}},
    {"tabs_are_no_row",
     SOCKQ_UNIX,
     BYTES(POINTER "00000002\t00000000 00010000 0001 01 15600\n"),
     {NULL},
     {SOCKQ_BAD_CONTINUATION},
     {2}},
    {"cut_columns_are_no_row",
     SOCKQ_UNIX,
     BYTES(POINTER "00000002 00000000 00010000 0001 01 \n"),
     {NULL},
     {SOCKQ_BAD_CONTINUATION},
     {2}},
    {"name_without_its_blank",
     SOCKQ_UNIX,
     BYTES(ROW "/run/x\n"),
     {NULL},
     {SOCKQ_BAD_CONTINUATION},
     {2}},
    {"bad_017_empty_line",
     SOCKQ_UNIX,
     BYTES(ROW "\n\n"),
     {"2: state=1 inode=15600 refs=2 protocol=0 flags=10000 type=1"},
     {SOCKQ_BAD_CONTINUATION},
     {3}},
    {"bad_017_empty_line_in_a_name",
     SOCKQ_UNIX,
     BYTES(COLUMNS "    0 a\n\n"),
     {PLAIN " name=<a\\x0a> joined"},
     {0},
     {0}},
    {"bad_018_blanks",
     SOCKQ_UNIX,
     BYTES(COLUMNS "    0 a\n  \n"),
     {PLAIN " name=<a\\x0a\\x20\\x20> joined"},
     {0},
     {0}},
    {"bad_088_two_lines",
     SOCKQ_UNIX,
     BYTES(COLUMNS "    0 @a\nb\n" COLUMNS "    0\n"),
     {PLAIN " name=<@a\\x0ab> joined", "4: state=1 refs=2 protocol=0 flags=10000 type=1"},
     {0},
     {0}},
    {"bad_088_three_lines",
     SOCKQ_UNIX,
     BYTES(COLUMNS "    0 @a\nb\nc \n"),
     {PLAIN " name=<@a\\x0ab\\x0ac\\x20> joined"},
     {0},
     {0}},
    {"bad_089_forged_row",
     SOCKQ_UNIX,
     BYTES(COLUMNS "    0 @a\n" POINTER "00000003 00000000 00000000 0001 03 66666 /run/forged\n"),
     {PLAIN " name=<@a>",
      "3: state=3 inode=66666 refs=3 protocol=0 flags=0 type=1 name=</run/forged>"},
     {0},
     {0}},
    {"bad_090_forged_inode",
     SOCKQ_UNIX,
     BYTES(ROW " /run/x\n" COLUMNS "    0 @a\n" ROW "\n"),
     {"2: state=1 inode=15600 refs=2 protocol=0 flags=10000 type=1 name=</run/x>",
      "3: state=1 refs=2 protocol=0 flags=10000 type=1 name=<@a>",
      "4: state=1 inode=15600 refs=2 protocol=0 flags=10000 type=1 suspect"},
     {0},
     {0}},
    {"bad_091_name_is_a_line_feed",
     SOCKQ_UNIX,
     BYTES(COLUMNS "    0 \n\n"),
     {PLAIN " name=<\\x0a> joined"},
     {0},
     {0}},
    {"name_is_empty", SOCKQ_UNIX, BYTES(COLUMNS "    0 \n"), {PLAIN " name=<>"}, {0}, {0}},
    {"bad_092_continuation_first",
     SOCKQ_UNIX,
     BYTES("b\n" COLUMNS "    0\n"),
     {"3: state=1 refs=2 protocol=0 flags=10000 type=1"},
     {SOCKQ_BAD_CONTINUATION},
     {2}},
    {"bad_092_continuation_of_no_name",
     SOCKQ_UNIX,
     BYTES(COLUMNS "    0\nb\n"),
     {PLAIN},
     {SOCKQ_BAD_CONTINUATION},
     {3}},
    {"bad_094_blanks",
     SOCKQ_UNIX,
     BYTES(COLUMNS "    0   a  b \n"),
     {PLAIN " name=<\\x20\\x20a\\x20\\x20b\\x20>"},
     {0},
     {0}},
    {"bad_095_nul",
     SOCKQ_UNIX,
     BYTES(COLUMNS "    0 @a\0b\0\n"),
     {PLAIN " name=<@a@b@>"},
     {0},
     {0}},
    {"bad_095_nul_in_a_later_line",
     SOCKQ_UNIX,
     BYTES(COLUMNS "    0 @a\n\0\n"),
     {PLAIN " name=<@a\\x0a@> joined"},
     {0},
     {0}},
    {"bad_095_nul_in_a_column",
     SOCKQ_UNIX,
     BYTES(POINTER "0000000\0 00000000 00010000 0001 01     0\n"),
     {NULL},
     {SOCKQ_BAD_CONTINUATION},
     {2}},
    {"bad_096_control_bytes",
     SOCKQ_UNIX,
     BYTES(COLUMNS "    0 \033[1m\a\x7f\r\n"),
     {PLAIN " name=<\\x1b[1m\\x07\\x7f\\x0d>"},
     {0},
     {0}},
    {"bad_097_invalid_utf8",
     SOCKQ_UNIX,
     BYTES(COLUMNS "    0 \xff\xc0\xaf\xed\xa0\x80\xe2\x80\xae\n"),
     {PLAIN " name=<\\xff\\xc0\\xaf\\xed\\xa0\\x80\\xe2\\x80\\xae>"},
     {0},
     {0}},
    {"bad_099_at_alone", SOCKQ_UNIX, BYTES(COLUMNS "    0 @\n"), {PLAIN " name=<@>"}, {0}, {0}},
    {"bad_099_at_often",
     SOCKQ_UNIX,
     BYTES(COLUMNS "    0 @@@@@\n"),
     {PLAIN " name=<@@@@@>"},
     {0},
     {0}},
    {"bad_100_no_colon",
     SOCKQ_UNIX,
     BYTES("00000000d2a1b5c8 00000002 00000000 00010000 0001 01     0\n"),
     {NULL},
     {SOCKQ_BAD_CONTINUATION},
     {2}},
    {"bad_100_no_colon_joins",
     SOCKQ_UNIX,
     BYTES(COLUMNS "    0 a\nd2a1b5c8 00000002\n"),
     {PLAIN " name=<a\\x0ad2a1b5c8\\x2000000002> joined"},
     {0},
     {0}},
    {"bad_100_type_state_flags",
     SOCKQ_UNIX,
     BYTES(POINTER "FFFFFFFF 00000001 FFFFFFFF 00FF 09     0\n"),
     {"2: state=9 refs=-1 protocol=1 flags=ffffffff type=255"},
     {0},
     {0}},
    {"bad_007_crlf_rows_keep_their_cr",
     SOCKQ_UNIX,
     BYTES(COLUMNS "    0 a\r\n"),
     {PLAIN " name=<a\\x0d>"},
     {0},
     {0}},
};

static void put_rows(struct fixture *f, const char *header, const char *rows, size_t size)
{
    char text[512];
    int n = snprintf(text, sizeof(text), "%s", header);

    assert_true((size_t)n + size < sizeof(text));
    memcpy(text + n, rows, size);
    put_bytes(f, "net/unix", text, (size_t)n + size);
}

/* After a header in CR LF the file was converted: one CR a line goes, others are the name's. */
static void bad_007_crlf_file(void **state)
{
    struct fixture *f = *state;

    put_rows(f, "Num       RefCount Protocol Flags    Type St Inode Path\r\n",
             BYTES(COLUMNS "    0 a\r\n" COLUMNS "    0\r\n" COLUMNS "    0 b\r\r\n"));
    assert_int_equal(read_table(f, SOCKQ_UNIX)->rows, 3);
    assert_string_equal(describe(f, row_at(f, 0)), PLAIN " name=<a>");
    assert_words(f, row_at(f, 1), "3: !name");
    assert_words(f, row_at(f, 2), "4: name=<b\\x0d>");
    assert_int_equal(f->w.set->problem_count, 0);
}

static void bad_003_no_header(void **state)
{
    struct fixture *f = *state;

    put_rows(f, "", BYTES(COLUMNS "    0 a\r\n" COLUMNS "    0 b\r\n"));
    assert_int_equal(read_table(f, SOCKQ_UNIX)->rows, 2);
    assert_words(f, row_at(f, 0), "1: name=<a\\x0d> first-line");
    assert_words(f, row_at(f, 1), "2: name=<b\\x0d> !first-line");
    assert_problem(f, 0, 1, SOCKQ_BAD_NO_HEADER, false);
    assert_int_equal(f->w.set->problem_count, 1);
}

static void bad_010_cut_last_line(void **state)
{
    struct fixture *f = *state;

    put_table(f, SOCKQ_UNIX, BYTES(COLUMNS "    0 a\n" COLUMNS "    0 b"));
    assert_int_equal(read_table(f, SOCKQ_UNIX)->rows, 1);
    assert_string_equal(describe(f, row_at(f, 0)), PLAIN " name=<a>");
    assert_problem(f, 0, 3, SOCKQ_BAD_TRUNCATED, true);
    assert_int_equal(f->w.set->problem_count, 1);
}

/* Ten thousand lines after one row: the name grows no further than one line beyond 108 bytes. */
static void bad_093_endless_continuation(void **state)
{
    enum { LINES = 10000, JOINED = 54 };
    struct fixture *f = *state;
    char *text = malloc(sizeof(ROW " n\n") + LINES * 2 + sizeof(ROW "\n"));
    size_t size = sizeof(ROW " n\n") - 1;

    assert_non_null(text);
    memcpy(text, ROW " n\n", size);
    for (int i = 0; i < LINES; i++, size += 2)
        memcpy(text + size, "x\n", 2);
    memcpy(text + size, ROW "\n", sizeof(ROW "\n") - 1);
    put_table(f, SOCKQ_UNIX, text, size + sizeof(ROW "\n") - 1);
    free(text);
    const struct sockq_table_info *info = read_table(f, SOCKQ_UNIX);
    assert_int_equal(info->status, SOCKQ_TABLE_COMPLETE);
    assert_int_equal(info->rows, 2);
    assert_int_equal(info->continued, JOINED);
    assert_int_equal(info->bad, LINES - JOINED);
    assert_int_equal(row_at(f, 0)->un.path_len, 1 + 2 * JOINED);
    assert_words(f, row_at(f, 0), "2: joined long-name");
    assert_problem(f, 0, 3 + JOINED, SOCKQ_BAD_CONTINUATION, true);
    assert_int_equal(row_at(f, 1)->line, 3 + LINES);
}

/* The first length is the longest that a kernel prints, the last the longest that is kept. */
static void bad_098_long_names(void **state)
{
    static const uint32_t lengths[] = {107, 108, 109, 110, 1000, 4000, 4095, 4096};
    struct fixture *f = *state;
    static char text[sizeof(ROW) + 5000];

    for (size_t i = 0; i < COUNT(lengths); i++) {
        int n = snprintf(text, sizeof(text), "%s ", ROW);
        memset(text + n, 'n', lengths[i]);
        text[(uint32_t)n + lengths[i] - 1] = 'z';
        text[(uint32_t)n + lengths[i]] = '\n';
        put_table(f, SOCKQ_UNIX, text, (size_t)n + lengths[i] + 1);
        const struct sockq_table_info *info = read_table(f, SOCKQ_UNIX);
        assert_int_equal(info->bad, 0);
        assert_int_equal(info->rows, 1);
        const struct sockq_row *row = row_at(f, 0);
        assert_int_equal(row->un.path_len, lengths[i]);
        const char *name = sockq_set_at(f->file.map, f->w.set, row->un.path, lengths[i]);
        assert_memory_equal(name, text + n, lengths[i]);
        assert_int_equal(row->flags,
                         SOCKQ_ROW_POINTER | (lengths[i] > 108 ? SOCKQ_ROW_LONG_NAME : 0));
    }
    memset(text + sizeof(ROW), 'n', 4999);
    text[sizeof(ROW) + 4998] = '\n';
    put_table(f, SOCKQ_UNIX, text, sizeof(ROW) + 4999);
    assert_int_equal(read_table(f, SOCKQ_UNIX)->rows, 0);
    assert_problem(f, 0, 2, SOCKQ_BAD_LENGTH, true);
}

/* A line after a name that is nearly full: what there is room for is kept, the row marked. */
static void long_line_after_a_name(void **state)
{
    struct fixture *f = *state;
    static char text[sizeof(ROW) + 4300];
    int n = snprintf(text, sizeof(text), "%s %0108d\n", ROW, 7);

    memset(text + n, 'x', 4100);
    text[n + 4100] = '\n';
    put_table(f, SOCKQ_UNIX, text, (size_t)n + 4101);
    const struct sockq_table_info *info = read_table(f, SOCKQ_UNIX);
    assert_int_equal(info->rows, 1);
    assert_int_equal(row_at(f, 0)->un.path_len, 4096);
    assert_words(f, row_at(f, 0), "2: joined long-name");
}

/* What a row leaves behind must not show in the next: names, flags and counts are its own. */
static void rows_share_nothing(void **state)
{
    struct fixture *f = *state;

    put_table(f, SOCKQ_UNIX,
              BYTES(ROW " @longer name\nand more\n" POINTER
                        "00000003 00000000 00000000 0005 02     0\n" COLUMNS "    0 @x\n"));
    assert_int_equal(read_table(f, SOCKQ_UNIX)->rows, 3);
    assert_string_equal(describe(f, row_at(f, 1)), "4: state=2 refs=3 protocol=0 flags=0 type=5");
    assert_string_equal(describe(f, row_at(f, 2)),
                        "5: state=1 refs=2 protocol=0 flags=10000 type=1 name=<@x>");
    assert_int_equal(f->w.set->tables[SOCKQ_UNIX].continued, 1);
}

/* The last row waits for lines that continue it; an end before the file's end must not lose it. */
static void the_row_before_a_stop_is_kept(void **state)
{
    struct fixture *f = *state;
    const size_t size = (size_t)65 << 20;
    char *text = calloc(1, size);

    assert_non_null(text);
    memcpy(text, ROW " /run/x\n", sizeof(ROW " /run/x\n") - 1);
    put_table(f, SOCKQ_UNIX, text, size);
    free(text);
    const struct sockq_table_info *info = read_table(f, SOCKQ_UNIX);
    assert_int_equal(info->status, SOCKQ_TABLE_FAILED);
    assert_problem(f, 0, 3, SOCKQ_BAD_TOO_LARGE, true);
    assert_int_equal(info->rows, 1);
    assert_words(f, row_at(f, 0), "2: name=</run/x>");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(bad_007_crlf_file),     FIXTURE_TEST(bad_003_no_header),
        FIXTURE_TEST(bad_010_cut_last_line), FIXTURE_TEST(bad_093_endless_continuation),
        FIXTURE_TEST(bad_098_long_names),    FIXTURE_TEST(long_line_after_a_name),
        FIXTURE_TEST(rows_share_nothing),    FIXTURE_TEST(the_row_before_a_stop_is_kept),
    };

    int failed = run_cases("unix texts", cases, sizeof(cases[0]), COUNT(cases), one_text);
    return failed + cmocka_run_group_tests_name("unix tables", tests, NULL, NULL);
}

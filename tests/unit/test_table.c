/*
 * The reader that all tables share: headers, lines of every length, files that are none, and bad
 * inputs 1 to 27, 33 and 34 by number. What depends on how read(2) returns is in test_reads.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "helper.h"

#define ROW(slot, state)                                                                           \
    slot ": 0100007F:0050 0200007F:0016 " state " 0:0 00:0 0 0 0 7 1 0 20 4 30 10 -1"
#define HEADER "  sl  local_address rem_address   st\n"

/* A whole file, and what is read from it. */
struct file_case {
    const char *name;
    enum sockq_table table;
    const char *text;
    size_t size;
    enum sockq_table_status status;
    uint32_t rows;
    uint32_t bad;
    /* The first problem. */
    enum sockq_reason reason;
    uint32_t line;
    bool lost;
};

static const struct file_case cases[] = {
    {"bad_001_empty", SOCKQ_TCP, BYTES(""), SOCKQ_TABLE_COMPLETE, 0, 1, SOCKQ_BAD_EMPTY_FILE, 1,
     false},
    {"bad_001_empty_unix", SOCKQ_UNIX, BYTES(""), SOCKQ_TABLE_COMPLETE, 0, 1, SOCKQ_BAD_EMPTY_FILE,
     1, false},
    {"bad_002_header_only", SOCKQ_TCP, BYTES(HEADER), SOCKQ_TABLE_COMPLETE, 0, 0, SOCKQ_OK, 0,
     false},
    {"bad_003_no_header", SOCKQ_TCP, BYTES(ROW("0", "01") "\n" ROW("1", "01") "\n"),
     SOCKQ_TABLE_COMPLETE, 2, 1, SOCKQ_BAD_NO_HEADER, 1, false},
    {"bad_004_first_line_is_neither", SOCKQ_TCP, BYTES("tcp sockets:\n" ROW("0", "01") "\n"),
     SOCKQ_TABLE_COMPLETE, 1, 1, SOCKQ_BAD_FIRST_LINE, 1, true},
    {"bad_004_first_line_is_empty", SOCKQ_TCP, BYTES("\n" ROW("0", "01") "\n"),
     SOCKQ_TABLE_COMPLETE, 1, 1, SOCKQ_BAD_FIRST_LINE, 1, true},
    {"bad_004_slot_is_no_header", SOCKQ_TCP, BYTES("slow\n" ROW("0", "01") "\n"),
     SOCKQ_TABLE_COMPLETE, 1, 1, SOCKQ_BAD_FIRST_LINE, 1, true},
    {"bad_005_unix_in_tcp", SOCKQ_TCP, BYTES("Num       RefCount Protocol\n" ROW("0", "01") "\n"),
     SOCKQ_TABLE_FAILED, 0, 1, SOCKQ_BAD_WRONG_TABLE, 1, true},
    {"bad_005_netlink_in_packet", SOCKQ_PACKET, BYTES("sk       Eth Pid    Groups\n"),
     SOCKQ_TABLE_FAILED, 0, 1, SOCKQ_BAD_WRONG_TABLE, 1, true},
    {"bad_005_tcp_in_unix", SOCKQ_UNIX, BYTES(HEADER ROW("0", "01") "\n"), SOCKQ_TABLE_FAILED, 0, 1,
     SOCKQ_BAD_WRONG_TABLE, 1, true},
    {"bad_005_eps_in_assocs", SOCKQ_SCTP_ASSOCS, BYTES(" ENDPT     SOCK\n"), SOCKQ_TABLE_FAILED, 0,
     1, SOCKQ_BAD_WRONG_TABLE, 1, true},
    {"bad_006_second_header", SOCKQ_TCP,
     BYTES(HEADER ROW("0", "01") "\n" HEADER ROW("0", "01") "\n"), SOCKQ_TABLE_COMPLETE, 2, 1,
     SOCKQ_BAD_SECOND_HEADER, 3, true},
    {"bad_007_crlf", SOCKQ_TCP, BYTES("  sl\r\n" ROW("0", "01") "\r\n" ROW("1", "01") " \r\n"),
     SOCKQ_TABLE_COMPLETE, 2, 0, SOCKQ_OK, 0, false},
    {"bad_008_cr_in_rows_only", SOCKQ_TCP,
     BYTES(HEADER ROW("0", "01") "\r\n" ROW("1", "01") "\r\r\n"), SOCKQ_TABLE_COMPLETE, 2, 0,
     SOCKQ_OK, 0, false},
    {"cr_within_a_row", SOCKQ_TCP, BYTES(HEADER ROW("0", "01\r") "\n"), SOCKQ_TABLE_COMPLETE, 0, 1,
     SOCKQ_BAD_STATE, 2, true},
    {"bad_009_cr_only", SOCKQ_TCP, BYTES("  sl\r" ROW("0", "01") "\r" ROW("1", "01") "\r"),
     SOCKQ_TABLE_COMPLETE, 0, 1, SOCKQ_BAD_TRUNCATED, 1, true},
    {"bad_010_cut_in_a_number", SOCKQ_TCP, BYTES(HEADER ROW("0", "01") "\n1: 0100007F:0050 020000"),
     SOCKQ_TABLE_COMPLETE, 1, 1, SOCKQ_BAD_TRUNCATED, 3, true},
    {"bad_011_whole_but_no_line_feed", SOCKQ_TCP, BYTES(HEADER ROW("0", "01")),
     SOCKQ_TABLE_COMPLETE, 0, 1, SOCKQ_BAD_TRUNCATED, 2, true},
    {"bad_011_header_without_line_feed", SOCKQ_TCP, BYTES("  sl  local_address"),
     SOCKQ_TABLE_COMPLETE, 0, 1, SOCKQ_BAD_TRUNCATED, 1, true},
    {"bad_012_byte_order_mark", SOCKQ_TCP, BYTES("\xef\xbb\xbf" HEADER ROW("0", "01") "\n"),
     SOCKQ_TABLE_COMPLETE, 1, 0, SOCKQ_OK, 0, false},
    {"bad_012_mark_before_a_row", SOCKQ_TCP, BYTES("\xef\xbb\xbf" ROW("0", "01") "\n"),
     SOCKQ_TABLE_COMPLETE, 1, 1, SOCKQ_BAD_NO_HEADER, 1, false},
    {"bad_012_mark_twice", SOCKQ_TCP, BYTES("\xef\xbb\xbf\xef\xbb\xbf" HEADER ROW("0", "01") "\n"),
     SOCKQ_TABLE_COMPLETE, 1, 1, SOCKQ_BAD_FIRST_LINE, 1, true},
    {"bad_012_mark_later", SOCKQ_TCP, BYTES(HEADER "\xef\xbb\xbf" ROW("0", "01") "\n"),
     SOCKQ_TABLE_COMPLETE, 0, 1, SOCKQ_BAD_SLOT, 2, true},
    {"bad_013_utf_16", SOCKQ_TCP,
     BYTES("\xff\xfes\0l\0\n\0"
           "0\0:\0\n\0"),
     SOCKQ_TABLE_COMPLETE, 0, 3, SOCKQ_BAD_NUL, 1, true},
    {"bad_017_empty_line", SOCKQ_TCP, BYTES(HEADER "\n" ROW("0", "01") "\n"), SOCKQ_TABLE_COMPLETE,
     1, 1, SOCKQ_BAD_EMPTY_LINE, 2, true},
    {"bad_017_line_of_a_cr", SOCKQ_NETLINK, BYTES("sk Eth\n\r\n"), SOCKQ_TABLE_COMPLETE, 0, 1,
     SOCKQ_BAD_EMPTY_LINE, 2, true},
    {"bad_018_blanks_only", SOCKQ_PACKET, BYTES("sk RefCnt\n \t  \n"), SOCKQ_TABLE_COMPLETE, 0, 1,
     SOCKQ_BAD_EMPTY_LINE, 2, true},
    {"bad_033_ten_bad_lines", SOCKQ_TCP,
     BYTES(HEADER "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n" ROW("0", "01") "\n"), SOCKQ_TABLE_FAILED, 0, 11,
     SOCKQ_BAD_SLOT, 2, true},
    {"bad_033_nine_bad_lines", SOCKQ_TCP,
     BYTES(HEADER "1\n2\n3\n4\n5\n6\n7\n8\n9\n" ROW("0", "01") "\n"), SOCKQ_TABLE_COMPLETE, 1, 9,
     SOCKQ_BAD_SLOT, 2, true},
    {"bad_033_without_a_header", SOCKQ_TCP,
     BYTES("0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n" ROW("0", "01") "\n"), SOCKQ_TABLE_FAILED, 0, 11,
     SOCKQ_BAD_FIRST_LINE, 1, true},
    {"bad_033_after_a_good_row", SOCKQ_TCP,
     BYTES(HEADER ROW("0", "01") "\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n" ROW("0", "01") "\n"),
     SOCKQ_TABLE_COMPLETE, 2, 11, SOCKQ_BAD_SLOT, 3, true},
    {"bad_033_after_a_good_first_line", SOCKQ_TCP,
     BYTES(ROW("0", "01") "\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n" ROW("0", "01") "\n"),
     SOCKQ_TABLE_COMPLETE, 2, 12, SOCKQ_BAD_NO_HEADER, 1, false},
    {"bad_033_unix", SOCKQ_UNIX, BYTES("Num\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n"),
     SOCKQ_TABLE_FAILED, 0, 11, SOCKQ_BAD_CONTINUATION, 2, true},
};

static void one_file(void **state)
{
    struct fixture *f = *state;
    const struct file_case *c = f->given;

    put_bytes(f, table_format(c->table)->path, c->text, c->size);
    const struct sockq_table_info *info = read_table(f, c->table);
    if (c->bad > 0)
        assert_problem(f, 0, c->line, c->reason, c->lost);
    assert_int_equal(info->status, c->status);
    assert_int_equal(info->error, 0);
    assert_int_equal(info->rows, c->rows);
    assert_int_equal(info->bad, c->bad);
    assert_int_equal(f->w.set->problem_count, c->bad);
    for (uint32_t i = 0; i < c->rows; i++)
        assert_int_equal(row_at(f, i)->flags, row_at(f, i)->line == 1 ? SOCKQ_ROW_FIRST_LINE : 0);
}

/* The header of every table is known, and each is foreign to the tables of another format. */
static void every_header(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < SOCKQ_TEXT_TABLES; i++) {
        enum sockq_table table = (enum sockq_table)i;
        put_table(f, table, good_of(table), strlen(good_of(table)));
        assert_int_equal(read_table(f, table)->rows, 1);
        assert_int_equal(f->w.set->problem_count, 0);
        for (int k = 0; k < SOCKQ_TEXT_TABLES; k++) {
            enum sockq_table other = (enum sockq_table)k;
            put_text(f, table_format(table)->path, header_of(other));
            bool same = strcmp(table_format(table)->header, table_format(other)->header) == 0;
            assert_int_equal(read_table(f, table)->status,
                             same ? SOCKQ_TABLE_COMPLETE : SOCKQ_TABLE_FAILED);
        }
    }
}

/* Ten problems of a table are kept, and the one that ended it; all are counted. */
static void problems_are_kept_in_order(void **state)
{
    struct fixture *f = *state;

    put_text(f, "net/tcp", HEADER "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n");
    const struct sockq_table_info *info = read_table(f, SOCKQ_TCP);
    for (unsigned i = 0; i < SOCKQ_PROBLEMS_KEPT; i++)
        assert_problem(f, i, i + 2, SOCKQ_BAD_SLOT, true);
    assert_problem(f, SOCKQ_PROBLEMS_KEPT, 11, SOCKQ_BAD_GARBAGE, true);
    assert_null(problem_at(f, SOCKQ_PROBLEMS_KEPT + 1));
    assert_int_equal(info->bad, 11);
    assert_int_equal(problem_at(f, 0)->table, SOCKQ_TCP);
}

static void every_problem_has_words(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < SOCKQ_REASONS; i++) {
        const char *text = sockq_problem_text(i);
        assert_string_not_equal(text, "unknown reason");
        for (uint32_t k = 0; k < i; k++)
            assert_string_not_equal(text, sockq_problem_text(k));
    }
    assert_string_equal(sockq_problem_text(SOCKQ_REASONS), "unknown reason");
    assert_string_equal(sockq_problem_text(UINT32_MAX), "unknown reason");
}

static void bad_014_line_of_a_megabyte(void **state)
{
    struct fixture *f = *state;
    const size_t size = 1 << 20;
    char *text = malloc(size + 300);
    int n;

    assert_non_null(text);
    n = snprintf(text, 300, "%s", ROW("0", "01") "\n");
    memset(text + n, '7', size);
    n += (int)size;
    n += snprintf(text + n, 200, "\n%s", ROW("1", "01") "\n");
    put_table(f, SOCKQ_TCP, text, (size_t)n);
    const struct sockq_table_info *info = read_table(f, SOCKQ_TCP);
    assert_int_equal(info->status, SOCKQ_TABLE_COMPLETE);
    assert_int_equal(info->rows, 2);
    assert_int_equal(info->bad, 1);
    assert_problem(f, 0, 3, SOCKQ_BAD_LENGTH, true);
    assert_int_equal(row_at(f, 1)->line, 4);
    /* The same at the end of the file, and as its first line. */
    put_table(f, SOCKQ_TCP, text, size);
    assert_int_equal(read_table(f, SOCKQ_TCP)->rows, 1);
    assert_problem(f, 0, 3, SOCKQ_BAD_LENGTH, true);
    put_bytes(f, "net/tcp", text + 100, (size_t)n - 100);
    assert_int_equal(read_table(f, SOCKQ_TCP)->rows, 1);
    assert_problem(f, 0, 1, SOCKQ_BAD_LENGTH, true);
    assert_int_equal(row_at(f, 0)->line, 2);
    free(text);
}

/* The longest line that can be a row has 4096 bytes. */
static void longest_lines(void **state)
{
    static const struct {
        int length;
        bool taken;
    } lines[] = {{4095, true}, {4096, true}, {4097, false}, {5000, false}};
    struct fixture *f = *state;
    static char text[6000];

    for (size_t i = 0; i < COUNT(lines); i++) {
        snprintf(text, sizeof(text), "%-*s\n", lines[i].length, ROW("0", "01"));
        put_table(f, SOCKQ_TCP, text, strlen(text));
        assert_int_equal(read_table(f, SOCKQ_TCP)->rows, lines[i].taken);
        assert_int_equal(f->w.set->problem_count, !lines[i].taken);
    }
}

static void bad_015_no_line_feed_at_all(void **state)
{
    struct fixture *f = *state;

    put_table(f, SOCKQ_TCP, BYTES(ROW("0", "01") "\n"));
    assert_int_equal(truncate(path_of(f, "net/tcp"), (off_t)1 << 30), 0);
    const struct sockq_table_info *info = read_table(f, SOCKQ_TCP);
    assert_int_equal(info->status, SOCKQ_TABLE_FAILED);
    assert_int_equal(info->error, 0);
    assert_int_equal(info->rows, 1);
    assert_int_equal(info->bad, 1);
    assert_problem(f, 0, 3, SOCKQ_BAD_TOO_LARGE, true);
}

/* Bytes of another kind of file. */
static void bad_033_garbage(void **state)
{
    struct fixture *f = *state;
    static unsigned char bytes[100000];
    uint32_t seed = 1;

    for (size_t i = 0; i < sizeof(bytes); i++) {
        seed = seed * 1103515245 + 12345;
        bytes[i] = (unsigned char)(seed >> 16);
    }
    memcpy(bytes, "\x1f\x8b\x08", 3);
    for (int i = 0; i < SOCKQ_TEXT_TABLES; i++) {
        put_bytes(f, table_format((enum sockq_table)i)->path, bytes, sizeof(bytes));
        const struct sockq_table_info *info = read_table(f, (enum sockq_table)i);
        assert_int_equal(info->status, SOCKQ_TABLE_FAILED);
        assert_int_equal(info->rows, 0);
        assert_int_equal(info->bad, 11);
        assert_problem(f, SOCKQ_PROBLEMS_KEPT, 10, SOCKQ_BAD_GARBAGE, true);
    }
    /* Lines too long to look at are bad lines too. */
    memset(bytes, 'x', sizeof(bytes));
    for (size_t i = 5000; i < sizeof(bytes); i += 5000)
        bytes[i] = '\n';
    put_bytes(f, "net/tcp", bytes, sizeof(bytes));
    assert_int_equal(read_table(f, SOCKQ_TCP)->status, SOCKQ_TABLE_FAILED);
    assert_problem(f, SOCKQ_PROBLEMS_KEPT, 10, SOCKQ_BAD_GARBAGE, true);
}

static void bad_034_many_rows(void **state)
{
    enum { ROWS = 300000 };
    struct fixture *f = *state;
    const size_t length = strlen(good_of(SOCKQ_TCP));
    char *text = malloc(ROWS * length);

    assert_non_null(text);
    for (size_t i = 0; i < ROWS; i++)
        memcpy(text + i * length, good_of(SOCKQ_TCP), length);
    put_table(f, SOCKQ_TCP, text, ROWS * length);
    free(text);
    assert_int_equal(read_table(f, SOCKQ_TCP)->rows, ROWS);
    assert_int_equal(f->w.set->problem_count, 0);
    for (uint32_t i = 0; i < ROWS; i += 997) {
        assert_int_equal(row_at(f, i)->line, i + 2);
        assert_int_equal(row_at(f, i)->inode, 1600);
    }
    assert_int_equal(f->w.set->arena, 0);
}

static void check_unread(struct fixture *f, enum sockq_reason reason, int error)
{
    const struct sockq_table_info *info = read_table(f, SOCKQ_TCP);

    assert_int_equal(info->status, SOCKQ_TABLE_FAILED);
    assert_int_equal(info->error, error);
    assert_int_equal(info->rows, 0);
    assert_int_equal(info->bad, 1);
    assert_problem(f, 0, 0, reason, true);
    assert_int_equal(problem_at(f, 0)->error, error);
    assert_int_equal(remove(path_of(f, "net/tcp")), 0);
}

static void bad_019_to_025_no_file(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    put_folder(f, "net/tcp");
    check_unread(f, SOCKQ_BAD_ERRNO, EISDIR);
    assert_int_equal(mkfifo(path_of(f, "net/tcp"), 0644), 0);
    check_unread(f, SOCKQ_BAD_FILE_TYPE, 0);
    if (mknod(path_of(f, "net/tcp"), S_IFCHR | 0644, makedev(1, 5)) == 0) {
        int fd = open(path_of(f, "net/tcp"), O_RDONLY | O_CLOEXEC);
        bool usable = fd >= 0;
        if (usable)
            close(fd);
        check_unread(f, usable ? SOCKQ_BAD_FILE_TYPE : SOCKQ_BAD_ERRNO, usable ? 0 : EACCES);
    } else {
        print_message("bad_021: no device can be made here: %s\n", strerror(errno));
    }
    put_link(f, "net/tcp", "/dev/zero");
    check_unread(f, SOCKQ_BAD_ERRNO, EXDEV);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(listener >= 0);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path_of(f, "net/tcp"));
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    close(listener);
    check_unread(f, SOCKQ_BAD_ERRNO, ENXIO);
    put_link(f, "net/tcp", "tcp");
    check_unread(f, SOCKQ_BAD_ERRNO, ELOOP);
    put_link(f, "net/tcp", "/proc/net/tcp");
    check_unread(f, SOCKQ_BAD_ERRNO, EXDEV);
    put_link(f, "net/tcp", "../../../../../../../../../proc/net/tcp");
    check_unread(f, SOCKQ_BAD_ERRNO, EXDEV);
    put_link(f, "out", "/");
    put_link(f, "net/tcp", "../out/proc/net/tcp");
    check_unread(f, SOCKQ_BAD_ERRNO, EXDEV);
}

static int read_refused(void *context)
{
    struct fixture *f = context;
    const struct sockq_table_info *info = read_table(f, SOCKQ_TCP);
    const struct sockq_problem *problem = problem_at(f, 0);

    if (info->status != SOCKQ_TABLE_FAILED || info->error != EACCES || info->rows)
        return 1;
    if (!problem || problem->reason != SOCKQ_BAD_ERRNO || problem->error != EACCES)
        return 2;
    return 0;
}

static void bad_023_refused(void **state)
{
    struct fixture *f = *state;

    put_text(f, "net/tcp", HEADER);
    assert_int_equal(chmod(path_of(f, "net/tcp"), 0), 0);
    int result = run_unprivileged(read_refused, f);
    if (result < 0) {
        print_message("SKIPPED: root cannot become another user here, so nothing is refused\n");
        skip();
    }
    assert_int_equal(result, 0);
}

static void bad_026_net_is_a_link(void **state)
{
    struct fixture *f = *state;

    put_link(f, "net", "self/net");
    put_link(f, "self", "42");
    put_text(f, "42/net/tcp", HEADER ROW("0", "01") "\n");
    assert_int_equal(read_table(f, SOCKQ_TCP)->rows, 1);
    assert_int_equal(f->w.set->problem_count, 0);
}

static void bad_027_missing(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 3; i++) {
        const struct sockq_table_info *info = read_table(f, SOCKQ_TCP);
        assert_int_equal(info->status, SOCKQ_TABLE_MISSING);
        assert_int_equal(info->error, ENOENT);
        assert_int_equal(info->rows, 0);
        assert_int_equal(f->w.set->problem_count, 0);
        if (i == 0)
            put_folder(f, "net");
        else if (i == 1)
            put_link(f, "net/tcp", "elsewhere");
    }
    put_text(f, "net/sctp", "a file where a folder belongs");
    assert_int_equal(read_table(f, SOCKQ_SCTP_EPS)->status, SOCKQ_TABLE_FAILED);
    assert_int_equal(problem_at(f, 0)->error, ENOTDIR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(every_header),
        FIXTURE_TEST(problems_are_kept_in_order),
        cmocka_unit_test(every_problem_has_words),
        FIXTURE_TEST(bad_014_line_of_a_megabyte),
        FIXTURE_TEST(longest_lines),
        FIXTURE_TEST(bad_015_no_line_feed_at_all),
        FIXTURE_TEST(bad_033_garbage),
        FIXTURE_TEST(bad_034_many_rows),
        FIXTURE_TEST(bad_019_to_025_no_file),
        FIXTURE_TEST(bad_023_refused),
        FIXTURE_TEST(bad_026_net_is_a_link),
        FIXTURE_TEST(bad_027_missing),
    };

    int failed = run_cases("files", cases, sizeof(cases[0]), COUNT(cases), one_file);
    return failed + cmocka_run_group_tests_name("tables", tests, NULL, NULL);
}

/*
 * How read(2) returns must not matter: short reads, interrupts, a boundary in every place, a file
 * that changes, an error half way. Bad inputs 28 to 32 by number.
 *
 * Linked with the options in test_reads.link, so that every read(2) of the core comes here first.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../src/facts.h"
#include "helper.h"

/* What the next reads do; all zero: nothing special. */
static struct {
    size_t first;      /* bytes of the first read, 0: no limit */
    size_t most;       /* bytes of each other read, 0: no limit */
    bool interrupted;  /* every other read is */
    unsigned fail_at;  /* this read fails, counted from 1 */
    int error;         /* with this errno */
    unsigned calls;    /* so far */
    const char *grows; /* this file gets a row at the second read */
    const char *cut;   /* this one is emptied */
    unsigned stop_at;  /* the check stops after so many reads */
} plan;

ssize_t __real_read(int fd, void *buffer, size_t size);
ssize_t __wrap_read(int fd, void *buffer, size_t size);
ssize_t __wrap___read_chk(int fd, void *buffer, size_t size, size_t room);

ssize_t __wrap_read(int fd, void *buffer, size_t size)
{
    plan.calls++;
    if (plan.interrupted && plan.calls % 2) {
        errno = EINTR;
        return -1;
    }
    if (plan.fail_at == plan.calls) {
        errno = plan.error;
        return -1;
    }
    if (plan.grows && plan.calls == 2) {
        FILE *file = fopen(plan.grows, "a");
        assert_non_null(file);
        fputs(good_of(SOCKQ_TCP), file);
        fclose(file);
    }
    if (plan.cut && plan.calls == 2)
        assert_int_equal(truncate(plan.cut, 0), 0);
    size_t limit = plan.calls == 1 && plan.first ? plan.first : plan.most;
    return __real_read(fd, buffer, limit && limit < size ? limit : size);
}

ssize_t __wrap___read_chk(int fd, void *buffer, size_t size, size_t room)
{
    assert_true(size <= room);
    return __wrap_read(fd, buffer, size);
}

/* All that a table gave, as text; the caller frees it. */
static char *result_of(struct fixture *f, enum sockq_table table)
{
    const struct sockq_table_info *info = read_table(f, table);
    const struct sockq_problem *problem;
    size_t size;
    char *text = NULL;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    fprintf(out, "status %u error %d bad %u continued %u\n", info->status, info->error, info->bad,
            info->continued);
    for (uint64_t i = 0; i < info->rows; i++)
        fprintf(out, "%s\n", describe(f, row_at(f, i)));
    for (unsigned i = 0; (problem = problem_at(f, i)) != NULL; i++)
        fprintf(out, "%u: %s\n", problem->line, sockq_problem_text(problem->reason));
    fclose(out);
    return text;
}

/* Rows of all kinds: good, bad, empty, too long, of several lines, and one that is cut off. */
static size_t mixed_rows(enum sockq_table table, char *text, size_t size, size_t too_long)
{
    const char *good = good_of(table);
    int n = 0;

    if (table == SOCKQ_UNIX)
        n = snprintf(text, size, "%.*s @a b\nc\n\nd\n", (int)strlen(good) - 1, good);
    n += snprintf(text + n, size - (size_t)n, "%snonsense\n\n%s%s%0*d\n%s%.20s", good, good, good,
                  (int)too_long, 7, good, good);
    assert_true((size_t)n < size);
    return (size_t)n;
}

static void bad_031_short_reads(void **state)
{
    static const size_t sizes[] = {1, 2, 7, 61, 4095, 4096, 65536};
    struct fixture *f = *state;
    static char text[80000];

    for (int i = 0; i < SOCKQ_TEXT_TABLES; i++) {
        enum sockq_table table = (enum sockq_table)i;
        put_table(f, table, text,
                  mixed_rows(table, text, sizeof(text), table_format(table)->longest + 9));
        memset(&plan, 0, sizeof(plan));
        char *whole = result_of(f, table);
        assert_int_equal(f->w.set->tables[i].rows, 4 + (table == SOCKQ_UNIX));
        for (size_t k = 0; k < COUNT(sizes) * 2; k++) {
            memset(&plan, 0, sizeof(plan));
            plan.most = sizes[k / 2];
            plan.interrupted = k % 2;
            char *pieces = result_of(f, table);
            assert_string_equal(pieces, whole);
            free(pieces);
        }
        free(whole);
    }
}

static void bad_032_boundary_everywhere(void **state)
{
    struct fixture *f = *state;
    static char text[8000];

    for (int i = 0; i < SOCKQ_TEXT_TABLES; i++) {
        enum sockq_table table = (enum sockq_table)i;
        size_t size = mixed_rows(table, text, sizeof(text), 100);
        put_table(f, table, text, size);
        memset(&plan, 0, sizeof(plan));
        char *whole = result_of(f, table);
        for (size_t first = 1; first < size + strlen(header_of(table)); first++) {
            memset(&plan, 0, sizeof(plan));
            plan.first = first;
            char *pieces = result_of(f, table);
            assert_string_equal(pieces, whole);
            free(pieces);
        }
        free(whole);
    }
}

/* The longest lines, where the 256 KiB end that are read at once. */
static void long_lines_across_the_buffer(void **state)
{
    enum { ROWS = 4000, BEFORE = 1700 };
    struct fixture *f = *state;
    const char *good = good_of(SOCKQ_TCP);
    const size_t length = strlen(good), room = length * ROWS + 5000;
    char *text = malloc(room);

    assert_non_null(text);
    memset(&plan, 0, sizeof(plan));
    for (int longer = 4090; longer <= 4100; longer++) {
        size_t size = 0;
        for (int i = 0; i < ROWS; i++, size += length) {
            if (i == BEFORE)
                size += (size_t)snprintf(text + size, room - size, "%-*.*s\n", longer,
                                         (int)length - 1, good);
            memcpy(text + size, good, length);
        }
        put_table(f, SOCKQ_TCP, text, size);
        const struct sockq_table_info *info = read_table(f, SOCKQ_TCP);
        assert_int_equal(info->rows, ROWS + (longer <= 4096));
        assert_int_equal(info->bad, longer > 4096);
    }
    free(text);
}

static void bad_028_file_grows(void **state)
{
    struct fixture *f = *state;

    put_table(f, SOCKQ_TCP, good_of(SOCKQ_TCP), strlen(good_of(SOCKQ_TCP)));
    memset(&plan, 0, sizeof(plan));
    plan.grows = path_of(f, "net/tcp");
    assert_int_equal(read_table(f, SOCKQ_TCP)->rows, 2);
    assert_int_equal(f->w.set->problem_count, 0);
    /* Once its end was seen, nothing more is read. */
    assert_int_equal(plan.calls, 3);
}

static void bad_029_file_is_emptied(void **state)
{
    struct fixture *f = *state;
    char text[400];

    int n = snprintf(text, sizeof(text), "%s%s", good_of(SOCKQ_TCP), good_of(SOCKQ_TCP));
    put_table(f, SOCKQ_TCP, text, (size_t)n);
    memset(&plan, 0, sizeof(plan));
    plan.cut = path_of(f, "net/tcp");
    plan.first = strlen(header_of(SOCKQ_TCP)) + 170;
    const struct sockq_table_info *info = read_table(f, SOCKQ_TCP);
    assert_int_equal(info->status, SOCKQ_TABLE_COMPLETE);
    assert_int_equal(info->rows, 1);
    assert_problem(f, 0, 3, SOCKQ_BAD_TRUNCATED, true);
}

/* Rows before the error are kept, the unix row that might have gone on as well. */
static void bad_030_error_half_way(void **state)
{
    static const int errors[] = {EIO, ENOMEM, EISDIR};
    struct fixture *f = *state;
    char text[2000];

    for (int i = 0; i < SOCKQ_TEXT_TABLES; i++)
        for (size_t k = 0; k < COUNT(errors); k++) {
            enum sockq_table table = (enum sockq_table)i;
            int n = snprintf(text, sizeof(text), "%s%s%s", good_of(table), good_of(table),
                             good_of(table));
            put_table(f, table, text, (size_t)n);
            memset(&plan, 0, sizeof(plan));
            plan.first = strlen(header_of(table)) + 2 * strlen(good_of(table));
            plan.fail_at = 2;
            plan.error = errors[k];
            const struct sockq_table_info *info = read_table(f, table);
            assert_int_equal(info->status, SOCKQ_TABLE_FAILED);
            assert_int_equal(info->error, errors[k]);
            assert_int_equal(info->rows, 2);
            assert_int_equal(info->bad, 1);
            assert_problem(f, 0, 0, SOCKQ_BAD_ERRNO, true);
            assert_int_equal(problem_at(f, 0)->error, errors[k]);
            assert_int_equal(plan.calls, 2);
        }
}

/* Also after more bad lines than are kept the reader learns why the table ended. */
static void bad_030_error_after_bad_lines(void **state)
{
    struct fixture *f = *state;
    char text[1000];

    int n =
        snprintf(text, sizeof(text), "%s1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n", good_of(SOCKQ_TCP));
    put_table(f, SOCKQ_TCP, text, (size_t)n);
    memset(&plan, 0, sizeof(plan));
    plan.fail_at = 2;
    plan.error = EIO;
    const struct sockq_table_info *info = read_table(f, SOCKQ_TCP);
    assert_int_equal(info->status, SOCKQ_TABLE_FAILED);
    assert_int_equal(info->bad, 12);
    assert_problem(f, SOCKQ_PROBLEMS_KEPT, 0, SOCKQ_BAD_ERRNO, true);
    assert_int_equal(problem_at(f, SOCKQ_PROBLEMS_KEPT)->error, EIO);
}

static bool stop_in_time(void *context)
{
    struct fixture *f = context;

    /* What was read so far is there for the reader. */
    assert_int_equal(sockq_set_rows(f->w.set), f->w.rows);
    return plan.calls >= plan.stop_at;
}

static void the_check_follows_each_read(void **state)
{
    struct fixture *f = *state;
    struct sockq_question question = {.tables = 1};
    char text[1000];

    int n = snprintf(text, sizeof(text), "%s%s%s", good_of(SOCKQ_TCP), good_of(SOCKQ_TCP),
                     good_of(SOCKQ_TCP));
    put_table(f, SOCKQ_TCP, text, (size_t)n);
    for (unsigned stop_at = 1; stop_at <= 4; stop_at++) {
        memset(&plan, 0, sizeof(plan));
        plan.first = strlen(header_of(SOCKQ_TCP)) + strlen(good_of(SOCKQ_TCP));
        plan.most = strlen(good_of(SOCKQ_TCP));
        plan.stop_at = stop_at;
        assert_int_equal(sockq_writer_open(&f->w, &f->file, &question), 0);
        struct table_job job = {.proc = &f->proc,
                                .w = &f->w,
                                .question = &question,
                                .check = stop_in_time,
                                .context = f};
        table_read(&job, SOCKQ_TCP);
        table_job_end(&job);
        assert_int_equal(sockq_set_rows(f->w.set), stop_at < 3 ? stop_at : 3);
        assert_int_equal(f->w.set->tables[SOCKQ_TCP].rows, stop_at < 3 ? stop_at : 3);
        assert_int_equal(f->w.set->tables[SOCKQ_TCP].status,
                         stop_at < 4 ? SOCKQ_TABLE_READING : SOCKQ_TABLE_COMPLETE);
        sockq_file_release(&f->file, f->w.block);
    }
    f->w.set = NULL;
}

/* proc.c reads small files in the same way. */
static void small_files(void **state)
{
    struct fixture *f = *state;
    char buffer[16];

    put_text(f, "comm", "0123456789");
    memset(&plan, 0, sizeof(plan));
    plan.most = 1;
    plan.interrupted = true;
    assert_int_equal(sockq_proc_read(&f->proc, "comm", buffer, sizeof(buffer)), 10);
    assert_memory_equal(buffer, "0123456789", 10);
    assert_int_equal(sockq_proc_read(&f->proc, "comm", buffer, 4), 4);
    memset(&plan, 0, sizeof(plan));
    plan.fail_at = 1;
    plan.error = EIO;
    assert_int_equal(sockq_proc_read(&f->proc, "comm", buffer, sizeof(buffer)), -1);
    assert_int_equal(errno, EIO);
    memset(&plan, 0, sizeof(plan));
    plan.most = 3;
    plan.fail_at = 2;
    plan.error = EIO;
    assert_int_equal(sockq_proc_read(&f->proc, "comm", buffer, sizeof(buffer)), -1);
    assert_int_equal(errno, EIO);
}

/* The files of facts.c: one that breaks off is not kept in part. */
static void facts(void **state)
{
    static const struct sockq_question question = {.flags = SOCKQ_WITH_FACTS};
    struct fixture *f = *state;

    put_text(f, "uptime", "1234.50 99.00\n");
    for (int k = 0; k < 3; k++) {
        memset(&plan, 0, sizeof(plan));
        plan.most = k == 0 ? 1 : 3;
        plan.interrupted = k == 1;
        plan.fail_at = k == 2 ? 3 : 0;
        plan.error = EIO;
        assert_int_equal(sockq_writer_open(&f->w, &f->file, &question), 0);
        assert_int_equal(facts_read(&f->proc, NULL, &f->w), k != 2);
        assert_int_equal(f->w.error, 0);
        sockq_writer_commit(&f->w);
        const struct sockq_fact *fact =
            sockq_set_at(f->file.map, f->w.set, f->w.set->facts, sizeof(*fact));
        assert_non_null(fact);
        assert_string_equal(sockq_fact_path(fact->file), "uptime");
        assert_int_equal(fact->next, 0);
        assert_int_equal(fact->error, k == 2 ? EIO : 0);
        assert_int_equal(fact->text != 0, k != 2);
        if (k != 2)
            assert_string_equal(text_at(f, fact->text, fact->text_len), "1234.50\\x2099.00\\x0a");
        sockq_file_release(&f->file, f->w.block);
    }
    f->w.set = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(bad_028_file_grows),
        FIXTURE_TEST(bad_029_file_is_emptied),
        FIXTURE_TEST(bad_030_error_half_way),
        FIXTURE_TEST(bad_030_error_after_bad_lines),
        FIXTURE_TEST(bad_031_short_reads),
        FIXTURE_TEST(bad_032_boundary_everywhere),
        FIXTURE_TEST(long_lines_across_the_buffer),
        FIXTURE_TEST(the_check_follows_each_read),
        FIXTURE_TEST(small_files),
        FIXTURE_TEST(facts),
    };

    return cmocka_run_group_tests_name("reads", tests, NULL, NULL);
}

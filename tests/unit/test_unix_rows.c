/*
 * Unix rows that are held until they are judged: what sock_diag does not tell, the memory that they
 * take, and how soon a check is asked meanwhile.
 *
 * Linked with the option in test_unix_rows.link, so that asking sock_diag comes here first.
 */
#include <errno.h>
#include <stdlib.h>

#include <libmnl/libmnl.h>

#include "../../src/collect.h"
#include "../../src/source/unix_rows.h"
#include "helper.h"

static int refusal; /* errno of each socket for sock_diag; 0: none is refused */

struct mnl_socket *__real_mnl_socket_open2(int bus, int flags);
struct mnl_socket *__wrap_mnl_socket_open2(int bus, int flags);
struct mnl_socket *__wrap_mnl_socket_open2(int bus, int flags)
{
    if (!refusal)
        return __real_mnl_socket_open2(bus, flags);
    errno = refusal;
    return NULL;
}

#define POINTER "0000000000000000: "
#define COLUMNS POINTER "00000002 00000000 00010000 0001 01 "

/* Of the last row nothing can be text of a name. */
static const char forged[] = COLUMNS "15600 @a\n" COLUMNS "66666\n" COLUMNS
                                     "15602 /run/a/path/that/leaves/no/room/for/a/row/behind/it/"
                                     "in/its/108/bytes\n" COLUMNS "15603\n";

static const struct sockq_table_info *read_forged(struct fixture *f, bool live, int error)
{
    put_table(f, SOCKQ_UNIX, forged, sizeof(forged) - 1);
    f->proc.live = live;
    refusal = error;
    const struct sockq_table_info *info = read_table(f, SOCKQ_UNIX);
    refusal = 0;
    return info;
}

/* Whoever bound "@a" may have made up the inode of the second row, which no other row has. */
static void a_kernel_without_sock_diag(void **state)
{
    static const int errors[] = {ENOENT, EPROTONOSUPPORT, EPERM, EAFNOSUPPORT};
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(errors); i++) {
        const struct sockq_table_info *info = read_forged(f, true, errors[i]);
        assert_int_equal(info->status, SOCKQ_TABLE_COMPLETE);
        assert_int_equal(info->rows, 4);
        assert_int_equal(row_at(f, 0)->flags & SOCKQ_ROW_NO_OWNER, 0);
        assert_int_equal(row_at(f, 1)->flags & SOCKQ_ROW_NO_OWNER, SOCKQ_ROW_UNSURE);
        assert_int_equal(row_at(f, 3)->flags & SOCKQ_ROW_NO_OWNER, 0);
        assert_true(f->w.set->suspect >= 1);
        assert_int_equal(f->w.set->problem_count, 0);
    }
    /* A captured tree has none to ask. */
    assert_int_equal(read_forged(f, false, ENOENT)->rows, 4);
    assert_int_equal(row_at(f, 1)->flags & SOCKQ_ROW_NO_OWNER, 0);
    assert_int_equal(f->w.set->suspect, 0);
}

static void a_failure_to_ask_is_told(void **state)
{
    static const int errors[] = {ENOBUFS, EMFILE, ENFILE};
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(errors); i++) {
        const struct sockq_table_info *info = read_forged(f, true, errors[i]);
        assert_int_equal(info->status, SOCKQ_TABLE_FAILED);
        assert_int_equal(info->error, errors[i]);
        assert_int_equal(info->rows, 4);
        assert_int_equal(row_at(f, 1)->flags & SOCKQ_ROW_NO_OWNER, SOCKQ_ROW_UNSURE);
        assert_problem(f, 0, 0, SOCKQ_BAD_ERRNO, true);
        assert_int_equal(problem_at(f, 0)->error, errors[i]);
    }
}

enum { MANY = 20000 };

static void put_many(struct fixture *f)
{
    static const char row[] = COLUMNS "15600\n";
    char *text = malloc(MANY * sizeof(row));

    assert_non_null(text);
    for (size_t i = 0; i < MANY; i++)
        memcpy(text + i * (sizeof(row) - 1), row, sizeof(row) - 1);
    put_table(f, SOCKQ_UNIX, text, MANY * (sizeof(row) - 1));
    free(text);
}

static int collect(struct fixture *f, bool (*check)(void *), void *context)
{
    const struct sockq_question question = {.tables = (uint64_t)1 << SOCKQ_UNIX,
                                            .flags = SOCKQ_KEEP_DUPLICATES};

    if (f->w.set)
        sockq_file_release(&f->file, f->w.block);
    assert_int_equal(sockq_collect_begin(&f->w, &f->file, &f->proc, &question), 0);
    sockq_collect_run(&f->w, &f->proc, &question, check, context);
    return f->w.error;
}

/* The rows of the set alone would fit. */
static void held_rows_count_against_the_limit(void **state)
{
    struct fixture *f = *state;
    const size_t pages = MANY * sizeof(struct sockq_row) / SOCKQ_PAGE;

    put_many(f);
    f->file.used_most = 2 * pages;
    assert_int_equal(collect(f, never_stop, NULL), EDQUOT);
    assert_int_equal(f->file.used, f->w.pages);
    f->file.used_most = 8 * pages;
    assert_int_equal(collect(f, never_stop, NULL), 0);
    assert_int_equal(sockq_set_rows(f->w.set), MANY);
    assert_int_equal(f->file.used, f->w.pages);
    f->file.used_most = 0;
}

static bool stop_at_rows(void *context)
{
    struct fixture *f = context;

    return sockq_set_rows(f->w.set) > 0;
}

static void rows_are_shown_before_all_are_pushed(void **state)
{
    struct fixture *f = *state;

    put_many(f);
    assert_int_equal(collect(f, stop_at_rows, f), 0);
    assert_in_range(sockq_set_rows(f->w.set), 1, MANY / 2);
    assert_int_equal(f->w.set->tables[SOCKQ_UNIX].rows, sockq_set_rows(f->w.set));
    assert_int_equal(f->w.set->tables[SOCKQ_UNIX].status, SOCKQ_TABLE_READING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_kernel_without_sock_diag),
        FIXTURE_TEST(a_failure_to_ask_is_told),
        FIXTURE_TEST(held_rows_count_against_the_limit),
        FIXTURE_TEST(rows_are_shown_before_all_are_pushed),
    };

    return cmocka_run_group_tests_name("unix rows", tests, NULL, NULL);
}

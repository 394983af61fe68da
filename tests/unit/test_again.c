/*
 * Later looks at a live table: what the first one lost is found, and nothing comes twice.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "collect.h"
#include "helper.h"
#include "source/again.h"

enum { ROWS = 60, MORE_ROWS = 2000, LONG_ROWS = 4500 };

#define TCP_ROW                                                                                    \
    "%4u: 0100007F:%04X 0200007F:1F90 %s 00000000:00000000 %s 00000000  1000        0 %u 1 "       \
    "0000000000000000 20 4 30 10 -1\n"
#define MINI_ROW                                                                                   \
    "%4u: 0100007F:%04X 0200007F:1F90 06 00000000:00000000 03:%08X 00000000     0        0 0 3 "   \
    "0000000000000000\n"

/* What the table is by the first look, by the second, and so on. */
struct looks {
    struct fixture *f;
    enum sockq_table table;
    const char *const *texts;
    unsigned at;
    unsigned pieces; /* that one_more_meanwhile has seen */
};

static void put_look(struct looks *looks)
{
    const char *text = looks->texts[looks->at];

    put_table(looks->f, looks->table, text, strlen(text));
    if (looks->texts[looks->at + 1])
        looks->at++;
}

/* Called behind a piece: what is opened next is the next look's. */
static bool next_look(void *context)
{
    put_look(context);
    return false;
}

static bool (*behind_a_piece)(void *) = next_look;

static uint64_t rows_of(struct fixture *f, enum sockq_table table, const char *const *texts,
                        bool live)
{
    const struct sockq_question question = {.tables = (uint64_t)1 << table,
                                            .source = SOCKQ_SOURCE_PROC};
    struct looks looks = {.f = f, .table = table, .texts = texts};

    f->proc.live = live;
    f->proc.own_inodes[0] = 1000000;
    put_look(&looks);
    if (f->w.set)
        sockq_file_release(&f->file, f->w.block);
    assert_int_equal(sockq_collect_begin(&f->w, &f->file, &f->proc, &question), 0);
    sockq_collect_run(&f->w, &f->proc, &question, behind_a_piece, &looks);
    assert_int_equal(sockq_set_status(f->w.set), SOCKQ_SET_COMPLETE);
    assert_int_equal(f->w.set->tables[table].rows, sockq_set_rows(f->w.set));
    return sockq_set_rows(f->w.set);
}

/* Rows with inodes from `first`, without those between `lost` and `end`. */
static char *rows_without(unsigned count, unsigned lost, unsigned end, const char *more)
{
    char *text = malloc(count * 200 + strlen(more) + 1), *p = text;

    assert_non_null(text);
    for (unsigned i = 0; i < count; i++)
        if (i < lost || i >= end)
            p += sprintf(p, TCP_ROW, i, 1000 + i, "01", "00:00000000", 5000 + i);
    memcpy(p, more, strlen(more) + 1);
    return text;
}

static void lost_rows_are_found(void **state)
{
    struct fixture *f = *state;
    char *whole = rows_without(ROWS, 0, 0, ""), *first = rows_without(ROWS, 20, 25, "");
    char *second = rows_without(ROWS, 22, 40, "");

    assert_int_equal(rows_of(f, SOCKQ_TCP, (const char *[]){whole, whole, NULL}, true), ROWS);
    /* The second brings two of five, the third the other three, the fourth nothing. */
    assert_int_equal(rows_of(f, SOCKQ_TCP, (const char *[]){first, second, whole, NULL}, true),
                     ROWS);
    assert_int_equal(row_at(f, ROWS - 1)->inode, 5024);
    assert_int_equal(rows_of(f, SOCKQ_TCP, (const char *[]){first, whole, NULL}, false), ROWS - 5);
    free(whole);
    free(first);
    free(second);
}

/* One page of text is consistent: it is looked at once. */
static void one_page_loses_nothing(void **state)
{
    struct fixture *f = *state;
    char *few = rows_without(20, 0, 0, ""), *more = rows_without(21, 0, 0, "");

    assert_int_equal(rows_of(f, SOCKQ_TCP, (const char *[]){few, more, NULL}, true), 20);
    free(few);
    free(more);
}

/* What net/protocols says of a socket more or less while the table is read. */
static void put_count(struct fixture *f, unsigned count)
{
    char text[128];

    snprintf(text, sizeof(text),
             "protocol  size sockets  memory\nTCPv6 1 7 1\nTCP       1  %u -1\n", count);
    put_text(f, "net/protocols", text);
}

/* Called behind a piece: one socket more is there from the first to the second. */
static bool one_more_meanwhile(void *context)
{
    struct looks *looks = context;

    put_count(looks->f, looks->pieces++ == 0 ? 6 : 5);
    put_look(looks);
    return false;
}

/* One that is long is looked at again only if net/protocols says that it changed, at its end or
 * meanwhile. */
static void a_long_table(void **state)
{
    struct fixture *f = *state;
    char *whole = rows_without(LONG_ROWS, 0, 0, ""), *first = rows_without(LONG_ROWS, 20, 25, "");
    const char *const looks[] = {first, whole, NULL};

    put_count(f, 5);
    assert_int_equal(rows_of(f, SOCKQ_TCP, looks, true), LONG_ROWS - 5);
    behind_a_piece = one_more_meanwhile;
    assert_int_equal(rows_of(f, SOCKQ_TCP, looks, true), LONG_ROWS);
    behind_a_piece = next_look;
    assert_int_equal(unlink(path_of(f, "net/protocols")), 0);
    assert_int_equal(rows_of(f, SOCKQ_TCP, looks, true), LONG_ROWS);
    free(whole);
    free(first);
}

/* One of some milliseconds is looked at again whatever was counted. */
static void a_table_of_medium_length(void **state)
{
    struct fixture *f = *state;
    char *whole = rows_without(MORE_ROWS, 0, 0, ""), *first = rows_without(MORE_ROWS, 20, 25, "");

    put_count(f, 5);
    assert_int_equal(rows_of(f, SOCKQ_TCP, (const char *[]){first, whole, NULL}, true), MORE_ROWS);
    free(whole);
    free(first);
}

/* A connection that has another state by the second look is the same one. */
static void states_change(void **state)
{
    struct fixture *f = *state;
    char full[400], mini[400];

    snprintf(full, sizeof(full), TCP_ROW, 1, 40000, "01", "00:00000000", 7u);
    snprintf(mini, sizeof(mini), MINI_ROW, 1, 40000, 0x100);
    char *before = rows_without(ROWS, 0, 0, full), *after = rows_without(ROWS, 0, 0, mini);
    char *without = rows_without(ROWS, 0, 0, "");

    assert_int_equal(rows_of(f, SOCKQ_TCP, (const char *[]){before, after, NULL}, true), ROWS + 1);
    assert_int_equal(rows_of(f, SOCKQ_TCP, (const char *[]){after, before, NULL}, true), ROWS + 1);
    assert_int_equal(rows_of(f, SOCKQ_TCP, (const char *[]){without, after, NULL}, true), ROWS + 1);
    assert_int_equal(rows_of(f, SOCKQ_TCP, (const char *[]){without, before, NULL}, true),
                     ROWS + 1);
    free(before);
    free(after);
    free(without);
}

/* A unix name may look like a row: by inode alone it could hide another's. */
static void unix_names(void **state)
{
    static const char row[] = "0000000000000000: 00000003 00000000 00000000 0001 03 %5u %s\n";
    struct fixture *f = *state;
    char *first = malloc(20000), *second = malloc(20000), *p = first, *q = second;

    assert_non_null(first);
    assert_non_null(second);
    for (unsigned i = 0; i < 100; i++) {
        p += sprintf(p, row, i == 50 ? 20099 : 20000 + i, i == 50 ? "@forged" : "@name");
        q += sprintf(q, row, 20000 + i, "@name");
    }
    assert_int_equal(rows_of(f, SOCKQ_UNIX, (const char *[]){first, second, NULL}, true), 101);
    assert_int_equal(rows_of(f, SOCKQ_UNIX, (const char *[]){second, second, NULL}, true), 100);
    free(first);
    free(second);
}

/* A socket that connects between two looks has other addresses, and is no other socket. */
static void connected_between_two_looks(void **state)
{
    struct fixture *f = *state;
    char more[1200], *p = more;

    for (unsigned i = 20; i < 25; i++)
        p += sprintf(p, TCP_ROW, i, 40000 + i, "01", "00:00000000", 5000 + i);
    char *before = rows_without(ROWS, 0, 0, ""), *after = rows_without(ROWS, 20, 25, more);

    assert_int_equal(rows_of(f, SOCKQ_TCP, (const char *[]){before, after, before, NULL}, true),
                     ROWS);
    assert_int_equal(row_at(f, 20)->local_port, 1020);
    /* The second look finds them, the third finds them connected. */
    char *without = rows_without(ROWS, 20, 25, "");
    assert_int_equal(rows_of(f, SOCKQ_TCP, (const char *[]){without, before, after, NULL}, true),
                     ROWS);
    free(before);
    free(after);
    free(without);
}

/* Subflows of MPTCP: what one look prints of one inode are as many rows. */
static void rows_of_one_look_share_an_inode(void **state)
{
    struct fixture *f = *state;
    char two[400];
    int n = snprintf(two, sizeof(two), TCP_ROW, 1, 40000, "01", "00:00000000", 7u);

    snprintf(two + n, sizeof(two) - (size_t)n, TCP_ROW, 2, 40001, "01", "00:00000000", 7u);
    char *with = rows_without(ROWS, 0, 0, two), *without = rows_without(ROWS, 0, 0, "");
    assert_int_equal(rows_of(f, SOCKQ_TCP, (const char *[]){with, with, NULL}, true), ROWS + 2);
    assert_int_equal(rows_of(f, SOCKQ_TCP, (const char *[]){without, with, NULL}, true), ROWS + 2);
    free(with);
    free(without);
}

/* No name before it can hold its row, so its inode alone tells it again. */
static void bound_between_two_looks(void **state)
{
    static const char row[] = "0000000000000000: 00000003 00000000 00000000 0001 03 %5u%s\n";
    struct fixture *f = *state;
    char *first = malloc(20000), *second = malloc(20000), *p = first, *q = second;

    assert_non_null(first);
    assert_non_null(second);
    for (unsigned i = 0; i < 100; i++) {
        p += sprintf(p, row, 20000 + i, "");
        q += sprintf(q, row, 20000 + i, i % 10 == 9 ? " /run/bound" : "");
    }
    assert_int_equal(rows_of(f, SOCKQ_UNIX, (const char *[]){first, second, NULL}, true), 100);
    free(first);
    free(second);
}

/* One that is bound while the table is read moves behind those that are not, and comes again. */
static void bound_within_one_look(void **state)
{
    static const char row[] = "0000000000000000: 00000003 00000000 00000000 0001 03 %5u%s\n";
    struct fixture *f = *state;
    char text[1000], *p = text;

    for (unsigned i = 0; i < 10; i++)
        p += sprintf(p, row, 20000 + i, "");
    p += sprintf(p, row, 20003u, " /run/bound");
    assert_int_equal(rows_of(f, SOCKQ_UNIX, (const char *[]){text, NULL}, true), 10);
    assert_int_equal(f->w.set->tables[SOCKQ_UNIX].duplicates, 1);
    assert_int_equal(row_at(f, 9)->inode, 20003);
    assert_int_equal(row_at(f, 9)->un.path_len, strlen("/run/bound"));
    assert_int_equal(row_at(f, 9)->flags, 0);
    assert_int_equal(rows_of(f, SOCKQ_UNIX, (const char *[]){text, NULL}, false), 11);
}

/* A row that is printed again tells of the same socket, whatever its peer is by then. */
static void connected_within_one_look(void **state)
{
    static const char row[] = "%4u: 0100007F:%04X 0200007F:%04X 01 00000000:00000000 00:00000000 "
                              "00000000  1000        0 %u 2 0000000000000000 0\n";
    struct fixture *f = *state;
    char text[4000], *p = text;

    for (unsigned i = 0; i < 20; i++)
        p += sprintf(p, row, i, 1000 + i, 0, 5000 + i);
    p += sprintf(p, row, 3, 1003, 53, 5003);
    assert_int_equal(rows_of(f, SOCKQ_UDP, (const char *[]){text, NULL}, true), 20);
    assert_int_equal(f->w.set->tables[SOCKQ_UDP].duplicates, 1);
    assert_int_equal(row_at(f, 3)->remote_port, 53);
    assert_int_equal(rows_of(f, SOCKQ_UDP, (const char *[]){text, NULL}, false), 21);

    /* The same where only the second look sees it. */
    char first[8000], second[8000], *q = second;
    p = first;
    for (unsigned i = 0; i < 50; i++)
        p += sprintf(p, row, i, 1000 + i, 0, 5000 + i);
    q += sprintf(q, "%s", first);
    q += sprintf(q, row, 60, 1060, 0, 5060);
    q += sprintf(q, row, 60, 1060, 53, 5060);
    assert_int_equal(rows_of(f, SOCKQ_UDP, (const char *[]){first, second, NULL}, true), 51);
}

/* Called behind a piece: no descriptor is left for what is opened next. */
static bool no_descriptor_left(void *context)
{
    const struct rlimit none = {.rlim_cur = 0, .rlim_max = ((struct rlimit *)context)->rlim_max};

    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    return false;
}

static void a_later_look_that_fails_is_told(void **state)
{
    const struct sockq_question question = {.tables = (uint64_t)1 << SOCKQ_TCP,
                                            .source = SOCKQ_SOURCE_PROC};
    struct fixture *f = *state;
    char *text = rows_without(ROWS, 0, 0, "");
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    put_table(f, SOCKQ_TCP, text, strlen(text));
    f->proc.live = true;
    assert_int_equal(sockq_collect_begin(&f->w, &f->file, &f->proc, &question), 0);
    sockq_collect_run(&f->w, &f->proc, &question, no_descriptor_left, &limit);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(sockq_set_rows(f->w.set), ROWS);
    assert_int_equal(f->w.set->tables[SOCKQ_TCP].status, SOCKQ_TABLE_FAILED);
    assert_int_equal(f->w.set->tables[SOCKQ_TCP].error, EMFILE);
    assert_problem(f, 0, 0, SOCKQ_BAD_ERRNO, true);
    assert_int_equal(problem_at(f, 0)->error, EMFILE);
    assert_int_not_equal(sockq_set_status(f->w.set), SOCKQ_SET_COMPLETE);
    free(text);
}

static struct sockq_row numbered(uint32_t number)
{
    struct sockq_row row = {.table = SOCKQ_UDP, .inode = number};

    memcpy(row.local_addr, &number, sizeof(number));
    return row;
}

/* A table of too many rows is looked at once; what does not fit is left to the next look. */
static void many_rows(void **state)
{
    struct fixture *f = *state;
    struct sockq_writer *w = &f->w;
    struct again again = {.seed = hash_seed_new()};
    const struct sockq_row nameless = {.table = SOCKQ_UDP};
    uint32_t found = 0;

    for (uint32_t i = 1; i <= AGAIN_ROWS; i++) {
        const struct sockq_row row = numbered(i);
        again_note(&again, w, &row, true);
    }
    assert_false(again.too_many);
    struct sockq_row row = numbered(AGAIN_ROWS + 1);
    again_note(&again, w, &row, true);
    again_note(&again, w, &row, true);
    assert_true(again.too_many);
    assert_int_equal(again.count, AGAIN_ROWS);
    assert_false(again_begin(&again, w));
    assert_int_equal(w->error, 0);
    again_end(&again);
    again.seed = hash_seed_new();
    row = numbered(1);
    again_note(&again, w, &row, true);
    again_note(&again, w, &nameless, true);
    assert_int_equal(again.count, 1);
    assert_true(again_begin(&again, w));
    assert_true(again_is_known(&again, w, &nameless, true));
    assert_true(again_is_known(&again, w, &row, true));
    for (uint32_t i = 2; i < 1000; i++) {
        row = numbered(i);
        found += !again_is_known(&again, w, &row, true);
    }
    /* Three words each, in three quarters of the 1024 that there are at first. */
    assert_in_range(found, 250, 256);
    assert_true(again_begin(&again, w));
    for (uint32_t i = 2; i < 1000; i++) {
        row = numbered(i);
        found += !again_is_known(&again, w, &row, i % 2);
    }
    assert_int_equal(found, 998);
    again_end(&again);
}

static void sockets_by_protocols(void **state)
{
#define HEADER "protocol  size sockets  memory press maxhdr  slab\n"
    static const struct {
        const char *text;
        enum sockq_table table;
        int64_t count;
    } cases[] = {
        {HEADER "TCP   2304      7       2   no     320   yes\n", SOCKQ_TCP, 7},
        {HEADER "TCP   2304      7       2   no     320   yes\n", SOCKQ_TCP6, 0},
        {HEADER "TCPv6 2304      7       2   no     320   yes\n", SOCKQ_TCP, 0},
        {HEADER "UNIX  1024 3 -1\nUNIX-STREAM 1024 4 -1\n", SOCKQ_UNIX, 7},
        {HEADER "TCP   2304", SOCKQ_TCP, 0},
        {HEADER "TCP ", SOCKQ_TCP, 0},
        {HEADER "TCP 2304 -1", SOCKQ_TCP, 0},
        {HEADER "TCP 2304 2147483647 ", SOCKQ_TCP, 0},
        {HEADER "TCP 2304 2147483646 ", SOCKQ_TCP, 2147483646},
        {"TCP 1 2 ", SOCKQ_TCP, 0},
        {"", SOCKQ_TCP, 0},
        {HEADER "TCP 1 2 ", SOCKQ_SCTP_EPS, 0},
    };
    struct fixture *f = *state;

    assert_int_equal(again_count(-1, SOCKQ_TCP), -1);
    for (size_t i = 0; i < COUNT(cases); i++) {
        put_text(f, "net/protocols", cases[i].text);
        assert_int_equal(
            again_count(sockq_proc_openat(&f->proc, "net/protocols", 0), cases[i].table),
            cases[i].count);
    }
    /* No more is read than a kernel prints. */
    char *text = malloc(70000);
    assert_non_null(text);
    memset(text, '\n', 70000);
    memcpy(text + 100, "TCP 1 5 \n", 9);
    memcpy(text + 60000, "UDP 1 5 \n", 9);
    put_bytes(f, "net/protocols", text, 70000);
    free(text);
    assert_int_equal(again_count(sockq_proc_openat(&f->proc, "net/protocols", 0), SOCKQ_TCP), 5);
    assert_int_equal(again_count(sockq_proc_openat(&f->proc, "net/protocols", 0), SOCKQ_UDP), 0);
    put_folder(f, "net/folder");
    assert_int_equal(again_count(sockq_proc_openat(&f->proc, "net/folder", 0), SOCKQ_UDP), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(lost_rows_are_found),
        FIXTURE_TEST(one_page_loses_nothing),
        FIXTURE_TEST(a_long_table),
        FIXTURE_TEST(a_table_of_medium_length),
        FIXTURE_TEST(states_change),
        FIXTURE_TEST(unix_names),
        FIXTURE_TEST(connected_between_two_looks),
        FIXTURE_TEST(rows_of_one_look_share_an_inode),
        FIXTURE_TEST(bound_between_two_looks),
        FIXTURE_TEST(bound_within_one_look),
        FIXTURE_TEST(connected_within_one_look),
        FIXTURE_TEST(a_later_look_that_fails_is_told),
        FIXTURE_TEST(many_rows),
        FIXTURE_TEST(sockets_by_protocols),
    };

    return cmocka_run_group_tests_name("again", tests, NULL, NULL);
}

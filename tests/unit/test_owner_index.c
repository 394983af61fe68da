/*
 * The text of fd links, and the index from inode to descriptors.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <time.h>

#include "../../src/owner/index.h"
#include "helper.h"

static void link_texts(void **state)
{
    static const struct {
        const char *text;
        int result;
        bool old;
        uint64_t inode;
    } cases[] = {
        {"socket:[1]", 0, false, 1},
        {"socket:[16047]", 0, false, 16047},
        {"socket:[0]", 0, false, 0},
        {"socket:[007]", 0, false, 7},
        {"socket:[18446744073709551615]", 0, false, UINT64_MAX},
        {"[0000]:1", 0, true, 1},
        {"[0000]:16047", 0, true, 16047},
        {"[0000]:18446744073709551615", 0, true, UINT64_MAX},
        /* 111 */
        {"socket:[18446744073709551616]", -2, false, 0},
        {"socket:[9999999999999999999999999999999999999999]", -2, false, 0},
        {"[0000]:18446744073709551616", -2, true, 0},
        /* 109 */
        {"socket:[12", -1, false, 0},
        {"socket:[]", -1, false, 0},
        {"socket:[-5]", -1, false, 0},
        {"socket:[+5]", -1, false, 0},
        {"socket:[12]x", -1, false, 0},
        {"socket:[12] ", -1, false, 0},
        {"socket:[ 12]", -1, false, 0},
        {"socket:[12 ]", -1, false, 0},
        {"socket:[0x1F]", -1, false, 0},
        {"socket:[1]]", -1, false, 0},
        {"socket:[[1]", -1, false, 0},
        {"Socket:[1]", -1, false, 0},
        {" socket:[1]", -1, false, 0},
        {"socket:1", -1, false, 0},
        {"socket:[", -1, false, 0},
        {"socket:", -1, false, 0},
        {"socket", -1, false, 0},
        {"", -1, false, 0},
        {"pipe:[12]", -1, false, 0},
        {"anon_inode:[eventpoll]", -1, false, 0},
        {"net:[4026531840]", -1, false, 0},
        {"/tmp/socket:[1]", -1, false, 0},
        {"[0000]:", -1, true, 0},
        {"[0000]:x", -1, true, 0},
        {"[0000]:1]", -1, true, 0},
        {"[0001]:1", -1, true, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t length = strlen(cases[i].text);
        /* A copy without a NUL: what lies behind it must not be looked at. */
        char *text = malloc(length ? length : 1);
        uint64_t inode = 77;
        bool old = false;
        assert_non_null(text);
        memcpy(text, cases[i].text, length);
        int result = owner_link_inode(text, length, &inode, &old);
        free(text);
        if (result != cases[i].result)
            fail_msg("\"%s\" gives %d", cases[i].text, result);
        if (result == 0) {
            assert_int_equal(inode, cases[i].inode);
            assert_int_equal(old, cases[i].old);
        }
    }
}

static void open_writer(struct fixture *f)
{
    static const struct sockq_question question = {.tables = 1, .flags = SOCKQ_WITH_OWNERS};

    assert_int_equal(sockq_writer_open(&f->w, &f->file, &question), 0);
}

/* The owners of an inode, as "pid/fd" each, from arena offsets that serve as pids here. */
static void check_chain(struct fixture *f, uint64_t offset, uint32_t first_fd, uint32_t count)
{
    sockq_writer_commit(&f->w);
    for (uint32_t i = 0; i < count; i++) {
        const struct sockq_owner *owner =
            sockq_set_at(f->file.map, f->w.set, offset, sizeof(*owner));
        assert_non_null(owner);
        assert_int_equal(owner->fd, first_fd + i);
        assert_int_equal(owner->process, (first_fd + i) * 8);
        assert_int_equal(owner->flags, i % 2 ? SOCKQ_OWNER_OLD_LINK : 0);
        offset = owner->next;
    }
    assert_int_equal(offset, 0);
}

static void index_keeps_order(void **state)
{
    enum { INODES = 100000, OWNERS = 5000, SHARED = 123456789 };
    struct fixture *f = *state;
    struct owner_index *index = owner_index_new(INODES + 1, INODES + OWNERS + 1);

    assert_non_null(index);
    open_writer(f);
    assert_int_equal(owner_index_find(index, &f->w, 5), 0);
    for (uint32_t i = 0; i < INODES; i++) {
        owner_index_begin(index, (uint64_t)i * 8);
        owner_index_add(index, 1000 + i, i, false);
        if (i < OWNERS)
            owner_index_add(index, SHARED, i, i % 2);
    }
    owner_index_begin(index, 56);
    owner_index_add(index, UINT64_MAX, 7, false);
    for (uint32_t i = 0; i < INODES; i++)
        check_chain(f, owner_index_find(index, &f->w, 1000 + i), i, 1);
    check_chain(f, owner_index_find(index, &f->w, SHARED), 0, OWNERS);
    check_chain(f, owner_index_find(index, &f->w, UINT64_MAX), 7, 1);
    /* A second look writes nothing. */
    uint64_t arena = f->w.arena;
    check_chain(f, owner_index_find(index, &f->w, SHARED), 0, OWNERS);
    assert_int_equal(owner_index_find(index, &f->w, 999), 0);
    assert_int_equal(owner_index_find(index, &f->w, 1000 + INODES), 0);
    assert_int_equal(f->w.arena, arena);
    owner_index_free(index);
    owner_index_free(NULL);
}

/* Inodes that would fall on one place of the hash. */
static void index_with_spread_inodes(void **state)
{
    struct fixture *f = *state;
    struct owner_index *index = owner_index_new(20000, 20000);

    assert_non_null(index);
    open_writer(f);
    for (uint32_t i = 0; i < 20000; i++) {
        owner_index_begin(index, (uint64_t)i * 8);
        owner_index_add(index, (uint64_t)i << 40, i, false);
    }
    for (uint32_t i = 1; i < 20000; i++)
        check_chain(f, owner_index_find(index, &f->w, (uint64_t)i << 40), i, 1);
    owner_index_free(index);
}

static double seconds_of(uint64_t first, uint64_t step, uint32_t count)
{
    struct timespec start, end;
    struct owner_index *index = owner_index_new(1, count);

    assert_non_null(index);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    owner_index_begin(index, 8);
    for (uint32_t i = 0; i < count; i++)
        owner_index_add(index, first + i * step, i, false);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    owner_index_free(index);
    return (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
}

/*
 * The multiples of this number are those whose product with the golden ratio's is small: one slot,
 * were the hash that product. With others of its kind it is the low or the high bits that are
 * equal.
 */
static void inodes_made_up_to_meet(void **state)
{
    enum { INODES = 200000, TIMES = 40 };
    const uint64_t inverse = 0xf1de83e19937733du;
    const uint64_t steps[] = {inverse, (uint64_t)1 << 44, (uint64_t)1 << 32, 0x100000001u, 3};
    double plain = seconds_of(1, 1, INODES) + 1e-3;

    (void)state;
    assert_int_equal(inverse * 0x9e3779b97f4a7c15u, 1);
    for (size_t i = 0; i < COUNT(steps); i++)
        assert_true(seconds_of(1, steps[i], INODES) < TIMES * plain);
}

static void holders_of_every_inode(void **state)
{
    struct fixture *f = *state;
    const struct sockq_holder *holder;
    uint32_t seen[3000] = {0};
    struct owner_index *index = owner_index_new(COUNT(seen), COUNT(seen));

    assert_non_null(index);
    open_writer(f);
    for (uint32_t i = 0; i < COUNT(seen); i++) {
        owner_index_begin(index, (uint64_t)i * 8);
        owner_index_add(index, 1 + i, i, false);
    }
    owner_index_list(index, &f->w);
    owner_index_free(index);
    sockq_writer_commit(&f->w);
    for (uint64_t at = f->w.set->owners.holders; at; at = holder->next) {
        holder = sockq_set_at(f->file.map, f->w.set, at, sizeof(*holder));
        assert_non_null(holder);
        assert_true(holder->inode >= 1 && holder->inode <= COUNT(seen));
        seen[holder->inode - 1]++;
        check_chain(f, holder->owner, (uint32_t)holder->inode - 1, 1);
    }
    for (uint32_t i = 0; i < COUNT(seen); i++)
        assert_int_equal(seen[i], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(link_texts),
        FIXTURE_TEST(index_keeps_order),
        FIXTURE_TEST(index_with_spread_inodes),
        {"inodes that collide in a captured tree do not make the index slow",
         inodes_made_up_to_meet, NULL, NULL, NULL},
        FIXTURE_TEST(holders_of_every_inode),
    };

    return cmocka_run_group_tests_name("owner index", tests, NULL, NULL);
}

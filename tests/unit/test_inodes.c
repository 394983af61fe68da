/*
 * A set of inodes against plain numbers: neighbours, numbers far apart, the largest, and those of
 * which the lowest bits are alike.
 */
#include "helper.h"
#include "source/inodes.h"

static bool add(struct inodes *inodes, uint64_t inode)
{
    bool before = true;

    assert_int_equal(inodes_add(inodes, inode, &before), 0);
    return before;
}

static void each_once(void **state)
{
    static const uint64_t steps[] = {1, 2, 63, 64, 511, 512, 513, 1 << 20, (uint64_t)1 << 40};
    enum { MANY = 5000 };
    struct inodes inodes = {.seed = hash_seed_new()};

    (void)state;
    for (size_t s = 0; s < COUNT(steps); s++) {
        for (uint64_t i = 1; i <= MANY; i++)
            assert_false(add(&inodes, i * steps[s]));
        for (uint64_t i = 1; i <= MANY; i++)
            assert_true(add(&inodes, i * steps[s]));
        assert_false(add(&inodes, (MANY + 1) * steps[s]));
        inodes_free(&inodes);
    }
}

static void at_the_ends(void **state)
{
    static const uint64_t ends[] = {0,
                                    1,
                                    63,
                                    64,
                                    511,
                                    512,
                                    UINT32_MAX,
                                    INT64_MAX,
                                    (uint64_t)INT64_MAX + 1,
                                    UINT64_MAX,
                                    UINT64_MAX - 1,
                                    UINT64_MAX - 511};
    struct inodes inodes = {.seed = hash_seed_new()};

    (void)state;
    for (size_t i = 0; i < COUNT(ends); i++)
        assert_false(add(&inodes, ends[i]));
    for (size_t i = 0; i < COUNT(ends); i++)
        assert_true(add(&inodes, ends[i]));
    inodes_free(&inodes);
}

/* As many neighbours as a busy machine has sockets take little memory. */
static void neighbours_share(void **state)
{
    struct inodes inodes = {.seed = hash_seed_new()};

    (void)state;
    for (uint64_t i = 0; i < 1000000; i++)
        assert_false(add(&inodes, 30000000 + i * 2));
    assert_in_range(inodes.count, 1000000 * 2 / 512, 1000000 * 2 / 512 + 1);
    assert_in_range(inodes.room, inodes.count, inodes.count * 4);
    inodes_free(&inodes);
}

ssize_t __real_getrandom(void *into, size_t size, unsigned flags);
ssize_t __wrap_getrandom(void *into, size_t size, unsigned flags);
static bool no_randomness;

ssize_t __wrap_getrandom(void *into, size_t size, unsigned flags)
{
    return no_randomness ? -1 : __real_getrandom(into, size, flags);
}

/* Early at boot keys are spread as well, and not in each run alike. */
static void seeds_without_randomness(void **state)
{
    struct inodes inodes;

    (void)state;
    no_randomness = true;
    inodes = (struct inodes){.seed = hash_seed_new()};
    const struct hash_seed second = hash_seed_new();
    no_randomness = false;
    assert_true(inodes.seed.second & 1 && second.second & 1);
    assert_true(inodes.seed.first != second.first && inodes.seed.second != second.second);
    assert_false(inodes_have(&inodes, 7));
    assert_false(add(&inodes, 7));
    assert_true(inodes_have(&inodes, 7));
    assert_false(inodes_have(&inodes, 8));
    inodes_free(&inodes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_once), cmocka_unit_test(at_the_ends),
                                       cmocka_unit_test(neighbours_share),
                                       cmocka_unit_test(seeds_without_randomness)};

    return cmocka_run_group_tests_name("inodes", tests, NULL, NULL);
}

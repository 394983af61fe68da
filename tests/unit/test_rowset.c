/*
 * The memory file and the row sets in it: growth over blocks, what the reader sees and when, memory
 * that comes back zeroed, and a full file. That the reader cannot write is in test_sharing.c.
 */
#include <errno.h>
#include <stdlib.h>

#include "helper.h"

static const size_t MIB = (size_t)1 << 20;
static const struct sockq_question question = {.tables = 5, .states = 6, .flags = 1};

/* A file, shared or private by *state's case, and a writer in it. */
struct world {
    struct sockq_file file;
    struct sockq_writer w;
};

static int setup_with(void **state, size_t size, bool shared)
{
    struct world *world = calloc(1, sizeof(*world));

    assert_non_null(world);
    assert_int_equal(sockq_file_open(&world->file, size, shared), 0);
    assert_int_equal(sockq_writer_open(&world->w, &world->file, &question), 0);
    *state = world;
    return 0;
}

static int setup_shared(void **state)
{
    return setup_with(state, 64 * MIB, true);
}

static int setup_private(void **state)
{
    return setup_with(state, 64 * MIB, false);
}

static int setup_tiny(void **state)
{
    return setup_with(state, 4 * MIB, true);
}

static int teardown(void **state)
{
    struct world *world = *state;

    sockq_file_close(&world->file);
    assert_null(world->file.base);
    assert_null(world->file.map);
    /* Safe on a closed file. */
    sockq_file_close(&world->file);
    free(world);
    return 0;
}

static const struct sockq_set *set_at(const struct world *world, uint32_t block)
{
    return (const void *)(world->file.map + ((size_t)block << SOCKQ_BLOCK_SHIFT));
}

/* Push rows numbered from `first`. */
static void push_rows(struct sockq_writer *w, uint32_t first, uint32_t count)
{
    for (uint32_t i = first; i < first + count; i++) {
        struct sockq_row *row = sockq_writer_row(w);
        assert_non_null(row);
        row->line = i;
        row->inode = (uint64_t)i << 32 | i;
        sockq_writer_push(w);
    }
}

static void check_rows(const struct world *world, uint32_t block, uint32_t first, uint32_t count)
{
    const struct sockq_set *set = set_at(world, block);

    assert_int_equal(sockq_set_rows(set), count);
    for (uint32_t i = 0; i < count; i++) {
        const struct sockq_row *row = sockq_set_row(world->file.map, set, i);
        if (row->line != first + i || row->inode != ((uint64_t)row->line << 32 | row->line))
            fail_msg("row %u reads %u", i, row->line);
    }
}

static void open_and_close(void **state)
{
    struct sockq_file file = {0};

    (void)state;
    sockq_file_close(&file);
    for (int shared = 0; shared < 2; shared++) {
        assert_int_equal(sockq_file_open(&file, 10 * MIB + 12345, shared), 0);
        assert_int_equal(file.size, 10 * MIB);
        assert_int_equal(file.shared, shared);
        assert_true(shared ? file.map != file.base : file.map == file.base);
        sockq_file_close(&file);
        errno = 0;
        assert_int_equal(sockq_file_open(&file, 4 * MIB - 1, shared), -1);
        assert_int_equal(errno, ENOMEM);
        assert_null(file.base);
    }
}

/* More than there are addresses: halved until the kernel grants it. */
static void open_is_halved(void **state)
{
    struct sockq_file file;

    (void)state;
    assert_int_equal(sockq_file_open(&file, (size_t)1 << 60, false), 0);
    assert_true(file.size < (size_t)1 << 60 && file.size >= 4 * MIB);
    assert_int_equal(file.size % SOCKQ_BLOCK_SIZE, 0);
    sockq_file_close(&file);
}

static void header_of_a_new_set(void **state)
{
    struct world *world = *state;
    const struct sockq_set *set = set_at(world, world->w.block);

    assert_true(world->w.block != 0);
    assert_memory_equal(set->magic, SOCKQ_SET_MAGIC, 8);
    assert_int_equal(set->version, SOCKQ_SET_VERSION);
    assert_int_equal(set->byte_order, SOCKQ_SET_BYTE_ORDER);
    assert_int_equal(set->row_size, 128);
    assert_int_equal(set->block_size, MIB);
    assert_memory_equal(&set->question, &question, sizeof(question));
    assert_int_equal(sockq_set_status(set), SOCKQ_SET_READING);
    assert_int_equal(sockq_set_rows(set), 0);
    assert_null(sockq_set_at(world->file.map, set, 0, 0));
    assert_null(sockq_set_at(world->file.map, set, 8, 1));
}

static void rows_over_several_blocks(void **state)
{
    struct world *world = *state;
    const struct sockq_set *set = set_at(world, world->w.block);

    push_rows(&world->w, 7, 30000);
    sockq_writer_finish(&world->w, SOCKQ_SET_COMPLETE);
    check_rows(world, world->w.block, 7, 30000);
    assert_int_equal(sockq_set_status(set), SOCKQ_SET_COMPLETE);
    for (int i = 0; i < 4; i++)
        assert_true(set->row_blocks[i] != 0);
    assert_int_equal(set->row_blocks[4], 0);
    assert_int_equal(SOCKQ_BLOCK_ROWS, 8192);
}

/* A scanner may fill a row and give up: the next one gets it zeroed. */
static void a_row_that_is_given_up(void **state)
{
    static const struct sockq_row zero;
    struct world *world = *state;

    for (uint32_t i = 0; i < 20000; i++) {
        struct sockq_row *row = sockq_writer_row(&world->w);
        assert_non_null(row);
        memset(row, 0xff, sizeof(*row));
        assert_ptr_equal(sockq_writer_row(&world->w), row);
        assert_memory_equal(row, &zero, sizeof(zero));
        row->line = i;
        row->inode = (uint64_t)i << 32 | i;
        sockq_writer_push(&world->w);
    }
    sockq_writer_commit(&world->w);
    check_rows(world, world->w.block, 0, 20000);
}

static void nothing_shows_before_a_commit(void **state)
{
    struct world *world = *state;
    const struct sockq_set *set = set_at(world, world->w.block);

    push_rows(&world->w, 0, 10);
    uint64_t offset = sockq_writer_bytes(&world->w, "text", 4);
    assert_int_equal(sockq_set_rows(set), 0);
    assert_null(sockq_set_at(world->file.map, set, offset, 4));
    sockq_writer_commit(&world->w);
    check_rows(world, world->w.block, 0, 10);
    assert_memory_equal(sockq_set_at(world->file.map, set, offset, 4), "text", 4);
    push_rows(&world->w, 10, 10000);
    assert_int_equal(sockq_set_rows(set), 10);
    sockq_writer_finish(&world->w, SOCKQ_SET_INCOMPLETE);
    check_rows(world, world->w.block, 0, 10010);
    assert_int_equal(sockq_set_status(set), SOCKQ_SET_INCOMPLETE);
}

/* Strings of all sizes over several blocks: aligned, zeroed, never across two blocks. */
static void arena_over_several_blocks(void **state)
{
    enum { STRINGS = 3000 };
    struct world *world = *state;
    const struct sockq_set *set = set_at(world, world->w.block);
    static uint64_t offsets[STRINGS];
    uint64_t last = 0;

    for (uint32_t i = 0; i < STRINGS; i++) {
        size_t size = i * 37 % 5000;
        unsigned char *at = sockq_writer_alloc(&world->w, size, &offsets[i]);
        assert_non_null(at);
        assert_int_equal(offsets[i] % 8, 0);
        assert_int_equal((uintptr_t)at % 8, 0);
        assert_true(offsets[i] > 0 && offsets[i] >= last);
        assert_true(size == 0 || offsets[i] / MIB == (offsets[i] + size - 1) / MIB);
        assert_ptr_equal(sockq_writer_at(&world->w, offsets[i]), at);
        for (size_t k = 0; k < size; k++)
            assert_true(at[k] == 0);
        memset(at, (int)(i & 0xff), size);
        last = offsets[i] + size;
    }
    sockq_writer_commit(&world->w);
    assert_true(last > 7 * MIB);
    for (uint32_t i = 0; i < STRINGS; i++) {
        size_t size = i * 37 % 5000;
        const unsigned char *at = sockq_set_at(world->file.map, set, offsets[i], size);
        assert_non_null(at);
        for (size_t k = 0; k < size; k++)
            assert_true(at[k] == (i & 0xff));
    }
}

static void arena_borders(void **state)
{
    struct world *world = *state;
    const struct sockq_set *set = set_at(world, world->w.block);
    const void *map = world->file.map;
    uint64_t offset = 0, next = 0;

    /* All of a block but its first eight bytes, twice, then one byte. */
    assert_non_null(sockq_writer_alloc(&world->w, MIB - 8, &offset));
    assert_int_equal(offset, 8);
    assert_non_null(sockq_writer_alloc(&world->w, MIB - 8, &offset));
    assert_int_equal(offset, MIB);
    assert_non_null(sockq_writer_alloc(&world->w, 8, &next));
    assert_int_equal(next, 2 * MIB - 8);
    assert_non_null(sockq_writer_alloc(&world->w, 1, &next));
    assert_int_equal(next, 2 * MIB);
    sockq_writer_commit(&world->w);
    assert_non_null(sockq_set_at(map, set, MIB, MIB));
    assert_null(sockq_set_at(map, set, MIB + 1, MIB));
    assert_null(sockq_set_at(map, set, 0, 8));
    assert_non_null(sockq_set_at(map, set, 2 * MIB, 1));
    assert_null(sockq_set_at(map, set, 2 * MIB, 2));
    assert_null(sockq_set_at(map, set, 2 * MIB + 2, 0));
    assert_null(sockq_set_at(map, set, UINT64_MAX, 2));
    assert_null(sockq_set_at(map, set, 8, SIZE_MAX));
    assert_int_equal(world->w.error, 0);
    assert_null(sockq_writer_alloc(&world->w, MIB - 7, &offset));
    assert_int_equal(world->w.error, EMSGSIZE);
    sockq_writer_finish(&world->w, SOCKQ_SET_COMPLETE);
    assert_int_equal(sockq_set_status(set), SOCKQ_SET_FAILED);
    assert_int_equal(set->error, EMSGSIZE);
}

/* What comes back is zero, also where a set was never finished; its blocks serve again. */
static void release_and_reuse(void **state)
{
    struct world *world = *state;
    struct sockq_file *file = &world->file;
    static const unsigned char zero[4096];
    uint64_t offset;

    for (int round = 0; round < 5; round++) {
        push_rows(&world->w, 1000, 20000);
        for (int i = 0; i < 3; i++)
            memset(sockq_writer_alloc(&world->w, MIB - 8, &offset), 0xee, MIB - 8);
        sockq_writer_problem(&world->w, SOCKQ_TCP, 1, SOCKQ_BAD_SLOT, 0, true);
        if (round % 2)
            sockq_writer_finish(&world->w, SOCKQ_SET_COMPLETE);
        uint32_t next = file->next, block = world->w.block;
        sockq_file_release(file, block);
        assert_int_equal(file->unused.count, next - 1);
        for (uint32_t b = 1; b < next; b++)
            for (size_t at = 0; at < MIB; at += sizeof(zero))
                assert_memory_equal(file->map + b * MIB + at, zero, sizeof(zero));
        assert_int_equal(sockq_writer_open(&world->w, file, &question), 0);
        assert_int_equal(file->next, next);
        assert_int_equal(world->w.rows, 0);
        assert_int_equal(sockq_set_rows(set_at(world, world->w.block)), 0);
    }
}

static void sets_live_side_by_side(void **state)
{
    enum { SETS = 12 };
    struct world *world = *state;
    struct sockq_writer writers[SETS];

    for (int i = 0; i < SETS; i++)
        assert_int_equal(sockq_writer_open(&writers[i], &world->file, &question), 0);
    for (uint32_t round = 0; round < 3; round++)
        for (uint32_t i = 0; i < SETS; i++)
            push_rows(&writers[i], i * 100000 + round * 5000, 5000);
    for (int i = 0; i < SETS; i++)
        sockq_writer_commit(&writers[i]);
    for (int i = 0; i < SETS; i += 2)
        sockq_file_release(&world->file, writers[i].block);
    push_rows(&world->w, 0, 20000);
    for (uint32_t i = 1; i < SETS; i += 2)
        check_rows(world, writers[i].block, i * 100000, 15000);
}

/* More sets than the list has room for at first. */
static void many_small_sets(void **state)
{
    uint32_t blocks[600], count = 0;
    struct sockq_file file;

    (void)state;
    assert_int_equal(sockq_file_open(&file, 700 * MIB, false), 0);
    for (; count < COUNT(blocks); count++) {
        struct sockq_writer w;
        assert_int_equal(sockq_writer_open(&w, &file, &question), 0);
        blocks[count] = w.block;
    }
    while (count-- > 0)
        sockq_file_release(&file, blocks[count]);
    assert_int_equal(file.sets.count, 0);
    assert_int_equal(file.unused.count, COUNT(blocks));
    sockq_file_close(&file);
}

static void bogus_releases_are_ignored(void **state)
{
    struct world *world = *state;
    struct sockq_file *file = &world->file;
    const uint32_t block = world->w.block;

    push_rows(&world->w, 0, 100);
    sockq_writer_commit(&world->w);
    const uint32_t bogus[] = {0,  block + 1, file->next, 63,
                              64, 1000000,   UINT32_MAX, set_at(world, block)->row_blocks[0]};
    for (size_t i = 0; i < COUNT(bogus); i++)
        sockq_file_release(file, bogus[i]);
    assert_int_equal(file->unused.count, 0);
    check_rows(world, block, 0, 100);
    sockq_file_release(file, block);
    uint32_t unused = file->unused.count;
    sockq_file_release(file, block);
    assert_int_equal(file->unused.count, unused);
}

/* Three blocks: a header and two of rows; then the set fails, and nothing else. */
static void a_full_file(void **state)
{
    struct world *world = *state;
    struct sockq_writer other;

    push_rows(&world->w, 0, 2 * 8192);
    assert_null(sockq_writer_row(&world->w));
    assert_int_equal(world->w.error, ENOSPC);
    assert_int_equal(sockq_writer_bytes(&world->w, "x", 1), 0);
    assert_int_equal(sockq_writer_open(&other, &world->file, &question), -1);
    assert_int_equal(errno, ENOSPC);
    sockq_writer_problem(&world->w, SOCKQ_TCP, 5, SOCKQ_BAD_SLOT, 0, true);
    sockq_writer_finish(&world->w, SOCKQ_SET_COMPLETE);
    const struct sockq_set *set = set_at(world, world->w.block);
    assert_int_equal(sockq_set_status(set), SOCKQ_SET_FAILED);
    assert_int_equal(set->error, ENOSPC);
    assert_int_equal(set->problem_count, 1);
    assert_int_equal(set->problems, 0);
    check_rows(world, world->w.block, 0, 2 * 8192);
    sockq_file_release(&world->file, world->w.block);
    assert_int_equal(sockq_writer_open(&world->w, &world->file, &question), 0);
    push_rows(&world->w, 0, 2 * 8192);
    sockq_writer_commit(&world->w);
    check_rows(world, world->w.block, 0, 2 * 8192);
}

static void a_full_arena(void **state)
{
    struct world *world = *state;
    uint64_t offset;

    assert_non_null(sockq_writer_alloc(&world->w, MIB - 8, &offset));
    assert_non_null(sockq_writer_alloc(&world->w, MIB - 8, &offset));
    assert_null(sockq_writer_alloc(&world->w, MIB - 8, &offset));
    assert_int_equal(world->w.error, ENOSPC);
    /* The first error stays. */
    assert_null(sockq_writer_alloc(&world->w, MIB, &offset));
    assert_int_equal(world->w.error, ENOSPC);
}

/* Blocks that come back are taken in another order than they lie. */
static void blocks_in_any_order(void **state)
{
    struct world *world = *state;
    uint64_t offset;

    for (int round = 0; round < 6; round++) {
        assert_non_null(sockq_writer_alloc(&world->w, 1, &offset));
        assert_non_null(sockq_writer_alloc(&world->w, MIB - 8, &offset));
        assert_int_equal(offset, MIB);
        assert_int_equal(world->w.error, 0);
        sockq_file_release(&world->file, world->w.block);
        assert_int_equal(sockq_writer_open(&world->w, &world->file, &question), 0);
    }
}

/* A set of more rows than the file has room for, read and passed as it grows. */
static void blocks_behind_the_reader(void **state)
{
    struct world *world = *state;
    const uint32_t rows = 20 * (uint32_t)SOCKQ_BLOCK_ROWS;

    for (int round = 0; round < 3; round++) {
        const struct sockq_set *set = set_at(world, world->w.block);
        uint32_t seen = 0;
        for (uint32_t i = 0; i < rows; i += 1000) {
            push_rows(&world->w, i, 1000);
            /* One that was given up must not show in the row behind it. */
            struct sockq_row *row = sockq_writer_row(&world->w);
            assert_non_null(row);
            row->uid = 77;
            sockq_writer_commit(&world->w);
            for (; seen < sockq_set_rows(set); seen++) {
                const struct sockq_row *there = sockq_set_row(world->file.map, set, seen);
                if (there->line != seen || there->uid)
                    fail_msg("row %u reads %u, uid %u", seen, there->line, there->uid);
                /* Left behind for the rows to come. */
                ((struct sockq_row *)(void *)(world->file.base +
                                              ((const unsigned char *)there - world->file.map)))
                    ->uid = 5;
            }
            sockq_writer_passed(&world->w, seen);
            sockq_writer_passed(&world->w, seen / 2);
        }
        sockq_writer_finish(&world->w, SOCKQ_SET_COMPLETE);
        assert_int_equal(set->status, SOCKQ_SET_COMPLETE);
        sockq_file_release(&world->file, world->w.block);
        assert_int_equal(sockq_writer_open(&world->w, &world->file, &question), 0);
    }
    push_rows(&world->w, 0, 2 * (uint32_t)SOCKQ_BLOCK_ROWS);
    sockq_writer_commit(&world->w);
    check_rows(world, world->w.block, 0, 2 * (uint32_t)SOCKQ_BLOCK_ROWS);
}

/* What rows tell of, in a file with room for less: all of it is there until its row is passed. */
static void arena_behind_the_reader(void **state)
{
    enum { ROWS = 60000, SIZE = 616 };
    struct world *world = *state;

    for (int round = 0; round < 3; round++) {
        const struct sockq_set *set = set_at(world, world->w.block);
        uint64_t lasts = sockq_writer_bytes(&world->w, "lasts", 6), seen = 0, most = 0, stop = 0;
        for (uint32_t i = 0; i < ROWS; i++) {
            uint64_t first, second;
            /* Of a row that is given up, and may have begun a block: there the reader stops for a
             * while. */
            const uint64_t arena = world->w.arena;
            assert_non_null(sockq_writer_row_alloc(&world->w, 5 * SIZE, &first));
            if (arena && (arena - 1) / MIB != (world->w.arena - 1) / MIB && stop <= seen)
                stop = i + 1;
            sockq_writer_rewind(&world->w, arena);
            uint32_t *at = sockq_writer_row_alloc(&world->w, SIZE, &first);
            assert_non_null(at);
            for (size_t word = 0; word < SIZE / sizeof(*at); word++)
                if (at[word])
                    fail_msg("row %u: a word is not zero", i);
            at[0] = at[SIZE / sizeof(*at) - 1] = i;
            at = sockq_writer_row_alloc(&world->w, 8, &second);
            assert_non_null(at);
            *at = i;
            struct sockq_row *row = sockq_writer_row(&world->w);
            assert_non_null(row);
            row->when = first;
            row->inode = second;
            sockq_writer_push(&world->w);
            if (i % 4 != 3)
                continue;
            sockq_writer_commit(&world->w);
            for (; seen + 100 < world->w.rows && (seen != stop || seen + 5000 < world->w.rows);
                 seen++) {
                const struct sockq_row *there = sockq_set_row(world->file.map, set, seen);
                const uint32_t *large = sockq_set_at(world->file.map, set, there->when, SIZE);
                const uint32_t *small = sockq_set_at(world->file.map, set, there->inode, 8);
                if (large[0] != seen || large[SIZE / sizeof(*large) - 1] != seen || *small != seen)
                    fail_msg("row %u tells of %u and %u", (unsigned)seen, large[0], *small);
            }
            sockq_writer_passed(&world->w, seen);
            most = world->w.pages > most ? world->w.pages : most;
        }
        /* 37 MB of it went through a quarter of that. */
        assert_true(most * SOCKQ_PAGE < (uint64_t)ROWS * SIZE / 4);
        assert_string_equal(sockq_set_at(world->file.map, set, lasts, 6), "lasts");
        sockq_writer_finish(&world->w, SOCKQ_SET_COMPLETE);
        assert_int_equal(set->status, SOCKQ_SET_COMPLETE);
        sockq_file_release(&world->file, world->w.block);
        assert_int_equal(sockq_writer_open(&world->w, &world->file, &question), 0);
    }
}

static void problems_are_linked(void **state)
{
    enum { EACH = SOCKQ_PROBLEMS_KEPT + 3 };
    struct world *world = *state;
    const struct sockq_set *set = set_at(world, world->w.block);
    const struct sockq_problem *problem;
    uint32_t count = 0;

    for (uint32_t i = 0; i < EACH; i++) {
        sockq_writer_problem(&world->w, SOCKQ_TCP, i, SOCKQ_BAD_SLOT, 0, true);
        sockq_writer_problem(&world->w, SOCKQ_UDP, i, SOCKQ_BAD_ERRNO, EIO, false);
    }
    sockq_writer_commit(&world->w);
    for (uint64_t at = set->problems; at; at = problem->next, count++) {
        problem = sockq_set_at(world->file.map, set, at, sizeof(*problem));
        assert_non_null(problem);
        bool tcp = problem->table == SOCKQ_TCP;
        assert_int_equal(problem->reason, tcp ? SOCKQ_BAD_SLOT : SOCKQ_BAD_ERRNO);
        assert_int_equal(problem->error, tcp ? 0 : EIO);
        assert_int_equal(problem->lost, tcp);
    }
    assert_int_equal(count, SOCKQ_PROBLEMS_KEPT + EACH);
    assert_int_equal(set->problem_count, 2 * EACH);
    assert_int_equal(set->tables[SOCKQ_TCP].bad, EACH);
}

#define BOTH(function)                                                                             \
    {#function " (shared)", function, setup_shared, teardown, NULL},                               \
    {                                                                                              \
#function " (private)", function, setup_private, teardown, NULL                            \
    }
#define TINY(function) cmocka_unit_test_setup_teardown(function, setup_tiny, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_and_close),
        cmocka_unit_test(open_is_halved),
        BOTH(header_of_a_new_set),
        BOTH(rows_over_several_blocks),
        BOTH(a_row_that_is_given_up),
        BOTH(nothing_shows_before_a_commit),
        BOTH(arena_over_several_blocks),
        BOTH(arena_borders),
        BOTH(release_and_reuse),
        BOTH(sets_live_side_by_side),
        BOTH(bogus_releases_are_ignored),
        BOTH(problems_are_linked),
        BOTH(arena_behind_the_reader),
        cmocka_unit_test(many_small_sets),
        TINY(a_full_file),
        TINY(blocks_behind_the_reader),

        TINY(a_full_arena),
        TINY(blocks_in_any_order),
    };

    return cmocka_run_group_tests_name("row sets", tests, NULL, NULL);
}

/*
 * What the two processes share: a reader that cannot write, not even by asking for it, a child that
 * follows what its parent appends, and a writer that trusts nothing of it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helper.h"

struct world {
    struct sockq_file file;
    struct sockq_writer w;
};

static int setup(void **state)
{
    static const struct sockq_question question = {.tables = 1};
    struct world *world = calloc(1, sizeof(*world));

    assert_non_null(world);
    assert_int_equal(sockq_file_open(&world->file, (size_t)64 << 20, true), 0);
    assert_int_equal(sockq_writer_open(&world->w, &world->file, &question), 0);
    *state = world;
    return 0;
}

/* A limit of file sizes holds for memory files, and not for what stands in for them. */
static int setup_without_memory_files(void **state)
{
    struct rlimit before, none;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    int result = setup(state);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    return result;
}

static int teardown(void **state)
{
    struct world *world = *state;

    sockq_file_close(&world->file);
    free(world);
    return 0;
}

static const struct sockq_set *set_of(const struct world *world)
{
    return (const void *)(world->file.map + ((size_t)world->w.block << SOCKQ_BLOCK_SHIFT));
}

static void push_rows(struct sockq_writer *w, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct sockq_row *row = sockq_writer_row(w);
        assert_non_null(row);
        row->line = i;
        sockq_writer_push(w);
    }
    sockq_writer_commit(w);
}

/* The reader's side: no write through it, and none can be made possible. */
static void the_reader_cannot_write(void **state)
{
    struct world *world = *state;
    void *map = (void *)(uintptr_t)world->file.map;
    int ends[2];

    errno = 0;
    assert_int_equal(mprotect(map, world->file.size, PROT_READ | PROT_WRITE), -1);
    assert_int_equal(errno, EACCES);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    errno = 0;
    assert_int_equal(read(ends[0], map, 1), -1);
    assert_int_equal(errno, EFAULT);
    close(ends[0]);
    close(ends[1]);
}

/* A child sees the rows but has no mapping to write them; new rows reach it. */
static void a_child_follows(void **state)
{
    struct world *world = *state;
    int to_child[2], from_child[2], status;
    char byte;

    assert_int_equal(pipe(to_child), 0);
    assert_int_equal(pipe(from_child), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct sockq_set *set = set_of(world);
        if (write(from_child[1], world->file.base, 1) != -1 || errno != EFAULT)
            _exit(1);
        if (sockq_set_rows(set) != 0 || write(from_child[1], "x", 1) != 1 ||
            read(to_child[0], &byte, 1) != 1)
            _exit(2);
        _exit(sockq_set_rows(set) == 9 && sockq_set_row(world->file.map, set, 8)->line == 8 ? 0
                                                                                            : 3);
    }
    assert_int_equal(read(from_child[0], &byte, 1), 1);
    push_rows(&world->w, 9);
    assert_int_equal(write(to_child[1], "x", 1), 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    for (int i = 0; i < 2; i++) {
        close(to_child[i]);
        close(from_child[i]);
    }
}

/* Whoever can write the memory reaches no other set's through the collector. */
static void numbers_in_the_header_are_not_trusted(void **state)
{
    static const uint32_t numbers[] = {0, 1, 2, 3, 60, 64, 4096, 1u << 31, UINT32_MAX};
    enum { NUMBERS = sizeof(numbers) / sizeof(numbers[0]), ROWS = 3 * SOCKQ_BLOCK_ROWS };
    struct world *world = *state;
    struct sockq_file *file = &world->file;
    static const struct sockq_question question = {.tables = 1};
    uint64_t offset;

    sockq_writer_row(&world->w)->line = 77;
    sockq_writer_push(&world->w);
    offset = sockq_writer_bytes(&world->w, "victim", 7);
    sockq_writer_finish(&world->w, SOCKQ_SET_COMPLETE);
    const struct sockq_set *victim = set_of(world);
    for (int i = 0; i < NUMBERS; i++) {
        struct sockq_writer w;
        uint64_t text = 0;
        assert_int_equal(sockq_writer_open(&w, file, &question), 0);
        for (uint32_t j = 0; j < ROWS + 9; j++) {
            if (j == ROWS) {
                for (int k = 0; k < 100; k++) {
                    w.set->row_blocks[k] = numbers[i];
                    w.set->arena_blocks[k] = numbers[i];
                }
                sockq_writer_commit(&w);
                sockq_writer_row_at(&w, 5)->line = 1;
                sockq_writer_row_at(&w, ROWS - 1)->line = 1;
                sockq_writer_passed(&w, ROWS);
            }
            struct sockq_row *row = sockq_writer_row(&w);
            if (!row)
                break;
            row->line = 5;
            sockq_writer_push(&w);
            if (j % 4096 == 0)
                text = sockq_writer_bytes(&w, "attack", 7);
        }
        memset(sockq_writer_at(&w, text), 'x', 7);
        memset(sockq_writer_at(&w, UINT64_MAX & ~(uint64_t)4095), 'x', 7);
        assert_null(sockq_writer_text(&w, 2 * SOCKQ_BLOCK_SIZE - 8, 9));
        sockq_writer_finish(&w, SOCKQ_SET_COMPLETE);
        sockq_file_release(file, w.block);
        assert_memory_equal(victim->magic, SOCKQ_SET_MAGIC, 8);
        assert_int_equal(sockq_set_row(file->map, victim, 0)->line, 77);
        assert_string_equal(sockq_set_at(file->map, victim, offset, 7), "victim");
        for (uint32_t j = 0; j < file->unused.count; j++) {
            assert_true(file->unused.blocks[j] > 0 && file->unused.blocks[j] < file->next);
            for (uint32_t k = 0; k < j; k++)
                assert_int_not_equal(file->unused.blocks[j], file->unused.blocks[k]);
        }
        /* All that was taken is back, but for the victim's three. */
        assert_int_equal(file->unused.count + 3, file->next - 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_reader_cannot_write, setup, teardown),
        cmocka_unit_test_setup_teardown(a_child_follows, setup, teardown),
        cmocka_unit_test_setup_teardown(numbers_in_the_header_are_not_trusted, setup, teardown),
        {"without_memory_files_the_reader_cannot_write", the_reader_cannot_write,
         setup_without_memory_files, teardown, NULL},
        {"without_memory_files_a_child_follows", a_child_follows, setup_without_memory_files,
         teardown, NULL},
    };

    return cmocka_run_group_tests_name("sharing", tests, NULL, NULL);
}

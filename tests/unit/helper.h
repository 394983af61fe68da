/*
 * What the unit tests share: a captured tree in a temporary folder, a row set read from it, rows
 * and problems as text, and a guard against descriptors that a test leaves open.
 *
 * Each test_*.c is a program of its own. Tables of cases become one named test a case: run_cases.
 */
#ifndef SOCKQ_TESTS_HELPER_H
#define SOCKQ_TESTS_HELPER_H
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/problem.h"
#include "../../src/proc.h"
#include "../../src/rowset.h"
#include "../../src/source/source.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/** Bytes of a string literal that may hold NULs, as two arguments. */
#define BYTES(literal) literal, sizeof(literal) - 1

/** One test's world. */
struct fixture {
    const void *given; /* the case, for tests made by run_cases */
    char path[64];     /* the tree's folder */
    struct sockq_proc proc;
    struct sockq_file file;
    struct sockq_writer w; /* of the last read_table */
    unsigned fds;          /* descriptors open before the test */
};

/** The setup of a test: *state becomes a struct fixture with an empty tree. */
int fixture_setup(void **state);

/** The teardown: removes the tree; fails if a descriptor was left open. */
int fixture_teardown(void **state);

/** A test that gets a fixture. */
#define FIXTURE_TEST(function)                                                                     \
    cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

/**
 * Run a table of cases, each as a test of its own.
 *
 * @cases  each begins with a `const char *name`; one case has `size` bytes
 * @return the number of tests that failed
 */
int run_cases(const char *group, const void *cases, size_t size, size_t count,
              CMUnitTestFunction test);

/** Write a file into the tree; its folders are made. */
void put_bytes(struct fixture *f, const char *path, const void *bytes, size_t size);
void put_text(struct fixture *f, const char *path, const char *text);
void put_link(struct fixture *f, const char *path, const char *target);
void put_folder(struct fixture *f, const char *path);

/** The path of an entry of the tree, for the system calls of a test; static, overwritten. */
const char *path_of(const struct fixture *f, const char *path);

/** A header as a current kernel prints it, with its line feed. */
const char *header_of(enum sockq_table table);

/** A good row of a table, with its line feed; line_of_good says what it reads as. */
const char *good_of(enum sockq_table table);

/** Write a table: its header, then `rows`. */
void put_table(struct fixture *f, enum sockq_table table, const void *rows, size_t size);

/** A check that never stops. */
bool never_stop(void *context);

/** Read one table, all states, into a new row set; finished, as a collection would be. */
const struct sockq_table_info *read_table(struct fixture *f, enum sockq_table table);

/** The same with owners and states. */
const struct sockq_table_info *read_table_with(struct fixture *f, enum sockq_table table,
                                               struct owner_index *owners, uint64_t states);

/** Row `index` of the last row set; fails if there is none. */
const struct sockq_row *row_at(const struct fixture *f, uint64_t index);

/** Problem `index` of the last row set, or NULL. */
const struct sockq_problem *problem_at(const struct fixture *f, unsigned index);

/** Fail unless problem `index` is this one. */
void assert_problem(const struct fixture *f, unsigned index, uint32_t line,
                    enum sockq_reason reason, bool lost);

/** Arena bytes, escaped, NUL-terminated; static, overwritten. */
const char *text_at(const struct fixture *f, uint64_t offset, uint32_t length);

/**
 * A row as text: its line, then a word for each known value, such as "state=10" or "inode=636".
 * What is unknown has no word. Static, overwritten.
 */
const char *describe(const struct fixture *f, const struct sockq_row *row);

/** Fail unless all words stand in the description of a row; "!word" must not begin any there. */
void assert_words(const struct fixture *f, const struct sockq_row *row, const char *words);

/** Rows of a table and what they are read as, for run_cases with one_text. */
struct text_case {
    const char *name;
    enum sockq_table table;
    const char *text; /* what follows the header */
    size_t size;
    const char *described[3];    /* the rows */
    enum sockq_reason reason[3]; /* the problems, each a line that is no row */
    uint32_t line[3];
};
void one_text(void **state);

/**
 * Run a function as a user without privileges, in a child process.
 *
 * @return what it returned (0 to 99), or -1 if this process is root and cannot become another user
 */
int run_unprivileged(int (*function)(void *), void *context);

/*
 * The step of a test that tries every place of a file: all of them, but where each try takes longer
 * the sanitizers see one of so many.
 */
#ifdef __SANITIZE_ADDRESS__
enum { EVERY_PLACE = 7 };
#else
enum { EVERY_PLACE = 1 };
#endif

#endif

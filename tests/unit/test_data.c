/*
 * Files that scripts may read: what is read of which, and what is told where it cannot be.
 *
 * Linked with the options in test_data.link, so that the calls come to calls.h first.
 */
#define _GNU_SOURCE
#include "calls.h"

#include "../../src/data.h"
#include "../../src/options.h"

enum { LONG = 200000 };

static enum sockq_name is_nothing(const char *word, const struct sockq_options *options,
                                  void *context)
{
    (void)word;
    (void)options;
    (void)context;
    return SOCKQ_NAME_NONE;
}

/* --data of each word, and an option that is none. */
static int read_words(struct sockq_data_list *data, char *first, char *second)
{
    char *argv[] = {"sockq", "--csv", "--data", first, "--data", second, NULL};
    struct sockq_options options;

    *data = (struct sockq_data_list){0};
    if (sockq_options_parse(&options, 6, argv, is_nothing, NULL) < 0)
        return -1;
    int result = sockq_data_read(data, &options), error = errno;
    sockq_options_free(&options);
    errno = error;
    return result;
}

static char *word_of(const struct fixture *f, const char *path)
{
    static char words[2][128];
    static int at;

    at = !at;
    snprintf(words[at], sizeof(words[at]), "x=%s", path[0] ? path_of(f, path) : "");
    return words[at];
}

static void put_long(struct fixture *f, const char *path, size_t size)
{
    char *text = malloc(size);

    assert_non_null(text);
    memset(text, 'x', size);
    put_bytes(f, path, text, size);
    free(text);
}

static void assert_refused(struct fixture *f, char *word, const char *why)
{
    struct sockq_data_list data;

    put_text(f, "good", "good");
    assert_int_equal(read_words(&data, word, word_of(f, "good")), 0);
    assert_int_equal(data.count, 2);
    assert_null(data.list[0].bytes);
    assert_string_equal(data.list[0].error, why);
    /* The next is read all the same. */
    assert_int_equal(data.list[1].size, 4);
    assert_memory_equal(data.list[1].bytes, "good", 4);
    assert_null(data.list[1].error);
    sockq_data_free(&data);
    sockq_data_free(&data);
}

static void words_and_files_that_are_refused(void **state)
{
    static char no_file[] = "x", no_path[] = "x=";
    struct fixture *f = *state;

    assert_refused(f, no_file, "no form NAME=FILE");
    assert_refused(f, no_path, "no form NAME=FILE");
    assert_refused(f, word_of(f, "missing"), "No such file or directory");
    put_folder(f, "folder");
    assert_refused(f, word_of(f, "folder"), "not a regular file; a pipe can be given as NAME=-");
    put_text(f, "large", "");
    assert_int_equal(truncate(path_of(f, "large"), (off_t)SOCKQ_DATA_MOST + 1), 0);
    assert_refused(f, word_of(f, "large"), "larger than 64 MiB");
}

static void files_that_are_read(void **state)
{
    static const size_t sizes[] = {0, 1, (64 << 10) - 1, 64 << 10, (64 << 10) + 1, LONG};
    struct fixture *f = *state;
    struct sockq_data_list data;

    for (size_t i = 0; i < COUNT(sizes); i++) {
        put_long(f, "file", sizes[i]);
        assert_int_equal(read_words(&data, word_of(f, "file"), word_of(f, "file")), 0);
        for (size_t k = 0; k < 2; k++) {
            assert_null(data.list[k].error);
            assert_int_equal(data.list[k].size, sizes[i]);
        }
        sockq_data_free(&data);
    }
}

/* Standard input, from this file. */
static int read_input(struct fixture *f, const char *path, struct sockq_data_list *data)
{
    static char input[] = "x=-";
    const int before = dup(STDIN_FILENO), file = __real_open(path, O_RDONLY | O_CLOEXEC);

    assert_true(file >= 0 && dup2(file, STDIN_FILENO) == STDIN_FILENO);
    close(file);
    int result = read_words(data, input, word_of(f, "missing"));
    if (before >= 0)
        assert_int_equal(dup2(before, STDIN_FILENO), STDIN_FILENO);
    close(before);
    return result;
}

static void standard_input(void **state)
{
    struct fixture *f = *state;
    struct sockq_data_list data;

    put_long(f, "file", LONG);
    assert_int_equal(read_input(f, path_of(f, "file"), &data), 0);
    assert_int_equal(data.list[0].size, LONG);
    sockq_data_free(&data);
    /* Without end. */
    assert_int_equal(read_input(f, "/dev/zero", &data), 0);
    assert_null(data.list[0].bytes);
    assert_string_equal(data.list[0].error, "larger than 64 MiB");
    sockq_data_free(&data);
}

static int read_two(void *context)
{
    struct fixture *f = context;
    struct sockq_data_list data;
    int result = read_words(&data, word_of(f, "long"), word_of(f, "missing")), error = errno;

    for (size_t i = 0; result == 0 && i < data.count; i++)
        assert_true((data.list[i].bytes != NULL) == (data.list[i].error == NULL));
    if (result == 0 && !calls.failed)
        assert_int_equal(data.list[0].size, LONG);
    sockq_data_free(&data);
    errno = error;
    return result;
}

static int read_long_input(void *context)
{
    struct fixture *f = context;
    struct sockq_data_list data;
    char path[128];

    snprintf(path, sizeof(path), "%s", path_of(f, "long"));
    int result = read_input(f, path, &data), error = errno;
    if (result == 0 && !data.list[0].error)
        assert_int_equal(data.list[0].size, LONG);
    sockq_data_free(&data);
    errno = error;
    return result;
}

static void a_failure_is_told(void **state)
{
    struct fixture *f = *state;

    put_long(f, "long", LONG);
    /* A file that cannot be read is told with its name. */
    fail_each_call(read_two, f, true);
    fail_each_call(read_long_input, f, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(words_and_files_that_are_refused),
        FIXTURE_TEST(files_that_are_read),
        FIXTURE_TEST(standard_input),
        FIXTURE_TEST(a_failure_is_told),
    };

    return cmocka_run_group_tests_name("data", tests, NULL, NULL);
}

/*
 * The file of what was typed: whose it may be, what is kept, what happens where a call fails.
 */
#define _GNU_SOURCE
#include "calls.h"

#include <limits.h>
#include <signal.h>
#include <sys/resource.h>

#include "../../src/lua/history.h"

/* What was loaded. */
static struct {
    unsigned lines;
    char first[32];
    char last[32];
} loaded;

static void use_line(const char *line, void *context)
{
    (void)context;
    if (loaded.lines++ == 0)
        snprintf(loaded.first, sizeof(loaded.first), "%s", line);
    snprintf(loaded.last, sizeof(loaded.last), "%s", line);
}

static void put_lines(struct fixture *f, unsigned count)
{
    char *text = malloc((size_t)count * 16 + 1);
    size_t size = 0;

    assert_non_null(text);
    for (unsigned i = 0; i < count; i++)
        size += (size_t)sprintf(text + size, "line %u\n", i);
    put_bytes(f, "state/history", text, size);
    free(text);
}

static const char *history_path(const struct fixture *f)
{
    static char path[128];

    snprintf(path, sizeof(path), "%s/state/history", f->path);
    return path;
}

static int load_and_append(void *context)
{
    struct fixture *f = context;
    struct sockq_history_file file;

    memset(&loaded, 0, sizeof(loaded));
    if (sockq_history_open(&file, history_path(f), true) < 0) {
        assert_int_equal(file.fd, -1);
        return -1;
    }
    int result = sockq_history_load(&file, use_line, NULL);
    assert_true(loaded.lines <= SOCKQ_HISTORY_LINES);
    if (result == 0)
        result = sockq_history_append(&file, "new", 3);
    int error = errno;
    sockq_history_close(&file);
    sockq_history_close(&file);
    errno = error;
    return result;
}

/* A file that is cut while it is loaded. */
static int load_long(void *context)
{
    calls.counts = false;
    put_lines(context, 3 * SOCKQ_HISTORY_LINES);
    calls.counts = true;
    return load_and_append(context);
}

static void a_failure_is_told(void **state)
{
    struct fixture *f = *state;

    put_lines(f, 3);
    /* Folders that are there, and a lock, are not missed. */
    fail_each_call(load_and_append, f, true);
    assert_string_equal(loaded.first, "line 0");
    assert_string_equal(loaded.last, "new");
    fail_each_call(load_long, f, true);
}

static void a_long_file_is_cut(void **state)
{
    struct fixture *f = *state;

    put_lines(f, 3 * SOCKQ_HISTORY_LINES);
    assert_int_equal(load_and_append(f), 0);
    assert_int_equal(loaded.lines, SOCKQ_HISTORY_LINES);
    assert_string_equal(loaded.first, "line 4000");
    struct stat st;
    assert_int_equal(stat(history_path(f), &st), 0);
    assert_true(st.st_size < 12 * SOCKQ_HISTORY_LINES);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(load_and_append(f), 0);
    assert_string_equal(loaded.last, "new");
}

/* Of a file that is larger than all that is read only the end counts. */
static void the_end_of_a_huge_file(void **state)
{
    struct fixture *f = *state;

    put_lines(f, 5);
    assert_int_equal(truncate(history_path(f), 17 << 20), 0);
    int fd = open(history_path(f), O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_int_equal(write(fd, "\nend\n", 5), 5);
    close(fd);
    assert_int_equal(load_and_append(f), 0);
    assert_string_equal(loaded.last, "end");
    assert_int_equal(load_and_append(f), 0);
    assert_string_equal(loaded.last, "new");
}

/* A file of NULs, without a last line feed, with a line that is too long. */
static void damaged_files(void **state)
{
    struct fixture *f = *state;
    static char text[70000];

    put_bytes(f, "state/history", BYTES("a\0b\n\nno end"));
    assert_int_equal(load_and_append(f), 0);
    assert_int_equal(loaded.lines, 2);
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\n';
    put_bytes(f, "state/history", text, sizeof(text));
    assert_int_equal(load_and_append(f), 0);
    assert_int_equal(loaded.lines, 0);
}

static void lines_that_are_left_out(void **state)
{
    struct fixture *f = *state;
    static char text[70000];
    struct sockq_history_file file, none = {.fd = -1};

    memset(text, 'x', sizeof(text));
    assert_int_equal(sockq_history_open(&file, history_path(f), false), 0);
    assert_int_equal(sockq_history_append(&file, text, sizeof(text)), 0);
    assert_int_equal(sockq_history_append(&file, "a\nb", 3), 0);
    assert_int_equal(sockq_history_append(&file, "a\0b", 3), 0);
    assert_int_equal(sockq_history_append(&none, "a", 1), 0);
    struct stat st;
    assert_int_equal(fstat(file.fd, &st), 0);
    assert_int_equal(st.st_size, 0);
    sockq_history_close(&file);
}

static void files_of_others_and_of_other_kinds(void **state)
{
    struct fixture *f = *state;
    struct sockq_history_file file;
    char path[128], longer[PATH_MAX + 8];

    assert_int_equal(sockq_history_open(&file, "relative", false), -1);
    assert_int_equal(errno, EINVAL);
    memset(longer, '/', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    assert_int_equal(sockq_history_open(&file, longer, false), -1);
    assert_int_equal(errno, ENAMETOOLONG);
    put_folder(f, "state/history");
    assert_int_equal(sockq_history_open(&file, history_path(f), false), -1);
    assert_int_equal(errno, EISDIR);
    assert_int_equal(rmdir(history_path(f)), 0);
    assert_int_equal(mkfifo(history_path(f), 0600), 0);
    assert_int_equal(sockq_history_open(&file, history_path(f), false), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(unlink(history_path(f)), 0);
    put_text(f, "elsewhere", "x\n");
    put_link(f, "state/history", "../elsewhere");
    assert_int_equal(sockq_history_open(&file, history_path(f), true), -1);
    assert_int_equal(errno, ELOOP);
    assert_int_equal(sockq_history_open(&file, history_path(f), false), 0);
    sockq_history_close(&file);
    put_text(f, "file", "");
    snprintf(path, sizeof(path), "%s/file/history", f->path);
    assert_int_equal(sockq_history_open(&file, path, false), -1);
    assert_int_equal(errno, ENOTDIR);
    if (geteuid() != 0)
        return;
    assert_int_equal(unlink(history_path(f)), 0);
    put_lines(f, 1);
    assert_int_equal(chown(history_path(f), 65534, 65534), 0);
    assert_int_equal(sockq_history_open(&file, history_path(f), false), -1);
    assert_int_equal(errno, EPERM);
    snprintf(path, sizeof(path), "%s/state", f->path);
    assert_int_equal(chown(path, 65534, 65534), 0);
    assert_int_equal(sockq_history_open(&file, history_path(f), false), -1);
    assert_int_equal(errno, EPERM);
}

/* A disk, or a limit, that takes a part of what is written: what is kept is told to be too little.
 */
static void writes_that_are_cut(void **state)
{
    struct fixture *f = *state;
    struct sockq_history_file file;
    struct rlimit before, limit;

    put_lines(f, 3 * SOCKQ_HISTORY_LINES);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_IGN);
    limit = before;
    limit.rlim_cur = 100;
    assert_int_equal(sockq_history_open(&file, history_path(f), false), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    int loaded_all = sockq_history_load(&file, use_line, NULL), error = errno;
    /* At the limit nothing is taken any more, short of it a part. */
    assert_int_equal(truncate(history_path(f), 98), 0);
    int appended = sockq_history_append(&file, "line", 4), append_error = errno;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(loaded_all, -1);
    assert_int_equal(error, ENOSPC);
    assert_int_equal(appended, -1);
    assert_int_equal(append_error, ENOSPC);
    assert_int_equal(file.fd, -1);
}

/* A signal while it is read, and the folder of all. */
static void interrupted_and_at_the_top(void **state)
{
    struct fixture *f = *state;
    struct sockq_history_file file;

    put_lines(f, 3);
    memset(&calls, 0, sizeof(calls));
    calls.counts = calls.interrupted = true;
    int result = load_and_append(f);
    calls.counts = false;
    assert_int_equal(result, 0);
    assert_string_equal(loaded.last, "line 2");
    /* No file is made there. */
    memset(&calls, 0, sizeof(calls));
    calls.counts = true;
    calls.name = "openat";
    calls.at = 1;
    result = sockq_history_open(&file, "/history", false);
    calls.counts = false;
    assert_int_equal(result, -1);
    assert_true(access("/history", F_OK) < 0);
}

static void where_it_lies(void **state)
{
    char path[64];

    (void)state;
    setenv("XDG_STATE_HOME", "/s", 1);
    setenv("HOME", "/tmp", 1);
    assert_true(sockq_history_path(path, sizeof(path)));
    assert_string_equal(path, "/s/sockq/history");
    setenv("XDG_STATE_HOME", "relative", 1);
    assert_true(sockq_history_path(path, sizeof(path)));
    assert_string_equal(path, "/tmp/.local/state/sockq/history");
    assert_false(sockq_history_path(path, 8));
    unsetenv("XDG_STATE_HOME");
    /* A home that is not there is not made. */
    setenv("HOME", "/tmp/no such home", 1);
    assert_false(sockq_history_path(path, sizeof(path)));
    setenv("HOME", "relative", 1);
    assert_false(sockq_history_path(path, sizeof(path)));
    unsetenv("HOME");
    assert_false(sockq_history_path(path, sizeof(path)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_failure_is_told),       FIXTURE_TEST(a_long_file_is_cut),
        FIXTURE_TEST(the_end_of_a_huge_file),  FIXTURE_TEST(damaged_files),
        FIXTURE_TEST(lines_that_are_left_out), FIXTURE_TEST(files_of_others_and_of_other_kinds),
        FIXTURE_TEST(writes_that_are_cut),     FIXTURE_TEST(interrupted_and_at_the_top),
        FIXTURE_TEST(where_it_lies),
    };

    return cmocka_run_group_tests_name("history", tests, NULL, NULL);
}

/*
 * Plug-ins and scripts: in which folders they are looked for, and which files are refused.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../src/text.h"
#include "helper.h"

enum { STRANGER = 4242 };

/* The error of a plug-in by its name: "" if it was read, NULL if there is none. */
static const char *error_of(const struct sockq_texts *texts, const char *name)
{
    for (size_t i = 0; i < texts->count; i++)
        if (strcmp(texts->list[i].name, name) == 0)
            return texts->list[i].error ? texts->list[i].error : "";
    return NULL;
}

static void no_environment(void)
{
    unsetenv("SOCKQ_PATH");
    unsetenv("XDG_CONFIG_HOME");
    unsetenv("HOME");
}

static void folders_of_the_environment(void **state)
{
    struct fixture *f = *state;
    char path[512], before[PATH_MAX];
    struct sockq_texts texts = {.path = NULL};

    put_text(f, "env/views/a.lua", "a");
    put_text(f, "config/sockq/views/b.lua", "b");
    put_text(f, "home/.config/sockq/views/c.lua", "c");
    put_text(f, "named/views/d.lua", "d");
    put_text(f, "named/views/d.txt", "no Lua");
    put_text(f, "named/views/.d.lua", "hidden");
    put_text(f, "named/views/.lua", "no name");
    no_environment();
    snprintf(path, sizeof(path), "%s", path_of(f, "named"));
    texts.path = path;
    assert_true(sockq_texts_has_plugin(&texts, "views", "d"));
    assert_false(sockq_texts_has_plugin(&texts, "views", "a"));
    setenv("SOCKQ_PATH", path_of(f, "env"), 1);
    setenv("XDG_CONFIG_HOME", path_of(f, "config"), 1);
    setenv("HOME", path_of(f, "home"), 1);
    assert_true(sockq_texts_has_plugin(&texts, "views", "a"));
    assert_true(sockq_texts_has_plugin(&texts, "views", "b"));
    assert_false(sockq_texts_has_plugin(&texts, "views", "c"));
    assert_int_equal(sockq_texts_read_plugins(&texts), 0);
    assert_string_equal(error_of(&texts, "a"), "");
    assert_string_equal(error_of(&texts, "b"), "");
    assert_string_equal(error_of(&texts, "d"), "");
    assert_null(error_of(&texts, ".d"));
    assert_null(error_of(&texts, ""));
    sockq_texts_free(&texts);
    setenv("XDG_CONFIG_HOME", "relative", 1);
    assert_true(sockq_texts_has_plugin(&texts, "views", "c"));
    setenv("HOME", "relative", 1);
    assert_false(sockq_texts_has_plugin(&texts, "views", "c"));
    /* Several, one missing and one empty; relative ones only of one's own. */
    assert_non_null(getcwd(before, sizeof(before)));
    assert_int_equal(chdir(f->path), 0);
    setenv("SOCKQ_PATH", "/nowhere::env", 1);
    assert_true(sockq_texts_has_plugin(&texts, "views", "a"));
    texts.privileged = true;
    assert_false(sockq_texts_has_plugin(&texts, "views", "a"));
    texts.path = "env";
    assert_true(sockq_texts_has_plugin(&texts, "views", "a"));
    assert_int_equal(chdir(before), 0);
    /* Started with more rights than the caller has: nothing that the caller says counts. */
    texts = (struct sockq_texts){.secure = true};
    setenv("SOCKQ_PATH", path_of(f, "env"), 1);
    setenv("HOME", path_of(f, "home"), 1);
    assert_false(sockq_texts_has_plugin(&texts, "views", "a"));
    assert_false(sockq_texts_has_plugin(&texts, "views", "c"));
    no_environment();
}

/* Names that do not fit into a path are passed over. */
static void names_too_long(void **state)
{
    struct fixture *f = *state;
    static char longer[2 * PATH_MAX];
    struct sockq_texts texts = {.path = longer};

    memset(longer, 'x', sizeof(longer) - 1);
    longer[0] = '/';
    no_environment();
    assert_int_equal(sockq_texts_read_plugins(&texts), 0);
    longer[PATH_MAX - 3] = '\0';
    assert_int_equal(sockq_texts_read_plugins(&texts), 0);
    assert_false(sockq_texts_has_plugin(&texts, "views", "a"));
    assert_int_equal(texts.count, 0);
    setenv("XDG_CONFIG_HOME", longer, 1);
    texts.path = NULL;
    assert_false(sockq_texts_has_plugin(&texts, "views", "a"));
    sockq_texts_free(&texts);
    no_environment();
    put_text(f, "views/a.lua", "");
}

static void strangers_files_are_refused_with_privileges(void **state)
{
    struct fixture *f = *state;
    struct sockq_texts texts = {.path = f->path, .privileged = true, .secure = true};

    if (geteuid() != 0) {
        print_message("SKIPPED: only root can give files to others\n");
        skip();
    }
    put_text(f, "views/fine.lua", "x");
    put_text(f, "views/open.lua", "x");
    assert_int_equal(chmod(path_of(f, "views/open.lua"), 0646), 0);
    put_text(f, "views/group.lua", "x");
    assert_int_equal(chmod(path_of(f, "views/group.lua"), 0664), 0);
    assert_int_equal(chown(path_of(f, "views/group.lua"), 0, STRANGER), 0);
    put_text(f, "views/roots.lua", "x");
    assert_int_equal(chmod(path_of(f, "views/roots.lua"), 0664), 0);
    put_text(f, "views/theirs.lua", "x");
    assert_int_equal(chown(path_of(f, "views/theirs.lua"), STRANGER, 0), 0);
    put_link(f, "views/link.lua", "fine.lua");
    put_folder(f, "views/folder.lua");
    put_text(f, "timers/in-open-folder.lua", "x");
    assert_int_equal(chmod(path_of(f, "timers"), 0777), 0);
    put_text(f, "formats/in-their-folder.lua", "x");
    assert_int_equal(chown(path_of(f, "formats"), STRANGER, 0), 0);
    put_text(f, "reports/in-group-folder.lua", "x");
    assert_int_equal(chown(path_of(f, "reports"), 0, STRANGER), 0);
    assert_int_equal(chmod(path_of(f, "reports"), 0775), 0);
    assert_int_equal(sockq_texts_read_plugins(&texts), 0);
    assert_string_equal(error_of(&texts, "fine"), "");
    assert_string_equal(error_of(&texts, "open"), "others can write it: chmod o-w it first");
    assert_non_null(strstr(error_of(&texts, "group"), "a group that is not yours"));
    assert_string_equal(error_of(&texts, "roots"), "");
    assert_non_null(strstr(error_of(&texts, "theirs"), "neither yours nor root's"));
    assert_string_equal(error_of(&texts, "link"), strerror(ELOOP));
    assert_string_equal(error_of(&texts, "folder"), "not a regular file");
    assert_non_null(strstr(error_of(&texts, "in-open-folder"), "others can write its folder"));
    assert_non_null(strstr(error_of(&texts, "in-their-folder"), "its folder is neither"));
    assert_non_null(strstr(error_of(&texts, "in-group-folder"), "can write its folder"));
    sockq_texts_free(&texts);
    /* Of a folder in which others can write nothing is read, whatever stands below it. */
    assert_int_equal(chmod(f->path, 0777), 0);
    assert_int_equal(sockq_texts_read_plugins(&texts), 0);
    assert_non_null(strstr(error_of(&texts, "fine"), "others can write its folder"));
    sockq_texts_free(&texts);
    assert_int_equal(chmod(f->path, 0700), 0);
    /* The invoker's own, and without privileges all. */
    texts.uid = texts.gid = STRANGER;
    assert_int_equal(sockq_texts_read_plugins(&texts), 0);
    assert_string_equal(error_of(&texts, "theirs"), "");
    assert_string_equal(error_of(&texts, "group"), "");
    sockq_texts_free(&texts);
    texts.privileged = false;
    assert_int_equal(sockq_texts_read_plugins(&texts), 0);
    assert_string_equal(error_of(&texts, "open"), "");
    assert_string_equal(error_of(&texts, "link"), "");
    assert_string_equal(error_of(&texts, "in-open-folder"), "");
    sockq_texts_free(&texts);
}

static void sizes_are_bounded(void **state)
{
    struct fixture *f = *state;
    struct sockq_texts texts = {.path = f->path, .secure = true};
    char name[64];

    for (int i = 0; i < 18; i++) {
        snprintf(name, sizeof(name), "views/v%02d.lua", i);
        put_text(f, name, "");
        assert_int_equal(truncate(path_of(f, name), (off_t)SOCKQ_TEXT_MOST), 0);
    }
    put_text(f, "timers/large.lua", "");
    assert_int_equal(truncate(path_of(f, "timers/large.lua"), (off_t)SOCKQ_TEXT_MOST + 1), 0);
    assert_int_equal(sockq_texts_read_plugins(&texts), 0);
    unsigned refused = 0;
    for (size_t i = 0; i < texts.count; i++)
        refused += texts.list[i].error && strstr(texts.list[i].error, "16 MiB") != NULL;
    assert_int_equal(refused, 2);
    assert_true(texts.bytes <= SOCKQ_TEXTS_BYTES);
    assert_string_equal(error_of(&texts, "large"), "larger than 1 MiB");
    sockq_texts_free(&texts);
}

static void more_files_than_are_read(void **state)
{
    struct fixture *f = *state;
    struct sockq_texts texts = {.path = f->path, .secure = true};
    char name[64];
    size_t read = 0;

    for (int i = 0; i < SOCKQ_TEXTS_MOST + 3; i++) {
        snprintf(name, sizeof(name), "views/v%d.lua", i);
        put_text(f, name, "x");
    }
    assert_int_equal(sockq_texts_read_plugins(&texts), 0);
    assert_int_equal(texts.count, SOCKQ_TEXTS_MOST + 3);
    for (size_t i = 0; i < texts.count; i++)
        read += texts.list[i].bytes != NULL;
    assert_int_equal(read, SOCKQ_TEXTS_MOST);
    sockq_texts_free(&texts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(folders_of_the_environment),
        FIXTURE_TEST(names_too_long),
        FIXTURE_TEST(strangers_files_are_refused_with_privileges),
        FIXTURE_TEST(sizes_are_bounded),
        FIXTURE_TEST(more_files_than_are_read),
    };

    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}

/*
 * Paths of cgroup ids: of sockets that were made in cgroups of the test's own, of mounts in places
 * of all kinds, and where calls fail. Without a cgroup2 mount, or the right to make a cgroup, those
 * are skipped.
 *
 * Linked with the options in test_cgroups.link, so that the calls come to calls.h first.
 */
#define _GNU_SOURCE
#include "calls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mntent.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collect.h"
#include "helper.h"
#include "source/cgroups.h"

FAILING(int, fstatfs, (int fd, struct statfs *fs), (fd, fs), -1, EIO)
FAILING(struct dirent *, readdir, (DIR * folder), (folder), NULL, EIO)

static char mounted[512], made[600];

static bool find_mount(void)
{
    FILE *file = setmntent("/proc/self/mounts", "r");
    const struct mntent *entry;
    bool found = false;

    assert_non_null(file);
    while (!found && (entry = getmntent(file)) != NULL) {
        found = strcmp(entry->mnt_type, "cgroup2") == 0;
        snprintf(mounted, sizeof(mounted), "%s", entry->mnt_dir);
    }
    endmntent(file);
    return found;
}

static bool move_to(const char *folder)
{
    char path[700], pid[16];
    int n = snprintf(pid, sizeof(pid), "%d", (int)getpid());

    snprintf(path, sizeof(path), "%s/cgroup.procs", folder);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool moved = fd >= 0 && write(fd, pid, (size_t)n) == n;
    if (fd >= 0)
        close(fd);
    return moved;
}

/* The path that a set has of an id, "" for none; `count`: how many times. */
static const char *path_in(const struct fixture *f, uint64_t id, unsigned *count)
{
    const char *found = "";

    *count = 0;
    for (uint64_t at = f->w.set->cgroups; at;) {
        const struct sockq_cgroup *cgroup =
            sockq_set_at(f->file.map, f->w.set, at, sizeof(*cgroup));
        assert_non_null(cgroup);
        if (cgroup->id == id) {
            found = text_at(f, cgroup->path, cgroup->path_len);
            ++*count;
        }
        at = cgroup->next;
    }
    return found;
}

static void begin(struct fixture *f)
{
    const struct sockq_question question = {.tables = 1, .flags = SOCKQ_WITH_CGROUP_PATHS};

    assert_int_equal(sockq_writer_open(&f->w, &f->file, &question), 0);
}

static bool never_asked(void *context)
{
    (void)context;
    return false;
}

static const struct sockq_row *listening_at(const struct fixture *f, int fd)
{
    struct stat st;

    assert_int_equal(fstat(fd, &st), 0);
    for (uint64_t i = 0; i < sockq_set_rows(f->w.set); i++)
        if (row_at(f, i)->inode == st.st_ino)
            return row_at(f, i);
    fail_msg("the socket has no row");
    return NULL;
}

static void collect_live(struct fixture *f, const struct sockq_question *question)
{
    struct sockq_proc proc;

    assert_int_equal(sockq_proc_open(&proc, NULL), 0);
    assert_int_equal(sockq_collect_begin(&f->w, &f->file, &proc, question), 0);
    sockq_collect_run(&f->w, &proc, question, never_asked, NULL);
    sockq_proc_close(&proc);
    assert_int_equal(f->w.set->error, 0);
    assert_int_equal(f->w.set->status, SOCKQ_SET_COMPLETE);
}

static void assert_collected(struct fixture *f, const struct stat *st, int fds[2])
{
    struct sockq_question question = {.tables = 1 << SOCKQ_TCP,
                                      .states = 1 << SOCKQ_LISTEN,
                                      .flags = SOCKQ_WITH_CGROUP_PATHS,
                                      .source = SOCKQ_SOURCE_DIAG};
    unsigned count;

    collect_live(f, &question);
    for (int i = 0; i < 2; i++) {
        const struct sockq_row *row = listening_at(f, fds[i]);
        const struct sockq_diag *more =
            sockq_set_at(f->file.map, f->w.set, row->diag.more, sizeof(*more));
        assert_non_null(more);
        assert_true(more->has & SOCKQ_DIAG_HAS_CGROUP);
        assert_int_equal(more->cgroup_id, st->st_ino);
    }
    assert_string_equal(path_in(f, st->st_ino, &count), made + strlen(mounted));
    assert_int_equal(count, 1);
    sockq_file_release(&f->file, f->w.block);
    question.flags = SOCKQ_WITH_DETAILS;
    collect_live(f, &question);
    assert_int_equal(f->w.set->cgroups, 0);
}

static void test_sockets(void **state)
{
    struct fixture *f = *state;
    const struct sockaddr_in any = {.sin_family = AF_INET,
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct stat st;
    int fds[2];

    if (!find_mount())
        skip();
    snprintf(made, sizeof(made), "%s/sockq-unit-%d", mounted, (int)getpid());
    if (mkdir(made, 0755) < 0)
        skip();
    assert_int_equal(stat(made, &st), 0);
    const bool moved = move_to(made);
    for (int i = 0; i < 2; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(fds[i], (const struct sockaddr *)&any, sizeof(any)), 0);
        assert_int_equal(listen(fds[i], 1), 0);
    }
    const bool back = !moved || move_to(mounted);
    if (moved && back)
        assert_collected(f, &st, fds);
    for (int i = 0; i < 2; i++)
        close(fds[i]);
    assert_int_equal(rmdir(made), 0);
    if (!moved)
        skip();
}

/* One that is made behind the first look at the folders is found; one that is gone is not. */
static void test_later(void **state)
{
    struct fixture *f = *state;
    char inner[700];
    struct sockq_proc proc;
    struct stat root, st;
    unsigned count;

    if (!find_mount())
        skip();
    snprintf(made, sizeof(made), "%s/sockq-unit-%d", mounted, (int)getpid());
    snprintf(inner, sizeof(inner), "%s/a b\\", made);
    assert_int_equal(sockq_proc_open(&proc, NULL), 0);
    struct cgroups *cgroups = cgroups_new(&proc);
    assert_non_null(cgroups);
    begin(f);
    assert_int_equal(stat(mounted, &root), 0);
    cgroups_meet(cgroups, &f->w, root.st_ino);
    cgroups_meet(cgroups, &f->w, 0);
    const bool makes = mkdir(made, 0755) == 0 && mkdir(inner, 0755) == 0;
    if (makes) {
        assert_int_equal(stat(inner, &st), 0);
        cgroups_meet(cgroups, &f->w, st.st_ino);
        rmdir(inner);
        rmdir(made);
    }
    cgroups_meet(cgroups, &f->w, 0xffffffffff);
    cgroups_meet(cgroups, &f->w, root.st_ino);
    sockq_writer_finish(&f->w, SOCKQ_SET_COMPLETE);
    assert_int_equal(f->w.error, 0);
    assert_string_equal(path_in(f, root.st_ino, &count), "/");
    assert_int_equal(count, 1);
    (void)path_in(f, 0xffffffffff, &count);
    assert_int_equal(count, 0);
    if (makes) {
        const char *path = path_in(f, st.st_ino, &count);
        assert_string_equal(path + strlen(path) - 11, "/a\\x20b\\x5c");
    }
    cgroups_free(cgroups, &f->w);
    sockq_proc_close(&proc);
}

/* What is written where mounts belong. @return whether the root was found */
static bool finds(struct fixture *f, const char *mounts, uint64_t id)
{
    struct cgroups *cgroups = cgroups_new(&f->proc);
    unsigned count;

    assert_non_null(cgroups);
    if (mounts)
        put_text(f, "self/mounts", mounts);
    begin(f);
    cgroups_meet(cgroups, &f->w, id);
    sockq_writer_finish(&f->w, SOCKQ_SET_COMPLETE);
    assert_int_equal(f->w.error, 0);
    (void)path_in(f, id, &count);
    cgroups_free(cgroups, &f->w);
    sockq_file_release(&f->file, f->w.block);
    return count == 1;
}

static void test_no_mount(void **state)
{
    struct fixture *f = *state;
    char text[300];
    struct stat st;

    assert_int_equal(stat(f->path, &st), 0);
    assert_false(finds(f, NULL, st.st_ino));
    assert_false(finds(f, "", st.st_ino));
    assert_false(finds(f, "\n\n  \ncgroup2\nx y\n a b cgroup2\nx y cgroup2 \\", st.st_ino));
    /* A folder that is said to be one, and is not. */
    snprintf(text, sizeof(text), "cgroup2 %s cgroup2 rw 0 0\n", f->path);
    assert_false(finds(f, text, st.st_ino));
}

static void test_escaped(void **state)
{
    struct fixture *f = *state;
    char text[400];
    int status = 0;

    put_folder(f, "a b\\c");
    snprintf(text, sizeof(text),
             "cgroup /x cgroup rw 0 0\ncgroup2 /nowhere cgroup2 rw 0 0\n"
             "cgroup2 %s/a\\040b\\134c cgroup2 rw 0 0\n",
             f->path);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct stat st;
        if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount("none", path_of(f, "a b\\c"), "cgroup2", 0, NULL) < 0)
            _exit(77);
        /* No assert in here: it would go on with the other tests. */
        if (stat(path_of(f, "a b\\c"), &st) < 0)
            _exit(2);
        sockq_proc_close(&f->proc);
        if (sockq_proc_open(&f->proc, f->path) < 0)
            _exit(3);
        _exit(finds(f, text, st.st_ino) ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(status, 0);
}

/* A cgroup of the test's own. */
static bool make_own(void)
{
    if (!find_mount())
        return false;
    snprintf(made, sizeof(made), "%s/sockq-unit-%d", mounted, (int)getpid());
    return mkdir(made, 0755) == 0;
}

static uint64_t id_of(const char *folder)
{
    struct stat st;

    assert_int_equal(stat(folder, &st), 0);
    return st.st_ino;
}

/* Digits that are no escape stand for themselves. */
static void test_no_escapes(void **state)
{
    static const char *const names[] = {"x\\",   "x\\#12", "x\\400", "x\\0",   "x\\0#1",
                                        "x\\08", "x\\01",  "x\\01#", "x\\018", "x\\n"};
    struct fixture *f = *state;
    char path[700], text[900];

    if (!make_own())
        skip();
    for (size_t i = 0; i < COUNT(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", made, names[i]);
        assert_int_equal(mkdir(path, 0755), 0);
        snprintf(text, sizeof(text), "cgroup2 %s cgroup2 rw 0 0\n", path);
        const bool found = finds(f, text, id_of(path));
        assert_int_equal(rmdir(path), 0);
        assert_true(found);
    }
    assert_int_equal(rmdir(made), 0);
}

static const char inner_name[] = "inner";
static uint64_t own_id, inner_id;

static int meet_both(void *context)
{
    struct fixture *f = context;
    const bool counts = calls.counts;
    unsigned count;

    calls.counts = false;
    begin(f);
    calls.counts = counts;
    struct cgroups *cgroups = cgroups_new(&f->proc);
    int result = -1, error = errno;
    if (cgroups) {
        cgroups_meet(cgroups, &f->w, inner_id);
        cgroups_meet(cgroups, &f->w, own_id);
        result = f->w.error ? -1 : 0;
        error = f->w.error;
    }
    calls.counts = false;
    cgroups_free(cgroups, &f->w);
    sockq_writer_finish(&f->w, SOCKQ_SET_COMPLETE);
    /* A path is the right one, or not there. */
    if (*path_in(f, inner_id, &count))
        assert_string_equal(path_in(f, inner_id, &count), "/inner");
    if (!calls.failed)
        assert_int_equal(count, 1);
    if (*path_in(f, own_id, &count))
        assert_string_equal(path_in(f, own_id, &count), "/");
    if (!calls.failed)
        assert_int_equal(count, 1);
    sockq_file_release(&f->file, f->w.block);
    calls.counts = counts;
    errno = error;
    return result;
}

static void test_calls(void **state)
{
    struct fixture *f = *state;
    char inner[700], text[800];

    if (!make_own())
        skip();
    snprintf(inner, sizeof(inner), "%s/%s", made, inner_name);
    assert_int_equal(mkdir(inner, 0755), 0);
    own_id = id_of(made);
    inner_id = id_of(inner);
    snprintf(text, sizeof(text), "cgroup2 %s cgroup2 rw 0 0\n", made);
    put_text(f, "self/mounts", text);
    rmdir(inner);
    assert_int_equal(mkdir(inner, 0755), 0);
    inner_id = id_of(inner);
    fail_each_call(meet_both, f, true);
    rmdir(inner);
    rmdir(made);
}

/* What the collector may hold is bounded, with the folders that it remembers. */
static void test_limits(void **state)
{
    struct fixture *f = *state;
    char text[800];

    if (!make_own())
        skip();
    const uint64_t id = id_of(made);
    snprintf(text, sizeof(text), "cgroup2 %s cgroup2 rw 0 0\n", made);
    put_text(f, "self/mounts", text);
    for (uint64_t pages = 0; pages < 2; pages++) {
        struct cgroups *cgroups = cgroups_new(&f->proc);
        assert_non_null(cgroups);
        begin(f);
        f->file.used_most = f->file.used + pages;
        cgroups_meet(cgroups, &f->w, id);
        assert_int_equal(f->w.error, EDQUOT);
        assert_int_equal(f->w.cgroups, 0);
        /* Behind a failure nothing is looked at. */
        cgroups_meet(cgroups, &f->w, id + 1);
        cgroups_free(cgroups, &f->w);
        assert_int_equal(f->file.used, f->w.pages);
        sockq_writer_finish(&f->w, SOCKQ_SET_COMPLETE);
        sockq_file_release(&f->file, f->w.block);
        f->file.used_most = 0;
    }
    rmdir(made);
}

/* Folders whose path is longer than any that can be opened are not told, nor what is in them. */
static void test_deep(void **state)
{
    enum { DEEP = 20, LENGTH = 250 };
    struct fixture *f = *state;
    char name[LENGTH + 1], text[800];
    int fds[DEEP + 1], deep = 0;
    struct stat st;

    if (!make_own())
        skip();
    memset(name, 'd', LENGTH);
    name[LENGTH] = '\0';
    fds[0] = open(made, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fds[0] >= 0);
    while (deep < DEEP && mkdirat(fds[deep], name, 0755) == 0) {
        fds[deep + 1] = openat(fds[deep], name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(fds[deep + 1] >= 0);
        deep++;
    }
    snprintf(text, sizeof(text), "cgroup2 %s cgroup2 rw 0 0\n", made);
    bool found[DEEP + 1];
    for (int i = 0; i <= deep; i++) {
        assert_int_equal(fstat(fds[i], &st), 0);
        found[i] = finds(f, text, st.st_ino);
    }
    for (int i = deep; i >= 0; i--) {
        close(fds[i]);
        if (i > 0)
            unlinkat(fds[i - 1], name, AT_REMOVEDIR);
    }
    rmdir(made);
    for (int i = 0; i <= deep; i++)
        assert_int_equal(found[i], i * (LENGTH + 1) < PATH_MAX);
    if (deep < DEEP)
        skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_sockets), FIXTURE_TEST(test_later),      FIXTURE_TEST(test_no_mount),
        FIXTURE_TEST(test_escaped), FIXTURE_TEST(test_no_escapes), FIXTURE_TEST(test_calls),
        FIXTURE_TEST(test_limits),  FIXTURE_TEST(test_deep),
    };

    return cmocka_run_group_tests_name("cgroups", tests, NULL, NULL);
}

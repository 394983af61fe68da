/*
 * The walk over the processes of made trees: which entries count, whose owners are found, and the
 * bad inputs 106 to 114 and 120 to 122 by number. Names of processes are in test_process.c.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helper.h"

static void open_writer(struct fixture *f)
{
    static const struct sockq_question question = {.tables = 1, .flags = SOCKQ_WITH_OWNERS};

    assert_int_equal(sockq_writer_open(&f->w, &f->file, &question), 0);
}

static struct owner_index *walk_with(struct fixture *f, uint32_t flags)
{
    if (f->w.set)
        sockq_file_release(&f->file, f->w.block);
    open_writer(f);
    struct owner_index *index = owner_index_read(&f->proc, &f->w, flags, 0, never_stop, NULL);
    assert_non_null(index);
    assert_int_equal(f->w.set->owners.done, 1);
    return index;
}

static struct owner_index *walk(struct fixture *f, bool cgroups)
{
    return walk_with(f, cgroups ? SOCKQ_WITH_CGROUPS : 0);
}

/* Owners of an inode as "pid/fd …", or "pid:thread/fd", in order; static, overwritten. */
static const char *owners_of(struct fixture *f, struct owner_index *index, uint64_t inode)
{
    static char text[200000];
    uint64_t offset = owner_index_find(index, &f->w, inode);
    size_t used = 0;

    sockq_writer_commit(&f->w);
    text[0] = '\0';
    while (offset) {
        const struct sockq_owner *owner =
            sockq_set_at(f->file.map, f->w.set, offset, sizeof(*owner));
        assert_non_null(owner);
        const struct sockq_process *process =
            sockq_set_at(f->file.map, f->w.set, owner->process, sizeof(*process));
        assert_non_null(process);
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%u", used ? " " : "",
                                 process->pid);
        assert_true(used < sizeof(text));
        if (process->thread)
            used += (size_t)snprintf(text + used, sizeof(text) - used, ":%u", process->thread);
        assert_true(used < sizeof(text));
        used += (size_t)snprintf(text + used, sizeof(text) - used, "/%u", owner->fd);
        assert_true(used < sizeof(text));
        offset = owner->next;
    }
    return text;
}

static void processes_and_descriptors(void **state)
{
    struct fixture *f = *state;

    put_link(f, "12/fd/3", "socket:[100]");
    put_link(f, "12/fd/0", "/dev/null");
    put_link(f, "12/fd/2147483647", "socket:[101]");
    put_link(f, "2147483647/fd/4", "[0000]:102");
    put_folder(f, "13");
    put_folder(f, "13/fd");
    struct owner_index *index = walk(f, false);
    assert_string_equal(owners_of(f, index, 100), "12/3");
    assert_string_equal(owners_of(f, index, 101), "12/2147483647");
    assert_string_equal(owners_of(f, index, 102), "2147483647/4");
    assert_string_equal(owners_of(f, index, 103), "");
    assert_int_equal(f->w.set->owners.processes, 3);
    assert_int_equal(f->w.set->owners.sockets, 3);
    assert_int_equal(f->w.set->owners.refused, 0);
    assert_int_equal(f->w.set->owners.odd, 0);
    assert_int_equal(f->w.set->owners.error, 0);
    owner_index_free(index);
}

/* Of a thread what PID/fd has counts, wherever it stands; a folder of threads may be missing. */
static void threads_of_processes(void **state)
{
    struct fixture *f = *state;

    put_link(f, "12/fd/3", "socket:[100]");
    put_folder(f, "12/task");
    put_folder(f, "12/task/12");
    put_folder(f, "12/task/15");
    put_folder(f, "12/task/16");
    put_folder(f, "12/task/+17");
    put_link(f, "12/task/15/fd/4", "socket:[100]");
    put_link(f, "15/fd/5", "socket:[101]");
    put_link(f, "17/fd/6", "socket:[100]");
    put_text(f, "15/stat", "15 (worker) S 1");
    struct owner_index *index = walk_with(f, SOCKQ_WITH_THREADS | SOCKQ_WITH_STAT_NAMES);
    const char *owners = owners_of(f, index, 100);
    assert_true(strcmp(owners, "12/3 17/6") == 0 || strcmp(owners, "17/6 12/3") == 0);
    owners = owners_of(f, index, 101);
    assert_true(strcmp(owners, "12:15/5 15/5") == 0 || strcmp(owners, "15/5 12:15/5") == 0);
    assert_int_equal(f->w.set->owners.processes, 5);
    assert_int_equal(f->w.set->owners.error, 0);
    owner_index_free(index);
    index = walk(f, false);
    assert_string_equal(owners_of(f, index, 101), "15/5");
    owner_index_free(index);
}

static void bad_106_folder_names(void **state)
{
    static const char *const names[] = {"0",   "007",         "-1",         "+1",
                                        "12a", "99999999999", "2147483648", "4294967297",
                                        " 1",  "1 ",          "self",       "0x1"};
    struct fixture *f = *state;
    char path[64];

    for (size_t i = 0; i < COUNT(names); i++) {
        snprintf(path, sizeof(path), "%s/fd/3", names[i]);
        put_link(f, path, "socket:[1]");
    }
    struct owner_index *index = walk(f, false);
    assert_string_equal(owners_of(f, index, 1), "");
    assert_int_equal(f->w.set->owners.processes, 0);
    assert_int_equal(f->w.set->owners.odd, 0);
    owner_index_free(index);
}

static void bad_107_entry_is_no_folder(void **state)
{
    struct fixture *f = *state;

    put_text(f, "5", "");
    put_link(f, "6", "7");
    put_link(f, "7/fd/3", "socket:[1]");
    struct owner_index *index = walk(f, false);
    assert_string_equal(owners_of(f, index, 1), "7/3");
    assert_int_equal(f->w.set->owners.processes, 1);
    assert_int_equal(f->w.set->owners.odd, 1);
    owner_index_free(index);
}

/* 108 and 122: nothing under fd is opened, links are read and never followed. */
static void bad_108_bad_122_entries(void **state)
{
    struct fixture *f = *state;

    put_text(f, "7/fd/3", "socket:[1]");
    struct owner_index *index = walk(f, false);
    assert_string_equal(owners_of(f, index, 1), "");
    assert_int_equal(f->w.set->owners.odd, 2);
    owner_index_free(index);
    assert_int_equal(unlink(path_of(f, "7/fd/3")), 0);
    put_link(f, "7/fd/4", "4");
    put_link(f, "7/fd/5", "/");
    index = walk(f, false);
    assert_int_equal(f->w.set->owners.odd, 0);
    owner_index_free(index);
    assert_int_equal(mkfifo(path_of(f, "7/fd/6"), 0644), 0);
    put_link(f, "7/fd/8", "socket:[2]");
    index = walk(f, false);
    assert_int_equal(f->w.set->owners.odd, 2);
    assert_string_equal(owners_of(f, index, 2), "7/8");
    assert_int_equal(f->w.set->owners.sockets, 1);
    owner_index_free(index);
}

/* 109 to 112: texts that name no socket; one whose number cannot be an inode is told of. */
static void bad_109_to_112_links(void **state)
{
    static const char *const texts[] = {"socket:[12",   "socket:[]",     "socket:[-5]",
                                        "socket:[12]x", "socket:[0x1F]", "Socket:[1]",
                                        "socket:[0]",   "a\033[1m\nb"};
    struct fixture *f = *state;
    char path[64], text[4096];

    for (size_t i = 0; i < COUNT(texts); i++) {
        snprintf(path, sizeof(path), "9/fd/%zu", i);
        put_link(f, path, texts[i]);
    }
    memset(text, '1', sizeof(text) - 1);
    memcpy(text, "socket:[", 8);
    text[sizeof(text) - 2] = ']';
    text[sizeof(text) - 1] = '\0';
    put_link(f, "9/fd/100", text);
    /* What fits the buffer would be a socket, but the text goes on. */
    snprintf(text, sizeof(text), "socket:[%055d]x", 1);
    put_link(f, "9/fd/99", text);
    struct owner_index *index = walk(f, false);
    assert_int_equal(f->w.set->owners.sockets, 0);
    assert_int_equal(f->w.set->owners.odd, 0);
    owner_index_free(index);
    put_link(f, "9/fd/101", "socket:[18446744073709551616]");
    index = walk(f, false);
    assert_int_equal(f->w.set->owners.sockets, 0);
    assert_int_equal(f->w.set->owners.odd, 4);
    owner_index_free(index);
}

static void bad_113_descriptor_names(void **state)
{
    static const char *const names[] = {"x", "-1", "00", "4294967296", "2147483648", "1x", "+1"};
    struct fixture *f = *state;
    char path[64];

    for (size_t i = 0; i < COUNT(names); i++) {
        snprintf(path, sizeof(path), "9/fd/%s", names[i]);
        put_link(f, path, "socket:[1]");
    }
    put_link(f, "9/fd/0", "socket:[1]");
    struct owner_index *index = walk(f, false);
    assert_string_equal(owners_of(f, index, 1), "9/0");
    owner_index_free(index);
}

/* One inode in 5,000 descriptors: all are kept, in the order of the folder. */
static void bad_114_many_descriptors(void **state)
{
    enum { LINKS = 5000 };
    struct fixture *f = *state;
    static char expected[200000];
    struct dirent *entry;
    char path[64];
    size_t used = 0;

    put_folder(f, "9/fd");
    for (int i = 0; i < LINKS; i++) {
        snprintf(path, sizeof(path), "9/fd/%d", i);
        assert_int_equal(symlinkat("socket:[1]", f->proc.fd, path), 0);
    }
    DIR *folder = opendir(path_of(f, "9/fd"));
    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL)
        if (entry->d_name[0] != '.')
            used += (size_t)snprintf(expected + used, sizeof(expected) - used, "%s9/%s",
                                     used ? " " : "", entry->d_name);
    closedir(folder);
    struct owner_index *index = walk(f, false);
    assert_string_equal(owners_of(f, index, 1), expected);
    assert_int_equal(f->w.set->owners.sockets, LINKS);
    owner_index_free(index);
}

static int walk_refused(void *context)
{
    struct fixture *f = context;
    struct owner_index *index = walk(f, false);

    if (strcmp(owners_of(f, index, 1), "") != 0 || strcmp(owners_of(f, index, 2), "21/3") != 0)
        return 1;
    if (f->w.set->owners.refused != 1 || f->w.set->owners.processes != 3)
        return 2;
    owner_index_free(index);
    return 0;
}

/* A folder that is refused is counted; one that is missing, as that of a process that ended, not.
 */
static void bad_120_refused_folder(void **state)
{
    struct fixture *f = *state;

    put_link(f, "20/fd/3", "socket:[1]");
    put_link(f, "21/fd/3", "socket:[2]");
    put_folder(f, "22");
    assert_int_equal(chmod(path_of(f, "20/fd"), 0), 0);
    int result = run_unprivileged(walk_refused, f);
    assert_int_equal(chmod(path_of(f, "20/fd"), 0755), 0);
    if (result < 0) {
        print_message("SKIPPED: root cannot become another user here, so nothing is refused\n");
        skip();
    }
    assert_int_equal(result, 0);
}

static int walk_nothing(void *context)
{
    struct fixture *f = context;
    struct owner_index *index = walk(f, false);
    int result = f->w.set->owners.error == EACCES && f->w.set->owners.processes == 0 ? 0 : 1;

    owner_index_free(index);
    return result;
}

static void the_tree_cannot_be_listed(void **state)
{
    struct fixture *f = *state;

    put_link(f, "20/fd/3", "socket:[1]");
    assert_int_equal(chmod(f->path, 0111), 0);
    int result = run_unprivileged(walk_nothing, f);
    assert_int_equal(chmod(f->path, 0755), 0);
    if (result < 0) {
        print_message("SKIPPED: root cannot become another user here, so nothing is refused\n");
        skip();
    }
    assert_int_equal(result, 0);
}

/* What sockq itself made is left out of the live /proc, and of no captured one. */
static void own_things_are_skipped(void **state)
{
    struct fixture *f = *state;

    put_link(f, "30/fd/3", "socket:[1]");
    put_link(f, "31/fd/3", "socket:[1]");
    put_link(f, "31/fd/4", "socket:[2]");
    put_link(f, "31/fd/5", "socket:[3]");
    put_text(f, "31/cmdline", "a");
    f->proc.own_children[0] = 30;
    f->proc.own_inodes[0] = 2;
    f->proc.own_inodes[1] = 3;
    struct owner_index *index = walk(f, false);
    assert_int_equal(f->w.set->owners.sockets, 4);
    owner_index_free(index);
    f->proc.live = true;
    index = walk(f, false);
    assert_string_equal(owners_of(f, index, 1), "31/3");
    assert_string_equal(owners_of(f, index, 2), "");
    assert_string_equal(owners_of(f, index, 3), "");
    assert_int_equal(f->w.set->owners.processes, 1);
    assert_int_equal(f->w.set->owners.sockets, 1);
    owner_index_free(index);
}

/* Of a live /proc what changed is read again, for a socket that has no owner so far. */
static void later_looks(void **state)
{
    struct fixture *f = *state;

    put_link(f, "50/fd/3", "socket:[1]");
    put_text(f, "50/cmdline", "a");
    put_folder(f, "60/fd");
    put_folder(f, "60/task/60");
    put_link(f, "60/task/61/fd/4", "socket:[4]");
    put_text(f, "60/task/61/cmdline", "a");
    put_link(f, "61/fd/3", "socket:[5]"); /* nothing names it: it has ended */
    f->proc.live = true;
    struct owner_index *index = walk(f, false);
    put_link(f, "40/fd/3", "socket:[2]");
    put_text(f, "40/cmdline", "a");
    put_link(f, "50/fd/7", "socket:[3]");
    assert_string_equal(owners_of(f, index, 1), "50/3");
    assert_string_equal(owners_of(f, index, 2), "40/3");
    assert_string_equal(owners_of(f, index, 3), "50/7");
    assert_string_equal(owners_of(f, index, 4), "60/4");
    assert_string_equal(owners_of(f, index, 5), "");
    assert_int_equal(f->w.set->owners.processes, 3);
    owner_index_free(index);

    f->proc.live = false;
    index = walk(f, false);
    put_link(f, "50/fd/8", "socket:[6]");
    assert_string_equal(owners_of(f, index, 6), "");
    assert_string_equal(owners_of(f, index, 4), "");
    owner_index_free(index);
}

/* Where a folder does not tell how many descriptors it has, each look reads all: there are two. */
static void later_looks_of_old_kernels(void **state)
{
    struct fixture *f = *state;

    put_link(f, "50/fd/3", "socket:[1]");
    put_text(f, "50/cmdline", "a");
    put_link(f, "self/fd", "/dev/null"); /* its size is 0 */
    f->proc.live = true;
    struct owner_index *index = walk(f, false);
    put_link(f, "40/fd/3", "socket:[2]");
    put_text(f, "40/cmdline", "a");
    assert_string_equal(owners_of(f, index, 2), "40/3");
    assert_string_equal(owners_of(f, index, 9), "");
    put_link(f, "41/fd/3", "socket:[3]");
    put_text(f, "41/cmdline", "a");
    assert_string_equal(owners_of(f, index, 3), "");
    owner_index_free(index);
}

/* Processes that come and go under the walk are no errors, whatever it finds of them. */
static void bad_121_process_vanishes(void **state)
{
    struct fixture *f = *state;
    int status;

    put_link(f, "40/fd/3", "socket:[1]");
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
            if (mkdirat(f->proc.fd, "41", 0755) < 0 || mkdirat(f->proc.fd, "41/fd", 0755) < 0 ||
                symlinkat("socket:[1]", f->proc.fd, "41/fd/3") < 0)
                _exit(1);
            if (unlinkat(f->proc.fd, "41/fd/3", 0) < 0 ||
                unlinkat(f->proc.fd, "41/fd", AT_REMOVEDIR) < 0 ||
                unlinkat(f->proc.fd, "41", AT_REMOVEDIR) < 0)
                _exit(2);
        }
    }
    for (int i = 0; i < 300; i++) {
        struct owner_index *index = walk(f, true);
        const char *owners = owners_of(f, index, 1);
        if (strcmp(owners, "40/3") != 0 && strcmp(owners, "40/3 41/3") != 0 &&
            strcmp(owners, "41/3 40/3") != 0)
            fail_msg("owners are \"%s\"", owners);
        assert_int_equal(f->w.set->owners.refused, 0);
        assert_int_equal(f->w.set->owners.odd, 0);
        owner_index_free(index);
    }
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

static bool stop_at_once(void *context)
{
    ++*(unsigned *)context;
    return true;
}

static void the_walk_can_be_stopped(void **state)
{
    struct fixture *f = *state;
    unsigned calls = 0;
    char path[64];

    for (int i = 1; i <= 200; i++) {
        snprintf(path, sizeof(path), "%d/fd/3", i);
        put_link(f, path, "socket:[1]");
    }
    open_writer(f);
    struct owner_index *index = owner_index_read(&f->proc, &f->w, 0, 1, stop_at_once, &calls);
    assert_non_null(index);
    assert_int_equal(calls, 1);
    assert_true(f->w.set->owners.processes < 200);
    owner_index_free(index);
}

/* A tree's folder can have any number of entries: the list of processes can be stopped as well. */
static void listing_millions_of_processes_can_be_stopped(void **state)
{
    enum { PROCESSES = 20000 };
    struct fixture *f = *state;
    unsigned calls = 0;
    char path[64];

    for (int i = 1; i <= PROCESSES; i++) {
        snprintf(path, sizeof(path), "%d", i);
        put_folder(f, path);
    }
    open_writer(f);
    struct owner_index *index = owner_index_read(&f->proc, &f->w, 0, 1, stop_at_once, &calls);
    assert_non_null(index);
    assert_int_equal(calls, 1);
    assert_int_equal(f->w.set->owners.processes, 0);
    owner_index_free(index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(processes_and_descriptors),
        FIXTURE_TEST(threads_of_processes),
        FIXTURE_TEST(bad_106_folder_names),
        FIXTURE_TEST(bad_107_entry_is_no_folder),
        FIXTURE_TEST(bad_108_bad_122_entries),
        FIXTURE_TEST(bad_109_to_112_links),
        FIXTURE_TEST(bad_113_descriptor_names),
        FIXTURE_TEST(bad_114_many_descriptors),
        FIXTURE_TEST(bad_120_refused_folder),
        FIXTURE_TEST(the_tree_cannot_be_listed),
        FIXTURE_TEST(bad_121_process_vanishes),
        FIXTURE_TEST(own_things_are_skipped),
        FIXTURE_TEST(later_looks),
        FIXTURE_TEST(later_looks_of_old_kernels),
        FIXTURE_TEST(the_walk_can_be_stopped),
        FIXTURE_TEST(listing_millions_of_processes_can_be_stopped),
    };

    return cmocka_run_group_tests_name("owners", tests, NULL, NULL);
}

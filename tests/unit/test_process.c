/*
 * What is known of a process that holds sockets: its program's name, command line, cgroup, comm,
 * file and start, with the bad inputs 115, 117 and 118 by number.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helper.h"
#include "owner/owner.h"

enum { NO_CMDLINE = SOCKQ_PROCESS_NO_CMDLINE, COMM = SOCKQ_PROCESS_COMM };

/* Files of a process, NULL where one is missing, and what is read from them, NULL if unknown. */
struct process_case {
    const char *name;
    const char *cmdline;
    size_t cmdline_size;
    const char *comm;
    size_t comm_size;
    const char *program;
    const char *line;
    uint32_t flags;
};

#define MISSING NULL, 0

static const struct process_case cases[] = {
    {"plain", BYTES("sshd\0"), BYTES("comm\n"), "sshd", "sshd", 0},
    {"arguments", BYTES("nginx\0-g\0daemon off;\0"), BYTES("x\n"), "nginx",
     "nginx\\x00-g\\x00daemon\\x20off;", 0},
    {"absolute", BYTES("/usr/sbin/sshd\0-D\0"), BYTES("x\n"), "sshd", "/usr/sbin/sshd\\x00-D", 0},
    {"relative_keeps_folders", BYTES("./bin/x\0"), BYTES("x\n"), "./bin/x", "./bin/x", 0},
    {"title_with_slashes", BYTES("nginx: worker /etc/x"), BYTES("x\n"),
     "nginx:\\x20worker\\x20/etc/x", "nginx:\\x20worker\\x20/etc/x", 0},
    {"slash_in_a_later_argument", BYTES("cat\0/etc/passwd\0"), BYTES("x\n"), "cat",
     "cat\\x00/etc/passwd", 0},
    {"folder_as_name", BYTES("/usr/bin/\0"), BYTES("x\n"), "", "/usr/bin/", 0},
    {"root_as_name", BYTES("/\0"), BYTES("x\n"), "", "/", 0},
    {"login_shell", BYTES("-bash\0"), BYTES("bash\n"), "-bash", "-bash", 0},
    {"kernel_thread", BYTES(""), BYTES("kworker/0:1-events\n"), "kworker/0:1-events", NULL, COMM},
    {"bad_115_comm_empty", BYTES(""), BYTES(""), "", NULL, COMM},
    {"bad_115_comm_missing", BYTES(""), MISSING, NULL, NULL, COMM},
    {"bad_115_both_missing", MISSING, MISSING, NULL, NULL, COMM | NO_CMDLINE},
    {"bad_115_no_line_feed", BYTES(""), BYTES("abc"), "abc", NULL, COMM},
    {"bad_115_two_line_feeds", BYTES(""), BYTES("abc\n\n"), "abc\\x0a", NULL, COMM},
    {"bad_115_a_line_feed", BYTES(""), BYTES("\n"), "", NULL, COMM},
    {"bad_115_escape", BYTES(""), BYTES("a\033[1m) R 1\n"), "a\\x1b[1m)\\x20R\\x201", NULL, COMM},
    {"bad_115_63_bytes", BYTES(""),
     BYTES("123456789012345678901234567890123456789012345678901234567890123\n"),
     "123456789012345678901234567890123456789012345678901234567890123", NULL, COMM},
    {"bad_115_64_bytes", BYTES(""),
     BYTES("1234567890123456789012345678901234567890123456789012345678901234\n"),
     "1234567890123456789012345678901234567890123456789012345678901234", NULL, COMM},
    {"bad_115_65_bytes", BYTES(""),
     BYTES("12345678901234567890123456789012345678901234567890123456789012345\n"),
     "1234567890123456789012345678901234567890123456789012345678901234", NULL, COMM},
    {"bad_117_only_nuls", BYTES("\0\0\0"), BYTES("abc\n"), "abc", NULL, COMM},
    {"bad_117_no_nul", BYTES("abc def"), BYTES("x\n"), "abc\\x20def", "abc\\x20def", 0},
    {"bad_117_escape", BYTES("a\033]0;x\a\0\xff\0"), BYTES("x\n"), "a\\x1b]0;x\\x07",
     "a\\x1b]0;x\\x07\\x00\\xff", 0},
    {"bad_117_missing", MISSING, BYTES("abc\n"), "abc", NULL, COMM | NO_CMDLINE},
    {"empty_arguments_within", BYTES("a\0\0b\0\0\0"), BYTES("x\n"), "a", "a\\x00\\x00b", 0},
};

/* Walk the tree and find the process that holds inode 1. */
static const struct sockq_process *process_of_1(struct fixture *f, uint32_t flags)
{
    static const struct sockq_question question = {.tables = 1, .flags = SOCKQ_WITH_OWNERS};

    if (f->w.set)
        sockq_file_release(&f->file, f->w.block);
    assert_int_equal(sockq_writer_open(&f->w, &f->file, &question), 0);
    struct owner_index *index = owner_index_read(&f->proc, &f->w, flags, 0, never_stop, NULL);
    assert_non_null(index);
    uint64_t offset = owner_index_find(index, &f->w, 1);
    owner_index_free(index);
    sockq_writer_commit(&f->w);
    const struct sockq_owner *owner = sockq_set_at(f->file.map, f->w.set, offset, sizeof(*owner));
    assert_non_null(owner);
    const struct sockq_process *process =
        sockq_set_at(f->file.map, f->w.set, owner->process, sizeof(*process));
    assert_non_null(process);
    assert_int_equal(process->pid, 77);
    return process;
}

static void check_text(struct fixture *f, const char *expected, uint64_t offset, uint32_t length)
{
    assert_int_equal(offset != 0, expected != NULL);
    if (expected)
        assert_string_equal(text_at(f, offset, length), expected);
    else
        assert_int_equal(length, 0);
}

static void one_process(void **state)
{
    struct fixture *f = *state;
    const struct process_case *c = f->given;

    put_link(f, "77/fd/3", "socket:[1]");
    if (c->cmdline)
        put_bytes(f, "77/cmdline", c->cmdline, c->cmdline_size);
    if (c->comm)
        put_bytes(f, "77/comm", c->comm, c->comm_size);
    const struct sockq_process *process = process_of_1(f, 0);
    check_text(f, c->program, process->program, process->program_len);
    check_text(f, c->line, process->cmdline, process->cmdline_len);
    assert_int_equal(process->flags, c->flags);
    assert_int_equal(process->cgroup, 0);
}

/* A command line and a comm of megabytes: a bounded part is read. */
static void bad_115_bad_117_huge(void **state)
{
    struct fixture *f = *state;
    const size_t size = 6 << 20;
    char *text = malloc(size);

    assert_non_null(text);
    memset(text, 'x', size);
    put_link(f, "77/fd/3", "socket:[1]");
    put_bytes(f, "77/comm", text, 1 << 20);
    put_bytes(f, "77/cmdline", text, size);
    const struct sockq_process *process = process_of_1(f, 0);
    assert_int_equal(process->program_len, 4096);
    assert_int_equal(process->cmdline_len, 4096);
    put_text(f, "77/cmdline", "");
    process = process_of_1(f, 0);
    assert_int_equal(process->program_len, 64);
    text[4] = '\0';
    put_bytes(f, "77/cmdline", text, size);
    process = process_of_1(f, 0);
    assert_int_equal(process->program_len, 4);
    assert_int_equal(process->cmdline_len, 4096);
    free(text);
}

/* What stands in place of a file is not read, and what a link leads to outside neither. */
static void files_that_are_none(void **state)
{
    struct fixture *f = *state;

    put_link(f, "77/fd/3", "socket:[1]");
    put_text(f, "77/comm", "abc\n");
    assert_int_equal(mkfifo(path_of(f, "77/cmdline"), 0644), 0);
    const struct sockq_process *process = process_of_1(f, 0);
    assert_int_equal(process->flags, COMM | NO_CMDLINE);
    assert_string_equal(text_at(f, process->program, process->program_len), "abc");
    assert_int_equal(unlink(path_of(f, "77/cmdline")), 0);
    put_link(f, "77/cmdline", "/proc/self/cmdline");
    assert_int_equal(process_of_1(f, 0)->flags, COMM | NO_CMDLINE);
    assert_int_equal(unlink(path_of(f, "77/cmdline")), 0);
    put_folder(f, "77/cmdline");
    assert_int_equal(process_of_1(f, 0)->flags, COMM | NO_CMDLINE);
    assert_int_equal(rmdir(path_of(f, "77/cmdline")), 0);
    assert_int_equal(mknod(path_of(f, "77/cmdline"), S_IFSOCK | 0600, 0), 0);
    assert_int_equal(process_of_1(f, 0)->flags, COMM | NO_CMDLINE);
    assert_true(f->w.set->owners.odd != 0);
}

/* The text is kept as it is; it is read only if it is asked for. */
static void bad_118_cgroups(void **state)
{
    static const struct {
        const char *text;
        const char *read;
    } files[] = {
        {"0::/user.slice/a b:c\n", "0::/user.slice/a\\x20b:c\\x0a"},
        {"12:cpu,cpuacct:/x\n1:name=systemd:/y\n", "12:cpu,cpuacct:/x\\x0a1:name=systemd:/y\\x0a"},
        {"no colons\n", "no\\x20colons\\x0a"},
        {"", NULL},
    };
    struct fixture *f = *state;

    put_link(f, "77/fd/3", "socket:[1]");
    put_text(f, "77/cmdline", "x");
    for (size_t i = 0; i < COUNT(files); i++) {
        put_text(f, "77/cgroup", files[i].text);
        const struct sockq_process *process = process_of_1(f, SOCKQ_WITH_CGROUPS);
        check_text(f, files[i].read, process->cgroup, process->cgroup_len);
        assert_int_equal(process_of_1(f, 0)->cgroup, 0);
    }
    char text[10000];
    memset(text, 'g', sizeof(text));
    put_bytes(f, "77/cgroup", text, sizeof(text));
    assert_int_equal(process_of_1(f, SOCKQ_WITH_CGROUPS)->cgroup_len, 8192);
    assert_int_equal(unlink(path_of(f, "77/cgroup")), 0);
    assert_int_equal(process_of_1(f, SOCKQ_WITH_CGROUPS)->cgroup, 0);
}

/* Whether each line is one of cgroups(7), as far as it was read, is told beside the owners. */
static void bad_118_what_are_no_cgroups(void **state)
{
    static const struct {
        const char *text;
        bool odd;
    } files[] = {
        {"0::/x\n", false},    {"0::/x", false}, {"1:a:/x\n0::/y", false},       {"0:/x\n", true},
        {"0::/x\n1:/y", true}, {"x", true},      {"0::/x\nnone\n1::/y\n", true},
    };
    enum { CUT = 8192 };
    struct fixture *f = *state;

    put_link(f, "77/fd/3", "socket:[1]");
    put_text(f, "77/cmdline", "x");
    for (size_t i = 0; i < COUNT(files); i++) {
        put_text(f, "77/cgroup", files[i].text);
        process_of_1(f, SOCKQ_WITH_CGROUPS);
        assert_int_equal(f->w.set->owners.odd != 0, files[i].odd);
    }
    /* Where the text is cut off the rest of the line may follow. */
    char text[CUT + 100];
    memset(text, 'g', sizeof(text));
    memcpy(text, "0::/x\n1:", 8);
    put_bytes(f, "77/cgroup", text, sizeof(text));
    process_of_1(f, SOCKQ_WITH_CGROUPS);
    assert_int_equal(f->w.set->owners.odd, 0);
}

/* The name between the first two brackets, as programs that read no further take it. */
static void names_in_stat(void **state)
{
    static const struct {
        const char *text;
        const char *read;
    } files[] = {
        {"77 (sshd) S 1\n", "sshd"},
        {"77 (a) (b)) S 1\n", "a"},
        {"77 () S 1\n", ""},
        {"77 sshd S 1\n", ""},
        {"77 (sshd S 1\n", ""},
        {"", ""},
        {"77 (123456789012345678901234567890123456789012345678901234567890123456) S\n",
         "1234567890123456789012345678901234567890123456789012345678901234"},
    };
    struct fixture *f = *state;

    put_link(f, "77/fd/3", "socket:[1]");
    put_text(f, "77/cmdline", "x");
    put_text(f, "77/comm", "comm\n");
    assert_int_equal(process_of_1(f, SOCKQ_WITH_STAT_NAMES)->comm, 0);
    for (size_t i = 0; i < COUNT(files); i++) {
        put_text(f, "77/stat", files[i].text);
        const struct sockq_process *process = process_of_1(f, SOCKQ_WITH_STAT_NAMES);
        check_text(f, files[i].read, process->comm, process->comm_len);
        /* The same of a process that holds nothing. */
        uint64_t offset = owner_process_named(&f->proc, 77, &f->w);
        sockq_writer_commit(&f->w);
        process = sockq_set_at(f->file.map, f->w.set, offset, sizeof(*process));
        assert_non_null(process);
        assert_int_equal(process->pid, 77);
        assert_string_equal(process->comm ? text_at(f, process->comm, process->comm_len) : "",
                            files[i].read);
    }
    assert_int_equal(owner_process_named(&f->proc, 78, &f->w), 0);
    /* Where the set has no room there is none. */
    uint64_t offset;
    f->file.used_most = f->file.used;
    while (sockq_writer_alloc(&f->w, 8, &offset))
        continue;
    assert_int_equal(owner_process_named(&f->proc, 77, &f->w), 0);
    assert_int_equal(f->w.error, EDQUOT);
    f->file.used_most = 0;
}

/* comm as it is, whether the program's name is made of it or not. */
static void comm_as_it_is(void **state)
{
    static const struct {
        const char *text;
        size_t size;
        const char *read;
    } files[] = {
        {BYTES("sshd\n"), "sshd"},
        {BYTES("tab\tand) ( blank\n"), "tab\\x09and)\\x20(\\x20blank"},
        {BYTES("\n"), ""},
        {BYTES(""), ""},
        {BYTES("abc\n\n"), "abc\\x0a"},
        {BYTES("no line feed"), "no\\x20line\\x20feed"},
    };
    struct fixture *f = *state;

    put_link(f, "77/fd/3", "socket:[1]");
    assert_int_equal(process_of_1(f, SOCKQ_WITH_COMM)->comm, 0);
    for (size_t i = 0; i < COUNT(files); i++) {
        put_bytes(f, "77/comm", files[i].text, files[i].size);
        put_text(f, "77/cmdline", i % 2 ? "x" : "");
        const struct sockq_process *process = process_of_1(f, SOCKQ_WITH_COMM);
        check_text(f, files[i].read, process->comm, process->comm_len);
        check_text(f, i % 2 ? "x" : files[i].read, process->program, process->program_len);
        assert_int_equal(process_of_1(f, SOCKQ_WITH_EXE)->comm, 0);
    }
}

static void exe_is_a_link(void **state)
{
    struct fixture *f = *state;
    char text[4096];

    put_link(f, "77/fd/3", "socket:[1]");
    assert_int_equal(process_of_1(f, SOCKQ_WITH_EXE)->exe, 0);
    put_link(f, "77/exe", "/usr/sbin/ss hd (deleted)");
    const struct sockq_process *process = process_of_1(f, SOCKQ_WITH_EXE);
    check_text(f, "/usr/sbin/ss\\x20hd\\x20(deleted)", process->exe, process->exe_len);
    assert_int_equal(process_of_1(f, SOCKQ_WITH_COMM)->exe, 0);
    assert_int_equal(unlink(path_of(f, "77/exe")), 0);
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    put_link(f, "77/exe", text);
    assert_int_equal(process_of_1(f, SOCKQ_WITH_EXE)->exe_len, sizeof(text) - 1);
    assert_int_equal(unlink(path_of(f, "77/exe")), 0);
    put_text(f, "77/exe", "no link");
    assert_int_equal(process_of_1(f, SOCKQ_WITH_EXE)->exe, 0);
}

/* The field is counted from the last bracket, since comm holds what the process wants. */
static void started_behind_the_last_bracket(void **state)
{
#define NINETEEN " S 1 5 5 0 -1 4194560 1 0 0 0 1 2 0 0 20 0 1 0"
    static const struct {
        const char *text;
        uint64_t ticks;
        bool known;
    } files[] = {
        {"77 (sshd)" NINETEEN " 12345 1000 100\n", 12345, true},
        {"77 (init)" NINETEEN " 0 1000 100\n", 0, true},
        {"77 (a) S 1 2 3 (b)" NINETEEN " 7 8\n", 7, true},
        {"77 (\n 1 2 3))" NINETEEN " 9 8\n", 9, true},
        {"77 ()" NINETEEN " 18446744073709551615 1\n", UINT64_MAX, true},
        {"77 ()" NINETEEN " 18446744073709551616 1\n", 0, false},
        {"77 (sshd)" NINETEEN " -5 1000 100\n", 0, false},
        {"77 (sshd)" NINETEEN " x 1000 100\n", 0, false},
        {"77 (sshd)" NINETEEN " 12x 1000 100\n", 0, false},
        /* Cut off: more digits may have followed. */
        {"77 (sshd)" NINETEEN " 12345", 0, false},
        {"77 (sshd)" NINETEEN " ", 0, false},
        {"77 (sshd)" NINETEEN, 0, false},
        {"77 (sshd) S 1 2\n", 0, false},
        {"77 sshd" NINETEEN " 12345 1\n", 0, false},
        {")", 0, false},
        {"", 0, false},
    };
    struct fixture *f = *state;

    put_link(f, "77/fd/3", "socket:[1]");
    put_text(f, "77/cmdline", "x");
    assert_int_equal(process_of_1(f, SOCKQ_WITH_STARTED)->flags, 0);
    for (size_t i = 0; i < COUNT(files); i++) {
        put_text(f, "77/stat", files[i].text);
        const struct sockq_process *process = process_of_1(f, SOCKQ_WITH_STARTED);
        if (process->started != files[i].ticks)
            fail_msg("case %zu: %llu", i, (unsigned long long)process->started);
        assert_int_equal(process->flags, files[i].known ? SOCKQ_PROCESS_STARTED : 0);
        process = process_of_1(f, SOCKQ_WITH_EXE | SOCKQ_WITH_COMM | SOCKQ_WITH_CGROUPS);
        assert_int_equal(process->flags, 0);
        assert_int_equal(process->started, 0);
    }
}

static void boot_time_of_the_tree(void **state)
{
    static const struct {
        const char *text;
        uint64_t seconds;
    } files[] = {
        {"cpu  1 2 3\nintr 5 btime 9\nctxt 7\nbtime 1795671544\nprocesses 3\n", 1795671544},
        {"cpu  1\nbtime 1\n", 1},
        {"cpu  1\nbtime 12", 0},
        {"cpu  1\nbtime -12\n", 0},
        {"cpu  1\nbtime 12 13\n", 0},
        {"cpu  1\nbtime 9223372036854775808\n", 0},
        {"cpu  1\nbtimes 12\n", 0},
        {"", 0},
    };
    struct fixture *f = *state;

    put_link(f, "77/fd/3", "socket:[1]");
    process_of_1(f, SOCKQ_WITH_STARTED);
    assert_int_equal(f->w.set->owners.boot_time, 0);
    for (size_t i = 0; i < COUNT(files); i++) {
        put_text(f, "stat", files[i].text);
        process_of_1(f, SOCKQ_WITH_STARTED);
        if (f->w.set->owners.boot_time != files[i].seconds)
            fail_msg("case %zu: %llu", i, (unsigned long long)f->w.set->owners.boot_time);
        process_of_1(f, SOCKQ_WITH_EXE);
        assert_int_equal(f->w.set->owners.boot_time, 0);
    }
    /* Interrupts of a large machine come first. */
    enum { LONG = 1 << 20 };
    char *text = calloc(1, LONG + 100);
    assert_non_null(text);
    memset(text, '0', LONG);
    strcpy(text + LONG, "\nbtime 77\n");
    put_text(f, "stat", text);
    free(text);
    process_of_1(f, SOCKQ_WITH_STARTED);
    assert_int_equal(f->w.set->owners.boot_time, 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(bad_115_bad_117_huge),  FIXTURE_TEST(files_that_are_none),
        FIXTURE_TEST(bad_118_cgroups),       FIXTURE_TEST(bad_118_what_are_no_cgroups),
        FIXTURE_TEST(names_in_stat),         FIXTURE_TEST(comm_as_it_is),
        FIXTURE_TEST(exe_is_a_link),         FIXTURE_TEST(started_behind_the_last_bracket),
        FIXTURE_TEST(boot_time_of_the_tree),
    };

    int failed = run_cases("processes", cases, sizeof(cases[0]), COUNT(cases), one_process);
    return failed + cmocka_run_group_tests_name("process files", tests, NULL, NULL);
}

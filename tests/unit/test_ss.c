/*
 * What an ss command line names outside of it: filters in files, cgroups, devices; and what happens
 * where a call fails.
 *
 * Linked with the options in test_ss.link, so that the calls come here first.
 */
#define _GNU_SOURCE
#include "calls.h"

#include <mntent.h>
#include <net/if.h>

#include "../../src/ss.h"

/* Where cgroups are mounted, and what they are. */
static struct {
    char mounts[128]; /* a file like /proc/mounts; "": there is none */
    const char *path; /* the cgroup that has an id */
    unsigned bytes;   /* of its handle */
    int no_devices;   /* errno; 0: there are some */
} kernel;

static const uint64_t ID = 0x0102030405060708u;

int __wrap_name_to_handle_at(int at, const char *path, struct file_handle *handle, int *mount,
                             int flags);
int __wrap_name_to_handle_at(int at, const char *path, struct file_handle *handle, int *mount,
                             int flags)
{
    assert_int_equal(at, AT_FDCWD);
    assert_int_equal(flags, 0);
    assert_true(handle->handle_bytes >= sizeof(ID));
    *mount = 0;
    errno = ENOENT;
    if (!kernel.path || strcmp(path, kernel.path) != 0)
        return -1;
    handle->handle_bytes = kernel.bytes;
    memcpy(handle->f_handle, &ID, sizeof(ID));
    return 0;
}

FILE *__real_setmntent(const char *path, const char *type);
FILE *__wrap_setmntent(const char *path, const char *type);
FILE *__wrap_setmntent(const char *path, const char *type)
{
    assert_string_equal(path, "/proc/mounts");
    return kernel.mounts[0] ? __real_setmntent(kernel.mounts, type) : NULL;
}

struct if_nameindex *__real_if_nameindex(void);
struct if_nameindex *__wrap_if_nameindex(void);
struct if_nameindex *__wrap_if_nameindex(void)
{
    errno = kernel.no_devices;
    if (kernel.no_devices || call_fails("if_nameindex", ENOMEM))
        return NULL;
    return __real_if_nameindex();
}

/* The compiler may take either. */
int __wrap_asprintf(char **text, const char *format, ...);
int __wrap_asprintf(char **text, const char *format, ...)
{
    va_list list;

    *text = NULL;
    if (call_fails("asprintf", ENOMEM))
        return -1;
    va_start(list, format);
    int length = vasprintf(text, format, list);
    va_end(list);
    return length;
}

int __wrap___asprintf_chk(char **text, int flag, const char *format, ...);
int __wrap___asprintf_chk(char **text, int flag, const char *format, ...)
{
    va_list list;

    (void)flag;
    *text = NULL;
    if (call_fails("asprintf", ENOMEM))
        return -1;
    va_start(list, format);
    int length = vasprintf(text, format, list);
    va_end(list);
    return length;
}

static int begin(void **state)
{
    memset(&kernel, 0, sizeof(kernel));
    return fixture_setup(state);
}

#define SS_TEST(function) cmocka_unit_test_setup_teardown(function, begin, fixture_teardown)

enum { WORDS_MOST = 10 };

static const char *given_words[WORDS_MOST];

/* A command line: ss and these words, ended by NULL. */
static struct sockq_options line_of(const char *const *words)
{
    struct sockq_options options = {.mode = SOCKQ_MODE_NAME, .words = given_words};

    memset(given_words, 0, sizeof(given_words));
    given_words[options.word_count++] = "ss";
    for (; *words; words++)
        given_words[options.word_count++] = *words;
    return options;
}

#define LINE(...) line_of((const char *const[]){__VA_ARGS__, NULL})

static void options_that_name_something(void **state)
{
    static const struct {
        const char *words[8];
        const char *netns, *filter;
        bool marks;
    } cases[] = {{{"-tanpo"}, NULL, NULL, false},
                 {{"-tane"}, NULL, NULL, true},
                 {{"-ti"}, NULL, NULL, true},
                 {{"-0b"}, NULL, NULL, true},
                 {{"--tos"}, NULL, NULL, false},
                 {{"-t", "fwmark", "=", "1"}, NULL, NULL, true},
                 {{"-t", "(sport > 1 and fwmark!=1)"}, NULL, NULL, true},
                 {{"-h", "-e"}, NULL, NULL, false},
                 {{"-N", "blue"}, "blue", NULL, false},
                 {{"-tNblue"}, "blue", NULL, false},
                 {{"--net=blue", "-N", "red"}, "red", NULL, false},
                 {{"-F", "a", "--filter", "b"}, NULL, "a", true},
                 {{"sport", "=", ":22", "-F", "a"}, NULL, "a", true},
                 {{"-t", "--", "-N", "blue"}, NULL, NULL, false},
                 /* ss ends there, and reads no further. */
                 {{"-h", "-N", "blue"}, NULL, NULL, false},
                 {{"-V", "-N", "blue"}, NULL, NULL, false},
                 {{"-v", "-N", "blue"}, NULL, NULL, false},
                 {{"--no-such", "-N", "blue"}, NULL, NULL, false},
                 {{"-N"}, NULL, NULL, false}};
    struct sockq_ss ss;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct sockq_options options = line_of(cases[i].words);
        assert_int_equal(sockq_ss_find(&ss, &options), 0);
        if (cases[i].netns)
            assert_string_equal(ss.netns, cases[i].netns);
        else
            assert_null(ss.netns);
        if (cases[i].filter)
            assert_string_equal(ss.filter, cases[i].filter);
        else
            assert_null(ss.filter);
        assert_int_equal(ss.marks, cases[i].marks);
        /* Those of the command line stay in their order. */
        for (int k = 0; cases[i].words[k]; k++)
            assert_ptr_equal(options.words[k + 1], cases[i].words[k]);
    }
}

/* A host has a letter, and no more than names may have. */
static void hosts_that_filters_name(void **state)
{
    static char longest[253 + 2 + 1];
    static const struct {
        const char *words[8];
        const char *hosts;
    } cases[] = {{{"src", "localhost"}, "localhost "},
                 {{"dst", "=", "a.b-c_d:443"}, "a.b-c_d "},
                 {{"not", "src", "inet:one", "and", "dst", "eq", "[two]:ssh"}, "one two "},
                 {{"src one or dst", "inet6:two:"}, "one two "},
                 {{"( src", "\\one", ")"}, "one "},
                 {{"src", "10.1.2.3", "dst", "::1", "or", "src", "fe80::1"}, ""},
                 {{"src", "a/8", "dst", "a\nb", "src", "@x", "src"}, ""},
                 {{"sport", "=", "ssh", "src", ":22", "dst", "*"}, ""},
                 {{"src", "src", "one"}, "one "},
                 {{"-t", "one"}, ""},
                 {{"src", longest}, ""},
                 {{"src", longest + 1}, NULL}};

    (void)state;
    memset(longest, 'x', sizeof(longest) - 2);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct sockq_options options = line_of(cases[i].words);
        struct sockq_ss ss;
        char text[512] = "";
        assert_int_equal(sockq_ss_find(&ss, &options), 0);
        for (size_t k = 0; k < ss.host_count; k++) {
            strcat(text, ss.hosts[k]);
            strcat(text, " ");
        }
        if (cases[i].hosts)
            assert_string_equal(text, cases[i].hosts);
        else
            assert_int_equal(strlen(text), 253 + 1);
        sockq_ss_free(&ss);
        assert_int_equal(ss.host_count, 0);
    }
}

static void open_filter(struct sockq_ss *ss, const char *path)
{
    struct sockq_options options = LINE("-F", path);

    assert_int_equal(sockq_ss_find(ss, &options), 0);
    assert_int_equal(sockq_ss_open(ss, &options), 0);
}

static void put_large(struct fixture *f, const char *path, size_t size)
{
    char *text = malloc(size);

    assert_non_null(text);
    memset(text, 'x', size);
    put_bytes(f, path, text, size);
    free(text);
}

static void filters_in_files(void **state)
{
    static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 1 << 20};
    struct fixture *f = *state;
    struct sockq_ss ss;

    for (size_t i = 0; i < COUNT(sizes); i++) {
        put_large(f, "filter", sizes[i]);
        open_filter(&ss, path_of(f, "filter"));
        assert_non_null(ss.text);
        assert_int_equal(ss.size, sizes[i]);
        assert_int_equal(ss.error, 0);
        sockq_ss_free(&ss);
    }
    put_large(f, "filter", (1 << 20) + 1);
    open_filter(&ss, path_of(f, "filter"));
    assert_null(ss.text);
    assert_int_equal(ss.error, EFBIG);
    sockq_ss_free(&ss);
    open_filter(&ss, path_of(f, "missing"));
    assert_null(ss.text);
    assert_int_equal(ss.error, ENOENT);
    sockq_ss_free(&ss);
}

static void a_filter_from_standard_input(void **state)
{
    int ends[2], before = dup(STDIN_FILENO);
    struct sockq_ss ss;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "sport = :22", 11), 11);
    close(ends[1]);
    assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    close(ends[0]);
    open_filter(&ss, "-");
    assert_int_equal(ss.size, 11);
    assert_memory_equal(ss.text, "sport = :22", 11);
    sockq_ss_free(&ss);
    /* It is not closed: others may read it. */
    assert_true(fcntl(STDIN_FILENO, F_GETFD) >= 0);
    if (before >= 0)
        assert_int_equal(dup2(before, STDIN_FILENO), STDIN_FILENO);
    close(before);
}

/* Words of filters, on the command line or in a file, and the cgroups that they name. */
static void cgroups_that_filters_name(void **state)
{
    static const struct {
        const char *words[5];
        const char *file;
        const char *cgroups[3];
    } cases[] = {
        {{"cgroup", "/a"}, NULL, {"/a"}},
        {{"cgroup = /a"}, NULL, {"/a"}},
        {{"cgroup", "==", "/a"}, NULL, {"/a"}},
        {{"cgroup", "!=", "/a", "or cgroup"}, " neq /b\nor cgroup\n/c", {"/a", "/b", "/c"}},
        {{"\tcgroup  eq\t/a\\ b "}, NULL, {"/a b"}},
        {{"cgroup", "/a\nb"}, NULL, {"/a\nb"}},
        {{"cgroup /a\\"}, NULL, {"/a\\"}},
        {{"sport", "=", ":22"}, "\n\n", {NULL}},
        {{"cgroup", "ne"}, NULL, {NULL}},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct sockq_options options = line_of(cases[i].words);
        struct sockq_ss ss = {0};
        size_t count = 0;
        if (cases[i].file) {
            put_text(f, "filter", cases[i].file);
            ss.filter = path_of(f, "filter");
        }
        assert_int_equal(sockq_ss_open(&ss, &options), 0);
        while (count < 3 && cases[i].cgroups[count])
            count++;
        assert_int_equal(ss.cgroup_count, count);
        for (size_t k = 0; k < count; k++) {
            assert_string_equal(ss.cgroups[k].path, cases[i].cgroups[k]);
            assert_int_equal(ss.cgroups[k].error, ENOENT);
        }
        sockq_ss_free(&ss);
    }
}

static struct sockq_ss_cgroup look_up(const char *path)
{
    struct sockq_options options = LINE("cgroup", path);
    struct sockq_ss ss;

    assert_int_equal(sockq_ss_find(&ss, &options), 0);
    assert_int_equal(sockq_ss_open(&ss, &options), 0);
    assert_int_equal(ss.cgroup_count, 1);
    struct sockq_ss_cgroup found = ss.cgroups[0];
    found.path = NULL;
    sockq_ss_free(&ss);
    return found;
}

static void ids_of_cgroups(void **state)
{
    struct fixture *f = *state;

    kernel.path = "/sys/fs/cgroup/a";
    kernel.bytes = sizeof(ID);
    assert_true(look_up("/sys/fs/cgroup/a").id == ID);
    /* Below the place where they are mounted. */
    assert_int_equal(look_up("a").error, ENOENT);
    put_text(f, "mounts", "proc /proc proc rw 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n");
    snprintf(kernel.mounts, sizeof(kernel.mounts), "%s", path_of(f, "mounts"));
    struct sockq_ss_cgroup found = look_up("a");
    assert_int_equal(found.error, 0);
    assert_true(found.id == ID);
    assert_int_equal(look_up("b").error, ENOENT);
    put_text(f, "mounts", "proc /proc proc rw 0 0\ncgroup /sys/fs/cgroup cgroup rw 0 0\n");
    assert_int_equal(look_up("a").error, ENOENT);
    /* A handle of another form is no id: that of another file system. */
    kernel.bytes = 4;
    kernel.mounts[0] = '\0';
    kernel.path = "/a";
    assert_int_equal(look_up("/a").error, ENOENT);
    put_text(f, "mounts", "cgroup2 / cgroup2 rw 0 0\n");
    snprintf(kernel.mounts, sizeof(kernel.mounts), "%s", path_of(f, "mounts"));
    kernel.path = "//a";
    assert_int_equal(look_up("a").error, EINVAL);
}

/* Only filters name devices, and those of another namespace are others. */
static void devices(void **state)
{
    struct sockq_options filtered = LINE("dev", "lo");
    struct sockq_ss ss = {0};

    (void)state;
    assert_int_equal(sockq_ss_open(&ss, &filtered), 0);
    if (ss.device_count == 0)
        skip();
    for (size_t i = 0; i < ss.device_count; i++)
        assert_int_equal(if_nametoindex(ss.devices[i].name), ss.devices[i].index);
    sockq_ss_free(&ss);
    ss.netns = "blue";
    assert_int_equal(sockq_ss_open(&ss, &filtered), 0);
    assert_int_equal(ss.device_count, 0);
    struct sockq_options plain = LINE("-tan");
    ss.netns = NULL;
    assert_int_equal(sockq_ss_open(&ss, &plain), 0);
    assert_int_equal(ss.device_count, 0);
    kernel.no_devices = EPERM;
    filtered = LINE("dev", "lo");
    assert_int_equal(sockq_ss_open(&ss, &filtered), 0);
    assert_int_equal(ss.device_count, 0);
    sockq_ss_free(&ss);
}

static int find_and_open(void *context)
{
    struct sockq_options options =
        LINE("-F", context, "cgroup", "a", "or", "cgroup", "b", "src", "h");
    struct sockq_ss ss;
    int result = sockq_ss_find(&ss, &options);

    if (result == 0)
        result = sockq_ss_open(&ss, &options);
    int error = errno;
    if (result == 0 && !calls.failed) {
        assert_int_equal(ss.size, 6000);
        assert_int_equal(ss.cgroup_count, 2);
        assert_int_equal(ss.cgroups[0].error, 0);
        assert_int_equal(ss.cgroups[1].error, ENOENT);
        assert_int_equal(ss.host_count, 1);
    }
    if (result == 0 && !ss.text)
        assert_true(ss.error != 0);
    sockq_ss_free(&ss);
    errno = error;
    return result;
}

static void a_failure_is_told(void **state)
{
    struct fixture *f = *state;
    char path[128];

    put_large(f, "filter", 6000);
    put_text(f, "mounts", "cgroup2 /c cgroup2 rw 0 0\n");
    snprintf(kernel.mounts, sizeof(kernel.mounts), "%s", path_of(f, "mounts"));
    kernel.path = "/c/a";
    kernel.bytes = sizeof(ID);
    snprintf(path, sizeof(path), "%s", path_of(f, "filter"));
    /* A file that cannot be read is told by the view. */
    fail_each_call(find_and_open, path, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SS_TEST(options_that_name_something),
        SS_TEST(hosts_that_filters_name),
        SS_TEST(filters_in_files),
        SS_TEST(a_filter_from_standard_input),
        SS_TEST(cgroups_that_filters_name),
        SS_TEST(ids_of_cgroups),
        SS_TEST(devices),
        SS_TEST(a_failure_is_told),
    };

    return cmocka_run_group_tests_name("ss", tests, NULL, NULL);
}

/*
 * The locks below Lua but for the filter of system calls, against a kernel of the test's own: what
 * each kernel is asked for, and that what fails is told.
 *
 * Linked with the options in test_locks.link, so that the calls come here first.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helper.h"
#include "limit.h"
#include "sandbox/sandbox.h"

#define MIB ((uint64_t)1 << 20)

/* Landlock's calls, which older headers do not name. */
enum { CREATE_RULESET = 444, RESTRICT_SELF = 446 };

static struct {
    struct rlimit limits[RLIM_NLIMITS];
    const char *call; /* that fails, NULL: none */
    int error, passes;
    const char *release; /* what uname says; NULL: it fails */
    const char *statm;   /* what the next file that is read holds; NULL: it is not there */
    int root_error;      /* of opening the root folder; 0: it opens */
    long abi;            /* of Landlock; 0: there is none */
    size_t ruleset;      /* the size of the one that was made */
    uint64_t rights[3];  /* of files, net, scopes */
    bool restricted;
    bool interrupts; /* every other read is interrupted */
    bool odd;
} kernel;

static bool fails(const char *call)
{
    if (!kernel.call || strcmp(kernel.call, call) != 0 || kernel.passes-- > 0)
        return false;
    errno = kernel.error;
    return true;
}

int __wrap_getrlimit(__rlimit_resource_t resource, struct rlimit *limit);
int __wrap_getrlimit(__rlimit_resource_t resource, struct rlimit *limit)
{
    *limit = kernel.limits[resource];
    return fails("getrlimit") ? -1 : 0;
}

int __wrap_setrlimit(__rlimit_resource_t resource, const struct rlimit *limit);
int __wrap_setrlimit(__rlimit_resource_t resource, const struct rlimit *limit)
{
    if (fails("setrlimit"))
        return -1;
    assert_true(limit->rlim_cur <= limit->rlim_max);
    assert_true(limit->rlim_max <= kernel.limits[resource].rlim_max);
    kernel.limits[resource] = *limit;
    return 0;
}

int __wrap_uname(struct utsname *name);
int __wrap_uname(struct utsname *name)
{
    if (!kernel.release)
        return -1;
    snprintf(name->release, sizeof(name->release), "%s", kernel.release);
    return 0;
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    int ends[2];

    errno = kernel.root_error;
    if (strcmp(path, "/") == 0 && kernel.root_error)
        return -1;
    if (strcmp(path, "/proc/self/statm") != 0)
        return __real_open(path, flags);
    errno = ENOENT;
    if (!kernel.statm || pipe(ends) < 0)
        return -1;
    assert_int_equal(write(ends[1], kernel.statm, strlen(kernel.statm)), strlen(kernel.statm));
    close(ends[1]);
    return ends[0];
}

ssize_t __real_read(int fd, void *into, size_t size);
ssize_t __wrap_read(int fd, void *into, size_t size);
ssize_t __wrap_read(int fd, void *into, size_t size)
{
    kernel.odd = !kernel.odd;
    errno = EINTR;
    if ((kernel.interrupts && kernel.odd) || fails("read"))
        return -1;
    return __real_read(fd, into, size > 3 ? 3 : size);
}

ssize_t __wrap___read_chk(int fd, void *into, size_t size, size_t room);
ssize_t __wrap___read_chk(int fd, void *into, size_t size, size_t room)
{
    assert_true(size <= room);
    return __wrap_read(fd, into, size);
}

off_t __real_lseek(int fd, off_t to, int whence);
off_t __wrap_lseek(int fd, off_t to, int whence);
off_t __wrap_lseek(int fd, off_t to, int whence)
{
    return fails("lseek") ? -1 : __real_lseek(fd, to, whence);
}

static long landlock(long number, const void *rights, size_t size)
{
    if (number == RESTRICT_SELF) {
        kernel.restricted = true;
        return fails("restrict") ? -1 : 0;
    }
    errno = ENOSYS;
    if (!rights)
        return kernel.abi ? kernel.abi : -1;
    assert_true(size <= sizeof(kernel.rights));
    kernel.ruleset = size;
    memcpy(kernel.rights, rights, size);
    return fails("create") ? -1 : dup(STDIN_FILENO);
}

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
    long words[3];
    va_list list;

    va_start(list, number);
    for (int i = 0; i < 3; i++)
        words[i] = va_arg(list, long);
    va_end(list);
    if (number == CREATE_RULESET || number == RESTRICT_SELF)
        return landlock(number, (const void *)words[0], (size_t)words[1]);
    return __real_syscall(number, words[0], words[1], words[2]);
}

static int begin(void **state)
{
    memset(&kernel, 0, sizeof(kernel));
    for (size_t i = 0; i < COUNT(kernel.limits); i++)
        kernel.limits[i] = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
    kernel.release = "6.1.0-18-amd64";
    kernel.statm = "1000 2 3 4 5 6 7\n";
    kernel.root_error = EACCES;
    return fixture_setup(state);
}

#define LOCKS_TEST(function) cmocka_unit_test_setup_teardown(function, begin, fixture_teardown)

static void times_and_sizes(void **state)
{
    static const struct {
        const char *text;
        double seconds;
        uint64_t bytes;
    } cases[] = {{"2", 2, 0},
                 {"0.5", 0.5, 0},
                 {"0.001", 0.001, 0},
                 {"0.0009", 0, 0},
                 {"1000000", 1e6, 0},
                 {"1000001", 0, 0},
                 {"1048575", 0, 0},
                 {"1048576", 0, MIB},
                 {"1M", 0, MIB},
                 {"1024K", 0, MIB},
                 {"2G", 0, 2048 * MIB},
                 {"1K", 0, 0},
                 {"512MB", 0, 0},
                 {"512m", 0, 0},
                 {"4294967296G", 0, (uint64_t)1 << 62},
                 {"4294967297G", 0, 0},
                 {"99999999999999999999", 0, 0},
                 {"", 0, 0},
                 {"x", 0, 0},
                 {"1.", 0, 0},
                 {"1.x", 0, 0},
                 {".5", 0, 0},
                 {"1.5x", 0, 0},
                 {"-1", 0, 0},
                 {"/", 0, 0}};
    double seconds;
    uint64_t bytes;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(sockq_limit_seconds(cases[i].text, &seconds), cases[i].seconds > 0);
        if (cases[i].seconds > 0)
            assert_true(seconds > cases[i].seconds - 1e-9 && seconds < cases[i].seconds + 1e-9);
        assert_int_equal(sockq_limit_bytes(cases[i].text, &bytes), cases[i].bytes > 0);
        if (cases[i].bytes > 0)
            assert_int_equal(bytes, cases[i].bytes);
    }
}

static enum sockq_name is_nothing(const char *word, const struct sockq_options *options,
                                  void *context)
{
    (void)word;
    (void)options;
    (void)context;
    return SOCKQ_NAME_NONE;
}

/* Words of a command line, what they limit, and what is told of those that are wrong. */
static void limits_of_the_command_line(void **state)
{
    static const struct {
        char *words[5];
        bool sandboxed;
        double timeout;
        uint64_t memory;
        const char *told;
    } cases[] = {
        {{"sockq"}, false, 0, 0, NULL},
        {{"sockq"}, true, 0, SOCKQ_SANDBOX_MEMORY, NULL},
        {{"sockq", "--timeout", "2", "--max-memory=3M"}, true, 2, 3 * MIB, NULL},
        /* An argument of no bytes is told by Lua. */
        {{"sockq", "--timeout=", "--max-memory="}, false, 0, 0, NULL},
        {{"sockq", "--timeout", "0"},
         false,
         0,
         0,
         "sockq: --timeout 0: not a time; give seconds from 0.001, such as 2 or 0.5\n"},
        {{"sockq", "--max-memory", "1\x1b"},
         false,
         0,
         0,
         "sockq: --max-memory 1\\x1b: not a size; give one from 1M, such as 512M or 2G\n"},
    };
    struct fixture *f = *state;
    char said[256];

    put_text(f, "said", "");
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct sockq_options options;
        struct sockq_limits limits;
        int argc = 0, before = dup(STDERR_FILENO);
        char *words[5];
        memcpy(words, cases[i].words, sizeof(words));
        while (argc < 5 && words[argc])
            argc++;
        assert_int_equal(sockq_options_parse(&options, argc, words, is_nothing, NULL), 0);
        int file = open(path_of(f, "said"), O_RDWR | O_TRUNC | O_CLOEXEC);
        assert_true(file >= 0 && dup2(file, STDERR_FILENO) >= 0);
        int result = sockq_limits_find(&limits, &options, cases[i].sandboxed);
        assert_int_equal(dup2(before, STDERR_FILENO), STDERR_FILENO);
        close(before);
        const ssize_t size = pread(file, said, sizeof(said) - 1, 0);
        close(file);
        assert_true(size >= 0);
        said[size] = '\0';
        assert_int_equal(result, cases[i].told ? -1 : 0);
        assert_string_equal(said, cases[i].told ? cases[i].told : "");
        if (!cases[i].told) {
            assert_true(limits.timeout == cases[i].timeout);
            assert_true(limits.memory == cases[i].memory);
        }
        sockq_options_free(&options);
    }
}

/* A stack without end would leave LuaJIT no addresses. */
static void the_stack(void **state)
{
    (void)state;
    assert_int_equal(sockq_limits_stack(), 0);
    assert_int_equal(kernel.limits[RLIMIT_STACK].rlim_cur, 8 * MIB);
    assert_true(kernel.limits[RLIMIT_STACK].rlim_max == RLIM_INFINITY);
    kernel.limits[RLIMIT_STACK].rlim_cur = 64 * MIB;
    assert_int_equal(sockq_limits_stack(), 0);
    assert_int_equal(kernel.limits[RLIMIT_STACK].rlim_cur, 64 * MIB);
    kernel.call = "getrlimit", kernel.error = EPERM;
    assert_int_equal(sockq_limits_stack(), -1);
    assert_int_equal(errno, EPERM);
}

static void skip_where_sanitized(void)
{
#ifdef __SANITIZE_ADDRESS__
    skip();
#endif
}

static void limits_of_the_sandbox(void **state)
{
    static const struct {
        __rlimit_resource_t resource;
        uint64_t most;
    } limits[] = {{RLIMIT_CORE, 0},     {RLIMIT_NPROC, 0},  {RLIMIT_MEMLOCK, 0},
                  {RLIMIT_MSGQUEUE, 0}, {RLIMIT_NOFILE, 8}, {RLIMIT_DATA, 512 * MIB}};

    (void)state;
    skip_where_sanitized();
    /* What is lower already stays. */
    kernel.limits[RLIMIT_NOFILE] = (struct rlimit){3, 5};
    assert_int_equal(sockq_limits_lock(512 * MIB), 0);
    assert_int_equal(kernel.limits[RLIMIT_NOFILE].rlim_max, 5);
    for (size_t i = 0; i < COUNT(limits); i++) {
        const struct rlimit *limit = &kernel.limits[limits[i].resource];
        if (limits[i].resource != RLIMIT_NOFILE)
            assert_int_equal(limit->rlim_max, limits[i].most);
        assert_int_equal(limit->rlim_cur, limit->rlim_max);
    }
    for (int passes = 0; passes < (int)COUNT(limits); passes++) {
        kernel.call = passes % 2 ? "getrlimit" : "setrlimit";
        kernel.error = EPERM, kernel.passes = passes;
        assert_int_equal(sockq_limits_lock(512 * MIB), -1);
        assert_int_equal(errno, EPERM);
    }
}

/* Before Linux 4.7 RLIMIT_DATA does not hold; without a number it is taken for a newer one. */
static void kernels_and_their_limit_of_memory(void **state)
{
    static const struct {
        const char *release;
        bool has_data;
    } kernels[] = {{"6.1.0", true},  {"4.7.0", true},   {"4.6.9", false}, {"3.10.0", false},
                   {"4.19-x", true}, {"5", true},       {"4", false},     {NULL, true},
                   {"x", false},     {"4.12rc1", true}, {"10.0", true}};
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

    (void)state;
    skip_where_sanitized();
    for (size_t i = 0; i < COUNT(kernels); i++) {
        for (size_t k = 0; k < COUNT(kernel.limits); k++)
            kernel.limits[k] = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
        kernel.release = kernels[i].release;
        assert_int_equal(sockq_limits_memory(64 * MIB), 0);
        assert_true(kernel.limits[RLIMIT_DATA].rlim_cur ==
                    (kernels[i].has_data ? 64 * MIB : RLIM_INFINITY));
        assert_true(kernel.limits[RLIMIT_AS].rlim_cur ==
                    (kernels[i].has_data ? RLIM_INFINITY : 1000 * page + 64 * MIB));
    }
    assert_int_equal(sockq_limits_memory(0), 0);
    kernel.release = "3.10.0";
    kernel.statm = NULL;
    assert_int_equal(sockq_limits_memory(64 * MIB), -1);
    assert_int_equal(errno, ENOENT);
}

static void limits_of_addresses(void **state)
{
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), margin = 64 * MIB;

    (void)state;
    skip_where_sanitized();
    assert_int_equal(sockq_limits_space(0, MIB, MIB), 0);
    assert_true(kernel.limits[RLIMIT_AS].rlim_cur == RLIM_INFINITY);
    kernel.interrupts = true;
    assert_int_equal(sockq_limits_space(512 * MIB, 16 * MIB, MIB), 0);
    assert_int_equal(kernel.limits[RLIMIT_AS].rlim_cur, 1000 * page + 528 * MIB + margin);
    kernel.interrupts = false;
    kernel.statm = "x";
    assert_int_equal(sockq_limits_space(256 * MIB, 0, MIB), -1);
    assert_int_equal(errno, EBADMSG);
    /* No more is read of it than there is room for. */
    kernel.statm = "10 00000000000000000000000000000000000000000000000000000000000000000000000000"
                   "0000000000000000000000000000000000000000000000000000000000000000000000000000";
    assert_int_equal(sockq_limits_space(128 * MIB, 0, MIB), 0);
    assert_int_equal(kernel.limits[RLIMIT_AS].rlim_cur, 10 * page + 128 * MIB + margin);
    kernel.call = "read", kernel.error = EIO;
    assert_int_equal(sockq_limits_space(64 * MIB, 0, MIB), 0);
    assert_int_equal(kernel.limits[RLIMIT_AS].rlim_cur, 65 * MIB + margin);
    kernel.call = NULL;
    kernel.statm = NULL;
    assert_int_equal(sockq_limits_space(32 * MIB, 0, 2 * MIB), 0);
    assert_int_equal(kernel.limits[RLIMIT_AS].rlim_cur, 34 * MIB + margin);
}

/* Each ABI has more rights; an older kernel refuses those that it does not know. */
static void rights_of_each_landlock(void **state)
{
    static const struct {
        size_t size;
        uint64_t rights[3];
    } abis[] = {{8, {0x1fff, 0, 0}},  {8, {0x3fff, 0, 0}},  {8, {0x7fff, 0, 0}},
                {16, {0x7fff, 3, 0}}, {16, {0xffff, 3, 0}}, {24, {0xffff, 3, 3}},
                {24, {0xffff, 3, 3}}};
    struct sockq_locks locks;

    (void)state;
    for (size_t i = 0; i < COUNT(abis); i++) {
        memset(&locks, 0, sizeof(locks));
        memset(kernel.rights, 0, sizeof(kernel.rights));
        kernel.abi = (long)i + 1;
        kernel.restricted = false;
        sockq_landlock_lock(&locks);
        assert_int_equal(locks.landlock_abi, i + 1);
        assert_int_equal(locks.landlock_error, 0);
        assert_true(locks.landlock_proved && kernel.restricted);
        assert_int_equal(kernel.ruleset, abis[i].size);
        assert_memory_equal(kernel.rights, abis[i].rights, sizeof(kernel.rights));
    }
}

static void landlock_that_does_not_hold(void **state)
{
    struct sockq_locks locks = {.landlock_proved = true};

    (void)state;
    sockq_landlock_lock(&locks);
    assert_int_equal(locks.landlock_abi, 0);
    assert_int_equal(locks.landlock_error, ENOSYS);
    assert_int_equal(kernel.ruleset, 0);
    kernel.abi = 3;
    kernel.call = "create", kernel.error = EOPNOTSUPP;
    sockq_landlock_lock(&locks);
    assert_int_equal(locks.landlock_error, EOPNOTSUPP);
    assert_false(locks.landlock_proved || kernel.restricted);
    kernel.call = "restrict", kernel.error = E2BIG;
    sockq_landlock_lock(&locks);
    assert_int_equal(locks.landlock_error, E2BIG);
    assert_false(locks.landlock_proved);
    /* The kernel says yes, and yet a folder can be opened, or cannot for another reason. */
    kernel.call = NULL;
    kernel.root_error = 0;
    sockq_landlock_lock(&locks);
    assert_int_equal(locks.landlock_error, 0);
    assert_false(locks.landlock_proved);
    kernel.root_error = EMFILE;
    sockq_landlock_lock(&locks);
    assert_false(locks.landlock_proved);
}

static void proofs_are_read_whole_or_not(void **state)
{
    struct fixture *f = *state;
    char text[16];

    put_text(f, "status", "NoNewPrivs:\t1\n");
    int fd = open(path_of(f, "status"), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    kernel.interrupts = true;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(sockq_proof_read(fd, text, sizeof(text)), 14);
        assert_memory_equal(text, "NoNewPrivs:\t1\n", 14);
    }
    assert_int_equal(sockq_proof_read(fd, text, 14), -1);
    assert_int_equal(errno, EFBIG);
    kernel.interrupts = false;
    kernel.call = "read", kernel.error = EIO, kernel.passes = 1;
    assert_int_equal(sockq_proof_read(fd, text, sizeof(text)), -1);
    assert_int_equal(errno, EIO);
    kernel.call = "lseek", kernel.error = ESPIPE, kernel.passes = 0;
    assert_int_equal(sockq_proof_read(fd, text, sizeof(text)), -1);
    assert_int_equal(errno, ESPIPE);
    close(fd);
    assert_int_equal(sockq_proof_read(-1, text, sizeof(text)), -1);
}

/* In a child: its environment is gone afterwards. */
static int blank_and_look(void)
{
    static char secret[] = "TOKEN=secret", longer[] = "TERMINAL=x", shorter[] = "TER=x";
    static char kept[] = "TERM=xterm", language[] = "LC_ALL=C", no_value[] = "LANG";
    char *variables[] = {secret, longer, kept, shorter, language, no_value, NULL};

    environ = variables;
    sockq_environment_blank();
    const bool is_kept =
        strcmp(getenv("TERM"), "xterm") == 0 && strcmp(getenv("LC_ALL"), "C") == 0 && getenv("TZ");
    const bool is_gone =
        !getenv("TOKEN") && !getenv("TERMINAL") && !getenv("TER") && secret[0] == '\0';
    for (size_t i = 0; i < sizeof(secret); i++)
        if (secret[i])
            return 2;
    return is_kept && is_gone ? 0 : 1;
}

static void the_environment_is_blanked(void **state)
{
    int status;
    pid_t pid = fork();

    (void)state;
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(blank_and_look());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOCKS_TEST(times_and_sizes),
        LOCKS_TEST(limits_of_the_command_line),
        LOCKS_TEST(the_stack),
        LOCKS_TEST(limits_of_the_sandbox),
        LOCKS_TEST(kernels_and_their_limit_of_memory),
        LOCKS_TEST(limits_of_addresses),
        LOCKS_TEST(rights_of_each_landlock),
        LOCKS_TEST(landlock_that_does_not_hold),
        LOCKS_TEST(proofs_are_read_whole_or_not),
        LOCKS_TEST(the_environment_is_blanked),
    };

    return cmocka_run_group_tests_name("locks", tests, NULL, NULL);
}

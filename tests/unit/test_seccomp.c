/*
 * Filters of system calls, up to the kernel: that a list which lacks a rule is never handed over,
 * how older kernels are asked, and what is told where one refuses.
 *
 * Linked with the options in test_seccomp.link, so that the calls come here first.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helper.h"
#include "sandbox/collector.h"
#include "sandbox/load.h"
#include "sandbox/sandbox.h"

static struct {
    const char *call; /* that fails, NULL: none */
    int error;        /* with this errno, or its negative where libseccomp has it so */
    int passes;       /* so many of its calls work before */
    unsigned rules;   /* that were added */
    unsigned kills;   /* of them, those that end the process; and those that end a thread */
    unsigned kill_threads;
    unsigned level;        /* of libseccomp's view of the kernel */
    unsigned loads;        /* filters that came to the kernel */
    unsigned instructions; /* of the last one */
    unsigned flags;
    int no_flag;     /* errno of a load with SPEC_ALLOW; 0: it is known */
    long thread;     /* what a load says: a thread that has another filter */
    bool interrupts; /* every other read is interrupted */
    bool odd;
    int no_pipe; /* errno of making one */
    bool lost;   /* errno says that memory ended, and the result does not */
} kernel;

static bool fails(const char *call)
{
    if (!kernel.call || strcmp(kernel.call, call) != 0 || kernel.passes-- > 0)
        return false;
    errno = kernel.error;
    return true;
}

scmp_filter_ctx __real_seccomp_init(uint32_t action);
scmp_filter_ctx __wrap_seccomp_init(uint32_t action);
scmp_filter_ctx __wrap_seccomp_init(uint32_t action)
{
    return fails("init") ? NULL : __real_seccomp_init(action);
}

static int count_rule(uint32_t action)
{
    kernel.rules++;
    kernel.kills += action == SCMP_ACT_KILL_PROCESS;
    kernel.kill_threads += action == SCMP_ACT_KILL;
    return fails("rule") ? -kernel.error : 0;
}

int __real_seccomp_rule_add_array(scmp_filter_ctx list, uint32_t action, int call, unsigned count,
                                  const struct scmp_arg_cmp *arguments);
int __wrap_seccomp_rule_add_array(scmp_filter_ctx list, uint32_t action, int call, unsigned count,
                                  const struct scmp_arg_cmp *arguments);
int __wrap_seccomp_rule_add_array(scmp_filter_ctx list, uint32_t action, int call, unsigned count,
                                  const struct scmp_arg_cmp *arguments)
{
    const int result = count_rule(action);

    return result ? result : __real_seccomp_rule_add_array(list, action, call, count, arguments);
}

int __wrap_seccomp_rule_add(scmp_filter_ctx list, uint32_t action, int call, unsigned count, ...);
int __wrap_seccomp_rule_add(scmp_filter_ctx list, uint32_t action, int call, unsigned count, ...)
{
    struct scmp_arg_cmp arguments[6];
    const int result = count_rule(action);
    va_list given;

    assert_true(count <= COUNT(arguments));
    va_start(given, count);
    for (unsigned i = 0; i < count; i++)
        arguments[i] = va_arg(given, struct scmp_arg_cmp);
    va_end(given);
    return result ? result : __real_seccomp_rule_add_array(list, action, call, count, arguments);
}

int __real_seccomp_attr_set(scmp_filter_ctx list, enum scmp_filter_attr attribute, uint32_t value);
int __wrap_seccomp_attr_set(scmp_filter_ctx list, enum scmp_filter_attr attribute, uint32_t value);
int __wrap_seccomp_attr_set(scmp_filter_ctx list, enum scmp_filter_attr attribute, uint32_t value)
{
    if (attribute == SCMP_FLTATR_ACT_BADARCH && fails("architecture"))
        return -kernel.error;
    return __real_seccomp_attr_set(list, attribute, value);
}

int __real_seccomp_attr_get(scmp_filter_ctx list, enum scmp_filter_attr attribute, uint32_t *value);
int __wrap_seccomp_attr_get(scmp_filter_ctx list, enum scmp_filter_attr attribute, uint32_t *value);
int __wrap_seccomp_attr_get(scmp_filter_ctx list, enum scmp_filter_attr attribute, uint32_t *value)
{
    return fails("attribute") ? -EEXIST : __real_seccomp_attr_get(list, attribute, value);
}

unsigned __wrap_seccomp_api_get(void);
unsigned __wrap_seccomp_api_get(void)
{
    return kernel.level;
}

int __wrap_seccomp_load(scmp_filter_ctx list);
int __wrap_seccomp_load(scmp_filter_ctx list)
{
    (void)list;
    if (fails("load"))
        return -kernel.error;
    kernel.loads++;
    errno = kernel.lost ? ENOMEM : errno;
    return 0;
}

int __real_seccomp_export_bpf(scmp_filter_ctx list, int fd);
int __wrap_seccomp_export_bpf(scmp_filter_ctx list, int fd);
int __wrap_seccomp_export_bpf(scmp_filter_ctx list, int fd)
{
    if (fails("export"))
        return -kernel.error;
    if (fails("half"))
        return write(fd, "half", 4) == 4 ? 0 : -EIO;
    if (fails("nothing"))
        return 0;
    if (fails("longest")) {
        static const struct sock_filter code[BPF_MAXINSNS];
        return write(fd, code, sizeof(code)) == (ssize_t)sizeof(code) ? 0 : -EIO;
    }
    if (fails("endless"))
        for (;;)
            continue;
    int result = __real_seccomp_export_bpf(list, fd);
    errno = kernel.lost ? ENOMEM : errno;
    return result;
}

int __real_pipe2(int ends[2], int flags);
int __wrap_pipe2(int ends[2], int flags);
int __wrap_pipe2(int ends[2], int flags)
{
    errno = kernel.no_pipe;
    return kernel.no_pipe || fails("pipe2") ? -1 : __real_pipe2(ends, flags);
}

__sighandler_t __real_signal(int number, __sighandler_t handler);
__sighandler_t __wrap_signal(int number, __sighandler_t handler);
__sighandler_t __wrap_signal(int number, __sighandler_t handler)
{
    return fails("signal") ? SIG_ERR : __real_signal(number, handler);
}

int __real_setitimer(__itimer_which_t which, const struct itimerval *value, struct itimerval *old);
int __wrap_setitimer(__itimer_which_t which, const struct itimerval *value, struct itimerval *old);
int __wrap_setitimer(__itimer_which_t which, const struct itimerval *value, struct itimerval *old)
{
    return fails("setitimer") ? -1 : __real_setitimer(which, value, old);
}

ssize_t __real_read(int fd, void *into, size_t size);
ssize_t __wrap_read(int fd, void *into, size_t size);
ssize_t __wrap_read(int fd, void *into, size_t size)
{
    kernel.odd = !kernel.odd;
    errno = EINTR;
    if ((kernel.interrupts && kernel.odd) || fails("read"))
        return -1;
    return __real_read(fd, into, kernel.interrupts && size > 100 ? 100 : size);
}

ssize_t __wrap___read_chk(int fd, void *into, size_t size, size_t room);
ssize_t __wrap___read_chk(int fd, void *into, size_t size, size_t room)
{
    assert_true(size <= room);
    return __wrap_read(fd, into, size);
}

static long load_filter(unsigned flags, const struct sock_fprog *program)
{
    if (kernel.no_flag && flags & SECCOMP_FILTER_FLAG_SPEC_ALLOW) {
        errno = kernel.no_flag;
        return -1;
    }
    if (fails("seccomp"))
        return -1;
    kernel.loads++;
    kernel.flags = flags;
    kernel.instructions = program->len;
    return kernel.thread;
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
    /* What libseccomp asks the kernel for has no program. */
    if (number == SYS_seccomp && words[0] == SECCOMP_SET_MODE_FILTER && words[2])
        return load_filter((unsigned)words[1], (const struct sock_fprog *)words[2]);
    return __real_syscall(number, words[0], words[1], words[2]);
}

static int begin(void **state)
{
    memset(&kernel, 0, sizeof(kernel));
    kernel.level = 5;
    return fixture_setup(state);
}

#define SECCOMP_TEST(function) cmocka_unit_test_setup_teardown(function, begin, fixture_teardown)

static int lock_all(void)
{
    const struct sockq_calls calls = {
        .terminal = true, .recordings = true, .appends = true, .reports = true};

    return sockq_seccomp_lock(&calls);
}

static int lock_least(void)
{
    const struct sockq_calls calls = {.terminal = false};

    return sockq_seccomp_lock(&calls);
}

static int lock_recorder(void)
{
    const struct sockq_calls calls = {.appends = true};

    return sockq_seccomp_lock(&calls);
}

static int collect_live(void)
{
    const struct sockq_collecting collecting = {.live = true, .children = {getpid(), 0}};

    return sockq_seccomp_collector(&collecting);
}

static int collect_tree(void)
{
    const struct sockq_collecting collecting = {.children = {getpid(), getppid()}};

    return sockq_seccomp_collector(&collecting);
}

/* All that make a filter. */
static const struct maker {
    const char *name;
    int (*make)(void);
} makers[] = {{"the interpreter's", lock_all},   {"the interpreter's least", lock_least},
              {"a recorder's", lock_recorder},   {"no typing", sockq_seccomp_no_typing},
              {"the collector's", collect_live}, {"of a captured tree", collect_tree},
              {"of names", sockq_seccomp_names}};
enum { FIRST_OF_COLLECTOR = 4 };
static const struct maker *const collector = &makers[FIRST_OF_COLLECTOR];

static void again(const char *call, int error, int passes)
{
    kernel.call = call;
    kernel.error = error;
    kernel.passes = passes;
    kernel.loads = kernel.rules = 0;
}

static void assert_fails(const struct maker *maker, int error)
{
    assert_int_equal(maker->make(), -1);
    assert_int_equal(errno, error);
    assert_int_equal(kernel.loads, 0);
}

static void a_list_that_lacks_a_rule_is_not_loaded(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(makers); i++) {
        again(NULL, 0, 0);
        assert_int_equal(makers[i].make(), 0);
        assert_int_equal(kernel.loads, 1);
        assert_true(kernel.instructions > 4);
        const int rules = (int)kernel.rules;
        for (int at = 0; at < rules; at++) {
            again("rule", EINVAL, at);
            assert_fails(&makers[i], EINVAL);
            assert_int_equal(kernel.rules, at + 1);
        }
        again("init", ENOMEM, 0);
        assert_fails(&makers[i], ENOMEM);
    }
    again("architecture", EINVAL, 0);
    assert_fails(&makers[0], EINVAL);
}

/* A rule about a call that this machine does not have is none. */
static void calls_that_another_machine_has(void **state)
{
    (void)state;
    for (size_t i = FIRST_OF_COLLECTOR; i < COUNT(makers); i++) {
        again("rule", EDOM, 0);
        assert_int_equal(makers[i].make(), 0);
        again("rule", EOPNOTSUPP, 0);
        assert_int_equal(makers[i].make(), 0);
        assert_int_equal(kernel.loads, 1);
    }
    again("rule", EDOM, 0);
    assert_fails(&makers[0], EDOM); /* the memory's, which every machine has */
    assert_true(kernel.rules > 50);
}

static void kernels_that_end_threads_alone(void **state)
{
    (void)state;
    assert_int_equal(lock_all(), 0);
    assert_true(kernel.kills > 50 && kernel.kill_threads == 0);
    kernel.kills = 0;
    kernel.level = 2;
    assert_int_equal(lock_all(), 0);
    assert_true(kernel.kill_threads > 50 && kernel.kills == 0);
}

static void flags_that_a_kernel_lacks(void **state)
{
    (void)state;
    assert_int_equal(collect_live(), 0);
    assert_int_equal(kernel.flags, SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW);
    kernel.no_flag = EINVAL;
    again(NULL, 0, 0);
    assert_int_equal(collect_live(), 0);
    assert_int_equal(kernel.flags, SECCOMP_FILTER_FLAG_TSYNC);
    assert_int_equal(kernel.loads, 1);
    assert_int_equal(lock_all(), 0);
    assert_int_equal(kernel.flags, 0);
    again("seccomp", EACCES, 0);
    assert_fails(collector, EACCES);
    kernel.no_flag = EPERM;
    again(NULL, 0, 0);
    assert_fails(collector, EPERM);
    /* A thread that cannot take it: the kernel says which. */
    kernel.no_flag = EINVAL;
    kernel.thread = 1234;
    again(NULL, 0, 0);
    assert_int_equal(collect_live(), -1);
    assert_int_equal(errno, ESRCH);
    /* What is asked of an older libseccomp, and it does not know. */
    kernel.thread = 0;
    again("attribute", EEXIST, 0);
    assert_int_equal(collect_live(), 0);
    assert_int_equal(kernel.flags, 0);
}

static void steps_that_fail(void **state)
{
    static const struct {
        const char *call;
        int error, told;
    } steps[] = {{"pipe2", ENFILE, ENFILE},   {"signal", EINVAL, EINVAL},
                 {"setitimer", EPERM, EPERM}, {"export", EINVAL, EINVAL},
                 {"half", 0, EINVAL},         {"nothing", 0, EINVAL},
                 {"read", EIO, EIO}};

    (void)state;
    for (size_t i = 0; i < COUNT(steps); i++) {
        again(steps[i].call, steps[i].error, 0);
        assert_fails(collector, steps[i].told);
    }
    /* Memory that ended while it was made, of which libseccomp says nothing. */
    again(NULL, 0, 0);
    kernel.lost = true;
    assert_fails(collector, ENOMEM);
    kernel.lost = false;
    kernel.interrupts = true;
    assert_int_equal(collect_live(), 0);
    assert_int_equal(kernel.loads, 1);
    kernel.interrupts = false;
    again("longest", 0, 0);
    assert_int_equal(collect_live(), 0);
    assert_int_equal(kernel.instructions, BPF_MAXINSNS);
    errno = ENOMEM;
    assert_int_equal(sockq_seccomp_load(NULL), -ENOMEM);
}

/* Without descriptors the list goes to the kernel at once. */
static void no_descriptors_for_a_pipe(void **state)
{
    (void)state;
    kernel.no_pipe = EMFILE;
    assert_int_equal(collect_live(), 0);
    assert_int_equal(kernel.loads, 1);
    again("load", EPERM, 0);
    assert_fails(collector, EPERM);
}

static int load_and_fail(void)
{
    kernel.no_pipe = EMFILE;
    kernel.lost = true;
    return collect_live();
}

static int make_without_end(void)
{
    again("endless", 0, 0);
    return collect_live();
}

/* In a child, what it writes. @return its exit status */
static int status_of(int (*run)(void), char *said, size_t size)
{
    int ends[2], status;

    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (dup2(ends[1], STDERR_FILENO) < 0)
            _exit(99);
        _exit(run() < 0 ? 98 : 97);
    }
    close(ends[1]);
    const ssize_t n = __real_read(ends[0], said, size - 1);
    said[n > 0 ? n : 0] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* What libseccomp leaves out, and where it does not end, the process cannot go on with. */
static void a_filter_that_cannot_be_made_ends_the_process(void **state)
{
    static int (*const runs[])(void) = {load_and_fail, make_without_end};
    char said[256];

    (void)state;
    for (size_t i = 0; i < COUNT(runs); i++) {
        assert_int_equal(status_of(runs[i], said, sizeof(said)), 3);
        assert_non_null(strstr(said, "sockq: seccomp: the filter cannot be made, for want of"));
    }
}

static void what_is_missing_and_what_ran_out(void **state)
{
    static const int missing[] = {ENOSYS, EPERM, EACCES, EINVAL},
                     ran_out[] = {ENOMEM, EMFILE, ENFILE, EAGAIN};

    (void)state;
    for (size_t i = 0; i < COUNT(missing); i++)
        assert_true(sockq_seccomp_is_missing(missing[i]));
    for (size_t i = 0; i < COUNT(ran_out); i++)
        assert_false(sockq_seccomp_is_missing(ran_out[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SECCOMP_TEST(a_list_that_lacks_a_rule_is_not_loaded),
        SECCOMP_TEST(calls_that_another_machine_has),
        SECCOMP_TEST(kernels_that_end_threads_alone),
        SECCOMP_TEST(flags_that_a_kernel_lacks),
        SECCOMP_TEST(steps_that_fail),
        SECCOMP_TEST(no_descriptors_for_a_pipe),
        SECCOMP_TEST(a_filter_that_cannot_be_made_ends_the_process),
        SECCOMP_TEST(what_is_missing_and_what_ran_out),
    };

    return cmocka_run_group_tests_name("seccomp", tests, NULL, NULL);
}

/*
 * Giving up privileges, against a kernel of the test's own: what is asked of it, what is kept, and
 * that each step which does not hold, or only says that it does, is a failure.
 *
 * Linked with the options in test_privilege.link, so that the calls come here first.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helper.h"
#include "privilege.h"

enum { PARENT = 77, CALLER = 1000, NOBODY = 65534, GROUP = 50 };

#define ALL (((uint64_t)1 << 41) - 1)
#define CAP(number) ((uint64_t)1 << (number))
#define READING (CAP(CAP_SYS_PTRACE) | CAP(CAP_DAC_READ_SEARCH))

/* A process, as the kernel has it. */
struct process {
    uid_t uids[3]; /* real, effective, saved */
    gid_t gids[3];
    int groups;
    uint64_t capabilities;
    uint64_t effective;
    uint64_t bounding;
    bool ambient, no_new, dumpable, keeps, secure;
    int dies_by;
};

static struct process process;

/* What fails, and, for lie, what is answered as if it were done. */
static struct {
    const char *call; /* NULL: nothing; "prctl 38" for one of its options */
    int error;
    int passes; /* so many of its calls work before */
    bool once;  /* and all behind the one that failed */
    const char *lie;
    int stuck;          /* 0 to 5: an id, uids first, that no call changes */
    bool no_descriptor; /* close_range is not there */
} plan;

static bool fails(const char *call)
{
    if (!plan.call || strcmp(plan.call, call) != 0 || plan.passes-- > 0)
        return false;
    errno = plan.error;
    if (plan.once)
        plan.call = NULL;
    return true;
}

static bool lies(const char *call)
{
    return plan.lie && strcmp(plan.lie, call) == 0;
}

#define GETTER(type, name, value)                                                                  \
    type __wrap_##name(void);                                                                      \
    type __wrap_##name(void)                                                                       \
    {                                                                                              \
        return value;                                                                              \
    }

GETTER(uid_t, getuid, process.uids[0])
GETTER(uid_t, geteuid, process.uids[1])
GETTER(gid_t, getgid, process.gids[0])
GETTER(gid_t, getegid, process.gids[1])
GETTER(pid_t, getppid, lies("getppid") ? 1 : PARENT)

unsigned long __real_getauxval(unsigned long type);
unsigned long __wrap_getauxval(unsigned long type);
unsigned long __wrap_getauxval(unsigned long type)
{
    return type == AT_SECURE ? process.secure : __real_getauxval(type);
}

#define THREE_IDS(type, name, get, set, first)                                                     \
    int __wrap_##get(type *a, type *b, type *c);                                                   \
    int __wrap_##get(type *a, type *b, type *c)                                                    \
    {                                                                                              \
        if (fails(#get))                                                                           \
            return -1;                                                                             \
        *a = process.name[0], *b = process.name[1], *c = process.name[2];                          \
        return 0;                                                                                  \
    }                                                                                              \
    int __wrap_##set(type a, type b, type c);                                                      \
    int __wrap_##set(type a, type b, type c)                                                       \
    {                                                                                              \
        const type to[3] = {a, b, c};                                                              \
        if (fails(#set))                                                                           \
            return -1;                                                                             \
        for (int i = 0; i < 3; i++)                                                                \
            if (to[i] != (type)-1 && plan.stuck != (first) + i)                                    \
                process.name[i] = to[i];                                                           \
        return 0;                                                                                  \
    }

THREE_IDS(uid_t, uids, getresuid, setresuid, 0)
THREE_IDS(gid_t, gids, getresgid, setresgid, 3)

int __wrap_setuid(uid_t uid);
int __wrap_setuid(uid_t uid)
{
    if (lies("setuid") || process.uids[0] == uid)
        return 0;
    errno = EPERM;
    return -1;
}

int __wrap_getgroups(int size, gid_t *list);
int __wrap_getgroups(int size, gid_t *list)
{
    assert_int_equal(size, SOCKQ_GROUPS_MOST);
    for (int i = 0; i < process.groups; i++)
        list[i] = GROUP + (gid_t)i;
    return fails("getgroups") ? -1 : process.groups;
}

int __wrap_setgroups(size_t count, const gid_t *list);
int __wrap_setgroups(size_t count, const gid_t *list)
{
    if (fails("setgroups"))
        return -1;
    for (size_t i = 0; i < count; i++)
        assert_int_equal(list[i], GROUP + i);
    process.groups = (int)count;
    return 0;
}

static int prctl_of(int option, unsigned long value, void *at)
{
    switch (option) {
    case PR_CAPBSET_READ:
        return value <= 40 ? (process.bounding >> value & 1) != 0 : -1;
    case PR_CAPBSET_DROP:
        process.bounding &= ~CAP(value);
        return 0;
    case PR_CAP_AMBIENT:
        process.ambient = false;
        return 0;
    case PR_SET_NO_NEW_PRIVS:
        process.no_new = true;
        return 0;
    case PR_GET_NO_NEW_PRIVS:
        return process.no_new;
    case PR_SET_DUMPABLE:
        process.dumpable = value;
        return 0;
    case PR_GET_DUMPABLE:
        return process.dumpable;
    case PR_SET_KEEPCAPS:
        process.keeps = value;
        return 0;
    case PR_SET_PDEATHSIG:
        process.dies_by = (int)value;
        return 0;
    case PR_GET_PDEATHSIG:
        memcpy(at, &process.dies_by, sizeof(process.dies_by));
        return 0;
    default:
        errno = EINVAL;
        return -1;
    }
}

int __wrap_prctl(int option, ...);
int __wrap_prctl(int option, ...)
{
    char name[24];
    va_list list;

    va_start(list, option);
    unsigned long value = va_arg(list, unsigned long);
    va_end(list);
    snprintf(name, sizeof(name), "prctl %d", option);
    if (fails(name))
        return -1;
    return lies(name) ? 0 : prctl_of(option, value, (void *)value);
}

static long set_or_get(bool set, struct __user_cap_data_struct *data)
{
    if (set && !lies("capset")) {
        process.capabilities = data[0].permitted | (uint64_t)data[1].permitted << 32;
        process.effective = data[0].effective | (uint64_t)data[1].effective << 32;
    }
    if (!set) {
        memset(data, 0, 2 * sizeof(*data));
        data[0].permitted = (uint32_t)process.capabilities;
        data[1].permitted = (uint32_t)(process.capabilities >> 32);
        data[0].effective = (uint32_t)process.effective;
        data[1].effective = (uint32_t)(process.effective >> 32);
    }
    return 0;
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
    if (number == SYS_capset || number == SYS_capget) {
        if (fails(number == SYS_capset ? "capset" : "capget"))
            return -1;
        return set_or_get(number == SYS_capset, (struct __user_cap_data_struct *)words[1]);
    }
    if (fails("close_range"))
        return -1;
    return __real_syscall(number, words[0], words[1], words[2]);
}

DIR *__real_opendir(const char *path);
DIR *__wrap_opendir(const char *path);
DIR *__wrap_opendir(const char *path)
{
    return plan.no_descriptor ? NULL : __real_opendir(path);
}

int __real_getrlimit(__rlimit_resource_t resource, struct rlimit *limit);
int __wrap_getrlimit(__rlimit_resource_t resource, struct rlimit *limit);
int __wrap_getrlimit(__rlimit_resource_t resource, struct rlimit *limit)
{
    return fails("getrlimit") ? -1 : __real_getrlimit(resource, limit);
}

static void be(uid_t real, uid_t effective, uint64_t capabilities)
{
    process = (struct process){.uids = {real, effective, effective},
                               .gids = {real, effective, effective},
                               .groups = 3,
                               .capabilities = capabilities,
                               .effective = capabilities,
                               .bounding = ALL,
                               .ambient = true,
                               .dumpable = true};
    memset(&plan, 0, sizeof(plan));
    plan.stuck = -1;
    unsetenv("SUDO_UID");
    unsetenv("SUDO_GID");
}

static struct sockq_invoker invoker_of(const char *uid, const char *gid)
{
    struct sockq_invoker invoker;

    if (uid)
        setenv("SUDO_UID", uid, 1);
    if (gid)
        setenv("SUDO_GID", gid, 1);
    sockq_invoker_find(&invoker);
    return invoker;
}

static void who_asks(void **state)
{
    static const char *const no_ids[] = {"",   "0",  "-1", "4294967295", "4294967296", "1000 ",
                                         " 1", "+1", "1x", "0x10",       NULL};
    struct sockq_invoker invoker;

    (void)state;
    be(CALLER, CALLER, 0);
    invoker = invoker_of("7", "8");
    assert_false(invoker.privileged || invoker.is_root || invoker.secure);
    assert_int_equal(invoker.uid, CALLER);
    be(0, 0, ALL);
    invoker = invoker_of(NULL, NULL);
    assert_true(invoker.privileged && invoker.is_root && !invoker.secure);
    assert_int_equal(invoker.uid, NOBODY);
    assert_int_equal(invoker.gid, NOBODY);
    invoker = invoker_of("7", "8");
    assert_true(invoker.privileged && !invoker.is_root);
    assert_int_equal(invoker.uid, 7);
    assert_int_equal(invoker.gid, 8);
    /* Half a sudo is none. */
    for (int i = 0; no_ids[i]; i++) {
        assert_true(invoker_of(no_ids[i], "8").is_root);
        assert_true(invoker_of("7", no_ids[i]).is_root);
    }
    unsetenv("SUDO_GID");
    assert_true(invoker_of("7", NULL).is_root);
    /* A setuid program: nothing that the caller says counts. */
    be(CALLER, 0, ALL);
    process.secure = true;
    invoker = invoker_of("7", "8");
    assert_true(invoker.privileged && invoker.secure && !invoker.is_root);
    assert_int_equal(invoker.uid, CALLER);
    be(0, 0, ALL);
    process.secure = true;
    invoker = invoker_of("7", "8");
    assert_true(invoker.is_root && invoker.secure);
    assert_int_equal(invoker.uid, NOBODY);
}

static const struct sockq_invoker
    caller = {.uid = CALLER, .gid = CALLER},
    sudo = {.uid = CALLER, .gid = CALLER, .privileged = true},
    root = {.uid = NOBODY, .gid = NOBODY, .privileged = true, .is_root = true},
    set_user_id = {.uid = CALLER, .gid = CALLER, .privileged = true, .secure = true};

static void assert_ids(uid_t id)
{
    for (int i = 0; i < 3; i++) {
        assert_int_equal(process.uids[i], id);
        assert_int_equal(process.gids[i], id);
    }
}

static void the_interpreter_keeps_nothing(void **state)
{
    (void)state;
    be(0, 0, ALL);
    assert_int_equal(sockq_interpreter_confine(&root, PARENT), 0);
    assert_ids(NOBODY);
    assert_int_equal(process.groups, 0);
    assert_true(process.capabilities == 0 && process.effective == 0 && process.bounding == 0);
    assert_true(process.no_new && !process.dumpable && !process.ambient);
    assert_int_equal(process.dies_by, SIGKILL);
    /* Who has no more rights than the caller stays the caller. */
    be(CALLER, CALLER, 0);
    assert_int_equal(sockq_interpreter_confine(&caller, PARENT), 0);
    assert_ids(CALLER);
    assert_int_equal(process.groups, 3);
    assert_true(process.no_new && !process.dumpable);
}

/* A step that fails, or lies, and what is told: errno. */
struct step {
    const char *name;
    const char *call; /* that fails, or NULL */
    int error;
    int passes;
    const char *lie;
    int stuck;
    int told; /* 0: it is tolerated */
};

#define FAILS(call, error)                                                                         \
    {                                                                                              \
#call " fails with " #error, #call, error, 0, NULL, -1, error                              \
    }
#define TOLERATED(call, error)                                                                     \
    {                                                                                              \
#call " fails with " #error, #call, error, 0, NULL, -1, 0                                  \
    }
#define LIES(call, told)                                                                           \
    {                                                                                              \
        "a lie of " call, NULL, 0, 0, call, -1, told                                               \
    }
#define STUCK(number)                                                                              \
    {                                                                                              \
        "id " #number " is stuck", NULL, 0, 0, NULL, number, EPERM                                 \
    }
#define OPTION(number, error)                                                                      \
    {                                                                                              \
        "prctl " #number, "prctl " #number, error, 0, NULL, -1, error                              \
    }

static const struct step interpreter_steps[] = {
    FAILS(setgroups, ENOMEM),
    TOLERATED(setgroups, EPERM),
    TOLERATED(setgroups, EINVAL),
    FAILS(setresgid, EAGAIN),
    TOLERATED(setresgid, EPERM),
    TOLERATED(setresgid, EINVAL),
    FAILS(setresuid, EAGAIN),
    TOLERATED(setresuid, EPERM),
    FAILS(getresuid, EFAULT),
    FAILS(getresgid, EFAULT),
    STUCK(0),
    STUCK(1),
    STUCK(2),
    STUCK(3),
    STUCK(4),
    STUCK(5),
    LIES("setuid", EPERM),
    FAILS(capset, EPERM),
    FAILS(capget, EINVAL),
    LIES("capset", EPERM),
    OPTION(38, EINVAL), /* PR_SET_NO_NEW_PRIVS */
    OPTION(4, EINVAL),  /* PR_SET_DUMPABLE */
    OPTION(1, EINVAL),  /* PR_SET_PDEATHSIG */
    {"what it dies by is not told", "prctl 2", EINVAL, 0, NULL, -1, EPERM},
    LIES("prctl 38", EPERM),
    LIES("prctl 4", EPERM),
    LIES("prctl 1", EPERM),
    LIES("getppid", ESRCH),
};

static void check_told(const struct step *step, int result, int error)
{
    assert_int_equal(result, step->told ? -1 : 0);
    if (step->told)
        assert_int_equal(error, step->told);
}

static void plan_step(const struct step *step)
{
    plan.call = step->call;
    plan.error = step->error;
    plan.passes = step->passes;
    plan.lie = step->lie;
    plan.stuck = step->stuck;
}

static void one_interpreter_step(void **state)
{
    struct fixture *f = *state;
    const struct step *step = f->given;

    be(0, 0, ALL);
    plan_step(step);
    int result = sockq_interpreter_confine(&root, PARENT);
    check_told(step, result, errno);
    if (!step->told) /* What else is given up decides. */
        assert_true(process.capabilities == 0 && process.no_new && !process.dumpable);
    be(0, 0, ALL);
}

/* What the collector is left with: for whom, live or not, before and behind the namespaces. */
struct keeping {
    const char *name;
    const struct sockq_invoker *invoker;
    uint64_t held;
    bool live, enters, marks;
    uint64_t kept, more; /* capabilities after the one, and the other */
    uid_t id;
};

#define ROOT_READS (READING | CAP(CAP_KILL))
#define NO_PTRACE (ALL & ~CAP(CAP_SYS_PTRACE))

static const struct keeping keepings[] = {
    {"a caller without rights", &caller, 0, true, true, false, 0, 0, CALLER},
    {"a caller with file capabilities", &caller, READING, true, false, false, READING, READING,
     CALLER},
    {"sudo", &sudo, ALL, true, false, false, READING, READING, CALLER},
    {"sudo in namespaces", &sudo, ALL, true, true, false, READING | CAP(CAP_SYS_ADMIN), READING,
     CALLER},
    {"sudo with a tree", &sudo, ALL, false, false, false, 0, 0, CALLER},
    {"root", &root, ALL, true, false, false, ROOT_READS, ROOT_READS, 0},
    {"root in namespaces", &root, ALL, true, true, false, ROOT_READS | CAP(CAP_SYS_ADMIN),
     ROOT_READS, 0},
    {"root with a tree", &root, ALL, false, false, false, 0, 0, NOBODY},
    {"sudo with marks", &sudo, ALL, true, true, true,
     READING | CAP(CAP_SYS_ADMIN) | CAP(CAP_NET_ADMIN), READING | CAP(CAP_NET_ADMIN), CALLER},
    {"sudo with marks of a tree", &sudo, ALL, false, false, true, 0, 0, CALLER},
    {"root with marks", &root, ALL, true, false, true, ROOT_READS | CAP(CAP_NET_ADMIN),
     ROOT_READS | CAP(CAP_NET_ADMIN), 0},
    {"a setuid file with marks", &set_user_id, ALL, true, false, true, READING, READING, CALLER},
    {"a caller without rights, with marks", &caller, 0, true, false, true, 0, 0, CALLER},
    {"root in a container", &root, NO_PTRACE, true, false, false, NO_PTRACE, NO_PTRACE, 0},
    {"root without rights", &root, 0, true, true, false, 0, 0, 0},
};

static void one_keeping(void **state)
{
    struct fixture *f = *state;
    const struct keeping *keeping = f->given;
    uid_t before = keeping->invoker->privileged ? 0 : CALLER;

    be(before, before, keeping->held);
    assert_int_equal(
        sockq_collector_confine(keeping->invoker, keeping->live, keeping->marks, keeping->enters),
        0);
    assert_true(process.capabilities == keeping->kept && process.effective == keeping->kept);
    assert_ids(keeping->id);
    assert_true(process.no_new && !process.ambient);
    assert_int_equal(process.dumpable, !keeping->invoker->privileged);
    assert_int_equal(sockq_collector_confine_more(keeping->invoker, keeping->live, keeping->marks),
                     0);
    assert_true(process.capabilities == keeping->more);
    assert_int_equal(sockq_capabilities_drop(), 0);
    assert_true(process.capabilities == 0 && process.effective == 0);
}

static const struct step collector_steps[] = {
    OPTION(8, EPERM), /* PR_SET_KEEPCAPS */
    FAILS(setresuid, EAGAIN), {"capset", "capset", EPERM, 0, NULL, -1, EPERM},
    LIES("capset", EPERM),    OPTION(38, EINVAL),
    OPTION(4, EINVAL),
};

static void one_collector_step(void **state)
{
    struct fixture *f = *state;
    const struct step *step = f->given;

    be(0, 0, ALL);
    plan_step(step);
    int result = sockq_collector_confine(&sudo, true, false, false);
    check_told(step, result, errno);
    be(0, 0, ALL);
}

/* Without knowing what it holds it keeps nothing. */
static void capabilities_that_cannot_be_read(void **state)
{
    (void)state;
    be(0, 0, ALL);
    plan.call = "capget";
    plan.error = EINVAL;
    plan.once = true;
    assert_int_equal(sockq_collector_confine_more(&sudo, true, false), 0);
    assert_true(process.capabilities == 0);
    be(0, 0, ALL);
}

static struct sockq_posed posed;

static void files_are_looked_for_with_the_rights_of_who_asks(void **state)
{
    (void)state;
    be(0, 0, ALL);
    assert_int_equal(sockq_invoker_pose(&sudo, &posed), 0);
    assert_int_equal(process.uids[1], CALLER);
    assert_int_equal(process.gids[1], CALLER);
    assert_int_equal(process.uids[2], 0);
    assert_int_equal(process.groups, 0);
    assert_true(process.effective == 0 && process.capabilities == ALL);
    assert_int_equal(sockq_invoker_unpose(&posed), 0);
    assert_ids(0);
    assert_int_equal(process.groups, 3);
    assert_true(process.effective == ALL);
    /* Root and who has no more rights stay what they are. */
    assert_int_equal(sockq_invoker_pose(&root, &posed), 0);
    assert_ids(0);
    assert_int_equal(sockq_invoker_unpose(&posed), 0);
    be(CALLER, CALLER, 0);
    assert_int_equal(sockq_invoker_pose(&caller, &posed), 0);
    assert_int_equal(sockq_invoker_unpose(&posed), 0);
    assert_ids(CALLER);
    assert_int_equal(process.groups, 3);
}

static const struct step pose_steps[] = {
    FAILS(getgroups, EINVAL), FAILS(capget, EINVAL),       FAILS(setgroups, ENOMEM),
    FAILS(setresgid, EPERM),  TOLERATED(setgroups, EPERM), FAILS(setresuid, EAGAIN),
    FAILS(capset, EPERM),
};

static const struct step unpose_steps[] = {
    FAILS(setresuid, EPERM),  FAILS(capset, EPERM),        FAILS(setresgid, EPERM),
    FAILS(setgroups, ENOMEM), TOLERATED(setgroups, EPERM),
};

static void one_pose_step(void **state)
{
    struct fixture *f = *state;
    const struct step *step = f->given;

    be(0, 0, ALL);
    plan_step(step);
    int result = sockq_invoker_pose(&sudo, &posed);
    check_told(step, result, errno);
    be(0, 0, ALL);
}

static void one_unpose_step(void **state)
{
    struct fixture *f = *state;
    const struct step *step = f->given;

    be(0, 0, ALL);
    assert_int_equal(sockq_invoker_pose(&sudo, &posed), 0);
    plan_step(step);
    int result = sockq_invoker_unpose(&posed);
    check_told(step, result, errno);
    be(0, 0, ALL);
}

static void calls_that_are_missing(void **state)
{
    static const char *const calls[][2] = {{"prctl 3", "prctl"},
                                           {"capget", "capget"},
                                           {"capset", "capset"},
                                           {"getrlimit", "prlimit64"}};

    (void)state;
    for (size_t i = 0; i < COUNT(calls); i++) {
        be(CALLER, CALLER, 0);
        assert_null(sockq_privilege_calls());
        plan.call = calls[i][0];
        plan.error = ENOSYS;
        assert_string_equal(sockq_privilege_calls(), calls[i][1]);
        assert_int_equal(errno, ENOSYS);
    }
    be(0, 0, ALL);
}

/* Descriptors that stay open: of 3 to 12, which are all open before. */
struct closing {
    const char *name;
    int keep, also;
    int passes; /* calls of close_range that work, then one fails; -1: all work */
    bool no_folder;
};

static const struct closing closings[] = {
    {"none is kept", -1, -1, -1, false},
    {"none is kept, by hand", -1, -1, 0, false},
    {"none is kept, by hand without a list", -1, -1, 0, true},
    {"the lowest", 3, -1, -1, false},
    {"one in the middle", 7, -1, -1, false},
    {"two beside each other", 7, 8, -1, false},
    {"two, the second below", 9, 4, -1, false},
    {"two, the second above", 4, 9, -1, false},
    {"the lowest, by hand", 3, 9, 0, false},
    {"two, the first call fails", 5, 9, 0, false},
    {"two, the second call fails", 5, 9, 1, false},
    {"two, the third call fails", 5, 9, 2, false},
    {"two, by hand without a list", 9, 5, 0, true},
    {"the second is one of the first three", 6, 1, -1, false},
};

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

/* In a child: what the test needs of descriptors is closed as well. @return 0, or a descriptor */
static int close_and_look(const struct closing *closing)
{
    int null = open("/dev/null", O_RDONLY);

    for (int fd = 3; fd <= 12; fd++)
        if (dup2(null, fd) < 0)
            return 99;
    be(0, 0, ALL);
    plan.call = closing->passes >= 0 ? "close_range" : NULL;
    plan.error = ENOSYS;
    plan.passes = closing->passes;
    plan.no_descriptor = closing->no_folder;
    sockq_descriptors_close(closing->keep, closing->also);
    for (int fd = 3; fd <= 12; fd++)
        if (is_open(fd) != (fd == closing->keep || fd == closing->also))
            return fd;
    return is_open(0) && is_open(1) && is_open(2) ? 0 : 98;
}

static void one_closing(void **state)
{
    struct fixture *f = *state;
    int status;

    be(0, 0, ALL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(close_and_look(f->given));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

#define RUN(cases, test) run_cases(#cases, cases, sizeof((cases)[0]), COUNT(cases), test)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_asks),
        cmocka_unit_test(the_interpreter_keeps_nothing),
        cmocka_unit_test(files_are_looked_for_with_the_rights_of_who_asks),
        cmocka_unit_test(calls_that_are_missing),
        cmocka_unit_test(capabilities_that_cannot_be_read),
    };

    be(0, 0, ALL);
    return RUN(interpreter_steps, one_interpreter_step) + RUN(collector_steps, one_collector_step) +
           RUN(keepings, one_keeping) + RUN(pose_steps, one_pose_step) +
           RUN(unpose_steps, one_unpose_step) + RUN(closings, one_closing) +
           cmocka_run_group_tests_name("privilege", tests, NULL, NULL);
}

/*
 * Opening the /proc that is read: what a captured tree may lead to, with openat2 and where a kernel
 * or a filter does not have it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helper.h"

/* Paths of the tree that make_tree builds; 0: opens, else errno. */
struct path_case {
    const char *path;
    int flags;
    int error;         /* with openat2 */
    int without_links; /* where no link is followed */
};

static const struct path_case paths[] = {
    {"file", 0, 0, 0},
    {"folder/file", 0, 0, 0},
    {"folder", O_DIRECTORY, 0, 0},
    {".", O_DIRECTORY, 0, 0},
    {"file", O_DIRECTORY, ENOTDIR, ENOTDIR},
    {"missing", 0, ENOENT, ENOENT},
    {"missing/file", 0, ENOENT, ENOENT},
    {"file/file", 0, ENOTDIR, ENOTDIR},
    {"..", O_DIRECTORY, EXDEV, EXDEV},
    {"folder/../../etc/passwd", 0, EXDEV, EXDEV},
    {"/etc/passwd", 0, EXDEV, EINVAL},
    {"inside", 0, 0, ELOOP},
    {"inside-folder/file", 0, 0, ENOTDIR},
    {"up-and-down", 0, 0, ELOOP},
    {"loop", 0, ELOOP, ELOOP},
    {"absolute", 0, EXDEV, ELOOP},
    {"out", 0, EXDEV, ELOOP},
    {"dangling", 0, ENOENT, ELOOP},
};

static void make_tree(struct fixture *f)
{
    put_text(f, "file", "text");
    put_text(f, "folder/file", "text");
    put_link(f, "inside", "folder/file");
    put_link(f, "inside-folder", "folder");
    put_link(f, "up-and-down", "folder/../file");
    put_link(f, "loop", "loop");
    put_link(f, "absolute", "/etc/passwd");
    put_link(f, "out", "../../../../../../../../etc/passwd");
    put_link(f, "dangling", "nowhere");
}

/* The number, from 1, of the first path that does not open as it should; 0 if all do. */
static int wrong_path(const struct fixture *f, bool without_links)
{
    for (int i = 0; i < (int)COUNT(paths); i++) {
        int error = without_links ? paths[i].without_links : paths[i].error;
        errno = 0;
        int fd = sockq_proc_openat(&f->proc, paths[i].path, paths[i].flags);
        if ((fd < 0 ? errno : 0) != error)
            return i + 1;
        if (fd < 0)
            continue;
        if (!(fcntl(fd, F_GETFD) & FD_CLOEXEC) || !(fcntl(fd, F_GETFL) & O_NONBLOCK))
            return i + 1;
        close(fd);
    }
    return 0;
}

static void links_stay_in_the_tree(void **state)
{
    struct fixture *f = *state;

    make_tree(f);
    int wrong = wrong_path(f, false);
    if (wrong)
        fail_msg("%s: %s", paths[wrong - 1].path, strerror(errno));
}

/* Make openat2 fail with an errno from here on, in this process and its children. */
static bool forbid_openat2(uint32_t error)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = COUNT(code), .filter = code};

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static void no_link_without_openat2(void **state)
{
    static const uint32_t errors[] = {ENOSYS, EPERM};
    struct fixture *f = *state;
    int status;

    make_tree(f);
    for (size_t i = 0; i < COUNT(errors); i++) {
        fflush(NULL);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            if (!forbid_openat2(errors[i]))
                _exit(100);
            _exit(wrong_path(f, true));
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        if (WEXITSTATUS(status) == 100) {
            print_message("SKIPPED: no filter can be set here\n");
            skip();
        }
        if (WEXITSTATUS(status) != 0)
            fail_msg("without openat2: %s", paths[WEXITSTATUS(status) - 1].path);
    }
}

/* How many calls of openat2 are answered as while anything is renamed or mounted; all others pass.
 */
static unsigned disturbed;

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

long __wrap_syscall(long number, ...)
{
    long a[4];
    va_list list;

    va_start(list, number);
    for (size_t i = 0; i < COUNT(a); i++)
        a[i] = va_arg(list, long);
    va_end(list);
    if (number == SYS_openat2 && disturbed) {
        disturbed--;
        errno = EAGAIN;
        return -1;
    }
    return __real_syscall(number, a[0], a[1], a[2], a[3]);
}

/* openat2 gives up at a ".." while anybody renames a file, of whichever file system: found by
 * fuzzing. */
static void renaming_elsewhere_disturbs_no_open(void **state)
{
    struct fixture *f = *state;

    make_tree(f);
    for (unsigned times = 1; times < 100; times++) {
        disturbed = times;
        int fd = sockq_proc_openat(&f->proc, "up-and-down", 0);
        assert_true(fd >= 0);
        close(fd);
        assert_int_equal(disturbed, 0);
    }
    /* One that never ends is an error, not a loop. */
    disturbed = UINT_MAX;
    assert_int_equal(sockq_proc_openat(&f->proc, "up-and-down", 0), -1);
    assert_int_equal(errno, EAGAIN);
    disturbed = 0;
}

static void the_tree_itself(void **state)
{
    struct fixture *f = *state;
    struct sockq_proc proc;

    put_text(f, "file", "");
    assert_int_equal(sockq_proc_open(&proc, path_of(f, "missing")), -1);
    assert_int_equal(errno, ENOENT);
    sockq_proc_close(&proc);
    assert_int_equal(sockq_proc_open(&proc, path_of(f, "file")), -1);
    assert_int_equal(errno, ENOTDIR);
    put_link(f, "link", "folder");
    put_folder(f, "folder");
    assert_int_equal(sockq_proc_open(&proc, path_of(f, "link")), 0);
    assert_false(proc.live);
    sockq_proc_close(&proc);
    assert_int_equal(proc.fd, -1);
    sockq_proc_close(&proc);
}

static void the_live_proc(void **state)
{
    struct sockq_proc proc;
    char text[64];

    (void)state;
    assert_int_equal(sockq_proc_open(&proc, NULL), 0);
    assert_true(proc.live);
    ssize_t n = sockq_proc_read(&proc, "sys/kernel/ostype", text, sizeof(text));
    assert_int_equal(n, 6);
    assert_memory_equal(text, "Linux\n", 6);
    int fd = sockq_proc_openat(&proc, "net/unix", 0);
    assert_true(fd >= 0);
    close(fd);
    sockq_proc_close(&proc);
}

/* Bits of a folder or a FIFO are no text; a FIFO does not block. */
static void only_regular_files_are_read(void **state)
{
    struct fixture *f = *state;
    char text[8];

    put_folder(f, "folder");
    assert_int_equal(mkfifo(path_of(f, "fifo"), 0644), 0);
    assert_int_equal(sockq_proc_read(&f->proc, "folder", text, sizeof(text)), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(sockq_proc_read(&f->proc, "fifo", text, sizeof(text)), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(sockq_proc_read(&f->proc, "missing", text, sizeof(text)), -1);
    assert_int_equal(errno, ENOENT);
    put_text(f, "file", "0123456789");
    assert_int_equal(sockq_proc_read(&f->proc, "file", text, sizeof(text)), 8);
    put_text(f, "empty", "");
    assert_int_equal(sockq_proc_read(&f->proc, "empty", text, sizeof(text)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(links_stay_in_the_tree),
        FIXTURE_TEST(no_link_without_openat2),
        FIXTURE_TEST(renaming_elsewhere_disturbs_no_open),
        FIXTURE_TEST(the_tree_itself),
        FIXTURE_TEST(the_live_proc),
        FIXTURE_TEST(only_regular_files_are_read),
    };

    return cmocka_run_group_tests_name("proc", tests, NULL, NULL);
}

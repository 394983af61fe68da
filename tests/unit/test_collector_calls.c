/*
 * The collector's system calls: what reading needs works behind its list, everything else is
 * refused, and what never has a reason is answered by SIGSYS. Each attempt is a process of its own
 * that tries one call behind the list.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helper.h"
#include "sandbox/collector.h"

/* What an attempt came to. */
enum { WORKED = 1, REFUSED, STOPPED, NO_LIST, OTHER };

struct attempt {
    const char *name;
    int (*run)(void); /* -1 with errno, as the calls do */
    int want;
    bool captured; /* behind the list for a captured tree */
};

static pid_t other; /* a process that is no child of the attempt's */
static char scratch[64];

static int open_to_read(void)
{
    return openat(AT_FDCWD, "/proc/self/status", O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

static int list_a_folder(void)
{
    static char buffer[4096];
    int fd = openat(AT_FDCWD, "/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd < 0 ? -1 : (int)syscall(SYS_getdents64, fd, buffer, sizeof(buffer));
}

static int read_a_link(void)
{
    char text[64];

    return (int)readlinkat(AT_FDCWD, "/proc/self/exe", text, sizeof(text));
}

static void *add_one(void *count)
{
    ++*(int *)count;
    return NULL;
}

static int start_threads(void)
{
    pthread_t threads[4];
    int count = 0;

    for (int i = 0; i < 4; i++) {
        if ((errno = pthread_create(&threads[i], NULL, add_one, &count)) != 0)
            return -1;
        pthread_join(threads[i], NULL);
    }
    return count == 4 ? 0 : -1;
}

static int take_memory(void)
{
    char *p = malloc((size_t)64 << 20);

    if (!p)
        return -1;
    memset(p, 1, (size_t)64 << 20);
    free(p);
    return 0;
}

static int ask_the_kernel_for_unix_sockets(void)
{
    struct {
        struct nlmsghdr header;
        struct unix_diag_req request;
    } message = {.header = {.nlmsg_len = sizeof(message),
                            .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                            .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
                 .request = {.sdiag_family = AF_UNIX, .udiag_states = UINT32_MAX}};
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    static char answer[8192];
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

    if (fd < 0 || bind(fd, (struct sockaddr *)&kernel, sizeof(kernel)) < 0 ||
        sendto(fd, &message, sizeof(message), 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
        return -1;
    return (int)recv(fd, answer, sizeof(answer), 0);
}

static int end_its_child(void)
{
    return kill(getpid(), 0);
}

static int openat2_in_a_tree(void)
{
    const uint64_t how[3] = {O_RDONLY | O_CLOEXEC, 0, 0};

    return (int)syscall(SYS_openat2, AT_FDCWD, "/proc/self/status", how, sizeof(how));
}

static int try_openat(int flags)
{
    return openat(AT_FDCWD, scratch, flags, 0600);
}

static int open_to_write(void)
{
    return try_openat(O_WRONLY);
}

static int open_to_read_and_write(void)
{
    return try_openat(O_RDWR);
}

static int open_to_create(void)
{
    return try_openat(O_RDONLY | O_CREAT);
}

static int open_to_truncate(void)
{
    return try_openat(O_RDONLY | O_TRUNC);
}

static int open_to_append(void)
{
    return try_openat(O_RDONLY | O_APPEND);
}

static int open_without_a_name(void)
{
    return openat(AT_FDCWD, "/tmp", O_TMPFILE | O_RDWR, 0600);
}

static int open_the_old_way(void)
{
#ifdef SYS_open
    return (int)syscall(SYS_open, scratch, O_WRONLY);
#else
    errno = ENOSYS;
    return -1;
#endif
}

static int creat_a_file(void)
{
#ifdef SYS_creat
    return (int)syscall(SYS_creat, scratch, 0600);
#else
    errno = ENOSYS;
    return -1;
#endif
}

static int unlink_a_file(void)
{
    return unlinkat(AT_FDCWD, scratch, 0);
}

static int rename_a_file(void)
{
    return renameat(AT_FDCWD, scratch, AT_FDCWD, "/tmp/other");
}

static int make_a_folder(void)
{
    return mkdirat(AT_FDCWD, "/tmp/sockq-calls-folder", 0700);
}

static int make_a_link(void)
{
    return symlinkat("/etc/shadow", AT_FDCWD, "/tmp/sockq-calls-link");
}

static int change_a_mode(void)
{
    return fchmodat(AT_FDCWD, scratch, 04777, 0);
}

static int change_an_owner(void)
{
    return fchownat(AT_FDCWD, scratch, 1, 1, 0);
}

static int truncate_a_file(void)
{
    return truncate(scratch, 0);
}

static int internet_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, 0);
}

static int unix_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM, 0);
}

static int packet_socket(void)
{
    return socket(AF_PACKET, SOCK_RAW, 0);
}

static int route_socket(void)
{
    return socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
}

static int audit_socket(void)
{
    return socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT);
}

static int connect_somewhere(void)
{
    const struct sockaddr address = {.sa_family = AF_UNIX};

    return connect(0, &address, sizeof(address));
}

static int memory_that_runs(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                0) == MAP_FAILED
               ? -1
               : 0;
}

static int memory_made_to_run(void)
{
    static _Alignas(4096) char page[4096];

    return mprotect(page, sizeof(page), PROT_READ | PROT_EXEC);
}

static int signal_another(void)
{
    return kill(other, 0);
}

static int signal_everybody(void)
{
    return kill(-1, 0);
}

static int signal_a_thread_of_another(void)
{
    return (int)syscall(SYS_tgkill, other, other, 0);
}

static int signal_by_tkill(void)
{
    return (int)syscall(SYS_tkill, other, 0);
}

static int fork_by_the_library(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    return pid;
}

static int clone_as_fork(void)
{
    long pid = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);

    if (pid == 0)
        _exit(0);
    return (int)pid;
}

static int clone_into_a_namespace(void)
{
    long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);

    if (pid == 0)
        _exit(0);
    return (int)pid;
}

static int clone3_as_fork(void)
{
    uint64_t arguments[11] = {[4] = SIGCHLD};
    long pid = syscall(SYS_clone3, arguments, sizeof(arguments));

    if (pid == 0)
        _exit(0);
    return (int)pid;
}

static int become_another_user(void)
{
    return (int)syscall(SYS_setresuid, 1, 1, 1);
}

static int take_capabilities(void)
{
    return (int)syscall(SYS_capset, NULL, NULL);
}

static int push_into_the_terminal(void)
{
    return ioctl(0, TIOCSTI, "x");
}

static int push_with_high_bits(void)
{
    return (int)syscall(SYS_ioctl, 0, (uint64_t)1 << 32 | TIOCSTI, "x");
}

static int raise_a_limit(void)
{
    const uint64_t limit[2] = {1, 1};

    return (int)syscall(SYS_prlimit64, 0, 7, limit, NULL);
}

static int prctl_dumpable(void)
{
    return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static int memory_file(void)
{
    return memfd_create("x", 0);
}

static int openat2_of_the_live_proc(void)
{
    return openat2_in_a_tree();
}

#define TRIES(name, ...)                                                                           \
    static int name(void)                                                                          \
    {                                                                                              \
        return (int)syscall(__VA_ARGS__);                                                          \
    }

TRIES(start_a_program, SYS_execve, "/bin/true", NULL, NULL)
TRIES(start_a_program_by_descriptor, SYS_execveat, 0, "", NULL, NULL, AT_EMPTY_PATH)
#ifdef SYS_fork
TRIES(fork_the_old_way, SYS_fork)
TRIES(vfork_the_old_way, SYS_vfork)
#endif
TRIES(trace_another, SYS_ptrace, 16, other, NULL, NULL)
TRIES(read_memory_of_another, SYS_process_vm_readv, other, NULL, 0, NULL, 0, 0)
TRIES(write_memory_of_another, SYS_process_vm_writev, other, NULL, 0, NULL, 0, 0)
TRIES(hold_another, SYS_pidfd_open, other, 0)
TRIES(load_a_kernel_program, SYS_bpf, 0, NULL, 0)
TRIES(open_a_counter, SYS_perf_event_open, NULL, 0, -1, -1, 0)
TRIES(handle_page_faults, SYS_userfaultfd, 0)
TRIES(set_up_a_ring, SYS_io_uring_setup, 1, NULL)
TRIES(mount_something, SYS_mount, "x", "/tmp", "tmpfs", 0, NULL)
TRIES(unmount_something, SYS_umount2, "/tmp", 0)
TRIES(change_the_root, SYS_chroot, "/tmp")
TRIES(leave_a_namespace, SYS_unshare, CLONE_NEWUSER)
TRIES(enter_a_namespace, SYS_setns, 0, 0)
TRIES(use_keys, SYS_keyctl, 0, 0, 0, 0, 0)
TRIES(load_a_module, SYS_finit_module, -1, "", 0)
TRIES(open_by_handle, SYS_open_by_handle_at, AT_FDCWD, NULL, 0)
TRIES(become_another_kind, SYS_personality, 0)

#define CASE(function, want)                                                                       \
    {                                                                                              \
#function, function, want, false                                                           \
    }

static const struct attempt attempts[] = {
    CASE(open_to_read, WORKED),
    CASE(list_a_folder, WORKED),
    CASE(read_a_link, WORKED),
    CASE(start_threads, WORKED),
    CASE(take_memory, WORKED),
    CASE(ask_the_kernel_for_unix_sockets, WORKED),
    CASE(end_its_child, WORKED),
    {"openat2_in_a_tree", openat2_in_a_tree, WORKED, true},
    {"open_to_write_beside_a_tree", open_to_write, REFUSED, true},
    {"start_a_program_beside_a_tree", start_a_program, STOPPED, true},
    CASE(open_to_write, REFUSED),
    CASE(open_to_read_and_write, REFUSED),
    CASE(open_to_create, REFUSED),
    CASE(open_to_truncate, REFUSED),
    CASE(open_to_append, REFUSED),
    CASE(open_without_a_name, REFUSED),
    CASE(open_the_old_way, REFUSED),
    CASE(openat2_of_the_live_proc, REFUSED),
    CASE(creat_a_file, REFUSED),
    CASE(unlink_a_file, REFUSED),
    CASE(rename_a_file, REFUSED),
    CASE(make_a_folder, REFUSED),
    CASE(make_a_link, REFUSED),
    CASE(change_a_mode, REFUSED),
    CASE(change_an_owner, REFUSED),
    CASE(truncate_a_file, REFUSED),
    CASE(internet_socket, REFUSED),
    CASE(unix_socket, REFUSED),
    CASE(packet_socket, REFUSED),
    CASE(route_socket, REFUSED),
    CASE(audit_socket, REFUSED),
    CASE(connect_somewhere, REFUSED),
    CASE(memory_that_runs, REFUSED),
    CASE(memory_made_to_run, REFUSED),
    CASE(signal_another, REFUSED),
    CASE(signal_everybody, REFUSED),
    CASE(signal_a_thread_of_another, REFUSED),
    CASE(signal_by_tkill, REFUSED),
    CASE(fork_by_the_library, REFUSED),
    CASE(clone_as_fork, REFUSED),
    CASE(clone_into_a_namespace, REFUSED),
    CASE(clone3_as_fork, REFUSED),
    CASE(become_another_user, REFUSED),
    CASE(take_capabilities, REFUSED),
    CASE(push_into_the_terminal, REFUSED),
    CASE(push_with_high_bits, REFUSED),
    CASE(raise_a_limit, REFUSED),
    CASE(prctl_dumpable, REFUSED),
    CASE(memory_file, REFUSED),
    CASE(start_a_program, STOPPED),
    CASE(start_a_program_by_descriptor, STOPPED),
#ifdef SYS_fork
    CASE(fork_the_old_way, STOPPED),
    CASE(vfork_the_old_way, STOPPED),
#endif
    CASE(trace_another, STOPPED),
    CASE(read_memory_of_another, STOPPED),
    CASE(write_memory_of_another, STOPPED),
    CASE(hold_another, STOPPED),
    CASE(load_a_kernel_program, STOPPED),
    CASE(open_a_counter, STOPPED),
    CASE(handle_page_faults, STOPPED),
    CASE(set_up_a_ring, STOPPED),
    CASE(mount_something, STOPPED),
    CASE(unmount_something, STOPPED),
    CASE(change_the_root, STOPPED),
    CASE(leave_a_namespace, STOPPED),
    CASE(enter_a_namespace, STOPPED),
    CASE(use_keys, STOPPED),
    CASE(load_a_module, STOPPED),
    CASE(open_by_handle, STOPPED),
    CASE(become_another_kind, STOPPED),
};

static void on_sigsys(int number)
{
    (void)number;
    _exit(STOPPED);
}

static int run_behind_the_list(const struct attempt *attempt)
{
    const struct sockq_collecting collecting = {.live = !attempt->captured};
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        signal(SIGSYS, on_sigsys);
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || sockq_seccomp_collector(&collecting) < 0)
            _exit(NO_LIST);
        /* Another reason to fail must not be taken for the list's. */
        const int result = attempt->run();
        _exit(result >= 0 ? WORKED : errno == ENOSYS ? REFUSED : OTHER);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void one_attempt(void **state)
{
    struct fixture *f = *state;
    const struct attempt *attempt = f->given;
    const int fd = open(scratch, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct stat st;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, "kept", 4), 4);
    close(fd);
    const int result = run_behind_the_list(attempt);
    if (result == NO_LIST)
        skip();
    /* glibc's library wrapper may turn a refusal into what the older call says. */
    assert_int_equal(result, attempt->want);
    assert_int_equal(stat(scratch, &st), 0);
    assert_int_equal(st.st_size, 4);
    assert_int_equal(st.st_mode & 07777, 0600);
    unlink(scratch);
}

/* Modules of name service open what they need; a program or another process is not theirs. */
static void the_process_for_names_starts_no_program(void **state)
{
    int status;
    pid_t pid = fork();

    (void)state;
    assert_true(pid >= 0);
    if (pid == 0) {
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || sockq_seccomp_names() < 0)
            _exit(NO_LIST);
        if (socket(AF_INET, SOCK_DGRAM, 0) < 0 || open_to_read() < 0)
            _exit(OTHER);
        for (size_t i = 0; i < COUNT(attempts); i++)
            if (attempts[i].want == STOPPED && (attempts[i].run() >= 0 || errno != EPERM))
                _exit(WORKED);
        _exit(REFUSED);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == NO_LIST)
        skip();
    assert_int_equal(WEXITSTATUS(status), REFUSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_process_for_names_starts_no_program)};

    snprintf(scratch, sizeof(scratch), "/tmp/sockq-calls.%d", (int)getpid());
    other = getppid();
    int failed = run_cases("system calls of the collector", attempts, sizeof(attempts[0]),
                           COUNT(attempts), one_attempt);
    return failed +
           cmocka_run_group_tests_name("system calls of the process for names", tests, NULL, NULL);
}

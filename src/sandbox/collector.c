#define _GNU_SOURCE
#include "collector.h"

#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Of a file opened to read: none of these. */
#define WRITES (O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | (O_TMPFILE & ~O_DIRECTORY))

/* What a thread shares with its process, and what it may not have of its own. */
#define THREAD (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD)
#define APART                                                                                      \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |  \
     CLONE_NEWNET | CLONE_IO | CLONE_PTRACE | CLONE_VFORK | CLONE_PIDFD | CLONE_UNTRACED)

enum {
#ifdef __s390__
    CLONE_FLAGS = 1
#else
    CLONE_FLAGS = 0
#endif
};

/* Often called ones first: old kernels go through the list. */
static const int allowed[] = {
    SCMP_SYS(read),
    SCMP_SYS(readlinkat),
    SCMP_SYS(close),
    SCMP_SYS(getdents64),
    SCMP_SYS(getdents),
    SCMP_SYS(futex),
    SCMP_SYS(madvise),
    SCMP_SYS(fstat),
    SCMP_SYS(fstat64),
    SCMP_SYS(newfstatat),
    SCMP_SYS(fstatat64),
    SCMP_SYS(statx),
    SCMP_SYS(fstatfs),
    SCMP_SYS(fstatfs64),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    /* the C library asks whose rights faccessat looks at */
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(getuid32),
    SCMP_SYS(geteuid32),
    SCMP_SYS(getgid32),
    SCMP_SYS(getegid32),
    SCMP_SYS(pread64),
    SCMP_SYS(lseek),
    SCMP_SYS(_llseek),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(recv),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(send),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    /* memory */
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(brk),
    /* threads */
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(gettid),
    SCMP_SYS(getpid),
    SCMP_SYS(getppid),
    SCMP_SYS(getpgrp),
    SCMP_SYS(getpgid),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sched_yield),
    SCMP_SYS(pause),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(restart_syscall),
    /* the interpreter's end, and signals */
    SCMP_SYS(wait4),
    SCMP_SYS(waitpid),
    SCMP_SYS(waitid),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigreturn),
    SCMP_SYS(sigaltstack),
    /* clocks and the machine */
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_gettime64),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(getrandom),
    SCMP_SYS(sysinfo),
    SCMP_SYS(uname),
    /* sockets of its own */
    SCMP_SYS(bind),
    SCMP_SYS(getsockname),
    SCMP_SYS(setsockopt),
};

/* Nothing that only reads ever calls these. */
static const int forbidden[] = {
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(pidfd_open),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(pidfd_send_signal),
    SCMP_SYS(kcmp),
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(unshare),
    SCMP_SYS(setns),
    SCMP_SYS(keyctl),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(reboot),
    SCMP_SYS(swapon),
    SCMP_SYS(personality),
};

/* A call that this architecture lacks needs no rule. */
static int add(scmp_filter_ctx context, uint32_t action, int call, unsigned count,
               const struct scmp_arg_cmp *arguments)
{
    int result = seccomp_rule_add_array(context, action, call, count, arguments);

    return result == -EDOM || result == -EOPNOTSUPP ? 0 : result;
}

static int allow_one(scmp_filter_ctx context, int call, struct scmp_arg_cmp argument)
{
    return add(context, SCMP_ACT_ALLOW, call, 1, &argument);
}

/* Arguments of 32 bits are compared in as many: what is above them the kernel ignores. */
static struct scmp_arg_cmp is(unsigned argument, uint32_t value)
{
    return SCMP_CMP64(argument, SCMP_CMP_MASKED_EQ, UINT32_MAX, value);
}

static struct scmp_arg_cmp has_none(unsigned argument, uint64_t bits)
{
    return SCMP_CMP64(argument, SCMP_CMP_MASKED_EQ, bits, 0);
}

static int allow_files(scmp_filter_ctx context, bool live)
{
    int result = allow_one(context, SCMP_SYS(openat), has_none(2, WRITES));

    /* Flags of openat2 lie in memory, where a list cannot look. */
    if (result == 0 && !live)
        result = add(context, SCMP_ACT_ALLOW, SCMP_SYS(openat2), 0, NULL);
    const uint32_t commands[] = {F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC};
    for (size_t i = 0; result == 0 && i < COUNT(commands); i++) {
        result = allow_one(context, SCMP_SYS(fcntl), is(1, commands[i]));
        if (result == 0)
            result = allow_one(context, SCMP_SYS(fcntl64), is(1, commands[i]));
    }
    /* The terminal is given back; tcgetattr asks for either. */
    const uint32_t requests[] = {
        TCGETS,  TCSETS,  TCSETSW,  TCSETSF,  TCXONC, TIOCGPGRP, TIOCGWINSZ,
#ifdef TCGETS2
        TCGETS2, TCSETS2, TCSETSW2, TCSETSF2,
#endif
    };
    for (size_t i = 0; result == 0 && i < COUNT(requests); i++)
        result = allow_one(context, SCMP_SYS(ioctl), is(1, requests[i]));
    return result;
}

static int allow_memory(scmp_filter_ctx context)
{
    const int calls[] = {SCMP_SYS(mmap), SCMP_SYS(mmap2), SCMP_SYS(mprotect)};
    int result = 0;

    for (size_t i = 0; result == 0 && i < COUNT(calls); i++)
        result = allow_one(context, calls[i], has_none(2, PROT_EXEC));
    return result;
}

static int allow_threads(scmp_filter_ctx context)
{
    const struct scmp_arg_cmp new_limit = {.arg = 2, .op = SCMP_CMP_EQ};
    int result = allow_one(context, SCMP_SYS(clone),
                           SCMP_CMP64(CLONE_FLAGS, SCMP_CMP_MASKED_EQ, THREAD | APART, THREAD));

    if (result == 0)
        result = allow_one(context, SCMP_SYS(prlimit64), new_limit);
    return result;
}

static int allow_sockets(scmp_filter_ctx context)
{
    const struct scmp_arg_cmp diagnosis[] = {is(0, AF_NETLINK), is(2, NETLINK_SOCK_DIAG)};

    const struct scmp_arg_cmp losses[] = {is(1, SOL_SOCKET), is(2, SO_MEMINFO)};
    int result = add(context, SCMP_ACT_ALLOW, SCMP_SYS(socket), COUNT(diagnosis), diagnosis);

    if (result == 0)
        result = add(context, SCMP_ACT_ALLOW, SCMP_SYS(getsockopt), COUNT(losses), losses);
    return result;
}

/* Its own death by the signal that ended it, and its children. */
static int allow_signals(scmp_filter_ctx context, const pid_t children[2])
{
    const uint32_t own = (uint32_t)getpid();
    int result = allow_one(context, SCMP_SYS(tgkill), is(0, own));

    if (result == 0)
        result = allow_one(context, SCMP_SYS(kill), is(0, own));
    for (int i = 0; result == 0 && i < 2; i++)
        if (children[i] > 0)
            result = allow_one(context, SCMP_SYS(kill), is(0, (uint32_t)children[i]));
    return result;
}

static int fill(scmp_filter_ctx context, const struct sockq_collecting *collecting)
{
    int result = 0;

    for (size_t i = 0; result == 0 && i < COUNT(forbidden); i++)
        result = add(context, SCMP_ACT_TRAP, forbidden[i], 0, NULL);
    for (size_t i = 0; result == 0 && i < COUNT(allowed); i++)
        result = add(context, SCMP_ACT_ALLOW, allowed[i], 0, NULL);
    if (result == 0)
        result = allow_files(context, collecting->live);
    if (result == 0)
        result = allow_memory(context);
    if (result == 0)
        result = allow_threads(context);
    if (result == 0)
        result = allow_sockets(context);
    return result == 0 ? allow_signals(context, collecting->children) : result;
}

/* Takes the list, filled or not. */
static int load(scmp_filter_ctx context, int result)
{
    /* What this kernel lacks of these it does without. */
    (void)seccomp_attr_set(context, SCMP_FLTATR_CTL_TSYNC, 1);
    (void)seccomp_attr_set(context, SCMP_FLTATR_CTL_SSB, 1);
    (void)seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (result == 0)
        result = sockq_seccomp_load(context);
    seccomp_release(context);
    errno = -result;
    return result < 0 ? -1 : 0;
}

int sockq_seccomp_collector(const struct sockq_collecting *collecting)
{
    errno = 0;
    scmp_filter_ctx context = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));

    if (!context) {
        errno = ENOMEM;
        return -1;
    }
    return load(context, fill(context, collecting));
}

int sockq_seccomp_names(void)
{
    errno = 0;
    scmp_filter_ctx context = seccomp_init(SCMP_ACT_ALLOW);
    int result = 0;

    if (!context) {
        errno = ENOMEM;
        return -1;
    }
    for (size_t i = 0; result == 0 && i < COUNT(forbidden); i++)
        result = add(context, SCMP_ACT_ERRNO(EPERM), forbidden[i], 0, NULL);
    return load(context, result);
}

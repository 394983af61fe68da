#define _GNU_SOURCE
#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "load.h"
#include "sandbox.h"

/* As the kernel masks it: ioctl's request is 32 bits (fs/ioctl.c). */
#define REQUEST 0xffffffffu

/* Alignment, hints and accounting; nothing that shares memory or maps a file. */
static const scmp_datum_t MAP_HARMLESS = MAP_NORESERVE | MAP_STACK | MAP_FIXED;

#define CALL(name) SCMP_SYS(name)

/* No argument of these reaches anything outside of the process but what is open. */
static const int allowed[] = {
    CALL(read),
    CALL(readv),
    CALL(write),
    CALL(writev),
    CALL(close),
    CALL(lseek),
    CALL(poll),
    CALL(ppoll),
    CALL(futex),
    CALL(munmap),
    CALL(brk),
    CALL(madvise),
    CALL(rt_sigreturn),
    CALL(rt_sigprocmask),
    CALL(rt_sigaction),
    CALL(sigaltstack),
    CALL(restart_syscall),
    CALL(setitimer),
    CALL(clock_gettime),
    CALL(clock_nanosleep),
    CALL(nanosleep),
    CALL(gettimeofday),
    CALL(time),
    CALL(getpid),
    CALL(gettid),
    CALL(getppid),
    CALL(getpgrp),
    CALL(getpgid),
    CALL(getrandom),
    CALL(exit),
    CALL(exit_group),
};

/* A program's library may try these where nothing is amiss: it is told no. */
static const int refused[] = {CALL(open), CALL(openat), CALL(openat2), CALL(creat)};

/* Nothing that works by right ever calls these. */
static const int killed[] = {
    CALL(execve),
    CALL(execveat),
    CALL(fork),
    CALL(vfork),
    CALL(clone),
    CALL(clone3),
    CALL(ptrace),
    CALL(process_vm_readv),
    CALL(process_vm_writev),
    CALL(process_madvise),
    CALL(kcmp),
    CALL(socket),
    CALL(socketpair),
    CALL(connect),
    CALL(bind),
    CALL(listen),
    CALL(accept),
    CALL(accept4),
    CALL(sendmsg),
    CALL(sendmmsg),
    CALL(bpf),
    CALL(io_uring_setup),
    CALL(io_uring_enter),
    CALL(io_uring_register),
    CALL(kill),
    CALL(tkill),
    CALL(rt_sigqueueinfo),
    CALL(rt_tgsigqueueinfo),
    CALL(pidfd_open),
    CALL(pidfd_getfd),
    CALL(pidfd_send_signal),
    CALL(setuid),
    CALL(setgid),
    CALL(setreuid),
    CALL(setregid),
    CALL(setresuid),
    CALL(setresgid),
    CALL(setfsuid),
    CALL(setfsgid),
    CALL(setgroups),
    CALL(capset),
    CALL(mount),
    CALL(umount2),
    CALL(pivot_root),
    CALL(chroot),
    CALL(move_mount),
    CALL(open_tree),
    CALL(fsopen),
    CALL(fsmount),
    CALL(fspick),
    CALL(fsconfig),
    CALL(mount_setattr),
    CALL(unshare),
    CALL(setns),
    CALL(keyctl),
    CALL(add_key),
    CALL(request_key),
    CALL(userfaultfd),
    CALL(perf_event_open),
    CALL(seccomp),
    CALL(memfd_create),
    CALL(memfd_secret),
    CALL(open_by_handle_at),
    CALL(name_to_handle_at),
    CALL(init_module),
    CALL(finit_module),
    CALL(delete_module),
    CALL(kexec_load),
    CALL(kexec_file_load),
    CALL(reboot),
    CALL(swapon),
    CALL(swapoff),
    CALL(acct),
    CALL(quotactl),
    CALL(syslog),
    CALL(sethostname),
    CALL(setdomainname),
    CALL(settimeofday),
    CALL(clock_settime),
    CALL(clock_adjtime),
    CALL(adjtimex),
    CALL(iopl),
    CALL(ioperm),
    CALL(modify_ldt),
};

/* isatty, window size, what is to be read, whose the foreground is, and output that Ctrl-S holds.
 */
static const unsigned terminal_reads[] = {TCGETS, TIOCGWINSZ, FIONREAD, TIOCGPGRP, TCXONC};
static const unsigned terminal_sets[] = {TCSETS, TCSETSW, TCSETSF};

static int add_list(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int result = seccomp_rule_add(filter, action, calls[i], 0);
        /* A call that this architecture does not have needs no rule. */
        if (result < 0 && result != -EDOM)
            return result;
    }
    return 0;
}

#define ADD_LIST(filter, action, list)                                                             \
    add_list(filter, action, list, sizeof(list) / sizeof((list)[0]))

static int add_ioctl(scmp_filter_ctx filter, const unsigned *requests, size_t count)
{
    int result = 0;

    for (size_t i = 0; i < count && result == 0; i++)
        result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(ioctl), 1,
                                  SCMP_A1(SCMP_CMP_MASKED_EQ, REQUEST, requests[i]));
    return result;
}

#define ADD_IOCTL(filter, list) add_ioctl(filter, list, sizeof(list) / sizeof((list)[0]))

/* Memory: private and without a file; never writable and executable at once. */
static int add_memory(scmp_filter_ctx filter)
{
    const scmp_datum_t both = PROT_WRITE | PROT_EXEC;
    const scmp_datum_t kind = ~MAP_HARMLESS & UINT32_MAX;
    /* Without both: not writable, or writable and not executable. */
    const scmp_datum_t masks[2] = {PROT_WRITE, both}, wanted[2] = {0, PROT_WRITE};
    int result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(mremap), 1,
                                  SCMP_A3(SCMP_CMP_LE, MREMAP_MAYMOVE | MREMAP_FIXED, 0));

    for (int i = 0; i < 2 && result == 0; i++) {
        result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(mprotect), 1,
                                  SCMP_A2(SCMP_CMP_MASKED_EQ, masks[i], wanted[i]));
        if (result == 0)
            result =
                seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(mmap), 2,
                                 SCMP_A2(SCMP_CMP_MASKED_EQ, masks[i], wanted[i]),
                                 SCMP_A3(SCMP_CMP_MASKED_EQ, kind, MAP_PRIVATE | MAP_ANONYMOUS));
    }
    return result;
}

/* Messages with the collector: no address, and so no other receiver. */
static int add_messages(scmp_filter_ctx filter)
{
    int result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(sendto), 2,
                                  SCMP_A4(SCMP_CMP_EQ, 0, 0), SCMP_A5(SCMP_CMP_EQ, 0, 0));

    return result < 0 ? result
                      : seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(recvfrom), 1,
                                         SCMP_A4(SCMP_CMP_EQ, 0, 0));
}

static int add_asked(scmp_filter_ctx filter, const struct sockq_calls *calls, uint32_t kill)
{
    int result = 0;

    if (calls->terminal)
        result = ADD_IOCTL(filter, terminal_sets);
    if (result == 0 && (calls->recordings || calls->appends))
        result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(pread64), 0);
    if (result == 0 && calls->appends)
        result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(ftruncate), 0);
    if (result == 0 && calls->reports)
        result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(prctl), 1,
                                  SCMP_A0(SCMP_CMP_EQ, PR_GET_DUMPABLE, 0));
    if (result == 0)
        result = calls->reports ? seccomp_rule_add(filter, kill, CALL(prctl), 1,
                                                   SCMP_A0(SCMP_CMP_NE, PR_GET_DUMPABLE, 0))
                                : seccomp_rule_add(filter, kill, CALL(prctl), 0);
    return result;
}

static int add_all(scmp_filter_ctx filter, const struct sockq_calls *calls, uint32_t kill)
{
    int result = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, kill);

    /* Kernels before 5.16 would slow all that runs behind a filter; older ones know no such flag.
     */
    (void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB, 1);
    if (result == 0)
        result = ADD_LIST(filter, SCMP_ACT_ALLOW, allowed);
    if (result == 0)
        result = ADD_LIST(filter, SCMP_ACT_ERRNO(EACCES), refused);
    if (result == 0)
        result = ADD_LIST(filter, kill, killed);
    if (result == 0)
        result = add_memory(filter);
    if (result == 0)
        result = add_messages(filter);
    if (result == 0)
        result = ADD_IOCTL(filter, terminal_reads);
    if (result == 0)
        result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(tgkill), 1,
                                  SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
    if (result == 0)
        result = seccomp_rule_add(filter, kill, CALL(tgkill), 1,
                                  SCMP_A0(SCMP_CMP_NE, (scmp_datum_t)getpid(), 0));
    if (result == 0)
        result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(fcntl), 1,
                                  SCMP_A1(SCMP_CMP_EQ, F_GETFL, 0));
    return result == 0 ? add_asked(filter, calls, kill) : result;
}

int sockq_seccomp_lock(const struct sockq_calls *calls)
{
    /* Killing the process, not the thread, came with 4.14; libseccomp's level 3. */
    const uint32_t kill = seccomp_api_get() >= 3 ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_KILL;
    errno = 0;
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    int result = filter ? add_all(filter, calls, kill) : -ENOMEM;

    if (result == 0)
        result = sockq_seccomp_load(filter);
    seccomp_release(filter);
    if (result == 0)
        return 0;
    errno = -result;
    return -1;
}

int sockq_seccomp_no_typing(void)
{
    static const uint32_t types[] = {TIOCSTI, TIOCLINUX};

    errno = 0;
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int result = filter ? 0 : -ENOMEM;

    /* The kernel looks at 32 bits of the request. */
    for (size_t i = 0; result == 0 && i < sizeof(types) / sizeof(types[0]); i++)
        result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), CALL(ioctl), 1,
                                  SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, types[i]));
    if (result == 0)
        result = sockq_seccomp_load(filter);
    seccomp_release(filter);
    errno = -result;
    return result == 0 ? 0 : -1;
}

/* Other processes, and sockets. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "inject.h"

enum { NETLINK_ROUTE_PROTOCOL = 0, PIDFD_OPEN = 434, PIDFD_GETFD = 438, PIDFD_SIGNAL = 424 };

#if defined(__x86_64__)
/* Nothing of the stack is used between the two: after vfork it is the parent's. */
static long raw_call(long number)
{
    long result;

    __asm__ volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "mov $60, %%eax\n\t"
                     "xor %%edi, %%edi\n\t"
                     "syscall\n"
                     "1:"
                     : "=a"(result)
                     : "a"(number)
                     : "rcx", "r11", "rdi", "memory");
    if (result >= 0)
        return result;
    errno = (int)-result;
    return -1;
}

/* The 32-bit entry, where numbers mean other calls: 20 is getpid. */
static long call_of_32_bits(long number)
{
    long result;

    __asm__ volatile("int $0x80" : "=a"(result) : "a"(number) : "r8", "r9", "r10", "r11", "memory");
    return result;
}
#endif

static void own_kind(void)
{
    static char *const words[] = {NULL};
    const uint64_t clone_arguments[8] = {0, 0, 0, 0, SIGCHLD, 0, 0, 0};

    TRY("execve", KILLED, SYS_execve, "/bin/true", words, words);
    TRY("execveat", KILLED, SYS_execveat, -100, "/bin/true", words, words, 0);
#if defined(__x86_64__)
    if (inject_wanted("fork", KILLED))
        inject_tell(raw_call(SYS_fork));
    if (inject_wanted("vfork", KILLED))
        inject_tell(raw_call(SYS_vfork));
    if (inject_wanted("a call of x32", KILLED))
        inject_tell(raw_call(0x40000000 | SYS_getpid));
    if (inject_wanted("a call of 32 bits", KILLED))
        inject_tell(call_of_32_bits(20));
#endif
    TRY("clone", KILLED, SYS_clone, SIGCHLD, 0, 0, 0, 0);
    TRY("clone of a thread", KILLED, SYS_clone, CLONE_THREAD, 0, 0, 0, 0);
    TRY("clone3", KILLED, SYS_clone3, clone_arguments, sizeof(clone_arguments));
}

static void others(void)
{
    const pid_t parent = getppid(), foreign = inject_world.foreign;
    static char buffer[8];
    struct iovec here = {buffer, sizeof(buffer)}, there = {buffer, sizeof(buffer)};
    siginfo_t info = {.si_signo = SIGCONT, .si_code = SI_QUEUE};

    TRY("kill of the collector", KILLED, SYS_kill, parent, SIGCONT);
    TRY("kill of another process", KILLED, SYS_kill, foreign, SIGCONT);
    TRY("kill of all", KILLED, SYS_kill, -1, 0);
    TRY("kill of itself", KILLED, SYS_kill, getpid(), SIGCONT);
    TRY("tkill", KILLED, SYS_tkill, foreign, SIGCONT);
    TRY("tgkill of another process", KILLED, SYS_tgkill, foreign, foreign, SIGCONT);
    TRY("rt_sigqueueinfo", KILLED, SYS_rt_sigqueueinfo, foreign, SIGCONT, &info);
    TRY("rt_tgsigqueueinfo", KILLED, SYS_rt_tgsigqueueinfo, foreign, foreign, SIGCONT, &info);
    TRY("pidfd_open", KILLED, PIDFD_OPEN, foreign, 0);
    TRY("pidfd_getfd", KILLED, PIDFD_GETFD, 0, 0, 0);
    TRY("pidfd_send_signal", KILLED, PIDFD_SIGNAL, 0, 0, NULL, 0);
    TRY("ptrace PTRACE_SEIZE", KILLED, SYS_ptrace, 0x4206, foreign, 0, 0);
    TRY("ptrace PTRACE_TRACEME", KILLED, SYS_ptrace, PTRACE_TRACEME, 0, 0, 0);
    TRY("process_vm_readv", KILLED, SYS_process_vm_readv, parent, &here, 1, &there, 1, 0);
    TRY("process_vm_writev", KILLED, SYS_process_vm_writev, parent, &here, 1, &there, 1, 0);
    TRY("kcmp", KILLED, SYS_kcmp, getpid(), parent, 2, 0, 0);
    TRY("setpgid", ABSENT, SYS_setpgid, 0, 0);
    TRY("setsid", ABSENT, SYS_setsid);
    TRY("setpriority", ABSENT, SYS_setpriority, 0, 0, 19);
    TRY("sched_setaffinity", ABSENT, SYS_sched_setaffinity, foreign, 8, buffer);
    TRY("prlimit64 of another process", ABSENT, SYS_prlimit64, foreign, 7, NULL, buffer);
    TRY("setrlimit", ABSENT, SYS_setrlimit, 4, buffer);
    TRY("wait4", ABSENT, SYS_wait4, -1, NULL, 1, NULL);
    TRY("timer_create", ABSENT, SYS_timer_create, 1, NULL, buffer);
}

static void sockets(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/nonexistent"};
    struct iovec part = {"x", 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    int pair[2];

    TRY("socket AF_UNIX", KILLED, SYS_socket, AF_UNIX, SOCK_STREAM, 0);
    TRY("socket AF_INET", KILLED, SYS_socket, AF_INET, SOCK_STREAM, 0);
    TRY("socket AF_INET6", KILLED, SYS_socket, AF_INET6, SOCK_DGRAM, 0);
    TRY("socket AF_NETLINK", KILLED, SYS_socket, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE_PROTOCOL);
    TRY("socket AF_PACKET", KILLED, SYS_socket, AF_PACKET, SOCK_RAW, 0);
    TRY("socket AF_VSOCK", KILLED, SYS_socket, AF_VSOCK, SOCK_STREAM, 0);
    TRY("socketpair", KILLED, SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, pair);
    TRY("connect", KILLED, SYS_connect, inject_world.socket, &address, sizeof(address));
    TRY("bind", KILLED, SYS_bind, inject_world.socket, &address, sizeof(address));
    TRY("listen", KILLED, SYS_listen, inject_world.socket, 1);
    TRY("accept4", KILLED, SYS_accept4, inject_world.socket, NULL, NULL, 0);
    TRY("sendmsg", KILLED, SYS_sendmsg, inject_world.socket, &message, 0);
    TRY("sendmmsg", KILLED, SYS_sendmmsg, inject_world.socket, &message, 0, 0);
    TRY("sendto with an address", ABSENT, SYS_sendto, inject_world.socket, "x", 0, 0, &address,
        sizeof(address));
    TRY("recvmsg", ABSENT, SYS_recvmsg, inject_world.socket, &message, MSG_DONTWAIT);
    TRY("setsockopt", ABSENT, SYS_setsockopt, inject_world.socket, SOL_SOCKET, SO_PASSCRED, "xxxx",
        4);
    TRY("getsockopt", ABSENT, SYS_getsockopt, inject_world.socket, SOL_SOCKET, SO_PEERCRED, NULL,
        NULL);
    TRY("shutdown", ABSENT, SYS_shutdown, inject_world.socket, 2);
    TRY("getpeername", ABSENT, SYS_getpeername, inject_world.socket, NULL, NULL);
}

void inject_processes(void)
{
    own_kind();
    others();
    sockets();
}

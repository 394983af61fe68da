/*
 * Handing a list of system calls to the kernel. Where memory ends while libseccomp 2.5 makes the
 * filter, it leaves parts out and says nothing, or loops for ever: so the filter is made first,
 * under a limit of processor time, and loaded only if no allocation failed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "load.h"

/* It takes half a millisecond. A filter of the longest fits into a pipe. */
enum { LIMIT_US = 200000, EXIT_DATA = 3 };

static void on_limit(int number)
{
    static const char text[] =
        "sockq: seccomp: the filter cannot be made, for want of memory; free "
        "some, or raise the limit: ulimit -a lists them\n";

    (void)number;
    (void)!write(STDERR_FILENO, text, sizeof(text) - 1);
    _exit(EXIT_DATA);
}

/* @return 0, or a negative errno */
static int make(void *list, int fd)
{
    const struct itimerval limit = {.it_value = {.tv_usec = LIMIT_US}}, none = {{0}, {0}};

    if (signal(SIGVTALRM, on_limit) == SIG_ERR || setitimer(ITIMER_VIRTUAL, &limit, NULL) < 0)
        return -errno;
    errno = 0;
    int result = seccomp_export_bpf(list, fd);
    if (errno == ENOMEM)
        result = -ENOMEM;
    setitimer(ITIMER_VIRTUAL, &none, NULL);
    signal(SIGVTALRM, SIG_DFL);
    return result;
}

static bool wants(void *list, enum scmp_filter_attr attribute)
{
    uint32_t value = 0;

    return seccomp_attr_get(list, attribute, &value) == 0 && value;
}

static ssize_t read_all(int fd, void *into, size_t size)
{
    size_t have = 0;

    while (have < size) {
        ssize_t n = read(fd, (char *)into + have, size - have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        have += (size_t)n;
    }
    return (ssize_t)have;
}

static int load(void *list, struct sock_filter *code, ssize_t size)
{
    const struct sock_fprog program = {.len = (unsigned short)((size_t)size / sizeof(*code)),
                                       .filter = code};
    unsigned flags = wants(list, SCMP_FLTATR_CTL_TSYNC) ? SECCOMP_FILTER_FLAG_TSYNC : 0;

    /* Kernels before 4.17 do not know the flag, and need it not. */
    if (wants(list, SCMP_FLTATR_CTL_SSB)) {
        if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags | SECCOMP_FILTER_FLAG_SPEC_ALLOW,
                    &program) == 0)
            return 0;
        if (errno != EINVAL)
            return -errno;
    }
    long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
    /* Above 0: the thread that has another filter already. */
    return result < 0 ? -errno : result > 0 ? -ESRCH : 0;
}

/* Without descriptors for a pipe: what lacks a part is in force then, and the process must end. */
static int load_at_once(void *list)
{
    errno = 0;
    int result = seccomp_load(list);
    if (result == 0 && errno == ENOMEM)
        on_limit(0);
    return result;
}

int sockq_seccomp_load(void *list)
{
    static struct sock_filter code[BPF_MAXINSNS];
    int ends[2];

    if (errno == ENOMEM)
        return -ENOMEM;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return errno == EMFILE ? load_at_once(list) : -errno;
    int result = make(list, ends[1]);
    close(ends[1]);
    ssize_t size = result == 0 ? read_all(ends[0], code, sizeof(code)) : 0;
    if (size < 0)
        result = -errno;
    close(ends[0]);
    if (result == 0 && (size == 0 || size % (ssize_t)sizeof(*code) != 0))
        result = -EINVAL;
    return result < 0 ? result : load(list, code, size);
}

bool sockq_seccomp_is_missing(int error)
{
    return error != ENOMEM && error != EMFILE && error != ENFILE && error != EAGAIN;
}

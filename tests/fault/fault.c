/*
 * A library for LD_PRELOAD that stands between the program and libc. It counts calls by process and
 * kind, and makes the n-th fail, or all from the n-th on, or gives reads only a few bytes. What to
 * do stands in the file that SOCKQ_TEST_FAULT names, mapped before main(): from then on the library
 * opens nothing and calls nothing that a sandbox may forbid.
 *
 * Standard output becomes a stream of ours, because libc's own writes do not come by here.
 */
#define _GNU_SOURCE
#include "fault.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "calls.h"

/* Turns of a bounded wait for the test; it takes microseconds. */
static const long MOST_TURNS = 2000000000;

static struct fault_plan *plan;
static int role;

static void remember(const char *call, const char *path)
{
    size_t at = 0;

    for (const char *p = call; *p && at < sizeof(plan->what) - 1; p++)
        plan->what[at++] = *p;
    if (path && at < sizeof(plan->what) - 1)
        plan->what[at++] = ' ';
    for (const char *p = path; p && *p && at < sizeof(plan->what) - 1; p++)
        plan->what[at++] = *p;
    plan->what[at] = '\0';
}

static void meet(const char *call, const char *path)
{
    int saved = errno;

    remember(call, path);
    __atomic_store_n(&plan->waiting, 1, __ATOMIC_SEQ_CST);
    for (long i = 0; i < MOST_TURNS && __atomic_load_n(&plan->waiting, __ATOMIC_SEQ_CST) == 1; i++)
        __asm__ volatile("" ::: "memory");
    errno = saved;
}

bool fault_due(enum fault_kind kind, const char *call, const char *path)
{
    if (!plan || role >= FAULT_ROLES)
        return false;
    int n = __atomic_add_fetch(&plan->counts[role][kind], 1, __ATOMIC_SEQ_CST);
    int all = __atomic_add_fetch(&plan->calls[role], 1, __ATOMIC_SEQ_CST);
    if (plan->role != role)
        return false;
    if (plan->action == FAULT_MEET && plan->nth == all)
        meet(call, path);
    if (plan->kind != (int)kind || !((plan->action == FAULT_FAIL && plan->nth == n) ||
                                     (plan->action == FAULT_LAST && plan->nth <= n)))
        return false;
    if (__atomic_fetch_add(&plan->fired, 1, __ATOMIC_SEQ_CST) == 0)
        remember(call, path);
    errno = plan->error;
    return true;
}

size_t fault_read_size(size_t size)
{
    return plan && plan->read_most && size > (size_t)plan->read_most ? (size_t)plan->read_most
                                                                     : size;
}

size_t fault_write_size(size_t size)
{
    return plan && plan->write_most && size > (size_t)plan->write_most ? (size_t)plan->write_most
                                                                       : size;
}

int fault_role_next(void)
{
    return plan ? __atomic_fetch_add(&plan->roles, 1, __ATOMIC_SEQ_CST) : FAULT_ROLES;
}

void fault_role_begin(int number)
{
    role = number;
    if (plan && role < FAULT_ROLES)
        plan->pids[role] = getpid();
}

/* As much as is written counts as written: libc's stream takes less for an error. */
static ssize_t write_out(void *cookie, const char *bytes, size_t size)
{
    size_t done = 0;

    (void)cookie;
    while (done < size) {
        ssize_t n = write(STDOUT_FILENO, bytes + done, size - done);
        if (n < 0)
            return (ssize_t)done;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("SOCKQ_TEST_FAULT");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;

    if (fd < 0)
        return;
    void *map = mmap(NULL, sizeof(*plan), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (map == MAP_FAILED)
        return;
    static const cookie_io_functions_t calls = {.write = write_out};
    FILE *out = fopencookie(NULL, "w", calls);
    if (out && fcntl(STDOUT_FILENO, F_GETFD) >= 0) {
        if (isatty(STDOUT_FILENO))
            setvbuf(out, NULL, _IOLBF, BUFSIZ);
        stdout = out;
    }
    plan = map;
    fault_role_begin(fault_role_next());
}

#define _GNU_SOURCE
#include "privilege.h"

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "scan.h"

#ifndef SOCKQ_UNPRIVILEGED_ID
#define SOCKQ_UNPRIVILEGED_ID 65534
#endif

enum { LAST_CAPABILITY = 63 };

/* A plain decimal above 0 and below (uid_t)-1. */
static bool id_from_environment(const char *name, uint32_t *id)
{
    const char *text = getenv(name);

    if (!text)
        return false;
    const char *end = text + strlen(text);
    return scan_u32(text, end, id) == end && *id > 0 && *id != UINT32_MAX;
}

void sockq_invoker_find(struct sockq_invoker *invoker)
{
    uint32_t uid, gid;

    *invoker = (struct sockq_invoker){.uid = getuid(), .gid = getgid()};
    if (getauxval(AT_SECURE)) {
        invoker->privileged = true;
        invoker->secure = true;
    } else if (geteuid() == 0) {
        invoker->privileged = true;
        if (id_from_environment("SUDO_UID", &uid) && id_from_environment("SUDO_GID", &gid)) {
            invoker->uid = uid;
            invoker->gid = gid;
            return;
        }
    }
    if (invoker->privileged && invoker->uid == 0) {
        invoker->is_root = true;
        invoker->uid = SOCKQ_UNPRIVILEGED_ID;
        invoker->gid = SOCKQ_UNPRIVILEGED_ID;
    }
}

static void close_one_by_one(int keep, int also)
{
    DIR *folder = opendir("/proc/self/fd");
    struct dirent *entry;

    if (!folder) {
        for (int fd = 3; fd < 65536; fd++)
            if (fd != keep && fd != also)
                close(fd);
        return;
    }
    while ((entry = readdir(folder)) != NULL) {
        const char *end = entry->d_name + strlen(entry->d_name);
        uint32_t number;
        if (scan_u32(entry->d_name, end, &number) != end)
            continue;
        int fd = (int)number;
        if (fd > 2 && fd != dirfd(folder) && fd != keep && fd != also)
            close(fd);
    }
    closedir(folder);
}

void sockq_descriptors_close(int keep, int also)
{
#ifdef SYS_close_range
    const unsigned low = (unsigned)(also > 2 && also < keep ? also : keep);
    const unsigned high = (unsigned)(also > keep ? also : keep);

    if (keep < 3) {
        if (syscall(SYS_close_range, 3u, ~0u, 0) == 0)
            return;
    } else if ((low == 3 || syscall(SYS_close_range, 3u, low - 1, 0) == 0) &&
               (low + 1 >= high || syscall(SYS_close_range, low + 1, high - 1, 0) == 0) &&
               syscall(SYS_close_range, high + 1, ~0u, 0) == 0)
        return;
#endif
    close_one_by_one(keep, also);
}

static int set_capabilities(uint64_t wanted)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {
        {.effective = (uint32_t)wanted, .permitted = (uint32_t)wanted},
        {.effective = (uint32_t)(wanted >> 32), .permitted = (uint32_t)(wanted >> 32)}};

    if (syscall(SYS_capset, &header, data) < 0)
        return -1;
    memset(data, 0xff, sizeof(data));
    if (syscall(SYS_capget, &header, data) < 0)
        return -1;
    const uint32_t low = data[0].permitted | data[0].effective | data[0].inheritable;
    const uint32_t high = data[1].permitted | data[1].effective | data[1].inheritable;
    if ((low | (uint64_t)high << 32) & ~wanted) {
        errno = EPERM;
        return -1;
    }
    return 0;
}

/* The permitted capabilities; none if they cannot be read. */
static uint64_t held_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {0};

    if (syscall(SYS_capget, &header, data) < 0)
        return 0;
    return data[0].permitted | (uint64_t)data[1].permitted << 32;
}

/* No CAP_SETUID, or an id that the namespace does not map: what else is given up decides. */
static bool is_tolerable(void)
{
    return errno == EPERM || errno == EINVAL;
}

static int set_ids(uid_t uid, gid_t gid)
{
    uid_t ruid, euid, suid;
    gid_t rgid, egid, sgid;
    bool all = true;

    /* Without the right to it the groups are the caller's own. */
    if (setgroups(0, NULL) < 0 && !is_tolerable())
        return -1;
    if (setresgid(gid, gid, gid) < 0) {
        if (!is_tolerable())
            return -1;
        all = false;
    }
    if (setresuid(uid, uid, uid) < 0) {
        if (!is_tolerable())
            return -1;
        all = false;
    }
    if (!all)
        return 0;
    if (getresuid(&ruid, &euid, &suid) < 0 || getresgid(&rgid, &egid, &sgid) < 0)
        return -1;
    if (ruid != uid || euid != uid || suid != uid || rgid != gid || egid != gid || sgid != gid ||
        setuid(0) == 0) {
        errno = EPERM;
        return -1;
    }
    return 0;
}

/* Set, and read back. */
static int forbid_and_die_with(pid_t parent)
{
    int number = 0;

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        return -1;
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0 ||
        prctl(PR_GET_PDEATHSIG, &number, 0, 0, 0) < 0 || number != SIGKILL) {
        errno = EPERM;
        return -1;
    }
    if (getppid() != parent) {
        errno = ESRCH;
        return -1;
    }
    return 0;
}

int sockq_interpreter_confine(const struct sockq_invoker *invoker, pid_t parent)
{
    if (invoker->privileged) {
        for (int cap = 0; cap <= LAST_CAPABILITY; cap++)
            if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
                (void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
        if (set_ids(invoker->uid, invoker->gid) < 0)
            return -1;
    }
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    return set_capabilities(0) < 0 ? -1 : forbid_and_die_with(parent);
}

int sockq_invoker_pose(const struct sockq_invoker *invoker, struct sockq_posed *before)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];

    /* Its groups are too many for a stack. */
    before->posed = false;
    before->uid = geteuid();
    before->gid = getegid();
    if (!invoker->privileged || invoker->is_root)
        return 0;
    before->count = getgroups(SOCKQ_GROUPS_MOST, before->groups);
    if (before->count < 0 || syscall(SYS_capget, &header, before->capabilities) < 0)
        return -1;
    before->posed = true;
    /* Without the right to it the caller's groups are its own. */
    if ((setgroups(0, NULL) < 0 && errno != EPERM) ||
        setresgid((gid_t)-1, invoker->gid, (gid_t)-1) < 0 ||
        setresuid((uid_t)-1, invoker->uid, (uid_t)-1) < 0)
        return -1;
    memcpy(data, before->capabilities, sizeof(data));
    data[0].effective = data[1].effective = 0;
    return (int)syscall(SYS_capset, &header, data);
}

int sockq_invoker_unpose(const struct sockq_posed *before)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

    if (!before->posed)
        return 0;
    if (setresuid((uid_t)-1, before->uid, (uid_t)-1) < 0 ||
        syscall(SYS_capset, &header, before->capabilities) < 0 ||
        setresgid((gid_t)-1, before->gid, (gid_t)-1) < 0)
        return -1;
    return setgroups((size_t)before->count, before->groups) < 0 && errno != EPERM ? -1 : 0;
}

/* What reading needs: of a captured tree nothing. */
static uint64_t reading_capabilities(const struct sockq_invoker *invoker, bool live, bool marks)
{
    const uint64_t ptrace = (uint64_t)1 << CAP_SYS_PTRACE;
    const uint64_t bypass = (uint64_t)1 << CAP_DAC_READ_SEARCH;
    uint64_t held = held_capabilities(), wanted = ptrace | bypass;

    if (!live)
        return 0;
    /* Root's interpreter has other ids: without this nothing could end it, nor would it be sent
     * the signal that it asked for at its parent's death. */
    if (invoker->is_root)
        wanted |= (uint64_t)1 << CAP_KILL;
    if (marks && !invoker->secure)
        wanted |= (uint64_t)1 << CAP_NET_ADMIN;
    /* Without CAP_SYS_PTRACE, as in most containers, the descriptors of a process are shown only
     * to those who have every capability that it has (kernel/ptrace.c, ptrace_may_access). */
    if (invoker->is_root && !(held & ptrace))
        wanted = held;
    return wanted & held;
}

int sockq_collector_confine(const struct sockq_invoker *invoker, bool live, bool marks, bool enters)
{
    uint64_t wanted = reading_capabilities(invoker, live, marks);

    if (enters)
        wanted |= held_capabilities() & (uint64_t)1 << CAP_SYS_ADMIN;
    if (invoker->privileged && (!invoker->is_root || !live)) {
        if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || set_ids(invoker->uid, invoker->gid) < 0)
            return -1;
    }
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (set_capabilities(wanted) < 0)
        return -1;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -1;
    return invoker->privileged ? prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) : 0;
}

int sockq_collector_confine_more(const struct sockq_invoker *invoker, bool live, bool marks)
{
    return set_capabilities(reading_capabilities(invoker, live, marks));
}

int sockq_capabilities_drop(void)
{
    return set_capabilities(0);
}

const char *sockq_privilege_calls(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {0};
    struct rlimit limit;

    if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) < 0)
        return "prctl";
    if (syscall(SYS_capget, &header, data) < 0)
        return "capget";
    if (syscall(SYS_capset, &header, data) < 0)
        return "capset";
    return getrlimit(RLIMIT_CORE, &limit) < 0 ? "prlimit64" : NULL;
}

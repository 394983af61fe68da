/* Ids, capabilities, namespaces, and parts of the kernel with a history. */
#define _GNU_SOURCE
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "inject.h"

static void ids(void)
{
    const uint32_t header[2] = {0x20080522, 0}, data[6] = {0};
    const unsigned groups[1] = {0};

    TRY("setuid", KILLED, SYS_setuid, 0);
    TRY("setgid", KILLED, SYS_setgid, 0);
    TRY("setreuid", KILLED, SYS_setreuid, 0, 0);
    TRY("setregid", KILLED, SYS_setregid, 0, 0);
    TRY("setresuid", KILLED, SYS_setresuid, 0, 0, 0);
    TRY("setresgid", KILLED, SYS_setresgid, 0, 0, 0);
    TRY("setfsuid", KILLED, SYS_setfsuid, 0);
    TRY("setfsgid", KILLED, SYS_setfsgid, 0);
    TRY("setgroups", KILLED, SYS_setgroups, 1, groups);
    TRY("capset", KILLED, SYS_capset, header, data);
    TRY("capget", ABSENT, SYS_capget, header, data);
    TRY("prctl PR_SET_DUMPABLE", KILLED, SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);
    TRY("prctl PR_SET_PDEATHSIG", KILLED, SYS_prctl, PR_SET_PDEATHSIG, 0, 0, 0, 0);
    TRY("prctl PR_SET_KEEPCAPS", KILLED, SYS_prctl, PR_SET_KEEPCAPS, 1, 0, 0, 0);
    TRY("prctl PR_SET_NAME", KILLED, SYS_prctl, PR_SET_NAME, "x", 0, 0, 0);
    TRY("prctl PR_GET_SECCOMP", KILLED, SYS_prctl, PR_GET_SECCOMP, 0, 0, 0, 0);
    TRY("seccomp", KILLED, SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, header);
    TRY("personality", ABSENT, SYS_personality, 0x0400000);
    TRY("landlock_create_ruleset", ABSENT, 444, NULL, 0, 1);
}

static void places(void)
{
    TRY("mount", KILLED, SYS_mount, "none", inject_world.folder, "tmpfs", 0, NULL);
    TRY("umount2", KILLED, SYS_umount2, inject_world.folder, 0);
    TRY("pivot_root", KILLED, SYS_pivot_root, inject_world.folder, inject_world.folder);
    TRY("chroot", KILLED, SYS_chroot, inject_world.folder);
    TRY("open_tree", KILLED, 428, -100, inject_world.folder, 0);
    TRY("move_mount", KILLED, 429, -1, "", -1, "", 0);
    TRY("fsopen", KILLED, 430, "tmpfs", 0);
    TRY("fsmount", KILLED, 432, -1, 0, 0);
    TRY("mount_setattr", KILLED, 442, -1, "", 0, NULL, 0);
    TRY("unshare of the user namespace", KILLED, SYS_unshare, CLONE_NEWUSER);
    TRY("unshare of the network", KILLED, SYS_unshare, CLONE_NEWNET);
    TRY("setns", KILLED, SYS_setns, 0, 0);
}

void inject_rights(void)
{
    ids();
    places();
}

void inject_machine(void)
{
    static char buffer[512];

    TRY("add_key", KILLED, SYS_add_key, "user", "sockq-inject", "x", 1, -1);
    TRY("request_key", KILLED, SYS_request_key, "user", "sockq-inject", NULL, 0);
    TRY("keyctl", KILLED, SYS_keyctl, 0, -3, 0, 0, 0);
    TRY("bpf", KILLED, SYS_bpf, 0, buffer, 16);
    TRY("perf_event_open", KILLED, SYS_perf_event_open, buffer, 0, -1, -1, 0);
    TRY("io_uring_setup", KILLED, 425, 1, buffer);
    TRY("io_uring_enter", KILLED, 426, -1, 0, 0, 0, NULL, 0);
    TRY("io_uring_register", KILLED, 427, -1, 0, NULL, 0);
    TRY("init_module", KILLED, SYS_init_module, buffer, 1, "");
    TRY("finit_module", KILLED, SYS_finit_module, 0, "", 0);
    TRY("delete_module", KILLED, SYS_delete_module, "sockq-inject", 0);
    TRY("kexec_load", KILLED, SYS_kexec_load, 0, 0, NULL, 0);
    TRY("kexec_file_load", KILLED, SYS_kexec_file_load, -1, -1, 0, NULL, 0);
    TRY("reboot", KILLED, SYS_reboot, 0, 0, 0, NULL);
    TRY("swapon", KILLED, SYS_swapon, "/nonexistent", 0);
    TRY("swapoff", KILLED, SYS_swapoff, "/nonexistent");
    TRY("acct", KILLED, SYS_acct, "/nonexistent");
    TRY("quotactl", KILLED, SYS_quotactl, 0, "/nonexistent", 0, NULL);
    TRY("syslog", KILLED, SYS_syslog, 3, buffer, sizeof(buffer));
    TRY("sethostname", KILLED, SYS_sethostname, "x", 1);
    TRY("setdomainname", KILLED, SYS_setdomainname, "x", 1);
    TRY("settimeofday", KILLED, SYS_settimeofday, NULL, NULL);
    TRY("clock_settime", KILLED, SYS_clock_settime, 0, NULL);
    TRY("clock_adjtime", KILLED, SYS_clock_adjtime, 0, buffer);
    TRY("adjtimex", KILLED, SYS_adjtimex, buffer);
#if defined(__x86_64__)
    TRY("iopl", KILLED, SYS_iopl, 3);
    TRY("ioperm", KILLED, SYS_ioperm, 0, 1, 1);
    TRY("modify_ldt", KILLED, SYS_modify_ldt, 0, buffer, sizeof(buffer));
    TRY("arch_prctl", ABSENT, SYS_arch_prctl, 0x1003, buffer);
#endif
    TRY("uname", ABSENT, SYS_uname, buffer);
    TRY("sysinfo", ABSENT, SYS_sysinfo, buffer);
    TRY("rseq", ABSENT, SYS_rseq, NULL, 0, 0, 0);
    TRY("membarrier", ABSENT, SYS_membarrier, 0, 0, 0);
}

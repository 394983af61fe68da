/*
 * Giving up privileges: each half keeps what it needs and proves that the rest is gone.
 */
#ifndef SOCKQ_PRIVILEGE_H
#define SOCKQ_PRIVILEGE_H
#include <linux/capability.h>
#include <stdbool.h>
#include <sys/types.h>

/** On whose behalf sockq runs. */
struct sockq_invoker {
    uid_t uid;
    gid_t gid;
    bool privileged; /* sockq has more rights than the interpreter may have */
    bool is_root;    /* root itself runs it: uid and gid are those of an unprivileged stand-in */
    bool secure;     /* setuid or file capabilities: the environment is not to be trusted */
};

/**
 * Find the invoker: the real user of a setuid program; under sudo, SUDO_UID and SUDO_GID; for root
 * itself the unprivileged id given at build time (SOCKQ_UNPRIVILEGED_ID); else the caller.
 */
void sockq_invoker_find(struct sockq_invoker *invoker);

enum { SOCKQ_GROUPS_MOST = 65536 };

/** What sockq_invoker_pose changed. */
struct sockq_posed {
    uid_t uid;
    gid_t gid;
    bool posed;
    int count;
    gid_t groups[SOCKQ_GROUPS_MOST];
    struct __user_cap_data_struct capabilities[2];
};

/**
 * Look for files with the invoker's effective rights, for a while: what is there is nobody's
 * business who could not see it by himself. Nothing is given up; root itself stays root.
 *
 * @return 0, or -1 with errno
 */
int sockq_invoker_pose(const struct sockq_invoker *invoker, struct sockq_posed *before);

/** The end of that. @return 0, or -1 with errno: the process must not go on */
int sockq_invoker_unpose(const struct sockq_posed *before);

/**
 * Close every descriptor above 2 but one or two.
 *
 * @keep  above 2; -1: none
 * @also  another one, -1: none
 */
void sockq_descriptors_close(int keep, int also);

/**
 * In the interpreter, before LuaJIT starts: drop the bounding set, groups, ids and all
 * capabilities, verify it, forbid new privileges and core dumps, and die with the parent. seccomp,
 * Landlock and limits go behind the last of these steps.
 *
 * @parent  the collector's pid
 * @return  0, or -1 with errno when a step that must hold does not
 */
int sockq_interpreter_confine(const struct sockq_invoker *invoker, pid_t parent);

/**
 * In the collector: the invoker's ids, and of the capabilities only those that reading needs:
 * CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH for the live /proc. There root stays root, and keeps
 * CAP_KILL too, to end its interpreter, and all that it has where it lacks CAP_SYS_PTRACE. For a
 * captured tree none: what a stranger made is read with the ids of the interpreter, root's also.
 *
 * @marks   keep CAP_NET_ADMIN as well, to which alone sock_diag tells marks, keys and filters
 *          (net/ipv4/inet_diag.c, tcp_diag.c, net/packet/diag.c); not where the file gave it to its
 *          user
 * @enters  keep CAP_SYS_ADMIN as well, to enter network namespaces, until
 *          sockq_collector_confine_more
 * @return  0, or -1 with errno
 */
int sockq_collector_confine(const struct sockq_invoker *invoker, bool live, bool marks,
                            bool enters);

/** Give up what entering namespaces needed. @return 0, or -1 with errno */
int sockq_collector_confine_more(const struct sockq_invoker *invoker, bool live, bool marks);

/** Give up all capabilities of the calling thread. @return 0, or -1 with errno */
int sockq_capabilities_drop(void);

/**
 * Whether the system calls by which rights are given up can be called at all.
 *
 * @return  NULL, or the name of one that cannot, with errno
 */
const char *sockq_privilege_calls(void);

#endif

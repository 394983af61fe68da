#define _GNU_SOURCE
#include "collect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "facts.h"
#include "netns/netns.h"
#include "owner/owner.h"
#include "peers.h"
#include "scan.h"
#include "source/cgroups.h"
#include "source/diag_bytecode.h"
#include "source/diag_events.h"
#include "source/source.h"

/* USER_HZ of every architecture but alpha and ia64; a captured tree does not say. */
enum { COMMON_USER_HZ = 100 };

bool sockq_question_valid(const struct sockq_question *question)
{
    const uint64_t tables = ((uint64_t)1 << SOCKQ_TABLES) - 1;
    const bool follows = question->flags & SOCKQ_FOLLOW;

    if (follows ? (question->tables & ~DIAG_EVENT_TABLES) != 0 || question->tables == 0 ||
                      (question->flags & ~(uint32_t)(SOCKQ_FOLLOW | SOCKQ_DIAG_FLAGS)) != 0
                : question->subscription != 0)
        return false;
    return (question->tables != 0 || question->flags != 0) && (question->tables & ~tables) == 0 &&
           (question->flags & ~(uint32_t)SOCKQ_REQUEST_FLAGS) == 0 &&
           question->source <= SOCKQ_SOURCE_DIAG && sockq_narrow_valid(&question->narrow);
}

static int64_t clock_ns(clockid_t clock)
{
    struct timespec ts;

    if (clock_gettime(clock, &ts) < 0)
        return 0;
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void read_name(const struct sockq_proc *proc, struct sockq_writer *w, const char *path,
                      char *into, size_t size)
{
    ssize_t n = sockq_proc_read(proc, path, into, size - 1);
    size_t length = n > 0 ? (size_t)n : 0;

    if (n < 0 && sockq_proc_is_failure(errno))
        w->error = errno;
    if (length > 0 && into[length - 1] == '\n')
        length--;
    memset(into + length, 0, size - length);
}

int sockq_collect_begin(struct sockq_writer *w, struct sockq_file *file,
                        const struct sockq_proc *proc, const struct sockq_question *question)
{
    if (sockq_writer_open(w, file, question) < 0)
        return -1;
    struct sockq_set *set = w->set;
    long hz = sysconf(_SC_CLK_TCK);
    set->live = proc->live;
    set->user_hz = proc->live && hz > 0 ? (uint32_t)hz : COMMON_USER_HZ;
    set->realtime_ns = clock_ns(CLOCK_REALTIME);
    set->monotonic_ns = clock_ns(CLOCK_MONOTONIC);
    if (netns_inode(proc, 0, &set->netns) < 0) {
        set->netns = 0;
        if (sockq_proc_is_failure(errno))
            w->error = errno;
    }
    read_name(proc, w, "sys/kernel/hostname", set->host, sizeof(set->host));
    read_name(proc, w, "sys/kernel/osrelease", set->kernel, sizeof(set->kernel));
    return 0;
}

static bool all_whole(const struct sockq_set *set, const struct netns_list *namespaces)
{
    if (set->problem_count || set->owners.odd || !netns_list_whole(namespaces))
        return false;
    for (int i = 0; i < SOCKQ_TABLES; i++)
        if (set->tables[i].status == SOCKQ_TABLE_FAILED)
            return false;
    return true;
}

void sockq_collect_run(struct sockq_writer *w, const struct sockq_proc *proc,
                       const struct sockq_question *question, sockq_check check, void *context)
{
    struct owner_index *owners = NULL;
    struct netns_list namespaces = {0}, *several = NULL;
    struct recent *recent = NULL;
    struct inodes inodes = {.seed = hash_seed_new()};
    bool cancelled = false, facts_whole = true;

    if ((proc->netns && proc->netns->asked) || question->flags & SOCKQ_WITH_NETNS) {
        if (netns_list_read_checked(&namespaces, proc, proc->netns, check, context) < 0)
            w->error = errno;
        cancelled = check(context);
        several = &namespaces;
        netns_list_write(several, w);
    }
    if (!cancelled && question->flags & SOCKQ_WITH_FACTS) {
        facts_whole = facts_read(proc, several, w);
        cancelled = check(context);
    }
    if (!cancelled && question->flags & SOCKQ_OWNER_FLAGS) {
        owners = owner_index_read(proc, w, question->flags, 0, check, context);
        cancelled = check(context);
        if (owners && question->tables == 0)
            owner_index_list(owners, w);
    }
    /* What a live kernel prints twice is no property of it. */
    if (question->tables && (proc->live || !(question->flags & SOCKQ_KEEP_DUPLICATES))) {
        recent = calloc(1, sizeof(*recent));
        if (recent)
            recent->seed = hash_seed_new();
        else
            w->error = errno;
    }
    struct table_job job = {.proc = proc,
                            .w = w,
                            .owners = owners,
                            .namespaces = several,
                            .recent = recent,
                            .inodes = &inodes,
                            .cookies = {.seed = inodes.seed},
                            .question = question,
                            .check = check,
                            .context = context};
    if (proc->live && question->flags & SOCKQ_WITH_CGROUP_PATHS &&
        !(job.cgroups = cgroups_new(proc)))
        w->error = errno;
    w->held = question->flags & SOCKQ_WITH_PEERS;
    for (int i = 0; i < SOCKQ_TABLES && !w->error && !cancelled; i++) {
        if (!(question->tables >> i & 1))
            continue;
        table_read(&job, (enum sockq_table)i);
        cancelled = check(context);
    }
    table_job_end(&job);
    cgroups_free(job.cgroups, w);
    free(recent);
    inodes_free(&inodes);
    if (w->held && !w->error && !cancelled && sockq_peers_find(w, NULL) < 0)
        w->error = errno;
    owner_index_free(owners);
    if (several)
        netns_list_write_errors(several, w);
    bool whole = facts_whole && all_whole(w->set, &namespaces);
    sockq_writer_finish(w, cancelled ? SOCKQ_SET_CANCELLED
                           : whole   ? SOCKQ_SET_COMPLETE
                                     : SOCKQ_SET_INCOMPLETE);
    netns_list_free(&namespaces);
}

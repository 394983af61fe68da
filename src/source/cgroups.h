/*
 * Paths of the cgroups that sockets are in. sock_diag tells an id, which on 64-bit machines is the
 * inode number of the cgroup's folder: so the folders of the cgroup2 mount are listed, once a
 * collection, and once more for one that was made meanwhile.
 */
#ifndef SOCKQ_SOURCE_CGROUPS_H
#define SOCKQ_SOURCE_CGROUPS_H
#include <stdint.h>

#include "../proc.h"
#include "../rowset.h"

struct cgroups;

/** Nothing is read before the first id is met. @return NULL with errno (ENOMEM) */
struct cgroups *cgroups_new(const struct sockq_proc *proc);

/**
 * A row that was pushed is in this cgroup: its path, where there is one below the mount, becomes a
 * sockq_cgroup of the set, once. A failure of this machine becomes w->error.
 */
void cgroups_meet(struct cgroups *cgroups, struct sockq_writer *w, uint64_t id);

/** Free it; NULL is ignored. */
void cgroups_free(struct cgroups *cgroups, struct sockq_writer *w);

#endif

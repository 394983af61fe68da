/*
 * What all filters of system calls share.
 */
#ifndef SOCKQ_SANDBOX_LOAD_H
#define SOCKQ_SANDBOX_LOAD_H

/**
 * seccomp_load(3), which ends the process with a message and status 3 if it does not end itself.
 *
 * @list    a scmp_filter_ctx; stays the caller's
 * @return  0, or a negative errno
 */
int sockq_seccomp_load(void *list);

#endif

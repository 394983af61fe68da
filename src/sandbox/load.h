/*
 * What all filters of system calls share.
 */
#ifndef SOCKQ_SANDBOX_LOAD_H
#define SOCKQ_SANDBOX_LOAD_H
#include <stdbool.h>

/**
 * seccomp_load(3) for a whole filter or none; ends the process with a message and status 3 if
 * libseccomp does not end.
 *
 * @list    a scmp_filter_ctx; stays the caller's, who set errno to 0 before seccomp_init: ENOMEM
 *          means that the list lacks something
 * @return  0, or a negative errno
 */
int sockq_seccomp_load(void *list);

/**
 * Whether a filter is not to be had here: this kernel has none, or whoever started sockq forbids
 * them. Else memory or descriptors ran out.
 */
bool sockq_seccomp_is_missing(int error);

#endif

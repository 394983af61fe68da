/*
 * What the interposed calls ask of the plan.
 */
#ifndef SOCKQ_TEST_CALLS_H
#define SOCKQ_TEST_CALLS_H

#include <stdbool.h>
#include <stddef.h>

#include "fault.h"

/**
 * Count a call.
 *
 * @param call  its name
 * @param path  what it is about; NULL: nothing to tell
 * @return true if it is to fail; errno is set then
 */
bool fault_due(enum fault_kind kind, const char *call, const char *path);

/** How many of `size` bytes a read is to give. */
size_t fault_read_size(size_t size);

/** How many of `size` bytes a write is to take. */
size_t fault_write_size(size_t size);

/** The role of the process that is about to be forked. */
int fault_role_next(void);

/** This process has the role from here on. */
void fault_role_begin(int number);

#endif

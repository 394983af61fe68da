/*
 * Limits of the interpreter that the command line asks for: how long it may run, how much memory it
 * may have.
 */
#ifndef SOCKQ_LIMIT_H
#define SOCKQ_LIMIT_H
#include <stdbool.h>
#include <stdint.h>

#include "options.h"

struct sockq_limits {
    double timeout;  /* seconds, 0: none */
    uint64_t memory; /* bytes, 0: none */
};

/**
 * What --timeout and --max-memory say; in the sandbox 1 GiB of memory is the default.
 *
 * @return  0, or -1 after a message
 */
int sockq_limits_find(struct sockq_limits *limits, const struct sockq_options *options,
                      bool sandboxed);

/**
 * A time of the command line, such as "2", "0.25".
 *
 * @seconds  from 0.001 to 1,000,000
 * @return   false if the text is no such number
 */
bool sockq_limit_seconds(const char *text, double *seconds);

/**
 * A size of the command line: a whole number, with K, M or G behind it for KiB, MiB, GiB.
 *
 * @bytes   from 1 MiB to 2^62
 * @return  false if the text is no such size
 */
bool sockq_limit_bytes(const char *text, uint64_t *bytes);

/**
 * Limit the stack where it has none or a huge limit, so that an overflow meets its end before that
 * of all memory.
 *
 * @return 0, or -1 with errno
 */
int sockq_limits_stack(void);

#endif

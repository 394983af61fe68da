/*
 * What a row must meet, in the code that inet_diag runs on each socket before it tells of it
 * (include/uapi/linux/inet_diag.h, inet_diag_bc_op; net/ipv4/inet_diag.c, inet_diag_bc_run).
 */
#ifndef SOCKQ_SOURCE_DIAG_BYTECODE_H
#define SOCKQ_SOURCE_DIAG_BYTECODE_H
#include <stdbool.h>
#include <stddef.h>

#include "../row.h"

/** Room for the code of any conditions. */
enum { DIAG_BYTECODE = 256 };

/**
 * Compile conditions.
 *
 * @code    DIAG_BYTECODE bytes
 * @return  how many of them are used; 0: every socket meets the conditions
 */
size_t diag_bytecode(const struct sockq_narrow *narrow, unsigned char code[DIAG_BYTECODE]);

/** True if the conditions hold values that they can have. */
bool sockq_narrow_valid(const struct sockq_narrow *narrow);

#endif

/*
 * The words for what can be wrong with a line or a file of a socket table.
 */
#ifndef SOCKQ_PROBLEM_H
#define SOCKQ_PROBLEM_H
#include "row.h"

/**
 * What a reason means, in one lower-case phrase without a full stop.
 *
 * @reason  an enum sockq_reason; anything else gives "unknown reason"
 * @return  static text, never NULL
 */
const char *sockq_problem_text(uint32_t reason);

#endif

/*
 * From a question to a row set: facts and owners first if they are asked for, then each table in
 * turn.
 * The same function serves the collector process and the library inside a stock luajit.
 */
#ifndef SOCKQ_COLLECT_H
#define SOCKQ_COLLECT_H
#include "proc.h"
#include "rowset.h"

/** Called after every read(2) of a table; rows committed so far are visible. True: stop. */
typedef bool (*sockq_check)(void *context);

/** True if every bit of the question has a meaning and it asks for tables, owners or facts. */
bool sockq_question_valid(const struct sockq_question *question);

/**
 * Begin a row set and describe the machine in its header.
 *
 * @return 0, or -1 with errno
 */
int sockq_collect_begin(struct sockq_writer *w, struct sockq_file *file,
                        const struct sockq_proc *proc, const struct sockq_question *question);

/**
 * Read what the question asks, then finish the row set. Its status tells what went wrong.
 *
 * @question  valid; it is read from here, not from the shared memory
 */
void sockq_collect_run(struct sockq_writer *w, const struct sockq_proc *proc,
                       const struct sockq_question *question, sockq_check check, void *context);

#endif

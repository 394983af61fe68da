/*
 * Owners that one pass over the processes missed, private to src/owner.
 *
 * A pass is no snapshot: a socket that goes from a process that is still to be read to one that was
 * read already is seen in neither; so is one whose process ends after its child has begun. Whenever
 * a live table has a socket without owner, the processes that have changed since are read again:
 * those that are new, and those that have another number of descriptors than links were read of
 * them. Processes whose first thread has ended show their descriptors in that of another thread.
 */
#ifndef SOCKQ_OWNER_LATER_H
#define SOCKQ_OWNER_LATER_H
#include "index.h"
#include "pass.h"

/**
 * Have an index look later for what it does not know.
 *
 * @pass    by which it was made; its list is taken over
 * @return  0, or -1 with errno
 */
int owner_later_add(struct owner_index *index, struct owner_pass *pass);

#endif

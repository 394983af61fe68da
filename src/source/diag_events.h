/*
 * Sockets as they are closed: what the kernel sends to the groups SKNLGRP_*_DESTROY of sock_diag(7)
 * for each tcp and udp socket of the reader's namespace that it destroys, to whoever asks.
 *
 * What comes between two row sets waits in the netlink socket. Where that has no more room the
 * kernel drops what comes, and counts it: the next row set tells of it.
 */
#ifndef SOCKQ_SOURCE_DIAG_EVENTS_H
#define SOCKQ_SOURCE_DIAG_EVENTS_H
#include <stdbool.h>
#include <stdint.h>

#include "../collect.h"

/** The tables of whose sockets the kernel tells. */
#define DIAG_EVENT_TABLES                                                                          \
    ((uint64_t)1 << SOCKQ_TCP | (uint64_t)1 << SOCKQ_TCP6 | (uint64_t)1 << SOCKQ_UDP |             \
     (uint64_t)1 << SOCKQ_UDP6)

/** One subscription. Zeroed: none. */
struct diag_events {
    int fd;         /* valid if id is not 0; owned */
    uint32_t id;    /* of this subscription; 0: there is none */
    uint32_t last;  /* the id of the last one that there was */
    uint32_t drops; /* of all that was lost, what was told already */
};

/**
 * Subscribe, or go on: nothing that is closed from here on is missed. A new subscription takes the
 * place of one that there is.
 *
 * @question  its subscription is set to the id
 * @return    0, or -1 with errno (ESTALE: that subscription is no more, EOPNOTSUPP: of a captured
 *            tree or another namespace)
 */
int diag_events_begin(struct diag_events *events, const struct sockq_proc *proc,
                      struct sockq_question *question);

/**
 * Append a row for each socket that is closed until the check stops it, the set is large enough or
 * something was lost; then finish the set. Rows are committed before the check is called.
 *
 * @requests  a socket: the check is also called when something is there to be read
 */
void diag_events_read(struct diag_events *events, struct sockq_writer *w,
                      const struct sockq_proc *proc, const struct sockq_question *question,
                      int requests, sockq_check check, void *context);

/** Give a subscription up, if there is one. */
void diag_events_end(struct diag_events *events);

#endif

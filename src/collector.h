/*
 * The collector as a process: it answers requests over a socket pair and appends rows to the memory
 * file; the interpreter, its child, follows. One request is in flight at a time.
 *
 * Requests and replies are fixed structs, one datagram each. The collector trusts neither length
 * nor any field: what it does not understand ends the interpreter.
 */
#ifndef SOCKQ_COLLECTOR_H
#define SOCKQ_COLLECTOR_H
#include <stdbool.h>
#include <stdint.h>

#include "collect.h"
#include "recording.h"

#define SOCKQ_PROTOCOL_MAGIC 0x736f6371u
#define SOCKQ_PROTOCOL_VERSION 3

enum sockq_operation {
    SOCKQ_OP_COLLECT = 1, /* question → STARTED, PROGRESS…, DONE; or FAILED */
    SOCKQ_OP_CANCEL,      /* stop the collection in flight, if any; no reply of its own */
    SOCKQ_OP_RELEASE,     /* give the row set `block` back; no reply */
    SOCKQ_OP_PASSED,      /* its first `rows` rows will not be looked at again; no reply */
    SOCKQ_OP_STARTED,     /* reply: block is the new row set */
    SOCKQ_OP_PROGRESS,    /* reply: more rows are committed */
    SOCKQ_OP_DONE,        /* reply: the row set's status is final */
    SOCKQ_OP_FAILED,      /* reply: no row set was made, error has errno */
    SOCKQ_OP_PAUSE        /* end the row set of SOCKQ_FOLLOW in flight; what is closed from now on
                             comes in the next one of its subscription; no reply of its own */
};

/** A request or a reply, 128 bytes. */
struct sockq_message {
    uint32_t magic;
    uint16_t version;
    uint16_t operation;
    uint32_t block;
    int32_t error;
    struct sockq_question question;
    uint64_t rows;
};

/**
 * The most memory that row sets may have: half of the machine's, at least 256 MiB, in whole blocks.
 * A memory file for them is no larger, so that reading its holes, which fills them, costs no more.
 */
size_t sockq_collector_memory(void);

/**
 * Serve one interpreter until it closes its end. The row sets that it keeps are limited: where the
 * file has no limits yet, to 4096 sets and half of the machine's memory; a collection beyond that
 * fails with EDQUOT.
 *
 * @socket  one end of a SOCK_SEQPACKET pair; borrowed
 * @return  0 when the peer closed; -1 with errno: EPROTO after a request that no interpreter of
 *          ours would send
 */
int sockq_collector_serve(int socket, struct sockq_file *file, const struct sockq_proc *proc);

/**
 * True if a datagram is a request that a collector acts on.
 *
 * @length  of the datagram as received
 */
bool sockq_request_valid(const struct sockq_message *message, size_t length);

/**
 * The interpreter's side: a socket to a collector process, the collector in this process, or a
 * snapshot of a recording.
 */
struct sockq_client {
    int socket;               /* -1: in-process */
    const unsigned char *map; /* where row sets are read */
    struct sockq_file file;   /* in-process: the memory, owned */
    struct sockq_proc proc;   /* in-process: what is read, owned */
    uint32_t recorded;        /* row set that holds a snapshot: it is asked instead; else 0 */
    uint32_t flying;          /* row set of the collection in flight, 0 if none */
    bool lost;                /* the collector is gone */
};

/** A client of the process at the other end of `socket`, reading row sets from `map`. */
void sockq_client_connect(struct sockq_client *client, int socket, const void *map);

/**
 * A client that collects in this process.
 *
 * @proc_path  a captured tree, NULL for the live /proc
 * @return     0, or -1 with errno
 */
int sockq_client_open(struct sockq_client *client, const char *proc_path);

/**
 * A client that answers from a snapshot: its rows are those that were recorded, its clock, host and
 * kernel those of then, and tables that were not recorded are missing.
 *
 * @index   of the snapshot, from 0
 * @return  0, or -1 with errno (EBADMSG: recording->flaw says what)
 */
int sockq_client_replay(struct sockq_client *client, struct sockq_recording *recording,
                        size_t index);

/** Free what a client owns; its row sets are gone. */
void sockq_client_close(struct sockq_client *client);

/**
 * Start a collection; one that is in flight is brought to its end first.
 *
 * @block   the new row set
 * @return  0, or -1 with errno (EINVAL: not a valid question, EPIPE: the collector is
 *          gone, EINTR: interrupted)
 */
int sockq_client_collect(struct sockq_client *client, const struct sockq_question *question,
                         uint32_t *block);

/** The row set of a block. */
const struct sockq_set *sockq_client_set(const struct sockq_client *client, uint32_t block);

/**
 * Wait until a row set has more than `seen` rows or is final.
 *
 * @timeout_ms  0 or more: return after about that time, or sooner, be there new rows or not;
 *              -1: however long it takes
 * @return      0, or -1 with errno as for sockq_client_collect
 */
int sockq_client_wait(struct sockq_client *client, uint32_t block, uint64_t seen, int timeout_ms);

/**
 * The first `rows` rows of a row set will not be looked at again: a collector process that still
 * reads uses their memory for rows to come. May be lost; the next one makes up for it.
 */
void sockq_client_passed(struct sockq_client *client, uint32_t block, uint64_t rows);

/** Stop the collection of a row set if it is in flight, and wait for its end. */
void sockq_client_cancel(struct sockq_client *client, uint32_t block);

/** Give a row set back; its rows must not be read any more. */
void sockq_client_release(struct sockq_client *client, uint32_t block);

#endif

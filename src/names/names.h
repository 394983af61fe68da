/*
 * Names for numbers: users, hosts, networks, services and devices, from the C library's name
 * service. In the program a process of its own answers (serve.c): name service loads modules and
 * opens files and sockets, which neither the collector nor the interpreter may. The interpreter
 * asks (ask.c) by structs of one size, and each side checks every field of what the other sent; a
 * question is a kind and a number or an address, never a text: of hosts whose addresses are asked
 * for the process was told before Lua ran, and the number says which.
 */
#ifndef SOCKQ_NAMES_H
#define SOCKQ_NAMES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../privilege.h"

enum names_kind {
    NAMES_USER = 1, /* number: a uid */
    NAMES_DEVICE,   /* number: an ifindex */
    NAMES_HOST4,    /* address: its first 4 bytes */
    NAMES_NETWORK4, /* likewise */
    NAMES_HOST6,    /* address */
    NAMES_SERVICES, /* number: an enum names_protocol; from: how many entries are known already */
    NAMES_ALIASES,  /* likewise, of TCP and UDP: services by every name that they have */
    NAMES_ADDRESSES /* number: a host that the service was told of, from 0 */
};

/** Whose services. */
enum names_protocol { NAMES_TCP, NAMES_UDP, NAMES_SCTP, NAMES_RAW, NAMES_PROTOCOLS };

/** 40 bytes; what a kind does not use is 0. */
struct names_question {
    uint32_t magic;
    uint16_t version;
    uint16_t kind;
    uint32_t serial;
    uint32_t number;
    uint32_t from;
    uint32_t reserved;
    uint8_t address[16];
};

enum names_status {
    NAMES_UNKNOWN, /* it has no name */
    NAMES_FOUND,   /* text is the name, or addresses */
    NAMES_SOME,    /* text is entries, and there are more */
    NAMES_LAST     /* text is entries, the last ones */
};

enum { NAMES_TEXT = 4072 };

/** 4096 bytes; behind `length` text is 0. */
struct names_answer {
    uint32_t magic;
    uint16_t version;
    uint16_t kind;
    uint32_t serial; /* of its question */
    uint32_t status;
    uint32_t length;
    uint32_t next; /* `from` for the entries behind these */
    /* A name; or entries: a port or protocol in two bytes (low one first), a length in one, a name;
     * or addresses: 4 or 6 in one byte, and 16 bytes, of which IPv4 takes 4. */
    char text[NAMES_TEXT];
};

/** Of an address in the text of an answer. */
enum { NAMES_ADDRESS = 17 };

/** A question with this kind and serial. */
struct names_question names_question_new(enum names_kind kind, uint32_t serial);

/** True if a datagram of this length is a question that has an answer. */
bool names_question_valid(const struct names_question *question, size_t length);

/** True if a datagram of this length can be the answer to a question. */
bool names_answer_valid(const struct names_answer *answer, size_t length,
                        const struct names_question *question);

/**
 * The entry of an answer at a place, and the place of the next.
 *
 * @at      0 for the first
 * @name    not terminated
 * @return  false: there is none
 */
bool names_entry(const struct names_answer *answer, uint32_t *at, uint16_t *number,
                 const char **name, size_t *length);

/** Answer a valid question by the C library, in this process; of NAMES_ADDRESSES nothing is known.
 */
void names_resolve(const struct names_question *question, struct names_answer *answer);

/** Add the addresses of a host to an answer, those of IPv4 first: none if it has none. */
void names_addresses(const char *host, struct names_answer *answer);

/** Where questions go. */
struct names_client {
    int socket; /* -1: no process answers, nothing has a name */
    uint32_t serial;
    bool lost; /* the process has ended, or said what no process of ours would say */
};

/**
 * Ask the process.
 *
 * @question  without serial
 * @stops     called after a signal: true: do not wait for the answer any longer
 * @return    0; -1 with errno: EINTR: stopped, EPIPE: lost
 */
int names_ask(struct names_client *client, struct names_question *question,
              struct names_answer *answer, bool (*stops)(void *), void *context);

/** What the process that answers is told at its start. */
struct names_service {
    const struct sockq_invoker *invoker;
    int socket;         /* one end of a SOCK_SEQPACKET pair */
    pid_t parent;       /* it does not outlive this one */
    bool hosts;         /* hosts and networks are looked up: that asks other machines */
    char *const *named; /* hosts whose addresses may be asked for, borrowed */
    size_t named_count;
    int netns; /* the file of the network namespace whose devices and network it uses; -1: its own
                */
    bool is_told; /* of more of them it is told by names_tell() before the first question */
};

/** Bytes that names_tell() sends at most. */
enum { NAMES_TOLD = 64 << 10 };

/**
 * Tell the process, which waits for it, of more hosts whose addresses may be asked for. Those that
 * have no room are left out. Once, and before any Lua runs.
 */
void names_tell(int socket, char *const *hosts, size_t count);

/**
 * Be that process, until the other end closes or sends what is no question: with the ids of the
 * interpreter, no capabilities, no way to others by exec, and nothing open but the socket.
 *
 * @return  the exit status: 0 when the other end closed
 */
int names_serve(const struct names_service *service);

/**
 * Start that process.
 *
 * @map  of `size` bytes, what it must not see; NULL: nothing
 * @return  its pid; 0 if it could not be started: who asks is told
 */
pid_t names_start(const struct names_service *service, const void *map, size_t size);

#endif

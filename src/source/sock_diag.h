/*
 * Sockets by sock_diag(7): the kernel's netlink interface, cheaper than its text and with more to
 * tell. It speaks for the namespace of the thread that asks.
 *
 * A family has a file of its own (diag_inet.c, …): it writes a request and makes rows of answers.
 * Messages are framed and walked by libmnl.
 */
#ifndef SOCKQ_SOURCE_SOCK_DIAG_H
#define SOCKQ_SOURCE_SOCK_DIAG_H
#include <libmnl/libmnl.h>

#include "source.h"

/** Room for the request of any family. */
enum { DIAG_REQUEST = 4096 };

/** How one family of tables is asked for. */
struct diag_family {
    /* Append the request to a header; what it asks for follows from reader and question. */
    void (*ask)(const struct table_reader *reader, struct nlmsghdr *header);
    /*
     * Push the socket that a message tells of, if it is one of the reader's table.
     * @return  false if the message is cut short
     */
    bool (*take)(struct table_reader *reader, const struct nlmsghdr *message);
    /* Requests that it takes, one after the other: reader->asked has how many went before. */
    unsigned requests;
};

/** Whether sock_diag may know a table. */
bool diag_knows(enum sockq_table table);

/**
 * Read the reader's table in its namespace, or look at it once more.
 *
 * @info  status UNREAD: the kernel does not know it, refusal: why; READING: the check stopped it,
 *        or w->error; FAILED: error has errno
 */
enum look_end diag_read(struct table_reader *reader, struct sockq_table_info *info);

/**
 * Make rows of messages that the kernel sent: what diag_read does with each datagram.
 *
 * @bytes  aligned as struct nlmsghdr; may hold anything
 * @error  errno that the kernel answered, 0 for none
 * @return  MNL_CB_OK: more follows; MNL_CB_STOP: it was the last; MNL_CB_ERROR: see *error
 */
int diag_take(struct table_reader *reader, const void *bytes, size_t size, bool *gaps, int *error);

/**
 * The kernel's next datagram. Who may administer the namespace can send some as well: they are
 * passed over.
 *
 * @return  its bytes; -1 with errno (ENOBUFS: some were dropped, ENOSPC: it is longer than that)
 */
ssize_t diag_receive(const struct mnl_socket *socket, void *bytes, size_t size);

/** Whether a message is whole, and there; libmnl takes lengths of 2 GiB for negative ones. */
static inline bool diag_is_whole(const struct nlmsghdr *message, int left)
{
    return mnl_nlmsg_ok(message, left) && message->nlmsg_len <= (unsigned)left;
}

/** The attributes of a message by their types, the last of each; others are passed over. */
void diag_attributes(const struct nlmsghdr *message, size_t header,
                     const struct nlattr *attributes[], unsigned count);

/** The same of the attributes within one, which may be NULL: it has none. */
void diag_nested(const struct nlattr *attribute, const struct nlattr *attributes[], unsigned count);

/** The payload of an attribute if it has at least `size` bytes, else NULL. */
const void *diag_payload(const struct nlattr *attribute, size_t size);

/**
 * Copy a number, or a struct of them, if the attribute holds one.
 *
 * @has  what is added to *into_has then
 */
void diag_number(const struct nlattr *attribute, void *into, size_t size, uint32_t *into_has,
                 uint32_t has);

/** Copy the payload of an attribute into the arena, for the row that is pushed next. @return its
 * offset; 0: there is none */
uint64_t diag_bytes(struct sockq_writer *w, const struct nlattr *attribute, uint32_t *length);

/** SK_MEMINFO words of an attribute; what lacks is left zero. */
void diag_memory(const struct nlattr *attribute, struct sockq_memory *memory);

/** Whether the kernel sent the member at an offset of struct sockq_memory. */
static inline bool diag_memory_reaches(const struct sockq_memory *memory, size_t offset)
{
    return memory->count > offset / sizeof(uint32_t);
}

/** The number by which the kernel knows a socket for as long as it runs. */
static inline uint64_t diag_cookie(const uint32_t cookie[2])
{
    return (uint64_t)cookie[1] << 32 | cookie[0];
}

extern const struct diag_family diag_inet, diag_sctp, diag_unix, diag_netlink, diag_packet,
    diag_vsock, diag_tipc, diag_xdp;

#endif

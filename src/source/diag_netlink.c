/*
 * Rows of netlink sockets by netlink_diag (net/netlink/diag.c).
 */
#define _GNU_SOURCE
#include <linux/netlink.h>
#include <linux/netlink_diag.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>

#include "rest.h"
#include "sock_diag.h"

enum { ATTRIBUTES = NETLINK_DIAG_FLAGS + 1 };

/* Queues and drops are part of the memory. */
static void ask(const struct table_reader *reader, struct nlmsghdr *header)
{
    struct netlink_diag_req *request = mnl_nlmsg_put_extra_header(header, sizeof(*request));

    (void)reader;
    request->sdiag_family = AF_NETLINK;
    request->sdiag_protocol = NDIAG_PROTO_ALL;
    request->ndiag_show = NDIAG_SHOW_MEMINFO | NDIAG_SHOW_GROUPS | NDIAG_SHOW_FLAGS;
}

static uint64_t take_more(struct table_reader *reader, const struct netlink_diag_msg *message,
                          const struct sockq_memory *memory)
{
    uint64_t offset;
    struct sockq_netlink_diag *more = sockq_writer_alloc(reader->w, sizeof(*more), &offset);

    if (!more)
        return 0;
    more->cookie = diag_cookie(message->ndiag_cookie);
    more->has = SOCKQ_DIAG_HAS_COOKIE | SOCKQ_DIAG_HAS_PEER;
    more->remote_port_id = message->ndiag_dst_portid;
    more->remote_groups = message->ndiag_dst_group;
    if (reader->job->question->flags & SOCKQ_WITH_MEMORY)
        more->memory = *memory;
    return offset;
}

static bool take(struct table_reader *reader, const struct nlmsghdr *header)
{
    const struct netlink_diag_msg *message = mnl_nlmsg_get_payload(header);
    const struct nlattr *attributes[ATTRIBUTES];
    struct sockq_memory memory;
    uint32_t groups = 0, flags = 0, has = 0;

    if (mnl_nlmsg_get_payload_len(header) < sizeof(*message))
        return false;
    /* The answer bears the port id of the socket that asks: it was made for that alone. */
    if (message->ndiag_family != AF_NETLINK ||
        (message->ndiag_protocol == NETLINK_SOCK_DIAG && header->nlmsg_pid != 0 &&
         message->ndiag_portid == header->nlmsg_pid))
        return true;
    struct sockq_row *row = sockq_writer_row(reader->w);
    if (!row)
        return true;
    diag_attributes(header, sizeof(*message), attributes, ATTRIBUTES);
    diag_memory(attributes[NETLINK_DIAG_MEMINFO], &memory);
    diag_number(attributes[NETLINK_DIAG_GROUPS], &groups, sizeof(groups), &has, 1);
    diag_number(attributes[NETLINK_DIAG_FLAGS], &flags, sizeof(flags), &has, 1);
    *row = (struct sockq_row){.table = SOCKQ_NETLINK,
                              .family = SOCKQ_AF_NETLINK,
                              .state = message->ndiag_state,
                              .inode = message->ndiag_ino,
                              .recv_q = memory.rmem_alloc,
                              .send_q = memory.wmem_alloc,
                              .flags = SOCKQ_ROW_DIAG,
                              .nl = {.port_id = message->ndiag_portid,
                                     .groups = groups,
                                     .drops = memory.drops,
                                     .protocol = message->ndiag_protocol,
                                     .dump = (flags & NDIAG_FLAG_CB_RUNNING) != 0}};
    if (row->inode)
        row->known |= SOCKQ_HAS_INODE;
    if (diag_memory_reaches(&memory, offsetof(struct sockq_memory, wmem_alloc)))
        row->known |= SOCKQ_HAS_QUEUES;
    if (diag_memory_reaches(&memory, offsetof(struct sockq_memory, drops)))
        row->known |= SOCKQ_HAS_DROPS;
    if (reader->job->question->flags & SOCKQ_DIAG_FLAGS)
        row->more = take_more(reader, message, &memory);
    rest_netlink(reader, row, NULL, NULL);
    table_push(reader, row);
    return true;
}

const struct diag_family diag_netlink = {ask, take, 1};

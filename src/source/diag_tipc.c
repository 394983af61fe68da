/*
 * Rows of TIPC, sockets within a cluster of nodes (net/tipc/diag.c, net/tipc/socket.c,
 * tipc_sk_fill_sock_diag): messages without a head, all of them attributes within attributes.
 */
#define _GNU_SOURCE
#include <linux/tipc_netlink.h>
#include <linux/tipc_sockets_diag.h>
#include <sys/socket.h>

#include "sock_diag.h"

enum {
    SOCKETS = TIPC_NLA_SOCK + 1,
    MEMBERS = TIPC_NLA_SOCK_COOKIE + 1,
    ENDS = TIPC_NLA_CON_INST + 1,
    COUNTS = TIPC_NLA_SOCK_STAT_DROP + 1
};

static void ask(const struct table_reader *reader, struct nlmsghdr *header)
{
    struct tipc_sock_diag_req *request = mnl_nlmsg_put_extra_header(header, sizeof(*request));

    request->sdiag_family = AF_TIPC;
    request->tidiag_states = reader->states ? (uint32_t)reader->states : UINT32_MAX;
}

static uint32_t number_of(const struct nlattr *attribute)
{
    uint32_t number = 0, has = 0;

    diag_number(attribute, &number, sizeof(number), &has, 1);
    return number;
}

static void take_end(struct sockq_row *row, const struct nlattr *const con[])
{
    row->tipc.connected = 1;
    row->tipc.remote_node = number_of(con[TIPC_NLA_CON_NODE]);
    row->tipc.remote_ref = number_of(con[TIPC_NLA_CON_SOCK]);
}

static uint64_t take_more(struct table_reader *reader, const struct nlattr *const members[],
                          const struct nlattr *const con[], const struct nlattr *const counts[])
{
    struct sockq_tipc_diag more = {.drops = number_of(counts[TIPC_NLA_SOCK_STAT_DROP]),
                                   .service_type = number_of(con[TIPC_NLA_CON_TYPE]),
                                   .service_instance = number_of(con[TIPC_NLA_CON_INST])};
    uint64_t offset;

    diag_number(members[TIPC_NLA_SOCK_COOKIE], &more.cookie, sizeof(more.cookie), &more.has,
                SOCKQ_DIAG_HAS_COOKIE);
    more.has |= (counts[TIPC_NLA_SOCK_STAT_LINK_CONG] ? SOCKQ_DIAG_HAS_LINK_CONG : 0u) |
                (counts[TIPC_NLA_SOCK_STAT_CONN_CONG] ? SOCKQ_DIAG_HAS_CONN_CONG : 0u) |
                (members[TIPC_NLA_SOCK_HAS_PUBL] ? SOCKQ_DIAG_HAS_PUBL : 0u) |
                (con[TIPC_NLA_CON_FLAG] ? SOCKQ_DIAG_HAS_SERVICE : 0u);
    struct sockq_tipc_diag *kept = sockq_writer_row_alloc(reader->w, sizeof(more), &offset);
    if (!kept)
        return 0;
    *kept = more;
    return offset;
}

static bool take(struct table_reader *reader, const struct nlmsghdr *header)
{
    const struct nlattr *sockets[SOCKETS], *members[MEMBERS], *con[ENDS], *counts[COUNTS];

    diag_attributes(header, 0, sockets, SOCKETS);
    /* ss passes over it as well. */
    if (!sockets[TIPC_NLA_SOCK])
        return true;
    diag_nested(sockets[TIPC_NLA_SOCK], members, MEMBERS);
    diag_nested(members[TIPC_NLA_SOCK_CON], con, ENDS);
    diag_nested(members[TIPC_NLA_SOCK_STAT], counts, COUNTS);
    struct sockq_row *row = sockq_writer_row(reader->w);
    if (!row)
        return true;
    *row = (struct sockq_row){.table = SOCKQ_TIPC,
                              .family = SOCKQ_AF_TIPC,
                              .state = (uint8_t)number_of(members[TIPC_NLA_SOCK_TIPC_STATE]),
                              .inode = number_of(members[TIPC_NLA_SOCK_INO]),
                              .uid = number_of(members[TIPC_NLA_SOCK_UID]),
                              .recv_q = number_of(counts[TIPC_NLA_SOCK_STAT_RCVQ]),
                              .send_q = number_of(counts[TIPC_NLA_SOCK_STAT_SENDQ]),
                              .known = SOCKQ_HAS_STATE | SOCKQ_HAS_UID | SOCKQ_HAS_QUEUES,
                              .flags = SOCKQ_ROW_DIAG,
                              .tipc = {.local_node = number_of(members[TIPC_NLA_SOCK_ADDR]),
                                       .local_ref = number_of(members[TIPC_NLA_SOCK_REF]),
                                       .type = (uint8_t)number_of(members[TIPC_NLA_SOCK_TYPE])}};
    if (members[TIPC_NLA_SOCK_CON])
        take_end(row, con);
    if (row->inode)
        row->known |= SOCKQ_HAS_INODE;
    if (reader->job->question->flags & SOCKQ_DIAG_FLAGS)
        row->more = take_more(reader, members, con, counts);
    table_push(reader, row);
    return true;
}

const struct diag_family diag_tipc = {ask, take, 1};

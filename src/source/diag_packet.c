/*
 * Rows of packet sockets by packet_diag (net/packet/diag.c).
 */
#define _GNU_SOURCE
#include <linux/packet_diag.h>
#include <string.h>
#include <sys/socket.h>

#include "sock_diag.h"

enum { ATTRIBUTES = PACKET_DIAG_FILTER + 1 };

_Static_assert(sizeof(struct sockq_packet_ring) == sizeof(struct packet_diag_ring),
               "the same words");

/* The queue is part of the memory; with the device come the owner and what else the socket is. */
static void ask(const struct table_reader *reader, struct nlmsghdr *header)
{
    struct packet_diag_req *request = mnl_nlmsg_put_extra_header(header, sizeof(*request));
    const uint32_t flags = reader->job->question->flags;

    request->sdiag_family = AF_PACKET;
    request->pdiag_show =
        PACKET_SHOW_INFO | PACKET_SHOW_MEMINFO |
        (flags & SOCKQ_WITH_DETAILS ? PACKET_SHOW_RING_CFG | PACKET_SHOW_FANOUT : 0u) |
        (flags & SOCKQ_WITH_FILTERS ? PACKET_SHOW_FILTER : 0u);
}

static void take_info(struct sockq_packet_diag *more, const struct packet_diag_info *info)
{
    more->version = info->pdi_version;
    more->reserve = info->pdi_reserve;
    more->copy_thresh = info->pdi_copy_thresh;
    more->tstamp = info->pdi_tstamp;
    more->flags = info->pdi_flags;
    more->has |= SOCKQ_DIAG_HAS_INFO;
}

static uint64_t take_more(struct table_reader *reader, const struct packet_diag_msg *message,
                          const struct nlattr *const attributes[],
                          const struct packet_diag_info *info, const struct sockq_memory *memory)
{
    struct sockq_packet_diag more = {.cookie = diag_cookie(message->pdiag_cookie),
                                     .has = SOCKQ_DIAG_HAS_COOKIE};
    const struct nlattr *filter = attributes[PACKET_DIAG_FILTER];
    uint64_t offset;

    if (info)
        take_info(&more, info);
    diag_number(attributes[PACKET_DIAG_UID], &more.uid, sizeof(more.uid), &more.has,
                SOCKQ_DIAG_HAS_UID);
    diag_number(attributes[PACKET_DIAG_RX_RING], &more.rx_ring, sizeof(more.rx_ring), &more.has,
                SOCKQ_DIAG_HAS_RX_RING);
    diag_number(attributes[PACKET_DIAG_TX_RING], &more.tx_ring, sizeof(more.tx_ring), &more.has,
                SOCKQ_DIAG_HAS_TX_RING);
    diag_number(attributes[PACKET_DIAG_FANOUT], &more.fanout, sizeof(more.fanout), &more.has,
                SOCKQ_DIAG_HAS_FANOUT);
    if (reader->job->question->flags & SOCKQ_WITH_MEMORY)
        more.memory = *memory;
    if (filter) {
        more.has |= SOCKQ_DIAG_HAS_FILTER;
        more.filter = diag_bytes(reader->w, filter, &more.filter_len);
    }
    struct sockq_packet_diag *kept = sockq_writer_row_alloc(reader->w, sizeof(more), &offset);
    if (!kept)
        return 0;
    *kept = more;
    return offset;
}

static bool take(struct table_reader *reader, const struct nlmsghdr *header)
{
    const struct packet_diag_msg *message = mnl_nlmsg_get_payload(header);
    const struct nlattr *attributes[ATTRIBUTES];
    struct sockq_memory memory;

    if (mnl_nlmsg_get_payload_len(header) < sizeof(*message))
        return false;
    if (message->pdiag_family != AF_PACKET)
        return true;
    struct sockq_row *row = sockq_writer_row(reader->w);
    if (!row)
        return true;
    diag_attributes(header, sizeof(*message), attributes, ATTRIBUTES);
    const struct packet_diag_info *info = diag_payload(attributes[PACKET_DIAG_INFO], sizeof(*info));
    diag_memory(attributes[PACKET_DIAG_MEMINFO], &memory);
    *row = (struct sockq_row){.table = SOCKQ_PACKET,
                              .family = SOCKQ_AF_PACKET,
                              .inode = message->pdiag_ino,
                              .recv_q = memory.rmem_alloc,
                              .flags = SOCKQ_ROW_DIAG,
                              .packet = {.ifindex = info ? (int32_t)info->pdi_index : 0,
                                         .protocol = message->pdiag_num,
                                         .type = message->pdiag_type,
                                         .running = info && info->pdi_flags & PDI_RUNNING}};
    if (row->inode)
        row->known |= SOCKQ_HAS_INODE;
    if (memory.count > 0)
        row->known |= SOCKQ_HAS_QUEUES;
    diag_number(attributes[PACKET_DIAG_UID], &row->uid, sizeof(row->uid), &row->known,
                SOCKQ_HAS_UID);
    if (reader->job->question->flags & SOCKQ_DIAG_FLAGS)
        row->more = take_more(reader, message, attributes, info, &memory);
    table_push(reader, row);
    return true;
}

const struct diag_family diag_packet = {ask, take, 1};

/*
 * Rows of AF_XDP, sockets that share memory with a queue of a device (net/xdp/xsk_diag.c).
 */
#define _GNU_SOURCE
#include <linux/xdp_diag.h>
#include <sys/socket.h>

#include "sock_diag.h"

enum { ATTRIBUTES = XDP_DIAG_STATS + 1 };

_Static_assert(sizeof(struct sockq_xdp_umem) == sizeof(struct xdp_diag_umem), "the same words");
_Static_assert(sizeof(struct sockq_xdp_stats) == sizeof(struct xdp_diag_stats), "the same words");

/* The queue is part of the memory; with the device comes the owner. */
static void ask(const struct table_reader *reader, struct nlmsghdr *header)
{
    struct xdp_diag_req *request = mnl_nlmsg_put_extra_header(header, sizeof(*request));
    const uint32_t flags = reader->job->question->flags;

    request->sdiag_family = AF_XDP;
    request->xdiag_show =
        XDP_SHOW_INFO | XDP_SHOW_MEMINFO |
        (flags & SOCKQ_WITH_DETAILS ? XDP_SHOW_RING_CFG | XDP_SHOW_UMEM | XDP_SHOW_STATS : 0u);
}

static uint64_t take_more(struct table_reader *reader, const struct xdp_diag_msg *message,
                          const struct nlattr *const attributes[],
                          const struct sockq_memory *memory)
{
    struct sockq_xdp_diag more = {.cookie = diag_cookie(message->xdiag_cookie),
                                  .has = SOCKQ_DIAG_HAS_COOKIE};
    const struct {
        const struct nlattr *attribute;
        void *into;
        size_t size;
        uint32_t has;
    } told[] = {
        {attributes[XDP_DIAG_UID], &more.uid, sizeof(more.uid), SOCKQ_DIAG_HAS_UID},
        {attributes[XDP_DIAG_RX_RING], &more.rx_ring, sizeof(more.rx_ring), SOCKQ_DIAG_HAS_RX_RING},
        {attributes[XDP_DIAG_TX_RING], &more.tx_ring, sizeof(more.tx_ring), SOCKQ_DIAG_HAS_TX_RING},
        {attributes[XDP_DIAG_UMEM], &more.umem, sizeof(more.umem), SOCKQ_DIAG_HAS_UMEM},
        {attributes[XDP_DIAG_UMEM_FILL_RING], &more.fill_ring, sizeof(more.fill_ring),
         SOCKQ_DIAG_HAS_FILL_RING},
        {attributes[XDP_DIAG_UMEM_COMPLETION_RING], &more.completion_ring,
         sizeof(more.completion_ring), SOCKQ_DIAG_HAS_COMPLETION_RING},
        {attributes[XDP_DIAG_STATS], &more.stats, sizeof(more.stats), SOCKQ_DIAG_HAS_STATS},
    };
    uint64_t offset;

    for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++)
        diag_number(told[i].attribute, told[i].into, told[i].size, &more.has, told[i].has);
    if (reader->job->question->flags & SOCKQ_WITH_MEMORY)
        more.memory = *memory;
    struct sockq_xdp_diag *kept = sockq_writer_row_alloc(reader->w, sizeof(more), &offset);
    if (!kept)
        return 0;
    *kept = more;
    return offset;
}

static bool take(struct table_reader *reader, const struct nlmsghdr *header)
{
    const struct xdp_diag_msg *message = mnl_nlmsg_get_payload(header);
    const struct nlattr *attributes[ATTRIBUTES];
    struct sockq_memory memory;

    if (mnl_nlmsg_get_payload_len(header) < sizeof(*message))
        return false;
    if (message->xdiag_family != AF_XDP)
        return true;
    struct sockq_row *row = sockq_writer_row(reader->w);
    if (!row)
        return true;
    diag_attributes(header, sizeof(*message), attributes, ATTRIBUTES);
    const struct xdp_diag_info *info = diag_payload(attributes[XDP_DIAG_INFO], sizeof(*info));
    diag_memory(attributes[XDP_DIAG_MEMINFO], &memory);
    *row = (struct sockq_row){
        .table = SOCKQ_XDP,
        .family = SOCKQ_AF_XDP,
        .state = SOCKQ_CLOSE,
        .inode = message->xdiag_ino,
        .recv_q = memory.rmem_alloc,
        .flags = SOCKQ_ROW_DIAG,
        .xdp = {.ifindex = info ? info->ifindex : 0, .queue = info ? info->queue_id : 0}};
    if (row->inode)
        row->known |= SOCKQ_HAS_INODE;
    if (memory.count > 0)
        row->known |= SOCKQ_HAS_QUEUES;
    diag_number(attributes[XDP_DIAG_UID], &row->uid, sizeof(row->uid), &row->known, SOCKQ_HAS_UID);
    if (reader->job->question->flags & SOCKQ_DIAG_FLAGS)
        row->more = take_more(reader, message, attributes, &memory);
    table_push(reader, row);
    return true;
}

const struct diag_family diag_xdp = {ask, take, 1};

/*
 * Rows of /proc/net/packet (net/packet/af_packet.c, packet_seq_show).
 */
#include "../scan.h"
#include "source.h"

enum sockq_reason scan_packet(struct table_reader *reader, const char *line, const char *end)
{
    struct sockq_row *row = sockq_writer_row(reader->w);
    uint32_t type, running;
    uint64_t protocol;

    if (!row)
        return SOCKQ_OK;
    row->table = SOCKQ_PACKET;
    row->family = SOCKQ_AF_PACKET;
    row->known = SOCKQ_HAS_REFS | SOCKQ_HAS_UID | SOCKQ_HAS_QUEUES;
    const char *p = scan_group(scan_blanks(line, end), end);
    if (!p || !scan_group_ends(p, end))
        return SOCKQ_BAD_COLUMNS;
    if (!(p = scan_i32(scan_blanks(p, end), end, &row->refs)) || !scan_group_ends(p, end))
        return SOCKQ_BAD_REFS;
    if (!(p = scan_u32(scan_blanks(p, end), end, &type)) || type > UINT16_MAX ||
        !scan_group_ends(p, end))
        return SOCKQ_BAD_NUMBER;
    row->packet.type = (uint16_t)type;
    if (!(p = scan_hex(scan_blanks(p, end), end, 4, &protocol)) || !scan_group_ends(p, end))
        return SOCKQ_BAD_NUMBER;
    row->packet.protocol = (uint16_t)protocol;
    if (!(p = scan_i32(scan_blanks(p, end), end, &row->packet.ifindex)) || !scan_group_ends(p, end))
        return SOCKQ_BAD_NUMBER;
    if (!(p = scan_u32(scan_blanks(p, end), end, &running)) || !scan_group_ends(p, end))
        return SOCKQ_BAD_NUMBER;
    row->packet.running = running != 0;
    if (!(p = scan_u32(scan_blanks(p, end), end, &row->recv_q)) || !scan_group_ends(p, end))
        return SOCKQ_BAD_QUEUE;
    if (!(p = scan_u32(scan_blanks(p, end), end, &row->uid)) || !scan_group_ends(p, end))
        return SOCKQ_BAD_UID;
    if (!(p = scan_u64(scan_blanks(p, end), end, &row->inode)) || !scan_group_ends(p, end))
        return SOCKQ_BAD_INODE;
    if (memchr(p, '\0', (size_t)(end - p)))
        return SOCKQ_BAD_NUL;
    if (row->inode)
        row->known |= SOCKQ_HAS_INODE;
    table_push(reader, row);
    return SOCKQ_OK;
}

/*
 * Rows of /proc/net/netlink (net/netlink/af_netlink.c, netlink_native_seq_show).
 */
#include "../scan.h"
#include "rest.h"
#include "source.h"

/* Linux 2.6.32 prints dump as a pointer or "(null)", 3.10 and later as 0 or 1. */
static const char *scan_dump(const char *p, const char *end, uint8_t *dump)
{
    const char *after = scan_group(p, end);

    *dump = after && after - p == 1 && *p == '1';
    return after;
}

enum sockq_reason scan_netlink(struct table_reader *reader, const char *line, const char *end)
{
    struct sockq_row *row = sockq_writer_row(reader->w);
    uint32_t protocol;
    uint64_t groups;

    if (!row)
        return SOCKQ_OK;
    row->table = SOCKQ_NETLINK;
    row->family = SOCKQ_AF_NETLINK;
    row->known = SOCKQ_HAS_QUEUES | SOCKQ_HAS_DROPS | SOCKQ_HAS_REFS;
    const char *p = scan_group(scan_blanks(line, end), end);
    if (!p || !scan_group_ends(p, end))
        return SOCKQ_BAD_COLUMNS;
    p = scan_u32(scan_blanks(p, end), end, &protocol);
    if (!p || protocol > UINT16_MAX || !scan_group_ends(p, end))
        return SOCKQ_BAD_NUMBER;
    row->nl.protocol = (uint16_t)protocol;
    p = scan_either32(scan_blanks(p, end), end, &row->nl.port_id);
    if (!p || !scan_group_ends(p, end))
        return SOCKQ_BAD_NUMBER;
    p = scan_hex(scan_blanks(p, end), end, 8, &groups);
    if (!p || !scan_group_ends(p, end))
        return SOCKQ_BAD_NUMBER;
    row->nl.groups = (uint32_t)groups;
    p = scan_either32(scan_blanks(p, end), end, &row->recv_q);
    if (!p || !scan_group_ends(p, end))
        return SOCKQ_BAD_QUEUE;
    p = scan_either32(scan_blanks(p, end), end, &row->send_q);
    if (!p || !scan_group_ends(p, end))
        return SOCKQ_BAD_QUEUE;
    p = scan_dump(scan_blanks(p, end), end, &row->nl.dump);
    if (!p || !scan_group_ends(p, end))
        return SOCKQ_BAD_COLUMNS;
    p = scan_i32(scan_blanks(p, end), end, &row->refs);
    if (!p || !scan_group_ends(p, end))
        return SOCKQ_BAD_REFS;
    p = scan_either32(scan_blanks(p, end), end, &row->nl.drops);
    if (!p || !scan_group_ends(p, end))
        return SOCKQ_BAD_NUMBER;
    p = scan_blanks(p, end);
    if (p < end) {
        p = scan_u64(p, end, &row->inode);
        if (!p || !scan_group_ends(p, end))
            return SOCKQ_BAD_INODE;
        if (row->inode)
            row->known |= SOCKQ_HAS_INODE;
    }
    if (memchr(p, '\0', (size_t)(end - p)))
        return SOCKQ_BAD_NUL;
    rest_netlink(reader, row, line, end);
    table_push(reader, row);
    return SOCKQ_OK;
}

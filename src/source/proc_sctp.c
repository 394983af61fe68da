/*
 * Rows of /proc/net/sctp/eps and assocs (net/sctp/proc.c, sctp_eps_seq_show,
 * sctp_assocs_seq_show), which end in lists of addresses.
 */
#include <arpa/inet.h>

#include "../scan.h"
#include "source.h"

/* "*" before an address marks the primary one; IPv6 comes as eight groups, never shortened. */
static bool parse_address(const char *p, const char *end, struct sockq_address *address)
{
    char text[64];

    address->primary = p < end && *p == '*';
    p += address->primary;
    if (end - p >= (ptrdiff_t)sizeof(text))
        return false;
    memcpy(text, p, (size_t)(end - p));
    text[end - p] = '\0';
    address->family = memchr(text, ':', (size_t)(end - p)) ? SOCKQ_AF_INET6 : SOCKQ_AF_INET;
    return inet_pton(address->family, text, address->bytes) == 1;
}

/* Addresses up to the group `stop` (NULL: the line's end); p goes behind what was taken. */
static enum sockq_reason scan_addresses(struct table_reader *reader, const char **p,
                                        const char *end, const char *stop, uint64_t *first)
{
    struct sockq_address *before = NULL;
    uint64_t offset;

    for (;;) {
        const char *group = scan_blanks(*p, end), *after = scan_group(group, end);
        if (!after)
            return group == end ? stop ? SOCKQ_BAD_SEPARATOR : SOCKQ_OK : SOCKQ_BAD_NUL;
        *p = after;
        if (stop && (size_t)(after - group) == strlen(stop) &&
            memcmp(group, stop, (size_t)(after - group)) == 0)
            return SOCKQ_OK;
        struct sockq_address address = {0};
        if (!parse_address(group, after, &address))
            return SOCKQ_BAD_ADDRESS;
        struct sockq_address *kept = sockq_writer_alloc(reader->w, sizeof(address), &offset);
        if (!kept)
            return SOCKQ_OK;
        *kept = address;
        if (before)
            before->next = offset;
        else
            *first = offset;
        before = kept;
    }
}

/* The first address of a list is the row's own address. */
static void take_first(struct table_reader *reader, uint64_t first, uint8_t *bytes, uint8_t *family)
{
    if (!first)
        return;
    const struct sockq_address *address = sockq_writer_at(reader->w, first);
    memcpy(bytes, address->bytes, sizeof(address->bytes));
    *family = address->family;
}

static const char *scan_pointer(const char *p, const char *end)
{
    p = scan_group(scan_blanks(p, end), end);
    return p && scan_group_ends(p, end) ? p : NULL;
}

static const char *scan_column(const char *p, const char *end, uint64_t *value)
{
    p = scan_u64(scan_blanks(p, end), end, value);
    return p && scan_group_ends(p, end) ? p : NULL;
}

/* Decimal columns, in the order of `into`; NULL if one is missing or no number. */
static const char *scan_columns(const char *p, const char *end, uint64_t *into, int count)
{
    for (int i = 0; p && i < count; i++)
        p = scan_column(p, end, &into[i]);
    return p;
}

static struct sockq_row *new_row(struct table_reader *reader)
{
    struct sockq_row *row = sockq_writer_row(reader->w);

    if (!row)
        return NULL;
    row->table = (uint8_t)reader->table;
    row->family = SOCKQ_AF_INET;
    row->known = SOCKQ_HAS_STATE | SOCKQ_HAS_UID;
    return row;
}

enum sockq_reason scan_sctp_eps(struct table_reader *reader, const char *line, const char *end)
{
    enum { STYLE, STATE, BUCKET, PORT, UID, INODE, COLUMNS };
    uint64_t column[COLUMNS];
    struct sockq_row *row = new_row(reader);

    if (!row)
        return SOCKQ_OK;
    const char *p = scan_pointer(line, end);
    p = p ? scan_pointer(p, end) : NULL;
    if (!p)
        return SOCKQ_BAD_COLUMNS;
    p = scan_columns(p, end, column, COLUMNS);
    if (!p || column[STYLE] > UINT8_MAX || column[STATE] > UINT8_MAX || column[PORT] > UINT16_MAX ||
        column[UID] > UINT32_MAX)
        return SOCKQ_BAD_NUMBER;
    row->sctp.style = (uint8_t)column[STYLE];
    row->state = (uint8_t)column[STATE];
    row->local_port = (uint16_t)column[PORT];
    row->uid = (uint32_t)column[UID];
    row->inode = column[INODE];
    uint64_t first = 0;
    enum sockq_reason reason = scan_addresses(reader, &p, end, NULL, &first);
    if (reason != SOCKQ_OK)
        return reason;
    row->sctp.local = first;
    take_first(reader, first, row->local_addr, &row->family);
    row->known |= SOCKQ_HAS_ADDRS | (row->inode ? SOCKQ_HAS_INODE : 0);
    table_push(reader, row);
    return SOCKQ_OK;
}

enum sockq_reason scan_sctp_assocs(struct table_reader *reader, const char *line, const char *end)
{
    enum { STYLE, STATE, ASSOC_STATE, BUCKET, ID, TX, RX, UID, INODE, LPORT, RPORT, COLUMNS };
    uint64_t column[COLUMNS];
    struct sockq_row *row = new_row(reader);
    const char *tab = memchr(line, '\t', (size_t)(end - line));

    if (!row)
        return SOCKQ_OK;
    if (!tab)
        return SOCKQ_BAD_SEPARATOR;
    const char *p = scan_pointer(line, tab);
    p = p ? scan_pointer(p, tab) : NULL;
    if (!p)
        return SOCKQ_BAD_COLUMNS;
    p = scan_columns(p, tab, column, COLUMNS);
    if (!p || column[STYLE] > UINT8_MAX || column[STATE] > UINT8_MAX ||
        column[ASSOC_STATE] > UINT8_MAX || column[ID] > UINT32_MAX || column[TX] > UINT32_MAX ||
        column[RX] > UINT32_MAX || column[UID] > UINT32_MAX || column[LPORT] > UINT16_MAX ||
        column[RPORT] > UINT16_MAX)
        return SOCKQ_BAD_NUMBER;
    row->sctp.style = (uint8_t)column[STYLE];
    row->sctp.state = (uint8_t)column[ASSOC_STATE];
    row->sctp.assoc_id = (uint32_t)column[ID];
    row->state = (uint8_t)column[STATE];
    row->send_q = (uint32_t)column[TX];
    row->recv_q = (uint32_t)column[RX];
    row->uid = (uint32_t)column[UID];
    row->inode = column[INODE];
    row->local_port = (uint16_t)column[LPORT];
    row->remote_port = (uint16_t)column[RPORT];
    uint64_t local = 0, remote = 0;
    enum sockq_reason reason = scan_addresses(reader, &p, tab, "<->", &local);
    if (reason == SOCKQ_OK)
        reason = scan_addresses(reader, &p, tab, NULL, &remote);
    if (reason != SOCKQ_OK)
        return reason;
    row->sctp.local = local;
    row->sctp.remote = remote;
    take_first(reader, local, row->local_addr, &row->family);
    take_first(reader, remote, row->remote_addr, &row->family);
    row->known |= SOCKQ_HAS_ADDRS | SOCKQ_HAS_QUEUES | (row->inode ? SOCKQ_HAS_INODE : 0);
    table_push(reader, row);
    return SOCKQ_OK;
}

/*
 * Rows of tcp, udp, udplite, raw, icmp and their IPv6 twins: one format, printed by
 * net/ipv4/tcp_ipv4.c (get_tcp4_sock, get_timewait4_sock, get_openreq4), net/ipv4/udp.c
 * (udp4_format_sock), net/ipv4/raw.c, net/ipv4/ping.c and net/ipv6/{tcp_ipv6,datagram}.c.
 */
#include "../scan.h"
#include "rest.h"
#include "source.h"

/* As much as ss reads at a time, with the line feed. */
enum { LONG_LINE = 255 };

static bool is_v6(enum sockq_table table)
{
    return table == SOCKQ_TCP6 || table == SOCKQ_UDP6 || table == SOCKQ_UDPLITE6 ||
           table == SOCKQ_RAW6 || table == SOCKQ_ICMP6;
}

static bool is_tcp(enum sockq_table table)
{
    return table == SOCKQ_TCP || table == SOCKQ_TCP6;
}

/*
 * "AAAAAAAA:PPPP": an address is one 32-bit word, or four, each printed as a host-order number,
 * so storing the number gives the bytes in network order. A port is exactly four digits.
 */
static const char *scan_endpoint(const char *p, const char *end, int words, uint8_t *address,
                                 uint16_t *port, enum sockq_reason *reason)
{
    *reason = SOCKQ_BAD_ADDRESS;
    if (end - p < words * 8 + 5)
        return NULL;
    for (int i = 0; i < words; i++, p += 8) {
        uint32_t word;
        if (!scan_hex8(p, &word))
            return NULL;
        memcpy(address + i * 4, &word, 4);
    }
    if (*p != ':') {
        *reason = scan_hex_digit(*p) < 16 ? SOCKQ_BAD_ADDRESS : SOCKQ_BAD_PORT;
        return NULL;
    }
    *reason = SOCKQ_BAD_PORT;
    if (!scan_hex4(p + 1, port) || !scan_group_ends(p + 5, end))
        return NULL;
    return p + 5;
}

/* "A:B", two hexadecimal numbers of at most 8 and `most` digits. */
static const char *scan_pair(const char *p, const char *end, int first_most, uint64_t *a, int most,
                             uint64_t *b)
{
    uint32_t a32, b32;

    if (end - p >= 17 && first_most == 8 && p[8] == ':' && scan_hex8(p, &a32) &&
        scan_hex8(p + 9, &b32) && scan_group_ends(p + 17, end)) {
        *a = a32;
        *b = b32;
        return p + 17;
    }
    p = scan_hex(p, end, first_most, a);
    if (!p || p == end || *p != ':')
        return NULL;
    p = scan_hex(p + 1, end, most, b);
    return p && scan_group_ends(p, end) ? p : NULL;
}

/* After a group: the next one's start, or NULL at the end of the line. */
static const char *next_group(const char *p, const char *end)
{
    p = scan_blanks(p, end);
    return p < end ? p : NULL;
}

/* Columns 1 to 10, which every row of every kernel has. */
static const char *scan_common(struct sockq_row *row, const char *p, const char *end, int words,
                               enum sockq_reason *reason)
{
    uint64_t a, b;

    /* sl is a running number or a hash bucket: checked, never kept. */
    p = scan_blanks(p, end);
    for (a = 0; p < end && (unsigned char)(*p - '0') < 10; p++)
        a++;
    *reason = SOCKQ_BAD_SLOT;
    if (a == 0 || p == end || *p != ':' || !scan_group_ends(p + 1, end))
        return NULL;
    *reason = SOCKQ_BAD_COLUMNS;
    if (!(p = next_group(p + 1, end)))
        return NULL;
    if (!(p = scan_endpoint(p, end, words, row->local_addr, &row->local_port, reason)))
        return NULL;
    *reason = SOCKQ_BAD_COLUMNS;
    if (!(p = next_group(p, end)))
        return NULL;
    if (!(p = scan_endpoint(p, end, words, row->remote_addr, &row->remote_port, reason)))
        return NULL;
    *reason = SOCKQ_BAD_COLUMNS;
    if (!(p = next_group(p, end)))
        return NULL;
    *reason = SOCKQ_BAD_STATE;
    if (!(p = scan_hex(p, end, 2, &a)) || !scan_group_ends(p, end))
        return NULL;
    row->state = (uint8_t)a;
    *reason = SOCKQ_BAD_COLUMNS;
    if (!(p = next_group(p, end)))
        return NULL;
    *reason = SOCKQ_BAD_QUEUE;
    if (!(p = scan_pair(p, end, 8, &a, 8, &b)))
        return NULL;
    row->send_q = (uint32_t)a;
    row->recv_q = (uint32_t)b;
    *reason = SOCKQ_BAD_COLUMNS;
    if (!(p = next_group(p, end)))
        return NULL;
    *reason = SOCKQ_BAD_TIMER;
    if (!(p = scan_pair(p, end, 2, &a, 16, &row->when)))
        return NULL;
    row->timer = (uint8_t)a;
    *reason = SOCKQ_BAD_COLUMNS;
    if (!(p = next_group(p, end)))
        return NULL;
    *reason = SOCKQ_BAD_RETRANS;
    if (!(p = scan_hex(p, end, 8, &a)) || !scan_group_ends(p, end))
        return NULL;
    row->retrans = (uint32_t)a;
    *reason = SOCKQ_BAD_COLUMNS;
    if (!(p = next_group(p, end)))
        return NULL;
    *reason = SOCKQ_BAD_UID;
    if (!(p = scan_u32(p, end, &row->uid)) || !scan_group_ends(p, end))
        return NULL;
    *reason = SOCKQ_BAD_COLUMNS;
    if (!(p = next_group(p, end)))
        return NULL;
    *reason = SOCKQ_BAD_TIMEOUT;
    if (!(p = scan_u32(p, end, &row->probes)) || !scan_group_ends(p, end))
        return NULL;
    *reason = SOCKQ_BAD_COLUMNS;
    if (!(p = next_group(p, end)))
        return NULL;
    *reason = SOCKQ_BAD_INODE;
    if (!(p = scan_u64(p, end, &row->inode)) || !scan_group_ends(p, end))
        return NULL;
    return p;
}

/* Columns 13 to 17 of a full TCP row: rto, ato, qack, cwnd, ssthresh. */
static const char *scan_tcp_tail(struct sockq_row *row, const char *p, const char *end)
{
    uint32_t *const columns[] = {&row->tcp.rto, &row->tcp.ato, &row->tcp.qack, &row->tcp.cwnd};

    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
        p = scan_blanks(p, end);
        if (!(p = scan_u32(p, end, columns[i])) || !scan_group_ends(p, end))
            return NULL;
    }
    p = scan_blanks(p, end);
    p = scan_i32(p, end, &row->tcp.ssthresh);
    return p && scan_group_ends(p, end) ? p : NULL;
}

/* Columns of later kernels are passed over; a decimal with a colon is the next row's sl. */
static enum sockq_reason pass_over(const char *p, const char *end)
{
    while ((p = next_group(p, end)) != NULL) {
        const char *group = p;
        p = scan_group(p, end);
        if (!p || !scan_group_ends(p, end))
            return SOCKQ_BAD_NUL;
        bool digits = p - group > 1 && p[-1] == ':';
        for (const char *c = group; digits && c < p - 1; c++)
            digits = *c >= '0' && *c <= '9';
        if (digits)
            return SOCKQ_BAD_TWO_ROWS;
    }
    return SOCKQ_OK;
}

/* Columns 11 to 17, each of which a kernel or a cut-off capture may lack. */
static enum sockq_reason scan_rest(struct sockq_row *row, const char *p, const char *end)
{
    const char *group = next_group(p, end);
    enum sockq_reason reason;

    if (!group)
        return SOCKQ_OK;
    if (!(p = scan_i32(group, end, &row->refs)) || !scan_group_ends(p, end))
        return SOCKQ_BAD_REFS;
    row->known |= SOCKQ_HAS_REFS;
    if (!(group = next_group(p, end)))
        return SOCKQ_OK;
    p = scan_group(group, end);
    if (!p || !scan_group_ends(p, end))
        return SOCKQ_BAD_NUL;
    if (!(group = next_group(p, end)))
        return SOCKQ_OK;
    if (!is_tcp((enum sockq_table)row->table)) {
        if (!(p = scan_either32(group, end, &row->drops)) || !scan_group_ends(p, end))
            return SOCKQ_BAD_TAIL;
        row->known |= SOCKQ_HAS_DROPS;
        return pass_over(p, end);
    }
    if (!(p = scan_tcp_tail(row, group, end))) {
        /* Kernels print all five or none, so anything else is damage. */
        reason = pass_over(group, end);
        return reason != SOCKQ_OK ? reason : SOCKQ_BAD_TAIL;
    }
    row->known |= SOCKQ_HAS_TCP;
    return pass_over(p, end);
}

/*
 * What the row's kind makes meaningless is left unknown: a mini-socket prints 0 as uid,
 * inode, retransmits and probes; a request row (SYN_RECV without a tail) as inode and probes.
 */
static void mark_known(struct sockq_row *row)
{
    row->known |= SOCKQ_HAS_STATE | SOCKQ_HAS_QUEUES | SOCKQ_HAS_TIMER | SOCKQ_HAS_ADDRS;
    if (!is_tcp((enum sockq_table)row->table)) {
        row->known |= SOCKQ_HAS_UID;
    } else if (row->state == SOCKQ_TIME_WAIT ||
               (row->state == SOCKQ_FIN_WAIT2 && row->timer == SOCKQ_TIMER_TIMEWAIT)) {
        row->flags |= SOCKQ_ROW_MINI;
        return;
    } else if (!(row->known & SOCKQ_HAS_TCP) && row->inode == 0 &&
               (row->state == SOCKQ_SYN_RECV || row->state == SOCKQ_NEW_SYN_RECV)) {
        row->flags |= SOCKQ_ROW_REQUEST;
        row->known |= SOCKQ_HAS_UID | SOCKQ_HAS_RETRANS;
        return;
    } else {
        row->known |= SOCKQ_HAS_UID | SOCKQ_HAS_RETRANS | SOCKQ_HAS_PROBES;
    }
    if (row->inode)
        row->known |= SOCKQ_HAS_INODE;
}

#if SCAN_WIDE
/* The groups of a line's tail: where each begins and ends, a bit a byte from `text` on. */
struct groups {
    const char *text;
    uint64_t begins;
    uint64_t ends; /* the first blank behind; as many bits as begins */
};

struct group {
    const char *end;
    unsigned size;
};

/* The groups of the first 64 bytes; false if more than blanks follows these. */
SCAN_INLINE bool find_groups(struct groups *groups, const char *p, const char *end)
{
    const uint64_t blank = scan_blank_mask(p, end);

    groups->text = p;
    groups->begins = ~blank & (blank << 1 | 1);
    groups->ends = blank & ~(blank << 1 | 1);
    return blank >> 63 && (end - p <= 64 || scan_blanks(p + 64, end) == end);
}

/* Take the next group. @return false at the end of the line */
SCAN_INLINE bool take_group(struct groups *groups, struct group *group)
{
    if (!groups->begins)
        return false;
    const int begin = __builtin_ctzll(groups->begins), end = __builtin_ctzll(groups->ends);
    groups->begins &= groups->begins - 1;
    groups->ends &= groups->ends - 1;
    *group = (struct group){.end = groups->text + end, .size = (unsigned)(end - begin)};
    return true;
}

SCAN_INLINE bool take_decimal(struct groups *groups, uint32_t *value, struct scan_bad *bad)
{
    struct group group;

    if (!take_group(groups, &group))
        return false;
    *value = scan_decimal_before(group.end, group.size, bad);
    return true;
}

/* A number of at most four digits, as text for scan_decimal_four. */
SCAN_INLINE bool take_short(struct groups *groups, uint32_t *text, struct scan_bad *bad)
{
    struct group group;

    if (!take_group(groups, &group))
        return false;
    *text = scan_short_before(group.end, group.size, bad);
    return true;
}

/* Columns 13 to 17. */
SCAN_INLINE bool scan_plain_tcp(struct sockq_tcp *tcp, struct groups *groups, struct scan_bad *bad)
{
    struct group ssthresh;
    uint32_t rto, ato, qack, cwnd;

    if (!take_short(groups, &rto, bad) || !take_short(groups, &ato, bad) ||
        !take_short(groups, &qack, bad) || !take_short(groups, &cwnd, bad) ||
        !take_group(groups, &ssthresh))
        return false;
    const scan_quads numbers = scan_decimal_four((scan_quads){rto, ato, qack, cwnd}, bad);
    _Static_assert(offsetof(struct sockq_tcp, ssthresh) == sizeof(numbers), "rto to cwnd");
    memcpy(tcp, &numbers, sizeof(numbers));
    const uint32_t minus = *(ssthresh.end - ssthresh.size) == '-';
    const uint32_t n = scan_decimal_before(ssthresh.end, ssthresh.size - minus, bad);
    tcp->ssthresh = (int32_t)((n ^ (0 - minus)) + minus);
    return true;
}

/* Columns 8 to 17. */
SCAN_INLINE bool scan_plain_tail(struct sockq_row *row, const char *p, const char *end,
                                 struct scan_bad *bad)
{
    struct groups groups;
    struct group inode, pointer;
    uint32_t refs;

    if (!find_groups(&groups, p, end) || !take_decimal(&groups, &row->uid, bad) ||
        !take_decimal(&groups, &row->probes, bad) || !take_group(&groups, &inode) ||
        !take_decimal(&groups, &refs, bad) || !take_group(&groups, &pointer))
        return false;
    if (inode.size <= 8)
        row->inode = scan_decimal_before(inode.end, inode.size, bad);
    else if (scan_u64(inode.end - inode.size, inode.end, &row->inode) != inode.end)
        return false;
    row->refs = (int32_t)refs;
    if (scan_group(pointer.end - pointer.size, pointer.end) != pointer.end)
        return false;
    row->known |= SOCKQ_HAS_REFS;
    if (!is_tcp((enum sockq_table)row->table)) {
        row->known |= SOCKQ_HAS_DROPS;
        return take_decimal(&groups, &row->drops, bad) && !groups.begins;
    }
    if (!groups.begins)
        return true;
    row->known |= SOCKQ_HAS_TCP;
    return scan_plain_tcp(&row->tcp, &groups, bad) && !groups.begins;
}

/*
 * A whole row, if it has the shape that kernels give nearly every row: each hexadecimal column of
 * its least width, in upper case, and only blanks between. False says no more than that it has not:
 * what was filled in means nothing, and the row is to be read column by column.
 */
SCAN_INLINE bool scan_plain_row(struct sockq_row *row, const char *p, const char *end, int words)
{
    const uint64_t colon_blank = 0x20000000003au, colon_and_fifth = 0xff00000000ffu;
    const int address = words * 8;
    struct scan_bad bad = {.bits = 0};
    uint64_t value;

    while (p < end && *p == ' ')
        p++;
    const char *slot = p;
    while (p < end && (unsigned char)(*p - '0') < 10)
        p++;
    /* What follows is "sl: ADDRESS:PORT ADDRESS:PORT st tx:rx tr:when retrnsmt ". */
    if (p == slot || end - p < 2 + 2 * (address + 6) + 42 + 1)
        return false;
    const char *local = p + 2, *remote = local + address + 6, *st = remote + address + 6;
    bad.bits = (scan_load2(p) ^ 0x203au /* ": " */) |
               ((scan_load8(local + address) ^ colon_blank) & colon_and_fifth) |
               ((scan_load8(remote + address) ^ colon_blank) & colon_and_fifth) |
               (unsigned char)((st[2] ^ ' ') | (st[11] ^ ':') | (st[20] ^ ' ') | (st[23] ^ ':') |
                               (st[32] ^ ' ') | (st[41] ^ ' '));
    for (int i = 0; i < words; i++) {
        value = scan_hex_two(scan_load8(local + i * 8), scan_load8(remote + i * 8), &bad);
        const uint32_t pair[2] = {(uint32_t)value, (uint32_t)(value >> 32)};
        memcpy(row->local_addr + i * 4, &pair[1], 4);
        memcpy(row->remote_addr + i * 4, &pair[0], 4);
    }
    value = scan_hex_two(
        scan_load4(local + address + 1) | (uint64_t)scan_load4(remote + address + 1) << 32,
        scan_load2(st) | (uint64_t)scan_load2(st + 21) << 16 | (uint64_t)0x30303030 << 32, &bad);
    row->local_port = (uint16_t)(value >> 48);
    row->remote_port = (uint16_t)(value >> 32);
    row->state = (uint8_t)(value >> 24);
    row->timer = (uint8_t)(value >> 16);
    value = scan_hex_two(scan_load8(st + 3), scan_load8(st + 12), &bad);
    row->send_q = (uint32_t)(value >> 32);
    row->recv_q = (uint32_t)value;
    value = scan_hex_two(scan_load8(st + 24), scan_load8(st + 33), &bad);
    row->when = (uint32_t)(value >> 32);
    row->retrans = (uint32_t)value;
    return scan_plain_tail(row, st + 42, end, &bad) && !scan_is_bad(&bad);
}
#else
static bool scan_plain_row(struct sockq_row *row, const char *p, const char *end, int words)
{
    (void)row, (void)p, (void)end, (void)words;
    return false;
}
#endif

enum sockq_reason scan_inet(struct table_reader *reader, const char *line, const char *end)
{
    struct sockq_row *row = sockq_writer_row(reader->w);
    const bool v6 = is_v6(reader->table);
    enum sockq_reason reason;

    if (!row)
        return SOCKQ_OK;
    row->table = (uint8_t)reader->table;
    row->family = v6 ? SOCKQ_AF_INET6 : SOCKQ_AF_INET;
    if (!(v6 ? scan_plain_row(row, line, end, 4) : scan_plain_row(row, line, end, 1))) {
        *row = (struct sockq_row){.table = row->table, .family = row->family};
        const char *p = scan_common(row, line, end, v6 ? 4 : 1, &reason);
        if (p)
            reason = scan_rest(row, p, end);
        if (reason != SOCKQ_OK)
            return memchr(line, '\0', (size_t)(end - line)) ? SOCKQ_BAD_NUL : reason;
    }
    mark_known(row);
    if (end - line >= LONG_LINE)
        row->flags |= SOCKQ_ROW_LONG_LINE;
    if (is_tcp(reader->table))
        rest_tcp(reader, row, line, end);
    table_push(reader, row);
    return SOCKQ_OK;
}

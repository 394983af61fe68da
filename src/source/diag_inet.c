/*
 * Rows of tcp, udp, udplite, raw, mptcp, dccp and sctp by inet_diag (net/ipv4/inet_diag.c,
 * tcp_diag.c, udp_diag.c, raw_diag.c, net/mptcp/mptcp_diag.c, net/sctp/diag.c): struct
 * inet_diag_msg and attributes behind it.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/inet_diag.h>
#include <linux/tcp.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "cgroups.h"
#include "diag_bytecode.h"
#include "sock_diag.h"

/* Attributes that are looked at: all below this number. */
enum { ATTRIBUTES = INET_DIAG_SOCKOPT + 1 };

/* All states but those of sockets that are bound and no more, which /proc does not list either. */
enum { LISTED_STATES = (1 << SOCKQ_BOUND_INACTIVE) - 1 };

static uint32_t protocol_of(enum sockq_table table)
{
    switch (table) {
    case SOCKQ_UDP:
    case SOCKQ_UDP6:
        return IPPROTO_UDP;
    case SOCKQ_UDPLITE:
    case SOCKQ_UDPLITE6:
        return IPPROTO_UDPLITE;
    case SOCKQ_RAW:
    case SOCKQ_RAW6:
        return IPPROTO_RAW;
    case SOCKQ_MPTCP:
    case SOCKQ_MPTCP6:
        return IPPROTO_MPTCP;
    case SOCKQ_DCCP:
    case SOCKQ_DCCP6:
        return IPPROTO_DCCP;
    case SOCKQ_SCTP_EPS:
    case SOCKQ_SCTP_ASSOCS:
        return IPPROTO_SCTP;
    default:
        return IPPROTO_TCP;
    }
}

/* The tables of SCTP have both families, which are asked for in turn. */
static uint8_t family_of(const struct table_reader *reader)
{
    switch (reader->table) {
    case SOCKQ_SCTP_EPS:
    case SOCKQ_SCTP_ASSOCS:
        return reader->asked > 0 ? SOCKQ_AF_INET6 : SOCKQ_AF_INET;
    case SOCKQ_TCP6:
    case SOCKQ_UDP6:
    case SOCKQ_UDPLITE6:
    case SOCKQ_RAW6:
    case SOCKQ_MPTCP6:
    case SOCKQ_DCCP6:
        return SOCKQ_AF_INET6;
    default:
        return SOCKQ_AF_INET;
    }
}

/* Tables whose sockets have timers and queues of connections. */
static bool is_stream(enum sockq_table table)
{
    const uint32_t protocol = protocol_of(table);

    return protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP || protocol == IPPROTO_DCCP ||
           protocol == IPPROTO_SCTP;
}

static bool is_sctp(enum sockq_table table)
{
    return table == SOCKQ_SCTP_EPS || table == SOCKQ_SCTP_ASSOCS;
}

/*
 * Listeners alone, or those that have associations, with these: sctp_diag_dump looks through one
 * table for each, the other for any state but these two, whatever those of the sockets are. Who
 * keeps what comes twice asks as ss does.
 */
static uint32_t sctp_states(enum sockq_table table, uint32_t states, bool keeps)
{
    const uint32_t listen = 1u << SOCKQ_LISTEN;

    if (table == SOCKQ_SCTP_EPS)
        return states & listen;
    return (keeps ? states : (uint32_t)LISTED_STATES) & ~(listen | 1u << SOCKQ_CLOSE);
}

static uint8_t extensions(uint32_t flags)
{
    static const struct {
        uint32_t flag;
        uint8_t attributes[3];
    } wanted[] = {
        {SOCKQ_WITH_INFO, {INET_DIAG_INFO}},
        {SOCKQ_WITH_CC, {INET_DIAG_CONG, INET_DIAG_VEGASINFO}},
        {SOCKQ_WITH_MEMORY, {INET_DIAG_SKMEMINFO}},
        {SOCKQ_WITH_TOS, {INET_DIAG_TOS, INET_DIAG_TCLASS}},
    };
    unsigned bits = 0;

    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        for (int k = 0; flags & wanted[i].flag && k < 3 && wanted[i].attributes[k]; k++)
            bits |= 1u << (wanted[i].attributes[k] - 1);
    return (uint8_t)bits;
}

static void ask(const struct table_reader *reader, struct nlmsghdr *header)
{
    struct inet_diag_req_v2 *request = mnl_nlmsg_put_extra_header(header, sizeof(*request));
    const struct sockq_question *question = reader->job->question;
    const uint32_t protocol = protocol_of(reader->table);
    unsigned char code[DIAG_BYTECODE];

    request->sdiag_family = family_of(reader);
    request->sdiag_protocol = (uint8_t)protocol;
    request->idiag_ext = extensions(question->flags);
    request->idiag_states = question->states ? (uint32_t)question->states : LISTED_STATES;
    if (is_sctp(reader->table))
        request->idiag_states = sctp_states(reader->table, request->idiag_states,
                                            question->flags & SOCKQ_KEEP_DUPLICATES);
    if (protocol > UINT8_MAX)
        mnl_attr_put_u32(header, INET_DIAG_REQ_PROTOCOL, protocol);
    size_t size = diag_bytecode(&question->narrow, code);
    if (size)
        mnl_attr_put(header, INET_DIAG_REQ_BYTECODE, size, code);
}

/* Text of an attribute, which may lack its NUL. */
static void copy_name(const struct nlattr *attribute, char *into, size_t size)
{
    size_t length = mnl_attr_get_payload_len(attribute);
    const char *name = mnl_attr_get_payload(attribute);

    length = strnlen(name, length < size - 1 ? length : size - 1);
    memcpy(into, name, length);
}

static void take_cc(struct sockq_diag *more, const struct nlattr *const attributes[])
{
    static const struct {
        uint16_t attribute;
        uint16_t size;
        uint32_t has;
    } infos[] = {
        {INET_DIAG_VEGASINFO, sizeof(struct tcpvegas_info), SOCKQ_DIAG_HAS_VEGAS},
        {INET_DIAG_DCTCPINFO, sizeof(struct tcp_dctcp_info), SOCKQ_DIAG_HAS_DCTCP},
        {INET_DIAG_BBRINFO, sizeof(struct tcp_bbr_info), SOCKQ_DIAG_HAS_BBR},
    };

    if (attributes[INET_DIAG_CONG]) {
        copy_name(attributes[INET_DIAG_CONG], more->cc, sizeof(more->cc));
        more->has |= SOCKQ_DIAG_HAS_CC;
    }
    for (size_t i = 0; i < sizeof(infos) / sizeof(infos[0]); i++) {
        const void *info = diag_payload(attributes[infos[i].attribute], infos[i].size);
        if (!info)
            continue;
        _Static_assert(sizeof(struct tcp_bbr_info) <= sizeof(more->cc_info), "the largest of them");
        memcpy(more->cc_info, info, infos[i].size);
        more->has |= infos[i].has;
        return;
    }
}

static uint64_t take_more(struct table_reader *reader, const struct inet_diag_msg *message,
                          const struct nlattr *const attributes[])
{
    struct sockq_writer *w = reader->w;
    struct sockq_diag more = {.cookie = diag_cookie(message->id.idiag_cookie),
                              .has = SOCKQ_DIAG_HAS_COOKIE};
    uint64_t offset;

    take_cc(&more, attributes);
    diag_number(attributes[INET_DIAG_MARK], &more.mark, sizeof(more.mark), &more.has,
                SOCKQ_DIAG_HAS_MARK);
    diag_number(attributes[INET_DIAG_CLASS_ID], &more.class_id, sizeof(more.class_id), &more.has,
                SOCKQ_DIAG_HAS_CLASS);
    diag_number(attributes[INET_DIAG_CGROUP_ID], &more.cgroup_id, sizeof(more.cgroup_id), &more.has,
                SOCKQ_DIAG_HAS_CGROUP);
    diag_number(attributes[INET_DIAG_TOS], &more.tos, sizeof(more.tos), &more.has,
                SOCKQ_DIAG_HAS_TOS);
    diag_number(attributes[INET_DIAG_TCLASS], &more.tclass, sizeof(more.tclass), &more.has,
                SOCKQ_DIAG_HAS_TCLASS);
    diag_number(attributes[INET_DIAG_SOCKOPT], &more.sockopt, sizeof(more.sockopt), &more.has,
                SOCKQ_DIAG_HAS_SOCKOPT);
    diag_memory(attributes[INET_DIAG_SKMEMINFO], &more.memory);
    more.info = diag_bytes(w, attributes[INET_DIAG_INFO], &more.info_len);
    if (is_sctp(reader->table)) {
        more.locals = diag_bytes(w, attributes[INET_DIAG_LOCALS], &more.locals_len);
        more.peers = diag_bytes(w, attributes[INET_DIAG_PEERS], &more.peers_len);
    } else {
        more.ulp = diag_bytes(w, attributes[INET_DIAG_ULP_INFO], &more.ulp_len);
        more.md5sig = diag_bytes(w, attributes[INET_DIAG_MD5SIG], &more.md5sig_len);
    }
    struct sockq_diag *kept = sockq_writer_row_alloc(w, sizeof(more), &offset);
    if (!kept)
        return 0;
    *kept = more;
    return offset;
}

/* How often the timer that runs has run out, of which timer that may be; all of it by tcp_info. */
static void take_counts(struct sockq_row *row, const struct inet_diag_msg *message,
                        const struct nlattr *info)
{
    /* Attributes are aligned to 4 bytes, the struct to 8. */
    const uint8_t *tcp = diag_payload(info, offsetof(struct tcp_info, tcpi_backoff));

    if (tcp) {
        row->retrans = tcp[offsetof(struct tcp_info, tcpi_retransmits)];
        row->probes = tcp[offsetof(struct tcp_info, tcpi_probes)];
        row->known |= SOCKQ_HAS_RETRANS | SOCKQ_HAS_PROBES;
    } else if (row->timer == SOCKQ_TIMER_ON) {
        row->retrans = message->idiag_retrans;
        row->known |= SOCKQ_HAS_RETRANS;
    } else if (row->timer == SOCKQ_TIMER_PROBE || row->timer == SOCKQ_TIMER_KEEPALIVE) {
        row->probes = message->idiag_retrans;
        row->known |= SOCKQ_HAS_PROBES;
    }
}

/* A mini-socket has no inode and no owner, a request neither, nor the attributes of a socket. */
static void mark_known(struct sockq_row *row, const struct inet_diag_msg *message,
                       const struct nlattr *const attributes[])
{
    /* Of what is gone no more is filled in (net/ipv4/inet_diag.c, inet_diag_handler_get_info). */
    if (row->flags & SOCKQ_ROW_CLOSED) {
        row->known = SOCKQ_HAS_STATE | SOCKQ_HAS_ADDRS;
        if (row->table == SOCKQ_TCP || row->table == SOCKQ_TCP6)
            take_counts(row, message, attributes[INET_DIAG_INFO]);
        return;
    }
    row->known = SOCKQ_HAS_STATE | SOCKQ_HAS_QUEUES | SOCKQ_HAS_TIMER | SOCKQ_HAS_ADDRS;
    if (is_sctp((enum sockq_table)row->table) || !is_stream((enum sockq_table)row->table)) {
        row->known |= SOCKQ_HAS_UID;
    } else if (row->timer == SOCKQ_TIMER_TIMEWAIT &&
               (row->state == SOCKQ_TIME_WAIT || row->state == SOCKQ_FIN_WAIT2)) {
        row->flags |= SOCKQ_ROW_MINI;
        return;
    } else if (row->state == SOCKQ_SYN_RECV && !attributes[INET_DIAG_SHUTDOWN]) {
        row->flags |= SOCKQ_ROW_REQUEST;
        row->retrans = message->idiag_retrans;
        row->known |= SOCKQ_HAS_RETRANS;
        return;
    } else {
        row->known |= SOCKQ_HAS_UID;
        take_counts(row, message,
                    protocol_of((enum sockq_table)row->table) == IPPROTO_TCP
                        ? attributes[INET_DIAG_INFO]
                        : NULL);
    }
    if (row->inode)
        row->known |= SOCKQ_HAS_INODE;
}

static void take_small(struct sockq_inet_diag *diag, const struct nlattr *attribute, uint8_t *into,
                       uint8_t has)
{
    const uint8_t *byte = diag_payload(attribute, 1);

    if (!byte)
        return;
    *into = *byte;
    diag->has |= has;
}

/* The first of a list of struct sockaddr_storage is the row's own address, as in the text. */
static void take_first(const struct nlattr *list, uint8_t bytes[16], uint8_t *family)
{
    /* Attributes are aligned to 4 bytes, the struct to 8. */
    const void *first = diag_payload(list, sizeof(struct sockaddr_storage));
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    sa_family_t its;

    if (!first)
        return;
    memcpy(&its, first, sizeof(its));
    if (its == AF_INET) {
        memcpy(&in, first, sizeof(in));
        memset(bytes, 0, 16);
        memcpy(bytes, &in.sin_addr, sizeof(in.sin_addr));
        *family = SOCKQ_AF_INET;
    } else if (its == AF_INET6) {
        memcpy(&in6, first, sizeof(in6));
        memcpy(bytes, &in6.sin6_addr, 16);
        *family = SOCKQ_AF_INET6;
    }
}

/*
 * A socket that has associations is told of before them, which the text does not do; who keeps
 * what comes twice sees that too, and the addresses as inet_diag has them.
 *
 * @return  whether the row is wanted
 */
static bool take_sctp(struct table_reader *reader, struct sockq_row *row,
                      const struct inet_diag_msg *message, const struct nlattr *const attributes[])
{
    const bool is_assoc = attributes[INET_DIAG_PEERS];
    const uint64_t cookie = diag_cookie(message->id.idiag_cookie);

    /* SCTP_EVENT_TIMEOUT_T3_RTX, the one timer that is told of, sends data again. */
    row->timer = message->idiag_timer ? SOCKQ_TIMER_ON : SOCKQ_TIMER_OFF;
    row->retrans = message->idiag_retrans;
    if (is_assoc) {
        row->diag.has |= SOCKQ_DIAG_IS_ASSOC;
        row->diag.assoc_state = row->state;
        /* Where its socket was not told of, between two answers. */
        row->state = cookie == reader->socket_cookie ? reader->socket_state : SOCKQ_ESTABLISHED;
    } else {
        reader->socket_state = row->state;
        reader->socket_cookie = cookie;
    }
    if (reader->job->question->flags & SOCKQ_KEEP_DUPLICATES)
        return true;
    take_first(attributes[INET_DIAG_LOCALS], row->local_addr, &row->family);
    take_first(attributes[INET_DIAG_PEERS], row->remote_addr, &row->family);
    return is_assoc == (reader->table == SOCKQ_SCTP_ASSOCS);
}

/* Of a row that was kept. */
static void meet_cgroup(struct table_reader *reader, uint64_t offset)
{
    if (!reader->job->cgroups || !offset || reader->w->lent)
        return;
    const struct sockq_diag *more = sockq_writer_at(reader->w, offset);
    if (more->has & SOCKQ_DIAG_HAS_CGROUP)
        cgroups_meet(reader->job->cgroups, reader->w, more->cgroup_id);
}

static bool take(struct table_reader *reader, const struct nlmsghdr *header)
{
    const struct inet_diag_msg *message = mnl_nlmsg_get_payload(header);
    const struct nlattr *attributes[ATTRIBUTES];

    if (mnl_nlmsg_get_payload_len(header) < sizeof(*message))
        return false;
    if (message->idiag_family != family_of(reader))
        return true;
    struct sockq_row *row = sockq_writer_row(reader->w);
    if (!row)
        return true;
    diag_attributes(header, sizeof(*message), attributes, ATTRIBUTES);
    *row = (struct sockq_row){.table = (uint8_t)reader->table,
                              .family = message->idiag_family,
                              .state = message->idiag_state,
                              .timer = message->idiag_timer,
                              .when = message->idiag_expires,
                              .recv_q = message->idiag_rqueue,
                              .send_q = message->idiag_wqueue,
                              .uid = message->idiag_uid,
                              .inode = message->idiag_inode,
                              .local_port = ntohs(message->id.idiag_sport),
                              .remote_port = ntohs(message->id.idiag_dport),
                              .flags = SOCKQ_ROW_DIAG,
                              .diag = {.ifindex = message->id.idiag_if}};
    const size_t size = row->family == SOCKQ_AF_INET6 ? 16 : 4;
    memcpy(row->local_addr, message->id.idiag_src, size);
    memcpy(row->remote_addr, message->id.idiag_dst, size);
    if (row->state == SOCKQ_LISTEN && is_stream(reader->table)) {
        row->diag.backlog_max = row->send_q;
        row->send_q = 0;
    }
    take_small(&row->diag, attributes[INET_DIAG_SHUTDOWN], &row->diag.shutdown,
               SOCKQ_DIAG_HAS_SHUTDOWN);
    take_small(&row->diag, attributes[INET_DIAG_SKV6ONLY], &row->diag.v6only,
               SOCKQ_DIAG_HAS_V6ONLY);
    take_small(&row->diag, attributes[INET_DIAG_PROTOCOL], &row->diag.protocol,
               SOCKQ_DIAG_HAS_PROTOCOL);
    if (reader->closed_ns) {
        row->flags |= SOCKQ_ROW_CLOSED;
        row->when = (uint64_t)reader->closed_ns;
    }
    mark_known(row, message, attributes);
    const bool is_of_sctp = is_sctp(reader->table);
    if (is_of_sctp && !take_sctp(reader, row, message, attributes))
        return true;
    const uint64_t more = reader->job->question->flags & SOCKQ_DIAG_FLAGS || is_of_sctp
                              ? take_more(reader, message, attributes)
                              : 0;
    row->diag.more = more;
    table_push(reader, row);
    meet_cgroup(reader, more);
    return true;
}

const struct diag_family diag_inet = {ask, take, 1}, diag_sctp = {ask, take, 2};

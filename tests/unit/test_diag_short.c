/*
 * Messages of sock_diag that say less than a kernel does, sets that have no more room for what they
 * say, and what a question for lines keeps of the text besides.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/netlink_diag.h>
#include <linux/packet_diag.h>
#include <linux/sock_diag.h>
#include <linux/tipc_netlink.h>
#include <linux/unix_diag.h>
#include <linux/vm_sockets.h>
#include <linux/vm_sockets_diag.h>
#include <linux/xdp_diag.h>
#include <sys/socket.h>

#include "collect.h"
#include "helper.h"
#include "source/sock_diag.h"

/* What each kind of message begins with; the first byte is its family. */
struct kind {
    const char *name;
    const struct diag_family *family;
    enum sockq_table table;
    uint8_t number;
    size_t size;
    const char *bare; /* the row of one that is all zero behind it */
    bool has_more;
};

static const struct kind kinds[] = {
    {"tcp", &diag_inet, SOCKQ_TCP, AF_INET, sizeof(struct inet_diag_msg), "state=1 !inode", true},
    {"unix", &diag_unix, SOCKQ_UNIX, AF_UNIX, sizeof(struct unix_diag_msg),
     "state=1 !inode !uid !recv !name", true},
    {"netlink", &diag_netlink, SOCKQ_NETLINK, AF_NETLINK, sizeof(struct netlink_diag_msg),
     "!inode !recv port=0", true},
    {"packet", &diag_packet, SOCKQ_PACKET, AF_PACKET, sizeof(struct packet_diag_msg),
     "!inode !recv !uid running=0", true},
    {"vsock", &diag_vsock, SOCKQ_VSOCK, AF_VSOCK, sizeof(struct vsock_diag_msg), NULL, false},
    {"sctp", &diag_sctp, SOCKQ_SCTP_EPS, AF_INET, sizeof(struct inet_diag_msg),
     "state=1 !inode recv=0", true},
    {"xdp", &diag_xdp, SOCKQ_XDP, AF_XDP, sizeof(struct xdp_diag_msg), "!inode !recv !uid", true},
};

static _Alignas(struct nlmsghdr) char bytes[2048];

/* A message of this many bytes behind the header, zero but for the family and a state or type. */
static struct nlmsghdr *message_of(uint8_t family, size_t size)
{
    memset(bytes, 0, sizeof(bytes));
    struct nlmsghdr *header = mnl_nlmsg_put_header(bytes);
    assert_true(size > 0);
    unsigned char *payload = mnl_nlmsg_put_extra_header(header, size);

    header->nlmsg_type = SOCK_DIAG_BY_FAMILY;
    header->nlmsg_len = (uint32_t)(NLMSG_HDRLEN + size);
    payload[0] = family;
    payload[1] = 1;
    return header;
}

static struct sockq_question question;
static struct table_job job;

static struct table_reader reader_of(struct fixture *f, enum sockq_table table)
{
    if (f->w.set)
        sockq_file_release(&f->file, f->w.block);
    question.tables = (uint64_t)1 << table;
    assert_int_equal(sockq_writer_open(&f->w, &f->file, &question), 0);
    job = (struct table_job){
        .proc = &f->proc, .w = &f->w, .question = &question, .check = never_stop};
    return (struct table_reader){
        .w = &f->w, .job = &job, .proc = &f->proc, .table = table, .source = SOCKQ_SOURCE_DIAG};
}

static void one_kind(void **state)
{
    struct fixture *f = *state;
    const struct kind *kind = f->given;

    question.flags = 0;
    struct table_reader reader = reader_of(f, kind->table);
    /* Cut short it is no row, and something lacks. */
    for (size_t size = 1; size < kind->size; size++)
        assert_false(kind->family->take(&reader, message_of(kind->number, size)));
    assert_true(kind->family->take(&reader, message_of(99, kind->size)));
    assert_int_equal(f->w.rows, 0);
    assert_true(kind->family->take(&reader, message_of(kind->number, kind->size)));
    sockq_writer_commit(&f->w);
    assert_int_equal(sockq_set_rows(f->w.set), 1);
    if (kind->bare)
        assert_words(f, row_at(f, 0), kind->bare);
    /* Only of a question for more it is told. */
    question.flags = SOCKQ_WITH_DETAILS;
    reader = reader_of(f, kind->table);
    assert_true(kind->family->take(&reader, message_of(kind->number, kind->size)));
    sockq_writer_commit(&f->w);
    const struct sockq_row *row = row_at(f, 0);
    const bool is_inet = kind->family == &diag_inet || kind->family == &diag_sctp;
    const uint64_t more = is_inet ? row->diag.more : row->more;
    assert_int_equal(more != 0, kind->has_more);
}

/* Fill the arena up to what the limit of the file gives. */
static void fill_arena(struct sockq_writer *w)
{
    uint64_t offset;

    w->file->used_most = w->file->used;
    while (sockq_writer_alloc(w, 8, &offset))
        continue;
    assert_int_equal(w->error, EDQUOT);
    w->error = 0;
}

static void no_room(void **state)
{
    struct fixture *f = *state;
    const struct kind *kind = f->given;

    question.flags = SOCKQ_WITH_DETAILS;
    struct table_reader reader = reader_of(f, kind->table);
    f->file.used_most = f->file.used;
    assert_true(kind->family->take(&reader, message_of(kind->number, kind->size)));
    assert_int_equal(f->w.error, EDQUOT);
    assert_int_equal(f->w.rows, 0);
    f->file.used_most = 0;
    reader = reader_of(f, kind->table);
    assert_true(kind->family->take(&reader, message_of(kind->number, kind->size)));
    fill_arena(&f->w);
    assert_true(kind->family->take(&reader, message_of(kind->number, kind->size)));
    assert_int_equal(f->w.error, kind->has_more ? EDQUOT : 0);
    f->file.used_most = 0;
    sockq_writer_finish(&f->w, SOCKQ_SET_COMPLETE);
    assert_int_equal(f->w.set->status, kind->has_more ? SOCKQ_SET_FAILED : SOCKQ_SET_COMPLETE);
}

/* The socket that asks is no row of its own table. */
static void the_one_that_asks(void **state)
{
    struct fixture *f = *state;
    struct table_reader reader = reader_of(f, SOCKQ_NETLINK);

    for (uint32_t i = 0; i < 8; i++) {
        struct nlmsghdr *header = message_of(AF_NETLINK, sizeof(struct netlink_diag_msg));
        struct netlink_diag_msg *message = mnl_nlmsg_get_payload(header);
        message->ndiag_protocol = i & 1 ? NETLINK_SOCK_DIAG : NETLINK_ROUTE;
        header->nlmsg_pid = i & 2 ? 7 : 0;
        message->ndiag_portid = i & 4 ? 7 : 0;
        const uint64_t before = f->w.rows;
        assert_true(diag_netlink.take(&reader, header));
        assert_int_equal(f->w.rows, before + (i != 7));
    }
}

/* What /proc shows of states, timers and queues, of sockets that are none any more. */
static void inet_rows(void **state)
{
    static const struct {
        uint8_t table, state, timer;
        bool closed;
        const char *words;
    } cases[] = {
        {SOCKQ_TCP, SOCKQ_TIME_WAIT, SOCKQ_TIMER_TIMEWAIT, false, "mini !inode !uid"},
        {SOCKQ_TCP, SOCKQ_FIN_WAIT2, SOCKQ_TIMER_TIMEWAIT, false, "mini !inode !uid"},
        {SOCKQ_TCP, SOCKQ_CLOSE_WAIT, SOCKQ_TIMER_TIMEWAIT, false, "!mini inode=5"},
        {SOCKQ_TCP, SOCKQ_SYN_RECV, SOCKQ_TIMER_ON, false, "request retrans=3 !inode"},
        {SOCKQ_TCP, SOCKQ_ESTABLISHED, SOCKQ_TIMER_ON, false, "retrans=3 !probes inode=5"},
        {SOCKQ_TCP, SOCKQ_ESTABLISHED, SOCKQ_TIMER_PROBE, false, "probes=3 !retrans inode=5"},
        {SOCKQ_TCP, SOCKQ_ESTABLISHED, SOCKQ_TIMER_KEEPALIVE, false, "probes=3 !retrans"},
        {SOCKQ_TCP, SOCKQ_ESTABLISHED, SOCKQ_TIMER_OFF, false, "!probes !retrans"},
        {SOCKQ_MPTCP, SOCKQ_LISTEN, SOCKQ_TIMER_OFF, false, "send=0 inode=5"},
        {SOCKQ_DCCP, SOCKQ_LISTEN, SOCKQ_TIMER_OFF, false, "send=0 inode=5"},
        {SOCKQ_UDP, SOCKQ_LISTEN, SOCKQ_TIMER_OFF, false, "send=9 inode=5"},
        {SOCKQ_TCP, SOCKQ_CLOSE, SOCKQ_TIMER_OFF, true, "!inode"},
        {SOCKQ_UDP, SOCKQ_CLOSE, SOCKQ_TIMER_OFF, true, "!inode"},
    };
    struct fixture *f = *state;

    question.flags = 0;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct table_reader reader = reader_of(f, cases[i].table);
        struct nlmsghdr *header = message_of(AF_INET, sizeof(struct inet_diag_msg));
        struct inet_diag_msg *message = mnl_nlmsg_get_payload(header);
        message->idiag_state = cases[i].state;
        message->idiag_timer = cases[i].timer;
        message->idiag_retrans = 3;
        message->idiag_inode = 5;
        message->idiag_wqueue = 9;
        reader.closed_ns = cases[i].closed ? 77 : 0;
        assert_true(diag_inet.take(&reader, header));
        sockq_writer_commit(&f->w);
        const struct sockq_row *row = row_at(f, 0);
        assert_words(f, row, cases[i].words);
        assert_int_equal((row->flags & SOCKQ_ROW_CLOSED) != 0, cases[i].closed);
        if (cases[i].closed)
            assert_int_equal(row->when, 77);
    }
}

/* An attribute behind what the message has. */
static void *put_attribute(struct nlmsghdr *header, uint16_t type, size_t size)
{
    unsigned char *payload =
        (unsigned char *)mnl_nlmsg_get_payload_tail(header) + sizeof(struct nlattr);

    mnl_attr_put(header, type, size, (const unsigned char[256]){0});
    return payload;
}

static void put_storage(void *to, const char *address)
{
    const sa_family_t family = strchr(address, ':') ? AF_INET6 : AF_INET;

    memcpy(to, &family, sizeof(family));
    assert_int_equal(inet_pton(family, address, (unsigned char *)to + (family == AF_INET ? 4 : 8)),
                     1);
}

static struct nlmsghdr *sctp_message(uint8_t state, const char *local, const char *remote)
{
    struct nlmsghdr *header = message_of(AF_INET6, sizeof(struct inet_diag_msg));
    struct inet_diag_msg *message = mnl_nlmsg_get_payload(header);

    message->idiag_state = state;
    message->idiag_inode = 5;
    message->idiag_timer = remote ? 4 : 0;
    message->idiag_wqueue = 9;
    put_storage(put_attribute(header, INET_DIAG_LOCALS, 128), local);
    if (remote)
        put_storage(put_attribute(header, INET_DIAG_PEERS, 128), remote);
    return header;
}

/* A socket before its associations is no row of its own, but for who sees what comes twice. */
static void sctp_rows(void **state)
{
    struct fixture *f = *state;

    for (int keeps = 0; keeps < 2; keeps++) {
        question.flags = keeps ? SOCKQ_KEEP_DUPLICATES : 0;
        struct table_reader reader = reader_of(f, SOCKQ_SCTP_ASSOCS);
        reader.asked = 1;
        assert_true(diag_sctp.take(&reader, sctp_message(SOCKQ_CLOSE_WAIT, "::1", NULL)));
        assert_true(diag_sctp.take(&reader, sctp_message(4, "127.0.0.1", "10.0.0.2")));
        sockq_writer_commit(&f->w);
        assert_int_equal(sockq_set_rows(f->w.set), keeps ? 2 : 1);
        const struct sockq_row *row = row_at(f, (uint64_t)keeps);
        assert_words(f, row, "state=8 inode=5");
        assert_int_equal(row->diag.has & SOCKQ_DIAG_IS_ASSOC, SOCKQ_DIAG_IS_ASSOC);
        assert_int_equal(row->diag.assoc_state, 4);
        assert_int_equal(row->timer, SOCKQ_TIMER_ON);
        assert_int_equal(row->family, keeps ? SOCKQ_AF_INET6 : SOCKQ_AF_INET);
        assert_int_equal(row->local_addr[0], keeps ? 0 : 127);
        assert_int_equal(row->remote_addr[0], keeps ? 0 : 10);
        const struct sockq_diag *more =
            sockq_set_at(f->file.map, f->w.set, row->diag.more, sizeof(*more));
        assert_true(more && more->locals_len == 128 && more->peers_len == 128);
    }
    question.flags = 0;
    struct table_reader reader = reader_of(f, SOCKQ_SCTP_EPS);
    reader.asked = 1;
    assert_true(diag_sctp.take(&reader, sctp_message(SOCKQ_LISTEN, "2001:db8::2", NULL)));
    assert_true(diag_sctp.take(&reader, sctp_message(3, "::1", "::1")));
    sockq_writer_commit(&f->w);
    assert_int_equal(sockq_set_rows(f->w.set), 1);
    assert_words(f, row_at(f, 0), "state=10 inode=5 send=0");
    assert_int_equal(row_at(f, 0)->diag.backlog_max, 9);
}

static void sctp_requests(void **state)
{
    static const struct {
        enum sockq_table table;
        uint64_t states;
        uint32_t asked;
    } cases[] = {
        {SOCKQ_SCTP_EPS, 0, 1 << SOCKQ_LISTEN},
        {SOCKQ_SCTP_ASSOCS, 0, 0x1fff & ~(1 << SOCKQ_LISTEN | 1 << SOCKQ_CLOSE)},
        {SOCKQ_SCTP_EPS, 1 << SOCKQ_ESTABLISHED, 0},
        {SOCKQ_SCTP_ASSOCS, 1 << SOCKQ_CLOSE, 0x1fff & ~(1 << SOCKQ_LISTEN | 1 << SOCKQ_CLOSE)},
    };
    struct fixture *f = *state;

    question.flags = 0;
    for (unsigned i = 0; i < 2 * COUNT(cases); i++) {
        struct nlmsghdr *header = mnl_nlmsg_put_header(bytes);
        question.states = cases[i / 2].states;
        struct table_reader reader = reader_of(f, cases[i / 2].table);
        reader.asked = i & 1;
        diag_sctp.ask(&reader, header);
        const struct inet_diag_req_v2 *request = mnl_nlmsg_get_payload(header);
        assert_int_equal(request->sdiag_protocol, IPPROTO_SCTP);
        assert_int_equal(request->sdiag_family, i & 1 ? AF_INET6 : AF_INET);
        assert_int_equal(request->idiag_states, cases[i / 2].asked);
    }
    question.states = 0;
    assert_int_equal(diag_sctp.requests, 2);
}

/* Every message is whole, with attributes or without: of one without a socket there is no row. */
static void tipc_rows(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 3; i++) {
        question.flags = i == 2 ? SOCKQ_WITH_DETAILS : 0;
        struct table_reader reader = reader_of(f, SOCKQ_TIPC);
        memset(bytes, 0, sizeof(bytes));
        struct nlmsghdr *header = mnl_nlmsg_put_header(bytes);
        struct nlattr *socket = i ? mnl_attr_nest_start(header, TIPC_NLA_SOCK) : NULL;
        if (i) {
            mnl_attr_put_u32(header, TIPC_NLA_SOCK_TIPC_STATE, SOCKQ_LISTEN);
            mnl_attr_put_u32(header, TIPC_NLA_SOCK_INO, 5);
            struct nlattr *counts = mnl_attr_nest_start(header, TIPC_NLA_SOCK_STAT);
            mnl_attr_put_u32(header, TIPC_NLA_SOCK_STAT_RCVQ, 7);
            mnl_attr_put_u32(header, TIPC_NLA_SOCK_STAT_DROP, 8);
            mnl_attr_nest_end(header, counts);
            mnl_attr_nest_end(header, socket);
        }
        assert_true(diag_tipc.take(&reader, header));
        sockq_writer_commit(&f->w);
        assert_int_equal(sockq_set_rows(f->w.set), i > 0);
        if (!i)
            continue;
        const struct sockq_row *row = row_at(f, 0);
        assert_words(f, row, "state=10 inode=5 recv=7 send=0 uid=0");
        const struct sockq_tipc_diag *more =
            row->more ? sockq_set_at(f->file.map, f->w.set, row->more, sizeof(*more)) : NULL;
        assert_int_equal(more != NULL, i == 2);
        assert_true(!more || (more->drops == 8 && more->has == 0));
    }
}

/* No place in the arena, or for the row. */
static void tipc_without_room(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 2; i++) {
        question.flags = SOCKQ_WITH_DETAILS;
        struct table_reader reader = reader_of(f, SOCKQ_TIPC);
        memset(bytes, 0, sizeof(bytes));
        struct nlmsghdr *header = mnl_nlmsg_put_header(bytes);
        mnl_attr_nest_end(header, mnl_attr_nest_start(header, TIPC_NLA_SOCK));
        if (i)
            fill_arena(&f->w);
        else
            f->file.used_most = f->file.used;
        assert_true(diag_tipc.take(&reader, header));
        assert_int_equal(f->w.error, EDQUOT);
        f->file.used_most = 0;
    }
}

static void requests(void **state)
{
    struct fixture *f = *state;

    question.flags = SOCKQ_WITH_INFO | SOCKQ_WITH_CC | SOCKQ_WITH_MEMORY | SOCKQ_WITH_TOS;
    struct table_reader reader = reader_of(f, SOCKQ_VSOCK);
    for (uint64_t states = 0; states < 2; states++) {
        struct nlmsghdr *header = mnl_nlmsg_put_header(bytes);
        reader.states = states << SOCKQ_LISTEN;
        diag_vsock.ask(&reader, header);
        const struct vsock_diag_req *request = mnl_nlmsg_get_payload(header);
        assert_int_equal(request->sdiag_family, AF_VSOCK);
        assert_int_equal(request->vdiag_states, states ? 1u << SOCKQ_LISTEN : UINT32_MAX);
    }
}

static const struct sockq_line *line_at(const struct fixture *f, uint32_t at)
{
    const struct sockq_line *line =
        at ? sockq_set_at(f->file.map, f->w.set, (uint64_t)at * 8, sizeof(*line)) : NULL;

    return line;
}

static void collect(struct fixture *f, enum sockq_table table, uint32_t flags)
{
    if (f->w.set)
        sockq_file_release(&f->file, f->w.block);
    question = (struct sockq_question){.tables = (uint64_t)1 << table,
                                       .flags = flags | SOCKQ_KEEP_DUPLICATES};
    assert_int_equal(sockq_collect_begin(&f->w, &f->file, &f->proc, &question), 0);
    sockq_collect_run(&f->w, &f->proc, &question, never_stop, NULL);
}

#define TCP_LINE "0: 0100007F:0050 0200007F:0016 01 00000001:00000002 01:00000003 00000004 5 6 7 1 "

static void lines_of_tcp(void **state)
{
    static const struct {
        const char *text;
        bool has_pointer;
        uint64_t pointer;
        const char *rest;
    } cases[] = {
        {TCP_LINE "00000000db745801 20 4 30 10 -1\n", true, 0xdb745801, NULL},
        {TCP_LINE "00000000db745801 20 4 30 10 -1 more of it \n", true, 0xdb745801, "more of it "},
        {TCP_LINE "ffffffffffffffff 20 4 30 10 -1  x\n", true, UINT64_MAX, "x"},
        {TCP_LINE "(null) 20 4 30 10 -1\n", false, 0, NULL},
        {TCP_LINE "db745801x 20 4 30 10 -1\n", false, 0xdb745801, NULL},
        {TCP_LINE "db745801\n", true, 0xdb745801, NULL},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        put_table(f, SOCKQ_TCP, cases[i].text, strlen(cases[i].text));
        collect(f, SOCKQ_TCP, SOCKQ_WITH_LINES);
        const struct sockq_line *line = line_at(f, row_at(f, 0)->tcp.line);
        assert_non_null(line);
        assert_int_equal(line->has_pointer, cases[i].has_pointer);
        assert_int_equal(line->pointer, cases[i].pointer);
        assert_int_equal(line->rest_len, cases[i].rest ? strlen(cases[i].rest) : 0);
        if (cases[i].rest)
            assert_memory_equal(sockq_set_at(f->file.map, f->w.set, line->rest, line->rest_len),
                                cases[i].rest, line->rest_len);
        collect(f, SOCKQ_TCP, SOCKQ_WITH_PORT_NAMES);
        assert_int_equal(row_at(f, 0)->tcp.line, 0);
    }
}

static void lines_of_netlink(void **state)
{
    static const char rows[] = "00000000e12b94b4 15  1184  00000001 212 64 f6c3cac0 2 3 1402\n"
                               "(null)           15  1185  00000001 212 64 0        2 3 1403\n"
                               "00000000e12b94b6 15  0     00000001 212 64 (null)   2 3 1404\n"
                               "00000000e12b94b7 15  -4097 00000001 212 64 0        2 3 1405\n"
                               "00000000e12b94b8 15  1186  00000001 212 64 0        2 3 1406\n";
    struct fixture *f = *state;

    put_text(f, "1184/stat", "1184 (a (b) S 1\n");
    put_text(f, "1186/stat", "no brackets");
    put_table(f, SOCKQ_NETLINK, rows, sizeof(rows) - 1);
    collect(f, SOCKQ_NETLINK, 0);
    assert_int_equal(row_at(f, 0)->nl.line, 0);
    for (uint32_t flags = SOCKQ_WITH_LINES; flags;
         flags = flags == SOCKQ_WITH_LINES ? SOCKQ_WITH_PORT_NAMES : 0) {
        const bool lines = flags == SOCKQ_WITH_LINES;
        collect(f, SOCKQ_NETLINK, flags);
        assert_int_equal(sockq_set_rows(f->w.set), 5);
        const struct sockq_line *line = line_at(f, row_at(f, 0)->nl.line);
        assert_non_null(line);
        assert_int_equal(line->pointer, lines ? 0xe12b94b4 : 0);
        assert_int_equal(line->callback, lines ? 0xf6c3cac0 : 0);
        assert_int_equal(line->has_pointer, lines);
        assert_int_equal(line->process != 0, !lines);
        if (!lines) {
            const struct sockq_process *process =
                sockq_set_at(f->file.map, f->w.set, line->process, sizeof(*process));
            assert_int_equal(process->pid, 1184);
            assert_string_equal(text_at(f, process->comm, process->comm_len), "a\\x20(b");
        }
        assert_int_equal(line_at(f, row_at(f, 1)->nl.line)->has_pointer, 0);
        for (uint64_t i = 1; i < 4; i++)
            assert_int_equal(line_at(f, row_at(f, i)->nl.line)->process, 0);
        line = line_at(f, row_at(f, 4)->nl.line);
        assert_int_equal(line->process != 0, !lines);
        if (!lines) {
            const struct sockq_process *process =
                sockq_set_at(f->file.map, f->w.set, line->process, sizeof(*process));
            assert_int_equal(process->comm_len, 0);
        }
    }
}

/* Rows and what hangs off them as long as there is room; then an error, and no row beyond. */
static void lines_without_room(void **state)
{
    static const enum sockq_table tables[] = {SOCKQ_TCP, SOCKQ_NETLINK, SOCKQ_SCTP_EPS,
                                              SOCKQ_SCTP_ASSOCS, SOCKQ_PACKET};
    struct fixture *f = *state;

    put_text(f, "1184/stat", "1184 (x) S 1\n");
    for (size_t i = 0; i < COUNT(tables); i++) {
        const struct table_format *format = table_format(tables[i]);
        const char *good = good_of(tables[i]), *end = good + strlen(good) - 1;
        question.flags = SOCKQ_WITH_LINES | SOCKQ_WITH_PORT_NAMES;
        struct table_reader reader = reader_of(f, tables[i]);
        reader.format = format;
        f->file.used_most = f->file.used;
        assert_int_equal(format->scan(&reader, good, end), SOCKQ_OK);
        assert_int_equal(f->w.error, EDQUOT);
        assert_int_equal(f->w.rows, 0);
        f->file.used_most = 0;
        reader = reader_of(f, tables[i]);
        reader.format = format;
        assert_int_equal(format->scan(&reader, good, end), SOCKQ_OK);
        assert_int_equal(f->w.rows, 1);
        fill_arena(&f->w);
        (void)format->scan(&reader, good, end);
        assert_int_equal(f->w.error, tables[i] == SOCKQ_PACKET ? 0 : EDQUOT);
        f->file.used_most = 0;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(the_one_that_asks), FIXTURE_TEST(inet_rows),
        FIXTURE_TEST(sctp_rows),         FIXTURE_TEST(sctp_requests),
        FIXTURE_TEST(tipc_rows),         FIXTURE_TEST(tipc_without_room),
        FIXTURE_TEST(requests),          FIXTURE_TEST(lines_of_tcp),
        FIXTURE_TEST(lines_of_netlink),  FIXTURE_TEST(lines_without_room),
    };

    int failed = run_cases("short messages", kinds, sizeof(kinds[0]), COUNT(kinds), one_kind);
    failed += run_cases("no room", kinds, sizeof(kinds[0]), COUNT(kinds), no_room);
    return failed + cmocka_run_group_tests_name("diag_short", tests, NULL, NULL);
}

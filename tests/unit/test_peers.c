/*
 * Pairs: which two rows are the ends of one connection, what is ambiguous, namespaces, and that the
 * work grows with the rows and not with what they have in common.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdlib.h>

#include "../../src/collect.h"
#include "../../src/peers.h"
#include "helper.h"

enum { NONE = -1, MOST = 8 };

/* "tcp 127.0.0.1:80 127.0.0.1:4000 i7 n1 s6": i: inode, n: namespace, s: state, 1 if not given. */
struct peers_case {
    const char *name;
    const char *rows[MOST];
    int peers[MOST];
};

static const struct peers_case cases[] = {
    {"two ends", {"tcp 127.0.0.1:80 127.0.0.1:4000", "tcp 127.0.0.1:4000 127.0.0.1:80"}, {1, 0}},
    {"one end", {"tcp 127.0.0.1:80 127.0.0.1:4000"}, {NONE}},
    {"other addresses and ports",
     {"tcp 10.0.0.1:80 10.0.0.2:4000", "tcp 10.0.0.2:4000 10.0.0.3:80",
      "tcp 10.0.0.2:4001 10.0.0.1:80", "tcp 10.0.0.2:4000 10.0.0.1:81"},
     {NONE, NONE, NONE, NONE}},
    {"the same side twice",
     {"tcp 127.0.0.1:80 127.0.0.1:4000", "tcp 127.0.0.1:80 127.0.0.1:4000"},
     {NONE, NONE}},
    {"IPv6", {"tcp6 ::1:80 ::1:4000", "tcp6 ::1:4000 ::1:80"}, {1, 0}},
    {"IPv4 as IPv6, and IPv4",
     {"tcp 127.0.0.1:4000 127.0.0.1:80", "tcp6 ::ffff:127.0.0.1:80 ::ffff:127.0.0.1:4000"},
     {1, 0}},
    {"IPv4 as IPv6 on both sides",
     {"tcp6 ::ffff:10.0.0.1:80 ::ffff:10.0.0.1:9", "tcp6 ::ffff:10.0.0.1:9 ::ffff:10.0.0.1:80"},
     {1, 0}},
    {"no IPv4: the compatible form",
     {"tcp 127.0.0.1:4000 127.0.0.1:80", "tcp6 ::127.0.0.1:80 ::127.0.0.1:4000"},
     {NONE, NONE}},
    {"two protocols",
     {"tcp 127.0.0.1:80 127.0.0.1:4000", "udp 127.0.0.1:4000 127.0.0.1:80",
      "udplite 127.0.0.1:4000 127.0.0.1:80", "raw 127.0.0.1:4000 127.0.0.1:80"},
     {NONE, NONE, NONE, NONE}},
    {"datagrams",
     {"udp 127.0.0.1:53 127.0.0.1:999", "udp 127.0.0.1:999 127.0.0.1:53", "udplite6 ::1:53 ::1:999",
      "udplite6 ::1:999 ::1:53"},
     {1, 0, 3, 2}},
    {"raw sockets have none", {"raw 127.0.0.1:1 127.0.0.1:1"}, {NONE}},
    {"listening",
     {"tcp 127.0.0.1:80 127.0.0.1:4000 s10", "tcp 127.0.0.1:4000 127.0.0.1:80"},
     {NONE, NONE}},
    {"no remote port", {"udp 0.0.0.0:0 0.0.0.0:0", "udp 0.0.0.0:53 0.0.0.0:0"}, {NONE, NONE}},
    {"connected to itself", {"tcp 127.0.0.1:99 127.0.0.1:99 i5"}, {0}},
    {"closing ends have ends",
     {"tcp 127.0.0.1:80 127.0.0.1:4000 s8 i7", "tcp 127.0.0.1:4000 127.0.0.1:80 s5"},
     {1, 0}},
    {"a row left over has none, the new one has",
     {"tcp 127.0.0.1:80 127.0.0.1:4000 s6", "tcp 127.0.0.1:80 127.0.0.1:4000 i7",
      "tcp 127.0.0.1:4000 127.0.0.1:80 i8"},
     {NONE, 2, 1}},
    {"two with an inode are ambiguous",
     {"udp 127.0.0.1:80 127.0.0.1:4000 i6", "udp 127.0.0.1:80 127.0.0.1:4000 i7",
      "udp 127.0.0.1:4000 127.0.0.1:80 i8"},
     {NONE, NONE, NONE}},
    {"two without an inode are ambiguous",
     {"tcp 127.0.0.1:80 127.0.0.1:4000", "tcp 127.0.0.1:80 127.0.0.1:4000",
      "tcp 127.0.0.1:4000 127.0.0.1:80 i8"},
     {NONE, NONE, NONE}},
    {"the same namespace first",
     {"tcp 10.0.0.1:80 10.0.0.2:4000", "tcp 10.0.0.2:4000 10.0.0.1:80 n1",
      "tcp 10.0.0.2:4000 10.0.0.1:80", "tcp 10.0.0.1:80 10.0.0.2:4000 n1"},
     {2, 3, 0, 1}},
    {"from one namespace to another",
     {"tcp 10.0.0.1:80 10.0.0.2:4000 n2", "tcp 10.0.0.2:4000 10.0.0.1:80 n1"},
     {1, 0}},
    {"the loopback of another namespace is another",
     {"tcp 127.0.0.1:80 127.0.0.1:4000", "tcp 127.0.0.1:4000 127.0.0.1:80 n1",
      "tcp6 ::1:80 ::1:4000", "tcp6 ::1:4000 ::1:80 n1"},
     {NONE, NONE, NONE, NONE}},
    {"several namespaces that fit",
     {"tcp 10.0.0.1:80 10.0.0.2:4000", "tcp 10.0.0.2:4000 10.0.0.1:80 n1 i5",
      "tcp 10.0.0.2:4000 10.0.0.1:80 n2 i6"},
     {NONE, NONE, NONE}},
    {"an end that has another at home",
     {"tcp 10.0.0.1:80 10.0.0.2:4000 n2", "tcp 10.0.0.2:4000 10.0.0.1:80 n1",
      "tcp 10.0.0.1:80 10.0.0.2:4000 n1"},
     {NONE, 2, 1}},
};

static void parse_endpoint(char *text, uint8_t address[16], uint16_t *port, bool is_v6)
{
    char *colon = strrchr(text, ':');

    assert_non_null(colon);
    *colon = '\0';
    *port = (uint16_t)atoi(colon + 1);
    assert_int_equal(inet_pton(is_v6 ? AF_INET6 : AF_INET, text, address), 1);
}

static void push(struct sockq_writer *w, const char *text)
{
    static const struct {
        const char *name;
        enum sockq_table table;
    } tables[] = {{"tcp", SOCKQ_TCP},         {"tcp6", SOCKQ_TCP6},         {"udp", SOCKQ_UDP},
                  {"udplite", SOCKQ_UDPLITE}, {"udplite6", SOCKQ_UDPLITE6}, {"raw", SOCKQ_RAW}};
    char copy[128], *rest, *word;
    struct sockq_row *row = sockq_writer_row(w);

    assert_non_null(row);
    snprintf(copy, sizeof(copy), "%s", text);
    word = strtok_r(copy, " ", &rest);
    bool is_known = false;
    for (size_t i = 0; i < COUNT(tables); i++) {
        if (strcmp(word, tables[i].name) != 0)
            continue;
        row->table = (uint8_t)tables[i].table;
        is_known = true;
    }
    assert_true(is_known);
    bool is_v6 = word[strlen(word) - 1] == '6';
    row->family = is_v6 ? SOCKQ_AF_INET6 : SOCKQ_AF_INET;
    row->known = SOCKQ_HAS_ADDRS | SOCKQ_HAS_STATE;
    row->state = SOCKQ_ESTABLISHED;
    parse_endpoint(strtok_r(NULL, " ", &rest), row->local_addr, &row->local_port, is_v6);
    parse_endpoint(strtok_r(NULL, " ", &rest), row->remote_addr, &row->remote_port, is_v6);
    while ((word = strtok_r(NULL, " ", &rest)) != NULL) {
        if (*word == 'n')
            row->netns = (uint16_t)atoi(word + 1);
        if (*word == 's')
            row->state = (uint8_t)atoi(word + 1);
        if (*word == 'i') {
            row->inode = (uint64_t)atoi(word + 1);
            row->known |= SOCKQ_HAS_INODE;
        }
    }
    sockq_writer_push(w);
}

static void begin(struct fixture *f)
{
    static const struct sockq_question question = {.tables = 1, .flags = SOCKQ_WITH_PEERS};

    assert_int_equal(sockq_writer_open(&f->w, &f->file, &question), 0);
}

static void one_case(void **state)
{
    struct fixture *f = *state;
    const struct peers_case *given = f->given;
    int count = 0;

    begin(f);
    while (count < MOST && given->rows[count])
        push(&f->w, given->rows[count++]);
    assert_int_equal(sockq_peers_find(&f->w, NULL), 0);
    sockq_writer_finish(&f->w, SOCKQ_SET_COMPLETE);
    for (int i = 0; i < count; i++)
        assert_int_equal((int)row_at(f, (uint64_t)i)->peer - 1, given->peers[i]);
}

enum { MANY = 200000, PROBES_A_ROW = 8 };

static void put_pair(struct sockq_writer *w, uint32_t local, uint32_t remote, uint32_t i, bool back)
{
    struct sockq_row *row = sockq_writer_row(w);
    uint16_t port = (uint16_t)(1 + i % 50000);

    assert_non_null(row);
    row->family = SOCKQ_AF_INET;
    row->table = SOCKQ_TCP;
    row->known = SOCKQ_HAS_ADDRS | SOCKQ_HAS_STATE | SOCKQ_HAS_INODE;
    row->state = SOCKQ_ESTABLISHED;
    row->inode = i + 1;
    memcpy(row->local_addr, back ? &remote : &local, 4);
    memcpy(row->remote_addr, back ? &local : &remote, 4);
    row->local_port = back ? 443 : port;
    row->remote_port = back ? port : 443;
    sockq_writer_push(w);
}

static void many_rows_of_their_own(void **state)
{
    struct fixture *f = *state;
    uint64_t probes = 0;

    begin(f);
    for (uint32_t i = 0; i < MANY; i++)
        put_pair(&f->w, htonl(0x7f000001 + i / 2 / 50000), htonl(0x7f000101), i / 2, i % 2);
    assert_int_equal(sockq_peers_find(&f->w, &probes), 0);
    sockq_writer_finish(&f->w, SOCKQ_SET_COMPLETE);
    for (uint64_t i = 0; i < MANY; i++)
        assert_int_equal(row_at(f, i)->peer, (i ^ 1) + 1);
    assert_true(probes >= MANY && probes < (uint64_t)PROBES_A_ROW * MANY);
}

/* As many sockets may share both addresses as like: SO_REUSEPORT, or one tuple a namespace. */
static void many_rows_that_look_alike(void **state)
{
    struct fixture *f = *state;
    uint64_t probes = 0;

    begin(f);
    for (uint32_t i = 0; i < MANY; i++) {
        put_pair(&f->w, htonl(0x0a000001), htonl(0x0a000002), 7, i % 2);
        f->w.next[-1].netns = (uint16_t)(i % 1000);
    }
    assert_int_equal(sockq_peers_find(&f->w, &probes), 0);
    sockq_writer_finish(&f->w, SOCKQ_SET_COMPLETE);
    for (uint64_t i = 0; i < MANY; i++)
        assert_int_equal(row_at(f, i)->peer, 0);
    assert_true(probes < (uint64_t)PROBES_A_ROW * MANY);
}

static bool shows_no_row(void *context)
{
    const struct fixture *f = context;

    assert_int_equal(sockq_set_rows(f->w.set), 0);
    return false;
}

static bool stop_in_the_second_table(void *context)
{
    const struct fixture *f = context;

    return f->w.set->tables[SOCKQ_TCP].status == SOCKQ_TABLE_COMPLETE;
}

/* A row must not change once it is shown. */
static void rows_are_shown_at_the_end(void **state)
{
    static const struct sockq_question question = {.tables = 3, .flags = SOCKQ_WITH_PEERS};
    static const char V4[] = "   0: 0100007F:0050 0100007F:0FA0 01 00000000:00000000 00:00000000 "
                             "00000000     0        0 11 1 0 100 0 0 10 0\n";
    static const char V6[] =
        "   0: 0000000000000000FFFF00000100007F:0FA0 0000000000000000FFFF00000100007F:0050 01 "
        "00000000:00000000 00:00000000 00000000     0        0 12 1 0 100 0 0 10 0\n";
    struct fixture *f = *state;

    put_table(f, SOCKQ_TCP, BYTES(V4));
    put_table(f, SOCKQ_TCP6, BYTES(V6));
    assert_int_equal(sockq_collect_begin(&f->w, &f->file, &f->proc, &question), 0);
    sockq_collect_run(&f->w, &f->proc, &question, shows_no_row, f);
    assert_int_equal(sockq_set_status(f->w.set), SOCKQ_SET_COMPLETE);
    assert_int_equal(sockq_set_rows(f->w.set), 2);
    assert_int_equal(row_at(f, 0)->peer, 2);
    assert_int_equal(row_at(f, 1)->peer, 1);
    sockq_file_release(&f->file, f->w.block);
    /* A cancelled reading shows what it has, unpaired. */
    assert_int_equal(sockq_collect_begin(&f->w, &f->file, &f->proc, &question), 0);
    sockq_collect_run(&f->w, &f->proc, &question, stop_in_the_second_table, f);
    assert_int_equal(sockq_set_status(f->w.set), SOCKQ_SET_CANCELLED);
    assert_int_equal(sockq_set_rows(f->w.set), 1);
    assert_int_equal(row_at(f, 0)->peer, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(many_rows_of_their_own),
        FIXTURE_TEST(many_rows_that_look_alike),
        FIXTURE_TEST(rows_are_shown_at_the_end),
    };
    int failed = run_cases("pairs", cases, sizeof(cases[0]), COUNT(cases), one_case);

    return failed + cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Whole rows of the inet tables as kernels from 2.6.32 to today print them, the three kinds of tcp
 * row, what makes a row unknown in part, and rows that meet in one table.
 */
#include <stdlib.h>

#include "helper.h"

#define ONE6 "00000000000000000000000001000000"
#define ANY6 "00000000000000000000000000000000"
#define MAPPED6 "0000000000000000FFFF00000100007F"
#define ULA6 "000000FD000000000000000001000000"

struct row_case {
    const char *name;
    enum sockq_table table;
    const char *row;
    const char *described;
};

static const struct row_case cases[] = {
    {"tcp_established", SOCKQ_TCP,
     "   1: 0100007F:1538 0200007F:0016 01 00000002:00000001 01:0000000A 00000003  1000        4 "
     "1600"
     " 1 00000000db745801 20 4 30 10 -1                    ",
     "2: state=1 recv=1 send=2 timer=1/10 retrans=3 probes=4 uid=1000 inode=1600 refs=1"
     " local=127.0.0.1:5432 remote=127.0.0.2:22 rto=20 ato=4 qack=30 cwnd=10 ssthresh=-1"},
    {"tcp_listen_3_10", SOCKQ_TCP,
     "   0: 00000000:0016 00000000:0000 0A 00000000:00000005 00:00000000 00000000     0        0"
     " 16047 1 ffff880036f3c7c0 100 0 0 10 0                     ",
     "2: state=10 recv=5 send=0 timer=0/0 retrans=0 probes=0 uid=0 inode=16047 refs=1"
     " local=0.0.0.0:22 remote=0.0.0.0:0 rto=100 ato=0 qack=0 cwnd=10 ssthresh=0"},
    {"tcp_2_6_32_32_bit", SOCKQ_TCP,
     "   0: 0100007F:0277 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
     "8163"
     " 1 f6c3cac0 299 0 0 2 -1                            ",
     "2: state=10 recv=0 send=0 timer=0/0 retrans=0 probes=0 uid=0 inode=8163 refs=1"
     " local=127.0.0.1:631 remote=0.0.0.0:0 rto=299 ato=0 qack=0 cwnd=2 ssthresh=-1"},
    {"tcp_2_6_32_overdue", SOCKQ_TCP,
     "   0: 0100007F:0277 0100007F:C350 04 00000001:00000000 01:1AD7F29ABCA 00000000     0        "
     "0 0"
     " 3 f6c3cac0 299 0 0 2 -1",
     "2: state=4 recv=0 send=1 timer=1/1844674407370 retrans=0 probes=0 uid=0 refs=3"
     " local=127.0.0.1:631 remote=127.0.0.1:50000 rto=299 ato=0 qack=0 cwnd=2 ssthresh=-1"},
    {"tcp_time_wait", SOCKQ_TCP,
     "   4: 0100007F:1F90 0100007F:D431 06 00000000:00000000 03:00001770 00000000     0        0 0 "
     "3"
     " 00000000db745801                                      ",
     "2: state=6 recv=0 send=0 timer=3/6000 refs=3 local=127.0.0.1:8080 remote=127.0.0.1:54321 "
     "mini"},
    {"tcp_fin_wait2_mini", SOCKQ_TCP,
     "   4: 0100007F:1F90 0100007F:D431 05 00000000:00000000 03:00001770 00000000     0        0 0 "
     "3"
     " 00000000db745801",
     "2: state=5 recv=0 send=0 timer=3/6000 refs=3 local=127.0.0.1:8080 remote=127.0.0.1:54321 "
     "mini"},
    {"tcp_fin_wait2_full", SOCKQ_TCP,
     "   4: 0100007F:1F90 0100007F:D431 05 00000000:00000000 02:00001770 00000000     0        0 0 "
     "3"
     " 00000000db745801 20 4 30 10 -1",
     "2: state=5 recv=0 send=0 timer=2/6000 retrans=0 probes=0 uid=0 refs=3"
     " local=127.0.0.1:8080 remote=127.0.0.1:54321 rto=20 ato=4 qack=30 cwnd=10 ssthresh=-1"},
    {"tcp_request", SOCKQ_TCP,
     "   5: 0100007F:1F90 0100007F:D431 03 00000000:00000000 01:00000064 00000002  1000        0 0 "
     "0"
     " 00000000db745801                                      ",
     "2: state=3 recv=0 send=0 timer=1/100 retrans=2 uid=1000 refs=0"
     " local=127.0.0.1:8080 remote=127.0.0.1:54321 request"},
    {"tcp_request_new_syn_recv", SOCKQ_TCP,
     "   5: 0100007F:1F90 0100007F:D431 0C 00000000:00000000 01:00000064 00000002  1000        0 0 "
     "0"
     " 0",
     "2: state=12 recv=0 send=0 timer=1/100 retrans=2 uid=1000 refs=0"
     " local=127.0.0.1:8080 remote=127.0.0.1:54321 request"},
    {"tcp_fast_open_child", SOCKQ_TCP,
     "   5: 0100007F:1F90 0100007F:D431 03 00000001:00000000 01:00000064 00000000  1000        0 "
     "77 2"
     " 00000000db745801 100 0 0 10 -1",
     "2: state=3 recv=0 send=1 timer=1/100 retrans=0 probes=0 uid=1000 inode=77 refs=2"
     " local=127.0.0.1:8080 remote=127.0.0.1:54321 rto=100 ato=0 qack=0 cwnd=10 ssthresh=-1"},
    {"tcp_constant_pointer", SOCKQ_TCP,
     "  10: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 "
     "77 1"
     " 0 100 0 0 10 0                                           ",
     "2: state=10 recv=0 send=0 timer=0/0 retrans=0 probes=0 uid=1000 inode=77 refs=1"
     " local=127.0.0.1:8080 remote=0.0.0.0:0 rto=100 ato=0 qack=0 cwnd=10 ssthresh=0"},
    {"tcp_wide_fields", SOCKQ_TCP,
     "123456: 0100007F:1F90 0100007F:D431 01 FFFFFFFF:FFFFFFFF 01:FFFFFFFFFFFFFFFF 000000FF"
     " 4294967295      255 4294967295 -1 0000000000000000 4294967295 1 2 3 2147483647",
     "2: state=1 recv=4294967295 send=4294967295 timer=1/18446744073709551615 retrans=255 "
     "probes=255"
     " uid=4294967295 inode=4294967295 refs=-1 local=127.0.0.1:8080 remote=127.0.0.1:54321"
     " rto=4294967295 ato=1 qack=2 cwnd=3 ssthresh=2147483647"},
    {"tcp6_loopback", SOCKQ_TCP6,
     "   0: " ONE6 ":1538 " ANY6
     ":0000 0A 00000000:00000005 00:00000000 00000000     0        0 1601"
     " 1 00000000db745801 100 0 0 10 0",
     "2: state=10 recv=5 send=0 timer=0/0 retrans=0 probes=0 uid=0 inode=1601 refs=1"
     " local=::1:5432 remote=:::0 rto=100 ato=0 qack=0 cwnd=10 ssthresh=0"},
    {"tcp6_mapped_time_wait", SOCKQ_TCP6,
     "   0: " MAPPED6 ":1538 " ULA6
     ":0016 06 00000000:00000000 03:00000014 00000000     0        0 0"
     " 3 00000000db745801",
     "2: state=6 recv=0 send=0 timer=3/20 refs=3 local=::ffff:127.0.0.1:5432 remote=fd00::1:22 "
     "mini"},
    {"udp", SOCKQ_UDP,
     " 4185: 0100007F:0035 00000000:0000 07 00000000:00000F00 00:00000000 00000000   107        0 "
     "3129"
     " 2 00000000db745801 7            ",
     "2: state=7 recv=3840 send=0 timer=0/0 uid=107 inode=3129 refs=2"
     " local=127.0.0.1:53 remote=0.0.0.0:0 drops=7"},
    {"udp_before_drops", SOCKQ_UDP,
     "  85: 0100007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000   107        0 "
     "3129"
     " 2 f6c3cac0",
     "2: state=7 recv=0 send=0 timer=0/0 uid=107 inode=3129 refs=2"
     " local=127.0.0.1:53 remote=0.0.0.0:0"},
    {"udp6", SOCKQ_UDP6,
     " 4185: " ONE6 ":0035 " ONE6
     ":C350 01 00000000:00000000 00:00000000 00000000   107        0 3129"
     " 2 00000000db745801 0",
     "2: state=1 recv=0 send=0 timer=0/0 uid=107 inode=3129 refs=2"
     " local=::1:53 remote=::1:50000 drops=0"},
    {"udplite", SOCKQ_UDPLITE,
     " 4185: 0100007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000   107        0 "
     "3129"
     " 2 00000000db745801 0            ",
     "2: state=7 recv=0 send=0 timer=0/0 uid=107 inode=3129 refs=2"
     " local=127.0.0.1:53 remote=0.0.0.0:0 drops=0"},
    {"udplite6", SOCKQ_UDPLITE6,
     " 4185: " ONE6 ":0035 " ANY6
     ":0000 07 00000000:00000000 00:00000000 00000000   107        0 3129"
     " 2 00000000db745801 0",
     "2: state=7 recv=0 send=0 timer=0/0 uid=107 inode=3129 refs=2"
     " local=::1:53 remote=:::0 drops=0"},
    {"raw", SOCKQ_RAW,
     "   1: 00000000:0001 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 "
     "41 2"
     " ffff8880 0",
     "2: state=7 recv=0 send=0 timer=0/0 uid=0 inode=41 refs=2 local=0.0.0.0:1 remote=0.0.0.0:0"
     " drops=0"},
    {"raw6", SOCKQ_RAW6,
     "   58: " ANY6 ":003A " ANY6
     ":0000 07 00000000:00000000 00:00000000 00000000     0        0 41 2"
     " ffff8880 0",
     "2: state=7 recv=0 send=0 timer=0/0 uid=0 inode=41 refs=2 local=:::58 remote=:::0 drops=0"},
    {"icmp", SOCKQ_ICMP,
     "   12: 00000000:002A 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 "
     "42 2"
     " (____ptrval____) 0            ",
     "2: state=7 recv=0 send=0 timer=0/0 uid=0 inode=42 refs=2 local=0.0.0.0:42 remote=0.0.0.0:0"
     " drops=0"},
    {"icmp6", SOCKQ_ICMP6,
     "   12: " ANY6 ":002A " ONE6
     ":0000 01 00000000:00000000 00:00000000 00000000     0        0 42 2"
     " (____ptrval____) 4294967295",
     "2: state=1 recv=0 send=0 timer=0/0 uid=0 inode=42 refs=2 local=:::42 remote=::1:0"
     " drops=4294967295"},
    {"bad_041_tabs", SOCKQ_TCP,
     "\t0:\t0100007F:1538\t0200007F:0016\t01 "
     "\t00000002:00000001\t01:0000000A\t00000003\t1000\t4\t1600"
     "\t1\tdb745801\t20\t4\t30\t10\t-1\t",
     "2: state=1 recv=1 send=2 timer=1/10 retrans=3 probes=4 uid=1000 inode=1600 refs=1"
     " local=127.0.0.1:5432 remote=127.0.0.2:22 rto=20 ato=4 qack=30 cwnd=10 ssthresh=-1"},
};

static void one_row(void **state)
{
    struct fixture *f = *state;
    const struct row_case *c = f->given;
    char text[512];

    int n = snprintf(text, sizeof(text), "%s\n", c->row);
    put_table(f, c->table, text, (size_t)n);
    const struct sockq_table_info *info = read_table(f, c->table);
    assert_int_equal(info->status, SOCKQ_TABLE_COMPLETE);
    assert_int_equal(info->bad, 0);
    assert_int_equal(info->rows, 1);
    const struct sockq_row *row = row_at(f, 0);
    assert_string_equal(describe(f, row), c->described);
    assert_int_equal(row->table, c->table);
    assert_int_equal(row->owner, 0);
}

/* Addresses are bytes in network order, whatever the host. */
static void addresses_in_network_order(void **state)
{
    static const uint8_t v4[16] = {127, 0, 0, 1};
    static const uint8_t ula[16] = {0xfd, [15] = 1};
    struct fixture *f = *state;

    put_table(f, SOCKQ_TCP, good_of(SOCKQ_TCP), strlen(good_of(SOCKQ_TCP)));
    read_table(f, SOCKQ_TCP);
    assert_memory_equal(row_at(f, 0)->local_addr, v4, 16);
    put_table(f, SOCKQ_TCP6,
              BYTES(" 0: " ULA6 ":0016 " ANY6 ":0000 0A 0:0 00:0 0 0 0 5 1 0 100 0 0 10 0\n"));
    read_table(f, SOCKQ_TCP6);
    assert_memory_equal(row_at(f, 0)->local_addr, ula, 16);
    assert_int_equal(row_at(f, 0)->family, SOCKQ_AF_INET6);
}

/* A NUL in any place of a row; the padding included. */
static void bad_042_nul_anywhere(void **state)
{
    static const enum sockq_table tables[] = {SOCKQ_TCP, SOCKQ_TCP6, SOCKQ_UDP, SOCKQ_RAW6};
    struct fixture *f = *state;

    for (size_t t = 0; t < COUNT(tables); t++) {
        const char *good = good_of(tables[t]);
        size_t length = strlen(good);
        char *text = malloc(length * (length + 1));
        assert_non_null(text);
        for (size_t i = 0; i <= length - 1; i++) {
            memcpy(text + i * length, good, length);
            if (i > 0)
                text[i * length + i - 1] = '\0';
        }
        put_table(f, tables[t], text, length * length);
        free(text);
        const struct sockq_table_info *info = read_table(f, tables[t]);
        assert_int_equal(info->rows, 1);
        assert_int_equal(info->bad, length - 1);
        assert_int_equal(row_at(f, 0)->line, 2);
    }
}

#define ROW(slot, local, state, inode)                                                             \
    slot ": " local " 0200007F:0016 " state " 0:0 00:0 0 0 0 " inode " 1 0 20 4 30 10 -1\n"

/* 78 to 80: all are rows; what occurs twice is for the reader of the rows to mark. */
static void bad_078_same_inode_twice(void **state)
{
    struct fixture *f = *state;

    put_table(f, SOCKQ_TCP,
              BYTES(ROW("0", "0100007F:0050", "01", "7") ROW("1", "0100007F:0051", "01", "7")));
    assert_int_equal(read_table(f, SOCKQ_TCP)->rows, 2);
    assert_int_equal(f->w.set->problem_count, 0);
}

static void bad_080_same_addresses_twice(void **state)
{
    struct fixture *f = *state;

    put_table(f, SOCKQ_TCP,
              BYTES(ROW("0", "0100007F:0050", "01", "7") ROW("0", "0100007F:0050", "01", "8")));
    assert_int_equal(read_table(f, SOCKQ_TCP)->rows, 2);
    assert_int_equal(f->w.set->problem_count, 0);
}

/* The line feed between two rows is lost, with and without the padding before it. */
static void bad_086_two_rows_on_a_line(void **state)
{
    static const struct {
        enum sockq_table table;
        const char *first;
        enum sockq_reason reason;
    } pairs[] = {
        {SOCKQ_TCP, "0: 0100007F:0050 0200007F:0016 01 0:0 00:0 0 0 0 7 1 0 20 4 30 10 -1 ",
         SOCKQ_BAD_TWO_ROWS},
        {SOCKQ_TCP, "0: 0100007F:0050 0200007F:0016 01 0:0 00:0 0 0 0 7 1 0 20 4 30 10 7",
         SOCKQ_BAD_TWO_ROWS},
        {SOCKQ_TCP, "0: 0100007F:0050 0200007F:0016 06 0:0 03:0 0 0 0 0 3 0 ", SOCKQ_BAD_TWO_ROWS},
        {SOCKQ_TCP, "0: 0100007F:0050 0200007F:0016 01 0:0 00:0 0 0 0 7 1 ", SOCKQ_BAD_TAIL},
        {SOCKQ_TCP, "0: 0100007F:0050 0200007F:0016 01 0:0 00:0 0 0 0 7 ", SOCKQ_BAD_REFS},
        {SOCKQ_UDP, "0: 0100007F:0050 0200007F:0016 07 0:0 00:0 0 0 0 7 2 0 0 ",
         SOCKQ_BAD_TWO_ROWS},
        {SOCKQ_UDP, "0: 0100007F:0050 0200007F:0016 07 0:0 00:0 0 0 0 7 2 0 0", SOCKQ_BAD_TAIL},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(pairs); i++) {
        char text[512];
        const char *second = i % 2 ? ROW("1", "0100007F:0051", "01", "8") : "12: 0100007F:0051 x\n";
        int n =
            snprintf(text, sizeof(text), "%s%s%s", pairs[i].first, second, good_of(pairs[i].table));
        put_table(f, pairs[i].table, text, (size_t)n);
        const struct sockq_table_info *info = read_table(f, pairs[i].table);
        assert_problem(f, 0, 2, pairs[i].reason, true);
        assert_int_equal(info->rows, 1);
        assert_int_equal(info->bad, 1);
    }
}

static void bad_087_second_line_feed(void **state)
{
    struct fixture *f = *state;
    char text[400];

    int n = snprintf(text, sizeof(text), "%s\n%s", good_of(SOCKQ_TCP), good_of(SOCKQ_TCP));
    put_table(f, SOCKQ_TCP, text, (size_t)n);
    const struct sockq_table_info *info = read_table(f, SOCKQ_TCP);
    assert_int_equal(info->rows, 2);
    assert_problem(f, 0, 3, SOCKQ_BAD_EMPTY_LINE, true);
    assert_int_equal(row_at(f, 1)->line, 4);
}

static void only_wanted_states(void **state)
{
    struct fixture *f = *state;

    put_table(f, SOCKQ_TCP,
              BYTES(ROW("0", "0100007F:0001", "01", "7") ROW("1", "0100007F:0002", "0A", "8")
                        ROW("2", "0100007F:0003", "FF", "9") ROW("3", "0100007F:0004", "3F", "10")
                            ROW("4", "0100007F:0005", "00", "11")
                                ROW("5", "0100007F:0006", "40", "12")));
    read_table_with(f, SOCKQ_TCP, NULL, (uint64_t)1 << 10 | (uint64_t)1 << 63);
    assert_int_equal(sockq_set_rows(f->w.set), 2);
    assert_words(f, row_at(f, 0), "3: state=10");
    assert_words(f, row_at(f, 1), "5: state=63");
    read_table_with(f, SOCKQ_TCP, NULL, 1);
    assert_int_equal(sockq_set_rows(f->w.set), 1);
    assert_words(f, row_at(f, 0), "6: state=0");
    assert_int_equal(read_table(f, SOCKQ_TCP)->rows, 6);
    assert_int_equal(f->w.set->problem_count, 0);
}

/* Tables without states, or with those of another kind, are not filtered by them. */
static void states_filter_inet_tables_only(void **state)
{
    static const enum sockq_table tables[] = {SOCKQ_UNIX, SOCKQ_NETLINK, SOCKQ_PACKET};
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(tables); i++) {
        put_table(f, tables[i], good_of(tables[i]), strlen(good_of(tables[i])));
        read_table_with(f, tables[i], NULL, (uint64_t)1 << SOCKQ_LISTEN);
        assert_int_equal(sockq_set_rows(f->w.set), 1);
    }
}

/* What sockq itself holds is left out of the live tables, and of no captured one. */
static void own_inodes_are_skipped(void **state)
{
    struct fixture *f = *state;

    put_table(f, SOCKQ_TCP,
              BYTES(ROW("0", "0100007F:0001", "01", "7") ROW("1", "0100007F:0002", "01", "0")
                        ROW("2", "0100007F:0003", "01", "8") ROW("3", "0100007F:0004", "01", "9")));
    f->proc.own_inodes[0] = 7;
    f->proc.own_inodes[1] = 9;
    assert_int_equal(read_table(f, SOCKQ_TCP)->rows, 4);
    f->proc.live = true;
    assert_int_equal(read_table(f, SOCKQ_TCP)->rows, 2);
    assert_words(f, row_at(f, 0), "3: !inode");
    assert_words(f, row_at(f, 1), "4: inode=8");
    f->proc.own_inodes[0] = f->proc.own_inodes[1] = 0;
    assert_int_equal(read_table(f, SOCKQ_TCP)->rows, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(addresses_in_network_order), FIXTURE_TEST(bad_042_nul_anywhere),
        FIXTURE_TEST(bad_078_same_inode_twice),   FIXTURE_TEST(bad_080_same_addresses_twice),
        FIXTURE_TEST(bad_086_two_rows_on_a_line), FIXTURE_TEST(bad_087_second_line_feed),
        FIXTURE_TEST(only_wanted_states),         FIXTURE_TEST(states_filter_inet_tables_only),
        FIXTURE_TEST(own_inodes_are_skipped),
    };

    int failed = run_cases("inet rows", cases, sizeof(cases[0]), COUNT(cases), one_row);
    return failed + cmocka_run_group_tests_name("inet tables", tests, NULL, NULL);
}

/*
 * The netlink, packet and sctp tables: every generation of their formats, what stands at the
 * borders of each column, address lists, and bad inputs 101 to 105 by number.
 */
#include "helper.h"

#define EPS "ffff8880 ffff8881 2   10  22   2905      0 1700 "
#define EPS_IS "style=2 local_port=2905 local=["
#define ASSOC "ffff8880 ffff8881 2   1   3  0       7      100      200    1000 1800 2905  3905  "
#define ASSOC_TAIL "\t    7500    10    10   10    0    0        0\n"

static const struct text_case netlink[] = {
    {"netlink_today",
     SOCKQ_NETLINK,
     BYTES("00000000e12b94b4 15  1184       00000001 212      64       1     2        3        "
           "1402    "
           "\n"),
     {"2: recv=212 send=64 inode=1402 refs=2 protocol=15 port=1184 groups=1 dump=1 drops=3"},
     {0},
     {0}},
    {"netlink_3_10",
     SOCKQ_NETLINK,
     BYTES("ffff88003724d800 0   0      00000000 0        0        0 2        0        5       \n"),
     {"2: recv=0 send=0 inode=5 refs=2 protocol=0 port=0 groups=0 dump=0 drops=0"},
     {0},
     {0}},
    {"netlink_constant_pointer",
     SOCKQ_NETLINK,
     BYTES(
         "               0 0   0          00000000 0        0        0     2        0        5\n"),
     {"2: recv=0 send=0 inode=5 refs=2 protocol=0 port=0 groups=0 dump=0 drops=0"},
     {0},
     {0}},
    {"bad_101_9_groups",
     SOCKQ_NETLINK,
     BYTES("f74f3a00 0   0      00000000 0        0        (null)   2        0       \n"),
     {"2: recv=0 send=0 refs=2 protocol=0 port=0 groups=0 dump=0 drops=0"},
     {0},
     {0}},
    {"bad_101_dump_is_a_pointer",
     SOCKQ_NETLINK,
     BYTES("f74f3a00 0   999    00000011 0        0        f6c3cac0 2        0\n"),
     {"2: recv=0 send=0 refs=2 protocol=0 port=999 groups=11 dump=0 drops=0"},
     {0},
     {0}},
    {"bad_102_port_signed",
     SOCKQ_NETLINK,
     BYTES("f74f3a00 16  -4097  ffffffff 0        0        0 2        -1       7\n"),
     {"2: recv=0 send=0 inode=7 refs=2 protocol=16 port=4294963199 groups=ffffffff dump=0 "
      "drops=4294967295"},
     {0},
     {0}},
    {"bad_102_protocol_255",
     SOCKQ_NETLINK,
     BYTES("f74f3a00 255 4294967295 FFFFFFFF 0        0        0 2        4294967295 7\n"),
     {"2: recv=0 send=0 inode=7 refs=2 protocol=255 port=4294967295 groups=ffffffff dump=0 "
      "drops=4294967295"},
     {0},
     {0}},
    {"netlink_inode_0",
     SOCKQ_NETLINK,
     BYTES("f74f3a00 0 0 00000000 0 0 0 2 0 0\n"),
     {"2: recv=0 send=0 refs=2 protocol=0 port=0 groups=0 dump=0 drops=0"},
     {0},
     {0}},
    {"netlink_later_columns",
     SOCKQ_NETLINK,
     BYTES("f74f3a00 0 0 00000000 0 0 0 2 0 7 x y\n"),
     {"2: recv=0 send=0 inode=7 refs=2 protocol=0 port=0 groups=0 dump=0 drops=0"},
     {0},
     {0}},
    {"netlink_cr",
     SOCKQ_NETLINK,
     BYTES("f74f3a00 0 0 00000000 0 0 0 2 0 7\r\n"),
     {"2: recv=0 send=0 inode=7 refs=2 protocol=0 port=0 groups=0 dump=0 drops=0"},
     {0},
     {0}},
    {"netlink_8_groups",
     SOCKQ_NETLINK,
     BYTES("f74f3a00 0 0 00000000 0 0 0 2\n"),
     {NULL},
     {SOCKQ_BAD_NUMBER},
     {2}},
    {"netlink_1_group", SOCKQ_NETLINK, BYTES("f74f3a00\n"), {NULL}, {SOCKQ_BAD_NUMBER}, {2}},
    {"netlink_protocol_65536",
     SOCKQ_NETLINK,
     BYTES("f74f3a00 65536 0 0 0 0 0 2 0 7\n"),
     {NULL},
     {SOCKQ_BAD_NUMBER},
     {2}},
    {"netlink_port_over",
     SOCKQ_NETLINK,
     BYTES("f74f3a00 0 4294967296 0 0 0 0 2 0 7\n"),
     {NULL},
     {SOCKQ_BAD_NUMBER},
     {2}},
    {"netlink_groups_9_digits",
     SOCKQ_NETLINK,
     BYTES("f74f3a00 0 0 000000000 0 0 0 2 0 7\n"),
     {NULL},
     {SOCKQ_BAD_NUMBER},
     {2}},
    {"netlink_queue_over",
     SOCKQ_NETLINK,
     BYTES("f74f3a00 0 0 0 4294967296 0 0 2 0 7\n"),
     {NULL},
     {SOCKQ_BAD_QUEUE},
     {2}},
    {"netlink_refs_letters",
     SOCKQ_NETLINK,
     BYTES("f74f3a00 0 0 0 0 0 0 two 0 7\n"),
     {NULL},
     {SOCKQ_BAD_REFS},
     {2}},
    {"netlink_inode_over",
     SOCKQ_NETLINK,
     BYTES("f74f3a00 0 0 0 0 0 0 2 0 18446744073709551616\n"),
     {NULL},
     {SOCKQ_BAD_INODE},
     {2}},
    {"netlink_nul_at_the_end",
     SOCKQ_NETLINK,
     BYTES("f74f3a00 0 0 0 0 0 0 2 0 7 \0\n"),
     {NULL},
     {SOCKQ_BAD_NUL},
     {2}},
};

static const struct text_case packet[] = {
    {"packet_today",
     SOCKQ_PACKET,
     BYTES("00000000a1b2c3d4 3      3    0003   2     1 1280   0      1811  \n"),
     {"2: recv=1280 send=0 uid=0 inode=1811 refs=3 type=3 protocol=3 ifindex=2 running=1"},
     {0},
     {0}},
    {"packet_32_bit",
     SOCKQ_PACKET,
     BYTES("f6c3cac0 3      2    88CC   0     0 0      1000   1811  \n"),
     {"2: recv=0 send=0 uid=1000 inode=1811 refs=3 type=2 protocol=88cc ifindex=0 running=0"},
     {0},
     {0}},
    {"bad_103_device_gone",
     SOCKQ_PACKET,
     BYTES("00000000a1b2c3d4 3      3    0003   -1    0 0      0      1811  \n"),
     {"2: recv=0 send=0 uid=0 inode=1811 refs=3 type=3 protocol=3 ifindex=-1 running=0"},
     {0},
     {0}},
    {"bad_103_device_unknown",
     SOCKQ_PACKET,
     BYTES("00000000a1b2c3d4 3      10   0800   987654 1 0      4294967295 0\n"),
     {"2: recv=0 send=0 uid=4294967295 refs=3 type=10 protocol=800 ifindex=987654 running=1"},
     {0},
     {0}},
    {"packet_protocol_5_digits",
     SOCKQ_PACKET,
     BYTES("a1b2c3d4 3 3 00003 2 1 0 0 1811\n"),
     {NULL},
     {SOCKQ_BAD_NUMBER},
     {2}},
    {"packet_type_65536",
     SOCKQ_PACKET,
     BYTES("a1b2c3d4 3 65536 0003 2 1 0 0 1811\n"),
     {NULL},
     {SOCKQ_BAD_NUMBER},
     {2}},
    {"packet_refs_letters",
     SOCKQ_PACKET,
     BYTES("a1b2c3d4 x 3 0003 2 1 0 0 1811\n"),
     {NULL},
     {SOCKQ_BAD_REFS},
     {2}},
    {"packet_ifindex_over",
     SOCKQ_PACKET,
     BYTES("a1b2c3d4 3 3 0003 2147483648 1 0 0 1811\n"),
     {NULL},
     {SOCKQ_BAD_NUMBER},
     {2}},
    {"packet_queue_negative",
     SOCKQ_PACKET,
     BYTES("a1b2c3d4 3 3 0003 2 1 -1 0 1811\n"),
     {NULL},
     {SOCKQ_BAD_QUEUE},
     {2}},
    {"packet_uid_name",
     SOCKQ_PACKET,
     BYTES("a1b2c3d4 3 3 0003 2 1 0 root 1811\n"),
     {NULL},
     {SOCKQ_BAD_UID},
     {2}},
    {"packet_8_groups",
     SOCKQ_PACKET,
     BYTES("a1b2c3d4 3 3 0003 2 1 0 0\n"),
     {NULL},
     {SOCKQ_BAD_INODE},
     {2}},
    {"packet_nul_at_the_end",
     SOCKQ_PACKET,
     BYTES("a1b2c3d4 3 3 0003 2 1 0 0 1811 \0\n"),
     {NULL},
     {SOCKQ_BAD_NUL},
     {2}},
};

static const struct text_case sctp[] = {
    {"eps_v4",
     SOCKQ_SCTP_EPS,
     BYTES(EPS "10.0.0.1 *10.0.0.2 \n"),
     {"2: state=10 uid=0 inode=1700 " EPS_IS "10.0.0.1,*10.0.0.2]"},
     {0},
     {0}},
    {"eps_v6",
     SOCKQ_SCTP_EPS,
     BYTES(
         "       0        0 0   7   0    65535  1000 0 fe80:0000:0000:0000:0001:0002:0003:0004 \n"),
     {"2: state=7 uid=1000 style=0 local_port=65535 local=[fe80::1:2:3:4]"},
     {0},
     {0}},
    {"bad_104_no_address",
     SOCKQ_SCTP_EPS,
     BYTES(EPS "\n"),
     {"2: state=10 uid=0 inode=1700 " EPS_IS "]"},
     {0},
     {0}},
    {"bad_104_star_alone", SOCKQ_SCTP_EPS, BYTES(EPS "* \n"), {NULL}, {SOCKQ_BAD_ADDRESS}, {2}},
    {"bad_104_star_before_a_blank",
     SOCKQ_SCTP_EPS,
     BYTES(EPS "* 10.0.0.1\n"),
     {NULL},
     {SOCKQ_BAD_ADDRESS},
     {2}},
    {"bad_104_short_v6",
     SOCKQ_SCTP_EPS,
     BYTES(EPS "*::1 \n"),
     {"2: state=10 uid=0 inode=1700 " EPS_IS "*::1]"},
     {0},
     {0}},
    {"eps_address_of_letters",
     SOCKQ_SCTP_EPS,
     BYTES(EPS "localhost\n"),
     {NULL},
     {SOCKQ_BAD_ADDRESS},
     {2}},
    {"eps_address_256",
     SOCKQ_SCTP_EPS,
     BYTES(EPS "10.0.0.256\n"),
     {NULL},
     {SOCKQ_BAD_ADDRESS},
     {2}},
    {"eps_address_too_long",
     SOCKQ_SCTP_EPS,
     BYTES(EPS "1:2:3:4:5:6:7:8:9:a:b:c:d:e:f:1:2:3:4:5:6:7:8:9:a:b:c:d:e:f:1:2:3:4\n"),
     {NULL},
     {SOCKQ_BAD_ADDRESS},
     {2}},
    {"eps_good_then_bad_address",
     SOCKQ_SCTP_EPS,
     BYTES(EPS "10.0.0.1 x\n" EPS "10.0.0.2\n"),
     {"3: state=10 uid=0 inode=1700 " EPS_IS "10.0.0.2]"},
     {SOCKQ_BAD_ADDRESS},
     {2}},
    {"eps_nul", SOCKQ_SCTP_EPS, BYTES(EPS "10.0.0.1 \0\n"), {NULL}, {SOCKQ_BAD_NUL}, {2}},
    {"eps_7_groups",
     SOCKQ_SCTP_EPS,
     BYTES("ffff8880 ffff8881 2 10 22 2905 0\n"),
     {NULL},
     {SOCKQ_BAD_NUMBER},
     {2}},
    {"eps_1_group", SOCKQ_SCTP_EPS, BYTES("ffff8880\n"), {NULL}, {SOCKQ_BAD_COLUMNS}, {2}},
    {"eps_port_65536",
     SOCKQ_SCTP_EPS,
     BYTES("f f 2 10 22 65536 0 1700 \n"),
     {NULL},
     {SOCKQ_BAD_NUMBER},
     {2}},
    {"eps_style_256",
     SOCKQ_SCTP_EPS,
     BYTES("f f 256 10 22 2905 0 1700 \n"),
     {NULL},
     {SOCKQ_BAD_NUMBER},
     {2}},
    {"eps_state_256",
     SOCKQ_SCTP_EPS,
     BYTES("f f 2 256 22 2905 0 1700 \n"),
     {NULL},
     {SOCKQ_BAD_NUMBER},
     {2}},
    {"eps_inode_over",
     SOCKQ_SCTP_EPS,
     BYTES("f f 2 10 22 2905 0 18446744073709551616 \n"),
     {NULL},
     {SOCKQ_BAD_NUMBER},
     {2}},
    {"bad_006_second_eps_header",
     SOCKQ_SCTP_EPS,
     BYTES(" ENDPT     SOCK   STY SST HBKT LPORT   UID INODE LADDRS\n" EPS "\n"),
     {"3: state=10 uid=0 inode=1700 " EPS_IS "]"},
     {0},
     {0}},
    {"assocs",
     SOCKQ_SCTP_ASSOCS,
     BYTES(ASSOC "10.0.0.1 <-> *10.0.0.2 10.0.0.3 " ASSOC_TAIL),
     {"2: state=1 recv=200 send=100 uid=1000 inode=1800 assoc=3 id=7 remote_port=3905 "
      "remote=[*10.0.0.2,10.0.0.3] style=2 local_port=2905 local=[10.0.0.1]"},
     {0},
     {0}},
    {"assocs_11_numbers",
     SOCKQ_SCTP_ASSOCS,
     BYTES(ASSOC "*::1 <-> *::2 \t    7500    10    10   10    0    0        0        1        0   "
                 "212992   212992\n"),
     {"2: state=1 recv=200 send=100 uid=1000 inode=1800 assoc=3 id=7 remote_port=3905 "
      "remote=[*::2] style=2 local_port=2905 local=[*::1]"},
     {0},
     {0}},
    {"assocs_no_addresses",
     SOCKQ_SCTP_ASSOCS,
     BYTES(ASSOC "<-> " ASSOC_TAIL),
     {"2: state=1 recv=200 send=100 uid=1000 inode=1800 assoc=3 id=7 remote_port=3905 "
      "remote=[] style=2 local_port=2905 local=[]"},
     {0},
     {0}},
    {"bad_105_no_mark",
     SOCKQ_SCTP_ASSOCS,
     BYTES(ASSOC "10.0.0.1 *10.0.0.2 " ASSOC_TAIL),
     {NULL},
     {SOCKQ_BAD_SEPARATOR},
     {2}},
    {"bad_105_part_of_the_mark",
     SOCKQ_SCTP_ASSOCS,
     BYTES(ASSOC "10.0.0.1 <- *10.0.0.2 " ASSOC_TAIL),
     {NULL},
     {SOCKQ_BAD_ADDRESS},
     {2}},
    {"bad_105_no_tab",
     SOCKQ_SCTP_ASSOCS,
     BYTES(ASSOC "10.0.0.1 <-> *10.0.0.2   7500 10\n"),
     {NULL},
     {SOCKQ_BAD_SEPARATOR},
     {2}},
    {"assocs_tab_too_early",
     SOCKQ_SCTP_ASSOCS,
     BYTES("f f 2 1\t3 0 7 1 2 3 4 5 6 <-> \t\n"),
     {NULL},
     {SOCKQ_BAD_NUMBER},
     {2}},
    {"assocs_two_marks",
     SOCKQ_SCTP_ASSOCS,
     BYTES(ASSOC "10.0.0.1 <-> <-> " ASSOC_TAIL),
     {NULL},
     {SOCKQ_BAD_ADDRESS},
     {2}},
    {"assocs_style_256",
     SOCKQ_SCTP_ASSOCS,
     BYTES("f f 256 1 3 0 7 1 2 0 1 2 3 <-> \t\n"),
     {NULL},
     {SOCKQ_BAD_NUMBER},
     {2}},
    {"assocs_id_over",
     SOCKQ_SCTP_ASSOCS,
     BYTES("f f 2 1 3 0 4294967296 1 2 0 1 2 3 <-> \t\n"),
     {NULL},
     {SOCKQ_BAD_NUMBER},
     {2}},
    {"assocs_queue_over",
     SOCKQ_SCTP_ASSOCS,
     BYTES("f f 2 1 3 0 7 4294967296 2 0 1 2 3 <-> \t\n"),
     {NULL},
     {SOCKQ_BAD_NUMBER},
     {2}},
    {"assocs_port_over",
     SOCKQ_SCTP_ASSOCS,
     BYTES("f f 2 1 3 0 7 1 2 0 1 65536 3 <-> \t\n"),
     {NULL},
     {SOCKQ_BAD_NUMBER},
     {2}},
    {"bad_006_second_assocs_header",
     SOCKQ_SCTP_ASSOCS,
     BYTES(" ASSOC     SOCK   STY SST ST HBKT ASSOC-ID\n"),
     {NULL},
     {0},
     {0}},
};

/* The first address of a list is the row's own; the family is that of the address. */
static void first_addresses(void **state)
{
    static const uint8_t local[16] = {10, 0, 0, 1}, remote[16] = {[15] = 2};
    struct fixture *f = *state;

    put_table(f, SOCKQ_SCTP_ASSOCS,
              BYTES(ASSOC "10.0.0.1 10.0.0.9 <-> *::2 " ASSOC_TAIL ASSOC
                          "10.0.0.1 <-> *10.0.0.2 " ASSOC_TAIL));
    assert_int_equal(read_table(f, SOCKQ_SCTP_ASSOCS)->rows, 2);
    const struct sockq_row *row = row_at(f, 0);
    assert_memory_equal(row->local_addr, local, 16);
    assert_memory_equal(row->remote_addr, remote, 16);
    assert_int_equal(row->family, SOCKQ_AF_INET6);
    assert_int_equal(row_at(f, 1)->family, SOCKQ_AF_INET);
}

/* A line of 20 KB is a row there; one of more than 64 KiB is not. */
static void bad_016_many_addresses(void **state)
{
    static const int counts[] = {2000, 5900, 6000};
    struct fixture *f = *state;
    static char text[100000];

    for (size_t i = 0; i < COUNT(counts); i++) {
        int n = snprintf(text, sizeof(text), ASSOC "<->");
        for (int k = 0; k < counts[i]; k++)
            n += snprintf(text + n, 20, " 10.1.2.%d", 100 + k % 100);
        n += snprintf(text + n, 20, " \t\n");
        put_table(f, SOCKQ_SCTP_ASSOCS, text, (size_t)n);
        const struct sockq_table_info *info = read_table(f, SOCKQ_SCTP_ASSOCS);
        bool taken = n - 1 <= 64 << 10;
        assert_int_equal(info->rows, taken);
        assert_int_equal(info->bad, !taken);
        if (!taken)
            assert_problem(f, 0, 2, SOCKQ_BAD_LENGTH, true);
    }
}

/* The states of sctp sockets are those of tcp; a wanted one is looked for there too. */
static void sctp_states_are_filtered(void **state)
{
    struct fixture *f = *state;

    put_table(f, SOCKQ_SCTP_EPS, BYTES("f f 2 7 0 1 0 1 \nf f 2 10 0 2 0 2 \n"));
    read_table_with(f, SOCKQ_SCTP_EPS, NULL, (uint64_t)1 << SOCKQ_LISTEN);
    assert_int_equal(sockq_set_rows(f->w.set), 1);
    assert_words(f, row_at(f, 0), "3: state=10");
}

/* Each column of the sctp tables one beyond what it can hold, and at that. */
static void sctp_numbers(void **state)
{
    static const struct {
        enum sockq_table table;
        unsigned column;
        uint64_t most;
    } cases[] = {
        {SOCKQ_SCTP_EPS, 0, UINT8_MAX},      {SOCKQ_SCTP_EPS, 1, UINT8_MAX},
        {SOCKQ_SCTP_EPS, 3, UINT16_MAX},     {SOCKQ_SCTP_EPS, 4, UINT32_MAX},
        {SOCKQ_SCTP_ASSOCS, 0, UINT8_MAX},   {SOCKQ_SCTP_ASSOCS, 1, UINT8_MAX},
        {SOCKQ_SCTP_ASSOCS, 2, UINT8_MAX},   {SOCKQ_SCTP_ASSOCS, 4, UINT32_MAX},
        {SOCKQ_SCTP_ASSOCS, 5, UINT32_MAX},  {SOCKQ_SCTP_ASSOCS, 6, UINT32_MAX},
        {SOCKQ_SCTP_ASSOCS, 7, UINT32_MAX},  {SOCKQ_SCTP_ASSOCS, 9, UINT16_MAX},
        {SOCKQ_SCTP_ASSOCS, 10, UINT16_MAX},
    };
    struct fixture *f = *state;
    char text[400];

    for (size_t i = 0; i < COUNT(cases); i++)
        for (uint64_t over = 0; over < 2; over++) {
            const bool eps = cases[i].table == SOCKQ_SCTP_EPS;
            int n = snprintf(text, sizeof(text), "ffff8880 ffff8881");
            for (unsigned column = 0; column < (eps ? 6u : 11u); column++)
                n += snprintf(text + n, sizeof(text) - (size_t)n, " %llu",
                              column == cases[i].column ? (unsigned long long)(cases[i].most + over)
                                                        : 0ULL);
            n += snprintf(text + n, sizeof(text) - (size_t)n, "%s",
                          eps ? " 10.0.0.1\n" : " 10.0.0.1 <-> *10.0.0.2 \t 1 2 3\n");
            put_table(f, cases[i].table, text, (size_t)n);
            const struct sockq_table_info *info = read_table(f, cases[i].table);
            assert_int_equal(info->rows, !over);
            if (over)
                assert_problem(f, 0, 2, SOCKQ_BAD_NUMBER, true);
            else
                assert_words(f, row_at(f, 0), "!inode");
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(first_addresses),
        FIXTURE_TEST(bad_016_many_addresses),
        FIXTURE_TEST(sctp_states_are_filtered),
        FIXTURE_TEST(sctp_numbers),
    };

    int failed = run_cases("netlink", netlink, sizeof(netlink[0]), COUNT(netlink), one_text);
    failed += run_cases("packet", packet, sizeof(packet[0]), COUNT(packet), one_text);
    failed += run_cases("sctp", sctp, sizeof(sctp[0]), COUNT(sctp), one_text);
    return failed + cmocka_run_group_tests_name("sctp tables", tests, NULL, NULL);
}

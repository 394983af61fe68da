/*
 * Rows of tcp, udp, udplite, raw, icmp and their IPv6 twins: bad inputs 35 to 87 by number, one
 * column at a time. Each case is the second line of a table whose third line is a good row, which
 * must come through whatever the second did.
 */
#include "helper.h"

#define ONE6 "00000000000000000000000001000000"
#define FORTY "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmn"

/* A row of 17 or 13 columns. */
static const char *const tcp_columns[] = {"0:",
                                          "0100007F:0016",
                                          "0200007F:C350",
                                          "01",
                                          "00000000:00000000",
                                          "00:00000000",
                                          "00000000",
                                          "1000",
                                          "0",
                                          "16047",
                                          "2",
                                          "00000000db745801",
                                          "20",
                                          "4",
                                          "30",
                                          "10",
                                          "-1"};
static const char *const udp_columns[] = {"17:",
                                          "0100007F:0035",
                                          "00000000:0000",
                                          "07",
                                          "00000000:00000000",
                                          "00:00000000",
                                          "00000000",
                                          "107",
                                          "0",
                                          "3129",
                                          "2",
                                          "00000000db745801",
                                          "0"};

struct column_case {
    const char *name;
    enum sockq_table table;
    int column;               /* replaced, from 1; one behind the last is added; 0: none */
    const char *text;         /* what it becomes; NULL: nothing is replaced */
    enum sockq_reason reason; /* SOCKQ_OK: a row, that has these words */
    const char *words;
    int keep; /* only so many columns, 0: all */
};

static const struct column_case cases[] = {
    {"bad_035_9_groups", SOCKQ_TCP, 0, NULL, SOCKQ_BAD_COLUMNS, NULL, 9},
    {"bad_035_6_groups", SOCKQ_TCP, 0, NULL, SOCKQ_BAD_COLUMNS, NULL, 6},
    {"bad_035_2_groups", SOCKQ_UDP, 0, NULL, SOCKQ_BAD_COLUMNS, NULL, 2},
    {"bad_035_1_group", SOCKQ_UDP6, 0, NULL, SOCKQ_BAD_COLUMNS, NULL, 1},
    {"bad_036_10_groups", SOCKQ_TCP, 0, NULL, SOCKQ_OK, "inode=16047 !refs !rto", 10},
    {"bad_036_11_groups", SOCKQ_TCP, 0, NULL, SOCKQ_OK, "inode=16047 refs=2 !rto", 11},
    {"bad_036_10_groups_udp", SOCKQ_UDP, 0, NULL, SOCKQ_OK, "inode=3129 !refs !drops", 10},
    {"bad_037_12_groups", SOCKQ_TCP, 0, NULL, SOCKQ_OK, "state=1 uid=1000 refs=2 !rto !mini", 12},
    {"bad_037_12_groups_udp", SOCKQ_UDP, 0, NULL, SOCKQ_OK, "refs=2 !drops", 12},
    {"bad_038_more_groups", SOCKQ_TCP, 18, "0 x=y ffff", SOCKQ_OK, "ssthresh=-1", 0},
    {"bad_038_more_groups_udp", SOCKQ_UDP, 14, "99 -5 later", SOCKQ_OK, "drops=0", 0},
    /* 13 groups are the form of a udp row; a tcp row has 12 or at least 17. */
    {"tail_of_1_column", SOCKQ_TCP, 0, NULL, SOCKQ_BAD_TAIL, NULL, 13},
    {"tail_of_4_columns", SOCKQ_TCP, 0, NULL, SOCKQ_BAD_TAIL, NULL, 16},
    {"bad_039_no_colon", SOCKQ_TCP, 1, "0", SOCKQ_BAD_SLOT, NULL, 0},
    {"bad_039_letters", SOCKQ_TCP, 1, "abc:", SOCKQ_BAD_SLOT, NULL, 0},
    {"bad_039_colon_alone", SOCKQ_TCP, 1, ":", SOCKQ_BAD_SLOT, NULL, 0},
    {"bad_039_blank_before_colon", SOCKQ_TCP, 1, "0 :", SOCKQ_BAD_SLOT, NULL, 0},
    {"bad_039_two_colons", SOCKQ_TCP, 1, "0::", SOCKQ_BAD_SLOT, NULL, 0},
    {"bad_039_no_blank_after", SOCKQ_TCP, 1, "0:0100007F:0016", SOCKQ_BAD_SLOT, NULL, 0},
    {"bad_040_huge", SOCKQ_TCP, 1, "99999999999:", SOCKQ_OK, "inode=16047", 0},
    {"bad_040_beyond_64_bits", SOCKQ_TCP, 1, "99999999999999999999999:", SOCKQ_OK, "state=1", 0},
    {"bad_040_negative", SOCKQ_TCP, 1, "-1:", SOCKQ_BAD_SLOT, NULL, 0},
    {"bad_043_lower_case", SOCKQ_TCP, 2, "0a0000fe:00ff", SOCKQ_OK, "local=254.0.0.10:255", 0},
    {"bad_043_state", SOCKQ_TCP, 4, "0a", SOCKQ_OK, "state=10", 0},
    {"bad_043_queue", SOCKQ_TCP, 5, "000000ab:000000Cd", SOCKQ_OK, "send=171 recv=205", 0},
    {"bad_043_when", SOCKQ_TCP, 6, "02:000afc80", SOCKQ_OK, "timer=2/720000", 0},
    {"bad_043_v6", SOCKQ_TCP6, 2, "b80d01200000000000000000010000ff:1f90", SOCKQ_OK,
     "local=2001:db8::ff00:1:8080", 0},
    {"bad_044_slot", SOCKQ_TCP, 1, "0x0:", SOCKQ_BAD_SLOT, NULL, 0},
    {"bad_044_address", SOCKQ_TCP, 2, "0x0100007F:0016", SOCKQ_BAD_ADDRESS, NULL, 0},
    {"bad_044_port", SOCKQ_TCP, 2, "0100007F:0x16", SOCKQ_BAD_PORT, NULL, 0},
    {"bad_044_state", SOCKQ_TCP, 4, "0x1", SOCKQ_BAD_STATE, NULL, 0},
    {"bad_044_queue", SOCKQ_TCP, 5, "0x0:0x0", SOCKQ_BAD_QUEUE, NULL, 0},
    {"bad_044_queue_of_8", SOCKQ_TCP, 5, "0x000000:0x000000", SOCKQ_BAD_QUEUE, NULL, 0},
    {"bad_044_timer", SOCKQ_TCP, 6, "0x:00000000", SOCKQ_BAD_TIMER, NULL, 0},
    {"bad_044_when", SOCKQ_TCP, 6, "01:0x5", SOCKQ_BAD_TIMER, NULL, 0},
    {"bad_044_retrans", SOCKQ_TCP, 7, "0x00", SOCKQ_BAD_RETRANS, NULL, 0},
    {"bad_044_uid", SOCKQ_TCP, 8, "0x10", SOCKQ_BAD_UID, NULL, 0},
    {"bad_044_timeout", SOCKQ_TCP, 9, "0x0", SOCKQ_BAD_TIMEOUT, NULL, 0},
    {"bad_044_inode", SOCKQ_TCP, 10, "0x10", SOCKQ_BAD_INODE, NULL, 0},
    {"bad_044_refs", SOCKQ_TCP, 11, "0x2", SOCKQ_BAD_REFS, NULL, 0},
    {"bad_044_pointer", SOCKQ_TCP, 12, "0xffff8880", SOCKQ_OK, "cwnd=10", 0},
    {"bad_044_rto", SOCKQ_TCP, 13, "0x20", SOCKQ_BAD_TAIL, NULL, 0},
    {"bad_044_drops", SOCKQ_UDP, 13, "0x0", SOCKQ_BAD_TAIL, NULL, 0},
    {"bad_045_address", SOCKQ_TCP, 2, "+100007F:0016", SOCKQ_BAD_ADDRESS, NULL, 0},
    {"bad_045_state", SOCKQ_TCP, 4, "+1", SOCKQ_BAD_STATE, NULL, 0},
    {"bad_045_queue", SOCKQ_TCP, 5, "+1:+1", SOCKQ_BAD_QUEUE, NULL, 0},
    {"bad_045_when", SOCKQ_TCP, 6, "01:+5", SOCKQ_BAD_TIMER, NULL, 0},
    {"bad_045_uid", SOCKQ_TCP, 8, "+1000", SOCKQ_BAD_UID, NULL, 0},
    {"bad_045_inode", SOCKQ_TCP, 10, "+16047", SOCKQ_BAD_INODE, NULL, 0},
    {"bad_045_refs", SOCKQ_TCP, 11, "+2", SOCKQ_BAD_REFS, NULL, 0},
    {"bad_045_ssthresh", SOCKQ_TCP, 17, "+2", SOCKQ_BAD_TAIL, NULL, 0},
    {"bad_045_drops", SOCKQ_UDP, 13, "+0", SOCKQ_BAD_TAIL, NULL, 0},
    {"bad_046_uid_negative", SOCKQ_TCP, 8, "-1", SOCKQ_BAD_UID, NULL, 0},
    {"bad_047_uid_invalid", SOCKQ_TCP, 8, "4294967295", SOCKQ_OK, "uid=4294967295", 0},
    {"bad_048_uid_too_big", SOCKQ_TCP, 8, "4294967296", SOCKQ_BAD_UID, NULL, 0},
    {"bad_048_uid_wraps", SOCKQ_TCP, 8, "18446744073709551616", SOCKQ_BAD_UID, NULL, 0},
    {"bad_049_uid_name", SOCKQ_TCP, 8, "root", SOCKQ_BAD_UID, NULL, 0},
    {"bad_049_uid_and_name", SOCKQ_TCP, 8, "0root", SOCKQ_BAD_UID, NULL, 0},
    {"bad_050_7_digits", SOCKQ_TCP, 2, "100007F:0016", SOCKQ_BAD_ADDRESS, NULL, 0},
    {"bad_050_9_digits", SOCKQ_TCP, 3, "00100007F:0016", SOCKQ_BAD_ADDRESS, NULL, 0},
    {"bad_051_31_digits", SOCKQ_TCP6, 2, "0000000000000000000000001000000:0016", SOCKQ_BAD_ADDRESS,
     NULL, 0},
    {"bad_051_33_digits", SOCKQ_TCP6, 2, "0" ONE6 ":0016", SOCKQ_BAD_ADDRESS, NULL, 0},
    {"bad_051_64_digits", SOCKQ_UDP6, 3, ONE6 ONE6 ":0016", SOCKQ_BAD_ADDRESS, NULL, 0},
    {"bad_052_v4_in_tcp6", SOCKQ_TCP6, 2, "0100007F:0016", SOCKQ_BAD_ADDRESS, NULL, 0},
    {"bad_052_v6_in_tcp", SOCKQ_TCP, 2, ONE6 ":0016", SOCKQ_BAD_ADDRESS, NULL, 0},
    {"bad_052_v6_in_udp", SOCKQ_UDP, 3, ONE6 ":0000", SOCKQ_BAD_ADDRESS, NULL, 0},
    {"bad_053_nothing", SOCKQ_TCP, 2, "0100007F0016", SOCKQ_BAD_ADDRESS, NULL, 0},
    {"bad_053_a_blank", SOCKQ_TCP, 2, "0100007F 0016", SOCKQ_BAD_PORT, NULL, 0},
    {"bad_053_a_dash", SOCKQ_TCP, 3, "0100007F-0016", SOCKQ_BAD_PORT, NULL, 0},
    {"bad_053_no_port", SOCKQ_TCP, 3, "0100007F:", SOCKQ_BAD_PORT, NULL, 0},
    {"bad_054_1FFFF", SOCKQ_TCP, 2, "0100007F:1FFFF", SOCKQ_BAD_PORT, NULL, 0},
    {"bad_054_12345", SOCKQ_TCP6, 3, ONE6 ":12345", SOCKQ_BAD_PORT, NULL, 0},
    {"bad_055_short_port", SOCKQ_TCP, 2, "0100007F:50", SOCKQ_BAD_PORT, NULL, 0},
    {"bad_056_port_0", SOCKQ_TCP, 2, "0100007F:0000", SOCKQ_OK, "local=127.0.0.1:0", 0},
    {"bad_057_dotted", SOCKQ_TCP, 2, "127.0.0.1:0016", SOCKQ_BAD_ADDRESS, NULL, 0},
    {"bad_058_digit_G", SOCKQ_TCP, 2, "0100007G:0016", SOCKQ_BAD_ADDRESS, NULL, 0},
    {"bad_058_at_sign", SOCKQ_TCP, 2, "0100007@:0016", SOCKQ_BAD_ADDRESS, NULL, 0},
    {"bad_058_backquote", SOCKQ_TCP, 3, "`100007F:0016", SOCKQ_BAD_ADDRESS, NULL, 0},
    {"bad_058_control", SOCKQ_TCP, 3,
     "\x10"
     "100007F:0016",
     SOCKQ_BAD_ADDRESS, NULL, 0},
    {"bad_058_in_port", SOCKQ_TCP, 2, "0100007F:001G", SOCKQ_BAD_PORT, NULL, 0},
    {"bad_059_state_00", SOCKQ_TCP, 4, "00", SOCKQ_OK, "state=0", 0},
    {"bad_059_state_0C", SOCKQ_TCP, 4, "0C", SOCKQ_OK, "state=12", 0},
    {"bad_059_state_0D", SOCKQ_TCP, 4, "0D", SOCKQ_OK, "state=13", 0},
    {"bad_059_state_0E", SOCKQ_TCP, 4, "0E", SOCKQ_OK, "state=14", 0},
    {"bad_059_state_FF", SOCKQ_TCP, 4, "FF", SOCKQ_OK, "state=255", 0},
    {"bad_060_1_digit", SOCKQ_TCP, 4, "A", SOCKQ_OK, "state=10", 0},
    {"bad_060_3_digits", SOCKQ_TCP, 4, "001", SOCKQ_BAD_STATE, NULL, 0},
    {"bad_061_0A_in_udp", SOCKQ_UDP, 4, "0A", SOCKQ_OK, "state=10", 0},
    {"bad_062_timer_05", SOCKQ_TCP, 6, "05:00000001", SOCKQ_OK, "timer=5/1", 0},
    {"bad_062_timer_FF", SOCKQ_TCP, 6, "FF:00000001", SOCKQ_OK, "timer=255/1", 0},
    {"bad_063_3_digits", SOCKQ_TCP, 6, "001:00000000", SOCKQ_BAD_TIMER, NULL, 0},
    {"bad_064_when_all_ones", SOCKQ_TCP, 6, "01:FFFFFFFFFFFFFFFF", SOCKQ_OK,
     "timer=1/18446744073709551615", 0},
    {"bad_065_17_digits", SOCKQ_TCP, 6, "01:0FFFFFFFFFFFFFFFF", SOCKQ_BAD_TIMER, NULL, 0},
    {"bad_066_when_empty", SOCKQ_TCP, 6, "01:", SOCKQ_BAD_TIMER, NULL, 0},
    {"bad_066_code_empty", SOCKQ_TCP, 6, ":00000000", SOCKQ_BAD_TIMER, NULL, 0},
    {"bad_066_no_colon", SOCKQ_TCP, 6, "01", SOCKQ_BAD_TIMER, NULL, 0},
    {"bad_066_no_colon_long", SOCKQ_TCP, 6, "0100000000", SOCKQ_BAD_TIMER, NULL, 0},
    {"bad_067_off_with_when", SOCKQ_TCP, 6, "00:00000005", SOCKQ_OK, "timer=0/5", 0},
    {"bad_067_03_in_state_01", SOCKQ_TCP, 6, "03:00000005", SOCKQ_OK, "timer=3/5 uid=1000 !mini",
     0},
    {"bad_067_02_in_udp", SOCKQ_UDP, 6, "02:00000005", SOCKQ_OK, "timer=2/5", 0},
    {"bad_068_full_queues", SOCKQ_TCP, 5, "FFFFFFFF:80000000", SOCKQ_OK,
     "send=4294967295 recv=2147483648", 0},
    {"bad_069_9_digits", SOCKQ_TCP, 5, "000000000:00000000", SOCKQ_BAD_QUEUE, NULL, 0},
    {"bad_069_9_digits_rx", SOCKQ_TCP, 5, "00000000:000000000", SOCKQ_BAD_QUEUE, NULL, 0},
    {"bad_069_no_rx", SOCKQ_TCP, 5, "00000000:", SOCKQ_BAD_QUEUE, NULL, 0},
    {"bad_069_no_colon", SOCKQ_TCP, 5, "0000000000000000", SOCKQ_BAD_QUEUE, NULL, 0},
    {"bad_070_short_queue", SOCKQ_TCP, 5, "1:1234567", SOCKQ_OK, "send=1 recv=19088743", 0},
    {"bad_070_short_retrans", SOCKQ_TCP, 7, "1f", SOCKQ_OK, "retrans=31", 0},
    {"bad_071_retrans", SOCKQ_TCP, 7, "FFFFFFFF", SOCKQ_OK, "retrans=4294967295", 0},
    {"bad_071_retrans_9_digits", SOCKQ_TCP, 7, "0FFFFFFFF", SOCKQ_BAD_RETRANS, NULL, 0},
    {"bad_072_negative", SOCKQ_TCP, 9, "-1", SOCKQ_BAD_TIMEOUT, NULL, 0},
    {"bad_072_too_big", SOCKQ_TCP, 9, "4294967296", SOCKQ_BAD_TIMEOUT, NULL, 0},
    {"bad_072_border", SOCKQ_TCP, 9, "4294967295", SOCKQ_OK, "probes=4294967295", 0},
    {"bad_073_inode_u64", SOCKQ_TCP, 10, "18446744073709551615", SOCKQ_OK,
     "inode=18446744073709551615", 0},
    {"bad_074_inode_over", SOCKQ_TCP, 10, "18446744073709551616", SOCKQ_BAD_INODE, NULL, 0},
    {"bad_074_inode_40_digits", SOCKQ_TCP, 10, "1234567890123456789012345678901234567890",
     SOCKQ_BAD_INODE, NULL, 0},
    {"bad_075_inode_negative", SOCKQ_TCP, 10, "-16047", SOCKQ_BAD_INODE, NULL, 0},
    {"bad_075_inode_hex", SOCKQ_TCP, 10, "16ab", SOCKQ_BAD_INODE, NULL, 0},
    {"bad_075_inode_empty", SOCKQ_TCP, 10, "", SOCKQ_BAD_COLUMNS, NULL, 10},
    {"bad_076_inode_0", SOCKQ_TCP, 10, "0", SOCKQ_OK, "state=1 uid=1000 !inode !request", 0},
    {"bad_077_inode_zeros", SOCKQ_TCP, 10, "000000636", SOCKQ_OK, "inode=636", 0},
    {"bad_077_inode_many_zeros", SOCKQ_TCP, 10, "0000000000000000000000636", SOCKQ_OK, "inode=636",
     0},
    {"bad_077_uid_zeros", SOCKQ_TCP, 8, "0001000", SOCKQ_OK, "uid=1000", 0},
    {"bad_081_refs_saturated", SOCKQ_TCP, 11, "-1073741824", SOCKQ_OK, "refs=-1073741824", 0},
    {"bad_081_refs_over", SOCKQ_TCP, 11, "2147483648", SOCKQ_BAD_REFS, NULL, 0},
    {"bad_082_pointer_0", SOCKQ_TCP, 12, "0", SOCKQ_OK, "cwnd=10", 0},
    {"bad_082_pointer_zeros", SOCKQ_TCP, 12, "0000000000000000", SOCKQ_OK, "cwnd=10", 0},
    {"bad_082_pointer_early", SOCKQ_TCP, 12, "(____ptrval____)", SOCKQ_OK, "cwnd=10", 0},
    {"bad_082_pointer_letters", SOCKQ_UDP, 12, FORTY, SOCKQ_OK, "drops=0", 0},
    {"bad_083_drops_signed", SOCKQ_UDP, 13, "-1", SOCKQ_OK, "drops=4294967295", 0},
    {"bad_083_drops_unsigned", SOCKQ_UDP, 13, "4294967295", SOCKQ_OK, "drops=4294967295", 0},
    {"bad_083_drops_over", SOCKQ_UDP, 13, "4294967296", SOCKQ_BAD_TAIL, NULL, 0},
    {"bad_083_drops_under", SOCKQ_UDP, 13, "-2147483649", SOCKQ_BAD_TAIL, NULL, 0},
    {"bad_084_ssthresh_initial", SOCKQ_TCP, 17, "-1", SOCKQ_OK, "ssthresh=-1", 0},
    {"bad_084_ssthresh_most", SOCKQ_TCP, 17, "2147483647", SOCKQ_OK, "ssthresh=2147483647", 0},
    {"bad_084_ssthresh_least", SOCKQ_TCP, 17, "-2147483648", SOCKQ_OK, "ssthresh=-2147483648", 0},
    {"bad_084_ssthresh_over", SOCKQ_TCP, 17, "2147483648", SOCKQ_BAD_TAIL, NULL, 0},
    {"bad_084_ssthresh_under", SOCKQ_TCP, 17, "-2147483649", SOCKQ_BAD_TAIL, NULL, 0},
    {"bad_085_rto_over_u64", SOCKQ_TCP, 13, "99999999999999999999", SOCKQ_BAD_TAIL, NULL, 0},
    {"bad_085_cwnd_over_u32", SOCKQ_TCP, 16, "4294967296", SOCKQ_BAD_TAIL, NULL, 0},
    {"bad_085_ato_negative", SOCKQ_TCP, 14, "-4", SOCKQ_BAD_TAIL, NULL, 0},
};

/* The case's line into `line`. */
static void make_line(const struct column_case *c, char *line, size_t size)
{
    bool tcp = c->table == SOCKQ_TCP || c->table == SOCKQ_TCP6;
    bool v6 = c->table == SOCKQ_TCP6 || c->table == SOCKQ_UDP6;
    const char *const *columns = tcp ? tcp_columns : udp_columns;
    int count = tcp ? COUNT(tcp_columns) : COUNT(udp_columns);
    int n = snprintf(line, size, "  ");

    for (int i = 1; i <= (c->keep ? c->keep : count + 1); i++) {
        const char *text = i > count ? "" : v6 && i == 2 ? ONE6 ":0016" : columns[i - 1];
        if (v6 && i == 3)
            text = ONE6 ":C350";
        if (i == c->column && c->text)
            text = c->text;
        n += snprintf(line + n, size - (size_t)n, " %s", text);
    }
    assert_true((size_t)n < size - 1);
    snprintf(line + n, size - (size_t)n, "\n");
}

static void one_column(void **state)
{
    struct fixture *f = *state;
    const struct column_case *c = f->given;
    const char *good = good_of(c->table);
    bool taken = c->reason == SOCKQ_OK;
    char text[1024];

    make_line(c, text, sizeof(text));
    assert_true(strlen(text) + strlen(good) < sizeof(text));
    memcpy(text + strlen(text), good, strlen(good) + 1);
    put_table(f, c->table, text, strlen(text));
    const struct sockq_table_info *info = read_table(f, c->table);
    assert_int_equal(info->status, SOCKQ_TABLE_COMPLETE);
    assert_int_equal(info->error, 0);
    if (!taken)
        assert_problem(f, 0, 2, c->reason, true);
    assert_int_equal(info->bad, !taken);
    assert_int_equal(f->w.set->problem_count, !taken);
    assert_int_equal(info->rows, 1 + taken);
    assert_int_equal(sockq_set_rows(f->w.set), 1 + taken);
    assert_int_equal(row_at(f, taken)->line, 3);
    if (taken) {
        assert_int_equal(row_at(f, 0)->line, 2);
        assert_words(f, row_at(f, 0), c->words);
    }
}

int main(void)
{
    return run_cases("inet columns", cases, sizeof(cases[0]), COUNT(cases), one_column);
}

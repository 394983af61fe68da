/*
 * Rows with random numbers in them, printed by the kernel's own formats and read back: every number
 * must be the one that was printed, whatever its width and whichever way the line is read.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "helper.h"

enum { ROWS = 20000, LONGEST = 400 };

static uint64_t seed;

static uint64_t random64(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* A number of at most so many bits, small ones as often as large ones. */
static uint64_t random_bits(unsigned bits)
{
    uint64_t n = random64() >> (64 - bits);

    return n >> random64() % bits;
}

/* A row, filled with what a table of the kind can hold. */
static struct sockq_row random_row(enum sockq_table table, int words)
{
    struct sockq_row row = {.table = (uint8_t)table,
                            .recv_q = (uint32_t)random_bits(32),
                            .send_q = (uint32_t)random_bits(32),
                            .retrans = (uint32_t)random_bits(32),
                            .when = random_bits(random64() % 8 ? 32 : 64),
                            .uid = (uint32_t)random_bits(32),
                            .probes = (uint32_t)random_bits(random64() % 8 ? 8 : 32),
                            .inode = random_bits(random64() % 8 ? 32 : 64),
                            .refs = (int32_t)random_bits(random64() % 8 ? 8 : 32),
                            .local_port = (uint16_t)random_bits(16),
                            .remote_port = (uint16_t)random_bits(16),
                            .state = (uint8_t)random_bits(8),
                            .timer = (uint8_t)random_bits(8)};

    for (int i = 0; i < words; i++) {
        uint32_t local = (uint32_t)random64(), remote = (uint32_t)random_bits(32);
        memcpy(row.local_addr + i * 4, &local, 4);
        memcpy(row.remote_addr + i * 4, &remote, 4);
    }
    if (table == SOCKQ_TCP || table == SOCKQ_TCP6)
        row.tcp = (struct sockq_tcp){.rto = (uint32_t)random_bits(random64() % 8 ? 14 : 32),
                                     .ato = (uint32_t)random_bits(random64() % 8 ? 14 : 32),
                                     .qack = (uint32_t)random_bits(random64() % 8 ? 14 : 32),
                                     .cwnd = (uint32_t)random_bits(random64() % 8 ? 14 : 32),
                                     .ssthresh = (int32_t)random_bits(32)};
    else
        row.drops = (uint32_t)random_bits(32);
    return row;
}

static int print_endpoint(char *text, const uint8_t *address, int words, uint16_t port)
{
    int n = 0;

    for (int i = 0; i < words; i++) {
        uint32_t word;
        memcpy(&word, address + i * 4, 4);
        n += snprintf(text + n, 9, "%08" PRIX32, word);
    }
    return n + snprintf(text + n, 6, ":%04X", port);
}

/* net/ipv4/tcp_ipv4.c get_tcp4_sock, net/ipv4/udp.c udp4_format_sock and their twins. */
static int print_row(char *text, const struct sockq_row *row, int words, bool tail)
{
    static const char *const pointers[] = {"0000000000000000", "00000000db745801", "f6c3cac0", "0",
                                           "(____ptrval____)", "ffff88003724d800"};
    const bool tcp = row->table == SOCKQ_TCP || row->table == SOCKQ_TCP6;
    int n = snprintf(text, 20, tcp ? "%4u: " : "%5u: ", (unsigned)random_bits(24));

    n += print_endpoint(text + n, row->local_addr, words, row->local_port);
    text[n++] = ' ';
    n += print_endpoint(text + n, row->remote_addr, words, row->remote_port);
    n += snprintf(text + n, 160,
                  " %02X %08" PRIX32 ":%08" PRIX32 " %02X:%08" PRIX64 " %08" PRIX32 " %5" PRIu32
                  " %8" PRIu32 " %" PRIu64 " %" PRId32 " %s",
                  row->state, row->send_q, row->recv_q, row->timer, row->when, row->retrans,
                  row->uid, row->probes, row->inode, row->refs,
                  pointers[random64() % COUNT(pointers)]);
    if (tail && tcp)
        n += snprintf(text + n, 80, " %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRId32,
                      row->tcp.rto, row->tcp.ato, row->tcp.qack, row->tcp.cwnd, row->tcp.ssthresh);
    else if (tail)
        n += snprintf(text + n, 20, " %" PRIu32, row->drops);
    return n;
}

/* As it is; padded to 149; with tabs for blanks; in lower case; with CR at its end. */
static int disguise(char *text, int n, unsigned way)
{
    if (way == 1 && n < 149) {
        memset(text + n, ' ', (size_t)(149 - n));
        return 149;
    }
    for (int i = 0; i < n; i++) {
        if (way == 2 && text[i] == ' ')
            text[i] = '\t';
        if (way == 3 && text[i] >= 'A' && text[i] <= 'F')
            text[i] = (char)(text[i] + 'a' - 'A');
    }
    if (way == 4)
        text[n++] = '\r';
    return n;
}

static void check(const struct sockq_row *row, const struct sockq_row *printed, bool tail)
{
    bool tcp = row->table == SOCKQ_TCP || row->table == SOCKQ_TCP6;

    assert_memory_equal(row->local_addr, printed->local_addr, 16);
    assert_memory_equal(row->remote_addr, printed->remote_addr, 16);
    assert_int_equal(row->local_port, printed->local_port);
    assert_int_equal(row->remote_port, printed->remote_port);
    assert_int_equal(row->state, printed->state);
    assert_int_equal(row->send_q, printed->send_q);
    assert_int_equal(row->recv_q, printed->recv_q);
    assert_int_equal(row->timer, printed->timer);
    assert_int_equal(row->when, printed->when);
    assert_int_equal(row->retrans, printed->retrans);
    assert_int_equal(row->uid, printed->uid);
    assert_int_equal(row->probes, printed->probes);
    assert_int_equal(row->inode, printed->inode);
    assert_int_equal(row->refs, printed->refs);
    assert_true(row->known & SOCKQ_HAS_REFS);
    if (tcp && tail)
        assert_memory_equal(&row->tcp, &printed->tcp, sizeof(row->tcp));
    if (!tcp && tail)
        assert_int_equal(row->drops, printed->drops);
    /* A mini-socket's uid and inode are no facts, whatever is printed. */
    assert_int_equal((row->known & SOCKQ_HAS_TCP) != 0, tcp && tail);
    assert_int_equal((row->known & SOCKQ_HAS_DROPS) != 0, !tcp && tail);
    assert_int_equal((row->known & SOCKQ_HAS_INODE) != 0,
                     row->inode != 0 && !(row->flags & SOCKQ_ROW_MINI));
    assert_true(row->owner == 0 && row->netns == 0 && row->peer == 0);
}

struct printed_case {
    const char *name;
    enum sockq_table table;
    int words;
};

static const struct printed_case cases[] = {
    {"tcp", SOCKQ_TCP, 1},   {"tcp6", SOCKQ_TCP6, 4}, {"udp", SOCKQ_UDP, 1},
    {"udp6", SOCKQ_UDP6, 4}, {"raw", SOCKQ_RAW, 1},   {"icmp6", SOCKQ_ICMP6, 4},
};

static void printed_and_read(void **state)
{
    struct fixture *f = *state;
    const struct printed_case *c = f->given;
    struct sockq_row *printed = calloc(ROWS, sizeof(*printed));
    char *text = malloc((size_t)ROWS * LONGEST);
    size_t size = 0;

    assert_true(printed && text);
    seed = 0x9e3779b97f4a7c15u;
    for (unsigned i = 0; i < ROWS; i++) {
        printed[i] = random_row(c->table, c->words);
        int n = print_row(text + size, &printed[i], c->words, i % 3);
        size += (size_t)disguise(text + size, n, i % 5);
        text[size++] = '\n';
    }
    put_table(f, c->table, text, size);
    const struct sockq_table_info *info = read_table(f, c->table);
    assert_int_equal(info->bad, 0);
    assert_int_equal(info->rows, ROWS);
    for (unsigned i = 0; i < ROWS; i++)
        check(row_at(f, i), &printed[i], i % 3);
    free(printed);
    free(text);
}

int main(void)
{
    return run_cases("printed rows", cases, sizeof(cases[0]), COUNT(cases), printed_and_read);
}

/*
 * Code for the kernel: what it does with random conditions and sockets, by an interpreter that
 * follows net/ipv4/inet_diag.c (inet_diag_bc_run, and the audit before it); and by this kernel
 * itself, over sockets of the test's own.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "helper.h"
#include "source/diag_bytecode.h"
#include "source/sock_diag.h"

enum { OP = sizeof(struct inet_diag_bc_op), ROUNDS = 30000, KERNEL_ROUNDS = 300, SOCKETS = 10 };

struct end {
    uint8_t bytes[16];
    uint16_t port;
};

struct entry {
    uint8_t family;
    bool is_chosen; /* the local port, by the kernel */
    struct end local;
    struct end remote;
};

static uint32_t random_state = 1;

static uint32_t random_below(uint32_t most)
{
    random_state = random_state * 1664525 + 1013904223;
    return (random_state >> 8) % most;
}

static struct inet_diag_bc_op op_at(const unsigned char *code, size_t at)
{
    struct inet_diag_bc_op op;

    memcpy(&op, code + at, OP);
    return op;
}

/* bitstring_match */
static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    if (memcmp(a, b, bits / 8) != 0)
        return false;
    const uint8_t mask = (uint8_t)(0xff << (8 - bits % 8));
    return bits % 8 == 0 || ((a[bits / 8] ^ b[bits / 8]) & mask) == 0;
}

static bool meets_prefix(const struct inet_diag_hostcond *condition, const uint8_t *prefix,
                         const struct entry *entry, const struct end *end)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

    assert_int_equal(condition->port, -1);
    if (condition->family != entry->family && condition->family != AF_UNSPEC) {
        if (entry->family != AF_INET6 || condition->family != AF_INET ||
            memcmp(end->bytes, mapped, sizeof(mapped)) != 0)
            return false;
        return same_bits(end->bytes + 12, prefix, condition->prefix_len);
    }
    return same_bits(end->bytes, prefix, condition->prefix_len);
}

static bool runs_true(const unsigned char *code, long left, const struct entry *entry)
{
    struct inet_diag_hostcond condition;

    while (left > 0) {
        const struct inet_diag_bc_op op = op_at(code, 0);
        const uint16_t port = left > OP ? op_at(code, OP).no : 0;
        bool yes = true;
        switch (op.code) {
        case INET_DIAG_BC_NOP:
            break;
        case INET_DIAG_BC_JMP:
            yes = false;
            break;
        case INET_DIAG_BC_AUTO:
            yes = entry->is_chosen;
            break;
        case INET_DIAG_BC_S_GE:
            yes = entry->local.port >= port;
            break;
        case INET_DIAG_BC_S_LE:
            yes = entry->local.port <= port;
            break;
        case INET_DIAG_BC_D_GE:
            yes = entry->remote.port >= port;
            break;
        case INET_DIAG_BC_D_LE:
            yes = entry->remote.port <= port;
            break;
        case INET_DIAG_BC_S_COND:
        case INET_DIAG_BC_D_COND:
            memcpy(&condition, code + OP, sizeof(condition));
            yes = meets_prefix(&condition, code + OP + sizeof(condition), entry,
                               op.code == INET_DIAG_BC_S_COND ? &entry->local : &entry->remote);
            break;
        default:
            fail_msg("code %u", op.code);
        }
        left -= yes ? op.yes : op.no;
        code += yes ? op.yes : op.no;
    }
    return left == 0;
}

/* valid_cc: a place that is jumped to is one that `yes` leads to from the start. */
static bool is_met(const unsigned char *code, long length, long left)
{
    while (length >= 0) {
        if (left > length)
            return false;
        if (left == length)
            return true;
        const struct inet_diag_bc_op op = op_at(code, 0);
        if (op.yes < OP || op.yes & 3)
            return false;
        length -= op.yes;
        code += op.yes;
    }
    return false;
}

/* inet_diag_bc_audit */
static void audit(const unsigned char *code, long length)
{
    const unsigned char *at = code;

    for (long left = length; left > 0;) {
        const struct inet_diag_bc_op op = op_at(at, 0);
        long least = OP;
        if (op.code == INET_DIAG_BC_S_COND || op.code == INET_DIAG_BC_D_COND) {
            struct inet_diag_hostcond condition;
            assert_true(left >= (long)(OP + sizeof(condition)));
            memcpy(&condition, at + OP, sizeof(condition));
            const long size = condition.family == AF_INET ? 4 : 16;
            assert_true(condition.prefix_len <= 8 * size);
            least += (long)sizeof(condition) + size;
            assert_true(left >= least);
        } else if (op.code != INET_DIAG_BC_NOP && op.code != INET_DIAG_BC_JMP &&
                   op.code != INET_DIAG_BC_AUTO) {
            least += OP;
            assert_true(left >= least);
        }
        if (op.code != INET_DIAG_BC_NOP) {
            assert_true(op.no >= OP && op.no <= left + OP && op.no % 4 == 0);
            assert_true(op.no >= left || is_met(code, length, left - op.no));
        }
        assert_true(op.yes >= least && op.yes <= left + OP && op.yes % 4 == 0);
        at += op.yes;
        left -= op.yes;
    }
}

static bool in_ports(const struct sockq_ports *ports, uint16_t port)
{
    return port >= ports->low && port <= ports->high;
}

static bool in_prefix(const struct sockq_prefix *prefix, const struct entry *entry,
                      const struct end *end)
{
    struct inet_diag_hostcond condition = {
        .family = prefix->family, .prefix_len = prefix->bits, .port = -1};

    return meets_prefix(&condition, prefix->bytes, entry, end);
}

/* What the conditions mean, in plain words. */
static bool meets(const struct sockq_narrow *n, const struct entry *e)
{
    return (!(n->has & SOCKQ_NARROW_AUTO) || e->is_chosen) &&
           (!(n->has & SOCKQ_NARROW_LOCAL_PORT) || in_ports(&n->local_port, e->local.port)) &&
           (!(n->has & SOCKQ_NARROW_REMOTE_PORT) || in_ports(&n->remote_port, e->remote.port)) &&
           (!(n->has & SOCKQ_NARROW_EITHER_PORT) || in_ports(&n->either_port, e->local.port) ||
            in_ports(&n->either_port, e->remote.port)) &&
           (!(n->has & SOCKQ_NARROW_LOCAL_ADDR) || in_prefix(&n->local_addr, e, &e->local)) &&
           (!(n->has & SOCKQ_NARROW_REMOTE_ADDR) || in_prefix(&n->remote_addr, e, &e->remote)) &&
           (!(n->has & SOCKQ_NARROW_EITHER_ADDR) || in_prefix(&n->either_addr, e, &e->local) ||
            in_prefix(&n->either_addr, e, &e->remote));
}

/* Few addresses and ports, so that conditions are met often. */
static struct end random_end(uint8_t family)
{
    struct end end = {.port = (uint16_t)(random_below(8) ? random_below(4) : random_below(65536))};
    const bool mapped = family == AF_INET6 && random_below(2);

    if (mapped)
        end.bytes[10] = end.bytes[11] = 0xff;
    uint8_t *v4 = mapped ? end.bytes + 12 : end.bytes;
    v4[0] = 127;
    v4[3] = (uint8_t)random_below(4);
    return end;
}

static struct sockq_ports random_ports(void)
{
    const uint16_t low = (uint16_t)(random_below(8) ? random_below(4) : random_below(65536));

    return (struct sockq_ports){
        low, (uint16_t)(random_below(4) ? low + random_below((uint32_t)(65536 - low)) : low)};
}

static struct sockq_prefix random_prefix(void)
{
    struct sockq_prefix prefix = {.family = random_below(2) ? AF_INET : AF_INET6};
    const struct end end = random_end(prefix.family);
    const uint32_t most = prefix.family == AF_INET ? 32 : 128;

    memcpy(prefix.bytes, end.bytes, sizeof(prefix.bytes));
    prefix.bits = (uint8_t)(random_below(3) ? most - random_below(3) : random_below(most + 1));
    return prefix;
}

static struct sockq_narrow random_narrow(void)
{
    return (struct sockq_narrow){.has = random_below(SOCKQ_NARROW_ALL + 1),
                                 .local_port = random_ports(),
                                 .remote_port = random_ports(),
                                 .either_port = random_ports(),
                                 .local_addr = random_prefix(),
                                 .remote_addr = random_prefix(),
                                 .either_addr = random_prefix()};
}

static void test_random(void **state)
{
    unsigned char code[DIAG_BYTECODE];
    unsigned met = 0;

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        const struct sockq_narrow narrow = random_narrow();
        assert_true(sockq_narrow_valid(&narrow));
        memset(code, 0xee, sizeof(code));
        const size_t size = diag_bytecode(&narrow, code);
        assert_true(size <= sizeof(code) && size % 4 == 0);
        assert_int_equal(size == 0, narrow.has == 0);
        audit(code, (long)size);
        for (int k = 0; k < 4; k++) {
            struct entry entry = {.family = random_below(2) ? AF_INET : AF_INET6};
            entry.is_chosen = random_below(4);
            entry.local = random_end(entry.family);
            entry.remote = random_end(entry.family);
            const bool wanted = meets(&narrow, &entry);
            assert_int_equal(runs_true(code, (long)size, &entry), wanted);
            met += wanted;
        }
    }
    assert_in_range(met, ROUNDS / 50, ROUNDS * 4);
}

static const struct sockq_table_info *look(struct fixture *f, const struct sockq_narrow *narrow)
{
    const struct sockq_question question = {
        .tables = 1 << SOCKQ_UDP, .source = SOCKQ_SOURCE_DIAG, .narrow = *narrow};

    if (f->w.set)
        sockq_file_release(&f->file, f->w.block);
    assert_int_equal(sockq_writer_open(&f->w, &f->file, &question), 0);
    struct table_job job = {
        .proc = &f->proc, .w = &f->w, .question = &question, .check = never_stop};
    table_read(&job, SOCKQ_UDP);
    table_job_end(&job);
    sockq_writer_finish(&f->w, SOCKQ_SET_COMPLETE);
    assert_int_equal(f->w.error, 0);
    return &f->w.set->tables[SOCKQ_UDP];
}

/* A port that no socket has, in the network's order. */
static in_port_t free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    return address.sin_port;
}

/* What this kernel leaves out is what the conditions say; it refuses none of the code. */
static void test_kernel(void **state)
{
    struct fixture *f = *state;
    struct entry entries[SOCKETS] = {{.family = AF_INET}};
    int fds[SOCKETS];

    f->proc.live = true;
    for (int i = 0; i < SOCKETS; i++) {
        struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_addr.s_addr = htonl(0x7f000000u + (uint32_t)(i % 3))};
        socklen_t size = sizeof(address);
        address.sin_addr.s_addr = htonl(0x7f000001u + (uint32_t)(i % 3));
        entries[i].is_chosen = i % 5;
        address.sin_port = entries[i].is_chosen ? 0 : free_port();
        fds[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(fds[i], (struct sockaddr *)&address, size), 0);
        assert_int_equal(getsockname(fds[i], (struct sockaddr *)&address, &size), 0);
        entries[i].family = AF_INET;
        entries[i].local.port = ntohs(address.sin_port);
        memcpy(entries[i].local.bytes, &address.sin_addr, 4);
        if (i % 2 == 0)
            continue;
        address.sin_port = htons((uint16_t)(i % 4));
        if (i % 4 == 3)
            address.sin_port = htons(entries[i - 1].local.port);
        assert_int_equal(connect(fds[i], (struct sockaddr *)&address, size), 0);
        entries[i].remote.port = ntohs(address.sin_port);
        memcpy(entries[i].remote.bytes, &address.sin_addr, 4);
    }
    for (int round = 0; round < KERNEL_ROUNDS; round++) {
        struct sockq_narrow narrow = random_narrow();
        const uint16_t some = entries[random_below(SOCKETS)].local.port;
        if (random_below(2))
            narrow.local_port = (struct sockq_ports){some, some};
        if (random_below(2))
            narrow.either_port = (struct sockq_ports){some, random_below(2) ? some : UINT16_MAX};
        assert_int_equal(look(f, &narrow)->status, SOCKQ_TABLE_COMPLETE);
        for (int i = 0; i < SOCKETS; i++) {
            unsigned found = 0;
            for (uint64_t k = 0; k < sockq_set_rows(f->w.set); k++)
                found += row_at(f, k)->local_port == entries[i].local.port &&
                         memcmp(row_at(f, k)->local_addr, entries[i].local.bytes, 4) == 0;
            assert_int_equal(found, meets(&narrow, &entries[i]));
        }
    }
    for (int i = 0; i < SOCKETS; i++)
        close(fds[i]);
}

static void test_invalid(void **state)
{
    struct sockq_narrow narrow = {.has = 2 * SOCKQ_NARROW_ALL + 1};

    (void)state;
    assert_false(sockq_narrow_valid(&narrow));
    narrow = (struct sockq_narrow){.has = SOCKQ_NARROW_EITHER_PORT, .either_port = {2, 1}};
    assert_false(sockq_narrow_valid(&narrow));
    narrow = (struct sockq_narrow){.has = SOCKQ_NARROW_LOCAL_ADDR,
                                   .local_addr = {.family = AF_INET, .bits = 33}};
    assert_false(sockq_narrow_valid(&narrow));
    narrow.local_addr = (struct sockq_prefix){.family = AF_UNIX};
    assert_false(sockq_narrow_valid(&narrow));
    narrow.local_addr = (struct sockq_prefix){.family = AF_INET6, .bits = 129};
    assert_false(sockq_narrow_valid(&narrow));
    narrow.local_addr.bits = 128;
    assert_true(sockq_narrow_valid(&narrow));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random), FIXTURE_TEST(test_kernel),
                                       cmocka_unit_test(test_invalid)};

    return cmocka_run_group_tests_name("diag_bytecode", tests, NULL, NULL);
}

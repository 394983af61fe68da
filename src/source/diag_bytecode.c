#include "diag_bytecode.h"

#include <linux/inet_diag.h>
#include <string.h>

enum { OP = sizeof(struct inet_diag_bc_op) };

/*
 * A piece of code: true at its end, false 4 bytes behind it. Two pieces are put together as the
 * kernel's check of jumps wants it: each place must be met by following `yes` from the start.
 */
struct piece {
    unsigned char *code;
    size_t size;
};

static void put_op(struct piece *piece, uint8_t code, size_t yes, size_t no)
{
    const struct inet_diag_bc_op op = {.code = code, .yes = (uint8_t)yes, .no = (uint16_t)no};

    memcpy(piece->code + piece->size, &op, OP);
    piece->size += OP;
}

/* The op that a comparison with a port carries the port in. */
static void put_compare(struct piece *piece, uint8_t code, uint16_t port)
{
    put_op(piece, code, 2 * OP, 3 * OP);
    put_op(piece, INET_DIAG_BC_NOP, 0, port);
}

static void put_prefix(struct piece *piece, uint8_t code, const struct sockq_prefix *prefix)
{
    const size_t bytes = prefix->family == SOCKQ_AF_INET ? 4 : 16;
    struct inet_diag_hostcond condition;
    const size_t size = OP + sizeof(condition) + bytes;

    put_op(piece, code, size, size + OP);
    /* With its padding. */
    memset(&condition, 0, sizeof(condition));
    condition.family = prefix->family;
    condition.prefix_len = prefix->bits;
    condition.port = -1;
    memcpy(piece->code + piece->size, &condition, sizeof(condition));
    memcpy(piece->code + piece->size + sizeof(condition), prefix->bytes, bytes);
    piece->size += sizeof(condition) + bytes;
}

/* What is false in the first `size` bytes jumps over `more` that come behind them. */
static void move_false(struct piece *piece, size_t size, size_t more)
{
    struct inet_diag_bc_op op;

    for (size_t at = 0; at < size; at += op.yes) {
        memcpy(&op, piece->code + at, OP);
        if (op.no == size - at + OP)
            op.no = (uint16_t)(op.no + more);
        memcpy(piece->code + at, &op, OP);
    }
}

/* Both: `next` stands behind `piece` already. */
static void join(struct piece *piece, const struct piece *next)
{
    move_false(piece, piece->size, next->size);
    piece->size += next->size;
}

static struct piece behind(const struct piece *piece)
{
    return (struct piece){.code = piece->code + piece->size};
}

static void put_ports(struct piece *piece, bool is_local, const struct sockq_ports *ports)
{
    const uint8_t least = is_local ? INET_DIAG_BC_S_GE : INET_DIAG_BC_D_GE;
    const uint8_t most = is_local ? INET_DIAG_BC_S_LE : INET_DIAG_BC_D_LE;

    put_compare(piece, least, ports->low);
    struct piece next = behind(piece);
    put_compare(&next, most, ports->high);
    join(piece, &next);
}

/* Either: true at the first's end jumps over the second, which begins where the first is false. */
static void put_either(struct piece *piece, size_t first)
{
    const size_t second = piece->size - first - OP;
    const struct inet_diag_bc_op jump = {
        .code = INET_DIAG_BC_JMP, .yes = OP, .no = (uint16_t)(second + OP)};

    memcpy(piece->code + first, &jump, OP);
}

static void add(struct piece *all, const struct piece *piece)
{
    if (all->size)
        join(all, piece);
    else
        all->size = piece->size;
}

size_t diag_bytecode(const struct sockq_narrow *narrow, unsigned char code[DIAG_BYTECODE])
{
    struct piece all = {.code = code};

    for (int i = 0; i < 2; i++) {
        const bool is_local = i == 0;
        if (narrow->has & (is_local ? SOCKQ_NARROW_LOCAL_PORT : SOCKQ_NARROW_REMOTE_PORT)) {
            struct piece piece = behind(&all);
            put_ports(&piece, is_local, is_local ? &narrow->local_port : &narrow->remote_port);
            add(&all, &piece);
        }
        if (narrow->has & (is_local ? SOCKQ_NARROW_LOCAL_ADDR : SOCKQ_NARROW_REMOTE_ADDR)) {
            struct piece piece = behind(&all);
            put_prefix(&piece, is_local ? INET_DIAG_BC_S_COND : INET_DIAG_BC_D_COND,
                       is_local ? &narrow->local_addr : &narrow->remote_addr);
            add(&all, &piece);
        }
    }
    if (narrow->has & SOCKQ_NARROW_AUTO) {
        struct piece piece = behind(&all);
        put_op(&piece, INET_DIAG_BC_AUTO, OP, 2 * OP);
        add(&all, &piece);
    }
    if (narrow->has & SOCKQ_NARROW_EITHER_PORT) {
        struct piece piece = behind(&all), second;
        put_ports(&piece, true, &narrow->either_port);
        const size_t first = piece.size;
        second = (struct piece){.code = piece.code + first + OP};
        put_ports(&second, false, &narrow->either_port);
        piece.size += OP + second.size;
        put_either(&piece, first);
        add(&all, &piece);
    }
    if (narrow->has & SOCKQ_NARROW_EITHER_ADDR) {
        struct piece piece = behind(&all), second;
        put_prefix(&piece, INET_DIAG_BC_S_COND, &narrow->either_addr);
        const size_t first = piece.size;
        second = (struct piece){.code = piece.code + first + OP};
        put_prefix(&second, INET_DIAG_BC_D_COND, &narrow->either_addr);
        piece.size += OP + second.size;
        put_either(&piece, first);
        add(&all, &piece);
    }
    return all.size;
}

static bool ports_valid(const struct sockq_ports *ports)
{
    return ports->low <= ports->high;
}

static bool prefix_valid(const struct sockq_prefix *prefix)
{
    return (prefix->family == SOCKQ_AF_INET && prefix->bits <= 32) ||
           (prefix->family == SOCKQ_AF_INET6 && prefix->bits <= 128);
}

bool sockq_narrow_valid(const struct sockq_narrow *narrow)
{
    return (narrow->has & ~(uint32_t)SOCKQ_NARROW_ALL) == 0 &&
           (!(narrow->has & SOCKQ_NARROW_LOCAL_PORT) || ports_valid(&narrow->local_port)) &&
           (!(narrow->has & SOCKQ_NARROW_REMOTE_PORT) || ports_valid(&narrow->remote_port)) &&
           (!(narrow->has & SOCKQ_NARROW_EITHER_PORT) || ports_valid(&narrow->either_port)) &&
           (!(narrow->has & SOCKQ_NARROW_LOCAL_ADDR) || prefix_valid(&narrow->local_addr)) &&
           (!(narrow->has & SOCKQ_NARROW_REMOTE_ADDR) || prefix_valid(&narrow->remote_addr)) &&
           (!(narrow->has & SOCKQ_NARROW_EITHER_ADDR) || prefix_valid(&narrow->either_addr));
}

/*
 * Numbers as text, for listings that are laid out in Lua. Like row.h this text is also read by
 * LuaJIT's ffi.cdef. LuaJIT compiles calls by these pointers into the loop over the rows, where
 * code that branches on the size of each number would fall apart into as many traces.
 */
#ifndef SOCKQ_FIGURES_H
#define SOCKQ_FIGURES_H
#include <stdint.h>

/* What a number is, and how it is written. */
enum sockq_figure_kind {
    SOCKQ_FIGURE_U8,
    SOCKQ_FIGURE_U32,
    SOCKQ_FIGURE_I32,
    SOCKQ_FIGURE_U64,
    /* 32 bits: microseconds, as milliseconds by printf's %g. */
    SOCKQ_FIGURE_MS,
    /* 32 bits: the 256th part, as printf's %g writes it. */
    SOCKQ_FIGURE_256TH,
    /* In hexadecimal, without a prefix. */
    SOCKQ_FIGURE_HEX32,
    SOCKQ_FIGURE_HEX64,
    /* A byte, of which only the lead is written. */
    SOCKQ_FIGURE_LEAD,
    /* A byte: its lower four bits, a comma, its upper four. */
    SOCKQ_FIGURE_NIBBLES,
    /* 32 bits, a slash, and the 32 bits at `of`: shown where one of them is not 0. */
    SOCKQ_FIGURE_PAIR,
    /* 64 bits: bytes a second, as bits a second with "bps" behind them. */
    SOCKQ_FIGURE_BYTE_RATE,
    /* A double, left out unless it is above 0: bits a second. */
    SOCKQ_FIGURE_BIT_RATE,
    /* 64 bits: microseconds, as whole milliseconds with "ms" behind them. */
    SOCKQ_FIGURE_DURATION,
    /* The same, and how much that is of the 64 bits at `of` (left out where these are 0), in
       percent. */
    SOCKQ_FIGURE_SHARE
};

/*
 * One number of a struct: a lead, and the number that lies `offset` bytes behind the struct's
 * start. It is left out where it equals `other`, or is 0 and `zero` is 0, or (unsigned) above
 * `most`; where `mask` has none of the bits of the byte at `when` (a mask of 0 asks nothing); and
 * where the figure before it was left out and it is `joined` to that.
 */
struct sockq_figure {
    uint64_t most;
    uint32_t other;
    uint16_t offset;
    uint16_t of;
    uint16_t when;
    uint8_t mask;
    uint8_t joined;
    uint8_t kind;
    uint8_t zero;
    uint8_t lead_length;
    char lead[25];
};

/* All return how many bytes they wrote, of which there must be room for 24 each, and no NUL. */
struct sockq_figures {
    uint32_t (*decimal)(char *to, uint64_t number);
    uint32_t (*integer)(char *to, int64_t number);
    /* A port, "*" for 0. */
    uint32_t (*port)(char *to, uint32_t number);
    /* At least so many digits, 16 at most. */
    uint32_t (*hex)(char *to, uint64_t number, uint32_t least);
    /* The thousandth part of a number, as printf's %g writes it. */
    uint32_t (*thousandth)(char *to, uint64_t number);
    /* printf's %g */
    uint32_t (*general)(char *to, double number);
    /* Of 0 or more, in three digits with k, M, G or T behind it, or as a whole number in full (room
       for 320 bytes). */
    uint32_t (*rate)(char *to, double number, int in_full);
    /* Nothing is written: the bytes of a text to its NUL, `most` at most. */
    uint32_t (*length)(const char *text, uint32_t most);
    /* The numbers of a struct, as `list` says: room for 96 bytes each. Rates as by rate(). */
    uint32_t (*list)(char *to, const uint8_t *from, const struct sockq_figure *list, uint32_t count,
                     int in_full);
};

/* The functions of figures.c. */
extern const struct sockq_figures sockq_figures;
#endif

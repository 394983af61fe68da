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
    /* In hexadecimal, without a prefix. */
    SOCKQ_FIGURE_HEX32,
    SOCKQ_FIGURE_HEX64
};

/*
 * One number of a struct: a lead, and the number that lies `offset` bytes behind the struct's
 * start. It is left out where it equals `other`, or is 0 and `zero` is 0, or (unsigned) above
 * `most`.
 */
struct sockq_figure {
    uint64_t most;
    uint32_t other;
    uint16_t offset;
    uint8_t kind;
    uint8_t zero;
    uint8_t lead_length;
    char lead[31];
};

/* All return how many bytes they wrote, of which there must be room for 24 each, and no NUL. */
struct sockq_figures {
    uint32_t (*decimal)(char *to, uint64_t number);
    uint32_t (*integer)(char *to, int64_t number);
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
    /* The numbers of a struct, as `list` says: room for 64 bytes each. */
    uint32_t (*list)(char *to, const uint8_t *from, const struct sockq_figure *list,
                     uint32_t count);
};

/* The functions of figures.c. */
extern const struct sockq_figures sockq_figures;
#endif

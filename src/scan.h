/*
 * Scanners over one line of text: blanks, hexadecimal, decimal. Each takes the text as [p, end),
 * reads nothing at or beyond end, and returns the position after what it took, or NULL when the
 * text is not of its form. No locale, no allocation, no sign unless said.
 */
#ifndef SOCKQ_SCAN_H
#define SOCKQ_SCAN_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/** A blank or a tab: what separates the groups of a row. */
static inline bool scan_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/** Skip blanks; never fails. */
static inline const char *scan_blanks(const char *p, const char *end)
{
    static const uint64_t eight = 0x2020202020202020u;
    uint64_t word;

    while (end - p >= 8 && (memcpy(&word, p, 8), word == eight))
        p += 8;
    while (p < end && scan_is_blank(*p))
        p++;
    return p;
}

/** True at the end of a group: a blank follows, or the line ends. */
static inline bool scan_group_ends(const char *p, const char *end)
{
    return p == end || scan_is_blank(*p);
}

/** The value of a hexadecimal digit of either case, or 16. */
static inline unsigned scan_hex_digit(char c)
{
    unsigned digit = (unsigned)(unsigned char)c - '0';
    unsigned letter = ((unsigned)(unsigned char)c | 0x20u) - 'a';

    return digit < 10 ? digit : letter < 6 ? letter + 10 : 16;
}

/** One to `most` (at most 16) hexadecimal digits; the value into *value. */
static inline const char *scan_hex(const char *p, const char *end, int most, uint64_t *value)
{
    uint64_t n = 0;
    int digits = 0;

    for (; p < end; p++, digits++) {
        unsigned d = scan_hex_digit(*p);
        if (d > 15)
            break;
        if (digits == most)
            return NULL;
        n = n << 4 | d;
    }
    *value = n;
    return digits ? p : NULL;
}

/** Exactly eight hexadecimal digits; the caller has checked that eight bytes are there. */
static inline bool scan_hex8(const char *p, uint32_t *value)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    /* Eight digits at once: letters have bit 6, their low nibble is 1 to 6; no sum carries. */
    const uint64_t ones = 0x0101010101010101u;
    uint64_t text, letters, nibbles;

    memcpy(&text, p, 8);
    letters = text >> 6 & ones;
    nibbles = text & ones * 0x0f;
    if ((text | letters * 0x20) != (ones + letters) * 0x30 + nibbles ||
        (((nibbles - letters) | (nibbles + ones * 6 + letters * 3)) & ones * 0xf0))
        return false;
    nibbles += letters * 9;
    nibbles = (nibbles << 4 | nibbles >> 8) & 0x00ff00ff00ff00ffu;
    nibbles = (nibbles | nibbles >> 8) & 0x0000ffff0000ffffu;
    *value = __builtin_bswap32((uint32_t)(nibbles | nibbles >> 16));
    return true;
#else
    uint64_t n;

    if (scan_hex(p, p + 8, 8, &n) != p + 8)
        return false;
    *value = (uint32_t)n;
    return true;
#endif
}

/** Exactly four hexadecimal digits; the caller has checked that four bytes are there. */
static inline bool scan_hex4(const char *p, uint16_t *value)
{
    unsigned a = scan_hex_digit(p[0]), b = scan_hex_digit(p[1]);
    unsigned c = scan_hex_digit(p[2]), d = scan_hex_digit(p[3]);

    *value = (uint16_t)(a << 12 | b << 8 | c << 4 | d);
    return (a | b | c | d) < 16;
}

/** Decimal digits up to the largest uint64_t; NULL also where the number is larger. */
static inline const char *scan_u64(const char *p, const char *end, uint64_t *value)
{
    const char *start = p;
    uint64_t n = 0;

    for (; p < end && (unsigned char)(*p - '0') < 10; p++) {
        uint64_t d = (uint64_t)(*p - '0');
        if (p - start >= 19 &&
            (n > UINT64_MAX / 10 || (n == UINT64_MAX / 10 && d > UINT64_MAX % 10)))
            return NULL;
        n = n * 10 + d;
    }
    *value = n;
    return p > start ? p : NULL;
}

/** Decimal digits up to 4294967295. */
static inline const char *scan_u32(const char *p, const char *end, uint32_t *value)
{
    uint64_t n;

    p = scan_u64(p, end, &n);
    if (!p || n > UINT32_MAX)
        return NULL;
    *value = (uint32_t)n;
    return p;
}

/** Decimal digits, a minus before them allowed, within int32_t. */
static inline const char *scan_i32(const char *p, const char *end, int32_t *value)
{
    bool minus = p < end && *p == '-';
    uint64_t n;

    p = scan_u64(p + minus, end, &n);
    if (!p || n > (uint64_t)INT32_MAX + minus)
        return NULL;
    *value = (int32_t)(minus ? -(int64_t)n : (int64_t)n);
    return p;
}

/**
 * Decimal digits that the kernel printed signed in old releases and unsigned in new ones, such as
 * drops: -1 and 4294967295 are the same 32 bits.
 */
static inline const char *scan_either32(const char *p, const char *end, uint32_t *value)
{
    int32_t n;

    if (p == end || *p != '-')
        return scan_u32(p, end, value);
    p = scan_i32(p, end, &n);
    if (p)
        *value = (uint32_t)n;
    return p;
}

/** An opaque group, such as a kernel pointer: one or more bytes above the blank. */
static inline const char *scan_group(const char *p, const char *end)
{
    const uint64_t ones = 0x0101010101010101u;
    const char *start = p;
    uint64_t word;

    /* No byte of the eight is below 0x21: none borrows into its highest bit. */
    while (end - p >= 8 && (memcpy(&word, p, 8), ((word - ones * 0x21) & ~word & ones * 0x80) == 0))
        p += 8;
    while (p < end && (unsigned char)*p > ' ')
        p++;
    return p > start ? p : NULL;
}

/*
 * Wide scanners, for text whose shape is known: they take 8 or 16 bytes at a time, without a
 * branch, and gather in `bad` what is wrong, so that a row is judged once, at its end.
 */
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define SCAN_WIDE 1
#define SCAN_INLINE static inline __attribute__((always_inline))

typedef uint8_t scan_bytes __attribute__((vector_size(16)));
typedef uint16_t scan_pairs __attribute__((vector_size(16)));
typedef uint32_t scan_quads __attribute__((vector_size(16)));
typedef uint64_t scan_words __attribute__((vector_size(16)));

/** What was wrong so far. */
struct scan_bad {
    scan_bytes bytes;
    uint64_t bits;
};

/** True if anything was wrong. */
SCAN_INLINE bool scan_is_bad(const struct scan_bad *bad)
{
    const scan_words words = (scan_words)bad->bytes;

    return (words[0] | words[1] | bad->bits) != 0;
}

SCAN_INLINE uint64_t scan_load8(const char *p)
{
    uint64_t word;

    memcpy(&word, p, 8);
    return word;
}

SCAN_INLINE uint32_t scan_load4(const char *p)
{
    uint32_t word;

    memcpy(&word, p, 4);
    return word;
}

SCAN_INLINE uint16_t scan_load2(const char *p)
{
    uint16_t word;

    memcpy(&word, p, 2);
    return word;
}

/** Two hexadecimal numbers, each eight digits of text, letters in upper case: a << 32 | b. */
SCAN_INLINE uint64_t scan_hex_two(uint64_t a, uint64_t b, struct scan_bad *bad)
{
    typedef int8_t signs __attribute__((vector_size(16)));
    typedef uint8_t half __attribute__((vector_size(8)));

    const scan_bytes text = (scan_bytes)(scan_words){a, b};
    const scan_bytes letter = (scan_bytes)((signs)text > '@');
    const scan_bytes digits = text - '0' - (letter & 7);
    const scan_pairs two = ((scan_pairs)digits << 4 | (scan_pairs)digits >> 8) & 0xff;
    const half packed = __builtin_convertvector(two, half);
    uint64_t value;

    bad->bytes |= (scan_bytes)(digits > (letter & 6) + 9);
    memcpy(&value, &packed, 8);
    return __builtin_bswap64(value);
}

/**
 * The decimal number whose 1 to 8 digits end before p; any other count is bad. Eight bytes
 * before p are read, whatever the count.
 */
SCAN_INLINE uint32_t scan_decimal_before(const char *p, unsigned digits, struct scan_bad *bad)
{
    const uint64_t ones = 0x0101010101010101u;
    uint64_t n = (scan_load8(p - 8) ^ ones * '0') & UINT64_MAX << ((64 - 8 * digits) & 63);

    bad->bits |= (((n + ones * 0x76) | n) & ones * 0x80) | ((digits - 1) & ~7u);
    /* Neighbours are joined: 8 digits, 4 pairs, 2 fours. */
    n = n * 10 + (n >> 8);
    return (uint32_t)(((n & 0x000000ff000000ffu) * 0x000f424000000064u +
                       (n >> 16 & 0x000000ff000000ffu) * 0x0000271000000001u) >>
                      32);
}

/** A short number for scan_decimal_four: its 1 to 4 digits end before p, any other count is
 * bad. */
SCAN_INLINE uint32_t scan_short_before(const char *p, unsigned digits, struct scan_bad *bad)
{
    bad->bits |= (digits - 1) & ~3u;
    return (scan_load4(p - 4) ^ 0x30303030u) & UINT32_MAX << ((32 - 8 * digits) & 31);
}

/** Four decimal numbers at once. */
SCAN_INLINE scan_quads scan_decimal_four(scan_quads text, struct scan_bad *bad)
{
    /* Neighbours are joined: 10 a + b is (a + 256 b)(256 * 10 + 1) / 256, modulo 2^16. */
    const scan_pairs two = (scan_pairs)text * 2561 >> 8;
    const scan_pairs scaled = two * (scan_pairs){100, 1, 100, 1, 100, 1, 100, 1};

    bad->bytes |= (scan_bytes)((scan_bytes)text > 9);
    return ((scan_quads)scaled & 0xffff) + ((scan_quads)scaled >> 16);
}

/** Which of 16 bytes are blanks (0x20 alone): bit i for byte i. */
SCAN_INLINE uint64_t scan_blank_bits(const char *p)
{
#ifdef __SSE2__
    const __m128i text = _mm_loadu_si128((const __m128i *)(const void *)p);

    return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(text, _mm_set1_epi8(' ')));
#else
    uint64_t bits = 0;

    for (unsigned i = 0; i < 16; i++)
        bits |= (uint64_t)(p[i] == ' ') << i;
    return bits;
#endif
}

/** The same for the first 64 bytes of [p, end); what is beyond end counts as blank. */
SCAN_INLINE uint64_t scan_blank_mask(const char *p, const char *end)
{
    const size_t size = (size_t)(end - p);
    uint64_t mask = UINT64_MAX << (size & 63);
    size_t at = 0;

    if (size >= 64)
        return scan_blank_bits(p) | scan_blank_bits(p + 16) << 16 | scan_blank_bits(p + 32) << 32 |
               scan_blank_bits(p + 48) << 48;
    for (; at + 16 <= size; at += 16)
        mask |= scan_blank_bits(p + at) << at;
    for (; at < size; at++)
        mask |= (uint64_t)(p[at] == ' ') << at;
    return mask;
}
#else
#define SCAN_WIDE 0
#endif

#endif

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
    const char *start = p;

    while (p < end && (unsigned char)*p > ' ')
        p++;
    return p > start ? p : NULL;
}

#endif

#include "figures.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Bytes of what printf may write in full: DBL_MAX has 309 digits. */
enum { LONGEST = 320 };

static uint32_t put_decimal(char *to, uint64_t number)
{
    char text[20], *begin = text + sizeof(text);

    do {
        *--begin = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    const uint32_t length = (uint32_t)(text + sizeof(text) - begin);
    memcpy(to, begin, length);
    return length;
}

static uint32_t put_integer(char *to, int64_t number)
{
    if (number >= 0)
        return put_decimal(to, (uint64_t)number);
    *to = '-';
    return 1 + put_decimal(to + 1, 0 - (uint64_t)number);
}

static uint32_t put_port(char *to, uint32_t number)
{
    if (number)
        return put_decimal(to, number);
    *to = '*';
    return 1;
}

static uint32_t put_hex(char *to, uint64_t number, uint32_t least)
{
    char text[16];
    uint32_t length = 0;

    if (least > sizeof(text))
        least = sizeof(text);
    do {
        text[sizeof(text) - ++length] = "0123456789abcdef"[number & 15];
        number >>= 4;
    } while (number || length < least);
    memcpy(to, text + sizeof(text) - length, length);
    return length;
}

static uint32_t put_printed(char *to, const char *format, double number)
{
    char text[LONGEST];
    /* The formats are those of this file. */
    const int length = snprintf(text, sizeof(text), format, number);

    if (length < 0 || (size_t)length >= sizeof(text))
        return 0;
    memcpy(to, text, (size_t)length);
    return (uint32_t)length;
}

/* Whole and fractional part: `digits` decimals, of which zeros at the end are left out. */
static uint32_t put_fraction(char *to, uint32_t whole, uint32_t part, uint32_t digits)
{
    uint32_t length = put_decimal(to, whole);

    if (part == 0)
        return length;
    to[length++] = '.';
    for (uint32_t i = digits; i-- > 0; part /= 10)
        to[length + i] = (char)('0' + part % 10);
    length += digits;
    while (to[length - 1] == '0')
        length--;
    return length;
}

static uint32_t put_general(char *to, double number)
{
    return put_printed(to, "%g", number);
}

static uint32_t put_thousandth(char *to, uint64_t number)
{
    /* Six significant digits hold all of it. */
    if (number >= 1000000)
        return put_general(to, (double)number / 1000);
    return put_fraction(to, (uint32_t)number / 1000, (uint32_t)number % 1000, 3);
}

static uint32_t put_256th(char *to, uint32_t number)
{
    const uint32_t whole = number / 256, left = number % 256 * 100000;

    /* Six significant digits are five behind the point, and a half goes to the even side; what
       rounding carries over does not come up: 255 / 256 is 0.99609. */
    if (whole < 1 || whole > 9)
        return put_general(to, (double)number / 256);
    const uint32_t part = left / 256, rest = left % 256;
    return put_fraction(to, whole, part + (rest > 128 || (rest == 128 && part & 1)), 5);
}

/* Three significant digits of a number from 1 on. */
static uint32_t put_three(char *to, double number)
{
    const uint32_t digits = number < 10 ? 2 : number < 100 ? 1 : 0;
    const uint32_t scale = digits == 2 ? 100 : digits == 1 ? 10 : 1;
    const double scaled = number * scale;
    const double rest = scaled - (double)(uint32_t)scaled;

    /* Where a hair decides, and where rounding gives a digit more, printf does. */
    if (number >= 999 || scaled >= 999 || (rest > 0.499999 && rest < 0.500001))
        return put_printed(to, "%.3g", number);
    const uint32_t whole = (uint32_t)scaled + (rest > 0.5);
    return put_fraction(to, whole / scale, whole % scale, digits);
}

/* As printf's "%.0f": a half goes to the even side. */
static uint32_t put_whole(char *to, double number)
{
    /* Beyond 2^53 a double is whole, and may be more than 64 bits are. */
    if (!(number < 9007199254740992))
        return put_printed(to, "%.0f", number);
    const uint64_t whole = (uint64_t)number;
    const double rest = number - (double)whole;
    return put_decimal(to, whole + (rest > 0.5 || (rest == 0.5 && whole & 1)));
}

static uint32_t put_rate(char *to, double number, int in_full)
{
    static const struct {
        double least;
        char unit;
    } units[] = {{1e12, 'T'}, {1e9, 'G'}, {1e6, 'M'}, {1e3, 'k'}};

    if (in_full)
        return put_whole(to, number);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (number >= units[i].least) {
            const double scaled = number / units[i].least;
            const uint32_t length =
                scaled < 1000 ? put_three(to, scaled) : put_printed(to, "%.3g", scaled);
            to[length] = units[i].unit;
            return length + 1;
        }
    return put_general(to, number);
}

static uint32_t length_of(const char *text, uint32_t most)
{
    const char *end = memchr(text, '\0', most);

    return end ? (uint32_t)(end - text) : most;
}

static uint32_t word_at(const uint8_t *at)
{
    uint32_t word;

    memcpy(&word, at, sizeof(word));
    return word;
}

static uint64_t long_at(const uint8_t *at)
{
    uint64_t number;

    memcpy(&number, at, sizeof(number));
    return number;
}

static double double_at(const uint8_t *at)
{
    double number;

    memcpy(&number, at, sizeof(number));
    return number;
}

/* What decides whether a figure is left out. */
static uint64_t value_of(const uint8_t *from, const struct sockq_figure *figure)
{
    const uint8_t *at = from + figure->offset;

    switch (figure->kind) {
    case SOCKQ_FIGURE_U8:
    case SOCKQ_FIGURE_LEAD:
    case SOCKQ_FIGURE_NIBBLES:
        return *at;
    case SOCKQ_FIGURE_U64:
    case SOCKQ_FIGURE_HEX64:
    case SOCKQ_FIGURE_BYTE_RATE:
    case SOCKQ_FIGURE_DURATION:
        return long_at(at);
    case SOCKQ_FIGURE_SHARE:
        return long_at(from + figure->of) ? long_at(at) : 0;
    case SOCKQ_FIGURE_BIT_RATE:
        return double_at(at) > 0;
    case SOCKQ_FIGURE_PAIR:
        return (uint64_t)word_at(from + figure->of) << 32 | word_at(at);
    default:
        return word_at(at);
    }
}

static uint32_t put_unit(char *to, const char *unit, uint32_t length)
{
    memcpy(to, unit, length);
    return length;
}

static uint32_t put_pair(char *to, uint64_t first, char between, uint64_t second)
{
    const uint32_t length = put_decimal(to, first);

    to[length] = between;
    return length + 1 + put_decimal(to + length + 1, second);
}

static uint32_t put_bits(char *to, double rate, int in_full)
{
    const uint32_t length = put_rate(to, rate, in_full);

    return length + put_unit(to + length, "bps", 3);
}

static uint32_t put_duration(char *to, uint64_t number)
{
    const uint32_t length = put_decimal(to, number / 1000);

    return length + put_unit(to + length, "ms", 2);
}

static uint32_t put_share(char *to, uint64_t part, uint64_t whole)
{
    const uint32_t length = put_duration(to, part);

    return length + put_printed(to + length, "(%.1f%%)", 100 * (double)part / (double)whole);
}

static uint32_t put_value(char *to, uint64_t number, const uint8_t *from,
                          const struct sockq_figure *figure, int in_full)
{
    switch (figure->kind) {
    case SOCKQ_FIGURE_I32:
        return put_integer(to, (int32_t)(uint32_t)number);
    case SOCKQ_FIGURE_MS:
        return put_thousandth(to, number);
    case SOCKQ_FIGURE_256TH:
        return put_256th(to, (uint32_t)number);
    case SOCKQ_FIGURE_HEX32:
    case SOCKQ_FIGURE_HEX64:
        return put_hex(to, number, 1);
    case SOCKQ_FIGURE_LEAD:
        return 0;
    case SOCKQ_FIGURE_NIBBLES:
        return put_pair(to, number & 15, ',', number >> 4);
    case SOCKQ_FIGURE_PAIR:
        return put_pair(to, (uint32_t)number, '/', number >> 32);
    case SOCKQ_FIGURE_BYTE_RATE:
        return put_bits(to, (double)number * 8, in_full);
    case SOCKQ_FIGURE_BIT_RATE:
        return put_bits(to, double_at(from + figure->offset), in_full);
    case SOCKQ_FIGURE_DURATION:
        return put_duration(to, number);
    case SOCKQ_FIGURE_SHARE:
        return put_share(to, number, long_at(from + figure->of));
    default:
        return put_decimal(to, number);
    }
}

static uint32_t put_list(char *to, const uint8_t *from, const struct sockq_figure *list,
                         uint32_t count, int in_full)
{
    char *const start = to;
    bool shown = true;

    for (const struct sockq_figure *figure = list; figure < list + count; figure++) {
        const uint64_t number = value_of(from, figure);
        shown = (shown || !figure->joined) &&
                (number == 0 ? figure->zero : number != figure->other) && number <= figure->most &&
                (!figure->mask || from[figure->when] & figure->mask);
        if (!shown)
            continue;
        memcpy(to, figure->lead, figure->lead_length);
        to += figure->lead_length;
        to += put_value(to, number, from, figure, in_full);
    }
    return (uint32_t)(to - start);
}

const struct sockq_figures sockq_figures = {.decimal = put_decimal,
                                            .integer = put_integer,
                                            .port = put_port,
                                            .hex = put_hex,
                                            .thousandth = put_thousandth,
                                            .general = put_general,
                                            .rate = put_rate,
                                            .length = length_of,
                                            .list = put_list};

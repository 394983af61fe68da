#include "buffer.h"

#include <stdbool.h>
#include <string.h>

#include "character.h"

/* All integers up to here are doubles. */
static const double EXACT = 9007199254740992.0;
/* Digits of a number below EXACT, its sign and its decimals. */
enum { LONGEST = 24 };

static bool has_room(const struct sockq_buffer *buffer, size_t length)
{
    return length <= buffer->size - buffer->used;
}

static char *at_end(struct sockq_buffer *buffer)
{
    return buffer->bytes + buffer->used;
}

static void append(struct sockq_buffer *buffer, const char *text, size_t length)
{
    memcpy(at_end(buffer), text, length);
    buffer->used += (uint32_t)length;
}

static void append_blanks(struct sockq_buffer *buffer, uint32_t count)
{
    memset(at_end(buffer), ' ', count);
    buffer->used += count;
}

static int put_raw(struct sockq_buffer *buffer, const char *text, uint32_t length)
{
    if (!has_room(buffer, length))
        return 0;
    append(buffer, text, length);
    return 1;
}

static int is_plain(const uint8_t *special, const char *text, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++)
        if (special[(uint8_t)text[i]])
            return 0;
    return 1;
}

static int put_text(struct sockq_buffer *buffer, const char *lead, uint32_t lead_length,
                    const char *text, uint32_t length, char close)
{
    if (!has_room(buffer, (size_t)lead_length + length + 1) ||
        !is_plain(buffer->special, text, length))
        return 0;
    append(buffer, lead, lead_length);
    append(buffer, text, length);
    if (close)
        append(buffer, &close, 1);
    return 1;
}

/* The digits of a number that end before `end`; returns where they begin. */
static char *digits(char *end, uint64_t number)
{
    do {
        *--end = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    return end;
}

static int put_number(struct sockq_buffer *buffer, const char *lead, uint32_t lead_length,
                      double number)
{
    char text[LONGEST], *end = text + sizeof(text), *begin = end;
    double size = number < 0 ? -number : number;

    /* Not so for what is no number either. */
    if (!(size <= EXACT) || !has_room(buffer, (size_t)lead_length + sizeof(text)))
        return 0;
    uint64_t whole = (uint64_t)size;
    if ((double)whole != size) {
        /* A quotient is rounded as the decimal number is when it is read: equal means the same. */
        uint64_t hundredths = (uint64_t)(size * 100 + 0.5);
        if (size > EXACT / 128 || (double)hundredths / 100 != size)
            return 0;
        whole = hundredths / 100;
        uint64_t rest = hundredths % 100;
        if (rest % 10)
            *--begin = (char)('0' + rest % 10);
        *--begin = (char)('0' + rest / 10);
        *--begin = '.';
    }
    begin = digits(begin, whole);
    if (number < 0)
        *--begin = '-';
    append(buffer, lead, lead_length);
    append(buffer, begin, (size_t)(end - begin));
    return 1;
}

static int put_padded(struct sockq_buffer *buffer, uint32_t before, const char *text,
                      uint32_t length, uint32_t after)
{
    if (!has_room(buffer, (size_t)before + length + after))
        return 0;
    append_blanks(buffer, before);
    append(buffer, text, length);
    append_blanks(buffer, after);
    return 1;
}

const struct sockq_buffer_calls sockq_buffer_calls = {.raw = put_raw,
                                                      .text = put_text,
                                                      .number = put_number,
                                                      .padded = put_padded,
                                                      .plain = is_plain,
                                                      .character = sockq_character};

#include "character.h"

#include <stdbool.h>
#include <stddef.h>

struct range {
    uint32_t first;
    uint32_t last;
};

static const struct range hidden[] = {
    {0x00ad, 0x00ad},   /* soft hyphen */
    {0x034f, 0x034f},   /* combining grapheme joiner */
    {0x061c, 0x061c},   /* Arabic letter mark */
    {0x115f, 0x1160},   /* Hangul fillers */
    {0x17b4, 0x17b5},   /* Khmer inherent vowels */
    {0x180b, 0x180f},   /* Mongolian variation selectors */
    {0x200b, 0x200f},   /* no width, joiners, marks of direction */
    {0x2028, 0x202e},   /* separators, embeddings and overrides */
    {0x2060, 0x206f},   /* word joiner, invisible operators, isolates */
    {0x3164, 0x3164},   /* Hangul filler */
    {0xfe00, 0xfe0f},   /* variation selectors */
    {0xfeff, 0xfeff},   /* byte order mark */
    {0xffa0, 0xffa0},   /* halfwidth Hangul filler */
    {0xfff0, 0xfffb},   /* unassigned, interlinear annotations */
    {0x1bca0, 0x1bca3}, /* shorthand format controls */
    {0x1d173, 0x1d17a}, /* musical format controls */
    {0xe0000, 0xe0fff}, /* tags, more variation selectors */
};

static bool is_shown(uint32_t code)
{
    if (code < 0xa0)
        return code >= 0x20 && code < 0x7f;
    for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]) && code >= hidden[i].first; i++)
        if (code <= hidden[i].last)
            return false;
    return true;
}

int sockq_character(const char *text, uint32_t length)
{
    static const uint32_t lowest[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *p = (const unsigned char *)text;
    const int size = p[0] < 0x80    ? 1
                     : p[0] < 0xc2  ? 0
                     : p[0] < 0xe0  ? 2
                     : p[0] < 0xf0  ? 3
                     : p[0] <= 0xf4 ? 4
                                    : 0;
    uint32_t code = p[0];

    if (size == 0 || (uint32_t)size > length)
        return 0;
    if (size > 1)
        code &= 0x7fu >> size;
    for (int i = 1; i < size; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (p[i] & 0x3f);
    }
    if (code < lowest[size] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return 0;
    return is_shown(code) ? size : -size;
}

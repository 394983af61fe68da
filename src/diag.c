#include "diag.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The bytes that may go to a terminal together: a character of UTF-8, or one byte. */
static int character_length(const unsigned char *p)
{
    int length = p[0] == 0xc2 && p[1] >= 0xa0   ? 2
                 : p[0] >= 0xc3 && p[0] <= 0xdf ? 2
                 : p[0] >= 0xe1 && p[0] <= 0xef ? 3
                 : p[0] >= 0xf1 && p[0] <= 0xf3 ? 4
                                                : 1;

    for (int i = 1; i < length; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 1;
    return length;
}

/* Control bytes, and what is surely no UTF-8, as \xNN: a message is one line of text. */
static char *escaped(const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    char *copy = malloc(4 * strlen(text) + 1), *to = copy;

    while (copy && *p) {
        int length = character_length(p);
        if (length == 1 && (*p < ' ' || *p > '~'))
            to += snprintf(to, 5, "\\x%02x", *p);
        else
            to = (char *)memcpy(to, p, (size_t)length) + length;
        p += length;
    }
    if (copy)
        *to = '\0';
    return copy;
}

void sockq_complain(const char *where, const char *what)
{
    char *place = escaped(where), *text = escaped(what);

    /* In one write: both processes may have something to say. */
    fprintf(stderr, "sockq: %s: %s\n", place ? place : "", text ? text : "");
    free(place);
    free(text);
}

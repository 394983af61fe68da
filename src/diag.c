#include "diag.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "character.h"

/* A message is one line of text that commands no terminal: what may not be shown as \xNN. */
static char *escaped(const char *text)
{
    size_t length = strlen(text);
    char *copy = malloc(4 * length + 1), *to = copy;

    while (copy && length > 0) {
        int shown = sockq_character(text, (uint32_t)length);
        size_t size = shown > 0 ? (size_t)shown : 1;
        if (shown > 0)
            to = (char *)memcpy(to, text, size) + size;
        else
            to += snprintf(to, 5, "\\x%02x", (unsigned char)*text);
        text += size;
        length -= size;
    }
    if (copy)
        *to = '\0';
    return copy;
}

void sockq_complain(const char *where, const char *what)
{
    char *place = where ? escaped(where) : NULL, *text = escaped(what);

    /* In one write: both processes may have something to say. */
    fprintf(stderr, "sockq: %s%s%s\n", place ? place : "", where ? ": " : "", text ? text : "");
    free(place);
    free(text);
}

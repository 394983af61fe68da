#define _GNU_SOURCE
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sandbox.h"

/* What the terminal can show, and what time it is there. */
static const char *const kept[] = {"TERM", "NO_COLOR", "LANG", "LC_ALL", "LC_CTYPE", "TZ", NULL};

static bool is_kept(const char *variable)
{
    const size_t length = strcspn(variable, "=");

    for (int i = 0; kept[i]; i++)
        if (strlen(kept[i]) == length && strncmp(kept[i], variable, length) == 0)
            return true;
    return false;
}

void sockq_environment_blank(void)
{
    /* With a value the C library does not look again whether the file of the time zone changed. */
    (void)setenv("TZ", ":/etc/localtime", 0);
    tzset();
    char **to = environ;
    for (char **from = environ; *from; from++) {
        if (is_kept(*from))
            *to++ = *from;
        else
            explicit_bzero(*from, strlen(*from));
    }
    *to = NULL;
}

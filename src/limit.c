#define _GNU_SOURCE
#include "limit.h"

#include <stdio.h>
#include <sys/resource.h>

#include "diag.h"
#include "sandbox/sandbox.h"

static const rlim_t STACK = 8 << 20;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool sockq_limit_seconds(const char *text, double *seconds)
{
    double value = 0, step = 1;
    const char *p = text;

    if (!is_digit(*p))
        return false;
    for (; is_digit(*p); p++)
        value = value * 10 + (*p - '0');
    if (*p == '.') {
        if (!is_digit(*++p))
            return false;
        for (; is_digit(*p); p++)
            value += (*p - '0') * (step /= 10);
    }
    *seconds = value;
    return *p == '\0' && value >= 0.001 && value <= 1e6;
}

bool sockq_limit_bytes(const char *text, uint64_t *bytes)
{
    const uint64_t most = (uint64_t)1 << 62, least = (uint64_t)1 << 20;
    uint64_t value = 0, unit = 1;
    const char *p = text;

    if (!is_digit(*p))
        return false;
    for (; is_digit(*p); p++) {
        if (value > most / 10)
            return false;
        value = value * 10 + (uint64_t)(*p - '0');
    }
    switch (*p) {
    case 'K':
        unit = (uint64_t)1 << 10;
        break;
    case 'M':
        unit = (uint64_t)1 << 20;
        break;
    case 'G':
        unit = (uint64_t)1 << 30;
        break;
    default:
        break;
    }
    if (unit > 1)
        p++;
    if (*p != '\0' || value > most / unit)
        return false;
    *bytes = value * unit;
    return *bytes >= least;
}

int sockq_limits_stack(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_STACK, &limit) < 0)
        return -1;
    if (limit.rlim_cur <= 8 * STACK)
        return 0;
    limit.rlim_cur = STACK;
    return setrlimit(RLIMIT_STACK, &limit);
}

static int refuse(const char *option, const char *argument, const char *what)
{
    char where[96];

    snprintf(where, sizeof(where), "--%s %s", option, argument);
    sockq_complain(where, what);
    return -1;
}

/* An argument of no bytes is told by cli.lua, as of every option. */
int sockq_limits_find(struct sockq_limits *limits, const struct sockq_options *options,
                      bool sandboxed)
{
    const char *timeout = sockq_options_argument(options, "timeout");
    const char *memory = sockq_options_argument(options, "max-memory");

    *limits = (struct sockq_limits){.memory = sandboxed ? SOCKQ_SANDBOX_MEMORY : 0};
    if (timeout && *timeout && !sockq_limit_seconds(timeout, &limits->timeout))
        return refuse("timeout", timeout, "not a time; give seconds from 0.001, such as 2 or 0.5");
    if (memory && *memory && !sockq_limit_bytes(memory, &limits->memory))
        return refuse("max-memory", memory, "not a size; give one from 1M, such as 512M or 2G");
    return 0;
}

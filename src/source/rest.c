#include "rest.h"

#include "../scan.h"

/* Scanners run alone in tests, without a question. */
static uint32_t asked(const struct table_reader *reader)
{
    return reader->job ? reader->job->question->flags : 0;
}

/* Columns of a tcp line: the pointer, and the last one that a row has. */
enum { TCP_POINTER = 12, TCP_LAST = 17 };

/* The same of netlink. */
enum { NETLINK_POINTER = 1, NETLINK_DUMP = 7 };

/* The first byte of column N from 1, or the end of the line. */
static const char *column(const char *p, const char *end, int number)
{
    p = scan_blanks(p, end);
    for (int i = 1; i < number && p < end; i++) {
        while (p < end && !scan_is_blank(*p))
            p++;
        p = scan_blanks(p, end);
    }
    return p;
}

/* A pointer, of as many digits as are there; what is none is 0. @return whether it is a number */
static bool take_pointer(const char *p, const char *end, uint64_t *value)
{
    *value = 0;
    p = scan_hex(p, end, 16, value);
    return p && scan_group_ends(p, end);
}

static struct sockq_line *make(struct table_reader *reader, uint32_t *at)
{
    uint64_t offset;
    struct sockq_line *line = sockq_writer_alloc(reader->w, sizeof(*line), &offset);

    if (line)
        *at = (uint32_t)(offset / 8);
    return line;
}

void rest_tcp(struct table_reader *reader, struct sockq_row *row, const char *line, const char *end)
{
    if (!(asked(reader) & SOCKQ_WITH_LINES))
        return;
    struct sockq_line kept = {.pointer = 0};
    kept.has_pointer = take_pointer(column(line, end, TCP_POINTER), end, &kept.pointer);
    const char *rest = column(line, end, TCP_LAST + 1);
    if (rest < end) {
        kept.rest_len = (uint32_t)(end - rest);
        kept.rest = sockq_writer_bytes(reader->w, rest, kept.rest_len);
    }
    struct sockq_line *to = make(reader, &row->tcp.line);
    if (to)
        *to = kept;
}

void rest_netlink(struct table_reader *reader, struct sockq_row *row, const char *line,
                  const char *end)
{
    const uint32_t flags = asked(reader);
    struct sockq_line kept = {.pointer = 0};

    if (!(flags & (SOCKQ_WITH_LINES | SOCKQ_WITH_PORT_NAMES)))
        return;
    if (line && flags & SOCKQ_WITH_LINES) {
        kept.has_pointer = take_pointer(column(line, end, NETLINK_POINTER), end, &kept.pointer);
        (void)take_pointer(column(line, end, NETLINK_DUMP), end, &kept.callback);
    }
    if (flags & SOCKQ_WITH_PORT_NAMES && row->nl.port_id > 0 && row->nl.port_id <= INT32_MAX)
        kept.process = owner_process_named(reader->proc, row->nl.port_id, reader->w);
    struct sockq_line *to = make(reader, &row->nl.line);
    if (to)
        *to = kept;
}

/*
 * Rows of /proc/net/unix (net/unix/af_unix.c, unix_seq_show), the only table in which other
 * users choose bytes: a name may hold blanks, line feeds and text in the form of a row.
 */
#include <errno.h>
#include <stdlib.h>

#include "../scan.h"
#include "source.h"

/* A kernel name has at most 108 bytes; of a longer, damaged one this much is kept. */
enum { KERNEL_NAME = 108, NAME_ROOM = 4096 };

struct unix_name {
    struct sockq_row row;
    size_t length;
    bool held;
    bool named;
    char bytes[NAME_ROOM];
};

/* Exactly `digits` upper-case hexadecimal digits with a blank before them. */
static const char *scan_exact(const char *p, const char *end, int digits, uint32_t *value)
{
    uint64_t n;

    if (end - p < digits + 1 || *p != ' ')
        return NULL;
    p++;
    for (int i = 0; i < digits; i++)
        if (p[i] >= 'a' && p[i] <= 'f')
            return NULL;
    if (scan_hex(p, p + digits, digits, &n) != p + digits)
        return NULL;
    *value = (uint32_t)n;
    return p + digits;
}

/*
 * The strict form of a row: looser reading would let a name carry more forged rows.
 * "POINTER: 8 8 8 4 2 INODE[ NAME]", the inode right-aligned in five columns.
 */
static const char *scan_strict(const char *p, const char *end, struct sockq_row *row)
{
    uint32_t refs, type, state;
    const char *start;

    p = scan_blanks(p, end);
    start = p;
    while (p < end && (unsigned char)*p > ' ' && *p != ':')
        p++;
    if (p == start || p == end || *p != ':')
        return NULL;
    if (!(p = scan_exact(p + 1, end, 8, &refs)) ||
        !(p = scan_exact(p, end, 8, &row->un.protocol)) ||
        !(p = scan_exact(p, end, 8, &row->un.flags)) || !(p = scan_exact(p, end, 4, &type)) ||
        !(p = scan_exact(p, end, 2, &state)))
        return NULL;
    start = p;
    if (p == end || *p != ' ')
        return NULL;
    while (p < end && *p == ' ')
        p++;
    p = scan_u64(p, end, &row->inode);
    if (!p || p - start < 6 || (p < end && *p != ' '))
        return NULL;
    row->refs = (int32_t)refs;
    row->un.type = (uint16_t)type;
    row->state = (uint8_t)state;
    return p;
}

void flush_unix(struct table_reader *reader)
{
    struct unix_name *held = reader->held;

    if (!held || !held->held)
        return;
    held->held = false;
    struct sockq_row *row = sockq_writer_row(reader->w);
    if (!row)
        return;
    const uint64_t arena = reader->w->arena;
    *row = held->row;
    if (held->named) {
        row->un.path_len = (uint32_t)held->length;
        row->un.path = sockq_writer_bytes(reader->w, held->bytes, held->length);
        if (held->length > KERNEL_NAME)
            row->flags |= SOCKQ_ROW_LONG_NAME;
    }
    table_push(reader, row);
    /* Of a row that is not kept, the name is not either. */
    if (reader->w->lent)
        reader->w->arena = arena;
}

static void append(struct unix_name *held, const char *bytes, size_t length)
{
    if (length > NAME_ROOM - held->length)
        length = NAME_ROOM - held->length;
    memcpy(held->bytes + held->length, bytes, length);
    /* Kernels before 4.9 print the NULs of an abstract name; later ones print '@'. */
    for (size_t i = held->length; i < held->length + length; i++)
        if (held->bytes[i] == '\0')
            held->bytes[i] = '@';
    held->length += length;
}

enum sockq_reason scan_unix(struct table_reader *reader, const char *line, const char *end)
{
    struct sockq_row row = {.table = SOCKQ_UNIX, .family = SOCKQ_AF_UNIX};

    if (!reader->held) {
        reader->held = calloc(1, sizeof(*reader->held));
        if (!reader->held) {
            reader->w->error = ENOMEM;
            return SOCKQ_OK;
        }
    }
    struct unix_name *held = reader->held;
    const char *p = scan_strict(line, end, &row);
    if (!p) {
        if (!held->held || !held->named || held->length > KERNEL_NAME)
            return SOCKQ_BAD_CONTINUATION;
        append(held, "\n", 1);
        append(held, line, (size_t)(end - line));
        held->row.flags |= SOCKQ_ROW_JOINED;
        if (!reader->is_later)
            reader->w->set->tables[SOCKQ_UNIX].continued++;
        return SOCKQ_OK;
    }
    flush_unix(reader);
    row.line = reader->line;
    row.flags = reader->row_flags;
    row.known = SOCKQ_HAS_STATE | SOCKQ_HAS_REFS | (row.inode ? SOCKQ_HAS_INODE : 0);
    held->row = row;
    held->length = 0;
    held->held = true;
    held->named = p < end;
    if (held->named)
        append(held, p + 1, (size_t)(end - p - 1));
    return SOCKQ_OK;
}

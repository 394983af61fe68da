/*
 * Rows of /proc/net/unix (net/unix/af_unix.c, unix_seq_show), the only table in which other
 * users choose bytes: a name may hold blanks, line feeds and text in the form of a row.
 */
#include <errno.h>
#include <stdlib.h>

#include "../scan.h"
#include "source.h"
#include "unix_rows.h"

/* Of a name longer than any, a damaged one, this much is kept. */
enum { NAME_ROOM = 4096 };

/* Rows that are pushed between two looks at what the reader wants. */
enum { PUSHED_AT_ONCE = 4096 };

/* The row that may go on, and those before it. */
struct unix_text {
    struct unix_row row;
    bool held;
    char bytes[NAME_ROOM];
    struct unix_rows rows;
    uint64_t counted; /* of its memory, against the limit of the file */
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
const char *unix_scan_row(const char *p, const char *end, struct sockq_row *row)
{
    uint32_t refs, type, state;
    const char *start;

    p = scan_blanks(p, end);
    start = p;
    while (p < end && (unsigned char)*p > ' ' && *p != ':')
        p++;
    if (p == start || p == end || *p != ':')
        return NULL;
    uint64_t pointer = 0;
    if (scan_hex(start, p, 16, &pointer) && (uint32_t)pointer)
        row->flags |= SOCKQ_ROW_POINTER;
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

static void keep(struct table_reader *reader, struct unix_text *text)
{
    if (!text->held)
        return;
    text->held = false;
    if (text->row.named && text->row.name_length > UNIX_NAME)
        text->row.row.flags |= SOCKQ_ROW_LONG_NAME;
    if (unix_rows_add(&text->rows, &text->row, text->bytes) < 0 ||
        sockq_file_count(reader->w->file, &text->counted, unix_rows_memory(&text->rows)) < 0)
        reader->w->error = errno;
}

static void push(struct table_reader *reader, const struct unix_rows *rows,
                 const struct unix_row *held)
{
    struct sockq_row *row = sockq_writer_row(reader->w);

    if (!row)
        return;
    const uint64_t arena = reader->w->arena;
    *row = held->row;
    if (held->fate == UNIX_SUSPECT)
        row->flags |= SOCKQ_ROW_SUSPECT;
    if (held->fate == UNIX_UNSURE)
        row->flags |= SOCKQ_ROW_UNSURE;
    if (held->named) {
        row->un.path_len = held->name_length;
        row->un.path = sockq_writer_bytes(reader->w, rows->names + held->name, held->name_length);
    }
    reader->doubted = held->doubted;
    table_push(reader, row);
    /* Of a row that is not kept, the name is not either. */
    if (reader->w->lent)
        sockq_writer_rewind(reader->w, arena);
    for (uint32_t i = 1; i <= held->loose && !reader->is_later; i++)
        sockq_writer_problem(reader->w, SOCKQ_UNIX, held->row.line + i, SOCKQ_BAD_CONTINUATION, 0,
                             true);
}

static void add_count(uint16_t *count, uint32_t more)
{
    *count = more > (uint32_t)(UINT16_MAX - *count) ? UINT16_MAX : (uint16_t)(*count + more);
}

static void join(struct table_reader *reader, struct unix_rows *rows)
{
    long found = unix_rows_join(rows);

    if (found < 0)
        reader->w->error = errno;
    else if (!reader->is_later)
        reader->w->set->tables[SOCKQ_UNIX].duplicates += (uint64_t)found;
}

bool flush_unix(struct table_reader *reader)
{
    struct unix_text *text = reader->held;
    bool stopped = false;

    if (!text)
        return false;
    struct unix_rows *rows = &text->rows;
    keep(reader, text);
    if (!reader->w->error &&
        unix_rows_judge(rows, table_is_own(reader->proc, reader->namespaces, reader->w->netns)) < 0)
        reader->w->error = errno;
    if (!reader->w->error && reader->proc->live && reader->recent)
        join(reader, rows);
    for (size_t i = 0; i < rows->count && !reader->w->error; i++) {
        if (rows->list[i].fate != UNIX_FORGED && rows->list[i].fate != UNIX_TWICE)
            push(reader, rows, &rows->list[i]);
        else if (!reader->is_later && rows->list[i].fate == UNIX_FORGED)
            reader->w->set->tables[SOCKQ_UNIX].continued += 1 + rows->list[i].loose;
        if ((i + 1) % PUSHED_AT_ONCE == 0 && table_show(reader)) {
            stopped = true;
            break;
        }
    }
    if (rows->error && !reader->w->error && !stopped)
        table_fail(reader, rows->error);
    if (!reader->is_later) {
        add_count(&reader->w->set->forged, rows->forged);
        add_count(&reader->w->set->suspect, rows->suspect);
    }
    unix_rows_free(rows);
    (void)sockq_file_count(reader->w->file, &text->counted, 0);
    return stopped;
}

static void append(struct unix_text *text, const char *bytes, size_t length)
{
    struct unix_row *row = &text->row;

    row->text += (uint32_t)length;
    if (length > NAME_ROOM - row->name_length)
        length = NAME_ROOM - row->name_length;
    memcpy(text->bytes + row->name_length, bytes, length);
    /* Kernels before 4.9 print the NULs of an abstract name; later ones print '@'. */
    for (size_t i = row->name_length; i < row->name_length + length; i++)
        if (text->bytes[i] == '\0')
            text->bytes[i] = '@';
    row->name_length += (uint32_t)length;
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
    struct unix_text *text = reader->held;
    const char *p = unix_scan_row(line, end, &row);
    if (!p) {
        if (text->held && !text->row.named &&
            unix_rows_reach(&text->rows, &text->row, (size_t)(end - line))) {
            text->row.text += 1 + (uint32_t)(end - line);
            text->row.loose++;
            return SOCKQ_OK;
        }
        if (!text->held || !text->row.named || text->row.name_length > UNIX_NAME)
            return SOCKQ_BAD_CONTINUATION;
        append(text, "\n", 1);
        append(text, line, (size_t)(end - line));
        text->row.row.flags |= SOCKQ_ROW_JOINED;
        if (!reader->is_later)
            reader->w->set->tables[SOCKQ_UNIX].continued++;
        return SOCKQ_OK;
    }
    keep(reader, text);
    row.line = reader->line;
    row.flags |= reader->row_flags;
    row.known = SOCKQ_HAS_STATE | SOCKQ_HAS_REFS | (row.inode ? SOCKQ_HAS_INODE : 0);
    text->row = (struct unix_row){.row = row, .named = p < end, .text = (uint32_t)(p - line)};
    text->held = true;
    if (p < end) {
        text->row.text++;
        append(text, p + 1, (size_t)(end - p - 1));
    }
    text->row.first = text->row.text;
    return SOCKQ_OK;
}

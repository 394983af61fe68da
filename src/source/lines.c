/*
 * The text of one table: it finds lines, checks the header, and hands each line to the table's
 * scanner. Only ever forward: a seq_file that is sought in restarts in the middle of lines.
 */
#define _GNU_SOURCE
#include "lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../scan.h"
#include "feed.h"

enum { GARBAGE_LINES = 10 };

/* Bytes of text between two counts of the sockets, at most. */
enum { COUNT_STEP = 256 << 10 };

/* A line that runs on for longer ends the table: nothing of it is kept. */
static const size_t ENDLESS = (size_t)64 << 20;

struct input {
    struct table_reader *reader;
    struct feed *feed;
    struct lines_seen *seen;
    char *tail; /* the line that the last piece cut in two, its first part */
    size_t tail_size;
    size_t skipped;    /* bytes of a line too long to keep, 0 when not in one */
    uint32_t good;     /* lines that were rows */
    uint32_t rejected; /* lines that were none, before the first that was */
    bool stopped;      /* the rest of the file is not looked at */
};

/* Compare a line's first words with a header's, blanks of any width between them. */
static bool starts_with(const char *line, const char *end, const char *words)
{
    const char *p = line;

    for (;;) {
        size_t length = strcspn(words, " ");
        p = scan_blanks(p, end);
        if ((size_t)(end - p) < length || memcmp(p, words, length) != 0 ||
            !(scan_group_ends(p + length, end) || p[length] == '\r'))
            return false;
        p += length;
        words += length;
        if (!*words)
            return true;
        words++;
    }
}

static bool is_any_header(const char *line, const char *end)
{
    for (int i = 0; i < SOCKQ_TABLES; i++) {
        const char *header = table_format((enum sockq_table)i)->header;
        if (header && starts_with(line, end, header))
            return true;
    }
    return false;
}

static void report(struct input *in, enum sockq_reason reason, bool lost)
{
    if (!in->reader->is_later)
        sockq_writer_problem(in->reader->w, in->reader->table, in->reader->line, reason, 0, lost);
}

static void stop(struct input *in, enum sockq_reason reason)
{
    report(in, reason, true);
    if (!in->reader->is_later)
        in->reader->w->set->tables[in->reader->table].status = SOCKQ_TABLE_FAILED;
    in->stopped = true;
}

static void reject(struct input *in, enum sockq_reason reason)
{
    report(in, reason, true);
    if (in->good == 0 && ++in->rejected == GARBAGE_LINES)
        stop(in, SOCKQ_BAD_GARBAGE);
}

/* The end of a line without CRs, of which a unix name may have some of its own. */
static const char *without_cr(const struct table_reader *reader, const char *line, const char *end)
{
    if (reader->format->continued)
        return end - (reader->crlf && end > line && end[-1] == '\r');
    while (end > line && end[-1] == '\r')
        end--;
    return end;
}

static void take_row(struct input *in, const char *line, const char *end)
{
    const struct table_format *format = in->reader->format;
    enum sockq_reason reason;

    end = without_cr(in->reader, line, end);
    reason = format->scan(in->reader, line, end);
    if (reason == SOCKQ_OK) {
        in->good++;
        return;
    }
    if (!format->continued && scan_blanks(line, end) == end)
        reason = SOCKQ_BAD_EMPTY_LINE;
    if (starts_with(line, end, format->header)) {
        if (format->header_repeats)
            return;
        reason = SOCKQ_BAD_SECOND_HEADER;
    }
    reject(in, reason);
}

static void take_first_line(struct input *in, const char *line, const char *end)
{
    struct table_reader *reader = in->reader;

    if (end - line >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0)
        line += 3;
    if (starts_with(line, end, reader->format->header)) {
        reader->crlf = end[-1] == '\r';
        return;
    }
    if (is_any_header(line, end)) {
        stop(in, SOCKQ_BAD_WRONG_TABLE);
        return;
    }
    end = without_cr(reader, line, end);
    reader->row_flags = SOCKQ_ROW_FIRST_LINE;
    enum sockq_reason reason =
        end > line ? reader->format->scan(reader, line, end) : SOCKQ_BAD_FIRST_LINE;
    reader->row_flags = 0;
    if (reason == SOCKQ_OK) {
        in->good++;
        report(in, SOCKQ_BAD_NO_HEADER, false);
    } else {
        /* Text of two bytes a character, or no text at all. */
        bool has_nul = memchr(line, '\0', (size_t)(end - line)) != NULL;
        reject(in, has_nul ? SOCKQ_BAD_NUL : SOCKQ_BAD_FIRST_LINE);
    }
}

static void take_line(struct input *in, const char *line, const char *end)
{
    in->reader->line++;
    if (in->skipped || (size_t)(end - line) > in->reader->format->longest) {
        in->skipped = 0;
        reject(in, SOCKQ_BAD_LENGTH);
    } else if (in->reader->line == 1) {
        take_first_line(in, line, end);
    } else {
        take_row(in, line, end);
    }
}

/* Take the whole lines; the partial one at the end is kept for the piece that follows. */
static void take_lines(struct input *in, const char *p, const char *end)
{
    const char *feed;

    while (!in->stopped && !in->reader->w->error &&
           (feed = memchr(p, '\n', (size_t)(end - p))) != NULL) {
        take_line(in, p, feed);
        p = feed + 1;
    }
    in->tail_size = (size_t)(end - p);
    if (in->tail_size > in->reader->format->longest || in->skipped) {
        in->skipped += in->tail_size;
        in->tail_size = 0;
        if (in->skipped > ENDLESS) {
            in->reader->line++;
            stop(in, SOCKQ_BAD_TOO_LARGE);
        }
    }
    memcpy(in->tail, p, in->tail_size);
}

/* As many may have come as went by the end. Counting takes as long as reading eight pages. */
static void count_sockets(const struct table_reader *reader, struct lines_seen *seen)
{
    if (seen->bytes < seen->next_count || seen->bytes + LINE_IN_MEMORY < READ_MOST ||
        (seen->next_count && seen->before < 0))
        return;
    const int64_t count = table_count(reader->job, reader->table, reader->w->netns);
    seen->before = seen->next_count && count != seen->before ? -1 : count;
    seen->next_count = seen->bytes + COUNT_STEP;
}

static void read_lines(struct input *in, struct sockq_table_info *info)
{
    while (!in->stopped && !in->reader->w->error) {
        char *text;
        ssize_t n = feed_next(in->feed, &text);
        if (n < 0) {
            info->status = SOCKQ_TABLE_FAILED;
            info->error = errno;
            if (!in->reader->is_later)
                sockq_writer_problem(in->reader->w, in->reader->table, 0, SOCKQ_BAD_ERRNO, errno,
                                     true);
            return;
        }
        if (n == 0)
            break;
        in->seen->bytes += (size_t)n;
        if (!in->reader->is_later && in->reader->again)
            count_sockets(in->reader, in->seen);
        if (!in->reader->is_later && !in->seen->is_long && feed_is_long(in->feed)) {
            table_text_ahead(in->reader->job, in->reader->table);
            in->seen->is_long = true;
        }
        memcpy(text - in->tail_size, in->tail, in->tail_size);
        take_lines(in, text - in->tail_size, text + n);
        if (table_show(in->reader))
            return;
    }
    if (in->stopped || in->reader->w->error)
        return;
    if (in->tail_size > 0 || in->skipped) {
        in->reader->line++;
        report(in, in->skipped ? SOCKQ_BAD_LENGTH : SOCKQ_BAD_TRUNCATED, true);
    } else if (in->reader->line == 0) {
        in->reader->line = 1;
        report(in, SOCKQ_BAD_EMPTY_FILE, false);
    }
    info->status = SOCKQ_TABLE_COMPLETE;
}

void lines_read(struct table_reader *reader, struct feed *feed, struct sockq_table_info *info,
                struct lines_seen *seen)
{
    struct sockq_writer *w = reader->w;
    struct input in = {.reader = reader, .feed = feed, .seen = seen};

    info->status = SOCKQ_TABLE_READING;
    in.tail = malloc(reader->format->longest);
    if (in.tail)
        read_lines(&in, info);
    else
        w->error = errno;
    /* Also after an error or a stop: what was read whole is kept. */
    if (reader->format->flush && reader->format->flush(reader) &&
        info->status == SOCKQ_TABLE_COMPLETE)
        info->status = SOCKQ_TABLE_READING;
    free(reader->held);
    reader->held = NULL;
    free(in.tail);
    feed_close(feed);
    sockq_writer_commit(w);
}

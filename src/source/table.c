/*
 * The reader that all tables share: it finds lines, checks the header, and hands each line to the
 * table's scanner. Only ever forward: a seq_file that is sought in restarts in the middle of lines.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../scan.h"
#include "feed.h"
#include "recent.h"
#include "source.h"

enum { LINE = 4096, LONG_LINE = 64 << 10, GARBAGE_LINES = 10 };

/* A unix name of 4096 bytes, which no kernel gives but a capture may hold, and its columns. */
enum { UNIX_LINE = LINE + 128 };

/* A read gives no more, and less if the next row does not fit (fs/seq_file.c). */
enum { READ_MOST = 4096, LINE_IN_MEMORY = 256 };

/* However often sockets come and go. */
enum { LOOKS_MOST = 8 };

/* A line that runs on for longer ends the table: nothing of it is kept. */
static const size_t ENDLESS = (size_t)64 << 20;

static const struct table_format formats[SOCKQ_TABLES] = {
    [SOCKQ_TCP] = {"net/tcp", "sl", LINE, false, false, 1, scan_inet, NULL},
    [SOCKQ_TCP6] = {"net/tcp6", "sl", LINE, false, false, 1, scan_inet, NULL},
    [SOCKQ_SCTP_EPS] = {"net/sctp/eps", "ENDPT", LONG_LINE, false, true, 0, scan_sctp_eps, NULL},
    [SOCKQ_SCTP_ASSOCS] = {"net/sctp/assocs", "ASSOC", LONG_LINE, false, true, 0, scan_sctp_assocs,
                           NULL},
    [SOCKQ_UDP] = {"net/udp", "sl", LINE, false, false, 2, scan_inet, NULL},
    [SOCKQ_UDP6] = {"net/udp6", "sl", LINE, false, false, 2, scan_inet, NULL},
    [SOCKQ_UDPLITE] = {"net/udplite", "sl", LINE, false, false, 2, scan_inet, NULL},
    [SOCKQ_UDPLITE6] = {"net/udplite6", "sl", LINE, false, false, 2, scan_inet, NULL},
    [SOCKQ_RAW] = {"net/raw", "sl", LINE, false, false, 2, scan_inet, NULL},
    [SOCKQ_RAW6] = {"net/raw6", "sl", LINE, false, false, 2, scan_inet, NULL},
    [SOCKQ_ICMP] = {"net/icmp", "sl", LINE, false, false, 2, scan_inet, NULL},
    [SOCKQ_ICMP6] = {"net/icmp6", "sl", LINE, false, false, 2, scan_inet, NULL},
    [SOCKQ_UNIX] = {"net/unix", "Num", UNIX_LINE, true, false, 2, scan_unix, flush_unix},
    [SOCKQ_NETLINK] = {"net/netlink", "sk Eth", LINE, false, false, 2, scan_netlink, NULL},
    [SOCKQ_PACKET] = {"net/packet", "sk RefCnt", LINE, false, false, 2, scan_packet, NULL},
};

struct input {
    struct table_reader reader;
    struct feed *feed;
    char *tail; /* the line that the last piece cut in two, its first part */
    size_t tail_size;
    size_t skipped;    /* bytes of a line too long to keep, 0 when not in one */
    uint32_t good;     /* lines that were rows */
    uint32_t rejected; /* lines that were none, before the first that was */
    size_t read;       /* bytes */
    int64_t before;    /* sockets there were once the text had become long; -1: not known */
    bool looked_ahead; /* the text behind this one is opened, if there is one */
    bool stopped;      /* the rest of the file is not looked at */
};

const struct table_format *table_format(enum sockq_table table)
{
    return &formats[table];
}

/* Each socket has an inode of its own, but for associations, which share that of their socket. */
static void mark_repeated(struct table_reader *reader, struct sockq_row *row)
{
    bool before = false;

    if (!reader->inodes || !row->inode || row->table == SOCKQ_SCTP_EPS ||
        row->table == SOCKQ_SCTP_ASSOCS)
        return;
    /* What may be forged must not make the true row a repetition. */
    if (row->flags & SOCKQ_ROW_NO_OWNER)
        before = inodes_have(reader->inodes, row->inode);
    else if (inodes_add(reader->inodes, row->inode, &before) < 0)
        reader->w->error = errno;
    if (before)
        row->flags |= SOCKQ_ROW_REPEATED;
}

/* A unix row may be forged, so what an earlier row has is not its own. */
static bool may_have_owner(const struct sockq_row *row)
{
    return row->inode && !(row->flags & SOCKQ_ROW_NO_OWNER) &&
           !(row->table == SOCKQ_UNIX && row->flags & SOCKQ_ROW_REPEATED);
}

/* Inode numbers are dealt out in turn (fs/inode.c, get_next_ino), to each CPU some in advance. */
static bool is_old(const struct table_reader *reader, const struct sockq_row *row)
{
    return row->inode &&
           (int32_t)((uint32_t)row->inode - (uint32_t)reader->proc->own_inodes[0]) < 0;
}

static bool is_pushed(struct table_reader *reader, const struct sockq_row *row)
{
    /* What may be forged is no repetition of the true row: it is shown beside it, once. */
    if (row->flags & SOCKQ_ROW_SUSPECT)
        return reader->is_later;
    const bool sure = !reader->doubted && !(row->flags & SOCKQ_ROW_NO_OWNER);
    if (reader->is_later) {
        if (again_is_known(reader->again, reader->w, row, sure))
            return true;
        reader->found++;
        reader->found_old += is_old(reader, row);
        return false;
    }
    if (reader->recent && !(row->flags & SOCKQ_ROW_UNSURE) &&
        recent_again(reader->recent, reader->w, row)) {
        reader->w->set->tables[reader->table].duplicates++;
        return true;
    }
    if (reader->again)
        again_note(reader->again, reader->w, row, sure);
    return false;
}

void table_push(struct table_reader *reader, struct sockq_row *row)
{
    if (!sockq_row_has_state(row, reader->states))
        return;
    if (sockq_proc_is_own_inode(reader->proc, row->inode))
        return;
    row->netns = reader->w->netns;
    if (!row->line)
        row->line = reader->line;
    row->flags |= reader->row_flags;
    if (is_pushed(reader, row))
        return;
    mark_repeated(reader, row);
    if (reader->owners && may_have_owner(row))
        row->owner = owner_index_find(reader->owners, reader->w, row->inode);
    sockq_writer_push(reader->w);
}

bool table_show(struct table_reader *reader)
{
    struct sockq_table_info *info = &reader->w->set->tables[reader->table];

    sockq_writer_commit(reader->w);
    info->rows = reader->w->rows - info->first_row;
    return reader->job->check(reader->job->context);
}

void table_fail(struct table_reader *reader, int error)
{
    struct sockq_table_info *info = &reader->w->set->tables[reader->table];

    info->status = SOCKQ_TABLE_FAILED;
    info->error = error;
    sockq_writer_problem(reader->w, reader->table, 0, SOCKQ_BAD_ERRNO, error, true);
}

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
    for (int i = 0; i < SOCKQ_TABLES; i++)
        if (starts_with(line, end, formats[i].header))
            return true;
    return false;
}

static void report(struct input *in, enum sockq_reason reason, bool lost)
{
    if (!in->reader.is_later)
        sockq_writer_problem(in->reader.w, in->reader.table, in->reader.line, reason, 0, lost);
}

static void stop(struct input *in, enum sockq_reason reason)
{
    report(in, reason, true);
    if (!in->reader.is_later)
        in->reader.w->set->tables[in->reader.table].status = SOCKQ_TABLE_FAILED;
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
    const struct table_format *format = in->reader.format;
    enum sockq_reason reason;

    end = without_cr(&in->reader, line, end);
    reason = format->scan(&in->reader, line, end);
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
    struct table_reader *reader = &in->reader;

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
    in->reader.line++;
    if (in->skipped || (size_t)(end - line) > in->reader.format->longest) {
        in->skipped = 0;
        reject(in, SOCKQ_BAD_LENGTH);
    } else if (in->reader.line == 1) {
        take_first_line(in, line, end);
    } else {
        take_row(in, line, end);
    }
}

/* Take the whole lines; the partial one at the end is kept for the piece that follows. */
static void take_lines(struct input *in, const char *p, const char *end)
{
    const char *feed;

    while (!in->stopped && !in->reader.w->error &&
           (feed = memchr(p, '\n', (size_t)(end - p))) != NULL) {
        take_line(in, p, feed);
        p = feed + 1;
    }
    in->tail_size = (size_t)(end - p);
    if (in->tail_size > in->reader.format->longest || in->skipped) {
        in->skipped += in->tail_size;
        in->tail_size = 0;
        if (in->skipped > ENDLESS) {
            in->reader.line++;
            stop(in, SOCKQ_BAD_TOO_LARGE);
        }
    }
    memcpy(in->tail, p, in->tail_size);
}

static int64_t count_sockets(const struct input *in)
{
    const struct table_job *job = in->reader.job;
    int fd = job->namespaces ? netns_open(job->namespaces, job->w->netns, "net/protocols")
                             : sockq_proc_openat(job->proc, "net/protocols", 0);

    return again_count(fd, in->reader.table);
}

static void read_lines(struct input *in, struct sockq_table_info *info)
{
    _Static_assert(LONG_LINE <= FEED_ROOM, "the first part of a line fits before a piece");

    while (!in->stopped && !in->reader.w->error) {
        char *text;
        ssize_t n = feed_next(in->feed, &text);
        if (n < 0) {
            info->status = SOCKQ_TABLE_FAILED;
            info->error = errno;
            if (!in->reader.is_later)
                sockq_writer_problem(in->reader.w, in->reader.table, 0, SOCKQ_BAD_ERRNO, errno,
                                     true);
            return;
        }
        if (n == 0)
            break;
        in->read += (size_t)n;
        if (!in->looked_ahead && feed_is_long(in->feed)) {
            if (in->reader.again)
                in->before = count_sockets(in);
            table_text_ahead(in->reader.job, in->reader.table);
            in->looked_ahead = true;
        }
        memcpy(text - in->tail_size, in->tail, in->tail_size);
        take_lines(in, text - in->tail_size, text + n);
        if (table_show(&in->reader))
            return;
    }
    if (in->stopped || in->reader.w->error)
        return;
    if (in->tail_size > 0 || in->skipped) {
        in->reader.line++;
        report(in, in->skipped ? SOCKQ_BAD_LENGTH : SOCKQ_BAD_TRUNCATED, true);
    } else if (in->reader.line == 0) {
        in->reader.line = 1;
        report(in, SOCKQ_BAD_EMPTY_FILE, false);
    }
    info->status = SOCKQ_TABLE_COMPLETE;
}

static int open_table(struct input *in, struct sockq_table_info *info)
{
    const struct table_text text = table_text_take(in->reader.job, in->reader.table);

    in->feed = text.feed;
    if (text.feed)
        return 0;
    if (text.is_memory) {
        in->reader.w->error = text.error;
        return -1;
    }
    /* That a namespace is gone is told of it, not of its tables. */
    if (in->reader.namespaces && text.error == ESRCH)
        return -1;
    info->error = text.error;
    info->status = text.error == ENOENT ? SOCKQ_TABLE_MISSING : SOCKQ_TABLE_FAILED;
    if (text.error != ENOENT)
        sockq_writer_problem(in->reader.w, in->reader.table, 0,
                             text.error ? SOCKQ_BAD_ERRNO : SOCKQ_BAD_FILE_TYPE, text.error, true);
    return -1;
}

/* Read what is open. */
static void read_text(struct input *in, struct sockq_table_info *info)
{
    struct sockq_writer *w = in->reader.w;

    info->status = SOCKQ_TABLE_READING;
    in->tail = malloc(in->reader.format->longest);
    if (in->tail)
        read_lines(in, info);
    else
        w->error = errno;
    /* Also after an error or a stop: what was read whole is kept. */
    if (in->reader.format->flush && in->reader.format->flush(&in->reader) &&
        info->status == SOCKQ_TABLE_COMPLETE)
        info->status = SOCKQ_TABLE_READING;
    free(in->reader.held);
    free(in->tail);
    feed_close(in->feed);
    sockq_writer_commit(w);
}

/* One read has lost nothing; of what is soon read again it need not be known whether it changed. */
static bool may_have_lost(const struct input *in, const struct sockq_table_info *info)
{
    if (info->status != SOCKQ_TABLE_COMPLETE || in->read + LINE_IN_MEMORY < READ_MOST)
        return false;
    return !in->looked_ahead || info->duplicates > 0 || in->before < 0 ||
           in->before != count_sockets(in);
}

/* Look until no socket comes any more that was there all the while. */
static void look_again(const struct input *first, const struct sockq_table_info *info)
{
    const struct table_format *format = first->reader.format;
    unsigned quiet = info->duplicates ? 0 : format->quiet_looks - 1;

    for (int looks = 1; looks < LOOKS_MOST && quiet < format->quiet_looks; looks++) {
        struct sockq_table_info later = {.first_row = info->first_row};
        struct input in = {.reader = first->reader, .looked_ahead = true};
        in.reader.held = NULL;
        in.reader.line = 0;
        in.reader.is_later = true;
        if (!again_begin(in.reader.again, in.reader.w))
            return;
        const struct table_text text =
            table_text_open(in.reader.job, in.reader.table, in.reader.w->netns);
        in.feed = text.feed;
        if (text.feed)
            read_text(&in, &later);
        else
            later.error = text.error;
        /* What is gone meanwhile, a namespace, has lost nothing. */
        if (sockq_proc_is_failure(later.error))
            table_fail(&in.reader, later.error);
        if (later.status != SOCKQ_TABLE_COMPLETE || in.reader.w->error)
            return;
        if (in.reader.found && quiet == format->quiet_looks - 1 && looks == 1)
            quiet = 0;
        quiet = in.reader.found_old ? 0 : quiet + 1;
    }
}

/* Read the table of one namespace, the one that the writer names. */
static void read_one(struct input *in, struct sockq_table_info *info)
{
    struct again again = {0};

    if (open_table(in, info) < 0)
        return;
    if (in->reader.proc->live && in->reader.recent && in->reader.format->quiet_looks > 0) {
        again.seed = in->reader.recent->seed;
        in->reader.again = &again;
    }
    read_text(in, info);
    if (in->reader.again && may_have_lost(in, info))
        look_again(in, info);
    in->reader.again = NULL;
    again_end(&again);
}

/* What one namespace makes of how those before it went: the worst, and missing only if all are. */
static void join_status(struct sockq_table_info *info, uint32_t status, int32_t error)
{
    if (status == SOCKQ_TABLE_UNREAD || info->status == SOCKQ_TABLE_READING ||
        info->status == SOCKQ_TABLE_FAILED)
        return;
    if (info->status == SOCKQ_TABLE_UNREAD || status == SOCKQ_TABLE_FAILED ||
        info->status == SOCKQ_TABLE_MISSING) {
        info->status = status;
        info->error = error;
    }
}

void table_read(struct table_job *job, enum sockq_table table)
{
    struct sockq_writer *w = job->w;
    const struct input start = {.reader = {.format = &formats[table],
                                           .w = w,
                                           .job = job,
                                           .proc = job->proc,
                                           .owners = job->owners,
                                           .namespaces = job->namespaces,
                                           .recent = job->recent,
                                           .inodes = job->inodes,
                                           .table = table,
                                           .states = job->states}};
    struct sockq_table_info *info = &w->set->tables[table];
    uint32_t count = job->namespaces ? job->namespaces->count : 1;

    info->first_row = w->rows;
    for (uint32_t i = 0; i < count && !w->error && (i == 0 || !job->check(job->context)); i++) {
        struct input in = start;
        uint32_t status = info->status;
        int32_t error = info->error;
        w->netns = (uint16_t)i;
        info->status = SOCKQ_TABLE_UNREAD;
        read_one(&in, info);
        join_status(info, status, error);
    }
    w->netns = 0;
    info->rows = w->rows - info->first_row;
}

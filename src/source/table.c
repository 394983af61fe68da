/*
 * What reading a table is, whatever it is read from: which rows count, how often it is looked at,
 * in which namespaces, and from which source.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>

#include "lines.h"
#include "recent.h"
#include "sock_diag.h"
#include "source.h"

enum { LINE = 4096, LONG_LINE = 64 << 10 };
_Static_assert(LONG_LINE <= FEED_ROOM, "the first part of a line fits before a piece");

/* A unix name of 4096 bytes, which no kernel gives but a capture may hold, and its columns. */
enum { UNIX_LINE = LINE + 128 };

/* A text of fewer bytes is looked at again whatever was counted: it takes some milliseconds, and
   one that came and another that went between two counts show in none. */
enum { ALWAYS_AGAIN = 512 << 10 };

/* However often sockets come and go. */
enum { LOOKS_MOST = 8 };

/* Tables of sock_diag alone have no path. */
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
    [SOCKQ_MPTCP] = {.quiet_looks = 1},
    [SOCKQ_MPTCP6] = {.quiet_looks = 1},
    [SOCKQ_DCCP] = {.quiet_looks = 1},
    [SOCKQ_DCCP6] = {.quiet_looks = 1},
    [SOCKQ_VSOCK] = {.quiet_looks = 0},
    [SOCKQ_TIPC] = {.quiet_looks = 0},
    [SOCKQ_XDP] = {.quiet_looks = 0},
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

/* A unix row of text may be forged, so what an earlier row has is not its own. */
static bool may_have_owner(const struct sockq_row *row)
{
    return row->inode && !(row->flags & SOCKQ_ROW_NO_OWNER) &&
           (row->table != SOCKQ_UNIX || !(row->flags & SOCKQ_ROW_REPEATED) ||
            row->flags & SOCKQ_ROW_DIAG);
}

/* Inode numbers are dealt out in turn (fs/inode.c, get_next_ino), to each CPU some in advance. */
static bool is_old(const struct table_reader *reader, const struct sockq_row *row)
{
    return row->inode &&
           (int32_t)((uint32_t)row->inode - (uint32_t)reader->proc->own_inodes[0]) < 0;
}

/* netlink_diag tells of a socket with groups twice, which who asks may want to see. */
static bool keeps_twice(const struct table_reader *reader)
{
    return reader->source == SOCKQ_SOURCE_DIAG &&
           reader->job->question->flags & SOCKQ_KEEP_DUPLICATES;
}

/* A unix socket that is bound between two answers is told again, elsewhere and with a name. */
static bool is_told_again(struct table_reader *reader)
{
    bool before = false;

    if (reader->cookie && inodes_add(&reader->job->cookies, reader->cookie, &before) < 0)
        reader->w->error = errno;
    return before;
}

static bool is_pushed(struct table_reader *reader, const struct sockq_row *row)
{
    if (is_told_again(reader)) {
        reader->w->set->tables[reader->table].duplicates += !reader->is_later;
        return true;
    }
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
    if (reader->recent && !(row->flags & SOCKQ_ROW_UNSURE) && !keeps_twice(reader) &&
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
    if (sockq_proc_is_own_inode(reader->proc, row->inode) ||
        (row->table == SOCKQ_NETLINK && row->inode && reader->proc->netns &&
         netns_is_own_socket(reader->proc->netns, row->inode)))
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

int64_t table_count(const struct table_job *job, enum sockq_table table, uint32_t netns)
{
    int fd = job->namespaces ? netns_open(job->namespaces, netns, "net/protocols")
                             : sockq_proc_openat(job->proc, "net/protocols", 0);

    return again_count(fd, table);
}

static struct feed *open_text(struct table_reader *reader, struct sockq_table_info *info,
                              struct lines_seen *seen)
{
    const struct table_text text = table_text_take(reader->job, reader->table);

    if (text.is_counted) {
        seen->before = text.before;
        seen->next_count = 1;
    }
    if (text.feed)
        return text.feed;
    if (text.is_memory) {
        reader->w->error = text.error;
        return NULL;
    }
    /* That a namespace is gone is told of it, not of its tables. */
    if (reader->namespaces && text.error == ESRCH)
        return NULL;
    info->error = text.error;
    info->status = text.error == ENOENT ? SOCKQ_TABLE_MISSING : SOCKQ_TABLE_FAILED;
    if (text.error != ENOENT)
        sockq_writer_problem(reader->w, reader->table, 0,
                             text.error ? SOCKQ_BAD_ERRNO : SOCKQ_BAD_FILE_TYPE, text.error, true);
    return NULL;
}

/* One read has lost nothing; of what is soon read again it need not be known whether it changed. */
static bool text_may_have_lost(const struct table_reader *reader,
                               const struct sockq_table_info *info, const struct lines_seen *seen)
{
    if (info->status != SOCKQ_TABLE_COMPLETE || seen->bytes + LINE_IN_MEMORY < READ_MOST)
        return false;
    return seen->bytes < ALWAYS_AGAIN || info->duplicates > 0 || seen->before < 0 ||
           seen->before != table_count(reader->job, reader->table, reader->w->netns);
}

/* A look at the table from its source, the first or a later one. */
static enum look_end look(struct table_reader *reader, struct sockq_table_info *info)
{
    struct lines_seen seen = {.bytes = 0};
    struct feed *feed;

    if (reader->source == SOCKQ_SOURCE_DIAG)
        return diag_read(reader, info);
    if (reader->is_later) {
        const struct table_text text =
            table_text_open(reader->job, reader->table, reader->w->netns);
        feed = text.feed;
        info->error = text.error;
    } else {
        feed = open_text(reader, info, &seen);
    }
    if (!feed)
        return LOOK_WHOLE;
    lines_read(reader, feed, info, &seen);
    return !reader->is_later && reader->again && text_may_have_lost(reader, info, &seen)
               ? LOOK_UNSURE
               : LOOK_WHOLE;
}

/* Look until no socket comes any more that was there all the while. */
static void look_again(const struct table_reader *first, struct sockq_table_info *info,
                       enum look_end end)
{
    const struct table_format *format = first->format;
    unsigned quiet = info->duplicates || end == LOOK_GAPS ? 0 : format->quiet_looks - 1;
    bool is_alive = true;

    for (int looks = 1;
         looks < LOOKS_MOST && is_alive && (end == LOOK_GAPS || quiet < format->quiet_looks) &&
         again_begin(first->again, first->w);
         looks++) {
        struct sockq_table_info later = {.first_row = info->first_row};
        struct table_reader reader = *first;
        reader.line = 0;
        reader.is_later = true;
        end = look(&reader, &later);
        /* What is gone meanwhile, a namespace, has lost nothing. */
        if (sockq_proc_is_failure(later.error))
            table_fail(&reader, later.error);
        is_alive = later.status == SOCKQ_TABLE_COMPLETE && !reader.w->error;
        if (reader.found && quiet == format->quiet_looks - 1 && looks == 1)
            quiet = 0;
        quiet = reader.found_old ? 0 : quiet + 1;
    }
    if (end == LOOK_GAPS && is_alive && !first->w->error)
        sockq_writer_problem(first->w, first->table, 0, SOCKQ_BAD_INTERRUPTED, 0, true);
}

bool table_asks_diag(const struct table_job *job, enum sockq_table table, uint32_t netns)
{
    return job->question->source != SOCKQ_SOURCE_PROC && diag_knows(table) &&
           (table_is_own(job->proc, job->namespaces, netns) || table_diag(job->namespaces, netns));
}

bool table_looks_again(const struct table_job *job, enum sockq_table table)
{
    return job->proc->live && job->recent && table_format(table)->quiet_looks > 0;
}

/* Read the table of one namespace, the one that the writer names. */
static void read_one(struct table_reader *reader, struct sockq_table_info *info)
{
    struct again again = {0};
    enum look_end end = LOOK_WHOLE;

    if (table_looks_again(reader->job, reader->table)) {
        again.seed = reader->recent->seed;
        reader->again = &again;
    }
    reader->source = table_asks_diag(reader->job, reader->table, reader->w->netns)
                         ? SOCKQ_SOURCE_DIAG
                         : SOCKQ_SOURCE_PROC;
    if (reader->source == SOCKQ_SOURCE_DIAG)
        end = look(reader, info);
    else if (reader->job->question->source == SOCKQ_SOURCE_DIAG)
        info->refusal = EOPNOTSUPP;
    /* It was asked and does not know this table, or is not there. */
    if (info->status == SOCKQ_TABLE_UNREAD && reader->job->question->source != SOCKQ_SOURCE_DIAG &&
        reader->format->path) {
        reader->source = SOCKQ_SOURCE_PROC;
        end = look(reader, info);
    }
    /* Of text that is not there the reason is told already, or that the namespace is gone. */
    if (info->status == SOCKQ_TABLE_UNREAD && !reader->w->error &&
        (!reader->namespaces || !reader->format->path ||
         reader->job->question->source == SOCKQ_SOURCE_DIAG)) {
        info->status = SOCKQ_TABLE_MISSING;
        info->error = ENOENT;
    }
    info->source = reader->source;
    if (reader->again && end != LOOK_WHOLE && info->status == SOCKQ_TABLE_COMPLETE)
        look_again(reader, info, end);
    else if (end == LOOK_GAPS && info->status == SOCKQ_TABLE_COMPLETE && !reader->w->error)
        sockq_writer_problem(reader->w, reader->table, 0, SOCKQ_BAD_INTERRUPTED, 0, true);
    reader->again = NULL;
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

/* Of SCTP the kernel tells by states of its own what is meant. */
static uint64_t states_of(const struct table_job *job, enum sockq_table table)
{
    const bool is_sctp = table == SOCKQ_SCTP_EPS || table == SOCKQ_SCTP_ASSOCS;

    return is_sctp && job->question->flags & SOCKQ_KEEP_DUPLICATES ? 0 : job->question->states;
}

void table_read(struct table_job *job, enum sockq_table table)
{
    struct sockq_writer *w = job->w;
    const struct table_reader start = {.format = &formats[table],
                                       .w = w,
                                       .job = job,
                                       .proc = job->proc,
                                       .owners = job->owners,
                                       .namespaces = job->namespaces,
                                       .recent = job->recent,
                                       .inodes = job->inodes,
                                       .table = table,
                                       .states = states_of(job, table)};
    struct sockq_table_info *info = &w->set->tables[table];
    uint32_t count = job->namespaces ? job->namespaces->count : 1;

    info->first_row = w->rows;
    for (uint32_t i = 0; i < count && !w->error && (i == 0 || !job->check(job->context)); i++) {
        struct table_reader reader = start;
        uint32_t status = info->status;
        int32_t error = info->error;
        w->netns = (uint16_t)i;
        info->status = SOCKQ_TABLE_UNREAD;
        read_one(&reader, info);
        join_status(info, status, error);
    }
    w->netns = 0;
    info->rows = w->rows - info->first_row;
}

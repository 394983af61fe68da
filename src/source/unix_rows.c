#include "unix_rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "../proc.h"
#include "inodes.h"

/* A forged row is at least "0: 8 8 8 4 2 00000" long: a name holds no more than two of them. */
enum { MOST_IN_A_NAME = 2, DUMPS = 2, MOST_ALIKE = 64 };

/* A row by its inode, to find others that have it. */
struct place {
    uint64_t inode;
    size_t row;
};

/* What judging takes. */
struct judge {
    struct unix_rows *rows;
    struct unix_diag diag;
    bool by_diag;
    bool live;            /* it should have told */
    struct place *places; /* by inode; made when first needed */
};

static int add_name(struct unix_rows *rows, struct unix_row *row, const char *name, size_t length)
{
    if (unix_reserve(&rows->names, &rows->names_room, rows->names_used + length + 1, 1) < 0)
        return -1;
    memcpy(rows->names + rows->names_used, name, length);
    row->name = rows->names_used;
    row->name_length = (uint32_t)length;
    rows->names_used += length;
    return 0;
}

int unix_rows_add(struct unix_rows *rows, const struct unix_row *row, const char *name)
{
    if (unix_reserve(&rows->list, &rows->room, rows->count + 1, sizeof(*row)) < 0)
        return -1;
    struct unix_row *kept = &rows->list[rows->count];
    *kept = *row;
    if (add_name(rows, kept, name, row->name_length) < 0)
        return -1;
    rows->count++;
    return 0;
}

uint64_t unix_rows_memory(const struct unix_rows *rows)
{
    const size_t judged = sizeof(struct place) + (1 + MOST_IN_A_NAME) * sizeof(struct unix_asked);

    return rows->names_room + (uint64_t)rows->room * (sizeof(struct unix_row) + judged);
}

static const char *name_of(const struct unix_rows *rows, const struct unix_row *row)
{
    return rows->names + row->name;
}

/* True if the row at `at` may stand in the name of the row at `origin`. */
static bool reaches(const struct unix_rows *rows, size_t origin, size_t at)
{
    const struct unix_row *from = &rows->list[origin];
    size_t length = from->name_length;

    if (!from->named)
        return false;
    for (size_t i = origin + 1; i < at; i++)
        length += 1 + rows->list[i].text;
    return length + 1 + rows->list[at].first <= UNIX_NAME;
}

bool unix_rows_reach(const struct unix_rows *rows, const struct unix_row *row, size_t length)
{
    length += 1 + row->text + 1;
    for (size_t back = 1; back <= MOST_IN_A_NAME && back <= rows->count; back++) {
        const struct unix_row *origin = &rows->list[rows->count - back];
        if (origin->named && origin->name_length + length <= UNIX_NAME)
            return true;
        length += 1 + origin->text;
    }
    return false;
}

static int compare_asked(const void *a, const void *b)
{
    const struct unix_asked *x = a, *y = b;

    return (x->inode > y->inode) - (x->inode < y->inode);
}

static void ask_for(struct unix_asked *asked, size_t *count, const struct unix_row *row)
{
    if (row->row.inode != 0 && row->row.inode <= UINT32_MAX)
        asked[(*count)++].inode = (uint32_t)row->row.inode;
}

/* The inodes of rows that may be forged, and of those in whose names they may be. */
static int list_asked(struct judge *judge)
{
    const struct unix_rows *rows = judge->rows;
    size_t doubts = 0, count = 0, unique = 0;

    for (size_t i = 0; i + 1 < rows->count; i++)
        doubts += reaches(rows, i, i + 1);
    if (doubts == 0)
        return 0;
    struct unix_asked *asked = calloc(doubts, (1 + MOST_IN_A_NAME) * sizeof(*asked));
    if (!asked)
        return -1;
    for (size_t i = 0; i + 1 < rows->count; i++) {
        if (!reaches(rows, i, i + 1))
            continue;
        ask_for(asked, &count, &rows->list[i]);
        for (size_t at = i + 1; at <= i + MOST_IN_A_NAME && at < rows->count; at++)
            ask_for(asked, &count, &rows->list[at]);
    }
    qsort(asked, count, sizeof(*asked), compare_asked);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || asked[i].inode != asked[i - 1].inode)
            asked[unique++] = asked[i];
    judge->diag.asked = asked;
    judge->diag.asked_count = unique;
    return 1;
}

static uint32_t line_feeds(const char *name, size_t length)
{
    uint32_t count = 0;

    for (size_t i = 0; i < length; i++)
        count += name[i] == '\n';
    return count;
}

/* Give the row at `origin` its true name; rows in the lines of that are none. */
static int put_right(struct judge *judge, size_t origin, const char *name, size_t length)
{
    struct unix_rows *rows = judge->rows;
    struct unix_row *row = &rows->list[origin];
    uint64_t last = (uint64_t)row->row.line + line_feeds(name, length);
    bool forges = false;

    for (size_t i = origin + 1; i < rows->count && rows->list[i].row.line <= last; i++) {
        rows->forged += rows->list[i].fate != UNIX_FORGED;
        rows->list[i].fate = UNIX_FORGED;
        forges = true;
    }
    if (!forges)
        return 0;
    row->row.flags |= SOCKQ_ROW_JOINED | SOCKQ_ROW_FORGES;
    return add_name(rows, row, name, length);
}

static bool begins_with(const char *name, size_t length, const struct unix_rows *rows,
                        const struct unix_row *row)
{
    return length >= row->name_length && memcmp(name, name_of(rows, row), row->name_length) == 0 &&
           (length == row->name_length || name[row->name_length] == '\n');
}

/* True if the row is what a line says. */
static bool is_line(const struct unix_rows *rows, const struct unix_row *row, const char *line,
                    const char *end)
{
    struct sockq_row said = {.state = 0};
    const char *p = unix_scan_row(line, end, &said);

    if (!p || said.inode != row->row.inode || said.refs != row->row.refs ||
        said.state != row->row.state || said.un.type != row->row.un.type ||
        said.un.flags != row->row.un.flags || said.un.protocol != row->row.un.protocol ||
        (p < end) != row->named)
        return false;
    if (p == end)
        return true;
    /* More lines of the name were taken for the row's. */
    size_t length = (size_t)(end - p - 1);
    return length <= row->name_length && memcmp(p + 1, name_of(rows, row), length) == 0;
}

/*
 * A connection that waits to be accepted has no inode, so sock_diag leaves it out, and its
 * listener's name: of names that begin alike, the one whose next line is the row behind.
 */
static const struct unix_true_name *listener_name(const struct judge *judge, size_t origin)
{
    const struct unix_diag *diag = &judge->diag;
    const struct unix_row *row = &judge->rows->list[origin];
    size_t low = 0, high = diag->broken_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct unix_true_name *name = &diag->broken[middle];
        size_t shorter = name->length < row->name_length ? name->length : row->name_length;
        int order = memcmp(name->bytes, name_of(judge->rows, row), shorter);
        if (order < 0 || (order == 0 && name->length < row->name_length))
            low = middle + 1;
        else
            high = middle;
    }
    for (size_t i = low; i < diag->broken_count && i < low + MOST_ALIKE; i++) {
        const struct unix_true_name *name = &diag->broken[i];
        if (!begins_with(name->bytes, name->length, judge->rows, row) ||
            name->length == row->name_length)
            continue;
        const char *line = name->bytes + row->name_length + 1, *end = name->bytes + name->length;
        const char *feed = memchr(line, '\n', (size_t)(end - line));
        if (is_line(judge->rows, row + 1, line, feed ? feed : end))
            return name;
    }
    return NULL;
}

/* True if what may follow in a row's name was settled by the kernel's word. */
static int settle(struct judge *judge, size_t origin, bool *settled)
{
    const struct unix_row *row = &judge->rows->list[origin];
    const struct unix_asked *asked = unix_diag_find(&judge->diag, row->row.inode);

    *settled = false;
    if (row->row.inode == 0) {
        const struct unix_true_name *name = listener_name(judge, origin);
        *settled = name != NULL;
        return name ? put_right(judge, origin, name->bytes, name->length) : 0;
    }
    if (!asked || !begins_with(judge->diag.names + asked->name, asked->length, judge->rows, row))
        return 0;
    *settled = true;
    return put_right(judge, origin, judge->diag.names + asked->name, asked->length);
}

static int compare_places(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    if (x->inode != y->inode)
        return x->inode < y->inode ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static int make_places(struct judge *judge)
{
    const struct unix_rows *rows = judge->rows;

    if (judge->places)
        return 0;
    judge->places = malloc(rows->count * sizeof(*judge->places));
    if (!judge->places)
        return -1;
    for (size_t i = 0; i < rows->count; i++)
        judge->places[i] = (struct place){rows->list[i].row.inode, i};
    qsort(judge->places, rows->count, sizeof(*judge->places), compare_places);
    return 0;
}

/* True if two rows tell the same of one socket: the kernel may print it twice. */
static bool are_alike(const struct unix_rows *rows, const struct unix_row *a,
                      const struct unix_row *b)
{
    return a->row.state == b->row.state && a->row.un.type == b->row.un.type &&
           a->row.un.flags == b->row.un.flags && a->row.un.protocol == b->row.un.protocol &&
           a->named == b->named && a->name_length == b->name_length &&
           memcmp(name_of(rows, a), name_of(rows, b), a->name_length) == 0;
}

/* The kernel may print a socket twice, hardly ever more often: what stands so often is made up. */
enum { OFTEN = 64 };

/* True if another row that was not found out has the inode, and tells something else. */
static bool stands_twice(const struct judge *judge, size_t at)
{
    const struct unix_rows *rows = judge->rows;
    uint64_t inode = rows->list[at].row.inode;
    size_t low = 0, high = rows->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (judge->places[middle].inode < inode)
            low = middle + 1;
        else
            high = middle;
    }
    const size_t upto = low + OFTEN;
    for (; low < rows->count && judge->places[low].inode == inode; low++) {
        if (low == upto)
            return true;
        const struct unix_row *other = &rows->list[judge->places[low].row];
        if (judge->places[low].row != at && other->fate != UNIX_FORGED &&
            !are_alike(rows, other, &rows->list[at]))
            return true;
    }
    return false;
}

/* What a kernel with sock_diag for unix sockets prints of none (unix_seq_show). */
static bool is_unlike_any(const struct sockq_row *row)
{
    bool has_inode = row->inode != 0;
    bool with_file = row->state == SOCKQ_SS_UNCONNECTED || row->state == SOCKQ_SS_CONNECTED;
    bool without = row->state == SOCKQ_SS_CONNECTING || row->state == SOCKQ_SS_DISCONNECTING;

    return (row->un.type != SOCK_STREAM && row->un.type != SOCK_DGRAM &&
            row->un.type != SOCK_SEQPACKET) ||
           (row->un.flags & ~0x10000u) || row->un.protocol || row->refs < 1 ||
           (has_inode ? !with_file : !without);
}

/* A row that may be forged, and of the name before it nothing is known. */
static enum unix_fate fate_of(const struct judge *judge, size_t at)
{
    const struct unix_rows *rows = judge->rows;
    const struct unix_row *row = &rows->list[at];
    const struct unix_asked *asked = unix_diag_find(&judge->diag, row->row.inode);
    bool twice = row->row.inode != 0 && stands_twice(judge, at);

    if (!judge->by_diag)
        return twice ? UNIX_SUSPECT : judge->live ? UNIX_UNSURE : UNIX_REAL;
    if (is_unlike_any(&row->row))
        return UNIX_SUSPECT;
    if (row->row.inode == 0)
        return UNIX_REAL;
    if (!asked)
        return UNIX_UNSURE;
    if (asked->type != row->row.un.type ||
        (row->named && !begins_with(judge->diag.names + asked->name, asked->length, rows, row)))
        return UNIX_SUSPECT;
    return twice ? UNIX_UNSURE : UNIX_REAL;
}

/* One pass over all rows. @return how many are unsure, -1 with errno */
static long decide(struct judge *judge)
{
    struct unix_rows *rows = judge->rows;
    long unsure = 0;

    for (size_t i = 0; i < rows->count; i++) {
        rows->list[i].doubted = false;
        if (rows->list[i].fate != UNIX_FORGED)
            rows->list[i].fate = UNIX_REAL;
    }
    for (size_t i = 0; i + 1 < rows->count; i++) {
        bool settled = false;
        if (rows->list[i].fate == UNIX_FORGED || !reaches(rows, i, i + 1))
            continue;
        if (judge->by_diag && settle(judge, i, &settled) < 0)
            return -1;
        if (!settled && make_places(judge) < 0)
            return -1;
        for (size_t at = i + 1; at <= i + MOST_IN_A_NAME && at < rows->count; at++) {
            struct unix_row *row = &rows->list[at];
            if (row->fate == UNIX_FORGED || !reaches(rows, i, at))
                continue;
            row->doubted |= !settled;
            /* A name that is known says nothing against doubts by one before it. */
            if (!settled && row->fate != UNIX_SUSPECT)
                row->fate = (uint8_t)fate_of(judge, at);
        }
    }
    for (size_t i = 0; i < rows->count; i++)
        unsure += rows->list[i].fate == UNIX_UNSURE;
    return unsure;
}

int unix_rows_judge(struct unix_rows *rows, bool live)
{
    struct judge judge = {.rows = rows, .live = live};
    int asks = list_asked(&judge), result = asks;
    long unsure = asks;

    for (int dump = 0; asks > 0 && result >= 0 && unsure > 0 && dump < DUMPS; dump++) {
        bool knows = live && unix_diag_read(&judge.diag) == 0;
        if (live && !knows && errno == ENOMEM)
            result = -1;
        if (live && !knows && sockq_proc_is_failure(errno))
            rows->error = errno;
        judge.by_diag |= knows;
        if (result >= 0 && (knows || dump == 0))
            unsure = decide(&judge);
        if (unsure < 0)
            result = -1;
        if (!knows)
            break;
    }
    for (size_t i = 0; i < rows->count; i++)
        rows->suspect += rows->list[i].fate == UNIX_SUSPECT ||
                         (live && !judge.by_diag && rows->list[i].fate == UNIX_UNSURE);
    int saved = errno;
    unix_diag_free(&judge.diag);
    free(judge.diag.asked);
    free(judge.places);
    errno = saved;
    return result < 0 ? -1 : 0;
}

static bool may_be_twice(const struct unix_row *row)
{
    return row->row.inode != 0 && row->fate != UNIX_FORGED && row->fate != UNIX_SUSPECT;
}

/* True if two rows have one inode. @return -1 with errno */
static int some_twice(const struct unix_rows *rows)
{
    struct inodes inodes = {.seed = hash_seed_new()};
    bool twice = false;
    int result = 0;

    for (size_t i = 0; i < rows->count && result == 0 && !twice; i++)
        if (may_be_twice(&rows->list[i]))
            result = inodes_add(&inodes, rows->list[i].row.inode, &twice);
    inodes_free(&inodes);
    return result < 0 ? -1 : twice;
}

long unix_rows_join(struct unix_rows *rows)
{
    struct judge judge = {.rows = rows};
    int some = some_twice(rows);
    long found = 0;

    if (some <= 0)
        return some;
    if (make_places(&judge) < 0)
        return -1;
    for (size_t from = 0, upto; from < rows->count; from = upto) {
        const struct unix_row *kept = NULL;
        for (upto = from;
             upto < rows->count && judge.places[upto].inode == judge.places[from].inode; upto++) {
            const struct unix_row *row = &rows->list[judge.places[upto].row];
            if (may_be_twice(row) && !row->doubted)
                kept = row;
        }
        for (size_t i = from; kept && i < upto; i++) {
            struct unix_row *row = &rows->list[judge.places[i].row];
            if (row == kept || !may_be_twice(row))
                continue;
            row->fate = UNIX_TWICE;
            found++;
        }
    }
    free(judge.places);
    return found;
}

void unix_rows_free(struct unix_rows *rows)
{
    free(rows->list);
    free(rows->names);
    *rows = (struct unix_rows){.list = NULL};
}

/*
 * The rows of one text of /proc/net/unix, held until it is read whole, and which of them are none.
 *
 * A name may hold line feeds and behind each the text of a row: whoever binds it forges rows. What
 * proves it is the name as sock_diag(7) tells it, or, where that is not to be had (a captured tree,
 * another namespace, a kernel without it), what no row can be: see unix_rows_judge.
 */
#ifndef SOCKQ_SOURCE_UNIX_ROWS_H
#define SOCKQ_SOURCE_UNIX_ROWS_H
#include <stdbool.h>
#include <stddef.h>

#include "../row.h"
#include "unix_diag.h"

/** What a held row turned out to be. */
enum unix_fate {
    UNIX_REAL,
    UNIX_FORGED,  /* it is text of the name before: no row at all */
    UNIX_SUSPECT, /* it may be, and contradicts other rows, the kernel or itself */
    UNIX_UNSURE,  /* it may be, and nothing is known of either: its owner is not told */
    UNIX_TWICE    /* another row tells of the same socket */
};

/** One row. */
struct unix_row {
    struct sockq_row row; /* without its name */
    size_t name;          /* where the name stands in unix_rows.names */
    uint32_t name_length;
    uint32_t first; /* bytes of its first line */
    uint32_t text;  /* bytes of all its lines with the line feeds between */
    uint32_t loose; /* lines behind it that are no rows, where it has no name to continue */
    bool named;
    bool doubted; /* it may be text of a name before it of which nothing is known */
    uint8_t fate;
};

struct unix_rows {
    struct unix_row *list; /* owned */
    size_t count;
    size_t room;
    char *names; /* owned */
    size_t names_used;
    size_t names_room;
    uint32_t forged;  /* rows that were found to be none */
    uint32_t suspect; /* rows that may be none */
    int error;        /* why sock_diag did not tell of the names, though this kernel has it; or 0 */
};

/**
 * Keep one more row.
 *
 * @name  its bytes; borrowed for the call
 * @return  0, or -1 with errno (ENOMEM)
 */
int unix_rows_add(struct unix_rows *rows, const struct unix_row *row, const char *name);

/**
 * True if a line may stand in the name of a row before the one that is about to be added.
 *
 * @row     not added yet: the line comes behind its text
 * @length  bytes of the line
 */
bool unix_rows_reach(const struct unix_rows *rows, const struct unix_row *row, size_t length);

/**
 * Decide the fate of each row. A row can be text of a name only if it stands in the lines behind
 * that name and all of it fits into the 108 bytes of a name.
 *
 * By sock_diag: the rows within the lines of a true name are forged, and the name is put right;
 * those behind a name without a line feed are real. What is not told, because the socket with the
 * name has gone meanwhile, is judged by itself: a row that contradicts what the kernel says of its
 * inode is suspect; one that is gone as well, or stands a second time and tells something else,
 * unsure.
 *
 * Without: a row is suspect whose inode stands a second time and there tells something else. A
 * forged one with an inode of its own is not found; so if sock_diag should have told, all others
 * that may be forged are unsure, and counted with those that are suspect.
 *
 * @live    sock_diag of the calling thread tells of this namespace
 * @return  0, or -1 with errno (ENOMEM)
 */
int unix_rows_judge(struct unix_rows *rows, bool live);

/**
 * Of the rows of a live kernel that have one inode keep one: a socket that is bound while the text
 * is read is printed before and behind (net/unix/af_unix.c, __unix_set_addr_hash moves it). What is
 * kept is the last of those that cannot be text of a name; where there is none all are, and so are
 * suspect rows. Call it behind unix_rows_judge.
 *
 * @return  how many were found a second time, or -1 with errno (ENOMEM)
 */
long unix_rows_join(struct unix_rows *rows);

/** Bytes of memory that rows take, with what judging them takes. */
uint64_t unix_rows_memory(const struct unix_rows *rows);

/** Free what rows hold. Safe on a zeroed struct. */
void unix_rows_free(struct unix_rows *rows);

/**
 * Scan a row in its strict form (proc_unix.c).
 *
 * @return  behind the inode, NULL if it is none
 */
const char *unix_scan_row(const char *p, const char *end, struct sockq_row *row);

#endif

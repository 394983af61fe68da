/*
 * The socket tables, read from the text under /proc/net, one scanner a line format, or by
 * sock_diag (sock_diag.h): one reader for all.
 *
 * A scanner turns one line of text into one row. It reports what is wrong by a reason and never
 * by a message, allocates nothing but arena room for names and address lists, and leaves the row
 * unused when it fails, so that no field of one row can leak into another.
 */
#ifndef SOCKQ_SOURCE_H
#define SOCKQ_SOURCE_H
#include <stdbool.h>
#include <stddef.h>

#include "../netns/netns.h"
#include "../owner/owner.h"
#include "../proc.h"
#include "../rowset.h"
#include "again.h"
#include "inodes.h"
#include "recent.h"

struct cgroups;
struct feed;
struct table_job;
struct table_reader;

/** How the lines of one table are read. */
struct table_format {
    const char *path;    /* below /proc, such as "net/tcp"; NULL: of sock_diag alone */
    const char *header;  /* the first words of its header, one blank between them */
    size_t longest;      /* the longest line that can be a row */
    bool continued;      /* a line that is no row can continue the row before it (unix) */
    bool header_repeats; /* the kernel may print the header again (sctp/eps) */
    /*
     * Looks in a row that must bring no row that an earlier one lost, before there are no more of
     * them: one where the kernel finds its place again by bucket, among many, two where by a count,
     * none where rows cannot be told apart.
     */
    unsigned quiet_looks;
    /*
     * Scan one line, without its line feed, into the reader's next row and push it.
     * The table is passed because several tables share a format.
     */
    enum sockq_reason (*scan)(struct table_reader *reader, const char *line, const char *end);
    /*
     * Push what is held back at the end of the file; NULL where nothing ever is.
     * @return true if the check stopped it
     */
    bool (*flush)(struct table_reader *reader);
};

/** The state of one read of one table; scanners see the lines through it. */
struct table_reader {
    const struct table_format *format;
    struct sockq_writer *w; /* where rows go */
    struct table_job *job;
    const struct sockq_proc *proc; /* where they come from */
    struct owner_index *owners;    /* NULL: not asked for */
    struct netns_list *namespaces; /* NULL: that of the reader alone */
    enum sockq_table table;
    enum sockq_source_choice source; /* PROC or DIAG */
    uint64_t states;                 /* wanted inet states, a bit each; 0: all */
    unsigned asked;                  /* of sock_diag: requests that were answered before this one */
    uint8_t socket_state;            /* of sock_diag: that of the SCTP socket told of last */
    uint64_t socket_cookie;          /* and its number */
    uint32_t line;                   /* number of the line being scanned, from 1 */
    uint16_t row_flags;              /* flags for the row being scanned */
    struct recent *recent;           /* to leave out rows that come twice; NULL: they are kept */
    struct inodes *inodes;           /* of the rows so far; NULL: they are not marked */
    uint64_t cookie;                 /* of the row that is pushed, if that alone tells it again */
    struct again *again;             /* the rows so far, for later looks; NULL: there are none */
    bool is_later;                   /* a later look: only what the earlier ones lost is pushed */
    int64_t closed_ns;               /* when it was heard that it is destroyed; 0: it is not */
    bool doubted;                    /* the row that is pushed may be text of a unix name */
    uint32_t found;                  /* by it */
    uint32_t found_old;              /* of these, sockets that were there before the start */
    bool crlf;                       /* the header ended in CR LF: the file was converted */
    struct unix_text *held;          /* unix rows that are not judged yet, owned by proc_unix.c */
};

/** The text of one table of one namespace, or why there is none. */
struct table_text {
    struct feed *feed; /* NULL: none; owned */
    int error;         /* errno of opening; 0 with no feed: not a regular file */
    bool is_memory;    /* the error is of this process, not of the file */
    bool is_counted;   /* before it was opened ahead: */
    int64_t before;    /* so many sockets there were, -1: not known */
};

/** What reading the tables of one row set takes; borrowed but for `next`. */
struct table_job {
    const struct sockq_proc *proc;
    struct sockq_writer *w;
    struct owner_index *owners;    /* NULL: not asked for */
    struct netns_list *namespaces; /* NULL: only that of the reader */
    struct recent *recent;         /* to leave out rows that come twice; NULL: they are kept */
    struct inodes *inodes;         /* to mark rows whose inode comes twice; NULL: they are not */
    struct inodes cookies;         /* of the unix rows so far; zero but for the seed at first */
    struct cgroups *cgroups;       /* NULL: their paths are not asked for */
    const struct sockq_question *question;
    bool (*check)(void *); /* called after every piece; true stops */
    void *context;
    /* What is read behind the present text, opened while that is read; table_job_end closes it. */
    struct table_text next;
    enum sockq_table next_table;
    uint32_t next_netns;
    bool has_next;
};

/** What is known behind one look at a table. */
enum look_end {
    LOOK_WHOLE,  /* nothing can lack, or the table's info says why */
    LOOK_UNSURE, /* sockets may have been passed over that were there all the while */
    LOOK_GAPS    /* the source said that its answer has gaps */
};

/** Whether a namespace is that of the reader, of which sock_diag tells by itself. */
static inline bool table_is_own(const struct sockq_proc *proc, const struct netns_list *namespaces,
                                uint32_t netns)
{
    return proc->live &&
           (!namespaces || (namespaces->list[netns].pid == 0 && !namespaces->list[netns].error));
}

/** The socket by which sock_diag tells of another namespace; NULL: there is none. */
static inline struct netns_diag *table_diag(const struct netns_list *namespaces, uint32_t netns)
{
    return namespaces && !namespaces->list[netns].error ? namespaces->list[netns].diag : NULL;
}

/** Whether sock_diag is to be asked for a table of a namespace. */
bool table_asks_diag(const struct table_job *job, enum sockq_table table, uint32_t netns);

/** Whether a table that may have changed while it was read is looked at again. */
bool table_looks_again(const struct table_job *job, enum sockq_table table);

/** How many sockets of a table a namespace has; -1: not known. */
int64_t table_count(const struct table_job *job, enum sockq_table table, uint32_t netns);

/** Read one table of every namespace into the row set; its tables[] entry says how it went. */
void table_read(struct table_job *job, enum sockq_table table);

/** Open the table of one namespace. */
struct table_text table_text_open(const struct table_job *job, enum sockq_table table,
                                  uint32_t netns);

/** Open what is read behind a table of the writer's namespace, and begin to read it. */
void table_text_ahead(struct table_job *job, enum sockq_table now);

/** The table of the writer's namespace: what was opened ahead, or opened now. */
struct table_text table_text_take(struct table_job *job, enum sockq_table table);

/** Free what was opened and not read. */
void table_job_end(struct table_job *job);

/** The format of a table; never NULL for a number below SOCKQ_TABLES. */
const struct table_format *table_format(enum sockq_table table);

/** Show the reader the rows so far. @return true if no more are wanted */
bool table_show(struct table_reader *reader);

/** Tell of a failure of this process, which makes the present table a failed one. */
void table_fail(struct table_reader *reader, int error);

/** Push the row that the scanner filled, if its state is wanted, with owners. */
void table_push(struct table_reader *reader, struct sockq_row *row);

/* The scanners, each beside the kernel function that prints its lines. */
enum sockq_reason scan_inet(struct table_reader *reader, const char *line, const char *end);
enum sockq_reason scan_unix(struct table_reader *reader, const char *line, const char *end);
bool flush_unix(struct table_reader *reader);
enum sockq_reason scan_netlink(struct table_reader *reader, const char *line, const char *end);
enum sockq_reason scan_packet(struct table_reader *reader, const char *line, const char *end);
enum sockq_reason scan_sctp_eps(struct table_reader *reader, const char *line, const char *end);
enum sockq_reason scan_sctp_assocs(struct table_reader *reader, const char *line, const char *end);

#endif

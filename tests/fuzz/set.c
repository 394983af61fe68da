/*
 * Row sets as a reader sees them: by offsets into the arena, each checked.
 */
#include <errno.h>

#include "../../src/copy.h"
#include "../../src/problem.h"
#include "fuzz.h"

struct walk {
    const struct sockq_file *file;
    const struct sockq_set *set;
    struct fuzz_dump *dump;
    uint64_t links; /* followed: more than the arena has room for means a circle */
};

static void put(struct walk *w, const void *bytes, size_t size)
{
    struct fuzz_dump *d = w->dump;

    if (d->room - d->used < size) {
        d->room = (d->room + size) * 2;
        d->bytes = realloc(d->bytes, d->room);
        FUZZ_CHECK(d->bytes);
    }
    if (size)
        memcpy(d->bytes + d->used, bytes, size);
    d->used += size;
}

static void put_number(struct walk *w, uint64_t number)
{
    put(w, &number, sizeof(number));
}

/* Every byte of it is looked at, so that a sanitizer sees one that is not there. */
static const void *at(struct walk *w, uint64_t offset, size_t size)
{
    const void *bytes = sockq_set_at(w->file->map, w->set, offset, size);

    FUZZ_CHECK(bytes);
    return bytes;
}

static const void *link_at(struct walk *w, uint64_t offset, size_t size)
{
    FUZZ_CHECK(offset % 8 == 0);
    FUZZ_CHECK(++w->links <= w->set->rows * 2 + w->set->arena);
    return at(w, offset, size);
}

static void put_text(struct walk *w, uint64_t offset, uint32_t length)
{
    FUZZ_CHECK(offset || length == 0);
    put_number(w, length);
    put_number(w, offset != 0);
    if (offset)
        put(w, at(w, offset, length), length);
}

static void put_process(struct walk *w, uint64_t offset)
{
    const struct sockq_process *p = at(w, offset, sizeof(*p));

    FUZZ_CHECK(offset % 8 == 0);
    put_number(w, p->pid);
    put_number(w, p->flags);
    put_number(w, p->started);
    put_text(w, p->program, p->program_len);
    put_text(w, p->cmdline, p->cmdline_len);
    put_text(w, p->cgroup, p->cgroup_len);
    put_text(w, p->comm, p->comm_len);
    put_text(w, p->exe, p->exe_len);
}

static void put_owners(struct walk *w, uint64_t offset)
{
    for (const struct sockq_owner *o; offset; offset = o->next) {
        o = link_at(w, offset, sizeof(*o));
        put_number(w, o->fd);
        put_number(w, o->flags);
        put_process(w, o->process);
    }
    put(w, ";", 1);
    /* Many rows can have the same owners. */
    w->links = 0;
}

static void put_addresses(struct walk *w, uint64_t offset)
{
    for (const struct sockq_address *a; offset; offset = a->next) {
        a = link_at(w, offset, sizeof(*a));
        FUZZ_CHECK(a->family == SOCKQ_AF_INET || a->family == SOCKQ_AF_INET6);
        put(w, a->bytes, sizeof(a->bytes));
        put_number(w, a->family);
        put_number(w, a->primary);
    }
    put(w, ";", 1);
}

static void put_inet_more(struct walk *w, uint64_t offset)
{
    const struct sockq_diag *more = link_at(w, offset, sizeof(*more));
    struct sockq_diag copy = *more;

    FUZZ_CHECK(memchr(more->cc, 0, sizeof(more->cc)));
    copy.info = copy.ulp = copy.md5sig = 0;
    put(w, &copy, sizeof(copy));
    put_text(w, more->info, more->info_len);
    put_text(w, more->ulp, more->ulp_len);
    put_text(w, more->md5sig, more->md5sig_len);
}

static void put_unix_more(struct walk *w, uint64_t offset)
{
    const struct sockq_unix_diag *more = link_at(w, offset, sizeof(*more));
    struct sockq_unix_diag copy = *more;

    copy.waiting = 0;
    put(w, &copy, sizeof(copy));
    FUZZ_CHECK(more->waiting_count <= SOCKQ_BLOCK_SIZE / sizeof(uint32_t));
    put_text(w, more->waiting, more->waiting_count * (uint32_t)sizeof(uint32_t));
}

static void put_packet_more(struct walk *w, uint64_t offset)
{
    const struct sockq_packet_diag *more = link_at(w, offset, sizeof(*more));
    struct sockq_packet_diag copy = *more;

    copy.filter = 0;
    put(w, &copy, sizeof(copy));
    put_text(w, more->filter, more->filter_len);
}

/* What more sock_diag told. @row  a copy, of which the offset is taken out */
static void put_more(struct walk *w, struct sockq_row *row)
{
    const bool is_inet = row->family == SOCKQ_AF_INET || row->family == SOCKQ_AF_INET6;
    const uint64_t offset = is_inet ? row->diag.more : row->more;

    put_number(w, row->table != SOCKQ_VSOCK && offset);
    if (row->table == SOCKQ_VSOCK)
        return;
    if (is_inet)
        row->diag.more = 0;
    else
        row->more = 0;
    if (!offset)
        return;
    if (is_inet)
        put_inet_more(w, offset);
    else if (row->table == SOCKQ_UNIX)
        put_unix_more(w, offset);
    else if (row->table == SOCKQ_PACKET)
        put_packet_more(w, offset);
    else if (row->table == SOCKQ_TIPC)
        put(w, link_at(w, offset, sizeof(struct sockq_tipc_diag)), sizeof(struct sockq_tipc_diag));
    else if (row->table == SOCKQ_XDP)
        put(w, link_at(w, offset, sizeof(struct sockq_xdp_diag)), sizeof(struct sockq_xdp_diag));
    else
        put(w, link_at(w, offset, sizeof(struct sockq_netlink_diag)),
            sizeof(struct sockq_netlink_diag));
}

static void put_row(struct walk *w, const struct sockq_row *from, uint32_t namespaces)
{
    struct sockq_row row = *from;

    FUZZ_CHECK(row.table < SOCKQ_TABLES && w->set->question.tables >> row.table & 1);
    FUZZ_CHECK(sockq_row_fits(&row));
    FUZZ_CHECK(sockq_row_has_state(&row, w->set->question.states));
    FUZZ_CHECK(row.netns < namespaces && row.peer <= w->set->rows);
    row.owner = 0;
    /* A copy has nothing of a line of text beyond its row. */
    if ((row.table == SOCKQ_TCP || row.table == SOCKQ_TCP6) && !(row.flags & SOCKQ_ROW_DIAG))
        row.tcp.line = 0;
    if (row.table == SOCKQ_NETLINK)
        row.nl.line = 0;
    if (row.table == SOCKQ_UNIX)
        row.un.path = 0;
    const bool has_lists = (row.table == SOCKQ_SCTP_EPS || row.table == SOCKQ_SCTP_ASSOCS) &&
                           !(row.flags & SOCKQ_ROW_DIAG);
    if (has_lists)
        row.sctp.local = row.sctp.remote = 0;
    if (row.flags & SOCKQ_ROW_DIAG)
        put_more(w, &row);
    put(w, &row, sizeof(row));
    put_owners(w, from->owner);
    if (row.table == SOCKQ_UNIX)
        put_text(w, from->un.path, from->un.path_len);
    if (has_lists) {
        put_addresses(w, from->sctp.local);
        put_addresses(w, from->sctp.remote);
    }
}

static uint32_t put_namespaces(struct walk *w)
{
    uint32_t count = 0;

    for (uint64_t offset = w->set->namespaces; offset; count++) {
        const struct sockq_netns *n = link_at(w, offset, sizeof(*n));
        put_number(w, n->inode);
        put_number(w, (uint64_t)n->pid << 32 | n->first);
        put_number(w, (uint32_t)n->error);
        put_text(w, n->name, n->name_len);
        put_text(w, n->program, n->program_len);
        offset = n->next;
    }
    return count ? count : 1;
}

static void put_problems(struct walk *w, uint32_t namespaces)
{
    uint64_t kept = 0;

    for (uint64_t offset = w->set->problems; offset; kept++) {
        const struct sockq_problem *p = link_at(w, offset, sizeof(*p));
        FUZZ_CHECK(p->table < SOCKQ_TABLES && p->reason < SOCKQ_REASONS && p->netns < namespaces);
        FUZZ_CHECK(*sockq_problem_text(p->reason));
        offset = p->next;
        struct sockq_problem copy = *p;
        copy.next = 0;
        put(w, &copy, sizeof(copy));
    }
    FUZZ_CHECK(kept <= w->set->problem_count);
}

static void put_tables(struct walk *w)
{
    uint64_t rows = 0, bad = 0;

    for (int i = 0; i < SOCKQ_TABLES; i++) {
        struct sockq_table_info info = w->set->tables[i];
        bool asked = w->set->question.tables >> i & 1;
        FUZZ_CHECK(info.status <= SOCKQ_TABLE_FAILED && (asked || info.rows == 0));
        FUZZ_CHECK(info.rows == 0 || info.first_row == rows);
        for (uint64_t k = rows; k < rows + info.rows; k++)
            FUZZ_CHECK(k < w->set->rows && sockq_set_row(w->file->map, w->set, k)->table == i);
        rows += info.rows;
        bad += info.bad;
        /* Of a namespace that is gone; a copy takes it for one that has no such table. */
        if (asked && info.status == SOCKQ_TABLE_UNREAD) {
            info.status = SOCKQ_TABLE_MISSING;
            info.error = ENOENT;
        }
        put(w, &info, sizeof(info));
    }
    FUZZ_CHECK(rows == w->set->rows && bad == w->set->problem_count);
}

static void put_rest(struct walk *w)
{
    const struct sockq_set *set = w->set;

    for (uint64_t offset = set->facts; offset;) {
        const struct sockq_fact *f = link_at(w, offset, sizeof(*f));
        put_number(w, (uint64_t)f->file << 32 | (uint32_t)f->error);
        put_text(w, f->text, f->text_len);
        offset = f->next;
    }
    for (uint64_t offset = set->owners.holders; offset;) {
        const struct sockq_holder *h = link_at(w, offset, sizeof(*h));
        uint64_t links = w->links;
        put_number(w, h->inode);
        put_owners(w, h->owner);
        w->links = links;
        offset = h->next;
    }
    for (uint64_t offset = set->cgroups; offset;) {
        const struct sockq_cgroup *c = link_at(w, offset, sizeof(*c));
        put_number(w, c->id);
        put_text(w, c->path, c->path_len);
        offset = c->next;
    }
    put_owners(w, set->owners.zero);
    put_text(w, set->filter, set->filter_len);
    put_number(w, set->owners.processes);
    put_number(w, set->owners.sockets);
    put_number(w, set->owners.odd);
    put_number(w, set->owners.boot_time);
    put_number(w, set->status);
}

struct fuzz_dump fuzz_dump_set(const struct sockq_file *file, const struct sockq_set *set)
{
    struct fuzz_dump dump = {0};
    struct walk w = {.file = file, .set = set, .dump = &dump};

    FUZZ_CHECK(memcmp(set->magic, SOCKQ_SET_MAGIC, sizeof(set->magic)) == 0);
    FUZZ_CHECK(set->status != SOCKQ_SET_READING && set->status <= SOCKQ_SET_FAILED);
    FUZZ_CHECK(set->user_hz > 0 && memchr(set->host, 0, sizeof(set->host)) &&
               memchr(set->kernel, 0, sizeof(set->kernel)));
    uint32_t namespaces = put_namespaces(&w);
    put_tables(&w);
    for (uint64_t i = 0; i < set->rows; i++)
        put_row(&w, sockq_set_row(file->map, set, i), namespaces);
    put_problems(&w, namespaces);
    put_rest(&w);
    return dump;
}

void fuzz_check_set(const struct sockq_file *file, const struct sockq_set *set)
{
    struct fuzz_dump dump = fuzz_dump_set(file, set);

    fuzz_dump_free(&dump);
}

bool fuzz_repeats(const struct sockq_set *set)
{
    uint64_t repeats = 0;

    for (int i = 0; i < SOCKQ_TABLES; i++)
        repeats += set->tables[i].duplicates;
    return repeats > 0;
}

bool fuzz_same(const struct fuzz_dump *a, const struct fuzz_dump *b)
{
    size_t i = 0;

    while (i < a->used && i < b->used && a->bytes[i] == b->bytes[i])
        i++;
    if (i == a->used && i == b->used)
        return true;
    fprintf(stderr, "two row sets differ in byte %zu of %zu and %zu\n", i, a->used, b->used);
    return false;
}

void fuzz_dump_free(struct fuzz_dump *dump)
{
    free(dump->bytes);
    *dump = (struct fuzz_dump){0};
}

struct sockq_file *fuzz_file(void)
{
    static struct sockq_file file;

    if (!file.base)
        FUZZ_CHECK(sockq_file_open(&file, FUZZ_MEMORY, false) == 0);
    return &file;
}

void fuzz_check_copy(struct sockq_file *file, const struct sockq_set *set)
{
    const struct sockq_source source = {.set = set, .base = file->map};
    const struct sockq_selection all = {.question = set->question};
    struct fuzz_dump before = fuzz_dump_set(file, set), after;
    struct sockq_writer w;
    enum sockq_flaw flaw;

    FUZZ_CHECK(sockq_copy(&w, file, &source, &all, &flaw) == 0);
    after = fuzz_dump_set(file, w.set);
    FUZZ_CHECK(fuzz_same(&before, &after));
    fuzz_dump_free(&before);
    fuzz_dump_free(&after);
    sockq_file_release(file, w.block);
}

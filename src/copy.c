#include "copy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "copier.h"
#include "peers.h"

enum {
    MOST_HZ = 1000000,
    KNOWN = 2 * SOCKQ_HAS_ADDRS - 1,
    ROW_FLAGS = 2 * SOCKQ_ROW_LONG_LINE - 1,
    PROCESS_FLAGS = 2 * SOCKQ_PROCESS_STARTED - 1
};

/* The copy of what was met before as this kind, 0 if it was not. */
static uint64_t met(const struct copier *c, uint64_t offset, enum kind kind)
{
    if (offset % KINDS != 0 || offset >= c->source->set->arena ||
        c->moved[offset / KINDS] % KINDS != (uint64_t)kind)
        return 0;
    return c->moved[offset / KINDS] - (uint64_t)kind;
}

static void forget_unasked(uint32_t flags, struct sockq_process *process)
{
    if (!(flags & SOCKQ_WITH_CGROUPS))
        process->cgroup = process->cgroup_len = 0;
    if (!(flags & SOCKQ_WITH_COMM))
        process->comm = process->comm_len = 0;
    if (!(flags & SOCKQ_WITH_EXE))
        process->exe = process->exe_len = 0;
    if (!(flags & SOCKQ_WITH_STARTED)) {
        process->started = 0;
        process->flags &= ~(uint32_t)SOCKQ_PROCESS_STARTED;
    }
}

static uint64_t copy_process(struct copier *c, uint64_t offset)
{
    uint64_t to = met(c, offset, PROCESS), *mark;

    if (to)
        return to;
    const struct sockq_process *process = copier_new_at(c, offset, sizeof(*process), &mark);
    if (!process)
        return 0;
    struct sockq_process copy = *process;
    if (copy.flags & ~(uint32_t)PROCESS_FLAGS)
        copier_flawed(c, SOCKQ_FLAW_ROW);
    copy.thread = 0;
    copy.program = copier_text(c, copy.program, copy.program_len);
    copy.cmdline = copier_text(c, copy.cmdline, copy.cmdline_len);
    forget_unasked(c->question->flags, &copy);
    copy.cgroup = copier_text(c, copy.cgroup, copy.cgroup_len);
    copy.comm = copier_text(c, copy.comm, copy.comm_len);
    copy.exe = copier_text(c, copy.exe, copy.exe_len);
    struct sockq_process *kept = sockq_writer_alloc(c->w, sizeof(copy), &to);
    if (!kept)
        return 0;
    *kept = copy;
    *mark = to | PROCESS;
    return to;
}

static uint64_t copy_owners(struct copier *c, uint64_t offset)
{
    uint64_t first = met(c, offset, FIRST_OWNER), to, *mark, *link = &first;

    if (first)
        return first;
    while (offset && copier_goes_on(c)) {
        const struct sockq_owner *owner = copier_new_at(c, offset, sizeof(*owner), &mark);
        if (!owner || (owner->flags & ~(uint32_t)SOCKQ_OWNER_OLD_LINK)) {
            copier_flawed(c, SOCKQ_FLAW_ROW);
            return 0;
        }
        uint64_t process = copy_process(c, owner->process);
        struct sockq_owner *copy = sockq_writer_alloc(c->w, sizeof(*copy), &to);
        if (!process || !copy)
            return 0;
        *copy = (struct sockq_owner){.process = process, .fd = owner->fd, .flags = owner->flags};
        *mark = to | (first ? NEXT_OWNER : FIRST_OWNER);
        *link = to;
        link = &copy->next;
        offset = owner->next;
    }
    return first;
}

static uint64_t copy_addresses(struct copier *c, uint64_t offset)
{
    uint64_t first = 0, to, *mark, *link = &first;

    while (offset && copier_goes_on(c)) {
        const struct sockq_address *address = copier_new_at(c, offset, sizeof(*address), &mark);
        if (!address || (address->family != SOCKQ_AF_INET && address->family != SOCKQ_AF_INET6)) {
            copier_flawed(c, SOCKQ_FLAW_ROW);
            return 0;
        }
        struct sockq_address *copy = sockq_writer_alloc(c->w, sizeof(*copy), &to);
        if (!copy)
            return 0;
        *copy = *address;
        copy->next = 0;
        *mark = to | SINGLE;
        *link = to;
        link = &copy->next;
        offset = address->next;
    }
    return first;
}

static bool asks_table(const struct copier *c, uint32_t table)
{
    return c->question->tables >> table & 1;
}

static bool asks_owners(const struct copier *c)
{
    return c->question->flags & SOCKQ_OWNER_FLAGS;
}

/* Rows come table by table. */
static bool is_sound(struct copier *c, const struct sockq_row *row, uint32_t least)
{
    if (row->table >= SOCKQ_TABLES || row->table < least ||
        !(c->source->set->question.tables >> row->table & 1) || !sockq_row_fits(row) ||
        (row->known & ~(uint32_t)KNOWN) || (row->flags & ~ROW_FLAGS) ||
        row->netns >= c->namespaces ||
        (row->peer && !(c->source->set->question.flags & SOCKQ_WITH_PEERS)))
        return copier_flawed(c, SOCKQ_FLAW_ROW);
    return true;
}

static void copy_row(struct copier *c, const struct sockq_row *row)
{
    struct sockq_row copy = *row;

    /* Found anew among the rows that are copied. */
    copy.peer = 0;
    copy.owner = asks_owners(c) ? copy_owners(c, row->owner) : 0;
    if (row->table == SOCKQ_UNIX)
        copy.un.path = copier_text(c, row->un.path, row->un.path_len);
    /* For a view of what is read now alone. */
    if (row->table == SOCKQ_TCP || row->table == SOCKQ_TCP6)
        copy.tcp.line = row->flags & SOCKQ_ROW_DIAG ? copy.tcp.line : 0;
    if (row->table == SOCKQ_NETLINK)
        copy.nl.line = 0;
    copier_diag(c, row, &copy);
    if ((row->table == SOCKQ_SCTP_EPS || row->table == SOCKQ_SCTP_ASSOCS) &&
        !(row->flags & SOCKQ_ROW_DIAG)) {
        copy.sctp.local = copy_addresses(c, row->sctp.local);
        copy.sctp.remote = copy_addresses(c, row->sctp.remote);
    }
    struct sockq_row *to = sockq_writer_row(c->w);
    if (!to || !copier_goes_on(c))
        return;
    *to = copy;
    sockq_writer_push(c->w);
    c->counts[row->table]++;
}

/* What a question for owners alone lists: here those of the rows that there are. */
static void list_holder(struct copier *c, const struct sockq_row *row)
{
    uint64_t offset;

    if (!row->owner || met(c, row->owner, FIRST_OWNER))
        return;
    uint64_t owner = copy_owners(c, row->owner);
    struct sockq_holder *holder = sockq_writer_alloc(c->w, sizeof(*holder), &offset);
    if (!holder || !owner)
        return;
    *holder = (struct sockq_holder){
        .next = c->w->set->owners.holders, .inode = row->inode, .owner = owner};
    c->w->set->owners.holders = offset;
}

static void copy_rows(struct copier *c, const struct sockq_selection *selection)
{
    const struct sockq_source *source = c->source;
    uint64_t all = sockq_set_rows(source->set);
    uint64_t count = selection->rows ? selection->count : all;
    uint32_t least = 0;

    for (uint64_t i = 0; i < count && copier_goes_on(c); i++) {
        uint64_t index = selection->rows ? selection->rows[i] : i;
        if (index >= all || (selection->rows && i > 0 && index <= selection->rows[i - 1])) {
            c->w->error = EINVAL;
            return;
        }
        const struct sockq_row *row =
            source->base ? sockq_set_row(source->base, source->set, index) : &source->rows[index];
        if (!is_sound(c, row, least))
            return;
        least = row->table;
        if (c->question->tables == 0 && asks_owners(c))
            list_holder(c, row);
        else if (asks_table(c, row->table) && sockq_row_has_state(row, c->question->states))
            copy_row(c, row);
    }
}

static void copy_problems(struct copier *c)
{
    uint64_t offset = c->source->set->problems, to, *mark, *link = &c->w->set->problems;

    while (offset && copier_goes_on(c)) {
        const struct sockq_problem *problem = copier_new_at(c, offset, sizeof(*problem), &mark);
        if (!problem || problem->table >= SOCKQ_TABLES || problem->reason >= SOCKQ_REASONS ||
            problem->netns >= c->namespaces) {
            copier_flawed(c, SOCKQ_FLAW_HEADER);
            return;
        }
        offset = problem->next;
        c->told[problem->table]++;
        *mark = SINGLE;
        if (!asks_table(c, problem->table))
            continue;
        struct sockq_problem *copy = sockq_writer_alloc(c->w, sizeof(*copy), &to);
        if (!copy)
            return;
        *copy = *problem;
        copy->next = 0;
        *link = to;
        link = &copy->next;
    }
}

/* Before the rows, which name them by number. */
static void copy_namespaces(struct copier *c)
{
    uint64_t offset = c->source->set->namespaces, to, *mark, *link = &c->w->set->namespaces;
    uint32_t count = 0;

    while (offset && copier_goes_on(c)) {
        const struct sockq_netns *entry = copier_new_at(c, offset, sizeof(*entry), &mark);
        if (!entry || count++ == UINT16_MAX) {
            copier_flawed(c, SOCKQ_FLAW_HEADER);
            return;
        }
        struct sockq_netns copy = *entry;
        copy.next = copy.reserved = 0;
        c->netns_whole &= copy.error == 0 || copy.error == EPERM;
        copy.name = copier_text(c, copy.name, copy.name_len);
        copy.program = copier_text(c, copy.program, copy.program_len);
        struct sockq_netns *kept = sockq_writer_alloc(c->w, sizeof(copy), &to);
        if (!kept)
            return;
        *kept = copy;
        *mark = SINGLE;
        *link = to;
        link = &kept->next;
        offset = entry->next;
    }
    c->namespaces = count ? count : 1;
}

static void copy_facts(struct copier *c)
{
    uint64_t offset = c->source->set->facts, to, *mark, *link = &c->w->set->facts;

    if (!(c->question->flags & SOCKQ_WITH_FACTS))
        return;
    while (offset && copier_goes_on(c)) {
        const struct sockq_fact *fact = copier_new_at(c, offset, sizeof(*fact), &mark);
        if (!fact)
            return;
        struct sockq_fact copy = {.file = fact->file, .error = fact->error};
        copy.text = copier_text(c, fact->text, fact->text_len);
        copy.text_len = copy.text ? fact->text_len : 0;
        c->facts_whole &= fact->error == 0;
        struct sockq_fact *kept = sockq_writer_alloc(c->w, sizeof(copy), &to);
        if (!kept)
            return;
        *kept = copy;
        *mark = SINGLE;
        *link = to;
        link = &kept->next;
        offset = fact->next;
    }
}

static void copy_filter(struct copier *c, const struct sockq_selection *selection)
{
    const struct sockq_set *from = c->source->set;
    struct sockq_set *set = c->w->set;

    if (selection->filter)
        set->filter = sockq_writer_bytes(c->w, selection->filter, selection->filter_len);
    else
        set->filter = copier_text(c, from->filter, from->filter_len);
    if (set->filter)
        set->filter_len = selection->filter ? (uint32_t)selection->filter_len : from->filter_len;
}

static void copy_tables(struct copier *c)
{
    const struct sockq_set *from = c->source->set;
    struct sockq_set *set = c->w->set;
    uint64_t rows = 0;

    for (uint32_t i = 0; i < SOCKQ_TABLES; i++) {
        struct sockq_table_info *info = &set->tables[i];
        if (!asks_table(c, i))
            continue;
        if (from->tables[i].status > SOCKQ_TABLE_FAILED)
            copier_flawed(c, SOCKQ_FLAW_HEADER);
        *info = from->tables[i];
        if (!(from->question.tables >> i & 1) || info->status == SOCKQ_TABLE_UNREAD)
            *info = (struct sockq_table_info){
                .status = SOCKQ_TABLE_MISSING, .error = ENOENT, .source = info->source};
        if (c->told[i] > info->bad)
            copier_flawed(c, SOCKQ_FLAW_HEADER);
        info->first_row = rows;
        info->rows = c->counts[i];
        rows += info->rows;
        set->problem_count += info->bad;
    }
}

static void copy_owner_info(struct copier *c)
{
    const struct sockq_set *from = c->source->set;
    struct sockq_owner_info *info = &c->w->set->owners;
    uint64_t holders = info->holders;

    if (!asks_owners(c))
        return;
    *info = from->owners;
    info->holders = holders;
    info->zero = copy_owners(c, from->owners.zero);
    if (!(c->question->flags & SOCKQ_WITH_STARTED))
        info->boot_time = 0;
    if (!(from->question.flags & SOCKQ_OWNER_FLAGS))
        info->error = ENODATA;
}

static void copy_header(struct copier *c)
{
    const struct sockq_set *from = c->source->set;
    struct sockq_set *set = c->w->set;
    const uint64_t tables = ((uint64_t)1 << SOCKQ_TABLES) - 1;

    if (memcmp(from->magic, set->magic, sizeof(set->magic)) != 0 || from->version != set->version ||
        from->byte_order != set->byte_order || from->row_size != set->row_size ||
        from->block_size != set->block_size || from->user_hz == 0 || from->user_hz > MOST_HZ ||
        !memchr(from->host, '\0', sizeof(from->host)) ||
        !memchr(from->kernel, '\0', sizeof(from->kernel)) || from->question.tables == 0 ||
        (from->question.tables & ~tables) || from->question.source > SOCKQ_SOURCE_DIAG ||
        (from->question.flags & ~(uint32_t)SOCKQ_REQUEST_FLAGS) ||
        from->status == SOCKQ_SET_READING || from->status > SOCKQ_SET_FAILED)
        copier_flawed(c, SOCKQ_FLAW_HEADER);
    set->user_hz = from->user_hz;
    set->live = from->live;
    set->realtime_ns = from->realtime_ns;
    set->monotonic_ns = from->monotonic_ns;
    set->netns = from->netns;
    set->netns_refused = from->netns_refused;
    set->netns_left = from->netns_left;
    memcpy(set->host, from->host, sizeof(set->host));
    memcpy(set->kernel, from->kernel, sizeof(set->kernel));
}

/* As collecting these tables would have ended. */
static void finish(struct copier *c)
{
    const struct sockq_set *from = c->source->set;
    struct sockq_set *set = c->w->set;
    enum sockq_set_status status = (enum sockq_set_status)from->status;

    if (status == SOCKQ_SET_COMPLETE || status == SOCKQ_SET_INCOMPLETE) {
        bool whole = c->facts_whole && c->netns_whole && set->netns_left == 0 &&
                     set->problem_count == 0 && set->owners.odd == 0;
        for (int i = 0; i < SOCKQ_TABLES; i++)
            whole = whole && set->tables[i].status != SOCKQ_TABLE_FAILED;
        status = whole ? SOCKQ_SET_COMPLETE : SOCKQ_SET_INCOMPLETE;
    }
    if (status == SOCKQ_SET_FAILED)
        c->w->error = from->error;
    else if (c->question->flags & SOCKQ_WITH_PEERS && sockq_peers_find(c->w, NULL) < 0)
        c->w->error = errno;
    sockq_writer_finish(c->w, status);
}

int sockq_copy(struct sockq_writer *w, struct sockq_file *file, const struct sockq_source *source,
               const struct sockq_selection *selection, enum sockq_flaw *flaw)
{
    struct copier c = {.source = source,
                       .question = &selection->question,
                       .w = w,
                       .facts_whole = true,
                       .netns_whole = true};

    *flaw = SOCKQ_FLAW_NONE;
    if (sockq_writer_open(w, file, &selection->question) < 0)
        return -1;
    c.text_left = source->set->arena;
    c.moved = calloc(source->set->arena / KINDS + 1, sizeof(*c.moved));
    if (!c.moved)
        w->error = ENOMEM;
    copy_header(&c);
    if (copier_goes_on(&c))
        copy_namespaces(&c);
    if (copier_goes_on(&c))
        copy_rows(&c, selection);
    if (copier_goes_on(&c))
        copy_problems(&c);
    if (copier_goes_on(&c))
        copy_facts(&c);
    if (copier_goes_on(&c))
        copier_cgroups(&c);
    if (copier_goes_on(&c)) {
        copy_tables(&c);
        copy_owner_info(&c);
        copy_filter(&c, selection);
    }
    free(c.moved);
    if (copier_goes_on(&c)) {
        finish(&c);
        return 0;
    }
    /* What it took counts no more. */
    sockq_writer_finish(w, SOCKQ_SET_FAILED);
    sockq_file_release(file, w->block);
    *flaw = w->error ? SOCKQ_FLAW_NONE : c.flaw;
    errno = w->error ? w->error : EBADMSG;
    return -1;
}

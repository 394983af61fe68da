/*
 * Recordings of which the sums are right and everything else may be wrong, as a stranger can make
 * them: an error that says what, and never an offset that leads nowhere.
 */
#define _GNU_SOURCE
#include "recorded.h"

/* What is wrong with a snapshot, and how it is told. */
struct damage_case {
    const char *name;
    void (*damage)(struct image *image);
    enum sockq_flaw flaw;
};

static struct sockq_frame *frame_in(struct image *image)
{
    return (void *)image->bytes;
}

static struct sockq_owner *owner_in(struct image *image)
{
    return arena_in(image, row_of(image, SOCKQ_TCP)->owner);
}

static struct sockq_netns *netns_in(struct image *image)
{
    return arena_in(image, header_in(image)->namespaces);
}

static struct sockq_problem *problem_in(struct image *image)
{
    return arena_in(image, header_in(image)->problems);
}

#define DAMAGE(name, flaw, ...)                                                                    \
    static void name(struct image *i)                                                              \
    {                                                                                              \
        __VA_ARGS__;                                                                               \
    }                                                                                              \
    enum { flaw_of_##name = flaw };

DAMAGE(other_version, SOCKQ_FLAW_VERSION, frame_in(i)->version++)
DAMAGE(other_order, SOCKQ_FLAW_BYTE_ORDER, frame_in(i)->byte_order = 0x04030201)
DAMAGE(no_order, SOCKQ_FLAW_SUM, frame_in(i)->byte_order = 7)
DAMAGE(other_row_size, SOCKQ_FLAW_LAYOUT, frame_in(i)->row_size = 120)
DAMAGE(other_header_size, SOCKQ_FLAW_LAYOUT, frame_in(i)->header_size += 8)
DAMAGE(too_small, SOCKQ_FLAW_HEADER, frame_in(i)->size -= 8)
DAMAGE(no_size, SOCKQ_FLAW_HEADER, frame_in(i)->size = 0)
DAMAGE(more_rows, SOCKQ_FLAW_HEADER, header_in(i)->rows++)
DAMAGE(rows_that_wrap, SOCKQ_FLAW_HEADER, header_in(i)->rows += (uint64_t)1 << 57)
DAMAGE(less_arena, SOCKQ_FLAW_HEADER, header_in(i)->arena--)
DAMAGE(arena_that_wraps, SOCKQ_FLAW_HEADER, header_in(i)->arena |= (uint64_t)1 << 63)
DAMAGE(set_magic, SOCKQ_FLAW_HEADER, header_in(i)->magic[7] = 'x')
DAMAGE(set_version, SOCKQ_FLAW_HEADER, header_in(i)->version = 9)
DAMAGE(set_order, SOCKQ_FLAW_HEADER, header_in(i)->byte_order = 9)
DAMAGE(set_row_size, SOCKQ_FLAW_HEADER, header_in(i)->row_size = 64)
DAMAGE(set_block_size, SOCKQ_FLAW_HEADER, header_in(i)->block_size = 4096)
DAMAGE(no_hz, SOCKQ_FLAW_HEADER, header_in(i)->user_hz = 0)
DAMAGE(much_hz, SOCKQ_FLAW_HEADER, header_in(i)->user_hz = UINT32_MAX)
DAMAGE(endless_host, SOCKQ_FLAW_HEADER, memset(header_in(i)->host, 'h', 72))
DAMAGE(endless_kernel, SOCKQ_FLAW_HEADER, memset(header_in(i)->kernel, 'k', 72))
DAMAGE(no_tables, SOCKQ_FLAW_HEADER, header_in(i)->question.tables = 0)
DAMAGE(unknown_table, SOCKQ_FLAW_HEADER, header_in(i)->question.tables |= 1u << SOCKQ_TABLES)
DAMAGE(unknown_flag, SOCKQ_FLAW_HEADER, header_in(i)->question.flags |= 0x80000000)
DAMAGE(still_reading, SOCKQ_FLAW_HEADER, header_in(i)->status = SOCKQ_SET_READING)
DAMAGE(unknown_status, SOCKQ_FLAW_HEADER, header_in(i)->status = 99)
DAMAGE(table_status, SOCKQ_FLAW_HEADER, header_in(i)->tables[SOCKQ_TCP].status = 99)
DAMAGE(table_rows, SOCKQ_FLAW_HEADER, header_in(i)->tables[SOCKQ_TCP].rows++)
DAMAGE(table_first, SOCKQ_FLAW_HEADER, header_in(i)->tables[SOCKQ_UDP].first_row--)
DAMAGE(table_beyond, SOCKQ_FLAW_HEADER, header_in(i)->tables[15].rows = 1)
DAMAGE(row_table, SOCKQ_FLAW_ROW, row_in(i, 0)->table = SOCKQ_TABLES)
DAMAGE(row_order, SOCKQ_FLAW_ROW, row_of(i, SOCKQ_UDP)->table = SOCKQ_TCP)
DAMAGE(row_unasked, SOCKQ_FLAW_ROW, header_in(i)->question.tables &= ~(uint64_t)1)
DAMAGE(row_family, SOCKQ_FLAW_ROW, row_in(i, 0)->family = SOCKQ_AF_INET6)
DAMAGE(sctp_family, SOCKQ_FLAW_ROW, row_of(i, SOCKQ_SCTP_EPS)->family = 0)
DAMAGE(row_known, SOCKQ_FLAW_ROW, row_in(i, 0)->known |= 0x800)
DAMAGE(row_flags, SOCKQ_FLAW_ROW, row_in(i, 0)->flags |= 0x8000)
DAMAGE(row_netns, SOCKQ_FLAW_ROW, row_in(i, 0)->netns = 1)
DAMAGE(problem_netns, SOCKQ_FLAW_HEADER, problem_in(i)->netns = 1)
DAMAGE(netns_beyond, SOCKQ_FLAW_OFFSET, header_in(i)->namespaces = header_in(i)->arena - 8)
DAMAGE(netns_odd, SOCKQ_FLAW_OFFSET, header_in(i)->namespaces++)
DAMAGE(netns_circle, SOCKQ_FLAW_CHAIN, netns_in(i)->next = header_in(i)->namespaces)
DAMAGE(netns_of_owners, SOCKQ_FLAW_CHAIN, row_of(i, SOCKQ_TCP)->owner = header_in(i)->namespaces)
DAMAGE(netns_bad_name, SOCKQ_FLAW_OFFSET, netns_in(i)->name = header_in(i)->arena,
       netns_in(i)->name_len = 8)
DAMAGE(netns_bad_program, SOCKQ_FLAW_OFFSET, netns_in(i)->program_len = UINT32_MAX)
DAMAGE(row_peer, SOCKQ_FLAW_ROW, row_in(i, 0)->peer = 1)
DAMAGE(owner_beyond, SOCKQ_FLAW_OFFSET, row_in(i, 0)->owner = header_in(i)->arena - 8)
DAMAGE(owner_far, SOCKQ_FLAW_OFFSET, row_in(i, 0)->owner = (uint64_t)-8)
DAMAGE(owner_odd, SOCKQ_FLAW_OFFSET, row_in(i, 0)->owner++)
DAMAGE(owner_flags, SOCKQ_FLAW_ROW, owner_in(i)->flags = 8)
DAMAGE(owner_circle, SOCKQ_FLAW_CHAIN, owner_in(i)->next = row_of(i, SOCKQ_TCP)->owner)
DAMAGE(owner_inside, SOCKQ_FLAW_CHAIN, row_of(i, SOCKQ_UDP)->owner = owner_in(i)->next)
DAMAGE(owner_is_a_process, SOCKQ_FLAW_CHAIN, row_of(i, SOCKQ_UDP)->owner = owner_in(i)->process)
DAMAGE(owner_of_none, SOCKQ_FLAW_OFFSET, owner_in(i)->process = 0)
DAMAGE(zero_beyond, SOCKQ_FLAW_OFFSET, header_in(i)->owners.zero = header_in(i)->arena)
DAMAGE(process_beyond, SOCKQ_FLAW_OFFSET, owner_in(i)->process = header_in(i)->arena & ~7ull)
DAMAGE(process_flags, SOCKQ_FLAW_ROW,
       ((struct sockq_process *)arena_in(i, owner_in(i)->process))->flags = 8)
DAMAGE(program_long, SOCKQ_FLAW_OFFSET,
       ((struct sockq_process *)arena_in(i, owner_in(i)->process))->program_len = 1u << 30)
DAMAGE(cmdline_beyond, SOCKQ_FLAW_OFFSET,
       ((struct sockq_process *)arena_in(i, owner_in(i)->process))->cmdline = (uint64_t)1 << 40)
DAMAGE(comm_beyond, SOCKQ_FLAW_OFFSET,
       ((struct sockq_process *)arena_in(i, owner_in(i)->process))->comm = header_in(i)->arena)
DAMAGE(exe_long, SOCKQ_FLAW_OFFSET,
       ((struct sockq_process *)arena_in(i, owner_in(i)->process))->exe_len = 1u << 30)
DAMAGE(path_long, SOCKQ_FLAW_OFFSET,
       row_of(i, SOCKQ_UNIX)->un.path_len = (uint32_t)header_in(i)->arena)
DAMAGE(path_beyond, SOCKQ_FLAW_OFFSET, row_of(i, SOCKQ_UNIX)->un.path = header_in(i)->arena + 1)
DAMAGE(address_circle, SOCKQ_FLAW_CHAIN,
       ((struct sockq_address *)arena_in(i, row_of(i, SOCKQ_SCTP_EPS)->sctp.local))->next =
           row_of(i, SOCKQ_SCTP_EPS)->sctp.local)
DAMAGE(address_shared, SOCKQ_FLAW_CHAIN,
       row_of(i, SOCKQ_SCTP_ASSOCS)->sctp.local = row_of(i, SOCKQ_SCTP_EPS)->sctp.local)
DAMAGE(address_family, SOCKQ_FLAW_ROW,
       ((struct sockq_address *)arena_in(i, row_of(i, SOCKQ_SCTP_EPS)->sctp.local))->family = 1)
DAMAGE(problem_circle, SOCKQ_FLAW_CHAIN, problem_in(i)->next = header_in(i)->problems)
DAMAGE(problem_table, SOCKQ_FLAW_HEADER, problem_in(i)->table = SOCKQ_TABLES)
DAMAGE(problem_reason, SOCKQ_FLAW_HEADER, problem_in(i)->reason = SOCKQ_REASONS)
DAMAGE(problem_beyond, SOCKQ_FLAW_OFFSET, header_in(i)->problems = 1u << 30)
DAMAGE(fact_circle, SOCKQ_FLAW_CHAIN,
       ((struct sockq_fact *)arena_in(i, header_in(i)->facts))->next = header_in(i)->facts)
DAMAGE(fact_long, SOCKQ_FLAW_OFFSET,
       ((struct sockq_fact *)arena_in(i, header_in(i)->facts))->text_len = UINT32_MAX)
DAMAGE(filter_beyond, SOCKQ_FLAW_OFFSET, header_in(i)->filter = (uint64_t)-1)
DAMAGE(filter_long, SOCKQ_FLAW_OFFSET, header_in(i)->filter_len = 1u << 20)
DAMAGE(fact_beyond, SOCKQ_FLAW_OFFSET, header_in(i)->facts = header_in(i)->arena + 8)

#define CASE(name)                                                                                 \
    {                                                                                              \
#name, name, (enum sockq_flaw)flaw_of_##name                                               \
    }

static const struct damage_case cases[] = {
    CASE(other_version),
    CASE(other_order),
    CASE(no_order),
    CASE(other_row_size),
    CASE(other_header_size),
    CASE(too_small),
    CASE(no_size),
    CASE(more_rows),
    CASE(rows_that_wrap),
    CASE(less_arena),
    CASE(arena_that_wraps),
    CASE(set_magic),
    CASE(set_version),
    CASE(set_order),
    CASE(set_row_size),
    CASE(set_block_size),
    CASE(no_hz),
    CASE(much_hz),
    CASE(endless_host),
    CASE(endless_kernel),
    CASE(no_tables),
    CASE(unknown_table),
    CASE(unknown_flag),
    CASE(still_reading),
    CASE(unknown_status),
    CASE(table_status),
    CASE(table_rows),
    CASE(table_first),
    CASE(table_beyond),
    CASE(row_table),
    CASE(row_order),
    CASE(row_unasked),
    CASE(row_family),
    CASE(sctp_family),
    CASE(row_known),
    CASE(row_flags),
    CASE(row_netns),
    CASE(problem_netns),
    CASE(netns_beyond),
    CASE(netns_odd),
    CASE(netns_circle),
    CASE(netns_of_owners),
    CASE(netns_bad_name),
    CASE(netns_bad_program),
    CASE(row_peer),
    CASE(owner_beyond),
    CASE(owner_far),
    CASE(owner_odd),
    CASE(owner_flags),
    CASE(owner_circle),
    CASE(owner_inside),
    CASE(owner_is_a_process),
    CASE(owner_of_none),
    CASE(zero_beyond),
    CASE(process_beyond),
    CASE(process_flags),
    CASE(program_long),
    CASE(cmdline_beyond),
    CASE(comm_beyond),
    CASE(exe_long),
    CASE(path_long),
    CASE(path_beyond),
    CASE(address_circle),
    CASE(address_shared),
    CASE(address_family),
    CASE(problem_circle),
    CASE(problem_table),
    CASE(problem_reason),
    CASE(problem_beyond),
    CASE(fact_circle),
    CASE(fact_long),
    CASE(filter_beyond),
    CASE(filter_long),
    CASE(fact_beyond),
};

static int load_bytes(struct fixture *f, const struct image *image,
                      struct sockq_recording *recording, uint32_t *block)
{
    if (list_bytes(f, image->bytes, image->size, recording) < 0)
        return -1;
    if (recording->count == 0) {
        errno = ENOENT;
        return -1;
    }
    return sockq_recording_load(recording, 0, &f->file, block);
}

static void a_damaged_snapshot(void **state)
{
    struct fixture *f = *state;
    const struct damage_case *c = f->given;
    struct image image = lone_snapshot(f);
    struct sockq_recording recording;
    uint32_t block, sets = f->file.sets.count;

    assert_int_equal(load_bytes(f, &image, &recording, &block), 0);
    sockq_file_release(&f->file, block);
    sockq_recording_close(&recording);
    c->damage(&image);
    sum_again(&image);
    assert_int_equal(load_bytes(f, &image, &recording, &block), -1);
    assert_int_equal(errno, EBADMSG);
    if (recording.flaw != c->flaw)
        print_error("told: %s\n", sockq_flaw_text(recording.flaw));
    assert_int_equal(recording.flaw, c->flaw);
    assert_int_equal(recording.flaw_at, 0);
    assert_int_equal(f->file.sets.count, sets);
    sockq_recording_close(&recording);
    free(image.bytes);
}

/* Read all that Lua could read of a set that was loaded. */
static void walk(const struct fixture *f, const struct sockq_set *set)
{
    const void *base = f->file.map;

    for (uint64_t i = 0; i < sockq_set_rows(set); i++) {
        const struct sockq_row *row = sockq_set_row(base, set, i);
        assert_true(row->table < SOCKQ_TABLES);
        assert_true(row->peer <= sockq_set_rows(set));
        uint64_t at = row->owner;
        for (const struct sockq_owner *owner; at; at = owner->next) {
            owner = sockq_set_at(base, set, at, sizeof(*owner));
            assert_non_null(owner);
            const struct sockq_process *p = sockq_set_at(base, set, owner->process, sizeof(*p));
            assert_non_null(p);
            assert_true(!p->program || sockq_set_at(base, set, p->program, p->program_len));
            assert_true(!p->cmdline || sockq_set_at(base, set, p->cmdline, p->cmdline_len));
            assert_true(!p->cgroup || sockq_set_at(base, set, p->cgroup, p->cgroup_len));
            assert_true(!p->comm || sockq_set_at(base, set, p->comm, p->comm_len));
            assert_true(!p->exe || sockq_set_at(base, set, p->exe, p->exe_len));
        }
        if (row->table == SOCKQ_UNIX)
            assert_true(!row->un.path || sockq_set_at(base, set, row->un.path, row->un.path_len));
        at = row->table == SOCKQ_SCTP_ASSOCS ? row->sctp.remote : 0;
        for (const struct sockq_address *address; at; at = address->next) {
            address = sockq_set_at(base, set, at, sizeof(*address));
            assert_non_null(address);
        }
    }
    uint64_t at = set->problems;
    for (const struct sockq_problem *problem; at; at = problem->next) {
        problem = sockq_set_at(base, set, at, sizeof(*problem));
        assert_non_null(problem);
    }
    assert_true(!set->filter || sockq_set_at(base, set, set->filter, set->filter_len));
    at = set->facts;
    for (const struct sockq_fact *fact; at; at = fact->next) {
        fact = sockq_set_at(base, set, at, sizeof(*fact));
        assert_non_null(fact);
        assert_true(!fact->text || sockq_set_at(base, set, fact->text, fact->text_len));
    }
}

/* Any word put anywhere, sums right: an error, or a set in which every offset leads somewhere. */
static void every_word_changed(void **state)
{
    struct fixture *f = *state;
    struct image image = lone_snapshot(f);
    const uint64_t arena = header_in(&image)->arena;
    const uint64_t words[] = {0, 1, 8, 16, arena - 8, arena, arena + 8, UINT64_MAX, arena / 16 * 8};
    struct sockq_recording recording;
    unsigned loaded = 0, refused = 0;
    uint32_t block;

    for (size_t i = sizeof(struct sockq_frame); i + 8 <= image.size; i += 8 * EVERY_PLACE)
        for (size_t k = 0; k < COUNT(words); k++) {
            uint64_t kept;
            memcpy(&kept, image.bytes + i, 8);
            memcpy(image.bytes + i, &words[k], 8);
            sum_again(&image);
            if (load_bytes(f, &image, &recording, &block) == 0) {
                walk(f, (const void *)(f->file.map + ((size_t)block << SOCKQ_BLOCK_SHIFT)));
                sockq_file_release(&f->file, block);
                loaded++;
            } else {
                assert_int_equal(errno, EBADMSG);
                refused++;
            }
            sockq_recording_close(&recording);
            memcpy(image.bytes + i, &kept, 8);
        }
    assert_true(loaded > 100 && refused > 100);
    free(image.bytes);
}

/* Who is at the other end is never taken from a file. */
static void peers_that_lead_nowhere(void **state)
{
    struct fixture *f = *state;
    struct image image = lone_snapshot(f);
    struct sockq_recording recording;
    uint32_t block;

    header_in(&image)->question.flags |= SOCKQ_WITH_PEERS;
    for (uint64_t i = 0; i < header_in(&image)->rows; i++)
        row_in(&image, i)->peer = i % 2 ? UINT32_MAX : (uint32_t)i + 2;
    sum_again(&image);
    assert_int_equal(load_bytes(f, &image, &recording, &block), 0);
    const struct sockq_set *set =
        (const void *)(f->file.map + ((size_t)block << SOCKQ_BLOCK_SHIFT));
    walk(f, set);
    for (uint64_t i = 0; i < sockq_set_rows(set); i++) {
        uint32_t peer = sockq_set_row(f->file.map, set, i)->peer;
        assert_true(!peer || sockq_set_row(f->file.map, set, peer - 1)->peer == i + 1);
    }
    sockq_file_release(&f->file, block);
    sockq_recording_close(&recording);
    free(image.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {FIXTURE_TEST(every_word_changed),
                                       FIXTURE_TEST(peers_that_lead_nowhere)};
    int failed = cmocka_run_group_tests_name("words", tests, NULL, NULL);

    return failed + run_cases("damage", cases, sizeof(cases[0]), COUNT(cases), a_damaged_snapshot);
}

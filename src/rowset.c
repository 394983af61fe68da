#define _GNU_SOURCE
#include "rowset.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

_Static_assert(sizeof(struct sockq_row) == 128, "a row is two cache lines");
_Static_assert(offsetof(struct sockq_row, owner) == 88 && offsetof(struct sockq_row, un) == 104,
               "row.h: the layout that LuaJIT computes");
_Static_assert(sizeof(struct sockq_set) <= SOCKQ_BLOCK_SIZE, "the header fills one block");
_Static_assert((size_t)SOCKQ_TABLES <= sizeof(((struct sockq_set *)0)->tables) /
                                           sizeof(((struct sockq_set *)0)->tables[0]),
               "every table has its info");

enum { ARENA_BLOCKS = sizeof(((struct sockq_set *)0)->arena_blocks) / sizeof(uint32_t) };

/* Memory is asked for in these steps; each divides a block. */
enum { FIRST_BACKED = 16 << 10, MORE_BACKED = 128 << 10, BACKED_STEP = 64 << 10 };

/* The pages of private memory that is about to be used. */
static int make_writable(unsigned char *at, size_t size)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), before = (uintptr_t)at % page;

    return mprotect(at - before, before + size, PROT_READ | PROT_WRITE);
}

/* Ask for memory before it is touched: running out is an error here, not a SIGBUS later. */
static int back_with_memory(struct sockq_writer *w, void *at, size_t size)
{
    struct sockq_file *file = w->file;
    const uint64_t pages = (size + SOCKQ_PAGE - 1) / SOCKQ_PAGE;

    if (file->used_most && pages > file->used_most - file->used) {
        errno = EDQUOT;
        return -1;
    }
    if ((!file->shared && make_writable(at, size) < 0) ||
        (madvise(at, size, MADV_POPULATE_WRITE) < 0 && errno != EINVAL)) {
        errno = ENOMEM;
        return -1;
    }
    file->used += pages;
    w->pages += pages;
    return 0;
}

int sockq_file_count(struct sockq_file *file, uint64_t *counted, uint64_t bytes)
{
    const uint64_t before = (*counted + SOCKQ_PAGE - 1) / SOCKQ_PAGE;
    const uint64_t now = (bytes + SOCKQ_PAGE - 1) / SOCKQ_PAGE;

    if (now > before && file->used_most && now - before > file->used_most - file->used) {
        errno = EDQUOT;
        return -1;
    }
    file->used = file->used - before + now;
    *counted = bytes;
    return 0;
}

static void *fail(struct sockq_writer *w, int error)
{
    if (!w->error)
        w->error = error;
    return NULL;
}

/*
 * A block that the header lists, 0: none yet. The list lies in memory that others share: a number
 * that is not of this set's is the header's own, so that nothing beyond the set is touched.
 */
static uint32_t listed(const struct sockq_writer *w, const uint32_t *place)
{
    const uint32_t block = __atomic_load_n(place, __ATOMIC_RELAXED);

    return block == 0 || sockq_file_has(w->file, w->block, block) ? block : w->block;
}

int sockq_writer_open(struct sockq_writer *w, struct sockq_file *file,
                      const struct sockq_question *question)
{
    *w = (struct sockq_writer){.file = file};
    if (file->sets_most && file->sets.count >= file->sets_most) {
        errno = EDQUOT;
        return -1;
    }
    if (sockq_file_take(file, 0, &w->block) < 0)
        return -1;
    w->set = (struct sockq_set *)(void *)sockq_file_at(file, w->block);
    if ((!file->shared && make_writable((void *)w->set, sizeof(*w->set)) < 0) ||
        back_with_memory(w, w->set, FIRST_BACKED) < 0 || sockq_list_add(&file->pages, 0) < 0 ||
        sockq_list_add(&file->sets, w->block) < 0) {
        int saved = errno;
        file->used -= w->pages;
        if (file->pages.count > file->sets.count)
            file->pages.count--;
        sockq_file_give(file, w->block);
        errno = saved;
        return -1;
    }
    struct sockq_set *set = w->set;
    memcpy(set->magic, SOCKQ_SET_MAGIC, sizeof(set->magic));
    set->version = SOCKQ_SET_VERSION;
    set->byte_order = SOCKQ_SET_BYTE_ORDER;
    set->row_size = sizeof(struct sockq_row);
    set->block_size = SOCKQ_BLOCK_SIZE;
    set->question = *question;
    /* Offset 0 means "none", so the arena's first bytes are never given out. */
    w->arena = 0;
    return 0;
}

/* A block for rows: one that the reader has passed, else a new one, which is zero. */
static int take_row_block(struct sockq_writer *w, uint32_t *block)
{
    w->used_before = w->spare.count > 0;
    w->ready = w->used_before ? SOCKQ_BLOCK_SIZE : 0;
    if (!w->used_before)
        return sockq_file_take(w->file, w->block, block);
    *block = w->spare.blocks[--w->spare.count];
    return 0;
}

struct sockq_row *sockq_writer_row(struct sockq_writer *w)
{
    size_t used = w->rows % SOCKQ_BLOCK_ROWS * sizeof(struct sockq_row);

    if (used == 0) {
        uint64_t index = w->rows / SOCKQ_BLOCK_ROWS;
        if (index >= sizeof(w->set->row_blocks) / sizeof(w->set->row_blocks[0]))
            return fail(w, ENOSPC);
        uint32_t block = listed(w, &w->set->row_blocks[index]);
        if (!block && take_row_block(w, &block) < 0)
            return fail(w, errno);
        w->set->row_blocks[index] = block;
        if (w->next && !w->lent)
            w->last_block = w->next - SOCKQ_BLOCK_ROWS;
        w->next = (struct sockq_row *)(void *)sockq_file_at(w->file, block);
    }
    if (used >= w->ready) {
        size_t more = w->rows == 0 ? FIRST_BACKED : MORE_BACKED;
        if (more > SOCKQ_BLOCK_SIZE - w->ready)
            more = SOCKQ_BLOCK_SIZE - w->ready;
        if (back_with_memory(w, (unsigned char *)(w->next - used / sizeof(*w->next)) + w->ready,
                             more))
            return fail(w, errno);
        w->ready += more;
    }
    /* A new block is zero: only a row that was given up needs clearing. */
    if (w->lent || w->used_before)
        *w->next = (struct sockq_row){0};
    w->lent = true;
    return w->next;
}

void *sockq_writer_at(struct sockq_writer *w, uint64_t offset)
{
    const uint64_t index = offset >> SOCKQ_BLOCK_SHIFT;
    uint32_t block = index < ARENA_BLOCKS ? listed(w, &w->set->arena_blocks[index]) : 0;

    return sockq_file_at(w->file, block ? block : w->block) + (offset & (SOCKQ_BLOCK_SIZE - 1));
}

const void *sockq_writer_text(struct sockq_writer *w, uint64_t offset, size_t size)
{
    const bool fits = offset && size <= SOCKQ_BLOCK_SIZE - (offset & (SOCKQ_BLOCK_SIZE - 1));

    return fits ? sockq_writer_at(w, offset) : NULL;
}

struct sockq_row *sockq_writer_row_at(const struct sockq_writer *w, uint64_t index)
{
    const uint32_t block = listed(w, &w->set->row_blocks[index / SOCKQ_BLOCK_ROWS]);
    unsigned char *at = sockq_file_at(w->file, block ? block : w->block);

    return (struct sockq_row *)(void *)at + index % SOCKQ_BLOCK_ROWS;
}

/* The arena goes on in another block: the one before may be used again, where it has memory to its
   end. */
static void close_arena_block(struct sockq_writer *w)
{
    const uint64_t index = (w->arena - 1) >> SOCKQ_BLOCK_SHIFT;
    const bool is_backed = w->arena_ready == (index + 1) << SOCKQ_BLOCK_SHIFT;

    if (w->arena_lasts || !is_backed || sockq_list_add(&w->closed, (uint32_t)index) < 0)
        return;
    /* The row that is being made may tell of it too. */
    if (sockq_list_add(&w->closed, (uint32_t)w->rows + 1) < 0)
        w->closed.count--;
}

/* A block for the arena, as its part with this index. @return 0, or -1 with errno */
static int take_arena_block(struct sockq_writer *w, uint64_t index, uint32_t *block)
{
    const bool is_new = w->arena_spare.count == 0;

    if (is_new && sockq_file_take(w->file, w->block, block) < 0)
        return -1;
    if (w->arena)
        close_arena_block(w);
    w->arena_lasts = false;
    if (!is_new) {
        *block = w->arena_spare.blocks[--w->arena_spare.count];
        w->arena_ready = (index + 1) << SOCKQ_BLOCK_SHIFT;
    }
    return 0;
}

void *sockq_writer_row_alloc(struct sockq_writer *w, size_t size, uint64_t *offset)
{
    uint64_t start = w->arena ? (w->arena + 7) & ~(uint64_t)7 : 8;
    uint64_t left = SOCKQ_BLOCK_SIZE - (start & (SOCKQ_BLOCK_SIZE - 1));

    if (size > SOCKQ_BLOCK_SIZE - 8)
        return fail(w, EMSGSIZE);
    if (size > left || left == SOCKQ_BLOCK_SIZE)
        start = (start + SOCKQ_BLOCK_SIZE - 1) & ~(uint64_t)(SOCKQ_BLOCK_SIZE - 1);
    uint64_t index = start >> SOCKQ_BLOCK_SHIFT;
    if (index >= ARENA_BLOCKS)
        return fail(w, ENOSPC);
    uint32_t block = listed(w, &w->set->arena_blocks[index]);
    if (!block && take_arena_block(w, index, &block) < 0)
        return fail(w, errno);
    w->set->arena_blocks[index] = block;
    unsigned char *at = sockq_writer_at(w, start);
    if (w->arena_ready < start - start % BACKED_STEP)
        w->arena_ready = start - start % BACKED_STEP;
    if (start + size > w->arena_ready) {
        uint64_t upto = (start + size + BACKED_STEP - 1) / BACKED_STEP * BACKED_STEP;
        if (back_with_memory(w, sockq_writer_at(w, w->arena_ready), upto - w->arena_ready) < 0)
            return fail(w, errno);
        w->arena_ready = upto;
    }
    memset(at, 0, size);
    w->arena = start + size;
    *offset = start;
    return at;
}

void sockq_writer_rewind(struct sockq_writer *w, uint64_t arena)
{
    if (arena && (arena - 1) >> SOCKQ_BLOCK_SHIFT == (w->arena - 1) >> SOCKQ_BLOCK_SHIFT)
        w->arena = arena;
}

void *sockq_writer_alloc(struct sockq_writer *w, size_t size, uint64_t *offset)
{
    void *at = sockq_writer_row_alloc(w, size, offset);

    w->arena_lasts = true;
    return at;
}

uint64_t sockq_writer_bytes(struct sockq_writer *w, const void *bytes, size_t size)
{
    uint64_t offset;
    void *at = sockq_writer_alloc(w, size, &offset);

    if (!at)
        return 0;
    memcpy(at, bytes, size);
    return offset;
}

void sockq_writer_passed(struct sockq_writer *w, uint64_t rows)
{
    for (; (w->passed + 1) * SOCKQ_BLOCK_ROWS <= rows; w->passed++) {
        const uint32_t block = listed(w, &w->set->row_blocks[w->passed]);
        /* Where the list cannot grow the set keeps its block. */
        if (block && block != w->block && sockq_list_add(&w->spare, block) == 0)
            w->set->row_blocks[w->passed] = 0;
    }
    for (; w->closed_passed < w->closed.count; w->closed_passed += 2) {
        const uint32_t *closed = w->closed.blocks + w->closed_passed;
        if (closed[1] > rows)
            break;
        const uint32_t block = listed(w, &w->set->arena_blocks[closed[0]]);
        if (block && block != w->block && sockq_list_add(&w->arena_spare, block) == 0)
            w->set->arena_blocks[closed[0]] = 0;
    }
}

void sockq_writer_commit(struct sockq_writer *w)
{
    __atomic_store_n(&w->set->arena, w->arena, __ATOMIC_RELEASE);
    if (w->cgroups)
        __atomic_store_n(&w->set->cgroups, w->cgroups, __ATOMIC_RELEASE);
    if (!w->held)
        __atomic_store_n(&w->set->rows, w->rows, __ATOMIC_RELEASE);
}

void sockq_writer_problem(struct sockq_writer *w, enum sockq_table table, uint32_t line,
                          enum sockq_reason reason, int error, bool lost)
{
    struct sockq_table_info *info = &w->set->tables[table];
    uint64_t offset;

    w->set->problem_count++;
    if (++info->bad > SOCKQ_PROBLEMS_KEPT && reason < SOCKQ_BAD_WRONG_TABLE)
        return;
    struct sockq_problem *problem = sockq_writer_alloc(w, sizeof(*problem), &offset);
    if (!problem)
        return;
    *problem = (struct sockq_problem){.table = table,
                                      .line = line,
                                      .reason = reason,
                                      .error = error,
                                      .lost = lost,
                                      .netns = w->netns};
    if (w->last_problem)
        ((struct sockq_problem *)sockq_writer_at(w, w->last_problem))->next = offset;
    else
        w->set->problems = offset;
    w->last_problem = offset;
}

static void give_back(struct sockq_file *file, struct sockq_list *spare)
{
    for (uint32_t i = 0; i < spare->count; i++)
        sockq_file_give(file, spare->blocks[i]);
    free(spare->blocks);
    *spare = (struct sockq_list){0};
}

void sockq_writer_finish(struct sockq_writer *w, enum sockq_set_status status)
{
    w->held = false;
    sockq_writer_commit(w);
    give_back(w->file, &w->spare);
    give_back(w->file, &w->arena_spare);
    free(w->closed.blocks);
    w->closed = (struct sockq_list){0};
    for (uint32_t i = 0; i < w->file->sets.count; i++)
        if (w->file->sets.blocks[i] == w->block)
            w->file->pages.blocks[i] = (uint32_t)w->pages;
    w->set->error = w->error;
    __atomic_store_n(&w->set->status, w->error ? SOCKQ_SET_FAILED : status, __ATOMIC_RELEASE);
}

void sockq_file_release(struct sockq_file *file, uint32_t block)
{
    uint32_t i = 0;

    while (i < file->sets.count && file->sets.blocks[i] != block)
        i++;
    if (i == file->sets.count)
        return;
    file->used -= file->pages.blocks[i];
    file->sets.blocks[i] = file->sets.blocks[--file->sets.count];
    file->pages.blocks[i] = file->pages.blocks[--file->pages.count];
    sockq_file_give_all(file, block);
}

uint64_t sockq_set_rows(const struct sockq_set *set)
{
    return __atomic_load_n(&set->rows, __ATOMIC_ACQUIRE);
}

enum sockq_set_status sockq_set_status(const struct sockq_set *set)
{
    return (enum sockq_set_status)__atomic_load_n(&set->status, __ATOMIC_ACQUIRE);
}

const struct sockq_row *sockq_set_row(const void *base, const struct sockq_set *set, uint64_t index)
{
    const unsigned char *block =
        (const unsigned char *)base +
        ((size_t)set->row_blocks[index / SOCKQ_BLOCK_ROWS] << SOCKQ_BLOCK_SHIFT);

    return (const struct sockq_row *)(const void *)block + index % SOCKQ_BLOCK_ROWS;
}

const void *sockq_set_at(const void *base, const struct sockq_set *set, uint64_t offset,
                         size_t size)
{
    uint64_t limit = __atomic_load_n(&set->arena, __ATOMIC_ACQUIRE);
    uint64_t within = offset & (SOCKQ_BLOCK_SIZE - 1);

    if (offset == 0 || offset > limit || size > limit - offset || size > SOCKQ_BLOCK_SIZE - within)
        return NULL;
    return (const unsigned char *)base +
           ((size_t)set->arena_blocks[offset >> SOCKQ_BLOCK_SHIFT] << SOCKQ_BLOCK_SHIFT) + within;
}

bool sockq_row_fits(const struct sockq_row *row)
{
    static const uint8_t families[SOCKQ_TABLES] = {
        [SOCKQ_TCP] = SOCKQ_AF_INET,      [SOCKQ_TCP6] = SOCKQ_AF_INET6,
        [SOCKQ_UDP] = SOCKQ_AF_INET,      [SOCKQ_UDP6] = SOCKQ_AF_INET6,
        [SOCKQ_UDPLITE] = SOCKQ_AF_INET,  [SOCKQ_UDPLITE6] = SOCKQ_AF_INET6,
        [SOCKQ_RAW] = SOCKQ_AF_INET,      [SOCKQ_RAW6] = SOCKQ_AF_INET6,
        [SOCKQ_ICMP] = SOCKQ_AF_INET,     [SOCKQ_ICMP6] = SOCKQ_AF_INET6,
        [SOCKQ_UNIX] = SOCKQ_AF_UNIX,     [SOCKQ_NETLINK] = SOCKQ_AF_NETLINK,
        [SOCKQ_PACKET] = SOCKQ_AF_PACKET, [SOCKQ_MPTCP] = SOCKQ_AF_INET,
        [SOCKQ_MPTCP6] = SOCKQ_AF_INET6,  [SOCKQ_DCCP] = SOCKQ_AF_INET,
        [SOCKQ_DCCP6] = SOCKQ_AF_INET6,   [SOCKQ_VSOCK] = SOCKQ_AF_VSOCK,
        [SOCKQ_TIPC] = SOCKQ_AF_TIPC,     [SOCKQ_XDP] = SOCKQ_AF_XDP,
    };

    if (row->table == SOCKQ_SCTP_EPS || row->table == SOCKQ_SCTP_ASSOCS)
        return row->family == SOCKQ_AF_INET || row->family == SOCKQ_AF_INET6;
    return row->family == families[row->table];
}

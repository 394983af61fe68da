/*
 * Memory that runs out, and kernels that lack a call. Each allocation of a collection fails in
 * turn: the result is an error that says so, or the whole answer, and afterwards all is as before.
 *
 * Linked with the options in test_faults.link, so that the core's calls come here first.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../src/collector.h"
#include "../../src/owner/index.h"
#include "helper.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

static const struct sockq_question everything = {.tables = ((uint64_t)1 << SOCKQ_TABLES) - 1,
                                                 .flags = SOCKQ_OWNER_FLAGS | SOCKQ_WITH_FACTS};

/* Which call fails. */
static struct {
    long in;           /* this one from now on, counted from 1; 0: none */
    bool failed;       /* it came */
    int populate;      /* every MADV_POPULATE_WRITE fails with this errno */
    int give_back;     /* every MADV_REMOVE and MADV_DONTNEED does */
    bool no_exec_seal; /* memfd_create knows no MFD_NOEXEC_SEAL */
    bool no_proc;      /* /proc is not mounted */
    bool keep;         /* a copy of the memory file's descriptor goes to `kept` */
    int kept;
} plan;

static bool fails(void)
{
    /* Threads of the collection allocate as well. */
    if (__atomic_load_n(&plan.in, __ATOMIC_RELAXED) == 0 ||
        __atomic_sub_fetch(&plan.in, 1, __ATOMIC_RELAXED) > 0)
        return false;
    plan.failed = true;
    errno = ENOMEM;
    return true;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *at, size_t size);
void *__real_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
int __real_madvise(void *at, size_t size, int advice);
int __real_memfd_create(const char *name, unsigned flags);
int __real_open(const char *path, int flags, ...);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *at, size_t size);
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
int __wrap_madvise(void *at, size_t size, int advice);
int __wrap_memfd_create(const char *name, unsigned flags);
int __wrap_open(const char *path, int flags, ...);

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *at, size_t size)
{
    return fails() ? NULL : __real_realloc(at, size);
}

void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    return fails() ? MAP_FAILED : __real_mmap(at, size, protection, flags, fd, offset);
}

int __wrap_madvise(void *at, size_t size, int advice)
{
    bool populate = advice == MADV_POPULATE_WRITE;
    bool give_back = advice == MADV_REMOVE || advice == MADV_DONTNEED;

    if ((populate && plan.populate) || (give_back && plan.give_back)) {
        errno = populate ? plan.populate : plan.give_back;
        return -1;
    }
    return fails() ? -1 : __real_madvise(at, size, advice);
}

int __wrap_memfd_create(const char *name, unsigned flags)
{
    if (plan.no_exec_seal && flags & ~(unsigned)(MFD_CLOEXEC | MFD_ALLOW_SEALING)) {
        errno = EINVAL;
        return -1;
    }
    int fd = __real_memfd_create(name, flags);
    if (plan.keep)
        plan.kept = dup(fd);
    return fd;
}

int __wrap_open(const char *path, int flags, ...)
{
    va_list list;

    if (plan.no_proc && strncmp(path, "/proc/", 6) == 0) {
        errno = ENOENT;
        return -1;
    }
    va_start(list, flags);
    unsigned mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, unsigned) : 0;
    va_end(list);
    return __real_open(path, flags, mode);
}

static void reset(void)
{
    memset(&plan, 0, sizeof(plan));
}

/* A tree with something of everything, and enough of it that every list and index grows. */
static void make_full_tree(struct fixture *f)
{
    enum { ROWS = 12000, LINKS = 1500 };
    static char text[ROWS * 160];
    size_t size = 0;
    char path[64], target[64];

    reset();
    for (int i = 0; i < SOCKQ_TEXT_TABLES; i++) {
        int n = snprintf(text, sizeof(text), "%snonsense\n", good_of((enum sockq_table)i));
        put_table(f, (enum sockq_table)i, text, (size_t)n);
    }
    for (int i = 1; i <= ROWS; i++)
        size += (size_t)snprintf(text + size, sizeof(text) - size,
                                 "0: 0100007F:0050 0200007F:0016 01 0:0 00:0 0 0 0 %d 1 0\n", i);
    put_table(f, SOCKQ_UDP, text, size);
    put_folder(f, "5/fd");
    for (int i = 1; i <= LINKS; i++) {
        snprintf(path, sizeof(path), "5/fd/%d", i);
        snprintf(target, sizeof(target), "socket:[%d]", i);
        put_link(f, path, target);
    }
    put_text(f, "5/cmdline", "/usr/sbin/sshd");
    put_text(f, "5/cgroup", "0::/system.slice\n");
    put_text(f, "6/fd/nothing", "");
    /* As large as a file of facts may be, so that the arena grows by it. */
    memset(text, '0', (size_t)256 << 10);
    put_bytes(f, "net/softnet_stat", text, (size_t)256 << 10);
    put_text(f, "uptime", "1.00 1.00\n");
}

/* Read through all that a set refers to: what is damaged fails. */
static uint64_t look_at_all(struct fixture *f, const struct sockq_client *client, uint32_t block)
{
    struct fixture view = *f;

    view.file.map = client->map;
    view.w.set = (struct sockq_set *)(uintptr_t)sockq_client_set(client, block);
    uint64_t rows = sockq_set_rows(view.w.set);
    for (uint64_t i = 0; i < rows; i++)
        describe(&view, row_at(&view, i));
    for (unsigned i = 0; problem_at(&view, i); i++)
        assert_true(problem_at(&view, i)->reason < SOCKQ_REASONS);
    for (uint64_t at = view.w.set->facts; at;) {
        const struct sockq_fact *fact = sockq_set_at(view.file.map, view.w.set, at, sizeof(*fact));
        assert_non_null(fact);
        assert_non_null(sockq_set_at(view.file.map, view.w.set, fact->text, fact->text_len));
        at = fact->next;
    }
    return rows;
}

/* One collection in which the call `in` fails. @return false if there were fewer calls */
static bool collect_with_fault(struct fixture *f, long in, uint64_t all)
{
    struct sockq_client client;
    uint32_t block = 0;

    reset();
    plan.in = in;
    if (sockq_client_open(&client, f->path) < 0) {
        assert_true(plan.failed);
        assert_int_equal(errno, ENOMEM);
        return true;
    }
    int result = sockq_client_collect(&client, &everything, &block);
    int error = errno;
    bool failed = plan.failed;
    reset();
    if (result < 0) {
        assert_true(failed);
        assert_int_equal(error, ENOMEM);
    } else {
        const struct sockq_set *set = sockq_client_set(&client, block);
        uint64_t rows = look_at_all(f, &client, block);
        if (sockq_set_status(set) == SOCKQ_SET_FAILED)
            assert_int_equal(set->error, ENOMEM);
        else if (set->owners.error)
            assert_int_equal(set->owners.error, ENOMEM);
        else
            assert_int_equal(rows, all);
        assert_true(failed || sockq_set_status(set) == SOCKQ_SET_INCOMPLETE);
        sockq_client_release(&client, block);
    }
    /* The same client goes on as if nothing had been. */
    assert_int_equal(sockq_client_collect(&client, &everything, &block), 0);
    assert_int_equal(sockq_set_status(sockq_client_set(&client, block)), SOCKQ_SET_INCOMPLETE);
    assert_int_equal(sockq_set_rows(sockq_client_set(&client, block)), all);
    sockq_client_close(&client);
    return failed;
}

static void each_allocation_of_a_collection(void **state)
{
    struct fixture *f = *state;
    const uint64_t all = 12000 + SOCKQ_TEXT_TABLES - 1;
    long in = 1;

    make_full_tree(f);
    while (collect_with_fault(f, in, all))
        in++;
    /* The row and arena blocks, the reader's buffers, the index and its growth, the folders. */
    print_message("%ld calls failed in turn\n", in - 1);
    assert_true(in > 30);
}

static void each_allocation_of_a_shared_file(void **state)
{
    bool more = true;

    (void)state;
    for (long in = 1; more; in++) {
        struct sockq_file file;
        struct sockq_writer w;
        reset();
        plan.in = in;
        int opened = sockq_file_open(&file, (size_t)8 << 20, true);
        if (opened == 0 && sockq_writer_open(&w, &file, &everything) == 0)
            sockq_file_release(&file, w.block);
        else
            assert_int_equal(errno, ENOMEM);
        more = plan.failed;
        reset();
        if (opened == 0) {
            assert_int_equal(sockq_writer_open(&w, &file, &everything), 0);
            sockq_file_close(&file);
        }
    }
}

/* Without room to remember a block it is lost to the run; what else there is stays in use. */
static void each_allocation_of_releases(void **state)
{
    enum { SETS = 200 };
    bool more = true;

    (void)state;
    for (long in = 1; more; in++) {
        struct sockq_file file;
        struct sockq_writer w[SETS];
        reset();
        assert_int_equal(sockq_file_open(&file, (size_t)512 << 20, false), 0);
        for (int i = 0; i < SETS; i++)
            assert_int_equal(sockq_writer_open(&w[i], &file, &everything), 0);
        plan.in = in;
        for (int i = 0; i < SETS; i++)
            sockq_file_release(&file, w[i].block);
        more = plan.failed;
        reset();
        assert_true(file.unused.count >= SETS - 1);
        for (int i = 0; i < SETS; i++)
            assert_int_equal(sockq_writer_open(&w[i], &file, &everything), 0);
        sockq_file_close(&file);
    }
}

static void each_allocation_of_the_index(void **state)
{
    bool more = true;

    (void)state;
    for (long in = 1; more; in++) {
        reset();
        plan.in = in;
        struct owner_index *index = owner_index_new(10, 5000);
        if (!index)
            assert_int_equal(errno, ENOMEM);
        more = plan.failed;
        assert_int_equal(index == NULL, more);
        owner_index_free(index);
    }
    reset();
}

/* Push rows, release them, and look whether the memory came back zeroed. */
static void use_and_reuse(struct sockq_file *file)
{
    static const unsigned char zero[4096];
    struct sockq_writer w;
    uint64_t offset;

    assert_int_equal(sockq_writer_open(&w, file, &everything), 0);
    for (uint32_t i = 0; i < 10000; i++) {
        struct sockq_row *row = sockq_writer_row(&w);
        assert_non_null(row);
        row->line = i + 1;
        sockq_writer_push(&w);
    }
    assert_non_null(sockq_writer_alloc(&w, 100000, &offset));
    sockq_writer_commit(&w);
    assert_int_equal(sockq_set_row(file->map, w.set, 9999)->line, 10000);
    uint32_t next = file->next;
    sockq_file_release(file, w.block);
    /* Only parts of a private block can be written: one that is not taken back is lost. */
    if (!file->shared && plan.give_back) {
        assert_int_equal(file->unused.count, 0);
        return;
    }
    for (size_t at = SOCKQ_BLOCK_SIZE; at < (size_t)next << SOCKQ_BLOCK_SHIFT; at += sizeof(zero))
        assert_memory_equal(file->map + at, zero, sizeof(zero));
}

/* Linux before 5.14 cannot populate, others may refuse to take memory back. */
static void kernels_without_an_advice(void **state)
{
    (void)state;
    for (int shared = 0; shared < 2; shared++)
        for (int k = 0; k < 4; k++) {
            struct sockq_file file;
            reset();
            plan.populate = k & 1 ? EINVAL : 0;
            plan.give_back = k & 2 ? EINVAL : 0;
            assert_int_equal(sockq_file_open(&file, (size_t)16 << 20, shared), 0);
            use_and_reuse(&file);
            use_and_reuse(&file);
            sockq_file_close(&file);
        }
    reset();
}

/* What populating can say when memory is short. */
static void memory_is_short(void **state)
{
    static const int errors[] = {ENOMEM, EFAULT, EHWPOISON};
    struct sockq_writer w;
    struct sockq_file file;
    uint64_t offset;

    (void)state;
    for (size_t i = 0; i < COUNT(errors); i++) {
        reset();
        assert_int_equal(sockq_file_open(&file, (size_t)16 << 20, true), 0);
        assert_int_equal(sockq_writer_open(&w, &file, &everything), 0);
        plan.populate = errors[i];
        assert_null(sockq_writer_row(&w));
        assert_int_equal(w.error, ENOMEM);
        assert_null(sockq_writer_alloc(&w, 1, &offset));
        sockq_writer_finish(&w, SOCKQ_SET_COMPLETE);
        assert_int_equal(w.set->status, SOCKQ_SET_FAILED);
        uint32_t block = w.block;
        assert_int_equal(sockq_writer_open(&w, &file, &everything), -1);
        assert_int_equal(errno, ENOMEM);
        sockq_file_release(&file, block);
        reset();
        use_and_reuse(&file);
        sockq_file_close(&file);
    }
}

/* Older kernels, and a system without /proc: the reader's mapping is still read-only for good. */
static void shared_files_of_other_kernels(void **state)
{
    (void)state;
    for (int k = 0; k < 4; k++) {
        struct sockq_file file;
        reset();
        plan.no_exec_seal = k & 1;
        plan.no_proc = k & 2;
        assert_int_equal(sockq_file_open(&file, (size_t)16 << 20, true), 0);
        use_and_reuse(&file);
        use_and_reuse(&file);
        errno = 0;
        assert_int_equal(mprotect((void *)(uintptr_t)file.map, file.size, PROT_WRITE), -1);
        assert_int_equal(errno, EACCES);
        sockq_file_close(&file);
    }
    reset();
}

/* Not even who had the descriptor could make an access below the file's end fault. */
static void the_size_is_sealed(void **state)
{
    struct sockq_file file;
    struct stat st;

    (void)state;
    reset();
    plan.keep = true;
    assert_int_equal(sockq_file_open(&file, (size_t)16 << 20, true), 0);
    errno = 0;
    assert_int_equal(ftruncate(plan.kept, 0), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(ftruncate(plan.kept, 32 << 20), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(fstat(plan.kept, &st), 0);
    assert_int_equal(st.st_size, 16 << 20);
    assert_int_equal(fcntl(plan.kept, F_ADD_SEALS, F_SEAL_WRITE), -1);
    assert_int_equal(errno, EPERM);
    close(plan.kept);
    sockq_file_close(&file);
    reset();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(each_allocation_of_a_collection),
        FIXTURE_TEST(each_allocation_of_a_shared_file),
        FIXTURE_TEST(each_allocation_of_releases),
        FIXTURE_TEST(each_allocation_of_the_index),
        FIXTURE_TEST(kernels_without_an_advice),
        FIXTURE_TEST(memory_is_short),
        FIXTURE_TEST(shared_files_of_other_kernels),
        FIXTURE_TEST(the_size_is_sealed),
    };

    return cmocka_run_group_tests_name("faults", tests, NULL, NULL);
}

/*
 * The memory file where the kernel lacks a call or refuses it: it is opened another way, or
 * smaller, or the errno says why not. However it was opened, the reader's mapping stays read-only.
 *
 * Linked with the options in test_memory.link, so that the calls come here first.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/shm.h>

#include "helper.h"

static const size_t SIZE = (size_t)64 << 20;

/* The errno of a call; 0: it works. */
struct refusals {
    int memfd;
    int truncate; /* beyond truncate_most bytes */
    size_t truncate_most;
    int seal;       /* F_ADD_SEALS but for the one against writing */
    int seal_write; /* F_SEAL_FUTURE_WRITE */
    int duplicate;
    int proc;
    int map;      /* for writing */
    int map_read; /* for reading */
    int segment;
    int segment_write;
    int segment_read;
    bool secure; /* the process has rights that its user has not */
};

static struct refusals plan;

static bool refused(int error)
{
    errno = error ? error : errno;
    return error != 0;
}

int __real_memfd_create(const char *name, unsigned flags);
int __wrap_memfd_create(const char *name, unsigned flags);
int __wrap_memfd_create(const char *name, unsigned flags)
{
    return refused(plan.memfd) ? -1 : __real_memfd_create(name, flags);
}

int __real_ftruncate(int fd, off_t size);
int __wrap_ftruncate(int fd, off_t size);
int __wrap_ftruncate(int fd, off_t size)
{
    const bool fits = (size_t)size <= plan.truncate_most;

    return !fits && refused(plan.truncate) ? -1 : __real_ftruncate(fd, size);
}

int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...)
{
    va_list list;

    va_start(list, command);
    const int value = va_arg(list, int);
    va_end(list);
    const int error = command == F_DUPFD_CLOEXEC ? plan.duplicate
                      : command != F_ADD_SEALS   ? 0
                      : value & F_SEAL_SHRINK    ? plan.seal
                                                 : plan.seal_write;
    return refused(error) ? -1 : __real_fcntl(fd, command, value);
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    return refused(plan.proc) ? -1 : __real_open(path, flags, 0);
}

void *__real_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    const int error = flags & MAP_ANONYMOUS     ? plan.map_read
                      : protection & PROT_WRITE ? plan.map
                                                : plan.map_read;

    return refused(error) ? MAP_FAILED : __real_mmap(at, size, protection, flags, fd, offset);
}

int __real_shmget(key_t key, size_t size, int flags);
int __wrap_shmget(key_t key, size_t size, int flags);
int __wrap_shmget(key_t key, size_t size, int flags)
{
    /* Others of the same user could attach it. */
    assert_false(plan.secure);
    return refused(plan.segment) ? -1 : __real_shmget(key, size, flags);
}

void *__real_shmat(int segment, const void *at, int flags);
void *__wrap_shmat(int segment, const void *at, int flags);
void *__wrap_shmat(int segment, const void *at, int flags)
{
    const int error = flags & SHM_RDONLY ? plan.segment_read : plan.segment_write;

    return refused(error) ? (void *)(intptr_t)-1 : __real_shmat(segment, at, flags);
}

unsigned long __real_getauxval(unsigned long type);
unsigned long __wrap_getauxval(unsigned long type);
unsigned long __wrap_getauxval(unsigned long type)
{
    return type == AT_SECURE && plan.secure ? 1 : __real_getauxval(type);
}

struct open_case {
    const char *name;
    struct refusals refusals;
    int error;   /* 0: it is opened */
    size_t size; /* 0: as asked for */
};

#define NO_MEMFD .memfd = EMFILE
#define NO_PROC .proc = ENOENT

static const struct open_case open_cases[] = {
    {"all_works", {.memfd = 0}, 0, 0},
    {"no_memory_files", {NO_MEMFD}, 0, 0},
    {"neither_memory_files_nor_segments", {NO_MEMFD, .segment = ENOSYS}, EMFILE, 0},
    {"segments_that_are_used_up", {NO_MEMFD, .segment = ENOSPC}, EMFILE, 0},
    {"no_memory_for_a_segment", {NO_MEMFD, .segment = ENOMEM}, ENOMEM, 0},
    {"segments_that_are_too_small", {NO_MEMFD, .segment = EINVAL}, EINVAL, 0},
    {"a_segment_that_cannot_be_attached", {NO_MEMFD, .segment_write = EACCES}, EMFILE, 0},
    {"a_segment_that_cannot_be_attached_twice", {NO_MEMFD, .segment_read = EMFILE}, EMFILE, 0},
    {"a_segment_without_memory", {NO_MEMFD, .segment_read = ENOMEM}, ENOMEM, 0},
    {"no_memory_for_a_memory_file", {.memfd = ENOMEM}, ENOMEM, 0},
    {"rights_that_the_user_has_not", {NO_MEMFD, .secure = true}, EMFILE, 0},
    {"a_limit_of_file_sizes", {.truncate = EFBIG}, 0, 0},
    {"a_limit_of_file_sizes_and_no_segments",
     {.truncate = EFBIG, .truncate_most = (size_t)32 << 20, .segment = ENOSYS},
     0,
     (size_t)32 << 20},
    {"a_limit_below_the_least", {.truncate = EFBIG, .segment = ENOSYS}, EFBIG, 0},
    {"address_space_that_is_too_small", {.map = ENOMEM}, ENOMEM, 0},
    {"no_second_mapping", {.map_read = EAGAIN}, 0, 0},
    {"no_seals", {.seal = EPERM}, 0, 0},
    {"no_seals_and_no_segments", {.seal = EPERM, .segment = ENOSYS}, EPERM, 0},
    {"no_proc", {NO_PROC}, 0, 0},
    {"no_proc_and_no_seal_against_writing", {NO_PROC, .seal_write = EINVAL}, EINVAL, 0},
    {"no_proc_and_no_descriptors", {NO_PROC, .duplicate = EMFILE, .segment = ENOSYS}, EMFILE, 0},
};

static void open_one(void **state)
{
    const struct open_case *c = ((struct fixture *)*state)->given;
    static const struct refusals none;
    struct sockq_file file;

    plan = c->refusals;
    errno = 0;
    const int result = sockq_file_open(&file, SIZE, true), error = errno;
    plan = none;
    if (c->error) {
        assert_int_equal(result, -1);
        assert_int_equal(error, c->error);
        assert_null(file.base);
        assert_null(file.map);
        return;
    }
    assert_int_equal(result, 0);
    assert_int_equal(file.size, c->size ? c->size : SIZE);
    /* What the writer writes the reader sees, and may not write. */
    file.base[file.size - 1] = 7;
    assert_int_equal(file.map[file.size - 1], 7);
    assert_int_equal(mprotect((void *)(uintptr_t)file.map, file.size, PROT_READ | PROT_WRITE), -1);
    assert_int_equal(errno, EACCES);
    sockq_file_close(&file);
}

static void a_private_file(void **state)
{
    struct sockq_file file;

    (void)state;
    plan = (struct refusals){.map_read = EPERM};
    assert_int_equal(sockq_file_open(&file, SIZE, false), -1);
    assert_int_equal(errno, EPERM);
    plan = (struct refusals){.map_read = 0};
    assert_int_equal(sockq_file_open(&file, SOCKQ_BLOCK_SIZE, false), -1);
    assert_int_equal(errno, ENOMEM);
}

/* Numbers that are no block of a set's change nothing, and none that is free is given twice. */
static void blocks_that_are_none(void **state)
{
    struct sockq_file file;
    uint32_t block;

    (void)state;
    assert_int_equal(sockq_file_open(&file, SIZE, false), 0);
    const uint32_t all = (uint32_t)(SIZE >> SOCKQ_BLOCK_SHIFT) - 1;
    for (uint32_t i = 1; i <= all; i++) {
        assert_int_equal(sockq_file_take(&file, i > 1, &block), 0);
        assert_int_equal(block, i);
        assert_true(sockq_file_has(&file, 1, block));
    }
    assert_false(sockq_file_has(&file, 1, 0));
    assert_false(sockq_file_has(&file, 1, all + 1));
    assert_false(sockq_file_has(&file, 2, 1));
    assert_int_equal(sockq_file_take(&file, 1, &block), -1);
    assert_int_equal(errno, ENOSPC);
    /* Smaller than its limit: the limit it is. */
    file.used_most = SIZE / SOCKQ_PAGE;
    assert_int_equal(sockq_file_take(&file, 1, &block), -1);
    assert_int_equal(errno, EDQUOT);
    file.used_most++;
    assert_int_equal(sockq_file_take(&file, 1, &block), -1);
    assert_int_equal(errno, ENOSPC);
    for (int i = 0; i < 2; i++) {
        sockq_file_give(&file, 0);
        sockq_file_give(&file, all + 1);
        sockq_file_give(&file, 2);
        assert_int_equal(file.unused.count, 1);
    }
    assert_int_equal(sockq_file_take(&file, 1, &block), 0);
    assert_int_equal(block, 2);
    sockq_file_close(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_private_file),
        cmocka_unit_test(blocks_that_are_none),
    };

    int failed =
        run_cases("memory files", open_cases, sizeof(open_cases[0]), COUNT(open_cases), open_one);
    return failed + cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}

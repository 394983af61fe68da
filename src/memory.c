#define _GNU_SOURCE
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

static int map_shared(struct sockq_file *file, int fd)
{
    char path[32];
    int readable;

    file->base = mmap(NULL, file->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
    if (file->base == MAP_FAILED) {
        file->base = NULL;
        return -1;
    }
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    readable = open(path, O_RDONLY | O_CLOEXEC);
    if (readable < 0) {
        /* Without /proc the same is had by forbidding all writable mappings from here on. */
        if (fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE) < 0)
            return -1;
        readable = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        if (readable < 0)
            return -1;
    }
    void *map = mmap(NULL, file->size, PROT_READ, MAP_SHARED | MAP_NORESERVE, readable, 0);
    int saved = errno;
    close(readable);
    if (map == MAP_FAILED) {
        errno = saved;
        return -1;
    }
    file->map = map;
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        return -1;
    return madvise(file->base, file->size, MADV_DONTFORK);
}

static int open_memfd(struct sockq_file *file)
{
    int fd = memfd_create("sockq", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
    if (fd < 0 && errno == EINVAL)
        fd = memfd_create("sockq", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -1;
    int result = ftruncate(fd, (off_t)file->size);
    if (result == 0)
        result = map_shared(file, fd);
    int saved = errno;
    close(fd);
    errno = saved;
    return result;
}

/*
 * Where there are no memory files. Attached for reading, a segment has the rights of a read-only
 * open (ipc/shm.c, do_shmat), and a limit of file sizes does not hold for it. It ends with the last
 * process that has it, and until then every process of its owner can attach it and write, marked
 * for removal or not (shm_may_destroy, ipcperms): with rights that their user has not got, sockq
 * does without.
 */
static int open_segment(struct sockq_file *file)
{
    int segment = shmget(IPC_PRIVATE, file->size, IPC_CREAT | SHM_NORESERVE | 0600);
    if (segment < 0)
        return -1;
    void *base = shmat(segment, NULL, 0);
    const void *map = shmat(segment, NULL, SHM_RDONLY);
    int saved = errno;
    (void)shmctl(segment, IPC_RMID, NULL);
    errno = saved;
    file->base = (intptr_t)base == -1 ? NULL : base;
    file->map = (intptr_t)map == -1 ? NULL : map;
    if (!file->base || !file->map)
        return -1;
    return madvise(file->base, file->size, MADV_DONTFORK);
}

static int open_shared(struct sockq_file *file)
{
    const struct sockq_file empty = *file;

    if (open_memfd(file) == 0)
        return 0;
    int saved = errno;
    if (saved == ENOMEM || saved == EINVAL || getauxval(AT_SECURE)) {
        errno = saved;
        return -1;
    }
    if (file->base)
        munmap(file->base, file->size);
    *file = empty;
    if (open_segment(file) == 0)
        return 0;
    errno = errno == ENOMEM || errno == EINVAL ? errno : saved;
    return -1;
}

static int open_private(struct sockq_file *file)
{
    /* Not writable yet: RLIMIT_DATA counts the private memory that is, used or not. */
    file->base =
        mmap(NULL, file->size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (file->base == MAP_FAILED) {
        file->base = NULL;
        return -1;
    }
    file->map = file->base;
    return 0;
}

int sockq_file_open(struct sockq_file *file, size_t size, bool shared)
{
    int saved = ENOMEM;

    for (size &= ~(SOCKQ_BLOCK_SIZE - 1); size >= 4 * SOCKQ_BLOCK_SIZE;
         size = size / 2 & ~(SOCKQ_BLOCK_SIZE - 1)) {
        *file = (struct sockq_file){.size = size, .shared = shared, .next = 1};
        if ((shared ? open_shared(file) : open_private(file)) == 0)
            return 0;
        saved = errno;
        sockq_file_close(file);
        errno = saved;
        if (errno != ENOMEM && errno != EINVAL && errno != EFBIG)
            return -1;
    }
    errno = saved;
    return -1;
}

void sockq_file_close(struct sockq_file *file)
{
    if (file->map && file->map != file->base)
        munmap((void *)file->map, file->size);
    if (file->base)
        munmap(file->base, file->size);
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): a file that is opened again was emptied before */
    free(file->unused.blocks);
    free(file->sets.blocks);
    free(file->pages.blocks);
    free(file->owners.blocks);
    *file = (struct sockq_file){0};
}

unsigned char *sockq_file_at(const struct sockq_file *file, uint32_t block)
{
    return file->base + ((size_t)block << SOCKQ_BLOCK_SHIFT);
}

int sockq_list_add(struct sockq_list *list, uint32_t block)
{
    if (list->count == list->room) {
        uint32_t room = list->room ? list->room * 2 : 64;
        uint32_t *more = realloc(list->blocks, room * sizeof(*more));
        if (!more)
            return -1;
        list->blocks = more;
        list->room = room;
    }
    list->blocks[list->count++] = block;
    return 0;
}

int sockq_file_take(struct sockq_file *file, uint32_t set, uint32_t *block)
{
    if (file->unused.count > 0) {
        *block = file->unused.blocks[--file->unused.count];
    } else {
        if (file->next >= file->size >> SOCKQ_BLOCK_SHIFT) {
            const bool is_limit = file->used_most && file->used_most <= file->size / SOCKQ_PAGE;
            errno = is_limit ? EDQUOT : ENOSPC;
            return -1;
        }
        while (file->owners.count <= file->next)
            if (sockq_list_add(&file->owners, 0) < 0)
                return -1;
        *block = file->next++;
    }
    file->owners.blocks[*block] = set ? set : *block;
    return 0;
}

bool sockq_file_has(const struct sockq_file *file, uint32_t set, uint32_t block)
{
    return block > 0 && block < file->next && file->owners.blocks[block] == set;
}

void sockq_file_give(struct sockq_file *file, uint32_t block)
{
    if (block == 0 || block >= file->next || !file->owners.blocks[block])
        return;
    file->owners.blocks[block] = 0;
    if (madvise(sockq_file_at(file, block), SOCKQ_BLOCK_SIZE,
                file->shared ? MADV_REMOVE : MADV_DONTNEED) < 0) {
        if (!file->shared)
            return;
        memset(sockq_file_at(file, block), 0, SOCKQ_BLOCK_SIZE);
    }
    /* Where the list cannot grow the block is lost to this run, nothing else. */
    (void)sockq_list_add(&file->unused, block);
}

void sockq_file_give_all(struct sockq_file *file, uint32_t set)
{
    for (uint32_t block = 1; block < file->next; block++)
        if (block != set && file->owners.blocks[block] == set)
            sockq_file_give(file, block);
    sockq_file_give(file, set);
}

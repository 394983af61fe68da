/* Memory, and what works on the terminal by ioctl. */
#define _GNU_SOURCE
#include <asm/ioctls.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "inject.h"

enum { PAGE = 65536, RW = PROT_READ | PROT_WRITE, RWX = PROT_READ | PROT_WRITE | PROT_EXEC };

static void terminal(void)
{
    static char byte = 'x', modes[256];
    const unsigned long high = 1ul << 32;

    TRY("ioctl TIOCSTI", ABSENT, SYS_ioctl, 0, TIOCSTI, &byte);
    TRY("ioctl TIOCSTI with high bits", ABSENT, SYS_ioctl, 0, TIOCSTI | high, &byte);
    TRY("ioctl TIOCLINUX", ABSENT, SYS_ioctl, 0, TIOCLINUX, &byte);
    TRY("ioctl TIOCLINUX with high bits", ABSENT, SYS_ioctl, 0, TIOCLINUX | high, &byte);
    TRY("ioctl TIOCSCTTY", ABSENT, SYS_ioctl, 0, TIOCSCTTY, 1);
    TRY("ioctl TIOCSPGRP", ABSENT, SYS_ioctl, 0, TIOCSPGRP, modes);
    TRY("ioctl TIOCSWINSZ", ABSENT, SYS_ioctl, 0, TIOCSWINSZ, modes);
    TRY("ioctl TCSETS", ABSENT, SYS_ioctl, 0, TCSETS, modes);
    TRY("ioctl FIONBIO", ABSENT, SYS_ioctl, 0, FIONBIO, modes);
    TRY("ioctl FIOASYNC", ABSENT, SYS_ioctl, 0, FIOASYNC, modes);
}

#if !defined(__SANITIZE_ADDRESS__)
/* Page tables are no data: one page of 4 KiB for each 2 MiB that are read. */
static long read_everywhere(void)
{
    const size_t piece = (size_t)64 << 20, step = (size_t)2 << 20;

    for (int i = 0; i < 128; i++) {
        volatile const char *at = (void *)syscall(
            SYS_mmap, NULL, piece, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if ((const void *)at == MAP_FAILED)
            return -1;
        for (size_t j = 0; j < piece; j += step)
            (void)at[j];
    }
    return 0;
}

static void address_space(void)
{
    const size_t large = (size_t)8 << 30;

    TRY("mmap of 8 GiB to read", SHORT, SYS_mmap, NULL, large, PROT_READ,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    TRY("mmap of 8 GiB without rights", SHORT, SYS_mmap, NULL, large, PROT_NONE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (inject_wanted("page tables of 8 GiB", SHORT))
        inject_tell(read_everywhere());
}
#endif

void inject_memory(void)
{
    static unsigned char own[3 * PAGE];
    unsigned char *page = own + PAGE - (size_t)own % PAGE;

    TRY("mmap of a file", ABSENT, SYS_mmap, NULL, PAGE, PROT_READ, MAP_PRIVATE, 0, 0);
    TRY("mmap of a file to write", ABSENT, SYS_mmap, NULL, PAGE, RW, MAP_SHARED, 0, 0);
    TRY("mmap of shared memory", ABSENT, SYS_mmap, NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1,
        0);
    TRY("mmap to write and execute", ABSENT, SYS_mmap, NULL, PAGE, RWX, MAP_PRIVATE | MAP_ANONYMOUS,
        -1, 0);
    TRY("mmap that grows down", ABSENT, SYS_mmap, NULL, PAGE, RW,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0);
    TRY("mmap locked", ABSENT, SYS_mmap, NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED,
        -1, 0);
    TRY("mprotect to write and execute", ABSENT, SYS_mprotect, page, PAGE, RWX);
    if (inject_world.rows || !inject_world.wanted[0] || inject_world.wanted[0] == 'l')
        TRY("mprotect of the rows", REFUSED, SYS_mprotect, inject_world.rows, PAGE, RW);
#ifdef SYS_pkey_mprotect
    TRY("pkey_mprotect", ABSENT, SYS_pkey_mprotect, page, PAGE, RWX, 0);
#endif
    TRY("mremap that leaves the old", ABSENT, SYS_mremap, page, PAGE, PAGE, 4 | MREMAP_MAYMOVE, 0);
    TRY("mlock", ABSENT, SYS_mlock, page, PAGE);
    TRY("mlockall", ABSENT, SYS_mlockall, MCL_CURRENT);
#ifdef SYS_remap_file_pages
    TRY("remap_file_pages", ABSENT, SYS_remap_file_pages, page, PAGE, 0, 0, 0);
#endif
#ifdef SYS_memfd_secret
    TRY("memfd_secret", KILLED, SYS_memfd_secret, 0);
#endif
    TRY("userfaultfd", KILLED, SYS_userfaultfd, 0);
    TRY("process_madvise", KILLED, 440, 0, NULL, 0, 0, 0);
    TRY("shmget", ABSENT, SYS_shmget, 0, PAGE, 01666);
    TRY("shmat", ABSENT, SYS_shmat, 0, NULL, 0);
    TRY("msgget", ABSENT, SYS_msgget, 0, 01666);
    TRY("semget", ABSENT, SYS_semget, 0, 1, 01666);
    TRY("mq_open", ABSENT, SYS_mq_open, "sockq-inject", 0, 0666, NULL);
#if !defined(__SANITIZE_ADDRESS__)
    address_space();
#endif
    terminal();
}

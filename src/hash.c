#define _GNU_SOURCE
#include "hash.h"

#include <sys/random.h>
#include <time.h>
#include <unistd.h>

struct hash_seed hash_seed_new(void)
{
    struct hash_seed seed = {0};

    if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed)) {
        /* Early at boot, or a kernel without the call. */
        struct timespec now = {0};
        clock_gettime(CLOCK_MONOTONIC, &now);
        seed.first = (uint64_t)now.tv_nsec * 0x9e3779b97f4a7c15u ^ (uint64_t)getpid();
        seed.second = hash_fold(seed.first ^ (uint64_t)(uintptr_t)&now, 0xd6e8feb86659fd93u);
    }
    seed.second |= 1;
    return seed;
}

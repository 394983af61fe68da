/*
 * Hashing of keys that strangers choose: addresses, ports and inodes of a captured tree. Each run
 * has a seed of its own, so that nobody can make up keys that meet in one slot.
 */
#ifndef SOCKQ_HASH_H
#define SOCKQ_HASH_H
#include <stdint.h>

/** What a table's hash begins with. */
struct hash_seed {
    uint64_t first;
    uint64_t second; /* odd */
};

/** A seed that nobody outside this process knows. */
struct hash_seed hash_seed_new(void);

/**
 * A product folded onto itself: every bit of the result depends on every bit of both numbers, and
 * without the seed that was mixed into them no two pairs can be told to meet.
 */
static inline uint64_t hash_fold(uint64_t a, uint64_t b)
{
#ifdef __SIZEOF_INT128__
    __extension__ const unsigned __int128 product = (unsigned __int128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
#else
    const uint64_t low = (a & UINT32_MAX) * (b & UINT32_MAX), high = (a >> 32) * (b >> 32);
    const uint64_t one = (a >> 32) * (b & UINT32_MAX), other = (a & UINT32_MAX) * (b >> 32);

    return (low ^ high) + (one << 32 | one >> 32) + (other << 32 | other >> 32);
#endif
}

/** Two more words into a hash, which begins as 0. */
static inline uint64_t hash_add(const struct hash_seed *seed, uint64_t hash, uint64_t a, uint64_t b)
{
    return hash_fold(a ^ hash ^ seed->first, b ^ seed->second);
}

/** The hash of a number. */
static inline uint64_t hash_number(const struct hash_seed *seed, uint64_t number)
{
    return hash_fold(hash_add(seed, 0, number, 0), seed->second);
}

#endif

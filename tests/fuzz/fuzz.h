/*
 * What the fuzzers share: checks that end the process, the input taken piece by piece, reads that
 * come from memory or come short, and row sets: whether one is sound, and all that it says as
 * bytes.
 *
 * Each fuzz_NAME.c has one LLVMFuzzerTestOneInput. Linked with libFuzzer it is a fuzzer; linked
 * with replay.c, a test over the files of seeds/NAME and found/NAME.
 */
#ifndef SOCKQ_TESTS_FUZZ_H
#define SOCKQ_TESTS_FUZZ_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/proc.h"
#include "../../src/rowset.h"

/** Of what all fuzzers make files: more than enough for any input. */
#define FUZZ_MEMORY ((size_t)64 << 20)

/** End the process, which libFuzzer takes for a crash, unless this holds. */
#define FUZZ_CHECK(condition)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);         \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/** The target. @return 0, or -1 for an input that is not worth keeping */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** What is left of an input. */
struct fuzz_input {
    const uint8_t *at;
    size_t left;
};

/** The next byte, 0 at the end. */
static inline uint8_t fuzz_byte(struct fuzz_input *in)
{
    if (!in->left)
        return 0;
    in->left--;
    return *in->at++;
}

/** The next two bytes, the lower first. */
static inline uint16_t fuzz_two(struct fuzz_input *in)
{
    uint16_t low = fuzz_byte(in);

    return (uint16_t)(low | fuzz_byte(in) << 8);
}

/** How read(2) answers; in all fuzzers it comes to reads.c first. */
extern struct fuzz_reads {
    size_t most;         /* bytes a call, 0: as many as there are */
    bool interrupted;    /* every other call is interrupted by a signal */
    int fd;              /* of this descriptor the bytes come from memory; -1: of none */
    const uint8_t *text; /* borrowed */
    size_t size;
    size_t at;
    size_t fail_at; /* beyond this byte EIO; 0: nowhere */
    unsigned calls;
} fuzz_reads;

/** Read as many bytes as there are, from no memory. */
void fuzz_reads_reset(void);

/** The memory file of this process; what is made in it is to be released. */
struct sockq_file *fuzz_file(void);

/** Check all that a reader relies on in a finished row set of `file`. */
void fuzz_check_set(const struct sockq_file *file, const struct sockq_set *set);

/** Bytes that grow. */
struct fuzz_dump {
    uint8_t *bytes;
    size_t used;
    size_t room;
};

/**
 * All that a sound row set says, but for when it was read: two sets with equal bytes say the same.
 *
 * @free_it with fuzz_dump_free
 */
struct fuzz_dump fuzz_dump_set(const struct sockq_file *file, const struct sockq_set *set);

/**
 * True if rows were left out because they came twice: of two, the newer one stays unless a reader
 * may have seen the first, and that depends on the pieces in which a table is read.
 */
bool fuzz_repeats(const struct sockq_set *set);

/** True if equal; what differs first is printed. */
bool fuzz_same(const struct fuzz_dump *a, const struct fuzz_dump *b);

/** Free it. */
void fuzz_dump_free(struct fuzz_dump *dump);

/**
 * An empty folder that no other process has, removed with all in it at the exit: in memory where
 * there is /dev/shm. "tree" in it is what --proc would name, "outside" a file with FUZZ_SECRET.
 *
 * @return  its path
 */
const char *fuzz_folder(void);

#define FUZZ_SECRET "what stands outside of the tree"

/** Put a file, link (text is its target), folder ('/') or FIFO ('|') into the tree; see tree.c. */
void fuzz_tree_put(char kind, const char *path, const void *text, size_t size);

/** Take all out of the tree that was put into it. */
void fuzz_tree_clear(void);

/** A row set's copy, with the same question, sound and checked to say the same. */
void fuzz_check_copy(struct sockq_file *file, const struct sockq_set *set);

#endif

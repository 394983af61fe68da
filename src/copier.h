/*
 * What copy.c is made of: one copy of a row set under way, and the checks of what it reads.
 */
#ifndef SOCKQ_COPIER_H
#define SOCKQ_COPIER_H
#include <stdbool.h>

#include "copy.h"

/*
 * What stands at an arena offset, in the low bits of where it was copied to: those are multiples of
 * 8. Each thing has one kind and, but for processes and the first owner of a chain, one way to it.
 */
enum kind { FREE, FIRST_OWNER, NEXT_OWNER, PROCESS, SINGLE, KINDS = 8 };

struct copier {
    const struct sockq_source *source;
    const struct sockq_question *question;
    struct sockq_writer *w;
    uint64_t *moved;               /* by arena offset / 8 */
    uint64_t text_left;            /* bytes of text that the arena has room for */
    uint64_t counts[SOCKQ_TABLES]; /* rows copied of each table */
    uint64_t told[SOCKQ_TABLES];   /* problems met of each table */
    uint32_t namespaces; /* how many numbers of them there are: at least the reader's own */
    bool facts_whole;    /* no file of theirs was unreadable */
    bool netns_whole;    /* no namespace that was asked for was */
    enum sockq_flaw flaw;
};

/** Note what is wrong with the source, if nothing is yet. @return false */
bool copier_flawed(struct copier *c, enum sockq_flaw flaw);

/** False once something is wrong with the source or the copy. */
bool copier_goes_on(const struct copier *c);

/** Bytes of the source's arena, NULL and a flaw if they are not all in it. */
const void *copier_bytes_at(struct copier *c, uint64_t offset, uint64_t size);

/**
 * A record in the arena that was not met before, NULL and a flaw if there is none.
 *
 * @mark  where to note what it is
 */
const void *copier_new_at(struct copier *c, uint64_t offset, size_t size, uint64_t **mark);

/**
 * Copy text. Each text has one owner, so all of them together are no longer than the arena.
 *
 * @return  its offset in the copy, 0 for none
 */
uint64_t copier_text(struct copier *c, uint64_t offset, uint32_t length);

/** Copy what more sock_diag told of a row. @copy  of the row; its offsets are set */
void copier_diag(struct copier *c, const struct sockq_row *row, struct sockq_row *copy);

/** Copy the cgroups, if the question asks for them. */
void copier_cgroups(struct copier *c);

#endif

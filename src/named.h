/*
 * Recordings that the command line names: of --read, and the arguments of `record`, `diff` and
 * `snapshots`. They
 * are opened with the invoker's rights, before or after privileges are dropped as scripts are; what
 * is in them is looked at by the interpreter, without privileges.
 */
#ifndef SOCKQ_NAMED_H
#define SOCKQ_NAMED_H
#include <stdbool.h>

#include "options.h"

enum { SOCKQ_NAMED_MOST = 3 };

/** One recording. */
struct sockq_named {
    const char *word; /* as it stands on the command line; borrowed */
    char *path;       /* without "@TIME", owned */
    const char *time; /* in word, NULL if it has none */
    int fd;           /* owned; -1: error says why */
    int error;
    bool append; /* opened to append a snapshot */
};

struct sockq_named_list {
    struct sockq_named list[SOCKQ_NAMED_MOST];
    int count;
};

/**
 * Open them. One that cannot be opened has its error noted. FILE@TIME is a file of that whole name,
 * if there is one.
 *
 * @return 0, or -1 with errno ENOMEM
 */
int sockq_named_open(struct sockq_named_list *named, const struct sockq_options *options);

/** The recording of a word, NULL if it is none. */
struct sockq_named *sockq_named_find(struct sockq_named_list *named, const char *word, bool append);

#endif

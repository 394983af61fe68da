/*
 * Files that scripts may read: --data NAME=FILE. They are read whole, with the invoker's rights,
 * before or after privileges are dropped as scripts are, so that Lua need not open them.
 */
#ifndef SOCKQ_DATA_H
#define SOCKQ_DATA_H
#include <stddef.h>

#include "options.h"

/** The most bytes of one file. */
#define SOCKQ_DATA_MOST ((size_t)64 << 20)

/** One file. */
struct sockq_data {
    const char *word; /* NAME=FILE, as it stands on the command line; borrowed */
    char *bytes;      /* owned; NULL if error says why */
    size_t size;
    char *error; /* owned */
};

struct sockq_data_list {
    struct sockq_data *list;
    size_t count;
};

/**
 * Read every file of --data; "-" is standard input, another one must be a regular file. What is
 * wrong with one is noted with it.
 *
 * @return 0, or -1 with errno ENOMEM
 */
int sockq_data_read(struct sockq_data_list *data, const struct sockq_options *options);

/** Free all of it. */
void sockq_data_free(struct sockq_data_list *data);

#endif

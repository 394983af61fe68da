/*
 * What ss shows of a line of text, and no row has: struct sockq_line of row.h.
 */
#ifndef SOCKQ_SOURCE_REST_H
#define SOCKQ_SOURCE_REST_H
#include "source.h"

/** Keep what the question asks of the line of a tcp row. */
void rest_tcp(struct table_reader *reader, struct sockq_row *row, const char *line,
              const char *end);

/** The same of a netlink row; line is NULL where no text told of it. */
void rest_netlink(struct table_reader *reader, struct sockq_row *row, const char *line,
                  const char *end);

#endif

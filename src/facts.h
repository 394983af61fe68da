/*
 * What /proc says besides sockets: settings (sysctl), counters (snmp, netstat, sockstat) and the
 * like, a fixed list of small files. Each is kept as text, whole; Lua parses it.
 */
#ifndef SOCKQ_FACTS_H
#define SOCKQ_FACTS_H
#include <stdbool.h>

#include "netns/netns.h"
#include "proc.h"
#include "rowset.h"

/**
 * Read every file of the list into a set's arena, linked from its `facts`. One that does not exist
 * has no entry: this kernel, namespace or capture lacks it.
 *
 * @namespaces  what is read; of a live one alone its own counters (net/) are taken, the settings
 * are those of the reader's. NULL: that of the reader
 * @return  false if one exists and could not be read whole (its entry has the errno; EFBIG: more
 *          than 256 KiB, EINVAL: no regular file); memory that is short is in w->error instead
 */
bool facts_read(const struct sockq_proc *proc, struct netns_list *namespaces,
                struct sockq_writer *w);

/** The path of a file of the list, below /proc; NULL if there is none of this number. */
const char *sockq_fact_path(uint32_t file);

#endif

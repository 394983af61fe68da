/*
 * What main.c finds out before it forks, for the collector's part (main.c) and the interpreter's
 * (interpret.c).
 */
#ifndef SOCKQ_START_H
#define SOCKQ_START_H
#include <sys/types.h>

#include "lua/lua.h"
#include "netns/netns.h"
#include "privilege.h"
#include "ss.h"
#include "supervise.h"

/* Exit statuses are the design's: 2: wrong usage, 3: the data could not be read. */
enum { EXIT_USAGE = 2, EXIT_DATA = 3 };

/** Both processes have their own copy from the fork on. */
struct start {
    struct sockq_options options;
    struct sockq_texts texts;
    struct sockq_named_list named;
    struct sockq_data_list data;
    struct sockq_ss ss; /* of the ss view */
    struct sockq_invoker invoker;
    struct sockq_file file;
    struct sockq_proc proc;
    struct netns_choice netns;
    struct sockq_supervised supervised;
    const char *proc_path;
    int sockets[2]; /* collector, interpreter */
    int names[2];   /* who looks names up, interpreter; -1: no names are shown */
    struct netns_names netns_names;
    struct sockq_locks locks;
    struct sockq_limits limits;
    bool sandboxed;
    bool own_view; /* a built-in view runs, and no Lua of a user's */
    bool marks; /* what CAP_NET_ADMIN alone is told may be asked for, and no Lua of a user's runs */
    mode_t umask; /* the caller's */
    unsigned euid;
};

/** Say what failed. @return EXIT_DATA */
int start_fail(const char *where, const char *what);

/**
 * The child: gives up what it need not have, opens what Lua may need, locks itself in, runs Lua.
 *
 * @parent  the collector's pid
 * @return  the exit status
 */
int start_interpret(struct start *start, pid_t parent);

#endif

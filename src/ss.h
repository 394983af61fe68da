/*
 * What the command line of the ss view names outside of it: the file of -F, the network namespace
 * of -N, and for filters cgroups and devices. They are opened or looked up with the invoker's
 * rights before the sandbox closes. Of hosts only the words are kept here: the process that looks
 * up names is told of them.
 */
#ifndef SOCKQ_SS_H
#define SOCKQ_SS_H
#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "options.h"

/** The options of ss, for getopt_long(3); the value of a long one is its letter, or 256 and up. */
extern const char sockq_ss_shorts[];
extern const struct option sockq_ss_longs[];

/** A cgroup that a filter names. */
struct sockq_ss_cgroup {
    char *path; /* owned */
    uint64_t id;
    int error; /* errno, 0: id is known */
};

/** A network device. */
struct sockq_ss_device {
    char name[16];
    unsigned index;
};

struct sockq_ss {
    const char *netns;  /* of -N, NULL: not given; borrowed from the command line */
    const char *filter; /* of -F, likewise; the first one */
    char *text;         /* what is in it, owned; NULL: error says why */
    size_t size;
    int error;
    struct sockq_ss_cgroup *cgroups; /* owned */
    size_t cgroup_count;
    struct sockq_ss_device *devices; /* owned */
    size_t device_count;
    char **hosts; /* words that may be names of hosts, owned: named_count of the command line, */
    size_t host_count; /* and behind them those of the file */
    size_t named_count;
    unsigned own_sockets; /* that sockq has made itself in the namespace that is listed */
    bool marks;           /* it may show or ask for what the kernel tells to CAP_NET_ADMIN alone */
};

/** Find the arguments of -F and -N, what may be hosts, and marks. @return 0, or -1 with errno
 * ENOMEM */
int sockq_ss_find(struct sockq_ss *ss, const struct sockq_options *options);

/** List the network devices of the namespace that this thread is in. @return 0, or -1 with errno
 * ENOMEM */
int sockq_ss_list_devices(struct sockq_ss *ss);

/**
 * Read the filter's file, and look up what filters name. What is wrong with one is noted with it.
 *
 * @return 0, or -1 with errno ENOMEM
 */
int sockq_ss_open(struct sockq_ss *ss, const struct sockq_options *options);

/** Free all of it. */
void sockq_ss_free(struct sockq_ss *ss);

#endif

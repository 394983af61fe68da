#define _GNU_SOURCE
#include "facts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* net/softnet_stat has a line of some 140 bytes a processor: enough for 1800 of them. */
enum { FACT_MOST = 256 << 10 };

/* A file's number is its place: it stands in recordings, so new ones go to the end. */
static const char *const paths[] = {
    "sys/net/ipv4/tcp_retries1",
    "sys/net/ipv4/tcp_retries2",
    "sys/net/ipv4/tcp_syn_retries",
    "sys/net/ipv4/tcp_syn_linear_timeouts",
    "sys/net/ipv4/tcp_synack_retries",
    "sys/net/ipv4/tcp_orphan_retries",
    "sys/net/ipv4/tcp_keepalive_time",
    "sys/net/ipv4/tcp_keepalive_intvl",
    "sys/net/ipv4/tcp_keepalive_probes",
    "sys/net/ipv4/tcp_fin_timeout",
    "sys/net/ipv4/tcp_max_syn_backlog",
    "sys/net/ipv4/tcp_max_tw_buckets",
    "sys/net/ipv4/tcp_max_orphans",
    "sys/net/ipv4/tcp_tw_reuse",
    "sys/net/ipv4/tcp_tw_reuse_delay",
    "sys/net/ipv4/tcp_syncookies",
    "sys/net/ipv4/tcp_abort_on_overflow",
    "sys/net/ipv4/tcp_timestamps",
    "sys/net/ipv4/tcp_thin_linear_timeouts",
    "sys/net/ipv4/tcp_rto_min_us",
    "sys/net/ipv4/tcp_rto_max_ms",
    "sys/net/ipv4/tcp_mem",
    "sys/net/ipv4/tcp_rmem",
    "sys/net/ipv4/tcp_wmem",
    "sys/net/ipv4/udp_mem",
    "sys/net/ipv4/ip_local_port_range",
    "sys/net/ipv4/ip_local_reserved_ports",
    "sys/net/core/somaxconn",
    "sys/net/core/netdev_max_backlog",
    "sys/net/core/rmem_default",
    "sys/net/core/rmem_max",
    "sys/net/core/wmem_default",
    "sys/net/core/wmem_max",
    "sys/net/netfilter/nf_conntrack_count",
    "sys/net/netfilter/nf_conntrack_max",
    "sys/fs/file-nr",
    "sys/fs/file-max",
    "sys/fs/nr_open",
    "net/snmp",
    "net/snmp6",
    "net/netstat",
    "net/sockstat",
    "net/sockstat6",
    "net/softnet_stat",
    "uptime",
    "loadavg",
};

enum { FACTS = sizeof(paths) / sizeof(paths[0]) };

const char *sockq_fact_path(uint32_t file)
{
    return file < FACTS ? paths[file] : NULL;
}

/* The whole file, at most FACT_MOST bytes. @return its length, or -1 with errno */
static ssize_t read_whole(const struct sockq_proc *proc, struct netns_list *namespaces,
                          const char *path, char *buffer)
{
    const bool is_of_one = proc->live && namespaces && namespaces->count == 1;
    size_t have = 0;
    ssize_t n = -1;
    int fd = is_of_one && strncmp(path, "net/", 4) == 0 ? netns_open(namespaces, 0, path)
                                                        : sockq_proc_open_file(proc, path);

    if (fd < 0)
        return -1;
    while (have <= FACT_MOST) {
        n = read(fd, buffer + have, FACT_MOST + 1 - have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        have += (size_t)n;
    }
    int saved = n < 0 ? errno : EFBIG;
    close(fd);
    if (n == 0)
        return (ssize_t)have;
    errno = saved;
    return -1;
}

bool facts_read(const struct sockq_proc *proc, struct netns_list *namespaces,
                struct sockq_writer *w)
{
    char *buffer = malloc(FACT_MOST + 1);
    uint64_t last = 0, offset;
    bool whole = true;

    if (!buffer) {
        w->error = errno;
        return true;
    }
    for (uint32_t file = 0; file < FACTS && !w->error; file++) {
        ssize_t n = read_whole(proc, namespaces, paths[file], buffer);
        /* Of a namespace that is gone it is told elsewhere. */
        if (n < 0 && (errno == ENOENT || errno == ESRCH))
            continue;
        struct sockq_fact fact = {.file = file};
        if (n < 0) {
            fact.error = errno;
            whole = false;
        } else if (n > 0) {
            fact.text_len = (uint32_t)n;
            fact.text = sockq_writer_bytes(w, buffer, (size_t)n);
        }
        struct sockq_fact *kept = w->error ? NULL : sockq_writer_alloc(w, sizeof(fact), &offset);
        if (!kept)
            break;
        *kept = fact;
        if (last)
            ((struct sockq_fact *)sockq_writer_at(w, last))->next = offset;
        else
            w->set->facts = offset;
        last = offset;
    }
    free(buffer);
    return whole;
}

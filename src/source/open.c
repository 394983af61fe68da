#define _GNU_SOURCE
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "feed.h"
#include "source.h"

/* Only regular files are read: a FIFO would block, a device would never end. */
struct table_text table_text_open(const struct table_job *job, enum sockq_table table,
                                  uint32_t netns)
{
    const char *path = table_format(table)->path;
    struct table_text text = {0};
    struct stat st;
    int fd = job->namespaces ? netns_open(job->namespaces, netns, path)
                             : sockq_proc_openat(job->proc, path, 0);

    if (fd >= 0 && fstat(fd, &st) < 0) {
        text.error = errno;
        close(fd);
        return text;
    }
    if (fd >= 0 && S_ISREG(st.st_mode)) {
        text.feed = feed_open(fd);
        text.error = text.feed ? 0 : errno;
        text.is_memory = !text.feed;
        return text;
    }
    text.error = fd < 0 ? errno : S_ISDIR(st.st_mode) ? EISDIR : 0;
    if (fd >= 0)
        close(fd);
    return text;
}

/* While a long text is read, the kernel can format the next one as well. */
void table_text_ahead(struct table_job *job, enum sockq_table now)
{
    uint32_t count = job->namespaces ? job->namespaces->count : 1;
    unsigned table = now, netns = job->w->netns + 1u;

    if (netns >= count) {
        netns = 0;
        do
            table++;
        while (table < SOCKQ_TABLES && !(job->question->tables >> table & 1));
    }
    if (job->has_next || table >= SOCKQ_TABLES || !table_format((enum sockq_table)table)->path ||
        table_asks_diag(job, (enum sockq_table)table, netns))
        return;
    job->next_table = (enum sockq_table)table;
    job->next_netns = netns;
    const bool counts = table_looks_again(job, job->next_table);
    const int64_t before = counts ? table_count(job, job->next_table, netns) : -1;
    job->next = table_text_open(job, job->next_table, netns);
    job->next.is_counted = counts;
    job->next.before = before;
    job->has_next = true;
    if (job->next.feed)
        feed_ahead(job->next.feed);
}

void table_job_end(struct table_job *job)
{
    if (job->has_next)
        feed_close(job->next.feed);
    job->has_next = false;
    inodes_free(&job->cookies);
}

struct table_text table_text_take(struct table_job *job, enum sockq_table table)
{
    if (job->has_next && job->next_table == table && job->next_netns == job->w->netns) {
        job->has_next = false;
        return job->next;
    }
    return table_text_open(job, table, job->w->netns);
}

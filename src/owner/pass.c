#define _GNU_SOURCE
#include "pass.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "../thread.h"
#include "index.h"
#include "later.h"

/*
 * In links read: a process costs as much as so many of them; before more threads are started,
 * which pays only where there is work for milliseconds; between two checks.
 */
enum { PROCESS_LINKS = 4, START_LINKS = 512, CHECK_LINKS = 512 };

static void *run_worker(void *worker)
{
    owner_pass_work(worker);
    return NULL;
}

static void start_workers(struct owner_pass *pass)
{
    while (pass->started < pass->most) {
        struct owner_worker *worker = &pass->workers[pass->started];
        if (sockq_thread_start(&worker->thread, NULL, run_worker, worker) != 0)
            break;
        pass->started++;
    }
}

static void lead(struct owner_pass *pass)
{
    const struct owner_worker *self = pass->workers;
    uint64_t done = self->links + self->info.processes * (uint64_t)PROCESS_LINKS;

    if (pass->started == 0 && done >= START_LINKS) {
        pass->started = 1;
        start_workers(pass);
    }
    if (done - pass->checked >= CHECK_LINKS) {
        pass->checked = done;
        uint32_t taken = atomic_load(&pass->next);
        pass->shown->processes = taken < pass->count ? taken : pass->count;
        if (pass->check(pass->context))
            atomic_store(&pass->stop, true);
    }
}

int owner_pass_run(struct owner_pass *pass, struct sockq_owner_info *info)
{
    pass->shown = info;
    for (unsigned i = 0; i < OWNER_THREADS_MOST; i++) {
        pass->workers[i].pass = pass;
        pass->workers[i].folder = -1;
        pass->workers[i].ended = true;
        pthread_mutex_init(&pass->workers[i].lock, NULL);
    }
    pass->lead = lead;
    owner_pass_work(pass->workers);
    for (unsigned i = 1; i < pass->started; i++)
        pthread_join(pass->workers[i].thread, NULL);
    info->processes = 0;
    for (unsigned i = 0; i < pass->most; i++) {
        const struct owner_worker *worker = &pass->workers[i];
        if (worker->folder >= 0)
            close(worker->folder);
        info->processes += worker->info.processes;
        info->refused += worker->info.refused;
        info->shut += worker->info.shut;
        info->sockets += worker->info.sockets;
        if (worker->info.odd & OWNER_FAILED && !info->error)
            info->error = worker->info.error;
        info->odd |= worker->info.odd;
    }
    errno = atomic_load(&pass->error);
    return errno ? -1 : 0;
}

static void add_piece(struct owner_index *index, const struct owner_piece *piece)
{
    const uint32_t *fds = (const void *)(piece->inodes + piece->count);

    for (uint32_t i = 0; i < piece->count; i++)
        owner_index_add(index, piece->inodes[i], fds[i] & ~OWNER_OLD_LINK, fds[i] & OWNER_OLD_LINK);
}

/* The pieces of a process in the order of its folder. */
static void add_pieces(struct owner_index *index, struct owner_piece *last)
{
    struct owner_piece *first = NULL;

    while (last) {
        struct owner_piece *before = last->before;
        last->before = first;
        first = last;
        last = before;
    }
    for (; first; first = first->before)
        add_piece(index, first);
}

struct owner_index *owner_pass_index(const struct owner_pass *pass, struct sockq_writer *w,
                                     size_t sockets)
{
    size_t processes = 0;

    for (uint32_t i = 0; i < pass->count; i++)
        processes += pass->targets[i].process && !pass->targets[i].gone;
    struct owner_index *index = owner_index_new(processes, sockets);
    if (!index)
        return NULL;
    for (uint32_t i = 0; i < pass->count; i++) {
        const struct owner_target *target = &pass->targets[i];
        if (!target->process || target->gone)
            continue;
        uint64_t process = owner_process_write(target->process, w);
        if (!process)
            break;
        owner_index_begin(index, process);
        add_pieces(index, target->last);
    }
    return index;
}

void owner_pass_free(struct owner_pass *pass)
{
    for (unsigned i = 0; i < OWNER_THREADS_MOST; i++) {
        pile_free(&pass->workers[i].pile);
        pthread_mutex_destroy(&pass->workers[i].lock);
    }
}

static void read_boot_time(struct owner_pass *pass, struct sockq_writer *w)
{
    errno = 0;
    w->set->owners.boot_time = owner_boot_time(pass->proc, &pass->workers[0].pile);
    if (!w->set->owners.boot_time && sockq_proc_is_failure(errno))
        owner_note_failure(&w->set->owners, errno);
}

struct owner_index *owner_index_read(const struct sockq_proc *proc, struct sockq_writer *w,
                                     uint32_t flags, unsigned threads, bool (*check)(void *),
                                     void *context)
{
    struct owner_pass *pass = calloc(1, sizeof(*pass));
    struct owner_index *index = NULL;

    if (!pass) {
        w->error = errno;
        return NULL;
    }
    pass->proc = proc;
    pass->flags = flags;
    pass->check = check;
    pass->context = context;
    pass->most = threads ? threads : sockq_processors(OWNER_THREADS_MOST);
    if (flags & SOCKQ_WITH_STARTED)
        read_boot_time(pass, w);
    /* Counted where nobody else can write: the index is made for as many. */
    struct sockq_owner_info info = w->set->owners;
    info.sockets = 0;
    const bool ran = owner_pass_list(pass, &info) == 0 && owner_pass_run(pass, &info) == 0;
    w->set->owners = info;
    if (ran)
        index = owner_pass_index(pass, w, info.sockets);
    if (!index || (proc->live && owner_later_add(index, pass) < 0))
        w->error = errno;
    owner_pass_free(pass);
    free(pass->targets);
    free(pass);
    if (index && !w->error)
        w->set->owners.zero = owner_index_find(index, w, 0);
    w->set->owners.done = 1;
    if (w->error) {
        owner_index_free(index);
        return NULL;
    }
    return index;
}

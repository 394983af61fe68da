/*
 * The pass over /proc/PID/fd on several threads: its result is that of one thread, whatever they
 * share, and where they cannot be started.
 *
 * Linked with the options in test_owner_threads.link, so that pthread_create comes here first.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helper.h"

enum { PROCESSES = 2000, SHARED = 1, BIG = 1000, BIG_LINKS = 5000, MOST = 8 };

static struct {
    unsigned granted; /* threads that can be started */
    unsigned started;
    bool open_signals; /* one was started with a signal that is not blocked, or a fault that is */
} threads;

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *argument);

/* What a thread raises itself is for the handler of the process. */
static bool is_fault(int number)
{
    return number == SIGSEGV || number == SIGBUS || number == SIGILL || number == SIGFPE ||
           number == SIGSYS || number == SIGABRT;
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *argument)
{
    sigset_t blocked;

    if (threads.started >= threads.granted)
        return EAGAIN;
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &blocked), 0);
    for (int number = 1; number < 32; number++)
        if (number != SIGKILL && number != SIGSTOP &&
            sigismember(&blocked, number) == is_fault(number))
            threads.open_signals = true;
    threads.started++;
    return __real_pthread_create(thread, attributes, start, argument);
}

static void link_fd(struct fixture *f, unsigned pid, unsigned fd, const char *format,
                    unsigned inode)
{
    char path[64], target[64];

    snprintf(path, sizeof(path), "%u/fd/%u", pid, fd);
    snprintf(target, sizeof(target), format, inode);
    assert_int_equal(symlinkat(target, f->proc.fd, path), 0);
}

/* Each process has the shared socket, one of its own, one twice and a file; one has very many. */
static void make_tree(struct fixture *f)
{
    char path[64], name[64];

    for (unsigned pid = 1; pid <= PROCESSES; pid++) {
        snprintf(path, sizeof(path), "%u/fd", pid);
        put_folder(f, path);
        snprintf(path, sizeof(path), "%u/cmdline", pid);
        snprintf(name, sizeof(name), "/bin/program-%u", pid);
        put_text(f, path, name);
        link_fd(f, pid, 0, "/dev/null", 0);
        link_fd(f, pid, 3, "socket:[%u]", SHARED);
        link_fd(f, pid, 4, "socket:[%u]", 10000 + pid);
        link_fd(f, pid, 5, "socket:[%u]", 20000 + pid / 2);
        link_fd(f, pid, 6, "[0000]:%u", 20000 + pid / 2);
    }
    for (unsigned fd = 7; fd < BIG_LINKS; fd++)
        link_fd(f, BIG, fd, "socket:[%u]", fd % 3 ? 100000 + fd : SHARED);
    /* Without sockets; without a folder; odd. */
    put_folder(f, "2001/fd");
    put_link(f, "2002/fd/3", "pipe:[1]");
    put_folder(f, "2003");
    put_text(f, "2004/fd/3", "");
}

static void read_index(struct fixture *f, unsigned most, struct owner_index **index)
{
    static const struct sockq_question question = {.tables = 1, .flags = SOCKQ_WITH_OWNERS};

    if (f->w.set)
        sockq_file_release(&f->file, f->w.block);
    assert_int_equal(sockq_writer_open(&f->w, &f->file, &question), 0);
    threads.started = 0;
    *index = owner_index_read(&f->proc, &f->w, 0, most, never_stop, NULL);
    assert_non_null(*index);
}

/* The next descriptor of an inode, in the arena; *at moves on. */
static const struct sockq_owner *next_owner(struct fixture *f, uint64_t *at)
{
    const struct sockq_owner *owner = sockq_set_at(f->file.map, f->w.set, *at, sizeof(*owner));

    assert_non_null(owner);
    *at = owner->next;
    return owner;
}

static void check_owner(struct fixture *f, uint64_t *at, unsigned pid, unsigned fd)
{
    char name[64];
    const struct sockq_owner *owner = next_owner(f, at);
    const struct sockq_process *process =
        sockq_set_at(f->file.map, f->w.set, owner->process, sizeof(*process));

    assert_non_null(process);
    if (process->pid != pid || owner->fd != fd)
        fail_msg("%u/%u in place of %u/%u", process->pid, owner->fd, pid, fd);
    snprintf(name, sizeof(name), "program-%u", pid);
    assert_string_equal(text_at(f, process->program, process->program_len), name);
}

/* A descriptor that a folder lists: its process and number. */
struct listed {
    unsigned pid;
    unsigned fd;
};

/* What readdir says: every descriptor of the tree in its order, whether a socket or not. */
static size_t list_tree(struct fixture *f, struct listed *list, size_t room)
{
    struct dirent *process, *link;
    size_t count = 0;
    DIR *folder = opendir(f->path);

    assert_non_null(folder);
    while ((process = readdir(folder)) != NULL) {
        char path[400];
        snprintf(path, sizeof(path), "%s/%s/fd", f->path, process->d_name);
        DIR *links = process->d_name[0] == '.' ? NULL : opendir(path);
        while (links && (link = readdir(links)) != NULL) {
            if (link->d_name[0] == '.')
                continue;
            assert_true(count < room);
            list[count++] = (struct listed){.pid = (unsigned)atoi(process->d_name),
                                            .fd = (unsigned)atoi(link->d_name)};
        }
        if (links)
            closedir(links);
    }
    closedir(folder);
    return count;
}

static uint64_t inode_of(const struct listed *listed)
{
    const unsigned pid = listed->pid, fd = listed->fd;

    if (pid > PROCESSES || fd == 0)
        return 0;
    switch (fd) {
    case 3:
        return SHARED;
    case 4:
        return 10000 + pid;
    case 5:
    case 6:
        return 20000 + pid / 2;
    default:
        return fd % 3 ? 100000 + fd : SHARED;
    }
}

/* Every inode has the descriptors that readdir lists for it, in that order, and no more. */
static void check_owners(struct fixture *f, struct owner_index *index)
{
    enum { INODES = 100000 + BIG_LINKS };
    static struct listed list[PROCESSES * 5 + BIG_LINKS + 10];
    static uint64_t at[INODES];
    size_t count = list_tree(f, list, COUNT(list)), sockets = 0;

    for (uint64_t inode = 0; inode < INODES; inode++)
        at[inode] = owner_index_find(index, &f->w, inode);
    sockq_writer_commit(&f->w);
    for (size_t i = 0; i < count; i++) {
        uint64_t inode = inode_of(&list[i]);
        if (inode) {
            check_owner(f, &at[inode], list[i].pid, list[i].fd);
            sockets++;
        }
    }
    for (size_t inode = 0; inode < INODES; inode++)
        assert_int_equal(at[inode], 0);
    const struct sockq_owner_info *info = &f->w.set->owners;
    assert_int_equal(sockets, PROCESSES * 4 + BIG_LINKS - 7);
    assert_int_equal(info->sockets, sockets);
    assert_int_equal(info->processes, PROCESSES + 4);
    assert_int_equal(info->refused + info->shut, 0);
    assert_int_equal(info->odd, 2);
    assert_int_equal(info->done, 1);
}

static void any_number_of_threads(void **state)
{
    static const unsigned most[] = {1, 2, 3, 8};
    struct fixture *f = *state;
    struct owner_index *index;

    make_tree(f);
    threads.granted = MOST;
    for (size_t i = 0; i < COUNT(most); i++) {
        read_index(f, most[i], &index);
        assert_int_equal(threads.started, most[i] - 1);
        check_owners(f, index);
        owner_index_free(index);
    }
    assert_false(threads.open_signals);
    /* Those that cannot be started are done without. */
    for (threads.granted = 0; threads.granted < 3; threads.granted++) {
        read_index(f, MOST, &index);
        assert_int_equal(threads.started, threads.granted);
        check_owners(f, index);
        owner_index_free(index);
    }
}

/* Where little is to be read no thread is worth starting. */
static void a_small_machine_starts_none(void **state)
{
    struct fixture *f = *state;
    struct owner_index *index;
    char path[64];

    for (unsigned i = 1; i <= 10; i++) {
        snprintf(path, sizeof(path), "%u/fd/3", i);
        put_link(f, path, "socket:[7]");
    }
    threads.granted = MOST;
    read_index(f, MOST, &index);
    assert_int_equal(threads.started, 0);
    assert_int_equal(f->w.set->owners.sockets, 10);
    owner_index_free(index);
}

/* The signals that were blocked before are blocked afterwards, and no others. */
static void the_callers_signals_stay(void **state)
{
    struct fixture *f = *state;
    struct owner_index *index;
    sigset_t some, before, after;

    make_tree(f);
    sigemptyset(&some);
    sigaddset(&some, SIGUSR1);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &some, &before), 0);
    threads.granted = MOST;
    read_index(f, 2, &index);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &before, &after), 0);
    for (int number = 1; number < 32; number++)
        assert_int_equal(sigismember(&after, number), number == SIGUSR1);
    assert_int_equal(threads.started, 1);
    owner_index_free(index);
}

static bool stop_at_third(void *context)
{
    return ++*(unsigned *)context == 3;
}

static void the_walk_can_be_stopped(void **state)
{
    static const struct sockq_question question = {.tables = 1, .flags = SOCKQ_WITH_OWNERS};
    struct fixture *f = *state;
    unsigned calls = 0;

    make_tree(f);
    assert_int_equal(sockq_writer_open(&f->w, &f->file, &question), 0);
    threads.granted = MOST;
    struct owner_index *index = owner_index_read(&f->proc, &f->w, 0, 2, stop_at_third, &calls);
    assert_non_null(index);
    assert_int_equal(calls, 3);
    assert_true(f->w.set->owners.sockets < PROCESSES * 4 + BIG_LINKS - 7);
    owner_index_free(index);
}

/* Unlink the links of processes again and again, until killed. */
static void make_and_remove(struct fixture *f)
{
    char path[64];

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (unsigned round = 0;; round++)
        for (unsigned pid = 1; pid <= PROCESSES; pid += 7) {
            snprintf(path, sizeof(path), "%u/fd/4", pid);
            if (unlinkat(f->proc.fd, path, 0) < 0)
                _exit(1);
            link_fd(f, pid, 4, "socket:[%u]", 10000 + pid);
            snprintf(path, sizeof(path), "%u/fd", pid);
            char aside[64];
            snprintf(aside, sizeof(aside), "%u/gone", pid);
            if (renameat(f->proc.fd, path, f->proc.fd, aside) < 0 ||
                renameat(f->proc.fd, aside, f->proc.fd, path) < 0)
                _exit(2);
        }
}

/* What does not come and go is found, whatever does. */
static void processes_vanish(void **state)
{
    struct fixture *f = *state;
    struct owner_index *index;
    int status;

    make_tree(f);
    threads.granted = MOST;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        make_and_remove(f);
    for (unsigned i = 0; i < 20; i++) {
        read_index(f, 2 + i % 3, &index);
        for (unsigned pid = 2; pid <= PROCESSES; pid++) {
            if (pid % 7 == 1)
                continue;
            uint64_t at = owner_index_find(index, &f->w, 10000 + pid);
            sockq_writer_commit(&f->w);
            check_owner(f, &at, pid, 4);
            assert_int_equal(at, 0);
        }
        assert_int_equal(f->w.set->owners.processes, PROCESSES + 4);
        assert_int_equal(f->w.set->owners.refused + f->w.set->owners.shut, 0);
        assert_int_equal(f->w.set->owners.odd, 2);
        owner_index_free(index);
    }
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(any_number_of_threads),    FIXTURE_TEST(a_small_machine_starts_none),
        FIXTURE_TEST(the_callers_signals_stay), FIXTURE_TEST(the_walk_can_be_stopped),
        FIXTURE_TEST(processes_vanish),
    };

    /* The tree has 20,000 entries, which a disk takes its time for. */
    if (access("/dev/shm", W_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 0);
    return cmocka_run_group_tests_name("owner threads", tests, NULL, NULL);
}

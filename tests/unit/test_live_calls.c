/*
 * The live kernel where calls fail: namespaces that are named, entered and listed, and collections
 * of everything. Each failure is told, or the answer is whole.
 *
 * All of it in namespaces of the test's own, with few processes, so that there is little to read;
 * without the right to make them it is skipped. Linked with the options in test_live_calls.link, so
 * that the calls come to calls.h first.
 */
#define _GNU_SOURCE
#include "calls.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include "../../src/collect.h"
#include "../../src/netns/netns.h"
#include "../../src/owner/owner.h"

FAILING(int, setns, (int fd, int type), (fd, type), -1, EPERM)
FAILING(int, fstatfs, (int fd, struct statfs *fs), (fd, fs), -1, EIO)
FAILING(struct dirent *, readdir, (DIR * folder), (folder), NULL, EIO)
/* Every link is refused, with this errno. */
static int refusal;

ssize_t __real_readlinkat(int fd, const char *path, char *into, size_t size);
ssize_t __wrap_readlinkat(int fd, const char *path, char *into, size_t size);
ssize_t __wrap_readlinkat(int fd, const char *path, char *into, size_t size)
{
    if (refusal) {
        errno = refusal;
        return -1;
    }
    return call_fails("readlinkat", EACCES) ? -1 : __real_readlinkat(fd, path, into, size);
}

FAILING(ssize_t, getdents64, (int fd, void *into, size_t size), (fd, into, size), -1, EIO)
FAILING(int, sem_init, (sem_t * semaphore, int shared, unsigned value), (semaphore, shared, value),
        -1, ENOSPC)
FAILING(struct mnl_socket *, mnl_socket_open2, (int bus, int flags), (bus, flags), NULL, EMFILE)
FAILING(int, mnl_socket_bind, (struct mnl_socket * socket, unsigned groups, pid_t pid),
        (socket, groups, pid), -1, ENOBUFS)
FAILING(ssize_t, mnl_socket_sendto, (const struct mnl_socket *socket, const void *at, size_t size),
        (socket, at, size), -1, ENOBUFS)
WAITING(ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), (fd, message, flags), ENOMEM)
WAITING(int, sem_wait, (sem_t * semaphore), (semaphore), EINTR)

int __real_pthread_attr_init(pthread_attr_t *attributes);
int __wrap_pthread_attr_init(pthread_attr_t *attributes);
int __wrap_pthread_attr_init(pthread_attr_t *attributes)
{
    return call_fails("pthread_attr_init", ENOMEM) ? ENOMEM : __real_pthread_attr_init(attributes);
}

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *context);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *context);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *context)
{
    return call_fails("pthread_create", EAGAIN)
               ? EAGAIN
               : __real_pthread_create(thread, attributes, run, context);
}

/* Kernels before 4.11 cannot say what kind of namespace a file is. */
static bool no_kinds;

int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...)
{
    va_list list;

    va_start(list, request);
    void *argument = va_arg(list, void *);
    va_end(list);
    if (no_kinds) {
        errno = ENOTTY;
        return -1;
    }
    return call_fails("ioctl", EIO) ? -1 : __real_ioctl(fd, request, argument);
}

/* None of its calls fails. */
static void open_proc(struct sockq_proc *proc)
{
    const bool counts = calls.counts;

    calls.counts = false;
    assert_int_equal(sockq_proc_open(proc, NULL), 0);
    calls.counts = counts;
}

static int own_namespace;
static pid_t elsewhere; /* a process in a namespace of its own */

/* A file on which a new namespace is mounted. */
static bool name_namespace(const char *path)
{
    char link[64];
    int ready[2];

    int fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || pipe2(ready, O_CLOEXEC) < 0)
        return false;
    close(fd);
    pid_t child = fork();
    if (child == 0) {
        char byte = unshare(CLONE_NEWNET) == 0;
        _exit(write(ready[1], &byte, 1) == 1 ? pause() : 1);
    }
    char byte = 0;
    snprintf(link, sizeof(link), "/proc/%d/ns/net", (int)child);
    const bool named = child > 0 && read(ready[0], &byte, 1) == 1 && byte &&
                       mount(link, path, NULL, MS_BIND, NULL) == 0;
    close(ready[0]);
    close(ready[1]);
    if (child > 0 && (elsewhere || !named)) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    } else if (child > 0) {
        elsewhere = child;
    }
    return named;
}

static bool make_namespaces(void)
{
    static const char *const names[] = {"own", "blue", "red", "12,blue", "2147483000"};

    if (mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("proc", "/proc", "proc", 0, NULL) < 0 ||
        mount("none", "/run", "tmpfs", 0, NULL) < 0 || mkdir(NETNS_FOLDER, 0755) < 0)
        return false;
    own_namespace = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    for (size_t i = 0; i < COUNT(names); i++) {
        char path[64];
        snprintf(path, sizeof(path), NETNS_FOLDER "/%s", names[i]);
        if (!name_namespace(path))
            return false;
    }
    /* A second name, one whose namespace is gone, and a namespace of another kind. */
    int fd = open(NETNS_FOLDER "/zblue", O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
    int gone = open(NETNS_FOLDER "/gone", O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
    int kind = open("/run/uts", O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || gone < 0 || kind < 0)
        return false;
    close(fd);
    close(gone);
    close(kind);
    return mount(NETNS_FOLDER "/blue", NETNS_FOLDER "/zblue", NULL, MS_BIND, NULL) == 0 &&
           mount("/proc/self/ns/uts", "/run/uts", NULL, MS_BIND, NULL) == 0;
}

struct word_case {
    const char *name;
    const char *argument;
    enum netns_refusal refusal;
    size_t count; /* of namespaces */
    int error;
    bool unlike;
};

#define LONG_NAME                                                                                  \
    "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn" \
    "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn" \
    "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"

static const struct word_case word_cases[] = {
    {"a_name", "blue", NETNS_FINE, 1, 0, false},
    {"two_names_of_one", "blue,zblue", NETNS_FINE, 1, 0, false},
    {"names_and_a_path", "blue,red," NETNS_FOLDER "/own", NETNS_FINE, 3, 0, false},
    {"a_name_with_a_comma", "12,blue", NETNS_FINE, 1, 0, false},
    {"a_path_with_a_comma", NETNS_FOLDER "/12,blue", NETNS_FINE, 1, 0, false},
    {"a_path_with_a_comma_that_may_not_be_known", NETNS_FOLDER "/12,blue", NETNS_OTHER_FILE, 0,
     ENOENT, true},
    {"words_with_a_comma_and_a_slash", "x/y,blue", NETNS_NO_FILE, 0, ENOENT, false},
    {"a_number_that_is_a_name", "2147483000", NETNS_FINE, 1, 0, false},
    {"a_number_that_is_none", "2147483001", NETNS_NO_PROCESS, 0, ENOENT, false},
    {"a_number_beyond_all_processes", "2147483648", NETNS_NO_NAME, 0, ENOENT, false},
    {"a_number_with_a_zero", "01", NETNS_NO_NAME, 0, ENOENT, false},
    {"a_process", "1", NETNS_FINE, 1, 0, false},
    {"no_such_name", "green", NETNS_NO_NAME, 0, ENOENT, false},
    {"the_folder", ".", NETNS_NO_NAME, 0, 0, false},
    {"the_folder_above", "..", NETNS_NO_NAME, 0, 0, false},
    {"a_long_name", LONG_NAME, NETNS_NO_NAME, 0, 0, false},
    {"long_names", LONG_NAME "," LONG_NAME, NETNS_NO_NAME, 0, 0, false},
    {"a_name_whose_namespace_is_gone", "gone", NETNS_OTHER_FILE, 0, 0, false},
    {"a_namespace_of_another_kind", "/run/uts", NETNS_OTHER_FILE, 0, 0, false},
    {"a_device", "/dev/null", NETNS_OTHER_FILE, 0, 0, false},
    {"a_path_to_nothing", "/run/nothing", NETNS_NO_FILE, 0, ENOENT, false},
    {"a_path_to_nothing_that_may_not_be_known", "/run/nothing", NETNS_OTHER_FILE, 0, ENOENT, true},
    {"a_name_where_paths_may_not_be_known", "green", NETNS_NO_NAME, 0, ENOENT, true},
    {"a_device_where_paths_may_not_be_known", "/dev/null", NETNS_OTHER_FILE, 0, 0, true},
    {"all", "all", NETNS_FINE, 0, 0, false},
};

static void one_word(void **state)
{
    const struct word_case *c = ((struct fixture *)*state)->given;
    struct netns_choice choice = {.unlike = c->unlike};
    struct sockq_proc proc;

    open_proc(&proc);
    assert_int_equal(netns_choose(&choice, &proc, c->argument), 0);
    assert_int_equal(choice.refusal, c->refusal);
    assert_int_equal(choice.count, c->count);
    if (c->error)
        assert_int_equal(choice.error, c->error);
    netns_choice_free(&choice);
    sockq_proc_close(&proc);
}

static void kernels_that_know_no_kinds(void **state)
{
    struct netns_choice choice = {.asked = false};
    struct sockq_proc proc;

    (void)state;
    open_proc(&proc);
    no_kinds = true;
    assert_int_equal(netns_choose(&choice, &proc, "blue"), 0);
    assert_int_equal(choice.refusal, NETNS_FINE);
    assert_true(netns_enters(&choice));
    /* What is entered is no network namespace: then it is not. */
    assert_int_equal(netns_choose(&choice, &proc, "/run/uts"), 0);
    no_kinds = false;
    assert_int_equal(choice.refusal, NETNS_FINE);
    assert_int_equal(choice.list[1].fd, -1);
    netns_choice_free(&choice);
    sockq_proc_close(&proc);
}

static int drop_error;

static int drop(void)
{
    errno = drop_error;
    return drop_error ? -1 : 0;
}

static void a_thread_that_keeps_its_rights_is_none(void **state)
{
    struct netns_choice choice = {.asked = false};
    struct sockq_proc proc;

    (void)state;
    open_proc(&proc);
    assert_int_equal(netns_choose(&choice, &proc, "blue,red"), 0);
    drop_error = EPERM;
    assert_int_equal(netns_hold(&choice, drop), -1);
    assert_int_equal(errno, EPERM);
    drop_error = 0;
    assert_int_equal(choice.list[0].thread, 0);
    assert_int_equal(choice.list[0].fd, -1);
    assert_true(choice.list[1].fd >= 0);
    /* The other may be entered all the same. */
    assert_int_equal(netns_hold(&choice, drop), 0);
    assert_true(choice.list[1].thread > 0);
    assert_false(netns_enters(&choice));
    assert_int_equal(netns_hold(&choice, drop), 0);
    netns_choice_free(&choice);
    sockq_proc_close(&proc);
}

/* All that have a name or a process: the names and what each is read through. */
static int list_everything(void *context)
{
    const char *words = context;
    struct netns_choice choice = {.asked = false};
    struct netns_list list = {.proc = NULL};
    struct sockq_proc proc;
    unsigned opened = 0, dark = 0;

    open_proc(&proc);
    int result = netns_choose(&choice, &proc, words);
    if (result == 0)
        result = netns_choose_rest(&choice, &proc);
    if (result == 0 && choice.refusal == NETNS_FINE)
        result = netns_hold(&choice, drop);
    if (result == 0 && choice.refusal == NETNS_FINE)
        result = netns_list_read(&list, &proc, &choice);
    for (uint32_t i = 0; result == 0 && i < list.count; i++) {
        int fd = netns_open(&list, i, "net/tcp");
        opened += fd >= 0;
        dark += fd < 0 && list.list[i].error;
        if (fd >= 0)
            close(fd);
    }
    int error = errno;
    /* Where going back failed the test is still in one of them. */
    assert_int_equal(__real_setns(own_namespace, CLONE_NEWNET), 0);
    if (result == 0 && !calls.failed) {
        /* The test's own, and five with names, of which one has a process. */
        assert_int_equal(list.count, 6);
        assert_int_equal(opened, 6);
        assert_true(netns_list_whole(&list));
    } else if (result == 0 && choice.refusal == NETNS_FINE && list.count == 6 && dark) {
        assert_true(opened + dark >= 5);
    }
    netns_list_free(&list);
    netns_choice_free(&choice);
    sockq_proc_close(&proc);
    errno = error;
    return result;
}

static void all_namespaces(void **state)
{
    (void)state;
    fail_each_call(list_everything, (void *)(uintptr_t) "all", true);
}

static void chosen_namespaces(void **state)
{
    (void)state;
    fail_each_call(list_everything, (void *)(uintptr_t) "red,1,all", true);
}

/* Without a thread in it a namespace of which only the name is known is told, and not read. */
static void names_alone(void **state)
{
    const struct netns_choice all = {.asked = true, .all = true};
    const struct netns_choice one = {.asked = true, .list = NULL};
    struct fixture *f = *state;
    const struct sockq_question question = {.tables = 1, .flags = SOCKQ_WITH_NETNS};
    struct netns_list list;
    struct sockq_proc proc;
    unsigned dark = 0;

    open_proc(&proc);
    assert_int_equal(netns_list_read(&list, &proc, &all), 0);
    for (uint32_t i = 0; i < list.count; i++) {
        dark += list.list[i].error == EPERM;
        if (list.list[i].error == EPERM) {
            assert_non_null(netns_names_find(&list.names, list.list[i].id));
            assert_int_equal(netns_open(&list, i, "net/tcp"), -1);
            assert_int_equal(errno, ESRCH);
        }
    }
    assert_int_equal(dark, 4);
    assert_true(netns_list_whole(&list));
    assert_string_equal(netns_names_find(&list.names, list.list[list.count - 1].id) ? "" : "none",
                        "");
    /* Where the set has no room nothing is written behind its end. */
    assert_int_equal(sockq_writer_open(&f->w, &f->file, &question), 0);
    f->file.used_most = f->file.used;
    netns_list_write(&list, &f->w);
    assert_int_equal(f->w.error, EDQUOT);
    assert_int_equal(f->w.set->namespaces, 0);
    netns_list_write_errors(&list, &f->w);
    f->file.used_most = 0;
    netns_list_free(&list);
    assert_int_equal(netns_list_read(&list, &proc, &one), 0);
    assert_int_equal(list.count, 0);
    netns_list_free(&list);
    sockq_proc_close(&proc);
}

/* A process may end, and its number go to one elsewhere, while a namespace is read. */
static void processes_that_end(void **state)
{
    const struct netns_choice all = {.asked = true, .all = true};
    struct netns_list list;
    struct sockq_proc proc;
    uint32_t at = 0;

    (void)state;
    open_proc(&proc);
    assert_int_equal(netns_list_read(&list, &proc, &all), 0);
    while (at < list.count && list.list[at].pid != (uint32_t)elsewhere)
        at++;
    assert_true(at < list.count);
    int fd = netns_open(&list, at, "net/tcp");
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(netns_open(&list, at, "net/nothing"), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(list.list[at].error, 0);
    /* This one is not in it. */
    list.list[at].pid = (uint32_t)getpid();
    assert_int_equal(netns_open(&list, at, "net/tcp"), list.list[at].error ? -1 : fd);
    if (!list.list[at].error)
        close(fd);
    assert_false(list.list[at].pid == (uint32_t)getpid() && !list.list[at].error);
    list.list[at].error = 0;
    list.list[at].pid = INT32_MAX;
    assert_int_equal(netns_open(&list, at, "net/tcp"), -1);
    assert_int_equal(errno, ESRCH);
    assert_int_equal(list.list[at].error, ESRCH);
    /* Of all of them one that is gone is none that there is. */
    assert_true(netns_list_whole(&list));
    list.all = false;
    assert_false(netns_list_whole(&list));
    netns_list_free(&list);
    sockq_proc_close(&proc);
}

enum { OWN = 8 };

static struct {
    uint64_t inodes[OWN];
    enum sockq_table tables[OWN];
    unsigned count;
} own;

static int keep(enum sockq_table table, int fd)
{
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0 || own.count == OWN)
        return -1;
    own.tables[own.count] = table;
    own.inodes[own.count++] = st.st_ino;
    return fd;
}

/* A socket that is on its way to a process: nobody holds it. */
static bool make_in_flight(void)
{
    char byte = 0;
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec part = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    const struct sockaddr_in any = {.sin_family = AF_INET};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    int ends[2], fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0 || listen(fd, 1) < 0 ||
        socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) < 0)
        return false;
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(fd));
    memcpy(CMSG_DATA(header), &fd, sizeof(fd));
    const bool sent = sendmsg(ends[0], &message, 0) == 1;
    close(fd);
    return sent;
}

static void *stay_alive(void *context)
{
    (void)context;
    for (;;)
        pause();
    return NULL;
}

/* A process whose first thread has ended; another has its sockets. */
static bool make_leaderless(void)
{
    pid_t child = fork();

    if (child == 0) {
        pthread_t thread;
        const struct sockaddr_in any = {.sin_family = AF_INET};
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0 ||
            pthread_create(&thread, NULL, stay_alive, NULL) != 0)
            _exit(1);
        pthread_exit(NULL);
    }
    return child > 0;
}

/* Sockets of each kind, one of them named so that it forges a row. */
static bool make_sockets(void)
{
    static const char forging[] = "\0x\n0: 00000002 00000000 00010000 0001 01 99999";
    const struct sockaddr_in any = {.sin_family = AF_INET,
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    struct sockaddr_in at;
    socklen_t size = sizeof(at);

    int tcp = keep(SOCKQ_TCP, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (tcp < 0 || __real_ioctl(tcp, SIOCSIFFLAGS, &loopback) < 0 ||
        bind(tcp, (const struct sockaddr *)&any, sizeof(any)) < 0 || listen(tcp, 1) < 0 ||
        getsockname(tcp, (struct sockaddr *)&at, &size) < 0)
        return false;
    int end = keep(SOCKQ_TCP, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (end < 0 || connect(end, (struct sockaddr *)&at, size) < 0 ||
        keep(SOCKQ_TCP, accept4(tcp, NULL, NULL, SOCK_CLOEXEC)) < 0)
        return false;
    int udp = keep(SOCKQ_UDP, socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (udp < 0 || bind(udp, (const struct sockaddr *)&any, sizeof(any)) < 0)
        return false;
    int unix_end = keep(SOCKQ_UNIX, socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    memcpy(name.sun_path, forging, sizeof(forging) - 1);
    size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + sizeof(forging) - 1);
    if (unix_end < 0 || bind(unix_end, (struct sockaddr *)&name, size) < 0 ||
        listen(unix_end, 1) < 0)
        return false;
    const struct sockaddr_nl port = {.nl_family = AF_NETLINK};
    int netlink = keep(SOCKQ_NETLINK, socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    return netlink >= 0 && bind(netlink, (const struct sockaddr *)&port, sizeof(port)) == 0 &&
           keep(SOCKQ_PACKET, socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) >= 0;
}

static bool never_asked(void *context)
{
    (void)context;
    return false;
}

/* Each of the test's sockets once, with its owner if owners were asked for. */
static void assert_own(struct fixture *f)
{
    const bool owned = f->w.set->question.flags & SOCKQ_WITH_OWNERS;

    for (unsigned k = 0; k < own.count; k++) {
        unsigned seen = 0;
        const uint32_t table = f->w.set->tables[own.tables[k]].status;
        if (!(f->w.set->question.tables >> own.tables[k] & 1) || table == SOCKQ_TABLE_MISSING)
            continue;
        for (uint64_t i = 0; i < sockq_set_rows(f->w.set); i++) {
            const struct sockq_row *row = row_at(f, i);
            if (row->inode != own.inodes[k])
                continue;
            seen++;
            assert_true(!owned || row->owner != 0 || f->w.set->owners.shut);
        }
        assert_int_equal(seen, 1);
    }
}

/* The row that no socket has is left out, or said to be in doubt. */
static void assert_true_rows(struct fixture *f)
{
    for (uint64_t i = 0; i < sockq_set_rows(f->w.set); i++)
        if (row_at(f, i)->inode == 99999)
            assert_true(row_at(f, i)->flags & SOCKQ_ROW_NO_OWNER);
}

static struct sockq_question question;
static bool with_names; /* of namespaces */

static int collect_live(void *context)
{
    struct fixture *f = context;
    struct netns_choice choice = {.asked = with_names, .all = with_names};
    const bool counts = calls.counts;
    struct sockq_proc proc;

    open_proc(&proc);
    if (with_names)
        proc.netns = &choice;
    if (f->w.set)
        sockq_file_release(&f->file, f->w.block);
    f->w.set = NULL;
    int result = sockq_collect_begin(&f->w, &f->file, &proc, &question);
    int error = errno;
    if (result == 0) {
        sockq_collect_run(&f->w, &proc, &question, never_asked, NULL);
        const uint32_t status = f->w.set->status;
        calls.counts = false;
        if (status == SOCKQ_SET_FAILED) {
            result = -1;
            error = f->w.set->error;
        } else {
            assert_true_rows(f);
            assert_true(status == SOCKQ_SET_COMPLETE || status == SOCKQ_SET_INCOMPLETE);
        }
        if (!calls.failed)
            assert_int_equal(status, SOCKQ_SET_COMPLETE);
        /* Namespaces that may not be looked at are counted. */
        if (status == SOCKQ_SET_COMPLETE && f->w.set->netns_refused == 0)
            assert_own(f);
        calls.counts = counts;
    }
    sockq_proc_close(&proc);
    errno = error;
    return result;
}

enum {
    TABLES =
        1 << SOCKQ_TCP | 1 << SOCKQ_UDP | 1 << SOCKQ_UNIX | 1 << SOCKQ_NETLINK | 1 << SOCKQ_PACKET,
    ALL_FLAGS = SOCKQ_OWNER_FLAGS & ~SOCKQ_WITH_STAT_NAMES
};

static void tables_by_sock_diag(void **state)
{
    question = (struct sockq_question){
        .tables = TABLES, .flags = SOCKQ_DIAG_FLAGS, .source = SOCKQ_SOURCE_DIAG};
    fail_each_call(collect_live, *state, true);
}

static void tables_by_text(void **state)
{
    question = (struct sockq_question){.tables = TABLES,
                                       .flags = SOCKQ_WITH_LINES | SOCKQ_WITH_PORT_NAMES,
                                       .source = SOCKQ_SOURCE_PROC};
    fail_each_call(collect_live, *state, true);
}

static void owners(void **state)
{
    question = (struct sockq_question){.tables = 1 << SOCKQ_TCP | 1 << SOCKQ_UNIX,
                                       .flags = ALL_FLAGS | SOCKQ_WITH_PEERS};
    fail_each_call(collect_live, *state, true);
}

static void owners_with_names_of_stat(void **state)
{
    question = (struct sockq_question){.tables = 1 << SOCKQ_UDP,
                                       .flags = SOCKQ_WITH_OWNERS | SOCKQ_WITH_STAT_NAMES};
    fail_each_call(collect_live, *state, true);
}

static void all_that_have_processes(void **state)
{
    question = (struct sockq_question){.tables = 1 << SOCKQ_TCP, .flags = SOCKQ_WITH_NETNS};
    with_names = true;
    fail_each_call(collect_live, *state, true);
    with_names = false;
}

/* sock_diag tells of the reader's namespace alone: of others nothing is said in its place. */
static void namespaces_by_sock_diag(void **state)
{
    question = (struct sockq_question){.tables = 1 << SOCKQ_TCP | 1 << SOCKQ_UDP,
                                       .flags = SOCKQ_WITH_NETNS,
                                       .source = SOCKQ_SOURCE_DIAG};
    with_names = true;
    fail_each_call(collect_live, *state, true);
    with_names = false;
}

static void owners_by_threads(void **state)
{
    question = (struct sockq_question){.tables = 1 << SOCKQ_UDP | 1 << SOCKQ_TCP,
                                       .flags = SOCKQ_WITH_OWNERS | SOCKQ_WITH_THREADS};
    fail_each_call(collect_live, *state, true);
}

/* Of this user's processes those that end are no refusals: they have nothing any more. */
static void links_of_processes_that_end(void **state)
{
    static const struct {
        const char *stat;
        int error;
        uint32_t shut;
    } cases[] = {
        {"77 (x) S 1 77 77 0 -1 4194304 1 2\n", EACCES, 1},
        {"77 (x) S 1 77 77 0 -1 4194304 1 2\n", EPERM, 1},
        {"77 (x) S 1 77 77 0 -1 4194304 1 2\n", ENOENT, 0},
        {"77 (x) S 1 77 77 0 -1 4194308 1 2\n", EACCES, 0},
        {"77 (a) Z) S 1 77 77 0 -1 4194308 1 2\n", EACCES, 0},
        {"77 (x) Z 1 77 77 0 -1 4194304 1 2\n", EACCES, 0},
        {"77 (x) X 1 77 77 0 -1 4194304 1 2\n", EACCES, 0},
        {"77 (x) S 1 77\n", EACCES, 1},
        {"77 (x) S 1 77 77 0 -1 none\n", EACCES, 1},
        {"77 (x)", EACCES, 1},
        {"77 x S 1 77 77 0 -1 4194308 1 2\n", EACCES, 1},
        {"", EACCES, 1},
        {NULL, EACCES, 0},
    };
    static const struct sockq_question owners_alone = {.flags = SOCKQ_WITH_OWNERS};
    struct fixture *f = *state;

    put_link(f, "77/fd/3", "socket:[1]");
    /* The kernel has nothing but links there, a tree anything. */
    put_text(f, "77/fd/4", "");
    f->proc.live = true;
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (cases[i].stat)
            put_text(f, "77/stat", cases[i].stat);
        else
            assert_int_equal(unlink(path_of(f, "77/stat")), 0);
        if (f->w.set)
            sockq_file_release(&f->file, f->w.block);
        assert_int_equal(sockq_writer_open(&f->w, &f->file, &owners_alone), 0);
        refusal = cases[i].error;
        struct owner_index *index =
            owner_index_read(&f->proc, &f->w, SOCKQ_WITH_OWNERS, 0, never_asked, NULL);
        refusal = 0;
        assert_non_null(index);
        assert_int_equal(f->w.set->owners.shut, cases[i].shut);
        assert_int_equal(f->w.set->owners.odd, 0);
        owner_index_free(index);
    }
    f->proc.live = false;
}

static int run_all(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kernels_that_know_no_kinds),
        FIXTURE_TEST(names_alone),
        cmocka_unit_test(processes_that_end),
        FIXTURE_TEST(tables_by_sock_diag),
        FIXTURE_TEST(tables_by_text),
        FIXTURE_TEST(owners),
        FIXTURE_TEST(owners_with_names_of_stat),
        FIXTURE_TEST(owners_by_threads),
        FIXTURE_TEST(namespaces_by_sock_diag),
        FIXTURE_TEST(links_of_processes_that_end),
        FIXTURE_TEST(all_that_have_processes),
        cmocka_unit_test(a_thread_that_keeps_its_rights_is_none),
        cmocka_unit_test(all_namespaces),
        cmocka_unit_test(chosen_namespaces),
    };

    int failed =
        run_cases("--netns words", word_cases, sizeof(word_cases[0]), COUNT(word_cases), one_word);
    return failed + cmocka_run_group_tests_name("live calls", tests, NULL, NULL);
}

int main(void)
{
    int status = 0;

    if (unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID) < 0) {
        printf("skipped: no namespaces may be made here\n");
        return 77;
    }
    pid_t child = fork();
    if (child == 0) {
        /* The first of its namespace: what it leaves behind ends with it. */
        const bool made =
            make_namespaces() && make_leaderless() && make_sockets() && make_in_flight();
        if (!made)
            printf("skipped: namespaces, mounts or sockets: %s\n", strerror(errno));
        fflush(stdout);
        return made ? run_all() : 77;
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        return 1;
    /* Behind the end of its first process there can be no other, nor a thread that looks for leaks.
     */
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

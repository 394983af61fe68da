/*
 * Names where calls fail, and a C library of the test's own: what is made of each of its answers,
 * lists that need several batches, and both sides where a call is interrupted or refused.
 *
 * Linked with the options in test_names_calls.link, so that the calls come here first.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helper.h"
#include "names/names.h"

static struct {
    const char *call; /* that fails, NULL: none; with EINTR once */
    int error, passes;
    int interrupts; /* so many sends and receipts are interrupted first */
    const char *host, *net, *user, *device;
    int services, protocols; /* so many entries */
    int at;                  /* of them, the next */
    const char *alias;       /* of each service */
} library;

static bool fails(const char *call)
{
    if (!library.call || strcmp(library.call, call) != 0 || library.passes-- > 0)
        return false;
    errno = library.error;
    if (library.error == EINTR)
        library.call = NULL;
    return true;
}

static bool is_interrupted(void)
{
    errno = EINTR;
    return library.interrupts > 0 && library.interrupts--;
}

ssize_t __real_send(int fd, const void *at, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *at, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *at, size_t size, int flags)
{
    if (is_interrupted() || fails("send"))
        return -1;
    return fails("half") ? __real_send(fd, at, size / 2, flags) : __real_send(fd, at, size, flags);
}

ssize_t __real_recv(int fd, void *at, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *at, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *at, size_t size, int flags)
{
    return is_interrupted() || fails("recv") ? -1 : __real_recv(fd, at, size, flags);
}

ssize_t __wrap___recv_chk(int fd, void *at, size_t size, size_t room, int flags);
ssize_t __wrap___recv_chk(int fd, void *at, size_t size, size_t room, int flags)
{
    assert_true(size <= room);
    return __wrap_recv(fd, at, size, flags);
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    return fails("open") ? -1 : __real_open(path, flags);
}

int __real_dup2(int from, int to);
int __wrap_dup2(int from, int to);
int __wrap_dup2(int from, int to)
{
    return fails("dup2") ? -1 : __real_dup2(from, to);
}

pid_t __real_fork(void);
pid_t __wrap_fork(void);
pid_t __wrap_fork(void)
{
    return fails("fork") ? -1 : __real_fork();
}

int __real_munmap(void *at, size_t size);
int __wrap_munmap(void *at, size_t size);
int __wrap_munmap(void *at, size_t size)
{
    return fails("munmap") ? -1 : __real_munmap(at, size);
}

int __wrap_sockq_seccomp_names(void);
int __wrap_sockq_seccomp_names(void)
{
    return fails("seccomp") ? -1 : 0;
}

int __wrap_sockq_interpreter_confine(const struct sockq_invoker *invoker, pid_t parent);
int __wrap_sockq_interpreter_confine(const struct sockq_invoker *invoker, pid_t parent)
{
    (void)invoker;
    (void)parent;
    return fails("confine") ? -1 : 0;
}

struct servent *__wrap_getservent(void);
struct servent *__wrap_getservent(void)
{
    static char name[300], tcp[] = "tcp", udp[] = "udp", alias[300];
    static char *aliases[2];
    static struct servent entry = {.s_name = name, .s_aliases = aliases};
    const int at = library.at++;

    if (at >= library.services)
        return NULL;
    /* One of the other protocol between any two, and a few with a name that is longer than most. */
    snprintf(name, sizeof(name), "service-%d%s", at / 2, at % 100 == 0 ? "-with-more-letters" : "");
    entry.s_port = htons((uint16_t)(at / 2));
    entry.s_proto = at % 2 ? udp : tcp;
    snprintf(alias, sizeof(alias), "%s", library.alias ? library.alias : "");
    aliases[0] = library.alias ? alias : NULL;
    return &entry;
}

struct protoent *__wrap_getprotoent(void);
struct protoent *__wrap_getprotoent(void)
{
    static char name[300];
    static struct protoent entry = {.p_name = name};

    if (library.at >= library.services + 1 + library.protocols)
        return NULL;
    entry.p_proto = library.at++ - library.services - 1;
    /* Without a name it is none; of one that is too long 255 bytes are told. */
    memset(name, 'p', sizeof(name) - 1);
    name[entry.p_proto == 0 ? 0 : entry.p_proto == 1 ? 299 : 40] = '\0';
    return &entry;
}

struct hostent *__wrap_gethostbyaddr(const void *at, socklen_t size, int family);
struct hostent *__wrap_gethostbyaddr(const void *at, socklen_t size, int family)
{
    static struct hostent entry;

    assert_memory_equal(at, "\x7f\0\0\1", 4);
    assert_true(size == 4 && family == AF_INET);
    entry.h_name = (char *)(uintptr_t)library.host;
    return library.host ? &entry : NULL;
}

struct netent *__wrap_getnetbyaddr(uint32_t net, int family);
struct netent *__wrap_getnetbyaddr(uint32_t net, int family)
{
    static struct netent entry;

    assert_true(net == 0x7f000001 && family == AF_INET);
    entry.n_name = (char *)(uintptr_t)library.net;
    return library.net ? &entry : NULL;
}

int __wrap_getnameinfo(const struct sockaddr *address, socklen_t size, char *host, socklen_t room,
                       char *service, socklen_t more, int flags);
int __wrap_getnameinfo(const struct sockaddr *address, socklen_t size, char *host, socklen_t room,
                       char *service, socklen_t more, int flags)
{
    assert_true(address->sa_family == AF_INET6 && size == sizeof(struct sockaddr_in6));
    assert_true(!service && more == 0 && flags == 0);
    if (!library.host)
        return EAI_NONAME;
    snprintf(host, room, "%s", library.host);
    return 0;
}

struct passwd *__wrap_getpwuid(uid_t uid);
struct passwd *__wrap_getpwuid(uid_t uid)
{
    static struct passwd entry;

    assert_int_equal(uid, 7);
    entry.pw_name = (char *)(uintptr_t)library.user;
    return library.user ? &entry : NULL;
}

char *__wrap_if_indextoname(unsigned index, char *name);
char *__wrap_if_indextoname(unsigned index, char *name)
{
    assert_int_equal(index, 7);
    if (!library.device)
        return NULL;
    snprintf(name, IF_NAMESIZE, "%s", library.device);
    return name;
}

static int begin(void **state)
{
    memset(&library, 0, sizeof(library));
    return fixture_setup(state);
}

#define NAMES_TEST(function) cmocka_unit_test_setup_teardown(function, begin, fixture_teardown)

static struct names_question question_of(enum names_kind kind)
{
    struct names_question question = names_question_new(kind, 1);

    if (kind == NAMES_USER || kind == NAMES_DEVICE)
        question.number = 7;
    if (kind == NAMES_HOST4 || kind == NAMES_NETWORK4)
        memcpy(question.address, "\x7f\0\0\1", 4);
    return question;
}

/* What stands for a name, NULL if there is none. */
static const char *name_of(enum names_kind kind)
{
    const struct names_question question = question_of(kind);
    static struct names_answer answer;

    names_resolve(&question, &answer);
    assert_true(names_question_valid(&question, sizeof(question)));
    assert_true(names_answer_valid(&answer, sizeof(answer), &question));
    assert_int_equal(answer.serial, 1);
    if (answer.status == NAMES_UNKNOWN)
        return NULL;
    assert_int_equal(answer.status, NAMES_FOUND);
    return answer.text;
}

static void one_name_of_each_kind(void **state)
{
    static const enum names_kind kinds[] = {NAMES_USER, NAMES_HOST4, NAMES_NETWORK4, NAMES_HOST6,
                                            NAMES_DEVICE};

    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++)
        assert_null(name_of(kinds[i]));
    library.user = library.host = library.net = library.device = "";
    for (size_t i = 0; i < COUNT(kinds); i++)
        assert_null(name_of(kinds[i]));
    library.user = "a user";
    library.host = "a host";
    library.net = "a net";
    library.device = "eth0";
    assert_string_equal(name_of(NAMES_USER), "a user");
    assert_string_equal(name_of(NAMES_HOST4), "a host");
    assert_string_equal(name_of(NAMES_NETWORK4), "a net");
    assert_string_equal(name_of(NAMES_HOST6), "a host");
    assert_string_equal(name_of(NAMES_DEVICE), "eth0");
}

/* All entries of a list, in as many batches as it takes. @return how many */
static int list(enum names_kind kind, enum names_protocol protocol, int *batches, char *last)
{
    struct names_question question = names_question_new(kind, 1);
    struct names_answer answer;
    uint16_t number;
    const char *name;
    size_t length;
    int count = 0;

    question.number = protocol;
    *batches = 0;
    do {
        uint32_t at = 0;
        library.at = 0;
        names_resolve(&question, &answer);
        assert_true(names_answer_valid(&answer, sizeof(answer), &question));
        while (names_entry(&answer, &at, &number, &name, &length)) {
            memcpy(last, name, length);
            last[length] = '\0';
            count++;
        }
        question.from = answer.next;
        ++*batches;
    } while (answer.status == NAMES_SOME);
    return count;
}

static void lists_in_batches(void **state)
{
    int batches;
    char last[300];

    (void)state;
    assert_int_equal(list(NAMES_SERVICES, NAMES_TCP, &batches, last), 0);
    assert_int_equal(batches, 1);
    library.services = 2000;
    assert_int_equal(list(NAMES_SERVICES, NAMES_TCP, &batches, last), 1000);
    assert_true(batches > 3);
    assert_string_equal(last, "service-999");
    assert_int_equal(list(NAMES_SERVICES, NAMES_UDP, &batches, last), 1000);
    assert_int_equal(list(NAMES_SERVICES, NAMES_SCTP, &batches, last), 0);
    library.alias = "another-name";
    assert_int_equal(list(NAMES_SERVICES, NAMES_TCP, &batches, last), 1000);
    assert_int_equal(list(NAMES_ALIASES, NAMES_TCP, &batches, last), 2000);
    assert_string_equal(last, "another-name");
    library.alias = "";
    assert_int_equal(list(NAMES_ALIASES, NAMES_TCP, &batches, last), 1000);
    /* Those of /etc/protocols for raw sockets alone, without the first, which has no name. */
    library.services = 2;
    library.protocols = 200;
    assert_int_equal(list(NAMES_SERVICES, NAMES_TCP, &batches, last), 1);
    assert_int_equal(list(NAMES_SERVICES, NAMES_RAW, &batches, last), 199);
    assert_true(batches > 1);
    assert_int_equal(strlen(last), 40);
    library.protocols = 2;
    assert_int_equal(list(NAMES_SERVICES, NAMES_RAW, &batches, last), 1);
    assert_int_equal(strlen(last), 255);
}

/* Each field of a question and of an answer, wrong by itself. */
static void fields_that_are_wrong(void **state)
{
    struct names_question host = question_of(NAMES_HOST4), list_all = question_of(NAMES_SERVICES),
                          bad;
    struct names_answer good, wrong;

    (void)state;
    bad = host, bad.from = 1;
    assert_false(names_question_valid(&bad, sizeof(bad)));
    bad = host, bad.number = 1;
    assert_false(names_question_valid(&bad, sizeof(bad)));
    bad.kind = NAMES_HOST6, bad.number = 0, bad.from = 1;
    assert_false(names_question_valid(&bad, sizeof(bad)));
    bad = list_all, bad.address[9] = 1;
    assert_false(names_question_valid(&bad, sizeof(bad)));
    names_resolve(&host, &good);
    assert_true(names_answer_valid(&good, sizeof(good), &host));
    wrong = good, wrong.magic++;
    assert_false(names_answer_valid(&wrong, sizeof(wrong), &host));
    wrong = good, wrong.version++;
    assert_false(names_answer_valid(&wrong, sizeof(wrong), &host));
    wrong = good, wrong.length = 1, wrong.text[0] = 'x';
    assert_false(names_answer_valid(&wrong, sizeof(wrong), &host));
    wrong = good, wrong.next = 1;
    assert_false(names_answer_valid(&wrong, sizeof(wrong), &host));
    library.host = "host";
    names_resolve(&host, &good);
    wrong = good, wrong.next = 1;
    assert_false(names_answer_valid(&wrong, sizeof(wrong), &host));
    wrong = good, wrong.text[2] = '\0';
    assert_false(names_answer_valid(&wrong, sizeof(wrong), &host));
    wrong = good, wrong.length = 0;
    memset(wrong.text, 0, sizeof(wrong.text));
    assert_false(names_answer_valid(&wrong, sizeof(wrong), &host));
    library.services = 4;
    names_resolve(&list_all, &good);
    assert_int_equal(good.status, NAMES_LAST);
    assert_true(names_answer_valid(&good, sizeof(good), &list_all));
    wrong = good, wrong.next = 1;
    assert_false(names_answer_valid(&wrong, sizeof(wrong), &list_all));
    wrong = good, wrong.status = NAMES_FOUND;
    assert_false(names_answer_valid(&wrong, sizeof(wrong), &list_all));
    wrong = good, wrong.status = NAMES_SOME, wrong.next = UINT32_MAX;
    assert_false(names_answer_valid(&wrong, sizeof(wrong), &list_all));
    list_all.kind = wrong.kind = NAMES_ALIASES, wrong.next = 3;
    assert_true(names_answer_valid(&wrong, sizeof(wrong), &list_all));
}

static bool never_stops(void *context)
{
    ++*(int *)context;
    return false;
}

static bool stops(void *context)
{
    ++*(int *)context;
    return true;
}

/* Ask a process that answers for this user, with these things going wrong here. */
static int ask(bool (*check)(void *), int *checks, struct names_client *client)
{
    struct names_question question = question_of(NAMES_USER);
    struct names_answer answer;

    *checks = 0;
    int result = names_ask(client, &question, &answer, check, checks), error = errno;
    if (result == 0)
        assert_string_equal(answer.text, "a user");
    errno = error;
    return result;
}

static void the_side_that_asks(void **state)
{
    struct sockq_invoker invoker = {.uid = 0};
    int ends[2], checks, status;
    struct names_client none = {.socket = -1};

    (void)state;
    assert_int_equal(ask(never_stops, &checks, &none), -1);
    assert_int_equal(errno, EPIPE);
    assert_true(none.lost);
    library.user = "a user";
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    const struct names_service service = {.invoker = &invoker, .socket = ends[0], .netns = -1};
    const pid_t pid = names_start(&service, NULL, 0);
    assert_true(pid > 0);
    close(ends[0]);
    struct names_client client = {.socket = ends[1]};
    assert_int_equal(ask(never_stops, &checks, &client), 0);
    assert_int_equal(checks, 0);
    library.interrupts = 3;
    assert_int_equal(ask(never_stops, &checks, &client), 0);
    assert_int_equal(checks, 3);
    library.call = "recv", library.error = EINTR;
    assert_int_equal(ask(never_stops, &checks, &client), 0);
    assert_int_equal(checks, 1);
    library.interrupts = 1;
    assert_int_equal(ask(stops, &checks, &client), -1);
    assert_int_equal(errno, EINTR);
    library.call = "recv", library.error = EINTR;
    assert_int_equal(ask(stops, &checks, &client), -1);
    assert_int_equal(errno, EINTR);
    assert_false(client.lost);
    /* The answer to that one comes first, and is not taken for the next. */
    library.call = NULL;
    assert_int_equal(ask(never_stops, &checks, &client), 0);
    library.call = "send", library.error = ENOBUFS;
    assert_int_equal(ask(never_stops, &checks, &client), -1);
    assert_true(client.lost);
    client.lost = false;
    library.call = "recv", library.error = ENOMEM;
    assert_int_equal(ask(never_stops, &checks, &client), -1);
    assert_true(client.lost);
    client.lost = false;
    library.call = "half";
    assert_int_equal(ask(never_stops, &checks, &client), -1);
    assert_true(client.lost);
    assert_int_equal(errno, EPIPE);
    /* It ends by what is no question. */
    char rest[sizeof(struct names_answer)];
    while (__real_recv(ends[1], rest, sizeof(rest), 0) > 0)
        continue;
    close(ends[1]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 3);
}

/* What goes wrong with the process that answers; whether the question is answered; how it ends. */
struct trouble {
    const char *name;
    const char *call;
    int error, passes, interrupts;
    bool answered;
    int status;
};

static const struct trouble troubles[] = {
    {"nothing", NULL, 0, 0, 0, true, 0},
    {"signals", NULL, 0, 0, 3, true, 0},
    {"no null device", "open", EMFILE, 0, 0, false, 3},
    {"the first of three files stays", "dup2", EBADF, 0, 0, false, 3},
    {"the last of three files stays", "dup2", EBADF, 2, 0, false, 3},
    {"its rights stay", "confine", EPERM, 0, 0, false, 3},
    {"no filters here", "seccomp", ENOSYS, 0, 0, true, 0},
    {"no memory for a filter", "seccomp", ENOMEM, 0, 0, false, 3},
    {"the other end is gone", "recv", ECONNRESET, 0, 0, false, 0},
    {"a question that cannot be received", "recv", ENOMEM, 0, 0, false, 3},
    {"an answer that cannot be sent", "send", EPIPE, 0, 0, false, 0},
    {"a signal before the answer", "send", EINTR, 0, 0, true, 0},
    {"half an answer", "half", 0, 0, 0, false, 0},
    {"the rows stay", "munmap", ENOMEM, 0, 0, false, 3},
};

static void one_trouble(void **state)
{
    struct fixture *f = *state;
    const struct trouble *trouble = f->given;
    struct sockq_invoker invoker = {.uid = 0};
    const struct names_question question = question_of(NAMES_USER);
    struct names_answer answer;
    int ends[2], status;

    memset(&library, 0, sizeof(library));
    void *map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(map != MAP_FAILED);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    assert_int_equal(__real_send(ends[1], &question, sizeof(question), 0), sizeof(question));
    library.user = "a user";
    library.call = trouble->call;
    library.error = trouble->error;
    library.passes = trouble->passes;
    library.interrupts = trouble->interrupts;
    const struct names_service service = {.invoker = &invoker, .socket = ends[0], .netns = -1};
    const pid_t pid = names_start(&service, map, 4096);
    memset(&library, 0, sizeof(library));
    assert_true(pid > 0);
    close(ends[0]);
    const ssize_t n = __real_recv(ends[1], &answer, sizeof(answer), 0);
    assert_int_equal(n == (ssize_t)sizeof(answer), trouble->answered);
    close(ends[1]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), trouble->status);
    munmap(map, 4096);
}

static void a_process_that_cannot_be_started(void **state)
{
    const struct names_service service = {.socket = -1, .netns = -1};

    (void)state;
    library.call = "fork", library.error = EAGAIN;
    assert_int_equal(names_start(&service, NULL, 0), 0);
}

/* Hosts are looked up where they are shown, and only there. */
static void hosts_for_whom_they_are_shown(void **state)
{
    struct sockq_invoker invoker = {.uid = 0};

    (void)state;
    library.host = "a host";
    for (int hosts = 0; hosts < 2; hosts++) {
        struct names_question question = question_of(NAMES_HOST4);
        struct names_answer answer;
        int ends[2], checks = 0;
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
        const struct names_service service = {
            .invoker = &invoker, .socket = ends[0], .hosts = hosts, .netns = -1};
        const pid_t pid = names_start(&service, NULL, 0);
        close(ends[0]);
        struct names_client client = {.socket = ends[1]};
        assert_int_equal(names_ask(&client, &question, &answer, never_stops, &checks), 0);
        assert_int_equal(answer.status, hosts ? NAMES_FOUND : NAMES_UNKNOWN);
        close(ends[1]);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NAMES_TEST(one_name_of_each_kind),
        NAMES_TEST(lists_in_batches),
        NAMES_TEST(fields_that_are_wrong),
        NAMES_TEST(the_side_that_asks),
        NAMES_TEST(a_process_that_cannot_be_started),
        NAMES_TEST(hosts_for_whom_they_are_shown),
    };

    return run_cases("troubles of the process that answers", troubles, sizeof(troubles[0]),
                     COUNT(troubles), one_trouble) +
           cmocka_run_group_tests_name("names, a call at a time", tests, NULL, NULL);
}

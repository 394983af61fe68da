/*
 * Questions about names and their answers: what each side takes from the other, what the C library
 * makes of them, and the process that answers against one that asks what it must not.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "helper.h"
#include "names/names.h"

static bool never_stops(void *context)
{
    (void)context;
    return false;
}

static bool stops_at_once(void *context)
{
    *(bool *)context = true;
    return true;
}

static struct names_question ask_user(uint32_t uid)
{
    struct names_question question = names_question_new(NAMES_USER, 1);

    question.number = uid;
    return question;
}

static void questions_that_no_interpreter_of_ours_asks(void **state)
{
    const struct names_question good = ask_user(0);
    struct names_question bad;

    (void)state;
    assert_true(names_question_valid(&good, sizeof(good)));
    for (size_t size = 0; size < sizeof(good); size++)
        assert_false(names_question_valid(&good, size));
    assert_false(names_question_valid(&good, sizeof(good) + 1));
    for (uint32_t kind = 0; kind <= UINT16_MAX; kind++) {
        bad = good;
        bad.kind = (uint16_t)kind;
        /* A host is asked for by its address, not by a number: 0 is none, but has its form. */
        assert_int_equal(names_question_valid(&bad, sizeof(bad)),
                         kind >= NAMES_USER && kind <= NAMES_ADDRESSES);
    }
    bad = good, bad.magic++;
    assert_false(names_question_valid(&bad, sizeof(bad)));
    bad = good, bad.version++;
    assert_false(names_question_valid(&bad, sizeof(bad)));
    bad = good, bad.reserved = 1;
    assert_false(names_question_valid(&bad, sizeof(bad)));
    bad = good, bad.from = 1;
    assert_false(names_question_valid(&bad, sizeof(bad)));
    for (size_t i = 0; i < sizeof(bad.address); i++) {
        bad = good, bad.address[i] = 1;
        assert_false(names_question_valid(&bad, sizeof(bad)));
        bad.kind = NAMES_HOST4;
        assert_int_equal(names_question_valid(&bad, sizeof(bad)), i < 4);
        bad.kind = NAMES_HOST6;
        assert_true(names_question_valid(&bad, sizeof(bad)));
        bad.number = 1;
        assert_false(names_question_valid(&bad, sizeof(bad)));
    }
    bad = good, bad.kind = NAMES_SERVICES, bad.number = NAMES_PROTOCOLS;
    assert_false(names_question_valid(&bad, sizeof(bad)));
    bad.kind = NAMES_ALIASES, bad.number = NAMES_SCTP;
    assert_false(names_question_valid(&bad, sizeof(bad)));
    bad.number = NAMES_UDP, bad.from = UINT32_MAX;
    assert_false(names_question_valid(&bad, sizeof(bad)));
}

static void answers_that_no_process_of_ours_gives(void **state)
{
    const struct names_question user = ask_user(0);
    struct names_question list = names_question_new(NAMES_SERVICES, 1);
    struct names_answer good, bad;

    (void)state;
    names_resolve(&user, &good);
    assert_int_equal(good.status, NAMES_FOUND);
    assert_true(names_answer_valid(&good, sizeof(good), &user));
    assert_false(names_answer_valid(&good, sizeof(good) - 1, &user));
    assert_false(names_answer_valid(&good, sizeof(good), &list));
    bad = good, bad.length = NAMES_TEXT + 1;
    assert_false(names_answer_valid(&bad, sizeof(bad), &user));
    bad = good, bad.length = UINT32_MAX;
    assert_false(names_answer_valid(&bad, sizeof(bad), &user));
    bad = good, bad.length = 0;
    assert_false(names_answer_valid(&bad, sizeof(bad), &user));
    bad = good, bad.length--;
    assert_false(names_answer_valid(&bad, sizeof(bad), &user));
    bad = good, bad.text[0] = '\0';
    assert_false(names_answer_valid(&bad, sizeof(bad), &user));
    bad = good, bad.text[NAMES_TEXT - 1] = 'x';
    assert_false(names_answer_valid(&bad, sizeof(bad), &user));
    for (uint32_t status = NAMES_SOME; status < 9; status++) {
        bad = good, bad.status = status;
        assert_false(names_answer_valid(&bad, sizeof(bad), &user));
    }
    bad = good, bad.next = 1;
    assert_false(names_answer_valid(&bad, sizeof(bad), &user));
    /* Entries that are cut, empty, or go on for ever. */
    names_resolve(&list, &good);
    assert_true(names_answer_valid(&good, sizeof(good), &list));
    good.status = NAMES_LAST, good.next = 0;
    memset(good.text, 0, sizeof(good.text));
    memcpy(good.text, "\x16\0\3ssh\x50\0\4http", 13);
    good.length = 13;
    assert_true(names_answer_valid(&good, sizeof(good), &list));
    for (uint32_t length = 1; length < 13; length++) {
        bad = good, bad.length = length;
        memset(bad.text + length, 0, sizeof(bad.text) - length);
        assert_int_equal(names_answer_valid(&bad, sizeof(bad), &list), length == 6);
    }
    bad = good, bad.text[2] = 0;
    assert_false(names_answer_valid(&bad, sizeof(bad), &list));
    bad = good, bad.text[8] = (char)255;
    assert_false(names_answer_valid(&bad, sizeof(bad), &list));
    bad = good, bad.text[4] = '\0';
    assert_false(names_answer_valid(&bad, sizeof(bad), &list));
    bad = good, bad.status = NAMES_SOME;
    assert_false(names_answer_valid(&bad, sizeof(bad), &list));
    list.from = bad.next = 7;
    assert_false(names_answer_valid(&bad, sizeof(bad), &list));
    bad.next = 8;
    assert_true(names_answer_valid(&bad, sizeof(bad), &list));
}

/* In batches, and as often as the C library gives it. */
static void services_are_those_of_the_library(void **state)
{
    struct names_question question = names_question_new(NAMES_SERVICES, 0);
    struct names_answer answer;
    char ports[UINT16_MAX + 1][40] = {{0}};
    const struct servent *service;
    uint16_t number;
    const char *name;
    size_t length;

    (void)state;
    do {
        uint32_t at = 0;
        names_resolve(&question, &answer);
        assert_true(names_answer_valid(&answer, sizeof(answer), &question));
        while (names_entry(&answer, &at, &number, &name, &length))
            snprintf(ports[number], sizeof(ports[number]), "%.*s", (int)length, name);
        question.from = answer.next;
    } while (answer.status == NAMES_SOME);
    setservent(1);
    while ((service = getservent()) != NULL)
        if (strcmp(service->s_proto, "tcp") == 0) {
            const struct servent *first = service;
            assert_true(ports[ntohs((uint16_t)first->s_port)][0] != '\0');
        }
    endservent();
    service = getservbyname("ssh", "tcp");
    if (service)
        assert_string_equal(ports[ntohs((uint16_t)service->s_port)], "ssh");
}

/* A pair of sockets, with a process of ours at one end. */
struct world {
    int socket;
    pid_t pid;
};

static char *hosts_asked_for[] = {"localhost", "no.such.host.invalid"};

static struct world serve_told(bool hosts, bool is_told)
{
    struct sockq_invoker invoker;
    int ends[2];

    sockq_invoker_find(&invoker);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    const pid_t parent = getpid(), pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const struct names_service service = {.invoker = &invoker,
                                              .socket = ends[0],
                                              .parent = parent,
                                              .hosts = hosts,
                                              .named = hosts_asked_for,
                                              .named_count = COUNT(hosts_asked_for),
                                              .netns = -1,
                                              .is_told = is_told};
        _exit(names_serve(&service));
    }
    close(ends[0]);
    return (struct world){.socket = ends[1], .pid = pid};
}

static struct world serve(bool hosts)
{
    return serve_told(hosts, false);
}

/* @return its exit status, 128 + the signal that ended it, -1 if it goes on for seconds */
static int end_of(struct world *world)
{
    int status = 0;

    for (int i = 0; i < 500; i++) {
        if (waitpid(world->pid, &status, WNOHANG) == world->pid)
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        poll(NULL, 0, 10);
    }
    kill(world->pid, SIGKILL);
    waitpid(world->pid, &status, 0);
    return -1;
}

static void it_answers_and_ends_with_the_other_end(void **state)
{
    struct world world = serve(true);
    struct names_client client = {.socket = world.socket};
    struct names_question question = ask_user(0);
    struct names_answer answer;

    (void)state;
    assert_int_equal(names_ask(&client, &question, &answer, never_stops, NULL), 0);
    assert_int_equal(answer.status, NAMES_FOUND);
    assert_int_equal(strncmp(answer.text, getpwuid(0)->pw_name, answer.length), 0);
    question = ask_user(UINT32_MAX - 1);
    assert_int_equal(names_ask(&client, &question, &answer, never_stops, NULL), 0);
    assert_int_equal(answer.status, NAMES_UNKNOWN);
    question = names_question_new(NAMES_DEVICE, 0);
    question.number = 1;
    assert_int_equal(names_ask(&client, &question, &answer, never_stops, NULL), 0);
    if (answer.status == NAMES_FOUND)
        assert_int_equal(answer.length, 2); /* lo */
    close(world.socket);
    assert_int_equal(end_of(&world), 0);
}

/* Only hosts that the process was told of, by number. */
static void addresses_of_hosts(void **state)
{
    static const char loopback[NAMES_ADDRESS] = {4, 127, 0, 0, 1};
    struct world world = serve(true);
    struct names_client client = {.socket = world.socket};
    struct names_question question = names_question_new(NAMES_ADDRESSES, 0);
    struct names_answer answer, bad;
    bool found = false;

    (void)state;
    assert_int_equal(names_ask(&client, &question, &answer, never_stops, NULL), 0);
    assert_int_equal(answer.status, NAMES_FOUND);
    for (uint32_t at = 0; at < answer.length; at += NAMES_ADDRESS)
        found |= memcmp(answer.text + at, loopback, sizeof(loopback)) == 0;
    assert_true(found);
    bad = answer, bad.text[0] = 5;
    assert_false(names_answer_valid(&bad, sizeof(bad), &question));
    bad = answer, bad.text[0] = 4, bad.text[16] = 1;
    assert_false(names_answer_valid(&bad, sizeof(bad), &question));
    bad = answer, bad.length--, bad.text[bad.length] = 0;
    assert_false(names_answer_valid(&bad, sizeof(bad), &question));
    for (question.number = 1; question.number < 3; question.number++) {
        assert_int_equal(names_ask(&client, &question, &answer, never_stops, NULL), 0);
        assert_int_equal(answer.status, NAMES_UNKNOWN);
    }
    close(world.socket);
    assert_int_equal(end_of(&world), 0);
}

/* Hosts behind those of its start, once: what comes next is a question. */
static void addresses_of_told_hosts(void **state)
{
    enum { MANY = 300, LONG = 250 };
    char local[] = "localhost", *hosts[MANY], *none = NULL, filler[LONG + 1] = {0};
    struct names_answer answer;

    (void)state;
    memset(filler, 'x', LONG);
    for (int i = 0; i < MANY; i++)
        hosts[i] = i == 1 || i == MANY - 1 ? local : filler;
    for (size_t count = 0; count <= MANY; count += MANY / 2) {
        struct world world = serve_told(true, true);
        struct names_client client = {.socket = world.socket};
        names_tell(world.socket, count ? hosts : &none, count);
        for (uint32_t i = 0; i < 5; i++) {
            /* That of its start, none, none, the second that was told of, the last, too far. */
            const uint32_t numbers[] = {0, 2, 3, MANY + 1, UINT32_MAX};
            struct names_question question = names_question_new(NAMES_ADDRESSES, 0);
            question.number = numbers[i];
            assert_int_equal(names_ask(&client, &question, &answer, never_stops, NULL), 0);
            /* The last has no room. */
            assert_int_equal(answer.status,
                             i == 0 || (i == 2 && count) ? NAMES_FOUND : NAMES_UNKNOWN);
        }
        names_tell(world.socket, hosts, 1);
        close(world.socket);
        assert_int_equal(end_of(&world), 3);
    }
    /* Nobody tells. */
    struct world world = serve_told(true, true);
    close(world.socket);
    assert_int_equal(end_of(&world), 0);
}

static void no_host_is_looked_up_where_none_is_shown(void **state)
{
    struct world world = serve(false);
    struct names_client client = {.socket = world.socket};
    struct names_answer answer;
    const enum names_kind kinds[] = {NAMES_HOST4, NAMES_NETWORK4, NAMES_HOST6, NAMES_ADDRESSES};

    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        struct names_question question = names_question_new(kinds[i], 0);
        if (kinds[i] != NAMES_ADDRESSES) {
            question.address[0] = 127;
            question.address[3] = 1;
        }
        assert_int_equal(names_ask(&client, &question, &answer, never_stops, NULL), 0);
        assert_int_equal(answer.status, NAMES_UNKNOWN);
    }
    close(world.socket);
    assert_int_equal(end_of(&world), 0);
}

/* Random datagrams of any size; a flood that nobody reads the answers of; half a question. */
static void a_hostile_interpreter_ends_it_and_nothing_more(void **state)
{
    unsigned char noise[8192];
    struct names_question question = ask_user(0);

    (void)state;
    srandom(7);
    for (int round = 0; round < 60; round++) {
        struct world world = serve(false);
        size_t size = (size_t)random() % sizeof(noise) + 1;
        for (size_t i = 0; i < size; i++)
            noise[i] = (unsigned char)random();
        if (round % 3 == 1)
            memcpy(noise, &question, size = sizeof(question) - 1);
        if (round % 3 == 2) {
            memcpy(noise, &question, size = sizeof(question));
            noise[(size_t)random() % 8] ^= 0x80;
        }
        assert_int_equal(send(world.socket, noise, size, MSG_NOSIGNAL), size);
        assert_int_equal(recv(world.socket, noise, sizeof(noise), 0), 0);
        close(world.socket);
        assert_int_equal(end_of(&world), 3);
    }
    struct world world = serve(false);
    ssize_t n = 0;
    for (int i = 0; i < 100000 && n >= 0; i++)
        n = send(world.socket, &question, sizeof(question), MSG_DONTWAIT | MSG_NOSIGNAL);
    close(world.socket);
    assert_int_equal(end_of(&world), 0);
}

/* What the other end says, to a question that is asked meanwhile. */
struct liar {
    int socket;
    int round;
    bool stopped;
};

static void lie(const struct liar *liar)
{
    struct names_question question;
    struct names_answer answer;
    unsigned char noise[sizeof(answer) + 1] = {0};

    if (recv(liar->socket, &question, sizeof(question), 0) != sizeof(question))
        _exit(1);
    names_resolve(&question, &answer);
    switch (liar->round) {
    case 0:
        _exit(0);
    case 1:
        (void)send(liar->socket, &answer, sizeof(answer) - 1, 0);
        break;
    case 2:
        (void)send(liar->socket, noise, sizeof(noise), 0);
        break;
    case 3:
        answer.serial++;
        (void)send(liar->socket, &answer, sizeof(answer), 0);
        break;
    case 4:
        answer.length = UINT32_MAX;
        (void)send(liar->socket, &answer, sizeof(answer), 0);
        break;
    default:
        answer.kind = NAMES_HOST6;
        (void)send(liar->socket, &answer, sizeof(answer), 0);
    }
    pause();
    _exit(0);
}

static void an_answer_that_is_wrong_is_the_last(void **state)
{
    (void)state;
    for (int round = 0; round < 6; round++) {
        struct names_client client = {0};
        struct names_question question = ask_user(0);
        struct names_answer answer;
        int ends[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
        const pid_t pid = fork();
        if (pid == 0) {
            close(ends[1]);
            lie(&(struct liar){.socket = ends[0], .round = round});
        }
        close(ends[0]);
        client.socket = ends[1];
        assert_int_equal(names_ask(&client, &question, &answer, never_stops, NULL), -1);
        assert_int_equal(errno, EPIPE);
        assert_true(client.lost);
        assert_int_equal(names_ask(&client, &question, &answer, never_stops, NULL), -1);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        close(ends[1]);
    }
}

static void on_alarm(int number)
{
    (void)number;
}

/* A name server that does not answer: Ctrl-C ends the wait, and a late answer is not the next. */
static void a_wait_that_is_stopped(void **state)
{
    struct world world = serve(false);
    struct names_client client = {.socket = world.socket};
    struct names_question question = ask_user(UINT32_MAX - 1);
    struct names_answer answer;
    struct sigaction action = {.sa_handler = on_alarm}, before;
    bool stopped = false;

    (void)state;
    assert_int_equal(names_ask(&client, &question, &answer, never_stops, NULL), 0);
    kill(world.pid, SIGSTOP);
    sigaction(SIGALRM, &action, &before);
    alarm(1);
    assert_int_equal(names_ask(&client, &question, &answer, stops_at_once, &stopped), -1);
    assert_int_equal(errno, EINTR);
    assert_true(stopped);
    assert_false(client.lost);
    sigaction(SIGALRM, &before, NULL);
    kill(world.pid, SIGCONT);
    question = ask_user(0);
    assert_int_equal(names_ask(&client, &question, &answer, never_stops, NULL), 0);
    assert_int_equal(answer.status, NAMES_FOUND);
    close(world.socket);
    assert_int_equal(end_of(&world), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(questions_that_no_interpreter_of_ours_asks),
        cmocka_unit_test(answers_that_no_process_of_ours_gives),
        cmocka_unit_test(services_are_those_of_the_library),
        cmocka_unit_test(it_answers_and_ends_with_the_other_end),
        cmocka_unit_test(addresses_of_hosts),
        cmocka_unit_test(addresses_of_told_hosts),
        cmocka_unit_test(no_host_is_looked_up_where_none_is_shown),
        cmocka_unit_test(a_hostile_interpreter_ends_it_and_nothing_more),
        cmocka_unit_test(an_answer_that_is_wrong_is_the_last),
        cmocka_unit_test(a_wait_that_is_stopped),
    };

    return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}

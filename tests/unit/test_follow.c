/*
 * Following what is closed, between an interpreter and a collector: sets that go on, pauses, the
 * end of a subscription, and answers that no collector gives.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "serving.h"
#include "source/diag_events.h"

static const struct sockq_question closed = {.tables = (uint64_t)1 << SOCKQ_TCP,
                                             .flags = SOCKQ_FOLLOW};
static const struct sockq_question listed = {.tables = (uint64_t)1 << SOCKQ_TCP,
                                             .source = SOCKQ_SOURCE_PROC};

/* Serve with a tree that counts as the kernel's own. */
static void start_live(struct serving_world *world)
{
    put_table(world->f, SOCKQ_TCP, good_of(SOCKQ_TCP), strlen(good_of(SOCKQ_TCP)));
    world->f->proc.live = true;
    start_serving(world, (size_t)64 << 20);
}

/* Connect to this process itself and close both ends. @return the port that was connected to */
static uint16_t close_one(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(at);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int end = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(listener >= 0 && end >= 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &size), 0);
    assert_int_equal(connect(end, (struct sockaddr *)&at, sizeof(at)), 0);
    int other = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(other >= 0);
    /* The last to close is what keeps the port. */
    close(listener);
    close(other);
    char byte;
    assert_int_equal(read(end, &byte, 1), 0);
    close(end);
    return ntohs(at.sin_port);
}

/* Wait for the row of a closed connection; others of the machine may come in between. */
static void wait_for_port(struct serving_world *world, uint32_t block, uint16_t port)
{
    const struct sockq_set *set = sockq_client_set(&world->client, block);

    for (uint64_t seen = 0;;) {
        const uint64_t rows = sockq_set_rows(set);
        for (; seen < rows; seen++) {
            const struct sockq_row *row = sockq_set_row(world->client.map, set, seen);
            assert_true(row->flags & SOCKQ_ROW_CLOSED);
            if (row->remote_port == port || row->local_port == port)
                return;
        }
        assert_int_equal(sockq_set_status(set), SOCKQ_SET_READING);
        assert_int_equal(sockq_client_wait(&world->client, block, seen, -1), 0);
    }
}

static bool may_follow(struct serving_world *world, uint32_t *block)
{
    if (sockq_client_collect(&world->client, &closed, block) == 0)
        return true;
    /* A kernel without sock_diag. */
    stop_serving(world, 0);
    return false;
}

static void sets_that_go_on(void **state)
{
    struct serving_world *world = *state;
    struct sockq_question question = closed;
    uint32_t first = 0, second = 0, other = 0;

    start_live(world);
    if (!may_follow(world, &first))
        skip();
    wait_for_port(world, first, close_one());
    /* Another question pauses what is followed; what is closed meanwhile is not lost. */
    assert_int_equal(sockq_client_collect(&world->client, &listed, &other), 0);
    const struct sockq_set *set = sockq_client_set(&world->client, first);
    assert_true(sockq_set_status(set) == SOCKQ_SET_CANCELLED ||
                sockq_set_status(set) == SOCKQ_SET_COMPLETE);
    while (sockq_set_status(sockq_client_set(&world->client, other)) == SOCKQ_SET_READING)
        assert_int_equal(sockq_client_wait(&world->client, other, UINT64_MAX, -1), 0);
    const uint16_t port = close_one();
    question.subscription = set->question.subscription;
    assert_true(question.subscription != 0);
    assert_int_equal(sockq_client_collect(&world->client, &question, &second), 0);
    wait_for_port(world, second, port);
    /* Cancelled it is given up, and cannot be gone on with. */
    sockq_client_cancel(&world->client, second);
    assert_int_equal(world->client.flying, 0);
    assert_int_equal(sockq_client_collect(&world->client, &question, &second), -1);
    assert_int_equal(errno, ESTALE);
    sockq_client_release(&world->client, first);
    sockq_client_release(&world->client, other);
    stop_serving(world, 0);
}

/* A pause is for what follows; a cancel and a pause of other sets are for nobody. */
static void pauses_of_others(void **state)
{
    struct serving_world *world = *state;
    struct sockq_message message = request(SOCKQ_OP_COLLECT, 0);

    put_many_rows(world);
    start_serving(world, (size_t)64 << 20);
    hold_read(world, 1);
    message.question = listed;
    send_raw(world, &message, sizeof(message));
    const struct sockq_message started = receive_raw(world);
    assert_int_equal(started.operation, SOCKQ_OP_STARTED);
    for (uint32_t i = 0; i < 2; i++) {
        message = request(SOCKQ_OP_PAUSE, started.block + i);
        send_raw(world, &message, sizeof(message));
    }
    do
        message = receive_raw(world);
    while (message.operation == SOCKQ_OP_PROGRESS);
    assert_int_equal(message.operation, SOCKQ_OP_DONE);
    assert_many_rows(&world->client, started.block, MANY_ROWS);
    /* What follows is not paused by that of another set. */
    world->f->proc.live = true;
    message = request(SOCKQ_OP_COLLECT, 0);
    message.question = closed;
    send_raw(world, &message, sizeof(message));
    message = receive_raw(world);
    if (message.operation == SOCKQ_OP_STARTED) {
        const uint32_t block = message.block;
        message = request(SOCKQ_OP_PAUSE, block + 1);
        send_raw(world, &message, sizeof(message));
        message = request(SOCKQ_OP_PAUSE, block);
        send_raw(world, &message, sizeof(message));
        do
            message = receive_raw(world);
        while (message.operation == SOCKQ_OP_PROGRESS);
        assert_int_equal(message.operation, SOCKQ_OP_DONE);
        assert_int_equal(message.block, block);
    }
    stop_serving(world, 0);
}

static void nothing_to_follow(void **state)
{
    struct serving_world *world = *state;
    struct sockq_client here;
    uint32_t block;

    /* A captured tree, by a collector and in this process. */
    start_serving(world, (size_t)64 << 20);
    assert_int_equal(sockq_client_collect(&world->client, &closed, &block), -1);
    assert_int_equal(errno, EOPNOTSUPP);
    stop_serving(world, 0);
    assert_int_equal(sockq_client_open(&here, world->f->path), 0);
    assert_int_equal(sockq_client_collect(&here, &closed, &block), -1);
    assert_int_equal(errno, EOPNOTSUPP);
    sockq_client_close(&here);
}

/* A collector that answers what none does. */
static void odd_answers(void **state)
{
    static const struct {
        uint16_t operation;
        int32_t error;
        int expected;
    } answers[] = {
        {SOCKQ_OP_PROGRESS, 0, EPROTO},
        {SOCKQ_OP_DONE, 0, EPROTO},
        {SOCKQ_OP_FAILED, EDQUOT, EDQUOT},
    };
    struct sockq_client client;
    uint32_t block = 0;
    int ends[2];

    (void)state;
    for (size_t i = 0; i < COUNT(answers); i++) {
        struct sockq_message answer = request((enum sockq_operation)answers[i].operation, 7);
        answer.error = answers[i].error;
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
        sockq_client_connect(&client, ends[1], NULL);
        assert_int_equal(send(ends[0], &answer, sizeof(answer), 0), sizeof(answer));
        assert_int_equal(sockq_client_collect(&client, &listed, &block), -1);
        assert_int_equal(errno, answers[i].expected);
        assert_int_equal(client.flying, 0);
        /* Half a message is none: the collector is gone. */
        assert_int_equal(send(ends[0], &answer, sizeof(answer) / 2, 0), sizeof(answer) / 2);
        assert_int_equal(sockq_client_collect(&client, &listed, &block), -1);
        assert_int_equal(errno, EPIPE);
        assert_true(client.lost);
        /* Then nothing is asked any more. */
        sockq_client_passed(&client, 7, 1);
        sockq_client_release(&client, 7);
        close(ends[0]);
        sockq_client_close(&client);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVING_TEST(sets_that_go_on),
        SERVING_TEST(pauses_of_others),
        SERVING_TEST(nothing_to_follow),
        SERVING_TEST(odd_answers),
    };

    return cmocka_run_group_tests_name("follow", tests, NULL, NULL);
}

/*
 * The protocol between interpreter and collector over a real socket pair: what each request is
 * answered by, what ends the collector, and what it does when the peer is gone.
 */
#define _GNU_SOURCE
#include "serving.h"

static void collect_is_answered(void **state)
{
    struct serving_world *world = *state;
    struct sockq_message message = request(SOCKQ_OP_COLLECT, 0);
    unsigned progress = 0;

    put_many_rows(world);
    start_serving(world, (size_t)64 << 20);
    send_raw(world, &message, sizeof(message));
    message = receive_raw(world);
    assert_int_equal(message.operation, SOCKQ_OP_STARTED);
    uint32_t block = message.block;
    assert_true(block != 0);
    for (;; progress++) {
        message = receive_raw(world);
        assert_int_equal(message.block, block);
        if (message.operation != SOCKQ_OP_PROGRESS)
            break;
    }
    assert_int_equal(message.operation, SOCKQ_OP_DONE);
    /* After the first 256 rows, and after each 4096 more. */
    assert_int_equal(progress, 4);
    assert_int_equal(sockq_set_status(sockq_client_set(&world->client, block)), SOCKQ_SET_COMPLETE);
    assert_many_rows(&world->client, block, MANY_ROWS);
    stop_serving(world, 0);
}

static void release_gives_blocks_back(void **state)
{
    struct serving_world *world = *state;
    uint32_t first = 0;

    put_many_rows(world);
    start_serving(world, (size_t)64 << 20);
    for (int i = 0; i < 20; i++) {
        struct sockq_message message = request(SOCKQ_OP_COLLECT, 0);
        send_raw(world, &message, sizeof(message));
        do
            message = receive_raw(world);
        while (message.operation != SOCKQ_OP_DONE);
        assert_many_rows(&world->client, message.block, MANY_ROWS);
        first = first ? first : message.block;
        message = request(SOCKQ_OP_RELEASE, message.block);
        send_raw(world, &message, sizeof(message));
        /* One that was never given out, and the same again. */
        send_raw(world, &message, sizeof(message));
        message.block = 12345;
        send_raw(world, &message, sizeof(message));
    }
    stop_serving(world, 0);
    /* A header and three blocks of rows served all rounds. */
    assert_int_equal(world->memory.next, 5);
}

static void cancel_stops_the_collection(void **state)
{
    struct serving_world *world = *state;
    struct sockq_message message = request(SOCKQ_OP_COLLECT, 0);

    put_many_rows(world);
    start_serving(world, (size_t)64 << 20);
    hold_read(world, 2);
    send_raw(world, &message, sizeof(message));
    uint32_t block = receive_raw(world).block;
    assert_int_equal(receive_raw(world).operation, SOCKQ_OP_PROGRESS);
    message = request(SOCKQ_OP_CANCEL, block);
    send_raw(world, &message, sizeof(message));
    do
        message = receive_raw(world);
    while (message.operation == SOCKQ_OP_PROGRESS);
    assert_int_equal(message.operation, SOCKQ_OP_DONE);
    const struct sockq_set *set = sockq_client_set(&world->client, block);
    assert_int_equal(sockq_set_status(set), SOCKQ_SET_CANCELLED);
    uint64_t rows = sockq_set_rows(set);
    assert_true(rows > 0 && rows < MANY_ROWS);
    assert_many_rows(&world->client, block, rows);
    /* Too late or for another set, it does nothing; the next collection is whole. */
    message = request(SOCKQ_OP_CANCEL, block);
    send_raw(world, &message, sizeof(message));
    message = request(SOCKQ_OP_COLLECT, 0);
    send_raw(world, &message, sizeof(message));
    block = receive_raw(world).block;
    message = request(SOCKQ_OP_CANCEL, block + 1);
    send_raw(world, &message, sizeof(message));
    do
        message = receive_raw(world);
    while (message.operation == SOCKQ_OP_PROGRESS);
    assert_many_rows(&world->client, block, MANY_ROWS);
    stop_serving(world, 0);
}

/* A release of the set in flight is ignored; of another set it is done at once. */
static void release_in_flight(void **state)
{
    struct serving_world *world = *state;
    struct sockq_message message = request(SOCKQ_OP_COLLECT, 0);

    put_many_rows(world);
    start_serving(world, (size_t)64 << 20);
    send_raw(world, &message, sizeof(message));
    do
        message = receive_raw(world);
    while (message.operation != SOCKQ_OP_DONE);
    uint32_t old = message.block;
    hold_read(world, 2);
    message = request(SOCKQ_OP_COLLECT, 0);
    send_raw(world, &message, sizeof(message));
    uint32_t block = receive_raw(world).block;
    assert_int_equal(receive_raw(world).operation, SOCKQ_OP_PROGRESS);
    message = request(SOCKQ_OP_RELEASE, block);
    send_raw(world, &message, sizeof(message));
    message = request(SOCKQ_OP_RELEASE, old);
    send_raw(world, &message, sizeof(message));
    do
        message = receive_raw(world);
    while (message.operation == SOCKQ_OP_PROGRESS);
    assert_int_equal(message.operation, SOCKQ_OP_DONE);
    assert_many_rows(&world->client, block, MANY_ROWS);
    stop_serving(world, 0);
    assert_int_equal(world->memory.sets.count, 1);
    assert_int_equal(world->memory.sets.blocks[0], block);
}

/* A file that is full: the request fails, the collector serves on. */
static void a_full_file(void **state)
{
    struct serving_world *world = *state;
    struct sockq_message message = request(SOCKQ_OP_COLLECT, 0);

    put_table(world->f, SOCKQ_TCP, good_of(SOCKQ_TCP), strlen(good_of(SOCKQ_TCP)));
    /* Three blocks: one set of two, and a header that is alone. */
    start_serving(world, (size_t)4 << 20);
    for (int round = 0; round < 2; round++) {
        send_raw(world, &message, sizeof(message));
        uint32_t first = receive_raw(world).block;
        assert_int_equal(receive_raw(world).operation, SOCKQ_OP_DONE);
        send_raw(world, &message, sizeof(message));
        uint32_t second = receive_raw(world).block;
        assert_int_equal(receive_raw(world).operation, SOCKQ_OP_DONE);
        const struct sockq_set *set = sockq_client_set(&world->client, second);
        assert_int_equal(sockq_set_status(set), SOCKQ_SET_FAILED);
        assert_int_equal(set->error, ENOSPC);
        send_raw(world, &message, sizeof(message));
        struct sockq_message reply = receive_raw(world);
        assert_int_equal(reply.operation, SOCKQ_OP_FAILED);
        assert_int_equal(reply.error, ENOSPC);
        assert_int_equal(reply.block, 0);
        reply = request(SOCKQ_OP_RELEASE, first);
        send_raw(world, &reply, sizeof(reply));
        reply = request(SOCKQ_OP_RELEASE, second);
        send_raw(world, &reply, sizeof(reply));
    }
    stop_serving(world, 0);
}

/* One message that no interpreter of ours would send. */
struct bad_message {
    const char *name;
    void (*spoil)(struct sockq_message *message);
    size_t size; /* 0: as it should be */
};

static void spoil_nothing(struct sockq_message *m)
{
    (void)m;
}

static void spoil_magic(struct sockq_message *m)
{
    m->magic++;
}

static void spoil_version(struct sockq_message *m)
{
    m->version++;
}

static void spoil_operation_0(struct sockq_message *m)
{
    m->operation = 0;
}

static void spoil_operation_reply(struct sockq_message *m)
{
    m->operation = SOCKQ_OP_STARTED;
}

static void spoil_operation_unknown(struct sockq_message *m)
{
    m->operation = SOCKQ_OP_FAILED + 1;
}

static void spoil_operation_most(struct sockq_message *m)
{
    m->operation = UINT16_MAX;
}

static void spoil_block(struct sockq_message *m)
{
    m->block = 1;
}

static void spoil_error(struct sockq_message *m)
{
    m->error = -1;
}

static void spoil_rows(struct sockq_message *m)
{
    m->rows = 1;
}

static void spoil_no_tables(struct sockq_message *m)
{
    m->question.tables = 0;
}

static void spoil_tables(struct sockq_message *m)
{
    m->question.tables |= (uint64_t)1 << SOCKQ_TABLES;
}

static void spoil_flags(struct sockq_message *m)
{
    m->question.flags = 0x80000000u;
}

static void spoil_question_subscription(struct sockq_message *m)
{
    m->question.subscription = 1;
}

static void spoil_cancel_of_nothing(struct sockq_message *m)
{
    *m = request(SOCKQ_OP_CANCEL, 0);
}

static void spoil_release_of_nothing(struct sockq_message *m)
{
    *m = request(SOCKQ_OP_RELEASE, 0);
}

static void spoil_release_with_question(struct sockq_message *m)
{
    *m = request(SOCKQ_OP_RELEASE, 1);
    m->question.states = 1;
}

static void spoil_passed_of_nothing(struct sockq_message *m)
{
    *m = request(SOCKQ_OP_PASSED, 0);
}

static void spoil_passed_with_question(struct sockq_message *m)
{
    *m = request(SOCKQ_OP_PASSED, 1);
    m->question.states = 1;
}

static const struct bad_message bad_messages[] = {
    {"short", spoil_nothing, sizeof(struct sockq_message) - 1},
    {"one byte", spoil_nothing, 1},
    {"long", spoil_nothing, sizeof(struct sockq_message) + 1},
    {"twice as long", spoil_nothing, 2 * sizeof(struct sockq_message)},
    {"magic", spoil_magic, 0},
    {"version", spoil_version, 0},
    {"operation 0", spoil_operation_0, 0},
    {"operation of a reply", spoil_operation_reply, 0},
    {"unknown operation", spoil_operation_unknown, 0},
    {"operation 65535", spoil_operation_most, 0},
    {"collect with a block", spoil_block, 0},
    {"error set", spoil_error, 0},
    {"rows of a question", spoil_rows, 0},
    {"no tables", spoil_no_tables, 0},
    {"unknown table", spoil_tables, 0},
    {"unknown flag", spoil_flags, 0},
    {"a subscription to nothing", spoil_question_subscription, 0},
    {"cancel of nothing", spoil_cancel_of_nothing, 0},
    {"release of nothing", spoil_release_of_nothing, 0},
    {"release with a question", spoil_release_with_question, 0},
    {"passed of nothing", spoil_passed_of_nothing, 0},
    {"passed with a question", spoil_passed_with_question, 0},
};

/* Idle, in flight, and in flight with the peer gone right after: always EPROTO. */
static void invalid_messages(void **state)
{
    struct serving_world *world = *state;
    struct sockq_message messages[2] = {{0}};

    put_many_rows(world);
    for (size_t i = 0; i < COUNT(bad_messages) * 3; i++) {
        const struct bad_message *bad = &bad_messages[i / 3];
        size_t size = bad->size ? bad->size : sizeof(messages[0]);
        start_serving(world, (size_t)8 << 20);
        messages[0] = request(SOCKQ_OP_COLLECT, 0);
        if (i % 3) {
            hold_read(world, 2);
            send_raw(world, messages, sizeof(messages[0]));
            assert_int_equal(receive_raw(world).operation, SOCKQ_OP_STARTED);
            assert_int_equal(receive_raw(world).operation, SOCKQ_OP_PROGRESS);
        }
        bad->spoil(&messages[0]);
        assert_int_equal(sockq_request_valid(messages, size), false);
        send_raw(world, messages, size);
        if (i % 3 == 1) {
            struct sockq_message reply;
            while (recv(world->ends[1], &reply, sizeof(reply), 0) > 0)
                assert_int_equal(reply.operation, SOCKQ_OP_PROGRESS);
        }
        stop_serving(world, EPROTO);
    }
}

static void a_second_collect_in_flight(void **state)
{
    struct serving_world *world = *state;
    struct sockq_message message = request(SOCKQ_OP_COLLECT, 0);

    put_many_rows(world);
    start_serving(world, (size_t)64 << 20);
    hold_read(world, 2);
    send_raw(world, &message, sizeof(message));
    assert_int_equal(receive_raw(world).operation, SOCKQ_OP_STARTED);
    assert_int_equal(receive_raw(world).operation, SOCKQ_OP_PROGRESS);
    send_raw(world, &message, sizeof(message));
    stop_serving(world, EPROTO);
}

/* More rows than there are, of a collection in flight; of one that has ended it is ignored. */
static void passed_rows(void **state)
{
    struct serving_world *world = *state;
    struct sockq_message message = request(SOCKQ_OP_COLLECT, 0), reply;

    put_many_rows(world);
    start_serving(world, (size_t)64 << 20);
    send_raw(world, &message, sizeof(message));
    uint32_t block = receive_raw(world).block;
    do
        reply = receive_raw(world);
    while (reply.operation == SOCKQ_OP_PROGRESS);
    assert_int_equal(reply.operation, SOCKQ_OP_DONE);
    message = request(SOCKQ_OP_PASSED, block);
    message.rows = UINT64_MAX;
    send_raw(world, &message, sizeof(message));
    assert_many_rows(&world->client, block, MANY_ROWS);
    hold_read(world, 2);
    message = request(SOCKQ_OP_COLLECT, 0);
    send_raw(world, &message, sizeof(message));
    message = request(SOCKQ_OP_PASSED, receive_raw(world).block);
    assert_int_equal(receive_raw(world).operation, SOCKQ_OP_PROGRESS);
    message.rows = MANY_ROWS + 1;
    send_raw(world, &message, sizeof(message));
    stop_serving(world, EPROTO);
}

static void the_peer_closes(void **state)
{
    struct serving_world *world = *state;
    struct sockq_message message = request(SOCKQ_OP_COLLECT, 0);

    put_many_rows(world);
    start_serving(world, (size_t)64 << 20);
    stop_serving(world, 0);
    start_serving(world, (size_t)64 << 20);
    send_raw(world, &message, sizeof(message));
    stop_serving(world, 0);
    /* In flight: it stops long before the end. */
    start_serving(world, (size_t)64 << 20);
    hold_read(world, 2);
    send_raw(world, &message, sizeof(message));
    uint32_t block = receive_raw(world).block;
    const struct sockq_set *set = sockq_client_set(&world->client, block);
    while (sockq_set_rows(set) == 0)
        poll(NULL, 0, 1);
    stop_serving(world, 0);
    assert_true(sockq_set_rows(set) < MANY_ROWS);
}

/* Replies that nobody reads must not stop the collector. */
static void replies_left_unread(void **state)
{
    struct serving_world *world = *state;
    struct sockq_message message = request(SOCKQ_OP_COLLECT, 0);

    put_many_rows(world);
    start_serving(world, (size_t)256 << 20);
    send_raw(world, &message, sizeof(message));
    uint32_t block = receive_raw(world).block;
    const struct sockq_set *set = sockq_client_set(&world->client, block);
    for (int i = 0; i < 10000 && sockq_set_status(set) == SOCKQ_SET_READING; i++)
        poll(NULL, 0, 1);
    assert_int_equal(sockq_set_status(set), SOCKQ_SET_COMPLETE);
    assert_many_rows(&world->client, block, MANY_ROWS);
    stop_serving(world, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVING_TEST(collect_is_answered),
        SERVING_TEST(release_gives_blocks_back),
        SERVING_TEST(cancel_stops_the_collection),
        SERVING_TEST(release_in_flight),
        SERVING_TEST(a_full_file),
        SERVING_TEST(invalid_messages),
        SERVING_TEST(a_second_collect_in_flight),
        SERVING_TEST(passed_rows),
        SERVING_TEST(the_peer_closes),
        SERVING_TEST(replies_left_unread),
    };

    return cmocka_run_group_tests_name("collector", tests, NULL, NULL);
}

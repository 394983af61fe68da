/*
 * The interpreter's side: rows that stream in while the table is still read, interrupts, a
 * collector that is gone, and the same rows whether the collector is a process or in this one.
 */
#define _GNU_SOURCE
#include <sys/time.h>
#include <sys/wait.h>

#include "serving.h"

static const struct sockq_question tcp = {.tables = (uint64_t)1 << SOCKQ_TCP};
static const struct sockq_question everything = {.tables = ((uint64_t)1 << SOCKQ_TABLES) - 1,
                                                 .flags = SOCKQ_KEEP_DUPLICATES |
                                                          SOCKQ_WITH_OWNERS | SOCKQ_WITH_CGROUPS};

/* A request that is ignored, and lets go a read that is held. */
static void wake(struct serving_world *world)
{
    struct sockq_message message = request(SOCKQ_OP_CANCEL, 99999);

    send_raw(world, &message, sizeof(message));
}

/* Wait until a row set is final; its last message may be left for the next collection to take. */
static void wait_for_end(struct sockq_client *client, uint32_t block)
{
    const struct sockq_set *set = sockq_client_set(client, block);

    while (sockq_set_status(set) == SOCKQ_SET_READING)
        assert_int_equal(sockq_client_wait(client, block, sockq_set_rows(set), -1), 0);
}

/* Collect with the second read held, and wait for the first rows. */
static uint32_t collect_first_rows(struct serving_world *world)
{
    uint32_t block = 0;

    put_many_rows(world);
    start_serving(world, (size_t)64 << 20);
    hold_read(world, 2);
    assert_int_equal(sockq_client_collect(&world->client, &tcp, &block), 0);
    assert_int_equal(world->client.flying, block);
    assert_int_equal(sockq_client_wait(&world->client, block, 0, -1), 0);
    return block;
}

static void rows_come_before_the_end(void **state)
{
    struct serving_world *world = *state;
    uint32_t block = collect_first_rows(world);
    const struct sockq_set *set = sockq_client_set(&world->client, block);
    uint64_t rows = sockq_set_rows(set);

    assert_true(rows > 0 && rows < MANY_ROWS);
    assert_int_equal(sockq_set_status(set), SOCKQ_SET_READING);
    assert_many_rows(&world->client, block, rows);
    wake(world);
    while (sockq_set_status(set) == SOCKQ_SET_READING) {
        rows = sockq_set_rows(set);
        assert_int_equal(sockq_client_wait(&world->client, block, rows, -1), 0);
        assert_true(sockq_set_rows(set) > rows || sockq_set_status(set) != SOCKQ_SET_READING);
    }
    assert_int_equal(sockq_set_status(set), SOCKQ_SET_COMPLETE);
    assert_many_rows(&world->client, block, MANY_ROWS);
    /* Nothing is in flight that could be waited for. */
    assert_int_equal(sockq_client_wait(&world->client, block, MANY_ROWS, -1), 0);
    stop_serving(world, 0);
}

static void cancel_waits_for_the_end(void **state)
{
    struct serving_world *world = *state;
    uint32_t block = collect_first_rows(world);
    const struct sockq_set *set = sockq_client_set(&world->client, block);

    /* Not the one in flight: nothing happens. */
    sockq_client_cancel(&world->client, block + 1);
    assert_int_equal(world->client.flying, block);
    sockq_client_cancel(&world->client, block);
    assert_int_equal(world->client.flying, 0);
    assert_int_equal(sockq_set_status(set), SOCKQ_SET_CANCELLED);
    assert_true(sockq_set_rows(set) < MANY_ROWS);
    assert_many_rows(&world->client, block, sockq_set_rows(set));
    sockq_client_cancel(&world->client, block);
    assert_false(world->client.lost);
    stop_serving(world, 0);
}

static void release_in_flight_cancels_first(void **state)
{
    struct serving_world *world = *state;
    uint32_t block = collect_first_rows(world), next = 0;

    sockq_client_release(&world->client, block);
    assert_int_equal(world->client.flying, 0);
    assert_int_equal(sockq_client_collect(&world->client, &tcp, &next), 0);
    assert_int_equal(next, block);
    wait_for_end(&world->client, next);
    assert_many_rows(&world->client, next, MANY_ROWS);
    stop_serving(world, 0);
    assert_int_equal(world->memory.sets.count, 1);
}

/* The set in flight is brought to its end before the next one begins; both stay readable. */
static void collect_after_collect(void **state)
{
    struct serving_world *world = *state;
    uint32_t blocks[5];

    put_many_rows(world);
    start_serving(world, (size_t)64 << 20);
    for (size_t i = 0; i < COUNT(blocks); i++)
        assert_int_equal(sockq_client_collect(&world->client, &tcp, &blocks[i]), 0);
    wait_for_end(&world->client, blocks[4]);
    for (size_t i = 0; i < COUNT(blocks); i++) {
        assert_many_rows(&world->client, blocks[i], MANY_ROWS);
        sockq_client_release(&world->client, blocks[i]);
    }
    stop_serving(world, 0);
    assert_int_equal(world->memory.sets.count, 0);
}

/* Counts; the third alarm sends a request, if there is a socket for it. */
static volatile sig_atomic_t alarms;
static volatile sig_atomic_t alarm_socket = -1;

static void on_alarm(int number)
{
    const struct sockq_message message = request(SOCKQ_OP_CANCEL, 99999);

    (void)number;
    if (++alarms == 3 && alarm_socket >= 0)
        (void)send(alarm_socket, &message, sizeof(message), MSG_NOSIGNAL);
}

/* SIGALRM every 20 ms, to a handler that does not restart what it interrupts; or never. */
static void set_alarms(bool on)
{
    struct sigaction action = {.sa_handler = on ? on_alarm : SIG_IGN};
    struct timeval time = {.tv_usec = on ? 20000 : 0};
    struct itimerval timer = {.it_value = time, .it_interval = time};

    alarms = 0;
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

/* The collector is held before it answers: interrupts meanwhile do not lose the answer. */
static void an_interrupted_collect(void **state)
{
    struct serving_world *world = *state;
    uint32_t block = 0;

    put_many_rows(world);
    put_text(world->f, "sys/kernel/hostname", "box");
    start_serving(world, (size_t)64 << 20);
    hold_read(world, 1);
    alarm_socket = world->ends[1];
    set_alarms(true);
    int result = sockq_client_collect(&world->client, &tcp, &block);
    int count = alarms;
    set_alarms(false);
    alarm_socket = -1;
    assert_int_equal(result, 0);
    assert_true(count >= 3);
    wait_for_end(&world->client, block);
    assert_many_rows(&world->client, block, MANY_ROWS);
    stop_serving(world, 0);
}

static void an_interrupted_wait(void **state)
{
    struct serving_world *world = *state;
    uint32_t block = collect_first_rows(world);
    const struct sockq_set *set = sockq_client_set(&world->client, block);

    set_alarms(true);
    for (int i = 0; i < 3; i++) {
        errno = 0;
        assert_int_equal(sockq_client_wait(&world->client, block, sockq_set_rows(set), -1), -1);
        assert_int_equal(errno, EINTR);
        assert_false(world->client.lost);
    }
    wake(world);
    while (sockq_set_status(set) == SOCKQ_SET_READING)
        if (sockq_client_wait(&world->client, block, sockq_set_rows(set), -1) < 0)
            assert_int_equal(errno, EINTR);
    set_alarms(false);
    assert_false(world->client.lost);
    assert_many_rows(&world->client, block, MANY_ROWS);
    stop_serving(world, 0);
}

static void a_wait_with_a_time(void **state)
{
    struct serving_world *world = *state;
    uint32_t block = collect_first_rows(world);
    const struct sockq_set *set = sockq_client_set(&world->client, block);
    uint64_t rows = sockq_set_rows(set);

    /* What is there is given at once; what is not is not waited for longer than that. */
    assert_int_equal(sockq_client_wait(&world->client, block, 0, 0), 0);
    while (sockq_client_wait(&world->client, block, rows, 0) == 0 && sockq_set_rows(set) > rows)
        rows = sockq_set_rows(set);
    assert_int_equal(sockq_client_wait(&world->client, block, rows, 20), 0);
    assert_int_equal(sockq_set_rows(set), rows);
    assert_int_equal(sockq_set_status(set), SOCKQ_SET_READING);
    set_alarms(true);
    errno = 0;
    assert_int_equal(sockq_client_wait(&world->client, block, rows, 60000), -1);
    assert_int_equal(errno, EINTR);
    set_alarms(false);
    wake(world);
    while (sockq_set_status(set) == SOCKQ_SET_READING)
        assert_int_equal(sockq_client_wait(&world->client, block, sockq_set_rows(set), 60000), 0);
    assert_many_rows(&world->client, block, MANY_ROWS);
    stop_serving(world, 0);
}

/* End the collector with a message that it does not understand. */
static void end_collector(struct serving_world *world)
{
    send_raw(world, "x", 1);
    pthread_join(world->thread, NULL);
    world->serving = false;
    assert_int_equal(world->error, EPROTO);
}

static void the_collector_is_gone(void **state)
{
    struct serving_world *world = *state;
    uint32_t block = 0;

    put_many_rows(world);
    start_serving(world, (size_t)64 << 20);
    end_collector(world);
    for (int i = 0; i < 3; i++) {
        errno = 0;
        assert_int_equal(sockq_client_collect(&world->client, &tcp, &block), -1);
        assert_int_equal(errno, EPIPE);
        assert_true(world->client.lost);
    }
    assert_int_equal(sockq_client_wait(&world->client, 1, 0, -1), 0);
    sockq_client_cancel(&world->client, 1);
    sockq_client_release(&world->client, 1);
    sockq_client_close(&world->client);
}

static void the_collector_goes_in_flight(void **state)
{
    struct serving_world *world = *state;
    uint32_t block = collect_first_rows(world);
    const struct sockq_set *set = sockq_client_set(&world->client, block);

    end_collector(world);
    uint64_t rows = sockq_set_rows(set);
    int result;
    do {
        errno = 0;
        result = sockq_client_wait(&world->client, block, MANY_ROWS, -1);
    } while (result == 0 && sockq_set_status(set) == SOCKQ_SET_READING);
    assert_true(result == -1 || sockq_set_status(set) == SOCKQ_SET_CANCELLED);
    if (result == -1)
        assert_int_equal(errno, EPIPE);
    /* What came stays readable; nothing hangs. */
    assert_many_rows(&world->client, block, rows);
    sockq_client_cancel(&world->client, block);
    sockq_client_release(&world->client, block);
    errno = 0;
    assert_int_equal(sockq_client_collect(&world->client, &tcp, &block), -1);
    assert_int_equal(errno, EPIPE);
    sockq_client_close(&world->client);
}

static void no_room(void **state)
{
    struct serving_world *world = *state;
    uint32_t first = 0, second = 0, third = 0;

    put_table(world->f, SOCKQ_TCP, good_of(SOCKQ_TCP), strlen(good_of(SOCKQ_TCP)));
    start_serving(world, (size_t)4 << 20);
    assert_int_equal(sockq_client_collect(&world->client, &tcp, &first), 0);
    assert_int_equal(sockq_client_collect(&world->client, &tcp, &second), 0);
    errno = 0;
    assert_int_equal(sockq_client_collect(&world->client, &tcp, &third), -1);
    assert_int_equal(errno, ENOSPC);
    assert_int_equal(sockq_set_rows(sockq_client_set(&world->client, first)), 1);
    sockq_client_release(&world->client, first);
    assert_int_equal(sockq_client_collect(&world->client, &tcp, &third), 0);
    stop_serving(world, 0);
}

/* The caller's mistake must not end the collector. */
static void an_invalid_question(void **state)
{
    static const struct sockq_question bad[] = {
        {0}, {.tables = (uint64_t)1 << SOCKQ_TABLES}, {.tables = 1, .flags = 0x80000000}};
    struct serving_world *world = *state;
    struct sockq_client here;
    uint32_t block = 0;

    put_many_rows(world);
    start_serving(world, (size_t)64 << 20);
    assert_int_equal(sockq_client_open(&here, world->f->path), 0);
    for (size_t i = 0; i < COUNT(bad); i++) {
        errno = 0;
        assert_int_equal(sockq_client_collect(&world->client, &bad[i], &block), -1);
        assert_int_equal(errno, EINVAL);
        errno = 0;
        assert_int_equal(sockq_client_collect(&here, &bad[i], &block), -1);
        assert_int_equal(errno, EINVAL);
    }
    assert_int_equal(sockq_client_collect(&world->client, &tcp, &block), 0);
    sockq_client_close(&here);
    stop_serving(world, 0);
}

/* A tree with something of everything. */
static void make_full_tree(struct serving_world *world)
{
    char text[2000];

    for (int i = 0; i < SOCKQ_TEXT_TABLES; i++) {
        const char *good = good_of((enum sockq_table)i);
        int n = snprintf(text, sizeof(text), "%snonsense\n%s%s", good, good, i % 3 ? good : "");
        put_table(world->f, (enum sockq_table)i, text, (size_t)n);
    }
    put_table(world->f, SOCKQ_UNIX,
              BYTES("d2a1b5c8: 00000002 00000000 00010000 0001 01 15600 @a\nb\n"));
    put_link(world->f, "5/fd/3", "socket:[1600]");
    put_link(world->f, "5/fd/4", "socket:[15600]");
    put_link(world->f, "6/fd/3", "socket:[1600]");
    put_text(world->f, "5/cmdline", "/usr/sbin/sshd");
    put_text(world->f, "5/cgroup", "0::/system.slice\n");
    put_text(world->f, "sys/kernel/hostname", "box\n");
}

static void same_rows_in_one_process(void **state)
{
    struct serving_world *world = *state;
    struct sockq_client here;
    uint32_t blocks[2] = {0};

    make_full_tree(world);
    start_serving(world, (size_t)64 << 20);
    assert_int_equal(sockq_client_open(&here, world->f->path), 0);
    assert_int_equal(sockq_client_collect(&here, &everything, &blocks[0]), 0);
    assert_int_equal(sockq_client_wait(&here, blocks[0], UINT64_MAX, -1), 0);
    assert_int_equal(sockq_client_collect(&world->client, &everything, &blocks[1]), 0);
    wait_for_end(&world->client, blocks[1]);
    const struct sockq_set *a = sockq_client_set(&here, blocks[0]);
    const struct sockq_set *b = sockq_client_set(&world->client, blocks[1]);
    assert_int_equal(sockq_set_status(a), SOCKQ_SET_INCOMPLETE);
    assert_int_equal(sockq_set_status(b), SOCKQ_SET_INCOMPLETE);
    assert_int_equal(sockq_set_rows(a), sockq_set_rows(b));
    assert_true(sockq_set_rows(a) > 2 * SOCKQ_TEXT_TABLES);
    for (uint64_t i = 0; i < sockq_set_rows(a); i++)
        assert_memory_equal(sockq_set_row(here.map, a, i), sockq_set_row(world->client.map, b, i),
                            sizeof(struct sockq_row));
    assert_int_equal(a->arena, b->arena);
    assert_true(a->arena < SOCKQ_BLOCK_SIZE);
    assert_memory_equal(sockq_set_at(here.map, a, 8, a->arena - 8),
                        sockq_set_at(world->client.map, b, 8, b->arena - 8), a->arena - 8);
    assert_memory_equal(a->tables, b->tables, sizeof(a->tables));
    assert_memory_equal(&a->owners, &b->owners, sizeof(a->owners));
    assert_int_equal(a->problem_count, b->problem_count);
    assert_memory_equal(a->host, b->host, sizeof(a->host));
    sockq_client_close(&here);
    stop_serving(world, 0);
}

static void a_client_in_this_process(void **state)
{
    struct serving_world *world = *state;
    struct sockq_client client;
    uint32_t block = 0, again = 0;

    assert_int_equal(sockq_client_open(&client, path_of(world->f, "missing")), -1);
    assert_int_equal(errno, ENOENT);
    put_many_rows(world);
    assert_int_equal(sockq_client_open(&client, world->f->path), 0);
    assert_int_equal(sockq_client_collect(&client, &tcp, &block), 0);
    assert_int_equal(sockq_set_status(sockq_client_set(&client, block)), SOCKQ_SET_COMPLETE);
    assert_many_rows(&client, block, MANY_ROWS);
    sockq_client_cancel(&client, block);
    sockq_client_release(&client, block);
    sockq_client_release(&client, block);
    assert_int_equal(sockq_client_collect(&client, &tcp, &again), 0);
    assert_int_equal(again, block);
    sockq_client_close(&client);
    errno = 0;
    assert_int_equal(sockq_client_collect(&client, &tcp, &again), -1);
    assert_int_equal(errno, EPIPE);
    sockq_client_release(&client, block);
    sockq_client_close(&client);
}

/* What a child does with its client; 0 if all is well, else the step that went wrong. */
static int interpret(struct sockq_client *client)
{
    uint32_t block = 0;

    for (int round = 0; round < 3; round++) {
        if (sockq_client_collect(client, &tcp, &block) < 0)
            return 1;
        const struct sockq_set *set = sockq_client_set(client, block);
        for (uint64_t i = 0; i < MANY_ROWS; i++) {
            while (sockq_set_rows(set) <= i)
                if (sockq_client_wait(client, block, i, -1) < 0 ||
                    (sockq_set_rows(set) <= i && sockq_set_status(set) != SOCKQ_SET_READING))
                    return 2;
            if (sockq_set_row(client->map, set, i)->inode != i + 1)
                return 3;
        }
        if (sockq_client_wait(client, block, MANY_ROWS, -1) < 0 ||
            sockq_set_status(set) != SOCKQ_SET_COMPLETE)
            return 4;
        sockq_client_release(client, block);
    }
    return client->lost ? 5 : 0;
}

/* As in the program: the collector is the parent, the interpreter its child. */
static void two_processes(void **state)
{
    struct serving_world *world = *state;
    struct sockq_client client;
    int ends[2], status;

    put_many_rows(world);
    assert_int_equal(sockq_file_open(&world->memory, (size_t)16 << 20, true), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[0]);
        sockq_client_connect(&client, ends[1], world->memory.map);
        _exit(interpret(&client));
    }
    close(ends[1]);
    assert_int_equal(sockq_collector_serve(ends[0], &world->memory, &world->f->proc), 0);
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(world->memory.sets.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVING_TEST(rows_come_before_the_end),
        SERVING_TEST(cancel_waits_for_the_end),
        SERVING_TEST(release_in_flight_cancels_first),
        SERVING_TEST(collect_after_collect),
        SERVING_TEST(an_interrupted_wait),
        SERVING_TEST(a_wait_with_a_time),
        SERVING_TEST(an_interrupted_collect),
        SERVING_TEST(the_collector_is_gone),
        SERVING_TEST(the_collector_goes_in_flight),
        SERVING_TEST(no_room),
        SERVING_TEST(an_invalid_question),
        SERVING_TEST(same_rows_in_one_process),
        SERVING_TEST(a_client_in_this_process),
        SERVING_TEST(two_processes),
    };

    return cmocka_run_group_tests_name("client", tests, NULL, NULL);
}

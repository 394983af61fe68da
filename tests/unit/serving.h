/*
 * A collector in a thread, with a captured tree and a memory file, for the tests of its protocol.
 *
 * A test that includes this is linked with the options in its .link file: reads of the tables can
 * be held until a request waits for the collector, so that nothing depends on who is faster.
 */
#ifndef SOCKQ_TESTS_SERVING_H
#define SOCKQ_TESTS_SERVING_H
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../src/collector.h"
#include "helper.h"

enum { MANY_ROWS = 20000 };

struct serving_world {
    struct fixture *f;        /* the tree; its file and writer are not used */
    struct sockq_file memory; /* shared, what the collector writes */
    struct sockq_client client;
    int ends[2]; /* the collector's, the client's */
    pthread_t thread;
    bool serving;
    int result; /* of sockq_collector_serve, and its errno */
    int error;
};

/* The read that waits for a request, counted down; and where requests come in. */
static atomic_uint hold_after;
static atomic_int hold_socket;

ssize_t __real_read(int fd, void *buffer, size_t size);
ssize_t __wrap_read(int fd, void *buffer, size_t size);
ssize_t __wrap___read_chk(int fd, void *buffer, size_t size, size_t room);

ssize_t __wrap_read(int fd, void *buffer, size_t size)
{
    if (atomic_load(&hold_after) > 0 && atomic_fetch_sub(&hold_after, 1) == 1) {
        struct pollfd waiting = {.fd = atomic_load(&hold_socket), .events = POLLIN};
        poll(&waiting, 1, 10000);
    }
    return __real_read(fd, buffer, size);
}

ssize_t __wrap___read_chk(int fd, void *buffer, size_t size, size_t room)
{
    return size <= room ? __wrap_read(fd, buffer, size) : -1;
}

/** Hold the read with this number, counted from now, until a request waits; 0: none. */
static inline void hold_read(struct serving_world *world, unsigned number)
{
    atomic_store(&hold_socket, world->ends[0]);
    atomic_store(&hold_after, number);
}

static inline void *serve(void *context)
{
    struct serving_world *world = context;

    world->result = sockq_collector_serve(world->ends[0], &world->memory, &world->f->proc);
    world->error = world->result < 0 ? errno : 0;
    close(world->ends[0]);
    return NULL;
}

/** Begin to serve, in a file of at most so many bytes. */
static inline void start_serving(struct serving_world *world, size_t size)
{
    sigset_t all, before;

    sockq_file_close(&world->memory);
    assert_int_equal(sockq_file_open(&world->memory, size, true), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, world->ends), 0);
    hold_read(world, 0);
    sockq_client_connect(&world->client, world->ends[1], world->memory.map);
    /* Signals are for the client. */
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    assert_int_equal(pthread_create(&world->thread, NULL, serve, world), 0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    world->serving = true;
}

/** Close the client's end and wait for the collector. */
static inline void end_serving(struct serving_world *world)
{
    sockq_client_close(&world->client);
    pthread_join(world->thread, NULL);
    world->serving = false;
}

/** The same, and check how the collector ended (errno 0: well). */
static inline void stop_serving(struct serving_world *world, int error)
{
    end_serving(world);
    assert_int_equal(world->error, error);
    assert_int_equal(world->result, error ? -1 : 0);
}

/** Setup and teardown of a test: *state becomes a struct serving_world; nothing serves yet. */
static inline int world_setup(void **state)
{
    struct serving_world *world = calloc(1, sizeof(*world));
    void *fixture = NULL;

    assert_non_null(world);
    world->client = (struct sockq_client){.socket = -1, .proc = {.fd = -1}};
    if (fixture_setup(&fixture) < 0)
        return -1;
    world->f = fixture;
    *state = world;
    return 0;
}

static inline int world_teardown(void **state)
{
    struct serving_world *world = *state;
    void *fixture = world->f;

    if (world->serving)
        end_serving(world);
    sockq_file_close(&world->memory);
    free(world);
    return fixture_teardown(&fixture);
}

#define SERVING_TEST(function)                                                                     \
    cmocka_unit_test_setup_teardown(function, world_setup, world_teardown)

/** Write a tcp table of MANY_ROWS rows, with inodes from 1. */
static inline void put_many_rows(struct serving_world *world)
{
    const size_t room = (size_t)MANY_ROWS * 160;
    char *text = malloc(room);
    size_t size = 0;

    assert_non_null(text);
    for (unsigned i = 1; i <= MANY_ROWS; i++)
        size += (size_t)snprintf(text + size, room - size,
                                 "%4u: 0100007F:1F90 0200007F:%04X 01 00000000:00000000 "
                                 "00:00000000 00000000  1000        0 %u 1 00000000db745801 20 4 "
                                 "30 10 -1\n",
                                 i - 1, i, i);
    put_table(world->f, SOCKQ_TCP, text, size);
    free(text);
}

/** Fail unless a row set has these rows. */
static inline void assert_many_rows(const struct sockq_client *client, uint32_t block,
                                    uint64_t count)
{
    const struct sockq_set *set = sockq_client_set(client, block);

    assert_int_equal(sockq_set_rows(set), count);
    for (uint64_t i = 0; i < count; i++) {
        const struct sockq_row *row = sockq_set_row(client->map, set, i);
        if (row->inode != i + 1 || row->line != i + 2 || row->remote_port != i + 1)
            fail_msg("row %u has inode %u", (unsigned)i, (unsigned)row->inode);
    }
}

/** Send a message, whatever it is. */
static inline void send_raw(struct serving_world *world, const void *bytes, size_t size)
{
    assert_int_equal(send(world->ends[1], bytes, size, MSG_NOSIGNAL), size);
}

/** Receive the next reply. */
static inline struct sockq_message receive_raw(struct serving_world *world)
{
    struct sockq_message message;
    ssize_t n = recv(world->ends[1], &message, sizeof(message), MSG_TRUNC);

    assert_int_equal(n, sizeof(message));
    assert_int_equal(message.magic, SOCKQ_PROTOCOL_MAGIC);
    assert_int_equal(message.version, SOCKQ_PROTOCOL_VERSION);
    return message;
}

/** A request as a client would send it. */
static inline struct sockq_message request(enum sockq_operation operation, uint32_t block)
{
    struct sockq_message message = {.magic = SOCKQ_PROTOCOL_MAGIC,
                                    .version = SOCKQ_PROTOCOL_VERSION,
                                    .operation = (uint16_t)operation,
                                    .block = block};

    if (operation == SOCKQ_OP_COLLECT)
        message.question.tables = (uint64_t)1 << SOCKQ_TCP;
    return message;
}

#endif

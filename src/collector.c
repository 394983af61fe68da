#define _GNU_SOURCE
#include "collector.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "source/diag_events.h"

_Static_assert(sizeof(struct sockq_message) == 128, "requests have one size");

/*
 * Rows before the first and between two progress messages; the steps grow with the rows that the
 * interpreter has not passed. The messages that it leaves unread do not fill its socket's queue but
 * for tables of millions of rows; then DONE waits until it has read them.
 */
enum { FIRST_PROGRESS = 256, PROGRESS_ROWS = 4096, PROGRESS_SHARE = 16 };

/* Sparse: memory is taken as rows come. */
static const size_t CLIENT_MEMORY = (size_t)64 << 30;
static const size_t REPLAY_LEAST = (size_t)1 << 30;
enum { REPLAY_SHARE = 64 };

/*
 * What an interpreter can make the collector hold: row sets, and of the machine's memory one part
 * in so many, but at least so much. Datagrams that are taken between two reads of a table: a flood
 * of them must not hold up the table for ever.
 */
enum { SETS_MOST = 4096, MEMORY_SHARE = 2, REQUESTS_AT_ONCE = 1024 };
static const uint64_t MEMORY_LEAST = (uint64_t)256 << 20;

struct serving {
    int socket;
    struct sockq_file *file;
    struct sockq_writer w;
    struct diag_events events; /* what is followed, between its row sets too */
    uint64_t told;
    bool follows;
    bool cancelled;
    bool paused;
    int error;
};

static struct sockq_message message_of(enum sockq_operation operation, uint32_t block)
{
    return (struct sockq_message){.magic = SOCKQ_PROTOCOL_MAGIC,
                                  .version = SOCKQ_PROTOCOL_VERSION,
                                  .operation = (uint16_t)operation,
                                  .block = block};
}

static int send_message(int socket, const struct sockq_message *message, int flags)
{
    ssize_t n;

    do
        n = send(socket, message, sizeof(*message), flags | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n == sizeof(*message) ? 0 : -1;
}

bool sockq_request_valid(const struct sockq_message *message, size_t length)
{
    static const struct sockq_question nothing;

    if (length != sizeof(*message) || message->magic != SOCKQ_PROTOCOL_MAGIC ||
        message->version != SOCKQ_PROTOCOL_VERSION || message->error != 0 ||
        (message->rows != 0 && message->operation != SOCKQ_OP_PASSED))
        return false;
    switch (message->operation) {
    case SOCKQ_OP_COLLECT:
        return message->block == 0 && sockq_question_valid(&message->question);
    case SOCKQ_OP_CANCEL:
    case SOCKQ_OP_RELEASE:
    case SOCKQ_OP_PASSED:
    case SOCKQ_OP_PAUSE:
        return message->block != 0 && memcmp(&message->question, &nothing, sizeof(nothing)) == 0;
    default:
        return false;
    }
}

/* @return 1: a valid request, 0: the peer closed, -1: errno (EAGAIN: none yet, EPROTO: invalid) */
static int receive_request(int socket, struct sockq_message *message, int flags)
{
    ssize_t n;

    do
        n = recv(socket, message, sizeof(*message), flags | MSG_TRUNC);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == ECONNRESET)
        return 0;
    if (n <= 0)
        return (int)n;
    if (sockq_request_valid(message, (size_t)n))
        return 1;
    errno = EPROTO;
    return -1;
}

/* Between two reads of a table: take requests that came meanwhile, tell of new rows. */
static bool check_requests(void *context)
{
    struct serving *s = context;
    struct sockq_message message;

    if (s->error)
        return true;
    for (int i = 0; i < REQUESTS_AT_ONCE; i++) {
        int result = receive_request(s->socket, &message, MSG_DONTWAIT);
        if (result < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            break;
        if (result <= 0 || message.operation == SOCKQ_OP_COLLECT) {
            s->error = result < 0 ? errno : result == 0 ? EPIPE : EPROTO;
            return true;
        }
        const bool ours = message.block == s->w.block;
        if (message.operation == SOCKQ_OP_PASSED && ours && message.rows > s->w.set->rows) {
            s->error = EPROTO;
            return true;
        }
        if (message.operation == SOCKQ_OP_CANCEL)
            s->cancelled |= ours;
        else if (message.operation == SOCKQ_OP_PAUSE)
            s->paused |= ours && s->follows;
        else if (message.operation == SOCKQ_OP_PASSED && ours)
            sockq_writer_passed(&s->w, message.rows);
        else if (message.operation == SOCKQ_OP_RELEASE && !ours)
            sockq_file_release(s->file, message.block);
    }
    /* The reader sees rows before it is told of them, and may have passed those. */
    const uint64_t passed = s->w.passed * SOCKQ_BLOCK_ROWS;
    const uint64_t ahead = s->told > passed ? s->told - passed : 0;
    const uint64_t step = s->follows                               ? 1
                          : s->told == 0                           ? FIRST_PROGRESS
                          : ahead < PROGRESS_ROWS * PROGRESS_SHARE ? PROGRESS_ROWS
                                                                   : ahead / PROGRESS_SHARE;
    if (s->w.rows - s->told >= step) {
        s->told = s->w.rows;
        message = message_of(SOCKQ_OP_PROGRESS, s->w.block);
        (void)send_message(s->socket, &message, MSG_DONTWAIT);
    }
    return s->cancelled || s->paused;
}

static int serve_collect(struct serving *s, const struct sockq_proc *proc,
                         const struct sockq_question *question)
{
    struct sockq_message reply;

    struct sockq_question asked = *question;

    s->told = 0;
    s->cancelled = s->paused = false;
    s->follows = question->flags & SOCKQ_FOLLOW;
    if ((s->follows && diag_events_begin(&s->events, proc, &asked) < 0) ||
        sockq_collect_begin(&s->w, s->file, proc, &asked) < 0) {
        reply = message_of(SOCKQ_OP_FAILED, 0);
        reply.error = errno;
        return send_message(s->socket, &reply, 0);
    }
    reply = message_of(SOCKQ_OP_STARTED, s->w.block);
    if (send_message(s->socket, &reply, 0) < 0)
        return -1;
    if (s->follows)
        diag_events_read(&s->events, &s->w, proc, &asked, s->socket, check_requests, s);
    else
        sockq_collect_run(&s->w, proc, &asked, check_requests, s);
    if (s->cancelled && s->follows)
        diag_events_end(&s->events);
    if (s->error) {
        errno = s->error;
        return -1;
    }
    reply = message_of(SOCKQ_OP_DONE, s->w.block);
    return send_message(s->socket, &reply, 0);
}

size_t sockq_collector_memory(void)
{
    struct sysinfo machine;
    uint64_t most =
        sysinfo(&machine) < 0 ? 0 : (uint64_t)machine.totalram * machine.mem_unit / MEMORY_SHARE;

    if (most < MEMORY_LEAST)
        most = MEMORY_LEAST;
    return (size_t)(most + SOCKQ_BLOCK_SIZE - 1) & ~(SOCKQ_BLOCK_SIZE - 1);
}

int sockq_collector_serve(int socket, struct sockq_file *file, const struct sockq_proc *proc)
{
    struct serving s = {.socket = socket, .file = file};
    struct sockq_message message;
    int result;

    if (!file->used_most)
        file->used_most = sockq_collector_memory() / SOCKQ_PAGE;
    if (!file->sets_most)
        file->sets_most = SETS_MOST;
    while ((result = receive_request(socket, &message, 0)) > 0) {
        if (message.operation == SOCKQ_OP_RELEASE)
            sockq_file_release(file, message.block);
        if (message.operation == SOCKQ_OP_COLLECT &&
            serve_collect(&s, proc, &message.question) < 0) {
            result = -1;
            break;
        }
    }
    const int error = errno;
    diag_events_end(&s.events);
    errno = error;
    if (result < 0 && (errno == EPIPE || errno == ECONNRESET))
        return 0;
    return result;
}

void sockq_client_connect(struct sockq_client *client, int socket, const void *map)
{
    *client = (struct sockq_client){.socket = socket, .map = map, .proc = {.fd = -1}};
}

int sockq_client_open(struct sockq_client *client, const char *proc_path)
{
    *client = (struct sockq_client){.socket = -1, .proc = {.fd = -1}};
    if (sockq_proc_open(&client->proc, proc_path) < 0)
        return -1;
    if (sockq_file_open(&client->file, CLIENT_MEMORY, false) < 0) {
        int saved = errno;
        sockq_proc_close(&client->proc);
        errno = saved;
        return -1;
    }
    client->map = client->file.map;
    return 0;
}

int sockq_client_replay(struct sockq_client *client, struct sockq_recording *recording,
                        size_t index)
{
    *client = (struct sockq_client){.socket = -1, .proc = {.fd = -1}};
    /* Less than for a collector: a script may keep rows of thousands of snapshots. */
    uint64_t size = recording->list[index].size * REPLAY_SHARE;
    size = size < REPLAY_LEAST ? REPLAY_LEAST : size > CLIENT_MEMORY ? CLIENT_MEMORY : size;
    if (sockq_file_open(&client->file, size, false) < 0)
        return -1;
    if (sockq_recording_load(recording, index, &client->file, &client->recorded) < 0) {
        int saved = errno;
        sockq_file_close(&client->file);
        errno = saved;
        return -1;
    }
    client->map = client->file.map;
    return 0;
}

void sockq_client_close(struct sockq_client *client)
{
    if (client->socket >= 0)
        close(client->socket);
    client->socket = -1;
    sockq_file_close(&client->file);
    sockq_proc_close(&client->proc);
    client->map = NULL;
    client->lost = true;
}

/* Unlike the collector, the interpreter can be interrupted while it waits: EINTR is for the caller.
 */
static int receive_reply(struct sockq_client *client, struct sockq_message *message)
{
    ssize_t n = recv(client->socket, message, sizeof(*message), 0);

    if (n == sizeof(*message)) {
        if (message->operation == SOCKQ_OP_DONE && message->block == client->flying)
            client->flying = 0;
        return 0;
    }
    if (n < 0 && errno == EINTR)
        return -1;
    client->lost = true;
    errno = EPIPE;
    return -1;
}

/* @return 1: a reply is there, or the end of the collector; 0: none within the time; -1: errno */
static int await_reply(const struct sockq_client *client, int timeout_ms)
{
    struct pollfd one = {.fd = client->socket, .events = POLLIN};

    return poll(&one, 1, timeout_ms);
}

static bool never(void *context)
{
    (void)context;
    return false;
}

static int collect_recorded(struct sockq_client *client, const struct sockq_question *question,
                            uint32_t *block)
{
    const struct sockq_source source = {.set = sockq_client_set(client, client->recorded),
                                        .base = client->map};
    const struct sockq_selection selection = {.question = *question};
    struct sockq_writer w;
    enum sockq_flaw flaw;

    if (sockq_copy(&w, &client->file, &source, &selection, &flaw) < 0)
        return -1;
    w.set->live = 0;
    *block = w.block;
    return 0;
}

static int collect_here(struct sockq_client *client, const struct sockq_question *question,
                        uint32_t *block)
{
    struct sockq_writer w;

    if (sockq_collect_begin(&w, &client->file, &client->proc, question) < 0)
        return -1;
    sockq_collect_run(&w, &client->proc, question, never, NULL);
    *block = w.block;
    return 0;
}

/* Have the collection in flight ended, and wait for that. */
static void end_flying(struct sockq_client *client, enum sockq_operation operation)
{
    const uint32_t block = client->flying;
    struct sockq_message message = message_of(operation, block);

    /* The collector may wait for room in this end's queue while its own is full. */
    while (send_message(client->socket, &message, MSG_DONTWAIT) < 0) {
        if (errno != EAGAIN && errno != EWOULDBLOCK)
            client->lost = true;
        else
            (void)receive_reply(client, &message);
        if (client->flying != block || client->lost)
            return;
        message = message_of(operation, block);
    }
    while (client->flying && !client->lost)
        (void)receive_reply(client, &message);
}

int sockq_client_collect(struct sockq_client *client, const struct sockq_question *question,
                         uint32_t *block)
{
    struct sockq_message message = message_of(SOCKQ_OP_COLLECT, 0);

    if (!sockq_question_valid(question)) {
        errno = EINVAL;
        return -1;
    }
    if (client->lost) {
        errno = EPIPE;
        return -1;
    }
    if ((client->recorded || client->socket < 0) && question->flags & SOCKQ_FOLLOW) {
        errno = EOPNOTSUPP;
        return -1;
    }
    if (client->recorded)
        return collect_recorded(client, question, block);
    if (client->socket < 0)
        return collect_here(client, question, block);
    if (client->flying && sockq_client_set(client, client->flying)->question.flags & SOCKQ_FOLLOW)
        end_flying(client, SOCKQ_OP_PAUSE);
    while (client->flying)
        if (receive_reply(client, &message) < 0)
            return -1;
    message = message_of(SOCKQ_OP_COLLECT, 0);
    message.question = *question;
    if (send_message(client->socket, &message, 0) < 0) {
        client->lost = true;
        errno = EPIPE;
        return -1;
    }
    /* The answer comes at once; an interrupt in between must not lose it. */
    while (receive_reply(client, &message) < 0)
        if (errno != EINTR)
            return -1;
    if (message.operation != SOCKQ_OP_STARTED) {
        errno = message.operation == SOCKQ_OP_FAILED ? message.error : EPROTO;
        return -1;
    }
    client->flying = *block = message.block;
    return 0;
}

const struct sockq_set *sockq_client_set(const struct sockq_client *client, uint32_t block)
{
    const void *at = client->map + ((size_t)block << SOCKQ_BLOCK_SHIFT);

    return at;
}

int sockq_client_wait(struct sockq_client *client, uint32_t block, uint64_t seen, int timeout_ms)
{
    const struct sockq_set *set = sockq_client_set(client, block);
    struct sockq_message message;

    while (client->flying == block && sockq_set_rows(set) <= seen &&
           sockq_set_status(set) == SOCKQ_SET_READING) {
        int ready = timeout_ms < 0 ? 1 : await_reply(client, timeout_ms);
        if (ready <= 0)
            return ready;
        if (receive_reply(client, &message) < 0)
            return -1;
        /* Messages without rows must not put the end of the wait off. */
        if (timeout_ms >= 0)
            return 0;
    }
    return 0;
}

void sockq_client_passed(struct sockq_client *client, uint32_t block, uint64_t rows)
{
    struct sockq_message message = message_of(SOCKQ_OP_PASSED, block);

    message.rows = rows;
    if (client->flying == block && !client->lost)
        (void)send_message(client->socket, &message, MSG_DONTWAIT);
}

void sockq_client_cancel(struct sockq_client *client, uint32_t block)
{
    if (client->flying == block && block && !client->lost)
        end_flying(client, SOCKQ_OP_CANCEL);
}

void sockq_client_release(struct sockq_client *client, uint32_t block)
{
    struct sockq_message message = message_of(SOCKQ_OP_RELEASE, block);

    if (client->socket < 0) {
        if (client->map)
            sockq_file_release(&client->file, block);
        return;
    }
    sockq_client_cancel(client, block);
    if (!client->lost && send_message(client->socket, &message, 0) < 0)
        client->lost = true;
}

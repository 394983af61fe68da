/*
 * The request decoder, and a collector that is sent a stream of datagrams. Input: datagrams one
 * after the other, each a byte that says how: raw bytes of any length, or a message with fields of
 * any value.
 *
 * What the decoder takes is compared with a second reading of the protocol; no reply is malformed,
 * and a stream with an invalid datagram ends with EPROTO.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../src/collector.h"
#include "fuzz.h"

enum { DATAGRAMS = 48, LARGEST = 96 };

/* Written from the comments of row.h and collector.h. */
static bool is_request(const void *bytes, size_t length)
{
    struct sockq_message m;

    if (length != sizeof(m))
        return false;
    memcpy(&m, bytes, sizeof(m));
    const struct sockq_question *q = &m.question;
    bool asks = q->tables || q->flags, nothing = !asks && !q->states && !q->subscription;
    const uint64_t told = 1 << SOCKQ_TCP | 1 << SOCKQ_TCP6 | 1 << SOCKQ_UDP | 1 << SOCKQ_UDP6;
    bool follows = q->flags & SOCKQ_FOLLOW && q->tables && (q->tables & ~told) == 0 &&
                   (q->flags & ~(uint32_t)(SOCKQ_FOLLOW | SOCKQ_DIAG_FLAGS)) == 0;
    bool question = asks && q->tables < 1u << SOCKQ_TABLES && q->flags <= SOCKQ_REQUEST_FLAGS &&
                    (q->flags & SOCKQ_FOLLOW ? follows : q->subscription == 0);

    if (m.magic != SOCKQ_PROTOCOL_MAGIC || m.version != SOCKQ_PROTOCOL_VERSION || m.error)
        return false;
    return (m.operation == SOCKQ_OP_COLLECT && m.block == 0 && m.rows == 0 && question) ||
           (m.operation == SOCKQ_OP_CANCEL && m.block && m.rows == 0 && nothing) ||
           (m.operation == SOCKQ_OP_PAUSE && m.block && m.rows == 0 && nothing) ||
           (m.operation == SOCKQ_OP_RELEASE && m.block && m.rows == 0 && nothing) ||
           (m.operation == SOCKQ_OP_PASSED && m.block && nothing);
}

static size_t take_datagram(struct fuzz_input *in, void *bytes)
{
    struct sockq_message *m = bytes;
    uint8_t how = fuzz_byte(in);

    if (how & 0x80) {
        size_t length = how & 0x7f;
        length = length > LARGEST ? LARGEST : length ? length : 1;
        for (size_t i = 0; i < length; i++)
            ((uint8_t *)bytes)[i] = fuzz_byte(in);
        return length;
    }
    *m = (struct sockq_message){
        .magic = SOCKQ_PROTOCOL_MAGIC, .version = SOCKQ_PROTOCOL_VERSION, .operation = how & 0xf};
    if (how & 0x10 || m->operation != SOCKQ_OP_COLLECT)
        m->block = fuzz_byte(in);
    if (how & 0x20)
        m->rows = fuzz_two(in);
    if (m->operation == SOCKQ_OP_COLLECT || how & 0x40) {
        m->question.tables = fuzz_two(in);
        m->question.flags = fuzz_two(in);
        m->question.states = fuzz_byte(in);
    }
    return sizeof(*m);
}

static void put_tree(void)
{
    static const char rows[] = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when "
                               "retrnsmt   uid  timeout "
                               "inode\n"
                               "   0: 0100007F:1538 0100007F:0016 01 00000002:00000001 01:0000000A "
                               "00000003  1000        4 "
                               "1600 1 00000000db745801 20 4 30 10 -1\n"
                               "   1: 0100007F:0016 0100007F:1538 01 00000002:00000001 01:0000000A "
                               "00000003  1000        4 "
                               "1601 1 00000000db745801 20 4 30 10 -1\n";

    fuzz_tree_put('@', "net/tcp", rows, sizeof(rows) - 1);
    fuzz_tree_put('@', "net/udp", "no header\n", 10);
    fuzz_tree_put('>', "7/fd/3", "socket:[1600]", 13);
    fuzz_tree_put('@', "7/cmdline", "x", 1);
    fuzz_tree_put('@', "uptime", "12.50 3.25\n", 11);
}

/* STARTED, PROGRESS, DONE of one row set at a time, or FAILED. */
static void check_replies(int socket, const struct sockq_file *file)
{
    struct sockq_message m;
    uint32_t flying = 0;
    ssize_t n;

    while ((n = recv(socket, &m, sizeof(m), MSG_DONTWAIT)) > 0) {
        FUZZ_CHECK(n == sizeof(m) && m.magic == SOCKQ_PROTOCOL_MAGIC);
        FUZZ_CHECK(m.version == SOCKQ_PROTOCOL_VERSION && m.question.tables == 0);
        if (m.operation == SOCKQ_OP_STARTED) {
            FUZZ_CHECK(!flying && m.block > 0 && m.block < file->next);
            flying = m.block;
        } else if (m.operation == SOCKQ_OP_FAILED) {
            FUZZ_CHECK(!flying && m.error > 0);
        } else {
            FUZZ_CHECK(flying && m.block == flying);
            FUZZ_CHECK(m.operation == SOCKQ_OP_PROGRESS || m.operation == SOCKQ_OP_DONE);
            flying = m.operation == SOCKQ_OP_DONE ? 0 : flying;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sockq_proc proc = {.fd = -1};
    union {
        struct sockq_message message;
        uint8_t bytes[LARGEST];
    } datagram;
    struct fuzz_input in = {data, size};
    struct sockq_file file;
    bool all_valid = true, first_valid = true;
    int sockets[2];
    char path[128];

    if (proc.fd < 0) {
        snprintf(path, sizeof(path), "%s/tree", fuzz_folder());
        put_tree();
        FUZZ_CHECK(sockq_proc_open(&proc, path) == 0);
    }
    fuzz_reads_reset();
    FUZZ_CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) == 0);
    /* So small that it can be full. */
    FUZZ_CHECK(sockq_file_open(&file, (size_t)16 << 20, false) == 0);
    for (int i = 0; i < DATAGRAMS && in.left; i++) {
        memset(&datagram, 0, sizeof(datagram));
        size_t length = take_datagram(&in, &datagram);
        bool valid = sockq_request_valid(&datagram.message, length);
        FUZZ_CHECK(valid == is_request(&datagram, length));
        FUZZ_CHECK(send(sockets[1], &datagram, length, MSG_NOSIGNAL) == (ssize_t)length);
        first_valid = i == 0 ? valid : first_valid;
        all_valid = all_valid && valid;
    }
    FUZZ_CHECK(shutdown(sockets[1], SHUT_WR) == 0);
    int result = sockq_collector_serve(sockets[0], &file, &proc);
    int error = result < 0 ? errno : 0;
    FUZZ_CHECK(result == 0 ? all_valid || first_valid : error == EPROTO);
    check_replies(sockets[1], &file);
    FUZZ_CHECK(file.next <= file.size >> SOCKQ_BLOCK_SHIFT);
    for (uint32_t i = 0; i < file.sets.count; i++)
        FUZZ_CHECK(file.sets.blocks[i] < file.next);
    close(sockets[0]);
    close(sockets[1]);
    sockq_file_close(&file);
    return 0;
}

/*
 * Netlink messages, as if the kernel had sent them: truncated, with wrong lengths, of unknown
 * types. Input: a byte for the table, two for the question's flags, one for how they come, then
 * datagrams: two bytes for the length, and as many bytes, each datagram in memory of just its size.
 *
 * Whatever comes, the row set is sound, says the same when it comes again, and when it is copied.
 */
#define _GNU_SOURCE
#include "../../src/source/sock_diag.h"
#include "fuzz.h"

enum {
    SHORTEST = sizeof(struct nlmsghdr),
    MOST = 64,
    RENUMBER = 0x1,
    REPEATED = 0x2,
    STATES = 0x4,
    SECOND = 0x8
};

static const enum sockq_table tables[] = {
    SOCKQ_TCP,      SOCKQ_TCP6,     SOCKQ_UDP,         SOCKQ_UDP6,    SOCKQ_UDPLITE,
    SOCKQ_UDPLITE6, SOCKQ_RAW,      SOCKQ_RAW6,        SOCKQ_MPTCP,   SOCKQ_MPTCP6,
    SOCKQ_DCCP,     SOCKQ_DCCP6,    SOCKQ_UNIX,        SOCKQ_NETLINK, SOCKQ_PACKET,
    SOCKQ_VSOCK,    SOCKQ_SCTP_EPS, SOCKQ_SCTP_ASSOCS, SOCKQ_TIPC,    SOCKQ_XDP,
};

static bool never(void *context)
{
    (void)context;
    return false;
}

/* Answers to what was asked: else a changed length puts the rest out of sight. */
static void renumber(void *bytes, size_t size)
{
    struct nlmsghdr *message = bytes;

    for (int left = (int)size; diag_is_whole(message, left);
         message = mnl_nlmsg_next(message, &left))
        message->nlmsg_seq = 1;
}

/* @return  MNL_CB_OK, MNL_CB_STOP or MNL_CB_ERROR, and all that is said */
static int take_all(struct fuzz_input in, const struct sockq_question *question,
                    enum sockq_table table, uint8_t how, struct fuzz_dump *dump)
{
    const struct sockq_proc proc = {.fd = -1};
    struct inodes inodes = {.seed = hash_seed_new()};
    struct recent *recent = how & REPEATED ? NULL : calloc(1, sizeof(*recent));
    struct sockq_writer w;
    bool gaps = false;
    int more = MNL_CB_OK, error = 0;

    FUZZ_CHECK(sockq_writer_open(&w, fuzz_file(), question) == 0);
    w.set->user_hz = 100;
    w.set->live = 1;
    struct table_job job = {.proc = &proc,
                            .w = &w,
                            .recent = recent,
                            .inodes = &inodes,
                            .question = question,
                            .check = never};
    struct table_reader reader = {.format = table_format(table),
                                  .w = &w,
                                  .job = &job,
                                  .proc = &proc,
                                  .table = table,
                                  .source = SOCKQ_SOURCE_DIAG,
                                  .states = question->states,
                                  .asked = how & SECOND ? 1 : 0,
                                  .recent = recent,
                                  .inodes = &inodes};
    for (int i = 0; in.left > 2 && more == MNL_CB_OK && i < MOST; i++) {
        size_t size = fuzz_two(&in);
        if (size > in.left)
            size = in.left;
        void *bytes = malloc(size ? size : 1);
        FUZZ_CHECK(bytes);
        memcpy(bytes, in.at, size);
        if (how & RENUMBER)
            renumber(bytes, size);
        const uint64_t before = w.rows;
        more = diag_take(&reader, bytes, size, &gaps, &error);
        FUZZ_CHECK(more == MNL_CB_OK || more == MNL_CB_STOP || more == MNL_CB_ERROR);
        FUZZ_CHECK((more == MNL_CB_ERROR) == (error != 0) && error >= 0 && error < 4096);
        FUZZ_CHECK(w.rows - before <= size / SHORTEST);
        FUZZ_CHECK(size >= SHORTEST || (w.rows == before && (size == 0 || gaps)));
        sockq_writer_commit(&w);
        free(bytes);
        in.at += size;
        in.left -= size;
    }
    w.set->tables[table].status = SOCKQ_TABLE_COMPLETE;
    w.set->tables[table].rows = w.rows;
    free(recent);
    table_job_end(&job);
    inodes_free(&inodes);
    sockq_writer_finish(&w, SOCKQ_SET_COMPLETE);
    FUZZ_CHECK(w.error == 0);
    *dump = fuzz_dump_set(fuzz_file(), w.set);
    fuzz_check_copy(fuzz_file(), w.set);
    sockq_file_release(fuzz_file(), w.block);
    return more;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    const enum sockq_table table = tables[fuzz_byte(&in) % (sizeof(tables) / sizeof(tables[0]))];
    const uint32_t flags = fuzz_two(&in) & SOCKQ_DIAG_FLAGS;
    const uint8_t how = fuzz_byte(&in);
    const struct sockq_question question = {.tables = (uint64_t)1 << table,
                                            .states = how & STATES ? 0x47e : 0,
                                            .flags = flags,
                                            .source = SOCKQ_SOURCE_DIAG};
    struct fuzz_dump first, second;

    fuzz_reads_reset();
    const int more = take_all(in, &question, table, how, &first);
    FUZZ_CHECK(take_all(in, &question, table, how, &second) == more);
    FUZZ_CHECK(fuzz_same(&first, &second));
    fuzz_dump_free(&first);
    fuzz_dump_free(&second);
    return 0;
}

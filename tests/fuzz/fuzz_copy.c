/*
 * Recordings, and row sets read with suspicion. Input: eight bytes that say what is asked, then a
 * recording. Its sums are put right unless the first byte says no: else nothing behind them is met.
 *
 * What can be read is sound, and says the same once it is copied, recorded and read again.
 */
#define _GNU_SOURCE
/* For the sums, which are its own. */
#include "../../src/recording.c"

#include <sys/mman.h>

#include "../../src/collector.h"
#include "fuzz.h"

enum { MOST_INDEXES = 256 };

struct asked {
    uint8_t how;
    struct sockq_question question;
    uint8_t step; /* every so many rows are taken, 0: all */
    uint8_t filter;
};

static uint64_t rows_of(const struct head *head)
{
    uint64_t rows;

    memcpy(&rows, head->header + offsetof(struct sockq_set, rows), sizeof(rows));
    return rows;
}

/* Every whole snapshot gets its right sums. */
static void put_sums_right(uint8_t *bytes, size_t size)
{
    struct head head;

    for (size_t at = 0; size - at >= HEAD;) {
        memcpy(&head, bytes + at, sizeof(head));
        if (head.frame.size < HEAD || head.frame.size > size - at)
            head.frame.size = size - at;
        head.frame.body_sum = add_to_sum(1, bytes + at + HEAD, head.frame.size - HEAD);
        head.frame.head_sum = sum_of_head(&head);
        memcpy(bytes + at, &head.frame, sizeof(head.frame));
        at += head.frame.size;
    }
}

/* What a set says, recorded and read again. */
static void check_recorded(const struct sockq_set *set, const struct fuzz_dump *before)
{
    struct sockq_file *file = fuzz_file();
    const struct sockq_source source = {.set = set, .base = file->map};
    const struct sockq_selection all = {.question = set->question};
    struct sockq_recording recording;
    uint32_t block;

    FUZZ_CHECK(sockq_recording_list(&recording, memfd_create("out", MFD_CLOEXEC)) == 0);
    FUZZ_CHECK(sockq_recording_append(&recording, &source, &all) == 0);
    FUZZ_CHECK(sockq_recording_append(&recording, &source, &all) == 0);
    int fd = dup(recording.fd);
    sockq_recording_close(&recording);
    FUZZ_CHECK(sockq_recording_list(&recording, fd) == 0 && recording.count == 2);
    for (size_t i = 0; i < 2; i++) {
        FUZZ_CHECK(sockq_recording_load(&recording, i, file, &block) == 0);
        const void *at = file->map + ((size_t)block << SOCKQ_BLOCK_SHIFT);
        struct fuzz_dump after = fuzz_dump_set(file, at);
        FUZZ_CHECK(fuzz_same(before, &after));
        fuzz_dump_free(&after);
        sockq_file_release(file, block);
    }
    sockq_recording_close(&recording);
}

/* Copy by selection from where the bytes stand, each piece in memory of just its size. */
static void copy_some(const struct sockq_source *source, const struct asked *asked)
{
    struct sockq_file *file = fuzz_file();
    struct sockq_selection selection = {.question = asked->question};
    uint64_t indexes[MOST_INDEXES];
    struct sockq_writer w;
    enum sockq_flaw flaw;

    for (uint64_t i = 0; asked->step && selection.count < MOST_INDEXES; i += asked->step) {
        if (i >= source->set->rows)
            break;
        indexes[selection.count++] = i;
        selection.rows = indexes;
    }
    if (asked->filter) {
        selection.filter = "state == LISTEN";
        selection.filter_len = asked->filter % 16;
    }
    uint32_t next = file->next, unused = file->unused.count, sets = file->sets.count;
    if (sockq_copy(&w, file, source, &selection, &flaw) < 0) {
        FUZZ_CHECK((errno == EBADMSG) == (flaw != SOCKQ_FLAW_NONE));
        FUZZ_CHECK(strlen(sockq_flaw_text(flaw)) > 5);
        /* Nothing of it stays. */
        FUZZ_CHECK(file->next - file->unused.count == next - unused && file->sets.count == sets);
        return;
    }
    struct fuzz_dump dump = fuzz_dump_set(file, w.set);
    if (w.set->question.tables) {
        fuzz_check_copy(file, w.set);
        check_recorded(w.set, &dump);
    }
    fuzz_dump_free(&dump);
    sockq_file_release(file, w.block);
}

static void copy_first(const uint8_t *bytes, size_t size, const struct asked *asked)
{
    struct sockq_set *set = calloc(1, sizeof(*set));
    struct head head;

    memcpy(&head, bytes, sizeof(head));
    size_t most = (size - HEAD) / sizeof(struct sockq_row);
    size_t count = rows_of(&head) < most ? (size_t)rows_of(&head) : most;
    size_t arena = size - HEAD - count * sizeof(struct sockq_row);
    struct sockq_row *rows = malloc(count * sizeof(*rows) + 1);
    unsigned char *text = malloc(arena + 1);
    FUZZ_CHECK(set && rows && text);
    header_of(&head, set);
    set->rows = count;
    set->arena = arena;
    memcpy(rows, bytes + HEAD, count * sizeof(*rows));
    memcpy(text, bytes + HEAD + count * sizeof(*rows), arena);
    const struct sockq_source source = {.set = set, .rows = rows, .arena = text};
    copy_some(&source, asked);
    free(set);
    free(rows);
    free(text);
}

static void load_all(const uint8_t *bytes, size_t size, const struct asked *asked)
{
    struct sockq_recording recording;
    struct sockq_client client;
    uint32_t block;
    int fd = memfd_create("in", MFD_CLOEXEC);

    FUZZ_CHECK(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
    if (sockq_recording_list(&recording, fd) < 0)
        FUZZ_CHECK(errno == EBADMSG && recording.flaw != SOCKQ_FLAW_NONE);
    FUZZ_CHECK(recording.end <= size);
    for (size_t i = 0; i < recording.count && i < 4; i++) {
        if (sockq_client_replay(&client, &recording, i) < 0) {
            FUZZ_CHECK(errno == EBADMSG && recording.flaw != SOCKQ_FLAW_NONE);
            continue;
        }
        fuzz_check_set(&client.file, sockq_client_set(&client, client.recorded));
        if (sockq_client_collect(&client, &asked->question, &block) == 0)
            fuzz_check_set(&client.file, sockq_client_set(&client, block));
        sockq_client_close(&client);
    }
    sockq_recording_close(&recording);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    struct asked asked = {.how = fuzz_byte(&in)};

    /* Behind the tables of /proc those of sock_diag alone. */
    asked.question.tables = (fuzz_two(&in) & 0x7fffu) | (uint64_t)(asked.how >> 1 & 0x1f)
                                                            << SOCKQ_TEXT_TABLES;
    asked.question.flags = fuzz_two(&in) & SOCKQ_REQUEST_FLAGS;
    asked.question.states = fuzz_byte(&in);
    asked.step = fuzz_byte(&in);
    asked.filter = fuzz_byte(&in);
    uint8_t *bytes = malloc(in.left + 1);
    FUZZ_CHECK(bytes);
    memcpy(bytes, in.at, in.left);
    fuzz_reads_reset();
    if (!(asked.how & 1))
        put_sums_right(bytes, in.left);
    load_all(bytes, in.left, &asked);
    if (in.left >= HEAD)
        copy_first(bytes, in.left, &asked);
    free(bytes);
    return 0;
}

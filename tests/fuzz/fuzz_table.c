/*
 * The scanners, through the reader that all tables share, and each line alone in memory of just its
 * size. Input: a byte for the table, with 0x80 the right header is put before the text; a byte for
 * how it is read; the text of the file.
 *
 * Read in pieces of 1, 7 or 4095 bytes, or with interrupts, a table must give the same rows.
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <unistd.h>

#include "../../src/source/source.h"
#include "fuzz.h"

int __wrap_sockq_proc_openat(const struct sockq_proc *proc, const char *path, int flags);

static int regular = -1;

int __wrap_sockq_proc_openat(const struct sockq_proc *proc, const char *path, int flags)
{
    (void)proc;
    (void)path;
    (void)flags;
    fuzz_reads.at = 0;
    return fuzz_reads.fd = dup(regular);
}

static bool never(void *context)
{
    (void)context;
    return false;
}

/* What was read, nothing if rows came twice. */
static struct fuzz_dump read_all(const uint8_t *text, size_t size,
                                 const struct sockq_question *question, enum sockq_table table)
{
    const struct sockq_proc proc = {.fd = -1};
    const bool unique = !(question->flags & SOCKQ_KEEP_DUPLICATES);
    struct sockq_writer w;

    fuzz_reads.text = text;
    fuzz_reads.size = size;
    FUZZ_CHECK(sockq_writer_open(&w, fuzz_file(), question) == 0);
    w.set->user_hz = 100;
    struct recent *recent = unique ? calloc(1, sizeof(*recent)) : NULL;
    struct table_job job = {
        .proc = &proc, .w = &w, .recent = recent, .question = question, .check = never};
    table_read(&job, table);
    table_job_end(&job);
    free(recent);
    sockq_writer_finish(&w, SOCKQ_SET_COMPLETE);
    FUZZ_CHECK(w.error == 0);
    const struct sockq_table_info *info = &w.set->tables[table];
    FUZZ_CHECK(fuzz_reads.fail_at && fuzz_reads.fail_at <= size
                   ? info->status == SOCKQ_TABLE_FAILED
                   : info->status == SOCKQ_TABLE_COMPLETE || info->bad > 0);
    struct fuzz_dump dump = fuzz_dump_set(fuzz_file(), w.set);
    if (fuzz_repeats(w.set))
        fuzz_dump_free(&dump);
    sockq_file_release(fuzz_file(), w.block);
    return dump;
}

/* A scanner may look at nothing outside of its line: a sanitizer watches both ends of it. */
static void scan_alone(const uint8_t *text, size_t size, const struct sockq_question *question,
                       enum sockq_table table)
{
    const struct table_format *format = table_format(table);
    const struct sockq_proc proc = {.fd = -1};
    struct sockq_writer w;

    FUZZ_CHECK(sockq_writer_open(&w, fuzz_file(), question) == 0);
    struct table_reader reader = {.format = format, .w = &w, .proc = &proc, .table = table};
    for (size_t at = 0; at < size;) {
        const uint8_t *feed = memchr(text + at, '\n', size - at);
        size_t length = feed ? (size_t)(feed - text) - at : size - at;
        if (length > 0 && length <= format->longest) {
            char *line = malloc(length);
            FUZZ_CHECK(line);
            memcpy(line, text + at, length);
            reader.line++;
            (void)format->scan(&reader, line, line + length);
            free(line);
        }
        at += length + 1;
    }
    if (format->flush)
        format->flush(&reader);
    free(reader.held);
    sockq_writer_finish(&w, SOCKQ_SET_COMPLETE);
    FUZZ_CHECK(w.error == 0);
    sockq_file_release(fuzz_file(), w.block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t pieces[] = {1, 7, 4095, 3};
    struct fuzz_input in = {data, size};
    uint8_t first = fuzz_byte(&in), how = fuzz_byte(&in);
    enum sockq_table table = (enum sockq_table)((first & 0x7f) % SOCKQ_TEXT_TABLES);
    const struct sockq_question question = {.tables = (uint64_t)1 << table,
                                            .states = how & 1 ? 0x47e : 0,
                                            .flags = how & 2 ? SOCKQ_KEEP_DUPLICATES : 0};

    if (regular < 0)
        regular = memfd_create("table", MFD_CLOEXEC);
    FUZZ_CHECK(regular >= 0);
    const char *header = first & 0x80 ? table_format(table)->header : "";
    size_t length = strlen(header), room = length + 1 + in.left;
    uint8_t *text = malloc(room);
    FUZZ_CHECK(text);
    memcpy(text, header, length);
    text[length] = '\n';
    length += *header != 0;
    if (in.left)
        memcpy(text + length, in.at, in.left);
    length += in.left;

    fuzz_reads_reset();
    struct fuzz_dump whole = read_all(text, length, &question, table);
    fuzz_reads_reset();
    fuzz_reads.most = pieces[how >> 2 & 3];
    fuzz_reads.interrupted = how & 0x10;
    struct fuzz_dump again = read_all(text, length, &question, table);
    FUZZ_CHECK(fuzz_same(&whole, &again));
    fuzz_dump_free(&again);
    fuzz_dump_free(&whole);
    if (how & 0x20 && length > 1) {
        fuzz_reads_reset();
        fuzz_reads.fail_at = 1 + length / 2;
        fuzz_reads.most = fuzz_reads.fail_at;
        struct fuzz_dump part = read_all(text, length, &question, table);
        fuzz_dump_free(&part);
    }
    fuzz_reads_reset();
    scan_alone(text, length, &question, table);
    free(text);
    return 0;
}

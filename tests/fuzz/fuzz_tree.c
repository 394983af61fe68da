/*
 * Whole trees, as --proc gives them: facts, owners, namespaces, every table, pairs. The input is
 * text:
 *
 *   ? FLAGS TABLES STATES READS NETNS   one line: the question in hexadecimal, bytes a read, and
 *                                       what --netns says ("-": nothing)
 *   @@ PATH                             a file: all up to the next line that begins with @
 *   @> PATH TARGET                      a symbolic link
 *   @/ PATH                             a folder
 *   @| PATH                             a FIFO
 *
 * What is read in pieces is the same as what is read whole, its copy says the same, and nothing
 * that stands outside of the tree is ever in it.
 */
#define _GNU_SOURCE
#include "../../src/collect.h"
#include "../../src/netns/netns.h"
#include "fuzz.h"

enum { ENTRIES = 64, MOST = 64 << 10 };

struct line {
    const char *at;
    size_t size; /* without its line feed */
};

static struct line take_line(struct fuzz_input *in)
{
    struct line line = {(const char *)in->at, in->left};
    const uint8_t *feed = in->left ? memchr(in->at, '\n', in->left) : NULL;

    if (feed)
        line.size = (size_t)(feed - in->at);
    in->at += line.size + (feed != NULL);
    in->left -= line.size + (feed != NULL);
    return line;
}

static void put_entry(struct fuzz_input *in, struct line line)
{
    char path[256];
    const char *text = memchr(line.at + 3, ' ', line.size - 3);
    size_t length = text && line.at[1] == '>' ? (size_t)(text - line.at) - 3 : line.size - 3;

    if (length >= sizeof(path))
        length = sizeof(path) - 1;
    memcpy(path, line.at + 3, length);
    path[length] = '\0';
    if (line.at[1] == '>') {
        const char *target = text ? text + 1 : line.at + line.size;
        fuzz_tree_put('>', path, target, (size_t)(line.at + line.size - target));
        return;
    }
    const uint8_t *end = line.at[1] == '@' && in->left ? memmem(in->at, in->left, "\n@", 2) : NULL;
    size_t size = line.at[1] != '@' ? 0 : end ? (size_t)(end - in->at) + 1 : in->left;
    fuzz_tree_put(line.at[1], path, in->at, size);
    in->at += size;
    in->left -= size;
}

static void put_tree(struct fuzz_input *in)
{
    fuzz_tree_clear();
    for (int i = 0; in->left && i < ENTRIES; i++) {
        struct line line = take_line(in);
        if (line.size > 3 && line.at[0] == '@' && line.at[2] == ' ')
            put_entry(in, line);
    }
}

static bool never(void *context)
{
    (void)context;
    return false;
}

static struct fuzz_dump collect(const struct sockq_question *question, const char *word,
                                bool copies)
{
    struct sockq_file *file = fuzz_file();
    struct netns_choice choice = {0};
    struct sockq_proc proc;
    struct sockq_writer w;
    char path[128];

    snprintf(path, sizeof(path), "%s/tree", fuzz_folder());
    FUZZ_CHECK(sockq_proc_open(&proc, path) == 0 && !proc.live);
    if (strcmp(word, "-") != 0) {
        FUZZ_CHECK(netns_choose(&choice, &proc, word) == 0);
        FUZZ_CHECK(netns_choose_rest(&choice, &proc) == 0);
    }
    proc.netns = &choice;
    FUZZ_CHECK(sockq_collect_begin(&w, file, &proc, question) == 0);
    sockq_collect_run(&w, &proc, question, never, NULL);
    FUZZ_CHECK(w.error == 0);
    struct fuzz_dump dump = fuzz_dump_set(file, w.set);
    FUZZ_CHECK(!memmem(dump.bytes, dump.used, FUZZ_SECRET, strlen(FUZZ_SECRET)));
    if (copies && question->tables)
        fuzz_check_copy(file, w.set);
    if (fuzz_repeats(w.set))
        fuzz_dump_free(&dump);
    sockq_file_release(file, w.block);
    netns_choice_free(&choice);
    sockq_proc_close(&proc);
    return dump;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    struct sockq_question question = {.flags = SOCKQ_REQUEST_FLAGS, .tables = 0x7fff};
    unsigned flags = 0, tables = 0, most = 0;
    unsigned long long states = 0;
    char head[128], word[32] = "-";

    /* A fuzzer sees what it is compared with, and writes it. */
    if (size > MOST || memmem(data, size, FUZZ_SECRET, strlen(FUZZ_SECRET)))
        return -1;
    if (size > 2 && data[0] == '?') {
        struct line line = take_line(&in);
        size_t length = line.size < sizeof(head) ? line.size : sizeof(head) - 1;
        memcpy(head, line.at, length);
        head[length] = '\0';
        if (sscanf(head, "? %x %x %llx %u %31s", &flags, &tables, &states, &most, word) >= 2)
            question = (struct sockq_question){
                .flags = flags & SOCKQ_REQUEST_FLAGS, .tables = tables & 0x7fff, .states = states};
    }
    if (!sockq_question_valid(&question))
        return -1;
    put_tree(&in);
    fuzz_reads_reset();
    struct fuzz_dump whole = collect(&question, word, true);
    if (most) {
        fuzz_reads.most = most;
        fuzz_reads.interrupted = most % 2;
        struct fuzz_dump pieces = collect(&question, word, false);
        FUZZ_CHECK(fuzz_same(&whole, &pieces));
        fuzz_dump_free(&pieces);
    }
    fuzz_reads_reset();
    fuzz_dump_free(&whole);
    return 0;
}

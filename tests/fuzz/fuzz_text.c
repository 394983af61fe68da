/*
 * Small texts. The first byte of the input says which: descriptor links, the files of a process,
 * the words of --netns, the command line, numbers on their way out. Each is compared with a second
 * reading, written for clearness.
 */
#define _GNU_SOURCE
#include <math.h>

#include "../../src/buffer.h"
#include "../../src/netns/netns.h"
#include "../../src/options.h"
#include "../../src/owner/process.h"
#include "fuzz.h"

enum { WORDS = 32 };

ssize_t __wrap_sockq_proc_read(const struct sockq_proc *proc, const char *path, char *buffer,
                               size_t size);

/* What each file of a process holds; the last is the machine's. */
static struct fuzz_input files[5];
static const char *const names[] = {"cmdline", "comm", "cgroup", "7/stat", "stat"};

ssize_t __wrap_sockq_proc_read(const struct sockq_proc *proc, const char *path, char *buffer,
                               size_t size)
{
    (void)proc;
    for (size_t i = 0; i < 5; i++) {
        if (!strstr(path, names[i]))
            continue;
        if (!files[i].at)
            return -1;
        size = files[i].left < size ? files[i].left : size;
        memcpy(buffer, files[i].at, size);
        return (ssize_t)size;
    }
    return -1;
}

/* A part of the input, up to a byte 0xff. */
static struct fuzz_input take_part(struct fuzz_input *in)
{
    const uint8_t *end = in->left ? memchr(in->at, 0xff, in->left) : NULL;
    struct fuzz_input part = {in->at, end ? (size_t)(end - in->at) : in->left};

    in->at += part.left + (end != NULL);
    in->left -= part.left + (end != NULL);
    return part;
}

static void check_link(const struct fuzz_input *in)
{
    char text[64] = "", again[2][64] = {"", ""};
    unsigned long long number = 0;
    uint64_t inode = 0;
    bool old = false;
    size_t length = in->left < 63 ? in->left : 63;

    char *exact = malloc(length + 1);
    FUZZ_CHECK(exact);
    memcpy(exact, in->at, length);
    exact = realloc(exact, length ? length : 1);
    int result = owner_link_inode(exact, length, &inode, &old);
    memcpy(text, exact, length);
    free(exact);
    if (result == 0) {
        number = strtoull(strpbrk(text, "[") + (old ? 7 : 1), NULL, 10);
        FUZZ_CHECK(number == inode);
        /* Printed again it is the same, but for zeros before it. */
        snprintf(again[0], sizeof(again[0]), "socket:[%llu]", number);
        snprintf(again[1], sizeof(again[1]), "[0000]:%llu", number);
        FUZZ_CHECK(length >= strlen(again[old]) && memcmp(text, again[old], 7) == 0);
    } else {
        /* Twenty digits at least: 2^64 has as many. */
        FUZZ_CHECK(result == -1 || length >= (old ? 27 : 29));
    }
}

static void check_text(const struct owner_process *p, uint64_t at, uint32_t length)
{
    FUZZ_CHECK(at ? at + length <= p->length : length == 0);
}

static void check_process(struct fuzz_input *in)
{
    const struct sockq_proc proc = {.fd = -1};
    struct pile pile = {0};
    uint8_t flags = fuzz_byte(in);

    for (size_t i = 0; i < 5; i++)
        files[i] = flags >> (i + 3) & 1 ? (struct fuzz_input){0} : take_part(in);
    const struct owner_process *p = owner_process_read(
        &proc, 7, -1, SOCKQ_WITH_CGROUPS | SOCKQ_WITH_COMM | SOCKQ_WITH_STARTED, &pile);
    FUZZ_CHECK(p);
    check_text(p, p->record.program, p->record.program_len);
    check_text(p, p->record.cmdline, p->record.cmdline_len);
    check_text(p, p->record.cgroup, p->record.cgroup_len);
    check_text(p, p->record.comm, p->record.comm_len);
    /* The first word of cmdline; comm is taken as it is. */
    FUZZ_CHECK(p->record.flags & SOCKQ_PROCESS_COMM ||
               !memchr(p->text + p->record.program, 0, p->record.program_len));
    FUZZ_CHECK(p->record.flags & SOCKQ_PROCESS_STARTED || p->record.started == 0);
    FUZZ_CHECK(owner_boot_time(&proc, &pile) <= INT64_MAX);
    pile_free(&pile);
}

static enum sockq_name kind_of(const char *word, const struct sockq_options *options, void *context)
{
    (void)options;
    (void)context;
    return strcmp(word, "netstat") == 0 ? SOCKQ_NAME_VIEW
           : strcmp(word, "help") == 0  ? SOCKQ_NAME_OTHER
                                        : SOCKQ_NAME_NONE;
}

/* The words stand one behind the other, each ended by a NUL. */
static void check_words(const char *text, size_t size)
{
    char *words = malloc(size + 1), *argv[WORDS + 2] = {"sockq"};
    struct sockq_options options;
    int argc = 1;

    FUZZ_CHECK(words);
    memcpy(words, text, size);
    words[size] = '\0';
    for (char *at = words; at < words + size && argc <= WORDS; at += strlen(at) + 1)
        argv[argc++] = at;
    FUZZ_CHECK(sockq_options_parse(&options, argc, argv, kind_of, NULL) == 0);
    FUZZ_CHECK(!options.bad == !options.bad_what && options.word_count < argc);
    for (int i = 0; i < options.given_count; i++) {
        const struct sockq_given *given = &options.given[i];
        const char *takes = given->option->argument;
        FUZZ_CHECK(takes ? given->argument || takes[0] == '[' : !given->argument);
        FUZZ_CHECK(!given->option->name || sockq_options_has(&options, given->option->name));
    }
    for (int i = 0; i < options.word_count; i++)
        FUZZ_CHECK(options.words[i] >= words && options.words[i] <= words + size);
    FUZZ_CHECK(options.mode == SOCKQ_MODE_QUERY || options.mode == SOCKQ_MODE_CHUNK ||
               options.word_count > 0);
    sockq_options_free(&options);
    free(words);
}

static void check_netns(const char *text, size_t size)
{
    struct sockq_proc proc = {.fd = -1};
    struct netns_choice choice = {0};
    char *word = strndup(text, size), path[128];

    snprintf(path, sizeof(path), "%s/tree", fuzz_folder());
    fuzz_tree_put('>', "1/ns/net", "net:[4026531840]", 16);
    fuzz_tree_put('/', "20", "", 0);
    FUZZ_CHECK(word && sockq_proc_open(&proc, path) == 0);
    FUZZ_CHECK(netns_choose(&choice, &proc, word) == 0 && choice.asked);
    FUZZ_CHECK(netns_choose_rest(&choice, &proc) == 0 && choice.word);
    /* Of a tree only its processes and "all" can be named. */
    FUZZ_CHECK(choice.refusal != NETNS_FINE || strspn(word, "0123456789,al") == strlen(word));
    for (size_t i = 0; i < choice.count; i++)
        FUZZ_CHECK(choice.list[i].fd < 0 && !choice.list[i].path && choice.list[i].pid == 1);
    netns_choice_free(&choice);
    sockq_proc_close(&proc);
    free(word);
}

static void check_number(const struct fuzz_input *in)
{
    char bytes[48], *end;
    struct sockq_buffer buffer = {.calls = &sockq_buffer_calls, .bytes = bytes, .size = 40};
    double number = 0;

    memcpy(&number, in->at, in->left < sizeof(number) ? in->left : sizeof(number));
    if (in->left > sizeof(number))
        number = floor(fmod(number, 1e9) * 100) / 100;
    if (!buffer.calls->number(&buffer, "n=", 2, number)) {
        FUZZ_CHECK(buffer.used == 0);
        return;
    }
    FUZZ_CHECK(buffer.used > 2 && buffer.used <= 40);
    bytes[buffer.used] = '\0';
    FUZZ_CHECK(strtod(bytes + 2, &end) == number && *end == '\0');
    const char *point = strchr(bytes, '.');
    FUZZ_CHECK(!point || (end - point <= 3 && end[-1] != '0'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    uint8_t what = fuzz_byte(&in);

    fuzz_reads_reset();
    switch (what % 5) {
    case 0:
        check_link(&in);
        break;
    case 1:
        check_process(&in);
        break;
    case 2:
        check_words((const char *)in.at, in.left);
        break;
    case 3:
        check_netns((const char *)in.at, in.left);
        break;
    default:
        check_number(&in);
    }
    return 0;
}

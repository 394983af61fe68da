/*
 * Calls that fail, one after the other, in what opens and reads files: each failure is told with
 * its errno, or the answer is whole; nothing stays open, a recording stays as it was.
 *
 * Linked with the options in test_calls.link, so that the calls come to calls.h first.
 */
#define _GNU_SOURCE
#include "calls.h"

#include "../../src/collector.h"
#include "../../src/diag.h"
#include "../../src/named.h"
#include "../../src/netns/netns.h"
#include "../../src/options.h"
#include "../../src/text.h"

static const struct sockq_question everything = {.tables = ((uint64_t)1 << SOCKQ_TABLES) - 1,
                                                 .flags = SOCKQ_OWNER_FLAGS | SOCKQ_WITH_NETNS};

static void put_tree(struct fixture *f)
{
    put_table(f, SOCKQ_TCP, good_of(SOCKQ_TCP), strlen(good_of(SOCKQ_TCP)));
    put_table(f, SOCKQ_UNIX, good_of(SOCKQ_UNIX), strlen(good_of(SOCKQ_UNIX)));
    put_link(f, "7/fd/3", "socket:[1600]");
    put_link(f, "7/ns/net", "net:[4026531840]");
    put_link(f, "8/ns/net", "net:[4026531841]");
    put_bytes(f, "7/cmdline", BYTES("/usr/bin/x\0-v\0"));
    put_text(f, "7/comm", "x\n");
}

/* A path of the tree that the next call does not overwrite. */
static char *kept_path(const struct fixture *f, const char *path)
{
    static char kept[4][128];
    static unsigned at;

    at = (at + 1) % COUNT(kept);
    snprintf(kept[at], sizeof(kept[at]), "%s", path_of(f, path));
    return kept[at];
}

/* A text is there, or it is said why not. */
static void check_texts(const struct sockq_texts *texts)
{
    for (size_t i = 0; i < texts->count; i++) {
        assert_true(!texts->list[i].bytes == (texts->list[i].error != NULL));
        if (texts->list[i].bytes)
            assert_string_equal(texts->list[i].bytes, "return {}\n");
    }
}

static int read_plugins(void *context)
{
    struct fixture *f = context;
    struct sockq_texts texts = {.path = f->path, .secure = true, .privileged = true};
    int result = sockq_texts_read_plugins(&texts), error = errno;

    if (result == 0 && !calls.failed)
        assert_true(texts.count >= 2);
    if (result == 0)
        check_texts(&texts);
    sockq_texts_free(&texts);
    errno = error;
    return result;
}

static void plugins(void **state)
{
    struct fixture *f = *state;

    put_text(f, "timers/a.lua", "return {}\n");
    put_text(f, "views/b.lua", "return {}\n");
    put_folder(f, "views/refused.lua");
    fail_each_call(read_plugins, f, true);
}

static int read_script(void *context)
{
    struct fixture *f = context;
    struct sockq_texts texts = {.secure = true};
    int result = sockq_texts_read_script(&texts, kept_path(f, "a.lua")), error = errno;

    if (result == 0) {
        check_texts(&texts);
        /* Whoever reads on knows that it failed. */
        assert_true(!calls.failed == (texts.list[0].error == NULL));
    }
    sockq_texts_free(&texts);
    errno = error;
    return result;
}

static void a_script(void **state)
{
    struct fixture *f = *state;

    put_text(f, "a.lua", "return {}\n");
    fail_each_call(read_script, f, true);
}

/* A message whose text finds no memory is a line all the same, and is not about something else. */
static int complain(void *context)
{
    struct fixture *f = context;
    char said[64];
    const int file =
                  __real_open(kept_path(f, "said"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600),
              before = dup(STDERR_FILENO);

    assert_true(file >= 0 && before >= 0 && dup2(file, STDERR_FILENO) >= 0);
    sockq_complain("here\x1b", "what is wrong");
    assert_int_equal(dup2(before, STDERR_FILENO), STDERR_FILENO);
    close(before);
    const ssize_t size = __real_pread(file, said, sizeof(said) - 1, 0);
    close(file);
    assert_true(size > 0);
    said[size] = '\0';
    assert_int_equal(strncmp(said, "sockq: ", 7), 0);
    assert_ptr_equal(strchr(said, '\n'), said + size - 1);
    if (!calls.failed)
        assert_string_equal(said, "sockq: here\\x1b: what is wrong\n");
    return calls.failed ? -1 : 0;
}

static void a_message(void **state)
{
    fail_each_call(complain, *state, true);
}

static enum sockq_name is_command(const char *word, const struct sockq_options *options,
                                  void *context)
{
    (void)options;
    return strcmp(word, context) == 0 ? SOCKQ_NAME_OTHER : SOCKQ_NAME_NONE;
}

static void close_named(struct sockq_named_list *named)
{
    for (int i = 0; i < named->count; i++) {
        if (named->list[i].fd >= 0 && named->list[i].path)
            close(named->list[i].fd);
        free(named->list[i].path);
    }
}

/* The words of a command line, from which files are opened. */
static int open_words(char **argv, int argc)
{
    struct sockq_options options;
    struct sockq_named_list named = {.count = 0};
    int result = sockq_options_parse(&options, argc, argv, is_command, argv[1]);

    if (result == 0) {
        result = sockq_named_open(&named, &options);
        for (int i = 0; result == 0 && i < named.count; i++)
            assert_true((named.list[i].fd < 0) == (named.list[i].error != 0));
        if (result == 0 && !calls.failed)
            assert_int_equal(named.count, argc - 2);
    }
    int error = errno;
    close_named(&named);
    sockq_options_free(&options);
    errno = error;
    return result;
}

static int open_two(void *context)
{
    struct fixture *f = context;
    char *argv[] = {"sockq", "diff", kept_path(f, "r"), kept_path(f, "r@-1m"), NULL};

    return open_words(argv, 4);
}

static int open_one(void *context)
{
    struct fixture *f = context;
    char *argv[] = {"sockq", "record", kept_path(f, "new"), NULL};

    return open_words(argv, 3);
}

static void recordings_that_are_named(void **state)
{
    struct fixture *f = *state;

    put_text(f, "r", "");
    fail_each_call(open_two, f, true);
    fail_each_call(open_one, f, true);
}

static int collect_tree(void *context)
{
    struct fixture *f = context;
    struct sockq_client client;
    uint32_t block;

    if (sockq_client_open(&client, f->path) < 0)
        return -1;
    int result = sockq_client_collect(&client, &everything, &block), error = errno;
    if (result == 0) {
        const struct sockq_set *set = sockq_client_set(&client, block);
        /* Complete is only what is whole. */
        if (set->status == SOCKQ_SET_COMPLETE)
            assert_int_equal(set->rows, 2);
        if (set->status == SOCKQ_SET_FAILED) {
            result = -1;
            error = set->error;
        }
        sockq_client_release(&client, block);
    }
    sockq_client_close(&client);
    errno = error;
    return result;
}

static void a_collection(void **state)
{
    put_tree(*state);
    fail_each_call(collect_tree, *state, true);
}

static int choose_all(void *context)
{
    struct fixture *f = context;
    struct netns_choice choice = {.asked = false};
    struct netns_list list = {.proc = NULL};
    int result = netns_choose(&choice, &f->proc, "7,all");

    if (result == 0)
        result = netns_choose_rest(&choice, &f->proc);
    if (result == 0 && choice.refusal == NETNS_FINE)
        result = netns_list_read(&list, &f->proc, &choice);
    if (result == 0 && !calls.failed)
        assert_int_equal(list.count, 2);
    int error = errno;
    netns_list_free(&list);
    netns_choice_free(&choice);
    errno = error;
    return result;
}

static void namespaces_of_a_tree(void **state)
{
    put_tree(*state);
    fail_each_call(choose_all, *state, true);
}

static int choose_live(void *context)
{
    struct netns_choice choice = {.asked = false};
    struct netns_list list = {.proc = NULL};
    struct sockq_proc proc;
    char words[64];

    (void)context;
    if (sockq_proc_open(&proc, NULL) < 0)
        return -1;
    snprintf(words, sizeof(words), "/proc/self/ns/net,%d", (int)getpid());
    int result = netns_choose(&choice, &proc, words);
    if (result == 0 && choice.refusal == NETNS_FINE)
        result = netns_list_read(&list, &proc, &choice);
    if (result == 0 && !calls.failed)
        assert_int_equal(list.count, 1);
    int error = errno;
    netns_list_free(&list);
    netns_choice_free(&choice);
    sockq_proc_close(&proc);
    errno = error;
    return result;
}

static void namespaces_that_live(void **state)
{
    fail_each_call(choose_live, *state, true);
}

/* The snapshots of the recording; nothing follows the last of them. */
static size_t count_snapshots(const struct fixture *f)
{
    struct sockq_recording recording;
    int fd = sockq_recording_open(kept_path(f, "r"));

    if (fd < 0)
        return 0;
    assert_int_equal(sockq_recording_list(&recording, fd), 0);
    assert_int_equal(recording.end, recording.size);
    size_t count = recording.count;
    sockq_recording_close(&recording);
    return count;
}

static int append_one(void *context)
{
    struct fixture *f = context;
    struct sockq_recording recording = {.fd = -1};
    struct sockq_client client;
    uint32_t block;
    int result = -1, error, fd;

    bool counts = calls.counts;
    calls.counts = false;
    assert_int_equal(sockq_client_open(&client, f->path), 0);
    assert_int_equal(sockq_client_collect(&client, &everything, &block), 0);
    /* Each snapshot takes more calls to list. */
    if (count_snapshots(f) > 2)
        assert_int_equal(truncate(kept_path(f, "r"), 0), 0);
    size_t before = count_snapshots(f);
    calls.counts = counts;
    const struct sockq_source source = {.set = sockq_client_set(&client, block),
                                        .base = client.map};
    const struct sockq_selection all = {.question = everything};
    fd = sockq_recording_create(kept_path(f, "r"));
    if (fd >= 0)
        result = sockq_recording_list(&recording, fd);
    if (result == 0)
        result = sockq_recording_append(&recording, &source, &all);
    error = errno;
    sockq_recording_close(&recording);
    calls.counts = false;
    sockq_client_close(&client);
    assert_int_equal(count_snapshots(f), before + (result == 0));
    calls.counts = counts;
    errno = error;
    return result;
}

static void appending(void **state)
{
    put_tree(*state);
    /* Less memory than was asked for is enough. */
    fail_each_call(append_one, *state, true);
}

static int replay_last(void *context)
{
    struct fixture *f = context;
    struct sockq_recording recording;
    struct sockq_client client;
    uint32_t block;
    int fd = sockq_recording_open(kept_path(f, "r")), result = -1;

    if (fd < 0)
        return -1;
    if (sockq_recording_list(&recording, fd) == 0 &&
        sockq_client_replay(&client, &recording, recording.count - 1) == 0) {
        result = sockq_client_collect(&client, &everything, &block);
        int error = errno;
        if (result == 0)
            assert_int_equal(sockq_client_set(&client, block)->rows, 2);
        sockq_client_close(&client);
        errno = error;
    }
    int error = errno;
    sockq_recording_close(&recording);
    errno = error;
    return result;
}

static void replaying(void **state)
{
    put_tree(*state);
    assert_int_equal(append_one(*state), 0);
    assert_int_equal(append_one(*state), 0);
    fail_each_call(replay_last, *state, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_message),
        FIXTURE_TEST(plugins),
        FIXTURE_TEST(a_script),
        FIXTURE_TEST(recordings_that_are_named),
        FIXTURE_TEST(a_collection),
        FIXTURE_TEST(namespaces_of_a_tree),
        FIXTURE_TEST(namespaces_that_live),
        FIXTURE_TEST(appending),
        FIXTURE_TEST(replaying),
    };

    return cmocka_run_group_tests_name("calls", tests, NULL, NULL);
}

/*
 * The files of /proc that are no tables: which are kept, which are missing, which cannot be read,
 * and that nothing outside of a captured tree is.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../src/collect.h"
#include "../../src/facts.h"
#include "helper.h"

enum { MOST = 256 << 10 };

static const struct sockq_question question = {.flags = SOCKQ_WITH_FACTS};

static void collect(struct fixture *f, const struct sockq_question *asked)
{
    if (f->w.set)
        sockq_file_release(&f->file, f->w.block);
    assert_int_equal(sockq_collect_begin(&f->w, &f->file, &f->proc, asked), 0);
    sockq_collect_run(&f->w, &f->proc, asked, never_stop, NULL);
}

/* The number of a file; fails if the list lacks it. */
static uint32_t number_of(const char *path)
{
    for (uint32_t i = 0; sockq_fact_path(i); i++)
        if (strcmp(sockq_fact_path(i), path) == 0)
            return i;
    fail_msg("%s is not in the list", path);
    return 0;
}

static const struct sockq_fact *next_fact(const struct fixture *f, uint64_t offset)
{
    return offset ? sockq_set_at(f->file.map, f->w.set, offset, sizeof(struct sockq_fact)) : NULL;
}

static const struct sockq_fact *fact_of(const struct fixture *f, const char *path)
{
    uint32_t number = number_of(path);
    const struct sockq_fact *fact = next_fact(f, f->w.set->facts);

    while (fact && fact->file != number)
        fact = next_fact(f, fact->next);
    return fact;
}

static unsigned count_facts(const struct fixture *f)
{
    unsigned count = 0;

    for (const struct sockq_fact *fact = next_fact(f, f->w.set->facts); fact;
         fact = next_fact(f, fact->next))
        count++;
    return count;
}

static void assert_text(const struct fixture *f, const char *path, const char *text, size_t size)
{
    const struct sockq_fact *fact = fact_of(f, path);

    assert_non_null(fact);
    assert_int_equal(fact->error, 0);
    assert_int_equal(fact->text_len, size);
    assert_int_equal(fact->text != 0, size > 0);
    if (size == 0)
        return;
    const void *kept = sockq_set_at(f->file.map, f->w.set, fact->text, size);
    assert_non_null(kept);
    assert_memory_equal(kept, text, size);
}

static void assert_error(const struct fixture *f, const char *path, int error)
{
    const struct sockq_fact *fact = fact_of(f, path);

    assert_non_null(fact);
    assert_int_equal(fact->error, error);
    assert_int_equal(fact->text, 0);
    assert_int_equal(fact->text_len, 0);
    assert_int_equal(sockq_set_status(f->w.set), SOCKQ_SET_INCOMPLETE);
}

/* Each file of the list, with a text of its own; bytes stay what they are. */
static void every_file(void **state)
{
    struct fixture *f = *state;
    char text[80];
    uint32_t count = 0;

    for (const char *path; (path = sockq_fact_path(count)) != NULL; count++) {
        int n = snprintf(text, sizeof(text), "%s\t%c%u\n", path, '\0', count);
        put_bytes(f, path, text, (size_t)n);
    }
    assert_true(count > 40);
    collect(f, &question);
    assert_int_equal(count_facts(f), count);
    for (uint32_t i = 0; i < count; i++) {
        int n = snprintf(text, sizeof(text), "%s\t%c%u\n", sockq_fact_path(i), '\0', i);
        assert_text(f, sockq_fact_path(i), text, (size_t)n);
    }
    assert_int_equal(sockq_set_rows(f->w.set), 0);
    assert_int_equal(f->w.set->owners.done, 0);
    assert_int_equal(sockq_set_status(f->w.set), SOCKQ_SET_COMPLETE);
}

/* A file's number stands in recordings. */
static void numbers_stay(void **state)
{
    (void)state;
    assert_int_equal(number_of("sys/net/ipv4/tcp_retries1"), 0);
    assert_int_equal(number_of("sys/net/ipv4/ip_local_reserved_ports"), 26);
    assert_int_equal(number_of("net/snmp"), 38);
    assert_int_equal(number_of("loadavg"), 45);
    assert_null(sockq_fact_path(46));
    assert_null(sockq_fact_path(UINT32_MAX));
}

static void missing_files(void **state)
{
    struct fixture *f = *state;

    collect(f, &question);
    assert_int_equal(f->w.set->facts, 0);
    assert_int_equal(sockq_set_status(f->w.set), SOCKQ_SET_COMPLETE);
    put_text(f, "uptime", "10.00 5.00\n");
    put_link(f, "loadavg", "nowhere");
    collect(f, &question);
    assert_int_equal(count_facts(f), 1);
    assert_text(f, "uptime", "10.00 5.00\n", 11);
    assert_int_equal(sockq_set_status(f->w.set), SOCKQ_SET_COMPLETE);
}

static void an_empty_file(void **state)
{
    struct fixture *f = *state;

    put_text(f, "sys/net/ipv4/ip_local_reserved_ports", "");
    collect(f, &question);
    assert_text(f, "sys/net/ipv4/ip_local_reserved_ports", "", 0);
    assert_int_equal(sockq_set_status(f->w.set), SOCKQ_SET_COMPLETE);
}

static void only_when_asked(void **state)
{
    static const struct sockq_question tables = {.tables = 1, .flags = SOCKQ_WITH_OWNERS};
    static const struct sockq_question both = {.tables = 1, .flags = SOCKQ_WITH_FACTS};
    struct fixture *f = *state;

    put_text(f, "uptime", "10.00 5.00\n");
    put_table(f, SOCKQ_TCP, good_of(SOCKQ_TCP), strlen(good_of(SOCKQ_TCP)));
    collect(f, &tables);
    assert_int_equal(f->w.set->facts, 0);
    assert_int_equal(sockq_set_rows(f->w.set), 1);
    collect(f, &both);
    assert_text(f, "uptime", "10.00 5.00\n", 11);
    assert_int_equal(sockq_set_rows(f->w.set), 1);
    assert_int_equal(f->w.set->owners.done, 0);
}

/* The largest file that is kept, and one byte more. */
static void the_limit(void **state)
{
    struct fixture *f = *state;
    char *text = malloc(MOST + 1);

    assert_non_null(text);
    memset(text, 'x', MOST + 1);
    put_bytes(f, "net/snmp", text, MOST);
    put_bytes(f, "net/netstat", text, MOST);
    put_bytes(f, "net/snmp6", text, MOST);
    put_bytes(f, "net/sockstat", text, MOST);
    put_bytes(f, "net/softnet_stat", text, MOST);
    collect(f, &question);
    assert_int_equal(count_facts(f), 5);
    assert_text(f, "net/snmp", text, MOST);
    assert_text(f, "net/softnet_stat", text, MOST);
    assert_int_equal(sockq_set_status(f->w.set), SOCKQ_SET_COMPLETE);
    put_bytes(f, "net/netstat", text, MOST + 1);
    collect(f, &question);
    assert_error(f, "net/netstat", EFBIG);
    assert_text(f, "net/snmp", text, MOST);
    free(text);
}

static void files_that_are_none(void **state)
{
    struct fixture *f = *state;

    put_folder(f, "net/snmp");
    put_folder(f, "sys/net/ipv4");
    assert_int_equal(mkfifo(path_of(f, "sys/net/ipv4/tcp_mem"), 0600), 0);
    put_link(f, "uptime", "uptime");
    put_link(f, "loadavg", "/proc/loadavg");
    put_link(f, "net/netstat", "../../../../../../../../proc/net/netstat");
    put_text(f, "sys/net/core", "a file");
    put_text(f, "net/sockstat", "sockets: used 1\n");
    collect(f, &question);
    assert_error(f, "net/snmp", EINVAL);
    assert_error(f, "sys/net/ipv4/tcp_mem", EINVAL);
    assert_error(f, "uptime", ELOOP);
    assert_error(f, "loadavg", EXDEV);
    assert_error(f, "net/netstat", EXDEV);
    assert_error(f, "sys/net/core/somaxconn", ENOTDIR);
    assert_text(f, "net/sockstat", "sockets: used 1\n", 16);
}

/* A folder of the tree may be a link, as net is in /proc. */
static void links_inside(void **state)
{
    struct fixture *f = *state;

    put_text(f, "self/net/snmp", "Tcp: A\nTcp: 1\n");
    put_link(f, "net", "self/net");
    collect(f, &question);
    assert_text(f, "net/snmp", "Tcp: A\nTcp: 1\n", 14);
}

static int read_unreadable(void *context)
{
    struct fixture *f = context;

    collect(f, &question);
    const struct sockq_fact *fact = fact_of(f, "uptime");
    return fact && fact->error == EACCES && fact->text == 0 &&
                   sockq_set_status(f->w.set) == SOCKQ_SET_INCOMPLETE
               ? 0
               : 1;
}

static void an_unreadable_file(void **state)
{
    struct fixture *f = *state;

    put_text(f, "uptime", "10.00 5.00\n");
    assert_int_equal(chmod(path_of(f, "uptime"), 0), 0);
    int result = run_unprivileged(read_unreadable, f);
    if (result < 0)
        skip();
    assert_int_equal(result, 0);
}

/* Against what open and read give; what does not change meanwhile. */
static void the_live_system(void **state)
{
    static const char *const same[] = {"sys/net/ipv4/tcp_retries2",
                                       "sys/net/ipv4/ip_local_port_range", "sys/fs/file-max"};
    struct fixture *f = *state;
    char text[256];

    sockq_proc_close(&f->proc);
    assert_int_equal(sockq_proc_open(&f->proc, NULL), 0);
    collect(f, &question);
    assert_int_equal(sockq_set_status(f->w.set), SOCKQ_SET_COMPLETE);
    for (size_t i = 0; i < COUNT(same); i++) {
        ssize_t n = sockq_proc_read(&f->proc, same[i], text, sizeof(text));
        assert_true(n > 0);
        assert_text(f, same[i], text, (size_t)n);
    }
    assert_true(fact_of(f, "net/snmp")->text_len > 500);
    assert_true(fact_of(f, "uptime")->text_len > 5);
}

static bool stop_at_once(void *context)
{
    (void)context;
    return true;
}

static void stopped(void **state)
{
    static const struct sockq_question all = {.tables = 1,
                                              .flags = SOCKQ_WITH_FACTS | SOCKQ_WITH_OWNERS};
    struct fixture *f = *state;

    put_text(f, "uptime", "10.00 5.00\n");
    assert_int_equal(sockq_collect_begin(&f->w, &f->file, &f->proc, &all), 0);
    sockq_collect_run(&f->w, &f->proc, &all, stop_at_once, NULL);
    assert_int_equal(sockq_set_status(f->w.set), SOCKQ_SET_CANCELLED);
    assert_int_equal(f->w.set->owners.done, 0);
    assert_int_equal(f->w.set->tables[0].status, SOCKQ_TABLE_UNREAD);
    assert_text(f, "uptime", "10.00 5.00\n", 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(every_file),
        cmocka_unit_test(numbers_stay),
        FIXTURE_TEST(missing_files),
        FIXTURE_TEST(an_empty_file),
        FIXTURE_TEST(only_when_asked),
        FIXTURE_TEST(the_limit),
        FIXTURE_TEST(files_that_are_none),
        FIXTURE_TEST(links_inside),
        FIXTURE_TEST(an_unreadable_file),
        FIXTURE_TEST(the_live_system),
        FIXTURE_TEST(stopped),
    };

    return cmocka_run_group_tests_name("facts", tests, NULL, NULL);
}

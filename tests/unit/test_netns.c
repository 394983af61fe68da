/*
 * Network namespaces of captured trees: which of them a list has, and through which process each is
 * read. The kernel's own are for tests/cli/netns_kernel_test.lua.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../src/netns/netns.h"
#include "helper.h"

static void put_process(struct fixture *f, unsigned pid, const char *link, const char *tcp)
{
    char path[64];

    snprintf(path, sizeof(path), "%u/ns/net", pid);
    put_link(f, path, link);
    snprintf(path, sizeof(path), "%u/net/tcp", pid);
    if (tcp)
        put_text(f, path, tcp);
}

/* What is read, "ID:PID/FIRST" a namespace, "!ERRNO" behind one that is not. */
static const char *listed(struct fixture *f, const struct netns_choice *choice)
{
    static char text[4096];
    struct netns_list list;
    size_t used = 0;

    assert_int_equal(netns_list_read(&list, &f->proc, choice), 0);
    text[0] = '\0';
    for (uint32_t i = 0; i < list.count && used < sizeof(text); i++) {
        const struct netns_place *place = &list.list[i];
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%llu:%u/%u", i ? " " : "",
                                 (unsigned long long)place->id, place->pid, place->first);
        if (place->error)
            used += (size_t)snprintf(text + used, sizeof(text) - used, "!%d", place->error);
    }
    netns_list_free(&list);
    return text;
}

static const struct netns_choice everything = {.asked = true, .all = true};

static void each_once(void **state)
{
    struct fixture *f = *state;

    put_process(f, 30, "net:[7]", "x");
    put_process(f, 4, "net:[9]", "x");
    put_process(f, 200, "net:[7]", "x");
    put_process(f, 9, "net:[7]", NULL);
    assert_string_equal(listed(f, &everything), "9:4/4 7:30/9");
    assert_string_equal(listed(f, NULL), "0:0/0");
    /* net/ is of the one that no process shows, if there is one. */
    put_text(f, "net/tcp", "x");
    put_process(f, 1, "net:[11]", NULL);
    assert_string_equal(listed(f, &everything), "11:0/1 9:4/4 7:30/9");
    assert_string_equal(listed(f, NULL), "11:0/1");
    /* Of two it cannot be told which. */
    put_process(f, 2, "net:[12]", NULL);
    assert_string_equal(listed(f, &everything), "11:1/1!2 12:2/2!2 9:4/4 7:30/9");
    /* Unless the tree says it. */
    put_link(f, "self/ns/net", "net:[12]");
    assert_string_equal(listed(f, &everything), "11:1/1!2 12:0/2 9:4/4 7:30/9");
}

static void links_that_name_none(void **state)
{
    static const char *const links[] = {"net:[]",
                                        "net:[x]",
                                        "net:[5",
                                        "net:[5]x",
                                        "net:5",
                                        "mnt:[5]",
                                        "net:[0]",
                                        "net:[-5]",
                                        "net:[18446744073709551616]",
                                        "net:[9223372036854775808]",
                                        "/proc/self/ns/net",
                                        "net:[ 5]"};
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(links); i++)
        put_process(f, (unsigned)i + 1, links[i], "x");
    put_folder(f, "077");
    put_folder(f, "0");
    put_link(f, "077/ns", "/proc/self/ns");
    put_link(f, "99", "/proc/self");
    put_link(f, "98/ns", "/proc/self/ns");
    assert_string_equal(listed(f, &everything), "0:0/0");
}

static void words(void **state)
{
    static const struct {
        const char *argument;
        enum netns_refusal refusal;
        const char *word;
        const char *list;
    } cases[] = {
        {"all", NETNS_FINE, "all", "9:4/4 7:5/5"},
        {"4", NETNS_FINE, "4", "9:4/4"},
        {"5,4", NETNS_FINE, "4", "7:5/5 9:4/4"},
        {"6,5", NETNS_FINE, "5", "7:5/5"},
        {"4,all", NETNS_FINE, "all", "9:4/4 7:5/5"},
        {"", NETNS_EMPTY, "", NULL},
        {"4,", NETNS_EMPTY, "", NULL},
        {",4", NETNS_EMPTY, "", NULL},
        {"3", NETNS_NO_PROCESS, "3", NULL},
        {"0", NETNS_NOT_LIVE, "0", NULL},
        {"-4", NETNS_NOT_LIVE, "-4", NULL},
        {"4294967300", NETNS_NOT_LIVE, "4294967300", NULL},
        {"4,blue,5", NETNS_NOT_LIVE, "blue", NULL},
        {"/proc/1/ns/net", NETNS_NOT_LIVE, "/proc/1/ns/net", NULL},
        {"8", NETNS_UNREAD, "8", NULL},
    };
    struct fixture *f = *state;

    put_process(f, 4, "net:[9]", "x");
    put_process(f, 5, "net:[7]", "x");
    put_process(f, 6, "net:[7]", "x");
    put_folder(f, "8");
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct netns_choice choice = {0};
        assert_int_equal(netns_choose(&choice, &f->proc, cases[i].argument), 0);
        assert_int_equal(choice.refusal, cases[i].refusal);
        assert_string_equal(choice.word, cases[i].word);
        assert_true(choice.asked);
        if (cases[i].list)
            assert_string_equal(listed(f, &choice), cases[i].list);
        netns_choice_free(&choice);
    }
    /* Only the first mistake is told. */
    struct netns_choice choice = {0};
    assert_int_equal(netns_choose(&choice, &f->proc, "3"), 0);
    assert_int_equal(netns_choose(&choice, &f->proc, "blue"), 0);
    assert_string_equal(choice.word, "3");
    netns_choice_free(&choice);
}

static char first_byte(struct netns_list *list, uint32_t i, const char *path)
{
    char byte = 0;
    int fd = netns_open(list, i, path);

    if (fd < 0)
        return '!';
    assert_int_equal(read(fd, &byte, 1), 1);
    close(fd);
    return byte;
}

static void opening(void **state)
{
    struct fixture *f = *state;
    struct netns_list list;

    put_text(f, "net/tcp", "own");
    put_process(f, 1, "net:[3]", NULL);
    put_process(f, 4, "net:[9]", "four");
    put_process(f, 5, "net:[7]", "v");
    assert_int_equal(netns_list_read(&list, &f->proc, &everything), 0);
    assert_int_equal(list.count, 3);
    assert_int_equal(first_byte(&list, 0, "net/tcp"), 'o');
    assert_int_equal(first_byte(&list, 1, "net/tcp"), 'f');
    assert_int_equal(first_byte(&list, 2, "net/tcp"), 'v');
    assert_int_equal(first_byte(&list, 2, "net/udp"), '!');
    assert_int_equal(errno, ENOENT);
    assert_true(netns_list_whole(&list));
    netns_list_free(&list);
    /* A captured one that lacks its tables is not whole. */
    assert_int_equal(unlink(path_of(f, "4/net/tcp")), 0);
    assert_int_equal(rmdir(path_of(f, "4/net")), 0);
    assert_int_equal(netns_list_read(&list, &f->proc, &everything), 0);
    assert_int_equal(first_byte(&list, 1, "net/tcp"), '!');
    assert_int_equal(errno, ESRCH);
    assert_false(netns_list_whole(&list));
    netns_list_free(&list);
}

static void more_than_rows_can_name(void **state)
{
    enum { EXTRA = 3, COUNT_OF_ALL = NETNS_MOST + EXTRA };
    struct fixture *f = *state;
    struct netns_chosen *chosen = calloc(COUNT_OF_ALL, sizeof(*chosen));
    struct netns_choice choice = {.asked = true, .list = chosen, .count = COUNT_OF_ALL};
    struct netns_list list;

    assert_non_null(chosen);
    for (uint32_t i = 0; i < COUNT_OF_ALL; i++)
        chosen[i] = (struct netns_chosen){.id = i + 1, .pid = i + 1, .fd = -1};
    assert_int_equal(netns_list_read(&list, &f->proc, &choice), 0);
    assert_int_equal(list.count, NETNS_MOST);
    assert_int_equal(list.left, EXTRA);
    assert_int_equal(list.list[NETNS_MOST - 1].error, ESRCH);
    assert_false(netns_list_whole(&list));
    netns_list_free(&list);
    free(chosen);
}

static bool stop_at_once(void *context)
{
    ++*(unsigned *)context;
    return true;
}

static void listing_members_can_be_stopped(void **state)
{
    enum { PROCESSES = 3000 };
    struct fixture *f = *state;
    struct netns_list list;
    unsigned calls = 0;
    char path[64];

    for (int i = 1; i <= PROCESSES; i++) {
        snprintf(path, sizeof(path), "%d/ns/net", i);
        put_link(f, path, "net:[4026531840]");
    }
    assert_int_equal(netns_list_read_checked(&list, &f->proc, &everything, stop_at_once, &calls),
                     0);
    assert_int_equal(calls, 1);
    assert_true(list.member_count > 0 && list.member_count < PROCESSES / 2);
    netns_list_free(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(each_once),
        FIXTURE_TEST(links_that_name_none),
        FIXTURE_TEST(words),
        FIXTURE_TEST(opening),
        FIXTURE_TEST(more_than_rows_can_name),
        FIXTURE_TEST(listing_members_can_be_stopped),
    };

    return cmocka_run_group_tests_name("netns", tests, NULL, NULL);
}

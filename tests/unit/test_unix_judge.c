/*
 * Which unix rows are text of a name before them, by a kernel of the test's own: it tells what a
 * case lists, dump by dump. Each case is a text of rows and the fate of each: R real, F forged,
 * S suspect, U unsure, T told by another row.
 *
 * Linked with the options in test_unix_judge.link, so that the calls come to calls.h first.
 */
#define _GNU_SOURCE
#include "calls.h"

#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <sys/socket.h>

#include "source/sock_diag.h"
#include "source/unix_rows.h"

enum { DUMPS = 2, TOLD = 80, ROOM = 32 << 10 };

/* A socket that the kernel tells of. */
struct told {
    uint32_t inode;
    uint8_t type;
    const char *name; /* as it was bound; NULL: it has none */
    size_t size;
};

static struct {
    struct told list[DUMPS][TOLD];
    unsigned counts[DUMPS];
    unsigned dump; /* asked so often */
    bool told;     /* and answered */
    bool odd;      /* messages that tell nothing stand between */
    int error;     /* in place of the second dump */
} kernel;

FAILING(struct mnl_socket *, mnl_socket_open2, (int bus, int flags), (bus, flags), NULL, EMFILE)
FAILING(int, mnl_socket_bind, (struct mnl_socket * socket, unsigned groups, pid_t pid),
        (socket, groups, pid), -1, ENOBUFS)

ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *socket, const void *bytes, size_t size);
ssize_t __wrap_recvmsg(int fd, struct msghdr *message, int flags);

ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *socket, const void *bytes, size_t size)
{
    const struct unix_diag_req *request = mnl_nlmsg_get_payload(bytes);

    (void)socket;
    assert_int_equal(request->sdiag_family, AF_UNIX);
    if (call_fails("sendto", ENOBUFS))
        return -1;
    kernel.dump++;
    kernel.told = false;
    return (ssize_t)size;
}

static char *put_message(char *at, uint16_t type, const void *payload, size_t size)
{
    struct nlmsghdr *header = mnl_nlmsg_put_header(at);

    header->nlmsg_type = type;
    header->nlmsg_flags = NLM_F_MULTI;
    header->nlmsg_seq = 1;
    memcpy(mnl_nlmsg_put_extra_header(header, size), payload, size);
    return at + header->nlmsg_len;
}

static char *put_told(char *at, const struct told *told)
{
    const struct unix_diag_msg message = {
        .udiag_family = AF_UNIX, .udiag_type = told->type, .udiag_ino = told->inode};
    struct nlmsghdr *header = (void *)at;

    put_message(at, SOCK_DIAG_BY_FAMILY, &message, sizeof(message));
    mnl_attr_put_u32(header, UNIX_DIAG_PEER, 10);
    if (told->name)
        mnl_attr_put(header, UNIX_DIAG_NAME, told->size, told->name);
    return at + header->nlmsg_len;
}

ssize_t __wrap_recvmsg(int fd, struct msghdr *message, int flags)
{
    char *const start = message->msg_iov[0].iov_base, *at = start;
    struct sockaddr_nl *from = message->msg_name;
    const int32_t end = 0;

    (void)fd;
    (void)flags;
    if (call_interrupted() || call_fails("recvmsg", ENOBUFS))
        return -1;
    assert_in_range(kernel.dump, 1, DUMPS);
    assert_true(message->msg_iov[0].iov_len >= ROOM);
    if (kernel.dump > 1 && kernel.error) {
        errno = kernel.error;
        return -1;
    }
    const unsigned dump = kernel.dump - 1;
    from->nl_pid = 0;
    message->msg_flags = 0;
    if (kernel.told) {
        at = put_message(at, NLMSG_DONE, &end, sizeof(end));
        return at - start;
    }
    kernel.told = true;
    if (kernel.odd) {
        at = put_message(at, SOCK_DIAG_BY_FAMILY, &end, sizeof(end));
        at = put_message(at, SOCK_DESTROY, "0123456789abcdef0123456789abcdef", 32);
    }
    for (unsigned i = 0; i < kernel.counts[dump]; i++)
        at = put_told(at, &kernel.list[dump][i]);
    if (at == start)
        at = put_message(at, NLMSG_NOOP, &end, sizeof(end));
    return at - start;
}

static void tell(unsigned dump, uint32_t inode, uint8_t type, const char *name, size_t size)
{
    assert_true(kernel.counts[dump] < TOLD);
    kernel.list[dump][kernel.counts[dump]++] = (struct told){inode, type, name, size};
}

/* Rows as proc_unix.c holds them: lines that are no rows go on with the name before. */
static void add_text(struct unix_rows *rows, const char *text)
{
    struct unix_row held = {.first = 0};
    char name[1000];
    uint32_t line = 1;

    for (const char *next; *text; text = next) {
        const char *end = strchrnul(text, '\n');
        struct sockq_row row = {.line = ++line};
        const char *p = unix_scan_row(text, end, &row);
        const uint32_t length = (uint32_t)(end - text);
        next = *end ? end + 1 : end;
        if (!p) {
            assert_true(held.named);
            name[held.name_length] = '\n';
            memcpy(name + held.name_length + 1, text, length);
            held.name_length += 1 + length;
            held.text += 1 + length;
            continue;
        }
        if (held.first)
            assert_int_equal(unix_rows_add(rows, &held, name), 0);
        held = (struct unix_row){.row = row, .first = length, .text = length, .named = p < end};
        if (held.named) {
            held.name_length = (uint32_t)(end - p - 1);
            memcpy(name, p + 1, held.name_length);
        }
    }
    assert_int_equal(unix_rows_add(rows, &held, name), 0);
}

static const char *fates_of(const struct unix_rows *rows)
{
    static char text[100];

    assert_true(rows->count < sizeof(text));
    for (size_t i = 0; i < rows->count; i++)
        text[i] = "RFSUT"[rows->list[i].fate];
    text[rows->count] = '\0';
    return text;
}

#define ROW(refs, protocol, flags, type, state, inode)                                             \
    "0: " refs " " protocol " " flags " " type " " state " " inode
#define GOOD(inode) ROW("00000002", "00000000", "00010000", "0001", "01", inode)
#define WAITING_ROW ROW("00000002", "00000000", "00000000", "0001", "02", "    0")

struct judged_case {
    const char *name;
    const char *text;
    const char *fates;
    struct told told[DUMPS][3];
};

/* A socket of the name @a, and what stands behind it. */
#define BEHIND(row) GOOD("15600") " @a\n" row "\n"
#define A_GONE(...)                                                                                \
    {                                                                                              \
        {                                                                                          \
            {                                                                                      \
                __VA_ARGS__                                                                        \
            }                                                                                      \
        }                                                                                          \
    }
/* A connection that waits at a listener of the name @l, and what that name goes on with. */
#define LISTENER(rest)                                                                             \
    {                                                                                              \
        {                                                                                          \
            {                                                                                      \
                9, SOCK_STREAM, BYTES("\0l\n" rest)                                                \
            }                                                                                      \
        }                                                                                          \
    }
#define ACCEPTED(row) WAITING_ROW " @l\n" row "\n"

static const struct judged_case judged_cases[] = {
    {"a_name_that_goes_on_with_a_row",
     BEHIND(GOOD("66666")),
     "RF",
     {{{15600, SOCK_STREAM, BYTES("\0a\n" GOOD("66666"))}}}},
    {"a_name_that_ends_in_its_line",
     BEHIND(GOOD("66666")),
     "RR",
     {{{15600, SOCK_STREAM, BYTES("\0a")}, {66666, SOCK_STREAM, NULL, 0}}}},
    {"another_socket_has_the_inode_by_now",
     BEHIND(GOOD("66666")),
     "RU",
     {{{15600, SOCK_STREAM, BYTES("\0")}}, {{15600, SOCK_STREAM, BYTES("\0")}}}},
    {"both_are_gone", BEHIND(GOOD("66666")), "RU", {{{0}}}},
    {"the_second_look_tells_of_the_row",
     BEHIND(GOOD("66666")),
     "RR",
     {{{0}}, {{66666, SOCK_STREAM, NULL, 0}}}},
    {"the_second_look_tells_of_the_name",
     BEHIND(GOOD("66666")),
     "RF",
     {{{0}}, {{15600, SOCK_STREAM, BYTES("\0a\n" GOOD("66666"))}}}},
    {"a_name_is_gone_and_the_row_is_true", BEHIND(GOOD("66666") " /x"), "RR",
     A_GONE(66666, SOCK_STREAM, BYTES("/x"))},
    {"its_path_ends_in_a_zero", BEHIND(GOOD("66666") " /x"), "RR",
     A_GONE(66666, SOCK_STREAM, BYTES("/x\0"))},
    {"its_type_is_another", BEHIND(GOOD("66666")), "RS", A_GONE(66666, SOCK_DGRAM, NULL, 0)},
    {"its_name_is_another", BEHIND(GOOD("66666") " /x"), "RS",
     A_GONE(66666, SOCK_STREAM, BYTES("/y"))},
    {"its_name_goes_on", BEHIND(GOOD("66666") " /x"), "RS",
     A_GONE(66666, SOCK_STREAM, BYTES("/xy"))},
    {"its_inode_stands_twice", BEHIND(GOOD("66666")) GOOD("15602") "\n" GOOD("66666") " /x\n",
     "RUUR", A_GONE(66666, SOCK_STREAM, NULL, 0)},
    {"its_twin_is_the_same", BEHIND(GOOD("66666")) GOOD("15602") "\n" GOOD("66666") "\n", "RRUR",
     A_GONE(66666, SOCK_STREAM, NULL, 0)},
    {"its_twin_is_forged",
     BEHIND(GOOD("66666")) GOOD("15602") " @b\n" GOOD("66666") " x\n",
     "RRRF",
     {{{66666, SOCK_STREAM, NULL, 0}, {15602, SOCK_STREAM, BYTES("\0b\n" GOOD("66666") " x")}}}},
    {"twins_of_two_states",
     BEHIND(GOOD("66666"))
         GOOD("15602") "\n" ROW("00000002", "00000000", "00010000", "0001", "03", "66666") "\n",
     "RUUR", A_GONE(66666, SOCK_STREAM, NULL, 0)},
    {"twins_of_two_types",
     BEHIND(GOOD("66666"))
         GOOD("15602") "\n" ROW("00000002", "00000000", "00010000", "0005", "01", "66666") "\n",
     "RUUR", A_GONE(66666, SOCK_STREAM, NULL, 0)},
    {"twins_of_two_flags",
     BEHIND(GOOD("66666"))
         GOOD("15602") "\n" ROW("00000002", "00000000", "00000000", "0001", "01", "66666") "\n",
     "RUUR", A_GONE(66666, SOCK_STREAM, NULL, 0)},
    {"twins_of_two_protocols",
     BEHIND(GOOD("66666"))
         GOOD("15602") "\n" ROW("00000002", "00000001", "00010000", "0001", "01", "66666") "\n",
     "RUUR", A_GONE(66666, SOCK_STREAM, NULL, 0)},
    {"no_kernel_prints_the_type",
     BEHIND(ROW("00000002", "00000000", "00010000", "0003", "01", "66666")),
     "RS",
     {{{0}}}},
    {"no_kernel_prints_the_flags",
     BEHIND(ROW("00000002", "00000000", "00020000", "0001", "01", "66666")),
     "RS",
     {{{0}}}},
    {"no_kernel_prints_the_protocol",
     BEHIND(ROW("00000002", "00000001", "00010000", "0001", "01", "66666")),
     "RS",
     {{{0}}}},
    {"no_kernel_prints_the_references",
     BEHIND(ROW("00000000", "00000000", "00010000", "0001", "01", "66666")),
     "RS",
     {{{0}}}},
    {"no_kernel_prints_an_inode_without_a_file",
     BEHIND(ROW("00000002", "00000000", "00000000", "0001", "02", "66666")),
     "RS",
     {{{0}}}},
    {"no_kernel_prints_a_file_without_an_inode",
     BEHIND(ROW("00000002", "00000000", "00000000", "0005", "03", "    0")),
     "RS",
     {{{0}}}},
    {"a_datagram_socket_that_is_connected",
     BEHIND(ROW("00000002", "00000000", "00000000", "0002", "03", "66666")), "RR",
     A_GONE(66666, SOCK_DGRAM, NULL, 0)},
    {"a_connection_that_ends",
     BEHIND(ROW("00000002", "00000000", "00000000", "0005", "04", "    0")),
     "RR",
     {{{0}}}},
    {"an_inode_that_none_can_have", BEHIND(GOOD("4294967297")), "RU", {{{0}}}},
    {"a_row_in_the_text_of_a_row",
     BEHIND(GOOD("    6")) GOOD("    7") "\n",
     "RFF",
     {{{15600, SOCK_STREAM, BYTES("\0a\n" GOOD("    6") "\n" GOOD("    7"))}}}},
    {"suspect_of_two_names",
     GOOD("15600") " @a\n" GOOD("15601") " @\n" GOOD("66666") "\n",
     "RUS",
     {{{66666, SOCK_DGRAM, NULL, 0}}, {{66666, SOCK_DGRAM, NULL, 0}}}},
    {"a_listener_forges", ACCEPTED(GOOD("  777")), "RF", LISTENER(GOOD("  777"))},
    {"a_listener_forges_a_name", ACCEPTED(GOOD("  777") " x"), "RF", LISTENER(GOOD("  777") " x")},
    {"a_listener_forges_a_name_of_two_lines", ACCEPTED(GOOD("  777") " x\nmore"), "RF",
     LISTENER(GOOD("  777") " x\nmore")},
    {"a_listener_goes_on_with_no_row", ACCEPTED(GOOD("  777")), "RU", LISTENER("more")},
    {"a_listener_with_another_inode", ACCEPTED(GOOD("  777")), "RU", LISTENER(GOOD("  778"))},
    {"a_listener_with_other_references", ACCEPTED(GOOD("  777")), "RU",
     LISTENER(ROW("00000003", "00000000", "00010000", "0001", "01", "  777"))},
    {"a_listener_with_another_protocol", ACCEPTED(GOOD("  777")), "RU",
     LISTENER(ROW("00000002", "00000001", "00010000", "0001", "01", "  777"))},
    {"a_listener_with_other_flags", ACCEPTED(GOOD("  777")), "RU",
     LISTENER(ROW("00000002", "00000000", "00000000", "0001", "01", "  777"))},
    {"a_listener_with_another_type", ACCEPTED(GOOD("  777")), "RU",
     LISTENER(ROW("00000002", "00000000", "00010000", "0002", "01", "  777"))},
    {"a_listener_with_another_state", ACCEPTED(GOOD("  777")), "RU",
     LISTENER(ROW("00000002", "00000000", "00010000", "0001", "03", "  777"))},
    {"a_listener_with_a_name_where_none_is", ACCEPTED(GOOD("  777")), "RU",
     LISTENER(GOOD("  777") " x")},
    {"a_listener_with_a_longer_name", ACCEPTED(GOOD("  777") " x"), "RU",
     LISTENER(GOOD("  777") " xy")},
    {"a_listener_with_another_name", ACCEPTED(GOOD("  777") " x"), "RU",
     LISTENER(GOOD("  777") " y")},
    {"a_listener_among_others",
     ACCEPTED(GOOD("  777")),
     "RF",
     {{{8, SOCK_STREAM, BYTES("\0k\n" GOOD("  777"))},
       {9, SOCK_STREAM, BYTES("\0l\n" GOOD("  777"))},
       {10, SOCK_STREAM, BYTES("\0lo\n" GOOD("  777"))}}}},
    {"a_listener_whose_name_only_begins_alike",
     ACCEPTED(GOOD("  777")),
     "RU",
     {{{8, SOCK_STREAM, BYTES("\0lo\n" GOOD("  777"))},
       {9, SOCK_STREAM, BYTES("\0m\n" GOOD("  777"))}}}},
    {"a_listener_of_two_lines",
     WAITING_ROW " @l\nab\n" GOOD("  777") "\n",
     "RF",
     {{{8, SOCK_STREAM, BYTES("\0l\na")},
       {9, SOCK_STREAM, BYTES("\0l\nab")},
       {10, SOCK_STREAM, BYTES("\0l\nab\n" GOOD("  777"))}}}},
};

static void judge_one(void **state)
{
    const struct judged_case *c = ((struct fixture *)*state)->given;
    struct unix_rows rows = {.count = 0};

    memset(&kernel, 0, sizeof(kernel));
    for (unsigned i = 0; i < DUMPS; i++)
        for (unsigned k = 0; k < COUNT(c->told[i]) && c->told[i][k].inode; k++)
            kernel.list[i][kernel.counts[i]++] = c->told[i][k];
    add_text(&rows, c->text);
    assert_int_equal(unix_rows_judge(&rows, true), 0);
    assert_string_equal(fates_of(&rows), c->fates);
    assert_int_equal(rows.error, 0);
    /* Whoever forged one is put right. */
    for (size_t i = 0; i + 1 < rows.count; i++)
        if (rows.list[i + 1].fate == UNIX_FORGED && rows.list[i].fate != UNIX_FORGED)
            assert_int_equal(rows.list[i].row.flags & (SOCKQ_ROW_JOINED | SOCKQ_ROW_FORGES),
                             SOCKQ_ROW_JOINED | SOCKQ_ROW_FORGES);
    unix_rows_free(&rows);
}

/* Whoever binds names beyond number is not looked through for ever. */
static void many_listeners(void **state)
{
    enum { ALIKE = 70 };
    static char names[ALIKE][80];
    struct unix_rows rows = {.count = 0};

    (void)state;
    for (int before = 0; before < 2; before++) {
        memset(&kernel, 0, sizeof(kernel));
        for (uint32_t i = 0; i < ALIKE; i++) {
            const char *row = i == (before ? 0u : ALIKE - 1u) ? GOOD("  777") : "unlike";
            names[i][0] = '\0';
            int n = snprintf(names[i] + 1, sizeof(names[i]) - 1, "l\n%s\n%02u", row, i);
            for (unsigned dump = 0; dump < DUMPS; dump++)
                tell(dump, 1000 + i, SOCK_STREAM, names[i], (size_t)n + 1);
        }
        add_text(&rows, ACCEPTED(GOOD("  777")));
        assert_int_equal(unix_rows_judge(&rows, true), 0);
        assert_string_equal(fates_of(&rows), "RF");
        unix_rows_free(&rows);
    }
    /* Behind 64 that begin alike it is not found: only its owner is not told. */
    memset(&kernel, 0, sizeof(kernel));
    for (uint32_t i = 0; i < ALIKE; i++) {
        names[i][0] = '\0';
        int n = snprintf(names[i] + 1, sizeof(names[i]) - 1, "l\n%s%02u",
                         i == ALIKE - 1u ? GOOD("  777") "\n" : " before ", i);
        for (unsigned dump = 0; dump < DUMPS; dump++)
            tell(dump, 1000 + i, SOCK_STREAM, names[i], (size_t)n + 1);
    }
    add_text(&rows, ACCEPTED(GOOD("  777")));
    assert_int_equal(unix_rows_judge(&rows, true), 0);
    assert_string_equal(fates_of(&rows), "RU");
    unix_rows_free(&rows);
}

/* What a first look told holds where the second fails. */
static void a_second_look_that_fails(void **state)
{
    static const int errors[] = {ENOENT, EMFILE, ENOMEM};
    struct unix_rows rows = {.count = 0};

    (void)state;
    for (size_t i = 0; i < COUNT(errors); i++) {
        memset(&kernel, 0, sizeof(kernel));
        kernel.error = errors[i];
        kernel.odd = true;
        tell(0, 66667, SOCK_STREAM, NULL, 0);
        add_text(&rows, BEHIND(GOOD("66666")) GOOD("66667") "\n");
        assert_int_equal(unix_rows_judge(&rows, true), errors[i] == ENOMEM ? -1 : 0);
        assert_string_equal(fates_of(&rows), "RUR");
        assert_int_equal(rows.error, errors[i] == ENOENT ? 0 : errors[i]);
        unix_rows_free(&rows);
    }
}

static int judge_both(void *context)
{
    struct unix_rows rows = {.count = 0};
    const bool counts = calls.counts;

    (void)context;
    memset(&kernel, 0, sizeof(kernel));
    /* The second name is gone, so that its row is looked for among all. */
    tell(0, 15600, SOCK_STREAM, BYTES("\0a\n" GOOD("66666")));
    tell(1, 15602, SOCK_STREAM, BYTES("\0b"));
    calls.counts = false;
    add_text(&rows, BEHIND(GOOD("66666")) GOOD("15602") " @b\n" GOOD("15603") "\n");
    calls.counts = counts;
    int result = unix_rows_judge(&rows, true), error = errno;
    calls.counts = false;
    if (result == 0 && rows.error) {
        assert_int_equal(rows.error, calls.error);
        /* In doubt is what the dump that failed did not tell. */
        assert_string_equal(fates_of(&rows), rows.suspect ? "RUUU" : "RFRU");
    } else if (result == 0) {
        assert_string_equal(fates_of(&rows), "RFRR");
        assert_int_equal(rows.forged, 1);
    }
    unix_rows_free(&rows);
    calls.counts = counts;
    errno = error;
    return result;
}

static void each_call_fails(void **state)
{
    (void)state;
    fail_each_call(judge_both, NULL, true);
}

struct join_case {
    const char *name;
    const char *text;
    const char *fates;
    long found;
};

static const struct join_case join_cases[] = {
    {"none_twice", GOOD("    1") "\n" GOOD("    2") "\n" GOOD("    0") "\n" GOOD("    0") "\n",
     "RRRR", 0},
    {"the_last_is_kept", GOOD("    1") "\n" GOOD("    2") "\n" GOOD("    1") " /long/enough/x\n",
     "TRR", 1},
    {"one_behind_a_name_is_not_kept_for_one_that_is_not",
     GOOD("    1") "\n" GOOD("    2") " @a\n" GOOD("    1") "\n", "RRT", 1},
    {"doubted_all_of_them_stay",
     GOOD("    2") " @a\n" GOOD("    1") "\n" GOOD("    3") " @a\n" GOOD("    1") "\n", "RUUU", 0},
};

static void join_one(void **state)
{
    const struct join_case *c = ((struct fixture *)*state)->given;
    struct unix_rows rows = {.count = 0};

    memset(&kernel, 0, sizeof(kernel));
    add_text(&rows, c->text);
    assert_int_equal(unix_rows_judge(&rows, true), 0);
    assert_int_equal(unix_rows_join(&rows), c->found);
    assert_string_equal(fates_of(&rows), c->fates);
    unix_rows_free(&rows);
}

static int join_twice(void *context)
{
    struct unix_rows rows = {.count = 0};
    const bool counts = calls.counts;

    (void)context;
    calls.counts = false;
    add_text(&rows, GOOD("    1") "\n" GOOD("    2") "\n" GOOD("    1") "\n");
    calls.counts = counts;
    long found = unix_rows_join(&rows);
    int error = errno;
    if (found >= 0)
        assert_int_equal(found, 1);
    unix_rows_free(&rows);
    errno = error;
    return found < 0 ? -1 : 0;
}

static void each_allocation_of_joining(void **state)
{
    (void)state;
    fail_each_call(join_twice, NULL, false);
}

/* The name of an attribute whose bytes are these. */
static const char *name_of(const void *bytes, size_t size)
{
    static char name[UNIX_NAME + 1];
    _Alignas(struct nlmsghdr) char room[512];
    struct nlmsghdr *header = mnl_nlmsg_put_header(room);

    mnl_attr_put(header, UNIX_DIAG_NAME, size, bytes);
    name[unix_diag_name(mnl_nlmsg_get_payload(header), name)] = '\0';
    return name;
}

static void names(void **state)
{
    char longest[UNIX_NAME + 3];

    (void)state;
    memset(longest, 'n', sizeof(longest));
    assert_string_equal(name_of("", 0), "");
    assert_string_equal(name_of(BYTES("/x")), "/x");
    assert_string_equal(name_of(BYTES("/x\0")), "/x");
    assert_string_equal(name_of(BYTES("\0x\0y\0")), "@x@y@");
    assert_int_equal(strlen(name_of(longest, UNIX_NAME)), UNIX_NAME);
    assert_int_equal(strlen(name_of(longest, UNIX_NAME + 1)), UNIX_NAME);
    assert_int_equal(strlen(name_of(longest, UNIX_NAME + 2)), 0);
    longest[UNIX_NAME] = '\0';
    assert_int_equal(strlen(name_of(longest, UNIX_NAME + 1)), UNIX_NAME);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_listeners), cmocka_unit_test(a_second_look_that_fails),
        FIXTURE_TEST(each_call_fails),    cmocka_unit_test(each_allocation_of_joining),
        cmocka_unit_test(names),
    };

    int failed = run_cases("unix judge", judged_cases, sizeof(judged_cases[0]), COUNT(judged_cases),
                           judge_one);
    failed +=
        run_cases("unix join", join_cases, sizeof(join_cases[0]), COUNT(join_cases), join_one);
    return failed + cmocka_run_group_tests_name("unix calls", tests, NULL, NULL);
}

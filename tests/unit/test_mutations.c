/*
 * Every row with one byte changed, taken out or put in, against a second opinion: a regular
 * expression written from the kernel's printf, and inet_pton for addresses of sctp. And every
 * beginning of a row between unreadable pages.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <regex.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "helper.h"

/* The reference replaces NULs by this, so that no pattern needs one. */
#define NUL "\001"
#define B "[ \t]+"
#define GROUP "[^\001-\040]+"
#define HEX(least, most) "[0-9A-Fa-f]{" least "," most "}"
#define INET(address)                                                                              \
    "^[ \t]*[0-9]+:" B address B address B HEX("1", "2") B HEX("1", "8") ":" HEX("1", "8")         \
        B HEX("1", "2") ":" HEX("1", "16") B HEX("1", "8") B "[0-9]+" B "[0-9]+" B "[0-9]+"
#define V4 HEX("8", "8") ":" HEX("4", "4")
#define V6 HEX("32", "32") ":" HEX("4", "4")
#define REST(tail) "(" B "-?[0-9]+(" B GROUP "(" tail ")?)?)?[ \t]*$"
#define TCP_TAIL "(" B "[0-9]+){4}" B "-?[0-9]+(" B GROUP ")*"
#define UDP_TAIL B "-?[0-9]+(" B GROUP ")*"

struct mutation_case {
    const char *name;
    enum sockq_table table;
    const char *row;
    const char *pattern;
    bool nul; /* a NUL is no damage as such: it can stand in a name */
};

#define ONE6 "00000000000000000000000001000000"
#define NETLINK_PATTERN                                                                            \
    "^[ \t]*" GROUP B "[0-9]+" B "-?[0-9]+" B HEX("1", "8") B                                      \
        "-?[0-9]+" B "-?[0-9]+" B GROUP B "-?[0-9]+" B "-?[0-9]+[ \t]*($|[ \t][0-9]+($|[ \t]))"

static const struct mutation_case cases[] = {
    {"tcp", SOCKQ_TCP,
     "   1: 0100007F:1538 0200007F:0016 01 00000002:00000001 01:0000000A 00000003  1000        4 "
     "1600"
     " 1 00000000db745801 20 4 30 10 -1    ",
     INET(V4) REST(TCP_TAIL), false},
    {"tcp_time_wait", SOCKQ_TCP,
     "   4: 0100007F:1F90 0100007F:D431 06 00000000:00000000 03:00001770 00000000     0        0 0 "
     "3"
     " 00000000db745801   ",
     INET(V4) REST(TCP_TAIL), false},
    {"tcp6", SOCKQ_TCP6,
     "   0: " ONE6 ":1538 " ONE6
     ":0000 0A 00000000:00000005 00:00000000 00000000     0        0 1601"
     " 1 00000000db745801 100 0 0 10 0",
     INET(V6) REST(TCP_TAIL), false},
    {"udp", SOCKQ_UDP,
     " 4185: 0100007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000   107        0 "
     "3129"
     " 2 00000000db745801 7   ",
     INET(V4) REST(UDP_TAIL), false},
    {"raw6", SOCKQ_RAW6,
     "   58: " ONE6 ":003A " ONE6
     ":0000 07 00000000:00000000 00:00000000 00000000     0        0 41 2"
     " ffff8880 0",
     INET(V6) REST(UDP_TAIL), false},
    {"unix_without_name", SOCKQ_UNIX, "00000000d2a1b5c8: 00000002 00000000 00010000 0001 01 15600",
     "^[ \t]*[^\001-\040:]+:( [0-9A-F]{8}){3} [0-9A-F]{4} [0-9A-F]{2}"
     "( {5,}[0-9]+| {4,}[0-9]{2,}| {3,}[0-9]{3,}| {2,}[0-9]{4,}| [0-9]{5,})( .*)?$",
     true},
    {"unix_with_name", SOCKQ_UNIX,
     "00000000d2a1b5c8: 00000002 00000000 00010000 0001 01     7 @name",
     "^[ \t]*[^\001-\040:]+:( [0-9A-F]{8}){3} [0-9A-F]{4} [0-9A-F]{2}"
     "( {5,}[0-9]+| {4,}[0-9]{2,}| {3,}[0-9]{3,}| {2,}[0-9]{4,}| [0-9]{5,})( .*)?$",
     true},
    {"netlink", SOCKQ_NETLINK,
     "00000000e12b94b4 15  1184       00000001 212      0        0     2        3        1402    ",
     NETLINK_PATTERN, false},
    {"netlink_2_6_32", SOCKQ_NETLINK,
     "f74f3a00 0   0      00000000 0        0        (null)   2        0       ", NETLINK_PATTERN,
     false},
    {"packet", SOCKQ_PACKET, "00000000a1b2c3d4 3      3    0003   2     1 1280   0      1811  ",
     "^[ \t]*" GROUP B "-?[0-9]+" B "[0-9]+" B HEX("1", "4") B "-?[0-9]+(" B "[0-9]+){4}($|[ \t])",
     false},
    {"sctp_eps", SOCKQ_SCTP_EPS, "ffff8880 ffff8881 2 10 22 21 0 1700 ",
     "^[ \t]*" GROUP B GROUP "(" B "[0-9]+){6}[ \t]*$", false},
    {"sctp_eps_addresses", SOCKQ_SCTP_EPS, "f f 2 10 22 21 0 1700 10.0.0.1 *10.0.0.2 ::1 ",
     "^[ \t]*" GROUP B GROUP "(" B "[0-9]+){6}((" B GROUP ")*[ \t]*)$", false},
    {"sctp_assocs", SOCKQ_SCTP_ASSOCS,
     "ffff8880 ffff8881 2   1   3  0       7      100      200    1000 1800 21  39  <-> \t 7500 10",
     "^ *" GROUP " +" GROUP "( +[0-9]+){11} +<-> *\t", true},
};

/* The bytes put in; with a byte of every other kind than those that stand there. */
static const char inserted[] = {' ', '\t', '0', 'A',  'f',  'x',   ':',
                                '-', '+',  '@', '\0', '\r', '\x80'};

static bool is_address(const char *text)
{
    uint8_t bytes[16];

    text += *text == '*';
    return inet_pton(strchr(text, ':') ? AF_INET6 : AF_INET, text, bytes) == 1;
}

/* The second opinion on one line of text. */
static bool is_row(const struct mutation_case *c, const regex_t *pattern, const char *line,
                   size_t length)
{
    char copy[512], *word, *rest = copy;
    regmatch_t match[4];

    if (c->table != SOCKQ_UNIX)
        while (length > 0 && line[length - 1] == '\r')
            length--;
    memcpy(copy, line, length);
    copy[length] = '\0';
    for (size_t i = 0; i < length; i++) {
        if (copy[i] == '\0' && !c->nul)
            return false;
        if (copy[i] == '\0')
            copy[i] = NUL[0];
    }
    if (regexec(pattern, copy, 4, match, 0) != 0)
        return false;
    if (c->table != SOCKQ_SCTP_EPS || match[2].rm_so < 0)
        return true;
    rest += match[2].rm_so;
    while ((word = strsep(&rest, " \t")) != NULL)
        if (*word && !is_address(word))
            return false;
    return true;
}

struct lines {
    char *text;
    size_t size;
    size_t room;
    uint32_t count;
    bool *rows;
};

static void add_line(struct lines *lines, const char *line, size_t length, bool row)
{
    assert_true(lines->size + length + 1 <= lines->room);
    memcpy(lines->text + lines->size, line, length);
    lines->size += length;
    lines->text[lines->size++] = '\n';
    lines->rows[lines->count++] = row;
}

/* A good row before each, so that nothing continues a unix name and the file is no garbage. */
static void add_mutant(const struct mutation_case *c, const regex_t *pattern, struct lines *lines,
                       const char *line, size_t length)
{
    const char *good = good_of(c->table);

    add_line(lines, good, strlen(good) - 1, true);
    add_line(lines, line, length, is_row(c, pattern, line, length));
}

static void add_mutants(const struct mutation_case *c, const regex_t *pattern, struct lines *lines)
{
    size_t length = strlen(c->row);
    char line[512];

    add_mutant(c, pattern, lines, c->row, length);
    for (size_t i = 0; i < length; i++)
        for (int byte = 0; byte < 256; byte++) {
            if (byte == '\n')
                continue;
            memcpy(line, c->row, length);
            line[i] = (char)byte;
            add_mutant(c, pattern, lines, line, length);
        }
    for (size_t i = 0; i < length; i++) {
        memcpy(line, c->row, i);
        memcpy(line + i, c->row + i + 1, length - i - 1);
        add_mutant(c, pattern, lines, line, length - 1);
    }
    for (size_t i = 0; i <= length; i++)
        for (size_t k = 0; k < sizeof(inserted); k++) {
            memcpy(line, c->row, i);
            line[i] = inserted[k];
            memcpy(line + i + 1, c->row + i, length - i);
            add_mutant(c, pattern, lines, line, length + 1);
        }
    for (size_t i = 0; i <= length; i++)
        add_mutant(c, pattern, lines, c->row, i);
}

/* Show the first line on which the two differ. */
static void show(const struct lines *lines, uint32_t number)
{
    const char *line = lines->text;

    for (uint32_t i = 0; i < number; i++)
        line = (const char *)memchr(line, '\n', lines->size) + 1;
    print_error("should be %s: \"", lines->rows[number] ? "a row" : "refused");
    for (; *line != '\n'; line++)
        print_error((unsigned char)*line - 32u < 95 ? "%c" : "\\x%02x", (unsigned char)*line);
    print_error("\"\n");
}

static void all_mutants(void **state)
{
    struct fixture *f = *state;
    const struct mutation_case *c = f->given;
    size_t most = strlen(c->row) * (256 + 2 + sizeof(inserted)) + 32;
    struct lines lines = {.room = most * 2 * (strlen(c->row) + 160)};
    regex_t pattern;
    uint64_t row = 0;

    assert_int_equal(regcomp(&pattern, c->pattern, REG_EXTENDED), 0);
    lines.text = malloc(lines.room);
    lines.rows = malloc(2 * most);
    assert_true(lines.text && lines.rows);
    add_mutants(c, &pattern, &lines);
    regfree(&pattern);
    put_table(f, c->table, lines.text, lines.size);
    const struct sockq_table_info *info = read_table(f, c->table);
    uint32_t wrong = 0;
    for (uint32_t i = 0; i < lines.count; i++) {
        bool taken = row < info->rows && row_at(f, row)->line == i + 2;
        row += taken;
        if (taken != lines.rows[i] && wrong++ == 0)
            show(&lines, i);
    }
    uint32_t count = lines.count;
    free(lines.text);
    free(lines.rows);
    assert_int_equal(wrong, 0);
    assert_int_equal(row, info->rows);
    assert_int_equal(info->rows + info->bad, count);
}

/* Every beginning of a row, with unreadable memory right before and right behind it. */
static void nothing_outside_the_line_is_read(void **state)
{
    struct fixture *f = *state;
    const struct mutation_case *c = f->given;
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), length = strlen(c->row);
    char *pages = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *const first = pages + page, *const behind = first + page;

    assert_true(pages != MAP_FAILED);
    assert_int_equal(mprotect(pages, page, PROT_NONE), 0);
    assert_int_equal(mprotect(behind, page, PROT_NONE), 0);
    /* There is no such table: this only opens a row set. */
    read_table(f, c->table);
    struct table_reader reader = {.format = table_format(c->table),
                                  .w = &f->w,
                                  .proc = &f->proc,
                                  .table = c->table,
                                  .line = 2};
    for (size_t size = 0; size <= length; size++) {
        memcpy(first, c->row, size);
        enum sockq_reason at_start = reader.format->scan(&reader, first, first + size);
        memcpy(behind - size, c->row, size);
        assert_int_equal(reader.format->scan(&reader, behind - size, behind), at_start);
    }
    if (reader.format->flush)
        reader.format->flush(&reader);
    free(reader.held);
    assert_int_equal(munmap(pages, 3 * page), 0);
}

int main(void)
{
    int failed = run_cases("mutations", cases, sizeof(cases[0]), COUNT(cases), all_mutants);

    return failed + run_cases("beginnings", cases, sizeof(cases[0]), COUNT(cases),
                              nothing_outside_the_line_is_read);
}

/*
 * The scanners of scan.h. Every text stands at the end of a page that an unreadable one follows, so
 * a scanner that looks at or beyond its end is killed.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../src/scan.h"
#include "helper.h"

static char *edge;

static int make_edge(void **state)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)state;
    if (pages == MAP_FAILED || mprotect(pages + page, page, PROT_NONE) < 0)
        return -1;
    edge = pages + page;
    return 0;
}

/* The text, ending where reading faults. */
static const char *at_edge(const void *bytes, size_t size)
{
    return memcpy(edge - size, bytes, size);
}

/* A number scanner's case: taken -1 means NULL. */
struct number_case {
    const char *text;
    int taken;
    int64_t value;
};

enum number_kind { U64, U32, I32, EITHER32 };

static const char *scan_number(enum number_kind kind, const char *p, int64_t *value)
{
    uint64_t u64 = 0;
    uint32_t u32 = 0;
    int32_t i32 = 0;
    const char *after;

    switch (kind) {
    case U64:
        after = scan_u64(p, edge, &u64);
        *value = (int64_t)u64;
        return after;
    case I32:
        after = scan_i32(p, edge, &i32);
        *value = i32;
        return after;
    default:
        after = kind == U32 ? scan_u32(p, edge, &u32) : scan_either32(p, edge, &u32);
        *value = u32;
        return after;
    }
}

static void check_numbers(enum number_kind kind, const struct number_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct number_case *c = &cases[i];
        const char *p = at_edge(c->text, strlen(c->text));
        int64_t value;
        const char *after = scan_number(kind, p, &value);
        if (!after != (c->taken < 0))
            fail_msg("\"%s\" is %s", c->text, after ? "taken" : "refused");
        if (!after)
            continue;
        if (after - p != c->taken || value != c->value)
            fail_msg("\"%s\" gives %" PRId64 " and takes %td", c->text, value, after - p);
    }
}

static void u64_up_to_its_border(void **state)
{
    static const struct number_case cases[] = {
        {"", -1, 0},
        {"x", -1, 0},
        {"-1", -1, 0},
        {"+1", -1, 0},
        {" 1", -1, 0},
        {"/", -1, 0},
        {":", -1, 0},
        {"0", 1, 0},
        {"9", 1, 9},
        {"12 ", 2, 12},
        {"12x", 2, 12},
        {"0x12", 1, 0},
        {"12\xb2", 2, 12},
        {"000000636", 9, 636},
        {"9223372036854775807", 19, INT64_MAX},
        {"9999999999999999999", 19, (int64_t)9999999999999999999u},
        {"10000000000000000000", 20, (int64_t)10000000000000000000u},
        {"18446744073709551609", 20, -7},
        {"18446744073709551615", 20, -1},
        {"18446744073709551616", -1, 0},
        {"18446744073709551620", -1, 0},
        {"18446744073709551700", -1, 0},
        {"28446744073709551615", -1, 0},
        {"99999999999999999999", -1, 0},
        {"184467440737095516150", -1, 0},
        {"100000000000000000000", -1, 0},
        {"36893488147419103232", -1, 0},
        {"1234567890123456789012345678901234567890", -1, 0},
        {"00000000000000000000000000000000000000018446744073709551615", 59, -1},
        {"00000000000000000000000000000000000000018446744073709551616", -1, 0},
    };

    (void)state;
    check_numbers(U64, cases, COUNT(cases));
}

static void u32_up_to_its_border(void **state)
{
    static const struct number_case cases[] = {
        {"", -1, 0},
        {"-1", -1, 0},
        {"0", 1, 0},
        {"65534 ", 5, 65534},
        {"4294967295", 10, 4294967295},
        {"4294967296", -1, 0},
        {"4294967300", -1, 0},
        {"18446744073709551616", -1, 0},
        {"0000000000004294967295", 22, 4294967295},
    };

    (void)state;
    check_numbers(U32, cases, COUNT(cases));
}

static void i32_up_to_its_borders(void **state)
{
    static const struct number_case cases[] = {
        {"", -1, 0},
        {"-", -1, 0},
        {"--1", -1, 0},
        {"- 1", -1, 0},
        {"+1", -1, 0},
        {"0", 1, 0},
        {"-0", 2, 0},
        {"-1", 2, -1},
        {"2147483647", 10, INT32_MAX},
        {"2147483648", -1, 0},
        {"-2147483648", 11, INT32_MIN},
        {"-2147483649", -1, 0},
        {"-18446744073709551616", -1, 0},
        {"-1073741824 ", 11, -1073741824},
    };

    (void)state;
    check_numbers(I32, cases, COUNT(cases));
}

static void either32_signed_or_not(void **state)
{
    static const struct number_case cases[] = {
        {"", -1, 0},
        {"-", -1, 0},
        {"0", 1, 0},
        {"-1", 2, 4294967295},
        {"-4097", 5, 4294963199},
        {"4294967295", 10, 4294967295},
        {"4294967296", -1, 0},
        {"-2147483648", 11, 2147483648},
        {"-2147483649", -1, 0},
    };

    (void)state;
    check_numbers(EITHER32, cases, COUNT(cases));
}

static void decimal_digits_are_ten_of_256(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        char text[2] = {'7', (char)c};
        uint64_t value;
        const char *p = at_edge(text, 2);
        bool digit = c >= '0' && c <= '9';
        assert_ptr_equal(scan_u64(p, edge, &value), digit ? edge : edge - 1);
        assert_int_equal(value, digit ? 70 + c - '0' : 7);
        if (digit)
            assert_ptr_equal(scan_u64(edge - 1, edge, &value), edge);
        else
            assert_null(scan_u64(edge - 1, edge, &value));
    }
}

/* The naive reference: the value of a digit, or 16. */
static unsigned naive_hex(int c)
{
    static const char digits[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";

    for (unsigned i = 0; i < 16; i++)
        if (c == digits[i] || c == upper[i])
            return i;
    return 16;
}

static void hex_digit_of_every_byte(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++)
        assert_int_equal(scan_hex_digit((char)c), naive_hex(c));
}

static void check_hex8(const char *text)
{
    uint32_t naive = 0, value = 0;
    bool good = true;

    for (int i = 0; i < 8; i++) {
        unsigned digit = naive_hex((unsigned char)text[i]);
        good = good && digit < 16;
        naive = naive << 4 | (digit & 15);
    }
    if (scan_hex8(at_edge(text, 8), &value) != good)
        fail_msg("%02x %02x %02x %02x %02x %02x %02x %02x is %s", (unsigned char)text[0],
                 (unsigned char)text[1], (unsigned char)text[2], (unsigned char)text[3],
                 (unsigned char)text[4], (unsigned char)text[5], (unsigned char)text[6],
                 (unsigned char)text[7], good ? "refused" : "taken");
    if (good)
        assert_int_equal(value, naive);
}

static void hex8_every_byte_everywhere(void **state)
{
    static const char *const around[] = {"00000000", "ffffffff", "FFFFFFFF",
                                         "09afAF99", "aAfF9090", "@`G/:g@`"};

    (void)state;
    for (size_t i = 0; i < COUNT(around); i++)
        for (int position = 0; position < 8; position++)
            for (int c = 0; c < 256; c++) {
                char text[8];
                memcpy(text, around[i], 8);
                text[position] = (char)c;
                check_hex8(text);
            }
}

/* A borrow or carry from one digit to the next would show in a pair of neighbours. */
static void hex8_every_pair_of_neighbours(void **state)
{
    (void)state;
    for (int position = 0; position < 7; position++)
        for (int pair = 0; pair < 65536; pair++) {
            char text[8];
            memcpy(text, "9aF0fA19", 8);
            text[position] = (char)(pair >> 8);
            text[position + 1] = (char)(pair & 0xff);
            check_hex8(text);
        }
}

static void hex8_random_text(void **state)
{
    static const char letters[] = "0123456789abcdefABCDEF0123456789abcdefABCDEF@`Gg/: \x10\x19\xb0";
    uint64_t seed = 0x2545f4914f6cdd1d;

    (void)state;
    for (int i = 0; i < 200000; i++) {
        char text[8];
        for (int k = 0; k < 8; k++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            text[k] = letters[(seed >> 33) % (sizeof(letters) - 1)];
        }
        check_hex8(text);
    }
}

static void hex4_every_byte_everywhere(void **state)
{
    (void)state;
    for (int position = 0; position < 4; position++)
        for (int c = 0; c < 256; c++) {
            char text[4] = {'1', 'a', 'F', '9'};
            uint16_t value;
            unsigned naive = 0;
            text[position] = (char)c;
            for (int k = 0; k < 4; k++)
                naive = naive << 4 | (naive_hex((unsigned char)text[k]) & 15);
            bool good = naive_hex(c) < 16;
            assert_int_equal(scan_hex4(at_edge(text, 4), &value), good);
            if (good)
                assert_int_equal(value, naive);
        }
}

static void hex_up_to_so_many_digits(void **state)
{
    static const struct {
        const char *text;
        int most;
        int taken;
        uint64_t value;
    } cases[] = {
        {"", 8, -1, 0},
        {"g", 8, -1, 0},
        {" 1", 8, -1, 0},
        {"-1", 8, -1, 0},
        {"0", 8, 1, 0},
        {"0x1", 8, 1, 0},
        {"0A", 2, 2, 10},
        {"a ", 2, 1, 10},
        {"0A0", 2, -1, 0},
        {"FFFFFFFF", 8, 8, 0xffffffff},
        {"ffffffff:", 8, 8, 0xffffffff},
        {"0FFFFFFFF", 8, -1, 0},
        {"FFFFFFFFFFFFFFFF", 16, 16, UINT64_MAX},
        {"1AD7F29ABCA", 16, 11, 0x1ad7f29abca},
        {"FFFFFFFFFFFFFFFFF", 16, -1, 0},
        {"00000000000000001", 16, -1, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *p = at_edge(cases[i].text, strlen(cases[i].text));
        uint64_t value;
        const char *after = scan_hex(p, edge, cases[i].most, &value);
        if (!after != (cases[i].taken < 0) || (after && after - p != cases[i].taken))
            fail_msg("\"%s\" of at most %d digits", cases[i].text, cases[i].most);
        if (after)
            assert_int_equal(value, cases[i].value);
    }
}

static void blanks_are_blanks_and_tabs(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++)
        assert_int_equal(scan_is_blank((char)c), c == ' ' || c == '\t');
    for (size_t blanks = 0; blanks < 40; blanks++)
        for (size_t more = 0; more < 10; more++) {
            char text[50];
            memset(text, ' ', blanks);
            memset(text + blanks, 'x', more);
            const char *p = at_edge(text, blanks + more);
            assert_ptr_equal(scan_blanks(p, edge), p + blanks);
            if (blanks == 0)
                continue;
            text[blanks / 2] = '\t';
            p = at_edge(text, blanks + more);
            assert_ptr_equal(scan_blanks(p, edge), p + blanks);
            text[blanks / 2] = '\v';
            p = at_edge(text, blanks + more);
            assert_ptr_equal(scan_blanks(p, edge), p + blanks / 2);
        }
}

static void a_group_ends_at_blanks_and_the_end(void **state)
{
    (void)state;
    assert_true(scan_group_ends(edge, edge));
    for (int c = 0; c < 256; c++) {
        char byte = (char)c;
        assert_int_equal(scan_group_ends(at_edge(&byte, 1), edge), c == ' ' || c == '\t');
    }
}

static void a_group_is_bytes_above_the_blank(void **state)
{
    (void)state;
    assert_null(scan_group(edge, edge));
    for (int c = 0; c < 256; c++) {
        char text[2] = {'0', (char)c};
        const char *p = at_edge(text, 2);
        assert_ptr_equal(scan_group(p, edge), c > ' ' ? edge : edge - 1);
        if (c > ' ')
            assert_ptr_equal(scan_group(edge - 1, edge), edge);
        else
            assert_null(scan_group(edge - 1, edge));
    }
    const char *p = at_edge(BYTES("(____ptrval____)"));
    assert_ptr_equal(scan_group(p, edge), edge);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(u64_up_to_its_border),
        cmocka_unit_test(u32_up_to_its_border),
        cmocka_unit_test(i32_up_to_its_borders),
        cmocka_unit_test(either32_signed_or_not),
        cmocka_unit_test(decimal_digits_are_ten_of_256),
        cmocka_unit_test(hex_digit_of_every_byte),
        cmocka_unit_test(hex8_every_byte_everywhere),
        cmocka_unit_test(hex8_every_pair_of_neighbours),
        cmocka_unit_test(hex8_random_text),
        cmocka_unit_test(hex4_every_byte_everywhere),
        cmocka_unit_test(hex_up_to_so_many_digits),
        cmocka_unit_test(blanks_are_blanks_and_tabs),
        cmocka_unit_test(a_group_ends_at_blanks_and_the_end),
        cmocka_unit_test(a_group_is_bytes_above_the_blank),
    };

    return cmocka_run_group_tests_name("scan", tests, make_edge, NULL);
}

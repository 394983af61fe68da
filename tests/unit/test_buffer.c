/*
 * Text on its way out: what is put, what is refused, and that a refusal leaves the buffer as it
 * was. The bytes of each buffer are as many as it says, so that the sanitizers see one too many.
 */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../src/buffer.h"
#include "helper.h"

static const struct sockq_buffer_calls *const calls = &sockq_buffer_calls;

static struct sockq_buffer make(uint32_t size)
{
    struct sockq_buffer buffer = {.calls = calls, .bytes = malloc(size + !size), .size = size};

    assert_non_null(buffer.bytes);
    return buffer;
}

static void holds(const struct sockq_buffer *buffer, const char *text)
{
    assert_int_equal(buffer->used, strlen(text));
    assert_memory_equal(buffer->bytes, text, strlen(text));
}

static void puts_bytes(void **state)
{
    (void)state;
    struct sockq_buffer buffer = make(11);

    assert_int_equal(calls->raw(&buffer, "abc", 3), 1);
    assert_int_equal(calls->raw(&buffer, "", 0), 1);
    assert_int_equal(calls->padded(&buffer, 2, "de", 2, 1), 1);
    holds(&buffer, "abc  de ");
    assert_int_equal(calls->raw(&buffer, "1234", 4), 0);
    assert_int_equal(calls->padded(&buffer, 2, "x", 1, 1), 0);
    holds(&buffer, "abc  de ");
    assert_int_equal(calls->padded(&buffer, 1, "x", 1, 1), 1);
    assert_int_equal(calls->raw(&buffer, "", 0), 1);
    assert_int_equal(calls->raw(&buffer, "y", 1), 0);
    holds(&buffer, "abc  de  x ");
    free(buffer.bytes);
}

static void puts_text(void **state)
{
    (void)state;
    struct sockq_buffer buffer = make(16);

    buffer.special['"'] = buffer.special[0xff] = buffer.special[0] = 1;
    assert_int_equal(calls->text(&buffer, "k=\"", 3, "va", 2, '"'), 1);
    assert_int_equal(calls->text(&buffer, ",", 1, "\x7f\xfe", 2, 0), 1);
    holds(&buffer, "k=\"va\",\x7f\xfe");
    assert_int_equal(calls->text(&buffer, "", 0, "a\"", 2, 0), 0);
    assert_int_equal(calls->text(&buffer, "", 0, "\xff", 1, 0), 0);
    assert_int_equal(calls->text(&buffer, "", 0, "a\0b", 3, 0), 0);
    holds(&buffer, "k=\"va\",\x7f\xfe");
    /* Room is asked for with a closing byte, and without. */
    assert_int_equal(calls->text(&buffer, "12345", 5, "67", 2, '"'), 0);
    assert_int_equal(calls->text(&buffer, "1234", 4, "67", 2, '"'), 1);
    assert_int_equal(buffer.used, 16);
    assert_int_equal(calls->text(&buffer, "", 0, "", 0, '"'), 0);
    assert_int_equal(calls->plain(buffer.special, "plain", 5), 1);
    assert_int_equal(calls->plain(buffer.special, "", 0), 1);
    assert_int_equal(calls->plain(buffer.special, "plain\"", 6), 0);
    assert_int_equal(calls->plain(buffer.special, "plain\"", 5), 1);
    free(buffer.bytes);
}

static void number_is(double number, const char *text)
{
    struct sockq_buffer buffer = make(64);

    assert_int_equal(calls->number(&buffer, "n=", 2, number), text ? 1 : 0);
    if (text) {
        assert_memory_equal(buffer.bytes, "n=", 2);
        buffer.bytes[buffer.used] = 0;
        assert_string_equal(buffer.bytes + 2, text);
        assert_true(strtod(buffer.bytes + 2, NULL) == number);
    } else {
        assert_int_equal(buffer.used, 0);
    }
    free(buffer.bytes);
}

static void puts_numbers(void **state)
{
    (void)state;
    number_is(0, "0");
    number_is(-0.0, "0");
    number_is(7, "7");
    number_is(-7, "-7");
    number_is(4294967295.0, "4294967295");
    number_is(9007199254740992.0, "9007199254740992");
    number_is(-9007199254740992.0, "-9007199254740992");
    number_is(9007199254740994.0, NULL);
    number_is(0.5, "0.5");
    number_is(0.01, "0.01");
    number_is(-0.01, "-0.01");
    number_is(6599.24, "6599.24");
    number_is(6599.2, "6599.2");
    number_is(59.99, "59.99");
    number_is(1.0 / 3, NULL);
    number_is(0.001, NULL);
    number_is(0.005, NULL);
    number_is(nextafter(59.99, 60), NULL);
    number_is(nextafter(59.99, 0), NULL);
    number_is(35184372088832.25, "35184372088832.25");
    number_is(70368744177664.25, NULL);
    number_is(DBL_MIN, NULL);
    number_is(DBL_MAX, NULL);
    number_is(INFINITY, NULL);
    number_is(-INFINITY, NULL);
    number_is(NAN, NULL);

    struct sockq_buffer buffer = make(20);
    assert_int_equal(calls->number(&buffer, "", 0, 1), 0);
    assert_int_equal(buffer.used, 0);
    free(buffer.bytes);
}

/* Every number of hundredths reads back, and is as short as printf's shortest that does. */
static void numbers_read_back(void **state)
{
    (void)state;
    uint64_t seed = 88172645463325252u;

    for (int i = 0; i < 200000; i++) {
        seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
        uint64_t hundredths = seed >> (18 + seed % 40);
        double number = (double)hundredths / 100;
        char want[64];
        for (int digits = 1; digits <= 17; digits++) {
            snprintf(want, sizeof(want), "%.*g", digits, number);
            if (strtod(want, NULL) == number)
                break;
        }
        struct sockq_buffer buffer = make(64);
        if (calls->number(&buffer, "", 0, number) && !strchr(want, 'e')) {
            buffer.bytes[buffer.used] = 0;
            assert_string_equal(buffer.bytes, want);
        } else {
            assert_true(number > 1e13 || strchr(want, 'e'));
        }
        free(buffer.bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(puts_bytes), cmocka_unit_test(puts_text),
                                       cmocka_unit_test(puts_numbers),
                                       cmocka_unit_test(numbers_read_back)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Which characters may be shown: every code point, every short sequence of bytes, and what is cut.
 */
#include <string.h>

#include "../../src/character.h"
#include "helper.h"

static uint32_t encode(uint32_t code, char text[4])
{
    if (code < 0x80) {
        text[0] = (char)code;
        return 1;
    }
    uint32_t size = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (uint32_t i = size - 1; i > 0; i--, code >>= 6)
        text[i] = (char)(0x80 | (code & 0x3f));
    text[0] = (char)((size == 2 ? 0xc0 : size == 3 ? 0xe0 : 0xf0) | code);
    return size;
}

/* What UnicodeData 15.1 says, in the words of its property files. */
static bool is_hidden(uint32_t code)
{
    static const uint32_t single[] = {0xad, 0x34f, 0x61c, 0x3164, 0xfeff, 0xffa0};

    for (size_t i = 0; i < sizeof(single) / sizeof(single[0]); i++)
        if (code == single[i])
            return true;
    return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x115f || code == 0x1160 ||
           code == 0x17b4 || code == 0x17b5 || (code >= 0x180b && code <= 0x180f) ||
           (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2060 && code <= 0x206f) || (code >= 0xfe00 && code <= 0xfe0f) ||
           (code >= 0xfff0 && code <= 0xfffb) || (code >= 0x1bca0 && code <= 0x1bca3) ||
           (code >= 0x1d173 && code <= 0x1d17a) || (code >= 0xe0000 && code <= 0xe0fff);
}

static void every_code_point(void **state)
{
    (void)state;
    uint32_t hidden = 0;

    for (uint32_t code = 0; code <= 0x10ffff; code++) {
        char text[4];
        uint32_t size = encode(code, text);
        int got = sockq_character(text, size);
        if (code >= 0xd800 && code <= 0xdfff) {
            assert_int_equal(got, 0);
            continue;
        }
        assert_int_equal(got < 0 ? -got : got, size);
        assert_int_equal(got < 0, is_hidden(code));
        hidden += got < 0;
        for (uint32_t cut = 1; cut < size; cut++)
            assert_int_equal(sockq_character(text, cut), 0);
    }
    assert_int_equal(hidden,
                     65 + 1 + 1 + 1 + 2 + 2 + 5 + 5 + 7 + 16 + 1 + 16 + 1 + 1 + 12 + 4 + 8 + 4096);
}

static void every_pair_of_bytes(void **state)
{
    (void)state;

    for (int a = 0; a < 256; a++)
        for (int b = 0; b < 256; b++) {
            const char text[] = {(char)a, (char)b};
            int got = sockq_character(text, 2);
            if (a < 0x80)
                assert_int_equal(got, a >= 0x20 && a < 0x7f ? 1 : -1);
            else if (a >= 0xc2 && a < 0xe0 && b >= 0x80 && b < 0xc0)
                assert_int_equal(got < 0 ? -got : got, 2);
            else
                assert_int_equal(got, 0);
        }
}

static void no_utf8(void **state)
{
    (void)state;
    static const char *const wrong[] = {"\xc0\x80",
                                        "\xc1\xbf",
                                        "\xe0\x80\x80",
                                        "\xe0\x9f\xbf",
                                        "\xed\xa0\x80",
                                        "\xed\xbf\xbf",
                                        "\xf0\x80\x80\x80",
                                        "\xf0\x8f\xbf\xbf",
                                        "\xf4\x90\x80\x80",
                                        "\xf5\x80\x80\x80",
                                        "\xf8\x88\x80\x80",
                                        "\xfe",
                                        "\xff",
                                        "\x80",
                                        "\xbf",
                                        "\xe2\x80",
                                        "\xe2(\xa1",
                                        "\xf0\x9f\x98"};

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(sockq_character(wrong[i], (uint32_t)strlen(wrong[i])), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_code_point),
                                       cmocka_unit_test(every_pair_of_bytes),
                                       cmocka_unit_test(no_utf8)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

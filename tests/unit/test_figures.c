/*
 * Numbers as text: each against what printf writes, over numbers of every size; and the lists of
 * numbers in a struct.
 */
#include <float.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../src/figures.h"
#include "helper.h"

static const struct sockq_figures *const figures = &sockq_figures;

static void same(const char *got, uint32_t length, const char *want)
{
    assert_int_equal(length, strlen(want));
    assert_memory_equal(got, want, length);
}

/* Numbers of every length: all bits, less and less of them. */
static uint64_t any(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    const uint64_t bits = *seed ^ *seed >> 29;

    return bits >> (*seed >> 58);
}

static void writes_whole_numbers(void **state)
{
    (void)state;
    uint64_t seed = 1;
    char got[32], want[32];

    for (int i = 0; i < 20000; i++) {
        const uint64_t n = i < 20 ? (uint64_t)i : i == 20 ? UINT64_MAX : any(&seed);
        const uint32_t least = (uint32_t)i % 17;
        snprintf(want, sizeof(want), "%" PRIu64, n);
        same(got, figures->decimal(got, n), want);
        snprintf(want, sizeof(want), "%" PRId64, (int64_t)n);
        same(got, figures->integer(got, (int64_t)n), want);
        snprintf(want, sizeof(want), "%0*" PRIx64, (int)least, n);
        same(got, figures->hex(got, n, least), want);
    }
    same(got, figures->integer(got, INT64_MIN), "-9223372036854775808");
    same(got, figures->port(got, 0), "*");
    same(got, figures->port(got, 65535), "65535");
    same(got, figures->hex(got, 0, 0), "0");
    same(got, figures->hex(got, 0xab, 40), "00000000000000ab");
}

static void writes_fractions(void **state)
{
    (void)state;
    uint64_t seed = 2;
    char got[400], want[400];

    for (int i = 0; i < 40000; i++) {
        const uint64_t n = i < 2000 ? (uint64_t)i : any(&seed);
        snprintf(want, sizeof(want), "%g", (double)n / 1000);
        same(got, figures->thousandth(got, n), want);
        snprintf(want, sizeof(want), "%g", (double)n / 7);
        same(got, figures->general(got, (double)n / 7), want);
    }
    same(got, figures->thousandth(got, 204500), "204.5");
    same(got, figures->thousandth(got, 123456789), "123457");
    same(got, figures->thousandth(got, 1000000000), "1e+06");
}

static void wants_rate(double number)
{
    static const char units[] = "kMGT";
    char got[400], want[400];
    double unit = 1;
    int i = -1;

    while (i < 3 && number >= unit * 1000) {
        unit *= 1000;
        i++;
    }
    if (i < 0)
        snprintf(want, sizeof(want), "%g", number);
    else
        snprintf(want, sizeof(want), "%.3g%c", number / unit, units[i]);
    same(got, figures->rate(got, number, 0), want);
    snprintf(want, sizeof(want), "%.0f", number);
    same(got, figures->rate(got, number, 1), want);
}

static void writes_rates(void **state)
{
    (void)state;
    static const double edges[] = {0,
                                   999,
                                   999.4,
                                   999.5,
                                   1000,
                                   999600000,
                                   9995,
                                   99950,
                                   999500,
                                   1005,
                                   1015,
                                   1e12,
                                   1e15 - 1,
                                   1e15,
                                   1e16,
                                   9.995e9,
                                   DBL_MAX,
                                   1e9,
                                   1234.5,
                                   99.95e6,
                                   100.5e3,
                                   1.0005e12,
                                   999.4999e3,
                                   12250,
                                   0.5,
                                   1.5,
                                   2.5,
                                   9007199254740991,
                                   9007199254740992,
                                   12350000,
                                   1.005e12,
                                   2.675e6,
                                   8.345e9,
                                   1};
    uint64_t seed = 3;

    for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++)
        wants_rate(edges[i]);
    for (int i = 0; i < 40000; i++)
        wants_rate((double)any(&seed) / (i % 3 ? 1 : 64));
    /* Every number of three and four digits: on and beside the middle between two. */
    for (int i = 1000; i < 100000; i += 5)
        wants_rate(i);
}

struct sample {
    uint8_t small;
    uint32_t word;
    uint64_t large;
    uint32_t other;
    uint32_t minus;
};

static struct sockq_figure figure(const char *lead, size_t offset, uint8_t kind)
{
    struct sockq_figure made = {.most = UINT64_MAX,
                                .offset = (uint16_t)offset,
                                .kind = kind,
                                .lead_length = (uint8_t)strlen(lead)};

    memcpy(made.lead, lead, strlen(lead));
    return made;
}

static void writes_lists(void **state)
{
    (void)state;
    struct sample sample = {.small = 255,
                            .word = 4000000000,
                            .large = 18000000000000000000u,
                            .other = 3,
                            .minus = (uint32_t)-7};
    struct sockq_figure list[] = {
        figure(" small:", offsetof(struct sample, small), SOCKQ_FIGURE_U8),
        figure(" word:", offsetof(struct sample, word), SOCKQ_FIGURE_U32),
        figure(" ms:", offsetof(struct sample, word), SOCKQ_FIGURE_MS),
        figure(" large:", offsetof(struct sample, large), SOCKQ_FIGURE_U64),
        figure(" hex:", offsetof(struct sample, large), SOCKQ_FIGURE_HEX64),
        figure(" x:", offsetof(struct sample, word), SOCKQ_FIGURE_HEX32),
        figure(" other:", offsetof(struct sample, other), SOCKQ_FIGURE_U32),
        figure(" minus:", offsetof(struct sample, minus), SOCKQ_FIGURE_I32),
    };
    enum { COUNT = sizeof(list) / sizeof(list[0]), OTHER = 6 };
    char got[512];

    same(got, figures->list(got, (const uint8_t *)&sample, list, COUNT, 0),
         " small:255 word:4000000000 ms:4e+06 large:18000000000000000000 hex:f9ccd8a1c5080000"
         " x:ee6b2800 other:3 minus:-7");
    list[OTHER].other = 3;
    same(got, figures->list(got, (const uint8_t *)&sample, list + OTHER, 1, 0), "");
    list[OTHER].other = 0;
    list[OTHER].most = 2;
    same(got, figures->list(got, (const uint8_t *)&sample, list + OTHER, 1, 0), "");
    list[OTHER].most = 3;
    same(got, figures->list(got, (const uint8_t *)&sample, list + OTHER, 1, 0), " other:3");
    sample.other = 0;
    same(got, figures->list(got, (const uint8_t *)&sample, list + OTHER, 1, 0), "");
    list[OTHER].zero = 1;
    same(got, figures->list(got, (const uint8_t *)&sample, list + OTHER, 1, 0), " other:0");
    same(got, figures->list(got, (const uint8_t *)&sample, list, 0, 0), "");
    assert_int_equal(figures->length("cubic", 16), 5);
    assert_int_equal(figures->length("cubic", 3), 3);
    assert_int_equal(figures->length("", 3), 0);
}

static void writes_256ths(void **state)
{
    (void)state;
    char got[64], want[64];
    struct sample sample = {0};
    const struct sockq_figure one = figure("", offsetof(struct sample, word), SOCKQ_FIGURE_256TH);

    for (uint32_t n = 1; n < 12 * 256; n++) {
        sample.word = n % 7 ? n : n << 20;
        snprintf(want, sizeof(want), "%g", sample.word / 256.0);
        same(got, figures->list(got, (const uint8_t *)&sample, &one, 1, 0), want);
    }
}

struct rates {
    uint8_t flags;
    uint8_t halves;
    uint32_t first;
    uint32_t second;
    uint64_t bytes;
    uint64_t part;
    uint64_t whole;
    double bits;
};

static void rates_are(const struct rates *rates, const struct sockq_figure *figure, uint32_t count,
                      int in_full, const char *want)
{
    char got[512];

    same(got, figures->list(got, (const uint8_t *)rates, figure, count, in_full), want);
}

static void writes_lists_of_two(void **state)
{
    (void)state;
    struct rates rates = {.flags = 6,
                          .halves = 0x97,
                          .first = 1,
                          .bytes = 1250000,
                          .part = 2500,
                          .whole = 10000,
                          .bits = 0.5};
    struct sockq_figure list[] = {
        figure(" two", offsetof(struct rates, flags), SOCKQ_FIGURE_LEAD),
        figure(" one", offsetof(struct rates, flags), SOCKQ_FIGURE_LEAD),
        figure(" halves:", offsetof(struct rates, halves), SOCKQ_FIGURE_NIBBLES),
        figure(" pair:", offsetof(struct rates, first), SOCKQ_FIGURE_PAIR),
        figure(" rate ", offsetof(struct rates, bytes), SOCKQ_FIGURE_BYTE_RATE),
        figure("/", offsetof(struct rates, bits), SOCKQ_FIGURE_BIT_RATE),
        figure(" for:", offsetof(struct rates, whole), SOCKQ_FIGURE_DURATION),
        figure(" part:", offsetof(struct rates, part), SOCKQ_FIGURE_SHARE),
    };
    enum { COUNT = sizeof(list) / sizeof(list[0]), PAIR = 3, RATE, BITS, WHOLE, PART };

    list[0].mask = 2;
    list[1].mask = 1;
    list[2].when = offsetof(struct rates, flags);
    list[2].mask = 4;
    list[PAIR].of = offsetof(struct rates, second);
    list[BITS].joined = 1;
    list[PART].of = offsetof(struct rates, whole);
    rates_are(&rates, list, COUNT, 0,
              " two halves:7,9 pair:1/0 rate 10Mbps/0.5bps for:10ms part:2ms(25.0%)");
    rates_are(&rates, list + RATE, 1, 1, " rate 10000000bps");
    rates.first = 0;
    rates_are(&rates, list + PAIR, 1, 0, "");
    rates.second = 4000000000;
    rates_are(&rates, list + PAIR, 1, 0, " pair:0/4000000000");
    /* What is joined goes with the one before it, also where that is not the first to be left out.
     */
    rates.bytes = 0;
    rates_are(&rates, list + RATE, 2, 0, "");
    list[RATE].joined = 1;
    rates.second = 0;
    rates_are(&rates, list + PAIR, 3, 0, "");
    rates.bits = -1;
    rates.bytes = UINT64_MAX;
    list[RATE].joined = 0;
    rates_are(&rates, list + RATE, 2, 0, " rate 1.48e+08Tbps");
    list[RATE].most = UINT64_MAX - 1;
    rates_are(&rates, list + RATE, 2, 0, "");
    rates.whole = 0;
    rates_are(&rates, list + WHOLE, 2, 0, "");
    rates.flags = 0;
    rates_are(&rates, list, 3, 0, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_whole_numbers), cmocka_unit_test(writes_fractions),
        cmocka_unit_test(writes_rates),         cmocka_unit_test(writes_lists),
        cmocka_unit_test(writes_256ths),        cmocka_unit_test(writes_lists_of_two),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

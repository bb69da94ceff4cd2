#include "tests/unit/test.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/hash.h"
#include "core/base/number.h"

static void ints_are_read(void **state)
{
    static const char *const bad[] = {"",
                                      "-",
                                      "+5",
                                      " 5",
                                      "5 ",
                                      "5.0",
                                      "1e3",
                                      "0x10",
                                      "1_000",
                                      "--5",
                                      "5-",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "18446744073709551617",
                                      "99999999999999999999",
                                      "12345678a",
                                      "1234567:",
                                      "1234/678"};
    int64_t v = 7;

    assert_true(number_parse_int(text_of("-9223372036854775808"), &v));
    assert_int_equal(v, INT64_MIN);
    assert_true(number_parse_int(text_of("9223372036854775807"), &v));
    assert_int_equal(v, INT64_MAX);
    assert_true(number_parse_int(text_of("00000000000000000000000000012"), &v));
    assert_int_equal(v, 12);
    assert_true(number_parse_int(text_of("-0"), &v));
    assert_int_equal(v, 0);
    v = 7;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (number_parse_int(text_of(bad[i]), &v) || v != 7)
            fail_msg("\"%s\" was taken", bad[i]);
    }
}

static void decimals_are_exact(void **state)
{
    static const struct {
        const char *text;
        int64_t v;
    } good[] = {
        {"57.16", 57160000},
        {"-57.16", -57160000},
        {"0", 0},
        {"-0.000000", 0},
        {".5", 500000},
        {"5.", 5000000},
        {"0.000001", 1},
        {"1.25000000000", 1250000},
        {"9223372036854.775807", INT64_MAX},
        {"-9223372036854.775808", INT64_MIN},
        {"0000000000000000000000000.1", 100000},
    };
    static const char *const bad[] = {"",     ".",     "-",         "-.",
                                      "1e3",  "1.2.3", "0.0000001", "9223372036854.775808",
                                      "1,5",  "+1",    " 1",        "-9223372036854.775809",
                                      "1.5 ", "nan",   "1.2500001", "99999999999999999999"};
    int64_t v;

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        if (!number_parse_decimal(text_of(good[i].text), '.', &v) || v != good[i].v)
            fail_msg("\"%s\"", good[i].text);
    }
    assert_true(number_parse_decimal(text_of("1,5"), ',', &v));
    assert_int_equal(v, 1500000);
    assert_false(number_parse_decimal(text_of("1.5"), ',', &v));
    v = 7;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (number_parse_decimal(text_of(bad[i]), '.', &v) || v != 7)
            fail_msg("\"%s\" was taken", bad[i]);
    }
}

static void reals_are_read(void **state)
{
    static const char *const bad[] = {"",      "nan",    "NaN",
                                      "inf",   "-inf",   "infinity",
                                      "1e999", "-1e999", "1.7976931348623159e308",
                                      "0x1p3", " 1",     "1 ",
                                      "+1",    "1e",     "1e+",
                                      ".",     "-",      "--1",
                                      "1,5",   "1d3",    "1.5f",
                                      "-.e3"};
    double v = 7;

    assert_true(number_parse_real(text_of("-1.7976931348623157e308"), '.', &v));
    assert_true(v == -0x1.fffffffffffffp1023);
    assert_true(number_parse_real(text_of("-0.0"), '.', &v));
    assert_false(signbit(v));
    assert_true(number_parse_real(text_of("1,5e2"), ',', &v));
    assert_true(v == 150);
    assert_true(number_parse_real(text_of("4.9e-324"), '.', &v));
    assert_true(v == 5e-324);
    assert_true(number_parse_real(text_of("1e-999"), '.', &v));
    assert_true(v == 0);
    /* half way between two doubles, and a digit past it */
    assert_true(number_parse_real(text_of("9007199254740993"), '.', &v));
    assert_true(v == 9007199254740992.0);
    assert_true(number_parse_real(text_of("9007199254740993.00000000000000000001"), '.', &v));
    assert_true(v == 9007199254740994.0);
    v = 7;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (number_parse_real(text_of(bad[i]), '.', &v) || v != 7)
            fail_msg("\"%s\" was taken", bad[i]);
    }
}

static void what_is_written_reads_back(void **state)
{
    char out[NUMBER_TEXT_MAX];

    for (int i = 0; i < 20000; i++) {
        uint64_t bits = hash_mix((uint64_t)i + 1);
        int64_t whole = (int64_t)(bits >> (i % 64)), got_whole;
        double real, got;
        unsigned length;

        memcpy(&real, &bits, sizeof real);
        whole = i & 1 ? -whole : whole;
        length = number_format_int(whole, out);
        assert_int_equal(length, strlen(out));
        assert_true(number_parse_int(text_of(out), &got_whole) && got_whole == whole);
        length = number_format_decimal(whole, out);
        assert_int_equal(length, strlen(out));
        assert_true(number_parse_decimal(text_of(out), '.', &got_whole) && got_whole == whole);
        if (!isfinite(real))
            continue;
        length = number_format_real(real, out);
        assert_int_equal(length, strlen(out));
        assert_true(number_parse_real(text_of(out), '.', &got) && got == real);
        assert_true(strtod(out, NULL) == real);
    }
}

static void the_shortest_form_is_written(void **state)
{
    char out[NUMBER_TEXT_MAX];

    number_format_real(0.1, out);
    assert_string_equal(out, "0.1");
    number_format_real(123456789012345680, out);
    assert_string_equal(out, "123456789012345680");
    number_format_real(880396667666666700000.0,
                       out); /* no integer of 64 bits: not written as one */
    assert_string_equal(out, "8.803966676666667e+20");
    number_format_real(5, out);
    assert_string_equal(out, "5");
    number_format_real(-2.2250738585072014e-308, out);
    assert_string_equal(out, "-2.2250738585072014e-308");
    number_format_real(-0.0, out);
    assert_string_equal(out, "0");
    number_format_decimal(57160000, out);
    assert_string_equal(out, "57.16");
    number_format_decimal(-1, out);
    assert_string_equal(out, "-0.000001");
    number_format_decimal(INT64_MIN, out);
    assert_string_equal(out, "-9223372036854.775808");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ints_are_read),
        cmocka_unit_test(decimals_are_exact),
        cmocka_unit_test(reals_are_read),
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(the_shortest_form_is_written),
    };

    return RUN(tests);
}

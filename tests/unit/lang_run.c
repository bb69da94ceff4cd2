/* Expressions and their values: operators, functions, nulls, limits of numbers. */
#include "tests/unit/test.h"

#include <stdlib.h>

#include "tests/unit/lang_fixture.h"

struct example {
    const char *source;
    uint32_t row;
    const char *expected;
};

static void check_examples(const struct example *examples, size_t count)
{
    struct fixture x;
    char got[ERROR_TEXT_MAX];
    int wrong = 0;

    fixture_init(&x);
    for (size_t i = 0; i < count; i++) {
        evaluate(&x, examples[i].source, examples[i].row, got, sizeof got);
        if (strcmp(got, examples[i].expected) != 0) {
            print_message("# %s [row %u]: expected %s, got %s\n", examples[i].source,
                          examples[i].row, examples[i].expected, got);
            wrong++;
        }
    }
    fixture_fini(&x);
    assert_int_equal(wrong, 0);
}

#define CHECK(examples) check_examples(examples, sizeof(examples) / sizeof *(examples))

static void numbers_add_and_multiply(void **state)
{
    static const struct example examples[] = {
        {"1 + 2", 0, "3"},
        {"2 * 3 + 4 * 5", 0, "26"},
        {"2 - 3 - 4", 0, "-5"},
        {"-2 * -3", 0, "6"},
        {"7 / 2", 0, "3.5"},
        {"7 % 3", 0, "1"},
        {"-7 % 3", 0, "-1"},
        {"7.5 % 2", 0, "1.5"},
        {"7 % 0", 0, "null"},
        {"7 / 0", 0, "null"},
        {"7.5 / 0", 0, "null"},
        {"n % -1", 1, "0"},
        {"n + 1", 0, "8"},
        {"n + 1", 1, "null"}, /* overflow */
        {"n * 2", 1, "null"},
        {"-n - 2", 1, "null"},
        {"-(-n - 1)", 1, "null"},
        {"abs(-n - 1)", 1, "null"},
        {"-n", 1, "-9223372036854775807"},
        {"n + amount", 0, "64.16"},
        {"n + amount", 1, "null"}, /* no such decimal */
        {"amount * amount", 0, "3267.2656"},
        {"amount * amount", 1, "null"},
        {"amount + amount", 1, "null"},
        {"amount * 0.5", 3, "0"},         /* half to even */
        {"amount * 1.5", 3, "-0.000002"}, /* half to even */
        {"0.000003 * 0.5", 0, "0.000002"},
        {"0.000005 * 0.5", 0, "0.000002"},
        {"-0.000005 * 0.5", 0, "-0.000002"},
        {"0.0000051 * 0.5", 0, "0.00000255"}, /* seven digits: real */
        {"amount / amount", 0, "1"},
        {"amount / 2", 0, "28.58"},
        {"r * 4", 0, "1"},
        {"r * 10", 1, "null"}, /* infinite */
        {"r + r", 1, "null"},
        {"r * r", 3, "0"}, /* underflow; never -0 */
        {"-r * 1e-300", 3, "0"},
        {"r * 0", 3, "0"},
        {"text(r * 0)", 3, "0"},
        {"r + amount", 0, "57.41"},
        {"n + null", 0,
         "f: 1:3: expected types that fit on both sides of +, found int, null: use "
         "\"is null\", \"is not null\" or coalesce(x, ...)"},
        {"n + 1", 2, "null"},
        {"1e308 * 10", 0, "null"},
        {"9223372036854775807", 0, "9223372036854775807"},
        {"-9223372036854775807", 0, "-9223372036854775807"},
    };

    (void)state;
    CHECK(examples);
}

static void parts_of_texts(void **state)
{
    static const struct example examples[] = {
        {"left(name, 4)", 0, "Cash"},
        {"left(name, 0)", 0, ""},
        {"left(name, 99)", 3, "caf\xc3\xa9"},
        {"left(name, -1)", 0, "null"},
        {"right(name, 1)", 3, "\xc3\xa9"},
        {"right(name, 99)", 0, "Cash Out"},
        {"right(name, 0)", 0, ""},
        {"right(name, -1)", 0, "null"},
        {"right(name, 9223372036854775807)", 3, "caf\xc3\xa9"},
        {"left(name, n)", 2, "null"},
        {"replace(name, 'Out', 'In')", 0, "Cash In"},
        {"replace(name, '', 'x')", 0, "Cash Out"},
        {"replace('aaa', 'aa', 'b')", 0, "ba"},
        {"replace('a', 'a', '')", 0, ""},
        {"replace('', 'a', 'b')", 0, ""},
        {"length(replace('aaaa', 'a', 'xx'))", 0, "8"},
        {"split_part('a--b-', '-', 1)", 0, "a"},
        {"split_part('a--b-', '-', 2)", 0, ""},
        {"split_part('a--b-', '-', 4)", 0, ""},
        {"split_part('a--b-', '-', 5)", 0, "null"},
        {"split_part('a--b-', '--', 2)", 0, "b-"},
        {"split_part('a', '', 1)", 0, "null"},
        {"split_part('a', '-', 0)", 0, "null"},
        {"split_part('', '-', 1)", 0, ""},
        {"digits(name)", 0, ""},
        {"digits('\xd9\xa1 1')", 0, "1"}, /* not those of other scripts */
        {"email_domain('a@B.c')", 0, "b.c"},
        {"email_domain('a@b@C')", 0, "c"},
        {"email_domain('@b')", 0, "null"},
        {"email_domain('a@')", 0, "null"},
        {"email_domain('@')", 0, "null"},
        {"email_domain('a')", 0, "null"},
        {"email_domain('')", 0, "null"},
        {"speed_kmh(0, 0, at, 0, 1, at)", 0, "null"},
        {"speed_kmh(0, 0, at, 0, 1, at - 1s)", 0, "null"},
        {"speed_kmh(0, 91, at, 91, 1, at + 1s)", 0, "null"},
        {"near(speed_kmh(1, 2, at, 3, 4, at + 90m), geo_km(1, 2, 3, 4) / hours(90m), 0)", 0,
         "true"},
        {"hour(at, 'Asia/Jakarta')", 0, "6"},
        {"hour(at, 'Asia/Jakarta')", 1, "null"}, /* past year 9999 */
        {"day_start(at, 'Asia/Jakarta')", 2, "null"},
    };

    (void)state;
    CHECK(examples);
}

/* A result of TEXT_MAX bytes is one, a longer one is null; so it is at every capacity. */
static void long_texts_are_null(void **state)
{
    char source[LANG_TEXT_MAX], a[1101];
    struct fixture x;
    char got[ERROR_TEXT_MAX];

    (void)state;
    fixture_init(&x);
    memset(a, 'a', 1024);
    a[1024] = 0;
    snprintf(source, sizeof source, "length(replace('%s', 'a', 'bbbb'))", a);
    evaluate(&x, source, 0, got, sizeof got);
    assert_string_equal(got, "4096");
    snprintf(source, sizeof source, "length(replace('%sa', 'a', 'bbbb'))", a);
    evaluate(&x, source, 0, got, sizeof got);
    assert_string_equal(got, "null");
    fixture_fini(&x);
}

static void times_and_durations_combine(void **state)
{
    static const struct example examples[] = {
        {"at + 1h", 0, "2018-04-02T00:30:15Z"},
        {"1h + at", 0, "2018-04-02T00:30:15Z"},
        {"at - 1h", 0, "2018-04-01T22:30:15Z"},
        {"at + 1h", 1, "null"}, /* past year 9999 */
        {"time - at", 0, "0s"},
        {"at - parse_time('2018-04-01')", 0, "84615s"},
        {"1h + 30m", 0, "90m"},
        {"wait * 2", 0, "3h"},
        {"2 * wait", 0, "3h"},
        {"wait * 0.5", 0, "45m"},
        {"0.5 * wait", 0, "45m"},
        {"wait * 5e-1", 0, "45m"},
        {"wait / 2", 0, "45m"},
        {"wait / 0", 0, "null"},
        {"wait / 30m", 0, "3"},
        {"wait * 1e300", 0, "null"},
        {"-wait", 3, "1d"},
        {"-7d", 0, "-1w"},
        {"1w", 0, "1w"},
        {"at < at + 1s", 0, "true"},
        {"wait > 1h", 0, "true"},
        {"hour(at)", 0, "23"},
        {"hour(at, '+07:00')", 0, "6"},
        {"hour(at, '-03:30')", 0, "20"},
        {"hour(at, 'UTC')", 0, "23"},
        {"hour(at, '+01:00')", 1, "null"},
        {"minute(at)", 0, "30"},
        {"second(at)", 0, "15"},
        {"hour(at)", 3, "23"}, /* before 1970 */
        {"second(at)", 3, "59"},
        {"weekday(at)", 0, "7"},
        {"weekday(at)", 3, "3"},
        {"weekday(at, '+07:00')", 0, "1"},
        {"is_weekend(at)", 0, "true"},
        {"is_weekend(at, '+07:00')", 0, "false"},
        {"day(at)", 3, "31"},
        {"month(at)", 3, "12"},
        {"year(at)", 3, "1969"},
        {"day(at)", 2, "null"},
        {"day_start(at)", 0, "2018-04-01T00:00:00Z"},
        {"day_start(at)", 3, "1969-12-31T00:00:00Z"},
        {"day_start(at, '+07:00')", 0, "2018-04-01T17:00:00Z"},
        {"date(at)", 3, "1969-12-31"},
        {"age(parse_time('1990-04-02'), at)", 0, "27"},
        {"age(parse_time('1990-04-01'), at)", 0, "28"},
        {"age(at, parse_time('1990-04-01'))", 0, "null"},
        {"hours(wait)", 0, "1.5"},
        {"days(wait)", 3, "-1"},
        {"seconds(wait)", 0, "5400"},
        {"parse_time('soon')", 0, "null"},
    };

    (void)state;
    CHECK(examples);
}

static void logic_has_three_values(void **state)
{
    static const struct example examples[] = {
        {"flag and true", 2, "null"},
        {"true and flag", 2, "null"},
        {"flag and flag", 2, "null"},
        {"flag or flag", 2, "null"},
        {"false or flag", 2, "null"},
        {"true and false", 0, "false"},
        {"false or false", 0, "false"},
        {"flag and false", 2, "false"},
        {"false and flag", 2, "false"},
        {"flag or true", 2, "true"},
        {"true or flag", 2, "true"},
        {"flag or false", 2, "null"},
        {"not flag", 2, "null"},
        {"not flag", 0, "false"},
        {"flag and flag", 0, "true"},
        {"flag is null", 2, "true"},
        {"flag is not null", 2, "false"},
        {"flag is null", 0, "false"},
        {"(flag and false) is null", 2, "false"},
        {"if(flag, 1, 2)", 0, "1"},
        {"if(flag, 1, 2)", 2, "2"},
        {"if(flag, 1, 2.5)", 0, "1"},
        {"if(flag, name, 'x')", 0, "Cash Out"},
        {"if(flag, null, 3)", 0, "null"},
        {"if(flag, 3, null)", 2, "null"},
        {"coalesce(n, 5)", 2, "5"},
        {"coalesce(n, 5)", 0, "7"},
        {"coalesce(name, null, 'none')", 2, "none"},
        {"coalesce(n, null)", 2, "null"},
        {"coalesce(null, amount, 1)", 2, "1"},
        {"true or false and false", 0, "true"},
        {"not true or true", 0, "true"},
    };

    (void)state;
    CHECK(examples);
}

static void comparisons_are_typed(void **state)
{
    static const struct example examples[] = {
        {"n = 7", 0, "true"},
        {"n != 7", 0, "false"},
        {"n = 7.0", 0, "true"},
        {"n < 7.5", 0, "true"},
        {"n >= 7", 0, "true"},
        {"n <= 6", 0, "false"},
        {"n = 7", 2, "null"},
        {"amount > 57", 0, "true"},
        {"r < amount", 0, "true"},
        {"r <= 0.25", 0, "true"},
        {"r > 0", 3, "false"},
        {"r = 0.25", 0,
         "f: 1:3: expected types that fit on both sides of =, found real, decimal: "
         "equality of reals depends on rounding, use near(a, b, tolerance)"},
        {"near(r, 0.25, 0.001)", 0, "true"},
        {"near(r, 0.5, 0.001)", 0, "false"},
        {"near(r, 0.5, -1)", 0, "null"},
        {"name = 'Cash Out'", 0, "true"},
        {"name < 'D'", 0, "true"},
        {"name >= 'D'", 0, "false"},
        {"'ab' > 'a'", 0, "true"},
        {"flag = true", 0, "true"},
        {"flag != false", 3, "false"},
        {"n in (1, 7, 3)", 0, "true"},
        {"n in (1, 3)", 0, "false"},
        {"n not in (1, 3)", 0, "true"},
        {"n in (1, 3)", 2, "null"},
        {"n not in (1, 3)", 2, "null"},
        {"n in (-7)", 3, "true"},
        {"n in (7.0, 7.5)", 0, "true"},
        {"amount in (1, 57.16)", 0, "true"},
        {"name in ('a', \"Cash Out\")", 0, "true"},
        {"wait in (1h, 90m)", 0, "true"},
        {"flag in (true)", 0, "true"},
        {"'it''s' = \"it's\"", 0, "true"},
    };

    (void)state;
    CHECK(examples);
}

static void functions_of_numbers(void **state)
{
    static const struct example examples[] = {
        {"abs(n)", 3, "7"},
        {"abs(amount)", 3, "0.000001"},
        {"abs(wait)", 3, "1d"},
        {"abs(r)", 3, "1e-300"},
        {"sign(n)", 3, "-1"},
        {"sign(r)", 3, "-1"},
        {"sign(0)", 0, "0"},
        {"round(2.5)", 0, "2"},
        {"round(3.5)", 0, "4"},
        {"round(-2.5)", 0, "-2"},
        {"round(-3.5)", 0, "-4"},
        {"round(-2.51)", 0, "-3"},
        {"round(2.5e0)", 0, "2"},
        {"round(amount, 1)", 0, "57.2"},
        {"round(amount)", 1, "9000000000000"},
        {"round(r, 1)", 0, "0.2"},
        {"round(r, 6)", 1, "1e+308"},
        {"round(n, 2)", 0, "7"},
        {"floor(-0.5)", 0, "-1"},
        {"ceil(-0.5)", 0, "0"},
        {"ceil(0.000001)", 0, "1"},
        {"floor(amount)", 3, "-1"},
        {"floor(2.7e0)", 0, "2"},
        {"ceil(n)", 0, "7"},
        {"sqrt(2.25)", 0, "1.5"},
        {"sqrt(-1)", 0, "null"},
        {"log(0)", 0, "null"},
        {"log(-1)", 0, "null"},
        {"log(exp(1))", 0, "1"},
        {"exp(1000)", 0, "null"},
        {"exp(-1000)", 0, "0"},
        {"pow(2, 0.5)", 0, "1.4142135623730951"},
        {"pow(0, -1)", 0, "null"},
        {"pow(-8, 1 / 3)", 0, "null"},
        {"clamp(n, 0, 5)", 0, "5"},
        {"clamp(n, 0, 5.5)", 0, "5.5"},
        {"clamp(n, 5, 0)", 0, "null"},
        {"clamp(r, 0, 1)", 3, "0"},
        {"least(3, 1, 2)", 0, "1"},
        {"least(n, 1)", 2, "null"},
        {"greatest(3, 1.5, r)", 0, "3"},
        {"greatest(at, parse_time('2020-01-01'))", 0, "2020-01-01T00:00:00Z"},
        {"geo_km(0, 0, 0, 180)", 0, "20015.114442035923"},
        {"geo_km(90, 0, -90, 33)", 0, "20015.114442035923"},
        {"geo_km(10, 20, 10, 20)", 0, "0"},
        {"geo_km(91, 0, 0, 0)", 0, "null"},
        {"geo_km(0, 361, 0, 0)", 0, "null"},
        {"round(geo_km(52.52, 13.405, 48.8566, 2.3522))", 0, "877"},
    };

    (void)state;
    CHECK(examples);
}

static void functions_of_text(void **state)
{
    static const struct example examples[] = {
        {"lower(name)", 0, "cash out"},
        {"upper(name)", 3, "CAF\xc3\xa9"},
        {"upper(name)", 2, "null"},
        {"length(name)", 3, "4"},
        {"length('')", 0, "0"},
        {"contains(name, 'Out')", 0, "true"},
        {"contains(name, '')", 0, "true"},
        {"contains('', 'x')", 0, "false"},
        {"starts_with(name, 'Cash')", 0, "true"},
        {"starts_with('a', 'ab')", 0, "false"},
        {"ends_with(name, 'Out')", 0, "true"},
        {"concat(name, '/', id)", 0, "Cash Out/t1"},
        {"concat(name, '/', id)", 2, "null"},
        {"substring(name, 4, 1)", 3, "\xc3\xa9"},
        {"substring(name, 6, 99)", 0, "Out"},
        {"substring(name, 99, 1)", 0, ""},
        {"substring(name, 0, 1)", 0, "null"},
        {"substring(name, 1, -1)", 0, "null"},
        {"trim('  a b ')", 0, "a b"},
        {"number('12.5')", 0, "12.5"},
        {"number(' 12')", 0, "null"},
        {"number('1e999')", 0, "null"},
        {"number('nan')", 0, "null"},
        {"text(n)", 1, "9223372036854775807"},
        {"text(amount)", 0, "57.16"},
        {"text(r)", 0, "0.25"},
        {"text(flag)", 0, "true"},
        {"text(at)", 0, "2018-04-01T23:30:15Z"},
        {"text(wait)", 0, "90m"},
        {"text(wait)", 2, "null"},
        {"length(concat(id, id, id))", 0, "6"},
    };

    (void)state;
    CHECK(examples);
}

/* concat of `parts` texts of 1,000 bytes. */
static int joined_length(const struct fixture *x, int parts, const char *more)
{
    struct frame *f = (struct frame *)&x->frame;
    static char thousand[1000];
    char source[512] = "length(concat(name", got[ERROR_TEXT_MAX];

    memset(thousand, 'a', sizeof thousand);
    f->column[6].text[0] = (struct text){thousand, sizeof thousand};
    for (int i = 1; i < parts; i++)
        strcat(source, ", name");
    snprintf(source + strlen(source), 300, ", '%s'))", more);
    evaluate(x, source, 0, got, sizeof got);
    return strcmp(got, "null") == 0 ? -1 : (int)strtol(got, NULL, 10);
}

static void a_text_over_the_limit_is_null(void **state)
{
    const char ninety_six[] = "0123456789012345678901234567890123456789012345678901234567890123"
                              "01234567890123456789012345678901";
    char source[256];
    struct fixture x;

    (void)state;
    fixture_init(&x);
    assert_int_equal(joined_length(&x, 4, ""), 4000);
    snprintf(source, sizeof source, "%.48s", ninety_six);
    assert_int_equal(joined_length(&x, 4, source), 4048);
    snprintf(source, sizeof source, "%.48s', '%s", ninety_six, ninety_six + 48);
    assert_int_equal(joined_length(&x, 4, source), TEXT_MAX);
    snprintf(source, sizeof source, "%.48s', '%s', '1", ninety_six, ninety_six + 48);
    assert_int_equal(joined_length(&x, 4, source), -1);
    fixture_fini(&x);
}

/* Whatever the batch, the bits are those of one row at a time. */
static void a_batch_gives_what_single_rows_give(void **state)
{
    static const char *const sources[] = {
        "concat(name, '-', text(amount * 2))",
        "if(flag, r / n, amount)",
        "hour(at) <= 6 or flag",
        "coalesce(n % 3, 1 + 2)",
        "wait / 3 + 1h",
        "name in ('caf\xc3\xa9')",
    };
    enum { COUNT = sizeof sources / sizeof *sources };
    struct fixture x;
    struct program *p;
    struct registers all, one;
    struct error e;
    int node[COUNT];

    (void)state;
    fixture_init(&x);
    p = fixture_program(&x);
    for (int i = 0; i < COUNT; i++) {
        char name[8];

        snprintf(name, sizeof name, "f%d", i);
        assert_true(program_add_feature(p, text_of(name), text_of(sources[i]), &node[i], &e));
    }
    program_finish(p);
    registers_init(&all, p, FIXTURE_ROWS);
    registers_init(&one, p, 1);
    registers_begin(&all, &x.frame, 0, FIXTURE_ROWS);
    program_run(p, &all, 0);
    for (uint32_t row = 0; row < FIXTURE_ROWS; row++) {
        registers_begin(&one, &x.frame, row, 1);
        program_run(p, &one, 0);
        for (int i = 0; i < COUNT; i++) {
            struct value a = column_get(&all.column[node[i]], row);
            struct value b = column_get(&one.column[node[i]], 0);

            assert_true(value_equal(&a, &b));
        }
    }
    registers_fini(&one);
    registers_fini(&all);
    program_free(p);
    fixture_fini(&x);
}

/* Fields are views of the frame, not copies. */
static void fields_are_views(void **state)
{
    struct fixture x;
    struct program *p;
    struct registers r;
    struct error e;
    int node;

    (void)state;
    fixture_init(&x);
    p = fixture_program(&x);
    assert_true(program_add_feature(p, text_of("f"), text_of("n"), &node, &e));
    program_finish(p);
    registers_init(&r, p, 2);
    registers_begin(&r, &x.frame, 1, 2);
    assert_ptr_equal(r.column[node].integer, x.frame.column[3].integer + 1);
    registers_fini(&r);
    program_free(p);
    fixture_fini(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_add_and_multiply),
        cmocka_unit_test(parts_of_texts),
        cmocka_unit_test(long_texts_are_null),
        cmocka_unit_test(times_and_durations_combine),
        cmocka_unit_test(logic_has_three_values),
        cmocka_unit_test(comparisons_are_typed),
        cmocka_unit_test(functions_of_numbers),
        cmocka_unit_test(functions_of_text),
        cmocka_unit_test(a_text_over_the_limit_is_null),
        cmocka_unit_test(a_batch_gives_what_single_rows_give),
        cmocka_unit_test(fields_are_views),
    };

    return RUN(tests);
}

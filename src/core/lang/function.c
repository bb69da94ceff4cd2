/* The tables of the language: the rows that the checker chooses from, and the words for users.
 *
 * Operators, hidden conversions and functions are all rows. Of rows of one name the cheapest fit is
 * taken (overload.c), so a row for decimals also serves ints beside decimals.
 */
#include "core/lang/kernels.h"

#include "core/base/panic.h"

#define B TYPE_BOOL
#define I TYPE_INT
#define D TYPE_DECIMAL
#define R TYPE_REAL
#define X TYPE_TEXT
#define T TYPE_TIME
#define U TYPE_DURATION
#define S PARAM_SAME
#define A PARAM_ANY

enum {
    ORDERED_WORDS = 1 << I | 1 << D | 1 << T | 1 << U,
    ALL_WORDS = ORDERED_WORDS | 1 << B,
    ALL_CELLS = ALL_WORDS | 1 << R, /* everything of 64 bits */
    ONLY_REAL = 1 << R,
    ONLY_TEXT = 1 << X,
};

#define INFIX(text, bind, left, right, result_, kernel)                                            \
    {                                                                                              \
        .name = text, .shape = SHAPE_INFIX, .binding = bind, .params = {left, right}, .count = 2,  \
        .result = result_, .run = kernel_##kernel                                                  \
    }
#define INFIX_SAME(text, types, kernel)                                                            \
    {                                                                                              \
        .name = text, .shape = SHAPE_INFIX, .binding = BIND_COMPARE, .params = {S, S}, .count = 2, \
        .result = B, .same = types, .run = kernel_##kernel                                         \
    }
#define PREFIX(text, bind, type, kernel)                                                           \
    {                                                                                              \
        .name = text, .shape = SHAPE_PREFIX, .binding = bind, .params = {type}, .count = 1,        \
        .result = type, .run = kernel_##kernel                                                     \
    }
#define HIDDEN(from, to, kernel)                                                                   \
    {                                                                                              \
        .name = "to " #to, .shape = SHAPE_HIDDEN, .binding = BIND_PRIMARY, .params = {from},       \
        .count = 1, .result = to, .run = kernel_##kernel                                           \
    }
#define CALL1(text, a, result_, kernel)                                                            \
    {                                                                                              \
        .name = text, .binding = BIND_PRIMARY, .params = {a}, .count = 1, .result = result_,       \
        .run = kernel_##kernel                                                                     \
    }
#define CALL2(text, a, b, result_, kernel)                                                         \
    {                                                                                              \
        .name = text, .binding = BIND_PRIMARY, .params = {a, b}, .count = 2, .result = result_,    \
        .run = kernel_##kernel                                                                     \
    }
#define CALL3(text, a, b, c, result_, kernel)                                                      \
    {                                                                                              \
        .name = text, .binding = BIND_PRIMARY, .params = {a, b, c}, .count = 3, .result = result_, \
        .run = kernel_##kernel                                                                     \
    }
#define CALL4(text, a, b, c, d, result_, kernel)                                                   \
    {                                                                                              \
        .name = text, .binding = BIND_PRIMARY, .params = {a, b, c, d}, .count = 4,                 \
        .result = result_, .run = kernel_##kernel                                                  \
    }
#define ZONED(text, result_, kernel)                                                               \
    {                                                                                              \
        .name = text, .binding = BIND_PRIMARY, .params = {T}, .count = 1, .result = result_,       \
        .literal = LITERAL_ZONE, .run = kernel_##kernel                                            \
    }
#define ROUNDED(type, kernel)                                                                      \
    {                                                                                              \
        .name = "round", .binding = BIND_PRIMARY, .params = {type}, .count = 1, .result = type,    \
        .literal = LITERAL_DIGITS, .run = kernel_##kernel                                          \
    }
#define CLAMPED(types, kernel)                                                                     \
    {                                                                                              \
        .name = "clamp", .binding = BIND_PRIMARY, .params = {S, S, S}, .count = 3, .result = S,    \
        .same = types, .run = kernel_##kernel                                                      \
    }
#define VARIADIC(text, types, null, kernel)                                                        \
    {                                                                                              \
        .name = text, .binding = BIND_PRIMARY, .params = {S, S}, .count = 2, .is_variadic = true,  \
        .takes_null = null, .result = S, .same = types, .run = kernel_##kernel                     \
    }
#define IF(types, kernel)                                                                          \
    {                                                                                              \
        .name = "if", .binding = BIND_PRIMARY, .params = {B, S, S}, .count = 3,                    \
        .takes_null = true, .result = S, .same = types, .run = kernel_##kernel                     \
    }

/* One row a line. */
/* clang-format off */
static const struct overload table[] = {
    INFIX("or", BIND_OR, B, B, B, or),
    INFIX("and", BIND_AND, B, B, B, and),
    PREFIX("not", BIND_NOT, B, not),
    {.name = "is null", .shape = SHAPE_IS_NULL, .binding = BIND_COMPARE, .params = {A}, .count = 1,
     .result = B, .run = kernel_is_null},
    {.name = "in", .shape = SHAPE_IN, .binding = BIND_COMPARE, .params = {S}, .count = 1,
     .result = B, .same = ALL_WORDS, .run = kernel_in_words},
    {.name = "in", .shape = SHAPE_IN, .binding = BIND_COMPARE, .params = {S}, .count = 1,
     .result = B, .same = ONLY_TEXT, .run = kernel_in_text},
    {.name = "in list", .shape = SHAPE_IN, .binding = BIND_COMPARE, .params = {S}, .count = 1,
     .result = B, .run = kernel_in_list},

    INFIX_SAME("=", ALL_WORDS, equal_words),
    INFIX_SAME("=", ONLY_TEXT, equal_text),
    INFIX_SAME("!=", ALL_WORDS, unequal_words),
    INFIX_SAME("!=", ONLY_TEXT, unequal_text),
    INFIX_SAME("<", ORDERED_WORDS, below_words),
    INFIX_SAME("<", ONLY_REAL, below_real),
    INFIX_SAME("<", ONLY_TEXT, below_text),
    INFIX_SAME("<=", ORDERED_WORDS, most_words),
    INFIX_SAME("<=", ONLY_REAL, most_real),
    INFIX_SAME("<=", ONLY_TEXT, most_text),
    INFIX_SAME(">", ORDERED_WORDS, above_words),
    INFIX_SAME(">", ONLY_REAL, above_real),
    INFIX_SAME(">", ONLY_TEXT, above_text),
    INFIX_SAME(">=", ORDERED_WORDS, least_of_words),
    INFIX_SAME(">=", ONLY_REAL, least_of_real),
    INFIX_SAME(">=", ONLY_TEXT, least_of_text),

    INFIX("+", BIND_SUM, I, I, I, add_words),
    INFIX("+", BIND_SUM, D, D, D, add_words),
    INFIX("+", BIND_SUM, R, R, R, add_real),
    INFIX("+", BIND_SUM, U, U, U, add_words),
    INFIX("+", BIND_SUM, T, U, T, add_time),
    INFIX("+", BIND_SUM, U, T, T, add_time),
    INFIX("-", BIND_SUM, I, I, I, subtract_words),
    INFIX("-", BIND_SUM, D, D, D, subtract_words),
    INFIX("-", BIND_SUM, R, R, R, subtract_real),
    INFIX("-", BIND_SUM, U, U, U, subtract_words),
    INFIX("-", BIND_SUM, T, U, T, subtract_time),
    INFIX("-", BIND_SUM, T, T, U, subtract_words),
    INFIX("*", BIND_PRODUCT, I, I, I, multiply_words),
    INFIX("*", BIND_PRODUCT, D, D, D, multiply_decimal),
    INFIX("*", BIND_PRODUCT, R, R, R, multiply_real),
    INFIX("*", BIND_PRODUCT, U, I, U, multiply_words),
    INFIX("*", BIND_PRODUCT, I, U, U, multiply_words),
    INFIX("*", BIND_PRODUCT, U, D, U, multiply_decimal),
    INFIX("*", BIND_PRODUCT, D, U, U, multiply_decimal),
    INFIX("*", BIND_PRODUCT, U, R, U, multiply_duration_real),
    INFIX("*", BIND_PRODUCT, R, U, U, multiply_real_duration),
    INFIX("/", BIND_PRODUCT, I, I, R, divide_words),
    INFIX("/", BIND_PRODUCT, D, D, R, divide_words),
    INFIX("/", BIND_PRODUCT, R, R, R, divide_real),
    INFIX("/", BIND_PRODUCT, U, U, R, divide_words),
    INFIX("/", BIND_PRODUCT, U, R, U, divide_duration_real),
    INFIX("%", BIND_PRODUCT, I, I, I, remainder_words),
    INFIX("%", BIND_PRODUCT, D, D, D, remainder_words),
    PREFIX("neg", BIND_NEGATION, I, negate_words),
    PREFIX("neg", BIND_NEGATION, D, negate_words),
    PREFIX("neg", BIND_NEGATION, U, negate_words),
    PREFIX("neg", BIND_NEGATION, R, negate_real),

    HIDDEN(I, D, int_to_decimal),
    HIDDEN(I, R, int_to_real),
    HIDDEN(D, R, decimal_to_real),

    CALL1("abs", I, I, abs_words),
    CALL1("abs", D, D, abs_words),
    CALL1("abs", U, U, abs_words),
    CALL1("abs", R, R, abs_real),
    CALL2("age", T, T, I, age),
    CALL1("ceil", I, I, same),
    CALL1("ceil", D, D, ceil_decimal),
    CALL1("ceil", R, R, ceil_real),
    CLAMPED(ORDERED_WORDS, clamp_words),
    CLAMPED(ONLY_REAL, clamp_real),
    VARIADIC("coalesce", ALL_CELLS, true, coalesce_words),
    VARIADIC("coalesce", ONLY_TEXT, true, coalesce_text),
    {.name = "concat", .binding = BIND_PRIMARY, .params = {X, X}, .count = 2, .is_variadic = true,
     .result = X, .run = kernel_concat},
    CALL2("contains", X, X, B, contains),
    ZONED("date", X, date),
    ZONED("day", I, day),
    ZONED("day_start", T, day_start),
    CALL1("days", U, R, days),
    CALL2("ends_with", X, X, B, ends_with),
    CALL1("exp", R, R, exp),
    CALL1("floor", I, I, same),
    CALL1("floor", D, D, floor_decimal),
    CALL1("floor", R, R, floor_real),
    CALL4("geo_km", R, R, R, R, R, geo_km),
    VARIADIC("greatest", ORDERED_WORDS, false, greatest_words),
    VARIADIC("greatest", ONLY_REAL, false, greatest_real),
    ZONED("hour", I, hour),
    CALL1("hours", U, R, hours),
    IF(ALL_CELLS, if_words),
    IF(ONLY_TEXT, if_text),
    ZONED("is_weekend", B, is_weekend),
    VARIADIC("least", ORDERED_WORDS, false, least_words),
    VARIADIC("least", ONLY_REAL, false, least_real),
    CALL1("length", X, I, length),
    CALL1("log", R, R, log),
    CALL1("log1p", R, R, log1p),
    CALL1("lower", X, X, lower),
    ZONED("minute", I, minute),
    CALL1("minutes", U, R, minutes),
    ZONED("month", I, month),
    CALL3("near", R, R, R, B, near),
    CALL1("number", X, R, number),
    CALL1("parse_time", X, T, parse_time),
    CALL2("pow", R, R, R, pow),
    ROUNDED(I, same),
    ROUNDED(D, round_decimal),
    ROUNDED(R, round_real),
    CALL1("second", T, I, second),
    CALL1("seconds", U, R, seconds),
    CALL1("sign", I, I, sign_words),
    CALL1("sign", D, I, sign_words),
    CALL1("sign", U, I, sign_words),
    CALL1("sign", R, I, sign_real),
    CALL1("sqrt", R, R, sqrt),
    CALL2("starts_with", X, X, B, starts_with),
    CALL3("substring", X, I, I, X, substring),
    CALL1("text", B, X, text_of_bool),
    CALL1("text", I, X, text_of_int),
    CALL1("text", D, X, text_of_decimal),
    CALL1("text", R, X, text_of_real),
    CALL1("text", T, X, text_of_time),
    CALL1("text", U, X, text_of_duration),
    CALL1("trim", X, X, trim),
    CALL1("upper", X, X, upper),
    ZONED("weekday", I, weekday),
    ZONED("year", I, year),
};

/* clang-format on */

/* Sorted by name. */
static const struct function_info infos[] = {
    {"abs", "abs(x) -> type of x", "size of a number or duration, without its sign", "abs(-2.5)",
     "2.5"},
    {"age", "age(born, at) -> int",
     "full years from one time to a later one; null where at is before born",
     "age(parse_time('2000-02-29'), parse_time('2018-02-28'))", "17"},
    {"ceil", "ceil(x) -> type of x", "the next whole number up", "ceil(2.1)", "3"},
    {"clamp", "clamp(x, low, high) -> type of x",
     "x held between two bounds; null where low is over high", "clamp(12, 0, 10)", "10"},
    {"coalesce", "coalesce(a, b, ...) -> type of a", "the first argument that is not null",
     "coalesce(null, 3)", "3"},
    {"concat", "concat(a, b, ...) -> text", "texts joined; null past 4,096 bytes",
     "concat('card', '-', '7')", "card-7"},
    {"contains", "contains(t, part) -> bool", "whether the part is somewhere in the text",
     "contains('cash out', 'out')", "true"},
    {"date", "date(time [, zone]) -> text", "the day as YYYY-MM-DD",
     "date(parse_time('2018-04-01T22:30:00Z'), '+07:00')", "2018-04-02"},
    {"day", "day(time [, zone]) -> int", "day of the month, 1 to 31",
     "day(parse_time('2018-04-01'))", "1"},
    {"day_start", "day_start(time [, zone]) -> time", "midnight at the start of the day",
     "day_start(parse_time('2018-04-01T22:30:00Z'), '+07:00')", "2018-04-01T17:00:00Z"},
    {"days", "days(duration) -> real", "the duration in days of 24 hours", "days(36h)", "1.5"},
    {"ends_with", "ends_with(t, part) -> bool", "whether the text ends with the part",
     "ends_with('a.example', '.example')", "true"},
    {"exp", "exp(x) -> real", "e to the power of x", "exp(0)", "1"},
    {"floor", "floor(x) -> type of x", "the next whole number down", "floor(-2.1)", "-3"},
    {"geo_km", "geo_km(lat1, lon1, lat2, lon2) -> real",
     "kilometres between two places in degrees, on a sphere; null past 90 or 360 degrees",
     "round(geo_km(-6.2, 106.8, 13.75, 100.5), 1)", "2324.8"},
    {"greatest", "greatest(a, b, ...) -> type of a", "the largest argument; null where one is null",
     "greatest(1, 3, 2)", "3"},
    {"hour", "hour(time [, zone]) -> int", "hour of the day, 0 to 23",
     "hour(parse_time('2018-04-01T22:30:00Z'), '+07:00')", "5"},
    {"hours", "hours(duration) -> real", "the duration in hours", "hours(90m)", "1.5"},
    {"if", "if(condition, a, b) -> type of a",
     "a where the condition is true, b where it is false or null", "if(2 > 1, 'yes', 'no')", "yes"},
    {"is_weekend", "is_weekend(time [, zone]) -> bool", "whether the day is a Saturday or a Sunday",
     "is_weekend(parse_time('2018-04-01'))", "true"},
    {"least", "least(a, b, ...) -> type of a", "the smallest argument; null where one is null",
     "least(1.5, 3)", "1.5"},
    {"length", "length(t) -> int", "number of characters", "length('caf\xc3\xa9')", "4"},
    {"log", "log(x) -> real", "natural logarithm; null for x <= 0", "log(1)", "0"},
    {"log1p", "log1p(x) -> real", "log(1 + x), exact for small x; null for x <= -1", "log1p(0)",
     "0"},
    {"lower", "lower(t) -> text", "ASCII letters made small", "lower('CASH')", "cash"},
    {"minute", "minute(time [, zone]) -> int", "minute of the hour, 0 to 59",
     "minute(parse_time('2018-04-01T22:30:00Z'))", "30"},
    {"minutes", "minutes(duration) -> real", "the duration in minutes", "minutes(90s)", "1.5"},
    {"month", "month(time [, zone]) -> int", "month of the year, 1 to 12",
     "month(parse_time('2018-04-01'))", "4"},
    {"near", "near(a, b, tolerance) -> bool",
     "whether two numbers differ by no more than the tolerance; null where it is negative",
     "near(1 / 3, 0.333, 0.001)", "true"},
    {"number", "number(t) -> real", "the number that the whole text is, or null", "number('1e3')",
     "1000"},
    {"parse_time", "parse_time(t) -> time",
     "the time that an ISO 8601 text is, UTC without an offset, or null",
     "parse_time('2018-04-01 10:00:00')", "2018-04-01T10:00:00Z"},
    {"pow", "pow(x, y) -> real", "x to the power of y", "pow(2, 10)", "1024"},
    {"round", "round(x [, digits]) -> type of x", "to 0 to 6 digits after the point, half to even",
     "round(2.345, 2)", "2.34"},
    {"second", "second(time) -> int", "second of the minute, 0 to 59",
     "second(parse_time('2018-04-01T22:30:59Z'))", "59"},
    {"seconds", "seconds(duration) -> real", "the duration in seconds", "seconds(2m)", "120"},
    {"sign", "sign(x) -> int", "-1, 0 or 1", "sign(-2.5)", "-1"},
    {"sqrt", "sqrt(x) -> real", "square root; null for x < 0", "sqrt(2.25)", "1.5"},
    {"starts_with", "starts_with(t, part) -> bool", "whether the text starts with the part",
     "starts_with('M1979', 'M')", "true"},
    {"substring", "substring(t, start, length) -> text",
     "characters from the start-th (from 1) on; null for start < 1 or length < 0",
     "substring('4929-1234', 1, 4)", "4929"},
    {"text", "text(x) -> text", "the value as text; times as RFC 3339", "text(12.50)", "12.5"},
    {"trim", "trim(t) -> text", "without white space at both ends", "trim('  cash ')", "cash"},
    {"upper", "upper(t) -> text", "ASCII letters made large", "upper('cash')", "CASH"},
    {"weekday", "weekday(time [, zone]) -> int", "1 Monday to 7 Sunday",
     "weekday(parse_time('2018-04-02'))", "1"},
    {"year", "year(time [, zone]) -> int", "the year", "year(parse_time('2018-04-01'))", "2018"},
};

#undef B
#undef I
#undef D
#undef R
#undef X
#undef T
#undef U
#undef S
#undef A

const struct overload *overload_table(size_t *count)
{
    *count = sizeof table / sizeof *table;
    return table;
}

const struct overload *overload_convert(enum type from, enum type to)
{
    size_t i = 0;

    while (i < sizeof table / sizeof *table &&
           (table[i].shape != SHAPE_HIDDEN || table[i].params[0] != from || table[i].result != to))
        i++;
    ASSERT(i < sizeof table / sizeof *table);
    return &table[i];
}

const struct overload *overload_in(enum type type)
{
    size_t i = 0;

    while (i < sizeof table / sizeof *table &&
           (table[i].shape != SHAPE_IN || !(table[i].same >> type & 1)))
        i++;
    ASSERT(i < sizeof table / sizeof *table);
    return &table[i];
}

const struct overload *overload_in_list(void)
{
    size_t i = 0;

    while (i < sizeof table / sizeof *table && table[i].run != kernel_in_list)
        i++;
    ASSERT(i < sizeof table / sizeof *table);
    return &table[i];
}

bool lang_is_in_list(const struct node *n)
{
    return n->kind == NODE_CALL && n->row->run == kernel_in_list;
}

bool function_exists(struct text name)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (text_is(name, table[i].name))
            return true;
    }
    return false;
}

const struct function_info *lang_functions(size_t *count)
{
    *count = sizeof infos / sizeof *infos;
    return infos;
}

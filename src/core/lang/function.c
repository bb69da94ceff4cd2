/* The table of the language: the rows that the checker chooses from. The words for users are in
 * function_docs.c.
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
#define PATTERNED(text, result_, kernel)                                                           \
    {                                                                                              \
        .name = text, .binding = BIND_PRIMARY, .params = {X}, .count = 1, .result = result_,       \
        .literal = LITERAL_PATTERN, .run = kernel_##kernel                                         \
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
    CALL1("digits", X, X, digits),
    CALL2("edit_distance", X, X, I, edit_distance),
    CALL1("email_domain", X, X, email_domain),
    CALL2("ends_with", X, X, B, ends_with),
    CALL1("exp", R, R, exp),
    PATTERNED("extract", X, extract),
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
    CALL2("jaro_winkler", X, X, R, jaro_winkler),
    VARIADIC("least", ORDERED_WORDS, false, least_words),
    VARIADIC("least", ONLY_REAL, false, least_real),
    CALL2("left", X, I, X, left),
    CALL1("length", X, I, length),
    CALL1("log", R, R, log),
    CALL1("log1p", R, R, log1p),
    CALL1("lower", X, X, lower),
    PATTERNED("matches", B, matches),
    ZONED("minute", I, minute),
    CALL1("minutes", U, R, minutes),
    ZONED("month", I, month),
    CALL3("near", R, R, R, B, near),
    CALL1("number", X, R, number),
    CALL1("parse_time", X, T, parse_time),
    CALL2("pow", R, R, R, pow),
    CALL3("replace", X, X, X, X, replace),
    CALL2("right", X, I, X, right),
    ROUNDED(I, same),
    ROUNDED(D, round_decimal),
    ROUNDED(R, round_real),
    CALL1("second", T, I, second),
    CALL1("seconds", U, R, seconds),
    CALL1("sign", I, I, sign_words),
    CALL1("sign", D, I, sign_words),
    CALL1("sign", U, I, sign_words),
    CALL1("sign", R, I, sign_real),
    {.name = "speed_kmh", .binding = BIND_PRIMARY, .params = {R, R, T, R, R, T}, .count = 6,
     .result = R, .run = kernel_speed_kmh},
    CALL3("split_part", X, X, I, X, split_part),
    CALL1("sqrt", R, R, sqrt),
    CALL2("starts_with", X, X, B, starts_with),
    CALL3("substring", X, I, I, X, substring),
    CALL1("text", B, X, text_of_bool),
    CALL1("text", I, X, text_of_int),
    CALL1("text", D, X, text_of_decimal),
    CALL1("text", R, X, text_of_real),
    CALL1("text", T, X, text_of_time),
    CALL1("text", U, X, text_of_duration),
    CALL2("trigram_similarity", X, X, R, trigram_similarity),
    CALL1("trim", X, X, trim),
    CALL1("upper", X, X, upper),
    ZONED("weekday", I, weekday),
    ZONED("year", I, year),
};

/* clang-format on */

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

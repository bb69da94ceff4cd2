/* The loops behind the rows of the function table. Each reads c->arg[..] and writes every row of
 * c->out; a null cell is written as 0 or "", so reading one as a number is harmless.
 *
 * To add a function: a kernel in the file of its area, its name here, its row in function.c
 * (types), its words and its example in function_docs.c, its form or its refusal in sql_scalar.c;
 * docs/functions.md is printed by `assay help functions`. */
#ifndef ASSAY_LANG_KERNELS_H
#define ASSAY_LANG_KERNELS_H

#include <math.h>

#include "core/base/calendar.h"
#include "core/lang/node.h"

/* clang-format off */
#define KERNELS(X) \
    /* convert.c */ \
    X(int_to_decimal) X(int_to_real) X(decimal_to_real) X(number) X(parse_time) \
    X(text_of_bool) X(text_of_int) X(text_of_decimal) X(text_of_real) X(text_of_time) \
    X(text_of_duration) X(date) \
    /* arith.c */ \
    X(add_words) X(subtract_words) X(multiply_words) X(remainder_words) X(negate_words) \
    X(add_real) X(subtract_real) X(multiply_real) X(divide_real) X(negate_real) \
    X(multiply_decimal) X(divide_words) X(add_time) X(subtract_time) X(multiply_duration_real) \
    X(multiply_real_duration) X(divide_duration_real) \
    /* math.c */ \
    X(same) X(abs_words) X(abs_real) X(sign_words) X(sign_real) X(round_decimal) X(round_real) \
    X(floor_decimal) X(floor_real) X(ceil_decimal) X(ceil_real) X(sqrt) X(log) X(log1p) X(exp) \
    X(pow) X(near) X(clamp_words) X(clamp_real) X(least_words) X(least_real) X(greatest_words) \
    X(greatest_real) \
    /* compare.c */ \
    X(equal_words) X(unequal_words) X(below_words) X(most_words) X(above_words) \
    X(least_of_words) X(below_real) X(most_real) X(above_real) X(least_of_real) X(equal_text) \
    X(unequal_text) X(below_text) X(most_text) X(above_text) X(least_of_text) X(in_words) \
    X(in_text) X(in_list) \
    /* logic.c */ \
    X(and) X(or) X(not) X(is_null) X(if_words) X(if_text) X(coalesce_words) X(coalesce_text) \
    /* strings.c */ \
    X(lower) X(upper) X(trim) X(length) X(contains) X(starts_with) X(ends_with) X(concat) \
    X(substring) X(left) X(right) X(replace) X(split_part) X(digits) X(email_domain) \
    /* match.c */ \
    X(matches) X(extract) \
    /* fuzzy.c */ \
    X(edit_distance) X(jaro_winkler) X(trigram_similarity) \
    /* time.c */ \
    X(hour) X(minute) X(second) X(weekday) X(is_weekend) X(day) X(month) X(year) X(day_start) \
    X(age) X(seconds) X(minutes) X(hours) X(days) \
    /* geo.c */ \
    X(geo_km) X(speed_kmh)
/* clang-format on */

#define DECLARE_KERNEL(name) void kernel_##name(const struct call *c);
KERNELS(DECLARE_KERNEL)
#undef DECLARE_KERNEL

/* The local clock of a row's time, in microseconds; false where it is null or out of range. */
static inline bool local_time(const struct call *c, uint32_t row, int64_t *local)
{
    const struct literal *l = &c->node->literal;
    int64_t t = c->arg[0]->integer[row];

    *local = t + (l->zone != NULL ? zone_offset_us(l->zone, t) : l->number);
    return !c->arg[0]->null[row] && *local >= TIME_MIN_US && *local <= TIME_MAX_US;
}

/* The one way to store a real: what is not finite is null, -0 is 0. */
static inline void store_real(double *out, uint8_t *null, uint32_t i, double v, uint8_t is_null)
{
    uint8_t bad = (uint8_t)(is_null | !(fabs(v) <= 0x1.fffffffffffffp1023));

    null[i] = bad;
    out[i] = bad ? 0 : v + 0.0;
}

static inline void store_word(int64_t *out, uint8_t *null, uint32_t i, int64_t v, uint8_t is_null)
{
    null[i] = is_null;
    out[i] = is_null ? 0 : v;
}

static inline void store_text(struct text *out, uint8_t *null, uint32_t i, struct text t,
                              bool is_null)
{
    null[i] = is_null;
    out[i] = is_null ? (struct text){"", 0} : t;
}

#endif

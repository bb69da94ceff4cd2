/* + - * / % on every type that has them. Words are int, decimal and duration; overflow is null.
 *
 * A decimal product is rounded half to even to a millionth; so is duration * real to a microsecond.
 */
#include "core/base/calendar.h"
#include "core/base/fixed.h"
#include "core/base/number.h"
#include "core/lang/kernels.h"

/* The four pointers that two columns and their result have. */
#define WORDS2                                                                                     \
    const int64_t *restrict a = c->arg[0]->integer, *restrict b = c->arg[1]->integer;              \
    const uint8_t *restrict na = c->arg[0]->null, *restrict nb = c->arg[1]->null;                  \
    int64_t *restrict out = c->out->integer;                                                       \
    uint8_t *restrict null = c->out->null;

#define OVERFLOWING(name, builtin)                                                                 \
    void kernel_##name(const struct call *c)                                                       \
    {                                                                                              \
        WORDS2                                                                                     \
                                                                                                   \
        for (uint32_t i = 0; i < c->rows; i++) {                                                   \
            int64_t v;                                                                             \
            bool over = builtin(a[i], b[i], &v);                                                   \
                                                                                                   \
            store_word(out, null, i, v, na[i] | nb[i] | over);                                     \
        }                                                                                          \
    }

OVERFLOWING(add_words, __builtin_add_overflow)
OVERFLOWING(subtract_words, __builtin_sub_overflow)
OVERFLOWING(multiply_words, __builtin_mul_overflow)

#define REAL2(name, expression)                                                                    \
    void kernel_##name(const struct call *c)                                                       \
    {                                                                                              \
        const double *restrict a = c->arg[0]->real, *restrict b = c->arg[1]->real;                 \
        const uint8_t *restrict na = c->arg[0]->null, *restrict nb = c->arg[1]->null;              \
        double *restrict out = c->out->real;                                                       \
        uint8_t *restrict null = c->out->null;                                                     \
                                                                                                   \
        for (uint32_t i = 0; i < c->rows; i++) {                                                   \
            double x = a[i], y = b[i];                                                             \
                                                                                                   \
            store_real(out, null, i, expression, na[i] | nb[i]);                                   \
        }                                                                                          \
    }

REAL2(add_real, x + y)
REAL2(subtract_real, x - y)
REAL2(multiply_real, x *y)
REAL2(divide_real, x / y) /* by 0: infinite or NaN, so null */

/* int / int, decimal / decimal and duration / duration: the units cancel. */
void kernel_divide_words(const struct call *c)
{
    const int64_t *restrict a = c->arg[0]->integer, *restrict b = c->arg[1]->integer;
    const uint8_t *restrict na = c->arg[0]->null, *restrict nb = c->arg[1]->null;
    double *restrict out = c->out->real;
    uint8_t *restrict null = c->out->null;

    for (uint32_t i = 0; i < c->rows; i++)
        store_real(out, null, i, (double)a[i] / (double)b[i], na[i] | nb[i]);
}

/* The sign is that of the left side. */
void kernel_remainder_words(const struct call *c)
{
    WORDS2

    for (uint32_t i = 0; i < c->rows; i++) {
        bool bad = b[i] == 0;
        int64_t v = bad || b[i] == -1 ? 0 : a[i] % b[i]; /* INT64_MIN % -1 traps */

        store_word(out, null, i, v, na[i] | nb[i] | bad);
    }
}

void kernel_negate_words(const struct call *c)
{
    const int64_t *restrict a = c->arg[0]->integer;
    const uint8_t *restrict na = c->arg[0]->null;

    for (uint32_t i = 0; i < c->rows; i++) {
        bool over = a[i] == INT64_MIN;

        store_word(c->out->integer, c->out->null, i, over ? 0 : -a[i], na[i] | over);
    }
}

void kernel_negate_real(const struct call *c)
{
    const double *restrict a = c->arg[0]->real;
    const uint8_t *restrict na = c->arg[0]->null;

    for (uint32_t i = 0; i < c->rows; i++)
        store_real(c->out->real, c->out->null, i, -a[i], na[i]);
}

/* product / 10^6, half to even; false past 64 bits. */
static bool round_millionths(int128 product, int64_t *v)
{
    int128 whole = product / DECIMAL_ONE;
    int64_t rest = (int64_t)(product % DECIMAL_ONE), size = rest < 0 ? -rest : rest;

    if (size > DECIMAL_ONE / 2 || (size == DECIMAL_ONE / 2 && (whole & 1) != 0))
        whole += rest < 0 ? -1 : 1;
    *v = (int64_t)whole;
    return whole == *v;
}

/* decimal * decimal, and duration * decimal either way round. */
void kernel_multiply_decimal(const struct call *c)
{
    WORDS2

    for (uint32_t i = 0; i < c->rows; i++) {
        int64_t v = 0;
        bool fits = round_millionths((int128)a[i] * b[i], &v);

        store_word(out, null, i, v, na[i] | nb[i] | !fits);
    }
}

static bool in_time(int64_t us)
{
    return us >= TIME_MIN_US && us <= TIME_MAX_US;
}

void kernel_add_time(const struct call *c)
{
    WORDS2

    for (uint32_t i = 0; i < c->rows; i++) {
        int64_t v;
        bool over = __builtin_add_overflow(a[i], b[i], &v);

        store_word(out, null, i, v, na[i] | nb[i] | over | !in_time(v));
    }
}

void kernel_subtract_time(const struct call *c)
{
    WORDS2

    for (uint32_t i = 0; i < c->rows; i++) {
        int64_t v;
        bool over = __builtin_sub_overflow(a[i], b[i], &v);

        store_word(out, null, i, v, na[i] | nb[i] | over | !in_time(v));
    }
}

/* To a whole microsecond, half to even; null past 64 bits. */
static void store_rounded(const struct call *c, uint32_t i, double us)
{
    bool fits = fabs(us) < 0x1p63;

    store_word(c->out->integer, c->out->null, i, fits ? (int64_t)rint(us) : 0,
               c->arg[0]->null[i] | c->arg[1]->null[i] | !fits);
}

void kernel_multiply_duration_real(const struct call *c)
{
    for (uint32_t i = 0; i < c->rows; i++)
        store_rounded(c, i, (double)c->arg[0]->integer[i] * c->arg[1]->real[i]);
}

void kernel_multiply_real_duration(const struct call *c)
{
    for (uint32_t i = 0; i < c->rows; i++)
        store_rounded(c, i, c->arg[0]->real[i] * (double)c->arg[1]->integer[i]);
}

void kernel_divide_duration_real(const struct call *c)
{
    for (uint32_t i = 0; i < c->rows; i++)
        store_rounded(c, i, (double)c->arg[0]->integer[i] / c->arg[1]->real[i]);
}

/* Functions of numbers. What leaves the reals (the root of -1, log of 0, overflow) is null.
 * Rounding is half to even throughout. */
#include "core/base/elementary.h"
#include "core/base/number.h"
#include "core/lang/kernels.h"

/* The value itself: round of an int. */
void kernel_same(const struct call *c)
{
    memcpy(c->out->null, c->arg[0]->null, c->rows);
    memcpy(c->out->integer, c->arg[0]->integer, c->rows * sizeof *c->out->integer);
}

#define REAL1(name, expression)                                                                    \
    void kernel_##name(const struct call *c)                                                       \
    {                                                                                              \
        const double *restrict a = c->arg[0]->real;                                                \
        const uint8_t *restrict na = c->arg[0]->null;                                              \
        double *restrict out = c->out->real;                                                       \
        uint8_t *restrict null = c->out->null;                                                     \
                                                                                                   \
        for (uint32_t i = 0; i < c->rows; i++) {                                                   \
            double x = a[i];                                                                       \
                                                                                                   \
            store_real(out, null, i, expression, na[i]);                                           \
        }                                                                                          \
    }

REAL1(abs_real, fabs(x))
REAL1(floor_real, floor(x))
REAL1(ceil_real, ceil(x))
REAL1(sqrt, sqrt(x))
REAL1(log, em_log(x))
REAL1(log1p, em_log1p(x))
REAL1(exp, em_exp(x))

void kernel_pow(const struct call *c)
{
    for (uint32_t i = 0; i < c->rows; i++)
        store_real(c->out->real, c->out->null, i, em_pow(c->arg[0]->real[i], c->arg[1]->real[i]),
                   c->arg[0]->null[i] | c->arg[1]->null[i]);
}

/* Past 2^53 / 10^digits a real has no such digits: it is its own rounding. */
void kernel_round_real(const struct call *c)
{
    static const double powers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
    double power = powers[c->node->literal.number];

    for (uint32_t i = 0; i < c->rows; i++) {
        double x = c->arg[0]->real[i], scaled = x * power;

        store_real(c->out->real, c->out->null, i, fabs(scaled) < 0x1p52 ? rint(scaled) / power : x,
                   c->arg[0]->null[i]);
    }
}

void kernel_abs_words(const struct call *c)
{
    const int64_t *a = c->arg[0]->integer;

    for (uint32_t i = 0; i < c->rows; i++) {
        bool over = a[i] == INT64_MIN;

        store_word(c->out->integer, c->out->null, i,
                   over       ? 0
                   : a[i] < 0 ? -a[i]
                              : a[i],
                   c->arg[0]->null[i] | over);
    }
}

void kernel_sign_words(const struct call *c)
{
    const int64_t *a = c->arg[0]->integer;

    for (uint32_t i = 0; i < c->rows; i++)
        store_word(c->out->integer, c->out->null, i, (a[i] > 0) - (a[i] < 0), c->arg[0]->null[i]);
}

void kernel_sign_real(const struct call *c)
{
    const double *a = c->arg[0]->real;

    for (uint32_t i = 0; i < c->rows; i++)
        store_word(c->out->integer, c->out->null, i, (a[i] > 0) - (a[i] < 0), c->arg[0]->null[i]);
}

enum direction { TO_EVEN, DOWN, UP };

/* v to a multiple of unit; null where that leaves 64 bits. */
static void round_words(const struct call *c, int64_t unit, enum direction direction)
{
    const int64_t *a = c->arg[0]->integer;

    for (uint32_t i = 0; i < c->rows; i++) {
        int64_t rest = a[i] % unit, low, v;
        bool up, over;

        rest += rest < 0 ? unit : 0; /* from the multiple below */
        over = __builtin_sub_overflow(a[i], rest, &low);
        up = direction == UP
                 ? rest > 0
                 : direction == TO_EVEN &&
                       (rest > unit - rest || (rest == unit - rest && low / unit % 2 != 0));
        over |= __builtin_add_overflow(low, up ? unit : 0, &v);
        store_word(c->out->integer, c->out->null, i, v, c->arg[0]->null[i] | over);
    }
}

void kernel_round_decimal(const struct call *c)
{
    int64_t unit = DECIMAL_ONE;

    for (int64_t digits = c->node->literal.number; digits > 0; digits--)
        unit /= 10;
    round_words(c, unit, TO_EVEN);
}

void kernel_floor_decimal(const struct call *c)
{
    round_words(c, DECIMAL_ONE, DOWN);
}

void kernel_ceil_decimal(const struct call *c)
{
    round_words(c, DECIMAL_ONE, UP);
}

/* near(a, b, tolerance): a negative tolerance is a domain error. */
void kernel_near(const struct call *c)
{
    const double *a = c->arg[0]->real, *b = c->arg[1]->real, *t = c->arg[2]->real;

    for (uint32_t i = 0; i < c->rows; i++) {
        uint8_t null = c->arg[0]->null[i] | c->arg[1]->null[i] | c->arg[2]->null[i] | (t[i] < 0);

        store_word(c->out->integer, c->out->null, i, fabs(a[i] - b[i]) <= t[i], null);
    }
}

/* clamp(x, low, high): bounds the wrong way round are a domain error. */
#define CLAMP(name, member, store)                                                                 \
    void kernel_##name(const struct call *c)                                                       \
    {                                                                                              \
        const struct column *x = c->arg[0], *low = c->arg[1], *high = c->arg[2];                   \
                                                                                                   \
        for (uint32_t i = 0; i < c->rows; i++) {                                                   \
            uint8_t null = x->null[i] | low->null[i] | high->null[i];                              \
                                                                                                   \
            null |= low->member[i] > high->member[i];                                              \
            store(c->out->member, c->out->null, i,                                                 \
                  x->member[i]<low->member[i] ? low->member[i] : x->member[i]> high->member[i]     \
                      ? high->member[i]                                                            \
                      : x->member[i],                                                              \
                  null);                                                                           \
        }                                                                                          \
    }

CLAMP(clamp_words, integer, store_word)
CLAMP(clamp_real, real, store_real)

/* least and greatest of all arguments; one null makes null. */
#define EXTREME(name, member, order, store)                                                        \
    void kernel_##name(const struct call *c)                                                       \
    {                                                                                              \
        for (uint32_t i = 0; i < c->rows; i++) {                                                   \
            __typeof__(*c->out->member) best = c->arg[0]->member[i];                               \
            uint8_t null = c->arg[0]->null[i];                                                     \
                                                                                                   \
            for (uint32_t j = 1; j < c->count; j++) {                                              \
                if (c->arg[j]->member[i] order best)                                               \
                    best = c->arg[j]->member[i];                                                   \
                null |= c->arg[j]->null[i];                                                        \
            }                                                                                      \
            store(c->out->member, c->out->null, i, best, null);                                    \
        }                                                                                          \
    }

EXTREME(least_words, integer, <, store_word)
EXTREME(least_real, real, <, store_real)
EXTREME(greatest_words, integer, >, store_word)
EXTREME(greatest_real, real, >, store_real)

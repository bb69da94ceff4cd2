/* Radix sort from the least significant byte; bytes that all keys share are skipped, which for
 * probabilities and day numbers is most of them. */
#include "core/stats/order.h"

#include <math.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/panic.h"

enum { DIGITS = 8, DIGIT_VALUES = 256 };

uint64_t order_key(double v)
{
    uint64_t bits;

    ASSERT(isfinite(v));
    v += 0.0; /* -0 becomes 0 */
    memcpy(&bits, &v, sizeof bits);
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static double order_unkey(uint64_t key)
{
    uint64_t bits = key >> 63 ? key & ~(UINT64_C(1) << 63) : ~key;
    double v;

    memcpy(&v, &bits, sizeof v);
    return v;
}

struct radix {
    uint32_t count[DIGITS][DIGIT_VALUES];
};

static void radix_count(struct radix *r, const uint64_t *key, uint32_t rows)
{
    memset(r, 0, sizeof *r);
    for (uint32_t i = 0; i < rows; i++)
        for (unsigned d = 0; d < DIGITS; d++)
            r->count[d][key[i] >> (8 * d) & 0xff]++;
}

/* Whether every key has the same byte d. */
static bool radix_is_constant(const struct radix *r, unsigned d, uint64_t any_key, uint32_t rows)
{
    return r->count[d][any_key >> (8 * d) & 0xff] == rows;
}

static void radix_starts(uint32_t count[DIGIT_VALUES])
{
    uint32_t start = 0;

    for (unsigned v = 0; v < DIGIT_VALUES; v++) {
        uint32_t here = count[v];

        count[v] = start;
        start += here;
    }
}

void order_by(const uint64_t *key, uint32_t rows, uint32_t *order)
{
    struct radix r;
    uint32_t *from = order, *spare, *to;

    if (rows < 2)
        return;
    spare = to = mem_array(rows, sizeof *to);
    radix_count(&r, key, rows);
    for (unsigned d = 0; d < DIGITS; d++) {
        uint32_t *swap = from;

        if (radix_is_constant(&r, d, key[0], rows))
            continue;
        radix_starts(r.count[d]);
        for (uint32_t i = 0; i < rows; i++)
            to[r.count[d][key[from[i]] >> (8 * d) & 0xff]++] = from[i];
        from = to;
        to = swap;
    }
    if (from != order)
        memcpy(order, from, rows * sizeof *order);
    mem_free(spare);
}

void order_descending(const double *score, uint32_t rows, uint32_t *order)
{
    uint64_t *key = mem_array(rows, sizeof *key);

    for (uint32_t i = 0; i < rows; i++) {
        key[i] = ~order_key(score[i]);
        order[i] = i;
    }
    order_by(key, rows, order);
    mem_free(key);
}

/* The keys themselves are moved: no order to follow. */
static void sort_keys(uint64_t *key, uint32_t count)
{
    struct radix r;
    uint64_t *from = key, *spare, *to;

    spare = to = mem_array(count, sizeof *to);
    radix_count(&r, key, count);
    for (unsigned d = 0; d < DIGITS; d++) {
        uint64_t *swap = from;

        if (radix_is_constant(&r, d, key[0], count))
            continue;
        radix_starts(r.count[d]);
        for (uint32_t i = 0; i < count; i++)
            to[r.count[d][from[i] >> (8 * d) & 0xff]++] = from[i];
        from = to;
        to = swap;
    }
    if (from != key)
        memcpy(key, from, count * sizeof *key);
    mem_free(spare);
}

void order_values(double *values, uint32_t count)
{
    uint64_t *key;

    if (count < 2)
        return;
    key = mem_array(count, sizeof *key);
    for (uint32_t i = 0; i < count; i++)
        key[i] = order_key(values[i]);
    sort_keys(key, count);
    for (uint32_t i = 0; i < count; i++)
        values[i] = order_unkey(key[i]);
    mem_free(key);
}

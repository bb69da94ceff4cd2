#include "core/velocity/hyperloglog.h"

#include <math.h>
#include <string.h>

#include "core/base/panic.h"

enum {
    PREFIX_BITS = 26,
    REST_BITS = 64 - PREFIX_BITS,
    PLACE_BITS = 6,
    MIDDLE_BITS = PREFIX_BITS - HLL_REGISTERS_LOG,
    PLACE_MAX = MIDDLE_BITS + REST_BITS, /* one place further has no room and hardly a chance */
    FIRST_LOG = 3,
    LAST_LOG = 8, /* its table is as large as the registers */
};

_Static_assert(4 << LAST_LOG == HLL_BYTES_MAX, "registers take the place of the last table");
_Static_assert(3 << LAST_LOG == HLL_EXACT_MAX * 4, "the last table is used up to 3/4");

/* 1 / (2 ln 2): of infinitely many registers, as Ertl's estimator wants it for any number. */
static const double alpha = 0.72134752044448170368;

static bool is_sparse(const struct hll *h)
{
    return h->sum == 0;
}

/* Place of the first 1 among the last `bits` bits of x, from 1; bits + 1 where there is none. */
static uint32_t first_one(uint64_t x, int bits)
{
    return x == 0 ? (uint32_t)bits + 1 : (uint32_t)(__builtin_clzll(x) - (64 - bits)) + 1;
}

/* Never 0: places begin with 1. */
uint32_t hll_token(uint64_t hash)
{
    uint32_t place = first_one(hash & ((UINT64_C(1) << REST_BITS) - 1), REST_BITS);

    if (place > REST_BITS)
        place = REST_BITS;
    return (uint32_t)(hash >> REST_BITS) << PLACE_BITS | place;
}

static uint32_t register_of(uint32_t token)
{
    return token >> (PLACE_BITS + MIDDLE_BITS);
}

static uint8_t place_of(uint32_t token)
{
    uint32_t middle = token >> PLACE_BITS & ((1u << MIDDLE_BITS) - 1);

    if (middle != 0)
        return (uint8_t)first_one(middle, MIDDLE_BITS);
    return (uint8_t)(MIDDLE_BITS + (token & ((1u << PLACE_BITS) - 1)));
}

size_t hll_bytes(const struct hll *h)
{
    return h->table_log == 0 ? 0 : (size_t)4 << h->table_log;
}

/* Where the token is, or the empty word where it goes. */
static uint32_t table_at(const uint32_t *table, uint32_t log, uint32_t token)
{
    uint32_t mask = (1u << log) - 1, at = token >> PLACE_BITS & mask;

    while (table[at] != 0 && table[at] != token)
        at = (at + 1) & mask;
    return at;
}

bool hll_has(const struct hll *h, const void *memory, uint32_t token)
{
    const uint32_t *table = memory;
    const uint8_t *registers = memory;

    if (h->table_log == 0)
        return false;
    if (is_sparse(h))
        return table[table_at(table, h->table_log, token)] == token;
    return registers[register_of(token)] >= place_of(token);
}

bool hll_must_grow(const struct hll *h)
{
    return h->table_log == 0 || (h->table_log < LAST_LOG && h->used + 1 > 3u << h->table_log >> 2);
}

struct hll hll_larger(const struct hll *h)
{
    struct hll larger = *h;

    larger.table_log = h->table_log == 0 ? FIRST_LOG : h->table_log + 1;
    return larger;
}

void hll_grow(struct hll *h, const void *memory, const struct hll *larger, void *to)
{
    const uint32_t *from = memory;
    uint32_t *table = to;

    ASSERT(is_sparse(h));
    for (uint32_t i = 0; h->table_log > 0 && i < 1u << h->table_log; i++) {
        if (from[i] != 0)
            table[table_at(table, larger->table_log, from[i])] = from[i];
    }
    *h = *larger;
}

static uint64_t share_of(uint8_t place)
{
    return UINT64_C(1) << (PLACE_MAX - place);
}

static void raise(struct hll *h, uint8_t *registers, uint32_t token)
{
    uint8_t *r = &registers[register_of(token)], place = place_of(token);

    if (*r >= place)
        return;
    if (*r == 0)
        h->used++;
    else
        h->sum -= share_of(*r);
    h->sum += share_of(place);
    *r = place;
}

/* From the last table to registers in the same memory. */
static void make_dense(struct hll *h, void *memory)
{
    uint32_t table[1 << LAST_LOG];

    memcpy(table, memory, sizeof table);
    memset(memory, 0, HLL_BYTES_MAX);
    h->used = 0;
    for (uint32_t i = 0; i < 1 << LAST_LOG; i++) {
        if (table[i] != 0)
            raise(h, memory, table[i]);
    }
}

void hll_add(struct hll *h, void *memory, uint32_t token)
{
    uint32_t *table = memory, at;

    if (is_sparse(h)) {
        at = table_at(table, h->table_log, token);
        if (table[at] == token)
            return;
        if (h->used < HLL_EXACT_MAX) {
            table[at] = token;
            h->used++;
            return;
        }
        make_dense(h, memory);
    }
    raise(h, memory, token);
}

/* x + sum of x^(2^k) * 2^(k-1) over k from 1 on, for x < 1: the share of the registers at 0. */
static double sigma(double x)
{
    double power = 1, sum = x, before;

    do {
        before = sum;
        x *= x;
        sum += x * power;
        power += power;
    } while (sum != before);
    return sum;
}

uint64_t hll_count(const struct hll *h)
{
    const double m = HLL_REGISTERS;
    double zeros = (HLL_REGISTERS - h->used) / m, z;

    if (is_sparse(h))
        return h->used;
    z = (double)h->sum / (double)(UINT64_C(1) << PLACE_MAX) + m * sigma(zeros);
    return (uint64_t)rint(alpha * m * m / z);
}

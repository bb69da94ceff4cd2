/* xoshiro256** of Blackman and Vigna (2018), seeded through hash_mix. */
#include "core/base/random.h"

#include <math.h>

#include "core/base/elementary.h"
#include "core/base/hash.h"
#include "core/base/panic.h"

static const uint64_t golden = 0x9e3779b97f4a7c15u;

void random_init(struct random *r, uint64_t seed)
{
    for (unsigned i = 0; i < 4; i++)
        r->state[i] = hash_mix(seed + (i + 1) * golden);
}

static uint64_t rotate(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

uint64_t random_u64(struct random *r)
{
    uint64_t *s = r->state;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

double random_real(struct random *r)
{
    return (double)(random_u64(r) >> 11) * 0x1p-53;
}

/* Multiply and reject (Lemire, "Fast random integer generation in an interval", 2019). */
uint64_t random_below(struct random *r, uint64_t bound)
{
    unsigned __int128 product;

    ASSERT(bound > 0);
    product = (unsigned __int128)random_u64(r) * bound;
    if ((uint64_t)product < bound) {
        uint64_t least = -bound % bound;

        while ((uint64_t)product < least)
            product = (unsigned __int128)random_u64(r) * bound;
    }
    return (uint64_t)(product >> 64);
}

/* Marsaglia's polar method; the second number is thrown away to keep the state plain. */
double random_normal(struct random *r)
{
    for (;;) {
        double x = 2 * random_real(r) - 1, y = 2 * random_real(r) - 1;
        double s = x * x + y * y;

        if (s > 0 && s < 1)
            return x * sqrt(-2 * em_log(s) / s);
    }
}

/* Inversion by products (Knuth, TAOCP 2, 3.4.1). */
uint32_t random_poisson(struct random *r, double mean)
{
    double least = em_exp(-mean), product = random_real(r);
    uint32_t n = 0;

    ASSERT(mean >= 0 && mean <= 500);
    while (product > least) {
        product *= random_real(r);
        n++;
    }
    return n;
}

uint64_t random_at(uint64_t seed, uint64_t stream, uint64_t counter)
{
    return hash_mix(hash_mix(hash_mix(seed + golden) + stream * golden) + counter * golden);
}

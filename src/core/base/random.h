/* Seeded random numbers, the same on every machine.
 *
 * Two forms: a stream (xoshiro256**, for generators and shuffles) and a counter (for parallel
 * work: the value depends only on seed, stream and counter, never on the order of the calls, so
 * the number of threads cannot change a result). */
#ifndef ASSAY_BASE_RANDOM_H
#define ASSAY_BASE_RANDOM_H

#include <stdint.h>

struct random {
    uint64_t state[4];
};

void random_init(struct random *r, uint64_t seed);
uint64_t random_u64(struct random *r);
double random_real(struct random *r);                    /* [0, 1), 53 bits */
uint64_t random_below(struct random *r, uint64_t bound); /* [0, bound), unbiased; bound > 0 */
double random_normal(struct random *r);                  /* mean 0, deviation 1 */
uint32_t random_poisson(struct random *r, double mean);  /* mean <= 500 */

uint64_t random_at(uint64_t seed, uint64_t stream, uint64_t counter);

#endif

/* Decayed counts and sums: each event weighs 2^(-age / half-life).
 *
 * To be exact and free of order the weight is a product of integers. An event's time is k
 * half-lives and a rest r (its octave k counted from 1970), its amount x * f(r) * 2^k with the
 * mantissa
 *
 *     f(r) = 2^31 * 2^(r / half-life), rounded to a whole number,
 *
 * so that sums of amounts are sums of integers. 64 octaves are an epoch, and each epoch has one sum
 * of 192 bits. Read as of T, of octave K and rest R, it is the sums of T's epoch and the one
 * before, divided by f(R) * 2^K, rounded once: older events, at least 64 half-lives before T, count
 * as 0 by definition. A weight differs from the true power of two by less than one part in 2^30.
 *
 * A ring of epochs stands at each cursor that a decayed aggregate needs, long enough for what a
 * late row may look back to. A sum per octave was rejected: 1 KiB for each entity instead of 64
 * bytes.
 *
 * Private to velocity/. */
#ifndef ASSAY_VELOCITY_DECAY_H
#define ASSAY_VELOCITY_DECAY_H

#include "core/velocity/entity.h"

enum { DECAY_EPOCHS_MAX = 64 };

/* Epochs that are kept, where rows may be late by so much. */
uint64_t decay_epochs(int64_t half_life_us, int64_t lateness_us);
/* Bytes of a ring. */
size_t decay_ring_bytes(uint32_t epochs);
/* After so long an event counts as 0. */
int64_t decay_end_us(int64_t half_life_us);
/* Add (sign 1) or take back (sign -1) the amount of an event that passes the term's test. */
void decay_move(const struct term *t, struct entity *state, const uint8_t *event, int sign);
void decay_read(const struct velocity *v, const struct group *g, const struct read *a,
                const struct entity *state, struct column *c);

#endif

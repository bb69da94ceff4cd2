/* How often each value occurs in a window, for mode and entropy.
 *
 * The occurrences of a value in a window are a stretch of the chain that unique.h links. Its newest
 * event holds how many they are, all others hold 0, and the newest and the oldest each hold how far
 * away the other is. So an event enters or leaves a window at either end in a few steps, however
 * often its value occurs. Above the counts stands a tree as in range.h: the event with the largest
 * count, the newest of several. Entropy's sum of c log2 c is kept beside, in whole units of 2^-46,
 * so that it does not depend on the order of moves.
 *
 * The counts are in the events, not in the head: a read that must not change anything moves the
 * windows of the entity itself and then back (velocity.c), which is exact.
 *
 * Private to velocity/. */
#ifndef ASSAY_VELOCITY_FREQUENCY_H
#define ASSAY_VELOCITY_FREQUENCY_H

#include "core/velocity/entity.h"

/* Event `i` was appended or put in: it is in no window yet. */
void frequency_init(const struct group *g, const struct frequency *t, struct entity *e, uint32_t i);
/* A cursor of the window passed event `i`: the head where `is_head`, forward where sign is 1. */
void frequency_pass(const struct group *g, const struct frequency *t, struct entity *e, uint32_t i,
                    bool is_head, int sign);
/* Event `i` was put in before others, and cursors moved: before it enters the window. */
void frequency_shift(const struct group *g, const struct frequency *t, struct entity *e,
                     uint32_t i);
/* Event `i`, put in among others, enters the window where it lies in it. */
void frequency_insert(const struct group *g, const struct frequency *t, struct entity *e,
                      uint32_t i);
/* Event `first` leaves the window where it lies in it. */
void frequency_forget(const struct group *g, const struct frequency *t, struct entity *e);
/* Events are at new indices. */
void frequency_rebuild(const struct group *g, const struct frequency *t, struct entity *e,
                       uint32_t from);
void frequency_read(const struct velocity *v, const struct group *g, const struct read *a,
                    const struct entity *e, struct registers *r, struct column *c);

#endif

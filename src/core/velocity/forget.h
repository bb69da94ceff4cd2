/* Which entities were evicted: so that a result that lacks their events can say so.
 *
 * A group keeps a set of the tokens that it evicted, as two Bloom filters (Bloom 1970; each token's
 * bits in one line of 64 bytes) of a fixed size. It is one-sided: what was evicted is always found;
 * what was not may be found too: of small entities one in two hundred while no more were evicted
 * than the group holds, one in twenty at twice as many, one in four at four times, most from ten
 * times on. With two generations it does not fill up for ever: once the windows cannot reach back
 * to what the older one holds, it is emptied. A group with an unbounded aggregate keeps all.
 *
 * An entity that comes back is marked with the watermark of that moment, and an entity whose oldest
 * events were dropped for want of room with the time of the newest of these: its windows lack
 * events for as long as they reach behind that time.
 *
 * Private to velocity/. */
#ifndef ASSAY_VELOCITY_FORGET_H
#define ASSAY_VELOCITY_FORGET_H

#include "core/velocity/entity.h"

enum { FORGET_PART = 32 /* of a group's budget for both filters */ };

/* What both filters of a group take; set aside from the budget from the start. */
size_t forget_bytes(const struct velocity *v);
void forget_add(struct velocity *v, uint32_t group, struct hash128 token);
bool forget_has(const struct velocity *v, uint32_t group, struct hash128 token);
/* Now and then, with the watermark: what no window can reach any more goes. */
void forget_turn(struct velocity *v, uint32_t group, int64_t watermark_us);

/* Of a new entity: until when it may lack events; INT64_MIN: it lacks none. */
int64_t forget_until(const struct velocity *v, uint32_t group, struct hash128 token,
                     int64_t watermark_us);

#endif

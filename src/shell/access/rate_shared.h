/* Rates of several nodes together: the buckets of rate.h in Redis, by its clock, each request one
 * script. Any thread; it waits for Redis, at most redis.timeout_ms, and where Redis does not answer
 * says so, for the node's own bucket to take its place. */
#ifndef ASSAY_ACCESS_RATE_SHARED_H
#define ASSAY_ACCESS_RATE_SHARED_H

#include "shell/access/rate.h"

struct rate_shared;

struct rate_shared_counts {
    uint64_t asked;  /* requests counted in Redis */
    uint64_t missed; /* and those for which it did not answer */
};

/* NULL in *r where the settings share no rates. */
bool rate_shared_open(const struct settings *s, struct rate_shared **r, struct error *e) MUST_USE;
void rate_shared_close(struct rate_shared *r); /* takes NULL */
/* `kind` tells buckets of one caller apart; the bucket has `limit` requests of step_us each. False:
 * Redis is away. */
bool rate_shared_take(struct rate_shared *r, const char *kind, struct text who, uint32_t limit,
                      int64_t step_us, struct rate_answer *a) MUST_USE;
void rate_shared_count(const struct rate_shared *r, struct rate_shared_counts *c); /* takes NULL */

#endif

/* How often one caller may ask: a token bucket for each key, user and address, of `limit` requests
 * that fill again over `period`. A bucket is one number, the time at which it will be full
 * (GCRA), in a table of fixed size without a lock: where more callers than RATE_ROOM are busy at
 * once, some share a bucket. */
#ifndef ASSAY_ACCESS_RATE_H
#define ASSAY_ACCESS_RATE_H

#include "core/base/text.h"
#include "shell/settings/settings.h"

enum { RATE_ROOM = 1 << 16 };

struct rate_answer {
    unsigned limit; /* 0: there is none */
    unsigned remaining;
    unsigned reset_s; /* until it is full again */
    unsigned wait_s;  /* not 0: refused, come back then */
};

struct rate;
struct rate_shared;
struct rate *rate_new(const struct rate_setting *setting); /* limit 0: nothing is held */
/* From here on the buckets are those of all nodes, under that name; NULL: its own. Its own while
 * Redis is away. */
void rate_share(struct rate *r, struct rate_shared *shared, const char *kind);
void rate_free(struct rate *r);
struct rate_answer rate_take(struct rate *r, struct text who, int64_t now_us);

#endif

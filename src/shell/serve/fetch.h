/* Between the requests and the shard, where the plan shares windows in Redis: one thread takes the
 * events that wait, asks Redis for all of them at once, writes what it said into their bytes, and
 * gives them to the shard in their order. I/O threads and the engine never wait for Redis.
 *
 * Without shared windows nothing of this is there: submissions go to the shard. */
#ifndef ASSAY_SERVE_FETCH_H
#define ASSAY_SERVE_FETCH_H

#include "shell/run/shard.h"
#include "shell/run/shared.h"

struct fetch;

struct fetch_options {
    const struct settings *settings;
    struct shard *shard;
    uint32_t queue; /* events that wait, at most */
    /* The plan by which requests are read now; a reference. */
    struct plan *(*plan)(void *context);
    void *context;
};

/* *f stays NULL where the settings share nothing. */
bool fetch_start(const struct fetch_options *o, struct fetch **f, struct error *e) MUST_USE;
/* Takes NULL. What still waits goes to the shard first. */
void fetch_stop(struct fetch *f);
/* As shard_submit; decisions and dry runs by way of Redis where `f` is not NULL. */
bool fetch_submit(struct fetch *f, struct shard *s, struct submission *sub) MUST_USE;
const struct shared_counts *fetch_counts(const struct fetch *f); /* NULL: there are none */

#endif

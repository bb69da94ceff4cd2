/* Single messages of a topic by their offsets: events that were decided long ago. Neighbours come
 * with one answer of the broker, so asking in the order of offsets is cheap. One thread. */
#ifndef ASSAY_STREAM_LOOKBACK_H
#define ASSAY_STREAM_LOOKBACK_H

#include "shell/link/kafka.h"

struct lookback;

/* Options and topic outlive it. No connection is made before the first question. */
struct lookback *lookback_new(const struct kafka_options *o, const char *topic);
void lookback_free(struct lookback *l); /* takes NULL */
/* Borrowed until the next call. ERROR_NOT_FOUND: the topic no longer has it. */
bool lookback_get(struct lookback *l, int32_t partition, int64_t offset,
                  const struct kafka_message **m, struct error *e) MUST_USE;

#endif

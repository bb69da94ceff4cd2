/* The id of an event as text: how the log, the store and the index of ids know it. */
#ifndef ASSAY_RUN_EVENT_ID_H
#define ASSAY_RUN_EVENT_ID_H

#include "core/base/buffer.h"
#include "core/data/frame.h"

/* Appends the id of the row and returns true; false where the event has none. */
bool event_id_text(const struct schema *s, const struct frame *f, uint32_t row,
                   struct buffer *out) MUST_USE;

/* A new id for an event that came without one: UUIDv7 (RFC 9562) of the time of receipt. */
enum { EVENT_ID_NEW = 37 };
void event_id_new(int64_t received_us, char out[EVENT_ID_NEW]);

/* What tells an event sent again from another one with its id: a hash of what the sender said. The
 * table that fields are looked up in may have changed in between. `open` is the event without its
 * personal fields: the hash stands in snapshots, and must not depend on keys. */
uint64_t event_body_hash(const struct schema *s, struct text open);

#endif

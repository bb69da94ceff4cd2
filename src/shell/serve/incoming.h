/* One event from outside: JSON to a row, its id and time, and the bytes that the shard takes. */
#ifndef ASSAY_SERVE_INCOMING_H
#define ASSAY_SERVE_INCOMING_H

#include "shell/serve/inside.h"

struct incoming {
    struct text id;    /* both in the seat's buffer, until its next event */
    struct text event; /* event_encode */
    int64_t time_us;   /* of the event; of receipt where events have none */
};

/* What a request's Idempotency-Key says of the ids of its events. */
struct incoming_key {
    struct text key; /* empty: it has none */
    uint64_t line;   /* of a batch; 0: it is one event */
};

/* By the seat's plan. False: seat->problems says what is wrong. An event without an id gets the one
 * that the key makes, "key:KEY" or "key:KEY:LINE", or a new one. */
bool incoming_read(struct seat *seat, struct text json, const struct incoming_key *key,
                   int64_t received_us, struct incoming *in) MUST_USE;

#endif

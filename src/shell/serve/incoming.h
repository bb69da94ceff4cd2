/* One event from outside: JSON to a row, its id and time, and the bytes that the shard takes. */
#ifndef ASSAY_SERVE_INCOMING_H
#define ASSAY_SERVE_INCOMING_H

#include "shell/serve/inside.h"

struct incoming {
    struct text id;    /* both in the seat's buffer, until its next event */
    struct text event; /* event_encode */
    int64_t time_us;   /* of the event; of receipt where events have none */
};

/* By the seat's plan. False: seat->problems says what is wrong. An event without an id gets a new
 * one. */
bool incoming_read(struct seat *seat, struct text json, int64_t received_us,
                   struct incoming *in) MUST_USE;

#endif

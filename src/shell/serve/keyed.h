/* Idempotency-Key (the IETF's draft) for requests that change something and have no id of their
 * own: the same key again gets the first answer again, marked by Idempotent-Replay.
 *
 * Decisions need none of this: there the key makes the event's id (keyed_event_id), which the log
 * remembers. The others' answers are kept in memory: the newest KEYED_ANSWERS, those of at most
 * KEYED_BYTES_MAX, for KEYED_HORIZON_US, not over a restart. What they do is safe to repeat
 * beyond that: the same label, entry or promotion again changes nothing.
 */
#ifndef ASSAY_SERVE_KEYED_H
#define ASSAY_SERVE_KEYED_H

#include "shell/serve/http.h"

enum {
    KEYED_KEY_MAX = 200, /* bytes of a key */
    KEYED_ANSWERS = 1024,
    KEYED_BYTES_MAX = 64 << 10, /* of one answer; a longer one is not kept */
};

#define KEYED_HORIZON_US (INT64_C(24) * 3600 * 1000000)

struct keyed; /* any thread */
struct keyed *keyed_new(void);
void keyed_free(struct keyed *k);

/* The request's key, without the quotes that it may have; empty: it has none. False: it has one
 * that is none, and the exchange has the answer. */
bool keyed_key(struct exchange *x, struct text *key);
/* Before the handler: true where the exchange has its answer: the first one again, 409 while the
 * first is under way, 422 where the key came with another request. */
bool keyed_begin(struct keyed *k, struct exchange *x);
/* After the handler: keeps the answer, or forgets the key where it says "try again" (429, 5xx). */
void keyed_end(struct keyed *k, struct exchange *x);

#endif

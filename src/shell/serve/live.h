/* What happens now, told each second to whoever listens: GET /v1/live, server-sent events.
 *
 * One thread makes one frame a second, for all listeners; the last LIVE_FRAMES are kept, so that
 * one who comes back is told what they missed. A listener has a place among the frames and no
 * memory of its own: one who reads too slowly finds that frame gone, and is dropped. It ends when
 * the caller may listen no more, and when the server stops.
 *
 * The same thread keeps how long decisions took, minute by minute: only this run knows. */
#ifndef ASSAY_SERVE_LIVE_H
#define ASSAY_SERVE_LIVE_H

#include "shell/run/stage.h"
#include "shell/serve/http.h"

enum {
    LIVE_FRAMES = 60,
    LIVE_FRAME_BYTES_MAX = 64 << 10,
    LIVE_LISTENERS_MAX = 256,
    LIVE_LISTENERS_OF_ONE_MAX = 16, /* of one caller */
    LIVE_NEWEST = 20,               /* decisions of one frame */
    LIVE_ASK_FRAMES = 5,            /* after so many frames: may they still listen? */
    LIVE_DAYS = 8,                  /* of times by the minute */
};

struct live;
struct server;

bool live_start(struct server *s, struct live **l, struct error *e) MUST_USE;
void live_end(struct live *l);  /* all listeners, and nobody new; takes NULL */
void live_free(struct live *l); /* after http_stop; takes NULL */
/* The exchange was a listener's and is over. */
void live_left(struct exchange *x);
/* How long decisions over HTTP took within [from, until), of this run: whole minutes. */
void live_latency(struct live *l, int64_t from_us, int64_t until_us, struct histogram_sum *sum);
/* ,"latency":{"count","p50_us","p99_us"}; null of none. */
void latency_add(const struct histogram_sum *took, struct buffer *out);

#endif

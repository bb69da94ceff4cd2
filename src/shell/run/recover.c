#include "shell/run/recover.h"

#include <string.h>

#include "shell/run/apply.h"
#include "shell/run/snapshot.h"

/* Whether the snapshot stands at the place in this very log that it says. */
static bool chain_matches(const char *log_directory, const struct snapshot_head *h)
{
    uint8_t chain[DIGEST_BYTES];
    struct error e;

    return log_chain_at(log_directory, h->seq, chain, &e) &&
           memcmp(chain, h->chain, sizeof chain) == 0;
}

/* Bring the newest usable snapshot's bytes under a new engine, or start from nothing. */
static void start_from_snapshot(struct plan *p, const char *log_directory,
                                const char *snapshot_directory, uint64_t last_seq,
                                const struct state_options *o, struct recovered *r)
{
    struct snapshot_head h;
    struct error e;
    struct state *s = &r->state;

    engine_close(s->engine); /* opened on a fresh region, which gives way */
    s->engine = NULL;
    state_wipe(s);
    if (!snapshot_read(snapshot_directory, engine_layout(p), last_seq, s, &h) ||
        !chain_matches(log_directory, &h) ||
        !region_open(&s->region, s->memory, s->capacity, h.bytes, engine_layout(p), &e)) {
        state_wipe(s);
        region_init(&s->region, s->memory, s->capacity, engine_layout(p));
    } else {
        r->plan_seq = h.plan;
        r->has_history = h.history != 0;
        r->snapshot_seq = h.seq;
    }
    s->engine = engine_open(p, &s->region, &o->engine);
}

static bool apply_from(struct apply *a, const char *log_directory, uint64_t from, uint64_t last_seq,
                       const struct progress *progress, struct recovered *r, struct error *e)
{
    struct log_cursor *c;
    struct record record;
    bool ok = true;
    int found = 0;

    if (!log_cursor_open(log_directory, from, &c, e))
        return false;
    while (ok && (found = log_cursor_next(c, &record, e)) == 1 && record.seq <= last_seq) {
        if (r->records == 0 && record.seq > from) { /* the log's beginning was cut */
            r->is_partial = true;
            r->has_history = true; /* it is not imported again */
        }
        ok = apply_record(a, &record, e);
        if (record.kind == RECORD_PLAN)
            r->plan_seq = (uint32_t)record.seq;
        r->has_history |= record.kind == RECORD_HISTORY;
        r->records++;
        if ((r->records & 0xffff) == 0 &&
            !progress_report(progress, "replaying the log",
                             (double)(record.seq - from) / (double)(last_seq - from + 1)))
            ok = error_set(e, ERROR_CANCELLED, "stopped while replaying the log");
    }
    log_cursor_close(c);
    return ok && found >= 0 && apply_flush(a, e);
}

bool recover(struct plan *p, struct plans *plans, const char *log_directory,
             const char *snapshot_directory, uint64_t last_seq, const struct state_options *o,
             const struct progress *progress, struct recovered *r, struct error *e)
{
    struct apply_options options = {.state = &r->state, .plan = p, .plans = plans};
    struct apply *a;
    bool ok = true;

    *r = (struct recovered){0};
    if (!state_open(&r->state, p, o, e))
        return false;
    if (last_seq > 0) {
        start_from_snapshot(p, log_directory, snapshot_directory, last_seq, o, r);
        a = apply_new(&options);
        if (r->snapshot_seq < last_seq)
            ok = apply_from(a, log_directory, r->snapshot_seq + 1, last_seq, progress, r, e);
        r->erased = apply_erased(a);
        apply_free(a);
    }
    if (!ok)
        state_close(&r->state);
    return ok;
}

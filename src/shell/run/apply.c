#include "shell/run/apply.h"

#include "shell/run/carrier.h"
#include "shell/run/event_id.h"
#include "shell/run/list_change.h"

enum { APPLY_TEXT_MAX = 256 << 20 };

/* What is kept of each gathered event beside its frame row. */
struct gathered {
    size_t id_at, id_length; /* in a->bytes */
    size_t decision_at, decision_length;
    uint32_t plan;
    bool is_decision;
};

struct apply {
    struct apply_options o;
    struct frame frame; /* gathered events, under the target plan's schema */
    uint64_t seq[APPLY_BATCH];
    int64_t received_us[APPLY_BATCH];
    struct gathered row[APPLY_BATCH];
    struct decision *decisions; /* NULL: observe only */
    struct buffer bytes;

    struct carrier *carrier;
};

struct apply *apply_new(const struct apply_options *o)
{
    struct apply *a = mem_alloc(sizeof *a);

    a->o = *o;
    frame_init(&a->frame, plan_schema(o->plan), APPLY_BATCH, APPLY_TEXT_MAX);
    a->carrier = carrier_new(o->plans, o->plan);
    if (o->on_decision != NULL)
        a->decisions = mem_array(APPLY_BATCH, sizeof *a->decisions);
    buffer_init(&a->bytes, APPLY_TEXT_MAX);
    return a;
}

void apply_free(struct apply *a)
{
    if (a == NULL)
        return;
    carrier_free(a->carrier);
    frame_fini(&a->frame);
    buffer_fini(&a->bytes);
    mem_free(a->decisions);
    mem_free(a);
}

bool apply_flush(struct apply *a, struct error *e)
{
    uint32_t rows = a->frame.rows;
    bool goes_on = true;

    engine_run(a->o.state->engine, &a->frame, 0, rows, a->seq, a->received_us, a->decisions);
    for (uint32_t i = 0; i < rows && a->decisions != NULL && goes_on; i++) {
        const struct gathered *g = &a->row[i];
        struct applied row = {.seq = a->seq[i],
                              .received_us = a->received_us[i],
                              .id = {a->bytes.bytes + g->id_at, g->id_length},
                              .frame = &a->frame,
                              .row = i,
                              .decision = &a->decisions[i],
                              .recorded = {a->bytes.bytes + g->decision_at, g->decision_length},
                              .plan = g->plan};

        if ((g->is_decision || a->o.decides_observed) && decision_is_made(&a->decisions[i]))
            goes_on = a->o.on_decision(a->o.context, &row);
    }
    frame_clear(&a->frame);
    buffer_clear(&a->bytes);
    return goes_on || error_set(e, ERROR_CANCELLED, "stopped");
}

static bool gather(struct apply *a, const struct record *r, struct error *e)
{
    uint32_t row = a->frame.rows;
    struct gathered *g = &a->row[row];
    struct event_body body;
    struct id_entry id;

    if (!event_body_parse(r->body, &body, e) ||
        !carrier_decode(a->carrier, r->plan, body.event, &a->frame, e))
        return false;
    a->seq[row] = r->seq;
    a->received_us[row] = r->received_us;
    g->is_decision = r->kind == RECORD_DECISION;
    g->plan = r->plan;
    g->id_at = a->bytes.length;
    g->id_length = body.id.length;
    buffer_add_slice(&a->bytes, body.id);
    g->decision_at = a->bytes.length;
    g->decision_length = body.decision.length;
    buffer_add_slice(&a->bytes, body.decision);
    id = (struct id_entry){.token = engine_id_token(a->o.state->engine, body.id),
                           .body = event_body_hash(carrier_source(a->carrier), body.event),
                           .seq = r->seq,
                           .received_us = r->received_us};
    engine_id_add(a->o.state->engine, &id);
    return true;
}

static bool apply_label(struct apply *a, const struct record *r, struct error *e)
{
    struct label_body body;

    if (!label_body_parse(r->body, &body, e) ||
        !carrier_decode(a->carrier, body.plan, body.event, &a->frame, e))
        return false;
    engine_label(a->o.state->engine, &a->frame, 0, body.seq, body.label, body.received_us,
                 body.effective_us);
    frame_clear(&a->frame);
    return true;
}

static bool apply_list(struct apply *a, const struct record *r, struct error *e)
{
    struct list_body body;

    return list_body_parse(r->body, &body, e) &&
           list_body_apply(a->o.state->engine, a->o.plan, &body, r->seq, r->received_us, e);
}

bool apply_record(struct apply *a, const struct record *r, struct error *e)
{
    bool ok;

    if (r->kind == RECORD_OBSERVE || r->kind == RECORD_DECISION) {
        ok = gather(a, r, e);
        if (ok && a->frame.rows == APPLY_BATCH)
            ok = apply_flush(a, e);
    } else if (r->kind == RECORD_LABEL) {
        ok = apply_flush(a, e) && apply_label(a, r, e);
    } else if (r->kind == RECORD_LIST) {
        ok = apply_flush(a, e) && apply_list(a, r, e);
    } else {
        ok = true;
    }
    return ok || error_prefix(e, "log record %lu", (unsigned long)r->seq);
}

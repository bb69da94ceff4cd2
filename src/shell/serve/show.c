/* GET /v1/decisions/{id}: one decision as the log has it, with its inputs, and its label from the
 * store.
 *
 * The shard's index of ids knows where it is, also while the store lags behind; the store knows
 * the ids that the index has forgotten. And /explanation: why it was so (store/explanation.h); and
 * :replay: that it is so again (store/proof.h).
 */
#include <stdio.h>

#include "core/base/memory.h"
#include "core/data/event.h"
#include "core/decide/values.h"
#include "core/velocity/velocity.h"
#include "shell/os/clock.h"
#include "shell/os/file.h"
#include "shell/run/unseal.h"
#include "shell/run/verdict.h"
#include "shell/serve/desk.h"
#include "shell/serve/watched.h"
#include "shell/store/explanation.h"
#include "shell/store/proof.h"

enum { DURABLE_WAIT_US = 2000000, DURABLE_STEP_US = 500 };

bool find_in_shard(struct server *s, struct text id, uint64_t *seq)
{
    struct errand errand = {.submission = {.kind = SUBMIT_FIND, .id = id}};
    struct bell bell;
    bool found;

    bell_init(&bell);
    found = errand_send(s, &errand, &bell);
    if (found) {
        errand_wait(&errand);
        found = errand.submission.status == SUBMIT_DONE;
        if (found)
            *seq = errand.submission.seq;
        plan_unref(errand.submission.plan);
    }
    bell_fini(&bell);
    return found;
}

bool wait_durable(const struct log *l, uint64_t seq)
{
    int64_t until_us = clock_monotonic_us() + DURABLE_WAIT_US;

    while (log_durable_seq(l) < seq) {
        if (clock_monotonic_us() > until_us)
            return false;
        clock_sleep_us(DURABLE_STEP_US);
    }
    return true;
}

static void add_inputs(const struct schema *schema, const struct frame *f, struct buffer *out)
{
    buffer_add_text(out, ",\"inputs\":{");
    for (uint32_t i = 0; i < schema->count; i++) {
        struct value v = column_get(&f->column[i], 0);

        if (i > 0)
            buffer_add_char(out, ',');
        json_add_text(out, text_of(schema->fields[i].name));
        buffer_add_char(out, ':');
        json_add_value(out, &v);
    }
    buffer_add_char(out, '}');
}

static int64_t time_of(const struct schema *schema, const struct frame *f, int64_t received_us)
{
    if (schema->time == FIELD_NONE || f->column[schema->time].null[0])
        return received_us;
    return f->column[schema->time].integer[0];
}

/* An event of the imported history was seen, never decided. */
static void open_observed(const struct record *r, struct text id, int64_t time_us,
                          struct buffer *out)
{
    buffer_add_text(out, "{\"id\":");
    json_add_text(out, id);
    buffer_add_text(out, ",\"seq\":");
    json_add_int(out, (int64_t)r->seq);
    verdict_add_time(out, "time", time_us);
    buffer_add_text(out, ",\"observed\":true");
}

static bool show_body(struct plans *plans, const struct record *r, struct plan *plan,
                      struct event_body *body, struct buffer *out, struct error *e)
{
    const struct schema *schema = plan_schema(plan);
    struct unseal unseal;
    struct decision d;
    struct frame f;
    struct reader in;
    bool ok, is_erased = false;

    frame_init(&f, schema, 1, LOG_BODY_MAX);
    unseal_init(&unseal, plans);
    reader_init(&in, body->event.bytes, body->event.length);
    ok = event_decode(&in, schema, &f, e) && unseal_add(&unseal, r, schema, &f, &is_erased, e) &&
         unseal_values(&unseal, r, body, e);
    if (ok && r->kind == RECORD_OBSERVE) {
        open_observed(r, body->id, time_of(schema, &f, r->received_us), out);
    } else if (ok) {
        reader_init(&in, body->decision.bytes, body->decision.length);
        ok = decision_parse(&in, plan, &d, e) && values_of_reasons(plan, body->values, &d, e) &&
             ((d.flags & DECISION_DEFERRED) == 0 || explanation_reasons(plan, body->values, &d, e));
        if (ok) {
            const struct verdict v = {.id = body->id,
                                      .seq = r->seq,
                                      .time_us = time_of(schema, &f, r->received_us),
                                      .received_us = r->received_us,
                                      .plan = plan,
                                      .decision = &d,
                                      .has_words = true};

            verdict_open(&v, out);
            verdict_add_shadow_rules(&v, out);
        }
    }
    if (ok)
        add_inputs(schema, &f, out);
    if (ok && is_erased)
        buffer_add_text(out, ",\"erased\":true");
    unseal_fini(&unseal);
    frame_fini(&f);
    return ok;
}

bool record_show(struct server *s, uint64_t seq, struct buffer *out, struct error *e)
{
    const struct log *log = shard_log(s->o.shard);
    struct event_body body;
    struct buffer bytes;
    struct record r;
    struct plan *plan = NULL;
    bool ok;

    if (!wait_durable(log, seq))
        return error_set(e, ERROR_WORLD, "the decision is not on disk yet; ask again");
    buffer_init(&bytes, LOG_BODY_MAX + LOG_OVERHEAD_BYTES);
    ok = log_read(log, seq, &bytes, &r, e) && event_body_parse(r.body, &body, e) &&
         plans_get(shard_plans(s->o.shard), r.plan, &plan, e) &&
         show_body(shard_plans(s->o.shard), &r, plan, &body, out, e);
    plan_unref(plan);
    buffer_fini(&bytes);
    return ok;
}

/* Where the decision of this event id is; false: the exchange has the answer. Without the store an
 * id that the index has not may be one that it has forgotten. */
static bool find_decision(struct server *s, struct exchange *x, struct store **store, uint64_t *seq)
{
    struct error e = {.kind = ERROR_NOT_FOUND};
    bool is_open = s->o.project != NULL && seat_store(s, seat_get(s), store, &e);

    if (!is_open)
        *store = NULL;
    if (x->parameter.length <= SHARD_ID_MAX &&
        (find_in_shard(s, x->parameter, seq) ||
         (is_open && store_find(*store, x->parameter, seq, &e))))
        return true;
    problem_answer(x, e.kind == ERROR_NOT_FOUND ? 404 : 503, "%s",
                   e.kind == ERROR_NOT_FOUND ? "no decision of this event id" : e.text);
    return false;
}

/* What `write` makes of the decision's record, once that is on disk. */
static enum http_next answer_from_log(struct server *s, struct exchange *x,
                                      bool (*write)(const struct explanation_sources *from,
                                                    uint64_t seq, struct buffer *out,
                                                    struct error *e))
{
    struct explanation_sources from = {.log = shard_log(s->o.shard),
                                       .plans = shard_plans(s->o.shard)};
    struct error e = {0};
    uint64_t seq;

    if (!find_decision(s, x, &from.store, &seq))
        return HTTP_ANSWERED;
    if (!wait_durable(from.log, seq)) {
        problem_answer(x, 503, "the decision is not on disk yet; ask again");
        return HTTP_ANSWERED;
    }
    if (!write(&from, seq, &x->answer, &e)) {
        buffer_clear(&x->answer);
        problem_answer(x, e.kind == ERROR_NOT_FOUND ? 404 : 503, "%s", e.text);
        return HTTP_ANSWERED;
    }
    x->status = 200;
    buffer_add_char(&x->answer, '\n');
    return HTTP_ANSWERED;
}

enum http_next explain_decision(struct server *s, struct exchange *x)
{
    return answer_from_log(s, x, explanation_write);
}

enum http_next replay_decision(struct server *s, struct exchange *x)
{
    if (!body_is_empty_object(s, x, "a decision is replayed as it was"))
        return HTTP_ANSWERED;
    return answer_from_log(s, x, proof_write);
}

enum http_next show_decision(struct server *s, struct exchange *x)
{
    struct store *store;
    uint8_t label = LABEL_UNKNOWN;
    struct error e, ignored;
    uint64_t seq;

    if (!find_decision(s, x, &store, &seq))
        return HTTP_ANSWERED;
    if (!record_show(s, seq, &x->answer, &e)) {
        buffer_clear(&x->answer);
        problem_answer(x, e.kind == ERROR_NOT_FOUND ? 404 : 503, "%s%s", e.text,
                       e.kind == ERROR_NOT_FOUND ? ": it is no longer kept (log.keep)" : "");
        return HTTP_ANSWERED;
    }
    if (store == NULL || !store_label_of(store, seq, &label, &ignored))
        label = LABEL_UNKNOWN;
    x->status = 200;
    verdict_add_label(&x->answer, label);
    buffer_add_text(&x->answer, "}\n");
    return HTTP_ANSWERED;
}

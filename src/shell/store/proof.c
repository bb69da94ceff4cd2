#include "shell/store/proof.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/data/json.h"
#include "core/decide/values.h"
#include "shell/os/digest.h"
#include "shell/run/body.h"
#include "shell/run/unseal.h"
#include "shell/run/verdict.h"

enum { HEX_BYTES = 8 };

struct proving {
    struct record record;
    uint8_t chain[DIGEST_BYTES]; /* behind it */
    struct event_body body;
    struct unseal unseal;
    struct plan *plan;
    struct decision logged, again;
    struct frame values;
    bool has_values;
};

/* ---- once more ---- */

static void score_again(struct proving *p)
{
    const struct model *m = plan_model(p->plan);
    bool is_rival = m != NULL && p->logged.decided_by == BY_CHALLENGER;
    const struct column **input;
    struct model_scratch *scratch;

    if (m == NULL)
        return;
    m = is_rival ? model_rival(m, RIVAL_CHALLENGER) : m;
    input = mem_array(model_input_count(m), sizeof *input);
    for (uint32_t i = 0; i < model_input_count(m); i++)
        input[i] = &p->values.column[is_rival ? plan_rival_feature(p->plan, RIVAL_CHALLENGER, i)
                                              : plan_model_feature(p->plan, i)];
    scratch = model_scratch_new(m, SIMD_SCALAR);
    model_score(m, scratch, input, 0, 1, &p->again.margin, &p->again.probability);
    model_scratch_free(scratch);
    mem_free(input);
}

static uint64_t hash_again(const struct proving *p)
{
    uint64_t h = values_hash_begin(plan_feature_count(p->plan));

    for (uint32_t k = 0; k < plan_feature_count(p->plan); k++)
        h = values_hash_add(h, &p->values.column[k], 0, k);
    return h;
}

static void decide_again(struct proving *p)
{
    struct decision *d = &p->again;

    *d = p->logged;
    d->features_hash = hash_again(p);
    d->margin = d->probability = 0;
    score_again(p);
    d->score = (int16_t)plan_score(d->probability);
    d->level = (uint8_t)plan_level_of_score(p->plan, d->score);
    d->outcome = (uint8_t)plan_outcome_of_score(p->plan, d->score);
    for (uint32_t i = 0; i < plan_rule_count(p->plan); i++) {
        if (decision_has_rule(d, i) && plan_rule_outcome(p->plan, i) > d->outcome)
            d->outcome = (uint8_t)plan_rule_outcome(p->plan, i);
    }
    if ((d->flags & DECISION_FALLBACK) != 0)
        d->outcome = (uint8_t)plan_fallback(p->plan);
}

/* Those that were recorded; a decision of the mildest outcome, a fallback or one that had no time
 * has none. */
static bool reasons_again(struct proving *p, struct error *e)
{
    bool ok;

    if (p->logged.reasons == 0)
        return true;
    p->again.flags |= DECISION_DEFERRED; /* that is what they are made again by */
    ok = explanation_reasons(p->plan, p->body.values, &p->again, e);
    p->again.flags = p->logged.flags;
    return ok;
}

/* ---- writing ---- */

static void add_decision(const struct plan *p, const char *name, const struct decision *d,
                         struct buffer *out)
{
    bool is_first = true;

    buffer_format(out, ",\"%s\":{\"score\":%d,\"probability\":", name, d->score);
    json_add_real(out, d->probability);
    buffer_add_text(out, ",\"margin\":");
    json_add_real(out, d->margin);
    buffer_add_text(out, ",\"outcome\":");
    json_add_text(out, text_of(plan_outcome_name(p, d->outcome)));
    buffer_add_text(out, ",\"level\":");
    json_add_text(out, text_of(plan_level_name(p, d->level)));
    buffer_add_text(out, ",\"rules\":[");
    for (uint32_t i = 0; i < plan_rule_count(p); i++) {
        if (!decision_has_rule(d, i) || plan_rule_is_shadow(p, i))
            continue;
        buffer_add_text(out, is_first ? "" : ",");
        json_add_text(out, text_of(plan_rule_name(p, i)));
        is_first = false;
    }
    buffer_add_text(out, "],\"reasons\":[");
    for (uint32_t i = 0; i < d->reasons; i++) {
        buffer_add_text(out, i > 0 ? "," : "");
        json_add_text(out, text_of(plan_feature_name(p, d->reason[i].feature)));
    }
    buffer_add_text(out, "]}");
}

static void add_differences(const struct proving *p, bool is_equal, struct buffer *out)
{
    const struct decision *a = &p->logged, *b = &p->again;
    const struct {
        const char *name;
        bool differs;
    } items[] = {
        {"features", a->features_hash != b->features_hash},
        {"margin", a->margin != b->margin},
        {"probability", a->probability != b->probability},
        {"score", a->score != b->score},
        {"level", a->level != b->level},
        {"outcome", a->outcome != b->outcome},
    };
    bool is_first = true;

    buffer_add_text(out, ",\"differences\":[");
    for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
        if (!items[i].differs)
            continue;
        buffer_format(out, "%s\"%s\"", is_first ? "" : ",", items[i].name);
        is_first = false;
    }
    if (is_first && !is_equal)
        buffer_add_text(out, "\"reasons\"");
    buffer_add_char(out, ']');
}

static bool is_equal(const struct proving *p)
{
    struct buffer a, b;
    bool equal;

    buffer_init(&a, DECISION_BYTES_MAX);
    buffer_init(&b, DECISION_BYTES_MAX);
    decision_format(&p->logged, p->plan, &a);
    decision_format(&p->again, p->plan, &b);
    equal = a.length == b.length && memcmp(a.bytes, b.bytes, a.length) == 0;
    buffer_fini(&a);
    buffer_fini(&b);
    return equal;
}

static bool add_model(const struct explanation_sources *s, const struct proving *p,
                      struct buffer *out, struct error *e)
{
    struct plan_body body;
    struct buffer bytes;
    struct record r;
    bool ok;

    if (plan_model(p->plan) == NULL) {
        buffer_add_text(out, ",\"model\":null");
        return true;
    }
    buffer_init(&bytes, LOG_BODY_MAX * 2);
    ok = log_read(s->log, p->record.plan, &bytes, &r, e) && plan_body_parse(r.body, &body, e);
    if (ok) {
        buffer_add_text(out, ",\"model\":\"");
        for (int i = 0; i < HEX_BYTES; i++)
            buffer_format(out, "%02x", body.model[i]);
        buffer_add_char(out, '"');
    }
    buffer_fini(&bytes);
    return ok;
}

static bool write_all(const struct explanation_sources *s, struct proving *p, struct buffer *out,
                      struct error *e)
{
    char hex[DIGEST_HEX];

    digest_hex(p->chain, hex);
    buffer_add_text(out, "{\"id\":");
    json_add_text(out, p->body.id);
    buffer_format(out, ",\"seq\":%" PRIu64 ",\"chain\":\"%s\"", p->record.seq, hex);
    verdict_add_plan(p->plan, out);
    if (!add_model(s, p, out, e))
        return false;
    if (p->has_values)
        buffer_format(out, ",\"replayed\":%s,\"by\":\"recorded values\"",
                      is_equal(p) ? "true" : "false");
    else
        buffer_add_text(out, ",\"replayed\":null,\"by\":\"nothing: its record keeps no values of "
                             "features; assay replay makes them again from the log\"");
    add_decision(p->plan, "recorded", &p->logged, out);
    if (p->has_values) {
        add_decision(p->plan, "again", &p->again, out);
        add_differences(p, is_equal(p), out);
    }
    buffer_add_char(out, '}');
    return true;
}

/* ---- reading ---- */

static bool read_decision(struct proving *p, struct error *e)
{
    struct reader in;

    reader_init(&in, p->body.decision.bytes, p->body.decision.length);
    if (!unseal_values(&p->unseal, &p->record, &p->body, e) ||
        !decision_parse(&in, p->plan, &p->logged, e))
        return false;
    p->has_values = p->body.values.length > 0;
    if (!p->has_values)
        return true;
    if (!values_parse(p->plan, p->body.values, &p->logged, &p->values, e))
        return false;
    decide_again(p);
    return reasons_again(p, e);
}

bool proof_write(const struct explanation_sources *s, uint64_t seq, struct buffer *out,
                 struct error *e)
{
    struct proving p = {.plan = NULL};
    struct buffer bytes;
    bool ok;

    buffer_init(&bytes, LOG_BODY_MAX * 2);
    unseal_init(&p.unseal, s->plans);
    ok = log_read_chained(s->log, seq, &bytes, &p.record, p.chain, e) &&
         (p.record.kind == RECORD_DECISION ||
          error_set(e, ERROR_NOT_FOUND, "this event was observed, never decided")) &&
         event_body_parse(p.record.body, &p.body, e) &&
         plans_get(s->plans, p.record.plan, &p.plan, e);
    if (ok) {
        frame_init(&p.values, plan_values_schema(p.plan), 1, LOG_BODY_MAX);
        ok = read_decision(&p, e) && write_all(s, &p, out, e);
        frame_fini(&p.values);
    }
    unseal_fini(&p.unseal);
    plan_unref(p.plan);
    buffer_fini(&bytes);
    return ok;
}

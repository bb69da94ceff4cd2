#include "shell/store/explanation.h"

#include <math.h>
#include <stdlib.h>

#include "core/data/event.h"
#include "core/data/json.h"
#include "core/decide/values.h"
#include "shell/run/body.h"
#include "shell/run/unseal.h"
#include "shell/run/verdict.h"
#include "shell/store/own.h"
#include "shell/store/tokens.h"

enum { CONDITION_MAX = 1 << 20, MODEL_HEX_BYTES = 8 };

struct explaining {
    const struct explanation_sources *s;
    struct record record;
    struct event_body body;
    struct unseal unseal;
    struct plan *plan;
    struct decision decision;
    struct frame event;
    struct frame values;
    bool has_values;
    double *contribution; /* by feature; NaN: no input of the model */
    double base;
    struct own_past **past; /* by kind of entity; NULL: nothing is known */
};

/* ---- reading ---- */

static bool read_values(struct explaining *x, struct error *e)
{
    struct reader in;
    bool is_erased;

    frame_init(&x->event, plan_schema(x->plan), 1, LOG_BODY_MAX);
    frame_init(&x->values, plan_values_schema(x->plan), 1, LOG_BODY_MAX);
    x->past = mem_array(plan_entity_count(x->plan) + 1, sizeof *x->past);
    x->contribution = mem_array(plan_feature_count(x->plan) + 1, sizeof *x->contribution);
    reader_init(&in, x->body.event.bytes, x->body.event.length);
    if (!event_decode(&in, plan_schema(x->plan), &x->event, e) ||
        !unseal_add(&x->unseal, &x->record, plan_schema(x->plan), &x->event, &is_erased, e) ||
        !unseal_values(&x->unseal, &x->record, &x->body, e))
        return false;
    reader_init(&in, x->body.decision.bytes, x->body.decision.length);
    if (!decision_parse(&in, x->plan, &x->decision, e))
        return false;
    x->has_values = x->body.values.length > 0;
    return !x->has_values || values_parse(x->plan, x->body.values, &x->decision, &x->values, e);
}

/* The model that decided. */
static const struct model *decider_of(const struct explaining *x)
{
    const struct model *m = plan_model(x->plan);

    return m != NULL && x->decision.decided_by == BY_CHALLENGER ? model_rival(m, RIVAL_CHALLENGER)
                                                                : m;
}

static uint32_t feature_of(const struct explaining *x, bool is_rival, uint32_t input)
{
    return is_rival ? plan_rival_feature(x->plan, RIVAL_CHALLENGER, input)
                    : plan_model_feature(x->plan, input);
}

static void contribute(struct explaining *x)
{
    const struct model *m = decider_of(x);
    bool is_rival = m != plan_model(x->plan);
    const struct column **input;
    struct model_scratch *scratch;
    double *contribution;

    for (uint32_t i = 0; i < plan_feature_count(x->plan); i++)
        x->contribution[i] = NAN;
    if (m == NULL || !x->has_values)
        return;
    input = mem_array(model_input_count(m), sizeof *input);
    contribution = mem_array(model_input_count(m), sizeof *contribution);
    for (uint32_t i = 0; i < model_input_count(m); i++)
        input[i] = &x->values.column[feature_of(x, is_rival, i)];
    scratch = model_scratch_new(m, SIMD_SCALAR);
    model_explain(m, scratch, input, 0, contribution, &x->base);
    for (uint32_t i = 0; i < model_input_count(m); i++) {
        uint32_t feature = feature_of(x, is_rival, i);

        x->contribution[feature] = contribution[i];
        if ((x->decision.flags & DECISION_DEFERRED) != 0)
            decision_add_reason(&x->decision, feature, contribution[i]);
    }
    model_scratch_free(scratch);
    mem_free(input);
    mem_free(contribution);
}

/* The past of the kinds of entity that features are compared with. */
static bool read_past(struct explaining *x, struct error *e)
{
    struct tokens *tokens;
    const int64_t *entity;
    bool ok = true;

    if (x->s->store == NULL || !x->has_values)
        return true;
    tokens = tokens_new(x->plan);
    entity = tokens_read(tokens, &x->event);
    for (uint32_t i = 0; i < plan_feature_count(x->plan) && ok; i++) {
        int kind = plan_feature_entity(x->plan, i);

        if (kind >= 0 && entity[kind] != 0 && x->past[kind] == NULL)
            ok = own_past_read(x->s, x->plan, entity[kind], x->record.seq, &x->past[kind], e);
    }
    tokens_free(tokens);
    return ok;
}

/* ---- writing ---- */

static void add_condition(const struct explaining *x, uint32_t rule, struct buffer *out)
{
    struct buffer when;

    buffer_init(&when, CONDITION_MAX);
    program_print(plan_program(x->plan), plan_rule_node(x->plan, rule), &when);
    buffer_add_text(out, ",\"when\":");
    json_add_text(out, (struct text){when.bytes, when.length});
    buffer_fini(&when);
}

static void add_rules(const struct explaining *x, struct buffer *out)
{
    const char *between = "";

    buffer_add_text(out, ",\"rules\":[");
    for (uint32_t i = 0; i < plan_rule_count(x->plan); i++) {
        if (!decision_has_rule(&x->decision, i) || plan_rule_is_shadow(x->plan, i))
            continue;
        buffer_format(out, "%s{\"rule\":", between);
        json_add_text(out, text_of(plan_rule_name(x->plan, i)));
        add_condition(x, i, out);
        buffer_add_text(out, ",\"then\":");
        json_add_text(out, text_of(plan_outcome_name(x->plan, plan_rule_outcome(x->plan, i))));
        buffer_add_text(out, ",\"text\":");
        if (plan_rule_text(x->plan, i) != NULL)
            json_add_text(out, text_of(plan_rule_text(x->plan, i)));
        else
            buffer_add_text(out, "null");
        buffer_add_char(out, '}');
        between = ",";
    }
    buffer_add_char(out, ']');
}

static void add_real(struct buffer *out, const char *key, double v)
{
    buffer_format(out, "\"%s\":", key);
    json_add_real(out, v);
}

static bool add_model(const struct explaining *x, struct buffer *out, struct error *e)
{
    const struct model *m = decider_of(x);
    struct plan_body body;
    struct buffer bytes;
    struct record r;
    bool ok;

    if (m == NULL) {
        buffer_add_text(out, ",\"model\":null");
        return true;
    }
    buffer_init(&bytes, LOG_BODY_MAX * 2);
    ok = log_read(x->s->log, x->record.plan, &bytes, &r, e) && plan_body_parse(r.body, &body, e);
    if (ok) {
        buffer_format(out, ",\"model\":{\"decided_by\":\"%s\",\"kind\":\"%s\",\"file\":\"",
                      decider_name((enum decider)x->decision.decided_by),
                      model_kind_name(model_kind(m)));
        for (int i = 0; i < MODEL_HEX_BYTES; i++)
            buffer_format(out, "%02x", body.model[i]);
        buffer_add_text(out, "\",");
        add_real(out, "base", x->has_values ? x->base : NAN);
        buffer_add_char(out, ',');
        add_real(out, "margin", x->decision.margin);
        buffer_add_char(out, '}');
    }
    buffer_fini(&bytes);
    return ok;
}

static void add_own(const struct own_normal *own, struct buffer *out)
{
    buffer_add_text(out, ",\"own\":{\"entity\":");
    json_add_text(out, text_of(own->entity));
    buffer_format(out, ",\"n\":%u", own->n);
    if (own->n > 0 && own->is_number) {
        buffer_add_char(out, ',');
        add_real(out, "median", own->median);
        buffer_add_char(out, ',');
        add_real(out, "least", own->least);
        buffer_add_char(out, ',');
        add_real(out, "most", own->most);
        buffer_add_char(out, ',');
        add_real(out, "below", own->below);
    } else if (own->n > 0) {
        buffer_add_text(out, ",\"usual\":");
        json_add_text(out, *own->usual);
        buffer_format(out, ",\"usual_n\":%u,\"same_n\":%u", own->usual_n, own->same_n);
    }
    buffer_add_char(out, '}');
}

static void add_feature(const struct explaining *x, uint32_t feature, struct buffer *out)
{
    struct value v = column_get(&x->values.column[feature], 0);
    int kind = plan_feature_entity(x->plan, feature);
    bool has_past = kind >= 0 && x->past[kind] != NULL;
    struct own_normal own;

    buffer_add_text(out, "{\"feature\":");
    json_add_text(out, text_of(plan_feature_name(x->plan, feature)));
    buffer_add_char(out, ',');
    add_real(out, "contribution", x->contribution[feature]);
    reason_add_members(x->plan, feature, &v, out);
    if (has_past) {
        own_past_normal(x->past[kind], feature, &v, &own);
        own.entity = plan_entity_name(x->plan, (uint32_t)kind);
        add_own(&own, out);
    }
    verdict_add_sentence(x->plan, feature, &v, has_past ? &own : NULL, out);
    buffer_add_char(out, '}');
}

static double weight_of(double contribution)
{
    return isnan(contribution) ? -1 : fabs(contribution);
}

/* The largest contributions first; what the model does not see last. */
static int by_weight(const void *a, const void *b, void *context)
{
    const double *contribution = context;
    uint32_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;
    double x = weight_of(contribution[i]), y = weight_of(contribution[k]);

    if (x != y)
        return x < y ? 1 : -1;
    return (i > k) - (i < k);
}

static void add_features(const struct explaining *x, struct buffer *out)
{
    uint32_t count = x->has_values ? plan_feature_count(x->plan) : 0;
    uint32_t *order = mem_array(count + 1, sizeof *order);

    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    qsort_r(order, count, sizeof *order, by_weight, x->contribution);
    buffer_add_text(out, ",\"features\":[");
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            buffer_add_char(out, ',');
        add_feature(x, order[i], out);
    }
    mem_free(order);
    buffer_format(out, "],\"complete\":%s", x->has_values ? "true" : "false");
}

static int64_t time_of(const struct explaining *x)
{
    int time = plan_schema(x->plan)->time;

    if (time == FIELD_NONE || x->event.column[time].null[0])
        return x->record.received_us;
    return x->event.column[time].integer[0];
}

static bool write_all(const struct explaining *x, struct buffer *out, struct error *e)
{
    const struct decision *d = &x->decision;

    verdict_add_head(
        &(struct verdict_head){.id = x->body.id,
                               .seq = x->record.seq,
                               .time_us = time_of(x),
                               .received_us = x->record.received_us,
                               .outcome = text_of(plan_outcome_name(x->plan, d->outcome)),
                               .level = text_of(plan_level_name(x->plan, d->level)),
                               .score = d->score,
                               .probability = d->probability},
        out);
    add_rules(x, out);
    if (!add_model(x, out, e))
        return false;
    add_features(x, out);
    verdict_add_flags(d->flags, out);
    verdict_add_plan(x->plan, out);
    buffer_add_char(out, '}');
    return !out->overflow || error_set(e, ERROR_FULL, "the explanation is too long");
}

static void explaining_fini(struct explaining *x)
{
    unseal_fini(&x->unseal);
    if (x->plan == NULL)
        return;
    for (uint32_t i = 0; x->past != NULL && i < plan_entity_count(x->plan); i++)
        own_past_free(x->past[i]);
    mem_free(x->past);
    mem_free(x->contribution);
    frame_fini(&x->event);
    frame_fini(&x->values);
    plan_unref(x->plan);
}

bool explanation_write(const struct explanation_sources *s, uint64_t seq, struct buffer *out,
                       struct error *e)
{
    struct explaining x = {.s = s};
    struct buffer bytes;
    bool ok;

    buffer_init(&bytes, LOG_BODY_MAX * 2);
    unseal_init(&x.unseal, s->plans);
    ok = log_read(s->log, seq, &bytes, &x.record, e) &&
         (x.record.kind == RECORD_DECISION ||
          error_set(e, ERROR_NOT_FOUND, "this event was observed, never decided")) &&
         event_body_parse(x.record.body, &x.body, e) &&
         plans_get(s->plans, x.record.plan, &x.plan, e) && read_values(&x, e);
    if (ok) {
        contribute(&x);
        ok = read_past(&x, e) && write_all(&x, out, e);
    }
    explaining_fini(&x);
    buffer_fini(&bytes);
    return ok;
}

bool explanation_reasons(struct plan *plan, struct text values, struct decision *d, struct error *e)
{
    struct explaining x = {.plan = plan, .decision = *d, .has_values = values.length > 0};
    bool ok = true;

    if (!x.has_values)
        return true;
    frame_init(&x.values, plan_values_schema(plan), 1, LOG_BODY_MAX);
    x.contribution = mem_array(plan_feature_count(plan) + 1, sizeof *x.contribution);
    ok = values_parse(plan, values, d, &x.values, e);
    if (ok) {
        x.decision.reasons = 0;
        contribute(&x);
        *d = x.decision;
        for (uint32_t i = 0; i < d->reasons; i++)
            reason_take_value(&d->reason[i], &x.values.column[d->reason[i].feature], 0);
    }
    mem_free(x.contribution);
    frame_fini(&x.values);
    return ok;
}

#include "shell/run/rule_trials.h"

#include "core/data/json.h"
#include "shell/run/plans.h"

/* What the plan does not know could never be found wrong. */
static bool names_are_known(const struct rule_trials *t, const struct plan *p, struct error *e)
{
    for (uint32_t i = 0; i < t->count; i++) {
        const struct test_setting *test = &t->test[i];

        for (uint32_t k = 0; k < test->expect.rule_count; k++) {
            if (plan_rule_find(p, text_of(test->expect.rules[k])) < 0)
                return error_set(e, ERROR_INVALID, "tests.%u.expect.rules: no rule \"%.64s\"",
                                 i + 1, test->expect.rules[k]);
        }
        if (test->expect.outcome != NULL && plan_outcome_find(p, text_of(test->expect.outcome)) < 0)
            return error_set(e, ERROR_INVALID, "tests.%u.expect.outcome: no outcome \"%.64s\"",
                             i + 1, test->expect.outcome);
    }
    return true;
}

static void add_result(const struct rule_trials *t, uint32_t i, const struct plan *p, bool fires,
                       const struct trial_result *r, bool ok, struct buffer *out)
{
    const char *comma = "";

    buffer_add_text(out, i > 0 ? ",{\"name\":" : "{\"name\":");
    json_add_text(out, text_of(t->test[i].name));
    buffer_format(out, ",\"ok\":%s,\"fires\":%s,\"outcome\":", ok ? "true" : "false",
                  fires ? "true" : "false");
    json_add_text(out, text_of(plan_outcome_name(p, r->decision.outcome)));
    buffer_add_text(out, ",\"rules\":[");
    for (uint32_t k = 0; k < plan_rule_count(p); k++) {
        if (!decision_has_rule(&r->decision, k) || plan_rule_is_shadow(p, k))
            continue;
        buffer_add_text(out, comma);
        json_add_text(out, text_of(plan_rule_name(p, k)));
        comma = ",";
    }
    buffer_add_text(out, "],\"differences\":[");
    for (uint32_t k = 0; k < r->differences; k++) {
        const struct trial_difference *d = &r->difference[k];

        buffer_add_text(out, k > 0 ? ",{\"item\":" : "{\"item\":");
        json_add_text(out, text_of(d->item));
        buffer_add_text(out, ",\"expected\":");
        json_add_text(out, text_of(d->expected));
        buffer_add_text(out, ",\"found\":");
        json_add_text(out, text_of(d->found));
        buffer_add_char(out, '}');
    }
    buffer_add_text(out, "]}");
}

static bool run_all(const struct rule_trials *t, const struct trial_options *o, uint32_t *failed,
                    struct buffer *out, struct error *e)
{
    int of = plan_rule_find(o->plan, t->rule.name);

    for (uint32_t i = 0; i < t->count; i++) {
        struct trial_result r;
        bool fires, ok;

        if (!trial_run(o, i, &r, e))
            return false;
        fires = of >= 0 && decision_has_rule(&r.decision, (uint32_t)of);
        ok = r.differences == 0 && (t->fires[i] == NULL || *t->fires[i] == fires);
        *failed += !ok;
        add_result(t, i, o->plan, fires, &r, ok, out);
        trial_result_fini(&r);
    }
    return true;
}

static bool make_plan(const struct plan *in_force, const struct settings *s, struct made_plan *made,
                      struct error *e)
{
    struct buffer model;
    bool ok;

    buffer_init(&model, MODEL_BYTES_MAX);
    if (plan_model(in_force) != NULL)
        model_format(plan_model(in_force), &model);
    ok = plan_make(s, plan_schema(in_force), model.length > 0 ? model.bytes : NULL, model.length,
                   made, e);
    buffer_fini(&model);
    return ok;
}

bool rule_trials_run(const struct rule_trials *t, uint32_t *failed, struct buffer *out,
                     struct error *e)
{
    struct trial_options o = {.lookups = t->lookups, .simd = t->simd};
    struct made_plan made = {0};
    struct overlay overlay;
    bool ok = overlay_init(&overlay, t->settings, t->book, &t->rule, e);

    overlay.settings.tests = t->test;
    overlay.settings.test_count = t->count;
    if (overlay.settings.memory_bytes > RULE_TRIALS_STATE_BYTES)
        overlay.settings.memory_bytes = RULE_TRIALS_STATE_BYTES;
    ok = ok && make_plan(t->in_force, &overlay.settings, &made, e);
    if (ok) {
        o.settings = &overlay.settings;
        o.plan = made.plan;
        ok = names_are_known(t, made.plan, e) && list_feed_open(t->settings, &o.lists, e) &&
             run_all(t, &o, failed, out, e);
        list_feed_close(o.lists);
        made_plan_fini(&made);
    }
    overlay_fini(&overlay);
    return ok;
}

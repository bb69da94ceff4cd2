#include "shell/run/backtest.h"

#include <limits.h>
#include <stdio.h>

#include "core/data/json.h"
#include "shell/run/truth.h"
#include "shell/run/verdict.h"

struct tester {
    const struct backtest_options *o;
    struct truth *truth;
    struct state state;
    struct apply *apply;
    bool has_enough;
};

static bool on_decision(void *context, const struct applied *a)
{
    struct tester *t = context;
    const struct schema *schema = plan_schema(t->o->plan);
    int64_t time_us = schema->time != FIELD_NONE ? a->frame->column[schema->time].integer[a->row]
                                                 : a->received_us;
    struct backtested b = {.seq = a->seq,
                           .id = a->id,
                           .time_us = time_us,
                           .frame = a->frame,
                           .row = a->row,
                           .decision = a->decision,
                           .was_observed = a->recorded.length == 0,
                           .engine = t->state.engine};

    if (time_us < t->o->from_us || time_us >= t->o->to_us)
        return true;
    b.label = truth_label(t->truth, a->seq, t->o->plan, a->frame, a->row, time_us);
    t->has_enough = !t->o->visit(t->o->context, &b);
    return !t->has_enough;
}

static bool walk(struct tester *t, const char *log_directory, struct error *e)
{
    struct log_cursor *c;
    struct record r;
    uint64_t last = 0;
    bool ok = true;
    int found = 0;

    if (!log_last_seq(log_directory, &last, e) || !log_cursor_open(log_directory, 1, &c, e))
        return false;
    while (ok && (found = log_cursor_next(c, &r, e)) == 1 &&
           (t->o->until_seq == 0 || r.seq <= t->o->until_seq)) {
        ok = apply_record(t->apply, &r, e);
        if (ok && (r.seq & 0x3fff) == 0 &&
            !progress_report(t->o->progress, "deciding again", (double)r.seq / (double)(last + 1)))
            ok = error_set(e, ERROR_CANCELLED, "stopped");
    }
    log_cursor_close(c);
    return ok && found >= 0 && apply_flush(t->apply, e);
}

bool backtest(const struct backtest_options *o, struct error *e)
{
    struct tester t = {.o = o};
    char log_directory[PATH_MAX];
    struct plans *plans;
    bool ok;

    snprintf(log_directory, sizeof log_directory, "%s/log", o->directory);
    if (!truth_read(log_directory, o->progress, &t.truth, e))
        return false;
    plans = plans_new(o->directory);
    ok = state_open(&t.state, o->plan, &o->state, e);
    if (ok) {
        t.apply = apply_new(&(struct apply_options){.state = &t.state,
                                                    .plan = o->plan,
                                                    .plans = plans,
                                                    .on_decision = on_decision,
                                                    .decides_observed = true,
                                                    .context = &t});
        ok = walk(&t, log_directory, e) || t.has_enough;
        apply_free(t.apply);
    }
    state_close(&t.state);
    plans_free(plans);
    truth_free(t.truth);
    return ok;
}

void backtested_open(const struct backtested *b, const struct plan *p, struct buffer *out)
{
    const struct registers *r = engine_registers(b->engine);
    struct decision d = *b->decision;

    engine_reasons(b->engine, b->row, &d);
    verdict_open(&(struct verdict){.id = b->id,
                                   .seq = b->seq,
                                   .time_us = b->time_us,
                                   .received_us = INT64_MIN,
                                   .plan = p,
                                   .decision = &d},
                 out);
    verdict_add_label(out, b->label);
    buffer_add_text(out, ",\"features\":{");
    for (uint32_t i = 0; i < plan_feature_count(p); i++) {
        struct value v = column_get(&r->column[plan_feature_node(p, i)], b->row);

        if (i > 0)
            buffer_add_char(out, ',');
        json_add_text(out, text_of(plan_feature_name(p, i)));
        buffer_add_char(out, ':');
        json_add_value(out, &v);
    }
    buffer_add_char(out, '}');
}

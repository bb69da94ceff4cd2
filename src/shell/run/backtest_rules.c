/* The plan that runs has the drafts beside the rules in force, each with the mildest outcome as its
 * own, so that it fires without changing anything; a rule that is replaced is made as mild. One
 * pass then tells both what is decided without the drafts and what with them. */
#include "shell/run/backtest_rules.h"

#include <stdio.h>
#include <string.h>

#include "core/base/calendar.h"
#include "core/data/json.h"
#include "core/stats/interval.h"
#include "shell/run/verdict.h"

static const int64_t DAY_US = INT64_C(86400000000);

struct testing {
    struct rules_backtest *r;
    uint32_t rule[BACKTEST_DRAFTS_MAX]; /* of each draft in the plan */
    int replaced[BACKTEST_DRAFTS_MAX];  /* the rule that it replaces, or -1 */
    uint32_t replaced_then[BACKTEST_DRAFTS_MAX];
    int amount_field;
};

/* ---- the plan ---- */

static int rule_find(const struct settings *s, struct text name)
{
    for (uint32_t i = 0; i < s->rule_count; i++) {
        if (text_is(name, s->rules[i].name))
            return (int)i;
    }
    return -1;
}

static bool draft_is_fit(const struct rule_draft *d, struct error *e)
{
    if (d->name.length == 0 || d->name.length > PLAN_NAME_MAX - 16 || !text_is_utf8(d->name))
        return error_set(e, ERROR_INVALID, "rules: expected a name of 1 to %d bytes",
                         PLAN_NAME_MAX - 16);
    if (d->when.length == 0 || d->when.length > LANG_TEXT_MAX)
        return error_set(e, ERROR_INVALID, "rules.%.*s.when: expected 1 to %d bytes",
                         TEXT_ARG(d->name), LANG_TEXT_MAX);
    return true;
}

static bool outcome_find(const struct settings *s, const struct rule_draft *d, uint32_t *outcome,
                         struct error *e)
{
    for (*outcome = 0; *outcome < s->outcome_count; ++*outcome) {
        if (text_is(d->then, s->outcomes[*outcome]))
            return true;
    }
    return error_set(e, ERROR_INVALID, "rules.%.*s.then: no outcome \"%.*s\"", TEXT_ARG(d->name),
                     (int)(d->then.length < 64 ? d->then.length : 64), d->then.bytes);
}

static uint32_t outcome_of_rule(const struct settings *s, const struct rule_setting *rule)
{
    for (uint32_t i = 0; i < s->outcome_count; i++) {
        if (strcmp(rule->then, s->outcomes[i]) == 0)
            return i;
    }
    return 0;
}

/* The settings' rules and behind them the drafts. */
static struct rule_setting *with_drafts(const struct rules_backtest_options *o, struct testing *t,
                                        char text[][2][LANG_TEXT_MAX + 1], struct error *e)
{
    const struct settings *s = o->settings;
    struct rule_setting *rule = mem_array(s->rule_count + o->drafts, sizeof *rule);
    bool ok = true;

    for (uint32_t i = 0; i < s->rule_count; i++)
        rule[i] = s->rules[i];
    for (uint32_t i = 0; ok && i < o->drafts; i++) {
        const struct rule_draft *d = &o->draft[i];
        char *name = t->r->name[i], *shown = text[i][0], *when = text[i][1];

        ok = draft_is_fit(d, e) && outcome_find(s, d, &t->r->then[i], e);
        if (!ok)
            break;
        t->replaced[i] = rule_find(s, d->name);
        snprintf(name, PLAN_NAME_MAX + 1, "%.*s", TEXT_ARG(d->name));
        snprintf(shown, LANG_TEXT_MAX, "%s%s", name, t->replaced[i] >= 0 ? " (draft)" : "");
        snprintf(when, LANG_TEXT_MAX + 1, "%.*s", TEXT_ARG(d->when));
        t->rule[i] = s->rule_count + i;
        rule[t->rule[i]] = (struct rule_setting){shown, when, s->outcomes[0]};
        if (t->replaced[i] >= 0) {
            t->replaced_then[i] = outcome_of_rule(s, &s->rules[t->replaced[i]]);
            rule[t->replaced[i]].then = s->outcomes[0];
        }
    }
    if (ok)
        return rule;
    mem_free(rule);
    return NULL;
}

static bool make_plan(const struct rules_backtest_options *o, struct testing *t, struct error *e)
{
    struct settings s = *o->settings;
    char(*text)[2][LANG_TEXT_MAX + 1] = mem_array(o->drafts, sizeof *text);
    struct made_plan made;
    bool ok;

    s.rules = with_drafts(o, t, text, e);
    s.rule_count += o->drafts;
    ok = s.rules != NULL && plan_make(&s, o->schema, o->model.length > 0 ? o->model.bytes : NULL,
                                      o->model.length, &made, e);
    mem_free(s.rules);
    mem_free(text);
    if (!ok)
        return false;
    t->r->plan = plan_ref(made.plan);
    t->r->rules = plan_rule_count(made.plan);
    made_plan_fini(&made);
    for (uint32_t i = 0; i < o->drafts; i++)
        t->r->draft[i].overlap = mem_array(t->r->rules, sizeof(uint64_t));
    return true;
}

/* ---- counting ---- */

static double amount_of(const struct testing *t, const struct backtested *b)
{
    const struct column *c;

    if (t->amount_field == FIELD_NONE)
        return 0;
    c = &b->frame->column[t->amount_field];
    if (c->null[b->row])
        return 0;
    return c->type == TYPE_REAL      ? c->real[b->row]
           : c->type == TYPE_DECIMAL ? (double)c->integer[b->row] / 1e6
                                     : (double)c->integer[b->row];
}

static void count(struct backtest_counts *c, const struct backtested *b, double amount)
{
    c->events++;
    c->fraud += b->label == 1;
    c->legit += b->label == 0;
    c->amount += amount;
    if (b->label == 1)
        c->fraud_amount += amount;
}

/* The outcome before the drafts: rules that are replaced still have theirs, but for that of draft
 * `without`. */
static uint32_t outcome_before(const struct testing *t, const struct decision *d, uint32_t without)
{
    uint32_t outcome = d->outcome;

    for (uint32_t i = 0; i < t->r->drafts; i++) {
        if (i != without && t->replaced[i] >= 0 && decision_has_rule(d, (uint32_t)t->replaced[i]) &&
            t->replaced_then[i] > outcome)
            outcome = t->replaced_then[i];
    }
    return outcome;
}

static uint32_t outcome_after(const struct testing *t, const struct decision *d)
{
    uint32_t outcome = d->outcome;

    for (uint32_t i = 0; i < t->r->drafts; i++) {
        if (decision_has_rule(d, t->rule[i]) && t->r->then[i] > outcome)
            outcome = t->r->then[i];
    }
    return outcome;
}

/* Events come nearly in order of time: the day is at or near the end. */
static struct backtest_day *day_of(struct rule_backtest *d, int64_t time_us)
{
    int64_t day = time_us >= 0 ? time_us / DAY_US : -1 - (-1 - time_us) / DAY_US;
    uint32_t at = d->day_count;

    while (at > 0 && d->days[at - 1].day >= day)
        at--;
    if (at < d->day_count && d->days[at].day == day)
        return &d->days[at];
    if (d->day_count == BACKTEST_DAYS_MAX)
        return NULL;
    memmove(&d->days[at + 1], &d->days[at], (d->day_count - at) * sizeof *d->days);
    d->days[at] = (struct backtest_day){.day = day};
    d->day_count++;
    return &d->days[at];
}

static void note_hit(struct rule_backtest *d, const struct backtested *b, uint32_t before)
{
    struct backtest_hit *h = &d->hit[d->hit_count++ % BACKTEST_HITS_MAX];

    snprintf(h->id, sizeof h->id, "%.*s", TEXT_ARG(b->id));
    h->time_us = b->time_us;
    h->score = b->decision->score;
    h->outcome = (uint8_t)before;
    h->label = b->label;
}

static void count_draft(struct testing *t, uint32_t i, const struct backtested *b, uint32_t before,
                        double amount)
{
    struct rule_backtest *d = &t->r->draft[i];
    bool fires = decision_has_rule(b->decision, t->rule[i]);
    struct backtest_day *day = day_of(d, b->time_us);

    if (day != NULL) {
        day->events++;
        day->hits += fires;
        day->fraud_hits += fires && b->label == 1;
    }
    if (t->replaced[i] >= 0 && decision_has_rule(b->decision, (uint32_t)t->replaced[i]))
        count(&d->before, b, amount);
    if (!fires)
        return;
    count(&d->hits, b, amount);
    note_hit(d, b, before);
    if (t->r->then[i] > outcome_before(t, b->decision, i))
        count(&d->changed, b, amount);
    for (uint32_t k = 0; k < t->r->rules; k++)
        d->overlap[k] += decision_has_rule(b->decision, k);
}

static bool visit(void *context, const struct backtested *b)
{
    struct testing *t = context;
    struct rules_backtest *r = t->r;
    uint32_t before = outcome_before(t, b->decision, UINT32_MAX);
    double amount = amount_of(t, b);

    if (r->all.events == 0 || b->time_us < r->first_us)
        r->first_us = b->time_us;
    if (r->all.events == 0 || b->time_us > r->last_us)
        r->last_us = b->time_us;
    count(&r->all, b, amount);
    r->outcomes_before[before]++;
    r->outcomes_after[outcome_after(t, b->decision)]++;
    for (uint32_t i = 0; i < r->drafts; i++)
        count_draft(t, i, b, before, amount);
    return true;
}

bool rules_backtest(const struct rules_backtest_options *o, struct rules_backtest *r,
                    struct error *e)
{
    struct testing t = {.r = r, .amount_field = FIELD_NONE};
    bool ok;

    *r = (struct rules_backtest){.drafts = o->drafts, .alert_cost = o->settings->model.alert_cost};
    if (o->drafts == 0 || o->drafts > BACKTEST_DRAFTS_MAX)
        return error_set(e, ERROR_INVALID, "rules: expected 1 to %d of them, found %u",
                         BACKTEST_DRAFTS_MAX, o->drafts);
    r->name = mem_array(o->drafts, sizeof *r->name);
    for (uint32_t i = 0; i < o->drafts; i++)
        r->draft[i].days = mem_array(BACKTEST_DAYS_MAX, sizeof(struct backtest_day));
    ok = make_plan(o, &t, e);
    if (ok && o->settings->event.amount != NULL)
        t.amount_field = schema_find(plan_schema(r->plan), text_of(o->settings->event.amount));
    r->has_amount = t.amount_field != FIELD_NONE;
    for (uint32_t i = 0; ok && i < o->drafts; i++)
        r->draft[i].replaces = t.replaced[i] >= 0;
    ok = ok && backtest(&(struct backtest_options){.directory = o->directory,
                                                   .state = o->state,
                                                   .plan = r->plan,
                                                   .from_us = o->from_us,
                                                   .to_us = o->to_us,
                                                   .progress = o->progress,
                                                   .visit = visit,
                                                   .context = &t},
                        e);
    if (!ok)
        rules_backtest_fini(r);
    return ok;
}

void rules_backtest_fini(struct rules_backtest *r)
{
    plan_unref(r->plan);
    mem_free(r->name);
    for (uint32_t i = 0; i < BACKTEST_DRAFTS_MAX; i++) {
        mem_free(r->draft[i].overlap);
        mem_free(r->draft[i].days);
    }
    *r = (struct rules_backtest){0};
}

/* ---- JSON ---- */

static void add_counts(const char *key, const struct backtest_counts *c, bool has_amount,
                       struct buffer *out)
{
    buffer_format(out, ",\"%s\":{\"events\":%lu,\"fraud\":%lu,\"legit\":%lu,\"unknown\":%lu", key,
                  (unsigned long)c->events, (unsigned long)c->fraud, (unsigned long)c->legit,
                  (unsigned long)(c->events - c->fraud - c->legit));
    if (has_amount) {
        buffer_add_text(out, ",\"amount\":");
        json_add_real(out, c->amount);
        buffer_add_text(out, ",\"fraud_amount\":");
        json_add_real(out, c->fraud_amount);
    }
    buffer_add_char(out, '}');
}

/* part / whole with Wilson's interval; null where there is no whole. */
static void add_share(const char *key, uint64_t part, uint64_t whole, struct buffer *out)
{
    double low, high;

    buffer_format(out, ",\"%s\":", key);
    if (whole == 0) {
        buffer_add_text(out, "null");
        return;
    }
    interval_of_share((double)part, (double)whole, &low, &high);
    buffer_add_text(out, "{\"value\":");
    json_add_real(out, (double)part / (double)whole);
    buffer_add_text(out, ",\"low\":");
    json_add_real(out, low);
    buffer_add_text(out, ",\"high\":");
    json_add_real(out, high);
    buffer_add_char(out, '}');
}

static void add_overlap(const struct rules_backtest *r, uint32_t i, struct buffer *out)
{
    const char *sign = "";

    buffer_add_text(out, ",\"overlap\":{");
    for (uint32_t k = 0; k < r->rules; k++) {
        const char *name = plan_rule_name(r->plan, k);

        if (r->draft[i].overlap[k] == 0 || strcmp(name, r->name[i]) == 0 ||
            strstr(name, " (draft)") != NULL)
            continue;
        buffer_add_text(out, sign);
        json_add_text(out, text_of(name));
        buffer_format(out, ":%lu", (unsigned long)r->draft[i].overlap[k]);
        sign = ",";
    }
    buffer_add_char(out, '}');
}

static void add_hits(const struct rules_backtest *r, const struct rule_backtest *d,
                     struct buffer *out)
{
    uint64_t shown = d->hit_count < BACKTEST_HITS_MAX ? d->hit_count : BACKTEST_HITS_MAX;

    buffer_add_text(out, ",\"newest\":[");
    for (uint64_t n = 0; n < shown; n++) {
        const struct backtest_hit *h = &d->hit[(d->hit_count - 1 - n) % BACKTEST_HITS_MAX];

        buffer_add_text(out, n > 0 ? ",{\"id\":" : "{\"id\":");
        json_add_text(out, text_of(h->id));
        verdict_add_time(out, "time", h->time_us);
        buffer_format(out, ",\"score\":%d,\"outcome\":", h->score);
        json_add_text(out, text_of(plan_outcome_name(r->plan, h->outcome)));
        verdict_add_label(out, h->label);
        buffer_add_char(out, '}');
    }
    buffer_add_char(out, ']');
}

static void add_days(const struct rule_backtest *d, struct buffer *out)
{
    buffer_add_text(out, ",\"days\":[");
    for (uint32_t i = 0; i < d->day_count; i++) {
        char time[TIME_TEXT_MAX];

        time_format(d->days[i].day * DAY_US, time);
        buffer_format(out, "%s{\"day\":\"%.10s\",\"events\":%lu,\"hits\":%lu,\"fraud\":%lu}",
                      i > 0 ? "," : "", time, (unsigned long)d->days[i].events,
                      (unsigned long)d->days[i].hits, (unsigned long)d->days[i].fraud_hits);
    }
    buffer_add_char(out, ']');
}

static void add_draft(const struct rules_backtest *r, uint32_t i, struct buffer *out)
{
    const struct rule_backtest *d = &r->draft[i];

    buffer_add_text(out, i > 0 ? ",{\"rule\":" : "{\"rule\":");
    json_add_text(out, text_of(r->name[i]));
    buffer_add_text(out, ",\"then\":");
    json_add_text(out, text_of(plan_outcome_name(r->plan, r->then[i])));
    buffer_format(out, ",\"replaces\":%s", d->replaces ? "true" : "false");
    add_counts("hits", &d->hits, r->has_amount, out);
    add_counts("changed", &d->changed, r->has_amount, out);
    if (d->replaces)
        add_counts("before", &d->before, r->has_amount, out);
    add_share("precision", d->hits.fraud, d->hits.fraud + d->hits.legit, out);
    add_share("recall", d->hits.fraud, r->all.fraud, out);
    add_share("false_positive_rate", d->hits.legit, r->all.legit, out);
    if (r->has_amount) {
        buffer_add_text(out, ",\"cost\":{\"alerts\":");
        json_add_real(out, r->alert_cost * (double)d->changed.events);
        buffer_add_text(out, ",\"fraud_found\":");
        json_add_real(out, d->changed.fraud_amount);
        buffer_add_char(out, '}');
    }
    add_overlap(r, i, out);
    add_days(d, out);
    add_hits(r, d, out);
    buffer_add_char(out, '}');
}

static void add_outcomes(const struct rules_backtest *r, const char *key, const uint64_t *n,
                         struct buffer *out)
{
    buffer_format(out, ",\"%s\":{", key);
    for (uint32_t i = 0; i < plan_outcome_count(r->plan); i++) {
        if (i > 0)
            buffer_add_char(out, ',');
        json_add_text(out, text_of(plan_outcome_name(r->plan, i)));
        buffer_format(out, ":%lu", (unsigned long)n[i]);
    }
    buffer_add_char(out, '}');
}

void rules_backtest_json(const struct rules_backtest *r, struct buffer *out)
{
    buffer_format(out, "{\"events\":%lu", (unsigned long)r->all.events);
    if (r->all.events > 0) {
        verdict_add_time(out, "first", r->first_us);
        verdict_add_time(out, "last", r->last_us);
    }
    add_counts("all", &r->all, r->has_amount, out);
    add_outcomes(r, "outcomes_before", r->outcomes_before, out);
    add_outcomes(r, "outcomes_after", r->outcomes_after, out);
    buffer_add_text(out, ",\"rules\":[");
    for (uint32_t i = 0; i < r->drafts; i++)
        add_draft(r, i, out);
    buffer_add_text(out, "]}");
}

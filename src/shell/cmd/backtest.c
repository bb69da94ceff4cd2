/* `assay backtest`: what rules would have done. */
#include "shell/run/backtest_rules.h"

#include <limits.h>

#include "core/base/number.h"
#include "core/stats/interval.h"
#include "shell/cmd/cmd.h"
#include "shell/rules/overlay.h"
#include "shell/run/current.h"
#include "shell/run/data_directory.h"
#include "shell/settings/value.h"

static bool add_named(const struct settings *s, const char *name, struct rule_draft *d,
                      struct error *e)
{
    for (uint32_t i = 0; i < s->rule_count; i++) {
        const struct rule_setting *r = &s->rules[i];

        if (strcmp(name, r->name) == 0) {
            *d = (struct rule_draft){text_of(r->name), text_of(r->when), text_of(r->then)};
            return true;
        }
    }
    return error_set(e, ERROR_USAGE,
                     "the settings have no rule \"%s\"; hint: a new condition is tried by "
                     "assay backtest --when 'amount > 500'",
                     name);
}

#define DRAFT_NAME "DRAFT" /* of a rule that was given none */

/* The mildest that is not the usual one. */
static const char *default_outcome(const struct settings *s)
{
    return s->outcome_count > 1 ? s->outcomes[1] : "review";
}

/* What to try: the rule of --when, else those of the settings that are named, else all. */
static bool drafts_read(const struct invocation *v, const struct settings *s,
                        struct rule_draft draft[BACKTEST_DRAFTS_MAX], uint32_t *drafts,
                        struct error *e)
{
    const char *when = option_get(v, "when"), *then = option_get(v, "then");

    *drafts = 0;
    if (when != NULL || then != NULL) {
        const char *name = v->argument_count > 0 ? v->argument[0] : DRAFT_NAME;

        if (when == NULL || v->argument_count > 1)
            return error_set(e, ERROR_USAGE,
                             "a new rule needs --when, and may have one name and --then: assay "
                             "backtest BIG --when 'amount > 500' --then %s",
                             default_outcome(s));
        draft[(*drafts)++] = (struct rule_draft){text_of(name), text_of(when),
                                                 text_of(then != NULL ? then : default_outcome(s))};
        return true;
    }
    if (v->argument_count > BACKTEST_DRAFTS_MAX ||
        (v->argument_count == 0 && s->rule_count > BACKTEST_DRAFTS_MAX))
        return error_set(e, ERROR_USAGE, "over %d rules at once: name some of them",
                         BACKTEST_DRAFTS_MAX);
    for (uint32_t i = 0; i < v->argument_count; i++) {
        if (!add_named(s, v->argument[i], &draft[(*drafts)++], e))
            return false;
    }
    for (uint32_t i = 0; v->argument_count == 0 && i < s->rule_count; i++) {
        if (!add_named(s, s->rules[i].name, &draft[(*drafts)++], e))
            return false;
    }
    return *drafts > 0 ||
           error_set(e, ERROR_USAGE, "the settings have no rules; try one by --when and --then");
}

static bool time_option(const struct invocation *v, const char *name, int64_t *us, struct error *e)
{
    const char *word = option_get(v, name);

    return word == NULL || setting_parse_time(text_of(word), us) ||
           error_set(e, ERROR_USAGE, "--%s: expected a time such as 2018-07-25, found \"%.64s\"",
                     name, word);
}

/* ---- words ---- */

static void say_counts(const char *words, const struct backtest_counts *c, bool has_amount,
                       struct buffer *out)
{
    buffer_format(out, "  %-11s %lu events: %lu fraud, %lu legitimate, %lu not known yet", words,
                  (unsigned long)c->events, (unsigned long)c->fraud, (unsigned long)c->legit,
                  (unsigned long)(c->events - c->fraud - c->legit));
    if (has_amount)
        buffer_format(out, "; amount %.2f, of it fraud %.2f", c->amount, c->fraud_amount);
    buffer_add_char(out, '\n');
}

static void say_share(const char *words, uint64_t part, uint64_t whole, struct buffer *out)
{
    double low, high;

    if (whole == 0) {
        buffer_format(out, "  %-11s unknown: no label yet\n", words);
        return;
    }
    interval_of_share((double)part, (double)whole, &low, &high);
    buffer_format(out, "  %-11s %.1f %% [%.1f, %.1f] (%lu of %lu)\n", words,
                  100.0 * (double)part / (double)whole, 100 * low, 100 * high, (unsigned long)part,
                  (unsigned long)whole);
}

/* Hits a day as a row of bars, the newest last. */
static void say_days(const struct rule_backtest *d, struct buffer *out)
{
    static const char *const bars[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    enum { SHOWN = 60 };
    uint32_t first = d->day_count > SHOWN ? d->day_count - SHOWN : 0;
    uint64_t most = 0;

    for (uint32_t i = first; i < d->day_count; i++)
        most = d->days[i].hits > most ? d->days[i].hits : most;
    if (d->day_count < 2 || most == 0)
        return;
    buffer_format(out, "  %-11s ", "by day");
    for (uint32_t i = first; i < d->day_count; i++)
        buffer_add_text(out, bars[(d->days[i].hits * 8 + most - 1) / most]);
    buffer_format(out, "  at most %lu\n", (unsigned long)most);
}

static void say_draft(const struct rules_backtest *r, uint32_t i, const struct term *t,
                      struct buffer *out)
{
    const struct rule_backtest *d = &r->draft[i];

    buffer_format(out, "\n%s%s%s -> %s%s\n", term_colour(t, COLOUR_BOLD), r->name[i],
                  term_colour(t, COLOUR_NONE), plan_outcome_name(r->plan, r->then[i]),
                  d->replaces ? " (in the place of the rule that is there)" : "");
    say_counts("hits", &d->hits, r->has_amount, out);
    if (d->replaces)
        say_counts("before", &d->before, r->has_amount, out);
    say_counts("stricter", &d->changed, r->has_amount, out);
    say_share("precision", d->hits.fraud, d->hits.fraud + d->hits.legit, out);
    say_share("recall", d->hits.fraud, r->all.fraud, out);
    if (r->has_amount)
        buffer_format(out, "  %-11s %.2f for alerts, %.2f of fraud found\n", "cost",
                      r->alert_cost * (double)d->changed.events, d->changed.fraud_amount);
    for (uint32_t k = 0; k < r->rules; k++) {
        const char *name = plan_rule_name(r->plan, k);

        if (d->overlap[k] > 0 && strcmp(name, r->name[i]) != 0 && strstr(name, " (draft)") == NULL)
            buffer_format(out, "  %-11s %lu hits also of %s\n", "overlap",
                          (unsigned long)d->overlap[k], name);
    }
    say_days(d, out);
}

static void say(const struct rules_backtest *r, const struct term *t, struct buffer *out)
{
    char first[TIME_TEXT_MAX], last[TIME_TEXT_MAX];

    if (r->all.events == 0) {
        buffer_add_text(out, "No event of the log is in that time.\n");
        return;
    }
    time_format(r->first_us, first);
    time_format(r->last_us, last);
    buffer_format(out, "%lu events from %s to %s, decided again with their features as of then\n",
                  (unsigned long)r->all.events, first, last);
    for (uint32_t i = 0; i < r->drafts; i++)
        say_draft(r, i, t, out);
    buffer_add_text(out, "\nOutcomes before and with ");
    buffer_add_text(out, r->drafts == 1 ? "it:\n" : "them:\n");
    for (uint32_t i = 0; i < plan_outcome_count(r->plan); i++)
        buffer_format(out, "  %-24s %10lu %10lu\n", plan_outcome_name(r->plan, i),
                      (unsigned long)r->outcomes_before[i], (unsigned long)r->outcomes_after[i]);
}

static bool print_backtest(struct invocation *v, const struct rules_backtest *r, struct error *e)
{
    struct buffer out;
    bool ok;

    buffer_init(&out, OUTPUT_MAX);
    if (v->json) {
        rules_backtest_json(r, &out);
        buffer_add_char(&out, '\n');
    } else {
        say(r, &v->term, &out);
    }
    ok = print_result(&out, e);
    buffer_fini(&out);
    return ok;
}

static bool backtest_with(struct invocation *v, struct settings *s, struct current *c,
                          struct error *e)
{
    char directory[DATA_PATH_MAX];
    struct rule_draft draft[BACKTEST_DRAFTS_MAX];
    struct rules_backtest r;
    struct rules_backtest_options o = {.directory = directory,
                                       .settings = s,
                                       .schema = plan_schema(c->made.plan),
                                       .model = {c->model.bytes, c->model.length},
                                       .state = data_state_options(s, v->simd, ENGINE_BATCH_MAX),
                                       .draft = draft,
                                       .from_us = INT64_MIN,
                                       .to_us = INT64_MAX,
                                       .progress = term_progress(&v->term)};
    bool ok = drafts_read(v, s, draft, &o.drafts, e) && time_option(v, "from", &o.from_us, e) &&
              time_option(v, "to", &o.to_us, e) && data_shard_directory(s, directory, e) &&
              rules_backtest(&o, &r, e);

    term_clear(&v->term);
    if (!ok)
        return false;
    ok = print_backtest(v, &r, e);
    rules_backtest_fini(&r);
    return ok;
}

static bool backtest_run(struct invocation *v, struct error *e)
{
    char data[DATA_PATH_MAX];
    struct settings *s = NULL;
    struct overlay o; /* with the rules of the API that are in force */
    struct current c;
    bool ok = invocation_settings(v, &s, e) && data_directory(s, data, e);

    if (!ok) {
        settings_free(s);
        return false;
    }
    ok = overlay_of_directory(&o, s, data, e) &&
         current_open(&o.settings, NULL, CURRENT_MODEL_NEEDED, &c, e);
    if (ok) {
        ok = backtest_with(v, &o.settings, &c, e);
        current_close(&c);
    } else {
        overlay_blame(&o, e);
    }
    overlay_fini(&o);
    settings_free(s);
    return ok;
}

static const struct option options[] = {
    {"when", 0, "CONDITION", "a new rule's condition, or another one for the rule of this name"},
    {"then", 0, "OUTCOME", "and what follows from it (default: the second mildest)"},
    {"from", 0, "TIME", "events from this time on"},
    {"to", 0, "TIME", "events before this time"},
    {0},
};

const struct command command_backtest = {
    .name = "backtest",
    .group = GROUP_LOOK,
    .summary = "what rules would have done: hits, precision, overlap, cost",
    .arguments = "[RULE...]",
    .most = BACKTEST_DRAFTS_MAX,
    .words =
        "Decides the events of the log again, each with its features and lists as of then, and "
        "compares with the\nlabels known by now. Without --when: the rules of the settings that "
        "are named, or all.",
    .options = options,
    .examples = "  assay backtest\n"
                "  assay backtest --when 'amount > 500'\n"
                "  assay backtest NIGHT_SPREE --from 2026-03-01 --json\n"
                "  assay backtest BIG --when 'amount > 3 * mean(amount) by customer over 30d' "
                "--then review\n",
    .run = backtest_run,
};

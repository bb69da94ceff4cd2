/* `assay model compare --live`: champion, challenger and shadow by what they said in service. */
#include <limits.h>
#include <math.h>

#include "core/base/memory.h"
#include "core/data/json.h"
#include "core/stats/agreement.h"
#include "core/stats/metrics.h"
#include "shell/cmd/model_actions.h"
#include "shell/report/words.h"
#include "shell/run/data_directory.h"
#include "shell/run/service_scores.h"
#include "shell/settings/value.h"

enum { RESAMPLES = 200, FEW_FRAUDS = 20 };

/* One of them, over the events whose label is known. */
struct spoken {
    struct metrics metrics;
    uint64_t alerts; /* of all events, labelled or not */
    double ranks;    /* rank correlation with the champion, over all events; NaN: undefined */
    double same;     /* share of all events that both alert or both let pass */
};

struct live_figures {
    struct service_scores live;
    double threshold; /* an alert is a probability from here on */
    uint32_t labelled, frauds;
    double fraud_amount;
    struct spoken by[DECIDERS];
};

static bool is_present(const struct live_figures *f, unsigned who)
{
    return (f->live.present >> who & 1) != 0;
}

static double lowest_threshold(const struct settings *s)
{
    double least = 1;

    for (uint32_t i = 0; i < s->decision_count; i++) {
        double at = (double)s->decision[i].score / 1000;

        least = at < least ? at : least;
    }
    return s->decision_count > 0 ? least : 0.5;
}

/* The rows with a label, one behind the other; their order is kept. */
static void pick_labelled(const struct service_scores *l, const double *probability,
                          struct outcomes *o, double *p, uint8_t *label, double *amount,
                          int32_t *day)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < l->rows; i++) {
        if (l->label[i] > 1)
            continue;
        p[n] = probability[i];
        label[n] = l->label[i];
        amount[n] = l->amount[i];
        day[n++] = l->day[i];
    }
    *o = (struct outcomes){.rows = n,
                           .probability = p,
                           .label = label,
                           .amount = l->has_amount ? amount : NULL,
                           .day = day};
}

static bool measure_one(struct live_figures *f, unsigned who, double alert_cost,
                        const struct progress *progress, struct error *e)
{
    const struct service_scores *l = &f->live;
    const double *mine = l->probability[who], *champion = l->probability[BY_CHAMPION];
    struct metrics_options options = {.bootstrap = RESAMPLES,
                                      .alert_cost = alert_cost,
                                      .threshold = &f->threshold,
                                      .thresholds = 1,
                                      .progress = progress};
    double *p = mem_array((size_t)l->rows + 1, sizeof *p);
    double *amount = mem_array((size_t)l->rows + 1, sizeof *amount);
    uint8_t *label = mem_array((size_t)l->rows + 1, 1);
    int32_t *day = mem_array((size_t)l->rows + 1, sizeof *day);
    uint64_t same = 0;
    struct outcomes o;
    bool ok;

    pick_labelled(l, mine, &o, p, label, amount, day);
    ok = metrics_compute(&o, &options, &f->by[who].metrics, e);
    for (uint32_t i = 0; i < l->rows; i++) {
        f->by[who].alerts += mine[i] >= f->threshold;
        same += (mine[i] >= f->threshold) == (champion[i] >= f->threshold);
    }
    f->by[who].same = l->rows > 0 ? (double)same / l->rows : NAN;
    f->by[who].ranks = agreement_of_ranks(mine, champion, l->rows);
    f->labelled = f->by[who].metrics.rows;
    f->frauds = f->by[who].metrics.frauds;
    f->fraud_amount = f->by[who].metrics.fraud_amount;
    mem_free(p);
    mem_free(amount);
    mem_free(label);
    mem_free(day);
    return ok;
}

/* ---- words ---- */

typedef void (*say_cell)(const struct live_figures *f, unsigned who, struct buffer *out);

static const struct threshold_row *at_threshold(const struct live_figures *f, unsigned who)
{
    return &f->by[who].metrics.threshold[0];
}

static void say_estimate(const struct estimate *v, bool is_share, struct buffer *out)
{
    if (v->is_null)
        buffer_add_char(out, '-');
    else
        words_estimate(out, v, is_share);
}

static void say_decided(const struct live_figures *f, unsigned who, struct buffer *out)
{
    words_count(out, f->live.decided_by[who]);
}

static void say_precision_average(const struct live_figures *f, unsigned who, struct buffer *out)
{
    say_estimate(&f->by[who].metrics.average_precision, false, out);
}

static void say_auc(const struct live_figures *f, unsigned who, struct buffer *out)
{
    say_estimate(&f->by[who].metrics.auc_roc, false, out);
}

static void say_alerts(const struct live_figures *f, unsigned who, struct buffer *out)
{
    words_count(out, f->by[who].alerts);
}

static void say_precision(const struct live_figures *f, unsigned who, struct buffer *out)
{
    say_estimate(&at_threshold(f, who)->precision, true, out);
}

static void say_recall(const struct live_figures *f, unsigned who, struct buffer *out)
{
    say_estimate(&at_threshold(f, who)->recall, true, out);
}

static void say_value(const struct live_figures *f, unsigned who, struct buffer *out)
{
    say_estimate(&at_threshold(f, who)->value_caught, true, out);
}

static void say_same(const struct live_figures *f, unsigned who, struct buffer *out)
{
    if (isnan(f->by[who].same))
        buffer_add_char(out, '-');
    else
        words_percent(out, f->by[who].same);
}

static void say_ranks(const struct live_figures *f, unsigned who, struct buffer *out)
{
    if (isnan(f->by[who].ranks))
        buffer_add_char(out, '-');
    else
        words_number(out, f->by[who].ranks);
}

static const struct {
    const char *name;
    say_cell say;
} lines[] = {
    {"decided", say_decided},
    {"average precision", say_precision_average},
    {"AUC ROC", say_auc},
    {"alerts", say_alerts},
    {"alert precision", say_precision},
    {"recall", say_recall},
    {"value detected", say_value},
    {"same side as champion", say_same},
    {"rank correlation", say_ranks},
};

static void say_line(const struct live_figures *f, unsigned line, struct buffer *out)
{
    enum { CELL = 24 };

    buffer_format(out, "%-22s", lines[line].name);
    for (unsigned who = 0; who < DECIDERS; who++) {
        size_t before = out->length;

        if (!is_present(f, who))
            continue;
        lines[line].say(f, who, out);
        while (out->length < before + CELL && !out->overflow)
            buffer_add_char(out, ' ');
    }
    buffer_add_char(out, '\n');
}

/* Whose average precision is above the champion's beyond doubt, or is not. */
static void say_findings(const struct live_figures *f, struct buffer *out)
{
    const struct estimate *champion = &f->by[BY_CHAMPION].metrics.average_precision;

    if (f->frauds < FEW_FRAUDS)
        buffer_format(out, "%u frauds are known: too few to tell models apart\n", f->frauds);
    for (unsigned who = BY_CHALLENGER; who < DECIDERS; who++) {
        const struct estimate *other = &f->by[who].metrics.average_precision;

        if (!is_present(f, who) || champion->is_null || other->is_null)
            continue;
        buffer_format(out, "the %s's average precision is %s\n", decider_name((enum decider)who),
                      other->low > champion->high   ? "above the champion's, intervals apart"
                      : other->high < champion->low ? "below the champion's, intervals apart"
                                                    : "not told apart from the champion's");
    }
    buffer_add_text(
        out, "labels come late, and what was declined or reviewed is labelled more often than "
             "the rest:\nthe figures favour whoever decided\n");
}

static void say(const struct live_figures *f, struct buffer *out)
{
    const struct service_scores *l = &f->live;

    words_count(out, l->rows);
    buffer_add_text(out, " decisions of the models in force");
    if (l->rows > 0) {
        buffer_add_text(out, ", ");
        words_period(out, l->first_us, l->last_us + 1);
    }
    buffer_format(out, "; %u with a label, %u of them frauds", f->labelled, f->frauds);
    if (l->has_amount) {
        buffer_add_text(out, " worth ");
        words_money(out, f->fraud_amount);
    }
    buffer_format(out, "\nleft out: %lu of other models, %lu without a score of each\n\n%-22s",
                  (unsigned long)l->others, (unsigned long)l->incomplete, "");
    for (unsigned who = 0; who < DECIDERS; who++) {
        if (is_present(f, who))
            buffer_format(out, "%-24s", decider_name((enum decider)who));
    }
    buffer_add_char(out, '\n');
    for (unsigned i = 0; i < sizeof lines / sizeof *lines; i++)
        say_line(f, i, out);
    buffer_format(out, "(an alert is a probability of %g or more)\n\n", f->threshold);
    say_findings(f, out);
}

/* ---- JSON ---- */

static void add_real(const char *key, double v, struct buffer *out)
{
    buffer_format(out, ",\"%s\":", key);
    if (isnan(v))
        buffer_add_text(out, "null");
    else
        json_add_real(out, v);
}

static void add_estimate(const char *key, const struct estimate *v, struct buffer *out)
{
    if (v->is_null) {
        buffer_format(out, ",\"%s\":null", key);
        return;
    }
    buffer_format(out, ",\"%s\":{\"value\":", key);
    json_add_real(out, v->value);
    add_real("low", v->low, out);
    add_real("high", v->high, out);
    buffer_add_char(out, '}');
}

static void add_spoken(const struct live_figures *f, unsigned who, struct buffer *out)
{
    const struct spoken *s = &f->by[who];
    const struct threshold_row *row = at_threshold(f, who);

    buffer_format(out, "{\"alias\":\"%s\",\"decided\":%lu,\"alerts\":%lu",
                  decider_name((enum decider)who), (unsigned long)f->live.decided_by[who],
                  (unsigned long)s->alerts);
    add_estimate("average_precision", &s->metrics.average_precision, out);
    add_estimate("auc_roc", &s->metrics.auc_roc, out);
    buffer_format(out, ",\"tp\":%u,\"fp\":%u,\"fn\":%u,\"tn\":%u", row->tp, row->fp, row->fn,
                  row->tn);
    add_estimate("alert_precision", &row->precision, out);
    add_estimate("recall", &row->recall, out);
    add_estimate("value_detected", &row->value_caught, out);
    add_real("same_side_as_champion", s->same, out);
    add_real("rank_correlation", s->ranks, out);
    buffer_add_char(out, '}');
}

static void add_json(const struct live_figures *f, struct buffer *out)
{
    const struct service_scores *l = &f->live;
    const char *between = "";

    buffer_format(out,
                  "{\"live\":{\"decisions\":%u,\"labelled\":%u,\"frauds\":%u,\"other_models\":%lu,"
                  "\"incomplete\":%lu",
                  l->rows, f->labelled, f->frauds, (unsigned long)l->others,
                  (unsigned long)l->incomplete);
    add_real("fraud_amount", l->has_amount ? f->fraud_amount : NAN, out);
    add_real("threshold", f->threshold, out);
    buffer_add_text(out, ",\"models\":[");
    for (unsigned who = 0; who < DECIDERS; who++) {
        if (!is_present(f, who))
            continue;
        buffer_add_text(out, between);
        add_spoken(f, who, out);
        between = ",\n";
    }
    buffer_add_text(out, "]}}\n");
}

/* ---- the action ---- */

static bool measure(struct invocation *v, const struct settings *s, struct live_figures *f,
                    struct error *e)
{
    const struct progress *progress = term_progress(&v->term);
    bool ok = true;

    f->threshold = lowest_threshold(s);
    for (unsigned who = 0; who < DECIDERS && ok; who++)
        ok = !is_present(f, who) || measure_one(f, who, s->model.alert_cost, progress, e);
    return ok;
}

bool model_compare_live(struct invocation *v, struct settings *s, struct error *e)
{
    const char *from = option_get(v, "from");
    char directory[DATA_PATH_MAX];
    struct service_scores_options o = {.directory = directory,
                                       .amount_field = s->event.amount,
                                       .from_us = INT64_MIN,
                                       .to_us = INT64_MAX,
                                       .progress = term_progress(&v->term)};
    struct live_figures *f;
    struct buffer out;
    bool ok;

    if (v->argument_count > 1 || option_has(v, "at"))
        return error_set(e, ERROR_USAGE,
                         "model compare --live: takes no names and no --at; it compares who is in "
                         "force, at the settings' first decision");
    if (from != NULL && !setting_parse_time(text_of(from), &o.from_us))
        return error_set(e, ERROR_USAGE,
                         "--from: expected a time such as 2018-07-25, found \"%.64s\"", from);
    f = mem_alloc(sizeof *f);
    ok = data_shard_directory(s, directory, e) && service_scores_read(&o, &f->live, e);
    ok = ok && measure(v, s, f, e);
    term_clear(&v->term);
    buffer_init(&out, OUTPUT_MAX);
    if (ok && v->json)
        add_json(f, &out);
    else if (ok)
        say(f, &out);
    ok = ok && print_result(&out, e);
    buffer_fini(&out);
    service_scores_free(&f->live);
    mem_free(f);
    return ok;
}

#include "shell/train/findings.h"

#include <math.h>
#include <stdio.h>

#include "core/data/json.h"
#include "shell/report/metrics_json.h"

static const char *const goal_name[] = {"score", "f_beta", "cost", "recall", "alerts_per_day"};

static void add_key(struct buffer *out, const char *key, bool first)
{
    buffer_add_text(out, first ? "" : ",");
    json_add_text(out, text_of(key));
    buffer_add_char(out, ':');
}

static void add_real(struct buffer *out, const char *key, double v, bool first)
{
    add_key(out, key, first);
    json_add_real(out, v);
}

static void add_whole(struct buffer *out, const char *key, int64_t v, bool first)
{
    add_key(out, key, first);
    json_add_int(out, v);
}

static void add_text(struct buffer *out, const char *key, const char *text, bool first)
{
    add_key(out, key, first);
    json_add_text(out, text_of(text));
}

static void add_time(struct buffer *out, const char *key, int64_t time_us, bool first)
{
    char text[TIME_TEXT_MAX];

    time_format(time_us, text);
    add_text(out, key, text, first);
}

static void add_bool(struct buffer *out, const char *key, bool v)
{
    add_key(out, key, false);
    buffer_add_text(out, v ? "true" : "false");
}

static double value_of(const struct estimate *f)
{
    return f->is_null ? NAN : f->value;
}

static void add_comparison(const struct trained *m, struct buffer *out)
{
    const struct threshold_row *t = evaluate_own_row(m);
    const struct metrics *k = &m->metrics;

    add_bool(out, "better_than_chance", k->better_than_chance);
    add_whole(out, "tp", t->tp, false);
    add_whole(out, "fp", t->fp, false);
    add_whole(out, "fn", t->fn, false);
    add_whole(out, "tn", t->tn, false);
    add_real(out, "precision", value_of(&t->precision), false);
    add_real(out, "recall", value_of(&t->recall), false);
    add_real(out, "f1", value_of(&t->f1), false);
    add_real(out, "false_positive_rate", value_of(&t->false_positive_rate), false);
    add_real(out, "auc_roc", value_of(&k->auc_roc), false);
    add_real(out, "average_precision", value_of(&k->average_precision), false);
    add_key(out, "mean_probability", false);
    buffer_add_char(out, '{');
    add_real(out, "legitimate", k->by_class[0].mean, true);
    add_real(out, "fraud", k->by_class[1].mean, false);
    buffer_add_char(out, '}');
}

/* Those in force, then the goals of all sets with what they come to. */
static void add_thresholds(const struct trained *m, struct buffer *out)
{
    add_key(out, "decision", false);
    buffer_add_char(out, '[');
    for (uint32_t i = 0; i < m->thresholds; i++) {
        buffer_add_text(out, i > 0 ? ",{" : "{");
        add_text(out, "outcome", m->in_force[i].name, true);
        add_whole(out, "score", m->in_force[i].score, false);
        buffer_add_char(out, '}');
    }
    buffer_add_char(out, ']');
    if (m->goals == 0)
        return;
    add_key(out, "goals", false);
    buffer_add_char(out, '[');
    for (uint32_t i = 0; i < m->goals; i++) {
        buffer_add_text(out, i > 0 ? ",{" : "{");
        add_real(out, goal_name[m->goal[i].goal.kind], m->goal[i].goal.value, true);
        add_whole(out, "score", m->goal[i].score, false);
        buffer_add_char(out, '}');
    }
    buffer_add_char(out, ']');
}

void findings_goal_words(const struct goal *g, struct buffer *out)
{
    buffer_format(out, "%s %g", goal_name[g->kind], g->value);
}

static void add_figures(struct buffer *out, const char *key, const double figure[FOLD_FIGURES])
{
    add_key(out, key, false);
    for (unsigned i = 0; i < FOLD_FIGURES; i++) {
        buffer_add_text(out, i == 0 ? "{" : "");
        add_real(out, fold_figure_name[i], figure[i], i == 0);
    }
    buffer_add_char(out, '}');
}

static void add_folds(const struct trained *m, struct buffer *out)
{
    double mean[FOLD_FIGURES], deviation[FOLD_FIGURES];

    if (m->folds == 0)
        return;
    fold_rows_summary(m->fold, m->folds, mean, deviation);
    add_key(out, "folds", false);
    buffer_add_char(out, '{');
    add_whole(out, "count", m->folds, true);
    add_figures(out, "mean", mean);
    add_figures(out, "deviation", deviation);
    add_key(out, "each", false);
    for (uint32_t k = 0; k < m->folds; k++) {
        buffer_add_text(out, k == 0 ? "[{" : ",{");
        add_whole(out, "rows", m->fold[k].rows, true);
        add_whole(out, "frauds", m->fold[k].frauds, false);
        for (unsigned i = 0; i < FOLD_FIGURES; i++)
            add_real(out, fold_figure_name[i], m->fold[k].figure[i], false);
        buffer_add_char(out, '}');
    }
    buffer_add_text(out, "]}");
}

static void add_trial(const struct search *s, uint32_t number, struct buffer *out)
{
    const struct trial *trial = &s->trial[number];

    buffer_add_char(out, '{');
    add_key(out, "values", true);
    buffer_add_char(out, '{');
    for (uint32_t k = 0; number > 0 && k < s->of->search.over_count; k++)
        add_text(out, s->of->search.over[k].name, trial->value[k], k == 0);
    buffer_add_char(out, '}');
    add_whole(out, "folds", trial->folds, false);
    add_real(out, "mean", trial->mean, false);
    add_real(out, "deviation", trial->deviation, false);
    buffer_add_char(out, '}');
}

static void add_search(const struct search *s, struct buffer *out)
{
    if (s->trials == 0)
        return;
    add_key(out, "search", false);
    buffer_add_char(out, '{');
    add_text(out, "method", search_method_name[s->of->search.method], true);
    add_text(out, "by", search_by_name[s->of->search.by], false);
    add_whole(out, "folds", s->folds, false);
    add_whole(out, "rows", s->rows, false);
    add_whole(out, "count", s->trials, false);
    add_whole(out, "best", s->best, false);
    add_key(out, "trials", false);
    for (uint32_t i = 0; i < s->trials; i++) {
        buffer_add_char(out, i == 0 ? '[' : ',');
        add_trial(s, i, out);
    }
    buffer_add_text(out, "]}");
}

static void add_estimate(struct buffer *out, const char *key, const struct estimate *f)
{
    add_key(out, key, false);
    buffer_add_char(out, '{');
    add_real(out, "value", value_of(f), true);
    add_real(out, "low", f->is_null ? NAN : f->low, false);
    add_real(out, "high", f->is_null ? NAN : f->high, false);
    buffer_add_char(out, '}');
}

/* Training rows without a label: learned from as they are, or taken by self-training. */
static void add_unlabelled(const struct trained *m, struct buffer *out)
{
    const struct unlabelled *u = &m->fitted.unlabelled;
    const struct estimate *d = &m->self_gain;

    if (u->is_learned && u->rows > 0)
        add_whole(out, "unlabelled_rows", u->rows, false);
    if (m->recipe->self_train.rounds == 0)
        return;
    add_key(out, "self_training", false);
    buffer_add_char(out, '{');
    add_whole(out, "unlabelled_rows", u->rows, true);
    for (int k = 0; k < 2; k++) { /* by class: with a label, and with those taken */
        uint32_t after = m->fitted.learned.before[k];

        add_key(out, k == 0 ? "legitimate" : "fraud", false);
        buffer_format(out, "{\"before\":%u,\"taken\":%u,\"after\":%u}", after - u->taken[k],
                      u->taken[k], after);
    }
    add_whole(out, "rounds", u->rounds, false);
    add_estimate(out, "average_precision_gain", d);
    if (!d->is_null)
        add_text(out, "helped", d->low > 0 ? "yes" : d->high < 0 ? "no" : "unknown", false);
    buffer_add_char(out, '}');
}

static void add_covered_class(const struct coverage *c, int label, struct buffer *out)
{
    struct estimate covered = coverage_of_class(c, label);

    add_key(out, label == 0 ? "legitimate" : "fraud", label == 0);
    buffer_add_char(out, '{');
    add_whole(out, "calibration_rows", (int64_t)c->calibration[label], true);
    add_whole(out, "rows", (int64_t)c->rows[label], false);
    add_whole(out, "covered", (int64_t)c->covered[label], false);
    add_estimate(out, "coverage", &covered);
    buffer_add_char(out, '}');
}

void findings_coverage(const struct coverage *c, struct buffer *out)
{
    static const char *const set[] = {"none", "legitimate", "fraud", "both"};
    struct estimate share = coverage_fraud_share(c);

    if (!(c->level > 0)) {
        buffer_add_text(out, "null");
        return;
    }
    buffer_add_char(out, '{');
    add_real(out, "level", c->level, true);
    add_bool(out, "promised", coverage_rows(c) > 0);
    add_key(out, "by_class", false);
    buffer_add_char(out, '{');
    add_covered_class(c, 0, out);
    add_covered_class(c, 1, out);
    buffer_add_char(out, '}');
    add_key(out, "sets", false);
    for (int k = 0; k < 4; k++) {
        buffer_add_text(out, k == 0 ? "{" : "");
        add_whole(out, set[k], (int64_t)c->sets[k], k == 0);
    }
    buffer_add_char(out, '}');
    add_real(out, "mean_set_size", coverage_set_size(c), false);
    add_real(out, "mean_interval_width", coverage_width(c), false);
    add_real(out, "mean_interval_low", coverage_low(c), false);
    add_real(out, "mean_interval_high", coverage_high(c), false);
    add_estimate(out, "fraud_share", &share);
    buffer_add_char(out, '}');
}

void findings_test(const struct train_result *r, uint32_t model, struct buffer *out)
{
    if (r->split.has_no_label)
        buffer_add_text(out, "null");
    else
        metrics_json(&r->model[model].metrics, out);
}

void findings_model(const struct train_result *r, const struct trained *m, struct buffer *out)
{
    if (r->split.has_no_label) {
        add_key(out, "anomalies", false);
        anomalies_json(&m->anomalies, out);
    } else {
        add_comparison(m, out);
    }
    add_thresholds(m, out);
    add_folds(m, out);
    add_search(&m->search, out);
    add_unlabelled(m, out);
    add_key(out, "uncertainty", false);
    findings_coverage(&m->fitted.coverage, out);
}

void findings_top(const struct trained *m, struct buffer *out)
{
    buffer_add_char(out, '[');
    for (uint32_t i = 0; i < m->tops; i++) {
        const struct top_row *t = &m->top[i];

        buffer_add_text(out, i > 0 ? ",{" : "{");
        add_text(out, "id", t->id, true);
        add_time(out, "time", t->time_us, false);
        add_real(out, "amount", t->amount, false);
        add_real(out, "probability", t->probability, false);
        add_key(out, "label", false);
        if (t->label == LABEL_UNKNOWN)
            buffer_add_text(out, "null");
        else
            json_add_int(out, t->label);
        buffer_add_char(out, '}');
    }
    buffer_add_char(out, ']');
}

static void add_window(const struct split *s, struct buffer *out)
{
    buffer_add_char(out, '{');
    add_time(out, "train_from", s->train_from_us, true);
    add_time(out, "train_until", s->train_until_us, false);
    add_time(out, "test_from", s->test_from_us, false);
    add_time(out, "test_until", s->test_until_us, false);
    add_whole(out, "train_rows", (int64_t)s->train_rows, false);
    add_whole(out, "train_frauds", (int64_t)s->train_frauds, false);
    add_whole(out, "test_rows", (int64_t)s->test_rows, false);
    add_whole(out, "test_frauds", (int64_t)s->test_frauds, false);
    buffer_add_char(out, '}');
}

void findings_windows(const struct train_result *r, struct buffer *out)
{
    if (r->earlier.count == 0)
        return;
    add_key(out, "windows", false);
    buffer_add_char(out, '[');
    add_window(&r->split, out);
    for (uint32_t k = 0; k < r->earlier.count; k++) {
        buffer_add_char(out, ',');
        add_window(&r->earlier.split[k], out);
    }
    buffer_add_char(out, ']');
}

void find_top_rows(const struct test_rows *test, const struct row_facts *facts,
                   const struct table *t, struct trained *m)
{
    uint32_t top[TRAIN_TOP_ROWS], count = 0;

    for (uint32_t i = 0; i < test->rows; i++) {
        double p = m->fitted.probability[test->row[i]];
        uint32_t at = count;

        while (at > 0 && m->fitted.probability[test->row[top[at - 1]]] < p)
            at--;
        if (at == TRAIN_TOP_ROWS)
            continue;
        count += count < TRAIN_TOP_ROWS;
        for (uint32_t k = count - 1; k > at; k--)
            top[k] = top[k - 1];
        top[at] = i;
    }
    m->tops = count;
    for (uint32_t k = 0; k < count; k++) {
        uint32_t row = test->row[top[k]];
        uint64_t event = t->event[row];
        struct top_row *to = &m->top[k];

        *to = (struct top_row){.time_us = facts->time_us[event],
                               .amount = facts->amount != NULL ? facts->amount[event] : NAN,
                               .probability = m->fitted.probability[row],
                               .label = facts->has_no_label ? (uint8_t)LABEL_UNKNOWN
                                                            : test->label[top[k]]};
        if (facts->id != NULL && facts->id[event].length > 0)
            snprintf(to->id, sizeof to->id, "%.*s", TEXT_ARG(facts->id[event]));
        else
            snprintf(to->id, sizeof to->id, "event %lu", (unsigned long)event + 1);
    }
}

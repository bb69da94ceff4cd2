#include "shell/report/verdict.h"

#include <math.h>

#include "shell/report/words.h"

const char verdict_caveat[] =
    "Importance is not causality: a feature that the model leans on need not be why a payment is "
    "fraudulent. An anomaly is not fraud: a high score is a reason to look, not a proof.";

enum verdict verdict_of(const struct metrics *m)
{
    if (m->auc_roc.is_null || isnan(m->chance_p))
        return VERDICT_UNKNOWN;
    if (!m->better_than_chance)
        return VERDICT_CHANCE;
    return m->frauds < VERDICT_FEW_FRAUDS ? VERDICT_UNCERTAIN : VERDICT_BETTER;
}

const char *verdict_headline(enum verdict v)
{
    switch (v) {
    case VERDICT_CHANCE:
        return "No better than chance";
    case VERDICT_UNCERTAIN:
        return "Better than chance, on few frauds";
    case VERDICT_BETTER:
        return "Clearly better than chance";
    default:
        return "Cannot be judged on this data";
    }
}

/* The held-out part is the last one that is used. */
static const struct report_part *test_part(const struct report_data *data)
{
    for (uint32_t i = data->parts; i-- > 0;)
        if (data->part[i].is_used)
            return &data->part[i];
    return NULL;
}

static void say_where(const struct report_data *data, const struct metrics *m, struct buffer *out)
{
    const struct report_part *test = test_part(data);

    buffer_add_text(out, "On held-out transactions");
    if (test != NULL) {
        buffer_add_text(out, " of ");
        words_period(out, test->from_us, test->until_us);
    }
    buffer_add_text(out, " (");
    words_count(out, m->rows);
    buffer_add_text(out, " of them, ");
    words_count(out, m->frauds);
    buffer_add_text(out, " fraudulent) ");
}

static void say_quality(const struct metrics *m, struct buffer *out)
{
    buffer_add_text(out, "this model finds ");
    words_estimate(out, &m->recall_at_1pct_fpr, true);
    buffer_add_text(out, " of the frauds at 1 % false alarms. Its average precision is ");
    words_estimate(out, &m->average_precision, false);
    buffer_add_text(out, "; chance alone would give ");
    words_number(out, (double)m->frauds / m->rows);
    buffer_add_text(out, ". ");
}

static void say_chance(const struct metrics *m, struct buffer *out)
{
    buffer_add_text(out, "Labels dealt at random reach that average precision ");
    if (m->chance_p <= 0.02)
        buffer_format(out, "practically never (p = %.3f)", m->chance_p);
    else
        buffer_format(out, "with probability %.2f", m->chance_p);
    switch (verdict_of(m)) {
    case VERDICT_BETTER:
        buffer_add_text(out, ": the model is clearly better than chance.");
        break;
    case VERDICT_UNCERTAIN:
        buffer_add_text(out, ": the model is better than chance.");
        break;
    default:
        buffer_add_text(out, ", and its AUC is ");
        words_estimate(out, &m->auc_roc, false);
        buffer_add_text(out, ", where 0.5 is chance: the model is no better than chance. Do not "
                             "decide anything by it.");
        break;
    }
}

void verdict_findings(const struct report_data *data, struct buffer *out)
{
    const struct metrics *m = data->model[data->best].metrics;

    if (data->has_no_label) {
        buffer_add_text(out,
                        "No event has a label, so nothing here says how many frauds this model "
                        "finds, nor whether it finds any. What can be measured is how its "
                        "scores lie on ");
        words_count(out, m->rows);
        buffer_add_text(out, " held-out transactions, and whether another model of the same kind "
                             "gives the same. Labels of the highest scores would tell more: "
                             "`assay label import`, then train again.");
        return;
    }
    say_where(data, m, out);
    if (m->auc_roc.is_null) {
        buffer_add_text(out, "there is one class only, so no model can be judged.");
        return;
    }
    say_quality(m, out);
    if (!isnan(m->chance_p))
        say_chance(m, out);
    if (m->frauds < VERDICT_FEW_FRAUDS)
        buffer_format(out,
                      " The figures rest on %u frauds only: real intervals are wider than "
                      "those given.",
                      m->frauds);
}

static void say_money(const struct report_data *data, double v, struct buffer *out)
{
    words_money(out, v);
    if (data->money != NULL && data->money[0])
        buffer_format(out, " %s", data->money);
}

void verdict_cost(const struct report_data *data, struct buffer *out)
{
    const struct report_model *model = &data->model[data->best];
    const struct metrics *m = model->metrics;
    const struct threshold_row *t;

    if (model->choices == 0 || verdict_of(m) == VERDICT_CHANCE)
        return;
    t = &m->threshold[model->choice[0].row];
    buffer_format(out, "At the threshold for \"%s\" (", model->choice[0].name);
    words_number(out, t->threshold);
    if (t->tp + t->fp == 0) {
        buffer_add_text(out, ") it raises no alert, so it catches nothing.");
        return;
    }
    buffer_add_text(out, ") it raises ");
    if (isnan(t->alerts_per_day))
        words_count(out, (uint64_t)t->tp + t->fp);
    else
        words_number(out, t->alerts_per_day);
    buffer_add_text(out, isnan(t->alerts_per_day) ? " alerts, " : " alerts a day, ");
    words_estimate(out, &t->precision, true);
    buffer_add_text(out, " of them right, and catches ");
    words_estimate(out, &t->recall, true);
    buffer_add_text(out, " of the frauds");
    if (!t->value_caught.is_null) {
        buffer_add_text(out, " and ");
        words_estimate(out, &t->value_caught, true);
        buffer_add_text(out, " of their money");
    }
    if (m->has_amounts) {
        buffer_add_text(out, ". Missed frauds and alerts together cost ");
        say_money(data, t->cost, out);
        buffer_add_text(out, "; without any model the frauds cost ");
        say_money(data, m->fraud_amount, out);
    }
    buffer_add_char(out, '.');
}

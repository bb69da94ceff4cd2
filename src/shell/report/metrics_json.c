#include "shell/report/metrics_json.h"

#include "core/data/json.h"

static void add_key(struct buffer *out, const char *key)
{
    buffer_format(out, ",\"%s\":", key);
}

static void add_count(struct buffer *out, const char *key, uint32_t n)
{
    add_key(out, key);
    json_add_int(out, n);
}

static void add_real(struct buffer *out, const char *key, double v)
{
    add_key(out, key);
    json_add_real(out, v);
}

static void add_estimate(struct buffer *out, const char *key, const struct estimate *f)
{
    add_key(out, key);
    if (f->is_null) {
        buffer_add_text(out, "null");
        return;
    }
    buffer_add_text(out, "{\"value\":");
    json_add_real(out, f->value);
    add_real(out, "low", f->low);
    add_real(out, "high", f->high);
    buffer_add_char(out, '}');
}

static void add_thresholds(struct buffer *out, const struct metrics *m)
{
    add_key(out, "thresholds");
    buffer_add_char(out, '[');
    for (uint32_t i = 0; i < m->thresholds; i++) {
        const struct threshold_row *t = &m->threshold[i];

        buffer_add_text(out, i > 0 ? ",{\"threshold\":" : "{\"threshold\":");
        json_add_real(out, t->threshold);
        add_count(out, "tp", t->tp);
        add_count(out, "fp", t->fp);
        add_count(out, "fn", t->fn);
        add_count(out, "tn", t->tn);
        add_estimate(out, "precision", &t->precision);
        add_estimate(out, "recall", &t->recall);
        add_estimate(out, "false_positive_rate", &t->false_positive_rate);
        add_estimate(out, "value_caught", &t->value_caught);
        add_estimate(out, "f1", &t->f1);
        add_estimate(out, "savings", &t->savings);
        add_real(out, "false_positive_ratio", t->false_positive_ratio);
        add_real(out, "alerts_per_day", t->alerts_per_day);
        add_real(out, "cost", t->cost);
        buffer_add_char(out, '}');
    }
    buffer_add_char(out, ']');
}

static void add_class(struct buffer *out, const struct class_summary *s)
{
    buffer_add_text(out, "{\"rows\":");
    json_add_int(out, s->rows);
    add_real(out, "mean", s->mean);
    add_real(out, "min", s->min);
    add_real(out, "max", s->max);
    add_key(out, "histogram");
    for (unsigned i = 0; i < METRICS_HISTOGRAM_BINS; i++) {
        buffer_add_char(out, i > 0 ? ',' : '[');
        json_add_int(out, s->histogram[i]);
    }
    buffer_add_text(out, "]}");
}

/* Empty bins are left out. */
static void add_bins(struct buffer *out, const char *key, const struct calibration_bin *bin)
{
    bool is_first = true;

    add_key(out, key);
    buffer_add_char(out, '[');
    for (unsigned i = 0; i < METRICS_CALIBRATION_BINS; i++) {
        if (bin[i].rows == 0)
            continue;
        buffer_add_text(out, is_first ? "{\"predicted\":" : ",{\"predicted\":");
        json_add_real(out, bin[i].predicted);
        add_real(out, "observed", bin[i].observed);
        add_count(out, "rows", bin[i].rows);
        add_count(out, "frauds", bin[i].frauds);
        buffer_add_char(out, '}');
        is_first = false;
    }
    buffer_add_char(out, ']');
}

static void add_curve(struct buffer *out, const char *key, const struct curve *c)
{
    add_key(out, key);
    buffer_add_char(out, '[');
    for (uint32_t i = 0; i < c->points; i++) {
        buffer_add_text(out, i > 0 ? ",[" : "[");
        json_add_real(out, c->x[i]);
        buffer_add_char(out, ',');
        json_add_real(out, c->y[i]);
        buffer_add_char(out, ']');
    }
    buffer_add_char(out, ']');
}

void metrics_json(const struct metrics *m, struct buffer *out)
{
    buffer_add_text(out, "{\"rows\":");
    json_add_int(out, m->rows);
    add_count(out, "frauds", m->frauds);
    add_count(out, "days", m->days);
    add_real(out, "fraud_amount", m->fraud_amount);
    add_estimate(out, "auc_roc", &m->auc_roc);
    add_estimate(out, "average_precision", &m->average_precision);
    add_estimate(out, "card_precision_at_100", &m->card_precision_at_100);
    add_estimate(out, "recall_at_1pct_fpr", &m->recall_at_1pct_fpr);
    add_estimate(out, "brier", &m->brier);
    add_estimate(out, "log_loss", &m->log_loss);
    add_estimate(out, "calibration_error", &m->calibration_error);
    add_real(out, "chance_p", m->chance_p);
    add_key(out, "better_than_chance");
    buffer_add_text(out, m->better_than_chance ? "true" : "false");
    add_thresholds(out, m);
    add_key(out, "by_class");
    buffer_add_text(out, "{\"legitimate\":");
    add_class(out, &m->by_class[0]);
    add_key(out, "fraud");
    add_class(out, &m->by_class[1]);
    buffer_add_char(out, '}');
    add_bins(out, "calibration", m->calibration);
    add_bins(out, "reliability", m->reliability);
    add_curve(out, "roc", &m->roc);
    add_curve(out, "pr", &m->pr);
    buffer_add_char(out, '}');
}

#include "core/stats/metrics.h"

#include <math.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/panic.h"
#include "core/stats/curve.h"
#include "core/stats/evaluation.h"
#include "core/stats/interval.h"
#include "core/stats/resample.h"

static const double chance_limit = 0.01; /* p below it: better than chance */

static struct estimate estimate_of(double value)
{
    return (struct estimate){value, value, value, isnan(value)};
}

static void summarise_classes(const struct outcomes *o, struct class_summary by_class[2])
{
    for (unsigned c = 0; c < 2; c++)
        by_class[c] = (struct class_summary){.min = NAN, .max = NAN, .mean = 0};
    for (uint32_t i = 0; i < o->rows; i++) {
        struct class_summary *s = &by_class[o->label[i] != 0];
        double p = o->probability[i];
        uint32_t bin = (uint32_t)(p * METRICS_HISTOGRAM_BINS);

        s->histogram[bin < METRICS_HISTOGRAM_BINS ? bin : METRICS_HISTOGRAM_BINS - 1]++;
        s->mean += p;
        s->min = s->rows == 0 || p < s->min ? p : s->min;
        s->max = s->rows == 0 || p > s->max ? p : s->max;
        s->rows++;
    }
    for (unsigned c = 0; c < 2; c++)
        by_class[c].mean = by_class[c].rows > 0 ? by_class[c].mean / by_class[c].rows : NAN;
}

static uint32_t count_days(const struct outcomes *o, const struct cards *cards)
{
    struct outcomes by_day = *o;
    struct cards days;
    uint32_t *nobody;
    uint32_t count;

    if (o->day == NULL || o->rows == 0)
        return 0;
    if (cards->days > 0)
        return cards->days;
    by_day.entity = nobody = mem_array(o->rows, sizeof *nobody);
    cards_init(&days, &by_day);
    count = days.days;
    cards_fini(&days);
    mem_free(nobody);
    return count;
}

/* A share of exactly 0 or 1 is so in every resample, though it rests on few rows: there the
 * interval is Wilson's. */
static void open_share(struct estimate *f, double rows)
{
    double low, high;

    if (f->is_null || (f->value > 0 && f->value < 1))
        return;
    interval_of_share(f->value * rows, rows, &low, &high);
    f->low = fmin(f->low, low);
    f->high = fmax(f->high, high);
}

static void open_shares(struct metrics *m)
{
    open_share(&m->recall_at_1pct_fpr, m->frauds);
    for (uint32_t i = 0; i < m->thresholds; i++) {
        struct threshold_row *t = &m->threshold[i];

        open_share(&t->precision, (double)t->tp + t->fp);
        open_share(&t->recall, m->frauds);
        open_share(&t->false_positive_rate, (double)m->rows - m->frauds);
    }
}

static void fill_threshold(const struct evaluation *v, const struct estimate *figure,
                           double alert_cost, const struct metrics *m, uint32_t at,
                           struct threshold_row *row)
{
    struct tally above = evaluation_tally(v, v->threshold_cut[at]);
    const struct estimate *f = figure + FIGURE_THRESHOLDS + at * THRESHOLD_FIGURES;

    row->tp = (uint32_t)above.frauds;
    row->fp = (uint32_t)(above.rows - above.frauds);
    row->fn = m->frauds - row->tp;
    row->tn = m->rows - m->frauds - row->fp;
    row->precision = f[PRECISION];
    row->recall = f[RECALL];
    row->false_positive_rate = f[FALSE_POSITIVE_RATE];
    row->value_caught = f[VALUE_CAUGHT];
    if (!m->has_amounts)
        row->value_caught = estimate_of(NAN);
    row->f1 = f[F1];
    row->savings = f[SAVINGS];
    row->false_positive_ratio = row->tp > 0 ? (double)row->fp / row->tp : NAN;
    row->alerts_per_day = m->days > 0 ? (double)above.rows / m->days : NAN;
    row->cost = (m->fraud_amount - above.amount) + alert_cost * (double)above.rows;
}

static void fill_figures(const struct evaluation *v, const struct metrics_options *options,
                         const struct estimate *figure, struct metrics *m)
{
    m->auc_roc = figure[FIGURE_AUC_ROC];
    m->average_precision = figure[FIGURE_AVERAGE_PRECISION];
    m->recall_at_1pct_fpr = figure[FIGURE_RECALL_AT_FPR];
    m->card_precision_at_100 = figure[FIGURE_CARD_PRECISION];
    m->brier = figure[FIGURE_BRIER];
    m->log_loss = figure[FIGURE_LOG_LOSS];
    m->calibration_error = figure[FIGURE_CALIBRATION_ERROR];
    m->thresholds = options->thresholds;
    for (uint32_t i = 0; i < m->thresholds; i++) {
        m->threshold[i].threshold = options->threshold[i];
        fill_threshold(v, figure, options->alert_cost, m, i, &m->threshold[i]);
    }
}

static void fill_shapes(const struct evaluation *v, struct metrics *m)
{
    uint32_t cut[METRICS_CALIBRATION_BINS + 1];

    curve_roc(&v->ranking, &m->roc);
    curve_pr(&v->ranking, &m->pr);
    summarise_classes(v->outcomes, m->by_class);
    evaluation_bins(v, v->bin_cut, m->calibration);
    evaluation_reliability_cuts(v, cut);
    evaluation_bins(v, cut, m->reliability);
}

/* The figures of the data itself: every row and every card once. */
static void compute_figures(const struct evaluation *v, struct estimate figure[FIGURES_MAX])
{
    double value[FIGURES_MAX];
    uint8_t *once = mem_array(v->ranking.rows, sizeof *once);

    memset(once, 1, v->ranking.rows);
    evaluation_figures(v, once, NULL, value);
    for (uint32_t i = 0; i < v->figures; i++)
        figure[i] = estimate_of(value[i]);
    mem_free(once);
}

static bool compute(const struct evaluation *v, const struct metrics_options *options,
                    struct metrics *m, struct error *e)
{
    struct estimate figure[FIGURES_MAX];
    double average_precision;

    compute_figures(v, figure);
    if (options->bootstrap > 0 && !resample_intervals(v, options, figure, e))
        return false;
    fill_figures(v, options, figure, m);
    if (options->bootstrap > 0)
        open_shares(m);
    fill_shapes(v, m);
    average_precision = m->average_precision.value;
    if (options->permutations > 0 && !m->average_precision.is_null &&
        !resample_chance(v, options, average_precision, &m->chance_p, e))
        return false;
    m->better_than_chance = m->chance_p < chance_limit && m->auc_roc.low > 0.5;
    return true;
}

bool metrics_compute(const struct outcomes *o, const struct metrics_options *options,
                     struct metrics *m, struct error *e)
{
    struct metrics *result = mem_alloc(sizeof *result);
    struct evaluation v;
    bool is_done;

    evaluation_init(&v, o, options->threshold, options->thresholds, options->alert_cost);
    result->rows = o->rows;
    result->frauds = v.ranking.frauds;
    result->days = count_days(o, &v.cards);
    result->has_amounts = o->amount != NULL;
    result->fraud_amount = evaluation_tally(&v, o->rows).amount;
    result->chance_p = NAN;
    is_done = compute(&v, options, result, e);
    if (is_done)
        *m = *result;
    evaluation_fini(&v);
    mem_free(result);
    return is_done;
}

static struct rank_figures rank_figures_of(const double *score, const uint8_t *label, uint32_t rows,
                                           double fpr)
{
    struct rank_figures f;
    struct ranking r;
    uint8_t *once = mem_array(rows, sizeof *once);

    ASSERT(rows < METRICS_ROWS_MAX);
    memset(once, 1, rows);
    ranking_init(&r, score, label, rows);
    ranking_figures(&r, once, fpr, &f);
    ranking_fini(&r);
    mem_free(once);
    return f;
}

double metric_auc_roc(const double *score, const uint8_t *label, uint32_t rows)
{
    return rank_figures_of(score, label, rows, 1).auc_roc;
}

double metric_average_precision(const double *score, const uint8_t *label, uint32_t rows)
{
    return rank_figures_of(score, label, rows, 1).average_precision;
}

double metric_recall_at_fpr(const double *score, const uint8_t *label, uint32_t rows, double fpr)
{
    return rank_figures_of(score, label, rows, fpr).recall;
}

double metric_card_precision(const struct outcomes *o, uint32_t k)
{
    struct cards cards;
    double precision;

    cards_init(&cards, o);
    precision = cards_precision(&cards, NULL, k);
    cards_fini(&cards);
    return precision;
}

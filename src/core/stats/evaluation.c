#include "core/stats/evaluation.h"

#include <math.h>

#include "core/base/elementary.h"
#include "core/base/memory.h"
#include "core/base/panic.h"
#include "core/stats/summary.h"

static const double least_probability = 0x1p-52; /* of log loss */
static const double false_positive_rate = 0.01;  /* of recall at 1 % FPR */

static double row_log_loss(double p, bool is_fraud)
{
    double q = is_fraud ? p : 1 - p;

    if (q < least_probability)
        q = least_probability;
    if (q > 1 - least_probability)
        q = 1 - least_probability;
    return -em_log(q);
}

static void by_rank(struct evaluation *v)
{
    const struct outcomes *o = v->outcomes;

    v->probability = mem_array(o->rows, sizeof *v->probability);
    v->log_loss = mem_array(o->rows, sizeof *v->log_loss);
    v->fraud_amount = mem_array(o->rows, sizeof *v->fraud_amount);
    for (uint32_t i = 0; i < o->rows; i++) {
        uint32_t row = v->ranking.row[i];
        bool is_fraud = o->label[row] != 0;
        double p = o->probability[row];

        ASSERT(p >= 0 && p <= 1);
        v->probability[i] = p;
        v->log_loss[i] = row_log_loss(p, is_fraud);
        if (is_fraud)
            v->fraud_amount[i] = o->amount != NULL ? o->amount[row] : 1;
    }
}

static void choose_units(struct evaluation *v)
{
    const struct outcomes *o = v->outcomes;
    uint32_t highest = 0;
    bool by_entity;

    for (uint32_t i = 0; o->entity != NULL && i < o->rows; i++)
        highest = o->entity[i] > highest ? o->entity[i] : highest;
    by_entity = o->entity != NULL && highest + 1 >= METRICS_ENTITIES_MIN;
    v->units = by_entity ? highest + 1 : o->rows;
    v->unit = mem_array(o->rows, sizeof *v->unit);
    for (uint32_t i = 0; i < o->rows; i++)
        v->unit[i] = by_entity ? o->entity[v->ranking.row[i]] : v->ranking.row[i];
}

/* Ranks whose probability is > edge (or >= edge): a binary search from the top. */
static uint32_t rows_above(const struct evaluation *v, double edge, bool or_equal)
{
    uint32_t low = 0, high = v->ranking.rows;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        double p = v->probability[middle];

        if (p > edge || (or_equal && p == edge))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void add_cut(struct evaluation *v, uint32_t rows)
{
    uint32_t at = v->cuts;

    ASSERT(v->cuts < EVALUATION_CUTS_MAX);
    while (at > 0 && v->cut[at - 1] > rows) {
        v->cut[at] = v->cut[at - 1];
        at--;
    }
    v->cut[at] = rows;
    v->cuts++;
}

static void add_bin_cuts(struct evaluation *v)
{
    uint32_t rows = v->ranking.rows;
    double *ascending = mem_array(rows, sizeof *ascending);

    for (uint32_t i = 0; i < rows; i++)
        ascending[i] = v->probability[rows - 1 - i];
    v->bin_cut[0] = rows;
    for (unsigned i = 1; i < METRICS_CALIBRATION_BINS; i++) {
        double share = (double)i / METRICS_CALIBRATION_BINS;

        v->bin_cut[i] = rows > 0 ? rows_above(v, quantile_of(ascending, rows, share), false) : 0;
        add_cut(v, v->bin_cut[i]);
    }
    v->bin_cut[METRICS_CALIBRATION_BINS] = 0;
    mem_free(ascending);
}

void evaluation_init(struct evaluation *v, const struct outcomes *o, const double *threshold,
                     uint32_t thresholds, double alert_cost)
{
    ASSERT(o->rows < METRICS_ROWS_MAX && thresholds <= METRICS_THRESHOLDS_MAX);
    *v = (struct evaluation){.outcomes = o, .alert_cost = alert_cost, .thresholds = thresholds};
    ranking_init(&v->ranking, o->probability, o->label, o->rows);
    cards_init(&v->cards, o);
    by_rank(v);
    choose_units(v);
    add_bin_cuts(v);
    for (uint32_t i = 0; i < thresholds; i++) {
        v->threshold_cut[i] = rows_above(v, threshold[i], true);
        add_cut(v, v->threshold_cut[i]);
    }
    v->figures = FIGURE_THRESHOLDS + thresholds * THRESHOLD_FIGURES;
}

void evaluation_fini(struct evaluation *v)
{
    ranking_fini(&v->ranking);
    cards_fini(&v->cards);
    mem_free(v->probability);
    mem_free(v->log_loss);
    mem_free(v->fraud_amount);
    mem_free(v->unit);
    *v = (struct evaluation){0};
}

/* The tallies at all cuts of one resample, and the sums that have no cut. */
struct sums {
    struct tally at[EVALUATION_CUTS_MAX];
    struct tally all;
    double brier, log_loss;
};

static void add_rows(const struct evaluation *v, const uint8_t *copies, uint32_t first,
                     uint32_t last, struct sums *s)
{
    const uint8_t *flags = v->ranking.flags;
    struct tally t = s->all;

    for (uint32_t i = first; i < last; i++) {
        uint32_t fraud = flags[i] & RANK_FRAUD;
        double p = v->probability[i], off = p - fraud, times = copies[i];

        t.rows += copies[i];
        t.frauds += fraud * copies[i];
        t.expected += times * p;
        t.amount += times * v->fraud_amount[i];
        s->brier += times * (off * off);
        s->log_loss += times * v->log_loss[i];
    }
    s->all = t;
}

static void sum_rows(const struct evaluation *v, const uint8_t *copies, struct sums *s)
{
    uint32_t from = 0;

    *s = (struct sums){0};
    for (uint32_t i = 0; i < v->cuts; i++) {
        add_rows(v, copies, from, v->cut[i], s);
        s->at[i] = s->all;
        from = v->cut[i];
    }
    add_rows(v, copies, from, v->ranking.rows, s);
}

static const struct tally *tally_at(const struct evaluation *v, const struct sums *s, uint32_t cut)
{
    uint32_t i = 0;

    if (cut == v->ranking.rows)
        return &s->all;
    while (v->cut[i] != cut)
        i++;
    return &s->at[i];
}

static double calibration_error(const struct evaluation *v, const struct sums *s)
{
    struct tally none = {0}, below = s->all;
    double error = 0;

    for (unsigned i = 0; i < METRICS_CALIBRATION_BINS; i++) {
        uint32_t cut = v->bin_cut[i + 1];
        struct tally above = cut == 0 ? none : *tally_at(v, s, cut);

        error += fabs((below.expected - above.expected) - (double)(below.frauds - above.frauds));
        below = above;
    }
    return error / (double)s->all.rows;
}

static double share(double part, double all)
{
    return all > 0 ? part / all : NAN;
}

double metric_f_beta(double tp, double fp, double fn, double beta)
{
    double weight = beta * beta;

    return share((1 + weight) * tp, (1 + weight) * tp + weight * fn + fp);
}

static void threshold_figures(const struct tally *above, const struct tally *all, double alert_cost,
                              double *figure)
{
    double frauds = (double)all->frauds, legit = (double)(all->rows - all->frauds);

    figure[PRECISION] = share((double)above->frauds, (double)above->rows);
    figure[RECALL] = share((double)above->frauds, frauds);
    figure[FALSE_POSITIVE_RATE] = share((double)(above->rows - above->frauds), legit);
    figure[VALUE_CAUGHT] = share(above->amount, all->amount);
    figure[F1] = metric_f_beta((double)above->frauds, (double)(above->rows - above->frauds),
                               frauds - (double)above->frauds, 1);
    figure[SAVINGS] = share(above->amount - alert_cost * (double)above->rows, all->amount);
}

void evaluation_figures(const struct evaluation *v, const uint8_t *copies,
                        const uint8_t *card_copies, double figure[FIGURES_MAX])
{
    struct rank_figures f;
    struct sums s;

    ranking_figures(&v->ranking, copies, false_positive_rate, &f);
    sum_rows(v, copies, &s);
    figure[FIGURE_AUC_ROC] = f.auc_roc;
    figure[FIGURE_AVERAGE_PRECISION] = f.average_precision;
    figure[FIGURE_RECALL_AT_FPR] = f.recall;
    figure[FIGURE_BRIER] = share(s.brier, (double)s.all.rows);
    figure[FIGURE_LOG_LOSS] = share(s.log_loss, (double)s.all.rows);
    figure[FIGURE_CALIBRATION_ERROR] = s.all.rows > 0 ? calibration_error(v, &s) : NAN;
    figure[FIGURE_CARD_PRECISION] = cards_precision(&v->cards, card_copies, METRICS_CARDS);
    for (uint32_t i = 0; i < v->thresholds; i++)
        threshold_figures(tally_at(v, &s, v->threshold_cut[i]), &s.all, v->alert_cost,
                          figure + FIGURE_THRESHOLDS + i * THRESHOLD_FIGURES);
}

struct tally evaluation_tally(const struct evaluation *v, uint32_t cut)
{
    struct tally t = {0};

    for (uint32_t i = 0; i < cut; i++) {
        t.rows++;
        t.frauds += v->ranking.flags[i] & RANK_FRAUD;
        t.expected += v->probability[i];
        t.amount += v->fraud_amount[i];
    }
    return t;
}

void evaluation_bins(const struct evaluation *v, const uint32_t cut[METRICS_CALIBRATION_BINS + 1],
                     struct calibration_bin bin[METRICS_CALIBRATION_BINS])
{
    for (unsigned b = 0; b < METRICS_CALIBRATION_BINS; b++) {
        double expected = 0;

        bin[b] = (struct calibration_bin){.rows = cut[b] - cut[b + 1]};
        for (uint32_t i = cut[b + 1]; i < cut[b]; i++) {
            expected += v->probability[i];
            bin[b].frauds += v->ranking.flags[i] & RANK_FRAUD;
        }
        bin[b].predicted = share(expected, bin[b].rows);
        bin[b].observed = share(bin[b].frauds, bin[b].rows);
    }
}

void evaluation_reliability_cuts(const struct evaluation *v,
                                 uint32_t cut[METRICS_CALIBRATION_BINS + 1])
{
    uint32_t rows = v->ranking.rows;
    double all = evaluation_tally(v, rows).expected, expected = 0;
    unsigned bin = METRICS_CALIBRATION_BINS;

    cut[bin] = 0;
    for (uint32_t i = 0; i < rows && bin > 1; i++) {
        expected += v->probability[i];
        if (!(v->ranking.flags[i] & RANK_LAST))
            continue;
        while (bin > 1 &&
               expected >= all * (METRICS_CALIBRATION_BINS - bin + 1.0) / METRICS_CALIBRATION_BINS)
            cut[--bin] = i + 1;
    }
    while (bin > 0)
        cut[--bin] = rows;
}

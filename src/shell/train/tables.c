#include "shell/train/tables.h"

#include <math.h>
#include <stdio.h>

#include "core/base/memory.h"
#include "shell/report/words.h"
#include "shell/train/evaluate.h"

enum { TRIALS_SHOWN = 20, NOTE_MAX = 400 };

/* ---- a table cell by cell */

static struct report_table *open_table(struct tables *t, const char *id, const char *title,
                                       uint32_t columns, uint32_t rows)
{
    struct report_table *table = &t->table[t->count];

    t->cell[t->count] = mem_array((size_t)columns * rows, sizeof *t->cell[0]);
    *table = (struct report_table){.id = id,
                                   .title = title,
                                   .columns = columns,
                                   .cell = (const char *const *)t->cell[t->count]};
    return table;
}

static void close_table(struct tables *t, const char *note)
{
    struct report_table *table = &t->table[t->count];

    if (note != NULL)
        table->note = t->text[t->count] = mem_text(note, strlen(note));
    t->count++;
}

/* Fills the row of cells that is being written; `at` counts them over the table. */
struct cells {
    char **cell;
    uint32_t at;
};

static struct cells cells_of(const struct tables *t)
{
    return (struct cells){t->cell[t->count], 0};
}

static void put(struct cells *c, const char *text)
{
    c->cell[c->at++] = mem_text(text, strlen(text));
}

static void put_words(struct cells *c, void (*words)(struct buffer *, double), double v)
{
    struct buffer out;

    buffer_init(&out, 64);
    words(&out, v);
    put(c, buffer_text(&out));
    buffer_fini(&out);
}

static void put_count(struct cells *c, uint64_t n)
{
    struct buffer out;

    buffer_init(&out, 64);
    words_count(&out, n);
    put(c, buffer_text(&out));
    buffer_fini(&out);
}

static void put_real(struct cells *c, double v)
{
    char text[32];

    if (isnan(v))
        put(c, "n/a");
    else {
        snprintf(text, sizeof text, "%.4f", v);
        put(c, text);
    }
}

static void put_estimate(struct cells *c, const struct estimate *f)
{
    put_real(c, f->is_null ? NAN : f->value);
}

/* ---- models */

static void put_classes(struct cells *c, const uint32_t rows[2])
{
    char text[64];

    snprintf(text, sizeof text, "%u + %u", rows[0], rows[1]);
    put(c, text);
}

/* A column a model: there are more figures than models. */
static void models_table(const struct train_result *r, struct tables *t)
{
    static const char *const name[] = {"",
                                       "rows learned (+ frauds)",
                                       "after resampling",
                                       "threshold",
                                       "TP",
                                       "FP",
                                       "FN",
                                       "TN",
                                       "precision",
                                       "recall",
                                       "F1",
                                       "FPR",
                                       "AUC ROC",
                                       "average precision",
                                       "mean p, legitimate",
                                       "mean p, fraud",
                                       "p of chance",
                                       "verdict"};
    enum { ROWS = sizeof name / sizeof *name };
    struct report_table *table =
        open_table(t, "side-by-side", "Models at their thresholds", 1 + r->models, ROWS);
    uint32_t columns = 1 + r->models;

    table->rows = ROWS;
    for (uint32_t i = 0; i < ROWS; i++)
        t->cell[t->count][i * columns] = mem_text(name[i], strlen(name[i]));
    for (uint32_t k = 0; k < r->models; k++) {
        const struct trained *m = &r->model[k];
        const struct threshold_row *at = evaluate_own_row(m);
        char *one[ROWS];
        struct cells c = {one, 0};

        put(&c, m->name);
        put_classes(&c, m->fitted.learned.before);
        put_classes(&c, m->fitted.learned.after);
        put_words(&c, words_number, at->threshold);
        put_count(&c, at->tp);
        put_count(&c, at->fp);
        put_count(&c, at->fn);
        put_count(&c, at->tn);
        put_estimate(&c, &at->precision);
        put_estimate(&c, &at->recall);
        put_estimate(&c, &at->f1);
        put_estimate(&c, &at->false_positive_rate);
        put_estimate(&c, &m->metrics.auc_roc);
        put_estimate(&c, &m->metrics.average_precision);
        put_real(&c, m->metrics.by_class[0].mean);
        put_real(&c, m->metrics.by_class[1].mean);
        put_real(&c, m->metrics.chance_p);
        put(&c, m->metrics.better_than_chance ? "better" : "chance");
        for (uint32_t i = 0; i < ROWS; i++)
            t->cell[t->count][i * columns + 1 + k] = one[i];
    }
    close_table(t, "All on the same held-out events; \"chance\": cannot be told from labels dealt "
                   "at random.");
}

/* The tabulated rows from .15 to .35. */
static uint32_t middle_rows(const struct metrics *m, uint32_t row[METRICS_THRESHOLDS_MAX])
{
    static const double wanted[] = {0.15, 0.2, 0.25, 0.3, 0.35};
    uint32_t count = 0;

    for (size_t k = 0; k < sizeof wanted / sizeof *wanted; k++) {
        for (uint32_t i = 0; i < m->thresholds; i++) {
            if (m->threshold[i].threshold == wanted[k]) {
                row[count++] = i;
                break;
            }
        }
    }
    return count;
}

static void thresholds_table(const struct train_result *r, struct tables *t)
{
    uint32_t row[METRICS_THRESHOLDS_MAX], rows = middle_rows(&r->model[0].metrics, row);
    struct report_table *table = open_table(
        t, "middle-thresholds", "Thresholds .15 to .35: precision / recall / F1 (TP, FP)", 1 + rows,
        1 + r->models);
    struct cells c = cells_of(t);

    table->rows = 1 + r->models;
    put(&c, "");
    for (uint32_t i = 0; i < rows; i++)
        put_words(&c, words_number, r->model[0].metrics.threshold[row[i]].threshold);
    for (uint32_t k = 0; k < r->models; k++) {
        const struct metrics *m = &r->model[k].metrics;
        uint32_t count = middle_rows(m, row);

        put(&c, r->model[k].name);
        for (uint32_t i = 0; i < rows; i++) {
            const struct threshold_row *at = &m->threshold[row[i < count ? i : 0]];
            char text[80];

            snprintf(text, sizeof text, "%.2f / %.2f / %.2f (%u, %u)", at->precision.value,
                     at->recall.value, at->f1.value, at->tp, at->fp);
            put(&c, at->precision.is_null ? "no alert" : text);
        }
    }
    close_table(t, NULL);
}

static void top_table(const struct train_result *r, struct tables *t)
{
    const struct trained *m = &r->model[0];
    struct report_table *table =
        open_table(t, "top", "Highest scores among the held-out events", 5, 1 + m->tops);
    static const char *const name[] = {"event", "time", "amount", "probability", "label"};
    struct cells c = cells_of(t);

    table->rows = 1 + m->tops;
    for (int i = 0; i < 5; i++)
        put(&c, name[i]);
    for (uint32_t k = 0; k < m->tops; k++) {
        char time[TIME_TEXT_MAX];

        time_format(m->top[k].time_us, time);
        time[strlen("2018-07-25T00:00:00")] = 0;
        put(&c, m->top[k].id);
        put(&c, time);
        put_words(&c, words_number, m->top[k].amount);
        put_real(&c, m->top[k].probability);
        put(&c, m->top[k].label == LABEL_UNKNOWN ? "not known"
                : m->top[k].label                ? "fraud"
                                                 : "legitimate");
    }
    close_table(t, NULL);
}

/* ---- folds */

static void put_fold(struct cells *c, const double figure[FOLD_FIGURES])
{
    for (unsigned i = 0; i < FOLD_FIGURES; i++)
        put_real(c, figure[i]);
}

static void folds_table(const struct train_result *r, struct tables *t)
{
    const uint32_t columns = 1 + FOLD_FIGURES, folds = r->model[0].folds;
    struct report_table *table =
        open_table(t, "folds", "Folds: mean and deviation of each model, and each fold", columns,
                   1 + r->models * (2 + folds));
    struct cells c = cells_of(t);

    table->rows = 1 + r->models * (2 + folds);
    put(&c, "");
    for (unsigned i = 0; i < FOLD_FIGURES; i++)
        put(&c, fold_figure_name[i]);
    for (uint32_t k = 0; k < r->models; k++) {
        const struct trained *m = &r->model[k];
        double mean[FOLD_FIGURES], deviation[FOLD_FIGURES];
        char name[96];

        fold_rows_summary(m->fold, m->folds, mean, deviation);
        snprintf(name, sizeof name, "%s: mean", m->name);
        put(&c, name);
        put_fold(&c, mean);
        put(&c, "  deviation");
        put_fold(&c, deviation);
        for (uint32_t i = 0; i < folds; i++) {
            snprintf(name, sizeof name, "  fold %u: %u, %u frauds", i + 1, m->fold[i].rows,
                     m->fold[i].frauds);
            put(&c, name);
            put_fold(&c, m->fold[i].figure);
        }
    }
    close_table(t, r->earlier.count > 0
                       ? "Each fold is learned and tested anew in windows of its own, the latest "
                         "first; the model that is kept is that of the latest."
                       : "Each fold is tested by a model that learned from the others.");
}

/* ---- uncertainty */

static void put_share(struct cells *c, const struct estimate *f)
{
    struct buffer out;

    buffer_init(&out, 96);
    words_estimate(&out, f, true);
    put(c, buffer_text(&out));
    buffer_fini(&out);
}

static void coverage_table(const struct trained *m, struct tables *t)
{
    const struct coverage *k = &m->fitted.coverage;
    struct estimate legitimate = coverage_of_class(k, 0), fraud = coverage_of_class(k, 1),
                    share = coverage_fraud_share(k);
    struct report_table *table = open_table(
        t, "uncertainty", "Uncertainty: what decisions promise, and what was met", 2, 11);
    struct cells c = cells_of(t);
    char text[80], note[NOTE_MAX];

    table->rows = 11;
    put(&c, m->name);
    put(&c, "held out");
    put(&c, "promised to each class");
    put_words(&c, words_percent, k->level);
    put(&c, "met for frauds");
    put_share(&c, &fraud);
    put(&c, "met for legitimate events");
    put_share(&c, &legitimate);
    put(&c, "mean size of a set");
    put_real(&c, coverage_set_size(k));
    put(&c, "sets: fraud alone");
    put_count(&c, k->sets[UNCERTAINTY_FRAUD]);
    put(&c, "sets: legitimate alone");
    put_count(&c, k->sets[UNCERTAINTY_LEGITIMATE]);
    put(&c, "sets: both / neither");
    snprintf(text, sizeof text, "%lu / %lu",
             (unsigned long)k->sets[UNCERTAINTY_FRAUD | UNCERTAINTY_LEGITIMATE],
             (unsigned long)k->sets[0]);
    put(&c, text);
    put(&c, "mean width of an interval");
    put_real(&c, coverage_width(k));
    put(&c, "means of its ends");
    snprintf(text, sizeof text, "%.4f to %.4f", coverage_low(k), coverage_high(k));
    put(&c, text);
    put(&c, "share of frauds");
    put_share(&c, &share);
    snprintf(note, sizeof note,
             "It rests on %lu frauds and %lu legitimate events held out of learning, and holds for "
             "events like those: where fraud changes its ways, later ones are not (no "
             "exchangeability), and less is met than promised. Share of frauds: should lie between "
             "the means of the ends.",
             (unsigned long)k->calibration[1], (unsigned long)k->calibration[0]);
    close_table(t, note);
}

/* ---- anomalies */

static void put_repeat(struct cells *c, const char *name, const struct anomaly_repeat *r)
{
    char text[64];

    put(c, name);
    snprintf(text, sizeof text, "%.3f", r->ranks);
    put(c, text);
    put_words(c, words_percent, r->top);
}

static void anomalies_table(const struct trained *m, struct tables *t)
{
    const struct anomalies *a = &m->anomalies;
    const uint32_t rows = 1 + ANOMALY_QUANTILES + 1 + a->cuts + 1 + 2;
    struct report_table *table =
        open_table(t, "anomalies", "Anomaly scores: how they lie, and whether they hold", 3, rows);
    struct cells c = cells_of(t);
    char text[NOTE_MAX];

    table->rows = rows;
    put(&c, m->name);
    put(&c, "learned from");
    put(&c, "held out");
    for (int q = 0; q < ANOMALY_QUANTILES; q++) {
        snprintf(text, sizeof text, "%g %% of the scores lie below", 100 * anomaly_share[q]);
        put(&c, text);
        put_real(&c, a->quantile[0][q]);
        put_real(&c, a->quantile[1][q]);
    }
    put(&c, "above a threshold:");
    put(&c, "score");
    put(&c, "held out above it");
    for (uint32_t i = 0; i < a->cuts; i++) {
        snprintf(text, sizeof text, "  %g %% of those learned from", 100 * a->cut[i].share);
        put(&c, text);
        put_real(&c, a->cut[i].score);
        put_share(&c, &a->cut[i].held_out);
    }
    put(&c, "another model agrees:");
    put(&c, "rank correlation");
    snprintf(text, sizeof text, "of the top %u", a->top_rows);
    put(&c, text);
    put_repeat(&c, "  with another seed", &a->seeds);
    put_repeat(&c, "  two halves of the events", &a->halves);
    close_table(t, "What is unusual need not be fraud. Shares of held-out events far from those "
                   "learned from say that events change; low agreement says that the order of "
                   "the scores is partly luck (more trees or samples help).");
}

/* ---- search */

static int by_mean(const struct search *s, uint32_t a, uint32_t b)
{
    double x = s->trial[a].mean, y = s->trial[b].mean;

    if (s->trial[a].folds != s->trial[b].folds)
        return s->trial[a].folds > s->trial[b].folds ? -1 : 1;
    return x != y ? (x > y ? -1 : 1) : (a < b ? -1 : 1);
}

/* The best trials, best first; those that went on to more folds before others. */
static uint32_t best_trials(const struct search *s, uint32_t best[TRIALS_SHOWN])
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < s->trials; i++) {
        uint32_t at = count;

        while (at > 0 && by_mean(s, i, best[at - 1]) < 0)
            at--;
        if (at == TRIALS_SHOWN)
            continue;
        count += count < TRIALS_SHOWN;
        for (uint32_t k = count - 1; k > at; k--)
            best[k] = best[k - 1];
        best[at] = i;
    }
    return count;
}

static void search_table(const struct trained *m, const struct settings *settings, struct tables *t)
{
    const struct search *s = &m->search;
    uint32_t best[TRIALS_SHOWN], shown = best_trials(s, best), options = s->of->search.over_count;
    struct report_table *table =
        open_table(t, "search", "Search: the best trials", 3 + options, 1 + shown);
    struct cells c = cells_of(t);
    char text[NOTE_MAX];

    table->rows = 1 + shown;
    snprintf(text, sizeof text, "%s: trial", m->name);
    put(&c, text);
    put(&c, search_by_name[s->of->search.by]);
    put(&c, "deviation");
    for (uint32_t k = 0; k < options; k++)
        put(&c, s->of->search.over[k].name);
    for (uint32_t i = 0; i < shown; i++) {
        const struct trial *trial = &s->trial[best[i]];

        snprintf(text, sizeof text, "%u", best[i]);
        put(&c, best[i] == 0 ? "as it was" : text);
        put_real(&c, trial->mean);
        put_real(&c, trial->deviation);
        for (uint32_t k = 0; k < options; k++)
            put(&c, trial->value[k]);
    }
    snprintf(
        text, sizeof text,
        "%u trials on %s%u folds of training events (%u tested), none of them among the held-out "
        "ones; repeated by search.trials: %u and seed %lu.",
        s->trials,
        s->of->search.method == SEARCH_HALVING ? "1 fold, the better halves of them on up to " : "",
        s->folds, s->rows, s->trials, (unsigned long)settings->model.seed);
    close_table(t, text);
}

void tables_make(const struct train_result *r, const struct settings *s, struct tables *t)
{
    *t = (struct tables){0};
    for (uint32_t i = 0; i < r->models && r->split.has_no_label; i++)
        anomalies_table(&r->model[i], t);
    if (r->models > 1 && !r->split.has_no_label) {
        models_table(r, t);
        thresholds_table(r, t);
    }
    if (r->model[0].folds > 0)
        folds_table(r, t);
    for (uint32_t i = 0; i < r->models; i++) {
        if (coverage_rows(&r->model[i].fitted.coverage) > 0)
            coverage_table(&r->model[i], t);
    }
    for (uint32_t i = 0; i < r->models; i++) {
        if (r->model[i].search.trials > 0)
            search_table(&r->model[i], s, t);
    }
    top_table(r, t);
}

void tables_free(struct tables *t)
{
    for (uint32_t i = 0; i < t->count; i++) {
        for (uint32_t k = 0; k < t->table[i].rows * t->table[i].columns; k++)
            mem_free(t->cell[i][k]);
        mem_free(t->cell[i]);
        mem_free(t->text[i]);
    }
    t->count = 0;
}

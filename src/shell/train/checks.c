#include "shell/train/checks.h"

#include <float.h>
#include <stdio.h>

#include "core/base/number.h"

enum { FEW_FRAUDS = 50 };

static const double suspicious_auc = 0.99;

void checks_add(struct train_result *r, bool is_warning, const char *format, ...)
{
    struct train_check *c;
    va_list args;

    if (r->checks == TRAIN_CHECKS_MAX)
        return;
    c = &r->check[r->checks++];
    c->is_warning = is_warning;
    va_start(args, format);
    vsnprintf(c->words, sizeof c->words, format, args);
    va_end(args);
}

static unsigned long count(uint64_t n)
{
    return (unsigned long)n;
}

void checks_of_data(struct train_result *r, const struct settings *s)
{
    const struct feed_counts *c = &r->counts;

    if (c->rejects > 0)
        checks_add(r, true, "%lu rows could not be read and took no part; they are in %s",
                   count(c->rejects), c->rejects_path);
    if (c->repeated > 0)
        checks_add(r, true, "%lu rows repeat an event that was read before and were taken once",
                   count(c->repeated));
    if (c->conflicting > 0)
        checks_add(r, true,
                   "%lu rows have an id that an earlier row has, with other content, and were left "
                   "out (such as %s): is event.id the right field?",
                   count(c->conflicting), c->first_conflict);
    if (c->moved > 0)
        checks_add(r, false,
                   "%lu of %lu rows were not in time order and were sorted; live, such events come "
                   "late and may be decided without what happened before them",
                   count(c->moved), count(c->rows));
    if (c->undated[0] != 0)
        checks_add(
            r, true,
            "%s: looked up without valid_from, so an event may see what was known only later "
            "(look-ahead); name the column that says since when a row holds",
            c->undated);
    if (r->split.unlabelled > 0)
        checks_add(r, false,
                   "%lu events have no label (yet) and were left out of learning and test",
                   count(r->split.unlabelled));
    if (r->split.known_dropped > 0)
        checks_add(
            r, false,
            "%lu test events of a %s already known as fraudulent were left out: finding them "
            "again is no merit",
            count(r->split.known_dropped), s->model.validate.drop_known);
    if (s->model.validate.by != VALIDATE_TIME)
        checks_add(
            r, true,
            "the test events were drawn at random, so the model has seen the future of some; "
            "figures by time (model.validate.by: time) are the ones to expect live");
    if (r->split.train_frauds < FEW_FRAUDS || r->split.test_frauds < FEW_FRAUDS)
        checks_add(r, true,
                   "there are only %lu frauds to learn from and %lu to test on: the intervals are "
                   "wide, and small differences between models mean nothing",
                   count(r->split.train_frauds), count(r->split.test_frauds));
}

/* Ranking by one feature alone, null lowest; text has no order. */
static double alone(const struct column *c, const struct table *t, const uint8_t *label,
                    const uint8_t *part, double *value, uint8_t *said)
{
    uint32_t rows = 0;

    for (uint32_t i = 0; i < t->rows; i++) {
        if (part[i] == PART_NONE)
            continue;
        said[rows] = label[i];
        if (c->null[i])
            value[rows++] = -DBL_MAX;
        else
            value[rows++] = c->type == TYPE_REAL ? c->real[i] : (double)c->integer[i];
    }
    return metric_auc_roc(value, said, rows);
}

/* Live the state is limited too, but of other entities at other times. */
static void check_forgotten(struct train_result *r, const struct plan *p, const struct table *t)
{
    struct buffer words;

    if (occupancy_forgotten(&t->occupancy) == 0)
        return;
    buffer_init(&words, TRAIN_CHECK_WORDS);
    occupancy_add_words(&t->occupancy, p, &words);
    if (words.length > 0)
        words.length--; /* its line end */
    checks_add(r, true, "%s", buffer_text(&words));
    buffer_fini(&words);
}

void checks_of_features(struct train_result *r, struct plan *p, const struct table *t,
                        const uint8_t *label, const uint8_t *part)
{
    double *value = mem_array(t->rows, sizeof *value);
    uint8_t *said = mem_array(t->rows, 1);

    check_forgotten(r, p, t);
    for (uint32_t k = 0; k < t->features; k++) {
        double auc;

        if (t->column[k].type == TYPE_TEXT)
            continue;
        auc = alone(&t->column[k], t, label, part, value, said);
        if (auc > suspicious_auc || auc < 1 - suspicious_auc)
            checks_add(
                r, true,
                "feature %s alone tells fraud from legitimate with AUC %.4f: it is likely the "
                "label under another name, or known only afterwards; leave it out",
                plan_feature_name(p, k), auc > 0.5 ? auc : 1 - auc);
    }
    mem_free(value);
    mem_free(said);
}

void checks_of_models(struct train_result *r)
{
    const struct metrics *m = &r->model[0].metrics;

    if (!m->better_than_chance)
        checks_add(
            r, true,
            "on held-out events this model cannot be told from chance (AUC %.3f [%.3f, %.3f], "
            "chance reaches its average precision with probability %.2f)",
            m->auc_roc.value, m->auc_roc.low, m->auc_roc.high, m->chance_p);
    if (r->models > 1 && m->average_precision.value < r->model[1].metrics.average_precision.value)
        checks_add(r, true,
                   "the simpler %s model has the better average precision here (%.3f against %.3f)",
                   r->model[1].name, r->model[1].metrics.average_precision.value,
                   m->average_precision.value);
    if (!r->model[0].fitted.is_calibrated)
        checks_add(r, true, "too few frauds to calibrate: probabilities are the model's own");
}

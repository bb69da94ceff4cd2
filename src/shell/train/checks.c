#include "shell/train/checks.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/number.h"
#include "shell/train/findings.h"

enum { FEW_FRAUDS = 50 };

static const double suspicious_auc = 0.99;
static const double suspicious_precision = 0.95; /* average precision, where frauds are few */
static const double moving_auc = 0.8;            /* of a feature that reads an undated table */
static const double shaky_top = 0.5; /* of the highest scores, shared with another model */
static const double wide_gap = 0.1;  /* AUC on training rows above that on held-out ones */

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
    if (c->unjoined > 0)
        checks_add(r, true,
                   "joined files (sources.*.join) lack an event %lu times: the fields that they "
                   "have are null there",
                   count(c->unjoined));
    if (c->undated[0] != 0)
        checks_add(
            r, true,
            "%s: looked up without valid_from, so an event may see what was known only later "
            "(look-ahead); name the column that says since when a row holds",
            c->undated);
    if (r->split.unlabelled > r->split.unlabelled_rows)
        checks_add(r, false,
                   "%lu events have no label (yet) and were left out of learning and test",
                   count(r->split.unlabelled - r->split.unlabelled_rows));
    if (r->split.known_dropped > 0)
        checks_add(
            r, false,
            "%lu test events of a %s already known as fraudulent were left out: finding them "
            "again is no merit",
            count(r->split.known_dropped), s->model.validate.drop_known);
    if (s->model.validate.by != VALIDATE_TIME && s->model.validate.by != VALIDATE_PREQUENTIAL)
        checks_add(
            r, true,
            "the test events were drawn at random, so the model has seen the future of some; "
            "figures by time (model.validate.by: time) are the ones to expect live");
    if (r->split.has_no_label)
        checks_add(r, true,
                   "no event has a label: nothing says whether this model finds fraud, and its "
                   "scores are of what is unusual; thresholds are a matter of how many alerts you "
                   "can look at");
    else if (r->split.train_frauds < FEW_FRAUDS || r->split.test_frauds < FEW_FRAUDS)
        checks_add(r, true,
                   "there are only %lu frauds to learn from and %lu to test on: the intervals are "
                   "wide, and small differences between models mean nothing",
                   count(r->split.train_frauds), count(r->split.test_frauds));
}

/* ---- the split */

static bool is_tested(const struct train_result *r, uint8_t part)
{
    return r->split.folds > 0 ? part_has_label(part) : part == PART_TEST;
}

/* Events of the table by a number that some share (content, entity); sorted, so that equal ones
 * stand together. */
struct shared {
    uint64_t number;
    uint8_t part;
};

static int by_number(const void *a, const void *b)
{
    const struct shared *x = a, *y = b;

    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    return x->part - y->part;
}

/* Test rows whose number occurs in training too: with folds, in another fold. */
static uint64_t count_shared(const struct train_result *r, const struct check_task *t,
                             const uint64_t *content, const uint32_t *entity)
{
    struct shared *row = mem_array(t->table->rows, sizeof *row);
    uint64_t rows = 0, found = 0;

    for (uint32_t i = 0; i < t->table->rows; i++) {
        uint64_t event = t->table->event[i];

        if (part_has_label(t->part[i]))
            row[rows++] =
                (struct shared){content != NULL ? content[event] : entity[event], t->part[i]};
    }
    qsort(row, rows, sizeof *row, by_number);
    for (uint64_t i = 0, end; i < rows; i = end) {
        for (end = i; end < rows && row[end].number == row[i].number; end++)
            continue;
        for (uint64_t k = i; k < end && row[i].part != row[end - 1].part; k++)
            found += is_tested(r, row[k].part);
    }
    mem_free(row);
    return found;
}

static const char *entity_name(const struct settings *s)
{
    if (s->model.validate.drop_known != NULL)
        return s->model.validate.drop_known;
    return s->entity_count > 0 ? s->entities[0].name : "entity";
}

void checks_of_split(struct train_result *r, const struct check_task *t)
{
    uint64_t test = r->split.test_rows, found;

    if (t->facts->content != NULL) {
        found = count_shared(r, t, t->facts->content, NULL);
        if (found > 0)
            checks_add(r, true,
                       "%lu of %lu test events (%.1f %%) are copies of events learned from, the "
                       "same in every field but the id: the model has seen their answers",
                       count(found), count(test), 100.0 * (double)found / (double)test);
    }
    if (t->facts->entity != NULL && t->settings->model.validate.group == NULL) {
        found = count_shared(r, t, NULL, t->facts->entity);
        if (found > 0)
            checks_add(r, false,
                       "%lu of %lu test events (%.1f %%) are of a %s that was learned from too: "
                       "figures say less about new ones (model.validate.group keeps them apart)",
                       count(found), count(test), 100.0 * (double)found / (double)test,
                       entity_name(t->settings));
    }
    for (uint32_t k = 0; k < r->earlier.count; k++) {
        if (r->earlier.split[k].train_from_us < r->counts.from_us)
            checks_add(r, true,
                       "training of fold %u begins before the events do: it has less to "
                       "learn from than the others",
                       k + 2);
    }
    if (r->split.group_dropped > 0)
        checks_add(r, false, "%lu test events of a %s that was learned from were left out",
                   count(r->split.group_dropped), t->settings->model.validate.group);
}

/* ---- features */

/* Marks the fields that a feature reads. */
static void mark_field(void *context, int field)
{
    ((uint8_t *)context)[field] = 1;
}

/* The first feature that reads the field, or NULL. */
static const char *reader_of(const struct check_task *t, int field)
{
    uint8_t *reads = mem_array(plan_schema(t->plan)->count, 1);
    const char *name = NULL;

    for (uint32_t k = 0; k < plan_feature_count(t->plan) && name == NULL; k++) {
        program_fields(plan_program(t->plan), plan_feature_node(t->plan, k), mark_field, reads);
        if (reads[field])
            name = plan_feature_name(t->plan, k);
    }
    mem_free(reads);
    return name;
}

/* Times that lie after the event: known only later. */
static void check_look_ahead(struct train_result *r, const struct check_task *t)
{
    const struct schema *schema = plan_schema(t->plan);

    for (uint32_t i = 0; i < t->facts->time_count; i++) {
        const struct time_fact *fact = &t->facts->times[i];
        const struct field *field = &schema->fields[fact->field];
        const char *reader = reader_of(t, fact->field);

        if (fact->later == 0)
            continue;
        checks_add(
            r, reader != NULL,
            "%s lies after the event in %lu of %lu rows: it was not known yet (look-ahead)%s; "
            "%s%s%s",
            field->name, count(fact->later), count(fact->rows),
            field->is_looked_up ? ", the table holds what came to be later" : "",
            reader != NULL ? "feature " : "no feature reads it", reader != NULL ? reader : "",
            reader != NULL ? " reads it: live it will see something else" : "");
    }
}

/* "customers" of the field "customers.balance" where that table has no valid_from. */
static const char *undated_field(const struct train_result *r, const struct check_task *t,
                                 uint32_t feature)
{
    const struct schema *schema = plan_schema(t->plan);
    uint8_t *reads = mem_array(schema->count, 1);
    const char *found = NULL;

    program_fields(plan_program(t->plan), plan_feature_node(t->plan, feature), mark_field, reads);
    for (uint32_t i = 0; i < schema->count && found == NULL; i++) {
        const char *name = schema->fields[i].name, *at;
        size_t length = strcspn(name, ".");

        if (!reads[i] || !schema->fields[i].is_looked_up)
            continue;
        for (at = r->counts.undated; *at != 0 && found == NULL; at++) {
            bool begins = at == r->counts.undated || at[-1] == ' ';

            if (begins && strncmp(at, name, length) == 0 && (at[length] == 0 || at[length] == ','))
                found = name;
        }
    }
    mem_free(reads);
    return found;
}

/* Values of a feature as ranks: numbers as they are, null lowest; texts by their share of frauds
 * among the rows learned from, where they are numbered by `number`. */
struct alone {
    double *value;
    uint8_t *said;
    uint32_t rows;
};

static int by_text(const void *a, const void *b)
{
    const struct text *x = *(const struct text *const *)a, *y = *(const struct text *const *)b;
    size_t least = x->length < y->length ? x->length : y->length;
    int order = least > 0 ? memcmp(x->bytes, y->bytes, least) : 0;

    return order != 0 ? order : x->length < y->length ? -1 : x->length > y->length;
}

/* Share of frauds of each text among the rows learned from, smoothed by one row of the mean; told
 * of the test rows. */
static void rank_texts(const struct train_result *r, const struct check_task *t,
                       const struct column *c, struct alone *alone)
{
    const struct text **order = mem_array(t->table->rows, sizeof *order);
    double mean = (double)r->split.train_frauds / (double)r->split.train_rows;
    uint32_t n = 0;

    for (uint32_t i = 0; i < t->table->rows; i++) {
        if (part_has_label(t->part[i]))
            order[n++] = &c->text[i];
    }
    qsort(order, n, sizeof *order, by_text);
    for (uint32_t i = 0, end; i < n; i = end) {
        double rows = 1, frauds = mean;

        for (end = i; end < n && by_text(&order[i], &order[end]) == 0; end++) {
            uint32_t row = (uint32_t)(order[end] - c->text);

            if (!is_tested(r, t->part[row])) {
                rows++;
                frauds += t->label[row];
            }
        }
        for (uint32_t k = i; k < end; k++) {
            uint32_t row = (uint32_t)(order[k] - c->text);

            if (!is_tested(r, t->part[row]))
                continue;
            alone->value[alone->rows] = frauds / rows;
            alone->said[alone->rows++] = t->label[row];
        }
    }
    mem_free(order);
}

static void rank_numbers(const struct check_task *t, const struct column *c, struct alone *alone)
{
    for (uint32_t i = 0; i < t->table->rows; i++) {
        if (!part_has_label(t->part[i]))
            continue;
        alone->said[alone->rows] = t->label[i];
        if (c->null[i])
            alone->value[alone->rows++] = -DBL_MAX;
        else
            alone->value[alone->rows++] = c->type == TYPE_REAL ? c->real[i] : (double)c->integer[i];
    }
}

/* One feature by itself: gives it the label away, or moves its undated table with it? */
static void check_feature(struct train_result *r, const struct check_task *t, uint32_t k,
                          struct alone *alone)
{
    const struct column *c = &t->table->column[k];
    const char *name = plan_feature_name(t->plan, k), *undated;
    double auc, precision;

    alone->rows = 0;
    if (c->type == TYPE_TEXT)
        rank_texts(r, t, c, alone);
    else
        rank_numbers(t, c, alone);
    auc = metric_auc_roc(alone->value, alone->said, alone->rows);
    if (isnan(auc))
        return;
    for (uint32_t i = 0; i < alone->rows && auc < 0.5; i++)
        alone->value[i] = -alone->value[i];
    auc = auc < 0.5 ? 1 - auc : auc;
    precision = metric_average_precision(alone->value, alone->said, alone->rows);
    undated = undated_field(r, t, k);
    if (auc > suspicious_auc || precision > suspicious_precision)
        checks_add(r, true,
                   "feature %s alone tells fraud from legitimate with AUC %.4f and average "
                   "precision %.4f: it is likely the label under another name, or known only "
                   "afterwards; leave it out",
                   name, auc, precision);
    else if (undated != NULL && auc > moving_auc)
        checks_add(r, true,
                   "feature %s reads %s, of a table without valid_from, and alone tells fraud from "
                   "legitimate with AUC %.2f: does the table change once a fraud is known?",
                   name, undated, auc);
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

void checks_of_features(struct train_result *r, const struct check_task *t)
{
    struct alone alone = {.value = mem_array(t->table->rows, sizeof *alone.value),
                          .said = mem_array(t->table->rows, 1)};

    check_forgotten(r, t->plan, t->table);
    check_look_ahead(r, t);
    for (uint32_t k = 0; k < t->table->features && !r->split.has_no_label; k++)
        check_feature(r, t, k, &alone);
    mem_free(alone.value);
    mem_free(alone.said);
}

/* ---- models */

/* Which of the models that it was compared with are no better than chance. */
static void check_others(struct train_result *r)
{
    struct buffer names;
    uint32_t count = 0;

    buffer_init(&names, TRAIN_CHECK_WORDS / 2);
    for (uint32_t i = 1; i < r->models; i++) {
        if (r->model[i].metrics.better_than_chance)
            continue;
        buffer_format(&names, "%s%s", count > 0 ? ", " : "", r->model[i].name);
        count++;
    }
    if (count > 0 && count + 1 == r->models && !r->model[0].metrics.better_than_chance)
        checks_add(r, true, "none of the %u models can be told from chance on held-out events",
                   r->models);
    else if (count > 0)
        checks_add(r, true, "on held-out events these models cannot be told from chance: %s",
                   buffer_text(&names));
    buffer_fini(&names);
}

/* Any model that was compared and does better, or a simple one that does as well. */
static void check_compared(struct train_result *r)
{
    const struct trained *kept = &r->model[0];
    const struct estimate *own = &kept->metrics.average_precision;
    uint32_t best = 0;

    for (uint32_t i = 1; i < r->models; i++) {
        if (r->model[i].metrics.average_precision.value >
            r->model[best].metrics.average_precision.value)
            best = i;
    }
    if (best > 0)
        checks_add(
            r, true, "the %s%s model has the better average precision here (%.3f against %.3f)",
            r->model[best].recipe->kind == MODEL_LOGISTIC && kept->recipe->kind != MODEL_LOGISTIC
                ? "simpler "
                : "",
            r->model[best].name, r->model[best].metrics.average_precision.value, own->value);
    for (uint32_t i = 1; i < r->models && kept->recipe->kind != MODEL_LOGISTIC; i++) {
        const struct trained *m = &r->model[i];

        if (i != best && m->recipe->kind == MODEL_LOGISTIC &&
            m->metrics.average_precision.value >= own->low)
            checks_add(r, false,
                       "the simpler %s model does about as well: its average precision %.3f is "
                       "within the interval [%.3f, %.3f] of this one's %.3f",
                       m->name, m->metrics.average_precision.value, own->low, own->high,
                       own->value);
    }
}

/* Rows without a label that were learned from, and what they were good for. */
static void check_unlabelled(struct train_result *r)
{
    const struct trained *m = &r->model[0];
    const struct unlabelled *u = &m->fitted.unlabelled;
    const struct estimate *d = &m->self_gain;

    if (u->is_learned && u->rows > 0)
        checks_add(r, false,
                   "%u training events without a label were learned from too: this kind of model "
                   "looks at none",
                   u->rows);
    if (m->recipe->self_train.rounds == 0)
        return;
    if (u->rows == 0)
        checks_add(r, true,
                   "self-training found no training event without a label (event.label.absent: "
                   "unknown says that a missing one is not known): the model is as without it");
    else if (!d->is_null)
        checks_add(r, d->low <= 0,
                   "self-training took %u of %u events without a label as legitimate and %u as "
                   "frauds (%u round%s): average precision on held-out labelled events changes by "
                   "%+.4f [%+.4f, %+.4f]; %s",
                   u->taken[0], u->rows, u->taken[1], u->rounds, u->rounds == 1 ? "" : "s",
                   d->value, d->low, d->high,
                   d->low > 0    ? "it helped"
                   : d->high < 0 ? "it did harm: leave it out"
                                 : "whether it helped cannot be told");
}

static void check_coverage(struct train_result *r)
{
    static const char *const name[] = {"legitimate events", "frauds"};
    const struct trained *m = &r->model[0];
    const struct coverage *c = &m->fitted.coverage;

    if (c->level > 0 && model_conformal(m->fitted.model) == NULL)
        checks_add(r, true,
                   "uncertainty is not given: %lu frauds and %lu legitimate events were held out "
                   "of learning, and a level of %g needs %u of each; nothing is promised",
                   count(c->calibration[1]), count(c->calibration[0]), c->level,
                   conformal_rows_needed(c->level));
    for (int k = 0; k < 2; k++) {
        struct estimate met = coverage_of_class(c, k);

        if (coverage_is_broken(c, k))
            checks_add(r, true,
                       "conformal sets promise to hold the class of %g %% of the %s, and held that "
                       "of %.1f %% [%.1f, %.1f] of those held out: events have changed since those "
                       "that the promise rests on; trust it less",
                       100 * c->level, name[k], 100 * met.value, 100 * met.low, 100 * met.high);
    }
    if (coverage_is_beside(c))
        checks_add(r, true,
                   "intervals of the probability lie between %.3f %% and %.3f %% on average, and "
                   "%.3f %% of the held-out events are frauds: their share has changed",
                   100 * coverage_low(c), 100 * coverage_high(c),
                   100 * coverage_fraud_share(c).value);
}

/* The model on the rows that it learned from, beside the held-out ones. */
static void check_training_rows(struct train_result *r, const struct check_task *t)
{
    const struct trained *m = &r->model[0];
    struct alone alone = {.value = mem_array(t->table->rows, sizeof *alone.value),
                          .said = mem_array(t->table->rows, 1)};
    double auc, precision;

    for (uint32_t i = 0; i < t->table->rows && r->split.folds == 0; i++) {
        if (t->part[i] != PART_TRAIN)
            continue;
        alone.value[alone.rows] = m->fitted.margin[i];
        alone.said[alone.rows++] = t->label[i];
    }
    auc = metric_auc_roc(alone.value, alone.said, alone.rows);
    precision = metric_average_precision(alone.value, alone.said, alone.rows);
    if (!isnan(auc) && !m->metrics.auc_roc.is_null)
        checks_add(
            r, auc - m->metrics.auc_roc.value > wide_gap,
            "on the events that it learned from the model reaches AUC %.3f and average "
            "precision %.3f, on held-out ones %.3f and %.3f: only the latter say how it will "
            "do",
            auc, precision, m->metrics.auc_roc.value, m->metrics.average_precision.value);
    mem_free(alone.value);
    mem_free(alone.said);
}

static void tell_thresholds(struct train_result *r, const struct check_task *t)
{
    const struct trained *m = &r->model[0];
    struct buffer words;

    if (m->goals == 0)
        return;
    buffer_init(&words, TRAIN_CHECK_WORDS);
    for (uint32_t i = 0; i < m->thresholds; i++)
        buffer_format(&words, "%s%s from %d", i > 0 ? ", " : "", m->in_force[i].name,
                      m->in_force[i].score);
    for (uint32_t i = 0; i < m->goals; i++) {
        buffer_add_text(&words, i > 0 ? ", " : " (");
        findings_goal_words(&m->goal[i].goal, &words);
        buffer_format(&words, ": %d", m->goal[i].score);
    }
    checks_add(r, r->split.folds > 0, "thresholds found on %s: %s)%s%s",
               r->split.folds > 0 ? "the events that test them, so what is said of them flatters"
                                  : "training events held out from learning",
               buffer_text(&words), t->settings->profile != NULL ? "; in force: " : "",
               t->settings->profile != NULL ? t->settings->profile : "");
    buffer_fini(&words);
}

/* What the thresholds in force do to the held-out events. */
static void tell_alerts(struct train_result *r, const struct check_task *t)
{
    const struct trained *m = &r->model[0];

    for (uint32_t k = 0; k < m->thresholds; k++) {
        uint64_t rows = 0, above = 0;

        for (uint32_t i = 0; i < t->table->rows; i++) {
            if (!is_tested(r, t->part[i]))
                continue;
            rows++;
            above += plan_score(m->fitted.probability[i]) >= m->in_force[k].score;
        }
        checks_add(r, above > rows / 5, "%s from %d: %.2f %% of the held-out events reach it%s",
                   m->in_force[k].name, m->in_force[k].score,
                   rows > 0 ? 100.0 * (double)above / (double)rows : 0,
                   above > rows / 5 ? "; scores of what is unusual are no probabilities: set "
                                      "`decision` by the table of scores"
                                    : "");
    }
}

/* Without labels: whether what is above the threshold holds. */
static void check_anomalies(struct train_result *r)
{
    const struct trained *m = &r->model[0];
    const struct anomalies *a = &m->anomalies;
    const struct anomaly_cut *c = &a->cut[0];

    if (c->held_out.high < c->share / 2 || c->held_out.low > c->share * 2)
        checks_add(r, true,
                   "the score that %g %% of the events learned from exceed is exceeded by %.2f %% "
                   "[%.2f, %.2f] of the held-out ones: events have changed, and so will alerts",
                   100 * c->share, 100 * c->held_out.value, 100 * c->held_out.low,
                   100 * c->held_out.high);
    if (a->seeds.top < shaky_top || a->halves.top < shaky_top)
        checks_add(r, true,
                   "of the %u highest held-out scores only %.0f %% are among the highest with "
                   "another seed, and %.0f %% are shared by models of two halves of the events: "
                   "take more isolation.trees or samples",
                   a->top_rows, 100 * a->seeds.top, 100 * a->halves.top);
    if (m->fitted.coverage.level > 0)
        checks_add(r, true, "uncertainty is not given: it rests on labels; nothing is promised");
}

void checks_of_models(struct train_result *r, const struct check_task *t)
{
    const struct metrics *m = &r->model[0].metrics;

    if (r->split.has_no_label) {
        check_anomalies(r);
        tell_alerts(r, t);
        return;
    }
    if (!m->better_than_chance)
        checks_add(
            r, true,
            "on held-out events this model cannot be told from chance (AUC %.3f [%.3f, %.3f], "
            "chance reaches its average precision with probability %.2f)",
            m->auc_roc.value, m->auc_roc.low, m->auc_roc.high, m->chance_p);
    check_others(r);
    check_compared(r);
    check_training_rows(r, t);
    check_unlabelled(r);
    check_coverage(r);
    tell_thresholds(r, t);
    if (!r->model[0].fitted.is_calibrated &&
        (r->model[0].recipe->calibrate == CALIBRATION_PLATT ||
         r->model[0].recipe->calibrate == CALIBRATION_ISOTONIC))
        checks_add(r, true, "too few frauds to calibrate: probabilities are the model's own");
}

#include "shell/train/split.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/number.h"
#include "core/base/panic.h"
#include "core/base/random.h"
#include "core/decide/engine.h"

/* ---- parts */

static bool row_learns(const struct row_facts *f, uint64_t row)
{
    return f->learns == NULL || f->learns[row];
}

/* An event without a label is legitimate once it is older than the label delay, where the settings
 * say so; how old it is, the end of the data tells. */
static uint8_t settled_label(const struct row_facts *f, const struct settings *s, uint64_t row,
                             int64_t end_us)
{
    if (f->label[row] != LABEL_UNKNOWN)
        return f->label[row];
    if (s->event.absent == LABEL_ABSENT_LEGIT &&
        f->time_us[row] <= end_us - s->event.label_delay_us)
        return 0;
    return LABEL_UNKNOWN;
}

/* Nobody said anything of any event, and the model can do without. */
static bool lacks_labels(const struct row_facts *f, const struct settings *s)
{
    for (uint64_t i = 0; i < f->rows; i++) {
        if (row_learns(f, i) && f->label[i] != LABEL_UNKNOWN)
            return false;
    }
    return settings_recipe(s)->recipe.kind == MODEL_ISOLATION;
}

static void settle(struct row_facts *f, const struct settings *s, struct split *split)
{
    int64_t end = f->rows > 0 ? f->time_us[f->rows - 1] : 0;

    for (uint64_t i = 0; i < f->rows; i++) {
        if (!row_learns(f, i)) {
            f->label[i] = LABEL_UNKNOWN;
            continue;
        }
        f->label[i] = f->has_no_label ? 0 : settled_label(f, s, i, end);
        split->unlabelled += f->label[i] == LABEL_UNKNOWN;
    }
}

/* Rows are in time order: the test is the last share of them, cut where the time changes. */
static void window_from_share(const struct row_facts *f, const struct validate_setting *v,
                              struct split *split)
{
    uint64_t cut = f->learning - (uint64_t)llround((double)f->learning * v->test_share);
    uint64_t at = 0, seen = 0;

    if (cut >= f->learning)
        cut = f->learning - 1;
    while (at + 1 < f->rows && (seen < cut || !row_learns(f, at))) {
        seen += row_learns(f, at);
        at++;
    }
    split->test_from_us = f->time_us[at];
    split->test_until_us = f->time_us[f->rows - 1] + 1;
    split->train_from_us = f->time_us[0];
    split->train_until_us = split->test_from_us - v->gap_us;
}

/* Lengths stand behind each other: training, gap, test; the test of fold 0 ends at `end`, each
 * fold is a step earlier than the one before. */
static void window_from_lengths(const struct validate_setting *v, int64_t end, uint32_t fold,
                                struct split *split)
{
    split->test_until_us = end - fold * v->step_us;
    split->test_from_us = split->test_until_us - v->test_until_us;
    split->train_until_us = split->test_from_us - v->gap_us;
    split->train_from_us = split->train_until_us - v->train_until_us;
}

static int64_t windows_end(const struct row_facts *f, const struct validate_setting *v)
{
    return v->has_until ? v->until_us : f->time_us[f->rows - 1] + 1;
}

static int64_t day_start(int64_t time_us)
{
    int64_t rest = time_us % US_PER_DAY;

    return time_us - (rest < 0 ? rest + US_PER_DAY : rest);
}

/* The Handbook's rule: from test day D drop entities with a fraud between the start of training and
 * the last day whose labels are known on D, which is before the start of D less the gap. */
static void drop_known(const struct row_facts *f, const struct validate_setting *v,
                       struct split *split)
{
    int64_t *known_us; /* per entity: first fraud in training or later */
    uint32_t entities = 0;

    if (v->drop_known == NULL || f->entity == NULL)
        return;
    for (uint64_t i = 0; i < f->rows; i++) {
        if (f->entity[i] >= entities)
            entities = f->entity[i] + 1;
    }
    known_us = mem_array(entities, sizeof *known_us);
    for (uint32_t i = 0; i < entities; i++)
        known_us[i] = INT64_MAX;
    for (uint64_t i = 0; i < f->rows; i++) {
        if (f->label[i] == 1 && f->time_us[i] >= split->train_from_us &&
            f->time_us[i] < known_us[f->entity[i]])
            known_us[f->entity[i]] = f->time_us[i];
    }
    for (uint64_t i = 0; i < f->rows; i++) {
        if (split->part[i] == PART_TEST &&
            known_us[f->entity[i]] < day_start(f->time_us[i]) - v->gap_us) {
            split->part[i] = PART_NONE;
            split->known_dropped++;
        }
    }
    mem_free(known_us);
}

static uint32_t count_numbers(const uint32_t *number, uint64_t rows)
{
    uint32_t count = 0;

    for (uint64_t i = 0; i < rows; i++) {
        if (number[i] >= count)
            count = number[i] + 1;
    }
    return count;
}

static void drop_seen_groups(const struct row_facts *f, struct split *split)
{
    uint8_t *seen;

    if (f->group == NULL)
        return;
    seen = mem_array(count_numbers(f->group, f->rows), 1);
    for (uint64_t i = 0; i < f->rows; i++)
        seen[f->group[i]] |= split->part[i] == PART_TRAIN;
    for (uint64_t i = 0; i < f->rows; i++) {
        if (split->part[i] == PART_TEST && seen[f->group[i]]) {
            split->part[i] = PART_NONE;
            split->group_dropped++;
        }
    }
    mem_free(seen);
}

/* Rows to learn from without a label: of the same time, or all where the split is not by time. */
static void add_unlabelled(const struct row_facts *f, struct split *split, bool is_by_time)
{
    uint8_t *tested = NULL;

    if (!f->wants_unlabelled || (f->group != NULL && split->folds > 0))
        return;
    if (f->group != NULL)
        tested = mem_array(count_numbers(f->group, f->rows), 1);
    for (uint64_t i = 0; tested != NULL && i < f->rows; i++)
        tested[f->group[i]] |= split->part[i] == PART_TEST;
    for (uint64_t i = 0; i < f->rows; i++) {
        if (f->label[i] != LABEL_UNKNOWN || !row_learns(f, i) ||
            (is_by_time &&
             (f->time_us[i] < split->train_from_us || f->time_us[i] >= split->train_until_us)) ||
            (tested != NULL && tested[f->group[i]]))
            continue;
        split->part[i] = PART_UNLABELLED;
        split->unlabelled_rows++;
    }
    mem_free(tested);
}

/* The rows of the windows, which are set. `within`: only where it says PART_TRAIN; NULL: all. */
static void split_by_windows(const struct row_facts *f, const struct validate_setting *v,
                             const uint8_t *within, struct split *split)
{
    for (uint64_t i = 0; i < f->rows; i++) {
        int64_t t = f->time_us[i];

        if (f->label[i] == LABEL_UNKNOWN || (within != NULL && within[i] != PART_TRAIN))
            continue;
        if (t >= split->train_from_us && t < split->train_until_us)
            split->part[i] = PART_TRAIN;
        else if (t >= split->test_from_us && t < split->test_until_us)
            split->part[i] = PART_TEST;
    }
    drop_known(f, v, split);
    drop_seen_groups(f, split);
    add_unlabelled(f, split, true);
}

static void split_by_time(const struct row_facts *f, const struct settings *s, struct split *split)
{
    const struct validate_setting *v = &s->model.validate;
    char from[TIME_TEXT_MAX], until[TIME_TEXT_MAX], gap[TIME_TEXT_MAX], more[80] = "";

    if (v->has_lengths) {
        window_from_lengths(v, windows_end(f, v), 0, split);
    } else if (v->has_window) {
        split->train_from_us = v->train_from_us;
        split->train_until_us = v->train_until_us;
        split->test_from_us = v->test_from_us;
        split->test_until_us = v->test_until_us;
    } else {
        window_from_share(f, v, split);
    }
    split_by_windows(f, v, NULL, split);
    time_format(split->train_until_us, from);
    time_format(split->test_from_us, until);
    duration_format(v->gap_us, gap);
    if (v->by == VALIDATE_PREQUENTIAL)
        snprintf(more, sizeof more, "; the latest of %u such windows", v->folds);
    snprintf(split->words, sizeof split->words,
             "by time: learned on events before %s, tested on events from %s on (gap %s for labels "
             "that come late)%s",
             from, until, gap, more);
}

/* Random order within each class by a seeded key, so that both parts have the same share of frauds.
 */
struct keyed {
    uint64_t key;
    uint64_t row;
};

static int by_key(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;

    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->row < y->row ? -1 : 1;
}

/* What is dealt: `folds` parts 1, 2, ...; or, with 0 folds, a share of the rows to PART_TEST and
 * the others to PART_TRAIN. Only rows where `within` says PART_TRAIN; NULL: all. */
struct deal {
    const struct row_facts *f;
    const uint8_t *within;
    uint64_t seed;
    uint32_t folds;
    double test_share;
    uint8_t *part;
};

static bool deals_row(const struct deal *d, uint64_t row)
{
    return d->f->label[row] != LABEL_UNKNOWN && (d->within == NULL || d->within[row] == PART_TRAIN);
}

static void deal_class(const struct deal *d, uint8_t label)
{
    const struct row_facts *f = d->f;
    struct keyed *order = mem_array(f->rows, sizeof *order);
    uint64_t count = 0, test;

    for (uint64_t i = 0; i < f->rows; i++) {
        if (f->label[i] == label && deals_row(d, i))
            order[count++] = (struct keyed){random_at(d->seed, 0x5b117, i), i};
    }
    qsort(order, count, sizeof *order, by_key);
    test = (uint64_t)llround((double)count * d->test_share);
    for (uint64_t k = 0; k < count; k++) {
        if (d->folds > 0)
            d->part[order[k].row] = (uint8_t)(1 + k % d->folds);
        else
            d->part[order[k].row] = k < test ? PART_TEST : PART_TRAIN;
    }
    mem_free(order);
}

/* The next group of `weight` rows: to the fold that has the fewest, or to the test as long as that
 * comes nearer to its share. */
static uint8_t deal_group(const struct deal *d, uint64_t weight, uint64_t all,
                          uint64_t given[SPLIT_FOLDS_MAX])
{
    uint32_t least = 0;

    if (d->folds == 0) {
        if ((double)given[0] + (double)weight / 2 > (double)all * d->test_share)
            return PART_TRAIN;
        given[0] += weight;
        return PART_TEST;
    }
    for (uint32_t k = 1; k < d->folds; k++) {
        if (given[k] < given[least])
            least = k;
    }
    given[least] += weight;
    return (uint8_t)(1 + least);
}

/* Whole groups, in random order; those with frauds apart from those without, the former by their
 * frauds and the latter by their rows. */
static void deal_groups(const struct deal *d)
{
    const struct row_facts *f = d->f;
    uint32_t groups = count_numbers(f->group, f->rows);
    uint64_t *weight[2] = {mem_array(groups, sizeof *weight[0]),
                           mem_array(groups, sizeof *weight[1])};
    struct keyed *order = mem_array(groups, sizeof *order);
    uint8_t *part = mem_array(groups, 1);

    for (uint64_t i = 0; i < f->rows; i++) {
        if (deals_row(d, i))
            weight[f->label[i]][f->group[i]]++;
    }
    for (int label = 1; label >= 0; label--) {
        uint64_t given[SPLIT_FOLDS_MAX] = {0}, all = 0;
        uint32_t count = 0;

        for (uint32_t g = 0; g < groups; g++) {
            if (weight[label][g] == 0 || (label == 0 && weight[1][g] > 0))
                continue;
            order[count++] = (struct keyed){random_at(d->seed, 0x5b118, g), g};
            all += weight[label][g];
        }
        qsort(order, count, sizeof *order, by_key);
        for (uint32_t k = 0; k < count; k++)
            part[order[k].row] = deal_group(d, weight[label][order[k].row], all, given);
    }
    for (uint64_t i = 0; i < f->rows; i++) {
        if (deals_row(d, i))
            d->part[i] = part[f->group[i]];
    }
    mem_free(weight[0]);
    mem_free(weight[1]);
    mem_free(order);
    mem_free(part);
}

static void deal(const struct deal *d)
{
    if (d->f->group != NULL) {
        deal_groups(d);
        return;
    }
    deal_class(d, 0);
    deal_class(d, 1);
}

static void split_stratified(const struct row_facts *f, const struct settings *s,
                             struct split *split)
{
    const struct validate_setting *v = &s->model.validate;
    struct deal d = {
        .f = f, .seed = s->model.seed, .test_share = v->test_share, .part = split->part};
    char whole[PLAN_NAME_MAX + 40] = "";

    d.folds = split->folds = v->by == VALIDATE_FOLDS ? v->folds : 0;
    deal(&d);
    add_unlabelled(f, split, false);
    if (v->group != NULL)
        snprintf(whole, sizeof whole, ", all events of a %s on one side", v->group);
    if (split->folds > 0)
        snprintf(split->words, sizeof split->words,
                 "stratified in %u folds: each event is tested by a model that did not see it "
                 "(at random, not by time: the future helps to predict the past)%s",
                 split->folds, whole);
    else
        snprintf(split->words, sizeof split->words,
                 "stratified: %.0f %% of the events, drawn at random, tested (not by time: the "
                 "future helps to predict the past)%s",
                 100 * v->test_share, whole);
}

static bool check_part(const struct split *split, const char *name, uint64_t rows, uint64_t frauds,
                       struct error *e)
{
    if (rows == 0)
        return error_set(
            e, ERROR_INVALID,
            "no event is left to %s: look at model.validate (windows, gap, test share) "
            "against the times in the data",
            name);
    if (!split->has_no_label && (frauds == 0 || frauds == rows))
        return error_set(e, ERROR_INVALID,
                         "all %lu events to %s are %s: both fraud and legitimate ones are needed; "
                         "check event.label, or choose another model.validate",
                         (unsigned long)rows, name, frauds == 0 ? "legitimate" : "frauds");
    return true;
}

static void count_parts(const struct row_facts *f, struct split *split)
{
    for (uint64_t i = 0; i < f->rows; i++) {
        if (!part_has_label(split->part[i]))
            continue;
        if (split->folds > 0 || split->part[i] == PART_TRAIN) {
            split->train_rows++;
            split->train_frauds += f->label[i];
        }
        if (split->folds > 0 || split->part[i] == PART_TEST) {
            split->test_rows++;
            split->test_frauds += f->label[i];
        }
    }
}

static bool check_parts(const struct split *split, struct error *e)
{
    return check_part(split, "learn from", split->train_rows, split->train_frauds, e) &&
           check_part(split, "test on", split->test_rows, split->test_frauds, e);
}

static bool is_by_time(const struct validate_setting *v)
{
    return v->by == VALIDATE_TIME || v->by == VALIDATE_PREQUENTIAL;
}

bool split_make(struct row_facts *facts, const struct settings *s, struct split *split,
                struct error *e)
{
    *split = (struct split){0};
    split->part = mem_array(facts->rows, 1);
    facts->has_no_label = split->has_no_label = lacks_labels(facts, s);
    settle(facts, s, split);
    if (facts->rows > 0 && is_by_time(&s->model.validate))
        split_by_time(facts, s, split);
    else
        split_stratified(facts, s, split);
    count_parts(facts, split);
    if (check_parts(split, e))
        return true;
    split_free(split);
    return false;
}

void split_free(struct split *split)
{
    mem_free(split->part);
    *split = (struct split){0};
}

/* ---- further splits */

static struct split *list_add(struct split_list *l, const struct row_facts *f)
{
    struct split *split = &l->split[l->count++];

    *split = (struct split){.part = mem_array(f->rows, 1), .has_no_label = f->has_no_label};
    return split;
}

void split_list_free(struct split_list *l)
{
    for (uint32_t i = 0; i < l->count; i++)
        split_free(&l->split[i]);
    mem_free(l->split);
    *l = (struct split_list){0};
}

bool split_earlier(const struct row_facts *facts, const struct settings *s,
                   struct split_list *earlier, struct error *e)
{
    const struct validate_setting *v = &s->model.validate;

    *earlier = (struct split_list){0};
    if (v->by != VALIDATE_PREQUENTIAL)
        return true;
    earlier->split = mem_array(v->folds, sizeof *earlier->split);
    for (uint32_t k = 1; k < v->folds; k++) {
        struct split *split = list_add(earlier, facts);
        char from[TIME_TEXT_MAX];

        window_from_lengths(v, windows_end(facts, v), k, split);
        split_by_windows(facts, v, NULL, split);
        count_parts(facts, split);
        if (check_parts(split, e))
            continue;
        time_format(split->train_from_us, from);
        error_prefix(e, "fold %u of %u, whose training begins %s", k + 1, v->folds, from);
        split_list_free(earlier);
        return false;
    }
    return true;
}

/* The windows of given length, moved back to end where the earliest training does. */
static void inner_by_lengths(const struct row_facts *f, const struct validate_setting *v,
                             int64_t end, uint32_t fold, struct split *split)
{
    window_from_lengths(v, end, fold, split);
    split_by_windows(f, v, NULL, split);
}

/* Of the training rows the last share, the share before it, and so on, each tested by what comes
 * before it. */
static void inner_by_share(const struct row_facts *f, const struct validate_setting *v,
                           const struct split *of, uint32_t fold, uint32_t folds,
                           struct split *split)
{
    double most = 0.6 / folds, share = v->test_share < most ? v->test_share : most;
    uint64_t until = of->train_rows - (uint64_t)((double)of->train_rows * share * fold);
    uint64_t from = of->train_rows - (uint64_t)((double)of->train_rows * share * (fold + 1));
    uint64_t at = 0;

    split->train_from_us = of->train_from_us;
    split->test_from_us = split->test_until_us = of->train_until_us;
    for (uint64_t i = 0; i < f->rows; i++) {
        if (of->part[i] != PART_TRAIN)
            continue;
        if (at == from)
            split->test_from_us = f->time_us[i];
        if (at++ == until)
            split->test_until_us = f->time_us[i];
    }
    split->train_until_us = split->test_from_us - v->gap_us;
    split_by_windows(f, v, of->part, split);
}

/* A fold of the training rows that were dealt into `folds`. */
static void inner_of_deal(const struct row_facts *f, const uint8_t *dealt, uint32_t fold,
                          struct split *split)
{
    for (uint64_t i = 0; i < f->rows; i++) {
        if (dealt[i] != 0)
            split->part[i] = dealt[i] == 1 + fold ? PART_TEST : PART_TRAIN;
    }
    add_unlabelled(f, split, false);
}

bool split_inner(const struct row_facts *facts, const struct settings *s,
                 const struct split *latest, const struct split_list *earlier, uint32_t folds,
                 struct split_list *inner, struct error *e)
{
    const struct validate_setting *v = &s->model.validate;
    const struct split *first = earlier->count > 0 ? &earlier->split[earlier->count - 1] : latest;
    uint8_t *dealt = mem_array(facts->rows, 1);
    struct deal d = {.f = facts,
                     .within = latest->part,
                     .seed = s->model.seed ^ 0x5ea4c4,
                     .folds = folds,
                     .part = dealt};
    struct error why;

    *inner = (struct split_list){0};
    if (v->by == VALIDATE_STRATIFIED)
        deal(&d);
    inner->split = mem_array(folds, sizeof *inner->split);
    for (uint32_t k = 0; k < folds && v->by != VALIDATE_FOLDS; k++) {
        struct split *split = list_add(inner, facts);

        if (v->has_lengths)
            inner_by_lengths(facts, v, first->train_until_us, k, split);
        else if (is_by_time(v))
            inner_by_share(facts, v, latest, k, folds, split);
        else
            inner_of_deal(facts, dealt, k, split);
        count_parts(facts, split);
        if (!check_parts(split, &why))
            split_free(&inner->split[--inner->count]);
    }
    mem_free(dealt);
    if (inner->count > 0)
        return true;
    split_list_free(inner);
    if (v->by == VALIDATE_FOLDS)
        return error_set(e, ERROR_INVALID,
                         "with folds every event is tested, so none is left to search on: choose "
                         "model.validate.by time, prequential or stratified");
    return error_set(e, ERROR_INVALID, "no part of the events to learn from can test a search (%s)",
                     why.text);
}

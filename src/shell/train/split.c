#include "shell/train/split.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/number.h"
#include "core/base/panic.h"
#include "core/base/random.h"
#include "core/decide/engine.h"

/* ---- facts */

static double cell_number(const struct column *c, uint32_t row)
{
    if (c->null[row])
        return NAN;
    if (c->type == TYPE_REAL)
        return c->real[row];
    if (c->type == TYPE_DECIMAL)
        return (double)c->integer[row] / (double)DECIMAL_ONE;
    return (double)c->integer[row];
}

/* The field behind the entity that stands for a card: the one named in drop_known, else the first.
 */
static int entity_field(const struct feed *f, const struct settings *s)
{
    const char *wanted = s->model.validate.drop_known;

    for (uint32_t i = 0; i < s->entity_count; i++) {
        if (wanted == NULL || strcmp(wanted, s->entities[i].name) == 0)
            return schema_find(f->schema, text_of(s->entities[i].key));
    }
    return FIELD_NONE;
}

/* Numbers 0..n-1 for equal keys, in order of first appearance; open addressing by token. */
enum { NUMBERING_FIRST = 1024 };

struct numbering {
    struct hash128 *token;
    uint32_t *number;
    uint64_t mask;
    uint32_t count;
};

static uint64_t numbering_slot(const struct numbering *n, struct hash128 token)
{
    uint64_t slot = token.low & n->mask;

    while (n->number[slot] != 0 &&
           (n->token[slot].low != token.low || n->token[slot].high != token.high))
        slot = (slot + 1) & n->mask;
    return slot;
}

static void numbering_grow(struct numbering *n)
{
    struct numbering old = *n;

    n->mask = old.mask > 0 ? old.mask * 2 + 1 : NUMBERING_FIRST - 1;
    n->token = mem_array(n->mask + 1, sizeof *n->token);
    n->number = mem_array(n->mask + 1, sizeof *n->number);
    for (uint64_t i = 0; old.mask > 0 && i <= old.mask; i++) {
        uint64_t slot;

        if (old.number[i] == 0)
            continue;
        slot = numbering_slot(n, old.token[i]);
        n->token[slot] = old.token[i];
        n->number[slot] = old.number[i];
    }
    mem_free(old.token);
    mem_free(old.number);
}

static uint32_t number_of(struct numbering *n, struct hash128 token)
{
    uint64_t slot = numbering_slot(n, token);

    if (n->number[slot] == 0) {
        if (2 * (uint64_t)n->count >= n->mask) {
            numbering_grow(n);
            slot = numbering_slot(n, token);
        }
        n->token[slot] = token;
        n->number[slot] = ++n->count;
    }
    return n->number[slot] - 1;
}

static struct hash128 cell_token(const struct column *c, uint32_t row)
{
    static const struct hash_key key = {1, 2};
    struct value v = column_get(c, row);

    if (v.type == TYPE_TEXT)
        return hash_token(v.text.bytes, v.text.length, &key);
    return hash_token(&v.integer, sizeof v.integer, &key);
}

/* A model is of the events that are decided and whose outcome becomes known. */
static bool is_learned(const struct schema *s, int kind)
{
    return kind == KIND_NONE || (s->kinds[kind].is_decided && schema_has(s, kind, s->label));
}

static void collect_frame(const struct frame *f, const struct schema *schema, int amount,
                          int entity, struct numbering *n, struct row_facts *facts)
{
    for (uint32_t i = 0; i < f->rows; i++) {
        uint64_t at = facts->rows++;

        if (facts->learns != NULL)
            facts->learns[at] = is_learned(schema, frame_kind(f, i, schema));
        facts->learning += facts->learns == NULL || facts->learns[at];
        facts->time_us[at] = schema->time != FIELD_NONE ? f->column[schema->time].integer[i] : 0;
        facts->label[at] = schema->label != FIELD_NONE
                               ? engine_label_of(&f->column[schema->label], i)
                               : LABEL_UNKNOWN;
        if (facts->amount != NULL)
            facts->amount[at] = cell_number(&f->column[amount], i);
        if (facts->entity != NULL)
            facts->entity[at] = number_of(n, cell_token(&f->column[entity], i));
    }
}

bool row_facts_collect(struct feed *f, const struct settings *s, struct row_facts *facts,
                       struct error *e)
{
    uint64_t rows = f->counts.rows;
    int amount = s->event.amount != NULL ? schema_find(f->schema, text_of(s->event.amount)) : -1;
    int entity = entity_field(f, s);
    const struct frame *frame = NULL;
    struct numbering n = {0};
    bool ok;

    if (f->schema->label == FIELD_NONE)
        return error_set(e, ERROR_INVALID,
                         "there is no label to learn from: name the field that says fraud or not "
                         "under event.label in the settings");
    *facts = (struct row_facts){0};
    facts->time_us = mem_array(rows, sizeof *facts->time_us);
    facts->label = mem_array(rows, 1);
    if (f->schema->kind != FIELD_NONE)
        facts->learns = mem_array(rows, 1);
    if (amount >= 0 && type_is_number(f->schema->fields[amount].type))
        facts->amount = mem_array(rows, sizeof *facts->amount);
    if (entity >= 0) {
        facts->entity = mem_array(rows, sizeof *facts->entity);
        numbering_grow(&n);
    }
    ok = feed_begin(f, false, e);
    while (ok && (ok = feed_next(f, &frame, e)) && frame != NULL)
        collect_frame(frame, f->schema, amount, entity, &n, facts);
    mem_free(n.token);
    mem_free(n.number);
    return ok;
}

void row_facts_free(struct row_facts *facts)
{
    mem_free(facts->time_us);
    mem_free(facts->label);
    mem_free(facts->amount);
    mem_free(facts->entity);
    mem_free(facts->learns);
    *facts = (struct row_facts){0};
}

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

static void settle(struct row_facts *f, const struct settings *s, struct split *split)
{
    int64_t end = f->rows > 0 ? f->time_us[f->rows - 1] : 0;

    for (uint64_t i = 0; i < f->rows; i++) {
        if (!row_learns(f, i)) {
            f->label[i] = LABEL_UNKNOWN;
            continue;
        }
        f->label[i] = settled_label(f, s, i, end);
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

static void split_by_time(const struct row_facts *f, const struct settings *s, struct split *split)
{
    const struct validate_setting *v = &s->model.validate;
    char from[TIME_TEXT_MAX], until[TIME_TEXT_MAX], gap[TIME_TEXT_MAX];

    if (v->has_window) {
        split->train_from_us = v->train_from_us;
        split->train_until_us = v->train_until_us;
        split->test_from_us = v->test_from_us;
        split->test_until_us = v->test_until_us;
    } else {
        window_from_share(f, v, split);
    }
    for (uint64_t i = 0; i < f->rows; i++) {
        int64_t t = f->time_us[i];

        if (f->label[i] == LABEL_UNKNOWN)
            continue;
        if (t >= split->train_from_us && t < split->train_until_us)
            split->part[i] = PART_TRAIN;
        else if (t >= split->test_from_us && t < split->test_until_us)
            split->part[i] = PART_TEST;
    }
    drop_known(f, v, split);
    time_format(split->train_until_us, from);
    time_format(split->test_from_us, until);
    duration_format(v->gap_us, gap);
    snprintf(split->words, sizeof split->words,
             "by time: learned on events before %s, tested on events from %s on (gap %s for labels "
             "that come late)",
             from, until, gap);
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

static void deal_class(const struct row_facts *f, uint8_t label, uint64_t seed, double test_share,
                       uint32_t folds, struct split *split)
{
    struct keyed *order = mem_array(f->rows, sizeof *order);
    uint64_t count = 0, test;

    for (uint64_t i = 0; i < f->rows; i++) {
        if (f->label[i] == label)
            order[count++] = (struct keyed){random_at(seed, 0x5b117, i), i};
    }
    qsort(order, count, sizeof *order, by_key);
    test = (uint64_t)llround((double)count * test_share);
    for (uint64_t k = 0; k < count; k++) {
        if (folds > 0)
            split->part[order[k].row] = (uint8_t)(1 + k % folds);
        else
            split->part[order[k].row] = k < test ? PART_TEST : PART_TRAIN;
    }
    mem_free(order);
}

static void split_stratified(const struct row_facts *f, const struct settings *s,
                             struct split *split)
{
    const struct validate_setting *v = &s->model.validate;

    split->folds = v->by == VALIDATE_FOLDS ? v->folds : 0;
    for (uint8_t label = 0; label < 2; label++)
        deal_class(f, label, s->model.seed, v->test_share, split->folds, split);
    if (split->folds > 0)
        snprintf(split->words, sizeof split->words,
                 "stratified in %u folds: each event is tested by a model that did not see it "
                 "(at random, not by time: the future helps to predict the past)",
                 split->folds);
    else
        snprintf(split->words, sizeof split->words,
                 "stratified: %.0f %% of the events, drawn at random, tested (not by time: the "
                 "future helps to predict the past)",
                 100 * v->test_share);
}

static bool check_part(const char *name, uint64_t rows, uint64_t frauds, struct error *e)
{
    if (rows == 0)
        return error_set(
            e, ERROR_INVALID,
            "no event is left to %s: look at model.validate (windows, gap, test share) "
            "against the times in the data",
            name);
    if (frauds == 0 || frauds == rows)
        return error_set(e, ERROR_INVALID,
                         "all %lu events to %s are %s: both fraud and legitimate ones are needed; "
                         "check event.label, or choose another model.validate",
                         (unsigned long)rows, name, frauds == 0 ? "legitimate" : "frauds");
    return true;
}

static void count_parts(const struct row_facts *f, struct split *split)
{
    for (uint64_t i = 0; i < f->rows; i++) {
        if (split->part[i] == PART_NONE)
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

bool split_make(struct row_facts *facts, const struct settings *s, struct split *split,
                struct error *e)
{
    *split = (struct split){0};
    split->part = mem_array(facts->rows, 1);
    settle(facts, s, split);
    if (facts->rows > 0 && s->model.validate.by == VALIDATE_TIME)
        split_by_time(facts, s, split);
    else
        split_stratified(facts, s, split);
    count_parts(facts, split);
    if (check_part("learn from", split->train_rows, split->train_frauds, e) &&
        check_part("test on", split->test_rows, split->test_frauds, e))
        return true;
    split_free(split);
    return false;
}

void split_free(struct split *split)
{
    mem_free(split->part);
    *split = (struct split){0};
}

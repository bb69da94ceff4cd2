#include "core/learn/dataset.h"

#include <stdlib.h>

#include "core/base/hash.h"

bool dataset_check(const struct dataset *d, struct error *e)
{
    uint32_t frauds;

    if (d->rows == 0)
        return error_set(e, ERROR_INVALID, "training: no row; widen the training period");
    if (d->inputs == 0 || d->inputs > MODEL_INPUTS_MAX)
        return error_set(e, ERROR_INVALID, "training: %u inputs, 1 to %d are allowed", d->inputs,
                         MODEL_INPUTS_MAX);
    for (uint32_t j = 0; j < d->inputs; j++) {
        if (d->input[j]->type == TYPE_TIME)
            return error_set(e, ERROR_INVALID,
                             "training: input \"%s\" is a time, which no model can use; derive a "
                             "number from it, such as hour(...)",
                             d->name[j]);
    }
    frauds = dataset_frauds(d);
    if (frauds == 0 || frauds == d->rows)
        return error_set(e, ERROR_INVALID,
                         "training: all %u rows are %s, both classes are needed; check the label "
                         "and the training period",
                         d->rows, frauds == 0 ? "legitimate" : "frauds");
    return true;
}

uint32_t dataset_frauds(const struct dataset *d)
{
    uint32_t frauds = 0;

    for (uint32_t i = 0; i < d->rows; i++)
        frauds += dataset_label(d, i) != 0;
    return frauds;
}

void dataset_weights(const struct dataset *d, enum balance balance, double weight[2])
{
    double frauds = dataset_frauds(d);

    weight[0] = weight[1] = 1;
    if (balance == BALANCE_WEIGHTS) {
        weight[0] = d->rows / (2 * (d->rows - frauds));
        weight[1] = d->rows / (2 * frauds);
    }
}

struct model *dataset_model(const struct dataset *d, enum model_kind kind)
{
    struct model *m = model_new(kind, d->inputs);

    for (uint32_t j = 0; j < d->inputs; j++)
        model_set_input(m, j, text_of(d->name[j]), d->input[j]->type == TYPE_TEXT,
                        d->fingerprint != NULL ? d->fingerprint[j] : 0);
    for (uint32_t j = 0; j < d->inputs && d->fill != NULL; j++)
        model_set_fill(m, j, d->fill[j]);
    return m;
}

/* ---- codes ---- */

struct code_table {
    struct codes *codes;
    uint32_t capacity; /* of the values */
    uint32_t *slot;    /* index + 1 */
    uint32_t mask;
};

static uint32_t *table_slot(const struct code_table *t, struct text value)
{
    uint32_t at = (uint32_t)hash_bytes(value.bytes, value.length, 0) & t->mask;

    while (t->slot[at] != 0 && !text_equal(t->codes->value[t->slot[at] - 1], value))
        at = (at + 1) & t->mask;
    return &t->slot[at];
}

static void table_grow(struct code_table *t)
{
    struct codes *c = t->codes;

    t->capacity *= 2;
    c->value = mem_resize(c->value, t->capacity, sizeof *c->value);
    c->rows = mem_resize(c->rows, t->capacity, sizeof *c->rows);
    c->frauds = mem_resize(c->frauds, t->capacity, sizeof *c->frauds);
    t->mask = 2 * t->capacity - 1;
    mem_free(t->slot);
    t->slot = mem_array(2 * (size_t)t->capacity, sizeof *t->slot);
    for (uint32_t i = 0; i < c->count; i++)
        *table_slot(t, c->value[i]) = i + 1;
}

static uint32_t table_code(struct code_table *t, struct text value)
{
    struct codes *c = t->codes;
    uint32_t *slot = table_slot(t, value);

    if (*slot != 0)
        return *slot - 1;
    if (c->count == t->capacity) {
        table_grow(t);
        slot = table_slot(t, value);
    }
    c->value[c->count] = value;
    c->rows[c->count] = c->frauds[c->count] = 0;
    *slot = ++c->count;
    return c->count - 1;
}

static int compare_codes(const void *a, const void *b, void *context)
{
    const struct codes *c = context;

    return text_compare(c->value[*(const uint32_t *)a], c->value[*(const uint32_t *)b]);
}

/* From order of appearance to byte order. */
static void sort_codes(struct codes *c, uint32_t rows)
{
    uint32_t *order = mem_array(c->count + 1, sizeof *order);
    uint32_t *place = mem_array(c->count + 1, sizeof *place);
    struct codes sorted = {.count = c->count, .code = c->code};

    sorted.value = mem_array(c->count + 1, sizeof *sorted.value);
    sorted.rows = mem_array(c->count + 1, sizeof *sorted.rows);
    sorted.frauds = mem_array(c->count + 1, sizeof *sorted.frauds);
    for (uint32_t i = 0; i < c->count; i++)
        order[i] = i;
    qsort_r(order, c->count, sizeof *order, compare_codes, c);
    for (uint32_t i = 0; i < c->count; i++) {
        place[order[i]] = i;
        sorted.value[i] = c->value[order[i]];
        sorted.rows[i] = c->rows[order[i]];
        sorted.frauds[i] = c->frauds[order[i]];
    }
    for (uint32_t i = 0; i < rows; i++) {
        if (c->code[i] != CODE_MISSING)
            c->code[i] = place[c->code[i]];
    }
    c->code = NULL;
    codes_fini(c);
    *c = sorted;
    mem_free(order);
    mem_free(place);
}

void codes_init(struct codes *c, const struct dataset *d, uint32_t input)
{
    const struct column *column = d->input[input];
    struct code_table t = {.codes = c, .capacity = 32};

    *c = (struct codes){.code = mem_array(d->rows, sizeof *c->code)};
    table_grow(&t);
    for (uint32_t i = 0; i < d->rows; i++) {
        uint32_t row = dataset_row(d, i);

        if (column->null[row]) {
            c->code[i] = CODE_MISSING;
            continue;
        }
        c->code[i] = table_code(&t, column->text[row]);
        c->rows[c->code[i]]++;
        c->frauds[c->code[i]] += d->label != NULL && d->label[row] != 0;
    }
    mem_free(t.slot);
    sort_codes(c, d->rows);
}

void codes_fini(struct codes *c)
{
    mem_free(c->value);
    mem_free(c->rows);
    mem_free(c->frauds);
    mem_free(c->code);
    *c = (struct codes){0};
}

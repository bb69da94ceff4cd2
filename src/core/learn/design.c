#include "core/learn/design.h"

#include <math.h>
#include <stdlib.h>

/* ---- which values of a text input get a term ---- */

static int compare_rows(const void *a, const void *b, void *context)
{
    const struct codes *c = context;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    if (c->rows[x] != c->rows[y])
        return c->rows[x] < c->rows[y] ? 1 : -1;
    return (x > y) - (x < y);
}

/* level[code] = the value's level, or the number of levels. */
static uint8_t choose_levels(const struct codes *c, struct text *value, uint8_t *level)
{
    uint32_t *order = mem_array(c->count + 1, sizeof *order), chosen = 0, next = 0;

    for (uint32_t i = 0; i < c->count; i++) {
        order[i] = i;
        level[i] = 0;
    }
    qsort_r(order, c->count, sizeof *order, compare_rows, (void *)c);
    while (chosen < c->count && chosen < DESIGN_LEVELS_MAX &&
           c->rows[order[chosen]] >= DESIGN_LEVEL_ROWS_MIN)
        level[order[chosen++]] = 1;
    for (uint32_t i = 0; i < c->count; i++) {
        if (level[i])
            value[next] = c->value[i];
        level[i] = level[i] ? (uint8_t)next++ : (uint8_t)chosen;
    }
    mem_free(order);
    return (uint8_t)chosen;
}

static void read_levels(struct design_input *in, const struct dataset *d, uint32_t input)
{
    struct codes c;
    uint8_t *level;

    codes_init(&c, d, input);
    level = mem_array(c.count + 1, 1);
    in->value = mem_array(DESIGN_LEVELS_MAX, sizeof *in->value);
    in->levels = choose_levels(&c, in->value, level);
    in->level = mem_array(d->rows, 1);
    for (uint32_t i = 0; i < d->rows; i++) {
        in->level[i] = c.code[i] == CODE_MISSING ? LEVEL_MISSING : level[c.code[i]];
        in->has_missing |= c.code[i] == CODE_MISSING;
    }
    mem_free(level);
    codes_fini(&c);
}

/* ---- terms ---- */

static void add_term(struct design *g, struct term t, double deviation)
{
    if (!(deviation > 1e-12 * fabs(t.mean)) || !isfinite(1 / deviation))
        return;
    t.scale = 1 / deviation;
    g->term = mem_resize(g->term, g->terms + 1, sizeof *g->term);
    g->term[g->terms++] = t;
}

static void add_indicator(struct design *g, enum term_kind kind, uint8_t level, uint32_t count)
{
    double share = (double)count / g->dataset->rows;

    add_term(g, (struct term){.kind = kind, .level = level, .mean = share},
             sqrt(share * (1 - share)));
}

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* Over all rows, a missing one being 0. */
static void add_hinge(struct design *g, const double *value, uint32_t present, double knot)
{
    double sum = 0, squares, mean;
    uint32_t rows = g->dataset->rows;

    for (uint32_t i = 0; i < present; i++)
        sum += value[i] > knot ? value[i] - knot : 0;
    mean = sum / rows;
    squares = (rows - present) * mean * mean;
    for (uint32_t i = 0; i < present; i++) {
        double x = (value[i] > knot ? value[i] - knot : 0) - mean;

        squares += x * x;
    }
    add_term(g, (struct term){.kind = TERM_HINGE, .knot = knot, .mean = mean},
             sqrt(squares / rows));
}

/* Quantiles in the order in which they are worth having: with fewer knots the first of them. */
static const double knot_at[LOGISTIC_KNOTS_MAX] = {0.99, 0.5,  0.9,  0.05, 0.995,
                                                   0.75, 0.95, 0.25, 0.01};

static void add_hinges(struct design *g, const struct column *c, uint32_t present, uint32_t knots)
{
    double *value, knot[LOGISTIC_KNOTS_MAX];

    if (knots == 0 || present == 0)
        return;
    value = mem_array(present, sizeof *value);
    present = 0;
    for (uint32_t i = 0; i < g->dataset->rows; i++) {
        double x = column_number(c, dataset_row(g->dataset, i));

        if (!isnan(x))
            value[present++] = x;
    }
    qsort(value, present, sizeof *value, by_value);
    for (uint32_t k = 0; k < knots; k++)
        knot[k] = value[(uint32_t)(knot_at[k] * (present - 1))];
    qsort(knot, knots, sizeof *knot, by_value);
    for (uint32_t k = 0; k < knots; k++) {
        if (knot[k] > value[0] && knot[k] < value[present - 1] &&
            (k == 0 || knot[k] != knot[k - 1]))
            add_hinge(g, value, present, knot[k]);
    }
    mem_free(value);
}

static void add_number(struct design *g, struct design_input *in, const struct column *c,
                       uint32_t knots)
{
    const struct dataset *d = g->dataset;
    double sum = 0, squares = 0, mean;
    uint32_t present = 0;

    for (uint32_t i = 0; i < d->rows; i++) {
        double x = column_number(c, dataset_row(d, i));

        if (isnan(x))
            continue;
        sum += x;
        present++;
    }
    mean = present > 0 ? sum / present : 0;
    for (uint32_t i = 0; i < d->rows; i++) {
        double x = column_number(c, dataset_row(d, i));

        if (!isnan(x))
            squares += (x - mean) * (x - mean);
    }
    in->has_missing = present < d->rows;
    add_term(g, (struct term){.kind = TERM_NUMBER, .mean = mean},
             present > 0 ? sqrt(squares / present) : 0);
    add_hinges(g, c, present, knots);
    if (in->has_missing)
        add_indicator(g, TERM_MISSING, 0, d->rows - present);
}

static void add_levels(struct design *g, struct design_input *in)
{
    uint32_t count[256] = {0};

    for (uint32_t i = 0; i < g->dataset->rows; i++)
        count[in->level[i]]++;
    for (uint32_t l = 0; l <= in->levels; l++)
        add_indicator(g, TERM_LEVEL, (uint8_t)l, count[l]);
    if (in->has_missing)
        add_indicator(g, TERM_MISSING, 0, count[LEVEL_MISSING]);
}

/* So many for each number as a pass is worth. */
static uint32_t knots_within(const struct dataset *d, uint32_t knots)
{
    uint32_t numbers = 0;
    double terms = sqrt(DESIGN_WORK_MAX / (d->rows + 1.0)) - d->inputs;

    for (uint32_t j = 0; j < d->inputs; j++)
        numbers += d->input[j]->type != TYPE_TEXT;
    if (numbers == 0 || terms <= 0)
        return 0;
    return terms / numbers < knots ? (uint32_t)(terms / numbers) : knots;
}

void design_init(struct design *g, const struct dataset *d, uint32_t knots)
{
    uint32_t each = knots_within(d, knots);

    *g = (struct design){.dataset = d};
    g->input = mem_array(d->inputs, sizeof *g->input);
    for (uint32_t j = 0; j < d->inputs; j++) {
        struct design_input *in = &g->input[j];

        in->first = g->terms;
        if (d->input[j]->type == TYPE_TEXT) {
            read_levels(in, d, j);
            add_levels(g, in);
        } else {
            add_number(g, in, d->input[j], each);
        }
        in->end = g->terms;
    }
}

void design_fini(struct design *g)
{
    for (uint32_t j = 0; j < g->dataset->inputs; j++) {
        mem_free(g->input[j].value);
        mem_free(g->input[j].level);
    }
    mem_free(g->input);
    mem_free(g->term);
}

/* ---- values ---- */

static double term_value(const struct term *t, double x, uint8_t level)
{
    bool missing = level == LEVEL_MISSING;

    switch (t->kind) {
    case TERM_NUMBER:
        return missing ? 0 : (x - t->mean) * t->scale;
    case TERM_HINGE:
        return missing ? -t->mean * t->scale
                       : ((x > t->knot ? x - t->knot : 0) - t->mean) * t->scale;
    case TERM_LEVEL:
        return ((level == t->level) - t->mean) * t->scale;
    default:
        return (missing - t->mean) * t->scale;
    }
}

void design_row(const struct design *g, uint32_t row, double *z)
{
    const struct dataset *d = g->dataset;

    for (uint32_t j = 0; j < d->inputs; j++) {
        const struct design_input *in = &g->input[j];
        double x = 0;
        uint8_t level;

        if (in->level != NULL) {
            level = in->level[row];
        } else {
            x = column_number(d->input[j], dataset_row(d, row));
            level = isnan(x) ? LEVEL_MISSING : 0;
        }
        for (uint32_t t = in->first; t < in->end; t++)
            z[t] = term_value(&g->term[t], x, level);
    }
}

/* What an input adds to the margin beside its number's own slope and bends. */
static double sum_terms(const struct design *g, const struct design_input *in, const double *weight,
                        uint8_t level)
{
    double sum = 0;

    for (uint32_t t = in->first; t < in->end; t++) {
        if (g->term[t].kind == TERM_HINGE)
            sum -= weight[t] * g->term[t].mean * g->term[t].scale;
        else if (g->term[t].kind != TERM_NUMBER)
            sum += weight[t] * term_value(&g->term[t], 0, level);
    }
    return sum;
}

static void fill_map(const struct design *g, const struct design_input *in, const double *weight,
                     struct category_map *map)
{
    double number[DESIGN_LEVELS_MAX];

    for (uint32_t l = 0; l < in->levels; l++)
        number[l] = sum_terms(g, in, weight, (uint8_t)l);
    category_map_set(map, in->value, number, in->levels, sum_terms(g, in, weight, in->levels));
}

static void fill_hinges(const struct design *g, const struct design_input *in, const double *weight,
                        struct model_linear *l, uint32_t *at)
{
    for (uint32_t t = in->first; t < in->end; t++) {
        if (g->term[t].kind != TERM_HINGE)
            continue;
        l->knot[*at] = g->term[t].knot;
        l->slope[(*at)++] = weight[t] * g->term[t].scale;
    }
}

static uint32_t hinges_of(const struct design *g)
{
    uint32_t hinges = 0;

    for (uint32_t t = 0; t < g->terms; t++)
        hinges += g->term[t].kind == TERM_HINGE;
    return hinges;
}

/* A category's encoded value is what it adds to the margin, so its weight is 1. */
void design_fill(const struct design *g, const double *weight, double intercept, struct model *m)
{
    struct model_linear *l = &m->linear;
    uint32_t hinges = hinges_of(g), at = 0;

    if (hinges > 0)
        model_hinges_reserve(m, hinges);
    l->bias = intercept;
    for (uint32_t j = 0; j < m->inputs; j++) {
        const struct design_input *in = &g->input[j];

        if (hinges > 0)
            l->first[j] = at;
        l->missing[j] = sum_terms(g, in, weight, LEVEL_MISSING);
        if (in->level != NULL) {
            fill_map(g, in, weight, &m->category[j]);
            l->weight[j] = 1;
            continue;
        }
        l->present[j] = sum_terms(g, in, weight, 0);
        if (in->first < in->end && g->term[in->first].kind == TERM_NUMBER) {
            l->mean[j] = g->term[in->first].mean;
            l->weight[j] = weight[in->first] * g->term[in->first].scale;
        }
        if (hinges > 0)
            fill_hinges(g, in, weight, l, &at);
    }
    if (hinges > 0)
        l->first[m->inputs] = at;
}

/* Isolation forest (Liu, Ting and Zhou 2008): trees that part a few random rows at random places;
 * what is different is alone after few steps. Labels play no part.
 *
 * A node splits an input that still varies in it, drawn evenly, at a place drawn evenly between its
 * least and greatest value, until a row is alone or the depth is log2 of the sample. A leaf of n
 * rows counts its depth + c(n), the mean path that n more rows would have taken (forest.c of
 * core/model). A missing value goes to a side drawn for the node. A text counts as the share of
 * rows that have it, so a rare one lies apart. */
#include "core/learn/dataset.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/random.h"

enum {
    SAMPLES_LEAST = 2,
    TEXT_ROWS_MIN = 2, /* a value seen once is as one never seen */
    BATCH_TREES = 64,
    SCORE_ROWS = 256,
    LANES = 4,
};

void isolation_defaults(struct isolation_options *o)
{
    *o = (struct isolation_options){.trees = 100, .samples = 256, .contamination = 0};
}

static bool check(const struct dataset *d, const struct isolation_options *o, struct error *e)
{
    if (d->rows < SAMPLES_LEAST || d->inputs == 0)
        return error_set(e, ERROR_INVALID, "isolation: %u rows of %u inputs are too few", d->rows,
                         d->inputs);
    if (o->trees == 0 || o->trees > MODEL_TREES_MAX)
        return error_set(e, ERROR_INVALID, "isolation.trees: %u, 1 to %d are allowed", o->trees,
                         MODEL_TREES_MAX);
    if (o->samples < SAMPLES_LEAST || o->samples > ISOLATION_SAMPLES_MAX)
        return error_set(e, ERROR_INVALID, "isolation.samples: %u, %d to %d are allowed",
                         o->samples, SAMPLES_LEAST, ISOLATION_SAMPLES_MAX);
    if (!(o->contamination >= 0 && o->contamination <= 0.5))
        return error_set(e, ERROR_INVALID, "isolation.contamination: %g is not in 0 to 0.5",
                         o->contamination);
    return true;
}

struct isolating {
    const struct dataset *dataset;
    const struct isolation_options *options;
    const struct learn_run *run;
    struct model *model;
    uint32_t samples; /* no more than there are rows */
    uint32_t depth;
    uint32_t from;                          /* tree of the first task */
    struct tree_node *node;                 /* 2 * samples of each tree */
    uint32_t *nodes;                        /* of each tree */
    double path[ISOLATION_SAMPLES_MAX + 1]; /* c(n) */
};

struct open_node {
    uint16_t begin, end; /* of the sample */
    uint16_t depth;
};

struct growing {
    struct isolating *s;
    struct random random;
    uint32_t *row;   /* of the columns: the sample's, a node's together */
    double *x;       /* of a node's rows: the input that is looked at */
    uint16_t *input; /* dealt anew at each node */
    struct open_node *open;
    struct tree_node *node;
    uint32_t nodes;
};

/* ---- a sample ---- */

/* Puts a row into a hash table of row + 1, 0 = free; false where it is there. */
static bool table_put(uint32_t *slot, uint32_t slots, uint32_t row)
{
    uint32_t i = row * 0x9e3779b1u & (slots - 1);

    for (; slot[i] != 0; i = (i + 1) & (slots - 1)) {
        if (slot[i] == row + 1)
            return false;
    }
    slot[i] = row + 1;
    return true;
}

/* Floyd's: each set of rows is as likely. */
static void draw_sample(struct growing *g)
{
    const struct dataset *d = g->s->dataset;
    uint32_t count = g->s->samples, slots = 2;
    uint32_t *drawn;

    while (slots < 2 * count)
        slots *= 2;
    drawn = mem_array(slots, sizeof *drawn);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t last = d->rows - count + i;
        uint32_t row = (uint32_t)random_below(&g->random, (uint64_t)last + 1);

        if (!table_put(drawn, slots, row)) {
            row = last;
            (void)table_put(drawn, slots, row);
        }
        g->row[i] = dataset_row(d, row);
    }
    mem_free(drawn);
}

/* ---- a tree ---- */

/* Reads one input of the node's rows: only those that a tree comes to ask for are fetched. A plain
 * number is read without a branch, so that many rows are waited for together. */
static void read_input(const struct growing *g, const struct open_node *o, uint32_t input)
{
    const struct column *c = g->s->dataset->input[input];
    const uint32_t *row = g->row + o->begin;
    uint32_t rows = (uint32_t)(o->end - o->begin);
    double fill = g->s->model->input[input].fill;

    if (c->type != TYPE_REAL) {
        model_encode_input(g->s->model, input, c, g->row, o->begin, rows, g->x, 1);
        return;
    }
    for (uint32_t i = 0; i < rows; i++) {
        double x = c->real[row[i]];

        g->x[i] = c->null[row[i]] ? fill : x;
    }
}

/* Of what was read; false where it does not vary. Several rows at once: a least and a greatest
 * value for each place in a vector. */
static bool range_of(const double *x, uint32_t rows, double *least, double *most)
{
    double low[LANES], high[LANES];
    uint32_t i = 0;

    for (unsigned k = 0; k < LANES; k++) {
        low[k] = INFINITY;
        high[k] = -INFINITY;
    }
    for (; i + LANES <= rows; i += LANES) {
        for (unsigned k = 0; k < LANES; k++) {
            low[k] = x[i + k] < low[k] ? x[i + k] : low[k]; /* a missing one is never less */
            high[k] = x[i + k] > high[k] ? x[i + k] : high[k];
        }
    }
    for (; i < rows; i++) {
        low[0] = x[i] < low[0] ? x[i] : low[0];
        high[0] = x[i] > high[0] ? x[i] : high[0];
    }
    for (unsigned k = 1; k < LANES; k++) {
        low[0] = low[k] < low[0] ? low[k] : low[0];
        high[0] = high[k] > high[0] ? high[k] : high[0];
    }
    *least = low[0];
    *most = high[0];
    return *least < *most;
}

/* An input that varies, drawn evenly among those that do: false where none does. */
static bool draw_split(struct growing *g, const struct open_node *o, struct tree_node *n)
{
    uint32_t inputs = g->s->dataset->inputs;

    for (uint32_t tried = 0; tried < inputs; tried++) {
        uint32_t k = tried + (uint32_t)random_below(&g->random, inputs - tried);
        uint16_t input = g->input[k];
        double least, most;

        g->input[k] = g->input[tried];
        g->input[tried] = input;
        read_input(g, o, input);
        if (!range_of(g->x, (uint32_t)(o->end - o->begin), &least, &most))
            continue;
        n->input = input;
        n->threshold = least + random_real(&g->random) * (most - least);
        if (n->threshold >= most) /* by rounding */
            n->threshold = least;
        n->missing_left = random_u64(&g->random) >> 63;
        return true;
    }
    return false;
}

/* By the values that were read. Without a branch, which would be mistaken half of the time. */
static uint32_t part(struct growing *g, const struct open_node *o, const struct tree_node *n)
{
    double threshold = n->threshold;
    uint32_t left = o->begin;

    for (uint32_t i = o->begin; i < o->end; i++) {
        double x = g->x[i - o->begin];
        uint32_t row = g->row[i], first = g->row[left];
        bool goes_left = (x <= threshold) | (n->missing_left & !(x == x));
        uint32_t swap = (row ^ first) & -(uint32_t)goes_left;

        g->row[i] = row ^ swap;
        g->row[left] = first ^ swap;
        left += goes_left;
    }
    return left;
}

static void grow_node(struct growing *g, uint32_t at)
{
    struct open_node o = g->open[at];
    uint32_t rows = (uint32_t)(o.end - o.begin), middle;
    struct tree_node n = {.cover = rows};

    if (rows < 2 || o.depth == g->s->depth || !draw_split(g, &o, &n)) {
        double path = o.depth + g->s->path[rows];

        g->node[at] =
            (struct tree_node){.cover = rows, .value = (int64_t)rint(path * (double)LEAF_ONE)};
        return;
    }
    middle = part(g, &o, &n);
    n.left = (uint16_t)g->nodes;
    g->node[at] = n;
    g->open[g->nodes++] = (struct open_node){o.begin, (uint16_t)middle, (uint16_t)(o.depth + 1)};
    g->open[g->nodes++] = (struct open_node){(uint16_t)middle, o.end, (uint16_t)(o.depth + 1)};
}

static void tree_task(void *context, unsigned number)
{
    struct isolating *s = context;
    uint32_t tree = s->from + number, inputs = s->dataset->inputs;
    struct growing g = {.s = s, .node = s->node + (size_t)tree * 2 * s->samples, .nodes = 1};

    random_init(&g.random, random_at(s->run->seed, UINT64_C(0x69736f), tree));
    g.row = mem_array(s->samples, sizeof *g.row);
    g.x = mem_array(s->samples, sizeof *g.x);
    g.open = mem_array((size_t)2 * s->samples, sizeof *g.open);
    g.input = mem_array(inputs, sizeof *g.input);
    for (uint32_t j = 0; j < inputs; j++)
        g.input[j] = (uint16_t)j;
    draw_sample(&g);
    g.open[0] = (struct open_node){0, (uint16_t)s->samples, 0};
    for (uint32_t at = 0; at < g.nodes; at++)
        grow_node(&g, at);
    s->nodes[tree] = g.nodes;
    mem_free(g.row);
    mem_free(g.x);
    mem_free(g.open);
    mem_free(g.input);
}

/* ---- texts ---- */

static void count_texts(const struct dataset *d, uint32_t input, struct category_map *map)
{
    struct codes c;
    struct text *value;
    double *number;
    uint32_t kept = 0, least = TEXT_ROWS_MIN;

    codes_init(&c, d, input);
    value = mem_array(c.count + 1, sizeof *value);
    number = mem_array(c.count + 1, sizeof *number);
    do {
        kept = 0;
        for (uint32_t k = 0; k < c.count; k++) {
            if (c.rows[k] < least)
                continue;
            value[kept] = c.value[k];
            number[kept++] = (double)c.rows[k] / d->rows;
        }
        least *= 2;
    } while (kept > MODEL_CATEGORIES_MAX);
    category_map_set(map, value, number, kept, 0);
    mem_free(value);
    mem_free(number);
    codes_fini(&c);
}

/* ---- contamination ---- */

static int compare_scores(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The score that a share of the training rows exceeds becomes the probability one half. */
static void mark_contaminated(struct isolating *s, double *score)
{
    const struct dataset *d = s->dataset;
    struct model_scratch *scratch = model_scratch_new(s->model, s->run->simd);
    double *x = mem_array((size_t)SCORE_ROWS * s->model->width, sizeof *x), least;
    uint32_t wanted = (uint32_t)rint(s->options->contamination * d->rows);

    for (uint32_t at = 0; at < d->rows; at += SCORE_ROWS) {
        uint32_t n = d->rows - at < SCORE_ROWS ? d->rows - at : SCORE_ROWS;

        model_encode(s->model, d->input, d->row, at, n, x);
        model_score_encoded(s->model, scratch, x, n, score + at);
    }
    qsort(score, d->rows, sizeof *score, compare_scores);
    least = score[d->rows - 1 - wanted];
    if (least > 0 && least < 1) {
        double margin[] = {0, least, 1}, probability[] = {0, 0.5, 1};

        model_calibrate(s->model, &(struct calibration){.kind = CALIBRATION_ISOTONIC,
                                                        .points = 3,
                                                        .margin = margin,
                                                        .probability = probability});
    }
    mem_free(x);
    model_scratch_free(scratch);
}

/* ---- all of it ---- */

static uint32_t grow_all(struct isolating *s)
{
    uint32_t trees = s->options->trees;

    for (s->from = 0; s->from < trees; s->from += BATCH_TREES) {
        uint32_t left = trees - s->from;

        if (!progress_report(s->run->progress, "isolation", (double)s->from / trees))
            return s->from;
        workers_run(s->run->workers, left < BATCH_TREES ? left : BATCH_TREES, tree_task, s);
    }
    return trees;
}

static void fill_model(const struct isolating *s, uint32_t trees)
{
    struct model_forest *f = &s->model->forest;
    uint32_t nodes = 0;

    for (uint32_t t = 0; t < trees; t++)
        nodes += s->nodes[t];
    model_forest_reserve(s->model, trees, nodes);
    f->samples = s->samples;
    for (uint32_t t = 0, at = 0; t < trees; t++) {
        memcpy(f->node + at, s->node + (size_t)t * 2 * s->samples, s->nodes[t] * sizeof *f->node);
        at += s->nodes[t];
        f->first[t + 1] = at;
    }
}

static void isolating_init(struct isolating *s, const struct dataset *d,
                           const struct isolation_options *o, const struct learn_run *run,
                           struct model *m)
{
    *s = (struct isolating){.dataset = d, .options = o, .run = run, .model = m};
    s->samples = o->samples < d->rows ? o->samples : d->rows;
    while ((UINT32_C(1) << s->depth) < s->samples)
        s->depth++;
    s->node = mem_array((size_t)o->trees * 2 * s->samples, sizeof *s->node);
    s->nodes = mem_array(o->trees, sizeof *s->nodes);
    isolation_mean_paths(s->path, s->samples);
    for (uint32_t j = 0; j < d->inputs; j++) {
        if (d->input[j]->type == TYPE_TEXT)
            count_texts(d, j, &m->category[j]);
    }
}

bool isolation_train(const struct dataset *d, const struct isolation_options *o,
                     const struct learn_run *run, struct model **m, struct error *e)
{
    struct isolating *s;
    uint32_t trees;
    bool good;

    if (!check(d, o, e))
        return false;
    s = mem_alloc(sizeof *s);
    isolating_init(s, d, o, run, dataset_model(d, MODEL_ISOLATION));
    trees = grow_all(s);
    good = trees > 0 || error_set(e, ERROR_CANCELLED, "training was cancelled");
    if (good) {
        fill_model(s, trees);
        good = model_finish(s->model, e);
    }
    if (good && o->contamination > 0) {
        double *score = mem_array(d->rows, sizeof *score);

        mark_contaminated(s, score);
        mem_free(score);
    }
    mem_free(s->node);
    mem_free(s->nodes);
    if (good)
        *m = s->model;
    else
        model_free(s->model);
    mem_free(s);
    return good;
}

/* Random forest (Breiman 2001): every tree sees a bootstrap of the rows, every node a draw of the
 * inputs; splits by Gini impurity over the bins; a leaf says its share of frauds.
 *
 * Everything that decides is an integer: a row counts its draws times its class's weight, rounded
 * once to a scale at which the whole fits 32 bits; one 64-bit word holds the weight of frauds
 * (upper half) and of all rows (lower half). A tree's list of rows has one 32-bit word for each:
 * its number, its draws and its class. A tree depends on its own number alone, so threads take
 * whole trees. Nodes are opened breadth first: parts.h, invariant 1. */
#include "core/learn/bins.h"
#include "core/learn/dataset.h"
#include "core/learn/part.h"

#include <math.h>
#include <string.h>

#include "core/base/panic.h"
#include "core/base/random.h"

enum {
    DRAWS_MAX = 7, /* of one row in one bootstrap; one in 100,000 would have more */
    CODE_BITS = 4, /* of a listed row: draws, and above them the class */
    ROWS_MAX = 1 << (32 - CODE_BITS),
    WEIGHT_BITS = 29, /* of all rows' weights: 7 draws of each still fit 32 */
    BATCH_TREES = 4,  /* per thread between two looks at the progress */
};

void forest_defaults(struct forest_options *o)
{
    *o = (struct forest_options){.balance = BALANCE_NONE,
                                 .trees = 300,
                                 .depth = 20,
                                 .min_leaf_rows = 2,
                                 .bins = 255,
                                 .column_share = 0,
                                 .row_share = 1};
}

static bool options_check(const struct forest_options *o, struct error *e)
{
    if (o->trees == 0 || o->trees > MODEL_TREES_MAX)
        return error_set(e, ERROR_INVALID, "forest.trees: %u, 1 to %d are allowed", o->trees,
                         MODEL_TREES_MAX);
    if (o->depth == 0 || o->depth > MODEL_DEPTH_MAX)
        return error_set(e, ERROR_INVALID, "forest.depth: %u, 1 to %d are allowed", o->depth,
                         MODEL_DEPTH_MAX);
    if (o->bins < 2 || o->bins > BINS_MAX)
        return error_set(e, ERROR_INVALID, "forest.bins: %u, 2 to %d are allowed", o->bins,
                         BINS_MAX);
    if (!(o->column_share >= 0 && o->column_share <= 1))
        return error_set(e, ERROR_INVALID, "forest.column_share: %g is not in 0 to 1",
                         o->column_share);
    if (!(o->row_share > 0 && o->row_share <= 1))
        return error_set(e, ERROR_INVALID, "forest.row_share: %g is not above 0 and at most 1",
                         o->row_share);
    return true;
}

/* What all trees share. */
struct foresting {
    const struct dataset *dataset;
    const struct forest_options *options;
    const struct learn_run *run;
    struct bins bins;
    uint8_t *label;
    uint64_t weight[1 << CODE_BITS]; /* of a listed row, by its code: a packed word */
    uint32_t columns;                /* inputs tried at a node */
    uint32_t from;                   /* tree of the first task */
    struct grown_tree *batch;        /* of each task */
    struct tree_node *node;          /* of the trees so far */
    uint32_t *first;
};

struct grown_tree {
    uint32_t nodes;
    struct tree_node *node;
};

/* Rows [begin, end) of the tree's list are a node's. */
struct open_node {
    uint32_t begin, end;
    uint64_t total;
    uint8_t depth;
};

/* Working memory of one tree. */
struct growing {
    const struct foresting *f;
    uint64_t stream;
    uint64_t counter; /* of random numbers drawn */
    uint32_t rows;
    uint32_t *row, *row_aside; /* number << CODE_BITS | code */
    uint16_t *column;          /* inputs, dealt anew at each node */
    struct open_node *open;
    struct tree_node *node;
    uint32_t nodes;
};

static uint32_t frauds_of(uint64_t w)
{
    return (uint32_t)(w >> 32);
}

static uint32_t all_of(uint64_t w)
{
    return (uint32_t)w;
}

/* ---- bootstrap ---- */

static uint64_t lot(struct growing *g)
{
    return random_at(g->f->run->seed, g->stream, g->counter++);
}

static uint32_t lot_below(struct growing *g, uint32_t bound)
{
    return (uint32_t)(((unsigned __int128)lot(g) * bound) >> 64);
}

static void draw_rows(struct growing *g)
{
    uint32_t all = g->f->dataset->rows;
    uint32_t draws = (uint32_t)ceil(g->f->options->row_share * all);
    uint8_t *times = mem_alloc(all);

    for (uint32_t i = 0; i < draws; i++) {
        uint32_t row = lot_below(g, all);

        times[row] += times[row] < DRAWS_MAX;
    }
    for (uint32_t i = 0; i < all; i++) {
        if (times[i] == 0)
            continue;
        g->row[g->rows++] = i << CODE_BITS | (uint32_t)g->f->label[i] * (DRAWS_MAX + 1) | times[i];
    }
    mem_free(times);
}

/* ---- the best split of a node ---- */

struct choice {
    double gain; /* 0: none */
    uint16_t input;
    uint8_t bin;
    bool missing_left;
};

/* Twice the Gini gain is a constant less sum over the sides of frauds^2 / all, up to a factor. */
static double purity(uint64_t w)
{
    double frauds = frauds_of(w), all = all_of(w);

    return all > 0 ? frauds * frauds / all : 0;
}

/* gain[k] of the border behind bin k, NaN where a side is empty. Sums first: what remains has no
 * order and is taken several bins at once. */
__attribute__((always_inline)) static inline void gains_of(const uint64_t *cell, uint32_t last,
                                                           uint64_t first_left, uint64_t total,
                                                           double *restrict gain)
{
    uint64_t left[BINS_MAX + 1], sum = first_left;

    for (uint32_t k = 1; k <= last; k++)
        left[k] = sum += cell[k];
    for (uint32_t k = 1; k <= last; k++) {
        uint64_t right = total - left[k];
        double fl = frauds_of(left[k]), al = all_of(left[k]);
        double fr = frauds_of(right), ar = all_of(right);

        gain[k] = (fl * fl * ar + fr * fr * al) / (al * ar);
    }
}

static void gains_scalar(const uint64_t *cell, uint32_t last, uint64_t left, uint64_t total,
                         double *gain)
{
    gains_of(cell, last, left, total, gain);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void gains_avx2(const uint64_t *cell, uint32_t last,
                                                       uint64_t left, uint64_t total, double *gain)
{
    gains_of(cell, last, left, total, gain);
}

__attribute__((target("avx512f,avx512dq,avx512vl,prefer-vector-width=512"))) static void
gains_avx512(const uint64_t *cell, uint32_t last, uint64_t left, uint64_t total, double *gain)
{
    gains_of(cell, last, left, total, gain);
}
#endif

static void all_gains(enum simd level, const uint64_t *cell, uint32_t last, uint64_t left,
                      uint64_t total, double *gain)
{
#if defined(__x86_64__)
    if (level == SIMD_AVX512)
        gains_avx512(cell, last, left, total, gain);
    else if (level == SIMD_AVX2)
        gains_avx2(cell, last, left, total, gain);
    else
#endif
        gains_scalar(cell, last, left, total, gain);
}

static void scan(const struct growing *g, const uint64_t *cell, uint64_t total, bool missing_left,
                 uint16_t input, struct choice *best)
{
    uint32_t last = g->f->bins.count[input] - (cell[0] == 0 || missing_left);
    double gain[BINS_MAX + 1];

    all_gains(g->f->run->simd, cell, last, missing_left ? cell[0] : 0, total, gain);
    for (uint32_t k = 1; k <= last; k++) {
        if (gain[k] > best->gain && cell[k] != 0)
            *best = (struct choice){gain[k], input, (uint8_t)k, missing_left};
    }
}

/* Two histograms in turn: what one row adds to a cell need not wait for the row before it. */
static void count_cells(const struct growing *g, const struct open_node *o, const uint8_t *column,
                        uint32_t bins, uint64_t *cell)
{
    const uint64_t *weight = g->f->weight;
    uint64_t other[BINS_MAX + 1];
    uint32_t i = o->begin;

    memset(cell, 0, (bins + 1) * sizeof *cell);
    memset(other, 0, (bins + 1) * sizeof *other);
    for (; i + 2 <= o->end; i += 2) {
        uint32_t x = g->row[i], y = g->row[i + 1];

        cell[column[x >> CODE_BITS]] += weight[x % (1 << CODE_BITS)];
        other[column[y >> CODE_BITS]] += weight[y % (1 << CODE_BITS)];
    }
    if (i < o->end)
        cell[column[g->row[i] >> CODE_BITS]] += weight[g->row[i] % (1 << CODE_BITS)];
    for (uint32_t k = 0; k <= bins; k++)
        cell[k] += other[k];
}

static void try_input(struct growing *g, const struct open_node *o, uint16_t input,
                      struct choice *best)
{
    const struct bins *b = &g->f->bins;
    const uint8_t *column = b->column + (size_t)input * b->rows;
    uint32_t bins = b->count[input];
    uint64_t cell[BINS_MAX + 1];
    struct choice own = {.gain = best->gain};

    count_cells(g, o, column, bins, cell);
    scan(g, cell, o->total, false, input, &own);
    if (cell[0] != 0)
        scan(g, cell, o->total, true, input, &own);
    if (own.gain <= best->gain)
        return;
    if (cell[0] == 0) { /* one that is missing later goes with the heavier side */
        uint64_t left = 0;

        for (uint32_t k = 1; k <= own.bin; k++)
            left += cell[k];
        own.missing_left = 2 * (uint64_t)all_of(left) >= all_of(o->total);
    }
    *best = own;
}

/* Draws inputs until enough were tried and one of them splits. */
static struct choice choose_split(struct growing *g, const struct open_node *o)
{
    uint32_t inputs = g->f->bins.inputs;
    double parent = purity(o->total);
    struct choice best = {.gain = parent * (1 + 1e-12)};

    for (uint32_t c = 0; c < inputs && (c < g->f->columns || best.bin == 0); c++) {
        uint32_t k = c + lot_below(g, inputs - c);
        uint16_t input = g->column[k];

        g->column[k] = g->column[c];
        g->column[c] = input;
        try_input(g, o, input, &best);
    }
    return best;
}

/* ---- growing ---- */

/* Stable: rows of a node stay in order. Returns where the right ones begin. */
static uint32_t part(struct growing *g, const struct open_node *o, const struct choice *s)
{
    const struct bins *b = &g->f->bins;
    struct part_rule rule = {.shift = CODE_BITS,
                             .column = b->column + (size_t)s->input * b->rows,
                             .bin = s->bin,
                             .missing_left = s->missing_left};
    uint32_t rows = o->end - o->begin, *row = g->row + o->begin;
    uint32_t left = part_rows(&rule, row, rows, row, g->row_aside, g->f->run->simd);

    memcpy(row + left, g->row_aside, (rows - left) * sizeof *row);
    return o->begin + left;
}

static uint64_t total_of(const struct growing *g, uint32_t begin, uint32_t end)
{
    uint64_t sum = 0;

    for (uint32_t i = begin; i < end; i++)
        sum += g->f->weight[g->row[i] % (1 << CODE_BITS)];
    return sum;
}

static void close_leaf(struct growing *g, uint32_t at)
{
    const struct open_node *o = &g->open[at];
    double share = (double)frauds_of(o->total) / all_of(o->total);

    g->node[at] = (struct tree_node){.value = (int64_t)rint(share * (double)LEAF_ONE),
                                     .cover = o->end - o->begin};
}

/* False where the node stays a leaf. */
static bool split(struct growing *g, uint32_t at)
{
    const struct forest_options *o = g->f->options;
    struct open_node node = g->open[at];
    struct choice s;
    uint32_t middle;

    if (node.depth >= o->depth || node.end - node.begin < 2 * o->min_leaf_rows ||
        g->nodes + 2 > MODEL_TREE_NODES_MAX || frauds_of(node.total) == 0 ||
        frauds_of(node.total) == all_of(node.total))
        return false;
    s = choose_split(g, &node);
    if (s.bin == 0)
        return false;
    middle = part(g, &node, &s);
    if (middle - node.begin < o->min_leaf_rows || node.end - middle < o->min_leaf_rows)
        return false;
    g->node[at] = (struct tree_node){.threshold = g->f->bins.border[s.input][s.bin - 1],
                                     .cover = node.end - node.begin,
                                     .left = (uint16_t)g->nodes,
                                     .input = s.input,
                                     .missing_left = s.missing_left};
    g->open[g->nodes] = (struct open_node){node.begin, middle, 0, (uint8_t)(node.depth + 1)};
    g->open[g->nodes].total = total_of(g, node.begin, middle);
    g->open[g->nodes + 1] = (struct open_node){
        middle, node.end, node.total - g->open[g->nodes].total, (uint8_t)(node.depth + 1)};
    g->nodes += 2;
    return true;
}

static void grow(struct growing *g)
{
    for (uint32_t j = 0; j < g->f->bins.inputs; j++)
        g->column[j] = (uint16_t)j;
    g->open[0] = (struct open_node){0, g->rows, total_of(g, 0, g->rows), 0};
    g->nodes = 1;
    for (uint32_t at = 0; at < g->nodes; at++) {
        if (!split(g, at))
            close_leaf(g, at);
    }
}

static void tree_task(void *context, unsigned number)
{
    struct foresting *f = context;
    uint32_t rows = f->dataset->rows, tree = f->from + number;
    struct growing g = {.f = f, .stream = UINT64_C(0x666f72) << 32 | tree};
    struct grown_tree *to = &f->batch[number];

    g.row = mem_array(rows, sizeof *g.row);
    g.row_aside = mem_array(rows, sizeof *g.row_aside);
    g.column = mem_array(f->bins.inputs, sizeof *g.column);
    g.open = mem_array(MODEL_TREE_NODES_MAX, sizeof *g.open);
    g.node = mem_array(MODEL_TREE_NODES_MAX, sizeof *g.node);
    draw_rows(&g);
    grow(&g);
    to->nodes = g.nodes;
    to->node = mem_array(g.nodes, sizeof *to->node);
    memcpy(to->node, g.node, g.nodes * sizeof *to->node);
    mem_free(g.row);
    mem_free(g.row_aside);
    mem_free(g.column);
    mem_free(g.open);
    mem_free(g.node);
}

/* ---- all of it ---- */

/* Trees go behind those before them as soon as they are grown: a large forest is there once. */
static void keep_batch(struct foresting *f, uint32_t trees)
{
    uint32_t nodes = f->first[f->from];

    for (uint32_t t = 0; t < trees; t++)
        nodes += f->batch[t].nodes;
    f->node = mem_resize(f->node, (size_t)nodes + 1, sizeof *f->node);
    for (uint32_t t = 0; t < trees; t++) {
        uint32_t at = f->first[f->from + t];

        memcpy(f->node + at, f->batch[t].node, f->batch[t].nodes * sizeof *f->node);
        f->first[f->from + t + 1] = at + f->batch[t].nodes;
        mem_free(f->batch[t].node);
    }
}

/* Cancelled with trees: they are a smaller forest. Returns how many there are. */
static uint32_t grow_all(struct foresting *f)
{
    uint32_t trees = f->options->trees, batch = BATCH_TREES * workers_count(f->run->workers);

    for (f->from = 0; f->from < trees; f->from += batch) {
        uint32_t left = trees - f->from;

        if (!progress_report(f->run->progress, "forest", (double)f->from / trees))
            return f->from;
        left = left < batch ? left : batch;
        workers_run(f->run->workers, left, tree_task, f);
        keep_batch(f, left);
    }
    return trees;
}

static void foresting_init(struct foresting *f, const struct dataset *d,
                           const struct forest_options *o, const struct learn_run *run,
                           struct model *m)
{
    double weight[2], frauds = dataset_frauds(d), all, scale;

    *f = (struct foresting){.dataset = d, .options = o, .run = run};
    bins_init(&f->bins, d, o->bins, false, m, run);
    dataset_weights(d, o->balance, weight);
    all = weight[1] * frauds + weight[0] * (d->rows - frauds);
    scale = (double)(1 << WEIGHT_BITS) / all;
    for (unsigned class = 0; class < 2; class ++) {
        uint64_t w = (uint64_t)rint(weight[class] * scale);

        w = w > 0 ? w : 1;
        for (uint32_t draws = 1; draws <= DRAWS_MAX; draws++)
            f->weight[class * (DRAWS_MAX + 1) | draws] = (w | (class == 1 ? w << 32 : 0)) * draws;
    }
    f->columns =
        (uint32_t)rint(o->column_share > 0 ? o->column_share * d->inputs : sqrt((double)d->inputs));
    f->columns = f->columns > 0 ? f->columns : 1;
    f->label = mem_array(d->rows, 1);
    for (uint32_t i = 0; i < d->rows; i++)
        f->label[i] = dataset_label(d, i) != 0;
    f->batch = mem_array(BATCH_TREES * workers_count(run->workers), sizeof *f->batch);
    f->first = mem_array((size_t)o->trees + 1, sizeof *f->first);
}

static void foresting_fini(struct foresting *f)
{
    mem_free(f->batch);
    mem_free(f->first);
    mem_free(f->node);
    mem_free(f->label);
    bins_fini(&f->bins);
}

/* The model takes the trees over. */
static void fill_model(struct foresting *f, uint32_t trees, struct model *m)
{
    m->forest.trees = trees;
    m->forest.first = f->first;
    m->forest.node = f->node;
    f->first = NULL;
    f->node = NULL;
}

bool forest_train(const struct dataset *d, const struct forest_options *o,
                  const struct learn_run *run, struct model **m, struct error *e)
{
    struct model *trained;
    struct foresting f;
    uint32_t trees;

    if (!options_check(o, e) || !dataset_check(d, e))
        return false;
    if (d->rows >= ROWS_MAX)
        return error_set(e, ERROR_INVALID, "forest: %u rows to learn from, below %d are allowed",
                         d->rows, ROWS_MAX);
    trained = dataset_model(d, MODEL_FOREST);
    foresting_init(&f, d, o, run, trained);
    trees = grow_all(&f);
    if (trees > 0)
        fill_model(&f, trees, trained);
    else
        error_set(e, ERROR_CANCELLED, "training was cancelled");
    foresting_fini(&f);
    if (trees == 0 || !model_finish(trained, e)) {
        model_free(trained);
        return false;
    }
    *m = trained;
    return true;
}

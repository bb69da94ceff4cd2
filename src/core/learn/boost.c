/* Gradient-boosted trees on the log-loss (Friedman 2001, with Newton steps).
 *
 * Every tree: gradients and hessians of the loss at the present margins; a sample of the legitimate
 * rows (frauds are too few to leave out); a tree grown on integer histograms (grow.h); then the
 * leaves get their values from the same integer sums (30 bits of the sum over all rows: a row of
 * average gradient is rounded by a ten-thousandth in a million rows), shrunk by the learning rate
 * and rounded once to 2^-32. Margins are integers from then on, the very ones that scoring
 * computes.
 *
 * Sums in double are taken over blocks of fixed size and merged in order, so the threads cannot
 * change a bit.
 */
#include "core/learn/boost.h"

#include <math.h>
#include <string.h>

#include "core/base/elementary.h"
#include "core/base/panic.h"
#include "core/base/random.h"
#include "core/learn/histogram.h"
#include "core/stats/metrics.h"

/* Newton steps at a small prior are huge in a leaf of frauds (gradient/hessian is near 1/p): a step
 * is never longer than this, before the learning rate. */
static const double step_max = 4;

void boost_defaults(struct boost_options *o)
{
    *o = (struct boost_options){
        .balance = BALANCE_NONE,
        .trees = 300,
        .leaves = 8,
        .depth = 4,
        .bins = 255,
        .learning_rate = 0.05,
        .l2 = 1,
        .min_leaf_weight = 1,
        .min_leaf_rows = 5,
        .column_share = 1,
        .row_share = 1,
        .patience = 0,
    };
}

static bool share_is_fit(double share)
{
    return share > 0 && share <= 1;
}

static bool options_check(const struct boost_options *o, struct error *e)
{
    if (o->trees == 0 || o->trees > MODEL_TREES_MAX)
        return error_set(e, ERROR_INVALID, "trees: %u, 1 to %d are allowed", o->trees,
                         MODEL_TREES_MAX);
    if (o->leaves < 2 || o->leaves > GROW_LEAVES_MAX)
        return error_set(e, ERROR_INVALID, "leaves: %u, 2 to %d are allowed", o->leaves,
                         GROW_LEAVES_MAX);
    if (o->depth == 0 || o->depth > MODEL_DEPTH_MAX)
        return error_set(e, ERROR_INVALID, "depth: %u, 1 to %d are allowed", o->depth,
                         MODEL_DEPTH_MAX);
    if (o->bins < 2 || o->bins > BINS_MAX)
        return error_set(e, ERROR_INVALID, "bins: %u, 2 to %d are allowed", o->bins, BINS_MAX);
    if (!share_is_fit(o->learning_rate))
        return error_set(e, ERROR_INVALID, "learning_rate: %g, above 0 and at most 1 is allowed",
                         o->learning_rate);
    if (!(o->l2 >= 0) || !(o->min_leaf_weight >= 0) || isinf(o->l2) || isinf(o->min_leaf_weight))
        return error_set(e, ERROR_INVALID, "l2: %g and min_leaf_weight: %g must not be negative",
                         o->l2, o->min_leaf_weight);
    if (!share_is_fit(o->column_share) || !share_is_fit(o->row_share))
        return error_set(e, ERROR_INVALID,
                         "column_share: %g and row_share: %g must be above 0 and at most 1",
                         o->column_share, o->row_share);
    return true;
}

static int find_input(const struct dataset *d, const char *name)
{
    for (uint32_t j = 0; j < d->inputs; j++) {
        if (strcmp(d->name[j], name) == 0)
            return (int)j;
    }
    return -1;
}

static bool monotone_check(const struct dataset *d, const struct boost_options *o, struct error *e)
{
    for (uint32_t k = 0; k < o->monotones; k++) {
        const struct monotone *m = &o->monotone[k];
        int j = find_input(d, m->name);

        if (j < 0)
            return error_set(e, ERROR_INVALID,
                             "boost.monotone: the model has no input \"%s\"; name a feature of it",
                             m->name);
        if (d->input[j]->type == TYPE_TEXT)
            return error_set(e, ERROR_INVALID,
                             "boost.monotone: \"%s\" is a category, which neither rises nor falls",
                             m->name);
        if (m->direction < -1 || m->direction > 1)
            return error_set(e, ERROR_INVALID, "boost.monotone: \"%s\" is %d, not -1, 0 or 1",
                             m->name, m->direction);
    }
    return true;
}

/* NULL where no input is bound: the trees are then grown as without. */
static int8_t *directions(const struct dataset *d, const struct boost_options *o)
{
    int8_t *direction = NULL;

    for (uint32_t k = 0; k < o->monotones; k++) {
        if (o->monotone[k].direction == 0)
            continue;
        if (direction == NULL)
            direction = mem_array(d->inputs, sizeof *direction);
        direction[find_input(d, o->monotone[k].name)] = (int8_t)o->monotone[k].direction;
    }
    return direction;
}

static int64_t to_fixed(double v)
{
    return (int64_t)rint(v * (double)LEAF_ONE);
}

static void booster_init(struct booster *b, const struct dataset *d, const struct boost_options *o,
                         const struct learn_run *run, struct model *m)
{
    double frauds = dataset_frauds(d), share;

    *b = (struct booster){.dataset = d, .options = o, .run = run, .model = m, .rows = d->rows};
    dataset_weights(d, o->balance, b->weight);
    bins_init(&b->bins, d, o->bins, true, m, run);
    b->direction = directions(d, o);
    b->grower = grower_new(&b->bins, o, b->direction, run);
    b->margin = mem_array(d->rows, sizeof *b->margin);
    b->packed = mem_array(d->rows, sizeof *b->packed);
    b->gradients = (struct gradients){b->packed, INFINITY, INFINITY};
    b->label = mem_array(d->rows, 1);
    b->partial = mem_array(dataset_blocks(d->rows), sizeof *b->partial);
    b->column = mem_array(d->inputs, sizeof *b->column);
    b->value = mem_array(2 * o->leaves, sizeof *b->value);
    b->cover = mem_array(2 * o->leaves, sizeof *b->cover);
    for (uint32_t i = 0; i < d->rows; i++)
        b->label[i] = dataset_label(d, i) != 0;
    share = frauds * b->weight[1] / (frauds * b->weight[1] + (d->rows - frauds) * b->weight[0]);
    b->base = to_fixed(em_logit(share));
    for (uint32_t i = 0; i < d->rows; i++)
        b->margin[i] = b->base;
}

static void booster_fini(struct booster *b)
{
    grower_free(b->grower);
    mem_free(b->direction);
    bins_fini(&b->bins);
    mem_free(b->margin);
    mem_free(b->packed);
    mem_free(b->label);
    mem_free(b->partial);
    mem_free(b->column);
    mem_free(b->value);
    mem_free(b->cover);
    mem_free(b->first);
    mem_free(b->node);
}

/* ---- gradients ---- */

static uint32_t block_end(const struct booster *b, uint32_t from)
{
    return b->rows - from < LEARN_BLOCK ? b->rows : from + LEARN_BLOCK;
}

enum { LANES = 8, CHUNK = 512 }; /* rows at once; rows whose numbers the first-level cache holds */

typedef double lanes __attribute__((vector_size(LANES * sizeof(double))));
typedef int64_t whole_lanes __attribute__((vector_size(LANES * sizeof(int64_t))));
typedef uint8_t byte_lanes __attribute__((vector_size(LANES)));

/* What a row counts: by itself, and from a legitimate row to a fraud. */
struct of_class {
    double legitimate, more;
};

struct scales {
    struct of_class weight;            /* in the loss */
    struct of_class gradient, hessian; /* in units of the packed words, for those not drawn too */
};

/* Sums in lanes, so that vectors of any width add in the same order. */
struct lane_sums {
    lanes gradient, hessian;
};

__attribute__((always_inline)) static inline void pack_lanes(const double *probability,
                                                             const uint8_t *label,
                                                             const struct scales *c,
                                                             uint64_t *packed, struct lane_sums *s)
{
    /* Added to |v| < 2^51 it leaves rint(v) in the lowest bits. */
    const lanes shift = 0x1.8p52 - (lanes){0};
    byte_lanes bytes;
    whole_lanes word;
    lanes p, y, g, h, w;

    memcpy(&p, probability, sizeof p);
    memcpy(&bytes, label, sizeof bytes);
    y = __builtin_convertvector(bytes, lanes);
    g = p - y;
    h = p * (1 - p);
    w = c->weight.legitimate + y * c->weight.more;
    s->gradient += w * (g - 2 * y * g); /* |g|: a fraud's is negative */
    s->hessian += w * h;
    g *= c->gradient.legitimate + y * c->gradient.more;
    h *= c->hessian.legitimate + y * c->hessian.more;
    word = ((whole_lanes)(g + shift) - (whole_lanes)shift) << 32;
    word += (whole_lanes)(h + shift) - (whole_lanes)shift;
    memcpy(packed, &word, sizeof word);
}

/* A chunk of rows from margins to words. `probability` has its CHUNK of them. */
__attribute__((always_inline)) static inline void pack_rows(const double *probability,
                                                            const uint8_t *label, uint32_t rows,
                                                            const struct scales *c,
                                                            uint64_t *packed, struct lane_sums *s)
{
    uint32_t i = 0, rest = rows % LANES;

    for (; i + LANES <= rows; i += LANES)
        pack_lanes(probability + i, label + i, c, packed + i, s);
    if (rest > 0) { /* filled up with rows of probability 0, which add nothing */
        double p[LANES] = {0};
        uint8_t y[LANES] = {0};
        uint64_t word[LANES];

        memcpy(p, probability + i, rest * sizeof *p);
        memcpy(y, label + i, rest);
        pack_lanes(p, y, c, word, s);
        memcpy(packed + i, word, rest * sizeof *word);
    }
}

__attribute__((always_inline)) static inline void margins_of(const int64_t *margin, uint32_t rows,
                                                             double *x)
{
    for (uint32_t i = 0; i < rows; i++)
        x[i] = (double)margin[i] * (1.0 / (double)LEAF_ONE);
}

/* The same at each level of SIMD, for the compiler to take several rows at once. */
#define AT_LEVEL(level, target)                                                                    \
    target static void margins_##level(const int64_t *margin, uint32_t rows, double *x)            \
    {                                                                                              \
        margins_of(margin, rows, x);                                                               \
    }                                                                                              \
    target static void pack_##level(const double *probability, const uint8_t *label,               \
                                    uint32_t rows, const struct scales *c, uint64_t *packed,       \
                                    struct lane_sums *s)                                           \
    {                                                                                              \
        pack_rows(probability, label, rows, c, packed, s);                                         \
    }

AT_LEVEL(scalar, )
#if defined(__x86_64__)
AT_LEVEL(avx2, __attribute__((target("avx2"))))
AT_LEVEL(avx512, __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,"
                                       "prefer-vector-width=512"))))
#endif

static void gradient_chunk(const struct booster *b, const struct scales *c, uint32_t from,
                           uint32_t rows, struct lane_sums *s)
{
    double margin[CHUNK], probability[CHUNK];
    const uint8_t *label = b->label + from;
    uint64_t *packed = b->packed + from;

#if defined(__x86_64__)
    if (b->run->simd == SIMD_AVX512)
        margins_avx512(b->margin + from, rows, margin);
    else if (b->run->simd == SIMD_AVX2)
        margins_avx2(b->margin + from, rows, margin);
    else
#endif
        margins_scalar(b->margin + from, rows, margin);
    em_sigmoids(margin, rows, probability, b->run->simd);
#if defined(__x86_64__)
    if (b->run->simd == SIMD_AVX512)
        pack_avx512(probability, label, rows, c, packed, s);
    else if (b->run->simd == SIMD_AVX2)
        pack_avx2(probability, label, rows, c, packed, s);
    else
#endif
        pack_scalar(probability, label, rows, c, packed, s);
}

static struct of_class of_class(double legitimate, double fraud)
{
    return (struct of_class){legitimate, fraud - legitimate};
}

static void gradient_block(void *context, unsigned number)
{
    struct booster *b = context;
    uint32_t from = number * LEARN_BLOCK, end = block_end(b, from);
    double legitimate = b->weight[0] / b->options->row_share, fraud = b->weight[1];
    double g = 1 / b->gradients.gradient_unit, h = 1 / b->gradients.hessian_unit;
    struct scales scales = {of_class(b->weight[0], b->weight[1]),
                            of_class(legitimate * g, fraud * g),
                            of_class(legitimate * h, fraud * h)};
    struct lane_sums sums = {0};
    struct partial sum = {0, 0};

    for (; from < end; from += CHUNK)
        gradient_chunk(b, &scales, from, end - from < CHUNK ? end - from : CHUNK, &sums);
    for (unsigned k = 0; k < LANES; k++) {
        sum.gradient += sums.gradient[k];
        sum.hessian += sums.hessian[k];
    }
    b->partial[number] = sum;
}

/* At the present units. */
static struct partial pack_all(struct booster *b)
{
    uint32_t blocks = dataset_blocks(b->rows);
    struct partial sum = {0, 0};

    workers_run(b->run->workers, blocks, gradient_block, b);
    for (uint32_t i = 0; i < blocks; i++) {
        sum.gradient += b->partial[i].gradient;
        sum.hessian += b->partial[i].hessian;
    }
    return sum;
}

/* Between a half and twice of what the sum asks for. */
static bool unit_fits(double unit, double asked)
{
    return unit >= asked / 2 && unit <= asked * 2;
}

/* Units that the sums ask for leave room for twice of it, for the rounding of every row and for the
 * heavier weights of a sample: |sum of gradients| < 2^31, sum of hessians < 2^32. Those of the tree
 * before mostly fit still; where not, the words are made anew. */
static void compute_gradients(struct booster *b)
{
    double room = 0x1p29 * b->options->row_share;
    struct partial sum = pack_all(b);
    double gradient_unit = (sum.gradient + 1e-300) / room;
    double hessian_unit = (sum.hessian + 1e-300) / (2 * room);

    if (unit_fits(b->gradients.gradient_unit, gradient_unit) &&
        unit_fits(b->gradients.hessian_unit, hessian_unit))
        return;
    b->gradients.gradient_unit = gradient_unit;
    b->gradients.hessian_unit = hessian_unit;
    pack_all(b);
}

/* ---- samples ---- */

static bool drawn(const struct booster *b, uint64_t stream, uint32_t item, double share)
{
    uint64_t r;

    if (share >= 1)
        return true;
    r = random_at(b->run->seed, (uint64_t)b->trees << 8 | stream, item);
    return (double)(r >> 11) * 0x1p-53 < share;
}

static uint32_t choose_rows(struct booster *b)
{
    uint32_t *row = grower_rows(b->grower), rows = b->rows, count = 0;

    if (b->options->row_share >= 1) {
        for (uint32_t i = 0; i < rows; i++)
            row[i] = i;
        return rows;
    }
    for (uint32_t i = 0; i < rows; i++) {
        row[count] = i;
        count += b->label[i] || drawn(b, 1, i, b->options->row_share);
    }
    return count;
}

static uint32_t choose_columns(struct booster *b)
{
    uint32_t inputs = b->bins.inputs, count = 0;

    for (uint32_t j = 0; j < inputs; j++) {
        if (drawn(b, 2, j, b->options->column_share))
            b->column[count++] = (uint16_t)j;
    }
    if (count == 0)
        b->column[count++] =
            (uint16_t)(random_at(b->run->seed, (uint64_t)b->trees << 8 | 3, 0) % inputs);
    return count;
}

/* ---- leaves ---- */

static void value_leaf(struct booster *b, uint32_t at)
{
    const struct boost_options *o = b->options;
    const struct grown_node *n = &grower_node(b->grower)[at];
    double g, h, step;

    if (n->left != 0)
        return;
    g = (double)packed_gradient(n->total) * b->gradients.gradient_unit;
    h = (double)packed_hessian(n->total) * b->gradients.hessian_unit;
    step = -g / (h + o->l2 + 1e-12);
    step = step < n->least ? n->least : step > n->most ? n->most : step;
    step = step > step_max ? step_max : step < -step_max ? -step_max : step;
    b->value[at] = to_fixed(o->learning_rate * step);
    b->cover[at] = n->end - n->begin;
}

/* A block of the grown rows, which lie by leaf: leaves are of very different sizes. */
static void margin_block(void *context, unsigned number)
{
    struct booster *b = context;
    const struct grown_node *node = grower_node(b->grower);
    const uint32_t *row = grower_rows(b->grower);
    uint32_t from = number * LEARN_BLOCK, end = from + LEARN_BLOCK;
    int64_t *margin = b->margin;

    for (uint32_t at = 0; at < b->nodes; at++) {
        const struct grown_node *n = &node[at];
        uint32_t first = n->begin > from ? n->begin : from, last = n->end < end ? n->end : end;
        int64_t value = b->value[at];

        if (n->left != 0)
            continue;
        for (uint32_t i = first; i < last; i++)
            margin[row[i]] += value;
    }
}

static void value_leaves(struct booster *b, uint32_t rows)
{
    for (uint32_t at = 0; at < b->nodes; at++)
        value_leaf(b, at);
    workers_run(b->run->workers, dataset_blocks(rows), margin_block, b);
}

static uint32_t walk(const struct grown_node *node, const uint8_t *cell)
{
    uint32_t at = 0;

    while (node[at].left != 0)
        at = node[at].left + !grown_goes_left(&node[at], cell[node[at].input]);
    return at;
}

/* Rows that were not drawn have a margin and count in the cover too. */
static void pass_rest(struct booster *b)
{
    const struct grown_node *node = grower_node(b->grower);

    for (uint32_t i = 0; i < b->rows; i++) {
        uint32_t at;

        if (b->label[i] || drawn(b, 1, i, b->options->row_share))
            continue;
        at = walk(node, b->bins.cell + (size_t)i * b->bins.inputs);
        b->margin[i] += b->value[at];
        b->cover[at]++;
    }
}

/* ---- the forest so far ---- */

/* Breadth first: parts.h, invariant 1. */
static void keep_tree(struct booster *b, uint32_t nodes)
{
    const struct grown_node *node = grower_node(b->grower);
    uint32_t *queue = mem_array(nodes, sizeof *queue), filled = 1;
    struct tree_node *to;

    b->first = mem_resize(b->first, b->trees + 2, sizeof *b->first);
    if (b->trees == 0)
        b->first[0] = 0;
    b->node = mem_resize(b->node, b->first[b->trees] + nodes, sizeof *b->node);
    to = b->node + b->first[b->trees];
    queue[0] = 0;
    for (uint32_t i = 0; i < nodes; i++) {
        const struct grown_node *n = &node[queue[i]];

        to[i] = (struct tree_node){.missing_left = n->missing_left};
        if (n->left == 0) {
            to[i].value = b->value[queue[i]];
            to[i].cover = b->cover[queue[i]];
            to[i].missing_left = false;
            continue;
        }
        to[i].input = n->input;
        to[i].threshold = b->bins.border[n->input][n->bin - 1];
        to[i].left = (uint16_t)filled;
        queue[filled++] = n->left;
        queue[filled++] = n->left + 1;
    }
    for (uint32_t i = nodes; i-- > 0;) {
        if (to[i].left != 0)
            to[i].cover = to[to[i].left].cover + to[to[i].left + 1].cover;
    }
    b->first[b->trees + 1] = b->first[b->trees] + nodes;
    b->trees++;
    mem_free(queue);
}

/* False where nothing is left to learn. */
static bool add_tree(struct booster *b)
{
    uint32_t rows, columns;

    compute_gradients(b);
    rows = choose_rows(b);
    columns = choose_columns(b);
    b->nodes = grow_tree(b->grower, &b->gradients, rows, b->column, columns);
    if (b->nodes == 1)
        return columns < b->bins.inputs; /* other columns may do better */
    value_leaves(b, rows);
    if (rows < b->rows)
        pass_rest(b);
    keep_tree(b, b->nodes);
    return true;
}

/* ---- early stopping ---- */

static void watch_init(struct watch *w, const struct booster *b, struct learn_watch *found)
{
    const struct dataset *d = found->dataset;

    *w = (struct watch){.found = found, .rows = d->rows};
    bins_init_like(&w->bins, &b->bins, d, b->model);
    w->margin = mem_array(d->rows, sizeof *w->margin);
    w->score = mem_array(d->rows, sizeof *w->score);
    w->label = mem_array(d->rows, 1);
    for (uint32_t i = 0; i < d->rows; i++)
        w->label[i] = dataset_label(d, i) != 0;
}

static void watch_fini(struct watch *w)
{
    bins_fini(&w->bins);
    mem_free(w->margin);
    mem_free(w->score);
    mem_free(w->label);
}

/* Adds the newest tree; true where the best is too long ago. */
static bool watch_tree(struct watch *w, const struct booster *b)
{
    const struct grown_node *node = grower_node(b->grower);
    double precision;

    for (uint32_t i = 0; i < w->rows; i++) {
        w->margin[i] += b->value[walk(node, w->bins.cell + (size_t)i * w->bins.inputs)];
        w->score[i] = (double)w->margin[i];
    }
    if (b->trees % WATCH_EVERY != 0 && b->trees != b->options->trees)
        return false;
    precision = metric_average_precision(w->score, w->label, w->rows);
    if (precision > w->found->precision) {
        w->found->precision = precision;
        w->found->rounds = b->trees;
    }
    return b->trees - w->found->rounds >= b->options->patience;
}

/* ---- all of it ---- */

static bool boost(struct booster *b, struct watch *w, struct error *e)
{
    const struct boost_options *o = b->options;
    uint32_t tried = 0;

    for (; tried < o->trees; tried++) {
        uint32_t before = b->trees;

        if (!progress_report(b->run->progress, "boost", (double)tried / o->trees))
            return b->trees > 0 || error_set(e, ERROR_CANCELLED, "training was cancelled");
        if (!add_tree(b))
            break;
        if (w != NULL && b->trees > before && watch_tree(w, b))
            break;
    }
    if (w != NULL && w->found->rounds > 0)
        b->trees = w->found->rounds;
    return true;
}

static void fill_forest(struct booster *b)
{
    struct model_forest *f = &b->model->forest;
    uint32_t nodes = b->trees > 0 ? b->first[b->trees] : 0;

    model_forest_reserve(b->model, b->trees, nodes);
    f->base = b->base;
    if (b->trees == 0)
        return;
    memcpy(f->first, b->first, (b->trees + 1) * sizeof *f->first);
    memcpy(f->node, b->node, nodes * sizeof *f->node);
}

static bool run_boost(struct booster *b, struct learn_watch *watch, struct error *e)
{
    struct watch w;
    bool good;

    if (watch == NULL || b->options->patience == 0 || dataset_frauds(watch->dataset) == 0)
        return boost(b, NULL, e);
    watch_init(&w, b, watch);
    good = boost(b, &w, e);
    watch_fini(&w);
    return good;
}

bool boost_train(const struct dataset *d, struct learn_watch *watch, const struct boost_options *o,
                 const struct learn_run *run, struct model **m, struct error *e)
{
    struct model *trained;
    struct booster b;
    bool good;

    if (!options_check(o, e) || !dataset_check(d, e) || !monotone_check(d, o, e))
        return false;
    trained = dataset_model(d, MODEL_BOOST);
    booster_init(&b, d, o, run, trained);
    good = run_boost(&b, watch, e);
    if (good)
        fill_forest(&b);
    booster_fini(&b);
    if (!good || !model_finish(trained, e)) {
        model_free(trained);
        return false;
    }
    *m = trained;
    return true;
}

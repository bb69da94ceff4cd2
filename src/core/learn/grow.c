#include "core/learn/grow.h"

#include <math.h>
#include <string.h>

#include "core/base/panic.h"
#include "core/learn/histogram.h"
#include "core/learn/part.h"

/* What a thread is given at least: less is not worth waking it for. */
enum { PIECE_ROWS = 1024, PIECE_COLUMNS = 4, PIECES_MAX = 64 };

static const double gain_least = 1e-7; /* below it a split is rounding noise */

/* The best split of one node. */
struct split {
    double gain; /* 0: none */
    uint16_t input;
    uint8_t bin;
    bool missing_left;
};

struct leaf {
    uint64_t *cell; /* its histogram; NULL where it will not be split */
    struct split best;
};

struct grower {
    const struct boost_options *options;
    const int8_t *direction; /* of each input; NULL: none is bound */
    const struct gradients *gradients;
    enum simd simd;
    struct histogram_work work;
    uint32_t *row;          /* permuted */
    uint32_t *left, *right; /* where rows are parted to; of the same size */
    struct grown_node *node;
    struct leaf *leaf; /* by node */
    uint32_t nodes;
    uint64_t **pool; /* histograms, handed out and taken back */
    uint32_t pooled, made;
};

struct grower *grower_new(const struct bins *b, const struct boost_options *o,
                          const int8_t *direction, const struct learn_run *run)
{
    struct grower *g = mem_alloc(sizeof *g);
    size_t cells = (workers_count(run->workers) - 1) * bins_cell(b->inputs);

    ASSERT(o->leaves >= 2 && o->leaves <= GROW_LEAVES_MAX);
    g->options = o;
    g->direction = direction;
    g->work.bins = b;
    g->simd = run->simd;
    g->work.workers = run->workers;
    g->work.spare = mem_aligned(64, cells * sizeof *g->work.spare);
    g->row = mem_array(b->rows, sizeof *g->row);
    g->left = mem_array(b->rows, sizeof *g->left);
    g->right = mem_array(b->rows, sizeof *g->right);
    g->node = mem_array(2 * o->leaves, sizeof *g->node);
    g->leaf = mem_array(2 * o->leaves, sizeof *g->leaf);
    g->pool = mem_array(o->leaves + 1, sizeof *g->pool);
    return g;
}

void grower_free(struct grower *g)
{
    if (g == NULL)
        return;
    ASSERT(g->pooled == g->made);
    for (uint32_t i = 0; i < g->pooled; i++)
        mem_free(g->pool[i]);
    mem_free(g->pool);
    mem_free(g->work.spare);
    mem_free(g->row);
    mem_free(g->left);
    mem_free(g->right);
    mem_free(g->node);
    mem_free(g->leaf);
    mem_free(g);
}

uint32_t *grower_rows(struct grower *g)
{
    return g->row;
}

const struct grown_node *grower_node(const struct grower *g)
{
    return g->node;
}

static uint64_t *take_cells(struct grower *g)
{
    if (g->pooled > 0)
        return g->pool[--g->pooled];
    g->made++;
    return mem_aligned(64, bins_cell(g->work.bins->inputs) * sizeof(uint64_t));
}

static void give_cells(struct grower *g, uint64_t *cell)
{
    if (cell != NULL)
        g->pool[g->pooled++] = cell;
}

/* `work` in pieces of at least `least`, at most one a thread. */
static uint32_t pieces_of(const struct grower *g, uint32_t work, uint32_t least)
{
    uint32_t threads = workers_count(g->work.workers), pieces = work / least;

    threads = threads < PIECES_MAX ? threads : PIECES_MAX;
    return pieces > threads ? threads : pieces > 0 ? pieces : 1;
}

/* ---- finding the best split ---- */

struct side {
    double gradient, hessian;
};

static struct side unpack(const struct grower *g, uint64_t sum)
{
    return (struct side){packed_gradient(sum) * g->gradients->gradient_unit,
                         packed_hessian(sum) * g->gradients->hessian_unit};
}

static double quality(struct side s, double l2)
{
    return s.gradient * s.gradient / (s.hessian + l2);
}

/* ---- monotone inputs ----
 *
 * As in XGBoost: every node has bounds for the steps of its leaves. A split of a monotone input
 * must put the sides' steps in order, and binds all leaves on either side to their own side of the
 * middle; so whatever grows below, the order holds. */

static double bounded_step(struct side s, double l2, const struct grown_node *n)
{
    double step = -s.gradient / (s.hessian + l2 + 1e-12);

    return step < n->least ? n->least : step > n->most ? n->most : step;
}

/* What a step gains where it is not the best one: equals quality() there. */
static double quality_at(struct side s, double l2, double step)
{
    return -(2 * s.gradient * step + (s.hessian + l2) * step * step);
}

static double bounded_gain(const struct grower *g, const struct grown_node *n, uint32_t input,
                           struct side l, struct side r)
{
    double l2 = g->options->l2, left = bounded_step(l, l2, n), right = bounded_step(r, l2, n);
    struct side all = {l.gradient + r.gradient, l.hessian + r.hessian};

    if (g->direction[input] * (right - left) < 0)
        return -1;
    return quality_at(l, l2, left) + quality_at(r, l2, right) -
           quality_at(all, l2, bounded_step(all, l2, n));
}

static void bind_children(const struct grower *g, const struct grown_node *n, struct side l,
                          struct side r, struct grown_node child[2])
{
    double l2 = g->options->l2;
    double middle = (bounded_step(l, l2, n) + bounded_step(r, l2, n)) / 2;
    int direction = g->direction != NULL ? g->direction[n->input] : 0;

    for (unsigned k = 0; k < 2; k++) {
        child[k].least = n->least;
        child[k].most = n->most;
    }
    if (direction > 0)
        child[0].most = child[1].least = middle;
    else if (direction < 0)
        child[0].least = child[1].most = middle;
}

/* One input of a leaf: cells 1..last, and what is left of all borders. */
struct scan {
    const uint64_t *cell;
    uint32_t last;
    uint64_t first_left, total;
    double parent, least; /* quality of the leaf; gains up to `least` are of no use */
};

/* What all scans of a tree share. */
struct scale {
    double gradient_unit, hessian_unit, l2, min_weight;
};

/* gain[k] of the border behind bin k: the second-order gain (Chen and Guestrin, "XGBoost", 2016,
 * eq. 7) of sending all up to it left, over the parent's quality; negative where a side is too
 * light. Sums first: what remains has no order and no branch, and is taken several bins at once.
 * False where none is of use. */
__attribute__((always_inline)) static inline bool
gains_of(const struct scan *scan, const struct scale *scale, double *restrict gain)
{
    const struct scan s = *scan;
    const struct scale c = *scale;
    uint64_t left[BINS_MAX + 1], sum = s.first_left;
    double lighter[BINS_MAX + 1];
    uint64_t useful = 0;

    for (uint32_t k = 1; k <= s.last; k++)
        left[k] = sum += s.cell[k];
    for (uint32_t k = 1; k <= s.last; k++) {
        uint64_t right = s.total - left[k];
        double gl = (double)packed_gradient(left[k]) * c.gradient_unit;
        double hl = (double)packed_hessian(left[k]) * c.hessian_unit;
        double gr = (double)packed_gradient(right) * c.gradient_unit;
        double hr = (double)packed_hessian(right) * c.hessian_unit;
        double ll = hl + c.l2, rr = hr + c.l2;
        double both = (gl * gl * rr + gr * gr * ll) / (ll * rr) - s.parent;

        gain[k] = both;
        lighter[k] = hl < hr ? hl : hr;
    }
    for (uint32_t k = 1; k <= s.last; k++)
        gain[k] = lighter[k] < c.min_weight ? -1 : gain[k];
    for (uint32_t k = 1; k <= s.last; k++)
        useful |= gain[k] > s.least;
    return useful != 0;
}

static bool gains_scalar(const struct scan *s, const struct scale *c, double *gain)
{
    return gains_of(s, c, gain);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static bool gains_avx2(const struct scan *s, const struct scale *c,
                                                       double *gain)
{
    return gains_of(s, c, gain);
}

__attribute__((target("avx512f,avx512dq,avx512vl,prefer-vector-width=512"))) static bool
gains_avx512(const struct scan *s, const struct scale *c, double *gain)
{
    return gains_of(s, c, gain);
}
#endif

static bool bounded_gains(const struct grower *g, const struct grown_node *n, uint32_t input,
                          const struct scan *s, double *gain)
{
    double least = g->options->min_leaf_weight;
    uint64_t left = s->first_left;

    for (uint32_t k = 1; k <= s->last; k++) {
        struct side l, r;

        left += s->cell[k];
        l = unpack(g, left);
        r = unpack(g, s->total - left);
        gain[k] = l.hessian < least || r.hessian < least ? -1 : bounded_gain(g, n, input, l, r);
    }
    return true;
}

static bool all_gains(const struct grower *g, const struct grown_node *n, uint32_t input,
                      const struct scan *s, double *gain)
{
    const struct scale c = {g->gradients->gradient_unit, g->gradients->hessian_unit, g->options->l2,
                            g->options->min_leaf_weight};

    if (g->direction != NULL)
        return bounded_gains(g, n, input, s, gain);
#if defined(__x86_64__)
    if (g->simd == SIMD_AVX512)
        return gains_avx512(s, &c, gain);
    if (g->simd == SIMD_AVX2)
        return gains_avx2(s, &c, gain);
#endif
    return gains_scalar(s, &c, gain);
}

/* Tries every border of one input, with missing on the side that is asked for. */
static void scan_borders(const struct grower *g, const struct grown_node *n, const uint64_t *cell,
                         uint32_t input, bool missing_left, struct split *best)
{
    struct scan s = {.cell = cell + bins_cell(input),
                     .total = n->total,
                     .parent = quality(unpack(g, n->total), g->options->l2),
                     .least = best->gain};
    double gain[BINS_MAX + 1];

    s.last = g->work.bins->count[input] - (s.cell[0] == 0 || missing_left);
    s.first_left = missing_left ? s.cell[0] : 0;
    if (!all_gains(g, n, input, &s, gain))
        return;
    for (uint32_t k = 1; k <= s.last; k++) {
        if (gain[k] > best->gain && s.cell[k] != 0)
            *best = (struct split){gain[k], (uint16_t)input, (uint8_t)k, missing_left};
    }
}

static void scan_input(const struct grower *g, const struct grown_node *n, const uint64_t *cell,
                       uint32_t input, struct split *best)
{
    scan_borders(g, n, cell, input, false, best);
    if (cell[bins_cell(input)] != 0)
        scan_borders(g, n, cell, input, true, best);
}

/* Packed sum of what a split sends left. */
static uint64_t left_of(const uint64_t *cell, const struct split *s)
{
    const uint64_t *of = cell + bins_cell(s->input);
    uint64_t left = s->missing_left ? of[0] : 0;

    for (uint32_t k = 1; k <= s->bin; k++)
        left += of[k];
    return left;
}

/* Where no missing value was seen, one that comes later goes with the heavier side. */
static void settle_missing(const struct grown_node *n, const uint64_t *cell, struct split *s)
{
    if (cell[bins_cell(s->input)] == 0)
        s->missing_left = 2 * packed_hessian(left_of(cell, s)) >= packed_hessian(n->total);
}

/* Looks for the best splits of a node whose rows were summed, in some parts, and of its sibling,
 * whose cells are both's still; each thread among some of the columns. */
struct search {
    const struct grower *grower;
    uint32_t parts, pieces;           /* of the rows, of the columns */
    const struct grown_node *node[2]; /* NULL: not to be split */
    uint64_t *cell[2];                /* [1]: NULL where there is no sibling */
    struct split best[PIECES_MAX][2];
};

static void search_piece(void *context, unsigned number)
{
    struct search *s = context;
    const struct grower *g = s->grower;
    uint32_t columns = g->work.columns;
    uint32_t from = columns * number / s->pieces, to = columns * (number + 1) / s->pieces;

    histogram_join(&g->work, s->parts, from, to, s->cell[0]);
    if (s->cell[1] != NULL)
        histogram_subtract(&g->work, from, to, s->cell[1], s->cell[0]);
    for (unsigned k = 0; k < 2; k++) {
        struct split *best = &s->best[number][k];
        const struct grown_node *n = s->node[k];

        *best = (struct split){.gain = gain_least};
        for (uint32_t c = from; n != NULL && c < to; c++)
            scan_input(g, n, s->cell[k], g->work.column[c], best);
    }
}

/* The first of the best, as if one had looked at all; gain 0: none. */
static struct split best_found(const struct search *s, unsigned k)
{
    struct split best = {.gain = gain_least};

    for (uint32_t i = 0; i < s->pieces; i++) {
        if (s->best[i][k].gain > best.gain)
            best = s->best[i][k];
    }
    if (best.gain <= gain_least)
        return (struct split){0};
    settle_missing(s->node[k], s->cell[k], &best);
    return best;
}

static void search_splits(struct search *s)
{
    s->pieces = pieces_of(s->grower, s->grower->work.columns, PIECE_COLUMNS);
    if (s->pieces > 1)
        workers_run(s->grower->work.workers, s->pieces, search_piece, s);
    else
        search_piece(s, 0);
}

/* ---- splitting ---- */

/* A node's rows are parted in pieces, one a thread, and then joined in order. Stable, so the result
 * does not depend on how many pieces there were. */
struct parting {
    struct grower *grower;
    const struct grown_node *node;
    uint32_t pieces;
    uint32_t left[PIECES_MAX];                          /* of the piece, how many went there */
    uint32_t left_at[PIECES_MAX], right_at[PIECES_MAX]; /* where those go */
};

static uint32_t piece_begin(const struct parting *p, unsigned number)
{
    const struct grown_node *n = p->node;

    return n->begin + (uint32_t)((uint64_t)(n->end - n->begin) * number / p->pieces);
}

static void part_piece(void *context, unsigned number)
{
    struct parting *p = context;
    struct grower *g = p->grower;
    const struct bins *b = g->work.bins;
    struct part_rule rule = {.column = b->column + (size_t)p->node->input * b->rows,
                             .bin = p->node->bin,
                             .missing_left = p->node->missing_left};
    uint32_t begin = piece_begin(p, number), end = piece_begin(p, number + 1);
    uint32_t *left = p->pieces > 1 ? g->left : g->row; /* one piece's are in their place */

    p->left[number] =
        part_rows(&rule, g->row + begin, end - begin, left + begin, g->right + begin, g->simd);
}

static void join_piece(void *context, unsigned number)
{
    const struct parting *p = context;
    struct grower *g = p->grower;
    uint32_t begin = piece_begin(p, number), left = p->left[number];
    uint32_t right = piece_begin(p, number + 1) - begin - left;

    if (p->pieces > 1)
        memcpy(g->row + p->left_at[number], g->left + begin, left * sizeof *g->row);
    memcpy(g->row + p->right_at[number], g->right + begin, right * sizeof *g->row);
}

static void run_pieces(struct parting *p, void (*task)(void *context, unsigned number))
{
    if (p->pieces > 1)
        workers_run(p->grower->work.workers, p->pieces, task, p);
    else
        task(p, 0);
}

/* Returns how many rows went left. */
static uint32_t partition(struct grower *g, const struct grown_node *n, uint32_t pieces)
{
    struct parting p = {.grower = g, .node = n, .pieces = pieces};
    uint32_t at = n->begin, left;

    run_pieces(&p, part_piece);
    for (uint32_t i = 0; i < pieces; at += p.left[i++])
        p.left_at[i] = at;
    left = at - n->begin;
    for (uint32_t i = 0; i < pieces; i++) {
        p.right_at[i] = at;
        at += piece_begin(&p, i + 1) - piece_begin(&p, i) - p.left[i];
    }
    run_pieces(&p, join_piece);
    return left;
}

static bool may_split(const struct grower *g, const struct grown_node *n)
{
    return n->depth < g->options->depth && n->end - n->begin >= 2 * g->options->min_leaf_rows;
}

static uint32_t rows_of(const struct grown_node *n)
{
    return n->end - n->begin;
}

static void open_root(struct grower *g, uint32_t rows)
{
    uint64_t *cell = take_cells(g);
    struct grown_node *root = &g->node[0];
    uint32_t parts = pieces_of(g, rows, PIECE_ROWS);
    struct search s = {.grower = g, .parts = parts, .node[0] = root, .cell[0] = cell};

    g->nodes = 1;
    *root = (struct grown_node){.end = rows, .least = -INFINITY, .most = INFINITY};
    histogram_build(&g->work, g->row, rows, parts, cell);
    root->total = histogram_total(&g->work, parts, cell);
    search_splits(&s);
    g->leaf[0] = (struct leaf){.cell = cell, .best = best_found(&s, 0)};
}

static void drop_cells(struct grower *g, struct leaf *leaf)
{
    give_cells(g, leaf->cell);
    leaf->cell = NULL;
}

/* The lighter child's histogram is summed, the other's is what remains of the parent's. */
static void open_children(struct grower *g, struct leaf *parent, struct grown_node *child,
                          struct leaf *leaf)
{
    unsigned small = rows_of(&child[0]) <= rows_of(&child[1]) ? 0 : 1;
    uint32_t rows = rows_of(&child[small]);
    struct search s = {.grower = g, .parts = pieces_of(g, rows, PIECE_ROWS)};

    leaf[small].cell = take_cells(g);
    leaf[1 - small].cell = parent->cell;
    parent->cell = NULL;
    histogram_build(&g->work, g->row + child[small].begin, rows, s.parts, leaf[small].cell);
    for (unsigned k = 0; k < 2; k++) {
        unsigned of = k ^ small;

        s.cell[k] = leaf[of].cell;
        s.node[k] = may_split(g, &child[of]) ? &child[of] : NULL;
    }
    search_splits(&s);
    for (unsigned k = 0; k < 2; k++) {
        leaf[k ^ small].best = best_found(&s, k);
        if (leaf[k ^ small].best.gain == 0)
            drop_cells(g, &leaf[k ^ small]); /* nobody will look at it */
    }
}

static void make_children(const struct grower *g, const struct grown_node *n, uint32_t left,
                          uint64_t sum, struct grown_node child[2])
{
    child[0] = (struct grown_node){n->begin, n->begin + left, n->depth + 1, .total = sum};
    child[1] = (struct grown_node){n->begin + left, n->end, n->depth + 1, .total = n->total - sum};
    bind_children(g, n, unpack(g, sum), unpack(g, n->total - sum), child);
}

/* A split that would leave a child with too few rows is none: the leaf stays one. */
static void split_leaf(struct grower *g, uint32_t at)
{
    struct grown_node *n = &g->node[at], *child = &g->node[g->nodes];
    struct leaf *leaf = &g->leaf[at], *opened = &g->leaf[g->nodes];
    uint32_t least = g->options->min_leaf_rows, leaves = (g->nodes + 1) / 2, left;

    n->input = leaf->best.input;
    n->bin = leaf->best.bin;
    n->missing_left = leaf->best.missing_left;
    left = partition(g, n, pieces_of(g, rows_of(n), PIECE_ROWS));
    if (left >= least && rows_of(n) - left >= least) {
        make_children(g, n, left, left_of(leaf->cell, &leaf->best), child);
        opened[0] = opened[1] = (struct leaf){0};
        if (leaves + 1 < g->options->leaves && (may_split(g, &child[0]) || may_split(g, &child[1])))
            open_children(g, leaf, child, opened);
        n->left = g->nodes;
        g->nodes += 2;
    }
    leaf->best.gain = 0;
    drop_cells(g, leaf);
}

/* The open leaf of greatest gain, the first of equals; g->nodes where there is none. */
static uint32_t best_leaf(const struct grower *g)
{
    uint32_t best = g->nodes;
    double gain = 0;

    for (uint32_t i = 0; i < g->nodes; i++) {
        if (g->leaf[i].best.gain > gain) {
            gain = g->leaf[i].best.gain;
            best = i;
        }
    }
    return best;
}

uint32_t grow_tree(struct grower *g, const struct gradients *gradients, uint32_t rows,
                   const uint16_t *column, uint32_t columns)
{
    uint32_t at;

    g->gradients = gradients;
    g->work.packed = gradients->packed;
    g->work.column = column;
    g->work.columns = columns;
    open_root(g, rows);
    while ((g->nodes + 1) / 2 < g->options->leaves && (at = best_leaf(g)) < g->nodes)
        split_leaf(g, at);
    for (uint32_t i = 0; i < g->nodes; i++)
        drop_cells(g, &g->leaf[i]);
    return g->nodes;
}

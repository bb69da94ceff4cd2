#include "core/learn/grow.h"

#include <math.h>
#include <string.h>

#include "core/base/panic.h"
#include "core/learn/histogram.h"

enum {
    PARALLEL_ROWS = 32768, /* a smaller node is parted by one thread */
    PIECES_MAX = 64,
};

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
    uint64_t total;
    struct split best;
};

struct grower {
    const struct boost_options *options;
    const int8_t *direction; /* of each input; NULL: none is bound */
    const struct gradients *gradients;
    struct histogram_work work;
    uint32_t *row;     /* permuted */
    uint32_t *scratch; /* of the same size */
    struct grown_node *node;
    struct leaf *leaf; /* by node */
    uint32_t nodes;
    uint64_t **pool; /* histograms, handed out and taken back */
    uint32_t pooled, made;
};

struct grower *grower_new(const struct bins *b, const struct boost_options *o,
                          const int8_t *direction, const struct workers *workers)
{
    struct grower *g = mem_alloc(sizeof *g);
    size_t cells = b->first[b->inputs];

    ASSERT(o->leaves >= 2 && o->leaves <= GROW_LEAVES_MAX);
    g->options = o;
    g->direction = direction;
    g->work.bins = b;
    g->work.workers = workers;
    g->work.spare = mem_aligned(64, workers_count(workers) * cells * sizeof *g->work.spare);
    g->row = mem_array(b->rows, sizeof *g->row);
    g->scratch = mem_array(b->rows, sizeof *g->scratch);
    g->node = mem_array(2 * o->leaves, sizeof *g->node);
    g->leaf = mem_array(2 * o->leaves, sizeof *g->leaf);
    g->pool = mem_array(2 * o->leaves, sizeof *g->pool);
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
    mem_free(g->scratch);
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
    return mem_aligned(64, g->work.bins->first[g->work.bins->inputs] * sizeof(uint64_t));
}

static void give_cells(struct grower *g, uint64_t *cell)
{
    if (cell != NULL)
        g->pool[g->pooled++] = cell;
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

/* Second-order gain (Chen and Guestrin, "XGBoost", 2016, eq. 7) of sending `left` left, over the
 * parent's quality; negative where a side is too light. */
static double gain_of(const struct grower *g, const struct grown_node *n, uint32_t input,
                      uint64_t left, uint64_t total, double parent)
{
    const struct boost_options *o = g->options;
    struct side l = unpack(g, left), r = unpack(g, total - left);

    if (l.hessian < o->min_leaf_weight || r.hessian < o->min_leaf_weight)
        return -1;
    if (g->direction != NULL)
        return bounded_gain(g, n, input, l, r);
    return quality(l, o->l2) + quality(r, o->l2) - parent;
}

/* Tries every border of one input, with missing on the side that is asked for. */
static void scan_input(const struct grower *g, const struct leaf *leaf, uint32_t input,
                       bool missing_left, double parent, struct split *best)
{
    const struct bins *b = g->work.bins;
    const struct grown_node *n = &g->node[leaf - g->leaf];
    const uint64_t *cell = leaf->cell + b->first[input];
    uint32_t last = b->count[input] - (cell[0] == 0 || missing_left);
    uint64_t left = missing_left ? cell[0] : 0;

    for (uint32_t k = 1; k <= last; k++) {
        double gain;

        left += cell[k];
        if (cell[k] == 0)
            continue;
        gain = gain_of(g, n, input, left, leaf->total, parent);
        if (gain > best->gain)
            *best = (struct split){gain, (uint16_t)input, (uint8_t)k, missing_left};
    }
}

/* Packed sum of what a split sends left. */
static uint64_t left_of(const struct grower *g, const struct leaf *leaf, const struct split *s)
{
    const uint64_t *cell = leaf->cell + g->work.bins->first[s->input];
    uint64_t left = s->missing_left ? cell[0] : 0;

    for (uint32_t k = 1; k <= s->bin; k++)
        left += cell[k];
    return left;
}

/* Where no missing value was seen, one that comes later goes with the heavier side. */
static void settle_missing(const struct grower *g, const struct leaf *leaf, struct split *s)
{
    if (leaf->cell[g->work.bins->first[s->input]] == 0)
        s->missing_left = 2 * packed_hessian(left_of(g, leaf, s)) >= packed_hessian(leaf->total);
}

static void find_split(struct grower *g, struct leaf *leaf)
{
    double parent = quality(unpack(g, leaf->total), g->options->l2);

    leaf->best = (struct split){.gain = gain_least};
    for (uint32_t c = 0; c < g->work.columns; c++) {
        uint32_t input = g->work.column[c];

        scan_input(g, leaf, input, false, parent, &leaf->best);
        if (leaf->cell[g->work.bins->first[input]] != 0)
            scan_input(g, leaf, input, true, parent, &leaf->best);
    }
    if (leaf->best.gain <= gain_least)
        leaf->best.gain = 0;
    else
        settle_missing(g, leaf, &leaf->best);
}

/* ---- splitting ---- */

/* A node's rows are parted in pieces, one a thread: each piece keeps its left rows at its own start
 * and puts its right rows aside; then the pieces are joined in order. Stable, so the result does
 * not depend on how many pieces there were. */
struct parting {
    struct grower *grower;
    const struct grown_node *node;
    uint32_t pieces;
    uint32_t left[PIECES_MAX];
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
    const uint8_t *cell = b->column + (size_t)p->node->input * b->rows;
    uint32_t begin = piece_begin(p, number), end = piece_begin(p, number + 1);
    uint32_t left = begin, right = begin;

    for (uint32_t i = begin; i < end; i++) {
        uint32_t row = g->row[i];
        bool goes_left = grown_goes_left(p->node, cell[row]);

        g->row[left] = row; /* left <= i: what it overwrites was read */
        g->scratch[right] = row;
        left += goes_left;
        right += !goes_left;
    }
    p->left[number] = left - begin;
}

/* Returns how many rows went left. */
static uint32_t partition(struct grower *g, const struct grown_node *n)
{
    struct parting p = {.grower = g, .node = n, .pieces = workers_count(g->work.workers)};
    uint32_t at = n->begin, left;

    if (n->end - n->begin < PARALLEL_ROWS)
        p.pieces = 1;
    else if (p.pieces > PIECES_MAX)
        p.pieces = PIECES_MAX;
    workers_run(g->work.workers, p.pieces, part_piece, &p);
    for (uint32_t i = 0; i < p.pieces; at += p.left[i++])
        memmove(g->row + at, g->row + piece_begin(&p, i), p.left[i] * sizeof *g->row);
    left = at - n->begin;
    for (uint32_t i = 0; i < p.pieces; i++) {
        uint32_t begin = piece_begin(&p, i);
        uint32_t count = piece_begin(&p, i + 1) - begin - p.left[i];

        memcpy(g->row + at, g->scratch + begin, count * sizeof *g->row);
        at += count;
    }
    return left;
}

static bool may_split(const struct grower *g, const struct grown_node *n)
{
    return n->depth < g->options->depth && n->end - n->begin >= 2 * g->options->min_leaf_rows;
}

static uint64_t total_of(const struct grower *g, const uint64_t *cell)
{
    const struct bins *b = g->work.bins;
    uint32_t j = g->work.column[0];
    uint64_t sum = 0;

    for (uint32_t k = b->first[j]; k < b->first[j + 1]; k++)
        sum += cell[k];
    return sum;
}

static void open_leaf(struct grower *g, uint32_t at, uint64_t *cell)
{
    struct leaf *leaf = &g->leaf[at];

    *leaf = (struct leaf){.cell = cell};
    if (cell == NULL)
        return;
    leaf->total = total_of(g, cell);
    find_split(g, leaf);
    if (leaf->best.gain == 0) {
        give_cells(g, cell);
        leaf->cell = NULL;
    }
}

/* The lighter child's histogram is summed, the other's is what remains of the parent's. */
static void open_children(struct grower *g, uint32_t left, uint64_t *parent_cell, bool more)
{
    const struct grown_node *l = &g->node[left], *r = &g->node[left + 1];
    uint32_t small = l->end - l->begin <= r->end - r->begin ? left : left + 1;
    uint32_t large = small == left ? left + 1 : left;
    uint64_t *cell;

    if (!more || (!may_split(g, l) && !may_split(g, r))) {
        give_cells(g, parent_cell);
        open_leaf(g, left, NULL);
        open_leaf(g, left + 1, NULL);
        return;
    }
    cell = take_cells(g);
    histogram_build(&g->work, g->row + g->node[small].begin,
                    g->node[small].end - g->node[small].begin, cell);
    histogram_subtract(&g->work, parent_cell, cell);
    if (!may_split(g, &g->node[small])) {
        give_cells(g, cell);
        cell = NULL;
    }
    if (!may_split(g, &g->node[large])) {
        give_cells(g, parent_cell);
        parent_cell = NULL;
    }
    open_leaf(g, small, cell);
    open_leaf(g, large, parent_cell);
}

/* False where the split would leave a child with too few rows: the node then stays a leaf. */
static bool split_node(struct grower *g, uint32_t at)
{
    struct leaf *leaf = &g->leaf[at];
    struct grown_node *n = &g->node[at];
    uint32_t least = g->options->min_leaf_rows, left, leaves = (g->nodes + 1) / 2;
    uint64_t left_sum = left_of(g, leaf, &leaf->best);

    n->input = leaf->best.input;
    n->bin = leaf->best.bin;
    n->missing_left = leaf->best.missing_left;
    left = partition(g, n);
    leaf->best.gain = 0;
    if (left < least || n->end - n->begin - left < least) {
        give_cells(g, leaf->cell);
        leaf->cell = NULL;
        return false;
    }
    n->left = g->nodes;
    g->node[g->nodes++] = (struct grown_node){n->begin, n->begin + left, n->depth + 1};
    g->node[g->nodes++] = (struct grown_node){n->begin + left, n->end, n->depth + 1};
    bind_children(g, n, unpack(g, left_sum), unpack(g, leaf->total - left_sum), &g->node[n->left]);
    open_children(g, n->left, leaf->cell, leaves + 1 < g->options->leaves);
    leaf->cell = NULL;
    return true;
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
    uint64_t *cell = take_cells(g);
    uint32_t at;

    g->gradients = gradients;
    g->work.packed = gradients->packed;
    g->work.column = column;
    g->work.columns = columns;
    g->nodes = 1;
    g->node[0] = (struct grown_node){.end = rows, .least = -INFINITY, .most = INFINITY};
    histogram_build(&g->work, g->row, rows, cell);
    open_leaf(g, 0, cell);
    while ((g->nodes + 1) / 2 < g->options->leaves && (at = best_leaf(g)) < g->nodes)
        split_node(g, at);
    for (uint32_t i = 0; i < g->nodes; i++) {
        give_cells(g, g->leaf[i].cell);
        g->leaf[i].cell = NULL;
    }
    return g->nodes;
}

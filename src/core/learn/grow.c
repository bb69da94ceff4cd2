#include "core/learn/grow.h"

#include <math.h>
#include <string.h>

#include "core/base/panic.h"
#include "core/learn/histogram.h"
#include "core/learn/part.h"

enum {
    SHARED_ROWS = 32768, /* a node of so many is prepared by all threads together */
    ALONE_ROWS = 512,    /* one of fewer is not worth waking a second thread for */
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
    struct split best;
    struct children *ready; /* NULL: not prepared */
};

/* What the split of a leaf makes. */
struct children {
    uint32_t of;
    bool opens; /* they may be split themselves */
    struct grown_node node[2];
    struct leaf leaf[2];
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
    struct children *made_ready; /* one a node, lent to its leaf */
    struct children *batch[PIECES_MAX];
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
    g->made_ready = mem_array(2 * o->leaves, sizeof *g->made_ready);
    g->pool = mem_array(4 * o->leaves, sizeof *g->pool);
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
    mem_free(g->made_ready);
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

/* Looks for the best splits of one node or two, each thread among some of the columns. */
struct search {
    const struct grower *grower;
    const struct grown_node *node[2]; /* NULL: none, or not to be split */
    uint64_t *cell[2];
    unsigned
        whole; /* where it is below 2: that one's cells are of both, the other's to be taken off */
    uint32_t pieces;
    struct split best[PIECES_MAX][2];
};

static void search_piece(void *context, unsigned number)
{
    struct search *s = context;
    const struct grower *g = s->grower;
    uint32_t columns = g->work.columns;
    uint32_t from = columns * number / s->pieces, to = columns * (number + 1) / s->pieces;

    if (s->whole < 2)
        histogram_subtract(&g->work, from, to, s->cell[s->whole], s->cell[1 - s->whole]);
    for (unsigned k = 0; k < 2; k++) {
        struct split *best = &s->best[number][k];
        const struct grown_node *n = s->node[k];

        *best = (struct split){.gain = gain_least};
        if (n == NULL)
            continue;
        for (uint32_t c = from; c < to; c++)
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
    struct part_rule rule = {.cell = b->column + (size_t)p->node->input * b->rows,
                             .stride = 1,
                             .rows = b->rows,
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

/* Threads that prepare a node together. */
static uint32_t sharers(const struct grower *g, const struct grown_node *n)
{
    uint32_t count = workers_count(g->work.workers);

    if (rows_of(n) < SHARED_ROWS)
        return 1;
    return count < PIECES_MAX ? count : PIECES_MAX;
}

static void build_cells(const struct grower *g, const struct grown_node *n, uint32_t pieces,
                        uint64_t *cell)
{
    if (pieces > 1)
        histogram_build(&g->work, g->row + n->begin, rows_of(n), cell);
    else
        histogram_build_alone(&g->work, g->row + n->begin, rows_of(n), cell);
}

/* The lighter child's histogram is summed, the other's is what remains of the parent's. */
static void open_children(struct grower *g, struct children *c, uint32_t pieces)
{
    unsigned small = rows_of(&c->node[0]) <= rows_of(&c->node[1]) ? 0 : 1;
    struct search s = {.grower = g, .whole = 1 - small, .pieces = pieces};

    build_cells(g, &c->node[small], pieces, c->leaf[small].cell);
    c->leaf[1 - small].cell = g->leaf[c->of].cell;
    for (unsigned k = 0; k < 2; k++) {
        s.cell[k] = c->leaf[k].cell;
        s.node[k] = may_split(g, &c->node[k]) ? &c->node[k] : NULL;
    }
    search_splits(&s);
    for (unsigned k = 0; k < 2; k++)
        c->leaf[k].best = best_found(&s, k);
}

static void make_children(const struct grower *g, const struct grown_node *n, uint32_t left,
                          struct children *c)
{
    uint64_t sum = left_of(g->leaf[c->of].cell, &g->leaf[c->of].best);

    c->node[0] = (struct grown_node){n->begin, n->begin + left, n->depth + 1, .total = sum};
    c->node[1] =
        (struct grown_node){n->begin + left, n->end, n->depth + 1, .total = n->total - sum};
    bind_children(g, n, unpack(g, sum), unpack(g, n->total - sum), c->node);
}

/* A split that would leave a child with too few rows is none: gain 0, and no children. */
static void prepare(void *context, unsigned number)
{
    struct grower *g = context;
    struct children *c = g->batch[number];
    struct grown_node *n = &g->node[c->of];
    struct leaf *leaf = &g->leaf[c->of];
    uint32_t least = g->options->min_leaf_rows, pieces = sharers(g, n), left;

    n->input = leaf->best.input;
    n->bin = leaf->best.bin;
    n->missing_left = leaf->best.missing_left;
    left = partition(g, n, pieces);
    if (left < least || rows_of(n) - left < least) {
        leaf->best.gain = 0;
        return;
    }
    make_children(g, n, left, c);
    leaf->ready = c;
    c->opens = c->opens && (may_split(g, &c->node[0]) || may_split(g, &c->node[1]));
    if (!c->opens)
        return;
    open_children(g, c, pieces);
    leaf->cell = NULL;
}

static void drop_cells(struct grower *g, struct leaf *leaf)
{
    give_cells(g, leaf->cell);
    leaf->cell = NULL;
}

static void ask_for(struct grower *g, uint32_t at, bool opens, uint32_t number)
{
    struct children *c = &g->made_ready[at];

    *c = (struct children){.of = at, .opens = opens};
    c->leaf[0].cell = opens ? take_cells(g) : NULL; /* of the lighter one */
    c->leaf[1].cell = c->leaf[0].cell;
    g->batch[number] = c;
}

/* Histograms that nobody will look at go back. */
static void settle(struct grower *g, struct children *c, uint64_t *lent)
{
    struct leaf *leaf = &g->leaf[c->of];

    if (leaf->ready == NULL || !c->opens) {
        give_cells(g, lent);
        c->leaf[0].cell = c->leaf[1].cell = NULL;
        drop_cells(g, leaf);
        return;
    }
    for (unsigned k = 0; k < 2; k++) {
        if (c->leaf[k].best.gain == 0)
            drop_cells(g, &c->leaf[k]);
    }
}

static bool is_waiting(const struct grower *g, uint32_t at)
{
    return g->leaf[at].best.gain > 0 && g->leaf[at].ready == NULL;
}

/* The best of those not prepared that one thread is to prepare, after those of the batch. */
static uint32_t next_best(const struct grower *g, uint32_t batch)
{
    uint32_t best = g->nodes;
    double gain = 0;

    for (uint32_t i = 0; i < g->nodes; i++) {
        bool is_taken = false;

        if (!is_waiting(g, i) || g->leaf[i].best.gain <= gain ||
            rows_of(&g->node[i]) < ALONE_ROWS || sharers(g, &g->node[i]) > 1)
            continue;
        for (uint32_t k = 0; k < batch; k++)
            is_taken |= g->batch[k]->of == i;
        if (is_taken)
            continue;
        gain = g->leaf[i].best.gain;
        best = i;
    }
    return best;
}

/* Prepares the leaf and, where it does not need all threads, others that are likely to be next. */
static void prepare_from(struct grower *g, uint32_t at)
{
    uint64_t *lent[PIECES_MAX];
    uint32_t leaves = (g->nodes + 1) / 2, left = g->options->leaves - leaves, count = 1;
    uint32_t most = workers_count(g->work.workers);

    most = most < left ? most : left;
    most = most < PIECES_MAX ? most : PIECES_MAX;
    if (sharers(g, &g->node[at]) > 1 || rows_of(&g->node[at]) < ALONE_ROWS)
        most = 1;
    ask_for(g, at, left > 1, 0);
    while (count < most && (at = next_best(g, count)) < g->nodes)
        ask_for(g, at, true, count++);
    for (uint32_t k = 0; k < count; k++)
        lent[k] = g->batch[k]->leaf[0].cell;
    if (count > 1)
        workers_run(g->work.workers, count, prepare, g);
    else
        prepare(g, 0);
    for (uint32_t k = 0; k < count; k++)
        settle(g, g->batch[k], lent[k]);
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

/* The leaf becomes a node with its prepared children. */
static void take_children(struct grower *g, uint32_t at)
{
    const struct children *c = g->leaf[at].ready;

    g->node[at].left = g->nodes;
    for (unsigned k = 0; k < 2; k++) {
        g->leaf[g->nodes] = c->leaf[k];
        g->node[g->nodes++] = c->node[k];
    }
    g->leaf[at] = (struct leaf){0};
}

static void open_root(struct grower *g, uint32_t rows)
{
    uint64_t *cell = take_cells(g);
    struct grown_node *root = &g->node[0];
    uint32_t input = g->work.column[0];
    struct search s = {.grower = g, .node[0] = root, .cell[0] = cell, .whole = 2};

    g->nodes = 1;
    *root = (struct grown_node){.end = rows, .least = -INFINITY, .most = INFINITY};
    s.pieces = sharers(g, root);
    build_cells(g, root, s.pieces, cell);
    for (uint32_t k = 0; k <= g->work.bins->count[input]; k++)
        root->total += cell[bins_cell(input) + k];
    search_splits(&s);
    g->leaf[0] = (struct leaf){.cell = cell, .best = best_found(&s, 0)};
}

static void close_leaf(struct grower *g, struct leaf *leaf)
{
    drop_cells(g, leaf);
    if (leaf->ready == NULL)
        return;
    drop_cells(g, &leaf->ready->leaf[0]);
    drop_cells(g, &leaf->ready->leaf[1]);
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
    while ((g->nodes + 1) / 2 < g->options->leaves && (at = best_leaf(g)) < g->nodes) {
        if (g->leaf[at].ready == NULL)
            prepare_from(g, at);
        else
            take_children(g, at);
    }
    for (uint32_t i = 0; i < g->nodes; i++)
        close_leaf(g, &g->leaf[i]);
    return g->nodes;
}

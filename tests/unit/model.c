#include "tests/unit/three_models.h"

#include <float.h>
#include <zlib.h>

#include "core/base/random.h"
#include "core/model/blocks.h"
#include "core/model/kernel.h"
#include "core/model/kind.h"
#include "core/model/parts.h"

/* ---- scoring ---- */

/* The trees as parts.h describes them, one comparison of doubles at a time. */
static double reference_margin(const struct model *m, const double *x)
{
    const struct model_forest *f = &m->forest;
    int64_t sum = f->base;

    for (uint32_t t = 0; t < f->trees; t++) {
        const struct tree_node *node = f->node + f->first[t];
        uint32_t at = 0;

        while (node[at].left != 0) {
            double v = x[node[at].input];
            bool left = isnan(v) ? node[at].missing_left : v <= node[at].threshold;

            at = node[at].left + (left ? 0 : 1);
        }
        sum += node[at].value;
    }
    return (double)sum / 4294967296.0;
}

static void every_level_gives_the_same_bits(void **state)
{
    double *x = mem_array(ROWS * TABLE_INPUTS, sizeof *x), *want = mem_array(ROWS, sizeof *want);
    double *got = mem_array(ROWS, sizeof *got);

    model_encode(boost, table.input, NULL, 0, ROWS, x);
    for (uint32_t i = 0; i < ROWS; i++)
        want[i] = reference_margin(boost, x + i * TABLE_INPUTS);
    for (int level = SIMD_SCALAR; level <= (int)simd_best(); level++) {
        struct model_scratch *s = model_scratch_new(boost, (enum simd)level);

        model_score(boost, s, table.input, 0, ROWS, got, NULL);
        assert_memory_equal(got, want, ROWS * sizeof *got);
        for (uint32_t i = 0; i < ROWS; i++)
            model_score(boost, s, table.input, i, 1, &got[i], NULL);
        assert_memory_equal(got, want, ROWS * sizeof *got);
        model_scratch_free(s);
    }
    mem_free(x);
    mem_free(want);
    mem_free(got);
}

/* Rows that lie on a threshold, one step beside it, far out and missing. */
static void borders_are_exact(void **state)
{
    const struct model_forest *f = &boost->forest;
    struct model_scratch *s[3];
    int levels = (int)simd_best() + 1;

    for (int l = 0; l < levels; l++)
        s[l] = model_scratch_new(boost, (enum simd)l);
    for (uint32_t i = 0; i < f->first[f->trees]; i++) {
        double t = f->node[i].threshold;
        double probe[] = {t,      nextafter(t, -INFINITY), nextafter(t, INFINITY), NAN, -DBL_MAX,
                          DBL_MAX};

        for (unsigned k = 0; k < 6; k++) {
            double x[TABLE_INPUTS] = {50, 3, 0.5, 1, 0.1, 2.5, NAN, 3600}, got;

            x[f->node[i].input] = probe[k];
            for (int l = 0; l < levels; l++) {
                model_score_encoded(boost, s[l], x, 1, &got);
                assert_true(got == reference_margin(boost, x));
            }
        }
    }
    for (int l = 0; l < levels; l++)
        model_scratch_free(s[l]);
}

/* A random tree: breadth first, inputs and directions of missing at will, covers that add up. */
static uint32_t random_tree(struct random *r, struct tree_node *node, uint32_t inputs,
                            uint32_t depth)
{
    uint32_t nodes = 1;
    uint8_t level[MODEL_TREE_NODES_MAX] = {0};

    node[0] = (struct tree_node){.cover = 1u << 20};
    for (uint32_t i = 0; i < nodes; i++) {
        struct tree_node *n = &node[i];

        if (level[i] == depth || n->cover < 2 || nodes + 2 > MODEL_TREE_NODES_MAX ||
            random_below(r, 8) == 0) {
            n->value = (int64_t)random_below(r, LEAF_ONE) - LEAF_ONE / 2;
            continue;
        }
        n->threshold = random_normal(r);
        n->input = (uint16_t)random_below(r, inputs);
        n->missing_left = random_below(r, 2) == 0;
        n->left = (uint16_t)nodes;
        node[nodes] = (struct tree_node){.cover = 1 + (uint32_t)random_below(r, n->cover - 1)};
        node[nodes + 1] = (struct tree_node){.cover = n->cover - node[nodes].cover};
        level[nodes] = level[nodes + 1] = (uint8_t)(level[i] + 1);
        nodes += 2;
    }
    return nodes;
}

static struct model *random_forest(enum model_kind kind, uint32_t inputs, uint32_t trees,
                                   uint32_t depth)
{
    struct model *m = model_new(kind, inputs);
    struct random r;
    struct error e;

    random_init(&r, inputs * 100 + depth);
    m->forest.samples = kind == MODEL_ISOLATION ? 256 : 0;
    for (uint32_t j = 0; j < inputs; j++)
        model_set_input(m, j, text_of("x"), false, j);
    model_forest_reserve(m, trees, trees * MODEL_TREE_NODES_MAX);
    for (uint32_t t = 0; t < trees; t++)
        m->forest.first[t + 1] =
            m->forest.first[t] +
            random_tree(&r, m->forest.node + m->forest.first[t], inputs, depth);
    assert_true(model_finish(m, &e));
    return m;
}

/* A forest of stumps on one input, at 0, 1, 2 .., and of one tree of the depth. */
static struct model *forest_of_stumps(uint32_t stumps, uint32_t depth)
{
    struct model *m = model_new(MODEL_BOOST, 2);
    struct random r;
    struct error e;
    uint32_t at = 0;

    random_init(&r, stumps);
    for (uint32_t j = 0; j < 2; j++)
        model_set_input(m, j, text_of("x"), false, j);
    model_forest_reserve(m, stumps + 1, 3 * stumps + 2 * depth + 1);
    for (uint32_t t = 0; t <= stumps; t++) {
        bool stump = t < stumps;
        uint32_t nodes = stump ? 3 : 2 * depth + 1;

        for (uint32_t i = 0; i < nodes; i++) {
            struct tree_node *n = &m->forest.node[at + i];

            *n = (struct tree_node){.cover = stump ? 2 - (i > 0) : depth + 1 - (i + 1) / 2};
            if (i % 2 == 0 && i + 1 < nodes) /* every right child has two */
                *n = (struct tree_node){.cover = n->cover,
                                        .threshold = stump ? t : i,
                                        .input = !stump,
                                        .missing_left = t % 3 == 0,
                                        .left = (uint16_t)(i + 1)};
            else
                n->value = (int64_t)random_below(&r, 2 * LEAF_VALUE_MAX + 1) - LEAF_VALUE_MAX;
            if (!stump && i % 2 == 1)
                n->cover = 1;
        }
        at += nodes;
        m->forest.first[t + 1] = at;
    }
    assert_true(model_finish(m, &e));
    return m;
}

/* Every kernel that fits, at every number of rows, against the trees themselves. */
static void check_kernels(const struct model *m)
{
    const struct forest_ranks *ranked = m->ranks;
    uint32_t stride = forest_ranks_stride(ranked);
    uint16_t *ranks = mem_array((size_t)MODEL_BLOCK * stride + 1, sizeof *ranks);
    double *x = mem_array((size_t)MODEL_BLOCK * m->inputs, sizeof *x);
    struct random r;

    random_init(&r, m->inputs);
    for (uint32_t i = 0; i < MODEL_BLOCK; i++) {
        for (uint32_t j = 0; j < m->inputs; j++)
            x[i * m->inputs + j] =
                random_below(&r, 6) == 0 ? NAN : rint(random_normal(&r) * 1000) / 8;
        forest_ranks_of(ranked, x + i * m->inputs, ranks + (size_t)i * stride, simd_best());
    }
    for (unsigned k = 0; k < forest_kernel_count; k++) {
        const struct forest_kernel *kernel = &forest_kernels[k];

        if (!forest_kernel_fits(kernel, ranked, simd_best()))
            continue;
        for (uint32_t rows = 1; rows <= MODEL_BLOCK; rows++) {
            int64_t sum[MODEL_BLOCK];

            for (uint32_t i = 0; i < rows; i++)
                sum[i] = m->forest.base;
            kernel->sum(ranked, ranks, rows, sum);
            for (uint32_t i = 0; i < rows; i++)
                assert_true((double)sum[i] / (double)LEAF_ONE ==
                            reference_margin(m, x + i * m->inputs));
        }
    }
    mem_free(ranks);
    mem_free(x);
}

/* One threshold or one level more, and the lines take over; leaves as large as they may be. */
static void blocks_end_where_they_must(void **state)
{
    static const struct {
        uint32_t stumps, depth;
        bool blocks;
    } shape[] = {{BLOCK_THRESHOLDS_MAX, BLOCK_DEPTH_MAX, true},
                 {BLOCK_THRESHOLDS_MAX + 1, BLOCK_DEPTH_MAX, false},
                 {BLOCK_THRESHOLDS_MAX, BLOCK_DEPTH_MAX + 1, false},
                 {63, 1, true},
                 {64, 1, true}};

    for (unsigned k = 0; k < sizeof shape / sizeof *shape; k++) {
        struct model *m = forest_of_stumps(shape[k].stumps, shape[k].depth);

        assert_int_equal(m->ranks->blocks != NULL, shape[k].blocks);
        check_kernels(m);
        model_free(m);
    }
}

/* Rows that fill one, two, three, four registers, and more than there are; trees of no split up to
 * many lines; groups that are not full. */
static void every_shape_scores_and_explains_alike(void **state)
{
    static const struct {
        uint32_t inputs, trees, depth;
    } shape[] = {{1, 1, 0},   {1, 1, 1},    {3, 17, 3},  {5, 70, 5},  {7, 128, 2},  {15, 40, 6},
                 {30, 16, 7}, {31, 130, 6}, {45, 90, 4}, {64, 33, 9}, {200, 50, 12}};
    enum { MANY = 100 };

    for (unsigned k = 0; k < sizeof shape / sizeof *shape; k++) {
        uint32_t inputs = shape[k].inputs;
        struct model *m = random_forest(MODEL_BOOST, inputs, shape[k].trees, shape[k].depth);
        double *x = mem_array((size_t)MANY * inputs, sizeof *x), margin[MANY];
        double *phi = mem_array(inputs, sizeof *phi), *scalar = mem_array(inputs, sizeof *scalar);
        struct random r;

        check_kernels(m);
        random_init(&r, k);
        for (uint32_t i = 0; i < MANY * inputs; i++)
            x[i] = random_below(&r, 5) == 0 ? NAN : random_normal(&r);
        for (int level = SIMD_SCALAR; level <= (int)simd_best(); level++) {
            struct model_scratch *s = model_scratch_new(m, (enum simd)level);

            model_score_encoded(m, s, x, MANY, margin);
            for (uint32_t i = 0; i < MANY; i++)
                assert_true(margin[i] == reference_margin(m, x + (size_t)i * inputs));
            for (uint32_t i = 0; i < MANY; i++) {
                double sum;

                memset(phi, 0, inputs * sizeof *phi);
                sum = model_explain_encoded(m, s, x + (size_t)i * inputs, phi);
                for (uint32_t j = 0; j < inputs; j++)
                    sum += phi[j];
                assert_true(fabs(sum - margin[i]) < 1e-9);
            }
            if (level == SIMD_SCALAR)
                memcpy(scalar, phi, inputs * sizeof *phi);
            assert_memory_equal(scalar, phi, inputs * sizeof *phi);
            model_scratch_free(s);
        }
        mem_free(x);
        mem_free(phi);
        mem_free(scalar);
        model_free(m);
    }
}

static void a_row_scores_alike_in_any_batch(void **state)
{
    const struct model *models[] = {boost, logistic, net};
    double whole[ROWS], part[ROWS], p[ROWS];

    for (unsigned k = 0; k < 3; k++) {
        struct model_scratch *s = model_scratch_new(models[k], simd_best());

        model_score(models[k], s, table.input, 0, ROWS, whole, p);
        model_score(models[k], s, table.input, 100, 777, part, NULL);
        assert_memory_equal(part, whole + 100, 777 * sizeof *part);
        model_score(models[k], s, table.input, 0, 0, NULL, NULL);
        for (uint32_t i = 0; i < ROWS; i++)
            assert_true(p[i] > 0 && p[i] < 1 && fabs(em_logit(p[i]) - whole[i]) < 1e-6);
        model_scratch_free(s);
    }
}

static void calibration_changes_the_probability_only(void **state)
{
    struct model_scratch *s = model_scratch_new(logistic, SIMD_SCALAR);
    double before, after, p;

    model_score(logistic, s, table.input, 5, 1, &before, NULL);
    model_calibrate(logistic, &(struct calibration){CALIBRATION_PLATT, .slope = 2, .offset = -1});
    model_score(logistic, s, table.input, 5, 1, &after, &p);
    model_calibrate(logistic, &(struct calibration){CALIBRATION_NONE});
    assert_true(before == after);
    assert_true(p == em_sigmoid(2 * before - 1));
    model_scratch_free(s);
}

static void unseen_text_is_the_pool(void **state)
{
    const struct category_map *c = &boost->category[SHOP];

    assert_true(c->count >= 12); /* shop-0 .. shop-11; the rare ones are pooled */
    assert_true(category_map_find(c, text_of("shop-3")) > category_map_find(c, text_of("shop-4")));
    assert_true(category_map_find(c, text_of("never seen")) == c->other);
    assert_true(category_map_find(c, text_of("")) == c->other);
    assert_true(category_map_find(&logistic->category[SHOP], text_of("zzz")) ==
                logistic->category[SHOP].other);
}

/* ---- explanations ---- */

/* The value of the game "these inputs are known": the row's way where known, both ways by cover
 * where not (Lundberg et al. 2020, algorithm 1). */
static double known_value(const struct tree_node *node, uint32_t at, const double *x,
                          uint32_t known)
{
    const struct tree_node *n = &node[at];
    double left, right;

    if (n->left == 0)
        return (double)n->value / 4294967296.0;
    if (known >> n->input & 1)
        return known_value(node, tree_next(n, x[n->input]), x, known);
    left = known_value(node, n->left, x, known);
    right = known_value(node, n->left + 1u, x, known);
    return (left * node[n->left].cover + right * node[n->left + 1].cover) / n->cover;
}

static double forest_value(const struct model *m, const double *x, uint32_t known)
{
    const struct model_forest *f = &m->forest;
    double sum = (double)f->base / 4294967296.0;

    for (uint32_t t = 0; t < f->trees; t++)
        sum += known_value(f->node + f->first[t], 0, x, known);
    return sum;
}

/* The definition, over all subsets. */
static void brute_shapley(const struct model *m, const double *x, double *phi)
{
    double value[1 << TABLE_INPUTS], factorial[TABLE_INPUTS + 1] = {1};
    unsigned n = TABLE_INPUTS;

    for (unsigned i = 1; i <= n; i++)
        factorial[i] = factorial[i - 1] * i;
    for (uint32_t set = 0; set < 1u << n; set++)
        value[set] = forest_value(m, x, set);
    for (unsigned j = 0; j < n; j++) {
        phi[j] = 0;
        for (uint32_t set = 0; set < 1u << n; set++) {
            unsigned size = (unsigned)__builtin_popcount(set);

            if (!(set >> j & 1))
                phi[j] += factorial[size] * factorial[n - size - 1] / factorial[n] *
                          (value[set | 1u << j] - value[set]);
        }
    }
}

static void explanations_are_the_shapley_values(void **state)
{
    struct model_scratch *s = model_scratch_new(boost, SIMD_SCALAR);

    for (uint32_t row = 0; row < 40; row++) {
        double x[TABLE_INPUTS], want[TABLE_INPUTS], got[TABLE_INPUTS], base;

        model_encode(boost, table.input, NULL, row, 1, x);
        brute_shapley(boost, x, want);
        model_explain(boost, s, table.input, row, got, &base);
        assert_true(fabs(base - forest_value(boost, x, 0)) < 1e-10);
        for (unsigned j = 0; j < TABLE_INPUTS; j++)
            assert_true(fabs(got[j] - want[j]) < 1e-10);
        assert_true(got[CONSTANT] == 0 && got[EMPTY] == 0);
    }
    model_scratch_free(s);
}

static void explanations_add_up(void **state)
{
    const struct model *models[] = {boost, logistic, net};

    for (unsigned k = 0; k < 3; k++) {
        struct model_scratch *s = model_scratch_new(models[k], simd_best());

        for (uint32_t row = 0; row < 500; row++) {
            double got[TABLE_INPUTS], base, sum, margin;

            model_explain(models[k], s, table.input, row, got, &base);
            sum = base;
            for (unsigned j = 0; j < TABLE_INPUTS; j++)
                sum += got[j];
            model_score(models[k], s, table.input, row, 1, &margin, NULL);
            assert_true(fabs(sum - margin) < 1e-9);
        }
        model_scratch_free(s);
    }
}

/* A large forest explains rows by some of its trees at a time. */
static void rows_are_explained_as_one_by_one(void **state)
{
    static const enum model_kind kinds[] = {MODEL_BOOST, MODEL_FOREST, MODEL_ISOLATION};
    enum { INPUTS = 8, SOME = 3, TREES = 100, NODES_OF_A_RULE = 1 << 18 };
    const uint32_t row[SOME] = {2, 0, 1};
    const struct column *in[INPUTS];
    struct column c[INPUTS];

    for (uint32_t j = 0; j < INPUTS; j++) {
        column_init(&c[j], TYPE_REAL, SOME);
        in[j] = &c[j];
        for (uint32_t i = 0; i < SOME; i++)
            c[j].real[i] = (double)(i + 1) * j / INPUTS - 1;
    }
    for (unsigned k = 0; k < 3; k++) {
        struct model *m = random_forest(kinds[k], INPUTS, TREES, 24);
        struct model_scratch *s = model_scratch_new(m, simd_best());
        double all[SOME * INPUTS], bases[SOME], one[INPUTS], base, most = 0;

        assert_true(m->forest.first[TREES] > 2 * NODES_OF_A_RULE);
        model_explain_rows(m, simd_best(), in, row, SOME, all, bases);
        for (uint32_t i = 0; i < SOME; i++) {
            model_explain(m, s, in, row[i], one, &base);
            assert_true(fabs(base - bases[i]) < 1e-9);
            for (uint32_t j = 0; j < INPUTS; j++) {
                assert_true(fabs(one[j] - all[i * INPUTS + j]) < 1e-9);
                most = fabs(one[j]) > most ? fabs(one[j]) : most;
            }
        }
        assert_true(most > 1e-6);
        model_scratch_free(s);
        model_free(m);
    }
    for (uint32_t j = 0; j < INPUTS; j++)
        column_fini(&c[j]);
}

/* A chain as deep as is allowed, on two inputs in turn: the highest order of quadrature and many
 * repeats of an input on one path. */
static uint32_t chain_cover(uint32_t depth)
{
    return depth < 32 ? 1u << (31 - depth) : 1;
}

static struct model *deep_chain(void)
{
    struct model *m = model_new(MODEL_BOOST, 2);
    struct tree_node *node;
    struct error e;

    model_set_input(m, 0, text_of("a"), false, 1);
    model_set_input(m, 1, text_of("b"), false, 2);
    model_forest_reserve(m, 1, 2 * MODEL_DEPTH_MAX + 1);
    node = m->forest.node;
    m->forest.first[1] = 2 * MODEL_DEPTH_MAX + 1;
    for (uint32_t d = 0; d <= MODEL_DEPTH_MAX; d++) {
        uint32_t inner = d == 0 ? 0 : 2 * d; /* each level: a leaf, then the next split */

        node[inner] = (struct tree_node){.threshold = d,
                                         .cover = chain_cover(d),
                                         .left = (uint16_t)(d < MODEL_DEPTH_MAX ? 2 * d + 1 : 0),
                                         .input = (uint16_t)(d % 2),
                                         .missing_left = d % 3 == 0};
        if (d > 0)
            node[2 * d - 1] = (struct tree_node){.value = d * LEAF_ONE, .cover = chain_cover(d)};
    }
    node[2 * MODEL_DEPTH_MAX].value = 0; /* the last one is a leaf */
    node[2 * MODEL_DEPTH_MAX].cover = node[2 * MODEL_DEPTH_MAX - 1].cover = 1;
    for (uint32_t d = MODEL_DEPTH_MAX; d-- > 0;) {
        uint32_t inner = d == 0 ? 0 : 2 * d;

        node[inner].cover = node[2 * d + 1].cover + node[2 * d + 2].cover;
    }
    assert_true(model_finish(m, &e));
    return m;
}

static void the_deepest_tree_is_exact(void **state)
{
    struct model *m = deep_chain(), *again;
    struct buffer b;
    struct error e;

    for (int i = -1; i < MODEL_DEPTH_MAX + 1; i++) {
        double x[2] = {i, i + 1.5}, margin;
        struct model_scratch *s = model_scratch_new(m, simd_best());
        struct column c[2];
        const struct column *in[2] = {&c[0], &c[1]};
        double phi[2], base, a, ab, bv;

        for (unsigned j = 0; j < 2; j++) {
            column_init(&c[j], TYPE_REAL, 1);
            c[j].real[0] = x[j];
        }
        model_explain(m, s, in, 0, phi, &base);
        model_score(m, s, in, 0, 1, &margin, NULL);
        a = forest_value(m, x, 1), bv = forest_value(m, x, 2), ab = forest_value(m, x, 3);
        assert_true(margin == reference_margin(m, x));
        assert_true(fabs(phi[0] - (a - base + ab - bv) / 2) < 1e-9);
        assert_true(fabs(phi[1] - (bv - base + ab - a) / 2) < 1e-9);
        for (unsigned j = 0; j < 2; j++)
            column_fini(&c[j]);
        model_scratch_free(s);
    }
    table_bytes(m, &b);
    assert_true(model_parse(b.bytes, b.length, &again, &e));
    assert_same_model(m, again);
    model_free(again);
    model_free(m);
    buffer_fini(&b);
}

/* ---- limits ---- */

static void too_many_thresholds_are_refused(void **state)
{
    enum { TREES = 40, INNER = 2000, NODES = 2 * INNER + 1 };
    struct model *m = model_new(MODEL_BOOST, 1);
    struct error e;

    model_set_input(m, 0, text_of("x"), false, 1);
    model_forest_reserve(m, TREES, TREES * NODES);
    for (uint32_t t = 0; t < TREES; t++) {
        struct tree_node *node = m->forest.node + t * NODES;

        m->forest.first[t + 1] = (t + 1) * NODES;
        for (uint32_t i = 0; i < NODES; i++)
            node[i] = (struct tree_node){.cover = 1,
                                         .threshold = t * INNER + i,
                                         .left = (uint16_t)(i < INNER ? 2 * i + 1 : 0)};
    }
    assert_false(model_finish(m, &e));
    assert_non_null(strstr(e.text, "thresholds"));
    model_free(m);
}

/* ---- members ---- */

/* A model of its own, by way of its file. */
static struct model *table_reread(const struct model *m)
{
    struct model *again = NULL;
    struct buffer b;
    struct error e;

    table_bytes(m, &b);
    assert_true(model_parse(b.bytes, b.length, &again, &e));
    buffer_fini(&b);
    return again;
}

/* vote: weights 1.2 and 0.8; stack: weights with a bias. */
static struct model *of_both(enum model_kind kind)
{
    struct calibration platt = {CALIBRATION_PLATT, .slope = 0.9, .offset = 0.1};
    struct model *m = model_new(kind, TABLE_INPUTS);
    struct model *first = table_reread(boost), *second = table_reread(logistic);
    struct error e;

    for (uint32_t j = 0; j < TABLE_INPUTS; j++) {
        const struct model_input *input = model_input(boost, j);

        model_set_input(m, j, text_of(input->name), input->is_category, input->fingerprint);
    }
    model_calibrate(first, &platt);
    model_add_member(m, first, 1.2);
    model_add_member(m, second, 0.8);
    m->members.bias = kind == MODEL_STACK ? -0.25 : 0;
    assert_true(model_finish(m, &e));
    return m;
}

static void members_count_by_their_weights(void **state)
{
    struct model *vote = of_both(MODEL_VOTE), *stack = of_both(MODEL_STACK);
    struct model_scratch *s[] = {model_scratch_new(vote, simd_best()),
                                 model_scratch_new(stack, SIMD_SCALAR)};
    double p[2][ROWS], voted[ROWS], stacked[ROWS];

    for (uint32_t k = 0; k < 2; k++) {
        const struct model *member = model_member(vote, k);
        struct model_scratch *own = model_scratch_new(member, SIMD_SCALAR);

        model_score(member, own, table.input, 0, ROWS, NULL, p[k]);
        model_scratch_free(own);
    }
    model_score(vote, s[0], table.input, 0, ROWS, voted, NULL);
    model_score(stack, s[1], table.input, 0, ROWS, NULL, stacked);
    for (uint32_t i = 0; i < ROWS; i++) {
        double z = 1.2 * em_logit(p[0][i]) + 0.8 * em_logit(p[1][i]) - 0.25;

        assert_true(fabs(voted[i] - (1.2 * p[0][i] + 0.8 * p[1][i]) / 2) < 1e-12);
        assert_true(fabs(stacked[i] - em_sigmoid(z)) < 1e-9);
    }
    for (unsigned k = 0; k < 2; k++)
        model_scratch_free(s[k]);
    model_free(vote);
    model_free(stack);
}

static void members_explain_together(void **state)
{
    for (enum model_kind kind = MODEL_VOTE; kind <= MODEL_STACK; kind++) {
        struct model *m = of_both(kind);
        struct model_scratch *s = model_scratch_new(m, simd_best());

        for (uint32_t i = 0; i < 50; i++) {
            double contribution[TABLE_INPUTS], sum, margin;

            model_explain(m, s, table.input, i, contribution, &sum);
            model_score(m, s, table.input, i, 1, &margin, NULL);
            for (uint32_t j = 0; j < TABLE_INPUTS; j++)
                sum += contribution[j];
            assert_true(fabs(sum - margin) < 1e-9);
        }
        model_scratch_free(s);
        model_free(m);
    }
}

static void members_read_back(void **state)
{
    struct model *m = of_both(MODEL_STACK), *again, *refused = NULL;
    struct buffer b, c;
    struct error e;

    table_bytes(m, &b);
    assert_true(model_parse(b.bytes, b.length, &again, &e));
    table_bytes(again, &c);
    assert_int_equal(b.length, c.length);
    assert_memory_equal(b.bytes, c.bytes, b.length);
    for (size_t cut = 0; cut < b.length; cut += 97)
        assert_false(model_parse(b.bytes, cut, &refused, &e));
    model_free(m);
    model_free(again);
    buffer_fini(&b);
    buffer_fini(&c);
}

/* 1000 rows: 900 have 0, the others 1 to 100; a category of three values. */
static void a_value_stands_among_the_rows(void **state)
{
    enum { PEOPLE = 1000 };
    struct column number, word;
    const struct column *input[] = {&number, &word};
    const char *const name[] = {"number", "word"};
    static const char *const words[] = {"a", "b", "b", "c", "c", "c", "c", "c", "c", "c"};
    struct dataset d = {.rows = PEOPLE, .inputs = 2, .input = input, .name = name};
    struct population *p;
    struct standing s;
    bool is_known;

    column_init(&number, TYPE_REAL, PEOPLE);
    column_init(&word, TYPE_TEXT, PEOPLE);
    for (uint32_t i = 0; i < PEOPLE; i++) {
        number.real[i] = i % 10 == 0 ? i / 10 + 1 : 0;
        word.text[i] = text_of(words[i % 10]);
        if (i % 4 == 3)
            column_set_null(&number, i);
    }
    p = population_of(&d);
    assert_int_equal(p->rows, PEOPLE);
    assert_true(p->input[0].missing == 0.25);
    assert_true(population_median(p, 0) == 0);
    assert_true(population_standing(p, 0, 0, &s) && s.below == 0 && fabs(s.above - 0.13) < 0.02);
    assert_true(population_standing(p, 0, 50, &s) && fabs(s.above - 0.067) < 0.02);
    assert_true(fabs(s.below + s.above - 1) < 1e-9);
    assert_true(population_standing(p, 0, 1000, &s) && s.below == 1 && s.rank == 1);
    assert_true(population_standing(p, 0, -1, &s) && s.above == 1 && s.rank == 0);
    assert_false(population_standing(p, 0, NAN, &s));
    assert_false(population_standing(p, 1, 1, &s));
    assert_true(population_share(p, 1, text_of("b"), &is_known) == 0.2 && is_known);
    assert_true(population_share(p, 1, text_of("zz"), &is_known) == 0.1 && !is_known);
    population_free(p);
    column_fini(&number);
    column_fini(&word);
}

static void an_isotonic_calibration_reads_back(void **state)
{
    static const double margin[] = {-3, -1, 2}, probability[] = {0.01, 0.2, 0.9};
    struct calibration c = {CALIBRATION_ISOTONIC, .points = 3, .margin = margin,
                            .probability = probability};
    struct model *m = table_reread(logistic), *again;

    model_calibrate(m, &c);
    again = table_reread(m);
    assert_int_equal(model_calibration(again)->points, 3);
    assert_true(model_probability(again, -9) == 0.01 && model_probability(again, 9) == 0.9);
    assert_true(model_probability(again, -1) == 0.2);
    assert_true(fabs(model_probability(again, 0.5) - 0.55) < 1e-15);
    model_free(m);
    model_free(again);
}

/* Values as large as there are, and weights that multiply them. */
static void a_linear_margin_is_finite(void **state)
{
    struct model *m = table_reread(logistic);
    struct model_scratch *s = model_scratch_new(m, SIMD_SCALAR);
    double kept = table.column[RATIO].real[3], extreme[] = {DBL_MAX, -DBL_MAX, 1e200};
    uint8_t was_null = table.column[RATIO].null[3];

    table.column[RATIO].null[3] = 0;
    for (unsigned k = 0; k < 9; k++) {
        double margin, p, contribution[TABLE_INPUTS], base;

        m->linear.weight[RATIO] = k / 3 == 0 ? 1e200 : k / 3 == 1 ? 0 : -3;
        m->linear.mean[RATIO] = -DBL_MAX;
        table.column[RATIO].real[3] = extreme[k % 3];
        model_score(m, s, table.input, 3, 1, &margin, &p);
        model_explain(m, s, table.input, 3, contribution, &base);
        assert_true(isfinite(margin) && p >= 0 && p <= 1 && isfinite(contribution[RATIO]));
    }
    table.column[RATIO].real[3] = kept;
    table.column[RATIO].null[3] = was_null;
    model_scratch_free(s);
    model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_level_gives_the_same_bits),
        cmocka_unit_test(borders_are_exact),
        cmocka_unit_test(every_shape_scores_and_explains_alike),
        cmocka_unit_test(blocks_end_where_they_must),
        cmocka_unit_test(a_row_scores_alike_in_any_batch),
        cmocka_unit_test(calibration_changes_the_probability_only),
        cmocka_unit_test(unseen_text_is_the_pool),
        cmocka_unit_test(explanations_are_the_shapley_values),
        cmocka_unit_test(explanations_add_up),
        cmocka_unit_test(the_deepest_tree_is_exact),
        cmocka_unit_test(too_many_thresholds_are_refused),
        cmocka_unit_test(a_value_stands_among_the_rows),
        cmocka_unit_test(members_count_by_their_weights),
        cmocka_unit_test(members_explain_together),
        cmocka_unit_test(members_read_back),
        cmocka_unit_test(an_isotonic_calibration_reads_back),
        cmocka_unit_test(a_linear_margin_is_finite),
        cmocka_unit_test(rows_are_explained_as_one_by_one),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_models, free_models);
}

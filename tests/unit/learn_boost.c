#include "tests/unit/learning.h"

#include <stdlib.h>

#include "core/learn/recipe.h"
#include "core/model/parts.h"
#include "core/stats/metrics.h"

static struct boost_options small_options(void)
{
    struct boost_options o;

    boost_defaults(&o);
    o.trees = 40;
    o.learning_rate = 0.1;
    return o;
}

static double precision_on(const struct model *m, const struct table *t)
{
    struct model_scratch *s = model_scratch_new(m, simd_best());
    double *margin = mem_array(t->rows, sizeof *margin), precision;

    model_score(m, s, t->input, 0, t->rows, margin, NULL);
    precision = metric_average_precision(margin, t->label, t->rows);
    mem_free(margin);
    model_scratch_free(s);
    return precision;
}

static void it_learns_what_there_is(void **state)
{
    struct boost_options o = small_options();
    struct table train, test;
    struct model *m;

    table_init(&train, 20000, 1);
    table_init(&test, 20000, 2);
    m = table_boost(&train.dataset, &o, NULL);
    assert_true(precision_on(m, &test) > 0.45); /* frauds are 9 % */
    model_free(m);
    table_fini(&train);
    table_fini(&test);
}

/* One tree of depth 1 against every split by hand: plain sums of the formulas. */
static void a_stump_is_the_best_of_all_splits(void **state)
{
    struct boost_options o = small_options();
    struct table t;
    struct model *m;
    double prior, best = 0, threshold = 0, left_value = 0, frauds = 0;
    const struct tree_node *node;

    table_init(&t, 300, 3);
    t.dataset.inputs = 2; /* amount, count */
    o.trees = 1;
    o.depth = 1;
    o.min_leaf_weight = 0.5;
    for (uint32_t i = 0; i < t.rows; i++)
        frauds += t.label[i];
    prior = frauds / t.rows;
    for (uint32_t j = 0; j < 2; j++) {
        for (uint32_t k = 0; k < t.rows; k++) {
            double x = column_number(&t.column[j], k), g[2] = {0}, h[2] = {0}, gain;
            uint32_t n[2] = {0};

            for (uint32_t i = 0; i < t.rows; i++) {
                unsigned right = column_number(&t.column[j], i) > x;

                g[right] += prior - t.label[i];
                h[right] += prior * (1 - prior);
                n[right]++;
            }
            gain = g[0] * g[0] / (h[0] + o.l2) + g[1] * g[1] / (h[1] + o.l2);
            if (h[0] < o.min_leaf_weight || h[1] < o.min_leaf_weight || gain <= best)
                continue;
            best = gain;
            threshold = x;
            left_value = -g[0] / (h[0] + o.l2) * o.learning_rate;
        }
    }
    o.bins = 255;
    m = table_boost(&t.dataset, &o, NULL);
    node = m->forest.node;
    assert_int_equal(m->forest.first[1], 3);
    assert_true(fabs((double)m->forest.base / 4294967296.0 - em_logit(prior)) < 1e-9);
    assert_true(node[0].threshold >= threshold);
    assert_int_equal(node[0].cover, t.rows);
    for (uint32_t i = 0; i < t.rows; i++) { /* nothing lies between the two thresholds */
        double x = column_number(&t.column[node[0].input], i);

        assert_true((x <= threshold) == (x <= node[0].threshold));
    }
    /* Leaf values come from sums of rounded gradients. */
    assert_true(fabs((double)node[1].value / 4294967296.0 - left_value) < 1e-6);
    model_free(m);
    table_fini(&t);
}

static void threads_and_order_change_nothing(void **state)
{
    struct boost_options o = small_options();
    struct table t;
    struct model *one, *two, *three;

    table_init(&t, 40000, 4); /* large enough that nodes are split among threads */
    o.row_share = 0.8;
    o.column_share = 0.7;
    o.trees = 12;
    o.leaves = 20;
    o.depth = 8;
    one = table_boost(&t.dataset, &o, NULL);
    two = table_boost(&t.dataset, &o, &two_workers);
    three = table_boost(&t.dataset, &o, &three_workers);
    assert_same_model(one, two);
    assert_same_model(one, three);
    model_free(one);
    model_free(two);
    model_free(three);
    table_fini(&t);
}

static void the_seed_matters_where_chance_is_asked_for(void **state)
{
    struct boost_options o = small_options();
    struct learn_run run = {.seed = 43};
    struct model *a, *b = NULL;
    struct buffer x, y;
    struct table t;
    struct error e;

    table_init(&t, 3000, 5);
    o.row_share = 0.5;
    a = table_boost(&t.dataset, &o, NULL);
    assert_true(boost_train(&t.dataset, NULL, &o, &run, &b, &e));
    table_bytes(a, &x);
    table_bytes(b, &y);
    assert_false(x.length == y.length && memcmp(x.bytes, y.bytes, x.length) == 0);
    buffer_fini(&x);
    buffer_fini(&y);
    model_free(a);
    model_free(b);
    table_fini(&t);
}

static uint32_t depth_below(const struct tree_node *node, uint32_t at)
{
    uint32_t left, right;

    if (node[at].left == 0)
        return 0;
    left = depth_below(node, node[at].left);
    right = depth_below(node, node[at].left + 1u);
    return 1 + (left > right ? left : right);
}

/* Limits are kept, covers add up to all rows, whether or not rows are sampled. */
static void trees_keep_their_limits(void **state)
{
    struct table t;

    table_init(&t, 5000, 6);
    for (unsigned sampled = 0; sampled < 2; sampled++) {
        struct boost_options o = small_options();
        const struct model_forest *f;
        struct model *m;

        o.leaves = 9;
        o.depth = 5;
        o.min_leaf_rows = 60;
        o.row_share = sampled ? 0.3 : 1;
        m = table_boost(&t.dataset, &o, NULL);
        f = &m->forest;
        assert_true(f->trees > 0);
        for (uint32_t k = 0; k < f->trees; k++) {
            const struct tree_node *node = f->node + f->first[k];
            uint32_t nodes = f->first[k + 1] - f->first[k];

            assert_int_equal(node[0].cover, t.rows);
            assert_true(nodes <= 2 * o.leaves - 1 && depth_below(node, 0) <= o.depth);
            for (uint32_t i = 0; i < nodes; i++) {
                assert_true(node[i].cover >= o.min_leaf_rows);
                if (node[i].left != 0) {
                    assert_true(node[i].input != CONSTANT && node[i].input != EMPTY);
                    assert_int_equal(node[i].cover,
                                     node[node[i].left].cover + node[node[i].left + 1].cover);
                }
            }
        }
        model_free(m);
    }
    table_fini(&t);
}

/* Missing RATIO makes fraud likelier: the trees must have found its side. */
static void missing_takes_its_learned_side(void **state)
{
    struct boost_options o = small_options();
    struct model_scratch *s;
    struct table t;
    struct model *m;
    double with, without;

    table_init(&t, 20000, 8);
    m = table_boost(&t.dataset, &o, NULL);
    s = model_scratch_new(m, SIMD_SCALAR);
    column_set(&t.column[RATIO], 0, &(struct value){.type = TYPE_REAL, .real = -4});
    model_score(m, s, t.input, 0, 1, &with, NULL);
    column_set_null(&t.column[RATIO], 0);
    model_score(m, s, t.input, 0, 1, &without, NULL);
    assert_true(without > with + 1);
    model_scratch_free(s);
    model_free(m);
    table_fini(&t);
}

/* A value with a row or two each and labels by chance must not be learned. */
static void a_category_of_names_teaches_nothing(void **state)
{
    struct boost_options o = small_options();
    struct table train, test;
    struct random r;
    struct model *m;

    table_init(&train, 6000, 9);
    table_init(&test, 6000, 10);
    random_init(&r, 11);
    for (uint32_t i = 0; i < train.rows; i++) {
        snprintf(train.text[i], 16, "n%u", (unsigned)random_below(&r, 200));
        snprintf(test.text[i], 16, "n%u", (unsigned)random_below(&r, 200));
        column_set(&train.column[SHOP], i,
                   &(struct value){.type = TYPE_TEXT, .text = text_of(train.text[i])});
        column_set(&test.column[SHOP], i,
                   &(struct value){.type = TYPE_TEXT, .text = text_of(test.text[i])});
        train.label[i] = random_below(&r, 20) == 0;
        test.label[i] = random_below(&r, 20) == 0;
    }
    train.input[0] = &train.column[SHOP];
    test.input[0] = &test.column[SHOP];
    train.dataset.inputs = 1;
    o.min_leaf_weight = 10;
    m = table_boost(&train.dataset, &o, NULL);
    /* 30 rows a value: reading a row's own label from its share would give a training precision
     * far above the base rate of 0.05 */
    assert_true(precision_on(m, &train) < 0.15);
    assert_true(precision_on(m, &test) < 0.08);
    model_free(m);
    table_fini(&train);
    table_fini(&test);
}

/* Rows given by a list teach the same as the same rows alone. */
static void a_list_of_rows_is_a_dataset(void **state)
{
    struct boost_options o = small_options();
    uint32_t row[1500];
    struct model *whole, *listed;
    struct table t;
    struct dataset d;

    table_init(&t, 1500, 12);
    for (uint32_t i = 0; i < 1000; i++)
        row[i] = i;
    d = t.dataset;
    d.rows = 1000;
    whole = table_boost(&d, &o, NULL);
    d.row = row;
    listed = table_boost(&d, &o, NULL);
    assert_same_model(whole, listed);
    model_free(whole);
    model_free(listed);
    table_fini(&t);
}

/* Scores of one row while one of its numbers walks upwards. */
static bool only_goes(const struct model *m, const struct table *t, uint32_t row, unsigned input,
                      int direction)
{
    struct model_scratch *s = model_scratch_new(m, simd_best());
    double x[TABLE_INPUTS], margin, before = 0;
    bool good = true;

    model_encode(m, t->input, NULL, row, 1, x);
    for (int k = -60; k <= 1000; k++) {
        x[input] = k / 10.0;
        model_score_encoded(m, s, x, 1, &margin);
        good &= k == -60 || direction * (margin - before) >= 0;
        before = margin;
    }
    model_scratch_free(s);
    return good;
}

static void monotone_inputs_go_one_way(void **state)
{
    struct boost_options o = small_options();
    struct monotone bound[] = {{(char *)"ratio", -1}, {(char *)"count", 1}, {(char *)"age", 0}};
    struct model *m, *two, *loose;
    uint32_t wrong = 0, other_way = 0;
    struct table t;

    table_init(&t, 3000, 23);
    o.leaves = 31;
    o.depth = 8;
    o.trees = 60;
    o.min_leaf_weight = 0;
    o.row_share = 0.7;
    loose = table_boost(&t.dataset, &o, NULL);
    o.monotone = bound;
    o.monotones = 3;
    m = table_boost(&t.dataset, &o, NULL);
    two = table_boost(&t.dataset, &o, &two_workers);
    assert_same_model(m, two);
    for (uint32_t i = 0; i < 200; i++) {
        /* Frauds rise with the ratio: bound to fall, it is left flat or used against the grain. */
        assert_true(only_goes(m, &t, i, RATIO, -1));
        assert_true(only_goes(m, &t, i, COUNT, 1));
        wrong += !only_goes(loose, &t, i, COUNT, 1);
        other_way += !only_goes(m, &t, i, AMOUNT, 1);
    }
    assert_true(wrong > 100 && other_way > 100);
    model_free(m);
    model_free(two);
    model_free(loose);
    table_fini(&t);
}

static void a_bound_that_does_not_bind_changes_nothing(void **state)
{
    struct boost_options o = small_options();
    struct monotone free_one = {(char *)"age", 0};
    struct model *m, *same;
    struct table t;

    table_init(&t, 1000, 24);
    m = table_boost(&t.dataset, &o, NULL);
    o.monotone = &free_one;
    o.monotones = 1;
    same = table_boost(&t.dataset, &o, NULL);
    assert_same_model(m, same);
    model_free(m);
    model_free(same);
    table_fini(&t);
}

static void senseless_bounds_are_refused(void **state)
{
    static const struct {
        struct monotone bound;
        const char *words;
    } cases[] = {{{(char *)"shop", 1}, "category"},
                 {{(char *)"shoe", 1}, "no input \"shoe\""},
                 {{(char *)"age", 2}, "not -1, 0 or 1"}};
    struct learn_run run = {.seed = 1};
    struct table t;

    table_init(&t, 1000, 25);
    for (unsigned k = 0; k < 3; k++) {
        struct boost_options o = small_options();
        struct monotone bound = cases[k].bound;
        struct model *m = NULL;
        struct error e;

        o.monotone = &bound;
        o.monotones = 1;
        assert_false(boost_train(&t.dataset, NULL, &o, &run, &m, &e));
        assert_non_null(strstr(e.text, cases[k].words));
    }
    table_fini(&t);
}

/* `leaves` alone bounds a leaf-wise tree, `depth` alone one that is as wide as it can be. */
static void leaves_and_depth_bound_the_trees(void **state)
{
    static const struct {
        uint32_t leaves, depth;
    } limits[] = {{6, 32}, {1024, 3}, {2, 32}, {1024, 1}};
    struct table t;

    table_init(&t, 4000, 26);
    for (unsigned k = 0; k < 4; k++) {
        struct boost_options o = small_options();
        const struct model_forest *f;
        uint32_t most_leaves = 0, most_depth = 0;
        struct model *m;

        o.trees = 20;
        o.min_leaf_weight = 0;
        o.leaves = limits[k].leaves;
        o.depth = limits[k].depth;
        m = table_boost(&t.dataset, &o, NULL);
        f = &m->forest;
        for (uint32_t tree = 0; tree < f->trees; tree++) {
            const struct tree_node *node = f->node + f->first[tree];
            uint32_t nodes = f->first[tree + 1] - f->first[tree], depth[2048] = {0};

            for (uint32_t i = 0; i < nodes; i++) {
                if (node[i].left != 0)
                    depth[node[i].left] = depth[node[i].left + 1] = depth[i] + 1;
                most_depth = depth[i] > most_depth ? depth[i] : most_depth;
            }
            most_leaves = (nodes + 1) / 2 > most_leaves ? (nodes + 1) / 2 : most_leaves;
        }
        assert_int_equal(most_leaves, k % 2 == 0 ? limits[k].leaves : 1u << limits[k].depth);
        assert_true(k % 2 == 0 ? most_depth <= limits[k].leaves - 1
                               : most_depth == limits[k].depth);
        model_free(m);
    }
    table_fini(&t);
}

static void it_stops_when_the_watched_rows_gain_nothing(void **state)
{
    struct boost_options o = small_options();
    struct learn_run run = {.seed = 1};
    struct table train, watched;
    struct learn_watch watch = {.dataset = &watched.dataset};
    struct model *m = NULL;
    struct error e;

    table_init(&train, 2000, 13);
    table_init(&watched, 4000, 14);
    o.trees = 2000;
    o.learning_rate = 0.3;
    o.patience = 30;
    assert_true(boost_train(&train.dataset, &watch, &o, &run, &m, &e));
    assert_true(model_tree_count(m) > 0 && model_tree_count(m) < 500);
    assert_int_equal(model_tree_count(m), watch.rounds);
    assert_true(watch.precision > 0);
    model_free(m);
    table_fini(&train);
    table_fini(&watched);
}

static bool stop_after(void *context, const char *stage, double done)
{
    return (*(int *)context)-- > 0;
}

static void a_cancelled_run_keeps_its_trees(void **state)
{
    struct boost_options o = small_options();
    int left = 7;
    struct progress progress = {stop_after, &left};
    struct learn_run run = {.seed = 1, .progress = &progress};
    struct model *m = NULL;
    struct table t;
    struct error e;

    table_init(&t, 1000, 15);
    assert_true(boost_train(&t.dataset, NULL, &o, &run, &m, &e));
    assert_int_equal(model_tree_count(m), 7);
    model_free(m);
    left = 0;
    m = NULL;
    assert_false(boost_train(&t.dataset, NULL, &o, &run, &m, &e));
    assert_int_equal(e.kind, ERROR_CANCELLED);
    assert_null(m);
    table_fini(&t);
}

static void refuse(const struct dataset *d, const struct boost_options *o, const char *word)
{
    struct learn_run run = {0};
    struct model *m = NULL;
    struct error e = {0};

    assert_false(boost_train(d, NULL, o, &run, &m, &e));
    assert_int_equal(e.kind, ERROR_INVALID);
    assert_null(m);
    if (strstr(e.text, word) == NULL)
        fail_msg("\"%s\" is not in: %s", word, e.text);
}

static void what_cannot_be_learned_is_refused(void **state)
{
    struct boost_options o = small_options(), bad;
    struct column times;
    const struct column *input[] = {&times};
    struct dataset d;
    struct table t;

    table_init(&t, 100, 16);
    d = t.dataset;
    d.rows = 0;
    refuse(&d, &o, "no row");
    d = t.dataset;
    d.rows = 1;
    refuse(&d, &o, "all 1 rows");
    d = t.dataset;
    d.inputs = 0;
    refuse(&d, &o, "0 inputs");
    column_init(&times, TYPE_TIME, 100);
    d = t.dataset;
    d.inputs = 1;
    d.input = input;
    refuse(&d, &o, "is a time");
    column_fini(&times);
    memset(t.label, 0, t.rows);
    refuse(&t.dataset, &o, "are legitimate");
    memset(t.label, 1, t.rows);
    refuse(&t.dataset, &o, "are frauds");
#define REFUSED(field, value) (bad = o, bad.field = (value), refuse(&t.dataset, &bad, #field))
    REFUSED(trees, 0);
    REFUSED(trees, MODEL_TREES_MAX + 1);
    REFUSED(leaves, 1);
    REFUSED(leaves, 1025);
    REFUSED(depth, 0);
    REFUSED(depth, MODEL_DEPTH_MAX + 1);
    REFUSED(bins, 1);
    REFUSED(bins, 256);
    REFUSED(learning_rate, 0);
    REFUSED(learning_rate, NAN);
    REFUSED(l2, -1);
    REFUSED(l2, NAN);
    REFUSED(min_leaf_weight, INFINITY);
    REFUSED(row_share, 0);
    REFUSED(column_share, 1.5);
    table_fini(&t);
}

/* The least there is: two rows, and inputs that never vary. */
static void almost_nothing_gives_the_prior(void **state)
{
    struct boost_options o = small_options();
    const struct column *input[2];
    struct model_scratch *s;
    struct model *m;
    struct table t;
    struct dataset d;
    double margin[2];

    table_init(&t, 2, 17);
    t.label[0] = 0;
    t.label[1] = 1;
    m = table_boost(&t.dataset, &o, NULL);
    model_free(m);
    d = t.dataset;
    d.inputs = 2;
    d.input = input;
    input[0] = &t.column[CONSTANT];
    input[1] = &t.column[EMPTY];
    m = table_boost(&d, &o, NULL);
    assert_int_equal(model_tree_count(m), 0);
    s = model_scratch_new(m, simd_best());
    model_score(m, s, input, 0, 2, margin, NULL);
    assert_true(margin[0] == 0 && margin[1] == 0);
    model_scratch_free(s);
    model_free(m);
    table_fini(&t);
}

static void weights_bring_the_classes_level(void **state)
{
    struct boost_options o = small_options();
    struct model_scratch *s;
    double mean = 0, *p;
    struct model *m;
    struct table t;

    table_init(&t, 10000, 18);
    o.balance = BALANCE_WEIGHTS;
    m = table_boost(&t.dataset, &o, NULL);
    assert_int_equal(m->forest.base, 0); /* log-odds of one half */
    s = model_scratch_new(m, simd_best());
    p = mem_array(t.rows, sizeof *p);
    model_score(m, s, t.input, 0, t.rows, NULL, p);
    for (uint32_t i = 0; i < t.rows; i++)
        mean += p[i] / t.rows;
    assert_true(mean > 0.2); /* the share of frauds is 0.09 */
    mem_free(p);
    model_scratch_free(s);
    model_free(m);
    table_fini(&t);
}

static void importance_finds_the_inputs_that_matter(void **state)
{
    struct boost_options o = small_options();
    struct learn_run run = {.seed = 5}, two = {.seed = 5, .workers = &two_workers};
    double once[TABLE_INPUTS], again[TABLE_INPUTS];
    struct model *m;
    struct table t;
    struct error e;

    table_init(&t, 8000, 19);
    m = table_boost(&t.dataset, &o, NULL);
    assert_true(permutation_importance(m, &t.dataset, 1, &run, once, &e));
    assert_true(permutation_importance(m, &t.dataset, 1, &two, again, &e));
    assert_memory_equal(once, again, sizeof once);
    assert_true(once[AMOUNT] > 0.05 && once[RATIO] > 0.05 && once[SHOP] > 0.02);
    assert_true(once[CONSTANT] == 0 && once[EMPTY] == 0);
    assert_true(fabs(once[NIGHT]) < 0.02);
    /* Where legitimate rows stand for more of them, frauds are rarer and as much is lost at most.
     */
    assert_true(permutation_importance(m, &t.dataset, 50, &two, again, &e));
    assert_true(again[AMOUNT] > 0 && again[AMOUNT] != once[AMOUNT] && again[CONSTANT] == 0);
    assert_true(permutation_rows(m) >= 1000 && permutation_rows(m) <= 20000);
    assert_true(contribution_rows(m) >= 100 && contribution_rows(m) <= 1000);
    model_free(m);
    table_fini(&t);
}

/* What is kept of learning: the last model, for the recipe that is alike. */
struct one_kept {
    struct recipe recipe;
    struct buffer file;
    struct learned learned;
    int found;
};

static bool find_kept(void *context, const struct recipe *r, const struct dataset *d,
                      struct model **m, struct learned *learned)
{
    struct one_kept *k = context;
    struct error e;

    if (k->file.length == 0 || !recipe_learns_alike(&k->recipe, r))
        return false;
    k->found++;
    *learned = k->learned;
    return model_parse(k->file.bytes, k->file.length, m, &e);
}

static void keep_one(void *context, const struct recipe *r, const struct dataset *d,
                     const struct model *m, const struct learned *learned)
{
    struct one_kept *k = context;

    k->recipe = *r;
    k->learned = *learned;
    buffer_clear(&k->file);
    model_format(m, &k->file);
}

static void what_was_learned_is_not_learned_again(void **state)
{
    struct one_kept k = {0};
    struct learn_memory memory = {find_kept, keep_one, &k};
    struct learn_run run = {.seed = 5, .memory = &memory};
    struct learned first, second;
    struct buffer again;
    struct recipe r;
    struct model *m;
    struct table t;
    struct error e;

    buffer_init(&k.file, 16 << 20);
    buffer_init(&again, 16 << 20);
    recipe_defaults(&r);
    r.boost = small_options();
    table_init(&t, 4000, 19);
    assert_true(learn(&r, &t.dataset, &run, &m, &first, &e));
    model_free(m);
    assert_int_equal(k.found, 0);
    r.conformal = 0.9; /* not learn()'s business */
    assert_true(learn(&r, &t.dataset, &run, &m, &second, &e));
    assert_int_equal(k.found, 1);
    model_format(m, &again);
    assert_int_equal(again.length, k.file.length);
    assert_memory_equal(again.bytes, k.file.bytes, again.length);
    assert_memory_equal(&first, &second, sizeof first);
    model_free(m);
    r.boost.trees++;
    assert_true(learn(&r, &t.dataset, &run, &m, NULL, &e));
    assert_int_equal(k.found, 1);
    model_free(m);
    r.kind = MODEL_VOTE;
    assert_false(recipe_learns_alike(&r, &r));
    buffer_fini(&k.file);
    buffer_fini(&again);
    table_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_learns_what_there_is),
        cmocka_unit_test(a_stump_is_the_best_of_all_splits),
        cmocka_unit_test(threads_and_order_change_nothing),
        cmocka_unit_test(the_seed_matters_where_chance_is_asked_for),
        cmocka_unit_test(trees_keep_their_limits),
        cmocka_unit_test(missing_takes_its_learned_side),
        cmocka_unit_test(a_category_of_names_teaches_nothing),
        cmocka_unit_test(a_list_of_rows_is_a_dataset),
        cmocka_unit_test(monotone_inputs_go_one_way),
        cmocka_unit_test(a_bound_that_does_not_bind_changes_nothing),
        cmocka_unit_test(senseless_bounds_are_refused),
        cmocka_unit_test(leaves_and_depth_bound_the_trees),
        cmocka_unit_test(it_stops_when_the_watched_rows_gain_nothing),
        cmocka_unit_test(a_cancelled_run_keeps_its_trees),
        cmocka_unit_test(what_cannot_be_learned_is_refused),
        cmocka_unit_test(almost_nothing_gives_the_prior),
        cmocka_unit_test(weights_bring_the_classes_level),
        cmocka_unit_test(importance_finds_the_inputs_that_matter),
        cmocka_unit_test(what_was_learned_is_not_learned_again),
    };

    return RUN(tests);
}

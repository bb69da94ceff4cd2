/* Training of dense nets: gradients by the definition, one result however it is computed, and early
 * stopping. */
#include "tests/unit/learning.h"

#include "core/learn/net.h"
#include "core/learn/recipe.h"
#include "core/stats/metrics.h"

enum { ROWS = 4000 };

static struct table table, other;

static int make_tables(void **state)
{
    table_init(&table, ROWS, 31);
    table_init(&other, ROWS, 32);
    return 0;
}

static int free_tables(void **state)
{
    table_fini(&table);
    table_fini(&other);
    return 0;
}

static struct net_options small_options(void)
{
    struct net_options o;

    net_defaults(&o);
    o.units = 20; /* no whole number of groups */
    o.epochs = 6;
    o.learning_rate = 0.005;
    return o;
}

static double precision_on(const struct model *m, const struct table *t)
{
    struct model_scratch *s = model_scratch_new(m, simd_best());
    double *margin = mem_array(ROWS, sizeof *margin), ap;

    model_score(m, s, t->input, 0, ROWS, margin, NULL);
    ap = metric_average_precision(margin, t->label, ROWS);
    mem_free(margin);
    model_scratch_free(s);
    return ap;
}

/* ---- gradients ---- */

enum { TERMS = 5, UNITS = 6, HALF = 3 };

static void random_net(struct model_net *n)
{
    static const uint32_t units[] = {UNITS, HALF, 1};
    struct random r;

    random_init(&r, 77);
    net_open(n, TERMS, units, 3);
    for (uint32_t l = 0; l < 3; l++) {
        for (uint32_t j = 0; j < units[l]; j++) {
            n->layer[l].bias[j] = (float)(0.3 * random_normal(&r));
            for (uint32_t i = 0; i < n->layer[l].from; i++)
                n->layer[l].weight[i * n->layer[l].stride + j] = (float)(0.7 * random_normal(&r));
        }
    }
}

/* The log-loss in double, written as the formula has it. */
static double loss_of(const struct model_net *n, const float *terms, bool fraud)
{
    double x[TERMS + UNITS], y[TERMS + UNITS];

    for (unsigned i = 0; i < TERMS; i++)
        x[i] = (double)terms[i];
    for (uint32_t l = 0; l < n->layers; l++) {
        const struct net_layer *a = &n->layer[l];

        for (uint32_t j = 0; j < a->units; j++) {
            y[j] = (double)a->bias[j];
            for (uint32_t i = 0; i < a->from; i++)
                y[j] += x[i] * (double)a->weight[i * a->stride + j];
            if (l + 1 < n->layers && y[j] < 0)
                y[j] = 0;
        }
        memcpy(x, y, a->units * sizeof *x);
    }
    return log1p(exp(fraud ? -y[0] : y[0]));
}

static void assert_slope(struct model_net *n, float *weight, const float *terms, bool fraud,
                         double gradient)
{
    float was = *weight, up = was + 0x1p-10F, down = was - 0x1p-10F;
    double above, below;

    *weight = up;
    above = loss_of(n, terms, fraud);
    *weight = down;
    below = loss_of(n, terms, fraud);
    *weight = was;
    assert_true(fabs((above - below) / ((double)up - (double)down) - gradient) < 2e-5);
}

static void gradients_are_the_slopes_of_the_loss(void **state)
{
    static const float terms[TERMS] = {0.5F, -1.25F, 2, 0.125F, -0.75F};
    struct model_net n, sum;
    struct net_pass p;

    random_net(&n);
    for (unsigned fraud = 0; fraud < 2; fraud++) {
        random_net(&sum);
        for (uint32_t l = 0; l < 3; l++) {
            struct net_layer *y = &sum.layer[l];

            memset(y->bias, 0, y->stride * sizeof *y->bias);
            memset(y->weight, 0, (size_t)y->from * y->stride * sizeof *y->weight);
        }
        net_pass_init(&p, &n, simd_best());
        net_pass_gradient(&p, terms, fraud, 3, 0, &sum);
        for (uint32_t l = 0; l < 3; l++) {
            struct net_layer *y = &n.layer[l];

            for (uint32_t j = 0; j < y->units; j++) {
                assert_slope(&n, &y->bias[j], terms, fraud, (double)sum.layer[l].bias[j] / 3);
                for (uint32_t i = 0; i < y->from; i++)
                    assert_slope(&n, &y->weight[i * y->stride + j], terms, fraud,
                                 (double)sum.layer[l].weight[i * y->stride + j] / 3);
            }
        }
        net_pass_fini(&p);
        net_close(&sum);
    }
    net_close(&n);
}

/* Of many rows the share asked for is dropped, and what stays is louder, so that the mean holds. */
static void dropout_keeps_the_mean(void **state)
{
    static const uint32_t units[] = {64, 1};
    struct net_pass p;
    struct model_net n, sum;
    float terms[1] = {0};
    double mean = 0, zeros = 0;

    net_open(&n, 1, units, 2);
    net_open(&sum, 1, units, 2);
    for (unsigned j = 0; j < 64; j++)
        n.layer[0].bias[j] = 1;
    net_pass_init(&p, &n, SIMD_SCALAR);
    p.dropout = (struct net_dropout){.share = 0.3, .seed = 5, .stream = 1};
    for (uint32_t row = 0; row < 1000; row++) {
        net_pass_gradient(&p, terms, true, 1, row, &sum);
        for (unsigned j = 0; j < 64; j++) {
            mean += (double)p.value[0][j] / 64000;
            zeros += p.value[0][j] == 0;
        }
    }
    assert_true(fabs(mean - 1) < 0.02);
    assert_true(fabs(zeros / 64000 - 0.3) < 0.01);
    net_pass_fini(&p);
    net_close(&n);
    net_close(&sum);
}

/* ---- one result ---- */

static void neither_threads_nor_vectors_matter(void **state)
{
    struct net_options o = small_options();
    struct model *one, *two, *three;

    o.batch_rows = 37;
    one = table_net(&table.dataset, &o, NULL);
    two = table_net(&table.dataset, &o, &two_workers);
    three = table_net(&table.dataset, &o, &three_workers);
    assert_same_model(one, two);
    assert_same_model(one, three);
    for (int level = SIMD_SCALAR; level <= (int)simd_best(); level++) {
        struct learn_run run = {.seed = 42, .simd = (enum simd)level};
        struct model *m = NULL;
        struct error e;

        assert_true(net_train(&table.dataset, NULL, &o, &run, &m, &e));
        assert_same_model(one, m);
        model_free(m);
    }
    model_free(one);
    model_free(two);
    model_free(three);
}

static void scores_are_the_same_at_every_level(void **state)
{
    struct net_options o = small_options();
    struct model *m = table_net(&table.dataset, &o, NULL);
    double want[ROWS], got[ROWS], a[TABLE_INPUTS], b[TABLE_INPUTS], base[2];

    for (int level = SIMD_SCALAR; level <= (int)simd_best(); level++) {
        struct model_scratch *s = model_scratch_new(m, (enum simd)level);

        model_score(m, s, other.input, 0, ROWS, level == 0 ? want : got, NULL);
        model_explain(m, s, other.input, 9, level == 0 ? a : b, &base[level > 0]);
        if (level > 0) {
            assert_memory_equal(want, got, sizeof want);
            assert_memory_equal(a, b, sizeof a);
            assert_true(base[0] == base[1]);
        }
        model_scratch_free(s);
    }
    model_free(m);
}

/* ---- learning ---- */

static void it_learns(void **state)
{
    struct net_options o = small_options();
    double base = (double)dataset_frauds(&other.dataset) / ROWS, ap;
    struct model *m;

    o.epochs = 25;
    m = table_net(&table.dataset, &o, NULL);
    ap = precision_on(m, &other);
    assert_true(ap > 2.5 * base);
    model_free(m);
    o.balance = BALANCE_WEIGHTS;
    m = table_net(&table.dataset, &o, NULL);
    assert_true(precision_on(m, &other) > 0.8 * ap);
    model_free(m);
}

/* Mean probability: the share of frauds, and about one half where both classes weigh alike. */
static void balance_moves_the_mean(void **state)
{
    double share = (double)dataset_frauds(&table.dataset) / ROWS, mean[2] = {0, 0};
    struct net_options o = small_options();

    for (enum balance balance = BALANCE_NONE; balance <= BALANCE_WEIGHTS; balance++) {
        struct model_scratch *s;
        struct model *m;
        double p[ROWS];

        o.balance = balance;
        m = table_net(&table.dataset, &o, NULL);
        s = model_scratch_new(m, simd_best());
        model_score(m, s, table.input, 0, ROWS, NULL, p);
        for (uint32_t i = 0; i < ROWS; i++)
            mean[balance] += p[i] / ROWS;
        model_scratch_free(s);
        model_free(m);
    }
    assert_true(fabs(mean[BALANCE_NONE] - share) < 0.25 * share);
    assert_true(mean[BALANCE_WEIGHTS] > 2 * share && mean[BALANCE_WEIGHTS] < 0.6);
}

/* ---- early stopping ---- */

static void the_best_epoch_is_kept(void **state)
{
    struct learn_run run = {.seed = 42, .simd = simd_best()};
    struct learn_watch watch = {.dataset = &other.dataset};
    struct net_options o = small_options();
    struct model *m = NULL, *same;
    struct error e;

    o.epochs = 200;
    o.learning_rate = 0.02;
    o.patience = 4;
    assert_true(net_train(&table.dataset, &watch, &o, &run, &m, &e));
    assert_true(watch.rounds > 0 && watch.rounds < 150);
    assert_true(precision_on(m, &other) == watch.precision);
    o.epochs = watch.rounds;
    o.patience = 0;
    same = table_net(&table.dataset, &o, NULL);
    assert_same_model(m, same);
    model_free(m);
    model_free(same);
}

/* learn() finds the number of rounds by the last rows, then takes all rows for so many. */
static void a_recipe_with_patience_is_refitted(void **state)
{
    struct learn_run run = {.seed = 42, .simd = simd_best()};
    static const enum model_kind kinds[] = {MODEL_NET, MODEL_BOOST};

    for (unsigned k = 0; k < 2; k++) {
        struct dataset head = table.dataset, tail = table.dataset;
        struct learn_watch watch = {.dataset = &tail};
        struct model *m = NULL, *first = NULL, *all = NULL;
        uint32_t *row = mem_array(ROWS, sizeof *row);
        struct recipe r;
        struct error e;

        recipe_defaults(&r);
        r.kind = kinds[k];
        r.calibrate = CALIBRATION_NONE;
        r.net = small_options();
        r.net.epochs = 60;
        r.net.patience = 3;
        r.boost.patience = 15;
        for (uint32_t i = 0; i < ROWS; i++)
            row[i] = i;
        tail.rows = ROWS * EARLY_TAIL_PERCENT / 100;
        head.rows = ROWS - tail.rows;
        tail.row = row + head.rows;
        assert_true(learn(&r, &table.dataset, &run, &m, NULL, &e));
        if (kinds[k] == MODEL_NET)
            assert_true(net_train(&head, &watch, &r.net, &run, &first, &e));
        else
            assert_true(boost_train(&head, &watch, &r.boost, &run, &first, &e));
        r.net.patience = r.boost.patience = 0;
        r.net.epochs = r.boost.trees = watch.rounds;
        assert_true(learn(&r, &table.dataset, &run, &all, NULL, &e));
        assert_same_model(m, all);
        model_free(m);
        model_free(first);
        model_free(all);
        mem_free(row);
    }
}

static void few_frauds_do_not_stop_it(void **state)
{
    struct learn_run run = {.seed = 42, .simd = simd_best()};
    struct model *m = NULL, *all = NULL;
    struct dataset d = table.dataset;
    struct recipe r;
    struct error e;

    recipe_defaults(&r);
    r.kind = MODEL_BOOST;
    r.boost.trees = 60;
    r.boost.patience = 1;
    d.rows = 400;
    assert_true(learn(&r, &d, &run, &m, NULL, &e));
    r.boost.patience = 0;
    assert_true(learn(&r, &d, &run, &all, NULL, &e));
    assert_same_model(m, all);
    model_free(m);
    model_free(all);
}

struct stopping {
    double at; /* share done */
    bool stopped;
};

static bool stop_at(void *context, const char *stage, double done)
{
    struct stopping *s = context;

    s->stopped |= done >= s->at;
    return !s->stopped;
}

static void cancelled_it_keeps_what_it_has(void **state)
{
    struct stopping stop = {.at = 0.5};
    struct progress progress = {stop_at, &stop};
    struct learn_run run = {.seed = 42, .progress = &progress, .simd = simd_best()};
    struct net_options o = small_options();
    struct model *m = NULL, *half;
    struct error e;

    assert_true(net_train(&table.dataset, NULL, &o, &run, &m, &e));
    o.epochs = 3;
    half = table_net(&table.dataset, &o, NULL);
    assert_same_model(m, half);
    model_free(m);
    model_free(half);
    stop = (struct stopping){.at = 0};
    m = NULL;
    assert_false(net_train(&table.dataset, NULL, &o, &run, &m, &e));
    assert_int_equal(e.kind, ERROR_CANCELLED);
    assert_null(m);
}

/* While it learns again from all rows, the first model is at hand. */
static void cancelled_in_the_refit_the_first_is_kept(void **state)
{
    struct stopping stop = {.at = 0.75};
    struct progress progress = {stop_at, &stop};
    struct learn_run run = {.seed = 42, .progress = &progress, .simd = simd_best()};
    struct model *m = NULL, *whole = NULL;
    struct recipe r;
    struct error e;

    recipe_defaults(&r);
    r.kind = MODEL_BOOST;
    r.boost.trees = 40;
    r.boost.patience = 40;
    assert_true(learn(&r, &table.dataset, &run, &m, NULL, &e));
    assert_true(stop.stopped && model_tree_count(m) > 0);
    run.progress = NULL;
    assert_true(learn(&r, &table.dataset, &run, &whole, NULL, &e));
    assert_int_equal(model_tree_count(m), model_tree_count(whole));
    model_free(m);
    model_free(whole);
}

/* ---- bad input ---- */

static void refuse(struct net_options o, const char *word)
{
    struct learn_run run = {0};
    struct model *m = NULL;
    struct error e = {0};

    assert_false(net_train(&table.dataset, NULL, &o, &run, &m, &e));
    assert_int_equal(e.kind, ERROR_INVALID);
    assert_null(m);
    assert_non_null(strstr(e.text, word));
}

static void senseless_options_are_refused(void **state)
{
#define REFUSED(member, value)                                                                     \
    do {                                                                                           \
        struct net_options o = small_options();                                                    \
        o.member = value;                                                                          \
        refuse(o, "net." #member);                                                                 \
    } while (0)
    REFUSED(layers, 0);
    REFUSED(layers, NET_HIDDEN_MAX + 1);
    REFUSED(units, 0);
    REFUSED(units, NET_UNITS_MAX + 1);
    REFUSED(dropout, 1);
    REFUSED(dropout, NAN);
    REFUSED(batch_rows, 0);
    REFUSED(batch_rows, NET_BATCH_MAX + 1);
    REFUSED(epochs, 0);
    REFUSED(epochs, NET_EPOCHS_MAX + 1);
    REFUSED(learning_rate, 0);
    REFUSED(learning_rate, NAN);
    REFUSED(l2, -1);
#undef REFUSED
}

/* One row a batch, one unit, nothing that varies: no trap. */
static void it_takes_poor_data(void **state)
{
    struct net_options o = small_options();
    struct dataset d = table.dataset;
    struct model *m;

    o.batch_rows = 1;
    o.units = 1;
    o.layers = NET_HIDDEN_MAX;
    o.epochs = 1;
    d.rows = 300;
    m = table_net(&d, &o, NULL);
    model_free(m);
    d.inputs = 1;
    d.input = table.input + CONSTANT;
    m = table_net(&d, &o, NULL);
    model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_the_slopes_of_the_loss),
        cmocka_unit_test(dropout_keeps_the_mean),
        cmocka_unit_test(neither_threads_nor_vectors_matter),
        cmocka_unit_test(scores_are_the_same_at_every_level),
        cmocka_unit_test(it_learns),
        cmocka_unit_test(balance_moves_the_mean),
        cmocka_unit_test(the_best_epoch_is_kept),
        cmocka_unit_test(a_recipe_with_patience_is_refitted),
        cmocka_unit_test(few_frauds_do_not_stop_it),
        cmocka_unit_test(cancelled_it_keeps_what_it_has),
        cmocka_unit_test(cancelled_in_the_refit_the_first_is_kept),
        cmocka_unit_test(senseless_options_are_refused),
        cmocka_unit_test(it_takes_poor_data),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_tables, free_tables);
}

/* Conformal sets and Venn-Abers intervals: against the definitions
 * (tests/golden/make_conformal.py), at their limits, on fresh rows, and through the model file. */
#include "tests/unit/learning.h"

#include "core/stats/coverage.h"
#include "tests/golden/conformal.h"

static void assert_is_golden(const struct golden *g)
{
    struct conformal c;

    assert_true(conformal_fit(g->margin, g->label, g->rows, 0.9, &c));
    for (uint32_t i = 0; i < g->asked; i++) {
        const struct golden_row *want = &g->row[i];
        struct uncertainty u;

        conformal_at(&c, want->margin, &u);
        assert_true(u.p_value[0] == want->p_legit && u.p_value[1] == want->p_fraud);
        assert_true(u.bound[0] == want->low && u.bound[1] == want->high);
        assert_int_equal(u.set, (want->p_legit > 0.1 ? UNCERTAINTY_LEGITIMATE : 0) |
                                    (want->p_fraud > 0.1 ? UNCERTAINTY_FRAUD : 0));
    }
    conformal_free(&c);
}

static void it_is_what_the_definitions_say(void **state)
{
    (void)state;
    assert_is_golden(&mixed);
    assert_is_golden(&chance);
    assert_is_golden(&apart);
    assert_is_golden(&upside_down);
}

/* ---- limits ---- */

static void too_few_rows_promise_nothing(void **state)
{
    double margin[400];
    uint8_t label[400];
    struct conformal c;

    (void)state;
    for (uint32_t i = 0; i < 400; i++) {
        margin[i] = i;
        label[i] = i % 2;
    }
    assert_int_equal(conformal_rows_needed(0.5), CONFORMAL_ROWS_MIN);
    assert_int_equal(conformal_rows_needed(0.9), CONFORMAL_ROWS_MIN);
    assert_in_range(conformal_rows_needed(0.99), 99, 101);
    assert_false(conformal_fit(margin, label, 0, 0.9, &c));
    assert_false(conformal_fit(margin, label, 39, 0.9, &c)); /* 20 and 19 */
    assert_false(conformal_fit(margin, label, 400, 0.999, &c));
    assert_true(conformal_fit(margin, label, 40, 0.9, &c));
    assert_int_equal(c.rows[0], 20);
    assert_int_equal(c.rows[1], 20);
    conformal_free(&c);
    memset(label, 0, sizeof label);
    assert_false(conformal_fit(margin, label, 400, 0.9, &c));
}

/* As many rows as make a table coarser. */
enum { MANY = 60000 };

struct drawn {
    double *margin;
    uint8_t *label;
};

/* No two margins are the same. */
static struct drawn draw(uint32_t rows, uint64_t seed)
{
    struct drawn d = {mem_array(rows + 1, sizeof *d.margin), mem_array(rows + 1, 1)};
    struct random r;

    random_init(&r, seed);
    for (uint32_t i = 0; i < rows; i++) {
        d.label[i] = random_real(&r) < 0.2;
        d.margin[i] = random_normal(&r) + d.label[i];
    }
    return d;
}

static void drawn_fini(struct drawn *d)
{
    mem_free(d->margin);
    mem_free(d->label);
}

static double exact_p(const struct drawn *d, uint32_t rows, int label, double at)
{
    double all = 1, strange = 1;

    for (uint32_t i = 0; i < rows; i++) {
        all += d->label[i] == label;
        strange += d->label[i] == label && (label == 1 ? d->margin[i] <= at : d->margin[i] >= at);
    }
    return strange / all;
}

/* By isotonic regression with the row. */
static double exact_bound(struct drawn *d, uint32_t rows, uint8_t label, double at)
{
    double *x = mem_array(2 * rows + 4, sizeof *x), *y = mem_array(2 * rows + 4, sizeof *y);
    double found = NAN;
    uint32_t points;

    d->margin[rows] = at;
    d->label[rows] = label;
    points = isotonic_fit(d->margin, d->label, rows + 1, 2 * rows + 4, x, y);
    for (uint32_t i = 0; i < points; i++) {
        if (x[i] <= at && (i + 1 == points || x[i + 1] > at))
            found = y[i];
    }
    mem_free(x);
    mem_free(y);
    return found;
}

static void a_coarser_table_errs_to_the_safe_side(void **state)
{
    struct drawn d = draw(MANY, 3);
    struct conformal c;

    (void)state;
    assert_true(conformal_fit(d.margin, d.label, MANY, 0.9, &c));
    for (int k = 0; k < 2; k++) {
        assert_in_range(c.p_value[k].count, 1, CONFORMAL_STEPS_MAX);
        assert_in_range(c.bound[k].count, 1, CONFORMAL_STEPS_MAX);
    }
    assert_true(c.p_value[0].count > CONFORMAL_STEPS_MAX / 2);
    for (double at = -4; at < 5; at += 0.37) {
        struct uncertainty u;

        conformal_at(&c, at, &u);
        for (int k = 0; k < 2; k++) {
            double p = exact_p(&d, MANY, k, at);

            assert_true(u.p_value[k] >= p && u.p_value[k] <= p + 16.0 / CONFORMAL_STEPS_MAX);
        }
        assert_true(u.bound[0] <= exact_bound(&d, MANY, 0, at));
        assert_true(u.bound[1] >= exact_bound(&d, MANY, 1, at));
        assert_true(u.bound[0] >= exact_bound(&d, MANY, 0, at - 0.01) - 1e-12);
        assert_true(u.bound[1] <= exact_bound(&d, MANY, 1, at + 0.01) + 1e-12);
    }
    conformal_free(&c);
    drawn_fini(&d);
}

/* ---- the promise ---- */

static void fresh_rows_are_covered_class_by_class(void **state)
{
    static const double levels[] = {0.8, 0.9, 0.95};
    struct drawn d = draw(5000, 5), fresh = draw(40000, 6);

    (void)state;
    for (unsigned k = 0; k < 3; k++) {
        struct coverage met = {.level = levels[k]};
        struct conformal c;
        struct uncertainty u;

        assert_true(conformal_fit(d.margin, d.label, 5000, levels[k], &c));
        for (uint32_t i = 0; i < 40000; i++) {
            conformal_at(&c, fresh.margin[i], &u);
            coverage_add(&met, fresh.label[i], u.set, u.bound[0], u.bound[1]);
        }
        for (int label = 0; label < 2; label++) {
            struct estimate e = coverage_of_class(&met, label);

            assert_true(fabs(e.value - levels[k]) < 0.03); /* deviation: .013 at 1000 frauds */
            assert_true(e.low < e.value && e.value < e.high);
        }
        assert_true(coverage_low(&met) < 0.21 && coverage_high(&met) > 0.19);
        assert_true(coverage_width(&met) > 0 && coverage_width(&met) < 0.05);
        assert_int_equal(coverage_rows(&met), 40000);
        conformal_free(&c);
    }
    drawn_fini(&d);
    drawn_fini(&fresh);
}

/* Frauds that have come to look legitimate. */
static void a_broken_promise_is_told(void **state)
{
    struct coverage met = {.level = 0.9};

    (void)state;
    assert_true(coverage_of_class(&met, 1).is_null && isnan(coverage_width(&met)));
    assert_false(coverage_is_broken(&met, 1));
    for (uint32_t i = 0; i < 100; i++) {
        coverage_add(&met, 1, i < 80 ? UNCERTAINTY_FRAUD : UNCERTAINTY_LEGITIMATE, 0, 1);
        coverage_add(&met, 0, i < 88 ? UNCERTAINTY_LEGITIMATE : 0, 0, 1);
    }
    assert_true(coverage_is_broken(&met, 1));
    assert_false(coverage_is_broken(&met, 0)); /* 88 of 100 may be chance */
    assert_true(coverage_set_size(&met) == 188.0 / 200);
    assert_false(coverage_is_beside(&met));
    met.high = 0.3 * 200;
    assert_true(coverage_is_beside(&met)); /* half of them are frauds */
    met.low = met.high = 0.7 * 200;
    assert_true(coverage_is_beside(&met));
}

/* ---- the file ---- */

static void the_model_file_keeps_it(void **state)
{
    struct logistic_options o;
    struct model *m, *again;
    struct buffer plain, b;
    struct conformal c;
    struct table t;
    struct drawn d = draw(3000, 9);
    struct error e;

    (void)state;
    logistic_defaults(&o);
    table_init(&t, 500, 1);
    m = table_logistic(&t.dataset, &o, NULL);
    table_bytes(m, &plain);
    assert_int_equal(plain.bytes[8], 2);
    assert_null(model_conformal(m));
    assert_true(conformal_fit(d.margin, d.label, 3000, 0.95, &c));
    model_set_conformal(m, &c);
    table_bytes(m, &b);
    assert_int_equal(b.bytes[8], 3);
    assert_memory_equal(plain.bytes + 16, b.bytes + 16, plain.length - 16);
    assert_true(model_parse(b.bytes, b.length, &again, &e));
    assert_same_model(m, again);
    for (double at = -5; at < 5; at += 0.01) {
        struct uncertainty x = {0}, y = {0};

        conformal_at(model_conformal(m), at, &x);
        conformal_at(model_conformal(again), at, &y);
        assert_memory_equal(&x, &y, sizeof x);
    }
    model_free(again);
    model_free(m);
    buffer_fini(&plain);
    buffer_fini(&b);
    table_fini(&t);
    drawn_fini(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_what_the_definitions_say),
        cmocka_unit_test(too_few_rows_promise_nothing),
        cmocka_unit_test(a_coarser_table_errs_to_the_safe_side),
        cmocka_unit_test(fresh_rows_are_covered_class_by_class),
        cmocka_unit_test(a_broken_promise_is_told),
        cmocka_unit_test(the_model_file_keeps_it),
    };

    return RUN(tests);
}

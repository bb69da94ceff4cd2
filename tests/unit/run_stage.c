/* Histograms of stages: edges, sums, quantiles, one writer beside readers. */
#include "tests/unit/test.h"

#include <pthread.h>
#include <string.h>

#include "shell/run/stage.h"

static void bounds_rise_and_are_the_buckets_upper_ends(void **state)
{
    (void)state;
    assert_int_equal(histogram_bound_ns(0), 1000);
    assert_int_equal(histogram_bound_ns(HISTOGRAM_BOUNDS - 1), INT64_C(7000000000));
    for (unsigned i = 0; i < HISTOGRAM_BOUNDS; i++) {
        struct histogram h = {0};
        struct histogram_sum sum = {0};

        if (i > 0)
            assert_true(histogram_bound_ns(i) > histogram_bound_ns(i - 1));
        histogram_add(&h, histogram_bound_ns(i), 1);     /* the bound itself is inside, */
        histogram_add(&h, histogram_bound_ns(i) + 1, 1); /* what is above it is not */
        histogram_sum(&h, &sum);
        assert_int_equal(sum.count[i], 1);
        assert_int_equal(sum.count[i + 1], 1);
    }
}

static void odd_times_have_a_bucket(void **state)
{
    struct histogram h = {0};
    struct histogram_sum sum = {0};

    (void)state;
    histogram_add(&h, -5, 1); /* a clock of another kind */
    histogram_add(&h, 0, 1);
    histogram_add(&h, INT64_MAX / 2, 1);
    histogram_add(&h, 1000, 0); /* of nobody */
    histogram_sum(&h, &sum);
    assert_int_equal(sum.total, 3);
    assert_int_equal(sum.count[0], 2);
    assert_int_equal(sum.count[HISTOGRAM_BOUNDS], 1);
}

static void quantiles_lie_between_the_bounds(void **state)
{
    struct histogram h = {0};
    struct histogram_sum sum = {0};

    (void)state;
    histogram_sum(&h, &sum);
    assert_true(histogram_quantile(&sum, 0.5) == 0);
    histogram_add(&h, 150000, 98);   /* (100, 150] us */
    histogram_add(&h, 900000000, 2); /* (700 ms, 1 s] */
    histogram_sum(&h, &sum);
    assert_int_equal(sum.total, 100);
    assert_true(histogram_quantile(&sum, 0.5) > 100e-6 && histogram_quantile(&sum, 0.5) <= 150e-6);
    assert_true(histogram_quantile(&sum, 0.98) <= 150e-6);
    assert_true(histogram_quantile(&sum, 0.99) > 0.7 && histogram_quantile(&sum, 0.99) <= 1);
    assert_true(sum.sum_s > 1.8147 - 1e-6 && sum.sum_s < 1.8147 + 1e-6);
    histogram_sum(&h, &sum); /* sums add up */
    assert_int_equal(sum.total, 200);
}

enum { TIMES = 200000 };

static void *write_many(void *context)
{
    for (int i = 0; i < TIMES; i++)
        histogram_add(context, i, 1);
    return NULL;
}

static void a_reader_beside_the_writer_sees_what_was_there(void **state)
{
    static struct histogram h;
    uint64_t last = 0;
    pthread_t writer;

    (void)state;
    assert_int_equal(pthread_create(&writer, NULL, write_many, &h), 0);
    while (last < TIMES) {
        struct histogram_sum sum = {0};

        histogram_sum(&h, &sum);
        assert_true(sum.total >= last && sum.total <= TIMES);
        last = sum.total;
    }
    pthread_join(writer, NULL);
}

static void every_stage_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < STAGES; i++) {
        for (int k = 0; k < i; k++)
            assert_string_not_equal(stage_name((enum stage)i), stage_name((enum stage)k));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds_rise_and_are_the_buckets_upper_ends),
        cmocka_unit_test(odd_times_have_a_bucket),
        cmocka_unit_test(quantiles_lie_between_the_bounds),
        cmocka_unit_test(a_reader_beside_the_writer_sees_what_was_there),
        cmocka_unit_test(every_stage_has_a_name_of_its_own),
    };

    return RUN(tests);
}

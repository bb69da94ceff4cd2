#include "tests/unit/test.h"

#include <math.h>

#include "core/stats/sketch.h"

static void few_values_are_exact(void **state)
{
    struct sketch s;

    (void)state;
    sketch_init(&s, 64);
    for (int i = 64; i > 0; i--)
        sketch_add(&s, i);
    assert_true(sketch_is_exact(&s));
    sketch_finish(&s);
    assert_true(sketch_quantile(&s, 0) == 1);
    assert_true(sketch_quantile(&s, 0.5) == 32);
    assert_true(sketch_quantile(&s, 0.51) == 33);
    assert_true(sketch_quantile(&s, 1) == 64);
    assert_int_equal(sketch_below(&s, 10), 9);
    assert_int_equal(sketch_up_to(&s, 10), 10);
    assert_int_equal(sketch_below(&s, 1000), 64);
    sketch_fini(&s);
}

static void equal_values_are_one_item(void **state)
{
    struct sketch s;

    (void)state;
    sketch_init(&s, 64);
    for (int i = 0; i < 100000; i++)
        sketch_add(&s, i % 4 == 0 ? 7 : -7);
    sketch_finish(&s);
    assert_int_equal(s.items, 2);
    assert_int_equal(s.item[0].weight + s.item[1].weight, 100000);
    assert_true(sketch_quantile(&s, 0.5) == -7);
    assert_true(sketch_quantile(&s, 0.99) == 7);
    sketch_fini(&s);
}

/* Against the ranks of the values 0..n-1, which are themselves. */
static void hold_to_bound(uint32_t capacity, uint32_t n, uint32_t stride)
{
    struct sketch s;
    double bound;

    sketch_init(&s, capacity);
    for (uint32_t i = 0; i < n; i++)
        sketch_add(&s, (double)((uint64_t)i * stride % n));
    bound = (double)(s.levels - 1) * n / capacity + 1;
    sketch_finish(&s);
    assert_int_equal(s.count, n);
    for (double share = 0; share <= 1; share += 0.01)
        assert_true(fabs(sketch_quantile(&s, share) - ceil(share * n)) <= bound);
    for (uint32_t v = 0; v < n; v += n / 50)
        assert_true(fabs((double)sketch_below(&s, v) - v) <= bound);
    sketch_fini(&s);
}

static void many_values_keep_the_stated_error(void **state)
{
    (void)state;
    hold_to_bound(64, 65, 1); /* one past the capacity */
    hold_to_bound(128, 100003, 1);
    hold_to_bound(128, 100003, 100002); /* descending */
    hold_to_bound(1024, 1000003, 7919);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_values_are_exact),
        cmocka_unit_test(equal_values_are_one_item),
        cmocka_unit_test(many_values_keep_the_stated_error),
    };

    return RUN(tests);
}

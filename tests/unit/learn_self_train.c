/* Which rows without a label are taken, and whether one ranking is better than another. */
#include "tests/unit/learning.h"

#include "core/learn/recipe.h"
#include "core/stats/difference.h"

static void the_most_confident_are_taken_up_to_the_share(void **state)
{
    static const double margin[] = {5, -9, 4, -8, 0, 4, -9, 6};
    static const double probability[] = {0.95, 0.001, 0.9, 0.002, 0.5, 0.9, 0.001, 0.99};
    struct self_training o = {.rounds = 1, .legit_below = 0.002, .fraud_above = 0.9};
    uint32_t labelled[] = {4, 3}, taken[2];
    uint8_t label[8];

    (void)state;
    o.max_share = 100;
    self_train_pick(&o, margin, probability, 8, labelled, label, taken);
    assert_memory_equal(label, ((uint8_t[]){1, 0, 1, 0, SELF_TRAIN_NONE, 1, 0, 1}), 8);
    assert_true(taken[0] == 3 && taken[1] == 4);
    o.max_share = 0.5; /* two legitimate, one fraud; of equal margins the first row */
    self_train_pick(&o, margin, probability, 8, labelled, label, taken);
    assert_true(taken[0] == 2 && taken[1] == 1);
    assert_true(label[1] == 0 && label[6] == 0 && label[7] == 1);
    o.max_share = 1;
    self_train_pick(&o, margin, probability, 8, labelled, label, taken);
    assert_true(taken[1] == 3 && label[2] == 1 && label[5] == SELF_TRAIN_NONE);
    labelled[1] = 0;
    self_train_pick(&o, margin, probability, 8, labelled, label, taken);
    assert_true(taken[0] == 3 && taken[1] == 0);
    self_train_pick(&o, margin, probability, 0, labelled, label, taken);
    assert_true(taken[0] == 0 && taken[1] == 0);
}

enum { COMPARED = 4000 };

static void a_better_ranking_is_told_from_chance(void **state)
{
    static double noise[COMPARED], good[COMPARED], same[COMPARED];
    static uint32_t entity[COMPARED];
    static uint8_t label[COMPARED];
    struct metrics_options options = {.bootstrap = 100, .seed = 3};
    struct outcomes o = {.rows = COMPARED, .probability = noise, .label = label, .entity = entity};
    struct estimate rows, d;
    struct random r;
    struct error e;

    (void)state;
    random_init(&r, 1);
    for (uint32_t i = 0; i < COMPARED; i++) {
        label[i] = random_real(&r) < 0.05;
        entity[i] = i / 10;
        noise[i] = em_sigmoid(random_normal(&r));
        same[i] = em_sigmoid(random_normal(&r));
        good[i] = em_sigmoid(random_normal(&r) + 2 * label[i]);
    }
    assert_true(difference_of_precision(&o, good, &options, &d, &e));
    assert_true(d.low > 0.1 && d.low < d.value && d.value < d.high);
    assert_true(fabs(d.value - (metric_average_precision(good, label, COMPARED) -
                                metric_average_precision(noise, label, COMPARED))) < 1e-12);
    assert_true(difference_of_precision(&o, same, &options, &d, &e));
    assert_true(d.low < 0 && d.high > 0);
    assert_true(difference_of_precision(&o, noise, &options, &d, &e));
    assert_true(d.value == 0 && d.low == 0 && d.high == 0); /* paired: copies cancel */
    o.entity = NULL;
    assert_true(difference_of_precision(&o, good, &options, &rows, &e));
    o.entity = entity;
    assert_true(difference_of_precision(&o, good, &options, &d, &e));
    assert_true(rows.value == d.value && rows.low != d.low); /* other units */
    memset(label, 0, sizeof label);
    assert_true(difference_of_precision(&o, good, &options, &d, &e));
    assert_true(d.is_null);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_most_confident_are_taken_up_to_the_share),
        cmocka_unit_test(a_better_ranking_is_told_from_chance),
    };

    return RUN(tests);
}

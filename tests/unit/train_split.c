/* Which rows train and which test. */
#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/random.h"
#include "shell/train/split.h"

enum { ROWS = 6000, DAYS = 60, CARDS = 300, DAY_ROWS = ROWS / DAYS };

static struct row_facts new_facts(bool with_group)
{
    struct row_facts f = {.rows = ROWS, .learning = ROWS};
    struct random r;

    random_init(&r, 3);
    f.time_us = mem_array(ROWS, sizeof *f.time_us);
    f.label = mem_array(ROWS, 1);
    f.entity = mem_array(ROWS, sizeof *f.entity);
    f.group = with_group ? mem_array(ROWS, sizeof *f.group) : NULL;
    for (uint32_t i = 0; i < ROWS; i++) {
        f.time_us[i] = i / DAY_ROWS * US_PER_DAY + i % DAY_ROWS * US_PER_HOUR / 5;
        f.entity[i] = (uint32_t)random_below(&r, CARDS);
        f.label[i] = random_real(&r) < 0.05;
        if (with_group)
            f.group[i] = f.entity[i];
    }
    return f;
}

static struct settings *settings_of(const char *validate)
{
    char yaml[600];
    struct settings *s;
    struct error e;

    snprintf(yaml, sizeof yaml,
             "sources: {transactions: t.csv}\nevent: {label: {field: y, delay: 2d}}\n"
             "entities: {card: card_id}\nmodel: {seed: 5, validate: {%s}}\n",
             validate);
    if (!settings_parse(text_of(yaml), "assay.yaml", &s, &e))
        fail_msg("%s", e.text);
    return s;
}

static const char prequential[] =
    "by: prequential, folds: 3, train: 10d, test: 5d, step: 5d, until: 1970-03-01";

static void prequential_steps_back_in_time(void **state)
{
    struct row_facts f = new_facts(false);
    struct settings *s = settings_of(prequential);
    struct split latest;
    struct split_list earlier;
    struct error e;

    (void)state;
    assert_true(split_make(&f, s, &latest, &e));
    assert_true(split_earlier(&f, s, &earlier, &e));
    assert_int_equal(earlier.count, 2);
    assert_int_equal(latest.test_until_us, 59 * US_PER_DAY);
    for (uint32_t k = 0; k < 3; k++) {
        const struct split *one = k == 0 ? &latest : &earlier.split[k - 1];

        assert_int_equal(one->test_until_us, (59 - 5 * (int64_t)k) * US_PER_DAY);
        assert_int_equal(one->test_until_us - one->test_from_us, 5 * US_PER_DAY);
        assert_int_equal(one->test_from_us - one->train_until_us, 2 * US_PER_DAY); /* the gap */
        assert_int_equal(one->train_until_us - one->train_from_us, 10 * US_PER_DAY);
        assert_int_equal(one->train_rows, 10 * DAY_ROWS);
        assert_int_equal(one->test_rows, 5 * DAY_ROWS);
        for (uint32_t i = 0; i < ROWS; i++) {
            int64_t t = f.time_us[i];
            bool trains = t >= one->train_from_us && t < one->train_until_us;
            bool tests = t >= one->test_from_us && t < one->test_until_us;

            assert_int_equal(one->part[i], trains ? PART_TRAIN : tests ? PART_TEST : PART_NONE);
        }
    }
    split_list_free(&earlier);
    split_free(&latest);
    row_facts_free(&f);
    settings_free(s);
}

static void a_fold_before_the_data_is_named(void **state)
{
    struct row_facts f = new_facts(false);
    struct settings *s = settings_of("by: prequential, folds: 12, train: 10d, test: 5d");
    struct split latest;
    struct split_list earlier;
    struct error e;

    (void)state;
    assert_true(split_make(&f, s, &latest, &e));
    assert_false(split_earlier(&f, s, &earlier, &e));
    assert_non_null(strstr(e.text, "fold 12 of 12"));
    split_free(&latest);
    row_facts_free(&f);
    settings_free(s);
}

/* Whatever the split, what a search tests on no test has. */
static void a_search_sees_no_test_row(void **state)
{
    static const char *const validate[] = {prequential, "by: time, share: 0.2",
                                           "by: time, train: [1970-01-05, 1970-02-10], "
                                           "test: [1970-02-12, 1970-02-20]",
                                           "by: time, train: 20d, test: 10d",
                                           "by: stratified, share: 0.25"};

    (void)state;
    for (size_t v = 0; v < sizeof validate / sizeof *validate; v++) {
        struct row_facts f = new_facts(false);
        struct settings *s = settings_of(validate[v]);
        struct split latest;
        struct split_list earlier, inner;
        struct error e;

        assert_true(split_make(&f, s, &latest, &e));
        assert_true(split_earlier(&f, s, &earlier, &e));
        if (!split_inner(&f, s, &latest, &earlier, 2, &inner, &e))
            fail_msg("%s", e.text);
        assert_int_equal(inner.count, 2);
        for (uint32_t k = 0; k < inner.count; k++) {
            assert_true(inner.split[k].test_frauds > 0);
            for (uint32_t i = 0; i < ROWS; i++) {
                if (inner.split[k].part[i] == PART_NONE)
                    continue;
                assert_int_not_equal(latest.part[i], PART_TEST);
                for (uint32_t m = 0; m < earlier.count; m++)
                    assert_int_not_equal(earlier.split[m].part[i], PART_TEST);
            }
        }
        split_list_free(&inner);
        split_list_free(&earlier);
        split_free(&latest);
        row_facts_free(&f);
        settings_free(s);
    }
}

static void folds_leave_nothing_to_search_on(void **state)
{
    struct row_facts f = new_facts(false);
    struct settings *s = settings_of("by: folds, folds: 4");
    struct split latest;
    struct split_list earlier, inner;
    struct error e;

    (void)state;
    assert_true(split_make(&f, s, &latest, &e));
    assert_true(split_earlier(&f, s, &earlier, &e));
    assert_false(split_inner(&f, s, &latest, &earlier, 3, &inner, &e));
    assert_non_null(strstr(e.text, "choose model.validate.by time, prequential or stratified"));
    split_free(&latest);
    row_facts_free(&f);
    settings_free(s);
}

static void groups_stay_on_one_side(void **state)
{
    static const char *const validate[] = {"by: stratified, share: 0.25, group: card",
                                           "by: folds, folds: 5, group: card",
                                           "by: time, share: 0.05, group: card"};

    (void)state;
    for (size_t v = 0; v < sizeof validate / sizeof *validate; v++) {
        struct row_facts f = new_facts(true);
        struct settings *s = settings_of(validate[v]);
        uint8_t side[CARDS] = {0};
        struct split split;
        struct error e;

        if (v == 2) /* by time: cards that are new in the test window */
            for (uint32_t i = ROWS - 200; i < ROWS; i++)
                f.group[i] = CARDS + i % 20;
        if (!split_make(&f, s, &split, &e))
            fail_msg("%s", e.text);
        for (uint32_t i = 0; i < ROWS; i++) {
            if (split.part[i] == PART_NONE || f.group[i] >= CARDS)
                continue;
            assert_true(side[f.group[i]] == 0 || side[f.group[i]] == split.part[i]);
            side[f.group[i]] = split.part[i];
        }
        if (v == 0) {
            assert_in_range(split.test_rows, ROWS / 4 - ROWS / 40, ROWS / 4 + ROWS / 40);
            assert_in_range(split.test_frauds * 4, 0.9 * (split.test_frauds + split.train_frauds),
                            1.1 * (split.test_frauds + split.train_frauds));
        }
        if (v == 2)
            assert_true(split.group_dropped > 0 && split.test_rows == 200);
        split_free(&split);
        row_facts_free(&f);
        settings_free(s);
    }
}

static void a_seed_gives_one_split(void **state)
{
    struct row_facts f = new_facts(true), g = new_facts(true);
    struct settings *s = settings_of("by: folds, folds: 5, group: card");
    struct split one, two;
    struct error e;

    (void)state;
    assert_true(split_make(&f, s, &one, &e));
    assert_true(split_make(&g, s, &two, &e));
    assert_memory_equal(one.part, two.part, ROWS);
    split_free(&two);
    s->model.seed = 6;
    assert_true(split_make(&g, s, &two, &e));
    assert_memory_not_equal(one.part, two.part, ROWS);
    split_free(&one);
    split_free(&two);
    row_facts_free(&f);
    row_facts_free(&g);
    settings_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prequential_steps_back_in_time),
        cmocka_unit_test(a_fold_before_the_data_is_named),
        cmocka_unit_test(a_search_sees_no_test_row),
        cmocka_unit_test(folds_leave_nothing_to_search_on),
        cmocka_unit_test(groups_stay_on_one_side),
        cmocka_unit_test(a_seed_gives_one_split),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

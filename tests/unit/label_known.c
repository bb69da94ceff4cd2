#include "tests/unit/test.h"

#include <stdio.h>

#include "core/velocity/velocity.h"
#include "shell/run/label_index.h"
#include "shell/run/label_known.h"

static char a1[] = "a1", a2[] = "a2", bank[] = "bank", desk[] = "desk";

static struct label_row row_of(char *id, char *source, int64_t at, uint8_t label)
{
    return (struct label_row){
        .id = id, .source = source, .has_time = at != 0, .effective_us = at, .label = label};
}

static void a_statement_is_taken_once(void **state)
{
    struct label_known *k = label_known_new();
    struct label_row r = row_of(a1, bank, 5, 1);

    assert_int_equal(label_known_add(k, &r), LABEL_OPEN);
    assert_int_equal(label_known_add(k, &r), LABEL_REPEATED);
    r = row_of(a1, bank, 5, 0);
    assert_int_equal(label_known_add(k, &r), LABEL_CONTRADICTING);
    r = row_of(a1, bank, 6, 0); /* another date: a change of mind */
    assert_int_equal(label_known_add(k, &r), LABEL_OPEN);
    r = row_of(a1, desk, 5, 0); /* another source */
    assert_int_equal(label_known_add(k, &r), LABEL_OPEN);
    r = row_of(a2, bank, 5, 0); /* another event */
    assert_int_equal(label_known_add(k, &r), LABEL_OPEN);
    r = row_of(a1, bank, 5, LABEL_UNKNOWN); /* taken back on the same day */
    assert_int_equal(label_known_add(k, &r), LABEL_OPEN);
    label_known_free(k);
}

static void without_a_date_any_date_counts(void **state)
{
    struct label_known *k = label_known_new();
    struct label_row r = row_of(a1, bank, 5, 1);

    assert_int_equal(label_known_add(k, &r), LABEL_OPEN);
    r = row_of(a1, bank, 0, 1);
    assert_int_equal(label_known_add(k, &r), LABEL_REPEATED);
    r = row_of(a1, bank, 0, 0);
    assert_int_equal(label_known_add(k, &r), LABEL_OPEN);
    assert_int_equal(label_known_add(k, &r), LABEL_REPEATED);
    label_known_free(k);
}

static void many_statements_stay_apart(void **state)
{
    struct label_known *k = label_known_new();
    char id[16];

    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 5000; i++) {
            struct label_row r = row_of(id, bank, i + 1, 1);

            snprintf(id, sizeof id, "e%d", i);
            assert_int_equal(label_known_add(k, &r), round == 0 ? LABEL_OPEN : LABEL_REPEATED);
        }
    }
    label_known_free(k);
}

static void an_index_finds_the_last_row(void **state)
{
    struct label_row row[] = {row_of(a1, bank, 1, 1), row_of(a2, bank, 1, 1),
                              row_of(a1, bank, 2, 0)};
    struct label_rows rows = {.row = row, .count = 3};
    struct label_index x;

    label_index_init(&x, &rows);
    assert_ptr_equal(label_index_find(&x, text_of("a1")), &row[2]);
    assert_ptr_equal(label_index_find(&x, text_of("a2")), &row[1]);
    assert_null(label_index_find(&x, text_of("a")));
    label_index_fini(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_statement_is_taken_once),
        cmocka_unit_test(without_a_date_any_date_counts),
        cmocka_unit_test(many_statements_stay_apart),
        cmocka_unit_test(an_index_finds_the_last_row),
    };

    return RUN(tests);
}

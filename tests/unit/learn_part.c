/* Parting rows: every level does what a loop does, however far the rows lie apart. */
#include "tests/unit/test.h"

#include <string.h>

#include "core/base/memory.h"
#include "core/base/random.h"
#include "core/learn/part.h"

enum { CELLS = 20000 };

struct rows {
    uint32_t count;
    uint32_t row[CELLS + 16], left[CELLS + 16], right[CELLS + 16], want[2][CELLS];
    uint8_t *column; /* its spare bytes are the last of it */
};

static uint32_t lot(uint64_t stream, uint32_t i, uint32_t below)
{
    return (uint32_t)(random_at(9, stream, i) % below);
}

/* One in `every` rows, or in turn many and few of them. */
static void draw_rows(struct rows *r, uint32_t every, unsigned shift)
{
    r->count = 0;
    for (uint32_t i = 0; i < CELLS; i++) {
        uint32_t apart = every > 0 ? every : i / 500 % 2 ? 1 : 90;

        if (lot(apart, i, apart) == 0)
            r->row[r->count++] = i << shift | lot(100, i, 1u << shift);
    }
}

static uint32_t part_plainly(struct rows *r, const struct part_rule *rule)
{
    uint32_t count[2] = {0, 0};

    for (uint32_t i = 0; i < r->count; i++) {
        uint8_t cell = r->column[r->row[i] >> rule->shift];
        bool left = cell == 0 ? rule->missing_left : cell <= rule->bin;

        r->want[!left][count[!left]++] = r->row[i];
    }
    return count[0];
}

static void assert_parted(struct rows *r, const struct part_rule *rule, enum simd level)
{
    uint32_t lefts = part_plainly(r, rule), rights = r->count - lefts;

    assert_int_equal(part_rows(rule, r->row, r->count, r->left, r->right, level), lefts);
    assert_memory_equal(r->left, r->want[0], lefts * sizeof *r->left);
    assert_memory_equal(r->right, r->want[1], rights * sizeof *r->right);
    /* in place */
    assert_int_equal(part_rows(rule, r->row, r->count, r->row, r->right, level), lefts);
    assert_memory_equal(r->row, r->want[0], lefts * sizeof *r->row);
    assert_memory_equal(r->right, r->want[1], rights * sizeof *r->right);
}

static void every_level_parts_alike(void **state)
{
    const uint32_t every[] = {1, 2, 3, 5, 9, 14, 30, 300, 0};
    struct rows *r = mem_alloc(sizeof *r);

    r->column = mem_array(CELLS + PART_SPARE, 1);
    for (uint32_t i = 0; i < CELLS; i++)
        r->column[i] = (uint8_t)lot(200, i, 256);
    for (int level = SIMD_SCALAR; level <= (int)simd_best(); level++) {
        for (unsigned k = 0; k < sizeof every / sizeof *every * 2 * 2; k++) {
            struct part_rule rule = {.shift = k % 2 * 3,
                                     .column = r->column,
                                     .bin = (uint8_t)(1 + lot(300, k, 255)),
                                     .missing_left = k / 2 % 2};

            draw_rows(r, every[k / 4], rule.shift);
            assert_parted(r, &rule, (enum simd)level);
        }
    }
    mem_free(r->column);
    mem_free(r);
}

static void none_and_few_rows_are_parted(void **state)
{
    uint8_t column[16 + PART_SPARE] = {0, 3, 2, 1};
    uint32_t row[3] = {0, 1, 3}, right[3];
    struct part_rule rule = {.column = column, .bin = 2};

    for (int level = SIMD_SCALAR; level <= (int)simd_best(); level++) {
        uint32_t again[3];

        memcpy(again, row, sizeof row);
        assert_int_equal(part_rows(&rule, again, 0, again, right, (enum simd)level), 0);
        assert_int_equal(part_rows(&rule, again, 3, again, right, (enum simd)level), 1);
        assert_int_equal(again[0], 3);
        assert_int_equal(right[0], 0);
        assert_int_equal(right[1], 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_level_parts_alike),
        cmocka_unit_test(none_and_few_rows_are_parted),
    };

    return RUN(tests);
}

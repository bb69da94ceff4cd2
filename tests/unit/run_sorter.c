#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/random.h"
#include "shell/run/sorter.h"

struct expected {
    struct sort_key key;
    uint32_t number; /* in the order of adding */
    uint32_t length;
};

static int compare(const void *a, const void *b)
{
    const struct expected *x = a, *y = b;

    if (x->key.high != y->key.high)
        return x->key.high < y->key.high ? -1 : 1;
    if (x->key.low != y->key.low)
        return x->key.low < y->key.low ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

/* Records of 4 to `longest` bytes that begin with their number; keys repeat. */
static void add_all(struct sorter *s, struct expected *x, uint32_t count, uint32_t longest)
{
    char *bytes = mem_alloc(longest);
    struct error e;

    for (uint32_t i = 0; i < count; i++) {
        uint64_t r = random_at(7, 1, i);

        x[i] = (struct expected){{r % 16, random_at(7, 2, i) % (count / 8 + 1)}, i, 0};
        x[i].length = 4 + (uint32_t)(random_at(7, 3, i) % (longest - 3));
        memset(bytes, (int)(i % 251), x[i].length);
        memcpy(bytes, &i, sizeof i);
        assert_true(sorter_add(s, x[i].key, (struct text){bytes, x[i].length}, &e));
    }
    mem_free(bytes);
}

static void read_all(struct sorter *s, const struct expected *x, uint32_t count)
{
    struct sort_key key;
    struct text record;
    struct error e;

    assert_true(sorter_rewind(s, &e));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number;

        assert_true(sorter_next(s, &key, &record, &e));
        assert_non_null(record.bytes);
        assert_true(key.high == x[i].key.high && key.low == x[i].key.low);
        assert_int_equal(record.length, x[i].length);
        memcpy(&number, record.bytes, sizeof number);
        assert_int_equal(number, x[i].number);
        for (uint32_t k = 4; k < record.length; k++)
            assert_int_equal((uint8_t)record.bytes[k], number % 251);
    }
    assert_true(sorter_next(s, &key, &record, &e));
    assert_null(record.bytes);
}

static void hold(size_t memory_bytes, uint32_t count, uint32_t longest, bool spills)
{
    struct sorter *s = sorter_new(memory_bytes, "/tmp");
    struct expected *x = mem_array(count + 1, sizeof *x);

    add_all(s, x, count, longest);
    qsort(x, count, sizeof *x, compare);
    read_all(s, x, count);
    read_all(s, x, count); /* and once more */
    assert_int_equal(sorter_spilled_bytes(s) > 0, spills);
    mem_free(x);
    sorter_free(s);
}

static void what_fits_is_sorted_in_memory(void **state)
{
    (void)state;
    hold(16 << 20, 10000, 100, false);
}

static void nothing_gives_nothing(void **state)
{
    (void)state;
    hold(1 << 20, 0, 4, false);
}

static void runs_are_merged_in_the_same_order(void **state)
{
    (void)state;
    hold(1 << 20, 60000, 200, true);
}

/* With room for two runs at once, many runs take several passes. */
static void more_runs_than_fit_at_once(void **state)
{
    (void)state;
    hold(64 << 10, 20000, 100, true);
}

static void a_record_larger_than_the_memory(void **state)
{
    (void)state;
    hold(64 << 10, 20, 3 << 20, true);
}

static void a_directory_that_is_not_there_is_named(void **state)
{
    struct sorter *s = sorter_new(64, "/nowhere/at/all");
    struct error e;
    bool ok = true;

    (void)state;
    for (int i = 0; i < 3 && ok; i++)
        ok = sorter_add(s, (struct sort_key){0}, (struct text){"x", 1}, &e);
    assert_false(ok);
    assert_non_null(strstr(e.text, "/nowhere/at/all"));
    assert_non_null(strstr(e.text, "TMPDIR"));
    sorter_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fits_is_sorted_in_memory),
        cmocka_unit_test(nothing_gives_nothing),
        cmocka_unit_test(runs_are_merged_in_the_same_order),
        cmocka_unit_test(more_runs_than_fit_at_once),
        cmocka_unit_test(a_record_larger_than_the_memory),
        cmocka_unit_test(a_directory_that_is_not_there_is_named),
    };

    return RUN(tests);
}

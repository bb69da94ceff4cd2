/* Likeness of texts against other implementations (tests/golden/likeness.py), and its limit. */
#include "tests/unit/test.h"

#include <math.h>

#include "core/lang/kernels.h"
#include "tests/golden/likeness.h"

struct pairs {
    struct column a, b, words, reals;
    struct call call;
};

static void set_text(struct column *c, uint32_t row, struct text t)
{
    struct value v = {.type = TYPE_TEXT, .text = t};

    column_set(c, row, &v);
}

static void pairs_init(struct pairs *p, uint32_t rows)
{
    *p = (struct pairs){0};
    column_init(&p->a, TYPE_TEXT, rows);
    column_init(&p->b, TYPE_TEXT, rows);
    column_init(&p->words, TYPE_INT, rows);
    column_init(&p->reals, TYPE_REAL, rows);
    p->call = (struct call){.rows = rows, .count = 2, .arg = {&p->a, &p->b}};
}

static void pairs_fini(struct pairs *p)
{
    column_fini(&p->a);
    column_fini(&p->b);
    column_fini(&p->words);
    column_fini(&p->reals);
}

static const double *reals(struct pairs *p, void (*kernel)(const struct call *c))
{
    p->call.out = &p->reals;
    kernel(&p->call);
    return p->reals.real;
}

static const int64_t *words(struct pairs *p, void (*kernel)(const struct call *c))
{
    p->call.out = &p->words;
    kernel(&p->call);
    return p->words.integer;
}

static void values_are_those_of_others(void **state)
{
    const uint32_t rows = sizeof likeness / sizeof likeness[0];
    struct pairs p;

    (void)state;
    assert_true(rows > 200);
    pairs_init(&p, rows);
    for (uint32_t i = 0; i < rows; i++) {
        set_text(&p.a, i, text_of(likeness[i].a));
        set_text(&p.b, i, text_of(likeness[i].b));
    }
    for (uint32_t i = 0; i < rows; i++)
        assert_int_equal(words(&p, kernel_edit_distance)[i], likeness[i].distance);
    for (uint32_t i = 0; i < rows; i++) {
        double got = reals(&p, kernel_jaro_winkler)[i];

        if (!(fabs(got - likeness[i].jaro_winkler) < 1e-12))
            fail_msg("%s, %s: %.17g, not %.17g", likeness[i].a, likeness[i].b, got,
                     likeness[i].jaro_winkler);
    }
    for (uint32_t i = 0; i < rows; i++)
        assert_true(reals(&p, kernel_trigram_similarity)[i] == likeness[i].trigrams);
    pairs_fini(&p);
}

/* Row 0 has as many characters as are compared, row 1 one more, row 2 is null. */
static void longer_texts_are_null(void **state)
{
    char text[2 * 513];
    struct value null = {.type = TYPE_TEXT, .is_null = true};
    struct pairs p;

    (void)state;
    for (size_t i = 0; i < sizeof text; i += 2)
        memcpy(text + i, "\xc3\xa9", 2);
    pairs_init(&p, 3);
    for (uint32_t i = 0; i < 2; i++) {
        set_text(&p.a, i, text_of("x"));
        set_text(&p.b, i, (struct text){text, 2 * (512 + i)});
    }
    column_set(&p.a, 2, &null);
    set_text(&p.b, 2, text_of("x"));
    assert_int_equal(words(&p, kernel_edit_distance)[0], 512);
    assert_memory_equal(p.words.null, "\0\1\1", 3);
    assert_true(reals(&p, kernel_jaro_winkler)[0] == 0);
    assert_memory_equal(p.reals.null, "\0\1\1", 3);
    assert_true(reals(&p, kernel_trigram_similarity)[0] == 0);
    assert_memory_equal(p.reals.null, "\0\1\1", 3);
    pairs_fini(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_those_of_others),
        cmocka_unit_test(longer_texts_are_null),
    };

    return RUN(tests);
}

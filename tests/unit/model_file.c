#include "tests/unit/three_models.h"

#include <float.h>
#include <zlib.h>

#include "core/base/random.h"
#include "core/model/blocks.h"
#include "core/model/kernel.h"
#include "core/model/kind.h"
#include "core/model/parts.h"

/* ---- the file ---- */

static void a_file_reads_back_to_the_same_bytes(void **state)
{
    struct model *models[] = {boost, logistic, net};
    const struct model_notes notes = {(char *)"name: caf\xc3\xa9\n", (char *)"{\"ap\":0.5}",
                                      (char *)"{}"};

    for (unsigned k = 0; k < 3; k++) {
        double want[ROWS], got[ROWS];
        struct model_scratch *s, *t;
        struct model *again = NULL;
        struct error e = {0};
        struct buffer b;

        model_set_notes(models[k], &notes);
        table_bytes(models[k], &b);
        assert_true(model_parse(b.bytes, b.length, &again, &e));
        assert_same_model(models[k], again);
        assert_string_equal(model_notes(again)->settings, notes.settings);
        assert_string_equal(model_input(again, SHOP)->name, "shop");
        assert_true(model_input(again, SHOP)->is_category);
        assert_true(model_input(again, AGE)->fingerprint == UINT64_MAX);
        assert_int_equal(model_kind(again), model_kind(models[k]));
        s = model_scratch_new(models[k], simd_best());
        t = model_scratch_new(again, simd_best());
        model_score(models[k], s, table.input, 0, ROWS, want, NULL);
        model_score(again, t, table.input, 0, ROWS, got, NULL);
        assert_memory_equal(got, want, sizeof got);
        model_scratch_free(s);
        model_scratch_free(t);
        model_free(again);
        buffer_fini(&b);
    }
}

static void what_stands_in_for_null_is_in_the_file(void **state)
{
    struct model *m = boost, *again = NULL;
    double fill = 41.5, with[1], without[1];
    struct model_scratch *s;
    struct column filled, empty;
    const struct column *in[8];
    struct value v = {.type = table.input[AGE]->type, .is_null = true};
    struct error e = {0};
    struct buffer b;

    (void)state;
    table_bytes(m, &b);
    assert_true(model_parse(b.bytes, b.length, &again, &e));
    assert_true(isnan(model_input(again, AGE)->fill));
    model_set_fill(again, AGE, fill);
    buffer_fini(&b);
    table_bytes(again, &b);
    model_free(again);
    again = NULL;
    assert_true(model_parse(b.bytes, b.length, &again, &e));
    assert_true(model_input(again, AGE)->fill == fill);
    assert_true(model_input_count(again) <= 8);
    for (uint32_t j = 0; j < model_input_count(again); j++)
        in[j] = table.input[j];
    column_init(&empty, v.type, 1);
    column_init(&filled, TYPE_REAL, 1);
    column_set(&empty, 0, &v);
    v = (struct value){.type = TYPE_REAL, .real = fill};
    column_set(&filled, 0, &v);
    s = model_scratch_new(again, simd_best());
    in[AGE] = &empty;
    model_score(again, s, in, 0, 1, with, NULL);
    in[AGE] = &filled;
    model_score(again, s, in, 0, 1, without, NULL);
    assert_true(with[0] == without[0]);
    column_fini(&empty);
    column_fini(&filled);
    model_scratch_free(s);
    model_free(again);
    buffer_fini(&b);
}

static const enum model_kind small_kinds[] = {MODEL_BOOST, MODEL_LOGISTIC, MODEL_NET};

/* With a conformal part of few steps. */
static struct model *uncertain(struct model *m)
{
    double margin[40];
    uint8_t label[40];
    struct conformal c;

    for (unsigned i = 0; i < 40; i++) {
        margin[i] = i / 4 * 0.5;
        label[i] = i / 4 % 2;
    }
    assert_true(conformal_fit(margin, label, 40, 0.9, &c));
    model_set_conformal(m, &c);
    return m;
}

/* A model small enough to try every bit of its file. */
static struct model *small_model(enum model_kind kind)
{
    struct dataset d = table.dataset;
    struct logistic_options l;
    struct boost_options o;
    struct net_options n;

    d.rows = 400;
    logistic_defaults(&l);
    boost_defaults(&o);
    o.trees = 3;
    o.leaves = 4;
    o.min_leaf_weight = 0;
    net_defaults(&n);
    n.units = 2;
    n.epochs = 1;
    return kind == MODEL_BOOST ? table_boost(&d, &o, NULL)
           : kind == MODEL_NET ? table_net(&d, &n, NULL)
                               : uncertain(table_logistic(&d, &l, NULL));
}

/* With all that a file may have at its end. */
static struct model *full_model(enum model_kind kind)
{
    struct dataset d = table.dataset;
    struct model *m = small_model(kind);

    d.rows = 400;
    if (kind != MODEL_LOGISTIC)
        return m;
    model_set_population(m, population_of(&d));
    model_set_rival(m, RIVAL_SHADOW, small_model(MODEL_BOOST));
    model_set_challenger_share(m, 0.25);
    return m;
}

static void every_truncation_and_bit_flip_is_refused(void **state)
{
    for (unsigned k = 0; k < 3; k++) {
        struct model *m = full_model(small_kinds[k]), *read = NULL;
        struct error e = {0};
        struct buffer b;

        table_bytes(m, &b);
        for (size_t n = 0; n < b.length; n++) {
            char *cut = mem_text(b.bytes, n); /* its own block, so that a sanitizer sees overruns */

            assert_false(model_parse(cut, n, &read, &e));
            assert_int_equal(e.kind, ERROR_INVALID);
            mem_free(cut);
        }
        for (size_t i = 0; i < 8 * b.length; i++) {
            b.bytes[i / 8] ^= (char)(1 << i % 8);
            assert_false(model_parse(b.bytes, b.length, &read, &e));
            assert_null(read);
            b.bytes[i / 8] ^= (char)(1 << i % 8);
        }
        buffer_add_char(&b, 0);
        assert_false(model_parse(b.bytes, b.length, &read, &e));
        buffer_fini(&b);
        model_free(m);
    }
}

static uint32_t little(const char *at)
{
    const uint8_t *b = (const uint8_t *)at;

    return b[0] | b[1] << 8 | b[2] << 16 | (uint32_t)b[3] << 24;
}

/* Makes all checksums right again; false where the sections no longer fit. */
static bool mend(char *bytes, size_t length)
{
    size_t at = 16;

    while (at + 12 <= length) {
        uint32_t size = little(bytes + at + 4), crc;

        if (size > length - at - 12)
            return false;
        crc = (uint32_t)crc32(0, (const Bytef *)bytes + at + 12, size);
        for (unsigned i = 0; i < 4; i++)
            bytes[at + 8 + i] = (char)(crc >> (8 * i));
        at += 12 + size;
    }
    return true;
}

/* What a liar can do who knows about checksums: refused, or a model that works. */
static void a_lying_file_does_no_harm(void **state)
{
    static const uint8_t lies[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    uint32_t accepted = 0;

    for (unsigned k = 0; k < 3; k++) {
        struct model *m = small_model(small_kinds[k]);
        struct error e = {0};
        struct buffer b;

        table_bytes(m, &b);
        for (size_t i = 16; i < b.length * sizeof lies; i++) {
            char *copy = mem_text(b.bytes, b.length);
            struct model *read = NULL;

            copy[i / sizeof lies] = (char)lies[i % sizeof lies];
            if (mend(copy, b.length) && model_parse(copy, b.length, &read, &e) &&
                memcmp(model_input(read, SHOP)->name, "shop", 4) == 0) {
                struct model_scratch *s = model_scratch_new(read, simd_best());
                double margin[8], contribution[TABLE_INPUTS], base;
                bool same = true;

                for (uint32_t j = 0; j < TABLE_INPUTS; j++)
                    same &= model_input(read, j)->is_category == (j == SHOP);
                if (same) {
                    model_score(read, s, table.input, 0, 8, margin, NULL);
                    model_explain(read, s, table.input, 3, contribution, &base);
                    for (unsigned j = 0; j < TABLE_INPUTS && small_kinds[k] == MODEL_NET; j++)
                        assert_true(isfinite(contribution[j]) && isfinite(margin[j]));
                    accepted++;
                }
                model_scratch_free(s);
            }
            model_free(read);
            mem_free(copy);
        }
        buffer_fini(&b);
        model_free(m);
    }
    assert_true(accepted > 0);
}

static void rivals_and_population_read_back(void **state)
{
    struct model *m = full_model(MODEL_LOGISTIC), *plain = small_model(MODEL_LOGISTIC), *again;
    struct conformal no_conformal = {0};
    struct buffer b, c, p;
    struct error e;

    model_set_conformal(plain, &no_conformal);
    table_bytes(m, &b);
    table_bytes(plain, &p);
    assert_true(model_parse(b.bytes, b.length, &again, &e));
    table_bytes(again, &c);
    assert_int_equal(b.length, c.length);
    assert_memory_equal(b.bytes, c.bytes, b.length);
    assert_int_equal(model_kind(model_rival(again, RIVAL_SHADOW)), MODEL_BOOST);
    assert_null(model_rival(again, RIVAL_CHALLENGER));
    assert_true(model_challenger_share(again) == 0.25);
    assert_null(model_population(model_rival(again, RIVAL_SHADOW)));
    /* behind the head with version and count they only follow */
    assert_int_equal(little(p.bytes + 8), 2);
    assert_int_equal(little(b.bytes + 8), MODEL_FORMAT_VERSION);
    assert_memory_equal(p.bytes + 16, b.bytes + 16, p.length - 16);
    model_free(m);
    model_free(plain);
    model_free(again);
    buffer_fini(&b);
    buffer_fini(&c);
    buffer_fini(&p);
}

static void a_foreign_or_newer_file_is_told_apart(void **state)
{
    struct model *read = NULL;
    struct buffer b;
    struct error e;

    assert_false(model_parse("PK\x03\x04 something", 14, &read, &e));
    assert_non_null(strstr(e.text, "not a model"));
    table_bytes(logistic, &b);
    b.bytes[8] = 99;
    assert_false(model_parse(b.bytes, b.length, &read, &e));
    assert_non_null(strstr(e.text, "version 99"));
    buffer_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_reads_back_to_the_same_bytes),
        cmocka_unit_test(what_stands_in_for_null_is_in_the_file),
        cmocka_unit_test(every_truncation_and_bit_flip_is_refused),
        cmocka_unit_test(a_lying_file_does_no_harm),
        cmocka_unit_test(rivals_and_population_read_back),
        cmocka_unit_test(a_foreign_or_newer_file_is_told_apart),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_models, free_models);
}

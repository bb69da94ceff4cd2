/* Models of other libraries: the golden rows of tests/golden/import, and files that are refused. */
#include "tests/unit/test.h"

#include <dirent.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/number.h"
#include "core/model/import.h"
#include "core/model/parts.h"

enum { CELLS_MAX = 64, FILE_MAX = 4 << 20 };

static char *read_file(const char *name, const char *suffix, size_t *length)
{
    char path[512];
    char *bytes = mem_array(FILE_MAX, 1);
    FILE *f;

    snprintf(path, sizeof path, "%s/tests/golden/import/%s%s", SOURCE_ROOT, name, suffix);
    f = fopen(path, "rb");
    assert_non_null(f);
    *length = fread(bytes, 1, FILE_MAX - 1, f);
    fclose(f);
    return bytes;
}

static struct import *parse(const char *name, const struct import_options *o)
{
    struct import *found = NULL;
    struct error e = {0};
    size_t length;
    char *bytes = read_file(name, ".model", &length);

    if (!import_parse(bytes, length, o, &found, &e))
        fail_msg("%s: %s", name, e.text);
    mem_free(bytes);
    return found;
}

/* Every used column becomes a feature of its own name, in the file's order. */
static struct model *model_of(struct import *found)
{
    struct import_feature *f = mem_array(found->inputs + 1, sizeof *f);
    struct error e = {0};
    struct model *m;
    uint32_t count = 0;

    for (uint32_t j = 0; j < found->inputs; j++) {
        if (found->input[j].is_used)
            f[count++] = (struct import_feature){text_of(found->input[j].name), j,
                                                 found->input[j].is_category, j};
    }
    m = import_model(found, f, count, &e);
    if (m == NULL)
        fail_msg("%s", e.text);
    mem_free(f);
    return m;
}

/* Through the bytes of our own file, so that it is the same after. */
static struct model *again(struct model *m)
{
    struct buffer first, second;
    struct model *read = NULL;
    struct error e = {0};

    buffer_init(&first, 8 << 20);
    buffer_init(&second, 8 << 20);
    model_format(m, &first);
    if (!model_parse(first.bytes, first.length, &read, &e))
        fail_msg("%s", e.text);
    model_format(read, &second);
    assert_int_equal(first.length, second.length);
    assert_memory_equal(first.bytes, second.bytes, first.length);
    buffer_fini(&first);
    buffer_fini(&second);
    model_free(m);
    return read;
}

/* ---- golden rows ---- */

struct table {
    char *bytes, *at;
    uint32_t cells;
    char *head[CELLS_MAX], *cell[CELLS_MAX];
};

static bool next_row(struct table *t, char **cell)
{
    char *end = strchr(t->at, '\n');

    if (end == NULL)
        return false;
    *end = 0;
    for (t->cells = 0; t->at != NULL; t->cells++) {
        assert_true(t->cells < CELLS_MAX);
        cell[t->cells] = strsep(&t->at, "\t");
    }
    t->at = end + 1;
    return true;
}

static double number(const char *cell)
{
    double v = NAN;

    if (cell[0] == 0 || strcmp(cell, "nan") == 0)
        return NAN;
    if (strcmp(cell, "inf") == 0)
        return INFINITY;
    if (strcmp(cell, "-inf") == 0)
        return -INFINITY;
    if (!number_parse_real(text_of(cell), '.', &v))
        fail_msg("no number: %s", cell);
    return v;
}

static const char *cell_of(const struct table *t, const char *head)
{
    for (uint32_t k = 0; k < t->cells; k++) {
        if (strcmp(t->head[k], head) == 0)
            return t->cell[k];
    }
    return NULL;
}

static void encode(const struct table *t, const struct model *m, double *x)
{
    for (uint32_t j = 0; j < m->inputs; j++) {
        const char *cell = cell_of(t, m->input[j].name);

        assert_non_null(cell);
        if (m->input[j].is_category)
            x[j] = cell[0] != 0 ? category_map_find(&m->category[j], text_of(cell)) : NAN;
        else
            x[j] = number(cell);
    }
}

/* How far from the library's margin a case may be. 0: not a bit. */
struct golden {
    const char *name;
    double margin;      /* relative to 1 + |margin| */
    double probability; /* absolute */
};

/* Trees are exact. Sums of dense layers may differ by an ulp of float32 a layer, since ONNX
 * Runtime's own order depends on the processor; probabilities are float32 there. */
static const struct golden goldens[] = {
    {"xgboost17_json", 0, 1e-7},
    {"xgboost17_logitraw", 0, 1e-7},
    {"xgboost17_dart", 0, 1e-7},
    {"xgboost17_category", 0, 1e-7},
    {"xgboost17_onehot", 0, 1e-7},
    {"xgboost17_linear", 0, 1e-7},
    {"xgboost32_ubj", 0, 1e-7},
    {"xgboost32_logitraw", 0, 1e-7},
    {"xgboost32_regression", 0, 1e-7},
    {"xgboost32_pruned", 0, 1e-7},
    {"xgboost32_pandas", 0, 1e-7},
    {"xgboost34_json", 0, 1e-7},
    {"xgboost34_dart", 0, 1e-7},
    {"lightgbm_nan", 0, 1e-15},
    {"lightgbm_zero", 0, 1e-15},
    {"lightgbm_none", 0, 1e-15},
    {"lightgbm_category", 0, 1e-15},
    {"lightgbm_onehot", 0, 1e-15},
    {"lightgbm_dart", 0, 1e-15},
    {"lightgbm_forest", 0, 1e-15},
    {"lightgbm_entropy", 0, 1e-15},
    {"lightgbm_pandas", 0, 1e-15},
    {"onnx_forest", 0, 0},
    {"onnx_boost", 0, 1e-7},
    {"onnx_normalizer", 0, 0},
    {"onnx_xgboost", 0, 1e-7},
    {"onnx_lightgbm", 0, 1e-7},
    {"onnx_modes_sum", 0, 0},
    {"onnx_modes_average", 0, 0},
    {"onnx_class_first", 0, 1e-7},
    {"onnx_class_second", 0, 0},
    {"onnx_norm_l1", 0, 0},
    {"onnx_norm_max", 0, 0},
    {"onnx_ordinal", 0, 0},
    {"onnx_logistic", 5e-7, 1.8e-7},
    {"onnx_onehot", 5e-7, 1.8e-7},
    {"onnx_net", 5e-7, 1.8e-7},
    {"onnx_keras", 5e-7, 1.8e-7},
};

static void check_shares(const struct table *t, const struct model *m, const double *share,
                         double base, double margin, const char *name)
{
    double sum = base;

    for (uint32_t j = 0; j < m->inputs; j++)
        sum += share[j];
    if (fabs(sum - margin) > 1e-6 * (1 + fabs(margin)))
        fail_msg("%s: base and contributions are %.9g, the margin %.9g", name, sum, margin);
    if (cell_of(t, "base") == NULL)
        return;
    for (uint32_t j = 0; j < m->inputs; j++) {
        char head[256];
        double want;

        snprintf(head, sizeof head, "shap:%s", m->input[j].name);
        want = number(cell_of(t, head));
        if (fabs(share[j] - want) > 2e-6 * (1 + fabs(want)))
            fail_msg("%s: contribution of %s is %.9g, expected %.9g", name, m->input[j].name,
                     share[j], want);
    }
    if (fabs(base - number(cell_of(t, "base"))) > 2e-6)
        fail_msg("%s: base is %.9g, expected %s", name, base, cell_of(t, "base"));
}

static void check_golden(const struct golden *g)
{
    struct import *found = parse(g->name, &(struct import_options){0});
    struct model *m = again(model_of(found));
    struct model_scratch *s = model_scratch_new(m, SIMD_SCALAR);
    double x[CELLS_MAX], share[CELLS_MAX], margin, worst = 0;
    uint32_t rows = 0;
    struct table t;
    size_t length;

    t.bytes = t.at = read_file(g->name, ".tsv", &length);
    assert_true(next_row(&t, t.head));
    while (next_row(&t, t.cell)) {
        double want = number(cell_of(&t, "margin")), p = number(cell_of(&t, "probability"));

        encode(&t, m, x);
        model_score_encoded(m, s, x, 1, &margin);
        worst = fmax(worst, fabs(margin - want) / (1 + fabs(want)));
        if (!(fabs(margin - want) <= g->margin * (1 + fabs(want))))
            fail_msg("%s: row %u: margin %.17g, expected %.17g", g->name, rows, margin, want);
        if (!(fabs(model_probability(m, margin) - p) <= g->probability))
            fail_msg("%s: row %u: probability %.17g, expected %.17g", g->name, rows,
                     model_probability(m, margin), p);
        memset(share, 0, sizeof share);
        check_shares(&t, m, share, model_explain_encoded(m, s, x, share), margin, g->name);
        rows++;
    }
    assert_true(rows >= 50);
    mem_free(t.bytes);
    model_scratch_free(s);
    model_free(m);
    import_free(found);
}

static void imports_give_the_library_s_margins(void **state)
{
    for (size_t i = 0; i < sizeof goldens / sizeof *goldens; i++)
        check_golden(&goldens[i]);
}

/* ---- what is asked for ---- */

static void rounds_can_be_chosen(void **state)
{
    struct import *all = parse("xgboost17_json", &(struct import_options){0});
    struct import *some = parse("xgboost17_json", &(struct import_options){.iterations = 4});
    struct import *trees = parse("lightgbm_nan", &(struct import_options){.iterations = 3});

    assert_int_equal(all->body->trees.trees, 9);
    assert_int_equal(some->body->trees.trees, 4);
    assert_int_equal(trees->body->trees.trees, 3);
    import_free(all);
    import_free(some);
    import_free(trees);
}

static void every_used_column_must_have_a_feature(void **state)
{
    struct import *found = parse("lightgbm_pandas", &(struct import_options){0});
    struct import_feature f[] = {{text_of("amount"), 0, false, 1},
                                 {text_of("shop"), 1, true, 2},
                                 {text_of("plan"), 2, false, 3}};
    struct error e = {0};

    assert_null(import_model(found, f, 2, &e));
    assert_non_null(strstr(e.text, "\"plan\" of the model has no feature"));
    f[2].column = 0;
    assert_null(import_model(found, f, 3, &e));
    assert_non_null(strstr(e.text, "given twice"));
    f[2].column = 2;
    f[1].is_category = false;
    assert_null(import_model(found, f, 3, &e));
    assert_non_null(strstr(e.text, "takes texts"));
    import_free(found);
}

/* ---- hostile files ---- */

static void refuse(const char *bytes, size_t length, const char *words)
{
    struct import *found = NULL;
    struct error e = {0};

    if (import_parse(bytes, length, &(struct import_options){0}, &found, &e))
        fail_msg("taken, but expected \"%s\"", words);
    if (strstr(e.text, words) == NULL)
        fail_msg("refused with \"%s\", expected \"%s\"", e.text, words);
    assert_null(found);
}

/* A file with `old` replaced once, which must be refused. */
static void refuse_changed(const char *name, const char *old, const char *new, const char *words)
{
    size_t length, old_length = strlen(old), new_length = strlen(new);
    char *bytes = read_file(name, ".model", &length);
    char *at = memmem(bytes, length, old, old_length);
    char *changed = mem_array(length + new_length + 1, 1);
    size_t head;

    if (at == NULL)
        fail_msg("%s has no %s", name, old);
    head = (size_t)(at - bytes);
    memcpy(changed, bytes, head);
    memcpy(changed + head, new, new_length);
    memcpy(changed + head + new_length, at + old_length, length - head - old_length);
    refuse(changed, length - old_length + new_length, words);
    mem_free(bytes);
    mem_free(changed);
}

static void hostile_xgboost_is_refused(void **state)
{
    const char *name = "xgboost17_json";

    refuse("{", 1, "neither XGBoost");
    refuse("{\"learner\":", 11, "not valid JSON");
    refuse("{\"a\":1}", 7, "\"learner\" is missing");
    refuse_changed(name, "\"left_children\":[1,", "\"left_children\":[0,", "leads to node 0");
    refuse_changed(name, "\"left_children\":[1,", "\"left_children\":[99,",
                   "no whole number from -1");
    refuse_changed(name, "\"left_children\":[1,", "\"left_children\":[2,", "another leads too");
    refuse_changed(name, "\"split_indices\":[", "\"split_indices\":[7000000000,", "items where");
    refuse_changed(name, "\"num_nodes\":\"", "\"num_nodes\":\"9999999", "taken");
    refuse_changed(name, "\"num_feature\":\"4\",\"num_target\"",
                   "\"num_feature\":\"2\",\"num_target\"", "not as long");
    refuse_changed(name, "\"split_conditions\":[", "\"split_conditions\":[NaN,", "items where");
    refuse_changed(name, "\"base_score\":\"2E-1\"", "\"base_score\":\"[2E-1,1E-1]\"",
                   "more than one");
    refuse_changed(name, "\"base_score\":\"2E-1\"", "\"base_score\":\"2\"", "between 0 and 1");
    refuse_changed(name, "\"num_class\":\"0\"", "\"num_class\":\"3\"", "num_class");
    refuse_changed(name, "binary:logistic", "multi:softprob", "multi:softprob");
    refuse_changed(name, "binary:logistic", "count:poisson", "count:poisson");
    refuse_changed(name, "\"name\":\"gbtree\"", "\"name\":\"gbforest\"", "gbforest");
    refuse_changed(name, "\"version\":[1,", "\"version\":[0,", "version");
    refuse_changed(name, "\"size_leaf_vector\":\"0\"}},{", "\"size_leaf_vector\":\"3\"}},{",
                   "size_leaf_vector");
    refuse_changed("xgboost17_dart", "\"weight_drop\":[", "\"weight_drop\":[1.0,", "weight_drop");
    refuse_changed("xgboost17_onehot", "\"categories\":[10]", "\"categories\":[16777216]",
                   "categories");
    refuse_changed("xgboost17_onehot", "\"categories_sizes\":[1]", "\"categories_sizes\":[2]",
                   "categories_sizes");
}

static void hostile_ubjson_is_refused(void **state)
{
    char deep[400];

    /* {"a": [ a typed array that claims 10^18 items */
    refuse("{i\1a[$d#L\x0d\xe0\xb6\xb3\xa7\x64\x00\x00}", 19, "greater than the file");
    refuse("{i\1a[$Z#i\x7f}", 13, "no type that takes bytes");
    refuse("{i\1aH", 5, "expected a whole number");
    refuse("{i\1aSi\x7fzz", 9, "greater than the file");
    refuse("{i\xff", 3, "negative");
    memset(deep, '[', sizeof deep);
    memcpy(deep, "{i\1a", 4);
    refuse(deep, sizeof deep, "nested too deep");
    refuse("{i\1aTi\1aF}", 11, "twice");
}

static void hostile_lightgbm_is_refused(void **state)
{
    const char *name = "lightgbm_nan";

    refuse("tree\nversion=v4\n", 16, "end of trees");
    refuse("tree\nversion=v9\nend of trees\n", 29, "none of v2, v3 and v4");
    refuse_changed(name, "num_leaves=7", "num_leaves=1000000000", "num_leaves");
    refuse_changed(name, "num_leaves=7", "num_leaves=1000000", "too few");
    refuse_changed(name, "num_leaves=7", "num_leaves=6", "too many");
    refuse_changed(name, "left_child=1", "left_child=0", "leads to");
    refuse_changed(name, "left_child=1", "left_child=6", "not there");
    refuse_changed(name, "left_child=1", "left_child=-8", "not there");
    refuse_changed(name, "split_feature=0", "split_feature=4", "not there");
    refuse_changed(name, "threshold=", "threshold=nan ", "no number");
    refuse_changed(name, "decision_type=", "decision_type=12 ", "too many");
    refuse_changed(name, "is_linear=0", "is_linear=1", "linear");
    refuse_changed(name, "objective=binary", "objective=multiclass", "multiclass");
    refuse_changed(name, "num_class=1", "num_class=3", "num_class");
    refuse_changed(name, "max_feature_idx=3", "max_feature_idx=1000000000", "max_feature_idx");
    refuse_changed(name, "max_feature_idx=3", "max_feature_idx=4", "fewer names");
    refuse_changed("lightgbm_category", "cat_boundaries=0 ", "cat_boundaries=1 ", "ascend");
    refuse_changed("lightgbm_category", "cat_threshold=", "cat_threshold=-1 ", "too many");
    refuse_changed("lightgbm_pandas", "pandas_categorical:[", "pandas_categorical:[[],", "lists");
}

static void hostile_onnx_is_refused(void **state)
{
    size_t length;
    char *bytes;

    refuse("\x08\x08\xff\xff\xff\xff", 6, "cut");
    refuse("\x08\x08\x3a\x7f", 4, "cut");
    refuse("\x08\x08", 2, "no graph");
    refuse_changed("onnx_forest", "BRANCH_LEQ", "BRANCH_LEX", "mode");
    refuse_changed("onnx_modes_sum", "TreeEnsembleRegressor", "TreeEnsembleRegressoR",
                   "TreeEnsembleRegressoR is an operator that is not computed");
    refuse_changed("onnx_modes_average", "AVERAGE", "MINIMUM", "MINIMUM");
    refuse_changed("onnx_boost", "LOGISTIC", "SOFTMAXX", "SOFTMAXX");
    /* Cut anywhere, it is refused or, cut in its notes, taken; it never reads past its end. */
    bytes = read_file("onnx_forest", ".model", &length);
    for (size_t cut = 2; cut < length; cut += 97) {
        char *exact = mem_text(bytes, cut);
        struct import *found = NULL;
        struct error e;

        if (import_parse(exact, cut, &(struct import_options){0}, &found, &e))
            import_free(found);
        mem_free(exact);
    }
    mem_free(bytes);
}

/* A chain of splits one deeper than is taken. */
static void a_tree_too_deep_is_refused(void **state)
{
    for (uint32_t depth = IMPORTED_DEPTH_MAX; depth <= IMPORTED_DEPTH_MAX + 1; depth++) {
        struct imported *m = imported_new(1);
        struct imported_node *n;
        struct error e = {0};

        m->is_trees = true;
        imported_add_column(m, 0);
        n = imported_add_tree(m, 2 * depth + 1);
        for (uint32_t i = 0; i < depth; i++) {
            n[2 * i].test = TEST_LESS;
            n[2 * i].left = 2 * i + 1;
            n[2 * i].right = 2 * i + 2;
        }
        assert_int_equal(imported_finish(m, &e), depth == IMPORTED_DEPTH_MAX);
        assert_true(depth == IMPORTED_DEPTH_MAX || strstr(e.text, "deeper than 128") != NULL);
        if (depth == IMPORTED_DEPTH_MAX) {
            double x = 1, share = 0, *work = mem_array(imported_work(m) + 1, sizeof *work);

            n[2 * depth].threshold = 3;
            assert_true(fabs(imported_explain(m, &x, &share, work) + share - 3) < 1e-9);
            mem_free(work);
        }
        imported_free(m);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(imports_give_the_library_s_margins),
    cmocka_unit_test(rounds_can_be_chosen),
    cmocka_unit_test(every_used_column_must_have_a_feature),
    cmocka_unit_test(hostile_xgboost_is_refused),
    cmocka_unit_test(hostile_ubjson_is_refused),
    cmocka_unit_test(hostile_lightgbm_is_refused),
    cmocka_unit_test(hostile_onnx_is_refused),
    cmocka_unit_test(a_tree_too_deep_is_refused),
};

int main(void)
{
    return RUN(tests);
}

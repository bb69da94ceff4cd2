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

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(imports_give_the_library_s_margins),
};

int main(void)
{
    return RUN(tests);
}

#include "core/model/model.h"

#include <string.h>

#include "core/base/elementary.h"
#include "core/base/panic.h"
#include "core/model/linear.h"
#include "core/model/parts.h"
#include "core/model/ranks.h"
#include "core/model/shap.h"

struct model_scratch {
    enum simd level;
    double *x;       /* RANK_BLOCK encoded rows */
    uint16_t *ranks; /* the same rows, ranked */
};

const char *model_kind_name(enum model_kind kind)
{
    static const char *const names[] = {"logistic", "boost"};

    return names[kind];
}

struct model *model_new(enum model_kind kind, uint32_t inputs)
{
    struct model *m = mem_alloc(sizeof *m);
    struct model_linear *l = &m->linear;

    ASSERT(inputs <= MODEL_INPUTS_MAX);
    *m = (struct model){.kind = kind, .inputs = inputs, .slope = 1};
    m->input = mem_array(inputs + 1, sizeof *m->input);
    m->category = mem_array(inputs + 1, sizeof *m->category);
    model_set_notes(m, &(struct model_notes){(char *)"", (char *)"", (char *)""});
    if (kind == MODEL_LOGISTIC) {
        l->mean = mem_array(inputs + 1, sizeof *l->mean);
        l->weight = mem_array(inputs + 1, sizeof *l->weight);
        l->present = mem_array(inputs + 1, sizeof *l->present);
        l->missing = mem_array(inputs + 1, sizeof *l->missing);
    }
    return m;
}

void model_set_input(struct model *m, uint32_t index, struct text name, bool is_category,
                     uint64_t fingerprint)
{
    struct model_input *input = &m->input[index];

    mem_free(input->name);
    *input = (struct model_input){mem_text(name.bytes, name.length), is_category, fingerprint};
}

void model_forest_reserve(struct model *m, uint32_t trees, uint32_t nodes)
{
    struct model_forest *f = &m->forest;

    f->trees = trees;
    f->first = mem_array((size_t)trees + 1, sizeof *f->first);
    f->node = mem_array((size_t)nodes + 1, sizeof *f->node);
}

bool model_finish(struct model *m, struct error *e)
{
    if (m->kind != MODEL_BOOST)
        return true;
    m->ranks = forest_ranks_new(m, e);
    if (m->ranks == NULL)
        return false;
    m->shap = shap_rule_new(&m->forest);
    return true;
}

static void free_notes(struct model_notes *n)
{
    mem_free(n->settings);
    mem_free(n->metrics);
    mem_free(n->data);
}

void model_free(struct model *m)
{
    if (m == NULL)
        return;
    for (uint32_t j = 0; j < m->inputs; j++) {
        mem_free(m->input[j].name);
        category_map_fini(&m->category[j]);
    }
    mem_free(m->input);
    mem_free(m->category);
    free_notes(&m->notes);
    mem_free(m->linear.mean);
    mem_free(m->linear.weight);
    mem_free(m->linear.present);
    mem_free(m->linear.missing);
    mem_free(m->forest.first);
    mem_free(m->forest.node);
    forest_ranks_free(m->ranks);
    shap_rule_free(m->shap);
    mem_free(m);
}

enum model_kind model_kind(const struct model *m)
{
    return m->kind;
}

uint32_t model_input_count(const struct model *m)
{
    return m->inputs;
}

const struct model_input *model_input(const struct model *m, uint32_t index)
{
    ASSERT(index < m->inputs);
    return &m->input[index];
}

uint32_t model_tree_count(const struct model *m)
{
    return m->forest.trees;
}

const struct model_notes *model_notes(const struct model *m)
{
    return &m->notes;
}

void model_set_notes(struct model *m, const struct model_notes *n)
{
    struct model_notes copy = {mem_text(n->settings, strlen(n->settings)),
                               mem_text(n->metrics, strlen(n->metrics)),
                               mem_text(n->data, strlen(n->data))};

    free_notes(&m->notes);
    m->notes = copy;
}

void model_set_calibration(struct model *m, double slope, double offset)
{
    ASSERT(__builtin_isfinite(slope) && __builtin_isfinite(offset));
    m->slope = slope;
    m->offset = offset;
}

struct model_scratch *model_scratch_new(const struct model *m, enum simd level)
{
    struct model_scratch *s = mem_alloc(sizeof *s);

    s->level = level;
    s->x = mem_array((size_t)RANK_BLOCK * m->inputs + 1, sizeof *s->x);
    if (m->ranks != NULL)
        s->ranks = mem_array((size_t)RANK_BLOCK * forest_ranks_stride(m->ranks) + RANK_PADDING,
                             sizeof *s->ranks);
    return s;
}

void model_scratch_free(struct model_scratch *s)
{
    if (s == NULL)
        return;
    mem_free(s->x);
    mem_free(s->ranks);
    mem_free(s);
}

static void score_forest(const struct model *m, struct model_scratch *s, const double *x,
                         uint32_t rows, double *margin)
{
    uint32_t stride = forest_ranks_stride(m->ranks);
    int64_t sum[RANK_BLOCK];

    for (uint32_t i = 0; i < rows; i++) {
        forest_ranks_of(m->ranks, x + (size_t)i * m->inputs, s->ranks + (size_t)i * stride);
        sum[i] = m->forest.base;
    }
    forest_walk(m->ranks, s->ranks, rows, sum, s->level);
    for (uint32_t i = 0; i < rows; i++)
        margin[i] = (double)sum[i] * (1.0 / (double)LEAF_ONE);
}

/* At most RANK_BLOCK rows. */
static void score_block(const struct model *m, struct model_scratch *s, const double *x,
                        uint32_t rows, double *margin)
{
    if (m->kind == MODEL_BOOST) {
        score_forest(m, s, x, rows, margin);
        return;
    }
    for (uint32_t i = 0; i < rows; i++)
        margin[i] = linear_margin(&m->linear, m->inputs, x + (size_t)i * m->inputs);
}

void model_score_encoded(const struct model *m, struct model_scratch *s, const double *x,
                         uint32_t rows, double *margin)
{
    for (uint32_t at = 0; at < rows; at += RANK_BLOCK) {
        uint32_t n = rows - at < RANK_BLOCK ? rows - at : RANK_BLOCK;

        score_block(m, s, x + (size_t)at * m->inputs, n, margin + at);
    }
}

void model_score(const struct model *m, struct model_scratch *s, const struct column *const *inputs,
                 uint32_t first, uint32_t rows, double *margin, double *probability)
{
    double block[RANK_BLOCK];

    for (uint32_t at = 0; at < rows; at += RANK_BLOCK) {
        uint32_t n = rows - at < RANK_BLOCK ? rows - at : RANK_BLOCK;

        model_encode(m, inputs, NULL, first + at, n, s->x);
        score_block(m, s, s->x, n, block);
        if (margin != NULL)
            memcpy(margin + at, block, n * sizeof *block);
        for (uint32_t i = 0; i < n && probability != NULL; i++)
            probability[at + i] = em_sigmoid(m->slope * block[i] + m->offset);
    }
}

void model_explain(const struct model *m, struct model_scratch *s,
                   const struct column *const *inputs, uint32_t row, double *contribution,
                   double *base)
{
    model_encode(m, inputs, NULL, row, 1, s->x);
    for (uint32_t j = 0; j < m->inputs; j++)
        contribution[j] = 0;
    if (m->kind == MODEL_BOOST) {
        *base = shap_explain(m, s->x, contribution);
        return;
    }
    *base = m->linear.bias;
    for (uint32_t j = 0; j < m->inputs; j++)
        contribution[j] = linear_term(&m->linear, j, s->x[j]);
}

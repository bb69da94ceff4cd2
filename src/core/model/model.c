#include "core/model/model.h"

#include <math.h>
#include <string.h>

#include "core/base/panic.h"
#include "core/model/imported.h"
#include "core/model/kind.h"
#include "core/model/population.h"

struct model_scratch {
    const struct model *model;
    double *x; /* a block of encoded rows */
    void *own; /* the kind's */
};

static const struct model_operations *const model_kinds[MODEL_KINDS] = {
    [MODEL_LOGISTIC] = &logistic_operations, [MODEL_BOOST] = &boost_operations,
    [MODEL_FOREST] = &forest_operations,     [MODEL_ISOLATION] = &isolation_operations,
    [MODEL_NET] = &net_operations,           [MODEL_VOTE] = &vote_operations,
    [MODEL_STACK] = &stack_operations,       [MODEL_IMPORTED] = &imported_operations,
};

const struct model_operations *model_operations(const struct model *m)
{
    return model_kinds[m->kind];
}

const char *model_kind_name(enum model_kind kind)
{
    return model_kinds[kind]->name;
}

bool model_kind_find(const char *name, enum model_kind *kind)
{
    for (unsigned k = 0; k < MODEL_KINDS; k++) {
        if (strcmp(model_kinds[k]->name, name) != 0)
            continue;
        *kind = (enum model_kind)k;
        return true;
    }
    return false;
}

struct model *model_new(enum model_kind kind, uint32_t inputs)
{
    struct model *m = mem_alloc(sizeof *m);

    ASSERT(inputs <= MODEL_INPUTS_MAX);
    *m = (struct model){.kind = kind, .inputs = inputs, .width = inputs, .block = MODEL_BLOCK};
    m->input = mem_array(inputs + 1, sizeof *m->input);
    m->category = mem_array(inputs + 1, sizeof *m->category);
    model_set_notes(m, &(struct model_notes){(char *)"", (char *)"", (char *)""});
    if (model_kinds[kind]->open != NULL)
        model_kinds[kind]->open(m);
    return m;
}

void model_set_input(struct model *m, uint32_t index, struct text name, bool is_category,
                     uint64_t fingerprint)
{
    struct model_input *input = &m->input[index];

    mem_free(input->name);
    *input = (struct model_input){mem_text(name.bytes, name.length), is_category, fingerprint, NAN};
}

void model_set_fill(struct model *m, uint32_t index, double fill)
{
    m->input[index].fill = fill;
}

void model_forest_reserve(struct model *m, uint32_t trees, uint32_t nodes)
{
    struct model_forest *f = &m->forest;

    f->trees = trees;
    f->first = mem_array((size_t)trees + 1, sizeof *f->first);
    f->node = mem_array((size_t)nodes + 1, sizeof *f->node);
}

void model_add_member(struct model *m, struct model *member, double weight)
{
    struct model_members *s = &m->members;

    ASSERT(s->count < MODEL_MEMBERS_MAX && member->inputs == m->inputs);
    s->model[s->count] = member;
    s->weight[s->count++] = weight;
}

bool model_finish(struct model *m, struct error *e)
{
    const struct model_operations *o = model_operations(m);

    return o->finish == NULL || o->finish(m, e);
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
    calibration_free(&m->calibration);
    conformal_free(&m->conformal);
    population_free(m->population);
    for (int r = 0; r < MODEL_RIVALS; r++)
        model_free(m->rival[r]);
    model_operations(m)->close(m);
    mem_free(m);
}

const struct model *model_rival(const struct model *m, enum model_rival r)
{
    return m->rival[r];
}

double model_challenger_share(const struct model *m)
{
    return m->challenger_share;
}

void model_set_rival(struct model *m, enum model_rival r, struct model *rival)
{
    char empty[] = "";
    const struct model_notes none = {empty, empty, empty};
    struct conformal no_conformal = {0};

    model_set_conformal(rival, &no_conformal);
    model_set_population(rival, NULL);
    model_set_notes(rival, &none);
    model_free(m->rival[r]);
    m->rival[r] = rival;
}

void model_set_challenger_share(struct model *m, double share)
{
    m->challenger_share = share;
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
    return m->imported != NULL ? m->imported->trees.trees : m->forest.trees;
}

uint32_t model_member_count(const struct model *m)
{
    return m->members.count;
}

const struct model *model_member(const struct model *m, uint32_t index)
{
    ASSERT(index < m->members.count);
    return m->members.model[index];
}

double model_member_weight(const struct model *m, uint32_t index)
{
    ASSERT(index < m->members.count);
    return m->members.weight[index];
}

const struct model *model_base(const struct model *m, uint32_t k)
{
    for (uint32_t i = 0; i < m->members.count; i++) {
        uint32_t bases = m->members.model[i]->width / m->inputs;

        if (k < bases)
            return model_base(m->members.model[i], k);
        k -= bases;
    }
    ASSERT(k == 0 && m->members.count == 0);
    return m;
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

struct model_scratch *model_scratch_new(const struct model *m, enum simd level)
{
    const struct model_operations *o = model_operations(m);
    struct model_scratch *s = mem_alloc(sizeof *s);

    s->model = m;
    s->x = mem_array((size_t)m->block * m->width + 1, sizeof *s->x);
    if (o->scratch_new != NULL)
        s->own = o->scratch_new(m, level);
    return s;
}

void model_scratch_free(struct model_scratch *s)
{
    if (s == NULL)
        return;
    if (s->own != NULL)
        model_operations(s->model)->scratch_free(s->model, s->own);
    mem_free(s->x);
    mem_free(s);
}

/* By explaining a row: whatever a kind makes, it has made then. */
void model_scratch_prepare(struct model_scratch *s)
{
    double *contribution = mem_array((size_t)s->model->inputs + 1, sizeof *contribution);

    memset(s->x, 0, s->model->width * sizeof *s->x);
    model_explain_encoded(s->model, s, s->x, contribution);
    mem_free(contribution);
}

void model_score_encoded(const struct model *m, struct model_scratch *s, const double *x,
                         uint32_t rows, double *margin)
{
    for (uint32_t at = 0; at < rows; at += m->block) {
        uint32_t n = rows - at < m->block ? rows - at : m->block;

        model_operations(m)->score(m, s->own, x + (size_t)at * m->width, n, margin + at);
    }
}

void model_score(const struct model *m, struct model_scratch *s, const struct column *const *inputs,
                 uint32_t first, uint32_t rows, double *margin, double *probability)
{
    double block[MODEL_BLOCK_LARGE];

    for (uint32_t at = 0; at < rows; at += m->block) {
        uint32_t n = rows - at < m->block ? rows - at : m->block;

        model_encode(m, inputs, NULL, first + at, n, s->x);
        model_score_encoded(m, s, s->x, n, block);
        if (margin != NULL)
            memcpy(margin + at, block, n * sizeof *block);
        for (uint32_t i = 0; i < n && probability != NULL; i++)
            probability[at + i] = model_probability(m, block[i]);
    }
}

void model_score_rows(const struct model *m, struct model_scratch *s,
                      const struct column *const *inputs, const uint32_t *row, uint32_t rows,
                      double *margin)
{
    for (uint32_t at = 0; at < rows; at += m->block) {
        uint32_t n = rows - at < m->block ? rows - at : m->block;

        model_encode(m, inputs, row, at, n, s->x);
        model_score_encoded(m, s, s->x, n, margin + at);
    }
}

double model_explain_encoded(const struct model *m, struct model_scratch *s, const double *x,
                             double *contribution)
{
    return model_operations(m)->explain(m, s->own, x, contribution);
}

void model_explain(const struct model *m, struct model_scratch *s,
                   const struct column *const *inputs, uint32_t row, double *contribution,
                   double *base)
{
    model_encode(m, inputs, NULL, row, 1, s->x);
    for (uint32_t j = 0; j < m->inputs; j++)
        contribution[j] = 0;
    *base = model_explain_encoded(m, s, s->x, contribution);
}

void model_explain_rows(const struct model *m, enum simd level, const struct column *const *inputs,
                        const uint32_t *row, uint32_t rows, double *contribution, double *base)
{
    const struct model_operations *o = model_operations(m);
    double *x = mem_array((size_t)rows * m->width + 1, sizeof *x);
    struct model_scratch *s;

    model_encode(m, inputs, row, 0, rows, x);
    memset(contribution, 0, (size_t)rows * m->inputs * sizeof *contribution);
    memset(base, 0, rows * sizeof *base);
    if (o->explain_rows == NULL || !o->explain_rows(m, level, x, rows, contribution, base)) {
        s = model_scratch_new(m, level);
        for (uint32_t i = 0; i < rows; i++)
            base[i] = model_explain_encoded(m, s, x + (size_t)i * m->width,
                                            contribution + (size_t)i * m->inputs);
        model_scratch_free(s);
    }
    mem_free(x);
}

const struct conformal *model_conformal(const struct model *m)
{
    return m->conformal.level > 0 ? &m->conformal : NULL;
}

void model_set_conformal(struct model *m, struct conformal *c)
{
    conformal_free(&m->conformal);
    m->conformal = *c;
    *c = (struct conformal){0};
}

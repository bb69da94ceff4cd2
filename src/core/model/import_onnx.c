/* ONNX graphs: what prepares the inputs, one core, and the link to a probability.
 *
 * The graph is not run but read, from its inputs to the one output that is asked for. A tensor is a
 * constant, columns made of the inputs one by one, or the score so far; an operator that makes
 * something else of them is refused by its name. Operators that the output does not need (labels)
 * are not looked at.
 *
 * Numbers are float32 where the graph's are, each result rounded as ONNX Runtime rounds it. Dense
 * layers are the exception: its sums depend on the processor, here they are exact before they are
 * rounded.
 */
#include "core/model/import_onnx.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/memory.h"
#include "core/model/parts.h"

enum { VALUES_MAX = ONNX_LINKS_MAX + ONNX_CONSTANTS_MAX + 2 * ONNX_PORTS_MAX };

bool graph_refuse(const struct graph *g, const char *what)
{
    return error_set(g->e, ERROR_INVALID, "%.*s %s",
                     (int)(g->node->op.length < 60 ? g->node->op.length : 60), g->node->op.bytes,
                     what);
}

static void *room(struct graph *g, size_t count, size_t item)
{
    void *at = arena_alloc(&g->o->memory, count * item + 1);

    if (at == NULL)
        error_set(g->e, ERROR_FULL, "the file needs more than %d MiB of memory",
                  ONNX_MEMORY_MAX >> 20);
    return at;
}

/* ---- attributes ---- */

bool graph_list(const struct graph *g, const char *name, uint32_t count, const double **list)
{
    const struct onnx_attribute *a = onnx_attribute(g->node, name);

    *list = a != NULL ? a->numbers : NULL;
    if (count == 0 || (a != NULL && a->numbers != NULL && a->count == count))
        return true;
    return error_set(g->e, ERROR_INVALID, "%.*s: attribute %s has %u numbers where %u are expected",
                     TEXT_ARG(g->node->op), name, a != NULL && a->numbers != NULL ? a->count : 0,
                     count);
}

struct text graph_word(const struct graph *g, const char *name, const char *absent)
{
    const struct onnx_attribute *a = onnx_attribute(g->node, name);

    return a != NULL && a->text.length > 0 ? a->text : text_of(absent);
}

double graph_number(const struct graph *g, const char *name, double absent)
{
    const struct onnx_attribute *a = onnx_attribute(g->node, name);

    return a != NULL ? a->number : absent;
}

/* ---- values ---- */

static struct symbol *find_value(struct graph *g, struct text name)
{
    for (uint32_t i = g->values; i-- > 0;) {
        if (text_equal(g->value[i].name, name))
            return &g->value[i];
    }
    return NULL;
}

static bool add_value(struct graph *g, struct text name, const struct symbol *v)
{
    if (g->values == VALUES_MAX)
        return error_set(g->e, ERROR_INVALID, "it has over %d tensors", VALUES_MAX);
    g->value[g->values] = *v;
    g->value[g->values++].name = name;
    return true;
}

static bool input_of(struct graph *g, uint32_t i, struct symbol **v)
{
    struct text name;

    if (i >= g->node->inputs)
        return graph_refuse(g, "has too few inputs");
    name = g->node->input[i];
    *v = find_value(g, name);
    if (*v == NULL)
        return error_set(g->e, ERROR_INVALID, "%.*s takes \"%.*s\", which nothing before it makes",
                         TEXT_ARG(g->node->op), (int)(name.length < 60 ? name.length : 60),
                         name.bytes);
    return true;
}

static bool constant_of(struct graph *g, uint32_t i, const struct onnx_tensor **t)
{
    struct symbol *v;

    if (!input_of(g, i, &v))
        return false;
    if (v->kind != VALUE_CONSTANT || v->constant->number == NULL)
        return graph_refuse(g, "needs numbers that are constant");
    *t = v->constant;
    return true;
}

/* ---- columns ---- */

static bool is_single(const struct symbol *v)
{
    return v->type == ONNX_FLOAT;
}

/* A copy of the columns with room for one more step each. */
static bool copy_columns(struct graph *g, const struct symbol *from, enum onnx_type type,
                         struct symbol *to)
{
    *to = (struct symbol){.kind = VALUE_COLUMNS, .type = type, .columns = from->columns};
    to->column = room(g, from->columns, sizeof *to->column);
    for (uint32_t i = 0; i < from->columns && to->column != NULL; i++)
        to->column[i] = from->column[i];
    return to->column != NULL;
}

static bool add_step(struct graph *g, struct draft *d, const struct imported_step *s)
{
    enum { COLUMN_STEPS_MAX = 64 };
    struct imported_step *step;

    if (d->steps == COLUMN_STEPS_MAX)
        return graph_refuse(g, "comes after too many others on one column");
    step = room(g, d->steps + 1, sizeof *step);
    if (step == NULL)
        return false;
    for (uint32_t i = 0; i < d->steps; i++)
        step[i] = d->step[i];
    step[d->steps++] = *s;
    d->step = step;
    return true;
}

static bool is_text(const struct symbol *v)
{
    return v->type == ONNX_STRING;
}

static bool number_columns(struct graph *g, uint32_t i, struct symbol **v)
{
    if (!input_of(g, i, v))
        return false;
    if ((*v)->kind != VALUE_COLUMNS || is_text(*v) || (*v)->norm != NORM_NONE)
        return graph_refuse(g, "is not computed of what it is given");
    return true;
}

/* ---- the core ---- */

bool graph_begin_core(struct graph *g, const struct symbol *in)
{
    struct imported *m = g->found->body;

    if (g->has_core)
        return graph_refuse(g, "is a second model in the graph: one is taken");
    if (in->kind != VALUE_COLUMNS || is_text(in) || in->columns == 0)
        return graph_refuse(g, "is not computed of what it is given");
    if (in->columns > IMPORTED_COLUMNS_MAX)
        return graph_refuse(g, "has too many columns");
    g->has_core = true;
    m->norm = (uint8_t)in->norm;
    for (uint32_t i = 0; i < in->columns; i++) {
        imported_add_column(m, in->column[i].input);
        if (m->steps + in->column[i].steps > IMPORTED_STEPS_MAX)
            return graph_refuse(g, "has too many steps before it");
        for (uint32_t k = 0; k < in->column[i].steps; k++)
            imported_add_step(m, &in->column[i].step[k]);
    }
    return true;
}

/* Layers take what is missing as zero. */
static bool begin_layers(struct graph *g, const struct symbol *in)
{
    struct symbol filled;

    if (in->kind != VALUE_COLUMNS || is_text(in))
        return graph_refuse(g, "is not computed of what it is given");
    if (!copy_columns(g, in, in->type, &filled))
        return false;
    filled.norm = in->norm;
    for (uint32_t i = 0; i < filled.columns; i++) {
        if (!add_step(g, &filled.column[i], &(struct imported_step){.kind = STEP_FILL}))
            return false;
    }
    return graph_begin_core(g, &filled);
}

/* A layer upon the score so far, or the first upon columns. A link that something follows is a
 * layer too. */
static bool continue_core(struct graph *g, const struct symbol *in, uint32_t *width)
{
    struct imported *m = g->found->body;

    if (in->kind == VALUE_COLUMNS) {
        *width = in->columns;
        return begin_layers(g, in);
    }
    if (in->kind != VALUE_SCORE || m->is_trees || in->is_pair || in->is_complement ||
        in->link == LINK_SOFTMAX || in->layers != m->layers)
        return graph_refuse(g, "is not computed of what it is given");
    if (m->layers + 2 > IMPORTED_LAYERS_MAX)
        return graph_refuse(g, "is one layer too many");
    *width = in->width;
    if (in->link == LINK_SIGMOID)
        imported_add_layer(m, LAYER_SIGMOID, *width, *width)->is_single = true;
    return true;
}

static void set_score(struct graph *g, struct symbol *out, uint32_t width)
{
    *out = (struct symbol){.kind = VALUE_SCORE, .type = ONNX_FLOAT, .width = width};
    out->layers = g->found->body->layers;
}

/* weight[o * in + i], times `factor`; bias NULL: none. */
static bool add_dense(struct graph *g, const struct symbol *in, const double *weight,
                      uint32_t width, uint32_t out, bool is_transposed, double factor,
                      struct symbol *v)
{
    struct imported_layer *l;
    uint32_t found = 0;
    size_t all = (size_t)width * out;

    if (width == 0 || out == 0 || width > IMPORTED_WIDTH_MAX || out > IMPORTED_WIDTH_MAX ||
        all > IMPORTED_WEIGHTS_MAX)
        return graph_refuse(g, "is too wide");
    if (!continue_core(g, in, &found))
        return false;
    if (found != width)
        return graph_refuse(g, "has weights that do not fit its input");
    l = imported_add_layer(g->found->body, LAYER_DENSE, width, out);
    l->is_single = true;
    for (uint32_t o = 0; o < out; o++) {
        for (uint32_t i = 0; i < width; i++)
            l->weight[(size_t)o * width + i] =
                factor * weight[is_transposed ? (size_t)i * out + o : (size_t)o * width + i];
    }
    set_score(g, v, out);
    return true;
}

static bool mat_mul(struct graph *g, struct symbol *out)
{
    const struct onnx_tensor *w = NULL;
    struct symbol *in = NULL;

    if (!input_of(g, 0, &in) || !constant_of(g, 1, &w))
        return false;
    if (w->dimensions != 2)
        return graph_refuse(g, "has weights that are no matrix");
    return add_dense(g, in, w->number, (uint32_t)w->size[0], (uint32_t)w->size[1], true, 1, out);
}

static bool gemm(struct graph *g, struct symbol *out)
{
    bool is_transposed = graph_number(g, "transB", 0) == 0;
    double beta = graph_number(g, "beta", 1);
    const struct onnx_tensor *w = NULL, *c = NULL;
    struct imported_layer *l;
    struct symbol *in = NULL;

    if (!input_of(g, 0, &in) || !constant_of(g, 1, &w) ||
        (g->node->inputs > 2 && !constant_of(g, 2, &c)))
        return false;
    if (w->dimensions != 2 || graph_number(g, "transA", 0) != 0)
        return graph_refuse(g, "has weights that are no matrix, or a transposed input");
    if (!add_dense(g, in, w->number, (uint32_t)w->size[is_transposed ? 0 : 1],
                   (uint32_t)w->size[is_transposed ? 1 : 0], is_transposed,
                   graph_number(g, "alpha", 1), out))
        return false;
    if (c != NULL && c->count != 1 && c->count != out->width)
        return graph_refuse(g, "has a bias that does not fit its weights");
    l = &g->found->body->layer[g->found->body->layers - 1];
    for (uint32_t o = 0; o < out->width && c != NULL; o++)
        l->bias[o] = beta * c->number[c->count == 1 ? 0 : o];
    return true;
}

static bool linear(struct graph *g, bool is_classifier, struct symbol *out)
{
    struct text post = graph_word(g, "post_transform", "NONE");
    const struct onnx_attribute *bias = onnx_attribute(g->node, "intercepts");
    const struct onnx_attribute *weight = onnx_attribute(g->node, "coefficients");
    uint32_t rows = bias != NULL && bias->numbers != NULL ? bias->count : 1;
    struct imported_layer *l;
    struct symbol *in = NULL;

    if (!input_of(g, 0, &in))
        return false;
    if (in->kind != VALUE_COLUMNS || weight == NULL || weight->numbers == NULL || rows > 2 ||
        (!is_classifier && rows != 1) || weight->count != (uint64_t)rows * in->columns)
        return graph_refuse(g, "has more than two classes or one target, or coefficients that do "
                               "not fit its input");
    if (!add_dense(g, in, weight->numbers, in->columns, rows, false, 1, out))
        return false;
    l = &g->found->body->layer[g->found->body->layers - 1];
    out->is_mirrored = rows == 2;
    for (uint32_t o = 0; o < rows && bias != NULL && bias->numbers != NULL; o++)
        l->bias[o] = bias->numbers[o];
    for (uint32_t i = 0; i < in->columns && rows == 2; i++)
        out->is_mirrored = out->is_mirrored && l->weight[i] == -l->weight[in->columns + i];
    out->is_mirrored = out->is_mirrored && l->bias[0] == -l->bias[1];
    out->is_pair = false;
    if (text_is(post, "LOGISTIC"))
        out->link = LINK_SIGMOID;
    else if (text_is(post, "SOFTMAX") && rows == 2)
        out->link = LINK_SOFTMAX;
    else if (!text_is(post, "NONE"))
        return graph_refuse(g, "has a post_transform that is not computed");
    out->is_pair = is_classifier && rows == 1;
    return true;
}

static bool activation(struct graph *g, enum imported_layer_kind kind, double slope,
                       struct symbol *out)
{
    struct imported_layer *l;
    struct symbol *in = NULL;
    uint32_t width = 0;

    if (!input_of(g, 0, &in) || !continue_core(g, in, &width))
        return false;
    l = imported_add_layer(g->found->body, kind, width, width);
    l->is_single = true;
    l->slope = slope;
    set_score(g, out, width);
    return true;
}

/* Kept open: the last one is the link and not part of the margin. */
static bool link_sigmoid(struct graph *g, struct symbol *out)
{
    struct symbol *in = NULL;

    if (!input_of(g, 0, &in))
        return false;
    if (in->kind != VALUE_SCORE || in->link != LINK_NONE || in->is_pair || in->is_complement)
        return graph_refuse(g, "is not computed of what it is given");
    *out = *in;
    out->link = LINK_SIGMOID;
    return true;
}

static bool link_softmax(struct graph *g, struct symbol *out)
{
    struct symbol *in = NULL;

    if (!input_of(g, 0, &in))
        return false;
    if (in->kind != VALUE_SCORE || in->link != LINK_NONE || in->width != 2)
        return graph_refuse(g, "is computed of two numbers, as the last layer, only");
    *out = *in;
    out->link = LINK_SOFTMAX;
    return true;
}

/* ---- arithmetic with constants ---- */

static bool broadcasts(const struct onnx_tensor *t, uint32_t width)
{
    return t->count == 1 || (t->count == width &&
                             (t->dimensions == 0 || t->size[t->dimensions - 1] == (int64_t)width));
}

static bool arithmetic_columns(struct graph *g, enum imported_step_kind kind,
                               const struct symbol *in, const struct onnx_tensor *t,
                               struct symbol *out)
{
    if (is_text(in) || in->norm != NORM_NONE || !broadcasts(t, in->columns))
        return graph_refuse(g, "is not computed of what it is given");
    if (!copy_columns(g, in, in->type, out))
        return false;
    for (uint32_t i = 0; i < out->columns; i++) {
        struct imported_step s = {.kind = (uint8_t)kind, .is_single = is_single(in)};

        s.a = t->number[t->count == 1 ? 0 : i];
        if (!add_step(g, &out->column[i], &s))
            return false;
    }
    return true;
}

static bool arithmetic_score(struct graph *g, enum imported_step_kind kind, const struct symbol *in,
                             const struct onnx_tensor *t, struct symbol *out)
{
    struct imported_layer *l;
    uint32_t width = 0;

    if (kind == STEP_DIV || !continue_core(g, in, &width))
        return kind != STEP_DIV ? false : graph_refuse(g, "is not computed of a score");
    if (!broadcasts(t, width))
        return graph_refuse(g, "has a constant that does not fit");
    l = imported_add_layer(g->found->body, kind == STEP_MUL ? LAYER_MUL : LAYER_ADD, width, width);
    l->is_single = true;
    for (uint32_t i = 0; i < width; i++) {
        double v = t->number[t->count == 1 ? 0 : i];

        l->weight[i] = kind == STEP_SUB ? -v : v;
    }
    set_score(g, out, width);
    return true;
}

/* Converters multiply by one to rename a tensor. */
static bool is_neutral(enum imported_step_kind kind, const struct onnx_tensor *t)
{
    return (kind == STEP_MUL || kind == STEP_DIV) && t->count == 1 && t->number[0] == 1;
}

static bool arithmetic(struct graph *g, enum imported_step_kind kind, struct symbol *out)
{
    bool commutes = kind == STEP_ADD || kind == STEP_MUL;
    struct symbol *a = NULL, *b = NULL;

    if (!input_of(g, 0, &a) || !input_of(g, 1, &b))
        return false;
    /* 1 - p, the first class's probability */
    if (kind == STEP_SUB && a->kind == VALUE_CONSTANT && b->kind == VALUE_SCORE &&
        a->constant->number != NULL && a->constant->count == 1 && a->constant->number[0] == 1 &&
        b->width == 1 && !b->is_pair && !b->is_complement) {
        *out = *b;
        out->is_complement = true;
        return true;
    }
    if (commutes && a->kind == VALUE_CONSTANT) {
        struct symbol *swap = a;

        a = b;
        b = swap;
    }
    if (b->kind != VALUE_CONSTANT || b->constant->number == NULL)
        return graph_refuse(g, "is computed with a constant only");
    if (is_neutral(kind, b->constant)) {
        *out = *a;
        return true;
    }
    if (a->kind == VALUE_COLUMNS)
        return arithmetic_columns(g, kind, a, b->constant, out);
    return arithmetic_score(g, kind, a, b->constant, out);
}

static bool batch_normalization(struct graph *g, struct symbol *out)
{
    double epsilon = graph_number(g, "epsilon", 1e-5);
    const struct onnx_tensor *part[4] = {0};
    struct imported_layer *mul, *add;
    struct symbol *in = NULL;
    uint32_t width = 0;

    if (!input_of(g, 0, &in) || !constant_of(g, 1, &part[0]) || !constant_of(g, 2, &part[1]) ||
        !constant_of(g, 3, &part[2]) || !constant_of(g, 4, &part[3]) ||
        !continue_core(g, in, &width))
        return false;
    for (unsigned k = 0; k < 4; k++) {
        if (part[k]->count != width)
            return graph_refuse(g, "has constants that do not fit");
    }
    imported_add_layer(g->found->body, LAYER_MUL, width, width);
    add = imported_add_layer(g->found->body, LAYER_ADD, width, width);
    mul = add - 1;
    add->is_single = true;
    for (uint32_t i = 0; i < width; i++) {
        mul->weight[i] = part[0]->number[i] / sqrt(part[3]->number[i] + epsilon);
        add->weight[i] = part[1]->number[i] - part[2]->number[i] * mul->weight[i];
    }
    set_score(g, out, width);
    return true;
}

/* ---- columns to columns ---- */

static bool cast(struct graph *g, struct symbol *out)
{
    enum onnx_type to = (enum onnx_type)graph_number(g, "to", 0);
    struct imported_step s = {.kind = to == ONNX_FLOAT ? STEP_SINGLE : STEP_WHOLE};
    struct symbol *in = NULL;

    if (!input_of(g, 0, &in))
        return false;
    if (in->kind != VALUE_COLUMNS || in->type == to) {
        *out = *in;
        return in->kind == VALUE_CONSTANT || in->type == to || to == ONNX_FLOAT ||
               to == ONNX_DOUBLE || graph_refuse(g, "of a score to whole numbers is not computed");
    }
    if (is_text(in) || in->norm != NORM_NONE ||
        (to != ONNX_FLOAT && to != ONNX_DOUBLE && to != ONNX_INT64 && to != ONNX_INT32))
        return graph_refuse(g, "from or to this type is not computed");
    if (!copy_columns(g, in, to, out))
        return false;
    for (uint32_t i = 0; i < out->columns && to != ONNX_DOUBLE; i++) {
        if (!add_step(g, &out->column[i], &s))
            return false;
    }
    return true;
}

static bool scaler(struct graph *g, struct symbol *out)
{
    const struct onnx_attribute *offset = onnx_attribute(g->node, "offset");
    const struct onnx_attribute *scale = onnx_attribute(g->node, "scale");
    struct symbol *in = NULL;

    if (!number_columns(g, 0, &in) || !copy_columns(g, in, ONNX_FLOAT, out))
        return false;
    if (offset == NULL || scale == NULL || offset->numbers == NULL || scale->numbers == NULL ||
        (offset->count != 1 && offset->count != in->columns) ||
        (scale->count != 1 && scale->count != in->columns))
        return graph_refuse(g, "has offsets or scales that do not fit its input");
    for (uint32_t i = 0; i < out->columns; i++) {
        struct imported_step sub = {.kind = STEP_SUB, .is_single = true};
        struct imported_step mul = {.kind = STEP_MUL, .is_single = true};

        sub.a = offset->numbers[offset->count == 1 ? 0 : i];
        mul.a = scale->numbers[scale->count == 1 ? 0 : i];
        if (!add_step(g, &out->column[i], &sub) || !add_step(g, &out->column[i], &mul))
            return false;
    }
    return true;
}

static bool imputer(struct graph *g, struct symbol *out)
{
    const struct onnx_attribute *values = onnx_attribute(g->node, "imputed_value_floats");
    double replaced = graph_number(g, "replaced_value_float", NAN);
    struct symbol *in = NULL;

    if (values == NULL || values->numbers == NULL) {
        values = onnx_attribute(g->node, "imputed_value_int64s");
        replaced = graph_number(g, "replaced_value_int64", 0);
    }
    if (!number_columns(g, 0, &in) || !copy_columns(g, in, in->type, out))
        return false;
    if (values == NULL || values->numbers == NULL ||
        (values->count != 1 && values->count != in->columns))
        return graph_refuse(g, "has values that do not fit its input");
    for (uint32_t i = 0; i < out->columns; i++) {
        double value = values->numbers[values->count == 1 ? 0 : i];
        struct imported_step s = {.kind = STEP_FILL, .a = value};

        if (!isnan(replaced))
            s = (struct imported_step){.kind = STEP_REPLACE, .a = replaced, .b = value};
        if (!add_step(g, &out->column[i], &s))
            return false;
    }
    return true;
}

static bool normalizer(struct graph *g, struct symbol *out)
{
    struct text norm = graph_word(g, "norm", "MAX");
    struct symbol *in = NULL;

    if (!input_of(g, 0, &in))
        return false;
    if (in->kind == VALUE_SCORE && text_is(norm, "L1") && in->link != LINK_NONE &&
        (in->is_mirrored || in->is_pair || in->link == LINK_SOFTMAX)) {
        *out = *in; /* p and 1 - p: their sum is 1 */
        return true;
    }
    if (!number_columns(g, 0, &in) || !copy_columns(g, in, ONNX_FLOAT, out))
        return false;
    out->norm = text_is(norm, "L1")    ? NORM_L1
                : text_is(norm, "L2")  ? NORM_L2
                : text_is(norm, "MAX") ? NORM_MAX
                                       : NORM_NONE;
    return out->norm != NORM_NONE || graph_refuse(g, "has a norm that is not known");
}

static bool concat(struct graph *g, struct symbol *out)
{
    uint32_t columns = 0, at = 0;
    struct symbol *in = NULL, *last = NULL;

    if (!input_of(g, 0, &in) || !input_of(g, g->node->inputs - 1, &last))
        return false;
    if (in->kind == VALUE_SCORE && in->is_complement && g->node->inputs == 2 &&
        last->kind == VALUE_SCORE && !last->is_complement && last->link == in->link &&
        last->layers == in->layers) {
        *out = *last;
        out->is_pair = true;
        return true;
    }
    for (uint32_t i = 0; i < g->node->inputs; i++) {
        if (!input_of(g, i, &in))
            return false;
        if (in->kind != VALUE_COLUMNS || in->norm != NORM_NONE || is_text(in) != is_text(last) ||
            (!text_is(g->node->op, "FeatureVectorizer") && in->type != last->type))
            return graph_refuse(g, "is not computed of what it is given");
        columns += in->columns;
        if (columns > IMPORTED_COLUMNS_MAX)
            return graph_refuse(g, "has too many columns");
    }
    *out = (struct symbol){.kind = VALUE_COLUMNS, .type = last->type, .columns = columns};
    out->column = room(g, columns, sizeof *out->column);
    for (uint32_t i = 0; i < g->node->inputs && out->column != NULL; i++) {
        if (!input_of(g, i, &in))
            return false;
        for (uint32_t k = 0; k < in->columns; k++)
            out->column[at++] = in->column[k];
    }
    return out->column != NULL;
}

/* Gather along the columns, and ArrayFeatureExtractor. */
static bool select_columns(struct graph *g, bool has_axis, struct symbol *out)
{
    double axis = has_axis ? graph_number(g, "axis", 0) : 1;
    const struct onnx_tensor *index = NULL;
    struct symbol *in = NULL;

    if (!input_of(g, 0, &in) || !constant_of(g, 1, &index))
        return false;
    if (in->kind != VALUE_COLUMNS || in->norm != NORM_NONE || (axis != 1 && axis != -1) ||
        index->count == 0 || index->count > IMPORTED_COLUMNS_MAX)
        return graph_refuse(g, "is not computed of what it is given");
    *out = (struct symbol){.kind = VALUE_COLUMNS, .type = in->type, .columns = index->count};
    out->column = room(g, index->count, sizeof *out->column);
    for (uint32_t i = 0; i < index->count && out->column != NULL; i++) {
        double k = index->number[i];

        if (!(k >= 0 && k < in->columns))
            return graph_refuse(g, "selects a column that is not there");
        out->column[i] = in->column[(uint32_t)k];
    }
    return out->column != NULL;
}

/* Reshape, Flatten and their like, where the columns stay what they are. */
static bool keep_shape(struct graph *g, struct symbol *out)
{
    const struct onnx_tensor *shape = NULL;
    struct symbol *in = NULL;
    uint32_t width = 0;
    double last;

    if (!input_of(g, 0, &in))
        return false;
    width = in->kind == VALUE_COLUMNS ? in->columns : in->is_pair ? 2 : in->width;
    *out = *in;
    if (!text_is(g->node->op, "Reshape"))
        return true;
    if (!constant_of(g, 1, &shape))
        return false;
    last = shape->count == 2 ? shape->number[1] : shape->count == 1 && width == 1 ? 1 : 0;
    if (last == width || (last == -1 && shape->number[0] != -1 && shape->number[0] != 1))
        return true;
    return graph_refuse(g, "to another number of columns is not computed");
}

/* ---- categories ---- */

/* A text input becomes the place of its value in the list, by the input's own map. */
static bool place_texts(struct graph *g, uint32_t input, const struct text *text, uint32_t count)
{
    const struct import_input *known = &g->found->input[input];
    double *number;
    bool good;

    if (count > MODEL_CATEGORIES_MAX)
        return graph_refuse(g, "has too many categories");
    if (known->is_category && known->count == count) {
        for (uint32_t i = 0; i < count; i++) {
            uint32_t place = (uint32_t)known->number[i];

            if (!text_equal(known->value[i], text[place]))
                return graph_refuse(g, "has another list of categories than one before it");
        }
        return true;
    }
    number = mem_array((size_t)count + 1, sizeof *number);
    for (uint32_t i = 0; i < count; i++)
        number[i] = i;
    good = import_categories(g->found, input, text, number, count, -1, g->e);
    mem_free(number);
    return good;
}

/* A missing text is the empty one, where that is a category. */
static bool fill_empty(struct graph *g, const struct text *text, uint32_t count, struct draft *d)
{
    for (uint32_t i = 0; i < count; i++) {
        if (text[i].length == 0)
            return add_step(g, d, &(struct imported_step){.kind = STEP_FILL, .a = i});
    }
    return true;
}

static bool one_hot(struct graph *g, struct symbol *out)
{
    const struct onnx_attribute *texts = onnx_attribute(g->node, "cats_strings");
    const struct onnx_attribute *numbers = onnx_attribute(g->node, "cats_int64s");
    const struct onnx_attribute *categories;
    struct symbol *in = NULL;
    uint64_t columns;

    if (!input_of(g, 0, &in))
        return false;
    categories = is_text(in) ? texts : numbers;
    if (in->kind != VALUE_COLUMNS || in->norm != NORM_NONE || categories == NULL ||
        categories->count == 0 || (is_text(in) && categories->texts == NULL))
        return graph_refuse(g, "has no categories of its input's type");
    columns = (uint64_t)in->columns * categories->count;
    if (columns > IMPORTED_COLUMNS_MAX)
        return graph_refuse(g, "makes too many columns");
    *out = (struct symbol){.kind = VALUE_COLUMNS, .type = ONNX_FLOAT, .columns = (uint32_t)columns};
    out->column = room(g, columns, sizeof *out->column);
    for (uint32_t i = 0; i < in->columns && out->column != NULL; i++) {
        if (is_text(in) &&
            !place_texts(g, in->column[i].input, categories->texts, categories->count))
            return false;
        for (uint32_t k = 0; k < categories->count; k++) {
            struct draft *d = &out->column[(size_t)i * categories->count + k];
            struct imported_step s = {.kind = STEP_EQUAL};

            s.a = is_text(in) ? k : categories->numbers[k];
            *d = in->column[i];
            if ((is_text(in) && !fill_empty(g, categories->texts, categories->count, d)) ||
                !add_step(g, d, &s))
                return false;
        }
    }
    return out->column != NULL;
}

static int compare_entries(const void *a, const void *b)
{
    const struct imported_entry *x = a, *y = b;

    return (x->key > y->key) - (x->key < y->key);
}

/* A list, or as a tensor (ai.onnx.ml 4). */
struct list {
    enum onnx_type type;
    uint32_t count;
    const double *numbers;
    const struct text *texts;
};

static struct list find_list(const struct graph *g, const char *part)
{
    static const struct {
        const char *suffix;
        enum onnx_type type;
    } forms[] = {{"strings", ONNX_STRING}, {"int64s", ONNX_INT64}, {"floats", ONNX_FLOAT}};
    const struct onnx_attribute *a;
    char name[32];

    snprintf(name, sizeof name, "%s_tensor", part);
    a = onnx_attribute(g->node, name);
    if (a != NULL && a->tensor != NULL)
        return (struct list){a->tensor->type, a->tensor->count, a->tensor->number, a->tensor->text};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        snprintf(name, sizeof name, "%s_%s", part, forms[i].suffix);
        a = onnx_attribute(g->node, name);
        if (a != NULL && a->count > 0)
            return (struct list){forms[i].type, a->count, a->numbers, a->texts};
    }
    return (struct list){0};
}

/* What a key that is not in the list becomes. */
static double find_default(const struct graph *g, enum onnx_type type)
{
    const struct onnx_attribute *a = onnx_attribute(g->node, "default_tensor");

    if (a != NULL && a->tensor != NULL && a->tensor->number != NULL && a->tensor->count == 1)
        return a->tensor->number[0];
    return type == ONNX_INT64 ? graph_number(g, "default_int64", -1)
                              : graph_number(g, "default_float", 0);
}

/* Keys to values, both numbers by now: texts are their places. */
static bool add_table(struct graph *g, const double *keys, const struct list *values,
                      struct imported_step *s)
{
    struct imported *m = g->found->body;
    uint32_t count = values->count;

    if (count > IMPORTED_TABLE_MAX - m->entries)
        return graph_refuse(g, "has too many keys");
    m->entry = mem_resize(m->entry, (size_t)m->entries + count + 1, sizeof *m->entry);
    s->first = m->entries;
    s->count = count;
    for (uint32_t i = 0; i < count; i++)
        m->entry[m->entries++] =
            (struct imported_entry){keys != NULL ? keys[i] : i, values->numbers[i]};
    qsort(m->entry + s->first, count, sizeof *m->entry, compare_entries);
    return true;
}

static bool label_encoder(struct graph *g, struct symbol *out)
{
    struct list keys = find_list(g, "keys"), values = find_list(g, "values");
    struct imported_step s = {.kind = STEP_LOOKUP, .b = find_default(g, values.type)};
    struct symbol *in = NULL;

    if (!input_of(g, 0, &in))
        return false;
    if (in->kind != VALUE_COLUMNS || in->norm != NORM_NONE || values.numbers == NULL ||
        keys.count != values.count || (is_text(in) ? keys.texts == NULL : keys.numbers == NULL))
        return graph_refuse(g, "is computed from texts or numbers to numbers only");
    if (!copy_columns(g, in, values.type, out) ||
        !add_table(g, is_text(in) ? NULL : keys.numbers, &values, &s))
        return false;
    for (uint32_t i = 0; i < out->columns; i++) {
        if (is_text(in) && (!place_texts(g, in->column[i].input, keys.texts, keys.count) ||
                            !fill_empty(g, keys.texts, keys.count, &out->column[i])))
            return false;
        if (!add_step(g, &out->column[i], &s))
            return false;
    }
    return true;
}

/* ---- operators by name ---- */

static bool op_trees_classify(struct graph *g, struct symbol *out)
{
    struct symbol *in = NULL;

    return input_of(g, 0, &in) && graph_trees(g, in, true, out);
}

static bool op_trees_regress(struct graph *g, struct symbol *out)
{
    struct symbol *in = NULL;

    return input_of(g, 0, &in) && graph_trees(g, in, false, out);
}

static bool op_linear_classify(struct graph *g, struct symbol *out)
{
    return linear(g, true, out);
}

static bool op_linear_regress(struct graph *g, struct symbol *out)
{
    return linear(g, false, out);
}

static bool op_relu(struct graph *g, struct symbol *out)
{
    return activation(g, LAYER_RELU, 0, out);
}

static bool op_tanh(struct graph *g, struct symbol *out)
{
    return activation(g, LAYER_TANH, 0, out);
}

static bool op_leaky(struct graph *g, struct symbol *out)
{
    return activation(g, LAYER_LEAKY, graph_number(g, "alpha", (double)0.01f), out);
}

static bool op_elu(struct graph *g, struct symbol *out)
{
    return activation(g, LAYER_ELU, graph_number(g, "alpha", 1), out);
}

static bool op_add(struct graph *g, struct symbol *out)
{
    return arithmetic(g, STEP_ADD, out);
}

static bool op_sub(struct graph *g, struct symbol *out)
{
    return arithmetic(g, STEP_SUB, out);
}

static bool op_mul(struct graph *g, struct symbol *out)
{
    return arithmetic(g, STEP_MUL, out);
}

static bool op_div(struct graph *g, struct symbol *out)
{
    return arithmetic(g, STEP_DIV, out);
}

static bool op_gather(struct graph *g, struct symbol *out)
{
    return select_columns(g, true, out);
}

static bool op_extract(struct graph *g, struct symbol *out)
{
    return select_columns(g, false, out);
}

static bool op_pass(struct graph *g, struct symbol *out)
{
    struct symbol *in = NULL;

    if (!input_of(g, 0, &in))
        return false;
    *out = *in;
    return true;
}

static bool op_constant(struct graph *g, struct symbol *out)
{
    const struct onnx_attribute *a = onnx_attribute(g->node, "value");

    if (a == NULL || a->tensor == NULL)
        return graph_refuse(g, "has no tensor");
    *out = (struct symbol){.kind = VALUE_CONSTANT, .type = a->tensor->type, .constant = a->tensor};
    return true;
}

struct operator
{
    const char *name;
    bool (*read)(struct graph * g, struct symbol * out);
    uint32_t output; /* which of its results the score is */
};

static const struct operator operators[] = {
    {"Add", op_add, 0},
    {"ArrayFeatureExtractor", op_extract, 0},
    {"BatchNormalization", batch_normalization, 0},
    {"Cast", cast, 0},
    {"Concat", concat, 0},
    {"Constant", op_constant, 0},
    {"Div", op_div, 0},
    {"Dropout", op_pass, 0},
    {"Elu", op_elu, 0},
    {"FeatureVectorizer", concat, 0},
    {"Flatten", keep_shape, 0},
    {"Gather", op_gather, 0},
    {"Gemm", gemm, 0},
    {"Identity", op_pass, 0},
    {"Imputer", imputer, 0},
    {"LabelEncoder", label_encoder, 0},
    {"LeakyRelu", op_leaky, 0},
    {"LinearClassifier", op_linear_classify, 1},
    {"LinearRegressor", op_linear_regress, 0},
    {"MatMul", mat_mul, 0},
    {"Mul", op_mul, 0},
    {"Normalizer", normalizer, 0},
    {"OneHotEncoder", one_hot, 0},
    {"Relu", op_relu, 0},
    {"Reshape", keep_shape, 0},
    {"Scaler", scaler, 0},
    {"Sigmoid", link_sigmoid, 0},
    {"Softmax", link_softmax, 0},
    {"Sub", op_sub, 0},
    {"Tanh", op_tanh, 0},
    {"TreeEnsembleClassifier", op_trees_classify, 1},
    {"TreeEnsembleRegressor", op_trees_regress, 0},
    {"ZipMap", op_pass, 0},
};

static const struct operator* find_operator(struct text name)
{
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        if (text_is(name, operators[i].name))
            return &operators[i];
    }
    return NULL;
}

static bool read_node(struct graph *g, const struct onnx_node *n)
{
    const struct operator* op = find_operator(n->op);
    struct symbol out = {0};

    g->node = n;
    if (op == NULL || n->outputs <= op->output)
        return graph_refuse(g, "is an operator that is not computed: convert the model without it, "
                               "or train it here");
    if (!op->read(g, &out))
        return false;
    for (uint32_t i = 0; i < n->outputs; i++) {
        struct symbol other = {.kind = VALUE_OTHER};

        if (!add_value(g, n->output[i], i == op->output ? &out : &other))
            return false;
    }
    return true;
}

/* ---- inputs and outputs ---- */

static bool is_constant(const struct onnx *o, struct text name)
{
    for (uint32_t i = 0; i < o->constants; i++) {
        if (text_equal(o->constant[i].name, name))
            return true;
    }
    return false;
}

/* [rows, columns], or [rows] for one. */
static bool port_columns(const struct graph *g, const struct onnx_port *p, uint32_t *columns)
{
    int64_t size = p->dimensions == 2 ? p->size[1] : p->dimensions == 1 ? 1 : 0;

    if (size < 1 || size > IMPORT_INPUTS_MAX)
        return error_set(g->e, ERROR_INVALID,
                         "input \"%.*s\" is of no fixed shape [rows, columns]: give the number of "
                         "columns when converting",
                         (int)(p->name.length < 60 ? p->name.length : 60), p->name.bytes);
    if (p->type != ONNX_FLOAT && p->type != ONNX_DOUBLE && p->type != ONNX_INT64 &&
        p->type != ONNX_INT32 && p->type != ONNX_BOOL && p->type != ONNX_STRING)
        return error_set(g->e, ERROR_INVALID, "input \"%.*s\" is of type %d, which is not taken",
                         (int)(p->name.length < 60 ? p->name.length : 60), p->name.bytes,
                         (int)p->type);
    *columns = (uint32_t)size;
    return true;
}

static bool add_input(struct graph *g, const struct onnx_port *p, uint32_t first, uint32_t columns,
                      bool is_only)
{
    struct symbol v = {.kind = VALUE_COLUMNS, .type = p->type, .columns = columns};

    if (!text_is_utf8(p->name) || memchr(p->name.bytes, 0, p->name.length) != NULL ||
        p->name.length > FIELD_NAME_MAX)
        return error_set(g->e, ERROR_INVALID, "an input's name is too long or no text");
    v.column = room(g, columns, sizeof *v.column);
    for (uint32_t i = 0; i < columns && v.column != NULL; i++) {
        struct imported_step s = {.kind = p->type == ONNX_FLOAT ? STEP_SINGLE : STEP_WHOLE};
        char name[FIELD_NAME_MAX + 16];
        int length = snprintf(name, sizeof name, "%.*s[%u]", TEXT_ARG(p->name), i);

        v.column[i].input = first + i;
        if (columns == 1)
            import_name(g->found, first, p->name);
        else if (!is_only)
            import_name(g->found, first + i, (struct text){name, (size_t)length});
        if (p->type == ONNX_DOUBLE || p->type == ONNX_STRING || p->type == ONNX_BOOL)
            continue;
        if (!add_step(g, &v.column[i], &s))
            return false;
    }
    return v.column != NULL && add_value(g, p->name, &v);
}

/* One tensor of many columns has no names for them: f0, f1, ... */
static bool read_inputs(struct graph *g)
{
    uint32_t total = 0, columns = 0, ports = 0, at = 0;

    for (uint32_t i = 0; i < g->o->inputs; i++) {
        if (is_constant(g->o, g->o->input[i].name))
            continue;
        if (!port_columns(g, &g->o->input[i], &columns))
            return false;
        total += columns;
        ports++;
        if (total > IMPORT_INPUTS_MAX || ports > ONNX_PORTS_MAX)
            return error_set(g->e, ERROR_INVALID, "over %d columns", IMPORT_INPUTS_MAX);
    }
    g->found = import_new(IMPORT_ONNX, total);
    g->found->has_names = ports > 1 || total == 1;
    for (uint32_t i = 0; i < g->o->inputs; i++) {
        if (is_constant(g->o, g->o->input[i].name))
            continue;
        if (!port_columns(g, &g->o->input[i], &columns) ||
            !add_input(g, &g->o->input[i], at, columns, ports == 1))
            return false;
        at += columns;
    }
    return true;
}

static bool is_probability(struct text name)
{
    static const char word[] = "prob";

    for (size_t i = 0; i + 4 <= name.length; i++) {
        if (memcmp(name.bytes + i, word, 4) == 0)
            return true;
    }
    return false;
}

/* The one that is named, else the only one that can be a score, else the one called a probability.
 */
static bool choose_output(struct graph *g, struct text *name)
{
    uint32_t candidates = 0, probable = 0;
    const struct onnx_port *one = NULL, *likely = NULL;

    for (uint32_t i = 0; i < g->o->outputs; i++) {
        const struct onnx_port *p = &g->o->output[i];

        if (g->options->output != NULL) {
            if (text_is(p->name, g->options->output)) {
                *name = p->name;
                return true;
            }
            continue;
        }
        if (p->type != ONNX_UNDEFINED && p->type != ONNX_FLOAT && p->type != ONNX_DOUBLE)
            continue;
        candidates++;
        one = p;
        if (is_probability(p->name)) {
            probable++;
            likely = p;
        }
    }
    if (g->options->output != NULL)
        return error_set(g->e, ERROR_INVALID, "it has no output \"%s\"", g->options->output);
    if (candidates != 1 && probable != 1)
        return error_set(g->e, ERROR_INVALID,
                         "%u of its outputs could be the score: name one with "
                         "--output",
                         candidates);
    *name = candidates == 1 ? one->name : likely->name;
    return true;
}

/* ---- the whole ---- */

/* From the end: a node is needed where one of its results is. */
static bool mark_needed(struct graph *g, struct text wanted, bool *needed)
{
    const struct text **want = mem_array((size_t)ONNX_LINKS_MAX + 1, sizeof *want);
    uint32_t wants = 0;

    want[wants++] = &wanted;
    for (uint32_t i = g->o->nodes; i-- > 0;) {
        const struct onnx_node *n = &g->o->node[i];

        for (uint32_t k = 0; k < n->outputs; k++) {
            for (uint32_t w = 0; w < wants; w++)
                needed[i] = needed[i] || text_equal(*want[w], n->output[k]);
        }
        for (uint32_t k = 0; k < n->inputs && needed[i] && wants < ONNX_LINKS_MAX; k++)
            want[wants++] = &n->input[k];
    }
    mem_free(want);
    return true;
}

static bool set_link(struct graph *g, const struct symbol *out)
{
    struct imported *m = g->found->body;

    if (out == NULL || out->kind != VALUE_SCORE || out->is_complement ||
        (!m->is_trees && out->layers != m->layers))
        return error_set(g->e, ERROR_INVALID, "its output is no score");
    if (out->width > 2 || (out->link == LINK_SOFTMAX && out->width != 2))
        return error_set(g->e, ERROR_INVALID,
                         "its output has %u numbers: one, or two classes, are "
                         "taken",
                         out->width);
    m->output = out->link == LINK_SOFTMAX ? OUTPUT_DIFFERENCE
                : out->width == 2         ? OUTPUT_SECOND
                                          : OUTPUT_ONLY;
    g->found->is_log_odds = out->link != LINK_NONE;
    return true;
}

static bool read_graph(struct graph *g)
{
    struct text wanted = {0};
    bool *needed, good = true;

    if (!read_inputs(g) || !choose_output(g, &wanted))
        return false;
    for (uint32_t i = 0; i < g->o->constants && good; i++) {
        const struct onnx_tensor *t = &g->o->constant[i];
        struct symbol v = {.kind = VALUE_CONSTANT, .type = t->type, .constant = t};

        good = add_value(g, t->name, &v);
    }
    needed = mem_array((size_t)g->o->nodes + 1, sizeof *needed);
    good = good && mark_needed(g, wanted, needed);
    for (uint32_t i = 0; i < g->o->nodes && good; i++)
        good = !needed[i] || read_node(g, &g->o->node[i]);
    mem_free(needed);
    return good && set_link(g, find_value(g, wanted));
}

static void describe(struct graph *g)
{
    const struct onnx *o = g->o;

    snprintf(g->found->library, sizeof g->found->library, "ONNX by %.*s %.*s",
             (int)(o->producer.length < 40 ? o->producer.length : 40), o->producer.bytes,
             (int)(o->producer_version.length < 20 ? o->producer_version.length : 20),
             o->producer_version.bytes);
    import_note(g->found, "where a file has two classes, the second is taken for fraud");
    if (!g->found->body->is_trees)
        import_note(g->found,
                    "a missing value that the file has no rule for counts as zero before "
                    "the first layer, which is the mean where a standard scaler stands there");
}

bool import_onnx(const void *bytes, size_t length, const struct import_options *options,
                 struct import **found, struct error *e)
{
    struct onnx *o = onnx_parse(bytes, length, e);
    struct graph g = {.options = options, .o = o, .e = e};
    bool good;

    if (o == NULL)
        return false;
    g.value = mem_array(VALUES_MAX, sizeof *g.value);
    if (options->iterations > 0)
        good =
            error_set(e, ERROR_INVALID, "iterations can be chosen for XGBoost and LightGBM only");
    else
        good = read_graph(&g);
    if (good)
        describe(&g);
    mem_free(g.value);
    onnx_free(o);
    if (good)
        *found = g.found;
    else
        import_free(g.found);
    return good;
}

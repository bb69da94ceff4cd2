/* The linear and dense cores of a graph, and what turns their result into a probability. */
#include <math.h>

#include "core/model/import_onnx.h"

/* ---- the core ---- */

bool graph_begin_core(struct graph *g, const struct symbol *in)
{
    struct imported *m = g->found->body;

    if (g->has_core)
        return graph_refuse(g, "is a second model in the graph: one is taken");
    if (in->kind != VALUE_COLUMNS || graph_is_text(in) || in->columns == 0)
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

    if (in->kind != VALUE_COLUMNS || graph_is_text(in))
        return graph_refuse(g, "is not computed of what it is given");
    if (!graph_copy_columns(g, in, in->type, &filled))
        return false;
    filled.norm = in->norm;
    for (uint32_t i = 0; i < filled.columns; i++) {
        if (!graph_add_step(g, &filled.column[i], &(struct imported_step){.kind = STEP_FILL}))
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

bool op_mat_mul(struct graph *g, struct symbol *out)
{
    const struct onnx_tensor *w = NULL;
    struct symbol *in = NULL;

    if (!graph_input(g, 0, &in) || !graph_constant(g, 1, &w))
        return false;
    if (w->dimensions != 2)
        return graph_refuse(g, "has weights that are no matrix");
    return add_dense(g, in, w->number, (uint32_t)w->size[0], (uint32_t)w->size[1], true, 1, out);
}

bool op_gemm(struct graph *g, struct symbol *out)
{
    bool is_transposed = graph_number(g, "transB", 0) == 0;
    double beta = graph_number(g, "beta", 1);
    const struct onnx_tensor *w = NULL, *c = NULL;
    struct imported_layer *l;
    struct symbol *in = NULL;

    if (!graph_input(g, 0, &in) || !graph_constant(g, 1, &w) ||
        (g->node->inputs > 2 && !graph_constant(g, 2, &c)))
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

    if (!graph_input(g, 0, &in))
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

    if (!graph_input(g, 0, &in) || !continue_core(g, in, &width))
        return false;
    l = imported_add_layer(g->found->body, kind, width, width);
    l->is_single = true;
    l->slope = slope;
    set_score(g, out, width);
    return true;
}

/* Kept open: the last one is the link and not part of the margin. */
bool op_sigmoid(struct graph *g, struct symbol *out)
{
    struct symbol *in = NULL;

    if (!graph_input(g, 0, &in))
        return false;
    if (in->kind != VALUE_SCORE || in->link != LINK_NONE || in->is_pair || in->is_complement)
        return graph_refuse(g, "is not computed of what it is given");
    *out = *in;
    out->link = LINK_SIGMOID;
    return true;
}

bool op_softmax(struct graph *g, struct symbol *out)
{
    struct symbol *in = NULL;

    if (!graph_input(g, 0, &in))
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
    if (graph_is_text(in) || in->norm != NORM_NONE || !broadcasts(t, in->columns))
        return graph_refuse(g, "is not computed of what it is given");
    if (!graph_copy_columns(g, in, in->type, out))
        return false;
    for (uint32_t i = 0; i < out->columns; i++) {
        struct imported_step s = {.kind = (uint8_t)kind, .is_single = in->type == ONNX_FLOAT};

        s.a = t->number[t->count == 1 ? 0 : i];
        if (!graph_add_step(g, &out->column[i], &s))
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

    if (!graph_input(g, 0, &a) || !graph_input(g, 1, &b))
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

bool op_batch_normalization(struct graph *g, struct symbol *out)
{
    double epsilon = graph_number(g, "epsilon", 1e-5);
    const struct onnx_tensor *part[4] = {0};
    struct imported_layer *mul, *add;
    struct symbol *in = NULL;
    uint32_t width = 0;

    if (!graph_input(g, 0, &in) || !graph_constant(g, 1, &part[0]) ||
        !graph_constant(g, 2, &part[1]) || !graph_constant(g, 3, &part[2]) ||
        !graph_constant(g, 4, &part[3]) || !continue_core(g, in, &width))
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

/* ---- operators ---- */

bool op_linear_classify(struct graph *g, struct symbol *out)
{
    return linear(g, true, out);
}

bool op_linear_regress(struct graph *g, struct symbol *out)
{
    return linear(g, false, out);
}

bool op_relu(struct graph *g, struct symbol *out)
{
    return activation(g, LAYER_RELU, 0, out);
}

bool op_tanh(struct graph *g, struct symbol *out)
{
    return activation(g, LAYER_TANH, 0, out);
}

bool op_leaky(struct graph *g, struct symbol *out)
{
    return activation(g, LAYER_LEAKY, graph_number(g, "alpha", (double)0.01f), out);
}

bool op_elu(struct graph *g, struct symbol *out)
{
    return activation(g, LAYER_ELU, graph_number(g, "alpha", 1), out);
}

bool op_add(struct graph *g, struct symbol *out)
{
    return arithmetic(g, STEP_ADD, out);
}

bool op_sub(struct graph *g, struct symbol *out)
{
    return arithmetic(g, STEP_SUB, out);
}

bool op_mul(struct graph *g, struct symbol *out)
{
    return arithmetic(g, STEP_MUL, out);
}

bool op_div(struct graph *g, struct symbol *out)
{
    return arithmetic(g, STEP_DIV, out);
}

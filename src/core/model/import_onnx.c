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

void *graph_room(struct graph *g, size_t count, size_t item)
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

bool graph_input(struct graph *g, uint32_t i, struct symbol **v)
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

bool graph_constant(struct graph *g, uint32_t i, const struct onnx_tensor **t)
{
    struct symbol *v;

    if (!graph_input(g, i, &v))
        return false;
    if (v->kind != VALUE_CONSTANT || v->constant->number == NULL)
        return graph_refuse(g, "needs numbers that are constant");
    *t = v->constant;
    return true;
}

/* ---- operators by name ---- */

static bool op_trees_classify(struct graph *g, struct symbol *out)
{
    struct symbol *in = NULL;

    return graph_input(g, 0, &in) && graph_trees(g, in, true, out);
}

static bool op_trees_regress(struct graph *g, struct symbol *out)
{
    struct symbol *in = NULL;

    return graph_input(g, 0, &in) && graph_trees(g, in, false, out);
}

static bool op_pass(struct graph *g, struct symbol *out)
{
    struct symbol *in = NULL;

    if (!graph_input(g, 0, &in))
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
    {"BatchNormalization", op_batch_normalization, 0},
    {"Cast", op_cast, 0},
    {"Concat", op_concat, 0},
    {"Constant", op_constant, 0},
    {"Div", op_div, 0},
    {"Dropout", op_pass, 0},
    {"Elu", op_elu, 0},
    {"FeatureVectorizer", op_concat, 0},
    {"Flatten", op_keep_shape, 0},
    {"Gather", op_gather, 0},
    {"Gemm", op_gemm, 0},
    {"Identity", op_pass, 0},
    {"Imputer", op_imputer, 0},
    {"LabelEncoder", op_label_encoder, 0},
    {"LeakyRelu", op_leaky, 0},
    {"LinearClassifier", op_linear_classify, 1},
    {"LinearRegressor", op_linear_regress, 0},
    {"MatMul", op_mat_mul, 0},
    {"Mul", op_mul, 0},
    {"Normalizer", op_normalizer, 0},
    {"OneHotEncoder", op_one_hot, 0},
    {"Relu", op_relu, 0},
    {"Reshape", op_keep_shape, 0},
    {"Scaler", op_scaler, 0},
    {"Sigmoid", op_sigmoid, 0},
    {"Softmax", op_softmax, 0},
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
    v.column = graph_room(g, columns, sizeof *v.column);
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
        if (!graph_add_step(g, &v.column[i], &s))
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
                    "the first layer, which is the mean where a standard op_scaler stands there");
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

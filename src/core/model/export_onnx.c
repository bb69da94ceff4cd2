#include "core/model/export.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/model/kind.h"
#include "core/model/onnx.h"
#include "core/model/protobuf.h"

enum {
    IR_VERSION = 8,
    OPSET = 15,
    OPSET_ML = 4,
    ATTRIBUTE_TYPE = 20,
    AS_FLOAT = 1,
    AS_INT = 2,
    AS_STRING = 3,
    AS_TENSOR = 4,
    AS_FLOATS = 6,
    AS_INTS = 7,
    AS_STRINGS = 8,
};

static const double ln2 = 0x1.62e42fefa39efp-1;

/* One graph being written; `node` is the one begun last, `part` a message inside. */
struct writer {
    const struct model *m;
    struct buffer graph, node, part, inner;
};

static void add_message(struct buffer *to, uint32_t field, struct buffer *message)
{
    to->overflow = to->overflow || message->overflow;
    proto_add_bytes(to, field, (struct text){message->bytes, message->length});
    buffer_clear(message);
}

static void add_word(struct buffer *to, uint32_t field, const char *word)
{
    proto_add_bytes(to, field, text_of(word));
}

/* ---- nodes ---- */

static void begin_node(struct writer *w, const char *op, const char *domain)
{
    buffer_clear(&w->node);
    add_word(&w->node, 4, op);
    if (domain[0] != 0)
        add_word(&w->node, 7, domain);
}

static void end_node(struct writer *w)
{
    add_message(&w->graph, 1, &w->node);
}

/* A node without attributes; b may be NULL. */
static void plain_node(struct writer *w, const char *op, const char *a, const char *b,
                       const char *to)
{
    begin_node(w, op, "");
    add_word(&w->node, 1, a);
    if (b != NULL)
        add_word(&w->node, 1, b);
    add_word(&w->node, 2, to);
    end_node(w);
}

static void end_attribute(struct writer *w, int type)
{
    proto_add_whole(&w->part, ATTRIBUTE_TYPE, type);
    add_message(&w->node, 5, &w->part);
}

static void add_whole(struct writer *w, const char *name, int64_t v)
{
    add_word(&w->part, 1, name);
    proto_add_whole(&w->part, 3, v);
    end_attribute(w, AS_INT);
}

static void add_text(struct writer *w, const char *name, const char *text)
{
    add_word(&w->part, 1, name);
    add_word(&w->part, 4, text);
    end_attribute(w, AS_STRING);
}

/* A tensor of one dimension (rows by 1 where is_matrix), into w->inner. */
static void fill_tensor(struct writer *w, const char *name, const double *v, uint32_t count,
                        bool is_matrix)
{
    struct buffer raw;

    buffer_init(&raw, MODEL_BYTES_MAX);
    proto_add_whole(&w->inner, 1, count);
    if (is_matrix)
        proto_add_whole(&w->inner, 1, 1);
    proto_add_whole(&w->inner, 2, ONNX_DOUBLE);
    add_word(&w->inner, 8, name);
    for (uint32_t i = 0; i < count; i++)
        buffer_add_double(&raw, v[i]);
    add_message(&w->inner, 9, &raw);
    buffer_fini(&raw);
}

static void add_doubles(struct writer *w, const char *name, const double *v, uint32_t count)
{
    add_word(&w->part, 1, name);
    fill_tensor(w, name, v, count, false);
    add_message(&w->part, 5, &w->inner);
    end_attribute(w, AS_TENSOR);
}

static void add_constant(struct writer *w, const char *name, const double *v, uint32_t count,
                         bool is_matrix)
{
    fill_tensor(w, name, v, count, is_matrix);
    add_message(&w->graph, 5, &w->inner);
}

static void add_places(struct writer *w, const char *name, const uint32_t *v, uint32_t count)
{
    struct buffer raw;

    buffer_init(&raw, MODEL_BYTES_MAX);
    proto_add_whole(&w->inner, 1, count);
    proto_add_whole(&w->inner, 2, ONNX_INT64);
    add_word(&w->inner, 8, name);
    for (uint32_t i = 0; i < count; i++)
        buffer_add_u64(&raw, v[i]);
    add_message(&w->inner, 9, &raw);
    buffer_fini(&raw);
    add_message(&w->graph, 5, &w->inner);
}

static void add_single(struct writer *w, const char *name, double v)
{
    float single = (float)v;

    proto_add_whole(&w->inner, 1, 1);
    proto_add_whole(&w->inner, 2, ONNX_FLOAT);
    add_word(&w->inner, 8, name);
    proto_add_float(&w->inner, 4, single);
    add_message(&w->graph, 5, &w->inner);
}

static void cast_node(struct writer *w, const char *from, const char *to, enum onnx_type type)
{
    begin_node(w, "Cast", "");
    add_word(&w->node, 1, from);
    add_word(&w->node, 2, to);
    add_whole(w, "to", type);
    end_node(w);
}

/* ---- inputs ---- */

static void add_port(struct writer *w, uint32_t field, const char *name, enum onnx_type type)
{
    struct buffer tensor, shape, dimension;

    buffer_init(&tensor, 4096);
    buffer_init(&shape, 4096);
    buffer_init(&dimension, 4096);
    add_word(&dimension, 2, "rows");
    add_message(&shape, 1, &dimension);
    proto_add_whole(&dimension, 1, 1);
    add_message(&shape, 1, &dimension);
    proto_add_whole(&tensor, 1, type);
    add_message(&tensor, 2, &shape);
    add_message(&w->inner, 1, &tensor);
    add_word(&w->part, 1, name);
    add_message(&w->part, 2, &w->inner);
    add_message(&w->graph, field, &w->part);
    buffer_fini(&tensor);
    buffer_fini(&shape);
    buffer_fini(&dimension);
}

static void name_number(char name[32], uint32_t j)
{
    snprintf(name, 32, "assay_number_%u", j);
}

/* Texts to the numbers of the input's map; "" is missing unless it is a category. */
static void encode_category(struct writer *w, uint32_t j)
{
    const struct category_map *c = &w->m->category[j];
    bool has_empty = c->count > 0 && c->value[0].length == 0;
    uint32_t count = c->count + (has_empty ? 0 : 1);
    double *number = mem_array(count, sizeof *number);
    char name[32];

    name_number(name, j);
    begin_node(w, "LabelEncoder", "ai.onnx.ml");
    add_word(&w->node, 1, w->m->input[j].name);
    add_word(&w->node, 2, name);
    proto_add_whole(&w->inner, 1, count);
    proto_add_whole(&w->inner, 2, ONNX_STRING);
    add_word(&w->inner, 8, "keys_tensor");
    for (uint32_t i = 0; i < c->count; i++) {
        number[i] = c->number[i];
        proto_add_bytes(&w->inner, 6, c->value[i]);
    }
    if (!has_empty) {
        number[c->count] = NAN;
        add_word(&w->inner, 6, "");
    }
    add_word(&w->part, 1, "keys_tensor");
    add_message(&w->part, 5, &w->inner);
    end_attribute(w, AS_TENSOR);
    add_doubles(w, "values_tensor", number, count);
    add_doubles(w, "default_tensor", &c->other, 1);
    end_node(w);
    mem_free(number);
}

/* All inputs as "assay_row", [rows, inputs] in double. */
static void write_inputs(struct writer *w)
{
    const struct model *m = w->m;
    char name[32];

    for (uint32_t j = 0; j < m->inputs; j++) {
        add_port(w, 11, m->input[j].name, m->input[j].is_category ? ONNX_STRING : ONNX_DOUBLE);
        if (m->input[j].is_category)
            encode_category(w, j);
    }
    begin_node(w, "Concat", "");
    for (uint32_t j = 0; j < m->inputs; j++) {
        name_number(name, j);
        add_word(&w->node, 1, m->input[j].is_category ? name : m->input[j].name);
    }
    add_word(&w->node, 2, "assay_row");
    add_whole(w, "axis", 1);
    end_node(w);
}

/* ---- cores ---- */

typedef double (*node_number)(const struct model_forest *f, uint32_t tree, uint32_t node);

static double tree_of(const struct model_forest *f, uint32_t tree, uint32_t node)
{
    return tree;
}

static double place_of(const struct model_forest *f, uint32_t tree, uint32_t node)
{
    return node - f->first[tree];
}

static double input_of(const struct model_forest *f, uint32_t tree, uint32_t node)
{
    return f->node[node].input;
}

static double yes_of(const struct model_forest *f, uint32_t tree, uint32_t node)
{
    return f->node[node].left;
}

static double no_of(const struct model_forest *f, uint32_t tree, uint32_t node)
{
    return f->node[node].left == 0 ? 0 : f->node[node].left + 1;
}

static double missing_of(const struct model_forest *f, uint32_t tree, uint32_t node)
{
    return f->node[node].missing_left;
}

static double zero_of(const struct model_forest *f, uint32_t tree, uint32_t node)
{
    return 0;
}

/* Of all nodes, or of the leaves. */
static void add_node_list(struct writer *w, const char *name, node_number number, bool leaves_only)
{
    const struct model_forest *f = &w->m->forest;

    add_word(&w->part, 1, name);
    for (uint32_t t = 0; t < f->trees; t++) {
        for (uint32_t i = f->first[t]; i < f->first[t + 1]; i++) {
            if (!leaves_only || f->node[i].left == 0)
                proto_add_varint(&w->inner, (uint64_t)number(f, t, i));
        }
    }
    add_message(&w->part, 8, &w->inner);
    end_attribute(w, AS_INTS);
}

static void add_modes(struct writer *w)
{
    const struct model_forest *f = &w->m->forest;

    add_word(&w->part, 1, "nodes_modes");
    for (uint32_t i = 0; i < f->first[f->trees]; i++)
        add_word(&w->part, 9, f->node[i].left == 0 ? "LEAF" : "BRANCH_LEQ");
    end_attribute(w, AS_STRINGS);
}

/* The rows of training that came to each node: what explanations weigh by. */
static void add_covers(struct writer *w)
{
    const struct model_forest *f = &w->m->forest;

    add_word(&w->part, 1, "nodes_hitrates");
    for (uint32_t i = 0; i < f->first[f->trees]; i++) {
        float cover = (float)f->node[i].cover;
        uint32_t bits;

        memcpy(&bits, &cover, sizeof bits);
        buffer_add_u32(&w->inner, bits);
    }
    add_message(&w->part, 7, &w->inner);
    end_attribute(w, AS_FLOATS);
}

/* Sums of 2^-32 are exact in double, in any order. */
static void write_forest(struct writer *w, const char *how, const char *to)
{
    const struct model_forest *f = &w->m->forest;
    uint32_t nodes = f->first[f->trees], leaves = 0;
    double *v = mem_array((size_t)nodes + 1, sizeof *v);
    double base = (double)f->base / (double)LEAF_ONE;

    begin_node(w, "TreeEnsembleRegressor", "ai.onnx.ml");
    add_word(&w->node, 1, "assay_row");
    add_word(&w->node, 2, to);
    add_whole(w, "n_targets", 1);
    add_text(w, "aggregate_function", how);
    add_text(w, "post_transform", "NONE");
    add_doubles(w, "base_values_as_tensor", &base, 1);
    add_node_list(w, "nodes_treeids", tree_of, false);
    add_node_list(w, "nodes_nodeids", place_of, false);
    add_node_list(w, "nodes_featureids", input_of, false);
    add_node_list(w, "nodes_truenodeids", yes_of, false);
    add_node_list(w, "nodes_falsenodeids", no_of, false);
    add_node_list(w, "nodes_missing_value_tracks_true", missing_of, false);
    add_modes(w);
    add_covers(w);
    for (uint32_t i = 0; i < nodes; i++)
        v[i] = f->node[i].left == 0 ? 0 : f->node[i].threshold;
    add_doubles(w, "nodes_values_as_tensor", v, nodes);
    add_node_list(w, "target_treeids", tree_of, true);
    add_node_list(w, "target_nodeids", place_of, true);
    add_node_list(w, "target_ids", zero_of, true);
    for (uint32_t i = 0; i < nodes; i++) {
        if (f->node[i].left == 0)
            v[leaves++] = (double)f->node[i].value / (double)LEAF_ONE;
    }
    add_doubles(w, "target_weights_as_tensor", v, leaves);
    end_node(w);
    mem_free(v);
}

/* 2^(-h/c) */
static void write_isolation(struct writer *w)
{
    double c = isolation_mean_path(w->m->forest.samples);

    write_forest(w, "AVERAGE", "assay_path");
    add_single(w, "assay_scale", -ln2 / c);
    plain_node(w, "Mul", "assay_path", "assay_scale", "assay_power");
    plain_node(w, "Exp", "assay_power", NULL, "margin");
}

/* A node that takes from `yes` where a value is missing, from the row elsewhere. */
static void where_missing(struct writer *w, const char *yes, const char *to)
{
    begin_node(w, "Where", "");
    add_word(&w->node, 1, "assay_is_missing");
    add_word(&w->node, 1, yes);
    add_word(&w->node, 1, "assay_row");
    add_word(&w->node, 2, to);
    end_node(w);
}

/* The sum of slope * max(0, x - knot) over all knots, each of which picks its input's column. What
 * is missing is below every knot. */
static void write_hinges(struct writer *w, const char *to)
{
    const struct model_linear *l = &w->m->linear;
    uint32_t inputs = w->m->inputs, hinges = l->first[inputs];
    uint32_t *input = mem_array(hinges, sizeof *input);
    double lowest = -DBL_MAX;

    for (uint32_t j = 0; j < inputs; j++) {
        for (uint32_t k = l->first[j]; k < l->first[j + 1]; k++)
            input[k] = j;
    }
    add_constant(w, "assay_lowest", &lowest, 1, false);
    add_places(w, "assay_bent_input", input, hinges);
    add_constant(w, "assay_knot", l->knot, hinges, false);
    add_constant(w, "assay_slope_behind", l->slope, hinges, true);
    where_missing(w, "assay_lowest", "assay_low");
    begin_node(w, "Gather", "");
    add_word(&w->node, 1, "assay_low");
    add_word(&w->node, 1, "assay_bent_input");
    add_word(&w->node, 2, "assay_bent");
    add_whole(w, "axis", 1);
    end_node(w);
    plain_node(w, "Sub", "assay_bent", "assay_knot", "assay_beyond");
    plain_node(w, "Relu", "assay_beyond", NULL, "assay_hinge");
    plain_node(w, "MatMul", "assay_hinge", "assay_slope_behind", to);
    mem_free(input);
}

/* weight * (x - mean) where it is there, and one of two constants; what the knots bend beside. */
static void write_linear(struct writer *w)
{
    const struct model_linear *l = &w->m->linear;
    uint32_t inputs = w->m->inputs;
    double *extra = mem_array((size_t)inputs + 1, sizeof *extra), bias = l->bias;
    bool bends = l->first != NULL && l->first[inputs] > 0;

    for (uint32_t j = 0; j < inputs; j++) {
        extra[j] = l->missing[j] - l->present[j];
        bias += l->present[j];
    }
    add_constant(w, "assay_mean", l->mean, inputs, false);
    add_constant(w, "assay_weight", l->weight, inputs, true);
    add_constant(w, "assay_missing_weight", extra, inputs, true);
    add_constant(w, "assay_bias", &bias, 1, false);
    plain_node(w, "IsNaN", "assay_row", NULL, "assay_is_missing");
    where_missing(w, "assay_mean", "assay_filled");
    plain_node(w, "Sub", "assay_filled", "assay_mean", "assay_centred");
    plain_node(w, "MatMul", "assay_centred", "assay_weight", "assay_present_sum");
    cast_node(w, "assay_is_missing", "assay_missing", ONNX_DOUBLE);
    plain_node(w, "MatMul", "assay_missing", "assay_missing_weight", "assay_missing_sum");
    plain_node(w, "Add", "assay_present_sum", "assay_missing_sum", "assay_sum");
    if (bends) {
        write_hinges(w, "assay_bent_sum");
        plain_node(w, "Add", "assay_sum", "assay_bent_sum", "assay_whole_sum");
    }
    plain_node(w, "Add", bends ? "assay_whole_sum" : "assay_sum", "assay_bias", "assay_margin");
    cast_node(w, "assay_margin", "margin", ONNX_FLOAT);
    mem_free(extra);
}

/* ---- from margin to probability ---- */

static void write_probability(struct writer *w)
{
    const struct calibration *c = model_calibration(w->m);
    const char *from = "margin";

    if (c->kind == CALIBRATION_PLATT) {
        add_single(w, "assay_slope", c->slope);
        add_single(w, "assay_offset", c->offset);
        plain_node(w, "Mul", "margin", "assay_slope", "assay_sloped");
        plain_node(w, "Add", "assay_sloped", "assay_offset", "assay_calibrated");
        from = "assay_calibrated";
    }
    if (c->kind == CALIBRATION_PLATT || model_operations(w->m)->unit == MARGIN_LOG_ODDS) {
        plain_node(w, "Sigmoid", from, NULL, "probability");
        return;
    }
    add_single(w, "assay_least", 0);
    add_single(w, "assay_most", 1);
    plain_node(w, "Max", from, "assay_least", "assay_at_least");
    plain_node(w, "Min", "assay_at_least", "assay_most", "probability");
}

/* ---- the whole ---- */

static bool is_expressed(const struct model *m, struct error *e)
{
    const char *kind = model_kind_name(m->kind);

    if (m->kind != MODEL_LOGISTIC && m->kind != MODEL_BOOST && m->kind != MODEL_FOREST &&
        m->kind != MODEL_ISOLATION)
        return error_set(e, ERROR_INVALID,
                         "a model of kind %s is not written as ONNX: logistic, boost, forest and "
                         "isolation are%s",
                         kind,
                         m->kind == MODEL_IMPORTED ? "; hint: use the file that was imported"
                                                   : "; hint: export its members one by one");
    if (model_calibration(m)->kind == CALIBRATION_ISOTONIC)
        return error_set(e, ERROR_INVALID,
                         "an isotonic calibration is not written as ONNX; hint: train with "
                         "calibrate: platt");
    if (m->kind != MODEL_LOGISTIC &&
        (m->forest.trees == 0 || (m->kind == MODEL_ISOLATION && m->forest.samples < 2)))
        return error_set(e, ERROR_INVALID, "the model has no tree that splits: nothing to write");
    for (uint32_t j = 0; j < m->inputs; j++) {
        if (strncmp(m->input[j].name, "assay_", 6) == 0 ||
            strcmp(m->input[j].name, "margin") == 0 || strcmp(m->input[j].name, "probability") == 0)
            return error_set(e, ERROR_INVALID,
                             "the feature \"%s\" is called as a tensor of the graph's own; hint: "
                             "give it another name",
                             m->input[j].name);
    }
    return true;
}

static void write_graph(struct writer *w)
{
    add_word(&w->graph, 2, "assay");
    write_inputs(w);
    if (w->m->kind == MODEL_LOGISTIC)
        write_linear(w);
    else if (w->m->kind == MODEL_ISOLATION)
        write_isolation(w);
    else
        write_forest(w, w->m->kind == MODEL_FOREST ? "AVERAGE" : "SUM", "margin");
    write_probability(w);
    add_port(w, 12, "margin", ONNX_FLOAT);
    add_port(w, 12, "probability", ONNX_FLOAT);
}

static void add_opset(struct writer *w, struct buffer *out, const char *domain, int version)
{
    add_word(&w->part, 1, domain);
    proto_add_whole(&w->part, 2, version);
    add_message(out, 8, &w->part);
}

bool export_onnx(const struct model *m, const char *version, struct buffer *out, struct error *e)
{
    struct writer w = {.m = m};
    struct buffer *const all[] = {&w.graph, &w.node, &w.part, &w.inner};
    bool ok = is_expressed(m, e);

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        buffer_init(all[i], MODEL_BYTES_MAX);
    if (ok) {
        write_graph(&w);
        proto_add_whole(out, 1, IR_VERSION);
        add_word(out, 2, "assay");
        add_word(out, 3, version);
        add_message(out, 7, &w.graph);
        add_opset(&w, out, "", OPSET);
        add_opset(&w, out, "ai.onnx.ml", OPSET_ML);
        ok = !out->overflow ||
             error_set(e, ERROR_FULL, "the file is over %d MiB", MODEL_BYTES_MAX >> 20);
    }
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        buffer_fini(all[i]);
    return ok;
}

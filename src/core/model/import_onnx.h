/* What import_onnx.c knows of a graph's tensors; shared with its trees. */
#ifndef ASSAY_MODEL_IMPORT_ONNX_H
#define ASSAY_MODEL_IMPORT_ONNX_H

#include "core/model/import.h"
#include "core/model/onnx.h"

enum value_kind {
    VALUE_OTHER,    /* a class label or the like: nothing may need it */
    VALUE_CONSTANT, /* `constant` */
    VALUE_COLUMNS,  /* of the inputs, each with its steps */
    VALUE_SCORE,    /* what the core gives, so far */
};

enum score_link { LINK_NONE, LINK_SIGMOID, LINK_SOFTMAX };

/* A column before it is known whether the core sees it. */
struct draft {
    uint32_t input;
    uint32_t steps;
    const struct imported_step *step;
};

struct symbol {
    struct text name;
    enum value_kind kind;
    enum onnx_type type; /* of the items */
    const struct onnx_tensor *constant;
    uint32_t columns;
    struct draft *column;
    enum imported_norm norm; /* of all columns together */
    /* VALUE_SCORE: `width` numbers; where it is_pair, those of the first class are left out: 1 - p
     * or -s, and the width is 1. */
    uint32_t width, layers;
    enum score_link link;
    bool is_pair, is_complement, is_mirrored;
};

struct graph {
    const struct import_options *options;
    struct onnx *o;
    struct import *found;
    const struct onnx_node *node; /* being read */
    uint32_t values;
    struct symbol *value;
    bool has_core;
    struct error *e;
};

bool graph_refuse(const struct graph *g, const char *what);
/* The columns become the core's; refused where there is a core already. */
bool graph_begin_core(struct graph *g, const struct symbol *in);
/* Number of an attribute's list; refused where it is absent and `count` is not 0. */
bool graph_list(const struct graph *g, const char *name, uint32_t count, const double **list);
/* An attribute's text, or `absent`. */
struct text graph_word(const struct graph *g, const char *name, const char *absent);
double graph_number(const struct graph *g, const char *name, double absent);

/* Memory of the graph; NULL and an error where it is too much. */
void *graph_room(struct graph *g, size_t count, size_t item);
/* The node's i-th input, which something before it makes; or one that is constant numbers. */
bool graph_input(struct graph *g, uint32_t i, struct symbol **v);
bool graph_constant(struct graph *g, uint32_t i, const struct onnx_tensor **t);
bool graph_is_text(const struct symbol *v);
/* A copy whose columns can be given more steps. */
bool graph_copy_columns(struct graph *g, const struct symbol *from, enum onnx_type type,
                        struct symbol *to);
bool graph_add_step(struct graph *g, struct draft *d, const struct imported_step *s);

/* TreeEnsembleClassifier and TreeEnsembleRegressor, whose input is `in`. */
bool graph_trees(struct graph *g, const struct symbol *in, bool is_classifier, struct symbol *out);

/* Operators: from the node's inputs to the result that a score can come from. In
 * import_onnx_columns.c and import_onnx_layers.c. */
bool op_add(struct graph *g, struct symbol *out);
bool op_batch_normalization(struct graph *g, struct symbol *out);
bool op_cast(struct graph *g, struct symbol *out);
bool op_concat(struct graph *g, struct symbol *out);
bool op_div(struct graph *g, struct symbol *out);
bool op_elu(struct graph *g, struct symbol *out);
bool op_extract(struct graph *g, struct symbol *out);
bool op_gather(struct graph *g, struct symbol *out);
bool op_gemm(struct graph *g, struct symbol *out);
bool op_imputer(struct graph *g, struct symbol *out);
bool op_keep_shape(struct graph *g, struct symbol *out);
bool op_label_encoder(struct graph *g, struct symbol *out);
bool op_leaky(struct graph *g, struct symbol *out);
bool op_linear_classify(struct graph *g, struct symbol *out);
bool op_linear_regress(struct graph *g, struct symbol *out);
bool op_mat_mul(struct graph *g, struct symbol *out);
bool op_mul(struct graph *g, struct symbol *out);
bool op_normalizer(struct graph *g, struct symbol *out);
bool op_one_hot(struct graph *g, struct symbol *out);
bool op_relu(struct graph *g, struct symbol *out);
bool op_scaler(struct graph *g, struct symbol *out);
bool op_sigmoid(struct graph *g, struct symbol *out);
bool op_softmax(struct graph *g, struct symbol *out);
bool op_sub(struct graph *g, struct symbol *out);
bool op_tanh(struct graph *g, struct symbol *out);

#endif

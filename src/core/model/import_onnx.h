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

/* TreeEnsembleClassifier and TreeEnsembleRegressor, whose input is `in`. */
bool graph_trees(struct graph *g, const struct symbol *in, bool is_classifier, struct symbol *out);

#endif

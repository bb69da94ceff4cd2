/* What another library's model says, computed as that library computes it.
 *
 * A row goes through two stages. The columns: each is one input of the model after a chain of steps
 * (rounded to single, scaled, missing replaced, compared with a category). Then the core: trees,
 * whose leaves are summed in the library's own order and precision, or layers (a linear model is
 * one layer). The result is the margin; a link makes the probability of it.
 *
 * Numbers are held in doubles; where the library computes in float32, each result is rounded to it,
 * so the bits are the library's. XGBoost and ONNX trees: float32 sums in the order of the trees;
 * LightGBM: double. Dense layers are summed in double and rounded once, because their libraries'
 * own order depends on the processor.
 *
 * Invariants, made by the parsers and held by imported_finish:
 *   1. A tree's children come after their parent, each node but the first has one parent: acyclic.
 *      No path is longer than IMPORTED_DEPTH_MAX.
 *   2. Columns, inputs, tables and sets that anything names exist. No number is NaN but what a
 *      look-up finds; leaves, weights and thresholds are finite (a threshold may be infinite).
 *   3. The first layer is as wide as there are columns, the last 1 or 2 wide.
 */
#ifndef ASSAY_MODEL_IMPORTED_H
#define ASSAY_MODEL_IMPORTED_H

#include "core/base/buffer.h"
#include "core/base/error.h"

enum {
    IMPORTED_TREES_MAX = 100000,
    IMPORTED_NODES_MAX = 4 << 20,
    IMPORTED_DEPTH_MAX = 128,
    IMPORTED_SET_WORDS_MAX = 4 << 20, /* of all category sets together */
    IMPORTED_COLUMNS_MAX = 65536,
    IMPORTED_STEPS_MAX = 1 << 20,
    IMPORTED_TABLE_MAX = 1 << 20, /* entries of all tables together */
    IMPORTED_LAYERS_MAX = 128,
    IMPORTED_WIDTH_MAX = 16384,
    IMPORTED_WEIGHTS_MAX = 16 << 20,
};

enum imported_step_kind {
    STEP_SINGLE,  /* rounded to float32 */
    STEP_WHOLE,   /* its whole part */
    STEP_ADD,     /* + a */
    STEP_SUB,     /* - a */
    STEP_MUL,     /* * a */
    STEP_DIV,     /* / a */
    STEP_FILL,    /* missing becomes a */
    STEP_REPLACE, /* a becomes b */
    STEP_EQUAL,   /* 1 where it equals a, else 0 */
    STEP_LOOKUP,  /* `count` entries of the table from `first` on; what is not there is b */
    STEP_KINDS,
};

struct imported_step {
    uint8_t kind;
    bool is_single;        /* the result is rounded to float32 */
    uint32_t first, count; /* STEP_LOOKUP: entries of the table */
    double a, b;
};

/* A table's entries: keys ascend within one step. */
struct imported_entry {
    double key, value;
};

struct imported_column {
    uint32_t input;        /* of the model */
    uint32_t first, steps; /* of the steps */
};

enum imported_norm { NORM_NONE, NORM_MAX, NORM_L1, NORM_L2, NORMS };

enum imported_test {
    TEST_LEAF,
    TEST_LESS,       /* left where x < threshold */
    TEST_LESS_EQUAL, /* x <= threshold */
    TEST_EQUAL,      /* x == threshold */
    TEST_SET,        /* the whole part of x is in the set; anything below 0 is not */
    TEST_SET_WHOLE,  /* the same, but what lies in (-1, 0) counts as 0 */
    TESTS,
};

struct imported_node {
    double threshold;     /* of a leaf: its value */
    double cover;         /* training rows, or their hessian; 0: unknown */
    uint32_t left, right; /* in the forest; of a leaf 0 */
    uint32_t column;
    uint32_t set, set_words; /* words of 32 categories */
    uint8_t test;            /* enum imported_test */
    bool missing_left;
    bool zero_is_missing; /* |x| <= 1e-35 goes where the missing go */
};

struct imported_trees {
    uint32_t trees;
    uint32_t *first; /* trees + 1 */
    struct imported_node *node;
    double *share; /* of each node: the part of its parent's cover that came here, in (0, 1) */
    uint32_t *set_word;
    uint32_t set_words;
    double base;
    bool base_last;  /* added after the trees, not before */
    bool is_single;  /* sums are rounded to float32 */
    double divisor;  /* the sum is divided by it before a last base; 1: not */
    double expected; /* the mean margin by the covers: the base of explanations */
    uint32_t points; /* of the quadrature, for explanations */
};

enum imported_layer_kind {
    LAYER_DENSE, /* weight[o * in + i], bias[o] */
    LAYER_CHAIN, /* the same, in float32, from the bias on in the order of the columns */
    LAYER_ADD,   /* weight[i] */
    LAYER_MUL,
    LAYER_RELU,
    LAYER_LEAKY, /* x < 0: x * slope */
    LAYER_ELU,   /* x < 0: (exp(x) - 1) * slope */
    LAYER_SIGMOID,
    LAYER_TANH,
    LAYER_KINDS,
};

struct imported_layer {
    uint8_t kind;
    bool is_single;
    uint32_t in, out;
    double slope;
    double *weight, *bias;
};

/* Which of the core's numbers is the margin. */
enum imported_output {
    OUTPUT_ONLY,
    OUTPUT_SECOND,     /* of two */
    OUTPUT_DIFFERENCE, /* second - first: the log-odds before a softmax */
    OUTPUTS,
};

struct imported {
    uint32_t inputs;
    uint32_t columns;
    struct imported_column *column;
    uint32_t steps;
    struct imported_step *step;
    uint32_t entries;
    struct imported_entry *entry;
    uint8_t norm;  /* enum imported_norm: each row divided by its norm, in float32 */
    bool is_trees; /* otherwise layers */
    struct imported_trees trees;
    uint32_t layers;
    struct imported_layer *layer;
    uint8_t output; /* enum imported_output */
    uint32_t width; /* of the widest vector */
    size_t cells;   /* of all vectors together */
};

struct imported *imported_new(uint32_t inputs);
void imported_free(struct imported *m);

/* Appending, for the parsers; the arrays grow. */
uint32_t imported_add_column(struct imported *m, uint32_t input);
void imported_add_step(struct imported *m, const struct imported_step *s); /* to the last column */
struct imported_layer *imported_add_layer(struct imported *m, enum imported_layer_kind kind,
                                          uint32_t in, uint32_t out);
/* Zeroed nodes for the next tree; its first is returned. */
struct imported_node *imported_add_tree(struct imported *m, uint32_t nodes);
/* `words` words of the set that a node tests; returns them. */
uint32_t *imported_add_set(struct imported *m, struct imported_node *n, uint32_t words);

/* Leaves out the columns that no tree tests. used[j]: whether input j is still met. */
void imported_drop_unused(struct imported *m, bool *used);
/* Inputs get new numbers. */
void imported_number_inputs(struct imported *m, const uint32_t *number, uint32_t inputs);

/* Checks the invariants and makes the derived parts; ERROR_INVALID says what is wrong. */
bool imported_finish(struct imported *m, struct error *e) MUST_USE;

/* Doubles of working memory that the next two need. */
size_t imported_work(const struct imported *m);
/* x has one double an input, NaN where it is missing. */
double imported_margin(const struct imported *m, const double *x, double *work);
/* Contributions of the inputs, added to what is there; returns the base. Trees: TreeSHAP with the
 * file's covers, both sides of a split alike where it has none. Layers: gradients integrated from
 * columns of zero. */
double imported_explain(const struct imported *m, const double *x, double *contribution,
                        double *work);
/* Contributions of the inputs, added to what is there; returns the base. Trees: TreeSHAP of the
 * inputs with the file's covers. Layers: gradients integrated from columns of zero. */
double imported_explain(const struct imported *m, const double *x, double *contribution,
                        double *work);

void imported_format(const struct imported *m, struct buffer *out);
/* NULL and ERROR_INVALID, without a prefix, where it is not sound. */
struct imported *imported_parse(struct reader *in, uint32_t inputs, struct error *e) MUST_USE;

#endif

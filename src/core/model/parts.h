/* What a model is made of: shared by the trainers (core/learn), the model file, the kernels and the
 * explanations. Everyone else sees model.h only.
 *
 * A model is built in three steps: model_new, filling the parts, model_finish; after that it does
 * not change (but for notes and calibration before it is shared).
 *
 * Every input becomes one double, NaN where it is missing; a category's is looked up in the map
 * that was frozen in training. Trees split these doubles, linear terms weigh them.
 *
 * Invariants, made by the trainers and checked by the parser:
 *   1. A tree's nodes are in breadth-first order: the i-th internal node (in index order) has its
 *      children at 2i+1 and 2i+2. So trees are acyclic and no child index is stored.
 *   2. cover, the number of training rows in a node, is positive, and a node's is the sum of its
 *      children's.
 *   3. |value| <= LEAF_VALUE_MAX, so MODEL_TREES_MAX of them cannot overflow an int64.
 *   4. Doubles are finite; the categories of a map are sorted and differ.
 */
#ifndef ASSAY_MODEL_PARTS_H
#define ASSAY_MODEL_PARTS_H

#include "core/model/model.h"

enum {
    MODEL_DEPTH_MAX = 32,         /* splits between root and leaf */
    MODEL_CATEGORIES_MAX = 65536, /* values that one map knows */
    MODEL_THRESHOLDS_MAX = 65000, /* of one input over the whole forest: ranks are 16-bit */
    MODEL_TREE_NODES_MAX = 8191,
    MODEL_KNOTS_MAX = 64,        /* of one input of a linear model */
    MODEL_SAMPLES_MAX = 1 << 20, /* of an isolation tree */
    LEAF_FRACTION_BITS = 32,
};

#define LEAF_ONE       (INT64_C(1) << LEAF_FRACTION_BITS)
#define LEAF_VALUE_MAX (INT64_C(1) << 40) /* 256 of its unit */

/* Text to number. Values in byte order; text that is not among them becomes `other`. */
struct category_map {
    uint32_t count;
    struct text *value; /* into bytes */
    double *number;
    double other;
    char *bytes;
    uint32_t *slot; /* open-addressed hash table of index + 1, 0 = free */
    uint32_t slots;
};

struct model_linear {
    double bias;
    double *mean;    /* of each input, over the training rows */
    double *weight;  /* of (value - mean) */
    double *present; /* added where the value is present: centres the indicator of missing */
    double *missing; /* added where it is missing, instead */
    /* Bends: from a knot on, the slope of the input is another by so much. Input j has hinges
     * [first[j], first[j + 1]), their knots ascending; NULL: it has none at all. */
    uint32_t *first; /* inputs + 1 */
    double *knot, *slope;
};

/* A large forest has millions: they are as small as they can be. */
struct tree_node {
    union {
        double threshold; /* of an internal node: left where the value is <= threshold */
        int64_t value;    /* of a leaf */
    };
    uint32_t cover; /* training rows that came here */
    uint16_t left;  /* of an internal node: its left child's index in the tree; 0 = leaf */
    uint16_t input : 15;
    uint16_t missing_left : 1;
};
_Static_assert(MODEL_INPUTS_MAX <= 1 << 15, "an input's number fits a node");

/* A leaf's value in units of 2^-32: of log-odds (boost, the trees' sum counts), of a probability
 * (forest, their mean), of a path's length (isolation, their mean). */
struct model_forest {
    int64_t base;     /* boost: log-odds before the first tree, 2^-32; otherwise 0 */
    uint32_t samples; /* isolation: rows that each tree was grown from; otherwise 0 */
    uint32_t trees;
    uint32_t *first; /* trees + 1: where each tree begins in node */
    struct tree_node *node;
};

/* A small dense net: net.h says what its terms and layers mean. */
enum {
    NET_LAYERS_MAX = 5, /* with the output */
    NET_TERMS_MAX = 8192,
    NET_LANES = 16, /* units of a layer are stored in groups of so many, the rest zero */
};

enum net_term_kind { NET_NUMBER, NET_LEVEL, NET_MISSING };

struct net_term {
    enum net_term_kind kind;
    uint16_t input;
    uint16_t level;
    double mean, scale;
};

struct net_layer {
    uint32_t from, units;
    uint32_t stride; /* units in whole groups */
    float *weight;   /* [from][stride] */
    float *bias;     /* [stride] */
};

struct model_net {
    uint32_t terms;
    struct net_term *term;
    uint32_t layers;
    struct net_layer layer[NET_LAYERS_MAX];
};

/* Models over the same inputs, each with its own category maps, notes empty. */
struct model_members {
    uint32_t count;
    struct model *model[MODEL_MEMBERS_MAX];
    double weight[MODEL_MEMBERS_MAX]; /* vote: of its probability; stack: of its log-odds */
    double bias;                      /* stack */
};

struct forest_ranks;
struct imported;
struct population;
struct shap_rule;

struct model {
    enum model_kind kind;
    uint32_t inputs;
    struct model_input *input;
    struct category_map *category; /* one an input; empty for numbers */
    struct model_notes notes;
    struct calibration calibration;
    struct conformal conformal;
    struct population *population; /* NULL: none */
    struct model *rival[MODEL_RIVALS];
    double challenger_share;
    struct model_linear linear; /* MODEL_LOGISTIC */
    struct model_forest forest; /* MODEL_BOOST, MODEL_FOREST, MODEL_ISOLATION */
    struct model_net net;       /* MODEL_NET */
    struct model_members members;
    struct imported *imported;  /* MODEL_IMPORTED */
    uint32_t width;             /* doubles of an encoded row; from model_finish on */
    uint32_t block;             /* rows that are scored together; likewise */
    struct forest_ranks *ranks; /* the forest as the kernels walk it */
    struct shap_rule *shap;     /* NULL until a row is explained: shap_rule_of */
    double mean_path;           /* MODEL_ISOLATION: of its samples */
};

/* Inputs unnamed, maps empty, linear arrays zero, no trees, no members. */
struct model *model_new(enum model_kind kind, uint32_t inputs);
void model_set_input(struct model *m, uint32_t index, struct text name, bool is_category,
                     uint64_t fingerprint);
/* Room for `hinges` of a linear model. */
void model_hinges_reserve(struct model *m, uint32_t hinges);
/* Room for `trees` trees of `nodes` nodes in all. */
void model_forest_reserve(struct model *m, uint32_t trees, uint32_t nodes);
/* The member goes over to the model; its inputs must be the model's. */
void model_add_member(struct model *m, struct model *member, double weight);
/* Makes the derived parts. False where an input has more than MODEL_THRESHOLDS_MAX thresholds. */
bool model_finish(struct model *m, struct error *e) MUST_USE;

/* What stands in for the input where it is null. */
void model_set_fill(struct model *m, uint32_t index, double fill);
/* Values must be sorted and differ; both arrays are copied. */
void category_map_set(struct category_map *c, const struct text *value, const double *number,
                      uint32_t count, double other);
void category_map_fini(struct category_map *c);
double category_map_find(const struct category_map *c, struct text t);

/* A cell of a number column as a double, NaN where it is null: decimals in units, durations in
 * seconds. */
double column_number(const struct column *c, uint32_t row);

/* Encoded rows: input j of the i-th row is x[i * width + j], and where the model has members, also
 * x[i * width + k * inputs + j] for each of the width / inputs models without members below it, in
 * order, by its own maps. The i-th row is row[first + i] of the columns, or first + i where `row`
 * is NULL. */
void model_encode(const struct model *m, const struct column *const *inputs, const uint32_t *row,
                  uint32_t first, uint32_t rows, double *x);
/* One input alone, of a model without members; x[i * stride]. */
void model_encode_input(const struct model *m, uint32_t input, const struct column *c,
                        const uint32_t *row, uint32_t first, uint32_t rows, double *x,
                        uint32_t stride);
/* The k-th model without members at or below m. */
const struct model *model_base(const struct model *m, uint32_t k);
void model_score_encoded(const struct model *m, struct model_scratch *s, const double *x,
                         uint32_t rows, double *margin);

/* Contributions (zero before) of one encoded row; returns the base. */
double model_explain_encoded(const struct model *m, struct model_scratch *s, const double *x,
                             double *contribution);
/* Log-odds of a probability, finite also at 0 and 1: what a member of a stack says. */
double share_log_odds(double p);
/* c(n) of forest.c: the mean path length in an isolation tree of so many rows. */
double isolation_mean_path(uint32_t rows);
/* path[n] = c(n) of 0 .. most rows. */
void isolation_mean_paths(double *path, uint32_t most);

/* The child of an internal node that takes x: its index in the tree. */
static inline uint32_t tree_next(const struct tree_node *n, double x)
{
    bool left = __builtin_isnan(x) ? n->missing_left : x <= n->threshold;

    return n->left + !left;
}

#endif

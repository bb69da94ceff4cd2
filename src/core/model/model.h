/* A trained model: immutable after it is built or read, shared by any number of threads.
 *
 * Inputs are columns, one per feature, in the model's order. Numbers (bool, int, decimal, real,
 * duration in seconds) are taken as doubles, null as missing; text is a category, looked up in the
 * model's own dictionary, unseen values by its rule for them.
 *
 * Every kind gives a row a margin:
 *
 *     logistic, boost, net, stack   log-odds
 *     forest                        mean share of frauds in the leaves, 0 to 1
 *     isolation                     anomaly score, 0 to 1 (Liu, Ting and Zhou 2008)
 *     vote                          weighted mean of the members' probabilities
 *     imported                      what the other library calls its raw score
 *
 * and the calibration makes a probability of it. Sums of leaf values are integers, so scalar, AVX2
 * and AVX-512 give the same bits; everything else is added in input order.
 */
#ifndef ASSAY_MODEL_MODEL_H
#define ASSAY_MODEL_MODEL_H

#include "core/base/buffer.h"
#include "core/base/simd.h"
#include "core/data/frame.h"

enum {
    MODEL_FORMAT_VERSION = 3, /* 2 where it has no optional part */
    MODEL_INPUTS_MAX = 1024,
    MODEL_MEMBERS_MAX = 16,
    MODEL_CALIBRATION_POINTS_MAX = 4096,
    CONFORMAL_STEPS_MAX = 8192, /* of one table */
    MODEL_TREES_MAX = 10000,
    MODEL_BYTES_MAX = 256 << 20,
    NET_UNITS_MAX = 1024, /* of one layer */
};

enum model_kind {
    MODEL_LOGISTIC,
    MODEL_BOOST,
    MODEL_FOREST,
    MODEL_ISOLATION,
    MODEL_NET,
    MODEL_VOTE,
    MODEL_STACK,
    MODEL_IMPORTED,
    MODEL_KINDS,
};

const char *model_kind_name(enum model_kind kind); /* "logistic", "boost", ... */
bool model_kind_find(const char *name, enum model_kind *kind) MUST_USE;

struct model_input {
    char *name;           /* of the feature */
    bool is_category;     /* text; otherwise a number */
    uint64_t fingerprint; /* program_fingerprint of the feature it was trained on */
    double fill;          /* of a number: taken where it is null; NaN: null is missing */
};

/* Words that travel with the model and do not change its scores. Owned by the model. */
struct model_notes {
    char *settings; /* resolved assay.yaml, secrets left out */
    char *metrics;  /* JSON object, of what `assay train --json` prints */
    char *data;     /* JSON object: source names, SHA-256, rows, frauds, from, until */
};

struct model;

struct model_scratch; /* working memory of one thread for one model */

void model_free(struct model *m);
enum model_kind model_kind(const struct model *m);
uint32_t model_input_count(const struct model *m);
uint32_t model_tree_count(const struct model *m); /* 0 where it has no trees */
const struct model_input *model_input(const struct model *m, uint32_t index);
const struct model_notes *model_notes(const struct model *m);
void model_set_notes(struct model *m, const struct model_notes *notes); /* copies; before sharing */
uint32_t model_member_count(const struct model *m); /* of vote and stack; 0 otherwise */
const struct model *model_member(const struct model *m, uint32_t index);
double model_member_weight(const struct model *m, uint32_t index);

/* Models that are scored beside this one, on the same features: in its file, so that a plan with
 * them has an identity of its own. The challenger decides a share of the entities. Owned. */
enum model_rival { RIVAL_CHALLENGER, RIVAL_SHADOW, MODEL_RIVALS };

const struct model *model_rival(const struct model *m, enum model_rival r); /* or NULL */
double model_challenger_share(const struct model *m);                       /* 0 to 1 */
/* Takes the rival over, without what only its own file needs; before the model is shared. */
void model_set_rival(struct model *m, enum model_rival r, struct model *rival);
void model_set_challenger_share(struct model *m, double share);

/* From margin to probability: rising, and the same for all rows. */
enum calibration_kind {
    CALIBRATION_NONE,     /* log-odds by the sigmoid, the other margins as they are */
    CALIBRATION_PRIOR,    /* the same, its log-odds moved by `offset` */
    CALIBRATION_PLATT,    /* sigmoid(slope * margin + offset) */
    CALIBRATION_ISOTONIC, /* through the points, straight between them, level outside */
};

struct calibration {
    enum calibration_kind kind;
    double slope, offset;
    uint32_t points;
    const double *margin;      /* ascending, different */
    const double *probability; /* of each, 0 to 1, never falling */
};

const struct calibration *model_calibration(const struct model *m);
/* Copies; before the model is shared. */
void model_calibrate(struct model *m, const struct calibration *c);
double model_probability(const struct model *m, double margin);

/* What calibration rows, which the model did not learn from, say about the margin of a new one
 * (core/learn/conformal.c makes it). Classes are 0 legitimate, 1 fraud.
 *
 * p_value[c]: of "the row is of class c", among the calibration rows of that class alone, so that
 * what is promised holds for each class (Mondrian conformal prediction: Vovk, Gammerman and Shafer,
 * "Algorithmic Learning in a Random World", 2005, section 4.5). A margin is strange for a fraud
 * when it is low, for a legitimate row when it is high.
 *
 * bound[c]: isotonic regression of the calibration rows with the new one counted as of class c, at
 * the new one. The pair is the interval of the inductive Venn-Abers predictor (Vovk and Petej 2012;
 * computed as in Vovk, Petej and Fedorova, "Large-scale probabilistic predictors with and without
 * guarantees of validity", 2015).
 *
 * All are steps over the margin, computed beforehand: a row costs four searches by halving. */
struct margin_steps {
    uint32_t count;
    double *margin; /* ascending, different */
    double *value;  /* at and, to the next step, beyond the margin */
};

struct conformal {
    double level;     /* of the sets, above 0 and below 1; 0: there is nothing here */
    uint32_t rows[2]; /* calibration rows by class */
    struct margin_steps p_value[2];
    struct margin_steps bound[2];
};

/* Of one row. */
struct uncertainty {
    double p_value[2];
    double bound[2]; /* of the probability of fraud: lowest, highest */
    uint8_t set;     /* bit c: class c is not ruled out at the level; 0: both are */
};

enum { UNCERTAINTY_LEGITIMATE = 1, UNCERTAINTY_FRAUD = 2 }; /* bits of the set */

const struct conformal *model_conformal(const struct model *m); /* NULL: it has none */
/* Takes the tables over; before the model is shared. */
void model_set_conformal(struct model *m, struct conformal *c);
void conformal_at(const struct conformal *c, double margin, struct uncertainty *u);
void conformal_free(struct conformal *c);

struct model_scratch *model_scratch_new(const struct model *m, enum simd level);
void model_scratch_free(struct model_scratch *s);
/* Makes now what the first explanation would: for who has no time to lose then. */
void model_scratch_prepare(struct model_scratch *s);

/* Any number of rows; margin and probability are arrays of `rows`, either may be NULL. Row i gives
 * the same bits in any batch. */
void model_score(const struct model *m, struct model_scratch *s, const struct column *const *inputs,
                 uint32_t first, uint32_t rows, double *margin, double *probability);
/* The margins of rows row[0..rows-1]. */
void model_score_rows(const struct model *m, struct model_scratch *s,
                      const struct column *const *inputs, const uint32_t *row, uint32_t rows,
                      double *margin);

/* Exact additive contributions to the margin of one row: base + sum(contribution) = margin.
 * Trees: TreeSHAP with the training cover as weights (Lundberg et al., 2020); linear terms: weight
 * * (value - training mean). `contribution` has one entry per input. */
void model_explain(const struct model *m, struct model_scratch *s,
                   const struct column *const *inputs, uint32_t row, double *contribution,
                   double *base);

/* The same of rows row[0..rows-1]: contribution has `rows` times one entry per input, base one of
 * each. A large forest takes far less memory so than by model_explain, which keeps what the next
 * row will need; sums are added in another order there, so the last bits may differ. */
void model_explain_rows(const struct model *m, enum simd level, const struct column *const *inputs,
                        const uint32_t *row, uint32_t rows, double *contribution, double *base);

/* The model file: magic, version, sections with lengths, CRC-32 of each; the same model gives
 * the same bytes. Parsing trusts nothing: every count, index and length is checked, trees are
 * acyclic and in order; ERROR_INVALID says what is wrong. */
void model_format(const struct model *m, struct buffer *out);
bool model_parse(const void *bytes, size_t length, struct model **m, struct error *e) MUST_USE;

#endif

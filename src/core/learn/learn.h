/* Training. Same data, options and seed give the same bytes at any number of threads.
 *
 * A dataset borrows everything. Rows are in time order; text inputs become categories.
 */
#ifndef ASSAY_LEARN_LEARN_H
#define ASSAY_LEARN_LEARN_H

#include "core/base/progress.h"
#include "core/base/workers.h"
#include "core/model/model.h"

struct dataset {
    uint32_t rows;
    uint32_t inputs;
    const struct column *const *input; /* `inputs` columns */
    const char *const *name;           /* of the inputs */
    const uint64_t *fingerprint;       /* of the inputs */
    const uint8_t *label;              /* 1 = fraud, 0 = legitimate */
    const uint32_t *row; /* the rows of the columns that belong to it, or NULL: 0..rows-1 */
    const double *fill;  /* of the inputs: what the model takes where they are null, which the
                          * columns have there already; NaN: nothing. NULL: nothing of any */
};

enum balance { BALANCE_NONE, BALANCE_WEIGHTS }; /* weights: each class counts half in all */

struct learn_run {
    uint64_t seed;
    const struct workers *workers;   /* may be NULL */
    const struct progress *progress; /* may be NULL */
    enum simd simd;                  /* of scoring; results are the same bits at each */
};

struct logistic_options {
    enum balance balance;
    /* On standardised inputs, per row: minimises mean loss + l2 / 2 * |w|^2; below 1e-9 is 1e-9, so
     * that separable classes have an optimum. */
    double l2;
    double l1; /* adds l1 * |w| to the same: what tells little gets no weight at all */
};

/* An input whose values may push the margin one way only. */
struct monotone {
    char *name;    /* of the input, no category */
    int direction; /* of the margin as the value rises: 1 never falls, -1 never rises, 0: any */
};

struct boost_options {
    enum balance balance;
    uint32_t trees;  /* at most */
    uint32_t leaves; /* of a tree, at most */
    uint32_t depth;  /* of a tree, at most */
    uint32_t bins;   /* per input, at most 255 */
    double learning_rate;
    double l2;
    double min_leaf_weight; /* sum of hessians */
    uint32_t min_leaf_rows;
    double column_share; /* of the inputs, drawn per tree */
    double row_share;    /* of the legitimate rows, drawn per tree; frauds are always kept */
    uint32_t patience; /* stop after so many trees without a better average precision; 0 = never */
    struct monotone *monotone; /* borrowed */
    uint32_t monotones;
};

struct forest_options {
    enum balance balance;
    uint32_t trees;
    uint32_t depth;         /* of a tree, at most */
    uint32_t min_leaf_rows; /* different ones */
    uint32_t bins;          /* per input, at most 255 */
    double column_share;    /* of the inputs, tried at each node; 0: the square root of them */
    double row_share;       /* draws with replacement, per row */
};

enum { ISOLATION_SAMPLES_MAX = 4096 };

struct isolation_options {
    uint32_t trees;
    uint32_t samples;     /* rows of each tree, drawn without replacement */
    double contamination; /* share of the training rows that score as anomalies (probability above
                             one half); 0: the score is left as it is */
};

enum {
    NET_HIDDEN_MAX = 4, /* layers */
    NET_BATCH_MAX = 65536,
    NET_EPOCHS_MAX = 10000,
};

struct net_options {
    enum balance balance;
    uint32_t layers;     /* hidden ones */
    uint32_t units;      /* of the first; each next has half of those before it */
    double dropout;      /* share of the hidden units that a row does without in training */
    uint32_t batch_rows; /* of one step */
    uint32_t epochs;     /* passes over the rows, at most */
    double learning_rate;
    double l2;         /* adds l2 / 2 * |w|^2 to a row's loss */
    uint32_t patience; /* stop after so many epochs without a better average precision; 0 = never */
};

/* Early stopping: rows held out of the training, and what they say. */
struct learn_watch {
    const struct dataset *dataset;
    double precision; /* the best average precision, */
    uint32_t rounds;  /* and after how many trees or epochs; 0: none was looked at */
};

/* Defaults fit for 0.1 to 5 % of positives. */
void logistic_defaults(struct logistic_options *o);
void boost_defaults(struct boost_options *o);
void forest_defaults(struct forest_options *o);
void isolation_defaults(struct isolation_options *o);
void net_defaults(struct net_options *o);

/* ERROR_INVALID where there is one class only, no row or no input; ERROR_CANCELLED where progress
 * said stop (boosting keeps the trees so far and succeeds if it has one). `watch` (zero but for its
 * dataset) is for options with patience; it may be NULL. The caller owns *m. */
bool logistic_train(const struct dataset *d, const struct logistic_options *o,
                    const struct learn_run *run, struct model **m, struct error *e) MUST_USE;
bool boost_train(const struct dataset *d, struct learn_watch *watch, const struct boost_options *o,
                 const struct learn_run *run, struct model **m, struct error *e) MUST_USE;

/* Cancelled, it keeps the trees so far. */
bool forest_train(const struct dataset *d, const struct forest_options *o,
                  const struct learn_run *run, struct model **m, struct error *e) MUST_USE;
/* Isolation forest (Liu, Ting and Zhou 2008). It does not look at labels, which may be NULL. */
bool isolation_train(const struct dataset *d, const struct isolation_options *o,
                     const struct learn_run *run, struct model **m, struct error *e) MUST_USE;

/* Cancelled, it keeps the best epoch so far, if there is one. */
bool net_train(const struct dataset *d, struct learn_watch *watch, const struct net_options *o,
               const struct learn_run *run, struct model **m, struct error *e) MUST_USE;

/* Platt's fit (Platt 1999, with the target smoothing of section 2.2; Newton's method as in Lin,
 * Lin and Weng 2007) of margins held out from training. False where one class is missing. */
bool platt_fit(const double *margin, const uint8_t *label, uint32_t rows, double *slope,
               double *offset) MUST_USE;

/* The median of a number column's values where takes[row] is set, of two middle ones the lower, so
 * that it is a value of the column's own type; `middle` is a row that has it. False where there is
 * no value. */
bool column_median(const struct column *c, const uint8_t *takes, uint32_t rows, uint32_t *middle,
                   double *median) MUST_USE;

/* Isotonic regression of the same: the points of CALIBRATION_ISOTONIC, at most points_max of them;
 * x and y have room for so many. Returns how many; 0 where one class is missing. */
uint32_t isotonic_fit(const double *margin, const uint8_t *label, uint32_t rows,
                      uint32_t points_max, double *x, double *y);

enum { CONFORMAL_ROWS_MIN = 20 /* calibration rows of each class, below which nothing is said */ };

/* Rows of a class that a level needs at least, so that its sets can leave the class out at all and
 * the promise is kept within bounds worth having. */
uint32_t conformal_rows_needed(double level);
/* The tables of struct conformal, from margins held out from training; level above 0, below 1.
 * False where a class has fewer rows than the level needs. The caller frees *c. */
bool conformal_fit(const double *margin, const uint8_t *label, uint32_t rows, double level,
                   struct conformal *c) MUST_USE;

/* Mean loss of average precision when one input's values are shuffled among the rows. */
bool permutation_importance(const struct model *m, const struct dataset *d,
                            const struct learn_run *run, double *importance,
                            struct error *e) MUST_USE;

#endif

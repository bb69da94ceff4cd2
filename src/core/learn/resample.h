/* Other shares of fraud in the rows that a model learns from. Only ever for training rows: what a
 * model is tested on stays as it came.
 *
 *     under    legitimate rows left out at random
 *     over     frauds repeated at random
 *     smote    made-up frauds between a fraud and one of its nearest (Chawla et al. 2002; texts and
 *              truth values as in SMOTE-NC)
 *     hybrid   under to `under_ratio`, then smote to `ratio`
 */
#ifndef ASSAY_LEARN_RESAMPLE_H
#define ASSAY_LEARN_RESAMPLE_H

#include "core/learn/learn.h"

enum resample_kind {
    RESAMPLE_NONE,
    RESAMPLE_UNDER,
    RESAMPLE_OVER,
    RESAMPLE_SMOTE,
    RESAMPLE_HYBRID,
};

enum {
    RESAMPLE_NEIGHBOURS_MAX = 64,
    RESAMPLE_POOL = 16384, /* frauds among which neighbours are looked for; more are drawn from */
};

struct resample_options {
    enum resample_kind kind;
    double ratio;        /* frauds per legitimate row afterwards; where it is so already, nothing */
    double under_ratio;  /* hybrid: the same after the first step */
    uint32_t neighbours; /* of smote and hybrid */
};

void resample_defaults(struct resample_options *o);

/* Where a row comes from: a row of the dataset, or between it and another. */
struct resample_origin {
    uint32_t row, neighbour; /* dataset rows; RESAMPLE_ITSELF */
    double share;            /* of the way */
};

#define RESAMPLE_ITSELF UINT32_MAX

struct resampled {
    struct dataset dataset;         /* borrows from the one it was made of, and from below */
    uint32_t before[2], after[2];   /* rows by class */
    struct resample_origin *origin; /* of each row; made-up ones stand behind their first parent */
    uint32_t *row;
    uint8_t *label;
    struct column *column;
    const struct column **input;
};

/* ERROR_INVALID where the dataset has one class only or the options make no sense. */
bool resample(const struct dataset *d, const struct resample_options *o,
              const struct learn_run *run, struct resampled *r, struct error *e) MUST_USE;
void resampled_free(struct resampled *r);

#endif

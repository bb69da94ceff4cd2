/* A dataset as standardised terms for the linear trainer; internal to core/learn.
 *
 * A number gives one term (x - mean) / deviation, 0 where it is missing; a text input one indicator
 * for each of its frequent values and one for the others; either gives an indicator of missing
 * where training has any. Indicators are standardised like numbers. What never varies gives no
 * term.
 *
 * A number also gives hinges max(x - knot, 0) at quantiles of the training rows, 0 where it is
 * missing: its line may bend, most of all in the tails, where fraud is. Signed logarithms gave a
 * little more on the Handbook's data, but a slope that is read in the input's own unit is worth
 * more.
 */
#ifndef ASSAY_LEARN_DESIGN_H
#define ASSAY_LEARN_DESIGN_H

#include "core/learn/dataset.h"

enum {
    DESIGN_LEVELS_MAX = 32, /* frequent values of one text input */
    DESIGN_LEVEL_ROWS_MIN = 20,
};

/* rows * terms^2 that hinges may bring a pass to: beyond it there are fewer of them. */
#define DESIGN_WORK_MAX 4e9

enum term_kind { TERM_NUMBER, TERM_LEVEL, TERM_MISSING, TERM_HINGE };

struct term {
    enum term_kind kind;
    uint8_t level; /* of TERM_LEVEL; the input's `levels` stands for the others */
    double knot;   /* of TERM_HINGE */
    double mean;
    double scale; /* 1 / deviation */
};

struct design_input {
    uint32_t first, end; /* its terms */
    uint8_t levels;      /* of a text input */
    struct text *value;  /* levels values in byte order */
    uint8_t *level;      /* of each dataset row; LEVEL_MISSING */
    bool has_missing;
};

#define LEVEL_MISSING 255

struct design {
    const struct dataset *dataset;
    struct design_input *input;
    struct term *term;
    uint32_t terms;
};

void design_init(struct design *g, const struct dataset *d, uint32_t knots);
void design_fini(struct design *g);
/* z[0..terms-1] of one dataset row. */
void design_row(const struct design *g, uint32_t row, double *z);
/* The fitted weights as the model's linear part and category maps. */
void design_fill(const struct design *g, const double *weight, double intercept, struct model *m);

#endif

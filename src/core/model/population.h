/* What values of a model's inputs are usual: a small table of the training rows, kept in the model
 * file, so that a reason can say how rare a value is. It changes no score.
 *
 * A number has 101 quantiles (its own values: order statistics), a category the share of each of
 * its frequent values. Immutable after it is made; owned by the model once model_set_population was
 * called.
 */
#ifndef ASSAY_MODEL_POPULATION_H
#define ASSAY_MODEL_POPULATION_H

#include "core/model/model.h"

enum {
    POPULATION_POINTS = 101,
    POPULATION_VALUES_MAX = 64, /* of a category: the most frequent ones */
};

struct population_input {
    double missing;   /* share of the training rows in which it is null */
    uint32_t points;  /* POPULATION_POINTS, or 0: a category, or always null */
    double *quantile; /* ascending, of the rows that have it */
    uint32_t values;  /* of a category, in byte order */
    struct text *value;
    double *share; /* of all rows */
    char *bytes;   /* of the values */
};

struct population {
    uint32_t rows; /* of training */
    uint32_t inputs;
    struct population_input *input;
};

/* Where a number stands among the rows that have one: shares, by the table (so to about a
 * hundredth). */
struct standing {
    double below; /* have less */
    double above; /* have more */
    double rank;  /* less, and half of those that have the same */
};

struct population *population_new(uint32_t inputs, uint32_t rows);
void population_free(struct population *p); /* takes NULL */
/* Copies; values in byte order. */
void population_set_values(struct population *p, uint32_t input, const struct text *value,
                           const double *share, uint32_t count);

/* False where the table knows no values of the input. */
bool population_standing(const struct population *p, uint32_t input, double x,
                         struct standing *s) MUST_USE;
/* The median; NaN where there is none. */
double population_median(const struct population *p, uint32_t input);
/* Share of the rows with this category; less than the rarest of the table where it is not there
 * (then *is_known is false). */
double population_share(const struct population *p, uint32_t input, struct text value,
                        bool *is_known);

/* Of model m; NULL where its file has none. */
const struct population *model_population(const struct model *m);
/* Takes it over; before the model is shared. Its inputs must be the model's. */
void model_set_population(struct model *m, struct population *p);

/* The section of the model file. */
void population_format(const struct population *p, struct buffer *out);
bool population_parse(struct reader *in, uint32_t inputs, struct population **p,
                      struct error *e) MUST_USE;

#endif

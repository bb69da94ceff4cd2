/* What the kinds of model do differently; internal to core/model. One row of model_kinds each. */
#ifndef ASSAY_MODEL_KIND_H
#define ASSAY_MODEL_KIND_H

#include "core/model/parts.h"

enum {
    MODEL_BLOCK = 64, /* rows that are scored together */
    MODEL_BLOCK_LARGE =
        1024,          /* the same of a forest that no cache holds: it is read once a block */
    MODEL_NESTING = 3, /* members of members of a model, at most so deep */
};

enum margin_unit { MARGIN_LOG_ODDS, MARGIN_SHARE };

struct model_operations {
    const char *name;
    enum margin_unit unit;
    uint32_t section; /* tag of its body in the file */
    void (*open)(struct model *m);
    void (*close)(struct model *m);
    bool (*finish)(struct model *m, struct error *e); /* or NULL: nothing is derived */
    /* Working memory of one thread; NULL where there is none. */
    void *(*scratch_new)(const struct model *m, enum simd level);
    void (*scratch_free)(const struct model *m, void *scratch);
    /* At most m->block encoded rows. */
    void (*score)(const struct model *m, void *scratch, const double *x, uint32_t rows,
                  double *margin);
    /* Contributions (zero before) of one encoded row; returns the base. */
    double (*explain)(const struct model *m, void *scratch, const double *x, double *contribution);
    /* The same of `rows` (width apart; contributions inputs apart, they and the bases zero before)
     * in less memory; false, and nothing done, where `explain` is as good. May be NULL. */
    bool (*explain_rows)(const struct model *m, enum simd level, const double *x, uint32_t rows,
                         double *contribution, double *base);
    void (*format)(const struct model *m, struct buffer *body);
    /* The body without its section's head; `nesting` is that of m. */
    bool (*parse)(struct reader *body, struct model *m, unsigned nesting, struct error *e);
};

extern const struct model_operations logistic_operations, boost_operations, forest_operations,
    isolation_operations, net_operations, vote_operations, stack_operations, imported_operations;

const struct model_operations *model_operations(const struct model *m);

/* Any margin as a probability before calibration, for one that has none. */
double margin_probability(enum margin_unit unit, double margin);
double calibration_apply(const struct calibration *c, enum margin_unit unit, double margin);
void calibration_free(struct calibration *c);

/* For the parsers of bodies. */
bool model_damaged(struct error *e, const char *what);
bool reader_finite(struct reader *in, double *v);
bool model_parse_nested(const void *bytes, size_t length, unsigned nesting, struct model **m,
                        struct error *e) MUST_USE;

#endif

/* What the trainers ask of a dataset; internal to core/learn. */
#ifndef ASSAY_LEARN_DATASET_H
#define ASSAY_LEARN_DATASET_H

#include "core/learn/learn.h"
#include "core/model/parts.h"

enum {
    LEARN_BLOCK = 4096, /* rows of one task: fixed, so that sums do not depend on the threads */
};

/* ERROR_INVALID where it cannot be learned from. */
bool dataset_check(const struct dataset *d, struct error *e) MUST_USE;

static inline uint32_t dataset_row(const struct dataset *d, uint32_t i)
{
    return d->row != NULL ? d->row[i] : i;
}

static inline uint8_t dataset_label(const struct dataset *d, uint32_t i)
{
    return d->label[dataset_row(d, i)];
}

static inline uint32_t dataset_blocks(uint32_t rows)
{
    return (rows + LEARN_BLOCK - 1) / LEARN_BLOCK;
}

uint32_t dataset_frauds(const struct dataset *d);
/* The weight of a row of each class: [0] legitimate, [1] fraud; they sum to the rows. */
void dataset_weights(const struct dataset *d, enum balance balance, double weight[2]);
/* A model with the dataset's inputs: names, types, fingerprints. */
struct model *dataset_model(const struct dataset *d, enum model_kind kind);

/* The values of a text input: codes in byte order of the values. */
struct codes {
    uint32_t count;
    struct text *value; /* borrowed from the column */
    uint32_t *rows;     /* of each value */
    uint32_t *frauds;
    uint32_t *code; /* of each dataset row; CODE_MISSING where it is null */
};

#define CODE_MISSING UINT32_MAX

void codes_init(struct codes *c, const struct dataset *d, uint32_t input);
void codes_fini(struct codes *c);

#endif

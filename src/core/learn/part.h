/* Parting the rows of a node by a split; internal to core/learn. */
#ifndef ASSAY_LEARN_PART_H
#define ASSAY_LEARN_PART_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/simd.h"

enum { PART_SPARE = 255 };

/* Left where the row's cell is 1..bin, or is 0 (missing) and missing_left. */
struct part_rule {
    unsigned shift;        /* a row's number is row[i] >> shift; what is below goes with it */
    const uint8_t *column; /* cells by row; PART_SPARE bytes may be read behind any */
    uint8_t bin;
    bool missing_left;
};

/* Of ascending rows. Stable: they gather at the start of left[0..rows-1], which may be `row`, and
 * of right[0..rows-1]; what is behind either is undefined. Returns how many are left. */
uint32_t part_rows(const struct part_rule *rule, const uint32_t *row, uint32_t rows, uint32_t *left,
                   uint32_t *right, enum simd level);

#endif

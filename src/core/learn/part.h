/* Parting the rows of a node by a split; internal to core/learn. */
#ifndef ASSAY_LEARN_PART_H
#define ASSAY_LEARN_PART_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/simd.h"

/* Left where the row's cell is 1..bin, or is 0 (missing) and missing_left. */
struct part_rule {
    unsigned shift;      /* a row's number is row[i] >> shift; what is below goes with it */
    const uint8_t *cell; /* of the input, of row 0; four bytes may be read at any of them */
    uint32_t stride;     /* from a row's cell to the next row's */
    uint32_t rows;       /* that have cells */
    uint8_t bin;
    bool missing_left;
};

/* Stable: the left rows gather at the start of row[0..rows-1], the right ones at the start of
 * aside[0..rows-1]; what is behind either is undefined. Returns how many are left. */
uint32_t part_rows(const struct part_rule *rule, uint32_t *row, uint32_t rows, uint32_t *aside,
                   enum simd level);

#endif

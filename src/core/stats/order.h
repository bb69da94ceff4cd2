/* Orders of rows: stable radix sorts of row numbers by 64-bit keys. The same on every machine, and
 * several times faster than a comparison sort. */
#ifndef ASSAY_STATS_ORDER_H
#define ASSAY_STATS_ORDER_H

#include <stdint.h>

/* Ascending bits of a finite double (-0 and 0 alike); the complement descends. */
uint64_t order_key(double v);

/* Refines the permutation `order` of 0..rows-1: stably ascending by key[order[i]]. Several calls,
 * the least important key first, sort by several keys. */
void order_by(const uint64_t *key, uint32_t rows, uint32_t *order);

/* order = rows of descending score, rows of equal score by their number. */
void order_descending(const double *score, uint32_t rows, uint32_t *order);

/* Sorts in place, ascending. */
void order_values(double *values, uint32_t count);

#endif

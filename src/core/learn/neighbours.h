/* The nearest frauds of frauds, for SMOTE; internal to core/learn.
 *
 * Distance: numbers in standard deviations of the frauds, squared and added; a text or truth value
 * that differs counts one deviation, and so does a number that only one of the two has. Ties go to
 * the earlier row. Where there are more than RESAMPLE_POOL frauds, neighbours are looked for among
 * as many of them, drawn by seed. */
#ifndef ASSAY_LEARN_NEIGHBOURS_H
#define ASSAY_LEARN_NEIGHBOURS_H

#include "core/learn/learn.h"

struct neighbours;

/* The `nearest` ones (fewer where there are fewer frauds) of each dataset row i with wanted[i] > 0,
 * which must be frauds. ERROR_CANCELLED where progress said stop. */
bool neighbours_find(const struct dataset *d, const uint32_t *wanted, uint32_t nearest,
                     const struct learn_run *run, struct neighbours **n, struct error *e) MUST_USE;
void neighbours_free(struct neighbours *n);
/* One of row's neighbours, a dataset row; lot is any number. */
uint32_t neighbours_pick(const struct neighbours *n, uint32_t row, uint64_t lot);
/* The neighbour whose value of a nominal input is the one that row's neighbours have most; ties go
 * to the nearest. */
uint32_t neighbours_commonest(const struct neighbours *n, uint32_t row, uint32_t input);
bool neighbours_is_nominal(enum type type);

#endif

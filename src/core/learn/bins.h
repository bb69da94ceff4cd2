/* A dataset cut into bins for the tree grower: at most 255 per input and one for missing, so a
 * cell is one byte. Internal to core/learn.
 *
 * Bin 0 is missing; bin k >= 1 holds the values in (border[k-2], border[k-1]], so that "bin <= k"
 * is exactly "value <= border[k-1]", the threshold that goes into the model.
 */
#ifndef ASSAY_LEARN_BINS_H
#define ASSAY_LEARN_BINS_H

#include "core/learn/dataset.h"

enum { BINS_MAX = 255 }; /* of values, per input */

struct bins {
    uint32_t rows;
    uint32_t inputs;
    uint8_t *cell;   /* rows * inputs, by row: histograms read all inputs of a row */
    uint8_t *column; /* the same by input: a split reads one input of many rows. PART_SPARE bytes
                      * may be read behind any cell */
    uint32_t *count; /* of each input: bins of values */
    double **border; /* of each input: count borders, the last is DBL_MAX */
};

/* Where an input's cells begin in a histogram: so that the same bin of many inputs does not meet in
 * one set of the cache. */
enum { CELLS_STRIDE = BINS_MAX + 1 + 8 };

static inline size_t bins_cell(uint32_t input)
{
    return (size_t)input * CELLS_STRIDE;
}

/* Cuts the dataset and freezes the category maps of `m` (which has the dataset's inputs). Without
 * `by_row` there is no `cell`. */
void bins_init(struct bins *b, const struct dataset *d, uint32_t bins, bool by_row, struct model *m,
               const struct learn_run *run);
/* Another dataset cut at the same borders, by the model's maps; without `column`. */
void bins_init_like(struct bins *b, const struct bins *of, const struct dataset *d,
                    const struct model *m);
void bins_fini(struct bins *b);

/* Freezes the map of a text input from its codes; x, if not NULL, gets the number of each dataset
 * row as the trees shall see it in training. */
void freeze_categories(struct category_map *map, const struct codes *c, const struct dataset *d,
                       double *x);

#endif

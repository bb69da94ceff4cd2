/* Fits that several models of one training need, made once: a vote of a boost and a forest that are
 * themselves compared learns nothing that they did not. The same recipe, rows and labels give the
 * same model, so whether it is taken from here changes no bit of it.
 *
 * Any thread. */
#ifndef ASSAY_TRAIN_FITS_H
#define ASSAY_TRAIN_FITS_H

#include "core/learn/recipe.h"

struct fits *fits_new(void);
void fits_free(struct fits *f);
/* One of the recipes to come, and its members; borrowed. Only what comes twice is kept. */
void fits_expect(struct fits *f, const struct recipe *r);
/* Forgets what is kept; for other rows. */
void fits_clear(struct fits *f);

/* The memory of fits whose datasets have this very array of inputs (others are resampled: of rows
 * that were made); all of one table. It borrows both, and is itself lent to learn(). `f` may be
 * NULL: none. */
struct fits_memory {
    struct learn_memory memory;
    struct fits *fits;
    const struct column *const *input;
};

void fits_memory_init(struct fits_memory *m, struct fits *f, const struct column *const *input);

#endif

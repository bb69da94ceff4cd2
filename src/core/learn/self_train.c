/* Which rows without a label are taken as if they had one. */
#include "core/learn/recipe.h"

#include <stdlib.h>

#include "core/base/memory.h"

struct candidate {
    double margin; /* of frauds turned round: the most confident first */
    uint32_t row;
};

static int compare_candidates(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;

    if (x->margin != y->margin)
        return x->margin < y->margin ? -1 : 1;
    return x->row < y->row ? -1 : 1;
}

static bool is_confident(const struct self_training *o, double probability, uint8_t label)
{
    return label == 1 ? probability >= o->fraud_above : probability <= o->legit_below;
}

void self_train_pick(const struct self_training *o, const double *margin, const double *probability,
                     uint32_t rows, const uint32_t labelled[2], uint8_t *label, uint32_t taken[2])
{
    struct candidate *c = mem_array((size_t)rows + 1, sizeof *c);

    for (uint32_t i = 0; i < rows; i++)
        label[i] = SELF_TRAIN_NONE;
    for (uint8_t k = 0; k < 2; k++) {
        double most = o->max_share * labelled[k];
        uint32_t count = 0;

        for (uint32_t i = 0; i < rows; i++) {
            if (label[i] == SELF_TRAIN_NONE && is_confident(o, probability[i], k))
                c[count++] = (struct candidate){k == 1 ? -margin[i] : margin[i], i};
        }
        qsort(c, count, sizeof *c, compare_candidates);
        taken[k] = count < most ? count : (uint32_t)most;
        for (uint32_t i = 0; i < taken[k]; i++)
            label[c[i].row] = k;
    }
    mem_free(c);
}

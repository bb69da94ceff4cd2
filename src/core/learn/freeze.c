/* Categories to numbers: the smoothed share of frauds among the training rows of each value.
 *
 * A tree then splits "values with a share above t" from the rest, which for two classes and one
 * split is the best of all partitions of the values (Breiman et al., CART 1984, theorem 4.5).
 * Two dangers are met here:
 *   - A value seen a few times has a share that says little: it is drawn towards the overall share
 *     by PRIOR_ROWS imagined rows, and values with fewer than ROWS_MIN rows are pooled. The pool is
 *     also the rule for values never seen.
 *   - A training row's own label is in its value's share, and a tree would learn to read it
 *     there (Micci-Barreca 2001; CatBoost's "prediction shift"). So a training row gets the share
 *     computed without its own fold. Folds are stretches of time, not random: frauds on one card or
 *     shop come in bursts, and random folds would leave the rest of the burst in the share (on card
 *     data, average precision of later weeks falls by half).
 */
#include "core/learn/bins.h"

#include <math.h>

enum {
    ROWS_MIN = 20,
    PRIOR_ROWS = 20,
    FOLDS = 5,
};

struct tally {
    double rows, frauds;
};

static double share_of(struct tally t, double prior)
{
    return (t.frauds + PRIOR_ROWS * prior) / (t.rows + PRIOR_ROWS);
}

static uint32_t fold_of(const struct dataset *d, uint32_t row)
{
    return (uint32_t)((uint64_t)row * FOLDS / d->rows);
}

/* kept[v] = the value's index among those of the map, or `pool` for the rare ones. */
static uint32_t choose_kept(const struct codes *c, uint32_t *kept)
{
    uint32_t least = ROWS_MIN, count;

    do { /* more than a map can hold: ask for more rows */
        count = 0;
        for (uint32_t v = 0; v < c->count; v++)
            count += c->rows[v] >= least;
        if (count <= MODEL_CATEGORIES_MAX)
            break;
        least *= 2;
    } while (true);
    for (uint32_t v = 0, next = 0; v < c->count; v++)
        kept[v] = c->rows[v] >= least ? next++ : count;
    return count;
}

static void training_numbers(const struct codes *c, const struct dataset *d, const uint32_t *kept,
                             const struct tally *whole, uint32_t count, double prior, double *x)
{
    struct tally *fold = mem_array((size_t)FOLDS * (count + 1), sizeof *fold);

    for (uint32_t i = 0; i < d->rows; i++) {
        struct tally *t;

        if (c->code[i] == CODE_MISSING)
            continue;
        t = &fold[(size_t)fold_of(d, i) * (count + 1) + kept[c->code[i]]];
        t->rows++;
        t->frauds += dataset_label(d, i) != 0;
    }
    for (uint32_t i = 0; i < d->rows; i++) {
        struct tally all, own;

        if (c->code[i] == CODE_MISSING) {
            x[i] = NAN;
            continue;
        }
        all = whole[kept[c->code[i]]];
        own = fold[(size_t)fold_of(d, i) * (count + 1) + kept[c->code[i]]];
        x[i] = share_of((struct tally){all.rows - own.rows, all.frauds - own.frauds}, prior);
    }
    mem_free(fold);
}

void freeze_categories(struct category_map *map, const struct codes *c, const struct dataset *d,
                       double *x)
{
    uint32_t *kept = mem_array(c->count + 1, sizeof *kept);
    uint32_t count = choose_kept(c, kept);
    struct tally *whole = mem_array(count + 1, sizeof *whole);
    struct text *value = mem_array(count + 1, sizeof *value);
    double *number = mem_array(count + 1, sizeof *number);
    double prior = (double)dataset_frauds(d) / d->rows;

    for (uint32_t v = 0; v < c->count; v++) {
        whole[kept[v]].rows += c->rows[v];
        whole[kept[v]].frauds += c->frauds[v];
        if (kept[v] < count)
            value[kept[v]] = c->value[v];
    }
    for (uint32_t k = 0; k <= count; k++)
        number[k] = share_of(whole[k], prior);
    category_map_set(map, value, number, count, number[count]);
    if (x != NULL)
        training_numbers(c, d, kept, whole, count, prior, x);
    mem_free(kept);
    mem_free(whole);
    mem_free(value);
    mem_free(number);
}

/* Quantiles and shares of many numbers in bounded memory.
 *
 * The first `capacity` values are kept as they are: all answers are exact. Beyond, every full level
 * is sorted and each second value goes one level up, where it stands for twice as many (Munro and
 * Paterson 1980; which of the two goes alternates, so errors cancel). The rank of an answer is then
 * off by at most (levels - 1) * count / capacity, in practice by much less. No chance is involved:
 * the same values in the same order give the same answers. One thread; sketch_fini frees.
 */
#ifndef ASSAY_STATS_SKETCH_H
#define ASSAY_STATS_SKETCH_H

#include <stdbool.h>
#include <stdint.h>

enum { SKETCH_LEVELS = 40, SKETCH_CAPACITY_MIN = 64 };

struct sketch_item {
    double value;
    uint64_t weight; /* values that it stands for */
};

struct sketch {
    uint32_t capacity; /* of a level */
    unsigned levels;   /* in use */
    uint64_t count;    /* values seen */
    struct {
        double *value;
        uint32_t used, room;
        bool takes_odd;
    } level[SKETCH_LEVELS];
    struct sketch_item *item; /* after sketch_finish: ascending */
    uint32_t items;
};

void sketch_init(struct sketch *s, uint32_t capacity); /* even, at least SKETCH_CAPACITY_MIN */
void sketch_fini(struct sketch *s);                    /* also of a zeroed struct */
void sketch_add(struct sketch *s, double v);           /* finite */
bool sketch_is_exact(const struct sketch *s);

/* Ends adding; then: */
void sketch_finish(struct sketch *s);
/* The least value that at least share * count values do not exceed (type 1 of Hyndman and Fan 1996:
 * always a value that occurred). The count must not be 0. */
double sketch_quantile(const struct sketch *s, double share);
/* How many values are below v, and how many are at most v. */
uint64_t sketch_below(const struct sketch *s, double v);
uint64_t sketch_up_to(const struct sketch *s, double v);

#endif

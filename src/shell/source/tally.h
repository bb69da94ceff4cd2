/* Counting distinct values in bounded memory; private to the profile. */
#ifndef ASSAY_SOURCE_TALLY_H
#define ASSAY_SOURCE_TALLY_H

#include <stdbool.h>
#include <stdint.h>

struct tally_item {
    uint64_t hash; /* 0: free */
    uint32_t count;
    uint32_t positive; /* rows among them with a positive label */
};

/* Values of which the hash has `level` zero bits at its end; the level rises when the table is
 * full, and those that no longer belong go. */
struct tally {
    struct tally_item *item;
    uint32_t capacity; /* of the table, a power of two; at most half of it is used */
    uint32_t limit;    /* it may grow up to it */
    uint32_t used;
    unsigned level;
};

void tally_init(struct tally *t, uint32_t most_values);
void tally_fini(struct tally *t);
/* True where the value was not there before. */
bool tally_add(struct tally *t, uint64_t hash, bool positive);
const struct tally_item *tally_find(const struct tally *t, uint64_t hash); /* or NULL */
uint64_t tally_distinct(const struct tally *t);
bool tally_is_unique(const struct tally *t);

#endif

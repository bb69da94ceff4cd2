/* From counts to guesses; private to the profile. */
#ifndef ASSAY_SOURCE_PROFILE_GUESS_H
#define ASSAY_SOURCE_PROFILE_GUESS_H

#include "shell/source/profile.h"
#include "shell/source/tally.h"

enum { PROFILE_WORDS_MAX = 1024 /* distinct values of which the words are kept */ };

struct word {
    uint64_t hash;
    char text[PROFILE_VALUE_MAX];
};

/* What was gathered of a field beside its profile. */
struct evidence {
    struct tally tally;
    struct word *word; /* in the order of first appearance */
    uint32_t words;
    double sum;
    uint64_t positive; /* rows in which it is not null and the label is positive */
};

/* The field that by its name is the label, or FIELD_NONE; chosen before the data is read. */
int label_by_name(const struct schema *s);
/* 1, true, fraud, yes ... */
bool label_is_positive(const struct column *c, uint32_t row);

void make_guesses(const struct profile *p, const struct evidence *ev, int label,
                  struct profile_guesses *g);

#endif

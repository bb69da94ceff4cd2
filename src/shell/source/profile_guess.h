/* From counts to guesses; private to the profile. */
#ifndef ASSAY_SOURCE_PROFILE_GUESS_H
#define ASSAY_SOURCE_PROFILE_GUESS_H

#include "core/stats/sketch.h"
#include "shell/source/daily.h"
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
    bool has_sketch;   /* deep, and not text or bool */
    struct sketch sketch;
    bool has_daily; /* deep, and a time */
    struct daily daily;
};

/* The field that by its name is the label, or FIELD_NONE; chosen before the data is read. */
int label_by_name(const struct schema *s);
/* 1, true, fraud, yes ... */
bool label_is_positive(const struct column *c, uint32_t row);

/* `time` is FIELD_NONE where it is to be guessed; a label or time that is given is not doubted. */
void make_guesses(const struct profile *p, const struct evidence *ev, int label,
                  bool label_is_given, int time, struct profile_guesses *g);

/* profile_spread.c: quantiles, histogram, outliers; then values that may be stand-ins. */
void make_spread(struct profile_field *f, struct evidence *ev);
void make_suspects(struct profile_field *f, const struct evidence *ev, uint64_t rows);
/* A number, duration (seconds) or time (us) of a field as text. */
void profile_show_number(enum type type, double v, char out[PROFILE_VALUE_MAX]);

#endif

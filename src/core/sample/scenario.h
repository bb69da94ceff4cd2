/* What a scenario gives to the sampler: its fields, its population, one day of rows at a time. */
#ifndef ASSAY_SAMPLE_SCENARIO_H
#define ASSAY_SAMPLE_SCENARIO_H

#include "core/sample/sample.h"

enum { SAMPLE_COLUMNS_MAX = 12, SAMPLE_TEXT_CELL = 24 };

/* One row before it is put into a frame. Text cells are short names, kept inline. */
struct sample_row {
    int64_t time_us;
    uint64_t made; /* order of making, to sort rows of equal time */
    union {
        int64_t integer; /* bool, int, decimal */
        char text[SAMPLE_TEXT_CELL];
    } cell[SAMPLE_COLUMNS_MAX];
};

/* A growing list of one day's rows. */
struct sample_day {
    struct sample_row *row;
    uint32_t rows, capacity;
};

struct sample_row *sample_day_add(struct sample_day *d, int64_t time_us); /* zeroed */

struct sample_field {
    const char *name;
    enum type type;
};

struct scenario {
    const char *name;
    const char *words;
    const struct sample_field *field; /* column 0 is the id and column 1 the time: the sampler's */
    uint32_t fields;
    void *(*open)(const struct sample_options *o, struct random *r);
    void (*close)(void *population);
    void (*day)(void *population, uint32_t day, int64_t start_us, struct random *r,
                struct sample_day *d);
};

extern const struct scenario scenario_cards, scenario_wallet, scenario_predict_api;

/* An amount of money, positive, rounded to cents. */
int64_t sample_money(double amount);
/* A time within the day, around noon as the Handbook has it; false where it falls outside. */
bool sample_daytime(struct random *r, int64_t day_us, int64_t *time_us) MUST_USE;

#endif

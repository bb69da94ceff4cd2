/* Registered models side by side, and what their differences are worth. */
#ifndef ASSAY_SHELL_REPORT_COMPARE_H
#define ASSAY_SHELL_REPORT_COMPARE_H

#include "core/data/json.h"
#include "core/stats/metrics.h"
#include "shell/registry/version.h"

enum { COMPARE_MODELS_MAX = 16, COMPARE_THRESHOLDS_MAX = METRICS_THRESHOLDS_MAX };

/* One of them; borrowed. */
struct compared {
    char id[MODEL_ID_TEXT_MAX];
    const struct json *metrics; /* metrics.json */
    const struct json *lineage; /* lineage.json */
};

struct comparison {
    const struct compared *model; /* the first ones' order is kept */
    uint32_t models;
    const double *threshold; /* of the probability; none: those of the models' own decisions */
    uint32_t thresholds;
};

/* Two figures are told apart where their intervals do not meet. That is careful: intervals that
 * meet a little can still be of different models. */
bool compare_is_apart(const struct estimate *a, const struct estimate *b);
/* Whether all were tested on the same rows: same data, same split. */
bool compare_is_same_test(const struct comparison *c);
bool compare_is_better_than_chance(const struct compared *m);

/* A figure by which they are held against each other. */
struct compare_figure {
    const char *name; /* for people */
    const char *path; /* in metrics.json */
    bool is_share, is_less_better;
};

extern const struct compare_figure compare_figures[];
extern const unsigned compare_figure_count;

/* The test event that the model finds riskiest, second riskiest, ...; NULL past the last. */
const struct json *compare_riskiest(const struct compared *m, uint32_t place);

/* The model with the best value; -1 where none has one. */
int compare_best(const struct comparison *c, const struct compare_figure *f);

/* What follows, a sentence each, without a full stop. */
void compare_findings(const struct comparison *c, void (*say)(void *context, const char *words),
                      void *context);

/* Row `row` of what is compared at thresholds: of model `m`; NULL where it has none there. */
const struct json *compare_threshold(const struct comparison *c, uint32_t m, uint32_t row);
/* At the threshold that the model itself is measured by; NULL where it has none. */
const struct json *compare_own(const struct comparison *c, uint32_t m);
uint32_t compare_threshold_count(const struct comparison *c);
double compare_f1(const struct json *row); /* NaN where not defined */

void compare_words(const struct comparison *c, struct buffer *out);
void compare_json(const struct comparison *c, struct buffer *out);

#endif

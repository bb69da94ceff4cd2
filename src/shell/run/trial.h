/* A test of the settings: events that came before, one event, and what is expected of it, run on a
 * fresh state by the plan of the settings. */
#ifndef ASSAY_RUN_TRIAL_H
#define ASSAY_RUN_TRIAL_H

#include "shell/run/list_feed.h"
#include "shell/run/lookup.h"
#include "shell/run/state.h"

enum { TRIAL_WORDS_MAX = 512 };

struct trial_difference {
    char item[PLAN_NAME_MAX + 16]; /* "feature n_1d", "rules", "outcome" */
    char expected[TRIAL_WORDS_MAX], found[TRIAL_WORDS_MAX];
};

struct trial_result {
    struct trial_difference *difference;
    uint32_t differences;
    struct decision decision; /* of the event */
};

struct trial_options {
    const struct settings *settings;
    struct plan *plan;
    const struct lookups *lookups; /* may be NULL */
    struct list_feed *lists;       /* of the settings; rewound for each test */
    enum simd simd;
};

/* Test `number` (from 0) of the settings. ERROR_INVALID where an event of it cannot be read. */
bool trial_run(const struct trial_options *o, uint32_t number, struct trial_result *r,
               struct error *e) MUST_USE;
void trial_result_fini(struct trial_result *r);

#endif

/* A version of a rule against events that are given, each test on a state of its own: by the plan
 * in force with this version live in it. */
#ifndef ASSAY_RUN_RULE_TRIALS_H
#define ASSAY_RUN_RULE_TRIALS_H

#include "shell/rules/overlay.h"
#include "shell/run/trial.h"

enum {
    RULE_TRIALS_MAX = 64,
    RULE_TRIALS_STATE_BYTES = 256 << 20, /* of the state of one test, at most */
};

struct rule_trials {
    const struct settings *settings; /* in force, without rules of the API */
    struct rule_book *book;
    struct plan *in_force;
    const struct lookups *lookups;
    enum simd simd;
    struct rule_trial rule;
    struct test_setting *test; /* of expect: rules and outcome */
    const bool **fires;        /* of each: whether the rule is to fire; NULL: not said */
    uint32_t count;
};

/* `out`: a JSON object for each test, with commas between. ERROR_INVALID: an event that cannot be
 * read, an expected name that the plan does not know. */
bool rule_trials_run(const struct rule_trials *t, uint32_t *failed, struct buffer *out,
                     struct error *e) MUST_USE;

#endif

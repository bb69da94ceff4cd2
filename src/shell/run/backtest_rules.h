/* What rules would have done: hits, precision, overlap with the rules there are, and cost, for the
 * events of a log, before anybody is asked to live with them. */
#ifndef ASSAY_RUN_BACKTEST_RULES_H
#define ASSAY_RUN_BACKTEST_RULES_H

#include "shell/registry/registry.h"
#include "shell/run/backtest.h"
#include "shell/settings/settings.h"

enum {
    BACKTEST_DRAFTS_MAX = 32,
    BACKTEST_HITS_MAX = 20, /* shown by id: the newest */
    BACKTEST_DAYS_MAX = 3660,
};

/* A rule that is tried: a new one, or another text for one that is there. */
struct rule_draft {
    struct text name, when, then;
};

/* Events by what they turned out to be, and their amounts (0 where the settings name none). */
struct backtest_counts {
    uint64_t events, fraud, legit; /* the rest is not known yet */
    double amount, fraud_amount;
};

struct backtest_hit {
    char id[64];
    int64_t time_us;
    int score;
    uint8_t outcome; /* before */
    uint8_t label;
};

struct backtest_day {
    int64_t day; /* since 1970 */
    uint64_t events, hits, fraud_hits;
};

struct rule_backtest {
    bool replaces;                  /* one that is there */
    struct backtest_counts hits;    /* where it fires */
    struct backtest_counts changed; /* and what all others come to is milder */
    struct backtest_counts before;  /* where the replaced rule fires */
    uint64_t *overlap;              /* by rule of the plan: both fire */
    struct backtest_hit hit[BACKTEST_HITS_MAX];
    uint64_t hit_count;        /* ever; the newest are in hit[], at (n - 1) % MAX */
    struct backtest_day *days; /* ascending */
    uint32_t day_count;
};

struct rules_backtest {
    struct backtest_counts all;
    int64_t first_us, last_us; /* event times; only where there are events */
    uint64_t outcomes_before[PLAN_OUTCOMES_MAX], outcomes_after[PLAN_OUTCOMES_MAX];
    uint32_t rules; /* of the plan that ran */
    uint32_t drafts;
    struct rule_backtest draft[BACKTEST_DRAFTS_MAX];
    double alert_cost;
    bool has_amount;
    struct plan *plan;               /* it ran; a reference */
    char (*name)[PLAN_NAME_MAX + 1]; /* of the drafts */
    uint32_t then[BACKTEST_DRAFTS_MAX];
};

struct rules_backtest_options {
    const char *directory; /* of the shard */
    const struct settings *settings;
    const struct schema *schema;
    struct text model; /* bytes of the model file in force; empty: none */
    struct state_options state;
    const struct rule_draft *draft;
    uint32_t drafts;
    int64_t from_us, to_us;
    const struct progress *progress;
};

/* ERROR_INVALID: a draft that does not compile ("rules.NAME.when: 1:5: ..."), or names no outcome.
 */
bool rules_backtest(const struct rules_backtest_options *o, struct rules_backtest *r,
                    struct error *e) MUST_USE;
void rules_backtest_fini(struct rules_backtest *r);
void rules_backtest_json(const struct rules_backtest *r, struct buffer *out);

#endif

/* When a decision raises an alert: conditions of the settings, compiled with the plan, that are
 * asked of a decision after it was made.
 *
 * They know the event's open fields, the plan's features, and of the decision `outcome`, `level`,
 * `score`, `probability` and, of each rule, `rules.NAME`: whether it fired. They take no part in
 * the decision: the log has all that they read, so whoever reads it again raises the same alerts.
 * Personal fields are not among their names, for an erased person would change what was raised.
 *
 * Without any, the plan has one: every decision whose outcome is not the mildest, by the first
 * entity, within a day. Immutable; any number of threads, each with its own bench. */
#ifndef ASSAY_DECIDE_ALERTS_H
#define ASSAY_DECIDE_ALERTS_H

#include "core/decide/decision.h"

enum {
    ALERTS_MAX = 64,     /* of a plan */
    ALERT_BITS = 6,      /* of a number below it */
    ALERT_NAME_MAX = 64, /* bytes of an alert's or a queue's name */
    ALERT_PRIORITY_MAX = 1000000000,
};

#define ALERT_NAME  "risky" /* of the one that is there without any */
#define ALERT_QUEUE "main"

struct alerts;
struct alert_bench;

/* For plan_new, when the plan's program and rules are there, and for others who ask the same of its
 * decisions. Of the spec zones and time_zone are read. `section` is where they stand, for errors:
 * ERROR_INVALID: "alerts.NAME.when: 1:5: ..." */
struct alerts *alerts_new(const struct plan *p, const char *section,
                          const struct plan_alert *alert, uint32_t count,
                          const struct plan_spec *spec, struct error *e) MUST_USE;
void alerts_free(struct alerts *a); /* takes NULL */

struct alert_info {
    const char *name, *queue;
    int entity; /* of the plan's, which it is grouped by; -1: by nothing */
    int64_t within_us;
};

uint32_t alerts_count(const struct alerts *a);
struct alert_info alerts_info(const struct alerts *a, uint32_t alert);

struct alert_bench *alert_bench_new(const struct alerts *a);
void alert_bench_free(struct alert_bench *b); /* takes NULL */

struct raised_alert {
    uint32_t alert;
    int64_t priority; /* 0 .. ALERT_PRIORITY_MAX */
    bool has_amount;
    int64_t amount; /* millionths */
};

/* Whether some condition reads features: otherwise `values` is not looked at. */
bool alerts_read_features(const struct alerts *a);

/* Those that the decision raises, in the order of the settings. `event` and `values` (of
 * plan_values_schema; NULL: they were not kept, and are null) have one row. Returns how many. */
uint32_t alerts_run(const struct alerts *a, const struct plan *p, struct alert_bench *b,
                    const struct frame *event, const struct frame *values,
                    const struct decision *d, struct raised_alert raised[ALERTS_MAX]);

#endif

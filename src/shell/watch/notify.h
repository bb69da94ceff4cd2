/* Notifications of a running service: who is told of decisions and alerts.
 *
 * The log of decisions and the store's alerts are the outbox: each target has a cursor in them
 * (notify_state.h), from which it goes on after any stop, so each notification is sent at least
 * once, with an id that is the same whenever it is sent again. Decisions wait for nobody here: a
 * target that is away only falls behind, with at most NOTIFY_WINDOW notifications in memory.
 *
 *   log, store -> reader (a thread of the target) -> [digest] -> window -> lanes -> target
 *
 * With `at_most` the reader holds back what is over it, and makes one summary of it when the time
 * is over; the cursor stays before what was held back until the summary is sent. */
#ifndef ASSAY_WATCH_NOTIFY_H
#define ASSAY_WATCH_NOTIFY_H

#include "shell/run/plans.h"
#include "shell/store/project.h"
#include "shell/watch/notify_sender.h"

struct notifier;

struct notifier_options {
    const struct settings *settings;
    const char *data_directory;
    const char *log_directory;
    const struct log *log;
    struct plans *plans;
    struct plan *plan; /* in force: the conditions must fit it */
    struct project *project;
    const struct store_place *store;
};

/* Whether all conditions fit the plan; ERROR_INVALID with the place of one that does not. */
bool notify_check(const struct settings *s, const struct plan *p, struct error *e) MUST_USE;

/* ERROR_INVALID where a condition is wrong. Nothing is reached yet. */
bool notifier_start(const struct notifier_options *o, struct notifier **n,
                    struct error *e) MUST_USE;
void notifier_stop(struct notifier *n); /* takes NULL */

struct notify_status {
    const char *name;
    uint64_t lag;               /* records behind, of targets on decisions */
    uint64_t waiting;           /* on their way or held back for a summary */
    uint64_t sent, failures;    /* since the start; failures: of single tries */
    uint64_t dead;              /* dead letters since the start */
    uint64_t skipped;           /* records that could not be read */
    bool is_failing;            /* the last try failed */
    char words[NOTIFY_WORDS_MAX]; /* with what */
};

/* How many there are, at most SETTINGS_NOTIFY_MAX. `n` may be NULL. */
uint32_t notifier_status(struct notifier *n, struct notify_status status[SETTINGS_NOTIFY_MAX]);
/* Records of the log from here on are still to be told. UINT64_MAX: none is. */
uint64_t notifier_needed(struct notifier *n);

#endif

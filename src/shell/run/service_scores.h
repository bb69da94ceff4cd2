/* What champion, challenger and shadow said of the events that a service decided, as the log
 * recorded it, against the labels that are known by now. Nothing is decided again.
 *
 * Only decisions of the models in force at the log's end are taken: figures of another model under
 * the same alias would be no one's. And only those for which each of them spoke, so all are
 * measured on the same events. */
#ifndef ASSAY_RUN_SERVICE_SCORES_H
#define ASSAY_RUN_SERVICE_SCORES_H

#include "core/base/progress.h"
#include "core/decide/decision.h"

enum { SERVICE_SCORES_MAX = 20000000 };

struct service_scores {
    uint32_t rows;
    uint32_t present; /* enum decider, by bit */
    double *probability[DECIDERS];
    uint8_t *label; /* 0, 1, LABEL_UNKNOWN */
    double *amount; /* 0 where there is none */
    int32_t *day;   /* since 1970 */
    bool has_amount;
    int64_t first_us, last_us;     /* event times, where there are rows */
    uint64_t others;               /* decisions left out: of other models, */
    uint64_t incomplete;           /* without a score of each */
    uint64_t decided_by[DECIDERS]; /* of the rows */
};

struct service_scores_options {
    const char *directory;    /* of the shard */
    const char *amount_field; /* of the event; NULL: none */
    int64_t from_us, to_us;   /* event times: at or after, before */
    const struct progress *progress;
};

/* ERROR_NOT_FOUND: the log has no decision, or its last one was made without challenger and shadow.
 * ERROR_FULL: more than SERVICE_SCORES_MAX. ERROR_CANCELLED. */
bool service_scores_read(const struct service_scores_options *o, struct service_scores *l,
                         struct error *e) MUST_USE;
void service_scores_free(struct service_scores *l);

#endif

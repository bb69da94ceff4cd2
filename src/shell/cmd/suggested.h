/* The events whose label would teach most, as `assay label suggest` finds them in a file or in a
 * service's store: the best so far, one of each entity, most uncertain first. */
#ifndef ASSAY_CMD_SUGGESTED_H
#define ASSAY_CMD_SUGGESTED_H

#include "core/decide/plan.h"
#include "shell/cmd/cmd.h"

struct suggested {
    double distance; /* log-odds to the nearest threshold */
    double probability;
    int64_t time_us;
    uint64_t at;       /* of equal ones the lower comes first */
    char *id, *entity; /* owned; the entity as JSON writes it, NULL: none */
};

struct suggestions {
    const char *entity; /* its name, or NULL: every event has a place of its own */
    double threshold[PLAN_OUTCOMES_MAX];
    uint32_t thresholds;
    struct suggested *item;
    uint32_t count, wanted;
    uint64_t unlabelled, rows; /* looked at */
};

/* The thresholds of --at, or those of the settings; room for --number. */
bool suggestions_open(struct invocation *v, const struct settings *settings, struct suggestions *s,
                      struct error *e) MUST_USE;
void suggestions_close(struct suggestions *s);

double suggestions_distance(const struct suggestions *s, double probability);
bool suggested_is_before(const struct suggested *a, const struct suggested *b);
/* Whether it would have a place, its entity left aside. */
bool suggestions_want(const struct suggestions *s, const struct suggested *x);
/* It takes the place of its entity's, or pushes the last one out; takes over its texts. */
void suggestions_offer(struct suggestions *s, struct suggested *x);
bool suggestions_have_entity(const struct suggestions *s, const char *entity);

bool suggestions_print(struct invocation *v, const struct suggestions *s, struct error *e) MUST_USE;

#endif

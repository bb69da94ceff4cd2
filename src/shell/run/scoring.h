/* Scoring a file: the events of a feed, decided by the plan in force, on a state that has seen the
 * events of other files before, where so wished. For `assay score`, `features` and `top`. */
#ifndef ASSAY_RUN_SCORING_H
#define ASSAY_RUN_SCORING_H

#include "shell/run/current.h"
#include "shell/run/occupancy.h"
#include "shell/run/pass.h"
#include "shell/run/state.h"

struct scoring_options {
    struct settings *settings;
    const char *path;  /* of the events; NULL: the settings' source */
    const char *after; /* events observed before, or NULL */
    bool decides;      /* false: features only, no model needed */
    enum simd simd;
    const struct progress *progress;
    bool (*visit)(void *context, const struct pass_batch *b, struct error *e);
    void *context;
};

struct scoring {
    struct current current;     /* the plan: current.made.plan */
    struct occupancy occupancy; /* of the state, after the run */
    struct feed feed;           /* used up by the run; its counts are there */
};

/* Opens the plan; then `run` passes the events through it. */
bool scoring_open(const struct scoring_options *o, struct scoring *s, struct error *e) MUST_USE;
bool scoring_run(const struct scoring_options *o, struct scoring *s, struct error *e) MUST_USE;
void scoring_close(struct scoring *s);

#endif

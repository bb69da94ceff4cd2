/* Records of the log, applied to a state: the one way in which recovery, activation of a plan and
 * replay bring a state from one position of the log to another. Events are gathered into batches;
 * labels and changes of lists end a batch. A record written under a plan with other fields is
 * carried over field by field name.
 */
#ifndef ASSAY_RUN_APPLY_H
#define ASSAY_RUN_APPLY_H

#include "shell/run/body.h"
#include "shell/run/plans.h"
#include "shell/run/state.h"

enum { APPLY_BATCH = 1024 };

/* One decision made again. Slices live until the callback returns. */
struct applied {
    uint64_t seq;
    int64_t received_us;
    struct text id;
    const struct frame *frame; /* the event is row `row` */
    uint32_t row;
    const struct decision *decision; /* by the state's plan */
    struct text recorded;            /* decision bytes in the log, made by plan `plan` */
    uint32_t plan;
};

struct apply_options {
    struct state *state;
    struct plan *plan;   /* of the state; borrowed */
    struct plans *plans; /* of the log; borrowed */
    /* Where set, DECISION records are decided again and given here, in order; else events are only
     * observed. False stops with ERROR_CANCELLED. */
    bool (*on_decision)(void *context, const struct applied *a);
    bool decides_observed; /* OBSERVE records too, where their kind is one that is decided */
    void *context;
};

struct apply;
struct apply *apply_new(const struct apply_options *o);
void apply_free(struct apply *a);
bool apply_record(struct apply *a, const struct record *r, struct error *e) MUST_USE;
bool apply_flush(struct apply *a, struct error *e) MUST_USE;

#endif

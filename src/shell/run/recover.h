/* From a directory to a state: newest usable snapshot, then the log's tail; or the whole log. */
#ifndef ASSAY_RUN_RECOVER_H
#define ASSAY_RUN_RECOVER_H

#include "core/base/progress.h"
#include "shell/run/plans.h"
#include "shell/run/state.h"

struct recovered {
    struct state state;    /* of the plan, as of the log's last record */
    uint32_t plan_seq;     /* of the last PLAN record, 0: none */
    bool has_history;      /* a RECORD_HISTORY was met */
    uint64_t snapshot_seq; /* where it started from; 0: the beginning */
    uint64_t records;      /* applied */
    bool is_partial;       /* the log's beginning is cut, and no snapshot had what it led to */
    uint64_t erased;       /* of them: events whose personal fields are erased */
};

/* `log_directory` has records up to last_seq; from 1 on, or from a cut on. */
bool recover(struct plan *p, struct plans *plans, const char *log_directory,
             const char *snapshot_directory, uint64_t last_seq, const struct state_options *o,
             const struct progress *progress, struct recovered *r, struct error *e) MUST_USE;

#endif

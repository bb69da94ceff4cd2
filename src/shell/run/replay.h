/* Replay: every logged decision made again from the log alone, and compared to the bit. */
#ifndef ASSAY_RUN_REPLAY_H
#define ASSAY_RUN_REPLAY_H

#include "core/base/progress.h"
#include "shell/run/plans.h"
#include "shell/run/state.h"

enum { REPLAY_DIFFERENCES_MAX = 20, REPLAY_SEGMENTS_MAX = 256 };

struct replay_options {
    const char *directory; /* of the shard */
    struct state_options state;
    struct plan *as; /* decide all with this plan and tell what changes; NULL: as logged */
    const struct progress *progress;
};

struct replay_difference {
    uint64_t seq;
    char id[64];
    int logged_score, score;
    char logged_outcome[32], outcome[32];
};

/* The decisions from one PLAN record to the next. */
struct replay_segment {
    uint64_t plan; /* seq of that record; 0: the plan of `as` */
    uint64_t decisions;
    uint8_t digest[32]; /* as the one hash, of these decisions alone */
};

struct replay_result {
    uint64_t first_seq; /* replayed from; over 1: the log's beginning was cut (log.keep) */
    uint64_t records, decisions, observed, labels, plans;
    uint64_t equal; /* to the bit (with `as`: the same outcome) */
    uint64_t different;
    /* Not equal, and no difference of the program: the event's own personal fields are erased, or
     * those of an event before it, in a state that depends on such. */
    uint64_t erased, erased_before;
    uint64_t erased_events; /* decided or not, whose personal fields are */
    uint8_t digest[32];     /* the one hash: SHA-256 over id and decision bytes, in order */
    uint32_t segments;      /* at most REPLAY_SEGMENTS_MAX; later ones are in the one hash only */
    struct replay_segment segment[REPLAY_SEGMENTS_MAX];
    uint64_t moved[PLAN_OUTCOMES_MAX][PLAN_OUTCOMES_MAX]; /* with `as`: from, to */
    uint32_t differences;
    struct replay_difference difference[REPLAY_DIFFERENCES_MAX];
};

bool replay(const struct replay_options *o, struct replay_result *r, struct error *e) MUST_USE;

/* Add one decision to the one hash. */
struct digest;
void replay_digest_add(struct digest *d, struct text id, struct text decision);

#endif

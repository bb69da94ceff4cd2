/* The engine: one shard's state and the one path by which events are decided.
 *
 *   event -> features (level by level, with velocity) -> score -> rules and thresholds -> decision
 *
 * Training, files, HTTP and replay all call engine_run; it sees rows in the order of the log and
 * the result of row i does not depend on how rows were batched. No clock: times are in the rows.
 * All state is in the region (velocity roots 0..7, engine roots 8..15). One thread.
 */
#ifndef ASSAY_DECIDE_ENGINE_H
#define ASSAY_DECIDE_ENGINE_H

#include "core/decide/plan.h"

enum {
    ENGINE_BATCH_MAX = 4096, /* rows of one engine_run */
    ENGINE_REASONS_MAX = 5,
};

/* Facts of one decision, besides the score. */
enum decision_flag {
    DECISION_LATE = 1,         /* older than the newest event before it, but within lateness */
    DECISION_TOO_LATE = 2,     /* older than that: decided, not inserted */
    DECISION_AHEAD = 4,        /* further ahead of its time of receipt than max_ahead: not inserted */
    DECISION_NO_MODEL = 8,     /* rules only */
};

struct reason {
    uint32_t feature;
    double contribution; /* log-odds */
};

struct decision {
    uint64_t features_hash; /* of all feature values of the row, bit for bit */
    double margin;
    double probability;
    int16_t score;   /* 0..1000 */
    uint8_t outcome; /* index into the plan's outcomes */
    uint8_t level;
    uint8_t flags;
    uint8_t reasons; /* entries of reason[]; filled where the outcome is not the mildest */
    uint64_t rules[PLAN_RULES_MAX / 64]; /* fired, by bit */
    struct reason reason[ENGINE_REASONS_MAX]; /* largest first, only those that raise the margin */
};

/* The decision as bytes: what the log keeps, what replay compares, what the one hash is made of. */
void decision_format(const struct decision *d, const struct plan *p, struct buffer *out);
bool decision_parse(struct reader *in, const struct plan *p, struct decision *d, struct error *e)
    MUST_USE;

struct engine;

/* The region is fresh, or holds state of a plan with the same layout. */
struct engine *engine_open(struct plan *p, struct region *r, enum simd simd);
void engine_close(struct engine *n);
/* What identifies state that this plan can continue: layout fingerprint and epoch. */
uint64_t engine_layout(const struct plan *p);

/* One batch: rows [first, first + rows) of the frame, in order, at most ENGINE_BATCH_MAX.
 * seq[i] and received_us[i] belong to row first + i; seq increases. With decisions == NULL the rows are
 * only observed: state changes, nothing is scored. Rows must have a time. */
void engine_run(struct engine *n, const struct frame *f, uint32_t first, uint32_t rows,
                const uint64_t *seq, const int64_t *received_us, struct decision *decisions);

/* As engine_run with one row, but nothing changes: dry runs and explanations of "now". */
void engine_peek(struct engine *n, const struct frame *f, uint32_t row, int64_t received_us,
                 struct decision *decision);

/* All contributions of the last run's row i (model order), for reports and `explain`. */
void engine_explain(struct engine *n, uint32_t i, double *contribution, double *base);

/* The registers of the last run: feature values, by plan_feature_node. */
const struct registers *engine_registers(const struct engine *n);

/* The outcome of an event becomes known: `row` holds the labelled event, whose position and time are
 * given. Takes effect before the first event whose watermark reaches effective_us. */
void engine_label(struct engine *n, const struct frame *f, uint32_t row, uint64_t seq,
                  uint8_t label, int64_t effective_us);

/* Event ids: at most `horizon` of the newest are remembered (a setting; part of the state). */
struct id_entry {
    struct hash128 token; /* of the id */
    uint64_t body;        /* hash of the event's bytes */
    uint64_t seq;
};

struct hash128 engine_id_token(const struct engine *n, struct text id);
const struct id_entry *engine_id_find(const struct engine *n, struct hash128 token); /* or NULL */
void engine_id_add(struct engine *n, const struct id_entry *entry);

int64_t engine_watermark_us(const struct engine *n); /* newest event time; INT64_MIN at first */
uint64_t engine_events(const struct engine *n);      /* rows ever run */
void engine_count(const struct engine *n, uint32_t group, struct velocity_counts *c);

#endif

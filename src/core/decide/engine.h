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

#include "core/decide/decision.h"
#include "core/decide/ids.h"
#include "core/decide/lists.h"

enum { ENGINE_BATCH_MAX = 4096 }; /* rows of one engine_run */

struct engine;

struct engine_options {
    enum simd simd;
    uint32_t batch;                /* rows of one engine_run, at most ENGINE_BATCH_MAX */
    uint64_t ids_horizon;          /* event ids remembered, */
    int64_t ids_horizon_us;        /* and for how long since receipt */
    const struct workers *workers; /* for batches; NULL: none. Outlives the engine */
};

/* The region is fresh, or holds state of a plan with the same layout; the region's memory
 * outlives the engine, which takes a reference on the plan. */
struct engine *engine_open(struct plan *p, struct region *r, const struct engine_options *o);
void engine_close(struct engine *n);
/* From here on `watch` (NULL: nobody) is told of bytes of the region before they change. */
void engine_watch(struct engine *n, struct region_watch *watch);
/* What identifies state that this plan can continue: layout, token key and epoch. */
uint64_t engine_layout(const struct plan *p);

/* The steps of a run, for whoever measures them. */
enum engine_lap { LAP_FEATURES, LAP_SCORE, LAP_RULES, LAP_EXPLAIN, ENGINE_LAPS };

/* What the next run owes to the moment it is made in. None of it changes the state. */
struct engine_moment {
    const uint16_t *told;  /* by row: DECISION_TOLD as found before or recorded; NULL: nothing */
    uint32_t explanations; /* so many rows get reasons at most; others are DECISION_DEFERRED */
    void (*lap)(void *context, enum engine_lap ended); /* called as each step ends; NULL: nobody */
    void *context;
};

/* For the next engine_run only; the moment is borrowed until then. A row told to take the plan's
 * fallback takes it where the plan has one. */
void engine_prepare(struct engine *n, const struct engine_moment *m);

/* One batch: rows [first, first + rows) of the frame, in order, at most ENGINE_BATCH_MAX.
 * seq[i] and received_us[i] belong to row first + i; seq increases. With decisions == NULL the rows
 * are only observed: state changes, nothing is scored; of rows of kinds that are only observed the
 * decisions say so (DECISION_OBSERVED) and nothing else. Rows must have a time. */
void engine_run(struct engine *n, const struct frame *f, uint32_t first, uint32_t rows,
                const uint64_t *seq, const int64_t *received_us, struct decision *decisions);

/* As engine_run with one row, but nothing changes: dry runs and explanations of "now". */
void engine_peek(struct engine *n, const struct frame *f, uint32_t row, int64_t received_us,
                 struct decision *decision);

/* Fill d->reason for row i of the last run or peek, also where the outcome is the mildest. */
void engine_reasons(struct engine *n, uint32_t i, struct decision *d);

/* The registers of the last run: feature values, by plan_feature_node. */
const struct registers *engine_registers(const struct engine *n);

/* The outcome of an event becomes known: `row` of the frame is the labelled event, `seq` its
 * position, `received_us` when it was received. Takes effect before the first event whose watermark
 * reaches effective_us. Ends the validity of the registers of the last run. */
void engine_label(struct engine *n, const struct frame *f, uint32_t row, uint64_t seq,
                  uint8_t label, int64_t received_us, int64_t effective_us);

/* Lists. A change takes effect for all rows after it. Reserve before applying: it checks all, and
 * changes nothing that an event can see. at_us is when the change was made (received). */
struct hash128 engine_list_token(const struct engine *n, const struct value *v);
bool engine_list_reserve(struct engine *n, uint32_t list, const struct list_change *change,
                         uint32_t count, struct error *e) MUST_USE;
enum list_result engine_list_apply(struct engine *n, uint32_t list,
                                   const struct list_change *change, uint64_t seq, uint32_t place,
                                   int64_t at_us, enum list_origin origin);
struct lists *engine_lists(struct engine *n); /* to look into */
/* Whether an entry that expires then can be seen no more. */
bool engine_list_is_past(const struct engine *n, int64_t expires_us);

/* Event ids within the horizon. The token is keyed: raw ids are not in the state. */
struct hash128 engine_id_token(const struct engine *n, struct text id);
const struct id_entry *engine_id_find(const struct engine *n, struct hash128 token); /* or NULL */
void engine_id_add(struct engine *n, const struct id_entry *entry);

/* What a label cell says: 1 fraud, 0 legitimate, LABEL_UNKNOWN. Numbers and bools: not zero is
 * fraud; text: fraud, true, yes, y, 1 or legit, legitimate, false, no, n, 0, genuine, in any case.
 */
uint8_t engine_label_of(const struct column *label, uint32_t row);

int64_t engine_watermark_us(const struct engine *n); /* newest event time; INT64_MIN at first */
uint64_t engine_events(const struct engine *n);      /* rows ever run */
/* Labels that could not wait for want of room in the region: they are in the log, not in the state.
 */
uint64_t engine_labels_lost(const struct engine *n);
void engine_count(const struct engine *n, uint32_t group, struct velocity_counts *c);

/* What the region holds beside entities. */
struct engine_holdings {
    uint64_t ids, ids_bytes;
    uint64_t labels, labels_bytes; /* that wait for their time */
    uint64_t list_entries, lists_bytes;
};

void engine_hold(const struct engine *n, struct engine_holdings *h);

#endif

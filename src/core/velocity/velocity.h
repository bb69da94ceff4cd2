/* Velocity: exact sliding-window aggregates, per event, in event time.
 *
 * Rules (design: exact, order-free sums; read, then apply; late and equal-time events; labels):
 *   1. A window of width w and delay d seen from an event at time t is (t-d-w, t-d]; order is
 *      (time, arrival). The event itself counts where it lies inside, unless `prior`.
 *   2. Sums are fixed point (base/fixed.h), so any order of inserts and evictions, a late insert,
 *      or a restart gives the same bits. The last step is from the integers: one rounding for the
 *      mean, for std see README.md.
 *   3. An event that is late for its entity (older than the entity's newest) is evaluated as of its
 *      own time over the retained events, then inserted there. The engine decides which rows may be
 *      inserted (`insert`); a row that is not inserted is still read.
 *   4. Labels change the state when they take effect (a label step), never past results.
 *      label(event) is unknown until then; with `absent: legit` an event as old as the label delay
 *      and without a label counts as 0. Aggregates of the label skip unknown.
 *   5. The key of an entity is a 128-bit keyed token of its values; raw values are not kept. A row
 *      whose key is null (any part) reads empty aggregates and is not inserted there.
 *   6. Everything lives in a struct region. Entities are freed when nothing of theirs can matter
 *      any more (older than the longest window + delay + lateness before the watermark and no
 *      unbounded aggregate), a few per event. When counted bytes reach the group's share of the
 *      budget an entity of the group is evicted and counted: of the next 32, the one whose newest
 *      event is oldest. That is a function of the rows so far only, unless the region itself is
 * full before the budget is (README.md, rule 3).
 *
 * A layout is immutable and shareable; a velocity is one thread's, which may lend it others.
 */
#ifndef ASSAY_VELOCITY_VELOCITY_H
#define ASSAY_VELOCITY_VELOCITY_H

#include "core/base/hash.h"
#include "core/base/simd.h"
#include "core/base/workers.h"
#include "core/lang/lang.h"
#include "core/velocity/region.h"

enum { VELOCITY_GROUPS_MAX = 64 };

enum label_absent { LABEL_ABSENT_UNKNOWN, LABEL_ABSENT_LEGIT };

struct velocity_options {
    int64_t lateness_us;
    int64_t label_delay_us;
    enum label_absent absent;
    struct hash_key key;   /* of entity tokens */
    uint64_t memory_bytes; /* what all groups together may take; 0 = 3/4 of the region */
};

/* Aggregates with one key and one level are a group: they share the entities and their events. */
struct velocity_layout;

/* Whether the aggregate can be kept under these options. */
bool velocity_check(const struct aggregate *a, const struct velocity_options *o,
                    struct error *e) MUST_USE;
/* The aggregates (borrowed, checked, they must outlive the layout) are those of a program, in its
 * order. */
struct velocity_layout *velocity_layout_new(const struct aggregate *const *aggregates,
                                            uint32_t count, const struct velocity_options *o);
void velocity_layout_free(struct velocity_layout *l);
/* Changes when state of one layout cannot be read by another. */
uint64_t velocity_layout_fingerprint(const struct velocity_layout *l);
uint32_t velocity_group_count(const struct velocity_layout *l);
const char *velocity_group_name(const struct velocity_layout *l, uint32_t group); /* key_name */
int velocity_group_level(const struct velocity_layout *l, uint32_t group);
/* Whether the group has aggregates of the label (its tokens are then kept with waiting labels). */
bool velocity_group_has_label(const struct velocity_layout *l, uint32_t group);
/* Bytes that one entity of this group takes with n events retained, table slot included, and with
 * the records of windows in steps where each event has one of its own. */
size_t velocity_entity_bytes(const struct velocity_layout *l, uint32_t group, uint32_t events);

struct velocity;

/* The region must be fresh or hold state of this layout. Uses region roots 0..7. A fresh region
 * and the budget must have room for empty tables, 1 KiB a group; less is a panic. */
struct velocity *velocity_open(const struct velocity_layout *l, struct region *r);
void velocity_close(struct velocity *v);
/* Threads on which groups run at once in velocity_run; NULL (at first): none. Results are the same
 * bits. The pool outlives the velocity, or NULL is lent before it goes. */
void velocity_lend(struct velocity *v, const struct workers *workers);

/* What the engine knows of the rows of a batch, beyond the registers. */
struct velocity_rows {
    uint32_t rows;
    const int64_t *time_us;
    const uint64_t *seq;         /* position of the event in the shard's order, increasing */
    const uint8_t *insert;       /* 1 = apply after reading, 0 = read only */
    const int64_t *watermark_us; /* newest event time up to and including the row */
    const struct hash128 *token; /* [row * groups + group], from velocity_tokens; 0,0 = null key */
    const struct label_step *step; /* in the order in which they take effect */
    /* Out, [row * groups + group], may be NULL: 1 = the results of the row may lack events of its
     * entity, forgotten for want of room and still within reach of a window. Never 0 where they do.
     */
    uint8_t *forgotten;
    uint32_t steps; /* steps are applied even where rows = 0 */
};

/* A label that takes effect just before row `row` is read. */
struct label_step {
    uint32_t row;
    uint8_t label;               /* 1 fraud, 0 legitimate, LABEL_UNKNOWN: taken back */
    int64_t time_us;             /* of the labelled event */
    uint64_t seq;                /* of the labelled event */
    const struct hash128 *token; /* of the labelled event, one per group */
};

enum { LABEL_UNKNOWN = 2 };

/* Tokens of all groups for the rows in the registers, after program_run(level 0). */
void velocity_tokens(const struct velocity_layout *l, const struct registers *r, enum simd simd,
                     struct hash128 *token);

/* The token of one entity by a key of one part: that of the state. 0,0 where it is null. */
struct hash128 velocity_key_token(const struct hash_key *key, const struct column *c, uint32_t row);

/* Read and apply all aggregates of `level` for all rows, in row order, writing the aggregates'
 * columns of the registers. Row i sees what rows < i applied. */
void velocity_run(struct velocity *v, int level, struct registers *r,
                  const struct velocity_rows *rows);
/* As velocity_run, but const: each row is read as if it were the only one; nothing is applied. */
void velocity_read(const struct velocity *v, int level, struct registers *r,
                   const struct velocity_rows *rows);

struct velocity_counts {
    uint64_t entities;
    uint64_t events; /* retained */
    uint64_t bytes;
    uint64_t evicted; /* entities, for want of room, ever */
    uint64_t expired; /* entities, by age, ever */
    uint64_t dropped; /* events that should be retained but were not, for want of room, ever */
};

void velocity_count(const struct velocity *v, uint32_t group, struct velocity_counts *c);

#endif

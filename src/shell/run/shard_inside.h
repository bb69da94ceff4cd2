/* Inside a shard: what its engine thread, commit thread and snapshot thread share. Only
 * run/shard*.c include this. */
#ifndef ASSAY_RUN_SHARD_INSIDE_H
#define ASSAY_RUN_SHARD_INSIDE_H

#include <limits.h>
#include <stdatomic.h>

#include "core/base/panic.h"
#include "core/decide/values.h"
#include "shell/os/thread.h"
#include "shell/personal/sealer.h"
#include "shell/run/freeze.h"
#include "shell/run/shard.h"
#include "shell/run/snapshot.h"
#include "shell/run/unseal.h"

/* Submissions that are answered together, once the records that they made are durable. */
struct group {
    struct submission *item[SHARD_GROUP_MAX];
    uint32_t count;
    bool has_records;
};

enum { SHARD_RUN_TEXT_MAX = 256 << 20 }; /* texts of one run of decisions */

enum { SHARD_GROUPS = 2 }; /* one being filled, one being committed */

enum snapshot_step { SNAPSHOT_RESTING, SNAPSHOT_PREPARING, SNAPSHOT_WRITING };

/* The engine's while resting, else the snapshot thread's until is_job_done. */
struct snapshot_job {
    enum snapshot_step step;
    size_t capacity; /* of the state's memory */
    struct snapshot_head head;
    bool is_written;
};

/* Where the two parts of an event stand in shard.parts, and the key that seals the personal one. */
struct parted {
    bool is_parted; /* else the event is its own open part */
    size_t open_at, open_length, personal_at, personal_length;
    struct held_key held;
};

struct shard {
    struct shard_options o;
    char directory[PATH_MAX - 64];
    char log_directory[PATH_MAX];
    char snapshot_directory[PATH_MAX];

    struct plan *plan; /* changed by the engine's thread under the lock */
    uint32_t plan_seq;
    uint64_t fields;    /* of the plan's schema */
    size_t values_most; /* bytes of the values of a decision */
    struct plans *plans;
    struct log *log;
    bool has_history;

    /* the engine thread's (before shard_start: the caller's) */
    struct state state;
    struct frame frame; /* the run: consecutive decisions, not yet appended */
    struct submission *run[SHARD_GROUP_MAX];
    struct hash128 run_token[SHARD_GROUP_MAX];
    struct decision decisions[SHARD_GROUP_MAX];
    uint64_t seq[ENGINE_BATCH_MAX];
    int64_t received_us[ENGINE_BATCH_MAX];
    uint16_t told[SHARD_GROUP_MAX];
    uint32_t explanations; /* left for this group */
    int64_t taken_ns;      /* when the group was taken from the queue */
    int64_t lap_ns;        /* when the last step of the engine ended */
    struct stage_times laps;
    struct carrier *carrier; /* of labelled events decided under earlier plans */
    struct buffer body;      /* of the record being made */
    struct buffer scratch;
    struct unseal unseal;   /* of first answers that are read again */
    struct sealer *sealer;  /* NULL until an event with personal fields comes */
    bool seals_values;      /* the plan's features read personal fields */
    struct buffer personal; /* what is sealed of one event */
    struct buffer sealed_part;
    struct buffer parts;                   /* of the run's events, or of one alone */
    struct parted parted[SHARD_GROUP_MAX]; /* by row of the run */
    struct list_work *list_work;           /* shard_list.c's */
    struct group *group;                   /* being filled */
    uint64_t snapshot_seq;                 /* of the last snapshot taken */
    int64_t snapshot_due_us;               /* monotonic */
    enum snapshot_step snapshot_step;
    struct snapshot_job snapshot_job;
    struct region_watch *watch; /* while writing */
    uint8_t *memory;            /* under the lock: the state's, its bytes in use, and in all */
    size_t memory_used, memory_capacity;
    void *restored; /* mapped from a snapshot at the start; NULL: nothing was */
    size_t restored_bytes;
    uint8_t *settled; /* the snapshot thread's: memory that has pages up to settled_until */
    size_t settled_until;
    struct freeze *freeze; /* made by the snapshot thread while preparing */
    atomic_bool is_job_done;

    struct group groups[SHARD_GROUPS];
    struct queue *queue;     /* submissions -> engine thread */
    struct queue *sealed;    /* groups -> commit thread */
    struct queue *spare;     /* groups -> engine thread */
    struct queue *snapshots; /* the job -> snapshot thread */
    pthread_t engine_thread, commit_thread, snapshot_thread;
    bool is_started; /* engine thread runs */

    struct histogram stages[STAGES]; /* the engine thread's, STAGE_COMMIT the commit thread's */
    _Atomic uint64_t appended_seq;
    atomic_bool is_failed;
    atomic_bool is_activating;
    atomic_bool is_stopping;
    pthread_mutex_t lock; /* of status */
    struct shard_status status;
};

/* shard_group.c: decide what was taken from the queue, and hand the group on. */
void shard_run_group(struct shard *s, struct submission **items, uint32_t count);
/* Seal what was appended and pass the group to the commit thread; takes the next spare group. */
void shard_seal_group(struct shard *s);
/* False: the shard has failed. */
bool shard_wait_durable(struct shard *s, uint64_t seq);
void *shard_engine_main(void *shard);
void *shard_commit_main(void *shard);

/* shard_seal.c */
/* The parts of an event of the plan in force, appended to s->parts; without a key: to look at. */
bool shard_part_event(struct shard *s, struct text event, struct parted *p,
                      struct error *e) MUST_USE;
/* The same of row `row` of `f`, with its subject's key. */
bool shard_part_row(struct shard *s, const struct frame *f, uint32_t row, struct text event,
                    struct parted *p, struct error *e) MUST_USE;
/* The personal part of record `r` once more, alone in s->parts; nothing where it is erased. */
bool shard_part_copy(struct shard *s, const struct record *r, struct text personal,
                     struct parted *p, struct error *e) MUST_USE;
struct text shard_open_part(const struct shard *s, const struct parted *p, struct text event);
size_t shard_sealed_most(const struct shard *s, const struct parted *p); /* bytes */
/* The sealed part of record `seq`, good until the next; *values (NULL: none) are taken into it
 * where they may say something of personal fields. */
struct text shard_seal(struct shard *s, const struct parted *p, uint64_t seq, struct text *values);
/* New keys, then the oldest sealed group. */
bool shard_commit_log(struct shard *s, struct error *e) MUST_USE;
/* Before the plan comes into force. */
bool shard_open_keys(struct shard *s, const struct plan *p, struct error *e) MUST_USE;

/* shard_list.c; the run of decisions has been ended. */
void shard_take_list(struct shard *s, struct submission *sub);
void shard_take_list_page(struct shard *s, struct submission *sub);
/* shard_activate.c: the run before is ended. */
void shard_take_plan(struct shard *s, struct submission *sub);

/* shard_snapshot.c */
void shard_snapshot_if_due(struct shard *s);
void *shard_snapshot_main(void *shard);
bool shard_snapshot_now(struct shard *s, struct error *e);

/* shard.c */
/* One record outside the threads' work: s->body appended, sealed, committed. */
bool shard_append_alone(struct shard *s, enum record_kind kind, int64_t received_us, uint32_t plan,
                        struct error *e);
uint64_t shard_state_limit(const struct plan *p);
void shard_fail(struct shard *s, const struct error *e);

#endif

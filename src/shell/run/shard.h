/* A running shard: log, state, engine, snapshots, and the two threads that own them.
 *
 *   I/O threads --submit--> bounded queue --> engine thread --> commit thread --done()--> I/O
 *                                             decide, reserve,    write, sync
 *                                             apply, append
 *
 * The engine thread takes what is queued (1..256 submissions), decides them in order, and seals the group;
 * the commit thread makes it durable and answers, while the engine works on the next group.
 * Batch when busy, single when idle; no locks on state.
 *
 * A failed commit stops the shard: everything waiting is answered SUBMIT_FAILED, and only a restart,
 * which recovers from disk, brings it back.
 */
#ifndef ASSAY_RUN_SHARD_H
#define ASSAY_RUN_SHARD_H

#include "shell/log/log.h"
#include "shell/run/body.h"
#include "shell/settings/settings.h"

enum {
    SHARD_GROUP_MAX = 256,  /* submissions of one group commit */
    SHARD_ID_MAX = 256,     /* bytes of an event id */
    SHARD_LABEL_SOURCE_MAX = 64,
};

enum submit_kind {
    SUBMIT_DECISION, /* decide and record */
    SUBMIT_PEEK,     /* decide, record nothing (dry run) */
    SUBMIT_LABEL,    /* the outcome of an event became known */
    SUBMIT_FIND,     /* the seq of an event id */
};

enum submit_status {
    SUBMIT_DONE,
    SUBMIT_REPEATED,  /* the same event was decided before: `decision` is the first answer */
    SUBMIT_CONFLICT,  /* another event with this id was decided before */
    SUBMIT_NOT_FOUND, /* label, find: no such event within the horizon */
    SUBMIT_FULL,      /* no room on disk: nothing was applied; retry later */
    SUBMIT_FAILED,    /* the shard has stopped: `error` says why */
};

/* One request. The submitter owns it and everything it points to; the shard borrows it from
 * shard_submit until it calls done(), on the commit or engine thread (keep done short). */
struct submission {
    enum submit_kind kind;
    struct text id;         /* of the event; for decisions a part of the event too */
    struct text event;      /* record_encode over the plan's schema (decision, peek) */
    int64_t received_us;
    bool explain;           /* reasons also where the outcome is the mildest */
    uint8_t label;          /* label */
    int64_t effective_us;
    struct text source;
    void (*done)(struct submission *s);
    void *context;

    /* results */
    enum submit_status status;
    uint64_t seq;           /* of the event's record */
    struct plan *plan;      /* that decided; a reference, released by the submitter with plan_unref */
    struct decision decision;
    char error[256];

    struct submission *next; /* the shard's */
};

struct shard_options {
    const struct settings *settings;
    const char *directory;   /* <data directory>/shard-0 */
    enum simd simd;
    enum log_sync sync;
    const struct progress *progress; /* of recovery */
};

struct shard;

/* Opens or makes the directory, restores the newest usable snapshot, replays the log's tail, and, where
 * `plan` (a reference is taken) is another than the log's last, builds its state from the log and writes a
 * PLAN record. `settings_text` and `model` bytes (NULL: none) go with the plan. No threads yet. */
struct shard_plan {
    struct plan *plan;
    struct text settings;         /* settings_print_plan */
    const void *model;            /* bytes of the model file, kept under <directory>/models/<digest> */
    size_t model_bytes;
};

bool shard_open(const struct shard_options *o, const struct shard_plan *plan, struct shard **s,
                struct error *e) MUST_USE;
/* Add events of the history (before start): seen, not decided. The frame has the plan's schema. */
bool shard_observe(struct shard *s, const struct frame *f, struct error *e) MUST_USE;
bool shard_start(struct shard *s, struct error *e) MUST_USE;
/* False: the queue is full (answer 429) or the shard is stopping (503). */
bool shard_submit(struct shard *s, struct submission *submission) MUST_USE;
/* Answer what waits, snapshot, close. */
void shard_close(struct shard *s);

struct plan *shard_plan_ref(struct shard *s); /* the plan in force; plan_unref it */
const struct log *shard_log(const struct shard *s);

/* What metrics and health pages show; a copy, any thread. */
struct shard_status {
    bool is_ready, is_failed;
    char failure[ERROR_TEXT_MAX];
    uint64_t decisions, repeated, conflicts, labels, groups;
    uint64_t by_outcome[PLAN_OUTCOMES_MAX];
    uint64_t durable_seq;
    uint64_t log_bytes;
    int64_t watermark_us;      /* the state is filled until this event time; INT64_MIN: empty */
    uint64_t state_bytes, state_limit_bytes;
    uint64_t entities, evicted;
    uint32_t queue_length, queue_capacity;
    uint64_t snapshot_seq;
};

void shard_status(struct shard *s, struct shard_status *status);

/* The plans that a log names, loaded when first asked for. Thread-safe. */
struct plans;
struct plans *plans_new(const char *shard_directory);
void plans_free(struct plans *p);
/* The plan of a PLAN record by its seq; a reference. ERROR_INVALID where this binary lacks its epoch. */
bool plans_get(struct plans *p, uint32_t plan_seq, struct plan **plan, struct error *e) MUST_USE;

#endif

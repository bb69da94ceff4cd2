/* A running shard: log, state, engine, snapshots, and the two threads that own them.
 *
 *   I/O threads --submit--> bounded queue --> engine thread --> commit thread --done()--> I/O
 *                                             decide, reserve,    write, sync
 *                                             apply, append
 *
 * The engine thread takes what is queued (1..256 submissions), decides them in order, and seals the
 * group; the commit thread makes it durable and answers, while the engine works on the next group.
 * Batch when busy, single when idle; no locks on state.
 *
 * A failed commit stops the shard: everything waiting is answered SUBMIT_FAILED, and only a
 * restart, which recovers from disk, brings it back.
 */
#ifndef ASSAY_RUN_SHARD_H
#define ASSAY_RUN_SHARD_H

#include "shell/log/log.h"
#include "shell/run/body.h"
#include "shell/run/occupancy.h"
#include "shell/run/plans.h"
#include "shell/run/state.h"

enum {
    SHARD_GROUP_MAX = 256,     /* submissions of one group commit */
    SHARD_ID_MAX = 256,        /* bytes of an event id */
    SHARD_EVENT_MAX = 1 << 20, /* bytes of an encoded event */
    SHARD_LABEL_SOURCE_MAX = 64,
};

enum submit_kind {
    SUBMIT_DECISION,  /* decide and record; an event of a kind that is only observed is recorded so
                       */
    SUBMIT_PEEK,      /* decide, record nothing (dry run) */
    SUBMIT_LABEL,     /* the outcome of an event became known */
    SUBMIT_FIND,      /* the seq of an event id */
    SUBMIT_LIST,      /* add values to a list, or remove them */
    SUBMIT_LIST_PAGE, /* look at a list's entries */
    SUBMIT_PLAN,      /* another plan comes into force (shard_activate's own) */
};

enum submit_status {
    SUBMIT_DONE,
    SUBMIT_REPEATED,  /* the same event was decided before: `decision` is the first answer */
    SUBMIT_CONFLICT,  /* another event with this id was decided before */
    SUBMIT_NOT_FOUND, /* label, find: no such event within the horizon; no such list */
    SUBMIT_REFUSED,   /* list: it has no room for so many; nothing was applied */
    SUBMIT_STALE,     /* the event was read by other fields than those of the plan now in force:
                       * nothing was applied; read it again */
    SUBMIT_FULL,      /* no room on disk: nothing was applied; retry later */
    SUBMIT_FAILED,    /* the shard has stopped: `error` says why */
};

/* What a SUBMIT_LIST or SUBMIT_LIST_PAGE is about. */
struct list_request {
    struct text name;
    /* to change */
    struct text by;
    const struct list_item
        *item; /* at most LIST_CHANGES_MAX; values as list_value_read gives them */
    uint32_t count;
    enum list_result *result; /* of each; filled */
    /* to look: up to `most` entries after that place, in the order of the log */
    uint64_t after_seq;
    uint32_t after_place;
    uint32_t most;
    struct list_entry *entry; /* filled */
    uint32_t found;
    uint64_t entries; /* in all, those that have expired but are not forgotten included */
};

struct activation;

/* One request. The submitter owns it and everything it points to; the shard borrows it from
 * shard_submit until it calls done(), on the commit or engine thread (keep done short). */
struct submission {
    enum submit_kind kind;
    struct text id;                /* of the event; for decisions a part of the event too */
    struct text event;             /* event_encode over the plan's schema (decision, peek) */
    uint64_t fields;               /* schema_fingerprint of that schema */
    struct activation *activation; /* SUBMIT_PLAN */
    int64_t received_us;
    bool explain;       /* reasons also where the outcome is the mildest */
    uint64_t event_seq; /* label: the event's record where it is known, else 0: found by id */
    uint8_t label;      /* label */
    int64_t effective_us;
    struct text source;
    struct list_request *list;
    void (*done)(struct submission *s);
    void *context;

    /* results */
    enum submit_status status;
    uint64_t seq;      /* of the event's record */
    struct plan *plan; /* that decided; a reference, released by the submitter with plan_unref */
    struct decision decision;
    char error[ERROR_TEXT_MAX];

    struct submission *next; /* the shard's */
};

struct shard_options {
    const char *directory; /* <data directory>/shard-0; made if absent */
    struct state_options state;
    enum log_sync sync;
    size_t segment_bytes;
    int64_t snapshot_every_us;       /* 0: only at the end */
    size_t snapshot_memory_bytes;    /* copies of what changes while one is written, at most */
    uint32_t queue;                  /* submissions waiting, at most */
    uint32_t activation_rate;        /* records a second, of the log for a new plan; 0: no limit */
    const struct progress *progress; /* of recovery */
};

struct shard;

/* Restores the newest usable snapshot, replays the log's tail and, where the made plan is another
 * than the log's last, builds its state from the log and writes a PLAN record. `model` are the
 * bytes of the model file (NULL: none), kept under <directory>/models/. The shard takes its own
 * reference on the plan. */
bool shard_open(const struct shard_options *o, const struct made_plan *made, const void *model,
                size_t model_bytes, struct shard **s, struct error *e) MUST_USE;

/* Events of the history come before shard_start: seen, not decided. The frame has the plan's
 * schema. An interrupted import goes on after the first shard_history_events events. */
bool shard_has_history(const struct shard *s); /* imported whole */
uint64_t shard_history_events(const struct shard *s);
bool shard_observe(struct shard *s, const struct frame *f, uint32_t first, uint32_t rows,
                   struct error *e) MUST_USE;
bool shard_end_history(struct shard *s, struct text source, struct error *e) MUST_USE;

/* Before shard_start: a change of a list that comes from its file, made at `at_us`; the last one of
 * a file's content names that content (`file`, not 0). */
bool shard_list_from_file(struct shard *s, uint32_t list, const struct list_item *item,
                          uint32_t count, int64_t at_us, uint64_t file, struct error *e) MUST_USE;
/* The lists as they are; before shard_start only. */
struct engine *shard_engine(struct shard *s);

bool shard_start(struct shard *s, struct error *e) MUST_USE;
/* False: the queue is full (answer 429) or the shard is stopping (503). */
bool shard_submit(struct shard *s, struct submission *submission) MUST_USE;
/* Answer what waits, snapshot, close. */
void shard_close(struct shard *s);

/* Another plan comes into force while the shard goes on: decisions before its PLAN record are by
 * the old plan, after it by the new one, and none is lost. Where its features need another state,
 * that is built from the log first, so that they are warm from their history. Returns when the new
 * plan is in force, or with an error, and then nothing has changed. One at a time
 * (ERROR_CONFLICT); from any thread but the shard's; a false progress gives it up. */
struct activated {
    bool is_same;     /* it was in force already */
    bool is_rebuilt;  /* with a state from the log */
    uint64_t seq;     /* of the PLAN record */
    uint64_t records; /* of the log that the state was built from */
};

bool shard_activate(struct shard *s, const struct made_plan *made, const void *model,
                    size_t model_bytes, const struct progress *progress, struct activated *result,
                    struct error *e) MUST_USE;

struct plan *shard_plan(struct shard *s); /* the plan in force; a reference */
struct plans *shard_plans(const struct shard *s);
const struct log *shard_log(const struct shard *s);
const char *shard_directory(const struct shard *s);
const struct state_options *shard_state_options(const struct shard *s);

/* What metrics and health pages show; a copy, any thread. */
struct shard_status {
    bool is_ready, is_failed;
    char failure[ERROR_TEXT_MAX];
    uint64_t decisions, observed, repeated, conflicts, labels, refused_full, groups;
    uint64_t by_outcome[PLAN_OUTCOMES_MAX];
    uint64_t durable_seq;
    uint64_t log_bytes;
    int64_t watermark_us; /* the state is filled until this event time; INT64_MIN: empty */
    uint64_t state_bytes, state_limit_bytes;
    struct occupancy occupancy;
    uint32_t queue_length, queue_capacity;
    uint64_t list_entries, list_changes; /* of all lists; changes since the start */
    uint64_t snapshot_seq;
    uint64_t snapshots, snapshots_failed, snapshots_given_up;
    uint64_t snapshot_bytes, snapshot_us; /* of the last one: size, time to write */
    uint64_t snapshot_copied_bytes;       /* for want of a pause */
    char snapshot_failure[ERROR_TEXT_MAX];
    uint64_t plan_seq; /* of the plan in force */
    uint64_t activations;
    uint64_t building_seq,
        building_of;    /* the state of a new plan: records of so many; 0, 0: none */
    uint64_t replayed;  /* records, at the start */
    uint64_t cut_bytes; /* of a torn end, at the start */
};

void shard_status(struct shard *s, struct shard_status *status);

#endif

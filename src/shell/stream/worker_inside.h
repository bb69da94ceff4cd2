/* What the files of the worker share. Private to worker.c and transaction.c. */
#ifndef ASSAY_STREAM_WORKER_INSIDE_H
#define ASSAY_STREAM_WORKER_INSIDE_H

#include "shell/stream/aside.h"
#include "shell/stream/snapshots.h"
#include "shell/stream/worker.h"

enum { WORKER_BATCH = 4096 };

/* A partition of the topic of labels. */
struct label_partition {
    bool is_ours;
    int64_t next;      /* offset of the label that is to be passed on next */
    int64_t committed; /* the group's position */
    int64_t end;       /* with --once: up to here; else INT64_MAX */
    int64_t seen_end;
};

/* What is in a transaction. */
struct worker_counts {
    uint64_t messages, decisions, observed, repeated, labels, dead, by_outcome[PLAN_OUTCOMES_MAX];
};

/* A transaction that the committer has; the worker's again when that is done. */
struct worker_commit {
    struct kafka_partition position[2 * STREAM_PARTITIONS_MAX];
    uint32_t positions;
    struct worker_counts in;
    bool ok;
    struct error e;
};

struct worker {
    struct worker_shared *s;
    struct kafka_consumer *consumer;
    struct kafka_producer *producer;
    struct partition *partition[STREAM_PARTITIONS_MAX]; /* by number; NULL: not ours */
    uint32_t partitions;
    struct label_partition labels[STREAM_PARTITIONS_MAX];
    struct kafka_message message[WORKER_BATCH];
    uint32_t prepared; /* of them: labels up to here are */
    struct decision decision[INTAKE_ROWS];
    struct buffer verdict;
    uint64_t revoked; /* times that partitions were taken */
    bool is_joined;   /* was given partitions, or told that there are none */
    bool is_broken;   /* what is not committed is lost */

    /* The transaction that is filled, */
    bool is_filled;   /* if there is one, */
    bool is_open;     /* at the brokers too, */
    int64_t began_us; /* since then, */
    uint32_t taken;   /* with so many messages, */
    struct worker_counts in;
    /* and the one before it. */
    bool is_committing;
    struct worker_commit commit;
    struct aside *committer;
    bool has_to_deliver; /* a sink that is no topic: then there is one at a time */

    struct snapshots *snapshots;
};

/* Something is to be added. */
void transaction_begin(struct worker *w);
/* What was added goes to the producer, unless the transaction before is still being committed. */
bool transaction_send(struct worker *w, struct error *e) MUST_USE;
bool transaction_is_due(const struct worker *w);
/* How long to wait for messages. */
int transaction_patience_ms(const struct worker *w);
/* Ends what is due: it is committed while the next one is filled. Where the one before is not
 * committed yet, this one goes on being filled until it has stream.events messages. ERROR_NONE:
 * told to stop while a sink was away. */
bool transaction_end(struct worker *w, struct error *e) MUST_USE;
/* Everything so far is committed. */
bool transaction_commit(struct worker *w, struct error *e) MUST_USE;
/* What is not committed is given up. */
void transaction_forget(struct worker *w);
/* Spends the time since *since_us on `stage`. */
void worker_spent(struct worker *w, enum stream_stage stage, int64_t *since_us);

#endif

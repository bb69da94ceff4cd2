/* The projector: follows the log and keeps the store up with it.
 *
 * It reads records from the store's projected_seq on and inserts them in transactions of up to
 * PROJECT_BATCH rows, each of which also moves projected_seq; so it can be stopped or killed at any
 * moment and goes on where it was: where the store says that it is, also after the store itself
 * went away and came back. It never reads past what is durable. What it cannot read (a decision
 * under a plan of an epoch that this binary lacks) is skipped, counted, and said in the status.
 *
 * A store's file that is gone, another one or damaged is made anew from the log while the server
 * goes on; until it is whole again nobody reads it (project_is_rebuilding). A database that is away
 * is waited for instead.
 */
#ifndef ASSAY_STORE_PROJECT_H
#define ASSAY_STORE_PROJECT_H

#include "core/base/progress.h"
#include "core/decide/decision.h"
#include "shell/run/shard.h"
#include "shell/store/store.h"

enum { PROJECT_BATCH = 16384 };

/* A decision as it is projected. */
struct project_seen {
    const struct store_decision *row;
    struct plan *plan;
    uint32_t plan_number; /* of its PLAN record */
    const struct decision *decision;
    const struct frame *event; /* one row; personal fields are null */
    const struct event_body *body;
};

/* Somebody else's rows in the same store, a fold of the same log: alerts (shell/watch). What it
 * writes is committed with the records that it comes of. All on the projector's thread; a false
 * return rolls the transaction back, and what was seen in it comes again. */
struct project_fold {
    void *context;
    /* The store is where `projected` says; anything that was known of it is to be read anew. */
    bool (*resume)(void *context, struct store *s, uint64_t projected, struct error *e);
    /* Whether the record `seq` may be taken now; false: the transaction ends before it. */
    bool (*may_take)(void *context, uint64_t seq);
    bool (*decision)(void *context, struct store *s, const struct project_seen *d, struct error *e);
    bool (*label)(void *context, struct store *s, const struct store_label *l, struct error *e);
    /* All up to read_seq was seen; the transaction is about to be committed, */
    bool (*end)(void *context, struct store *s, uint64_t read_seq, struct error *e);
    void (*committed)(void *context, uint64_t read_seq); /* and was */
    bool (*is_waiting)(void *context); /* has something to write though no record came */
};

struct project_options {
    struct store_place store;        /* copied */
    const char *log_directory;       /* of the shard's log */
    struct plans *plans;             /* of the shard; borrowed */
    const struct log *log;           /* for what is durable; NULL: read to the end once (rebuild) */
    const struct project_fold *fold; /* borrowed; or NULL */
};

struct project_status {
    uint64_t projected_seq;
    uint64_t lag;                /* records that are durable and not yet in the store */
    uint64_t bands[STORE_BANDS]; /* of scores, of decisions that it added since the start */
    uint64_t skipped;            /* records that could not be read, since the start */
    bool is_failed;              /* the projector cannot write, and tries again every second */
    bool is_rebuilding;          /* the store is made anew */
    char failure[ERROR_TEXT_MAX];
};

/* Follows until closed, on a thread of its own. ERROR_INVALID where the store is ahead of the log.
 * A database that is away is no error: it is waited for, and the status says so. */
struct project;
bool project_open(const struct project_options *o, struct project **p, struct error *e) MUST_USE;
void project_close(struct project *p); /* takes NULL; what is durable then is projected first */
void project_status(struct project *p, struct project_status *status);
/* From any thread, for readers. Another generation: open the store anew. */
unsigned project_generation(struct project *p);
bool project_is_rebuilding(struct project *p);
void project_suspect(struct project *p); /* a reader found the file damaged */

/* Deletes the store and projects the whole log; the options' `log` is not used. */
struct rebuilt {
    uint64_t records, skipped;
    struct store_totals totals;
};

bool store_rebuild(const struct project_options *o, const struct progress *progress,
                   struct rebuilt *r, struct error *e) MUST_USE;

#endif

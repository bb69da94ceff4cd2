/* The control log: who changed what in this data directory, and who was refused, kept for ever.
 *
 * It stands in <data directory>/control/log, with the records and the chain of the decision log
 * (shell/log), so `assay log verify` holds it too. Each record is of kind RECORD_CONTROL and its
 * body is one JSON object (change.h); the time is the record's time of receipt. Keys, users, rules,
 * cases and whatever else people change are not files of their own: each is a fold of this log.
 *
 * A fold is a kind's beginning ("key." takes key.created, key.revoked) and two functions:
 *
 *   check  before a change is written: may refuse it. No other change comes between check and
 * apply. apply  after it is on the disk, and for each record of before while the log is opened: so
 * the state of a running server and of a restarted one are made by the same code.
 *
 * Both are called in the order of the log under the log's mutex, so they must not append; a fold
 * keeps a lock of its own where others read its state. Kinds without a fold are kept and passed
 * over: another module's, or a later version's.
 *
 * Threads: all but control_open and control_close on any. An append waits for the disk, so it is
 * for desk threads. A failed write stops the log until it is opened again; a full disk does not.
 */
#ifndef ASSAY_CONTROL_CONTROL_H
#define ASSAY_CONTROL_CONTROL_H

#include "shell/control/change.h"
#include "shell/log/log.h"

enum {
    CONTROL_FOLDS_MAX = 32,
    CONTROL_PATH_MAX = 512,
    CONTROL_SHARD = -1, /* the shard number in its segments: no shard's */
};

/* A change as it stands in the log. Slices and data live until the call that gives it returns. */
struct control_record {
    uint64_t seq;
    int64_t at_us;
    struct control_change change;
    const struct json *data;   /* an object; NULL: none */
    const struct json *secret; /* an object; NULL: none */
};

struct control_fold {
    const char *prefix; /* "key." */
    void *context;
    bool (*check)(void *context, const struct control_record *r, struct error *e); /* may be NULL;
                                                                                    * seq is 0 */
    void (*apply)(void *context, const struct control_record *r);
};

struct control_visitor {
    bool (*visit)(void *context, const struct control_record *r); /* false: enough */
    void *context;
};

struct control;

/* <data directory>/control/log */
bool control_path(const char *data_directory, char path[CONTROL_PATH_MAX],
                  struct error *e) MUST_USE;

/* Makes it where it is not there, and applies what it holds. One process at a time has it open. The
 * folds are copied, their contexts borrowed. */
bool control_open(const char *data_directory, const struct control_fold *folds, size_t fold_count,
                  struct control **c, struct error *e) MUST_USE;
void control_close(struct control *c); /* takes NULL */

/* Durable and applied when it returns true. ERROR_INVALID: over a limit, or no JSON object; or what
 * the fold's check said; then nothing is written. `seq` may be NULL. */
bool control_append(struct control *c, const struct control_change *change, uint64_t *seq,
                    struct error *e) MUST_USE;

/* The durable records from from_seq on, in order. */
bool control_visit(struct control *c, uint64_t from_seq, const struct control_visitor *v,
                   struct error *e) MUST_USE;
/* The same from the files alone, beside a server too. No log: no record. */
bool control_scan(const char *data_directory, uint64_t from_seq, const struct control_visitor *v,
                  struct error *e) MUST_USE;

/* The last durable record's seq (0: none) and chain value, for checkpoints. */
uint64_t control_head(struct control *c, uint8_t chain[DIGEST_BYTES]);

#endif

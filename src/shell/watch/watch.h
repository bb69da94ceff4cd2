/* Alerts and cases: decisions that people look at, what they find, and what follows.
 *
 * Both are rows in the store (store/rows.h) and a fold of two logs:
 *
 *   log of decisions   a decision that an alert's condition holds for (core/decide/alerts.h) joins
 *                      the open alert of its entity, or raises one;
 *   control log        what people do (claim, snooze, close, open a case, note ...) is a change
 *                      "alert.*", "case.*" or "view.*".
 *
 * What makes the order of the two one order: each change names the seq of the log of decisions
 * `as_of` which it holds. The projector, the store's only writer, applies the decisions up to that
 * seq, then the change, then what comes behind. A change takes as its as_of the record that the
 * projector is at (position), under a lock that the projector takes before each record (gate); so
 * no decision behind it was applied before it, as_of never goes back, and `rm store; assay rebuild`
 * gives equal rows. The transaction that the projector is in ends there, so a change is to be seen
 * as soon as that is committed.
 *
 *   gate:  projector:  position = seq of the next record, unless     change:  as_of = position,
 *                      a change with an as_of before it waits                 append (durable)
 *
 * A change is checked against the store when all earlier ones are in it (watch_change_begin), so
 * two people cannot claim the same alert. Joining decisions change no version.
 *
 * Alert ids are seq << ALERT_BITS | number of the alert in its plan; case ids are the seq of
 * case.opened in the control log: both stay what they are when the store is made anew.
 *
 * A disposition asks for labels (table verdict). labeller.c sends those that the log does not have
 * yet, through the shard as any label, with source "alert:ID" or "case:ID".
 *
 * Threads: what is not said otherwise on any. */
#ifndef ASSAY_WATCH_WATCH_H
#define ASSAY_WATCH_WATCH_H

#include "shell/control/control.h"
#include "shell/run/shard.h"
#include "shell/store/project.h"
#include "shell/store/rows.h"

enum {
    ALERTS_OPEN_MAX = 1000000, /* beyond: decisions raise no alert, and are counted */
    ALERT_MEMBERS_MAX = 1000,  /* decisions that an alert lists; further ones are counted in it */
    ALERT_RULES_BYTES = 4096,
    BULK_MAX = 500, /* alerts of one change */
    CASE_ALERTS_MAX = 200,
    CASE_DECISIONS_MAX = 1000,
    CASE_ENTITIES_MAX = 100,
    CASE_TITLE_MAX = 200,
    CASE_NOTES_BYTES = 256 << 10, /* of all notes of a case */
    CASE_WORDS_MAX = 8192,        /* that a search looks at */
    VIEW_NAME_MAX = 64,
    VIEW_QUERY_MAX = 2048,
    VIEWS_MAX = 50,  /* of a person */
    WATCH_FOLDS = 3, /* of the control log */
    WATCH_DATA_MAX = 128 << 10,
    ACTOR_MAX = CONTROL_ACTOR_KIND_MAX + CONTROL_ACTOR_ID_MAX + 2,
};

struct watch;

struct watch *watch_new(void);
void watch_free(struct watch *w); /* takes NULL */
/* For control_open. */
void watch_folds(struct watch *w, struct control_fold fold[WATCH_FOLDS]);
/* Where changes are read from: an open control log, or (NULL) the files of a data directory, which
 * are then read now: for a rebuild. */
bool watch_attach(struct watch *w, struct control *c, const char *data_directory,
                  struct error *e) MUST_USE;
/* For the projector; the watch's. */
const struct project_fold *watch_project(struct watch *w);

/* One change at a time. Begin waits until all before are in the store; ERROR_WORLD: it does not
 * come there. False: no end. */
bool watch_change_begin(struct watch *w, struct error *e) MUST_USE;
/* `members` are those of its data beside as_of: "\"alerts\":[64]". Durable and in the store when it
 * returns true; ERROR_FULL: durable, and not yet in the store. */
bool watch_change(struct watch *w, const struct control_change *change, struct text members,
                  uint64_t *seq, struct error *e) MUST_USE;
void watch_change_end(struct watch *w);

struct watch_status {
    uint64_t dropped;     /* decisions that raised no alert since the start: ALERTS_OPEN_MAX */
    uint64_t labels_sent; /* since the start */
    uint64_t labels_refused;
};

void watch_status(struct watch *w, struct watch_status *status);

/* "user:ann"; of an actor without an id its kind. */
void actor_format(const struct control_actor *a, char out[ACTOR_MAX]);

/* Labels of dispositions: a thread that sends what is due to the shard. */
struct labeller;
bool labeller_start(struct watch *w, struct shard *s, struct project *p,
                    const struct store_place *store, struct labeller **l, struct error *e) MUST_USE;
void labeller_stop(struct labeller *l); /* takes NULL */
void labeller_wake(struct labeller *l); /* something was disposed of; takes NULL */

#endif

/* The inside of shell/watch. */
#ifndef ASSAY_WATCH_WATCH_INSIDE_H
#define ASSAY_WATCH_WATCH_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/decide/alerts.h"
#include "shell/watch/figures.h"

enum { WORDINGS = 64 };

struct watch_change {
    uint64_t seq; /* in the control log */
    uint64_t as_of;
};

struct watch {
    struct control *control; /* NULL: the files are read */
    char data_directory[CONTROL_PATH_MAX];
    struct project_fold project;
    pthread_mutex_t changing; /* one change at a time */
    pthread_mutex_t gate;     /* of position; before the control log's */
    uint64_t position;        /* the last record that the projector has taken up */
    pthread_mutex_t lock;     /* of what follows, up to the projector's; after all others */
    pthread_cond_t moved;
    struct watch_change *change; /* all of the control log, in its order */
    size_t count, room;
    bool is_resumed;               /* the projector has been at the store */
    size_t next;                   /* the first that is not in the store */
    uint64_t read_seq;             /* the projector's */
    struct watch_figures *figures; /* the last that were read */
    _Atomic uint64_t dropped, labels_sent, labels_refused;

    /* the projector's */
    size_t applied; /* in the transaction */
    uint32_t plan_number;
    struct plan *plan; /* of the bench; a reference; NULL: none */
    struct alert_bench *bench;
    struct frame values;
    bool has_values; /* the frame is there */
    uint64_t open;   /* alerts, as the transaction sees them */
    struct buffer rules, words;
    uint64_t wording[WORDINGS]; /* hashes of those that the store has */
    uint32_t wordings;
};

bool alert_fold(struct watch *w, struct store *s, const struct project_seen *d,
                struct error *e) MUST_USE;
void alert_fold_fini(struct watch *w);
/* One record of a change. */
bool change_fold(struct watch *w, struct store *s, const struct control_record *r,
                 struct error *e) MUST_USE;
/* Small letters of ASCII. */
void words_add(struct buffer *out, struct text t);

#endif

/* Submissions for those who may block: many on their way at once, answered in order. */
#ifndef ASSAY_SERVE_DESK_H
#define ASSAY_SERVE_DESK_H

#include "shell/serve/inside.h"

enum {
    DESK_WINDOW = 1024,         /* submissions of one request on their way */
    DESK_PATIENCE_US = 5000000, /* how long a full queue is tried again */
};

/* Tells waiting desks that a submission is done. */
struct bell {
    pthread_mutex_t lock;
    pthread_cond_t rung;
};

struct errand {
    struct submission submission; /* .done and .context are the errand's */
    bool is_done;                 /* under the bell's lock */
    struct bell *bell;
};

void bell_init(struct bell *b);
void bell_fini(struct bell *b);

/* Hands it to the shard; while the shard's queue is full waits, up to DESK_PATIENCE_US. False:
 * refused. */
bool errand_send(struct server *s, struct errand *e, struct bell *b) MUST_USE;
void errand_wait(struct errand *e);

/* The status that a refused or failed submission becomes, and its words. */
unsigned submission_http_status(const struct submission *sub);

#endif

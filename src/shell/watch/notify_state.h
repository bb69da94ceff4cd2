/* What is kept of a target of notifications: <data directory>/notify/NAME.*
 *
 *   NAME.cursor   how far it was told: all up to this place is sent, or a dead letter
 *   NAME.dead     dead letters, one JSON object a line
 *   NAME.told     of rows: hashes of the ids that were sent
 *   NAME.lock     held while NAME.dead is changed, by whichever process
 *   NAME.retry    held while dead letters are sent again (ERROR_CONFLICT: by another process)
 *
 * Functions may be called from several threads. */
#ifndef ASSAY_WATCH_NOTIFY_STATE_H
#define ASSAY_WATCH_NOTIFY_STATE_H

#include "shell/watch/notify_event.h"

enum {
    NOTIFY_DEAD_BYTES_MAX = 256 << 20, /* of a file of dead letters; beyond it the target waits */
    NOTIFY_TOLD_MAX = 1 << 20,         /* ids of rows; beyond it the oldest half is forgotten */
    NOTIFY_PATH_MAX = 600,
};

struct notify_state {
    char base[NOTIFY_PATH_MAX - 16]; /* <data directory>/notify/NAME */
};

bool notify_state_init(struct notify_state *s, const char *data_directory, const char *name,
                       struct error *e) MUST_USE;

/* *is_there false: it was never told anything of the kind. */
bool notify_cursor_read(const struct notify_state *s, enum notify_on on, uint64_t *position,
                        bool *is_there, struct error *e) MUST_USE;
bool notify_cursor_write(const struct notify_state *s, enum notify_on on, uint64_t position,
                         struct error *e) MUST_USE;

struct notify_dead {
    struct text id, type, subject, reason, data;
    int64_t time_us, died_us;
    uint32_t tries;
};

/* Durable when it returns true. */
bool notify_dead_add(const struct notify_state *s, const struct notify_event *ev, uint32_t tries,
                     const char *reason, int64_t now_us, struct error *e) MUST_USE;
/* Each dead letter; `visit` returns whether it stays. Those that do not are gone when it returns
 * true; letters that come meanwhile stay. *left: how many there are then. */
struct notify_dead_visitor {
    bool (*visit)(void *context, const struct notify_dead *d);
    void *context;
    bool changes; /* false: all stay, and nothing is written */
};

bool notify_dead_visit(const struct notify_state *s, const struct notify_dead_visitor *v,
                       uint64_t *left, struct error *e) MUST_USE;

/* Ids of rows that were sent. */
struct notify_told;
bool notify_told_open(const struct notify_state *s, struct notify_told **t,
                      struct error *e) MUST_USE;
bool notify_told_has(const struct notify_told *t, struct text id);
void notify_told_add(struct notify_told *t, struct text id);
/* Writes those that came and frees. */
bool notify_told_close(struct notify_told *t, struct error *e) MUST_USE;

#endif

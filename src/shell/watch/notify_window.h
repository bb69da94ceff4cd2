/* What is on its way to one target: at most NOTIFY_WINDOW notifications, over its lanes.
 *
 *   put -> | waiting | waiting | sent | waiting | ...     oldest first
 *             lane 2     lane 0          lane 2
 *
 * Each lane is a thread with a connection of its own. Those of one key are in one lane and go in
 * their order: the next one is begun when the one before is sent or dead. What is done leaves at
 * the front, so the oldest that is left says how far the target was told (notify_window_first). A
 * notification that cannot be sent becomes a dead letter (notify_state.h) before it counts as done;
 * where even that cannot be written, it is tried again.
 *
 * One thread puts; the rest on any. */
#ifndef ASSAY_WATCH_NOTIFY_WINDOW_H
#define ASSAY_WATCH_NOTIFY_WINDOW_H

#include "shell/watch/notify_sender.h"
#include "shell/watch/notify_state.h"

enum { NOTIFY_WINDOW = 256 };

struct window_counts {
    uint64_t sent, failures, dead; /* failures: of single tries */
    uint32_t waiting;
    bool is_away;                 /* the last try of some lane failed */
    char words[NOTIFY_WORDS_MAX]; /* with what */
};

struct notify_window;

bool notify_window_open(const struct settings *s, const struct notify_setting *n,
                 const struct notify_state *state, struct notify_window **w,
                 struct error *e) MUST_USE;
/* Tries that are under way are ended first; what waits is not sent, and is still the first. */
void notify_window_stop(struct notify_window *w);
/* Takes NULL. */
void notify_window_close(struct notify_window *w);
/* Copied. Waits while there is no room, at most `wait_us`: false. */
bool notify_window_put(struct notify_window *w, const struct notify_event *ev, uint64_t position,
                int64_t wait_us) MUST_USE;
/* The position of the oldest that is not done; false: all are. */
bool notify_window_first(struct notify_window *w, uint64_t *position);
void notify_window_counts(struct notify_window *w, struct window_counts *c);

#endif

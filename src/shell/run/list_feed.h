/* The changes of all lists of a plan that the settings' files tell, in the order of their times:
 * for passes over files and for a service's history. A change made at T comes before the first
 * event of time T or later; one without a time before all events. */
#ifndef ASSAY_RUN_LIST_FEED_H
#define ASSAY_RUN_LIST_FEED_H

#include "shell/run/list_file.h"

struct list_feed;

/* The lists of the settings are the plan's. */
bool list_feed_open(const struct settings *s, struct list_feed **f, struct error *e) MUST_USE;
void list_feed_close(struct list_feed *f); /* takes NULL */
void list_feed_rewind(struct list_feed *f);
const struct list_file *list_feed_file(const struct list_feed *f, uint32_t list);

/* Of the rows [first, first + rows), how many come before the next change. `time` ascends; NULL
 * where events have no time: they are of time 0. */
uint32_t list_feed_rows(const struct list_feed *f, const struct column *time, uint32_t first,
                        uint32_t rows);

/* Hands on the changes up to this time: those of one list and one time together, at most
 * LIST_CHANGES_MAX. False from `take` ends it. */
bool list_feed_advance(struct list_feed *f, int64_t time_us,
                       bool (*take)(void *context, uint32_t list, const struct list_item *item,
                                    uint32_t count, int64_t at_us, struct error *e),
                       void *context, struct error *e) MUST_USE;

/* The usual `take`: into an engine, as record *seq, which is counted on. */
struct list_taker {
    struct engine *engine;
    const struct plan *plan;
    uint64_t *seq;
};

bool list_feed_into_engine(struct list_feed *f, int64_t time_us, struct list_taker *t,
                           struct error *e) MUST_USE;

#endif

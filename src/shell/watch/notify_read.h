/* What there is to tell: decisions of the log, or alerts of the store, from a place on, one after
 * another. One thread. */
#ifndef ASSAY_WATCH_NOTIFY_READ_H
#define ASSAY_WATCH_NOTIFY_READ_H

#include "shell/run/plans.h"
#include "shell/store/project.h"
#include "shell/watch/notify_event.h"

struct notify_reader_options {
    const struct settings *settings;
    const struct notify_setting *setting;
    uint32_t number;           /* of the setting among those over decisions */
    const char *log_directory;
    const struct log *log;
    struct plans *plans;
    struct project *project;   /* of the store */
    const struct store_place *store;
};

struct notify_reader;

bool notify_reader_open(const struct notify_reader_options *o, struct notify_reader **r,
                        struct error *e) MUST_USE;
void notify_reader_close(struct notify_reader *r); /* takes NULL */
/* Where a target begins that was never told anything: behind what there is now. */
bool notify_reader_end(struct notify_reader *r, uint64_t *position, struct error *e) MUST_USE;
/* The next thing after `position` is told begins there. ERROR_INVALID: there is no such place. */
bool notify_reader_seek(struct notify_reader *r, uint64_t position, struct error *e) MUST_USE;
/* Some more. *position: how far it has read; *found: the event is there, of that position; its
 * texts live until the next call. *is_end: there is no more now. */
bool notify_reader_next(struct notify_reader *r, uint64_t *position, bool *found, bool *is_end,
                        struct notify_event *ev, struct error *e) MUST_USE;
/* Of decisions: records behind `position`. */
uint64_t notify_reader_lag(const struct notify_reader *r, uint64_t position);
uint64_t notify_reader_skipped(const struct notify_reader *r); /* records that could not be read */

#endif

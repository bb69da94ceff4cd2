/* Keeps the tables of a service's own decisions up with its log: those rollups that are of
 * `decisions`, directly or through others. Rollups of files and tables are `assay rollup`'s.
 *
 * A thread of its own reads what is durable and new, and writes the periods that it is in. After a
 * run it rests as long as that took twenty times over, at least FOLLOW_REST_US, so it takes a
 * twentieth of a processor at most. A database that is away is tried again. The settings are those
 * of the start: a reload does not change rollups. */
#ifndef ASSAY_WATCH_ROLLUP_FOLLOW_H
#define ASSAY_WATCH_ROLLUP_FOLLOW_H

#include "shell/log/log.h"
#include "shell/settings/settings.h"

enum { FOLLOW_REST_US = 1000000 };

struct rollup_follower;

/* *f is NULL where no rollup is of decisions. Settings and log outlive it. ERROR_INVALID: a rollup
 * that the events' fields do not fit. */
bool rollup_follower_start(const struct settings *s, const struct log *log,
                           struct rollup_follower **f, struct error *e) MUST_USE;
void rollup_follower_stop(struct rollup_follower *f); /* takes NULL; what is durable is written */
/* What went wrong last, and has not gone well since; "" where all is well. */
void rollup_follower_failure(struct rollup_follower *f, char out[ERROR_TEXT_MAX]);

#endif

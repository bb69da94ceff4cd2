/* The history of a shard: on its first start it observes the events of the settings' source, so
 * that the first live event finds the velocities as they stood at the end of the training data. The
 * changes of lists that the settings' files tell come between them; what the files say beyond that,
 * or anew, is taken in at each start. */
#ifndef ASSAY_RUN_HISTORY_H
#define ASSAY_RUN_HISTORY_H

#include "core/base/progress.h"
#include "shell/run/shard.h"
#include "shell/settings/settings.h"

struct history_result {
    bool was_there;   /* imported on an earlier start */
    bool is_none;     /* the settings name no source: the state starts empty */
    uint64_t events;  /* observed now */
    int64_t until_us; /* the state is filled until this event time */
};

/* Before shard_start. `path`: NULL for the settings' source. An interrupted import goes on where it
 * stopped. Whatever the first start found, its HISTORY record settles it: nothing is imported
 * behind live events later. */
bool history_import(struct shard *s, const struct settings *settings, const char *path,
                    const struct progress *progress, struct history_result *r,
                    struct error *e) MUST_USE;
/* The same, but nothing is imported: the state starts empty. */
bool history_skip(struct shard *s, const struct settings *settings, struct history_result *r,
                  struct error *e) MUST_USE;

#endif

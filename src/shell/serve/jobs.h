/* Long work started over HTTP: one job at a time on a thread of its own, the newest JOBS_KEPT
 * remembered. Any thread may start and look. */
#ifndef ASSAY_SERVE_JOBS_H
#define ASSAY_SERVE_JOBS_H

#include "core/base/buffer.h"
#include "shell/serve/server.h"

enum {
    JOBS_KEPT = 16,
    JOB_ID_BYTES = 37,
    JOB_RESULT_MAX = 1 << 20,
};

struct jobs;
struct jobs *jobs_new(const struct server_train *train);
void jobs_cancel(struct jobs *j); /* asks a running job to end; no new ones */
void jobs_free(struct jobs *j);   /* waits for it */

/* ERROR_CONFLICT: one is running (its id is in `id`); ERROR_WORLD: there is no trainer. */
bool jobs_start(struct jobs *j, char id[JOB_ID_BYTES], struct error *e) MUST_USE;
/* The job as a JSON object; false: there is none of this id. */
bool jobs_format(struct jobs *j, struct text id, struct buffer *out) MUST_USE;

#endif

/* Long work started over HTTP: one job of each kind at a time, on a thread of its own; the newest
 * JOBS_KEPT are remembered. Any thread may start and look. */
#ifndef ASSAY_SERVE_JOBS_H
#define ASSAY_SERVE_JOBS_H

#include "core/base/buffer.h"
#include "shell/serve/server.h"

enum {
    JOBS_KEPT = 16,
    JOB_ID_BYTES = 37,
    JOB_RESULT_MAX = 4 << 20,
    JOB_BODY_MAX = 256 << 10,
};

enum job_kind { JOB_TRAIN, JOB_RELOAD, JOB_BACKTEST, JOB_VERIFY, JOB_KINDS };

enum job_end { JOB_ENDED_DONE, JOB_ENDED_FAILED, JOB_ENDED_CANCELLED, JOB_ENDS };

const char *job_kind_name(enum job_kind k);
const char *job_end_name(enum job_end e);

struct jobs;
/* How many have ended since the start, by kind and how. */
void jobs_count(struct jobs *j, uint64_t ended[JOB_KINDS][JOB_ENDS]);
struct jobs *jobs_new(const struct server_work work[JOB_KINDS]);
void jobs_cancel(struct jobs *j); /* asks running jobs to end; no new ones */
void jobs_free(struct jobs *j);   /* waits for them */

/* The request is copied; NULL: nothing special. ERROR_CONFLICT: one is running (its id is in `id`);
 * ERROR_WORLD: nobody does such work here. */
bool jobs_start(struct jobs *j, enum job_kind kind, const struct server_request *request,
                char id[JOB_ID_BYTES], struct error *e) MUST_USE;
/* Waits for its end, not longer. True: it has ended; ERROR_NONE in `e` or why it failed. */
bool jobs_wait(struct jobs *j, const char *id, int64_t most_us, struct error *e);
/* The job as a JSON object; false: there is none of this id. */
bool jobs_format(struct jobs *j, struct text id, struct buffer *out) MUST_USE;

#endif

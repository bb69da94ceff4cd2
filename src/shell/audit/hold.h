/* A log held against the signed checkpoints that are known of it, and against its cuts: what
 * log_verify alone cannot tell.
 *
 * It finds: records changed, removed or moved up to the newest checkpoint, a log cut off before it,
 * or rewritten whole; a beginning that no cut of retention explains. What is behind the newest
 * checkpoint can only be held in itself. */
#ifndef ASSAY_AUDIT_HOLD_H
#define ASSAY_AUDIT_HOLD_H

#include "core/base/progress.h"
#include "shell/audit/checkpoint.h"
#include "shell/log/log.h"

struct hold_options {
    const char *data_directory;
    const char *log_directory; /* of the log that is held */
    enum checkpoint_log log;
    const char *checkpoints; /* a file kept elsewhere; NULL: those of the control log alone */
    const char *public_key;  /* a file kept elsewhere; NULL: */
    const char *own_key;     /* the private one's path, whose .pub is taken */
    const struct progress *progress;
};

struct held {
    struct log_verdict verdict;
    bool is_good;              /* whole, and as all checkpoints say */
    uint64_t checkpoints;      /* that are signed and of this log: */
    uint64_t from_file;        /* of the file */
    uint64_t held, before_cut; /* held; of records that retention has cut */
    uint64_t newest_seq;       /* of the newest that is held, 0: none */
    int64_t newest_us;
    bool is_cut, cut_is_known;    /* the log begins after record 1; as a record of retention says */
    char finding[ERROR_TEXT_MAX]; /* "": none */
};

/* False: it could not be read. */
bool log_hold(const struct hold_options *o, struct held *h, struct error *e) MUST_USE;
/* As a JSON object, without line end. */
void held_format(const struct held *h, enum checkpoint_log log, struct buffer *out);
/* Both logs of a data directory, by its own checkpoints and key, as JSON: {"whole", "logs": [...]}.
 */
bool logs_verify(const char *data_directory, const char *log_directory, const char *own_key,
                 const struct progress *p, struct buffer *out, struct error *e) MUST_USE;

#endif

/* Records of the log as JSON, one a line. */
#ifndef ASSAY_CMD_LOG_H
#define ASSAY_CMD_LOG_H

#include <stdio.h>

#include "shell/log/log.h"

struct log_place {
    const char *shard, *log; /* directories */
};

struct record_filter {
    bool (*wants)(void *context, const struct record *r, bool *wanted, struct error *e);
    void *context;
};

/* Up to `count` records from `from` on, of them those that the filter (NULL: all) wants. */
bool log_write_records(const struct log_place *p, uint64_t from, uint64_t count,
                       const struct record_filter *filter, FILE *file, struct error *e) MUST_USE;

#endif

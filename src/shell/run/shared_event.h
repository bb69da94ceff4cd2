/* One event as arguments of the script, and its answer as values. */
#ifndef ASSAY_RUN_SHARED_EVENT_H
#define ASSAY_RUN_SHARED_EVENT_H

#include "core/base/hash.h"
#include "shell/run/shared_layout.h"

/* How it is counted, as ARGV[1]. */
#define SHARED_PEEK    "p"
#define SHARED_APPLY   "a"
#define SHARED_BELATED "b"

struct shared_limits {
    const char *prefix;
    struct hash_key key;
    int64_t lateness_us, retry_us, idle_us;
    uint32_t events;
};

/* Arguments packed one after the other, each as u32 length and bytes. */
struct shared_request {
    struct buffer bytes;
    uint32_t arguments, keys, groups;
};

/* What row `row` of the registers (after program_run of level 0) is, at `time_us`. Groups whose key
 * is null are left out; where all are, groups is 0 and there is nothing to ask. */
void shared_request_make(const struct shared_layout *l, const struct shared_limits *limits,
                         const struct registers *r, uint32_t row, const char *how, struct text id,
                         int64_t time_us, struct shared_request *q);

/* One group's answer: strings, or NULL where nothing was asked since its key is null. Writes the
 * fields of row `at`; returns enum shared_lack. `answers` is 0 for the latter. */
unsigned shared_answer_take(const struct shared_group *g, const struct registers *r, uint32_t row,
                            const struct text *answer, uint32_t answers, bool has_key,
                            struct frame *f, uint32_t at);
/* All fields of the group are null. */
void shared_answer_none(const struct shared_group *g, struct frame *f, uint32_t at);
bool shared_has_key(const struct shared_group *g, const struct registers *r, uint32_t row);

#endif

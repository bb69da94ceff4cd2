/* Records of an HTTP endpoint into a sender: once, or again and again.
 *
 * A failure (no answer, 408, 429, 5xx, a body that is no JSON) is tried again after a pause that
 * doubles up to POLL_PAUSE_MAX_MS. Any other status ends it: the address or the rights are wrong.
 */
#ifndef ASSAY_PRODUCE_POLL_H
#define ASSAY_PRODUCE_POLL_H

#include "shell/produce/sender.h"

enum {
    POLL_URL_MAX = 2000,
    POLL_PAUSE_MS = 500,
    POLL_PAUSE_MAX_MS = 30000,
    POLL_TRIES = 5, /* of one fetch, where it is not said */
};

struct poll_options {
    const char *url;
    const char *bearer;  /* token; NULL: none */
    const char *pointer; /* where the records are; NULL: the whole body */
    int64_t every_us;    /* 0: once */
    uint64_t polls;      /* after so many it ends; 0: never */
    uint32_t tries;      /* of one poll; 0: any number */
    bool (*is_stopped)(void);
    /* Told of what happens: a failure that is tried again (its words), the end of a poll (NULL). */
    void (*on_event)(void *context, const char *failure);
    void *context;
};

struct poll_counts {
    uint64_t polls;    /* answers of which the records were taken */
    uint64_t failures; /* requests without a usable answer */
    uint64_t records;
    uint64_t rejected;              /* items that are no objects */
    char rejection[ERROR_TEXT_MAX]; /* why the first */
};

/* Until the polls are done, or it is stopped (true). *c is set in every case. */
bool poll_run(const struct poll_options *o, struct sender *s, struct poll_counts *c,
              struct error *e) MUST_USE;

#endif

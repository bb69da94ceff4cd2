/* Erasing a person: the key of the subject's personal fields is destroyed, and with it what of them
 * stands in the log, in every segment of it and every copy of those that is taken later. */
#ifndef ASSAY_RUN_ERASE_H
#define ASSAY_RUN_ERASE_H

#include "shell/run/plans.h"

enum { ERASE_TOKEN_HEX = 33, ERASE_SUBJECT_MAX = SUBJECT_KIND_MAX + 48 };

struct erasure {
    bool found;                      /* there was a key */
    char subject[ERASE_SUBJECT_MAX]; /* for the audit: kind and keyed token, never the id */
};

/* `kind` is the entity that the settings name as personal.subject. Durable when it returns. The
 * plans' keys are open for writing. ERROR_INVALID: another kind, or no personal fields. */
bool subject_erase(struct plans *plans, const char *subject, struct text kind, struct text id,
                   struct erasure *result, struct error *e) MUST_USE;
/* {"found":true} : what the control log keeps of it as data. */
const char *erasure_data(const struct erasure *r);
/* The answer: what was done, and what it does not reach. */
void erasure_json(const struct erasure *r, struct buffer *out);
const char *erasure_limits(void); /* in words */

#endif

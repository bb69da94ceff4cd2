/* The states and dispositions of alerts and cases, as words and as the store's numbers. */
#ifndef ASSAY_WATCH_WORDS_H
#define ASSAY_WATCH_WORDS_H

#include <stdint.h>

#include "core/base/buffer.h"

enum alert_state {
    ALERT_OPEN,    /* nobody has it */
    ALERT_CLAIMED, /* somebody has */
    ALERT_CLOSED,
    ALERT_SNOOZED, /* not in the store: open or claimed, and to be left alone until a time */
};

enum case_state { CASE_OPEN, CASE_CLOSED };

enum disposition {
    DISPOSITION_NONE,
    DISPOSITION_FRAUD,
    DISPOSITION_FALSE_POSITIVE,
    DISPOSITION_INCONCLUSIVE,
    DISPOSITIONS,
};

const char *alert_state_word(enum alert_state s);
bool alert_state_find(struct text word, enum alert_state *s) MUST_USE;
const char *case_state_word(enum case_state s);
bool case_state_find(struct text word, enum case_state *s) MUST_USE;
/* "confirmed_fraud", "false_positive", "inconclusive"; "none" is no disposition to be found. */
const char *disposition_word(enum disposition d);
bool disposition_find(struct text word, enum disposition *d) MUST_USE;
/* The label that it stands for; LABEL_UNKNOWN: none. */
uint8_t disposition_label(enum disposition d);

#endif

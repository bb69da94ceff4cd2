/* A label as JSON says it, over HTTP and in a topic:
 *   {"id": event id, "label": true | false | 1 | 0 | "fraud" | "legit", "source": "chargeback",
 *    "time": when it became known, "reversal": true}
 * A reversal takes the label back and needs no `label`. */
#ifndef ASSAY_RUN_LABEL_SAID_H
#define ASSAY_RUN_LABEL_SAID_H

#include "core/data/json.h"

enum { LABEL_SAID_ID_MAX = 256, LABEL_SAID_SOURCE_MAX = 64, LABEL_SAID_DIGITS = 24 };

struct label_said {
    struct text id;     /* in the document, or in `digits` where it is a number */
    struct text source; /* empty: it names none */
    uint8_t label;      /* 1 fraud, 0 legitimate, LABEL_UNKNOWN: taken back */
    bool has_time;
    int64_t time_us;
    uint64_t seq; /* of the event's decision; 0: it says none */
    char digits[LABEL_SAID_DIGITS];
};

/* What is wrong goes to the problems; where unknown members are refused, `seq` is one. */
void label_said_read(const struct json *item, enum json_unknown unknown, struct label_said *l,
                     struct problems *p);

#endif

/* What a service says about itself while it runs, on standard error: for people as lines of words,
 * for machines as one JSON object a line (time, level, event, words, and members of the event).
 * What is written is bounded in lines a second; how many were left out stands in the next one as
 * `left_out`. Any thread. */
#ifndef ASSAY_SERVE_JOURNAL_H
#define ASSAY_SERVE_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buffer.h"

enum journal_level { JOURNAL_INFO, JOURNAL_WARN, JOURNAL_ERROR };

enum {
    JOURNAL_LINES_A_SECOND = 50,
    JOURNAL_LINES_AT_ONCE = 200, /* after a quiet time */
    JOURNAL_LINE_MAX = 8 << 10,
};

struct journal;
struct journal *journal_new(int fd, bool is_json);
void journal_free(struct journal *j); /* takes NULL; the descriptor stays open */

/* `event` is a word of ours; `members` is JSON with a comma before each member (",\"seq\":7"), or
 * "". People are told warnings and errors, by their words; machines everything. A NULL journal
 * says nothing. */
void journal_write(struct journal *j, enum journal_level level, const char *event,
                   const char *words, const char *members);

#endif

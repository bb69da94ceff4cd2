/* The daily table as management reads it: which day was how risky and why, as a table, a chart and
 * a sentence, in the terminal and as a page. */
#ifndef ASSAY_SHELL_REPORT_DAILY_H
#define ASSAY_SHELL_REPORT_DAILY_H

#include "shell/report/terminal.h"

enum { DAILY_BARS_MAX = 31 }; /* days in the terminal's chart: the newest */

/* One day. NaN, NULL: not known. Texts are borrowed. */
struct daily_row {
    char date[16]; /* 2026-12-25 */
    double count, average, risky, score, ctr;
    const char *level, *reason, *action;
};

struct daily {
    const char *title;
    const struct daily_row *row;
    uint32_t rows;
    const char *lowest; /* the level that asks for nothing, or NULL */
};

/* "On 25 December 2026 risk was high (0.82), because of HIGH_TX_VS_BALANCE: Freeze ..." */
void daily_sentence(const struct daily *d, const struct daily_row *row, struct buffer *out);
/* What the reader must know of the figures: a ctr above 1 is no rate. Nothing where all is well. */
void daily_remarks(const struct daily *d, struct buffer *out);
void daily_terminal(const struct terminal *t, const struct daily *d, struct buffer *out);
void daily_html(const struct daily *d, const char *version, struct buffer *out);
void daily_csv(const struct daily *d, struct buffer *out);
void daily_json(const struct daily *d, struct buffer *out);

#endif

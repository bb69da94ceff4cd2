/* The verdict on a model in plain words with numbers; the same on paper and on the terminal. */
#ifndef ASSAY_SHELL_REPORT_VERDICT_H
#define ASSAY_SHELL_REPORT_VERDICT_H

#include "shell/report/report.h"

enum verdict {
    VERDICT_UNKNOWN,   /* one class only, or chance was not tested */
    VERDICT_CHANCE,    /* no better than chance */
    VERDICT_UNCERTAIN, /* better than chance, but few frauds */
    VERDICT_BETTER,    /* clearly better than chance */
};

enum { VERDICT_FEW_FRAUDS = 30 };

enum verdict verdict_of(const struct metrics *m);
const char *verdict_headline(enum verdict v);

/* Sentences, plain ASCII text, not escaped. */
void verdict_findings(const struct report_data *data, struct buffer *out);
/* What the first choice of threshold costs; nothing without one or for a model by chance. */
void verdict_cost(const struct report_data *data, struct buffer *out);

/* What a reader must not take from any such report. */
extern const char verdict_caveat[];

#endif

/* Figures and small charts for the console, written into a buffer. With `unicode` they use block
 * and braille characters, otherwise plain ASCII; colours only where asked for. Text from the data
 * loses its control characters, so no name can move the cursor. */
#ifndef ASSAY_SHELL_REPORT_TERMINAL_H
#define ASSAY_SHELL_REPORT_TERMINAL_H

#include "shell/report/report.h"

struct terminal {
    bool unicode;
    bool colour;
    unsigned width; /* columns */
};

/* Of a descriptor: ASCII, no colour and 80 columns unless it is a terminal; no colour with NO_COLOR
 * set (no-color.org) or TERM=dumb; unicode by the locale's variables. */
struct terminal terminal_of(int descriptor);

/* Text without controls, cut or padded to so many columns. */
void terminal_name(const struct terminal *t, const char *name, unsigned columns, bool pads,
                   struct buffer *out);
void terminal_heading(const struct terminal *t, const char *words, struct buffer *out);
/* Words broken at spaces to the width, each line indented. */
void terminal_wrapped(const struct terminal *t, const char *words, unsigned indent,
                      struct buffer *out);
/* A histogram in one line, a column a value. */
void terminal_columns(const struct terminal *t, const uint64_t *value, unsigned count,
                      struct buffer *out);

/* Horizontal bars from 0, one line each: name, bar, value. Values below 0 have no bar. */
void terminal_bars(const struct terminal *t, const char *const *name, const double *value,
                   unsigned count, struct buffer *out);
/* A curve on the unit square, with a baseline at height `chance` (NaN: none). */
void terminal_curve(const struct terminal *t, const struct curve *curve, double chance,
                    const char *x_label, const char *y_label, struct buffer *out);
void terminal_models(const struct terminal *t, const struct report_data *data, struct buffer *out);
void terminal_thresholds(const struct terminal *t, const struct report_model *model,
                         struct buffer *out);
/* Columns as wide as their cells need. */
void terminal_table(const struct terminal *t, const struct report_table *table, struct buffer *out);
/* All of it: verdict, warnings, models, precision-recall sketch, thresholds, importances. */
void terminal_report(const struct terminal *t, const struct report_data *data, struct buffer *out);

#endif

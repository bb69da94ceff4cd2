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

/* Horizontal bars from 0, one line each: name, bar, value. Values below 0 have no bar. */
void terminal_bars(const struct terminal *t, const char *const *name, const double *value,
                   unsigned count, struct buffer *out);
/* A curve on the unit square, with a baseline at height `chance` (NaN: none). */
void terminal_curve(const struct terminal *t, const struct curve *curve, double chance,
                    const char *x_label, const char *y_label, struct buffer *out);
void terminal_models(const struct terminal *t, const struct report_data *data, struct buffer *out);
void terminal_thresholds(const struct terminal *t, const struct report_model *model,
                         struct buffer *out);
/* All of it: verdict, warnings, models, precision-recall sketch, thresholds, importances. */
void terminal_report(const struct terminal *t, const struct report_data *data, struct buffer *out);

#endif

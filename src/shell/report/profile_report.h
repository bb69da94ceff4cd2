/* A profile of data as a page, as words for the console, and as JSON. */
#ifndef ASSAY_SHELL_REPORT_PROFILE_REPORT_H
#define ASSAY_SHELL_REPORT_PROFILE_REPORT_H

#include "shell/report/terminal.h"
#include "shell/source/profile.h"

/* Rows and frauds of one day, or of several where there are many days. */
struct profile_period {
    int64_t from_us, until_us; /* until is not in it */
    uint64_t rows, labelled, positive;
};

/* By day up to 62 days, by week (from Monday on) up to 3 years, else by 4 weeks. Days without rows
 * are in the periods too. The caller frees. */
struct profile_period *profile_periods(const struct profile *p, uint32_t *count, const char **each);

/* `title` is the data's name. */
void profile_html(const struct profile *p, const char *title, const char *version,
                  struct buffer *out);
void profile_terminal(const struct terminal *t, const struct profile *p, const char *title,
                      struct buffer *out);
void profile_json(const struct profile *p, const char *title, struct buffer *out);

#endif

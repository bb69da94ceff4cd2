/* The sections of the report, each written from the same data. Inside report/ only. */
#ifndef ASSAY_SHELL_REPORT_SECTIONS_H
#define ASSAY_SHELL_REPORT_SECTIONS_H

#include "shell/report/report.h"

void section_verdict(const struct report_data *data, struct buffer *out);
void section_checks(const struct report_data *data, struct buffer *out);
void section_data(const struct report_data *data, struct buffer *out);
void section_models(const struct report_data *data, struct buffer *out); /* if more than one */
void section_tables(const struct report_data *data, struct buffer *out);
void section_curves(const struct report_data *data, struct buffer *out);
void section_thresholds(const struct report_data *data, struct buffer *out);
void section_scores(const struct report_data *data, struct buffer *out);
void section_calibration(const struct report_data *data, struct buffer *out);
void section_features(const struct report_data *data, struct buffer *out);
void section_words(const struct report_data *data, struct buffer *out);

/* What several sections need. */
static inline const struct report_model *report_best(const struct report_data *data)
{
    return &data->model[data->best];
}

/* More lines than there are colours would not be told apart. */
static inline uint32_t report_drawn(const struct report_data *data)
{
    return data->models < REPORT_DRAWN_MAX ? data->models : REPORT_DRAWN_MAX;
}

/* Lines of the models by name, as the charts draw them. */
void report_legend(const struct report_data *data, struct buffer *out);
/* <td> with value and interval. */
void report_cell(struct buffer *out, const struct estimate *f, bool is_share,
                 const char *class_name);

#endif

/* The page, from the top: what a hurried reader needs first, then the evidence. */
#include "shell/report/report.h"

#include <math.h>

#include "core/base/panic.h"
#include "shell/report/html.h"
#include "shell/report/sections.h"
#include "shell/report/verdict.h"
#include "shell/report/words.h"

static void write_header(const struct report_data *data, struct buffer *out)
{
    const struct report_model *best = report_best(data);

    buffer_add_text(out, "<header>\n<p class=\"eyebrow\">Model report</p>\n<h1>");
    html_text(out, data->title);
    buffer_add_text(out, "</h1>\n<p>");
    html_text(out, best->name);
    if (best->options != NULL) {
        buffer_add_text(out, ": ");
        html_text(out, best->options);
    }
    buffer_add_text(out, "</p>\n</header>\n<main>\n");
}

static void write_footer(const struct report_data *data, struct buffer *out)
{
    buffer_add_text(out, "</main>\n<footer>\n<p>");
    if (data->model_file != NULL) {
        buffer_add_text(out, "Model file: <code>");
        html_text(out, data->model_file);
        buffer_add_text(out, "</code>. ");
    }
    buffer_add_text(out, "Written by Assay ");
    html_text(out, data->version);
    if (data->made_us != 0) {
        buffer_add_text(out, " on ");
        words_date(out, data->made_us);
    }
    buffer_add_text(out, ".</p>\n</footer>\n");
}

void report_write_html(const struct report_data *data, struct buffer *out)
{
    ASSERT(data->models > 0 && data->best < report_drawn(data));
    html_open(out, data->title);
    write_header(data, out);
    section_verdict(data, out);
    section_checks(data, out);
    if (!data->has_no_label)
        section_models(data, out);
    section_tables(data, out);
    if (!data->has_no_label) {
        section_curves(data, out);
        section_thresholds(data, out);
        section_scores(data, out);
        section_calibration(data, out);
    }
    section_features(data, out);
    section_data(data, out);
    section_words(data, out);
    write_footer(data, out);
    html_close(out);
}

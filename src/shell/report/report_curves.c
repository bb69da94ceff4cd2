/* The pictures of ranking and probability: precision-recall, ROC, scores by class, calibration. */
#include "shell/report/sections.h"

#include <math.h>
#include <stdio.h>

#include "core/stats/interval.h"
#include "shell/report/html.h"
#include "shell/report/svg.h"
#include "shell/report/words.h"

static const struct svg_chart square = {
    .width = 480, .height = 340, .left = 78, .top = 12, .right = 32, .bottom = 46};

void report_legend(const struct report_data *data, struct buffer *out)
{
    if (data->models < 2)
        return;
    buffer_add_text(out, "<ul class=\"legend\">");
    for (uint32_t i = 0; i < report_drawn(data); i++) {
        buffer_format(out,
                      "<li><svg viewBox=\"0 0 28 10\" aria-hidden=\"true\"><line x1=\"1\" y1=\"5\" "
                      "x2=\"27\" y2=\"5\" class=\"series m%u\"/></svg>",
                      i);
        html_text(out, data->model[i].name);
        buffer_add_text(out, i == data->best ? " (saved)</li>" : "</li>");
    }
    buffer_add_text(out, "</ul>\n");
}

static void figure_open(struct buffer *out, const char *heading)
{
    buffer_add_text(out, "<figure>\n<h3>");
    html_text(out, heading);
    buffer_add_text(out, "</h3>\n");
}

static void figure_close(struct buffer *out, const char *caption)
{
    buffer_add_text(out, "<figcaption>");
    html_text(out, caption);
    buffer_add_text(out, "</figcaption>\n</figure>\n");
}

/* The best model last, so that it lies on top. */
static void draw_models(struct svg_chart *c, const struct report_data *data, bool is_roc)
{
    char class_name[32];

    for (uint32_t i = 0; i <= report_drawn(data); i++) {
        uint32_t which = i < report_drawn(data) ? i : data->best;
        const struct metrics *m = data->model[which].metrics;
        const struct curve *curve = is_roc ? &m->roc : &m->pr;

        if (i == data->best)
            continue;
        snprintf(class_name, sizeof class_name, "series m%u", which);
        svg_line(c, curve->x, curve->y, curve->points, class_name);
    }
}

static void draw_choices(struct svg_chart *c, const struct report_data *data, bool is_roc)
{
    const struct report_model *best = report_best(data);
    char class_name[32], tip[256];

    snprintf(class_name, sizeof class_name, "point m%u", data->best);
    for (uint32_t i = 0; i < best->choices; i++) {
        const struct threshold_row *t = &best->metrics->threshold[best->choice[i].row];
        double x = is_roc ? t->false_positive_rate.value : t->recall.value;
        double y = is_roc ? t->recall.value : t->precision.value;

        if (isnan(x) || isnan(y))
            continue;
        snprintf(tip, sizeof tip, "%s: threshold %.3g", best->choice[i].name, t->threshold);
        svg_point(c, x, y, class_name, tip);
        svg_words(c, x, y, 9, y > 0.9 || (is_roc && y > 0.1) ? 16 : -7, SVG_START, "name",
                  best->choice[i].name);
    }
}

static void draw_pr(const struct report_data *data, struct buffer *out)
{
    const struct metrics *m = report_best(data)->metrics;
    double share = m->rows > 0 ? (double)m->frauds / m->rows : 0;
    struct svg_chart c = square;

    c.out = out;
    c.x = (struct svg_axis){0, 1, false, SVG_PERCENT, "Recall: share of frauds found"};
    c.y = (struct svg_axis){0, 1, false, SVG_PERCENT, "Precision: share of alerts right"};
    figure_open(out, "Precision over recall");
    svg_open(&c, "pr", "Precision-recall curve",
             "Share of alerts that are right against share of frauds found, over all thresholds.");
    svg_axes(&c);
    svg_segment(&c, 0, share, 1, share, "mark");
    svg_words(&c, 1, share, -4, -6, SVG_END, "label", "chance");
    draw_models(&c, data, false);
    draw_choices(&c, data, false);
    svg_close(&c);
    report_legend(data, out);
    figure_close(out, "Up and to the right is better. Where frauds are rare this curve tells more "
                      "than ROC.");
}

static void draw_roc(const struct report_data *data, struct buffer *out)
{
    struct svg_chart c = square;

    c.out = out;
    c.x = (struct svg_axis){0, 1, false, SVG_PERCENT, "False alarms: share of legitimate rows"};
    c.y = (struct svg_axis){0, 1, false, SVG_PERCENT, "Recall: share of frauds found"};
    figure_open(out, "ROC");
    svg_open(&c, "roc", "ROC curve",
             "Share of frauds found against share of legitimate rows alarmed, over all "
             "thresholds.");
    svg_axes(&c);
    svg_segment(&c, 0, 0, 1, 1, "mark");
    svg_words(&c, 0.72, 0.72, 8, 12, SVG_START, "label", "chance");
    draw_models(&c, data, true);
    draw_choices(&c, data, true);
    svg_close(&c);
    report_legend(data, out);
    figure_close(out, "Up and to the left is better. Only the left edge can be used: 1 % false "
                      "alarms on a million payments are ten thousand.");
}

void section_curves(const struct report_data *data, struct buffer *out)
{
    html_section_open(out, "curves", "How well it ranks");
    if (report_best(data)->metrics->roc.points == 0) {
        html_paragraph(out, "soft", "The held-out rows have one class only: there is no curve.");
    } else {
        buffer_add_text(out, "<div class=\"charts\">\n");
        draw_pr(data, out);
        draw_roc(data, out);
        buffer_add_text(out, "</div>\n");
    }
    html_section_close(out);
}

static void draw_histogram(const struct report_data *data, unsigned class, const char *id,
                           const char *title, const char *class_name, struct buffer *out)
{
    const struct report_model *best = report_best(data);
    const struct class_summary *s = &best->metrics->by_class[class];
    struct svg_chart c = square;
    uint32_t most = 1;
    char tip[64];

    for (unsigned i = 0; i < METRICS_HISTOGRAM_BINS; i++)
        most = s->histogram[i] > most ? s->histogram[i] : most;
    c.out = out;
    c.height = 240;
    c.x = (struct svg_axis){0, 1, false, SVG_NUMBER, "Probability of fraud"};
    c.y = (struct svg_axis){0.5, most > 1 ? most * 1.3 : 10, true, SVG_COUNT, "Rows (log scale)"};
    svg_open(&c, id, title, "Number of rows in fifty equal bins of the probability, log scale.");
    svg_axes(&c);
    for (unsigned i = 0; i < METRICS_HISTOGRAM_BINS; i++) {
        double width = 1.0 / METRICS_HISTOGRAM_BINS, x = i * width;

        if (s->histogram[i] == 0)
            continue;
        snprintf(tip, sizeof tip, "%.2f to %.2f: %u rows", x, x + width, s->histogram[i]);
        svg_bar(&c, x + 0.08 * width, x + 0.92 * width, 0.5, s->histogram[i], class_name, tip);
    }
    for (uint32_t i = 0; i < best->choices; i++) {
        double t = best->metrics->threshold[best->choice[i].row].threshold;

        svg_segment(&c, t, 0.5, t, c.y.high, "mark");
        svg_words(&c, t, c.y.high, 4, 10, SVG_START, "label", best->choice[i].name);
    }
    svg_close(&c);
}

static void class_caption(const struct class_summary *s, struct buffer *out)
{
    buffer_add_text(out, "<figcaption>");
    words_count(out, s->rows);
    buffer_add_text(out, " rows");
    if (s->rows > 0) {
        buffer_add_text(out, "; probability: mean ");
        words_number(out, s->mean);
        buffer_add_text(out, ", lowest ");
        words_number(out, s->min);
        buffer_add_text(out, ", highest ");
        words_number(out, s->max);
    }
    buffer_add_text(out, ".</figcaption>\n</figure>\n");
}

void section_scores(const struct report_data *data, struct buffer *out)
{
    const struct metrics *m = report_best(data)->metrics;

    html_section_open(out, "scores", "Probabilities by class");
    html_paragraph(out, "soft",
                   "Good models push the two apart. Counts are on a log scale, as legitimate rows "
                   "outnumber frauds by far.");
    buffer_add_text(out, "<div class=\"charts\">\n");
    figure_open(out, "Frauds");
    draw_histogram(data, 1, "scores-fraud", "Probabilities of frauds", "fraud", out);
    class_caption(&m->by_class[1], out);
    figure_open(out, "Legitimate");
    draw_histogram(data, 0, "scores-legit", "Probabilities of legitimate rows", "legit", out);
    class_caption(&m->by_class[0], out);
    buffer_add_text(out, "</div>\n");
    html_section_close(out);
}

static void draw_bin(struct svg_chart *c, const struct calibration_bin *b, uint32_t model)
{
    char class_name[32], tip[128];
    double low, high;

    interval_of_share(b->frauds, b->rows, &low, &high);
    snprintf(class_name, sizeof class_name, "series m%u whisker", model);
    svg_segment(c, b->predicted, low, b->predicted, high, class_name);
    snprintf(class_name, sizeof class_name, "point m%u", model);
    snprintf(tip, sizeof tip, "said %.3g, was %.3g: %u frauds in %u rows", b->predicted,
             b->observed, b->frauds, b->rows);
    svg_point(c, b->predicted, b->observed, class_name, tip);
}

static void draw_bins_as_line(struct svg_chart *c, const struct calibration_bin *bin,
                              uint32_t model)
{
    double x[METRICS_CALIBRATION_BINS], y[METRICS_CALIBRATION_BINS];
    char class_name[32];
    uint32_t points = 0;

    for (unsigned b = 0; b < METRICS_CALIBRATION_BINS; b++) {
        if (bin[b].rows == 0)
            continue;
        x[points] = bin[b].predicted;
        y[points++] = bin[b].observed;
    }
    snprintf(class_name, sizeof class_name, "series thin m%u", model);
    svg_line(c, x, y, points, class_name);
}

/* The decade below everything drawn, for the log axes. */
static double calibration_floor(const struct report_data *data)
{
    double least = 0.1;

    for (uint32_t i = 0; i < report_drawn(data); i++)
        for (unsigned b = 0; b < METRICS_CALIBRATION_BINS; b++) {
            const struct calibration_bin *bin = &data->model[i].metrics->reliability[b];

            if (bin->rows > 0 && bin->predicted > 0)
                least = fmin(least, bin->predicted);
            if (bin->frauds > 0)
                least = fmin(least, bin->observed);
        }
    return fmax(pow(10, floor(log10(least))), 1e-6);
}

static void draw_calibration(const struct report_data *data, struct buffer *out)
{
    const struct report_model *best = report_best(data);
    double floor = calibration_floor(data);
    struct svg_chart c = square;

    c.out = out;
    c.x = (struct svg_axis){floor, 1, true, SVG_PERCENT, "Said: mean probability (log scale)"};
    c.y = (struct svg_axis){floor, 1, true, SVG_PERCENT, "Was: share of frauds (log scale)"};
    figure_open(out, "Said against seen");
    svg_open(&c, "calibration", "Calibration plot",
             "Share of frauds seen against mean probability said, in ten bins that hold a tenth "
             "of the expected frauds each, with 95 % intervals.");
    svg_axes(&c);
    svg_segment(&c, floor, floor, 1, 1, "mark");
    for (uint32_t i = 0; i < report_drawn(data); i++)
        draw_bins_as_line(&c, data->model[i].metrics->reliability, i);
    for (unsigned b = 0; b < METRICS_CALIBRATION_BINS; b++)
        if (best->metrics->reliability[b].rows > 0)
            draw_bin(&c, &best->metrics->reliability[b], data->best);
    svg_close(&c);
    report_legend(data, out);
    figure_close(out, "On the dashed line the probability can be taken at its word; below it the "
                      "model says too much. Each of the ten bins holds a tenth of the frauds that "
                      "the model expects; bars are 95 % intervals (Wilson).");
}

static void table_calibration(const struct metrics *m, struct buffer *out)
{
    static const char *const heading[] = {"Said", "Seen", "Frauds", "Rows"};

    html_table_open(out, "The bins of the picture", heading, 4);
    for (unsigned b = 0; b < METRICS_CALIBRATION_BINS; b++) {
        const struct calibration_bin *bin = &m->reliability[b];

        if (bin->rows == 0)
            continue;
        buffer_add_text(out, "<tr><td>");
        words_percent(out, bin->predicted);
        buffer_add_text(out, "</td><td>");
        words_percent(out, bin->observed);
        buffer_add_text(out, "</td><td>");
        words_count(out, bin->frauds);
        buffer_add_text(out, "</td><td>");
        words_count(out, bin->rows);
        buffer_add_text(out, "</td></tr>\n");
    }
    html_table_close(out);
}

static void add_fact(struct buffer *out, const char *name, const struct estimate *f)
{
    struct estimate value = *f;

    value.low = value.high = value.value;
    buffer_format(out, "<div><dt>%s</dt><dd>", name);
    words_estimate(out, &value, false);
    buffer_add_text(out, " <span class=\"range\">");
    words_interval(out, f, false);
    buffer_add_text(out, "</span></dd></div>\n");
}

void section_calibration(const struct report_data *data, struct buffer *out)
{
    const struct metrics *m = report_best(data)->metrics;

    html_section_open(out, "calibration-heading", "Can the probabilities be believed?");
    if (m->rows == 0) {
        html_paragraph(out, "soft", "There are no held-out rows.");
        html_section_close(out);
        return;
    }
    buffer_add_text(out, "<div class=\"charts\">\n");
    draw_calibration(data, out);
    buffer_add_text(out, "<div>\n");
    table_calibration(m, out);
    buffer_add_text(out, "<dl class=\"facts\">\n");
    add_fact(out, "Calibration error", &m->calibration_error);
    add_fact(out, "Brier score", &m->brier);
    add_fact(out, "Log loss", &m->log_loss);
    buffer_add_text(out, "</dl>\n</div>\n</div>\n");
    html_section_close(out);
}

/* What the model was made from: the data, its split in time, and the features. */
#include "shell/report/sections.h"

#include <math.h>

#include "core/base/calendar.h"
#include "core/base/memory.h"
#include "shell/report/html.h"
#include "shell/report/svg.h"
#include "shell/report/words.h"

enum { FEATURES_SHOWN = 20 }; /* the rest is folded away */

static void add_fact_open(struct buffer *out, const char *name)
{
    buffer_add_text(out, "<div><dt>");
    html_text(out, name);
    buffer_add_text(out, "</dt><dd>");
}

static void add_count(struct buffer *out, const char *name, uint64_t n, uint64_t of)
{
    add_fact_open(out, name);
    words_count(out, n);
    if (of > 0) {
        buffer_add_text(out, " (");
        words_percent(out, (double)n / (double)of);
        buffer_add_char(out, ')');
    }
    buffer_add_text(out, "</dd></div>\n");
}

static void add_facts(const struct report_data *data, struct buffer *out)
{
    uint64_t rejected = 0;

    for (uint32_t i = 0; i < data->rejects; i++)
        rejected += data->reject[i].rows;
    buffer_add_text(out, "<dl class=\"facts\">\n");
    add_fact_open(out, "Source");
    html_text(out, data->source);
    buffer_add_text(out, "</dd></div>\n");
    add_fact_open(out, "Period");
    words_period(out, data->from_us, data->until_us);
    buffer_add_text(out, "</dd></div>\n");
    add_count(out, "Rows", data->rows, 0);
    if (!data->has_no_label)
        add_count(out, "Frauds", data->frauds, data->rows);
    add_count(out, "Rows moved by sorting", data->moved, data->rows);
    add_count(out, "Rows rejected", rejected, data->rows + rejected);
    buffer_add_text(out, "</dl>\n");
}

static void add_rejects(const struct report_data *data, struct buffer *out)
{
    static const char *const heading[] = {"Reason", "Rows"};

    if (data->rejects == 0)
        return;
    html_table_open(out, "Rejected rows by reason", heading, 2);
    for (uint32_t i = 0; i < data->rejects; i++) {
        buffer_add_text(out, "<tr><td class=\"left\">");
        html_text(out, data->reject[i].words);
        buffer_add_text(out, "</td><td>");
        words_count(out, data->reject[i].rows);
        buffer_add_text(out, "</td></tr>\n");
    }
    html_table_close(out);
}

/* Gaps are outlined, training is plain, the last part, on which all is judged, stands out. */
static const char *part_class(const struct report_data *data, uint32_t i)
{
    if (!data->part[i].is_used)
        return "gap";
    return i + 1 == data->parts ? "test" : "legit";
}

/* Parts drawn at random overlap in time: then there is no line to draw. */
static bool parts_follow(const struct report_data *data)
{
    for (uint32_t i = 1; i < data->parts; i++)
        if (data->part[i].from_us < data->part[i - 1].until_us)
            return false;
    return data->part[data->parts - 1].until_us > data->part[0].from_us;
}

static void add_timeline(const struct report_data *data, struct buffer *out)
{
    double from = (double)data->part[0].from_us, until;
    struct svg_chart c = {.out = out,
                          .width = 960,
                          .height = 74,
                          .left = 4,
                          .right = 4,
                          .top = 22,
                          .bottom = 24,
                          .y = {0, 1}};

    until = (double)data->part[data->parts - 1].until_us;
    if (!parts_follow(data))
        return;
    c.x = (struct svg_axis){.low = from, .high = until};
    buffer_add_text(out, "<figure class=\"wide\">");
    svg_open(&c, "split", "Split in time", data->split != NULL ? data->split : "");
    for (uint32_t i = 0; i < data->parts; i++) {
        const struct report_part *p = &data->part[i];
        struct buffer day;

        buffer_init(&day, 256);
        words_period(&day, p->from_us, p->from_us);
        svg_bar(&c, (double)p->from_us, (double)p->until_us, 0, 1, part_class(data, i), p->name);
        if ((double)(p->until_us - p->from_us) / (until - from) > 0.08) {
            svg_words(&c, (double)p->from_us, 1, 2, -7, SVG_START, "name", p->name);
            svg_words(&c, (double)p->from_us, 0, 2, 17, SVG_START, "label", buffer_text(&day));
        }
        buffer_fini(&day);
    }
    svg_close(&c);
    buffer_add_text(out, "</figure>\n");
}

static void add_parts(const struct report_data *data, struct buffer *out)
{
    static const char *const heading[] = {"Part", "Period", "Rows", "Frauds", "Share of frauds"};

    html_table_open(out, "How the data was divided", heading, 5);
    for (uint32_t i = 0; i < data->parts; i++) {
        const struct report_part *p = &data->part[i];

        buffer_add_text(out, "<tr><th scope=\"row\">");
        html_text(out, p->name);
        buffer_add_text(out, "</th><td>");
        words_period(out, p->from_us, p->until_us);
        buffer_add_text(out, "</td><td>");
        words_count(out, p->rows);
        buffer_add_text(out, "</td><td>");
        if (data->has_no_label)
            buffer_add_text(out, "not known");
        else
            words_count(out, p->frauds);
        buffer_add_text(out, "</td><td>");
        words_percent(out, p->rows > 0 && !data->has_no_label ? (double)p->frauds / (double)p->rows
                                                              : NAN);
        buffer_add_text(out, "</td></tr>\n");
    }
    html_table_close(out);
}

void section_data(const struct report_data *data, struct buffer *out)
{
    html_section_open(out, "data", "Data");
    add_facts(data, out);
    add_rejects(data, out);
    if (data->parts > 0) {
        buffer_add_text(out, "<h3>Split</h3>\n");
        if (data->split != NULL)
            html_paragraph(out, "soft", data->split);
        add_timeline(data, out);
        add_parts(data, out);
    }
    html_section_close(out);
}

static void add_number_cell(struct buffer *out, double v)
{
    buffer_add_text(out, "<td>");
    if (isnan(v))
        buffer_add_text(out, "<span class=\"hidden\">none</span>");
    else
        words_number(out, v);
    buffer_add_text(out, "</td>");
}

static void add_bar_cell(struct buffer *out, double v, double most)
{
    double width = most > 0 && v > 0 ? 100 * v / most : 0;

    buffer_add_text(out, "<td>");
    if (isnan(v)) {
        buffer_add_text(out, "<span class=\"hidden\">not measured</span></td>");
        return;
    }
    words_number(out, v);
    buffer_format(out,
                  " <svg class=\"bar\" viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" "
                  "aria-hidden=\"true\"><rect class=\"track\" width=\"100\" height=\"10\"/>"
                  "<rect class=\"fill\" width=\"%.1f\" height=\"10\"/></svg></td>",
                  width);
}

/* Most important first; unmeasured last, in their order. */
static uint32_t *by_importance(const struct report_data *data)
{
    uint32_t *order = mem_array(data->features, sizeof *order);

    for (uint32_t i = 0; i < data->features; i++) {
        double v = data->feature[i].importance;
        uint32_t at = i;

        while (at > 0 && (v > data->feature[order[at - 1]].importance ||
                          (!isnan(v) && isnan(data->feature[order[at - 1]].importance)))) {
            order[at] = order[at - 1];
            at--;
        }
        order[at] = i;
    }
    return order;
}

static void add_feature(const struct report_feature *f, double most_importance,
                        double most_contribution, struct buffer *out)
{
    buffer_add_text(out, "<tr><td class=\"left\"><b>");
    html_text(out, f->name);
    buffer_add_text(out, "</b><br><code>");
    html_text(out, f->expression);
    buffer_add_text(out, "</code></td>");
    add_bar_cell(out, f->importance, most_importance);
    add_bar_cell(out, f->contribution, most_contribution);
    buffer_add_text(out, "<td>");
    words_percent(out, f->missing_share);
    buffer_add_text(out, "</td>");
    add_number_cell(out, f->min);
    add_number_cell(out, f->mean);
    add_number_cell(out, f->max);
    buffer_add_text(out, "</tr>\n");
}

static void add_features(const struct report_data *data, const uint32_t *order, uint32_t first,
                         uint32_t last, struct buffer *out)
{
    static const char *const heading[] = {
        "Feature", "Importance", "Mean |contribution|", "Missing", "Min", "Mean", "Max"};
    double importance = 0, contribution = 0;

    for (uint32_t i = 0; i < data->features; i++) {
        importance = fmax(importance, data->feature[i].importance);
        contribution = fmax(contribution, data->feature[i].contribution);
    }
    html_table_open(out, "Features of the model, the most important first", heading, 7);
    for (uint32_t i = first; i < last; i++)
        add_feature(&data->feature[order[i]], importance, contribution, out);
    html_table_close(out);
}

void section_features(const struct report_data *data, struct buffer *out)
{
    uint32_t shown = data->features < FEATURES_SHOWN ? data->features : FEATURES_SHOWN;
    uint32_t *order;

    if (data->features == 0)
        return;
    order = by_importance(data);
    html_section_open(out, "features", "Features");
    html_paragraph(out, "soft",
                   "Importance: how much average precision is lost on the held-out rows when the "
                   "values of this feature are shuffled among them; features that say the same "
                   "share it. Contribution: how far the feature moves the log-odds of a row, on "
                   "average. Neither says what causes fraud.");
    add_features(data, order, 0, shown, out);
    if (shown < data->features) {
        buffer_format(out, "<details><summary>%u more features</summary>\n",
                      data->features - shown);
        add_features(data, order, shown, data->features, out);
        buffer_add_text(out, "</details>\n");
    }
    html_section_close(out);
    mem_free(order);
}

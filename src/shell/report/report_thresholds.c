/* What happens at each threshold, and at the chosen ones in particular. */
#include "shell/report/sections.h"

#include <math.h>

#include "shell/report/html.h"
#include "shell/report/thresholds.h"
#include "shell/report/words.h"

void report_cell(struct buffer *out, const struct estimate *f, bool is_share,
                 const char *class_name)
{
    struct estimate value = *f;

    value.low = value.high = value.value;
    buffer_format(out, "<td class=\"%s\">", class_name);
    words_estimate(out, &value, is_share);
    buffer_add_text(out, "<span class=\"range\">");
    words_interval(out, f, is_share);
    buffer_add_text(out, "</span></td>");
}

static bool is_chosen(const struct report_model *m, uint32_t row)
{
    for (uint32_t i = 0; i < m->choices; i++)
        if (thresholds_is_chosen(m, i, row))
            return true;
    return false;
}

static void add_tags(const struct report_model *m, uint32_t row, struct buffer *out)
{
    for (uint32_t i = 0; i < m->choices; i++) {
        if (!thresholds_is_chosen(m, i, row))
            continue;
        buffer_add_text(out, "<span class=\"tag\">");
        html_text(out, m->choice[i].name);
        buffer_add_text(out, "</span>");
    }
}

static uint32_t cheapest(const struct metrics *m)
{
    uint32_t best = 0;

    for (uint32_t i = 1; i < m->thresholds; i++)
        if (m->threshold[i].cost < m->threshold[best].cost)
            best = i;
    return best;
}

static void count_cell(struct buffer *out, uint64_t n)
{
    buffer_add_text(out, "<td>");
    words_count(out, n);
    buffer_add_text(out, "</td>");
}

static void add_row(const struct report_model *model, uint32_t at, struct buffer *out)
{
    const struct metrics *m = model->metrics;
    const struct threshold_row *t = &m->threshold[at];

    buffer_format(out, "<tr%s><th scope=\"row\">", is_chosen(model, at) ? " class=\"chosen\"" : "");
    words_number(out, t->threshold);
    add_tags(model, at, out);
    buffer_add_text(out, "</th>");
    if (m->days > 0) {
        buffer_add_text(out, "<td>");
        words_number(out, t->alerts_per_day);
        buffer_add_text(out, "</td>");
    }
    count_cell(out, t->tp);
    count_cell(out, t->fp);
    count_cell(out, t->fn);
    report_cell(out, &t->precision, true, "");
    report_cell(out, &t->recall, true, "");
    report_cell(out, &t->false_positive_rate, true, "");
    if (m->has_amounts)
        report_cell(out, &t->value_caught, true, "");
    buffer_add_text(out, "<td>");
    words_money(out, t->cost);
    if (t->cost == m->threshold[cheapest(m)].cost)
        buffer_add_text(out, "<span class=\"tag low\">lowest</span>");
    buffer_add_text(out, "</td></tr>\n");
}

static void add_table(const struct report_model *model, struct buffer *out)
{
    const struct metrics *m = model->metrics;
    uint32_t order[METRICS_THRESHOLDS_MAX], rows;
    const char *heading[10];
    unsigned count = 0;

    heading[count++] = "Threshold";
    if (m->days > 0)
        heading[count++] = "Alerts a day";
    heading[count++] = "Frauds found";
    heading[count++] = "False alarms";
    heading[count++] = "Frauds missed";
    heading[count++] = "Precision";
    heading[count++] = "Recall";
    heading[count++] = "False-alarm rate";
    if (m->has_amounts)
        heading[count++] = "Money caught";
    heading[count++] = "Cost";
    html_table_open(out, "Held-out rows at each threshold, with 95 % intervals", heading, count);
    rows = thresholds_order(m, order);
    for (uint32_t i = 0; i < rows; i++)
        add_row(model, order[i], out);
    html_table_close(out);
}

static void add_box(struct buffer *out, const char *class_name, uint64_t n, const char *words)
{
    buffer_format(out, "<div class=\"%s\"><b>", class_name);
    words_count(out, n);
    buffer_format(out, "</b><span>%s</span></div>\n", words);
}

static void add_matrix(const struct report_model *model, uint32_t choice, struct buffer *out)
{
    const struct threshold_row *t = &model->metrics->threshold[model->choice[choice].row];

    buffer_add_text(out, "<figure>\n<h3>Confusion at <q>");
    html_text(out, model->choice[choice].name);
    buffer_add_text(out, "</q>: probability of at least ");
    words_number(out, t->threshold);
    buffer_add_text(out, "</h3>\n<div class=\"matrix\"><div class=\"axis\"></div>"
                         "<div class=\"axis\">said fraud</div><div class=\"axis\">said legitimate"
                         "</div>\n<div class=\"axis\">was fraud</div>");
    add_box(out, "right", t->tp, "found (true positives)");
    add_box(out, "wrong", t->fn, "missed (false negatives)");
    buffer_add_text(out, "<div class=\"axis\">was legitimate</div>");
    add_box(out, "wrong", t->fp, "false alarms (false positives)");
    add_box(out, "right", t->tn, "let through (true negatives)");
    buffer_add_text(out, "</div>\n</figure>\n");
}

static void explain_cost(const struct report_data *data, const struct metrics *m,
                         struct buffer *out)
{
    buffer_add_text(out, "<p class=\"soft\">Cost: ");
    buffer_add_text(out, m->has_amounts ? "the amounts of missed frauds" : "1 for a missed fraud");
    buffer_add_text(out, " plus ");
    words_number(out, data->alert_cost);
    if (data->money != NULL && data->money[0]) {
        buffer_add_char(out, ' ');
        html_text(out, data->money);
    }
    buffer_add_text(out, " for each alert, right or wrong. Without any model: ");
    words_money(out, m->fraud_amount);
    buffer_add_text(out, ".</p>\n");
}

void section_thresholds(const struct report_data *data, struct buffer *out)
{
    const struct report_model *best = report_best(data);

    if (best->metrics->thresholds == 0)
        return;
    html_section_open(out, "thresholds", "Where to draw the line");
    explain_cost(data, best->metrics, out);
    add_table(best, out);
    buffer_add_text(out, "<div class=\"matrices\">\n");
    for (uint32_t i = 0; i < best->choices; i++)
        add_matrix(best, i, out);
    buffer_add_text(out, "</div>\n");
    html_section_close(out);
}

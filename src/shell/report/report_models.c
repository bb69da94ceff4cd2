/* Several models side by side, and what the words of the report mean. */
#include "shell/report/sections.h"

#include <math.h>
#include <stdio.h>

#include "shell/report/html.h"
#include "shell/report/svg.h"
#include "shell/report/words.h"

struct comparison {
    const char *id, *name;
    bool is_share;
    bool less_is_better;
    const struct estimate *(*get)(const struct metrics *m);
};

static const struct estimate *get_auc(const struct metrics *m)
{
    return &m->auc_roc;
}

static const struct estimate *get_precision(const struct metrics *m)
{
    return &m->average_precision;
}

static const struct estimate *get_recall(const struct metrics *m)
{
    return &m->recall_at_1pct_fpr;
}

static const struct estimate *get_cards(const struct metrics *m)
{
    return &m->card_precision_at_100;
}

static const struct estimate *get_brier(const struct metrics *m)
{
    return &m->brier;
}

static const struct estimate *get_calibration(const struct metrics *m)
{
    return &m->calibration_error;
}

static const struct comparison comparisons[] = {
    {"f-ap", "Average precision", false, false, get_precision},
    {"f-recall", "Recall at 1 % false alarms", true, false, get_recall},
    {"f-auc", "AUC ROC", false, false, get_auc},
    {"f-cards", "Card precision at 100", false, false, get_cards},
    {"f-brier", "Brier score", false, true, get_brier},
    {"f-ece", "Calibration error", false, true, get_calibration},
};

enum { COMPARISONS = sizeof comparisons / sizeof *comparisons, DRAWN = 4 };

/* The model of the best value, or models where none has one. */
static uint32_t leader(const struct report_data *data, const struct comparison *k)
{
    uint32_t best = data->models;

    for (uint32_t i = 0; i < data->models; i++) {
        const struct estimate *f = k->get(data->model[i].metrics);
        const struct estimate *b = best < data->models ? k->get(data->model[best].metrics) : NULL;

        if (f->is_null)
            continue;
        if (b == NULL || (k->less_is_better ? f->value < b->value : f->value > b->value))
            best = i;
    }
    return best;
}

/* A round range that holds all the intervals. */
static bool forest_range(const struct report_data *data, const struct comparison *k,
                         struct svg_axis *axis)
{
    double low = INFINITY, high = -INFINITY, step;

    for (uint32_t i = 0; i < report_drawn(data); i++) {
        const struct estimate *f = k->get(data->model[i].metrics);

        if (f->is_null)
            continue;
        low = fmin(low, f->low);
        high = fmax(high, f->high);
    }
    if (low > high)
        return false;
    step = svg_step(fmax(high - low, 0.01), 3);
    *axis = (struct svg_axis){.low = fmax(0, floor(low / step) * step),
                              .high = fmin(1, ceil(high / step) * step),
                              .format = k->is_share ? SVG_PERCENT : SVG_NUMBER};
    if (!(axis->high > axis->low))
        axis->low = axis->high - step;
    return true;
}

static void draw_forest(const struct report_data *data, const struct comparison *k,
                        struct buffer *out)
{
    struct svg_chart c = {
        .out = out, .width = 420, .left = 130, .top = 6, .right = 28, .bottom = 24};
    char class_name[32];

    c.height = 30 + 30.0 * report_drawn(data);
    c.y = (struct svg_axis){.low = 0, .high = report_drawn(data)};
    if (!forest_range(data, k, &c.x))
        return;
    buffer_format(out, "<figure>\n<h3>%s</h3>\n", k->name);
    svg_open(&c, k->id, k->name, "Value and 95 % interval of each model; the table has figures.");
    svg_axis_x(&c);
    for (uint32_t i = 0; i < report_drawn(data); i++) {
        const struct estimate *f = k->get(data->model[i].metrics);
        double y = report_drawn(data) - i - 0.5;
        char name[20];

        snprintf(name, sizeof name, "%s", data->model[i].name);
        svg_words(&c, c.x.low, y, -8, 4, SVG_END, i == data->best ? "name" : "label", name);
        if (f->is_null)
            continue;
        snprintf(class_name, sizeof class_name, "series m%u whisker", i);
        svg_segment(&c, f->low, y, f->high, y, class_name);
        snprintf(class_name, sizeof class_name, "point m%u", i);
        svg_point(&c, f->value, y, class_name, data->model[i].name);
    }
    svg_close(&c);
    buffer_add_text(out, "</figure>\n");
}

static void add_table(const struct report_data *data, struct buffer *out)
{
    const char *heading[COMPARISONS + 2] = {"Model"};

    for (unsigned k = 0; k < COMPARISONS; k++)
        heading[k + 1] = comparisons[k].name;
    heading[COMPARISONS + 1] = "p of chance";
    html_table_open(out, "Models on the same held-out rows; the best value of a column is bold",
                    heading, COMPARISONS + 2);
    for (uint32_t i = 0; i < data->models; i++) {
        const struct report_model *m = &data->model[i];

        buffer_format(out, "<tr%s><th scope=\"row\">", i == data->best ? " class=\"chosen\"" : "");
        html_text(out, m->name);
        if (i == data->best)
            buffer_add_text(out, "<span class=\"tag\">saved</span>");
        buffer_add_text(out, "</th>");
        for (unsigned k = 0; k < COMPARISONS; k++)
            report_cell(out, comparisons[k].get(m->metrics), comparisons[k].is_share,
                        leader(data, &comparisons[k]) == i ? "best" : "");
        buffer_add_text(out, "<td>");
        words_number(out, m->metrics->chance_p);
        buffer_add_text(out, "</td></tr>\n");
    }
    html_table_close(out);
}

static void add_options(const struct report_data *data, struct buffer *out)
{
    buffer_add_text(out, "<dl class=\"words\">\n");
    for (uint32_t i = 0; i < data->models; i++) {
        buffer_add_text(out, "<dt>");
        html_text(out, data->model[i].name);
        buffer_add_text(out, "</dt><dd>");
        html_text(out, data->model[i].options);
        buffer_add_text(out, "</dd>\n");
    }
    buffer_add_text(out, "</dl>\n");
}

void section_models(const struct report_data *data, struct buffer *out)
{
    if (data->models < 2)
        return;
    html_section_open(out, "models", "Models compared");
    html_paragraph(out, "soft",
                   "Where intervals overlap widely, the order of two models may be luck.");
    if (report_drawn(data) < data->models) {
        char words[96];

        snprintf(words, sizeof words, "Charts have the first %u models, the table all %u.",
                 report_drawn(data), data->models);
        html_paragraph(out, "soft", words);
    }
    buffer_add_text(out, "<div class=\"charts forests\">\n");
    for (unsigned k = 0; k < DRAWN; k++)
        draw_forest(data, &comparisons[k], out);
    buffer_add_text(out, "</div>\n");
    add_table(data, out);
    add_options(data, out);
    html_section_close(out);
}

void section_tables(const struct report_data *data, struct buffer *out)
{
    for (uint32_t i = 0; i < data->tables; i++) {
        const struct report_table *t = &data->table[i];

        html_section_open(out, t->id, t->title);
        if (t->note != NULL)
            html_paragraph(out, "soft", t->note);
        html_table_open(out, t->title, t->cell, t->columns);
        for (uint32_t r = 1; r < t->rows; r++) {
            buffer_add_text(out, "<tr><th scope=\"row\">");
            html_text(out, t->cell[r * t->columns]);
            buffer_add_text(out, "</th>");
            for (uint32_t c = 1; c < t->columns; c++) {
                buffer_add_text(out, "<td>");
                html_text(out, t->cell[r * t->columns + c]);
                buffer_add_text(out, "</td>");
            }
            buffer_add_text(out, "</tr>\n");
        }
        html_table_close(out);
        html_section_close(out);
    }
}

void section_words(const struct report_data *data, struct buffer *out)
{
    static const char *const word[][2] = {
        {"Held-out rows",
         "Rows that the model never saw while it learned; all figures are theirs."},
        {"Threshold", "A row whose probability of fraud is at least this is an alert."},
        {"Precision", "Of the alerts, the share that are frauds."},
        {"Recall", "Of the frauds, the share that raise an alert."},
        {"False-alarm rate", "Of the legitimate rows, the share that raise an alert."},
        {"Average precision", "Precision averaged over all recalls. A model that knows nothing "
                              "gets the share of frauds."},
        {"AUC ROC", "How often a fraud gets a higher score than a legitimate row. Chance is 0.5."},
        {"Card precision at 100", "Each day the 100 most suspicious cards are looked at; the share "
                                  "of them that are fraudulent, averaged over the days. A card "
                                  "found is not looked at again."},
        {"Brier score, log loss", "Two distances between probabilities and what happened; 0 is "
                                  "perfect."},
        {"Calibration error", "How far the probabilities are off, averaged over ten groups of rows "
                              "of rising probability."},
        {"[low, high]", "95 % of the resamples (bootstrap) fall between. Cards are resampled with "
                        "all their rows where cards are known."},
        {"p of chance", "How often labels dealt at random among the scores reach the same average "
                        "precision. Below 0.01 counts as better than chance."},
    };

    (void)data;
    html_section_open(out, "words", "What the words mean");
    buffer_add_text(out, "<dl class=\"words\">\n");
    for (unsigned i = 0; i < sizeof word / sizeof *word; i++)
        buffer_format(out, "<dt>%s</dt><dd>%s</dd>\n", word[i][0], word[i][1]);
    buffer_add_text(out, "</dl>\n");
    html_section_close(out);
}

/* The head of the report: the verdict, the figures behind it, and the checks. */
#include "shell/report/sections.h"

#include <math.h>

#include "shell/report/html.h"
#include "shell/report/verdict.h"
#include "shell/report/words.h"

static void add_words(const struct report_data *data, struct buffer *out, const char *class_name,
                      void (*say)(const struct report_data *, struct buffer *))
{
    struct buffer words;

    buffer_init(&words, 1 << 16);
    say(data, &words);
    if (words.length > 0)
        html_paragraph(out, class_name, buffer_text(&words));
    buffer_fini(&words);
}

struct tile {
    const char *name;
    const struct estimate *estimate;
    bool is_share;
    double chance; /* drawn as a tick; NaN: none */
    const char *note;
};

/* The interval as a bar on 0..1, the value as a dot, chance as a tick. */
static void tile_range(const struct tile *t, struct buffer *out)
{
    double low = 200 * t->estimate->low, high = 200 * t->estimate->high;

    buffer_format(out,
                  "<svg viewBox=\"-6 0 212 16\" aria-hidden=\"true\">"
                  "<rect class=\"track\" x=\"0\" y=\"6\" width=\"200\" height=\"4\" rx=\"2\"/>"
                  "<rect class=\"span\" x=\"%.1f\" y=\"4\" width=\"%.1f\" height=\"8\" rx=\"3\"/>",
                  low, high - low > 2 ? high - low : 2);
    if (!isnan(t->chance))
        buffer_format(out, "<line class=\"tick\" x1=\"%.1f\" x2=\"%.1f\" y1=\"1\" y2=\"15\"/>",
                      200 * t->chance, 200 * t->chance);
    buffer_format(out, "<circle class=\"dot\" cx=\"%.1f\" cy=\"8\" r=\"5\"/></svg>",
                  200 * t->estimate->value);
}

static void add_tile(const struct tile *t, struct buffer *out)
{
    struct estimate value = *t->estimate;

    value.low = value.high = value.value;
    buffer_add_text(out, "<div class=\"tile\"><dt>");
    html_text(out, t->name);
    buffer_add_text(out, "</dt><dd><div class=\"big\">");
    words_estimate(out, &value, t->is_share);
    buffer_add_text(out, "</div>");
    if (!t->estimate->is_null)
        tile_range(t, out);
    buffer_add_text(out, "<div class=\"range\">");
    words_interval(out, t->estimate, t->is_share);
    buffer_add_text(out, "</div><div class=\"note\">");
    html_text(out, t->estimate->is_null ? "not defined on this data" : t->note);
    buffer_add_text(out, "</div></dd></div>\n");
}

static void add_tiles(const struct metrics *m, struct buffer *out)
{
    double share = m->rows > 0 ? (double)m->frauds / m->rows : NAN;
    const struct tile tile[] = {
        {"Recall at 1 % false alarms", &m->recall_at_1pct_fpr, true, 0.01,
         "share of frauds found; chance: 1 %"},
        {"Average precision", &m->average_precision, false, share,
         "area under precision over recall"},
        {"AUC ROC", &m->auc_roc, false, 0.5, "fraud ranked above legitimate; chance: 0.5"},
        {"Card precision at 100", &m->card_precision_at_100, false, NAN,
         "of 100 cards looked at each day"},
    };

    buffer_add_text(out, "<dl class=\"tiles\">\n");
    for (unsigned i = 0; i < sizeof tile / sizeof *tile; i++)
        add_tile(&tile[i], out);
    buffer_add_text(out, "</dl>\n");
}

void section_verdict(const struct report_data *data, struct buffer *out)
{
    static const char *const tone[] = {"unknown", "chance", "uncertain", "better"};
    const struct metrics *m = report_best(data)->metrics;
    enum verdict v = verdict_of(m);

    buffer_format(out, "<div class=\"verdict %s\">\n<p class=\"eyebrow\">Verdict</p>\n<h2>",
                  tone[v]);
    html_text(out, verdict_headline(v));
    buffer_add_text(out, "</h2>\n");
    add_words(data, out, "say", verdict_findings);
    add_words(data, out, "say", verdict_cost);
    buffer_add_text(out, "<p class=\"soft\">");
    html_text(out, verdict_caveat);
    buffer_add_text(out, " In brackets: 95 % bootstrap intervals.</p>\n</div>\n");
    if (!data->has_no_label)
        add_tiles(m, out);
}

void section_checks(const struct report_data *data, struct buffer *out)
{
    static const char *const class_name[] = {"passed", "note", "warning"};
    static const char *const word[] = {"Passed", "Note", "Warning"};

    if (data->checks == 0)
        return;
    html_section_open(out, "checks", "Honesty checks");
    buffer_add_text(out, "<ul class=\"checks\">\n");
    for (int finding = REPORT_WARNING; finding >= REPORT_PASSED; finding--)
        for (uint32_t i = 0; i < data->checks; i++) {
            if ((int)data->check[i].finding != finding)
                continue;
            buffer_format(out, "<li><span><span class=\"badge %s\">%s</span></span><span>",
                          class_name[finding], word[finding]);
            html_text(out, data->check[i].words);
            buffer_add_text(out, "</span></li>\n");
        }
    buffer_add_text(out, "</ul>\n");
    html_section_close(out);
}

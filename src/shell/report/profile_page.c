/* A profile as a page of its own: what was found, the label over time, what to look at, then each
 * field with its histogram. */
#include <stdio.h>

#include "core/base/memory.h"
#include "shell/report/html.h"
#include "shell/report/profile_report.h"
#include "shell/report/profile_value.h"
#include "shell/report/svg.h"
#include "shell/report/words.h"

enum { TIP_MAX = 200, TABLE_PERIODS = 400 };

static void add_fact(struct buffer *out, const char *name)
{
    buffer_add_text(out, "<div><dt>");
    html_text(out, name);
    buffer_add_text(out, "</dt><dd>");
}

static void end_fact(struct buffer *out)
{
    buffer_add_text(out, "</dd></div>\n");
}

static void add_count_fact(struct buffer *out, const char *name, uint64_t n)
{
    add_fact(out, name);
    words_count(out, n);
    end_fact(out);
}

static void section_found(const struct profile *p, struct buffer *out)
{
    const struct profile_guesses *g = p->guesses;
    const struct {
        const char *name;
        const struct profile_guess *is;
    } part[] = {{"Id", &g->id}, {"Time", &g->time}, {"Amount", &g->amount}, {"Label", &g->label}};

    html_section_open(out, "found", "What is there");
    buffer_add_text(out, "<dl class=\"facts\">\n");
    add_count_fact(out, "Rows", p->rows);
    add_count_fact(out, "Fields", p->count);
    add_count_fact(out, "Rows that could not be read", p->rejects);
    if (g->label.field != FIELD_NONE) {
        add_fact(out, "Share of frauds");
        words_percent(out, g->positive_share);
        end_fact(out);
    }
    buffer_add_text(out, "</dl>\n<dl class=\"words\">\n");
    for (size_t i = 0; i < sizeof part / sizeof part[0]; i++) {
        buffer_format(out, "<dt>%s: ", part[i].name);
        html_text(out,
                  part[i].is->field != FIELD_NONE ? p->fields[part[i].is->field].name : "none");
        buffer_add_text(out, "</dt><dd>");
        html_text(out, part[i].is->reason);
        buffer_add_text(out, "</dd>\n");
    }
    for (uint32_t i = 0; i < g->leak_count; i++) {
        buffer_add_text(out, "<dt>May tell the label: ");
        html_text(out, p->fields[g->leaks[i].field].name);
        buffer_add_text(out, "</dt><dd>");
        html_text(out, g->leaks[i].reason);
        buffer_add_text(out, "</dd>\n");
    }
    buffer_add_text(out, "</dl>\n");
    html_section_close(out);
}

/* ---- over time ---- */

static double share_of(const struct profile_period *d)
{
    return d->labelled > 0 ? (double)d->positive / (double)d->labelled : 0;
}

static void add_chart(const struct profile_period *period, uint32_t count, bool is_share,
                      struct buffer *out)
{
    struct svg_chart c = {
        .out = out, .width = 960, .height = 190, .left = 62, .right = 8, .top = 10, .bottom = 24};
    double most = 0;

    for (uint32_t i = 0; i < count; i++) {
        double v = is_share ? share_of(&period[i]) : (double)period[i].rows;

        most = v > most ? v : most;
    }
    c.x = (struct svg_axis){.low = (double)period[0].from_us,
                            .high = (double)period[count - 1].until_us};
    c.y = (struct svg_axis){
        .high = most > 0 ? most : 1,
        .format = is_share ? SVG_PERCENT : SVG_COUNT,
        .label = is_share ? "share of frauds" : "rows",
    };
    svg_open(&c, is_share ? "rate" : "rows",
             is_share ? "Share of frauds over time" : "Rows over time",
             "One bar for each period; the table below has the figures.");
    svg_axis_y(&c);
    for (uint32_t i = 0; i < count; i++) {
        struct buffer tip;

        buffer_init(&tip, TIP_MAX);
        words_period(&tip, period[i].from_us, period[i].until_us - 1);
        buffer_add_text(&tip, ": ");
        words_count(&tip, is_share ? period[i].positive : period[i].rows);
        buffer_add_text(&tip, is_share ? " frauds, " : " rows");
        if (is_share)
            words_percent(&tip, share_of(&period[i]));
        svg_bar(&c, (double)period[i].from_us, (double)period[i].until_us, 0,
                is_share ? share_of(&period[i]) : (double)period[i].rows,
                is_share ? "fraud" : "legit", buffer_text(&tip));
        buffer_fini(&tip);
    }
    svg_close(&c);
}

static void add_period_rows(const struct profile_period *period, uint32_t count, bool has_label,
                            struct buffer *out)
{
    static const char *const heading[] = {"From", "Rows", "Frauds", "Share of frauds"};

    html_table_open(out, "Rows by period", heading, has_label ? 4 : 2);
    for (uint32_t i = 0; i < count && i < TABLE_PERIODS; i++) {
        buffer_add_text(out, "<tr><th scope=\"row\">");
        profile_value(out, TYPE_TIME, (double)period[i].from_us);
        buffer_add_text(out, "</th><td>");
        words_count(out, period[i].rows);
        if (has_label) {
            buffer_add_text(out, "</td><td>");
            words_count(out, period[i].positive);
            buffer_add_text(out, "</td><td>");
            words_percent(out, share_of(&period[i]));
        }
        buffer_add_text(out, "</td></tr>\n");
    }
    html_table_close(out);
}

static void section_time(const struct profile *p, struct buffer *out)
{
    bool has_label = p->guesses->label.field != FIELD_NONE;
    const char *each;
    uint32_t count;
    struct profile_period *period = profile_periods(p, &count, &each);

    if (count > 0) {
        html_section_open(out, "time", "Over time");
        buffer_add_text(out, "<p class=\"soft\">By ");
        html_text(out, each);
        if (p->undated > 0) {
            buffer_add_text(out, "; not in it: ");
            words_count(out, p->undated);
            buffer_add_text(out, " rows without a usable time");
        }
        buffer_add_text(out, ".</p>\n<figure class=\"wide\">");
        add_chart(period, count, false, out);
        if (has_label)
            add_chart(period, count, true, out);
        buffer_add_text(out, "</figure>\n<details><summary>The figures</summary>\n");
        add_period_rows(period, count, has_label, out);
        buffer_add_text(out, "</details>\n");
        html_section_close(out);
    }
    mem_free(period);
}

/* ---- what to look at ---- */

static void section_suspects(const struct profile *p, struct buffer *out)
{
    static const char *const heading[] = {"Field", "Value", "Rows", "Why"};
    uint32_t found = 0;

    for (uint32_t i = 0; i < p->count; i++)
        found += p->fields[i].suspect_count;
    if (found == 0)
        return;
    html_section_open(out, "suspicious", "Worth a look");
    html_paragraph(out, "soft",
                   "Values that may mean something else than they say. Nothing was changed.");
    html_table_open(out, "Suspicious values", heading, 4);
    for (uint32_t i = 0; i < p->count; i++) {
        for (uint32_t k = 0; k < p->fields[i].suspect_count; k++) {
            const struct profile_suspect *s = &p->fields[i].suspect[k];

            buffer_add_text(out, "<tr><th scope=\"row\">");
            html_text(out, p->fields[i].name);
            buffer_add_text(out, "</th><td><code>");
            html_text(out, s->text);
            buffer_add_text(out, "</code></td><td>");
            words_count(out, s->count);
            buffer_add_text(out, "</td><td class=\"left\">");
            html_text(out, s->why);
            buffer_add_text(out, "</td></tr>\n");
        }
    }
    html_table_close(out);
    html_section_close(out);
}

/* ---- fields ---- */

static void section_fields(const struct profile *p, struct buffer *out)
{
    static const char *const heading[] = {"Field",  "Missing", "Distinct", "Least",
                                          "Median", "Most",    "Outliers"};

    html_section_open(out, "fields", "Fields");
    html_table_open(out, "All fields", heading, 7);
    for (uint32_t i = 0; i < p->count; i++) {
        const struct profile_field *f = &p->fields[i];
        bool has_range = f->has_range && f->type != TYPE_BOOL, is_time = f->type == TYPE_TIME;

        buffer_add_text(out, "<tr><td class=\"left\"><b>");
        html_text(out, f->name);
        buffer_format(out, "</b> <small>%s</small></td><td>", type_name(f->type));
        words_percent(out, p->rows > 0 ? (double)f->nulls / (double)p->rows : 0);
        if (f->stands_in != NULL) {
            buffer_add_text(out, " <small>stands in: ");
            html_text(out, f->stands_in);
            buffer_add_text(out, "</small>");
        }
        buffer_format(out, "</td><td>%s", f->is_distinct_exact || f->is_unique ? "" : "about ");
        words_count(out, f->distinct);
        buffer_add_text(out, "</td><td>");
        if (has_range)
            profile_value(out, f->type, is_time ? (double)f->earliest_us : f->least);
        buffer_add_text(out, "</td><td>");
        if (f->has_spread)
            profile_value(out, f->type, f->spread.quantile[PROFILE_QUANTILES / 2]);
        buffer_add_text(out, "</td><td>");
        if (has_range)
            profile_value(out, f->type, is_time ? (double)f->latest_us : f->most);
        buffer_add_text(out, "</td><td>");
        if (f->has_spread && f->spread.has_fence)
            words_count(out, f->spread.outliers);
        buffer_add_text(out, "</td></tr>\n");
    }
    html_table_close(out);
    html_section_close(out);
}

static void add_histogram(const struct profile_field *f, uint32_t number, struct buffer *out)
{
    const struct profile_spread *s = &f->spread;
    struct svg_chart c = {
        .out = out, .width = 480, .height = 170, .left = 56, .right = 12, .top = 8, .bottom = 26};
    double width = (s->high - s->low) / s->bars;
    uint64_t most = 1;
    char id[32];

    for (uint32_t i = 0; i < s->bars; i++)
        most = s->bar[i] > most ? s->bar[i] : most;
    snprintf(id, sizeof id, "h%u", number);
    c.x = (struct svg_axis){.low = s->low, .high = s->high};
    c.y = (struct svg_axis){.high = (double)most, .format = SVG_COUNT};
    svg_open(&c, id, f->name, "Rows by value");
    svg_axis_y(&c);
    if (f->type != TYPE_TIME)
        svg_axis_x(&c);
    for (uint32_t i = 0; i < s->bars; i++) {
        struct buffer tip;

        buffer_init(&tip, TIP_MAX);
        profile_value(&tip, f->type, s->low + width * i);
        buffer_add_text(&tip, " to ");
        profile_value(&tip, f->type, s->low + width * (i + 1));
        buffer_add_text(&tip, ": ");
        words_count(&tip, s->bar[i]);
        buffer_add_text(&tip, " rows");
        svg_bar(&c, s->low + width * i, s->low + width * (i + 1), 0, (double)s->bar[i], "legit",
                buffer_text(&tip));
        buffer_fini(&tip);
    }
    svg_close(&c);
}

static void add_quantiles(const struct profile_field *f, struct buffer *out)
{
    const struct profile_spread *s = &f->spread;

    buffer_add_text(out, "<figcaption>Quantiles: ");
    for (unsigned i = 0; i < PROFILE_QUANTILES; i++) {
        buffer_format(out, "%s%g&#160;%% ", i > 0 ? ", " : "", 100 * profile_share[i]);
        profile_value(out, f->type, s->quantile[i]);
    }
    buffer_add_text(out, s->is_exact ? "." : " (estimated).");
    if (s->below + s->above > 0) {
        buffer_add_text(out, " Outside of the picture: ");
        words_count(out, s->below + s->above);
        buffer_add_text(out, " rows.");
    }
    if (s->has_fence && s->outliers > 0) {
        buffer_add_text(out, " Outliers, below ");
        profile_value(out, f->type, s->fence_low);
        buffer_add_text(out, " or above ");
        profile_value(out, f->type, s->fence_high);
        buffer_add_text(out, ": ");
        words_count(out, s->outliers);
        buffer_add_char(out, '.');
    }
    buffer_add_text(out, "</figcaption>");
}

static void add_values(const struct profile_field *f, uint64_t cells, struct buffer *out)
{
    static const char *const heading[] = {"Value", "Rows", "Share"};

    html_table_open(out, "The most frequent values", heading, 3);
    for (uint32_t i = 0; i < f->top_count; i++) {
        buffer_add_text(out, "<tr><td class=\"left\">");
        html_text(out, f->top[i].text);
        buffer_add_text(out, "</td><td>");
        words_count(out, f->top[i].count);
        buffer_add_text(out, "</td><td>");
        words_percent(out, (double)f->top[i].count / (double)cells);
        buffer_add_text(out, "</td></tr>\n");
    }
    html_table_close(out);
}

static void section_spreads(const struct profile *p, struct buffer *out)
{
    html_section_open(out, "spreads", "Values");
    buffer_add_text(out, "<div class=\"charts\">\n");
    for (uint32_t i = 0; i < p->count; i++) {
        const struct profile_field *f = &p->fields[i];

        if ((!f->has_spread || f->spread.bars == 0) && f->top_count == 0)
            continue;
        buffer_add_text(out, "<figure><h3>");
        html_text(out, f->name);
        buffer_add_text(out, "</h3>\n");
        if (f->has_spread && f->spread.bars > 0) {
            add_histogram(f, i, out);
            add_quantiles(f, out);
        } else {
            add_values(f, p->rows - f->nulls, out);
        }
        buffer_add_text(out, "</figure>\n");
    }
    buffer_add_text(out, "</div>\n");
    html_section_close(out);
}

void profile_html(const struct profile *p, const char *title, const char *version,
                  struct buffer *out)
{
    html_open(out, title);
    buffer_add_text(out, "<header>\n<p class=\"eyebrow\">Data profile</p>\n<h1>");
    html_text(out, title);
    buffer_add_text(out, "</h1>\n</header>\n<main>\n");
    section_found(p, out);
    section_time(p, out);
    section_suspects(p, out);
    section_fields(p, out);
    section_spreads(p, out);
    buffer_add_text(out, "</main>\n<footer>\n<p>Written by Assay ");
    html_text(out, version);
    buffer_add_text(out, ".</p>\n</footer>\n");
    html_close(out);
}

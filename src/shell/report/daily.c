#include "shell/report/daily.h"

#include <math.h>
#include <stdio.h>

#include "core/base/memory.h"
#include "core/base/number.h"
#include "core/data/json.h"
#include "shell/report/html.h"
#include "shell/report/svg.h"

enum { COLUMNS = 8, CELL_BYTES = 64, DAYS_WIDE = 12, FIRST_WORDS = 5 };

#define NORMAL "NORMAL" /* the reason that says that there is none */

static const char *const headings[COLUMNS] = {"Day",   "Count", "Average amount", "Risky",
                                              "Score", "Level", "Reason",         "Action"};

static bool is_text(const char *t)
{
    return t != NULL && *t != 0;
}

/* "25 December 2026" of 2026-12-25. */
static void add_day(const char *date, struct buffer *out)
{
    static const char *const months[] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};
    unsigned year, month, day;

    if (sscanf(date, "%4u-%2u-%2u", &year, &month, &day) == 3 && month >= 1 && month <= 12)
        buffer_format(out, "%u %s %u", day, months[month - 1], year);
    else
        buffer_add_text(out, date);
}

/* "high" of HIGH. */
static void add_small(const char *word, struct buffer *out)
{
    for (; *word != 0; word++)
        buffer_add_char(out, (char)(*word >= 'A' && *word <= 'Z' ? *word + ('a' - 'A') : *word));
}

/* A score of small shares keeps the digits that tell days apart. */
static void add_score(double score, struct buffer *out)
{
    buffer_format(out, score != 0 && fabs(score) < 0.1 ? "%.2g" : "%.2f", score);
}

static bool has_reason_of(const struct daily_row *row)
{
    return is_text(row->reason) && strcmp(row->reason, NORMAL) != 0;
}

void daily_sentence(const struct daily *d, const struct daily_row *row, struct buffer *out)
{
    bool has_reason = has_reason_of(row);
    bool is_lowest = d->lowest != NULL && is_text(row->level) && strcmp(row->level, d->lowest) == 0;

    buffer_add_text(out, "On ");
    add_day(row->date, out);
    if (isnan(row->score)) {
        buffer_add_text(out, " risk could not be said: the day has too little for its score.");
        return;
    }
    buffer_add_text(out, " risk was ");
    if (is_text(row->level)) {
        add_small(row->level, out);
        buffer_add_text(out, " (");
        add_score(row->score, out);
        buffer_add_char(out, ')');
    } else {
        add_score(row->score, out);
    }
    if (has_reason)
        buffer_format(out, is_lowest ? ", although %s holds" : ", because of %s", row->reason);
    else
        buffer_add_text(out, is_lowest || !is_text(row->level) ? ": nothing stood out"
                                                               : ", for none of the reasons");
    if (!is_lowest && is_text(row->action))
        buffer_format(out, ". Action: %s", row->action);
    buffer_add_char(out, '.');
}

void daily_remarks(const struct daily *d, struct buffer *out)
{
    const struct daily_row *most = NULL;
    uint32_t days = 0;

    for (uint32_t i = 0; i < d->rows; i++) {
        const struct daily_row *r = &d->row[i];

        if (!(r->ctr > 1))
            continue;
        days++;
        if (most == NULL || r->ctr > most->ctr)
            most = r;
    }
    if (most == NULL)
        return;
    buffer_format(out,
                  "A ctr above 1 is not a rate: on %u day%s there are more clicks than impressions "
                  "(ctr %.4g on ",
                  days, days == 1 ? "" : "s", most->ctr);
    add_day(most->date, out);
    buffer_add_text(out, "), as where clicks are a call's seconds. What 1 - ctr adds to a score is "
                         "then below 0 and pulls the level down, whatever the reason says; the "
                         "score stands as its formula gives it unless the settings say clamp.");
}

/* ---- the table ---- */

/* 506,406.72: digits in threes. */
static void format_number(double v, int digits, char out[CELL_BYTES])
{
    char plain[CELL_BYTES];
    size_t length, whole, to = 0;

    out[0] = 0;
    if (isnan(v))
        return;
    if (fabs(v) >= 1e15) {
        snprintf(out, CELL_BYTES, "%g", v);
        return;
    }
    length = (size_t)snprintf(plain, sizeof plain, "%.*f", digits, v);
    whole = digits > 0 ? length - (size_t)digits - 1 : length;
    for (size_t i = 0; i < length; i++) {
        if (i > 0 && i < whole && (whole - i) % 3 == 0 && plain[i - 1] != '-')
            out[to++] = ',';
        out[to++] = plain[i];
    }
    out[to] = 0;
}

/* Digits of the scores: shares of some per mille need more of them. */
static int score_digits(const struct daily *d)
{
    double most = 0;

    for (uint32_t i = 0; i < d->rows; i++)
        most = isnan(d->row[i].score) ? most : fmax(most, fabs(d->row[i].score));
    return most > 0 && most < 0.1 ? 5 : 3;
}

struct cells {
    char digits[4][CELL_BYTES];
    const char *cell[COLUMNS];
};

static void make_cells(const struct daily_row *r, int score, struct cells *c)
{
    format_number(r->count, 0, c->digits[0]);
    format_number(r->average, 2, c->digits[1]);
    format_number(r->risky, 0, c->digits[2]);
    format_number(r->score, score, c->digits[3]);
    c->cell[0] = r->date;
    for (int i = 0; i < 4; i++)
        c->cell[1 + i] = c->digits[i];
    c->cell[5] = r->level != NULL ? r->level : "";
    c->cell[6] = r->reason != NULL ? r->reason : "";
    c->cell[7] = r->action != NULL ? r->action : "";
}

/* The columns that some day has. */
struct shown {
    uint32_t count;
    int column[COLUMNS];
    const char *heading[COLUMNS];
    uint32_t words; /* by bit */
};

static struct shown show_columns(const struct daily *d)
{
    struct shown s = {0};

    for (int k = 0; k < COLUMNS; k++) {
        bool has = k == 0;

        for (uint32_t i = 0; i < d->rows && !has; i++) {
            struct cells c;

            make_cells(&d->row[i], 3, &c);
            has = c.cell[k][0] != 0;
        }
        if (!has)
            continue;
        if (k >= FIRST_WORDS)
            s.words |= 1u << s.count;
        s.heading[s.count] = headings[k];
        s.column[s.count++] = k;
    }
    return s;
}

static const struct daily_row *riskiest(const struct daily *d)
{
    const struct daily_row *best = NULL;

    for (uint32_t i = 0; i < d->rows; i++) {
        if (!isnan(d->row[i].score) && (best == NULL || d->row[i].score > best->score))
            best = &d->row[i];
    }
    return best;
}

/* The newest day, and the riskiest where it is another one. */
static void add_sentences(const struct daily *d, struct buffer *out)
{
    const struct daily_row *newest = d->rows > 0 ? &d->row[d->rows - 1] : NULL;
    const struct daily_row *most = riskiest(d);

    if (most != NULL && most != newest) {
        daily_sentence(d, most, out);
        buffer_add_char(out, ' ');
    }
    if (newest != NULL)
        daily_sentence(d, newest, out);
}

static void draw_bars(const struct terminal *t, const struct daily *d, struct buffer *out)
{
    uint32_t first = d->rows > DAILY_BARS_MAX ? d->rows - DAILY_BARS_MAX : 0;
    const char *name[DAILY_BARS_MAX];
    double value[DAILY_BARS_MAX];
    uint32_t count = 0;

    for (uint32_t i = first; i < d->rows; i++) {
        name[count] = d->row[i].date;
        value[count++] = isnan(d->row[i].score) ? 0 : d->row[i].score;
    }
    terminal_heading(t, "Score by day", out);
    terminal_bars(t, name, value, count, out);
}

void daily_terminal(const struct terminal *t, const struct daily *d, struct buffer *out)
{
    struct cells *cells = mem_array(d->rows + 1, sizeof *cells);
    const struct shown shown = show_columns(d);
    const char **cell = mem_array(((size_t)d->rows + 1) * shown.count, sizeof *cell);
    struct report_table table = {
        .title = d->title, .columns = shown.count, .rows = d->rows + 1, .words = shown.words};
    struct buffer words;

    memcpy(cell, shown.heading, shown.count * sizeof *cell);
    for (uint32_t i = 0; i < d->rows; i++) {
        make_cells(&d->row[i], score_digits(d), &cells[i]);
        for (uint32_t k = 0; k < shown.count; k++)
            cell[((size_t)i + 1) * shown.count + k] = cells[i].cell[shown.column[k]];
    }
    table.cell = cell;
    terminal_table(t, &table, out);
    buffer_add_char(out, '\n');
    draw_bars(t, d, out);
    buffer_init(&words, REPORT_BYTES_MAX);
    add_sentences(d, &words);
    buffer_add_char(out, '\n');
    terminal_wrapped(t, buffer_text(&words), 0, out);
    buffer_clear(&words);
    daily_remarks(d, &words);
    if (words.length > 0)
        terminal_wrapped(t, buffer_text(&words), 0, out);
    buffer_fini(&words);
    mem_free(cells);
    mem_free(cell);
}

/* ---- the page ---- */

/* Above the lowest level, or without levels for a reason. */
static bool stands_out(const struct daily *d, const struct daily_row *r)
{
    if (d->lowest == NULL)
        return has_reason_of(r);
    return is_text(r->level) && strcmp(r->level, d->lowest) != 0;
}

static void add_legend(const struct daily *d, struct buffer *out)
{
    uint32_t days = 0;

    for (uint32_t i = 0; i < d->rows; i++)
        days += stands_out(d, &d->row[i]);
    buffer_format(out, "<figcaption>One bar a day. Red: %u of %u days ", days, d->rows);
    if (d->lowest == NULL) {
        buffer_add_text(out, "for which a reason holds.");
    } else {
        buffer_add_text(out, "above the level ");
        html_text(out, d->lowest);
        buffer_add_char(out, '.');
    }
    buffer_add_text(out, "</figcaption>\n");
}

static void add_chart(const struct daily *d, struct buffer *out)
{
    struct svg_chart c = {
        .out = out, .width = 960, .height = 300, .left = 80, .top = 16, .right = 16, .bottom = 40};
    double low = 0, high = 0;
    struct buffer tip;

    for (uint32_t i = 0; i < d->rows; i++) {
        if (isnan(d->row[i].score))
            continue;
        low = fmin(low, d->row[i].score);
        high = fmax(high, d->row[i].score);
    }
    c.x = (struct svg_axis){.low = 0, .high = d->rows > DAYS_WIDE ? d->rows : DAYS_WIDE};
    c.y = (struct svg_axis){.low = low, .high = high > low ? high : low + 1, .label = "Score"};
    svg_open(&c, "daily", "Score by day", "One bar a day; those that stand out are red");
    svg_axis_y(&c);
    for (uint32_t i = 0; i < d->rows; i++) {
        const struct daily_row *r = &d->row[i];

        if (isnan(r->score))
            continue;
        buffer_init(&tip, REPORT_BYTES_MAX);
        daily_sentence(d, r, &tip);
        svg_bar(&c, i + 0.1, i + 0.9, fmin(0, r->score), fmax(0, r->score),
                stands_out(d, r) ? "fraud" : "legit", buffer_text(&tip));
        buffer_fini(&tip);
        if (i % (d->rows / 10 + 1) == 0)
            svg_words(&c, i + 0.5, low, 0, 16, SVG_MIDDLE, "label", r->date);
    }
    svg_close(&c);
}

static void add_table(const struct daily *d, struct buffer *out)
{
    const struct shown shown = show_columns(d);
    int digits = score_digits(d);

    html_table_open_words(out, "Day by day, the newest first", shown.heading, shown.count,
                          shown.words);
    for (uint32_t i = d->rows; i > 0; i--) {
        struct cells c;

        make_cells(&d->row[i - 1], digits, &c);
        buffer_add_text(out, "<tr>");
        for (uint32_t k = 0; k < shown.count; k++) {
            bool is_words = k == 0 || (shown.words >> k & 1) != 0;

            buffer_add_text(out, is_words ? "<td class=\"left\">" : "<td>");
            html_text(out, c.cell[shown.column[k]]);
            buffer_add_text(out, "</td>");
        }
        buffer_add_text(out, "</tr>\n");
    }
    html_table_close(out);
}

void daily_html(const struct daily *d, const char *version, struct buffer *out)
{
    struct buffer words;

    buffer_init(&words, REPORT_BYTES_MAX);
    html_open(out, d->title);
    buffer_add_text(out, "<header>\n<p class=\"eyebrow\">Daily risk</p>\n<h1>");
    html_text(out, d->title);
    buffer_add_text(out, "</h1>\n</header>\n<main>\n");
    html_section_open(out, "risk", "Risk by day");
    add_sentences(d, &words);
    html_paragraph(out, "lead", buffer_text(&words));
    buffer_clear(&words);
    daily_remarks(d, &words);
    if (words.length > 0)
        html_paragraph(out, "note", buffer_text(&words));
    buffer_add_text(out, "<figure>\n");
    add_chart(d, out);
    add_legend(d, out);
    buffer_add_text(out, "</figure>\n");
    html_section_close(out);
    html_section_open(out, "days", "The days");
    add_table(d, out);
    html_section_close(out);
    buffer_add_text(out, "</main>\n<footer>\n<p>Written by Assay ");
    html_text(out, version);
    buffer_add_text(out, ".</p>\n</footer>\n");
    html_close(out);
    buffer_fini(&words);
}

/* ---- for machines ---- */

static const char *const names[COLUMNS] = {"date",  "count", "average_amount", "risky_count",
                                           "score", "level", "reason",         "action"};

/* A spreadsheet takes what begins with = + - @ for a formula; our texts are the settings' own, but
 * they may be quoted all the same. */
static void add_csv_text(const char *t, struct buffer *out)
{
    if (t == NULL)
        return;
    if (strpbrk(t, "\",\r\n") == NULL) {
        buffer_add_text(out, t);
        return;
    }
    buffer_add_char(out, '"');
    for (; *t != 0; t++) {
        buffer_add_char(out, *t);
        if (*t == '"')
            buffer_add_char(out, '"');
    }
    buffer_add_char(out, '"');
}

static void add_csv_number(double v, struct buffer *out)
{
    char digits[NUMBER_TEXT_MAX];

    if (!isnan(v))
        buffer_add(out, digits, number_format_real(v, digits));
}

void daily_csv(const struct daily *d, struct buffer *out)
{
    for (int i = 0; i < COLUMNS; i++)
        buffer_format(out, "%s%s", i > 0 ? "," : "", names[i]);
    buffer_add_char(out, '\n');
    for (uint32_t i = 0; i < d->rows; i++) {
        const struct daily_row *r = &d->row[i];
        const double number[] = {r->count, r->average, r->risky, r->score};
        const char *const text[] = {r->level, r->reason, r->action};

        buffer_add_text(out, r->date);
        for (int k = 0; k < 4; k++) {
            buffer_add_char(out, ',');
            add_csv_number(number[k], out);
        }
        for (int k = 0; k < 3; k++) {
            buffer_add_char(out, ',');
            add_csv_text(text[k], out);
        }
        buffer_add_char(out, '\n');
    }
}

static void add_json_text(const char *name, const char *t, struct buffer *out)
{
    buffer_format(out, ",\"%s\":", name);
    if (t != NULL)
        json_add_text(out, text_of(t));
    else
        buffer_add_text(out, "null");
}

void daily_json(const struct daily *d, struct buffer *out)
{
    struct buffer words;

    buffer_init(&words, REPORT_BYTES_MAX);
    buffer_add_text(out, "{\"title\":");
    json_add_text(out, text_of(d->title));
    buffer_add_text(out, ",\"days\":[");
    for (uint32_t i = 0; i < d->rows; i++) {
        const struct daily_row *r = &d->row[i];
        const double number[] = {r->count, r->average, r->risky, r->score};
        const char *const text[] = {r->level, r->reason, r->action};

        buffer_format(out, "%s{\"date\":\"%s\"", i > 0 ? "," : "", r->date);
        for (int k = 0; k < 4; k++) {
            buffer_format(out, ",\"%s\":", names[1 + k]);
            json_add_real(out, number[k]);
        }
        for (int k = 0; k < 3; k++)
            add_json_text(names[5 + k], text[k], out);
        buffer_clear(&words);
        daily_sentence(d, r, &words);
        add_json_text("sentence", buffer_text(&words), out);
        buffer_add_char(out, '}');
    }
    buffer_clear(&words);
    daily_remarks(d, &words);
    buffer_add_char(out, ']');
    add_json_text("remark", words.length > 0 ? buffer_text(&words) : NULL, out);
    buffer_add_text(out, "}\n");
    buffer_fini(&words);
}

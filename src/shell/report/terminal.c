#include "shell/report/terminal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "shell/report/thresholds.h"
#include "shell/report/verdict.h"
#include "shell/report/words.h"

enum {
    WIDTH_DEFAULT = 80,
    WIDTH_LEAST = 40,
    WIDTH_MOST = 120,
    CURVE_COLUMNS = 48,
    CURVE_LINES = 12,
    NAME_COLUMNS = 28,
    BARS_SHOWN = 10,
    CELL_COLUMNS = 22,
    TABLE_CELL_MAX = 40,
};

enum colour { PLAIN = 0, BOLD = 1, DIM = 2, RED = 31, GREEN = 32, YELLOW = 33, BLUE = 34 };

static bool is_set(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != 0;
}

/* The first of these that is set rules (POSIX, 8.2). */
static bool locale_is_utf8(void)
{
    static const char *const name[] = {"LC_ALL", "LC_CTYPE", "LANG"};

    for (unsigned i = 0; i < sizeof name / sizeof *name; i++) {
        const char *value = getenv(name[i]);

        if (value != NULL && value[0] != 0)
            return strcasestr(value, "utf-8") != NULL || strcasestr(value, "utf8") != NULL;
    }
    return false;
}

struct terminal terminal_of(int descriptor)
{
    struct terminal t = {.width = WIDTH_DEFAULT};
    const char *kind = getenv("TERM");
    struct winsize size;

    if (!isatty(descriptor))
        return t;
    t.unicode = locale_is_utf8();
    t.colour = !is_set("NO_COLOR") && kind != NULL && strcmp(kind, "dumb") != 0;
    if (ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        t.width = size.ws_col;
    return t;
}

static unsigned width_of(const struct terminal *t)
{
    return t->width < WIDTH_LEAST ? WIDTH_LEAST : t->width > WIDTH_MOST ? WIDTH_MOST : t->width;
}

static void colour_on(const struct terminal *t, enum colour c, struct buffer *out)
{
    if (t->colour)
        buffer_format(out, "\033[%dm", (int)c);
}

static void colour_off(const struct terminal *t, struct buffer *out)
{
    colour_on(t, PLAIN, out);
}

void terminal_heading(const struct terminal *t, const char *words, struct buffer *out)
{
    buffer_add_char(out, '\n');
    colour_on(t, BOLD, out);
    buffer_add_text(out, words);
    colour_off(t, out);
    buffer_add_char(out, '\n');
}

/* A C0, DEL or C1 control at this place: its length, else 0. C1 controls are 0xc2 0x80..0x9f. */
static unsigned control_length(const char *at)
{
    const unsigned char *p = (const unsigned char *)at;

    if (p[0] < 0x20 || p[0] == 0x7f)
        return 1;
    return p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f ? 2 : 0;
}

static bool continues(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* Text without controls, cut or padded to so many columns (a character counts one). Not UTF-8 or,
 * on a plain terminal, not ASCII: '?'. */
void terminal_name(const struct terminal *t, const char *name, unsigned columns, bool pads,
                   struct buffer *out)
{
    bool is_utf8 = t->unicode && text_is_utf8(text_of(name));
    unsigned used = 0;

    while (*name != 0 && used < columns) {
        unsigned skip = control_length(name), length = 1;

        if (skip == 0)
            while (is_utf8 && continues(name[length]))
                length++;
        if (skip > 0 || (!is_utf8 && (*name & 0x80)))
            buffer_add_char(out, '?');
        else
            buffer_add(out, name, length);
        name += skip > 0 ? skip : length;
        used++;
    }
    while (pads && used++ < columns)
        buffer_add_char(out, ' ');
}

/* Words broken at spaces to the width, each line indented. */
void terminal_wrapped(const struct terminal *t, const char *words, unsigned indent,
                      struct buffer *out)
{
    unsigned width = width_of(t), column = 0;

    while (*words != 0) {
        unsigned length = (unsigned)strcspn(words, " ");

        if (column > 0 && column + 1 + length > width) {
            buffer_add_char(out, '\n');
            column = 0;
        }
        if (column == 0)
            buffer_format(out, "%*s", (int)indent, "");
        else
            buffer_add_char(out, ' ');
        column += column == 0 ? indent + length : 1 + length;
        for (unsigned i = 0; i < length; i++)
            buffer_add_char(out, control_length(words + i) == 0 ? words[i] : '?');
        words += length;
        words += strspn(words, " ");
    }
    buffer_add_char(out, '\n');
}

/* Eighths of a cell: nothing, then U+258F (one eighth) to U+2588 (full). */
static void put_bar(const struct terminal *t, double share, unsigned columns, bool pads,
                    struct buffer *out)
{
    unsigned eighths = share > 0 ? (unsigned)lround(fmin(share, 1) * columns * 8) : 0;
    unsigned full = eighths / 8, part = eighths % 8;

    if (!t->unicode)
        full = (eighths + 4) / 8;
    for (unsigned i = 0; i < full; i++)
        buffer_add_text(out, t->unicode ? "\xe2\x96\x88" : "#");
    if (t->unicode && part > 0) {
        buffer_format(out, "\xe2\x96%c", (char)(0x90 - part));
        full++;
    }
    if (pads)
        buffer_format(out, "%*s", (int)(columns - full), "");
}

void terminal_columns(const struct terminal *t, const uint64_t *value, unsigned count,
                      struct buffer *out)
{
    static const char plain[] = " .:-=+*#";
    uint64_t most = 1;

    for (unsigned i = 0; i < count; i++)
        most = value[i] > most ? value[i] : most;
    for (unsigned i = 0; i < count; i++) {
        /* what is there is seen: at least the lowest mark */
        unsigned height =
            value[i] == 0 ? 0 : 1 + (unsigned)((double)value[i] / (double)most * 6.999);

        if (!t->unicode)
            buffer_add_char(out, plain[height]);
        else if (height == 0)
            buffer_add_char(out, ' ');
        else
            buffer_format(out, "\xe2\x96%c", (char)(0x81 + height));
    }
}

void terminal_bars(const struct terminal *t, const char *const *name, const double *value,
                   unsigned count, struct buffer *out)
{
    unsigned columns = width_of(t) > NAME_COLUMNS + 24 ? width_of(t) - NAME_COLUMNS - 14 : 10;
    double most = 0;

    columns = columns > 40 ? 40 : columns;
    for (unsigned i = 0; i < count; i++)
        most = fmax(most, value[i]);
    for (unsigned i = 0; i < count; i++) {
        buffer_add_text(out, "  ");
        terminal_name(t, name[i], NAME_COLUMNS - 2, true, out);
        colour_on(t, BLUE, out);
        put_bar(t, most > 0 ? value[i] / most : 0, columns, true, out);
        colour_off(t, out);
        buffer_add_char(out, ' ');
        words_number(out, value[i]);
        buffer_add_char(out, '\n');
    }
}

/* Dots of the curve: with braille each cell holds 2 by 4 of them, in ASCII one. */
struct canvas {
    unsigned across, down; /* dots in one cell */
    uint8_t cell[CURVE_LINES][CURVE_COLUMNS];
};

static void canvas_dot(struct canvas *c, double x, double y)
{
    /* Bits of the dots of a braille cell (Unicode, chapter 21.1): column by column. */
    static const uint8_t bit[4][2] = {{1, 8}, {2, 16}, {4, 32}, {64, 128}};
    unsigned right = (unsigned)lround(x * (CURVE_COLUMNS * c->across - 1));
    unsigned down = (unsigned)lround((1 - y) * (CURVE_LINES * c->down - 1));

    c->cell[down / c->down][right / c->across] |= bit[down % c->down][right % c->across];
}

static void canvas_curve(struct canvas *c, const struct curve *curve)
{
    enum { STEPS = 200 };

    for (uint32_t i = 1; i < curve->points; i++)
        for (unsigned s = 0; s <= STEPS; s++) {
            double at = (double)s / STEPS;

            canvas_dot(c, curve->x[i - 1] + at * (curve->x[i] - curve->x[i - 1]),
                       curve->y[i - 1] + at * (curve->y[i] - curve->y[i - 1]));
        }
}

static void put_canvas_line(const struct terminal *t, const uint8_t *cell, bool is_chance,
                            struct buffer *out)
{
    for (unsigned i = 0; i < CURVE_COLUMNS; i++) {
        if (cell[i] != 0 && t->unicode) {
            buffer_format(out, "\xe2%c%c", (char)(0xa0 + (cell[i] >> 6)),
                          (char)(0x80 + (cell[i] & 0x3f)));
        } else if (cell[i] != 0) {
            buffer_add_char(out, '*');
        } else if (is_chance && i % 2 == 0) {
            buffer_add_text(out, t->unicode ? "\xc2\xb7" : ".");
        } else {
            buffer_add_char(out, ' ');
        }
    }
}

void terminal_curve(const struct terminal *t, const struct curve *curve, double chance,
                    const char *x_label, const char *y_label, struct buffer *out)
{
    struct canvas c = {.across = t->unicode ? 2 : 1, .down = t->unicode ? 4 : 1};
    int chance_line = isnan(chance) ? -1 : (int)lround((1 - chance) * (CURVE_LINES - 1));

    canvas_curve(&c, curve);
    buffer_format(out, "  %s\n", y_label);
    for (int line = 0; line < CURVE_LINES; line++) {
        const char *mark = line == 0 ? "100 %" : line == CURVE_LINES - 1 ? "  0 %" : "     ";

        buffer_format(out, "  %s %s", mark, t->unicode ? "\xe2\x94\x82" : "|");
        colour_on(t, BLUE, out);
        put_canvas_line(t, c.cell[line], line == chance_line, out);
        colour_off(t, out);
        buffer_add_text(out, line == chance_line ? " chance\n" : "\n");
    }
    buffer_format(out, "        %s", t->unicode ? "\xe2\x94\x94" : "+");
    for (int i = 0; i < CURVE_COLUMNS; i++)
        buffer_add_text(out, t->unicode ? "\xe2\x94\x80" : "-");
    buffer_format(out, "\n         0 %%%*s\n", CURVE_COLUMNS - 4, x_label);
}

static void put_estimate(const struct estimate *f, bool is_share, unsigned columns,
                         struct buffer *out)
{
    size_t before = out->length;

    words_estimate(out, f, is_share);
    buffer_add_char(out, ' '); /* a long one stands apart from its bar too */
    while (out->length - before < columns && !out->overflow)
        buffer_add_char(out, ' ');
}

void terminal_models(const struct terminal *t, const struct report_data *data, struct buffer *out)
{
    static const char *const name[] = {"recall at 1 % fpr", "average precision", "AUC ROC",
                                       "card precision@100"};

    for (uint32_t i = 0; i < data->models; i++) {
        const struct metrics *m = data->model[i].metrics;
        const struct estimate *f[] = {&m->recall_at_1pct_fpr, &m->average_precision, &m->auc_roc,
                                      &m->card_precision_at_100};

        buffer_add_text(out, "  ");
        colour_on(t, BOLD, out);
        terminal_name(t, data->model[i].name, NAME_COLUMNS, false, out);
        colour_off(t, out);
        buffer_add_text(out, i == data->best && data->models > 1 ? " (saved)\n" : "\n");
        for (unsigned k = 0; k < sizeof f / sizeof *f; k++) {
            buffer_format(out, "    %-20s", name[k]);
            put_estimate(f[k], k == 0, CELL_COLUMNS, out);
            if (!f[k]->is_null) {
                colour_on(t, BLUE, out);
                put_bar(t, f[k]->value, 24, false, out);
                colour_off(t, out);
            }
            buffer_add_char(out, '\n');
        }
    }
}

static void put_right(struct buffer *out, unsigned columns, void (*put)(struct buffer *, double),
                      double v)
{
    struct buffer words;

    buffer_init(&words, 64);
    put(&words, v);
    buffer_format(out, "%*s", (int)columns, buffer_text(&words));
    buffer_fini(&words);
}

void terminal_thresholds(const struct terminal *t, const struct report_model *model,
                         struct buffer *out)
{
    const struct metrics *m = model->metrics;
    uint32_t order[METRICS_THRESHOLDS_MAX], rows;

    colour_on(t, DIM, out);
    buffer_format(out, "  %9s%11s%11s%9s%13s%11s%12s\n", "threshold", "alerts/day", "precision",
                  "recall", "false alarms", "money", "cost");
    colour_off(t, out);
    rows = thresholds_order(m, order);
    for (uint32_t i = 0; i < rows; i++) {
        const struct threshold_row *r = &m->threshold[order[i]];

        buffer_add_text(out, "  ");
        put_right(out, 9, words_number, r->threshold);
        put_right(out, 11, words_number, r->alerts_per_day);
        put_right(out, 11, words_percent, r->precision.value);
        put_right(out, 9, words_percent, r->recall.value);
        put_right(out, 13, words_percent, r->false_positive_rate.value);
        put_right(out, 11, words_percent, r->value_caught.value);
        put_right(out, 12, words_money, r->cost);
        for (uint32_t k = 0; k < model->choices; k++) {
            if (!thresholds_is_chosen(model, k, order[i]))
                continue;
            colour_on(t, GREEN, out);
            buffer_add_text(out, " < ");
            terminal_name(t, model->choice[k].name, NAME_COLUMNS, false, out);
            colour_off(t, out);
        }
        buffer_add_char(out, '\n');
    }
}

static unsigned column_width(const struct report_table *table, uint32_t column)
{
    size_t most = 0;

    for (uint32_t r = 0; r < table->rows; r++) {
        size_t length = strlen(table->cell[r * table->columns + column]);

        most = length > most ? length : most;
    }
    return (unsigned)(most < TABLE_CELL_MAX ? most : TABLE_CELL_MAX);
}

void terminal_table(const struct terminal *t, const struct report_table *table, struct buffer *out)
{
    terminal_heading(t, table->title, out);
    for (uint32_t r = 0; r < table->rows; r++) {
        if (r == 0)
            colour_on(t, DIM, out);
        for (uint32_t c = 0; c < table->columns; c++) {
            const char *cell = table->cell[r * table->columns + c];
            unsigned width = column_width(table, c);

            bool is_words = c == 0 || (c < 32 && (table->words >> c & 1) != 0);

            buffer_add_text(out, "  ");
            if (!is_words) /* figures stand right */
                buffer_format(out, "%*s", (int)(width - strnlen(cell, width)), "");
            terminal_name(t, cell, width, is_words && c + 1 < table->columns, out);
        }
        if (r == 0)
            colour_off(t, out);
        buffer_add_char(out, '\n');
    }
    if (table->note != NULL)
        terminal_wrapped(t, table->note, 2, out);
}

static void put_verdict(const struct terminal *t, const struct report_data *data,
                        struct buffer *out)
{
    static const enum colour tone[] = {YELLOW, RED, YELLOW, GREEN};
    enum verdict v = verdict_of(data->model[data->best].metrics);
    struct buffer words;

    buffer_init(&words, 1 << 16);
    colour_on(t, BOLD, out);
    colour_on(t, tone[v], out);
    buffer_format(out, "%s.\n", verdict_headline(v));
    colour_off(t, out);
    verdict_findings(data, &words);
    terminal_wrapped(t, buffer_text(&words), 2, out);
    buffer_clear(&words);
    verdict_cost(data, &words);
    if (words.length > 0)
        terminal_wrapped(t, buffer_text(&words), 2, out);
    buffer_fini(&words);
}

static void put_warnings(const struct terminal *t, const struct report_data *data,
                         struct buffer *out)
{
    for (uint32_t i = 0; i < data->checks; i++) {
        if (data->check[i].finding != REPORT_WARNING)
            continue;
        colour_on(t, RED, out);
        buffer_add_text(out, "Warning:\n");
        colour_off(t, out);
        terminal_wrapped(t, data->check[i].words, 2, out);
    }
}

/* The next in importance after (value, index), or features where there is none. */
static uint32_t next_important(const struct report_data *data, double value, uint32_t index)
{
    uint32_t best = data->features;

    for (uint32_t i = 0; i < data->features; i++) {
        double v = data->feature[i].importance;

        if (isnan(v) || v > value || (v == value && (index == data->features || i <= index)))
            continue;
        if (best == data->features || v > data->feature[best].importance)
            best = i;
    }
    return best;
}

static void put_importances(const struct terminal *t, const struct report_data *data,
                            struct buffer *out)
{
    const char *name[BARS_SHOWN];
    double value[BARS_SHOWN], last = INFINITY;
    uint32_t count = 0, at = data->features;

    while (count < BARS_SHOWN) {
        at = next_important(data, last, at);
        if (at == data->features)
            break;
        name[count] = data->feature[at].name;
        value[count++] = last = data->feature[at].importance;
    }
    if (count == 0)
        return;
    terminal_heading(t, "Importance (average precision lost when shuffled; not causality)", out);
    terminal_bars(t, name, value, count, out);
}

void terminal_report(const struct terminal *t, const struct report_data *data, struct buffer *out)
{
    const struct report_model *best = &data->model[data->best];
    const struct metrics *m = best->metrics;

    put_verdict(t, data, out);
    put_warnings(t, data, out);
    if (!data->has_no_label) {
        terminal_heading(t, "Held-out figures, with 95 % intervals", out);
        terminal_models(t, data, out);
    }
    if (m->pr.points > 0) {
        terminal_heading(t, "Precision over recall", out);
        terminal_curve(t, &m->pr, (double)m->frauds / m->rows, "recall 100 %", "precision", out);
    }
    if (m->thresholds > 0) {
        terminal_heading(t, "Thresholds", out);
        terminal_thresholds(t, best, out);
    }
    for (uint32_t i = 0; i < data->tables; i++)
        terminal_table(t, &data->table[i], out);
    put_importances(t, data, out);
}

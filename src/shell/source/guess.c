#include "shell/source/guess.h"

#include <math.h>
#include <stdio.h>

#include "core/base/number.h"
#include "core/data/cell.h"

/* The ways to write a number, those with a point first. */
static const struct {
    char point, group;
} forms[GUESS_FORMS] = {{'.', 0}, {'.', ','}, {'.', '\''}, {',', 0}, {',', '.'}};

/* Beyond it a column is real, though a decimal holds 9.2e12: later cells may be larger. */
#define DECIMAL_SAFE 1e12

enum { COMMA_FORMS = 3 /* the first of them */, MISFITS_PER = 200 };

static bool is_bool_word(struct text t)
{
    static const char *const words[] = {"true",  "false", "True", "False", "TRUE",
                                        "FALSE", "t",     "f",    "T",     "F"};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (text_is(t, words[i]))
            return true;
    }
    return false;
}

/* 85.64999999999999 is 85.65 that went through binary arithmetic; 0.123456789 is not. */
static bool is_leftover(double v)
{
    return fabs(v) < 1e9 && (v == 0 || rint(v * 1e6) != 0) &&
           fabs(v * 1e6 - rint(v * 1e6)) < 1e-4 + fabs(v) * 1e-9;
}

static void widen(struct guess_column *c, double v)
{
    c->least = c->any ? fmin(c->least, v) : v;
    c->most = c->any ? fmax(c->most, v) : v;
    c->any = true;
}

static void add_number(struct guess_column *c, struct text t, int form)
{
    struct field f = {.type = TYPE_REAL, .point = forms[form].point, .group = forms[form].group};
    struct value v, whole;
    int64_t decimal;

    if (cell_parse(t, &f, &v) != FAULT_NONE)
        return;
    c->number[form]++;
    widen(c, v.real);
    f.type = TYPE_INT;
    if (memchr(t.bytes, f.point, t.length) == NULL && cell_parse(t, &f, &whole) == FAULT_NONE)
        c->whole[form]++;
    else if (!number_parse_decimal(t, f.point, &decimal) && !is_leftover(v.real))
        c->precise[form]++;
}

static bool is_all_digits(struct text t)
{
    for (size_t i = 0; i < t.length; i++) {
        if ((unsigned char)(t.bytes[i] - '0') > 9)
            return false;
    }
    return t.length > 0;
}

void guess_add_null(struct guess_column *c)
{
    c->nulls++;
}

/* Whether trying goes on: not where too many cells have failed before. */
static bool may_be(uint64_t fit, uint64_t cells)
{
    return cells - fit <= 20 + cells / MISFITS_PER;
}

void guess_add(struct guess_column *c, struct text cell)
{
    struct text t = text_trim(cell);
    uint64_t before = c->cells++;
    int64_t v;

    if (t.length == 0)
        return;
    c->words += is_bool_word(t);
    if (is_all_digits(t) && !number_parse_int(t, &v))
        c->ids++;
    if (cell_has_leading_zero(t))
        c->ids++;
    for (int i = 0; i < GUESS_FORMS; i++) {
        if (may_be(c->number[i], before))
            add_number(c, t, i);
    }
    if (may_be(c->iso, before))
        c->iso += time_parse(t, TIME_ISO, &v);
    if (may_be(c->day_first, before))
        c->day_first += time_parse(t, TIME_DAY_FIRST, &v);
    if (may_be(c->month_first, before))
        c->month_first += time_parse(t, TIME_MONTH_FIRST, &v);
}

/* All cells, or all but a few of many. */
static bool fits(uint64_t fit, uint64_t cells)
{
    return fit > 0 && (fit == cells || (cells >= 1000 && cells - fit <= cells / MISFITS_PER));
}

bool guess_needs_comma(const struct guess_column *columns, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct guess_column *c = &columns[i];
        bool point = false, comma = false;

        for (int form = 0; form < GUESS_FORMS; form++) {
            bool good = fits(c->number[form], c->cells);

            point |= good && form < COMMA_FORMS;
            comma |= good && form >= COMMA_FORMS;
        }
        if (comma && !point)
            return true;
    }
    return false;
}

/* The first form that fits, in the order that the file's decimal mark gives; or -1. */
static int best_form(const struct guess_column *c, char point, bool comma)
{
    bool comma_first = point == ',' || (point == 0 && comma);

    for (int i = 0; i < GUESS_FORMS; i++) {
        int form = comma_first ? (i + COMMA_FORMS) % GUESS_FORMS : i;

        if (point != 0 && forms[form].point != point)
            continue;
        if (fits(c->number[form], c->cells))
            return form;
    }
    return -1;
}

/* Lower-case ASCII of the name, for looking for words in it. */
static bool name_has(struct text name, const char *const *words, size_t count)
{
    char lower[FIELD_NAME_MAX + 1];
    size_t length = name.length < FIELD_NAME_MAX ? name.length : FIELD_NAME_MAX;

    for (size_t i = 0; i < length; i++) {
        char ch = name.bytes[i];

        lower[i] = ch >= 'A' && ch <= 'Z' ? (char)(ch | 0x20) : ch;
    }
    lower[length] = 0;
    for (size_t i = 0; i < count; i++) {
        if (strstr(lower, words[i]) != NULL)
            return true;
    }
    return false;
}

/* Seconds, ms or us since 1970, of 1990..2100, in a column whose name speaks of time. */
static bool guess_unix(const struct guess_column *c, struct text name, enum time_layout *layout)
{
    static const char *const words[] = {"time",  "date", "stamp", "_at",    "_ts",
                                        "epoch", "unix", "when",  "created"};
    const double first = 631152000, last = 4102444800;
    double unit = 1;

    if (!text_is(name, "ts") && !name_has(name, words, sizeof words / sizeof words[0]))
        return false;
    for (enum time_layout i = TIME_UNIX_S; i <= TIME_UNIX_US; i++, unit *= 1000) {
        if (c->least >= first * unit && c->most <= last * unit) {
            *layout = i;
            return true;
        }
    }
    return false;
}

static bool guess_time(const struct guess_column *c, struct guess *g)
{
    if (fits(c->iso, c->cells)) {
        g->layout = TIME_ISO;
        snprintf(g->note, sizeof g->note, "times as 2018-12-31 23:59");
    } else if (fits(c->day_first, c->cells) && c->day_first >= c->month_first) {
        g->layout = TIME_DAY_FIRST;
        snprintf(g->note, sizeof g->note, "times, the day first%s",
                 c->day_first == c->month_first
                     ? " (month first would fit too: say layout month_first if so)"
                     : "");
    } else if (fits(c->month_first, c->cells)) {
        g->layout = TIME_MONTH_FIRST;
        snprintf(g->note, sizeof g->note, "times, the month first");
    } else {
        return false;
    }
    g->type = TYPE_TIME;
    return true;
}

static void guess_number(const struct guess_column *c, struct text name, int form, struct guess *g)
{
    g->point = forms[form].point;
    g->group = forms[form].group;
    if (c->whole[form] == c->cells) {
        g->type = TYPE_INT;
        if (form == 0 && guess_unix(c, name, &g->layout)) {
            g->type = TYPE_TIME;
            snprintf(g->note, sizeof g->note, "%s since 1970, by the name and the range",
                     g->layout == TIME_UNIX_S    ? "seconds"
                     : g->layout == TIME_UNIX_MS ? "milliseconds"
                                                 : "microseconds");
            return;
        }
        snprintf(g->note, sizeof g->note, "whole numbers");
        return;
    }
    g->type = c->precise[form] > 0 || c->least < -DECIMAL_SAFE || c->most > DECIMAL_SAFE
                  ? TYPE_REAL
                  : TYPE_DECIMAL;
    snprintf(g->note, sizeof g->note, "numbers %s%s",
             g->type == TYPE_REAL ? "of more digits than a decimal holds"
                                  : "with at most 6 digits after the mark",
             g->point == ',' ? ", which is a comma" : "");
}

static void guess_text(const struct guess_column *c, bool is_number, struct guess *g)
{
    g->type = TYPE_TEXT;
    if (c->cells == 0)
        snprintf(g->note, sizeof g->note, "text, for want of a cell that is not null");
    else if (is_number && c->ids > 0)
        snprintf(g->note, sizeof g->note,
                 "digits with leading zeros or past 64 bits: kept as text");
    else
        snprintf(g->note, sizeof g->note, "text");
}

struct guess guess_type(const struct guess_column *c, struct text name, char point, bool comma)
{
    struct guess g = {.type = TYPE_TEXT, .point = point == ',' ? ',' : '.'};
    int form = best_form(c, point, comma);
    bool is_whole = form >= 0 && c->whole[form] > c->cells - c->cells / MISFITS_PER;

    if (c->cells == 0) {
        guess_text(c, form >= 0, &g);
    } else if (c->words == c->cells) {
        g.type = TYPE_BOOL;
        snprintf(g.note, sizeof g.note, "true or false");
    } else if (guess_time(c, &g)) {
        return g;
    } else if (form >= 0 && c->ids == 0 && c->quoted == 0 &&
               (c->number[form] == c->cells || !is_whole)) {
        guess_number(c, name, form, &g);
    } else {
        guess_text(c, form >= 0, &g);
    }
    return g;
}

/* A profile for the console: a few lines for each field. */
#include <stdio.h>

#include "core/base/memory.h"
#include "shell/report/profile_report.h"
#include "shell/report/profile_value.h"
#include "shell/report/words.h"

enum { NAME_COLUMNS = 24, PERIOD_LINES = 14 };

static void add_line_start(struct buffer *out, const char *name)
{
    buffer_format(out, "      %-10s", name);
}

static void add_range(const struct profile_field *f, struct buffer *out)
{
    bool is_time = f->type == TYPE_TIME;

    if (!f->has_range || f->type == TYPE_BOOL)
        return;
    add_line_start(out, "range");
    profile_value(out, f->type, is_time ? (double)f->earliest_us : f->least);
    buffer_add_text(out, " to ");
    profile_value(out, f->type, is_time ? (double)f->latest_us : f->most);
    if (!is_time) {
        buffer_add_text(out, ", mean ");
        profile_value(out, f->type, f->mean);
    }
    buffer_add_char(out, '\n');
}

static void add_spread(const struct terminal *t, const struct profile_field *f, struct buffer *out)
{
    static const unsigned shown[] = {0, 3, 4, 5, 8}; /* 1, 25, 50, 75, 99 % */
    const struct profile_spread *s = &f->spread;

    if (!f->has_spread)
        return;
    add_line_start(out, s->is_exact ? "quantiles" : "quantiles~");
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        buffer_format(out, "%s%g%%: ", i > 0 ? ", " : "", 100 * profile_share[shown[i]]);
        profile_value(out, f->type, s->quantile[shown[i]]);
    }
    buffer_add_char(out, '\n');
    if (s->bars > 0) {
        add_line_start(out, "spread");
        buffer_add_char(out, '|');
        terminal_columns(t, s->bar, s->bars, out);
        buffer_add_text(out, "|  ");
        profile_value(out, f->type, s->low);
        buffer_add_text(out, " to ");
        profile_value(out, f->type, s->high);
        buffer_add_char(out, '\n');
    }
    if (!s->has_fence || s->outliers == 0)
        return;
    add_line_start(out, "outliers");
    words_count(out, s->outliers);
    buffer_add_text(out, " below ");
    profile_value(out, f->type, s->fence_low);
    buffer_add_text(out, " or above ");
    profile_value(out, f->type, s->fence_high);
    buffer_add_char(out, '\n');
}

static void add_top(const struct terminal *t, const struct profile_field *f, uint64_t cells,
                    struct buffer *out)
{
    if (f->top_count == 0)
        return;
    add_line_start(out, "values");
    for (uint32_t i = 0; i < f->top_count; i++) {
        buffer_add_text(out, i > 0 ? ", " : "");
        terminal_name(t, f->top[i].text, NAME_COLUMNS, false, out);
        buffer_add_char(out, ' ');
        words_percent(out, (double)f->top[i].count / (double)cells);
    }
    buffer_add_text(out, f->distinct > f->top_count ? ", ...\n" : "\n");
}

static void add_suspects(const struct terminal *t, const struct profile_field *f,
                         struct buffer *out)
{
    for (uint32_t i = 0; i < f->suspect_count; i++) {
        add_line_start(out, "look at");
        terminal_name(t, f->suspect[i].text, NAME_COLUMNS, false, out);
        buffer_add_text(out, " in ");
        words_count(out, f->suspect[i].count);
        buffer_format(out, " rows: %s\n", f->suspect[i].why);
    }
}

static void add_field(const struct terminal *t, const struct profile *p,
                      const struct profile_field *f, struct buffer *out)
{
    buffer_add_text(out, "  ");
    terminal_name(t, f->name, NAME_COLUMNS, true, out);
    buffer_format(out, "  %-8s  ", type_name(f->type));
    if (f->nulls > 0) {
        words_percent(out, (double)f->nulls / (double)p->rows);
        buffer_add_text(out, " missing, ");
    }
    buffer_add_text(out, f->is_distinct_exact || f->is_unique ? "" : "about ");
    words_count(out, f->distinct);
    buffer_add_text(out, f->is_unique ? " distinct, no value twice\n" : " distinct\n");
    if (f->stands_in != NULL) {
        add_line_start(out, "missing");
        buffer_format(out, "%s stands in\n", f->stands_in);
    }
    add_range(f, out);
    add_spread(t, f, out);
    add_top(t, f, p->rows - f->nulls, out);
    add_suspects(t, f, out);
}

static void add_period(const struct profile *p, const struct profile_period *d, struct buffer *out)
{
    buffer_add_text(out, "  ");
    profile_value(out, TYPE_TIME, (double)d->from_us);
    buffer_format(out, "%12llu rows", (unsigned long long)d->rows);
    if (p->guesses->label.field != FIELD_NONE && d->labelled > 0) {
        buffer_format(out, "%10llu frauds  ", (unsigned long long)d->positive);
        words_percent(out, (double)d->positive / (double)d->labelled);
    }
    buffer_add_char(out, '\n');
}

/* All periods in two lines, or each in its own where there are few. */
static void add_periods(const struct terminal *t, const struct profile *p, struct buffer *out)
{
    char words[128];
    const char *each;
    uint32_t count, shown;
    struct profile_period *period = profile_periods(p, &count, &each);

    snprintf(words, sizeof words, "Rows%s by %s",
             p->guesses->label.field != FIELD_NONE ? " and frauds" : "", each);
    if (count > 0)
        terminal_heading(t, words, out);
    shown = count > PERIOD_LINES ? PERIOD_LINES : count;
    for (uint32_t i = 0; i < shown; i++)
        add_period(p, &period[i], out);
    if (shown < count)
        buffer_format(out, "  ... and %u more: --html and --json have them all\n", count - shown);
    mem_free(period);
}

static void add_part(const struct terminal *t, const struct profile *p, const char *part,
                     const struct profile_guess *g, struct buffer *out)
{
    buffer_format(out, "  %-8s", part);
    terminal_name(t, g->field != FIELD_NONE ? p->fields[g->field].name : "-", NAME_COLUMNS, true,
                  out);
    buffer_format(out, " %s\n", g->reason);
}

void profile_terminal(const struct terminal *t, const struct profile *p, const char *title,
                      struct buffer *out)
{
    const struct profile_guesses *g = p->guesses;

    terminal_name(t, title, 200, false, out);
    buffer_add_text(out, ": ");
    words_count(out, p->rows);
    buffer_format(out, " rows, %u fields", p->count);
    if (p->rejects > 0) {
        buffer_add_text(out, ", ");
        words_count(out, p->rejects);
        buffer_add_text(out, " rows could not be read");
    }
    buffer_add_char(out, '\n');
    add_part(t, p, "id", &g->id, out);
    add_part(t, p, "time", &g->time, out);
    add_part(t, p, "amount", &g->amount, out);
    add_part(t, p, "label", &g->label, out);
    terminal_heading(t, "Fields", out);
    for (uint32_t i = 0; i < p->count; i++)
        add_field(t, p, &p->fields[i], out);
    add_periods(t, p, out);
}

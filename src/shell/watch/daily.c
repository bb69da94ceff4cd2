#include "shell/watch/daily.h"

#include <math.h>
#include <stdio.h>

#include "core/base/memory.h"
#include "core/base/number.h"

bool daily_find(const struct settings *s, const char *name, const struct rollup_setting **r,
                struct error *e)
{
    const struct rollup_setting *scored = NULL;

    if (name != NULL) {
        *r = settings_rollup(s, name);
        if (*r == NULL)
            return error_set(e, ERROR_NOT_FOUND, "%s: there is no rollup \"%.80s\"", s->path, name);
        return (*r)->score != NULL || (*r)->level_count > 0 ||
               error_set(e, ERROR_INVALID,
                         "%s: rollup %s has no score and no levels: name one that has, or give it "
                         "rollups.%s.score",
                         s->path, name, name);
    }
    for (uint32_t i = 0; i < s->rollup_count; i++) {
        const struct rollup_setting *one = &s->rollups[i];

        if (one->level_count > 0) {
            *r = one;
            return true;
        }
        if (scored == NULL && one->score != NULL)
            scored = one;
    }
    *r = scored;
    return scored != NULL ||
           error_set(e, ERROR_NOT_FOUND,
                     "%s: no rollup has levels or a score: see docs/rollups.md, or name one",
                     s->path);
}

static const struct column *column_of(const struct rollup_rows *rows, const char *name)
{
    int at = schema_find(rows->schema, text_of(name));

    return at != FIELD_NONE ? &rows->frame.column[at] : NULL;
}

static double number_of(const struct rollup_rows *rows, const char *name, uint32_t row)
{
    const struct column *c = column_of(rows, name);

    if (c == NULL || c->null[row] || !type_is_number(c->type))
        return NAN;
    if (c->type == TYPE_REAL)
        return c->real[row];
    return (double)c->integer[row] / (c->type == TYPE_DECIMAL ? (double)DECIMAL_ONE : 1);
}

/* A word of the settings, zero-terminated there: of the cell's text, which may be a copy. */
static const char *word_of(const struct settings *s, const struct rollup_rows *rows,
                           const char *name, uint32_t row)
{
    const struct column *c = column_of(rows, name);

    if (c == NULL || c->null[row] || c->type != TYPE_TEXT)
        return NULL;
    for (uint32_t i = 0; i < s->rollup_count; i++) {
        const struct rollup_setting *r = &s->rollups[i];

        for (uint32_t k = 0; k < r->reason_count; k++) {
            if (text_is(c->text[row], r->reasons[k].name))
                return r->reasons[k].name;
        }
        for (uint32_t k = 0; k < r->level_count; k++) {
            if (text_is(c->text[row], r->levels[k].name))
                return r->levels[k].name;
            if (r->levels[k].action != NULL && text_is(c->text[row], r->levels[k].action))
                return r->levels[k].action;
        }
    }
    return NULL;
}

static const char *lowest_of(const struct rollup_setting *r)
{
    const struct level_setting *lowest = NULL;

    for (uint32_t i = 0; i < r->level_count; i++) {
        const struct level_setting *l = &r->levels[i];

        if (lowest == NULL || !l->has_from || (lowest->has_from && l->from < lowest->from))
            lowest = l;
    }
    return lowest != NULL ? lowest->name : NULL;
}

bool daily_take(const struct settings *s, const struct rollup *r, struct daily *d,
                struct daily_row **out, struct error *e)
{
    const struct rollup_rows *rows = &r->rows;
    struct daily_row *row;

    if (rows->period == FIELD_NONE || rows->every != EVERY_DAY || rows->keys > 0)
        return error_set(e, ERROR_INVALID,
                         "rollup %s has not one row a day: the daily table is of every: day, "
                         "without by",
                         r->setting->name);
    row = mem_array(rows->frame.rows + 1, sizeof *row);
    for (uint32_t i = 0; i < rows->frame.rows; i++) {
        char date[TIME_TEXT_MAX];

        period_format(rows->zone, rows->every, rows->frame.column[rows->period].integer[i], date);
        row[i] = (struct daily_row){
            .count = number_of(rows, "tx_count", i),
            .average = number_of(rows, "avg_tx_amount", i),
            .risky = number_of(rows, "risky_tx_count", i),
            .score = number_of(rows, ROLLUP_SCORE, i),
            .ctr = number_of(rows, "ctr", i),
            .level = word_of(s, rows, ROLLUP_LEVEL, i),
            .reason = word_of(s, rows, ROLLUP_REASON, i),
            .action = word_of(s, rows, ROLLUP_ACTION, i),
        };
        snprintf(row[i].date, sizeof row[i].date, "%.10s", date);
    }
    *d = (struct daily){
        .title = s->name, .row = row, .rows = rows->frame.rows, .lowest = lowest_of(r->setting)};
    *out = row;
    return true;
}

#include "shell/watch/rollup_finish.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/memory.h"
#include "core/base/number.h"
#include "shell/watch/rollup_program.h"

enum { NAME_BYTES = FIELD_NAME_MAX };

bool rollup_keep(const struct settings *s, const struct rollup_setting *r, const uint8_t *outside,
                 struct rollup_rows *rows, struct error *e)
{
    char path[ROLLUP_PATH_MAX];

    if (!r->has_keep)
        return true;
    for (uint32_t i = 0; i < rows->frame.columns; i++) {
        bool is_key = rows->period != FIELD_NONE && i <= rows->keys;

        if (outside[i] && !is_key)
            rows->is_kept[i] = 0;
    }
    rollup_path(r, "keep", NULL, path);
    for (uint32_t i = 0; i < r->keep_count; i++) {
        int column = schema_find(rows->schema, text_of(r->keep[i]));

        if (column == FIELD_NONE)
            return rollup_no_field(s, rows->schema, r->keep[i], path, e);
        rows->is_kept[column] = 1;
    }
    return true;
}

/* ---- join ---- */

/* Where the other's period and keys are among our columns. */
struct joining {
    const struct rollup_rows *ours, *other;
    int column[LANG_KEYS_MAX + 1];
    uint32_t columns;
    uint32_t *slot; /* row of the other + 1 */
    uint32_t slots;
    struct buffer key;
};

static uint64_t hash_row(struct joining *j, const struct rollup_rows *r, const int *column,
                         uint32_t row)
{
    buffer_clear(&j->key);
    for (uint32_t i = 0; i < j->columns; i++)
        rollup_cell_bytes(&r->frame.column[column != NULL ? column[i] : (int)i], row, &j->key);
    return hash_bytes(j->key.bytes, j->key.length, 0);
}

/* As SQL's equality: null is equal to nothing. */
static bool is_match(const struct joining *j, uint32_t row, uint32_t other)
{
    for (uint32_t i = 0; i < j->columns; i++) {
        const struct column *a = &j->ours->frame.column[j->column[i]];
        const struct column *b = &j->other->frame.column[i];

        if (a->null[row] || rollup_cell_compare(a, row, b, other) != 0)
            return false;
    }
    return true;
}

static int find_row(struct joining *j, uint32_t row)
{
    uint64_t hash = hash_row(j, j->ours, j->column, row);

    for (uint64_t i = hash;; i++) {
        uint32_t found = j->slot[i & (j->slots - 1)];

        if (found == 0)
            return -1;
        if (is_match(j, row, found - 1))
            return (int)(found - 1);
    }
}

static void index_other(struct joining *j)
{
    uint32_t rows = j->other->frame.rows;

    for (j->slots = 64; j->slots < 2 * (rows + 1);)
        j->slots *= 2;
    j->slot = mem_array(j->slots, sizeof *j->slot);
    for (uint32_t row = 0; row < rows; row++) {
        uint64_t i = hash_row(j, j->other, NULL, row);

        while (j->slot[i & (j->slots - 1)] != 0)
            i++;
        j->slot[i & (j->slots - 1)] = row + 1;
    }
}

static bool same_zone(const struct period_zone *a, const struct period_zone *b)
{
    if (a->zone != NULL || b->zone != NULL)
        return a->zone != NULL && b->zone != NULL && a->zone->digest == b->zone->digest;
    return a->offset_us == b->offset_us;
}

static bool find_columns(struct joining *j, struct error *e)
{
    const struct rollup_rows *other = j->other, *ours = j->ours;

    if (other->period == FIELD_NONE || ours->period == FIELD_NONE)
        return error_set(e, ERROR_INVALID, "%s has no period: only rollups by period are joined",
                         other->period == FIELD_NONE ? other->name : ours->name);
    if (other->every != ours->every || !same_zone(other->zone, ours->zone))
        return error_set(e, ERROR_INVALID, "%s has other periods: of another length or time zone",
                         other->name);
    j->column[j->columns++] = ours->period;
    for (uint32_t i = 1; i <= other->keys; i++) {
        const char *name = other->schema->fields[i].name;
        int column = schema_find(ours->schema, text_of(name));

        if (column == FIELD_NONE ||
            ours->schema->fields[column].type != other->schema->fields[i].type)
            return error_set(e, ERROR_INVALID,
                             "%s has a row for each %.80s, which this one has not: its rows would "
                             "be found many times",
                             other->name, name);
        j->column[j->columns++] = column;
    }
    return true;
}

static bool copy_columns(struct joining *j, struct rollup_rows *rows, struct error *e)
{
    const struct rollup_rows *other = j->other;
    uint32_t all = rows->frame.rows, before = rows->frame.columns;
    int *from = mem_array(other->frame.columns + 1, sizeof *from);
    uint32_t count = 0;
    bool ok = true;

    for (uint32_t i = other->keys + 1; i < other->frame.columns && ok; i++) {
        if (!other->is_kept[i])
            continue;
        ok = rollup_rows_add(rows, text_of(other->schema->fields[i].name),
                             other->schema->fields[i].type, true, e) >= 0;
        from[count++] = (int)i;
    }
    for (uint32_t row = 0; row < all && ok; row++) {
        int found = find_row(j, row);

        for (uint32_t i = 0; i < count && found >= 0 && ok; i++)
            ok = rollup_rows_copy(rows, (int)(before + i), row, &other->frame.column[from[i]],
                                  (uint32_t)found, 1, e);
    }
    mem_free(from);
    return ok;
}

bool rollup_join(const struct settings *s, const struct rollup_setting *r,
                 const struct rollup_rows *other, struct rollup_rows *rows, struct error *e)
{
    struct joining j = {.ours = rows, .other = other};
    char path[ROLLUP_PATH_MAX];
    bool ok;

    buffer_init(&j.key, (LANG_KEYS_MAX + 1) * (TEXT_MAX + 16));
    ok = find_columns(&j, e);
    if (ok) {
        index_other(&j);
        ok = copy_columns(&j, rows, e);
    }
    buffer_fini(&j.key);
    mem_free(j.slot);
    rollup_path(r, "join", NULL, path);
    return ok || (e->kind == ERROR_FULL ? false : settings_blame(s, path, e));
}

/* ---- columns and score ---- */

/* The column as reals, null where it is; it must be of numbers. */
static bool make_real(struct rollup_rows *rows, int column, struct error *e)
{
    struct column *c = &rows->frame.column[column];
    enum type type = c->type;

    if (!type_is_number(type))
        return error_set(e, ERROR_INVALID, "expected a number, found %s", type_name(type));
    for (uint32_t i = 0; i < rows->frame.rows; i++) {
        if (type == TYPE_INT)
            c->real[i] = (double)c->integer[i];
        else if (type == TYPE_DECIMAL)
            c->real[i] = (double)c->integer[i] / (double)DECIMAL_ONE;
    }
    c->type = TYPE_REAL;
    rows->schema->fields[column].type = TYPE_REAL;
    return true;
}

static void clamp(const struct rollup_setting *r, struct column *c, uint32_t rows)
{
    for (uint32_t i = 0; i < rows; i++) {
        if (!c->null[i])
            c->real[i] = fmin(fmax(c->real[i], r->bound[0]), r->bound[1]) + 0.0;
    }
}

static bool add_columns(const struct settings *s, const struct rollup_setting *r,
                        struct rollup_rows *rows, struct error *e)
{
    struct rollup_expression *x = mem_array(r->column_count + 1, sizeof *x);
    uint32_t count = 0;
    char path[ROLLUP_PATH_MAX];
    bool ok;

    for (; count < r->column_count; count++)
        x[count] = (struct rollup_expression){.name = r->columns[count].name,
                                              .source = r->columns[count].source,
                                              .section = "columns",
                                              .item = r->columns[count].name,
                                              .is_kept = true};
    if (r->score != NULL)
        x[count++] = (struct rollup_expression){
            .name = ROLLUP_SCORE, .source = r->score, .section = "score", .is_kept = true};
    ok = count == 0 || rollup_run(s, r, x, count, rows, e);
    if (ok && r->score != NULL) {
        rollup_path(r, "score", NULL, path);
        ok = make_real(rows, x[count - 1].column, e) || settings_blame(s, path, e);
        if (ok && r->has_clamp)
            clamp(r, &rows->frame.column[x[count - 1].column], rows->frame.rows);
    }
    mem_free(x);
    return ok;
}

/* ---- label ---- */

static bool add_label_when(const struct settings *s, const struct rollup_setting *r,
                           struct rollup_rows *rows, struct rollup_label *label, struct error *e)
{
    struct rollup_expression x = {.name = "label.when",
                                  .source = r->label_when,
                                  .section = "label",
                                  .item = "when",
                                  .is_condition = true};
    int column;

    if (!rollup_run(s, r, &x, 1, rows, e))
        return false;
    column = rollup_rows_add(rows, text_of(ROLLUP_LABEL), TYPE_INT, true, e);
    for (uint32_t i = 0; column >= 0 && i < rows->frame.rows; i++) {
        const struct column *when = &rows->frame.column[x.column];
        struct value v = {.type = TYPE_INT, .integer = !when->null[i] && when->integer[i] != 0};

        column_set(&rows->frame.column[column], i, &v);
        label->positives += (uint64_t)v.integer;
    }
    return column >= 0;
}

static double real_of(const struct column *c, uint32_t row)
{
    if (c->type == TYPE_REAL)
        return c->real[row];
    return (double)c->integer[row] / (c->type == TYPE_DECIMAL ? (double)DECIMAL_ONE : 1);
}

static int compare_reals(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Type 7: linear between the two nearest of the values that are not null. */
static bool percentile_of(const struct column *c, uint32_t rows, double percentile, double *value)
{
    double *x = mem_array(rows + 1, sizeof *x), place;
    uint32_t n = 0, low;

    for (uint32_t i = 0; i < rows; i++) {
        if (!c->null[i])
            x[n++] = real_of(c, i);
    }
    qsort(x, n, sizeof *x, compare_reals);
    if (n > 0) {
        place = percentile / 100 * (double)(n - 1);
        low = (uint32_t)floor(place);
        *value = x[low];
        if (low + 1 < n)
            *value += (x[low + 1] - x[low]) * (place - low);
    }
    mem_free(x);
    return n > 0;
}

static bool add_label_percentile(const struct settings *s, const struct rollup_setting *r,
                                 struct rollup_rows *rows, struct rollup_label *label,
                                 struct error *e)
{
    const char *of = r->label_of != NULL ? r->label_of : ROLLUP_SCORE;
    int column = schema_find(rows->schema, text_of(of)), made;
    char path[ROLLUP_PATH_MAX];

    rollup_path(r, "label", NULL, path);
    if (column == FIELD_NONE)
        return rollup_no_field(s, rows->schema, of, path, e);
    if (!type_is_number(rows->frame.column[column].type)) {
        error_set(e, ERROR_INVALID, "a percentile is of numbers; %.80s is %s", of,
                  type_name(rows->frame.column[column].type));
        return settings_blame(s, path, e);
    }
    made = rollup_rows_add(rows, text_of(ROLLUP_LABEL), TYPE_INT, true, e);
    if (made < 0)
        return settings_blame(s, path, e);
    label->has_threshold = percentile_of(&rows->frame.column[column], rows->frame.rows,
                                         r->percentile, &label->threshold);
    for (uint32_t i = 0; i < rows->frame.rows; i++) {
        const struct column *c = &rows->frame.column[column];
        struct value v = {.type = TYPE_INT,
                          .integer = !c->null[i] && real_of(c, i) >= label->threshold};

        column_set(&rows->frame.column[made], i, &v);
        label->positives += (uint64_t)v.integer;
    }
    return true;
}

/* ---- reason and level ---- */

static bool add_reasons(const struct settings *s, const struct rollup_setting *r,
                        struct rollup_rows *rows, struct error *e)
{
    struct rollup_expression *x = mem_array(r->reason_count, sizeof *x);
    char(*name)[NAME_BYTES + 1] = mem_array(r->reason_count, sizeof *name);
    int column = -1;
    bool ok;

    for (uint32_t i = 0; i < r->reason_count; i++) {
        snprintf(name[i], sizeof name[i], "reasons.%.200s", r->reasons[i].name);
        x[i] = (struct rollup_expression){.name = name[i],
                                          .source = r->reasons[i].source,
                                          .section = "reasons",
                                          .item = r->reasons[i].name,
                                          .is_condition = true};
    }
    ok = rollup_run(s, r, x, r->reason_count, rows, e);
    if (ok)
        column = rollup_rows_add(rows, text_of(ROLLUP_REASON), TYPE_TEXT, true, e);
    for (uint32_t row = 0; column >= 0 && row < rows->frame.rows; row++) {
        for (uint32_t i = 0; i < r->reason_count; i++) {
            const struct column *c = &rows->frame.column[x[i].column];
            struct value v = {.type = TYPE_TEXT, .text = text_of(r->reasons[i].name)};

            if (c->null[row] || c->integer[row] == 0)
                continue;
            column_set(&rows->frame.column[column], row, &v); /* the settings outlive the rows */
            break;
        }
    }
    mem_free(x);
    mem_free(name);
    return column >= 0;
}

/* The level with the greatest `from` that the score reaches; without a score none. */
static const struct level_setting *level_of(const struct rollup_setting *r, double score)
{
    const struct level_setting *best = NULL;

    for (uint32_t i = 0; i < r->level_count; i++) {
        const struct level_setting *l = &r->levels[i];

        if (l->has_from && score < l->from)
            continue;
        if (best == NULL || (l->has_from && (!best->has_from || l->from > best->from)))
            best = l;
    }
    return best;
}

static bool add_levels(const struct settings *s, const struct rollup_setting *r,
                       struct rollup_rows *rows, struct error *e)
{
    int score = schema_find(rows->schema, text_of(ROLLUP_SCORE)), level, action;
    char path[ROLLUP_PATH_MAX];

    rollup_path(r, "levels", NULL, path);
    if (score == FIELD_NONE || !type_is_number(rows->schema->fields[score].type)) {
        error_set(e, ERROR_INVALID,
                  "levels are of " ROLLUP_SCORE ": give a score, or a source that has one");
        return settings_blame(s, path, e);
    }
    level = rollup_rows_add(rows, text_of(ROLLUP_LEVEL), TYPE_TEXT, true, e);
    action = level >= 0 ? rollup_rows_add(rows, text_of(ROLLUP_ACTION), TYPE_TEXT, true, e) : -1;
    if (action < 0)
        return settings_blame(s, path, e);
    for (uint32_t row = 0; row < rows->frame.rows; row++) {
        const struct column *c = &rows->frame.column[score];
        const struct level_setting *l = c->null[row] ? NULL : level_of(r, real_of(c, row));
        struct value v = {.type = TYPE_TEXT};

        if (l == NULL)
            continue;
        v.text = text_of(l->name);
        column_set(&rows->frame.column[level], row, &v);
        if (l->action == NULL)
            continue;
        v.text = text_of(l->action);
        column_set(&rows->frame.column[action], row, &v);
    }
    return true;
}

bool rollup_finish(const struct settings *s, const struct rollup_setting *r,
                   struct rollup_rows *rows, struct rollup_label *label, struct error *e)
{
    *label = (struct rollup_label){.has = r->label_when != NULL || r->has_percentile};
    if (!add_columns(s, r, rows, e))
        return false;
    if (r->label_when != NULL && !add_label_when(s, r, rows, label, e))
        return false;
    if (r->has_percentile && !add_label_percentile(s, r, rows, label, e))
        return false;
    return (r->reason_count == 0 || add_reasons(s, r, rows, e)) &&
           (r->level_count == 0 || add_levels(s, r, rows, e));
}

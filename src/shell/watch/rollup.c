#include "shell/watch/rollup.h"

#include <stdio.h>

#include "core/base/memory.h"
#include "shell/settings/rollup.h"
#include "shell/watch/rollup_program.h"

const struct rollup *rollups_find(const struct rollups *r, const char *name)
{
    for (uint32_t i = 0; i < r->count; i++) {
        if (strcmp(r->rollup[i].setting->name, name) == 0)
            return &r->rollup[i];
    }
    return NULL;
}

static struct rollup *find(struct rollups *r, const char *name)
{
    return (struct rollup *)rollups_find(r, name);
}

/* It and what it is made of; the settings have no circle. */
static void want(struct rollups *r, struct rollup *one)
{
    if (one == NULL || one->is_wanted)
        return;
    one->is_wanted = true;
    want(r, find(r, one->setting->source));
    for (uint32_t i = 0; i < one->setting->join_count; i++)
        want(r, find(r, one->setting->joins[i]));
}

static bool find_zone(struct rollups *r, struct rollup *one, struct error *e)
{
    const struct settings *s = r->settings;
    const char *zone = one->setting->time_zone;
    char path[ROLLUP_PATH_MAX];

    if (period_zone_find(zone != NULL ? zone : s->time_zone, &one->zone, e))
        return true;
    rollup_path(one->setting, "time_zone", NULL, path);
    return settings_blame(s, zone != NULL ? path : "time_zone", e);
}

static bool no_rollup(const struct settings *s, const char *name, struct error *e)
{
    struct text *names = mem_array(s->rollup_count + 1, sizeof *names);
    int nearest;

    for (uint32_t i = 0; i < s->rollup_count; i++)
        names[i] = text_of(s->rollups[i].name);
    nearest = text_nearest(text_of(name), names, s->rollup_count);
    error_set(e, ERROR_NOT_FOUND, "%s: there is no rollup \"%.80s\"%s%s%s", s->path, name,
              nearest >= 0 ? "; did you mean \"" : "", nearest >= 0 ? names[nearest].bytes : "",
              nearest >= 0 ? "\"?" : "");
    mem_free(names);
    return false;
}

bool rollups_open(const struct settings *s, const char *name, struct rollups **rollups,
                  struct error *e)
{
    struct rollups *r;
    bool ok = true;

    if (s->rollup_count == 0)
        return error_set(e, ERROR_NOT_FOUND,
                         "%s: there are no rollups: say them under `rollups:`, see docs/rollups.md",
                         s->path);
    if (name != NULL && settings_rollup(s, name) == NULL)
        return no_rollup(s, name, e);
    r = mem_alloc(sizeof *r);
    *r = (struct rollups){.settings = s, .count = s->rollup_count};
    r->rollup = mem_array(r->count, sizeof *r->rollup);
    for (uint32_t i = 0; i < r->count; i++)
        r->rollup[i].setting = &s->rollups[i];
    for (uint32_t i = 0; i < r->count && ok; i++) {
        if (name == NULL || strcmp(s->rollups[i].name, name) == 0)
            want(r, &r->rollup[i]);
        ok = find_zone(r, &r->rollup[i], e);
    }
    if (!ok) {
        rollups_free(r);
        return false;
    }
    *rollups = r;
    return true;
}

void rollups_free(struct rollups *r)
{
    if (r == NULL)
        return;
    for (uint32_t i = 0; i < r->count; i++) {
        rollup_groups_free(r->rollup[i].groups);
        rollup_rows_fini(&r->rollup[i].plain);
        rollup_rows_fini(&r->rollup[i].rows);
        period_zone_fini(&r->rollup[i].zone);
        mem_free(r->rollup[i].taken.form);
        mem_free(r->rollup[i].taken.before);
        mem_free(r->rollup[i].taken.now);
    }
    for (uint32_t i = 0; i < r->held_count; i++)
        schema_free(r->held[i]);
    mem_free(r->held);
    mem_free(r->rollup);
    mem_free(r);
}

struct schema *rollups_hold(struct rollups *r, const struct schema *schema)
{
    r->held = mem_resize(r->held, r->held_count + 1, sizeof *r->held);
    r->held[r->held_count] = schema_dup(schema);
    return r->held[r->held_count++];
}

static bool is_of(const struct rollup *one, const char *source)
{
    return one->is_wanted && strcmp(one->setting->source, source) == 0;
}

bool rollups_want(const struct rollups *r, const char *source)
{
    for (uint32_t i = 0; i < r->count; i++) {
        if (is_of(&r->rollup[i], source))
            return true;
    }
    return false;
}

/* The field with the time of the source's rows. */
static bool find_time(const struct rollups *r, const struct rollup_setting *setting,
                      const struct schema *schema, int period, int *time, struct error *e)
{
    bool of_log = strcmp(setting->source, ROLLUP_DECISIONS) == 0;
    const char *otherwise =
        r->settings->event.time == NULL && of_log ? "received_at" : r->settings->event.time;
    const char *name = setting->time != NULL ? setting->time : otherwise;
    char path[ROLLUP_PATH_MAX];

    rollup_path(setting, "time", NULL, path);
    *time = setting->time == NULL ? period : FIELD_NONE;
    if (*time != FIELD_NONE)
        return true;
    if (name == NULL) {
        error_set(e, ERROR_INVALID,
                  "expected the field with the time of a row, such as created_at");
        return settings_blame(r->settings, path, e);
    }
    *time = schema_find(schema, text_of(name));
    if (*time == FIELD_NONE)
        return rollup_no_field(r->settings, schema, name, path, e);
    if (schema->fields[*time].type == TYPE_TIME)
        return true;
    error_set(e, ERROR_INVALID, "expected a time, but \"%.80s\" is %s", name,
              type_name(schema->fields[*time].type));
    return settings_blame(r->settings, path, e);
}

static bool open_groups(const struct rollups *r, const struct rollup *one,
                        const struct schema *schema, int period, struct rollup_groups **groups,
                        struct error *e)
{
    int time;

    return find_time(r, one->setting, schema, period, &time, e) &&
           rollup_groups_open(r->settings, one->setting, schema, time, &one->zone, groups, e);
}

static bool open_plain(struct rollup *one, const struct schema *schema, struct error *e)
{
    rollup_rows_fini(&one->plain);
    rollup_rows_init(&one->plain, one->setting->name);
    for (uint32_t i = 0; i < schema->count; i++) {
        if (rollup_rows_add(&one->plain, text_of(schema->fields[i].name), schema->fields[i].type,
                            true, e) < 0)
            return false;
    }
    return true;
}

bool rollups_begin(struct rollups *r, const char *source, const struct schema *schema,
                   struct error *e)
{
    for (uint32_t i = 0; i < r->count; i++) {
        struct rollup *one = &r->rollup[i];

        if (!is_of(one, source))
            continue;
        rollup_groups_free(one->groups);
        one->groups = NULL;
        if (one->setting->every == EVERY_ROW) {
            if (!open_plain(one, schema, e))
                return false;
        } else if (!open_groups(r, one, schema, FIELD_NONE, &one->groups, e)) {
            return false;
        }
    }
    return true;
}

/* All rows, behind those that there are. */
static bool append(struct rollup_rows *rows, const struct frame *f, struct error *e)
{
    uint32_t at = rows->frame.rows;

    for (uint32_t i = 0; i < f->rows; i++) {
        if (!rollup_rows_grow(rows, e))
            return false;
    }
    for (uint32_t i = 0; i < f->columns && i < rows->frame.columns; i++) {
        if (!rollup_rows_copy(rows, (int)i, at, &f->column[i], 0, f->rows, e))
            return false;
    }
    return true;
}

bool rollups_add(struct rollups *r, const char *source, const struct schema *schema,
                 const struct frame *f, struct error *e)
{
    (void)schema;
    for (uint32_t i = 0; i < r->count; i++) {
        struct rollup *one = &r->rollup[i];

        if (!is_of(one, source))
            continue;
        if (one->groups != NULL ? !rollup_groups_add(one->groups, f, e)
                                : !append(&one->plain, f, e))
            return false;
        if (one->groups == NULL)
            one->counts.rows += f->rows;
    }
    return true;
}

/* ---- making the tables ---- */

/* What others see of a table: its kept columns, as a schema and views of its cells. */
struct seen {
    struct schema *schema;
    struct frame frame; /* borrows the cells */
    int period;
};

static bool seen_init(struct seen *v, const struct rollup_rows *rows, struct error *e)
{
    *v = (struct seen){.schema = schema_new(), .period = FIELD_NONE};
    v->frame = (struct frame){.rows = rows->frame.rows, .capacity = rows->frame.rows};
    v->frame.column = mem_array(rows->frame.columns + 1, sizeof *v->frame.column);
    for (uint32_t i = 0; i < rows->frame.columns; i++) {
        if (!rows->is_kept[i])
            continue;
        if (!schema_add(v->schema, text_of(rows->schema->fields[i].name),
                        rows->frame.column[i].type, e))
            return false;
        if ((int)i == rows->period)
            v->period = (int)v->frame.columns;
        v->frame.column[v->frame.columns++] = rows->frame.column[i];
    }
    return true;
}

static void seen_fini(struct seen *v)
{
    schema_free(v->schema);
    mem_free(v->frame.column);
}

/* Counted from another rollup's rows. */
static bool count_from(const struct rollups *r, struct rollup *one, const struct seen *from,
                       struct error *e)
{
    struct rollup_groups *groups;
    bool ok;

    if (!open_groups(r, one, from->schema, from->period, &groups, e))
        return false;
    ok = rollup_groups_add(groups, &from->frame, e) && rollup_groups_read(groups, &one->rows, e);
    rollup_groups_counts(groups, &one->counts);
    rollup_groups_free(groups);
    return ok;
}

/* The other's rows as they are, with its period and keys. */
static bool take_from(struct rollup *one, const struct rollup_rows *other, const struct seen *from,
                      struct error *e)
{
    for (uint32_t i = 0; i < from->schema->count; i++) {
        if (rollup_rows_add(&one->rows, text_of(from->schema->fields[i].name),
                            from->schema->fields[i].type, true, e) < 0)
            return false;
    }
    one->rows.period = other->period;
    one->rows.keys = other->keys;
    one->rows.every = other->every;
    one->rows.zone = other->zone;
    one->counts.rows = from->frame.rows;
    return append(&one->rows, &from->frame, e);
}

static bool make_base(struct rollups *r, struct rollup *one, struct error *e)
{
    struct rollup *source = find(r, one->setting->source);
    struct seen from;
    bool ok;

    if (source == NULL && one->groups != NULL) { /* more may come */
        rollup_groups_counts(one->groups, &one->counts);
        return rollup_groups_read(one->groups, &one->rows, e);
    }
    if (source == NULL) { /* all of it has been read */
        struct rollup_rows empty;

        rollup_rows_init(&empty, one->setting->name);
        rollup_rows_fini(&one->rows);
        one->rows = one->plain;
        one->plain = empty;
        return true;
    }
    ok = seen_init(&from, &source->rows, e);
    if (ok)
        ok = one->setting->every == EVERY_ROW ? take_from(one, &source->rows, &from, e)
                                              : count_from(r, one, &from, e);
    seen_fini(&from);
    return ok;
}

/* Of rows as they are: those for which `where` holds. */
static bool filter(const struct settings *s, const struct rollup_setting *r,
                   struct rollup_rows *rows, struct error *e)
{
    struct rollup_expression x = {
        .name = "where.rows", .source = r->where, .section = "where", .is_condition = true};
    struct frame *f = &rows->frame;
    uint32_t kept = 0;

    if (r->where == NULL || r->every != EVERY_ROW)
        return true;
    if (!rollup_run(s, r, &x, 1, rows, e))
        return false;
    for (uint32_t row = 0; row < f->rows; row++) {
        const struct column *c = &f->column[x.column];

        if (c->null[row] || c->integer[row] == 0)
            continue;
        for (uint32_t i = 0; i < f->columns; i++) {
            struct value v = column_get(&f->column[i], row);

            column_set(&f->column[i], kept, &v);
        }
        kept++;
    }
    f->rows = kept;
    return true;
}

static bool make(struct rollups *r, struct rollup *one, struct error *e)
{
    const struct rollup_setting *setting = one->setting;
    uint8_t outside[ROLLUP_COLUMNS_MAX] = {0};
    uint32_t own;

    rollup_rows_fini(&one->rows);
    rollup_rows_init(&one->rows, setting->name);
    if (!make_base(r, one, e) || !filter(r->settings, setting, &one->rows, e))
        return false;
    own = one->rows.frame.columns;
    if (setting->every == EVERY_ROW)
        memset(outside, 1, own);
    for (uint32_t i = 0; i < setting->join_count; i++) {
        const struct rollup *join = rollups_find(r, setting->joins[i]);

        if (!rollup_join(r->settings, setting, &join->rows, &one->rows, e))
            return false;
    }
    memset(outside + own, 1, one->rows.frame.columns - own);
    return rollup_keep(r->settings, setting, outside, &one->rows, e) &&
           rollup_finish(r->settings, setting, &one->rows, &one->label, e);
}

static bool is_ready(const struct rollups *r, const bool *made, const char *name)
{
    const struct rollup *one = rollups_find(r, name);

    return one == NULL || made[one - r->rollup];
}

bool rollups_finish(struct rollups *r, struct error *e)
{
    bool made[SETTINGS_ROLLUPS_MAX] = {false};

    for (uint32_t round = 0; round < r->count; round++) {
        for (uint32_t i = 0; i < r->count; i++) {
            struct rollup *one = &r->rollup[i];
            bool ready = one->is_wanted && !made[i] && is_ready(r, made, one->setting->source);

            for (uint32_t k = 0; k < one->setting->join_count; k++)
                ready = ready && is_ready(r, made, one->setting->joins[k]);
            if (ready && !make(r, one, e))
                return false;
            made[i] |= ready;
        }
    }
    return true;
}

#include "shell/watch/rollup_program.h"

#include <stdio.h>

#include "core/base/memory.h"
#include "shell/os/tzdata.h"

void rollup_path(const struct rollup_setting *r, const char *section, const char *item,
                 char path[ROLLUP_PATH_MAX])
{
    snprintf(path, ROLLUP_PATH_MAX, "rollups.%.200s.%s%s%.200s", r->name, section,
             item != NULL ? "." : "", item != NULL ? item : "");
}

bool rollup_blame(const struct settings *s, const char *path, const char *name, struct error *e)
{
    size_t length = strlen(name);

    if (strncmp(e->text, name, length) == 0 && strncmp(e->text + length, ": ", 2) == 0)
        memmove(e->text, e->text + length + 2, strlen(e->text + length + 2) + 1);
    return settings_blame(s, path, e);
}

bool rollup_no_field(const struct settings *s, const struct schema *schema, const char *name,
                     const char *path, struct error *e)
{
    const char *nearest = schema_nearest(schema, text_of(name));

    error_set(e, ERROR_INVALID, "there is no field \"%.80s\"%s%.80s%s", name,
              nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
              nearest != NULL ? "\"?" : "");
    return settings_blame(s, path, e);
}

static struct zone *find_zone(void *context, struct text name, struct error *e)
{
    (void)context;
    return tzdata_find(name, e);
}

bool rollup_program_new(const struct settings *s, const struct rollup_setting *r,
                        const struct schema *schema, struct program **p, struct error *e)
{
    const char *zone = r->time_zone != NULL ? r->time_zone : s->time_zone;
    char path[ROLLUP_PATH_MAX];

    *p = program_new(schema);
    program_lend_zones(*p, &(struct zone_source){.find = find_zone});
    if (zone == NULL || program_set_time_zone(*p, text_of(zone), e))
        return true;
    program_free(*p);
    *p = NULL;
    rollup_path(r, "time_zone", NULL, path);
    return settings_blame(s, r->time_zone != NULL ? path : "time_zone", e);
}

static bool compile(const struct settings *s, const struct rollup_setting *r, struct program *p,
                    const struct rollup_expression *x, int *node, struct error *e)
{
    char path[ROLLUP_PATH_MAX];
    bool ok;

    rollup_path(r, x->section, x->item, path);
    if (x->is_condition)
        ok = program_add_condition(p, text_of(x->name), text_of(x->source), node, e);
    else
        ok = program_add_feature(p, text_of(x->name), text_of(x->source), node, e);
    if (!ok)
        return rollup_blame(s, path, x->name, e);
    if (program_aggregate_count(p) == 0)
        return true;
    error_set(e, ERROR_INVALID,
              "expected an expression of the table's columns; aggregates belong under measures");
    return settings_blame(s, path, e);
}

static bool run_all(const struct program *p, const int *node, struct rollup_expression *x,
                    uint32_t count, struct rollup_rows *rows, struct error *e)
{
    uint32_t all = rows->frame.rows;
    struct registers g;
    bool ok = true;

    registers_init(&g, p, ROLLUP_BATCH);
    for (uint32_t first = 0; first < all && ok; first += ROLLUP_BATCH) {
        uint32_t batch = all - first < ROLLUP_BATCH ? all - first : ROLLUP_BATCH;

        registers_begin(&g, &rows->frame, first, batch);
        program_run(p, &g, 0);
        for (uint32_t i = 0; i < count && ok; i++)
            ok = rollup_rows_copy(rows, x[i].column, first, &g.column[node[i]], 0, batch, e);
    }
    registers_fini(&g);
    return ok;
}

bool rollup_run(const struct settings *s, const struct rollup_setting *r,
                struct rollup_expression *x, uint32_t count, struct rollup_rows *rows,
                struct error *e)
{
    struct schema *schema = schema_dup(rows->schema); /* the rows' own gets more fields */
    int *node = mem_array(count + 1, sizeof *node);
    char path[ROLLUP_PATH_MAX];
    struct program *p = NULL;
    bool ok = rollup_program_new(s, r, schema, &p, e);

    for (uint32_t i = 0; i < count && ok; i++)
        ok = compile(s, r, p, &x[i], &node[i], e);
    if (ok)
        program_finish(p);
    for (uint32_t i = 0; i < count && ok; i++) {
        x[i].column =
            rollup_rows_add(rows, text_of(x[i].name), program_type(p, node[i]), x[i].is_kept, e);
        rollup_path(r, x[i].section, x[i].item, path);
        ok = x[i].column >= 0 || settings_blame(s, path, e);
    }
    ok = ok && run_all(p, node, x, count, rows, e);
    program_free(p);
    schema_free(schema);
    mem_free(node);
    return ok;
}

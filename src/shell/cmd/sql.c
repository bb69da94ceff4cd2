/* `assay sql`: the settings' features as one query. */
#include <stdio.h>
#include <string.h>

#include "core/lang/sql.h"
#include "shell/cmd/cmd.h"
#include "shell/os/file.h"
#include "shell/run/feed.h"

/* A field that comes from another table would need a join as of the event's time. */
struct looked_up {
    const struct settings *settings;
    const struct schema *schema;
    const char *field; /* the first such, or NULL */
};

static void visit_field(void *context, int field)
{
    struct looked_up *l = context;
    const char *name = l->schema->fields[field].name, *dot = strchr(name, '.');

    for (uint32_t i = 0; dot != NULL && i < l->settings->source_count; i++) {
        const char *source = l->settings->sources[i].name;

        if (strlen(source) == (size_t)(dot - name) && strncmp(source, name, strlen(source)) == 0 &&
            l->field == NULL)
            l->field = name;
    }
}

static bool blame_feature(const struct settings *s, const char *feature, struct error *e)
{
    char path[PLAN_NAME_MAX + 16];

    snprintf(path, sizeof path, "features.%s", feature);
    return settings_blame(s, path, e);
}

static bool refuse_lookups(const struct settings *s, const struct plan *p, struct error *e)
{
    for (uint32_t i = 0; i < plan_feature_count(p); i++) {
        struct looked_up l = {.settings = s, .schema = plan_schema(p)};

        program_fields(plan_program(p), plan_feature_node(p, i), visit_field, &l);
        if (l.field == NULL)
            continue;
        error_set(e, ERROR_INVALID,
                  "%.80s is looked up in another table, which assay sql does not join: make it a "
                  "column of the events' table and a field of theirs",
                  l.field);
        return blame_feature(s, plan_feature_name(p, i), e);
    }
    return true;
}

static bool print_plan(const struct invocation *v, const struct settings *s, const struct plan *p,
                       struct buffer *out, struct error *e)
{
    const char *table = option_get(v, "table"), *arrival = option_get(v, "arrival");
    const char *dialect = option_get(v, "dialect");
    const struct velocity_options *o = plan_velocity_options(p);
    struct sql_options sql = {.table = text_of(table != NULL ? table : "transactions"),
                              .arrival = text_of(arrival != NULL ? arrival : "arrival"),
                              .label_delay_us = o->label_delay_us,
                              .absent_is_legit = o->absent == LABEL_ABSENT_LEGIT};
    uint32_t count = plan_feature_count(p), at = count;
    struct sql_feature *features = mem_array(count, sizeof *features);
    bool ok;

    for (uint32_t i = 0; i < count; i++)
        features[i] = (struct sql_feature){plan_feature_name(p, i), plan_feature_node(p, i)};
    ok = sql_dialect_find(text_of(dialect != NULL ? dialect : "postgres"), &sql.dialect, e) &&
         refuse_lookups(s, p, e);
    if (ok && !sql_print(plan_program(p), features, count, &sql, out, &at, e)) {
        ok = false;
        if (at < count)
            blame_feature(s, features[at].name, e);
    }
    mem_free(features);
    return ok;
}

static bool write_query(const struct invocation *v, struct buffer *query, struct error *e)
{
    const char *path = option_get(v, "output");
    struct buffer out;
    bool ok;

    if (path == NULL)
        return print_result(query, e);
    if (!file_write(path, query->bytes, query->length, 0644, e))
        return false;
    buffer_init(&out, OUTPUT_MAX);
    buffer_format(&out, "query -> %s\n", path);
    ok = print_result(&out, e);
    buffer_fini(&out);
    return ok;
}

static bool sql_run(struct invocation *v, struct error *e)
{
    static const uint8_t no_id[PLAN_ID_BYTES];
    struct settings *s;
    struct schema *schema;
    struct plan *plan = NULL;
    struct buffer query;
    bool ok = true;

    if (!invocation_settings(v, &s, e))
        return false;
    schema = settings_schema(s);
    if (schema == NULL)
        ok = feed_schema(s, NULL, &schema, e);
    buffer_init(&query, OUTPUT_MAX);
    ok = ok && settings_plan(s, schema, NULL, no_id, &plan, e) &&
         print_plan(v, s, plan, &query, e) && write_query(v, &query, e);
    buffer_fini(&query);
    plan_unref(plan);
    if (schema != NULL)
        schema_free(schema);
    settings_free(s);
    return ok;
}

static const struct option options[] = {
    {"dialect", 0, "NAME", "whose SQL: postgres (14 or later), the default and only one"},
    {"table", 0, "NAME", "the table of the events (default: transactions)"},
    {"arrival", 0, "NAME",
     "its column that orders events of one time, different in each (default: arrival)"},
    {"output", 'o', "FILE", "where to write (default: standard output)"},
    {0},
};

const struct command command_sql = {
    .name = "sql",
    .group = GROUP_DECIDE,
    .summary = "prints the features as one SQL query",
    .arguments = "",
    .words = "For history that lies in a database: the query reads a table with the fields of the\n"
             "events and gives the id and one column per feature, equal to those of `assay\n"
             "features`. What SQL cannot say exactly is refused. See docs/sql.md.",
    .options = options,
    .examples = "  assay sql -o features.sql && psql -f features.sql\n"
                "  assay sql --dialect postgres --table history.events --arrival loaded_order\n",
    .run = sql_run,
};

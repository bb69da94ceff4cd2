#include "shell/cmd/describe.h"
#include "shell/cmd/pass_command.h"
#include "shell/run/output.h"

struct writing {
    struct output *output;
    struct plan *plan;
    struct output_column *column;
    struct column number; /* of rows without an id */
};

/* Events of kinds that are only observed have their part in the others' features. */
static bool is_decided(const struct plan *p, const struct pass_batch *b, uint32_t i)
{
    const struct schema *s = plan_schema(p);
    int kind = frame_kind(b->frame, b->first + i, s);

    return kind == KIND_NONE || s->kinds[kind].is_decided;
}

/* How many decided rows stand together from `first` on. */
static uint32_t decided_rows(const struct plan *p, const struct pass_batch *b, uint32_t first)
{
    uint32_t row = first;

    while (row < b->rows && is_decided(p, b, row))
        row++;
    return row - first;
}

static void write_rows(struct writing *w, const struct pass_batch *b, int id, uint32_t first,
                       uint32_t rows)
{
    if (id != FIELD_NONE) {
        w->column[0] = (struct output_column){&b->frame->column[id], b->first + first};
    } else {
        for (uint32_t i = 0; i < rows; i++)
            w->number.integer[i] = (int64_t)(b->at + first + i + 1);
        w->column[0] = (struct output_column){&w->number, 0};
    }
    for (uint32_t k = 0; k < plan_feature_count(w->plan); k++)
        w->column[k + 1] =
            (struct output_column){&b->registers->column[plan_feature_node(w->plan, k)], first};
    output_rows(w->output, w->column, rows, b->workers);
}

static bool write_batch(void *context, const struct pass_batch *b, struct error *e)
{
    struct writing *w = context;
    int id = plan_schema(w->plan)->id;

    for (uint32_t first = 0, rows; first<b->rows; first += rows> 0 ? rows : 1) {
        rows = decided_rows(w->plan, b, first);
        if (rows > 0)
            write_rows(w, b, id, first, rows);
    }
    return output_flush(w->output, e);
}

/* The id under its own name, then the features; without an id, rows are numbered. */
static const char **column_names(struct plan *p, uint32_t *columns)
{
    const struct schema *s = plan_schema(p);
    const char **name = mem_array(plan_feature_count(p) + 1, sizeof *name);

    name[0] = s->id != FIELD_NONE ? s->fields[s->id].name : "row";
    for (uint32_t k = 0; k < plan_feature_count(p); k++)
        name[k + 1] = plan_feature_name(p, k);
    *columns = plan_feature_count(p) + 1;
    return name;
}

static bool tell(struct invocation *v, const struct scoring *s, struct error *e)
{
    const char *path = option_get(v, "output");
    struct buffer out;
    bool ok;

    if (output_is_standard(path))
        return true;
    buffer_init(&out, OUTPUT_MAX);
    if (v->json) {
        buffer_add_char(&out, '{');
        pass_command_counts_json(s, &out);
        buffer_add_text(&out, "}\n");
    } else {
        buffer_format(&out, "%lu events -> %s\n", (unsigned long)s->feed.counts.rows, path);
        pass_command_counts(s, &out);
    }
    ok = print_result(&out, e);
    buffer_fini(&out);
    return ok;
}

static bool write_features(struct invocation *v, struct scoring_options *o, struct scoring *s,
                           void *context, struct error *e)
{
    struct writing w = {.plan = s->current.made.plan};
    uint32_t columns;
    const char **name = column_names(w.plan, &columns);
    bool ok = output_open(option_get(v, "output"), name, columns, &w.output, e);

    (void)context;
    w.column = mem_array(columns, sizeof *w.column);
    column_init(&w.number, TYPE_INT, PASS_BATCH);
    o->visit = write_batch;
    o->context = &w;
    ok = ok && pass_command_write(v, o, s, w.output, e) && tell(v, s, e);
    column_fini(&w.number);
    mem_free(w.column);
    mem_free(name);
    return ok;
}

static bool features_run(struct invocation *v, struct error *e)
{
    struct settings *settings;
    bool ok;

    if (!option_has(v, "describe"))
        return pass_command(v, false, write_features, NULL, e);
    if (!invocation_settings(v, &settings, e))
        return false;
    ok = describe_features(v, settings, e);
    settings_free(settings);
    return ok;
}

static const struct option options[] = {
    {"output", 'o', "FILE",
     "where to write: CSV, or NDJSON for .ndjson (default: standard output)"},
    {"after", 0, "FILE", "events that came before: observed first, not written"},
    {"describe", 0, NULL, "the data dictionary instead: what each feature is made of"},
    OPTION_MEMORY,
    {0},
};

const struct command command_features = {
    .name = "features",
    .group = GROUP_DECIDE,
    .summary = "writes the features of each event of a file",
    .arguments = "[FILE]",
    .most = 1,
    .words =
        "One row per event, in order of time: the id, then one column per feature.\nWith several kinds of event FILE is a directory that has their files.",
    .options = options,
    .examples = "  assay features transactions.csv -o features.csv\n"
                "  assay features --after january.csv february.csv -o features.ndjson\n"
                "  assay features --describe --json\n",
    .run = features_run,
};

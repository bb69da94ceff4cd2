#include "shell/train/import_model.h"

#include <string.h>

#include "core/data/json.h"
#include "shell/os/file.h"
#include "shell/run/data_directory.h"
#include "shell/settings/settings.h"
#include "shell/train/register.h"

enum { COLUMN_NONE = -1, CANDIDATES_MAX = 1024 };

struct importing {
    const struct import_task *task;
    struct import_result *r;
    const struct plan *plan;
    struct text *feature; /* that each column of the file is given; empty: its own name */
    struct error *e;
};

/* ---- which feature is which column ---- */

static int find_column(const struct import *found, struct text name)
{
    for (uint32_t j = 0; j < found->inputs; j++) {
        if (text_is(name, found->input[j].name))
            return (int)j;
    }
    return COLUMN_NONE;
}

static bool next_item(struct text *rest, struct text *item)
{
    const char *comma;

    if (rest->bytes == NULL)
        return false;
    comma = memchr(rest->bytes, ',', rest->length);
    if (comma == NULL) {
        *item = text_trim(*rest);
        *rest = (struct text){0};
        return true;
    }
    *item = text_trim((struct text){rest->bytes, (size_t)(comma - rest->bytes)});
    *rest = (struct text){comma + 1, rest->length - (size_t)(comma - rest->bytes) - 1};
    return true;
}

static bool give(struct importing *p, struct text feature, struct text column)
{
    const struct import *found = p->r->found;
    int j = find_column(found, column);

    if (j == COLUMN_NONE)
        return error_set(p->e, ERROR_USAGE,
                         "--inputs: the model has no column \"%.*s\"; its first is \"%s\", its "
                         "last \"%s\"",
                         TEXT_ARG(column), found->input[0].name,
                         found->input[found->inputs - 1].name);
    if (feature.length == 0 || p->feature[j].length > 0)
        return error_set(p->e, ERROR_USAGE, "--inputs: column \"%.*s\" is given %s",
                         TEXT_ARG(column), feature.length == 0 ? "no feature" : "twice");
    p->feature[j] = feature;
    return true;
}

/* "feature=column" for some, or features alone for all. */
static bool read_inputs(struct importing *p)
{
    struct text rest = text_of(p->task->inputs), item;
    uint32_t at = 0, pairs = 0;

    while (next_item(&rest, &item)) {
        const char *equals = memchr(item.bytes, '=', item.length);
        struct text name = {item.bytes, equals != NULL ? (size_t)(equals - item.bytes) : 0};

        if (equals != NULL) {
            pairs++;
            if (!give(p, text_trim(name),
                      text_trim((struct text){equals + 1, item.length - name.length - 1})))
                return false;
        } else {
            if (at == p->r->found->inputs)
                return error_set(p->e, ERROR_USAGE,
                                 "--inputs: over %u features; the model has %u "
                                 "columns",
                                 at, at);
            p->feature[at] = item;
        }
        at++;
    }
    if (pairs > 0 && pairs < at)
        return error_set(p->e, ERROR_USAGE,
                         "--inputs: give either feature=column for those that "
                         "are called otherwise, or the features of all columns in their order");
    if (pairs == 0 && at != p->r->found->inputs)
        return error_set(p->e, ERROR_USAGE, "--inputs: %u features for the model's %u columns", at,
                         p->r->found->inputs);
    return true;
}

static bool no_feature(struct importing *p, struct text name, const char *column)
{
    struct text candidate[CANDIDATES_MAX];
    uint32_t count = plan_feature_count(p->plan);
    int nearest;

    for (uint32_t i = 0; i < count && i < CANDIDATES_MAX; i++)
        candidate[i] = text_of(plan_feature_name(p->plan, i));
    nearest = text_nearest(name, candidate, count < CANDIDATES_MAX ? count : CANDIDATES_MAX);
    return error_set(p->e, ERROR_INVALID,
                     "column \"%s\" of the model: the settings have no feature \"%.*s\"%s%.*s%s; "
                     "hint: define it under `features`, or name another with --inputs FEATURE=%s",
                     column, TEXT_ARG(name), nearest >= 0 ? " (did you mean \"" : "",
                     nearest >= 0 ? (int)candidate[nearest].length : 0,
                     nearest >= 0 ? candidate[nearest].bytes : "", nearest >= 0 ? "\"?)" : "",
                     column);
}

static bool tie(struct importing *p, uint32_t column, struct import_feature *f)
{
    const struct import_input *in = &p->r->found->input[column];
    struct text name = p->feature[column].length > 0 ? p->feature[column] : text_of(in->name);
    int feature = plan_feature_find(p->plan, name), node;
    enum type type;

    if (feature < 0)
        return no_feature(p, name, in->name);
    node = plan_feature_node(p->plan, (uint32_t)feature);
    type = program_type(plan_program(p->plan), node);
    if (type == TYPE_TIME || (type == TYPE_TEXT) != in->is_category)
        return error_set(p->e, ERROR_INVALID,
                         "column \"%s\" of the model takes %s, the feature \"%.*s\" is a %s",
                         in->name, in->is_category ? "texts" : "numbers", TEXT_ARG(name),
                         type_name(type));
    *f = (struct import_feature){text_of(plan_feature_name(p->plan, (uint32_t)feature)), column,
                                 type == TYPE_TEXT,
                                 program_fingerprint(plan_program(p->plan), node)};
    return true;
}

static bool check_twice(const struct import_feature *f, uint32_t count, struct error *e)
{
    for (uint32_t i = 1; i < count; i++) {
        for (uint32_t k = 0; k < i; k++) {
            if (text_equal(f[i].name, f[k].name))
                return error_set(e, ERROR_INVALID, "the feature \"%.*s\" is given to two columns",
                                 TEXT_ARG(f[i].name));
        }
    }
    return true;
}

static bool tie_all(struct importing *p)
{
    struct import *found = p->r->found;
    struct import_feature *f;
    uint32_t count = 0;
    bool ok = true;

    for (uint32_t j = 0; j < found->inputs; j++)
        count += found->input[j].is_used;
    if (count > MODEL_INPUTS_MAX)
        return error_set(p->e, ERROR_INVALID, "the model uses %u columns, at most %d are taken",
                         count, MODEL_INPUTS_MAX);
    f = mem_array((size_t)count + 1, sizeof *f);
    p->r->column = mem_array((size_t)count + 1, sizeof *p->r->column);
    for (uint32_t j = 0; j < found->inputs && ok; j++) {
        if (!found->input[j].is_used)
            continue;
        p->r->column[p->r->inputs] = j;
        ok = tie(p, j, &f[p->r->inputs++]);
    }
    if (ok && check_twice(f, count, p->e))
        p->r->model = import_model(found, f, count, p->e);
    mem_free(f);
    return p->r->model != NULL;
}

/* ---- the whole ---- */

static bool read_file(const struct import_task *task, struct import **found, struct error *e)
{
    struct buffer bytes;
    bool ok;

    buffer_init(&bytes, IMPORT_BYTES_MAX + 1);
    ok = file_read(task->path, &bytes, e) &&
         (import_parse(bytes.bytes, bytes.length, &task->options, found, e) ||
          error_prefix(e, "%s", task->path));
    buffer_fini(&bytes);
    return ok;
}

static bool match(struct importing *p)
{
    struct import *found = p->r->found;

    p->feature = mem_array((size_t)found->inputs + 1, sizeof *p->feature);
    if (p->task->inputs != NULL)
        return read_inputs(p) && tie_all(p);
    if (!found->has_names && found->inputs > 0)
        return error_set(p->e, ERROR_INVALID,
                         "%s: the model has no names for its %u columns; hint: give the features "
                         "in the columns' order, --inputs FEATURE,FEATURE,...",
                         p->task->path, found->inputs);
    return tie_all(p);
}

static bool keep(struct importing *p, struct registration *m)
{
    const struct import_task *task = p->task;
    struct registering g = {.directory = task->directory,
                            .settings = task->settings,
                            .plan = p->plan,
                            .now_us = task->now_us};
    struct data_artifacts shared;
    bool ok;

    if (!registry_open(task->directory, data_artifacts(task->settings, &shared), &g.registry, p->e))
        return false;
    ok = registration_assign(&g, m, p->e) && registration_add(&g, m, NULL, p->e) &&
         registry_is_shared(g.registry, p->e) && registration_promote(&g, m, false, p->e);
    registry_close(g.registry);
    if (ok) {
        model_id_format(&m->id, p->r->id);
        memcpy(p->r->path, m->path, sizeof p->r->path);
    }
    return ok;
}

static bool save(struct importing *p)
{
    struct buffer data, settings;
    struct model_notes notes = {.metrics = (char *)"{}"};
    struct registration m = {.name = p->r->name,
                             .model = p->r->model,
                             .metrics = ",\"decision\":[],\"checks\":[],\"test\":null"};
    bool ok;

    buffer_init(&data, 4 << 20);
    buffer_init(&settings, 4 << 20);
    import_result_json(p->r, &data);
    settings_print_plan(p->task->settings, plan_schema(p->plan), plan_program(p->plan), &settings);
    notes.data = (char *)buffer_text(&data);
    notes.settings = (char *)buffer_text(&settings);
    model_set_notes(p->r->model, &notes);
    m.data = notes.data;
    ok = !(data.overflow || settings.overflow) ||
         error_set(p->e, ERROR_FULL, "what is known of the model is over 4 MiB");
    ok = ok && keep(p, &m);
    buffer_fini(&data);
    buffer_fini(&settings);
    return ok;
}

/* "models/fraud.v2.ubj" is fraud.v2. */
static bool name_model(const struct import_task *task, struct import_result *r, struct error *e)
{
    const char *slash = strrchr(task->path, '/');
    const char *base = slash != NULL ? slash + 1 : task->path, *dot = strrchr(base, '.');
    struct text name = {base, dot != NULL && dot > base ? (size_t)(dot - base) : strlen(base)};

    if (task->name != NULL)
        name = text_of(task->name);
    if (!model_name_check(name, e))
        return error_prefix(e, "--name");
    memcpy(r->name, name.bytes, name.length);
    return true;
}

bool import_file(const struct import_task *task, struct import_result *r, struct error *e)
{
    struct importing p = {.task = task, .r = r, .e = e};
    struct current current;
    bool ok;

    *r = (struct import_result){0};
    if (!name_model(task, r, e) || !read_file(task, &r->found, e))
        return false;
    ok = current_open(task->settings, NULL, CURRENT_MODEL_NOT_USED, &current, e);
    if (ok) {
        p.plan = current.made.plan;
        ok = match(&p) && save(&p);
        current_close(&current);
    }
    mem_free(p.feature);
    if (!ok)
        import_result_free(r);
    return ok;
}

void import_result_free(struct import_result *r)
{
    import_free(r->found);
    model_free(r->model);
    mem_free(r->column);
    *r = (struct import_result){0};
}

void import_result_json(const struct import_result *r, struct buffer *out)
{
    buffer_add_text(out, "{\"imported\":{\"name\":");
    json_add_text(out, text_of(r->name));
    buffer_add_text(out, ",\"library\":");
    json_add_text(out, text_of(r->found->library));
    buffer_format(out, ",\"trees\":%u,\"inputs\":[", model_tree_count(r->model));
    for (uint32_t i = 0; i < r->inputs; i++) {
        buffer_add_text(out, i > 0 ? ",{\"feature\":" : "{\"feature\":");
        json_add_text(out, text_of(model_input(r->model, i)->name));
        buffer_add_text(out, ",\"column\":");
        json_add_text(out, text_of(r->found->input[r->column[i]].name));
        buffer_add_char(out, '}');
    }
    buffer_add_text(out, "],\"notes\":[");
    for (uint32_t i = 0; i < r->found->notes; i++) {
        if (i > 0)
            buffer_add_char(out, ',');
        json_add_text(out, text_of(r->found->note[i]));
    }
    buffer_add_text(out, "]}}");
}

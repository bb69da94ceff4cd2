/* What of a model's papers is a parameter, a metric or a tag of a run. Parameters: its recipe line
 * by line, and what it learned from. Metrics: every number of metrics.json that is in no list, by
 * its path; of an estimate {value, low, high} the value has the path itself. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/calendar.h"
#include "core/base/memory.h"
#include "shell/registry/mlflow_inside.h"

enum { KEY_MAX = 250, DEPTH_MAX = 8 };

struct batch {
    struct buffer params, metrics, body;
    uint32_t param_count, metric_count;
    const char *run;
    int64_t made_ms;
    bool (*each)(void *context, const struct buffer *body, struct error *e);
    void *context;
    struct error *e;
    bool ok;
};

static void flush(struct batch *b)
{
    if (!b->ok || b->param_count + b->metric_count == 0)
        return;
    buffer_clear(&b->body);
    buffer_format(&b->body, "{\"run_id\":\"%s\",\"params\":[", b->run);
    buffer_add(&b->body, b->params.bytes, b->params.length);
    buffer_add_text(&b->body, "],\"metrics\":[");
    buffer_add(&b->body, b->metrics.bytes, b->metrics.length);
    buffer_add_text(&b->body, "],\"tags\":[]}");
    b->ok = b->each(b->context, &b->body, b->e);
    buffer_clear(&b->params);
    buffer_clear(&b->metrics);
    b->param_count = b->metric_count = 0;
}

/* MLflow's names: letters, digits, "_", "-", ".", " " and "/". */
static void clean(const char *from, char to[KEY_MAX + 1])
{
    size_t length = strnlen(from, KEY_MAX);

    for (size_t i = 0; i < length; i++)
        to[i] = (char)(isalnum((unsigned char)from[i]) || strchr("_-. /", from[i]) != NULL ? from[i]
                                                                                           : '_');
    to[length] = 0;
}

/* No byte of a character is left without the others. */
static struct text cut(struct text value)
{
    if (value.length <= MLFLOW_VALUE_MAX)
        return value;
    value.length = MLFLOW_VALUE_MAX;
    while (value.length > 0 && ((unsigned char)value.bytes[value.length] & 0xc0) == 0x80)
        value.length--;
    return value;
}

static void add_param(struct batch *b, const char *key, struct text value)
{
    char name[KEY_MAX + 1];

    clean(key, name);
    buffer_add_text(&b->params, b->param_count > 0 ? ",{\"key\":" : "{\"key\":");
    json_add_text(&b->params, text_of(name));
    buffer_add_text(&b->params, ",\"value\":");
    json_add_text(&b->params, cut(value));
    buffer_add_char(&b->params, '}');
    if (++b->param_count == MLFLOW_PARAMS_MAX)
        flush(b);
}

static void add_metric(struct batch *b, const char *key, double value)
{
    char name[KEY_MAX + 1];

    clean(key, name);
    buffer_add_text(&b->metrics, b->metric_count > 0 ? ",{\"key\":" : "{\"key\":");
    json_add_text(&b->metrics, text_of(name));
    buffer_add_text(&b->metrics, ",\"value\":");
    json_add_real(&b->metrics, value);
    buffer_format(&b->metrics, ",\"timestamp\":%ld,\"step\":0}", (long)b->made_ms);
    if (++b->metric_count == MLFLOW_METRICS_MAX)
        flush(b);
}

/* ---- parameters ---- */

/* The recipe is printed by us: two blanks a level, "key: value", "key:" before a level or a list,
 * "- value". Where a key comes twice (in a list of maps) the first is taken: a parameter has one
 * value. */
static void add_recipe(struct batch *b, struct text recipe)
{
    char path[DEPTH_MAX][KEY_MAX / DEPTH_MAX] = {{0}}, key[DEPTH_MAX * (KEY_MAX / DEPTH_MAX + 1)];
    const char *at = recipe.bytes, *end = recipe.bytes + recipe.length;

    while (at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        struct text line = {at, (size_t)((line_end != NULL ? line_end : end) - at)};
        size_t blanks = 0, colon = 0, depth;

        at += line.length + 1;
        while (blanks < line.length && line.bytes[blanks] == ' ')
            blanks++;
        depth = blanks / 2;
        colon = blanks;
        while (colon < line.length && line.bytes[colon] != ':')
            colon++;
        if (depth >= DEPTH_MAX || colon == line.length || line.bytes[blanks] == '-')
            continue;
        snprintf(path[depth], sizeof path[depth], "%.*s", (int)(colon - blanks),
                 line.bytes + blanks);
        if (colon + 2 >= line.length)
            continue; /* a level begins */
        key[0] = 0;
        for (size_t i = 0, length = 0; i <= depth; i++)
            length += (size_t)snprintf(key + length, sizeof key - length, "%s%s", i > 0 ? "." : "",
                                       path[i]);
        add_param(b, key, (struct text){line.bytes + colon + 2, line.length - colon - 2});
    }
}

static void add_count(struct batch *b, const char *key, const struct json *object, const char *path)
{
    const struct json *j = json_at(object, path);
    char digits[24];

    if (j == NULL || j->kind != JSON_INT)
        return;
    snprintf(digits, sizeof digits, "%ld", (long)j->integer);
    add_param(b, key, text_of(digits));
}

static void add_words(struct batch *b, const char *key, const struct json *object, const char *path)
{
    struct text value = json_text_at(object, path);

    if (value.length > 0)
        add_param(b, key, value);
}

static void add_inputs(struct batch *b, const struct json *inputs)
{
    struct buffer names;

    if (inputs == NULL || inputs->kind != JSON_ARRAY)
        return;
    buffer_init(&names, 1 << 20);
    for (uint32_t i = 0; i < inputs->count; i++) {
        buffer_add_text(&names, i > 0 ? "," : "");
        buffer_add_slice(&names, json_text_at(&inputs->items[i], "name"));
    }
    add_param(b, "inputs", (struct text){names.bytes, names.length});
    buffer_fini(&names);
}

static void add_params(struct batch *b, const struct json *lineage, const struct json *metrics)
{
    add_recipe(b, json_text_at(lineage, "recipe"));
    add_count(b, "seed", lineage, "seed");
    add_inputs(b, json_at(lineage, "inputs"));
    add_words(b, "split.by", metrics, "split.by");
    add_count(b, "data.rows", lineage, "data.rows");
    add_count(b, "data.frauds", lineage, "frauds");
    add_words(b, "data.from", lineage, "data.from");
    add_words(b, "data.until", lineage, "data.until");
    add_words(b, "data.sha256", lineage, "data.sha256");
    add_words(b, "settings_sha256", lineage, "settings_sha256");
}

/* ---- metrics ---- */

static void walk(struct batch *b, const struct json *j, const char *path, int depth)
{
    if (j->kind == JSON_INT || j->kind == JSON_REAL) {
        add_metric(b, path, j->real);
    } else if (j->kind == JSON_BOOL) {
        add_metric(b, path, j->boolean ? 1 : 0);
    } else if (j->kind == JSON_OBJECT && depth < DEPTH_MAX) {
        for (uint32_t i = 0; i < j->count; i++) {
            char below[KEY_MAX + 1];
            bool is_value = text_is(j->keys[i], "value");

            snprintf(below, sizeof below, "%s%s%.*s", path, path[0] != 0 && !is_value ? "." : "",
                     is_value ? 0 : (int)j->keys[i].length, j->keys[i].bytes);
            walk(b, &j->items[i], below, depth + 1);
        }
    }
}

/* ---- the whole ---- */

int64_t mlflow_made_ms(const struct json *lineage)
{
    struct text made = json_text_at(lineage, "made");
    int64_t us = 0;

    return time_parse(made, TIME_ISO, &us) ? us / 1000 : 0;
}

bool mlflow_batches(const char *run, const struct json *lineage, const struct json *metrics,
                    bool (*each)(void *context, const struct buffer *body, struct error *e),
                    void *context, struct error *e)
{
    struct batch b = {.run = run,
                      .made_ms = mlflow_made_ms(lineage),
                      .each = each,
                      .context = context,
                      .e = e,
                      .ok = true};

    buffer_init(&b.params, MLFLOW_BODY_MAX);
    buffer_init(&b.metrics, MLFLOW_BODY_MAX);
    buffer_init(&b.body, MLFLOW_BODY_MAX);
    add_params(&b, lineage, metrics);
    walk(&b, metrics, "", 0);
    flush(&b);
    buffer_fini(&b.params);
    buffer_fini(&b.metrics);
    buffer_fini(&b.body);
    return b.ok;
}

static void add_tag(struct buffer *out, bool is_first, const char *key, struct text value)
{
    buffer_format(out, "%s{\"key\":\"%s\",\"value\":", is_first ? "" : ",", key);
    json_add_text(out, cut(value));
    buffer_add_char(out, '}');
}

void mlflow_tags(const struct model_id *id, const struct json *lineage, const struct json *metrics,
                 struct buffer *out)
{
    char text[MODEL_ID_TEXT_MAX];

    model_id_format(id, text);
    buffer_add_text(out, "\"tags\":[");
    add_tag(out, true, "assay.model", text_of(text));
    add_tag(out, false, "assay.model_sha256", json_text_at(lineage, "model_sha256"));
    add_tag(out, false, "assay.version", json_text_at(lineage, "program.version"));
    add_tag(out, false, "assay.better_than_chance",
            text_of(json_is_true_at(metrics, "test.better_than_chance") ? "true" : "false"));
    add_tag(out, false, "mlflow.user", json_text_at(lineage, "by"));
    add_tag(out, false, "mlflow.source.name", text_of("assay train"));
    add_tag(out, false, "mlflow.source.type", text_of("LOCAL"));
    if (json_text_at(lineage, "purpose").length > 0)
        add_tag(out, false, "mlflow.note.content", json_text_at(lineage, "purpose"));
    buffer_add_char(out, ']');
}

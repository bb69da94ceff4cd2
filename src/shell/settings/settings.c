#include "shell/settings/settings.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/memory.h"
#include "shell/os/file.h"
#include "shell/settings/keys.h"
#include "shell/settings/read.h"

static const char *environment_get(const char *name)
{
    return getenv(name);
}

static char *directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        return mem_text(".", 1);
    return mem_text(path, slash == path ? 1 : (size_t)(slash - path));
}

bool settings_parse_with(struct text yaml, const char *path, const struct settings_options *o,
                         struct settings **s, struct error *e)
{
    struct settings *fresh;
    struct yaml *y;
    bool ok;

    if (yaml.length > SETTINGS_BYTES_MAX)
        return error_set(e, ERROR_INVALID, "%s: over %d bytes: settings are small", path,
                         SETTINGS_BYTES_MAX);
    if (!yaml_parse(yaml, path, &y, e))
        return false;
    fresh = settings_new();
    fresh->path = mem_text(path, strlen(path));
    fresh->directory = directory_of(path);
    ok = settings_read(fresh, y, o, e) && settings_verify(fresh, e);
    yaml_close(y);
    if (ok)
        *s = fresh;
    else
        settings_free(fresh);
    return ok;
}

bool settings_parse(struct text yaml, const char *path, struct settings **s, struct error *e)
{
    return settings_parse_with(yaml, path, NULL, s, e);
}

bool settings_load_with(const char *path, const struct settings_options *o, struct settings **s,
                        struct error *e)
{
    struct buffer bytes;
    bool ok;

    buffer_init(&bytes, SETTINGS_BYTES_MAX);
    ok = file_read(path, &bytes, e);
    if (!ok && e->kind == ERROR_NOT_FOUND)
        error_set(e, ERROR_NOT_FOUND,
                  "no settings file \"%s\": make one with `assay init FILE`, or name it with -c",
                  path);
    else if (!ok && e->kind == ERROR_FULL)
        error_set(e, ERROR_INVALID, "%s: over %d bytes: settings are small", path,
                  SETTINGS_BYTES_MAX);
    ok = ok && settings_parse_with((struct text){bytes.bytes, bytes.length}, path, o, s, e);
    buffer_fini(&bytes);
    return ok;
}

bool settings_load(const char *path, struct settings **s, struct error *e)
{
    const struct settings_options o = {.environment = environment_get};

    return settings_load_with(path, &o, s, e);
}

static void free_key(const struct key *k, char *base);

static void free_array(const struct key *k, char *base)
{
    uint32_t count = *(const uint32_t *)(base + k->count_at);
    char *array = *(char **)(base + k->at);
    const struct key *each = key_find(k, text_of("*"));

    for (uint32_t i = 0; i < count; i++) {
        char *element = array + i * k->bytes;

        if (k->kind == KEY_ENTRIES)
            mem_free(*(char **)element); /* its name */
        free_key(each, element);
    }
    mem_free(array);
}

static void free_texts(const struct key *k, char *base)
{
    char **texts = *(char ***)(base + k->at);

    for (uint32_t i = 0; i < *(const uint32_t *)(base + k->count_at); i++)
        mem_free(texts[i]);
    mem_free(texts);
}

/* Releases what the member of this key, and of those below it, own. */
static void free_key(const struct key *k, char *base)
{
    if (k->kind == KEY_TEXT || k->kind == KEY_EVENT || k->kind == KEY_SHAPE)
        mem_free(*(char **)(base + k->at));
    if (k->kind == KEY_TEXTS || k->kind == KEY_EVENTS)
        free_texts(k, base);
    if (k->kind == KEY_ENTRIES || k->kind == KEY_RECORDS)
        free_array(k, base);
    if (k->kind != KEY_SECTION && k->kind != KEY_ENTRIES)
        return;
    for (const struct key *below = key_below(k, NULL); below != NULL; below = key_below(k, below)) {
        if (key_is_named(below))
            free_key(below, base);
    }
}

void settings_free(struct settings *s)
{
    if (s == NULL)
        return;
    for (const struct key *k = key_below(NULL, NULL); k != NULL; k = key_below(NULL, k))
        free_key(k, (char *)s);
    origins_free(s->origins);
    mem_free(s->path);
    mem_free(s->directory);
    mem_free(s);
}

bool settings_has_model(const struct settings *s)
{
    return strcmp(s->model.kind, "none") != 0;
}

const struct recipe_setting *settings_model(const struct settings *s, const char *name)
{
    for (uint32_t i = 0; i < s->model_count; i++) {
        if (strcmp(s->models[i].name, name) == 0)
            return &s->models[i];
    }
    return NULL;
}

const struct recipe_setting *settings_recipe(const struct settings *s)
{
    const struct recipe_setting *named = settings_model(s, s->model.kind);

    return named != NULL ? named : &s->model.asked;
}

struct recipe_setting *settings_model_of(struct settings *s)
{
    for (uint32_t i = 0; i < s->model_count; i++) {
        if (strcmp(s->models[i].name, s->model.kind) == 0)
            return &s->models[i];
    }
    return &s->model.asked;
}

const struct source_setting *settings_source(const struct settings *s, const char *name)
{
    for (uint32_t i = 0; i < s->source_count; i++) {
        if (strcmp(s->sources[i].name, name) == 0)
            return &s->sources[i];
    }
    return NULL;
}

const struct list_setting *settings_list(const struct settings *s, const char *name)
{
    for (uint32_t i = 0; i < s->list_count; i++) {
        if (strcmp(s->lists[i].name, name) == 0)
            return &s->lists[i];
    }
    return NULL;
}

enum type list_setting_type(const struct list_setting *l)
{
    static const enum type types[] = {
        [LIST_OF_TEXT] = TYPE_TEXT, [LIST_OF_INT] = TYPE_INT, [LIST_OF_DECIMAL] = TYPE_DECIMAL};

    return types[l->type];
}

const char *settings_source_url(const struct settings *s, const struct source_setting *source)
{
    return source->postgres != NULL ? source->postgres : s->store.url;
}

const char *settings_stream_topic(const struct settings *s)
{
    if (s->stream.topic != NULL)
        return s->stream.topic;
    for (uint32_t i = 0; i < s->source_count; i++) {
        if (s->sources[i].kafka != NULL && settings_is_events(s, &s->sources[i]))
            return s->sources[i].kafka;
    }
    return NULL;
}

const char *settings_kafka_group(const struct settings *s)
{
    return s->kafka.group != NULL ? s->kafka.group : s->name;
}

const char *source_setting_words(const struct source_setting *source)
{
    return source->file != NULL    ? source->file
           : source->table != NULL ? source->table
           : source->kafka != NULL ? source->kafka
                                   : "a query";
}

void settings_event_files(const struct settings *s, struct buffer *out)
{
    for (uint32_t i = 0; i < s->source_count; i++) {
        if (settings_is_events(s, &s->sources[i]))
            buffer_format(out, "%s%s", out->length > 0 ? ", " : "",
                          source_setting_words(&s->sources[i]));
    }
}

bool settings_add_kinds(const struct settings *s, struct schema *schema, struct error *e)
{
    for (uint32_t i = 0; i < s->kind_count; i++) {
        const struct kind_setting *from = &s->kinds[i];

        if (!schema_add_kind(schema,
                             &(struct event_kind){.name = from->name,
                                                  .id = from->id,
                                                  .time = from->time,
                                                  .layout = from->layout,
                                                  .is_decided = from->decide},
                             e))
            return false;
    }
    return true;
}

static uint32_t kinds_of(const struct schema *schema, const struct schema_setting *from)
{
    uint32_t kinds = 0;

    for (uint32_t i = 0; i < from->kind_count; i++)
        kinds |= UINT32_C(1) << schema_find_kind(schema, text_of(from->kinds[i]));
    return kinds;
}

struct schema *settings_schema(const struct settings *s)
{
    struct schema *schema;
    struct error e;

    if (s->schema_count == 0)
        return NULL;
    schema = schema_new();
    (void)!settings_add_kinds(s, schema, &e); /* settings_verify has seen them too */
    for (uint32_t i = 0; i < s->schema_count; i++) {
        const struct schema_setting *from = &s->schema[i];
        struct field *f;

        if (!schema_add(schema, text_of(from->name), from->type, &e))
            continue; /* settings_verify has seen to it that this does not happen */
        f = &schema->fields[schema->count - 1];
        f->layout = from->layout;
        f->point = from->point;
        f->group = from->group;
        f->is_personal = from->personal;
        f->is_looked_up = from->looked_up;
        f->kinds = kinds_of(schema, from);
    }
    if (s->kind_count > 0) {
        schema->kind = schema_find(schema, text_of(KIND_FIELD));
        schema->id = s->event.id != NULL ? schema_find(schema, text_of(s->event.id)) : FIELD_NONE;
        schema->time = schema_find(schema, text_of(s->event.time));
    }
    return schema;
}

/* Words that begin "1:14: " are about a place inside the value; where the value stands in the file
 * as it is, that is a place in the file. Returns the column, and takes the place out of the words.
 */
static uint32_t inner_column(const struct origin *o, struct error *e, size_t path_length)
{
    unsigned line, column;
    int used = 0;
    char *words = e->text + path_length + strlen(": ");

    if (o->words != NULL || o->text_column == 0 ||
        sscanf(words, "%u:%u: %n", &line, &column, &used) != 2 || used == 0 || line != 1)
        return o->column;
    memmove(words, words + used, strlen(words + used) + 1);
    return o->text_column + column - 1;
}

bool settings_blame(const struct settings *s, const char *key_path, struct error *e)
{
    const struct origin *o = origins_find(s->origins, key_path);
    size_t length = strlen(key_path);

    if (o == NULL)
        o = origins_first_below(s->origins, key_path);
    if (strncmp(e->text, key_path, length) != 0 ||
        (e->text[length] != ':' && e->text[length] != '.'))
        error_prefix(e, "%s", key_path);
    if (o != NULL && o->words != NULL && strcmp(o->words, "default") != 0)
        return error_prefix(e, "%s", o->words);
    if (o != NULL && o->line > 0) {
        uint32_t column = inner_column(o, e, length);

        return error_prefix(e, "%s:%u:%u", s->path, o->line, column);
    }
    return error_prefix(e, "%s", s->path);
}

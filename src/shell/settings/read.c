/* The reader walks the table of keys beside the tree of nodes. What the file leaves out is read
 * from the row's default, by the same code, so a default is held to the same rules as what a user
 * writes. Overrides enter the tree before it is read. */
#include "shell/settings/read.h"

#include <ctype.h>
#include <stdio.h>

#include "core/base/memory.h"
#include "shell/settings/interpolate.h"
#include "shell/settings/value.h"

struct reading {
    struct settings *settings;
    struct yaml *yaml;
    const struct settings_options *options;
    struct error *error;
    char path[KEY_PATH_MAX]; /* of the key being read */
    size_t path_length;
};

static bool read_key(struct reading *r, const struct key *k, struct yaml_node *n, char *base);
static bool read_below(struct reading *r, const struct key *parent, struct yaml_node *map,
                       char *base);

/* Steps down to `name`; returns the length to go back to. */
static size_t path_push(struct reading *r, struct text name)
{
    size_t before = r->path_length;
    int n = snprintf(r->path + before, sizeof r->path - before, "%s%.*s", before > 0 ? "." : "",
                     TEXT_ARG(name));

    r->path_length = before + (size_t)n < sizeof r->path ? before + (size_t)n : sizeof r->path - 1;
    return before;
}

static void path_pop(struct reading *r, size_t before)
{
    r->path_length = before;
    r->path[before] = 0;
}

/* "assay.yaml:12:5: server.port: WORDS", or "environment ASSAY_SERVER_PORT: server.port: WORDS". */
static bool refuse(struct reading *r, const struct yaml_node *n, const char *format, ...)
    PRINTF_LIKE(3, 4);
static bool refuse(struct reading *r, const struct yaml_node *n, const char *format, ...)
{
    char words[ERROR_TEXT_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    error_set(r->error, ERROR_INVALID, "%s%s%s", r->path, r->path_length > 0 ? ": " : "", words);
    if (n != NULL && n->origin != NULL)
        return error_prefix(r->error, "%s", n->origin);
    if (n != NULL && n->line > 0)
        return error_prefix(r->error, "%s:%u:%u", r->settings->path, n->line, n->column);
    return error_prefix(r->error, "%s", r->settings->path);
}

static const char *node_kind_words(const struct yaml_node *n)
{
    switch (n->kind) {
    case YAML_MAP:
        return "a map";
    case YAML_LIST:
        return "a list";
    case YAML_EMPTY:
        return "nothing";
    default:
        return "a text";
    }
}

static bool refuse_value(struct reading *r, const struct key *k, const struct yaml_node *n,
                         struct text found)
{
    struct buffer expected;
    struct text nearest = setting_nearest(k, found);

    buffer_init(&expected, ERROR_TEXT_MAX);
    setting_expected(k, &expected);
    if (n->kind != YAML_SCALAR)
        refuse(r, n, "expected %s, found %s", buffer_text(&expected), node_kind_words(n));
    else if (nearest.length > 0)
        refuse(r, n, "expected %s, found \"%.*s\"; did you mean \"%.*s\"?", buffer_text(&expected),
               (int)(found.length < 80 ? found.length : 80), found.bytes, TEXT_ARG(nearest));
    else
        refuse(r, n, "expected %s, found \"%.*s\"", buffer_text(&expected),
               (int)(found.length < 80 ? found.length : 80), found.bytes);
    buffer_fini(&expected);
    return false;
}

static void read_origin(struct reading *r, const struct yaml_node *n, const char *words)
{
    const struct origin origin = {
        .path = r->path,
        .words = words != NULL ? words : n->origin,
        .line = n->line,
        .column = n->column,
        .text_column = n->text_column,
    };

    origins_add(r->settings->origins, &origin);
}

/* The text of a scalar, with what it takes from outside. */
static bool read_text(struct reading *r, const struct key *k, const struct yaml_node *n,
                      struct buffer *out, struct buffer *origin)
{
    struct error why;
    bool ok;

    if (n->kind != YAML_SCALAR)
        return refuse_value(r, k, n, n->text);
    if (n->origin != NULL) { /* from the environment, the command line or the table: as it is */
        buffer_add_slice(out, n->text);
        return true;
    }
    if (k->flags & KEY_SECRET)
        ok = interpolate_secret(n->text, r->options, r->settings->directory, out, origin, &why);
    else
        ok = interpolate(n->text, r->options, out, origin, &why);
    return ok || refuse(r, n, "%s", why.text);
}

static bool read_scalar(struct reading *r, const struct key *k, struct yaml_node *n, char *base)
{
    struct buffer value, origin;
    bool ok;

    buffer_init(&value, INTERPOLATED_MAX);
    buffer_init(&origin, KEY_PATH_MAX);
    ok = read_text(r, k, n, &value, &origin);
    if (ok && !setting_parse(k, (struct text){value.bytes, value.length}, base + k->at))
        ok = refuse_value(r, k, n, (struct text){value.bytes, value.length});
    if (ok)
        read_origin(r, n, origin.length > 0 ? buffer_text(&origin) : NULL);
    if (ok && k->has_at != 0)
        *(bool *)(base + k->has_at) = true;
    buffer_fini(&value);
    buffer_fini(&origin);
    return ok;
}

static bool read_texts(struct reading *r, const struct key *k, struct yaml_node *n, char *base)
{
    char **texts;
    uint32_t *count = (uint32_t *)(base + k->count_at);

    if (n->kind != YAML_LIST)
        return refuse_value(r, k, n, n->text);
    if (n->count > k->limit)
        return refuse(r, n, "%u of them: at most %u are taken", n->count, k->limit);
    texts = mem_array(n->count, sizeof *texts);
    *(char ***)(base + k->at) = texts;
    for (uint32_t i = 0; i < n->count; i++) {
        const struct yaml_node *item = n->item[i];
        struct buffer value, origin;
        bool ok;

        buffer_init(&value, INTERPOLATED_MAX);
        buffer_init(&origin, KEY_PATH_MAX);
        if (item->kind == YAML_SCALAR)
            ok = read_text(r, k, item, &value, &origin);
        else
            ok = refuse(r, item, "expected a text, found %s", node_kind_words(item));
        if (ok && value.length == 0)
            ok = refuse(r, item, "expected a text, found \"\"");
        if (ok)
            texts[(*count)++] = mem_text(value.bytes, value.length);
        buffer_fini(&value);
        buffer_fini(&origin);
        if (!ok)
            return false;
    }
    if (k->has_at != 0)
        *(bool *)(base + k->has_at) = true;
    read_origin(r, n, NULL);
    return true;
}

static bool read_event(struct reading *r, const struct key *k, const struct yaml_node *n,
                       char **event)
{
    struct buffer json;
    const struct yaml_node *bad;

    if (n->kind != YAML_MAP) {
        struct buffer expected;

        buffer_init(&expected, ERROR_TEXT_MAX);
        setting_expected(k, &expected);
        refuse(r, n, "expected %s, found %s", buffer_text(&expected), node_kind_words(n));
        buffer_fini(&expected);
        return false;
    }
    buffer_init(&json, SETTINGS_BYTES_MAX);
    bad = yaml_to_json(n, &json);
    if (bad == NULL)
        *event = mem_text(json.bytes, json.length);
    buffer_fini(&json);
    return bad == NULL || refuse(r, bad, "expected text in UTF-8");
}

static bool read_events(struct reading *r, const struct key *k, struct yaml_node *n, char *base)
{
    uint32_t *count = (uint32_t *)(base + k->count_at);
    char **events;

    if (n->kind != YAML_LIST)
        return refuse_value(r, k, n, n->text);
    if (n->count > k->limit)
        return refuse(r, n, "%u of them: at most %u are taken", n->count, k->limit);
    events = mem_array(n->count, sizeof *events);
    *(char ***)(base + k->at) = events;
    for (uint32_t i = 0; i < n->count; i++) {
        if (!read_event(r, k, n->item[i], &events[*count]))
            return false;
        (*count)++;
    }
    read_origin(r, n, NULL);
    return true;
}

static bool read_one_event(struct reading *r, const struct key *k, struct yaml_node *n, char *base)
{
    if (!read_event(r, k, n, (char **)(base + k->at)))
        return false;
    read_origin(r, n, NULL);
    return true;
}

static bool read_shape(struct reading *r, const struct key *k, struct yaml_node *n, char *base)
{
    struct buffer json;
    const struct yaml_node *bad;

    buffer_init(&json, SETTINGS_SHAPE_MAX);
    bad = yaml_to_json(n, &json);
    if (bad != NULL)
        refuse(r, bad, "is no UTF-8");
    else if (json.overflow)
        refuse(r, n, "is over %d bytes", SETTINGS_SHAPE_MAX);
    else
        *(char **)(base + k->at) = mem_text(json.bytes, json.length);
    bad = bad != NULL || json.overflow ? n : NULL;
    buffer_fini(&json);
    read_origin(r, n, NULL);
    return bad == NULL;
}

static bool read_span(struct reading *r, const struct key *k, struct yaml_node *n, char *base)
{
    int64_t *at = (int64_t *)(base + k->at);

    if (n->kind == YAML_SCALAR && duration_parse(n->text, &at[1]) && at[1] > 0) {
        at[0] = SPAN_LENGTH;
        read_origin(r, n, NULL);
        return true;
    }
    if (n->kind != YAML_LIST || n->count != 2)
        return refuse_value(r, k, n, n->text);
    for (int i = 0; i < 2; i++) {
        const struct yaml_node *item = n->item[i];

        if (item->kind != YAML_SCALAR || !setting_parse_time(item->text, &at[i]))
            return refuse_value(r, k, item, item->text);
    }
    if (at[0] >= at[1])
        return refuse(r, n, "expected [from, until] with until after from, found [\"%s\", \"%s\"]",
                      n->item[0]->text.bytes, n->item[1]->text.bytes);
    read_origin(r, n, NULL);
    return true;
}

/* Names that a user gives end up in logs, pages and file names: no controls, not too long. */
static bool name_is_fit(struct text name)
{
    if (name.length == 0 || name.length > PLAN_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.length; i++) {
        if ((unsigned char)name.bytes[i] < ' ' || name.bytes[i] == 0x7f)
            return false;
    }
    return true;
}

static bool read_entry(struct reading *r, const struct key *any, struct yaml_node *key,
                       struct yaml_node *value, char *element)
{
    size_t before;
    bool ok;

    if (!name_is_fit(key->text))
        return refuse(r, key, "expected a name of 1 to %d bytes without control characters",
                      PLAN_NAME_MAX);
    before = path_push(r, key->text);
    if (any->open != NULL)
        any->open(element);
    *(char **)element = mem_text(key->text.bytes, key->text.length);
    ok = read_key(r, any, value, element);
    path_pop(r, before);
    return ok;
}

/* The user's names of `map`: those that are no keys of the table. */
static uint32_t entries_count(const struct key *k, const struct yaml_node *map)
{
    uint32_t n = 0;

    for (uint32_t i = 0; map->kind == YAML_MAP && i < map->count; i++) {
        const struct key *below = key_find(k, map->key[i]->text);

        n += below != NULL && !key_is_named(below);
    }
    return n;
}

static bool read_entries(struct reading *r, const struct key *k, struct yaml_node *map, char *base)
{
    uint32_t n, *count = (uint32_t *)(base + k->count_at);
    char *array;

    if (map->kind != YAML_MAP)
        return refuse_value(r, k, map, map->text);
    n = entries_count(k, map);
    if (n > k->limit)
        return refuse(r, map, "%u of them: at most %u are taken", n, k->limit);
    array = mem_array(n, k->bytes);
    *(void **)(base + k->at) = array;
    for (uint32_t i = 0; i < map->count; i++) {
        const struct key *below = key_find(k, map->key[i]->text);

        if (key_is_named(below))
            continue;
        if (!read_entry(r, below, map->key[i], map->item[i], array + k->bytes * (*count)++))
            return false;
    }
    return true;
}

static bool read_records(struct reading *r, const struct key *k, struct yaml_node *list, char *base)
{
    uint32_t *count = (uint32_t *)(base + k->count_at);
    const struct key *each = key_below(k, NULL);
    char *array, number[16];

    if (list->kind != YAML_LIST)
        return refuse_value(r, k, list, list->text);
    if (list->count > k->limit)
        return refuse(r, list, "%u of them: at most %u are taken", list->count, k->limit);
    array = mem_array(list->count, k->bytes);
    *(void **)(base + k->at) = array;
    for (uint32_t i = 0; i < list->count; i++) {
        size_t before;
        bool ok;

        snprintf(number, sizeof number, "%u", i + 1);
        before = path_push(r, text_of(number));
        (*count)++;
        ok = read_key(r, each, list->item[i], array + k->bytes * i);
        path_pop(r, before);
        if (!ok)
            return false;
    }
    return true;
}

/* A section may be written as a plain text that stands for one of its keys. */
static struct yaml_node *expand(struct reading *r, const struct key *k, struct yaml_node *n)
{
    struct yaml_node *map;

    if (k->shorthand == NULL || n->kind != YAML_SCALAR)
        return n;
    map = yaml_map(r->yaml, n);
    if (map == NULL || !yaml_put(r->yaml, map, text_of(k->shorthand), n))
        return n;
    return map;
}

static bool read_section(struct reading *r, const struct key *k, struct yaml_node *n, char *base)
{
    n = expand(r, k, n);
    if (n->kind != YAML_MAP && n->kind != YAML_EMPTY)
        return refuse_value(r, k, n, n->text);
    return read_below(r, k, n, base);
}

static struct yaml_node *standard_node(struct reading *r, const struct key *k)
{
    struct yaml_node like = {.origin = "default"};

    if (k->kind == KEY_TEXT) /* as it is, whatever YAML would make of it */
        return yaml_scalar(r->yaml, text_of(k->standard), &like);
    return yaml_value(r->yaml, text_of(k->standard), "default", r->error);
}

static bool read_entries_or_default(struct reading *r, const struct key *k, struct yaml_node *n,
                                    char *base)
{
    struct yaml_node *entries = n = expand(r, k, n);

    if (k->standard != NULL && (n->kind == YAML_EMPTY || entries_count(k, n) == 0))
        entries = n->kind == YAML_EMPTY || n->kind == YAML_MAP ? standard_node(r, k) : n;
    if (entries == NULL)
        return false;
    read_origin(r, n->kind == YAML_EMPTY ? entries : n, NULL);
    if (entries->kind != YAML_EMPTY && !read_entries(r, k, entries, base))
        return false;
    return read_below(r, k, n, base);
}

/* n is what stands at the key; where nothing stands (NULL or empty), the default. */
static bool read_key(struct reading *r, const struct key *k, struct yaml_node *n, char *base)
{
    struct yaml_node nothing = {.kind = YAML_EMPTY};

    if (n == NULL)
        n = &nothing;
    if (k->kind == KEY_SECTION)
        return read_section(r, k, n, base);
    if (k->kind == KEY_ENTRIES)
        return read_entries_or_default(r, k, n, base);
    if (n->kind == YAML_EMPTY) {
        if (k->flags & KEY_REQUIRED) {
            struct buffer expected;

            buffer_init(&expected, ERROR_TEXT_MAX);
            setting_expected(k, &expected);
            refuse(r, n, "is missing: expected %s", buffer_text(&expected));
            buffer_fini(&expected);
            return false;
        }
        if (k->standard == NULL)
            return true;
        n = standard_node(r, k);
        if (n == NULL)
            return false;
    }
    if (k->kind == KEY_TEXTS)
        return read_texts(r, k, n, base);
    if (k->kind == KEY_SPAN)
        return read_span(r, k, n, base);
    if (k->kind == KEY_RECORDS)
        return read_records(r, k, n, base);
    if (k->kind == KEY_EVENT)
        return read_one_event(r, k, n, base);
    if (k->kind == KEY_EVENTS)
        return read_events(r, k, n, base);
    if (k->kind == KEY_SHAPE)
        return read_shape(r, k, n, base);
    return read_scalar(r, k, n, base);
}

enum { NAMES_MAX = 64 };

static bool refuse_unknown(struct reading *r, const struct key *parent, const struct yaml_node *at)
{
    struct text name[NAMES_MAX];
    struct buffer known;
    size_t n = 0;
    int nearest;

    buffer_init(&known, ERROR_TEXT_MAX);
    for (const struct key *k = key_below(parent, NULL); k != NULL && n < NAMES_MAX;
         k = key_below(parent, k)) {
        if (!key_is_named(k))
            continue;
        buffer_format(&known, "%s%s", n > 0 ? ", " : "", key_last(k));
        name[n++] = text_of(key_last(k));
    }
    nearest = text_nearest(at->text, name, n);
    path_push(r, at->text);
    if (nearest >= 0)
        refuse(r, at, "no such key; did you mean \"%.*s\"?", TEXT_ARG(name[nearest]));
    else
        refuse(r, at, "no such key; expected one of: %s", buffer_text(&known));
    buffer_fini(&known);
    return false;
}

/* Every key of the map must be in the table. */
static bool read_known(struct reading *r, const struct key *parent, const struct yaml_node *map)
{
    for (uint32_t i = 0; map->kind == YAML_MAP && i < map->count; i++) {
        if (key_find(parent, map->key[i]->text) == NULL)
            return refuse_unknown(r, parent, map->key[i]);
    }
    return true;
}

static bool read_below(struct reading *r, const struct key *parent, struct yaml_node *map,
                       char *base)
{
    if (!read_known(r, parent, map))
        return false;
    for (const struct key *k = key_below(parent, NULL); k != NULL; k = key_below(parent, k)) {
        struct yaml_node *n, missing = {.kind = YAML_EMPTY, .line = map->line};
        size_t before;
        bool ok;

        if (!key_is_named(k))
            continue;
        missing.column = map->column; /* what is missing is missed where its section begins */
        missing.origin = map->origin;
        n = yaml_get(map, text_of(key_last(k)));
        before = path_push(r, text_of(key_last(k)));
        ok = read_key(r, k, n != NULL ? n : &missing, base);
        path_pop(r, before);
        if (!ok)
            return false;
    }
    return true;
}

/* --- overrides ------------------------------------------------------------------------------- */

/* The map that stands at `name` in `map`, made where nothing stands. */
static struct yaml_node *override_step(struct reading *r, const struct key *k,
                                       struct yaml_node *map, struct text name,
                                       const struct yaml_node *like)
{
    struct yaml_node *n = yaml_get(map, name);

    if (n == NULL || n->kind == YAML_EMPTY)
        n = yaml_map(r->yaml, like);
    else
        n = expand(r, k, n);
    if (n == NULL || n->kind != YAML_MAP || !yaml_put(r->yaml, map, name, n)) {
        refuse(r, like, "cannot be set below what stands there");
        return NULL;
    }
    return n;
}

/* Puts a value at a path ("server.port") of the tree. */
static bool override_put(struct reading *r, struct text path, struct text text, const char *origin)
{
    struct yaml_node *map = yaml_root(r->yaml), *value, like = {.origin = origin};
    const struct key *k = NULL;

    for (;;) {
        const char *dot = memchr(path.bytes, '.', path.length);
        struct text name = {path.bytes, dot != NULL ? (size_t)(dot - path.bytes) : path.length};
        struct yaml_node at = {.origin = origin, .text = name};
        const struct key *parent = k;

        k = key_find(parent, name);
        if (k == NULL)
            return refuse_unknown(r, parent, &at);
        path_push(r, name);
        if (k->kind == KEY_RECORDS)
            return refuse(r, &at, "cannot be set from outside the file");
        if (dot == NULL) {
            value = k->kind == KEY_TEXT ? yaml_scalar(r->yaml, text, &like)
                                        : yaml_value(r->yaml, text, origin, r->error);
            path_pop(r, 0);
            return value != NULL && yaml_put(r->yaml, map, name, value);
        }
        if (k->kind != KEY_SECTION && k->kind != KEY_ENTRIES)
            return refuse(r, &at, "has no keys below it");
        map = override_step(r, k, map, name, &like);
        if (map == NULL)
            return false;
        path = (struct text){dot + 1, path.length - name.length - 1};
    }
}

/* ASSAY_SERVER_PORT for server.port; for keys whose whole path is in the table. */
static bool override_environment(struct reading *r)
{
    for (const struct key *k = keys; k < keys + key_count; k++) {
        char name[200];
        const char *value;
        int n = snprintf(name, sizeof name, "environment ASSAY_%s", k->path);

        if (strchr(k->path, '*') != NULL || k->kind == KEY_SECTION || k->kind == KEY_ENTRIES ||
            k->kind == KEY_RECORDS)
            continue;
        for (int i = (int)strlen("environment "); i < n; i++)
            name[i] = name[i] == '.' ? '_' : (char)toupper((unsigned char)name[i]);
        value = r->options->environment(name + strlen("environment "));
        if (value != NULL && value[0] != 0 &&
            !override_put(r, text_of(k->path), text_of(value), yaml_keep(r->yaml, text_of(name))))
            return false;
    }
    return true;
}

static bool override_set(struct reading *r, const char *set)
{
    const char *equals = strchr(set, '=');
    struct buffer origin;
    const char *kept;

    if (equals == NULL)
        return error_set(r->error, ERROR_USAGE,
                         "--set %s: expected KEY=VALUE, such as server.port=9090", set);
    buffer_init(&origin, KEY_PATH_MAX);
    buffer_format(&origin, "--set %s", set);
    kept = yaml_keep(r->yaml, (struct text){origin.bytes, origin.length});
    buffer_fini(&origin);
    if (kept == NULL)
        return error_set(r->error, ERROR_USAGE, "--set: the value is too long");
    return override_put(r, (struct text){set, (size_t)(equals - set)}, text_of(equals + 1), kept);
}

static bool read_overrides(struct reading *r)
{
    if (r->options == NULL)
        return true;
    if (r->options->environment != NULL && !override_environment(r))
        return false;
    for (uint32_t i = 0; i < r->options->set_count; i++) {
        if (!override_set(r, r->options->set[i]))
            return false;
    }
    return true;
}

bool settings_read(struct settings *s, struct yaml *y, const struct settings_options *o,
                   struct error *e)
{
    struct reading r = {.settings = s, .yaml = y, .options = o, .error = e};
    struct yaml_node *root = yaml_root(y);

    s->origins = origins_new();
    if (root->kind != YAML_MAP && root->kind != YAML_EMPTY)
        return refuse(&r, root, "expected keys such as \"event:\" and \"features:\", found %s",
                      node_kind_words(root));
    if (!read_overrides(&r) || !read_below(&r, NULL, root, (char *)s))
        return false;
    origins_sort(s->origins);
    return true;
}

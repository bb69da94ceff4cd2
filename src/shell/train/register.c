#include "shell/train/register.h"

#include <stdio.h>
#include <string.h>

#include "core/base/calendar.h"
#include "core/data/json.h"
#include "shell/os/file.h"
#include "shell/os/user.h"
#include "shell/report/card.h"

enum { REGISTER_TEXT_MAX = 4 << 20 };

static void add_key(struct buffer *out, const char *key)
{
    buffer_format(out, ",\"%s\":", key);
}

static void add_text(struct buffer *out, const char *key, struct text value)
{
    add_key(out, key);
    json_add_text(out, value);
}

static void add_digest(struct buffer *out, const char *key, const uint8_t digest[DIGEST_BYTES])
{
    char hex[DIGEST_HEX];

    digest_hex(digest, hex);
    add_text(out, key, text_of(hex));
}

/* ---- what makes a version ---- */

static void digest_inputs(const struct model *m, uint8_t out[DIGEST_BYTES])
{
    struct buffer b;

    buffer_init(&b, REGISTER_TEXT_MAX);
    for (uint32_t i = 0; i < model_input_count(m); i++) {
        const struct model_input *in = model_input(m, i);

        buffer_add_bytes32(&b, text_of(in->name));
        buffer_add_u8(&b, in->is_category);
        buffer_add_u64(&b, in->fingerprint);
    }
    digest_bytes(b.bytes, b.length, out);
    buffer_fini(&b);
}

/* Of a model from elsewhere all that is known of its making is its kind. */
static void print_recipe(const struct registering *g, const struct registration *m,
                         struct buffer *out)
{
    if (m->recipe != NULL)
        settings_print_recipe(g->settings, m->recipe, out);
    else
        buffer_format(out, "kind: %s\n", model_kind_name(model_kind(m->model)));
}

static void digest_recipe(const struct registering *g, const struct registration *m,
                          uint8_t out[DIGEST_BYTES])
{
    struct buffer b;

    buffer_init(&b, REGISTER_TEXT_MAX);
    print_recipe(g, m, &b);
    digest_bytes(b.bytes, b.length, out);
    buffer_fini(&b);
}

static void add_to_digest(void *context, const void *bytes, size_t length)
{
    digest_add(context, bytes, length);
}

/* Of the model's file, which for a large one would lie beside all that makes the report. */
static bool digest_model(const struct model *m, uint8_t out[DIGEST_BYTES])
{
    struct digest *d = digest_new();
    struct buffer bytes;
    bool fits;

    digest_start(d);
    buffer_init_spilling(&bytes, MODEL_BYTES_MAX, add_to_digest, d);
    model_format(m, &bytes);
    buffer_spill(&bytes);
    fits = !bytes.overflow;
    buffer_fini(&bytes);
    digest_finish(d, out);
    digest_free(d);
    return fits;
}

bool registration_assign(struct registering *g, struct registration *m, struct error *e)
{
    if (!digest_model(m->model, m->digests.model))
        return error_set(e, ERROR_FULL, "the model is over %d MiB", MODEL_BYTES_MAX >> 20);
    digest_inputs(m->model, m->digests.inputs);
    digest_recipe(g, m, m->digests.recipe);
    return registry_assign(g->registry, m->name, &m->digests, &m->id, &m->is_known, e) &&
           registry_path(g->directory, &m->id, "model", m->path, e);
}

/* ---- lineage.json ---- */

static void add_inputs(const struct registering *g, const struct model *m, struct buffer *out)
{
    add_key(out, "inputs");
    buffer_add_char(out, '[');
    for (uint32_t i = 0; i < model_input_count(m); i++) {
        const struct model_input *in = model_input(m, i);
        int feature = plan_feature_find(g->plan, text_of(in->name));
        struct buffer expression;

        buffer_init(&expression, 64 << 10);
        if (feature >= 0)
            program_print(plan_program(g->plan), plan_feature_node(g->plan, (uint32_t)feature),
                          &expression);
        buffer_add_text(out, i > 0 ? ",{\"name\":" : "{\"name\":");
        json_add_text(out, text_of(in->name));
        add_text(out, "type", text_of(in->is_category ? "category" : "number"));
        add_text(out, "expression", text_of(buffer_text(&expression)));
        buffer_format(out, ",\"fingerprint\":\"%016lx\"}", (unsigned long)in->fingerprint);
        buffer_fini(&expression);
    }
    buffer_add_char(out, ']');
}

/* SHA-256 of the bytes of all files of a source, in the order of their names. */
static bool digest_source(const struct settings *s, const char *file, uint8_t out[DIGEST_BYTES],
                          struct error *e)
{
    char path[FILE_PATH_MAX];
    struct file_list list;
    struct digest *d;
    bool ok = true;

    snprintf(path, sizeof path, "%s%s%s", file[0] == '/' ? "" : s->directory,
             file[0] == '/' ? "" : "/", file);
    if (!file_list(path, &list, e))
        return false;
    d = digest_new();
    digest_start(d);
    for (size_t i = 0; i < list.count && ok; i++) {
        struct file_map map;

        ok = file_map(list.path[i], &map, e);
        if (ok) {
            digest_add(d, map.bytes, map.length);
            file_unmap(&map);
        }
    }
    digest_finish(d, out);
    digest_free(d);
    file_list_fini(&list);
    return ok;
}

static void add_source(const char *name, const char *file, const uint8_t digest[DIGEST_BYTES],
                       bool is_first, struct buffer *out)
{
    buffer_add_text(out, is_first ? "{\"name\":" : ",{\"name\":");
    json_add_text(out, text_of(name));
    add_text(out, "file", text_of(file));
    add_digest(out, "sha256", digest);
    buffer_add_char(out, '}');
}

/* One file of events was read through already: its digest is known. */
static bool add_one_source(const struct registering *g, const struct source_setting *source,
                           bool is_first, struct buffer *out, struct error *e)
{
    uint8_t digest[DIGEST_BYTES];

    if (g->settings->kind_count == 0 && settings_is_events(g->settings, source))
        memcpy(digest, g->events_digest, sizeof digest);
    else if (source->file == NULL)
        memset(digest, 0, sizeof digest); /* several kinds: in the digest of all events */
    else if (!digest_source(g->settings, source->file, digest, e))
        return false;
    add_source(source->name, source_setting_words(source), digest, is_first, out);
    return true;
}

static bool add_sources(const struct registering *g, struct buffer *out, struct error *e)
{
    static const uint8_t none[DIGEST_BYTES];
    const struct settings *s = g->settings;
    bool is_first = true, has_events = memcmp(g->events_digest, none, sizeof none) != 0;

    add_key(out, "sources");
    buffer_add_char(out, '[');
    if (has_events && g->events != NULL) {
        add_source("events", g->events, g->events_digest, true, out);
        is_first = false;
    }
    for (uint32_t i = 0; has_events && i < s->source_count; i++) {
        const struct source_setting *source = &s->sources[i];

        /* Without a key it is for rollups: the model knows nothing of it. */
        if ((!settings_is_events(s, source) && (source->file == NULL || source->key == NULL)) ||
            (g->events != NULL && settings_is_events(s, source)))
            continue;
        if (!add_one_source(g, source, is_first, out, e))
            return false;
        is_first = false;
    }
    buffer_add_char(out, ']');
    return true;
}

static void open_object(const struct registration *m, struct buffer *out)
{
    char version[VERSION_TEXT_MAX];

    version_format(m->id.version, version);
    buffer_add_text(out, "{\"name\":");
    json_add_text(out, text_of(m->id.name));
    add_text(out, "version", text_of(version));
    add_text(out, "kind", text_of(model_kind_name(model_kind(m->model))));
}

static void add_recipe(const struct registering *g, const struct registration *m,
                       struct buffer *out)
{
    struct buffer recipe;

    buffer_init(&recipe, REGISTER_TEXT_MAX);
    print_recipe(g, m, &recipe);
    add_text(out, "recipe", (struct text){recipe.bytes, recipe.length});
    buffer_fini(&recipe);
}

static bool format_lineage(const struct registering *g, const struct registration *m,
                           struct buffer *out, struct error *e)
{
    const char *settings = model_notes(m->model)->settings;
    const char *purpose = g->settings->model.purpose;
    uint8_t digest[DIGEST_BYTES];
    char made[TIME_TEXT_MAX], user[USER_NAME_MAX];

    time_format(g->now_us, made);
    user_name(user);
    digest_bytes(settings, strlen(settings), digest);
    open_object(m, out);
    add_text(out, "made", text_of(made));
    add_text(out, "by", text_of(user));
    add_text(out, "purpose", text_of(purpose != NULL ? purpose : ""));
    registry_digests_json(&m->digests, out);
    add_inputs(g, m->model, out);
    add_recipe(g, m, out);
    if (m->recipe != NULL)
        buffer_format(out, ",\"seed\":%lu", (unsigned long)g->settings->model.seed);
    if (!add_sources(g, out, e))
        return false;
    add_key(out, "data");
    buffer_add_text(out, m->data);
    buffer_format(out, ",\"frauds\":%lu", (unsigned long)m->frauds);
    add_digest(out, "settings_sha256", digest);
    add_text(out, "settings", text_of(settings));
    buffer_format(out, ",\"program\":{\"version\":\"%s\",\"epoch\":%d,\"model_format\":%d}}\n",
                  ASSAY_VERSION, ENGINE_EPOCH, MODEL_FORMAT_VERSION);
    return true;
}

static void format_metrics(const struct registration *m, struct buffer *out)
{
    open_object(m, out);
    buffer_add_text(out, m->metrics);
    buffer_add_text(out, "}\n");
}

/* ---- the files of a version ---- */

enum { FILE_MODEL, FILE_LINEAGE, FILE_METRICS, FILE_CARD_HTML, FILE_CARD_MD, FILE_REPORT, FILES };

static const char *const file_names[FILES] = {"model",     "lineage.json", "metrics.json",
                                              "card.html", "card.md",      "report.html"};

/* Read back what was just written: the card says what the files say. */
static bool write_cards(struct buffer file[FILES], struct error *e)
{
    struct json_reader *reader = json_reader_new();
    struct json_document *lineage =
        json_parse(reader, file[FILE_LINEAGE].bytes, file[FILE_LINEAGE].length, e);
    struct json_document *metrics =
        lineage != NULL ? json_parse(reader, file[FILE_METRICS].bytes, file[FILE_METRICS].length, e)
                        : NULL;

    if (metrics != NULL) {
        card_write(&card_html, &lineage->root, &metrics->root, &file[FILE_CARD_HTML]);
        card_write(&card_markdown, &lineage->root, &metrics->root, &file[FILE_CARD_MD]);
    }
    json_reader_free(reader);
    json_free(lineage);
    json_free(metrics);
    return metrics != NULL;
}

static bool make_files(const struct registering *g, const struct registration *m,
                       struct buffer file[FILES], struct error *e)
{
    if (!format_lineage(g, m, &file[FILE_LINEAGE], e))
        return false;
    format_metrics(m, &file[FILE_METRICS]);
    for (unsigned i = 0; i < FILES; i++) {
        if (file[i].overflow)
            return error_set(e, ERROR_FULL, "%s of the model is over %d MiB", file_names[i],
                             REGISTRY_JSON_MAX >> 20);
    }
    return write_cards(file, e);
}

/* The same model is there: its file may have been damaged or lost since. */
static bool mend(const struct registration *m, const struct buffer *bytes, struct error *e)
{
    struct buffer there;
    struct error unread;
    bool is_whole;

    buffer_init(&there, MODEL_BYTES_MAX);
    is_whole = file_read(m->path, &there, &unread) && there.length == bytes->length &&
               memcmp(there.bytes, bytes->bytes, there.length) == 0;
    buffer_fini(&there);
    return is_whole || file_write(m->path, bytes->bytes, bytes->length, 0600, e);
}

static bool add_files(struct registering *g, const struct registration *m,
                      const struct buffer *bytes, const struct buffer *report, struct error *e)
{
    struct registry_file list[FILES];
    struct buffer file[FILES];
    uint32_t files = 0;
    bool ok;

    for (unsigned i = 0; i < FILES; i++)
        buffer_init(&file[i], REGISTRY_JSON_MAX);
    ok = make_files(g, m, file, e);
    for (unsigned i = 0; i < FILES; i++)
        list[files++] = (struct registry_file){file_names[i], file[i].bytes, file[i].length};
    list[FILE_MODEL].bytes = bytes->bytes;
    list[FILE_MODEL].length = bytes->length;
    if (report != NULL) {
        list[FILE_REPORT].bytes = report->bytes;
        list[FILE_REPORT].length = report->length;
    } else {
        files = FILE_REPORT;
    }
    ok = ok && registry_add(g->registry, &m->id, list, files, e);
    for (unsigned i = 0; i < FILES; i++)
        buffer_fini(&file[i]);
    return ok;
}

/* The model's file is made again: kept since the digest, a large one would lie beside all that
 * makes the report. */
bool registration_add(struct registering *g, const struct registration *m,
                      const struct buffer *report, struct error *e)
{
    struct buffer bytes;
    bool ok;

    buffer_init(&bytes, MODEL_BYTES_MAX);
    model_format(m->model, &bytes);
    ok = m->is_known ? mend(m, &bytes, e) : add_files(g, m, &bytes, report, e);
    buffer_fini(&bytes);
    return ok;
}

bool registration_promote(struct registering *g, const struct registration *m, bool is_forced,
                          struct error *e)
{
    char user[USER_NAME_MAX];
    struct alias_change change = {.action = "promote",
                                  .alias = ALIAS_CHAMPION,
                                  .model = m->id,
                                  .is_forced = is_forced,
                                  .by = user,
                                  .at_us = g->now_us};

    user_name(user);
    return registry_promote(g->registry, &change, e);
}

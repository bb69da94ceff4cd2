/* `assay label suggest --url`: from the decisions in the store of a running service.
 *
 * The list of decisions is read page by page, newest first; those without a label are kept, and
 * looked up one by one in order of their uncertainty until each place has an entity of its own: the
 * list has no inputs, and the store may have learned of a label meanwhile. */
#include "shell/cmd/label_suggest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/calendar.h"
#include "core/base/memory.h"
#include "core/data/json_at.h"
#include "shell/cmd/suggested.h"
#include "shell/link/http_client.h"

enum {
    DECISIONS_MAX = 1000000, /* the newest; older ones are not looked at */
    LOOK_UPS = 50,           /* for each place, at most */
    PATH_MAX_BYTES = 4096,
};

struct asking {
    struct invocation *v;
    struct suggestions best;
    const char *key; /* field of the entity, or NULL */
    const char *url;
    struct http_client *client;
    struct json_reader *json;
    struct buffer answer;
    struct suggested *item; /* without a label */
    size_t items, room;
};

static bool ask(struct asking *a, const char *path, struct json_document **d, struct error *e)
{
    int status;

    *d = NULL;
    if (!http_client_ask(a->client, path, "application/json", (struct text){0}, &a->answer, &status,
                         e))
        return false;
    *d = json_parse(a->json, a->answer.bytes, a->answer.length, e);
    if (*d != NULL && status == 200)
        return true;
    json_free(*d);
    return error_set(e, ERROR_WORLD, "%s%s answered %d instead of decisions", a->url, path, status);
}

static bool has_flag(const struct json *decision, const char *flag)
{
    const struct json *flags = json_get(decision, "flags");

    for (uint32_t i = 0; flags != NULL && flags->kind == JSON_ARRAY && i < flags->count; i++) {
        if (flags->items[i].kind == JSON_TEXT && text_is(flags->items[i].text, flag))
            return true;
    }
    return false;
}

static bool has_label(const struct json *decision)
{
    const struct json *label = json_get(decision, "label");

    return label != NULL && label->kind != JSON_NULL;
}

static void keep(struct asking *a, const struct json *decision)
{
    struct text id = json_text_at(decision, "id");
    struct suggested x = {.at = json_count_at(decision, "seq"),
                          .probability = json_real_at(decision, "probability")};

    if (has_flag(decision, "no_model"))
        return;
    a->best.rows++;
    if (has_label(decision))
        return;
    a->best.unlabelled++;
    x.distance = suggestions_distance(&a->best, x.probability);
    if (!time_parse(json_text_at(decision, "time"), TIME_ISO, &x.time_us))
        x.time_us = 0;
    x.id = mem_text(id.bytes, id.length);
    if (a->items == a->room) {
        a->room = a->room > 0 ? 2 * a->room : 1024;
        a->item = mem_resize(a->item, a->room, sizeof *a->item);
    }
    a->item[a->items++] = x;
}

/* `next` is the cursor, empty at the end. */
static bool read_page(struct asking *a, char next[PATH_MAX_BYTES], struct error *e)
{
    struct json_document *d;
    const struct json *rows;
    struct buffer path;
    struct text cursor;
    bool ok;

    buffer_init(&path, PATH_MAX_BYTES);
    buffer_add_text(&path, "/v1/decisions?sort=-time&limit=1000");
    if (next[0] != 0) {
        buffer_add_text(&path, "&cursor=");
        http_path_add(&path, text_of(next));
    }
    ok = ask(a, buffer_text(&path), &d, e);
    buffer_fini(&path);
    if (!ok)
        return false;
    rows = json_get(&d->root, "decisions");
    for (uint32_t i = 0; rows != NULL && rows->kind == JSON_ARRAY && i < rows->count; i++)
        keep(a, &rows->items[i]);
    cursor = json_text_at(&d->root, "next");
    snprintf(next, PATH_MAX_BYTES, "%.*s", TEXT_ARG(cursor));
    json_free(d);
    return true;
}

static bool read_store(struct asking *a, struct error *e)
{
    char next[PATH_MAX_BYTES] = "";

    do {
        if (!read_page(a, next, e))
            return false;
    } while (next[0] != 0 && a->best.rows < DECISIONS_MAX);
    return true;
}

/* ---- one by one ---- */

static int compare_suggested(const void *a, const void *b)
{
    if (suggested_is_before(a, b))
        return -1;
    return suggested_is_before(b, a);
}

static char *copy_entity(const struct asking *a, const struct json *decision)
{
    const struct json *v = json_get(decision, "inputs");
    struct buffer text;
    char *copy;

    v = v != NULL && v->kind == JSON_OBJECT ? json_get(v, a->key) : NULL;
    if (v == NULL || v->kind == JSON_NULL)
        return NULL;
    buffer_init(&text, 64 << 10);
    if (v->kind == JSON_TEXT)
        json_add_text(&text, v->text);
    else if (v->kind == JSON_INT)
        json_add_int(&text, v->integer);
    else
        json_add_real(&text, v->real);
    copy = mem_text(text.bytes, text.length);
    buffer_fini(&text);
    return copy;
}

/* Offers it unless it has a label by now or its entity has a place. */
static bool look_up(struct asking *a, const struct suggested *x, struct error *e)
{
    struct suggested found = *x;
    struct json_document *d;
    struct buffer path;
    bool ok;

    buffer_init(&path, PATH_MAX_BYTES);
    buffer_add_text(&path, "/v1/decisions/");
    http_path_add(&path, text_of(x->id));
    ok = ask(a, buffer_text(&path), &d, e);
    buffer_fini(&path);
    if (!ok)
        return false;
    found.entity = a->key != NULL ? copy_entity(a, &d->root) : NULL;
    if (has_label(&d->root) ||
        (found.entity != NULL && suggestions_have_entity(&a->best, found.entity))) {
        mem_free(found.entity);
    } else {
        found.id = mem_text(x->id, strlen(x->id));
        suggestions_offer(&a->best, &found);
    }
    json_free(d);
    return true;
}

static bool choose(struct asking *a, struct error *e)
{
    size_t most = (size_t)a->best.wanted * LOOK_UPS;

    if (a->items > 0)
        qsort(a->item, a->items, sizeof *a->item, compare_suggested);
    for (size_t i = 0; i < a->items && i < most && a->best.count < a->best.wanted; i++) {
        if (!look_up(a, &a->item[i], e))
            return false;
    }
    return true;
}

/* The entity of that name, else the first. */
static bool find_entity(struct asking *a, const struct settings *settings, const char *name,
                        struct error *e)
{
    for (uint32_t i = 0; i < settings->entity_count && a->key == NULL; i++) {
        if (name != NULL && strcmp(settings->entities[i].name, name) != 0)
            continue;
        a->best.entity = settings->entities[i].name;
        a->key = settings->entities[i].key;
    }
    return name == NULL || a->key != NULL ||
           error_set(e, ERROR_USAGE, "--entity: expected one of `entities`, found \"%s\"", name);
}

bool label_suggest_url(struct invocation *v, struct error *e)
{
    struct asking a = {.v = v, .url = option_get(v, "url")};
    struct settings *settings;
    bool ok;

    if (v->argument_count > 1)
        return error_set(e, ERROR_USAGE,
                         "label suggest: with --url the events are the service's: leave \"%s\" out",
                         v->argument[1]);
    if (!invocation_settings(v, &settings, e))
        return false;
    a.client = http_client_new(a.url);
    a.json = json_reader_new();
    buffer_init(&a.answer, HTTP_ANSWER_MAX);
    ok = find_entity(&a, settings, option_get(v, "entity"), e) &&
         suggestions_open(v, settings, &a.best, e) && read_store(&a, e) && choose(&a, e);
    term_clear(&v->term);
    ok = ok && suggestions_print(v, &a.best, e);
    for (size_t i = 0; i < a.items; i++)
        mem_free(a.item[i].id);
    mem_free(a.item);
    suggestions_close(&a.best);
    buffer_fini(&a.answer);
    json_reader_free(a.json);
    http_client_free(a.client);
    settings_free(settings);
    return ok;
}

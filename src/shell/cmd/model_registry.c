/* `assay model list | show | card | promote | rollback | push | pull` */
#include <stdio.h>
#include <string.h>

#include "core/base/memory.h"
#include "shell/cmd/model_actions.h"
#include "shell/os/clock.h"
#include "shell/os/file.h"
#include "shell/os/user.h"
#include "shell/registry/registry_json.h"
#include "shell/report/metrics_read.h"
#include "shell/report/words.h"
#include "shell/run/data_directory.h"

enum { NAME_COLUMNS = 24 };

/* What the registry says of one model. */
struct known {
    struct model_id id;
    char text[MODEL_ID_TEXT_MAX];
    struct json_document *lineage, *metrics;
};

static void known_close(struct known *k)
{
    json_free(k->lineage);
    json_free(k->metrics);
    *k = (struct known){0};
}

static bool known_read(const char *directory, const struct model_id *id, struct known *k,
                       struct error *e)
{
    *k = (struct known){.id = *id};
    model_id_format(id, k->text);
    if (registry_read(directory, id, "lineage.json", &k->lineage, e) &&
        registry_read(directory, id, "metrics.json", &k->metrics, e))
        return true;
    known_close(k);
    return false;
}

static bool known_find(const char *directory, const char *words, struct known *k, struct error *e)
{
    struct model_id id;

    return registry_find(directory, text_of(words), &id, e) && known_read(directory, &id, k, e);
}

static bool is_tested(const struct known *k)
{
    const struct json *test = json_at(&k->metrics->root, "test");

    return test != NULL && test->kind == JSON_OBJECT;
}

static bool is_chance(const struct known *k)
{
    return is_tested(k) && !json_is_true_at(&k->metrics->root, "test.better_than_chance");
}

/* "champion, shadow" or "". */
static void roles(const struct aliases *a, const struct model_id *id, char out[64])
{
    size_t n = 0;

    out[0] = 0;
    for (int i = 0; i < ALIASES; i++) {
        if (a->is_set[i] && model_id_equal(&a->model[i], id))
            n += (size_t)snprintf(out + n, 64 - n, "%s%s", n > 0 ? ", " : "",
                                  alias_name((enum alias)i));
    }
}

static bool print(struct buffer *out, bool ok, struct error *e)
{
    ok = ok && print_result(out, e);
    buffer_fini(out);
    return ok;
}

/* ---- list ---- */

static void list_words(const struct known *k, const struct aliases *a, struct buffer *out)
{
    struct estimate precision = json_estimate_at(&k->metrics->root, "test.average_precision");
    struct text kind = json_text_at(&k->lineage->root, "kind");
    struct text made = json_text_at(&k->lineage->root, "made");
    char role[64];

    roles(a, &k->id, role);
    buffer_format(out, "%-*s %-10.*s %.16s  ", NAME_COLUMNS, k->text, TEXT_ARG(kind),
                  made.length >= 16 ? made.bytes : "                ");
    if (precision.is_null)
        buffer_add_text(out, "not tested here");
    else
        words_estimate(out, &precision, false);
    buffer_format(out, "%s%s%s\n", is_chance(k) ? "  no better than chance" : "",
                  role[0] != 0 ? "  " : "", role);
}

static bool print_json(const char *directory, const char *words, struct error *e)
{
    struct buffer out;
    bool ok;

    buffer_init(&out, OUTPUT_MAX);
    ok = words != NULL ? registry_show_json(directory, text_of(words), &out, e)
                       : registry_list_json(directory, &out, e);
    buffer_add_char(&out, '\n');
    return print(&out, ok, e);
}

bool model_list(struct invocation *v, struct settings *s, const char *directory, struct error *e)
{
    struct aliases a;
    struct model_id *id;
    struct buffer out;
    uint32_t count;
    bool ok = true;

    if (v->json)
        return print_json(directory, NULL, e);
    if (!registry_aliases(directory, &a, e) || !registry_list(directory, &id, &count, e))
        return false;
    buffer_init(&out, OUTPUT_MAX);
    if (count > 0)
        buffer_format(&out, "%-*s %-10s %-16s  %s\n", NAME_COLUMNS, "model", "kind", "made",
                      "average precision");
    else
        buffer_add_text(&out, "no models yet: assay train\n");
    for (uint32_t i = 0; i < count && ok; i++) {
        struct known k;

        ok = known_read(directory, &id[i], &k, e);
        if (ok) {
            list_words(&k, &a, &out);
            known_close(&k);
        }
    }
    mem_free(id);
    return print(&out, ok, e);
}

/* ---- show ---- */

static void add_line(struct buffer *out, const char *name, struct text value)
{
    if (value.length > 0)
        buffer_format(out, "%-20s %.*s\n", name, TEXT_ARG(value));
}

static void add_figure(struct buffer *out, const char *name, const struct known *k,
                       const char *path, bool is_share)
{
    struct estimate f = json_estimate_at(&k->metrics->root, path);

    if (f.is_null)
        return;
    buffer_format(out, "%-20s ", name);
    words_estimate(out, &f, is_share);
    buffer_add_char(out, '\n');
}

static void add_sources(const struct known *k, struct buffer *out)
{
    const struct json *list = json_at(&k->lineage->root, "sources");

    for (uint32_t i = 0; list != NULL && list->kind == JSON_ARRAY && i < list->count; i++) {
        struct text file = json_text_at(&list->items[i], "file");
        struct text sha256 = json_text_at(&list->items[i], "sha256");

        buffer_format(out, "%-20s %.*s  SHA-256 %.*s\n", i == 0 ? "sources" : "", TEXT_ARG(file),
                      TEXT_ARG(sha256));
    }
}

static void add_thresholds(const struct known *k, struct buffer *out)
{
    const struct json *rows = json_at(&k->metrics->root, "test.thresholds");

    buffer_add_text(out, rows != NULL ? "measured at         " : "");
    for (uint32_t i = 0; rows != NULL && rows->kind == JSON_ARRAY && i < rows->count; i++) {
        buffer_add_char(out, ' ');
        words_number(out, json_real_at(&rows->items[i], "threshold"));
    }
    buffer_add_text(out, rows != NULL ? "\n" : "");
}

static void add_history(void *context, const struct json *line, struct text words)
{
    buffer_format(context, "%-28.*s %.*s as %.*s by %.*s\n", TEXT_ARG(json_text_at(line, "at")),
                  TEXT_ARG(json_text_at(line, "action")), TEXT_ARG(json_text_at(line, "as")),
                  TEXT_ARG(json_text_at(line, "by")));
}

static void show_words(const struct known *k, const char *role, const char *path,
                       struct buffer *out)
{
    const struct json *l = &k->lineage->root;
    struct text recipe = json_text_at(l, "recipe");

    buffer_format(out, "%s%s%s\n", k->text, role[0] != 0 ? ", " : "", role);
    add_line(out, "kind", json_text_at(l, "kind"));
    add_line(out, "purpose", json_text_at(l, "purpose"));
    add_line(out, "made", json_text_at(l, "made"));
    add_line(out, "by", json_text_at(l, "by"));
    add_line(out, "program", json_text_at(l, "program.version"));
    add_line(out, "file", text_of(path));
    add_line(out, "SHA-256", json_text_at(l, "model_sha256"));
    add_sources(k, out);
    add_line(out, "from", json_text_at(l, "data.from"));
    add_line(out, "until", json_text_at(l, "data.until"));
    add_line(out, "split", json_text_at(&k->metrics->root, "split.by"));
    add_figure(out, "average precision", k, "test.average_precision", false);
    add_figure(out, "AUC ROC", k, "test.auc_roc", false);
    add_figure(out, "recall at 1 % FPR", k, "test.recall_at_1pct_fpr", true);
    if (is_chance(k))
        buffer_add_text(out, "on held-out rows it cannot be told from chance\n");
    if (!is_tested(k))
        buffer_add_text(out, "it was not tested here\n");
    add_thresholds(k, out);
    buffer_format(out, "\n%.*s", TEXT_ARG(recipe));
}

bool model_show(struct invocation *v, struct settings *s, const char *directory, struct error *e)
{
    char role[64], path[REGISTRY_PATH_MAX];
    struct buffer out;
    struct aliases a;
    struct known k;
    bool ok;

    if (v->json)
        return print_json(directory, v->argument[1], e);
    if (!registry_aliases(directory, &a, e) || !known_find(directory, v->argument[1], &k, e))
        return false;
    buffer_init(&out, OUTPUT_MAX);
    roles(&a, &k.id, role);
    ok = registry_path(directory, &k.id, "model", path, e);
    if (ok) {
        show_words(&k, role, path, &out);
        ok = registry_history(directory, &k.id, add_history, &out, e);
    }
    known_close(&k);
    return print(&out, ok, e);
}

/* ---- card ---- */

bool model_card(struct invocation *v, struct settings *s, const char *directory, struct error *e)
{
    const char *format = option_get(v, "format"), *file = "card.md";
    char path[REGISTRY_PATH_MAX];
    struct model_id id;
    struct buffer out;
    bool ok;

    if (format != NULL && strcmp(format, "html") == 0)
        file = "card.html";
    else if (format != NULL && strcmp(format, "markdown") != 0)
        return error_set(e, ERROR_USAGE, "--format: expected markdown or html, found \"%s\"",
                         format);
    if (!registry_find(directory, text_of(v->argument[1]), &id, e) ||
        !registry_path(directory, &id, file, path, e))
        return false;
    buffer_init(&out, OUTPUT_MAX);
    if (v->json) {
        buffer_add_text(&out, "{\"path\":");
        json_add_text(&out, text_of(path));
        buffer_add_text(&out, "}\n");
        ok = true;
    } else {
        ok = file_read(path, &out, e);
    }
    return print(&out, ok, e);
}

/* ---- promote, rollback ---- */

static bool print_change(struct invocation *v, const struct alias_change *change, struct error *e)
{
    char id[MODEL_ID_TEXT_MAX];
    struct buffer out;

    model_id_format(&change->model, id);
    buffer_init(&out, OUTPUT_MAX);
    if (v->json)
        buffer_format(&out, "{\"model\":\"%s\",\"as\":\"%s\"}\n", id, alias_name(change->alias));
    else
        buffer_format(&out, "%s is %s%s\n", id, alias_name(change->alias),
                      change->alias == ALIAS_CHAMPION
                          ? "; a running `assay serve` takes it when it starts next, or reloads"
                          : "");
    return print(&out, true, e);
}

static bool read_alias(struct invocation *v, enum alias *alias, struct error *e)
{
    const char *as = option_get(v, "as");

    *alias = ALIAS_CHAMPION;
    return as == NULL || alias_find(text_of(as), alias) ||
           error_set(e, ERROR_USAGE, "--as: expected champion, challenger or shadow, found \"%s\"",
                     as);
}

bool model_promote(struct invocation *v, struct settings *s, const char *directory, struct error *e)
{
    char user[USER_NAME_MAX];
    struct alias_change change = {.action = "promote",
                                  .is_forced = option_has(v, "force"),
                                  .by = user,
                                  .at_us = clock_now_us()};
    struct data_artifacts shared;
    struct registry *r;
    bool ok;

    user_name(user);
    if (!read_alias(v, &change.alias, e) ||
        !registry_find(directory, text_of(v->argument[1]), &change.model, e) ||
        !registry_open(directory, data_artifacts(s, &shared), &r, e))
        return false;
    ok = registry_promote(r, &change, e);
    registry_close(r);
    return ok && print_change(v, &change, e);
}

/* ---- push, pull ---- */

static bool print_moved(struct invocation *v, const char *key, const struct buffer *ids,
                        uint32_t count, const char *words, struct error *e)
{
    struct buffer out;

    buffer_init(&out, OUTPUT_MAX);
    if (v->json) {
        buffer_format(&out, "{\"%s\":[", key);
        buffer_add(&out, ids->bytes, ids->length);
        buffer_add_text(&out, "]}\n");
    } else {
        buffer_format(&out, "%u version%s %s\n", count, count == 1 ? "" : "s", words);
    }
    return print(&out, true, e);
}

static bool must_share(const struct artifact_place *place, struct error *e)
{
    return place != NULL || error_set(e, ERROR_INVALID,
                                      "models are shared with nobody: set registry.artifacts to "
                                      "s3://BUCKET/PREFIX or a directory");
}

/* All, or the one that is named. */
static bool to_push(const char *directory, const char *words, struct model_id **id, uint32_t *count,
                    struct error *e)
{
    if (words == NULL)
        return registry_list(directory, id, count, e);
    *id = mem_alloc(sizeof **id);
    *count = 1;
    if (registry_find(directory, text_of(words), *id, e))
        return true;
    mem_free(*id);
    return false;
}

bool model_push(struct invocation *v, struct settings *s, const char *directory, struct error *e)
{
    const char *words = v->argument_count > 1 ? v->argument[1] : NULL;
    struct data_artifacts shared;
    const struct artifact_place *place = data_artifacts(s, &shared);
    uint32_t count, pushed = 0;
    struct registry *r;
    struct model_id *id;
    struct buffer ids;
    bool ok;

    if (!must_share(place, e) || !registry_open(directory, place, &r, e))
        return false;
    if (!to_push(directory, words, &id, &count, e)) {
        registry_close(r);
        return false;
    }
    buffer_init(&ids, OUTPUT_MAX);
    ok = true;
    for (uint32_t i = 0; i < count && ok; i++) {
        char text[MODEL_ID_TEXT_MAX];
        bool is_new;

        ok = words != NULL ? registry_mend(r, &id[i], &is_new, e)
                           : registry_push(r, &id[i], &is_new, e);
        model_id_format(&id[i], text);
        if (ok && is_new)
            buffer_format(&ids, "%s\"%s\"", pushed++ > 0 ? "," : "", text);
    }
    ok = ok && (words != NULL || registry_push_aliases(r, e));
    registry_close(r);
    mem_free(id);
    ok = ok && print_moved(v, "pushed", &ids, pushed, "pushed", e);
    buffer_fini(&ids);
    return ok;
}

bool model_pull(struct invocation *v, struct settings *s, const char *directory, struct error *e)
{
    char warning[REGISTRY_WARNING_MAX];
    struct data_artifacts shared;
    const struct artifact_place *place = data_artifacts(s, &shared);
    struct model_id *before, *after;
    uint32_t count_before, count_after, pulled = 0;
    struct buffer ids;
    bool ok;

    if (!must_share(place, e) || !registry_list(directory, &before, &count_before, e))
        return false;
    ok = registry_refresh(directory, place, REGISTRY_ALL, warning, e) &&
         (warning[0] == 0 || error_set(e, ERROR_WORLD, "%s", warning));
    if (!ok || !registry_list(directory, &after, &count_after, e)) {
        mem_free(before);
        return false;
    }
    buffer_init(&ids, OUTPUT_MAX);
    for (uint32_t i = 0, j = 0; i < count_after; i++) { /* both are sorted, and none goes away */
        char text[MODEL_ID_TEXT_MAX];

        if (j < count_before && model_id_equal(&after[i], &before[j])) {
            j++;
            continue;
        }
        model_id_format(&after[i], text);
        buffer_format(&ids, "%s\"%s\"", pulled++ > 0 ? "," : "", text);
    }
    mem_free(before);
    mem_free(after);
    ok = print_moved(v, "pulled", &ids, pulled, "pulled", e);
    buffer_fini(&ids);
    return ok;
}

bool model_rollback(struct invocation *v, struct settings *s, const char *directory,
                    struct error *e)
{
    char user[USER_NAME_MAX];
    struct alias_change change = {
        .action = "rollback", .alias = ALIAS_CHAMPION, .by = user, .at_us = clock_now_us()};
    struct data_artifacts shared;
    struct registry *r;
    bool ok;

    user_name(user);
    if (!registry_open(directory, data_artifacts(s, &shared), &r, e))
        return false;
    ok = registry_rollback(r, &change, e);
    registry_close(r);
    return ok && print_change(v, &change, e);
}

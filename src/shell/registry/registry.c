#include "shell/registry/registry.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "core/base/memory.h"
#include "core/base/panic.h"
#include "core/data/json_at.h"
#include "shell/os/file.h"
#include "shell/registry/registry_inside.h"

enum { DIRECTORY_MODE = 0700, FILE_MODE = 0600, OLD_NAME = 16 };

static const char unfinished[] = ".new-"; /* begins the name of a version that is being written */

/* ---- paths ---- */

static bool join(char path[REGISTRY_PATH_MAX], const char *directory, const char *below,
                 struct error *e)
{
    int n = snprintf(path, REGISTRY_PATH_MAX, "%s/%s", directory, below);

    return (n > 0 && n < REGISTRY_PATH_MAX) ||
           error_set(e, ERROR_INVALID, "path of the models is over %d bytes: %.60s...",
                     REGISTRY_PATH_MAX, directory);
}

bool registry_path(const char *data_directory, const struct model_id *id, const char *file,
                   char path[REGISTRY_PATH_MAX], struct error *e)
{
    char below[MODEL_ID_TEXT_MAX + 64], version[VERSION_TEXT_MAX];

    version_format(id->version, version);
    snprintf(below, sizeof below, "models/%s/%s%s%s", id->name, version, file[0] != 0 ? "/" : "",
             file);
    return join(path, data_directory, below, e);
}

/* ---- lists ---- */

struct listing {
    struct model_id *id;
    uint32_t count, capacity;
};

static bool listing_add(struct listing *l, const struct model_id *id)
{
    if (l->count == REGISTRY_MODELS_MAX)
        return false;
    if (l->count == l->capacity) {
        l->capacity = l->capacity > 0 ? 2 * l->capacity : 64;
        l->id = mem_resize(l->id, l->capacity, sizeof *l->id);
    }
    l->id[l->count++] = *id;
    return true;
}

/* What is no version is no business of ours: unfinished ones, files of the user. */
static bool list_versions(const char *directory, const char *name, struct listing *l)
{
    char path[REGISTRY_PATH_MAX];
    struct model_id id = {0};
    struct dirent *entry;
    struct error e;
    DIR *dir;

    if (!model_name_check(text_of(name), &e) || !join(path, directory, name, &e))
        return true;
    dir = opendir(path);
    if (dir == NULL)
        return true; /* a file, or gone meanwhile */
    snprintf(id.name, sizeof id.name, "%s", name);
    while ((entry = readdir(dir)) != NULL) {
        if (version_parse(text_of(entry->d_name), &id.version) && !listing_add(l, &id)) {
            closedir(dir);
            return false;
        }
    }
    closedir(dir);
    return true;
}

static int compare(const void *a, const void *b)
{
    const struct model_id *x = a, *y = b;
    int names = strcmp(x->name, y->name);

    return names != 0 ? names : version_compare(x->version, y->version);
}

static bool list_all(const char *directory, struct listing *l)
{
    struct dirent *entry;
    DIR *dir = opendir(directory);
    bool ok = true;

    if (dir == NULL)
        return true; /* nothing was trained yet */
    while (ok && (entry = readdir(dir)) != NULL)
        ok = list_versions(directory, entry->d_name, l);
    closedir(dir);
    return ok;
}

bool registry_list(const char *data_directory, struct model_id **id, uint32_t *count,
                   struct error *e)
{
    char directory[REGISTRY_PATH_MAX];
    struct listing l = {0};

    if (!join(directory, data_directory, "models", e))
        return false;
    if (!list_all(directory, &l)) {
        mem_free(l.id);
        return error_set(e, ERROR_FULL, "%s has over %d versions: move old ones away", directory,
                         REGISTRY_MODELS_MAX);
    }
    if (l.count > 0)
        qsort(l.id, l.count, sizeof *l.id, compare);
    *id = l.id;
    *count = l.count;
    return true;
}

/* ---- finding ---- */

bool registry_aliases(const char *data_directory, struct aliases *a, struct error *e)
{
    char directory[REGISTRY_PATH_MAX];

    return join(directory, data_directory, "models", e) && aliases_load(directory, a, e);
}

static bool no_model(const struct model_id *all, uint32_t count, struct text name, struct error *e)
{
    struct text *candidate = mem_array((size_t)count + 1, sizeof *candidate);
    int nearest;

    for (uint32_t i = 0; i < count; i++)
        candidate[i] = text_of(all[i].name);
    nearest = text_nearest(name, candidate, count);
    if (nearest >= 0)
        error_set(e, ERROR_NOT_FOUND, "there is no model \"%.*s\" (did you mean \"%.*s\"?)",
                  TEXT_ARG(name), TEXT_ARG(candidate[nearest]));
    else
        error_set(e, ERROR_NOT_FOUND, "there is no model \"%.*s\"; hint: %s", TEXT_ARG(name),
                  count > 0 ? "`assay model list` shows those there are" : "run `assay train`");
    mem_free(candidate);
    return false;
}

static bool of_alias(const char *data_directory, struct text name, enum alias alias,
                     struct model_id *id, struct error *e)
{
    char text[MODEL_ID_TEXT_MAX];
    struct aliases a;

    if (!registry_aliases(data_directory, &a, e))
        return false;
    if (!a.is_set[alias])
        return error_set(e, ERROR_NOT_FOUND,
                         "no model is %s; hint: `assay model promote NAME --as %s`",
                         alias_name(alias), alias_name(alias));
    model_id_format(&a.model[alias], text);
    if (name.length > 0 && !text_is(name, a.model[alias].name))
        return error_set(e, ERROR_NOT_FOUND, "the %s is %s, no version of \"%.*s\"",
                         alias_name(alias), text, TEXT_ARG(name));
    *id = a.model[alias];
    return true;
}

/* Among all: NAME's newest, or the one of that version. */
static bool among(const struct model_id *all, uint32_t count, struct text name, struct text version,
                  struct model_id *id, struct error *e)
{
    struct version wanted = {0};
    const struct model_id *newest = NULL;

    if (version.bytes != NULL && !version_parse(version, &wanted))
        return error_set(e, ERROR_INVALID,
                         "\"%.*s\": expected a version like 1.2.3, or champion, challenger, shadow",
                         TEXT_ARG(version));
    for (uint32_t i = 0; i < count; i++) {
        if (!text_is(name, all[i].name))
            continue;
        newest = &all[i];
        if (version.bytes != NULL && version_compare(all[i].version, wanted) == 0)
            break;
    }
    if (newest == NULL)
        return no_model(all, count, name, e);
    if (version.bytes != NULL && version_compare(newest->version, wanted) != 0) {
        char text[MODEL_ID_TEXT_MAX];

        model_id_format(newest, text);
        return error_set(e, ERROR_NOT_FOUND, "model \"%.*s\" has no version %.*s; its newest is %s",
                         TEXT_ARG(name), TEXT_ARG(version), text);
    }
    *id = *newest;
    return true;
}

bool registry_find(const char *data_directory, struct text words, struct model_id *id,
                   struct error *e)
{
    const char *at = words.length > 0 ? memchr(words.bytes, '@', words.length) : NULL;
    struct text name = {words.bytes, at != NULL ? (size_t)(at - words.bytes) : words.length};
    struct text version = {at != NULL ? at + 1 : NULL,
                           at != NULL ? words.length - name.length - 1 : 0};
    struct model_id *all;
    enum alias alias;
    uint32_t count;
    bool ok;

    if (at == NULL && alias_find(words, &alias))
        return of_alias(data_directory, (struct text){0}, alias, id, e);
    if (at != NULL && alias_find(version, &alias))
        return of_alias(data_directory, name, alias, id, e);
    if (!registry_list(data_directory, &all, &count, e))
        return false;
    ok = among(all, count, name, version, id, e);
    mem_free(all);
    return ok;
}

bool registry_read(const char *data_directory, const struct model_id *id, const char *file,
                   struct json_document **d, struct error *e)
{
    char path[REGISTRY_PATH_MAX];
    struct json_reader *reader;
    struct buffer bytes;
    bool ok;

    *d = NULL;
    if (!registry_path(data_directory, id, file, path, e))
        return false;
    buffer_init(&bytes, REGISTRY_JSON_MAX);
    ok = file_read(path, &bytes, e);
    if (ok) {
        reader = json_reader_new();
        *d = json_parse(reader, bytes.bytes, bytes.length, e);
        json_reader_free(reader);
        ok = *d != NULL || error_prefix(e, "%s", path);
        if (ok && (*d)->root.kind != JSON_OBJECT) {
            json_free(*d);
            *d = NULL;
            ok = error_set(e, ERROR_INVALID, "%s: expected a JSON object", path);
        }
    }
    buffer_fini(&bytes);
    return ok;
}

/* Before there were versions: models/current held the name of models/NAME.model. */
static bool old_champion(const char *data_directory, char path[REGISTRY_PATH_MAX])
{
    char current[REGISTRY_PATH_MAX], below[64];
    struct buffer name;
    struct error e;
    bool ok;

    buffer_init(&name, OLD_NAME);
    ok = join(current, data_directory, "models/current", &e) && file_read(current, &name, &e) &&
         name.length == OLD_NAME && memchr(name.bytes, '/', OLD_NAME) == NULL;
    if (ok) {
        snprintf(below, sizeof below, "models/%.*s.model", OLD_NAME, name.bytes);
        ok = join(path, data_directory, below, &e) && file_exists(path);
    }
    buffer_fini(&name);
    return ok;
}

bool registry_champion(const char *data_directory, char path[REGISTRY_PATH_MAX], struct error *e)
{
    struct model_id *all;
    struct aliases a;
    uint32_t count;

    if (!registry_aliases(data_directory, &a, e))
        return false;
    if (a.is_set[ALIAS_CHAMPION])
        return registry_path(data_directory, &a.model[ALIAS_CHAMPION], "model", path, e);
    if (old_champion(data_directory, path))
        return true;
    if (!registry_list(data_directory, &all, &count, e))
        return false;
    mem_free(all);
    if (count > 0)
        return error_set(
            e, ERROR_NOT_FOUND,
            "%s: no model is champion; hint: `assay model list` shows those there are, "
            "`assay model promote NAME` puts one in force (with --force one that is "
            "no better than chance), model.kind: none decides "
            "by rules alone",
            data_directory);
    return error_set(e, ERROR_NOT_FOUND,
                     "%s: there is no model yet; hint: run `assay train`, or set model.kind to "
                     "none to decide by rules alone",
                     data_directory);
}

/* ---- changing ---- */

static bool take_lock(struct registry *r, struct error *e)
{
    char path[REGISTRY_PATH_MAX];

    if (!join(path, r->directory, "lock", e))
        return false;
    r->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);
    if (r->lock < 0)
        return error_set(e, ERROR_WORLD, "cannot open %s: %m", path);
    while (flock(r->lock, LOCK_EX) != 0) {
        if (errno != EINTR)
            return error_set(e, ERROR_WORLD, "cannot lock %s: %m", path);
    }
    return true;
}

bool registry_open(const char *data_directory, const struct artifact_place *place,
                   struct registry **registry, struct error *e)
{
    struct registry *r = mem_alloc(sizeof *r);
    bool ok;

    *r = (struct registry){.lock = -1};
    ok = snprintf(r->data, sizeof r->data, "%s", data_directory) < REGISTRY_PATH_MAX &&
         join(r->directory, data_directory, "models", e) &&
         file_make_directories(r->directory, DIRECTORY_MODE, e) && take_lock(r, e) &&
         aliases_load(r->directory, &r->aliases, e) &&
         (place == NULL || mirror_open(r, place, REGISTRY_ALL, e));
    if (!ok) {
        registry_close(r);
        return false;
    }
    *registry = r;
    return true;
}

void registry_close(struct registry *r)
{
    if (r == NULL)
        return;
    artifacts_close(r->artifacts);
    if (r->lock >= 0)
        close(r->lock);
    mem_free(r);
}

const char *registry_data(const struct registry *r)
{
    return r->data;
}

static void add_digest(struct buffer *out, const char *key, const uint8_t digest[DIGEST_BYTES])
{
    char hex[DIGEST_HEX];

    digest_hex(digest, hex);
    buffer_format(out, ",\"%s\":\"%s\"", key, hex);
}

void registry_digests_json(const struct model_digests *d, struct buffer *out)
{
    add_digest(out, "model_sha256", d->model);
    add_digest(out, "inputs_sha256", d->inputs);
    add_digest(out, "recipe_sha256", d->recipe);
}

static bool has_digest(const struct json *lineage, const char *key,
                       const uint8_t digest[DIGEST_BYTES])
{
    const struct json *found = json_get(lineage, key);
    char hex[DIGEST_HEX];

    digest_hex(digest, hex);
    return found != NULL && found->kind == JSON_TEXT && text_is(found->text, hex);
}

static struct version next_version(const struct model_id *newest, const struct json *lineage,
                                   const struct model_digests *d)
{
    struct version v = newest->version;

    if (!has_digest(lineage, "inputs_sha256", d->inputs))
        return (struct version){v.major + 1, 0, 0};
    if (!has_digest(lineage, "recipe_sha256", d->recipe))
        return (struct version){v.major, v.minor + 1, 0};
    return (struct version){v.major, v.minor, v.patch + 1};
}

bool registry_assign(struct registry *r, const char *name, const struct model_digests *d,
                     struct model_id *id, bool *is_known, struct error *e)
{
    struct listing l = {0};
    struct model_id found = {.version = {1, 0, 0}};
    bool ok = model_name_check(text_of(name), e);

    *is_known = false;
    snprintf(found.name, sizeof found.name, "%s", name);
    if (ok && !list_versions(r->directory, name, &l))
        ok = error_set(e, ERROR_FULL, "model \"%s\" has over %d versions: move old ones away", name,
                       REGISTRY_MODELS_MAX);
    if (ok && l.count > 0)
        qsort(l.id, l.count, sizeof *l.id, compare);
    for (uint32_t i = l.count; ok && !*is_known && i-- > 0;) {
        struct json_document *lineage;

        ok = registry_read(r->data, &l.id[i], "lineage.json", &lineage, e);
        if (!ok)
            break;
        *is_known = has_digest(&lineage->root, "model_sha256", d->model);
        if (*is_known)
            found = l.id[i];
        else if (i == l.count - 1)
            found.version = next_version(&l.id[i], &lineage->root, d);
        json_free(lineage);
    }
    mem_free(l.id);
    ok = ok && (*is_known || r->artifacts == NULL || mirror_claim(r, &found, d->model, e));
    if (ok)
        *id = found;
    return ok;
}

/* A directory with plain files in it. */
static void remove_directory(const char *path)
{
    char file[REGISTRY_PATH_MAX];
    struct dirent *entry;
    struct error e;
    DIR *dir = opendir(path);

    if (dir == NULL)
        return;
    while ((entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            join(file, path, entry->d_name, &e))
            unlink(file);
    }
    closedir(dir);
    rmdir(path);
}

/* What those left behind who were killed while they wrote. */
static void remove_unfinished(const char *directory)
{
    char path[REGISTRY_PATH_MAX];
    struct dirent *entry;
    struct error e;
    DIR *dir = opendir(directory);

    if (dir == NULL)
        return;
    while ((entry = readdir(dir)) != NULL) {
        if (strncmp(entry->d_name, unfinished, sizeof unfinished - 1) == 0 &&
            join(path, directory, entry->d_name, &e))
            remove_directory(path);
    }
    closedir(dir);
}

static bool write_files(const char *directory, const struct registry_file *file, uint32_t files,
                        struct error *e)
{
    char path[REGISTRY_PATH_MAX];

    for (uint32_t i = 0; i < files; i++) {
        if (!join(path, directory, file[i].name, e) ||
            !file_write(path, file[i].bytes, file[i].length, FILE_MODE, e))
            return false;
    }
    return true;
}

static bool put_in_place(const char *beside, const char *path, const char *directory,
                         struct error *e)
{
    if (rename(beside, path) != 0)
        return error_set(e, errno == ENOSPC ? ERROR_FULL : ERROR_WORLD, "cannot make %s: %m", path);
    return file_sync_directory(directory, e);
}

bool registry_write(struct registry *r, const struct model_id *id, const struct registry_file *file,
                    uint32_t files, struct error *e)
{
    char directory[REGISTRY_PATH_MAX], beside[REGISTRY_PATH_MAX], path[REGISTRY_PATH_MAX];
    char version[VERSION_TEXT_MAX], name[VERSION_TEXT_MAX + sizeof unfinished];
    bool ok;

    ASSERT(files > 0 && files <= REGISTRY_FILES_MAX + 1); /* and a manifest */
    version_format(id->version, version);
    snprintf(name, sizeof name, "%s%s", unfinished, version);
    if (!join(directory, r->directory, id->name, e) || !join(beside, directory, name, e) ||
        !join(path, directory, version, e) ||
        !file_make_directories(directory, DIRECTORY_MODE, e) ||
        !file_sync_directory(r->directory, e))
        return false;
    remove_unfinished(directory);
    ok = file_make_directories(beside, DIRECTORY_MODE, e) && write_files(beside, file, files, e) &&
         put_in_place(beside, path, directory, e);
    if (!ok)
        remove_directory(beside);
    return ok;
}

bool registry_add(struct registry *r, const struct model_id *id, const struct registry_file *file,
                  uint32_t files, struct error *e)
{
    return registry_write(r, id, file, files, e) && (r->artifacts == NULL || mirror_add(r, id, e));
}

static bool is_there(const struct registry *r, const struct model_id *id, struct error *e)
{
    char path[REGISTRY_PATH_MAX], text[MODEL_ID_TEXT_MAX];

    if (!registry_path(r->data, id, "model", path, e))
        return false;
    model_id_format(id, text);
    return file_exists(path) ||
           error_set(e, ERROR_NOT_FOUND,
                     "%s is gone from the data directory (%s): take it from a copy, or promote "
                     "another",
                     text, path);
}

/* Tested, and found no better than chance. */
static bool read_chance(const struct registry *r, const struct model_id *id, bool *is_chance,
                        struct error *e)
{
    struct json_document *metrics;
    const struct json *test;

    if (!registry_read(r->data, id, "metrics.json", &metrics, e))
        return false;
    test = json_at(&metrics->root, "test");
    *is_chance =
        test != NULL && test->kind == JSON_OBJECT && !json_is_true_at(test, "better_than_chance");
    json_free(metrics);
    return true;
}

bool registry_promote(struct registry *r, const struct alias_change *change, struct error *e)
{
    const struct aliases *a = &r->aliases;
    struct alias_change recorded = *change;
    char text[MODEL_ID_TEXT_MAX];
    bool is_chance;

    if (a->is_set[change->alias] && model_id_equal(&a->model[change->alias], &change->model))
        return true;
    if (!is_there(r, &change->model, e) || !read_chance(r, &change->model, &is_chance, e))
        return false;
    recorded.is_forced = is_chance && change->alias == ALIAS_CHAMPION;
    if (recorded.is_forced && !change->is_forced) {
        model_id_format(&change->model, text);
        return error_set(e, ERROR_INVALID,
                         "%s cannot be told from chance on held-out rows and is not put in force; "
                         "hint: --force does it all the same",
                         text);
    }
    return r->place == NULL ? aliases_promote(r->directory, &r->aliases, &recorded, NULL, e)
                            : mirror_promote(r, &recorded, e);
}

bool registry_rollback(struct registry *r, struct alias_change *change, struct error *e)
{
    const struct aliases *a = &r->aliases;

    if (a->earlier_count > 0 && !is_there(r, &a->earlier[a->earlier_count - 1], e))
        return false;
    return r->place == NULL ? aliases_rollback(r->directory, &r->aliases, change, NULL, e)
                            : mirror_rollback(r, change, e);
}

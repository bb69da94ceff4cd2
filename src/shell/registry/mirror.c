/* The data directory as the cache of a shared registry.
 *
 * A version of the directory that has a manifest.json is a copy of a shared one, or was shared from
 * here. What is fetched is held against the manifest before it appears, whole; models come before
 * the aliases that name them. A change of aliases is published first, by the tag of what was read:
 * who comes second reads again and tries again.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/data/json_at.h"
#include "shell/os/file.h"
#include "shell/registry/registry_inside.h"

enum { CLAIMS_MAX = 1000, RACES_MAX = 16 };

/* ---- fetching ---- */

static bool read_local(const struct registry *r, const struct model_id *id, const char *file,
                       struct buffer *out, bool *is_there, struct error *e)
{
    char path[REGISTRY_PATH_MAX];

    if (!registry_path(r->data, id, file, path, e))
        return false;
    *is_there = file_exists(path);
    return !*is_there || file_read(path, out, e);
}

static bool write_local(const struct registry *r, const struct model_id *id, const char *file,
                        const struct buffer *bytes, struct error *e)
{
    char path[REGISTRY_PATH_MAX];

    return registry_path(r->data, id, file, path, e) &&
           file_write(path, bytes->bytes, bytes->length, 0600, e);
}

/* The files of the directory that are not as the manifest has them, or not there. */
static bool mend(struct registry *r, const struct model_id *id, const struct manifest *m,
                 struct error *e)
{
    bool ok = true;

    for (uint32_t i = 0; i < m->count && ok; i++) {
        char path[REGISTRY_PATH_MAX];
        uint8_t digest[DIGEST_BYTES] = {0};
        struct file_map map;
        struct buffer bytes;
        struct error none;

        if (!registry_path(r->data, id, m->file[i].name, path, e))
            return false;
        if (file_map(path, &map, &none)) {
            digest_bytes(map.length > 0 ? map.bytes : "", map.length, digest);
            file_unmap(&map);
        }
        if (digest_equal(digest, m->file[i].digest, DIGEST_BYTES))
            continue;
        buffer_init(&bytes, SHARED_FILE_MAX);
        ok = shared_read(r->artifacts, id, &m->file[i], &bytes, e) &&
             write_local(r, id, m->file[i].name, &bytes, e);
        buffer_fini(&bytes);
    }
    return ok;
}

static bool fetch_whole(struct registry *r, const struct model_id *id, const struct manifest *m,
                        const struct buffer *manifest, struct error *e)
{
    struct registry_file file[REGISTRY_FILES_MAX + 1];
    struct buffer bytes[REGISTRY_FILES_MAX];
    bool ok = true;

    for (uint32_t i = 0; i < m->count; i++)
        buffer_init(&bytes[i], SHARED_FILE_MAX);
    for (uint32_t i = 0; i < m->count && ok; i++) {
        ok = shared_read(r->artifacts, id, &m->file[i], &bytes[i], e);
        file[i] = (struct registry_file){m->file[i].name, bytes[i].bytes, bytes[i].length};
    }
    file[m->count] = (struct registry_file){SHARED_MANIFEST, manifest->bytes, manifest->length};
    ok = ok && registry_write(r, id, file, m->count + 1, e);
    for (uint32_t i = 0; i < m->count; i++)
        buffer_fini(&bytes[i]);
    return ok;
}

/* One of that name and number was made here before the registry was shared. */
static bool adopt(struct registry *r, const struct model_id *id, const struct manifest *m,
                  const struct buffer *manifest, struct error *e)
{
    const struct manifest_file *model = manifest_find(m, "model");
    char text[MODEL_ID_TEXT_MAX];
    uint8_t digest[DIGEST_BYTES];
    struct buffer bytes;
    bool ok, is_there;

    model_id_format(id, text);
    buffer_init(&bytes, SHARED_FILE_MAX);
    ok = read_local(r, id, "model", &bytes, &is_there, e);
    digest_bytes(bytes.length > 0 ? bytes.bytes : "", bytes.length, digest);
    buffer_fini(&bytes);
    if (ok && (model == NULL || !digest_equal(digest, model->digest, DIGEST_BYTES)))
        ok = error_set(e, ERROR_CONFLICT,
                       "%s of %s is another model than that of %s; hint: move one of the two away",
                       text, r->directory, r->place->where);
    return ok && mend(r, id, m, e) && write_local(r, id, SHARED_MANIFEST, manifest, e);
}

/* The version is in the directory and, where `whole` asks for it, its files are as they were
 * shared. */
static bool fetch(struct registry *r, const struct model_id *id, bool whole, struct error *e)
{
    char path[REGISTRY_PATH_MAX];
    bool ok, is_known, is_here;
    struct buffer bytes;
    struct manifest m;

    if (!registry_path(r->data, id, "", path, e))
        return false;
    is_here = file_exists(path);
    buffer_init(&bytes, MANIFEST_BYTES_MAX);
    ok = read_local(r, id, SHARED_MANIFEST, &bytes, &is_known, e);
    if (ok && is_known && !whole) {
        buffer_fini(&bytes);
        return true;
    }
    if (ok && is_known)
        is_known = manifest_parse((struct text){bytes.bytes, bytes.length}, &m, e);
    if (ok && is_known)
        ok = mend(r, id, &m, e);
    else if (ok)
        ok = shared_manifest(r->artifacts, id, &bytes, &m, e) &&
             (is_here ? adopt(r, id, &m, &bytes, e) : fetch_whole(r, id, &m, &bytes, e));
    buffer_fini(&bytes);
    return ok;
}

static bool fetch_all(struct registry *r, struct error *e)
{
    struct model_id *id;
    uint32_t count;
    bool ok = true;

    if (!shared_list(r->artifacts, &id, &count, e))
        return false;
    for (uint32_t i = 0; i < count && ok; i++)
        ok = fetch(r, &id[i], false, e);
    mem_free(id);
    return ok;
}

/* ---- aliases ---- */

/* The models first, so that the aliases of the directory never name one that is not there. */
static bool fetch_aliases(struct registry *r, struct error *e)
{
    struct buffer whole;
    struct aliases found;
    bool ok;

    buffer_init(&whole, SHARED_ALIASES_MAX);
    ok = shared_aliases(r->artifacts, &whole, r->tag, e);
    if (ok && r->tag[0] != 0) {
        struct text bytes = {whole.bytes, whole.length};

        ok = aliases_read(bytes, &found, e);
        for (int i = 0; i < ALIASES && ok; i++)
            ok = !found.is_set[i] || fetch(r, &found.model[i], true, e);
        ok = ok && aliases_adopt(r->directory, &r->aliases, bytes, e);
    }
    buffer_fini(&whole);
    return ok || (e->kind == ERROR_INVALID ? error_prefix(e, "%s", r->place->where) : false);
}

/* No network, no keys any more, no bucket: what is in the directory goes on. */
static bool is_away(struct registry *r, struct error *e)
{
    if (e->kind != ERROR_WORLD)
        return false;
    snprintf(r->away, sizeof r->away, "%s", e->text);
    artifacts_close(r->artifacts);
    r->artifacts = NULL;
    return true;
}

bool mirror_open(struct registry *r, const struct artifact_place *place, enum registry_part part,
                 struct error *e)
{
    r->place = place;
    return artifacts_open(place, &r->artifacts, e) &&
           ((fetch_aliases(r, e) && (part == REGISTRY_IN_FORCE || fetch_all(r, e))) ||
            is_away(r, e));
}

struct publishing {
    struct registry *registry;
    bool is_late; /* another was quicker */
};

static bool publish(void *context, struct text whole, struct error *e)
{
    struct publishing *p = context;
    struct registry *r = p->registry;
    bool is_put;

    if (!shared_put_aliases(r->artifacts, whole, r->tag, &is_put, e))
        return false;
    p->is_late = !is_put;
    return is_put || error_set(e, ERROR_CONFLICT,
                               "%s: others change the aliases at the same time, again and again; "
                               "hint: try it later",
                               r->place->where);
}

static bool must_reach(const struct registry *r, struct error *e)
{
    return r->artifacts != NULL || error_set(e, ERROR_WORLD, "%s", r->away);
}

bool mirror_promote(struct registry *r, const struct alias_change *change, struct error *e)
{
    struct publishing p = {.registry = r};
    struct aliases_sharing sharing = {publish, &p};
    bool is_new;

    if (!must_reach(r, e) || !registry_push(r, &change->model, &is_new, e))
        return false;
    for (int race = 0; race < RACES_MAX; race++) {
        p.is_late = false;
        if (aliases_promote(r->directory, &r->aliases, change, &sharing, e))
            return true;
        if (!p.is_late || !fetch_aliases(r, e))
            return false;
    }
    return false;
}

bool mirror_rollback(struct registry *r, struct alias_change *change, struct error *e)
{
    struct publishing p = {.registry = r};
    struct aliases_sharing sharing = {publish, &p};
    bool is_new;

    if (!must_reach(r, e) ||
        (r->aliases.earlier_count > 0 &&
         !registry_push(r, &r->aliases.earlier[r->aliases.earlier_count - 1], &is_new, e)))
        return false;
    /* Once: going back twice because another went back too is not what was asked for. */
    return aliases_rollback(r->directory, &r->aliases, change, &sharing, e);
}

/* ---- adding ---- */

bool mirror_claim(struct registry *r, struct model_id *id, const uint8_t model[DIGEST_BYTES],
                  struct error *e)
{
    bool is_ours;

    for (int i = 0; i < CLAIMS_MAX; i++) {
        if (!shared_claim(r->artifacts, id, model, &is_ours, e))
            return is_away(r, e);
        if (is_ours)
            return true;
        id->version.patch++;
    }
    return error_set(e, ERROR_FULL, "%s: %d versions of %s after another are taken and not there",
                     r->place->where, CLAIMS_MAX, id->name);
}

/* The regular files of a version's directory that are not the mirror's own. */
static bool list_files(const char *path, char name[REGISTRY_FILES_MAX][SHARED_NAME_MAX + 1],
                       uint32_t *count, struct error *e)
{
    struct dirent *entry;
    DIR *dir = opendir(path);
    bool ok = true;

    *count = 0;
    if (dir == NULL)
        return error_set(e, ERROR_NOT_FOUND, "cannot open %s: %m", path);
    while (ok && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, SHARED_MANIFEST) == 0)
            continue;
        ok = (*count < REGISTRY_FILES_MAX && strlen(entry->d_name) <= SHARED_NAME_MAX &&
              artifact_key_is(entry->d_name)) ||
             error_set(e, ERROR_INVALID, "%s: %s is no file of a model: move it away", path,
                       entry->d_name);
        if (ok)
            snprintf(name[(*count)++], SHARED_NAME_MAX + 1, "%s", entry->d_name);
    }
    closedir(dir);
    return ok;
}

static bool claim_exactly(struct registry *r, const struct model_id *id,
                          const struct registry_file *file, uint32_t files, struct error *e)
{
    char text[MODEL_ID_TEXT_MAX];
    uint8_t digest[DIGEST_BYTES];
    bool is_ours;

    for (uint32_t i = 0; i < files; i++) {
        if (strcmp(file[i].name, "model") == 0)
            digest_bytes(file[i].bytes, file[i].length, digest);
    }
    if (!shared_claim(r->artifacts, id, digest, &is_ours, e))
        return false;
    model_id_format(id, text);
    return is_ours ||
           error_set(e, ERROR_CONFLICT,
                     "%s of %s is another model than that of %s; hint: move this one away, or "
                     "train it again to give it another number",
                     text, r->directory, r->place->where);
}

static bool write_shared(struct registry *r, const struct model_id *id, const char *directory,
                         char name[REGISTRY_FILES_MAX][SHARED_NAME_MAX + 1], uint32_t count,
                         struct error *e)
{
    struct registry_file file[REGISTRY_FILES_MAX];
    struct buffer bytes[REGISTRY_FILES_MAX], manifest;
    char path[REGISTRY_PATH_MAX];
    bool ok = true, has_model = false;

    buffer_init(&manifest, MANIFEST_BYTES_MAX);
    for (uint32_t i = 0; i < count; i++)
        buffer_init(&bytes[i], SHARED_FILE_MAX);
    for (uint32_t i = 0; i < count && ok; i++) {
        ok = registry_path(r->data, id, name[i], path, e) && file_read(path, &bytes[i], e);
        file[i] = (struct registry_file){name[i], bytes[i].bytes, bytes[i].length};
        has_model = has_model || (strcmp(name[i], "model") == 0 && bytes[i].length > 0);
    }
    if (ok && !has_model)
        ok = error_set(e, ERROR_NOT_FOUND, "%s has no model file", directory);
    ok = ok && claim_exactly(r, id, file, count, e) &&
         shared_write(r->artifacts, id, file, count, &manifest, e) &&
         write_local(r, id, SHARED_MANIFEST, &manifest, e);
    for (uint32_t i = 0; i < count; i++)
        buffer_fini(&bytes[i]);
    buffer_fini(&manifest);
    return ok;
}

/* The aliases of a directory that was shared just now. */
static bool publish_first(struct registry *r, struct error *e)
{
    struct publishing p = {.registry = r};
    struct aliases_sharing sharing = {publish, &p};

    return r->tag[0] != 0 || r->aliases.history_bytes == 0 ||
           aliases_publish(r->directory, &r->aliases, &sharing, e);
}

bool registry_push(struct registry *r, const struct model_id *id, bool *is_new, struct error *e)
{
    char name[REGISTRY_FILES_MAX][SHARED_NAME_MAX + 1], path[REGISTRY_PATH_MAX];
    uint32_t count;

    if (!must_reach(r, e) || !registry_path(r->data, id, SHARED_MANIFEST, path, e))
        return false;
    *is_new = !file_exists(path);
    if (!*is_new)
        return true;
    return registry_path(r->data, id, "", path, e) && list_files(path, name, &count, e) &&
           write_shared(r, id, path, name, count, e);
}

/* One file where it is shared, from the directory's copy, which must be as the manifest has it. */
static bool put_again(struct registry *r, const struct model_id *id,
                      const struct manifest_file *file, struct error *e)
{
    uint8_t digest[DIGEST_BYTES];
    struct buffer bytes;
    bool ok, is_there;

    buffer_init(&bytes, SHARED_FILE_MAX);
    ok = read_local(r, id, file->name, &bytes, &is_there, e);
    digest_bytes(bytes.length > 0 ? bytes.bytes : "", bytes.length, digest);
    if (ok && !digest_equal(digest, file->digest, DIGEST_BYTES))
        ok = error_set(e, ERROR_INVALID,
                       "%s of %s is damaged in %s too; hint: push it from another machine that has "
                       "it",
                       file->name, id->name, r->directory);
    ok =
        ok && shared_put(r->artifacts, id, file->name, (struct text){bytes.bytes, bytes.length}, e);
    buffer_fini(&bytes);
    return ok;
}

static bool mend_shared(struct registry *r, const struct model_id *id, const struct manifest *m,
                        const struct buffer *manifest, bool *is_new, struct error *e)
{
    struct buffer bytes;
    bool ok = true;

    buffer_init(&bytes, SHARED_FILE_MAX);
    for (uint32_t i = 0; i < m->count && ok; i++) {
        if (shared_read(r->artifacts, id, &m->file[i], &bytes, e))
            continue;
        ok = (e->kind == ERROR_INVALID || e->kind == ERROR_NOT_FOUND) &&
             put_again(r, id, &m->file[i], e);
        *is_new = true;
    }
    buffer_fini(&bytes);
    return ok && (!*is_new || shared_put(r->artifacts, id, SHARED_MANIFEST,
                                         (struct text){manifest->bytes, manifest->length}, e));
}

bool registry_mend(struct registry *r, const struct model_id *id, bool *is_new, struct error *e)
{
    struct buffer bytes;
    struct manifest m;
    bool ok, is_there;

    if (!registry_push(r, id, is_new, e) || *is_new)
        return *is_new;
    buffer_init(&bytes, MANIFEST_BYTES_MAX);
    ok = read_local(r, id, SHARED_MANIFEST, &bytes, &is_there, e) &&
         manifest_parse((struct text){bytes.bytes, bytes.length}, &m, e) &&
         mend_shared(r, id, &m, &bytes, is_new, e);
    buffer_fini(&bytes);
    return ok;
}

bool registry_push_aliases(struct registry *r, struct error *e)
{
    return must_reach(r, e) && publish_first(r, e);
}

bool mirror_add(struct registry *r, const struct model_id *id, struct error *e)
{
    bool is_new;

    return registry_push(r, id, &is_new, e) || is_away(r, e);
}

bool registry_is_shared(const struct registry *r, struct error *e)
{
    return r->place == NULL || r->artifacts != NULL ||
           error_set(e, ERROR_WORLD,
                     "%.600s; the model is in %.200s and not in force; hint: `assay model push` "
                     "shares it when the place can be reached",
                     r->away, r->directory);
}

/* ---- refreshing ---- */

bool registry_refresh(const char *data_directory, const struct artifact_place *place,
                      enum registry_part part, char warning[REGISTRY_WARNING_MAX], struct error *e)
{
    struct registry *r;

    warning[0] = 0;
    if (place == NULL)
        return true;
    if (!registry_open(data_directory, NULL, &r, e))
        return false;
    if (!mirror_open(r, place, part, e)) {
        registry_close(r);
        return false;
    }
    if (r->artifacts == NULL)
        snprintf(warning, REGISTRY_WARNING_MAX,
                 "%.700s; the models are those that %.200s has of before", r->away, r->directory);
    registry_close(r);
    return true;
}

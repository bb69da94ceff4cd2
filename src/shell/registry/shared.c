#include "shell/registry/shared.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/data/json_at.h"

static const char aliases_key[] = "aliases.ndjson";

static void key_of(const struct model_id *id, const char *file, char key[ARTIFACT_KEY_MAX])
{
    char version[VERSION_TEXT_MAX];

    version_format(id->version, version);
    snprintf(key, ARTIFACT_KEY_MAX, "%s/%s/%s", id->name, version, file);
}

/* ---- manifests ---- */

const struct manifest_file *manifest_find(const struct manifest *m, const char *name)
{
    for (uint32_t i = 0; i < m->count; i++) {
        if (strcmp(m->file[i].name, name) == 0)
            return &m->file[i];
    }
    return NULL;
}

static bool read_file(const struct json *j, struct manifest_file *f)
{
    struct text name = json_text_at(j, "name");
    const struct json *bytes = json_at(j, "bytes");

    if (name.length == 0 || name.length > SHARED_NAME_MAX || bytes == NULL ||
        bytes->kind != JSON_INT || bytes->integer < 0 || bytes->integer > SHARED_FILE_MAX ||
        !digest_unhex(json_text_at(j, "sha256"), f->digest))
        return false;
    snprintf(f->name, sizeof f->name, "%.*s", TEXT_ARG(name));
    f->bytes = (uint64_t)bytes->integer;
    return artifact_key_is(f->name) && strchr(f->name, '/') == NULL;
}

static bool read_files(const struct json *list, struct manifest *m)
{
    if (list == NULL || list->kind != JSON_ARRAY || list->count == 0 ||
        list->count > REGISTRY_FILES_MAX)
        return false;
    for (uint32_t i = 0; i < list->count; i++) {
        struct manifest_file *f = &m->file[i];

        /* Each once, and never itself: what is checked is what is written. */
        if (!read_file(&list->items[i], f) || manifest_find(m, f->name) != NULL ||
            strcmp(f->name, SHARED_MANIFEST) == 0)
            return false;
        m->count++;
    }
    return true;
}

bool manifest_parse(struct text bytes, struct manifest *m, struct error *e)
{
    struct json_reader *reader = json_reader_new();
    struct json_document *d = json_parse(reader, bytes.bytes, bytes.length, e);
    bool ok;

    *m = (struct manifest){0};
    ok = d != NULL && read_files(json_at(&d->root, "files"), m);
    json_free(d);
    json_reader_free(reader);
    return ok || error_set(e, ERROR_INVALID, "it is damaged: no manifest of a model's files");
}

void manifest_format(const struct model_id *id, const struct registry_file *file, uint32_t files,
                     struct buffer *out)
{
    char text[MODEL_ID_TEXT_MAX], hex[DIGEST_HEX];
    uint8_t digest[DIGEST_BYTES];

    model_id_format(id, text);
    buffer_format(out, "{\"model\":\"%s\",\"files\":[", text);
    for (uint32_t i = 0; i < files; i++) {
        digest_bytes(file[i].length > 0 ? file[i].bytes : "", file[i].length, digest);
        digest_hex(digest, hex);
        buffer_format(out, "%s{\"name\":\"%s\",\"bytes\":%zu,\"sha256\":\"%s\"}", i > 0 ? "," : "",
                      file[i].name, file[i].length, hex);
    }
    buffer_add_text(out, "]}\n");
}

/* ---- versions ---- */

struct listing {
    struct model_id *id;
    uint32_t count, capacity;
};

/* "NAME/VERSION/manifest.json" */
static bool read_key(const char *key, struct model_id *id)
{
    char text[ARTIFACT_KEY_MAX];
    const char *slash = strchr(key, '/'), *end = strrchr(key, '/');

    if (slash == NULL || end == slash || strcmp(end + 1, SHARED_MANIFEST) != 0)
        return false;
    snprintf(text, sizeof text, "%.*s@%.*s", (int)(slash - key), key, (int)(end - slash - 1),
             slash + 1);
    return model_id_parse(text_of(text), id);
}

static bool add_version(void *context, const char *key, uint64_t bytes, struct error *e)
{
    struct listing *l = context;
    struct model_id id;

    (void)bytes;
    if (!read_key(key, &id))
        return true;
    if (l->count == REGISTRY_MODELS_MAX)
        return error_set(e, ERROR_FULL, "over %d versions: move old ones away",
                         REGISTRY_MODELS_MAX);
    if (l->count == l->capacity) {
        l->capacity = l->capacity > 0 ? 2 * l->capacity : 64;
        l->id = mem_resize(l->id, l->capacity, sizeof *l->id);
    }
    l->id[l->count++] = id;
    return true;
}

bool shared_list(struct artifacts *a, struct model_id **id, uint32_t *count, struct error *e)
{
    struct listing l = {0};

    if (!artifact_list(a, "", add_version, &l, e)) {
        mem_free(l.id);
        return false;
    }
    *id = l.id;
    *count = l.count;
    return true;
}

bool shared_manifest(struct artifacts *a, const struct model_id *id, struct buffer *bytes,
                     struct manifest *m, struct error *e)
{
    char key[ARTIFACT_KEY_MAX], tag[ARTIFACT_TAG_MAX];

    key_of(id, SHARED_MANIFEST, key);
    return artifact_get(a, key, bytes, tag, e) &&
           (manifest_parse((struct text){bytes->bytes, bytes->length}, m, e) ||
            error_prefix(e, "%s: %s", artifacts_where(a), key));
}

/* No more than its manifest says is taken into memory. */
static bool get_at_most(struct artifacts *a, const char *key, uint64_t bytes, struct buffer *out,
                        struct error *e)
{
    char tag[ARTIFACT_TAG_MAX];
    size_t max = out->max;
    bool ok;

    if (bytes < max)
        out->max = bytes;
    ok = artifact_get(a, key, out, tag, e);
    out->max = max;
    return ok ||
           (e->kind == ERROR_FULL
                ? error_set(e, ERROR_INVALID,
                            "%s: %s is damaged: it has over the %" PRIu64 " bytes that its "
                            "manifest says; hint: put it there again from a data directory that "
                            "has it (`assay model push`)",
                            artifacts_where(a), key, bytes)
                : false);
}

bool shared_read(struct artifacts *a, const struct model_id *id, const struct manifest_file *file,
                 struct buffer *out, struct error *e)
{
    char key[ARTIFACT_KEY_MAX], hex[DIGEST_HEX], wanted[DIGEST_HEX];
    uint8_t digest[DIGEST_BYTES];

    key_of(id, file->name, key);
    if (!get_at_most(a, key, file->bytes, out, e))
        return false;
    digest_bytes(out->length > 0 ? out->bytes : "", out->length, digest);
    if (digest_equal(digest, file->digest, DIGEST_BYTES))
        return true;
    digest_hex(digest, hex);
    digest_hex(file->digest, wanted);
    return error_set(e, ERROR_INVALID,
                     "%s: %s is damaged: SHA-256 %s, its manifest says %s; hint: put it there "
                     "again from a data directory that has it (`assay model push`)",
                     artifacts_where(a), key, hex, wanted);
}

/* A claim is by the model's digest, so that who was cut short can go on. */
bool shared_claim(struct artifacts *a, const struct model_id *id, const uint8_t model[DIGEST_BYTES],
                  bool *is_ours, struct error *e)
{
    char key[ARTIFACT_KEY_MAX], tag[ARTIFACT_TAG_MAX], words[128] = "{\"model_sha256\":\"";
    struct artifact_put p = {.key = key, .type = "application/json", .condition = ARTIFACT_IF_NEW};
    struct buffer there;
    bool ok;

    key_of(id, "claim.json", key);
    digest_hex(model, words + strlen(words));
    snprintf(words + strlen(words), sizeof words - strlen(words), "\"}\n");
    p.body = text_of(words);
    if (!artifact_put(a, &p, is_ours, tag, e))
        return false;
    /* Read again also when it seems to be ours: a service without conditions took the last one. */
    buffer_init(&there, MANIFEST_BYTES_MAX);
    ok = artifact_get(a, key, &there, tag, e);
    *is_ours = ok && text_equal(p.body, (struct text){there.bytes, there.length});
    buffer_fini(&there);
    return ok;
}

static bool put_manifest(struct artifacts *a, const struct model_id *id, struct buffer *manifest,
                         struct error *e)
{
    char key[ARTIFACT_KEY_MAX], tag[ARTIFACT_TAG_MAX];
    struct artifact_put p = {.key = key,
                             .type = "application/json",
                             .body = {manifest->bytes, manifest->length},
                             .condition = ARTIFACT_IF_NEW};
    struct buffer there;
    bool ok, is_put;

    key_of(id, SHARED_MANIFEST, key);
    if (!artifact_put(a, &p, &is_put, tag, e) || is_put)
        return is_put;
    buffer_init(&there, MANIFEST_BYTES_MAX);
    ok = artifact_get(a, key, &there, tag, e) &&
         (text_equal(p.body, (struct text){there.bytes, there.length}) ||
          error_set(e, ERROR_CONFLICT,
                    "%s: %s is there already, and is another; hint: `assay model list` shows it",
                    artifacts_where(a), key));
    buffer_fini(&there);
    return ok;
}

bool shared_put(struct artifacts *a, const struct model_id *id, const char *file, struct text bytes,
                struct error *e)
{
    char key[ARTIFACT_KEY_MAX], tag[ARTIFACT_TAG_MAX];
    struct artifact_put p = {.key = key, .body = bytes};
    bool is_put;

    key_of(id, file, key);
    return artifact_put(a, &p, &is_put, tag, e);
}

bool shared_write(struct artifacts *a, const struct model_id *id, const struct registry_file *file,
                  uint32_t files, struct buffer *manifest, struct error *e)
{
    for (uint32_t i = 0; i < files; i++) {
        if (file[i].length > SHARED_FILE_MAX)
            return error_set(e, ERROR_FULL, "%s of %s is over %d GiB", file[i].name, id->name,
                             SHARED_FILE_MAX >> 30);
        if (!shared_put(a, id, file[i].name, (struct text){file[i].bytes, file[i].length}, e))
            return false;
    }
    buffer_clear(manifest);
    manifest_format(id, file, files, manifest);
    return put_manifest(a, id, manifest, e);
}

/* ---- aliases ---- */

bool shared_aliases(struct artifacts *a, struct buffer *out, char tag[ARTIFACT_TAG_MAX],
                    struct error *e)
{
    if (artifact_get(a, aliases_key, out, tag, e))
        return true;
    if (e->kind != ERROR_NOT_FOUND)
        return false;
    buffer_clear(out);
    tag[0] = 0;
    return true;
}

bool shared_put_aliases(struct artifacts *a, struct text bytes, char tag[ARTIFACT_TAG_MAX],
                        bool *is_put, struct error *e)
{
    char new_tag[ARTIFACT_TAG_MAX];
    struct artifact_put p = {.key = aliases_key,
                             .type = "application/x-ndjson",
                             .body = bytes,
                             .condition = tag[0] != 0 ? ARTIFACT_IF_SAME : ARTIFACT_IF_NEW,
                             .tag = tag};

    if (!artifact_put(a, &p, is_put, new_tag, e))
        return false;
    if (*is_put)
        memcpy(tag, new_tag, sizeof new_tag);
    return true;
}

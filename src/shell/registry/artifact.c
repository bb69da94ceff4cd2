#include "shell/registry/artifact.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/panic.h"

struct artifacts {
    const struct artifact_ops *ops;
    void *self;
    char where[ARTIFACT_WHERE_MAX];
};

static bool is_part(struct text part)
{
    for (size_t i = 0; i < part.length; i++) {
        char c = part.bytes[i];

        if (!isalnum((unsigned char)c) && memchr("_-.", c, 3) == NULL)
            return false;
    }
    return part.length > 0 && part.bytes[0] != '.';
}

bool artifact_key_is(const char *key)
{
    size_t length = strlen(key);

    while (length > 0 && length < ARTIFACT_KEY_MAX) {
        const char *slash = strchr(key, '/');
        struct text part = {key, slash != NULL ? (size_t)(slash - key) : length};

        if (!is_part(part))
            return false;
        if (slash == NULL)
            return true;
        key = slash + 1;
        length -= part.length + 1;
    }
    return false;
}

bool artifacts_open(const struct artifact_place *place, struct artifacts **out, struct error *e)
{
    struct artifacts *a = mem_alloc(sizeof *a);
    bool ok;

    if (snprintf(a->where, sizeof a->where, "%s", place->where) >= ARTIFACT_WHERE_MAX)
        ok = error_set(e, ERROR_INVALID, "registry.artifacts is over %d bytes: %.60s...",
                       ARTIFACT_WHERE_MAX, place->where);
    else if (strncmp(a->where, "s3://", 5) == 0)
        ok = artifact_s3_open(place, &a->self, &a->ops, e);
    else if (strstr(a->where, "://") != NULL)
        ok = error_set(e, ERROR_INVALID,
                       "registry.artifacts: expected s3://BUCKET/PREFIX or a directory, found "
                       "\"%.200s\"",
                       a->where);
    else
        ok = artifact_directory_open(a->where, &a->self, &a->ops, e);
    if (!ok) {
        mem_free(a);
        return false;
    }
    *out = a;
    return true;
}

void artifacts_close(struct artifacts *a)
{
    if (a == NULL)
        return;
    a->ops->close(a->self);
    mem_free(a);
}

const char *artifacts_where(const struct artifacts *a)
{
    return a->where;
}

bool artifact_get(struct artifacts *a, const char *key, struct buffer *out,
                  char tag[ARTIFACT_TAG_MAX], struct error *e)
{
    ASSERT(artifact_key_is(key));
    return a->ops->get(a->self, key, out, tag, e);
}

bool artifact_head(struct artifacts *a, const char *key, uint64_t *bytes,
                   char tag[ARTIFACT_TAG_MAX], struct error *e)
{
    ASSERT(artifact_key_is(key));
    return a->ops->head(a->self, key, bytes, tag, e);
}

bool artifact_put(struct artifacts *a, const struct artifact_put *p, bool *is_put,
                  char tag[ARTIFACT_TAG_MAX], struct error *e)
{
    ASSERT(artifact_key_is(p->key));
    return a->ops->put(a->self, p, is_put, tag, e);
}

bool artifact_delete(struct artifacts *a, const char *key, struct error *e)
{
    ASSERT(artifact_key_is(key));
    return a->ops->remove(a->self, key, e);
}

bool artifact_list(struct artifacts *a, const char *prefix, artifact_each *each, void *context,
                   struct error *e)
{
    return a->ops->list(a->self, prefix, each, context, e);
}

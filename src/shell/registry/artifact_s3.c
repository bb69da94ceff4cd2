/* Artifacts in a bucket of S3: keys below the prefix of "s3://bucket/prefix". */
#include <stdio.h>
#include <string.h>

#include "core/base/memory.h"
#include "shell/registry/artifact.h"

struct bucket {
    struct s3 *s3;
    char prefix[ARTIFACT_PREFIX_MAX + 2]; /* "" or with a slash at its end */
};

enum { PATH_MAX_BYTES = ARTIFACT_PREFIX_MAX + 2 + ARTIFACT_KEY_MAX };

_Static_assert((int)PATH_MAX_BYTES <= (int)S3_KEY_MAX, "a key with its prefix is a key of S3");
_Static_assert((int)ARTIFACT_IF_NEW == (int)S3_IF_NEW && (int)ARTIFACT_IF_SAME == (int)S3_IF_SAME,
               "conditions are the same");

static const char *full(const struct bucket *b, const char *key, char path[PATH_MAX_BYTES])
{
    snprintf(path, PATH_MAX_BYTES, "%s%s", b->prefix, key);
    return path;
}

static void close_bucket(void *self)
{
    struct bucket *b = self;

    s3_close(b->s3);
    mem_free(b);
}

static bool get(void *self, const char *key, struct buffer *out, char *tag, struct error *e)
{
    struct bucket *b = self;
    char path[PATH_MAX_BYTES];

    return s3_get(b->s3, full(b, key, path), out, tag, e);
}

static bool head(void *self, const char *key, uint64_t *bytes, char *tag, struct error *e)
{
    struct bucket *b = self;
    char path[PATH_MAX_BYTES];

    return s3_head(b->s3, full(b, key, path), bytes, tag, e);
}

/* A service that does not know conditions puts all the same: what is there is looked at before. */
static bool holds(struct bucket *b, const char *path, const struct artifact_put *p, bool *is_so,
                  struct error *e)
{
    char tag[ARTIFACT_TAG_MAX];
    uint64_t bytes;
    bool is_there = s3_head(b->s3, path, &bytes, tag, e);

    if (!is_there && e->kind != ERROR_NOT_FOUND)
        return false;
    *is_so = p->condition == ARTIFACT_IF_NEW ? !is_there : is_there && strcmp(tag, p->tag) == 0;
    return true;
}

static bool put(void *self, const struct artifact_put *p, bool *is_put, char *tag, struct error *e)
{
    struct bucket *b = self;
    char path[PATH_MAX_BYTES];
    struct s3_put out = {full(b, p->key, path), p->type, p->body, (enum s3_if)p->condition, p->tag};

    *is_put = true;
    if (p->condition != ARTIFACT_ALWAYS && (!holds(b, path, p, is_put, e) || !*is_put))
        return !*is_put;
    return s3_put(b->s3, &out, is_put, tag, e);
}

static bool remove_object(void *self, const char *key, struct error *e)
{
    struct bucket *b = self;
    char path[PATH_MAX_BYTES];

    return s3_delete(b->s3, full(b, key, path), e);
}

struct listing {
    size_t prefix;
    artifact_each *each;
    void *context;
};

static bool each_object(void *context, const char *key, uint64_t bytes, struct error *e)
{
    const struct listing *l = context;

    return strlen(key) <= l->prefix || !artifact_key_is(key + l->prefix) ||
           l->each(l->context, key + l->prefix, bytes, e);
}

static bool list(void *self, const char *prefix, artifact_each *each, void *context,
                 struct error *e)
{
    struct bucket *b = self;
    struct listing l = {strlen(b->prefix), each, context};
    char path[PATH_MAX_BYTES];

    return s3_list(b->s3, full(b, prefix, path), each_object, &l, e);
}

static const struct artifact_ops ops_s3 = {.close = close_bucket,
                                           .get = get,
                                           .head = head,
                                           .put = put,
                                           .remove = remove_object,
                                           .list = list};

bool artifact_s3_open(const struct artifact_place *place, void **self,
                      const struct artifact_ops **ops, struct error *e)
{
    const char *bucket = place->where + strlen("s3://"), *slash = strchr(bucket, '/');
    size_t length = slash != NULL ? (size_t)(slash - bucket) : strlen(bucket);
    struct text prefix = text_of(slash != NULL ? slash + 1 : "");
    char name[80];
    struct s3_place s3 = {.bucket = name,
                          .endpoint = place->endpoint,
                          .region = place->region,
                          .access_key = place->access_key,
                          .secret_key = place->secret_key,
                          .session_token = place->session_token,
                          .ca = place->ca,
                          .style = place->style};
    struct bucket *b;

    snprintf(name, sizeof name, "%.*s", (int)(length < sizeof name ? length : sizeof name - 1),
             bucket);
    while (prefix.length > 0 && prefix.bytes[prefix.length - 1] == '/')
        prefix.length--;
    if (prefix.length > ARTIFACT_PREFIX_MAX || !text_is_plain(prefix))
        return error_set(e, ERROR_INVALID,
                         "registry.artifacts: the prefix is over %d bytes, or no plain text: "
                         "%.80s...",
                         ARTIFACT_PREFIX_MAX, place->where);
    b = mem_alloc(sizeof *b);
    if (prefix.length > 0)
        snprintf(b->prefix, sizeof b->prefix, "%.*s/", TEXT_ARG(prefix));
    if (!s3_open(&s3, &b->s3, e)) {
        mem_free(b);
        return error_prefix(e, "registry.artifacts");
    }
    *self = b;
    *ops = &ops_s3;
    return true;
}

/* Where the files of models are kept for several machines: a directory that they share, or a bucket
 * of S3 (MinIO, Ceph). Objects under keys, as in S3; one suite of tests for both kinds.
 *
 * A key is parts of letters, digits, "_", "-" and "." with "/" between, none of which begins with a
 * dot. A tag stands for an object's content: another content has another tag. One thread.
 *
 * Errors as of link/s3.h: ERROR_NOT_FOUND for what is not there, ERROR_WORLD where the place cannot
 * be reached or refuses, ERROR_FULL past a limit.
 */
#ifndef ASSAY_REGISTRY_ARTIFACT_H
#define ASSAY_REGISTRY_ARTIFACT_H

#include "core/base/buffer.h"
#include "shell/link/s3.h"

enum {
    ARTIFACT_KEY_MAX = 256,
    ARTIFACT_TAG_MAX = S3_ETAG_MAX,
    ARTIFACT_PREFIX_MAX = 512,
    ARTIFACT_WHERE_MAX = 1024,
};

/* All but `where` may be NULL, and matter to S3 only: see struct s3_place. */
struct artifact_place {
    const char *where; /* "s3://bucket/prefix", or a directory */
    const char *endpoint, *region, *access_key, *secret_key, *session_token, *ca;
    enum s3_style style;
};

struct artifacts;

bool artifacts_open(const struct artifact_place *place, struct artifacts **a,
                    struct error *e) MUST_USE;
void artifacts_close(struct artifacts *a); /* takes NULL */
const char *artifacts_where(const struct artifacts *a);

/* Replaces what `out` held. */
bool artifact_get(struct artifacts *a, const char *key, struct buffer *out,
                  char tag[ARTIFACT_TAG_MAX], struct error *e) MUST_USE;
bool artifact_head(struct artifacts *a, const char *key, uint64_t *bytes,
                   char tag[ARTIFACT_TAG_MAX], struct error *e) MUST_USE;

enum artifact_if {
    ARTIFACT_ALWAYS,
    ARTIFACT_IF_NEW,  /* nothing is there */
    ARTIFACT_IF_SAME, /* what is there has the tag */
};

struct artifact_put {
    const char *key, *type; /* type: such as "application/json"; NULL: bytes */
    struct text body;
    enum artifact_if condition;
    const char *tag; /* of ARTIFACT_IF_SAME */
};

/* Whole or not at all. *is_put is false, nothing written, where the condition does not hold; else
 * `tag` is the new one. */
bool artifact_put(struct artifacts *a, const struct artifact_put *p, bool *is_put,
                  char tag[ARTIFACT_TAG_MAX], struct error *e) MUST_USE;
bool artifact_delete(struct artifacts *a, const char *key, struct error *e) MUST_USE;

/* Keys that begin with `prefix`, which is empty or ends with "/"; in no promised order. `each`
 * returns false with *e to stop. Names that are no keys are passed over. */
typedef bool artifact_each(void *context, const char *key, uint64_t bytes, struct error *e);
bool artifact_list(struct artifacts *a, const char *prefix, artifact_each *each, void *context,
                   struct error *e) MUST_USE;

/* ---- for the kinds ---- */

struct artifact_ops {
    void (*close)(void *self);
    bool (*get)(void *self, const char *key, struct buffer *out, char *tag, struct error *e);
    bool (*head)(void *self, const char *key, uint64_t *bytes, char *tag, struct error *e);
    bool (*put)(void *self, const struct artifact_put *p, bool *is_put, char *tag, struct error *e);
    bool (*remove)(void *self, const char *key, struct error *e);
    bool (*list)(void *self, const char *prefix, artifact_each *each, void *context,
                 struct error *e);
};

bool artifact_directory_open(const char *path, void **self, const struct artifact_ops **ops,
                             struct error *e) MUST_USE;
bool artifact_s3_open(const struct artifact_place *place, void **self,
                      const struct artifact_ops **ops, struct error *e) MUST_USE;
bool artifact_key_is(const char *key);

#endif

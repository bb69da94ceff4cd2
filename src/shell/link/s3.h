/* Objects of one bucket of S3, or of what speaks its protocol (MinIO, Ceph): get, head, put,
 * delete, list.
 *
 * Requests are signed by AWS Signature Version 4 with the body's SHA-256 (libcurl signs, behind
 * http_client.h). What may pass (no answer, 429, 5xx, SlowDown) is asked again up to S3_ATTEMPTS
 * times, the wait doubled each time. Keys and tokens stand in no text.
 *
 * Errors: ERROR_NOT_FOUND for an object that is not there, ERROR_WORLD where the service cannot be
 * reached, refuses or fails, ERROR_FULL where an object is over the buffer's maximum,
 * ERROR_INVALID for bad settings; with the place, what the service said and what to do. One thread.
 */
#ifndef ASSAY_LINK_S3_H
#define ASSAY_LINK_S3_H

#include <stdint.h>

#include "core/base/buffer.h"

enum {
    S3_KEY_MAX = 1024,
    S3_ETAG_MAX = 128,
    S3_LIST_MAX = 1000000, /* objects that a list goes through */
    S3_ATTEMPTS = 5,
    S3_WAIT_LEAST_MS = 100,
    S3_STALL_MS = 15000,
};

#define S3_PUT_MAX (UINT64_C(5) << 30) /* bytes that one PUT may have */

/* Which buckets stand in the host's name, which in the path. */
enum s3_style {
    S3_STYLE_AUTO, /* in the path where there is an endpoint, or dots in the bucket's name */
    S3_STYLE_PATH, /* https://host/bucket/key */
    S3_STYLE_HOST, /* https://bucket.host/key */
};

struct s3_place {
    const char *bucket;
    /* NULL or "": of the environment, AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, else that of AWS;
     * AWS_REGION, AWS_DEFAULT_REGION, else us-east-1; AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
     * AWS_SESSION_TOKEN, the last only with the other two. */
    const char *endpoint; /* "https://minio.example.org:9000" */
    const char *region;
    const char *access_key, *secret_key, *session_token;
    const char *ca; /* PEM file of the certificates that are trusted; NULL: the system's */
    enum s3_style style;
};

struct s3;

/* Nothing is asked yet. */
bool s3_open(const struct s3_place *place, struct s3 **s, struct error *e) MUST_USE;
void s3_close(struct s3 *s); /* takes NULL */

/* Replaces what `out` held. */
bool s3_get(struct s3 *s, const char *key, struct buffer *out, char etag[S3_ETAG_MAX],
            struct error *e) MUST_USE;
bool s3_head(struct s3 *s, const char *key, uint64_t *bytes, char etag[S3_ETAG_MAX],
             struct error *e) MUST_USE;

enum s3_if {
    S3_ALWAYS,
    S3_IF_NEW,  /* If-None-Match: * */
    S3_IF_SAME, /* If-Match: the ETag */
};

struct s3_put {
    const char *key, *type;
    struct text body;
    enum s3_if condition;
    const char *etag; /* of S3_IF_SAME */
};

/* *is_put is false, nothing written, where the condition does not hold and the body that is there
 * is another one. */
bool s3_put(struct s3 *s, const struct s3_put *p, bool *is_put, char etag[S3_ETAG_MAX],
            struct error *e) MUST_USE;
bool s3_delete(struct s3 *s, const char *key, struct error *e) MUST_USE; /* also of one not there */

/* Each object whose key begins with the prefix, in byte order; `each` returns false with *e to
 * stop. */
bool s3_list(struct s3 *s, const char *prefix,
             bool (*each)(void *context, const char *key, uint64_t bytes, struct error *e),
             void *context, struct error *e) MUST_USE;

#endif

/* An HTTP client for one server (libcurl behind this header): requests one after another over kept
 * connections. One thread. */
#ifndef ASSAY_LINK_HTTP_CLIENT_H
#define ASSAY_LINK_HTTP_CLIENT_H

#include "core/base/buffer.h"

enum {
    HTTP_ANSWER_MAX = 16 << 20,
    HTTP_TIMEOUT_MS = 10000,
    HTTP_HEADERS_MAX = 6,
    HTTP_HEADER_MAX = 128, /* bytes of a header of an answer that is kept */
};

struct http_client;

/* A service, and who asks it. */
struct http_peer {
    const char *url;   /* "http://127.0.0.1:8080", "https://fraud.example.org" */
    const char *key;   /* API key; NULL: none */
    const char *basic; /* "name:password"; NULL: none */
    const char *ca;    /* PEM file of the certificates that are trusted; NULL: the system's */
    bool is_secret;    /* who knows the URL may use it: errors name its host only */
};

/* A URL as errors and logs name it: without the user and password that it may have; with
 * `host_only` without what follows the host. */
void http_url_show(struct text url, bool host_only, struct buffer *out);

const char *http_client_library(void); /* its name and version, with those that it uses */
struct http_client *http_client_new(const char *base_url);
/* The key is copied; it goes to the host of the URL only, as redirects are not followed. */
struct http_client *http_client_of(const struct http_peer *peer);
void http_client_free(struct http_client *c);
/* A part of a path, with %XX for what may not stand in one. */
void http_path_add(struct buffer *path, struct text part);

/* Requests are signed by AWS Signature Version 4 from here on; nobody is named in them otherwise. A
 * header x-amz-content-sha256 is for the caller to give. The texts are copied. */
struct http_signer {
    const char *region, *service; /* "eu-west-1", "s3" */
    const char *access_key, *secret_key;
};

void http_client_sign(struct http_client *c, const struct http_signer *signer);

struct http_request {
    const char *method; /* "GET", "HEAD", "PUT", "POST", "PATCH", "DELETE" */
    const char *path;   /* with its query, which of a signed request is sorted by names */
    const char *type;   /* of the body; NULL: application/octet-stream */
    struct text body;   /* bytes NULL: none */
    const char *header[HTTP_HEADERS_MAX]; /* "Name: value"; NULL: none */
    uint32_t stall_ms;   /* it is given up when nothing has moved for so long; 0: after
                            timeout_ms, moving or not */
    uint32_t timeout_ms; /* 0: HTTP_TIMEOUT_MS */
};

/* What an answer is, beside its body; a header that it lacks or that is too long is "". */
struct http_reply {
    int status;
    char etag[HTTP_HEADER_MAX], date[HTTP_HEADER_MAX];
    char region[HTTP_HEADER_MAX];      /* x-amz-bucket-region */
    char retry_after[HTTP_HEADER_MAX]; /* seconds or a date */
    uint64_t length;                   /* Content-Length; 0: not said */
};

/* The answer replaces what `answer` held; ERROR_FULL where it is over the buffer's maximum: its
 * status is there then.
 * ERROR_WORLD where there was none; any status is an answer. */
bool http_client_send(struct http_client *c, const struct http_request *r, struct buffer *answer,
                      struct http_reply *reply, struct error *e) MUST_USE;

/* The next request of http_client_ask is a DELETE. */
void http_client_delete(struct http_client *c);
/* GET where body.bytes is NULL, else POST. The answer replaces what `answer` held. ERROR_WORLD
 * where there was none; any status is an answer. */
bool http_client_ask(struct http_client *c, const char *path, const char *content_type,
                     struct text body, struct buffer *answer, int *status,
                     struct error *e) MUST_USE;

#endif

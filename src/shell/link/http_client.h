/* An HTTP client for one server (libcurl behind this header): requests one after another over kept
 * connections. One thread. */
#ifndef ASSAY_LINK_HTTP_CLIENT_H
#define ASSAY_LINK_HTTP_CLIENT_H

#include "core/base/buffer.h"

enum { HTTP_ANSWER_MAX = 16 << 20, HTTP_TIMEOUT_MS = 10000 };

struct http_client;

/* A service, and who asks it. */
struct http_peer {
    const char *url;   /* "http://127.0.0.1:8080", "https://fraud.example.org" */
    const char *key;   /* API key; NULL: none */
    const char *basic; /* "name:password"; NULL: none */
    const char *ca;    /* PEM file of the certificates that are trusted; NULL: the system's */
};

const char *http_client_library(void); /* its name and version, with those that it uses */
struct http_client *http_client_new(const char *base_url);
/* The key is copied; it goes to the host of the URL only, as redirects are not followed. */
struct http_client *http_client_of(const struct http_peer *peer);
void http_client_free(struct http_client *c);
/* A part of a path, with %XX for what may not stand in one. */
void http_path_add(struct buffer *path, struct text part);

/* The next request is a DELETE. */
void http_client_delete(struct http_client *c);
/* GET where body.bytes is NULL, else POST. The answer replaces what `answer` held. ERROR_WORLD
 * where there was none; any status is an answer. */
bool http_client_ask(struct http_client *c, const char *path, const char *content_type,
                     struct text body, struct buffer *answer, int *status,
                     struct error *e) MUST_USE;

#endif

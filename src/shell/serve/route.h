/* The table of routes: what dispatch, 404, 405 with Allow, the check of query parameters and the
 * API's description are made from. One row per method and path. */
#ifndef ASSAY_SERVE_ROUTE_H
#define ASSAY_SERVE_ROUTE_H

#include "shell/access/role.h"
#include "shell/serve/http.h"

struct server;

enum { ROUTE_QUERIES_MAX = 24, ROUTE_ANSWERS_MAX = 10 };

/* Where a handler runs. */
enum route_place {
    ROUTE_AT_ONCE, /* on the I/O thread: must not block; may answer later by exchange_wait */
    ROUTE_AT_DESK, /* on a desk thread: may block; has answered when it returns */
};

enum route_body {
    BODY_NONE,   /* must be empty */
    BODY_JSON,   /* application/json */
    BODY_NDJSON, /* application/x-ndjson */
};

struct route_query {
    const char *name;
    const char *form; /* "time", "true or false", ... */
    const char *summary;
};

/* A status that the handler itself answers with, and the outline of its body (outline.h): NULL: a
 * problem, or none (304); "" with a type: not JSON. What any route may answer (404 of a path, 421,
 * 429, 500, 503) is the API's default. */
struct route_answer {
    unsigned status;
    const char *outline;
    const char *type; /* NULL: application/json, or of a problem */
};

struct route {
    enum http_method method; /* HTTP_GET also serves HEAD */
    const char *pattern; /* "/v1/decisions/{id}": a part in braces takes what is between two "/", at
                          * the end of the pattern the rest of the path; two at most */
    enum route_place place;
    enum route_body body;
    unsigned roles;      /* enum role: who may; ROLE_ANYONE: without signing in. 0 is our mistake */
    bool is_for_starter; /* a one-time token may, too */
    size_t body_max;     /* 0: the setting server.body */
    enum http_next (*handle)(struct server *s, struct exchange *x);
    const char *summary;
    struct route_query queries[ROUTE_QUERIES_MAX];
    const char *body_outline; /* of each line, where the body is NDJSON */
    struct route_answer answers[ROUTE_ANSWERS_MAX];
    const char *rows; /* the answer's member that is a list, whose rows `fields` makes sparse; */
    const char *row_outline;
    bool is_kept;       /* has an ETag */
    bool is_keyed;      /* takes an Idempotency-Key, by keyed.h */
    bool has_any_query; /* a page's: query parameters are its own */
};

extern const struct route routes[];
extern const unsigned route_count;

/* The route of a path and method, or NULL; `parameter` is the last part in braces, `name` the one
 * before it. Without a route,
 * `allow` tells which methods the path has ("": none, so it is no path). */
const struct route *route_find(struct text path, enum http_method method, struct text *parameter,
                               struct text *name, const char **allow);
/* All routes and who may take them: a Markdown table, or a JSON array. */
void routes_print(bool is_json, struct buffer *out);
const char *method_word(enum http_method m);

#endif

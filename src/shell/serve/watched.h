/* Alerts and cases over HTTP: what their handlers share. */
#ifndef ASSAY_SERVE_WATCHED_H
#define ASSAY_SERVE_WATCHED_H

#include "shell/serve/inside.h"
#include "shell/watch/page.h"

enum { WATCH_LIMIT_USUAL = 50, WATCH_TEXT_MAX = 256, ENTRIES_SHOWN = 1000, MEMBERS_SHOWN = 200 };

/* The watch and this thread's store; false: the answer is there. */
bool watch_ready(struct server *s, struct exchange *x, struct store **store);
/* The number that an id of the path is; false: 404 is the answer. */
bool watch_id(struct exchange *x, struct text id, const char *what, int64_t *number);
/* 404, 409, 422, 400 (of a cursor) or 503. */
enum http_next watch_refuse(struct exchange *x, const struct error *e);
/* A name or text of the query, at most WATCH_TEXT_MAX bytes of UTF-8. */
bool query_words(struct exchange *x, const char *name, struct text *value);
/* `me` is the caller. */
void query_person(struct exchange *x, struct text *value, char me[ACTOR_MAX]);
void caller_words(struct exchange *x, char me[ACTOR_MAX]);

/* A text member of the body, at most `most` bytes; absent or null: empty. ERROR_INVALID. */
bool member_text(const struct json *object, const char *key, size_t most, struct text *value,
                 struct error *e) MUST_USE;
/* The version that the caller has read: `version`, or If-Match with the ETag; -1: none given. */
bool member_version(struct exchange *x, const struct json *object, int64_t *version,
                    struct error *e) MUST_USE;
void answer_version(struct exchange *x, int64_t version); /* ETag: "3" */

/* ,"key":"..." or null where it is empty; of times null where 0. */
void add_words(struct buffer *out, const char *key, struct text t);
void add_when(struct buffer *out, const char *key, int64_t us);
void add_id(struct buffer *out, const char *key, int64_t id); /* as text; 0: null */

/* ,"next":... ,"store_lag":...} of a list. */
enum http_next answer_page(struct server *s, struct exchange *x, const char *next);

/* {"kind":...,"id":...} of the record's event; null where it has no such key, or it is gone. */
void add_entity(struct server *s, struct text kind, uint64_t seq, struct buffer *out);
/* One alert without its closing brace, its entity from the log. */
void alert_format(struct server *s, const struct alert_row *a, struct buffer *out);
void case_format(const struct case_row *c, struct buffer *out); /* likewise */
/* ,"decisions":[...] ,"timeline":[...] */
void add_member(const struct member_row *m, struct store *store, struct buffer *out);
void add_entry(const struct entry_row *r, struct buffer *out);

/* The decision of an event id, as POST of cases names it. */
bool decision_seq(struct server *s, struct store *store, struct text id, uint64_t *seq) MUST_USE;
/* A record as GET /v1/decisions/{id} shows it, without its closing brace; and its chain value. */
bool record_show(struct server *s, uint64_t seq, struct buffer *out, struct error *e) MUST_USE;

#endif

#include "shell/control/control.h"

#include <pthread.h>
#include <stdio.h>

#include "core/base/memory.h"
#include "shell/os/clock.h"
#include "shell/os/file.h"

enum { SEGMENT_BYTES = 1 << 20, DIRECTORY_MODE = 0700 };

struct control {
    struct log *log;
    pthread_mutex_t lock; /* of all below, and of the log's writing side */
    struct control_fold folds[CONTROL_FOLDS_MAX];
    size_t fold_count;
    struct json_reader *json;
    struct buffer body;
};

bool control_path(const char *data_directory, char path[CONTROL_PATH_MAX], struct error *e)
{
    int n = snprintf(path, CONTROL_PATH_MAX, "%s/control/log", data_directory);

    return (n > 0 && n < CONTROL_PATH_MAX) ||
           error_set(e, ERROR_INVALID, "path of the data directory is over %d bytes",
                     CONTROL_PATH_MAX - 16);
}

/* ---- reading ---- */

/* The body as a change; the caller frees the document, which the record's slices point into. */
static struct json_document *record_parse(struct json_reader *json, struct text body,
                                          struct control_record *r, struct error *e)
{
    struct json_document *d = json_parse(json, body.bytes, body.length, e);

    if (d != NULL && change_parse(d, &r->change, &r->data, &r->secret, e))
        return d;
    json_free(d);
    return NULL;
}

struct json_document *control_record_of(struct json_reader *json, const struct record *r,
                                        struct control_record *c, struct error *e)
{
    struct json_document *d;

    *c = (struct control_record){.seq = r->seq, .at_us = r->received_us};
    if (r->kind != RECORD_CONTROL) {
        error_set(e, ERROR_INVALID, "control log: record %llu is of kind \"%s\"",
                  (unsigned long long)r->seq, record_kind_name(r->kind));
        return NULL;
    }
    d = record_parse(json, r->body, c, e);
    if (d == NULL)
        error_prefix(e, "control log: record %llu", (unsigned long long)r->seq);
    return d;
}

static void show_member(const char *name, struct text t, struct buffer *out)
{
    if (t.length == 0)
        return;
    buffer_format(out, ",\"%s\":", name);
    json_add_text(out, t);
}

void control_record_show(const struct control_record *r, struct buffer *out)
{
    const struct control_change *c = &r->change;

    buffer_add_text(out, "\"change\":");
    json_add_text(out, c->kind);
    buffer_add_text(out, ",\"actor\":{\"kind\":");
    json_add_text(out, c->actor.kind);
    show_member("id", c->actor.id, out);
    show_member("name", c->actor.name, out);
    buffer_add_char(out, '}');
    show_member("request", c->request, out);
    show_member("address", c->address, out);
    show_member("subject", c->subject, out);
    show_member("note", c->note, out);
    if (c->is_forced)
        buffer_add_text(out, ",\"forced\":true");
    if (r->data != NULL) {
        buffer_add_text(out, ",\"data\":");
        json_add_json(out, r->data);
    }
}

/* false: it cannot be read. *goes_on: the visitor wants more. */
static bool visit_one(const struct control_visitor *v, struct json_reader *json,
                      const struct record *r, bool *goes_on, struct error *e)
{
    struct control_record change;
    struct json_document *d = control_record_of(json, r, &change, e);

    if (d == NULL)
        return false;
    *goes_on = v->visit(v->context, &change);
    json_free(d);
    return true;
}

/* Up to `last`. */
static bool scan(const char *path, uint64_t from, uint64_t last, const struct control_visitor *v,
                 struct error *e)
{
    struct json_reader *json;
    struct log_cursor *cursor;
    struct record r;
    bool goes_on = true;
    int got = 1;

    if (from > last)
        return true;
    if (!log_cursor_open(path, from, &cursor, e))
        return false;
    json = json_reader_new();
    while (goes_on && (got = log_cursor_next(cursor, &r, e)) == 1 && r.seq <= last) {
        if (!visit_one(v, json, &r, &goes_on, e)) {
            got = -1;
            break;
        }
    }
    json_reader_free(json);
    log_cursor_close(cursor);
    return got >= 0;
}

bool control_scan(const char *data_directory, uint64_t from_seq, const struct control_visitor *v,
                  struct error *e)
{
    char path[CONTROL_PATH_MAX];

    if (!control_path(data_directory, path, e))
        return false;
    return !file_exists(path) || scan(path, from_seq, UINT64_MAX, v, e);
}

bool control_visit(struct control *c, uint64_t from_seq, const struct control_visitor *v,
                   struct error *e)
{
    uint64_t last = log_durable_seq(c->log);
    struct json_reader *json;
    struct buffer bytes;
    bool goes_on = true, ok = true;

    json = json_reader_new();
    buffer_init(&bytes, CONTROL_BODY_MAX + LOG_OVERHEAD_BYTES);
    for (uint64_t seq = from_seq > 0 ? from_seq : 1; ok && goes_on && seq <= last; seq++) {
        struct record r;

        ok = log_read(c->log, seq, &bytes, &r, e) && visit_one(v, json, &r, &goes_on, e);
    }
    buffer_fini(&bytes);
    json_reader_free(json);
    return ok;
}

/* One whole object by itself: what is set between others' members cannot close them. */
static bool is_object(struct json_reader *json, const char *what, struct text t, struct error *e)
{
    struct json_document *d;
    bool ok;

    if (t.length == 0)
        return true;
    d = json_parse(json, t.bytes, t.length, e);
    if (d == NULL)
        return error_prefix(e, "%s", what);
    ok = d->root.kind == JSON_OBJECT || error_set(e, ERROR_INVALID, "%s: no JSON object", what);
    json_free(d);
    return ok;
}

/* ---- folds ---- */

static const struct control_fold *fold_of(const struct control *c, struct text kind)
{
    for (size_t i = 0; i < c->fold_count; i++) {
        size_t length = strlen(c->folds[i].prefix);

        if (kind.length >= length && memcmp(kind.bytes, c->folds[i].prefix, length) == 0)
            return &c->folds[i];
    }
    return NULL;
}

static bool apply(void *context, const struct control_record *r)
{
    const struct control *c = context;
    const struct control_fold *f = fold_of(c, r->change.kind);

    if (f != NULL)
        f->apply(f->context, r);
    return true;
}

/* ---- writing ---- */

static bool write_body(struct control *c, int64_t now_us, uint64_t *seq, struct error *e)
{
    struct record r = {
        .received_us = now_us, .kind = RECORD_CONTROL, .body = {c->body.bytes, c->body.length}};

    if (!log_reserve(c->log, 1, c->body.length, e))
        return false;
    *seq = log_append(c->log, &r);
    log_seal(c->log);
    return log_commit(c->log, e);
}

static bool append(struct control *c, const struct control_change *change, uint64_t *seq,
                   struct error *e)
{
    struct control_record r = {.at_us = clock_now_us()};
    const struct control_fold *f = fold_of(c, change->kind);
    struct json_document *d;
    bool ok;

    if (!is_object(c->json, "data", change->data, e) ||
        !is_object(c->json, "secret", change->secret, e))
        return false;
    buffer_clear(&c->body);
    change_format(change, &c->body);
    if (c->body.overflow)
        return error_set(e, ERROR_INVALID, "a change is over %d bytes", CONTROL_BODY_MAX);
    /* What is applied is read from what is written, as at the next start. */
    d = record_parse(c->json, (struct text){c->body.bytes, c->body.length}, &r, e);
    if (d == NULL)
        return false;
    ok = (f == NULL || f->check == NULL || f->check(f->context, &r, e)) &&
         write_body(c, r.at_us, &r.seq, e);
    if (ok && f != NULL)
        f->apply(f->context, &r);
    if (ok && seq != NULL)
        *seq = r.seq;
    json_free(d);
    return ok;
}

bool control_append(struct control *c, const struct control_change *change, uint64_t *seq,
                    struct error *e)
{
    bool ok;

    if (!change_check(change, e))
        return false;
    pthread_mutex_lock(&c->lock);
    ok = append(c, change, seq, e);
    pthread_mutex_unlock(&c->lock);
    return ok;
}

uint64_t control_head(struct control *c, uint8_t chain[DIGEST_BYTES])
{
    uint64_t seq;

    pthread_mutex_lock(&c->lock); /* seq and chain of one moment */
    seq = log_durable_seq(c->log);
    log_chain(c->log, chain);
    pthread_mutex_unlock(&c->lock);
    return seq;
}

/* ---- open and close ---- */

static bool open_log(struct control *c, const char *path, struct error *e)
{
    struct log_options o = {.directory = path,
                            .shard = (uint32_t)CONTROL_SHARD,
                            .segment_bytes = SEGMENT_BYTES,
                            .sync = LOG_SYNC_ALWAYS};
    struct log_found found;
    struct control_visitor all = {apply, c};

    return file_make_directories(path, DIRECTORY_MODE, e) && log_open(&o, &c->log, &found, e) &&
           scan(path, 1, log_durable_seq(c->log), &all, e);
}

bool control_open(const char *data_directory, const struct control_fold *folds, size_t fold_count,
                  struct control **control, struct error *e)
{
    char path[CONTROL_PATH_MAX];
    struct control *c;

    if (fold_count > CONTROL_FOLDS_MAX)
        return error_set(e, ERROR_INVALID, "%zu folds of the control log, at most %d", fold_count,
                         CONTROL_FOLDS_MAX);
    if (!control_path(data_directory, path, e))
        return false;
    c = mem_alloc(sizeof *c);
    pthread_mutex_init(&c->lock, NULL);
    for (size_t i = 0; i < fold_count; i++)
        c->folds[i] = folds[i];
    c->fold_count = fold_count;
    c->json = json_reader_new();
    buffer_init(&c->body, CONTROL_BODY_MAX);
    if (!open_log(c, path, e)) {
        error_prefix(e, "control log");
        control_close(c);
        return false;
    }
    *control = c;
    return true;
}

void control_close(struct control *c)
{
    if (c == NULL)
        return;
    log_close(c->log);
    buffer_fini(&c->body);
    json_reader_free(c->json);
    pthread_mutex_destroy(&c->lock);
    mem_free(c);
}

/* GET /v1/lists and /v1/lists/{name}. The shard knows the entries by their tokens and places; what
 * they are is read from their records. */
#include <inttypes.h>

#include "core/base/cursor.h"
#include "core/base/hash.h"
#include "core/base/memory.h"
#include "core/base/number.h"
#include "shell/os/clock.h"
#include "shell/serve/desk.h"
#include "shell/serve/lists.h"

enum { LIMIT_USUAL = 50, LIMIT_MAX = 1000, CURSOR_SEED = 1 };

const struct list_setting *lists_of_path(struct server *s, struct exchange *x, struct text name)
{
    struct buffer known;

    for (uint32_t i = 0; s->o.settings != NULL && i < s->o.settings->list_count; i++) {
        if (text_is(name, s->o.settings->lists[i].name))
            return &s->o.settings->lists[i];
    }
    buffer_init(&known, ERROR_TEXT_MAX / 2);
    for (uint32_t i = 0; s->o.settings != NULL && i < s->o.settings->list_count; i++)
        buffer_format(&known, "%s%s", i > 0 ? ", " : "", s->o.settings->lists[i].name);
    problem_answer(x, 404, "no list of this name%s%s", known.length > 0 ? "; there are: " : "",
                   known.length > 0 ? buffer_text(&known) : "; the settings declare none");
    buffer_fini(&known);
    return NULL;
}

bool lists_ask(struct server *s, struct exchange *x, struct submission *submission)
{
    struct errand errand = {.submission = *submission};
    struct bell bell;
    bool was_sent;

    bell_init(&bell);
    was_sent = errand_send(s, &errand, &bell);
    if (was_sent)
        errand_wait(&errand);
    bell_fini(&bell);
    *submission = errand.submission;
    plan_unref(submission->plan);
    if (!was_sent)
        server_refuse(s, x);
    else if (submission->status != SUBMIT_DONE)
        problem_answer(x, submission_http_status(submission), "%s", submission->error);
    return was_sent && submission->status == SUBMIT_DONE;
}

void lists_add_time(struct buffer *out, const char *key, int64_t time_us)
{
    char text[TIME_TEXT_MAX];

    buffer_format(out, ",\"%s\":", key);
    if (time_us == LIST_NEVER) {
        buffer_add_text(out, "null");
        return;
    }
    time_format(time_us, text);
    buffer_format(out, "\"%s\"", text);
}

static void add_head(const struct list_setting *l, uint64_t entries, struct buffer *out)
{
    char text[TIME_TEXT_MAX];

    buffer_format(out, "\"name\":\"%s\",\"type\":\"%s\",\"description\":", l->name,
                  type_name(list_setting_type(l)));
    json_add_text(out, text_of(l->description != NULL ? l->description : ""));
    buffer_add_text(out, ",\"expires\":");
    if (l->has_expires) {
        duration_format(l->expires_us, text);
        buffer_format(out, "\"%s\"", text);
    } else {
        buffer_add_text(out, "null");
    }
    buffer_format(out, ",\"entries\":%" PRIu64, entries);
}

enum http_next show_lists(struct server *s, struct exchange *x)
{
    const struct settings *settings = s->o.settings;

    buffer_add_text(&x->answer, "{\"lists\":[");
    for (uint32_t i = 0; settings != NULL && i < settings->list_count; i++) {
        struct list_request q = {.name = text_of(settings->lists[i].name)};
        struct submission sub = {.kind = SUBMIT_LIST_PAGE, .list = &q};

        if (!lists_ask(s, x, &sub))
            return HTTP_ANSWERED;
        buffer_add_text(&x->answer, i > 0 ? ",{" : "{");
        add_head(&settings->lists[i], q.entries, &x->answer);
        buffer_add_char(&x->answer, '}');
    }
    buffer_add_text(&x->answer, "]}\n");
    x->status = 200;
    return HTTP_ANSWERED;
}

/* ---- one list */

static bool read_query(struct exchange *x, struct list_request *q)
{
    const char *limit = exchange_query(x, "limit"), *cursor = exchange_query(x, "cursor");
    int64_t number = LIMIT_USUAL;
    struct cursor at = {.of = hash_bytes(q->name.bytes, q->name.length, CURSOR_SEED)};
    struct error e;

    if (limit != NULL &&
        (!number_parse_int(text_of(limit), &number) || number < 1 || number > LIMIT_MAX)) {
        problem_answer(x, 400, "query parameter limit: expected 1 to %d, found \"%.64s\"",
                       LIMIT_MAX, limit);
        return false;
    }
    if (cursor != NULL && !cursor_parse(text_of(cursor), &at, &e)) {
        problem_answer(x, 400, "query parameter cursor: %s", e.text);
        return false;
    }
    if (at.second > UINT32_MAX) {
        problem_answer(x, 400, "query parameter cursor: there is no such place in a list");
        return false;
    }
    q->after_seq = at.first;
    q->after_place = (uint32_t)at.second;
    q->most = (uint32_t)number;
    return true;
}

/* The record of the entries being written; those of one record follow each other. */
struct opened {
    struct buffer bytes;
    uint64_t seq;
    struct list_body body;
    struct reader at;
    uint32_t place; /* of the item that comes next */
};

static bool open_record(struct server *s, struct opened *o, uint64_t seq, struct error *e)
{
    const struct log *log = shard_log(s->o.shard);
    struct record r;

    o->seq = 0;
    if (!wait_durable(log, seq))
        return error_set(e, ERROR_WORLD,
                         "the list's newest entries are not on disk yet; ask again");
    if (!log_read(log, seq, &o->bytes, &r, e) || !list_body_parse(r.body, &o->body, e))
        return false;
    o->seq = seq;
    o->place = 0;
    reader_init(&o->at, o->body.items.bytes, o->body.items.length);
    return true;
}

static bool add_entry(struct server *s, struct opened *o, const struct list_entry *entry,
                      int64_t now_us, struct buffer *out, struct error *e)
{
    struct list_item item = {0};

    if (o->seq != entry->seq && !open_record(s, o, entry->seq, e))
        return false;
    for (; o->place <= entry->place; o->place++)
        list_item_next(&o->at, &item);
    buffer_add_text(out, "{\"value\":");
    json_add_text(out, item.value);
    if (entry->added_us == 0)
        buffer_add_text(out, ",\"added\":null");
    else
        lists_add_time(out, "added", entry->added_us);
    lists_add_time(out, "expires", entry->expires_us);
    buffer_format(out, ",\"expired\":%s,\"note\":", entry->expires_us <= now_us ? "true" : "false");
    json_add_text(out, item.note);
    buffer_add_text(out, ",\"by\":");
    json_add_text(out, o->body.by);
    buffer_format(out, ",\"seq\":%" PRIu64 "}", entry->seq);
    return true;
}

static void answer_page(struct server *s, struct exchange *x, const struct list_setting *l,
                        const struct list_request *q)
{
    struct opened opened = {0};
    int64_t now_us = clock_now_us();
    struct error e;
    bool ok = true;

    buffer_init(&opened.bytes, LOG_BODY_MAX + LOG_OVERHEAD_BYTES);
    buffer_add_char(&x->answer, '{');
    add_head(l, q->entries, &x->answer);
    buffer_add_text(&x->answer, ",\"items\":[");
    for (uint32_t i = 0; i < q->found && ok; i++) {
        buffer_add_text(&x->answer, i > 0 ? "," : "");
        ok = add_entry(s, &opened, &q->entry[i], now_us, &x->answer, &e);
    }
    buffer_fini(&opened.bytes);
    if (!ok) {
        problem_answer(x, 503, "%s", e.text);
        return;
    }
    if (q->found == q->most) {
        struct cursor at = {hash_bytes(q->name.bytes, q->name.length, CURSOR_SEED),
                            q->entry[q->found - 1].seq, q->entry[q->found - 1].place};
        char next[CURSOR_TEXT_MAX];

        cursor_format(&at, next);
        buffer_format(&x->answer, "],\"next\":\"%s\"}\n", next);
    } else
        buffer_add_text(&x->answer, "],\"next\":null}\n");
    x->status = 200;
}

enum http_next show_list(struct server *s, struct exchange *x)
{
    const struct list_setting *l = lists_of_path(s, x, x->parameter);
    struct list_request q = {.name = x->parameter};
    struct submission sub = {.kind = SUBMIT_LIST_PAGE, .list = &q};

    if (l == NULL || !read_query(x, &q))
        return HTTP_ANSWERED;
    q.entry = mem_array(q.most, sizeof *q.entry);
    if (lists_ask(s, x, &sub))
        answer_page(s, x, l, &q);
    mem_free(q.entry);
    return HTTP_ANSWERED;
}

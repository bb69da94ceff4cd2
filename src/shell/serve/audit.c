/* GET /v1/audit: who did what, over both logs, page by page; POST /v1/audit:checkpoint. */
#include <inttypes.h>

#include "core/base/calendar.h"
#include "core/base/cursor.h"
#include "core/base/hash.h"
#include "shell/audit/trail.h"
#include "shell/audit/upkeep.h"
#include "shell/serve/inside.h"

enum { LIMIT_USUAL = 50, CURSOR_SEED = 7 };

static struct text query_text(struct exchange *x, const char *name)
{
    const char *word = exchange_query(x, name);

    return text_of(word != NULL ? word : "");
}

/* A cursor is of one filter and order. */
static uint64_t hash_of(const struct trail_options *o)
{
    const struct trail_filter *f = &o->filter;
    const struct text texts[] = {f->kind, f->actor, f->subject, f->event, f->request};
    const int64_t numbers[] = {f->from_us, f->to_us, o->is_descending};
    uint64_t hash = hash_bytes((const char *)numbers, sizeof numbers, CURSOR_SEED);

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        hash = hash_bytes(texts[i].bytes, texts[i].length, hash + i);
    return hash;
}

static bool read_order(struct exchange *x, struct trail_options *o)
{
    const char *sort = exchange_query(x, "sort");

    o->is_descending = sort == NULL || text_is(text_of(sort), "-time");
    if (o->is_descending || text_is(text_of(sort), "time"))
        return true;
    problem_answer(x, 400, "query parameter sort: expected -time or time, found \"%.64s\"", sort);
    return false;
}

static bool read_place(struct exchange *x, struct trail_options *o)
{
    const char *word = exchange_query(x, "cursor");
    struct cursor at = {.of = hash_of(o)};
    struct error e;

    o->place = o->is_descending ? (struct trail_place){UINT64_MAX, UINT64_MAX}
                                : (struct trail_place){0, 0};
    if (word == NULL)
        return true;
    if (!cursor_parse(text_of(word), &at, &e)) {
        problem_answer(x, 400, "query parameter cursor: %s", e.text);
        return false;
    }
    o->place = (struct trail_place){at.first, at.second};
    return true;
}

static bool read_query(struct exchange *x, struct trail_options *o)
{
    struct trail_filter *f = &o->filter;
    int64_t limit = LIMIT_USUAL;
    struct error e;

    *f = (struct trail_filter){.from_us = INT64_MIN,
                               .to_us = INT64_MAX,
                               .kind = query_text(x, "kind"),
                               .actor = query_text(x, "actor"),
                               .subject = query_text(x, "subject"),
                               .event = query_text(x, "event"),
                               .request = query_text(x, "request")};
    if (!query_time(x, "from", &f->from_us) || !query_time(x, "to", &f->to_us) ||
        !query_int(x, "limit", 1, TRAIL_LIMIT_MAX, &limit) || !read_order(x, o))
        return false;
    o->limit = (uint32_t)limit;
    if (!trail_filter_check(f, &e)) {
        problem_answer(x, 400, "query parameter %s", e.text);
        return false;
    }
    return read_place(x, o);
}

static bool take(void *context, struct text json, struct error *e)
{
    struct buffer *out = context;

    (void)e;
    if (out->bytes[out->length - 1] != '[')
        buffer_add_char(out, ',');
    buffer_add_slice(out, json);
    return true;
}

enum http_next show_audit(struct server *s, struct exchange *x)
{
    struct trail_options o = {.data_directory = s->o.data_directory,
                              .shard_directory = shard_directory(s->o.shard),
                              .last_decisions = log_durable_seq(shard_log(s->o.shard)),
                              .work = TRAIL_WORK_MAX};
    const struct trail_taker taker = {take, &x->answer};
    uint8_t chain[DIGEST_BYTES];
    struct trail_counts c;
    struct error e;

    if (s->o.access == NULL || s->o.data_directory == NULL) {
        problem_answer(x, 503, "this server keeps no control log");
        return HTTP_ANSWERED;
    }
    o.last_control = control_head(access_control(s->o.access), chain);
    if (!read_query(x, &o))
        return HTTP_ANSWERED;
    buffer_add_text(&x->answer, "{\"entries\":[");
    if (!trail_read(&o, &taker, &c, &e)) {
        buffer_clear(&x->answer);
        problem_answer(x, 503, "%s", e.text);
        return HTTP_ANSWERED;
    }
    buffer_format(&x->answer, "],\"looked_at\":%" PRIu64 ",\"next\":", c.looked_at);
    if (c.is_over) {
        buffer_add_text(&x->answer, "null}\n");
    } else {
        struct cursor at = {hash_of(&o), c.next.decisions, c.next.control};
        char next[CURSOR_TEXT_MAX];

        cursor_format(&at, next);
        buffer_format(&x->answer, "\"%s\"}\n", next);
    }
    x->status = 200;
    return HTTP_ANSWERED;
}

enum http_next make_checkpoint(struct server *s, struct exchange *x)
{
    struct checkpoint made[2];
    bool is_first = true;
    struct error e;

    if (!body_is_empty_object(s, x, "a checkpoint is of the logs as they are"))
        return HTTP_ANSWERED;
    if (s->o.upkeep == NULL) {
        problem_answer(x, 503, "this server signs no checkpoints");
        return HTTP_ANSWERED;
    }
    if (!upkeep_checkpoint(s->o.upkeep, made, &e)) {
        problem_answer(x, 503, "%s", e.text);
        return HTTP_ANSWERED;
    }
    buffer_add_text(&x->answer, "{\"checkpoints\":[");
    for (int i = 0; i < 2; i++) {
        if (made[i].seq == 0)
            continue;
        buffer_add_text(&x->answer, is_first ? "" : ",");
        checkpoint_format(&made[i], &x->answer);
        is_first = false;
    }
    buffer_add_text(&x->answer, "]}\n");
    x->status = 200;
    return HTTP_ANSWERED;
}

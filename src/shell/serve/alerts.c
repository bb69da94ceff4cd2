/* /v1/alerts: the queues of decisions that people look at.
 *
 * A change is checked against the store while no other change can come between (watch.h), recorded,
 * and answered when the store has it. */
#include <inttypes.h>
#include <stdio.h>

#include "core/base/calendar.h"
#include "core/base/memory.h"
#include "core/data/json_at.h"
#include "shell/os/clock.h"
#include "shell/serve/watched.h"

enum { BULK_BYTES = 64 << 10, SNOOZE_MOST_DAYS = 366, DAY_S = 86400, MILLION = 1000000 };

/* ---- pages ---- */

struct listing {
    struct server *s;
    struct buffer *out;
    uint32_t rows;
};

static void add_row(void *context, const struct alert_row *a)
{
    struct listing *l = context;

    if (l->rows++ > 0)
        buffer_add_char(l->out, ',');
    alert_format(l->s, a, l->out);
    buffer_add_char(l->out, '}');
}

static bool query_choice(struct exchange *x, struct alert_query *q)
{
    const char *state = exchange_query(x, "state"), *sort = exchange_query(x, "sort");
    const char *disposition = exchange_query(x, "disposition");

    if (state != NULL && !alert_choice_find(text_of(state), &q->state)) {
        problem_answer(x, 400, "query parameter state: expected one of %s, found \"%.64s\"",
                       alert_choices, state);
        return false;
    }
    if (sort != NULL && !alert_sort_find(text_of(sort), &q->sort)) {
        problem_answer(x, 400, "query parameter sort: expected one of %s, found \"%.64s\"",
                       alert_sorts, sort);
        return false;
    }
    if (disposition != NULL && !disposition_find(text_of(disposition), &q->disposition)) {
        problem_answer(x, 400,
                       "query parameter disposition: expected confirmed_fraud, false_positive or "
                       "inconclusive, found \"%.64s\"",
                       disposition);
        return false;
    }
    return true;
}

static bool query_read(struct server *s, struct exchange *x, struct alert_query *q,
                       char me[ACTOR_MAX])
{
    int64_t limit = WATCH_LIMIT_USUAL, min_score = 0, casefile = 0;
    const char *cursor = exchange_query(x, "cursor");

    *q = alert_query_all(WATCH_LIMIT_USUAL, clock_now_us());
    q->cursor = text_of(cursor != NULL ? cursor : "");
    if (!query_choice(x, q) || !query_words(x, "queue", &q->queue) ||
        !query_words(x, "name", &q->name) || !query_words(x, "assignee", &q->assignee) ||
        !query_words(x, "rule", &q->rule) || !query_words(x, "text", &q->text) ||
        !query_entity(s, x, &q->entity) || !query_time(x, "from", &q->from_us) ||
        !query_time(x, "to", &q->until_us) ||
        !query_int(x, "min_score", 0, PLAN_SCORE_MAX, &min_score) ||
        !query_int(x, "case", 1, INT64_MAX, &casefile) ||
        !query_int(x, "limit", 1, PAGE_LIMIT_MAX, &limit))
        return false;
    query_person(x, &q->assignee, me);
    q->case_id = casefile;
    q->min_score = (int)min_score;
    q->limit = (uint32_t)limit;
    return true;
}

static void add_queue(void *context, const struct queue_row *q)
{
    struct listing *l = context;

    buffer_add_text(l->out, l->rows++ > 0 ? ",{\"queue\":" : "{\"queue\":");
    json_add_text(l->out, q->queue);
    buffer_format(l->out, ",\"open\":%" PRId64 ",\"claimed\":%" PRId64, q->open, q->claimed);
    add_when(l->out, "oldest", q->oldest_us);
    buffer_add_char(l->out, '}');
}

enum http_next list_alerts(struct server *s, struct exchange *x)
{
    struct listing rows = {s, &x->answer, 0}, queues = {s, &x->answer, 0};
    char next[PAGE_CURSOR_MAX], me[ACTOR_MAX];
    struct alert_query q;
    struct store *store;
    struct error e;

    if (!watch_ready(s, x, &store) || !query_read(s, x, &q, me))
        return HTTP_ANSWERED;
    buffer_add_text(&x->answer, "{\"alerts\":[");
    if (!alert_page(store, &q, add_row, &rows, next, &e))
        return watch_refuse(x, &e);
    buffer_add_text(&x->answer, "],\"queues\":[");
    if (!queues_read(store, add_queue, &queues, &e))
        return watch_refuse(x, &e);
    buffer_add_char(&x->answer, ']');
    return answer_page(s, x, next);
}

/* ---- one ---- */

struct showing {
    struct server *s;
    struct store *store;
    struct buffer *out;
    uint32_t rows;
    int64_t version;
};

static void show_head(void *context, const struct alert_row *a)
{
    struct showing *w = context;

    alert_format(w->s, a, w->out);
    w->version = a->version;
}

static void show_member(void *context, const struct member_row *m)
{
    struct showing *w = context;

    if (w->rows++ > 0)
        buffer_add_char(w->out, ',');
    add_member(m, w->store, w->out);
}

static void show_entry(void *context, const struct entry_row *r)
{
    struct showing *w = context;

    if (w->rows++ > 0)
        buffer_add_char(w->out, ',');
    add_entry(r, w->out);
}

static enum http_next answer_alert(struct server *s, struct exchange *x, struct store *store,
                                   int64_t id)
{
    struct showing w = {.s = s, .store = store, .out = &x->answer};
    struct error e;

    buffer_clear(&x->answer);
    if (!alert_find(store, id, clock_now_us(), show_head, &w, &e))
        return watch_refuse(x, &e);
    buffer_add_text(&x->answer, ",\"decisions\":[");
    if (!alert_members(store, id, MEMBERS_SHOWN, show_member, &w, &e))
        return watch_refuse(x, &e);
    buffer_add_text(&x->answer, "],\"timeline\":[");
    w.rows = 0;
    if (!entries_read(store, id, 0, ENTRIES_SHOWN, show_entry, &w, &e))
        return watch_refuse(x, &e);
    buffer_add_text(&x->answer, "]}\n");
    answer_version(x, w.version);
    x->status = 200;
    return HTTP_ANSWERED;
}

enum http_next show_alert(struct server *s, struct exchange *x)
{
    struct store *store;
    int64_t id;

    if (!watch_ready(s, x, &store) || !watch_id(x, x->parameter, "alert", &id))
        return HTTP_ANSWERED;
    return answer_alert(s, x, store, id);
}

/* ---- changes ---- */

enum action { CLAIM, RELEASE, SNOOZE, ASSIGN, CLOSE, ACTIONS };

static const char *const action_words[ACTIONS] = {"claim", "release", "snooze", "assign", "close"};
static const char *const action_kinds[ACTIONS] = {
    "alert.claimed", "alert.released", "alert.snoozed", "alert.assigned", "alert.closed"};

struct work {
    enum action action;
    struct control_change by;
    char me[ACTOR_MAX], to[ACTOR_MAX];
    int64_t until_us, version;
    enum disposition disposition;
    bool is_admin;
    struct json_document *body;
};

/* Of one alert, as it is. */
struct check {
    const struct work *work;
    bool is_there, is_same; /* it is so already */
    struct error e;         /* kind NONE: it may be */
};

static bool is_mine(const struct alert_row *a, const char *me)
{
    return text_is(a->assignee, me);
}

static void check_alert(void *context, const struct alert_row *a)
{
    struct check *c = context;
    const struct work *w = c->work;
    bool is_held = a->assignee.length > 0 && !is_mine(a, w->me) && a->state != ALERT_CLOSED;

    c->is_there = true;
    if (w->version >= 0 && w->version != a->version)
        error_set(&c->e, ERROR_CONFLICT,
                  "alert %" PRId64 " is at version %" PRId64 ", not %" PRId64
                  "%s%.*s: read it again",
                  a->id, a->version, w->version, a->assignee.length > 0 ? ", with " : "",
                  TEXT_ARG(a->assignee));
    else if (a->state == ALERT_CLOSED && w->action != CLOSE)
        error_set(&c->e, ERROR_CONFLICT,
                  "alert %" PRId64 " is closed, by %.*s: a new decision raises a new one", a->id,
                  TEXT_ARG(a->closed_by));
    else if (is_held && w->action != ASSIGN && !(w->is_admin && w->action != CLAIM))
        error_set(&c->e, ERROR_CONFLICT, "%.*s has alert %" PRId64 ": assign it to take it over",
                  TEXT_ARG(a->assignee), a->id);
    else if (w->action == CLOSE && a->case_id != 0)
        error_set(&c->e, ERROR_CONFLICT,
                  "alert %" PRId64 " belongs to case %" PRId64 ": dispose of the case", a->id,
                  a->case_id);
    c->is_same =
        (w->action == CLAIM && is_mine(a, w->me) && a->state == ALERT_CLAIMED) ||
        (w->action == ASSIGN && text_is(a->assignee, w->to)) ||
        (w->action == RELEASE && a->assignee.length == 0) ||
        (w->action == CLOSE && a->state == ALERT_CLOSED && a->disposition == w->disposition);
}

static bool may_be(struct store *store, const struct work *w, int64_t id, bool *is_same,
                   struct error *e)
{
    struct check c = {.work = w};

    if (!alert_find(store, id, clock_now_us(), check_alert, &c, e))
        return false;
    *is_same = c.is_same;
    if (c.e.kind != ERROR_NONE)
        *e = c.e;
    return c.e.kind == ERROR_NONE;
}

static bool read_person(const struct json *body, struct work *w, struct error *e)
{
    struct text to;

    if (!member_text(body, "to", ACTOR_MAX - 8, &to, e))
        return false;
    if (to.length > 0 && !text_is_plain(to))
        return error_set(e, ERROR_INVALID, "to: expected a person, like user:ann");
    if (text_is(to, "me"))
        snprintf(w->to, sizeof w->to, "%s", w->me);
    else if (to.length == 0 || memchr(to.bytes, ':', to.length) != NULL)
        snprintf(w->to, sizeof w->to, "%.*s", TEXT_ARG(to));
    else
        snprintf(w->to, sizeof w->to, "user:%.*s", TEXT_ARG(to));
    return true;
}

static bool read_until(const struct json *body, struct work *w, struct error *e)
{
    int64_t now_us = clock_now_us();
    struct text until;

    if (!member_text(body, "until", TIME_TEXT_MAX, &until, e))
        return false;
    if (!time_parse(until, TIME_ISO, &w->until_us))
        return error_set(e, ERROR_INVALID, "until: expected a time like \"2026-04-01T08:00:00Z\"");
    return (w->until_us > now_us &&
            w->until_us < now_us + (int64_t)SNOOZE_MOST_DAYS * DAY_S * MILLION) ||
           error_set(e, ERROR_INVALID, "until: expected a time to come, within a year");
}

static bool read_work(struct exchange *x, const struct json *body, struct work *w, struct error *e)
{
    struct text disposition;

    caller_words(x, w->me);
    w->is_admin = (x->caller.roles & ROLE_ADMIN) != 0;
    if (!member_text(body, "note", CONTROL_NOTE_MAX, &w->by.note, e) ||
        !member_version(x, body, &w->version, e))
        return false;
    if (w->action == CLAIM)
        snprintf(w->to, sizeof w->to, "%s", w->me);
    if (w->action == SNOOZE)
        return read_until(body, w, e);
    if (w->action == ASSIGN)
        return read_person(body, w, e);
    if (w->action != CLOSE)
        return true;
    return member_text(body, "disposition", WATCH_TEXT_MAX, &disposition, e) &&
           (disposition_find(disposition, &w->disposition) ||
            error_set(e, ERROR_INVALID,
                      "disposition: expected confirmed_fraud, false_positive or inconclusive"));
}

/* Those of `id` that are to change, in one record. */
static bool record(struct server *s, const struct work *w, const int64_t *id, uint32_t count,
                   struct error *e)
{
    struct control_change change = w->by;
    struct buffer data;
    char subject[64];
    bool ok;

    buffer_init(&data, WATCH_DATA_MAX);
    buffer_add_text(&data, "\"alerts\":[");
    for (uint32_t i = 0; i < count; i++)
        buffer_format(&data, "%s%" PRId64, i > 0 ? "," : "", id[i]);
    buffer_add_char(&data, ']');
    if (w->to[0] != 0) {
        buffer_add_text(&data, ",\"to\":");
        json_add_text(&data, text_of(w->to));
    }
    if (w->action == SNOOZE)
        buffer_format(&data, ",\"until_us\":%" PRId64, w->until_us);
    if (w->action == CLOSE)
        buffer_format(&data, ",\"disposition\":\"%s\"", disposition_word(w->disposition));
    snprintf(subject, sizeof subject, "alert/%" PRId64 "%s", id[0], count > 1 ? " and others" : "");
    change.kind = text_of(action_kinds[w->action]);
    change.subject = text_of(subject);
    ok = watch_change(s->o.watch, &change, (struct text){data.bytes, data.length}, NULL, e);
    buffer_fini(&data);
    if (ok && w->action == CLOSE)
        labeller_wake(s->o.labeller);
    return ok;
}

static enum http_next change_alert(struct server *s, struct exchange *x, enum action action)
{
    static const char *const known[] = {"version", "note", "until", "to", "disposition", NULL};
    struct work w = {.action = action, .by = change_of(x)};
    bool is_same = false, ok;
    struct store *store;
    struct error e;
    int64_t id;

    if (!watch_ready(s, x, &store) || !watch_id(x, x->parameter, "alert", &id) ||
        (w.body = body_object(s, x, known)) == NULL)
        return HTTP_ANSWERED;
    ok = read_work(x, &w.body->root, &w, &e) && watch_change_begin(s->o.watch, &e);
    if (ok) {
        ok = may_be(store, &w, id, &is_same, &e) && (is_same || record(s, &w, &id, 1, &e));
        watch_change_end(s->o.watch);
    }
    json_free(w.body);
    return ok ? answer_alert(s, x, store, id) : watch_refuse(x, &e);
}

enum http_next claim_alert(struct server *s, struct exchange *x)
{
    return change_alert(s, x, CLAIM);
}

enum http_next release_alert(struct server *s, struct exchange *x)
{
    return change_alert(s, x, RELEASE);
}

enum http_next snooze_alert(struct server *s, struct exchange *x)
{
    return change_alert(s, x, SNOOZE);
}

enum http_next assign_alert(struct server *s, struct exchange *x)
{
    return change_alert(s, x, ASSIGN);
}

enum http_next close_alert(struct server *s, struct exchange *x)
{
    return change_alert(s, x, CLOSE);
}

/* ---- many at once ---- */

struct bulk {
    int64_t id[BULK_MAX], changing[BULK_MAX];
    uint32_t count, changes;
};

static bool read_action(const struct json *body, enum action *action, struct error *e)
{
    struct text word;

    if (!member_text(body, "action", WATCH_TEXT_MAX, &word, e))
        return false;
    for (int i = 0; i < ACTIONS; i++) {
        if (text_is(word, action_words[i])) {
            *action = (enum action)i;
            return true;
        }
    }
    return error_set(e, ERROR_INVALID, "action: expected claim, release, snooze, assign or close");
}

static bool read_ids(const struct json *body, struct bulk *b, struct error *e)
{
    const struct json *ids = json_get(body, "alerts");

    if (ids == NULL || ids->kind != JSON_ARRAY || ids->count == 0 || ids->count > BULK_MAX)
        return error_set(e, ERROR_INVALID, "alerts: expected 1 to %d ids", BULK_MAX);
    for (uint32_t i = 0; i < ids->count; i++) {
        const struct json *v = &ids->items[i];
        struct text t = v->kind == JSON_TEXT ? v->text : text_of("");
        int64_t id = 0;

        for (size_t k = 0; k < t.length && t.length <= 18; k++)
            id = t.bytes[k] >= '0' && t.bytes[k] <= '9' && id >= 0 ? id * 10 + (t.bytes[k] - '0')
                                                                   : -1;
        if (id <= 0)
            return error_set(e, ERROR_INVALID, "alerts: expected ids of alerts as texts");
        for (uint32_t k = 0; k < b->count; k++) {
            if (b->id[k] == id)
                return error_set(e, ERROR_INVALID, "alerts: %" PRId64 " is there twice", id);
        }
        b->id[b->count++] = id;
    }
    return true;
}

/* What became of each, in their order. */
static bool change_each(struct server *s, struct store *store, const struct work *w, struct bulk *b,
                        struct buffer *out, struct error *e)
{
    for (uint32_t i = 0; i < b->count; i++) {
        bool is_same = false, ok = may_be(store, w, b->id[i], &is_same, e);

        if (!ok && e->kind != ERROR_CONFLICT && e->kind != ERROR_NOT_FOUND)
            return false;
        buffer_format(out, "%s{\"id\":\"%" PRId64 "\",\"status\":%u", i > 0 ? "," : "", b->id[i],
                      ok ? 200 : error_http_status(e));
        add_words(out, "detail", text_of(ok ? "" : e->text));
        buffer_add_char(out, '}');
        if (ok && !is_same)
            b->changing[b->changes++] = b->id[i];
    }
    return b->changes == 0 || record(s, w, b->changing, b->changes, e);
}

enum http_next bulk_alerts(struct server *s, struct exchange *x)
{
    static const char *const known[] = {"alerts", "action",      "note", "until",
                                        "to",     "disposition", NULL};
    struct work w = {.by = change_of(x)};
    struct bulk *b;
    struct store *store;
    struct error e;
    bool ok;

    if (!watch_ready(s, x, &store) || (w.body = body_object(s, x, known)) == NULL)
        return HTTP_ANSWERED;
    b = mem_alloc(sizeof *b);
    ok = read_action(&w.body->root, &w.action, &e) && read_ids(&w.body->root, b, &e) &&
         read_work(x, &w.body->root, &w, &e) && watch_change_begin(s->o.watch, &e);
    w.version = -1;
    if (ok) {
        buffer_add_text(&x->answer, "{\"results\":[");
        ok = change_each(s, store, &w, b, &x->answer, &e);
        watch_change_end(s->o.watch);
        buffer_format(&x->answer, "],\"changed\":%u}\n", b->changes);
    }
    mem_free(b);
    json_free(w.body);
    if (!ok)
        return watch_refuse(x, &e);
    x->status = 200;
    return HTTP_ANSWERED;
}

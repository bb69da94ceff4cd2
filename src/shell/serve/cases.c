/* /v1/cases: what people find out about alerts, decisions and entities that belong together. */
#include <inttypes.h>
#include <stdio.h>

#include "core/base/memory.h"
#include "core/data/json_at.h"
#include "shell/os/clock.h"
#include "shell/serve/case_show.h"
#include "shell/store/tokens.h"

/* ---- pages ---- */

struct listing {
    struct buffer *out;
    uint32_t rows;
};

static void add_row(void *context, const struct case_row *c)
{
    struct listing *l = context;

    if (l->rows++ > 0)
        buffer_add_char(l->out, ',');
    case_format(c, l->out);
    buffer_add_char(l->out, '}');
}

static bool query_read(struct server *s, struct exchange *x, struct case_query *q,
                       char me[ACTOR_MAX])
{
    const char *state = exchange_query(x, "state"), *cursor = exchange_query(x, "cursor");
    const char *disposition = exchange_query(x, "disposition");
    int64_t limit = WATCH_LIMIT_USUAL;

    *q = (struct case_query){.has_state = state == NULL || !text_is(text_of(state), "any"),
                             .cursor = text_of(cursor != NULL ? cursor : "")};
    if (state != NULL && q->has_state && !case_state_find(text_of(state), &q->state)) {
        problem_answer(
            x, 400, "query parameter state: expected open, closed or any, found \"%.64s\"", state);
        return false;
    }
    if (disposition != NULL && !disposition_find(text_of(disposition), &q->disposition)) {
        problem_answer(x, 400,
                       "query parameter disposition: expected confirmed_fraud, false_positive or "
                       "inconclusive, found \"%.64s\"",
                       disposition);
        return false;
    }
    if (!query_words(x, "assignee", &q->assignee) || !query_words(x, "text", &q->text) ||
        !query_entity(s, x, &q->entity) || !query_int(x, "limit", 1, PAGE_LIMIT_MAX, &limit))
        return false;
    query_person(x, &q->assignee, me);
    q->limit = (uint32_t)limit;
    return true;
}

enum http_next list_cases(struct server *s, struct exchange *x)
{
    struct listing l = {&x->answer, 0};
    char next[PAGE_CURSOR_MAX], me[ACTOR_MAX];
    struct case_query q;
    struct store *store;
    struct error e;

    if (!watch_ready(s, x, &store) || !query_read(s, x, &q, me))
        return HTTP_ANSWERED;
    buffer_add_text(&x->answer, "{\"cases\":[");
    if (!case_page(store, &q, add_row, &l, next, &e))
        return watch_refuse(x, &e);
    buffer_add_char(&x->answer, ']');
    return answer_page(s, x, next);
}

/* ---- one ---- */

static enum http_next answer_case(struct server *s, struct exchange *x, struct store *store,
                                  int64_t id, unsigned status)
{
    int64_t version;
    struct error e;

    buffer_clear(&x->answer);
    if (!case_show(s, store, id, &x->answer, &version, &e))
        return watch_refuse(x, &e);
    buffer_add_text(&x->answer, "}\n");
    answer_version(x, version);
    x->status = status;
    return HTTP_ANSWERED;
}

enum http_next show_case(struct server *s, struct exchange *x)
{
    struct store *store;
    int64_t id;

    if (!watch_ready(s, x, &store) || !watch_id(x, x->parameter, "case", &id))
        return HTTP_ANSWERED;
    return answer_case(s, x, store, id, 200);
}

/* ---- what is linked ---- */

struct linking {
    struct server *s;
    struct store *store;
    struct buffer *data;
    uint32_t alerts, decisions, entities; /* that are added */
    struct error *e;
};

static bool id_of(const struct json *v, int64_t *id)
{
    struct text t = v->kind == JSON_TEXT ? v->text : text_of("");

    *id = 0;
    for (size_t i = 0; i < t.length && t.length <= 18; i++) {
        if (t.bytes[i] < '0' || t.bytes[i] > '9')
            return false;
        *id = *id * 10 + (t.bytes[i] - '0');
    }
    return *id > 0;
}

static void take_case_of(void *context, const struct alert_row *a)
{
    *(int64_t *)context = a->case_id;
}

static bool link_alert(struct linking *l, const struct json *v)
{
    int64_t id, casefile = 0;

    if (!id_of(v, &id))
        return error_set(l->e, ERROR_INVALID, "alerts: expected ids of alerts as texts");
    if (!alert_find(l->store, id, clock_now_us(), take_case_of, &casefile, l->e))
        return false;
    if (casefile != 0)
        return error_set(l->e, ERROR_CONFLICT,
                         "alert %" PRId64 " belongs to case %" PRId64 " already", id, casefile);
    buffer_format(l->data, "%s%" PRId64, l->alerts++ > 0 ? "," : "", id);
    return true;
}

static bool link_decision(struct linking *l, const struct json *v)
{
    uint64_t seq;

    if (v->kind != JSON_TEXT || !decision_seq(l->s, l->store, v->text, &seq))
        return error_set(l->e, ERROR_NOT_FOUND,
                         "decisions: there is no decision of the event \"%.*s\"",
                         v->kind == JSON_TEXT && v->text.length < 64 ? (int)v->text.length : 0,
                         v->kind == JSON_TEXT ? v->text.bytes : "");
    buffer_format(l->data, "%s{\"seq\":%" PRIu64 ",\"id\":", l->decisions++ > 0 ? "," : "", seq);
    json_add_text(l->data, v->text);
    buffer_add_char(l->data, '}');
    return true;
}

/* An entity is told by its number, and by a decision of it from which its key can be read. */
static bool link_entity(struct linking *l, const struct json *v)
{
    struct text kind = json_text_at(v, "kind"), id = json_text_at(v, "id");
    uint32_t found = 0;
    int64_t entity;
    uint64_t seq;

    if (v->kind != JSON_OBJECT || v->count != 2 || kind.length == 0 || id.length == 0)
        return error_set(l->e, ERROR_INVALID, "entities: expected {\"kind\": ..., \"id\": ...}");
    if (!token_of_name(seat_get(l->s)->plan, kind, id, &entity, l->e))
        return false;
    if (!store_entity_decisions(l->store, entity, UINT64_MAX, &seq, 1, &found, l->e))
        return false;
    if (found == 0)
        return error_set(l->e, ERROR_NOT_FOUND, "entities: there is no decision of %.*s",
                         TEXT_ARG(kind));
    buffer_format(l->data, "%s{\"entity\":%" PRId64 ",\"seq\":%" PRIu64 ",\"kind\":",
                  l->entities++ > 0 ? "," : "", entity, seq);
    json_add_text(l->data, kind);
    buffer_add_char(l->data, '}');
    return true;
}

static bool link_each(struct linking *l, const struct json *body, const char *key, int64_t room,
                      bool (*one)(struct linking *l, const struct json *v))
{
    const struct json *v = json_get(body, key);

    buffer_format(l->data, ",\"%s\":[", key);
    if (v != NULL && v->kind != JSON_NULL) {
        if (v->kind != JSON_ARRAY || (int64_t)v->count > room)
            return error_set(l->e, ERROR_INVALID,
                             "%s: expected an array of at most %" PRId64
                             " (what the case still takes)",
                             key, room > 0 ? room : 0);
        for (uint32_t i = 0; i < v->count; i++) {
            if (!one(l, &v->items[i]))
                return false;
        }
    }
    buffer_add_char(l->data, ']');
    return true;
}

static bool link_all(struct linking *l, const struct json *body, const struct case_row *before)
{
    int64_t entities;

    return case_entity_count(l->store, before->id, &entities, l->e) &&
           link_each(l, body, "alerts", CASE_ALERTS_MAX - before->alerts, link_alert) &&
           link_each(l, body, "decisions", CASE_DECISIONS_MAX - before->decisions, link_decision) &&
           link_each(l, body, "entities", CASE_ENTITIES_MAX - entities, link_entity);
}

/* ---- changes ---- */

struct working {
    struct store *store;
    struct json_document *body;
    struct control_change by;
    struct buffer data; /* members of the change */
    char subject[40];
    char me[ACTOR_MAX];
    struct case_row row; /* its texts: none */
    struct text holder;  /* in `held` */
    char held[ACTOR_MAX];
};

static bool begin(struct server *s, struct exchange *x, const char *const *known, struct working *w)
{
    *w = (struct working){.by = change_of(x)};
    if (!watch_ready(s, x, &w->store) || (w->body = body_object(s, x, known)) == NULL)
        return false;
    caller_words(x, w->me);
    buffer_init(&w->data, WATCH_DATA_MAX);
    return true;
}

static void end(struct working *w)
{
    buffer_fini(&w->data);
    json_free(w->body);
}

static void take_row(void *context, const struct case_row *c)
{
    struct working *w = context;

    w->row = *c;
    snprintf(w->held, sizeof w->held, "%.*s", TEXT_ARG(c->assignee));
    w->holder = text_of(w->held);
}

enum http_next open_case(struct server *s, struct exchange *x)
{
    static const char *const known[] = {"title", "alerts", "decisions", "entities", "note", NULL};
    const struct case_row none = {0};
    struct working w;
    struct text title;
    struct error e;
    uint64_t seq = 0;
    bool ok;

    if (!begin(s, x, known, &w))
        return HTTP_ANSWERED;
    struct linking l = {.s = s, .store = w.store, .data = &w.data, .e = &e};

    ok = member_text(&w.body->root, "title", CASE_TITLE_MAX, &title, &e) &&
         member_text(&w.body->root, "note", CONTROL_NOTE_MAX, &w.by.note, &e);
    if (ok && title.length == 0)
        ok = error_set(&e, ERROR_INVALID, "title: expected 1 to %d bytes", CASE_TITLE_MAX);
    if (ok && !text_is_plain(title))
        ok = error_set(&e, ERROR_INVALID, "title: expected one line without control characters");
    if (ok && watch_change_begin(s->o.watch, &e)) {
        buffer_add_text(&w.data, "\"title\":");
        json_add_text(&w.data, title);
        buffer_add_text(&w.data, ",\"to\":");
        json_add_text(&w.data, text_of(w.me));
        w.by.kind = text_of("case.opened");
        w.by.subject = text_of("case");
        ok = link_all(&l, &w.body->root, &none) &&
             watch_change(s->o.watch, &w.by, (struct text){w.data.bytes, w.data.length}, &seq, &e);
        watch_change_end(s->o.watch);
    } else {
        ok = false;
    }
    end(&w);
    return ok ? answer_case(s, x, w.store, (int64_t)seq, 201) : watch_refuse(x, &e);
}

/* A change of a case that is there; `fill` checks it and adds its members. */
static enum http_next
change_case(struct server *s, struct exchange *x, const char *kind, const char *const *known,
            bool (*fill)(struct server *s, struct exchange *x, struct working *w, struct error *e))
{
    struct working w;
    struct error e;
    int64_t id, version;
    bool ok;

    if (!watch_id(x, x->parameter, "case", &id) || !begin(s, x, known, &w))
        return HTTP_ANSWERED;
    ok = member_text(&w.body->root, "note", CONTROL_NOTE_MAX, &w.by.note, &e) &&
         member_version(x, &w.body->root, &version, &e);
    if (ok && watch_change_begin(s->o.watch, &e)) {
        buffer_format(&w.data, "\"case\":%" PRId64, id);
        snprintf(w.subject, sizeof w.subject, "case/%" PRId64, id);
        w.by.kind = text_of(kind);
        w.by.subject = text_of(w.subject);
        ok = case_find(w.store, id, take_row, &w, &e);
        if (ok && version >= 0 && version != w.row.version)
            ok = error_set(&e, ERROR_CONFLICT,
                           "case %" PRId64 " is at version %" PRId64 ", not %" PRId64
                           ": read it again",
                           id, w.row.version, version);
        ok = ok && fill(s, x, &w, &e) &&
             watch_change(s->o.watch, &w.by, (struct text){w.data.bytes, w.data.length}, NULL, &e);
        watch_change_end(s->o.watch);
    } else {
        ok = false;
    }
    end(&w);
    if (ok)
        labeller_wake(s->o.labeller);
    return ok ? answer_case(s, x, w.store, id, 200) : watch_refuse(x, &e);
}

static bool is_open(const struct working *w, struct error *e)
{
    return w->row.state == CASE_OPEN ||
           error_set(e, ERROR_CONFLICT, "case %" PRId64 " is closed: reopen it first", w->row.id);
}

static bool fill_note(struct server *s, struct exchange *x, struct working *w, struct error *e)
{
    (void)s;
    (void)x;
    if (w->by.note.length == 0)
        return error_set(e, ERROR_INVALID, "note: expected 1 to %d bytes", CONTROL_NOTE_MAX);
    return w->row.note_bytes + (int64_t)w->by.note.length <= CASE_NOTES_BYTES ||
           error_set(e, ERROR_CONFLICT, "case %" PRId64 " has %d bytes of notes: open another",
                     w->row.id, CASE_NOTES_BYTES);
}

enum http_next note_case(struct server *s, struct exchange *x)
{
    static const char *const known[] = {"note", NULL};

    return change_case(s, x, "case.noted", known, fill_note);
}

static bool fill_assign(struct server *s, struct exchange *x, struct working *w, struct error *e)
{
    struct text to;

    (void)s;
    (void)x;
    if (!is_open(w, e) || !member_text(&w->body->root, "to", ACTOR_MAX - 8, &to, e))
        return false;
    if (to.length > 0 && !text_is_plain(to))
        return error_set(e, ERROR_INVALID, "to: expected a person, like user:ann");
    buffer_add_text(&w->data, ",\"to\":");
    if (text_is(to, "me")) {
        json_add_text(&w->data, text_of(w->me));
    } else if (to.length == 0 || memchr(to.bytes, ':', to.length) != NULL) {
        json_add_text(&w->data, to);
    } else {
        char person[ACTOR_MAX];

        snprintf(person, sizeof person, "user:%.*s", TEXT_ARG(to));
        json_add_text(&w->data, text_of(person));
    }
    return true;
}

enum http_next assign_case(struct server *s, struct exchange *x)
{
    static const char *const known[] = {"to", "version", "note", NULL};

    return change_case(s, x, "case.assigned", known, fill_assign);
}

static bool fill_add(struct server *s, struct exchange *x, struct working *w, struct error *e)
{
    struct linking l = {.s = s, .store = w->store, .data = &w->data, .e = e};

    (void)x;
    if (!is_open(w, e))
        return false;
    buffer_add_text(&w->data, ",\"to\":");
    json_add_text(&w->data, w->holder);
    return link_all(&l, &w->body->root, &w->row);
}

enum http_next add_to_case(struct server *s, struct exchange *x)
{
    static const char *const known[] = {"alerts", "decisions", "entities", "version", "note", NULL};

    return change_case(s, x, "case.added", known, fill_add);
}

static bool fill_dispose(struct server *s, struct exchange *x, struct working *w, struct error *e)
{
    enum disposition d;
    struct text word;

    (void)s;
    (void)x;
    if (!member_text(&w->body->root, "disposition", WATCH_TEXT_MAX, &word, e))
        return false;
    if (!disposition_find(word, &d))
        return error_set(e, ERROR_INVALID,
                         "disposition: expected confirmed_fraud, false_positive or inconclusive");
    buffer_format(&w->data, ",\"disposition\":\"%s\"", disposition_word(d));
    return true;
}

enum http_next dispose_case(struct server *s, struct exchange *x)
{
    static const char *const known[] = {"disposition", "version", "note", NULL};

    return change_case(s, x, "case.disposed", known, fill_dispose);
}

static bool fill_reopen(struct server *s, struct exchange *x, struct working *w, struct error *e)
{
    (void)s;
    (void)x;
    return w->row.state == CASE_CLOSED ||
           error_set(e, ERROR_CONFLICT, "case %" PRId64 " is open", w->row.id);
}

enum http_next reopen_case(struct server *s, struct exchange *x)
{
    static const char *const known[] = {"version", "note", NULL};

    return change_case(s, x, "case.reopened", known, fill_reopen);
}

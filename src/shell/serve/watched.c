#include "shell/serve/watched.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/base/calendar.h"
#include "core/base/memory.h"
#include "core/data/event.h"
#include "core/velocity/velocity.h"
#include "shell/run/unseal.h"
#include "shell/run/verdict.h"

bool watch_ready(struct server *s, struct exchange *x, struct store **store)
{
    struct error e;

    if (s->o.watch == NULL || s->o.project == NULL || s->o.access == NULL) {
        problem_answer(x, 503, "this server keeps no alerts and cases");
        return false;
    }
    if (seat_store(s, seat_get(s), store, &e))
        return true;
    problem_answer(x, 503, "%s", e.text);
    return false;
}

bool watch_id(struct exchange *x, struct text id, const char *what, int64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < id.length && id.length <= 18; i++) {
        if (id.bytes[i] < '0' || id.bytes[i] > '9') {
            *number = 0;
            break;
        }
        *number = *number * 10 + (id.bytes[i] - '0');
    }
    if (*number > 0)
        return true;
    problem_answer(x, 404, "there is no %s of this id", what);
    return false;
}

enum http_next watch_refuse(struct exchange *x, const struct error *e)
{
    char words[ERROR_TEXT_MAX];

    snprintf(words, sizeof words, "%s", e->text);
    buffer_clear(&x->answer);
    problem_answer(x, e->kind == ERROR_USAGE ? 400 : error_http_status(e), "%s", words);
    return HTTP_ANSWERED;
}

/* ---- queries ---- */

bool query_words(struct exchange *x, const char *name, struct text *value)
{
    const char *word = exchange_query(x, name);

    *value = text_of(word != NULL ? word : "");
    if (word == NULL ||
        (value->length > 0 && value->length <= WATCH_TEXT_MAX && text_is_utf8(*value)))
        return true;
    problem_answer(x, 400, "query parameter %s: expected 1 to %d bytes of text", name,
                   WATCH_TEXT_MAX);
    return false;
}

void caller_words(struct exchange *x, char me[ACTOR_MAX])
{
    struct control_actor a = caller_actor(&x->caller);

    actor_format(&a, me);
}

void query_person(struct exchange *x, struct text *value, char me[ACTOR_MAX])
{
    if (!text_is(*value, "me"))
        return;
    caller_words(x, me);
    *value = text_of(me);
}

/* ---- bodies ---- */

bool member_text(const struct json *object, const char *key, size_t most, struct text *value,
                 struct error *e)
{
    const struct json *v = json_get(object, key);

    *value = text_of("");
    if (v == NULL || v->kind == JSON_NULL)
        return true;
    if (v->kind != JSON_TEXT || v->text.length > most ||
        (v->text.length > 0 && memchr(v->text.bytes, 0, v->text.length) != NULL))
        return error_set(e, ERROR_INVALID, "%s: expected a text of at most %zu bytes", key, most);
    *value = v->text;
    return true;
}

bool member_version(struct exchange *x, const struct json *object, int64_t *version,
                    struct error *e)
{
    const struct json *v = json_get(object, "version");
    const char *tag = exchange_header(x, "If-Match");
    struct text t = text_of(tag != NULL ? tag : "");

    *version = -1;
    if (v != NULL) {
        if (v->kind != JSON_INT || v->integer < 0)
            return error_set(e, ERROR_INVALID, "version: expected the whole number that was read");
        *version = v->integer;
    } else if (tag != NULL && !text_is(t, "*")) {
        *version = 0;
        for (size_t i = 0; i < t.length; i++) {
            bool is_quote = t.bytes[i] == '"' && (i == 0 || i == t.length - 1);

            if (!is_quote && (t.bytes[i] < '0' || t.bytes[i] > '9' || t.length > 18))
                return error_set(e, ERROR_CONFLICT,
                                 "If-Match: it is not as it was when it was read: read it again");
            if (!is_quote)
                *version = *version * 10 + (t.bytes[i] - '0');
        }
    }
    return true;
}

void answer_version(struct exchange *x, int64_t version)
{
    char tag[32];

    snprintf(tag, sizeof tag, "\"%" PRId64 "\"", version);
    exchange_add_header(x, "ETag", tag);
}

/* ---- answers ---- */

void add_words(struct buffer *out, const char *key, struct text t)
{
    buffer_format(out, ",\"%s\":", key);
    if (t.length > 0)
        json_add_text(out, t);
    else
        buffer_add_text(out, "null");
}

enum http_next answer_page(struct server *s, struct exchange *x, const char *next)
{
    struct project_status project;

    add_words(&x->answer, "next", text_of(next));
    project_status(s->o.project, &project);
    buffer_format(&x->answer, ",\"store_lag\":%" PRIu64 "}\n", project.lag);
    x->status = 200;
    return HTTP_ANSWERED;
}

void add_when(struct buffer *out, const char *key, int64_t us)
{
    char time[TIME_TEXT_MAX];

    if (us != 0)
        time_format(us, time);
    add_words(out, key, text_of(us != 0 ? time : ""));
}

void add_id(struct buffer *out, const char *key, int64_t id)
{
    if (id != 0)
        buffer_format(out, ",\"%s\":\"%" PRId64 "\"", key, id);
    else
        buffer_format(out, ",\"%s\":null", key);
}

static void add_amount(struct buffer *out, bool has, int64_t amount)
{
    struct value v = {.type = TYPE_DECIMAL, .is_null = !has, .integer = amount};

    buffer_add_text(out, ",\"amount\":");
    json_add_value(out, &v);
}

/* ---- from the log ---- */

struct looked {
    struct buffer bytes;
    struct record record;
    struct event_body body;
    struct plan *plan;
    struct frame event;
    struct unseal unseal;
    bool has_frame;
};

static bool look(struct server *s, uint64_t seq, struct looked *l, struct error *e)
{
    struct plans *plans = shard_plans(s->o.shard);
    struct reader in;
    bool is_erased;

    *l = (struct looked){0};
    buffer_init(&l->bytes, LOG_BODY_MAX + LOG_OVERHEAD_BYTES);
    if (!log_read(shard_log(s->o.shard), seq, &l->bytes, &l->record, e) ||
        !event_body_parse(l->record.body, &l->body, e) ||
        !plans_get(plans, l->record.plan, &l->plan, e))
        return false;
    frame_init(&l->event, plan_schema(l->plan), 1, LOG_BODY_MAX);
    unseal_init(&l->unseal, plans);
    l->has_frame = true;
    reader_init(&in, l->body.event.bytes, l->body.event.length);
    return event_decode(&in, plan_schema(l->plan), &l->event, e) &&
           unseal_add(&l->unseal, &l->record, plan_schema(l->plan), &l->event, &is_erased, e);
}

static void looked_fini(struct looked *l)
{
    if (l->has_frame) {
        frame_fini(&l->event);
        unseal_fini(&l->unseal);
    }
    plan_unref(l->plan);
    buffer_fini(&l->bytes);
}

void add_entity(struct server *s, struct text kind, uint64_t seq, struct buffer *out)
{
    struct looked l;
    struct error ignored;
    int field = FIELD_NONE;
    struct value v = {.is_null = true};

    if (kind.length == 0) {
        buffer_add_text(out, "null");
        return;
    }
    if (look(s, seq, &l, &ignored)) {
        int entity = plan_entity_find(l.plan, kind);

        if (entity >= 0)
            field = program_field(plan_program(l.plan), plan_entity_node(l.plan, (uint32_t)entity));
        if (field != FIELD_NONE)
            v = column_get(&l.event.column[field], 0);
    }
    buffer_add_text(out, "{\"kind\":");
    json_add_text(out, kind);
    buffer_add_text(out, ",\"id\":");
    if (v.is_null) {
        buffer_add_text(out, "null");
    } else if (v.type == TYPE_TEXT) {
        json_add_text(out, v.text);
    } else { /* as the path of an entity takes it */
        struct buffer words;

        buffer_init(&words, TEXT_MAX);
        json_add_value(&words, &v);
        if (words.length > 0 && words.bytes[0] == '"')
            buffer_add_slice(out, (struct text){words.bytes, words.length});
        else
            json_add_text(out, (struct text){words.bytes, words.length});
        buffer_fini(&words);
    }
    buffer_add_char(out, '}');
    looked_fini(&l);
}

void alert_format(struct server *s, const struct alert_row *a, struct buffer *out)
{
    buffer_format(out, "{\"id\":\"%" PRId64 "\",\"name\":", a->id);
    json_add_text(out, a->name);
    add_words(out, "queue", a->queue);
    buffer_add_text(out, ",\"entity\":");
    add_entity(s, a->kind, (uint64_t)a->last_seq, out);
    buffer_format(out, ",\"state\":\"%s\"", alert_state_word(a->state));
    add_when(out, "snoozed_until", a->state == ALERT_SNOOZED ? a->snoozed_us : 0);
    add_words(out, "assignee", a->assignee);
    add_words(out, "disposition",
              text_of(a->disposition != DISPOSITION_NONE ? disposition_word(a->disposition) : ""));
    add_id(out, "case", a->case_id);
    buffer_format(out,
                  ",\"version\":%" PRId64 ",\"hits\":%" PRId64 ",\"score\":%" PRId64
                  ",\"priority\":%" PRId64,
                  a->version, a->decisions, a->score, a->priority);
    add_amount(out, a->has_amount, a->amount);
    verdict_add_time(out, "first", a->first_us);
    verdict_add_time(out, "last", a->last_us);
    verdict_add_time(out, "raised", a->raised_us);
    verdict_add_time(out, "hit", a->hit_us);
    add_words(out, "event", a->event_id);
    add_words(out, "outcome", a->outcome);
    buffer_add_text(out, ",\"rules\":");
    buffer_add_slice(out, a->rules.length > 0 ? a->rules : text_of("[]"));
    add_when(out, "closed", a->closed_us);
    add_words(out, "closed_by", a->closed_by);
}

void case_format(const struct case_row *c, struct buffer *out)
{
    buffer_format(out, "{\"id\":\"%" PRId64 "\",\"title\":", c->id);
    json_add_text(out, c->title);
    buffer_format(out, ",\"state\":\"%s\"", case_state_word(c->state));
    add_words(out, "disposition",
              text_of(c->disposition != DISPOSITION_NONE ? disposition_word(c->disposition) : ""));
    add_words(out, "assignee", c->assignee);
    buffer_format(out, ",\"version\":%" PRId64, c->version);
    verdict_add_time(out, "opened", c->opened_us);
    add_words(out, "opened_by", c->opened_by);
    verdict_add_time(out, "changed", c->changed_us);
    add_when(out, "closed", c->closed_us);
    buffer_format(out, ",\"alert_count\":%" PRId64, c->alerts);
}

void add_member(const struct member_row *m, struct store *store, struct buffer *out)
{
    uint8_t label = LABEL_UNKNOWN;
    struct error ignored;

    if (!store_label_of(store, m->seq, &label, &ignored))
        label = LABEL_UNKNOWN;
    buffer_add_text(out, "{\"id\":");
    json_add_text(out, m->event_id);
    buffer_format(out, ",\"seq\":%" PRIu64, m->seq);
    add_when(out, "time", m->time_us);
    buffer_format(out, ",\"score\":%" PRId64, m->score);
    add_words(out, "outcome", m->outcome);
    add_amount(out, m->has_amount, m->amount);
    verdict_add_label(out, label);
    buffer_add_char(out, '}');
}

void add_entry(const struct entry_row *r, struct buffer *out)
{
    buffer_format(out, "{\"seq\":%" PRIu64, r->seq);
    verdict_add_time(out, "at", r->at_us);
    add_words(out, "by", r->actor);
    add_words(out, "by_name", r->name);
    add_words(out, "change", r->what);
    add_words(out, "note", r->note);
    buffer_add_text(out, ",\"data\":");
    buffer_add_slice(out, r->data.length > 0 ? r->data : text_of("{}"));
    buffer_add_char(out, '}');
}

bool decision_seq(struct server *s, struct store *store, struct text id, uint64_t *seq)
{
    struct error ignored;

    return id.length > 0 && id.length <= SHARD_ID_MAX &&
           (find_in_shard(s, id, seq) || store_find(store, id, seq, &ignored));
}

/* GET /v1/entities/{kind}/{id}: what an entity's features are now, the lists that it is on, and its
 * decisions; and which others stand in them (linked.h).
 *
 * Now is the newest event's time. The features are read as an event of the entity at that time
 * would read them, which has the entity's key, that time and nothing else; it is a dry run, so it
 * counts itself and leaves nothing. Kinds of entity are those that the plan has features over.
 */
#include <stdio.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/data/event.h"
#include "shell/os/clock.h"
#include "shell/run/entity_key.h"
#include "shell/serve/desk.h"
#include "shell/serve/linked.h"
#include "shell/serve/row.h"
#include "shell/store/tokens.h"

enum { LIMIT_USUAL = 50, FEATURES_BYTES_MAX = 4 << 20, ATTEMPTS = 3, STALE_WAIT_US = 1000 };

struct looking {
    struct entity_kind kind;
    char kind_name[FIELD_NAME_MAX]; /* the plan may go while its decisions are read */
    struct text id;                 /* as it was asked for */
    struct buffer key;              /* in its shortest words */
    struct buffer event;
    int64_t entity; /* its number in the store */
    int64_t now_us; /* INT64_MIN: there was no event */
    struct buffer features, lists;
};

static bool find_kind(const struct plan *p, struct exchange *x, struct looking *found)
{
    struct entity_kind kind[ENTITY_KINDS_MAX];
    uint32_t count = entity_kinds(p, kind);
    struct buffer known;

    for (uint32_t i = 0; i < count; i++) {
        if (text_is(x->name, kind[i].name)) {
            found->kind = kind[i];
            snprintf(found->kind_name, sizeof found->kind_name, "%s", kind[i].name);
            return true;
        }
    }
    buffer_init(&known, ERROR_TEXT_MAX / 2);
    for (uint32_t i = 0; i < count; i++)
        buffer_format(&known, "%s%s", i > 0 ? ", " : "; there are: ", kind[i].name);
    problem_answer(x, 404, "no such kind of entity with features and one field as its key%s",
                   count > 0 ? buffer_text(&known) : "");
    buffer_fini(&known);
    return false;
}

/* The kind of event that has the field: one that is decided, if there is one. */
static int kind_with(const struct schema *s, int field)
{
    int found = KIND_NONE;

    for (uint32_t k = 0; s->kind != FIELD_NONE && k < s->kind_count; k++) {
        if (schema_has(s, (int)k, field) && (found == KIND_NONE || s->kinds[k].is_decided))
            found = (int)k;
    }
    return found;
}

/* An event of the entity, as a caller would send it. */
static void event_json(const struct schema *s, const struct looking *l, struct buffer *out)
{
    int kind = kind_with(s, l->kind.field);
    char time[TIME_TEXT_MAX];

    buffer_add_char(out, '{');
    json_add_text(out, text_of(schema_name_of(s, kind, l->kind.field)));
    buffer_add_char(out, ':');
    json_add_text(out, l->id);
    if (kind != KIND_NONE) {
        buffer_add_text(out, ",\"" KIND_FIELD "\":");
        json_add_text(out, text_of(s->kinds[kind].name));
    }
    if (s->time != FIELD_NONE && s->time != l->kind.field) {
        buffer_add_char(out, ',');
        json_add_text(out, text_of(schema_name_of(s, kind, s->time)));
        time_format(l->now_us, time);
        buffer_format(out, ":\"%s\"", time);
    }
    buffer_add_char(out, '}');
}

/* False: the id is no value of the key's field; the exchange has the answer. */
static bool make_event(struct seat *seat, struct exchange *x, struct looking *l)
{
    const struct schema *schema = plan_schema(seat->plan);
    struct buffer json;
    struct error e;
    bool ok;

    buffer_init(&json, 8 * TEXT_MAX);
    event_json(schema, l, &json);
    frame_clear(&seat->event);
    seat->problems.count = seat->problems.more = 0;
    ok = json_read_event(seat->json, json.bytes, json.length, schema, JSON_UNKNOWN_REFUSE,
                         &seat->event, &seat->problems);
    buffer_fini(&json);
    if (!ok) {
        problem_answer(x, 422, "the id in the path: %s", seat->problems.items[0].detail);
        return false;
    }
    lookups_fill(seat->lookups, schema, clock_now_us(), &seat->event, 0, 1);
    buffer_clear(&l->key);
    buffer_clear(&l->event);
    event_encode(&l->event, schema, &seat->event, 0);
    if (entity_key_text(&seat->event.column[l->kind.field], 0, &l->key) &&
        token_of_name(seat->plan, text_of(l->kind_name), (struct text){l->key.bytes, l->key.length},
                      &l->entity, &e))
        return true;
    problem_answer(x, 422, "the id in the path is no value of the field %s",
                   schema->fields[l->kind.field].name);
    return false;
}

static bool ask(struct server *s, struct exchange *x, const struct seat *seat, struct looking *l,
                bool *is_stale)
{
    struct entity_request q = {.kind = l->kind_name,
                               .key = {l->key.bytes, l->key.length},
                               .features = &l->features,
                               .lists = &l->lists};
    struct errand errand = {.submission = {.kind = SUBMIT_ENTITY,
                                           .event = {l->event.bytes, l->event.length},
                                           .received_us = clock_now_us(),
                                           .fields = seat->fields,
                                           .entity = &q}};
    struct bell bell;
    bool was_sent;

    buffer_clear(&l->features);
    buffer_clear(&l->lists);
    bell_init(&bell);
    was_sent = errand_send(s, &errand, &bell);
    if (was_sent)
        errand_wait(&errand);
    bell_fini(&bell);
    *is_stale = was_sent && errand.submission.status == SUBMIT_STALE;
    if (!was_sent)
        server_refuse(s, x);
    else if (errand.submission.status != SUBMIT_DONE && !*is_stale)
        problem_answer(x, submission_http_status(&errand.submission), "%s",
                       errand.submission.error);
    return was_sent && errand.submission.status == SUBMIT_DONE;
}

/* A plan that comes into force meanwhile has other fields: all is read again by that one. */
static bool look(struct server *s, struct exchange *x, struct looking *l)
{
    struct shard_status status;
    bool is_stale = false;

    for (int i = 0; i < ATTEMPTS; i++) {
        struct seat *seat = seat_get(s);

        shard_status(s->o.shard, &status);
        l->now_us = status.watermark_us;
        if (!find_kind(seat->plan, x, l))
            return false;
        if (l->now_us == INT64_MIN)
            l->now_us = clock_now_us();
        if (!make_event(seat, x, l))
            return false;
        if (ask(s, x, seat, l, &is_stale)) {
            l->now_us = status.watermark_us;
            return true;
        }
        if (!is_stale)
            return false;
        clock_sleep_us(STALE_WAIT_US);
    }
    problem_answer(x, 503, "the plan is being changed; ask again");
    return false;
}

static void add_head(const struct looking *l, struct buffer *out)
{
    char time[TIME_TEXT_MAX];

    buffer_add_text(out, "{\"kind\":");
    json_add_text(out, text_of(l->kind_name));
    buffer_add_text(out, ",\"id\":");
    json_add_text(out, (struct text){l->key.bytes, l->key.length});
    buffer_add_text(out, ",\"as_of\":");
    if (l->now_us == INT64_MIN) {
        buffer_add_text(out, "null");
    } else {
        time_format(l->now_us, time);
        buffer_format(out, "\"%s\"", time);
    }
    buffer_add_text(out, ",\"features\":");
    buffer_add(out, l->features.bytes, l->features.length);
    buffer_add_text(out, ",\"lists\":");
    buffer_add(out, l->lists.bytes, l->lists.length);
    buffer_add_char(out, ',');
}

static void answer(struct server *s, struct exchange *x, const struct looking *l)
{
    const char *cursor = exchange_query(x, "cursor");
    int64_t limit = LIMIT_USUAL;
    struct store_query q = store_query_all(LIMIT_USUAL);
    struct store *store;
    struct error e;

    q.entity = l->entity;
    q.cursor = text_of(cursor != NULL ? cursor : "");
    if (!query_int(x, "limit", 1, STORE_LIMIT_MAX, &limit))
        return;
    q.limit = (uint32_t)limit;
    add_head(l, &x->answer);
    if (!rows_answer(s, x, &q))
        return;
    buffer_add_char(&x->answer, ',');
    if (!seat_store(s, seat_get(s), &store, &e) ||
        !linked_add(s, store, l->entity, l->kind_name, (struct text){l->key.bytes, l->key.length},
                    &x->answer, &e)) {
        problem_answer(x, 503, "%s", e.text);
        return;
    }
    buffer_add_text(&x->answer, "}\n");
    x->status = 200;
}

enum http_next show_entity(struct server *s, struct exchange *x)
{
    struct looking l = {.id = x->parameter};

    buffer_init(&l.key, TEXT_MAX);
    buffer_init(&l.event, SHARD_EVENT_MAX);
    buffer_init(&l.features, FEATURES_BYTES_MAX);
    buffer_init(&l.lists, FEATURES_BYTES_MAX);
    if (x->parameter.length > TEXT_MAX)
        problem_answer(x, 422, "the id in the path is over %d bytes", TEXT_MAX);
    else if (look(s, x, &l))
        answer(s, x, &l);
    buffer_fini(&l.key);
    buffer_fini(&l.event);
    buffer_fini(&l.features);
    buffer_fini(&l.lists);
    return HTTP_ANSWERED;
}

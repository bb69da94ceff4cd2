#include "shell/serve/linked.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/calendar.h"
#include "core/base/memory.h"
#include "core/data/event.h"
#include "shell/run/body.h"
#include "shell/run/entity_key.h"
#include "shell/run/unseal.h"

enum { FOUND_MAX = LINKED_DECISIONS_MAX * ENTITY_KINDS_MAX };

struct found {
    char kind[FIELD_NAME_MAX];
    struct text key; /* in `words` */
    uint32_t decisions, flagged;
    int64_t newest_us;
};

struct linking {
    struct server *server;
    const char *kind; /* of the entity itself, which is not linked to itself */
    struct text key;
    struct found *found;
    uint32_t count;
    struct arena words;
    uint32_t plan_number; /* 0: none yet */
    struct plan *plan;
    struct entity_kind kinds[ENTITY_KINDS_MAX];
    uint32_t kind_count;
    struct frame event;
    struct unseal unseal;
    struct buffer bytes, text;
};

static void drop_plan(struct linking *l)
{
    if (l->plan == NULL)
        return;
    frame_fini(&l->event);
    plan_unref(l->plan);
    l->plan = NULL;
}

static bool take_plan(struct linking *l, uint32_t number, struct error *e)
{
    if (l->plan != NULL && l->plan_number == number)
        return true;
    drop_plan(l);
    if (!plans_get(shard_plans(l->server->o.shard), number, &l->plan, e))
        return false;
    l->plan_number = number;
    l->kind_count = entity_kinds(l->plan, l->kinds);
    frame_init(&l->event, plan_schema(l->plan), 1, LOG_BODY_MAX);
    return true;
}

static struct found *find(struct linking *l, const char *kind, struct text key)
{
    struct found *f;

    for (uint32_t i = 0; i < l->count; i++) {
        if (strcmp(l->found[i].kind, kind) == 0 && text_equal(l->found[i].key, key))
            return &l->found[i];
    }
    f = &l->found[l->count];
    *f = (struct found){.newest_us = INT64_MIN};
    snprintf(f->kind, sizeof f->kind, "%s", kind);
    f->key.bytes = arena_text(&l->words, key.bytes, key.length);
    f->key.length = key.length;
    if (f->key.bytes == NULL)
        return NULL;
    l->count++;
    return f;
}

static void count_keys(struct linking *l, int64_t time_us, bool is_flagged)
{
    for (uint32_t i = 0; i < l->kind_count; i++) {
        struct found *f;
        struct text key;

        buffer_clear(&l->text);
        if (!entity_key_text(&l->event.column[l->kinds[i].field], 0, &l->text))
            continue;
        key = (struct text){l->text.bytes, l->text.length};
        if (strcmp(l->kinds[i].name, l->kind) == 0 && text_equal(key, l->key))
            continue;
        f = find(l, l->kinds[i].name, key);
        if (f == NULL)
            return;
        f->decisions++;
        f->flagged += is_flagged;
        f->newest_us = time_us > f->newest_us ? time_us : f->newest_us;
    }
}

static bool read_one(struct linking *l, uint64_t seq, struct error *e)
{
    const struct schema *schema;
    struct event_body body;
    struct decision d;
    struct reader in;
    struct record r;
    bool is_erased;
    int64_t time_us;

    if (!log_read(shard_log(l->server->o.shard), seq, &l->bytes, &r, e) ||
        !event_body_parse(r.body, &body, e) || !take_plan(l, r.plan, e))
        return false;
    schema = plan_schema(l->plan);
    frame_clear(&l->event);
    reader_init(&in, body.event.bytes, body.event.length);
    if (!event_decode(&in, schema, &l->event, e) ||
        !unseal_add(&l->unseal, &r, schema, &l->event, &is_erased, e))
        return false;
    reader_init(&in, body.decision.bytes, body.decision.length);
    if (!decision_parse(&in, l->plan, &d, e))
        return false;
    time_us = schema->time == FIELD_NONE || l->event.column[schema->time].null[0]
                  ? r.received_us
                  : l->event.column[schema->time].integer[0];
    count_keys(l, time_us, d.outcome > 0);
    return true;
}

/* Most decisions first, then the newest, then by name. */
static int by_decisions(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    int order;

    if (x->decisions != y->decisions)
        return x->decisions < y->decisions ? 1 : -1;
    if (x->newest_us != y->newest_us)
        return x->newest_us < y->newest_us ? 1 : -1;
    order = strcmp(x->kind, y->kind);
    return order != 0 ? order : text_compare(x->key, y->key);
}

static void write_all(struct linking *l, struct buffer *out)
{
    qsort(l->found, l->count, sizeof *l->found, by_decisions);
    buffer_add_text(out, "\"linked\":[");
    for (uint32_t i = 0; i < l->count && i < LINKED_MAX; i++) {
        const struct found *f = &l->found[i];
        char time[TIME_TEXT_MAX];

        time_format(f->newest_us, time);
        buffer_add_text(out, i > 0 ? ",{\"kind\":" : "{\"kind\":");
        json_add_text(out, text_of(f->kind));
        buffer_add_text(out, ",\"key\":");
        json_add_text(out, f->key);
        buffer_format(out, ",\"decisions\":%u,\"flagged\":%u,\"newest\":\"%s\"}", f->decisions,
                      f->flagged, time);
    }
    buffer_add_char(out, ']');
}

bool linked_add(struct server *s, struct store *store, int64_t entity, const char *kind,
                struct text key, struct buffer *out, struct error *e)
{
    struct linking l = {.server = s, .kind = kind, .key = key};
    uint64_t seq[LINKED_DECISIONS_MAX];
    struct error ignored;
    uint32_t found;

    if (!store_entity_decisions(store, entity, UINT64_MAX, seq, LINKED_DECISIONS_MAX, &found, e))
        return false;
    l.found = mem_array(FOUND_MAX, sizeof *l.found);
    arena_init(&l.words, (size_t)FOUND_MAX * TEXT_MAX / 8);
    buffer_init(&l.bytes, LOG_BODY_MAX * 2);
    buffer_init(&l.text, TEXT_MAX + 64);
    unseal_init(&l.unseal, shard_plans(s->o.shard));
    for (uint32_t i = 0; i < found; i++) {
        if (!read_one(&l, seq[i], &ignored))
            continue;
    }
    write_all(&l, out);
    drop_plan(&l);
    unseal_fini(&l.unseal);
    buffer_fini(&l.bytes);
    buffer_fini(&l.text);
    arena_fini(&l.words);
    mem_free(l.found);
    return true;
}

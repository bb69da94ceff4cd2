#include "shell/serve/incoming.h"

#include "core/data/event.h"
#include "shell/run/event_id.h"

/* JSON pointer of a field (RFC 6901): '~' and '/' are escaped. */
static void pointer_of(const char *name, char out[FIELD_NAME_MAX + 2])
{
    size_t at = 0;

    out[at++] = '/';
    for (; *name != 0 && at < FIELD_NAME_MAX - 1; name++) {
        if (*name == '~' || *name == '/') {
            out[at++] = '~';
            out[at++] = *name == '~' ? '0' : '1';
        } else {
            out[at++] = *name;
        }
    }
    out[at] = 0;
}

static void field_problem(struct seat *seat, const struct schema *schema, int field,
                          const char *words)
{
    char pointer[FIELD_NAME_MAX + 2];
    int kind = frame_kind(&seat->event, 0, schema);

    pointer_of(schema_name_of(schema, kind, field), pointer);
    problems_add(&seat->problems, pointer, "%s", words);
}

/* A missing time is not filled in with the time of receipt: the same event sent again must have the
 * same bytes, or it would contradict itself. */
static bool take_time(struct seat *seat, const struct schema *schema, int64_t received_us,
                      int64_t *time_us)
{
    if (schema->time == FIELD_NONE) {
        *time_us = received_us;
        return true;
    }
    if (seat->event.column[schema->time].null[0]) {
        field_problem(seat, schema, schema->time, "missing: every event has its time");
        return false;
    }
    *time_us = seat->event.column[schema->time].integer[0];
    return true;
}

static void make_id(struct seat *seat, const struct incoming_key *key, int64_t received_us)
{
    char made[EVENT_ID_NEW];

    if (key->key.length == 0) {
        event_id_new(received_us, made);
        buffer_add_text(&seat->encoded, made);
        return;
    }
    buffer_add_text(&seat->encoded, "key:");
    buffer_add_slice(&seat->encoded, key->key);
    if (key->line > 0)
        buffer_format(&seat->encoded, ":%llu", (unsigned long long)key->line);
}

static bool take_id(struct seat *seat, const struct schema *schema, const struct incoming_key *key,
                    int64_t received_us, size_t *length)
{
    if (!event_id_text(schema, &seat->event, 0, &seat->encoded))
        make_id(seat, key, received_us);
    *length = seat->encoded.length;
    if (*length <= SHARD_ID_MAX)
        return true;
    field_problem(seat, schema, schema->id, "longer than 256 bytes");
    return false;
}

/* What the plan's checks refuse is not taken. */
static bool is_valid(struct seat *seat)
{
    const struct validation *v = plan_validation(seat->plan);
    struct buffer words;
    uint16_t failed;
    int field;

    if (v == NULL || validation_run(v, seat->bench, &seat->event, 0, 1, &failed) == 0)
        return true;
    buffer_init(&words, ERROR_TEXT_MAX + LANG_TEXT_MAX);
    validation_words(v, failed, &words);
    field = validation_field(v, failed);
    if (field != FIELD_NONE)
        field_problem(seat, plan_schema(seat->plan), field, buffer_text(&words));
    else
        problems_add(&seat->problems, "/", "%s", buffer_text(&words));
    buffer_fini(&words);
    return false;
}

bool incoming_read(struct seat *seat, struct text json, const struct incoming_key *key,
                   int64_t received_us, struct incoming *in)
{
    const struct schema *schema = plan_schema(seat->plan);
    size_t id_length;

    frame_clear(&seat->event);
    buffer_clear(&seat->encoded);
    seat->problems.count = 0;
    seat->problems.more = 0;
    if (!json_read_event(seat->json, json.bytes, json.length, schema, JSON_UNKNOWN_REFUSE,
                         &seat->event, &seat->problems) ||
        !take_time(seat, schema, received_us, &in->time_us) ||
        !take_id(seat, schema, key, received_us, &id_length))
        return false;
    lookups_fill(seat->lookups, schema, received_us, &seat->event, 0, 1);
    if (!is_valid(seat))
        return false;
    event_encode(&seat->encoded, schema, &seat->event, 0);
    if (seat->encoded.overflow || seat->encoded.length - id_length > SHARD_EVENT_MAX) {
        problems_add(&seat->problems, "", "the event is over %d bytes", SHARD_EVENT_MAX);
        return false;
    }
    in->id = (struct text){seat->encoded.bytes, id_length};
    in->event = (struct text){seat->encoded.bytes + id_length, seat->encoded.length - id_length};
    return true;
}

#include "shell/stream/intake.h"

#include "core/data/event.h"
#include "shell/run/event_id.h"

struct intake *intake_new(const struct plan *p, const struct lookups *l, enum json_unknown unknown)
{
    struct intake *in = mem_alloc(sizeof *in);

    in->plan = p;
    in->lookups = l;
    in->unknown = unknown;
    in->json = json_reader_new();
    frame_init(&in->frame, plan_schema(p), INTAKE_ROWS, INTAKE_TEXT_MAX);
    if (plan_validation(p) != NULL)
        in->bench = validation_bench_new(plan_validation(p), INTAKE_ROWS);
    buffer_init(&in->ids, (INTAKE_ROWS + 1) * (INTAKE_EVENT_MAX >> 4));
    buffer_init(&in->encoded, 2 * INTAKE_EVENT_MAX);
    buffer_init(&in->open, 2 * INTAKE_EVENT_MAX);
    buffer_init(&in->personal, 2 * INTAKE_EVENT_MAX);
    buffer_init(&in->words, 64 << 10);
    return in;
}

void intake_free(struct intake *in)
{
    if (in == NULL)
        return;
    frame_fini(&in->frame);
    json_reader_free(in->json);
    validation_bench_free(in->bench);
    buffer_fini(&in->ids);
    buffer_fini(&in->encoded);
    buffer_fini(&in->open);
    buffer_fini(&in->personal);
    buffer_fini(&in->words);
    mem_free(in);
}

void intake_clear(struct intake *in)
{
    frame_clear(&in->frame);
    buffer_clear(&in->ids);
    in->taken = 0;
}

bool intake_is_full(const struct intake *in)
{
    return in->frame.rows == INTAKE_ROWS || in->taken > INTAKE_TAKEN_MAX;
}

struct text intake_id(const struct intake *in, uint32_t row)
{
    return (struct text){in->ids.bytes + in->row[row].id_at, in->row[row].id_bytes};
}

static bool refuse(struct intake *in, const char *words)
{
    buffer_clear(&in->words);
    buffer_add_text(&in->words, words);
    return false;
}

static bool refuse_problems(struct intake *in)
{
    buffer_clear(&in->words);
    for (uint32_t i = 0; i < in->problems.count; i++) {
        const struct problem *p = &in->problems.items[i];

        buffer_format(&in->words, "%s%s%s%s", i > 0 ? "; " : "", p->pointer,
                      p->pointer[0] != 0 ? ": " : "", p->detail);
    }
    return false;
}

static bool take_time(struct intake *in, uint32_t at, struct intake_row *row)
{
    const struct schema *s = plan_schema(in->plan);

    if (s->time == FIELD_NONE) {
        row->time_us = row->received_us;
        return true;
    }
    if (in->frame.column[s->time].null[at]) {
        buffer_clear(&in->words);
        buffer_format(&in->words, "/%s: missing: every event has its time",
                      schema_name_of(s, frame_kind(&in->frame, at, s), s->time));
        return false;
    }
    row->time_us = in->frame.column[s->time].integer[at];
    if (row->received_us == 0)
        row->received_us = row->time_us;
    return true;
}

static bool take_id(struct intake *in, uint32_t at, const struct intake_message *m,
                    struct intake_row *row)
{
    row->has_own_id = event_id_text(plan_schema(in->plan), &in->frame, at, &in->ids);
    if (!row->has_own_id)
        buffer_format(&in->ids, "%s-%d-%llu", m->topic, m->partition,
                      (unsigned long long)m->seq - 1);
    row->id_bytes = in->ids.length - row->id_at;
    return (row->id_bytes <= INTAKE_ID_MAX && !in->ids.overflow) ||
           refuse(in, "its id is longer than 256 bytes");
}

static bool is_valid(struct intake *in, uint32_t at)
{
    const struct validation *v = plan_validation(in->plan);
    uint16_t failed;

    if (v == NULL || validation_run(v, in->bench, &in->frame, at, 1, &failed) == 0)
        return true;
    buffer_clear(&in->words);
    validation_words(v, failed, &in->words);
    return false;
}

static bool encode(struct intake *in, uint32_t at, struct intake_row *row)
{
    const struct schema *s = plan_schema(in->plan);

    buffer_clear(&in->encoded);
    event_encode(&in->encoded, s, &in->frame, at);
    if (in->encoded.overflow || in->encoded.length > INTAKE_EVENT_MAX)
        return refuse(in, "the event is over 1 MiB");
    if (!schema_has_personal(s)) {
        row->body = event_body_hash(s, (struct text){in->encoded.bytes, in->encoded.length});
        return true;
    }
    /* no snapshot may hold what depends on a personal value */
    buffer_clear(&in->open);
    buffer_clear(&in->personal);
    if (!event_split(s, (struct text){in->encoded.bytes, in->encoded.length}, &in->open,
                     &in->personal))
        return refuse(in, "the event cannot be parted");
    row->body = event_body_hash(s, (struct text){in->open.bytes, in->open.length});
    return true;
}

static bool read_row(struct intake *in, const struct intake_message *m, uint32_t at)
{
    struct intake_row *row = &in->row[at];

    *row = (struct intake_row){
        .seq = m->seq, .received_us = m->received_us, .id_at = in->ids.length, .key = m->key};
    if (!take_time(in, at, row) || !take_id(in, at, m, row))
        return false;
    lookups_fill(in->lookups, plan_schema(in->plan), row->received_us, &in->frame, at, 1);
    return is_valid(in, at) && encode(in, at, row);
}

bool intake_read(struct intake *in, const struct intake_message *m)
{
    uint32_t at = in->frame.rows;

    in->problems.count = 0;
    in->problems.more = 0;
    if (m->value.bytes == NULL)
        return refuse(in, "the message has no value");
    if (m->value.length > INTAKE_VALUE_MAX)
        return refuse(in, "the message is over 8 MiB");
    if (m->key.length > INTAKE_KEY_MAX)
        return refuse(in, "its key is over 512 KiB");
    in->taken += m->value.length;
    if (!json_read_event(in->json, m->value.bytes, m->value.length, plan_schema(in->plan),
                         in->unknown, &in->frame, &in->problems))
        return refuse_problems(in);
    if (read_row(in, m, at))
        return true;
    in->frame.rows = at;
    in->ids.length = in->row[at].id_at;
    return false;
}

void intake_drop(struct intake *in)
{
    in->frame.rows--;
    in->ids.length = in->row[in->frame.rows].id_at;
}

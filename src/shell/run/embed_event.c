/* The embedding API: events and labels. */
#include <string.h>

#include "core/base/calendar.h"
#include "core/data/event.h"
#include "shell/os/clock.h"
#include "shell/run/embed_inside.h"
#include "shell/run/event_id.h"
#include "shell/run/verdict.h"

enum { ID_MAX = 256, EVENT_MAX = 1 << 20 }; /* bytes, as the service takes them */

static const struct schema *schema_of(const struct assay *a)
{
    return plan_schema(a->current.made.plan);
}

/* ---- reading */

static void clear_rows(struct assay *a)
{
    frame_clear(&a->event);
    buffer_clear(&a->ids);
}

static bool take_id(struct assay *a, uint32_t at)
{
    struct embed_row *row = &a->row[at];
    char made[EVENT_ID_NEW];

    row->id = a->ids.length;
    row->has_own_id = event_id_text(schema_of(a), &a->event, at, &a->ids);
    if (!row->has_own_id) {
        event_id_new(a->row_received_us[at], made);
        buffer_add_text(&a->ids, made);
    }
    row->id_bytes = a->ids.length - row->id;
    if (row->id_bytes <= ID_MAX && !a->ids.overflow)
        return true;
    problems_add(&a->problems, "", "its id is longer than %d bytes", ID_MAX);
    return false;
}

static bool has_time(struct assay *a, uint32_t at)
{
    const struct schema *s = schema_of(a);

    if (s->time == FIELD_NONE || !a->event.column[s->time].null[at])
        return true;
    problems_add(&a->problems, "", "no %s: every event has its time", s->fields[s->time].name);
    return false;
}

static bool is_valid(struct assay *a, uint32_t at)
{
    const struct validation *v = plan_validation(a->current.made.plan);
    uint16_t failed;

    if (v == NULL || validation_run(v, a->bench, &a->event, at, 1, &failed) == 0)
        return true;
    buffer_clear(&a->words);
    validation_words(v, failed, &a->words);
    problems_add(&a->problems, "", "%s", buffer_text(&a->words));
    return false;
}

static bool encode(struct assay *a, uint32_t at)
{
    buffer_clear(&a->encoded);
    event_encode(&a->encoded, schema_of(a), &a->event, at);
    a->row[at].body =
        event_body_hash(schema_of(a), (struct text){a->encoded.bytes, a->encoded.length});
    if (!a->encoded.overflow && a->encoded.length <= EVENT_MAX)
        return true;
    problems_add(&a->problems, "", "the event is over %d bytes", EVENT_MAX);
    return false;
}

/* Appends the event to the frame; where that fails the frame is as before. */
static bool read_event(struct assay *a, const char *json, size_t length)
{
    uint32_t at = a->event.rows;
    size_t ids = a->ids.length;

    a->problems.count = 0;
    a->problems.more = 0;
    if (!json_read_event(a->json, json, length, schema_of(a), JSON_UNKNOWN_REFUSE, &a->event,
                         &a->problems))
        return false;
    a->row_received_us[at] = clock_now_us();
    lookups_fill(a->lookups, schema_of(a), a->row_received_us[at], &a->event, at, 1);
    if (has_time(a, at) && take_id(a, at) && is_valid(a, at) && encode(a, at))
        return true;
    a->event.rows = at;
    a->ids.length = ids;
    return false;
}

static void tell_problems(struct assay *a)
{
    buffer_clear(&a->words);
    for (uint32_t i = 0; i < a->problems.count; i++) {
        const struct problem *p = &a->problems.items[i];

        buffer_format(&a->words, "%s%s%s%s", i > 0 ? "\n" : "", p->pointer,
                      p->pointer[0] != 0 ? ": " : "", p->detail);
    }
    a->error = buffer_text(&a->words);
}

/* The only event of a call. */
static bool read_one(struct assay *a, const char *json, size_t length)
{
    embed_begin(a);
    clear_rows(a);
    if (read_event(a, json, length))
        return true;
    tell_problems(a);
    return false;
}

/* ---- deciding */

static struct text id_of(const struct assay *a, uint32_t at)
{
    return (struct text){a->ids.bytes + a->row[at].id, a->row[at].id_bytes};
}

/* Ids are kept for labels. One that comes again stays the first event's. */
static void remember(struct assay *a, uint32_t at)
{
    struct engine *n = a->state.engine;
    struct id_entry entry = {
        .body = a->row[at].body, .seq = a->row_seq[at], .received_us = a->row_received_us[at]};

    if (!a->row[at].has_own_id)
        return;
    entry.token = engine_id_token(n, id_of(a, at));
    if (engine_id_find(n, entry.token) == NULL)
        engine_id_add(n, &entry);
}

static void run_rows(struct assay *a, struct decision *decisions)
{
    for (uint32_t i = 0; i < a->event.rows; i++)
        a->row_seq[i] = ++a->seq;
    engine_run(a->state.engine, &a->event, 0, a->event.rows, a->row_seq, a->row_received_us,
               decisions);
    for (uint32_t i = 0; i < a->event.rows; i++)
        remember(a, i);
}

static void explain(struct assay *a, unsigned how, uint32_t run_row, uint32_t at)
{
    struct decision *d = &a->decision[at];

    if ((how & ASSAY_EXPLAIN) != 0 && d->outcome == 0 && decision_is_made(d))
        engine_reasons(a->state.engine, run_row, d);
}

/* All rows of the frame. A dry run is one by one: each sees the state and none of the others. */
static void decide_rows(struct assay *a, unsigned how)
{
    if ((how & ASSAY_DRY_RUN) == 0)
        run_rows(a, a->decision);
    for (uint32_t i = 0; i < a->event.rows; i++) {
        if ((how & ASSAY_DRY_RUN) != 0)
            engine_peek(a->state.engine, &a->event, i, a->row_received_us[i], &a->decision[i]);
        explain(a, how, (how & ASSAY_DRY_RUN) != 0 ? 0 : i, i);
    }
}

static void answer_row(struct assay *a, unsigned how, uint32_t at)
{
    int time = schema_of(a)->time;

    buffer_clear(&a->answer);
    verdict_open(&(struct verdict){.id = id_of(a, at),
                                   .time_us = time != FIELD_NONE ? a->event.column[time].integer[at]
                                                                 : a->row_received_us[at],
                                   .received_us = INT64_MIN,
                                   .plan = a->current.made.plan,
                                   .decision = &a->decision[at],
                                   .has_words = (how & ASSAY_WORDS) != 0},
                 &a->answer);
    buffer_add_char(&a->answer, '}');
}

const char *assay_decide(struct assay *a, const char *json, size_t length, unsigned how,
                         size_t *answer_bytes)
{
    if (!read_one(a, json, length))
        return NULL;
    decide_rows(a, how);
    answer_row(a, how, 0);
    if (answer_bytes != NULL)
        *answer_bytes = a->answer.length;
    return buffer_text(&a->answer);
}

int assay_observe(struct assay *a, const char *json, size_t length)
{
    if (!read_one(a, json, length))
        return -1;
    run_rows(a, NULL);
    return 0;
}

/* ---- batches */

struct batch {
    struct assay *assay;
    unsigned how;
    void (*take)(void *context, const char *answer, size_t answer_bytes);
    void *context;
    size_t taken;
};

static void hand_over(struct batch *b)
{
    struct buffer *out = &b->assay->answer;
    size_t length = out->length;

    b->take(b->context, buffer_text(out), length);
}

static void run_batch(struct batch *b)
{
    struct assay *a = b->assay;

    if (a->event.rows == 0)
        return;
    decide_rows(a, b->how);
    for (uint32_t i = 0; i < a->event.rows; i++) {
        answer_row(a, b->how, i);
        hand_over(b);
    }
    b->taken += a->event.rows;
    clear_rows(a);
}

static void refuse_line(struct batch *b, size_t line)
{
    struct assay *a = b->assay;

    buffer_clear(&a->answer);
    buffer_format(&a->answer, "{\"line\":%zu,\"errors\":[", line);
    for (uint32_t i = 0; i < a->problems.count; i++) {
        buffer_add_text(&a->answer, i > 0 ? ",{\"pointer\":" : "{\"pointer\":");
        json_add_text(&a->answer, text_of(a->problems.items[i].pointer));
        buffer_add_text(&a->answer, ",\"detail\":");
        json_add_text(&a->answer, text_of(a->problems.items[i].detail));
        buffer_add_char(&a->answer, '}');
    }
    buffer_add_text(&a->answer, "]}");
    hand_over(b);
}

/* What does not fit beside the others is tried again alone. */
static void take_line(struct batch *b, struct text line, size_t number)
{
    struct assay *a = b->assay;

    if (a->event.rows == EMBED_ROWS)
        run_batch(b);
    if (read_event(a, line.bytes, line.length))
        return;
    run_batch(b);
    clear_rows(a);
    if (!read_event(a, line.bytes, line.length))
        refuse_line(b, number);
}

size_t assay_decide_batch(struct assay *a, const char *ndjson, size_t length, unsigned how,
                          void (*take)(void *context, const char *answer, size_t answer_bytes),
                          void *context)
{
    struct batch b = {a, how, take, context, 0};
    const char *at = ndjson, *end = ndjson + length, *stop;

    embed_begin(a);
    clear_rows(a);
    for (size_t number = 1; at < end; number++, at = stop + 1) {
        struct text line;

        stop = memchr(at, '\n', (size_t)(end - at));
        if (stop == NULL)
            stop = end;
        line = text_trim((struct text){at, (size_t)(stop - at)});
        if (line.length > 0)
            take_line(&b, line, number);
    }
    run_batch(&b);
    return b.taken;
}

/* ---- labels */

int assay_label(struct assay *a, const char *json, size_t length, int label, const char *known)
{
    struct engine *n = a->state.engine;
    const struct id_entry *entry;
    int64_t known_us;

    if (!read_one(a, json, length))
        return -1;
    known_us = a->row_received_us[0];
    if (known != NULL && !time_parse(text_of(known), TIME_ISO, &known_us)) {
        embed_fail(a, "\"%.64s\": expected a time like 2026-04-30T01:13:55Z", known);
        return -1;
    }
    if (label < -1 || label > 1) {
        embed_fail(a, "label %d: expected 1 (fraud), 0 (legitimate) or -1 (taken back)", label);
        return -1;
    }
    entry = a->row[0].has_own_id ? engine_id_find(n, engine_id_token(n, id_of(a, 0))) : NULL;
    if (entry == NULL || entry->body != a->row[0].body) {
        embed_fail(a, entry == NULL ? "no event of this id is remembered"
                                    : "another event has this id: give it as it was decided");
        return -1;
    }
    a->seq++;
    engine_label(n, &a->event, 0, entry->seq, label < 0 ? LABEL_UNKNOWN : (uint8_t)label,
                 entry->received_us, known_us);
    return 0;
}

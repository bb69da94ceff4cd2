#include "shell/watch/notify_read.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>

#include "core/base/hash.h"
#include "core/base/memory.h"
#include "core/data/event.h"
#include "core/decide/alerts.h"
#include "core/decide/values.h"
#include "shell/run/verdict.h"
#include "shell/store/rows.h"
#include "shell/store/tokens.h"

enum { ROWS_AT_ONCE = 64, RECORDS_AT_ONCE = 1024, ROW_BYTES = 16 << 10 };

/* The names under which decisions are looked at, of one plan. */
struct looking {
    bool is_loaded;
    uint32_t number; /* of the PLAN record */
    struct plan *plan;
    struct alerts *conditions; /* NULL: they do not fit this plan */
    struct alert_bench *bench;
    struct frame event, values;
    bool has_values;
    struct tokens *tokens;
};

struct alert_found {
    int64_t id;
    uint64_t key;
    int64_t time_us;
    bool holds;
    struct buffer data;
};

struct notify_reader {
    struct notify_reader_options o;
    struct buffer data, subject;
    char id[NOTIFY_ID_MAX];
    _Atomic uint64_t skipped;
    uint64_t position;

    struct log_cursor *cursor; /* of decisions */
    struct looking looking;

    struct store *store; /* of alerts */
    unsigned generation;
    struct alert_found row[ROWS_AT_ONCE];
    uint32_t rows, next;
    struct schema *names;
    struct program *program; /* NULL: all alerts */
    struct registers registers;
    struct frame frame;
    int node;
};

/* ---- decisions ---- */

static void looking_fini(struct looking *l)
{
    if (!l->is_loaded)
        return;
    frame_fini(&l->event);
    if (l->has_values)
        frame_fini(&l->values);
    tokens_free(l->tokens);
    alert_bench_free(l->bench);
    if (l->conditions != NULL)
        alerts_free(l->conditions);
    plan_unref(l->plan);
    *l = (struct looking){0};
}

/* An older plan, of which the log still has decisions, may lack what a condition asks for: then
 * they are passed over and counted. */
static bool looking_load(struct notify_reader *r, uint32_t number, struct error *e)
{
    struct looking *l = &r->looking;
    struct error why;
    struct plan *plan;

    if (l->is_loaded && l->number == number)
        return true;
    if (!plans_get(r->o.plans, number, &plan, e))
        return false;
    looking_fini(l);
    *l = (struct looking){.is_loaded = true, .number = number, .plan = plan};
    frame_init(&l->event, plan_schema(plan), 1, LOG_BODY_MAX);
    l->tokens = tokens_new(plan);
    l->conditions = settings_notify_conditions(r->o.settings, plan, &why);
    if (l->conditions == NULL)
        return true;
    l->bench = alert_bench_new(l->conditions);
    l->has_values = alerts_read_features(l->conditions);
    if (l->has_values)
        frame_init(&l->values, plan_values_schema(plan), 1, LOG_BODY_MAX);
    return true;
}

struct seen {
    struct event_body body;
    struct decision decision;
    const struct frame *values; /* or NULL */
    int64_t time_us;
};

static bool parse(struct notify_reader *r, const struct record *record, struct seen *s,
                  struct error *e)
{
    struct looking *l = &r->looking;
    const struct schema *schema = plan_schema(l->plan);
    struct reader in;

    if (!event_body_parse(record->body, &s->body, e))
        return false;
    frame_clear(&l->event);
    reader_init(&in, s->body.event.bytes, s->body.event.length);
    if (!event_decode(&in, schema, &l->event, e))
        return false;
    reader_init(&in, s->body.decision.bytes, s->body.decision.length);
    if (!decision_parse(&in, l->plan, &s->decision, e))
        return false;
    s->time_us = record->received_us;
    if (schema->time != FIELD_NONE && !l->event.column[schema->time].null[0])
        s->time_us = l->event.column[schema->time].integer[0];
    s->values = NULL;
    if (l->has_values && s->body.values.length > 0) {
        frame_clear(&l->values);
        if (values_parse(l->plan, s->body.values, &s->decision, &l->values, e))
            s->values = &l->values;
    }
    return true;
}

static bool is_wanted(const struct looking *l, const struct seen *s, uint32_t number, int *entity)
{
    struct raised_alert raised[ALERTS_MAX];
    uint32_t count;

    if (!decision_is_made(&s->decision))
        return false;
    count = alerts_run(l->conditions, l->plan, l->bench, &l->event, s->values, &s->decision, raised);
    for (uint32_t i = 0; i < count; i++) {
        if (raised[i].alert == number) {
            *entity = alerts_info(l->conditions, number).entity;
            return true;
        }
    }
    return false;
}

static void add_fields(const struct notify_reader *r, struct buffer *out)
{
    const struct schema *schema = plan_schema(r->looking.plan);
    bool is_first = true;

    buffer_add_text(out, ",\"fields\":{");
    for (uint32_t i = 0; i < r->o.setting->field_count; i++) {
        int field = schema_find(schema, text_of(r->o.setting->fields[i]));
        struct value v;

        if (field == FIELD_NONE || schema->fields[field].is_personal)
            continue;
        v = column_get(&r->looking.event.column[field], 0);
        if (!is_first)
            buffer_add_char(out, ',');
        json_add_text(out, text_of(schema->fields[field].name));
        buffer_add_char(out, ':');
        json_add_value(out, &v);
        is_first = false;
    }
    buffer_add_char(out, '}');
}

static void make_decision(struct notify_reader *r, const struct record *record,
                          const struct seen *s, int entity, struct notify_event *ev)
{
    size_t head;

    buffer_clear(&r->data);
    verdict_open(&(struct verdict){.id = s->body.id,
                                   .seq = record->seq,
                                   .time_us = s->time_us,
                                   .received_us = record->received_us,
                                   .plan = r->looking.plan,
                                   .decision = &s->decision},
                 &r->data);
    head = r->data.length;
    if (r->o.setting->field_count > 0)
        add_fields(r, &r->data);
    if (r->data.length + 1 > NOTIFY_DATA_MAX)
        r->data.length = head;
    buffer_add_char(&r->data, '}');
    snprintf(r->id, sizeof r->id, "decision-%" PRIu64, record->seq);
    buffer_clear(&r->subject);
    buffer_add(&r->subject, s->body.id.bytes,
               s->body.id.length < NOTIFY_SUBJECT_MAX ? s->body.id.length : NOTIFY_SUBJECT_MAX);
    *ev = (struct notify_event){
        .id = text_of(r->id),
        .type = "assay.decision",
        .subject = {r->subject.bytes, r->subject.length},
        .time_us = record->received_us,
        .key = entity >= 0 ? (uint64_t)tokens_read(r->looking.tokens, &r->looking.event)[entity]
                           : record->seq,
        .data = {r->data.bytes, r->data.length}};
}

/* True: it is to be told. What cannot be read is passed over and counted. */
static bool take_decision(struct notify_reader *r, const struct record *record,
                          struct notify_event *ev)
{
    struct error ignored;
    struct seen seen;
    int entity;

    if (!looking_load(r, record->plan, &ignored) || r->looking.conditions == NULL ||
        !parse(r, record, &seen, &ignored)) {
        atomic_fetch_add(&r->skipped, 1);
        return false;
    }
    if (!is_wanted(&r->looking, &seen, r->o.number, &entity))
        return false;
    make_decision(r, record, &seen, entity, ev);
    return true;
}

static bool next_decision(struct notify_reader *r, bool *found, bool *is_end,
                          struct notify_event *ev, struct error *e)
{
    uint64_t until = log_durable_seq(r->o.log);
    struct record record;

    for (int i = 0; i < RECORDS_AT_ONCE && r->position < until; i++) {
        int more = log_cursor_next(r->cursor, &record, e);

        if (more < 0)
            return false;
        if (more == 0)
            break;
        r->position = record.seq;
        if (record.kind == RECORD_DECISION && take_decision(r, &record, ev)) {
            *found = true;
            return true;
        }
    }
    *is_end = r->position >= until;
    return true;
}

/* ---- alerts ---- */

static const struct {
    const char *name;
    enum type type;
} alert_names[] = {{"name", TYPE_TEXT},  {"queue", TYPE_TEXT},   {"kind", TYPE_TEXT},
                   {"outcome", TYPE_TEXT}, {"score", TYPE_INT},    {"priority", TYPE_INT},
                   {"amount", TYPE_DECIMAL}};

static bool compile(struct notify_reader *r, struct error *e)
{
    char place[128];
    struct error ignored;

    if (r->o.setting->on != NOTIFY_ON_ALERT || r->o.setting->when == NULL)
        return true;
    r->names = schema_new();
    for (size_t i = 0; i < sizeof alert_names / sizeof *alert_names; i++) {
        if (!schema_add(r->names, text_of(alert_names[i].name), alert_names[i].type, &ignored))
            return error_set(e, ERROR_INVALID, "%s", ignored.text);
    }
    r->program = program_new(r->names);
    snprintf(place, sizeof place, "notify.%s.when", r->o.setting->name);
    if (!program_add_condition(r->program, text_of(place), text_of(r->o.setting->when), &r->node, e))
        return settings_blame(r->o.settings, place, e);
    if (program_aggregate_count(r->program) > 0) {
        error_set(e, ERROR_INVALID, "an alert has no windows");
        return settings_blame(r->o.settings, place, e);
    }
    program_finish(r->program);
    registers_init(&r->registers, r->program, 1);
    frame_init(&r->frame, r->names, 1, ROW_BYTES);
    return true;
}

static bool alert_holds(struct notify_reader *r, const struct store_value *c)
{
    if (r->program == NULL)
        return true;
    frame_clear(&r->frame);
    for (int i = 0; i < 7; i++) {
        const struct store_value *cell = &c[1 + i];
        struct value v = {.type = alert_names[i].type, .is_null = cell->is_null};

        if (v.type == TYPE_TEXT)
            v.text = cell->text;
        else
            v.integer = cell->integer;
        column_set(&r->frame.column[i], 0, &v);
    }
    r->frame.rows = 1;
    registers_begin(&r->registers, &r->frame, 0, 1);
    program_run(r->program, &r->registers, 0);
    return !r->registers.column[r->node].null[0] && r->registers.column[r->node].integer[0] != 0;
}

static void add_member(struct buffer *out, const char *name, const struct store_value *cell,
                       enum type type)
{
    struct value v = {.type = type, .is_null = cell->is_null, .integer = cell->integer};

    if (type == TYPE_TEXT)
        v.text = cell->text;
    buffer_format(out, ",\"%s\":", name);
    json_add_value(out, &v);
}

static void take_alert(void *context, const struct store_value *c)
{
    struct notify_reader *r = context;
    struct alert_found *a = &r->row[r->rows++];

    a->id = c[0].integer;
    a->key = (uint64_t)c[8].integer;
    a->time_us = c[11].integer;
    a->holds = alert_holds(r, c);
    buffer_clear(&a->data);
    buffer_format(&a->data, "{\"id\":\"%" PRId64 "\"", a->id);
    for (int i = 0; i < 7; i++)
        add_member(&a->data, alert_names[i].name, &c[1 + i], alert_names[i].type);
    add_member(&a->data, "hits", &c[9], TYPE_INT);
    add_member(&a->data, "first", &c[10], TYPE_TIME);
    add_member(&a->data, "raised", &c[11], TYPE_TIME);
    add_member(&a->data, "event_id", &c[12], TYPE_TEXT);
    buffer_add_text(&a->data, ",\"rules\":");
    buffer_add_slice(&a->data, c[13].text);
    buffer_add_char(&a->data, '}');
}

/* While the store is made anew nobody reads it: its alerts come again with the same ids. */
static bool store_ready(struct notify_reader *r, bool *is_ready, struct error *e)
{
    *is_ready = !project_is_rebuilding(r->o.project);
    if (r->store != NULL &&
        (!*is_ready || r->generation != project_generation(r->o.project))) {
        store_close(r->store);
        r->store = NULL;
    }
    r->generation = project_generation(r->o.project);
    return !*is_ready || r->store != NULL || store_open(r->o.store, STORE_READ, &r->store, e);
}

static bool read_alerts(struct notify_reader *r, struct error *e)
{
    static const char sql[] =
        "SELECT id, name, queue, kind, outcome, score, priority, amount, entity, decisions,"
        " first_us, raised_us, event_id, rules FROM @alert WHERE id > $1 ORDER BY id LIMIT 64";
    const struct store_value value = store_int((int64_t)r->position);
    bool is_ready;

    r->rows = r->next = 0;
    if (!store_ready(r, &is_ready, e))
        return false;
    return !is_ready || store_ask(r->store, sql, false, &value, 1,
                                  &(struct store_visitor){take_alert, r}, e);
}

static bool next_alert(struct notify_reader *r, bool *found, bool *is_end, struct notify_event *ev,
                       struct error *e)
{
    if (r->next == r->rows && !read_alerts(r, e))
        return false;
    while (r->next < r->rows && !*found) {
        const struct alert_found *a = &r->row[r->next++];

        r->position = (uint64_t)a->id;
        if (!a->holds)
            continue;
        *found = true;
        snprintf(r->id, sizeof r->id, "alert-%" PRId64, a->id);
        *ev = (struct notify_event){.id = text_of(r->id),
                                    .type = "assay.alert",
                                    .subject = {r->id + 6, strlen(r->id) - 6},
                                    .time_us = a->time_us,
                                    .key = a->key != 0 ? a->key : (uint64_t)a->id,
                                    .data = {a->data.bytes, a->data.length}};
    }
    *is_end = !*found && r->rows < ROWS_AT_ONCE;
    return true;
}

static void take_number(void *context, const struct store_value *cell)
{
    *(int64_t *)context = cell[0].integer;
}

/* ---- the whole ---- */

bool notify_reader_open(const struct notify_reader_options *o, struct notify_reader **r,
                        struct error *e)
{
    struct notify_reader *made = mem_alloc(sizeof *made);

    made->o = *o;
    buffer_init(&made->data, 2 * NOTIFY_DATA_MAX);
    buffer_init(&made->subject, NOTIFY_SUBJECT_MAX + 1);
    for (int i = 0; i < ROWS_AT_ONCE; i++)
        buffer_init(&made->row[i].data, 2 * ROW_BYTES);
    if (!compile(made, e)) {
        notify_reader_close(made);
        return false;
    }
    *r = made;
    return true;
}

void notify_reader_close(struct notify_reader *r)
{
    if (r == NULL)
        return;
    log_cursor_close(r->cursor);
    looking_fini(&r->looking);
    store_close(r->store);
    if (r->frame.column != NULL) {
        registers_fini(&r->registers);
        frame_fini(&r->frame);
    }
    if (r->program != NULL)
        program_free(r->program);
    if (r->names != NULL)
        schema_free(r->names);
    for (int i = 0; i < ROWS_AT_ONCE; i++)
        buffer_fini(&r->row[i].data);
    buffer_fini(&r->data);
    buffer_fini(&r->subject);
    mem_free(r);
}

bool notify_reader_end(struct notify_reader *r, uint64_t *position, struct error *e)
{
    int64_t last = 0;
    bool is_ready;

    if (r->o.setting->on == NOTIFY_ON_DECISION) {
        *position = log_durable_seq(r->o.log);
        return true;
    }
    if (!store_ready(r, &is_ready, e))
        return false;
    if (!is_ready)
        return error_set(e, ERROR_WORLD, "the store is made anew");
    if (!store_ask(r->store, "SELECT coalesce(max(id), 0) FROM @alert", false, NULL, 0,
                   &(struct store_visitor){take_number, &last}, e))
        return false;
    *position = (uint64_t)last;
    return true;
}

bool notify_reader_seek(struct notify_reader *r, uint64_t position, struct error *e)
{
    if (r->o.setting->on == NOTIFY_ON_DECISION) {
        if (position > log_durable_seq(r->o.log))
            return error_set(e, ERROR_INVALID,
                             "notify.%s: was told up to record %" PRIu64 ", but the log ends at "
                             "%" PRIu64 ": it belongs to another log; remove notify/%s.cursor in "
                             "the data directory to begin at the log's end",
                             r->o.setting->name, position, log_durable_seq(r->o.log),
                             r->o.setting->name);
        log_cursor_close(r->cursor);
        r->cursor = NULL;
        if (position + 1 < log_first_seq(r->o.log)) { /* cut off meanwhile */
            atomic_fetch_add(&r->skipped, log_first_seq(r->o.log) - position - 1);
            position = log_first_seq(r->o.log) - 1;
        }
        if (!log_cursor_open(r->o.log_directory, position + 1, &r->cursor, e))
            return false;
    }
    r->position = position;
    r->rows = r->next = 0;
    return true;
}

bool notify_reader_next(struct notify_reader *r, uint64_t *position, bool *found, bool *is_end,
                        struct notify_event *ev, struct error *e)
{
    bool ok;

    *found = *is_end = false;
    ok = r->o.setting->on == NOTIFY_ON_DECISION ? next_decision(r, found, is_end, ev, e)
                                                : next_alert(r, found, is_end, ev, e);
    *position = r->position;
    return ok;
}

uint64_t notify_reader_lag(const struct notify_reader *r, uint64_t position)
{
    uint64_t end = r->o.setting->on == NOTIFY_ON_DECISION ? log_durable_seq(r->o.log) : position;

    return end > position ? end - position : 0;
}

uint64_t notify_reader_skipped(const struct notify_reader *r)
{
    return atomic_load(&r->skipped);
}

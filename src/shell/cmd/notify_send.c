/* Rows that the target's condition holds for, in the order of the file. What was sent is remembered
 * by its id, so the same command again, after a failure or by a scheduler, sends what is left. */
#include "shell/cmd/notify_send.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/base/hash.h"
#include "core/base/memory.h"
#include "core/lang/lang.h"
#include "shell/os/clock.h"
#include "shell/source/source.h"

enum { ROWS = 1024, SUMMARY_LINES = 20, LINES_BYTES = 16 << 10, HELD_BYTES = 64 << 20 };

struct rows {
    struct notify_sending *s;
    const struct schema *schema;
    struct program *program; /* NULL: all rows */
    struct registers registers;
    struct notify_told *told;
    struct frame frame;
    int node, key; /* the column that names a row */
    struct buffer data, id, words;
    uint64_t read, wanted, passed;
    uint64_t held; /* over at_most */
    struct buffer lines, held_ids;
};

/* ---- one notification ---- */

bool notify_push(struct notify_sending *s, const struct notify_event *ev, bool *is_dead,
                 struct error *e)
{
    struct notify_result r;
    uint32_t tries = 0, refusals = 0;

    *is_dead = false;
    for (;;) {
        int64_t wait_us;

        tries++;
        if (notify_send(s->sender, &ev, 1, &r) == 1) {
            s->sent++;
            return true;
        }
        refusals += r.end == NOTIFY_REFUSED;
        if (refusals >= s->setting->tries) {
            s->dead++;
            *is_dead = true;
            return notify_dead_add(&s->state, ev, tries, r.words, clock_now_us(), e);
        }
        wait_us = notify_wait_us(tries, &r);
        if (is_interrupted())
            return error_set(e, ERROR_CANCELLED, "stopped");
        if (clock_monotonic_us() + wait_us > s->until_us && r.end == NOTIFY_AWAY)
            return error_set(e, ERROR_WORLD,
                             "notify.%s: it is away: %s; the same command again goes on from here",
                             s->setting->name, r.words);
        clock_sleep_us(wait_us);
    }
}

/* ---- the condition ---- */

static bool compile(struct rows *r, struct error *e)
{
    const struct notify_setting *n = r->s->setting;
    char place[128];

    if (n->when == NULL)
        return true;
    snprintf(place, sizeof place, "notify.%s.when", n->name);
    r->program = program_new(r->schema);
    if (!program_add_condition(r->program, text_of(place), text_of(n->when), &r->node, e))
        return settings_blame(r->s->settings, place, e);
    if (program_aggregate_count(r->program) > 0) {
        error_set(e, ERROR_INVALID, "a row has no windows: make it a column of the table");
        return settings_blame(r->s->settings, place, e);
    }
    program_finish(r->program);
    registers_init(&r->registers, r->program, ROWS);
    return true;
}

static bool holds(const struct rows *r, uint32_t row)
{
    const struct column *c;

    if (r->program == NULL)
        return true;
    c = &r->registers.column[r->node];
    return !c->null[row] && c->integer[row] != 0;
}

/* ---- rows ---- */

static void add_row(struct rows *r, uint32_t row, struct text key)
{
    struct buffer *out = &r->data;

    buffer_clear(out);
    buffer_add_text(out, "{\"target\":");
    json_add_text(out, text_of(r->s->setting->name));
    buffer_add_text(out, ",\"key\":");
    json_add_text(out, key);
    buffer_add_text(out, ",\"row\":{");
    for (uint32_t i = 0; i < r->schema->count; i++) {
        struct value v = column_get(&r->frame.column[i], row);

        if (i > 0)
            buffer_add_char(out, ',');
        json_add_text(out, text_of(r->schema->fields[i].name));
        buffer_add_char(out, ':');
        json_add_value(out, &v);
    }
    buffer_add_text(out, "}}");
}

/* The value of the column that names the row, as it stands in JSON, without quotes. */
static void key_of(struct rows *r, uint32_t row, struct buffer *out)
{
    struct value v = column_get(&r->frame.column[r->key], row);

    buffer_clear(out);
    if (v.type == TYPE_TEXT && !v.is_null) {
        buffer_add_slice(out, v.text);
        return;
    }
    json_add_value(out, &v);
    if (out->length > 2 && out->bytes[0] == '"') {
        memmove(out->bytes, out->bytes + 1, out->length - 2);
        out->length -= 2;
    }
}

static void hold(struct rows *r, const struct notify_event *ev)
{
    uint32_t length = (uint32_t)ev->id.length;

    buffer_add_u32(&r->held_ids, length);
    buffer_add_slice(&r->held_ids, ev->id);
    if (r->held++ >= SUMMARY_LINES)
        return;
    if (r->lines.length > 0)
        buffer_add_char(&r->lines, '\n');
    notify_subject(r->s->setting, ev, r->s->sender->json, &r->lines);
}

static bool send_summary(struct rows *r, struct error *e)
{
    uint64_t hash = hash_bytes(r->held_ids.bytes, r->held_ids.length, 2);
    struct reader at;
    char id[NOTIFY_ID_MAX];
    bool is_dead;

    if (r->held == 0)
        return true;
    snprintf(id, sizeof id, "summary-%s-%016" PRIx64, r->s->setting->name, hash);
    buffer_clear(&r->data);
    buffer_format(&r->data, "{\"target\":\"%s\",\"count\":%" PRIu64, r->s->setting->name, r->held);
    buffer_add_text(&r->data, ",\"from\":null,\"until\":null,\"first\":");
    json_add_text(&r->data, (struct text){r->lines.bytes, r->lines.length});
    buffer_add_char(&r->data, '}');
    if (!notify_push(r->s,
                     &(struct notify_event){.id = text_of(id),
                                            .type = "assay.summary",
                                            .subject = text_of(r->s->setting->name),
                                            .time_us = clock_now_us(),
                                            .data = {r->data.bytes, r->data.length}},
                     &is_dead, e))
        return false;
    reader_init(&at, r->held_ids.bytes, r->held_ids.length);
    while (reader_left(&at) > 0)
        notify_told_add(r->told, reader_bytes32(&at));
    return true;
}

static bool take_row(struct rows *r, uint32_t row, struct error *e)
{
    struct notify_event ev = {.type = "assay.row", .time_us = clock_now_us()};
    bool is_dead;

    key_of(r, row, &r->words);
    ev.subject = (struct text){r->words.bytes, r->words.length};
    if (ev.subject.length > NOTIFY_SUBJECT_MAX)
        return error_set(e, ERROR_INVALID, "row %" PRIu64 ": %s has over %d bytes; name another --key",
                         r->read, r->schema->fields[r->key].name, NOTIFY_SUBJECT_MAX);
    buffer_clear(&r->id);
    buffer_format(&r->id, "row-%s-", r->s->setting->name);
    buffer_add_slice(&r->id, ev.subject);
    ev.id = (struct text){r->id.bytes, r->id.length};
    ev.key = hash_bytes(ev.subject.bytes, ev.subject.length, 0);
    r->wanted++;
    if (!option_has(r->s->v, "again") && notify_told_has(r->told, ev.id)) {
        r->passed++;
        return true;
    }
    add_row(r, row, ev.subject);
    ev.data = (struct text){r->data.bytes, r->data.length};
    if (r->data.overflow)
        return error_set(e, ERROR_FULL, "row %" PRIu64 ": over %d KiB", r->read, NOTIFY_DATA_MAX >> 10);
    if (r->s->setting->at_most > 0 && r->s->sent >= r->s->setting->at_most) {
        hold(r, &ev);
        return !r->held_ids.overflow || error_set(e, ERROR_FULL, "too many rows for one summary");
    }
    if (!notify_push(r->s, &ev, &is_dead, e))
        return false;
    notify_told_add(r->told, ev.id);
    return true;
}

static bool take_all(struct rows *r, struct source *source, struct error *e)
{
    do {
        if (!source_read(source, &r->frame, e))
            return false;
        if (r->program != NULL && r->frame.rows > 0) {
            registers_begin(&r->registers, &r->frame, 0, r->frame.rows);
            for (int level = 0; level < program_levels(r->program); level++)
                program_run(r->program, &r->registers, level);
        }
        for (uint32_t i = 0; i < r->frame.rows; i++) {
            r->read++;
            if (holds(r, i) && !take_row(r, i, e))
                return false;
        }
    } while (r->frame.rows > 0);
    return send_summary(r, e);
}

static bool find_key(struct rows *r, struct error *e)
{
    const char *name = option_get(r->s->v, "key-column");

    if (name == NULL)
        return true; /* the first */
    r->key = schema_find(r->schema, text_of(name));
    return r->key != FIELD_NONE ||
           error_set(e, ERROR_USAGE, "--key-column: the file has no column \"%.80s\"", name);
}

static bool tell(const struct rows *r, struct error *e)
{
    struct buffer out;
    bool ok;

    buffer_init(&out, OUTPUT_MAX);
    buffer_format(&out,
                  r->s->v->json
                      ? "{\"rows\":%" PRIu64 ",\"wanted\":%" PRIu64 ",\"told_before\":%" PRIu64
                        ",\"sent\":%" PRIu64 ",\"in_summary\":%" PRIu64 ",\"dead\":%" PRIu64 "}\n"
                      : "%" PRIu64 " rows, of them %" PRIu64 " to be told, %" PRIu64
                        " were before; sent %" PRIu64 " (%" PRIu64
                        " rows in a summary), dead letters %" PRIu64 "\n",
                  r->read, r->wanted, r->passed, r->s->sent, r->held, r->s->dead);
    ok = print_result(&out, e);
    buffer_fini(&out);
    return ok;
}

static bool run(struct rows *r, struct source *source, struct error *e)
{
    struct error second;
    bool ok;

    r->schema = source_schema(source);
    if (!find_key(r, e) || !compile(r, e) || !notify_told_open(&r->s->state, &r->told, e))
        return false;
    frame_init(&r->frame, r->schema, ROWS, SOURCE_TEXT_BYTES);
    ok = take_all(r, source, e);
    frame_fini(&r->frame);
    if (!notify_told_close(r->told, &second)) { /* what was sent is remembered in any case */
        if (ok)
            *e = second;
        ok = false;
    }
    return ok && tell(r, e);
}

bool notify_send_rows(struct notify_sending *s, const char *file, struct error *e)
{
    struct rows r = {.s = s};
    struct source_options o;
    struct source *source;
    bool ok;

    source_options_init(&o, file);
    if (!source_open(&o, &source, e))
        return false;
    buffer_init(&r.data, NOTIFY_DATA_MAX);
    buffer_init(&r.id, 2 * NOTIFY_SUBJECT_MAX);
    buffer_init(&r.words, NOTIFY_DATA_MAX);
    buffer_init(&r.lines, LINES_BYTES);
    buffer_init(&r.held_ids, HELD_BYTES);
    ok = run(&r, source, e);
    if (r.program != NULL) {
        if (r.registers.column != NULL)
            registers_fini(&r.registers);
        program_free(r.program);
    }
    buffer_fini(&r.data);
    buffer_fini(&r.id);
    buffer_fini(&r.words);
    buffer_fini(&r.lines);
    buffer_fini(&r.held_ids);
    source_close(source);
    return ok;
}

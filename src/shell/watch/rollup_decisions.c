#include "shell/watch/rollup_decisions.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include "core/base/memory.h"
#include "core/base/panic.h"
#include "core/data/event.h"
#include "shell/os/digest.h"
#include "shell/run/data_directory.h"
#include "shell/run/plans.h"
#include "shell/settings/rollup.h"
#include "shell/watch/rollup_program.h"

enum { ROW_TEXT_BYTES = 256 << 20, MARK_EVERY = 0x3fff };

/* What we add to the events' fields. */
enum extra { RECEIVED, SCORE, PROBABILITY, OUTCOME, LEVEL, EXTRAS };

static const struct {
    const char *name;
    enum type type;
} extras[EXTRAS] = {[RECEIVED] = {"received_at", TYPE_TIME},
                    [SCORE] = {"score", TYPE_INT},
                    [PROBABILITY] = {"probability", TYPE_REAL},
                    [OUTCOME] = {"outcome", TYPE_TEXT},
                    [LEVEL] = {"level", TYPE_TEXT}};

struct rollup_decisions {
    char log_directory[PATH_MAX];
    struct plans *plans;
    struct schema *schema; /* of the rows; NULL: no plan was seen yet */
    int extra[EXTRAS];     /* fields, or FIELD_NONE: the events have one of that name */
    struct frame rows;
    uint64_t seq;       /* read so far */
    uint32_t plan_last; /* the plan of the schema */
    bool has_begun, is_anew;

    /* the plan of the record */
    struct plan *plan;
    uint32_t plan_seq;
    struct frame event; /* one row */
    int *from;          /* by field of the rows: of the plan's events, or FIELD_NONE */
};

static void leave_plan(struct rollup_decisions *d)
{
    if (d->plan == NULL)
        return;
    frame_fini(&d->event);
    mem_free(d->from);
    plan_unref(d->plan);
    d->plan = NULL;
}

static void leave_schema(struct rollup_decisions *d)
{
    leave_plan(d);
    if (d->schema == NULL)
        return;
    frame_fini(&d->rows);
    schema_free(d->schema);
    d->schema = NULL;
}

bool rollup_decisions_open(const struct settings *s, struct rollup_decisions **decisions,
                           struct error *e)
{
    struct rollup_decisions *d;
    char shard[DATA_PATH_MAX];
    uint64_t last;

    if (!data_shard_directory(s, shard, e))
        return false;
    d = mem_alloc(sizeof *d);
    snprintf(d->log_directory, sizeof d->log_directory, "%s/log", shard);
    if (!log_last_seq(d->log_directory, &last, e)) {
        mem_free(d);
        return false;
    }
    d->plans = plans_new(shard);
    *decisions = d;
    return true;
}

void rollup_decisions_close(struct rollup_decisions *d)
{
    if (d == NULL)
        return;
    leave_schema(d);
    plans_free(d->plans);
    mem_free(d);
}

uint64_t rollup_decisions_seq(const struct rollup_decisions *d)
{
    return d->seq;
}

/* The events' fields of a plan and ours. */
static bool take_schema(struct rollup_decisions *d, const struct plan *p, struct error *e)
{
    const struct schema *of = plan_schema(p);

    leave_schema(d);
    d->schema = schema_new();
    for (uint32_t i = 0; i < of->count; i++) {
        if (!schema_add(d->schema, text_of(of->fields[i].name), of->fields[i].type, e))
            return false;
    }
    for (int i = 0; i < EXTRAS; i++) {
        d->extra[i] = FIELD_NONE;
        if (schema_find(d->schema, text_of(extras[i].name)) != FIELD_NONE)
            continue;
        if (!schema_add(d->schema, text_of(extras[i].name), extras[i].type, e))
            return false;
        d->extra[i] = (int)d->schema->count - 1;
    }
    frame_init(&d->rows, d->schema, ROLLUP_BATCH, ROW_TEXT_BYTES);
    return true;
}

static bool has_same_fields(const struct rollup_decisions *d, const struct plan *p)
{
    const struct schema *of = plan_schema(p);

    if (d->schema == NULL)
        return false;
    for (uint32_t i = 0; i < of->count; i++) {
        int at = schema_find(d->schema, text_of(of->fields[i].name));

        if (at == FIELD_NONE || d->schema->fields[at].type != of->fields[i].type)
            return false;
    }
    return true;
}

/* The newest plan of the records (from, until]; *fresh: its fields are others than before. */
static bool look_for_plan(struct rollup_decisions *d, uint64_t until, bool *fresh, struct error *e)
{
    struct log_cursor *c;
    struct record r;
    uint32_t newest = 0;
    struct plan *p;
    bool ok = true;
    int more;

    *fresh = false;
    if (!log_cursor_open(d->log_directory, d->seq + 1, &c, e))
        return false;
    while ((more = log_cursor_next(c, &r, e)) == 1 && r.seq <= until) {
        if (r.kind == RECORD_PLAN)
            newest = (uint32_t)r.seq;
        else if (newest == 0 && d->schema == NULL && r.plan != 0)
            newest = r.plan; /* its own record was cut by retention */
    }
    log_cursor_close(c);
    if (more < 0 || newest == 0)
        return more >= 0;
    if (!plans_get(d->plans, newest, &p, e))
        return false;
    *fresh = !has_same_fields(d, p);
    d->plan_last = newest;
    if (*fresh)
        ok = take_schema(d, p, e);
    plan_unref(p);
    return ok;
}

static bool under_plan(struct rollup_decisions *d, uint32_t seq, struct error *e)
{
    const struct schema *schema;
    struct plan *p;

    if (d->plan != NULL && d->plan_seq == seq)
        return true;
    if (!plans_get(d->plans, seq, &p, e))
        return false;
    leave_plan(d);
    d->plan = p;
    d->plan_seq = seq;
    schema = plan_schema(p);
    frame_init(&d->event, schema, 1, LOG_BODY_MAX);
    d->from = mem_array(d->schema->count, sizeof *d->from);
    for (uint32_t i = 0; i < d->schema->count; i++) {
        int at = schema_find(schema, text_of(d->schema->fields[i].name));
        bool fits = at != FIELD_NONE && schema->fields[at].type == d->schema->fields[i].type;

        d->from[i] = fits ? at : FIELD_NONE;
    }
    return true;
}

static bool set(struct rollup_decisions *d, uint32_t field, const struct value *v)
{
    struct value copy = *v;

    if (!v->is_null && v->type == TYPE_TEXT)
        copy.text.bytes = arena_text(&d->rows.text, v->text.bytes, v->text.length);
    if (!v->is_null && v->type == TYPE_TEXT && copy.text.bytes == NULL)
        return false;
    column_set(&d->rows.column[field], d->rows.rows, &copy);
    return true;
}

static bool set_extras(struct rollup_decisions *d, const struct record *r,
                       const struct decision *decision)
{
    const struct value v[EXTRAS] = {
        [RECEIVED] = {.type = TYPE_TIME, .integer = r->received_us},
        [SCORE] = {.type = TYPE_INT, .integer = decision->score},
        [PROBABILITY] = {.type = TYPE_REAL, .real = decision->probability},
        [OUTCOME] = {.type = TYPE_TEXT,
                     .text = text_of(plan_outcome_name(d->plan, decision->outcome))},
        [LEVEL] = {.type = TYPE_TEXT, .text = text_of(plan_level_name(d->plan, decision->level))},
    };

    for (int i = 0; i < EXTRAS; i++) {
        if (d->extra[i] != FIELD_NONE && !set(d, (uint32_t)d->extra[i], &v[i]))
            return false;
    }
    return true;
}

static bool flush(struct rollup_decisions *d, struct rollups *r, struct error *e)
{
    bool ok = d->rows.rows == 0 || rollups_add(r, ROLLUP_DECISIONS, d->schema, &d->rows, e);

    frame_clear(&d->rows);
    return ok;
}

/* The decision as the next row of the frame, which has room for it. */
static bool put_row(struct rollup_decisions *d, const struct record *r,
                    const struct decision *decision)
{
    for (uint32_t i = 0; i < d->schema->count; i++) {
        struct value v = {.type = d->schema->fields[i].type, .is_null = true};

        if (d->from[i] != FIELD_NONE)
            v = column_get(&d->event.column[d->from[i]], 0);
        if (!set(d, i, &v))
            return false;
    }
    if (!set_extras(d, r, decision))
        return false;
    d->rows.rows++;
    return true;
}

static bool add_decision(struct rollup_decisions *d, const struct record *record, struct rollups *r,
                         struct error *e)
{
    struct event_body body;
    struct decision decision;
    struct reader in;
    bool fits;

    if (!under_plan(d, record->plan, e) || !event_body_parse(record->body, &body, e))
        return false;
    frame_clear(&d->event);
    reader_init(&in, body.event.bytes, body.event.length);
    if (!event_decode(&in, plan_schema(d->plan), &d->event, e))
        return false;
    reader_init(&in, body.decision.bytes, body.decision.length);
    if (!decision_parse(&in, d->plan, &decision, e))
        return false;
    if (d->rows.rows == d->rows.capacity && !flush(d, r, e))
        return false;
    if (put_row(d, record, &decision))
        return true;
    /* The texts of the rows before have filled their room: this one alone has enough. */
    if (!flush(d, r, e))
        return false;
    fits = put_row(d, record, &decision);
    ASSERT(fits);
    return true;
}

bool rollup_decisions_follow(struct rollup_decisions *d, struct rollups *r, uint64_t until,
                             const struct progress *progress, struct error *e)
{
    struct log_cursor *c;
    struct record record;
    bool fresh, ok = true;
    uint64_t last;
    int more = 0;

    if (!look_for_plan(d, until, &fresh, e))
        return false;
    if (d->schema == NULL)
        return error_set(e, ERROR_NOT_FOUND, "%s has no decisions yet", d->log_directory);
    if (fresh || !d->has_begun) {
        d->seq = 0;
        d->has_begun = d->is_anew = true;
        if (!rollups_begin(r, ROLLUP_DECISIONS, d->schema, e))
            return false;
    }
    if (!log_last_seq(d->log_directory, &last, e) ||
        !log_cursor_open(d->log_directory, d->seq + 1, &c, e))
        return false;
    while (ok && (more = log_cursor_next(c, &record, e)) == 1 && record.seq <= until) {
        if (record.kind == RECORD_DECISION && !add_decision(d, &record, r, e))
            ok = e->kind == ERROR_INVALID || e->kind == ERROR_NOT_FOUND; /* as in the store */
        d->seq = record.seq;
        if (ok && (record.seq & MARK_EVERY) == 0 &&
            !progress_report(progress, "reading", (double)record.seq / (double)(last + 1)))
            ok = error_set(e, ERROR_CANCELLED, "stopped: nothing is written");
    }
    log_cursor_close(c);
    return ok && more >= 0 && flush(d, r, e);
}

const struct schema *rollup_decisions_schema(const struct rollup_decisions *d)
{
    return d->schema;
}

/* Whether the log has the records up to that one, with their chain. */
static bool has_record(struct rollup_decisions *d, uint64_t seq, const char *hex)
{
    char found[DIGEST_HEX];
    uint8_t chain[DIGEST_BYTES];
    struct error ignored;

    if (!log_chain_at(d->log_directory, seq, chain, &ignored))
        return false;
    digest_hex(chain, found);
    return strcmp(found, hex) == 0;
}

/* The first record that the log has; retention cuts those before. 0: there is none. */
static bool find_first(const struct rollup_decisions *d, uint64_t *first, struct error *e)
{
    struct log_cursor *c;
    struct record r;
    int more;

    *first = 0;
    if (!log_cursor_open(d->log_directory, 1, &c, e))
        return false;
    more = log_cursor_next(c, &r, e);
    if (more == 1)
        *first = r.seq;
    log_cursor_close(c);
    return more >= 0;
}

bool rollup_decisions_resume(struct rollup_decisions *d, const char *position, bool *goes_on,
                             struct error *e)
{
    uint64_t seq, first, found;
    char chain[DIGEST_HEX];
    uint32_t newest;
    struct plan *p;
    bool ok;

    *goes_on = false;
    if (sscanf(position, "%" SCNu64 " %" SCNu64 " %" SCNu32 " %64s", &seq, &first, &newest,
               chain) != 4)
        return true;
    if (!find_first(d, &found, e))
        return false;
    if (found != first || !has_record(d, seq, chain))
        return true;
    if (!plans_get(d->plans, newest, &p, e))
        return false;
    ok = take_schema(d, p, e);
    plan_unref(p);
    d->plan_last = newest;
    d->seq = seq;
    d->has_begun = *goes_on = ok;
    d->is_anew = false;
    return ok;
}

bool rollup_decisions_position(struct rollup_decisions *d, struct buffer *out, struct error *e)
{
    uint8_t chain[DIGEST_BYTES];
    char hex[DIGEST_HEX];
    uint64_t first;

    if (!find_first(d, &first, e) || !log_chain_at(d->log_directory, d->seq, chain, e))
        return false;
    digest_hex(chain, hex);
    buffer_format(out, "%" PRIu64 " %" PRIu64 " %" PRIu32 " %s", d->seq, first, d->plan_last, hex);
    return true;
}

bool rollup_decisions_is_anew(const struct rollup_decisions *d)
{
    return d->is_anew;
}

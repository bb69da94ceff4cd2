#include "core/decide/alerts.h"

#include <math.h>
#include <stdio.h>

#include "core/base/memory.h"
#include "core/base/panic.h"
#include "core/decide/plan_inside.h"

enum {
    DAY_S = 86400,
    MILLION = 1000000,
    NONE = -1,
    WORDS_BYTES = 64,
};

/* Where a name of the conditions has its value from. */
enum origin { OF_OUTCOME, OF_LEVEL, OF_SCORE, OF_PROBABILITY, OF_RULE, OF_FEATURE, OF_FIELD };

struct name {
    enum origin origin;
    uint32_t index; /* of the rule, feature or field */
    bool is_used;
};

struct alert {
    char *name, *queue;
    int entity;
    int when, priority, amount; /* nodes; NONE: the outcome's; the score; none */
    int64_t within_us;
};

struct alerts {
    const char *section;
    struct schema *names;
    struct name *name; /* by field of that schema */
    struct program *program;
    struct alert *alert;
    uint32_t count;
};

struct alert_bench {
    struct registers registers;
    struct frame row;
};

/* ---- names ---- */

static void add_name(struct alerts *a, const char *name, enum type type, enum origin origin,
                     uint32_t index)
{
    struct error ignored;

    if (schema_find(a->names, text_of(name)) != FIELD_NONE ||
        !schema_add(a->names, text_of(name), type, &ignored))
        return; /* one of that name is there, or the name is too long for one */
    a->name[a->names->count - 1] = (struct name){.origin = origin, .index = index};
}

static void add_names(struct alerts *a, const struct plan *p)
{
    bool is_personal = plan_features_are_personal(p);
    char word[PLAN_NAME_MAX + 8];

    add_name(a, "outcome", TYPE_TEXT, OF_OUTCOME, 0);
    add_name(a, "level", TYPE_TEXT, OF_LEVEL, 0);
    add_name(a, "score", TYPE_INT, OF_SCORE, 0);
    add_name(a, "probability", TYPE_REAL, OF_PROBABILITY, 0);
    for (uint32_t i = 0; i < p->rule_count; i++) {
        snprintf(word, sizeof word, "rules.%s", p->rule[i].name);
        add_name(a, word, TYPE_BOOL, OF_RULE, i);
    }
    /* A feature of a field's name is that field, which the record has in any case. */
    for (uint32_t i = 0; i < p->schema->count; i++) {
        const struct field *f = &p->schema->fields[i];

        if (!f->is_personal && (int)i != p->schema->label)
            add_name(a, f->name, f->type, OF_FIELD, i);
    }
    /* Where features are personal, the log has their values sealed. */
    for (uint32_t i = 0; i < p->feature_count && !is_personal; i++)
        add_name(a, p->feature[i].name, program_type(p->program, p->feature[i].node), OF_FEATURE,
                 i);
}

/* ---- compiling ---- */

static bool fail(const struct alerts *a, const struct plan_alert *from, const char *member,
                 const char *words, struct error *e)
{
    return error_set(e, ERROR_INVALID, "%s.%.*s%s: %s", a->section, TEXT_ARG(from->name), member,
                     words);
}

static bool add_node(struct alerts *a, const struct plan_alert *from, const char *member,
                     struct text source, bool is_condition, int *node, struct error *e)
{
    char place[2 * ALERT_NAME_MAX];

    snprintf(place, sizeof place, "%s.%.*s%s", a->section, TEXT_ARG(from->name), member);
    if (!(is_condition ? program_add_condition(a->program, text_of(place), source, node, e)
                       : program_add_feature(a->program, text_of(place), source, node, e)))
        return false;
    if (program_aggregate_count(a->program) > 0)
        return fail(a, from, member,
                    "an alert looks at a decision that was made, so it has no windows: make it a "
                    "feature, and use that",
                    e);
    return is_condition || type_is_number(program_type(a->program, *node)) ||
           fail(a, from, member, "expected a number", e);
}

/* `amount`, where that is a number. */
static struct text usual_amount(const struct alerts *a)
{
    int field = schema_find(a->names, text_of("amount"));

    return text_of(field != FIELD_NONE && type_is_number(a->names->fields[field].type) ? "amount"
                                                                                       : "");
}

static bool name_is_good(struct text name)
{
    return name.length > 0 && name.length <= ALERT_NAME_MAX && text_is_plain(name);
}

static bool add_alert(struct alerts *a, const struct plan *p, const struct plan_alert *from,
                      struct error *e)
{
    struct text queue = from->queue.length > 0 ? from->queue : text_of(ALERT_QUEUE);
    struct text amount = from->amount.length > 0 ? from->amount : usual_amount(a);
    struct alert *made = &a->alert[a->count];

    if (!name_is_good(from->name) || !name_is_good(queue))
        return fail(a, from, "", "expected names of 1 to 64 plain characters", e);
    *made = (struct alert){.entity = p->entity_count > 0 ? 0 : NONE,
                           .within_us = from->within_us,
                           .when = NONE,
                           .priority = NONE,
                           .amount = NONE};
    if (from->entity.length > 0) {
        made->entity = plan_entity_find(p, from->entity);
        if (made->entity < 0)
            return fail(a, from, ".entity", "no such kind of entity; they stand under entities", e);
    }
    if ((from->when.length > 0 && !add_node(a, from, ".when", from->when, true, &made->when, e)) ||
        (from->priority.length > 0 &&
         !add_node(a, from, ".priority", from->priority, false, &made->priority, e)) ||
        (amount.length > 0 && !add_node(a, from, ".amount", amount, false, &made->amount, e)))
        return false;
    made->name = mem_text(from->name.bytes, from->name.length);
    made->queue = mem_text(queue.bytes, queue.length);
    a->count++;
    return true;
}

static void mark_used(void *context, int field)
{
    struct alerts *a = context;

    a->name[field].is_used = true;
}

static void mark_node(struct alerts *a, int node)
{
    if (node != NONE)
        program_fields(a->program, node, mark_used, a);
}

struct alerts *alerts_new(const struct plan *p, const char *section, const struct plan_alert *alert,
                          uint32_t count, const struct plan_spec *spec, struct error *e)
{
    static const struct plan_alert usual = {.name = {ALERT_NAME, sizeof ALERT_NAME - 1},
                                            .within_us = INT64_C(1) * DAY_S * MILLION};
    struct alerts *a = mem_alloc(sizeof *a);
    bool ok = true;

    a->section = section;
    a->names = schema_new();
    a->name = mem_array(5 + p->rule_count + p->feature_count + p->schema->count, sizeof *a->name);
    a->alert = mem_array(count + 1, sizeof *a->alert);
    add_names(a, p);
    a->program = program_new(a->names);
    program_lend_zones(a->program, &spec->zones);
    if (spec->time_zone.length > 0)
        ok = program_set_time_zone(a->program, spec->time_zone, e);
    for (uint32_t i = 0; i < count && ok; i++)
        ok = add_alert(a, p, &alert[i], e);
    if (ok && count == 0)
        ok = add_alert(a, p, &usual, e);
    if (!ok) {
        alerts_free(a);
        return NULL;
    }
    program_finish(a->program);
    for (uint32_t i = 0; i < a->count; i++) {
        mark_node(a, a->alert[i].when);
        mark_node(a, a->alert[i].priority);
        mark_node(a, a->alert[i].amount);
    }
    return a;
}

void alerts_free(struct alerts *a)
{
    if (a == NULL)
        return;
    for (uint32_t i = 0; i < a->count; i++) {
        mem_free(a->alert[i].name);
        mem_free(a->alert[i].queue);
    }
    program_free(a->program);
    schema_free(a->names);
    mem_free(a->name);
    mem_free(a->alert);
    mem_free(a);
}

uint32_t alerts_count(const struct alerts *a)
{
    return a->count;
}

struct alert_info alerts_info(const struct alerts *a, uint32_t alert)
{
    const struct alert *one = &a->alert[alert];

    ASSERT(alert < a->count);
    return (struct alert_info){one->name, one->queue, one->entity, one->within_us};
}

bool alerts_read_features(const struct alerts *a)
{
    for (uint32_t i = 0; i < a->names->count; i++) {
        if (a->name[i].is_used && a->name[i].origin == OF_FEATURE)
            return true;
    }
    return false;
}

/* ---- running ---- */

struct alert_bench *alert_bench_new(const struct alerts *a)
{
    struct alert_bench *b = mem_alloc(sizeof *b);

    registers_init(&b->registers, a->program, 1);
    frame_init(&b->row, a->names, 1, WORDS_BYTES);
    b->row.rows = 1;
    for (uint32_t i = 0; i < a->names->count; i++)
        column_set_null(&b->row.column[i], 0);
    return b;
}

void alert_bench_free(struct alert_bench *b)
{
    if (b == NULL)
        return;
    registers_fini(&b->registers);
    frame_fini(&b->row);
    mem_free(b);
}

static struct value value_of(const struct name *n, const struct plan *p, const struct frame *event,
                             const struct frame *values, const struct decision *d)
{
    switch (n->origin) {
    case OF_OUTCOME:
        return (struct value){.type = TYPE_TEXT, .text = text_of(plan_outcome_name(p, d->outcome))};
    case OF_LEVEL:
        return (struct value){.type = TYPE_TEXT, .text = text_of(plan_level_name(p, d->level))};
    case OF_SCORE:
        return (struct value){.type = TYPE_INT, .integer = d->score};
    case OF_PROBABILITY:
        return (struct value){.type = TYPE_REAL, .real = d->probability};
    case OF_RULE:
        return (struct value){.type = TYPE_BOOL, .integer = decision_has_rule(d, n->index)};
    case OF_FEATURE:
        if (values != NULL)
            return column_get(&values->column[n->index], 0);
        return (struct value){.type = program_type(p->program, p->feature[n->index].node),
                              .is_null = true};
    case OF_FIELD:
        break;
    }
    return column_get(&event->column[n->index], 0);
}

static double number_of(const struct column *c)
{
    if (c->null[0])
        return NAN;
    if (c->type == TYPE_REAL)
        return c->real[0];
    return c->type == TYPE_DECIMAL ? (double)c->integer[0] / MILLION : (double)c->integer[0];
}

static int64_t priority_of(const struct column *c)
{
    double v = number_of(c);

    if (isnan(v) || v <= 0)
        return 0;
    return v >= ALERT_PRIORITY_MAX ? ALERT_PRIORITY_MAX : (int64_t)v;
}

/* Millionths, beyond what they hold: none. */
static bool amount_of(const struct column *c, int64_t *amount)
{
    double v;

    if (c->type == TYPE_DECIMAL && !c->null[0]) {
        *amount = c->integer[0];
        return true;
    }
    v = number_of(c) * MILLION;
    if (isnan(v) || fabs(v) >= 9e18)
        return false;
    *amount = (int64_t)rint(v);
    return true;
}

uint32_t alerts_run(const struct alerts *a, const struct plan *p, struct alert_bench *b,
                    const struct frame *event, const struct frame *values, const struct decision *d,
                    struct raised_alert raised[ALERTS_MAX])
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < a->names->count; i++) {
        if (a->name[i].is_used) {
            struct value v = value_of(&a->name[i], p, event, values, d);

            column_set(&b->row.column[i], 0, &v);
        }
    }
    registers_begin(&b->registers, &b->row, 0, 1);
    program_run(a->program, &b->registers, 0);
    for (uint32_t i = 0; i < a->count; i++) {
        const struct column *column = b->registers.column;
        const struct alert *one = &a->alert[i];
        struct raised_alert *r = &raised[count];

        if (one->when == NONE ? d->outcome == 0
                              : column[one->when].null[0] || column[one->when].integer[0] == 0)
            continue;
        *r = (struct raised_alert){.alert = i, .priority = d->score};
        if (one->priority != NONE)
            r->priority = priority_of(&column[one->priority]);
        if (one->amount != NONE)
            r->has_amount = amount_of(&column[one->amount], &r->amount);
        count++;
    }
    return count;
}

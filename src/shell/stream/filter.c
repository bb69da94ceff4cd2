#include "shell/stream/filter.h"

#include "core/base/memory.h"
#include "shell/settings/settings.h"

enum { OF_DECISION = 4 };

/* Of a decision, behind the event's fields and the features. */
static const struct {
    const char *name;
    enum type type;
} decided[OF_DECISION] = {
    {"score", TYPE_INT}, {"probability", TYPE_REAL}, {"outcome", TYPE_TEXT}, {"level", TYPE_TEXT}};

struct filter {
    const struct plan *plan;
    struct schema *names;
    struct program *program;
    uint32_t *from; /* by column behind the fields: which of `own`, or OF_DECISION and a node */
    struct column own[OF_DECISION];
    struct frame view; /* columns that are others' */
    struct registers registers;
    int node[SETTINGS_SINKS_MAX];
    uint32_t count, capacity, fields;
    bool is_finished;
};

static bool add_name(struct filter *f, const char *name, enum type type, uint32_t from,
                     struct error *e)
{
    if (schema_find(f->names, text_of(name)) != FIELD_NONE)
        return true; /* a feature that is its field, or a field called score: that one counts */
    if (!schema_add(f->names, text_of(name), type, e))
        return false;
    f->from[f->names->count - 1] = from;
    return true;
}

static bool add_names(struct filter *f, struct error *e)
{
    const struct schema *s = plan_schema(f->plan);

    for (uint32_t i = 0; i < s->count; i++) {
        if (!add_name(f, s->fields[i].name, s->fields[i].type, 0, e))
            return false;
    }
    f->fields = f->names->count;
    for (uint32_t i = 0; i < OF_DECISION; i++) {
        if (!add_name(f, decided[i].name, decided[i].type, i, e))
            return false;
    }
    for (uint32_t i = 0; i < plan_feature_count(f->plan); i++) {
        int node = plan_feature_node(f->plan, i);

        if (!add_name(f, plan_feature_name(f->plan, i), program_type(plan_program(f->plan), node),
                      OF_DECISION + (uint32_t)node, e))
            return false;
    }
    return true;
}

struct filter *filter_new(const struct plan *p, uint32_t rows, struct error *e)
{
    struct filter *f = mem_alloc(sizeof *f);

    f->plan = p;
    f->capacity = rows;
    f->names = schema_new();
    f->from = mem_array((size_t)plan_schema(p)->count + OF_DECISION + plan_feature_count(p) + 1,
                        sizeof *f->from);
    for (uint32_t i = 0; i < OF_DECISION; i++)
        column_init(&f->own[i], decided[i].type, rows);
    if (!add_names(f, e)) {
        filter_free(f);
        return NULL;
    }
    f->program = program_new(f->names);
    return f;
}

void filter_free(struct filter *f)
{
    if (f == NULL)
        return;
    if (f->is_finished)
        registers_fini(&f->registers);
    if (f->program != NULL)
        program_free(f->program);
    for (uint32_t i = 0; i < OF_DECISION; i++)
        column_fini(&f->own[i]);
    mem_free(f->view.column);
    schema_free(f->names);
    mem_free(f->from);
    mem_free(f);
}

bool filter_add(struct filter *f, const char *place, const char *where, uint32_t *number,
                struct error *e)
{
    if (!program_add_condition(f->program, text_of(place), text_of(where), &f->node[f->count], e))
        return false;
    if (program_aggregate_count(f->program) > 0)
        return error_set(e, ERROR_INVALID,
                         "%s: aggregates need the events before; make it a feature of the settings",
                         place);
    *number = f->count++;
    return true;
}

void filter_finish(struct filter *f)
{
    program_finish(f->program);
    registers_init(&f->registers, f->program, f->capacity);
    f->view.columns = f->names->count;
    f->view.column = mem_array(f->names->count, sizeof *f->view.column);
    f->is_finished = true;
}

static void set_text(struct column *c, uint32_t row, const char *text)
{
    struct value v = {.type = TYPE_TEXT, .text = text_of(text)};

    column_set(c, row, &v);
}

static void take_decision(struct filter *f, uint32_t row, const struct decision *d)
{
    struct value score = {.type = TYPE_INT, .integer = d->score};
    struct value probability = {.type = TYPE_REAL, .real = d->probability};

    if (!decision_is_made(d)) {
        for (uint32_t i = 0; i < OF_DECISION; i++)
            column_set_null(&f->own[i], row);
        return;
    }
    column_set(&f->own[0], row, &score);
    column_set(&f->own[1], row, &probability);
    set_text(&f->own[2], row, plan_outcome_name(f->plan, d->outcome));
    set_text(&f->own[3], row, plan_level_name(f->plan, d->level));
}

void filter_run(struct filter *f, const struct frame *event, const struct registers *features,
                const struct decision *decisions, uint32_t rows)
{
    if (f->count == 0)
        return;
    for (uint32_t i = 0; i < rows; i++)
        take_decision(f, i, &decisions[i]);
    for (uint32_t i = 0; i < f->names->count; i++) {
        uint32_t from = f->from[i];

        f->view.column[i] = i < f->fields        ? event->column[i]
                            : from < OF_DECISION ? f->own[from]
                                                 : features->column[from - OF_DECISION];
    }
    f->view.rows = f->view.capacity = rows;
    registers_begin(&f->registers, &f->view, 0, rows);
    for (int level = 0; level < program_levels(f->program); level++)
        program_run(f->program, &f->registers, level);
}

bool filter_holds(const struct filter *f, uint32_t number, uint32_t row)
{
    const struct column *c = &f->registers.column[f->node[number]];

    return !c->null[row] && c->integer[row] != 0;
}

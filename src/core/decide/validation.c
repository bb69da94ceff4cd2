#include "core/decide/validation.h"

#include <string.h>

#include "core/base/memory.h"
#include "core/base/panic.h"

struct refusal {
    char *name, *check;
    int node;
    int field;
};

struct validation {
    struct program *program;
    struct refusal *rule;
    uint32_t count;
};

struct validation_bench {
    struct registers registers;
};

static void note_field(void *context, int field)
{
    struct refusal *r = context;

    if (r->field == FIELD_NONE)
        r->field = field;
}

static bool fail_rule(const struct validation_rule *from, const char *hint, struct error *e)
{
    struct error inner = *e;
    const char *words = inner.text;

    if (strncmp(words, from->name.bytes, from->name.length) == 0 && words[from->name.length] == ':')
        words += from->name.length + strlen(": ");
    return error_set(e, ERROR_INVALID, "validate.%.*s.check: %s%s", TEXT_ARG(from->name), words,
                     hint);
}

static bool add_rule(struct validation *v, const struct validation_rule *from, struct error *e)
{
    static const char only_fields[] =
        "; what refuses an event is checked before windows and features, so it reads the event's "
        "own fields only: mark it, or lead it to an outcome, instead";
    struct refusal *r = &v->rule[v->count];
    int node;

    if (!program_add_condition(v->program, from->name, from->check, &node, e))
        return fail_rule(from, only_fields, e);
    if (program_aggregate_count(v->program) > 0) {
        error_set(e, ERROR_INVALID, "reads a window");
        return fail_rule(from, only_fields, e);
    }
    *r = (struct refusal){.name = mem_text(from->name.bytes, from->name.length),
                          .check = mem_text(from->check.bytes, from->check.length),
                          .node = node,
                          .field = FIELD_NONE};
    v->count++;
    program_fields(v->program, node, note_field, r);
    return true;
}

struct validation *validation_new(const struct schema *s, const struct validation_rule *rules,
                                  uint32_t count, struct error *e)
{
    struct validation *v = mem_alloc(sizeof *v);

    v->program = program_new(s);
    v->rule = mem_array(count, sizeof *v->rule);
    for (uint32_t i = 0; i < count; i++) {
        if (!add_rule(v, &rules[i], e)) {
            validation_free(v);
            return NULL;
        }
    }
    program_finish(v->program);
    return v;
}

void validation_free(struct validation *v)
{
    if (v == NULL)
        return;
    for (uint32_t i = 0; i < v->count; i++) {
        mem_free(v->rule[i].name);
        mem_free(v->rule[i].check);
    }
    mem_free(v->rule);
    program_free(v->program);
    mem_free(v);
}

struct validation_bench *validation_bench_new(const struct validation *v, uint32_t rows)
{
    struct validation_bench *b = mem_alloc(sizeof *b);

    registers_init(&b->registers, v->program, rows);
    return b;
}

void validation_bench_free(struct validation_bench *b)
{
    if (b == NULL)
        return;
    registers_fini(&b->registers);
    mem_free(b);
}

uint32_t validation_run(const struct validation *v, struct validation_bench *b,
                        const struct frame *f, uint32_t first, uint32_t rows, uint16_t *failed)
{
    uint32_t count = 0;

    registers_begin(&b->registers, f, first, rows);
    program_run(v->program, &b->registers, 0);
    memset(failed, 0, rows * sizeof *failed);
    for (uint32_t k = 0; k < v->count; k++) {
        const struct column *holds = &b->registers.column[v->rule[k].node];

        for (uint32_t i = 0; i < rows; i++) {
            if (failed[i] != 0 || holds->null[i] || holds->integer[i])
                continue;
            failed[i] = (uint16_t)(k + 1);
            count++;
        }
    }
    return count;
}

int validation_field(const struct validation *v, uint32_t rule)
{
    ASSERT(rule > 0 && rule <= v->count);
    return v->rule[rule - 1].field;
}

void validation_fields(const struct validation *v, void (*visit)(void *context, int field),
                       void *context)
{
    for (uint32_t k = 0; k < v->count; k++)
        program_fields(v->program, v->rule[k].node, visit, context);
}

void validation_words(const struct validation *v, uint32_t rule, struct buffer *out)
{
    ASSERT(rule > 0 && rule <= v->count);
    buffer_format(out, "refused by the rule %s: %s does not hold", v->rule[rule - 1].name,
                  v->rule[rule - 1].check);
}

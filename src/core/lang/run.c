/* Running a program: each call of the level, in order, over whole columns. */
#include "core/base/panic.h"
#include "core/lang/node.h"
#include "core/lang/pattern.h"

/* A text of one row is at most TEXT_MAX; with this much room the arena cannot run out, so a result
 * never depends on how many rows came before in the batch. (A limit, not an allocation.) */
static size_t text_limit(const struct program *p, uint32_t capacity)
{
    size_t calls = 1;

    for (uint32_t i = 0; i < p->count; i++)
        calls +=
            p->nodes[i].is_live && p->nodes[i].kind == NODE_CALL && p->nodes[i].type == TYPE_TEXT;
    return 4 * calls * capacity * (TEXT_MAX + 32) + (1 << 20);
}

static void fill(struct column *c, uint32_t rows, const struct value *v)
{
    for (uint32_t i = 0; i < rows; i++)
        column_set(c, i, v);
}

static void run_call(const struct program *p, struct registers *r, int node, uint32_t rows)
{
    const struct node *n = &p->nodes[node];
    struct call c; /* not cleared: it is made for each node of each event */

    c.rows = rows;
    c.count = n->count;
    c.out = &r->column[node];
    c.node = n;
    c.lists = r->lists;
    c.text = &r->text;
    c.patterns = r->patterns;
    for (uint32_t i = 0; i < n->count; i++)
        c.arg[i] = &r->column[n->args[i]];
    n->row->run(&c);
}

void registers_init(struct registers *r, const struct program *p, uint32_t capacity)
{
    ASSERT(p->is_finished && capacity > 0);
    *r = (struct registers){.program = p, .capacity = capacity};
    r->column = mem_array(p->count, sizeof *r->column);
    r->patterns = pattern_memory_new();
    arena_init(&r->text, text_limit(p, capacity));
    for (uint32_t i = 0; i < p->count; i++) {
        const struct node *n = &p->nodes[i];

        if (!n->is_live)
            continue;
        if (n->kind == NODE_FIELD) {
            r->column[i].type = n->type;
            continue;
        }
        column_init(&r->column[i], n->type, capacity);
        if (n->kind == NODE_CONSTANT)
            fill(&r->column[i], capacity, &n->value);
        else if (n->is_constant)
            run_call(p, r, (int)i, capacity);
    }
}

void registers_fini(struct registers *r)
{
    for (uint32_t i = 0; r->program != NULL && i < r->program->count; i++) {
        const struct node *n = &r->program->nodes[i];

        if (n->is_live && n->kind != NODE_FIELD)
            column_fini(&r->column[i]);
    }
    mem_free(r->column);
    pattern_memory_free(r->patterns);
    arena_fini(&r->text);
    *r = (struct registers){0};
}

static struct column view(const struct column *c, uint32_t first)
{
    struct column v = {.type = c->type, .null = c->null + first};

    if (c->type == TYPE_TEXT)
        v.text = c->text + first;
    else
        v.integer = c->integer + first;
    return v;
}

void registers_begin(struct registers *r, const struct frame *f, uint32_t first, uint32_t rows)
{
    const struct program *p = r->program;

    ASSERT(rows <= r->capacity && first <= f->rows && rows <= f->rows - first);
    r->rows = rows;
    arena_clear(&r->text);
    for (int i = 0; i < p->view_count; i++) {
        int node = p->views[i];

        r->column[node] = view(&f->column[p->nodes[node].param], first);
    }
}

void program_run(const struct program *p, struct registers *r, int level)
{
    ASSERT(r->program == p && level >= 0 && level < p->levels);
    for (int i = p->level_start[level]; i < p->level_start[level + 1]; i++)
        run_call(p, r, p->order[i], r->rows);
}

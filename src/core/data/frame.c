#include "core/data/frame.h"

#include "core/base/panic.h"

static size_t cell_bytes(enum type type)
{
    return type == TYPE_TEXT ? sizeof(struct text) : sizeof(int64_t);
}

/* One allocation: a large one comes from the system as pages of zeros, and pages of marks that
 * nobody sets take no memory. */
void column_init(struct column *c, enum type type, uint32_t capacity)
{
    *c = (struct column){.type = type};
    c->integer = mem_array(capacity, cell_bytes(type) + 1);
    c->null = (uint8_t *)c->integer + capacity * cell_bytes(type);
}

void column_fini(struct column *c)
{
    mem_free(c->integer);
    *c = (struct column){0};
}

void frame_init(struct frame *f, const struct schema *s, uint32_t capacity, size_t text_limit)
{
    *f = (struct frame){.capacity = capacity, .columns = s->count};
    f->column = mem_array(s->count, sizeof *f->column);
    for (uint32_t i = 0; i < s->count; i++)
        column_init(&f->column[i], s->fields[i].type, capacity);
    arena_init(&f->text, text_limit);
}

void frame_fini(struct frame *f)
{
    for (uint32_t i = 0; i < f->columns; i++)
        column_fini(&f->column[i]);
    mem_free(f->column);
    arena_fini(&f->text);
    *f = (struct frame){0};
}

void frame_clear(struct frame *f)
{
    f->rows = 0;
    arena_clear(&f->text);
}

struct value column_get(const struct column *c, uint32_t row)
{
    struct value v = {.type = c->type, .is_null = c->null[row] != 0};

    if (c->type == TYPE_TEXT)
        v.text = c->text[row];
    else
        v.integer = c->integer[row];
    return v;
}

void column_set(struct column *c, uint32_t row, const struct value *v)
{
    ASSERT(v->type == c->type);
    if (v->is_null) {
        column_set_null(c, row);
        return;
    }
    column_clear_null(c, row);
    if (c->type == TYPE_TEXT)
        c->text[row] = v->text;
    else if (c->type == TYPE_REAL)
        c->real[row] = v->real + 0.0; /* -0 becomes 0 */
    else
        c->integer[row] = v->integer;
}

void column_set_null(struct column *c, uint32_t row)
{
    c->null[row] = 1;
    if (c->type == TYPE_TEXT)
        c->text[row] = (struct text){"", 0};
    else
        c->integer[row] = 0;
}

bool frame_append(struct frame *to, const struct frame *from, uint32_t row)
{
    ASSERT(to->columns == from->columns);
    if (to->rows == to->capacity)
        return false;
    for (uint32_t i = 0; i < to->columns; i++) {
        struct value v = column_get(&from->column[i], row);

        if (v.type == TYPE_TEXT && !v.is_null) {
            char *copy = arena_text(&to->text, v.text.bytes, v.text.length);

            if (copy == NULL)
                return false;
            v.text.bytes = copy;
        }
        column_set(&to->column[i], to->rows, &v);
    }
    to->rows++;
    return true;
}

int frame_kind(const struct frame *f, uint32_t row, const struct schema *s)
{
    if (s->kind == FIELD_NONE || f->column[s->kind].null[row])
        return KIND_NONE;
    return schema_find_kind(s, f->column[s->kind].text[row]);
}

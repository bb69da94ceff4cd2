#include "shell/watch/rollup_rows.h"

#include <stdlib.h>

#include "core/base/memory.h"

enum { FIRST_ROWS = 64 };

void rollup_rows_init(struct rollup_rows *r, const char *name)
{
    *r = (struct rollup_rows){.name = mem_text(name, strlen(name)), .period = FIELD_NONE};
    r->schema = schema_new();
    r->is_kept = mem_alloc(ROLLUP_COLUMNS_MAX);
    arena_init(&r->frame.text, ROLLUP_BYTES_MAX);
}

void rollup_rows_fini(struct rollup_rows *r)
{
    mem_free(r->name);
    schema_free(r->schema);
    mem_free(r->is_kept);
    frame_fini(&r->frame);
    *r = (struct rollup_rows){0};
}

static size_t cell_bytes(enum type type)
{
    return 1 + (type == TYPE_TEXT ? sizeof(struct text) : sizeof(int64_t));
}

static bool is_full(const struct rollup_rows *r, uint32_t capacity)
{
    size_t bytes = r->frame.text.total_bytes;

    for (uint32_t i = 0; i < r->frame.columns; i++)
        bytes += (size_t)capacity * cell_bytes(r->frame.column[i].type);
    return capacity > ROLLUP_ROWS_MAX || bytes > ROLLUP_BYTES_MAX;
}

static bool refuse_size(const struct rollup_rows *r, struct error *e)
{
    return error_set(e, ERROR_FULL,
                     "rollup %s: over %d rows or %d MiB: take a longer period, fewer fields in "
                     "`by` or `keep`, or a `where`",
                     r->name, ROLLUP_ROWS_MAX, ROLLUP_BYTES_MAX >> 20);
}

int rollup_rows_add(struct rollup_rows *r, struct text name, enum type type, bool is_kept,
                    struct error *e)
{
    struct frame *f = &r->frame;

    if (f->columns == ROLLUP_COLUMNS_MAX) {
        error_set(e, ERROR_INVALID, "a table of over %d columns", ROLLUP_COLUMNS_MAX);
        return -1;
    }
    if (schema_find(r->schema, name) != FIELD_NONE) {
        error_set(e, ERROR_INVALID, "there are two columns \"%.*s\": name one otherwise",
                  (int)(name.length < 80 ? name.length : 80), name.bytes);
        return -1;
    }
    if (!schema_add(r->schema, name, type, e))
        return -1;
    f->column = mem_resize(f->column, f->columns + 1, sizeof *f->column);
    column_init(&f->column[f->columns], type, f->capacity > 0 ? f->capacity : 1);
    for (uint32_t i = 0; i < f->rows; i++)
        column_set_null(&f->column[f->columns], i);
    r->is_kept[f->columns] = is_kept;
    return (int)f->columns++;
}

static void resize(struct column *c, uint32_t rows, uint32_t capacity)
{
    struct column wide;

    column_init(&wide, c->type, capacity);
    memcpy(wide.null, c->null, rows);
    memcpy(wide.integer, c->integer, rows * (cell_bytes(c->type) - 1));
    column_fini(c);
    *c = wide;
}

bool rollup_rows_grow(struct rollup_rows *r, struct error *e)
{
    struct frame *f = &r->frame;

    if (f->rows == f->capacity) {
        uint32_t capacity = f->capacity > 0 ? f->capacity * 2 : FIRST_ROWS;

        if (capacity > ROLLUP_ROWS_MAX && f->rows < ROLLUP_ROWS_MAX)
            capacity = ROLLUP_ROWS_MAX;
        if (is_full(r, capacity))
            return refuse_size(r, e);
        for (uint32_t i = 0; i < f->columns; i++)
            resize(&f->column[i], f->rows, capacity);
        f->capacity = capacity;
    }
    for (uint32_t i = 0; i < f->columns; i++)
        column_set_null(&f->column[i], f->rows);
    f->rows++;
    return true;
}

bool rollup_rows_set(struct rollup_rows *r, int column, uint32_t row, const struct value *v,
                     struct error *e)
{
    struct value copy = *v;

    if (!v->is_null && v->type == TYPE_TEXT) {
        copy.text.bytes = arena_text(&r->frame.text, v->text.bytes, v->text.length);
        if (copy.text.bytes == NULL)
            return refuse_size(r, e);
    }
    column_set(&r->frame.column[column], row, &copy);
    return true;
}

bool rollup_rows_copy(struct rollup_rows *r, int column, uint32_t at, const struct column *from,
                      uint32_t first, uint32_t rows, struct error *e)
{
    for (uint32_t i = 0; i < rows; i++) {
        struct value v = column_get(from, first + i);

        if (!rollup_rows_set(r, column, at + i, &v, e))
            return false;
    }
    return true;
}

int rollup_cell_compare(const struct column *a, uint32_t i, const struct column *b, uint32_t j)
{
    if (a->null[i] || b->null[j])
        return (int)b->null[j] - (int)a->null[i];
    if (a->type == TYPE_TEXT)
        return text_compare(a->text[i], b->text[j]);
    if (a->type == TYPE_REAL)
        return (a->real[i] > b->real[j]) - (a->real[i] < b->real[j]);
    return (a->integer[i] > b->integer[j]) - (a->integer[i] < b->integer[j]);
}

void rollup_cell_bytes(const struct column *c, uint32_t row, struct buffer *out)
{
    buffer_add_u8(out, c->null[row] ? 0 : 1);
    if (c->null[row])
        return;
    if (c->type == TYPE_TEXT)
        buffer_add_bytes32(out, c->text[row]);
    else
        buffer_add_u64(out, (uint64_t)c->integer[row]);
}

static int compare_rows(const void *a, const void *b, void *context)
{
    const struct rollup_rows *r = context;
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;

    for (uint32_t k = 0; k < r->keys + (r->period != FIELD_NONE); k++) {
        const struct column *c = &r->frame.column[k];
        int order = rollup_cell_compare(c, i, c, j);

        if (order != 0)
            return order;
    }
    return (i > j) - (i < j);
}

void rollup_rows_sort(struct rollup_rows *r)
{
    struct frame *f = &r->frame;
    uint32_t *order = mem_array(f->rows + 1, sizeof *order);

    for (uint32_t i = 0; i < f->rows; i++)
        order[i] = i;
    qsort_r(order, f->rows, sizeof *order, compare_rows, r);
    for (uint32_t k = 0; k < f->columns; k++) {
        struct column sorted;

        column_init(&sorted, f->column[k].type, f->capacity > 0 ? f->capacity : 1);
        for (uint32_t i = 0; i < f->rows; i++) {
            struct value v = column_get(&f->column[k], order[i]);

            column_set(&sorted, i, &v);
        }
        column_fini(&f->column[k]);
        f->column[k] = sorted;
    }
    mem_free(order);
}

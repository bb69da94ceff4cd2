#include "shell/run/label_index.h"

#include "core/base/hash.h"
#include "core/base/memory.h"

enum { CAPACITY_MIN = 64 };

static uint32_t *place(const struct label_index *x, struct text id)
{
    uint32_t at = (uint32_t)hash_bytes(id.bytes, id.length, 0) & (x->capacity - 1);

    while (x->last[at] != 0 && !text_is(id, x->rows->row[x->last[at] - 1].id))
        at = (at + 1) & (x->capacity - 1);
    return &x->last[at];
}

void label_index_init(struct label_index *x, struct label_rows *rows)
{
    *x = (struct label_index){.rows = rows, .capacity = CAPACITY_MIN};
    while (x->capacity < 2 * rows->count)
        x->capacity *= 2;
    x->last = mem_array(x->capacity, sizeof *x->last);
    for (uint32_t i = 0; i < rows->count; i++)
        *place(x, text_of(rows->row[i].id)) = i + 1;
}

void label_index_fini(struct label_index *x)
{
    mem_free(x->last);
    *x = (struct label_index){0};
}

struct label_row *label_index_find(const struct label_index *x, struct text id)
{
    uint32_t at = *place(x, id);

    return at > 0 ? &x->rows->row[at - 1] : NULL;
}

#include "core/velocity/image.h"

#include <string.h>

#include "core/velocity/hyperloglog.h"

static inline int64_t *word_of(uint8_t *image, uint32_t word)
{
    return (int64_t *)image + word;
}

/* Whether any of the rows is null: a zeroed stretch is one comparison in words. */
static bool has_null(const uint8_t *null, uint32_t count)
{
    uint64_t any = 0;
    uint32_t i = 0;

    for (; i + 8 <= count; i += 8) {
        uint64_t eight;

        memcpy(&eight, null + i, sizeof eight);
        any |= eight;
    }
    for (; i < count; i++)
        any |= null[i];
    return any != 0;
}

static int64_t bits_of(double v)
{
    int64_t bits;

    memcpy(&bits, &v, sizeof bits);
    return bits;
}

/* Without a key: an estimate is the same on every machine. */
static int64_t sketched(const struct column *from, uint32_t row)
{
    struct text t = {(const char *)&from->integer[row], sizeof from->integer[row]};

    if (from->type == TYPE_TEXT)
        t = from->text[row];
    return hll_token(hash_bytes(t.bytes, t.length, 0));
}

/* One cell that is not null; false where it has no such value. */
static bool put_value(const struct velocity *v, const struct cell *c, const struct column *from,
                      uint32_t row, int64_t *value)
{
    struct hash128 token;
    struct text t;

    switch (c->kind) {
    case CELL_INTEGER:
        value[0] = from->integer[row];
        return true;
    case CELL_FIXED:
        return fixed_from_real(from->real[row], &value[0]);
    case CELL_REAL:
        value[0] = bits_of(from->real[row]);
        return true;
    case CELL_TOKEN:
        t = from->text[row];
        token = hash_token(t.bytes, t.length, &v->layout->options.key);
        value[0] = (int64_t)token.low;
        value[1] = (int64_t)token.high;
        return true;
    case CELL_SKETCHED:
        value[0] = sketched(from, row);
        return true;
    case CELL_TEXT:
        return true;
    }
    return false;
}

static void put_cells(const struct velocity *v, const struct group *g, const struct cell *c,
                      const struct column *from, uint32_t first, uint32_t count)
{
    size_t stride = image_stride(g);
    uint8_t *image = v->image;

    if (c->kind == CELL_INTEGER && !has_null(from->null + first, count)) {
        for (uint32_t i = 0; i < count; i++)
            *word_of(image + i * stride, c->column) = from->integer[first + i];
        return;
    }
    for (uint32_t i = 0; i < count; i++, image += stride) {
        int64_t *value = word_of(image, c->column);

        if (from->null[first + i] || !put_value(v, c, from, first + i, value)) {
            value[0] = 0;
            flag_set(image + g->flags_at, c->null_bit, true);
        }
    }
}

void image_make(const struct velocity *v, const struct group *g, const struct registers *r,
                const struct velocity_rows *rows, uint32_t first, uint32_t count)
{
    size_t stride = image_stride(g);

    memset(v->image, 0, stride * count);
    for (uint32_t i = 0; i < count; i++) {
        *word_of(v->image + i * stride, 0) = rows->time_us[first + i];
        if (g->has_label)
            *word_of(v->image + i * stride, 1) =
                rows->seq != NULL ? (int64_t)rows->seq[first + i] : 0;
    }
    for (uint32_t k = 0; k < g->where_count; k++) {
        const struct column *c = &r->column[g->wheres[k].node];

        for (uint32_t i = 0; i < count; i++)
            flag_set(v->image + i * stride + g->flags_at, g->wheres[k].bit,
                     !c->null[first + i] && c->integer[first + i] != 0);
    }
    for (uint32_t k = 0; k < g->cell_count; k++)
        put_cells(v, g, &g->cells[k], &r->column[g->cells[k].node], first, count);
}

/* Three-valued logic, and the functions that look at null itself. A null bool's cell is 0. */
#include "core/lang/kernels.h"

/* False wins over null. */
void kernel_and(const struct call *c)
{
    const int64_t *restrict a = c->arg[0]->integer, *restrict b = c->arg[1]->integer;
    const uint8_t *restrict na = c->arg[0]->null, *restrict nb = c->arg[1]->null;
    int64_t *restrict out = c->out->integer;
    uint8_t *restrict null = c->out->null;

    for (uint32_t i = 0; i < c->rows; i++) {
        uint8_t false_a = (uint8_t) ~(na[i] | (uint8_t)a[i]);
        uint8_t false_b = (uint8_t) ~(nb[i] | (uint8_t)b[i]);

        out[i] = a[i] & b[i];
        null[i] = (uint8_t)((na[i] | nb[i]) & ~(false_a | false_b) & 1);
    }
}

/* True wins over null. */
void kernel_or(const struct call *c)
{
    const int64_t *restrict a = c->arg[0]->integer, *restrict b = c->arg[1]->integer;
    const uint8_t *restrict na = c->arg[0]->null, *restrict nb = c->arg[1]->null;
    int64_t *restrict out = c->out->integer;
    uint8_t *restrict null = c->out->null;

    for (uint32_t i = 0; i < c->rows; i++) {
        out[i] = a[i] | b[i];
        null[i] = (uint8_t)((na[i] | nb[i]) & ~(a[i] | b[i]));
    }
}

void kernel_not(const struct call *c)
{
    const int64_t *restrict a = c->arg[0]->integer;
    const uint8_t *restrict na = c->arg[0]->null;
    int64_t *restrict out = c->out->integer;
    uint8_t *restrict null = c->out->null;

    for (uint32_t i = 0; i < c->rows; i++)
        store_word(out, null, i, !a[i], na[i]);
}

void kernel_is_null(const struct call *c)
{
    const uint8_t *restrict na = c->arg[0]->null;
    int64_t *restrict out = c->out->integer;

    memset(c->out->null, 0, c->rows);
    for (uint32_t i = 0; i < c->rows; i++)
        out[i] = na[i];
}

/* A null condition is false; its cell is 0 already. */
void kernel_if_words(const struct call *c)
{
    const int64_t *restrict when = c->arg[0]->integer;
    const int64_t *restrict a = c->arg[1]->integer, *restrict b = c->arg[2]->integer;
    const uint8_t *restrict na = c->arg[1]->null, *restrict nb = c->arg[2]->null;
    int64_t *restrict out = c->out->integer;
    uint8_t *restrict null = c->out->null;

    for (uint32_t i = 0; i < c->rows; i++) {
        out[i] = when[i] ? a[i] : b[i];
        null[i] = when[i] ? na[i] : nb[i];
    }
}

void kernel_if_text(const struct call *c)
{
    for (uint32_t i = 0; i < c->rows; i++) {
        const struct column *chosen = c->arg[c->arg[0]->integer[i] ? 1 : 2];

        store_text(c->out->text, c->out->null, i, chosen->text[i], chosen->null[i]);
    }
}

/* The first argument that is not null, or the last. */
static const struct column *first_known(const struct call *c, uint32_t row)
{
    uint32_t j = 0;

    while (j + 1 < c->count && c->arg[j]->null[row])
        j++;
    return c->arg[j];
}

void kernel_coalesce_words(const struct call *c)
{
    for (uint32_t i = 0; i < c->rows; i++) {
        const struct column *chosen = first_known(c, i);

        store_word(c->out->integer, c->out->null, i, chosen->integer[i], chosen->null[i]);
    }
}

void kernel_coalesce_text(const struct call *c)
{
    for (uint32_t i = 0; i < c->rows; i++) {
        const struct column *chosen = first_known(c, i);

        store_text(c->out->text, c->out->null, i, chosen->text[i], chosen->null[i]);
    }
}

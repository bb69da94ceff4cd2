/* Three-valued logic, and the functions that look at null itself. A null bool's cell is 0. */
#include "core/lang/kernels.h"

/* False wins over null. */
void kernel_and(const struct call *c)
{
    const struct column *a = c->arg[0], *b = c->arg[1];

    for (uint32_t i = 0; i < c->rows; i++) {
        bool is_false = (!a->null[i] & !a->integer[i]) | (!b->null[i] & !b->integer[i]);

        c->out->integer[i] = a->integer[i] & b->integer[i];
        c->out->null[i] = (a->null[i] | b->null[i]) & !is_false;
    }
}

/* True wins over null. */
void kernel_or(const struct call *c)
{
    const struct column *a = c->arg[0], *b = c->arg[1];

    for (uint32_t i = 0; i < c->rows; i++) {
        int64_t v = a->integer[i] | b->integer[i];

        c->out->integer[i] = v;
        c->out->null[i] = (uint8_t)((a->null[i] | b->null[i]) & !v);
    }
}

void kernel_not(const struct call *c)
{
    for (uint32_t i = 0; i < c->rows; i++)
        store_word(c->out->integer, c->out->null, i, !c->arg[0]->integer[i], c->arg[0]->null[i]);
}

void kernel_is_null(const struct call *c)
{
    memset(c->out->null, 0, c->rows);
    for (uint32_t i = 0; i < c->rows; i++)
        c->out->integer[i] = c->arg[0]->null[i];
}

/* A null condition is false; its cell is 0 already. */
void kernel_if_words(const struct call *c)
{
    const int64_t *restrict when = c->arg[0]->integer;
    const struct column *a = c->arg[1], *b = c->arg[2];

    for (uint32_t i = 0; i < c->rows; i++) {
        c->out->integer[i] = when[i] ? a->integer[i] : b->integer[i];
        c->out->null[i] = when[i] ? a->null[i] : b->null[i];
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

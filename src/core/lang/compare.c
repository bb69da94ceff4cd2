/* Comparisons and membership: null where a side is null. Text is in byte order. */
#include "core/lang/kernels.h"

#define COMPARE(name, member, expression)                                                          \
    void kernel_##name(const struct call *c)                                                       \
    {                                                                                              \
        const __typeof__(*c->out->member) *restrict a = c->arg[0]->member;                         \
        const __typeof__(*c->out->member) *restrict b = c->arg[1]->member;                         \
        const uint8_t *restrict na = c->arg[0]->null, *restrict nb = c->arg[1]->null;              \
        int64_t *restrict out = c->out->integer;                                                   \
        uint8_t *restrict null = c->out->null;                                                     \
                                                                                                   \
        for (uint32_t i = 0; i < c->rows; i++)                                                     \
            store_word(out, null, i, expression, na[i] | nb[i]);                                   \
    }

COMPARE(equal_words, integer, a[i] == b[i])
COMPARE(unequal_words, integer, a[i] != b[i])
COMPARE(below_words, integer, a[i] < b[i])
COMPARE(most_words, integer, a[i] <= b[i])
COMPARE(above_words, integer, a[i] > b[i])
COMPARE(least_of_words, integer, a[i] >= b[i])

COMPARE(below_real, real, a[i] < b[i])
COMPARE(most_real, real, a[i] <= b[i])
COMPARE(above_real, real, a[i] > b[i])
COMPARE(least_of_real, real, a[i] >= b[i])

COMPARE(equal_text, text, text_equal(a[i], b[i]))
COMPARE(unequal_text, text, !text_equal(a[i], b[i]))
COMPARE(below_text, text, text_compare(a[i], b[i]) < 0)
COMPARE(most_text, text, text_compare(a[i], b[i]) <= 0)
COMPARE(above_text, text, text_compare(a[i], b[i]) > 0)
COMPARE(least_of_text, text, text_compare(a[i], b[i]) >= 0)

/* Members are sorted: the first not below is the only candidate. */
static bool has_word(const struct set *s, int64_t v)
{
    uint32_t low = 0, high = s->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (s->members[middle].integer < v)
            low = middle + 1;
        else
            high = middle;
    }
    return low < s->count && s->members[low].integer == v;
}

static bool has_text(const struct set *s, struct text t)
{
    uint32_t low = 0, high = s->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (text_compare(s->members[middle].text, t) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < s->count && text_equal(s->members[low].text, t);
}

void kernel_in_words(const struct call *c)
{
    for (uint32_t i = 0; i < c->rows; i++)
        store_word(c->out->integer, c->out->null, i, has_word(c->node->set, c->arg[0]->integer[i]),
                   c->arg[0]->null[i]);
}

void kernel_in_text(const struct call *c)
{
    for (uint32_t i = 0; i < c->rows; i++)
        store_word(c->out->integer, c->out->null, i, has_text(c->node->set, c->arg[0]->text[i]),
                   c->arg[0]->null[i]);
}

/* The members are the caller's; without them every list is empty. */
void kernel_in_list(const struct call *c)
{
    int64_t *out = c->out->integer;

    if (c->lists != NULL)
        c->lists->read(c->lists->context, (uint32_t)c->node->literal.number, c->arg[0], c->rows,
                       out);
    else
        memset(out, 0, c->rows * sizeof *out);
    for (uint32_t i = 0; i < c->rows; i++)
        store_word(out, c->out->null, i, out[i], c->arg[0]->null[i]);
}

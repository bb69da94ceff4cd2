#include "core/decide/token_index.h"

static void *item_at(const struct token_index *x, uint32_t position)
{
    return (char *)x->items + (size_t)position * x->item_bytes;
}

static const struct hash128 *token_at(const struct token_index *x, uint32_t slot)
{
    return item_at(x, slot - 1);
}

static uint64_t mask_of(const struct token_index *x)
{
    return 2 * x->capacity - 1;
}

uint32_t *token_index_slot(const struct token_index *x, struct hash128 token)
{
    uint64_t slot = token.low & mask_of(x);

    while (x->slots[slot] != 0) {
        const struct hash128 *other = token_at(x, x->slots[slot]);

        if (other->low == token.low && other->high == token.high)
            break;
        slot = (slot + 1) & mask_of(x);
    }
    return &x->slots[slot];
}

void *token_index_find(const struct token_index *x, struct hash128 token)
{
    uint32_t slot = *token_index_slot(x, token);

    return slot != 0 ? item_at(x, slot - 1) : NULL;
}

static void set(const struct token_index *x, uint64_t slot, uint32_t value)
{
    region_touch(x->region, &x->slots[slot], sizeof *x->slots);
    x->slots[slot] = value;
}

/* Slots after the hole move back as long as that brings them nearer home. */
void token_index_remove(const struct token_index *x, struct hash128 token)
{
    uint64_t hole = (uint64_t)(token_index_slot(x, token) - x->slots), mask = mask_of(x);

    for (uint64_t slot = (hole + 1) & mask; x->slots[slot] != 0; slot = (slot + 1) & mask) {
        uint64_t home = token_at(x, x->slots[slot])->low & mask;

        if (((slot - home) & mask) < ((slot - hole) & mask))
            continue;
        set(x, hole, x->slots[slot]);
        hole = slot;
    }
    set(x, hole, 0);
}

#include "core/model/parts.h"

#include <string.h>

#include "core/base/hash.h"
#include "core/base/panic.h"

static const uint64_t category_seed = 0x63617465676f7279u; /* any constant */

void category_map_fini(struct category_map *c)
{
    mem_free(c->bytes);
    mem_free(c->value);
    mem_free(c->number);
    mem_free(c->slot);
    *c = (struct category_map){0};
}

/* The slot where t is or would be. */
static uint32_t find_slot(const struct category_map *c, struct text t)
{
    uint32_t mask = c->slots - 1;
    uint32_t at = (uint32_t)hash_bytes(t.bytes, t.length, category_seed) & mask;

    while (c->slot[at] != 0 && !text_equal(c->value[c->slot[at] - 1], t))
        at = (at + 1) & mask;
    return at;
}

static void make_index(struct category_map *c)
{
    c->slots = 4;
    while (c->slots < 2 * c->count)
        c->slots *= 2;
    c->slot = mem_array(c->slots, sizeof *c->slot);
    for (uint32_t i = 0; i < c->count; i++)
        c->slot[find_slot(c, c->value[i])] = i + 1;
}

void category_map_set(struct category_map *c, const struct text *value, const double *number,
                      uint32_t count, double other)
{
    size_t total = 0;
    char *at;

    ASSERT(count <= MODEL_CATEGORIES_MAX);
    for (uint32_t i = 0; i < count; i++)
        total += value[i].length;
    *c = (struct category_map){.count = count, .other = other};
    c->bytes = at = mem_array(total + 1, 1);
    c->value = mem_array(count + 1, sizeof *c->value);
    c->number = mem_array(count + 1, sizeof *c->number);
    for (uint32_t i = 0; i < count; i++) {
        if (value[i].length > 0)
            memcpy(at, value[i].bytes, value[i].length);
        c->value[i] = (struct text){at, value[i].length};
        c->number[i] = number[i];
        at += value[i].length;
    }
    make_index(c);
}

double category_map_find(const struct category_map *c, struct text t)
{
    uint32_t index = c->slot[find_slot(c, t)];

    return index == 0 ? c->other : c->number[index - 1];
}

#include "shell/settings/origins.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"

struct origins {
    struct origin *item;
    uint32_t count;
};

struct origins *origins_new(void)
{
    return mem_alloc(sizeof(struct origins));
}

void origins_free(struct origins *o)
{
    if (o == NULL)
        return;
    for (uint32_t i = 0; i < o->count; i++) {
        mem_free((char *)o->item[i].path);
        mem_free((char *)o->item[i].words);
    }
    mem_free(o->item);
    mem_free(o);
}

void origins_add(struct origins *o, const struct origin *origin)
{
    struct origin *copy;

    if ((o->count & (o->count - 1)) == 0) /* grows at powers of two */
        o->item = mem_resize(o->item, o->count ? 2 * (size_t)o->count : 1, sizeof *o->item);
    copy = &o->item[o->count++];
    *copy = *origin;
    copy->path = mem_text(origin->path, strlen(origin->path));
    copy->words = origin->words != NULL ? mem_text(origin->words, strlen(origin->words)) : NULL;
}

static int origin_compare(const void *a, const void *b)
{
    return strcmp(((const struct origin *)a)->path, ((const struct origin *)b)->path);
}

void origins_sort(struct origins *o)
{
    if (o->count > 0)
        qsort(o->item, o->count, sizeof *o->item, origin_compare);
}

const struct origin *origins_find(const struct origins *o, const char *path)
{
    struct origin wanted = {.path = path};

    if (o == NULL || o->count == 0)
        return NULL;
    return bsearch(&wanted, o->item, o->count, sizeof *o->item, origin_compare);
}

const struct origin *origins_first_below(const struct origins *o, const char *path)
{
    const struct origin *first = NULL;
    size_t length = strlen(path);

    for (uint32_t i = 0; o != NULL && i < o->count; i++) {
        const struct origin *at = &o->item[i];

        if (at->line == 0 || strncmp(at->path, path, length) != 0 || at->path[length] != '.')
            continue;
        if (first == NULL || at->line < first->line ||
            (at->line == first->line && at->column < first->column))
            first = at;
    }
    return first;
}

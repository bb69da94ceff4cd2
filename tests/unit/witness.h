/* Holds a region's writers to region_touch: every byte that changes was told before it changed. */
#ifndef ASSAY_TESTS_WITNESS_H
#define ASSAY_TESTS_WITNESS_H

#include <stdlib.h>
#include <string.h>

#include "core/velocity/region.h"

struct witness {
    struct region_watch watch; /* first */
    struct region *region;
    size_t used;
    uint8_t *before, *told;
    uint64_t tellings;
};

static inline void witness_before_change(struct region_watch *watch, size_t at, size_t bytes)
{
    struct witness *w = (struct witness *)watch;

    w->tellings += bytes > 0;
    for (size_t i = at; bytes > 0 && i < at + bytes && i < w->used; i++) {
        if (!w->told[i] && w->region->base[i] != w->before[i])
            fail_msg("byte %zu of the region changed before it was told", i);
        w->told[i] = 1;
    }
}

static inline void witness_begin(struct witness *w, struct region *r)
{
    *w = (struct witness){.watch = {witness_before_change}, .region = r};
    w->used = region_header(r)->used;
    w->before = malloc(w->used);
    w->told = calloc(w->used, 1);
    memcpy(w->before, r->base, w->used);
    r->watch = &w->watch;
}

/* How many bytes had changed. */
static inline size_t witness_end(struct witness *w)
{
    size_t changed = 0;

    for (size_t i = 0; i < w->used; i++) {
        if (w->region->base[i] == w->before[i])
            continue;
        changed++;
        if (!w->told[i])
            fail_msg("byte %zu of the region changed and was not told", i);
    }
    w->region->watch = NULL;
    free(w->before);
    free(w->told);
    return changed;
}

#endif

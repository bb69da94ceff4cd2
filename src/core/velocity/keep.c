#include "core/velocity/keep.h"

#include <string.h>

#include "core/velocity/evict.h"

struct kept_text {
    uint32_t length;
    char bytes[];
};

struct text text_kept(const struct velocity *v, int64_t kept)
{
    const struct kept_text *k;

    if (kept == 0)
        return (struct text){"", 0};
    k = region_at(v->region, (region_ref)kept);
    return (struct text){k->bytes, k->length};
}

int64_t text_keep(struct velocity *v, uint32_t group, struct text t)
{
    region_ref ref;
    struct kept_text *k;

    if (t.length > TEXT_MAX)
        return 0;
    ref = room_alloc(v, group, sizeof *k + t.length);
    if (ref == 0) {
        v->state[group].counts.dropped++;
        return 0;
    }
    k = region_at(v->region, ref);
    k->length = (uint32_t)t.length;
    if (t.length > 0)
        memcpy(k->bytes, t.bytes, t.length);
    return ref;
}

int64_t text_copy(struct velocity *v, uint32_t group, int64_t kept)
{
    return kept == 0 ? 0 : text_keep(v, group, text_kept(v, kept));
}

void text_free(struct velocity *v, uint32_t group, int64_t kept)
{
    if (kept != 0)
        room_free(v, group, (region_ref)kept, sizeof(struct kept_text) + text_kept(v, kept).length);
}

#include "shell/run/list_change.h"

#include "core/base/memory.h"
#include "shell/run/list_value.h"

uint32_t list_changes_of(const struct engine *n, enum type type, const struct list_item *item,
                         uint32_t items, struct list_change *change, uint32_t *place)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < items; i++) {
        struct value v;

        if (!list_value_parse(type, item[i].value, &v))
            continue;
        place[count] = i;
        change[count++] = (struct list_change){.token = engine_list_token(n, &v),
                                               .is_removal = item[i].is_removal,
                                               .is_again = item[i].is_again,
                                               .added_us = item[i].added_us,
                                               .expires_us = item[i].expires_us,
                                               .note = list_note(item[i].note)};
    }
    return count;
}

struct work {
    struct list_change change[LIST_CHANGES_MAX];
    uint32_t place[LIST_CHANGES_MAX];
};

bool list_items_apply(struct engine *n, const struct plan *p, uint32_t list,
                      const struct list_item *item, uint32_t count, enum list_origin origin,
                      uint64_t seq, int64_t at_us, struct error *e)
{
    struct work *w = mem_alloc(sizeof *w);
    bool ok;

    count = list_changes_of(n, plan_list_type(p, list), item, count, w->change, w->place);
    ok = engine_list_reserve(n, list, w->change, count, e) ||
         error_prefix(e, "lists.%s", plan_list_name(p, list));
    for (uint32_t i = 0; ok && i < count; i++)
        engine_list_apply(n, list, &w->change[i], seq, w->place[i], at_us, origin);
    mem_free(w);
    return ok;
}

bool list_body_apply(struct engine *n, const struct plan *p, const struct list_body *b,
                     uint64_t seq, int64_t at_us, struct error *e)
{
    int list = plan_list_find(p, b->list);
    struct list_item *item;
    struct reader r;
    bool ok;

    if (list < 0)
        return true;
    item = mem_array(b->count, sizeof *item);
    reader_init(&r, b->items.bytes, b->items.length);
    for (uint32_t i = 0; i < b->count; i++)
        list_item_next(&r, &item[i]);
    ok = list_items_apply(n, p, (uint32_t)list, item, b->count, (enum list_origin)b->origin, seq,
                          at_us, e);
    if (ok && b->file != 0)
        lists_set_file(engine_lists(n), (uint32_t)list, b->file);
    mem_free(item);
    return ok;
}

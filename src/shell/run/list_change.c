#include "shell/run/list_change.h"

#include <string.h>

#include "core/base/calendar.h"
#include "core/base/memory.h"
#include "core/base/number.h"
#include "core/data/cell.h"

static bool parse(enum type type, struct text text, struct value *v, enum fault *fault)
{
    const struct field field = {.type = type, .point = '.'};

    if (text.length == 0 || text.length > LIST_VALUE_MAX)
        return false;
    *fault = cell_parse(text, &field, v);
    return *fault == FAULT_NONE && !v->is_null;
}

bool list_value_read(enum type type, struct text text, char out[LIST_VALUE_MAX + 1],
                     struct text *value, struct error *e)
{
    enum fault fault = FAULT_NONE;
    struct value v;

    if (!parse(type, text, &v, &fault))
        return error_set(e, ERROR_INVALID, "expected %s of 1 to %d bytes%s%s", type_name(type),
                         LIST_VALUE_MAX, fault != FAULT_NONE ? "; " : "",
                         fault != FAULT_NONE ? fault_text(fault) : "");
    value->bytes = out;
    if (type == TYPE_TEXT) {
        memcpy(out, v.text.bytes, v.text.length);
        out[v.text.length] = 0;
        value->length = v.text.length;
    } else {
        value->length = type == TYPE_INT ? number_format_int(v.integer, out)
                                         : number_format_decimal(v.integer, out);
    }
    return true;
}

bool list_expiry_read(struct text text, int64_t now_us, int64_t *expires_us, struct error *e)
{
    int64_t us;

    if (duration_parse(text, &us)) {
        if (us > 0 && us <= TIME_MAX_US - now_us) {
            *expires_us = now_us + us;
            return true;
        }
    } else if (time_parse(text, TIME_ISO, expires_us)) {
        return true;
    }
    return error_set(e, ERROR_INVALID,
                     "expected a duration like 7d or a time like 2026-05-01T00:00:00Z");
}

uint32_t list_changes_of(const struct engine *n, enum type type, const struct list_item *item,
                         uint32_t items, struct list_change *change, uint32_t *place)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < items; i++) {
        enum fault fault;
        struct value v;

        if (!parse(type, item[i].value, &v, &fault))
            continue;
        place[count] = i;
        change[count++] = (struct list_change){.token = engine_list_token(n, &v),
                                               .is_removal = item[i].is_removal,
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

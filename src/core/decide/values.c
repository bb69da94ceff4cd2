#include "core/decide/values.h"

#include <string.h>

#include "core/data/event.h"

enum { CELL_BYTES = 11, TEXT_ROOM = 256 }; /* of a cell beside a text; of texts, on average */

size_t values_most(const struct plan *p)
{
    const struct schema *s = plan_values_schema(p);
    size_t bytes = 2;

    for (uint32_t i = 0; i < s->count; i++)
        bytes += CELL_BYTES + (s->fields[i].type == TYPE_TEXT ? TEXT_ROOM : 0);
    return bytes;
}

bool values_format(const struct plan *p, const struct registers *r, uint32_t row,
                   struct buffer *out)
{
    const struct column *column[LANG_FEATURES_MAX];
    size_t texts = 0, room = 0;

    for (uint32_t i = 0; i < plan_feature_count(p); i++) {
        column[i] = &r->column[plan_feature_node(p, i)];
        if (column[i]->type != TYPE_TEXT)
            continue;
        texts += column[i]->text[row].length;
        room += TEXT_ROOM;
    }
    if (texts > room)
        return false;
    event_encode_columns(out, column, plan_feature_count(p), row);
    return true;
}

bool values_parse(const struct plan *p, struct text bytes, const struct decision *d,
                  struct frame *f, struct error *e)
{
    uint64_t h = values_hash_begin(plan_feature_count(p));
    struct reader in;

    reader_init(&in, bytes.bytes, bytes.length);
    if (!event_decode(&in, plan_values_schema(p), f, e))
        return false;
    for (uint32_t i = 0; i < plan_feature_count(p); i++)
        h = values_hash_add(h, &f->column[i], f->rows - 1, i);
    if (reader_left(&in) != 0 || h != d->features_hash)
        return error_set(e, ERROR_INVALID,
                         "the values of a decision's features are not those that it was made by");
    return true;
}

bool values_of_reasons(const struct plan *p, struct text bytes, struct decision *d, struct error *e)
{
    struct frame f;
    bool ok;

    if (bytes.length == 0 || d->reasons == 0)
        return true;
    frame_init(&f, plan_values_schema(p), 1, values_most(p));
    ok = values_parse(p, bytes, d, &f, e);
    for (uint32_t i = 0; ok && i < d->reasons; i++)
        reason_take_value(&d->reason[i], &f.column[d->reason[i].feature], 0);
    frame_fini(&f);
    return ok;
}

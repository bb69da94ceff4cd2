#include "core/base/cursor.h"
#include "core/base/hash.h"
#include "shell/store/backend.h"

static uint64_t query_hash(const struct store_query *q)
{
    const int64_t numbers[] = {q->from_us,
                               q->until_us,
                               (int64_t)q->sort,
                               q->min_score,
                               q->max_score,
                               q->received_from_us,
                               q->received_until_us,
                               q->has_label,
                               q->has_label ? q->label : 0,
                               q->entity};
    const struct text words[] = {q->outcome, q->level, q->rule, q->id_prefix};
    uint64_t hash = hash_bytes(numbers, sizeof numbers, 1);

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        hash = hash_bytes(words[i].bytes, words[i].length, hash);
    return hash;
}

void store_cursor_format(const struct store_query *q, const struct store_cursor *c,
                         char out[STORE_CURSOR_MAX])
{
    cursor_format(
        &(struct cursor){.of = query_hash(q), .first = (uint64_t)c->key, .second = c->seq}, out);
}

bool store_cursor_parse(const struct store_query *q, struct store_cursor *c, struct error *e)
{
    struct cursor at = {.of = query_hash(q)};

    if (!cursor_parse(q->cursor, &at, e))
        return false;
    *c = (struct store_cursor){(int64_t)at.first, at.second};
    return true;
}

#include <inttypes.h>
#include <stdio.h>

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
    snprintf(out, STORE_CURSOR_MAX, "%016" PRIx64 "%016" PRIx64 "%016" PRIx64, (uint64_t)c->key,
             c->seq, query_hash(q));
}

static bool hex_word(const char *at, uint64_t *v)
{
    *v = 0;
    for (int i = 0; i < 16; i++) {
        char c = at[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
        *v = *v << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return true;
}

bool store_cursor_parse(const struct store_query *q, struct store_cursor *c, struct error *e)
{
    uint64_t key, seq, hash;

    if (q->cursor.length != 48 || !hex_word(q->cursor.bytes, &key) ||
        !hex_word(q->cursor.bytes + 16, &seq) || !hex_word(q->cursor.bytes + 32, &hash))
        return error_set(e, ERROR_USAGE, "cursor is not one that an answer gave as `next`");
    if (hash != query_hash(q))
        return error_set(e, ERROR_USAGE,
                         "cursor belongs to another query; keep all but limit and fields as they "
                         "were");
    *c = (struct store_cursor){(int64_t)key, seq};
    return true;
}

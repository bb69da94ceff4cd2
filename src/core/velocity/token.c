/* Tokens of entities: SipHash with 128 bits under the data directory's key, over the key's values.
 * The values can neither be read back nor be chosen so that two tokens meet. */
#include <string.h>

#include "core/base/panic.h"
#include "core/velocity/layout.h"

enum { KEY_BYTES_MAX = LANG_KEYS_MAX * (TEXT_MAX + 8) };

/* Append one part, texts with their length before them; false where it is null. */
static bool put_part(const struct column *c, uint32_t row, uint8_t *bytes, size_t *length)
{
    const void *from = &c->integer[row];
    size_t size = 8;

    if (c->null[row])
        return false;
    if (c->type == TYPE_TEXT) {
        uint64_t text_length = c->text[row].length;

        ASSERT(text_length <= TEXT_MAX);
        memcpy(bytes + *length, &text_length, 8);
        *length += 8;
        from = c->text[row].bytes;
        size = text_length;
    }
    if (size > 0)
        memcpy(bytes + *length, from, size);
    *length += size;
    return true;
}

static struct hash128 token_of(const struct velocity_layout *l, const struct aggregate *key,
                               const struct registers *r, uint32_t row)
{
    uint8_t bytes[KEY_BYTES_MAX];
    size_t length = 0;

    for (int i = 0; i < key->key_count; i++) {
        if (!put_part(&r->column[key->keys[i]], row, bytes, &length))
            return (struct hash128){0, 0};
    }
    return hash_token(bytes, length, &l->options.key);
}

/* The first group with the key of group `i`: at another level, it has the same token. */
static uint32_t same_key(const struct velocity_layout *l, uint32_t i)
{
    const struct aggregate *a = l->groups[i].key;

    for (uint32_t k = 0; k < i; k++) {
        const struct aggregate *b = l->groups[k].key;

        if (a->key_count == b->key_count &&
            memcmp(a->keys, b->keys, (size_t)a->key_count * sizeof a->keys[0]) == 0)
            return k;
    }
    return i;
}

void velocity_tokens(const struct velocity_layout *l, const struct registers *r,
                     struct hash128 *token)
{
    for (uint32_t i = 0; i < l->group_count; i++) {
        uint32_t from = same_key(l, i);

        for (uint32_t row = 0; row < r->rows; row++) {
            struct hash128 *to = &token[(size_t)row * l->group_count];

            to[i] = from < i ? to[from] : token_of(l, l->groups[i].key, r, row);
        }
    }
}

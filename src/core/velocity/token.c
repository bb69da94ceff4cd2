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

/* SipHash of one 8-byte word for eight rows at a time, in vectors: the bits of hash_token. A
 * cheaper mix was rejected: tokens leave with snapshots, and the key must not be found from a few
 * known ones.
 */
#if defined(__x86_64__)
enum { LANES = 8 };

struct lanes {
    uint64_t a __attribute__((vector_size(LANES * 8)));
    uint64_t b __attribute__((vector_size(LANES * 8)));
    uint64_t c __attribute__((vector_size(LANES * 8)));
    uint64_t d __attribute__((vector_size(LANES * 8)));
};

#define ROTATE(x, by) ((x) << (by) | (x) >> (64 - (by)))

static inline __attribute__((always_inline)) void sip_lanes(struct lanes *v, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        v->a += v->b;
        v->c += v->d;
        v->b = ROTATE(v->b, 13) ^ v->a;
        v->d = ROTATE(v->d, 16) ^ v->c;
        v->a = ROTATE(v->a, 32);
        v->c += v->b;
        v->a += v->d;
        v->b = ROTATE(v->b, 17) ^ v->c;
        v->d = ROTATE(v->d, 21) ^ v->a;
        v->c = ROTATE(v->c, 32);
    }
}

/* tokens of eight words, at every `stride`-th place */
static inline __attribute__((always_inline)) void
token_lanes(const struct hash_key *key, const int64_t *value, struct hash128 *token, size_t stride)
{
    const uint64_t length = (uint64_t)8 << 56;
    uint64_t word __attribute__((vector_size(LANES * 8)));
    uint64_t low __attribute__((vector_size(LANES * 8)));
    uint64_t high __attribute__((vector_size(LANES * 8)));
    const uint64_t zero __attribute__((vector_size(LANES * 8))) = {0};
    struct lanes v = {0};

    memcpy(&word, value, sizeof word);
    v.a = zero + (key->k0 ^ 0x736f6d6570736575u);
    v.b = zero + (key->k1 ^ 0x646f72616e646f6du ^ 0xee);
    v.c = zero + (key->k0 ^ 0x6c7967656e657261u);
    v.d = (zero + (key->k1 ^ 0x7465646279746573u)) ^ word;
    sip_lanes(&v, 2);
    v.a ^= word;
    v.d ^= length;
    sip_lanes(&v, 2);
    v.a ^= length;
    v.c ^= 0xee;
    sip_lanes(&v, 4);
    low = v.a ^ v.b ^ v.c ^ v.d;
    v.b ^= 0xdd;
    sip_lanes(&v, 4);
    high = v.a ^ v.b ^ v.c ^ v.d;
    for (int i = 0; i < LANES; i++)
        token[(size_t)i * stride] = (struct hash128){low[i], high[i]};
}

__attribute__((target("avx2"))) static void tokens_avx2(const struct hash_key *key,
                                                        const int64_t *value, uint32_t rows,
                                                        struct hash128 *token, size_t stride)
{
    for (uint32_t i = 0; i + LANES <= rows; i += LANES)
        token_lanes(key, value + i, token + i * stride, stride);
}

__attribute__((target("avx512f"))) static void tokens_avx512(const struct hash_key *key,
                                                             const int64_t *value, uint32_t rows,
                                                             struct hash128 *token, size_t stride)
{
    for (uint32_t i = 0; i + LANES <= rows; i += LANES)
        token_lanes(key, value + i, token + i * stride, stride);
}

/* Tokens of a key of one word, for a whole number of vectors; how many rows that is. */
static uint32_t tokens_by_vector(const struct hash_key *key, const struct column *c, uint32_t rows,
                                 enum simd simd, struct hash128 *token, size_t stride)
{
    uint32_t done = rows / LANES * LANES;

    if (simd == SIMD_SCALAR || done == 0)
        return 0;
    if (simd == SIMD_AVX512)
        tokens_avx512(key, c->integer, rows, token, stride);
    else
        tokens_avx2(key, c->integer, rows, token, stride);
    for (uint32_t i = 0; i < done; i++) {
        if (c->null[i])
            token[i * stride] = (struct hash128){0, 0};
    }
    return done;
}
#else
static uint32_t tokens_by_vector(const struct hash_key *key, const struct column *c, uint32_t rows,
                                 enum simd simd, struct hash128 *token, size_t stride)
{
    return 0;
}
#endif

struct hash128 velocity_key_token(const struct hash_key *key, const struct column *c, uint32_t row)
{
    uint8_t bytes[TEXT_MAX + 8];
    size_t length = 0;

    if (!put_part(c, row, bytes, &length))
        return (struct hash128){0, 0};
    return hash_token(bytes, length, key);
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

static void group_tokens(const struct velocity_layout *l, uint32_t group, const struct registers *r,
                         enum simd simd, struct hash128 *token)
{
    const struct aggregate *key = l->groups[group].key;
    const struct column *c = &r->column[key->keys[0]];
    uint32_t row = 0;

    if (key->key_count == 1 && c->type != TYPE_TEXT)
        row = tokens_by_vector(&l->options.key, c, r->rows, simd, token + group, l->group_count);
    for (; row < r->rows; row++)
        token[(size_t)row * l->group_count + group] = token_of(l, key, r, row);
}

void velocity_tokens(const struct velocity_layout *l, const struct registers *r, enum simd simd,
                     struct hash128 *token)
{
    for (uint32_t i = 0; i < l->group_count; i++) {
        uint32_t from = same_key(l, i);

        if (from == i)
            group_tokens(l, i, r, simd, token);
        for (uint32_t row = 0; from < i && row < r->rows; row++)
            token[(size_t)row * l->group_count + i] = token[(size_t)row * l->group_count + from];
    }
}

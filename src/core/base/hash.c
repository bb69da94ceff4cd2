/* hash_bytes folds 16 bytes a step through a 64x64 -> 128 bit product; hash_token is SipHash-2-4
 * with 128 bits of output (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012). */
#include "core/base/hash.h"

#include <string.h>

static uint64_t load64(const uint8_t *p)
{
    uint64_t v;

    memcpy(&v, p, 8);
    return v;
}

/* Up to 8 bytes, zero-extended. */
static uint64_t load_tail(const uint8_t *p, size_t length)
{
    uint64_t v = 0;

    memcpy(&v, p, length);
    return v;
}

static uint64_t fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t hash_bytes(const void *bytes, size_t length, uint64_t seed)
{
    const uint64_t odd1 = 0x9e3779b97f4a7c15u, odd2 = 0xc2b2ae3d27d4eb4fu;
    const uint8_t *p = bytes;
    uint64_t h = seed ^ odd1 ^ length;
    size_t left = length;

    while (left >= 16) {
        h = fold(load64(p) ^ h, load64(p + 8) ^ odd2);
        p += 16;
        left -= 16;
    }
    if (left >= 8) {
        h = fold(load64(p) ^ h, odd2);
        p += 8;
        left -= 8;
    }
    if (left > 0)
        h = fold(load_tail(p, left) ^ h, odd1);
    return hash_mix(h ^ odd2);
}

static uint64_t rotate(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

static void sip_rounds(uint64_t v[4], int rounds)
{
    for (int i = 0; i < rounds; i++) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] = rotate(v[2], 32);
    }
}

struct hash128 hash_token(const void *bytes, size_t length, const struct hash_key *key)
{
    const uint8_t *p = bytes;
    uint64_t v[4] = {key->k0 ^ 0x736f6d6570736575u, key->k1 ^ 0x646f72616e646f6du ^ 0xee,
                     key->k0 ^ 0x6c7967656e657261u, key->k1 ^ 0x7465646279746573u};
    struct hash128 token;
    uint64_t word;

    for (size_t left = length; left >= 8; left -= 8, p += 8) {
        word = load64(p);
        v[3] ^= word;
        sip_rounds(v, 2);
        v[0] ^= word;
    }
    word = load_tail(p, length & 7) | (uint64_t)length << 56;
    v[3] ^= word;
    sip_rounds(v, 2);
    v[0] ^= word;
    v[2] ^= 0xee;
    sip_rounds(v, 4);
    token.low = v[0] ^ v[1] ^ v[2] ^ v[3];
    v[1] ^= 0xdd;
    sip_rounds(v, 4);
    token.high = v[0] ^ v[1] ^ v[2] ^ v[3];
    return token;
}

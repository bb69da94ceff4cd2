/* Hashing inside one process or one data directory. Not for integrity (that is SHA-256, in
 * shell/os/digest.h) but well mixed and the same on every machine. */
#ifndef ASSAY_BASE_HASH_H
#define ASSAY_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* SipHash-2-4 style key: 128 secret bits where the hash must not be guessed. */
struct hash_key {
    uint64_t k0;
    uint64_t k1;
};

struct hash128 {
    uint64_t low;
    uint64_t high;
};

uint64_t hash_bytes(const void *bytes, size_t length, uint64_t seed);
struct hash128 hash_token(const void *bytes, size_t length, const struct hash_key *key);

/* Finaliser of one 64-bit word (bijective). */
static inline uint64_t hash_mix(uint64_t x)
{
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    x ^= x >> 32;
    return x;
}

#endif

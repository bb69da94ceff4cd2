/* How many different values there are, about, in at most 1 KiB: HyperLogLog (Flajolet, Fusy,
 * Gandouet, Meunier 2007) with 1,024 registers, sparse at first (Heule, Nunkesser, Hall 2013) and
 * estimated without tables or corrections (Ertl, "New cardinality estimation algorithms for
 * HyperLogLog sketches", 2017).
 *
 * A value is a token of 32 bits of its hash: 26 leading bits, and in 6 bits the place of the first
 * 1 among the others. Up to HLL_EXACT_MAX tokens are kept as they are, and counted; these many
 * values share a token once in ten thousand times. Beyond, each of the registers that the first 10
 * bits choose keeps the highest place of a 1 among the bits that follow, and the count is an
 * estimate with a standard error of 1.04 / sqrt(1024) = 3.3 %.
 *
 * The count is a function of the set of values alone: whatever the order, however often. The memory
 * of tokens and registers is the caller's, so that it may be a region's or a copy.
 *
 * Private to velocity/. */
#ifndef ASSAY_VELOCITY_HYPERLOGLOG_H
#define ASSAY_VELOCITY_HYPERLOGLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HLL_REGISTERS_LOG = 10,
    HLL_REGISTERS = 1 << HLL_REGISTERS_LOG,
    HLL_EXACT_MAX = 192,
    HLL_BYTES_MAX = HLL_REGISTERS,
};

/* All zero: no value yet, and no memory. */
struct hll {
    uint32_t table_log; /* of the table of tokens; of its words of 4 bytes 3/4 are used at most */
    uint32_t used;      /* tokens, or registers that are not 0 */
    uint64_t sum;       /* of registers that are not 0: of 2^(54 - register); 0 while sparse */
};

uint32_t hll_token(uint64_t hash);

/* Bytes of the memory. */
size_t hll_bytes(const struct hll *h);
/* Whether the value is among them; then to add it changes nothing. */
bool hll_has(const struct hll *h, const void *memory, uint32_t token);
/* Whether the memory must grow before a token that is not among them is added. */
bool hll_must_grow(const struct hll *h);
/* Move to larger memory: zeroed, of the bytes of `larger`, which is what `h` becomes. */
struct hll hll_larger(const struct hll *h);
void hll_grow(struct hll *h, const void *memory, const struct hll *larger, void *to);
void hll_add(struct hll *h, void *memory, uint32_t token);

uint64_t hll_count(const struct hll *h);

#endif

/* Sorting of more records than fit into memory: an external merge sort.
 *
 * A record is a key of 128 bits and some bytes. Records of one key come out in the order in which
 * they were added. What fits into `memory_bytes` is sorted there; beyond it, sorted runs go to a
 * nameless file in `directory`, and are merged while they are read: at most SORTER_RUNS_MAX at
 * once, or as many as the memory has room for. The order is the same at any size of memory. One
 * thread.
 */
#ifndef ASSAY_RUN_SORTER_H
#define ASSAY_RUN_SORTER_H

#include <stdint.h>

#include "core/base/error.h"
#include "core/base/text.h"

enum {
    SORTER_RUNS_MAX = 256,
    SORTER_RUN_READ_MIN = 64 << 10, /* bytes of a run in memory while it is merged */
    SORTER_RUN_READ_MAX = 4 << 20,
};

struct sort_key {
    uint64_t high, low;
};

struct sorter;

struct sorter *sorter_new(size_t memory_bytes, const char *directory);
void sorter_free(struct sorter *s); /* takes NULL */

/* Copies the bytes; a record has at most 1 GiB. */
bool sorter_add(struct sorter *s, struct sort_key key, struct text record,
                struct error *e) MUST_USE;
uint64_t sorter_spilled_bytes(const struct sorter *s);

/* After the last one was added, and again to start over. */
bool sorter_rewind(struct sorter *s, struct error *e) MUST_USE;
/* The next record, good until the next call; record->bytes is NULL past the last. */
bool sorter_next(struct sorter *s, struct sort_key *key, struct text *record,
                 struct error *e) MUST_USE;

#endif

/* The scanner: a segment's bytes in memory, whatever they are. Recovery, verification and the fuzz
 * target share it. */
#ifndef ASSAY_LOG_IMAGE_H
#define ASSAY_LOG_IMAGE_H

#include "shell/log/record.h"

enum image_state {
    IMAGE_CLEAN,   /* records, then zeros or the end of the file */
    IMAGE_TORN,    /* the last group was not written to its end (or its last record was hit) */
    IMAGE_DAMAGED, /* a record that was once safe is broken: `why`, `later_at` */
};

struct image_end {
    enum image_state state;
    size_t at; /* past the last good record */
    uint64_t records;
    uint64_t last_seq; /* first_seq - 1 where there is no record */
    uint8_t chain[DIGEST_BYTES];
    const char *why;
    size_t later_at; /* offset of a good record past the damage, 0: none */
    uint64_t later_seq;
};

struct image_visitor {
    void (*visit)(void *context, const struct record_frame *f, size_t at);
    void *context;
};

/* Records from the header's end on; `chain` is the header's; `d` NULL: chains are not recomputed.
 * `v` may be NULL. */
void image_scan(const uint8_t *bytes, size_t length, uint64_t first_seq,
                const uint8_t chain[DIGEST_BYTES], struct digest *d, const struct image_visitor *v,
                struct image_end *end);

/* What the bytes from `at` on are, where no good record with seq `expected` is, by the good records
 * at or after `search_from` (> at): sets state, later_*. */
void image_judge(const uint8_t *bytes, size_t length, size_t at, size_t search_from,
                 uint64_t expected, struct image_end *end);

/* Offset past the last byte that is not zero, at least `from`. */
size_t image_written_end(const uint8_t *bytes, size_t length, size_t from);

#endif

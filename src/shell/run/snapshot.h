/* Snapshots: the bytes of a state at one position of the log, as files that recovery can start
 * from.
 *
 * <directory>/<seq, 20 digits>.snapshot: a 4,096-byte header (magic, version, position, chain of
 * the log there, layout, plan, length and SHA-256 of what follows), then the region's used bytes. A
 * snapshot is only an aid: one that is damaged or of another layout is passed over, and the log
 * builds the state again. The two newest are kept.
 */
#ifndef ASSAY_RUN_SNAPSHOT_H
#define ASSAY_RUN_SNAPSHOT_H

#include "shell/os/digest.h"
#include "shell/run/state.h"

struct snapshot_head {
    uint64_t seq;                /* the state includes this record */
    uint32_t plan;               /* seq of the PLAN record in force */
    uint32_t history;            /* 1: the history was imported whole before seq */
    uint64_t layout;             /* engine_layout */
    uint64_t bytes;              /* of the region */
    uint8_t chain[DIGEST_BYTES]; /* of the log at seq */
};

bool snapshot_write(const char *directory, const struct snapshot_head *h, const void *bytes,
                    struct error *e) MUST_USE;

/* What a killed process left half written; only while no other writes there. */
void snapshot_remove_unfinished(const char *directory);

/* The newest snapshot at or before `last_seq` that is whole and of `layout`, read into fresh
 * `memory` of `capacity` bytes. False: there is none (not an error; `h` is untouched). */
bool snapshot_read(const char *directory, uint64_t layout, uint64_t last_seq, void *memory,
                   size_t capacity, struct snapshot_head *h) MUST_USE;

#endif

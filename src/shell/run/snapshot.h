/* Snapshots: the bytes of a state at one position of the log, as files that recovery can start
 * from.
 *
 * <directory>/<seq, 20 digits>.snapshot: a 64 KiB header (magic, version, position, chain of the
 * log there, layout, plan, lengths, and a SHA-256 of these and of the list at the end), the
 * region's used bytes with zeros up to a whole 64 KiB, and a list of SHA-256, one for each MiB of
 * them. So writing and verifying go piece by piece, verifying by several threads, and the bytes can
 * be mapped at any page size up to 64 KiB.
 *
 * A snapshot is only an aid: one that is damaged or of another layout is passed over, and the log
 * builds the state again. The two newest are kept; and <seq>.base, where the log's beginning was
 * cut: the same file by another name. A restored state goes on reading its file
 * through a private mapping, so its room on the disk is free only when the file was removed and the
 * process has ended; nobody may change the file in place.
 */
#ifndef ASSAY_RUN_SNAPSHOT_H
#define ASSAY_RUN_SNAPSHOT_H

#include "shell/os/digest.h"
#include "shell/run/state.h"

enum { SNAPSHOT_CHUNK = 1 << 20 };

struct snapshot_head {
    uint64_t seq;                /* the state includes this record */
    uint32_t plan;               /* seq of the PLAN record in force */
    uint32_t history;            /* 1: the history was imported whole before seq */
    uint64_t layout;             /* engine_layout */
    uint64_t bytes;              /* of the region */
    uint8_t chain[DIGEST_BYTES]; /* of the log at seq */
};

/* Where the bytes come from: chunk after chunk of SNAPSHOT_CHUNK, the last as short as it is. False
 * ends the writing with its error. */
struct snapshot_source {
    bool (*read)(void *context, size_t chunk, void *out, struct error *e);
    void *context;
};

bool snapshot_write(const char *directory, const struct snapshot_head *h,
                    const struct snapshot_source *from, struct error *e) MUST_USE;
/* The same of bytes that nobody changes meanwhile. */
bool snapshot_write_bytes(const char *directory, const struct snapshot_head *h, const void *bytes,
                          struct error *e) MUST_USE;

/* The oldest snapshot of `layout` at or behind `seq` becomes the base, <its seq>.base, which stays
 * until there is another: without the log's records before it, it alone has what they led to. *base
 * is its seq. ERROR_NOT_FOUND: there is none. */
bool snapshot_keep_base(const char *directory, uint64_t seq, uint64_t layout, uint64_t *base,
                        struct error *e) MUST_USE;
/* The base, whatever its layout; false: there is none. */
bool snapshot_base(const char *directory, struct snapshot_head *h) MUST_USE;
/* As snapshot_read, of the base alone. */
bool snapshot_read_base(const char *directory, uint64_t layout, struct state *s,
                        struct snapshot_head *h) MUST_USE;

/* What a killed process left half written; only while no other writes there. */
void snapshot_remove_unfinished(const char *directory);

/* The newest snapshot or base at or before `last_seq` that is whole and of `layout`, mapped into
 * the wiped state's memory (its engine is closed); pages come from the file when they are first
 * used. False: there is none (not an error; `h` is untouched, the state is wiped). */
bool snapshot_read(const char *directory, uint64_t layout, uint64_t last_seq, struct state *s,
                   struct snapshot_head *h) MUST_USE;

#endif

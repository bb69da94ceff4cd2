/* The decision log: the truth of a shard. Append-only segments, a CRC in each record, a SHA-256
 * chain over all, on disk before an answer leaves.
 *
 * Record, little-endian (format version 1):
 *   u32 length      of everything after this field and the crc
 *   u32 crc         CRC-32 of everything after it
 *   u64 seq         position in the shard: 1, 2, 3, ... without gaps
 *   i64 received_us time of receipt
 *   u8  kind, u8 flags (the highest bit is the log's: first record of a group), u16 epoch
 *   u32 plan        number of the PLAN record in force (its seq, low 32 bits)
 *   u32 sealed      length of the sealed personal part (personal/sealer.h), 0: none
 *   u32 body        length of the body
 *   sealed bytes, body bytes
 *   u8[32] chain    SHA-256(chain of the record before, then this record from seq to the last
 *                   body byte, the log's flag cleared: grouping does not change the chain);
 *                   zeros before record 1
 *
 * A segment is <first seq, 20 digits>.log (or .log.zst: packed.h): a 4,096-byte header (magic,
 * version, shard, first seq, chain before it), then records, then zeros: it is written full of
 * zeros ahead of use, so a sync does not have to change the file's size. Recovery takes the newest
 * segment's records as long as length, crc, seq and chain hold; what follows must be zeros or a
 * torn end: it is cut, and said. Good records after a broken one are damage: the log refuses to
 * open (image.c tells how they are told apart). Older segments are trusted; log_verify reads them
 * all.
 *
 * Reserve, apply, commit, answer: log_reserve before state changes makes sure that the bytes will
 * fit (a full disk is ERROR_FULL then, and nothing has happened; when there is room again, so is
 * success, without a restart); log_append hands out seq and keeps the record in memory; log_commit
 * writes and syncs what was appended before log_seal. After a failed commit the log is broken:
 * reserve and commit fail, append and seal do nothing; close it and open it again.
 *
 * One process at a time has a directory open for writing (a lock on <directory>/lock).
 *
 * Threads: reserve, append and seal on the engine's thread; commit on one commit thread; pack and
 * cut on one more; log_read, log_durable_seq, log_first_seq, log_chain, log_bytes, log_segments and
 * cursors on any.
 */
#ifndef ASSAY_LOG_LOG_H
#define ASSAY_LOG_LOG_H

#include "core/base/buffer.h"
#include "core/base/error.h"
#include "core/base/progress.h"
#include "shell/os/digest.h"

enum {
    LOG_FORMAT_VERSION = 1,
    LOG_BODY_MAX = 4 << 20,           /* sealed part and body of one record together */
    LOG_OVERHEAD_BYTES = 8 + 32 + 32, /* of a record, beside sealed part and body */
    LOG_SEGMENT_MAX = 1 << 29,        /* of log_options.segment_bytes */
    LOG_RESERVE_MAX = 1 << 29,        /* bytes of one reservation, overheads included;
                                       * a group holds twice as many */
    LOG_FLAG_GROUP = 0x80,            /* the log's own bit of `flags`; never set in struct record */
};

enum record_kind {
    RECORD_PLAN = 1,     /* settings text, model digest: from here on this plan decides */
    RECORD_OBSERVE = 2,  /* an event of the history: seen, not decided */
    RECORD_DECISION = 3, /* an event and what was decided */
    RECORD_LABEL = 4,    /* an event's outcome became known */
    RECORD_HISTORY = 5,  /* the import of the history is complete */
    RECORD_LIST = 6,     /* values were added to a list, or removed from it */
    RECORD_CONTROL = 7,  /* of the control log (shell/control): who changed what */
};

const char *record_kind_name(enum record_kind kind);

struct record {
    uint64_t seq;
    int64_t received_us;
    enum record_kind kind;
    uint8_t flags;
    uint16_t epoch;
    uint32_t plan;
    struct text sealed;
    struct text body;
};

/* NEVER is for tests and history imports (log_set_sync at their end): a power failure may then
 * break the log in its middle, and a killed process loses nothing. */
enum log_sync { LOG_SYNC_ALWAYS, LOG_SYNC_NEVER };

struct log_options {
    const char *directory; /* made if absent */
    uint32_t shard;
    size_t segment_bytes; /* 64 MiB is usual; at most LOG_SEGMENT_MAX */
    enum log_sync sync;
};

struct log_found {                /* what opening found */
    uint64_t first_seq, last_seq; /* 0, 0: empty */
    uint64_t cut_bytes;           /* of a torn end */
};

struct log;

bool log_open(const struct log_options *o, struct log **l, struct log_found *found,
              struct error *e) MUST_USE;
void log_close(struct log *l); /* takes NULL */

/* Change the mode; to ALWAYS, all that was committed is synced first. By the engine's
 * thread, while no commit runs. */
bool log_set_sync(struct log *l, enum log_sync sync, struct error *e) MUST_USE;

/* Room for so many records with so many bytes of sealed parts and bodies, beyond what was appended
 * so far: a promise that replaces the one before it. */
bool log_reserve(struct log *l, uint32_t records, size_t body_bytes, struct error *e) MUST_USE;
uint64_t log_append(struct log *l, const struct record *r); /* r->seq is ignored; returns seq */
uint64_t log_next_seq(const struct log *l);
/* Close the group of records appended so far (none: nothing happens); the commit thread then
 * commits it. Two groups may be alive: one being committed, one being filled; log_seal waits while
 * both are taken, so a single thread that does all must commit after each seal. */
void log_seal(struct log *l);
bool log_commit(struct log *l, struct error *e) MUST_USE; /* the oldest sealed group, if any */
uint64_t log_durable_seq(const struct log *l);
void log_chain(const struct log *l, uint8_t chain[DIGEST_BYTES]); /* of the last durable record */
/* Both of one moment. */
uint64_t log_head(const struct log *l, uint8_t chain[DIGEST_BYTES]);
/* Committed bytes, headers included; of segments closed by an earlier process the files' sizes. */
size_t log_bytes(const struct log *l);
/* The first record there is (records before were cut); where there is none, the next one. */
uint64_t log_first_seq(const struct log *l);

/* Keeping it small; both on one thread, beside all others.
 *
 * The oldest closed segment that is not packed becomes <first seq>.log.zst; readers find either
 * form. A kill at any moment leaves one that is whole. *did: false where there was none to pack. */
bool log_pack(struct log *l, bool *did, struct error *e) MUST_USE;
/* Removes the oldest segments all of whose records are before `seq`, never the newest: oldest
 * first, so what is left has no gap. */
bool log_cut(struct log *l, uint64_t seq, struct error *e) MUST_USE;
/* A closed segment: what a cut behind it would leave. */
struct log_segment {
    uint64_t first_seq, next_seq; /* of the segment behind it */
    size_t bytes;                 /* on the disk */
    bool is_packed;
};
/* The closed segments, oldest first; at most `room` of them. */
size_t log_segments(const struct log *l, struct log_segment *segment, size_t room);
/* The chain value behind record `seq`, which is the last of a segment or a record that is there;
 * ERROR_NOT_FOUND. */
bool log_chain_at(const char *directory, uint64_t seq, uint8_t chain[DIGEST_BYTES],
                  struct error *e) MUST_USE;

/* A durable record, copied into `into`; the record's slices point there. ERROR_NOT_FOUND. */
bool log_read(const struct log *l, uint64_t seq, struct buffer *into, struct record *r,
              struct error *e) MUST_USE;
/* The same, with the chain value behind it: at once, where log_chain_at reads its way there. */
bool log_read_chained(const struct log *l, uint64_t seq, struct buffer *into, struct record *r,
                      uint8_t chain[DIGEST_BYTES], struct error *e) MUST_USE;

/* The last whole record's seq, 0 where there is none; beside a writer too. */
bool log_last_seq(const char *directory, uint64_t *seq, struct error *e) MUST_USE;

/* Reading in order from the first record at or after from_seq, in a directory that may also be open
 * for writing: then a record may come whose sync is still under way (stop at log_durable_seq where
 * that matters), and after the end, next may be asked again. Slices live until next. Lengths, crcs,
 * seqs and the joints of segments are held; chains are log_verify's. */
struct log_cursor;
bool log_cursor_open(const char *directory, uint64_t from_seq, struct log_cursor **c,
                     struct error *e) MUST_USE;
/* 1: *r is the next record, 0: the end, -1: damaged (error says where and how). */
int log_cursor_next(struct log_cursor *c, struct record *r, struct error *e);
void log_cursor_chain(const struct log_cursor *c,
                      uint8_t chain[DIGEST_BYTES]); /* of the last record given */
void log_cursor_close(struct log_cursor *c);

/* Read everything again and hold every length, crc, seq and chain. True also where the log is
 * broken (is_whole, finding); false: it could not be read, or was cancelled. Beside a live writer
 * the unfinished last group is no finding. What the log cannot know is whether records are missing
 * at its very end: compare last_seq and chain with a value kept elsewhere. */
struct log_verdict {
    uint64_t records, segments, first_seq, last_seq, bytes;
    uint64_t packed;              /* segments */
    uint8_t before[DIGEST_BYTES]; /* the chain value that the first segment says it follows */
    uint64_t by_kind[8];
    uint8_t chain[DIGEST_BYTES];
    bool is_whole;
    char finding[ERROR_TEXT_MAX]; /* where and how it is broken */
};

bool log_verify(const char *directory, const struct progress *p, struct log_verdict *v,
                struct error *e) MUST_USE;

/* Places at which a chain value is known from elsewhere. */
enum log_mark_state {
    LOG_MARK_UNSEEN,  /* behind what was found broken */
    LOG_MARK_HELD,    /* the log has this record, and all before it are as they were */
    LOG_MARK_DIFFERS, /* another record stands there: it, or one before it, was changed */
    LOG_MARK_CUT,     /* the log begins later */
    LOG_MARK_MISSING, /* the log ends before it: records were cut away from its end */
};

struct log_mark {
    uint64_t seq;
    uint8_t chain[DIGEST_BYTES];
    enum log_mark_state state; /* filled */
};

/* log_verify, which also holds the log against marks, sorted by seq. Their states are not in
 * verdict->is_whole: that is about the log in itself. */
bool log_verify_marks(const char *directory, struct log_mark *mark, size_t count,
                      const struct progress *p, struct log_verdict *v, struct error *e) MUST_USE;

#endif

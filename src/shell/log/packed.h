/* A closed segment, packed by zstd: <first seq, 20 digits>.log.zst, which any zstd unpacks to the
 * segment's header and records (the zeros behind them are left out).
 *
 * Frames of up to PACKED_RECORDS records, so that one record is found without unpacking the rest,
 * then their table in a frame that zstd passes over:
 *   u32 0x184D2A5A, u32 length of what follows
 *   for each frame: u32 packed bytes, u32 bytes, u32 records
 *   u32 frames, u32 CRC-32 of the table up to here, 8 bytes "ASSAYPCK"
 *
 * The chain is over the records as they were, so packing changes nothing of it.
 */
#ifndef ASSAY_LOG_PACKED_H
#define ASSAY_LOG_PACKED_H

#include "shell/log/log.h"

enum { PACKED_RECORDS = 256, PACKED_BYTES = 128 << 10 /* a frame ends beyond one of them */ };

#define PACK_NAME "pack.new" /* one being made */

struct packed; /* open for reading; one thread */

/* Takes the fd. NULL with errno; EBADMSG: its table is damaged. */
struct packed *packed_open(int fd, uint64_t first_seq);
void packed_close(struct packed *p); /* takes NULL; closes the fd */
size_t packed_unpacked_bytes(const struct packed *p);
/* Of the bytes as they were, like disk_read. */
long long packed_read(struct packed *p, void *bytes, size_t length, size_t at) MUST_USE;
/* The beginning of the frame that has `seq`: its first record, and where that stood. */
void packed_find(const struct packed *p, uint64_t seq, uint64_t *first, size_t *at);

/* Writes the packed form of the closed segment `first`, which ends before record `next`, reads it
 * again and compares, and only then puts it in the segment's place. *saved: bytes of the disk that
 * came free. */
bool packed_make(int directory, const char *path, uint64_t first, uint64_t next, size_t *saved,
                 struct error *e) MUST_USE;

#endif

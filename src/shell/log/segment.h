/* A segment file, packed (packed.h) or not: its name, its header, and the list of those in a
 * directory. */
#ifndef ASSAY_LOG_SEGMENT_H
#define ASSAY_LOG_SEGMENT_H

#include "shell/log/log.h"

enum {
    SEGMENT_HEADER = 4096,
    SEGMENT_HEADER_USED = 60,    /* the rest is zeros */
    SEGMENT_BYTES_MAX = 1 << 30, /* offsets are u32 */
    SEGMENT_NAME = 32,
    SEGMENT_PAGE = 4096,
};

/* Offset 0 magic, 8 u32 version, 12 u32 shard, 16 u64 first seq, 24 chain before it, 56 u32 CRC-32
 * of the bytes before. All in one sector, so it is never half there. */
struct segment_header {
    uint32_t version;
    uint32_t shard;
    uint64_t first_seq;
    uint8_t chain[DIGEST_BYTES];
};

enum header_state { HEADER_WHOLE, HEADER_NONE /* zeros */, HEADER_DAMAGED };

void segment_header_encode(const struct segment_header *h, uint8_t bytes[SEGMENT_HEADER]);
enum header_state segment_header_decode(const uint8_t *bytes, size_t available,
                                        struct segment_header *h);
/* A header must be whole, of this version, and be the one that its file's name promises. */
bool segment_header_check(const uint8_t *bytes, size_t available, const char *directory,
                          uint64_t first_seq, struct segment_header *h, struct error *e) MUST_USE;

void segment_name(uint64_t first_seq, char name[SEGMENT_NAME]);
void segment_packed_name(uint64_t first_seq, char name[SEGMENT_NAME]);

/* Open for reading, whichever form it has; where both are there, as it was written. While a segment
 * is being packed, one form is always there. */
struct segment_file {
    int fd;                /* -1: not open, or packed */
    struct packed *packed; /* or NULL */
};

/* False with errno; EBADMSG: packed, and damaged. `name` becomes that of the file. */
bool segment_open(int directory, uint64_t first_seq, struct segment_file *f,
                  char name[SEGMENT_NAME]) MUST_USE;
void segment_close(struct segment_file *f);
/* Of its bytes as they were written, like disk_read. */
long long segment_read(struct segment_file *f, void *bytes, size_t length, size_t at) MUST_USE;

/* First seqs of the segments in a directory, each once, ascending; *first is released with
 * mem_free. */
bool segment_list(int directory, const char *path, uint64_t **first, size_t *count,
                  struct error *e) MUST_USE;

/* A whole segment file in memory; the buffer is reused (buffer_init by the caller). */
bool segment_load(int directory, const char *path, uint64_t first_seq, struct buffer *into,
                  struct error *e) MUST_USE;
void segment_buffer_init(struct buffer *b);
/* On the disk, in whichever form; 0: no such file. */
size_t segment_file_bytes(int directory, uint64_t first_seq);
/* Which forms there are. */
bool segment_is_plain(int directory, uint64_t first_seq);
bool segment_is_packed(int directory, uint64_t first_seq);

#endif

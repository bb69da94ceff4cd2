/* The bytes of one file, of standard input or of a database, unpacked (gzip, zstd, by their first
 * bytes, not by the name) on a thread of its own, a few blocks ahead of the caller.
 *
 * The caller sees a window: what was read and not yet taken. Owned by one thread; the read-ahead
 * thread is inside.
 */
#ifndef ASSAY_SOURCE_STREAM_H
#define ASSAY_SOURCE_STREAM_H

#include <stdint.h>

#include "core/base/error.h"
#include "core/base/text.h"
#include "shell/source/source.h"

enum {
    STREAM_BLOCK_BYTES = 256 << 10,
    STREAM_BLOCKS = 4,
    STREAM_WINDOW_MAX = 8 << 20, /* bytes that may wait; readers take records under 1 MiB */
};

struct stream;

/* "-" is standard input. ERROR_INVALID for packings and formats that we do not read, by name. */
bool stream_open(const char *path, struct stream **stream, struct error *e) MUST_USE;
/* The same, as if the file had so many bytes: what is added behind them is left for later. */
bool stream_open_until(const char *path, uint64_t bytes, struct stream **stream,
                       struct error *e) MUST_USE;
/* The rows of a table or query in PostgreSQL, as CSV with a header; `name` is for messages. */
bool stream_open_database(const char *name, const struct source_database *database,
                          struct stream **stream, struct error *e) MUST_USE;
/* What is in a topic of Kafka now, as NDJSON. */
bool stream_open_topic(const struct source_topic *topic, struct stream **stream,
                       struct error *e) MUST_USE;
void stream_close(struct stream *s);
/* SHA-256 of a database's bytes once all were read; until then, and of a file, zeros. */
void stream_digest(struct stream *s, uint8_t digest[32]);

struct text stream_window(const struct stream *s);
bool stream_at_end(const struct stream *s);       /* nothing follows the window */
void stream_take(struct stream *s, size_t bytes); /* the first bytes of the window are done with */
uint64_t stream_taken(const struct stream *s);    /* bytes, unpacked, so far */
/* No block is there yet: stream_more would wait. */
bool stream_is_idle(struct stream *s);
/* Appends the next block to the window, or sets at_end; the window may move. */
bool stream_more(struct stream *s, struct error *e) MUST_USE;

uint64_t stream_bytes_done(const struct stream *s);  /* of the file as it lies on the disk */
uint64_t stream_bytes_total(const struct stream *s); /* 0: not known */

#endif

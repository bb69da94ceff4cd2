/* One event as bytes: the form in which the log keeps it. The same event gives the same bytes
 * whether it came from CSV, JSON or the log itself.
 *
 * Layout, little-endian: u16 field count, then for each field of the schema one tag byte
 * (0 null, else 1 + type) and its payload: integers as zigzag varint, real as 8 bytes, text as
 * varint length and bytes.
 *
 * The log keeps an event with personal fields in two parts: the open event, in which they are null,
 * and the personal part, which is sealed: for each of them that is not null its u16 number among
 * the fields, tag and payload.
 */
#ifndef ASSAY_DATA_EVENT_H
#define ASSAY_DATA_EVENT_H

#include "core/base/buffer.h"
#include "core/data/frame.h"

void event_encode(struct buffer *out, const struct schema *s, const struct frame *f, uint32_t row);
/* The same for columns that stand apart: what event_decode reads by a schema of their types. */
void event_encode_columns(struct buffer *out, const struct column *const *column, uint32_t count,
                          uint32_t row);
/* Appends one row to the frame (text copied into it). ERROR_INVALID where the bytes are damaged or
 * are of another schema; ERROR_FULL where the frame has no room. */
bool event_decode(struct reader *in, const struct schema *s, struct frame *f,
                  struct error *e) MUST_USE;

/* The two parts of an encoded event, appended. False where its bytes are damaged or a buffer has
 * no room. */
bool event_split(const struct schema *s, struct text event, struct buffer *open,
                 struct buffer *personal) MUST_USE;
/* Sets the fields of a personal part in the row that was decoded last, from its open event. */
bool event_add_personal(struct text personal, const struct schema *s, struct frame *f,
                        struct error *e) MUST_USE;

/* The part of an encoded event that its sender said: without the count and without looked-up
 * fields, which may differ when the same event is sent again. All of it where the bytes are
 * damaged. */
struct text event_own_part(const struct schema *s, struct text event);

#endif

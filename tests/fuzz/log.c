/* Any bytes as a segment: the first byte chooses, the rest is the image behind a header (given or
 * made up). What the scanner takes must be there, in order, and its judgement must stay in bounds.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/panic.h"
#include "shell/log/image.h"
#include "shell/log/segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct last {
    uint64_t seq;
    size_t end;
};

static void hold(void *context, const struct record_frame *f, size_t at)
{
    struct last *l = context;

    ASSERT(at == l->end && f->record.seq == l->seq + 1);
    ASSERT(f->bytes == record_bytes(&f->record));
    l->seq = f->record.seq;
    l->end = at + f->bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct segment_header h = {.version = LOG_FORMAT_VERSION, .first_seq = 1};
    bool has_header = size > 0 && (data[0] & 1) != 0;
    struct digest *d;
    struct image_end end;
    struct last last;
    uint8_t *image;
    size_t length;

    if (size == 0)
        return 0;
    length = size - 1 + (has_header ? 0 : SEGMENT_HEADER);
    image = malloc(length > 0 ? length : 1); /* exact, so that a sanitizer sees each byte past it */
    ASSERT(image != NULL);
    if (!has_header)
        segment_header_encode(&h, image);
    memcpy(image + (length - (size - 1)), data + 1, size - 1);
    if (segment_header_decode(image, length, &h) == HEADER_WHOLE && h.first_seq > 0) {
        d = (data[0] & 2) != 0 ? digest_new() : NULL;
        last = (struct last){.seq = h.first_seq - 1, .end = SEGMENT_HEADER};
        image_scan(image, length, h.first_seq, h.chain, d, &(struct image_visitor){hold, &last},
                   &end);
        ASSERT(end.at == last.end && end.last_seq == last.seq && end.at <= length);
        ASSERT(end.later_at < length || end.later_at == 0);
        digest_free(d);
    }
    free(image);
    return 0;
}

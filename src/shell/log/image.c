/* Scanning a segment, and telling a torn end from damage.
 *
 * Where the records stop in something other than zeros, two stories are possible. A crash in
 * mid-write leaves the last group torn: nobody was told that it is safe, so it can be cut. Or a
 * disk or a hand changed what was safe: cutting would destroy good records, so the log must not
 * open.
 *
 *  1. Groups are written one after another, each synced before the next begins. So a good record
 *     that begins a group (LOG_FLAG_GROUP) past the broken place proves damage.
 *  2. Within one group the kernel writes pages in any order: good records of the same group may
 * follow a lost page. What is lost shows the zeros that were there before the write, a sector or
 *     more of them. Good records of the same group with no lost sector before them: damage.
 *  3. Nothing good follows: a torn end. (Damage to the very last record looks the same; verify
 *     reports it, opening cuts it and says so.)
 *
 * A record whose checksum holds but whose seq or chain does not was never written by us there:
 * damage. */
#include "shell/log/image.h"

#include "shell/log/segment.h"

enum { SECTOR = 512, LOST_BYTES_MIN = 4 };

static bool is_zero(const uint8_t *bytes, size_t length)
{
    return length == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0);
}

size_t image_written_end(const uint8_t *bytes, size_t length, size_t from)
{
    while (length > from && length % SECTOR != 0 && bytes[length - 1] == 0)
        length--;
    while (length >= from + SECTOR && length % SECTOR == 0 &&
           is_zero(bytes + length - SECTOR, SECTOR))
        length -= SECTOR;
    while (length > from && bytes[length - 1] == 0)
        length--;
    return length > from ? length : from;
}

/* Whether the part in [from, to) of some sector is all zeros. */
static bool has_lost_sector(const uint8_t *bytes, size_t from, size_t to)
{
    while (from < to) {
        size_t stop = (from / SECTOR + 1) * SECTOR;

        if (stop > to)
            stop = to;
        if (stop - from >= LOST_BYTES_MIN && is_zero(bytes + from, stop - from))
            return true;
        from = stop;
    }
    return false;
}

/* A good record at `at` that may stand `at - broken` bytes past the place of `expected`. */
static bool is_later(const uint8_t *bytes, size_t length, size_t at, size_t broken,
                     uint64_t expected, struct record_frame *f)
{
    if (bytes[at] == 0 && bytes[at + 1] == 0 && bytes[at + 2] == 0)
        return false; /* no length: the quick way through zeros */
    if (record_decode_unchecked(bytes + at, length - at, f) != RECORD_WHOLE ||
        f->record.seq < expected || f->record.seq - expected > (at - broken) / RECORD_BYTES_MIN + 1)
        return false;
    return record_decode(bytes + at, length - at, f) == RECORD_WHOLE;
}

void image_judge(const uint8_t *bytes, size_t length, size_t at, size_t search_from,
                 uint64_t expected, struct image_end *end)
{
    size_t written = image_written_end(bytes, length, at);
    struct record_frame f;

    end->later_at = 0;
    end->state = written == at ? IMAGE_CLEAN : IMAGE_TORN;
    for (size_t i = search_from; i < written && i + RECORD_BYTES_MIN <= length;) {
        if (!is_later(bytes, length, i, at, expected, &f)) {
            i++;
            continue;
        }
        if (f.begins_group || !has_lost_sector(bytes, at, i)) {
            end->state = IMAGE_DAMAGED;
            end->later_at = i;
            end->later_seq = f.record.seq;
            return;
        }
        i += f.bytes;
    }
}

/* The next record, where it is as it must be. */
static bool take(const uint8_t *bytes, size_t length, struct digest *d, struct image_end *end,
                 struct record_frame *f)
{
    uint8_t chain[DIGEST_BYTES];

    switch (record_decode(bytes + end->at, length - end->at, f)) {
    case RECORD_WHOLE:
        break;
    case RECORD_NONE:
    case RECORD_SHORT:
    case RECORD_DAMAGED:
        end->why = f->why;
        image_judge(bytes, length, end->at, end->at + 1, end->last_seq + 1, end);
        return false;
    }
    end->state = IMAGE_DAMAGED;
    end->why = "its seq is not the next one";
    if (f->record.seq != end->last_seq + 1)
        return false;
    end->why = "its chain value does not follow from the records before it";
    if (d != NULL) {
        record_chain(bytes + end->at, f, d, end->chain, chain);
        if (memcmp(chain, f->chain, DIGEST_BYTES) != 0)
            return false;
    }
    return true;
}

void image_scan(const uint8_t *bytes, size_t length, uint64_t first_seq,
                const uint8_t chain[DIGEST_BYTES], struct digest *d, const struct image_visitor *v,
                struct image_end *end)
{
    struct record_frame f;

    *end = (struct image_end){.at = SEGMENT_HEADER, .last_seq = first_seq - 1};
    memcpy(end->chain, chain, DIGEST_BYTES);
    if (length < SEGMENT_HEADER)
        return;
    while (take(bytes, length, d, end, &f)) {
        if (v != NULL)
            v->visit(v->context, &f, end->at);
        memcpy(end->chain, f.chain, DIGEST_BYTES);
        end->last_seq = f.record.seq;
        end->records++;
        end->at += f.bytes;
    }
}

/* Opening what a crash may have left.
 *
 * Files that were being made are removed. The newest segment is scanned from its start. If it has
 * no record it may be one that was begun for records that never came to disk: it must then follow
 * from the end of the segment before it, or it is dropped and that one is the newest. A torn
 * end is overwritten with zeros. At last what was found is synced: a killed process leaves
 * records in the page cache that no sync had reached, and from here on they count as durable. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "core/base/memory.h"
#include "shell/log/disk.h"
#include "shell/log/image.h"
#include "shell/log/packed.h"
#include "shell/log/private.h"

struct found_segment {
    uint64_t first_seq;
    struct segment_header header;
    enum header_state header_state;
    struct image_end end;
    struct buffer image;
};

static bool refuse(const struct log *l, const struct found_segment *s, struct error *e)
{
    char name[SEGMENT_NAME], later[128] = "";

    segment_name(s->first_seq, name);
    if (s->end.later_at != 0)
        snprintf(later, sizeof later, "; a good record with seq %" PRIu64 " follows at offset %zu",
                 s->end.later_seq, s->end.later_at);
    return error_set(
        e, ERROR_INVALID,
        "%s/%s: the record with seq %" PRIu64 " at offset %zu is damaged: %s%s; hint: "
        "nothing was changed; `assay log verify` shows what is whole, restore the file "
        "from a backup",
        l->path, name, s->end.last_seq + 1, s->end.at, s->end.why, later);
}

/* A header that is not there (zeros, or a file too short for one) is what a power failure leaves of
 * a segment that had just been begun, if no later group is in it. */
static bool scan_segment(struct log *l, struct found_segment *s, struct error *e)
{
    const uint8_t *bytes;

    if (!segment_load(l->directory, l->path, s->first_seq, &s->image, e))
        return false;
    bytes = (const uint8_t *)s->image.bytes;
    s->header_state = segment_header_decode(bytes, s->image.length, &s->header);
    if (s->header_state == HEADER_NONE) {
        s->end = (struct image_end){.at = SEGMENT_HEADER,
                                    .last_seq = s->first_seq - 1,
                                    .why = "the segment's header is gone"};
        if (s->image.length > SEGMENT_HEADER)
            image_judge(bytes, s->image.length, 0, SEGMENT_HEADER + 1, s->first_seq, &s->end);
        return s->end.state != IMAGE_DAMAGED || refuse(l, s, e);
    }
    if (!segment_header_check(bytes, s->image.length, l->path, s->first_seq, &s->header, e))
        return false;
    if (s->header.shard != l->shard)
        return error_set(e, ERROR_INVALID,
                         "%s: this is the log of shard %" PRIu32 ", not of shard %" PRIu32, l->path,
                         s->header.shard, l->shard);
    image_scan(bytes, s->image.length, s->first_seq, s->header.chain, l->digest, NULL, &s->end);
    return s->end.state != IMAGE_DAMAGED || refuse(l, s, e);
}

/* Zeros over what is torn. */
static bool cut(struct log *l, const struct found_segment *s, int fd, uint64_t *cut_bytes,
                struct error *e)
{
    size_t written = image_written_end((const uint8_t *)s->image.bytes, s->image.length, s->end.at);
    char name[SEGMENT_NAME];

    segment_name(s->first_seq, name);
    *cut_bytes += written - s->end.at;
    if (written > s->end.at && disk_zero(fd, s->end.at, written) != 0)
        return disk_error(e, "cut the torn end of", l->path, name);
    if (disk_sync(fd) != 0)
        return disk_error(e, "sync", l->path, name);
    return true;
}

static bool drop(struct log *l, const struct found_segment *s, uint64_t *cut_bytes, struct error *e)
{
    char name[SEGMENT_NAME];

    segment_name(s->first_seq, name);
    if (s->image.length > SEGMENT_HEADER)
        *cut_bytes +=
            image_written_end((const uint8_t *)s->image.bytes, s->image.length, SEGMENT_HEADER) -
            SEGMENT_HEADER;
    if (disk_remove(l->directory, name) != 0)
        return disk_error(e, "remove the unused segment", l->path, name);
    return true;
}

static void note(void *context, const struct record_frame *f, size_t at)
{
    const struct log *l = context;

    index_note(l->index, l->current->first_seq, f->record.seq, at);
}

/* A segment that was packed is to be written on: only where power failed under LOG_SYNC_NEVER is
 * what came after it gone. */
static bool unpack(struct log *l, const struct found_segment *s, struct error *e)
{
    char name[SEGMENT_NAME], packed[SEGMENT_NAME];
    int fd = disk_create(l->directory, NEW_NAME);
    bool ok;

    segment_name(s->first_seq, name);
    segment_packed_name(s->first_seq, packed);
    if (fd < 0)
        return disk_error(e, "create", l->path, NEW_NAME);
    ok = disk_write(fd, s->image.bytes, s->image.length, 0) == 0 && disk_sync(fd) == 0 &&
         disk_rename(l->directory, NEW_NAME, name) == 0 && disk_sync_directory(l->directory) == 0 &&
         disk_remove(l->directory, packed) == 0;
    if (!ok)
        disk_error(e, "unpack", l->path, packed);
    close(fd);
    return ok;
}

/* Makes `s` the segment that is written on. */
static bool resume(struct log *l, const struct found_segment *s, struct log_found *found,
                   struct error *e)
{
    const struct image_visitor visitor = {note, l};
    struct writing *w = mem_alloc(sizeof *w);
    struct image_end end;

    if (!segment_is_plain(l->directory, s->first_seq) && !unpack(l, s, e)) {
        mem_free(w);
        return false;
    }
    w->first_seq = s->first_seq;
    segment_name(s->first_seq, w->name);
    w->fd = openat(l->directory, w->name, O_RDWR | O_CLOEXEC);
    l->current = l->oldest = w; /* closed with the log, also on failure */
    if (w->fd < 0)
        return disk_error(e, "open", l->path, w->name);
    if (!cut(l, s, w->fd, &found->cut_bytes, e))
        return false;
    index_add_segment(l->index, s->first_seq, true);
    image_scan((const uint8_t *)s->image.bytes, s->image.length, s->first_seq, s->header.chain,
               NULL, &visitor, &end);
    l->position = s->end.at;
    l->prepared = s->image.length > SEGMENT_HEADER ? s->image.length : SEGMENT_HEADER;
    l->ask_at = l->segment_bytes / 2;
    l->next_seq = s->end.last_seq + 1;
    memcpy(l->chain, s->end.chain, DIGEST_BYTES);
    return true;
}

/* Whether the newest segment, without records, follows from the one before it. */
static bool follows(const struct found_segment *newest, const struct found_segment *before)
{
    return newest->header_state == HEADER_WHOLE && before->end.state == IMAGE_CLEAN &&
           before->end.last_seq + 1 == newest->first_seq &&
           memcmp(before->end.chain, newest->header.chain, DIGEST_BYTES) == 0;
}

/* Whether segment i of the list, the newest and without records, stays. */
static bool stays(struct log *l, const uint64_t *first, size_t i, const struct found_segment *s,
                  bool *is_kept, struct error *e)
{
    struct found_segment before = {0};
    bool is_scanned;

    if (i == 0) {
        *is_kept = s->header_state == HEADER_WHOLE;
        return *is_kept || s->first_seq == 1 || refuse(l, s, e); /* seqs never start again */
    }
    before.first_seq = first[i - 1];
    segment_buffer_init(&before.image);
    is_scanned = scan_segment(l, &before, e);
    *is_kept = is_scanned && follows(s, &before);
    buffer_fini(&before.image);
    return is_scanned;
}

/* The segment to go on with, scanned: the newest with records, or an empty one that stays. *count
 * is lowered past those that were dropped, to 0 where none is left. */
static bool choose(struct log *l, const uint64_t *first, size_t *count, struct found_segment *s,
                   uint64_t *cut_bytes, struct error *e)
{
    for (; *count > 0; --*count) {
        bool is_kept = false;

        s->first_seq = first[*count - 1];
        if (!scan_segment(l, s, e))
            return false;
        if (s->end.records > 0)
            return true;
        if (!stays(l, first, *count - 1, s, &is_kept, e))
            return false;
        if (is_kept)
            return true;
        if (!drop(l, s, cut_bytes, e))
            return false;
    }
    return true;
}

static bool remove_unfinished(struct log *l, const char *name, struct error *e)
{
    return disk_remove(l->directory, name) == 0 || errno == ENOENT ||
           disk_error(e, "remove", l->path, name);
}

/* A process was killed between a segment's packed form and the end of the plain one: that one
 * stays, and is packed again. */
static bool remove_twins(struct log *l, const uint64_t *first, size_t count, struct error *e)
{
    char name[SEGMENT_NAME];

    for (size_t i = 0; i < count; i++) {
        segment_packed_name(first[i], name);
        if (segment_is_plain(l->directory, first[i]) && segment_is_packed(l->directory, first[i]) &&
            disk_remove(l->directory, name) != 0)
            return disk_error(e, "remove", l->path, name);
    }
    return true;
}

/* Bytes of the segments before the newest, as they are on disk. */
static size_t closed_bytes(struct log *l, const uint64_t *first, size_t count)
{
    size_t bytes = 0;

    for (size_t i = 0; i + 1 < count; i++)
        bytes += segment_file_bytes(l->directory, first[i]);
    return bytes;
}

static bool recover_from(struct log *l, const uint64_t *first, size_t count,
                         struct found_segment *s, struct log_found *found, struct error *e)
{
    if (!choose(l, first, &count, s, &found->cut_bytes, e))
        return false;
    if (count == 0)
        return true;
    for (size_t i = 0; i + 1 < count; i++)
        index_add_segment(l->index, first[i], false);
    if (!resume(l, s, found, e))
        return false;
    found->last_seq = s->end.last_seq;
    found->first_seq = s->end.last_seq == 0 ? 0 : first[0];
    index_set_durable(l->index, s->end.last_seq, l->chain,
                      closed_bytes(l, first, count) + l->position);
    return true;
}

bool log_recover(struct log *l, struct log_found *found, struct error *e)
{
    struct log_found result = {0};
    struct found_segment s = {0};
    uint64_t *first;
    size_t count;
    bool is_done;

    if (!remove_unfinished(l, AHEAD_NAME, e) || !remove_unfinished(l, NEW_NAME, e) ||
        !remove_unfinished(l, PACK_NAME, e) ||
        !segment_list(l->directory, l->path, &first, &count, e))
        return false;
    l->next_seq = 1;
    segment_buffer_init(&s.image);
    is_done = remove_twins(l, first, count, e) && recover_from(l, first, count, &s, &result, e);
    buffer_fini(&s.image);
    mem_free(first);
    if (!is_done)
        return false;
    if (count > 0 && disk_sync_directory(l->directory) != 0)
        return disk_error(e, "sync directory", l->path, "");
    *found = result;
    return true;
}

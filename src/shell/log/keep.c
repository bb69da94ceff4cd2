/* Packing closed segments and cutting the oldest ones off, beside all that goes on.
 *
 * A segment is closed when a record of a later one is durable: then it is never written again, and
 * recovery never needs it as the newest. */
#include <errno.h>
#include <inttypes.h>

#include "core/base/memory.h"
#include "shell/log/disk.h"
#include "shell/log/packed.h"
#include "shell/log/private.h"

/* First seqs, of which the last is not closed; *closed is how many are. */
static uint64_t *closed_segments(const struct log *l, size_t *closed)
{
    uint64_t durable = index_durable_seq(l->index), *first;
    size_t count = index_segments(l->index, 0, &first);

    while (count > 0 && first[count - 1] > durable)
        count--;
    *closed = count > 0 ? count - 1 : 0;
    return first;
}

bool log_pack(struct log *l, bool *did, struct error *e)
{
    size_t closed, saved;
    uint64_t *first = closed_segments(l, &closed);
    bool ok = true;

    *did = false;
    for (size_t i = 0; i < closed && ok && !*did; i++) {
        if (!segment_is_plain(l->directory, first[i]))
            continue;
        ok = packed_make(l->directory, l->path, first[i], first[i + 1], &saved, e);
        if (ok)
            index_less_bytes(l->index, saved);
        *did = ok;
    }
    mem_free(first);
    return ok;
}

static bool remove_form(struct log *l, const char *name, struct error *e)
{
    return disk_remove(l->directory, name) == 0 || errno == ENOENT ||
           disk_error(e, "remove", l->path, name);
}

static bool remove_segment(struct log *l, uint64_t first, struct error *e)
{
    char name[SEGMENT_NAME], packed[SEGMENT_NAME];
    size_t bytes = segment_file_bytes(l->directory, first);

    segment_name(first, name);
    segment_packed_name(first, packed);
    if (!remove_form(l, name, e) || !remove_form(l, packed, e))
        return false;
    index_drop(l->index, first);
    index_less_bytes(l->index, bytes);
    return true;
}

bool log_cut(struct log *l, uint64_t seq, struct error *e)
{
    size_t closed;
    uint64_t *first = closed_segments(l, &closed);
    bool ok = true;

    for (size_t i = 0; i < closed && ok && first[i + 1] <= seq; i++)
        ok = remove_segment(l, first[i], e) && (disk_sync_directory(l->directory) == 0 ||
                                                disk_error(e, "sync directory", l->path, ""));
    mem_free(first);
    return ok;
}

size_t log_segments(const struct log *l, struct log_segment *segment, size_t room)
{
    size_t closed;
    uint64_t *first = closed_segments(l, &closed);

    if (closed > room)
        closed = room;
    for (size_t i = 0; i < closed; i++)
        segment[i] = (struct log_segment){.first_seq = first[i],
                                          .next_seq = first[i + 1],
                                          .bytes = segment_file_bytes(l->directory, first[i]),
                                          .is_packed = !segment_is_plain(l->directory, first[i])};
    mem_free(first);
    return closed;
}

uint64_t log_first_seq(const struct log *l)
{
    return index_first_seq(l->index);
}

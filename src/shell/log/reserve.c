/* Making room before anything changes: the rest of the present segment, or a new one.
 *
 * A reservation never spans two segments, so a new one begins only here, on the engine's thread,
 * where its first seq and the chain value before it are known: its header is written before its
 * name is. Its records follow by the commit thread, after all earlier ones are synced; so a record
 * in it means that the segment before is complete, and an empty one after a crash can be dropped.
 */
#include <errno.h>
#include <unistd.h>

#include "core/base/memory.h"
#include "core/base/panic.h"
#include "shell/log/disk.h"
#include "shell/log/private.h"
#include "shell/log/record.h"

/* Of the first segment, or one that was found unfinished. Little at once: the next commit syncs it,
 * and who waits for that commit waits for the zeros. */
enum { ZEROS_AHEAD = 1 << 19 };

static size_t whole_pages(size_t bytes)
{
    return (bytes + SEGMENT_PAGE - 1) / SEGMENT_PAGE * SEGMENT_PAGE;
}

static size_t at_most(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* At least to `need`; further ahead where the disk has room for it. */
static bool extend_file(struct log *l, int fd, size_t from, size_t need, size_t *to)
{
    bool with_zeros = l->sync == LOG_SYNC_ALWAYS;
    size_t ahead = with_zeros ? at_most(from + ZEROS_AHEAD, l->segment_bytes) : l->segment_bytes;

    need = whole_pages(need);
    if (need <= from) {
        *to = from;
        return true;
    }
    if (ahead > need && disk_extend(fd, from, ahead, with_zeros) == 0) {
        *to = ahead;
        return true;
    }
    *to = need;
    return disk_extend(fd, from, need, with_zeros) == 0;
}

static bool write_header(struct log *l, int fd)
{
    struct segment_header h = {
        .version = LOG_FORMAT_VERSION, .shard = l->shard, .first_seq = l->next_seq};
    uint8_t bytes[SEGMENT_HEADER];

    memcpy(h.chain, l->chain, DIGEST_BYTES);
    segment_header_encode(&h, bytes);
    return disk_write(fd, bytes, sizeof bytes, 0) == 0;
}

/* A file with room for `need` bytes, a header, and its final name: its fd, or -1 with errno. */
static int make_segment(struct log *l, size_t need, const char *name, size_t *prepared)
{
    const char *made = AHEAD_NAME;
    int saved, fd = l->ahead == NULL ? -1 : ahead_take(l->ahead, prepared);

    if (fd < 0) {
        made = NEW_NAME;
        *prepared = 0;
        fd = disk_create(l->directory, NEW_NAME);
        if (fd < 0)
            return -1;
    }
    if (extend_file(l, fd, *prepared, need, prepared) && write_header(l, fd) &&
        disk_rename(l->directory, made, name) == 0)
        return fd;
    saved = errno;
    close(fd);
    if (disk_remove(l->directory, made) != 0) {
        /* Left over: the next try or the next opening removes it. */
    }
    errno = saved;
    return -1;
}

static bool begin_segment(struct log *l, size_t bytes, struct error *e)
{
    struct writing *w;
    char name[SEGMENT_NAME];
    size_t prepared;
    int fd;

    segment_name(l->next_seq, name);
    fd = make_segment(l, SEGMENT_HEADER + bytes, name, &prepared);
    if (fd < 0)
        return disk_error(e, "make segment", l->path, name);
    w = mem_alloc(sizeof *w);
    w->fd = fd;
    w->first_seq = l->next_seq;
    w->is_new = true;
    memcpy(w->name, name, sizeof name);
    pthread_mutex_lock(&l->lock);
    if (l->oldest == NULL)
        l->oldest = w;
    else
        l->current->next = w;
    pthread_mutex_unlock(&l->lock);
    index_add_segment(l->index, w->first_seq, true);
    l->current = w;
    l->position = SEGMENT_HEADER;
    l->prepared = prepared;
    l->ask_at = l->segment_bytes / 2;
    return true;
}

static bool extend_segment(struct log *l, size_t need, struct error *e)
{
    size_t prepared;

    if (!extend_file(l, l->current->fd, l->prepared, need, &prepared))
        return disk_error(e, "extend segment", l->path, l->current->name);
    l->prepared = prepared;
    return true;
}

/* Past the middle of a segment the next one is made; after a failure, again an eighth later. */
static void ask_ahead(struct log *l)
{
    if (l->ahead == NULL || l->position < l->ask_at)
        return;
    ahead_ask(l->ahead);
    l->ask_at = l->position + l->segment_bytes / 8;
}

static bool broken(struct log *l, struct error *e)
{
    pthread_mutex_lock(&l->lock);
    error_set(e, ERROR_WORLD, "the log is closed by an earlier failure: %.700s", l->failure);
    pthread_mutex_unlock(&l->lock);
    return false;
}

bool log_reserve(struct log *l, uint32_t records, size_t body_bytes, struct error *e)
{
    size_t bytes = (size_t)records * LOG_OVERHEAD_BYTES + body_bytes;
    size_t need = l->position + bytes;

    ASSERT(body_bytes <= LOG_RESERVE_MAX && bytes <= LOG_RESERVE_MAX);
    if (atomic_load(&l->is_broken))
        return broken(l, e);
    if (l->current == NULL ||
        (need > l->prepared && need > l->segment_bytes && l->position > SEGMENT_HEADER)) {
        if (!begin_segment(l, bytes, e))
            return false;
    } else if (need > l->prepared && !extend_segment(l, need, e)) {
        return false;
    }
    l->reserved_end = l->position + bytes;
    ask_ahead(l);
    return true;
}

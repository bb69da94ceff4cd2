/* Opening, appending, group commit.
 *
 * Two groups: the engine's thread encodes into one (no lock: `sealed` says which is whose) while
 * the commit thread writes and syncs the other. What makes a record durable, in this order: its
 * bytes are written, the file is synced, and where the segment is new, the directory. Only then
 * does the durable seq move. A failed write or sync is never retried: after a failed fsync the
 * kernel may have dropped the pages, and a second one that succeeds would prove nothing. */
#include "shell/log/log.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/memory.h"
#include "core/base/panic.h"
#include "shell/log/disk.h"
#include "shell/log/private.h"
#include "shell/log/record.h"

enum { GROUP_KEEP_BYTES = 4 << 20, GROUP_BYTES_MAX = 1 << 30, DIRECTORY_MODE = 0750 };

static bool open_directory(struct log *l, struct error *e)
{
    bool is_new = mkdir(l->path, DIRECTORY_MODE) == 0;
    int parent;

    if (!is_new && errno != EEXIST)
        return disk_error(e, "make directory", l->path, "");
    l->directory = open(l->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (l->directory < 0)
        return disk_error(e, "open directory", l->path, "");
    if (!is_new || l->sync == LOG_SYNC_NEVER)
        return true;
    parent = openat(l->directory, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0 || disk_sync_directory(parent) != 0) {
        disk_error(e, "sync directory above", l->path, "");
        if (parent >= 0)
            close(parent);
        return false;
    }
    close(parent);
    return true;
}

static struct log *log_new(const struct log_options *o)
{
    struct log *l = mem_alloc(sizeof *l);

    l->path = mem_text(o->directory, strlen(o->directory));
    l->directory = -1;
    l->lock_file = -1;
    l->shard = o->shard;
    l->segment_bytes = (o->segment_bytes + SEGMENT_PAGE - 1) / SEGMENT_PAGE * SEGMENT_PAGE;
    l->sync = o->sync;
    l->digest = digest_new();
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->freed, NULL);
    for (int i = 0; i < 2; i++)
        buffer_init(&l->groups[i].bytes, GROUP_BYTES_MAX);
    return l;
}

static void log_free(struct log *l)
{
    ahead_stop(l->ahead);
    while (l->oldest != NULL) {
        struct writing *w = l->oldest;

        l->oldest = w->next;
        close(w->fd);
        mem_free(w);
    }
    for (int i = 0; i < 2; i++) {
        buffer_fini(&l->groups[i].bytes);
        mem_free(l->groups[i].pieces);
    }
    index_free(l->index);
    digest_free(l->digest);
    if (l->lock_file >= 0)
        close(l->lock_file);
    if (l->directory >= 0)
        close(l->directory);
    pthread_cond_destroy(&l->freed);
    pthread_mutex_destroy(&l->lock);
    mem_free(l->path);
    mem_free(l);
}

bool log_open(const struct log_options *o, struct log **out, struct log_found *found,
              struct error *e)
{
    struct log *l;

    ASSERT(o->segment_bytes > SEGMENT_HEADER && o->segment_bytes <= LOG_SEGMENT_MAX);
    l = log_new(o);
    if (!open_directory(l, e))
        goto fail;
    l->lock_file = writer_lock(l->directory, l->path, e);
    if (l->lock_file < 0)
        goto fail;
    l->index = index_new(l->directory, l->path);
    if (!log_recover(l, found, e))
        goto fail;
    if (l->sync == LOG_SYNC_ALWAYS)
        l->ahead = ahead_start(l->directory, l->segment_bytes);
    *out = l;
    return true;
fail:
    log_free(l);
    return false;
}

void log_close(struct log *l)
{
    if (l != NULL)
        log_free(l);
}

uint64_t log_next_seq(const struct log *l)
{
    return l->next_seq;
}

uint64_t log_durable_seq(const struct log *l)
{
    return index_durable_seq(l->index);
}

size_t log_bytes(const struct log *l)
{
    return index_bytes(l->index);
}

void log_chain(const struct log *l, uint8_t chain[DIGEST_BYTES])
{
    index_chain(l->index, chain);
}

uint64_t log_head(const struct log *l, uint8_t chain[DIGEST_BYTES])
{
    return index_head(l->index, chain);
}

bool log_read(const struct log *l, uint64_t seq, struct buffer *into, struct record *r,
              struct error *e)
{
    return index_read(l->index, seq, into, r, NULL, e);
}

bool log_read_chained(const struct log *l, uint64_t seq, struct buffer *into, struct record *r,
                      uint8_t chain[DIGEST_BYTES], struct error *e)
{
    return index_read(l->index, seq, into, r, chain, e);
}

/* The piece that the next bytes go to: the last one, or a new one in a new segment. */
static struct piece *piece_for(struct log *l, struct group *g)
{
    if (g->count > 0 && g->pieces[g->count - 1].segment == l->current)
        return &g->pieces[g->count - 1];
    if (g->count == g->room) {
        g->room = g->room == 0 ? 4 : g->room * 2;
        g->pieces = mem_resize(g->pieces, g->room, sizeof *g->pieces);
    }
    g->pieces[g->count] =
        (struct piece){.segment = l->current, .offset = l->position, .start = g->bytes.length};
    return &g->pieces[g->count++];
}

uint64_t log_append(struct log *l, const struct record *r)
{
    struct group *g = &l->groups[l->sealed % 2];
    struct record record = *r;
    size_t bytes = record_bytes(r);
    uint8_t *at;

    if (atomic_load(&l->is_broken))
        return l->next_seq++; /* the group will never be committed */
    ASSERT(r->sealed.length <= LOG_BODY_MAX && r->body.length <= LOG_BODY_MAX &&
           bytes <= RECORD_BYTES_MAX);
    ASSERT(l->position + bytes <= l->reserved_end);
    record.seq = l->next_seq;
    at = (uint8_t *)buffer_reserve(&g->bytes, bytes);
    ASSERT(at != NULL);
    record_encode(at, &record, g->bytes.length == 0, l->digest, l->chain);
    index_note(l->index, l->current->first_seq, record.seq, l->position);
    piece_for(l, g)->length += bytes;
    g->bytes.length += bytes;
    l->position += bytes;
    return l->next_seq++;
}

static void group_clear(struct group *g)
{
    g->count = 0;
    if (g->bytes.capacity > GROUP_KEEP_BYTES)
        buffer_fini(&g->bytes); /* a large group was rare: its memory goes back */
    buffer_clear(&g->bytes);
}

void log_seal(struct log *l)
{
    struct group *g = &l->groups[l->sealed % 2];

    if (atomic_load(&l->is_broken) || g->bytes.length == 0)
        return;
    g->last_seq = l->next_seq - 1;
    memcpy(g->chain, l->chain, DIGEST_BYTES);
    pthread_mutex_lock(&l->lock);
    l->sealed++;
    while (l->sealed - l->committed == 2 && !atomic_load(&l->is_broken))
        pthread_cond_wait(&l->freed, &l->lock);
    pthread_mutex_unlock(&l->lock);
}

/* Segments before `w` are complete: the groups before wrote and synced them. */
static void close_before(struct log *l, const struct writing *w)
{
    while (l->oldest != w) {
        struct writing *done = l->oldest;

        l->oldest = done->next;
        close(done->fd);
        mem_free(done);
    }
}

static bool write_piece(struct log *l, const struct group *g, const struct piece *p,
                        struct error *e)
{
    struct writing *w = p->segment;

    if (disk_write(w->fd, g->bytes.bytes + p->start, p->length, p->offset) != 0)
        return disk_error(e, "write", l->path, w->name);
    if (l->sync == LOG_SYNC_NEVER) {
        if (l->unsynced_from == 0)
            l->unsynced_from = w->first_seq;
        return true;
    }
    if (disk_sync(w->fd) != 0)
        return disk_error(e, "sync", l->path, w->name);
    if (w->is_new && disk_sync_directory(l->directory) != 0)
        return disk_error(e, "sync directory of", l->path, w->name);
    w->is_new = false;
    return true;
}

/* Pieces in order: a segment is synced before the next one gets its first byte. */
static bool write_group(struct log *l, const struct group *g, struct error *e)
{
    for (uint32_t i = 0; i < g->count; i++) {
        pthread_mutex_lock(&l->lock);
        close_before(l, g->pieces[i].segment);
        pthread_mutex_unlock(&l->lock);
        if (!write_piece(l, g, &g->pieces[i], e))
            return false;
    }
    return true;
}

static bool break_log(struct log *l, struct error *e)
{
    pthread_mutex_lock(&l->lock);
    memcpy(l->failure, e->text, sizeof l->failure);
    atomic_store(&l->is_broken, true);
    pthread_cond_broadcast(&l->freed);
    pthread_mutex_unlock(&l->lock);
    error_prefix(e, "the log stops here, and is recovered from disk at the next start");
    e->kind = ERROR_WORLD;
    return false;
}

static size_t committed_bytes(const struct group *g)
{
    size_t bytes = g->bytes.length;

    for (uint32_t i = 0; i < g->count; i++)
        bytes += g->pieces[i].offset == SEGMENT_HEADER ? SEGMENT_HEADER : 0;
    return bytes;
}

bool log_commit(struct log *l, struct error *e)
{
    struct group *g;

    pthread_mutex_lock(&l->lock);
    if (atomic_load(&l->is_broken)) {
        error_set(e, ERROR_WORLD, "the log is closed by an earlier failure: %.700s", l->failure);
        pthread_mutex_unlock(&l->lock);
        return false;
    }
    g = l->sealed == l->committed ? NULL : &l->groups[l->committed % 2];
    pthread_mutex_unlock(&l->lock);
    if (g == NULL)
        return true;
    if (!write_group(l, g, e))
        return break_log(l, e);
    index_set_durable(l->index, g->last_seq, g->chain, committed_bytes(g));
    group_clear(g);
    pthread_mutex_lock(&l->lock);
    l->committed++;
    pthread_cond_signal(&l->freed);
    pthread_mutex_unlock(&l->lock);
    return true;
}

static bool sync_segment(struct log *l, uint64_t first_seq, struct error *e)
{
    char name[SEGMENT_NAME];
    bool is_synced;
    int fd;

    segment_name(first_seq, name);
    fd = openat(l->directory, name, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return disk_error(e, "open", l->path, name);
    is_synced = disk_sync(fd) == 0 || disk_error(e, "sync", l->path, name);
    close(fd);
    return is_synced;
}

bool log_set_sync(struct log *l, enum log_sync sync, struct error *e)
{
    uint64_t *first = NULL;
    size_t count = 0;
    bool is_synced = true;

    if (sync == LOG_SYNC_ALWAYS && l->unsynced_from != 0) {
        count = index_segments(l->index, l->unsynced_from, &first);
        for (size_t i = 0; i < count && is_synced; i++)
            is_synced = sync_segment(l, first[i], e);
        mem_free(first);
        if (is_synced && disk_sync_directory(l->directory) != 0)
            is_synced = disk_error(e, "sync directory", l->path, "");
        if (!is_synced)
            return break_log(l, e);
        l->unsynced_from = 0;
    }
    l->sync = sync;
    if (sync == LOG_SYNC_ALWAYS && l->ahead == NULL)
        l->ahead = ahead_start(l->directory, l->segment_bytes);
    return true;
}

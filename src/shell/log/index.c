/* A sparse index: the offset of each 64th record, 4 bytes each, some 0.04 % of the log. The segment
 * being written is noted as it grows; a closed one is walked when it is first asked for, and the
 * one asked longest ago is dropped when there are many. The walk reads the file without the mutex,
 * so a reader never holds up the commit thread. */
#include "shell/log/index.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "core/base/memory.h"
#include "core/base/panic.h"
#include "shell/log/disk.h"
#include "shell/log/packed.h"
#include "shell/log/record.h"
#include "shell/log/segment.h"
#include "shell/log/window.h"

struct indexed {
    uint64_t first_seq;
    uint32_t *offsets; /* of first_seq, first_seq + 64, ... */
    uint32_t count;
    uint32_t room;
    bool is_known;
    uint64_t used; /* when asked last */
};

struct index {
    int directory;
    char *path;
    pthread_mutex_t lock;
    struct indexed *segments;
    size_t count;
    size_t room;
    size_t loaded; /* known ones that are not the newest */
    uint64_t uses;
    uint8_t chain[DIGEST_BYTES];
    atomic_uint_fast64_t durable_seq;
    atomic_size_t bytes;
};

struct index *index_new(int directory, const char *path)
{
    struct index *x = mem_alloc(sizeof *x);

    x->directory = directory;
    x->path = mem_text(path, strlen(path));
    pthread_mutex_init(&x->lock, NULL);
    return x;
}

void index_free(struct index *x)
{
    if (x == NULL)
        return;
    for (size_t i = 0; i < x->count; i++)
        mem_free(x->segments[i].offsets);
    mem_free(x->segments);
    mem_free(x->path);
    pthread_mutex_destroy(&x->lock);
    mem_free(x);
}

void index_add_segment(struct index *x, uint64_t first_seq, bool is_known)
{
    pthread_mutex_lock(&x->lock);
    ASSERT(x->count == 0 || x->segments[x->count - 1].first_seq < first_seq);
    if (x->count == x->room) {
        x->room = x->room == 0 ? 16 : x->room * 2;
        x->segments = mem_resize(x->segments, x->room, sizeof *x->segments);
    }
    if (x->count > 0 && x->segments[x->count - 1].is_known)
        x->loaded++;
    x->segments[x->count++] = (struct indexed){.first_seq = first_seq, .is_known = is_known};
    pthread_mutex_unlock(&x->lock);
}

static void add_offset(struct indexed *s, size_t offset)
{
    if (s->count == s->room) {
        s->room = s->room == 0 ? 256 : s->room * 2;
        s->offsets = mem_resize(s->offsets, s->room, sizeof *s->offsets);
    }
    s->offsets[s->count++] = (uint32_t)offset;
}

void index_note(struct index *x, uint64_t first_seq, uint64_t seq, size_t offset)
{
    struct indexed *s;

    if ((seq - first_seq) % INDEX_STEP != 0)
        return;
    pthread_mutex_lock(&x->lock);
    s = &x->segments[x->count - 1];
    ASSERT(s->first_seq == first_seq && s->count == (seq - first_seq) / INDEX_STEP);
    add_offset(s, offset);
    pthread_mutex_unlock(&x->lock);
}

void index_set_durable(struct index *x, uint64_t seq, const uint8_t chain[DIGEST_BYTES],
                       size_t more_bytes)
{
    pthread_mutex_lock(&x->lock);
    memcpy(x->chain, chain, DIGEST_BYTES);
    atomic_fetch_add(&x->bytes, more_bytes);
    atomic_store(&x->durable_seq, seq);
    pthread_mutex_unlock(&x->lock);
}

uint64_t index_durable_seq(const struct index *x)
{
    return atomic_load(&x->durable_seq);
}

size_t index_bytes(const struct index *x)
{
    return atomic_load(&x->bytes);
}

void index_chain(struct index *x, uint8_t chain[DIGEST_BYTES])
{
    pthread_mutex_lock(&x->lock);
    memcpy(chain, x->chain, DIGEST_BYTES);
    pthread_mutex_unlock(&x->lock);
}

uint64_t index_head(struct index *x, uint8_t chain[DIGEST_BYTES])
{
    uint64_t seq;

    pthread_mutex_lock(&x->lock);
    memcpy(chain, x->chain, DIGEST_BYTES);
    seq = atomic_load(&x->durable_seq);
    pthread_mutex_unlock(&x->lock);
    return seq;
}

/* With the lock held: the segment that has `seq`, or NULL. */
static struct indexed *segment_of(struct index *x, uint64_t seq)
{
    size_t low = 0, high = x->count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (x->segments[middle].first_seq <= seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? NULL : &x->segments[low - 1];
}

size_t index_segments(struct index *x, uint64_t from, uint64_t **first)
{
    size_t count = 0;

    pthread_mutex_lock(&x->lock);
    *first = mem_array(x->count + 1, sizeof **first);
    for (size_t i = 0; i < x->count; i++)
        if (x->segments[i].first_seq >= from)
            (*first)[count++] = x->segments[i].first_seq;
    pthread_mutex_unlock(&x->lock);
    return count;
}

/* With the lock held: forget the offsets of the closed segment asked longest ago. */
static void drop_oldest(struct index *x)
{
    struct indexed *oldest = NULL;

    for (size_t i = 0; i + 1 < x->count; i++) {
        struct indexed *s = &x->segments[i];

        if (s->is_known && (oldest == NULL || s->used < oldest->used))
            oldest = s;
    }
    if (oldest == NULL)
        return;
    mem_free(oldest->offsets);
    *oldest = (struct indexed){.first_seq = oldest->first_seq};
    x->loaded--;
}

/* A walk over the records' lengths. What does not add up ends it: the reading that follows finds
 * and names the damage. */
static bool walk(struct index *x, struct indexed *s, struct error *e)
{
    struct record_frame f;
    struct buffer image;
    uint64_t seq = s->first_seq;
    size_t at = SEGMENT_HEADER;

    segment_buffer_init(&image);
    if (!segment_load(x->directory, x->path, s->first_seq, &image, e)) {
        buffer_fini(&image);
        return false;
    }
    while (at < image.length &&
           record_decode_unchecked((const uint8_t *)image.bytes + at, image.length - at, &f) ==
               RECORD_WHOLE &&
           f.record.seq == seq) {
        if ((seq - s->first_seq) % INDEX_STEP == 0)
            add_offset(s, at);
        at += f.bytes;
        seq++;
    }
    buffer_fini(&image);
    return true;
}

/* Takes the walked offsets in, unless another thread was faster. */
static void install(struct index *x, struct indexed *walked)
{
    struct indexed *s;

    pthread_mutex_lock(&x->lock);
    if (x->loaded >= INDEX_LOADED_MAX)
        drop_oldest(x);
    s = segment_of(x, walked->first_seq);
    if (s != NULL && s->first_seq == walked->first_seq && !s->is_known) {
        mem_free(s->offsets);
        *s = *walked;
        s->is_known = true;
        s->used = ++x->uses;
        walked->offsets = NULL;
        x->loaded++;
    }
    pthread_mutex_unlock(&x->lock);
    mem_free(walked->offsets);
}

/* The nearest known place at or before `seq`: its segment, seq and offset. */
struct place {
    uint64_t first_seq;
    uint64_t seq;
    size_t offset;
    bool is_known; /* the segment's offsets are in memory */
};

static bool find_place(struct index *x, uint64_t seq, struct place *p)
{
    struct indexed *s;

    pthread_mutex_lock(&x->lock);
    s = segment_of(x, seq);
    if (s != NULL) {
        uint64_t step = (seq - s->first_seq) / INDEX_STEP;

        *p = (struct place){.first_seq = s->first_seq, .is_known = s->is_known};
        if (step >= s->count)
            step = s->count == 0 ? 0 : s->count - 1;
        p->seq = s->first_seq + step * INDEX_STEP;
        p->offset = s->count == 0 ? SEGMENT_HEADER : s->offsets[step];
        s->used = ++x->uses;
    }
    pthread_mutex_unlock(&x->lock);
    return s != NULL;
}

/* Where the segment's offsets are not in memory: a packed one has its own table, another is walked.
 */
static bool learn_place(struct index *x, const struct window *w, uint64_t seq, struct place *p,
                        struct error *e)
{
    struct indexed walked = {.first_seq = p->first_seq};

    if (w->file.packed != NULL) {
        packed_find(w->file.packed, seq, &p->seq, &p->offset);
        return true;
    }
    if (!walk(x, &walked, e)) {
        mem_free(walked.offsets);
        return false;
    }
    install(x, &walked);
    find_place(x, seq, p);
    return true;
}

/* From a known place on, record by record. */
static bool read_from(struct index *x, struct window *w, const struct place *p, uint64_t seq,
                      struct buffer *into, struct record *r, uint8_t chain[DIGEST_BYTES],
                      struct error *e)
{
    size_t at = p->offset;
    uint64_t next = p->seq;
    struct record_frame f;
    enum record_state state;

    for (;; at += f.bytes, next++) {
        if (!window_record(w, at, next == seq, &f, &state))
            return disk_error(e, "read", x->path, w->name);
        if (state != RECORD_WHOLE || f.record.seq != next)
            return error_set(e, ERROR_INVALID,
                             "%s/%s: the record with seq %" PRIu64
                             " at offset %zu is damaged: %s; hint: run `assay log verify`, restore "
                             "the file from a backup",
                             x->path, w->name, next, at,
                             state == RECORD_WHOLE ? "its seq is not the next one" : f.why);
        if (next == seq)
            break;
    }
    buffer_clear(into);
    buffer_add_slice(into, f.record.sealed);
    buffer_add_slice(into, f.record.body);
    if (into->overflow)
        return error_set(e, ERROR_FULL, "record %" PRIu64 ": %zu bytes do not fit the reader's %zu",
                         seq, f.record.sealed.length + f.record.body.length, into->max);
    *r = f.record;
    if (chain != NULL)
        memcpy(chain, f.chain, DIGEST_BYTES);
    r->sealed.bytes = into->bytes;
    r->body.bytes = into->bytes + r->sealed.length;
    return true;
}

bool index_read(struct index *x, uint64_t seq, struct buffer *into, struct record *r,
                uint8_t chain[DIGEST_BYTES], struct error *e)
{
    struct place p;
    struct window w;
    bool is_read;

    if (seq == 0 || seq > index_durable_seq(x) || !find_place(x, seq, &p))
        return error_set(e, ERROR_NOT_FOUND, "%s: no record with seq %" PRIu64, x->path, seq);
    if (!window_open(&w, x->directory, p.first_seq, WINDOW_LOOKUP))
        return errno == ENOENT
                   ? error_set(e, ERROR_NOT_FOUND, "%s: no record with seq %" PRIu64, x->path, seq)
                   : disk_error(e, "open", x->path, w.name);
    is_read = (p.is_known || learn_place(x, &w, seq, &p, e)) &&
              read_from(x, &w, &p, seq, into, r, chain, e);
    window_close(&w);
    return is_read;
}

uint64_t index_first_seq(struct index *x)
{
    uint64_t first;

    pthread_mutex_lock(&x->lock);
    first = x->count > 0 ? x->segments[0].first_seq : 1;
    pthread_mutex_unlock(&x->lock);
    return first;
}

void index_drop(struct index *x, uint64_t first_seq)
{
    pthread_mutex_lock(&x->lock);
    if (x->count > 1 && x->segments[0].first_seq == first_seq) {
        x->loaded -= x->segments[0].is_known;
        mem_free(x->segments[0].offsets);
        x->count--;
        memmove(x->segments, x->segments + 1, x->count * sizeof *x->segments);
    }
    pthread_mutex_unlock(&x->lock);
}

void index_less_bytes(struct index *x, size_t bytes)
{
    atomic_fetch_sub(&x->bytes, bytes);
}

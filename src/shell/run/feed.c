#include "shell/run/feed.h"

#include <stdlib.h>
#include <string.h>

#include "shell/os/file.h"
#include "shell/os/ram.h"
#include "shell/run/data_directory.h"
#include "shell/run/feed_order.h"
#include "shell/run/feed_reader.h"
#include "shell/run/feed_spill.h"

enum { RAM_PART = 4 /* of the machine's memory, where the settings do not say how much */ };

struct feed_inside {
    struct feed_reader reader;
    uint64_t memory_bytes;
    char directory[DATA_PATH_MAX]; /* for what is spilled */
    struct held held;
    struct feed_spill *spill; /* NULL: all is held */

    bool is_last;
    uint32_t next;        /* held frame */
    struct frame current; /* given out of the spill */
};

/* ---- loading */

static bool choose_directory(const struct settings *s, char path[DATA_PATH_MAX], struct error *e)
{
    const char *said = getenv("TMPDIR");

    if (said == NULL || said[0] == 0)
        return data_directory(s, path, e) && file_make_directories(path, 0700, e);
    if (strlen(said) >= DATA_PATH_MAX)
        return error_set(e, ERROR_INVALID, "TMPDIR is over %d bytes", DATA_PATH_MAX);
    memcpy(path, said, strlen(said) + 1);
    return true;
}

/* More than memory shall hold, or than can be held: what was held is looked at, and let go. */
static bool stop_holding(struct feed_inside *in, const struct settings *s, struct error *e)
{
    bool ok = choose_directory(s, in->directory, e);

    if (!ok)
        return false;
    in->spill = feed_spill_new(&in->reader, in->memory_bytes, in->directory);
    for (uint32_t i = 0; i < in->held.count && ok; i++) {
        ok = feed_spill_add(in->spill, &in->held.frames[i], e);
        held_release(&in->held, i);
    }
    held_fini(&in->held);
    return ok;
}

static bool add_frame(struct feed_inside *in, const struct settings *s, struct frame *frame,
                      struct error *e)
{
    bool ok;

    if (in->spill == NULL) {
        held_add(&in->held, frame);
        return in->held.bytes <= in->memory_bytes || stop_holding(in, s, e);
    }
    ok = feed_spill_add(in->spill, frame, e);
    frame_fini(frame);
    return ok;
}

static bool read_all(struct feed_inside *in, const struct settings *s,
                     const struct progress *progress, bool *is_empty, struct error *e)
{
    struct frame frame;

    for (*is_empty = true;; *is_empty = false) {
        if (!feed_reader_read(&in->reader, &frame, e))
            return false;
        if (frame.rows == 0)
            return true;
        if (!add_frame(in, s, &frame, e))
            return false;
        if (!progress_report(progress, "reading events", feed_reader_share(&in->reader)))
            return error_set(e, ERROR_CANCELLED, "stopped while reading");
    }
}

static bool settle(struct feed *f, struct error *e)
{
    struct feed_inside *in = f->inside;

    if (in->spill != NULL)
        return feed_spill_settle(in->spill, &f->counts, e);
    held_settle(&in->held, &f->counts);
    return true;
}

bool feed_load(const struct settings *s, const char *path, const struct schema *schema,
               const struct progress *progress, struct feed *f, struct error *e)
{
    struct feed_inside *in = mem_alloc(sizeof *in);
    bool is_empty, ok;

    *f = (struct feed){.inside = in};
    in->memory_bytes = s->has_batch_memory ? s->batch_memory_bytes : ram_bytes() / RAM_PART;
    ok = feed_reader_open(&in->reader, s, path, schema, &f->counts, e);
    if (ok) {
        in->held.schema = f->schema = in->reader.schema;
        f->absent = in->reader.absent;
        ok = read_all(in, s, progress, &is_empty, e) &&
             (!is_empty || error_set(e, ERROR_INVALID, "%s: there is no event in it, only a header",
                                     in->reader.part[0].path)) &&
             feed_reader_count(&in->reader, &f->counts, e) && settle(f, e);
    }
    if (!ok)
        feed_free(f);
    return ok;
}

void feed_free(struct feed *f)
{
    if (f->inside != NULL) {
        frame_fini(&f->inside->current);
        held_fini(&f->inside->held);
        feed_spill_free(f->inside->spill);
        feed_reader_close(&f->inside->reader);
        mem_free(f->inside);
    }
    *f = (struct feed){0};
}

/* ---- reading */

bool feed_begin(struct feed *f, bool is_last, struct error *e)
{
    struct feed_inside *in = f->inside;

    in->is_last = is_last;
    in->next = 0;
    frame_fini(&in->current);
    return in->spill == NULL || feed_spill_begin(in->spill, e);
}

static bool next_spilled(struct feed *f, const struct frame **frame, struct error *e)
{
    struct feed_inside *in = f->inside;

    frame_fini(&in->current);
    if (!feed_spill_next(in->spill, &in->current, &f->counts, e))
        return false;
    *frame = in->current.rows > 0 ? &in->current : NULL;
    f->counts.spilled_bytes = feed_spill_bytes(in->spill);
    return true;
}

bool feed_next(struct feed *f, const struct frame **frame, struct error *e)
{
    struct feed_inside *in = f->inside;

    if (in->spill != NULL)
        return next_spilled(f, frame, e);
    if (in->is_last && in->next > 0)
        held_release(&in->held, in->next - 1);
    *frame = in->next < in->held.count ? &in->held.frames[in->next++] : NULL;
    return true;
}

#include "shell/log/window.h"

#include "core/base/memory.h"

bool window_open(struct window *w, int directory, uint64_t first_seq, size_t step)
{
    *w = (struct window){.step = step};
    return segment_open(directory, first_seq, &w->file, w->name);
}

void window_close(struct window *w)
{
    segment_close(&w->file);
    mem_free(w->bytes);
    *w = (struct window){.file.fd = -1};
}

void window_forget(struct window *w)
{
    w->length = 0;
    w->reaches_end = false;
}

const uint8_t *window_view(const struct window *w, size_t at, size_t *length)
{
    if (at < w->base || at - w->base >= w->length) {
        *length = 0;
        return w->bytes;
    }
    *length = w->length - (at - w->base);
    return w->bytes + (at - w->base);
}

/* Moves the window to `at`, with `need` bytes or as many as the file has. */
static bool move_to(struct window *w, size_t at, size_t need)
{
    size_t wanted = need > w->step ? need : w->step;
    long long got;

    if (wanted > w->room) {
        w->bytes = mem_resize(w->bytes, wanted, 1);
        w->room = wanted;
    }
    window_forget(w);
    got = segment_read(&w->file, w->bytes, wanted, at);
    if (got < 0)
        return false;
    w->base = at;
    w->length = (size_t)got;
    w->reaches_end = w->length < wanted;
    return true;
}

bool window_record(struct window *w, size_t at, bool holds_crc, struct record_frame *f,
                   enum record_state *state)
{
    for (;;) {
        size_t available;
        const uint8_t *bytes = window_view(w, at, &available);

        *state = holds_crc ? record_decode(bytes, available, f)
                           : record_decode_unchecked(bytes, available, f);
        if (*state != RECORD_SHORT)
            return true;
        if (w->reaches_end && at >= w->base && at <= w->base + w->length) {
            if (available == 0)
                *state = RECORD_NONE;
            return true;
        }
        if (!move_to(w, at, f->bytes))
            return false;
    }
}

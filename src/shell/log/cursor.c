/* Reading in order, beside a writer or not.
 *
 * The hard part is the end. Where no good record stands at the place of the next one, it may not
 * be written yet, be written in this moment, be in the next segment, or be damaged. So:
 *
 *   1. read the place anew (the window may be older than the record);
 *   2. if a segment begins with just that seq, go on there;
 *   3. if something good follows that can only come after it (a later group in this segment, a
 * later segment with a record), read the place once more: by then it must be good, or it is
 * damaged;
 *   4. otherwise this is the end, for now.
 *
 * Zeros in the place are taken for the end after a look at the window's bytes only, so that asking
 * again at the end stays cheap; recovery and log_verify look at all of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "core/base/memory.h"
#include "shell/log/disk.h"
#include "shell/log/image.h"
#include "shell/log/packed.h"
#include "shell/log/segment.h"
#include "shell/log/window.h"

struct log_cursor {
    char *path;
    int directory;
    uint64_t from;
    uint64_t next_seq; /* 0: no segment open yet */
    uint64_t segment;  /* its first seq */
    bool was_newest;   /* when it was opened */
    size_t at;
    struct window window;
    uint8_t chain[DIGEST_BYTES];
    uint8_t before[DIGEST_BYTES]; /* the chain value before the segment */
};

enum found { FOUND_NOTHING, FOUND_IT, FOUND_TROUBLE };

bool log_cursor_open(const char *directory, uint64_t from_seq, struct log_cursor **out,
                     struct error *e)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct log_cursor *c;

    if (fd < 0 && errno == ENOENT)
        return error_set(e, ERROR_NOT_FOUND,
                         "%s: there is no log; hint: is this the data directory?", directory);
    if (fd < 0)
        return disk_error(e, "open directory", directory, "");
    c = mem_alloc(sizeof *c);
    c->path = mem_text(directory, strlen(directory));
    c->directory = fd;
    c->from = from_seq;
    c->window.file.fd = -1;
    *out = c;
    return true;
}

void log_cursor_close(struct log_cursor *c)
{
    if (c == NULL)
        return;
    window_close(&c->window);
    close(c->directory);
    mem_free(c->path);
    mem_free(c);
}

void log_cursor_chain(const struct log_cursor *c, uint8_t chain[DIGEST_BYTES])
{
    memcpy(chain, c->chain, DIGEST_BYTES);
}

static enum found missing_or_trouble(struct log_cursor *c, const char *name, struct error *e)
{
    if (errno == ENOENT)
        return FOUND_NOTHING;
    disk_error(e, "open", c->path, name);
    return FOUND_TROUBLE;
}

/* Opens segment `first`; the reading goes on with its first record. FOUND_NOTHING: it has no header
 * yet, which only a crash leaves. */
static enum found open_segment(struct log_cursor *c, uint64_t first, struct error *e)
{
    uint8_t bytes[SEGMENT_HEADER];
    struct segment_header h;
    struct window w;
    long long got;

    if (!window_open(&w, c->directory, first, WINDOW_READING))
        return missing_or_trouble(c, w.name, e);
    got = segment_read(&w.file, bytes, sizeof bytes, 0);
    if (got < 0)
        disk_error(e, "read", c->path, w.name);
    if (got >= 0 && segment_header_decode(bytes, (size_t)got, &h) == HEADER_NONE) {
        window_close(&w);
        return FOUND_NOTHING;
    }
    if (got < 0 || !segment_header_check(bytes, (size_t)got, c->path, first, &h, e)) {
        window_close(&w);
        return FOUND_TROUBLE;
    }
    if (c->next_seq != 0 && memcmp(h.chain, c->chain, DIGEST_BYTES) != 0) {
        error_set(e, ERROR_INVALID,
                  "%s/%s: the segment does not continue the one before it: the chain "
                  "value in its header is not that of record %" PRIu64
                  "; hint: run `assay log verify`, restore the files from a backup",
                  c->path, w.name, first - 1);
        window_close(&w);
        return FOUND_TROUBLE;
    }
    window_close(&c->window);
    c->window = w;
    c->segment = c->next_seq = first;
    c->at = SEGMENT_HEADER;
    memcpy(c->chain, h.chain, DIGEST_BYTES);
    memcpy(c->before, h.chain, DIGEST_BYTES);
    return FOUND_IT;
}

/* The smallest first seq above `seq`, 0: none. */
static bool segment_after(struct log_cursor *c, uint64_t seq, uint64_t *after, struct error *e)
{
    uint64_t *first;
    size_t count;

    if (!segment_list(c->directory, c->path, &first, &count, e))
        return false;
    *after = 0;
    for (size_t i = count; i > 0 && first[i - 1] > seq; i--)
        *after = first[i - 1];
    mem_free(first);
    return true;
}

static bool look_whether_newest(struct log_cursor *c, struct error *e)
{
    uint64_t after;

    if (!segment_after(c, c->segment, &after, e))
        return false;
    c->was_newest = after == 0;
    return true;
}

/* The segment that has `from`, or else the first one there is. */
static enum found open_first(struct log_cursor *c, struct error *e)
{
    uint64_t *first, chosen;
    size_t count, i = 0;
    enum found found;

    if (!segment_list(c->directory, c->path, &first, &count, e))
        return FOUND_TROUBLE;
    while (i + 1 < count && first[i + 1] <= c->from)
        i++;
    chosen = count == 0 ? 0 : first[i];
    mem_free(first);
    if (chosen == 0)
        return FOUND_NOTHING;
    found = open_segment(c, chosen, e);
    if (found == FOUND_IT && c->window.file.packed != NULL && c->from > chosen)
        packed_find(c->window.file.packed, c->from, &c->next_seq, &c->at);
    if (found == FOUND_IT && !look_whether_newest(c, e))
        return FOUND_TROUBLE;
    return found;
}

static enum found damaged(struct log_cursor *c, const char *why, struct error *e)
{
    error_set(e, ERROR_INVALID,
              "%s/%s: the record with seq %" PRIu64 " at offset %zu is damaged: %s; "
              "hint: run `assay log verify`, restore the file from a backup",
              c->path, c->window.name, c->next_seq, c->at, why);
    return FOUND_TROUBLE;
}

/* The record at the cursor, from the window or, where asked, from the file. */
static enum found try_record(struct log_cursor *c, bool anew, struct record_frame *f,
                             enum record_state *state, struct error *e)
{
    if (anew)
        window_forget(&c->window);
    if (!window_record(&c->window, c->at, c->next_seq >= c->from, f, state)) {
        disk_error(e, "read", c->path, c->window.name);
        return FOUND_TROUBLE;
    }
    if (*state != RECORD_WHOLE)
        return FOUND_NOTHING;
    if (f->record.seq != c->next_seq)
        return damaged(c, "its seq is not the next one", e);
    return FOUND_IT;
}

/* Whether the segment that begins with `first` has its first record. */
static bool has_record(struct log_cursor *c, uint64_t first)
{
    struct record_frame f;
    enum record_state state;
    struct window w;
    bool is_there;

    if (!window_open(&w, c->directory, first, WINDOW_LOOKUP))
        return false;
    is_there = window_record(&w, SEGMENT_HEADER, true, &f, &state) && state == RECORD_WHOLE &&
               f.record.seq == first;
    window_close(&w);
    return is_there;
}

/* log.keep took the cursor's segment, and the next one, away while it was read. */
static enum found was_cut(struct log_cursor *c, struct error *e)
{
    uint64_t *first;
    size_t count;
    bool is_gone;

    if (!segment_list(c->directory, c->path, &first, &count, e))
        return FOUND_TROUBLE;
    is_gone = count > 0 && first[0] > c->next_seq;
    if (is_gone)
        error_set(e, ERROR_CONFLICT,
                  "%s: the records from %" PRIu64 " to %" PRIu64
                  " were cut off (log.keep) while they "
                  "were to be read; hint: try again",
                  c->path, c->next_seq, first[0] - 1);
    mem_free(first);
    return is_gone ? FOUND_TROUBLE : FOUND_NOTHING;
}

/* FOUND_IT: something good stands behind the cursor that can only come after its record. */
static enum found look_behind(struct log_cursor *c, enum record_state state, struct error *e)
{
    struct image_end end = {.state = IMAGE_CLEAN};
    uint64_t after = 0;

    if (state == RECORD_NONE) {
        size_t length;
        const uint8_t *bytes = window_view(&c->window, c->at, &length);

        image_judge(bytes, length, 0, 1, c->next_seq, &end);
    } else {
        struct buffer image;

        segment_buffer_init(&image);
        if (!segment_load(c->directory, c->path, c->segment, &image, e)) {
            buffer_fini(&image);
            return FOUND_TROUBLE;
        }
        if (image.length > c->at)
            image_judge((const uint8_t *)image.bytes, image.length, c->at, c->at + 1, c->next_seq,
                        &end);
        buffer_fini(&image);
    }
    if (end.state == IMAGE_DAMAGED)
        return FOUND_IT;
    if (!c->was_newest && !segment_after(c, c->segment, &after, e))
        return FOUND_TROUBLE;
    return after != 0 && has_record(c, after) ? FOUND_IT : FOUND_NOTHING;
}

/* No record at the cursor, or so it seemed: see the top of this file. */
static enum found at_end(struct log_cursor *c, struct record_frame *f, struct error *e)
{
    enum record_state state;
    enum found found = try_record(c, true, f, &state, e);

    if (found != FOUND_NOTHING)
        return found;
    if (c->next_seq != c->segment) {
        found = open_segment(c, c->next_seq, e);
        if (found == FOUND_IT && !look_whether_newest(c, e))
            return FOUND_TROUBLE;
        if (found == FOUND_IT)
            found = try_record(c, true, f, &state, e);
        if (found != FOUND_NOTHING)
            return found;
    }
    found = look_behind(c, state, e);
    if (found == FOUND_IT && was_cut(c, e) == FOUND_TROUBLE)
        return FOUND_TROUBLE;
    if (found != FOUND_IT)
        return found;
    found = try_record(c, true, f, &state, e);
    return found == FOUND_NOTHING ? damaged(c, f->why, e) : found;
}

int log_cursor_next(struct log_cursor *c, struct record *r, struct error *e)
{
    enum found found = FOUND_IT;
    enum record_state state;
    struct record_frame f;

    if (c->next_seq == 0)
        found = open_first(c, e);
    while (found == FOUND_IT) {
        found = try_record(c, false, &f, &state, e);
        if (found == FOUND_NOTHING)
            found = at_end(c, &f, e);
        if (found != FOUND_IT)
            break;
        c->at += f.bytes;
        c->next_seq++;
        memcpy(c->chain, f.chain, DIGEST_BYTES);
        if (f.record.seq >= c->from) {
            *r = f.record;
            return 1;
        }
    }
    return found == FOUND_NOTHING ? 0 : -1;
}

/* The newest segment is read to its end; one that has no record yet begins after the last one. */
bool log_last_seq(const char *directory, uint64_t *seq, struct error *e)
{
    struct log_cursor *c;
    struct record r;
    uint64_t *first = NULL;
    size_t count = 0;
    int found = -1;

    if (!log_cursor_open(directory, 1, &c, e))
        return false;
    if (segment_list(c->directory, c->path, &first, &count, e)) {
        c->from = count > 0 ? first[count - 1] : 1;
        *seq = count > 0 ? first[count - 1] - 1 : 0;
        while ((found = log_cursor_next(c, &r, e)) == 1)
            *seq = r.seq;
    }
    mem_free(first);
    log_cursor_close(c);
    return found == 0;
}

bool log_chain_at(const char *directory, uint64_t seq, uint8_t chain[DIGEST_BYTES], struct error *e)
{
    struct log_cursor *c;
    struct record r;
    int found;

    memset(chain, 0, DIGEST_BYTES);
    if (seq == 0)
        return true;
    if (!log_cursor_open(directory, seq, &c, e))
        return false;
    found = log_cursor_next(c, &r, e);
    if (found == 1 && r.seq == seq)
        log_cursor_chain(c, chain);
    else if (found == 1 && r.seq == seq + 1 && c->segment == r.seq) /* cut just behind it */
        memcpy(chain, c->before, DIGEST_BYTES);
    else if (found >= 0)
        found = error_set(e, ERROR_NOT_FOUND, "%s: no record with seq %" PRIu64, directory, seq);
    log_cursor_close(c);
    return found == 1;
}

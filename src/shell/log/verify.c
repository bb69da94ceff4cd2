/* Reading everything again. Each segment is scanned with its chain recomputed, must begin where the
 * one before it ended, and end in zeros.
 *
 * Beside a live writer the end moves while it is read: bytes read first may be older than bytes
 * read later. So a finding there counts only if the same place is still wrong when the segment is
 * read again; and what stands at the very end is not finished, not broken. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "core/base/memory.h"
#include "core/base/panic.h"
#include "shell/log/disk.h"
#include "shell/log/image.h"
#include "shell/log/private.h"

struct verifying {
    const char *path;
    int directory;
    bool is_live;
    uint32_t shard; /* of the first segment */
    struct digest *digest;
    struct buffer image;
    struct log_verdict *verdict;
    uint64_t by_kind[RECORD_KINDS];
    struct log_mark *mark; /* by seq */
    size_t marks;
    size_t next_mark; /* the first that no record was held against yet; in this scan: */
    size_t scanned_mark;
};

static void hold_mark(struct verifying *v, size_t *next, uint64_t seq, const uint8_t *chain)
{
    for (; *next < v->marks && v->mark[*next].seq <= seq; ++*next) {
        struct log_mark *m = &v->mark[*next];

        if (m->seq < seq)
            m->state = LOG_MARK_CUT;
        else
            m->state =
                memcmp(m->chain, chain, DIGEST_BYTES) == 0 ? LOG_MARK_HELD : LOG_MARK_DIFFERS;
    }
}

static void count_record(void *context, const struct record_frame *f, size_t at)
{
    struct verifying *v = context;

    (void)at;
    v->by_kind[f->record.kind]++;
    hold_mark(v, &v->scanned_mark, f->record.seq, f->chain);
}

PRINTF_LIKE(2, 3) static bool finding(struct verifying *v, const char *format, ...)
{
    va_list args;

    v->verdict->is_whole = false;
    va_start(args, format);
    vsnprintf(v->verdict->finding, sizeof v->verdict->finding, format, args);
    va_end(args);
    return false;
}

/* Header and joint with the segment before. False: a finding. */
static bool check_header(struct verifying *v, uint64_t first, bool is_first,
                         struct segment_header *h)
{
    struct log_verdict *verdict = v->verdict;
    struct error e = {0};
    char name[SEGMENT_NAME];
    static const uint8_t zeros[DIGEST_BYTES];

    segment_name(first, name);
    if (!segment_header_check((const uint8_t *)v->image.bytes, v->image.length, v->path, first, h,
                              &e))
        return finding(v, "%s", e.text);
    if (is_first && first == 1 && memcmp(h->chain, zeros, DIGEST_BYTES) != 0)
        return finding(v, "%s/%s: the chain before record 1 is not zeros", v->path, name);
    if (is_first) {
        v->shard = h->shard;
        memcpy(verdict->before, h->chain, DIGEST_BYTES);
        hold_mark(v, &v->next_mark, first - 1, h->chain);
        return true;
    }
    if (h->shard != v->shard)
        return finding(v, "%s/%s: belongs to shard %" PRIu32 ", the first segment to %" PRIu32,
                       v->path, name, h->shard, v->shard);
    if (verdict->last_seq + 1 != first)
        return finding(v,
                       "%s/%s: begins with seq %" PRIu64 ", the segment before it ends with seq "
                       "%" PRIu64,
                       v->path, name, first, verdict->last_seq);
    if (memcmp(h->chain, verdict->chain, DIGEST_BYTES) != 0)
        return finding(v,
                       "%s/%s: the chain value in its header is not that of record %" PRIu64
                       " at the end of the segment before it",
                       v->path, name, verdict->last_seq);
    return true;
}

static bool name_damage(struct verifying *v, uint64_t first, const struct image_end *end)
{
    char name[SEGMENT_NAME];

    segment_name(first, name);
    if (end->state == IMAGE_TORN)
        return finding(v,
                       "%s/%s: after seq %" PRIu64 ", at offset %zu, stands something that is no "
                       "good record: %s; nothing good follows in this segment (a torn end: opening "
                       "the newest segment for writing cuts it)",
                       v->path, name, end->last_seq, end->at, end->why);
    return finding(v, "%s/%s: the record with seq %" PRIu64 " at offset %zu is damaged: %s",
                   v->path, name, end->last_seq + 1, end->at, end->why);
}

static void take_counts(struct verifying *v, const struct image_end *end)
{
    struct log_verdict *verdict = v->verdict;

    v->next_mark = v->scanned_mark;
    verdict->segments++;
    verdict->records += end->records;
    verdict->bytes += end->at;
    verdict->last_seq = end->last_seq;
    memcpy(verdict->chain, end->chain, DIGEST_BYTES);
    for (int i = 0; i < RECORD_KINDS; i++)
        verdict->by_kind[i] += v->by_kind[i];
}

/* Scans the loaded image; beside a writer, again as long as the trouble moves on. */
static bool scan(struct verifying *v, uint64_t first, const struct segment_header *h,
                 struct image_end *end, struct error *e)
{
    const struct image_visitor visitor = {count_record, v};
    size_t trouble_at = 0;

    for (;;) {
        memset(v->by_kind, 0, sizeof v->by_kind);
        v->scanned_mark = v->next_mark;
        image_scan((const uint8_t *)v->image.bytes, v->image.length, first, h->chain, v->digest,
                   &visitor, end);
        if (!v->is_live || end->state == IMAGE_CLEAN || end->at == trouble_at)
            return true;
        trouble_at = end->at;
        if (!segment_load(v->directory, v->path, first, &v->image, e))
            return false;
    }
}

/* False: reading failed. *goes_on false: a finding, or the end of what a writer has finished. */
static bool verify_segment(struct verifying *v, uint64_t first, bool is_first, bool is_newest,
                           bool *goes_on, struct error *e)
{
    struct segment_header h;
    struct image_end end;

    *goes_on = false;
    if (!segment_load(v->directory, v->path, first, &v->image, e)) {
        if (e->kind != ERROR_INVALID)
            return false;
        (void)finding(v, "%s", e->text); /* packed, and damaged */
        return true;
    }
    v->verdict->packed += !segment_is_plain(v->directory, first);
    if (!check_header(v, first, is_first, &h))
        return true;
    if (!scan(v, first, &h, &end, e))
        return false;
    take_counts(v, &end);
    *goes_on = end.state == IMAGE_CLEAN;
    if (end.state == IMAGE_DAMAGED || (end.state == IMAGE_TORN && !(v->is_live && is_newest)))
        name_damage(v, first, &end);
    return true;
}

/* A live writer's newest segment may be begun while the one before is still written to: where they
 * do not join yet, the newest is left out. */
static bool is_unfinished_joint(struct verifying *v, uint64_t first, struct error *e, bool *is_so)
{
    struct image_end end;
    struct segment_header h;

    *is_so = false;
    if (!v->is_live || v->verdict->last_seq + 1 == first)
        return true;
    if (!segment_load(v->directory, v->path, first, &v->image, e))
        return false;
    if (segment_header_decode((const uint8_t *)v->image.bytes, v->image.length, &h) != HEADER_WHOLE)
        return true;
    image_scan((const uint8_t *)v->image.bytes, v->image.length, first, h.chain, NULL, NULL, &end);
    *is_so = end.records == 0;
    return true;
}

static bool verify_all(struct verifying *v, const uint64_t *first, size_t count,
                       const struct progress *p, struct error *e)
{
    bool goes_on = true;

    for (size_t i = 0; i < count && goes_on; i++) {
        bool is_newest = i + 1 == count, is_unfinished = false;

        if (!progress_report(p, "verify", (double)i / (double)count))
            return error_set(e, ERROR_CANCELLED, "%s: verification was cancelled", v->path);
        if (is_newest && i > 0 && !is_unfinished_joint(v, first[i], e, &is_unfinished))
            return false;
        if (is_unfinished)
            return true;
        if (!verify_segment(v, first[i], i == 0, is_newest, &goes_on, e))
            return false;
    }
    return progress_report(p, "verify", 1.0) ||
           error_set(e, ERROR_CANCELLED, "%s: verification was cancelled", v->path);
}

static bool verify_directory(struct verifying *v, const struct progress *p, struct error *e)
{
    uint64_t *first;
    size_t count;
    bool is_read;

    if (!segment_list(v->directory, v->path, &first, &count, e))
        return false;
    v->verdict->is_whole = true;
    v->verdict->first_seq = count == 0 ? 0 : first[0];
    is_read = verify_all(v, first, count, p, e);
    if (v->verdict->records == 0)
        v->verdict->first_seq = v->verdict->last_seq = 0;
    mem_free(first);
    return is_read;
}

/* Of the marks that no record was held against. */
static void judge_rest(struct verifying *v)
{
    for (; v->next_mark < v->marks; v->next_mark++)
        v->mark[v->next_mark].state = v->verdict->is_whole ? LOG_MARK_MISSING : LOG_MARK_UNSEEN;
}

bool log_verify_marks(const char *directory, struct log_mark *mark, size_t count,
                      const struct progress *p, struct log_verdict *verdict, struct error *e)
{
    struct log_verdict result = {0};
    struct verifying v = {.path = directory, .verdict = &result, .mark = mark, .marks = count};
    bool is_read;

    v.directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (v.directory < 0 && errno == ENOENT)
        return error_set(e, ERROR_NOT_FOUND,
                         "%s: there is no log; hint: is this the data directory?", directory);
    if (v.directory < 0)
        return disk_error(e, "open directory", directory, "");
    v.is_live = writer_is_live(v.directory);
    v.digest = digest_new();
    segment_buffer_init(&v.image);
    is_read = verify_directory(&v, p, e);
    buffer_fini(&v.image);
    digest_free(v.digest);
    close(v.directory);
    if (!is_read)
        return false;
    judge_rest(&v);
    *verdict = result;
    return true;
}

bool log_verify(const char *directory, const struct progress *p, struct log_verdict *verdict,
                struct error *e)
{
    return log_verify_marks(directory, NULL, 0, p, verdict, e);
}

/* Decisions into CSV files that follow one another, for each partition its own:
 *
 *   PREFIX-<partition>-<first offset>.csv        whole
 *   PREFIX-<partition>-<first offset>.csv.part   is being written
 *
 * A file becomes whole behind a commit only. So what a crash left behind the group's position is in
 * the part alone, and each row begins with its offset: taking the partition over copies the rows
 * before the position and drops the others. A copy, so that a worker that lost the partition and
 * does not know it writes into a file that has no name any more.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/memory.h"
#include "core/base/number.h"
#include "core/data/csv.h"
#include "core/data/json.h"
#include "shell/os/clock.h"
#include "shell/os/file.h"
#include "shell/run/reasons.h"
#include "shell/stream/sink.h"

enum { PENDING_MAX = 256 << 20, OFFSET_DIGITS = 12, PATH_BYTES = PATH_MAX, PART_MAX = 1 << 30 };

static const char header[] = "offset,partition,id,time,probability,score,level,outcome,reasons\n";

struct part {
    int32_t partition;
    int fd;                /* -1: no file yet */
    char path[PATH_BYTES]; /* of the whole file; the part's has .part behind it */
    uint64_t rows, bytes;  /* delivered */
    bool is_dirty;         /* and not synced */
    int64_t opened_us;
    struct buffer pending;
    uint64_t pending_rows;
    int64_t first; /* offset of the first pending row */
};

struct sink_csv {
    struct sink sink;
    char prefix[PATH_BYTES / 2];
    struct part *part;
    uint32_t parts;
    struct buffer text;
};

static bool csv_open(const struct sink_setting *s, const struct sink_context *c, struct sink **out,
                     struct error *e)
{
    struct sink_csv *k = mem_alloc(sizeof *k);
    char *slash;
    int length = s->csv[0] == '/' ? snprintf(k->prefix, sizeof k->prefix, "%s", s->csv)
                                  : snprintf(k->prefix, sizeof k->prefix, "%s/%s",
                                             c->settings->directory, s->csv);
    bool ok = true;

    if (length >= (int)sizeof k->prefix) {
        mem_free(k);
        return error_set(e, ERROR_INVALID, "csv: the path is over %zu bytes", sizeof k->prefix);
    }
    slash = strrchr(k->prefix, '/');
    if (slash != NULL && slash != k->prefix) {
        *slash = 0;
        ok = file_make_directories(k->prefix, 0777, e);
        *slash = '/';
    }
    if (!ok) {
        mem_free(k);
        return false;
    }
    buffer_init(&k->text, 1 << 20);
    *out = &k->sink;
    return true;
}

static void part_close(struct part *p)
{
    if (p->fd >= 0)
        close(p->fd);
    buffer_fini(&p->pending);
}

static void csv_revoke(struct sink *s)
{
    struct sink_csv *k = (struct sink_csv *)s;

    for (uint32_t i = 0; i < k->parts; i++)
        part_close(&k->part[i]);
    k->parts = 0;
}

static void csv_close(struct sink *s)
{
    struct sink_csv *k = (struct sink_csv *)s;

    csv_revoke(s);
    mem_free(k->part);
    buffer_fini(&k->text);
    mem_free(k);
}

/* ---- taking a partition over ---- */

static bool fail_file(struct error *e, const char *path)
{
    return error_set(e, errno == ENOSPC ? ERROR_FULL : ERROR_WORLD, "%s: %s", path,
                     strerror(errno));
}

/* How many bytes of the part's rows are before `committed`, and how many rows. */
static size_t rows_before(struct text file, int64_t committed, uint64_t *rows)
{
    size_t at = 0, end = 0;
    bool is_quoted = false;

    *rows = 0;
    for (size_t i = 0; i < file.length; i++) {
        is_quoted ^= file.bytes[i] == '"';
        if (file.bytes[i] != '\n' || is_quoted)
            continue;
        if (at > 0) {
            int64_t offset = 0;

            for (size_t d = at; d < i && file.bytes[d] >= '0' && file.bytes[d] <= '9'; d++)
                offset = offset * 10 + (file.bytes[d] - '0');
            if (offset >= committed)
                break;
            (*rows)++;
        }
        at = end = i + 1;
    }
    return end;
}

static void part_path(const struct part *p, char out[PATH_BYTES])
{
    snprintf(out, PATH_BYTES, "%.*s.part", (int)(PATH_BYTES - sizeof ".part"), p->path);
}

static bool open_part(struct part *p, int flags, struct error *e)
{
    char path[PATH_BYTES];

    part_path(p, path);
    p->fd = open(path, O_WRONLY | O_CLOEXEC | flags, 0666);
    p->opened_us = clock_now_us();
    return p->fd >= 0 || fail_file(e, path);
}

static bool take_over(struct part *p, const char *part, int64_t committed, struct error *e)
{
    struct buffer bytes;
    bool ok;

    buffer_init(&bytes, PART_MAX);
    ok = file_read(part, &bytes, e);
    if (ok) {
        p->bytes = rows_before((struct text){bytes.bytes, bytes.length}, committed, &p->rows);
        ok = p->rows == 0 ? unlink(part) == 0 || fail_file(e, part)
                          : file_write(part, bytes.bytes, p->bytes, 0666, e);
    }
    buffer_fini(&bytes);
    if (!ok || p->rows == 0) {
        p->bytes = 0;
        return ok;
    }
    snprintf(p->path, sizeof p->path, "%.*s", (int)(strlen(part) - strlen(".part")), part);
    return open_part(p, 0, e);
}

static bool csv_assign(struct sink *s, int32_t partition, int64_t committed, struct error *e)
{
    struct sink_csv *k = (struct sink_csv *)s;
    struct part *p;
    char pattern[PATH_BYTES];
    struct file_list found;
    struct error none;
    bool ok = true;

    k->part = mem_resize(k->part, k->parts + 1, sizeof *k->part);
    p = &k->part[k->parts++];
    *p = (struct part){.partition = partition, .fd = -1};
    buffer_init(&p->pending, PENDING_MAX);
    snprintf(pattern, sizeof pattern, "%s-%d-*.csv.part", k->prefix, partition);
    if (!file_list(pattern, &found, &none))
        return true;
    for (size_t i = 0; ok && i < found.count; i++)
        ok = take_over(p, found.path[i], committed, e);
    file_list_fini(&found);
    return ok;
}

/* ---- rows ---- */

static struct part *part_of(struct sink_csv *k, int32_t partition)
{
    for (uint32_t i = 0; i < k->parts; i++) {
        if (k->part[i].partition == partition)
            return &k->part[i];
    }
    return NULL;
}

static void add_cell(struct buffer *out, struct text t)
{
    buffer_add_char(out, ',');
    csv_add_cell(out, t, ',');
}

static bool csv_add(struct sink *s, const struct sink_row *r, struct error *e)
{
    struct sink_csv *k = (struct sink_csv *)s;
    struct part *p = part_of(k, r->partition);
    char time[TIME_TEXT_MAX];

    if (p == NULL)
        return error_set(e, ERROR_INVALID, "csv: partition %d was not given", r->partition);
    if (p->pending_rows++ == 0)
        p->first = r->offset;
    buffer_format(&p->pending, "%lld,%d", (long long)r->offset, r->partition);
    add_cell(&p->pending, r->id);
    add_cell(&p->pending, (struct text){time, time_format(r->time_us, time)});
    buffer_add_char(&p->pending, ',');
    json_add_real(&p->pending, r->decision->probability);
    buffer_format(&p->pending, ",%d", r->decision->score);
    add_cell(&p->pending, text_of(plan_level_name(r->plan, r->decision->level)));
    add_cell(&p->pending, text_of(plan_outcome_name(r->plan, r->decision->outcome)));
    buffer_clear(&k->text);
    reasons_text(r->decision, r->plan, &k->text);
    add_cell(&p->pending, (struct text){k->text.bytes, k->text.length});
    buffer_add_char(&p->pending, '\n');
    return !p->pending.overflow ||
           error_set(e, ERROR_FULL,
                     "csv: over %d MiB in one transaction; make stream.events smaller",
                     PENDING_MAX >> 20);
}

static bool write_all(struct part *p, struct text t, struct error *e)
{
    size_t done = 0;

    while (done < t.length) {
        ssize_t n = pwrite(p->fd, t.bytes + done, t.length - done, (off_t)(p->bytes + done));

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fail_file(e, p->path);
        done += (size_t)n;
    }
    p->bytes += t.length; /* only when all of it is there: tried again it stands in its place */
    return true;
}

static bool deliver_part(struct sink_csv *k, struct part *p, struct error *e)
{
    if (p->pending_rows > 0 && p->fd < 0) {
        snprintf(p->path, sizeof p->path, "%s-%d-%0*lld.csv", k->prefix, p->partition,
                 OFFSET_DIGITS, (long long)p->first);
        if (!open_part(p, O_CREAT | O_TRUNC, e) || !write_all(p, text_of(header), e))
            return false;
    }
    if (!write_all(p, (struct text){p->pending.bytes, p->pending.length}, e))
        return false;
    p->is_dirty |= p->pending_rows > 0;
    p->rows += p->pending_rows;
    p->pending_rows = 0;
    buffer_clear(&p->pending);
    if (p->is_dirty && fdatasync(p->fd) != 0)
        return fail_file(e, p->path);
    p->is_dirty = false;
    return true;
}

static bool csv_deliver(struct sink *s, struct error *e)
{
    struct sink_csv *k = (struct sink_csv *)s;

    for (uint32_t i = 0; i < k->parts; i++) {
        if (!deliver_part(k, &k->part[i], e))
            return false;
    }
    return true;
}

static bool finish_part(struct part *p, struct error *e)
{
    char path[PATH_BYTES];

    part_path(p, path);
    if (rename(path, p->path) != 0)
        return fail_file(e, path);
    close(p->fd);
    p->fd = -1;
    p->rows = p->bytes = 0;
    return true;
}

static bool csv_committed(struct sink *s, struct error *e)
{
    struct sink_csv *k = (struct sink_csv *)s;
    int64_t now_us = clock_now_us();

    for (uint32_t i = 0; i < k->parts; i++) {
        struct part *p = &k->part[i];

        if (p->fd >= 0 && p->rows > 0 &&
            (p->rows >= s->setting->rows || now_us - p->opened_us >= s->setting->every_us) &&
            !finish_part(p, e))
            return false;
    }
    return true;
}

/* Nothing more comes: whoever runs us by the day finds whole files. */
static bool csv_through(struct sink *s, struct error *e)
{
    struct sink_csv *k = (struct sink_csv *)s;

    for (uint32_t i = 0; i < k->parts; i++) {
        if (k->part[i].fd >= 0 && k->part[i].rows > 0 && !finish_part(&k->part[i], e))
            return false;
    }
    return true;
}

static void csv_forget(struct sink *s)
{
    struct sink_csv *k = (struct sink_csv *)s;

    for (uint32_t i = 0; i < k->parts; i++) {
        buffer_clear(&k->part[i].pending);
        k->part[i].pending_rows = 0;
    }
}

const struct sink_ops sink_csv_ops = {.name = "csv",
                                      .open = csv_open,
                                      .close = csv_close,
                                      .assign = csv_assign,
                                      .revoke = csv_revoke,
                                      .add = csv_add,
                                      .deliver = csv_deliver,
                                      .committed = csv_committed,
                                      .forget = csv_forget,
                                      .through = csv_through};

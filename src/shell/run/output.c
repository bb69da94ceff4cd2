#include "shell/run/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/memory.h"
#include "core/base/number.h"
#include "core/data/csv.h"
#include "core/data/json.h"

enum { FLUSH_BYTES = 1 << 20, BUFFER_MAX = 64 << 20 };

struct output {
    enum output_format format;
    const char *const *column;
    uint32_t columns;
    uint32_t at; /* next column */
    int fd;
    char path[PATH_MAX]; /* "" : standard output */
    char part[PATH_MAX];
    bool is_beside; /* part is another file, renamed to path at the end */
    struct buffer bytes;
};

static bool ends_with(const char *path, const char *end)
{
    size_t a = strlen(path), b = strlen(end);

    return a >= b && strcmp(path + a - b, end) == 0;
}

static void add_header(struct output *o)
{
    for (uint32_t i = 0; i < o->columns && o->format == OUTPUT_CSV; i++) {
        if (i > 0)
            buffer_add_char(&o->bytes, ',');
        csv_add_cell(&o->bytes, text_of(o->column[i]), ',');
    }
    if (o->format == OUTPUT_CSV)
        buffer_add_char(&o->bytes, '\n');
}

bool output_is_standard(const char *path)
{
    return path == NULL || strcmp(path, "-") == 0;
}

/* A file appears when it is whole, renamed into place. What is a pipe, a device or a link
 * (/dev/stdout) must not be replaced by that: it is written where it stands. */
static bool is_special(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

/* What cannot be written is told before the work, not after it. */
static bool check_path(const char *path, struct error *e)
{
    struct stat st;

    if (path[0] == 0 || strlen(path) >= PATH_MAX - sizeof ".part")
        return error_set(e, ERROR_USAGE, "-o: expected the name of a file, found \"%.60s\"", path);
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return error_set(e, ERROR_INVALID, "%s is a directory: name a file in it", path);
    return true;
}

bool output_open(const char *path, const char *const *column, uint32_t columns, struct output **out,
                 struct error *e)
{
    struct output *o;

    if (!output_is_standard(path) && !check_path(path, e))
        return false;
    o = mem_alloc(sizeof *o);
    o->column = column;
    o->columns = columns;
    o->fd = STDOUT_FILENO;
    if (!output_is_standard(path)) {
        bool in_place = is_special(path);

        o->is_beside = !in_place;
        snprintf(o->path, sizeof o->path, "%s", path);
        snprintf(o->part, sizeof o->part, "%s%s", path, in_place ? "" : ".part");
        if (ends_with(path, ".ndjson") || ends_with(path, ".jsonl"))
            o->format = OUTPUT_NDJSON;
        o->fd = open(o->part, O_WRONLY | O_TRUNC | O_CLOEXEC | (in_place ? 0 : O_CREAT), 0644);
        if (o->fd < 0) {
            error_set(e, ERROR_WORLD, "cannot write %s: %s", o->part, strerror(errno));
            mem_free(o);
            return false;
        }
    }
    buffer_init(&o->bytes, BUFFER_MAX);
    add_header(o);
    *out = o;
    return true;
}

static void begin_cell(struct output *o)
{
    if (o->format == OUTPUT_CSV) {
        if (o->at > 0)
            buffer_add_char(&o->bytes, ',');
        return;
    }
    buffer_add_char(&o->bytes, o->at == 0 ? '{' : ',');
    json_add_text(&o->bytes, text_of(o->column[o->at]));
    buffer_add_char(&o->bytes, ':');
}

static void end_cell(struct output *o)
{
    if (++o->at < o->columns)
        return;
    buffer_add_text(&o->bytes, o->format == OUTPUT_CSV ? "\n" : "}\n");
    o->at = 0;
}

void output_text(struct output *o, struct text t)
{
    begin_cell(o);
    if (o->format == OUTPUT_CSV)
        csv_add_cell(&o->bytes, t, ',');
    else
        json_add_text(&o->bytes, t);
    end_cell(o);
}

void output_real(struct output *o, double v)
{
    char text[NUMBER_TEXT_MAX];

    begin_cell(o);
    buffer_add(&o->bytes, text, number_format_real(v, text));
    end_cell(o);
}

void output_int(struct output *o, int64_t v)
{
    char text[NUMBER_TEXT_MAX];

    begin_cell(o);
    buffer_add(&o->bytes, text, number_format_int(v, text));
    end_cell(o);
}

static void add_csv_value(struct buffer *b, const struct value *v)
{
    char text[NUMBER_TEXT_MAX];

    switch (v->type) {
    case TYPE_TEXT:
        csv_add_cell(b, v->text, ',');
        return;
    case TYPE_DECIMAL:
        buffer_add(b, text, number_format_decimal(v->integer, text));
        return;
    case TYPE_REAL:
        buffer_add(b, text, number_format_real(v->real, text));
        return;
    case TYPE_TIME:
        buffer_add(b, text, time_format(v->integer, text));
        return;
    case TYPE_DURATION: /* seconds */
        buffer_add(b, text, number_format_decimal(v->integer, text));
        return;
    default:
        buffer_add(b, text, number_format_int(v->integer, text));
    }
}

void output_value(struct output *o, const struct value *v)
{
    begin_cell(o);
    if (o->format == OUTPUT_NDJSON)
        json_add_value(&o->bytes, v);
    else if (!v->is_null)
        add_csv_value(&o->bytes, v);
    end_cell(o);
}

static bool write_out(struct output *o, struct error *e)
{
    size_t done = 0;

    while (done < o->bytes.length) {
        ssize_t n = write(o->fd, o->bytes.bytes + done, o->bytes.length - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set(e, errno == ENOSPC ? ERROR_FULL : ERROR_WORLD, "cannot write %s: %s",
                             o->path[0] != 0 ? o->path : "to standard output", strerror(errno));
        done += (size_t)n;
    }
    buffer_clear(&o->bytes);
    return true;
}

bool output_flush(struct output *o, struct error *e)
{
    return o->bytes.length < FLUSH_BYTES || write_out(o, e);
}

bool output_finish(struct output *o, struct error *e)
{
    bool ok = write_out(o, e);

    if (ok && o->is_beside && (fsync(o->fd) != 0 || rename(o->part, o->path) != 0))
        ok = error_set(e, ERROR_WORLD, "cannot write %s: %s", o->path, strerror(errno));
    if (!ok) {
        output_abandon(o);
        return false;
    }
    if (o->path[0] != 0)
        close(o->fd);
    buffer_fini(&o->bytes);
    mem_free(o);
    return true;
}

void output_abandon(struct output *o)
{
    if (o == NULL)
        return;
    if (o->path[0] != 0) {
        close(o->fd);
        if (o->is_beside)
            unlink(o->part);
    }
    buffer_fini(&o->bytes);
    mem_free(o);
}

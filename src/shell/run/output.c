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

enum { FLUSH_BYTES = 1 << 20, BUFFER_MAX = 64 << 20, PARTS_MAX = 16, PART_ROWS_MIN = 128 };

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
    struct buffer part_bytes[PARTS_MAX]; /* of output_rows */
};

static bool ends_with(const char *path, const char *end)
{
    size_t a = strlen(path), b = strlen(end);

    return a >= b && strcmp(path + a - b, end) == 0;
}

enum output_format output_format_of(const char *path)
{
    return path != NULL && (ends_with(path, ".ndjson") || ends_with(path, ".jsonl")) ? OUTPUT_NDJSON
                                                                                     : OUTPUT_CSV;
}

void output_bytes(struct output *o, struct text t)
{
    buffer_add_slice(&o->bytes, t);
}

static void add_header(struct output *o)
{
    if (o->columns == 0)
        return;
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
        o->format = output_format_of(path);
        o->fd = open(o->part, O_WRONLY | O_TRUNC | O_CLOEXEC | (in_place ? 0 : O_CREAT), 0644);
        if (o->fd < 0) {
            error_set(e, ERROR_WORLD, "cannot write %s: %s", o->part, strerror(errno));
            mem_free(o);
            return false;
        }
    }
    buffer_init(&o->bytes, BUFFER_MAX);
    for (int i = 0; i < PARTS_MAX; i++)
        buffer_init(&o->part_bytes[i], BUFFER_MAX);
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

/* ---- rows at once */

struct parts {
    struct output *o;
    const struct output_column *column;
    uint32_t rows, parts;
    struct buffer bytes[PARTS_MAX];
};

/* One cell that is not null, where NUMBER_TEXT_MAX bytes are free; returns what follows it. */
static char *format_number(const struct column *c, uint32_t row, char *at)
{
    switch (c->type) {
    case TYPE_DECIMAL:
    case TYPE_DURATION: /* seconds */
        return at + number_format_decimal(c->integer[row], at);
    case TYPE_REAL:
        return at + number_format_real(c->real[row], at);
    case TYPE_TIME:
        return at + time_format(c->integer[row], at);
    default:
        return at + number_format_int(c->integer[row], at);
    }
}

static void add_csv_row(const struct parts *p, uint32_t row, struct buffer *b)
{
    uint32_t columns = p->o->columns;
    char *at = buffer_reserve(b, columns * (NUMBER_TEXT_MAX + 1));

    for (uint32_t i = 0; i < columns && at != NULL; i++) {
        const struct column *c = p->column[i].column;
        uint32_t cell = p->column[i].first + row;

        if (c->null[cell]) {
        } else if (c->type == TYPE_TEXT) {
            b->length = (size_t)(at - b->bytes);
            csv_add_cell(b, c->text[cell], ',');
            at = buffer_reserve(b, (columns - i) * (NUMBER_TEXT_MAX + 1));
            if (at == NULL)
                return;
        } else {
            at = format_number(c, cell, at);
        }
        *at++ = i + 1 < columns ? ',' : '\n';
    }
    if (at != NULL)
        b->length = (size_t)(at - b->bytes);
}

static void add_json_row(const struct parts *p, uint32_t row, struct buffer *b)
{
    for (uint32_t i = 0; i < p->o->columns; i++) {
        struct value v = column_get(p->column[i].column, p->column[i].first + row);

        buffer_add_char(b, i == 0 ? '{' : ',');
        json_add_text(b, text_of(p->o->column[i]));
        buffer_add_char(b, ':');
        json_add_value(b, &v);
    }
    buffer_add_text(b, "}\n");
}

static void format_part(void *context, unsigned number)
{
    struct parts *p = context;
    uint32_t first = (uint32_t)((uint64_t)p->rows * number / p->parts);
    uint32_t last = (uint32_t)((uint64_t)p->rows * (number + 1) / p->parts);

    for (uint32_t row = first; row < last; row++) {
        if (p->o->format == OUTPUT_CSV)
            add_csv_row(p, row, &p->bytes[number]);
        else
            add_json_row(p, row, &p->bytes[number]);
    }
}

void output_rows(struct output *o, const struct output_column *column, uint32_t rows,
                 const struct workers *workers)
{
    struct parts p = {.o = o, .column = column, .rows = rows};

    p.parts = workers_count(workers) < PARTS_MAX ? workers_count(workers) : PARTS_MAX;
    if (rows < PART_ROWS_MIN)
        p.parts = 1;
    for (uint32_t i = 0; i < p.parts; i++)
        p.bytes[i] = o->part_bytes[i];
    workers_run(workers, p.parts, format_part, &p);
    for (uint32_t i = 0; i < p.parts; i++) {
        buffer_add(&o->bytes, p.bytes[i].bytes, p.bytes[i].length);
        o->bytes.overflow |= p.bytes[i].overflow;
        buffer_clear(&p.bytes[i]);
        o->part_bytes[i] = p.bytes[i];
    }
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

static void output_free(struct output *o)
{
    buffer_fini(&o->bytes);
    for (int i = 0; i < PARTS_MAX; i++)
        buffer_fini(&o->part_bytes[i]);
    mem_free(o);
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
    output_free(o);
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
    output_free(o);
}

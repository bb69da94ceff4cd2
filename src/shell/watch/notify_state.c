#include "shell/watch/notify_state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "core/base/calendar.h"
#include "core/base/hash.h"
#include "core/base/memory.h"
#include "core/data/json_at.h"
#include "shell/os/file.h"

enum { FILE_MODE = 0640, DIRECTORY_MODE = 0750, SMALL = 4096, LINE_BYTES = 1 << 20 };

static const char *const kinds[] = {"decision", "alert", "row"};

bool notify_state_init(struct notify_state *s, const char *data_directory, const char *name,
                       struct error *e)
{
    snprintf(s->base, sizeof s->base, "%s/notify", data_directory);
    if (!file_make_directories(s->base, DIRECTORY_MODE, e))
        return false;
    snprintf(s->base, sizeof s->base, "%s/notify/%s", data_directory, name);
    return true;
}

static void path_of(const struct notify_state *s, const char *ending, char path[NOTIFY_PATH_MAX])
{
    snprintf(path, NOTIFY_PATH_MAX, "%s%s", s->base, ending);
}

/* ---- the cursor ---- */

static bool parse_cursor(struct text bytes, enum notify_on on, const char *path, uint64_t *position,
                         bool *is_there, struct error *e)
{
    struct json_reader *json = json_reader_new();
    struct json_document *d = json_parse(json, bytes.bytes, bytes.length, e);

    if (d == NULL)
        error_prefix(e, "%s", path);
    *is_there = d != NULL && text_is(json_text_at(&d->root, "on"), kinds[on]);
    *position = d != NULL ? json_count_at(&d->root, "position") : 0;
    json_reader_free(json);
    json_free(d);
    return d != NULL;
}

bool notify_cursor_read(const struct notify_state *s, enum notify_on on, uint64_t *position,
                        bool *is_there, struct error *e)
{
    char path[NOTIFY_PATH_MAX];
    struct buffer bytes;
    bool ok;

    path_of(s, ".cursor", path);
    *is_there = false;
    if (!file_exists(path))
        return true;
    buffer_init(&bytes, SMALL);
    ok = file_read(path, &bytes, e) &&
         parse_cursor((struct text){bytes.bytes, bytes.length}, on, path, position, is_there, e);
    buffer_fini(&bytes);
    return ok;
}

bool notify_cursor_write(const struct notify_state *s, enum notify_on on, uint64_t position,
                         struct error *e)
{
    char path[NOTIFY_PATH_MAX], text[128];

    path_of(s, ".cursor", path);
    snprintf(text, sizeof text, "{\"version\":1,\"on\":\"%s\",\"position\":%" PRIu64 "}\n",
             kinds[on], position);
    return file_write(path, text, strlen(text), FILE_MODE, e);
}

/* ---- dead letters ---- */

static bool lock(const struct notify_state *s, int *fd, struct error *e)
{
    char path[NOTIFY_PATH_MAX];

    path_of(s, ".lock", path);
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);
    if (*fd < 0)
        return error_set(e, ERROR_WORLD, "%s: %s", path, strerror(errno));
    while (flock(*fd, LOCK_EX) != 0) {
        if (errno != EINTR) {
            error_set(e, ERROR_WORLD, "%s: %s", path, strerror(errno));
            close(*fd);
            return false;
        }
    }
    return true;
}

static bool append(const char *path, const struct buffer *line, struct error *e)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, FILE_MODE);
    off_t end = fd >= 0 ? lseek(fd, 0, SEEK_END) : -1;
    bool ok = end >= 0;

    if (ok && end + (off_t)line->length > NOTIFY_DEAD_BYTES_MAX) {
        close(fd);
        return error_set(e, ERROR_FULL,
                         "%s: over %d MiB of dead letters; send them by `assay notify dead --retry`",
                         path, NOTIFY_DEAD_BYTES_MAX >> 20);
    }
    ok = ok && write(fd, line->bytes, line->length) == (ssize_t)line->length && fdatasync(fd) == 0;
    if (!ok) {
        error_set(e, ERROR_WORLD, "%s: %s", path, strerror(errno));
        if (end >= 0 && ftruncate(fd, end) != 0) /* half a line is passed over when it is read */
            ok = false;
    }
    if (fd >= 0)
        close(fd);
    return ok;
}

static void add_member(struct buffer *out, const char *name, struct text t)
{
    buffer_format(out, "%s\"%s\":", out->length > 1 ? "," : "", name);
    json_add_text(out, t);
}

bool notify_dead_add(const struct notify_state *s, const struct notify_event *ev, uint32_t tries,
                     const char *reason, int64_t now_us, struct error *e)
{
    char path[NOTIFY_PATH_MAX], time[TIME_TEXT_MAX];
    struct buffer line;
    bool ok;
    int fd;

    buffer_init(&line, LINE_BYTES);
    buffer_add_char(&line, '{');
    add_member(&line, "id", ev->id);
    add_member(&line, "type", text_of(ev->type));
    add_member(&line, "subject", ev->subject);
    time_format(ev->time_us, time);
    add_member(&line, "time", text_of(time));
    time_format(now_us, time);
    add_member(&line, "died", text_of(time));
    buffer_format(&line, ",\"tries\":%u", tries);
    add_member(&line, "reason", text_of(reason));
    buffer_add_text(&line, ",\"data\":");
    buffer_add_slice(&line, ev->data);
    buffer_add_text(&line, "}\n");
    path_of(s, ".dead", path);
    ok = lock(s, &fd, e);
    if (ok) {
        ok = append(path, &line, e);
        close(fd);
    }
    buffer_fini(&line);
    return ok;
}

struct visiting {
    const struct notify_dead_visitor *v;
    struct json_reader *json;
    struct buffer data, kept;
    uint64_t stay;
};

static bool visit_line(struct visiting *v, struct text line)
{
    struct notify_dead dead = {0};
    struct error ignored;
    struct json_document *d = json_parse(v->json, line.bytes, line.length, &ignored);
    struct text time;
    bool stays;

    if (d == NULL || json_at(&d->root, "data") == NULL) {
        json_free(d);
        return false; /* torn by a full disk */
    }
    dead.id = json_text_at(&d->root, "id");
    dead.type = json_text_at(&d->root, "type");
    dead.subject = json_text_at(&d->root, "subject");
    dead.reason = json_text_at(&d->root, "reason");
    dead.tries = (uint32_t)json_count_at(&d->root, "tries");
    time = json_text_at(&d->root, "time");
    if (!time_parse(time, TIME_ISO, &dead.time_us))
        dead.time_us = 0;
    time = json_text_at(&d->root, "died");
    if (!time_parse(time, TIME_ISO, &dead.died_us))
        dead.died_us = 0;
    buffer_clear(&v->data);
    json_add_json(&v->data, json_at(&d->root, "data"));
    dead.data = (struct text){v->data.bytes, v->data.length};
    stays = v->v->visit(v->v->context, &dead) || !v->v->changes;
    json_free(d);
    return stays;
}

/* Line by line; those that stay go into `kept`. */
static void visit_lines(struct visiting *v, struct text all)
{
    while (all.length > 0) {
        const char *end = memchr(all.bytes, '\n', all.length);
        struct text line = {all.bytes, end != NULL ? (size_t)(end - all.bytes) + 1 : all.length};

        if (visit_line(v, line)) {
            buffer_add_slice(&v->kept, line);
            v->stay++;
        }
        all = (struct text){all.bytes + line.length, all.length - line.length};
    }
}

static uint64_t lines_of(struct text t)
{
    uint64_t lines = 0;

    for (size_t i = 0; i < t.length; i++)
        lines += t.bytes[i] == '\n';
    return lines;
}

/* What came behind the bytes that were visited stays. */
static bool write_kept(const struct notify_state *s, const char *path, struct visiting *v,
                       size_t visited, struct error *e)
{
    struct buffer now;
    bool ok;
    int fd;

    if (!lock(s, &fd, e))
        return false;
    buffer_init(&now, 2 * (size_t)NOTIFY_DEAD_BYTES_MAX);
    ok = file_read(path, &now, e);
    if (ok && now.length > visited) {
        v->stay += lines_of((struct text){now.bytes + visited, now.length - visited});
        buffer_add(&v->kept, now.bytes + visited, now.length - visited);
    }
    ok = ok && file_write(path, v->kept.bytes, v->kept.length, FILE_MODE, e);
    buffer_fini(&now);
    close(fd);
    return ok;
}

/* One at a time takes letters out. */
static bool take_turn(const struct notify_state *s, int *fd, struct error *e)
{
    char path[NOTIFY_PATH_MAX];

    path_of(s, ".retry", path);
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);
    if (*fd < 0)
        return error_set(e, ERROR_WORLD, "%s: %s", path, strerror(errno));
    if (flock(*fd, LOCK_EX | LOCK_NB) == 0)
        return true;
    close(*fd);
    return error_set(e, ERROR_CONFLICT, "%s: another process is sending dead letters again", path);
}

static bool visit_all(const struct notify_state *s, const struct notify_dead_visitor *v,
                      uint64_t *left, struct error *e)
{
    struct visiting at = {.v = v, .json = json_reader_new()};
    char path[NOTIFY_PATH_MAX];
    struct buffer all;
    bool ok = true;

    path_of(s, ".dead", path);
    buffer_init(&all, 2 * (size_t)NOTIFY_DEAD_BYTES_MAX);
    buffer_init(&at.kept, 2 * (size_t)NOTIFY_DEAD_BYTES_MAX);
    buffer_init(&at.data, LINE_BYTES);
    if (file_exists(path)) {
        ok = file_read(path, &all, e);
        if (ok)
            visit_lines(&at, (struct text){all.bytes, all.length});
        if (ok && v->changes)
            ok = write_kept(s, path, &at, all.length, e);
    }
    *left = at.stay;
    json_reader_free(at.json);
    buffer_fini(&all);
    buffer_fini(&at.kept);
    buffer_fini(&at.data);
    return ok;
}

bool notify_dead_visit(const struct notify_state *s, const struct notify_dead_visitor *v,
                       uint64_t *left, struct error *e)
{
    bool ok;
    int fd;

    if (!v->changes)
        return visit_all(s, v, left, e);
    if (!take_turn(s, &fd, e))
        return false;
    ok = visit_all(s, v, left, e);
    close(fd);
    return ok;
}

/* ---- rows that were told ---- */

struct notify_told {
    struct notify_state state;
    struct buffer hashes; /* 8 bytes each, oldest first */
};

bool notify_told_open(const struct notify_state *s, struct notify_told **t, struct error *e)
{
    struct notify_told *made = mem_alloc(sizeof *made);
    char path[NOTIFY_PATH_MAX];

    made->state = *s;
    buffer_init(&made->hashes, 8 * (size_t)NOTIFY_TOLD_MAX + 8);
    path_of(s, ".told", path);
    if (file_exists(path) && !file_read(path, &made->hashes, e)) {
        buffer_fini(&made->hashes);
        mem_free(made);
        return false;
    }
    made->hashes.length -= made->hashes.length % 8;
    *t = made;
    return true;
}

bool notify_told_has(const struct notify_told *t, struct text id)
{
    uint64_t hash = hash_bytes(id.bytes, id.length, 1);

    for (size_t i = 0; i < t->hashes.length; i += 8) {
        if (memcmp(t->hashes.bytes + i, &hash, 8) == 0)
            return true;
    }
    return false;
}

void notify_told_add(struct notify_told *t, struct text id)
{
    uint64_t hash = hash_bytes(id.bytes, id.length, 1);

    if (t->hashes.length >= 8 * (size_t)NOTIFY_TOLD_MAX) {
        size_t half = t->hashes.length / 16 * 8;

        memmove(t->hashes.bytes, t->hashes.bytes + half, t->hashes.length - half);
        t->hashes.length -= half;
    }
    buffer_add(&t->hashes, &hash, 8);
}

bool notify_told_close(struct notify_told *t, struct error *e)
{
    char path[NOTIFY_PATH_MAX];
    bool ok;

    path_of(&t->state, ".told", path);
    ok = file_write(path, t->hashes.bytes, t->hashes.length, FILE_MODE, e);
    buffer_fini(&t->hashes);
    mem_free(t);
    return ok;
}

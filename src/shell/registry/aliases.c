#include "shell/registry/aliases.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/calendar.h"
#include "core/data/json.h"
#include "shell/os/file.h"

static void path_of(const char *directory, const char *file, char path[FILE_PATH_MAX])
{
    snprintf(path, FILE_PATH_MAX, "%s/%s", directory, file);
}

/* ---- reading ---- */

static bool damaged(const char *path, struct error *e)
{
    return error_set(e, ERROR_INVALID,
                     "%s is damaged: it does not say which models are in force; hint: take it from "
                     "a copy, or remove it and promote a model again",
                     path);
}

static bool read_id(const struct json *j, struct model_id *id)
{
    return j->kind == JSON_TEXT && model_id_parse(j->text, id);
}

static bool read_earlier(const struct json *j, struct aliases *a)
{
    if (j == NULL || j->kind != JSON_ARRAY || j->count > ALIASES_EARLIER_MAX)
        return false;
    for (uint32_t i = 0; i < j->count; i++) {
        if (!read_id(&j->items[i], &a->earlier[a->earlier_count++]))
            return false;
    }
    return true;
}

static bool read_object(const struct json *root, struct aliases *a)
{
    const struct json *bytes = json_get(root, "history_bytes");

    for (int i = 0; i < ALIASES; i++) {
        const struct json *id = json_get(root, alias_name((enum alias)i));

        a->is_set[i] = id != NULL && id->kind != JSON_NULL;
        if (a->is_set[i] && !read_id(id, &a->model[i]))
            return false;
    }
    if (bytes == NULL || bytes->kind != JSON_INT || bytes->integer < 0 ||
        bytes->integer > HISTORY_BYTES_MAX)
        return false;
    a->history_bytes = (uint64_t)bytes->integer;
    return read_earlier(json_get(root, "earlier"), a);
}

static bool parse(struct text bytes, struct aliases *a)
{
    struct json_reader *reader = json_reader_new();
    struct aliases found = {0};
    struct error e;
    struct json_document *d = json_parse(reader, bytes.bytes, bytes.length, &e);
    bool ok = d != NULL && d->root.kind == JSON_OBJECT && read_object(&d->root, &found);

    json_free(d);
    json_reader_free(reader);
    if (ok)
        *a = found;
    return ok;
}

bool aliases_load(const char *directory, struct aliases *a, struct error *e)
{
    char path[FILE_PATH_MAX];
    struct buffer bytes;
    bool ok;

    path_of(directory, "aliases.json", path);
    *a = (struct aliases){0};
    if (!file_exists(path))
        return true;
    buffer_init(&bytes, ALIASES_BYTES_MAX);
    ok = file_read(path, &bytes, e) &&
         (parse((struct text){bytes.bytes, bytes.length}, a) || damaged(path, e));
    buffer_fini(&bytes);
    return ok;
}

/* ---- writing ---- */

static void add_id(struct buffer *out, const struct model_id *id)
{
    char text[MODEL_ID_TEXT_MAX];

    model_id_format(id, text);
    json_add_text(out, text_of(text));
}

/* One line. */
static void format(const struct aliases *a, struct buffer *out)
{
    buffer_add_char(out, '{');
    for (int i = 0; i < ALIASES; i++) {
        if (!a->is_set[i])
            continue;
        buffer_format(out, "\"%s\":", alias_name((enum alias)i));
        add_id(out, &a->model[i]);
        buffer_add_char(out, ',');
    }
    buffer_add_text(out, "\"earlier\":[");
    for (uint32_t i = 0; i < a->earlier_count; i++) {
        buffer_add_text(out, i > 0 ? "," : "");
        add_id(out, &a->earlier[i]);
    }
    buffer_format(out, "],\"history_bytes\":%lu}\n", (unsigned long)a->history_bytes);
}

static bool save(const char *directory, const struct aliases *a, struct error *e)
{
    char path[FILE_PATH_MAX];
    struct buffer out;
    bool ok;

    path_of(directory, "aliases.json", path);
    buffer_init(&out, ALIASES_BYTES_MAX);
    format(a, &out);
    ok = file_write(path, out.bytes, out.length, 0600, e);
    buffer_fini(&out);
    return ok;
}

static void format_line(const struct aliases *a, const struct alias_change *c, struct buffer *out)
{
    char time[TIME_TEXT_MAX];

    time_format(c->at_us, time);
    buffer_format(out, "{\"at\":\"%s\",\"by\":", time);
    json_add_text(out, text_of(c->by));
    buffer_format(out, ",\"action\":\"%s\",\"as\":\"%s\",\"model\":", c->action,
                  alias_name(c->alias));
    add_id(out, &c->model);
    buffer_add_text(out, ",\"before\":");
    if (a->is_set[c->alias])
        add_id(out, &a->model[c->alias]);
    else
        buffer_add_text(out, "null");
    buffer_add_text(out, c->is_forced ? ",\"forced\":true}\n" : "}\n");
}

static bool write_at(int fd, const char *bytes, size_t length, uint64_t at)
{
    while (length > 0) {
        ssize_t n = pwrite(fd, bytes, length, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        bytes += n;
        at += (uint64_t)n;
        length -= (size_t)n;
    }
    return true;
}

static bool is_long_enough(int fd, uint64_t bytes)
{
    struct stat st;

    return fstat(fd, &st) == 0 && (uint64_t)st.st_size >= bytes;
}

/* After the lines that count; what is there of a change that was cut short goes. */
static bool append(const char *directory, uint64_t at, const struct buffer *line, struct error *e)
{
    char path[FILE_PATH_MAX];
    bool ok;
    int fd;

    path_of(directory, "history.ndjson", path);
    if (at + line->length > HISTORY_BYTES_MAX)
        return error_set(e, ERROR_FULL,
                         "%s is over %d MiB: move it away, and aliases.json's "
                         "history_bytes to 0",
                         path, HISTORY_BYTES_MAX >> 20);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set(e, ERROR_WORLD, "cannot open %s: %m", path);
    if (!is_long_enough(fd, at)) {
        close(fd);
        return error_set(e, ERROR_INVALID,
                         "%s is shorter than aliases.json says: lines are missing; hint: take it "
                         "from a copy, or set history_bytes there to 0 to begin anew",
                         path);
    }
    ok = ftruncate(fd, (off_t)at) == 0 && write_at(fd, line->bytes, line->length, at) &&
         fsync(fd) == 0;
    if (!ok)
        error_set(e,
                  errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? ERROR_FULL : ERROR_WORLD,
                  "cannot write %s: %m", path);
    close(fd);
    return ok && file_sync_directory(directory, e);
}

/* The whole, as several machines share it, before any of it is ours. */
static bool publish(const char *directory, const struct aliases *a, const struct aliases *changed,
                    const struct buffer *line, const struct aliases_sharing *sharing,
                    struct error *e)
{
    struct buffer whole;
    bool ok;

    buffer_init(&whole, ALIASES_BYTES_MAX + HISTORY_BYTES_MAX);
    format(changed, &whole);
    ok = aliases_history(directory, a, &whole, e);
    buffer_add(&whole, line->bytes, line->length);
    ok = ok && sharing->publish(sharing->context, (struct text){whole.bytes, whole.length}, e);
    buffer_fini(&whole);
    return ok;
}

static bool commit(const char *directory, struct aliases *a, struct aliases *changed,
                   const struct alias_change *change, const struct aliases_sharing *sharing,
                   struct error *e)
{
    struct buffer line;
    bool ok;

    buffer_init(&line, 4096);
    format_line(a, change, &line);
    changed->history_bytes = a->history_bytes + line.length;
    ok = (sharing == NULL || publish(directory, a, changed, &line, sharing, e)) &&
         append(directory, a->history_bytes, &line, e) && save(directory, changed, e);
    buffer_fini(&line);
    if (ok)
        *a = *changed;
    return ok;
}

static void remember(struct aliases *a, const struct model_id *champion)
{
    if (a->earlier_count == ALIASES_EARLIER_MAX)
        memmove(a->earlier, a->earlier + 1, --a->earlier_count * sizeof *a->earlier);
    a->earlier[a->earlier_count++] = *champion;
}

bool aliases_promote(const char *directory, struct aliases *a, const struct alias_change *change,
                     const struct aliases_sharing *sharing, struct error *e)
{
    struct aliases changed = *a;

    if (change->alias == ALIAS_CHAMPION && a->is_set[ALIAS_CHAMPION])
        remember(&changed, &a->model[ALIAS_CHAMPION]);
    changed.is_set[change->alias] = true;
    changed.model[change->alias] = change->model;
    return commit(directory, a, &changed, change, sharing, e);
}

bool aliases_rollback(const char *directory, struct aliases *a, struct alias_change *change,
                      const struct aliases_sharing *sharing, struct error *e)
{
    struct aliases changed = *a;

    if (a->earlier_count == 0)
        return error_set(e, ERROR_NOT_FOUND,
                         "there is no champion before this one to go back to; hint: `assay model "
                         "list` shows what can be promoted");
    change->model = a->earlier[a->earlier_count - 1];
    changed.earlier_count--;
    changed.model[ALIAS_CHAMPION] = change->model;
    changed.is_set[ALIAS_CHAMPION] = true;
    return commit(directory, a, &changed, change, sharing, e);
}

bool aliases_history(const char *directory, const struct aliases *a, struct buffer *out,
                     struct error *e)
{
    char path[FILE_PATH_MAX];
    size_t before = out->length;

    path_of(directory, "history.ndjson", path);
    if (a->history_bytes == 0)
        return true;
    if (!file_read(path, out, e))
        return false;
    if (out->length - before < a->history_bytes)
        return error_set(e, ERROR_INVALID,
                         "%s is shorter than aliases.json says: lines are missing", path);
    out->length = before + a->history_bytes;
    return true;
}

/* ---- sharing ---- */

/* Of what was there, what the shared history does not begin with is kept beside. */
static bool keep_own(const char *directory, const struct aliases *a, struct text history,
                     struct error *e)
{
    char path[FILE_PATH_MAX];
    struct buffer own;
    bool ok;

    buffer_init(&own, HISTORY_BYTES_MAX);
    path_of(directory, "history.own.ndjson", path);
    ok = aliases_history(directory, a, &own, e);
    if (ok && own.length > 0 &&
        (own.length > history.length || memcmp(own.bytes, history.bytes, own.length) != 0) &&
        !file_exists(path))
        ok = file_write(path, own.bytes, own.length, 0600, e);
    buffer_fini(&own);
    return ok;
}

bool aliases_publish(const char *directory, const struct aliases *a,
                     const struct aliases_sharing *sharing, struct error *e)
{
    struct buffer none;
    bool ok;

    buffer_init(&none, 1);
    ok = publish(directory, a, a, &none, sharing, e);
    buffer_fini(&none);
    return ok;
}

/* The line of aliases.json, and the history behind it. */
static bool split(struct text whole, struct aliases *a, struct text *history, struct error *e)
{
    const char *end = whole.length > 0 ? memchr(whole.bytes, '\n', whole.length) : NULL;
    size_t line = end != NULL ? (size_t)(end - whole.bytes) + 1 : 0;

    *history = (struct text){whole.bytes + line, whole.length - line};
    return (end != NULL && parse((struct text){whole.bytes, line}, a) &&
            a->history_bytes == history->length) ||
           error_set(e, ERROR_INVALID,
                     "aliases.ndjson is damaged: it does not say which models are in force; hint: "
                     "take it from a copy");
}

bool aliases_read(struct text whole, struct aliases *a, struct error *e)
{
    struct text history;

    return split(whole, a, &history, e);
}

bool aliases_adopt(const char *directory, struct aliases *a, struct text whole, struct error *e)
{
    char path[FILE_PATH_MAX];
    struct buffer now;
    struct aliases found;
    struct text history;
    bool ok, is_same;

    if (!split(whole, &found, &history, e))
        return false;
    buffer_init(&now, ALIASES_BYTES_MAX);
    format(a, &now);
    is_same = now.length == whole.length - history.length &&
              memcmp(now.bytes, whole.bytes, now.length) == 0;
    buffer_fini(&now);
    if (is_same)
        return true;
    path_of(directory, "history.ndjson", path);
    ok = keep_own(directory, a, history, e) &&
         file_write(path, history.bytes, history.length, 0600, e) && save(directory, &found, e);
    if (ok)
        *a = found;
    return ok;
}

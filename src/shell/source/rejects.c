#include "shell/source/rejects.h"

#include "core/base/memory.h"
#include "core/data/csv.h"

enum { LINE_MAX_BYTES = 64 << 10 };

void rejects_init(struct rejects *r, const char *path)
{
    *r = (struct rejects){.path = path != NULL ? mem_text(path, strlen(path)) : NULL};
}

void rejects_show(struct text value, struct buffer *out)
{
    bool cut = value.length > REJECT_VALUE_MAX;
    size_t length = cut ? REJECT_VALUE_MAX : value.length;

    while (cut && length > 0 && ((unsigned char)value.bytes[length] & 0xc0) == 0x80)
        length--; /* not inside a character */
    for (size_t i = 0; i < length;) {
        unsigned char c = (unsigned char)value.bytes[i];
        size_t size = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

        if (c < 0x20 || c == 0x7f || c == '\\' || i + size > length ||
            !text_is_utf8((struct text){value.bytes + i, size})) {
            buffer_format(out, "\\x%02x", c);
            size = 1;
        } else {
            buffer_add(out, value.bytes + i, size);
        }
        i += size;
    }
    if (cut)
        buffer_add_text(out, "...");
}

static bool open_file(struct rejects *r, struct error *e)
{
    r->file = fopen(r->path, "we");
    if (r->file == NULL || fputs("file,line,column,value,reason\n", r->file) < 0)
        return error_set(e, ERROR_WORLD, "cannot write the rejects file %s: %m", r->path);
    return true;
}

static void tell_first(struct rejects *r, const struct reject *one, struct buffer *shown)
{
    if (one->column[0] != 0)
        snprintf(r->first, sizeof r->first, "%s:%llu: column \"%s\" is \"%s\": %s", one->file,
                 (unsigned long long)one->line, one->column, buffer_text(shown), one->reason);
    else
        snprintf(r->first, sizeof r->first, "%s:%llu: %s", one->file, (unsigned long long)one->line,
                 one->reason);
}

bool rejects_add(struct rejects *r, const struct reject *one, struct error *e)
{
    struct buffer shown, line;
    bool good = true;

    buffer_init(&shown, LINE_MAX_BYTES);
    buffer_init(&line, LINE_MAX_BYTES);
    rejects_show(one->value, &shown);
    if (r->count++ == 0)
        tell_first(r, one, &shown);
    if (r->path != NULL && (r->file != NULL || (good = open_file(r, e)))) {
        csv_add_cell(&line, text_of(one->file), ',');
        buffer_format(&line, ",%llu,", (unsigned long long)one->line);
        csv_add_cell(&line, text_of(one->column), ',');
        buffer_add_char(&line, ',');
        csv_add_cell(&line, (struct text){shown.bytes, shown.length}, ',');
        buffer_add_char(&line, ',');
        csv_add_cell(&line, text_of(one->reason), ',');
        buffer_add_char(&line, '\n');
        if (fwrite(line.bytes, 1, line.length, r->file) != line.length)
            good = error_set(e, ERROR_WORLD, "cannot write the rejects file %s: %m", r->path);
    }
    buffer_fini(&shown);
    buffer_fini(&line);
    return good;
}

bool rejects_finish(struct rejects *r, struct error *e)
{
    if (r->file != NULL && fflush(r->file) != 0)
        return error_set(e, ERROR_WORLD, "cannot write the rejects file %s: %m", r->path);
    return true;
}

void rejects_fini(struct rejects *r)
{
    if (r->file != NULL)
        fclose(r->file);
    mem_free(r->path);
}

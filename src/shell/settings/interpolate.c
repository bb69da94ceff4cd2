#include "shell/settings/interpolate.h"

#include <stdio.h>
#include <stdlib.h>

#include "shell/os/file.h"

enum { VARIABLE_NAME_MAX = 128 };

static bool is_name(struct text t)
{
    if (t.length == 0 || t.length > VARIABLE_NAME_MAX)
        return false;
    for (size_t i = 0; i < t.length; i++) {
        char c = t.bytes[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';

        if (!letter && !(i > 0 && c >= '0' && c <= '9'))
            return false;
    }
    return true;
}

/* `inside` is what stands between the braces. */
static bool variable_add(struct text inside, const struct settings_options *o, struct buffer *out,
                         struct buffer *origin, struct error *e)
{
    const char *dash = memmem(inside.bytes, inside.length, ":-", 2);
    struct text name = {inside.bytes, dash != NULL ? (size_t)(dash - inside.bytes) : inside.length};
    char copy[VARIABLE_NAME_MAX + 1];
    const char *value;

    if (!is_name(name))
        return error_set(e, ERROR_INVALID,
                         "expected ${NAME} or ${NAME:-default}, found \"${%.*s}\"; write $${ for a "
                         "plain ${",
                         TEXT_ARG(inside));
    if (o == NULL || o->environment == NULL)
        return error_set(e, ERROR_INVALID, "${%.*s} is not taken here: there is no environment",
                         TEXT_ARG(name));
    snprintf(copy, sizeof copy, "%.*s", TEXT_ARG(name));
    value = o->environment(copy);
    if (value == NULL && dash == NULL)
        return error_set(e, ERROR_INVALID,
                         "the environment has no %s: set it, or write ${%s:-default}", copy, copy);
    if (value == NULL) {
        buffer_add(out, dash + 2, inside.length - name.length - 2);
        return true;
    }
    buffer_add_text(out, value);
    buffer_format(origin, "%s%s", origin->length == 0 ? "environment " : ", ", copy);
    return true;
}

bool interpolate(struct text raw, const struct settings_options *o, struct buffer *out,
                 struct buffer *origin, struct error *e)
{
    size_t i = 0;

    while (i < raw.length) {
        struct text rest = {raw.bytes + i, raw.length - i};
        const char *end;

        if (rest.length >= 3 && memcmp(rest.bytes, "$${", 3) == 0) {
            buffer_add_text(out, "${");
            i += 3;
            continue;
        }
        if (rest.length < 2 || memcmp(rest.bytes, "${", 2) != 0) {
            buffer_add_char(out, raw.bytes[i++]);
            continue;
        }
        end = memchr(rest.bytes, '}', rest.length);
        if (end == NULL)
            return error_set(e, ERROR_INVALID, "\"${\" without \"}\"; write $${ for a plain ${");
        if (!variable_add((struct text){rest.bytes + 2, (size_t)(end - rest.bytes) - 2}, o, out,
                          origin, e))
            return false;
        i += (size_t)(end - rest.bytes) + 1;
    }
    if (out->overflow)
        return error_set(e, ERROR_INVALID, "the value is over %zu bytes", out->max);
    return true;
}

bool interpolate_secret(struct text raw, const struct settings_options *o, const char *directory,
                        struct buffer *out, struct buffer *origin, struct error *e)
{
    char *path;
    bool is_absolute;

    if (!interpolate(raw, o, out, origin, e))
        return false;
    if (out->length < 5 || memcmp(out->bytes, "file:", 5) != 0)
        return true;
    is_absolute = out->length > 5 && out->bytes[5] == '/';
    if (asprintf(&path, "%s%s%.*s", is_absolute ? "" : directory, is_absolute ? "" : "/",
                 (int)(out->length - 5), out->bytes + 5) < 0)
        return error_set(e, ERROR_FULL, "no memory for a path");
    buffer_clear(out);
    buffer_clear(origin);
    buffer_format(origin, "file %s", path);
    if (!file_read(path, out, e)) {
        free(path);
        return false;
    }
    free(path);
    if (out->length > 0 && out->bytes[out->length - 1] == '\n')
        out->length--;
    if (out->length > 0 && out->bytes[out->length - 1] == '\r')
        out->length--;
    return true;
}

#include "core/data/json_at.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { KEY_MAX = 64 };

const struct json *json_at(const struct json *object, const char *path)
{
    while (object != NULL && *path != 0) {
        const char *dot = memchr(path, '.', strlen(path));
        size_t length = dot != NULL ? (size_t)(dot - path) : strlen(path);
        char key[KEY_MAX];

        if (object->kind != JSON_OBJECT)
            return NULL;
        snprintf(key, sizeof key, "%.*s", (int)length, path);
        object = json_get(object, key);
        path += length + (path[length] == '.');
    }
    return object;
}

struct text json_text_at(const struct json *object, const char *path)
{
    const struct json *j = json_at(object, path);

    return j != NULL && j->kind == JSON_TEXT ? j->text : text_of("");
}

double json_real_at(const struct json *object, const char *path)
{
    const struct json *j = json_at(object, path);

    return j != NULL && (j->kind == JSON_REAL || j->kind == JSON_INT) ? j->real : NAN;
}

uint64_t json_count_at(const struct json *object, const char *path)
{
    const struct json *j = json_at(object, path);

    return j != NULL && j->kind == JSON_INT && j->integer > 0 ? (uint64_t)j->integer : 0;
}

bool json_is_true_at(const struct json *object, const char *path)
{
    const struct json *j = json_at(object, path);

    return j != NULL && j->kind == JSON_BOOL && j->boolean;
}

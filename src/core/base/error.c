#include "core/base/error.h"

#include <stdio.h>
#include <string.h>

bool error_set(struct error *e, enum error_kind kind, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    e->kind = kind;
    vsnprintf(e->text, sizeof e->text, format, args);
    va_end(args);
    return false;
}

bool error_prefix(struct error *e, const char *format, ...)
{
    char old[ERROR_TEXT_MAX];
    va_list args;
    int length;

    memcpy(old, e->text, sizeof old);
    va_start(args, format);
    length = vsnprintf(e->text, sizeof e->text, format, args);
    va_end(args);
    if (length > 0 && (size_t)length < sizeof e->text)
        snprintf(e->text + length, sizeof e->text - (size_t)length, ": %.*s",
                 (int)(sizeof e->text - (size_t)length), old);
    return false;
}

int error_exit_code(enum error_kind kind)
{
    switch (kind) {
    case ERROR_NONE:
        return 0;
    case ERROR_INVALID:
    case ERROR_NOT_FOUND:
    case ERROR_CONFLICT:
        return 1;
    case ERROR_USAGE:
        return 2;
    case ERROR_WORLD:
    case ERROR_FULL:
        return 3;
    case ERROR_CANCELLED:
        return 130;
    }
    return 3;
}

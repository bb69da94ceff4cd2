#include "core/base/error.h"

#include <stdio.h>
#include <string.h>

#include "core/base/text.h"

/* Bytes of the character that begins here; 0: none does. */
static size_t character(const char *at)
{
    unsigned char c = (unsigned char)*at;
    size_t length = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

    return strnlen(at, length) == length && text_is_utf8((struct text){at, length}) ? length : 0;
}

/* What a server, a file or a message said may be in it: it begins no line of its own and moves no
 * terminal's cursor, and is text. Of C1 (U+0080 to U+009F) the bytes are 0xc2 and 0x80 to 0x9f. */
static void clean(char *text)
{
    for (char *c = text; *c != 0;) {
        size_t length = character(c);

        if (length == 0) {
            *c++ = '?';
            continue;
        }
        if (length == 1 ? (unsigned char)*c < ' ' || *c == 127
                        : length == 2 && (unsigned char)c[0] == 0xc2 && (unsigned char)c[1] < 0xa0)
            memset(c, ' ', length);
        c += length;
    }
}

bool error_set(struct error *e, enum error_kind kind, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    e->kind = kind;
    vsnprintf(e->text, sizeof e->text, format, args);
    va_end(args);
    clean(e->text);
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
    clean(e->text);
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

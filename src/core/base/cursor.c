#include "core/base/cursor.h"

#include <inttypes.h>
#include <stdio.h>

void cursor_format(const struct cursor *c, char out[CURSOR_TEXT_MAX])
{
    snprintf(out, CURSOR_TEXT_MAX, "%016" PRIx64 "%016" PRIx64 "%016" PRIx64, c->first, c->second,
             c->of);
}

static bool hex_word(const char *at, uint64_t *v)
{
    *v = 0;
    for (int i = 0; i < 16; i++) {
        char c = at[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
        *v = *v << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return true;
}

bool cursor_parse(struct text word, struct cursor *c, struct error *e)
{
    uint64_t of;

    if (word.length != CURSOR_BYTES || !hex_word(word.bytes, &c->first) ||
        !hex_word(word.bytes + 16, &c->second) || !hex_word(word.bytes + 32, &of))
        return error_set(e, ERROR_USAGE, "cursor is not one that an answer gave as `next`");
    return of == c->of ||
           error_set(e, ERROR_USAGE,
                     "cursor belongs to another query; keep all but limit and fields as they were");
}

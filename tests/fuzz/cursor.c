/* Any bytes as a page's cursor: what is taken is written again as it stood. */
#include "core/base/cursor.h"
#include "core/base/panic.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct text word = {(const char *)bytes, length};
    struct cursor c = {.of = 0x0123456789abcdef};
    char again[CURSOR_TEXT_MAX];
    struct error e;

    if (!cursor_parse(word, &c, &e)) {
        ASSERT(e.kind == ERROR_USAGE);
        return 0;
    }
    cursor_format(&c, again);
    ASSERT(text_is(word, again));
    return 0;
}

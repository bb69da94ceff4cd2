/* Any bytes as a TZif file, or as a zone's own text: refused with words, or a zone whose text gives
 * the same zone again, and whose days begin before they are over. */
#include "core/base/zone.h"
#include "core/base/calendar.h"
#include "core/base/panic.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void ask(const struct zone *z, const struct zone *again)
{
    static const int64_t times[] = {
        TIME_MIN_US,      TIME_MAX_US,    0, -1, 1541300400000000, -2717650800000001,
        4102444800000000, 951782400000000};

    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        int64_t offset = zone_offset_us(z, times[i]), start = zone_day_start_us(z, times[i]);

        ASSERT(offset == zone_offset_us(again, times[i]));
        ASSERT(start == zone_day_start_us(again, times[i]));
        ASSERT(start <= times[i] || z->has_rule || z->count > 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct text input = {(const char *)bytes, length}, name = {"Fuzz/Zone", 9};
    struct error e = {0};
    struct zone *z, *again;
    struct buffer text;

    z = length >= 4 && memcmp(bytes, "TZif", 4) == 0 ? zone_parse_tzif(name, input, &e)
                                                     : zone_parse_text(name, input, &e);
    if (z == NULL) {
        ASSERT(e.kind == ERROR_INVALID && e.text[0] != 0);
        return 0;
    }
    buffer_init(&text, ZONE_TEXT_MAX);
    zone_format(z, &text);
    again = zone_parse_text(name, (struct text){text.bytes, text.length}, &e);
    ASSERT(again != NULL && again->digest == z->digest && again->count == z->count);
    ask(z, again);
    zone_free(again);
    zone_free(z);
    buffer_fini(&text);
    return 0;
}

/* Any bytes as settings: either refused with words, or read so that what is printed reads back the
 * same. */
#include "shell/settings/settings.h"
#include "core/base/panic.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static const char *no_environment(const char *name)
{
    return name[0] == 'A' ? NULL : "x";
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    const struct settings_options o = {.environment = no_environment};
    struct settings *s, *again;
    struct buffer once, twice;
    struct error e = {0};

    if (!settings_parse_with((struct text){(const char *)bytes, length}, "fuzz.yaml", &o, &s, &e)) {
        ASSERT(e.text[0] != 0 && e.kind != ERROR_NONE);
        return 0;
    }
    buffer_init(&once, 64 << 20);
    buffer_init(&twice, 64 << 20);
    settings_print(s, false, &once);
    if (once.length <= SETTINGS_BYTES_MAX) {
        ASSERT(settings_parse((struct text){once.bytes, once.length}, "fuzz.yaml", &again, &e));
        settings_print(again, false, &twice);
        ASSERT(once.length == twice.length && memcmp(once.bytes, twice.bytes, once.length) == 0);
        settings_free(again);
    }
    settings_free(s);
    buffer_fini(&once);
    buffer_fini(&twice);
    return 0;
}

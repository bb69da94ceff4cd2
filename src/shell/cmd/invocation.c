/* What most commands begin and end with. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shell/cmd/cmd.h"

enum { SIZE_WORDS_MAX = 64 };

static const char *environment_get(const char *name)
{
    return getenv(name);
}

bool invocation_settings(const struct invocation *v, struct settings **s, struct error *e)
{
    const char *path = option_get(v, "config");
    const char *set[OPTIONS_GIVEN_MAX + 1], *memory = option_get(v, "memory");
    char words[SIZE_WORDS_MAX];
    struct settings_options o = {.set = set, .environment = environment_get};

    for (uint32_t i = 0; i < v->given_count; i++) {
        if (strcmp(v->given[i].option->name, "set") == 0)
            set[o.set_count++] = v->given[i].value;
    }
    if (memory != NULL) { /* short for the key, so its errors and limits are the key's */
        if (snprintf(words, sizeof words, "batch.memory=%s", memory) >= (int)sizeof words)
            return error_set(e, ERROR_USAGE, "--memory: expected a size such as 512MiB");
        set[o.set_count++] = words;
    }
    return settings_load_with(path != NULL ? path : "assay.yaml", &o, s, e);
}

bool print_result(struct buffer *b, struct error *e)
{
    if (b->overflow)
        return error_set(e, ERROR_FULL, "the result is over %zu bytes", b->max);
    if ((b->length > 0 && fwrite(b->bytes, 1, b->length, stdout) != b->length) ||
        fflush(stdout) != 0)
        return error_set(e, ERROR_WORLD, "cannot write to standard output");
    return true;
}

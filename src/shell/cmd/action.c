#include "shell/cmd/action.h"

#include <string.h>

static const struct action *row(const void *rows, size_t bytes, size_t i)
{
    return (const struct action *)((const char *)rows + i * bytes);
}

static void refuse(const struct invocation *v, const void *rows, size_t bytes, size_t count,
                   struct error *e)
{
    struct buffer names;

    buffer_init(&names, ERROR_TEXT_MAX);
    for (size_t i = 0; i < count; i++)
        buffer_format(&names, "%s%s",
                      i == 0           ? ""
                      : i == count - 1 ? " or "
                                       : ", ",
                      row(rows, bytes, i)->name);
    error_set(e, ERROR_USAGE, "%s: expected %s, found \"%s\"", v->command->name,
              buffer_text(&names), v->argument[0]);
    buffer_fini(&names);
}

const void *action_find(const struct invocation *v, const void *rows, size_t bytes, size_t count,
                        struct error *e)
{
    for (size_t i = 0; i < count; i++) {
        const struct action *a = row(rows, bytes, i);

        if (strcmp(v->argument[0], a->name) != 0)
            continue;
        if (v->argument_count >= a->least && v->argument_count <= a->most)
            return a;
        error_set(e, ERROR_USAGE, "%s %s: expected %s", v->command->name, a->name, a->wants);
        return NULL;
    }
    refuse(v, rows, bytes, count, e);
    return NULL;
}

#include "shell/serve/outline.h"

#include <string.h>

const struct outline *outline_find(const char *name)
{
    for (unsigned i = 0; i < outline_count; i++) {
        if (strcmp(outlines[i].name, name) == 0)
            return &outlines[i];
    }
    return NULL;
}

bool outline_has(const char *name, struct text member)
{
    const struct outline *s = outline_find(name);

    for (unsigned i = 0; i < OUTLINE_MEMBERS_MAX && s->members[i].name != NULL; i++) {
        if (text_is(member, s->members[i].name))
            return true;
    }
    return false;
}

void outline_names(const char *name, struct buffer *out)
{
    const struct outline *s = outline_find(name);

    for (unsigned i = 0; i < OUTLINE_MEMBERS_MAX && s->members[i].name != NULL; i++)
        buffer_format(out, "%s%s", i > 0 ? ", " : "", s->members[i].name);
}

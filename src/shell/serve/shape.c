#include "shell/serve/shape.h"

#include <string.h>

const struct shape *shape_find(const char *name)
{
    for (unsigned i = 0; i < shape_count; i++) {
        if (strcmp(shapes[i].name, name) == 0)
            return &shapes[i];
    }
    return NULL;
}

bool shape_has(const char *name, struct text member)
{
    const struct shape *s = shape_find(name);

    for (unsigned i = 0; i < SHAPE_MEMBERS_MAX && s->members[i].name != NULL; i++) {
        if (text_is(member, s->members[i].name))
            return true;
    }
    return false;
}

void shape_names(const char *name, struct buffer *out)
{
    const struct shape *s = shape_find(name);

    for (unsigned i = 0; i < SHAPE_MEMBERS_MAX && s->members[i].name != NULL; i++)
        buffer_format(out, "%s%s", i > 0 ? ", " : "", s->members[i].name);
}

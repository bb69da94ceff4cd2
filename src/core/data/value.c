#include "core/data/value.h"

static const char *const names[TYPES] = {
    [TYPE_BOOL] = "bool", [TYPE_INT] = "int",   [TYPE_DECIMAL] = "decimal",   [TYPE_REAL] = "real",
    [TYPE_TEXT] = "text", [TYPE_TIME] = "time", [TYPE_DURATION] = "duration",
};

const char *type_name(enum type type)
{
    return names[type];
}

bool type_find(struct text name, enum type *type)
{
    for (int i = 0; i < TYPES; i++) {
        if (text_is(name, names[i])) {
            *type = (enum type)i;
            return true;
        }
    }
    return false;
}

bool value_equal(const struct value *a, const struct value *b)
{
    if (a->type != b->type || a->is_null != b->is_null)
        return false;
    if (a->is_null)
        return true;
    if (a->type == TYPE_TEXT)
        return text_equal(a->text, b->text);
    return a->integer == b->integer; /* a real by its bits */
}

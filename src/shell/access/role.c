#include "shell/access/role.h"

static const char *const names[ROLES_COUNT] = {"viewer",   "scorer",  "analyst",
                                               "engineer", "auditor", "admin"};

const char *role_name(unsigned role)
{
    for (unsigned i = 0; i < ROLES_COUNT; i++) {
        if (role == 1u << i)
            return names[i];
    }
    return "";
}

bool role_find(struct text name, unsigned *role)
{
    for (unsigned i = 0; i < ROLES_COUNT; i++) {
        if (text_is(name, names[i])) {
            *role = 1u << i;
            return true;
        }
    }
    return false;
}

static bool add_role(struct text name, unsigned *roles, struct error *e)
{
    unsigned role;

    if (!role_find(name, &role))
        return error_set(
            e, ERROR_INVALID,
            "role: expected viewer, scorer, analyst, engineer, auditor or admin, found "
            "\"%.*s\"",
            (int)(name.length < 40 ? name.length : 40), name.bytes);
    *roles |= role;
    return true;
}

bool roles_read(struct text words, unsigned *roles, struct error *e)
{
    unsigned found = 0;

    while (words.length > 0) {
        const char *comma = memchr(words.bytes, ',', words.length);
        size_t length = comma != NULL ? (size_t)(comma - words.bytes) : words.length;

        if (!add_role(text_trim((struct text){words.bytes, length}), &found, e))
            return false;
        length += comma != NULL;
        words = (struct text){words.bytes + length, words.length - length};
    }
    if (found == 0)
        return error_set(e, ERROR_INVALID, "roles: none is given");
    *roles = found;
    return true;
}

bool roles_of_json(const struct json *array, unsigned *roles, struct error *e)
{
    unsigned found = 0;

    if (array == NULL || array->kind != JSON_ARRAY || array->count == 0)
        return error_set(e, ERROR_INVALID, "roles: expected an array of at least one role");
    for (uint32_t i = 0; i < array->count; i++) {
        struct text name = array->items[i].kind == JSON_TEXT ? array->items[i].text : text_of("");

        if (!add_role(name, &found, e))
            return false;
    }
    *roles = found;
    return true;
}

void roles_format(unsigned roles, struct buffer *out)
{
    const char *comma = "";

    buffer_add_char(out, '[');
    for (unsigned i = 0; i < ROLES_COUNT; i++) {
        if ((roles & 1u << i) == 0)
            continue;
        buffer_format(out, "%s\"%s\"", comma, names[i]);
        comma = ",";
    }
    buffer_add_char(out, ']');
}

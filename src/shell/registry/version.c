#include "shell/registry/version.h"

#include <stdio.h>
#include <string.h>

static const char *const aliases[ALIASES] = {"champion", "challenger", "shadow"};

const char *alias_name(enum alias a)
{
    return aliases[a];
}

bool alias_find(struct text name, enum alias *a)
{
    for (int i = 0; i < ALIASES; i++) {
        if (text_is(name, aliases[i])) {
            *a = (enum alias)i;
            return true;
        }
    }
    return false;
}

int version_compare(struct version a, struct version b)
{
    if (a.major != b.major)
        return a.major < b.major ? -1 : 1;
    if (a.minor != b.minor)
        return a.minor < b.minor ? -1 : 1;
    return a.patch == b.patch ? 0 : a.patch < b.patch ? -1 : 1;
}

/* A whole number without leading zeros, so that a version has one spelling. */
static bool take_number(struct text *t, uint32_t *n)
{
    uint64_t value = 0;
    size_t length = 0;

    while (length < t->length && t->bytes[length] >= '0' && t->bytes[length] <= '9' && length < 10)
        value = value * 10 + (uint64_t)(t->bytes[length++] - '0');
    if (length == 0 || value > VERSION_NUMBER_MAX || (t->bytes[0] == '0' && length > 1))
        return false;
    *n = (uint32_t)value;
    *t = (struct text){t->bytes + length, t->length - length};
    return true;
}

static bool take_dot(struct text *t)
{
    if (t->length == 0 || t->bytes[0] != '.')
        return false;
    *t = (struct text){t->bytes + 1, t->length - 1};
    return true;
}

bool version_parse(struct text t, struct version *v)
{
    struct version found;

    if (!take_number(&t, &found.major) || !take_dot(&t) || !take_number(&t, &found.minor) ||
        !take_dot(&t) || !take_number(&t, &found.patch) || t.length > 0)
        return false;
    *v = found;
    return true;
}

void version_format(struct version v, char out[VERSION_TEXT_MAX])
{
    snprintf(out, VERSION_TEXT_MAX, "%u.%u.%u", v.major, v.minor, v.patch);
}

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
}

bool model_name_check(struct text name, struct error *e)
{
    enum alias alias;

    if (name.length == 0 || name.length > MODEL_NAME_MAX)
        return error_set(e, ERROR_INVALID,
                         "a model's name has 1 to %d characters, this one %zu: \"%.*s\"",
                         MODEL_NAME_MAX, name.length, TEXT_ARG(name));
    for (size_t i = 0; i < name.length; i++) {
        if (!is_name_byte(name.bytes[i]) || (i == 0 && name.bytes[i] == '.'))
            return error_set(e, ERROR_INVALID,
                             "\"%.*s\" cannot be a model's name: expected letters, digits, \"_\", "
                             "\"-\" and \".\", the first no dot",
                             TEXT_ARG(name));
    }
    if (alias_find(name, &alias))
        return error_set(e, ERROR_INVALID,
                         "\"%.*s\" cannot be a model's name: it stands for the model in that role",
                         TEXT_ARG(name));
    return true;
}

bool model_id_equal(const struct model_id *a, const struct model_id *b)
{
    return strcmp(a->name, b->name) == 0 && version_compare(a->version, b->version) == 0;
}

void model_id_format(const struct model_id *id, char out[MODEL_ID_TEXT_MAX])
{
    char version[VERSION_TEXT_MAX];

    version_format(id->version, version);
    snprintf(out, MODEL_ID_TEXT_MAX, "%s@%s", id->name, version);
}

bool model_id_parse(struct text t, struct model_id *id)
{
    const char *at = t.length > 0 ? memchr(t.bytes, '@', t.length) : NULL;
    struct text name = {t.bytes, at != NULL ? (size_t)(at - t.bytes) : 0};
    struct model_id found = {0};
    struct error e;

    if (at == NULL || !model_name_check(name, &e) ||
        !version_parse((struct text){at + 1, t.length - name.length - 1}, &found.version))
        return false;
    memcpy(found.name, name.bytes, name.length);
    *id = found;
    return true;
}

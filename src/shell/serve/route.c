#include "shell/serve/route.h"

#include <string.h>

#include "core/data/json.h"

const char *method_word(enum http_method m)
{
    static const char *const words[] = {"GET", "HEAD", "POST", "DELETE", ""};

    return words[m];
}

/* What the part in braces at *pattern takes: up to the character that follows it there. *pattern
 * and *path go on behind it. */
static struct text take_part(const char **pattern, struct text *path)
{
    struct text part = *path;
    const char *end;

    *pattern = strchr(*pattern, '}') + 1;
    end = **pattern != 0 ? memchr(path->bytes, **pattern, path->length) : NULL;
    if (end != NULL)
        part.length = (size_t)(end - path->bytes);
    *path = (struct text){path->bytes + part.length, path->length - part.length};
    return part;
}

static bool path_matches(const char *pattern, struct text path, struct text *parameter,
                         struct text *name)
{
    *parameter = *name = (struct text){NULL, 0};
    while (*pattern != 0) {
        if (*pattern == '{') {
            *name = *parameter;
            *parameter = take_part(&pattern, &path);
            if (parameter->length == 0)
                return false;
            continue;
        }
        if (path.length == 0 || *path.bytes != *pattern)
            return false;
        pattern++;
        path = (struct text){path.bytes + 1, path.length - 1};
    }
    return path.length == 0;
}

const struct route *route_find(struct text path, enum http_method method, struct text *parameter,
                               struct text *name, const char **allow)
{
    static const char *const allows[] = {
        "",       "GET, HEAD",         "POST",         "GET, HEAD, POST",
        "DELETE", "GET, HEAD, DELETE", "POST, DELETE", "GET, HEAD, POST, DELETE"};
    enum http_method wanted = method == HTTP_HEAD ? HTTP_GET : method;
    unsigned has = 0;

    for (unsigned i = 0; i < route_count; i++) {
        if (!path_matches(routes[i].pattern, path, parameter, name))
            continue;
        if (routes[i].method == wanted)
            return &routes[i];
        has |= routes[i].method == HTTP_GET ? 1 : routes[i].method == HTTP_POST ? 2 : 4;
    }
    *parameter = *name = (struct text){NULL, 0};
    *allow = allows[has];
    return NULL;
}

/* ["scorer","engineer","admin"]: admin may all. */
static void print_json(const struct route *r, struct buffer *out)
{
    buffer_format(out, "{\"method\":\"%s\",\"path\":\"%s\",\"anyone\":%s,\"roles\":",
                  method_word(r->method), r->pattern, r->roles & ROLE_ANYONE ? "true" : "false");
    roles_format(r->roles | ROLE_ADMIN, out);
    buffer_format(out, ",\"body\":\"%s\",\"summary\":",
                  r->body == BODY_JSON     ? "json"
                  : r->body == BODY_NDJSON ? "ndjson"
                                           : "none");
    json_add_text(out, text_of(r->summary));
    buffer_add_char(out, '}');
}

static void print_row(const struct route *r, struct buffer *out)
{
    buffer_format(out, "| `%s %s` |", method_word(r->method), r->pattern);
    for (unsigned i = 0; i < ROLES_COUNT; i++) {
        bool may = (r->roles & (1u << i | ROLE_ANYONE)) != 0 || 1u << i == ROLE_ADMIN;

        buffer_add_text(out, may ? " yes |" : "  |");
    }
    buffer_format(out, " %s |\n", r->roles & ROLE_ANYONE ? "yes" : "");
}

void routes_print(bool is_json, struct buffer *out)
{
    if (!is_json) {
        buffer_add_text(out, "| route |");
        for (unsigned i = 0; i < ROLES_COUNT; i++)
            buffer_format(out, " %s |", role_name(1u << i));
        buffer_add_text(out, " anyone |\n| --- |");
        for (unsigned i = 0; i < ROLES_COUNT + 1; i++)
            buffer_add_text(out, " --- |");
        buffer_add_char(out, '\n');
    }
    for (unsigned i = 0; i < route_count; i++) {
        if (is_json)
            buffer_add_text(out, i > 0 ? ",\n" : "[");
        if (is_json)
            print_json(&routes[i], out);
        else
            print_row(&routes[i], out);
    }
    if (is_json)
        buffer_add_text(out, "]\n");
}

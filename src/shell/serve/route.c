#include "shell/serve/route.h"

#include <string.h>

const char *method_word(enum http_method m)
{
    static const char *const words[] = {"GET", "HEAD", "POST", ""};

    return words[m];
}

static bool path_matches(const char *pattern, struct text path, struct text *parameter)
{
    const char *brace = strchr(pattern, '{');
    size_t fixed = brace != NULL ? (size_t)(brace - pattern) : strlen(pattern);

    if (path.length < fixed || memcmp(path.bytes, pattern, fixed) != 0)
        return false;
    *parameter = (struct text){path.bytes + fixed, path.length - fixed};
    return brace != NULL ? parameter->length > 0 : parameter->length == 0;
}

const struct route *route_find(struct text path, enum http_method method, struct text *parameter,
                               const char **allow)
{
    static const char *const allows[] = {"", "GET, HEAD", "POST", "GET, HEAD, POST"};
    enum http_method wanted = method == HTTP_HEAD ? HTTP_GET : method;
    unsigned has = 0;

    for (unsigned i = 0; i < route_count; i++) {
        if (!path_matches(routes[i].pattern, path, parameter))
            continue;
        if (routes[i].method == wanted)
            return &routes[i];
        has |= routes[i].method == HTTP_GET ? 1 : 2;
    }
    *parameter = (struct text){NULL, 0};
    *allow = allows[has];
    return NULL;
}

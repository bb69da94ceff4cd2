#include "shell/serve/console.h"

#include <string.h>

#include "shell/os/gzip.h"
#include "shell/serve/finish.h"
#include "shell/serve/inside.h"

static const char policy[] =
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; object-src 'none'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'self'";

static const struct console_file *find(const struct console *c, struct text path)
{
    for (uint32_t i = 0; i < c->count; i++) {
        if (text_is(path, c->files[i].path))
            return &c->files[i];
    }
    return NULL;
}

static void answer_file(struct exchange *x, const struct console_file *f)
{
    const char *known = exchange_header(x, "If-None-Match");

    x->content_type = f->type;
    x->cache = f->is_immutable ? "public, max-age=31536000, immutable" : "no-cache";
    exchange_add_header(x, "ETag", f->tag);
    exchange_add_header(x, "Vary", "Accept-Encoding");
    x->is_packed = true;
    if (known != NULL && answer_tag_is_in(known, f->tag)) {
        x->status = 304;
        return;
    }
    x->status = 200;
    if (accepts_gzip(exchange_header(x, "Accept-Encoding"))) {
        exchange_add_header(x, "Content-Encoding", "gzip");
        buffer_add(&x->answer, f->packed, f->packed_bytes);
        return;
    }
    if (!gzip_unpack((struct text){f->packed, f->packed_bytes}, f->bytes, &x->answer))
        problem_answer(x, 500, "%s cannot be unpacked", f->path);
}

/* A binary without the console. */
static void answer_absent(struct exchange *x, const char *why)
{
    x->status = 200;
    x->content_type = "text/html; charset=utf-8";
    x->cache = "no-cache";
    buffer_format(&x->answer,
                  "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
                  "<title>Assay</title></head><body><h1>Assay</h1>"
                  "<p>This binary was built without the console: %s.</p>"
                  "<p>To have it: install Node.js 18 or newer with npm (Debian: <code>apt-get "
                  "install nodejs npm</code>), then <code>make</code> again.</p>"
                  "<p>The API is there: <a href=\"/docs\">its description</a>.</p>"
                  "</body></html>\n",
                  why);
}

static enum http_next show_console(struct server *s, struct exchange *x)
{
    const struct console *c = s->o.console;
    const struct console_file *f = find(c, x->path);

    x->policy = policy;
    exchange_add_header(x, "Permissions-Policy",
                        "camera=(), geolocation=(), microphone=(), payment=(), usb=()");
    exchange_add_header(x, "Cross-Origin-Opener-Policy", "same-origin");
    if (f == NULL)
        f = find(c, text_of("/index.html"));
    if (f != NULL)
        answer_file(x, f);
    else
        answer_absent(x, c->absent);
    return HTTP_ANSWERED;
}

static const struct route page = {.method = HTTP_GET,
                                  .pattern = "/",
                                  .place = ROUTE_AT_DESK,
                                  .handle = show_console,
                                  .roles = ROLE_ANYONE,
                                  .has_any_query = true,
                                  .summary = "The console."};

static bool begins(struct text path, const char *with)
{
    size_t length = strlen(with);

    return path.length >= length && memcmp(path.bytes, with, length) == 0;
}

const struct route *console_route(const struct console *c, struct exchange *x)
{
    const char *accept;

    if (c == NULL || (x->method != HTTP_GET && x->method != HTTP_HEAD))
        return NULL;
    if (text_is(x->path, "/") || find(c, x->path) != NULL)
        return &page;
    if (begins(x->path, "/v1/") || begins(x->path, "/assets/"))
        return NULL;
    accept = exchange_header(x, "Accept");
    return c->count > 0 && accept != NULL && strstr(accept, "text/html") != NULL ? &page : NULL;
}

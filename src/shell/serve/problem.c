#include "shell/serve/problem.h"

#include <stdarg.h>
#include <stdio.h>

enum { RETRY_BUSY_S = 1, RETRY_DOWN_S = 5, DETAIL_MAX = 1024 };

static const struct {
    unsigned status;
    const char *type;
    const char *title;
    unsigned retry_after_s;
} kinds[] = {
    {400, "bad-request", "The request cannot be read", 0},
    {401, "unauthorized", "The caller is not known", 0},
    {403, "forbidden", "The caller may not do this", 0},
    {404, "not-found", "There is no such thing", 0},
    {405, "method-not-allowed", "This path does not take this method", 0},
    {409, "conflict", "The request contradicts what is there", 0},
    {412, "changed", "It was changed since it was read", 0},
    {413, "too-large", "The request is too large", 0},
    {415, "content-type", "The content type is not the one expected", 0},
    {421, "misdirected", "This server does not answer for this host", 0},
    {422, "invalid-fields", "Fields are not valid", 0},
    {429, "busy", "Too many requests are waiting", RETRY_BUSY_S},
    {500, "internal", "The server made a mistake", 0},
    {503, "unavailable", "The server cannot do this now", RETRY_DOWN_S},
};

enum { KIND_INTERNAL = 12, KINDS = sizeof kinds / sizeof *kinds };

static unsigned kind_of(unsigned status)
{
    for (unsigned i = 0; i < KINDS; i++) {
        if (kinds[i].status == status)
            return i;
    }
    return KIND_INTERNAL;
}

static void fields_format(const struct problems *fields, struct buffer *out)
{
    buffer_add_text(out, ",\"errors\":[");
    for (uint32_t i = 0; i < fields->count; i++) {
        buffer_add_text(out, i > 0 ? ",{\"pointer\":" : "{\"pointer\":");
        json_add_text(out, text_of(fields->items[i].pointer));
        buffer_add_text(out, ",\"detail\":");
        json_add_text(out, text_of(fields->items[i].detail));
        buffer_add_char(out, '}');
    }
    buffer_add_char(out, ']');
    if (fields->more > 0)
        buffer_format(out, ",\"more_errors\":%u", fields->more);
}

void problem_format(const struct problem_words *w, struct buffer *out)
{
    unsigned kind = kind_of(w->status);

    buffer_format(out, "{\"type\":\"urn:assay:problem:%s\",\"title\":\"%s\",\"status\":%u",
                  kinds[kind].type, kinds[kind].title, kinds[kind].status);
    if (w->line > 0) {
        buffer_add_text(out, ",\"line\":");
        json_add_int(out, (int64_t)w->line);
    }
    if (w->detail.length > 0) {
        buffer_add_text(out, ",\"detail\":");
        json_add_text(out, w->detail);
    }
    if (w->instance.length > 0 && text_is_utf8(w->instance)) {
        buffer_add_text(out, ",\"instance\":");
        json_add_text(out, w->instance);
    }
    if (w->request_id.length > 0) {
        buffer_add_text(out, ",\"request_id\":");
        json_add_text(out, w->request_id);
    }
    if (w->fields != NULL)
        fields_format(w->fields, out);
    buffer_add_char(out, '}');
}

static void answer(struct exchange *x, const struct problem_words *w)
{
    unsigned kind = kind_of(w->status);

    buffer_clear(&x->answer);
    x->status = kinds[kind].status;
    x->content_type = "application/problem+json";
    x->retry_after_s = kinds[kind].retry_after_s;
    problem_format(w, &x->answer);
    buffer_add_char(&x->answer, '\n');
}

/* Words from outside may have been cut within a character, or be no UTF-8 at all. */
static struct text readable(char *words)
{
    struct text t = text_of(words);

    while (t.length > 0 && !text_is_utf8(t) && t.length + 4 > strlen(words))
        t.length--;
    return text_is_utf8(t) ? t : (struct text){NULL, 0};
}

void problem_answer(struct exchange *x, unsigned status, const char *format, ...)
{
    char detail[DETAIL_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    answer(x, &(struct problem_words){.status = status,
                                      .instance = x->path,
                                      .request_id = text_of(x->request_id),
                                      .detail = readable(detail)});
}

unsigned problem_status(const struct problems *fields)
{
    return fields->count > 0 && fields->items[0].pointer[0] == 0 ? 400 : 422;
}

void problem_answer_fields(struct exchange *x, const struct problems *fields)
{
    bool is_document = problem_status(fields) == 400;

    answer(x,
           &(struct problem_words){.status = problem_status(fields),
                                   .instance = x->path,
                                   .request_id = text_of(x->request_id),
                                   .detail = text_of(is_document ? fields->items[0].detail
                                                                 : "see `errors` for each field"),
                                   .fields = fields});
}

unsigned error_http_status(const struct error *e)
{
    switch (e->kind) {
    case ERROR_NOT_FOUND:
        return 404;
    case ERROR_CONFLICT:
        return 409;
    case ERROR_INVALID:
    case ERROR_USAGE:
        return 422;
    default:
        return 503;
    }
}

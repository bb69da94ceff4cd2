/* GET /v1/features, /v1/settings, /openapi.json and /docs. */
#include "shell/serve/about.h"

#include "shell/os/digest.h"
#include "shell/run/beginning.h"
#include "shell/run/dictionary.h"
#include "shell/serve/inside.h"
#include "shell/serve/openapi.h"

enum { ABOUT_BYTES_MAX = 32 << 20 };

static void settings_json(const struct settings *s, const struct plan *p, uint64_t plan_seq,
                          struct buffer *out)
{
    char id[DIGEST_HEX];
    struct buffer yaml;

    digest_hex(plan_id(p), id);
    buffer_init(&yaml, ABOUT_BYTES_MAX / 2);
    settings_print(s, true, &yaml);
    buffer_add_text(out, "{\"name\":");
    json_add_text(out, text_of(s->name));
    buffer_format(out, ",\"plan\":\"%s\",\"plan_seq\":%llu,\"yaml\":", id,
                  (unsigned long long)plan_seq);
    json_add_text(out, (struct text){yaml.bytes, yaml.length});
    buffer_add_text(out, "}\n");
    buffer_fini(&yaml);
}

void about_init(struct about *a, const struct settings *s, const struct plan *p, uint64_t plan_seq,
                const char *shard_directory)
{
    struct past past = {0};
    struct error ignored;

    buffer_init(&a->features, ABOUT_BYTES_MAX);
    buffer_init(&a->settings, ABOUT_BYTES_MAX);
    buffer_init(&a->openapi, OPENAPI_BYTES_MAX);
    buffer_init(&a->page, OPENAPI_BYTES_MAX);
    if (s == NULL)
        return;
    if (!log_beginning(shard_directory, &past.has_log, &past.begins_us, &ignored))
        past.has_log = false; /* damage is for recovery to tell */
    dictionary_json(s, p, &past, &a->features);
    settings_json(s, p, plan_seq, &a->settings);
    openapi_format(p, s->name, &a->openapi);
    openapi_page(p, s->name, &a->page);
}

void about_fini(struct about *a)
{
    buffer_fini(&a->features);
    buffer_fini(&a->settings);
    buffer_fini(&a->openapi);
    buffer_fini(&a->page);
}

/* ---- routes ---- */

static enum http_next answer(struct server *s, struct exchange *x, const struct buffer *text)
{
    pthread_mutex_lock(&s->lock);
    buffer_add(&x->answer, text->bytes, text->length);
    x->status = text->length > 0 && !text->overflow ? 200 : 503;
    pthread_mutex_unlock(&s->lock);
    if (x->status == 503)
        problem_answer(x, 503, "this server has no settings that it could tell of");
    return HTTP_ANSWERED;
}

enum http_next show_features(struct server *s, struct exchange *x)
{
    return answer(s, x, &s->about.features);
}

enum http_next show_settings(struct server *s, struct exchange *x)
{
    return answer(s, x, &s->about.settings);
}

enum http_next show_openapi(struct server *s, struct exchange *x)
{
    return answer(s, x, &s->about.openapi);
}

enum http_next show_docs(struct server *s, struct exchange *x)
{
    x->content_type = "text/html; charset=utf-8";
    x->policy = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
                "frame-ancestors 'none'";
    return answer(s, x, &s->about.page);
}

enum http_next show_docs_style(struct server *s, struct exchange *x)
{
    (void)s;
    x->status = 200;
    x->content_type = "text/css; charset=utf-8";
    buffer_add_text(&x->answer, openapi_page_style);
    return HTTP_ANSWERED;
}

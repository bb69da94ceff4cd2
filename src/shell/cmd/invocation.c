/* What most commands begin and end with. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shell/cmd/cmd.h"
#include "shell/link/postgres.h"

enum { SIZE_WORDS_MAX = 64 };

static const char *environment_get(const char *name)
{
    return getenv(name);
}

bool invocation_settings(const struct invocation *v, struct settings **s, struct error *e)
{
    const char *path = option_get(v, "config");
    const char *set[OPTIONS_GIVEN_MAX + 1], *memory = option_get(v, "memory");
    char words[SIZE_WORDS_MAX];
    struct settings_options o = {.set = set, .environment = environment_get};

    for (uint32_t i = 0; i < v->given_count; i++) {
        if (strcmp(v->given[i].option->name, "set") == 0)
            set[o.set_count++] = v->given[i].value;
    }
    if (memory != NULL) { /* short for the key, so its errors and limits are the key's */
        if (snprintf(words, sizeof words, "batch.memory=%s", memory) >= (int)sizeof words)
            return error_set(e, ERROR_USAGE, "--memory: expected a size such as 512MiB");
        set[o.set_count++] = words;
    }
    return settings_load_with(path != NULL ? path : "assay.yaml", &o, s, e);
}

/* An address that a server listens on, as one that a client can ask. */
static void url_of(const struct server_setting *s, char url[SERVICE_URL_MAX])
{
    bool is_any = strcmp(s->host, "0.0.0.0") == 0 || strcmp(s->host, "::") == 0;
    bool is_six = !is_any && strchr(s->host, ':') != NULL;

    snprintf(url, SERVICE_URL_MAX, "%s://%s%s%s:%u", s->tls.certificate != NULL ? "https" : "http",
             is_six ? "[" : "", is_any ? "127.0.0.1" : s->host, is_six ? "]" : "", s->port);
}

bool invocation_service(const struct invocation *v, const struct settings *s,
                        char url[SERVICE_URL_MAX], struct http_peer *peer, struct error *e)
{
    const char *given = option_get(v, "url"), *key = option_get(v, "key"),
               *ca = option_get(v, "ca");
    struct settings *own = NULL;

    if (key == NULL)
        key = getenv("ASSAY_KEY");
    for (const char *at = key; at != NULL && *at != 0; at++)
        if (*at <= ' ' || *at > '~')
            return error_set(e, ERROR_USAGE,
                             "--key or ASSAY_KEY: a key has no blanks or line ends: put in the "
                             "secret alone (ask_...)");
    if (given != NULL) {
        snprintf(url, SERVICE_URL_MAX, "%s", given);
    } else {
        if (s == NULL && !invocation_settings(v, &own, e))
            return false;
        url_of(s != NULL ? &s->server : &own->server, url);
        settings_free(own);
    }
    *peer = (struct http_peer){.url = url, .key = key, .ca = ca != NULL ? ca : getenv("ASSAY_CA")};
    return true;
}

const char *hint_of_status(int status)
{
    return status == 401 ? "; hint: a key in ASSAY_KEY or --key" : "";
}

bool print_result(struct buffer *b, struct error *e)
{
    if (b->overflow)
        return error_set(e, ERROR_FULL, "the result is over %zu bytes", b->max);
    if ((b->length > 0 && fwrite(b->bytes, 1, b->length, stdout) != b->length) ||
        fflush(stdout) != 0)
        return error_set(e, ERROR_WORLD, "cannot write to standard output");
    return true;
}

bool print_plain(struct buffer *b, struct error *e)
{
    for (size_t i = 0; i < b->length; i++) {
        unsigned char c = (unsigned char)b->bytes[i];

        if ((c < ' ' && c != '\n') || c == 0x7f)
            b->bytes[i] = '?';
        else if (c == 0xc2 && i + 1 < b->length && (unsigned char)b->bytes[i + 1] < 0xa0)
            b->bytes[i] = b->bytes[i + 1] = '?'; /* U+0080 to U+009F */
    }
    return print_result(b, e);
}

bool invocation_postgres(const struct invocation *v, struct postgres **p, struct error *e)
{
    const char *url = option_get(v, "url");
    struct settings *s = NULL;
    bool ok;

    if (url == NULL && option_has(v, "config")) {
        if (!invocation_settings(v, &s, e))
            return false;
        url = s->store.url;
    }
    ok = postgres_open(url, p, e);
    settings_free(s);
    return ok;
}

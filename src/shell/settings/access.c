#include "shell/settings/access.h"

#include <string.h>

#include "core/base/number.h"

enum { RATE_MAX = 1000000, SECRET_LEAST = 32 };

bool rate_parse(struct text t, struct rate_setting *r, struct error *e)
{
    static const struct {
        const char *word;
        int64_t seconds;
    } units[] = {{"s", 1}, {"min", 60}, {"h", 3600}, {"d", 86400}};
    const char *slash = memchr(t.bytes, '/', t.length);
    size_t length = slash != NULL ? (size_t)(slash - t.bytes) : t.length;
    int64_t limit;

    for (size_t i = 0; slash != NULL && i < sizeof units / sizeof *units; i++) {
        if (!text_is((struct text){slash + 1, t.length - length - 1}, units[i].word) ||
            !number_parse_int((struct text){t.bytes, length}, &limit) || limit < 1 ||
            limit > RATE_MAX)
            continue;
        *r = (struct rate_setting){(uint32_t)limit, units[i].seconds * 1000000};
        return true;
    }
    return error_set(e, ERROR_INVALID,
                     "expected 1 to %d requests in a time, such as 120/min, 50/s, 10000/h or 1/d, "
                     "found \"%.*s\"",
                     RATE_MAX, (int)(t.length < 40 ? t.length : 40), t.bytes);
}

static bool verify_rate(struct settings *s, const char *words, const char *path,
                        struct rate_setting *r, struct error *e)
{
    return words == NULL || rate_parse(text_of(words), r, e) || settings_blame(s, path, e);
}

static bool blame(struct settings *s, const char *path, const char *words, struct error *e)
{
    error_set(e, ERROR_INVALID, "%s", words);
    return settings_blame(s, path, e);
}

/* A token that anybody's key may have signed, or that was made for another service, is none. */
static bool verify_jwt(struct settings *s, struct error *e)
{
    bool has_keys = s->access.jwt.keys != NULL, has_secret = s->access.jwt.secret != NULL;

    if (!has_keys && !has_secret) {
        return (s->access.jwt.issuer == NULL && s->access.jwt.audience == NULL) ||
               blame(s, "access.jwt", "expected keys (a JWKS) or secret beside issuer and audience",
                     e);
    }
    if (has_keys && has_secret)
        return blame(s, "access.jwt", "keys and secret: one of them, not both", e);
    if (has_secret && strlen(s->access.jwt.secret) < SECRET_LEAST)
        return blame(s, "access.jwt.secret", "under 32 bytes: such a secret can be guessed", e);
    if (s->access.jwt.issuer == NULL || s->access.jwt.audience == NULL)
        return blame(s, "access.jwt",
                     "issuer and audience are missing: tokens made for other services would do", e);
    return true;
}

/* "http://127.0.0.1" or what follows it in a URL: no longer name that only begins so. */
static bool is_of(const char *url, const char *host)
{
    size_t length = strlen(host);

    return strncmp(url, host, length) == 0 && strchr(":/?", url[length]) != NULL;
}

bool access_is_private_url(const char *t)
{
    return strncmp(t, "https://", 8) == 0 || is_of(t, "http://127.0.0.1") ||
           is_of(t, "http://localhost");
}

static bool is_url(const char *t)
{
    return t != NULL && access_is_private_url(t);
}

static bool verify_sign_in(struct settings *s, struct error *e)
{
    const char *issuer = s->access.sign_in.issuer, *callback = s->access.sign_in.callback;

    if (issuer == NULL && callback == NULL && s->access.sign_in.client == NULL)
        return true;
    if (!is_url(issuer))
        return blame(s, "access.sign_in", "issuer: expected an https URL", e);
    if (s->access.sign_in.client == NULL)
        return blame(s, "access.sign_in", "client: missing", e);
    return is_url(callback) ||
           blame(s, "access.sign_in",
                 "callback: expected this service's https URL with /v1/sign-in/callback", e);
}

bool access_verify(struct settings *s, struct error *e)
{
    if ((s->server.tls.certificate == NULL) != (s->server.tls.key == NULL))
        return blame(s, "server.tls", "certificate and key: both or none", e);
    return verify_rate(s, s->access.per_key, "access.rate.per_key", &s->access.key_rate, e) &&
           verify_rate(s, s->access.per_address, "access.rate.per_address", &s->access.address_rate,
                       e) &&
           verify_jwt(s, e) && verify_sign_in(s, e);
}

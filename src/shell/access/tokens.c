#include "shell/access/tokens.h"

#include <stdio.h>

#include "core/base/memory.h"
#include "core/data/json_at.h"
#include "shell/access/base64.h"
#include "shell/os/file.h"

struct tokens {
    struct jwks *jwks;
    struct token_rules rules;
};

/* Up to the first dot, and what is behind it. False: there is none. */
static bool split(struct text t, struct text *before, struct text *after)
{
    const char *dot = memchr(t.bytes, '.', t.length);

    if (dot == NULL)
        return false;
    *before = (struct text){t.bytes, (size_t)(dot - t.bytes)};
    *after = (struct text){dot + 1, t.length - before->length - 1};
    return true;
}

static struct json_document *part(struct json_reader *json, struct text encoded)
{
    struct json_document *d = NULL;
    struct buffer b;
    struct error e;

    buffer_init(&b, TOKEN_BYTES_MAX);
    if (base64url_decode(encoded, &b) && b.length > 0)
        d = json_parse(json, b.bytes, b.length, &e);
    buffer_fini(&b);
    if (d != NULL && d->root.kind != JSON_OBJECT) {
        json_free(d);
        d = NULL;
    }
    return d;
}

/* ---- the head and the signature ---- */

static bool kind_of(struct text alg, enum signature_kind *kind)
{
    static const char *const names[] = {"HS256", "RS256", "ES256"};

    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (text_is(alg, names[i])) {
            *kind = (enum signature_kind)i;
            return true;
        }
    }
    return false;
}

static bool head_holds(struct jwks *jwks, const struct json *head, struct text bytes,
                       struct text encoded, const char **why)
{
    enum signature_kind kind;
    struct buffer signature;
    bool ok;

    *why = "its algorithm is none of HS256, RS256 and ES256";
    if (!kind_of(json_text_at(head, "alg"), &kind))
        return false;
    *why = "it asks for extensions (crit)";
    if (json_get(head, "crit") != NULL)
        return false;
    *why = "its signature is no base64url";
    buffer_init(&signature, TOKEN_BYTES_MAX);
    ok = base64url_decode(encoded, &signature) &&
         jwks_holds(jwks, json_text_at(head, "kid"), kind, bytes,
                    (struct text){signature.bytes != NULL ? signature.bytes : "", signature.length},
                    why);
    buffer_fini(&signature);
    return ok;
}

/* ---- the claims ---- */

/* Seconds since 1970, whole or not. False: there is none, or it is no time. */
static bool time_at(const struct json *claims, const char *name, double *us)
{
    const struct json *v = json_get(claims, name);

    if (v == NULL || (v->kind != JSON_INT && v->kind != JSON_REAL) || v->real < 0 || v->real > 1e12)
        return false;
    *us = v->real * 1e6;
    return true;
}

static bool is_for(const struct json *audience, const char *wanted)
{
    if (audience == NULL || audience->kind == JSON_TEXT)
        return audience != NULL && text_is(audience->text, wanted);
    for (uint32_t i = 0; audience->kind == JSON_ARRAY && i < audience->count; i++) {
        if (audience->items[i].kind == JSON_TEXT && text_is(audience->items[i].text, wanted))
            return true;
    }
    return false;
}

static bool claims_hold(const struct token_rules *r, const struct json *claims, int64_t now_us,
                        const char **why)
{
    double at_us;

    *why = "it has no exp";
    if (!time_at(claims, "exp", &at_us))
        return false;
    *why = "it has expired";
    if ((double)now_us >= at_us + (double)r->leeway_us)
        return false;
    *why = "it is not valid yet (nbf)";
    if (json_get(claims, "nbf") != NULL &&
        (!time_at(claims, "nbf", &at_us) || (double)now_us < at_us - (double)r->leeway_us))
        return false;
    *why = "its issuer (iss) is another one";
    if (!text_is(json_text_at(claims, "iss"), r->issuer))
        return false;
    *why = "it was made for another service (aud)";
    if (!is_for(json_get(claims, "aud"), r->audience))
        return false;
    *why = "it answers another sign-in (nonce)";
    if (r->nonce != NULL && !text_is(json_text_at(claims, "nonce"), r->nonce))
        return false;
    *why = "it does not say whose it is (sub)";
    return json_text_at(claims, "sub").length > 0 &&
           json_text_at(claims, "sub").length <= CALLER_ID_MAX &&
           text_is_plain(json_text_at(claims, "sub"));
}

static void take_name(struct text t, char *to, size_t room)
{
    size_t length = t.length < room - 1 ? t.length : room - 1;

    while (length > 0 && length < t.length && ((unsigned char)t.bytes[length] & 0xc0) == 0x80)
        length--;
    snprintf(to, room, "%.*s", (int)length, t.bytes);
}

static bool check(const struct token_rules *r, struct text token, int64_t now_us,
                  struct json_reader *json, struct token_claims *claims, const char **why)
{
    struct text head, rest, body, signature;
    struct json_document *h, *d;
    bool ok;

    *why = "it has not the three parts of a JWT";
    if (token.length > TOKEN_BYTES_MAX || !split(token, &head, &rest) ||
        !split(rest, &body, &signature))
        return false;
    *why = "its head is no JSON";
    h = part(json, head);
    if (h == NULL)
        return false;
    ok = head_holds(r->jwks, &h->root,
                    (struct text){token.bytes, (size_t)(signature.bytes - 1 - token.bytes)},
                    signature, why);
    json_free(h);
    if (!ok)
        return false;
    *why = "its claims are no JSON";
    d = part(json, body);
    if (d == NULL || !claims_hold(r, &d->root, now_us, why)) {
        json_free(d);
        return false;
    }
    claims->document = d;
    take_name(json_text_at(&d->root, "sub"), claims->subject, sizeof claims->subject);
    take_name(json_text_at(&d->root, r->name_claim), claims->name, sizeof claims->name);
    claims->roles = json_at(&d->root, r->role_claim);
    return true;
}

bool token_check(const struct token_rules *rules, struct text token, int64_t now_us,
                 struct json_reader *json, struct token_claims *claims, char *words,
                 size_t words_bytes)
{
    const char *why;

    if (check(rules, token, now_us, json, claims, &why))
        return true;
    snprintf(words, words_bytes, "the token is refused: %s", why);
    return false;
}

void tokens_free_claims(struct token_claims *c)
{
    json_free(c->document);
}

/* ---- of the settings ---- */

static bool open_keys(const struct access_setting *s, const char *directory, struct jwks **jwks,
                      struct error *e)
{
    const char *keys = s->jwt.keys;
    char path[FILE_PATH_MAX];

    if (keys == NULL) {
        *jwks = jwks_of_secret(text_of(s->jwt.secret));
        return true;
    }
    if (strstr(keys, "://") != NULL || keys[0] == '/' || directory == NULL)
        return jwks_open(keys, jwks, e) || error_prefix(e, "access.jwt.keys");
    if (snprintf(path, sizeof path, "%s/%s", directory, keys) >= (int)sizeof path)
        return error_set(e, ERROR_INVALID, "access.jwt.keys: the path is too long");
    return jwks_open(path, jwks, e) || error_prefix(e, "access.jwt.keys");
}

bool tokens_open(const struct access_setting *s, const char *directory, struct tokens **tokens,
                 struct error *e)
{
    struct tokens *t;
    struct jwks *jwks;

    *tokens = NULL;
    if (s->jwt.keys == NULL && s->jwt.secret == NULL)
        return true;
    if (!open_keys(s, directory, &jwks, e))
        return false;
    t = mem_alloc(sizeof *t);
    t->jwks = jwks;
    t->rules = (struct token_rules){.jwks = jwks,
                                    .issuer = s->jwt.issuer,
                                    .audience = s->jwt.audience,
                                    .role_claim = s->jwt.role_claim,
                                    .name_claim = s->jwt.name_claim,
                                    .leeway_us = s->jwt.leeway_us};
    *tokens = t;
    return true;
}

void tokens_close(struct tokens *t)
{
    if (t == NULL)
        return;
    jwks_close(t->jwks);
    mem_free(t);
}

bool tokens_check(struct tokens *t, struct text token, int64_t now_us, struct json_reader *json,
                  struct token_claims *claims, char *words, size_t words_bytes)
{
    return token_check(&t->rules, token, now_us, json, claims, words, words_bytes);
}

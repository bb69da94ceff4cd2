#include "shell/access/sign_in.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/number.h"
#include "core/data/json_at.h"
#include "shell/access/base64.h"
#include "shell/access/tokens.h"
#include "shell/link/http_client.h"
#include "shell/os/clock.h"
#include "shell/settings/access.h"

enum { ENDPOINT_MAX = 1024, BODY_MAX = 16 << 10, LEEWAY_S = 60 };

#define FOUND_US (INT64_C(3600) * 1000000)

struct sign_in {
    const struct access_setting *setting;
    uint8_t secret[DIGEST_BYTES];
    pthread_mutex_t lock; /* of what follows */
    int64_t found_us;     /* monotonic; 0: not yet */
    char authorization[ENDPOINT_MAX], token[ENDPOINT_MAX], keys[ENDPOINT_MAX];
    bool takes_post; /* the client's secret in the body */
    struct jwks *jwks;
};

bool sign_in_open(const struct access_setting *setting, struct sign_in **out, struct error *e)
{
    struct sign_in *s;

    (void)e;
    *out = NULL;
    if (setting->sign_in.issuer == NULL)
        return true;
    s = mem_alloc(sizeof *s);
    s->setting = setting;
    random_bytes(s->secret, sizeof s->secret);
    pthread_mutex_init(&s->lock, NULL);
    *out = s;
    return true;
}

void sign_in_close(struct sign_in *s)
{
    if (s == NULL)
        return;
    jwks_close(s->jwks);
    pthread_mutex_destroy(&s->lock);
    mem_free(s);
}

/* ---- the provider ---- */

static bool ask(const struct http_peer *peer, struct text body, struct json_reader *json,
                struct json_document **d, struct error *e)
{
    struct http_client *c = http_client_of(peer);
    struct buffer answer;
    int status;
    bool ok;

    buffer_init(&answer, 1 << 20);
    ok = http_client_ask(c, "", "application/x-www-form-urlencoded", body, &answer, &status, e) &&
         (*d = json_parse(json, answer.bytes, answer.length, e)) != NULL;
    if (ok && status != 200) {
        error_set(e, ERROR_WORLD, "%s: answered %d: %.*s", peer->url, status,
                  TEXT_ARG(json_text_at(&(*d)->root, "error")));
        json_free(*d);
        ok = false;
    }
    buffer_fini(&answer);
    http_client_free(c);
    return ok;
}

/* It goes into a header. */
static bool take_endpoint(const struct json_document *d, const char *name, char to[ENDPOINT_MAX],
                          struct error *e)
{
    struct text t = json_text_at(&d->root, name);
    bool ok = t.length < ENDPOINT_MAX && text_is_plain(t) &&
              snprintf(to, ENDPOINT_MAX, "%.*s", TEXT_ARG(t)) == (int)t.length &&
              access_is_private_url(to);

    return ok || error_set(e, ERROR_WORLD, "the provider's %s is no https URL: \"%.*s\"", name,
                           (int)(t.length < 100 ? t.length : 100), t.bytes);
}

static bool has_word(const struct json *array, const char *word)
{
    for (uint32_t i = 0; array != NULL && array->kind == JSON_ARRAY && i < array->count; i++) {
        if (array->items[i].kind == JSON_TEXT && text_is(array->items[i].text, word))
            return true;
    }
    return false;
}

static bool take_configuration(struct sign_in *s, const struct json_document *d, struct error *e)
{
    char keys[ENDPOINT_MAX];
    struct jwks *jwks;

    if (!text_is(json_text_at(&d->root, "issuer"), s->setting->sign_in.issuer))
        return error_set(e, ERROR_WORLD,
                         "the provider calls itself another issuer than "
                         "access.sign_in.issuer");
    if (!take_endpoint(d, "authorization_endpoint", s->authorization, e) ||
        !take_endpoint(d, "token_endpoint", s->token, e) || !take_endpoint(d, "jwks_uri", keys, e))
        return false;
    s->takes_post =
        has_word(json_at(&d->root, "token_endpoint_auth_methods_supported"), "client_secret_post");
    if (s->jwks != NULL && strcmp(keys, s->keys) == 0)
        return true;
    if (!jwks_open(keys, &jwks, e))
        return false;
    jwks_close(s->jwks);
    s->jwks = jwks;
    memcpy(s->keys, keys, sizeof keys);
    return true;
}

/* Under the lock. */
static bool find_provider(struct sign_in *s, struct json_reader *json, struct error *e)
{
    int64_t now_us = clock_monotonic_us();
    const char *issuer = s->setting->sign_in.issuer;
    char url[ENDPOINT_MAX + 64];
    struct http_peer peer = {.url = url};
    struct json_document *d;
    bool ok;

    if (s->found_us != 0 && now_us - s->found_us < FOUND_US)
        return true;
    snprintf(url, sizeof url, "%.*s/.well-known/openid-configuration",
             (int)(strlen(issuer) - (issuer[strlen(issuer) - 1] == '/')), issuer);
    if (!ask(&peer, (struct text){NULL, 0}, json, &d, e))
        return false;
    ok = take_configuration(s, d, e);
    json_free(d);
    if (ok)
        s->found_us = now_us;
    return ok;
}

/* ---- what is made from the cookie ---- */

static void derive(const struct sign_in *s, const char *what, struct text cookie,
                   char hex[DIGEST_HEX])
{
    struct digest *d = digest_new();
    uint8_t out[DIGEST_BYTES];

    digest_add(d, s->secret, sizeof s->secret);
    digest_add(d, what, strlen(what) + 1);
    digest_add(d, cookie.bytes, cookie.length);
    digest_add(d, s->secret, sizeof s->secret);
    digest_finish(d, out);
    digest_free(d);
    digest_hex(out, hex);
}

static void add_parameter(struct buffer *out, const char *name, const char *value)
{
    char last = out->length > 0 ? out->bytes[out->length - 1] : 0;

    if (last != 0 && last != '?' && last != '&')
        buffer_add_char(out, '&');
    buffer_format(out, "%s=", name);
    http_path_add(out, text_of(value));
}

static void add_challenge(struct buffer *out, const char *verifier)
{
    uint8_t hash[DIGEST_BYTES];
    struct buffer challenge;

    digest_bytes(verifier, strlen(verifier), hash);
    buffer_init(&challenge, 64);
    base64url_encode(hash, sizeof hash, &challenge);
    add_parameter(out, "code_challenge", buffer_text(&challenge));
    add_parameter(out, "code_challenge_method", "S256");
    buffer_fini(&challenge);
}

bool sign_in_begin(struct sign_in *s, char cookie[SIGN_IN_COOKIE_MAX], struct buffer *url,
                   struct error *e)
{
    struct json_reader *json = json_reader_new();
    char hex[DIGEST_HEX];
    uint8_t random[DIGEST_BYTES];
    bool ok;

    pthread_mutex_lock(&s->lock);
    ok = find_provider(s, json, e);
    if (ok)
        buffer_add_text(url, s->authorization);
    pthread_mutex_unlock(&s->lock);
    json_reader_free(json);
    if (!ok)
        return false;
    random_bytes(random, sizeof random);
    digest_hex(random, hex);
    snprintf(cookie, SIGN_IN_COOKIE_MAX, "%lld.%s", (long long)(clock_monotonic_us() / 1000000),
             hex);
    buffer_add_char(url, memchr(url->bytes, '?', url->length) != NULL ? '&' : '?');
    add_parameter(url, "response_type", "code");
    add_parameter(url, "client_id", s->setting->sign_in.client);
    add_parameter(url, "redirect_uri", s->setting->sign_in.callback);
    add_parameter(url, "scope", s->setting->sign_in.scopes);
    derive(s, "state", text_of(cookie), hex);
    add_parameter(url, "state", hex);
    derive(s, "nonce", text_of(cookie), hex);
    add_parameter(url, "nonce", hex);
    derive(s, "verifier", text_of(cookie), hex);
    add_challenge(url, hex);
    return !url->overflow ||
           error_set(e, ERROR_FULL, "the provider's URL is over %d bytes", SIGN_IN_URL_MAX);
}

/* ---- back from the provider ---- */

static bool cookie_is_fresh(struct text cookie)
{
    const char *dot = memchr(cookie.bytes, '.', cookie.length);
    int64_t begun_s, now_s = clock_monotonic_us() / 1000000;

    return dot != NULL && cookie.length < SIGN_IN_COOKIE_MAX &&
           number_parse_int((struct text){cookie.bytes, (size_t)(dot - cookie.bytes)}, &begun_s) &&
           begun_s <= now_s && now_s - begun_s < SIGN_IN_MINUTES * 60;
}

static bool is_ours(const struct sign_in *s, const struct sign_in_return *r, struct error *e)
{
    char state[DIGEST_HEX];

    if (r->cookie.length == 0 || !cookie_is_fresh(r->cookie))
        return error_set(e, ERROR_INVALID,
                         "this sign-in was not begun here, or over %d minutes ago: begin again at "
                         "/v1/sign-in",
                         SIGN_IN_MINUTES);
    derive(s, "state", r->cookie, state);
    if (r->state == NULL || strlen(r->state) != DIGEST_HEX - 1 ||
        !digest_equal(r->state, state, DIGEST_HEX - 1))
        return error_set(e, ERROR_INVALID, "state is not the one of this browser's sign-in");
    if (r->from != NULL && strcmp(r->from, s->setting->sign_in.issuer) != 0)
        return error_set(e, ERROR_INVALID, "another provider answered (iss)");
    return r->code != NULL || error_set(e, ERROR_INVALID, "the provider gave no code");
}

/* Under the lock: the code for an id token. */
static bool ask_token(struct sign_in *s, const struct sign_in_return *r, struct json_document **d,
                      struct error *e)
{
    const char *secret = s->setting->sign_in.secret;
    struct http_peer peer = {.url = s->token};
    char verifier[DIGEST_HEX];
    struct buffer body, basic;
    bool ok;

    buffer_init(&body, BODY_MAX);
    buffer_init(&basic, BODY_MAX);
    derive(s, "verifier", r->cookie, verifier);
    add_parameter(&body, "grant_type", "authorization_code");
    add_parameter(&body, "code", r->code);
    add_parameter(&body, "redirect_uri", s->setting->sign_in.callback);
    add_parameter(&body, "code_verifier", verifier);
    if (secret == NULL || s->takes_post)
        add_parameter(&body, "client_id", s->setting->sign_in.client);
    if (secret != NULL && s->takes_post) {
        add_parameter(&body, "client_secret", secret);
    } else if (secret != NULL) { /* each part form-encoded: RFC 6749, section 2.3.1 */
        http_path_add(&basic, text_of(s->setting->sign_in.client));
        buffer_add_char(&basic, ':');
        http_path_add(&basic, text_of(secret));
        peer.basic = buffer_text(&basic);
    }
    ok = (!body.overflow || error_set(e, ERROR_INVALID, "the code is too long")) &&
         ask(&peer, (struct text){body.bytes, body.length}, r->json, d, e);
    buffer_fini(&basic);
    buffer_fini(&body);
    return ok;
}

static bool is_for_us(const struct sign_in *s, const struct token_claims *claims, struct error *e)
{
    struct text party = json_text_at(&claims->document->root, "azp");

    return party.length == 0 || text_is(party, s->setting->sign_in.client) ||
           error_set(e, ERROR_INVALID, "the id token was made for another client (azp)");
}

static bool take_token(struct sign_in *s, const struct sign_in_return *r,
                       const struct json_document *d, struct caller *c, struct error *e)
{
    char nonce[DIGEST_HEX], words[ACCESS_WORDS_MAX];
    struct token_rules rules = {.jwks = s->jwks,
                                .issuer = s->setting->sign_in.issuer,
                                .audience = s->setting->sign_in.client,
                                .nonce = nonce,
                                .role_claim = s->setting->sign_in.role_claim,
                                .name_claim = s->setting->sign_in.name_claim,
                                .leeway_us = LEEWAY_S * INT64_C(1000000)};
    struct token_claims claims;
    bool ok;

    derive(s, "nonce", r->cookie, nonce);
    if (!token_check(&rules, json_text_at(&d->root, "id_token"), clock_now_us(), r->json, &claims,
                     words, sizeof words))
        return error_set(e, ERROR_INVALID, "%s", words);
    *c = (struct caller){.kind = CALLER_USER, .roles = access_roles_of(r->access, claims.roles)};
    ok = is_for_us(s, &claims, e) &&
         (snprintf(c->id, sizeof c->id, "oidc:%s", claims.subject) < (int)sizeof c->id ||
          error_set(e, ERROR_INVALID, "the provider's sub is too long")) &&
         (c->roles != 0 || error_set(e, ERROR_INVALID,
                                     "the provider's claim %s gives no role here: see access.roles",
                                     s->setting->sign_in.role_claim));
    memcpy(c->name, claims.name, sizeof c->name);
    tokens_free_claims(&claims);
    return ok;
}

bool sign_in_finish(struct sign_in *s, const struct sign_in_return *r, struct caller *c,
                    struct error *e)
{
    struct json_document *d;
    bool ok;

    if (!is_ours(s, r, e))
        return false;
    pthread_mutex_lock(&s->lock);
    ok = find_provider(s, r->json, e) && ask_token(s, r, &d, e);
    if (ok) {
        ok = take_token(s, r, d, c, e);
        json_free(d);
    }
    pthread_mutex_unlock(&s->lock);
    return ok;
}

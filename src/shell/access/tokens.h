/* JSON Web Tokens (RFC 7519) in compact form: HS256, RS256, ES256; `exp` is required, `nbf`, `iss`
 * and `aud` are held. The algorithm must be that of the key that is configured: `none`, or a public
 * key taken as an HMAC secret, cannot pass. */
#ifndef ASSAY_ACCESS_TOKENS_H
#define ASSAY_ACCESS_TOKENS_H

#include "core/data/json.h"
#include "shell/access/caller.h"
#include "shell/access/jwks.h"
#include "shell/settings/settings.h"

enum { TOKEN_BYTES_MAX = 16 << 10 };

/* What a token must say. */
struct token_rules {
    struct jwks *jwks;
    const char *issuer, *audience;
    const char *nonce; /* NULL: none */
    const char *role_claim, *name_claim;
    int64_t leeway_us;
};

struct token_claims {
    struct json_document *document;
    char subject[CALLER_ID_MAX + 1];
    char name[CALLER_NAME_MAX + 1];
    const struct json *roles; /* the role claim, or NULL */
};

/* False: `words` says why, without anything secret. On true the claims are the caller's to free. */
bool token_check(const struct token_rules *rules, struct text token, int64_t now_us,
                 struct json_reader *json, struct token_claims *claims, char *words,
                 size_t words_bytes) MUST_USE;
void tokens_free_claims(struct token_claims *c);

/* Those of access.jwt. *t is NULL where there is no such section. */
struct tokens;
bool tokens_open(const struct access_setting *s, const char *directory, struct tokens **t,
                 struct error *e) MUST_USE;
void tokens_close(struct tokens *t); /* takes NULL */
bool tokens_check(struct tokens *t, struct text token, int64_t now_us, struct json_reader *json,
                  struct token_claims *claims, char *words, size_t words_bytes) MUST_USE;

#endif

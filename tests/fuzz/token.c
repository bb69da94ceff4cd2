/* JSON Web Tokens: any bytes as a token, which must not pass; and as the claims of one that is
 * rightly signed, which pass only where they say all that they must. */
#include <stdio.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/panic.h"
#include "shell/access/base64.h"
#include "shell/access/tokens.h"
#include "shell/os/digest.h"

enum { BLOCK = 64, WORDS = 256 };

static const char secret[BLOCK + 1] = "0123456789abcdef0123456789abcdef";

/* RFC 2104, for a secret that is shorter than a block. */
static void sign(const char *bytes, size_t length, uint8_t mac[DIGEST_BYTES])
{
    char *inner = mem_alloc(BLOCK + length), outer[BLOCK + DIGEST_BYTES];

    for (int i = 0; i < BLOCK; i++) {
        inner[i] = (char)(secret[i] ^ 0x36);
        outer[i] = (char)(secret[i] ^ 0x5c);
    }
    memcpy(inner + BLOCK, bytes, length);
    digest_bytes(inner, BLOCK + length, (uint8_t *)outer + BLOCK);
    digest_bytes(outer, sizeof outer, mac);
    mem_free(inner);
}

static bool check(const struct token_rules *rules, struct json_reader *json, struct text token)
{
    struct token_claims claims;
    char words[WORDS];

    if (!token_check(rules, token, INT64_C(1600000000000000), json, &claims, words, sizeof words)) {
        ASSERT(memchr(words, 0, sizeof words) != NULL && strstr(words, secret) == NULL);
        return false;
    }
    ASSERT(claims.subject[0] != 0);
    tokens_free_claims(&claims);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const char head[] = "{\"alg\":\"HS256\"}";
    struct jwks *jwks = jwks_of_secret(text_of(secret));
    struct json_reader *json = json_reader_new();
    struct token_rules rules = {.jwks = jwks,
                                .issuer = "i",
                                .audience = "a",
                                .role_claim = "realm.roles",
                                .name_claim = "name"};
    uint8_t mac[DIGEST_BYTES];
    struct buffer token;

    ASSERT(!check(&rules, json, (struct text){(const char *)bytes, length}));
    buffer_init(&token, 4 * TOKEN_BYTES_MAX);
    base64url_encode(head, sizeof head - 1, &token);
    buffer_add_char(&token, '.');
    base64url_encode(bytes, length, &token);
    sign(token.bytes, token.length, mac);
    buffer_add_char(&token, '.');
    base64url_encode(mac, sizeof mac, &token);
    if (check(&rules, json, (struct text){token.bytes, token.length})) {
        token.bytes[token.length - 43] ^= 1; /* the same with another signature does not */
        ASSERT(!check(&rules, json, (struct text){token.bytes, token.length}));
    }
    buffer_fini(&token);
    json_reader_free(json);
    jwks_close(jwks);
    return 0;
}

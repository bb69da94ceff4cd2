/* Sign-in of people by OpenID Connect: the authorization code flow with PKCE, state and nonce.
 *
 *   sign_in_begin   the provider's URL, and a cookie with a random text that the browser keeps
 *   (the browser goes to the provider and comes back with a code and the state)
 *   sign_in_finish  the code becomes an id token, and that a caller
 *
 * State, nonce and PKCE verifier are made from the cookie's text and a secret of this process, so
 * nothing is kept between the two, and nobody can fill a table: who comes back without the cookie
 * that this server gave, or later than SIGN_IN_MINUTES, is refused.
 *
 * Both ask the provider and so may wait: for desks. The provider's addresses are found at its
 * /.well-known/openid-configuration, and again every hour. */
#ifndef ASSAY_ACCESS_SIGN_IN_H
#define ASSAY_ACCESS_SIGN_IN_H

#include "shell/access/access.h"

enum { SIGN_IN_MINUTES = 10, SIGN_IN_COOKIE_MAX = 96, SIGN_IN_URL_MAX = 4096 };

#define SIGN_IN_COOKIE "assay_sign_in"

struct sign_in;
/* *s is NULL where the settings have no access.sign_in. */
bool sign_in_open(const struct access_setting *setting, struct sign_in **s,
                  struct error *e) MUST_USE;
void sign_in_close(struct sign_in *s); /* takes NULL */

bool sign_in_begin(struct sign_in *s, char cookie[SIGN_IN_COOKIE_MAX], struct buffer *url,
                   struct error *e) MUST_USE;

struct sign_in_return {
    struct text cookie;              /* that sign_in_begin gave */
    const char *state, *code, *from; /* query parameters state, code, iss; or NULL */
    struct json_reader *json;
    const struct access *access; /* for the roles of the claims */
};

/* ERROR_INVALID: refused; ERROR_WORLD: the provider did not answer as it should. */
bool sign_in_finish(struct sign_in *s, const struct sign_in_return *r, struct caller *c,
                    struct error *e) MUST_USE;

#endif

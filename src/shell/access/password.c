#include "shell/access/password.h"

#include <pthread.h>
#include <sodium.h>

_Static_assert(PASSWORD_HASH_MAX >= crypto_pwhash_STRBYTES, "a hash's text fits");

static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
static char nobodys[PASSWORD_HASH_MAX]; /* of a password that is not known; under `one` */

static bool make(const char *password, size_t length, char hash[PASSWORD_HASH_MAX])
{
    return sodium_init() >= 0 &&
           crypto_pwhash_str(hash, password, length, crypto_pwhash_OPSLIMIT_INTERACTIVE,
                             crypto_pwhash_MEMLIMIT_INTERACTIVE) == 0;
}

bool password_hash(struct text password, char hash[PASSWORD_HASH_MAX], struct error *e)
{
    bool ok;

    if (password.length < PASSWORD_LEAST || password.length > PASSWORD_MOST)
        return error_set(e, ERROR_INVALID, "password: expected %d to %d bytes", PASSWORD_LEAST,
                         PASSWORD_MOST);
    pthread_mutex_lock(&one);
    ok = make(password.bytes, password.length, hash);
    pthread_mutex_unlock(&one);
    return ok || error_set(e, ERROR_FULL, "no memory to hash a password");
}

bool password_matches(struct text password, const char *hash)
{
    bool is_nobody = hash[0] == 0, ok;

    if (password.length > PASSWORD_MOST)
        return false;
    pthread_mutex_lock(&one);
    if (is_nobody && nobodys[0] == 0 && !make("-", 1, nobodys))
        nobodys[0] = 0;
    ok = sodium_init() >= 0 &&
         crypto_pwhash_str_verify(is_nobody ? nobodys : hash, password.bytes, password.length) == 0;
    pthread_mutex_unlock(&one);
    return ok && !is_nobody;
}

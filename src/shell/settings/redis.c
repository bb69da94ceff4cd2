/* What is made of the settings of Redis by those who share something there. */
#include <stdio.h>
#include <string.h>

#include "shell/os/digest.h"
#include "shell/settings/settings.h"

void settings_redis_prefix(const struct settings *s, char out[SETTINGS_PREFIX_MAX + 1])
{
    if (s->redis.prefix != NULL)
        snprintf(out, SETTINGS_PREFIX_MAX + 1, "%s", s->redis.prefix);
    else
        snprintf(out, SETTINGS_PREFIX_MAX + 1, "assay:%.*s", SETTINGS_PREFIX_MAX - 6, s->name);
}

struct hash_key settings_redis_key(const struct settings *s)
{
    char prefix[SETTINGS_PREFIX_MAX + 1];
    uint8_t digest[DIGEST_BYTES];
    struct hash_key key;
    const char *secret = s->redis.secret;

    settings_redis_prefix(s, prefix);
    if (secret == NULL)
        secret = prefix;
    digest_bytes(secret, strlen(secret), digest);
    memcpy(&key, digest, sizeof key);
    return key;
}

#include "shell/run/token_key.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include "shell/os/digest.h"
#include "shell/os/file.h"

enum { KEY_TEXT = 32 }; /* hex digits */

static bool parse(const struct buffer *text, struct hash_key *key)
{
    char digits[KEY_TEXT + 1];
    int used = 0;

    if (text->length < KEY_TEXT)
        return false;
    memcpy(digits, text->bytes, KEY_TEXT);
    digits[KEY_TEXT] = 0;
    return sscanf(digits, "%16" SCNx64 "%16" SCNx64 "%n", &key->k0, &key->k1, &used) == 2 &&
           used == KEY_TEXT;
}

static bool make_key(const char *shard_directory, const char *path, struct hash_key *key,
                     struct error *e)
{
    char digits[KEY_TEXT + 2];

    random_bytes(key, sizeof *key);
    snprintf(digits, sizeof digits, "%016" PRIx64 "%016" PRIx64 "\n", key->k0, key->k1);
    return file_make_directories(shard_directory, 0700, e) &&
           file_write(path, digits, KEY_TEXT + 1, 0600, e);
}

bool token_key_load(const char *shard_directory, bool make, struct hash_key *key, struct error *e)
{
    char path[PATH_MAX];
    struct buffer text;
    bool ok = true;

    snprintf(path, sizeof path, "%s/token.key", shard_directory);
    *key = (struct hash_key){0};
    if (!file_exists(path))
        return !make || make_key(shard_directory, path, key, e);
    buffer_init(&text, 256);
    ok =
        file_read(path, &text, e) &&
        (parse(&text, key) ||
         error_set(
             e, ERROR_INVALID,
             "%s: expected 32 hexadecimal digits; hint: restore it from a backup, or remove it and "
             "the snapshots: the state is then rebuilt from the log",
             path));
    buffer_fini(&text);
    return ok;
}

#include "shell/audit/checkpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/calendar.h"
#include "core/base/memory.h"
#include "core/data/json_at.h"
#include "shell/audit/kinds.h"
#include "shell/os/file.h"

static const char *const names[] = {"decisions", "control", "audit"};

enum { LOGS = sizeof names / sizeof *names };

const char *checkpoint_log_name(enum checkpoint_log log)
{
    return names[log];
}

/* ---- keys */

bool checkpoint_key_path(const char *data_directory, const char *setting, const char *directory,
                         char path[CHECKPOINT_PATH_MAX], struct error *e)
{
    int n;

    if (setting == NULL)
        n = snprintf(path, CHECKPOINT_PATH_MAX, "%s/checkpoint.key", data_directory);
    else if (setting[0] == '/' || directory == NULL)
        n = snprintf(path, CHECKPOINT_PATH_MAX, "%s", setting);
    else
        n = snprintf(path, CHECKPOINT_PATH_MAX, "%s/%s", directory, setting);
    return (n > 0 && n < CHECKPOINT_PATH_MAX) ||
           error_set(e, ERROR_INVALID, "path of the checkpoint key is over %d bytes",
                     CHECKPOINT_PATH_MAX - 1);
}

/* The public half first: a private key without it could not be told from one that is in use. */
static bool make_key(const char *path, struct signature_key **k, struct error *e)
{
    struct signature_key *made = signing_key_new();
    char public[CHECKPOINT_PATH_MAX + 8];
    struct buffer pem;
    bool ok;

    snprintf(public, sizeof public, "%s.pub", path);
    buffer_init(&pem, SIGNATURE_PEM_MAX);
    public_key_write(made, &pem);
    ok = file_write(public, pem.bytes, pem.length, 0644, e);
    buffer_clear(&pem);
    signing_key_write(made, &pem);
    ok = ok && file_write(path, pem.bytes, pem.length, 0600, e);
    memset(pem.bytes, 0, pem.length);
    buffer_fini(&pem);
    if (ok)
        *k = made;
    else
        signature_key_free(made);
    return ok;
}

static bool is_private(const char *path, struct error *e)
{
    struct stat st;

    if (stat(path, &st) != 0 || (st.st_mode & 077) == 0)
        return true;
    return error_set(e, ERROR_INVALID,
                     "%s: others may read the key that signs checkpoints (mode %03o); hint: chmod "
                     "600, and make a new key if they did",
                     path, (unsigned)st.st_mode & 0777);
}

bool checkpoint_key_open(const char *path, bool make, struct signature_key **k, struct error *e)
{
    struct buffer pem;
    bool ok;

    if (make && !file_exists(path))
        return make_key(path, k, e);
    if (!is_private(path, e))
        return false;
    buffer_init(&pem, SIGNATURE_PEM_MAX);
    ok =
        file_read(path, &pem, e) && (signing_key_read((struct text){pem.bytes, pem.length}, k, e) ||
                                     error_prefix(e, "%s", path));
    if (pem.bytes != NULL)
        memset(pem.bytes, 0, pem.length);
    buffer_fini(&pem);
    return ok;
}

bool checkpoint_public_open(const char *path, struct signature_key **k, struct error *e)
{
    struct buffer pem;
    bool ok;

    buffer_init(&pem, SIGNATURE_PEM_MAX);
    ok = file_read(path, &pem, e) && (public_key_read((struct text){pem.bytes, pem.length}, k, e) ||
                                      error_prefix(e, "%s", path));
    buffer_fini(&pem);
    return ok;
}

void checkpoint_key_id(const struct signature_key *k, char id[CHECKPOINT_KEY_ID + 1])
{
    uint8_t bytes[SIGNATURE_ED25519_KEY], digest[DIGEST_BYTES];
    char hex[DIGEST_HEX];

    public_key_bytes(k, bytes);
    digest_bytes(bytes, sizeof bytes, digest);
    digest_hex(digest, hex);
    memcpy(id, hex, CHECKPOINT_KEY_ID);
    id[CHECKPOINT_KEY_ID] = 0;
}

/* ---- signing */

static size_t signed_bytes(const struct checkpoint *c, char out[CHECKPOINT_TEXT_MAX])
{
    char hex[DIGEST_HEX], at[TIME_TEXT_MAX];

    digest_hex(c->chain, hex);
    time_format(c->at_us, at);
    return (size_t)snprintf(out, CHECKPOINT_TEXT_MAX,
                            "assay checkpoint 1\n%s\n%" PRIu32 "\n%" PRIu64 "\n%s\n%s\n%s\n",
                            names[c->log], c->shard, c->seq, hex, at, c->key);
}

void checkpoint_sign(struct checkpoint *c, const struct signature_key *k)
{
    char bytes[CHECKPOINT_TEXT_MAX];

    checkpoint_key_id(k, c->key);
    signature_make(k, (struct text){bytes, signed_bytes(c, bytes)}, c->signature);
}

bool checkpoint_holds(const struct checkpoint *c, const struct signature_key *k)
{
    char bytes[CHECKPOINT_TEXT_MAX], id[CHECKPOINT_KEY_ID + 1];

    checkpoint_key_id(k, id);
    return strcmp(id, c->key) == 0 &&
           signature_holds(k, (struct text){bytes, signed_bytes(c, bytes)},
                           (struct text){(const char *)c->signature, sizeof c->signature});
}

/* ---- as JSON */

void checkpoint_format(const struct checkpoint *c, struct buffer *out)
{
    char hex[DIGEST_HEX], at[TIME_TEXT_MAX];

    digest_hex(c->chain, hex);
    time_format(c->at_us, at);
    buffer_format(out,
                  "{\"log\":\"%s\",\"shard\":%" PRIu32 ",\"seq\":%" PRIu64
                  ",\"chain\":\"%s\",\"at\":\"%s\",\"key\":\"%s\",\"signature\":\"",
                  names[c->log], c->shard, c->seq, hex, at, c->key);
    digest_hex(c->signature, hex);
    buffer_add_text(out, hex);
    digest_hex(c->signature + DIGEST_BYTES, hex);
    buffer_format(out, "%s\"}", hex);
}

static bool take_signature(struct text hex, uint8_t out[SIGNATURE_ED25519_BYTES])
{
    return hex.length == 4 * (size_t)DIGEST_BYTES &&
           digest_unhex((struct text){hex.bytes, 2 * DIGEST_BYTES}, out) &&
           digest_unhex((struct text){hex.bytes + 2 * DIGEST_BYTES, 2 * DIGEST_BYTES},
                        out + DIGEST_BYTES);
}

bool checkpoint_parse(const struct json *v, struct checkpoint *c, struct error *e)
{
    struct text log = json_text_at(v, "log"), key = json_text_at(v, "key");
    unsigned i = 0;

    while (i < LOGS && !text_is(log, names[i]))
        i++;
    *c = (struct checkpoint){.log = (enum checkpoint_log)i,
                             .shard = (uint32_t)json_count_at(v, "shard"),
                             .seq = json_count_at(v, "seq")};
    if (i == LOGS || key.length != CHECKPOINT_KEY_ID ||
        !digest_unhex(json_text_at(v, "chain"), c->chain) ||
        !time_parse(json_text_at(v, "at"), TIME_ISO, &c->at_us) ||
        !take_signature(json_text_at(v, "signature"), c->signature))
        return error_set(e, ERROR_INVALID, "no checkpoint of a log");
    memcpy(c->key, key.bytes, CHECKPOINT_KEY_ID);
    return true;
}

static bool take_line(struct json_reader *json, struct text line, struct checkpoint *c,
                      struct error *e)
{
    struct json_document *d = json_parse(json, line.bytes, line.length, e);
    bool ok = d != NULL && checkpoint_parse(&d->root, c, e);

    json_free(d);
    return ok;
}

static bool take_lines(const char *path, struct text all, struct checkpoint **list, size_t *count,
                       struct error *e)
{
    struct json_reader *json = json_reader_new();
    size_t room = 0, number = 0;
    bool ok = true;

    while (ok && all.length > 0) {
        const char *end = memchr(all.bytes, '\n', all.length);
        size_t length = end != NULL ? (size_t)(end - all.bytes) : all.length;
        struct text line = text_trim((struct text){all.bytes, length});

        number++;
        all.bytes += length + (end != NULL);
        all.length -= length + (end != NULL);
        if (line.length == 0)
            continue;
        if (*count == CHECKPOINTS_MAX) {
            ok = error_set(e, ERROR_INVALID, "%s: over %d checkpoints", path, CHECKPOINTS_MAX);
            break;
        }
        if (*count == room) {
            room = room == 0 ? 16 : room * 2;
            *list = mem_resize(*list, room, sizeof **list);
        }
        ok = take_line(json, line, &(*list)[(*count)++], e) ||
             error_prefix(e, "%s: line %zu", path, number);
    }
    json_reader_free(json);
    return ok;
}

bool checkpoints_read(const char *path, struct checkpoint **list, size_t *count, struct error *e)
{
    struct buffer bytes;
    bool ok;

    *list = NULL;
    *count = 0;
    buffer_init(&bytes, CHECKPOINT_FILE_MAX);
    ok = file_read(path, &bytes, e) &&
         take_lines(path, (struct text){bytes.bytes, bytes.length}, list, count, e);
    buffer_fini(&bytes);
    if (ok)
        return true;
    mem_free(*list);
    *list = NULL;
    return false;
}

bool checkpoint_record(struct control *control, const struct checkpoint *c, struct error *e)
{
    struct control_change change = {.kind = text_of(AUDIT_CHECKPOINT),
                                    .actor = {text_of("system"), text_of("assay"), text_of("")},
                                    .subject = text_of("log/shard-0")};
    struct buffer data;
    bool ok;

    buffer_init(&data, CHECKPOINT_TEXT_MAX);
    checkpoint_format(c, &data);
    change.data = (struct text){data.bytes, data.length};
    ok = control_append(control, &change, NULL, e);
    buffer_fini(&data);
    return ok;
}

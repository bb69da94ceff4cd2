/* Signed checkpoints: what a log held at a moment, by the key of this data directory (Ed25519).
 *
 *   {"log":"decisions","shard":0,"seq":1200,"chain":"<64 hex>","at":"2026-05-04T10:00:00Z",
 *    "key":"<16 hex>","signature":"<128 hex>"}
 *
 * signed over these lines, each ended by a line feed:
 *   assay checkpoint 1 | log | shard | seq | chain | at | key
 *
 * A chain of SHA-256 needs no secret: whoever can write the files can make another one that fits in
 * itself, or cut its end off. A checkpoint that was kept where they cannot write tells.
 *
 * `log` is "decisions", "control", or "audit" (the lines of an export; chain is their SHA-256).
 */
#ifndef ASSAY_AUDIT_CHECKPOINT_H
#define ASSAY_AUDIT_CHECKPOINT_H

#include "core/data/json.h"
#include "shell/control/control.h"
#include "shell/os/digest.h"
#include "shell/os/signature.h"

enum {
    CHECKPOINT_PATH_MAX = 4096,
    CHECKPOINT_KEY_ID = 16, /* hex digits: of the SHA-256 of the public key */
    CHECKPOINT_TEXT_MAX = 1024,
    CHECKPOINTS_MAX = 1000000, /* of one file */
    CHECKPOINT_FILE_MAX = 512 << 20,
};

enum checkpoint_log { CHECKPOINT_DECISIONS, CHECKPOINT_CONTROL, CHECKPOINT_AUDIT };

const char *checkpoint_log_name(enum checkpoint_log log);

struct checkpoint {
    enum checkpoint_log log;
    uint32_t shard;
    uint64_t seq;
    uint8_t chain[DIGEST_BYTES];
    int64_t at_us;
    char key[CHECKPOINT_KEY_ID + 1];
    uint8_t signature[SIGNATURE_ED25519_BYTES];
};

/* The private key, read or, where there is none and `make`, made (mode 0600) with its public half
 * beside it (<path>.pub, for auditors). ERROR_INVALID where others may read the file. */
bool checkpoint_key_open(const char *path, bool make, struct signature_key **k,
                         struct error *e) MUST_USE;
/* <data directory>/checkpoint.key, or `setting` (relative to `directory`, or NULL). */
bool checkpoint_key_path(const char *data_directory, const char *setting, const char *directory,
                         char path[CHECKPOINT_PATH_MAX], struct error *e) MUST_USE;
/* A public key from its file. */
bool checkpoint_public_open(const char *path, struct signature_key **k, struct error *e) MUST_USE;
void checkpoint_key_id(const struct signature_key *k, char id[CHECKPOINT_KEY_ID + 1]);

/* Sets key and signature. */
void checkpoint_sign(struct checkpoint *c, const struct signature_key *k);
/* By this key, and just as it was signed. */
bool checkpoint_holds(const struct checkpoint *c, const struct signature_key *k) MUST_USE;

void checkpoint_format(const struct checkpoint *c, struct buffer *out); /* JSON, without line end */
bool checkpoint_parse(const struct json *v, struct checkpoint *c, struct error *e) MUST_USE;

/* As a record of the control log (kinds.h). */
bool checkpoint_record(struct control *control, const struct checkpoint *c,
                       struct error *e) MUST_USE;

/* The checkpoints of a file, one a line; lines that are none are refused. mem_free. */
bool checkpoints_read(const char *path, struct checkpoint **c, size_t *count,
                      struct error *e) MUST_USE;

#endif

/* API keys: "ask_<id>_<secret>", id 12 and secret 64 hex digits. The secret is 256 random bits,
 * shown once when the key is made or rotated; the control log keeps its SHA-256 (a random secret
 * needs no slow hash). The id is no secret: it names the key in lists, audit and commands.
 *
 * A fold of the control log ("key."). keys_check takes no lock: keys are added to a table that is
 * replaced when it grows, a key's state is replaced as a whole, and nothing is freed before
 * keys_free; so a pointer once read stays good. Changes are rare, and the log holds them anyway. */
#ifndef ASSAY_ACCESS_KEYS_H
#define ASSAY_ACCESS_KEYS_H

#include "shell/access/role.h"
#include "shell/control/control.h"

enum {
    KEY_ID_BYTES = 12,
    KEY_SECRET_BYTES = 32,
    KEY_TEXT_BYTES = 4 + KEY_ID_BYTES + 1 + 2 * KEY_SECRET_BYTES, /* without the final zero */
    KEY_NAME_MAX = 64,
    KEYS_MAX = 100000,
};

#define KEY_PREFIX        "ask_"
#define KEY_GRACE_MAX_US  (INT64_C(30) * 86400000000)
#define KEY_GRACE_US      INT64_C(86400000000) /* of a rotation, where none is said */
#define KEY_NEVER_EXPIRES INT64_MAX

struct key {
    char id[KEY_ID_BYTES + 1];
    char name[KEY_NAME_MAX + 1];
    unsigned roles;
};

enum key_verdict { KEY_GOOD, KEY_UNKNOWN, KEY_EXPIRED, KEY_REVOKED };

struct keys;
struct keys *keys_new(void);
void keys_free(struct keys *k);
struct control_fold keys_fold(struct keys *k);

unsigned keys_count(const struct keys *k); /* that were ever made */
/* A key other than this one (an id, or empty) has it, and is in force at that time. */
bool keys_has_role(struct keys *k, unsigned role, struct text except, int64_t at_us);

/* Whether the text is one of ours by its form; the rest of it decides keys_check. */
bool key_is_form(struct text t);
/* *key: KEY_GOOD; *is_first: it was not used since this process began. */
enum key_verdict keys_check(struct keys *k, struct text t, int64_t now_us, const struct key **key,
                            bool *is_first);

/* Of a key by its id: false where it is unknown, revoked or expired. The mark is another one once
 * its secret was rotated. */
bool keys_in_force(struct keys *k, struct text id, int64_t now_us, unsigned *roles, uint64_t *mark);

bool keys_lasts(struct keys *k, struct text id); /* a key of this id that does not expire */

/* What a record of the control log is about: "key/<id>", or empty. */
struct text key_id_in(const struct control_record *r);

/* Changes: `by` has actor, request, address and note. The new key's text is in `text`. */
struct key_request {
    struct text name;
    unsigned roles;
    int64_t expires_us; /* or KEY_NEVER_EXPIRES */
};

bool keys_create(struct control *c, const struct key_request *r, const struct control_change *by,
                 char text[KEY_TEXT_BYTES + 1], struct error *e) MUST_USE;
/* The old secret is good for so much longer. ERROR_NOT_FOUND. */
bool keys_rotate(struct control *c, struct text id, int64_t grace_us,
                 const struct control_change *by, char text[KEY_TEXT_BYTES + 1],
                 struct error *e) MUST_USE;
bool keys_revoke(struct control *c, struct text id, const struct control_change *by,
                 struct error *e) MUST_USE;

/* A JSON array of all keys, oldest first, without anything secret; or one, false: there is none. */
void keys_format(struct keys *k, int64_t now_us, struct buffer *out);
bool keys_format_one(struct keys *k, struct text id, int64_t now_us, struct buffer *out) MUST_USE;

#endif

/* A change as JSON, the body of a control record; empty members are left out:
 *
 *   {"kind": "key.created",
 *    "actor": {"kind": "user", "id": "ann", "name": "Ann Lee"},
 *    "request": "0198...", "address": "10.0.0.7",
 *    "subject": "key/ask_3f9a", "data": {...}, "secret": {...}, "note": "...", "forced": true}
 *
 * `data` is what changed, for anybody who may read the audit; `secret` (a password's hash) is only
 * for the module that owns the kind: whoever shows or exports changes leaves it out. */
#ifndef ASSAY_CONTROL_CHANGE_H
#define ASSAY_CONTROL_CHANGE_H

#include "core/base/buffer.h"
#include "core/data/json.h"

enum { /* bytes */
       CONTROL_KIND_MAX = 64,
       CONTROL_ACTOR_KIND_MAX = 32,
       CONTROL_ACTOR_ID_MAX = 256,
       CONTROL_ACTOR_NAME_MAX = 256,
       CONTROL_REQUEST_MAX = 128,
       CONTROL_ADDRESS_MAX = 64,
       CONTROL_SUBJECT_MAX = 512,
       CONTROL_NOTE_MAX = 4096,
       CONTROL_DATA_MAX = 512 << 10,
       CONTROL_SECRET_MAX = 4096,
       CONTROL_BODY_MAX = 1 << 20,
};

/* Who: kind is "user", "key", "token" (a JWT), "system", "console" (the command line on the data
 * directory) or "nobody"; id is lasting, name is for people. */
struct control_actor {
    struct text kind, id, name;
};

struct control_change {
    struct text
        kind; /* "key.created": a-z, 0-9, "_" and "."; what it is about, then what happened */
    struct control_actor actor;
    struct text request; /* the request's id */
    struct text address; /* of the caller */
    struct text subject; /* what changed: "key/ask_3f9a", "user/ann", "rule/big_amount" */
    struct text note;    /* why, in the caller's words */
    struct text data;    /* a JSON object, or empty */
    struct text secret;  /* a JSON object, or empty */
    bool is_forced;      /* whoever asks knows what a check would warn of */
};

/* All but data and secret, which change_parse holds: lengths, UTF-8, the kind's form. */
bool change_check(const struct control_change *change, struct error *e) MUST_USE;
void change_format(const struct control_change *change, struct buffer *out);
/* The slices are the document's. */
bool change_parse(const struct json_document *d, struct control_change *change,
                  const struct json **data, const struct json **secret, struct error *e) MUST_USE;

#endif

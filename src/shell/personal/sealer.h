/* The sealed part of a record: its personal values under the key of the person they are of.
 *
 *   u8 form        1
 *   u64 entry      of the key file
 *   12 bytes nonce, ciphertext, 16 bytes tag: AES-256-GCM
 *
 * The record's number and the first nine bytes are held by the tag too, so a sealed part cannot be
 * moved to another record. One thread each; what it keeps of keys is bounded. */
#ifndef ASSAY_PERSONAL_SEALER_H
#define ASSAY_PERSONAL_SEALER_H

#include "core/base/buffer.h"
#include "shell/personal/keys.h"

enum { SEALED_OVERHEAD = 9 + CIPHER_OVERHEAD };

struct sealer;

struct sealer *sealer_new(struct subject_keys *keys); /* borrowed */
void sealer_free(struct sealer *s);                   /* takes NULL */

/* A key to seal with: taken first, where that may fail, used later, where nothing may. */
struct held_key {
    uint64_t entry;
    uint8_t key[CIPHER_KEY_BYTES];
};

/* The subject's, made where there is none. */
bool sealer_hold(struct sealer *s, struct hash128 subject, struct held_key *h,
                 struct error *e) MUST_USE;
/* That of another record's sealed part; *is_erased: there is none any more. */
bool sealer_hold_of(struct sealer *s, struct text sealed, struct held_key *h, bool *is_erased,
                    struct error *e) MUST_USE;
/* Appends the sealed part of record `seq`: personal.length + SEALED_OVERHEAD bytes, for which the
 * buffer must have room. */
void sealer_seal(struct sealer *s, const struct held_key *h, uint64_t seq, struct text personal,
                 struct buffer *out);
/* Appends the personal values of record `seq`; *is_erased: there are none any more. ERROR_INVALID
 * where the part is damaged or the key file is not the one it was sealed by. */
bool sealer_open(struct sealer *s, struct text sealed, uint64_t seq, struct buffer *personal,
                 bool *is_erased, struct error *e) MUST_USE;

#endif

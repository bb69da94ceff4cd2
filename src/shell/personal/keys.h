/* The keys of persons: one of 32 random bytes for each subject whose personal fields the log holds,
 * in <data directory>/control/subject.keys. Destroying a subject's key erases what was sealed under
 * it, everywhere in the log, while the log's chain still holds.
 *
 * The file, little-endian:
 *
 *   head, HEAD_BYTES: "ASSAYSUB", u32 version 1, u32 length of the path of the master key, the
 *                     sealed key of the tokens (44 bytes), the path
 *   entries, 80 bytes each, number 0 first:
 *     u32 state       1 live, 2 erased (all else is zeros), 0 void (a crash left it; never used)
 *     16 bytes token  of the subject, keyed: nobody without the master key can tell whose it is
 *     60 bytes        its key, sealed under the master key: nonce, ciphertext, tag
 *
 * An entry's number is never used again: sealed parts name it. The master key is 64 hexadecimal
 * digits in a file that only its owner may read: control/master.key, made at the first use, or the
 * one that the settings name, whose path the head keeps, so that whoever reads the log finds it.
 *
 * A new key is known at once and on the disk after subject_keys_sync, which the shard calls before
 * it commits the records that use it. Erasing writes zeros over the entry, syncs, and then writes
 * the whole file anew.
 *
 * Threads: any. One process at a time opens it for writing; readers beside it see what it adds and
 * what it erases. In memory: 24 bytes a subject. */
#ifndef ASSAY_PERSONAL_KEYS_H
#define ASSAY_PERSONAL_KEYS_H

#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/base/text.h"
#include "shell/personal/cipher.h"

enum { SUBJECTS_MAX = 1 << 27, SUBJECT_KIND_MAX = 128 };

struct subject_keys;

enum subject_keys_mode { SUBJECT_KEYS_READ, SUBJECT_KEYS_WRITE };

/* `control` is the directory. Writing: made where there is none; `master` is the path of the master
 * key's file, NULL: as it was, at first control/master.key. Reading: ERROR_NOT_FOUND where there is
 * none. ERROR_INVALID: damaged, or not of this master key. */
bool subject_keys_open(const char *control, enum subject_keys_mode mode, const char *master,
                       struct subject_keys **k, struct error *e) MUST_USE;
void subject_keys_close(struct subject_keys *k); /* takes NULL */
bool subject_keys_exist(const char *control);

/* The token of a subject: its kind ("customer") and its id as text. */
struct hash128 subject_token(const struct subject_keys *k, struct text kind, struct text id);

/* The entry of a token and its key; made where there is none (writing only). ERROR_NOT_FOUND
 * without `makes`, ERROR_FULL at SUBJECTS_MAX. */
bool subject_keys_find(struct subject_keys *k, struct hash128 token, bool makes, uint64_t *entry,
                       uint8_t key[CIPHER_KEY_BYTES], struct error *e) MUST_USE;
/* The key of an entry; *is_erased: there is none any more. */
bool subject_keys_get(struct subject_keys *k, uint64_t entry, uint8_t key[CIPHER_KEY_BYTES],
                      bool *is_erased, struct error *e) MUST_USE;
/* All keys made so far are on the disk when it returns; nothing to do costs nothing. */
bool subject_keys_sync(struct subject_keys *k, struct error *e) MUST_USE;
/* Durable when it returns. *found: there was a key. */
bool subject_keys_erase(struct subject_keys *k, struct hash128 token, bool *found,
                        struct error *e) MUST_USE;
/* Goes up with each erasure: who keeps keys drops them then. Costs no lock. */
unsigned subject_keys_erasures(const struct subject_keys *k);

struct subject_counts {
    uint64_t live, erased;
};

void subject_keys_count(struct subject_keys *k, struct subject_counts *c);

#endif

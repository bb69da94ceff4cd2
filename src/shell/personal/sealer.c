#include "shell/personal/sealer.h"

#include <string.h>

#include "core/base/memory.h"
#include "core/base/panic.h"

enum { FORM = 1, HEAD = 9, BESIDE = HEAD + 8, KNOWN = 4096 };

/* Keys in use, each at a place that its token or entry says; who comes later takes the place. */
struct known_subject {
    bool is_known;
    struct hash128 token;
    struct held_key held;
};

struct known_entry {
    bool is_known;
    uint64_t entry;
    uint8_t key[CIPHER_KEY_BYTES];
};

struct sealer {
    struct subject_keys *keys;
    struct cipher *cipher;
    unsigned erasures; /* as of which the known are good */
    struct known_subject subject[KNOWN];
    struct known_entry entry[KNOWN];
};

struct sealer *sealer_new(struct subject_keys *keys)
{
    struct sealer *s = mem_alloc(sizeof *s);

    s->keys = keys;
    s->cipher = cipher_new();
    s->erasures = subject_keys_erasures(keys);
    return s;
}

void sealer_free(struct sealer *s)
{
    if (s == NULL)
        return;
    cipher_free(s->cipher);
    cipher_forget(s, sizeof *s);
    mem_free(s);
}

static void forget_erased(struct sealer *s)
{
    unsigned now = subject_keys_erasures(s->keys);

    if (now == s->erasures)
        return;
    s->erasures = now;
    cipher_forget(s->subject, sizeof s->subject);
    cipher_forget(s->entry, sizeof s->entry);
}

static void put_head(uint8_t beside[BESIDE], uint64_t entry, uint64_t seq)
{
    beside[0] = FORM;
    for (int i = 0; i < 8; i++) {
        beside[1 + i] = (uint8_t)(entry >> (8 * i));
        beside[HEAD + i] = (uint8_t)(seq >> (8 * i));
    }
}

void sealer_seal(struct sealer *s, const struct held_key *h, uint64_t seq, struct text personal,
                 struct buffer *out)
{
    size_t length = personal.length + SEALED_OVERHEAD;
    uint8_t beside[BESIDE];
    char *at = buffer_reserve(out, length);

    ASSERT(at != NULL);
    put_head(beside, h->entry, seq);
    memcpy(at, beside, HEAD);
    cipher_seal(s->cipher, h->key, (struct text){(const char *)beside, sizeof beside}, personal,
                (uint8_t *)at + HEAD);
    out->length += length;
}

bool sealer_hold(struct sealer *s, struct hash128 subject, struct held_key *h, struct error *e)
{
    struct known_subject *k = &s->subject[subject.low % KNOWN];

    forget_erased(s);
    if (!k->is_known || k->token.low != subject.low || k->token.high != subject.high) {
        k->is_known = subject_keys_find(s->keys, subject, true, &k->held.entry, k->held.key, e);
        if (!k->is_known)
            return false;
        k->token = subject;
    }
    *h = k->held;
    return true;
}

static bool key_of(struct sealer *s, uint64_t entry, const uint8_t **key, bool *is_erased,
                   struct error *e)
{
    struct known_entry *k = &s->entry[entry % KNOWN];

    forget_erased(s);
    *is_erased = false;
    if (!k->is_known || k->entry != entry) {
        k->is_known = false;
        if (!subject_keys_get(s->keys, entry, k->key, is_erased, e))
            return false;
        k->is_known = !*is_erased;
        k->entry = entry;
    }
    *key = k->key;
    return true;
}

static bool get_entry(struct text sealed, uint64_t *entry, struct error *e)
{
    struct reader r;

    reader_init(&r, sealed.bytes, sealed.length);
    if (sealed.length < SEALED_OVERHEAD || reader_u8(&r) != FORM)
        return error_set(e, ERROR_INVALID,
                         "the sealed part is damaged or of another version; run assay log verify");
    *entry = reader_u64(&r);
    return true;
}

bool sealer_hold_of(struct sealer *s, struct text sealed, struct held_key *h, bool *is_erased,
                    struct error *e)
{
    const uint8_t *key;

    *is_erased = false;
    if (!get_entry(sealed, &h->entry, e) || !key_of(s, h->entry, &key, is_erased, e))
        return false;
    if (!*is_erased)
        memcpy(h->key, key, sizeof h->key);
    return true;
}

bool sealer_open(struct sealer *s, struct text sealed, uint64_t seq, struct buffer *personal,
                 bool *is_erased, struct error *e)
{
    uint8_t beside[BESIDE];
    const uint8_t *key;
    uint64_t entry = 0;
    struct text closed;
    char *at;

    if (!get_entry(sealed, &entry, e) || !key_of(s, entry, &key, is_erased, e))
        return false;
    if (*is_erased)
        return true;
    closed = (struct text){sealed.bytes + HEAD, sealed.length - HEAD};
    at = buffer_reserve(personal, closed.length);
    if (at == NULL)
        return error_set(e, ERROR_INVALID, "the sealed part is over %zu bytes", personal->max);
    put_head(beside, entry, seq);
    if (!cipher_open(s->cipher, key, (struct text){(const char *)beside, sizeof beside}, closed,
                     (uint8_t *)at))
        return error_set(
            e, ERROR_INVALID,
            "the sealed part does not open: it was changed, or control/subject.keys is "
            "not the file that it was sealed by; restore that from a backup");
    personal->length += closed.length - CIPHER_OVERHEAD;
    return true;
}

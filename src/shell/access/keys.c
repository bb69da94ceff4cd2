#include "shell/access/keys.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "core/base/calendar.h"
#include "core/base/hash.h"
#include "core/base/memory.h"
#include "core/data/json_at.h"
#include "shell/os/digest.h"

enum { TABLE_MIN = 64, DATA_MAX = 1024 };

/* What changes of a key; replaced as a whole. */
struct key_state {
    struct key_state *before;
    uint8_t hash[DIGEST_BYTES];
    uint8_t old_hash[DIGEST_BYTES];
    int64_t old_until_us; /* INT64_MIN: there is no old one */
    int64_t rotated_us;   /* 0: never */
    int64_t revoked_us;   /* 0: never */
};

struct held_key {
    struct key key;
    int64_t created_us, expires_us;
    char by[CONTROL_ACTOR_ID_MAX + 1];
    _Atomic(struct key_state *) state;
    _Atomic int64_t used_us; /* last, in this process; 0: not yet */
};

struct table {
    struct table *before; /* smaller ones, that a reader may still look at */
    size_t room;          /* a power of two, at most half full */
    _Atomic(struct held_key *) slots[];
};

struct keys {
    pthread_mutex_t lock; /* of order and count; the table is read without */
    struct held_key **order;
    atomic_uint count;
    _Atomic(struct table *) table;
};

/* ---- the table ---- */

static struct table *table_new(size_t room, struct table *before)
{
    struct table *t = mem_alloc(sizeof *t + room * sizeof t->slots[0]);

    t->room = room;
    t->before = before;
    return t;
}

static struct held_key *table_find(struct table *t, const char *id)
{
    size_t at = hash_bytes(id, KEY_ID_BYTES, 0) & (t->room - 1);
    struct held_key *h;

    while ((h = atomic_load_explicit(&t->slots[at], memory_order_acquire)) != NULL) {
        if (memcmp(h->key.id, id, KEY_ID_BYTES) == 0)
            return h;
        at = (at + 1) & (t->room - 1);
    }
    return NULL;
}

static void table_add(struct table *t, struct held_key *h)
{
    size_t at = hash_bytes(h->key.id, KEY_ID_BYTES, 0) & (t->room - 1);

    while (atomic_load_explicit(&t->slots[at], memory_order_relaxed) != NULL)
        at = (at + 1) & (t->room - 1);
    atomic_store_explicit(&t->slots[at], h, memory_order_release);
}

static struct held_key *find(struct keys *k, struct text id)
{
    return id.length == KEY_ID_BYTES ? table_find(atomic_load(&k->table), id.bytes) : NULL;
}

static void add(struct keys *k, struct held_key *h)
{
    struct table *t = atomic_load(&k->table);
    unsigned count = atomic_load(&k->count);

    pthread_mutex_lock(&k->lock);
    k->order = mem_resize(k->order, count + 1, sizeof *k->order);
    k->order[count] = h;
    pthread_mutex_unlock(&k->lock);
    if ((size_t)(count + 1) * 2 > t->room) {
        t = table_new(2 * t->room, t);
        for (unsigned i = 0; i < count; i++)
            table_add(t, k->order[i]);
        table_add(t, h);
        atomic_store(&k->table, t);
    } else {
        table_add(t, h);
    }
    atomic_store(&k->count, count + 1);
}

struct keys *keys_new(void)
{
    struct keys *k = mem_alloc(sizeof *k);

    pthread_mutex_init(&k->lock, NULL);
    atomic_store(&k->table, table_new(TABLE_MIN, NULL));
    return k;
}

void keys_free(struct keys *k)
{
    struct table *t, *smaller;

    if (k == NULL)
        return;
    for (unsigned i = 0; i < k->count; i++) {
        struct key_state *s = atomic_load(&k->order[i]->state);

        while (s != NULL) {
            struct key_state *before = s->before;

            mem_free(s);
            s = before;
        }
        mem_free(k->order[i]);
    }
    for (t = atomic_load(&k->table); t != NULL; t = smaller) {
        smaller = t->before;
        mem_free(t);
    }
    mem_free(k->order);
    pthread_mutex_destroy(&k->lock);
    mem_free(k);
}

/* ---- the fold ---- */

struct text key_id_in(const struct control_record *r)
{
    struct text s = r->change.subject;

    if (s.length != 4 + KEY_ID_BYTES || memcmp(s.bytes, "key/", 4) != 0)
        return (struct text){"", 0};
    return (struct text){s.bytes + 4, KEY_ID_BYTES};
}

static bool check(void *context, const struct control_record *r, struct error *e)
{
    struct keys *k = context;
    struct held_key *h = find(k, key_id_in(r));
    bool is_new = text_is(r->change.kind, "key.created");

    if (is_new && h != NULL)
        return error_set(e, ERROR_CONFLICT, "there is a key of this id");
    if (is_new && atomic_load(&k->count) >= KEYS_MAX)
        return error_set(e, ERROR_FULL, "there are %d keys, revoked ones counted: no more",
                         KEYS_MAX);
    if (!is_new && h == NULL)
        return error_set(e, ERROR_NOT_FOUND, "there is no key \"%.*s\"", TEXT_ARG(key_id_in(r)));
    if (!is_new && atomic_load(&h->state)->revoked_us != 0)
        return error_set(e, ERROR_CONFLICT, "the key %s is revoked already", h->key.id);
    return true;
}

static void copy(char *to, size_t room, struct text t)
{
    snprintf(to, room, "%.*s", TEXT_ARG(t));
}

static void created(struct keys *k, const struct control_record *r)
{
    struct held_key *h = mem_alloc(sizeof *h);
    struct key_state *s = mem_alloc(sizeof *s);
    const struct json *expires = json_at(r->data, "expires_us");
    struct error e;

    copy(h->key.id, sizeof h->key.id, key_id_in(r));
    copy(h->key.name, sizeof h->key.name, json_text_at(r->data, "name"));
    copy(h->by, sizeof h->by, r->change.actor.id);
    if (!roles_of_json(json_at(r->data, "roles"), &h->key.roles, &e))
        h->key.roles = 0; /* a role that this version does not know gives nothing */
    h->created_us = r->at_us;
    h->expires_us =
        expires != NULL && expires->kind == JSON_INT ? expires->integer : KEY_NEVER_EXPIRES;
    s->old_until_us = INT64_MIN;
    if (!digest_unhex(json_text_at(r->secret, "hash"), s->hash))
        s->revoked_us = r->at_us;
    atomic_store(&h->state, s);
    add(k, h);
}

static void changed(struct held_key *h, const struct control_record *r)
{
    struct key_state *was = atomic_load(&h->state), *s = mem_alloc(sizeof *s);
    bool is_rotation = text_is(r->change.kind, "key.rotated");

    *s = *was;
    s->before = was;
    if (is_rotation) {
        const struct json *grace = json_at(r->data, "grace_us");

        memcpy(s->old_hash, was->hash, sizeof s->old_hash);
        s->old_until_us = r->at_us;
        if (grace != NULL && grace->kind == JSON_INT)
            s->old_until_us += grace->integer;
        s->rotated_us = r->at_us;
        is_rotation = digest_unhex(json_text_at(r->secret, "hash"), s->hash);
    }
    if (!is_rotation)
        s->revoked_us = r->at_us; /* also where a later version's change is not understood */
    atomic_store_explicit(&h->state, s, memory_order_release);
}

static void apply(void *context, const struct control_record *r)
{
    struct keys *k = context;
    struct held_key *h = find(k, key_id_in(r));

    if (text_is(r->change.kind, "key.created") && h == NULL && key_id_in(r).length > 0)
        created(k, r);
    else if (h != NULL)
        changed(h, r);
}

struct control_fold keys_fold(struct keys *k)
{
    return (struct control_fold){"key.", k, check, apply};
}

/* ---- asking ---- */

unsigned keys_count(const struct keys *k)
{
    return atomic_load_explicit(&k->count, memory_order_relaxed);
}

static bool is_in_force(const struct held_key *h, int64_t now_us)
{
    return atomic_load(&h->state)->revoked_us == 0 && now_us < h->expires_us;
}

bool keys_has_role(struct keys *k, unsigned role, struct text except, int64_t at_us)
{
    bool has = false;

    pthread_mutex_lock(&k->lock);
    for (unsigned i = 0; i < atomic_load(&k->count) && !has; i++)
        has = (k->order[i]->key.roles & role) != 0 && !text_is(except, k->order[i]->key.id) &&
              is_in_force(k->order[i], at_us);
    pthread_mutex_unlock(&k->lock);
    return has;
}

bool key_is_form(struct text t)
{
    return t.length >= 4 && memcmp(t.bytes, KEY_PREFIX, 4) == 0;
}

enum key_verdict keys_check(struct keys *k, struct text t, int64_t now_us, const struct key **key,
                            bool *is_first)
{
    const size_t secret_at = 4 + KEY_ID_BYTES + 1;
    uint8_t secret[KEY_SECRET_BYTES], hash[DIGEST_BYTES];
    const struct key_state *s;
    struct held_key *h;

    if (t.length != KEY_TEXT_BYTES || t.bytes[secret_at - 1] != '_' ||
        !digest_unhex((struct text){t.bytes + secret_at, 2 * KEY_SECRET_BYTES}, secret))
        return KEY_UNKNOWN;
    h = find(k, (struct text){t.bytes + 4, KEY_ID_BYTES});
    if (h == NULL)
        return KEY_UNKNOWN;
    s = atomic_load_explicit(&h->state, memory_order_acquire);
    digest_bytes(secret, sizeof secret, hash);
    if (!digest_equal(hash, s->hash, sizeof hash) &&
        !(now_us < s->old_until_us && digest_equal(hash, s->old_hash, sizeof hash)))
        return KEY_UNKNOWN;
    if (s->revoked_us != 0)
        return KEY_REVOKED;
    if (now_us >= h->expires_us)
        return KEY_EXPIRED;
    *is_first = atomic_exchange_explicit(&h->used_us, now_us, memory_order_relaxed) == 0;
    *key = &h->key;
    return KEY_GOOD;
}

bool keys_in_force(struct keys *k, struct text id, int64_t now_us, unsigned *roles, uint64_t *mark)
{
    const struct held_key *h = find(k, id);
    const struct key_state *s;

    if (h == NULL)
        return false;
    s = atomic_load_explicit(&h->state, memory_order_acquire);
    memcpy(mark, s->hash, sizeof *mark);
    *roles = h->key.roles;
    return s->revoked_us == 0 && now_us < h->expires_us;
}

bool keys_lasts(struct keys *k, struct text id)
{
    const struct held_key *h = find(k, id);

    return h != NULL && h->expires_us == KEY_NEVER_EXPIRES;
}

/* ---- changes ---- */

static void new_secret(const char *id, char text[KEY_TEXT_BYTES + 1], char secret_json[128])
{
    uint8_t secret[KEY_SECRET_BYTES], hash[DIGEST_BYTES];
    char hex[DIGEST_HEX];

    random_bytes(secret, sizeof secret);
    digest_hex(secret, hex);
    snprintf(text, KEY_TEXT_BYTES + 1, KEY_PREFIX "%.*s_%s", KEY_ID_BYTES, id, hex);
    digest_bytes(secret, sizeof secret, hash);
    digest_hex(hash, hex);
    snprintf(secret_json, 128, "{\"hash\":\"%s\"}", hex);
}

static bool change_key(struct control *c, const char *kind, const char *id, struct text data,
                       const char *secret, const struct control_change *by, struct error *e)
{
    struct control_change change = *by;
    char subject[8 + KEY_ID_BYTES];

    snprintf(subject, sizeof subject, "key/%.*s", KEY_ID_BYTES, id);
    change.kind = text_of(kind);
    change.subject = text_of(subject);
    change.data = data;
    change.secret = text_of(secret);
    return control_append(c, &change, NULL, e);
}

bool keys_create(struct control *c, const struct key_request *r, const struct control_change *by,
                 char text[KEY_TEXT_BYTES + 1], struct error *e)
{
    char id[2 * DIGEST_BYTES + 1], secret[128];
    uint8_t random[DIGEST_BYTES];
    struct buffer data;
    bool ok;

    if (r->name.length == 0 || r->name.length > KEY_NAME_MAX || !text_is_plain(r->name))
        return error_set(e, ERROR_INVALID,
                         "name: expected text of 1 to %d bytes without control characters",
                         KEY_NAME_MAX);
    if ((r->roles & ROLES_ALL) == 0)
        return error_set(e, ERROR_INVALID, "roles: none is given");
    random_bytes(random, sizeof random);
    digest_hex(random, id);
    id[KEY_ID_BYTES] = 0;
    new_secret(id, text, secret);
    buffer_init(&data, DATA_MAX);
    buffer_add_text(&data, "{\"name\":");
    json_add_text(&data, r->name);
    buffer_add_text(&data, ",\"roles\":");
    roles_format(r->roles, &data);
    if (r->expires_us != KEY_NEVER_EXPIRES)
        buffer_format(&data, ",\"expires_us\":%lld", (long long)r->expires_us);
    buffer_add_char(&data, '}');
    ok = change_key(c, "key.created", id, (struct text){data.bytes, data.length}, secret, by, e);
    buffer_fini(&data);
    return ok;
}

/* The id as it goes into a subject; false: it is none. */
static bool read_id(struct text given, char id[KEY_ID_BYTES + 1], struct error *e)
{
    if (key_is_form(given) && given.length == 4 + KEY_ID_BYTES) /* ask_<id>, as lists show it */
        given = (struct text){given.bytes + 4, KEY_ID_BYTES};
    if (given.length != KEY_ID_BYTES || !text_is_utf8(given))
        return error_set(e, ERROR_NOT_FOUND, "a key's id has %d hex digits", KEY_ID_BYTES);
    copy(id, KEY_ID_BYTES + 1, given);
    return true;
}

bool keys_rotate(struct control *c, struct text given, int64_t grace_us,
                 const struct control_change *by, char text[KEY_TEXT_BYTES + 1], struct error *e)
{
    char id[KEY_ID_BYTES + 1], secret[128], data[64];

    if (grace_us < 0 || grace_us > KEY_GRACE_MAX_US)
        return error_set(e, ERROR_INVALID, "grace: expected 0s to 30d");
    if (!read_id(given, id, e))
        return false;
    new_secret(id, text, secret);
    snprintf(data, sizeof data, "{\"grace_us\":%lld}", (long long)grace_us);
    return change_key(c, "key.rotated", id, text_of(data), secret, by, e);
}

bool keys_revoke(struct control *c, struct text given, const struct control_change *by,
                 struct error *e)
{
    char id[KEY_ID_BYTES + 1];

    return read_id(given, id, e) && change_key(c, "key.revoked", id, text_of(""), "", by, e);
}

/* ---- words ---- */

static void add_time(struct buffer *out, const char *name, int64_t us, bool has)
{
    char text[TIME_TEXT_MAX];

    if (has)
        time_format(us, text);
    buffer_format(out, has ? ",\"%s\":\"%s\"" : ",\"%s\":null", name, text);
}

static void format_key(const struct held_key *h, int64_t now_us, struct buffer *out)
{
    const struct key_state *s = atomic_load(&h->state);
    int64_t used_us = atomic_load(&h->used_us);

    buffer_format(out, "{\"id\":\"%s\",\"prefix\":\"" KEY_PREFIX "%s\",\"name\":", h->key.id,
                  h->key.id);
    json_add_text(out, text_of(h->key.name));
    buffer_add_text(out, ",\"roles\":");
    roles_format(h->key.roles, out);
    buffer_format(out, ",\"state\":\"%s\"",
                  s->revoked_us != 0        ? "revoked"
                  : now_us >= h->expires_us ? "expired"
                                            : "active");
    add_time(out, "created", h->created_us, true);
    buffer_add_text(out, ",\"by\":");
    json_add_text(out, text_of(h->by));
    add_time(out, "expires", h->expires_us, h->expires_us != KEY_NEVER_EXPIRES);
    add_time(out, "rotated", s->rotated_us, s->rotated_us != 0);
    add_time(out, "old_secret_until", s->old_until_us, now_us < s->old_until_us);
    add_time(out, "revoked", s->revoked_us, s->revoked_us != 0);
    add_time(out, "last_used", used_us, used_us != 0);
    buffer_add_char(out, '}');
}

void keys_format(struct keys *k, int64_t now_us, struct buffer *out)
{
    pthread_mutex_lock(&k->lock);
    buffer_add_char(out, '[');
    for (unsigned i = 0; i < atomic_load(&k->count); i++) {
        if (i > 0)
            buffer_add_char(out, ',');
        format_key(k->order[i], now_us, out);
    }
    buffer_add_char(out, ']');
    pthread_mutex_unlock(&k->lock);
}

bool keys_format_one(struct keys *k, struct text given, int64_t now_us, struct buffer *out)
{
    char id[KEY_ID_BYTES + 1];
    struct held_key *h;
    struct error e;

    if (!read_id(given, id, &e) || (h = find(k, text_of(id))) == NULL)
        return false;
    format_key(h, now_us, out);
    return true;
}

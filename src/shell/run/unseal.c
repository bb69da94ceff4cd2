#include "shell/run/unseal.h"

#include "core/data/event.h"

void unseal_init(struct unseal *u, struct plans *plans)
{
    *u = (struct unseal){.plans = plans};
    buffer_init(&u->plain, LOG_BODY_MAX);
}

void unseal_fini(struct unseal *u)
{
    sealer_free(u->sealer);
    if (u->plain.bytes != NULL)
        cipher_forget(u->plain.bytes, u->plain.capacity);
    buffer_fini(&u->plain);
}

static bool open_keys(struct unseal *u, struct error *e)
{
    struct subject_keys *keys;

    if (u->sealer == NULL && plans_get_keys(u->plans, &keys, e))
        u->sealer = sealer_new(keys);
    return u->sealer != NULL;
}

static bool open_part(struct unseal *u, const struct record *r, bool *is_erased, struct error *e)
{
    struct reader in;

    *is_erased = false;
    buffer_clear(&u->plain);
    u->personal = u->values = (struct text){"", 0};
    if (r->sealed.length == 0)
        return true;
    if (!open_keys(u, e) || !sealer_open(u->sealer, r->sealed, r->seq, &u->plain, is_erased, e))
        return error_prefix(e, "record %llu", (unsigned long long)r->seq);
    if (*is_erased)
        return true;
    reader_init(&in, u->plain.bytes, u->plain.length);
    u->personal = reader_bytes32(&in);
    u->values = (struct text){(const char *)in.at, reader_left(&in)};
    return !in.failed || error_set(e, ERROR_INVALID, "record %llu: its sealed part is cut short",
                                   (unsigned long long)r->seq);
}

bool unseal_add(struct unseal *u, const struct record *r, const struct schema *s, struct frame *f,
                bool *is_erased, struct error *e)
{
    bool ok = open_part(u, r, is_erased, e) && event_add_personal(u->personal, s, f, e);

    if (!ok)
        f->rows--;
    return ok;
}

bool unseal_values(struct unseal *u, const struct record *r, struct event_body *body,
                   struct error *e)
{
    bool is_erased;

    if (!open_part(u, r, &is_erased, e))
        return false;
    if (u->values.length > 0)
        body->values = u->values;
    return true;
}

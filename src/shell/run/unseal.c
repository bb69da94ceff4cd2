#include "shell/run/unseal.h"

#include "core/data/event.h"

void unseal_init(struct unseal *u, struct plans *plans)
{
    *u = (struct unseal){.plans = plans};
    buffer_init(&u->personal, LOG_BODY_MAX);
}

void unseal_fini(struct unseal *u)
{
    sealer_free(u->sealer);
    if (u->personal.bytes != NULL)
        cipher_forget(u->personal.bytes, u->personal.capacity);
    buffer_fini(&u->personal);
}

static bool open_keys(struct unseal *u, struct error *e)
{
    struct subject_keys *keys;

    if (u->sealer == NULL && plans_get_keys(u->plans, &keys, e))
        u->sealer = sealer_new(keys);
    return u->sealer != NULL;
}

bool unseal_add(struct unseal *u, const struct record *r, const struct schema *s, struct frame *f,
                bool *is_erased, struct error *e)
{
    bool ok;

    *is_erased = false;
    buffer_clear(&u->personal);
    if (r->sealed.length == 0)
        return true;
    ok = open_keys(u, e) &&
         sealer_open(u->sealer, r->sealed, r->seq, &u->personal, is_erased, e) &&
         event_add_personal((struct text){u->personal.bytes, u->personal.length}, s, f, e);
    if (!ok)
        f->rows--;
    return ok || error_prefix(e, "record %llu", (unsigned long long)r->seq);
}

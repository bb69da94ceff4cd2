#include "shell/access/credentials.h"

#include "core/base/calendar.h"
#include "core/base/memory.h"
#include "core/data/json_at.h"

#define LASTING_US (KEY_NEVER_EXPIRES - 1) /* who is in force then does not expire */

static const struct text nobody = {"", 0};

struct credentials *credentials_new(const struct access_setting *setting)
{
    struct credentials *c = mem_alloc(sizeof *c);

    c->keys = keys_new();
    c->users = users_new();
    c->has_others = setting->jwt.keys != NULL || setting->jwt.secret != NULL ||
                    setting->sign_in.issuer != NULL ||
                    (setting->has_required && !setting->required);
    return c;
}

void credentials_free(struct credentials *c)
{
    if (c == NULL)
        return;
    users_free(c->users);
    keys_free(c->keys);
    mem_free(c);
}

static bool has_admin(struct credentials *c, struct text but_key, struct text but_user,
                      int64_t at_us)
{
    return users_has_role(c->users, ROLE_ADMIN, but_user) ||
           keys_has_role(c->keys, ROLE_ADMIN, but_key, at_us);
}

bool credentials_have_admin(struct credentials *c, int64_t at_us)
{
    return has_admin(c, nobody, nobody, at_us);
}

/* ---- the rule ---- */

static bool may_make(struct credentials *c, const struct control_record *r, struct error *e)
{
    const struct json *expires = json_at(r->data, "expires_us");
    unsigned roles;

    if (!roles_of_json(json_at(r->data, "roles"), &roles, e))
        return false;
    if (r->change.is_forced || c->has_others || has_admin(c, nobody, nobody, r->at_us))
        return true;
    if (!(roles & ROLE_ADMIN))
        return error_set(
            e, ERROR_CONFLICT,
            "nobody is admin yet, and from the first key or user on only an admin makes the next; "
            "hint: begin with one (`assay key create NAME --role admin`, or `assay user create "
            "NAME --role admin`), or --force (?force=true) where nobody shall be");
    return expires == NULL ||
           error_set(e, ERROR_CONFLICT,
                     "the only admin would expire, and then nobody makes the next; hint: begin "
                     "with one that does not (`assay key create NAME --role admin`), or --force "
                     "(?force=true)");
}

/* One that expires may go while any other is left, a lasting one while a lasting one is. */
static bool may_lose(struct credentials *c, const struct control_record *r, struct text key,
                     struct text user, struct error *e)
{
    int64_t at_us = user.length > 0 || keys_lasts(c->keys, key) ? LASTING_US : r->at_us;

    return r->change.is_forced || has_admin(c, key, user, at_us) ||
           error_set(e, ERROR_CONFLICT,
                     "%.*s is the last admin%s: make another one first (`assay key create NAME "
                     "--role admin`), or --force (?force=true) where nobody shall be",
                     TEXT_ARG(r->change.subject),
                     has_admin(c, key, user, r->at_us) ? " that does not expire" : "");
}

static bool takes_admin(const struct control_record *r)
{
    unsigned roles = ROLE_ADMIN;
    struct error e;

    if (text_is(r->change.kind, "user.roles"))
        return roles_of_json(json_at(r->data, "roles"), &roles, &e) && !(roles & ROLE_ADMIN);
    return text_is(r->change.kind, "user.disabled");
}

/* ---- the folds: those of keys and users, with the rule in between ---- */

static bool check_key(void *context, const struct control_record *r, struct error *e)
{
    struct credentials *c = context;
    struct control_fold own = keys_fold(c->keys);
    struct text id = key_id_in(r);
    unsigned roles;
    uint64_t mark;

    if (!own.check(own.context, r, e))
        return false;
    if (text_is(r->change.kind, "key.created"))
        return may_make(c, r, e);
    return !text_is(r->change.kind, "key.revoked") ||
           !keys_in_force(c->keys, id, r->at_us, &roles, &mark) || !(roles & ROLE_ADMIN) ||
           may_lose(c, r, id, nobody, e);
}

static void apply_key(void *context, const struct control_record *r)
{
    struct control_fold own = keys_fold(((struct credentials *)context)->keys);

    own.apply(own.context, r);
}

static bool check_user(void *context, const struct control_record *r, struct error *e)
{
    struct credentials *c = context;
    struct control_fold own = users_fold(c->users);
    struct text name = user_name_in(r);

    if (!own.check(own.context, r, e))
        return false;
    if (text_is(r->change.kind, "user.created"))
        return may_make(c, r, e);
    return !takes_admin(r) || !(users_roles(c->users, name) & ROLE_ADMIN) ||
           may_lose(c, r, nobody, name, e);
}

static void apply_user(void *context, const struct control_record *r)
{
    struct control_fold own = users_fold(((struct credentials *)context)->users);

    own.apply(own.context, r);
}

void credentials_folds(struct credentials *c, struct control_fold folds[CREDENTIALS_FOLDS])
{
    folds[0] = (struct control_fold){keys_fold(c->keys).prefix, c, check_key, apply_key};
    folds[1] = (struct control_fold){users_fold(c->users).prefix, c, check_user, apply_user};
}

#include "shell/access/users.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "core/base/calendar.h"
#include "core/base/memory.h"
#include "core/data/json_at.h"

enum { DATA_MAX = 1024 };

struct user {
    char name[USER_NAME_MOST + 1];
    char hash[PASSWORD_HASH_MAX]; /* under users.lock */
    atomic_uint roles, generation;
    atomic_bool is_disabled;
    int64_t created_us, changed_us;
};

struct users {
    pthread_mutex_t lock;
    struct user **all;
    atomic_uint count;
};

struct users *users_new(void)
{
    struct users *u = mem_alloc(sizeof *u);

    pthread_mutex_init(&u->lock, NULL);
    return u;
}

void users_free(struct users *u)
{
    if (u == NULL)
        return;
    for (unsigned i = 0; i < u->count; i++)
        mem_free(u->all[i]);
    mem_free(u->all);
    pthread_mutex_destroy(&u->lock);
    mem_free(u);
}

static struct user *find(struct users *u, struct text name) /* under the lock */
{
    for (unsigned i = 0; i < u->count; i++) {
        if (text_is(name, u->all[i]->name))
            return u->all[i];
    }
    return NULL;
}

/* ---- the fold ---- */

struct text user_name_in(const struct control_record *r)
{
    struct text s = r->change.subject;

    if (s.length < 6 || s.length > 5 + USER_NAME_MOST || memcmp(s.bytes, "user/", 5) != 0)
        return (struct text){"", 0};
    return (struct text){s.bytes + 5, s.length - 5};
}

static bool check_known(struct users *u, const struct control_record *r, struct error *e)
{
    struct text name = user_name_in(r);
    struct user *user = find(u, name);
    bool is_new = text_is(r->change.kind, "user.created");

    if (is_new && user != NULL)
        return error_set(e, ERROR_CONFLICT, "there is a user %s already", user->name);
    if (is_new && u->count >= USERS_MAX)
        return error_set(e, ERROR_FULL, "there are %d users: no more", USERS_MAX);
    if (!is_new && user == NULL)
        return error_set(e, ERROR_NOT_FOUND, "there is no user \"%.*s\"", TEXT_ARG(name));
    return true;
}

static bool check(void *context, const struct control_record *r, struct error *e)
{
    struct users *u = context;
    bool ok;

    pthread_mutex_lock(&u->lock);
    ok = check_known(u, r, e);
    pthread_mutex_unlock(&u->lock);
    return ok;
}

static struct user *add(struct users *u, struct text name, int64_t at_us)
{
    struct user *user = mem_alloc(sizeof *user);
    unsigned count = atomic_load(&u->count);

    snprintf(user->name, sizeof user->name, "%.*s", TEXT_ARG(name));
    user->created_us = at_us;
    u->all = mem_resize(u->all, count + 1, sizeof *u->all);
    u->all[count] = user;
    atomic_store(&u->count, count + 1);
    return user;
}

static void change(struct user *user, const struct control_record *r)
{
    struct text hash = json_text_at(r->secret, "password");
    unsigned roles;
    struct error e;

    if (json_at(r->data, "roles") != NULL)
        atomic_store(&user->roles,
                     roles_of_json(json_at(r->data, "roles"), &roles, &e) ? roles : 0);
    if (hash.length > 0 && hash.length < PASSWORD_HASH_MAX) {
        snprintf(user->hash, sizeof user->hash, "%.*s", TEXT_ARG(hash));
        atomic_fetch_add(&user->generation, 1);
    }
    if (text_is(r->change.kind, "user.disabled")) {
        atomic_store(&user->is_disabled, true);
        atomic_fetch_add(&user->generation, 1);
    } else if (text_is(r->change.kind, "user.enabled")) {
        atomic_store(&user->is_disabled, false);
    }
    user->changed_us = r->at_us;
}

static void apply(void *context, const struct control_record *r)
{
    struct users *u = context;
    struct text name = user_name_in(r);
    struct user *user;

    pthread_mutex_lock(&u->lock);
    user = find(u, name);
    if (user == NULL && name.length > 0 && text_is(r->change.kind, "user.created"))
        user = add(u, name, r->at_us);
    if (user != NULL)
        change(user, r);
    pthread_mutex_unlock(&u->lock);
}

struct control_fold users_fold(struct users *u)
{
    return (struct control_fold){"user.", u, check, apply};
}

/* ---- asking ---- */

unsigned users_count(const struct users *u)
{
    return atomic_load_explicit(&u->count, memory_order_relaxed);
}

bool users_has_role(struct users *u, unsigned role, struct text except)
{
    bool has = false;

    pthread_mutex_lock(&u->lock);
    for (unsigned i = 0; i < u->count && !has; i++)
        has = (user_roles(u->all[i]) & role) != 0 && !text_is(except, u->all[i]->name);
    pthread_mutex_unlock(&u->lock);
    return has;
}

unsigned users_roles(struct users *u, struct text name)
{
    const struct user *user;

    pthread_mutex_lock(&u->lock);
    user = find(u, name);
    pthread_mutex_unlock(&u->lock);
    return user != NULL ? user_roles(user) : 0;
}

const char *user_name_of(const struct user *u)
{
    return u->name;
}

unsigned user_roles(const struct user *u)
{
    return atomic_load(&u->is_disabled) ? 0 : atomic_load(&u->roles);
}

unsigned user_generation(const struct user *u)
{
    return atomic_load(&u->generation);
}

const struct user *users_sign_in(struct users *u, struct text name, struct text password)
{
    char hash[PASSWORD_HASH_MAX] = "";
    const struct user *user;

    pthread_mutex_lock(&u->lock);
    user = find(u, name);
    if (user != NULL)
        memcpy(hash, user->hash, sizeof hash);
    pthread_mutex_unlock(&u->lock);
    return password_matches(password, hash) && user_roles(user) != 0 ? user : NULL;
}

/* ---- changes ---- */

static bool name_is_right(struct text name, struct error *e)
{
    bool ok = name.length > 0 && name.length <= USER_NAME_MOST;

    for (size_t i = 0; ok && i < name.length; i++) {
        char c = name.bytes[i];

        ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             (c != 0 && strchr("._@+-", c) != NULL);
    }
    return ok ||
           error_set(e, ERROR_INVALID, "name: expected 1 to %d letters, digits and ._@+- of a user",
                     USER_NAME_MOST);
}

/* Where `password` has bytes it is set, where `roles` is not 0 they are. */
static bool change_user(struct control *c, const char *kind, struct text name, struct text password,
                        unsigned roles, const struct control_change *by, struct error *e)
{
    char subject[8 + USER_NAME_MOST], secret[PASSWORD_HASH_MAX + 32] = "";
    char hash[PASSWORD_HASH_MAX];
    struct control_change change = *by;
    struct buffer data;
    bool ok;

    if (!name_is_right(name, e) || (password.bytes != NULL && !password_hash(password, hash, e)))
        return false;
    snprintf(subject, sizeof subject, "user/%.*s", TEXT_ARG(name));
    if (password.bytes != NULL)
        snprintf(secret, sizeof secret, "{\"password\":\"%s\"}", hash);
    buffer_init(&data, DATA_MAX);
    if (roles != 0) {
        buffer_add_text(&data, "{\"roles\":");
        roles_format(roles, &data);
        buffer_add_char(&data, '}');
    }
    change.kind = text_of(kind);
    change.subject = text_of(subject);
    change.data = (struct text){data.bytes, data.length};
    change.secret = text_of(secret);
    ok = control_append(c, &change, NULL, e);
    buffer_fini(&data);
    return ok;
}

static bool roles_are_right(unsigned roles, struct error *e)
{
    return (roles & ROLES_ALL) != 0 || error_set(e, ERROR_INVALID, "roles: none is given");
}

bool users_create(struct control *c, struct text name, struct text password, unsigned roles,
                  const struct control_change *by, struct error *e)
{
    if (password.bytes == NULL)
        password = (struct text){"", 0}; /* refused as too short */
    return roles_are_right(roles, e) &&
           change_user(c, "user.created", name, password, roles, by, e);
}

bool users_set_password(struct control *c, struct text name, struct text password,
                        const struct control_change *by, struct error *e)
{
    if (password.bytes == NULL)
        password = (struct text){"", 0};
    return change_user(c, "user.password", name, password, 0, by, e);
}

bool users_set_roles(struct control *c, struct text name, unsigned roles,
                     const struct control_change *by, struct error *e)
{
    return roles_are_right(roles, e) &&
           change_user(c, "user.roles", name, (struct text){NULL, 0}, roles, by, e);
}

bool users_set_disabled(struct control *c, struct text name, bool is_disabled,
                        const struct control_change *by, struct error *e)
{
    return change_user(c, is_disabled ? "user.disabled" : "user.enabled", name,
                       (struct text){NULL, 0}, 0, by, e);
}

/* ---- words ---- */

static void format_user(const struct user *user, struct buffer *out)
{
    char created[TIME_TEXT_MAX], changed[TIME_TEXT_MAX];

    time_format(user->created_us, created);
    time_format(user->changed_us, changed);
    buffer_format(out, "{\"name\":\"%s\",\"roles\":", user->name);
    roles_format(atomic_load(&user->roles), out);
    buffer_format(out, ",\"disabled\":%s,\"created\":\"%s\",\"changed\":\"%s\"}",
                  atomic_load(&user->is_disabled) ? "true" : "false", created, changed);
}

void users_format(struct users *u, struct buffer *out)
{
    pthread_mutex_lock(&u->lock);
    buffer_add_char(out, '[');
    for (unsigned i = 0; i < u->count; i++) {
        if (i > 0)
            buffer_add_char(out, ',');
        format_user(u->all[i], out);
    }
    buffer_add_char(out, ']');
    pthread_mutex_unlock(&u->lock);
}

bool users_format_one(struct users *u, struct text name, struct buffer *out)
{
    const struct user *user;

    pthread_mutex_lock(&u->lock);
    user = find(u, name);
    if (user != NULL)
        format_user(user, out);
    pthread_mutex_unlock(&u->lock);
    return user != NULL;
}

#include "shell/access/access.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/base/memory.h"
#include "shell/access/credentials.h"
#include "shell/access/sign_in.h"
#include "shell/access/tokens.h"
#include "shell/os/clock.h"

#define STARTER_PREFIX "asb_"

enum { FOLDS_MAX = CONTROL_FOLDS_MAX };

enum starter_state { STARTER_NONE, STARTER_READY, STARTER_IN_USE, STARTER_USED };

struct access {
    struct access_options o;
    struct control *control;
    struct tally *tally;
    struct credentials *credentials;
    struct guesses *guesses;
    struct sessions *sessions;
    struct links *links;
    struct tokens *tokens;    /* NULL: no JWT */
    struct sign_in *provider; /* NULL: none */
    struct rate *per_key, *per_address;
    struct rate_shared *rates; /* or NULL */
    _Atomic int starter;
    uint8_t starter_hash[DIGEST_BYTES];
    int64_t starter_until_us;
};

/* ---- open and close ---- */

static bool open_all(struct access *a, const struct control_fold *more, size_t more_count,
                     struct error *e)
{
    struct control_fold folds[FOLDS_MAX];

    if (more_count > FOLDS_MAX - CREDENTIALS_FOLDS)
        return error_set(e, ERROR_INVALID, "too many folds of the control log");
    for (uint32_t i = 0; i < a->o.setting->role_count; i++) {
        const struct named_setting *r = &a->o.setting->roles[i];
        unsigned roles;

        if (!roles_read(text_of(r->source), &roles, e))
            return error_prefix(e, "access.roles.%s", r->name);
    }
    credentials_folds(a->credentials, folds);
    for (size_t i = 0; i < more_count; i++)
        folds[CREDENTIALS_FOLDS + i] = more[i];
    return control_open(a->o.data_directory, folds, CREDENTIALS_FOLDS + more_count, &a->control,
                        e) &&
           tally_start(a->control, &a->tally, e) &&
           tokens_open(a->o.setting, a->o.directory, &a->tokens, e) &&
           sign_in_open(a->o.setting, &a->provider, e);
}

bool access_open(const struct access_options *o, const struct control_fold *more, size_t more_count,
                 struct access **access, struct error *e)
{
    struct access *a = mem_alloc(sizeof *a);

    a->o = *o;
    a->credentials = credentials_new(o->setting);
    a->guesses = guesses_new();
    a->sessions = sessions_new(o->setting->session_idle_us, o->setting->session_longest_us);
    a->links = links_new();
    a->per_key = rate_new(&o->setting->key_rate);
    a->per_address = rate_new(&o->setting->address_rate);
    if ((o->settings != NULL && !rate_shared_open(o->settings, &a->rates, e)) ||
        !open_all(a, more, more_count, e)) {
        access_close(a);
        return false;
    }
    rate_share(a->per_key, a->rates, "key");
    rate_share(a->per_address, a->rates, "address");
    *access = a;
    return true;
}

void access_close(struct access *a)
{
    if (a == NULL)
        return;
    sign_in_close(a->provider);
    tokens_close(a->tokens);
    tally_stop(a->tally);
    control_close(a->control);
    rate_free(a->per_address);
    rate_free(a->per_key);
    rate_shared_close(a->rates);
    links_free(a->links);
    sessions_free(a->sessions);
    guesses_free(a->guesses);
    credentials_free(a->credentials);
    mem_free(a);
}

struct control *access_control(struct access *a)
{
    return a->control;
}

struct tally *access_tally(struct access *a)
{
    return a->tally;
}

struct rate_shared *access_rates(struct access *a)
{
    return a != NULL ? a->rates : NULL;
}

struct keys *access_keys(struct access *a)
{
    return a->credentials->keys;
}

struct users *access_users(struct access *a)
{
    return a->credentials->users;
}

/* ---- whether it is required ---- */

static bool has_anybody(const struct access *a)
{
    return keys_count(a->credentials->keys) > 0 || users_count(a->credentials->users) > 0 ||
           a->tokens != NULL || a->o.setting->sign_in.issuer != NULL;
}

bool access_is_required(struct access *a)
{
    if (a->o.setting->has_required)
        return a->o.setting->required;
    return !a->o.is_loopback || has_anybody(a);
}

bool access_may_serve(struct access *a, struct error *e)
{
    if (a->o.is_loopback || a->o.setting->has_required || has_anybody(a))
        return true;
    return error_set(e, ERROR_INVALID,
                     "server.host: other machines can reach this address, and there is no key and "
                     "no user. Make one first (`assay user create NAME --role admin`), or say "
                     "access: {required: true} and use the one-time token that is printed then. "
                     "access: {required: false} lets everybody in");
}

bool access_starter(struct access *a, char text[STARTER_TEXT_BYTES + 1])
{
    uint8_t secret[DIGEST_BYTES];
    char hex[DIGEST_HEX];

    if (!access_is_required(a) || credentials_have_admin(a->credentials, clock_now_us()))
        return false;
    random_bytes(secret, sizeof secret);
    digest_hex(secret, hex);
    snprintf(text, STARTER_TEXT_BYTES + 1, STARTER_PREFIX "%s", hex);
    digest_bytes(text, STARTER_TEXT_BYTES, a->starter_hash);
    a->starter_until_us = clock_monotonic_us() + STARTER_MINUTES * INT64_C(60000000);
    atomic_store(&a->starter, STARTER_READY);
    return true;
}

void access_starter_done(struct access *a, bool has_made)
{
    atomic_store(&a->starter, has_made ? STARTER_USED : STARTER_READY);
}

/* ---- who ---- */

struct control_actor caller_actor(const struct caller *c)
{
    static const char *const kinds[] = {"nobody", "local", "key", "user", "token", "starter"};

    return (struct control_actor){text_of(kinds[c->kind]), text_of(c->id), text_of(c->name)};
}

static void set_caller(struct caller *c, enum caller_kind kind, unsigned roles, const char *id,
                       const char *name)
{
    c->kind = kind;
    c->roles = roles;
    snprintf(c->id, sizeof c->id, "%s", id);
    snprintf(c->name, sizeof c->name, "%s", name);
}

static void note(struct access *a, const char *kind, const struct access_request *r,
                 const struct caller *c, const char *words)
{
    tally_note(a->tally, &(struct control_change){
                             .kind = text_of(kind),
                             .actor = caller_actor(c),
                             .address = text_of(r->address != NULL ? r->address : ""),
                             .request = text_of(r->request != NULL ? r->request : ""),
                             .subject = text_of(r->route != NULL ? r->route : ""),
                             .note = text_of(words),
                         });
}

static bool is_key(struct access *a, const struct access_request *r, struct text t,
                   struct access_verdict *v)
{
    static const char *const words[] = {"", "this API key is not known", "this API key has expired",
                                        "this API key was revoked"};
    const struct key *key;
    bool is_first;
    enum key_verdict verdict = keys_check(a->credentials->keys, t, clock_now_us(), &key, &is_first);

    if (verdict != KEY_GOOD) {
        snprintf(v->words, sizeof v->words, "%s", words[verdict]);
        return false;
    }
    v->caller.kind = CALLER_KEY;
    v->caller.roles = key->roles;
    memcpy(v->caller.id, key->id, sizeof key->id);
    memcpy(v->caller.name, key->name, sizeof key->name);
    _Static_assert(sizeof key->name <= sizeof v->caller.name, "a key's name fits");
    if (is_first)
        note(a, "access.key_used", r, &v->caller, "first use since the server's start");
    return true;
}

static bool is_starter(struct access *a, const struct access_request *r, struct text t,
                       struct access_verdict *v)
{
    int ready = STARTER_READY;
    uint8_t hash[DIGEST_BYTES];

    digest_bytes(t.bytes, t.length, hash);
    snprintf(v->words, sizeof v->words, "this one-time token is not known, was used or is too old");
    if (!digest_equal(hash, a->starter_hash, sizeof hash) ||
        clock_monotonic_us() > a->starter_until_us)
        return false;
    if (!r->is_for_starter) {
        snprintf(v->words, sizeof v->words, "a one-time token only makes a user or a key");
        return false;
    }
    if (!atomic_compare_exchange_strong(&a->starter, &ready, STARTER_IN_USE))
        return false;
    set_caller(&v->caller, CALLER_STARTER, ROLE_ADMIN, "starter", "one-time token");
    return true;
}

static bool is_bearer(struct access *a, const struct access_request *r, struct text t,
                      struct access_verdict *v)
{
    if (key_is_form(t))
        return is_key(a, r, t, v);
    if (t.length == STARTER_TEXT_BYTES && memcmp(t.bytes, STARTER_PREFIX, 4) == 0)
        return is_starter(a, r, t, v);
    if (a->tokens != NULL) {
        struct token_claims claims;

        if (!tokens_check(a->tokens, t, clock_now_us(), r->json, &claims, v->words,
                          sizeof v->words))
            return false;
        set_caller(&v->caller, CALLER_TOKEN, access_roles_of(a, claims.roles), claims.subject,
                   claims.name);
        tokens_free_claims(&claims);
        return true;
    }
    snprintf(v->words, sizeof v->words, "no API key of this service's form");
    return false;
}

/* "Bearer TOKEN" */
static bool is_authorized(struct access *a, const struct access_request *r,
                          struct access_verdict *v)
{
    if (strncasecmp(r->authorization, "Bearer ", 7) == 0)
        return is_bearer(a, r, text_trim(text_of(r->authorization + 7)), v);
    snprintf(v->words, sizeof v->words, "Authorization: expected Bearer and a key or token");
    return false;
}

/* What vouches for a session still does: of a key, that it is in force and has its secret; of
 * somebody local, that nobody is asked. */
static bool still_vouches(struct access *a, struct vouched *of)
{
    uint64_t mark;

    if (of->caller.kind == CALLER_LOCAL)
        return !access_is_required(a);
    if (of->caller.kind != CALLER_KEY)
        return true;
    return keys_in_force(a->credentials->keys, text_of(of->caller.id), clock_now_us(),
                         &of->caller.roles, &mark) &&
           mark == of->key_mark;
}

static bool find_session(struct access *a, struct text token, struct caller *c,
                         char csrf[SESSION_TEXT_BYTES + 1])
{
    struct vouched of;

    if (!sessions_find(a->sessions, token, clock_monotonic_us(), &of, csrf))
        return false;
    if (!still_vouches(a, &of)) {
        sessions_close(a->sessions, token);
        return false;
    }
    *c = of.caller;
    return true;
}

static bool is_session(struct access *a, const struct access_request *r, struct text token,
                       struct access_verdict *v)
{
    char csrf[SESSION_TEXT_BYTES + 1];

    if (!find_session(a, token, &v->caller, csrf)) {
        snprintf(v->words, sizeof v->words, "the session has ended: sign in again");
        return false;
    }
    if (!r->is_change || sessions_csrf_matches(csrf, text_of(r->csrf != NULL ? r->csrf : "")))
        return true;
    v->status = 403;
    snprintf(v->words, sizeof v->words,
             "a session changes something only with the header " CSRF_HEADER);
    return false;
}

/* False: the verdict says why. */
static bool find_caller(struct access *a, const struct access_request *r, struct access_verdict *v)
{
    struct text session;

    v->status = 401;
    if (r->authorization != NULL)
        return is_authorized(a, r, v);
    if (r->key != NULL)
        return is_key(a, r, text_of(r->key), v);
    session = cookie_find(r->cookie, SESSION_COOKIE);
    if (session.length > 0 && is_session(a, r, session, v))
        return true;
    if (session.length > 0 && (v->status == 403 || access_is_required(a)))
        return false;
    if (!access_is_required(a)) { /* a cookie of a session that has ended changes nothing here */
        set_caller(&v->caller, CALLER_LOCAL, ROLES_ALL, "", "");
        return true;
    }
    snprintf(v->words, sizeof v->words,
             "an API key (Authorization: Bearer ask_...) or signing in is needed here");
    return false;
}

/* ---- may they ---- */

static void refuse_rate(struct access *a, const struct access_request *r, const char *whose,
                        struct access_verdict *v)
{
    v->status = 429;
    snprintf(v->words, sizeof v->words, "over %u requests of this %s: come back in %u s",
             v->rate.limit, whose, v->rate.wait_s);
    note(a, "access.limited", r, &v->caller, v->words);
}

/* An IPv6 network of 64 bits is one caller: everybody has as many addresses there as they like.
 * Up to the fourth colon, or to "::", which stands for zeros. */
static struct text address_of(const struct access_request *r)
{
    const char *at = r->address != NULL ? r->address : "", *end = at;
    int colons = 0;

    if (strchr(at, ':') == NULL)
        return text_of(at);
    while (*end != 0 && colons < 4 && strncmp(end, "::", 2) != 0)
        colons += *end++ == ':';
    return (struct text){at, (size_t)(end - at)};
}

static bool keep_rates(struct access *a, const struct access_request *r, struct access_verdict *v)
{
    struct rate_answer own;

    if (v->caller.kind == CALLER_LOCAL)
        return true;
    own = rate_take(a->per_key, text_of(v->caller.id), clock_monotonic_us());
    if (own.limit != 0 && (v->rate.limit == 0 || own.remaining <= v->rate.remaining))
        v->rate = own;
    if (own.wait_s == 0)
        return true;
    refuse_rate(a, r, "caller", v);
    return false;
}

void access_check(struct access *a, const struct access_request *r, struct access_verdict *v)
{
    v->status = 0;
    v->words[0] = 0;
    v->caller.kind = CALLER_NOBODY;
    v->caller.roles = 0;
    v->caller.id[0] = v->caller.name[0] = 0;
    v->rate = (struct rate_answer){0};
    if (a->o.setting->address_rate.limit != 0 && !r->is_again) {
        v->rate = rate_take(a->per_address, address_of(r), clock_monotonic_us());
        if (v->rate.wait_s > 0) {
            refuse_rate(a, r, "address", v);
            return;
        }
    }
    if (r->roles & ROLE_ANYONE)
        return;
    if (!find_caller(a, r, v)) {
        note(a, "access.denied", r, &v->caller, v->words);
        return;
    }
    v->status = 0;
    if (!r->is_again && !keep_rates(a, r, v))
        return;
    if ((v->caller.roles & (r->roles | ROLE_ADMIN)) != 0)
        return;
    v->status = 403;
    snprintf(v->words, sizeof v->words, "the roles of this %s do not allow this",
             v->caller.kind == CALLER_KEY ? "key" : "caller");
    note(a, "access.denied", r, &v->caller, v->words);
}

/* ---- sessions ---- */

static void opened(struct access *a, const struct vouched *of, const char *address,
                   struct access_session *s)
{
    s->caller = of->caller;
    sessions_open(a->sessions, of, clock_monotonic_us(), s->token, s->csrf);
    s->status = 200;
    note(a, "access.signed_in", &(struct access_request){.address = address}, &s->caller, "");
}

void access_sign_in(struct access *a, struct text name, struct text password, const char *address,
                    struct access_session *s)
{
    struct text from = address_of(&(struct access_request){.address = address});
    const struct user *user;
    struct vouched of;

    *s = (struct access_session){.status = 429};
    s->wait_s = guesses_try(a->guesses, name, from, clock_monotonic_us());
    if (s->wait_s > 0) {
        snprintf(s->words, sizeof s->words, "too many tries: come back in %u s", s->wait_s);
        return;
    }
    user = users_sign_in(a->credentials->users, name, password);
    if (user == NULL) {
        s->status = 401;
        snprintf(s->words, sizeof s->words, "the name or the password is wrong");
        snprintf(s->caller.id, sizeof s->caller.id, "%.*s",
                 (int)(name.length < USER_NAME_MOST ? name.length : USER_NAME_MOST), name.bytes);
        note(a, "access.sign_in_failed", &(struct access_request){.address = address}, &s->caller,
             "");
        return;
    }
    guesses_right(a->guesses, name, from);
    of = (struct vouched){.user = user, .generation = user_generation(user)};
    set_caller(&of.caller, CALLER_USER, user_roles(user), user_name_of(user), user_name_of(user));
    opened(a, &of, address, s);
}

static void refuse_sign_in(struct access *a, const char *address, const char *words,
                           struct access_session *s)
{
    s->status = 401;
    snprintf(s->words, sizeof s->words, "%s", words);
    access_sign_in_failed(a, address, words);
}

void access_sign_in_key(struct access *a, struct text key, const char *address,
                        struct access_session *s)
{
    const struct access_request r = {.address = address};
    struct access_verdict v = {0};
    struct vouched of = {0};

    *s = (struct access_session){0};
    if (!is_key(a, &r, key, &v)) {
        refuse_sign_in(a, address, v.words, s);
        return;
    }
    of.caller = v.caller;
    if (keys_in_force(a->credentials->keys, text_of(v.caller.id), clock_now_us(), &of.caller.roles,
                      &of.key_mark))
        opened(a, &of, address, s);
    else
        refuse_sign_in(a, address, "this API key was revoked", s);
}

void access_sign_in_link(struct access *a, struct text token, const char *address,
                         struct access_session *s)
{
    struct vouched of;

    *s = (struct access_session){0};
    if (!links_take(a->links, token, clock_monotonic_us(), &of) || !still_vouches(a, &of) ||
        (of.user != NULL &&
         (user_roles(of.user) == 0 || user_generation(of.user) != of.generation)))
        refuse_sign_in(a, address, "this one-time token is not known, was used or is too old", s);
    else
        opened(a, &of, address, s);
}

/* A name alone proves nothing: a provider's user may have that of one of ours. */
bool access_link(struct access *a, const struct caller *c, const char *cookie, const char *address,
                 char text[LINK_TEXT_BYTES + 1], struct error *e)
{
    struct vouched of = {.caller = *c}, session;
    unsigned roles;

    if (c->kind == CALLER_USER && !sessions_find(a->sessions, cookie_find(cookie, SESSION_COOKIE),
                                                 clock_monotonic_us(), &of, NULL))
        return error_set(e, ERROR_INVALID, "the session has ended");
    if (c->kind == CALLER_KEY &&
        !keys_in_force(a->credentials->keys, text_of(c->id), clock_now_us(), &roles, &of.key_mark))
        return error_set(e, ERROR_INVALID, "this API key is no more in force");
    if (c->kind != CALLER_LOCAL && c->kind != CALLER_KEY && of.user == NULL)
        return error_set(e, ERROR_INVALID,
                         "a one-time token is made for a user or a key of this service; sign in "
                         "where you signed in before");
    if (c->kind != CALLER_USER &&
        sessions_find(a->sessions, cookie_find(cookie, SESSION_COOKIE), clock_monotonic_us(),
                      &session, NULL) &&
        strcmp(session.caller.id, c->id) == 0)
        of.since_us = session.since_us; /* a stolen cookie does not live on by tokens */
    links_make(a->links, &of, clock_monotonic_us(), text);
    note(a, "access.link_made", &(struct access_request){.address = address}, c, "");
    return true;
}

void access_admit(struct access *a, const struct caller *c, const char *address,
                  struct access_session *s)
{
    *s = (struct access_session){0};
    opened(a, &(struct vouched){.caller = *c}, address, s);
}

struct sign_in *access_provider(struct access *a)
{
    return a->provider;
}

void access_sign_in_failed(struct access *a, const char *address, const char *words)
{
    struct caller nobody = {.kind = CALLER_NOBODY};

    note(a, "access.sign_in_failed", &(struct access_request){.address = address}, &nobody, words);
}

bool access_session_of(struct access *a, const char *cookie, struct access_session *s)
{
    struct text token = cookie_find(cookie, SESSION_COOKIE);

    *s = (struct access_session){.status = 200};
    return find_session(a, token, &s->caller, s->csrf);
}

void access_sign_out(struct access *a, const char *cookie, const char *address)
{
    struct access_session s;

    if (!access_session_of(a, cookie, &s))
        return;
    sessions_close(a->sessions, cookie_find(cookie, SESSION_COOKIE));
    note(a, "access.signed_out", &(struct access_request){.address = address}, &s.caller, "");
}

void access_cookie(const struct access *a, const char *token, struct buffer *out)
{
    buffer_format(out, SESSION_COOKIE "=%s; Path=/; HttpOnly; SameSite=Strict%s%s", token,
                  a->o.is_secure ? "; Secure" : "", token[0] == 0 ? "; Max-Age=0" : "");
}

struct text cookie_find(const char *header, const char *name)
{
    size_t length = strlen(name);

    while (header != NULL && *header != 0) {
        header += strspn(header, " ;");
        if (strncmp(header, name, length) == 0 && header[length] == '=')
            return (struct text){header + length + 1, strcspn(header + length + 1, "; ")};
        header += strcspn(header, ";");
    }
    return (struct text){"", 0};
}

/* ---- roles of others' claims ---- */

static unsigned roles_of_one(const struct access *a, struct text value)
{
    const struct access_setting *s = a->o.setting;
    unsigned roles = 0;
    struct error e;

    if (s->role_count == 0)
        return role_find(value, &roles) ? roles : 0;
    for (uint32_t i = 0; i < s->role_count; i++) {
        if (text_is(value, s->roles[i].name))
            return roles_read(text_of(s->roles[i].source), &roles, &e) ? roles : 0;
    }
    return 0;
}

unsigned access_roles_of(const struct access *a, const struct json *claim)
{
    unsigned roles = 0;

    if (claim != NULL && claim->kind == JSON_TEXT)
        return roles_of_one(a, claim->text);
    for (uint32_t i = 0; claim != NULL && claim->kind == JSON_ARRAY && i < claim->count; i++) {
        if (claim->items[i].kind == JSON_TEXT)
            roles |= roles_of_one(a, claim->items[i].text);
    }
    return roles;
}

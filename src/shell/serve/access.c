/* /v1/keys, /v1/users, /v1/sessions: who may use the service, over HTTP. The rules are those of
 * shell/access; here are only their members and statuses. */
#include <stdio.h>

#include "core/base/calendar.h"
#include "core/data/json_at.h"
#include "shell/access/sign_in.h"
#include "shell/os/clock.h"
#include "shell/serve/inside.h"

/* ---- what these handlers share ---- */

static enum http_next refuse(struct exchange *x, const struct error *e)
{
    problem_answer(x, error_http_status(e), "%s", e->text);
    return HTTP_ANSWERED;
}

static bool has_access(struct server *s, struct exchange *x)
{
    if (s->o.access != NULL)
        return true;
    problem_answer(x, 503, "this server keeps no keys and users");
    return false;
}

bool caller_by(struct exchange *x, char *by, size_t room)
{
    const struct caller *c = &x->caller;
    const char *given = exchange_query(x, "by"), *kind = c->kind == CALLER_KEY ? "key:" : "";
    const char *own = c->kind == CALLER_KEY ? c->name : c->id;
    int n;

    if (given != NULL && (given[0] == 0 || !text_is_utf8(text_of(given)))) {
        problem_answer(x, 400, "query parameter by: expected text");
        return false;
    }
    if (c->kind <= CALLER_LOCAL) /* nobody was asked: what they say is all there is */
        n = snprintf(by, room, "%s", given != NULL ? given : "api");
    else
        n = snprintf(by, room, "%s%s%s%s", given != NULL ? given : "", given != NULL ? " via " : "",
                     kind, own);
    if (n > 0 && (size_t)n < room)
        return true;
    problem_answer(x, 400, "query parameter by: with the caller's name over %zu bytes", room - 1);
    return false;
}

struct control_change change_of(struct exchange *x)
{
    const char *note = exchange_query(x, "note");

    return (struct control_change){
        .actor = caller_actor(&x->caller),
        .address = text_of(x->address != NULL ? x->address : ""),
        .request = text_of(x->request_id),
        .note = text_of(note != NULL ? note : ""),
    };
}

bool server_record(struct server *s, struct exchange *x, const char *kind, const char *subject,
                   const char *data)
{
    struct control_change change = change_of(x);
    struct error e;

    if (s->o.access == NULL)
        return true;
    change.kind = text_of(kind);
    change.subject = text_of(subject);
    change.data = text_of(data);
    if (control_append(access_control(s->o.access), &change, NULL, &e))
        return true;
    problem_answer(x, 503, "%s cannot be recorded: %s", kind, e.text);
    return false;
}

/* As change_of; force=true: though nobody would be admin then. */
static bool credential_change(struct exchange *x, struct control_change *by)
{
    *by = change_of(x);
    return query_bool(x, "force", &by->is_forced);
}

static bool is_known(struct text key, const char *const *known)
{
    for (; *known != NULL; known++) {
        if (text_is(key, *known))
            return true;
    }
    return false;
}

struct json_document *body_object(struct server *s, struct exchange *x, const char *const *known)
{
    struct text body = exchange_body(x);
    struct error e;
    struct json_document *d = json_parse(seat_get(s)->json, body.bytes, body.length, &e);

    if (d == NULL) {
        problem_answer(x, 400, "%s", e.text);
        return NULL;
    }
    if (d->root.kind != JSON_OBJECT)
        problem_answer(x, 422, "expected an object");
    for (uint32_t i = 0; x->status == 0 && i < d->root.count; i++) {
        struct text key = d->root.keys[i];

        if (!is_known(key, known))
            problem_answer(x, 422, "member \"%.*s\" is not known here",
                           (int)(key.length < 64 ? key.length : 64), key.bytes);
    }
    if (x->status == 0)
        return d;
    json_free(d);
    return NULL;
}

static enum http_next answer_made(struct exchange *x, unsigned status)
{
    buffer_add_char(&x->answer, '\n');
    x->status = status;
    return HTTP_ANSWERED;
}

/* ---- keys ---- */

enum http_next show_keys(struct server *s, struct exchange *x)
{
    if (!has_access(s, x))
        return HTTP_ANSWERED;
    buffer_add_text(&x->answer, "{\"items\":");
    keys_format(access_keys(s->o.access), clock_now_us(), &x->answer);
    buffer_add_char(&x->answer, '}');
    return answer_made(x, 200);
}

/* A time, or a duration from now on; absent or null: never. */
static bool read_expires(const struct json *v, int64_t now_us, int64_t *us, struct error *e)
{
    int64_t after_us;

    *us = KEY_NEVER_EXPIRES;
    if (v == NULL || v->kind == JSON_NULL)
        return true;
    if (v->kind == JSON_TEXT && duration_parse(v->text, &after_us) && after_us > 0 &&
        after_us < INT64_MAX - now_us)
        *us = now_us + after_us;
    else if (v->kind != JSON_TEXT || !time_parse(v->text, TIME_ISO, us))
        return error_set(e, ERROR_INVALID, "expires: expected 90d or a time");
    return *us > now_us || error_set(e, ERROR_INVALID, "expires: this has passed");
}

/* The key as lists show it, with its secret. */
static enum http_next answer_key(struct server *s, struct exchange *x, const char *text,
                                 unsigned status)
{
    struct text id = {text + 4, KEY_ID_BYTES};

    buffer_format(&x->answer, "{\"secret\":\"%s\",\"key\":", text);
    if (!keys_format_one(access_keys(s->o.access), id, clock_now_us(), &x->answer))
        buffer_add_text(&x->answer, "null");
    buffer_add_char(&x->answer, '}');
    return answer_made(x, status);
}

enum http_next create_key(struct server *s, struct exchange *x)
{
    static const char *const known[] = {"name", "roles", "expires", NULL};
    struct control_change by;
    char text[KEY_TEXT_BYTES + 1];
    struct key_request r;
    struct json_document *d;
    struct error e;
    bool ok;

    if (!has_access(s, x) || !credential_change(x, &by) || (d = body_object(s, x, known)) == NULL)
        return HTTP_ANSWERED;
    r.name = json_text_at(&d->root, "name");
    ok = roles_of_json(json_get(&d->root, "roles"), &r.roles, &e) &&
         read_expires(json_get(&d->root, "expires"), clock_now_us(), &r.expires_us, &e) &&
         keys_create(access_control(s->o.access), &r, &by, text, &e);
    json_free(d);
    return ok ? answer_key(s, x, text, 201) : refuse(x, &e);
}

enum http_next rotate_key(struct server *s, struct exchange *x)
{
    static const char *const known[] = {"grace", NULL};
    struct control_change by = change_of(x);
    char text[KEY_TEXT_BYTES + 1];
    int64_t grace_us = KEY_GRACE_US;
    const struct json *grace;
    struct json_document *d;
    struct error e;
    bool ok;

    if (!has_access(s, x) || (d = body_object(s, x, known)) == NULL)
        return HTTP_ANSWERED;
    grace = json_get(&d->root, "grace");
    ok = grace == NULL || (grace->kind == JSON_TEXT && duration_parse(grace->text, &grace_us)) ||
         error_set(&e, ERROR_INVALID, "grace: expected a duration such as 1d or 0s");
    ok = ok && keys_rotate(access_control(s->o.access), x->parameter, grace_us, &by, text, &e);
    json_free(d);
    return ok ? answer_key(s, x, text, 200) : refuse(x, &e);
}

enum http_next revoke_key(struct server *s, struct exchange *x)
{
    struct control_change by;
    struct error e;

    if (!has_access(s, x) || !credential_change(x, &by))
        return HTTP_ANSWERED;
    if (!keys_revoke(access_control(s->o.access), x->parameter, &by, &e))
        return refuse(x, &e);
    if (!keys_format_one(access_keys(s->o.access), x->parameter, clock_now_us(), &x->answer))
        buffer_add_text(&x->answer, "null");
    return answer_made(x, 200);
}

/* ---- users ---- */

enum http_next show_users(struct server *s, struct exchange *x)
{
    if (!has_access(s, x))
        return HTTP_ANSWERED;
    buffer_add_text(&x->answer, "{\"items\":");
    users_format(access_users(s->o.access), &x->answer);
    buffer_add_char(&x->answer, '}');
    return answer_made(x, 200);
}

static enum http_next answer_user(struct server *s, struct exchange *x, struct text name,
                                  unsigned status)
{
    if (!users_format_one(access_users(s->o.access), name, &x->answer))
        buffer_add_text(&x->answer, "null");
    return answer_made(x, status);
}

enum http_next create_user(struct server *s, struct exchange *x)
{
    static const char *const known[] = {"name", "password", "roles", NULL};
    struct control_change by;
    struct json_document *d;
    struct error e;
    unsigned roles;

    if (!has_access(s, x) || !credential_change(x, &by) || (d = body_object(s, x, known)) == NULL)
        return HTTP_ANSWERED;
    if (roles_of_json(json_get(&d->root, "roles"), &roles, &e) &&
        users_create(access_control(s->o.access), json_text_at(&d->root, "name"),
                     json_text_at(&d->root, "password"), roles, &by, &e))
        answer_user(s, x, json_text_at(&d->root, "name"), 201);
    else
        refuse(x, &e);
    json_free(d);
    return HTTP_ANSWERED;
}

static bool change_one(struct server *s, struct exchange *x, const struct json *body,
                       const struct control_change *by, struct error *e)
{
    const struct json *password = json_get(body, "password"), *roles = json_get(body, "roles");
    const struct json *disabled = json_get(body, "disabled");
    struct control *control = access_control(s->o.access);
    unsigned given;

    if ((password != NULL) + (roles != NULL) + (disabled != NULL) != 1)
        return error_set(e, ERROR_INVALID, "expected one of password, roles and disabled");
    if (password != NULL)
        return users_set_password(control, x->parameter, json_text_at(body, "password"), by, e);
    if (roles != NULL)
        return roles_of_json(roles, &given, e) &&
               users_set_roles(control, x->parameter, given, by, e);
    if (disabled->kind != JSON_BOOL)
        return error_set(e, ERROR_INVALID, "disabled: expected true or false");
    return users_set_disabled(control, x->parameter, disabled->boolean, by, e);
}

enum http_next change_user(struct server *s, struct exchange *x)
{
    static const char *const known[] = {"password", "roles", "disabled", NULL};
    struct control_change by;
    struct json_document *d;
    struct error e;

    if (!has_access(s, x) || !credential_change(x, &by) || (d = body_object(s, x, known)) == NULL)
        return HTTP_ANSWERED;
    if (change_one(s, x, &d->root, &by, &e))
        answer_user(s, x, x->parameter, 200);
    else
        refuse(x, &e);
    json_free(d);
    return HTTP_ANSWERED;
}

/* ---- sessions ---- */

static void add_who(const struct caller *c, const char *csrf, struct buffer *out)
{
    buffer_add_text(out, "{\"kind\":");
    json_add_text(out, caller_actor(c).kind);
    buffer_add_text(out, ",\"id\":");
    json_add_text(out, text_of(c->id));
    buffer_add_text(out, ",\"name\":");
    json_add_text(out, text_of(c->name));
    buffer_add_text(out, ",\"roles\":");
    roles_format(c->roles, out);
    if (csrf[0] != 0)
        buffer_format(out, ",\"csrf\":\"%s\"", csrf);
    buffer_add_char(out, '}');
}

enum http_next show_session(struct server *s, struct exchange *x)
{
    struct access_session session = {.csrf = ""};

    if (s->o.access != NULL &&
        !access_session_of(s->o.access, exchange_header(x, "Cookie"), &session))
        session.csrf[0] = 0;
    add_who(&x->caller, session.csrf, &x->answer);
    return answer_made(x, 200);
}

static void set_cookie(struct server *s, struct exchange *x, const char *token)
{
    struct buffer cookie;

    buffer_init(&cookie, 512);
    access_cookie(s->o.access, token, &cookie);
    exchange_add_header(x, "Set-Cookie", buffer_text(&cookie));
    buffer_fini(&cookie);
}

enum http_next sign_in(struct server *s, struct exchange *x)
{
    static const char *const known[] = {"name", "password", "key", "token", NULL};
    struct access_session session;
    struct json_document *d;
    bool has_name, has_key, has_token;

    if (!has_access(s, x) || (d = body_object(s, x, known)) == NULL)
        return HTTP_ANSWERED;
    has_name = json_get(&d->root, "name") != NULL || json_get(&d->root, "password") != NULL;
    has_key = json_get(&d->root, "key") != NULL;
    has_token = json_get(&d->root, "token") != NULL;
    if (has_name + has_key + has_token > 1) {
        problem_answer(x, 422, "expected name and password, or key, or token: one way at a time");
        json_free(d);
        return HTTP_ANSWERED;
    }
    if (has_key)
        access_sign_in_key(s->o.access, json_text_at(&d->root, "key"), x->address, &session);
    else if (has_token)
        access_sign_in_link(s->o.access, json_text_at(&d->root, "token"), x->address, &session);
    else
        access_sign_in(s->o.access, json_text_at(&d->root, "name"),
                       json_text_at(&d->root, "password"), x->address, &session);
    json_free(d);
    if (session.status != 200) {
        problem_answer(x, session.status, "%s", session.words);
        if (session.wait_s > 0)
            x->retry_after_s = session.wait_s;
        return HTTP_ANSWERED;
    }
    set_cookie(s, x, session.token);
    add_who(&session.caller, session.csrf, &x->answer);
    return answer_made(x, 200);
}

enum http_next make_link(struct server *s, struct exchange *x)
{
    char token[LINK_TEXT_BYTES + 1], until[TIME_TEXT_MAX];
    struct error e;

    if (!has_access(s, x) || !body_is_empty_object(s, x, "a one-time token is made of nothing"))
        return HTTP_ANSWERED;
    if (!access_link(s->o.access, &x->caller, exchange_header(x, "Cookie"), x->address, token, &e))
        return refuse(x, &e);
    time_format(clock_now_us() + LINK_MINUTES * INT64_C(60000000), until);
    buffer_format(&x->answer, "{\"token\":\"%s\",\"expires\":\"%s\"}", token, until);
    return answer_made(x, 201);
}

enum http_next sign_out(struct server *s, struct exchange *x)
{
    if (!has_access(s, x))
        return HTTP_ANSWERED;
    access_sign_out(s->o.access, exchange_header(x, "Cookie"), x->address);
    set_cookie(s, x, "");
    buffer_add_text(&x->answer, "{\"signed_in\":false}");
    return answer_made(x, 200);
}

/* ---- by a provider ---- */

static struct sign_in *provider_of(struct server *s, struct exchange *x)
{
    struct sign_in *p = s->o.access != NULL ? access_provider(s->o.access) : NULL;

    if (p == NULL)
        problem_answer(x, 404, "there is no provider: see access.sign_in of the settings");
    return p;
}

/* Lax, not Strict: the provider leads back from another site. */
static void set_sign_in_cookie(const struct server *s, struct exchange *x, const char *text)
{
    char cookie[SIGN_IN_COOKIE_MAX + 128];

    snprintf(cookie, sizeof cookie,
             SIGN_IN_COOKIE "=%s; Path=/v1/sign-in; HttpOnly; SameSite=Lax; Max-Age=%d%s", text,
             text[0] != 0 ? SIGN_IN_MINUTES * 60 : 0,
             s->o.setting->tls.certificate != NULL ? "; Secure" : "");
    exchange_add_header(x, "Set-Cookie", cookie);
}

enum http_next begin_sign_in(struct server *s, struct exchange *x)
{
    struct sign_in *p = provider_of(s, x);
    char cookie[SIGN_IN_COOKIE_MAX];
    struct buffer url;
    struct error e;

    if (p == NULL)
        return HTTP_ANSWERED;
    buffer_init(&url, SIGN_IN_URL_MAX);
    if (sign_in_begin(p, cookie, &url, &e)) {
        set_sign_in_cookie(s, x, cookie);
        exchange_add_header(x, "Location", buffer_text(&url));
        buffer_add_text(&x->answer, "{\"signed_in\":false}");
        answer_made(x, 302);
    } else {
        problem_answer(x, 503, "sign-in: %s", e.text);
    }
    buffer_fini(&url);
    return HTTP_ANSWERED;
}

/* A page, not a redirect: the session's cookie is Strict, and a browser would leave it out where
 * the way here began at another site. */
static void answer_page(struct exchange *x)
{
    x->status = 200;
    x->content_type = "text/html; charset=utf-8";
    buffer_add_text(&x->answer,
                    "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
                    "<meta http-equiv=\"refresh\" content=\"0; url=/\"><title>Assay</title></head>"
                    "<body><p>You are signed in. <a href=\"/\">Go on</a></p></body></html>\n");
}

enum http_next finish_sign_in(struct server *s, struct exchange *x)
{
    struct sign_in *p = provider_of(s, x);
    const char *refusal = exchange_query(x, "error");
    struct sign_in_return r = {.cookie = cookie_find(exchange_header(x, "Cookie"), SIGN_IN_COOKIE),
                               .state = exchange_query(x, "state"),
                               .code = exchange_query(x, "code"),
                               .from = exchange_query(x, "iss"),
                               .json = seat_get(s)->json,
                               .access = s->o.access};
    struct access_session session;
    struct caller c;
    struct error e;
    bool ok;

    if (p == NULL)
        return HTTP_ANSWERED;
    ok = (refusal == NULL ||
          error_set(&e, ERROR_INVALID, "the provider refused: %.100s", refusal)) &&
         sign_in_finish(p, &r, &c, &e);
    set_sign_in_cookie(s, x, "");
    if (ok) {
        access_admit(s->o.access, &c, x->address, &session);
        set_cookie(s, x, session.token);
        answer_page(x);
    } else {
        access_sign_in_failed(s->o.access, x->address, e.text);
        problem_answer(x, e.kind == ERROR_INVALID ? 401 : 503, "sign-in: %s", e.text);
    }
    return HTTP_ANSWERED;
}
